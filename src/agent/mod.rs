//! Putting the parts of a session together: a phone's tree, its profile and channel, the store, the relationship; and
//! which of the known phones a connected one is.
//!
//! The room knows when and with whom a session runs; it must not hold sync logic.

mod assembly;
mod identity;
mod pairing;
mod plugged;

pub use assembly::{
    ConnectedPhone, Introduction, Met, StartFailure, Wish, access_for, meet, remembered_habits, sync,
    sync_with,
};
pub use identity::{is_serial_number, usb_address, usb_id_text};
pub use pairing::{PairFailure, Paired, Pairing, PluggedIn, pair, pairing_of, phone_in_words, usable_name};
pub use plugged::{PluggedFailure, address_of, cable_quirks, choose, open};
