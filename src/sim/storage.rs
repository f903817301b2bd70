//! What lies on the simulated phone: a tree of folders and files, in memory or in a real directory.
//!
//! The phone's own apps (tests, benchmarks, the demo's person) change it from outside, before and during sessions,
//! through the same trait. It must not know MTP: paths and bytes only.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::path::{Component, Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use thiserror::Error;

use crate::provider::Clock;

/// A storage that the phone and the test around it both hold.
pub type SharedStorage = Rc<RefCell<dyn Storage>>;

/// Why the storage did not do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum StorageError {
    /// Nothing has that path.
    #[error("nothing has that path")]
    Missing,
    /// The path is a folder where a file is needed, or the other way round, or its folder is missing.
    #[error("the path leads to something else")]
    WrongKind,
    /// Something has that path already.
    #[error("something has that path already")]
    Exists,
    /// The path is not one: it is empty where it must not be, or it leaves the storage.
    #[error("that is not a path in this storage")]
    BadPath,
    /// The file system refused.
    #[error("the file system refused: {0}")]
    Refused(std::io::ErrorKind),
}

/// One folder or file as its folder lists it.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name in its folder.
    pub name: String,
    /// Whether it is a folder.
    pub is_folder: bool,
    /// Bytes; 0 for a folder.
    pub size: u64,
    /// Last change of the content, milliseconds since 1970 UTC.
    pub modified_ms: i64,
    /// Creation, or the best guess at it, milliseconds since 1970 UTC.
    pub created_ms: i64,
    /// Stays with the file when it is renamed; another file of the same name has another (as inode numbers do).
    pub identity: u64,
}

impl fmt::Debug for Entry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Entry")
            .field("is_folder", &self.is_folder)
            .field("size", &self.size)
            .field("modified_ms", &self.modified_ms)
            .finish_non_exhaustive()
    }
}

/// A tree of folders and files. Paths have `/` between names and none at the ends; the root is the empty path.
pub trait Storage {
    /// The entries of a folder, sorted by name.
    ///
    /// # Errors
    /// When `folder` is not a folder here.
    fn list(&self, folder: &str) -> Result<Vec<Entry>, StorageError>;

    /// The names in a folder, sorted, each with whether it is a folder, where they can be told without a look at
    /// the files themselves; `None` where [`Self::list`] costs no more.
    ///
    /// # Errors
    /// When `folder` is not a folder here.
    fn names(&self, _folder: &str) -> Result<Option<Vec<(String, bool)>>, StorageError> {
        Ok(None)
    }

    /// One entry.
    ///
    /// # Errors
    /// When nothing has that path.
    fn entry(&self, path: &str) -> Result<Entry, StorageError>;

    /// A file's bytes.
    ///
    /// # Errors
    /// When it is not a file here.
    fn read(&self, path: &str) -> Result<Vec<u8>, StorageError>;

    /// Creates the file or replaces its bytes, keeping its identity.
    ///
    /// # Errors
    /// When its folder is missing or the path is a folder.
    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), StorageError>;

    /// Writes over part of a file, from `offset`; what lies between its end and `offset` becomes zeros.
    ///
    /// # Errors
    /// When it is not a file here.
    fn write_at(&mut self, path: &str, offset: u64, bytes: &[u8]) -> Result<(), StorageError>;

    /// Cuts a file to `size` bytes or fills it up with zeros.
    ///
    /// # Errors
    /// When it is not a file here.
    fn resize(&mut self, path: &str, size: u64) -> Result<(), StorageError>;

    /// Creates a folder.
    ///
    /// # Errors
    /// When the path is taken or its folder is missing.
    fn make_folder(&mut self, path: &str) -> Result<(), StorageError>;

    /// Removes a file, or a folder with all that is in it.
    ///
    /// # Errors
    /// When nothing has that path.
    fn remove(&mut self, path: &str) -> Result<(), StorageError>;

    /// Moves a file or folder; a file at `to` is replaced, as rename(2) does.
    ///
    /// # Errors
    /// When nothing is at `from`, the folder of `to` is missing, or `to` is a folder.
    fn rename(&mut self, from: &str, to: &str) -> Result<(), StorageError>;

    /// Sets the date of last change, milliseconds since 1970 UTC.
    ///
    /// # Errors
    /// When it is not a file here.
    fn set_modified_ms(&mut self, path: &str, modified_ms: i64) -> Result<(), StorageError>;

    /// A number that grows with every change, or `None` if the storage cannot tell.
    fn version(&self) -> Option<u64>;
}

/// The folder's path and the name of what is in it.
#[must_use]
pub fn split_path(path: &str) -> (&str, &str) {
    path.rsplit_once('/').unwrap_or(("", path))
}

/// The path of `name` in `folder`.
#[must_use]
pub fn join_path(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

enum Content {
    Folder,
    File(Vec<u8>),
}

struct Node {
    content: Content,
    modified_ms: i64,
    created_ms: i64,
    identity: u64,
}

impl Node {
    fn entry(&self, name: &str) -> Entry {
        let (is_folder, size) = match &self.content {
            Content::Folder => (true, 0),
            Content::File(bytes) => (false, u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
        };
        Entry {
            name: name.to_owned(),
            is_folder,
            size,
            modified_ms: self.modified_ms,
            created_ms: self.created_ms,
            identity: self.identity,
        }
    }
}

/// A storage in memory; dates come from its clock.
pub struct MemoryStorage {
    clock: Rc<dyn Clock>,
    folders: HashMap<String, BTreeMap<String, Node>>,
    version: u64,
}

impl fmt::Debug for MemoryStorage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryStorage").field("folders", &self.folders.len()).finish_non_exhaustive()
    }
}

impl MemoryStorage {
    /// An empty storage.
    #[must_use]
    pub fn new(clock: Rc<dyn Clock>) -> Self {
        Self { clock, folders: HashMap::from([(String::new(), BTreeMap::new())]), version: 0 }
    }

    /// An empty storage that can be given to a phone (it coerces to [`SharedStorage`]) and kept as well.
    #[must_use]
    pub fn shared(clock: Rc<dyn Clock>) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self::new(clock)))
    }

    /// The paths of all files, sorted.
    #[must_use]
    pub fn files(&self) -> Vec<String> {
        let mut paths: Vec<String> = self
            .folders
            .iter()
            .flat_map(|(folder, nodes)| {
                nodes
                    .iter()
                    .filter(|(_, node)| matches!(node.content, Content::File(_)))
                    .map(|(name, _)| join_path(folder, name))
            })
            .collect();
        paths.sort_unstable();
        paths
    }

    fn node(&self, path: &str) -> Result<&Node, StorageError> {
        let (folder, name) = split_path(path);
        self.folders.get(folder).and_then(|nodes| nodes.get(name)).ok_or(StorageError::Missing)
    }

    fn change_file(&mut self, path: &str, change: impl FnOnce(&mut Vec<u8>)) -> Result<(), StorageError> {
        let (folder, name) = split_path(path);
        let node = self
            .folders
            .get_mut(folder)
            .and_then(|nodes| nodes.get_mut(name))
            .ok_or(StorageError::Missing)?;
        let Content::File(bytes) = &mut node.content else { return Err(StorageError::WrongKind) };
        change(bytes);
        node.modified_ms = self.clock.now_ms();
        self.version = self.version.saturating_add(1);
        Ok(())
    }

    fn add(&mut self, path: &str, content: Content) -> Result<(), StorageError> {
        let (folder, name) = split_path(path);
        if name.is_empty() || name == "." || name == ".." {
            return Err(StorageError::BadPath);
        }
        let now_ms = self.clock.now_ms();
        self.version = self.version.saturating_add(1);
        let identity = self.version;
        let nodes = self.folders.get_mut(folder).ok_or(StorageError::WrongKind)?;
        nodes.insert(name.to_owned(), Node { content, modified_ms: now_ms, created_ms: now_ms, identity });
        Ok(())
    }

    /// The keys of `folder` and of every folder below it.
    fn folders_below(&self, folder: &str) -> Vec<String> {
        let prefix = format!("{folder}/");
        self.folders.keys().filter(|key| *key == folder || key.starts_with(&prefix)).cloned().collect()
    }
}

impl Storage for MemoryStorage {
    fn list(&self, folder: &str) -> Result<Vec<Entry>, StorageError> {
        let nodes = self.folders.get(folder).ok_or(StorageError::Missing)?;
        Ok(nodes.iter().map(|(name, node)| node.entry(name)).collect())
    }

    fn entry(&self, path: &str) -> Result<Entry, StorageError> {
        Ok(self.node(path)?.entry(split_path(path).1))
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, StorageError> {
        match &self.node(path)?.content {
            Content::File(bytes) => Ok(bytes.clone()),
            Content::Folder => Err(StorageError::WrongKind),
        }
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), StorageError> {
        match self.change_file(path, |old| bytes.clone_into(old)) {
            Err(StorageError::Missing) => self.add(path, Content::File(bytes.to_vec())),
            done => done,
        }
    }

    fn write_at(&mut self, path: &str, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        let start = usize::try_from(offset).map_err(|_| StorageError::BadPath)?;
        let end = start.checked_add(bytes.len()).ok_or(StorageError::BadPath)?;
        self.change_file(path, |old| {
            if old.len() < end {
                old.resize(end, 0);
            }
            if let Some(place) = old.get_mut(start..end) {
                place.copy_from_slice(bytes);
            }
        })
    }

    fn resize(&mut self, path: &str, size: u64) -> Result<(), StorageError> {
        let size = usize::try_from(size).map_err(|_| StorageError::BadPath)?;
        self.change_file(path, |bytes| bytes.resize(size, 0))
    }

    fn make_folder(&mut self, path: &str) -> Result<(), StorageError> {
        if path.is_empty() || self.node(path).is_ok() {
            return Err(StorageError::Exists);
        }
        self.add(path, Content::Folder)?;
        self.folders.insert(path.to_owned(), BTreeMap::new());
        Ok(())
    }

    fn remove(&mut self, path: &str) -> Result<(), StorageError> {
        let (folder, name) = split_path(path);
        let node =
            self.folders.get_mut(folder).and_then(|nodes| nodes.remove(name)).ok_or(StorageError::Missing)?;
        if matches!(node.content, Content::Folder) {
            for key in self.folders_below(path) {
                self.folders.remove(&key);
            }
        }
        self.version = self.version.saturating_add(1);
        Ok(())
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), StorageError> {
        let (to_folder, to_name) = split_path(to);
        let source_is_folder = matches!(self.node(from)?.content, Content::Folder);
        if to_name.is_empty() || to_name == "." || to_name == ".." || to.starts_with(&format!("{from}/")) {
            return Err(StorageError::BadPath);
        }
        if !self.folders.contains_key(to_folder) || self.folders.contains_key(to) {
            return Err(StorageError::WrongKind);
        }
        if source_is_folder && self.node(to).is_ok() {
            return Err(StorageError::Exists);
        }
        let (from_folder, from_name) = split_path(from);
        let moved = self.folders.get_mut(from_folder).and_then(|nodes| nodes.remove(from_name));
        let (Some(node), Some(nodes)) = (moved, self.folders.get_mut(to_folder)) else {
            return Err(StorageError::Missing);
        };
        nodes.insert(to_name.to_owned(), node);
        if source_is_folder {
            for key in self.folders_below(from) {
                if let Some(inside) = self.folders.remove(&key) {
                    self.folders.insert(format!("{to}{}", key.get(from.len()..).unwrap_or_default()), inside);
                }
            }
        }
        self.version = self.version.saturating_add(1);
        Ok(())
    }

    fn set_modified_ms(&mut self, path: &str, modified_ms: i64) -> Result<(), StorageError> {
        self.change_file(path, |_| {})?;
        let (folder, name) = split_path(path);
        if let Some(node) = self.folders.get_mut(folder).and_then(|nodes| nodes.get_mut(name)) {
            node.modified_ms = modified_ms;
        }
        Ok(())
    }

    fn version(&self) -> Option<u64> {
        Some(self.version)
    }
}

/// A storage that is a real directory: bytes on disk, dates and identities from the file system. Names that are not
/// Unicode are left out, and so are symbolic links, which could lead outside.
pub struct DirectoryStorage {
    root: PathBuf,
    /// The phone's clock, which dates what is written here; without one the computer's does.
    clock: Option<Rc<dyn Clock>>,
}

impl fmt::Debug for DirectoryStorage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("DirectoryStorage").field("root", &self.root).finish_non_exhaustive()
    }
}

impl DirectoryStorage {
    /// The directory `root`, which must exist.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self { root: root.to_owned(), clock: None }
    }

    /// The directory of a phone whose clock is not this computer's: the files that are written through this storage
    /// are dated by it. Apps that write into the directory behind it have to date their files themselves.
    #[must_use]
    pub fn dated_by(root: &Path, clock: Rc<dyn Clock>) -> Self {
        Self { root: root.to_owned(), clock: Some(clock) }
    }

    /// Dates a file that was just written.
    fn date(&mut self, path: &str) -> Result<(), StorageError> {
        match self.clock.as_ref().map(|clock| clock.now_ms()) {
            Some(now_ms) => self.set_modified_ms(path, now_ms),
            None => Ok(()),
        }
    }

    /// The directory, shared as [`MemoryStorage::shared`] is.
    #[must_use]
    pub fn shared(root: &Path) -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self::new(root)))
    }

    fn real(&self, path: &str) -> Result<PathBuf, StorageError> {
        let relative = Path::new(path);
        if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
            return Err(StorageError::BadPath);
        }
        Ok(self.root.join(relative))
    }

    fn file(&self, path: &str) -> Result<PathBuf, StorageError> {
        if self.entry(path)?.is_folder { Err(StorageError::WrongKind) } else { self.real(path) }
    }

    fn describe(name: String, metadata: &std::fs::Metadata) -> Entry {
        let modified_ms = metadata.modified().map_or(0, since_1970_ms);
        Entry {
            name,
            is_folder: metadata.is_dir(),
            size: if metadata.is_dir() { 0 } else { metadata.len() },
            modified_ms,
            created_ms: metadata.created().map_or(modified_ms, since_1970_ms),
            identity: identity_of(metadata),
        }
    }
}

#[cfg(unix)]
fn identity_of(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn identity_of(_metadata: &std::fs::Metadata) -> u64 {
    0
}

fn since_1970_ms(time: SystemTime) -> i64 {
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_millis()).unwrap_or(i64::MAX),
        Err(before) => -i64::try_from(before.duration().as_millis()).unwrap_or(i64::MAX),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the form that map_err takes")]
fn refused(error: std::io::Error) -> StorageError {
    match error.kind() {
        std::io::ErrorKind::NotFound => StorageError::Missing,
        std::io::ErrorKind::AlreadyExists => StorageError::Exists,
        std::io::ErrorKind::IsADirectory | std::io::ErrorKind::NotADirectory => StorageError::WrongKind,
        other => StorageError::Refused(other),
    }
}

impl Storage for DirectoryStorage {
    fn list(&self, folder: &str) -> Result<Vec<Entry>, StorageError> {
        let mut entries = Vec::new();
        for item in std::fs::read_dir(self.real(folder)?).map_err(refused)? {
            let item = item.map_err(refused)?;
            let Ok(name) = item.file_name().into_string() else { continue };
            match item.metadata() {
                Ok(metadata) if metadata.is_dir() || metadata.is_file() => {
                    entries.push(Self::describe(name, &metadata));
                }
                // Neither a link nor a file that went away meanwhile is in the listing.
                _ => {}
            }
        }
        entries.sort_unstable_by(|left, right| left.name.cmp(&right.name));
        Ok(entries)
    }

    fn names(&self, folder: &str) -> Result<Option<Vec<(String, bool)>>, StorageError> {
        let mut names = Vec::new();
        for item in std::fs::read_dir(self.real(folder)?).map_err(refused)? {
            let item = item.map_err(refused)?;
            let Ok(name) = item.file_name().into_string() else { continue };
            // The folder itself says the kind on most file systems, so that no file is looked at.
            match item.file_type() {
                Ok(kind) if kind.is_dir() || kind.is_file() => names.push((name, kind.is_dir())),
                _ => {}
            }
        }
        names.sort_unstable();
        Ok(Some(names))
    }

    fn entry(&self, path: &str) -> Result<Entry, StorageError> {
        if path.is_empty() {
            return Err(StorageError::Missing);
        }
        let metadata = std::fs::symlink_metadata(self.real(path)?).map_err(refused)?;
        if metadata.is_dir() || metadata.is_file() {
            Ok(Self::describe(split_path(path).1.to_owned(), &metadata))
        } else {
            Err(StorageError::Missing)
        }
    }

    fn read(&self, path: &str) -> Result<Vec<u8>, StorageError> {
        std::fs::read(self.file(path)?).map_err(refused)
    }

    fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), StorageError> {
        let real = match self.file(path) {
            Err(StorageError::Missing) if !path.is_empty() => self.real(path)?,
            other => other?,
        };
        if real.parent().is_none_or(|folder| !folder.is_dir()) {
            return Err(StorageError::WrongKind);
        }
        std::fs::write(real, bytes).map_err(refused)?;
        self.date(path)
    }

    fn write_at(&mut self, path: &str, offset: u64, bytes: &[u8]) -> Result<(), StorageError> {
        use std::io::{Seek, SeekFrom, Write};
        let mut file = std::fs::OpenOptions::new().write(true).open(self.file(path)?).map_err(refused)?;
        file.seek(SeekFrom::Start(offset)).map_err(refused)?;
        file.write_all(bytes).map_err(refused)?;
        drop(file);
        self.date(path)
    }

    fn resize(&mut self, path: &str, size: u64) -> Result<(), StorageError> {
        let file = std::fs::OpenOptions::new().write(true).open(self.file(path)?).map_err(refused)?;
        file.set_len(size).map_err(refused)?;
        drop(file);
        self.date(path)
    }

    fn make_folder(&mut self, path: &str) -> Result<(), StorageError> {
        let real = self.real(path)?;
        if path.is_empty() || real.exists() {
            return Err(StorageError::Exists);
        }
        match std::fs::create_dir(real).map_err(refused) {
            Err(StorageError::Missing) => Err(StorageError::WrongKind),
            done => done,
        }
    }

    fn remove(&mut self, path: &str) -> Result<(), StorageError> {
        let real = self.real(path)?;
        if self.entry(path)?.is_folder {
            std::fs::remove_dir_all(real).map_err(refused)
        } else {
            std::fs::remove_file(real).map_err(refused)
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), StorageError> {
        let source = self.entry(from)?;
        let target = self.real(to)?;
        if to.is_empty() || to.starts_with(&format!("{from}/")) {
            return Err(StorageError::BadPath);
        }
        if target.is_dir() || target.parent().is_none_or(|folder| !folder.is_dir()) {
            return Err(StorageError::WrongKind);
        }
        if source.is_folder && target.exists() {
            return Err(StorageError::Exists);
        }
        std::fs::rename(self.real(from)?, target).map_err(refused)
    }

    fn set_modified_ms(&mut self, path: &str, modified_ms: i64) -> Result<(), StorageError> {
        let file = std::fs::OpenOptions::new().write(true).open(self.file(path)?).map_err(refused)?;
        let distance = Duration::from_millis(modified_ms.unsigned_abs());
        let time = if modified_ms < 0 {
            SystemTime::UNIX_EPOCH.checked_sub(distance)
        } else {
            SystemTime::UNIX_EPOCH.checked_add(distance)
        };
        file.set_modified(time.ok_or(StorageError::BadPath)?).map_err(refused)
    }

    fn version(&self) -> Option<u64> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::TestClock;

    /// The one test body: everything that the responder relies on, for either kind of storage.
    fn behaves(storage: &mut dyn Storage) {
        assert_eq!(storage.list("").unwrap(), vec![]);
        assert_eq!(storage.list("nowhere"), Err(StorageError::Missing));
        assert_eq!(storage.write("a/b.vcf", b"1"), Err(StorageError::WrongKind));
        storage.make_folder("a").unwrap();
        assert_eq!(storage.make_folder("a"), Err(StorageError::Exists));
        assert_eq!(storage.make_folder("x/y"), Err(StorageError::WrongKind));
        storage.make_folder("a/inner").unwrap();
        storage.write("a/b.vcf", b"12345").unwrap();
        storage.write("a/inner/deep.vcf", b"deep").unwrap();
        let first = storage.entry("a/b.vcf").unwrap();
        assert_eq!((first.name.as_str(), first.size, first.is_folder), ("b.vcf", 5, false));
        storage.write("a/b.vcf", b"678").unwrap();
        let second = storage.entry("a/b.vcf").unwrap();
        assert_eq!((second.size, second.identity), (3, first.identity));
        let names = |storage: &dyn Storage, folder: &str| -> Vec<String> {
            storage.list(folder).unwrap().into_iter().map(|entry| entry.name).collect()
        };
        assert_eq!(names(storage, "a"), ["b.vcf", "inner"]);
        storage.write_at("a/b.vcf", 5, b"X").unwrap();
        assert_eq!(storage.read("a/b.vcf").unwrap(), b"678\0\0X");
        storage.resize("a/b.vcf", 2).unwrap();
        assert_eq!(storage.read("a/b.vcf").unwrap(), b"67");
        storage.resize("a/b.vcf", 3).unwrap();
        assert_eq!(storage.read("a/b.vcf").unwrap(), b"67\0");
        storage.set_modified_ms("a/b.vcf", 1_262_426_832_000).unwrap();
        assert_eq!(storage.entry("a/b.vcf").unwrap().modified_ms, 1_262_426_832_000);
        storage.write("a/c.vcf", b"c").unwrap();
        let other = storage.entry("a/c.vcf").unwrap().identity;
        storage.rename("a/c.vcf", "a/b.vcf").unwrap();
        assert_eq!(storage.read("a/b.vcf").unwrap(), b"c");
        assert_eq!(storage.entry("a/b.vcf").unwrap().identity, other);
        assert_eq!(storage.entry("a/c.vcf"), Err(StorageError::Missing));
        assert_eq!(storage.rename("a/c.vcf", "a/d.vcf"), Err(StorageError::Missing));
        assert_eq!(storage.rename("a/b.vcf", "a/inner"), Err(StorageError::WrongKind));
        assert_eq!(storage.rename("a/b.vcf", "z/b.vcf"), Err(StorageError::WrongKind));
        assert_eq!(storage.rename("a", "a/inner/a"), Err(StorageError::BadPath));
        storage.rename("a", "moved").unwrap();
        assert_eq!(storage.read("moved/inner/deep.vcf").unwrap(), b"deep");
        assert_eq!(storage.read("moved"), Err(StorageError::WrongKind));
        assert_eq!(storage.write("moved", b""), Err(StorageError::WrongKind));
        storage.remove("moved/b.vcf").unwrap();
        assert_eq!(storage.remove("moved/b.vcf"), Err(StorageError::Missing));
        storage.remove("moved").unwrap();
        assert_eq!(storage.list("").unwrap(), vec![]);
        assert_eq!(storage.list("moved/inner"), Err(StorageError::Missing));
        for path in ["..", "../outside", "."] {
            assert!(storage.write(path, b"x").is_err(), "{path}");
            assert!(storage.read(path).is_err(), "{path}");
        }
    }

    #[test]
    fn memory_behaves() {
        let mut storage = MemoryStorage::new(Rc::new(TestClock::at(1000)));
        let before = storage.version();
        behaves(&mut storage);
        assert!(storage.version() > before);
        assert_eq!(storage.files(), Vec::<String>::new());
    }

    #[test]
    fn a_directory_behaves() {
        let directory = tempfile::tempdir().unwrap();
        behaves(&mut DirectoryStorage::new(directory.path()));
    }

    #[test]
    fn a_link_does_not_lead_outside() {
        let directory = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret"), b"s").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(outside.path().join("secret"), directory.path().join("link")).unwrap();
        let storage = DirectoryStorage::new(directory.path());
        assert_eq!(storage.list("").unwrap(), vec![]);
        assert!(storage.read("link").is_err());
    }

    #[test]
    fn a_directorys_dates_come_from_the_phones_clock_if_it_has_one() {
        let clock = Rc::new(TestClock::at(5_000));
        let folder = tempfile::tempdir().unwrap();
        let mut storage = DirectoryStorage::dated_by(folder.path(), clock.clone());
        let modified_ms = |storage: &DirectoryStorage| storage.entry("a").unwrap().modified_ms;
        storage.write("a", b"1").unwrap();
        assert_eq!(modified_ms(&storage), 5_000);
        clock.advance_ms(-2_500);
        storage.write_at("a", 0, b"2").unwrap();
        assert_eq!(modified_ms(&storage), 2_500);
        clock.advance_ms(1_000);
        storage.resize("a", 0).unwrap();
        assert_eq!(modified_ms(&storage), 3_500);
    }

    #[test]
    fn memory_dates_come_from_its_clock() {
        let clock = Rc::new(TestClock::at(5_000));
        let mut storage = MemoryStorage::new(clock.clone());
        storage.write("a", b"1").unwrap();
        clock.advance_ms(2_500);
        storage.write("a", b"2").unwrap();
        let entry = storage.entry("a").unwrap();
        assert_eq!((entry.created_ms, entry.modified_ms), (5_000, 7_500));
    }
}
