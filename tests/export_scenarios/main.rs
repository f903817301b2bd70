//! Phones whose contacts travel by export files, over many sessions: what the persons at the phone and at the PC do,
//! with a ledger of who is who that the program never sees.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise"
)]

mod absent;
mod acts;
#[path = "../decsync_scenarios/dated_tree.rs"]
mod dated_tree;
#[path = "../exporters/mod.rs"]
mod exporters;
mod ledger;
mod phone;
mod piles;
mod program;
mod rounds;
mod sight;
mod values;
mod world;
mod years;
