//! Finding a contacts folder among a profile's candidates, and making it where there is none.

use super::marker::{MARKER_BYTES_MAX, Marker, MarkerFault};
use super::names::{MARKER_NAME, name_key, temporary_name};
use super::vcard_folder::{Home, MarkerState, VcardFolder};
use crate::device::tree::{FolderListing, ObjectEntry, ObjectKind, ObjectReference, Storage, TreeError};
use crate::provider::{Completeness, ProviderError};

/// How a folder's name is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spelling {
    Exact,
    AnyCase,
}

impl VcardFolder {
    /// Looks for the candidates by their exact names, and only if none is there in any letter case.
    pub(super) fn locate(&mut self) -> Result<(), TreeError> {
        self.locate_among(Spelling::Exact)?;
        if self.home.is_none() { self.locate_among(Spelling::AnyCase) } else { Ok(()) }
    }

    /// Takes the first candidate with a marker, else the first that exists. Folders without a marker are many on
    /// some phones; the marked one is ours wherever it stands.
    fn locate_among(&mut self, spelling: Spelling) -> Result<(), TreeError> {
        let mut first: Option<(Home, FolderListing)> = None;
        let mut doubt = None;
        for storage in self.storages.clone() {
            for path in self.contacts.folders.clone() {
                let Some(folder) = self.resolve(&storage, &path, spelling, &mut doubt)? else { continue };
                let listing = self.tree.list(&folder)?;
                let prefix = prefix_of(&storage.label, &path);
                let home = Home { folder, prefix, writable: storage.writable };
                self.marker = self.read_marker(&listing)?;
                if self.marker != MarkerState::Missing {
                    self.settle_in(home, listing);
                    return Ok(());
                }
                first.get_or_insert((home, listing));
            }
        }
        match (first, doubt) {
            (Some((home, listing)), _) => self.settle_in(home, listing),
            // What was not listed whole may hold the folder: nothing is made beside it.
            (None, Some(why)) => return Err(TreeError::Unreadable(why)),
            (None, None) => {}
        }
        Ok(())
    }

    fn settle_in(&mut self, home: Home, listing: FolderListing) {
        if let MarkerState::Known(marker, _) | MarkerState::Unfinished(marker, _) = &self.marker {
            self.replica.guid = marker.guid;
            self.replica.generation = marker.generation;
        }
        self.home = Some(home);
        self.listed_ms = self.clock.now_ms();
        self.pending = Some(listing);
    }

    /// Walks a candidate path from the storage's root; `None` if it is not there, and `doubt` says why if that is
    /// not sure.
    fn resolve(
        &mut self,
        storage: &Storage,
        path: &str,
        spelling: Spelling,
        doubt: &mut Option<String>,
    ) -> Result<Option<ObjectReference>, TreeError> {
        let mut folder = storage.root.clone();
        for component in path.split('/').filter(|component| *component != ".") {
            let next = match spelling {
                Spelling::Exact => match self.tree.find(&folder, component) {
                    Ok(found) => found.filter(is_folder).map(|entry| entry.object),
                    Err(error) if error.is_fatal() => return Err(error),
                    Err(error) => {
                        *doubt = Some(error.to_string());
                        None
                    }
                },
                Spelling::AnyCase => {
                    let listing = self.tree.list(&folder)?;
                    if let Completeness::Incomplete(why) = &listing.completeness {
                        *doubt = Some(why.clone());
                    }
                    find_folder(&listing, component)
                }
            };
            let Some(next) = next else { return Ok(None) };
            folder = next;
        }
        Ok(Some(folder))
    }

    /// A folder that had a marker and seems to have none is listed a second time before that is believed: some
    /// phones answer an empty or stale list while they are still looking themselves.
    ///
    /// # Errors
    /// When the folder cannot be listed, or turns out to be another phone's.
    pub(super) fn look_again(
        &mut self,
        listing: FolderListing,
        folder: &ObjectReference,
    ) -> Result<FolderListing, ProviderError> {
        if self.marker != MarkerState::Missing || self.generation_known() == 0 {
            return Ok(listing);
        }
        let again = self.tree.list(folder).map_err(TreeError::for_side)?;
        self.marker = self.read_marker(&again).map_err(TreeError::for_side)?;
        if let MarkerState::Known(marker, _) | MarkerState::Unfinished(marker, _) = &self.marker {
            if marker.guid != self.replica.guid {
                return Err(ProviderError::Protocol("its marker came only at second sight".to_owned()));
            }
            self.replica.generation = marker.generation;
        }
        Ok(again)
    }

    fn read_marker(&mut self, listing: &FolderListing) -> Result<MarkerState, TreeError> {
        let named = |name: &str| listing.entries.iter().find(|entry| entry.name == name);
        let mut state = match named(MARKER_NAME) {
            Some(entry) => match self.parse_marker(entry)? {
                Ok(marker) => return Ok(MarkerState::Known(marker, entry.object.clone())),
                Err(MarkerFault::Newer(format)) => return Ok(MarkerState::Newer(format)),
                Err(MarkerFault::Damaged) => MarkerState::Damaged(entry.object.clone()),
            },
            None => MarkerState::Missing,
        };
        // A session that was cut between removing the old marker and renaming the new one left it so.
        if let Some(entry) = named(&temporary_name(MARKER_NAME, self.names()))
            && let Ok(marker) = self.parse_marker(entry)?
        {
            let damaged = if let MarkerState::Damaged(object) = state { Some(object) } else { None };
            state = MarkerState::Unfinished(marker, damaged);
        }
        Ok(state)
    }

    /// Reads a marker, twice if need be: so much hangs on it that one bad transfer must not decide. One that cannot
    /// be read is not one that is damaged: nothing is concluded from it.
    fn parse_marker(&mut self, entry: &ObjectEntry) -> Result<Result<Marker, MarkerFault>, TreeError> {
        if entry.size_bytes > MARKER_BYTES_MAX {
            return Ok(Err(MarkerFault::Damaged));
        }
        let first = self.tree.read(&entry.object, entry.size_bytes, MARKER_BYTES_MAX);
        let answer = match first.map(|bytes| Marker::parse(&bytes)) {
            Err(error) if error.is_fatal() => Err(error),
            Err(_) | Ok(Err(MarkerFault::Damaged)) => self
                .tree
                .read(&entry.object, entry.size_bytes, MARKER_BYTES_MAX)
                .map(|bytes| Marker::parse(&bytes)),
            parsed => parsed,
        };
        answer.map_err(|error| match error {
            error if error.is_fatal() => error,
            error => TreeError::Protocol(format!(
                "its file {} cannot be read ({error}); if that stays so, delete that file on the phone",
                entry.name
            )),
        })
    }

    /// Makes the first candidate folder on the first storage that takes writes.
    pub(super) fn make_home(&mut self) -> Result<Home, TreeError> {
        let refused = || TreeError::Refused("no storage of the phone takes writes".to_owned());
        let storage = self.storages.iter().find(|storage| storage.writable).cloned().ok_or_else(refused)?;
        let path = self.contacts.folders.first().cloned().ok_or_else(refused)?;
        let mut folder = storage.root.clone();
        for component in path.split('/').filter(|component| *component != ".") {
            let listing = self.tree.list(&folder)?;
            folder = match find_folder(&listing, component) {
                Some(existing) => existing,
                None => self.tree.make_folder(&folder, component)?,
            };
        }
        let home = Home { folder, prefix: prefix_of(&storage.label, &path), writable: true };
        self.home = Some(home.clone());
        Ok(home)
    }
}

fn is_folder(entry: &ObjectEntry) -> bool {
    entry.kind == ObjectKind::Folder
}

fn prefix_of(label: &str, path: &str) -> String {
    if path == "." { format!("{label}/") } else { format!("{label}/{path}/") }
}

/// A folder by its name, the exact one before one in other letter case.
fn find_folder(listing: &FolderListing, name: &str) -> Option<ObjectReference> {
    let key = name_key(name);
    let folders = || listing.entries.iter().filter(|entry| is_folder(entry));
    folders()
        .find(|entry| entry.name == name)
        .or_else(|| folders().find(|entry| name_key(&entry.name) == key))
        .map(|entry| entry.object.clone())
}
