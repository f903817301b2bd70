//! The process dies in the middle of a write: to the database at every sector of its log and of its file, to the
//! phone at every byte of every step that changes something there. Nothing is sampled.
//!
//! The log of a session is kept whole (a second connection keeps SQLite from folding it in), so that every shorter
//! piece of it is what a crash could have left. Pieces that come to the same database beside the same phone are
//! recovered from once.

use std::cell::RefCell;
use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash, Hasher};
use std::path::Path;
use std::rc::Rc;

use tetherbook::mtp::code::operation;
use tetherbook::provider::Clock;
use tetherbook::sim::{Direction, Fault, FaultKind, FaultPlan, Spot, TraceEntry};

use crate::crash_world::{Final, Scenario, Snapshot, Watch};
use crate::world::{Run, World, card};

/// What a disk writes at once.
const SECTOR_BYTES: usize = 512;
/// The header of SQLite's log, and of each page in it (SQLite file format 4.1 and 4.2).
const LOG_HEADER_BYTES: usize = 32;
const FRAME_BYTES: usize = 24 + 4096;

const LOG: &str = "tetherbook.db-wal";
const FILE: &str = "tetherbook.db";

/// One session with all that it wrote: what a crash would find at its moments, in order, and the end.
struct Watched {
    moments: Vec<Snapshot>,
    expected: Final,
}

fn watched(start: &Snapshot, expected: Final) -> Watched {
    let mut world = start.world(7);
    // It keeps the log from being folded in and deleted when the session's own connection closes.
    let keeper = world.store();
    let taken: Rc<RefCell<Vec<Snapshot>>> = Rc::default();
    let (into, storage) = (Rc::clone(&taken), Rc::clone(&world.storage));
    let (database, clock) = (world.database(), Rc::clone(&world.clock));
    let (name, folder) = (world.phone.personality().name, world.folder.clone());
    let watch = Watch::new(Box::new(move |_| {
        let taken = Snapshot::take((&name, &folder), &storage.borrow(), &database, clock.now_ms());
        into.borrow_mut().push(taken);
        false
    }));
    let ended = world.watched(&watch).unwrap();
    assert!(ended.failure.is_none(), "{:?}", ended.failure);
    drop(watch);
    let mut moments = taken.take();
    moments.push(world.snapshot());
    drop(keeper);
    Watched { moments, expected }
}

fn part<'a>(snapshot: &'a Snapshot, name: &str) -> &'a [u8] {
    snapshot.database.iter().find(|(own, _)| own == name).map_or(&[], |(_, bytes)| bytes)
}

/// The database of a crash: this file beside this log, and the phone of that moment.
fn crashed(phone: &Snapshot, file: &[u8], log: &[u8]) -> Snapshot {
    let mut snapshot = phone.clone();
    snapshot.database = vec![(FILE.to_owned(), file.to_vec())];
    if !log.is_empty() {
        snapshot.database.push((LOG.to_owned(), log.to_vec()));
    }
    snapshot
}

/// Every row of the tables that a session writes, as the next process would read them.
fn rows_of(snapshot: &Snapshot) -> BTreeMap<&'static str, Vec<String>> {
    let memory = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
    let path = memory.path().join(FILE);
    crate::crash_world::put_database(&path, &snapshot.database);
    read_rows(&path)
}

const TABLES: [&str; 9] = [
    "intents",
    "contacts",
    "links",
    "states",
    "observed",
    "sessions",
    "actions",
    "conflicts",
    "relationships",
];

fn read_rows(path: &Path) -> BTreeMap<&'static str, Vec<String>> {
    let connection = rusqlite::Connection::open(path).unwrap();
    let whole: String = connection.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(whole, "ok");
    let mut tables = BTreeMap::new();
    for table in TABLES {
        let Ok(mut statement) = connection.prepare(&format!("SELECT * FROM {table}")) else { continue };
        let columns = statement.column_count();
        let row = |row: &rusqlite::Row<'_>| {
            (0..columns).map(|column| Ok(format!("{:?}|", row.get_ref(column)?))).collect()
        };
        let rows: Vec<String> = statement.query_map([], row).unwrap().map(Result::unwrap).collect();
        tables.insert(table, rows);
    }
    tables
}

fn digest(rows: &BTreeMap<&'static str, Vec<String>>, phone: &Snapshot) -> u64 {
    let mut hasher = DefaultHasher::new();
    rows.hash(&mut hasher);
    phone.files.hash(&mut hasher);
    hasher.finish()
}

/// What the loops reached: pieces tried, databases recovered from, and commits by the table that they changed.
#[derive(Debug, Default)]
struct Reached {
    torn: usize,
    recovered: usize,
    commits: BTreeMap<&'static str, usize>,
}

/// Where a write of the log may be cut: at every sector, and at every byte of the first page of it.
fn cuts(from: usize, to: usize) -> Vec<usize> {
    let first_frame_end = (from.max(LOG_HEADER_BYTES) + FRAME_BYTES).min(to);
    let is_cut = |at: &usize| {
        at.is_multiple_of(SECTOR_BYTES) || at.saturating_sub(LOG_HEADER_BYTES).is_multiple_of(FRAME_BYTES)
    };
    let mut cuts: Vec<usize> = (from..=to).filter(is_cut).collect();
    cuts.extend((from..first_frame_end).step_by(97));
    cuts.push(to);
    cuts.sort_unstable();
    cuts.dedup();
    cuts
}

/// Cuts the log at every sector of every write of the session.
fn tear_the_log(start: &Snapshot, expected: &Final, context: &str, reached: &mut Reached) {
    let watched = watched(start, expected.clone());
    let mut seen = HashSet::new();
    let mut before_rows = rows_of(&watched.moments[0]);
    for pair in watched.moments.windows(2) {
        let (before, after) = (&pair[0], &pair[1]);
        let (old, new) = (part(before, LOG), part(after, LOG));
        if old == new {
            continue;
        }
        assert!(new.starts_with(old), "{context}: the log is written anew in mid-session");
        for at in cuts(old.len(), new.len()) {
            // Cut off, or its last sector never written although the file has its length.
            let mut hole = new.to_vec();
            let begin = at.saturating_sub(SECTOR_BYTES).max(old.len());
            hole[begin..at].fill(0);
            for log in [&new[..at], &hole[..]] {
                reached.torn += 1;
                let left = crashed(after, part(after, FILE), log);
                let rows = rows_of(&left);
                if rows != before_rows {
                    for table in TABLES {
                        let moved = rows.get(table) != before_rows.get(table);
                        *reached.commits.entry(table).or_default() += usize::from(moved && log.len() == at);
                    }
                }
                if log.len() == at {
                    before_rows.clone_from(&rows);
                }
                if seen.insert(digest(&rows, &left)) {
                    reached.recovered += 1;
                    left.world(8).recover(false, &watched.expected, &format!("{context}, log cut at {at}"));
                }
            }
        }
    }
    tear_the_file(&watched, context, reached);
}

/// The log is folded into the file page by page; until that is done the log stays.
fn tear_the_file(watched: &Watched, context: &str, reached: &mut Reached) {
    let end = watched.moments.last().unwrap();
    let (old, log) = (part(end, FILE), part(end, LOG));
    let folded = {
        let world = end.world(8);
        drop(world.store());
        std::fs::read(world.database()).unwrap()
    };
    let wanted = rows_of(end);
    let mut written = old.to_vec();
    written.resize(folded.len().max(old.len()), 0);
    for sector in (0..folded.len()).step_by(SECTOR_BYTES) {
        let to = (sector + SECTOR_BYTES).min(folded.len());
        if written[sector..to] == folded[sector..to] {
            continue;
        }
        written[sector..to].copy_from_slice(&folded[sector..to]);
        reached.torn += 1;
        let left = crashed(end, &written, log);
        assert!(rows_of(&left) == wanted, "{context}: folded in up to byte {to}, another database");
    }
    crashed(end, &written, log).world(8).recover(false, &watched.expected, &format!("{context}, folded in"));
}

#[test]
fn a_database_write_torn_at_any_sector_is_a_delay() {
    let mut reached = Reached::default();
    for scenario in [Scenario::First, Scenario::Mixed, Scenario::Held] {
        let mut world = scenario.start("android");
        let start = world.snapshot();
        let context = format!("android {scenario:?}");
        let expected = world.settle_down(&context);
        tear_the_log(&start, &expected, &context, &mut reached);
    }
    eprintln!("{reached:?}");
    assert!(reached.torn >= 1_000 && reached.recovered >= 12, "too little was reached: {reached:?}");
    // The journal, the PC's contacts, the baselines and the watermarks were each committed several times.
    for table in ["intents", "contacts", "links", "states"] {
        let commits = reached.commits.get(table).copied().unwrap_or(0);
        assert!(commits >= 3, "{table} was written {commits} times");
    }
}

/// A step that changes something on the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Create,
    Data,
    Delete,
    Rename,
    Marker,
}

/// The bytes of every container of these steps, command, data and response, as the faults count them.
fn step_bytes(trace: &[TraceEntry]) -> Vec<(Step, Spot)> {
    let (mut out, mut into) = (0_u64, 0_u64);
    let mut spots = Vec::new();
    let mut files = 0;
    for entry in trace {
        // The marker is the first file that a session writes.
        let step = match entry.code {
            operation::SEND_OBJECT_INFO => Some(Step::Create),
            operation::SEND_OBJECT => Some(Step::Data),
            operation::DELETE_OBJECT => Some(Step::Delete),
            operation::SET_OBJECT_PROP_VALUE => Some(Step::Rename),
            _ => None,
        };
        files += usize::from(step == Some(Step::Create) && entry.kind == 1);
        let step = step.map(|step| if files == 1 && step <= Step::Data { Step::Marker } else { step });
        let length = entry.length;
        match entry.direction {
            Direction::Out => {
                spots.extend(
                    step.iter().flat_map(|s| (0..=length).map(move |n| (*s, Spot::ByteOut(out + n)))),
                );
                out += length;
            }
            Direction::In => {
                spots.extend(
                    step.iter().flat_map(|s| (0..=length).map(move |n| (*s, Spot::ByteIn(into + n)))),
                );
                into += length;
            }
            Direction::Event => {}
        }
    }
    spots
}

/// One card is created, one replaced, one deleted, on a phone that was never written to.
fn small(personality: &str) -> World {
    let mut world = World::new(personality, 7);
    for n in 1..=2 {
        world.put_file(&format!("{n}.vcf"), card(&format!("u{n}"), &format!("N{n}"), &["TEL:1"]).as_bytes());
    }
    world.scanned();
    world.sync();
    world.sync();
    world.edit_pc("u1", |text| text.replace("TEL:1", "TEL:111"));
    world.remove_pc("u2");
    world.add_pc(&card("u3", "Three", &["TEL:3"]));
    world.scanned();
    world
}

#[test]
fn a_step_on_the_phone_torn_at_any_byte_is_a_delay() {
    let mut tried: BTreeMap<Step, usize> = BTreeMap::new();
    let mut recovered = 0;
    for personality in ["android", "umtp"] {
        let start = small(personality).snapshot();
        let (trace, expected) = {
            let mut world = start.world(7);
            world.sync();
            let trace = world.trace.as_ref().unwrap().borrow().entries.clone();
            (trace, world.settle_down(personality))
        };
        let mut seen = HashSet::new();
        for (step, spot) in step_bytes(&trace) {
            let context = format!("{personality}: {step:?} cut at {spot:?}");
            let mut world = start.world(7);
            let faults = FaultPlan { faults: vec![Fault { kind: FaultKind::Cut, spot }] };
            let _ = world.try_sync(&Run { faults, ..Run::default() });
            *tried.entry(step).or_default() += 1;
            world.phone.unlock();
            let left = world.snapshot();
            if seen.insert(digest(&rows_of(&left), &left)) {
                recovered += 1;
                world.recover(false, &expected, &context);
            }
        }
    }
    eprintln!("{tried:?}, recovered {recovered}");
    for step in [Step::Create, Step::Data, Step::Delete, Step::Rename, Step::Marker] {
        let count = tried.get(&step).copied().unwrap_or(0);
        assert!(count >= 50, "{step:?} was cut at {count} bytes only");
    }
    assert!(recovered >= 20, "recovered {recovered}");
}
