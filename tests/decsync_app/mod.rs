//! A model of the apps that share contacts in a DecSync directory: the reference library's reading and writing, a
//! phone with DecSync CC, an address book on another computer.
//!
//! It is written from the published format and from watching the reference library run, and must share nothing with
//! the channel that it is there to test: not the hash, not the percent-encoding, not the vCard code.

#![allow(dead_code, unused_imports, reason = "not every test file needs all of the model")]

pub mod clock;
pub mod desktop;
pub mod directory;
pub mod entry;
pub mod library;
pub mod names;
pub mod phone;
pub mod reference;
pub mod vcard;
pub mod version_1;
pub mod version_2;

pub use clock::OffsetClock;
pub use desktop::Desktop;
pub use entry::Entry;
pub use library::Library;
pub use phone::DecsyncCc;
pub use reference::Reference;
