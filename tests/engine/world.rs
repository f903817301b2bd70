//! A whole world for one phone and one PC: the simulated phone's memory, the store's file, a clock and chance, and
//! the full stack between them. Whatever a test does here goes over real MTP bytes and into a real SQLite file.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::rc::Rc;

use tetherbook::agent::{self, ConnectedPhone, StartFailure, Wish};
use tetherbook::contact::{Card, ConflictPolicy, FieldMask};
use tetherbook::device::{MtpTree, ProfileSet};
use tetherbook::mtp::{Link, SessionOptions};
use tetherbook::plan::GuardAnswers;
use tetherbook::provider::{
    Clock, Interrupt, Randomness, SessionId, TestClock, TestRandomness, TrackingOptions,
};
use tetherbook::relationship::{Guards, Mode};
use tetherbook::report::{Event, Report};
use tetherbook::session::Ended;
use tetherbook::sim::{FaultPlan, MemoryStorage, Personality, Phone, SharedStorage, SharedTrace, Storage};
use tetherbook::store::{Book, OpenOptions, Store};

pub const BOOK: &str = "contacts";

/// How one session is run.
#[derive(Clone)]
pub struct Run {
    pub dry_run: bool,
    pub allow_deletes: bool,
    pub mode: Option<Mode>,
    pub conflicts: ConflictPolicy,
    pub faults: FaultPlan,
    pub deep: bool,
    pub busy_timeout_ms: u64,
    /// The session that is taken back, instead of a sync.
    pub undo: Option<i64>,
    pub keeping: agent::Keeping,
}

impl Default for Run {
    fn default() -> Self {
        Self {
            dry_run: false,
            allow_deletes: false,
            mode: None,
            conflicts: ConflictPolicy::Hold,
            faults: FaultPlan::none(),
            deep: false,
            busy_timeout_ms: 5_000,
            undo: None,
            keeping: agent::Keeping::default(),
        }
    }
}

pub struct World {
    pub clock: Rc<TestClock>,
    pub randomness: Rc<TestRandomness>,
    pub storage: Rc<RefCell<MemoryStorage>>,
    pub phone: Phone,
    pub folder: String,
    pub trace: Option<SharedTrace>,
    pub profiles: Rc<ProfileSet>,
    pub directory: tempfile::TempDir,
    elsewhere: Option<PathBuf>,
    /// How the phone is reached; with "usb" it is known by its serial number.
    pub address: String,
    /// The person interrupts the next sessions at the n-th time they are asked, from 1.
    pub interrupt_at: std::cell::Cell<Option<usize>>,
    /// The same, by what the test says.
    pub interrupt: Interrupt,
}

struct Listener<'a>(&'a mut Vec<String>);

impl Report for Listener<'_> {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Note(note) => self.0.push(note.clone()),
            Event::Recovering { intents } => self.0.push(format!("recovering {intents}")),
            _ => {}
        }
    }
}

impl World {
    /// A phone of that personality with an empty contacts folder, and no database yet.
    pub fn new(personality: &str, seed: u64) -> Self {
        let clock = Rc::new(TestClock::at(1_800_000_000_000));
        let randomness = Rc::new(TestRandomness::seeded(seed));
        let dynamic_clock: Rc<dyn Clock> = clock.clone();
        let storage = MemoryStorage::shared(Rc::clone(&dynamic_clock));
        let personality = Personality::by_name(personality).unwrap();
        let folder = match personality.name.as_str() {
            "zen" => "My Organizer",
            "ubuntu-touch" => "Documents/Contacts",
            _ => "Contacts",
        };
        if let Some((parent, _)) = folder.split_once('/') {
            storage.borrow_mut().make_folder(parent).unwrap();
        }
        storage.borrow_mut().make_folder(folder).unwrap();
        let shared: SharedStorage = storage.clone();
        let phone = Phone::new(personality, shared, dynamic_clock);
        // The memory file system where there is one: the tests wait for thousands of fsyncs otherwise.
        let memory = PathBuf::from("/dev/shm");
        let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        Self {
            clock,
            randomness,
            storage,
            phone,
            folder: String::from(folder),
            trace: None,
            profiles: profiles(),
            directory: directory.unwrap(),
            elsewhere: None,
            address: String::from("sim:phone"),
            interrupt_at: std::cell::Cell::new(None),
            interrupt: Interrupt::default(),
        }
    }

    pub fn database(&self) -> PathBuf {
        self.elsewhere.clone().unwrap_or_else(|| self.directory.path().join("data/tetherbook.db"))
    }

    /// Takes a database that somebody else keeps.
    pub fn use_database(&mut self, path: PathBuf) {
        self.elsewhere = Some(path);
    }

    pub fn store(&self) -> Store {
        Store::open(&self.database(), &OpenOptions::default()).unwrap()
    }

    pub fn later(&self) {
        self.clock.advance_ms(5_000);
    }

    /// One session; `Err` if it did not even start.
    pub fn try_sync(&mut self, run: &Run) -> (Result<Ended, StartFailure>, Vec<String>) {
        self.later();
        let link = self.phone.plug_in(run.faults.clone());
        self.trace = Some(link.trace());
        let mut notes = Vec::new();
        let ended = self.session(run, Box::new(link), &mut Listener(&mut notes));
        (ended, notes)
    }

    /// One session over that link, heard by `report`.
    pub fn session(
        &mut self,
        run: &Run,
        link: Box<dyn Link>,
        report: &mut dyn Report,
    ) -> Result<Ended, StartFailure> {
        let options = OpenOptions { read_only: run.dry_run, busy_timeout_ms: run.busy_timeout_ms };
        let store = Store::open(&self.database(), &options)?;
        let clock: Rc<dyn Clock> = self.clock.clone();
        let randomness: Rc<dyn Randomness> = self.randomness.clone();
        let address = self.address.clone();
        let habits = agent::remembered_habits(&store, &address).unwrap_or_default().unwrap_or_default();
        let session = SessionOptions {
            listing_method: MtpTree::listing_method_of(&habits),
            interrupt: self.interrupt.clone(),
            ..SessionOptions::default()
        };
        let tree = match MtpTree::open(link, Rc::clone(&clock), &session) {
            Ok(tree) => Box::new(tree),
            Err(error) => return Err(StartFailure::Phone(error.for_side())),
        };
        let wish = Wish {
            store: &store,
            book: BOOK,
            mode: run.mode,
            conflicts: run.conflicts,
            edit_or_delete: tetherbook::relationship::EditOrDelete::default(),
            guards: Guards::default(),
            dry_run: run.dry_run,
            answers: GuardAnswers::deletes_meant(run.allow_deletes),
            country: None,
            tracking: TrackingOptions { deep: run.deep, ..TrackingOptions::default() },
            profiles: &self.profiles,
            clock,
            randomness,
            interrupted: &|| {
                let left = self.interrupt_at.get().map(|left| left.saturating_sub(1));
                self.interrupt_at.set(left);
                left == Some(0) || self.interrupt.has_come()
            },
            started_us: self.clock.steady_us(),
            keeping: agent::Keeping { undo: run.undo.map(SessionId), ..run.keeping.clone() },
        };
        agent::sync(ConnectedPhone { tree, address }, &wish, report)
    }

    /// One session that must start and end without a failure.
    pub fn sync(&mut self) -> Ended {
        let (ended, notes) = self.try_sync(&Run::default());
        let ended = ended.unwrap();
        assert!(ended.failure.is_none(), "{:?} {notes:?} {:?}", ended.failure, ended.summary);
        ended
    }

    // The phone's own apps.

    pub fn put_file(&self, name: &str, bytes: &[u8]) {
        self.storage.borrow_mut().write(&format!("{}/{name}", self.folder), bytes).unwrap();
    }

    pub fn remove_file(&self, name: &str) {
        self.storage.borrow_mut().remove(&format!("{}/{name}", self.folder)).unwrap();
    }

    pub fn read_file(&self, name: &str) -> Vec<u8> {
        self.storage.borrow().read(&format!("{}/{name}", self.folder)).unwrap()
    }

    /// Every file in the contacts folder.
    pub fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let storage = self.storage.borrow();
        storage
            .list(&self.folder)
            .unwrap()
            .into_iter()
            .filter(|entry| !entry.is_folder)
            .map(|entry| {
                let bytes = storage.read(&format!("{}/{}", self.folder, entry.name)).unwrap();
                (entry.name, bytes)
            })
            .collect()
    }

    /// The card files: name and card, whole ones only.
    pub fn phone_cards(&self) -> BTreeMap<String, Card> {
        self.files()
            .into_iter()
            .filter(|(name, _)| name.to_lowercase().ends_with(".vcf"))
            .filter_map(|(name, bytes)| Some((name, Card::parse(&bytes).ok()?)))
            .collect()
    }

    // The person at the PC.

    pub fn with_book<T>(&self, work: impl FnOnce(&Book<'_>) -> T) -> T {
        let store = self.store();
        let book = Book::open(&store, BOOK, &*self.clock, &*self.randomness).unwrap();
        work(&book)
    }

    pub fn pc_cards(&self) -> Vec<Card> {
        self.with_book(|book| {
            let mut cards = Vec::new();
            book.each_card(|_, _, card| cards.push(card)).unwrap();
            cards
        })
    }

    pub fn add_pc(&self, card: &str) {
        self.later();
        self.with_book(|book| book.add(&Card::parse(card.as_bytes()).unwrap()).unwrap());
    }

    /// Replaces the card of the contact with that UID.
    pub fn edit_pc(&self, uid: &str, edit: impl FnOnce(&str) -> String) {
        self.later();
        self.with_book(|book| {
            let row = book.find_by_uid(uid).unwrap().remove(0);
            let contact = book.contact(row.item).unwrap().unwrap();
            let text = String::from_utf8(contact.card.as_bytes().to_vec()).unwrap();
            let card = Card::parse(edit(&text).as_bytes()).unwrap();
            book.edit(row.item, None, &card).unwrap();
        });
    }

    pub fn remove_pc(&self, uid: &str) {
        self.later();
        self.with_book(|book| {
            let row = book.find_by_uid(uid).unwrap().remove(0);
            book.remove(row.item, None).unwrap();
        });
    }

    pub fn edit_file(&self, name: &str, edit: impl FnOnce(&str) -> String) {
        self.later();
        let text = String::from_utf8(self.read_file(name)).unwrap();
        self.put_file(name, edit(&text).as_bytes());
    }

    // What must hold.

    /// Both sides hold the same contacts, as far as fingerprints tell.
    pub fn assert_equal(&self, context: &str) {
        let fingerprints = |cards: Vec<Card>| {
            let mut all: Vec<_> = cards.iter().map(|card| card.fingerprint(&FieldMask::all())).collect();
            all.sort_unstable();
            all
        };
        let phone: Vec<Card> = self.phone_cards().into_values().collect();
        let pc = self.pc_cards();
        let names = |cards: &[Card]| {
            let mut names: Vec<String> = cards.iter().map(Card::display_name).collect();
            names.sort();
            names
        };
        let text = |cards: &[Card]| {
            cards.iter().map(|card| String::from_utf8_lossy(card.as_bytes()).into_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(&phone), names(&pc), "{context}: names differ (phone, PC)");
        assert!(
            fingerprints(phone.clone()) == fingerprints(pc.clone()),
            "{context}: contents differ\nphone {:#?}\nPC {:#?}",
            text(&phone),
            text(&pc)
        );
    }

    /// No temporary object is left on the phone.
    pub fn assert_no_leftovers(&self, context: &str) {
        for name in self.files().keys() {
            assert!(!name.starts_with("tbtmp"), "{context}: {name} is left on the phone");
        }
    }

    /// A session that changes nothing and writes nothing, byte for byte.
    pub fn assert_quiet(&mut self, context: &str) {
        let before = (self.files(), std::fs::read(self.database()).unwrap());
        let ended = self.sync();
        let plan = ended.plan.unwrap();
        assert!(plan.is_empty(), "{context}: the next plan is not empty: {:?}", plan.actions);
        assert_eq!(ended.summary.device_writes + ended.summary.store_writes, 0, "{context}");
        assert!(before.0 == self.files(), "{context}: a quiet session wrote to the phone");
        assert!(before.1 == std::fs::read(self.database()).unwrap(), "{context}: it wrote to the database");
    }
}

/// The built-in profiles, parsed once per test.
fn profiles() -> Rc<ProfileSet> {
    thread_local! {
        static PROFILES: Rc<ProfileSet> = Rc::new(ProfileSet::built_in().unwrap());
    }
    PROFILES.with(Rc::clone)
}

/// A card as an Android phone of today might hold it.
pub fn card(uid: &str, name: &str, lines: &[&str]) -> String {
    let mut text = format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:{name};;;;\r\n");
    for line in lines {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text.push_str("END:VCARD\r\n");
    text
}
