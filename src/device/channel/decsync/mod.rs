//! DecSync.
#![allow(dead_code)]

mod dates;
mod encoding;
mod entry;
mod index;
mod merged;
mod phone_clock;
mod sequences;
mod version;
