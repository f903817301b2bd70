//! The DecSync channel over the simulated Android phone, which has its own clock and shows dates in its own zone; and on
//! the fixture folders of this repository.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::rc::Rc;

use super::DecsyncChannel;
use super::finding::own_app_id;
use super::test_bench::*;
use crate::device::DirectoryTree;
use crate::device::channel::contract::{Access, Channel};
use crate::device::channel::open_channel;
use crate::device::profile::ChannelKind;
use crate::device::tree::{ObjectTree, TreeError};
use crate::device::tree_mtp::MtpTree;
use crate::ics::SyncState;
use crate::mtp::SessionOptions;
use crate::provider::{
    ChangeKind, Clock, Completeness, Metadata, Observed, Provider, ProviderError, Revision, SimpleOutcome,
    SimpleProvider, TestClock, TestRandomness, Tracked, TrackingOptions,
};
use crate::sim::{FaultPlan, MemoryStorage, Personality, Phone, Storage};

/// A clock that is off by some time.
struct SkewedClock {
    base: Rc<TestClock>,
    offset_ms: Cell<i64>,
}

impl Clock for SkewedClock {
    fn now_ms(&self) -> i64 {
        self.base.now_ms() + self.offset_ms.get()
    }

    fn steady_us(&self) -> u64 {
        self.base.steady_us()
    }

    fn sleep_ms(&self, duration_ms: u64) {
        self.base.sleep_ms(duration_ms);
    }
}

/// An Android phone with an address book.
struct PhoneBench {
    bench: Bench,
    phone: Phone,
    disk: Rc<RefCell<MemoryStorage>>,
    clock: Rc<SkewedClock>,
}

impl Disk for Rc<RefCell<MemoryStorage>> {
    fn read(&self, path: &str) -> Option<Vec<u8>> {
        Storage::read(&*self.borrow(), path).ok()
    }

    fn write(&self, path: &str, bytes: &[u8]) {
        let mut made = String::new();
        for component in path.rsplit_once('/').unwrap().0.split('/') {
            made = if made.is_empty() { component.to_owned() } else { format!("{made}/{component}") };
            let _ = self.borrow_mut().make_folder(&made);
        }
        Storage::write(&mut *self.borrow_mut(), path, bytes).unwrap();
    }

    fn folders(&self, path: &str) -> BTreeSet<String> {
        let entries = self.borrow().list(path).unwrap_or_default();
        entries.into_iter().map(|entry| entry.name).collect()
    }
}

impl PhoneBench {
    fn new(personality: &str, offset_ms: i64) -> Self {
        let bench = Bench::new();
        let clock = Rc::new(SkewedClock { base: Rc::clone(&bench.clock), offset_ms: Cell::new(offset_ms) });
        let disk = MemoryStorage::shared(Rc::<SkewedClock>::clone(&clock));
        let personality = Personality::by_name(personality).unwrap();
        let phone = Phone::new(personality, disk.clone(), Rc::<SkewedClock>::clone(&clock));
        disk.write(&format!("{BASE}/.decsync-info"), b"{\"version\":2}");
        disk.write("DCIM/Camera/picture.jpg", b"x");
        let mut made = Self { bench, phone, disk, clock };
        for (uid, name) in [("uid-1", "Ada"), ("uid-2", "Ben"), ("uid-3", "Cyd")] {
            made.edit(uid, name);
        }
        made.bench.clock.advance_ms(10_000);
        made
    }

    fn phone_s(&self) -> i64 {
        self.clock.now_ms().div_euclid(1000)
    }

    /// A person edits a contact on the phone; `false` if its app would not record that, having a newer entry.
    fn edit(&mut self, uid: &str, name: &str) -> bool {
        let datetime = super::dates::datetime_text(self.phone_s());
        if self.bench.app.stored.get(uid).is_some_and(|(stored, _)| *stored >= datetime) {
            return false;
        }
        self.bench.app.edit(&self.disk, uid, &datetime, Some(name));
        self.phone.media_scan();
        true
    }

    fn open_with(&self, faults: FaultPlan) -> Result<DecsyncChannel<'_>, ProviderError> {
        let link = Box::new(self.phone.plug_in(faults));
        let tree = MtpTree::open(link, Rc::<TestClock>::clone(&self.bench.clock), &SessionOptions::default());
        let tree = tree.map_err(TreeError::for_side)?;
        self.bench.open_tree(Box::new(tree), Access::ReadWrite)
    }

    fn open(&self) -> DecsyncChannel<'_> {
        self.open_with(FaultPlan::none()).unwrap()
    }

    fn app_sync(&mut self) {
        self.bench.app.sync(&self.disk);
    }
}

fn replace(channel: &mut DecsyncChannel<'_>, uid: &str, before: &str, name: &str) -> SimpleOutcome {
    let place = at(channel, uid);
    channel.replace(&place, revision(uid, before), card(uid, name).as_bytes())
}

#[test]
fn every_android_takes_an_edit_a_deletion_and_a_new_one() {
    for personality in ["android", "android-8", "cmtp", "strict", "sailfish", "umtp", "ubuntu-touch"] {
        let mut phone = PhoneBench::new(personality, 0);
        {
            let mut channel = phone.open();
            assert_eq!(names(&mut channel).len(), 3, "{personality}");
            channel.prepare_writes().unwrap();
            done(replace(&mut channel, "uid-1", "Ada", "Ada Two"));
            let gone = at(&channel, "uid-2");
            done(channel.delete(&gone, revision("uid-2", "Ben")));
            done(channel.create("new", card("new", "New").as_bytes()));
            channel.flush().unwrap();
            done(replace(&mut channel, "new", "New", "New Two"));
            channel.flush().unwrap();
            channel.keep().unwrap();
            channel.close();
        }
        phone.app_sync();
        let contacts: Vec<String> = phone.bench.app.contacts().into_values().collect();
        assert_eq!(contacts, ["New Two", "Ada Two", "Cyd"], "{personality}");
        let mut channel = phone.open();
        assert_eq!(names(&mut channel).len(), 3, "{personality}");
        assert_eq!(channel.restarted(1), None, "{personality}");
    }
}

#[test]
fn the_phones_clock_is_measured_and_told() {
    for (offset_s, words) in [
        (0, None),
        (1, None),
        (5, Some("seconds ahead of")),
        (-5, Some("seconds behind")),
        (3600, Some("59 minutes ahead of")),
        (-3600, Some("59 minutes behind")),
    ] {
        let mut phone = PhoneBench::new("android", offset_s * 1000);
        {
            let mut channel = phone.open();
            names(&mut channel);
            channel.prepare_writes().unwrap();
            done(replace(&mut channel, "uid-1", "Ada", "Mine"));
            channel.flush().unwrap();
            let remarks = channel.remarks().join(" ");
            match words {
                Some(words) => assert!(remarks.contains(words), "{offset_s}: {remarks}"),
                None => assert!(!remarks.contains("clock"), "{offset_s}: {remarks}"),
            }
        }
        phone.app_sync();
        let (stamp, _) = phone.bench.app.stored.get("uid-1").unwrap().clone();
        let stamp_s = super::dates::parse_datetime(&stamp).unwrap();
        assert!((0..=2).contains(&(phone.phone_s() - stamp_s)), "{offset_s}: stamped with {stamp}");
    }
}

/// Both sides edit the same few contacts, round after round, while the phone's clock is off and jumps. Each edit of
/// ours that is acknowledged reaches the phone; each edit there is seen here; in the end both are the same.
#[test]
fn no_edit_is_lost_whatever_the_phones_clock_does() {
    for seed in 0..4 {
        let random = &mut fastrand::Rng::with_seed(seed);
        let mut phone = PhoneBench::new("android", 0);
        let mut held: BTreeMap<String, String> = BTreeMap::new();
        let mut put_off = 0;
        for round in 0..100 {
            let jumps = [0, 5_000, -5_000, 3_600_000, -3_600_000];
            if random.u8(..4) == 0 {
                phone.clock.offset_ms.set(jumps[random.usize(..jumps.len())] + random.i64(-400..400));
            }
            for _ in 0..random.usize(..3) {
                let uid = format!("uid-{}", random.u8(1..4));
                phone.edit(&uid, &format!("phone {round} {}", random.u16(..)));
                phone.bench.clock.advance_ms(random.i64(0..2500));
            }
            let mut ours: Vec<(String, String)> = Vec::new();
            let theirs = phone.bench.app.contacts();
            {
                let mut channel = phone.open();
                let seen = names(&mut channel);
                assert_eq!(seen, theirs, "round {round}: every edit there is seen here");
                channel.prepare_writes().unwrap();
                for _ in 0..random.usize(..3) {
                    let uid = format!("uid-{}", random.u8(1..4));
                    if ours.iter().any(|(other, _)| *other == uid) {
                        continue;
                    }
                    let name = format!("computer {round}");
                    match replace(&mut channel, &uid, &seen[&uid], &name) {
                        SimpleOutcome::Done { .. } => ours.push((uid, name)),
                        SimpleOutcome::Refused(why) => {
                            assert!(why.contains("phone's clock"), "{why}");
                            put_off += 1;
                        }
                        _ => panic!("round {round}"),
                    }
                }
                channel.flush().unwrap();
                channel.keep().unwrap();
            }
            phone.app_sync();
            held = phone.bench.app.contacts();
            for (uid, name) in ours {
                assert_eq!(held[&uid], name, "seed {seed}, round {round}: what was acknowledged is there");
            }
            phone.bench.clock.advance_ms(random.i64(1000..600_000));
        }
        println!("seed {seed}: {put_off} put off");
        assert!(put_off > 0, "the clock was in the way at times");
        assert_eq!(names(&mut phone.open()), held);
    }
}

#[test]
fn nothing_new_costs_a_handful_of_transactions() {
    let mut phone = PhoneBench::new("android", 0);
    let session = |phone: &PhoneBench| {
        let mut channel = phone.open();
        channel.list().unwrap();
        channel.keep().unwrap();
        (channel.statistics().requests, channel.statistics().read_bytes)
    };
    {
        let mut channel = phone.open();
        names(&mut channel);
        channel.prepare_writes().unwrap();
        channel.keep().unwrap();
    }
    let (few, _) = session(&phone);
    for number in 0..400 {
        phone.edit(&format!("many-{number}"), "Name");
    }
    session(&phone);
    let (many, bytes) = session(&phone);
    println!("{few} transactions with 3 contacts, {many} with 403, {bytes} bytes");
    assert_eq!(many, few);
    assert!(many <= 25, "{many}");
    assert!(bytes < 5000, "{bytes}");
    // One edit costs the one file that it is in.
    phone.edit("many-7", "Other");
    let (one, _) = session(&phone);
    assert!(one <= many + 1, "{one}");
}

#[test]
fn the_cable_may_be_pulled_between_any_two_containers() {
    let after: BTreeMap<String, String> =
        [("uid-1", "Ada Two"), ("uid-3", "Cyd")].map(|(uid, name)| (uid.to_owned(), name.to_owned())).into();
    let mut container = 1;
    let mut ends = (0, 0);
    loop {
        let mut phone = PhoneBench::new("android", 0);
        let before = phone.bench.app.contacts();
        let write = |channel: &mut DecsyncChannel<'_>| -> Result<(), ProviderError> {
            channel.list()?;
            channel.prepare_writes()?;
            let gone = at(channel, "uid-2");
            for outcome in
                [replace(channel, "uid-1", "Ada", "Ada Two"), channel.delete(&gone, revision("uid-2", "Ben"))]
            {
                if let SimpleOutcome::Refused(why) | SimpleOutcome::Unknown(why) = outcome {
                    return Err(ProviderError::Disconnected(why));
                }
            }
            channel.flush()
        };
        let ended = phone
            .open_with(FaultPlan::cut_at_container(container))
            .and_then(|mut channel| write(&mut channel));
        phone.app_sync();
        let mended = names(&mut phone.open());
        phone.app_sync();
        assert_eq!(phone.bench.app.contacts(), mended, "container {container}");
        assert!(mended == before || mended == after, "container {container}: {mended:?}");
        if mended == after {
            ends.1 += 1
        } else {
            ends.0 += 1
        }
        if ended.is_ok() {
            break;
        }
        container += 1;
    }
    println!("{container} containers, {ends:?}");
    assert!(ends.0 > 20 && ends.1 > 20, "{ends:?}");
}

/// The rows of the tier above.
#[derive(Default)]
struct Rows(RefCell<(Vec<Observed>, u64, u64)>);

impl Metadata for &Rows {
    fn generation(&self) -> Result<u64, ProviderError> {
        Ok(self.0.borrow().2)
    }

    fn next_counter(&self) -> Result<u64, ProviderError> {
        Ok(self.0.borrow().1.max(1))
    }

    fn load(&self) -> Result<Vec<Observed>, ProviderError> {
        Ok(self.0.borrow().0.clone())
    }

    fn save(&self, rows: &[Observed], next_counter: u64, generation: u64) -> Result<(), ProviderError> {
        let mut kept = self.0.borrow_mut();
        for row in rows {
            kept.0.retain(|before| before.item != row.item);
            kept.0.push(row.clone());
        }
        (kept.1, kept.2) = (next_counter, generation);
        Ok(())
    }
}

#[test]
fn with_change_tracking_on_top_only_changes_are_told() {
    let mut phone = PhoneBench::new("android", 0);
    let rows = Rows::default();
    let session = |phone: &PhoneBench, state: &mut SyncState, allow_writes: bool| {
        let link = Box::new(phone.phone.plug_in(FaultPlan::none()));
        let clock: Rc<TestClock> = Rc::clone(&phone.bench.clock);
        let tree =
            MtpTree::open(link, Rc::clone(&clock) as Rc<dyn Clock>, &SessionOptions::default()).unwrap();
        let candidates = PROFILES.candidates(tree.identity());
        let options = phone.bench.options(Access::ReadWrite);
        let (channel, profile) = open_channel(Box::new(tree), &candidates, None, options).unwrap();
        assert_eq!((channel.kind(), profile.id.as_str()), (ChannelKind::Decsync, "decsync"));
        let random = Rc::new(TestRandomness::seeded(3));
        let mut tracked = Tracked::new(channel, &rows, clock, random, TrackingOptions::default());
        let changes = tracked.changes_since(state).unwrap();
        assert_eq!(changes.completeness, Completeness::Complete);
        for change in &changes.changes {
            match change.kind {
                ChangeKind::Deleted => state.record_deleted(change.cn.replica, change.item.0, change.cn),
                _ => state.record(change.item.0, change.cn),
            };
        }
        tracked.keep_observations().unwrap();
        if allow_writes {
            tracked.mark_known(false).unwrap();
            tracked.keep_observations().unwrap();
        }
        let kinds: Vec<ChangeKind> = changes.changes.into_iter().map(|change| change.kind).collect();
        (kinds, changes.restarted, tracked.costs().transactions_total())
    };
    let mut state = SyncState::default();
    let (kinds, restarted, _) = session(&phone, &mut state, true);
    assert!(kinds.len() == 3 && kinds.iter().all(|kind| matches!(kind, ChangeKind::Put(_))), "{kinds:?}");
    assert_eq!(restarted, None);
    phone.bench.clock.advance_ms(60_000);
    session(&phone, &mut state, false);
    let (kinds, restarted, transactions) = session(&phone, &mut state, false);
    assert_eq!((kinds, restarted), (Vec::new(), None));
    println!("{transactions} transactions for a session with nothing new");
    assert!(transactions <= 32, "{transactions}");
    phone.edit("uid-1", "Ada Two");
    let datetime = super::dates::datetime_text(phone.phone_s());
    phone.bench.app.edit(&phone.disk, "uid-2", &datetime, None);
    let (kinds, _, _) = session(&phone, &mut state, false);
    assert!(matches!(kinds.as_slice(), [ChangeKind::Put(_), ChangeKind::Deleted]), "{kinds:?}");
    // The folder is reset: nothing of that is a deletion.
    let own = format!("{BASE}/contacts/{BOOK}/v2/{}", own_app_id(guid()));
    phone.disk.borrow_mut().remove(&own).unwrap();
    phone.phone.media_scan();
    let (kinds, restarted, _) = session(&phone, &mut state, true);
    assert!(restarted.is_some() && kinds.iter().all(|kind| matches!(kind, ChangeKind::Put(_))), "{kinds:?}");
    assert_eq!(session(&phone, &mut state, false).1, None);
}

/// A fixture folder, copied so that it can be written to.
fn fixture(name: &str) -> tempfile::TempDir {
    fn copy(from: &Path, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for entry in std::fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            let target = to.join(entry.file_name());
            if entry.path().is_dir() {
                copy(&entry.path(), &target);
            } else {
                std::fs::copy(entry.path(), target).unwrap();
            }
        }
    }
    let directory = tempfile::tempdir().unwrap();
    copy(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/decsync").join(name), directory.path());
    directory
}

fn open_directory<'b>(bench: &'b Bench, directory: &Path) -> DecsyncChannel<'b> {
    bench.open_tree(Box::new(DirectoryTree::open(directory).unwrap()), Access::ReadWrite).unwrap()
}

#[test]
fn the_fixtures_are_read_from_a_directory() {
    let bench = Bench::new();
    let both = |name: &str| {
        let directory = fixture(name);
        let mut channel = open_directory(&bench, directory.path());
        names(&mut channel)
    };
    let expected: BTreeMap<String, String> = [
        ("550e8400-e29b-41d4-a716-446655440000", "Grete Muster"),
        ("%C3%BC%20uid", "Zoë Ångström"),
        ("uid-1", "Ada Example"),
    ]
    .map(|(uid, name)| (uid.to_owned(), name.to_owned()))
    .into();
    assert_eq!(both("version-2"), expected);
    assert_eq!(both("version-1"), expected, "the same contacts before the upgrade");
}

#[test]
fn a_directory_is_written_by_this_computers_clock() {
    let bench = Bench::new();
    let directory = fixture("version-2");
    let mut channel = open_directory(&bench, directory.path());
    names(&mut channel);
    channel.prepare_writes().unwrap();
    let place = at(&channel, "uid-1");
    let held = channel.read(&place).unwrap();
    let mine = card("uid-1", "Mine");
    done(channel.replace(&place, Revision::of(&held), mine.as_bytes()));
    channel.flush().unwrap();
    assert!(channel.remarks().is_empty(), "{:?}", channel.remarks());
    let own = directory.path().join("contacts").join(BOOK).join("v2").join(own_app_id(guid()));
    let bucket = std::fs::read_to_string(own.join("43")).unwrap();
    let line = serde_json::json!([["resources", "uid-1"], "2026-11-20T12:00:00", null, mine]);
    assert_eq!(bucket, format!("{line}\n"));
    let sequences = std::fs::read_to_string(own.join("sequences")).unwrap();
    assert_eq!(sequences, "{\"43\":1,\"info\":1}");
    let info = std::fs::read_to_string(own.join("info")).unwrap();
    let app = own_app_id(guid());
    insta::assert_snapshot!(info.replace(&app, "APP"), @r#"
    [["info"],"2026-11-20T12:00:00","last-active-APP","2026-11-20"]
    [["info"],"2026-11-20T12:00:00","supported-version-APP",2]
    "#);
    let local = directory.path().join("contacts").join(BOOK).join("local").join(app).join("info");
    let note = std::fs::read_to_string(local).unwrap();
    insta::assert_snapshot!(note, @r#"{"version":2,"last-active":"2026-11-20","supported-version":2}"#);
}
