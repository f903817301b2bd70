//! A model check of the shipped engine: every order of edits, sessions, cuts and swapped phones in a small scope, looked at
//! exhaustively with stateright.
//!
//! Shipped code: `plan::plan`, `session::run` with recovery, journal and states, `provider::Tracked`, `device::VcardFolder` with
//! marker, temporaries and settling, the merge and the sets of change numbers. The model's: the phone's files and the database
//! as values in memory (`tree`, `memory`), which replica a marker means (two lines of `session::meet`), and the persons with
//! what they want (`cards`, `ghost`). It must not repeat a decision of the engine.
//!
//! `cargo test --test model` looks at the small scopes; the large ones are ignored tests.

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

mod canonical;
mod cards;
mod disk;
mod ghost;
mod laws;
mod memory;
mod mutants;
mod process;
mod scopes;
mod session;
mod trace;
mod tree;
mod world;
