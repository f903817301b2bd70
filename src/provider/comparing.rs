//! Comparing a listing with the memory: which items are unchanged by their stamps, which must be read, which are
//! new, moved or gone. The rule is an over-approximation; only different content is a change.

use std::collections::{HashMap, HashSet};

use super::moves::earlier_places;
use super::simple::{Entry, Listing, Locator, Metadata, Observed, SimpleProvider};
use super::stamps::{is_before, newest_date, uid_hash, whole_card};
use super::tracked::{Read, Tracked};
use super::{Completeness, ItemId, ProviderError, Revision};

/// A date's resolution is one second, and its reading may be cut off: an item read this long after it was last
/// read with the same date can no longer be changed under that date.
const SETTLED_AFTER_MS: i64 = 2_000;

/// What is remembered of an item at which the side stopped answering: the next session leaves it out.
const STUCK: &str = "the phone stopped answering when it was read";
/// The same after a session left it out: it may have been the phone's mood, so it is tried once more.
const STUCK_ONCE: &str = "the phone stopped answering when it was read; it is left out this once and tried again in the \
                          next session, or now: tetherbook sync --deep";
/// The same after it happened again.
const STUCK_AGAIN: &str = "the phone stopped answering when it was read, twice; it is left out until it changes there, or \
                           until it is asked for: tetherbook sync --deep";

impl<S: SimpleProvider, M: Metadata> Tracked<S, M> {
    /// Reads an item; a failure of the whole side ends the collection, a failure of the item does not.
    pub(super) fn read(&mut self, locator: &Locator) -> Result<Read, ProviderError> {
        match self.simple.read(locator) {
            Ok(bytes) => Ok(match whole_card(&bytes) {
                Ok(card) => Read::Card(card),
                Err(why) => Read::Unusable(why),
            }),
            Err(ProviderError::Gone(_)) => Ok(Read::Vanished),
            Err(ProviderError::Item(why)) => Ok(Read::Unusable(why)),
            Err(error) => Err(error),
        }
    }

    /// The same for an entry of the listing, whose row is at `index` if it is known. An item at which the side stops
    /// answering must not end every session: that is remembered at once, and the next one leaves it out.
    fn read_listed(&mut self, entry: &Entry, index: Option<usize>) -> Result<Read, ProviderError> {
        match self.read(&entry.locator) {
            Err(ProviderError::Stuck(why)) => {
                self.note_stuck(entry, index);
                Err(ProviderError::Disconnected(format!("{}: {why}", entry.locator)))
            }
            answer => answer,
        }
    }

    fn note_stuck(&mut self, entry: &Entry, index: Option<usize>) {
        let known = index.and_then(|index| self.rows.get(index)).cloned();
        let item = known.as_ref().map(|row| row.item);
        let item = item.unwrap_or_else(|| ItemId(self.take_counter()));
        let again = known.as_ref().and_then(|row| row.problem.as_deref()) == Some(STUCK_ONCE);
        let row = Observed {
            item,
            counter: self.take_counter(),
            locator: entry.locator.clone(),
            stamp: entry.stamp.clone(),
            revision: None,
            uid_hash: known.map_or(0, |row| row.uid_hash),
            problem: Some(String::from(if again { STUCK_AGAIN } else { STUCK })),
            deleted: false,
            settled: false,
            verified_ms: self.clock.now_ms(),
        };
        // A dry run may not note it. Then the next session meets it once more, as this one did.
        drop(self.memory.save(&[row], self.next_counter, self.generation));
    }

    /// Brings the memory up to a listing. Returns whether every absence was accounted for.
    pub(super) fn compare(&mut self, listing: &Listing) -> Result<(), ProviderError> {
        let newest = newest_date(listing, self.clock.now_ms());
        let mut present = vec![false; self.rows.len()];
        let mut known = Vec::with_capacity(self.rows.len());
        let mut strangers = Vec::new();
        {
            let live: HashMap<&Locator, usize> = self
                .rows
                .iter()
                .enumerate()
                .filter(|(_, row)| !row.deleted)
                .map(|(index, row)| (&row.locator, index))
                .collect();
            for entry in &listing.entries {
                match live.get(&entry.locator) {
                    Some(&index) => {
                        if let Some(flag) = present.get_mut(index) {
                            *flag = true;
                        }
                        known.push((index, entry));
                    }
                    None => strangers.push(entry),
                }
            }
        }
        let chosen = self.choose_rereads(&known);
        for (position, (index, entry)) in known.iter().enumerate() {
            self.compare_known(*index, entry, newest, chosen.contains(&position))?;
        }
        let mut absent: HashSet<usize> = present
            .iter()
            .enumerate()
            .filter(|(index, there)| !**there && self.rows.get(*index).is_some_and(|row| !row.deleted))
            .map(|(index, _)| index)
            .collect();
        let known = self.rows.iter().filter(|row| !row.deleted).count();
        let may_be_another = self.generation == 0
            && self.restarted.is_none()
            && listing.completeness == Completeness::Complete
            && !listing.entries.is_empty();
        self.adopt_strangers(&strangers, &mut absent, newest)?;
        // No marker vouches for this folder. A card that was swapped looks like this, and is no mass deletion.
        if may_be_another && known > 0 && absent.len() == known {
            self.restarted =
                Some(String::from("everything that was on it is gone, and other contacts are there"));
        }
        let mut absent: Vec<usize> = absent.into_iter().collect();
        absent.sort_unstable();
        match &listing.completeness {
            Completeness::Complete => {
                for index in absent {
                    self.bury(index, self.restarted.clone());
                }
            }
            Completeness::PresentOnly(_) => {
                let rows = absent.iter().filter_map(|index| self.rows.get(*index));
                self.absent = rows.map(|row| row.item).collect();
            }
            Completeness::Incomplete(_) => {}
        }
        Ok(())
    }

    fn choose_rereads(&self, known: &[(usize, &Entry)]) -> HashSet<usize> {
        let mut chosen = HashSet::new();
        if known.is_empty() {
            return chosen;
        }
        for _ in 0..self.options.rereads {
            let random = u128::from_be_bytes(self.randomness.next_bytes());
            let length = known.len() as u128;
            chosen.insert(usize::try_from(random % length).unwrap_or(0));
        }
        chosen
    }

    fn compare_known(
        &mut self,
        index: usize,
        entry: &Entry,
        newest: Option<u64>,
        chosen: bool,
    ) -> Result<(), ProviderError> {
        let Some(row) = self.rows.get(index) else { return Ok(()) };
        let same_stamp = row.stamp == entry.stamp;
        let trusted = same_stamp && row.settled && self.simple.stamps_tell_changes();
        // A failed read may have been the phone's mood: what is bad settles only when it failed in two sessions.
        if !self.options.deep && !chosen && trusted {
            return Ok(());
        }
        if same_stamp && !self.options.deep {
            match row.problem.as_deref() {
                Some(STUCK_AGAIN) => return Ok(()),
                Some(STUCK) => {
                    let left_out = Observed { problem: Some(String::from(STUCK_ONCE)), ..row.clone() };
                    self.put_row(index, left_out);
                    return Ok(());
                }
                _ => {}
            }
        }
        let content = self.read_listed(entry, Some(index))?;
        let now_ms = self.clock.now_ms();
        let Some(row) = self.rows.get(index) else { return Ok(()) };
        let waited = now_ms.saturating_sub(row.verified_ms) >= SETTLED_AFTER_MS;
        let settled = match &content {
            Read::Unusable(_) => same_stamp && row.problem.is_some() && (row.settled || waited),
            _ => is_before(&entry.stamp, newest) || (same_stamp && (row.settled || waited)),
        };
        let mut renewed = row.clone();
        renewed.stamp = entry.stamp.clone();
        renewed.settled = settled;
        renewed.verified_ms = now_ms;
        let moved = match &content {
            Read::Vanished => return Ok(()),
            Read::Card(card) => {
                renewed.revision = Some(Revision::of(card.as_bytes()));
                renewed.uid_hash = uid_hash(card);
                renewed.problem = None;
                renewed.revision != row.revision
            }
            Read::Unusable(why) => {
                renewed.revision = None;
                renewed.problem = Some(why.clone());
                row.problem.is_none()
            }
        };
        if let Read::Card(card) = content
            && moved
        {
            self.contents.insert(renewed.item, card);
        }
        if moved {
            renewed.counter = self.take_counter();
        }
        // A read that confirmed everything is not worth a write: a session that finds nothing writes nothing.
        let row_changed = moved || renewed.settled != row_settled(&self.rows, index) || !same_stamp;
        if row_changed {
            self.put_row(index, renewed);
        }
        Ok(())
    }

    /// Gives new places to items that were moved there, and numbers to the rest.
    fn adopt_strangers(
        &mut self,
        strangers: &[&Entry],
        absent: &mut HashSet<usize>,
        newest: Option<u64>,
    ) -> Result<(), ProviderError> {
        let mut found = Vec::with_capacity(strangers.len());
        for entry in strangers {
            let content = match self.read_listed(entry, None)? {
                // It may be a file that was moved here, or a contact that the PC has too: one bad transfer must make
                // neither a deletion of the one nor a double of the other.
                Read::Unusable(_) => self.read(&entry.locator)?,
                Read::Vanished => self.read(&entry.locator)?,
                content => content,
            };
            let (revision, uid_hash, problem) = match &content {
                Read::Vanished => continue,
                Read::Card(card) => (Some(Revision::of(card.as_bytes())), uid_hash(card), None),
                Read::Unusable(why) => (None, 0, Some(why.clone())),
            };
            let row = Observed {
                item: ItemId(0),
                counter: 0,
                locator: entry.locator.clone(),
                stamp: entry.stamp.clone(),
                revision,
                uid_hash,
                deleted: false,
                // One bad transfer must not make a card unusable for good: it is read again in the next session.
                settled: problem.is_none() && is_before(&entry.stamp, newest),
                problem,
                verified_ms: self.clock.now_ms(),
            };
            found.push((row, content));
        }
        let mut places = earlier_places(&self.rows, absent, found.iter().map(|(row, _)| row));
        came_back(&self.rows, found.iter().map(|(row, _)| row), &mut places);
        for ((mut row, content), earlier) in found.into_iter().zip(places) {
            let earlier = earlier.and_then(|index| self.rows.get(index).cloned().map(|row| (index, row)));
            let Some((index, earlier)) = earlier else {
                self.add_row(row, content);
                continue;
            };
            absent.remove(&index);
            row.item = earlier.item;
            row.counter = earlier.counter;
            if earlier.revision != row.revision || earlier.deleted {
                row.counter = self.take_counter();
                self.keep_content(row.item, content);
            }
            self.put_row(index, row);
        }
        Ok(())
    }
}

/// Gives strangers without an earlier place the tombstone of the same contact at the same place: what was deleted is
/// there again, undone or by an edit that beat the deletion. Under its old number whoever has not heard of the deletion
/// yet hears of an edit.
fn came_back<'a>(
    rows: &[Observed],
    strangers: impl Iterator<Item = &'a Observed>,
    places: &mut [Option<usize>],
) {
    let tombstones: HashMap<(&Locator, u64), usize> = rows
        .iter()
        .enumerate()
        .filter(|(_, row)| row.deleted && row.uid_hash != 0)
        .map(|(index, row)| ((&row.locator, row.uid_hash), index))
        .collect();
    if tombstones.is_empty() {
        return;
    }
    for (place, stranger) in places.iter_mut().zip(strangers).filter(|(place, _)| place.is_none()) {
        *place = tombstones.get(&(&stranger.locator, stranger.uid_hash)).copied();
    }
}

fn row_settled(rows: &[Observed], index: usize) -> bool {
    rows.get(index).is_some_and(|row| row.settled)
}
