//! The MTP tree and the vCard folder on it, over the simulated phone in all its personalities.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::LazyLock;

use super::channel::{Access, Channel, VcardFolder, VcardFolderOptions};
use super::profiles::ProfileSet;
use super::tree::{ObjectTree, Place, TreeError};
use super::tree_conformance::{Dates, Expectation, Lengths, RenameSupport, check_tree};
use super::tree_mtp::MtpTree;
use crate::ics::Guid;
use crate::mtp::code::{data_type, format, property};
use crate::mtp::{PropertyValue, SessionOptions};
use crate::provider::{
    Clock, Completeness, Locator, ProviderError, Revision, Settled, SimpleOutcome, SimpleProvider, TestClock,
    Unsettled,
};
use crate::sim::{
    Entry, FaultPlan, FormatRule, HandleLife, Handles, Insistence, MemoryStorage, Personality, Phone, Storage,
};

/// Read once: the tests open many thousand sessions.
static PROFILES: LazyLock<ProfileSet> = LazyLock::new(|| ProfileSet::built_in().unwrap());

/// A phone with the folder that its profile looks for first.
struct Bench {
    phone: Phone,
    storage: Rc<RefCell<MemoryStorage>>,
    clock: Rc<TestClock>,
}

/// Personality, profile, and how the tree differs from the best.
fn catalogue() -> Vec<(&'static str, &'static str, Expectation)> {
    let best = Expectation::BEST;
    let overwrites = Expectation { tells_taken_names: false, ..best };
    vec![
        ("android", "android", best),
        ("android-8", "android", Expectation { tells_gone_objects: false, ..best }),
        ("zen", "creative-zen", Expectation { dates: Dates::Absent, ..best }),
        ("nokia-s40", "nokia-s40", Expectation { rename: RenameSupport::Absent, ..best }),
        ("sailfish", "jolla", overwrites),
        ("umtp", "umtp", overwrites),
        ("qemu", "qemu", Expectation { rename: RenameSupport::Absent, ..overwrites }),
        ("ubuntu-touch", "ubuntu-touch", overwrites),
        ("cmtp", "android", overwrites),
        ("strict", "android", best),
    ]
}

fn card(uid: &str, text: &str) -> Vec<u8> {
    format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{text}\r\nEND:VCARD\r\n").into_bytes()
}

impl Bench {
    fn new(name: &str) -> Self {
        Self::of(Personality::by_name(name).unwrap())
    }

    fn of(personality: Personality) -> Self {
        let clock = Rc::new(TestClock::at(1_700_000_000_000));
        let storage = MemoryStorage::shared(Rc::<TestClock>::clone(&clock));
        let phone = Phone::new(personality, storage.clone(), Rc::<TestClock>::clone(&clock));
        Self { phone, storage, clock }
    }

    fn tree(&self, faults: FaultPlan) -> Result<MtpTree, TreeError> {
        let link = Box::new(self.phone.plug_in(faults));
        MtpTree::open(link, Rc::<TestClock>::clone(&self.clock), &SessionOptions::default())
    }

    fn open(&self, access: Access, faults: FaultPlan) -> Result<VcardFolder, ProviderError> {
        let tree = self.tree(faults).map_err(TreeError::for_side)?;
        let profile = PROFILES.choose(tree.identity()).unwrap();
        let options = VcardFolderOptions {
            access,
            guid_if_unmarked: Guid::from_random([5; 16]),
            label: String::new(),
            clock: Rc::<TestClock>::clone(&self.clock),
        };
        VcardFolder::open(Box::new(tree), profile, options)
    }

    fn folder(&self) -> VcardFolder {
        self.open(Access::ReadWrite, FaultPlan::none()).unwrap()
    }

    /// Writes what the phone's own apps would.
    fn put(&self, path: &str, bytes: &[u8]) {
        let mut made = String::new();
        let (folder, _) = path.rsplit_once('/').unwrap();
        for component in folder.split('/') {
            made = if made.is_empty() { component.to_owned() } else { format!("{made}/{component}") };
            let _ = self.storage.borrow_mut().make_folder(&made);
        }
        self.storage.borrow_mut().write(path, bytes).unwrap();
        self.phone.media_scan();
    }

    /// The contacts folder of the profile for this personality.
    fn place(&self) -> String {
        let name = self.phone.personality().name;
        let (_, profile, _) = catalogue().into_iter().find(|(known, ..)| *known == name).unwrap();
        folder_of(profile)
    }

    fn files(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let entries: Vec<Entry> = self.storage.borrow().list(folder).unwrap();
        let files = entries.into_iter().map(|entry| {
            let bytes = self.storage.borrow().read(&format!("{folder}/{}", entry.name)).unwrap();
            (entry.name, bytes)
        });
        files.collect()
    }
}

fn folder_of(profile: &str) -> String {
    PROFILES.by_id(profile).unwrap().contacts.folders[0].clone()
}

fn names(folder: &mut VcardFolder) -> Vec<String> {
    let listing = folder.list().unwrap();
    assert_eq!(listing.completeness, Completeness::Complete);
    let names = listing.entries.iter().map(|entry| entry.locator.0.rsplit('/').next().unwrap().to_owned());
    names.collect()
}

fn at(folder: &VcardFolder, name: &str) -> Locator {
    Locator(format!("{}/{name}", folder.place().unwrap()).into())
}

fn is_done(outcome: &SimpleOutcome) -> bool {
    if let SimpleOutcome::Refused(why) | SimpleOutcome::Unknown(why) = outcome {
        println!("{why}");
    }
    matches!(outcome, SimpleOutcome::Done { .. })
}

#[test]
fn every_personality_conforms() {
    for (name, profile, expectation) in catalogue() {
        println!("{name}");
        let bench = Bench::new(name);
        let mut tree = bench.tree(FaultPlan::none()).unwrap();
        assert_eq!(PROFILES.choose(tree.identity()).unwrap().id, profile, "{name}");
        check_tree(&mut tree, &expectation);
    }
    // One whose app rewrites what it is sent cannot conform.
    assert_eq!(catalogue().len(), Personality::faithful_names().len());
}

#[test]
fn what_was_made_just_now_may_appear_a_moment_later() {
    let bench = Bench::new("qemu");
    let root = |tree: &mut MtpTree| tree.storages().unwrap()[0].root.clone();
    // QEMU answers so until its file system has told it of the file; other questions come to that place too.
    let late = "fail:2009@GetObject:1,fail:2009@GetObject:2,fail:2009@GetObjectInfo:1";
    let mut tree = bench.tree(late.parse().unwrap()).unwrap();
    let folder = root(&mut tree);
    let object = tree.create(&folder, "late.vcf", b"late").unwrap();
    let before_ms = bench.clock.now_ms();
    assert_eq!(tree.read(&object, 4, 100).unwrap(), b"late");
    assert_eq!(bench.clock.now_ms() - before_ms, 50, "two waits");
    tree.create(&folder, "next.vcf", b"next").unwrap();
    assert!(tree.find(&folder, "next.vcf").unwrap().is_some());
    assert_eq!(bench.clock.now_ms() - before_ms, 60, "one more wait, before the listing");
    // What was seen before and is gone is gone at once; and waiting comes to an end.
    tree.delete(&object).unwrap();
    assert_eq!(tree.read(&object, 4, 100).unwrap_err(), TreeError::NotFound("the object".to_owned()));
    assert_eq!(bench.clock.now_ms() - before_ms, 60);
    let never = (1..=20).map(|nth| format!("fail:2009@GetObject:{nth}")).collect::<Vec<_>>().join(",");
    let mut tree = bench.tree(never.parse().unwrap()).unwrap();
    let folder = root(&mut tree);
    let object = tree.create(&folder, "never.vcf", b"never").unwrap();
    assert_eq!(tree.read(&object, 5, 100).unwrap_err(), TreeError::NotFound("the object".to_owned()));
    assert_eq!(bench.clock.now_ms() - before_ms, 1_060);
}

#[test]
fn a_file_that_would_halt_the_device_is_refused_before_it_is_announced() {
    let bench = Bench::new("qemu");
    let quirks = PROFILES.quirks_of_usb((0x46f4, 0x0004)).for_session();
    let options = SessionOptions { quirks, ..SessionOptions::default() };
    let link = Box::new(bench.phone.plug_in(FaultPlan::none()));
    let mut tree = MtpTree::open(link, Rc::<TestClock>::clone(&bench.clock), &options).unwrap();
    check_tree(
        &mut tree,
        &Expectation {
            rename: RenameSupport::Absent,
            tells_taken_names: false,
            lengths: Lengths::NoWhole64,
            ..Expectation::BEST
        },
    );
}

#[test]
fn a_whole_session_on_every_personality() {
    for (name, profile, _) in catalogue() {
        println!("{name}");
        let bench = Bench::new(name);
        let place = folder_of(profile);
        for uid in ["a", "b", "c"] {
            bench.put(&format!("{place}/{uid}.vcf"), &card(uid, "before"));
        }
        for round in 1..=2 {
            bench.clock.sleep_ms(60_000);
            let mut folder = bench.folder();
            let expected: &[&str] =
                if round == 1 { &["a.vcf", "b.vcf", "c.vcf"] } else { &["a.vcf", "b.vcf", "new1.vcf"] };
            assert_eq!(names(&mut folder), expected, "{name}");
            assert_eq!(folder.restarted(round - 1), None, "{name}");
            assert_eq!(folder.prepare_writes().unwrap(), round, "{name}");
            let text = format!("round {round} with a longer name");
            let (first, last) = (at(&folder, "a.vcf"), at(&folder, expected[2]));
            let (first_was, last_was) = match round {
                1 => (card("a", "before"), card("c", "before")),
                _ => {
                    let before = format!("round {} with a longer name", round - 1);
                    (card("a", &before), card("n", &before))
                }
            };
            let replaced = folder.replace(&first, Revision::of(&first_was), &card("a", &text));
            assert!(is_done(&replaced), "{name}");
            assert!(is_done(&folder.create(&format!("new{round}"), &card("n", &text))), "{name}");
            assert!(is_done(&folder.delete(&last, Revision::of(&last_was))), "{name}");
            let finished = folder.finish_writes().unwrap();
            assert_eq!(finished.len(), 2, "{name}");
            assert_eq!(folder.read(&first).unwrap(), card("a", &text), "{name}");
            folder.close();
            let mut files = bench.files(&place);
            files.remove("tetherbook-replica.txt").unwrap();
            let new = format!("new{round}.vcf");
            let expected = [("a.vcf", &*text), ("b.vcf", "before"), (&*new, &*text)];
            let expected: Vec<_> = expected.iter().map(|(name, _)| (*name).to_owned()).collect();
            assert_eq!(files.keys().cloned().collect::<Vec<_>>(), expected, "{name}");
            assert_eq!(files["a.vcf"], card("a", &text), "{name}");
            let listing = bench.folder().list().unwrap();
            for entry in finished {
                assert!(listing.entries.contains(&entry), "{name}: as the next listing shows it");
            }
        }
    }
}

#[test]
fn budgets() {
    for (name, profile, _) in catalogue() {
        let bench = Bench::new(name);
        let place = folder_of(profile);
        bench.put(&format!("{place}/0.vcf"), &card("0", "x"));
        let mut folder = bench.folder();
        folder.prepare_writes().unwrap();
        // What was learned of the device's listings is remembered from one session to the next.
        let learned = MtpTree::listing_method_of(&folder.habits());
        folder.close();
        drop(folder);
        let count = 40;
        for index in 0..count {
            bench.put(&format!("{place}/{index}.vcf"), &card("x", "x"));
        }
        let link = bench.phone.plug_in(FaultPlan::none());
        let trace = link.trace();
        let session_options = SessionOptions { listing_method: learned, ..SessionOptions::default() };
        let tree =
            MtpTree::open(Box::new(link), Rc::<TestClock>::clone(&bench.clock), &session_options).unwrap();
        let chosen = PROFILES.choose(tree.identity()).unwrap();
        let options = VcardFolderOptions {
            access: Access::ReadWrite,
            guid_if_unmarked: Guid::from_random([5; 16]),
            label: String::new(),
            clock: Rc::<TestClock>::clone(&bench.clock),
        };
        let mut folder = VcardFolder::open(Box::new(tree), chosen, options).unwrap();
        assert_eq!(names(&mut folder).len(), count, "{name}");
        let habits = folder.habits();
        folder.close();
        let transactions = trace.borrow().transactions();
        // A folder below another one costs a listing more.
        let deeper = 2 * place.matches('/').count();
        let limit = if habits == "property-list" { 10 } else { count + 10 + deeper };
        println!("{name}: {transactions} transactions, {habits}");
        assert!(transactions <= limit, "{name}: {transactions} {habits}");
        if matches!(name, "android" | "sailfish" | "zen" | "strict") {
            assert_eq!(habits, "property-list", "{name}");
        }
    }
}

/// The revision of a card.
fn was(uid: &str, name: &str) -> Revision {
    Revision::of(&card(uid, name))
}

#[test]
fn a_replacement_costs_six_transactions() {
    let bench = Bench::new("android");
    bench.put("Contacts/a.vcf", &card("a", "before"));
    let mut folder = bench.folder();
    folder.list().unwrap();
    folder.prepare_writes().unwrap();
    let place = at(&folder, "a.vcf");
    let before = folder.statistics().requests;
    assert!(is_done(&folder.replace(&place, was("a", "before"), &card("a", "after"))));
    assert_eq!(folder.statistics().requests - before, 6);
}

/// The names that an organiser shows which looks for objects of one format, whatever their names are.
fn organiser(bench: &Bench, wanted: u16) -> Vec<String> {
    let mut tree = bench.tree(FaultPlan::none()).unwrap();
    let mut folder = tree.storages().unwrap()[0].root.clone();
    for name in bench.place().split('/') {
        folder = tree.find(&folder, name).unwrap().unwrap().object;
    }
    let mut shown = Vec::new();
    for entry in tree.list(&folder).unwrap().entries {
        let Place::Handle { handle, .. } = entry.object.0 else { unreachable!() };
        let format =
            tree.session.object_property(handle, property::OBJECT_FORMAT, data_type::UINT16).unwrap();
        if format == PropertyValue::U16(wanted) {
            shown.push(entry.name);
        }
    }
    shown.sort();
    shown
}

#[test]
fn an_organiser_that_goes_by_object_formats_shows_what_was_sent() {
    for (name, wanted, other) in
        [("zen", format::VCARD3, format::VCARD2), ("nokia-s40", format::VCARD2, format::VCARD3)]
    {
        // It keeps the format that was sent, lists both of vCard's, and takes only those that it lists.
        let of = Personality::by_name(name).unwrap();
        let bench = Bench::of(Personality {
            format_rule: FormatRule::AsSent,
            formats: vec![format::UNDEFINED, format::ASSOCIATION, format::VCARD2, format::VCARD3],
            handles: Handles { life: HandleLife::Database, ..of.handles },
            insists: Insistence { formats: true, ..of.insists },
            ..of
        });
        let mut folder = bench.folder();
        folder.list().unwrap();
        folder.prepare_writes().unwrap();
        assert!(is_done(&folder.create("a", &card("a", "first"))), "{name}");
        assert!(is_done(&folder.create("b", &card("b", "second"))), "{name}");
        let changed = at(&folder, "a.vcf");
        assert!(is_done(&folder.replace(&changed, was("a", "first"), &card("a", "edited"))), "{name}");
        folder.finish_writes().unwrap();
        drop(folder);
        assert_eq!(organiser(&bench, wanted), ["a.vcf", "b.vcf"], "{name}");
        assert_eq!(organiser(&bench, other), [""; 0], "{name}");
        assert_eq!(organiser(&bench, format::UNDEFINED), ["tetherbook-replica.txt"], "{name}");
    }
}

#[test]
fn a_locked_phone_is_locked() {
    for (name, profile, _) in catalogue() {
        let bench = Bench::new(name);
        bench.put(&format!("{}/a.vcf", folder_of(profile)), &card("a", "x"));
        let mut folder = bench.folder();
        folder.list().unwrap();
        bench.phone.lock();
        assert!(folder.list().is_err(), "{name}");
        let opened = bench.open(Access::ReadWrite, FaultPlan::none());
        assert!(matches!(opened, Err(ProviderError::Locked(_))), "{name}: {opened:?}");
        bench.phone.unlock();
        assert_eq!(names(&mut bench.folder()), ["a.vcf"], "{name}");
    }
}

/// One session as far as the cable allows; true if it came to its end.
fn session(bench: &Bench, faults: &FaultPlan, started: &mut Vec<Unsettled>) -> bool {
    let mut work = || -> Result<bool, ProviderError> {
        let mut folder = bench.open(Access::ReadWrite, faults.clone())?;
        folder.list()?;
        folder.prepare_writes()?;
        let first = at(&folder, "a.vcf");
        started.push(Unsettled::Replace { locator: first.clone(), bytes: card("a", "after") });
        let outcome = folder.replace(&first, was("a", "before"), &card("a", "after"));
        if !is_done(&outcome) {
            if matches!(outcome, SimpleOutcome::Refused(_) | SimpleOutcome::Stale) {
                // Then nothing was changed, and the journal forgets it.
                started.pop();
                assert_eq!(bench.files(&bench.place())["a.vcf"], card("a", "before"));
            }
            return Ok(false);
        }
        started.push(Unsettled::Create { name: "new".to_owned(), bytes: card("new", "created") });
        if !is_done(&folder.create("new", &card("new", "created"))) {
            return Ok(false);
        }
        let doomed = at(&folder, "b.vcf");
        let outcome = folder.delete(&doomed, was("b", "doomed"));
        if !is_done(&outcome) {
            if matches!(outcome, SimpleOutcome::Refused(_) | SimpleOutcome::Stale) {
                assert_eq!(bench.files(&bench.place())["b.vcf"], card("b", "doomed"));
            }
            return Ok(false);
        }
        Ok(folder.finish_writes()?.len() == 2)
    };
    work().unwrap_or(false)
}

fn check_after(bench: &Bench, place: &str, started: &[Unsettled], why: &str) {
    let mut folder = bench.folder();
    assert_eq!(folder.restarted(1), None, "{why}: the marker is never lost");
    let listing = folder.list().unwrap();
    assert_eq!(listing.completeness, Completeness::Complete, "{why}");
    for write in started {
        let settled = folder.settle(write).unwrap();
        match (write, settled) {
            (Unsettled::Replace { locator, .. }, Settled::NotHappened) => {
                assert_eq!(folder.read(locator).unwrap(), card("a", "before"), "{why}");
            }
            (Unsettled::Replace { .. }, Settled::Happened { locator } | Settled::Differs { locator }) => {
                let held = folder.read(&locator).unwrap();
                assert!(held == card("a", "before") || held == card("a", "after"), "{why}");
            }
            (Unsettled::Create { .. }, Settled::Happened { locator }) => {
                assert_eq!(folder.read(&locator).unwrap(), card("new", "created"), "{why}");
            }
            (Unsettled::Create { .. }, Settled::Differs { .. }) => panic!("{why}"),
            (Unsettled::Create { .. }, Settled::NotHappened) => {}
        }
    }
    let files = bench.files(place);
    assert_eq!(files["c.vcf"], card("c", "bystander"), "{why}");
    assert!([card("a", "before"), card("a", "after")].contains(&files["a.vcf"]), "{why}");
    assert!(files.get("new.vcf").is_none_or(|bytes| *bytes == card("new", "created")), "{why}");
    drop(folder);
    let mut folder = bench.folder();
    let present = names(&mut folder);
    folder.prepare_writes().unwrap();
    let first = at(&folder, "a.vcf");
    let now = Revision::of(&files["a.vcf"]);
    assert!(is_done(&folder.replace(&first, now, &card("a", "after"))), "{why}");
    assert!(is_done(&folder.create("new", &card("new", "created"))), "{why}");
    if present.contains(&"b.vcf".to_owned()) {
        let doomed = at(&folder, "b.vcf");
        assert!(is_done(&folder.delete(&doomed, was("b", "doomed"))), "{why}");
    }
    folder.finish_writes().unwrap();
    let files = bench.files(place);
    let left: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(left, ["a.vcf", "c.vcf", "new.vcf", "tetherbook-replica.txt"], "{why}");
    assert_eq!(files["a.vcf"], card("a", "after"), "{why}");
}

#[test]
fn the_cable_pulled_at_every_container_loses_and_doubles_nothing() {
    for (name, profile, _) in catalogue() {
        let place = folder_of(profile);
        let mut finished = false;
        for number in 1..400 {
            let bench = Bench::new(name);
            for (uid, text) in [("a", "before"), ("b", "doomed"), ("c", "bystander")] {
                bench.put(&format!("{place}/{uid}.vcf"), &card(uid, text));
            }
            bench.folder().prepare_writes().unwrap();
            let mut started = Vec::new();
            finished = session(&bench, &FaultPlan::cut_at_container(number), &mut started);
            check_after(&bench, &place, &started, &format!("{name} {number}"));
            if finished {
                assert!(number > 50, "{name}: the session moves that many containers");
                break;
            }
        }
        assert!(finished, "{name}: some number of containers is enough");
    }
}

#[test]
fn what_goes_wrong_at_any_operation_loses_and_doubles_nothing() {
    let operations =
        ["SendObjectInfo", "SendObject", "GetObject", "DeleteObject", "SetObjectPropValue", "GetObjectInfo"];
    let kinds =
        ["fail:2002", "fail:200F", "fail:2019", "misreport:2002", "stall", "mute", "lock", "wrong-id", "cut"];
    for (name, profile, _) in catalogue() {
        let place = folder_of(profile);
        for operation in operations {
            for kind in kinds {
                for nth in 1..=3 {
                    let plan: FaultPlan = format!("{kind}@{operation}:{nth}").parse().unwrap();
                    let bench = Bench::new(name);
                    for (uid, text) in [("a", "before"), ("b", "doomed"), ("c", "bystander")] {
                        bench.put(&format!("{place}/{uid}.vcf"), &card(uid, text));
                    }
                    bench.folder().prepare_writes().unwrap();
                    let mut started = Vec::new();
                    session(&bench, &plan, &mut started);
                    bench.phone.unlock();
                    check_after(&bench, &place, &started, &format!("{name} {plan}"));
                }
            }
        }
    }
}

#[test]
fn a_file_that_grew_behind_a_stale_listing_is_read_whole() {
    let bench = Bench::new("android-8");
    bench.put("Contacts/a.vcf", &card("a", "short"));
    let mut folder = bench.folder();
    folder.list().unwrap();
    let longer = card("a", "a longer text than the listing knows of");
    bench.storage.borrow_mut().write("Contacts/a.vcf", &longer).unwrap();
    let place = at(&folder, "a.vcf");
    assert_eq!(folder.read(&place).unwrap(), longer);
    bench.storage.borrow_mut().write("Contacts/a.vcf", b"BEGIN:VCARD").unwrap();
    assert!(matches!(folder.read(&place), Err(ProviderError::Item(_))), "shorter may be cut");
}

#[test]
fn a_file_under_two_handles_is_one_item() {
    for name in ["android", "umtp"] {
        let bench = Bench::new(name);
        bench.put("Contacts/a.vcf", &card("a", "before"));
        bench.put("Contacts/b.vcf", &card("b", "before"));
        bench.phone.with_personality(|personality| personality.handles.listed_twice = true);
        let mut folder = bench.folder();
        assert_eq!(names(&mut folder), ["a.vcf", "b.vcf"], "{name}");
        folder.prepare_writes().unwrap();
        let place = at(&folder, "a.vcf");
        assert!(
            is_done(&folder.replace(&place, was("a", "before"), &card("a", "after, and longer"))),
            "{name}"
        );
        assert_eq!(folder.finish_writes().unwrap().len(), 1, "{name}");
        assert_eq!(folder.read(&place).unwrap(), card("a", "after, and longer"), "{name}");
        assert_eq!(names(&mut bench.folder()), ["a.vcf", "b.vcf"], "{name}");
    }
}
