//! Tetherbook keeps the contacts on a phone and the contacts on a PC the same, over the USB cable, with no cloud.
//!
//! The crate is one room per module; ARCHITECTURE.md has the picture, and `tests/tidy.rs` holds which room may
//! import which. Reading order: [`contact`], [`provider`], [`plan`], [`session`]; then [`mtp`], [`device`],
//! [`store`] for the two sides, [`sim`] for the phone that the tests and the demo sync with.

pub mod agent;
pub mod cli;
pub mod contact;
pub mod device;
#[cfg(test)]
mod fuzz_corpus;
pub mod ics;
pub mod mtp;
pub mod plan;
pub mod provider;
pub mod relationship;
pub mod report;
pub mod session;
pub mod sim;
pub mod store;
pub mod usb;
