//! Why the store could not do what was asked, sorted by what the person should do about it.
//!
//! No variant carries content of a contact: SQLite's messages name tables and columns, never values.

use std::path::{Path, PathBuf};

use rusqlite::ErrorCode;
use thiserror::Error;

use crate::provider::{ItemId, LedgerError, ProviderError};

/// A request to the store that failed. Nothing of it was kept.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The disk is full.
    #[error("there is no room left for the database {}; free some space on that disk, then try again", path.display())]
    Full {
        /// The database.
        path: PathBuf,
    },
    /// Another connection kept the database for longer than the waiting time.
    #[error("another program is writing to the database {}; wait until it is done, then try again", path.display())]
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// The database file is damaged.
    #[error(
        "the database {} is damaged ({detail}); keep a copy of it, then put a backup in its place, or move it away \
         and sync again: the phone's contacts are not affected",
        path.display()
    )]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The file is something else.
    #[error("{} is not a Tetherbook database ({detail}); name another file, this one was left as it is", path.display())]
    Foreign {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The database was made by a newer version.
    #[error(
        "the database {} was made by a newer Tetherbook (format {found}; this one knows up to {known}); install that \
         version or a later one, the file was left as it is",
        path.display()
    )]
    Newer {
        /// The database.
        path: PathBuf,
        /// The format it has.
        found: i64,
        /// The newest format known here.
        known: i64,
    },
    /// The database may only be read: by its permissions, or because it was opened for a dry run.
    #[error(
        "the database {} can only be read here; check who owns the file and its folder and whether the disk is \
         mounted read-only (a dry run never writes)",
        path.display()
    )]
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// The file or its folder cannot be reached.
    #[error(
        "the database {} cannot be opened: {detail}; check its folder, the permissions and the room on that disk",
        path.display()
    )]
    Unreachable {
        /// The file.
        path: PathBuf,
        /// What the system said.
        detail: String,
    },
    /// Another process of Tetherbook holds the session lock.
    #[error("another Tetherbook session is running{}; wait until it has ended, then try again", holder(*pid))]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// The process that holds it, if it said so.
        pid: Option<u32>,
    },
    /// The contact is not in the book, or was removed.
    #[error("there is no contact {0} in this book; list the contacts to see their numbers")]
    NoSuchContact(ItemId),
    /// The contact was changed since it was looked at.
    #[error("contact {0} was changed meanwhile; look at it again, then repeat the change")]
    Stale(ItemId),
    /// The request contradicts what is stored, or its order; nothing was changed.
    #[error("{0}")]
    Refused(String),
    /// The disk or SQLite failed in another way.
    #[error(
        "the database {} could not be used: {detail}; check the disk and the room on it, then try again",
        path.display()
    )]
    Failed {
        /// The database.
        path: PathBuf,
        /// What SQLite said.
        detail: String,
    },
}

fn holder(pid: Option<u32>) -> String {
    pid.map(|pid| format!(" (process {pid})")).unwrap_or_default()
}

impl From<StoreError> for LedgerError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged { .. } | StoreError::Foreign { .. } => Self::Damaged(error.to_string()),
            other => Self::Failed(other.to_string()),
        }
    }
}

impl From<StoreError> for ProviderError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Damaged { .. } | StoreError::Foreign { .. } | StoreError::Newer { .. } => {
                Self::Unusable(error.to_string())
            }
            StoreError::NoSuchContact(_) => Self::Gone(error.to_string()),
            other => Self::Storage(other.to_string()),
        }
    }
}

/// A failure inside the room, before the file's name is known.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite refused.
    Sqlite(rusqlite::Error),
    /// What was read makes no sense.
    Damaged(String),
    /// An error that needs no file name.
    Said(StoreError),
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Fault {
    fn from(error: StoreError) -> Self {
        Self::Said(error)
    }
}

impl Fault {
    /// Says what contradicts.
    pub(super) fn refused(reason: impl Into<String>) -> Self {
        Self::Said(StoreError::Refused(reason.into()))
    }

    /// The error for the person, about the database at `path`.
    pub(super) fn at(self, path: &Path) -> StoreError {
        let path = path.to_path_buf();
        match self {
            Self::Said(error) => error,
            Self::Damaged(detail) => StoreError::Damaged { path, detail },
            Self::Sqlite(error) => explain(&error, path),
        }
    }
}

/// Sorts SQLite's result codes by remedy.
fn explain(error: &rusqlite::Error, path: PathBuf) -> StoreError {
    let detail = error.to_string();
    let code = match error {
        rusqlite::Error::SqliteFailure(failure, _) => failure.code,
        // A column with a type that the schema forbids: the file was changed from outside.
        rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::Utf8Error(..) => return StoreError::Damaged { path, detail },
        _ => return StoreError::Failed { path, detail },
    };
    match code {
        ErrorCode::DiskFull => StoreError::Full { path },
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Busy { path },
        ErrorCode::DatabaseCorrupt => StoreError::Damaged { path, detail },
        ErrorCode::NotADatabase => StoreError::Foreign { path, detail },
        ErrorCode::ReadOnly => StoreError::ReadOnly { path },
        ErrorCode::CannotOpen | ErrorCode::PermissionDenied => StoreError::Unreachable { path, detail },
        ErrorCode::ConstraintViolation => StoreError::Refused(format!(
            "the database refused a contradiction ({detail}); nothing was changed"
        )),
        _ => StoreError::Failed { path, detail },
    }
}

/// A number that SQLite can hold: it has signed 64-bit integers only.
pub(super) fn to_integer(number: u64) -> Result<i64, Fault> {
    i64::try_from(number)
        .map_err(|_| Fault::refused(format!("the number {number} is too large for the database")))
}

/// A number that cannot be negative.
pub(super) fn from_integer(number: i64, what: &str) -> Result<u64, Fault> {
    u64::try_from(number).map_err(|_| Fault::Damaged(format!("{what} is negative")))
}

/// A blob that must be a SHA-256.
pub(super) fn digest(blob: &[u8]) -> Result<[u8; 32], Fault> {
    blob.try_into().map_err(|_| Fault::Damaged("a SHA-256 has the wrong length".to_owned()))
}
