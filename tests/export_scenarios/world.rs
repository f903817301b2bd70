//! One world: a directory that is the phone's memory, the PC's database, and a clock.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use tetherbook::agent::{self, ConnectedPhone, Introduction, StartFailure, Wish, access_for};
use tetherbook::contact::{Card, ConflictPolicy};
use tetherbook::device::{ChannelChoices, MtpTree, ObjectTree, ProfileSet};
use tetherbook::mtp::SessionOptions;
use tetherbook::plan::{GuardAnswers, Plan};
use tetherbook::provider::{Clock, ItemId, Randomness, TestClock, TestRandomness, TrackingOptions};
use tetherbook::relationship::{Guards, Mode};
use tetherbook::report::{Event, Report, Summary};
use tetherbook::sim::{DirectoryStorage, FaultPlan, Personality, Phone, SharedStorage};
use tetherbook::store::{Book, OpenOptions, Store};

use crate::dated_tree::DatedTree;
use crate::exporters::Moment;

const BOOK: &str = "contacts";
/// 2035-01-01, far from the dates that this computer really gives.
const START_MS: i64 = 2_051_222_400_000;

/// How the phone is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Over MTP, as the simulated Android phone.
    Mtp,
    /// As a mounted folder.
    Mounted,
}

pub const WAYS: [Way; 2] = [Way::Mounted, Way::Mtp];

/// A contact of the PC.
#[derive(Clone)]
pub struct PcContact {
    pub item: ItemId,
    pub text: String,
}

/// What a person says for one session.
#[derive(Clone)]
pub struct Saying {
    pub mode: Option<Mode>,
    pub conflicts: ConflictPolicy,
    pub absent_is_deleted: bool,
    pub prune_exports: bool,
    pub allow_deletes: bool,
    pub dry_run: bool,
    pub faults: FaultPlan,
}

impl Default for Saying {
    fn default() -> Self {
        Self {
            mode: None,
            conflicts: ConflictPolicy::Hold,
            absent_is_deleted: false,
            prune_exports: false,
            allow_deletes: false,
            dry_run: false,
            faults: FaultPlan::none(),
        }
    }
}

/// What one session came to.
pub struct Outcome {
    pub plan: Plan,
    pub summary: Summary,
    pub notes: Vec<String>,
    /// Why it ended early or did not start.
    pub failure: Option<String>,
    /// What it asked the phone.
    pub requests: u64,
}

impl Outcome {
    pub fn told(&self, words: &str) -> bool {
        self.notes.iter().chain(&self.plan.notes).any(|note| note.contains(words))
    }

    pub fn words(&self) -> String {
        let summary = &self.summary;
        format!(
            "{:?} created {:?} updated {:?} deleted {:?} merged {} waiting {} offered {} failed {} conflicts {} notes {:?} {:?}",
            self.failure,
            summary.created,
            summary.updated,
            summary.deleted,
            summary.merged,
            summary.waiting,
            summary.offered,
            summary.failed,
            summary.conflicts,
            self.notes,
            self.plan.notes
        )
    }
}

struct Listener(Vec<String>);

impl Report for Listener {
    fn event(&mut self, event: &Event<'_>) {
        if let Event::Note(note) = event {
            self.0.push(note.clone());
        }
    }
}

pub struct World {
    pub way: Way,
    pub clock: Rc<TestClock>,
    profile: Option<&'static str>,
    phone: Phone,
    randomness: Rc<TestRandomness>,
    profiles: Rc<ProfileSet>,
    directory: tempfile::TempDir,
}

impl World {
    /// An empty phone. Without a profile what is on it decides.
    pub fn new(way: Way, profile: Option<&'static str>, seed: u64) -> Self {
        let clock = Rc::new(TestClock::at(START_MS));
        let memory = PathBuf::from("/dev/shm");
        let directory = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
        let directory = directory.unwrap();
        let root = directory.path().join("phone");
        std::fs::create_dir_all(root.join("Download")).unwrap();
        std::fs::create_dir_all(root.join("DCIM")).unwrap();
        let storage = DirectoryStorage::dated_by(&root, clock.clone());
        let storage: SharedStorage = Rc::new(RefCell::new(storage));
        Self {
            way,
            profile,
            phone: Phone::new(Personality::by_name("android").unwrap(), storage, clock.clone()),
            clock,
            randomness: Rc::new(TestRandomness::seeded(seed)),
            profiles: Rc::new(ProfileSet::built_in().unwrap()),
            directory,
        }
    }

    pub fn pass_minutes(&self, minutes: u64) {
        self.clock.advance_ms(i64::try_from(minutes * 60_000).unwrap());
    }

    /// The phone's time, as it stands in names of files.
    pub fn moment(&self) -> Moment {
        let now = jiff::Timestamp::from_millisecond(self.clock.now_ms()).unwrap();
        let now = jiff::tz::Offset::UTC.to_datetime(now);
        let small = |number: i8| u8::try_from(number).unwrap();
        Moment {
            year: u16::try_from(now.year()).unwrap(),
            month: small(now.month()),
            day: small(now.day()),
            hour: small(now.hour()),
            minute: small(now.minute()),
            second: small(now.second()),
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join("phone").join(name)
    }

    /// An app on the phone writes a file.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        let now = Duration::from_millis(u64::try_from(self.clock.now_ms()).unwrap());
        let file = std::fs::File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + now).unwrap();
    }

    /// The names of the files in a folder of the phone, sorted.
    pub fn names_in(&self, folder: &str) -> Vec<String> {
        let Ok(entries) = std::fs::read_dir(self.path(folder)) else { return Vec::new() };
        let mut names: Vec<String> = entries
            .map(Result::unwrap)
            .filter(|entry| entry.path().is_file())
            .map(|entry| entry.file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    /// Everything on the phone with its date.
    pub fn everything(&self) -> BTreeMap<PathBuf, (SystemTime, Vec<u8>)> {
        fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, (SystemTime, Vec<u8>)>) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    walk(&path, found);
                } else {
                    let modified = std::fs::metadata(&path).unwrap().modified().unwrap();
                    let bytes = std::fs::read(&path).unwrap();
                    found.insert(path, (modified, bytes));
                }
            }
        }
        let mut found = BTreeMap::new();
        walk(&self.path(""), &mut found);
        found
    }

    fn store(&self, read_only: bool) -> Store {
        let options = OpenOptions { read_only, ..OpenOptions::default() };
        Store::open(&self.directory.path().join("data/tetherbook.db"), &options).unwrap()
    }

    fn tree(
        &self,
        store: &Store,
        address: &str,
        faults: FaultPlan,
    ) -> Result<Box<dyn ObjectTree>, StartFailure> {
        if self.way == Way::Mounted {
            let tree = DatedTree::open(&self.path(""), self.clock.clone());
            return Ok(Box::new(tree.map_err(|error| StartFailure::Phone(error.for_side()))?));
        }
        let habits = agent::remembered_habits(store, address)?.unwrap_or_default();
        let options = SessionOptions {
            listing_method: MtpTree::listing_method_of(&habits),
            ..SessionOptions::default()
        };
        let tree = MtpTree::open(Box::new(self.phone.plug_in(faults)), self.clock.clone(), &options);
        Ok(Box::new(tree.map_err(|error| StartFailure::Phone(error.for_side()))?))
    }

    pub fn sync(&self) -> Outcome {
        self.session(Saying::default())
    }

    /// One session.
    pub fn session(&self, saying: Saying) -> Outcome {
        let store = self.store(saying.dry_run);
        let mut listener = Listener(Vec::new());
        let ended = self.run(&store, saying, &mut listener);
        self.phone.unplug();
        let notes = listener.0;
        match ended {
            Ok(ended) => Outcome {
                plan: ended.plan.unwrap_or_default(),
                requests: ended.summary.transactions.values().sum(),
                failure: ended.failure.map(|failure| format!("{failure:?}")),
                summary: ended.summary,
                notes,
            },
            Err(failure) => Outcome {
                plan: Plan::default(),
                summary: Summary::new("", "", false),
                notes,
                failure: Some(format!("did not start: {failure}")),
                requests: 0,
            },
        }
    }

    fn run(
        &self,
        store: &Store,
        saying: Saying,
        listener: &mut Listener,
    ) -> Result<tetherbook::session::Ended, StartFailure> {
        let address = String::from(if self.way == Way::Mounted { "dir:phone" } else { "sim:phone" });
        let tree = self.tree(store, &address, saying.faults)?;
        let clock: Rc<dyn Clock> = self.clock.clone();
        let randomness: Rc<dyn Randomness> = self.randomness.clone();
        let introduction = Introduction {
            store,
            memory: store,
            profiles: &self.profiles,
            clock: clock.clone(),
            randomness: randomness.clone(),
            access: access_for(saying.mode.unwrap_or_default(), saying.dry_run),
            profile: self.profile.map(str::to_owned),
            choices: ChannelChoices {
                absent_is_deleted: saying.absent_is_deleted,
                prune_exports: saying.prune_exports,
                address_book: None,
            },
        };
        let wish = Wish {
            store,
            book: BOOK,
            mode: saying.mode,
            conflicts: saying.conflicts,
            edit_or_delete: tetherbook::relationship::EditOrDelete::default(),
            guards: Guards::default(),
            dry_run: saying.dry_run,
            answers: GuardAnswers::deletes_meant(saying.allow_deletes),
            country: None,
            tracking: TrackingOptions::default(),
            profiles: &self.profiles,
            clock,
            randomness,
            interrupted: &|| false,
            started_us: self.clock.steady_us(),
            keeping: agent::Keeping::default(),
        };
        agent::sync_with(agent::meet(ConnectedPhone { tree, address }, &introduction)?, &wish, listener)
    }

    // The person at the PC.

    fn with_book<T>(&self, work: impl FnOnce(&Book<'_>) -> T) -> T {
        let store = self.store(false);
        let book = Book::open(&store, BOOK, &*self.clock, &*self.randomness).unwrap();
        work(&book)
    }

    pub fn pc_contacts(&self) -> Vec<PcContact> {
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

    pub fn add_pc(&self, text: &str) {
        self.with_book(|book| book.add(&Card::parse(text.as_bytes()).unwrap()).unwrap());
    }

    pub fn edit_pc(&self, item: ItemId, text: &str) {
        let card = Card::parse(text.as_bytes()).unwrap();
        self.with_book(|book| book.edit(item, None, &card).unwrap());
    }

    pub fn remove_pc(&self, item: ItemId) {
        self.with_book(|book| book.remove(item, None).unwrap());
    }
}
