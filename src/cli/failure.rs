//! Why a command failed: what to say, what to do about it, and the exit code. All three are decided here, for every
//! kind of error, so that no command has an opinion of its own.

use std::io;
use std::path::Path;

use crate::agent::{PluggedFailure, StartFailure};
use crate::contact::CardError;
use crate::device::{AddressError, ProfileError, TreeError};
use crate::provider::{LedgerError, ProviderError};
use crate::relationship::Side;
use crate::report::{ExitCode, hint_lines, sentence};
use crate::session;
use crate::store::StoreError;
use crate::usb::UsbError;

use super::configuration::fault_words;

/// A command that failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failed {
    /// The exit code.
    pub exit: ExitCode,
    /// What went wrong; empty if it was told already.
    pub message: String,
    /// What the person can do about it.
    pub hint: Option<String>,
}

impl Failed {
    /// A failure with this message and hint.
    #[must_use]
    pub fn new(exit: ExitCode, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit, message: message.into(), hint: Some(hint.into()) }
    }

    /// A failure that no other exit code names.
    #[must_use]
    pub fn general(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ExitCode::Failed, message, hint)
    }

    /// The command line or the configuration is wrong.
    #[must_use]
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(ExitCode::Usage, message, hint)
    }

    /// What a person reads after a session: the error, and its hint in lines; nothing if it was told already.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        if self.message.is_empty() {
            return Vec::new();
        }
        let hints = self.hint.iter().flat_map(|hint| hint_lines(hint)).map(|line| line.render(false));
        std::iter::once(format!("error: {}", self.message)).chain(hints).collect()
    }

    /// It was told already: only the exit code is left.
    #[must_use]
    pub fn told(exit: ExitCode) -> Self {
        Self { exit, message: String::new(), hint: None }
    }

    /// A file or folder could not be used.
    #[must_use]
    pub fn file(doing: &str, path: &Path, error: &io::Error) -> Self {
        let hint = match error.kind() {
            io::ErrorKind::NotFound if doing == "read" => "check the name",
            io::ErrorKind::NotFound => "check the name; the folder must exist",
            io::ErrorKind::PermissionDenied => "check who owns it and its permissions",
            io::ErrorKind::StorageFull => "free some space on that disk, then try again",
            io::ErrorKind::IsADirectory => "name a file, not a folder",
            _ => "check the disk, then try again",
        };
        // A temporary file's own name says nothing to anybody.
        let text = error.to_string();
        let text = text.split(" at path ").next().unwrap_or_default();
        Self::general(format!("{} cannot be {doing}: {text}", path.display()), hint)
    }

    /// Writing results failed. A reader that has seen enough and closed the pipe is no failure.
    #[must_use]
    pub fn output(error: &io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::told(ExitCode::Done);
        }
        Self::general(
            format!("the results cannot be written: {error}"),
            "check where stdout goes and whether its disk is full",
        )
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        let exit = match &error {
            StoreError::Locked { .. } => ExitCode::Locked,
            _ => ExitCode::Failed,
        };
        let error = match error {
            // The lock beside the database is opened first; nobody asked for that.
            StoreError::Unreachable { path, detail } => {
                let path = path.with_file_name(database_name(&path));
                if let Some(failed) = wrong_kind(&path) {
                    return failed;
                }
                StoreError::Unreachable { path, detail }
            }
            error => error,
        };
        // The store's messages say what to do after their last semicolon.
        let text = error.to_string();
        match text.rsplit_once("; ") {
            Some((message, hint)) => Self::new(exit, message, hint),
            None => Self::new(exit, text, "tetherbook status shows what is stored"),
        }
    }
}

/// A database that cannot be opened because a folder stands where a file must be, or the other way round.
fn wrong_kind(path: &Path) -> Option<Failed> {
    let hint = "name a file with --database, or move that out of the way";
    if path.is_dir() {
        let message = format!("the database {} cannot be opened: it is a folder", path.display());
        return Some(Failed::general(message, hint));
    }
    let blocking = path.ancestors().skip(1).find(|above| above.exists()).filter(|above| !above.is_dir())?;
    let message = format!(
        "there can be no database {}: {} is a file, not a folder",
        path.display(),
        blocking.display()
    );
    Some(Failed::general(message, hint))
}

/// The database's name, if this is it or the lock beside it.
fn database_name(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name.strip_suffix(".lock").unwrap_or(&name).to_owned()
}

impl From<StartFailure> for Failed {
    fn from(failure: StartFailure) -> Self {
        match failure {
            StartFailure::Phone(error) => error.into(),
            StartFailure::Store(error) => error.into(),
        }
    }
}

impl From<PluggedFailure> for Failed {
    fn from(failure: PluggedFailure) -> Self {
        let message = failure.to_string();
        match failure {
            PluggedFailure::NonePlugged => Self::new(
                ExitCode::NoPhone,
                message,
                "plug it in with a cable that carries data, unlock it, and choose \"File transfer\" on it; or name a \
                 folder: --phone dir:PATH; or see it work first: tetherbook demo",
            ),
            PluggedFailure::ChargeOnly(_) => Self::new(
                ExitCode::PhoneLocked,
                message,
                "unlock the phone, pull down its notifications, tap the one about USB, and choose \"File transfer\"",
            ),
            PluggedFailure::NoneMeant { plugged, .. } => {
                Self::new(ExitCode::NoPhone, message, format!("plugged in: {}", plugged.join(", ")))
            }
            PluggedFailure::Several(_) => {
                Self::new(ExitCode::Usage, message, "say which: --phone usb:SERIAL, or unplug the others")
            }
            PluggedFailure::NoLibmtp => Self::usage(
                message,
                "leave --transport libmtp out, or build with: cargo build --release --features libmtp",
            ),
            PluggedFailure::Usb(error) => error.into(),
            PluggedFailure::Tree(error) => error.into(),
            PluggedFailure::Store(error) => error.into(),
        }
    }
}

impl From<UsbError> for Failed {
    fn from(error: UsbError) -> Self {
        let message = error.to_string();
        match error {
            UsbError::Gone => {
                Self::new(ExitCode::NoPhone, message, "plug it in again, then run the same command")
            }
            UsbError::NoPermission(_) => Self::general(
                message,
                "tetherbook doctor says what is missing; sudo tetherbook udev install gives it, then plug in again",
            ),
            UsbError::Held(_) => Self::new(
                ExitCode::PhoneBusy,
                message,
                "tetherbook doctor --release asks the desktop to let go of it; or eject the phone in the file manager",
            ),
            UsbError::NoInterface => Self::new(
                ExitCode::PhoneLocked,
                message,
                "unlock the phone and choose \"File transfer\" in its notification about USB",
            ),
            UsbError::NoUsb(_) => Self::new(
                ExitCode::NoPhone,
                message,
                "run it on the computer that the phone is plugged into (a container or virtual machine must be given \
                 the USB); or name a folder: --phone dir:PATH",
            ),
            _ => Self::general(message, "unplug the phone, plug it in again, and run the same command"),
        }
    }
}

impl From<LedgerError> for Failed {
    fn from(error: LedgerError) -> Self {
        let hint = match error {
            LedgerError::Damaged(_) => {
                "keep a copy of the database, then put a backup in its place, or move it away and sync again"
            }
            _ => "check the disk and its free space, then run the same command again",
        };
        Self::general(error.to_string(), hint)
    }
}

impl From<ProviderError> for Failed {
    fn from(error: ProviderError) -> Self {
        Self::from(&session::Failure::Side { side: Side::Phone, error })
    }
}

impl From<TreeError> for Failed {
    fn from(error: TreeError) -> Self {
        Self::from(error.for_side())
    }
}

impl From<AddressError> for Failed {
    fn from(error: AddressError) -> Self {
        let is_path = error.text().contains('/') && !error.text().contains(':');
        let folder = if is_path { error.text() } else { "/path/to/folder" };
        Self::usage(error.to_string(), format!("tetherbook sync --phone dir:{folder}"))
    }
}

impl From<ProfileError> for Failed {
    fn from(error: ProfileError) -> Self {
        let usual = "correct that device profile, or move it away";
        let (line, reason) = match error.reason.strip_prefix("line ").and_then(|rest| rest.split_once(": ")) {
            Some((line, reason)) => (format!(":{line}"), reason),
            None => (String::new(), error.reason.as_str()),
        };
        if !reason.starts_with("unknown ") {
            return Self::usage(format!("device profile {}{line}: {reason}", error.file), usual);
        }
        let (message, hint) = fault_words(reason, None);
        Self::usage(
            format!("device profile {}{line}: {message}", error.file),
            format!("{hint}; or move the file away"),
        )
    }
}

impl From<CardError> for Failed {
    fn from(error: CardError) -> Self {
        Self::general(error.to_string(), "give one vCard: BEGIN:VCARD, its lines, END:VCARD")
    }
}

impl From<&session::Failure> for Failed {
    fn from(failure: &session::Failure) -> Self {
        let exit = failure.exit_code(false);
        match failure {
            session::Failure::Side { error: ProviderError::Interrupted, .. } => {
                Self::from(&session::Failure::Interrupted)
            }
            session::Failure::Side { side, error } => {
                Self { exit, message: sentence(&error.to_string()), hint: Some(side_hint(*side, error)) }
            }
            session::Failure::Memory(error) => Self::from(error.clone()),
            // What stopped it and the ways on are told where the plan is shown.
            session::Failure::Stopped(_) => Self::told(exit),
            session::Failure::CannotUndo(why) => Self::general(
                sentence(why),
                "tetherbook sync first; tetherbook history and restore bring single contacts back",
            ),
            session::Failure::Interrupted => {
                Self::new(exit, failure.to_string(), "run the same command again; it goes on from there")
            }
        }
    }
}

/// What to do about a side that could not be asked.
fn side_hint(side: Side, error: &ProviderError) -> String {
    if side == Side::Pc {
        return String::from("check the disk and its free space, then run the same command again");
    }
    String::from(match error {
        ProviderError::NotFound(_) => {
            "plug the phone in, unlock it and choose file transfer; or name a folder: --phone dir:/path"
        }
        ProviderError::Busy(_) => {
            "close the program that uses the phone (a file manager, a photo importer), then try again"
        }
        ProviderError::Locked(_) => {
            "unlock the phone and choose file transfer; if it is a folder, check its name and that it is mounted"
        }
        ProviderError::Disconnected(_) => {
            "plug the phone in again and run the same command; it goes on from there"
        }
        ProviderError::NoChannel(_) => {
            "tetherbook profiles list shows what can be on a phone; tetherbook profiles new describes another one"
        }
        ProviderError::NoExport(_) => "make a new export on the phone, then run the same command again",
        ProviderError::Protocol(_) => "unplug the phone, plug it in again, then try again",
        ProviderError::Item(_) | ProviderError::Gone(_) => "run the same command again",
        ProviderError::Unusable(_) => {
            "update Tetherbook, if a newer program made that; tetherbook status says what this one knows"
        }
        _ => "check the folder, its permissions and its free space, then try again",
    })
}
