//! Looking for contacts on a phone: folders by path, each asked for once however many channels look into it. It must
//! not know what they look for, and never walks the phone by itself.

use std::collections::HashMap;

use super::tree::{FolderListing, ObjectEntry, ObjectKind, ObjectReference, ObjectTree, Storage, TreeError};
use crate::provider::Completeness;

/// The folders of a phone that were looked into.
pub struct Search<'t> {
    tree: &'t mut dyn ObjectTree,
    storages: Vec<Storage>,
    listings: HashMap<ObjectReference, FolderListing>,
}

impl<'t> Search<'t> {
    /// Begins with the storages.
    ///
    /// # Errors
    /// [`TreeError::Locked`] if the phone shows none.
    pub fn new(tree: &'t mut dyn ObjectTree) -> Result<Self, TreeError> {
        let storages = tree.storages()?;
        Ok(Self { tree, storages, listings: HashMap::new() })
    }

    /// The phone as a tree, for reading what was found.
    pub fn tree(&mut self) -> &mut dyn ObjectTree {
        self.tree
    }

    /// The storages.
    #[must_use]
    pub fn storages(&self) -> &[Storage] {
        &self.storages
    }

    /// The objects of a folder that was found.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn list(&mut self, folder: &ObjectReference) -> Result<&FolderListing, TreeError> {
        if !self.listings.contains_key(folder) {
            let listing = self.tree.list(folder)?;
            self.listings.insert(folder.clone(), listing);
        }
        self.listings.get(folder).ok_or_else(|| TreeError::NotFound(String::from("the folder")))
    }

    /// The object of that name in a folder; letter case does not count, but an exact match goes first. `None` only if
    /// it is surely not there.
    ///
    /// # Errors
    /// When the folder cannot be listed, or was not listed whole and the object was not in what was.
    pub fn find(&mut self, folder: &ObjectReference, name: &str) -> Result<Option<ObjectEntry>, TreeError> {
        let listing = self.list(folder)?;
        let folded = name.to_lowercase();
        let exact = listing.entries.iter().find(|entry| entry.name == name);
        let found =
            exact.or_else(|| listing.entries.iter().find(|entry| entry.name.to_lowercase() == folded));
        match (found, &listing.completeness) {
            (Some(entry), _) => Ok(Some(entry.clone())),
            (None, Completeness::Incomplete(why) | Completeness::PresentOnly(why)) => {
                Err(TreeError::Unreadable(why.clone()))
            }
            (None, Completeness::Complete) => Ok(None),
        }
    }

    /// The folder at a path below the root of the storage with this index, its components joined by `/`; `.` or an
    /// empty path is the root. `None` if there is none.
    ///
    /// # Errors
    /// When a folder on the way cannot be listed.
    pub fn folder(&mut self, storage: usize, path: &str) -> Result<Option<ObjectReference>, TreeError> {
        let Some(root) = self.storages.get(storage).map(|storage| storage.root.clone()) else {
            return Ok(None);
        };
        let mut folder = root;
        for name in path.split('/').filter(|name| !name.is_empty() && *name != ".") {
            match self.find(&folder, name)? {
                Some(entry) if entry.kind == ObjectKind::Folder => folder = entry.object,
                _ => return Ok(None),
            }
        }
        Ok(Some(folder))
    }

    /// The objects at a path; `None` if there is no such folder.
    ///
    /// # Errors
    /// When it cannot be listed.
    pub fn list_path(&mut self, storage: usize, path: &str) -> Result<Option<&FolderListing>, TreeError> {
        match self.folder(storage, path)? {
            Some(folder) => self.list(&folder).map(Some),
            None => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::DirectoryTree;

    #[test]
    fn folders_are_found_by_path_and_asked_for_once() {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(directory.path().join("Download/Tetherbook")).unwrap();
        std::fs::write(directory.path().join("Download/a.vcf"), "x").unwrap();
        let mut tree = DirectoryTree::open(directory.path()).unwrap();
        let mut search = Search::new(&mut tree).unwrap();
        assert_eq!(search.list_path(0, "download").unwrap().unwrap().entries.len(), 2);
        let asked = search.tree().statistics().requests;
        assert!(search.folder(0, "Download/Tetherbook").unwrap().is_some());
        assert!(search.folder(0, "Download/a.vcf").unwrap().is_none(), "a file is no folder");
        assert!(search.folder(0, "None").unwrap().is_none());
        assert!(search.folder(7, "").unwrap().is_none());
        assert!(search.folder(0, ".").unwrap().is_some());
        assert_eq!(search.tree().statistics().requests, asked);
    }
}
