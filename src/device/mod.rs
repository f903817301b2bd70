//! The phone as a simple provider: trees, channels and profiles.
//!
//! - An [`ObjectTree`] is a phone as folders and objects: a [`DirectoryTree`], MTP over a link, or the system's
//!   libmtp (feature `libmtp`).
//! - A channel is how a phone carries contacts on its tree; [`VcardFolder`] is one file per contact.
//! - A [`DeviceProfile`] says which phones have which channel, where, in which dialect and with which quirks; a
//!   [`ProfileSet`] chooses.
//!
//! This room must not name `usb` except where a tree is opened, and must not decide anything about sync.

mod channel;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod libmtp_table;
mod open;
mod profile;
mod profile_guide;
mod profile_match;
mod profile_quirks;
mod profiles;
mod search;
mod survey;
mod tree;
mod tree_directory;
mod tree_interruptible;
#[cfg(feature = "libmtp")]
mod tree_libmtp;
#[cfg(feature = "libmtp")]
mod tree_libmtp_device;
#[cfg(feature = "libmtp")]
mod tree_libmtp_quiet;
#[cfg(feature = "libmtp")]
mod tree_libmtp_real;
#[cfg(feature = "libmtp")]
#[cfg(test)]
mod tree_libmtp_tests;
mod tree_mtp;

#[cfg(test)]
mod tree_conformance;
#[cfg(test)]
mod tree_lab_tests;
#[cfg(test)]
mod tree_memory;
#[cfg(test)]
mod tree_mtp_tests;

pub use channel::{
    Access, Channel, ChannelChoices, ChannelOptions, NameRule, NoMemory, VcardFolder, VcardFolderOptions,
    open_channel,
};
pub use libmtp_table::{LibmtpFlags, LibmtpKnown, libmtp_knows, libmtp_table};
pub use open::{AddressError, PhoneAddress};
pub use profile::{
    ChannelKind, ContactsSection, Dates, DeviceProfile, Example, ExportLayout, ExportSection, Guide, Match,
    ProfileError, Quirks, Transport, Unmet,
};
pub use profiles::ProfileSet;
pub use search::Search;
pub use survey::SurveyedStorage;
pub use tree::{
    DeviceIdentity, FolderListing, ObjectEntry, ObjectKind, ObjectReference, ObjectTree, Storage,
    TreeCapabilities, TreeError, TreeStatistics, is_plain_name,
};
pub use tree_directory::DirectoryTree;
pub use tree_interruptible::InterruptibleTree;
#[cfg(feature = "libmtp")]
pub use tree_libmtp::LibmtpTree;
#[cfg(feature = "libmtp")]
pub use tree_libmtp_quiet::discard_foreign_output;
pub use tree_mtp::MtpTree;
