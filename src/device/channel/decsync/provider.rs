//! The DecSync channel as a simple provider: listing, reading, and what happens around a batch of writes.

use std::collections::BTreeSet;

use serde_json::json;

use super::channel::DecsyncChannel;
use super::entry::parse_bucket;
use super::index::{RememberedEntry, RememberedFile, sha256_text};
use super::memory::Files;
use super::staging::stored_form;
use super::version::DecsyncVersion;
use crate::device::channel::contract::{Access, Channel};
use crate::device::profile::ChannelKind;
use crate::device::tree::{DeviceIdentity, TreeError, TreeStatistics};
use crate::ics::Guid;
use crate::provider::{
    Capabilities, Completeness, Costs, Entry, Listing, Locator, ProviderError, Replica, Revision, Settled,
    SimpleOutcome, SimpleProvider, Unsettled,
};

impl DecsyncChannel<'_> {
    /// The entries of our own files.
    pub(super) fn own_entries(&mut self) -> Vec<RememberedEntry> {
        let names: BTreeSet<String> = self.own.keys().chain(self.pending.keys()).cloned().collect();
        for name in names {
            if !self.own_index.contains_key(&name) {
                let entries = self.own_file(&name).map(parse_bucket).unwrap_or_default();
                self.own_index.insert(name, RememberedFile::of(&entries));
            }
        }
        self.own_index.values().flat_map(|file| file.entries.iter().cloned()).collect()
    }

    /// Whether the address book was deleted in an app.
    pub(super) fn is_book_deleted(&self) -> bool {
        self.index.fact("deleted").is_some_and(|fact| fact.value == json!(true))
    }

    /// The card of a contact.
    ///
    /// # Errors
    /// [`ProviderError::Gone`], [`ProviderError::Item`], or what makes the phone unusable.
    pub(super) fn read_contact(&mut self, uid: &str) -> Result<Vec<u8>, ProviderError> {
        if let Some(staged) = self.staged.get(uid) {
            let card = staged.card.clone().map(String::into_bytes);
            return card.ok_or_else(|| ProviderError::Gone("the contact".to_owned()));
        }
        let winner = self.winners.get(uid).filter(|winner| winner.is_contact()).cloned();
        let Some(winner) = winner else { return Err(ProviderError::Gone("the contact".to_owned())) };
        let limit = self.capabilities.card_bytes_max;
        if winner.entry.size_bytes > u64::try_from(limit).unwrap_or(u64::MAX) {
            let size = winner.entry.size_bytes;
            return Err(ProviderError::Item(format!("it has {size} bytes, more than {limit}")));
        }
        match self.entry_at(&winner.source, uid)?.map(|entry| entry.value) {
            Some(serde_json::Value::String(card)) => Ok(card.into_bytes()),
            Some(serde_json::Value::Null) => Err(ProviderError::Gone("the contact".to_owned())),
            Some(_) => Err(ProviderError::Item("its entry in DecSync holds no vCard".to_owned())),
            None => Err(ProviderError::Item(
                "its entry was removed from the DecSync folder without being deleted; edit it once on the phone"
                    .to_owned(),
            )),
        }
    }

    fn list_book(&mut self, book: &str) -> Result<Listing, ProviderError> {
        let mut doubts = Vec::new();
        if self.version == DecsyncVersion::V2 {
            doubts.push(self.check_own()?);
        }
        self.note_unsure();
        let shown = self.shown();
        if self.version == DecsyncVersion::V2 {
            doubts.push(self.read_apps(book)?);
        }
        doubts.push(self.read_old_apps(book)?);
        self.remember_zone().map_err(TreeError::for_side)?;
        self.winners = self.winners_after(&shown);
        let completeness = match doubts.into_iter().flatten().next() {
            Some(why) => {
                Completeness::Incomplete(format!("the DecSync folder could not be read whole: {why}"))
            }
            None => Completeness::Complete,
        };
        if self.is_book_deleted() {
            let name = self.book_name();
            self.remark(format!(
                "The address book “{name}” was deleted on the phone. Nothing is deleted here for that unless you say \
                 so; to sync another address book name it with --address-book."
            ));
            return Ok(Listing { entries: Vec::new(), completeness });
        }
        let contacts = self.winners.iter().filter(|(_, winner)| winner.is_contact());
        let entries = contacts
            .map(|(uid, winner)| Entry { locator: self.locator(uid), stamp: Self::stamp_of(&winner.entry) })
            .collect();
        Ok(Listing { entries, completeness })
    }

    /// What a person calls the address book.
    fn book_name(&self) -> String {
        let named = self.index.fact("name").and_then(|fact| fact.value.as_str().map(str::to_owned));
        named.or_else(|| self.book.clone()).unwrap_or_default()
    }
}

impl SimpleProvider for DecsyncChannel<'_> {
    fn replica(&self) -> &Replica {
        &self.replica
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn restarted(&self, generation_known: u64) -> Option<String> {
        self.generation_known.set(generation_known.max(self.generation_known.get()));
        self.restarted.clone()
    }

    fn stamps_tell_changes(&self) -> bool {
        true
    }

    fn list(&mut self) -> Result<Listing, ProviderError> {
        self.load()?;
        self.read_files.clear();
        let Some(book) = self.book.clone() else {
            return Ok(Listing { entries: Vec::new(), completeness: Completeness::Complete });
        };
        if self.version == DecsyncVersion::V1 {
            self.remark(
                "The DecSync folder on the phone is still of the first version, which is only read; open DecSync CC \
                 once, so that it brings the folder up to date, and contacts go both ways."
                    .to_owned(),
            );
        }
        if self.is_listed {
            self.shelf.refresh(&Self::book_path(&book));
        }
        self.is_listed = true;
        self.list_book(&book)
    }

    fn read(&mut self, locator: &Locator) -> Result<Vec<u8>, ProviderError> {
        match self.uid_in(locator) {
            Some(uid) => self.read_contact(&uid),
            None => Err(ProviderError::Gone(locator.to_string())),
        }
    }

    fn create(&mut self, name: &str, bytes: &[u8]) -> SimpleOutcome {
        self.stage_create(name, bytes)
    }

    fn replace(&mut self, locator: &Locator, expected: Revision, bytes: &[u8]) -> SimpleOutcome {
        self.stage_replace(locator, expected, bytes)
    }

    fn delete(&mut self, locator: &Locator, expected: Revision) -> SimpleOutcome {
        self.stage_delete(locator, expected)
    }

    fn flush(&mut self) -> Result<(), ProviderError> {
        self.carry_out()
    }

    fn made_from(&mut self, locator: &Locator) -> Result<Option<Vec<u8>>, ProviderError> {
        Ok(self.made_from_at(locator))
    }

    fn session_done(&mut self) {
        self.take_answers_in();
    }

    fn keep(&mut self) -> Result<(), ProviderError> {
        let Some(memory) = self.book_memory().filter(|_| self.access == Access::ReadWrite) else {
            return Ok(());
        };
        if self.index_changed {
            memory.put_index(&self.index)?;
            self.index_changed = false;
        }
        while let Some(uid) = self.replaced_changed.first().cloned() {
            memory.put_replaced(&uid, self.replaced.get(&uid))?;
            self.replaced_changed.remove(&uid);
        }
        if self.own_changed && self.restarted.is_none() {
            memory.drop_pending()?;
            memory.put_own_files(&self.own)?;
            self.own_changed = false;
        }
        Ok(())
    }

    fn settle(&mut self, write: &Unsettled) -> Result<Settled, ProviderError> {
        let form = match write {
            Unsettled::Create { name, bytes } => stored_form(bytes, None, name),
            Unsettled::Replace { locator, bytes } => match self.uid_in(locator) {
                Some(uid) => stored_form(bytes, Some(&uid), ""),
                None => return Ok(Settled::NotHappened),
            },
        };
        let Ok((uid, stored)) = form else { return Ok(Settled::NotHappened) };
        let Some(winner) = self.winners.get(&uid).filter(|winner| winner.is_contact()) else {
            return Ok(Settled::NotHappened);
        };
        let locator = self.locator(&uid);
        let is_intended = winner.entry.sha256.as_deref() == Some(sha256_text(stored.as_bytes()).as_str());
        Ok(if is_intended { Settled::Happened { locator } } else { Settled::Differs { locator } })
    }

    fn prepare_writes(&mut self) -> Result<u64, ProviderError> {
        if self.is_prepared {
            return Ok(self.replica.generation);
        }
        if self.access == Access::ReadOnly || !self.capabilities.writable {
            return Err(ProviderError::Storage("the phone was not opened for writing".to_owned()));
        }
        self.load()?;
        if self.book.is_none() {
            let id = Guid::from_random(self.randomness.next_bytes()).to_string();
            self.settle_on(Some(id));
            self.book_is_new = true;
            (self.own, self.pending, self.own_changed) = (Files::new(), Files::new(), true);
        }
        let (Some(memory), Some(book)) = (self.book_memory(), self.book.clone()) else {
            return Err(ProviderError::Storage("there is no address book".to_owned()));
        };
        memory.remember_book(&book, &self.place)?;
        if self.own_changed {
            memory.drop_pending()?;
            memory.put_own_files(&self.own)?;
            self.own_changed = false;
        }
        if !self.book_is_new {
            let path = self.own_path();
            self.shelf.make_folder(&path).map_err(TreeError::for_side)?;
            memory.mark()?;
            self.is_marked = true;
        }
        if !self.pending.is_empty() {
            self.upload_pending().map_err(TreeError::for_side)?;
        }
        let last = self.replica.generation.max(self.generation_known.get());
        self.replica.generation = last.saturating_add(1);
        self.is_prepared = true;
        Ok(self.replica.generation)
    }

    fn finish_writes(&mut self) -> Result<Vec<Entry>, ProviderError> {
        self.flush()?;
        if !self.pending.is_empty() {
            self.upload()?;
        }
        let written = std::mem::take(&mut self.written);
        if !written.is_empty() {
            self.remark(
                "The phone shows what was written within about 20 minutes, or at once after a sync in DecSync CC."
                    .to_owned(),
            );
        }
        let there = written.iter().filter_map(|uid| self.winners.get_key_value(uid));
        let entries = there
            .filter(|(_, winner)| winner.is_contact())
            .map(|(uid, winner)| Entry { locator: self.locator(uid), stamp: Self::stamp_of(&winner.entry) });
        Ok(entries.collect())
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }

    fn costs(&self) -> Costs {
        self.shelf.tree.costs()
    }

    fn close(&mut self) {
        self.shelf.tree.close();
    }
}

impl Channel for DecsyncChannel<'_> {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Decsync
    }

    fn marker_guid(&self) -> Option<Guid> {
        self.marker()
    }

    fn take_identity(&mut self, guid: Guid, doubt: Option<String>) {
        self.become_replica(guid, doubt);
    }

    fn set_label(&mut self, label: &str) {
        label.clone_into(&mut self.replica.label);
    }

    fn identity(&self) -> &DeviceIdentity {
        self.shelf.tree.identity()
    }

    fn statistics(&self) -> TreeStatistics {
        self.shelf.tree.statistics()
    }

    fn habits(&self) -> String {
        self.shelf.tree.habits()
    }

    fn place(&self) -> Option<&str> {
        self.book.is_some().then(|| self.book_place())
    }
}
