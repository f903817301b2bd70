//! One session of the shipped program over a disk: `session::run` with the shipped planner, `Tracked` and `VcardFolder`, over
//! the model's tree and database. What it comes to is a value; equal disks come to equal values, so each is asked once.

use std::collections::hash_map::DefaultHasher;
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::rc::Rc;
use std::sync::{Arc, Mutex, OnceLock};

use tetherbook::device::{Access, Channel, DeviceProfile, ProfileSet, VcardFolder, VcardFolderOptions};
use tetherbook::provider::{
    Capabilities, Clock, Costs, Entry, Listing, Locator, ProviderError, Randomness, Replica, Revision, Settled,
    SimpleOutcome, SimpleProvider, TestClock, TestRandomness, Tracked, TrackingOptions, Unsettled,
};
use tetherbook::relationship::{Mode, Relationship, Side};
use tetherbook::report::Silence;
use tetherbook::session::{self, Ended, Options, Parties};

use crate::canonical::canonical;
use crate::disk::{Database, Disk, Watermark, guid};
use crate::memory::{MemoryBook, MemoryLedger, MemoryMetadata};
use crate::mutants::Bug;
use crate::process::{Fault, Kind, NOW_MS, Process, Reach};
use crate::tree::MemoryTree;

/// How the phone of a world behaves.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Habits {
    pub has_dates: bool,
    pub can_rename: bool,
    pub bug: Bug,
}

/// What a session came to.
#[derive(Debug)]
pub struct Came {
    /// The disk after it.
    pub disk: Kept,
    /// What a process that died in it would leave, each disk once, in the order of the session; without those that
    /// are as before it or as after it. Only of a session that was asked for them.
    pub cut: Vec<Kept>,
    /// The requests to the phone.
    pub requests: Vec<Kind>,
    /// It went to its end and did all that it planned.
    pub is_whole: bool,
    /// It planned nothing but conflicts that wait, and wrote nothing.
    pub is_quiet: bool,
    /// How many contacts it planned to delete anywhere.
    pub deletes: usize,
    /// The phone's marker was older than the memory, or missing.
    pub was_past: bool,
    /// A change that was known before is not known after it, or was not at some moment.
    pub forgot: bool,
}

/// A canonical disk with its hash: compared thousands of times, computed once.
#[derive(Clone, Debug)]
pub struct Kept {
    pub disk: Arc<Disk>,
    hash: u64,
}

impl PartialEq for Kept {
    fn eq(&self, other: &Self) -> bool {
        self.hash == other.hash && self.disk == other.disk
    }
}

impl Eq for Kept {}

impl Hash for Kept {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.hash.hash(state);
    }
}

/// Sessions that were run before, and the disks that they share.
#[derive(Default)]
pub struct Sessions {
    came: Mutex<HashMap<(Kept, Fault, bool), Arc<Came>>>,
    disks: Mutex<HashSet<Kept>>,
}

impl Sessions {
    pub fn keep(&self, disk: Disk) -> Kept {
        let disk = canonical(disk);
        let mut hasher = DefaultHasher::new();
        disk.hash(&mut hasher);
        let kept = Kept { disk: Arc::new(disk), hash: hasher.finish() };
        let mut disks = self.disks.lock().unwrap();
        if let Some(known) = disks.get(&kept) {
            return known.clone();
        }
        disks.insert(kept.clone());
        kept
    }

    /// What a session over this disk comes to; if it is asked to, with what it leaves at every moment.
    pub fn run(&self, disk: &Kept, fault: Fault, habits: Habits, records: bool) -> Arc<Came> {
        let key = (disk.clone(), fault, records);
        {
            let known = self.came.lock().unwrap();
            let with_more = (disk.clone(), fault, true);
            if let Some(known) = known.get(&key).or_else(|| known.get(&with_more)) {
                return Arc::clone(known);
            }
        }
        let came = Arc::new(self.run_anew(disk, fault, habits, records));
        self.came.lock().unwrap().insert(key, Arc::clone(&came));
        came
    }

    pub fn count(&self) -> usize {
        self.came.lock().unwrap().len()
    }

    fn run_anew(&self, before: &Kept, fault: Fault, habits: Habits, records: bool) -> Came {
        let process = Rc::new(Process::new(&before.disk, fault, habits.bug, habits.has_dates, records));
        let was_past = is_past(&before.disk);
        let ended = run(&process, habits);
        process.roll_back();
        let after = process.durable();
        let known = &before.disk.database;
        let mut forgot = forgets(known, &after.database);
        let mut cut = Vec::new();
        let after = self.keep(after);
        let moments = process.moments.take();
        let mut met: HashSet<Kept> = HashSet::from([before.clone(), after.clone()]);
        for (place, moment) in moments.iter().enumerate() {
            if place > 0 && moments[place - 1] == *moment {
                continue;
            }
            forgot |= forgets(known, &moment.database);
            let kept = self.keep(moment.clone());
            if met.insert(kept.clone()) {
                cut.push(kept);
            }
        }
        let plan = ended.as_ref().and_then(|ended| ended.plan.as_ref());
        let wrote = ended.as_ref().map_or(0, |ended| ended.summary.device_writes + ended.summary.store_writes);
        Came {
            disk: after,
            cut,
            requests: process.requests.take(),
            is_whole: ended.as_ref().is_some_and(|ended| ended.failure.is_none() && ended.summary.failed == 0),
            is_quiet: wrote == 0 && plan.is_some_and(|plan| plan.actions.iter().all(|action| !action.writes())),
            deletes: plan.filter(|plan| plan.stop.is_none()).map_or(0, |plan| plan.deletes(Side::Pc) + plan.deletes(Side::Phone)),
            was_past,
            forgot,
        }
    }
}

/// Whether the phone is not as the memory left it: what is remembered must not count.
pub fn is_past(disk: &Disk) -> bool {
    let database = &disk.database;
    match disk.phone.marker() {
        Some((marked, generation)) => marked == guid(database.replica) && generation < database.generation,
        None => database.generation > 0,
    }
}

fn forgets(before: &Database, after: &Database) -> bool {
    let lacks = |before: &Watermark, after: &Watermark| {
        before.seen.iter().any(|&(low, high)| (low..=high).any(|counter| !after.has_seen(counter)))
    };
    before.replica == after.replica
        && (lacks(&before.of_pc, &after.of_pc) || lacks(&before.of_phone, &after.of_phone))
}

fn profile() -> &'static DeviceProfile {
    static PROFILE: OnceLock<DeviceProfile> = OnceLock::new();
    PROFILE.get_or_init(|| {
        let mut profile = ProfileSet::built_in().unwrap().by_id("generic").unwrap().clone();
        profile.contacts.folders = vec![String::from(".")];
        profile
    })
}

/// Opens the phone and runs one session; `None` if the phone could not be opened.
fn run(process: &Rc<Process>, habits: Habits) -> Option<Ended> {
    let clock: Rc<dyn Clock> = Rc::new(TestClock::at(NOW_MS));
    let randomness: Rc<dyn Randomness> = Rc::new(TestRandomness::seeded(1));
    let known = process.database.borrow().replica;
    let options = VcardFolderOptions {
        access: Access::ReadWrite,
        guid_if_unmarked: guid(known.max(1)),
        label: String::from("phone"),
        clock: Rc::clone(&clock),
    };
    let tree = Box::new(MemoryTree::new(Rc::clone(process), habits.can_rename));
    let mut channel = VcardFolder::open(tree, profile(), options).ok()?;
    meet(process, &mut channel);
    let metadata = MemoryMetadata { process: Rc::clone(process) };
    let bent = Bent { folder: channel, bug: habits.bug };
    let tracking = TrackingOptions { deep: false, rereads: 0 };
    let mut phone = Tracked::new(bent, metadata, Rc::clone(&clock), randomness, tracking);
    let mut book = MemoryBook::new(Rc::clone(process));
    let ledger = MemoryLedger { process: Rc::clone(process) };
    // The guards on the number of deletions are off: the rules below must hold without them.
    let options = Options {
        relationship: &Relationship::of_mode(Mode::TwoWay),
        dry_run: false,
        allow_deletes: true,
        compare_all: false,
        clock: &*clock,
        interrupted: &|| false,
        started_us: 0,
    };
    let parties = Parties { pc: &mut book, phone: &mut phone, ledger: &ledger };
    Some(session::run(parties, &options, &mut Silence))
}

/// Which replica this is: the marker's, else the one that is remembered. Another one begins with an empty memory.
fn meet(process: &Rc<Process>, channel: &mut VcardFolder) {
    let known = process.database.borrow().replica;
    let tag = match channel.marker_guid() {
        Some(marked) if marked == guid(2) => 2,
        Some(_) => 1,
        None => known.max(1),
    };
    channel.take_identity(guid(tag), None);
    if tag != known {
        let mut database = process.database.borrow_mut();
        let (contacts, next_pc) = (std::mem::take(&mut database.contacts), database.next_pc);
        *database = Database { contacts, next_pc, replica: tag, ..Database::default() };
        drop(database);
        process.step();
    }
}

/// The shipped folder, with a bug where one is seeded.
struct Bent {
    folder: VcardFolder,
    bug: Bug,
}

impl SimpleProvider for Bent {
    fn replica(&self) -> &Replica {
        self.folder.replica()
    }

    fn capabilities(&self) -> &Capabilities {
        self.folder.capabilities()
    }

    fn restarted(&self, generation_known: u64) -> Option<String> {
        let truth = self.folder.restarted(generation_known);
        match self.bug {
            Bug::RestoredIsAsLeft => None,
            Bug::AlwaysRestored => truth.or_else(|| Some(String::from("it says so always"))),
            _ => truth,
        }
    }

    fn stamps_tell_changes(&self) -> bool {
        self.folder.stamps_tell_changes()
    }

    fn list(&mut self) -> Result<Listing, ProviderError> {
        self.folder.list()
    }

    fn read(&mut self, locator: &Locator) -> Result<Vec<u8>, ProviderError> {
        self.folder.read(locator)
    }

    fn create(&mut self, name: &str, bytes: &[u8]) -> SimpleOutcome {
        self.folder.create(name, bytes)
    }

    fn replace(&mut self, locator: &Locator, expected: Revision, bytes: &[u8]) -> SimpleOutcome {
        self.folder.replace(locator, expected, bytes)
    }

    fn delete(&mut self, locator: &Locator, expected: Revision) -> SimpleOutcome {
        self.folder.delete(locator, expected)
    }

    fn settle(&mut self, write: &Unsettled) -> Result<Settled, ProviderError> {
        self.folder.settle(write)
    }

    fn prepare_writes(&mut self) -> Result<u64, ProviderError> {
        self.folder.prepare_writes()
    }

    fn finish_writes(&mut self) -> Result<Vec<Entry>, ProviderError> {
        self.folder.finish_writes()
    }

    fn costs(&self) -> Costs {
        self.folder.costs()
    }

    fn close(&mut self) {
        self.folder.close();
    }
}

/// Every fault that can happen to a session with these requests.
pub fn faults(requests: &[Kind]) -> Vec<Fault> {
    let mut faults = Vec::new();
    for (number, kind) in (0_u16..).zip(requests) {
        let reaches: &[Reach] = match kind {
            Kind::Look => &[Reach::Before],
            Kind::Create => &[Reach::Before, Reach::Halfway, Reach::After],
            Kind::Change => &[Reach::Before, Reach::After],
        };
        faults.extend(reaches.iter().map(|reach| Fault::Unplugged(number, *reach)));
    }
    faults
}
