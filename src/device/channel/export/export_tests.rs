//! The channel of exports over a simulated phone and over a directory: which file counts, what is refused and how that
//! is told, who is who from day to day. Tests only; all people are invented.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use super::channel::ExportChannel;
use super::choosing::{Circumstances, Sources, Taken, choose};
use super::finding::{Candidate, Found, find};
use super::judging::{Reading, Refusal, judge};
use super::remembered::Remembered;
use crate::contact::Card;
use crate::device::channel::choice::open_channel;
use crate::device::channel::contract::{Access, Channel, ChannelChoices, ChannelOptions};
use crate::device::profile::{Dates, DeviceProfile};
use crate::device::search::Search;
use crate::device::tree::{ObjectTree, TreeError};
use crate::device::tree_mtp::MtpTree;
use crate::device::{DirectoryTree, ProfileSet};
use crate::ics::Guid;
use crate::mtp::SessionOptions;
use crate::provider::{
    ChannelMemory, Clock, Completeness, Delivery, ItemId, Locator, Offer, ProviderError, SimpleOutcome,
    SimpleProvider, TestClock, TestRandomness,
};
use crate::sim::{FaultPlan, MemoryStorage, Personality, Phone, Storage};

/// 2026-11-21T06:00:00Z.
const MORNING_MS: i64 = 1_795_240_800_000;
pub(super) const DAY_MS: i64 = 86_400_000;
const HOUR_MS: i64 = 3_600_000;

#[derive(Default)]
struct Notes {
    kept: RefCell<BTreeMap<String, Vec<u8>>>,
    changes: RefCell<usize>,
}

impl ChannelMemory for Notes {
    fn get(&self, replica: Guid, name: &str) -> Result<Option<Vec<u8>>, ProviderError> {
        Ok(self.kept.borrow().get(&format!("{replica}{name}")).cloned())
    }

    fn put(&self, replica: Guid, name: &str, bytes: &[u8]) -> Result<(), ProviderError> {
        *self.changes.borrow_mut() += 1;
        self.kept.borrow_mut().insert(format!("{replica}{name}"), bytes.to_vec());
        Ok(())
    }

    fn remove(&self, replica: Guid, name: &str) -> Result<(), ProviderError> {
        *self.changes.borrow_mut() += 1;
        self.kept.borrow_mut().remove(&format!("{replica}{name}"));
        Ok(())
    }

    fn names(&self, _replica: Guid, prefix: &str) -> Result<Vec<String>, ProviderError> {
        Ok(self.kept.borrow().keys().filter(|name| name.contains(prefix)).cloned().collect())
    }
}

fn profile_text(folders: &str, names: &str, more: &str) -> String {
    format!(
        r#"
id = "test-export"
name = "Test"
rank = 65

[contacts]
channel = "export"
folders = [{folders}]
writable = true
card_bytes_max = 1048576
dates = "tell-changes"
fields = "all"

[contacts.names]
ascii = true
length_max = 200

[contacts.dialect]
version = "3.0"

[contacts.export]
names = [{names}]
how_to_export = "Open the contacts app and export all contacts."
drop_folder = "Download/Tetherbook"
how_to_import = "Tap the file."
{more}
"#
    )
}

fn profile() -> DeviceProfile {
    let text = profile_text("\"Download\", \".\"", "\"*.vcf\"", "version = \"4.0\"\nstale_after_days = 3");
    DeviceProfile::parse("test-export.toml", &text).unwrap()
}

/// A phone, reached over MTP or as a mounted directory.
pub(super) struct Bench {
    phone: Option<(Phone, Rc<RefCell<MemoryStorage>>)>,
    directory: tempfile::TempDir,
    pub(super) clock: Rc<TestClock>,
    notes: Notes,
    profile: DeviceProfile,
    pub(super) choices: ChannelChoices,
    access: Access,
    doubt: Option<String>,
}

/// What one session saw.
#[derive(Debug)]
struct Session {
    /// The place of each item and its bytes, or why it cannot be read.
    items: BTreeMap<String, Result<String, String>>,
    completeness: Completeness,
    remarks: Vec<String>,
    notes: Vec<String>,
    /// Transactions by operation.
    costs: BTreeMap<String, u64>,
    read_bytes: u64,
    changes: usize,
}

impl Session {
    /// The place of the item in which this text is.
    fn place_of(&self, text: &str) -> &str {
        let mut found =
            self.items.iter().filter(|(_, card)| card.as_ref().is_ok_and(|card| card.contains(text)));
        let place = found.next().unwrap_or_else(|| panic!("nobody has {text}")).0;
        assert!(found.next().is_none(), "two have {text}");
        place
    }

    fn has(&self, text: &str) -> bool {
        self.items.values().flatten().any(|card| card.contains(text))
    }
}

pub(super) fn benches() -> [Bench; 2] {
    [Bench::mtp("android"), Bench::directory()]
}

impl Bench {
    fn directory() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("DCIM")).unwrap();
        fs::create_dir_all(directory.path().join("Download")).unwrap();
        Self {
            phone: None,
            directory,
            clock: Rc::new(TestClock::at(MORNING_MS)),
            notes: Notes::default(),
            profile: profile(),
            choices: ChannelChoices::default(),
            access: Access::ReadWrite,
            doubt: None,
        }
    }

    fn mtp(personality: &str) -> Self {
        let bench = Self::directory();
        let storage = MemoryStorage::shared(Rc::<TestClock>::clone(&bench.clock));
        let personality = Personality::by_name(personality).unwrap();
        let phone = Phone::new(personality, storage.clone(), Rc::<TestClock>::clone(&bench.clock));
        for folder in ["DCIM", "Download"] {
            storage.borrow_mut().make_folder(folder).unwrap();
        }
        Self { phone: Some((phone, storage)), ..bench }
    }

    /// An app writes a file now.
    pub(super) fn put(&self, path: &str, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref();
        if let Some((phone, storage)) = &self.phone {
            if let Some((folder, _)) = path.rsplit_once('/') {
                let _ = storage.borrow_mut().make_folder(folder);
            }
            storage.borrow_mut().write(path, bytes).unwrap();
            phone.media_scan();
            return;
        }
        let path = self.directory.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, bytes).unwrap();
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(self.clock.now_ms().unsigned_abs());
        fs::File::options().write(true).open(&path).unwrap().set_modified(now).unwrap();
    }

    fn remove(&self, path: &str) {
        match &self.phone {
            Some((phone, storage)) => {
                storage.borrow_mut().remove(path).unwrap();
                phone.media_scan();
            }
            None => fs::remove_file(self.directory.path().join(path)).unwrap(),
        }
    }

    fn files(&self) -> Vec<String> {
        match &self.phone {
            Some((_, storage)) => storage.borrow().files(),
            None => {
                let folder = fs::read_dir(self.directory.path().join("Download")).unwrap();
                let names = folder.map(|entry| entry.unwrap().file_name().into_string().unwrap());
                let mut names: Vec<String> = names.map(|name| format!("Download/{name}")).collect();
                names.sort();
                names
            }
        }
    }

    fn tree(&self) -> Box<dyn ObjectTree> {
        match &self.phone {
            Some((phone, _)) => {
                let link = Box::new(phone.plug_in(FaultPlan::none()));
                let clock = Rc::<TestClock>::clone(&self.clock);
                Box::new(MtpTree::open(link, clock, &SessionOptions::default()).unwrap())
            }
            None => Box::new(DirectoryTree::open(self.directory.path()).unwrap()),
        }
    }

    fn options(&self) -> ChannelOptions<'_> {
        ChannelOptions {
            access: self.access,
            guid_if_unmarked: Guid::from_random([1; 16]),
            known_guids: Vec::new(),
            label: String::new(),
            clock: Rc::<TestClock>::clone(&self.clock),
            randomness: Rc::new(TestRandomness::seeded(1)),
            memory: &self.notes,
            choices: self.choices.clone(),
        }
    }

    pub(super) fn open(&self) -> Result<ExportChannel<'_>, ProviderError> {
        let mut channel = ExportChannel::open(self.tree(), &self.profile, self.options())?;
        channel.take_identity(Guid::from_random([2; 16]), self.doubt.clone());
        Ok(channel)
    }

    /// A whole session: everything is listed, read and kept, and the clock goes on by a minute.
    fn session(&self) -> Result<Session, ProviderError> {
        *self.notes.changes.borrow_mut() = 0;
        let mut channel = self.open()?;
        let listing = channel.list()?;
        assert_eq!(channel.list()?, listing, "the same listing twice");
        let mut items = BTreeMap::new();
        for entry in &listing.entries {
            let card = match channel.read(&entry.locator) {
                Ok(bytes) => {
                    assert_eq!(u64::try_from(bytes.len()).unwrap(), entry.stamp.size_bytes);
                    Ok(String::from_utf8(bytes).unwrap())
                }
                Err(ProviderError::Item(why)) => Err(why),
                Err(error) => return Err(error),
            };
            assert!(items.insert(entry.locator.to_string(), card).is_none());
        }
        channel.keep()?;
        let handed = channel.hand_over(&[])?;
        let costs = channel.costs();
        let remarks = channel.remarks();
        channel.close();
        let changes = *self.notes.changes.borrow();
        self.clock.advance_ms(60_000);
        Ok(Session {
            items,
            completeness: listing.completeness,
            remarks,
            notes: handed.notes,
            costs: costs.transactions,
            read_bytes: costs.bytes_in,
            changes,
        })
    }

    fn seen(&self) -> Session {
        self.session().unwrap()
    }

    /// Why there was no session.
    fn failure(&self) -> String {
        self.session().unwrap_err().to_string()
    }

    /// The day in the names of exports.
    fn stamp(&self) -> String {
        let now = jiff::Timestamp::from_millisecond(self.clock.now_ms()).unwrap();
        now.strftime("%Y%m%d_%H%M%S").to_string()
    }
}

pub(super) fn card(name: &str, number: &str) -> String {
    format!("BEGIN:VCARD\r\nVERSION:4.0\r\nFN:{name}\r\nTEL:{number}\r\nEND:VCARD\r\n")
}

/// An export of so many people.
fn book(count: usize) -> String {
    (0..count).map(|index| card(&format!("Person {index:03}"), &format!("+1555{index:07}"))).collect()
}

const BOTH: [&str; 2] = ["Ada Lane", "Bo Reed"];

pub(super) fn both() -> String {
    card(BOTH[0], "+15550001") + &card(BOTH[1], "+15550002")
}

#[test]
fn the_newest_export_counts_by_the_date_in_its_name() {
    for bench in benches() {
        bench.put("Download/Kontakte_20261120_060000.vcf", card("Old", "1") + &card("Other", "2"));
        bench.put("Download/Kontakte_20261121_060000.vcf", card("New", "1") + &card("Other", "2"));
        bench.clock.advance_ms(HOUR_MS);
        // A person copied an old one back, so that its file is the youngest.
        bench.put("Download/Kontakte_20251001_060000.vcf", card("Oldest", "1") + &card("Other", "2"));
        // A date that cannot be, a file that is being written, one that was thrown away, and ours.
        bench.put("Download/Kontakte_20991231_060000.vcf", card("Future", "1") + &card("Other", "2"));
        bench.put("Download/.pending-1795240800-Kontakte_20261121_070000.vcf", card("Pending", "1"));
        bench.put("Download/tetherbook-to-phone-20261121.vcf", card("Ours", "1"));
        let seen = bench.seen();
        assert!(seen.has("FN:New") && seen.items.len() == 2, "{seen:?}");
        assert!(matches!(&seen.completeness, Completeness::PresentOnly(what) if what.contains("20261121")));
        assert_eq!(seen.remarks, [""; 0]);
    }
}

#[test]
fn the_file_that_is_written_over_each_time_is_read_when_it_changed() {
    for bench in benches() {
        bench.put("Download/contacts.vcf", both());
        assert_eq!(bench.seen().items.len(), 2);
        bench.clock.advance_ms(DAY_MS);
        bench.put("Download/contacts.vcf", both().replace("Ada", "Eda"));
        assert!(bench.seen().has("FN:Eda Lane"));
        // In the same second and of the same size: it is read once more, for its date may be that of a later export.
        bench.put("Download/contacts.vcf", both().replace("Ada", "Ida"));
        bench.clock.advance_ms(-60_000);
        bench.put("Download/contacts.vcf", both().replace("Ada", "Ina"));
        assert!(bench.seen().has("FN:Ina Lane"));
        bench.put("Download/contacts.vcf", both().replace("Ada", "Oda"));
        assert!(bench.seen().has("FN:Oda Lane"));
    }
}

#[test]
fn a_file_that_was_cut_at_any_byte_is_refused_or_ends_between_two_cards() {
    let section = profile().contacts.export.unwrap();
    let whole = both() + &card("Cy Moor", "+15550003");
    let boundaries: Vec<usize> = whole.match_indices("END:VCARD").map(|(at, end)| at + end.len()).collect();
    for length in 0..whole.len() {
        let judged = judge(&whole.as_bytes()[..length], "contacts.vcf", &section);
        let between = boundaries.iter().position(|end| (*end..=end + 2).contains(&length));
        match (between, judged) {
            (Some(cards), Ok(reading)) => assert_eq!(reading.cards.len(), cards + 1, "{length}"),
            (None, Err(refusal)) => {
                assert_eq!(refusal == Refusal::Empty, length == 0, "{length}");
                assert_eq!(matches!(refusal, Refusal::Damaged(_) | Refusal::Foreign(_)), length > 0);
                assert!(length < 60 || refusal.may_hide_contacts(), "{length}: {refusal}");
            }
            (between, judged) => panic!("{length}: {between:?} {judged:?}"),
        }
    }
}

#[test]
fn a_cut_export_is_told_and_the_older_one_is_used() {
    for bench in benches() {
        bench.put("Download/Contacts_20261120_060000.vcf", both());
        assert_eq!(bench.seen().items.len(), 2);
        bench.clock.advance_ms(DAY_MS);
        let newer = both().replace("Reed", "Rhys");
        bench.put("Download/Contacts_20261121_060000.vcf", &newer[..newer.len() - 20]);
        let seen = bench.seen();
        assert!(seen.has("FN:Bo Reed") && !seen.has("Rhys"));
        assert_eq!(seen.remarks.len(), 1);
        let remark = &seen.remarks[0];
        assert!(
            remark.contains(
                "Download/Contacts_20261121_060000.vcf was not used, because it is cut off in card 2"
            )
        );
        assert!(remark.ends_with("Download/Contacts_20261120_060000.vcf of 2026-11-20 is used."), "{remark}");
        // It is not read again while it is the same, but said again.
        let again = bench.seen();
        assert_eq!(again.remarks, seen.remarks);
        // The older one is read once more, until its date cannot be that of a later export as well.
        let third = bench.seen();
        assert_eq!(third.costs.get("GetObject"), None, "{:?}", third.costs);
        // The app finishes it.
        bench.put("Download/Contacts_20261121_060000.vcf", &newer);
        let seen = bench.seen();
        assert!(seen.has("FN:Bo Rhys") && seen.remarks.is_empty(), "{seen:?}");
    }
}

#[test]
fn what_is_no_export_is_refused_with_words_and_never_an_empty_listing() {
    let bench = Bench::mtp("android");
    let nothing = bench.failure();
    bench.put("Download/a.vcf", "");
    bench.clock.advance_ms(1_000);
    bench.put("Download/b.vcf", "\r\n\r\n");
    bench.clock.advance_ms(1_000);
    bench.put("Download/c.vcf", "<html>not found</html>");
    bench.clock.advance_ms(1_000);
    bench.put("Download/d.vcf", both().replace("4.0", "2.1"));
    bench.clock.advance_ms(1_000);
    bench.put("Download/e.vcf", &both()[..100]);
    bench.clock.advance_ms(1_000);
    // A shorter export was written over a longer one without cutting it.
    bench.put("Download/f.vcf", format!("{}ane\r\nTEL:1\r\nEND:VCARD\r\n{}", both(), both()));
    let refused = bench.failure();
    insta::assert_snapshot!(format!("{nothing}\n\n{}", refused.replace("; ", ";\n")));
}

#[test]
fn an_export_of_another_maker_is_refused_where_the_profile_names_one() {
    let mut section = profile().contacts.export.unwrap();
    section.product = String::from("ez-vcard");
    let with =
        |product: &str| both().replace("VERSION:4.0\r\n", &format!("VERSION:4.0\r\nPRODID:{product}\r\n"));
    assert!(judge(with("ez-vcard 0.12.1").as_bytes(), "a.vcf", &section).is_ok());
    for other in [both(), with("-//Example//EN")] {
        assert!(matches!(judge(other.as_bytes(), "a.vcf", &section), Err(Refusal::Foreign(_))));
    }
}

#[test]
fn a_stale_export_is_told_with_its_date() {
    for bench in benches() {
        bench.put("Download/Contacts_20261121_060000.vcf", both());
        bench.clock.advance_ms(3 * DAY_MS);
        assert_eq!(bench.seen().remarks, [""; 0]);
        bench.clock.advance_ms(DAY_MS);
        let remarks = bench.seen().remarks;
        assert_eq!(remarks.len(), 1);
        assert!(remarks[0].contains("is of 2026-11-21, 4 days ago"), "{remarks:?}");
        assert!(remarks[0].contains("Open the contacts app"));
    }
}

#[test]
fn an_export_that_shrank_is_refused_unless_a_person_says_so() {
    for mut bench in benches() {
        bench.put("Download/Contacts_20261120_060000.vcf", book(40));
        assert_eq!(bench.seen().items.len(), 40);
        bench.clock.advance_ms(DAY_MS);
        bench.put("Download/Contacts_20261121_060000.vcf", book(19));
        let seen = bench.seen();
        assert_eq!(seen.items.len(), 40);
        assert!(seen.remarks[0].contains("only 19 of 40 contacts; if"), "{:?}", seen.remarks);
        bench.choices.absent_is_deleted = true;
        let seen = bench.seen();
        assert_eq!((seen.items.len(), seen.completeness), (19, Completeness::Complete));
    }
}

#[test]
fn what_somebody_sent_is_no_export_of_this_phone() {
    for mut bench in benches() {
        bench.put("Download/Contacts_20261120_060000.vcf", book(40));
        bench.seen();
        bench.clock.advance_ms(DAY_MS);
        bench.put("Download/Club.vcf", book(60).replace("Person", "Member"));
        bench.put("Download/Friends.vcf", book(3));
        for absent_is_deleted in [false, true] {
            bench.choices.absent_is_deleted = absent_is_deleted;
            let seen = bench.seen();
            assert_eq!(seen.items.len(), 40);
            let said = |name: &str, why: &str| {
                seen.remarks.iter().any(|remark| remark.contains(name) && remark.contains(why))
            };
            assert!(said("Club.vcf", "hardly anybody in it"), "{:?}", seen.remarks);
            assert!(
                said("Friends.vcf", "it holds only 3 of 40 contacts and is no export"),
                "{:?}",
                seen.remarks
            );
        }
        // Another app's export of the same people is one, and a second file of a name too.
        bench.choices.absent_is_deleted = false;
        bench.put("Download/all.vcf", book(41));
        assert_eq!(bench.seen().items.len(), 41);
        bench.clock.advance_ms(HOUR_MS);
        bench.put("Download/all (1).vcf", book(15));
        assert!(bench.seen().remarks[0].contains("--absent delete takes it"));
        bench.choices.absent_is_deleted = true;
        assert_eq!(bench.seen().items.len(), 15);
    }
}

#[test]
fn half_of_the_contacts_is_enough() {
    let bench = Bench::directory();
    bench.put("Download/Contacts_20261120_060000.vcf", book(40));
    bench.seen();
    bench.put("Download/Contacts_20261121_060000.vcf", book(20));
    assert_eq!(bench.seen().items.len(), 20);
}

#[test]
fn before_the_first_export_a_card_that_somebody_sent_is_none() {
    for bench in benches() {
        bench.put("Download/contacts.vcf", book(30));
        bench.clock.advance_ms(DAY_MS);
        bench.put("Download/Zoe.vcf", card("Zoe", "9"));
        let seen = bench.seen();
        assert_eq!(seen.items.len(), 30);
        assert!(
            seen.remarks[0]
                .contains("Zoe.vcf was not used, because it holds only 1 of 30 contacts and is no")
        );
    }
}

#[test]
fn an_export_older_than_the_last_one_takes_nothing_back() {
    for bench in benches() {
        bench.put("Download/Contacts_20261119_060000.vcf", both());
        bench.put("Download/Contacts_20261120_060000.vcf", both().replace("Reed", "Rhys"));
        assert!(bench.seen().has("Bo Rhys"));
        bench.remove("Download/Contacts_20261120_060000.vcf");
        let seen = bench.seen();
        assert!(seen.has("Bo Rhys") && !seen.has("Reed"), "what was read last still counts");
        assert!(seen.remarks[0].contains("is gone, and "), "{:?}", seen.remarks);
        assert_eq!(seen.costs.get("GetObject"), None);
    }
}

#[test]
fn a_session_with_nothing_new_reads_nothing_and_keeps_nothing() {
    for bench in benches() {
        bench.put("Download/Contacts_20261121_060000.vcf", book(50));
        bench.clock.advance_ms(2 * DAY_MS);
        let first = bench.seen();
        assert!(first.changes >= 50);
        let second = bench.seen();
        assert_eq!(first.items, second.items);
        assert_eq!(second.changes, 0);
        assert_eq!(second.costs.get("GetObject"), None);
        assert!(second.read_bytes < 3_000, "{} bytes", second.read_bytes);
    }
}

#[test]
fn every_kind_of_phone_is_read() {
    for personality in
        ["android", "android-8", "nokia-s40", "sailfish", "umtp", "ubuntu-touch", "cmtp", "strict", "zen"]
    {
        let bench = Bench::mtp(personality);
        bench.put("Download/Contacts_20261120_060000.vcf", both());
        bench.clock.advance_ms(HOUR_MS);
        bench.put("Download/Contacts_20261121_060000.vcf", both().replace("Ada", "Ida"));
        bench.put("Download/Contacts_20261122_060000.vcf", &both()[..99]);
        let seen = bench.seen();
        assert!(seen.has("Ida Lane") && seen.remarks.len() == 1, "{personality}: {seen:?}");
        bench.seen();
        let third = bench.seen();
        assert_eq!(third.changes, 0, "{personality}");
        // The ZEN has no dates at all: what was refused is looked at each time.
        let reads = third.costs.get("GetObject").copied().unwrap_or(0);
        assert_eq!(reads, u64::from(personality == "zen"), "{personality}: {:?}", third.costs);
    }
}

#[test]
fn where_there_are_no_dates_a_file_of_one_name_is_read_each_time() {
    let mut useless = Bench::mtp("android");
    useless.profile.contacts.dates = Dates::Useless;
    for bench in [Bench::mtp("zen"), useless] {
        bench.put("Download/contacts.vcf", both());
        for name in ["Ida", "Eda", "Oda", "Una"] {
            bench.seen();
            bench.seen();
            let before = bench.clock.now_ms();
            bench.clock.advance_ms(MORNING_MS - before);
            bench.put("Download/contacts.vcf", both().replace("Ada", name));
            bench.clock.advance_ms(before - MORNING_MS);
            assert!(bench.seen().has(&format!("{name} Lane")));
        }
    }
}

#[test]
fn five_hundred_exports_cost_no_more_than_two() {
    let costs = |count: i64| {
        let bench = Bench::mtp("android");
        for day in 0..count {
            bench.put(&format!("Download/contacts_{}.vcf", bench.stamp()), book(20));
            bench.clock.advance_ms(DAY_MS);
            let _ = day;
        }
        let first = bench.seen();
        assert_eq!(first.items.len(), 20);
        let second = bench.seen();
        let pile = second.remarks.iter().filter(|remark| remark.contains("--prune-exports")).count();
        assert_eq!(pile, usize::from(count > 21));
        let total = |session: &Session| session.costs.values().sum::<u64>();
        (total(&first), total(&second), first.costs)
    };
    let (few_first, few_second, _) = costs(2);
    let (many_first, many_second, operations) = costs(500);
    assert_eq!((many_first, many_second), (few_first, few_second), "{operations:?}");
    assert!(many_first <= 16, "{operations:?}");
    assert_eq!(operations.get("GetObject"), Some(&1));
}

#[test]
fn exports_are_removed_only_where_a_person_asked_and_only_those() {
    for mut bench in benches() {
        for day in 10..=20 {
            bench.put(&format!("Download/Contacts_202611{day}_060000.vcf"), both());
        }
        bench.put("Download/Contacts_20261121_060000.vcf", "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Cut");
        bench.put("Download/Ada_20240101.vcf", card("Ada Lane", "1"));
        bench.put("Download/Contacts.vcf", both().replace("4.0", "3.0"));
        bench.put("Download/photo_20261101_060000.jpg", "x");
        let seen = bench.seen();
        assert_eq!((seen.notes.len(), bench.files().len()), (0, 15));
        bench.choices.prune_exports = true;
        bench.access = Access::ReadOnly;
        bench.seen();
        assert_eq!(bench.files().len(), 15);
        bench.access = Access::ReadWrite;
        let seen = bench.seen();
        assert!(seen.notes[0].starts_with("10 older exports were removed from "), "{:?}", seen.notes);
        let left = [
            "Download/Ada_20240101.vcf",
            "Download/Contacts.vcf",
            "Download/Contacts_20261120_060000.vcf",
            "Download/Contacts_20261121_060000.vcf",
            "Download/photo_20261101_060000.jpg",
        ];
        assert_eq!(bench.files(), left);
        assert_eq!(bench.seen().items.len(), 2);
    }
}

#[test]
fn contacts_keep_their_places_through_edits_and_renames() {
    for bench in benches() {
        let day = |cards: &[(&str, &str)]| {
            let text: String = cards.iter().map(|(name, number)| card(name, number)).collect();
            bench.put(&format!("Download/Contacts_{}.vcf", bench.stamp()), text);
            let seen = bench.seen();
            bench.clock.advance_ms(DAY_MS);
            seen
        };
        let first =
            day(&[("Ada Lane", "1001"), ("Bo Reed", "1002"), ("Cy Moor", "1003"), ("Di Moor", "1003")]);
        let place = |name: &str| first.place_of(name).to_owned();
        let (ada, bo, cy, di) = (place("Ada"), place("Bo"), place("Cy"), place("Di"));
        // A number changed, a rename, and another order; two who share a number are not mixed up.
        let second =
            day(&[("Di Moor", "1003"), ("Cy Moor", "1003"), ("Ada Lane", "2001"), ("Bo Rhys", "1002")]);
        assert_eq!(second.place_of("Ada"), ada);
        assert_eq!(second.place_of("Bo"), bo);
        assert_eq!((second.place_of("Cy"), second.place_of("Di")), (cy.as_str(), di.as_str()));
        // Both who share a number are renamed: nobody can tell who is who.
        let third =
            day(&[("Ei Lund", "1003"), ("Fi Lund", "1003"), ("Ada Lane", "2001"), ("Bo Rhys", "1002")]);
        assert!(![&cy, &di].contains(&&third.place_of("Ei").to_owned()));
        // Who was missing comes back.
        let fourth =
            day(&[("Cy Moor", "1003"), ("Di Moor", "1003"), ("Ada Lane", "2001"), ("Bo Rhys", "1002")]);
        assert_eq!((fourth.place_of("Cy"), fourth.place_of("Di")), (cy.as_str(), di.as_str()));
        assert_eq!(fourth.place_of("Ada"), ada);
    }
}

#[test]
fn a_contact_that_was_released_is_a_new_one_when_it_comes_back() {
    let bench = Bench::directory();
    bench.put("Download/Contacts_20261119.vcf", both());
    let place = bench.seen().place_of("Bo Reed").to_owned();
    bench.put("Download/Contacts_20261120.vcf", card("Ada Lane", "+15550001"));
    let mut channel = bench.open().unwrap();
    assert_eq!(channel.list().unwrap().entries.len(), 1);
    channel.release(&Locator(place.as_str().into()));
    channel.keep().unwrap();
    drop(channel);
    bench.put("Download/Contacts_20261121.vcf", both());
    assert_ne!(bench.seen().place_of("Bo Reed"), place);
}

#[test]
fn a_card_that_cannot_be_read_is_still_there() {
    for mut bench in benches() {
        bench.put("Download/Contacts_20261119.vcf", book(5));
        let place = bench.seen().place_of("Person 003").to_owned();
        let broken = book(5).replace("TEL:+15550000003\r\nEND:VCARD\r\n", "TEL:+15550000003\r\n");
        bench.put("Download/Contacts_20261120.vcf", &broken);
        bench.choices.absent_is_deleted = true;
        let seen = bench.seen();
        assert_eq!(seen.items.len(), 5);
        let why = seen.items[&place].as_ref().unwrap_err();
        assert_eq!(why, "Contacts_20261120.vcf, card 4: it is cut off, END:VCARD is missing");
        assert_eq!(seen.completeness, Completeness::Complete, "it is known whose it is");
        // The same again, and then two who cannot be told from each other.
        assert_eq!(bench.seen().items, seen.items);
        let nameless = book(5).replace("FN:Person 003\r\nTEL:+15550000003\r\nEND:VCARD\r\n", "");
        let nameless = nameless.replace("FN:Person 001\r\nTEL:+15550000001\r\nEND:VCARD\r\n", "");
        bench.put("Download/Contacts_20261121.vcf", &nameless);
        let seen = bench.seen();
        assert!(matches!(&seen.completeness, Completeness::PresentOnly(why) if why.contains("whose it is")));
        assert!(
            seen.remarks.iter().any(|remark| remark.starts_with("Nothing that is missing counts as deleted"))
        );
        // All can be read again.
        bench.clock.advance_ms(DAY_MS);
        bench.put("Download/Contacts_20261122.vcf", book(5));
        let seen = bench.seen();
        assert_eq!((seen.items.len(), seen.place_of("Person 003")), (5, place.as_str()));
        assert_eq!(seen.completeness, Completeness::Complete);
    }
}

#[test]
fn nothing_counts_as_deleted_while_a_newer_export_cannot_be_used() {
    for mut bench in benches() {
        bench.choices.absent_is_deleted = true;
        bench.put("Download/Contacts_20261120.vcf", both());
        assert_eq!(bench.seen().completeness, Completeness::Complete);
        bench.put("Download/Contacts_20261121.vcf", &both()[..50]);
        let seen = bench.seen();
        assert!(matches!(&seen.completeness, Completeness::PresentOnly(why) if why.contains("20261121")));
        assert_eq!(seen.remarks.len(), 2, "{:?}", seen.remarks);
    }
}

#[test]
fn what_may_be_another_phones_gets_other_places() {
    let mut bench = Bench::mtp("android");
    bench.put("Download/Contacts_20261120.vcf", both());
    let before = bench.seen();
    bench.doubt = Some(String::from("another phone has this number"));
    let doubted = bench.seen();
    assert_eq!(doubted.items.len(), 2);
    assert!(doubted.items.keys().all(|place| !before.items.contains_key(place)));
    bench.doubt = None;
    assert_eq!(bench.seen().items, doubted.items);
}

#[test]
fn a_dry_run_keeps_nothing_and_sees_the_same() {
    let mut bench = Bench::mtp("android");
    bench.put("Download/Contacts_20261120.vcf", both());
    bench.access = Access::ReadOnly;
    let dry = bench.seen();
    assert_eq!((dry.changes, dry.items.len()), (0, 2));
    bench.access = Access::ReadWrite;
    assert_eq!(bench.seen().items, dry.items);
}

#[test]
fn nothing_is_written_but_files_for_the_person() {
    let bench = Bench::mtp("android");
    bench.put("Download/Contacts_20261120.vcf", both());
    let mut channel = bench.open().unwrap();
    let entry = channel.list().unwrap().entries.remove(0);
    assert!(!channel.capabilities().writable);
    assert_eq!(channel.capabilities().delivery, Delivery::ByHand);
    let SimpleOutcome::Refused(why) = channel.create("a", b"b") else { panic!() };
    assert!(why.contains("Tap the file."));
    assert!(channel.read(&Locator("export/contact 99".into())).is_err());
    assert!(channel.read(&entry.locator).is_ok());
}

#[test]
fn a_mounted_phone_is_known_by_its_storages() {
    let bench = Bench::directory();
    fs::remove_dir_all(bench.directory.path().join("DCIM")).unwrap();
    fs::remove_dir_all(bench.directory.path().join("Download")).unwrap();
    bench.put("Internal storage/DCIM/x.jpg", "x");
    bench.put("Internal storage/Download/Contacts_20261121_060000.vcf", both());
    bench.put("Friends/Bo.vcf", both());
    let seen = bench.seen();
    assert!(matches!(&seen.completeness, Completeness::PresentOnly(what)
        if what == "the export directory/Internal storage/Download/Contacts_20261121_060000.vcf"));
    assert_eq!(seen.items.len(), 2);
}

#[test]
fn a_copy_of_just_the_folder_is_enough() {
    let bench = Bench::directory();
    fs::remove_dir_all(bench.directory.path().join("DCIM")).unwrap();
    fs::remove_dir_all(bench.directory.path().join("Download")).unwrap();
    bench.put("Contacts_20261121_060000.vcf", both());
    let seen = bench.seen();
    assert_eq!(seen.items.len(), 2);
    assert!(matches!(&seen.completeness, Completeness::PresentOnly(what)
        if what == "the export directory/Contacts_20261121_060000.vcf"));
}

/// Hands one contact over and tells the files that are there then and where it was left.
fn hand_over(bench: &Bench) -> String {
    let mut channel = bench.open().unwrap();
    channel.list().unwrap();
    channel.keep().unwrap();
    let text = card("Cy Moor", "+15550003");
    let offers = [Offer { pc: ItemId(7), card: Card::parse(text.as_bytes()).unwrap() }];
    let handed = channel.hand_over(&offers).unwrap();
    assert_eq!((handed.offered, channel.offered()), (1, vec![ItemId(7)]));
    handed.place.unwrap()
}

#[test]
fn what_is_new_on_the_pc_is_left_where_the_phone_looks_for_it() {
    for bench in benches() {
        bench.put("Download/Contacts_20261121_060000.vcf", both());
        let place = hand_over(&bench);
        assert!(place.ends_with("/Download/Tetherbook/tetherbook-to-phone-20261121.vcf"), "{place}");
        // It is no export, and it is remembered.
        let mut channel = bench.open().unwrap();
        assert_eq!(channel.list().unwrap().entries.len(), 2);
        assert_eq!(channel.offered(), [ItemId(7)]);
    }
    for (storage, export) in [("Internal storage/", "Internal storage/Download/"), ("", "")] {
        let bench = Bench::directory();
        fs::remove_dir_all(bench.directory.path().join("DCIM")).unwrap();
        fs::remove_dir_all(bench.directory.path().join("Download")).unwrap();
        bench.put(&format!("{export}Contacts_20261121_060000.vcf"), both());
        if !storage.is_empty() {
            bench.put(&format!("{storage}DCIM/x.jpg"), "x");
        }
        let place = hand_over(&bench);
        let expected = format!("directory/{export}Tetherbook/tetherbook-to-phone-20261121.vcf");
        assert_eq!(place, expected);
        assert!(bench.directory.path().join(expected.strip_prefix("directory/").unwrap()).is_file());
    }
}

#[test]
fn names_of_any_language_are_exports() {
    for name in ["Kontakte", "連絡先", "جهات الاتصال", "Επαφές", "contacts"] {
        let bench = Bench::mtp("android");
        bench.put(&format!("Download/{name}_20261121_060000.vcf"), both());
        assert_eq!(bench.seen().items.len(), 2, "{name}");
    }
}

fn set_profile() -> DeviceProfile {
    let more = "layout = \"one-card-per-file\"\nversion = \"4.0\"";
    let text = profile_text("\"backup\"", "\"contact-*.vcf\"", more);
    DeviceProfile::parse("test-export.toml", &text).unwrap()
}

#[test]
fn a_set_of_files_is_one_export() {
    for mut bench in benches() {
        bench.profile = set_profile();
        for index in 0..12 {
            bench.put(
                &format!("backup/contact-{index}.vcf"),
                card(&format!("Person {index:03}"), &format!("{index:09}")),
            );
        }
        let first = bench.seen();
        assert_eq!(first.items.len(), 12);
        assert_eq!(bench.seen().items, first.items);
        // Another export with another order and two people less: the last two files are left from the first.
        bench.clock.advance_ms(DAY_MS);
        for index in 0..10 {
            let person = 11 - index;
            let text = card(&format!("Person {person:03}"), &format!("{person:09}"));
            bench.put(&format!("backup/contact-{index}.vcf"), text);
        }
        let second = bench.seen();
        assert_eq!(second.items.len(), 10);
        for person in 2..12 {
            let name = format!("Person {person:03}");
            assert_eq!(second.place_of(&name), first.place_of(&name));
        }
        // One is missing, or not whole: nothing of the set counts.
        bench.clock.advance_ms(DAY_MS);
        bench.put("backup/contact-3.vcf", "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:A");
        assert!(bench.failure().contains("its file contact-3.vcf is bad: it is cut off in card 1"));
        bench.remove("backup/contact-3.vcf");
        assert!(bench.failure().contains("it is not whole: number 3 is missing"));
    }
}

#[test]
fn the_channel_is_chosen_by_what_is_there() {
    let folder =
        DeviceProfile { rank: 20, ..ProfileSet::built_in().unwrap().by_id("android").unwrap().clone() };
    let export = profile();
    let chosen = |bench: &Bench, candidates: &[&DeviceProfile], remembered: Option<&str>| {
        let opened = open_channel(bench.tree(), candidates, remembered, bench.options());
        opened.map(|(_, profile)| profile.id.clone()).map_err(|error| error.to_string())
    };
    for bench in benches() {
        let both_kinds = [&export, &folder];
        assert_eq!(chosen(&bench, &both_kinds, None).unwrap(), "android");
        bench.put("Download/Zoe.vcf", card("Zoe", "9"));
        assert_eq!(chosen(&bench, &both_kinds, None).unwrap(), "android", "one card is what people send");
        bench.put("Download/old.vcf", both().replace("4.0", "2.1"));
        assert_eq!(chosen(&bench, &both_kinds, None).unwrap(), "android", "another app's");
        bench.put("Download/contacts.vcf", both());
        assert_eq!(chosen(&bench, &both_kinds, None).unwrap(), "test-export");
        bench.remove("Download/contacts.vcf");
        assert_eq!(chosen(&bench, &both_kinds, Some("test-export")).unwrap(), "test-export", "as before");
        for name in ["Zoe", "old"] {
            bench.remove(&format!("Download/{name}.vcf"));
        }
        let gone = chosen(&bench, &both_kinds, Some("test-export")).unwrap_err();
        assert!(gone.contains("there is no file *.vcf in Download, the storage's root"), "{gone}");
        assert!(gone.contains("Open the contacts app"), "{gone}");
    }
}

/// Files that are all cut, and how often one was read.
struct Cut(usize);

impl Sources for Cut {
    fn read(&mut self, _: &Candidate) -> Result<Vec<u8>, TreeError> {
        self.0 += 1;
        Ok(both().as_bytes()[..70].to_vec())
    }

    fn known_names(&mut self, _: &Reading) -> Result<usize, ProviderError> {
        Ok(0)
    }
}

#[test]
fn so_many_files_are_read_and_no_more() {
    let bench = Bench::mtp("android");
    for day in 1..=20 {
        bench.put(&format!("Download/Contacts_202611{day:02}.vcf"), &both()[..70]);
    }
    let mut tree = bench.tree();
    let profile = profile();
    let section = profile.contacts.export.clone().unwrap();
    let mut search = Search::new(&mut *tree).unwrap();
    let found: Found = find(&mut search, &profile.contacts, &section).unwrap();
    let about = Circumstances {
        found: &found,
        section: &section,
        is_directory: false,
        absent_is_deleted: false,
        dates_tell_changes: true,
        now_ms: MORNING_MS,
    };
    let mut sources = Cut(0);
    let choice = choose(&about, &mut Remembered::default(), &mut sources).unwrap();
    let reads = sources.0;
    assert_eq!((reads, choice.refused.len(), choice.not_looked_at), (8, 8, 12));
    assert_eq!(choice.taken, Taken::Nothing);
    assert!(bench.failure().contains("12 older files were not looked at"));
}
