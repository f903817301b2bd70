//! The model of the DecSync apps and our own channel against the reference library itself, with the real clock.
//!
//! `scripts/check` installs the library and runs these; by hand:
//! `tests/interop/install && cargo nextest run --test decsync_interop --run-ignored only`.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a test may stop at the first surprise"
)]

#[path = "decsync_interop/channel.rs"]
mod channel;
mod decsync_app;
mod sandbox;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use decsync_app::clock::RealClock;
use decsync_app::directory::{collections, everything, make};
use decsync_app::names::encoded;
use decsync_app::{Entry, Library, Reference};
use serde_json::{Value, json};
use tetherbook::provider::{Clock, TestClock};

const BOOK: &str = "7f2518db-e928-41e6-a3f6-6ace79b9cf6d";
const PHONE: &str = "Pixel 7-DecSyncCC-01234";
const DESK: &str = ".desk-Evolution-00042";
const UIDS: [&str; 7] =
    ["uid-1", ".dot/ü uid", "王小明", "..", "100%", "a b+c&d=e?f", "550e8400-e29b-41d4-a716-446655440000"];

fn model(root: &Path, app_id: &str) -> Library {
    Library::open(root, BOOK, app_id, Rc::new(RealClock)).unwrap()
}

fn card(uid: &str, note: &str) -> String {
    format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:Zoë 😀\r\nNOTE:{note}\r\nEND:VCARD\r\n")
}

/// Notes that are hard to write in JSON.
const NOTES: [&str; 4] = ["plain", "\"quotes\" \\ \\n / </b>", "\u{1}\u{8}\u{c}\t\u{7f}\u{2028}", "ü 王 😀"];

/// Waits until a new second begins, so that a few calls fit into one.
fn next_second() {
    let now_ms = RealClock.now_ms();
    RealClock.sleep_ms(u64::try_from(1_020 - now_ms.rem_euclid(1_000)).unwrap());
}

fn contacts(entries: &[Entry]) -> BTreeMap<String, Value> {
    entries.iter().filter_map(|entry| Some((entry.uid()?.to_owned(), entry.value.clone()))).collect()
}

/// Adds all, edits some, deletes some; calls `check` after each.
fn add_edit_delete(mut set: impl FnMut(&str, Option<&str>), mut check: impl FnMut(&BTreeMap<String, Value>)) {
    let mut all = BTreeMap::new();
    for (at, uid) in UIDS.iter().enumerate() {
        let card = card(uid, NOTES[at % NOTES.len()]);
        set(uid, Some(&card));
        all.insert((*uid).to_owned(), json!(card));
    }
    check(&all);
    next_second();
    let mut changed = BTreeMap::new();
    for (at, uid) in UIDS.iter().enumerate() {
        let card = (at % 2 == 0).then(|| card(uid, "edited"));
        set(uid, card.as_deref());
        changed.insert((*uid).to_owned(), json!(card));
    }
    check(&changed);
}

#[test]
#[ignore = "needs the reference library, which scripts/check installs"]
fn what_the_model_writes_the_library_reads() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = Reference::start();
    let phone = model(folder.path(), PHONE);
    library.open(folder.path(), BOOK, DESK);
    let set = |uid: &str, card: Option<&str>| phone.set_contact(uid, card);
    add_edit_delete(set, |expected| assert_eq!(contacts(&library.new_entries(DESK)), *expected));
    // One that comes later finds it all as well.
    library.open(folder.path(), BOOK, "late");
    library.init("late");
    assert_eq!(contacts(&library.stored_contacts("late")), contacts(&phone.stored()));
}

#[test]
#[ignore = "needs the reference library, which scripts/check installs"]
fn what_the_library_writes_the_model_reads() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = Reference::start();
    library.open(folder.path(), BOOK, PHONE);
    let set = |uid: &str, card: Option<&str>| library.set_contact(PHONE, uid, card);
    let desk = model(folder.path(), DESK);
    add_edit_delete(set, |expected| assert_eq!(contacts(&desk.new_entries()), *expected));
    let late = model(folder.path(), "late");
    late.init_stored();
    assert_eq!(contacts(&late.stored()), contacts(&library.stored_contacts(PHONE)));
    let books = library.order(&json!({"do": "list", "directory": folder.path()}));
    assert_eq!(books, json!(collections(folder.path())));
}

#[test]
#[ignore = "needs the reference library, which scripts/check installs"]
fn the_library_refuses_what_the_model_refuses() {
    let mut library = Reference::start();
    for (text, usable) in [
        ("{\"version\":1}", true),
        ("{\"version\":2,\"x\":1}", true),
        (" {\"version\": 2} \n", true),
        ("{\"version\":3}", false),
        ("{\"version\":0}", false),
        ("{\"version\":2.0}", false),
        ("", false),
        ("null", false),
        ("[2]", false),
        ("not json", false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".decsync-info"), text).unwrap();
        let complaint = library.order(&json!({"do": "check", "directory": folder.path()}));
        assert_eq!(complaint.is_null(), usable, "{text}: {complaint}");
        let opened = Library::open(folder.path(), BOOK, PHONE, Rc::new(RealClock));
        assert_eq!(opened.is_ok(), usable, "{text}");
    }
}

fn stamps_in(text: &str) -> Vec<String> {
    let is_digit = |window: &[u8], at: usize| window[at].is_ascii_digit();
    let is_stamp = |window: &&[u8]| {
        (window[4], window[7], window[10], window[13], window[16]) == (b'-', b'-', b'T', b':', b':')
            && [0, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18].iter().all(|at| is_digit(window, *at))
    };
    let windows = text.as_bytes().windows(19).filter(is_stamp);
    windows.map(|window| String::from_utf8(window.to_vec()).unwrap()).collect()
}

/// The tree as far as both must agree: which counters and lines, in which order, and which times are the same.
fn comparable(root: &Path) -> BTreeMap<String, Value> {
    let files = everything(root);
    let stamps: BTreeSet<String> = files.values().flat_map(|text| stamps_in(text)).collect();
    let ranks: Vec<String> = stamps.into_iter().collect();
    let ranked = |text: &str| {
        let mut text = text.to_owned();
        for (rank, stamp) in ranks.iter().enumerate() {
            text = text.replace(stamp, &format!("time {rank:04}"));
        }
        text
    };
    files
        .into_iter()
        .map(|(name, text)| {
            // In which order other apps are read is the file system's.
            let mut lines: Vec<&str> = text.lines().collect();
            lines.sort_unstable();
            let lines: Vec<Value> = lines
                .into_iter()
                .map(|line| serde_json::from_str(&ranked(line)).unwrap_or_else(|_| json!(ranked(line))))
                .collect();
            (name, json!(lines))
        })
        .collect()
}

/// The same random program, done by the library in one directory and by the model in another.
struct Lockstep {
    rng: fastrand::Rng,
    reference: Reference,
    theirs: tempfile::TempDir,
    ours: tempfile::TempDir,
    models: BTreeMap<&'static str, Library>,
    log: Vec<String>,
    edits: usize,
}

impl Lockstep {
    fn new(seed: u64, version: i64) -> Self {
        let (theirs, ours) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for root in [&theirs, &ours] {
            make(root.path(), version, &TestClock::at(1_800_000_000_000));
        }
        let mut rng = fastrand::Rng::with_seed(seed);
        rng.u64(..);
        Self {
            rng,
            reference: Reference::start(),
            theirs,
            ours,
            models: BTreeMap::new(),
            log: Vec::new(),
            edits: 0,
        }
    }

    fn step(&mut self) {
        let app = [PHONE, DESK, "third"][self.rng.usize(..3)];
        if !self.models.contains_key(app) {
            self.reference.open(self.theirs.path(), BOOK, app);
            self.models.insert(app, model(self.ours.path(), app));
            self.reference.init(app);
            self.models[app].init_stored();
            self.log.push(format!("{app} opens"));
            return;
        }
        if self.rng.bool() {
            let (theirs, ours) = (self.reference.new_entries(app), self.models[app].new_entries());
            self.log.push(format!("{app} reads {:?}", contacts(&theirs)));
            assert_eq!(contacts(&theirs), contacts(&ours), "{:#?}", self.log);
            return;
        }
        let entries = (0..self.rng.usize(1..4))
            .map(|_| {
                self.edits += 1;
                let uid = UIDS[self.rng.usize(..UIDS.len())];
                let note = format!("{} {}", NOTES[self.rng.usize(..NOTES.len())], self.edits);
                let value = if self.rng.u8(..4) == 0 { Value::Null } else { json!(card(uid, &note)) };
                match self.rng.u8(..10) {
                    0 => (vec!["info".to_owned()], json!("name"), json!(note)),
                    1 => (vec!["resources".to_owned(), uid.to_owned()], json!("another key"), value),
                    _ => (vec!["resources".to_owned(), uid.to_owned()], Value::Null, value),
                }
            })
            .collect::<Vec<_>>();
        // An app does not set the same thing twice at once; the library would write both lines.
        let mut once: Vec<(Vec<String>, Value, Value)> = Vec::new();
        for entry in entries {
            if !once.iter().any(|other| (&other.0, &other.1) == (&entry.0, &entry.1)) {
                once.push(entry);
            }
        }
        let entries = once;
        self.reference.set(app, &entries);
        let now = decsync_app::clock::stamp(&RealClock);
        let stamped: Vec<Entry> = entries
            .into_iter()
            .map(|(path, key, value)| Entry { path, datetime: now.clone(), key, value })
            .collect();
        self.models[app].set_entries(&stamped);
        self.log.push(format!("{app} sets {stamped:?}"));
    }

    fn compare(&self) {
        let (theirs, ours) = (comparable(self.theirs.path()), comparable(self.ours.path()));
        let names = |tree: &BTreeMap<String, Value>| tree.keys().cloned().collect::<Vec<_>>();
        assert_eq!(names(&theirs), names(&ours), "{:#?}", self.log);
        for (name, content) in &theirs {
            assert_eq!(content, &ours[name], "{name} after {:#?}", self.log);
        }
    }
}

fn in_lockstep(seed: u64, version: i64, steps: usize) {
    eprintln!("seed {seed}");
    let mut lockstep = Lockstep::new(seed, version);
    for _ in 0..steps {
        // What one step does falls into one second on both sides; two steps may fall into the same.
        if lockstep.rng.u8(..3) > 0 || RealClock.now_ms().rem_euclid(1_000) > 800 {
            next_second();
        }
        lockstep.step();
        lockstep.compare();
    }
}

#[test]
#[ignore = "needs the reference library, which scripts/check installs"]
fn model_and_library_write_the_same_trees() {
    for seed in seeds([1, 2]) {
        in_lockstep(seed, 2, 40);
    }
}

#[test]
#[ignore = "needs the reference library, which scripts/check installs"]
fn model_and_library_write_the_same_trees_from_version_1_on() {
    for seed in seeds([3, 4]) {
        in_lockstep(seed, 1, 30);
    }
}

/// The seeds, or the one that `TETHERBOOK_SEED` names.
fn seeds(usual: [u64; 2]) -> Vec<u64> {
    match std::env::var("TETHERBOOK_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => usual.to_vec(),
    }
}

#[test]
#[ignore = "needs the reference library, which scripts/check installs"]
fn names_are_the_librarys() {
    let folder = tempfile::tempdir().unwrap();
    let mut library = Reference::start();
    let mut letters: Vec<String> = (32_u8..127).map(|byte| char::from(byte).to_string()).collect();
    letters.extend(letters.clone().iter().map(|letter| format!("x{letter}")));
    library.open(folder.path(), BOOK, "app");
    for letter in &letters {
        library.set_contact("app", letter, Some("x"));
    }
    let phone = model(folder.path(), PHONE);
    assert_eq!(
        contacts(&phone.new_entries()).into_keys().collect::<BTreeSet<_>>(),
        letters.iter().cloned().collect()
    );
    // Which bucket each is in is the library's word for the hash.
    let ours = tempfile::tempdir().unwrap();
    let same = model(ours.path(), "app");
    for letter in &letters {
        same.set_contact(letter, Some("x"));
    }
    let buckets = |root: &Path| {
        let files = everything(&root.join("contacts").join(BOOK).join("v2/app"));
        let uids = |text: &str| -> Vec<String> {
            text.lines().filter_map(|line| Some(Entry::parse_2(line)?.uid()?.to_owned())).collect()
        };
        files.into_iter().map(|(name, text)| (name, uids(&text))).collect::<Vec<_>>()
    };
    assert_eq!(buckets(ours.path()), buckets(folder.path()));
    for letter in letters.iter().filter(|letter| letter.as_str() != " ") {
        let folder = tempfile::tempdir().unwrap();
        library.open(folder.path(), letter, "app");
        library.set_contact("app", "uid", Some("x"));
        assert!(folder.path().join("contacts").join(encoded(letter)).is_dir(), "{letter}");
    }
}
