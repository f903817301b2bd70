//! Sessions with a phone that takes contacts by hand: what is wanted there waits, is told again, and is over once the
//! phone was seen to have it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::{Options, Parties, run};
use crate::contact::{Card, CardEditor, Dialect, FieldMask};
use crate::ics::Guid;
use crate::provider::{
    Capabilities, Completeness, Costs, Delivery, Entry, HandedOver, ItemId, Listing, Locator, Offer,
    ProviderError, Replica, Revision, Settled, SimpleOutcome, SimpleProvider, Stamp, TestClock,
    TestRandomness, Tracked, TrackingOptions, Unsettled,
};
use crate::relationship::{Mode, Relationship};
use crate::report::{Silence, Summary};
use crate::store::{Book, PhoneMetadata, PhoneSighting, RelationshipLedger, Store};

type Paper = Rc<RefCell<BTreeMap<String, Vec<u8>>>>;

/// What a phone printed: it can be read, and offered something.
struct Export {
    paper: Paper,
    offers: Rc<RefCell<Vec<ItemId>>>,
    replica: Replica,
    capabilities: Capabilities,
    completeness: Completeness,
}

impl SimpleProvider for Export {
    fn replica(&self) -> &Replica {
        &self.replica
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn restarted(&self, _generation_known: u64) -> Option<String> {
        None
    }

    fn stamps_tell_changes(&self) -> bool {
        true
    }

    fn list(&mut self) -> Result<Listing, ProviderError> {
        let paper = self.paper.borrow();
        let entries = paper.iter().map(|(name, bytes)| Entry {
            locator: Locator(name.as_str().into()),
            stamp: Stamp {
                size_bytes: bytes.len() as u64,
                modified: Some(format!("{:?}", Revision::of(bytes)).into()),
            },
        });
        Ok(Listing { entries: entries.collect(), completeness: self.completeness.clone() })
    }

    fn read(&mut self, locator: &Locator) -> Result<Vec<u8>, ProviderError> {
        let gone = ProviderError::Gone(locator.to_string());
        self.paper.borrow().get(&*locator.0).cloned().ok_or(gone)
    }

    fn create(&mut self, _name: &str, _bytes: &[u8]) -> SimpleOutcome {
        panic!("nothing is written to paper")
    }

    fn replace(&mut self, _locator: &Locator, _expected: Revision, _bytes: &[u8]) -> SimpleOutcome {
        panic!("nothing is written to paper")
    }

    fn delete(&mut self, _locator: &Locator, _expected: Revision) -> SimpleOutcome {
        panic!("nothing is written to paper")
    }

    fn hand_over(&mut self, offers: &[Offer]) -> Result<HandedOver, ProviderError> {
        *self.offers.borrow_mut() = offers.iter().map(|offer| offer.pc).collect();
        Ok(HandedOver { offered: offers.len(), ..HandedOver::default() })
    }

    fn offered(&self) -> Vec<ItemId> {
        self.offers.borrow().clone()
    }

    fn settle(&mut self, _write: &Unsettled) -> Result<Settled, ProviderError> {
        panic!("nothing was written to paper")
    }

    fn prepare_writes(&mut self) -> Result<u64, ProviderError> {
        panic!("nothing is written to paper")
    }

    fn finish_writes(&mut self) -> Result<Vec<Entry>, ProviderError> {
        Ok(Vec::new())
    }

    fn costs(&self) -> Costs {
        Costs::default()
    }
}

struct Rig {
    store: Store,
    paper: Paper,
    offers: Rc<RefCell<Vec<ItemId>>>,
    clock: Rc<TestClock>,
    randomness: Rc<TestRandomness>,
    mode: Mode,
}

impl Rig {
    fn new() -> Self {
        Self {
            store: Store::in_memory().unwrap(),
            paper: Paper::default(),
            offers: Rc::default(),
            clock: Rc::new(TestClock::at(1_790_000_000_000)),
            randomness: Rc::new(TestRandomness::seeded(4)),
            mode: Mode::TwoWay,
        }
    }

    fn phone_holds(&self, name: &str, lines: &[&str]) {
        let mut editor =
            CardEditor::empty(Dialect::v21().version, Dialect::v21().folding, Dialect::v21().line_end)
                .finish()
                .as_bytes()
                .to_vec();
        let end = b"END:VCARD\r\n";
        editor.truncate(editor.len() - end.len());
        for line in lines {
            editor.extend_from_slice(format!("{line}\r\n").as_bytes());
        }
        editor.extend_from_slice(end);
        self.paper.borrow_mut().insert(name.to_owned(), editor);
    }

    fn book(&self) -> Book<'_> {
        Book::open(&self.store, "contacts", &*self.clock, &*self.randomness).unwrap()
    }

    fn add(&self, lines: &[&str]) -> ItemId {
        self.book().add(&card(lines)).unwrap().0
    }

    fn edit(&self, item: ItemId, lines: &[&str]) {
        self.book().edit(item, None, &card(lines)).unwrap();
    }

    fn names(&self) -> Vec<String> {
        self.book().list().unwrap().into_iter().map(|row| row.name).collect()
    }

    fn text(&self, name: &str) -> String {
        let book = self.book();
        let row = book.find(name).unwrap().remove(0);
        String::from_utf8(book.contact(row.item).unwrap().unwrap().card.as_bytes().to_vec()).unwrap()
    }

    fn item(&self, name: &str) -> ItemId {
        self.book().find(name).unwrap().remove(0).item
    }

    fn sync(&self) -> (Summary, Vec<String>) {
        self.sync_with(Completeness::PresentOnly(String::from("an export")))
    }

    fn sync_with(&self, completeness: Completeness) -> (Summary, Vec<String>) {
        let guid = Guid::from_random([9; 16]);
        let sighting = PhoneSighting {
            guid,
            label: String::from("Paper"),
            serial: None,
            profile: String::from("paper"),
            listing: None,
            model: None,
            usb_id: None,
            has_serial: true,
        };
        let phone = self.store.see_phone(&sighting, 0).unwrap();
        let mut book = self.book();
        let id = self.store.relate(phone, &book, "two-way", "{}").unwrap();
        let ledger = RelationshipLedger::new(&self.store, id);
        let export = Export {
            paper: Rc::clone(&self.paper),
            offers: Rc::clone(&self.offers),
            replica: Replica { guid, label: String::from("Paper"), generation: 0 },
            capabilities: Capabilities {
                projection: FieldMask::only(["N", "FN", "TEL", "NOTE"]).into(),
                dialect: Dialect::v21(),
                writable: false,
                delivery: Delivery::ByHand,
                card_bytes_max: 100_000,
            },
            completeness,
        };
        let mut tracked = Tracked::new(
            export,
            PhoneMetadata::new(&self.store, phone),
            Rc::clone(&self.clock) as Rc<dyn crate::provider::Clock>,
            Rc::clone(&self.randomness) as Rc<dyn crate::provider::Randomness>,
            TrackingOptions::default(),
        );
        let relationship = Relationship::of_mode(self.mode);
        let options = Options {
            country: None,
            relationship: &relationship,
            dry_run: false,
            answers: crate::plan::GuardAnswers::default(),
            compare_all: false,
            undo: None,
            clock: &*self.clock,
            interrupted: &|| false,
            started_us: 0,
        };
        let parties = Parties { pc: &mut book, phone: &mut tracked, ledger: &ledger };
        let ended = run(parties, &options, &mut Silence);
        assert!(ended.failure.is_none(), "{:?}", ended.failure);
        self.clock.advance_ms(60_000);
        (ended.summary, ended.plan.unwrap().notes)
    }
}

fn card(lines: &[&str]) -> Card {
    let text = format!("BEGIN:VCARD\r\nVERSION:4.0\r\n{}\r\nEND:VCARD\r\n", lines.join("\r\n"));
    Card::parse(text.as_bytes()).unwrap()
}

const ADA: [&str; 3] = ["N:Example;Ada;;;", "FN:Ada Example", "TEL;CELL:+49 170 1111111"];
const BEN: [&str; 3] = ["N:Example;Ben;;;", "FN:Ben Example", "TEL;CELL:+49 170 2222222"];

#[test]
fn a_new_contact_waits_until_it_was_seen_on_the_phone() {
    let rig = Rig::new();
    rig.phone_holds("c1", &ADA);
    assert_eq!(rig.sync().0.created.pc, 1);
    // Only a name: nothing but the offer tells who it is when it comes back.
    let carl = rig.add(&["FN:Carl Example", "N:Example;Carl;;;", "EMAIL:carl@example.org"]);
    for _ in 0..3 {
        let (summary, _) = rig.sync();
        assert_eq!((summary.waiting, summary.offered, summary.device_writes), (1, 1, 0));
        assert_eq!(*rig.offers.borrow(), [carl]);
    }
    assert_eq!(rig.store.sessions(9).unwrap().len(), 1, "what only waits is no news");
    rig.phone_holds("c2", &["N:Example;Carl;;;", "FN:Carl Example"]);
    let (summary, _) = rig.sync();
    assert_eq!((summary.waiting, summary.created.pc), (0, 0));
    assert!(rig.offers.borrow().is_empty());
    assert_eq!(rig.names(), ["Ada Example", "Carl Example"]);
    assert!(rig.text("Carl").contains("carl@example.org"), "what the phone cannot hold stays");
    let (summary, _) = rig.sync();
    assert_eq!((summary.waiting, summary.store_writes, summary.session), (0, 0, None));
}

#[test]
fn an_edit_waits_and_edits_from_the_phone_come_in_meanwhile() {
    let rig = Rig::new();
    rig.phone_holds("c1", &ADA);
    rig.sync();
    let ada = rig.item("Ada");
    rig.edit(ada, &["N:Example;Ada;;;", "FN:Ada Example", "TEL;TYPE=cell:+49 170 9999999", "UID:a"]);
    assert_eq!(rig.sync().0.waiting, 1);
    assert_eq!(rig.sync().0.waiting, 1);
    // Another field changes on the phone.
    rig.phone_holds("c1", &[ADA[0], ADA[1], ADA[2], "NOTE:met in Ulm"]);
    let (summary, _) = rig.sync();
    assert_eq!((summary.waiting, summary.updated.pc), (1, 1));
    assert!(rig.text("Ada").contains("met in Ulm") && rig.text("Ada").contains("9999999"));
    assert_eq!(rig.sync().0.waiting, 1);
    // The person does it.
    rig.phone_holds("c1", &[ADA[0], ADA[1], "TEL;CELL:+49 170 9999999", "NOTE:met in Ulm"]);
    let (summary, _) = rig.sync();
    assert_eq!((summary.waiting, summary.store_writes, summary.conflicts), (0, 0, 0));
    assert_eq!(rig.sync().0.waiting, 0);
    assert!(rig.text("Ada").contains("9999999"));
    assert!(!rig.text("Ada").contains("1111111"));
}

#[test]
fn both_sides_changed_one_number_so_a_person_decides() {
    let rig = Rig::new();
    rig.phone_holds("c1", &[ADA[0], ADA[1], "NOTE:one"]);
    rig.sync();
    rig.edit(rig.item("Ada"), &["N:Example;Ada;;;", "FN:Ada Example", "NOTE:two", "UID:a"]);
    rig.phone_holds("c1", &[ADA[0], ADA[1], "NOTE:three"]);
    assert_eq!(rig.sync().0.conflicts, 1);
    assert_eq!(rig.sync().0.conflicts, 1);
    assert!(rig.text("Ada").contains("two"));
    rig.phone_holds("c1", &[ADA[0], ADA[1], "NOTE:two"]);
    assert_eq!(rig.sync().0.conflicts, 0);
    assert_eq!(rig.sync().0.waiting, 0);
}

#[test]
fn a_deletion_waits_until_the_export_lacks_it() {
    let rig = Rig::new();
    rig.phone_holds("c1", &ADA);
    rig.phone_holds("c2", &BEN);
    rig.sync();
    rig.book().remove(rig.item("Ben"), None).unwrap();
    assert_eq!(rig.sync().0.waiting, 1);
    assert_eq!(rig.sync().0.waiting, 1);
    rig.paper.borrow_mut().remove("c2");
    let (summary, notes) = rig.sync();
    assert_eq!((summary.waiting, notes), (0, Vec::new()));
    let (summary, notes) = rig.sync();
    assert_eq!((summary.waiting, summary.store_writes, notes), (0, 0, Vec::new()));
    // Who makes it anew on the phone wants it.
    rig.phone_holds("c2", &BEN);
    assert_eq!(rig.sync().0.created.pc, 1);
    assert_eq!(rig.names(), ["Ada Example", "Ben Example"]);
}

#[test]
fn missing_from_an_export_is_told_and_deletes_only_by_a_persons_word() {
    let rig = Rig::new();
    rig.phone_holds("c1", &ADA);
    rig.phone_holds("c2", &BEN);
    rig.sync();
    rig.paper.borrow_mut().remove("c2");
    for _ in 0..2 {
        let (summary, notes) = rig.sync();
        assert_eq!((summary.deleted.pc, summary.waiting, notes.len()), (0, 0, 1));
        assert!(notes[0].contains("“Ben Example”"), "{notes:?}");
    }
    // An edit of it waits in silence, and is not lost when it comes back.
    rig.edit(rig.item("Ben"), &["N:Example;Ben;;;", "FN:Ben Example", "TEL;TYPE=cell:+49 170 3", "UID:b"]);
    assert_eq!(rig.sync().0.waiting, 0);
    rig.phone_holds("c2", &BEN);
    let (summary, notes) = rig.sync();
    assert_eq!((summary.waiting, notes.len()), (1, 0));
    assert!(rig.text("Ben").contains("+49 170 3"));
    rig.phone_holds("c2", &["N:Example;Ben;;;", "FN:Ben Example", "TEL;CELL:+49 170 3"]);
    assert_eq!(rig.sync().0.waiting, 0);
    rig.paper.borrow_mut().remove("c2");
    let (summary, _) = rig.sync_with(Completeness::Complete);
    assert_eq!(summary.deleted.pc, 1);
    assert_eq!(rig.names(), ["Ada Example"]);
}

#[test]
fn what_the_pc_has_more_at_the_first_meeting_waits_and_the_phones_removals_count() {
    let rig = Rig::new();
    rig.add(&["N:Example;Ada;;;", "FN:Ada Example", "TEL:+49 170 1111111", "TEL:+49 30 5", "UID:a"]);
    rig.phone_holds("c1", &[ADA[0], ADA[1], ADA[2], "TEL:+49 40 6"]);
    let (summary, _) = rig.sync();
    assert_eq!((summary.created.pc, summary.updated.pc, summary.waiting), (0, 1, 1));
    assert!(rig.text("Ada").contains("+49 40 6") && rig.text("Ada").contains("+49 30 5"));
    assert_eq!(rig.sync().0.waiting, 1);
    rig.phone_holds("c1", &ADA);
    let (summary, _) = rig.sync();
    assert_eq!((summary.updated.pc, summary.waiting), (1, 1));
    assert!(!rig.text("Ada").contains("+49 40 6") && rig.text("Ada").contains("+49 30 5"));
}

#[test]
fn a_one_way_relationship_wants_nothing_on_the_phone() {
    let rig = Rig { mode: Mode::PhoneToPc, ..Rig::new() };
    rig.phone_holds("c1", &ADA);
    rig.add(&["FN:Carl Example", "UID:c"]);
    let (summary, _) = rig.sync();
    assert_eq!((summary.created.pc, summary.waiting, summary.offered), (1, 0, 0));
    assert!(rig.offers.borrow().is_empty());
}
