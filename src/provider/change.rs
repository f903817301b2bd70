//! Changes: what moved on one side since a sync state.

use super::{ItemId, Revision};
use crate::contact::Card;
use crate::ics::ChangeNumber;

/// What happened to an item.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeKind {
    /// The item is there, with this revision: it is new or was edited.
    Put(Revision),
    /// The item is there but its content cannot be used: torn, too large, not a vCard. Says why.
    Unreadable(String),
    /// The item is gone; this is a tombstone.
    Deleted,
    /// The item is not there, but the side was restored to an earlier state: that is no deletion.
    Lost,
}

/// One change of one item, with the number its replica gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The item in its replica.
    pub item: ItemId,
    /// The change number; the state advances by exactly these.
    pub cn: ChangeNumber,
    /// What happened.
    pub kind: ChangeKind,
    /// Where the item stands, for messages: a path on a phone, empty on the PC.
    pub place: String,
}

/// Whether a set of changes may be taken as everything.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Completeness {
    /// The listing was whole; absences are deletions.
    Complete,
    /// The listing was cut short or cannot be trusted; nothing may be taken as deleted. Says why.
    Incomplete(String),
    /// What is listed counts, and what is not proves nothing: an export of a part of the contacts. Says what it is.
    PresentOnly(String),
}

/// The answer to "what changed since this state".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangeSet {
    /// The changes, in the order of their numbers.
    pub changes: Vec<Change>,
    /// Whether absences count.
    pub completeness: Completeness,
    /// How many items the side holds now.
    pub item_count: usize,
    /// Items that are known and were not listed, where that proves nothing ([`Completeness::PresentOnly`]).
    pub absent: Vec<ItemId>,
    /// The side was restored or replaced since the state was made: the state was not used, everything is told,
    /// and nothing may be taken as deleted. Says how that was seen.
    pub restarted: Option<String>,
}

/// The content of an item as it is now.
#[derive(Clone)]
pub struct Fetched {
    /// The card.
    pub card: Card,
    /// Its revision; a write that replaces it names this.
    pub revision: Revision,
    /// When the side last saw it change, in milliseconds since 1970, if it can tell.
    pub modified_ms: Option<i64>,
}
