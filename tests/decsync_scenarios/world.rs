//! One world: a directory that is the phone's memory with a DecSync directory in it, the phone's app, another
//! computer's app, the PC's database, and a clock for each.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;

use tetherbook::agent::{self, ConnectedPhone, StartFailure, Wish};
use tetherbook::contact::{Card, ConflictPolicy};
use tetherbook::device::{MtpTree, ObjectTree, ProfileSet};
use tetherbook::mtp::SessionOptions;
use tetherbook::plan::GuardAnswers;
use tetherbook::provider::{Clock, ItemId, Randomness, TestClock, TestRandomness, TrackingOptions};
use tetherbook::relationship::Guards;
use tetherbook::report::{Event, Report};
use tetherbook::session::Ended;
use tetherbook::sim::{DirectoryStorage, FaultPlan, Personality, Phone, SharedStorage};
use tetherbook::store::{Book, OpenOptions, Store};

use crate::dated_tree::DatedTree;
use crate::decsync_app::directory::{everything, make};
use crate::decsync_app::{DecsyncCc, Desktop, OffsetClock, vcard};
use crate::stand_in::{Outcome, StandIn};

const BOOK: &str = "contacts";
pub const COLLECTION: &str = "7f2518db-e928-41e6-a3f6-6ace79b9cf6d";
pub const PHONE_APP: &str = "Pixel 7-DecSyncCC-01234";
pub const DESK_APP: &str = "desk-Evolution-00042";
/// 2035-01-01, far from the dates that this computer really gives.
const START_MS: i64 = 2_051_222_400_000;

/// How the phone is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Over MTP, as the simulated phone of that personality.
    Simulated(&'static str),
    /// As a mounted folder.
    Mounted,
    /// Not by Tetherbook: by the stand-in for it.
    StandIn,
    /// Not at all: the apps are among themselves.
    AppsAlone,
}

/// A contact of the PC.
#[derive(Clone)]
pub struct PcContact {
    pub item: ItemId,
    pub text: String,
}

pub struct World {
    pub way: Way,
    /// The PC's clock, by which time passes.
    pub clock: Rc<TestClock>,
    pub phone_clock: Rc<OffsetClock>,
    pub desk_clock: Rc<OffsetClock>,
    pub app: DecsyncCc,
    pub desk: Desktop,
    /// What befalls the cable in the next session.
    pub faults: RefCell<FaultPlan>,
    /// Whether the person said that any number of contacts may be deleted.
    pub allow_deletes: Cell<bool>,
    stand_in: RefCell<StandIn>,
    phone: Phone,
    randomness: Rc<TestRandomness>,
    profiles: Rc<ProfileSet>,
    directory: tempfile::TempDir,
}

fn words(ended: &Ended, notes: &[String]) -> String {
    let summary = &ended.summary;
    format!(
        "{:?} {:?} created {:?} updated {:?} deleted {:?} merged {} failed {} conflicts {} {notes:?}",
        summary.exit,
        ended.failure,
        summary.created,
        summary.updated,
        summary.deleted,
        summary.merged,
        summary.failed,
        summary.conflicts
    )
}

struct Listener(Vec<String>);

impl Report for Listener {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Note(note) = event {
            self.0.push(note.clone());
        }
    }
}

impl World {
    /// A phone whose clock is `phone_offset_ms` ahead, with an empty DecSync address book of that version.
    pub fn new(way: Way, seed: u64, version: i64, phone_offset_ms: i64) -> Self {
        let clock = Rc::new(TestClock::at(START_MS));
        let phone_clock = OffsetClock::new(clock.clone(), phone_offset_ms);
        let desk_clock = OffsetClock::new(clock.clone(), 0);
        let memory = PathBuf::from("/dev/shm");
        let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let directory = directory.unwrap();
        let root = directory.path().join("phone/Documents/DecSync");
        std::fs::create_dir_all(&root).unwrap();
        make(&root, version, &*phone_clock);
        let randomness = Rc::new(TestRandomness::seeded(seed));
        let app =
            DecsyncCc::open(&root, COLLECTION, PHONE_APP, phone_clock.clone(), randomness.clone()).unwrap();
        let desk = Desktop::open(&root, COLLECTION, DESK_APP, desk_clock.clone()).unwrap();
        let stand_in = RefCell::new(StandIn::new(root, COLLECTION, phone_clock.clone()));
        let personality = match way {
            Way::Simulated(name) => name,
            Way::Mounted | Way::StandIn | Way::AppsAlone => "android",
        };
        let storage = DirectoryStorage::dated_by(&directory.path().join("phone"), phone_clock.clone());
        let storage: SharedStorage = Rc::new(RefCell::new(storage));
        let phone = Phone::new(Personality::by_name(personality).unwrap(), storage, phone_clock.clone());
        Self {
            way,
            clock,
            phone_clock,
            desk_clock,
            app,
            desk,
            faults: RefCell::new(FaultPlan::none()),
            allow_deletes: Cell::new(true),
            stand_in,
            phone,
            randomness,
            profiles: Rc::new(ProfileSet::built_in().unwrap()),
            directory,
        }
    }

    /// The DecSync directory.
    pub fn root(&self) -> PathBuf {
        self.directory.path().join("phone/Documents/DecSync")
    }

    /// Everything on the phone, by path below its storage.
    pub fn files(&self) -> BTreeMap<String, String> {
        everything(&self.directory.path().join("phone"))
    }

    fn store(&self, read_only: bool) -> Store {
        let options = OpenOptions { read_only, ..OpenOptions::default() };
        Store::open(&self.directory.path().join("data/tetherbook.db"), &options).unwrap()
    }

    fn tree(&self, store: &Store, address: &str) -> Result<Box<dyn ObjectTree>, StartFailure> {
        if self.way == Way::Mounted {
            let tree = DatedTree::open(&self.directory.path().join("phone"), self.phone_clock.clone());
            return Ok(Box::new(tree.map_err(|error| StartFailure::Phone(error.for_side()))?));
        }
        let habits = agent::remembered_habits(store, address)?.unwrap_or_default();
        let options = SessionOptions {
            listing_method: MtpTree::listing_method_of(&habits),
            ..SessionOptions::default()
        };
        let link = Box::new(self.phone.plug_in(self.faults.borrow().clone()));
        let tree = MtpTree::open(link, self.clock.clone(), &options);
        Ok(Box::new(tree.map_err(|error| StartFailure::Phone(error.for_side()))?))
    }

    /// One session.
    pub fn session(&self, conflicts: ConflictPolicy, dry_run: bool) -> Outcome {
        if self.way == Way::StandIn {
            return if dry_run { Outcome::default() } else { self.stand_in.borrow_mut().session() };
        }
        let (ended, notes) = self.real_session(conflicts, dry_run);
        match ended {
            Err(failure) => Outcome {
                words: format!("did not start: {failure}"),
                failure: Some(failure.to_string()),
                ..Outcome::default()
            },
            Ok(ended) => Outcome {
                words: words(&ended, &notes),
                conflicts: ended.summary.conflicts,
                failed: ended.summary.failed,
                failure: ended.failure.map(|failure| format!("{failure:?}")),
                writes: ended.summary.device_writes + ended.summary.store_writes,
                is_plan_empty: ended.plan.is_some_and(|plan| plan.is_empty()),
                transactions: ended.summary.transactions,
            },
        }
    }

    fn real_session(
        &self,
        conflicts: ConflictPolicy,
        dry_run: bool,
    ) -> (Result<Ended, StartFailure>, Vec<String>) {
        let store = self.store(dry_run);
        let address = if self.way == Way::Mounted { "dir:phone".to_owned() } else { "sim:phone".to_owned() };
        let tree = match self.tree(&store, &address) {
            Ok(tree) => tree,
            Err(failure) => return (Err(failure), Vec::new()),
        };
        let clock: Rc<dyn Clock> = self.clock.clone();
        let randomness: Rc<dyn Randomness> = self.randomness.clone();
        let wish = Wish {
            store: &store,
            book: BOOK,
            mode: None,
            conflicts,
            edit_or_delete: tetherbook::relationship::EditOrDelete::default(),
            guards: Guards::default(),
            dry_run,
            answers: GuardAnswers::deletes_meant(self.allow_deletes.get()),
            country: None,
            tracking: TrackingOptions::default(),
            profiles: &self.profiles,
            clock,
            randomness,
            interrupted: &|| false,
            started_us: self.clock.steady_us(),
            keeping: agent::Keeping::default(),
        };
        let mut listener = Listener(Vec::new());
        let ended = agent::sync(ConnectedPhone { tree, address }, &wish, &mut listener);
        self.phone.unplug();
        (ended, listener.0)
    }

    // The person at the PC.

    fn with_book<T>(&self, work: impl FnOnce(&Book<'_>) -> T) -> T {
        let store = self.store(false);
        let book = Book::open(&store, BOOK, &*self.clock, &*self.randomness).unwrap();
        work(&book)
    }

    pub fn pc_contacts(&self) -> Vec<PcContact> {
        if self.way == Way::StandIn {
            let stand_in = self.stand_in.borrow();
            let text = |uid: &str, lines: &BTreeSet<String>| {
                let mut all = vec!["VERSION:3.0".to_owned(), format!("UID:{uid}")];
                all.extend(lines.iter().cloned());
                vcard::card(&all)
            };
            let contacts = stand_in.contacts.iter();
            return contacts
                .map(|(uid, lines)| PcContact { item: ItemId(0), text: text(uid, lines) })
                .collect();
        }
        self.with_book(|book| {
            let mut contacts = Vec::new();
            book.each_card(|item, _, card| {
                let text = String::from_utf8_lossy(card.as_bytes()).into_owned();
                contacts.push(PcContact { item, text });
            })
            .unwrap();
            contacts
        })
    }

    /// Puts a card into the stand-in's contacts; `false` if it is not the stand-in that has the PC's.
    fn put_stand_in(&self, text: &str) -> bool {
        if self.way == Way::StandIn {
            let lines = vcard::only_card(text).unwrap();
            let uid = vcard::value(&lines, "UID").unwrap();
            let own =
                lines.into_iter().filter(|line| !["VERSION", "UID"].contains(&vcard::name(line).as_str()));
            self.stand_in.borrow_mut().contacts.insert(uid, own.collect());
        }
        self.way == Way::StandIn
    }

    pub fn add_pc(&self, text: &str) {
        if !self.put_stand_in(text) {
            self.with_book(|book| book.add(&Card::parse(text.as_bytes()).unwrap()).unwrap());
        }
    }

    pub fn edit_pc(&self, contact: &PcContact, text: &str) {
        if !self.put_stand_in(text) {
            let card = Card::parse(text.as_bytes()).unwrap();
            self.with_book(|book| book.edit(contact.item, None, &card).unwrap());
        }
    }

    pub fn remove_pc(&self, contact: &PcContact) {
        if self.way == Way::StandIn {
            let uid = vcard::value(&vcard::only_card(&contact.text).unwrap(), "UID").unwrap();
            self.stand_in.borrow_mut().contacts.remove(&uid);
        } else {
            self.with_book(|book| book.remove(contact.item, None).unwrap());
        }
    }
}
