//! One session from open to close: recover, collect, plan, apply, advance.
//!
//! The room turns the crank of four steps; it must not name a concrete provider, decide what a change calls for
//! (that is `plan`), or print.
//!
//! 1. `recover` settles what an interrupted session left in the journal.
//! 2. `collect` asks both sides what changed since their states and reads what moved.
//! 3. [`plan`](crate::plan::plan) decides.
//! 4. `apply` notes intents, writes, and lets acknowledged facts enter the memory, batch by batch.

mod apply;
mod collect;
mod failure;
mod recover;
mod run;
mod states;
mod undo;
mod waiting;
#[cfg(test)]
mod waiting_tests;

pub use failure::Failure;
pub use run::{Ended, Options, Parties, run};
pub use undo::Undo;
