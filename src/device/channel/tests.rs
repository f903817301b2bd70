//! The vCard folder on a tree in memory: every promise, and the cable pulled at every request.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::LazyLock;

use super::contract::{Access, Channel};
use super::marker::Marker;
use super::names::{MARKER_NAME, TEMPORARY_PREFIX, hashed_temporary_name};
use super::vcard_folder::{VcardFolder, VcardFolderOptions};
use super::writing::is_whole_card;
use crate::device::profile::{Dates as DateUse, DeviceProfile};
use crate::device::profiles::ProfileSet;
use crate::device::tree_conformance::{Dates, RenameSupport};
use crate::device::tree_memory::{Cut, MemoryPhone, MemoryTree};
use crate::ics::Guid;
use crate::provider::{
    Clock, Completeness, Locator, ProviderError, Revision, Settled, SimpleOutcome, SimpleProvider, TestClock,
    Unsettled,
};

type Phone = Rc<RefCell<MemoryPhone>>;

const FOLDER: &str = "Contacts";

fn card(uid: &str, name: &str) -> Vec<u8> {
    format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nEND:VCARD\r\n").into_bytes()
}

/// Read once: the tests open many sessions.
static PROFILES: LazyLock<ProfileSet> = LazyLock::new(|| ProfileSet::built_in().unwrap());

fn profile() -> DeviceProfile {
    PROFILES.by_id("generic").unwrap().clone()
}

fn guid() -> Guid {
    Guid::from_random([9; 16])
}

fn open_with(
    phone: &Phone,
    clock: &Rc<TestClock>,
    access: Access,
    cut: Option<(u64, Cut)>,
) -> Result<VcardFolder, ProviderError> {
    let tree = Box::new(MemoryTree::connect(phone, cut));
    let options =
        VcardFolderOptions { access, guid_if_unmarked: guid(), label: String::new(), clock: clock_of(clock) };
    VcardFolder::open(tree, &profile(), options)
}

fn open(phone: &Phone, clock: &Rc<TestClock>) -> VcardFolder {
    open_with(phone, clock, Access::ReadWrite, None).unwrap()
}

fn clock() -> Rc<TestClock> {
    Rc::new(TestClock::at(1_000_000))
}

fn clock_of(clock: &Rc<TestClock>) -> Rc<dyn Clock> {
    Rc::<TestClock>::clone(clock)
}

fn at(name: &str) -> Locator {
    Locator(format!("Phone/{FOLDER}/{name}").into())
}

fn names(folder: &mut VcardFolder) -> Vec<String> {
    let listing = folder.list().unwrap();
    assert_eq!(listing.completeness, Completeness::Complete);
    let names = listing.entries.iter().map(|entry| entry.locator.0.rsplit('/').next().unwrap().to_owned());
    names.collect()
}

fn cards(phone: &Phone) -> BTreeMap<String, Vec<u8>> {
    let mut files = phone.borrow_mut().files(FOLDER);
    files.retain(|name, _| name != MARKER_NAME);
    files
}

fn done(outcome: SimpleOutcome) -> Locator {
    match outcome {
        SimpleOutcome::Done { locator, .. } => locator,
        SimpleOutcome::Stale => panic!("stale"),
        SimpleOutcome::Refused(why) | SimpleOutcome::Unknown(why) => panic!("{why}"),
    }
}

fn refused(outcome: &SimpleOutcome) -> bool {
    matches!(outcome, SimpleOutcome::Refused(_))
}

#[test]
fn only_cards_are_listed_and_only_in_the_folder() {
    let phone = MemoryPhone::new();
    for name in ["a.vcf", "B.VCF", "notes.txt", "tbtmp-a.vcf", "x.vcf.bak"] {
        phone.borrow_mut().put(FOLDER, name, &card(name, "A"));
    }
    phone.borrow_mut().put("Download", "other.vcf", &card("o", "O"));
    let clock = clock();
    let mut folder = open_with(&phone, &clock, Access::ReadOnly, None).unwrap();
    assert_eq!(names(&mut folder), ["B.VCF", "a.vcf"]);
    assert_eq!(folder.read(&at("a.vcf")).unwrap(), card("a.vcf", "A"));
    assert!(matches!(folder.read(&at("other.vcf")), Err(ProviderError::Gone(_))));
    assert!(matches!(folder.read(&Locator("x".into())), Err(ProviderError::Gone(_))));
    assert_eq!(folder.place(), Some("Phone/Contacts"));
}

#[test]
fn the_marked_folder_is_found_before_an_earlier_candidate() {
    let phone = MemoryPhone::new();
    phone.borrow_mut().put(FOLDER, "a.vcf", b"");
    let marker = Marker { guid: Guid::from_random([4; 16]), generation: 7 };
    phone.borrow_mut().put("Documents/Contacts", MARKER_NAME, marker.to_text().as_bytes());
    let clock = clock();
    let folder = open(&phone, &clock);
    assert_eq!(folder.place(), Some("Phone/Documents/Contacts"));
    assert_eq!((folder.replica().guid, folder.replica().generation), (marker.guid, 7));
    assert_eq!(folder.restarted(7), None);
    assert!(folder.restarted(8).is_some(), "a restored phone has an older generation");
}

#[test]
fn a_marker_that_is_missing_damaged_or_newer_restarts() {
    let phone = MemoryPhone::new();
    phone.borrow_mut().put(FOLDER, "a.vcf", &card("a", "A"));
    let clock = clock();
    assert_eq!(open(&phone, &clock).restarted(0), None, "nothing was ever written, nothing is missing");
    assert!(open(&phone, &clock).restarted(1).is_some());
    phone.borrow_mut().put(FOLDER, MARKER_NAME, b"format: 1\r\n");
    let mut folder = open(&phone, &clock);
    assert!(folder.restarted(5).is_some());
    assert_eq!(folder.replica().guid, guid());
    folder.list().unwrap();
    assert_eq!(folder.prepare_writes().unwrap(), 6, "above every generation known");
    assert_eq!(open(&phone, &clock).restarted(6), None);
    let newer = Marker { guid: guid(), generation: 1 }.to_text().replace("format: 1", "format: 2");
    phone.borrow_mut().put(FOLDER, MARKER_NAME, newer.as_bytes());
    let mut folder = open(&phone, &clock);
    assert!(folder.restarted(1).is_some());
    assert!(matches!(folder.prepare_writes(), Err(ProviderError::Unusable(_))));
    assert_eq!(phone.borrow_mut().files(FOLDER)[MARKER_NAME], newer.as_bytes());
}

#[test]
fn nothing_is_made_before_something_is_written() {
    let phone = MemoryPhone::new();
    let clock = clock();
    let mut folder = open(&phone, &clock);
    assert_eq!(names(&mut folder), Vec::<String>::new());
    assert!(folder.restarted(0).is_some());
    assert!(refused(&folder.create("u1", &card("u1", "A"))), "before prepare_writes");
    assert_eq!(folder.prepare_writes().unwrap(), 1);
    assert_eq!(folder.prepare_writes().unwrap(), 1, "once per session");
    assert_eq!(done(folder.create("u1", &card("u1", "A"))), at("u1.vcf"));
    assert_eq!(folder.finish_writes().unwrap().len(), 1);
    assert_eq!(cards(&phone).len(), 1);
}

#[test]
fn a_locked_phone_and_a_short_listing_are_never_empty() {
    let phone = MemoryPhone::new();
    let clock = clock();
    let mut folder = open(&phone, &clock);
    folder.prepare_writes().unwrap();
    phone.borrow_mut().locked = true;
    assert!(matches!(open_with(&phone, &clock, Access::ReadWrite, None), Err(ProviderError::Locked(_))));
    phone.borrow_mut().locked = false;
    let mut folder = open(&phone, &clock);
    folder.list().unwrap();
    phone.borrow_mut().remove(FOLDER, MARKER_NAME);
    let listing = folder.list().unwrap();
    assert!(matches!(listing.completeness, Completeness::Incomplete(_)), "the marker was there a moment ago");
    phone.borrow_mut().incomplete = Some("cut short".to_owned());
    let listing = open(&phone, &clock).list().unwrap();
    assert_eq!(listing.completeness, Completeness::Incomplete("cut short".to_owned()));
    let empty = MemoryPhone::new();
    empty.borrow_mut().incomplete = Some("cut short".to_owned());
    assert!(
        open_with(&empty, &clock, Access::ReadWrite, None).is_err(),
        "the folder may be in what was cut off"
    );
}

#[test]
fn a_dry_run_touches_nothing() {
    let phone = MemoryPhone::new();
    for (name, bytes) in [
        ("a.vcf", card("a", "A")),
        ("tbtmp-a.vcf", card("a", "A2")),
        ("tbtmp-alone.vcf", card("alone", "B")),
        ("tbtmp-torn.vcf", b"BEGIN:VC".to_vec()),
    ] {
        phone.borrow_mut().put(FOLDER, name, &bytes);
    }
    let before = phone.borrow_mut().files(FOLDER);
    let clock = clock();
    let mut folder = open_with(&phone, &clock, Access::ReadOnly, None).unwrap();
    assert!(folder.capabilities().writable, "the plan must show the writes");
    assert_eq!(names(&mut folder), ["a.vcf", "alone.vcf", "torn.vcf"]);
    assert_eq!(folder.read(&at("a.vcf")).unwrap(), card("a", "A"));
    assert_eq!(folder.read(&at("alone.vcf")).unwrap(), card("alone", "B"));
    assert!(folder.prepare_writes().is_err());
    assert!(refused(&folder.create("n", &card("n", "N"))));
    assert!(refused(&folder.replace(&at("a.vcf"), was("a", "A"), &card("a", "A3"))));
    assert!(refused(&folder.delete(&at("a.vcf"), was("a", "A"))));
    let unsettled = Unsettled::Replace { locator: at("torn.vcf"), bytes: card("torn", "T") };
    folder.settle(&unsettled).unwrap();
    assert_eq!(phone.borrow_mut().files(FOLDER), before);
}

#[test]
fn items_that_cannot_be_read_are_listed() {
    let phone = MemoryPhone::new();
    phone.borrow_mut().put(FOLDER, "empty.vcf", b"");
    phone.borrow_mut().put(FOLDER, "large.vcf", &vec![b'x'; 1_048_577]);
    let clock = clock();
    let mut folder = open(&phone, &clock);
    assert_eq!(names(&mut folder), ["empty.vcf", "large.vcf"]);
    for name in ["empty.vcf", "large.vcf"] {
        let error = folder.read(&at(name)).unwrap_err();
        assert!(matches!(error, ProviderError::Item(_)) && !error.is_fatal(), "{error}");
    }
}

#[test]
fn a_replacement_costs_six_requests_and_a_creation_three() {
    let phone = MemoryPhone::new();
    phone.borrow_mut().put(FOLDER, "a.vcf", &card("a", "A"));
    let clock = clock();
    let mut folder = open(&phone, &clock);
    folder.list().unwrap();
    folder.prepare_writes().unwrap();
    // Sending is one request here and two transactions over MTP.
    let before = folder.statistics().requests;
    done(folder.replace(&at("a.vcf"), was("a", "A"), &card("a", "A2")));
    assert_eq!(folder.statistics().requests - before, 5);
    let before = folder.statistics().requests;
    done(folder.create("b", &card("b", "B")));
    assert_eq!(folder.statistics().requests - before, 2);
    let before = folder.statistics().requests;
    done(folder.delete(&at("a.vcf"), was("a", "A2")));
    assert_eq!(folder.statistics().requests - before, 2);
    assert_eq!(cards(&phone).keys().collect::<Vec<_>>(), ["b.vcf"]);
}

#[test]
fn a_session_with_nothing_to_do_lists_the_folder_once() {
    let phone = MemoryPhone::new();
    let clock = clock();
    open(&phone, &clock).prepare_writes().unwrap();
    for index in 0..50 {
        phone.borrow_mut().put(FOLDER, &format!("{index}.vcf"), &card("x", "X"));
    }
    let mut folder = open(&phone, &clock);
    assert_eq!(names(&mut folder).len(), 50);
    // Storages, root, folder, marker.
    assert_eq!(folder.statistics().requests, 4);
}

/// The revision of a card.
fn was(uid: &str, name: &str) -> Revision {
    Revision::of(&card(uid, name))
}

#[test]
fn an_edit_that_leaves_size_and_date_as_they_were_is_stale_too() {
    let phone = MemoryPhone::new();
    phone.borrow_mut().put(FOLDER, "a.vcf", &card("a", "A"));
    let clock = clock();
    let mut folder = open(&phone, &clock);
    folder.list().unwrap();
    folder.prepare_writes().unwrap();
    phone.borrow_mut().put(FOLDER, "a.vcf", &card("a", "B"));
    assert!(matches!(folder.replace(&at("a.vcf"), was("a", "A"), &card("a", "C")), SimpleOutcome::Stale));
    assert!(matches!(folder.delete(&at("a.vcf"), was("a", "A")), SimpleOutcome::Stale));
    assert_eq!(cards(&phone), BTreeMap::from([("a.vcf".to_owned(), card("a", "B"))]));
}

#[test]
fn what_changed_meanwhile_is_stale() {
    let phone = MemoryPhone::new();
    phone.borrow_mut().put(FOLDER, "a.vcf", &card("a", "A"));
    let clock = clock();
    let mut folder = open(&phone, &clock);
    folder.list().unwrap();
    folder.prepare_writes().unwrap();
    phone.borrow_mut().now_s += 5;
    phone.borrow_mut().put(FOLDER, "a.vcf", &card("a", "B"));
    assert!(matches!(folder.replace(&at("a.vcf"), was("a", "A"), &card("a", "C")), SimpleOutcome::Stale));
    assert!(matches!(folder.delete(&at("a.vcf"), was("a", "A")), SimpleOutcome::Stale));
    assert!(matches!(folder.delete(&at("none.vcf"), was("a", "A")), SimpleOutcome::Stale));
    assert_eq!(
        cards(&phone),
        BTreeMap::from([("a.vcf".to_owned(), card("a", "B"))]),
        "and no temporary stays"
    );
}

#[test]
fn a_name_that_is_taken_is_varied_and_a_second_sending_finds_the_first() {
    let phone = MemoryPhone::new();
    phone.borrow_mut().put(FOLDER, "U1.vcf", &card("other", "Other"));
    phone.borrow_mut().put(FOLDER, "mine.vcf", &card("mine", "Older"));
    let clock = clock();
    let mut folder = open(&phone, &clock);
    folder.list().unwrap();
    folder.prepare_writes().unwrap();
    assert_eq!(
        done(folder.create("u1", &card("u1", "A"))),
        at("u1-2.vcf"),
        "letter case makes no other name"
    );
    assert_eq!(done(folder.create("u1", &card("u1", "A"))), at("u1-2.vcf"));
    assert!(refused(&folder.create("mine", &card("mine", "Newer"))), "the same contact is not made twice");
    assert_eq!(cards(&phone).len(), 3);
}

#[test]
fn what_arrives_wrong_is_removed_and_refused() {
    let phone = MemoryPhone::new();
    phone.borrow_mut().put(FOLDER, "a.vcf", &card("a", "A"));
    let clock = clock();
    let mut folder = open(&phone, &clock);
    folder.list().unwrap();
    folder.prepare_writes().unwrap();
    phone.borrow_mut().corrupts = true;
    assert!(refused(&folder.create("b", &card("b", "B"))));
    assert!(refused(&folder.replace(&at("a.vcf"), was("a", "A"), &card("a", "A2"))));
    assert_eq!(cards(&phone), BTreeMap::from([("a.vcf".to_owned(), card("a", "A"))]));
}

#[test]
fn a_file_that_may_not_be_deleted_stays_as_it_was() {
    let phone = MemoryPhone::new();
    phone.borrow_mut().put(FOLDER, "a.vcf", &card("a", "A"));
    phone.borrow_mut().protected = Some("a.vcf".to_owned());
    let clock = clock();
    let mut folder = open(&phone, &clock);
    folder.list().unwrap();
    folder.prepare_writes().unwrap();
    assert!(refused(&folder.replace(&at("a.vcf"), was("a", "A"), &card("a", "A2"))));
    assert!(refused(&folder.delete(&at("a.vcf"), was("a", "A"))));
    assert_eq!(cards(&phone), BTreeMap::from([("a.vcf".to_owned(), card("a", "A"))]));
}

#[test]
fn a_renaming_that_lied_is_found_and_repaired() {
    for rename in [RenameSupport::Works, RenameSupport::Lies, RenameSupport::Absent] {
        let phone = MemoryPhone::new();
        phone.borrow_mut().rename = rename;
        phone.borrow_mut().put(FOLDER, "a.vcf", &card("a", "A"));
        phone.borrow_mut().put(FOLDER, "b.vcf", &card("b", "B"));
        let clock = clock();
        for generation in 1..=3 {
            let mut folder = open(&phone, &clock);
            assert_eq!(names(&mut folder), ["a.vcf", "b.vcf"]);
            assert_eq!(folder.restarted(generation - 1), None);
            assert_eq!(folder.prepare_writes().unwrap(), generation);
            let text = format!("A{generation}");
            let before =
                |first: &str| if generation == 1 { first.to_owned() } else { format!("A{}", generation - 1) };
            done(folder.replace(&at("a.vcf"), was("a", &before("A")), &card("a", &text)));
            done(folder.replace(&at("b.vcf"), was("b", &before("B")), &card("b", &text)));
            let finished = folder.finish_writes().unwrap();
            assert_eq!(finished.len(), 2, "{rename:?}");
            let mut next = open(&phone, &clock);
            assert_eq!(next.list().unwrap().entries, finished, "as the next listing shows them");
            assert_eq!(
                cards(&phone),
                BTreeMap::from([
                    ("a.vcf".to_owned(), card("a", &text)),
                    ("b.vcf".to_owned(), card("b", &text)),
                ])
            );
        }
    }
}

#[test]
fn dates_that_do_not_follow_are_learned() {
    for (constant, dates, expected) in
        [(false, Dates::Seconds, true), (true, Dates::Seconds, false), (false, Dates::Absent, false)]
    {
        let phone = MemoryPhone::new();
        phone.borrow_mut().dates = dates;
        phone.borrow_mut().dates_constant = constant;
        phone.borrow_mut().put(FOLDER, "a.vcf", &card("a", "A"));
        let clock = clock();
        let mut folder = open(&phone, &clock);
        folder.list().unwrap();
        folder.prepare_writes().unwrap();
        phone.borrow_mut().now_s += 10;
        clock.sleep_ms(10_000);
        done(folder.replace(&at("a.vcf"), was("a", "A"), &card("a", "B")));
        folder.finish_writes().unwrap();
        assert_eq!(folder.stamps_tell_changes(), expected, "{constant} {dates:?}");
    }
    let mut useless = profile();
    useless.contacts.dates = DateUse::Useless;
    let phone = MemoryPhone::new();
    let clock = clock();
    let options = VcardFolderOptions {
        access: Access::ReadWrite,
        guid_if_unmarked: guid(),
        label: "My phone".to_owned(),
        clock: clock_of(&clock),
    };
    let tree = Box::new(MemoryTree::connect(&phone, None));
    let folder = VcardFolder::open(tree, &useless, options).unwrap();
    assert!(!folder.stamps_tell_changes());
    assert_eq!(folder.replica().label, "My phone");
}

#[test]
fn temporaries_are_dealt_with_at_the_next_listing() {
    let phone = MemoryPhone::new();
    let long = format!("{}.vcf", "n".repeat(116));
    for (name, bytes) in [
        ("a.vcf", card("a", "old")),
        ("tbtmp-a.vcf", card("a", "new")),
        ("tbtmp-whole.vcf", card("whole", "new")),
        ("tbtmp-torn.vcf", b"BEGIN:VCARD\r\nFN:to".to_vec()),
        (long.as_str(), card("n", "old")),
        (hashed_temporary_name(&long).as_str(), card("n", "new")),
    ] {
        phone.borrow_mut().put(FOLDER, name, &bytes);
    }
    let clock = clock();
    let mut folder = open(&phone, &clock);
    assert_eq!(names(&mut folder), ["a.vcf", &long, "torn.vcf", "whole.vcf"]);
    assert_eq!(folder.read(&at("a.vcf")).unwrap(), card("a", "old"));
    assert_eq!(folder.read(&at("whole.vcf")).unwrap(), card("whole", "new"));
    assert_eq!(
        cards(&phone).keys().map(String::as_str).collect::<Vec<_>>(),
        ["a.vcf", &long, "tbtmp-torn.vcf", "whole.vcf"]
    );
    folder.prepare_writes().unwrap();
    let replace = |name: &str, bytes| Unsettled::Replace { locator: at(name), bytes };
    assert!(folder.settle(&replace("a.vcf", card("a", "new"))).unwrap() == Settled::NotHappened);
    assert!(
        folder.settle(&replace("whole.vcf", card("whole", "new"))).unwrap()
            == Settled::Happened { locator: at("whole.vcf") }
    );
    let torn = b"BEGIN:VCARD\r\nFN:torn\r\nEND:VCARD\r\n".to_vec();
    assert!(
        folder.settle(&replace("torn.vcf", torn.clone())).unwrap()
            == Settled::Happened { locator: at("torn.vcf") }
    );
    assert_eq!(folder.read(&at("torn.vcf")).unwrap(), torn);
    assert_eq!(
        cards(&phone).keys().map(String::as_str).collect::<Vec<_>>(),
        ["a.vcf", &long, "torn.vcf", "whole.vcf"]
    );
}

#[test]
fn a_torn_file_beside_its_whole_temporary_is_mended() {
    let phone = MemoryPhone::new();
    let whole = card("a", "sent twice");
    for torn in [whole[..30].to_vec(), Vec::new(), vec![0; whole.len()]] {
        phone.borrow_mut().put(FOLDER, "a.vcf", &torn);
        phone.borrow_mut().put(FOLDER, "tbtmp-a.vcf", &whole);
        let clock = clock();
        let mut folder = open(&phone, &clock);
        assert_eq!(names(&mut folder), ["a.vcf"]);
        assert_eq!(folder.read(&at("a.vcf")).unwrap(), whole);
        assert_eq!(cards(&phone), BTreeMap::from([("a.vcf".to_owned(), whole.clone())]));
    }
}

#[test]
fn nothing_left_over_is_dealt_with_over_a_listing_that_is_not_whole() {
    let phone = MemoryPhone::new();
    phone.borrow_mut().put(FOLDER, "tbtmp-a.vcf", &card("a", "new"));
    phone.borrow_mut().incomplete = Some("cut short".to_owned());
    let before = phone.borrow_mut().files(FOLDER);
    let clock = clock();
    let mut folder = open(&phone, &clock);
    // Where the listing lacks a.vcf, an edited a.vcf may stand all the same.
    assert_eq!(folder.list().unwrap().entries, []);
    assert!(folder.prepare_writes().is_err());
    for write in [
        Unsettled::Replace { locator: at("a.vcf"), bytes: card("a", "new") },
        Unsettled::Create { name: "b".to_owned(), bytes: card("b", "B") },
    ] {
        assert!(matches!(folder.settle(&write), Err(ProviderError::Storage(_))));
    }
    assert_eq!(phone.borrow_mut().files(FOLDER), before);
    phone.borrow_mut().incomplete = None;
    assert_eq!(names(&mut folder), ["a.vcf"]);
    folder.prepare_writes().unwrap();
    let write = Unsettled::Replace { locator: at("a.vcf"), bytes: card("a", "new") };
    assert!(folder.settle(&write).unwrap() == Settled::Happened { locator: at("a.vcf") });
}

#[test]
fn a_temporary_of_unknown_origin_makes_the_listing_incomplete() {
    let phone = MemoryPhone::new();
    phone.borrow_mut().put(FOLDER, &hashed_temporary_name("gone.vcf"), &card("g", "G"));
    let clock = clock();
    let mut folder = open(&phone, &clock);
    assert!(matches!(folder.list().unwrap().completeness, Completeness::Incomplete(_)));
}

#[test]
fn an_unsettled_creation_is_found_removed_or_told() {
    let phone = MemoryPhone::new();
    let whole = card("u1", "A");
    phone.borrow_mut().put(FOLDER, "u1.vcf", &whole);
    phone.borrow_mut().put(FOLDER, "u2.vcf", &card("u2", "A")[..20]);
    phone.borrow_mut().put(FOLDER, "u3.vcf", &card("u3", "edited"));
    phone.borrow_mut().put(FOLDER, "u4.vcf", &card("somebody else", "A"));
    phone.borrow_mut().put(FOLDER, "u4-2.vcf", &card("u4", "A"));
    let clock = clock();
    let mut folder = open(&phone, &clock);
    folder.list().unwrap();
    let mut settle = |uid: &str| {
        folder.settle(&Unsettled::Create { name: uid.to_owned(), bytes: card(uid, "A") }).unwrap()
    };
    assert!(settle("u1") == Settled::Happened { locator: at("u1.vcf") });
    assert!(settle("u2") == Settled::NotHappened);
    assert!(settle("u3") == Settled::Differs { locator: at("u3.vcf") });
    assert!(settle("u4") == Settled::Happened { locator: at("u4-2.vcf") });
    assert!(settle("u5") == Settled::NotHappened);
    assert!(!cards(&phone).contains_key("u2.vcf"), "the torn one is removed");
}

/// One session with a replacement, a creation and a deletion, as far as the cable allows.
fn session(
    phone: &Phone,
    clock: &Rc<TestClock>,
    cut: Option<(u64, Cut)>,
    started: &mut Vec<Unsettled>,
) -> bool {
    let mut work = || -> Result<bool, ProviderError> {
        let mut folder = open_with(phone, clock, Access::ReadWrite, cut)?;
        folder.list()?;
        folder.prepare_writes()?;
        let replacement = card("a", "after");
        started.push(Unsettled::Replace { locator: at("a.vcf"), bytes: replacement.clone() });
        if !matches!(
            folder.replace(&at("a.vcf"), was("a", "before"), &replacement),
            SimpleOutcome::Done { .. }
        ) {
            return Ok(false);
        }
        let creation = card("new", "created");
        started.push(Unsettled::Create { name: "new".to_owned(), bytes: creation.clone() });
        if !matches!(folder.create("new", &creation), SimpleOutcome::Done { .. }) {
            return Ok(false);
        }
        if !matches!(folder.delete(&at("b.vcf"), was("b", "doomed")), SimpleOutcome::Done { .. }) {
            return Ok(false);
        }
        Ok(folder.finish_writes()?.len() == 2)
    };
    work().unwrap_or(false)
}

/// After a cut session: list, settle what was started, and look at what every card's file holds.
fn check_after_cut(phone: &Phone, clock: &Rc<TestClock>, started: &[Unsettled], why: &str) {
    let mut folder = open(phone, clock);
    let listing = folder.list().unwrap();
    assert_eq!(listing.completeness, Completeness::Complete, "{why}");
    for write in started {
        let settled = folder.settle(write).unwrap();
        match (write, &settled) {
            (Unsettled::Create { .. }, Settled::Differs { .. }) => panic!("{why}"),
            (_, Settled::Happened { locator } | Settled::Differs { locator }) => {
                assert!(is_whole_card(&folder.read(locator).unwrap()), "{why}");
            }
            (Unsettled::Replace { locator, .. }, Settled::NotHappened) => {
                assert_eq!(folder.read(locator).unwrap(), card("a", "before"), "{why}");
            }
            (Unsettled::Create { .. }, Settled::NotHappened) => {}
        }
    }
    let held = cards(phone);
    let is_ours = |name: &str| name.starts_with(TEMPORARY_PREFIX) && !name.ends_with(MARKER_NAME);
    assert!(!held.keys().any(|name| is_ours(name)), "{why}: {:?}", held.keys());
    let first = &held["a.vcf"];
    assert!(*first == card("a", "before") || *first == card("a", "after"), "{why}");
    assert!(held.get("new.vcf").is_none_or(|bytes| *bytes == card("new", "created")), "{why}");
    assert!(held.get("b.vcf").is_none_or(|bytes| *bytes == card("b", "doomed")), "{why}");
    assert_eq!(held["c.vcf"], card("c", "bystander"), "{why}");
    drop(folder);
    // The next, whole session comes to the same end whatever was cut.
    let mut folder = open(phone, clock);
    let present = names(&mut folder);
    folder.prepare_writes().unwrap();
    done(folder.replace(&at("a.vcf"), Revision::of(first), &card("a", "after")));
    done(folder.create("new", &card("new", "created")));
    if present.contains(&"b.vcf".to_owned()) {
        done(folder.delete(&at("b.vcf"), was("b", "doomed")));
    }
    folder.finish_writes().unwrap();
    assert_eq!(cards(phone).keys().collect::<Vec<_>>(), ["a.vcf", "c.vcf", "new.vcf"], "{why}");
}

#[test]
fn the_cable_pulled_at_every_request_loses_and_doubles_nothing() {
    for rename in [RenameSupport::Works, RenameSupport::Lies, RenameSupport::Absent] {
        for cut in [Cut::Before, Cut::Halfway, Cut::After] {
            let mut finished = false;
            for at_request in 1..80 {
                let phone = MemoryPhone::new();
                phone.borrow_mut().rename = rename;
                for (uid, text) in [("a", "before"), ("b", "doomed"), ("c", "bystander")] {
                    phone.borrow_mut().put(FOLDER, &format!("{uid}.vcf"), &card(uid, text));
                }
                let clock = clock();
                open(&phone, &clock).prepare_writes().unwrap();
                let mut started = Vec::new();
                finished = session(&phone, &clock, Some((at_request, cut)), &mut started);
                if finished {
                    assert!(at_request > 14, "the session makes that many requests");
                    break;
                }
                let why = format!("{rename:?} {cut:?} {at_request}");
                // The marker is never lost, so nothing has to be compared anew.
                assert_eq!(open(&phone, &clock).restarted(1), None, "{why}");
                check_after_cut(&phone, &clock, &started, &why);
            }
            assert!(finished, "some number of requests is enough");
        }
    }
}

#[test]
fn a_probe_leaves_nothing_and_what_a_cut_one_leaves_is_no_contact() {
    let mut cuts = 0;
    for cut in [Cut::Before, Cut::Halfway, Cut::After] {
        for at_request in 1..20 {
            let phone = MemoryPhone::new();
            phone.borrow_mut().put(FOLDER, "c.vcf", &card("c", "bystander"));
            let clock = clock();
            let probe =
                |cut| open_with(&phone, &clock, Access::ReadWrite, cut)?.probe(&card("p", "Everything"));
            let end = probe(Some((at_request, cut)));
            assert_eq!(names(&mut open(&phone, &clock)), ["c.vcf"], "cut {at_request}");
            match end {
                Ok(held) => assert_eq!(held.unwrap(), card("p", "Everything")),
                Err(_) => {
                    cuts += 1;
                    assert_eq!(probe(None).unwrap().unwrap(), card("p", "Everything"));
                }
            }
            assert_eq!(phone.borrow_mut().files(FOLDER).keys().collect::<Vec<_>>(), ["c.vcf"]);
        }
    }
    assert!(cuts > 15, "{cuts} cuts met a request");
    let phone = MemoryPhone::new();
    phone.borrow_mut().put(FOLDER, "c.vcf", &card("c", "bystander"));
    let mut dry = open_with(&phone, &clock(), Access::ReadOnly, None).unwrap();
    assert!(dry.probe(&card("p", "Everything")).is_err());
}
