//! DecSync.
#![allow(dead_code)]

mod channel;
mod dates;
mod encoding;
mod entry;
mod finding;
mod index;
mod memory;
mod merged;
mod phone_clock;
mod provider;
mod reading;
mod sequences;
mod shelf;
mod staging;
mod upkeep;
mod version;

pub use channel::{DecsyncChannel, is_there};
