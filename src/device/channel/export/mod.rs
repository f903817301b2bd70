//! Export files: a phone whose contacts leave it as files that an app writes, and return as a file that a person opens.

mod offers;
mod offers_decide;
mod offers_memory;
mod offers_notes;

#[cfg(test)]
mod offers_tests;
