//! The file for the phone: what is in it after every way that phone, person and cable can go. Tests only.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use super::offers::{HandOver, NewestExport, Offers, is_drop_file};
use crate::contact::{Card, Limits, read_cards};
use crate::device::channel::contract::Access;
use crate::device::profile::{ExportLayout, ExportSection};
use crate::device::tree::ObjectTree;
use crate::device::tree_memory::{Cut, MemoryPhone, MemoryTree};
use crate::ics::Guid;
use crate::provider::{ChannelMemory, HandedOver, ItemId, Offer, ProviderError, Revision};

const FOLDER: &str = "Download/Tetherbook";
const FIRST: &str = "tetherbook-to-phone-20261121.vcf";
const SECOND: &str = "tetherbook-to-phone-20261121-2.vcf";
/// 2026-11-21T12:00:00Z.
const NOON_MS: i64 = 1_795_262_400_000;

/// A memory that refuses every change after so many.
#[derive(Default)]
struct Notes {
    kept: RefCell<BTreeMap<String, Vec<u8>>>,
    changes_left: Cell<Option<u32>>,
}

impl Notes {
    fn change(&self) -> Result<(), ProviderError> {
        match self.changes_left.get() {
            Some(0) => return Err(ProviderError::Storage("the disk is full".to_owned())),
            Some(left) => self.changes_left.set(Some(left - 1)),
            None => {}
        }
        Ok(())
    }
}

impl ChannelMemory for Notes {
    fn get(&self, _replica: Guid, name: &str) -> Result<Option<Vec<u8>>, ProviderError> {
        Ok(self.kept.borrow().get(name).cloned())
    }

    fn put(&self, _replica: Guid, name: &str, bytes: &[u8]) -> Result<(), ProviderError> {
        self.change()?;
        self.kept.borrow_mut().insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn remove(&self, _replica: Guid, name: &str) -> Result<(), ProviderError> {
        self.change()?;
        self.kept.borrow_mut().remove(name);
        Ok(())
    }

    fn names(&self, _replica: Guid, prefix: &str) -> Result<Vec<String>, ProviderError> {
        Ok(self.kept.borrow().keys().filter(|name| name.starts_with(prefix)).cloned().collect())
    }
}

fn section() -> ExportSection {
    ExportSection {
        names: vec!["*.vcf".to_owned()],
        version: None,
        product: String::new(),
        layout: ExportLayout::OneFile,
        stale_after_days: 0,
        how_to_export: "Open the contacts app and export.".to_owned(),
        drop_folder: FOLDER.to_owned(),
        how_to_import: "Tap it.".to_owned(),
    }
}

fn offer(pc: u64, name: &str) -> Offer {
    let text =
        format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\nN:;{name};;;\r\nTEL:+4930{pc}\r\nEND:VCARD\r\n");
    Offer { pc: ItemId(pc), card: Card::parse(text.as_bytes()).unwrap() }
}

/// A phone with its person, a memory, and the newest export.
struct World {
    phone: Rc<RefCell<MemoryPhone>>,
    notes: Notes,
    export: Option<(&'static str, &'static str)>,
    cut: Option<(u64, Cut)>,
    access: Access,
    requests: u64,
    written_bytes: u64,
}

impl World {
    fn new() -> Self {
        let phone = MemoryPhone::new();
        phone.borrow_mut().put("Download", "contacts.vcf", b"an export");
        Self {
            phone,
            notes: Notes::default(),
            export: Some(("contacts.vcf", "20261121T060000")),
            cut: None,
            access: Access::ReadWrite,
            requests: 0,
            written_bytes: 0,
        }
    }

    fn session(&mut self, offers: &[Offer]) -> Result<HandedOver, ProviderError> {
        let section = section();
        let mut tree = MemoryTree::connect(&self.phone, self.cut);
        let content = Revision::of(format!("{:?}", self.export).as_bytes());
        let export = self.export.map(|(name, date)| NewestExport { name, content, modified: Some(date) });
        let mut book = Offers::load(&self.notes, Guid::from_random([1; 16]))?;
        let done = book.hand_over(HandOver {
            tree: &mut tree,
            memory: &self.notes,
            access: self.access,
            section: &section,
            export,
            storage: Some("Phone"),
            now_ms: NOON_MS,
            offers,
        });
        self.requests = tree.statistics().requests;
        self.written_bytes = tree.statistics().written_bytes;
        let kept = Offers::load(&self.notes, Guid::from_random([1; 16]))?;
        if done.is_ok() {
            assert_eq!(kept.offered(), book.offered(), "what is known is written down");
        }
        done
    }

    /// The names in each file for the phone, cards that are torn left out.
    fn files(&self) -> BTreeMap<String, Vec<String>> {
        let files = self.phone.borrow_mut().files(FOLDER);
        let names = |bytes: &[u8]| -> Vec<String> {
            let cards = read_cards(bytes, "file", &Limits::default()).into_iter().flatten();
            cards.map(|framed| framed.card.display_name()).collect()
        };
        files
            .into_iter()
            .filter(|(name, _)| is_drop_file(name))
            .map(|(name, bytes)| (name, names(&bytes)))
            .collect()
    }

    fn offered(&self) -> Vec<u64> {
        let book = Offers::load(&self.notes, Guid::from_random([1; 16])).unwrap();
        book.offered().into_iter().map(|item| item.0).collect()
    }

    fn take_away(&self, name: &str) {
        self.phone.borrow_mut().remove(FOLDER, name);
    }
}

fn files(list: &[(&str, &[&str])]) -> BTreeMap<String, Vec<String>> {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    list.iter().map(|(file, names)| ((*file).to_owned(), owned(names))).collect()
}

#[test]
fn only_what_is_new_goes_into_a_new_file() {
    let mut world = World::new();
    let both = [offer(1, "Ada"), offer(2, "Bert")];
    let done = world.session(&both).unwrap();
    assert_eq!(done.place.as_deref(), Some("Phone/Download/Tetherbook/tetherbook-to-phone-20261121.vcf"));
    assert_eq!((done.offered, done.waiting), (2, 0));
    assert_eq!(world.files(), files(&[(FIRST, &["Ada", "Bert"])]));
    assert_eq!(world.offered(), [1, 2]);

    let done = world.session(&both).unwrap();
    assert_eq!((done.place, done.offered, done.waiting), (None, 0, 2));
    assert_eq!(world.written_bytes, 0);
    assert!(world.requests <= 4, "{} requests while two contacts wait", world.requests);

    let done = world.session(&[offer(1, "Ada"), offer(2, "Bert"), offer(3, "Cleo")]).unwrap();
    assert_eq!((done.offered, done.waiting), (1, 2));
    assert_eq!(world.files(), files(&[(FIRST, &["Ada", "Bert"]), (SECOND, &["Cleo"])]));
    insta::assert_snapshot!(done.notes.join("\n"));
}

#[test]
fn nothing_is_asked_where_nothing_is_wanted() {
    let mut world = World::new();
    assert_eq!(world.session(&[]).unwrap(), HandedOver::default());
    assert_eq!(world.requests, 0);
    world.access = Access::ReadOnly;
    assert_eq!(world.session(&[offer(1, "Ada")]).unwrap(), HandedOver::default());
    assert_eq!((world.requests, world.offered().len()), (0, 0));
    assert!(world.notes.kept.borrow().is_empty());
}

#[test]
fn what_was_seen_leaves_its_file_and_an_empty_file_is_removed() {
    let mut world = World::new();
    world.session(&[offer(1, "Ada"), offer(2, "Bert"), offer(3, "Cleo")]).unwrap();
    let done = world.session(&[offer(2, "Bert"), offer(3, "Cleo")]).unwrap();
    assert_eq!(world.files(), files(&[(FIRST, &["Bert", "Cleo"])]));
    assert_eq!(done.waiting, 2);
    let mut told = done.notes;
    told.extend(world.session(&[offer(3, "Cleo X.")]).unwrap().notes);
    assert_eq!(world.files(), files(&[(FIRST, &["Cleo X."])]));
    told.extend(world.session(&[]).unwrap().notes);
    assert_eq!(world.files(), files(&[]));
    assert!(world.offered().is_empty() && world.notes.kept.borrow().is_empty());
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn a_file_that_a_person_changed_is_not_touched() {
    let mut world = World::new();
    world.session(&[offer(1, "Ada"), offer(2, "Bert")]).unwrap();
    world.phone.borrow_mut().put(FOLDER, FIRST, b"shopping list");
    let mut told = world.session(&[offer(1, "Ada"), offer(2, "Bert B.")]).unwrap().notes;
    assert_eq!(world.phone.borrow_mut().files(FOLDER)[FIRST], b"shopping list");
    assert_eq!(world.offered(), [1, 2]);
    told.extend(world.session(&[]).unwrap().notes);
    assert_eq!(world.phone.borrow_mut().files(FOLDER)[FIRST], b"shopping list");
    assert!(world.offered().is_empty());
    let done = world.session(&[offer(3, "Cleo")]).unwrap();
    assert_eq!(world.files().keys().collect::<Vec<_>>(), [SECOND, FIRST]);
    told.extend(done.notes);
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn what_is_gone_waits_for_an_export_that_is_surely_younger() {
    let mut world = World::new();
    let both = [offer(1, "Ada"), offer(2, "Bert")];
    world.session(&both).unwrap();
    // The nightly export comes before the person opens the file and deletes it: it lacks them and proves nothing.
    world.export = Some(("contacts_2.vcf", "20261122T060000"));
    world.take_away(FIRST);
    let first = world.session(&both).unwrap();
    let again = world.session(&both).unwrap();
    assert_eq!((first.waiting, first.place.as_ref(), &first), (2, None, &again));
    assert_eq!((world.files(), world.written_bytes), (files(&[]), 0));
    // An older export becomes the newest, or the phone tells its time in another zone: no younger one either.
    for export in
        [None, Some(("contacts.vcf", "20261121T060000")), Some(("contacts_2.vcf", "20261122T074500"))]
    {
        let before = world.export;
        world.export = export.filter(|(name, _)| *name == "contacts.vcf").or(before);
        assert_eq!(world.session(&both).unwrap().offered, 0);
        world.export = before;
    }
    // The next one has the first of them.
    world.export = Some(("contacts_3.vcf", "20261123T060000"));
    let done = world.session(&[offer(2, "Bert")]).unwrap();
    assert_eq!((done.offered, done.waiting), (1, 0));
    assert_eq!(world.files(), files(&[(FIRST, &["Bert"])]));
    let mut told = first.notes;
    told.extend(done.notes);
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn the_same_export_at_another_hour_is_no_younger_one() {
    let mark = |modified, content: &[u8]| {
        let export = NewestExport { name: "c.vcf", content: Revision::of(content), modified };
        export.mark()
    };
    assert_eq!(mark(Some("20261121T060007"), b"x"), mark(Some("20261121T071507"), b"x"));
    assert_ne!(mark(Some("20261121T060007"), b"x"), mark(Some("20261121T060107"), b"x"));
    assert_ne!(mark(Some("20261121T060007"), b"x"), mark(Some("20261121T060007"), b"y"));
    assert_eq!(mark(Some("20261121T060007"), b"x"), mark(Some("2026-11-21T05:15:07.25Z"), b"x"));
    for strange in ["", "strange", "ab12cd34ef56ab12cd34ef56ab12cd34", "20261121T06", "2026112äT0600"] {
        assert_eq!(mark(None, b"x"), mark(Some(strange), b"x"), "{strange}");
    }
}

#[test]
fn a_file_that_comes_back_is_known_again() {
    let mut world = World::new();
    let offers = [offer(1, "Ada")];
    world.session(&offers).unwrap();
    let bytes = world.phone.borrow_mut().files(FOLDER)[FIRST].clone();
    world.take_away(FIRST);
    assert!(world.session(&offers).unwrap().notes[0].contains("no longer there"));
    world.phone.borrow_mut().put(FOLDER, FIRST, &bytes);
    assert!(world.session(&offers).unwrap().notes[0].contains("1 contact waits in"));
    world.session(&[]).unwrap();
    assert_eq!(world.files(), files(&[]));
}

#[test]
fn what_the_phone_refuses_is_told_and_tried_again() {
    let mut world = World::new();
    world.session(&[offer(1, "Ada"), offer(2, "Bert")]).unwrap();
    world.phone.borrow_mut().protected = Some(FIRST.to_owned());
    let mut told = world.session(&[offer(1, "Ada"), offer(2, "Bert B.")]).unwrap().notes;
    assert_eq!(world.files(), files(&[(FIRST, &["Ada", "Bert"])]));
    // Ada was seen and is wanted again: she still stands in the file that could not be replaced.
    told.extend(world.session(&[offer(2, "Bert B.")]).unwrap().notes);
    let done = world.session(&[offer(1, "Ada"), offer(2, "Bert B.")]).unwrap();
    assert_eq!((done.offered, world.files().len()), (0, 1));
    world.phone.borrow_mut().protected = None;
    world.session(&[offer(1, "Ada"), offer(2, "Bert B.")]).unwrap();
    assert_eq!(world.files(), files(&[(FIRST, &["Bert B."]), (SECOND, &["Ada"])]));

    world.phone.borrow_mut().corrupts = true;
    let error = world.session(&[offer(1, "Ada"), offer(2, "Bert B."), offer(3, "Cleo")]).unwrap_err();
    assert!(matches!(&error, ProviderError::Storage(why) if why.contains("1 contact could not be left")));
    told.push(error.to_string());
    assert_eq!(world.files().len(), 2);
    world.phone.borrow_mut().corrupts = false;
    world.session(&[offer(1, "Ada"), offer(2, "Bert B."), offer(3, "Cleo")]).unwrap();
    assert_eq!(world.files().values().flatten().count(), 3);
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn an_unclear_listing_concludes_nothing() {
    let mut world = World::new();
    world.session(&[offer(1, "Ada")]).unwrap();
    world.take_away(FIRST);
    world.phone.borrow_mut().incomplete = Some("the list came short".to_owned());
    let done = world.session(&[offer(1, "Ada")]).unwrap();
    assert_eq!(done.waiting, 1);
    assert!(done.notes[0].contains("could not be looked at: the list came short"), "{:?}", done.notes);
    let error = world.session(&[offer(1, "Ada"), offer(2, "Bert")]).unwrap_err();
    assert!(error.to_string().contains("the list came short"));
    assert_eq!(world.offered(), [1]);
    world.phone.borrow_mut().incomplete = None;
    world.phone.borrow_mut().locked = true;
    assert!(matches!(world.session(&[offer(1, "Ada")]), Err(ProviderError::Locked(_))));
}

#[test]
fn a_memory_of_another_version_is_refused() {
    let mut world = World::new();
    for (bytes, word) in [
        (&b"{\"version\":2}"[..], "newer"),
        (b"{}", "no version"),
        (b"{", "damaged"),
        (b"{\"version\":1,\"exports\":[],\"files\":[{}]}", "damaged"),
    ] {
        world.notes.kept.borrow_mut().insert("offers".to_owned(), bytes.to_vec());
        let error = world.session(&[offer(1, "Ada")]).unwrap_err();
        assert!(matches!(&error, ProviderError::Unusable(why) if why.contains(word)), "{error}");
    }
}

/// The sessions of a fortnight: what is wanted on the phone at each, and whether the first file is gone by then.
fn course() -> Vec<(Vec<Offer>, bool)> {
    let (ada, bert, cleo, dora) = (offer(1, "Ada"), offer(2, "Bert"), offer(3, "Cleo"), offer(4, "Dora"));
    let edited = offer(2, "Bert B.");
    vec![
        (vec![ada.clone(), bert.clone(), cleo.clone()], false),
        (vec![ada.clone(), edited.clone(), cleo.clone(), dora.clone()], false),
        (vec![edited.clone(), cleo.clone(), dora.clone()], false),
        (vec![edited.clone(), cleo.clone()], true),
        (vec![edited.clone(), cleo.clone()], false),
        (vec![cleo], false),
        (vec![], false),
    ]
}

const DATES: [&str; 7] = [
    "20261121T060000",
    "20261121T060100",
    "20261121T060200",
    "20261121T060300",
    "20261121T060400",
    "20261121T060500",
    "20261121T060600",
];

/// Plays the course up to a step, without faults.
fn played_to(step: usize) -> World {
    let mut world = World::new();
    for (index, (offers, takes_away)) in course().into_iter().enumerate().take(step) {
        world.prepare(index, takes_away);
        world.session(&offers).unwrap();
    }
    let (_, takes_away) = course()[step];
    world.prepare(step, takes_away);
    world
}

impl World {
    fn prepare(&mut self, step: usize, takes_away: bool) {
        self.export = Some(("contacts.vcf", DATES[step]));
        if takes_away {
            self.take_away(FIRST);
        }
    }

    fn check_no_contact_twice(&self, what: &str) {
        let mut names: Vec<String> = self.files().into_values().flatten().collect();
        names.sort();
        // An edited contact is the same one.
        let count = names.len();
        names.dedup_by_key(|name| name.chars().take(3).collect::<String>());
        assert_eq!(names.len(), count, "{what}: {:?}", self.files());
    }
}

#[test]
fn the_course_without_faults() {
    let mut story = String::new();
    for step in 0..course().len() {
        let mut world = played_to(step);
        let done = world.session(&course()[step].0).unwrap();
        story += &format!("{} {:?}\n  {}\n", world.requests, world.files(), done.notes.join("\n  "));
    }
    insta::assert_snapshot!(story);
}

#[test]
fn a_cable_pulled_at_any_request_doubles_and_loses_nothing() {
    let mut cuts = 0;
    for (step, (offers, _)) in course().into_iter().enumerate() {
        let mut right = played_to(step);
        right.session(&offers).unwrap();
        for at in 1..=right.requests {
            for cut in [Cut::Before, Cut::Halfway, Cut::After] {
                let what = format!("step {step}, request {at}, {cut:?}");
                let mut world = played_to(step);
                world.cut = Some((at, cut));
                let answer = world.session(&offers);
                assert!(matches!(answer, Err(ProviderError::Disconnected(_))), "{what}");
                world.check_no_contact_twice(&what);
                world.cut = None;
                world.session(&offers).unwrap();
                assert_eq!(world.files(), right.files(), "{what}");
                assert_eq!(world.offered(), right.offered(), "{what}");
                world.session(&offers).unwrap();
                assert_eq!(world.written_bytes, 0, "{what}: a third session has nothing to write");
                cuts += 1;
            }
        }
    }
    assert!(cuts > 100, "{cuts}");
}

#[test]
fn a_memory_that_refuses_at_any_time_doubles_and_loses_nothing() {
    for (step, (offers, _)) in course().into_iter().enumerate() {
        let mut right = played_to(step);
        right.session(&offers).unwrap();
        for changes in 0..6 {
            let what = format!("step {step}, after {changes} changes");
            let mut world = played_to(step);
            let before = world.phone.borrow_mut().files(FOLDER);
            world.notes.changes_left.set(Some(changes));
            let answer = world.session(&offers);
            if changes == 0 && answer.is_err() {
                let now = world.phone.borrow_mut().files(FOLDER);
                assert!(before == now || now.is_empty(), "{what}: nothing is written that is not noted");
            }
            world.check_no_contact_twice(&what);
            world.notes.changes_left.set(None);
            world.session(&offers).unwrap();
            assert_eq!((world.files(), world.offered()), (right.files(), right.offered()), "{what}");
        }
    }
}

#[test]
fn what_is_wanted_may_change_after_a_cut() {
    let mut right = World::new();
    right.session(&[offer(1, "Ada"), offer(2, "Bert")]).unwrap();
    for at in 1..=right.requests {
        for cut in [Cut::Before, Cut::Halfway, Cut::After] {
            let what = format!("request {at}, {cut:?}");
            let mut world = World::new();
            world.cut = Some((at, cut));
            world.session(&[offer(1, "Ada"), offer(2, "Bert")]).unwrap_err();
            world.cut = None;
            world.session(&[offer(2, "Bert B."), offer(3, "Cleo")]).unwrap();
            let mut names: Vec<String> = world.files().into_values().flatten().collect();
            names.sort();
            assert_eq!(names, ["Bert B.", "Cleo"], "{what}");
            world.session(&[]).unwrap();
            assert_eq!(world.files(), files(&[]), "{what}");
        }
    }
}
