//! The events of a session and their renderings, for people and as JSON lines.
//!
//! A report hears; it must not change an outcome, and it must not do I/O but to the writer it was given.

mod event;
mod exit;
mod summary;

pub use event::{ActionOutcome, Event, Report, Silence};
pub use exit::ExitCode;
pub use summary::{Bytes, Durations, PerSide, Summary};
