//! `demo`: a real sync between a simulated phone and a store, told step by step.
//!
//! Everything is the product's own: the phone answers MTP containers, the session is the one that `sync` runs, the
//! store is an SQLite file. Only the phone, the people, the clock and chance are made up, so that the demo is the
//! same every time.

mod cast;
mod stage;
mod story;

pub use story::run;
