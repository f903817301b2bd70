//! Export files: a phone whose contacts leave it as files that an app writes, and return as a file that a person
//! opens. It must not write or delete a contact on the phone.
//!
//! - `finding` looks for files, `dates` and `choosing` put them in order, `judging` says which is a whole export.
//! - `identity` gives each card the number of the contact that it is, by what was `remembered`.
//! - `channel` is the simple provider that comes of it, `taking` its listing, `words` what it tells a person.
//! - `offers` leaves what is new on the PC for the person; `pruning` removes exports that are superfluous.

mod channel;
mod choosing;
mod dates;
mod finding;
mod identity;
mod judging;
mod offers;
mod offers_decide;
mod offers_memory;
mod offers_notes;
mod pruning;
mod remembered;
mod taking;
mod words;

#[cfg(test)]
mod export_tests;
#[cfg(test)]
mod offers_tests;

pub use channel::{ExportChannel, is_there};
