//! Putting the parts of a session together: a phone's tree, its profile and channel, the store, the relationship.
//!
//! The room knows when and with whom a session runs; it must not hold sync logic.

mod assembly;
mod plugged;

pub use assembly::{ConnectedPhone, StartFailure, Wish, remembered_habits, sync};
pub use plugged::{PluggedFailure, address_of, cable_quirks, choose, open};
