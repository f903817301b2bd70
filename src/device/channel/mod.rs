//! Channels: how a phone carries contacts. A channel speaks to an object tree and is a simple provider; it must not
//! know how the tree is reached.
//!
//! - [`VcardFolder`] is one vCard file per contact in one folder, two-way. It is written so that a cable pulled at
//!   any byte loses nothing: see `writing` for the order of one replacement and `recovery` for what is done about
//!   what a cut left behind.
//! - `export` is the files with all contacts that an app on the phone writes, one-way, with a file for the way back.

mod choice;
mod contract;
mod decsync;
mod export;
mod finishing;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod locating;
mod marker;
mod names;
mod probing;
mod recovery;
mod vcard_folder;
mod writing;

#[cfg(test)]
mod tests;

pub use choice::{NoMemory, open_channel};
pub use contract::{Access, Channel, ChannelChoices, ChannelOptions};
pub use names::NameRule;
pub use vcard_folder::{VcardFolder, VcardFolderOptions};
