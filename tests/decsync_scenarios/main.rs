//! A phone with DecSync CC, an address book on another computer and Tetherbook over many rounds: random programs of
//! persons, clocks and sessions, with a ledger of what every person meant.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise"
)]

mod conflicts;
mod dated_tree;
#[path = "../decsync_app/mod.rs"]
mod decsync_app;
mod ledger;
mod program;
mod program_apps;
mod program_end;
mod scenarios;
mod stand_in;
mod text;
mod whole_book;
mod world;
