//! The contract of one side of a sync: identity, capabilities, changes, content and writes.

use std::collections::BTreeMap;
use std::fmt;

use super::{ChangeSet, Delivery, Fetched, HandedOver, IntentStep, Offer, ProviderError};
use crate::contact::{Card, Dialect, Projection};
use crate::ics::{ChangeNumber, Guid, SyncState};

/// An item's number in its replica: stable, never reused; together with the replica's GUID it is unique anywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ItemId(pub u64);

impl fmt::Display for ItemId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "#{}", self.0)
    }
}

/// The version of an item's content as its replica sees it; opaque, compared for equality only.
///
/// Here it is the SHA-256 of the item's bytes: the one thing that no phone's clock can get wrong.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Revision(pub [u8; 32]);

impl Revision {
    /// The revision of these bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest;
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl fmt::Debug for Revision {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.iter().take(6) {
            write!(formatter, "{byte:02x}")?;
        }
        Ok(())
    }
}

/// A store of contacts with an id: one phone's channel, one book in the PC's store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// The id; for a phone it is kept in the marker file, for a book in the database.
    pub guid: Guid,
    /// What a person calls it: the phone's model or the book's name.
    pub label: String,
    /// Grows with every session that wrote to the replica or took something over from it; lower than remembered means it
    /// was restored.
    pub generation: u64,
}

/// What a side can hold and do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capabilities {
    /// What it can hold of a contact; what it cannot is never read as cleared.
    pub projection: Projection,
    /// The dialect in which cards are written to it.
    pub dialect: Dialect,
    /// Whether it takes writes at all.
    pub writable: bool,
    /// How what the other side has gets there.
    pub delivery: Delivery,
    /// The largest card it takes, in bytes.
    pub card_bytes_max: usize,
}

/// One write. Every write names what it replaces.
#[derive(Debug, Clone)]
pub enum Write {
    /// A new item with this content. `name` is derived from the contact's UID, so that sending it again after a
    /// lost acknowledgement finds the first one.
    Create {
        /// A file-name-safe name without extension.
        name: String,
        /// The content.
        card: Card,
    },
    /// A removed item comes back under its number. Only a side that keeps tombstones of its own takes this.
    Revive {
        /// The item.
        item: ItemId,
        /// The content.
        card: Card,
    },
    /// New content for an item whose revision is still `expected`.
    Replace {
        /// The item.
        item: ItemId,
        /// The revision that is replaced.
        expected: Revision,
        /// The content.
        card: Card,
    },
    /// The item goes, if its revision is still `expected`.
    Delete {
        /// The item.
        item: ItemId,
        /// The revision that is deleted.
        expected: Revision,
    },
}

/// The acknowledgement of a write: the item as the side holds it now.
#[derive(Debug, Clone)]
pub struct Ack {
    /// The item written; new for a create.
    pub item: ItemId,
    /// The number this change got in its replica.
    pub cn: ChangeNumber,
    /// The content as read back, which may differ from what was sent; `None` after a delete.
    pub held: Option<Card>,
}

/// What came of a write.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It is done and was read back.
    Done(Ack),
    /// The item is no longer at the expected revision; nothing was written.
    Stale,
    /// The side said no, and why; nothing was changed.
    Refused(String),
    /// The connection went: the write may have happened. The journal keeps the intent.
    Unknown(String),
}

/// What became of a write whose outcome was not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovered {
    /// It happened, and the item holds exactly what was intended; this is its newest change.
    AsIntended(ItemId, ChangeNumber),
    /// Something stands in its place, but not what was intended: re-encoded by the device or edited by a person.
    There(ItemId),
    /// It did not happen, and nothing of it is left.
    NotHappened,
}

/// What a session cost on one side.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Costs {
    /// Transactions by operation name ("GetObject"); for a side that is not reached by MTP, its requests.
    pub transactions: BTreeMap<String, u64>,
    /// Bytes received.
    pub bytes_in: u64,
    /// Bytes sent.
    pub bytes_out: u64,
}

impl Costs {
    /// All transactions.
    #[must_use]
    pub fn transactions_total(&self) -> u64 {
        self.transactions.values().sum()
    }
}

/// One side of a sync.
pub trait Provider {
    /// Who this side is.
    fn replica(&self) -> &Replica;

    /// What it can hold.
    fn capabilities(&self) -> &Capabilities;

    /// What changed since `state`, which is what the other side has of this one.
    ///
    /// # Errors
    /// When the side cannot be asked, or its answer cannot be trusted at all.
    fn changes_since(&mut self, state: &SyncState) -> Result<ChangeSet, ProviderError>;

    /// The content of an item now.
    ///
    /// # Errors
    /// [`ProviderError::Gone`] if it vanished, [`ProviderError::Item`] if it cannot be used, others if the side
    /// cannot be asked.
    fn fetch(&mut self, item: ItemId) -> Result<Fetched, ProviderError>;

    /// Carries out one write.
    fn write(&mut self, write: &Write) -> Outcome;

    /// Ends a batch of writes. On an error the outcome of every write since the last call is unknown, whatever was
    /// answered.
    ///
    /// # Errors
    /// When the writes could not be carried out.
    fn flush(&mut self) -> Result<(), ProviderError> {
        Ok(())
    }

    /// Leaves contacts for a person to take in ([`Delivery::ByHand`]).
    ///
    /// # Errors
    /// When they could not be left there.
    fn hand_over(&mut self, _offers: &[Offer]) -> Result<HandedOver, ProviderError> {
        Ok(HandedOver::default())
    }

    /// The other side's items that were offered earlier and were not seen here yet.
    fn offered(&self) -> Vec<ItemId> {
        Vec::new()
    }

    /// The content from which the newest change of an item was made, where its author did not have in view what was last
    /// written to it: that change takes nothing back that was written meanwhile. Also asked of an item that is gone.
    ///
    /// # Errors
    /// When the side cannot be asked.
    fn made_from(&mut self, _item: ItemId) -> Result<Option<Card>, ProviderError> {
        Ok(None)
    }

    /// What a person should know about this side in this session, each a whole sentence. Complete once it told its
    /// changes.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// An item that was not listed, where that proves nothing, is gone on both sides: it is known no more. Returns the
    /// number of its deletion; `None` for any other item.
    fn release(&mut self, _item: ItemId) -> Option<ChangeNumber> {
        None
    }

    /// Makes sure that what was observed outlives this session, before anything is planned on it. A dry run does
    /// not call this.
    ///
    /// # Errors
    /// When the memory cannot be written.
    fn keep_observations(&mut self) -> Result<(), ProviderError>;

    /// The revision of an item as far as it is known without reading it.
    fn known_revision(&self, _item: ItemId) -> Option<Revision> {
        None
    }

    /// The display names of the items that carry this UID, where the side can look that up cheaply.
    ///
    /// # Errors
    /// When the side cannot be asked.
    fn holders_of_uid(&self, _uid: &str) -> Result<Vec<(ItemId, String)>, ProviderError> {
        Ok(Vec::new())
    }

    /// Marks a side as known: one that was never synced gets its marker, one that was restored is known again, so
    /// that the next session need not compare everything once more. One that `gave` something in this session is marked
    /// anew: put back to an earlier state it would lack that, and must be seen to be restored. Called after the news of the
    /// restoration is on the disk, and before what it gave is; a side that is only read is not marked.
    ///
    /// # Errors
    /// When the side takes no writes.
    fn mark_known(&mut self, _gave: bool) -> Result<(), ProviderError> {
        Ok(())
    }

    /// Reads back what writes without an outcome left, and finishes or removes it; one answer per step, in order.
    ///
    /// # Errors
    /// When the side cannot be asked.
    fn settle(&mut self, _steps: &[IntentStep]) -> Result<Vec<Recovered>, ProviderError> {
        Ok(Vec::new())
    }

    /// After the last write: looks at everything written once more. Returns the items that are not where they
    /// should be.
    ///
    /// # Errors
    /// When the side cannot be asked.
    fn finish_writes(&mut self) -> Result<Vec<ItemId>, ProviderError> {
        Ok(Vec::new())
    }

    /// What a person calls the place of an item: a file name on a phone; the display name serves on the PC.
    fn place(&self, item: ItemId) -> String;

    /// What this session has cost on this side so far.
    fn costs(&self) -> Costs {
        Costs::default()
    }

    /// The session ends; says goodbye. Errors no longer matter.
    fn close(&mut self) {}
}
