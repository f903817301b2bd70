//! Why an MTP operation failed, sorted by what the person or the caller should do next.
//!
//! An error is never an absence: nothing here may be read as "the object does not exist", except [`MtpError::Gone`],
//! which the responder said of one handle.

use thiserror::Error;

use super::code::{operation, response};
use super::dataset::DatasetError;
use super::link::LinkError;

/// How a locked phone showed itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LockedSign {
    /// GetStorageIDs answered an empty list.
    NoStorages,
    /// Response 2008 InvalidStorageID.
    StorageInvalid,
    /// Response 2013 StoreNotAvailable.
    StorageUnavailable,
    /// Response 200F AccessDenied to a request that lists.
    ListingDenied,
}

impl LockedSign {
    /// The sign in words, for a sentence.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::NoStorages => "it shows no storage",
            Self::StorageInvalid => "it does not know its own storage any more",
            Self::StorageUnavailable => "its storage is not available",
            Self::ListingDenied => "it lets nothing be listed",
        }
    }
}

/// Why an operation failed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MtpError {
    /// The cable went, or the phone left the bus. A write under way may have happened.
    #[error("the phone is gone; plug it in again")]
    Disconnected,
    /// The phone did not answer in time. A write under way may have happened; the session is of no more use.
    #[error("the phone did not answer {operation} within {timeout_ms} ms; unplug it and plug it in again")]
    TimedOut {
        /// The operation's name.
        operation: &'static str,
        /// The time allowed, in milliseconds.
        timeout_ms: u64,
    },
    /// The phone is locked, or not in file transfer mode.
    #[error("the phone is locked or not in file transfer mode; unlock it and choose \"File transfer\"")]
    Locked(LockedSign),
    /// The phone kept answering 2019 DeviceBusy.
    #[error("the phone is busy; try again in a minute")]
    Busy,
    /// The person wants to stop; this operation was not sent.
    #[error("interrupted")]
    Interrupted,
    /// Another program holds the interface.
    #[error("another program holds the phone: {0}")]
    Held(String),
    /// The operating system refused the transfer. A write under way may have happened.
    #[error("the operating system refused the transfer: {0}")]
    Refused(String),
    /// The responder does not know the operation (response 2005, or known from DeviceInfo).
    #[error("the phone does not support {}", operation::name(*.0))]
    NotSupported(u16),
    /// The object named by a handle does not exist any more (response 2009).
    #[error("the object is not on the phone any more")]
    Gone,
    /// No room is left (response 200C).
    #[error("the phone's storage is full; free some space on it")]
    StoreFull,
    /// The object or the storage is write protected (responses 200D and 200E).
    #[error("the object or the storage is write protected")]
    ReadOnly,
    /// The responder does not allow this (response 200F).
    #[error("the phone does not allow {}", operation::name(*.0))]
    AccessDenied(u16),
    /// The object's length is not the one announced: it changed while it was read, or the transfer was cut.
    #[error("the object's length is {received_bytes} bytes instead of {expected_bytes}")]
    LengthMismatch {
        /// The length that the listing gave, in bytes.
        expected_bytes: u64,
        /// The length that came, in bytes.
        received_bytes: u64,
    },
    /// Any other response.
    #[error("the phone answered {} with {code:04X} {}", operation::name(*.operation), response::name(*.code))]
    Response {
        /// The operation code.
        operation: u16,
        /// The response code.
        code: u16,
    },
    /// The session ended under way (response 2003): the phone was locked, reset, or its responder restarted.
    #[error("the phone ended the session; start again")]
    SessionLost,
    /// A name or another text of more than 254 UTF-16 units; nothing was sent.
    #[error("a text of {0} UTF-16 units is too long for the phone")]
    TextTooLong(usize),
    /// The responder halted an endpoint instead of answering. A write under way may have happened.
    #[error("the phone refused {0} by halting its endpoint; start again")]
    Stalled(&'static str),
    /// Bytes that break the protocol. A write under way may have happened.
    #[error("the phone broke the protocol: {0}")]
    Protocol(String),
}

impl MtpError {
    /// Turns a link's error into one of this room; `operation` is the operation's name.
    pub(super) fn from_link(error: LinkError, operation: &'static str) -> Self {
        match error {
            LinkError::Gone => Self::Disconnected,
            LinkError::TimedOut(timeout_ms) => Self::TimedOut { operation, timeout_ms },
            LinkError::Stalled => Self::Stalled(operation),
            LinkError::Held(holder) => Self::Held(holder),
            LinkError::Refused(why) => Self::Refused(why),
        }
    }

    /// Turns a response other than OK into an error.
    pub(super) fn from_response(operation: u16, code: u16) -> Self {
        // A locked phone answers its listings as if nothing were there, or as if it were forbidden.
        let lists = matches!(
            operation,
            operation::GET_STORAGE_IDS
                | operation::GET_STORAGE_INFO
                | operation::GET_OBJECT_HANDLES
                | operation::GET_OBJECT_PROP_LIST
        );
        match code {
            response::INVALID_STORAGE_ID => Self::Locked(LockedSign::StorageInvalid),
            response::STORE_NOT_AVAILABLE => Self::Locked(LockedSign::StorageUnavailable),
            response::ACCESS_DENIED if lists => Self::Locked(LockedSign::ListingDenied),
            response::ACCESS_DENIED => Self::AccessDenied(operation),
            response::DEVICE_BUSY => Self::Busy,
            response::OPERATION_NOT_SUPPORTED => Self::NotSupported(operation),
            response::INVALID_OBJECT_HANDLE => Self::Gone,
            response::STORE_FULL => Self::StoreFull,
            response::OBJECT_WRITE_PROTECTED | response::STORE_READ_ONLY => Self::ReadOnly,
            response::SESSION_NOT_OPEN => Self::SessionLost,
            _ => Self::Response { operation, code },
        }
    }

    /// True if the operation may have happened although it failed: what was written must be read back.
    #[must_use]
    pub fn outcome_is_unknown(&self) -> bool {
        matches!(
            self,
            Self::Disconnected
                | Self::TimedOut { .. }
                | Self::Refused(_)
                | Self::Stalled(_)
                | Self::SessionLost
                | Self::Protocol(_)
        )
    }

    /// True if the session should be given up after this error.
    #[must_use]
    pub fn ends_session(&self) -> bool {
        self.outcome_is_unknown() || matches!(self, Self::Held(_) | Self::Interrupted)
    }
}

impl From<DatasetError> for MtpError {
    fn from(error: DatasetError) -> Self {
        match error {
            DatasetError::StringTooLong(units) => Self::TextTooLong(units),
            broken => Self::Protocol(broken.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn responses_are_sorted_by_remedy() {
        let list = operation::GET_OBJECT_HANDLES;
        assert_eq!(MtpError::from_response(list, 0x2008), MtpError::Locked(LockedSign::StorageInvalid));
        assert_eq!(MtpError::from_response(list, 0x200F), MtpError::Locked(LockedSign::ListingDenied));
        let delete = operation::DELETE_OBJECT;
        assert_eq!(MtpError::from_response(delete, 0x200F), MtpError::AccessDenied(delete));
        assert_eq!(MtpError::from_response(delete, 0x200E), MtpError::ReadOnly);
        assert_eq!(
            MtpError::from_response(delete, 0x2012),
            MtpError::Response { operation: delete, code: 0x2012 }
        );
        assert_eq!(
            MtpError::from_response(delete, 0x2012).to_string(),
            "the phone answered DeleteObject with 2012 PartialDeletion"
        );
    }

    #[test]
    fn only_a_definite_answer_is_a_known_outcome() {
        assert!(MtpError::Disconnected.outcome_is_unknown());
        assert!(MtpError::Protocol(String::new()).outcome_is_unknown());
        assert!(!MtpError::StoreFull.outcome_is_unknown());
        assert!(!MtpError::Gone.ends_session());
    }
}
