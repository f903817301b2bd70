//! The model's phone: the files of one folder in memory, behind the shipped `ObjectTree`, with a cable that can be pulled at
//! any request. It must not know what a contact is.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::OnceLock;

use tetherbook::device::{
    DeviceIdentity, DirectoryTree, FolderListing, ObjectEntry, ObjectKind, ObjectReference, ObjectTree, Storage,
    TreeCapabilities, TreeError, TreeStatistics,
};
use tetherbook::provider::Completeness;

use crate::disk::File;
use crate::mutants::Bug;
use crate::process::{Fault, Kind, Process, Reach};

pub const STORAGE: &str = "Phone";

pub struct MemoryTree {
    process: Rc<Process>,
    identity: DeviceIdentity,
    can_rename: bool,
    requests: u64,
}

/// References can only be got from a tree, so a folder with as many empty files as ever are needed lends its own.
struct Lent {
    by_handle: Vec<ObjectReference>,
    handles: HashMap<ObjectReference, u8>,
}

fn lent() -> &'static Lent {
    static LENT: OnceLock<Lent> = OnceLock::new();
    LENT.get_or_init(|| {
        let directory = tempfile::tempdir().unwrap();
        for handle in 0..=u8::MAX {
            std::fs::write(directory.path().join(format!("{handle:03}")), b"").unwrap();
        }
        let mut tree = DirectoryTree::open(directory.path()).unwrap();
        let root = tree.storages().unwrap().remove(0).root;
        let mut entries = tree.list(&root).unwrap().entries;
        entries.sort_by(|left, right| left.name.cmp(&right.name));
        let by_handle: Vec<ObjectReference> = entries.into_iter().map(|entry| entry.object).collect();
        let handles = by_handle.iter().cloned().zip(0..=u8::MAX).collect();
        Lent { by_handle, handles }
    })
}

fn reference(handle: u8) -> ObjectReference {
    lent().by_handle[usize::from(handle)].clone()
}

fn gone() -> TreeError {
    TreeError::Disconnected(String::from("the cable is pulled"))
}

impl MemoryTree {
    pub fn new(process: Rc<Process>, can_rename: bool) -> Self {
        let identity = DeviceIdentity { model: String::from("Model"), ..DeviceIdentity::default() };
        Self { process, identity, can_rename, requests: 0 }
    }

    fn request(&mut self, kind: Kind) -> Result<Option<Reach>, TreeError> {
        self.requests += 1;
        self.process.request(kind).map_err(|()| gone())
    }

    /// The request was carried out; the answer arrives unless the cable went meanwhile.
    fn answer<T>(&self, reach: Option<Reach>, value: T) -> Result<T, TreeError> {
        self.process.step();
        if reach.is_some() { Err(gone()) } else { Ok(value) }
    }

    fn entry(handle: u8, file: &File) -> ObjectEntry {
        ObjectEntry {
            name: file.name.clone(),
            kind: ObjectKind::File,
            size_bytes: u64::try_from(file.bytes.len()).unwrap(),
            modified: (file.date > 0).then(|| format!("20261121T{:06}", file.date).into()),
            object: reference(handle),
        }
    }

    fn file(&self, object: &ObjectReference) -> Result<(u8, File), TreeError> {
        let handle = *lent().handles.get(object).unwrap();
        let file = self.process.folder.borrow().files.get(&handle).cloned();
        file.map(|file| (handle, file)).ok_or_else(|| TreeError::NotFound(format!("handle {handle}")))
    }

    fn is_taken(&self, name: &str) -> bool {
        self.process.folder.borrow().files.values().any(|file| file.name == name)
    }
}

impl ObjectTree for MemoryTree {
    fn identity(&self) -> &DeviceIdentity {
        &self.identity
    }

    fn capabilities(&self) -> TreeCapabilities {
        TreeCapabilities { rename: self.can_rename }
    }

    fn storages(&mut self) -> Result<Vec<Storage>, TreeError> {
        let reach = self.request(Kind::Look)?;
        let storage = Storage { label: String::from(STORAGE), root: reference(0), writable: true };
        if reach.is_some() { Err(gone()) } else { Ok(vec![storage]) }
    }

    fn list(&mut self, _folder: &ObjectReference) -> Result<FolderListing, TreeError> {
        self.request(Kind::Look)?;
        let folder = self.process.folder.borrow();
        let mut entries: Vec<ObjectEntry> =
            folder.files.iter().map(|(handle, file)| Self::entry(*handle, file)).collect();
        let mut completeness = Completeness::Complete;
        if let Fault::Short(lacking) = self.process.fault {
            if usize::from(lacking) < entries.len() {
                entries.remove(usize::from(lacking));
            }
            if self.process.bug != Bug::ShortIsWhole {
                completeness = Completeness::Incomplete(String::from("it was cut short"));
            }
        }
        Ok(FolderListing { entries, completeness })
    }

    fn read(&mut self, object: &ObjectReference, size_bytes: u64, limit_bytes: u64) -> Result<Vec<u8>, TreeError> {
        self.request(Kind::Look)?;
        let (_, file) = self.file(object)?;
        let length = u64::try_from(file.bytes.len()).unwrap();
        if length < size_bytes || length > limit_bytes {
            return Err(TreeError::Unreadable(format!("{length} bytes")));
        }
        Ok(file.bytes)
    }

    fn create(&mut self, _folder: &ObjectReference, name: &str, bytes: &[u8]) -> Result<ObjectReference, TreeError> {
        let reach = self.request(Kind::Create)?;
        if self.is_taken(name) {
            return Err(TreeError::NameTaken(name.to_owned()));
        }
        let date = self.process.date();
        let half = File { name: name.to_owned(), bytes: bytes[..bytes.len() / 2].to_vec(), date };
        let handle = self.process.folder.borrow_mut().add(half);
        // A process that dies during the transfer leaves the half of it.
        self.process.step();
        if reach == Some(Reach::Halfway) {
            return Err(gone());
        }
        self.process.folder.borrow_mut().files.get_mut(&handle).unwrap().bytes = bytes.to_vec();
        self.answer(reach, reference(handle))
    }

    fn delete(&mut self, object: &ObjectReference) -> Result<(), TreeError> {
        let reach = self.request(Kind::Change)?;
        let (handle, _) = self.file(object)?;
        self.process.folder.borrow_mut().files.remove(&handle);
        self.answer(reach, ())
    }

    fn rename(&mut self, object: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError> {
        let reach = self.request(Kind::Change)?;
        let (handle, _) = self.file(object)?;
        if !self.can_rename {
            return Err(TreeError::NotSupported(String::from("renaming")));
        }
        if self.is_taken(name) {
            return Err(TreeError::Refused(String::from("general error")));
        }
        self.process.folder.borrow_mut().files.get_mut(&handle).unwrap().name = name.to_owned();
        self.answer(reach, object.clone())
    }

    fn make_folder(&mut self, _folder: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError> {
        Err(TreeError::Refused(format!("{name}: this phone has one folder")))
    }

    fn stat(&mut self, object: &ObjectReference) -> Result<ObjectEntry, TreeError> {
        self.request(Kind::Look)?;
        let (handle, file) = self.file(object)?;
        Ok(Self::entry(handle, &file))
    }

    fn statistics(&self) -> TreeStatistics {
        TreeStatistics { requests: self.requests, ..TreeStatistics::default() }
    }
}
