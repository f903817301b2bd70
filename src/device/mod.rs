//! The phone as a simple provider: trees, channels and profiles.
//!
//! - An [`ObjectTree`] is a phone as folders and objects: a [`DirectoryTree`], or MTP over a link.
//! - A channel is how a phone carries contacts on its tree; [`VcardFolder`] is one file per contact.
//! - A [`DeviceProfile`] says which phones have which channel, where, in which dialect and with which quirks; a
//!   [`ProfileSet`] chooses.
//!
//! This room must not name `usb` except where a tree is opened, and must not decide anything about sync.

mod channel;
mod open;
mod profile;
mod profiles;
mod tree;
mod tree_directory;
mod tree_mtp;

#[cfg(test)]
mod tree_conformance;
#[cfg(test)]
mod tree_memory;
#[cfg(test)]
mod tree_mtp_tests;

pub use channel::{Access, NameRule, VcardFolder, VcardFolderOptions};
pub use open::{AddressError, PhoneAddress};
pub use profile::{ChannelKind, ContactsSection, Dates, DeviceProfile, Example, Match, ProfileError, Quirks};
pub use profiles::ProfileSet;
pub use tree::{
    DeviceIdentity, FolderListing, ObjectEntry, ObjectKind, ObjectReference, ObjectTree, Storage,
    TreeCapabilities, TreeError, TreeStatistics, is_plain_name,
};
pub use tree_directory::DirectoryTree;
pub use tree_mtp::MtpTree;
