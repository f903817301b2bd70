//! The program's own DecSync channel against the reference library: what we write it reads, what it writes we read.

use std::collections::BTreeMap;
use std::fs;

use serde_json::{Value, json};
use tetherbook::provider::{Clock, TestClock};

use super::decsync_app::clock::RealClock;
use super::decsync_app::directory::make;
use super::decsync_app::{Reference, vcard};
use super::sandbox::Sandbox;
use super::{BOOK, PHONE, UIDS};

const SYNC: &str = "sync --phone dir:{T}/phone";

/// A PC, a directory that is the phone, and the library's app on it.
struct Bench {
    sandbox: Sandbox,
    library: Reference,
    /// What the app was told, by UID.
    held: BTreeMap<String, String>,
}

fn card(uid: &str, name: &str, note: &str) -> String {
    format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:;{name};;;\r\nNOTE:{note}\r\nEND:VCARD\r\n"
    )
}

/// Name and note of a card.
fn meaning(card: &str) -> (String, String) {
    let lines = vcard::only_card(card).unwrap();
    (vcard::value(&lines, "FN").unwrap_or_default(), vcard::value(&lines, "NOTE").unwrap_or_default())
}

impl Bench {
    fn new(version: i64) -> Self {
        let sandbox = Sandbox::new();
        make(&sandbox.path("phone/DecSync"), version, &TestClock::at(1_800_000_000_000));
        let mut library = Reference::start();
        library.open(&sandbox.path("phone/DecSync"), BOOK, PHONE);
        Self { sandbox, library, held: BTreeMap::new() }
    }

    fn set(&mut self, uid: &str, card: Option<&str>) {
        self.library.set_contact(PHONE, uid, card);
        self.held.remove(uid);
        self.held.extend(card.map(|card| (uid.to_owned(), card.to_owned())));
    }

    /// The app takes in what is new.
    fn pull(&mut self) -> usize {
        let news = self.library.new_entries(PHONE);
        for entry in &news {
            let Some(uid) = entry.uid() else { continue };
            self.held.remove(uid);
            let card = entry.value.as_str().map(str::to_owned);
            self.held.extend(card.map(|card| (uid.to_owned(), card)));
        }
        news.iter().filter(|entry| entry.uid().is_some()).count()
    }

    fn app(&self) -> BTreeMap<String, (String, String)> {
        self.held.iter().map(|(uid, card)| (uid.clone(), meaning(card))).collect()
    }

    fn pc(&self) -> BTreeMap<String, (String, String)> {
        let cards = self.sandbox.path("cards");
        let _ = fs::remove_dir_all(&cards);
        self.sandbox.run("export {T}/cards/");
        let mut held = BTreeMap::new();
        for file in fs::read_dir(&cards).into_iter().flatten() {
            let text = fs::read_to_string(file.unwrap().path()).unwrap();
            let uid = vcard::value(&vcard::only_card(&text).unwrap(), "UID").unwrap();
            assert!(held.insert(uid, meaning(&text)).is_none(), "twice on the PC");
        }
        held
    }

    /// A command that must end well; what it said.
    fn run(&self, line: &str) -> String {
        let text = self.sandbox.transcript(&[line]);
        assert!(text.contains("[exit 0]"), "{text}");
        text
    }

    fn sync(&self, options: &str) -> String {
        self.run(&format!("{SYNC} {options}"))
    }

    /// A session, and the app's turn after it: both have the same.
    fn agree(&mut self, step: &str) {
        let text = self.sync("--allow-deletes");
        self.pull();
        assert_eq!(self.app(), self.pc(), "{step}: {text}");
        let files = super::everything(&self.sandbox.path("phone"));
        let text = self.sync("");
        assert_eq!(super::everything(&self.sandbox.path("phone")), files, "{step}: {text}");
    }
}

/// The next second, so that what follows is newer than what was stamped before.
fn wait() {
    RealClock.sleep_ms(2100);
}

/// Adds, edits and deletes on either side in turn.
fn to_and_fro(bench: &mut Bench) {
    for (at, uid) in UIDS.iter().enumerate() {
        bench.set(uid, Some(&card(uid, &format!("Zoë {at}"), "from the app")));
    }
    bench.agree("the app adds");
    assert_eq!(bench.pc().len(), UIDS.len());
    let own: String =
        (0..5).map(|at| card(&format!("pc/{at} ü"), &format!("王 {at}"), "from the PC")).collect();
    bench.sandbox.write("own.vcf", &own);
    bench.run("import {T}/own.vcf");
    bench.agree("the PC adds");
    assert_eq!(bench.app().len(), UIDS.len() + 5);
    wait();
    for (at, uid) in UIDS.iter().enumerate().take(4) {
        bench.run(&format!("edit '{uid}' --note 'edited on the PC {at}'"));
    }
    bench.agree("the PC edits");
    assert_eq!(bench.app()[UIDS[1]].1, "edited on the PC 1");
    wait();
    bench.set(UIDS[1], Some(&card(UIDS[1], "Zoë 1", "edited in the app")));
    bench.set("pc/1 ü", Some(&card("pc/1 ü", "王 1", "edited in the app too")));
    bench.set(UIDS[5], None);
    bench.set("pc/2 ü", None);
    bench.agree("the app edits and deletes");
    assert_eq!(bench.pc()["pc/1 ü"].1, "edited in the app too");
    assert_eq!(bench.pc().len(), UIDS.len() + 3);
    wait();
    bench.run(&format!("rm --yes '{}' 'pc/3 ü'", UIDS[2]));
    bench.agree("the PC deletes");
    assert_eq!(bench.app().len(), UIDS.len() + 1);
    // Both edit the same contact, and neither has the other's edit in view.
    wait();
    bench.run("edit 'pc/4 ü' --note 'seen by nobody'");
    bench.sync("");
    wait();
    bench.set("pc/4 ü", Some(&card("pc/4 ü", "Renamed", "from the PC")));
    bench.agree("the app writes over what it had not seen");
    assert_eq!(bench.pc()["pc/4 ü"], ("Renamed".to_owned(), "seen by nobody".to_owned()));
}

#[test]
#[ignore = "needs the reference library, which scripts/check installs"]
fn what_we_write_it_reads_and_what_it_writes_we_read() {
    let mut bench = Bench::new(2);
    to_and_fro(&mut bench);
}

#[test]
#[ignore = "needs the reference library, which scripts/check installs"]
fn a_version_1_directory_is_read_and_goes_both_ways_once_the_library_upgraded_it() {
    let mut bench = Bench::new(1);
    for (at, uid) in UIDS.iter().enumerate() {
        bench.set(uid, Some(&card(uid, &format!("Old {at}"), "from version 1")));
    }
    let text = bench.sync("");
    assert!(text.contains("first version"), "{text}");
    assert_eq!(bench.pc(), bench.app());
    let info = bench.sandbox.path("phone/DecSync/.decsync-info");
    let version = || serde_json::from_str::<Value>(&fs::read_to_string(&info).unwrap()).unwrap();
    assert_eq!(version(), json!({"version": 1}), "a session changes nothing about that");
    wait();
    bench.pull();
    assert_eq!(version(), json!({"version": 2}), "the library upgrades it");
    let before = bench.pc();
    bench.agree("after the upgrade");
    assert_eq!(bench.pc(), before, "nothing is doubled");
    wait();
    to_and_fro(&mut bench);
}
