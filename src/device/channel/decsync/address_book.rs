//! Which address book of the DecSync folder is meant: those that are there, with their names and our marks.

use super::channel::DecsyncChannel;
use super::encoding::INFO_BUCKET;
use super::entry::parse_bucket;
use super::finding::{AddressBook, CONTACTS, choose_book, folder_names, guid_of_app};
use super::index::RememberedFile;
use super::memory::remembered_book;
use super::reading::{BUCKET_BYTES_MAX, parse_old_file};
use crate::device::tree::TreeError;
use crate::ics::Guid;
use crate::provider::ProviderError;

impl DecsyncChannel<'_> {
    /// Chooses the address book among those that are there.
    pub(super) fn locate_book(&mut self) -> Result<(), ProviderError> {
        let ids = match self.shelf.list(CONTACTS).map_err(TreeError::for_side)? {
            Some(listing) => folder_names(listing).map_err(TreeError::for_side)?,
            None => Vec::new(),
        };
        let mut books = Vec::with_capacity(ids.len());
        for id in ids {
            let marked = self.mark_in(&id)?;
            books.push(AddressBook { id, name: String::new(), deleted: false, marked });
        }
        let marks = books.iter().filter(|book| book.marked.is_some()).count();
        // The names are in files of their own, which are read only where it must be chosen.
        if marks != 1 || self.asked_for.is_some() {
            for book in &mut books {
                (book.name, book.deleted) = self.describe(&book.id)?;
            }
        }
        let chosen = choose_book(&books, self.asked_for.as_deref())?;
        self.marker = chosen.and_then(|book| book.marked);
        let id = chosen.map(|book| book.id.clone());
        self.settle_on(id);
        Ok(())
    }

    /// The replica among those known here that has a folder in this address book.
    fn mark_in(&mut self, book: &str) -> Result<Option<Guid>, ProviderError> {
        let path = format!("{}/v2", Self::book_path(book));
        let Some(listing) = self.shelf.list(&path).map_err(TreeError::for_side)? else { return Ok(None) };
        let guids = listing.entries.iter().filter_map(|entry| guid_of_app(&entry.name));
        for guid in guids.filter(|guid| self.known_guids.contains(guid)) {
            // A replica that has gone over to another address book leaves its folder in the one before.
            if remembered_book(self.memory, guid)?.is_none_or(|last| last == book) {
                return Ok(Some(guid));
            }
        }
        Ok(None)
    }

    /// The name of an address book, and whether it was deleted.
    fn describe(&mut self, book: &str) -> Result<(String, bool), ProviderError> {
        let mut entries = Vec::new();
        let base = Self::book_path(book);
        for (layout, is_old) in [("v2", false), ("stored-entries", true)] {
            let folder = format!("{base}/{layout}");
            let apps = match self.shelf.list(&folder).map_err(TreeError::for_side)? {
                Some(listing) => folder_names(listing).map_err(TreeError::for_side)?,
                None => continue,
            };
            for app in apps {
                let read = self.shelf.read(&format!("{folder}/{app}"), INFO_BUCKET, BUCKET_BYTES_MAX);
                let Some(bytes) = read.map_err(TreeError::for_side)? else { continue };
                if is_old {
                    entries.extend(parse_old_file(&[INFO_BUCKET.to_owned()], &bytes));
                } else {
                    entries.extend(parse_bucket(&bytes));
                }
            }
        }
        let facts = RememberedFile::of(&entries).facts;
        let fact = |key: &str| facts.iter().find(|fact| fact.key == key).map(|fact| fact.value.clone());
        let name = fact("name").and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
        Ok((name, fact("deleted").and_then(|deleted| deleted.as_bool()).unwrap_or(false)))
    }
}
