//! Where exports may lie on a phone, and which files there may be some: by the profile's folders and patterns of
//! names. It reads no file; whether one is an export is `judging`'s decision, by its content.

use std::collections::HashSet;

use super::dates::{NameDate, file_date, name_date};
use crate::device::profile::{ContactsSection, ExportSection};
use crate::device::search::Search;
use crate::device::tree::{ObjectEntry, ObjectKind, ObjectReference, TreeError};
use crate::provider::Completeness;

/// So many first-level folders of a directory are looked at for being the storages of a mounted phone.
const STORAGES_MAX: usize = 16;

/// Folders by which the root of a phone's storage is known.
const STORAGE_SIGNS: [&str; 6] = ["android", "dcim", "documents", "download", "music", "pictures"];

/// A folder in which exports may lie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExportFolder {
    /// Storage label and path.
    pub place: String,
    /// The folder.
    pub folder: ObjectReference,
    /// The label of its storage.
    pub storage: String,
    /// Where the phone's storage begins in that: the name of a folder for a mounted phone, else empty.
    pub storage_path: String,
    /// It is a copy of a folder of the phone, by itself.
    pub is_copy: bool,
    /// Whether its storage takes writes.
    pub writable: bool,
}

/// A file that may be an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The folder that it is in, by its index in [`Found::folders`].
    pub folder: usize,
    /// The file.
    pub entry: ObjectEntry,
    /// What its name tells of its date.
    pub name_date: Option<NameDate>,
    /// The date of the file.
    pub file_date: Option<u64>,
}

/// What was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// The folders that are there, in the profile's order.
    pub folders: Vec<ExportFolder>,
    /// The files that may be exports, in no order.
    pub candidates: Vec<Candidate>,
    /// Folders that could not be listed whole, and why: there may be files that were not seen.
    pub doubts: Vec<String>,
}

impl Found {
    /// The place of a candidate's folder.
    pub fn place_of(&self, candidate: &Candidate) -> &str {
        self.folders.get(candidate.folder).map_or("", |folder| folder.place.as_str())
    }
}

/// Looks into the profile's folders on every storage. In a directory the storages of a mounted phone are folders, and
/// where there is none of the profile's folders, it may be a copy of just that folder.
///
/// # Errors
/// When the phone as a whole cannot be asked. A folder that cannot be listed is a doubt and no error.
pub(super) fn find(
    search: &mut Search<'_>,
    contacts: &ContactsSection,
    export: &ExportSection,
) -> Result<Found, TreeError> {
    let mut found = Found::default();
    let mut seen = HashSet::new();
    let roots = roots(search, &mut found.doubts)?;
    for root in &roots {
        for path in &contacts.folders {
            let is_root = path.split('/').all(|name| name.is_empty() || name == ".");
            // The root of a directory is the root of a storage only if it looks like one, or else see below.
            if is_root && root.may_be_copy {
                continue;
            }
            let folder = descend(search, &root.folder, path);
            let Some(folder) = keep_doubt(folder, &mut found.doubts, path)?.flatten() else { continue };
            if seen.insert(folder.clone()) {
                look_into(search, export, root.export_folder(path, folder), &mut found)?;
            }
        }
    }
    if found.folders.is_empty()
        && let Some(root) = roots.iter().find(|root| root.may_be_copy)
    {
        let folder = ExportFolder { is_copy: true, ..root.export_folder("", root.folder.clone()) };
        look_into(search, export, folder, &mut found)?;
    }
    Ok(found)
}

/// The root of a storage, or of what may be one.
struct Root {
    storage: String,
    /// The name of the folder that is the storage of a mounted phone, else empty.
    path: String,
    folder: ObjectReference,
    writable: bool,
    /// It is a directory that does not look like a storage: it may be a copy of one folder of a phone.
    may_be_copy: bool,
}

impl Root {
    fn export_folder(&self, path: &str, folder: ObjectReference) -> ExportFolder {
        let names = path.split('/').filter(|name| *name != ".");
        let names = [self.storage.as_str(), self.path.as_str()].into_iter().chain(names);
        let place = names.filter(|name| !name.is_empty()).collect::<Vec<_>>().join("/");
        let (storage, storage_path) = (self.storage.clone(), self.path.clone());
        ExportFolder { place, folder, storage, storage_path, is_copy: false, writable: self.writable }
    }
}

fn roots(search: &mut Search<'_>, doubts: &mut Vec<String>) -> Result<Vec<Root>, TreeError> {
    let is_directory = search.tree().identity().is_directory;
    let mut roots = Vec::new();
    for storage in search.storages().to_vec() {
        let folder = storage.root.clone();
        let (path, may_be_copy) = (String::new(), false);
        let root = Root { storage: storage.label, path, folder, writable: storage.writable, may_be_copy };
        if !is_directory {
            roots.push(root);
            continue;
        }
        let listing = search.list(&root.folder).map(|listing| listing.entries.clone());
        let entries = keep_doubt(listing, doubts, &root.storage)?.unwrap_or_default();
        let is_storage = has_storage_signs(&entries);
        let mut inner = Vec::new();
        for entry in entries.iter().filter(|entry| is_open_folder(entry)).take(STORAGES_MAX) {
            let listing = search.list(&entry.object).map(|listing| has_storage_signs(&listing.entries));
            // A folder of the computer that is closed to us is no storage of a phone.
            if !is_storage && keep_doubt(listing, &mut Vec::new(), &entry.name)?.unwrap_or(false) {
                inner.push(Root {
                    storage: root.storage.clone(),
                    path: entry.name.clone(),
                    folder: entry.object.clone(),
                    writable: root.writable,
                    may_be_copy: false,
                });
            }
        }
        let may_be_copy = !is_storage && inner.is_empty();
        roots.push(Root { may_be_copy, ..root });
        roots.extend(inner);
    }
    Ok(roots)
}

fn is_open_folder(entry: &ObjectEntry) -> bool {
    entry.kind == ObjectKind::Folder && !entry.name.starts_with('.')
}

fn has_storage_signs(entries: &[ObjectEntry]) -> bool {
    let mut folders = entries.iter().filter(|entry| entry.kind == ObjectKind::Folder);
    folders.any(|entry| STORAGE_SIGNS.contains(&entry.name.to_lowercase().as_str()))
}

fn descend(
    search: &mut Search<'_>,
    root: &ObjectReference,
    path: &str,
) -> Result<Option<ObjectReference>, TreeError> {
    let mut folder = root.clone();
    for name in path.split('/').filter(|name| !name.is_empty() && *name != ".") {
        match search.find(&folder, name)? {
            Some(entry) if entry.kind == ObjectKind::Folder => folder = entry.object,
            _ => return Ok(None),
        }
    }
    Ok(Some(folder))
}

/// An error of one folder is a doubt, one of the whole phone ends the search.
fn keep_doubt<T>(
    answer: Result<T, TreeError>,
    doubts: &mut Vec<String>,
    place: &str,
) -> Result<Option<T>, TreeError> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.is_fatal() => Err(error),
        Err(error) => {
            doubts.push(format!("{place} could not be listed: {error}"));
            Ok(None)
        }
    }
}

fn look_into(
    search: &mut Search<'_>,
    export: &ExportSection,
    folder: ExportFolder,
    found: &mut Found,
) -> Result<(), TreeError> {
    let listing = search.list(&folder.folder).cloned();
    let Some(listing) = keep_doubt(listing, &mut found.doubts, &folder.place)? else { return Ok(()) };
    if let Completeness::Incomplete(why) | Completeness::PresentOnly(why) = &listing.completeness {
        found.doubts.push(format!("{} was not listed whole: {why}", folder.place));
    }
    let index = found.folders.len();
    found.folders.push(folder);
    for entry in listing.entries {
        if entry.kind != ObjectKind::File || is_not_export(&entry.name) || !export.accepts_name(&entry.name) {
            continue;
        }
        let (name_date, file_date) = (name_date(&entry.name), file_date(entry.modified.as_deref()));
        found.candidates.push(Candidate { folder: index, entry, name_date, file_date });
    }
    Ok(())
}

/// Files that no app left as an export: hidden ones, by which Android also names files that are being written
/// (`.pending-`) or were thrown away (`.trashed-`), and what Tetherbook left for the phone.
fn is_not_export(name: &str) -> bool {
    name.starts_with('.') || name.to_lowercase().starts_with("tetherbook")
}
