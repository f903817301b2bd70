//! What a session saw, as the planner takes it: values only, every content already read.

use std::collections::BTreeSet;

use crate::contact::{Card, Country, Dialect, FieldMask, MatchKeys, Projection};
use crate::provider::{Completeness, Delivery, ItemId, Link, MatchDecision, OpenConflict, Revision};
use crate::relationship::Side;

/// An item's content as a side holds it now.
#[derive(Debug, Clone)]
pub struct Held {
    /// The content.
    pub card: Card,
    /// Its revision; a write that replaces it names this.
    pub revision: Revision,
    /// When the side last saw it change, if it can tell, in milliseconds since 1970.
    pub modified_ms: Option<i64>,
}

/// What a session knows of one side of a linked pair.
#[derive(Debug, Clone)]
pub enum Seen {
    /// It is as both sides knew it.
    Unchanged(Held),
    /// It changed since the state was made.
    Changed(Held),
    /// It was deleted.
    Deleted,
    /// It is missing, but its side was restored: that is no deletion.
    Lost,
    /// It is known and was not listed, where that proves nothing: a contact that is not in the newest export.
    Absent,
    /// It is there and cannot be used now. Says why.
    Unreadable(String),
}

impl Seen {
    /// The content, if there is one that can be used.
    #[must_use]
    pub fn held(&self) -> Option<&Held> {
        match self {
            Self::Unchanged(held) | Self::Changed(held) => Some(held),
            Self::Deleted | Self::Lost | Self::Absent | Self::Unreadable(_) => None,
        }
    }
}

/// A linked pair of which at least one side moved, or which waits for a decision.
#[derive(Debug, Clone)]
pub struct LinkedCase {
    /// The pair and its baseline.
    pub link: Link,
    /// The PC's side.
    pub pc: Seen,
    /// The phone's side.
    pub phone: Seen,
    /// The conflicts that are open on it.
    pub conflicts: Vec<OpenConflict>,
    /// Where the phone's item stands.
    pub place: String,
    /// The phone's item is missing: the names of other contacts on the PC that carry the same UID.
    pub same_uid: Vec<String>,
}

impl LinkedCase {
    /// Whether a person changed what this side says. A program that only wrote the same card anew is no editor, and
    /// what it did keeps nobody from being deleted.
    pub(super) fn is_edited(&self, side: Side) -> bool {
        let (seen, agreed) = match side {
            Side::Pc => (&self.pc, self.link.base.as_ref().map(|base| &base.pc)),
            Side::Phone => (&self.phone, self.link.base.as_ref().map(|base| &base.phone)),
        };
        let Seen::Changed(held) = seen else { return false };
        let everything = FieldMask::all();
        agreed.is_none_or(|agreed| agreed.fingerprint(&everything) != held.card.fingerprint(&everything))
    }
}

/// An item that no link knows.
#[derive(Debug, Clone)]
pub struct NewItem {
    /// The item.
    pub item: ItemId,
    /// Its content.
    pub held: Held,
    /// Where it stands: a file on the phone, empty on the PC.
    pub place: String,
    /// The other items on its own side that carry the same UID, as a person is told of them: name and place.
    pub same_uid: Vec<String>,
}

/// What finding partners goes by, beside the cards.
#[derive(Debug, Clone, Default)]
pub struct MatchingFacts {
    /// The country that numbers without a country code are from; inferred from the others if it is not set.
    pub country: Option<Country>,
    /// What a person said about who is who.
    pub decisions: Vec<MatchDecision>,
    /// The pairs, PC item first, that an earlier session asked about already.
    pub asked_before: Vec<(ItemId, ItemId)>,
}

/// A linked contact that is on the PC and was not listed by the phone, where that proves nothing.
#[derive(Debug, Clone)]
pub struct AbsentContact {
    /// What the PC calls it.
    pub name: String,
    /// By what it was known on the phone.
    pub keys: MatchKeys,
    /// The phone's item.
    pub phone: ItemId,
}

/// What the planner must know of a side as a whole.
#[derive(Debug, Clone)]
pub struct SideFacts {
    /// How many items it holds.
    pub items: usize,
    /// Whether absences count.
    pub completeness: Completeness,
    /// Why what was known of it does not count any more, if so.
    pub restarted: Option<String>,
    /// What it can hold of a contact.
    pub projection: Projection,
    /// How new cards are written there; `None` keeps the dialect they came in.
    pub dialect: Option<Dialect>,
    /// The largest card it takes, in bytes.
    pub card_bytes_max: usize,
    /// How what the other side has gets there.
    pub delivery: Delivery,
}

/// Everything a plan is made of.
#[derive(Debug, Clone)]
pub struct Observations {
    /// The PC as a whole.
    pub pc: SideFacts,
    /// The phone as a whole.
    pub phone: SideFacts,
    /// How many pairs are linked.
    pub links: usize,
    /// The pairs that moved.
    pub linked: Vec<LinkedCase>,
    /// New on the PC.
    pub new_pc: Vec<NewItem>,
    /// New on the phone.
    pub new_phone: Vec<NewItem>,
    /// Items without a link that cannot be used: side, place, reason.
    pub unusable: Vec<super::Skipped>,
    /// Linked contacts that the phone did not list, where that proves nothing.
    pub absent: Vec<AbsentContact>,
    /// The PC's items that were offered to the phone and were not seen there yet.
    pub offered: Vec<ItemId>,
    /// What finding partners goes by.
    pub matching: MatchingFacts,
    /// What is held since an undo.
    pub holds: Holds,
}

/// The items that are held since an undo: no session touches them until a person says which side counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holds {
    /// On the PC.
    pub pc: BTreeSet<ItemId>,
    /// On the phone.
    pub phone: BTreeSet<ItemId>,
}
