//! The demo's stage: a simulated phone, a store in a temporary folder, and how a session is run and shown there.

use std::cell::RefCell;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::agent::{self, Wish};
use crate::cli::failure::Failed;
use crate::cli::invocation::Invocation;
use crate::cli::phone::connect_simulated;
use crate::cli::world::{Terminal, World};
use crate::contact::{Card, ConflictPolicy, FieldMask, Fingerprint};
use crate::device::ProfileSet;
use crate::provider::{Clock, SessionId, TestClock, TestRandomness, TrackingOptions};
use crate::relationship::{EditOrDelete, Guards, Mode};
use crate::report::{ExitCode, Heading, HumanReport};
use crate::session::Ended;
use crate::sim::{
    FaultPlan, MemoryStorage, Personality, Phone, SharedStorage, SharedTrace, Storage, StorageError,
};
use crate::store::{Answer, Book, OpenOptions, Store};
use crate::usb::NoPorts;

/// The phone's folder of contacts.
const FOLDER: &str = "Contacts";
/// The book on the PC.
const BOOK: &str = "contacts";
/// When the demo takes place: 2026-11-20, 09:00 UTC.
const BEGINNING_MS: i64 = 1_795_165_200_000;

/// How one session of the demo is run.
pub(super) struct Turn {
    pub dry_run: bool,
    pub faults: FaultPlan,
    pub statistics: bool,
    /// The session that it takes back, instead of a sync.
    pub undo: Option<i64>,
}

impl Turn {
    pub(super) const SYNC: Self =
        Self { dry_run: false, faults: FaultPlan { faults: Vec::new() }, statistics: false, undo: None };
    pub(super) const DRY: Self =
        Self { dry_run: true, faults: FaultPlan { faults: Vec::new() }, statistics: false, undo: None };
}

/// The stage.
pub(super) struct Stage<'a> {
    invocation: &'a Invocation<'a>,
    world: World,
    clock: Rc<TestClock>,
    storage: Rc<RefCell<MemoryStorage>>,
    phone: Phone,
    profiles: ProfileSet,
    database: PathBuf,
    address: &'static str,
    trace: Option<SharedTrace>,
}

impl<'a> Stage<'a> {
    /// Sets the stage with a phone that has a folder of contacts; the store's file goes into `folder`.
    pub(super) fn set(invocation: &'a Invocation<'a>, folder: &Path) -> Result<Self, Failed> {
        Self::with_phone(invocation, folder.join("tetherbook.db"), "sim:demo", FOLDER)
    }

    /// Sets another stage with a phone that shows its downloads only, and a store of its own.
    pub(super) fn set_second(invocation: &'a Invocation<'a>, folder: &Path) -> Result<Self, Failed> {
        Self::with_phone(invocation, folder.join("second.db"), "sim:second", "Download")
    }

    fn with_phone(
        invocation: &'a Invocation<'a>,
        database: PathBuf,
        address: &'static str,
        phone_folder: &str,
    ) -> Result<Self, Failed> {
        let clock = Rc::new(TestClock::at(BEGINNING_MS));
        let phone_clock: Rc<dyn Clock> = Rc::<TestClock>::clone(&clock);
        let storage = MemoryStorage::shared(Rc::clone(&phone_clock));
        storage.borrow_mut().make_folder(phone_folder).map_err(|error| broken(&error))?;
        let shared: SharedStorage = Rc::<RefCell<MemoryStorage>>::clone(&storage);
        let phone = Phone::new(Personality::android(), shared, Rc::clone(&phone_clock));
        let real = invocation.world;
        let world = World {
            arguments: Vec::new(),
            environment: real.environment.clone(),
            terminal: Terminal { stdin: false, stdout: real.terminal.stdout, stderr: false },
            clock: phone_clock,
            randomness: Rc::new(TestRandomness::seeded(2026)),
            stdin: RefCell::new(Box::new(std::io::empty())),
            stdout: real.stdout.clone(),
            // What is said in the demo is part of its result.
            stderr: real.stdout.clone(),
            interrupted: std::sync::Arc::clone(&real.interrupted),
            usb: Rc::new(NoPorts),
            root: real.root.clone(),
        };
        Ok(Self {
            invocation,
            world,
            clock,
            storage,
            phone,
            profiles: ProfileSet::built_in()?,
            database,
            address,
            trace: None,
        })
    }

    /// Writes a line of the story.
    pub(super) fn say(&self, text: &str) -> Result<(), Failed> {
        let mut stdout = self.world.stdout.clone();
        writeln!(stdout, "{text}").map_err(|error| Failed::output(&error))
    }

    /// Some time passes.
    pub(super) fn later(&self) {
        self.clock.advance_ms(60_000);
    }

    /// Runs a session and shows it as `sync` does.
    pub(super) fn session(&mut self, turn: &Turn) -> Result<Ended, Failed> {
        self.later();
        let options = OpenOptions { read_only: turn.dry_run, ..OpenOptions::default() };
        let store = Store::open(&self.database, &options)?;
        let address = String::from(self.address);
        let faults = turn.faults.clone();
        let connected =
            connect_simulated(&self.world, &store, &self.phone, faults, address, Some(&mut self.trace))?;
        let interrupted = || self.world.is_interrupted();
        let wish = Wish {
            store: &store,
            book: BOOK,
            mode: None,
            conflicts: ConflictPolicy::Hold,
            edit_or_delete: EditOrDelete::default(),
            guards: Guards::default(),
            dry_run: turn.dry_run,
            answers: crate::plan::GuardAnswers::default(),
            country: None,
            tracking: TrackingOptions::default(),
            profiles: &self.profiles,
            clock: Rc::clone(&self.world.clock),
            randomness: Rc::clone(&self.world.randomness),
            interrupted: &interrupted,
            started_us: self.clock.steady_us(),
            keeping: agent::Keeping { undo: turn.undo.map(SessionId), ..agent::Keeping::default() },
        };
        let heading = Heading {
            phone: String::new(),
            channel: String::new(),
            book: String::from(BOOK),
            mode: Mode::TwoWay,
            by_hand: false,
            arguments: String::new(),
            said: String::new(),
        };
        let human = self.invocation.human_options(turn.dry_run, turn.statistics);
        let mut report =
            HumanReport::new(self.world.stdout.clone(), self.world.stderr.clone(), heading, human);
        let ended = agent::sync(connected, &wish, &mut report)?;
        report.finish().map_err(|error| Failed::output(&error))?;
        self.tell_failure(&ended)?;
        if self.world.is_interrupted() {
            return Err(Failed::new(ExitCode::Interrupted, "interrupted", "run the demo again"));
        }
        Ok(ended)
    }

    /// Lets go of everything that an undo holds; the PC counts.
    pub(super) fn release_to_the_pc(&self) -> Result<(), Failed> {
        let store = Store::open(&self.database, &OpenOptions::default())?;
        let book = self.invocation.book(&store, BOOK)?;
        for hold in store.holds()? {
            store.lift_hold(hold.id, Answer::Pc, &book)?;
        }
        Ok(())
    }

    fn tell_failure(&self, ended: &Ended) -> Result<(), Failed> {
        let lines = ended.failure.as_ref().map(|failure| Failed::from(failure).lines());
        lines.unwrap_or_default().iter().try_for_each(|line| self.say(line))
    }

    /// How many containers went over the cable in the last session.
    pub(super) fn containers(&self) -> u64 {
        self.trace.as_ref().map_or(0, |trace| trace.borrow().total_containers())
    }

    // The phone's own apps.

    pub(super) fn put_file(&self, name: &str, text: &str) -> Result<(), Failed> {
        self.put(&format!("{FOLDER}/{name}"), text)
    }

    pub(super) fn put(&self, path: &str, text: &str) -> Result<(), Failed> {
        self.storage.borrow_mut().write(path, text.as_bytes()).map_err(|error| broken(&error))
    }

    pub(super) fn remove_file(&self, name: &str) -> Result<(), Failed> {
        self.storage.borrow_mut().remove(&format!("{FOLDER}/{name}")).map_err(|error| broken(&error))
    }

    pub(super) fn edit_file(&self, name: &str, from: &str, to: &str) -> Result<(), Failed> {
        let path = format!("{FOLDER}/{name}");
        let bytes = self.storage.borrow().read(&path).map_err(|error| broken(&error))?;
        self.put_file(name, &String::from_utf8_lossy(&bytes).replace(from, to))
    }

    /// Every file of the phone with its content.
    pub(super) fn files(&self) -> Result<Vec<(String, Vec<u8>)>, Failed> {
        let storage = self.storage.borrow();
        let read = |path: String| Ok((path.clone(), storage.read(&path).map_err(|error| broken(&error))?));
        storage.files().into_iter().map(read).collect()
    }

    /// The names of the contact files.
    pub(super) fn card_files(&self) -> Result<Vec<String>, Failed> {
        let names = self.files()?.into_iter().filter_map(|(path, _)| {
            let name = path.strip_prefix(FOLDER)?.strip_prefix('/')?;
            name.ends_with(".vcf").then(|| String::from(name))
        });
        Ok(names.collect())
    }

    // The person at the PC.

    fn with_book<T>(&self, work: impl FnOnce(&Book<'_>) -> Result<T, Failed>) -> Result<T, Failed> {
        let store = Store::open(&self.database, &OpenOptions::default())?;
        work(&Book::open(&store, BOOK, &*self.world.clock, &*self.world.randomness)?)
    }

    pub(super) fn add(&self, card: &str) -> Result<(), Failed> {
        let card = Card::parse(card.as_bytes())?;
        self.with_book(|book| Ok(book.add(&card).map(|_| ())?))
    }

    pub(super) fn edit(&self, name: &str, from: &str, to: &str) -> Result<(), Failed> {
        self.with_book(|book| {
            for row in book.find_by_name(name)? {
                let Some(contact) = book.contact(row.item)? else { continue };
                let text = String::from_utf8_lossy(contact.card.as_bytes()).replace(from, to);
                book.edit(row.item, None, &Card::parse(text.as_bytes())?)?;
            }
            Ok(())
        })
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), Failed> {
        self.with_book(|book| {
            for row in book.find_by_name(name)? {
                book.remove(row.item, None)?;
            }
            Ok(())
        })
    }

    /// The fingerprints of the contacts on the PC and on the phone, sorted.
    pub(super) fn fingerprints(&self) -> Result<(Vec<Fingerprint>, Vec<Fingerprint>), Failed> {
        let mask = FieldMask::all();
        let mut pc = Vec::new();
        self.with_book(|book| Ok(book.each_card(|_, _, card| pc.push(card.fingerprint(&mask)))?))?;
        let mut phone = Vec::new();
        for (path, bytes) in self.files()? {
            if path.ends_with(".vcf") {
                phone.push(Card::parse(&bytes)?.fingerprint(&mask));
            }
        }
        pc.sort_unstable();
        phone.sort_unstable();
        Ok((pc, phone))
    }

    /// The bytes of the store's file.
    pub(super) fn database_bytes(&self) -> Result<Vec<u8>, Failed> {
        std::fs::read(&self.database).map_err(|error| Failed::file("read", &self.database, &error))
    }
}

fn broken(error: &StorageError) -> Failed {
    Failed::general(format!("the simulated phone's storage failed: {error}"), "run the demo again")
}
