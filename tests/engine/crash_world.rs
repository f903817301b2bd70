//! What the crash tests share: a world frozen in the middle of a session, a cable that dies with the process, and
//! what must be true after recovery.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use tetherbook::agent::StartFailure;
use tetherbook::contact::{Card, FieldMask};
use tetherbook::mtp::{ClassRequest, Link, LinkError};
use tetherbook::provider::Ledger;
use tetherbook::report::{Event, Report};
use tetherbook::session::Ended;
use tetherbook::sim::{FaultPlan, MemoryStorage, SimLink, Storage};
use tetherbook::store::RelationshipLedger;

use crate::world::{Run, World, card};

/// All that outlives a process: what lies on the phone, the database's files, and the time.
#[derive(Clone)]
pub struct Snapshot {
    pub personality: String,
    pub files: Vec<(String, Vec<u8>, i64)>,
    has_folder: bool,
    pub database: Vec<(String, Vec<u8>)>,
    now_ms: i64,
}

impl Snapshot {
    pub fn take(
        (personality, folder): (&str, &str),
        storage: &MemoryStorage,
        database: &Path,
        now_ms: i64,
    ) -> Self {
        let has_folder = storage.entry(folder).is_ok();
        let files = storage.files();
        let files = files
            .into_iter()
            .map(|path| {
                let (bytes, entry) = (storage.read(&path).unwrap(), storage.entry(&path).unwrap());
                (path, bytes, entry.modified_ms)
            })
            .collect();
        let personality = personality.to_owned();
        Self { personality, files, has_folder, database: database_files(database), now_ms }
    }

    /// Whether a process that begins after either of the two finds the same.
    pub fn is_same(&self, other: &Self) -> bool {
        let durable = |snapshot: &Self| {
            let files = snapshot.database.clone();
            files.into_iter().filter(|(name, _)| !name.ends_with("-shm")).collect::<Vec<_>>()
        };
        (&self.files, self.has_folder) == (&other.files, other.has_folder) && durable(self) == durable(other)
    }

    pub fn has_temporary(&self) -> bool {
        self.files.iter().any(|(path, ..)| path.rsplit('/').next().unwrap().starts_with("tbtmp"))
    }

    pub fn now_ms(&self) -> i64 {
        self.now_ms
    }

    /// Lays the phone's files out in a real folder.
    pub fn lay_out(&self, root: &Path) {
        for (path, bytes, modified_ms) in &self.files {
            let place = root.join(path);
            std::fs::create_dir_all(place.parent().unwrap()).unwrap();
            std::fs::write(&place, bytes).unwrap();
            let since = std::time::Duration::from_millis(u64::try_from(*modified_ms).unwrap());
            let file = std::fs::File::options().write(true).open(&place).unwrap();
            file.set_modified(std::time::UNIX_EPOCH + since).unwrap();
        }
    }

    /// Takes the phone's files from a real folder, sub-folders one deep.
    pub fn gather(&mut self, root: &Path) {
        self.files.clear();
        for folder in std::fs::read_dir(root).unwrap().map(Result::unwrap) {
            for file in std::fs::read_dir(folder.path()).unwrap().map(Result::unwrap) {
                let modified = file.metadata().unwrap().modified().unwrap();
                let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
                let names = (folder.file_name(), file.file_name());
                let path = format!("{}/{}", names.0.to_str().unwrap(), names.1.to_str().unwrap());
                let modified_ms = i64::try_from(since.as_millis()).unwrap();
                self.files.push((path, std::fs::read(file.path()).unwrap(), modified_ms));
            }
        }
        self.files.sort();
    }

    /// A world that goes on from here, with another process on the PC.
    pub fn world(&self, seed: u64) -> World {
        let world = World::new(&self.personality, seed);
        {
            let mut storage = world.storage.borrow_mut();
            if !self.has_folder {
                storage.remove(&world.folder).unwrap();
            }
            for (path, bytes, modified_ms) in &self.files {
                storage.write(path, bytes).unwrap();
                storage.set_modified_ms(path, *modified_ms).unwrap();
            }
        }
        put_database(&world.database(), &self.database);
        let now_ms = tetherbook::provider::Clock::now_ms(&*world.clock);
        world.clock.advance_ms(self.now_ms - now_ms);
        world
    }
}

pub fn database_files(database: &Path) -> Vec<(String, Vec<u8>)> {
    ["", "-wal", "-shm"]
        .into_iter()
        .filter_map(|suffix| {
            let path = PathBuf::from(format!("{}{suffix}", database.display()));
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            Some((name, std::fs::read(path).ok()?))
        })
        .collect()
}

pub fn put_database(database: &Path, files: &[(String, Vec<u8>)]) {
    let folder = database.parent().unwrap();
    std::fs::create_dir_all(folder).unwrap();
    for suffix in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", database.display()));
    }
    for (name, bytes) in files {
        std::fs::write(folder.join(name), bytes).unwrap();
    }
}

/// Where in a session something happened: at the n-th transfer, or at the n-th event of the report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    Transfer(u64),
    Event(u64),
}

type Watcher = Box<dyn FnMut(Moment) -> bool>;

/// Asked at every moment; once it says so, nothing of the process reaches the phone any more.
#[derive(Clone)]
pub struct Watch {
    watcher: Rc<RefCell<Watcher>>,
    is_dead: Rc<Cell<bool>>,
    transfers: Rc<Cell<u64>>,
    events: Rc<Cell<u64>>,
}

impl Watch {
    pub fn new(watcher: Watcher) -> Self {
        Self {
            watcher: Rc::new(RefCell::new(watcher)),
            is_dead: Rc::default(),
            transfers: Rc::default(),
            events: Rc::default(),
        }
    }

    fn ask(&self, moment: Moment) {
        if !self.is_dead.get() && (self.watcher.borrow_mut())(moment) {
            self.is_dead.set(true);
        }
    }

    fn transfer(&self) -> Result<(), LinkError> {
        self.transfers.set(self.transfers.get() + 1);
        self.ask(Moment::Transfer(self.transfers.get()));
        self.check()
    }

    fn check(&self) -> Result<(), LinkError> {
        if self.is_dead.get() { Err(LinkError::Gone) } else { Ok(()) }
    }
}

impl Report for Watch {
    fn event(&mut self, _event: &Event<'_>) {
        self.events.set(self.events.get() + 1);
        self.ask(Moment::Event(self.events.get()));
    }
}

/// A cable that a [`Watch`] looks at before every transfer.
pub struct WatchedLink {
    pub link: SimLink,
    pub watch: Watch,
}

impl Link for WatchedLink {
    fn bulk_out(&mut self, bytes: &[u8], timeout_ms: u64) -> Result<(), LinkError> {
        self.watch.transfer()?;
        self.link.bulk_out(bytes, timeout_ms)
    }

    fn bulk_in(&mut self, buffer: &mut Vec<u8>, max_bytes: usize, timeout_ms: u64) -> Result<(), LinkError> {
        self.watch.transfer()?;
        self.link.bulk_in(buffer, max_bytes, timeout_ms)
    }

    fn interrupt_in(&mut self, timeout_ms: u64) -> Result<Option<Vec<u8>>, LinkError> {
        self.watch.check()?;
        self.link.interrupt_in(timeout_ms)
    }

    fn class_request(&mut self, request: &ClassRequest) -> Result<Vec<u8>, LinkError> {
        self.watch.check()?;
        self.link.class_request(request)
    }

    fn clear_halt(&mut self) -> Result<(), LinkError> {
        self.watch.check()?;
        self.link.clear_halt()
    }

    fn packet_bytes(&self) -> usize {
        self.link.packet_bytes()
    }

    fn serial(&self) -> String {
        self.link.serial()
    }

    fn usb_id(&self) -> (u16, u16) {
        self.link.usb_id()
    }
}

/// What both sides and the memory hold in the end, as far as a person can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Final {
    pub pc: Vec<(String, String)>,
    pub phone: BTreeMap<String, (String, String)>,
    pub conflicts: Vec<(String, String)>,
    pub links: usize,
    pub relationships: usize,
}

/// What the events of a session said about recovery.
#[derive(Default)]
pub struct Heard {
    pub intents: usize,
    pub notes: Vec<String>,
}

impl Report for Heard {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Recovering { intents } => self.intents = *intents,
            Event::Note(note) => self.notes.push(note.clone()),
            _ => {}
        }
    }
}

fn shape(card: &Card) -> (String, String) {
    (card.display_name(), format!("{:?}", card.fingerprint(&FieldMask::all())))
}

impl World {
    pub fn snapshot(&self) -> Snapshot {
        let now_ms = tetherbook::provider::Clock::now_ms(&*self.clock);
        let name = self.phone.personality().name;
        Snapshot::take((&name, &self.folder), &self.storage.borrow(), &self.database(), now_ms)
    }

    pub fn final_state(&self) -> Final {
        let mut pc: Vec<_> = self.pc_cards().iter().map(shape).collect();
        pc.sort();
        let phone = self.phone_cards().iter().map(|(name, card)| (name.clone(), shape(card))).collect();
        let store = self.store();
        let rows = store.relationships().unwrap();
        let mut conflicts = Vec::new();
        let mut links = 0;
        for row in &rows {
            let ledger = RelationshipLedger::new(&store, row.id);
            links += ledger.link_count().unwrap();
            assert!(ledger.open_intents().unwrap().is_empty(), "an intent is left in the journal");
            conflicts
                .extend(ledger.open_conflicts().unwrap().into_iter().map(|open| (open.subject, open.field)));
        }
        conflicts.sort();
        store.check().unwrap();
        Final { pc, phone, conflicts, links, relationships: rows.len() }
    }

    /// One session of a process that finds the phone as another one left it.
    pub fn taking_over(&mut self, report: &mut dyn Report) -> Result<Ended, StartFailure> {
        self.later();
        let link = self.phone.take_over(FaultPlan::none());
        self.session(&Run::default(), Box::new(link), report)
    }

    /// A session that is looked at; what it came to is of no interest.
    pub fn watched(&mut self, watch: &Watch) -> Result<Ended, StartFailure> {
        self.later();
        let link = WatchedLink { link: self.phone.plug_in(FaultPlan::none()), watch: watch.clone() };
        self.session(&Run::default(), Box::new(link), &mut watch.clone())
    }

    /// What the world comes to without any mishap; both sides must be equal then.
    pub fn settle_down(&mut self, context: &str) -> Final {
        for _ in 0..3 {
            self.sync();
        }
        self.assert_at_rest(context);
        self.final_state()
    }

    /// Recovery after a mishap: two sessions at most, and everything is as if nothing had happened; then quiet.
    pub fn recover(&mut self, takes_over: bool, expected: &Final, context: &str) -> Heard {
        let mut heard = Heard::default();
        let ended = if takes_over {
            self.taking_over(&mut heard)
        } else {
            self.later();
            let link = self.phone.plug_in(FaultPlan::none());
            self.session(&Run::default(), Box::new(link), &mut heard)
        };
        let ended = ended.unwrap_or_else(|error| panic!("{context}: recovery did not start: {error}"));
        if let Some(failure) = &ended.failure {
            panic!("{context}: recovery failed: {failure:?} {:?} {:?}", ended.summary, heard.notes);
        }
        let ended = self.plain(context);
        assert!(matches!(ended.summary.exit.number(), 0 | 6), "{context}: {:?}", ended.summary);
        let found = self.final_state();
        assert_eq!(&found, expected, "{context}: not what the uninterrupted run came to {:?}", heard.notes);
        self.assert_no_leftovers(context);
        if ended.summary.device_writes + ended.summary.store_writes > 0 {
            self.plain(context);
        }
        self.plain(context);
        self.assert_at_rest(context);
        heard
    }

    /// A session that writes nothing anywhere; conflicts may wait.
    pub fn assert_at_rest(&mut self, context: &str) {
        let before = (self.snapshot().files, std::fs::read(self.database()).unwrap());
        let ended = self.plain(context);
        let plan = ended.plan.unwrap();
        assert!(plan.actions.iter().all(|action| !action.writes()), "{context}: {:?}", plan.actions);
        assert!(plan.is_empty() || ended.summary.conflicts > 0, "{context}: {:?}", plan.actions);
        assert_eq!(ended.summary.device_writes + ended.summary.store_writes, 0, "{context}");
        assert!(before.0 == self.snapshot().files, "{context}: a quiet session wrote to the phone");
        assert!(before.1 == std::fs::read(self.database()).unwrap(), "{context}: it wrote to the database");
    }

    fn plain(&mut self, context: &str) -> Ended {
        let (ended, notes) = self.try_sync(&Run::default());
        let ended = ended.unwrap_or_else(|error| panic!("{context}: a later session did not start: {error}"));
        assert!(ended.failure.is_none(), "{context}: {:?} {notes:?}", ended.failure);
        ended
    }

    /// The phone's media scanner has run, where there is one: what its apps did can be seen.
    pub fn scanned(&self) {
        self.phone.media_scan();
    }
}

/// One in so many points is tried, other ones for every phone, so that together all are met; all of them with
/// `CRASH_STRIDE=1`. `CRASH_ONLY` names what is tried, as a failure prints it ("umtp Mixed").
pub fn stride(usual: usize) -> usize {
    std::env::var("CRASH_STRIDE").map_or(usual, |text| text.parse().unwrap())
}

/// Whether this part is wanted: all are, unless one is asked for to replay a failure.
pub fn is_wanted(name: &str) -> bool {
    !std::env::var("CRASH_ONLY").is_ok_and(|only| !name.contains(&only))
}

/// Whether floors count: when all is tried.
pub fn counts_all() -> bool {
    std::env::var("CRASH_ONLY").is_err()
}

/// What happens before the session that is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scenario {
    First,
    Mixed,
    Mass,
    Held,
    Bare,
}

pub const SCENARIOS: [Scenario; 5] =
    [Scenario::First, Scenario::Mixed, Scenario::Mass, Scenario::Held, Scenario::Bare];

impl Scenario {
    /// The world just before that session.
    pub fn start(self, personality: &str) -> World {
        let mut world = World::new(personality, 7);
        match self {
            Self::First => first(&world),
            Self::Mixed => mixed(&mut world),
            Self::Mass => mass(&mut world),
            Self::Held => held(&mut world),
            Self::Bare => bare(&world),
        }
        world.scanned();
        world
    }
}

fn first(world: &World) {
    world.put_file("a.vcf", card("u-a", "Ada Phone", &["TEL;TYPE=CELL:+49 170 1"]).as_bytes());
    world.put_file("b.vcf", card("u-b", "Bo Both", &["TEL:+49 170 2"]).as_bytes());
    world.put_file("m.vcf", card("u-m1", "Mia Match", &["TEL:+49 170 77", "NOTE:there"]).as_bytes());
    world.later();
    world.with_book(|book| {
        let texts = [
            card("u-b", "Bo Both", &["EMAIL:bo@example.org"]),
            card("u-c", "Cem PC", &["TEL:+49 170 3"]),
            card("u-d", "Dua PC", &["TEL:+49 170 4", "NOTE:a longer note than the others have"]),
            card("u-m2", "Mia Match", &["TEL:+49 170 77"]),
        ];
        for text in &texts {
            book.add(&Card::parse(text.as_bytes()).unwrap()).unwrap();
        }
    });
}

fn mixed(world: &mut World) {
    for n in 0..8 {
        let text = card(&format!("u{n}"), &format!("N{n}"), &[&format!("TEL:+49 171 {n}")]);
        world.put_file(&format!("{n}.vcf"), text.as_bytes());
    }
    world.scanned();
    world.sync();
    world.sync();
    world.later();
    // New on the phone, edited there, deleted there.
    world.put_file("new.vcf", card("u-new", "New There", &["TEL:1"]).as_bytes());
    world.edit_file("0.vcf", |text| text.replace("+49 171 0", "+49 171 00"));
    world.remove_file("1.vcf");
    // The same on the PC.
    world.add_pc(&card("u-here", "New Here", &["TEL:2"]));
    world.edit_pc("u2", |text| text.replace("+49 171 2", "+49 171 22"));
    world.remove_pc("u3");
    // Edited on both sides: a merge.
    world.edit_file("4.vcf", |text| text.replace("END:", "EMAIL:four@example.org\r\nEND:"));
    world.edit_pc("u4", |text| text.replace("END:", "NOTE:met in Oslo\r\nEND:"));
    // Deleted here, edited there, both ways round.
    world.remove_file("5.vcf");
    world.edit_pc("u5", |text| text.replace("+49 171 5", "+49 171 55"));
    world.edit_file("6.vcf", |text| text.replace("+49 171 6", "+49 171 66"));
    world.remove_pc("u6");
    // Two contacts that carry one UID.
    world.add_pc(&card("u-twin", "Twin One", &["TEL:31"]));
    world.add_pc(&card("u-twin", "Twin Two", &["TEL:32"]));
}

fn mass(world: &mut World) {
    world.sync();
    world.with_book(|book| {
        for n in 0..12 {
            let text = card(&format!("mass{n}"), &format!("Mass {n}"), &[&format!("TEL:+49 172 {n}")]);
            book.add(&Card::parse(text.as_bytes()).unwrap()).unwrap();
        }
    });
}

/// A phone without a contacts folder.
fn bare(world: &World) {
    world.storage.borrow_mut().remove(&world.folder).unwrap();
    world.add_pc(&card("bare1", "Bare One", &["TEL:1"]));
    world.add_pc(&card("bare2", "Bare Two", &["TEL:2"]));
}

fn held(world: &mut World) {
    for n in 0..3 {
        let text = card(&format!("u{n}"), &format!("H{n}"), &["TEL:1", "NOTE:plain"]);
        world.put_file(&format!("{n}.vcf"), text.as_bytes());
    }
    world.scanned();
    world.sync();
    world.sync();
    world.later();
    // One field clashes; another one of the same contact merges all the same.
    world.edit_file("0.vcf", |text| text.replace("NOTE:plain", "NOTE:phone's word"));
    world.edit_pc("u0", |text| text.replace("NOTE:plain", "NOTE:PC's word").replace("TEL:1", "TEL:11"));
    world.edit_file("1.vcf", |text| {
        text.replace("NOTE:plain", "NOTE:other").replace("END:", "EMAIL:one@example.org\r\nEND:")
    });
    world.edit_pc("u1", |text| text.replace("NOTE:plain", "NOTE:another"));
}
