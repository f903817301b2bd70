//! The whole engine over the simulated phone: scenarios, crash points, and properties with an oracle.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise"
)]

mod bad_input;
mod crash_cut;
mod crash_disk;
mod crash_kill;
mod crash_torn;
mod crash_world;
mod identity;
mod interrupt;
mod oracle;
mod poison;
mod programs;
mod programs_course;
mod programs_phones;
mod programs_sessions;
mod programs_world;
mod proof;
mod properties;
mod properties_device;
mod scenarios;
mod simulation;
mod undo;
mod world;
