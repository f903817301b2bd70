//! The model of the DecSync apps against the format's published facts and the reference library's recorded trees.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod decsync_app;

use std::rc::Rc;

use decsync_app::directory::{self, Unusable, collections, everything};
use decsync_app::names::{bucket, decoded, encoded};
use decsync_app::{DecsyncCc, Desktop, Entry, Library, OffsetClock};
use serde_json::{Value, json};
use tempfile::TempDir;
use tetherbook::provider::{Clock, TestClock, TestRandomness};

const BOOK: &str = "7f2518db-e928-41e6-a3f6-6ace79b9cf6d";
const PHONE: &str = "Pixel 7-DecSyncCC-01234";

struct Stage {
    folder: TempDir,
    base: Rc<TestClock>,
    clock: Rc<OffsetClock>,
}

impl Stage {
    fn new(version: i64) -> Self {
        let base = Rc::new(TestClock::at(1_800_000_000_000));
        let clock = OffsetClock::new(base.clone(), 0);
        let folder = tempfile::tempdir().unwrap();
        directory::make(folder.path(), version, &*clock);
        Self { folder, base, clock }
    }

    fn later(&self) {
        self.base.advance_ms(1_000);
    }

    fn library(&self, app_id: &str) -> Library {
        Library::open(self.folder.path(), BOOK, app_id, self.clock.clone()).unwrap()
    }

    fn phone(&self) -> DecsyncCc {
        let chance = Rc::new(TestRandomness::seeded(1));
        let mut phone = DecsyncCc::open(self.folder.path(), BOOK, PHONE, self.clock.clone(), chance).unwrap();
        phone.create_book("Friends");
        phone.synchronise();
        self.later();
        phone
    }

    fn desktop(&self) -> Desktop {
        let clock: Rc<dyn Clock> = self.base.clone();
        Desktop::open(self.folder.path(), BOOK, "desk-Evolution-00042", clock).unwrap()
    }

    fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder.path().join("contacts").join(BOOK).join(name)).unwrap()
    }
}

fn lines(name: &str, more: &[&str]) -> Vec<String> {
    let mut lines = vec![format!("FN:{name}")];
    lines.extend(more.iter().map(|line| (*line).to_owned()));
    lines
}

fn path(parts: &[&str]) -> Vec<String> {
    parts.iter().map(|part| (*part).to_owned()).collect()
}

#[test]
fn the_given_vectors_hold() {
    assert_eq!(bucket(&path(&["info"])), "info");
    assert_eq!(bucket(&path(&["resources", "uid-1"])), "43");
    assert_eq!(bucket(&path(&["resources", "550e8400-e29b-41d4-a716-446655440000"])), "10");
    assert_eq!(bucket(&path(&["resources", ".dot/ü uid"])), "0c");
    assert_eq!(encoded("Pixel 7-DecSyncCC-01234"), "Pixel%207-DecSyncCC-01234");
    assert_eq!(encoded(".dot/ü uid"), "%2Edot%2F%C3%BC%20uid");
    assert_eq!(encoded("a.b_c~d"), "a.b_c~d");
    for part in ["Pixel 7-DecSyncCC-01234", ".dot/ü uid", "王小明", "100%", "..", "+"] {
        assert_eq!(decoded(&encoded(part)).as_deref(), Some(part));
    }
    assert_eq!([decoded(".hidden"), decoded("%4"), decoded("%FF")], [None, None, None]);
}

#[test]
fn lines_are_read_and_written() {
    let line =
        r#"[["resources","uid-1"],"2026-11-20T15:29:11",null,"BEGIN:VCARD\r\nFN:Zoë\r\nEND:VCARD\r\n"]"#;
    let entry = Entry::parse_2(line).unwrap();
    assert_eq!(entry.line_2(), format!("{line}\n"));
    assert_eq!(entry.uid(), Some("uid-1"));
    for wrong in [
        "",
        "not json",
        "[1,2]",
        "{}",
        r#"[["a"],"t",null]"#,
        r#"[["a"],"t",null,1,2]"#,
        r#"["a","t",null,1]"#,
        r#"[["a"],1,null,1]"#,
    ] {
        assert_eq!(Entry::parse_2(wrong), None, "{wrong}");
    }
}

#[test]
fn an_unknown_or_broken_version_is_not_touched() {
    for (text, expected) in [
        ("{\"version\":3}", Unusable::UnsupportedVersion(3)),
        ("{\"version\":0}", Unusable::UnsupportedVersion(0)),
        ("{}", Unusable::InvalidInfo),
        ("", Unusable::InvalidInfo),
        ("null", Unusable::InvalidInfo),
        ("{\"version\":2.0}", Unusable::InvalidInfo),
    ] {
        let stage = Stage::new(2);
        std::fs::write(stage.folder.path().join(".decsync-info"), text).unwrap();
        let opened = Library::open(stage.folder.path(), BOOK, PHONE, stage.clock.clone());
        assert_eq!(opened.err(), Some(expected), "{text}");
        assert_eq!(everything(stage.folder.path()).len(), 1);
    }
}

#[test]
fn entries_go_from_one_app_to_another() {
    let stage = Stage::new(2);
    let (one, two) = (stage.library("one"), stage.library(".b app"));
    one.set_contact("uid-1", Some("card"));
    one.set(&["info"], json!("name"), json!("Frïends"));
    let news = two.new_entries();
    assert_eq!(
        news.iter().map(|entry| entry.value.clone()).collect::<Vec<_>>(),
        [json!("card"), json!("Frïends")]
    );
    assert_eq!(two.new_entries(), []);
    assert_eq!(stage.text("v2/one/sequences"), "{\"43\":1,\"info\":1}\n");
    // What was read is kept under the app's own name, and only its own word goes out.
    assert_eq!(stage.text("v2/%2Eb%20app/43"), stage.text("v2/one/43"));
    assert_eq!(stage.text("v2/%2Eb%20app/sequences"), "{\"info\":2}\n");
    assert_eq!(stage.text("local/%2Eb%20app/sequences"), "{\"one\":{\"43\":1,\"info\":1}}\n");
    assert_eq!(
        stage.text("local/%2Eb%20app/info"),
        "{\"version\":2,\"last-active\":\"2027-01-15\",\"supported-version\":2}\n"
    );
    stage.later();
    two.set_contact("uid-1", None);
    assert!(one.new_entries().iter().any(|entry| entry.uid() == Some("uid-1") && entry.value.is_null()));
    assert_eq!(collections(stage.folder.path()), [BOOK]);
}

#[test]
fn only_what_is_strictly_newer_is_recorded() {
    let stage = Stage::new(2);
    let (one, two) = (stage.library("one"), stage.library("two"));
    one.set_contact("uid-1", Some("first"));
    one.set_contact("uid-1", Some("same second"));
    assert_eq!(stage.text("v2/one/sequences"), "{\"43\":1}\n");
    two.set_contact("uid-1", Some("theirs, same second"));
    assert_eq!(two.new_entries(), []);
    stage.later();
    two.set_contact("uid-1", Some("later"));
    stage.clock.set_offset_ms(-3_600_000);
    two.set_contact("uid-1", Some("clock was put back"));
    assert_eq!(two.stored()[0].value, json!("later"));
    assert_eq!(one.new_entries()[0].value, json!("later"));
}

#[test]
fn counters_that_go_back_are_news_and_missing_ones_are_none() {
    let stage = Stage::new(2);
    let (one, two) = (stage.library("one"), stage.library("two"));
    one.set_contact("uid-1", Some("first"));
    two.new_entries();
    let folder = stage.folder.path().join("contacts").join(BOOK).join("v2/one");
    std::fs::write(
        folder.join("43"),
        "\nnot json\n[[\"resources\",\"x\"],\"2020-01-01T00:00:00\",null,\"x\"]",
    )
    .unwrap();
    assert_eq!(two.new_entries(), []);
    std::fs::write(folder.join("sequences"), "{\"43\":0}").unwrap();
    assert_eq!(two.new_entries().len(), 1);
    for sequences in ["{\"43\":", "[]"] {
        std::fs::write(folder.join("sequences"), sequences).unwrap();
        assert_eq!(two.new_entries(), []);
    }
    // A counter that comes before its bucket makes the bucket read as empty, and it is not looked at again.
    std::fs::write(folder.join("sequences"), "{\"77\":1}").unwrap();
    assert_eq!(two.new_entries(), []);
    std::fs::write(folder.join("77"), "[[\"resources\",\"y\"],\"2020-01-01T00:00:00\",null,\"y\"]\n")
        .unwrap();
    assert_eq!(two.new_entries(), []);
}

#[test]
fn a_phone_pushes_first_and_pulls_then() {
    let stage = Stage::new(2);
    let (mut phone, mut desk) = (stage.phone(), stage.desktop());
    let ada = phone.add(&lines("Ada", &["NOTE:1"]));
    phone.add(&lines("Gone before it was known", &[]));
    phone.delete(ada + 1);
    let done = phone.synchronise();
    let uid = phone.rows[&ada].uid.clone().unwrap();
    assert_eq!((done.pushed, phone.rows[&ada].is_dirty), (vec![uid.clone()], false));
    stage.later();
    desk.pull();
    let card = desk.contacts[&uid].join("|");
    assert!(card.contains(&format!("UID:{uid}|FN:Ada|NOTE:1|REV:")), "{card}");
    desk.write(&uid, &lines("Ada", &["NOTE:2", "UID:another"]));
    desk.write("uid-9", &lines("Bo", &[]));
    stage.later();
    // The phone has not seen note 2, and what it pushes is newer.
    phone.edit(ada, |lines| lines.push("TITLE:Countess".to_owned()));
    assert_eq!(phone.synchronise().not_recorded, Vec::<String>::new());
    desk.pull();
    assert!(desk.contacts[&uid].contains(&"NOTE:1".to_owned()));
    assert!(phone.row_of("uid-9").is_some() && phone.row_of("another").is_none());
    stage.later();
    desk.delete("uid-9");
    phone.delete(ada);
    phone.synchronise();
    assert!(phone.rows.is_empty());
    desk.pull();
    assert!(desk.contacts.is_empty());
}

#[test]
fn a_stamp_from_the_future_takes_the_phones_edits() {
    let stage = Stage::new(2);
    let (mut phone, mut desk) = (stage.phone(), stage.desktop());
    stage.clock.set_offset_ms(-60_000);
    desk.pull();
    desk.write("uid-1", &lines("Ada", &["NOTE:ahead"]));
    phone.synchronise();
    let ada = phone.row_of("uid-1").unwrap();
    phone.edit(ada, |lines| lines[1] = "NOTE:mine".to_owned());
    stage.later();
    let done = phone.synchronise();
    assert_eq!((done.not_recorded, phone.rows[&ada].is_dirty), (vec!["uid-1".to_owned()], false));
    desk.pull();
    assert!(desk.contacts["uid-1"].contains(&"NOTE:ahead".to_owned()));
}

#[test]
fn a_value_is_one_card_or_nothing() {
    let stage = Stage::new(2);
    let (mut phone, desk) = (stage.phone(), stage.desktop());
    let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Zo\r\n ë\r\nEND:VCARD\r\n";
    desk.library.set_contact("two", Some(&card.repeat(2)));
    desk.library.set_contact("none", Some(""));
    desk.library.set_contact("one", Some(card));
    assert_eq!(phone.synchronise().dropped.len(), 2);
    assert_eq!(phone.rows.len(), 1);
    assert_eq!(phone.rows[&phone.row_of("one").unwrap()].lines, ["FN:Zoë"]);
}

#[test]
fn a_deleted_book_is_deleted() {
    let stage = Stage::new(2);
    let (mut phone, desk) = (stage.phone(), stage.desktop());
    phone.add(&lines("Ada", &[]));
    phone.synchronise();
    desk.library.set(&["info"], json!("deleted"), Value::Bool(true));
    assert!(phone.synchronise().is_book_deleted);
    assert!(phone.rows.is_empty());
}

#[test]
fn version_1_works_and_is_left_when_all_can_leave_it() {
    let stage = Stage::new(1);
    let (one, two) = (stage.library("one"), stage.library("two"));
    one.set_contact(".dot/ü uid", Some("card"));
    assert_eq!(
        stage.text("stored-entries/one/resources/%2Edot%2F%C3%BC%20uid"),
        "[\"2027-01-15T08:00:00\",null,\"card\"]\n"
    );
    // An active app that knows no version 2 keeps everybody in version 1.
    one.set(&["info"], json!("last-active-one"), json!("2027-01-15"));
    one.set(&["info"], json!("supported-version-one"), json!(1));
    two.init_stored();
    assert_eq!(two.new_entries(), []);
    stage.later();
    one.set_contact(".dot/ü uid", Some("newer"));
    one.set_contact("uid-1", None);
    assert_eq!(two.new_entries().len(), 2);
    assert_eq!(two.new_entries(), []);
    assert_eq!(two.local_version(), 1);
    one.new_entries();
    stage.later();
    two.new_entries();
    two.new_entries();
    assert_eq!(two.local_version(), 2);
    // One is still at version 1: what it writes there comes with its own move.
    one.set_contact("uid-1", Some("back"));
    two.set_contact("uid-2", Some("new"));
    let news = one.new_entries();
    assert_eq!(news.iter().filter_map(Entry::uid).collect::<Vec<_>>(), ["uid-2"]);
    assert_eq!(two.new_entries().iter().filter_map(Entry::uid).collect::<Vec<_>>(), ["uid-1"]);
    let left: Vec<String> =
        everything(stage.folder.path()).into_keys().filter(|name| name.contains("entr")).collect();
    assert_eq!(left, Vec::<String>::new());
}

/// What the newest entries of a recorded tree say, as an app sees them that comes anew.
fn recorded(tree: &str) -> std::collections::BTreeMap<String, Option<String>> {
    let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/decsync-reference").join(tree);
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in everything(&from) {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    let clock = Rc::new(TestClock::at(1_900_000_000_000));
    let anew = Library::open(folder.path(), BOOK, "anew", clock).unwrap();
    anew.init_stored();
    anew.new_entries();
    let name = |entry: &Entry| {
        let card = entry.value.as_str()?;
        decsync_app::vcard::value(&decsync_app::vcard::only_card(card).unwrap(), "FN")
    };
    anew.stored().iter().filter_map(|entry| Some((entry.uid()?.to_owned(), name(entry)))).collect()
}

#[test]
fn the_recorded_trees_of_the_reference_library_are_read() {
    let known = |uid: &str, name: Option<&str>| (uid.to_owned(), name.map(str::to_owned));
    let uuid = "550e8400-e29b-41d4-a716-446655440000";
    let mut expected = std::collections::BTreeMap::from([
        known("uid-1", Some("Ada Example")),
        known(".dot/ü uid", None),
        known("uid-3", None),
        known(uuid, Some("王小明")),
    ]);
    assert_eq!(recorded("v2"), expected);
    expected.extend([known(".dot/ü uid", Some("Zoë Ångström"))]);
    assert_eq!(recorded("v1"), expected);
    expected.extend([known("uid-4", Some("Bo Later"))]);
    assert_eq!(recorded("v1-phone-moved"), expected);
}
