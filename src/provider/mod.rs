//! What either side of a sync must be able to do, and what must be remembered between sessions.
//!
//! This room holds contracts and the values that cross them; it must not know a phone or a database.
//!
//! - [`Provider`] is one side of a sync: it tells what changed, gives content, and takes writes that name the
//!   revision they replace.
//! - [`SimpleProvider`] is a store without change tracking; [`Tracked`] wraps it into a [`Provider`] by comparing
//!   a complete listing with what a [`Metadata`] remembered.
//! - [`Ledger`] is the memory of a relationship: links, baselines, sync states and the journal of intents.

mod change;
mod clock;
mod comparing;
mod delivery;
mod error;
mod interrupt;
mod ledger;
mod listings;
mod memory;
mod moves;
mod side;
mod simple;
mod stamps;
mod tracked;

pub use change::{Change, ChangeKind, ChangeSet, Completeness, Fetched};
pub use clock::{Clock, Randomness, TestClock, TestRandomness};
pub use delivery::{Delivery, HandedOver, Offer};
pub use error::ProviderError;
pub use interrupt::Interrupt;
pub use ledger::{
    ActionRow, AskedPair, BatchResult, Confirmation, ConflictSides, Direction, HeldPair, HoldChange, Intent,
    IntentId, IntentStep, Ledger, LedgerError, Link, LinkId, MatchAnswer, MatchDecision, OpenConflict,
    SessionId, SessionSummaryRow,
};
pub use memory::ChannelMemory;
pub use side::{Ack, Capabilities, Costs, ItemId, Outcome, Provider, Recovered, Replica, Revision, Write};
pub use simple::{
    Entry, Listing, Locator, Metadata, Observed, Settled, SimpleOutcome, SimpleProvider, Stamp, Unsettled,
};
pub use tracked::{Tracked, TrackingOptions};
