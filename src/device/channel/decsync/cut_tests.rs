//! The DecSync channel with the cable pulled at every request and in the middle of every file, and with the computer
//! going down between any two notes it makes. After the next session everything is there, or nothing was begun; and
//! every app sees the same, also one that looked in between.

use std::collections::BTreeMap;

use super::finding::own_app_id;
use super::test_bench::*;
use crate::device::channel::contract::Access;
use crate::device::channel::names::is_temporary;
use crate::device::tree::{
    DeviceIdentity, FolderListing, ObjectEntry, ObjectReference, ObjectTree, Storage, TreeCapabilities,
    TreeError, TreeStatistics,
};
use crate::device::tree_conformance::RenameSupport;
use crate::device::tree_memory::{Cut, MemoryTree};
use crate::provider::{Locator, ProviderError, Settled, SimpleOutcome, SimpleProvider, Unsettled};

use super::DecsyncChannel;

const RENAMES: [RenameSupport; 3] = [RenameSupport::Works, RenameSupport::Lies, RenameSupport::Absent];

fn own_folder() -> String {
    format!("{BASE}/contacts/{BOOK}/v2/{}", own_app_id(guid()))
}

/// A phone that was synced once before: one of its contacts is from the computer.
fn synced_bench(rename: RenameSupport) -> Bench {
    let mut bench = Bench::with_contacts();
    bench.phone.borrow_mut().rename = rename;
    {
        let mut channel = bench.open();
        names(&mut channel);
        channel.prepare_writes().unwrap();
        done(channel.create("mine", card("mine", "Mine").as_bytes()));
        channel.flush().unwrap();
        channel.keep().unwrap();
    }
    bench.app.sync(&bench.phone);
    bench.clock.advance_ms(60_000);
    bench
}

fn before() -> BTreeMap<String, String> {
    let pairs = [("uid-1", "Ada"), ("uid-2", "Ben"), ("ü/3", "Cyd"), ("mine", "Mine")];
    pairs.iter().map(|(uid, name)| ((*uid).to_owned(), (*name).to_owned())).collect()
}

fn after() -> BTreeMap<String, String> {
    let pairs = [("uid-1", "Ada Two"), ("ü/3", "Cyd"), ("mine", "Mine Two"), ("new", "New")];
    pairs.iter().map(|(uid, name)| ((*uid).to_owned(), (*name).to_owned())).collect()
}

/// The session that is cut: an edit of theirs, an edit of ours, a deletion and a new one.
fn write_all(channel: &mut DecsyncChannel<'_>) -> Result<(), ProviderError> {
    channel.list()?;
    channel.prepare_writes()?;
    let outcomes = [
        channel.replace(&at(channel, "uid-1"), revision("uid-1", "Ada"), card("uid-1", "Ada Two").as_bytes()),
        channel.replace(&at(channel, "mine"), revision("mine", "Mine"), card("mine", "Mine Two").as_bytes()),
        channel.delete(&at(channel, "uid-2"), revision("uid-2", "Ben")),
        channel.create("new", card("new", "New").as_bytes()),
    ];
    for outcome in outcomes {
        match outcome {
            SimpleOutcome::Done { .. } => {}
            SimpleOutcome::Stale => panic!("stale"),
            SimpleOutcome::Refused(why) | SimpleOutcome::Unknown(why) => {
                return Err(ProviderError::Disconnected(why));
            }
        }
    }
    channel.flush()?;
    channel.finish_writes()?;
    channel.keep()
}

/// The next session. What it finds must agree with what the journal is told, and with every app.
fn check_mended(bench: &mut Bench, step: &str) {
    let found = mended(bench, step);
    assert!(found == before() || found == after(), "{step}: {found:?}");
}

fn mended(bench: &mut Bench, step: &str) -> BTreeMap<String, String> {
    // An app looked at what the cut left.
    bench.app.sync(&bench.phone);
    let mut found = BTreeMap::new();
    {
        let mut channel = bench.open();
        for (name, text) in names(&mut channel) {
            found.insert(super::encoding::decoded(&name).unwrap(), text);
        }
        assert_eq!(channel.restarted(1), None, "{step}");
        let created = Unsettled::Create { name: "new".to_owned(), bytes: card("new", "New").into_bytes() };
        let replaced = Unsettled::Replace {
            locator: at(&channel, "uid-1"),
            bytes: card("uid-1", "Ada Two").into_bytes(),
        };
        let is_there = |settled: Settled| matches!(settled, Settled::Happened { .. });
        assert_eq!(is_there(channel.settle(&created).unwrap()), found.contains_key("new"), "{step}");
        let is_replaced = found["uid-1"] == "Ada Two";
        assert_eq!(is_there(channel.settle(&replaced).unwrap()), is_replaced, "{step}");
        channel.keep().unwrap();
    }
    bench.app.sync(&bench.phone);
    assert_eq!(bench.app.contacts(), found, "{step}");
    let mut newcomer = App::new("Newcomer");
    newcomer.sync(&bench.phone);
    let mine: Vec<&String> = newcomer.stored.keys().filter(|uid| *uid == "mine").collect();
    assert_eq!(mine.len(), 1, "{step}");
    let left: Vec<String> = bench.phone.borrow_mut().files(&own_folder()).into_keys().collect();
    assert!(!left.iter().any(|name| is_temporary(name)), "{step}: {left:?}");
    // Nothing is left to do.
    let files = bench.phone.borrow_mut().files(&own_folder());
    assert_eq!(bench.listed().len(), found.len(), "{step}");
    assert_eq!(bench.phone.borrow_mut().files(&own_folder()), files, "{step}");
    found
}

#[test]
fn the_cable_may_be_pulled_at_any_request() {
    for rename in RENAMES {
        for cut in [Cut::Before, Cut::Halfway, Cut::After] {
            let mut request = 1;
            let mut ends = (0, 0);
            loop {
                let mut bench = synced_bench(rename);
                let ended = bench
                    .open_with(Access::ReadWrite, Some((request, cut)))
                    .and_then(|mut channel| write_all(&mut channel));
                check_mended(&mut bench, &format!("{rename:?}, {cut:?} at request {request}"));
                if bench.app.contacts() == after() {
                    ends.1 += 1
                } else {
                    ends.0 += 1
                }
                if ended.is_ok() {
                    break;
                }
                request += 1;
            }
            assert!(ends.0 > 10 && ends.1 > 10, "both ends were seen: {ends:?}");
        }
    }
}

#[test]
fn the_computer_may_go_down_between_any_two_notes() {
    let mut puts = 0;
    loop {
        let mut bench = synced_bench(RenameSupport::Works);
        *bench.memory.puts_left.borrow_mut() = Some(puts);
        let ended = write_all(&mut bench.open());
        *bench.memory.puts_left.borrow_mut() = None;
        // Each write is done or not; the next session makes the rest.
        let found = mended(&mut bench, &format!("after {puts} notes"));
        for (uid, name) in &found {
            let either = [before().remove(uid), after().remove(uid)];
            assert!(either.contains(&Some(name.clone())), "{puts}: {found:?}");
        }
        assert!(found.contains_key("uid-1") && found.contains_key("mine") && found.contains_key("ü/3"));
        if ended.is_ok() {
            break;
        }
        puts += 1;
    }
    assert!(puts > 4, "{puts}");
}

/// A connection that breaks while one file is on its way, after so many of its bytes.
struct TornTree {
    inner: MemoryTree,
    name: String,
    length: usize,
    is_gone: bool,
}

impl TornTree {
    fn check(&self) -> Result<(), TreeError> {
        if self.is_gone { Err(TreeError::Disconnected("the cable is pulled".to_owned())) } else { Ok(()) }
    }
}

impl ObjectTree for TornTree {
    fn identity(&self) -> &DeviceIdentity {
        self.inner.identity()
    }

    fn capabilities(&self) -> TreeCapabilities {
        self.inner.capabilities()
    }

    fn storages(&mut self) -> Result<Vec<Storage>, TreeError> {
        self.check()?;
        self.inner.storages()
    }

    fn list(&mut self, folder: &ObjectReference) -> Result<FolderListing, TreeError> {
        self.check()?;
        self.inner.list(folder)
    }

    fn read(&mut self, object: &ObjectReference, size: u64, limit: u64) -> Result<Vec<u8>, TreeError> {
        self.check()?;
        self.inner.read(object, size, limit)
    }

    fn create(
        &mut self,
        folder: &ObjectReference,
        name: &str,
        bytes: &[u8],
    ) -> Result<ObjectReference, TreeError> {
        self.check()?;
        if name.ends_with(&self.name)
            && let Some(part) = bytes.get(..self.length)
        {
            self.inner.create(folder, name, part)?;
            self.is_gone = true;
            return Err(TreeError::Disconnected("the cable is pulled".to_owned()));
        }
        self.inner.create(folder, name, bytes)
    }

    fn delete(&mut self, object: &ObjectReference) -> Result<(), TreeError> {
        self.check()?;
        self.inner.delete(object)
    }

    fn rename(&mut self, object: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError> {
        self.check()?;
        self.inner.rename(object, name)
    }

    fn make_folder(&mut self, folder: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError> {
        self.check()?;
        self.inner.make_folder(folder, name)
    }

    fn stat(&mut self, object: &ObjectReference) -> Result<ObjectEntry, TreeError> {
        self.check()?;
        self.inner.stat(object)
    }

    fn statistics(&self) -> TreeStatistics {
        self.inner.statistics()
    }
}

#[test]
fn an_upload_may_be_torn_at_every_byte_of_every_file() {
    for rename in RENAMES {
        let own: Vec<String> = {
            let mut bench = synced_bench(rename);
            write_all(&mut bench.open()).unwrap();
            bench.app.sync(&bench.phone);
            assert_eq!(bench.app.contacts(), after());
            bench.phone.borrow_mut().files(&own_folder()).into_keys().collect()
        };
        assert!(own.len() >= 5, "{own:?}");
        for name in own {
            // The counters at every byte, cards at some.
            let step = if name == "sequences" { 1 } else { 37 };
            let mut length = 0;
            let mut torn = 0;
            loop {
                let mut bench = synced_bench(rename);
                let inner = MemoryTree::connect(&bench.phone, None);
                let tree = TornTree { inner, name: name.clone(), length, is_gone: false };
                let ended = {
                    let mut channel = bench.open_tree(Box::new(tree), Access::ReadWrite).unwrap();
                    write_all(&mut channel)
                };
                check_mended(&mut bench, &format!("{rename:?}, {name} at byte {length}"));
                if ended.is_ok() {
                    break;
                }
                torn += 1;
                length += step;
            }
            assert!(torn >= 2 || name == "info", "{name} was torn {torn} times");
        }
    }
}

#[test]
fn what_was_damaged_on_the_phone_is_put_right() {
    let bench = synced_bench(RenameSupport::Works);
    let name = super::encoding::bucket_of(&["resources", "mine"]);
    let path = format!("{}/{name}", own_folder());
    let whole = bench.phone.read(&path).unwrap();
    bench.phone.write(&path, &whole[..whole.len() - 9]);
    assert_eq!(bench.listed().len(), 4);
    assert_eq!(bench.phone.read(&path).unwrap(), whole);
    bench.phone.borrow_mut().remove(&own_folder(), &name);
    assert_eq!(bench.listed().len(), 4);
    assert_eq!(bench.phone.read(&path).unwrap(), whole);
}

#[test]
fn a_phone_that_takes_no_more_keeps_what_is_on_its_way() {
    let mut bench = synced_bench(RenameSupport::Works);
    // Nothing can be put in place of the counters.
    bench.phone.borrow_mut().protected = Some("sequences".to_owned());
    assert!(write_all(&mut bench.open()).is_err());
    bench.app.sync(&bench.phone);
    assert_eq!(bench.app.contacts(), before());
    {
        let mut channel = bench.open();
        assert_eq!(names(&mut channel).len(), 4, "the contacts can be read all the same");
        let place: Locator = at(&channel, "new");
        assert_eq!(name_in(&channel.read(&place).unwrap()), "New");
        assert!(channel.remarks().iter().any(|remark| remark.contains("not all there yet")));
        assert!(channel.prepare_writes().is_err(), "nothing new is begun before that");
    }
    bench.phone.borrow_mut().protected = None;
    bench.listed();
    bench.app.sync(&bench.phone);
    assert_eq!(bench.app.contacts(), after());
}
