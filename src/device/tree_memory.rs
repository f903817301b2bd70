//! A tree in memory with a cable that can be pulled at any request. Tests only.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::tree::{
    DeviceIdentity, FolderListing, ObjectEntry, ObjectKind, ObjectReference, ObjectTree, Place, Storage,
    TreeCapabilities, TreeError, TreeStatistics,
};
use super::tree_conformance::{Dates, RenameSupport};
use crate::provider::Completeness;

/// How far a request gets before the cable goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cut {
    /// Not at all.
    Before,
    /// Half of a content arrives, if there is one.
    Halfway,
    /// It is done, and only the answer is lost.
    After,
}

#[derive(Debug, Clone)]
struct Node {
    parent: u32,
    name: String,
    is_folder: bool,
    bytes: Vec<u8>,
    modified_s: u64,
}

/// What the phone holds and how it behaves; survives the connection.
#[derive(Debug)]
pub struct MemoryPhone {
    nodes: BTreeMap<u32, Node>,
    next_handle: u32,
    /// The phone's clock, in seconds.
    pub now_s: u64,
    pub rename: RenameSupport,
    pub dates: Dates,
    /// Dates that never change.
    pub dates_constant: bool,
    pub locked: bool,
    pub incomplete: Option<String>,
    /// Names for which deletion is refused.
    pub protected: Option<String>,
    /// Contents arrive with their last byte changed.
    pub corrupts: bool,
}

impl MemoryPhone {
    pub fn new() -> Rc<RefCell<Self>> {
        Rc::new(RefCell::new(Self {
            nodes: BTreeMap::new(),
            next_handle: 1,
            now_s: 1_700_000_000,
            rename: RenameSupport::Works,
            dates: Dates::Seconds,
            dates_constant: false,
            locked: false,
            incomplete: None,
            protected: None,
            corrupts: false,
        }))
    }

    fn folder_at(&mut self, path: &str) -> u32 {
        let mut parent = 0;
        for component in path.split('/').filter(|component| !component.is_empty()) {
            let found = self.nodes.iter().find(|(_, node)| node.parent == parent && node.name == component);
            parent = match found {
                Some((&handle, _)) => handle,
                None => self.add(parent, component, true, b""),
            };
        }
        parent
    }

    fn add(&mut self, parent: u32, name: &str, is_folder: bool, bytes: &[u8]) -> u32 {
        let handle = self.next_handle;
        self.next_handle += 1;
        let node =
            Node { parent, name: name.to_owned(), is_folder, bytes: bytes.to_vec(), modified_s: self.now_s };
        self.nodes.insert(handle, node);
        handle
    }

    /// A file as a person or an app of the phone writes it.
    pub fn put(&mut self, folder: &str, name: &str, bytes: &[u8]) {
        let parent = self.folder_at(folder);
        self.nodes.retain(|_, node| node.parent != parent || node.name != name);
        self.add(parent, name, false, bytes);
    }

    /// Removes a file as a person does.
    pub fn remove(&mut self, folder: &str, name: &str) {
        let parent = self.folder_at(folder);
        self.nodes.retain(|_, node| node.parent != parent || node.name != name);
    }

    /// The names of the folders in a folder.
    pub fn folder_names(&mut self, folder: &str) -> std::collections::BTreeSet<String> {
        let parent = self.folder_at(folder);
        let inside = self.nodes.values().filter(|node| node.parent == parent && node.is_folder);
        inside.map(|node| node.name.clone()).collect()
    }

    /// Removes a folder with everything in it, as a person does.
    pub fn remove_folder(&mut self, folder: &str) {
        let mut gone = vec![self.folder_at(folder)];
        while let Some(handle) = gone.pop() {
            self.nodes.remove(&handle);
            gone.extend(
                self.nodes.iter().filter(|(_, node)| node.parent == handle).map(|(handle, _)| *handle),
            );
        }
    }

    /// Names and contents of a folder.
    pub fn files(&mut self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let parent = self.folder_at(folder);
        let inside = self.nodes.values().filter(|node| node.parent == parent && !node.is_folder);
        let files: Vec<_> = inside.map(|node| (node.name.clone(), node.bytes.clone())).collect();
        let count = files.len();
        let map: BTreeMap<_, _> = files.into_iter().collect();
        assert_eq!(map.len(), count, "two files of one name");
        map
    }
}

/// A connection to a phone in memory.
#[derive(Debug)]
pub struct MemoryTree {
    phone: Rc<RefCell<MemoryPhone>>,
    identity: DeviceIdentity,
    statistics: TreeStatistics,
    /// At which changing or reading request the cable goes, counted from 1.
    cut: Option<(u64, Cut)>,
    gone: bool,
}

fn gone() -> TreeError {
    TreeError::Disconnected("the cable is pulled".to_owned())
}

impl MemoryTree {
    pub fn connect(phone: &Rc<RefCell<MemoryPhone>>, cut: Option<(u64, Cut)>) -> Self {
        let identity = DeviceIdentity { model: "Memory".to_owned(), ..DeviceIdentity::default() };
        Self { phone: Rc::clone(phone), identity, statistics: TreeStatistics::default(), cut, gone: false }
    }

    /// Counts a request; says how far it gets if it is the one at which the cable goes.
    fn request(&mut self) -> Result<Option<Cut>, TreeError> {
        self.statistics.requests += 1;
        if self.gone {
            return Err(gone());
        }
        match self.cut {
            Some((at, cut)) if at == self.statistics.requests => {
                self.gone = true;
                if cut == Cut::Before { Err(gone()) } else { Ok(Some(cut)) }
            }
            _ => Ok(None),
        }
    }

    fn answer<T>(cut: Option<Cut>, value: T) -> Result<T, TreeError> {
        if cut.is_some() { Err(gone()) } else { Ok(value) }
    }

    fn entry(&self, handle: u32, node: &Node) -> ObjectEntry {
        let phone = self.phone.borrow();
        let seconds = if phone.dates_constant { 1 } else { node.modified_s };
        ObjectEntry {
            name: node.name.clone(),
            kind: if node.is_folder { ObjectKind::Folder } else { ObjectKind::File },
            size_bytes: u64::try_from(node.bytes.len()).unwrap(),
            modified: (phone.dates != Dates::Absent).then(|| format!("20261120T{seconds:010}").into()),
            object: reference(handle),
        }
    }

    fn node(&self, object: &ObjectReference) -> Result<(u32, Node), TreeError> {
        let handle = handle_of(object);
        let node = self.phone.borrow().nodes.get(&handle).cloned();
        node.map(|node| (handle, node)).ok_or_else(|| TreeError::NotFound(format!("handle {handle}")))
    }

    fn is_taken(&self, parent: u32, name: &str) -> bool {
        self.phone.borrow().nodes.values().any(|node| node.parent == parent && node.name == name)
    }
}

fn reference(handle: u32) -> ObjectReference {
    ObjectReference(Place::Handle { storage: 1, handle })
}

fn handle_of(object: &ObjectReference) -> u32 {
    match &object.0 {
        Place::Handle { handle, .. } => *handle,
        Place::Path(_) => panic!("a path"),
    }
}

impl ObjectTree for MemoryTree {
    fn identity(&self) -> &DeviceIdentity {
        &self.identity
    }

    fn capabilities(&self) -> TreeCapabilities {
        TreeCapabilities { rename: self.phone.borrow().rename != RenameSupport::Absent }
    }

    fn storages(&mut self) -> Result<Vec<Storage>, TreeError> {
        let cut = self.request()?;
        if self.phone.borrow().locked {
            return Err(TreeError::Locked("no storages".to_owned()));
        }
        Self::answer(cut, vec![Storage { label: "Phone".to_owned(), root: reference(0), writable: true }])
    }

    fn list(&mut self, folder: &ObjectReference) -> Result<FolderListing, TreeError> {
        let cut = self.request()?;
        let parent = handle_of(folder);
        let nodes = self.phone.borrow().nodes.clone();
        let inside = nodes.iter().filter(|(_, node)| node.parent == parent);
        let entries = inside.map(|(&handle, node)| self.entry(handle, node)).collect();
        let completeness = match &self.phone.borrow().incomplete {
            Some(why) => Completeness::Incomplete(why.clone()),
            None => Completeness::Complete,
        };
        Self::answer(cut, FolderListing { entries, completeness })
    }

    fn read(
        &mut self,
        object: &ObjectReference,
        size_bytes: u64,
        limit_bytes: u64,
    ) -> Result<Vec<u8>, TreeError> {
        let cut = self.request()?;
        let (_, node) = self.node(object)?;
        let length = u64::try_from(node.bytes.len()).unwrap();
        if length < size_bytes || length > limit_bytes {
            return Err(TreeError::Unreadable(format!("{length} bytes")));
        }
        self.statistics.read_bytes += length;
        Self::answer(cut, node.bytes)
    }

    fn create(
        &mut self,
        folder: &ObjectReference,
        name: &str,
        bytes: &[u8],
    ) -> Result<ObjectReference, TreeError> {
        let cut = self.request()?;
        let parent = handle_of(folder);
        if self.is_taken(parent, name) {
            return Err(TreeError::NameTaken(name.to_owned()));
        }
        let arrives = if cut == Some(Cut::Halfway) { bytes.len() / 2 } else { bytes.len() };
        let mut phone = self.phone.borrow_mut();
        let handle = phone.add(parent, name, false, &bytes[..arrives]);
        if phone.corrupts
            && let Some(last) = phone.nodes.get_mut(&handle).and_then(|node| node.bytes.last_mut())
        {
            *last ^= 1;
        }
        self.statistics.written_bytes += u64::try_from(arrives).unwrap();
        Self::answer(cut, reference(handle))
    }

    fn delete(&mut self, object: &ObjectReference) -> Result<(), TreeError> {
        let cut = self.request()?;
        let (handle, node) = self.node(object)?;
        if self.phone.borrow().protected.as_ref() == Some(&node.name) {
            return Err(TreeError::Refused("write-protected".to_owned()));
        }
        if cut != Some(Cut::Halfway) {
            self.phone.borrow_mut().nodes.remove(&handle);
        }
        Self::answer(cut, ())
    }

    fn rename(&mut self, object: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError> {
        let cut = self.request()?;
        let support = self.phone.borrow().rename;
        let (handle, node) = self.node(object)?;
        match support {
            RenameSupport::Absent => return Err(TreeError::NotSupported("renaming".to_owned())),
            RenameSupport::Lies => {}
            RenameSupport::Works if self.is_taken(node.parent, name) => {
                return Err(TreeError::Refused("general error".to_owned()));
            }
            RenameSupport::Works if cut == Some(Cut::Halfway) => {}
            RenameSupport::Works => {
                let mut phone = self.phone.borrow_mut();
                phone.nodes.get_mut(&handle).unwrap().name = name.to_owned();
            }
        }
        Self::answer(cut, object.clone())
    }

    fn make_folder(&mut self, folder: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError> {
        let cut = self.request()?;
        let parent = handle_of(folder);
        if self.is_taken(parent, name) {
            return Err(TreeError::NameTaken(name.to_owned()));
        }
        let handle = self.phone.borrow_mut().add(parent, name, true, b"");
        Self::answer(cut, reference(handle))
    }

    fn stat(&mut self, object: &ObjectReference) -> Result<ObjectEntry, TreeError> {
        let cut = self.request()?;
        let (handle, node) = self.node(object)?;
        Self::answer(cut, self.entry(handle, &node))
    }

    fn statistics(&self) -> TreeStatistics {
        self.statistics
    }
}

mod tests {
    use super::super::tree_conformance::{Expectation, check_tree};
    use super::*;

    #[test]
    fn conforms_in_every_variant() {
        for rename in [RenameSupport::Works, RenameSupport::Lies, RenameSupport::Absent] {
            for dates in [Dates::Seconds, Dates::Absent] {
                let phone = MemoryPhone::new();
                phone.borrow_mut().rename = rename;
                phone.borrow_mut().dates = dates;
                let expectation = Expectation { rename, dates, ..Expectation::BEST };
                check_tree(&mut MemoryTree::connect(&phone, None), &expectation);
            }
        }
    }
}
