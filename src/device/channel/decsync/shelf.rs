//! The DecSync folder on a phone as paths: listings that are asked for once until they are asked for anew, and the
//! one way in which a file of ours is put there. It must not know what the files mean.
//!
//! A file is never overwritten, because MTP cannot: the new one is sent under a temporary name and read back, then the
//! old one goes, then the new one gets the name. At every moment the name stands for the old content, the new one or
//! nothing; an app that reads "nothing" here waits for the next change.

use std::collections::HashMap;

use crate::device::channel::names::TEMPORARY_PREFIX;
use crate::device::tree::{FolderListing, ObjectEntry, ObjectKind, ObjectReference, ObjectTree, TreeError};
use crate::provider::Completeness;

/// A tree and what was listed of it. Paths are below the DecSync folder, components joined by `/`; empty is the
/// folder itself.
pub struct Shelf {
    /// The phone.
    pub tree: Box<dyn ObjectTree>,
    root: ObjectReference,
    listings: HashMap<String, FolderListing>,
    rename_usable: bool,
}

fn joined(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

fn size_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

impl Shelf {
    /// A shelf whose top is the folder `root`, which was listed just now.
    #[must_use]
    pub fn new(
        tree: Box<dyn ObjectTree>,
        root: ObjectReference,
        listing: FolderListing,
        rename_unusable: bool,
    ) -> Self {
        let rename_usable = tree.capabilities().rename && !rename_unusable;
        Self { tree, root, listings: HashMap::from([(String::new(), listing)]), rename_usable }
    }

    /// Forgets what was listed of this folder and below it.
    pub fn refresh(&mut self, path: &str) {
        let below = format!("{path}/");
        self.listings.retain(|known, _| known != path && !known.starts_with(&below));
    }

    /// The folder's reference; `None` if it is surely not there.
    ///
    /// # Errors
    /// When a folder on the way cannot be listed whole, or something else has the name.
    pub fn folder(&mut self, path: &str) -> Result<Option<ObjectReference>, TreeError> {
        if path.is_empty() {
            return Ok(Some(self.root.clone()));
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        match self.find(parent, name)? {
            Some(entry) if entry.kind == ObjectKind::Folder => Ok(Some(entry.object)),
            Some(_) => Err(TreeError::Unreadable(format!("{name} is no folder"))),
            None => Ok(None),
        }
    }

    /// What is in a folder; `None` if there is no such folder.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn list(&mut self, path: &str) -> Result<Option<&FolderListing>, TreeError> {
        if !self.listings.contains_key(path) {
            let Some(folder) = self.folder(path)? else { return Ok(None) };
            let listing = self.tree.list(&folder)?;
            self.listings.insert(path.to_owned(), listing);
        }
        Ok(self.listings.get(path))
    }

    /// The object of that name; `None` if it is surely not there. Of two handles for one name the younger one.
    ///
    /// # Errors
    /// When the folder cannot be listed, or was not listed whole and the object was not in what was.
    pub fn find(&mut self, folder: &str, name: &str) -> Result<Option<ObjectEntry>, TreeError> {
        let Some(listing) = self.list(folder)? else { return Ok(None) };
        let mut found: Option<&ObjectEntry> = None;
        for entry in listing.entries.iter().filter(|entry| entry.name == name) {
            if found.is_none_or(|before| entry.object.is_younger_than(&before.object)) {
                found = Some(entry);
            }
        }
        match (found, &listing.completeness) {
            (Some(entry), _) => Ok(Some(entry.clone())),
            (None, Completeness::Complete) => Ok(None),
            (None, Completeness::Incomplete(why) | Completeness::PresentOnly(why)) => {
                Err(TreeError::Unreadable(why.clone()))
            }
        }
    }

    /// The content of a file; `None` if it is not there.
    ///
    /// # Errors
    /// When it cannot be read whole.
    pub fn read(&mut self, folder: &str, name: &str, limit_bytes: u64) -> Result<Option<Vec<u8>>, TreeError> {
        let Some(entry) = self.find(folder, name)? else { return Ok(None) };
        if entry.kind != ObjectKind::File {
            return Err(TreeError::Unreadable(format!("{name} is no regular file")));
        }
        if entry.size_bytes == 0 {
            return Ok(Some(Vec::new()));
        }
        match self.tree.read(&entry.object, entry.size_bytes, limit_bytes) {
            Ok(bytes) => Ok(Some(bytes)),
            // It was replaced since it was listed.
            Err(TreeError::NotFound(_)) => {
                self.refresh(folder);
                match self.find(folder, name)? {
                    Some(entry) => self.tree.read(&entry.object, entry.size_bytes, limit_bytes).map(Some),
                    None => Ok(None),
                }
            }
            Err(error) => Err(error),
        }
    }

    /// Makes sure that a folder is there, and those above it.
    ///
    /// # Errors
    /// When it can neither be found nor made.
    pub fn make_folder(&mut self, path: &str) -> Result<ObjectReference, TreeError> {
        if let Some(folder) = self.folder(path)? {
            return Ok(folder);
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        let above = self.make_folder(parent)?;
        let object = self.tree.make_folder(&above, name)?;
        let entry = ObjectEntry {
            name: name.to_owned(),
            kind: ObjectKind::Folder,
            size_bytes: 0,
            modified: None,
            object: object.clone(),
        };
        self.note_new(parent, entry);
        let empty = FolderListing { entries: Vec::new(), completeness: Completeness::Complete };
        self.listings.insert(path.to_owned(), empty);
        Ok(object)
    }

    /// Puts a file there in place of the one before, and returns how it is listed now, as far as the phone tells.
    ///
    /// # Errors
    /// When it could not be put there. [`TreeError::leaves_doubt`] tells whether it may be there all the same.
    pub fn put(&mut self, folder: &str, name: &str, bytes: &[u8]) -> Result<ObjectEntry, TreeError> {
        self.make_folder(folder)?;
        let temporary = format!("{TEMPORARY_PREFIX}{name}");
        self.remove(folder, &temporary)?;
        if !self.rename_usable {
            self.remove(folder, name)?;
            return self.send(folder, name, bytes);
        }
        let sent = self.send(folder, &temporary, bytes)?;
        self.remove(folder, name)?;
        match self.tree.rename(&sent.object, name) {
            Ok(object) => {
                let now = self.tree.stat(&object)?;
                if now.name == name {
                    self.note_gone(folder, &temporary);
                    self.note_new(folder, now.clone());
                    return Ok(now);
                }
            }
            Err(error) if error.is_fatal() => return Err(error),
            // Some devices answer "no" to what they have done.
            Err(_) => {
                let now = self.tree.stat(&sent.object)?;
                if now.name == name {
                    self.note_gone(folder, &temporary);
                    self.note_new(folder, now.clone());
                    return Ok(now);
                }
            }
        }
        self.rename_usable = false;
        let object = self.send(folder, name, bytes)?;
        self.remove(folder, &temporary)?;
        Ok(object)
    }

    /// Sends a new file and reads it back; what arrived wrong is removed again.
    fn send(&mut self, folder: &str, name: &str, bytes: &[u8]) -> Result<ObjectEntry, TreeError> {
        let above = self.make_folder(folder)?;
        let object = self.tree.create(&above, name, bytes)?;
        let size_bytes = size_of(bytes);
        match self.tree.read(&object, size_bytes, size_bytes) {
            Ok(held) if held == bytes => {}
            Err(error) if error.is_fatal() => return Err(error),
            Ok(_) | Err(_) => {
                return match self.tree.delete(&object) {
                    Ok(()) | Err(TreeError::NotFound(_)) => {
                        Err(TreeError::Refused(format!("{name} did not arrive on the phone as it was sent")))
                    }
                    Err(error) => Err(TreeError::Protocol(format!(
                        "{name} did not arrive on the phone as it was sent, and could not be removed: {error}"
                    ))),
                };
            }
        }
        let entry = match self.tree.stat(&object) {
            Ok(entry) => entry,
            Err(error) if error.is_fatal() => return Err(error),
            Err(_) => ObjectEntry {
                name: name.to_owned(),
                kind: ObjectKind::File,
                size_bytes,
                modified: None,
                object,
            },
        };
        self.note_new(folder, entry.clone());
        Ok(entry)
    }

    /// Removes a file of ours, if it is there.
    ///
    /// # Errors
    /// When it is there and stays.
    pub fn remove(&mut self, folder: &str, name: &str) -> Result<(), TreeError> {
        let Some(entry) = self.find(folder, name)? else { return Ok(()) };
        match self.tree.delete(&entry.object) {
            Ok(()) | Err(TreeError::NotFound(_)) => {
                self.note_gone(folder, name);
                Ok(())
            }
            Err(error) => Err(error),
        }
    }

    fn note_gone(&mut self, folder: &str, name: &str) {
        if let Some(listing) = self.listings.get_mut(folder) {
            listing.entries.retain(|entry| entry.name != name);
        }
    }

    fn note_new(&mut self, folder: &str, entry: ObjectEntry) {
        self.note_gone(folder, &entry.name);
        self.refresh(&joined(folder, &entry.name));
        if let Some(listing) = self.listings.get_mut(folder) {
            listing.entries.push(entry);
        }
    }
}
