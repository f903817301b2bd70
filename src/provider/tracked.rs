//! The metadata layer: makes a [`Provider`] of a [`SimpleProvider`] by comparing a complete listing with what was
//! remembered, and giving every difference a change number.
//!
//! A phone has no change log to trust, so the rule is an over-approximation: equal size and date text mean
//! "probably unchanged" and save the read; whatever else is read, and only a different content is a change. This
//! layer may say "changed" wrongly and then finds out by reading; it must never say "unchanged" wrongly where it
//! can know better, and never take an error for an absence.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use super::listings::believable_listing;
use super::simple::{Locator, Metadata, Observed, Settled, SimpleOutcome, SimpleProvider, Stamp, Unsettled};
use super::stamps::{uid_hash, whole_card};
use super::{
    Ack, Capabilities, Change, ChangeKind, ChangeSet, Clock, Costs, Fetched, HandedOver, IntentStep, ItemId,
    Offer, Outcome, Provider, ProviderError, Randomness, Recovered, Replica, Revision, Write,
};
use crate::contact::Card;
use crate::ics::{ChangeNumber, SyncState};

/// How thoroughly unchanged items are looked at again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrackingOptions {
    /// Read every item, whatever its stamp says.
    pub deep: bool,
    /// So many items with unchanged stamps are read again in each session, picked at random.
    pub rereads: usize,
}

impl Default for TrackingOptions {
    fn default() -> Self {
        Self { deep: false, rereads: 1 }
    }
}

/// A simple side with change tracking.
pub struct Tracked<S, M> {
    pub(super) simple: S,
    pub(super) memory: M,
    pub(super) clock: Rc<dyn Clock>,
    pub(super) randomness: Rc<dyn Randomness>,
    pub(super) options: TrackingOptions,
    pub(super) rows: Vec<Observed>,
    pub(super) row_of_item: HashMap<ItemId, usize>,
    pub(super) dirty: HashSet<usize>,
    pub(super) next_counter: u64,
    pub(super) generation: u64,
    pub(super) generation_dirty: bool,
    pub(super) loaded: bool,
    pub(super) writes_prepared: bool,
    pub(super) restarted: Option<String>,
    pub(super) contents: HashMap<ItemId, Card>,
    pub(super) written_items: HashSet<ItemId>,
    /// Known items that a listing lacked which proves nothing by that.
    pub(super) absent: Vec<ItemId>,
}

/// What reading an item for comparison gave.
pub(super) enum Read {
    Card(Card),
    Unusable(String),
    Vanished,
}

impl<S: SimpleProvider, M: Metadata> Tracked<S, M> {
    /// Wraps `simple`, remembering in `memory`.
    pub fn new(
        simple: S,
        memory: M,
        clock: Rc<dyn Clock>,
        randomness: Rc<dyn Randomness>,
        options: TrackingOptions,
    ) -> Self {
        Self {
            simple,
            memory,
            clock,
            randomness,
            options,
            rows: Vec::new(),
            row_of_item: HashMap::new(),
            dirty: HashSet::new(),
            next_counter: 1,
            generation: 0,
            generation_dirty: false,
            loaded: false,
            writes_prepared: false,
            restarted: None,
            contents: HashMap::new(),
            written_items: HashSet::new(),
            absent: Vec::new(),
        }
    }

    /// The side that is wrapped.
    pub fn simple(&self) -> &S {
        &self.simple
    }

    pub(super) fn load(&mut self) -> Result<(), ProviderError> {
        if self.loaded {
            return Ok(());
        }
        self.rows = self.memory.load()?;
        self.next_counter = self.memory.next_counter()?;
        self.generation = self.memory.generation()?;
        self.row_of_item = self.rows.iter().enumerate().map(|(index, row)| (row.item, index)).collect();
        self.restarted = self.simple.restarted(self.generation);
        self.loaded = true;
        Ok(())
    }

    /// Says so if what is known stood where this session does not look: that it is not listed proves nothing.
    fn scope_changed(&self) -> Option<String> {
        let before = self.rows.iter().find(|row| !row.deleted && !self.simple.covers(&row.locator))?;
        let place = before.locator.0.rsplit_once('/').map_or("another place", |(folder, _)| folder);
        Some(format!("its contacts were read from {place} before, and are read from elsewhere now"))
    }

    pub(super) fn row(&self, item: ItemId) -> Option<&Observed> {
        self.rows.get(*self.row_of_item.get(&item)?)
    }

    pub(super) fn take_counter(&mut self) -> u64 {
        let counter = self.next_counter;
        self.next_counter = self.next_counter.saturating_add(1);
        counter
    }

    pub(super) fn add_row(&mut self, mut row: Observed, content: Read) -> (ItemId, u64) {
        row.item = ItemId(self.take_counter());
        row.counter = self.take_counter();
        let ids = (row.item, row.counter);
        self.keep_content(row.item, content);
        let index = self.rows.len();
        self.row_of_item.insert(row.item, index);
        self.rows.push(row);
        self.dirty.insert(index);
        ids
    }

    pub(super) fn keep_content(&mut self, item: ItemId, content: Read) {
        if let Read::Card(card) = content {
            self.contents.insert(item, card);
        }
    }

    pub(super) fn put_row(&mut self, index: usize, row: Observed) {
        if let Some(place) = self.rows.get_mut(index) {
            *place = row;
            self.dirty.insert(index);
        }
    }

    /// Makes a row a tombstone. With `lost`, the reason why its absence is no deletion.
    pub(super) fn bury(&mut self, index: usize, lost: Option<String>) -> u64 {
        let counter = self.take_counter();
        if let Some(row) = self.rows.get_mut(index) {
            row.deleted = true;
            row.problem = lost;
            row.counter = counter;
            self.contents.remove(&row.item);
            self.dirty.insert(index);
        }
        counter
    }

    /// What was known under a name that a new item has taken: a torn file was removed to make room. Its content
    /// was nothing that a person made, so that its going is no deletion.
    fn bury_at(&mut self, locator: &Locator) {
        let earlier = self.rows.iter().position(|row| !row.deleted && row.locator == *locator);
        if let Some(index) = earlier {
            self.bury(index, Some(String::from("a new file took its place")));
        }
    }

    fn number(&self, counter: u64) -> ChangeNumber {
        ChangeNumber { replica: self.simple.replica().guid, counter }
    }

    /// Every row whose number the state has not seen, as a change; every row at all after a restart.
    fn changes_not_in(&self, state: &SyncState) -> Vec<Change> {
        let replica = self.simple.replica().guid;
        let mut changes = Vec::new();
        for row in &self.rows {
            let cn = self.number(row.counter);
            let seen = state.has_seen(cn) && (self.restarted.is_none() || row.deleted);
            if seen || (row.deleted && !state.given.contains(replica, row.item.0)) {
                continue;
            }
            let kind = match (&row.problem, row.revision) {
                (Some(_), _) if row.deleted => ChangeKind::Lost,
                (None, _) if row.deleted => ChangeKind::Deleted,
                (Some(why), _) => ChangeKind::Unreadable(why.clone()),
                (None, Some(revision)) => ChangeKind::Put(revision),
                (None, None) => ChangeKind::Unreadable(String::from("it was never read")),
            };
            changes.push(Change { item: row.item, cn, kind, place: row.locator.to_string() });
        }
        changes.sort_by_key(|change| change.cn.counter);
        changes
    }

    /// Before the first write: the marker exists and its generation has grown.
    pub(super) fn prepare_writes(&mut self) -> Result<(), ProviderError> {
        if !self.writes_prepared {
            self.generation = self.simple.prepare_writes()?;
            self.generation_dirty = true;
            self.writes_prepared = true;
        }
        Ok(())
    }

    fn written(&mut self, item: Option<ItemId>, outcome: SimpleOutcome) -> Outcome {
        let (locator, stamp, held) = match outcome {
            SimpleOutcome::Done { locator, stamp, held } => (locator, stamp, held),
            SimpleOutcome::Stale => return Outcome::Stale,
            SimpleOutcome::Refused(why) => return Outcome::Refused(why),
            SimpleOutcome::Unknown(why) => return Outcome::Unknown(why),
        };
        let card = match whole_card(&held) {
            Ok(card) => card,
            Err(error) => {
                let removed = self.simple.delete(&locator, Revision::of(&held));
                let left = if matches!(removed, SimpleOutcome::Done { .. }) {
                    "it was removed"
                } else {
                    "it is left there"
                };
                return Outcome::Refused(format!(
                    "what was read back from {locator} is damaged ({error}); {left}"
                ));
            }
        };
        let row = Observed {
            item: item.unwrap_or(ItemId(0)),
            counter: 0,
            locator,
            // A stamp that cannot be right makes the next session read the item, which is the safe side.
            stamp: stamp.unwrap_or(Stamp { size_bytes: u64::MAX, modified: None }),
            revision: Some(Revision::of(card.as_bytes())),
            uid_hash: uid_hash(&card),
            problem: None,
            deleted: false,
            settled: false,
            verified_ms: self.clock.now_ms(),
        };
        let index = item.and_then(|item| self.row_of_item.get(&item).copied());
        let (item, counter) = match index {
            Some(index) => {
                let counter = self.take_counter();
                let item = row.item;
                self.contents.remove(&item);
                self.put_row(index, Observed { counter, ..row });
                (item, counter)
            }
            None => {
                self.bury_at(&row.locator);
                self.add_row(row, Read::Vanished)
            }
        };
        self.written_items.insert(item);
        Outcome::Done(Ack { item, cn: self.number(counter), held: Some(card) })
    }

    /// The locator of an item that is still at the expected revision.
    fn expected(&self, item: ItemId, expected: Revision) -> Option<Locator> {
        self.row(item)
            .filter(|row| !row.deleted && row.revision == Some(expected))
            .map(|row| row.locator.clone())
    }
}

impl<S: SimpleProvider, M: Metadata> Provider for Tracked<S, M> {
    fn replica(&self) -> &Replica {
        self.simple.replica()
    }

    fn capabilities(&self) -> &Capabilities {
        self.simple.capabilities()
    }

    fn changes_since(&mut self, state: &SyncState) -> Result<ChangeSet, ProviderError> {
        self.load()?;
        let listing = believable_listing(&mut self.simple, &self.rows)?;
        // Listing may have found a marker that was not to be seen at first; a marker written since says nothing.
        if !self.writes_prepared {
            self.restarted = self.simple.restarted(self.generation).or_else(|| self.scope_changed());
        }
        self.compare(&listing)?;
        Ok(ChangeSet {
            changes: self.changes_not_in(state),
            completeness: listing.completeness.clone(),
            item_count: listing.entries.len(),
            absent: self.absent.clone(),
            restarted: self.restarted.clone(),
        })
    }

    fn fetch(&mut self, item: ItemId) -> Result<Fetched, ProviderError> {
        self.load()?;
        let Some(row) = self.row(item).filter(|row| !row.deleted) else {
            return Err(ProviderError::Gone(item.to_string()));
        };
        let (locator, modified_ms) = (row.locator.clone(), None);
        let card = match self.contents.remove(&item) {
            Some(card) => card,
            None => match self.read(&locator)? {
                Read::Card(card) => card,
                Read::Unusable(why) => return Err(ProviderError::Item(why)),
                Read::Vanished => return Err(ProviderError::Gone(locator.to_string())),
            },
        };
        let revision = Revision::of(card.as_bytes());
        Ok(Fetched { card, revision, modified_ms })
    }

    fn write(&mut self, write: &Write) -> Outcome {
        if let Err(error) = self.load().and_then(|()| self.prepare_writes()) {
            return match error {
                ProviderError::Disconnected(why) => Outcome::Unknown(why),
                ProviderError::Interrupted => Outcome::Unknown(error.to_string()),
                other => Outcome::Refused(other.to_string()),
            };
        }
        match write {
            Write::Create { name, card } => {
                let outcome = self.simple.create(name, card.as_bytes());
                self.written(None, outcome)
            }
            Write::Revive { .. } => {
                Outcome::Refused(String::from("what was removed from a phone is created there anew"))
            }
            Write::Replace { item, expected, card } => match self.expected(*item, *expected) {
                None => Outcome::Stale,
                Some(locator) => {
                    let outcome = self.simple.replace(&locator, *expected, card.as_bytes());
                    self.written(Some(*item), outcome)
                }
            },
            Write::Delete { item, expected } => {
                let Some(locator) = self.expected(*item, *expected) else { return Outcome::Stale };
                match self.simple.delete(&locator, *expected) {
                    SimpleOutcome::Done { .. } => {
                        self.written_items.remove(item);
                        let counter =
                            self.row_of_item.get(item).copied().map_or(0, |index| self.bury(index, None));
                        Outcome::Done(Ack { item: *item, cn: self.number(counter), held: None })
                    }
                    SimpleOutcome::Stale => Outcome::Stale,
                    SimpleOutcome::Refused(why) => Outcome::Refused(why),
                    SimpleOutcome::Unknown(why) => Outcome::Unknown(why),
                }
            }
        }
    }

    fn flush(&mut self) -> Result<(), ProviderError> {
        self.simple.flush()
    }

    fn hand_over(&mut self, offers: &[Offer]) -> Result<HandedOver, ProviderError> {
        self.simple.hand_over(offers)
    }

    fn offered(&self) -> Vec<ItemId> {
        self.simple.offered()
    }

    fn made_from(&mut self, item: ItemId) -> Result<Option<Card>, ProviderError> {
        let Some(locator) = self.row(item).map(|row| row.locator.clone()) else { return Ok(None) };
        let bytes = self.simple.made_from(&locator)?;
        Ok(bytes.and_then(|bytes| whole_card(&bytes).ok()))
    }

    fn remarks(&self) -> Vec<String> {
        self.simple.remarks()
    }

    fn release(&mut self, item: ItemId) -> Option<ChangeNumber> {
        let index = self.row_of_item.get(&item).copied()?;
        let row = self.rows.get(index).filter(|row| !row.deleted && self.absent.contains(&item))?;
        let locator = row.locator.clone();
        self.simple.release(&locator);
        self.absent.retain(|absent| *absent != item);
        let counter = self.bury(index, None);
        Some(self.number(counter))
    }

    fn keep_observations(&mut self) -> Result<(), ProviderError> {
        self.simple.keep()?;
        if self.dirty.is_empty() && !self.generation_dirty {
            return Ok(());
        }
        let mut indexes: Vec<usize> = self.dirty.iter().copied().collect();
        indexes.sort_unstable();
        let rows: Vec<Observed> = indexes.iter().filter_map(|index| self.rows.get(*index).cloned()).collect();
        self.memory.save(&rows, self.next_counter, self.generation)?;
        self.dirty.clear();
        self.generation_dirty = false;
        Ok(())
    }

    fn mark_known(&mut self, gave: bool) -> Result<(), ProviderError> {
        if gave || self.generation == 0 || self.restarted.is_some() {
            self.prepare_writes()?;
        }
        Ok(())
    }

    fn known_revision(&self, item: ItemId) -> Option<Revision> {
        self.row(item).filter(|row| !row.deleted)?.revision
    }

    fn settle(&mut self, steps: &[IntentStep]) -> Result<Vec<Recovered>, ProviderError> {
        self.load()?;
        self.simple.list()?;
        // Settling writes: leftovers go, half-done replacements are finished.
        self.prepare_writes()?;
        let mut answers = Vec::with_capacity(steps.len());
        for step in steps {
            answers.push(match step {
                IntentStep::Create { name, card, .. } => {
                    let write = Unsettled::Create { name: name.clone(), bytes: card.as_bytes().to_vec() };
                    match self.simple.settle(&write)? {
                        Settled::Happened { locator } => {
                            let (item, counter) = self.adopt_recovered(&locator)?;
                            Recovered::AsIntended(item, self.number(counter))
                        }
                        Settled::Differs { locator } => Recovered::There(self.adopt_recovered(&locator)?.0),
                        Settled::NotHappened => Recovered::NotHappened,
                    }
                }
                IntentStep::Replace { item, card, .. } => {
                    match self.row(*item).map(|row| row.locator.clone()) {
                        None => Recovered::NotHappened,
                        Some(locator) => {
                            let bytes = card.as_bytes().to_vec();
                            let write = Unsettled::Replace { locator: locator.clone(), bytes };
                            match self.simple.settle(&write)? {
                                Settled::Happened { .. } => self.recovered_as_sent(*item, &locator, card)?,
                                _ => Recovered::There(*item),
                            }
                        }
                    }
                }
                // The listing tells whether it is gone.
                IntentStep::Delete { item, .. } => Recovered::There(*item),
            });
        }
        Ok(answers)
    }

    fn finish_writes(&mut self) -> Result<Vec<ItemId>, ProviderError> {
        if !self.writes_prepared {
            self.simple.session_done();
            return Ok(Vec::new());
        }
        let entries = self.simple.finish_writes()?;
        let mut found = HashSet::new();
        let stamps: HashMap<&Locator, &Stamp> =
            entries.iter().map(|entry| (&entry.locator, &entry.stamp)).collect();
        for index in 0..self.rows.len() {
            let Some(row) = self.rows.get_mut(index) else { continue };
            let Some(stamp) = stamps.get(&row.locator).filter(|_| self.written_items.contains(&row.item))
            else {
                continue;
            };
            found.insert(row.item);
            // It stays unsettled: an app on the phone may rewrite it within the same second.
            if row.stamp != **stamp {
                row.stamp = (*stamp).clone();
                self.dirty.insert(index);
            }
        }
        self.simple.session_done();
        Ok(self.written_items.difference(&found).copied().collect())
    }

    fn place(&self, item: ItemId) -> String {
        self.row(item).map(|row| row.locator.to_string()).unwrap_or_default()
    }

    fn costs(&self) -> Costs {
        self.simple.costs()
    }

    fn close(&mut self) {
        self.simple.close();
    }
}

impl<S: SimpleProvider, M: Metadata> Tracked<S, M> {
    /// The item at a place where a lost create was found: known already, or numbered now.
    fn adopt_recovered(&mut self, locator: &Locator) -> Result<(ItemId, u64), ProviderError> {
        if let Some(row) = self.rows.iter().find(|row| !row.deleted && row.locator == *locator) {
            return Ok((row.item, row.counter));
        }
        let content = self.read(locator)?;
        let (revision, uid_hash, problem) = match &content {
            Read::Card(card) => (Some(Revision::of(card.as_bytes())), uid_hash(card), None),
            Read::Unusable(why) => (None, 0, Some(why.clone())),
            Read::Vanished => (None, 0, Some(String::from("it vanished"))),
        };
        let row = Observed {
            item: ItemId(0),
            counter: 0,
            locator: locator.clone(),
            stamp: Stamp { size_bytes: u64::MAX, modified: None },
            revision,
            uid_hash,
            problem,
            deleted: false,
            settled: false,
            verified_ms: self.clock.now_ms(),
        };
        Ok(self.add_row(row, content))
    }

    /// An item whose lost replacement happened: it gets the number of that change, if it holds what was sent.
    fn recovered_as_sent(
        &mut self,
        item: ItemId,
        locator: &Locator,
        sent: &Card,
    ) -> Result<Recovered, ProviderError> {
        let Some(index) = self.row_of_item.get(&item).copied() else { return Ok(Recovered::There(item)) };
        match self.read(locator)? {
            Read::Card(card) if card == *sent => {}
            _ => return Ok(Recovered::There(item)),
        }
        let revision = Some(Revision::of(sent.as_bytes()));
        let Some(row) = self.rows.get(index).filter(|row| !row.deleted).cloned() else {
            return Ok(Recovered::There(item));
        };
        if row.revision == revision {
            return Ok(Recovered::AsIntended(item, self.number(row.counter)));
        }
        let counter = self.take_counter();
        let renewed = Observed {
            counter,
            revision,
            uid_hash: uid_hash(sent),
            problem: None,
            // The listing is still to be compared, and reads it once more.
            stamp: Stamp { size_bytes: u64::MAX, modified: None },
            settled: false,
            verified_ms: self.clock.now_ms(),
            ..row
        };
        self.contents.remove(&item);
        self.put_row(index, renewed);
        Ok(Recovered::AsIntended(item, self.number(counter)))
    }
}
