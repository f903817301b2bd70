//! The files that `udev install` writes: recognised by their first line, replaced as a whole, never put in the place of
//! somebody else's; and telling udev. It must not know what stands in them.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A file that the program writes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnFile {
    /// Where it stands.
    pub path: PathBuf,
    /// Its first line, which says that it is ours.
    pub mark: &'static str,
}

/// What was done with a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Left {
    /// It is new.
    Written,
    /// An older one of ours is gone.
    Replaced,
    /// It had this content already.
    Kept,
    /// It is gone.
    Removed,
    /// It was not there.
    Absent,
}

/// Why a file could not be written or removed.
#[derive(Debug)]
pub enum FileFault {
    /// Somebody else made what stands there.
    Foreign(PathBuf),
    /// The system said no.
    Io {
        /// Which file or folder.
        path: PathBuf,
        /// What was being done: "written", "read", "removed".
        doing: &'static str,
        /// What it said.
        error: io::Error,
    },
}

impl OwnFile {
    /// Whether there is such a file, made by this program.
    ///
    /// # Errors
    /// [`FileFault::Foreign`] if somebody else made it.
    pub fn is_ours(&self) -> Result<bool, FileFault> {
        Ok(self.content()?.is_some())
    }

    fn content(&self) -> Result<Option<Vec<u8>>, FileFault> {
        // A link to /dev/null is how an administrator switches a rule or a unit off: that is somebody's will too.
        let is_link = fs::symlink_metadata(&self.path).is_ok_and(|metadata| metadata.is_symlink());
        match fs::read(&self.path) {
            Ok(bytes)
                if !is_link && bytes.split(|byte| *byte == b'\n').next() == Some(self.mark.as_bytes()) =>
            {
                Ok(Some(bytes))
            }
            Ok(_) => Err(FileFault::Foreign(self.path.clone())),
            Err(_) if is_link => Err(FileFault::Foreign(self.path.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(self.fault("read", error)),
        }
    }

    /// Puts `content` there, as a whole or not at all, readable for everybody.
    ///
    /// # Errors
    /// When somebody else's file stands there or it cannot be written.
    pub fn write(&self, content: &str) -> Result<Left, FileFault> {
        let before = self.content()?;
        if before.as_deref() == Some(content.as_bytes()) {
            return Ok(Left::Kept);
        }
        let folder = self.path.parent().unwrap_or_else(|| Path::new("/"));
        let written = fs::create_dir_all(folder).and_then(|()| {
            // Not named .rules or .service, so that nobody reads half of it.
            let mut file = tempfile::Builder::new().prefix(".tetherbook").tempfile_in(folder)?;
            file.write_all(content.as_bytes())?;
            // Users' service managers read the unit, whatever root's umask is.
            file.as_file().set_permissions(Permissions::from_mode(0o644))?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|error| error.error)?;
            Ok(())
        });
        written.map_err(|error| self.fault("written", error))?;
        Ok(if before.is_some() { Left::Replaced } else { Left::Written })
    }

    /// Takes the file away.
    ///
    /// # Errors
    /// When it is somebody else's or cannot be removed.
    pub fn remove(&self) -> Result<Left, FileFault> {
        if self.content()?.is_none() {
            return Ok(Left::Absent);
        }
        fs::remove_file(&self.path).map_err(|error| self.fault("removed", error))?;
        Ok(Left::Removed)
    }

    fn fault(&self, doing: &'static str, error: io::Error) -> FileFault {
        FileFault::Io { path: self.path.clone(), doing, error }
    }
}

/// The calls of udevadm(8) that let the rules count now. Only what may be a phone is looked at again: other devices may
/// have rules that do more than give access. "bind" and not "change", which libmtp's rules and libgphoto2's pass over, so
/// that their properties would be gone until the next plug; and not "add", at which gvfs would mount once more.
const UDEV_CALLS: [&[&str]; 2] = [
    &["control", "--reload"],
    &[
        "trigger",
        "--action=bind",
        "--subsystem-match=usb",
        "--property-match=ID_USB_INTERFACES=*:060101:*",
        "--property-match=ID_MTP_DEVICE=1",
        "--property-match=ID_MEDIA_PLAYER=?*",
    ],
];

/// Makes the calls through `run`.
///
/// # Errors
/// The call that failed and what it said, in one line.
pub fn tell_udev(run: impl Fn(&[&str]) -> io::Result<Output>) -> Result<(), String> {
    for call in UDEV_CALLS {
        let what = format!("udevadm {}", call.first().copied().unwrap_or_default());
        let output = run(call).map_err(|error| format!("{what}: {error}"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(format!("{what}: {}", said.lines().last().unwrap_or("it failed")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::os::unix::process::ExitStatusExt;
    use std::process::ExitStatus;

    fn file(folder: &Path) -> OwnFile {
        OwnFile { path: folder.join("a/b.rules"), mark: "# mark" }
    }

    #[test]
    fn it_is_written_once_replaced_and_removed() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path());
        assert_eq!(file.remove().unwrap(), Left::Absent);
        assert_eq!(file.write("# mark\none\n").unwrap(), Left::Written);
        assert_eq!(file.write("# mark\none\n").unwrap(), Left::Kept);
        assert_eq!(file.write("# mark\ntwo\n").unwrap(), Left::Replaced);
        assert_eq!(fs::read_to_string(&file.path).unwrap(), "# mark\ntwo\n");
        assert_eq!(fs::metadata(&file.path).unwrap().permissions().mode() & 0o777, 0o644);
        assert_eq!(fs::read_dir(file.path.parent().unwrap()).unwrap().count(), 1, "nothing else is left");
        assert_eq!(file.remove().unwrap(), Left::Removed);
        assert!(!file.path.exists());
    }

    #[test]
    fn what_somebody_else_made_is_left_as_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let file = file(folder.path());
        fs::create_dir(folder.path().join("a")).unwrap();
        let foreign = |result: Result<Left, FileFault>| matches!(result, Err(FileFault::Foreign(_)));
        for content in ["", "# mark, nearly\n", "\n# mark\n"] {
            fs::write(&file.path, content).unwrap();
            assert!(foreign(file.write("# mark\n")) && foreign(file.remove()), "{content:?}");
            assert_eq!(fs::read_to_string(&file.path).unwrap(), content);
        }
        for target in ["/dev/null", "/nowhere"] {
            fs::remove_file(&file.path).unwrap();
            std::os::unix::fs::symlink(target, &file.path).unwrap();
            assert!(foreign(file.write("# mark\n")) && foreign(file.remove()), "{target}");
        }
    }

    #[test]
    fn udev_is_told_in_order_and_the_first_failure_is_repeated() {
        let calls = RefCell::new(Vec::new());
        let output = |status, text: &str| Output {
            status: ExitStatus::from_raw(status),
            stdout: Vec::new(),
            stderr: text.into(),
        };
        let run = |arguments: &[&str]| {
            calls.borrow_mut().push(arguments[0].to_owned());
            Ok(output(0, ""))
        };
        tell_udev(run).unwrap();
        assert_eq!(*calls.borrow(), ["control", "trigger"]);
        let said = tell_udev(|_| Ok(output(256, "first\nno udev runs\n"))).unwrap_err();
        assert_eq!(said, "udevadm control: no udev runs");
        assert!(tell_udev(|_| Err(io::Error::from(io::ErrorKind::NotFound))).is_err());
    }
}
