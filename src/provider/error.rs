//! Why a side could not answer, sorted by what the person should do about it.

use thiserror::Error;

/// A failure of a whole request to one side. A failure of a single write is an [`Outcome`](super::Outcome).
///
/// An error is never an absence: whoever gets one has learned nothing about which items exist.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ProviderError {
    /// No phone answers under that name. Plug it in, or correct the name.
    #[error("no phone found: {0}")]
    NotFound(String),
    /// Another program holds the phone, or the phone kept answering "busy". Close the other program.
    #[error("the phone is busy: {0}")]
    Busy(String),
    /// The phone shows no storage: its screen is locked, or file transfer is off.
    #[error("the phone is locked or not in file-transfer mode: {0}")]
    Locked(String),
    /// The cable went, or the other end stopped answering. Plug in again.
    #[error("the connection to the phone was lost: {0}")]
    Disconnected(String),
    /// This phone has no place with contacts that Tetherbook knows.
    #[error("no contacts channel on this phone: {0}")]
    NoChannel(String),
    /// The other side answered something that makes no sense.
    #[error("the phone answered nonsense: {0}")]
    Protocol(String),
    /// One item cannot be read or understood; the others can.
    #[error("{0}")]
    Item(String),
    /// The item is gone since it was listed.
    #[error("the item is no longer there: {0}")]
    Gone(String),
    /// The disk, the database or the folder refused.
    #[error("{0}")]
    Storage(String),
    /// No export on the phone can be used; a person has to make one.
    #[error("{0}")]
    NoExport(String),
    /// The person wants to stop; nothing more was asked of the side.
    #[error("interrupted")]
    Interrupted,
    /// The database is damaged or was made by a newer version.
    #[error("{0}")]
    Unusable(String),
}

impl ProviderError {
    /// Whether the side as a whole can no longer be talked to, so that the session must end.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        !matches!(self, Self::Item(_) | Self::Gone(_))
    }
}
