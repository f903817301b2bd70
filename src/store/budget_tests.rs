//! The budgets of the store, measured on this machine's disk. Ignored by default because they time things: run
//! `cargo test --release --lib store::budget -- --ignored --nocapture --test-threads 1`.

use std::time::Duration;

use super::testing::{Rig, action, card_of, observed_row};
use super::{Book, PhoneMetadata, Store};
use crate::contact::{Baseline, Card};
use crate::ics::SyncState;
use crate::provider::{
    Confirmation, Direction, IntentStep, ItemId, Ledger, Metadata, Observed, Outcome, Provider, SessionId,
    Write,
};

/// How many confirmations a session puts into one batch.
const BATCH: usize = 500;

#[expect(clippy::disallowed_methods, reason = "this test measures time, which is what it is for")]
fn timed<T>(work: impl FnOnce() -> T) -> (T, Duration) {
    let started = std::time::Instant::now();
    let value = work();
    (value, started.elapsed())
}

/// A card as phones write them, of about 400 bytes.
fn phone_card(number: usize) -> Card {
    card_of(&[
        &format!("UID:7f2518db-e928-41e6-a3f6-{number:012x}"),
        &format!("FN:Person{number} Example"),
        &format!("N:Example;Person{number};;;"),
        &format!("TEL;TYPE=CELL:+49 170 {number:07}"),
        &format!("TEL;TYPE=HOME:+49 30 {number:07}"),
        &format!("EMAIL;TYPE=HOME:person{number}@example.org"),
        "ADR;TYPE=HOME:;;1 Example Street;Sampletown;;12345;Nowhere",
        "ORG:Example Company;Sales",
        "NOTE:Met at the fair\\, likes tea and long walks in the rain with the dog",
        "BDAY:1980-02-29",
    ])
}

fn cards(count: usize) -> Vec<Card> {
    (0..count).map(phone_card).collect()
}

fn seen_rows(count: u64) -> Vec<Observed> {
    (1..=count)
        .map(|item| observed_row(item, &format!("Internal storage/Contacts/card-{item:06}.vcf")))
        .collect()
}

/// A first sync from a phone, as a session writes it: observations, then batches of contacts with what belongs to them.
fn first_sync(
    book: &mut Book<'_>,
    memory: &PhoneMetadata<'_>,
    ledger: &dyn Ledger,
    cards: &[Card],
    rows: &[Observed],
) {
    memory.save(rows, rows.len() as u64 + 1, 1).unwrap();
    let session = ledger.open_session(1).unwrap();
    let mut state = SyncState::empty();
    let numbered: Vec<_> = (1..).map(ItemId).zip(cards).collect();
    for batch in numbered.chunks(BATCH) {
        ledger.begin().unwrap();
        let facts: Vec<_> =
            batch.iter().map(|(phone, card)| create(book, *phone, card, &mut state)).collect();
        ledger.confirm(session, &facts).unwrap();
        ledger.put_state(Direction::PcToPhone, &state).unwrap();
        ledger.commit().unwrap();
    }
    ledger.close_session(session, 2, "{}").unwrap();
}

fn create(book: &mut Book<'_>, phone: ItemId, card: &Card, state: &mut SyncState) -> Confirmation {
    let Outcome::Done(ack) = book.write(&Write::Create { name: String::new(), card: card.clone() }) else {
        panic!("the book refused");
    };
    state.record(ack.item.0, ack.cn);
    let base = Baseline { pc: card.clone(), phone: card.clone() };
    Confirmation {
        link: Some((None, ack.item, phone, Some(base))),
        conflicts: Some(Vec::new()),
        action: Some(action("create")),
        ..Confirmation::default()
    }
}

#[test]
#[ignore = "measures time"]
fn first_sync_of_10_000_contacts_stays_below_350_ms_and_loading_what_was_seen_below_8_ms() {
    let rig = Rig::new();
    let store = rig.store();
    let mut book = rig.book(&store);
    let ledger = rig.ledger(&store, &book);
    let memory = PhoneMetadata::new(&store, store.phones().unwrap()[0].id);
    let (cards, rows) = (cards(10_000), seen_rows(10_000));
    let ((), parsing) = timed(|| cards.iter().for_each(|card| drop((card.uid(), card.summary()))));
    let ((), written) = timed(|| first_sync(&mut book, &memory, &ledger, &cards, &rows));
    let bytes = std::fs::metadata(rig.path()).unwrap().len();
    println!("first sync of 10,000: {written:?} ({parsing:?} of it summing up cards); {bytes} bytes");
    let (loaded, loading) = timed(|| memory.load().unwrap().len());
    println!("loading {loaded} rows: {loading:?}");
    let state = ledger.state(Direction::PcToPhone).unwrap();
    let (changes, nothing) = timed(|| book.changes_since(&state).unwrap().changes.len());
    println!("nothing changed: {nothing:?}");
    let (all, bootstrap) = timed(|| book.changes_since(&SyncState::empty()).unwrap().changes.len());
    println!("all {all} changes: {bootstrap:?}");
    assert_eq!((loaded, changes, all), (10_000, 0, 10_000));
    assert!(written < Duration::from_millis(350), "{written:?}");
    assert!(loading < Duration::from_millis(8), "{loading:?}");
}

/// The fastest of several runs of collecting one change.
fn one_change_among(count: usize) -> Duration {
    let store = Store::in_memory().unwrap();
    let rig = Rig::new();
    let mut book = rig.book(&store);
    store.begin().unwrap();
    for card in cards(count) {
        book.add(&card).unwrap();
    }
    store.commit().unwrap();
    let mut state = SyncState::empty();
    for change in book.changes_since(&state.clone()).unwrap().changes {
        state.record(change.item.0, change.cn);
    }
    book.edit(ItemId(7), None, &phone_card(count + 1)).unwrap();
    let once =
        |book: &mut Book<'_>| timed(|| assert_eq!(book.changes_since(&state).unwrap().changes.len(), 1)).1;
    (0..100).map(|_| once(&mut book)).min().unwrap()
}

#[test]
#[ignore = "measures time"]
fn one_change_costs_the_same_among_100_000_contacts_as_among_1_000() {
    let (few, many) = (one_change_among(1_000), one_change_among(100_000));
    println!("one change among 1,000: {few:?}, among 100,000: {many:?}");
    assert!(many < few * 3 + Duration::from_micros(20), "{few:?} {many:?}");
}

#[test]
#[ignore = "measures time"]
fn noting_10_000_intents_is_one_quick_write() {
    let rig = Rig::new();
    let store = rig.store();
    let book = rig.book(&store);
    let ledger = rig.ledger(&store, &book);
    let session: SessionId = ledger.open_session(1).unwrap();
    let step = |(number, card): (usize, Card)| IntentStep::Create {
        pc: ItemId(number as u64 + 1),
        name: format!("card-{number}"),
        card,
    };
    let steps: Vec<_> = cards(10_000).into_iter().enumerate().map(step).collect();
    let (noted, noting) = timed(|| ledger.note_intents(session, &steps).unwrap().len());
    println!("noting {noted} intents: {noting:?}");
    assert!(noting < Duration::from_millis(250), "{noting:?}");
}
