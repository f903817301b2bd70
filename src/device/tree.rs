//! A phone as folders and objects: the seam between how a phone is reached (MTP, a mounted or plain directory) and
//! how it carries contacts. Nothing here knows a contact, a profile or a wire format.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use thiserror::Error;

use crate::provider::{Completeness, Costs, ProviderError, Stamp};

/// A name for an object that only the tree that gave it understands. It may die with the session.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ObjectReference(pub(super) Place);

/// What a reference holds, by kind of tree.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) enum Place {
    /// A path below the tree's root, its components joined by `/`; empty for the root itself.
    Path(Box<str>),
    /// An MTP storage id and object handle; handle 0 stands for the root of the storage.
    Handle {
        /// The StorageID.
        storage: u32,
        /// The object handle, or 0.
        handle: u32,
    },
}

impl fmt::Debug for Place {
    // File names are often people's names.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(path) => write!(formatter, "path of {} bytes", path.len()),
            Self::Handle { storage, handle } => write!(formatter, "{storage:08X}/{handle}"),
        }
    }
}

impl ObjectReference {
    /// Whether this is the younger of two references: responders give handles counting upwards.
    #[must_use]
    pub fn is_younger_than(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (Place::Handle { handle: own, .. }, Place::Handle { handle: others, .. }) => own > others,
            _ => false,
        }
    }
}

/// What an object is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// A file.
    File,
    /// A folder (MTP 3001, Association).
    Folder,
    /// Something with a name that can neither be read nor entered: a symbolic link, a socket.
    Other,
}

/// One object of a folder.
#[derive(Clone, PartialEq, Eq)]
pub struct ObjectEntry {
    /// The file name.
    pub name: String,
    /// What it is.
    pub kind: ObjectKind,
    /// The size in bytes; 0 for a folder.
    pub size_bytes: u64,
    /// The modification date exactly as the other side wrote it; `None` if it wrote none.
    pub modified: Option<Box<str>>,
    /// What names it in further requests.
    pub object: ObjectReference,
}

impl fmt::Debug for ObjectEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ObjectEntry")
            .field("kind", &self.kind)
            .field("size_bytes", &self.size_bytes)
            .field("modified", &self.modified)
            .field("object", &self.object)
            .finish_non_exhaustive()
    }
}

impl ObjectEntry {
    /// Its size and date as one value.
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        Stamp { size_bytes: self.size_bytes, modified: self.modified.clone() }
    }
}

/// The objects of one folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderListing {
    /// The objects in the order given.
    pub entries: Vec<ObjectEntry>,
    /// Whether an object that is not here is not there.
    pub completeness: Completeness,
}

/// One storage: internal memory or a card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// A name that stays with this storage while its id may not: the description or the volume id. Distinct among
    /// the storages of one phone, without `/`.
    pub label: String,
    /// Its root folder.
    pub root: ObjectReference,
    /// Whether it takes writes (MTP StorageInfo access 0).
    pub writable: bool,
}

/// What a tree can do beyond the least that all can.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TreeCapabilities {
    /// Whether an object can be renamed (MTP 9804 on DC07).
    pub rename: bool,
}

/// How a device introduces itself; profiles are chosen by this.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceIdentity {
    /// Whether it is reached as a directory of this computer and not by MTP.
    pub is_directory: bool,
    /// USB vendor and product id; zeros without USB.
    pub usb_id: (u16, u16),
    /// The manufacturer (MTP DeviceInfo).
    pub manufacturer: String,
    /// The model (MTP DeviceInfo).
    pub model: String,
    /// The serial number, or another name that stays with the device; empty if it has none.
    pub serial: String,
    /// The vendor extension description (MTP DeviceInfo), such as `microsoft.com: 1.0; android.com: 1.0;`.
    pub vendor_extension: String,
    /// Object format codes that it lists.
    pub formats: Vec<u16>,
    /// Operation codes that it lists.
    pub operations: Vec<u16>,
}

/// What a conversation cost so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TreeStatistics {
    /// Requests: MTP transactions, or file operations of a directory.
    pub requests: u64,
    /// Bytes of content read.
    pub read_bytes: u64,
    /// Bytes of content written.
    pub written_bytes: u64,
}

/// Why a tree could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TreeError {
    /// The object is not there (MTP 2009), or was listed under a reference that has died.
    #[error("not there any more: {0}")]
    NotFound(String),
    /// Another object has that name already; nothing was changed.
    #[error("the name is taken: {0}")]
    NameTaken(String),
    /// The other side cannot do this at all (MTP 2005, A80A); nothing was changed.
    #[error("not supported here: {0}")]
    NotSupported(String),
    /// The other side said no to this one request: write-protected, full, a name it does not take.
    #[error("{0}")]
    Refused(String),
    /// This object cannot be read whole; others may.
    #[error("{0}")]
    Unreadable(String),
    /// The storage is not available: locked, or not in file-transfer mode (MTP 2008, 2013, no storages).
    #[error("{0}")]
    Locked(String),
    /// Busy for longer than it is sensible to wait, or held by another program.
    #[error("{0}")]
    Busy(String),
    /// The connection went while this was done; what was asked may have happened.
    #[error("{0}")]
    Disconnected(String),
    /// The person wants to stop; a write of several requests may have been begun.
    #[error("interrupted")]
    Interrupted,
    /// The answer makes no sense.
    #[error("{0}")]
    Protocol(String),
    /// The operating system refused to read the directory at all.
    #[error("{0}")]
    Storage(String),
}

impl TreeError {
    /// Whether nothing more can be asked of the other side in this session.
    #[must_use]
    pub fn is_fatal(&self) -> bool {
        matches!(
            self,
            Self::Locked(_)
                | Self::Busy(_)
                | Self::Disconnected(_)
                | Self::Interrupted
                | Self::Protocol(_)
                | Self::Storage(_)
        )
    }

    /// Whether a write that failed so may have happened all the same.
    #[must_use]
    pub fn leaves_doubt(&self) -> bool {
        matches!(self, Self::Disconnected(_) | Self::Interrupted | Self::Protocol(_) | Self::Storage(_))
    }

    /// The error for a request about one item.
    #[must_use]
    pub fn for_item(self, place: &str) -> ProviderError {
        match self {
            Self::NotFound(_) => ProviderError::Gone(place.to_owned()),
            Self::NameTaken(why) | Self::NotSupported(why) | Self::Refused(why) | Self::Unreadable(why) => {
                ProviderError::Item(format!("{place}: {why}"))
            }
            fatal => fatal.for_side(),
        }
    }

    /// The error for a request about the side as a whole: an object that is missing here is no absent item.
    #[must_use]
    pub fn for_side(self) -> ProviderError {
        match self {
            Self::Locked(why) => ProviderError::Locked(why),
            Self::Busy(why) => ProviderError::Busy(why),
            Self::Disconnected(why) => ProviderError::Disconnected(why),
            Self::Interrupted => ProviderError::Interrupted,
            Self::Protocol(why) => ProviderError::Protocol(why),
            Self::Storage(why) | Self::Refused(why) | Self::Unreadable(why) => ProviderError::Storage(why),
            Self::NotFound(what) => ProviderError::Storage(format!("{what} is no longer on the phone")),
            Self::NameTaken(what) => ProviderError::Storage(format!("the name {what} is taken on the phone")),
            Self::NotSupported(what) => ProviderError::Storage(format!("the phone does not support {what}")),
        }
    }
}

/// Folders and objects of one phone.
///
/// A name that is passed in is one path component; implementations refuse others. No implementation overwrites.
pub trait ObjectTree {
    /// How the device introduced itself.
    fn identity(&self) -> &DeviceIdentity;

    /// What it can do. May shrink during a session, when a request is answered with "not supported".
    fn capabilities(&self) -> TreeCapabilities;

    /// The storages, at least one.
    ///
    /// # Errors
    /// [`TreeError::Locked`] if there is none: a locked phone shows none.
    fn storages(&mut self) -> Result<Vec<Storage>, TreeError>;

    /// The objects directly in a folder.
    ///
    /// # Errors
    /// When the folder cannot be listed. A listing that came short is no error but incomplete.
    fn list(&mut self, folder: &ObjectReference) -> Result<FolderListing, TreeError>;

    /// The object directly in `folder` whose name is `name`, letter case included; `None` only if it is surely not
    /// there.
    ///
    /// # Errors
    /// When the folder cannot be listed, or was not listed whole and the object was not in what was.
    fn find(&mut self, folder: &ObjectReference, name: &str) -> Result<Option<ObjectEntry>, TreeError> {
        let listing = self.list(folder)?;
        match (listing.entries.into_iter().find(|entry| entry.name == name), listing.completeness) {
            (Some(entry), _) => Ok(Some(entry)),
            (None, Completeness::Complete) => Ok(None),
            (None, Completeness::Incomplete(why) | Completeness::PresentOnly(why)) => {
                Err(TreeError::Unreadable(why))
            }
        }
    }

    /// The content of a file of `size_bytes` bytes, whole.
    ///
    /// # Errors
    /// [`TreeError::Unreadable`] if fewer bytes came, or more than `limit_bytes` would.
    fn read(
        &mut self,
        object: &ObjectReference,
        size_bytes: u64,
        limit_bytes: u64,
    ) -> Result<Vec<u8>, TreeError>;

    /// Says with which object format (MTP) cards are to be announced from now on. Where files have no formats, and without
    /// this, the tree does as it thinks best.
    fn announce_cards_as(&mut self, _format: u16) {}

    /// Makes a new file. The caller has made sure that the name is free; where the other side tells, a taken name
    /// is an error and never an overwrite. On an error that is not fatal nothing is left behind.
    ///
    /// # Errors
    /// When it could not be made.
    fn create(
        &mut self,
        folder: &ObjectReference,
        name: &str,
        bytes: &[u8],
    ) -> Result<ObjectReference, TreeError>;

    /// Removes one file.
    ///
    /// # Errors
    /// When it could not be removed.
    fn delete(&mut self, object: &ObjectReference) -> Result<(), TreeError>;

    /// Gives a file another name in the same folder; the caller has made sure that it is free. The answer is what
    /// the other side said, which some devices say without having done it.
    ///
    /// # Errors
    /// [`TreeError::NotSupported`] where there is no renaming.
    fn rename(&mut self, object: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError>;

    /// Makes a folder.
    ///
    /// # Errors
    /// When it could not be made.
    fn make_folder(&mut self, folder: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError>;

    /// One object as it is now, in the same terms as a listing tells it; without a date if it cannot be told so.
    ///
    /// # Errors
    /// [`TreeError::NotFound`] if it is gone.
    fn stat(&mut self, object: &ObjectReference) -> Result<ObjectEntry, TreeError>;

    /// What the conversation cost so far.
    fn statistics(&self) -> TreeStatistics;

    /// The same by operation; where there are no named operations, "requests".
    fn costs(&self) -> Costs {
        let TreeStatistics { requests, read_bytes, written_bytes } = self.statistics();
        Costs {
            transactions: BTreeMap::from([(String::from("requests"), requests)]),
            bytes_in: read_bytes,
            bytes_out: written_bytes,
        }
    }

    /// What is worth remembering of how this device works, for the next session to begin with; empty if nothing is.
    fn habits(&self) -> String {
        String::new()
    }

    /// Ends the conversation; errors no longer matter.
    fn close(&mut self) {}
}

/// The labels of one phone's storages, one after the other. An item's place begins with its storage's label, so that
/// every way to a phone must come to the same ones.
#[derive(Debug, Default)]
pub(super) struct StorageLabels(BTreeSet<String>);

impl StorageLabels {
    /// The next storage's label: its description, or else its volume id; without slashes, and unlike those before it.
    pub(super) fn next(&mut self, description: &str, volume: &str) -> String {
        let texts = [description, volume, "Storage"];
        let text = texts.into_iter().map(str::trim).find(|text| !text.is_empty()).unwrap_or_default();
        let plain = text.replace(['/', '\\'], "_");
        let mut label = plain.clone();
        let mut number = 2;
        while !self.0.insert(label.clone()) {
            label = format!("{plain} {number}");
            number += 1;
        }
        label
    }
}

/// Whether `name` is one path component that can be asked of a phone.
#[must_use]
pub fn is_plain_name(name: &str) -> bool {
    !name.is_empty() && name != "." && name != ".." && !name.contains(['/', '\\', '\0'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_out_of_debug_output() {
        let object = ObjectReference(Place::Path("Contacts/Ada Example.vcf".into()));
        let entry = ObjectEntry {
            name: "Ada Example.vcf".to_owned(),
            kind: ObjectKind::File,
            size_bytes: 1,
            modified: None,
            object,
        };
        assert!(!format!("{entry:?}").contains("Ada"));
    }

    #[test]
    fn an_error_of_the_whole_side_is_never_a_missing_item() {
        for error in [
            TreeError::Locked(String::new()),
            TreeError::Busy(String::new()),
            TreeError::Disconnected(String::new()),
            TreeError::Interrupted,
            TreeError::Protocol(String::new()),
            TreeError::Storage(String::new()),
        ] {
            assert!(error.is_fatal());
            assert!(error.clone().for_item("a.vcf").is_fatal(), "{error:?}");
        }
        for error in [TreeError::Refused(String::new()), TreeError::Unreadable(String::new())] {
            assert!(matches!(error.for_item("a.vcf"), ProviderError::Item(_)));
        }
        let gone = TreeError::NotFound("the folder".to_owned());
        assert!(matches!(gone.clone().for_item("a.vcf"), ProviderError::Gone(_)));
        assert!(gone.for_side().is_fatal(), "a folder that is gone is no absent item");
    }
}
