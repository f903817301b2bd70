//! Random work by the initiator and by the phone's apps, checked against the storage after each step.

use proptest::prelude::*;

use super::initiator::Lab;
use crate::sim::{DirectoryStorage, FaultPlan, MemoryStorage, Personality, Phone, SharedStorage, Storage};

#[derive(Debug, Clone)]
enum Step {
    Write(u8, Vec<u8>),
    Delete(u8),
    Rename(u8, u8),
    AppWrites(u8, Vec<u8>),
    AppDeletes(u8),
    AppRenames(u8, u8),
    NewSession,
    Replug,
}

fn step() -> impl Strategy<Value = Step> {
    let bytes = prop::collection::vec(any::<u8>(), 0..600);
    prop_oneof![
        (0..5_u8, bytes.clone()).prop_map(|(name, bytes)| Step::Write(name, bytes)),
        (0..5_u8).prop_map(Step::Delete),
        (0..5_u8, 0..5_u8).prop_map(|(from, to)| Step::Rename(from, to)),
        (0..5_u8, bytes).prop_map(|(name, bytes)| Step::AppWrites(name, bytes)),
        (0..5_u8).prop_map(Step::AppDeletes),
        (0..5_u8, 0..5_u8).prop_map(|(from, to)| Step::AppRenames(from, to)),
        Just(Step::NewSession),
        Just(Step::Replug),
    ]
}

fn path(name: u8) -> String {
    format!("Contacts/{name}.vcf")
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    /// Phones that list live and do not cache show exactly what is in the folder, whoever put it there.
    #[test]
    fn a_live_phone_shows_what_is_there(
        name in proptest::sample::select(vec!["android", "sailfish", "ubuntu-touch", "cmtp", "umtp", "zen", "nokia-s40"]),
        steps in prop::collection::vec(step(), 1..20),
    ) {
        let lab = Lab::new(name);
        let (mut pc, storage, _) = lab.open();
        for step in steps {
            lab.clock.advance_ms(1500);
            let folder = pc.names(storage, 0xFFFF_FFFF)["Contacts"];
            let files = pc.names(storage, folder);
            let handle = |name: u8| files.get(&format!("{name}.vcf")).copied();
            match step {
                Step::Write(name, bytes) => {
                    let _ = pc.write(storage, folder, &format!("{name}.vcf"), &bytes);
                }
                Step::Delete(name) => {
                    if let Some(handle) = handle(name) {
                        prop_assert_eq!(pc.code(0x100B, &[handle, 0]), 0x2001);
                        prop_assert_eq!(lab.bytes(&path(name)), None);
                    }
                }
                Step::Rename(from, to) => {
                    if let Some(handle) = handle(from) {
                        pc.rename(handle, &format!("{to}.vcf"));
                    }
                }
                Step::AppWrites(name, bytes) => lab.storage.borrow_mut().write(&path(name), &bytes).unwrap(),
                Step::AppDeletes(name) => {
                    let _ = lab.storage.borrow_mut().remove(&path(name));
                }
                Step::AppRenames(from, to) => {
                    let _ = lab.storage.borrow_mut().rename(&path(from), &path(to));
                }
                Step::NewSession => {
                    pc.code(0x1003, &[]);
                    pc.open();
                }
                Step::Replug => (pc, ..) = lab.open(),
            }
            let folder = pc.names(storage, 0xFFFF_FFFF)["Contacts"];
            let shown = pc.names(storage, folder);
            let mut there: Vec<String> =
                lab.storage.borrow().list("Contacts").unwrap().into_iter().map(|entry| entry.name).collect();
            there.sort();
            prop_assert_eq!(shown.keys().cloned().collect::<Vec<_>>(), there);
            for (name, handle) in shown {
                let there = lab.bytes(&format!("Contacts/{name}")).unwrap();
                prop_assert_eq!(pc.info(handle).unwrap().size as usize, there.len());
                prop_assert_eq!(pc.read(handle).unwrap(), there);
            }
        }
    }
}

#[test]
fn a_directory_on_disk_serves_as_well() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::create_dir(directory.path().join("Contacts")).unwrap();
    std::fs::write(directory.path().join("Contacts/a.vcf"), b"on disk").unwrap();
    let lab = Lab::new("android");
    let storage: SharedStorage = DirectoryStorage::shared(directory.path());
    let phone = Phone::new(Personality::android(), storage, lab.clock.clone());
    let mut pc = super::initiator::Pc::new(phone.plug_in(FaultPlan::none()));
    pc.open();
    let storage = pc.storages()[0];
    let folder = pc.names(storage, 0)["Contacts"];
    let file = pc.names(storage, folder)["a.vcf"];
    assert_eq!(pc.read(file).unwrap(), b"on disk");
    pc.write(storage, folder, "b.vcf", b"new").unwrap();
    assert_eq!(pc.rename(file, "c.vcf"), 0x2001);
    assert_eq!(std::fs::read(directory.path().join("Contacts/b.vcf")).unwrap(), b"new");
    assert_eq!(std::fs::read(directory.path().join("Contacts/c.vcf")).unwrap(), b"on disk");
    std::fs::write(directory.path().join("Contacts/d.vcf"), b"app").unwrap();
    assert_eq!(pc.events().iter().map(|event| event.0).collect::<Vec<_>>(), [0x4002, 0x4007]);
}

/// One question about a folder of n objects costs time in proportion, and reading one object costs its own size: the
/// storage is asked for one listing and for one file.
#[test]
fn operations_do_not_scan() {
    use std::cell::{Cell, RefCell};
    use std::rc::Rc;

    struct Counting {
        inside: MemoryStorage,
        listings: Rc<Cell<usize>>,
        entries: Rc<Cell<usize>>,
    }

    impl Storage for Counting {
        fn list(&self, folder: &str) -> Result<Vec<crate::sim::Entry>, crate::sim::StorageError> {
            self.listings.set(self.listings.get() + 1);
            self.inside.list(folder)
        }
        fn entry(&self, path: &str) -> Result<crate::sim::Entry, crate::sim::StorageError> {
            self.entries.set(self.entries.get() + 1);
            self.inside.entry(path)
        }
        fn read(&self, path: &str) -> Result<Vec<u8>, crate::sim::StorageError> {
            self.inside.read(path)
        }
        fn write(&mut self, path: &str, bytes: &[u8]) -> Result<(), crate::sim::StorageError> {
            self.inside.write(path, bytes)
        }
        fn write_at(&mut self, path: &str, at: u64, bytes: &[u8]) -> Result<(), crate::sim::StorageError> {
            self.inside.write_at(path, at, bytes)
        }
        fn resize(&mut self, path: &str, size: u64) -> Result<(), crate::sim::StorageError> {
            self.inside.resize(path, size)
        }
        fn make_folder(&mut self, path: &str) -> Result<(), crate::sim::StorageError> {
            self.inside.make_folder(path)
        }
        fn remove(&mut self, path: &str) -> Result<(), crate::sim::StorageError> {
            self.inside.remove(path)
        }
        fn rename(&mut self, from: &str, to: &str) -> Result<(), crate::sim::StorageError> {
            self.inside.rename(from, to)
        }
        fn set_modified_ms(&mut self, path: &str, ms: i64) -> Result<(), crate::sim::StorageError> {
            self.inside.set_modified_ms(path, ms)
        }
        fn version(&self) -> Option<u64> {
            self.inside.version()
        }
    }

    let lab = Lab::new("android");
    let (listings, entries) = (Rc::new(Cell::new(0)), Rc::new(Cell::new(0)));
    let mut inside = MemoryStorage::new(lab.clock.clone());
    inside.make_folder("Contacts").unwrap();
    for number in 0..2000 {
        inside.write(&format!("Contacts/{number}.vcf"), b"x").unwrap();
    }
    let storage: SharedStorage =
        Rc::new(RefCell::new(Counting { inside, listings: listings.clone(), entries: entries.clone() }));
    let phone = Phone::new(Personality::android(), storage, lab.clock.clone());
    let mut pc = super::initiator::Pc::new(phone.plug_in(FaultPlan::none()));
    pc.open();
    let storage = pc.storages()[0];
    let folder = pc.handles(storage, 0xFFFF_FFFF)[0];
    listings.set(0);
    let list = pc.ask(0x9805, &[folder, 0, 0xFFFF_FFFF, 0, 1]);
    assert_eq!(super::initiator::elements(&list.data).len(), 2001 * 11);
    assert_eq!((listings.get(), entries.get()), (1, 1), "one listing; one look at the folder itself");
    for handle in 2..12 {
        assert_eq!(pc.read(handle).unwrap(), b"x");
    }
    assert_eq!((listings.get(), entries.get()), (1, 1));
}
