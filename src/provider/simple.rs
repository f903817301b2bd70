//! The lower tier: a side that can only list, read and write items, and the memory that gives it change tracking.
//!
//! This file is contracts and values; comparing a listing with the memory is `tracked`'s work.

use std::fmt;

use super::{Capabilities, Completeness, Costs, HandedOver, ItemId, Offer, ProviderError, Replica, Revision};

/// Where an item stands in a side without ids of its own: for a phone, storage label and path. Opaque to everybody
/// but its provider, stable while the item is not moved. Its last component is shown to people.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Locator(pub Box<str>);

impl fmt::Display for Locator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// What a listing tells of an item without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stamp {
    /// The size in bytes.
    pub size_bytes: u64,
    /// The modification date exactly as the side wrote it (MTP DateTime text on a phone), `None` if it has none.
    pub modified: Option<Box<str>>,
}

/// One item of a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Where it stands.
    pub locator: Locator,
    /// Its size and date.
    pub stamp: Stamp,
}

/// All items of a side, or as many as could be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listing {
    /// The items, each once.
    pub entries: Vec<Entry>,
    /// Whether an item that is not here is gone.
    pub completeness: Completeness,
}

/// What came of a write to a simple side. Content is bytes here; the tier above knows cards.
#[derive(Clone)]
pub enum SimpleOutcome {
    /// Done and read back.
    Done {
        /// Where the item stands now.
        locator: Locator,
        /// Its stamp as the next listing will show it, if the side could tell.
        stamp: Option<Stamp>,
        /// The bytes as read back; empty after a delete.
        held: Vec<u8>,
    },
    /// The item's stamp is not the expected one, or the item is gone; nothing was written.
    Stale,
    /// The side said no, and why; nothing was changed.
    Refused(String),
    /// The connection went; the write may have happened.
    Unknown(String),
}

/// A write whose outcome is not known, as the journal kept it.
#[derive(Clone)]
pub enum Unsettled {
    /// A create under this name with this content.
    Create {
        /// The name without extension.
        name: String,
        /// The content.
        bytes: Vec<u8>,
    },
    /// A replacement at this place with this content.
    Replace {
        /// The place.
        locator: Locator,
        /// The content.
        bytes: Vec<u8>,
    },
}

/// What the side holds where an unsettled write went.
#[derive(Clone, PartialEq, Eq)]
pub enum Settled {
    /// The intended content is there, byte for byte; for a replacement that had got as far as removing the old
    /// content, settling has put it there.
    Happened {
        /// Where.
        locator: Locator,
    },
    /// Something whole is there, but not the intended bytes: the device re-encoded it or a person edited it.
    Differs {
        /// Where.
        locator: Locator,
    },
    /// The write did not happen; what it left behind is removed.
    NotHappened,
}

/// A side that lists, reads and writes, and keeps no account of changes.
pub trait SimpleProvider {
    /// Who this side is; for a phone without a marker yet, the id that its marker will get.
    fn replica(&self) -> &Replica;

    /// What it can hold.
    fn capabilities(&self) -> &Capabilities;

    /// Why what was remembered of this replica does not count any more (marker missing, generation lower than
    /// `generation_known`), or `None` if it does.
    fn restarted(&self, generation_known: u64) -> Option<String>;

    /// Whether an item that stood there would be seen by a listing of this session. Another folder of the same side (a
    /// changed profile, a renamed storage) shows nothing of what stood in the one before, and that deletes nothing.
    fn covers(&self, _locator: &Locator) -> bool {
        true
    }

    /// Whether equal size and date mean "probably unchanged" here. `false` where dates are missing or constant:
    /// then every item is read in every session.
    fn stamps_tell_changes(&self) -> bool;

    /// Lists all items.
    ///
    /// # Errors
    /// When the side cannot be asked at all.
    fn list(&mut self) -> Result<Listing, ProviderError>;

    /// Reads one item of the last listing, whole: fewer bytes than the side says it has are an error.
    ///
    /// # Errors
    /// [`ProviderError::Gone`], [`ProviderError::Item`], or what makes the whole side unusable.
    fn read(&mut self, locator: &Locator) -> Result<Vec<u8>, ProviderError>;

    /// Creates an item. Never overwrites: a name that is taken by other content is refused or varied.
    fn create(&mut self, name: &str, bytes: &[u8]) -> SimpleOutcome;

    /// Replaces an item's content if that is still `expected`: the content itself is looked at, for sizes and dates
    /// are old on some devices.
    fn replace(&mut self, locator: &Locator, expected: Revision, bytes: &[u8]) -> SimpleOutcome;

    /// Deletes an item if its content is still `expected`.
    fn delete(&mut self, locator: &Locator, expected: Revision) -> SimpleOutcome;

    /// Ends a batch of writes. A side may note the writes of a batch only, answering [`SimpleOutcome::Done`] in
    /// advance, and carry them out here. On an error every one of them may or may not have happened.
    ///
    /// # Errors
    /// When what was noted could not be carried out.
    fn flush(&mut self) -> Result<(), ProviderError> {
        Ok(())
    }

    /// Leaves contacts for a person to take in, where the side cannot be written otherwise. `offers` are all contacts
    /// that are wanted there and are not there; the side knows which of them it offered before.
    ///
    /// # Errors
    /// When they could not be left there.
    fn hand_over(&mut self, _offers: &[Offer]) -> Result<HandedOver, ProviderError> {
        Ok(HandedOver::default())
    }

    /// The PC's items that were offered in earlier sessions and were not seen on this side yet.
    fn offered(&self) -> Vec<ItemId> {
        Vec::new()
    }

    /// An item that is no longer listed was deleted on both sides: should it come back, it is a new one.
    fn release(&mut self, _locator: &Locator) {}

    /// What a person should know about this side in this session, each a whole sentence. Complete once it was listed.
    fn remarks(&self) -> Vec<String> {
        Vec::new()
    }

    /// What whoever made the newest change of an item had before them, where that is older than what was last written
    /// there: an app that had not heard of that write yet. `None` where the change was made with the last content in
    /// view. Also asked of an item that is gone.
    ///
    /// # Errors
    /// When the side cannot be asked.
    fn made_from(&mut self, _locator: &Locator) -> Result<Option<Vec<u8>>, ProviderError> {
        Ok(None)
    }

    /// The session has done what was to be done. What it was told by [`SimpleProvider::made_from`] is part of what both
    /// sides agree on from here on, unless the write that belonged to it was refused.
    fn session_done(&mut self) {}

    /// Keeps what the side itself remembers of the last listing. Called before the rows of that listing are saved, in
    /// the same batch if one is open.
    ///
    /// # Errors
    /// When the memory cannot be written.
    fn keep(&mut self) -> Result<(), ProviderError> {
        Ok(())
    }

    /// Reads back what an unsettled write left and finishes or removes it. Called after `list`.
    ///
    /// # Errors
    /// When the side cannot be asked.
    fn settle(&mut self, write: &Unsettled) -> Result<Settled, ProviderError>;

    /// Called once before the first write of a session: makes sure that the marker exists and that its generation
    /// is above every earlier one. Returns the generation.
    ///
    /// # Errors
    /// When the side takes no writes.
    fn prepare_writes(&mut self) -> Result<u64, ProviderError>;

    /// Called once after the last write of a session: looks at all written items once more and returns their
    /// stamps as the next listing will show them. An item that is not there, or not under its name, is absent.
    ///
    /// # Errors
    /// When the side cannot be asked.
    fn finish_writes(&mut self) -> Result<Vec<Entry>, ProviderError>;

    /// What this session has cost so far.
    fn costs(&self) -> Costs {
        Costs::default()
    }

    /// Ends the conversation.
    fn close(&mut self) {}
}

/// What the memory holds of one item of a simple side.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observed {
    /// The number the item was given when it was first seen.
    pub item: ItemId,
    /// The counter of its last change.
    pub counter: u64,
    /// Where it stood.
    pub locator: Locator,
    /// Its stamp then.
    pub stamp: Stamp,
    /// The SHA-256 of its content; `None` while it cannot be used.
    pub revision: Option<Revision>,
    /// The first 8 bytes of the SHA-256 of its UID, so that a renamed file is known again; 0 if it has none.
    pub uid_hash: u64,
    /// Why it cannot be used, if it cannot.
    pub problem: Option<String>,
    /// It is gone: this is its tombstone.
    pub deleted: bool,
    /// Its content was read when its date could no longer be the date of a later edit as well.
    pub settled: bool,
    /// When its content was last read, in milliseconds since 1970.
    pub verified_ms: i64,
}

/// The memory of one simple side: one row per item ever seen. Writes take part in the batch that is open, if any.
pub trait Metadata {
    /// The generation of the replica after the last session that wrote to it.
    ///
    /// # Errors
    /// When the memory cannot be read.
    fn generation(&self) -> Result<u64, ProviderError>;

    /// The next free number for items and changes.
    ///
    /// # Errors
    /// When the memory cannot be read.
    fn next_counter(&self) -> Result<u64, ProviderError>;

    /// All rows, tombstones included, ordered by locator.
    ///
    /// # Errors
    /// When the memory cannot be read.
    fn load(&self) -> Result<Vec<Observed>, ProviderError>;

    /// Writes these rows (by item) and the counters.
    ///
    /// # Errors
    /// When the memory cannot be written.
    fn save(&self, rows: &[Observed], next_counter: u64, generation: u64) -> Result<(), ProviderError>;
}
