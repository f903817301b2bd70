//! How contacts get onto a side: written there, or handed to a person who takes them in. Values only; how a hand-over
//! is made is a channel's work.

use super::ItemId;
use crate::contact::Card;

/// How what the other side has comes onto this one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Delivery {
    /// Each write is carried out and acknowledged.
    #[default]
    Direct,
    /// A person does it: new contacts are left in a file that the person opens, edits and deletions are told. Nothing
    /// counts as done before it was seen on that side.
    ByHand,
    /// Not in this session: the side cannot be written in the state that it is in. What is wanted there waits.
    NotNow,
}

/// A contact that is wanted on the other side and is not there.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The PC's item.
    pub pc: ItemId,
    /// Its content, as that side can hold it and in the dialect that it takes.
    pub card: Card,
}

/// What became of a hand-over.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HandedOver {
    /// Where the file with the contacts is that were offered now, as storage label and path; `None` if none was made.
    pub place: Option<String>,
    /// How many contacts that file holds.
    pub offered: usize,
    /// How many contacts were offered earlier and were not seen on that side yet.
    pub waiting: usize,
    /// What a person should know, each a whole sentence.
    pub notes: Vec<String>,
}
