//! The media database of old Android: what the scanner saw when it last ran, plus what came over MTP.
//!
//! It must not look at the storage by itself; that is why its listings are stale.

use std::collections::{BTreeMap, HashMap};

use super::storage::{Entry, Storage, StorageError, join_path, split_path};

/// The rows, by folder and name.
#[derive(Default)]
pub(super) struct MediaDatabase {
    folders: HashMap<String, BTreeMap<String, Entry>>,
}

impl MediaDatabase {
    /// Reads the whole storage.
    pub(super) fn scan(storage: &dyn Storage) -> Self {
        let mut database = Self::default();
        let mut waiting = vec![String::new()];
        while let Some(folder) = waiting.pop() {
            // A folder that went away meanwhile has no rows.
            let entries = storage.list(&folder).unwrap_or_default();
            waiting.extend(
                entries.iter().filter(|entry| entry.is_folder).map(|entry| join_path(&folder, &entry.name)),
            );
            database
                .folders
                .insert(folder, entries.into_iter().map(|entry| (entry.name.clone(), entry)).collect());
        }
        database
    }

    pub(super) fn list(&self, folder: &str) -> Result<Vec<Entry>, StorageError> {
        self.folders.get(folder).map(|rows| rows.values().cloned().collect()).ok_or(StorageError::Missing)
    }

    pub(super) fn entry(&self, path: &str) -> Result<Entry, StorageError> {
        let (folder, name) = split_path(path);
        self.folders.get(folder).and_then(|rows| rows.get(name)).cloned().ok_or(StorageError::Missing)
    }

    /// Writes the row of something that came over MTP.
    pub(super) fn note(&mut self, path: &str, entry: Entry) {
        if entry.is_folder {
            self.folders.entry(path.to_owned()).or_default();
        }
        let (folder, name) = split_path(path);
        self.folders.entry(folder.to_owned()).or_default().insert(name.to_owned(), entry);
    }

    /// Removes the row and those below it.
    pub(super) fn forget(&mut self, path: &str) {
        let (folder, name) = split_path(path);
        if let Some(rows) = self.folders.get_mut(folder) {
            rows.remove(name);
        }
        let below = format!("{path}/");
        self.folders.retain(|key, _| key != path && !key.starts_with(&below));
    }
}
