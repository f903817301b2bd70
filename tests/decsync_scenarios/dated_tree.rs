//! The phone as a mounted folder: a plain directory tree, only that the phone dates the files, by its own clock.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use tetherbook::device::{
    DeviceIdentity, DirectoryTree, FolderListing, ObjectEntry, ObjectReference, ObjectTree, Storage,
    TreeCapabilities, TreeError, TreeStatistics,
};
use tetherbook::provider::Clock;

/// No file here is really older than this, and no file that this computer dates is younger: 2034-01-01.
const FIRST_OF_THE_PHONES_DATES_S: u64 = 2_019_686_400;

/// A directory whose new files are dated by a phone.
pub struct DatedTree {
    tree: DirectoryTree,
    root: PathBuf,
    clock: Rc<dyn Clock>,
}

impl DatedTree {
    /// The directory `root` of a phone with that clock, which shows 2034 or later.
    pub fn open(root: &Path, clock: Rc<dyn Clock>) -> Result<Self, TreeError> {
        Ok(Self { tree: DirectoryTree::open(root)?, root: root.to_owned(), clock })
    }

    /// Gives the phone's date to every file that has this computer's.
    fn date(&self, folder: &Path) {
        let first = SystemTime::UNIX_EPOCH + Duration::from_secs(FIRST_OF_THE_PHONES_DATES_S);
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(self.clock.now_ms()).unwrap());
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                self.date(&path);
            } else if std::fs::metadata(&path).unwrap().modified().unwrap() < first {
                std::fs::File::options().write(true).open(&path).unwrap().set_modified(now).unwrap();
            }
        }
    }
}

impl ObjectTree for DatedTree {
    fn identity(&self) -> &DeviceIdentity {
        self.tree.identity()
    }

    fn capabilities(&self) -> TreeCapabilities {
        self.tree.capabilities()
    }

    fn storages(&mut self) -> Result<Vec<Storage>, TreeError> {
        self.tree.storages()
    }

    fn list(&mut self, folder: &ObjectReference) -> Result<FolderListing, TreeError> {
        self.tree.list(folder)
    }

    fn find(&mut self, folder: &ObjectReference, name: &str) -> Result<Option<ObjectEntry>, TreeError> {
        self.tree.find(folder, name)
    }

    fn read(
        &mut self,
        object: &ObjectReference,
        size_bytes: u64,
        limit_bytes: u64,
    ) -> Result<Vec<u8>, TreeError> {
        self.tree.read(object, size_bytes, limit_bytes)
    }

    fn create(
        &mut self,
        folder: &ObjectReference,
        name: &str,
        bytes: &[u8],
    ) -> Result<ObjectReference, TreeError> {
        let made = self.tree.create(folder, name, bytes);
        self.date(&self.root);
        made
    }

    fn delete(&mut self, object: &ObjectReference) -> Result<(), TreeError> {
        self.tree.delete(object)
    }

    fn rename(&mut self, object: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError> {
        self.tree.rename(object, name)
    }

    fn make_folder(&mut self, folder: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError> {
        self.tree.make_folder(folder, name)
    }

    fn stat(&mut self, object: &ObjectReference) -> Result<ObjectEntry, TreeError> {
        self.tree.stat(object)
    }

    fn statistics(&self) -> TreeStatistics {
        self.tree.statistics()
    }
}
