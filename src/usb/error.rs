//! Why a device on the bus cannot be used, sorted by what the person should do.

use std::path::PathBuf;

use thiserror::Error;

use super::holders::Holder;
use crate::mtp::LinkError;

/// Why the bus or one device of it cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UsbError {
    /// This computer has no USB that can be reached.
    #[error("this computer has no USB that can be reached: {0}")]
    NoUsb(String),
    /// The device left the bus.
    #[error("the phone is gone; plug it in again")]
    Gone,
    /// The device node may not be opened by this user.
    #[error("no permission to open {}", .0.display())]
    NoPermission(PathBuf),
    /// Another program has claimed the interface; the programs that were found to have the device open.
    #[error("another program holds the phone: {}", names(.0))]
    Held(Vec<Holder>),
    /// The device has no interface that speaks MTP.
    #[error("it offers no file transfer (MTP)")]
    NoInterface,
    /// The operating system refused for another reason.
    #[error("the operating system refused: {0}")]
    Refused(String),
}

/// The holders for a sentence.
fn names(holders: &[Holder]) -> String {
    if holders.is_empty() {
        return String::from("one that cannot be seen by this user");
    }
    let texts: Vec<String> = holders.iter().map(ToString::to_string).collect();
    texts.join(", ")
}

impl From<UsbError> for LinkError {
    fn from(error: UsbError) -> Self {
        match error {
            UsbError::Gone => Self::Gone,
            UsbError::Held(holders) => Self::Held(names(&holders)),
            other => Self::Refused(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holders_are_named_and_unseen_ones_admitted() {
        let gvfs = Holder { process_id: 41, program: String::from("gvfsd-mtp") };
        assert_eq!(
            UsbError::Held(vec![gvfs]).to_string(),
            "another program holds the phone: gvfsd-mtp (process 41)"
        );
        assert!(UsbError::Held(Vec::new()).to_string().ends_with("cannot be seen by this user"));
        assert_eq!(LinkError::from(UsbError::Gone), LinkError::Gone);
    }
}
