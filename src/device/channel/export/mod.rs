//! Export files: a phone whose contacts leave it as files that an app writes, and return as a file that a person
//! opens. It must not write or delete a contact on the phone.
//!
//! - `presence` says whether there are any; `finding` looks for files, `dates` and `exports` put them in order, `judging`
//!   says which is a whole export, and `choosing` takes the newest.
//! - `identity` gives each card the number of the contact that it is, by what was `remembered`.
//! - `channel` is the simple provider that comes of it, `taking` its listing, `words` what it tells a person.
//! - `returning` is the way back: `offers` leaves what is new on the PC for the person, `pruning` says which exports are
//!   superfluous.

mod channel;
mod choosing;
mod dates;
mod exports;
mod finding;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod identity;
mod judging;
mod offers;
mod offers_decide;
mod offers_memory;
mod offers_notes;
mod presence;
mod pruning;
mod remembered;
mod returning;
mod taking;
mod words;

#[cfg(test)]
mod export_tests;
#[cfg(test)]
mod offers_tests;
#[cfg(test)]
mod tracked_tests;

pub use channel::ExportChannel;
pub use presence::is_there;
