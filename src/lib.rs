//! Tetherbook keeps the contacts on a phone and the contacts on a PC the same, over the USB cable, with no cloud.

pub mod contact;
pub mod device;
pub mod ics;
pub mod mtp;
pub mod plan;
pub mod provider;
pub mod relationship;
pub mod sim;
pub mod store;
