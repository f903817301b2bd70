//! Keeps libmtp from writing into this program's output.
//!
//! libmtp prints in the middle of its work, at every debug level: what it takes a device for on the standard output
//! ("Device 0 (VID=...", "Android device detected"), failures on the standard error. So both point to nowhere while
//! it works. What it prints on the standard output stays in the C library's buffer, which is written when the
//! program ends: [`discard_foreign_output`] is for then. It must not hide what this program itself prints.

use std::fs::File;
use std::io::{self, Write as _};
use std::os::fd::{AsFd, OwnedFd};

use rustix::stdio::{dup2_stderr, dup2_stdout};

/// While it lives, the standard output and the standard error point to nowhere.
pub(super) struct Quiet {
    output: Option<OwnedFd>,
    errors: Option<OwnedFd>,
}

/// Where output goes that nobody wants.
fn nowhere() -> io::Result<File> {
    File::options().write(true).open("/dev/null")
}

impl Quiet {
    /// Turns both away. Where that cannot be done, libmtp is heard.
    pub(super) fn begin() -> Self {
        let mut quiet = Self { output: None, errors: None };
        let Ok(nowhere) = nowhere() else { return quiet };
        // What this program has printed and not written yet must not be lost.
        if io::stdout().flush().is_ok()
            && let Ok(kept) = io::stdout().as_fd().try_clone_to_owned()
            && dup2_stdout(&nowhere).is_ok()
        {
            quiet.output = Some(kept);
        }
        if let Ok(kept) = io::stderr().as_fd().try_clone_to_owned()
            && dup2_stderr(&nowhere).is_ok()
        {
            quiet.errors = Some(kept);
        }
        quiet
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // Putting back a descriptor that was open a moment ago does not fail.
        if let Some(kept) = self.output.take() {
            let _ = dup2_stdout(kept);
        }
        if let Some(kept) = self.errors.take() {
            let _ = dup2_stderr(kept);
        }
    }
}

/// Writes this program's standard output and then closes the way for what libmtp has left in the C library's buffer.
/// For the very end of the program.
pub fn discard_foreign_output() {
    let is_written = io::stdout().flush().is_ok();
    if is_written && let Ok(nowhere) = nowhere() {
        // Where it cannot be done, a line of libmtp's is seen.
        let _ = dup2_stdout(nowhere);
    }
}
