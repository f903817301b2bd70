//! Our own folder on the phone against its mirror: was it cut, damaged, cleared away, or taken back to an earlier state?

use super::channel::DecsyncChannel;
use super::encoding::is_bucket;
use super::index::Index;
use super::memory::Files;
use super::reading::{BUCKET_BYTES_MAX, doubt_of};
use super::sequences::{
    SEQUENCES_BYTES_MAX, SEQUENCES_FILE, Sequences, parse_sequences, sequences_text, went_back,
};
use crate::device::channel::contract::Access;
use crate::device::channel::names::TEMPORARY_PREFIX;
use crate::device::tree::{ObjectKind, TreeError};
use crate::provider::ProviderError;

/// What became of our folder.
enum OwnFolder {
    /// It is as it was left, apart from what is pending.
    AsLeft,
    /// It holds an earlier state, or is gone.
    Reset(String),
    /// Somebody has written on in our name: this computer's memory is the older one.
    Newer,
    /// These files are not as they were left, although nothing was written since.
    Damaged(Vec<String>),
}

impl DecsyncChannel<'_> {
    /// The path of our own folder.
    pub(super) fn own_path(&self) -> String {
        let book = self.book.as_deref().unwrap_or_default();
        format!("{}/v2/{}", Self::book_path(book), self.own_folder_name())
    }

    /// Looks at our folder, and finishes what was cut. The answer is why that could not be done, if so.
    ///
    /// # Errors
    /// When the phone or the memory cannot be asked any more.
    pub(super) fn check_own(&mut self) -> Result<Option<String>, ProviderError> {
        let path = self.own_path();
        let is_there = match doubt_of(self.shelf.folder(&path))? {
            Ok(folder) => folder.is_some(),
            Err(why) => return Ok(Some(why)),
        };
        let is_known = self.is_marked || !self.own.is_empty() || !self.pending.is_empty();
        let state = match (is_there, is_known) {
            (false, _) if self.is_marked => {
                OwnFolder::Reset("what was written to its DecSync folder is gone".to_owned())
            }
            (false, _) => OwnFolder::AsLeft,
            (true, false) => OwnFolder::Newer,
            (true, true) => match doubt_of(self.compare_own(&path))? {
                Ok(state) => state,
                Err(why) => return Ok(Some(why)),
            },
        };
        match state {
            OwnFolder::AsLeft => {}
            OwnFolder::Reset(why) => {
                self.restarted.get_or_insert(why);
                self.index = Index::default();
                self.index_changed = true;
                self.forget_replaced();
                if let Err(why) = self.adopt_own(&path)? {
                    return Ok(Some(why));
                }
            }
            OwnFolder::Newer => {
                if let Err(why) = self.adopt_own(&path)? {
                    return Ok(Some(why));
                }
            }
            OwnFolder::Damaged(names) => {
                for name in names {
                    if let Some(bytes) = self.own.get(&name) {
                        self.pending.insert(name, bytes.clone());
                    }
                }
            }
        }
        self.finish_upload()
    }

    /// Finishes what an earlier session began to write, if this one may write.
    fn finish_upload(&mut self) -> Result<Option<String>, ProviderError> {
        if self.pending.is_empty() || self.access == Access::ReadOnly || !self.capabilities.writable {
            return Ok(None);
        }
        match self.upload_pending() {
            Ok(()) => Ok(None),
            Err(error) if error.is_fatal() => Err(error.for_side()),
            Err(error) => {
                self.remark(format!(
                    "What an earlier session wrote to the phone is not all there yet, and could not be completed now \
                     ({error}); it is tried again in the next session."
                ));
                Ok(None)
            }
        }
    }

    fn compare_own(&mut self, path: &str) -> Result<OwnFolder, TreeError> {
        let listing = self.shelf.list(path)?.cloned();
        let entries = listing.map(|listing| listing.entries).unwrap_or_default();
        let is_as_left = |name: &str, bytes: &[u8]| {
            let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
            entries.iter().any(|entry| entry.name == name && entry.size_bytes == size_bytes)
        };
        let buckets = self.own.iter().filter(|(name, _)| *name != SEQUENCES_FILE);
        let unpended = buckets.filter(|(name, _)| !self.pending.contains_key(*name));
        let damaged: Vec<String> =
            unpended.filter(|(name, bytes)| !is_as_left(name, bytes)).map(|(name, _)| name.clone()).collect();
        let reset = || OwnFolder::Reset("its DecSync folder was put back to an earlier state".to_owned());
        if !self.pending.is_empty() {
            return Ok(if damaged.is_empty() { OwnFolder::AsLeft } else { reset() });
        }
        let before = self.own.get(SEQUENCES_FILE).cloned();
        let now = self.shelf.read(path, SEQUENCES_FILE, SEQUENCES_BYTES_MAX)?;
        if now == before {
            return Ok(if damaged.is_empty() { OwnFolder::AsLeft } else { OwnFolder::Damaged(damaged) });
        }
        let counters =
            |bytes: Option<Vec<u8>>| bytes.map_or(Some(Sequences::new()), |bytes| parse_sequences(&bytes));
        Ok(match (counters(now), counters(before)) {
            (Some(now), Some(before)) if !went_back(&now, &before) => OwnFolder::Newer,
            _ => reset(),
        })
    }

    /// Takes what is on the phone for our files, in place of what is remembered.
    fn adopt_own(&mut self, path: &str) -> Result<Result<(), String>, ProviderError> {
        let listing = match doubt_of(self.shelf.list(path))? {
            Ok(listing) => listing.cloned(),
            Err(why) => return Ok(Err(why)),
        };
        let entries = listing.map(|listing| listing.entries).unwrap_or_default();
        let mut files = Files::new();
        for entry in entries.iter().filter(|entry| entry.kind == ObjectKind::File) {
            if !is_bucket(&entry.name) && entry.name != SEQUENCES_FILE {
                continue;
            }
            match doubt_of(self.shelf.read(path, &entry.name, BUCKET_BYTES_MAX))? {
                Ok(Some(bytes)) => {
                    files.insert(entry.name.clone(), bytes);
                }
                Ok(None) => {}
                Err(why) => return Ok(Err(why)),
            }
        }
        self.own = files;
        self.pending.clear();
        self.own_index.clear();
        self.own_changed = true;
        Ok(Ok(()))
    }

    /// Whether a file of ours is there byte for byte.
    fn holds(&mut self, path: &str, name: &str, bytes: &[u8]) -> Result<bool, TreeError> {
        let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        match self.shelf.find(path, name)? {
            Some(entry) if entry.size_bytes == size_bytes => {}
            _ => return Ok(false),
        }
        match self.shelf.read(path, name, BUCKET_BYTES_MAX) {
            Ok(held) => Ok(held.as_deref() == Some(bytes)),
            Err(error) if error.is_fatal() => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Counts every pending file, unless that was done before a cut.
    fn count_pending(&mut self) -> Result<(), TreeError> {
        if self.pending.contains_key(SEQUENCES_FILE) {
            return Ok(());
        }
        let mut counters =
            self.own.get(SEQUENCES_FILE).and_then(|bytes| parse_sequences(bytes)).unwrap_or_default();
        for bucket in self.pending.keys() {
            let counter = counters.entry(bucket.clone()).or_insert(0);
            *counter = counter.saturating_add(1);
        }
        let bytes = sequences_text(&counters).into_bytes();
        let kept = self.book_memory().map_or(Ok(()), |memory| memory.put_pending(SEQUENCES_FILE, &bytes));
        kept.map_err(|error| TreeError::Storage(error.to_string()))?;
        self.pending.insert(SEQUENCES_FILE.to_owned(), bytes);
        Ok(())
    }

    /// Brings the pending files to the phone: those that are there byte for byte stay, the counters go last, so that no
    /// reader is told of a file before it is there.
    ///
    /// # Errors
    /// When one could not be put there; all stay pending.
    pub(super) fn upload_pending(&mut self) -> Result<(), TreeError> {
        let path = self.own_path();
        self.shelf.make_folder(&path)?;
        self.count_pending()?;
        let pending = self.pending.clone();
        let (last, first): (Vec<_>, Vec<_>) = pending.iter().partition(|(name, _)| *name == SEQUENCES_FILE);
        for (name, bytes) in first.into_iter().chain(last) {
            if self.holds(&path, name, bytes)? {
                self.shelf.remove(&path, &format!("{TEMPORARY_PREFIX}{name}"))?;
            } else {
                self.shelf.put(&path, name, bytes)?;
            }
        }
        let kept = self
            .book_memory()
            .map_or(Ok(()), |memory| memory.pending_arrived(&pending).and_then(|()| memory.mark()));
        // What the memory does not take stays pending there, and is found on the phone the next time.
        kept.map_err(|error| TreeError::Storage(error.to_string()))?;
        self.own.extend(pending);
        self.pending.clear();
        self.uploaded += std::mem::take(&mut self.waiting);
        self.is_marked = true;
        self.book_is_new = false;
        Ok(())
    }
}
