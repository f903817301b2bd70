//! What the tests of this folder share: a memory, a phone with a DecSync folder, and an app that reads and writes there
//! as the reference library does. Tests only.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::LazyLock;

use super::encoding::bucket_of;
use super::entry::{DecsyncEntry, edited_bucket, parse_bucket};
use super::sequences::{Sequences, parse_sequences, sequences_text};
use super::{DecsyncChannel, Sought};
use crate::device::channel::contract::{Access, Channel, ChannelChoices, ChannelOptions};
use crate::device::profiles::ProfileSet;
use crate::device::search::Search;
use crate::device::tree::{ObjectTree, TreeError};
use crate::device::tree_conformance::Dates;
use crate::device::tree_memory::{Cut, MemoryPhone, MemoryTree};
use crate::ics::Guid;
use crate::provider::{
    ChannelMemory, Completeness, Locator, ProviderError, Revision, SimpleOutcome, SimpleProvider, TestClock,
    TestRandomness,
};

pub static PROFILES: LazyLock<ProfileSet> = LazyLock::new(|| ProfileSet::built_in().unwrap());

/// 2026-11-20T12:00:00Z.
pub const NOON_MS: i64 = 1_795_176_000_000;
pub const BASE: &str = "Documents/DecSync";
pub const BOOK: &str = "7f2518db-e928-41e6-a3f6-6ace79b9cf6d";
pub const PHONE_APP: &str = "Pixel%207-DecSyncCC-01234";

/// A memory that survives sessions.
#[derive(Default)]
pub struct TestMemory {
    bytes: RefCell<BTreeMap<(Guid, String), Vec<u8>>>,
    /// After so many puts it refuses; for a computer that goes down.
    pub puts_left: RefCell<Option<usize>>,
}

impl ChannelMemory for TestMemory {
    fn get(&self, replica: Guid, name: &str) -> Result<Option<Vec<u8>>, ProviderError> {
        Ok(self.bytes.borrow().get(&(replica, name.to_owned())).cloned())
    }

    fn put(&self, replica: Guid, name: &str, bytes: &[u8]) -> Result<(), ProviderError> {
        if let Some(left) = self.puts_left.borrow_mut().as_mut() {
            *left = left.checked_sub(1).ok_or_else(|| ProviderError::Storage("no power".to_owned()))?;
        }
        self.bytes.borrow_mut().insert((replica, name.to_owned()), bytes.to_vec());
        Ok(())
    }

    fn remove(&self, replica: Guid, name: &str) -> Result<(), ProviderError> {
        if *self.puts_left.borrow() == Some(0) {
            return Err(ProviderError::Storage("no power".to_owned()));
        }
        self.bytes.borrow_mut().remove(&(replica, name.to_owned()));
        Ok(())
    }

    fn names(&self, replica: Guid, prefix: &str) -> Result<Vec<String>, ProviderError> {
        let bytes = self.bytes.borrow();
        let names = bytes.keys().filter(|(guid, name)| *guid == replica && name.starts_with(prefix));
        Ok(names.map(|(_, name)| name.clone()).collect())
    }
}

/// Files of a phone as its own apps see them.
pub trait Disk {
    fn read(&self, path: &str) -> Option<Vec<u8>>;
    fn write(&self, path: &str, bytes: &[u8]);
    /// Names in a folder.
    fn folders(&self, path: &str) -> BTreeSet<String>;
}

impl Disk for Rc<RefCell<MemoryPhone>> {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        let (folder, name) = path.rsplit_once('/').unwrap();
        self.borrow_mut().files(folder).remove(name)
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let (folder, name) = path.rsplit_once('/').unwrap();
        self.borrow_mut().put(folder, name, bytes);
    }

    fn folders(&self, path: &str) -> BTreeSet<String> {
        self.borrow_mut().folder_names(path)
    }
}

pub fn card(uid: &str, text: &str) -> String {
    format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{text}\r\nEND:VCARD\r\n")
}

pub fn guid() -> Guid {
    Guid::from_random([5; 16])
}

/// An app that keeps an address book in step by the rules of the reference library: it takes what is newer than what
/// it has, strictly, and writes in its own folder only.
pub struct App {
    pub id: String,
    pub stored: BTreeMap<String, (String, Option<String>)>,
    seen: BTreeMap<String, Sequences>,
}

impl App {
    pub fn new(id: &str) -> Self {
        Self { id: id.to_owned(), stored: BTreeMap::new(), seen: BTreeMap::new() }
    }

    fn folder(app: &str) -> String {
        format!("{BASE}/contacts/{BOOK}/v2/{app}")
    }

    /// A person's edit at a moment of the app's clock.
    pub fn edit(&mut self, disk: &impl Disk, uid: &str, datetime: &str, text: Option<&str>) {
        let text = text.map(|text| card(uid, text));
        let before = self.stored.get(uid);
        assert!(before.is_none_or(|(stored, _)| stored.as_str() < datetime), "the app would not record this");
        self.stored.insert(uid.to_owned(), (datetime.to_owned(), text.clone()));
        self.write(disk, &DecsyncEntry::contact(uid, datetime, text.as_deref()));
    }

    pub fn write(&self, disk: &impl Disk, entry: &DecsyncEntry) {
        let folder = Self::folder(&self.id);
        let bucket = format!("{folder}/{}", bucket_of(&entry.path));
        let bytes = disk.read(&bucket).unwrap_or_default();
        disk.write(&bucket, &edited_bucket(&bytes, std::slice::from_ref(entry)));
        let sequences = format!("{folder}/sequences");
        let counters = disk.read(&sequences).and_then(|bytes| parse_sequences(&bytes));
        let mut counters = counters.unwrap_or_default();
        *counters.entry(bucket_of(&entry.path)).or_insert(0) += 1;
        disk.write(&sequences, sequences_text(&counters).as_bytes());
    }

    /// Takes in what others wrote.
    pub fn sync(&mut self, disk: &impl Disk) {
        for app in disk.folders(&format!("{BASE}/contacts/{BOOK}/v2")) {
            if app == self.id {
                continue;
            }
            let folder = Self::folder(&app);
            let bytes = disk.read(&format!("{folder}/sequences")).unwrap_or_default();
            let now = parse_sequences(&bytes).unwrap_or_default();
            let seen = self.seen.entry(app).or_default();
            for (bucket, counter) in &now {
                if seen.get(bucket) == Some(counter) {
                    continue;
                }
                for entry in parse_bucket(&disk.read(&format!("{folder}/{bucket}")).unwrap_or_default()) {
                    let Some(uid) = entry.uid() else { continue };
                    let stored = self.stored.get(uid);
                    if stored.is_none_or(|(datetime, _)| *datetime < entry.datetime) {
                        let text = entry.value.as_str().map(str::to_owned);
                        assert!(text.as_ref().is_none_or(|text| text.contains(&format!("UID:{uid}\r\n"))));
                        self.stored.insert(uid.to_owned(), (entry.datetime, text));
                    }
                }
            }
            *seen = now;
        }
    }

    /// The names of its contacts by UID.
    pub fn contacts(&self) -> BTreeMap<String, String> {
        let there = self.stored.iter().filter_map(|(uid, (_, text))| Some((uid, text.as_ref()?)));
        there.map(|(uid, text)| (uid.clone(), name_in(text.as_bytes()))).collect()
    }
}

pub fn name_in(card: &[u8]) -> String {
    let text = String::from_utf8(card.to_vec()).unwrap();
    let name = text.lines().find_map(|line| line.strip_prefix("FN:")).unwrap();
    name.trim().to_owned()
}

/// A phone in memory with an empty DecSync folder, and the app on it.
pub struct Bench {
    pub phone: Rc<RefCell<MemoryPhone>>,
    pub clock: Rc<TestClock>,
    pub memory: TestMemory,
    pub app: App,
    pub known: Vec<Guid>,
    pub address_book: Option<String>,
}

impl Bench {
    pub fn new() -> Self {
        let phone = MemoryPhone::new();
        phone.borrow_mut().dates = Dates::Absent;
        phone.write(&format!("{BASE}/.decsync-info"), b"{\"version\":2}");
        Self {
            phone,
            clock: Rc::new(TestClock::at(NOON_MS)),
            memory: TestMemory::default(),
            app: App::new(PHONE_APP),
            known: vec![guid()],
            address_book: None,
        }
    }

    /// With three contacts, made an hour ago.
    pub fn with_contacts() -> Self {
        let mut bench = Self::new();
        for (uid, name) in [("uid-1", "Ada"), ("uid-2", "Ben"), ("ü/3", "Cyd")] {
            bench.app.edit(&bench.phone, uid, "2026-11-20T11:00:00", Some(name));
        }
        bench.say("name", serde_json::json!("Friends"));
        bench
    }

    /// An entry about the address book.
    pub fn say(&self, key: &str, value: serde_json::Value) {
        self.app.write(&self.phone, &DecsyncEntry::info(key, "2026-11-20T11:00:00", value));
    }

    pub fn options(&self, access: Access) -> ChannelOptions<'_> {
        ChannelOptions {
            access,
            guid_if_unmarked: guid(),
            known_guids: self.known.clone(),
            label: String::new(),
            clock: Rc::<TestClock>::clone(&self.clock),
            randomness: Rc::new(TestRandomness::seeded(1)),
            memory: &self.memory,
            choices: ChannelChoices { address_book: self.address_book.clone(), ..ChannelChoices::default() },
        }
    }

    pub fn open_tree(
        &self,
        tree: Box<dyn ObjectTree>,
        access: Access,
    ) -> Result<DecsyncChannel<'_>, ProviderError> {
        let mut tree = tree;
        let options = self.options(access);
        let mut sought = Sought::new(&options)?;
        sought
            .is_there(&mut Search::new(&mut *tree).map_err(TreeError::for_side)?)
            .map_err(TreeError::for_side)?;
        DecsyncChannel::open(tree, PROFILES.by_id("decsync").unwrap(), options, sought)
    }

    pub fn open_with(
        &self,
        access: Access,
        cut: Option<(u64, Cut)>,
    ) -> Result<DecsyncChannel<'_>, ProviderError> {
        self.open_tree(Box::new(MemoryTree::connect(&self.phone, cut)), access)
    }

    pub fn open(&self) -> DecsyncChannel<'_> {
        self.open_with(Access::ReadWrite, None).unwrap()
    }

    /// A session that lists, and what it lists.
    pub fn listed(&self) -> BTreeMap<String, String> {
        let mut channel = self.open();
        let names = names(&mut channel);
        channel.keep().unwrap();
        names
    }
}

/// The names of the contacts by the last part of their places.
pub fn names(channel: &mut DecsyncChannel<'_>) -> BTreeMap<String, String> {
    let listing = channel.list().unwrap();
    assert_eq!(listing.completeness, Completeness::Complete);
    let read = |locator: &Locator| {
        let name = name_in(&channel.read(locator).unwrap());
        (locator.0.rsplit('/').next().unwrap().to_owned(), name)
    };
    listing.entries.iter().map(|entry| &entry.locator).map(read).collect()
}

pub fn at(channel: &DecsyncChannel<'_>, uid: &str) -> Locator {
    Locator(format!("{}/{}", channel.place().unwrap(), super::encoding::encoded(uid)).into())
}

pub fn done(outcome: SimpleOutcome) -> Locator {
    match outcome {
        SimpleOutcome::Done { locator, .. } => locator,
        SimpleOutcome::Stale => panic!("stale"),
        SimpleOutcome::Refused(why) | SimpleOutcome::Unknown(why) => panic!("{why}"),
    }
}

pub fn revision(uid: &str, text: &str) -> Revision {
    Revision::of(card(uid, text).as_bytes())
}
