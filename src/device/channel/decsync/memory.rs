//! What is remembered of one address book between sessions: the index, and a byte-exact mirror of our own files with
//! what is on its way to the phone. It talks to the memory only.
//!
//! What goes to the phone is first kept here in one piece, under `pending`. So a cut upload is carried on with the same
//! bytes, and there is no moment in which a part of it is known.

use std::collections::BTreeMap;

use super::index::Index;
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

    /// Remembers that this is the address book that is synced.
    ///
    /// # Errors
    /// When the memory cannot be written.
    pub fn remember_book(&self, book: &str) -> Result<(), ProviderError> {
        self.memory.put(self.guid, BOOK, book.as_bytes())
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
        let start = self.name("own/");
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
        let bytes = self.memory.get(self.guid, &self.name("pending"))?;
        let damaged = || ProviderError::Unusable("what was to be written to the phone is damaged".to_owned());
        bytes.map_or(Ok(Files::new()), |bytes| unpacked(&bytes).ok_or_else(damaged))
    }

    /// Remembers in one piece that these files are to go to the phone.
    ///
    /// # Errors
    /// When the memory cannot be written.
    pub fn put_pending(&self, files: &Files) -> Result<(), ProviderError> {
        self.memory.put(self.guid, &self.name("pending"), &packed(files))
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
        self.memory.remove(self.guid, &self.name("pending"))
    }
}

/// One line with names and lengths, then the contents one after the other.
fn packed(files: &Files) -> Vec<u8> {
    let lengths: Vec<(&String, usize)> = files.iter().map(|(name, bytes)| (name, bytes.len())).collect();
    let mut packed = serde_json::to_vec(&lengths).unwrap_or_default();
    packed.push(b'\n');
    packed.extend(files.values().flatten());
    packed
}

fn unpacked(packed: &[u8]) -> Option<Files> {
    let end = packed.iter().position(|byte| *byte == b'\n')?;
    let (line, contents) = packed.split_at_checked(end)?;
    let lengths: Vec<(String, usize)> = serde_json::from_slice(line).ok()?;
    let mut rest = contents.get(1..)?;
    let mut files = Files::new();
    for (name, length) in lengths {
        let (bytes, after) = rest.split_at_checked(length)?;
        files.insert(name, bytes.to_vec());
        rest = after;
    }
    rest.is_empty().then_some(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_packed_whole() {
        let files = Files::from([
            ("43".to_owned(), b"line\n\xff\n".to_vec()),
            ("info".to_owned(), Vec::new()),
            ("sequences".to_owned(), b"{}".to_vec()),
        ]);
        let bytes = packed(&files);
        assert_eq!(unpacked(&bytes), Some(files));
        for length in 0..bytes.len() {
            assert_eq!(unpacked(&bytes[..length]), None, "{length}");
        }
        assert_eq!(unpacked(&packed(&Files::new())), Some(Files::new()));
    }
}
