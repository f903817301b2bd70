//! The exit codes, one enum: what a script can rely on.

use serde::Serialize;

/// How a run ended, as the process's exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum ExitCode {
    /// Done, or nothing to do.
    Done = 0,
    /// Something failed that no other code names. With `diff --exit-code`: there are differences.
    Failed = 1,
    /// The command line or the configuration is wrong.
    Usage = 2,
    /// No phone was found, or it went away before anything was written.
    NoPhone = 3,
    /// The phone is busy or another program holds it.
    PhoneBusy = 4,
    /// The phone is locked or not in file-transfer mode.
    PhoneLocked = 5,
    /// Conflicts, or contacts that may be one person, wait for a decision; everything else was synced.
    Conflicts = 6,
    /// A guard stopped the session before anything was written.
    Guard = 7,
    /// This phone has no contacts channel that Tetherbook knows.
    NoChannel = 8,
    /// Some items failed; the others were synced.
    SomeFailed = 9,
    /// Another session holds the lock.
    Locked = 10,
    /// Interrupted; what was finished is kept.
    Interrupted = 130,
}

impl ExitCode {
    /// Every code, in numeric order.
    pub const ALL: [Self; 12] = [
        Self::Done,
        Self::Failed,
        Self::Usage,
        Self::NoPhone,
        Self::PhoneBusy,
        Self::PhoneLocked,
        Self::Conflicts,
        Self::Guard,
        Self::NoChannel,
        Self::SomeFailed,
        Self::Locked,
        Self::Interrupted,
    ];

    /// The number the process ends with.
    #[must_use]
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The sentence in the man page.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Done => "Done, or nothing to do.",
            Self::Failed => "Failed; with diff --exit-code: there are differences.",
            Self::Usage => "The command line or the configuration is wrong.",
            Self::NoPhone => "No phone was found, or it went away before anything was written.",
            Self::PhoneBusy => "The phone is busy or another program holds it.",
            Self::PhoneLocked => "The phone is locked or not in file-transfer mode.",
            Self::Conflicts => "Conflicts are waiting for a decision; everything else was synced.",
            Self::Guard => "A guard stopped the session before anything was written.",
            Self::NoChannel => "This phone has no contacts channel that Tetherbook knows.",
            Self::SomeFailed => "Some items failed; the others were synced.",
            Self::Locked => "Another session holds the lock.",
            Self::Interrupted => "Interrupted; what was finished is kept.",
        }
    }
}

impl Serialize for ExitCode {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(self.number())
    }
}
