//! What findings mean: one check after the other, each with a verdict and, where it is not well, what to do. A function
//! from values to values.

use super::diagnosis_phone::checks_of;
use super::findings::{Computer, Database, DeviceFindings, Findings, Libmtp, Trouble};
use crate::report::{ExitCode, bytes, count, shown};

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// All is well.
    Well,
    /// It works, but the person should know.
    Warning,
    /// A sync cannot work so.
    Failed,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was looked at, in words joined by hyphens.
    pub name: &'static str,
    /// How the phone in question is found again; `None` for what concerns this computer.
    pub phone: Option<String>,
    /// How it ended.
    pub verdict: Verdict,
    /// What was found.
    pub text: String,
    /// What to do about it; there is one whenever it did not end well.
    pub fix: Option<String>,
    /// The exit code that says it; [`ExitCode::Done`] unless it failed.
    pub exit: ExitCode,
}

impl Check {
    pub(super) fn well(name: &'static str, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { name, phone: None, verdict: Verdict::Well, text, fix: None, exit: ExitCode::Done }
    }

    pub(super) fn warning(name: &'static str, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { verdict: Verdict::Warning, fix: Some(fix.into()), ..Self::well(name, text) }
    }

    pub(super) fn failed(
        name: &'static str,
        exit: ExitCode,
        text: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self { verdict: Verdict::Failed, fix: Some(fix.into()), exit, ..Self::well(name, text) }
    }

    fn trouble(name: &'static str, trouble: &Trouble) -> Self {
        Self::failed(name, trouble.exit, trouble.message.clone(), trouble.fix.clone())
    }
}

/// The exit code of a diagnosis: the first serious finding's.
#[must_use]
pub fn exit_of(checks: &[Check]) -> ExitCode {
    let first = checks.iter().find(|check| check.verdict == Verdict::Failed);
    first.map_or(ExitCode::Done, |check| check.exit)
}

/// Everything that the findings say: the phones first, then this computer.
#[must_use]
pub fn diagnose(findings: &Findings) -> Vec<Check> {
    let mut checks = match &findings.devices {
        Ok(devices) => phones(devices, findings),
        Err(trouble) => vec![Check::trouble("usb", trouble)],
    };
    checks.extend(computer(findings));
    checks
}

fn phones(devices: &[DeviceFindings], findings: &Findings) -> Vec<Check> {
    if devices.is_empty() {
        return vec![Check::failed(
            "phone",
            ExitCode::NoPhone,
            "no phone is plugged in",
            "plug it in with a cable that carries data (some only charge), switch it on and unlock it",
        )];
    }
    // A phone maker's headset or charging tablet is no fault while there is a phone to sync with.
    let speaks = devices.iter().any(|found| found.device.is_mtp());
    devices.iter().flat_map(|found| checks_of(found, findings, speaks)).collect()
}

fn computer(findings: &Findings) -> Vec<Check> {
    let Computer { udev_rule, libmtp, configuration, profiles, database, exposed, space } =
        &findings.computer;
    let is_denied = findings.devices.as_ref().is_ok_and(|devices| {
        devices.iter().any(|found| found.device.is_mtp() && found.device.access == crate::usb::Access::Denied)
    });
    let rule = match udev_rule {
        Some(path) => Check::well("udev-rule", format!("installed: {}", path.display())),
        None if is_denied => {
            Check::warning("udev-rule", "not installed", "the command that is named above installs it")
        }
        None => Check::well(
            "udev-rule",
            "not installed, which a sync by hand does not need; with it, plugging in starts the sync: sudo tetherbook \
             udev install",
        ),
    };
    let libmtp = Check::well(
        "libmtp",
        match libmtp {
            Libmtp::NotBuiltIn => String::from("not built in; phones are reached without it"),
            Libmtp::BuiltIn(Some(file)) => format!("{file} (the library does not tell its release)"),
            Libmtp::BuiltIn(None) => String::from("built in; which file of it is loaded cannot be told"),
        },
    );
    let configuration = match configuration {
        Ok(Some(path)) => Check::well("configuration", format!("{} is in order", path.display())),
        Ok(None) => Check::well("configuration", "there is none, and none is needed"),
        Err(trouble) => Check::trouble("configuration", trouble),
    };
    let profiles = match profiles {
        Ok((all, 0)) => Check::well("device-profiles", format!("{all} built in, none of your own")),
        Ok((all, own)) => Check::well("device-profiles", format!("{all}, {own} of them your own")),
        Err(trouble) => Check::trouble("device-profiles", trouble),
    };
    let mut checks = vec![rule, libmtp, configuration, profiles, database_check(database)];
    checks.extend(privacy(exposed, database));
    checks.push(space_check(space));
    checks
}

fn database_check(database: &Result<Database, Trouble>) -> Check {
    match database {
        Ok(Database::Absent(path)) => {
            Check::well("database", format!("{} is not there yet; the first sync makes it", path.display()))
        }
        Ok(Database::Sound { path, format, contacts }) => {
            let contacts = count(usize::try_from(*contacts).unwrap_or(usize::MAX), "contact");
            Check::well("database", format!("{} is sound: format {format}, {contacts}", path.display()))
        }
        Err(trouble) => Check::trouble("database", trouble),
    }
}

/// Who may read the contacts on this computer.
fn privacy(exposed: &[(std::path::PathBuf, u32, u32)], database: &Result<Database, Trouble>) -> Vec<Check> {
    if exposed.is_empty() {
        return match database {
            Ok(Database::Absent(_)) => Vec::new(),
            _ => vec![Check::well("privacy", "nobody else on this computer can read the contacts")],
        };
    }
    let warned = exposed.iter().map(|(path, mode, wanted)| {
        let path = path.display();
        Check::warning(
            "privacy",
            format!("others on this computer may open {path} (permissions {mode:04o})"),
            format!("chmod {wanted:o} {path}"),
        )
    });
    warned.collect()
}

/// With less than this, in bytes, a sync may run out of room.
const ROOM_BYTES: u64 = 50_000_000;

fn space_check((folder, free_bytes): &(std::path::PathBuf, Option<u64>)) -> Check {
    let folder = folder.display();
    match free_bytes {
        None => Check::well("disk-space", format!("what is free at {folder} cannot be told")),
        Some(free) if *free < ROOM_BYTES => Check::warning(
            "disk-space",
            format!("only {} free at {folder}", bytes(*free)),
            "free some space on that disk",
        ),
        Some(free) => Check::well("disk-space", format!("{} free at {folder}", bytes(*free))),
    }
}

/// The name of a device in a check.
pub(super) fn label_of(found: &DeviceFindings) -> String {
    shown(&found.device.label())
}
