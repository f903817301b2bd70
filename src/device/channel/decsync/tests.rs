//! The DecSync channel on a tree in memory: every promise, one session after the other.

use serde_json::json;

use super::encoding::{bucket_of, encoded};
use super::entry::DecsyncEntry;
use super::finding::own_app_id;
use super::test_bench::*;
use crate::device::channel::contract::{Access, Channel};
use crate::ics::Guid;
use crate::provider::{
    Clock, Completeness, Delivery, ProviderError, Settled, SimpleOutcome, SimpleProvider, Unsettled,
};

fn own_folder() -> String {
    format!("{BASE}/contacts/{BOOK}/v2/{}", own_app_id(guid()))
}

fn map(pairs: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    pairs.iter().map(|(uid, name)| ((*uid).to_owned(), (*name).to_owned())).collect()
}

#[test]
fn the_phones_contacts_are_listed_and_read() {
    let bench = Bench::with_contacts();
    let mut channel = bench.open();
    let encoded = map(&[("uid-1", "Ada"), ("uid-2", "Ben"), ("%C3%BC%2F3", "Cyd")]);
    assert_eq!(names(&mut channel), encoded);
    assert_eq!(channel.place(), Some(format!("Phone/{BASE}/contacts/{BOOK}").as_str()));
    assert_eq!(channel.read(&at(&channel, "uid-1")).unwrap(), card("uid-1", "Ada").into_bytes());
    assert!(matches!(channel.read(&at(&channel, "none")), Err(ProviderError::Gone(_))));
    let listing = channel.list().unwrap();
    let stamp = &listing.entries.iter().find(|entry| entry.locator == at(&channel, "uid-1")).unwrap().stamp;
    assert_eq!(stamp.size_bytes, u64::try_from(card("uid-1", "Ada").len()).unwrap());
    assert!(stamp.modified.as_deref().unwrap().starts_with("20261120T110000 "));
    assert_eq!(channel.restarted(0), None);
    assert!(channel.remarks().is_empty());
    assert_eq!(bench.phone.folders(&format!("{BASE}/contacts/{BOOK}/v2")).len(), 1, "listing writes nothing");
}

#[test]
fn what_is_written_reaches_the_phone_and_comes_back() {
    let mut bench = Bench::with_contacts();
    {
        let mut channel = bench.open();
        names(&mut channel);
        channel.prepare_writes().unwrap();
        let without_uid = card("x", "Dan").replace("UID:x\r\n", "");
        let made = done(channel.create("from-name", without_uid.as_bytes()));
        assert_eq!(made, at(&channel, "from-name"));
        let changed = card("uid-1", "Ada Two");
        done(channel.replace(&at(&channel, "uid-1"), revision("uid-1", "Ada"), changed.as_bytes()));
        done(channel.delete(&at(&channel, "uid-2"), revision("uid-2", "Ben")));
        assert!(bench.phone.read(&format!("{}/sequences", own_folder())).is_none(), "only noted");
        channel.flush().unwrap();
        let stamps = channel.finish_writes().unwrap();
        channel.keep().unwrap();
        assert_eq!(stamps.len(), 2);
        let listing = channel.list().unwrap();
        assert!(
            stamps.iter().all(|entry| listing.entries.contains(entry)),
            "the next listing shows the same"
        );
    }
    bench.app.sync(&bench.phone);
    let expected = map(&[("from-name", "Dan"), ("uid-1", "Ada Two"), ("ü/3", "Cyd")]);
    assert_eq!(bench.app.contacts(), expected);
    // The phone's own edit goes over ours.
    bench.clock.advance_ms(60_000);
    bench.app.edit(&bench.phone, "from-name", "2026-11-20T12:00:30", Some("Dan Three"));
    let listed = bench.listed();
    assert_eq!(listed.get("from-name").map(String::as_str), Some("Dan Three"));
    assert_eq!(listed.len(), 3);
    assert!(bench.phone.read(&format!("{}/sequences", own_folder())).is_some());
}

#[test]
fn only_what_changed_is_read_again() {
    let mut bench = Bench::with_contacts();
    bench.listed();
    let cost = |bench: &Bench| {
        let mut channel = bench.open();
        channel.list().unwrap();
        channel.keep().unwrap();
        (channel.statistics().requests, channel.statistics().read_bytes)
    };
    let (requests, bytes) = cost(&bench);
    for number in 0..300 {
        bench.app.edit(&bench.phone, &format!("n{number}"), "2026-11-20T11:30:00", Some("New"));
    }
    let (all, _) = cost(&bench);
    assert!(all > requests + 100);
    let (again, again_bytes) = cost(&bench);
    assert_eq!(again, requests, "the number of contacts does not matter");
    assert!(requests < 20, "{requests} requests");
    assert!(again_bytes < bytes + 4000);
    // A counter that went down is a change as well.
    let path = format!("{BASE}/contacts/{BOOK}/v2/{PHONE_APP}/sequences");
    let bucket = bucket_of(&["resources", "uid-1"]);
    let text = String::from_utf8(bench.phone.read(&path).unwrap()).unwrap();
    let mut counters: serde_json::Value = serde_json::from_str(&text).unwrap();
    counters[&bucket] = json!(-1);
    bench.phone.write(&path, counters.to_string().as_bytes());
    assert_eq!(cost(&bench).0, requests + 1);
}

#[test]
fn a_write_over_something_else_is_stale() {
    let bench = Bench::with_contacts();
    let mut channel = bench.open();
    names(&mut channel);
    let bytes = card("uid-1", "New");
    let refused = |outcome: &SimpleOutcome| matches!(outcome, SimpleOutcome::Refused(_));
    assert!(refused(&channel.create("a", bytes.as_bytes())), "not prepared");
    channel.prepare_writes().unwrap();
    let place = at(&channel, "uid-1");
    assert!(matches!(
        channel.replace(&place, revision("uid-1", "X"), bytes.as_bytes()),
        SimpleOutcome::Stale
    ));
    assert!(matches!(channel.delete(&place, revision("uid-1", "X")), SimpleOutcome::Stale));
    assert!(matches!(channel.delete(&at(&channel, "none"), revision("uid-1", "Ada")), SimpleOutcome::Stale));
    assert!(refused(&channel.create("uid-1", bytes.as_bytes())), "another version is there");
    done(channel.create("uid-1", card("uid-1", "Ada").as_bytes()));
    assert!(refused(&channel.create("v4", card("v4", "V").replace("3.0", "4.0").as_bytes())));
    channel.flush().unwrap();
    assert!(bench.phone.read(&format!("{}/sequences", own_folder())).is_none(), "nothing was to be written");
}

#[test]
fn a_contact_can_be_written_twice_and_made_again() {
    let mut bench = Bench::with_contacts();
    {
        let mut channel = bench.open();
        names(&mut channel);
        channel.prepare_writes().unwrap();
        let place = at(&channel, "uid-1");
        done(channel.replace(&place, revision("uid-1", "Ada"), card("uid-1", "Two").as_bytes()));
        done(channel.delete(&place, revision("uid-1", "Two")));
        done(channel.create("uid-1", card("uid-1", "Three").as_bytes()));
        channel.flush().unwrap();
        done(channel.replace(&place, revision("uid-1", "Three"), card("uid-1", "Four").as_bytes()));
        channel.flush().unwrap();
    }
    assert_eq!(bench.clock.now_ms(), NOON_MS + 3000, "each stamp is a second later, and never ahead");
    bench.app.sync(&bench.phone);
    assert_eq!(bench.app.contacts().get("uid-1").map(String::as_str), Some("Four"));
    assert_eq!(bench.listed(), map(&[("%C3%BC%2F3", "Cyd"), ("uid-1", "Four"), ("uid-2", "Ben")]));
}

#[test]
fn what_is_ahead_of_the_phones_clock_is_put_off() {
    let mut bench = Bench::with_contacts();
    bench.app.edit(&bench.phone, "uid-1", "2026-11-20T12:00:01", Some("Soon"));
    bench.app.edit(&bench.phone, "uid-2", "2026-11-20T13:00:00", Some("Later"));
    {
        let mut channel = bench.open();
        names(&mut channel);
        channel.prepare_writes().unwrap();
        let (soon, later) = (at(&channel, "uid-1"), at(&channel, "uid-2"));
        done(channel.replace(&soon, revision("uid-1", "Soon"), card("uid-1", "Mine").as_bytes()));
        assert_eq!(bench.clock.now_ms(), NOON_MS + 2000);
        let SimpleOutcome::Refused(words) =
            channel.replace(&later, revision("uid-2", "Later"), card("uid-2", "Mine").as_bytes())
        else {
            panic!("not put off")
        };
        assert!(words.contains("phone's clock") && words.contains("59 minutes"), "{words}");
        channel.flush().unwrap();
    }
    bench.app.sync(&bench.phone);
    assert_eq!(bench.app.contacts(), map(&[("uid-1", "Mine"), ("uid-2", "Later"), ("ü/3", "Cyd")]));
    bench.clock.advance_ms(3_600_000);
    {
        let mut channel = bench.open();
        names(&mut channel);
        channel.prepare_writes().unwrap();
        let later = at(&channel, "uid-2");
        done(channel.replace(&later, revision("uid-2", "Later"), card("uid-2", "Mine").as_bytes()));
        channel.flush().unwrap();
    }
    bench.app.sync(&bench.phone);
    assert_eq!(bench.app.contacts().get("uid-2").map(String::as_str), Some("Mine"));
}

#[test]
fn an_edit_between_noting_and_writing_is_not_overwritten() {
    let bench = Bench::with_contacts();
    let mut app = App::new(PHONE_APP);
    {
        let mut channel = bench.open();
        names(&mut channel);
        channel.prepare_writes().unwrap();
        let place = at(&channel, "uid-1");
        done(channel.replace(&place, revision("uid-1", "Ada"), card("uid-1", "Mine").as_bytes()));
        done(channel.create("new", card("new", "New").as_bytes()));
        app.edit(&bench.phone, "uid-1", "2026-11-20T12:00:00", Some("Theirs"));
        let words = channel.flush().unwrap_err().to_string();
        assert!(words.contains("edited on the phone"), "{words}");
        let write = Unsettled::Create { name: "new".to_owned(), bytes: card("new", "New").into_bytes() };
        names(&mut channel);
        assert!(channel.settle(&write).unwrap() == Settled::NotHappened);
    }
    app.sync(&bench.phone);
    assert_eq!(app.contacts(), map(&[("uid-1", "Theirs")]), "nothing of ours arrived");
    assert_eq!(bench.listed().get("uid-1").map(String::as_str), Some("Theirs"));
}

#[test]
fn an_unknown_version_is_not_touched() {
    for (text, words) in [("{\"version\":3}", "version 3"), ("{\"versio", "damaged"), ("", "damaged")] {
        let bench = Bench::with_contacts();
        bench.phone.write(&format!("{BASE}/.decsync-info"), text.as_bytes());
        match bench.open_with(Access::ReadWrite, None) {
            Err(ProviderError::Unusable(why)) => assert!(why.contains(words), "{why}"),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_deleted_address_book_is_told_and_left_to_the_guards() {
    let bench = Bench::with_contacts();
    {
        let mut channel = bench.open();
        names(&mut channel);
        channel.prepare_writes().unwrap();
        channel.keep().unwrap();
    }
    bench.say("deleted", json!(true));
    let mut channel = bench.open();
    let listing = channel.list().unwrap();
    assert_eq!((listing.entries.len(), listing.completeness), (0, Completeness::Complete));
    assert_eq!(channel.restarted(1), None);
    assert!(channel.remarks()[0].contains("“Friends” was deleted on the phone"), "{:?}", channel.remarks());
    channel.prepare_writes().unwrap();
    assert!(matches!(channel.create("n", card("n", "N").as_bytes()), SimpleOutcome::Refused(_)));
    // Deleting it was a mistake.
    bench.app.write(&bench.phone, &DecsyncEntry::info("deleted", "2026-11-20T11:30:00", json!(false)));
    assert_eq!(bench.listed().len(), 3);
}

#[test]
fn several_address_books_must_be_told_apart() {
    let mut bench = Bench::with_contacts();
    let info = DecsyncEntry::info("name", "2026-11-20T11:00:00", json!("Work")).to_line();
    bench.phone.write(&format!("{BASE}/contacts/colID00001/v2/App/info"), info.as_bytes());
    match bench.open_with(Access::ReadOnly, None) {
        Err(ProviderError::NoChannel(why)) => {
            assert!(
                why.contains("“Friends”") && why.contains("“Work”") && why.contains("--address-book"),
                "{why}"
            );
        }
        other => panic!("{other:?}"),
    }
    bench.address_book = Some("friends".to_owned());
    assert_eq!(bench.listed().len(), 3);
    {
        let mut channel = bench.open();
        names(&mut channel);
        channel.prepare_writes().unwrap();
    }
    // From now on our folder marks the one that is meant.
    bench.address_book = None;
    assert_eq!(bench.listed().len(), 3);
    assert_eq!(bench.open().marker_guid(), Some(guid()));
    bench.address_book = Some("Work".to_owned());
    let mut channel = bench.open();
    assert!(names(&mut channel).is_empty());
    assert!(channel.restarted(1).unwrap().contains("another address book"));
    channel.prepare_writes().unwrap();
    drop(channel);
    // The folder in the first one is still there, and means nothing any more.
    bench.address_book = None;
    let mut channel = bench.open();
    assert!(names(&mut channel).is_empty());
    assert_eq!((channel.marker_guid(), channel.restarted(2)), (Some(guid()), None));
}

#[test]
fn an_address_book_is_made_with_the_first_contact() {
    let mut bench = Bench::new();
    bench.address_book = Some("Family".to_owned());
    {
        let mut channel = bench.open();
        assert!(names(&mut channel).is_empty());
        channel.prepare_writes().unwrap();
        channel.keep().unwrap();
    }
    assert!(bench.phone.folders(&format!("{BASE}/contacts")).is_empty(), "not before");
    let place = {
        let mut channel = bench.open();
        assert!(names(&mut channel).is_empty());
        assert_eq!(channel.restarted(1), None);
        channel.prepare_writes().unwrap();
        done(channel.create("n", card("n", "Nia").as_bytes()));
        channel.flush().unwrap();
        assert!(channel.remarks().iter().any(|remark| remark.contains("“Family”")));
        channel.place().unwrap().to_owned()
    };
    assert_eq!(bench.listed(), map(&[("n", "Nia")]));
    let mut channel = bench.open();
    names(&mut channel);
    assert_eq!((channel.place(), channel.restarted(2)), (Some(place.as_str()), None));
    let info = format!("{}/v2/{}/info", place.strip_prefix("Phone/").unwrap(), own_app_id(guid()));
    let info = String::from_utf8(bench.phone.read(&info).unwrap()).unwrap();
    assert!(info.contains("\"name\",\"Family\""), "{info}");
    assert!(!info.contains("deleted"));
}

#[test]
fn a_folder_that_was_cleared_or_put_back_is_known() {
    for put_back in [true, false] {
        let bench = Bench::with_contacts();
        let write = |uid: &str| {
            let mut channel = bench.open();
            names(&mut channel);
            channel.prepare_writes().unwrap();
            done(channel.create(uid, card(uid, "N").as_bytes()));
            channel.flush().unwrap();
            channel.keep().unwrap();
        };
        write("n1");
        let before = bench.phone.borrow_mut().files(&own_folder());
        bench.clock.advance_ms(5000);
        write("n2");
        assert_eq!(bench.listed().len(), 5);
        bench.phone.borrow_mut().remove_folder(&own_folder());
        if put_back {
            for (name, bytes) in before {
                bench.phone.write(&format!("{}/{name}", own_folder()), &bytes);
            }
        }
        for _ in 0..2 {
            let mut channel = bench.open();
            assert_eq!(names(&mut channel).len(), if put_back { 4 } else { 3 });
            assert!(channel.restarted(9).is_some(), "until it was made known");
        }
        {
            let mut channel = bench.open();
            names(&mut channel);
            channel.prepare_writes().unwrap();
        }
        let mut channel = bench.open();
        names(&mut channel);
        assert_eq!(channel.restarted(9), None);
    }
}

#[test]
fn an_apps_folder_that_is_cleared_away_deletes_nothing() {
    let bench = Bench::with_contacts();
    let mut other = App::new("Laptop");
    other.edit(&bench.phone, "lap", "2026-11-20T11:00:00", Some("Lap"));
    assert_eq!(bench.listed().len(), 4);
    bench.phone.borrow_mut().remove_folder(&format!("{BASE}/contacts/{BOOK}/v2/Laptop"));
    let mut channel = bench.open();
    let listing = channel.list().unwrap();
    assert_eq!((listing.entries.len(), listing.completeness), (4, Completeness::Complete));
    assert!(matches!(channel.read(&at(&channel, "lap")), Err(ProviderError::Item(_))));
    channel.keep().unwrap();
    assert_eq!(bench.open().list().unwrap().entries.len(), 4);
}

#[test]
fn what_an_app_copied_is_found_when_the_original_is_cleared_away() {
    let bench = Bench::with_contacts();
    let mut other = App::new("Laptop");
    other.edit(&bench.phone, "lap", "2026-11-20T11:00:00", Some("Lap"));
    assert_eq!(bench.listed().len(), 4);
    // The phone's app keeps a copy of what it takes in, and does not count it.
    let folder = format!("{BASE}/contacts/{BOOK}/v2");
    let bucket = bucket_of(&["resources", "lap"]);
    let copied = bench.phone.read(&format!("{folder}/Laptop/{bucket}")).unwrap();
    bench.phone.write(&format!("{folder}/{PHONE_APP}/{bucket}"), &copied);
    bench.phone.borrow_mut().remove_folder(&format!("{folder}/Laptop"));
    assert_eq!(bench.listed().get("lap").map(String::as_str), Some("Lap"));
    // A computer that comes only now finds it as well, also where the app never wrote anything itself.
    let newcomer = Bench { memory: TestMemory::default(), ..bench };
    newcomer.phone.borrow_mut().remove(&format!("{folder}/{PHONE_APP}"), "sequences");
    assert_eq!(newcomer.listed().len(), 4);
    let requests = |bench: &Bench| {
        let mut channel = bench.open();
        channel.list().unwrap();
        channel.statistics().requests
    };
    assert!(requests(&newcomer) < 20, "and reads everything once only");
}

#[test]
fn what_cannot_be_read_now_is_no_absence() {
    let bench = Bench::with_contacts();
    bench.listed();
    let folder = format!("{BASE}/contacts/{BOOK}/v2/{PHONE_APP}");
    let bucket = bucket_of(&["resources", "uid-1"]);
    let sequences = bench.phone.read(&format!("{folder}/sequences")).unwrap();
    let bytes = bench.phone.read(&format!("{folder}/{bucket}")).unwrap();
    let listed = || {
        let listing = bench.open().list().unwrap();
        (listing.entries.len(), listing.completeness == Completeness::Complete)
    };
    bench.phone.write(&format!("{folder}/sequences"), &sequences[..5]);
    assert_eq!(listed(), (3, false), "being written");
    bench.phone.borrow_mut().remove(&folder, "sequences");
    assert_eq!(listed(), (3, false), "being replaced");
    let text = String::from_utf8(sequences).unwrap();
    let mut counters: serde_json::Value = serde_json::from_str(&text).unwrap();
    counters[&bucket] = json!(99);
    bench.phone.write(&format!("{folder}/sequences"), counters.to_string().as_bytes());
    bench.phone.borrow_mut().remove(&folder, &bucket);
    assert_eq!(listed(), (3, false), "the file is not there yet");
    bench.phone.write(&format!("{folder}/{bucket}"), &bytes[..20]);
    assert_eq!(listed(), (3, true), "a line that was cut deletes nothing");
    bench.phone.write(&format!("{folder}/{bucket}"), &bytes);
    assert_eq!(listed(), (3, true));
}

#[test]
fn a_tie_is_the_phones() {
    let mut bench = Bench::with_contacts();
    {
        let mut channel = bench.open();
        names(&mut channel);
        channel.prepare_writes().unwrap();
        let place = at(&channel, "uid-1");
        done(channel.replace(&place, revision("uid-1", "Ada"), card("uid-1", "Mine").as_bytes()));
        channel.flush().unwrap();
        channel.keep().unwrap();
    }
    // Edited on the phone in the same second, before it had seen ours.
    bench.app.edit(&bench.phone, "uid-1", "2026-11-20T12:00:00", Some("Theirs"));
    bench.app.sync(&bench.phone);
    assert_eq!(bench.app.contacts().get("uid-1"), bench.listed().get("uid-1"));
    assert_eq!(bench.listed().get("uid-1").map(String::as_str), Some("Theirs"));
}

fn old_line(datetime: &str, text: Option<&str>) -> Vec<u8> {
    format!("{}\n", json!([datetime, null, text])).into_bytes()
}

/// A folder of version 1 with two contacts and a deleted one, in the files of two apps.
fn old_bench() -> Bench {
    let bench = Bench::new();
    bench.phone.write(&format!("{BASE}/.decsync-info"), b"{\"version\":1}");
    let stored = format!("{BASE}/contacts/{BOOK}/stored-entries");
    let put = |app: &str, uid: &str, datetime: &str, name: Option<&str>| {
        let line = old_line(datetime, name.map(|name| card(uid, name)).as_deref());
        bench.phone.write(&format!("{stored}/{app}/resources/{}", encoded(uid)), &line);
    };
    put(PHONE_APP, "uid-1", "2026-11-19T10:00:00", Some("Ada"));
    put("Laptop", "uid-1", "2026-11-19T11:00:00", Some("Ada Two"));
    put(PHONE_APP, ".dot/ü uid", "2026-11-19T10:00:00", Some("Dot"));
    put(PHONE_APP, "gone", "2026-11-19T10:00:00", Some("Gone"));
    put("Laptop", "gone", "2026-11-19T11:00:00", None);
    bench.phone.write(
        &format!("{stored}/{PHONE_APP}/info"),
        format!("{}\n", json!(["2026-11-19T10:00:00", "name", "Old"])).as_bytes(),
    );
    bench
}

#[test]
fn version_1_is_read_and_not_written() {
    let bench = old_bench();
    let mut channel = bench.open();
    assert_eq!(names(&mut channel), map(&[("%2Edot%2F%C3%BC%20uid", "Dot"), ("uid-1", "Ada Two")]));
    assert!(!channel.capabilities().writable);
    assert_eq!(channel.capabilities().delivery, Delivery::NotNow);
    assert!(channel.prepare_writes().is_err());
    assert!(channel.remarks()[0].contains("open DecSync CC once"), "{:?}", channel.remarks());
}

#[test]
fn an_upgrade_by_the_phone_neither_deletes_nor_doubles() {
    let bench = old_bench();
    let before = {
        let mut channel = bench.open();
        let listing = channel.list().unwrap();
        channel.keep().unwrap();
        listing
    };
    // One app after the other writes what it has in the new layout and removes its old files.
    bench.phone.write(&format!("{BASE}/.decsync-info"), b"{\"version\":2}");
    let stored = format!("{BASE}/contacts/{BOOK}/stored-entries");
    let check = |step: &str| {
        let mut channel = bench.open();
        assert_eq!(channel.list().unwrap(), before, "{step}");
        assert_eq!(channel.restarted(0), None);
        channel.keep().unwrap();
    };
    check("nothing is upgraded yet");
    let laptop = App::new("Laptop");
    let two = card("uid-1", "Ada Two");
    laptop.write(&bench.phone, &DecsyncEntry::contact("uid-1", "2026-11-19T11:00:00", Some(&two)));
    check("one entry is in both");
    laptop.write(&bench.phone, &DecsyncEntry::contact("gone", "2026-11-19T11:00:00", None));
    bench.phone.borrow_mut().remove_folder(&format!("{stored}/Laptop"));
    check("the laptop is done");
    let dot = card(".dot/ü uid", "Dot");
    for entry in [
        DecsyncEntry::contact(".dot/ü uid", "2026-11-19T10:00:00", Some(&dot)),
        DecsyncEntry::contact("uid-1", "2026-11-19T11:00:00", Some(&two)),
        DecsyncEntry::info("name", "2026-11-19T10:00:00", json!("Old")),
    ] {
        bench.app.write(&bench.phone, &entry);
    }
    bench.phone.borrow_mut().remove_folder(&stored);
    check("the phone is done");
    assert_eq!(names(&mut bench.open()).len(), 2, "and everything can be read");
}

#[test]
fn another_computers_folder_is_one_app_among_others() {
    let mut bench = Bench::with_contacts();
    let other = Guid::from_random([9; 16]);
    let mut there = App::new(&own_app_id(other));
    there.edit(&bench.phone, "theirs", "2026-11-20T11:30:00", Some("Theirs"));
    assert_eq!(bench.open().marker_guid(), None);
    assert_eq!(bench.listed().len(), 4);
    bench.known = vec![other];
    assert_eq!(bench.open().marker_guid(), Some(other));
    let mut channel = bench.open();
    channel.take_identity(other, None);
    assert_eq!(names(&mut channel).len(), 4, "what was written before the memory was lost is taken in");
    channel.take_identity(other, Some("a copy".to_owned()));
    names(&mut channel);
    assert_eq!(channel.restarted(1).as_deref(), Some("a copy"));
}

#[test]
fn a_dry_run_writes_nothing_anywhere() {
    let bench = Bench::with_contacts();
    *bench.memory.puts_left.borrow_mut() = Some(0);
    let files = |bench: &Bench| bench.phone.borrow_mut().files(&own_folder()).len();
    let mut channel = bench.open_with(Access::ReadOnly, None).unwrap();
    assert_eq!(names(&mut channel).len(), 3);
    channel.keep().unwrap();
    assert!(channel.prepare_writes().is_err());
    assert_eq!(files(&bench), 0);
}

#[test]
fn many_new_contacts_are_gathered_and_all_arrive() {
    let mut bench = Bench::with_contacts();
    {
        let mut channel = bench.open();
        names(&mut channel);
        channel.prepare_writes().unwrap();
        let mut uploads = 0;
        let mut before = None;
        for batch in 0..16 {
            for number in 0..32 {
                let uid = format!("b{batch}n{number}");
                done(channel.create(&uid, card(&uid, "New").as_bytes()));
            }
            channel.flush().unwrap();
            let now = bench.phone.read(&format!("{}/sequences", own_folder()));
            uploads += usize::from(now != before);
            before = now;
        }
        assert_eq!(uploads, 5, "after 1, 2, 4, 8 and 16 batches");
        done(channel.create("last", card("last", "Last").as_bytes()));
        channel.flush().unwrap();
        assert_eq!(bench.phone.read(&format!("{}/sequences", own_folder())), before);
        assert_eq!(name_in(&channel.read(&at(&channel, "last")).unwrap()), "Last");
        assert_eq!(channel.finish_writes().unwrap().len(), 513);
        channel.keep().unwrap();
    }
    bench.app.sync(&bench.phone);
    assert_eq!(bench.app.contacts().len(), 516);
    assert_eq!(bench.listed().len(), 516);
}

#[test]
fn new_contacts_that_were_gathered_outlive_a_cut() {
    let mut bench = Bench::with_contacts();
    {
        let mut channel = bench.open();
        names(&mut channel);
        channel.prepare_writes().unwrap();
        for uid in ["n1", "n2", "n3"] {
            done(channel.create(uid, card(uid, "New").as_bytes()));
        }
        channel.flush().unwrap();
        done(channel.create("n4", card("n4", "New").as_bytes()));
        channel.flush().unwrap();
    }
    bench.app.sync(&bench.phone);
    assert_eq!(bench.app.contacts().len(), 6, "the fourth waits");
    assert_eq!(bench.open_with(Access::ReadOnly, None).unwrap().list().unwrap().entries.len(), 7);
    bench.app.sync(&bench.phone);
    assert_eq!(bench.app.contacts().len(), 6, "a dry run brings nothing");
    assert_eq!(bench.listed().len(), 7);
    bench.app.sync(&bench.phone);
    assert_eq!(bench.app.contacts().len(), 7);
}
