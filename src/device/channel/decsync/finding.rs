//! Finding the DecSync folder on a phone and the address book in it. It reads only, and never walks the whole phone.

use std::collections::{BTreeSet, VecDeque};

use super::encoding::decoded;
use super::version::{DecsyncVersion, INFO_FILE, INFO_FILE_BYTES_MAX, parse_info};
use crate::device::search::Search;
use crate::device::tree::{FolderListing, ObjectKind, ObjectReference, ObjectTree, TreeError};
use crate::ics::Guid;
use crate::provider::{Completeness, ProviderError};

/// A DecSync folder is at most so many folders below the root of a storage. In a directory of this computer one more,
/// since a mounted phone shows its storages as folders.
const DEPTH_MAX: usize = 3;
/// No more folders than this are looked into.
const FOLDERS_MAX: usize = 150;
/// Folders that hold much and no DecSync folder.
const PASSED_OVER: [&str; 16] = [
    "alarms",
    "android",
    "audiobooks",
    "dcim",
    "lost.dir",
    "miui",
    "movies",
    "music",
    "notifications",
    "pictures",
    "podcasts",
    "recordings",
    "ringtones",
    "system volume information",
    "telegram",
    "whatsapp",
];
/// What our app ids begin with; the rest is the replica's id.
const APP_ID_START: &str = "Tetherbook-";
/// The folder of all address books.
pub const CONTACTS: &str = "contacts";

/// Where a DecSync folder is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Storage label and path.
    pub place: String,
    /// The folder.
    pub folder: ObjectReference,
    /// What is in it.
    pub listing: FolderListing,
    /// Its storage can be written to.
    pub writable: bool,
}

/// A folder that is still to be looked into.
struct Waiting {
    writable: bool,
    place: String,
    folder: ObjectReference,
    depth: usize,
}

/// Looks where it was before, and only if it is at none of these places, or at several, everywhere.
///
/// # Errors
/// When the phone cannot be asked any more.
pub fn find_decsync(search: &mut Search<'_>, places: &BTreeSet<String>) -> Result<Option<Found>, TreeError> {
    let mut remembered = Vec::new();
    for place in places {
        remembered.extend(find_at(search, place)?);
    }
    match remembered.pop() {
        Some(found) if remembered.is_empty() => Ok(Some(found)),
        _ => find_anywhere(search),
    }
}

/// The DecSync folder at a place, if it is there.
fn find_at(search: &mut Search<'_>, place: &str) -> Result<Option<Found>, TreeError> {
    let storages = search.storages().iter().enumerate();
    let named: Vec<(usize, String, bool)> = storages
        .filter_map(|(at, storage)| {
            let path = place.strip_prefix(storage.label.as_str())?;
            let is_below = path.is_empty() || path.starts_with('/');
            is_below.then(|| (at, path.to_owned(), storage.writable))
        })
        .collect();
    for (at, path, writable) in named {
        let found = search.folder(at, &path).and_then(|folder| match folder {
            Some(folder) => Ok(Some((search.list(&folder)?.clone(), folder))),
            None => Ok(None),
        });
        match found {
            Ok(Some((listing, folder))) if has_info(&listing) => {
                return Ok(Some(Found { place: place.to_owned(), folder, listing, writable }));
            }
            Err(error) if error.is_fatal() => return Err(error),
            Ok(_) | Err(_) => {}
        }
    }
    Ok(None)
}

fn has_info(listing: &FolderListing) -> bool {
    listing.entries.iter().any(|entry| entry.name == INFO_FILE && entry.kind == ObjectKind::File)
}

/// Looks for the file `.decsync-info`, nearest first, and among folders of one depth where the name says it first.
///
/// # Errors
/// When the phone cannot be asked any more. A folder that cannot be listed is passed over.
fn find_anywhere(search: &mut Search<'_>) -> Result<Option<Found>, TreeError> {
    let depth_max = DEPTH_MAX + usize::from(search.tree().identity().is_directory);
    let storages = search.storages().iter();
    let mut waiting: VecDeque<Waiting> = storages
        .map(|storage| Waiting {
            writable: storage.writable,
            place: storage.label.clone(),
            folder: storage.root.clone(),
            depth: 0,
        })
        .collect();
    let mut looked_into = 0;
    while let Some(here) = waiting.pop_front() {
        if looked_into == FOLDERS_MAX {
            break;
        }
        looked_into += 1;
        let listing = match search.list(&here.folder) {
            Ok(listing) => listing,
            Err(error) if error.is_fatal() => return Err(error),
            Err(_) => continue,
        };
        if has_info(listing) {
            let Waiting { writable, place, folder, .. } = here;
            return Ok(Some(Found { place, folder, listing: listing.clone(), writable }));
        }
        if here.depth == depth_max {
            continue;
        }
        let folders = listing.entries.iter().filter(|entry| entry.kind == ObjectKind::Folder);
        for entry in folders.filter(|entry| !is_passed_over(&entry.name)) {
            let place = format!("{}/{}", here.place, entry.name);
            let depth = here.depth + 1;
            let below = Waiting { writable: here.writable, place, folder: entry.object.clone(), depth };
            if entry.name.to_lowercase().contains("decsync") {
                waiting.push_front(below);
            } else {
                waiting.push_back(below);
            }
        }
    }
    Ok(None)
}

fn is_passed_over(name: &str) -> bool {
    name.starts_with('.') || PASSED_OVER.contains(&name.to_lowercase().as_str())
}

/// Reads what the folder says of itself.
///
/// # Errors
/// [`ProviderError::Unusable`] with words if it is not of a known version, others if it cannot be read.
pub fn read_version(tree: &mut dyn ObjectTree, found: &Found) -> Result<DecsyncVersion, ProviderError> {
    let Some(entry) = found.listing.entries.iter().find(|entry| entry.name == INFO_FILE) else {
        return Err(ProviderError::Storage(format!("{INFO_FILE} is no longer on the phone")));
    };
    let bytes = if entry.size_bytes == 0 {
        Vec::new()
    } else {
        let read = tree.read(&entry.object, entry.size_bytes, INFO_FILE_BYTES_MAX);
        read.map_err(TreeError::for_side)?
    };
    parse_info(&bytes).map_err(ProviderError::Unusable)
}

/// The id that our own entries carry: the name of our folder, in which nothing needs encoding.
#[must_use]
pub fn own_app_id(guid: Guid) -> String {
    format!("{APP_ID_START}{guid}")
}

/// The replica's id in the name of a folder that looks like ours.
#[must_use]
pub fn guid_of_app(folder: &str) -> Option<Guid> {
    folder.strip_prefix(APP_ID_START)?.parse().ok()
}

/// An address book, as far as is known while one is chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AddressBook {
    /// The name of its folder.
    pub id: String,
    /// What a person calls it; empty if it has no name.
    pub name: String,
    /// It was deleted in an app.
    pub deleted: bool,
    /// A replica that this computer knows has written to it.
    pub marked: Option<Guid>,
}

impl AddressBook {
    fn is_called(&self, name: &str) -> bool {
        let folded = name.trim().to_lowercase();
        self.id == name
            || self.name.trim().to_lowercase() == folded
            || decoded(&self.id).as_deref() == Some(name)
    }

    fn spoken(&self) -> &str {
        if self.name.is_empty() { &self.id } else { &self.name }
    }
}

/// Chooses the address book: the one that is asked for, else the one that this computer synced before, else the only
/// one that is not deleted. `None` if there is none, so that one is to be made.
///
/// # Errors
/// With words for a person if there are several, or the one that is asked for is not there.
pub fn choose_book<'b>(
    books: &'b [AddressBook],
    asked_for: Option<&str>,
) -> Result<Option<&'b AddressBook>, ProviderError> {
    let there: Vec<&AddressBook> = books.iter().filter(|book| !book.deleted).collect();
    let names = || {
        let names: Vec<String> = there.iter().map(|book| format!("“{}”", book.spoken())).collect();
        names.join(", ")
    };
    if let Some(name) = asked_for {
        let by_id = books.iter().find(|book| book.id == name);
        let mut called = there.iter().filter(|book| book.is_called(name));
        return match (by_id, called.next(), called.next()) {
            (Some(book), ..) => Ok(Some(book)),
            (None, Some(book), None) => Ok(Some(book)),
            (None, None, _) if there.is_empty() => Ok(None),
            (None, None, _) => Err(ProviderError::NoChannel(format!(
                "DecSync has no address book “{name}”; it has {}. Name one of them with --address-book",
                names()
            ))),
            (None, Some(_), Some(_)) => Err(ProviderError::NoChannel(format!(
                "DecSync has several address books “{name}”; rename one of them in DecSync CC"
            ))),
        };
    }
    let mut marked = books.iter().filter(|book| book.marked.is_some());
    match (marked.next(), marked.next(), there.as_slice()) {
        (Some(book), None, _) => Ok(Some(book)),
        (_, _, []) => Ok(None),
        (_, _, [only]) => Ok(Some(only)),
        _ => Err(ProviderError::NoChannel(format!(
            "DecSync has several address books: {}. Say which one is meant with --address-book NAME",
            names()
        ))),
    }
}

/// The names of the folders in a folder, without those that begin with a dot.
///
/// # Errors
/// When the listing is not whole.
pub fn folder_names(listing: &crate::device::tree::FolderListing) -> Result<Vec<String>, TreeError> {
    if let Completeness::Incomplete(why) | Completeness::PresentOnly(why) = &listing.completeness {
        return Err(TreeError::Unreadable(why.clone()));
    }
    let folders = listing.entries.iter().filter(|entry| entry.kind == ObjectKind::Folder);
    let mut names: Vec<String> =
        folders.map(|entry| entry.name.clone()).filter(|name| !name.starts_with('.')).collect();
    names.sort_unstable();
    names.dedup();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::DirectoryTree;

    fn found_in(files: &[&str]) -> (Option<String>, u64) {
        let directory = tempfile::tempdir().unwrap();
        for file in files {
            let path = directory.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "{\"version\":2}").unwrap();
        }
        let mut tree = DirectoryTree::open(directory.path()).unwrap();
        let mut search = Search::new(&mut tree).unwrap();
        let found = find_decsync(&mut search, &BTreeSet::new()).unwrap();
        let label = search.storages()[0].label.clone();
        let place = found.map(|found| found.place.strip_prefix(&label).unwrap().to_owned());
        (place, search.tree().statistics().requests)
    }

    #[test]
    fn it_is_found_where_people_have_it() {
        for place in ["", "/DecSync", "/Documents/DecSync", "/Internal storage/Sync/a/my folder"] {
            let file = format!("{place}/.decsync-info");
            let others = ["Music/a/b/c.mp3", "Download/x.vcf", file.trim_start_matches('/')];
            assert_eq!(found_in(&others).0.as_deref(), Some(place), "{place:?}");
        }
    }

    #[test]
    fn it_is_not_looked_for_everywhere() {
        for file in [
            "a/b/c/d/e/.decsync-info",
            "DCIM/x/.decsync-info",
            "x/.hidden/.decsync-info",
            "Android/.decsync-info",
        ] {
            assert_eq!(found_in(&[file]).0, None, "{file}");
        }
        let many: Vec<String> = (0..200).map(|number| format!("f{number:03}/x/y.txt")).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(found_in(&many).0, None);
    }

    fn book(id: &str, name: &str) -> AddressBook {
        AddressBook { id: id.to_owned(), name: name.to_owned(), deleted: false, marked: None }
    }

    fn chosen(books: &[AddressBook], name: Option<&str>) -> Result<Option<String>, String> {
        let chosen = choose_book(books, name).map(|book| book.map(|book| book.id.clone()));
        chosen.map_err(|error| error.to_string())
    }

    #[test]
    fn the_address_book_is_clear_or_asked_for() {
        let (a, b) = (book("a", "Friends"), book("b", "Work"));
        let gone = AddressBook { deleted: true, ..book("c", "Old") };
        let marked = |book: AddressBook| AddressBook { marked: Some(Guid::from_random([1; 16])), ..book };
        assert_eq!(chosen(&[], None), Ok(None));
        assert_eq!(chosen(std::slice::from_ref(&gone), None), Ok(None));
        assert_eq!(chosen(&[a.clone(), gone.clone()], None), Ok(Some("a".to_owned())));
        assert_eq!(chosen(&[a.clone(), marked(b.clone())], None), Ok(Some("b".to_owned())));
        // The one that was synced stays the one, even if it was deleted: that must not pass unnoticed.
        assert_eq!(chosen(&[a.clone(), marked(gone.clone())], None), Ok(Some("c".to_owned())));
        let both = [a, b, gone];
        assert_eq!(chosen(&both, Some("work")), Ok(Some("b".to_owned())));
        assert_eq!(chosen(&both, Some("b")), Ok(Some("b".to_owned())));
        let without_start = |words: String| words.replace("no contacts channel on this phone: ", "");
        insta::assert_snapshot!(
            without_start(chosen(&both, None).unwrap_err()),
            @"DecSync has several address books: “Friends”, “Work”. Say which one is meant with --address-book NAME");
        insta::assert_snapshot!(
            without_start(chosen(&both, Some("Old")).unwrap_err()),
            @"DecSync has no address book “Old”; it has “Friends”, “Work”. Name one of them with --address-book");
    }

    #[test]
    fn our_folders_are_told_from_others() {
        let guid = Guid::from_random([7; 16]);
        assert_eq!(guid_of_app(&own_app_id(guid)), Some(guid));
        assert_eq!(super::super::encoding::encoded(&own_app_id(guid)), own_app_id(guid));
        for folder in ["Tetherbook-", "Tetherbook-x", "Pixel%207-DecSyncCC-01234", ""] {
            assert_eq!(guid_of_app(folder), None);
        }
    }
}
