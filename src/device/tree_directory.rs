//! A plain or mounted directory as a phone's tree.
//!
//! It never leaves its root: a reference is a path of plain components below it, and a symbolic link on the way is
//! refused, not followed. Every write is on the disk before it is answered.

use std::ffi::OsStr;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::tree::{
    DeviceIdentity, FolderListing, ObjectEntry, ObjectKind, ObjectReference, ObjectTree, Place, Storage,
    TreeCapabilities, TreeError, TreeStatistics, is_plain_name,
};
use crate::mtp::{MtpError, OBJECTS_MAX};
use crate::provider::Completeness;

/// The label of the one storage that a directory has. It does not depend on where the directory is mounted, so
/// that places stay the same when it is mounted elsewhere.
const STORAGE_LABEL: &str = "directory";

/// A directory of this computer, asked as if it were a phone.
#[derive(Debug)]
pub struct DirectoryTree {
    root: PathBuf,
    identity: DeviceIdentity,
    statistics: TreeStatistics,
}

impl DirectoryTree {
    /// Opens a directory.
    ///
    /// # Errors
    /// [`TreeError::Locked`] if there is no directory under that path: what is not mounted is not empty.
    pub fn open(root: &Path) -> Result<Self, TreeError> {
        let whole = root.canonicalize().map_err(|error| {
            TreeError::Locked(format!("the directory {} cannot be opened ({error})", root.display()))
        })?;
        if !whole.is_dir() {
            return Err(TreeError::Locked(format!("{} is not a directory", root.display())));
        }
        let model = whole.file_name().unwrap_or(OsStr::new("/")).to_string_lossy().into_owned();
        let identity = DeviceIdentity { is_directory: true, model, ..DeviceIdentity::default() };
        Ok(Self { root: whole, identity, statistics: TreeStatistics::default() })
    }

    /// The path of a reference, every component of which is plain and none a symbolic link.
    fn path_of(&mut self, object: &ObjectReference) -> Result<PathBuf, TreeError> {
        self.statistics.requests += 1;
        let Place::Path(relative) = &object.0 else {
            return Err(TreeError::Protocol("a reference of another kind of tree".to_owned()));
        };
        let mut path = self.root.clone();
        for component in relative.split('/').filter(|component| !component.is_empty()) {
            if !is_plain_name(component) {
                return Err(TreeError::Refused(format!("{component:?} is no file name")));
            }
            path.push(component);
            let metadata = fs::symlink_metadata(&path).map_err(|error| self.lost(&error, relative))?;
            if metadata.file_type().is_symlink() {
                return Err(TreeError::Unreadable(format!("{component} is a symbolic link")));
            }
        }
        Ok(path)
    }

    /// What an error of the operating system means: nothing is "not there" while the root itself is gone.
    fn lost(&self, error: &io::Error, what: &str) -> TreeError {
        if !self.root.is_dir() {
            return TreeError::Disconnected(format!("the directory {} is gone", self.root.display()));
        }
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => TreeError::NotFound(what.to_owned()),
            io::ErrorKind::AlreadyExists => TreeError::NameTaken(what.to_owned()),
            io::ErrorKind::NotConnected
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::StaleNetworkFileHandle => TreeError::Disconnected(format!("{what}: {error}")),
            _ => TreeError::Refused(format!("{what}: {error}")),
        }
    }

    fn child(folder: &ObjectReference, name: &str) -> ObjectReference {
        let parent = match &folder.0 {
            Place::Path(path) => &**path,
            Place::Handle { .. } => "",
        };
        let path = if parent.is_empty() { name.to_owned() } else { format!("{parent}/{name}") };
        ObjectReference(Place::Path(path.into()))
    }

    fn write_new(&self, path: &Path, name: &str, bytes: &[u8]) -> Result<(), TreeError> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(|error| self.lost(&error, name))?;
        let written = file.write_all(bytes).and_then(|()| file.sync_all()).and_then(|()| sync_parent(path));
        written.map_err(|error| {
            drop(file);
            // The file is ours and not whole; if it cannot be removed either, the first error says more.
            let _ = fs::remove_file(path);
            self.lost(&error, name)
        })
    }
}

/// Makes a directory's names durable: without it a file that was synced may still vanish from its folder.
fn sync_parent(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn kind_of(metadata: &Metadata) -> ObjectKind {
    if metadata.is_file() {
        ObjectKind::File
    } else if metadata.is_dir() {
        ObjectKind::Folder
    } else {
        ObjectKind::Other
    }
}

/// The modification time as RFC 3339 in UTC with nanoseconds, so that two edits within a second differ.
fn modified_text(metadata: &Metadata) -> Option<Box<str>> {
    let time = jiff::Timestamp::try_from(metadata.modified().ok()?).ok()?;
    Some(format!("{time:.9}").into())
}

fn entry_of(object: ObjectReference, name: String, metadata: &Metadata) -> ObjectEntry {
    let kind = kind_of(metadata);
    let size_bytes = if kind == ObjectKind::File { metadata.len() } else { 0 };
    ObjectEntry { name, kind, size_bytes, modified: modified_text(metadata), object }
}

impl ObjectTree for DirectoryTree {
    fn identity(&self) -> &DeviceIdentity {
        &self.identity
    }

    fn capabilities(&self) -> TreeCapabilities {
        TreeCapabilities { rename: true }
    }

    fn storages(&mut self) -> Result<Vec<Storage>, TreeError> {
        self.statistics.requests += 1;
        let metadata = fs::metadata(&self.root).map_err(|error| self.lost(&error, "the directory"))?;
        Ok(vec![Storage {
            label: STORAGE_LABEL.to_owned(),
            root: ObjectReference(Place::Path("".into())),
            writable: !metadata.permissions().readonly(),
        }])
    }

    fn list(&mut self, folder: &ObjectReference) -> Result<FolderListing, TreeError> {
        let path = self.path_of(folder)?;
        let mut entries = Vec::new();
        let mut completeness = Completeness::Complete;
        for found in fs::read_dir(&path).map_err(|error| self.lost(&error, "the folder"))? {
            let found = found.map_err(|error| self.lost(&error, "the folder"))?;
            if entries.len() >= OBJECTS_MAX {
                return Err(TreeError::Storage(MtpError::TooManyObjects(entries.len() + 1).to_string()));
            }
            let file_name = found.file_name();
            // A name that is not UTF-8 cannot be asked for again; it is told, so that nobody takes it for deleted.
            let Some(name) = file_name.to_str() else {
                let name = file_name.to_string_lossy().into_owned();
                let object = Self::child(folder, &name);
                entries.push(ObjectEntry {
                    name,
                    kind: ObjectKind::Other,
                    size_bytes: 0,
                    modified: None,
                    object,
                });
                continue;
            };
            match fs::symlink_metadata(found.path()) {
                Ok(metadata) => entries.push(entry_of(Self::child(folder, name), name.to_owned(), &metadata)),
                // It went between the two looks: that is an absence.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => completeness = Completeness::Incomplete(format!("{name}: {error}")),
            }
        }
        if !self.root.is_dir() {
            return Err(TreeError::Disconnected(format!("the directory {} is gone", self.root.display())));
        }
        Ok(FolderListing { entries, completeness })
    }

    fn find(&mut self, folder: &ObjectReference, name: &str) -> Result<Option<ObjectEntry>, TreeError> {
        if !is_plain_name(name) {
            return Ok(None);
        }
        match self.stat(&Self::child(folder, name)) {
            Ok(entry) => Ok(Some(entry)),
            Err(TreeError::NotFound(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn read(
        &mut self,
        object: &ObjectReference,
        size_bytes: u64,
        limit_bytes: u64,
    ) -> Result<Vec<u8>, TreeError> {
        let path = self.path_of(object)?;
        let listed = fs::symlink_metadata(&path).map_err(|error| self.lost(&error, "the file"))?;
        if !listed.is_file() {
            return Err(TreeError::Unreadable("it is not a regular file".to_owned()));
        }
        let file = File::open(&path).map_err(|error| self.lost(&error, "the file"))?;
        let opened = file.metadata().map_err(|error| self.lost(&error, "the file"))?;
        if (opened.dev(), opened.ino()) != (listed.dev(), listed.ino()) {
            return Err(TreeError::Unreadable("it was exchanged while it was opened".to_owned()));
        }
        let mut bytes = Vec::new();
        file.take(limit_bytes.saturating_add(1))
            .read_to_end(&mut bytes)
            .map_err(|error| TreeError::Unreadable(format!("reading failed: {error}")))?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        self.statistics.read_bytes += length;
        if length > limit_bytes {
            return Err(TreeError::Unreadable(format!("it has more than {limit_bytes} bytes")));
        }
        if length < size_bytes {
            return Err(TreeError::Unreadable(format!("it has {length} bytes and not {size_bytes}")));
        }
        Ok(bytes)
    }

    fn create(
        &mut self,
        folder: &ObjectReference,
        name: &str,
        bytes: &[u8],
    ) -> Result<ObjectReference, TreeError> {
        if !is_plain_name(name) {
            return Err(TreeError::Refused(format!("{name:?} is no file name")));
        }
        let path = self.path_of(folder)?.join(name);
        self.write_new(&path, name, bytes)?;
        self.statistics.written_bytes += u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        Ok(Self::child(folder, name))
    }

    fn delete(&mut self, object: &ObjectReference) -> Result<(), TreeError> {
        let path = self.path_of(object)?;
        fs::remove_file(&path).map_err(|error| self.lost(&error, "the file"))?;
        sync_parent(&path).map_err(|error| TreeError::Disconnected(format!("removing a file: {error}")))
    }

    fn rename(&mut self, object: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError> {
        if !is_plain_name(name) {
            return Err(TreeError::Refused(format!("{name:?} is no file name")));
        }
        let path = self.path_of(object)?;
        let target = path.with_file_name(name);
        if fs::symlink_metadata(&target).is_ok() {
            return Err(TreeError::NameTaken(name.to_owned()));
        }
        fs::rename(&path, &target).map_err(|error| self.lost(&error, name))?;
        sync_parent(&target).map_err(|error| TreeError::Disconnected(format!("{name}: {error}")))?;
        let Place::Path(relative) = &object.0 else {
            return Err(TreeError::Protocol("a reference of another kind of tree".to_owned()));
        };
        let parent = relative.rsplit_once('/').map_or("", |(parent, _)| parent);
        Ok(Self::child(&ObjectReference(Place::Path(parent.into())), name))
    }

    fn make_folder(&mut self, folder: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError> {
        if !is_plain_name(name) {
            return Err(TreeError::Refused(format!("{name:?} is no folder name")));
        }
        let path = self.path_of(folder)?.join(name);
        fs::create_dir(&path).and_then(|()| sync_parent(&path)).map_err(|error| self.lost(&error, name))?;
        Ok(Self::child(folder, name))
    }

    fn stat(&mut self, object: &ObjectReference) -> Result<ObjectEntry, TreeError> {
        let path = self.path_of(object)?;
        let metadata = fs::symlink_metadata(&path).map_err(|error| self.lost(&error, "the file"))?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        Ok(entry_of(object.clone(), name, &metadata))
    }

    fn statistics(&self) -> TreeStatistics {
        self.statistics
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::tree_conformance::{Dates, Expectation, check_tree};

    fn tree() -> (tempfile::TempDir, DirectoryTree, ObjectReference) {
        let directory = tempfile::tempdir().unwrap();
        let mut tree = DirectoryTree::open(directory.path()).unwrap();
        let root = tree.storages().unwrap()[0].root.clone();
        (directory, tree, root)
    }

    #[test]
    fn conforms() {
        let (_directory, mut tree, _) = tree();
        check_tree(&mut tree, &Expectation { dates: Dates::Nanoseconds, ..Expectation::BEST });
    }

    #[test]
    fn does_not_leave_its_root() {
        let (directory, mut tree, root) = tree();
        fs::write(directory.path().join("inside.vcf"), b"x").unwrap();
        for name in ["..", ".", "a/b", "../x.vcf", "a\\b", "", "a\0b"] {
            assert!(tree.create(&root, name, b"x").is_err(), "{name:?}");
            assert!(tree.make_folder(&root, name).is_err(), "{name:?}");
            let inside = DirectoryTree::child(&root, "inside.vcf");
            assert!(tree.rename(&inside, name).is_err(), "{name:?}");
        }
        for path in ["../x", "a/../../x", "./x"] {
            let outside = ObjectReference(Place::Path(path.into()));
            assert!(tree.stat(&outside).is_err(), "{path}");
            assert!(tree.read(&outside, 0, 10).is_err(), "{path}");
            assert!(tree.delete(&outside).is_err(), "{path}");
        }
        assert!(directory.path().join("inside.vcf").exists());
    }

    #[test]
    fn follows_no_symbolic_link() {
        let (directory, mut tree, root) = tree();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret.vcf"), b"secret").unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret.vcf"), directory.path().join("link.vcf"))
            .unwrap();
        std::os::unix::fs::symlink(outside.path(), directory.path().join("folder")).unwrap();
        let listing = tree.list(&root).unwrap();
        assert_eq!(listing.entries.len(), 2);
        assert!(listing.entries.iter().all(|entry| entry.kind == ObjectKind::Other));
        for entry in &listing.entries {
            assert!(matches!(tree.read(&entry.object, 6, 100), Err(TreeError::Unreadable(_))));
            assert!(tree.delete(&entry.object).is_err());
        }
        let below = ObjectReference(Place::Path("folder/secret.vcf".into()));
        assert!(tree.read(&below, 6, 100).is_err());
        assert!(tree.create(&ObjectReference(Place::Path("folder".into())), "new.vcf", b"x").is_err());
        assert!(outside.path().join("secret.vcf").exists());
    }

    #[test]
    fn a_directory_that_is_gone_is_not_empty() {
        let (directory, mut tree, root) = tree();
        fs::write(directory.path().join("a.vcf"), b"x").unwrap();
        drop(directory);
        assert!(matches!(tree.list(&root), Err(TreeError::Disconnected(_))));
        assert!(matches!(tree.stat(&DirectoryTree::child(&root, "a.vcf")), Err(TreeError::Disconnected(_))));
        assert!(matches!(DirectoryTree::open(Path::new("/nonexistent/x")), Err(TreeError::Locked(_))));
    }

    #[test]
    fn reads_whole_or_not_at_all() {
        let (directory, mut tree, root) = tree();
        fs::write(directory.path().join("a.vcf"), b"12345").unwrap();
        let object = DirectoryTree::child(&root, "a.vcf");
        assert_eq!(tree.read(&object, 5, 5).unwrap(), b"12345");
        assert!(matches!(tree.read(&object, 6, 10), Err(TreeError::Unreadable(_))));
        assert!(matches!(tree.read(&object, 5, 4), Err(TreeError::Unreadable(_))));
    }

    #[test]
    fn tells_a_name_that_is_not_utf8() {
        use std::os::unix::ffi::OsStrExt;
        let (directory, mut tree, root) = tree();
        fs::write(directory.path().join(OsStr::from_bytes(b"\xff.vcf")), b"x").unwrap();
        let listing = tree.list(&root).unwrap();
        assert_eq!(listing.entries.len(), 1);
        assert!(tree.read(&listing.entries[0].object, 0, 10).is_err());
    }
}
