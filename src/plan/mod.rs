//! Two sets of changes and a relationship make one plan: pure data that prints, serialises and compares.
//!
//! This room must not do I/O or read a clock. [`plan`] is a function from [`Observations`] to a [`Plan`]; what
//! `--dry-run` shows is exactly the value that `sync` applies.

mod absent;
mod action;
mod decide;
mod guard;
mod newest;
mod observation;
mod pairing;
mod staying;
mod undo;

pub use action::{Action, Headline, Holding, Likeness, PairAfter, Plan, Reason, Skipped, WriteStep};
pub use decide::plan;
pub use guard::{GuardAnswer, GuardAnswers, Stop};
pub use observation::{
    AbsentContact, Held, Holds, LinkedCase, MatchingFacts, NewItem, Observations, Seen, SideFacts,
};
pub use pairing::named_place;
pub use undo::{SideCase, UndoCase, UndoObservations, undo};
