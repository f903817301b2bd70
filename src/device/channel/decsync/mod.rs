//! DecSync: the folder that DecSync CC and other apps keep in step with an address book. Each app writes only in a
//! folder of its own, and the newest entry of a contact counts, whoever wrote it.
//!
//! - The format: `version` (which folder is one), `encoding` (names and buckets), `entry` (lines and files of them),
//!   `sequences` (counters), `dates`. Which entry counts is decided in `merged`, what may be written when in
//!   `phone_clock`. All of these are pure.
//! - On the phone: `shelf` reads and writes files, `finding` looks for the folder, `address_book` for the address book
//!   in it, `reading` reads what other apps wrote, `upkeep` looks after our own folder, `staging` notes writes and
//!   `batch` carries them out.
//! - In the memory: `index` is what is remembered of other apps' files, `memory` keeps it and the mirror of ours,
//!   `replaced` is what our entries took the place of while an app may not know them; `knowledge` finds that out.
//! - `channel` is a session with one address book, `provider` what the rest of the program sees of it.
//!
//! What is written goes through the memory first, then into bucket files, and the counters last: a reader is never told
//! of a file that is not there, and a cut at any byte is mended from the memory. An address book is never deleted here,
//! and a deletion in an app is a matter for the guards. This folder must not know how a phone is reached.

mod address_book;
mod batch;
mod channel;
mod dates;
mod encoding;
mod entry;
mod finding;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod index;
mod knowledge;
mod measuring;
mod memory;
mod merged;
mod phone_clock;
mod provider;
mod reading;
mod replaced;
mod sequences;
mod shelf;
mod staging;
mod upkeep;
mod version;

#[cfg(test)]
mod cut_tests;
#[cfg(test)]
mod phone_tests;
#[cfg(test)]
mod test_bench;
#[cfg(test)]
mod tests;

pub use channel::{DecsyncChannel, Sought};
