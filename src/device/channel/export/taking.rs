//! Taking an export in: the cards become contacts with numbers, and what a person should know of it is put into
//! words. What is kept of it is written only when the session says so.

use std::collections::{BTreeMap, BTreeSet};

use super::channel::{EXPORT_BYTES_MAX, ExportChannel, Stock};
use super::choosing::{Choice, Circumstances, Sources, Taken, choose, confirmed, last_export};
use super::exports::Export;
use super::finding::Candidate;
use super::identity::{Known, assign};
use super::judging::{Reading, Seen};
use super::pruning::pile_words;
use super::remembered::{Remembered, RememberedContact, hexadecimal, load_card, revision};
use super::words;
use crate::contact::{Card, normal_name};
use crate::device::profile::Dates;
use crate::device::tree::{ObjectTree, TreeError};
use crate::ics::Guid;
use crate::provider::{ChannelMemory, Completeness, ProviderError, Revision};

/// The files of the phone and the contacts that are known.
struct PhoneAndMemory<'a> {
    tree: &'a mut dyn ObjectTree,
    memory: &'a dyn ChannelMemory,
    guid: Guid,
    known: Vec<u64>,
}

impl Sources for PhoneAndMemory<'_> {
    fn read(&mut self, candidate: &Candidate) -> Result<Vec<u8>, TreeError> {
        self.tree.read(&candidate.entry.object, candidate.entry.size_bytes, EXPORT_BYTES_MAX)
    }

    fn known_names(&mut self, reading: &Reading) -> Result<usize, ProviderError> {
        let mut names = BTreeSet::new();
        for number in &self.known {
            names.extend(
                load_card(self.memory, self.guid, *number)?.map(|card| normal_name(&card.display_name())),
            );
        }
        let is_known = |seen: &&Seen| match seen {
            Seen::Card(card) => names.contains(&normal_name(&card.display_name())),
            Seen::Broken(_) => false,
        };
        Ok(reading.cards.iter().filter(is_known).count())
    }
}

impl ExportChannel<'_> {
    /// Looks for the export that counts and brings what is remembered up to it.
    pub(super) fn take_stock(&mut self) -> Result<Stock, ProviderError> {
        let kept = Remembered::load(self.memory, self.replica.guid)?;
        let (mut remembered, mut dropped) = (kept.clone(), Vec::new());
        if self.doubt.is_some() {
            // Numbers go on counting, so that no place is taken for what stood there on another phone.
            dropped = kept.contacts.keys().copied().collect();
            remembered = Remembered { next: kept.next, ..Remembered::default() };
        }
        let choice = self.choose(&mut remembered)?;
        let about = self.circumstances();
        let mut fresh = BTreeMap::new();
        let taken = match &choice.taken {
            Taken::Read(export, reading) => {
                let (renewed, cards, is_certain) = self.numbered(&remembered, reading)?;
                fresh = cards;
                dropped.extend(
                    remembered.contacts.keys().filter(|number| !renewed.contacts.contains_key(number)),
                );
                remembered = renewed;
                remembered.last = Some(last_export(&about, export, reading, is_certain));
                Some(export.clone())
            }
            Taken::Unchanged(export, was_read) => {
                remembered.last = remembered
                    .last
                    .map(|last| if *was_read { confirmed(&about, export, &last) } else { last });
                Some(export.clone())
            }
            Taken::OlderOnly(_) => None,
            Taken::Nothing => return Err(words::none_usable(&self.section, &choice)),
        };
        let completeness = self.completeness(&choice, &remembered, taken.as_ref());
        let is_dirty = remembered != kept;
        self.remarks = self.remarks_of(&choice, taken.as_ref(), &completeness);
        Ok(Stock { remembered, taken, completeness, fresh, dropped, is_dirty })
    }

    fn choose(&mut self, remembered: &mut Remembered) -> Result<Choice, ProviderError> {
        let about = Circumstances {
            found: &self.found,
            section: &self.section,
            is_directory: self.tree.identity().is_directory,
            absent_is_deleted: self.choices.absent_is_deleted,
            dates_tell_changes: self.contacts.dates == Dates::TellChanges,
            now_ms: self.clock.now_ms(),
        };
        let known = remembered.contacts.iter().filter(|(_, contact)| contact.has_card);
        let known = known.map(|(number, _)| *number).collect();
        let (memory, guid) = (self.memory, self.replica.guid);
        choose(&about, remembered, &mut PhoneAndMemory { tree: &mut *self.tree, memory, guid, known })
    }

    /// What is remembered once the cards of an export have their numbers, the cards that are new to the memory, and
    /// whether it is known of every card whose it is.
    fn numbered(
        &self,
        remembered: &Remembered,
        reading: &Reading,
    ) -> Result<(Remembered, BTreeMap<u64, Card>, bool), ProviderError> {
        let mut known = Vec::with_capacity(remembered.contacts.len());
        for (number, contact) in &remembered.contacts {
            let card = match contact.has_card {
                true => load_card(self.memory, self.replica.guid, *number)?,
                false => None,
            };
            let broken = contact.problem.as_ref().and_then(|_| revision(&contact.hash));
            known.push(Known { number: *number, card, is_there: contact.is_there, broken });
        }
        let assignment = assign(&known, &reading.cards, remembered.next, &self.contacts.fields);
        let mut renewed = remembered.clone();
        renewed.next = assignment.next;
        for contact in renewed.contacts.values_mut() {
            contact.is_there = false;
        }
        let mut fresh = BTreeMap::new();
        for (number, seen) in assignment.numbers.iter().zip(&reading.cards) {
            let before = remembered.contacts.get(number);
            let hash = hexadecimal(&Revision::of(seen.bytes()));
            let (problem, mut has_card) = match seen {
                Seen::Card(card) => {
                    let is_kept = before
                        .is_some_and(|kept| kept.has_card && kept.problem.is_none() && kept.hash == hash);
                    if !is_kept {
                        fresh.insert(*number, card.clone());
                    }
                    (None, true)
                }
                Seen::Broken(broken) => (Some(broken.why.clone()), false),
            };
            has_card |= before.is_some_and(|kept| kept.has_card);
            let size_bytes = u64::try_from(seen.bytes().len()).unwrap_or(u64::MAX);
            let contact = RememberedContact { is_there: true, size_bytes, hash, problem, has_card };
            renewed.contacts.insert(*number, contact);
        }
        // Nothing is known of what was never readable and is not there: it could never be known again.
        renewed.contacts.retain(|_, contact| contact.is_there || contact.has_card);
        Ok((renewed, fresh, assignment.is_certain))
    }

    fn completeness(&self, choice: &Choice, remembered: &Remembered, taken: Option<&Export>) -> Completeness {
        let Some(export) = taken else {
            return Completeness::PresentOnly(String::from(
                "only exports older than the one that was read last",
            ));
        };
        if self.choices.absent_is_deleted {
            match self.why_absence_counts_not(choice, remembered) {
                None => return Completeness::Complete,
                Some(why) => return Completeness::PresentOnly(why),
            }
        }
        Completeness::PresentOnly(format!("the export {}", export.words()))
    }

    /// Why what is missing may not be taken as deleted although a person said so.
    fn why_absence_counts_not(&self, choice: &Choice, remembered: &Remembered) -> Option<String> {
        if let Some(refused) = choice.refused.iter().find(|refused| refused.may_hide_contacts) {
            return Some(format!("the newer export {} could not be used: {}", refused.words, refused.why));
        }
        if let Some(doubt) = self.found.doubts.first() {
            return Some(doubt.clone());
        }
        let is_certain = remembered.last.as_ref().is_some_and(|last| last.is_certain);
        (!is_certain)
            .then(|| String::from("a card in the export cannot be read, and it cannot be told whose it is"))
    }

    fn remarks_of(
        &self,
        choice: &Choice,
        taken: Option<&Export>,
        completeness: &Completeness,
    ) -> Vec<String> {
        let now_ms = self.clock.now_ms();
        let mut remarks = Vec::new();
        remarks.extend(words::refusals(choice, now_ms));
        if let Taken::OlderOnly(export) = &choice.taken {
            remarks.push(words::older_only(export, &self.section, now_ms));
        }
        let stale = taken.and_then(|export| words::stale(export, &self.section, now_ms));
        remarks.extend(stale);
        if self.choices.absent_is_deleted
            && let Completeness::PresentOnly(why) = completeness
        {
            remarks.push(format!("Nothing that is missing counts as deleted in this session: {why}."));
        }
        if !self.choices.prune_exports {
            remarks.extend(taken.and_then(|export| pile_words(&self.found, export)));
        }
        remarks
    }
}
