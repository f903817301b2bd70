//! The whole engine over the simulated phone: scenarios, crash points, and properties with an oracle.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise"
)]

mod scenarios;
mod world;
