//! What is remembered of one address book between sessions: the index, and a byte-exact mirror of our own files with
//! what is on its way to the phone. It talks to the memory only.
//!
//! What goes to the phone is first kept here, under `pending`: each contact's entry is in one file, so that a file that
//! is kept is a write that will happen, whatever is cut. The counters join it when the upload begins.

use std::collections::BTreeMap;

use super::encoding::{decoded, encoded};
use super::index::Index;
use super::replaced::Replaced;
use crate::ics::Guid;
use crate::provider::{ChannelMemory, ProviderError};

/// Files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

/// Under this name stands the id of the address book that was synced last.
const BOOK: &str = "decsync/book";

/// The address book that this replica was synced with last.
///
/// # Errors
/// When the memory cannot be read.
pub fn remembered_book(memory: &dyn ChannelMemory, guid: Guid) -> Result<Option<String>, ProviderError> {
    let bytes = memory.get(guid, BOOK)?;
    Ok(bytes.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|id| !id.is_empty()))
}

/// Under this name stands the place of the DecSync folder: storage label and path.
const PLACE: &str = "decsync/place";

/// Where this replica's DecSync folder was.
///
/// # Errors
/// When the memory cannot be read.
pub fn remembered_place(memory: &dyn ChannelMemory, guid: Guid) -> Result<Option<String>, ProviderError> {
    Ok(memory.get(guid, PLACE)?.and_then(|bytes| String::from_utf8(bytes).ok()))
}

/// The memory of one address book.
#[derive(Clone)]
pub struct BookMemory<'m> {
    memory: &'m dyn ChannelMemory,
    guid: Guid,
    prefix: String,
}

impl<'m> BookMemory<'m> {
    /// Of the address book with this id.
    #[must_use]
    pub fn new(memory: &'m dyn ChannelMemory, guid: Guid, book: &str) -> Self {
        Self { memory, guid, prefix: format!("decsync/book/{book}/") }
    }

    fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Remembers that this is the address book that is synced, in the DecSync folder at `place`.
    ///
    /// # Errors
    /// When the memory cannot be written.
    pub fn remember_book(&self, book: &str, place: &str) -> Result<(), ProviderError> {
        self.memory.put(self.guid, BOOK, book.as_bytes())?;
        self.memory.put(self.guid, PLACE, place.as_bytes())
    }

    /// What is remembered of other apps' entries; empty if nothing is.
    ///
    /// # Errors
    /// When the memory cannot be read.
    pub fn index(&self) -> Result<Index, ProviderError> {
        let bytes = self.memory.get(self.guid, &self.name("index"))?;
        Ok(bytes.map(|bytes| Index::from_bytes(&bytes)).unwrap_or_default())
    }

    /// Remembers that.
    ///
    /// # Errors
    /// When the memory cannot be written.
    pub fn put_index(&self, index: &Index) -> Result<(), ProviderError> {
        self.memory.put(self.guid, &self.name("index"), &index.to_bytes())
    }

    /// What our entries replaced, by UID. What cannot be read counts as confirmed.
    ///
    /// # Errors
    /// When the memory cannot be read.
    pub fn replaced(&self) -> Result<BTreeMap<String, Replaced>, ProviderError> {
        let files = self.files_below("replaced/")?;
        let read = files
            .into_iter()
            .filter_map(|(name, bytes)| Some((decoded(&name)?, serde_json::from_slice(&bytes).ok()?)));
        Ok(read.collect())
    }

    /// Remembers what an entry of ours replaced, or that it is known to all.
    ///
    /// # Errors
    /// When the memory cannot be written.
    pub fn put_replaced(&self, uid: &str, replaced: Option<&Replaced>) -> Result<(), ProviderError> {
        let name = self.name(&format!("replaced/{}", encoded(uid)));
        match replaced {
            Some(replaced) => {
                self.memory.put(self.guid, &name, &serde_json::to_vec(replaced).unwrap_or_default())
            }
            None => self.memory.remove(self.guid, &name),
        }
    }

    /// Whether our folder was made on the phone.
    ///
    /// # Errors
    /// When the memory cannot be read.
    pub fn is_marked(&self) -> Result<bool, ProviderError> {
        Ok(self.memory.get(self.guid, &self.name("marked"))?.is_some())
    }

    /// Remembers that.
    ///
    /// # Errors
    /// When the memory cannot be written.
    pub fn mark(&self) -> Result<(), ProviderError> {
        self.memory.put(self.guid, &self.name("marked"), b"1")
    }

    /// Our files as they are on the phone once nothing is pending.
    ///
    /// # Errors
    /// When the memory cannot be read.
    pub fn own_files(&self) -> Result<Files, ProviderError> {
        self.files_below("own/")
    }

    fn files_below(&self, start: &str) -> Result<Files, ProviderError> {
        let start = self.name(start);
        let mut files = Files::new();
        for name in self.memory.names(self.guid, &start)? {
            if let (Some(file), Some(bytes)) = (name.strip_prefix(&start), self.memory.get(self.guid, &name)?)
            {
                files.insert(file.to_owned(), bytes);
            }
        }
        Ok(files)
    }

    /// Remembers these as our files, and no others.
    ///
    /// # Errors
    /// When the memory cannot be written.
    pub fn put_own_files(&self, files: &Files) -> Result<(), ProviderError> {
        let start = self.name("own/");
        for name in self.memory.names(self.guid, &start)? {
            if name.strip_prefix(&start).is_some_and(|file| !files.contains_key(file)) {
                self.memory.remove(self.guid, &name)?;
            }
        }
        for (file, bytes) in files {
            self.memory.put(self.guid, &format!("{start}{file}"), bytes)?;
        }
        Ok(())
    }

    /// The files that are on their way to the phone; empty if none are.
    ///
    /// # Errors
    /// When the memory cannot be read.
    pub fn pending(&self) -> Result<Files, ProviderError> {
        self.files_below("pending/")
    }

    /// Remembers that this file is to go to the phone.
    ///
    /// # Errors
    /// When the memory cannot be written.
    pub fn put_pending(&self, file: &str, bytes: &[u8]) -> Result<(), ProviderError> {
        self.memory.put(self.guid, &self.name(&format!("pending/{file}")), bytes)
    }

    /// They have arrived. Cut short in between, the same is simply done again.
    ///
    /// # Errors
    /// When the memory cannot be written.
    pub fn pending_arrived(&self, files: &Files) -> Result<(), ProviderError> {
        for (file, bytes) in files {
            self.memory.put(self.guid, &self.name(&format!("own/{file}")), bytes)?;
        }
        self.drop_pending()
    }

    /// They are not to go there any more.
    ///
    /// # Errors
    /// When the memory cannot be written.
    pub fn drop_pending(&self) -> Result<(), ProviderError> {
        // The counters have the last name of all; without them the buckets would be counted once more.
        for name in self.memory.names(self.guid, &self.name("pending/"))? {
            self.memory.remove(self.guid, &name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::channel::decsync::test_bench::{TestMemory, guid};

    fn files(names: &[&str]) -> Files {
        names.iter().map(|name| ((*name).to_owned(), name.as_bytes().to_vec())).collect()
    }

    #[test]
    fn what_is_pending_becomes_ours_when_it_has_arrived() {
        let memory = TestMemory::default();
        let book = BookMemory::new(&memory, guid(), "a");
        book.put_own_files(&files(&["00", "43", "sequences"])).unwrap();
        for (name, bytes) in files(&["43", "ff"]) {
            book.put_pending(&name, &bytes).unwrap();
        }
        assert_eq!(book.pending().unwrap(), files(&["43", "ff"]));
        assert_eq!(book.own_files().unwrap(), files(&["00", "43", "sequences"]));
        book.pending_arrived(&files(&["43", "ff"])).unwrap();
        assert!(book.pending().unwrap().is_empty());
        assert_eq!(book.own_files().unwrap(), files(&["00", "43", "ff", "sequences"]));
        book.put_own_files(&files(&["43"])).unwrap();
        assert_eq!(book.own_files().unwrap(), files(&["43"]));
        // Another address book's and another replica's memory is its own.
        assert!(BookMemory::new(&memory, guid(), "b").own_files().unwrap().is_empty());
        assert!(BookMemory::new(&memory, Guid::from_random([8; 16]), "a").own_files().unwrap().is_empty());
        assert_eq!(remembered_book(&memory, guid()).unwrap(), None);
        book.remember_book("a", "Phone/DecSync").unwrap();
        assert_eq!(remembered_place(&memory, guid()).unwrap().as_deref(), Some("Phone/DecSync"));
        assert_eq!(remembered_book(&memory, guid()).unwrap().as_deref(), Some("a"));
    }
}
