//! Carrying out a batch of noted writes: into the memory, then into bucket files on the phone, the counters last.

use std::collections::BTreeMap;

use serde_json::json;

use super::channel::{DecsyncChannel, NEW_BOOK_NAME};
use super::dates::datetime_text;
use super::encoding::{INFO_BUCKET, bucket_of};
use super::entry::{DecsyncEntry, edited_bucket, parse_bucket};
use super::memory::Files;
use crate::device::tree::TreeError;
use crate::provider::ProviderError;

impl DecsyncChannel<'_> {
    /// Carries out what was noted.
    ///
    /// # Errors
    /// When an app wrote about one of the contacts meanwhile, or the memory or the phone did not take it.
    pub(super) fn carry_out(&mut self) -> Result<(), ProviderError> {
        if self.staged.is_empty() {
            return Ok(());
        }
        self.check_meanwhile()?;
        let clock = self.measured_clock().map_err(TreeError::for_side)?;
        let now = datetime_text(clock.now_s(self.clock.now_ms()));
        self.keep_replaced_of_staged()?;
        for (name, bytes) in self.files_with_staged(&now) {
            // Before a byte goes to the phone it is on the disk here.
            if let Some(memory) = self.book_memory() {
                memory.put_pending(&name, &bytes)?;
            }
            self.own_index.remove(&name);
            self.pending.insert(name, bytes);
        }
        let staged = std::mem::take(&mut self.staged);
        self.waiting += staged.len();
        let all_new = staged.values().all(|write| write.base.is_none() && write.card.is_some());
        self.written.extend(staged.into_keys());
        // New contacts are gathered, since each upload costs whole files; nobody can have edited them meanwhile.
        if all_new && self.waiting < self.uploaded {
            return Ok(());
        }
        self.upload()
    }

    /// What the noted writes replace is on the disk before they are.
    fn keep_replaced_of_staged(&mut self) -> Result<(), ProviderError> {
        let staged: Vec<_> =
            self.staged.iter().map(|(uid, write)| (uid.clone(), write.replaced.clone())).collect();
        for (uid, replaced) in staged {
            if let Some(memory) = self.book_memory().filter(|_| self.replaced.get(&uid) != replaced.as_ref())
            {
                memory.put_replaced(&uid, replaced.as_ref())?;
            }
            match replaced {
                Some(replaced) => drop(self.replaced.insert(uid, replaced)),
                None => drop(self.replaced.remove(&uid)),
            }
        }
        Ok(())
    }

    /// The bucket files with everything that was noted in them.
    fn files_with_staged(&self, now: &str) -> Files {
        let mut by_bucket: BTreeMap<String, Vec<DecsyncEntry>> = BTreeMap::new();
        for (uid, staged) in &self.staged {
            let entry = DecsyncEntry::contact(uid, &staged.datetime, staged.card.as_deref());
            by_bucket.entry(bucket_of(&entry.path)).or_default().push(entry);
        }
        let facts = self.own_facts(now);
        if !facts.is_empty() {
            by_bucket.insert(INFO_BUCKET.to_owned(), facts);
        }
        let edited = by_bucket.into_iter().map(|(bucket, entries)| {
            let bytes = edited_bucket(self.own_file(&bucket).unwrap_or_default(), &entries);
            (bucket, bytes)
        });
        edited.collect()
    }

    /// What we say about the address book: that we are here, once a day; and its name if we make it.
    fn own_facts(&self, now: &str) -> Vec<DecsyncEntry> {
        let app = self.own_folder_name();
        let mut facts = vec![
            (format!("last-active-{app}"), json!(now.get(..10).unwrap_or_default())),
            (format!("supported-version-{app}"), json!(2)),
        ];
        if self.book_is_new {
            facts.push(("name".to_owned(), json!(self.asked_for().unwrap_or(NEW_BOOK_NAME))));
        }
        let said = parse_bucket(self.own_file(INFO_BUCKET).unwrap_or_default());
        facts.retain(|(key, value)| {
            !said.iter().any(|entry| entry.info_key() == Some(key) && entry.value == *value)
        });
        facts.into_iter().map(|(key, value)| DecsyncEntry::info(&key, now, value)).collect()
    }

    /// Brings what is pending to the phone.
    pub(super) fn upload(&mut self) -> Result<(), ProviderError> {
        let is_new = self.book_is_new;
        self.upload_pending().map_err(TreeError::for_side)?;
        if is_new {
            let name = self.asked_for().unwrap_or(NEW_BOOK_NAME).to_owned();
            self.remark(format!(
                "A new address book “{name}” was made in DecSync; take it in once in DecSync CC on the phone."
            ));
        }
        Ok(())
    }

    /// Looks whether an app wrote about one of the noted contacts since they were noted.
    fn check_meanwhile(&mut self) -> Result<(), ProviderError> {
        let Some(book) = self.book.clone().filter(|_| !self.book_is_new) else { return Ok(()) };
        self.read_files.clear();
        self.shelf.refresh(&format!("{}/v2", Self::book_path(&book)));
        self.note_unsure();
        let shown = self.shown();
        self.read_apps(&book)?;
        let now = self.winners_after(&shown);
        let is_overtaken = self
            .staged
            .iter()
            .any(|(uid, staged)| now.get(uid).map(|winner| &winner.entry.datetime) != staged.base.as_ref());
        if is_overtaken {
            self.staged.clear();
            self.winners = now;
            return Err(ProviderError::Storage(
                "a contact was edited on the phone while it was being synced; nothing was written, and the next \
                 session takes both edits in"
                    .to_owned(),
            ));
        }
        Ok(())
    }
}
