//! Random programs against a book and a simple model of it: what a receiver is told is what the model says.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::testing::{Rig, card};
use super::{Book, Store, StoreError};
use crate::ics::SyncState;
use crate::provider::{ChangeKind, ItemId, Provider, Revision};

/// One step of a program. Items are picked by position among those that the model knows, tombstones included.
#[derive(Debug, Clone)]
enum Step {
    Begin,
    Commit,
    RollBack,
    Add(u8),
    Edit(usize, u8),
    Remove(usize),
    /// A receiver takes this many changes at most.
    Receive(usize),
    /// The process is killed and starts again.
    Crash,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        1 => Just(Step::Begin),
        1 => Just(Step::Commit),
        1 => Just(Step::RollBack),
        4 => any::<u8>().prop_map(Step::Add),
        4 => (any::<usize>(), 0..4_u8).prop_map(|(at, content)| Step::Edit(at, content)),
        3 => any::<usize>().prop_map(Step::Remove),
        3 => (0..8_usize).prop_map(Step::Receive),
        1 => Just(Step::Crash),
    ]
}

fn content(number: u8) -> crate::contact::Card {
    card("shared-uid", &format!("Person {number}"))
}

/// What a book holds: per item the number of its last change, and its revision unless it was removed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Model {
    items: BTreeMap<u64, (u64, Option<Revision>)>,
    last: u64,
}

impl Model {
    fn pick(&self, at: usize) -> Option<u64> {
        self.items.keys().nth(at.checked_rem(self.items.len())?).copied()
    }

    fn put(&mut self, item: Option<u64>, revision: Option<Revision>) -> (u64, u64) {
        self.last += 1;
        let item = item.unwrap_or(self.last);
        self.items.insert(item, (self.last, revision));
        (item, self.last)
    }

    /// The rule of MS-OXCFXICS: a change is told if its number is unseen, a deletion if its item was given.
    fn told(&self, replica: crate::ics::Guid, state: &SyncState) -> Vec<(u64, u64, Option<Revision>)> {
        let mut told: Vec<_> = self
            .items
            .iter()
            .map(|(item, (counter, revision))| (*counter, *item, *revision))
            .filter(|(counter, item, revision)| {
                !state.seen.contains(replica, *counter)
                    && (revision.is_some() || state.given.contains(replica, *item))
            })
            .collect();
        told.sort_unstable_by_key(|(counter, ..)| *counter);
        told
    }

    fn living(&self) -> BTreeMap<u64, Revision> {
        self.items.iter().filter_map(|(item, (_, revision))| Some((*item, (*revision)?))).collect()
    }
}

/// A side that takes what the book tells, and remembers how far it is.
#[derive(Default)]
struct Receiver {
    state: SyncState,
    held: BTreeMap<u64, Revision>,
}

impl Receiver {
    /// Takes changes, at most `count`, and checks what it is told against the model.
    fn receive(&mut self, book: &mut Book<'_>, model: &Model, count: usize) {
        let replica = book.replica().guid;
        let set = book.changes_since(&self.state).unwrap();
        let told: Vec<_> = set
            .changes
            .iter()
            .map(|change| {
                assert_eq!(change.cn.replica, replica);
                let revision = match change.kind {
                    ChangeKind::Put(revision) => Some(revision),
                    ChangeKind::Deleted => None,
                    ref other => panic!("{other:?}"),
                };
                (change.cn.counter, change.item.0, revision)
            })
            .collect();
        assert_eq!(told, model.told(replica, &self.state));
        assert_eq!(set.item_count, model.living().len());
        for change in set.changes.iter().take(count) {
            match change.kind {
                ChangeKind::Put(revision) => {
                    assert_eq!(Revision::of(book.fetch(change.item).unwrap().card.as_bytes()), revision);
                    self.held.insert(change.item.0, revision);
                    self.state.record(change.item.0, change.cn);
                }
                _ => {
                    assert!(self.held.remove(&change.item.0).is_some(), "told of what it never had");
                    self.state.record_deleted(replica, change.item.0, change.cn);
                }
            }
        }
        if count >= set.changes.len() {
            assert_eq!(book.changes_since(&self.state).unwrap().changes, []);
            assert_eq!(self.held, model.living());
        }
    }
}

/// Carries out one change on both; the answers must agree.
fn change(book: &Book<'_>, model: &mut Model, step: &Step) {
    match step {
        Step::Add(number) => {
            let card = content(*number);
            let (item, cn) = book.add(&card).unwrap();
            assert_eq!((item.0, cn.counter), model.put(None, Some(Revision::of(card.as_bytes()))));
        }
        Step::Edit(at, number) => {
            let Some(item) = model.pick(*at) else { return };
            let card = content(*number);
            let new = Revision::of(card.as_bytes());
            let (counter, held) = model.items[&item];
            let told = book.edit(ItemId(item), None, &card).map(|cn| cn.counter);
            let expected = match held {
                None => Err(StoreError::NoSuchContact(ItemId(item))),
                Some(held) if held == new => Ok(counter),
                Some(_) => Ok(model.put(Some(item), Some(new)).1),
            };
            // A refused edit breaks an open batch, which the caller looks after.
            assert_eq!(told, expected);
        }
        Step::Remove(at) => {
            let Some(item) = model.pick(*at) else { return };
            if model.items[&item].1.is_some() {
                let told = book.remove(ItemId(item), None).unwrap().counter;
                assert_eq!(told, model.put(Some(item), None).1);
            }
        }
        _ => {}
    }
}

fn run(program: &[Step]) {
    let rig = Rig::new();
    let mut durable = Model::default();
    let mut receiver = Receiver::default();
    let mut steps = program.iter().peekable();
    while steps.peek().is_some() {
        let store = rig.store();
        let mut book = rig.book(&store);
        let mut batch: Option<Model> = None;
        for step in steps.by_ref() {
            match step {
                Step::Begin if batch.is_none() => {
                    store.begin().unwrap();
                    batch = Some(durable.clone());
                }
                Step::Commit => {
                    assert_eq!(store.commit().is_ok(), batch.is_some());
                    durable = batch.take().unwrap_or(durable);
                }
                Step::RollBack => {
                    store.roll_back().unwrap();
                    batch = None;
                }
                Step::Begin => assert!(store.begin().is_err()),
                // A session keeps what it took in the same batch as the state; here the receiver is another machine,
                // which sees what is durable.
                Step::Receive(count) if batch.is_none() => receiver.receive(&mut book, &durable, *count),
                Step::Receive(_) => {}
                Step::Crash => break,
                Step::Edit(at, _) if batch.as_ref().is_some_and(|model| dead(model, *at)) => {}
                other => change(&book, batch.as_mut().unwrap_or(&mut durable), other),
            }
        }
        check_whole(&store, &book, batch.as_ref().unwrap_or(&durable));
    }
    let store = rig.store();
    let mut book = rig.book(&store);
    check_whole(&store, &book, &durable);
    receiver.receive(&mut book, &durable, usize::MAX);
    let mut newcomer = Receiver::default();
    newcomer.receive(&mut book, &durable, usize::MAX);
}

fn dead(model: &Model, at: usize) -> bool {
    model.pick(at).is_some_and(|item| model.items[&item].1.is_none())
}

fn check_whole(store: &Store, book: &Book<'_>, model: &Model) {
    store.check().unwrap();
    assert_eq!(book.contact_count().unwrap(), model.living().len());
    assert_eq!(book.next_counter().unwrap(), model.last + 1);
    let listed = book.list().unwrap();
    assert!(listed.iter().all(|contact| contact.uid == "shared-uid"));
    assert_eq!(listed.len(), model.living().len());
    assert_eq!(book.find_by_uid("shared-uid").unwrap().len(), listed.len());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_change_is_told_once_and_only_the_latest(program in prop::collection::vec(step(), 0..60)) {
        run(&program);
    }
}

#[test]
fn a_tombstone_is_told_only_to_those_that_had_the_item_and_once() {
    run(&[
        Step::Add(1),
        Step::Add(2),
        Step::Receive(1),
        Step::Remove(0),
        Step::Remove(1),
        Step::Receive(9),
        Step::Receive(9),
    ]);
}
