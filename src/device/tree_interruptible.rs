//! A tree that ends between two requests when the person wants to stop: for the trees that do not look for that
//! themselves. It must not decide what becomes of what was begun; to the rest it is as if the cable had gone.

use super::tree::{
    DeviceIdentity, FolderListing, ObjectEntry, ObjectReference, ObjectTree, Storage, TreeCapabilities,
    TreeError, TreeStatistics,
};
use crate::provider::{Costs, Interrupt};

/// A tree, and the wish to stop.
pub struct InterruptibleTree {
    tree: Box<dyn ObjectTree>,
    interrupt: Interrupt,
}

impl std::fmt::Debug for InterruptibleTree {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "InterruptibleTree({:?})", self.interrupt)
    }
}

impl InterruptibleTree {
    /// `tree`, which stops when `interrupt` has come.
    #[must_use]
    pub fn new(tree: Box<dyn ObjectTree>, interrupt: Interrupt) -> Self {
        Self { tree, interrupt }
    }

    fn go_on(&mut self) -> Result<&mut dyn ObjectTree, TreeError> {
        if self.interrupt.has_come() {
            return Err(TreeError::Interrupted);
        }
        Ok(&mut *self.tree)
    }
}

impl ObjectTree for InterruptibleTree {
    fn identity(&self) -> &DeviceIdentity {
        self.tree.identity()
    }

    fn capabilities(&self) -> TreeCapabilities {
        self.tree.capabilities()
    }

    fn storages(&mut self) -> Result<Vec<Storage>, TreeError> {
        self.go_on()?.storages()
    }

    fn list(&mut self, folder: &ObjectReference) -> Result<FolderListing, TreeError> {
        self.go_on()?.list(folder)
    }

    fn find(&mut self, folder: &ObjectReference, name: &str) -> Result<Option<ObjectEntry>, TreeError> {
        self.go_on()?.find(folder, name)
    }

    fn read(
        &mut self,
        object: &ObjectReference,
        size_bytes: u64,
        limit_bytes: u64,
    ) -> Result<Vec<u8>, TreeError> {
        self.go_on()?.read(object, size_bytes, limit_bytes)
    }

    fn announce_cards_as(&mut self, format: u16) {
        self.tree.announce_cards_as(format);
    }

    fn create(
        &mut self,
        folder: &ObjectReference,
        name: &str,
        bytes: &[u8],
    ) -> Result<ObjectReference, TreeError> {
        self.go_on()?.create(folder, name, bytes)
    }

    fn delete(&mut self, object: &ObjectReference) -> Result<(), TreeError> {
        self.go_on()?.delete(object)
    }

    fn rename(&mut self, object: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError> {
        self.go_on()?.rename(object, name)
    }

    fn make_folder(&mut self, folder: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError> {
        self.go_on()?.make_folder(folder, name)
    }

    fn stat(&mut self, object: &ObjectReference) -> Result<ObjectEntry, TreeError> {
        self.go_on()?.stat(object)
    }

    fn statistics(&self) -> TreeStatistics {
        self.tree.statistics()
    }

    fn costs(&self) -> Costs {
        self.tree.costs()
    }

    fn habits(&self) -> String {
        self.tree.habits()
    }

    fn close(&mut self) {
        self.tree.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::rc::Rc;

    use crate::device::DirectoryTree;

    #[test]
    fn nothing_is_asked_or_written_once_the_person_wants_to_stop() {
        let directory = tempfile::tempdir().unwrap();
        let wanted = Rc::new(Cell::new(false));
        let asked = Rc::clone(&wanted);
        let inner = Box::new(DirectoryTree::open(directory.path()).unwrap());
        let mut tree = InterruptibleTree::new(inner, Interrupt::when(move || asked.get()));
        let root = tree.storages().unwrap().remove(0).root;
        let object = tree.create(&root, "a.vcf", b"x").unwrap();
        wanted.set(true);
        assert_eq!(tree.storages().unwrap_err(), TreeError::Interrupted);
        assert_eq!(tree.list(&root).unwrap_err(), TreeError::Interrupted);
        assert_eq!(tree.find(&root, "a.vcf").unwrap_err(), TreeError::Interrupted);
        assert_eq!(tree.read(&object, 1, 1).unwrap_err(), TreeError::Interrupted);
        assert_eq!(tree.create(&root, "b.vcf", b"x").unwrap_err(), TreeError::Interrupted);
        assert_eq!(tree.rename(&object, "c.vcf").unwrap_err(), TreeError::Interrupted);
        assert_eq!(tree.make_folder(&root, "d").unwrap_err(), TreeError::Interrupted);
        assert_eq!(tree.stat(&object).unwrap_err(), TreeError::Interrupted);
        assert_eq!(tree.delete(&object).unwrap_err(), TreeError::Interrupted);
        let names: Vec<_> =
            std::fs::read_dir(directory.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(names, ["a.vcf"]);
    }
}
