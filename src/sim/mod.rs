//! A simulated phone: a responder that answers PTP/MTP containers behind [`crate::mtp::Link`], with the habits
//! of responders in the field ([`Personality`]) and with planned faults ([`FaultPlan`]).
//!
//! It is written apart from the initiator and shares only the numbers of the protocol with it, so that it can prove
//! the initiator wrong. It must not import the initiator's datasets or sessions, and nothing but the demo and the
//! tests may import it.
//!
//! - [`Phone`] is the device. It stays the same over plug-ins; its [`Storage`] is shared with whoever plays the
//!   phone's own apps.
//! - [`SimLink`] is one plug-in: the PC's end of the cable, with a [`Trace`] of all that went over it.

mod app;
mod catalogue;
mod catalogue_linux;
mod dates;
mod device;
mod fault;
#[cfg(feature = "gadget")]
pub mod gadget;
mod link;
mod media;
mod objects;
mod operations_device;
mod operations_listing;
mod operations_object;
mod operations_property;
mod operations_send;
mod personality;
mod port;
mod responder;
mod shorten;
mod storage;
mod trace;
pub mod wire;

pub use app::{App, AppMoment};
pub use dates::{Suffix, format_date, parse_date};
pub use device::{Hook, Phone};
pub use fault::{Fault, FaultKind, FaultPlan, FaultSyntax, Spot};
pub use link::SimLink;
pub use personality::{
    AllStorages, Allocation, Attributes, BadName, BrokenPropList, Creation, Dates, FormatRule, HandleLife,
    Handles, HeaderWanted, Insistence, Interrupted, Listing, ListingOrder, Locked, NameRule, Overwrite,
    OwnEvents, PersistentIds, Personality, PropList, Rename, RootListing, SentDate, TransferCut, TransferEnd,
    Transport, Watching,
};
pub use storage::{
    DirectoryStorage, Entry, MemoryStorage, SharedStorage, Storage, StorageError, join_path, split_path,
};
pub use trace::{Direction, SharedTrace, Trace, TraceEntry};

#[cfg(test)]
mod tests;
