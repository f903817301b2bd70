//! Incremental change synchronization: replica ids, change numbers, sets of both with their byte form, and the sync
//! state that is built of them, after MS-OXCFXICS. This room must not know contacts or SQLite, and does no I/O.
//!
//! - [`Guid`] names a replica, [`ChangeNumber`] one change in it. A replica hands out item ids and change numbers
//!   from one counter that only grows.
//! - [`GlobSet`] is a set of counters of one replica, kept as ranges; its byte form is the command stream of
//!   MS-OXCFXICS 2.2.2.6.
//! - [`IdSet`] and [`CnSet`] are sets over several replicas; [`ReplidSet`] is the form with short aliases.
//! - [`SyncState`] is what a receiving side has of a replica: the items it was given and the changes it has seen.
//! - [`export()`] is the rule by which a state decides what is sent; [`ChangeHistory`] tells without clocks which of
//!   two versions is newer, or that they are in conflict.
//!
//! Counter 0 is valid in the byte form, and a set read from bytes keeps it, but it names no item and no change here:
//! [`SyncState`] neither records it nor reports it as seen.

mod export;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod globset;
mod globset_codec;
#[cfg(test)]
mod globset_codec_tests;
mod globset_encode;
mod globset_leaf;
mod globset_stem;
mod guid;
mod idset;
mod predecessor;
mod state;
mod words;

pub use export::{Export, ExportedChange, ExportedDeletion, RemovalReason, SourceItem, Standing, export};
pub use globset::{COUNTER_MAX, GlobSet};
pub use globset_codec::{DecodeError, DecodeErrorKind};
pub use guid::{ChangeNumber, Guid, GuidParseError};
pub use idset::{CnSet, IdSet, KeyedSet, ReplicaKey, Replid, ReplidSet};
pub use predecessor::{ChangeHistory, HistoryOrder, Xid};
pub use state::SyncState;
pub use words::{ReplicaRanges, StateRanges, idset_in_words, ranges_by_replica, ranges_in_words};
