//! The address book as a whole: a first sync that is cut anywhere, and a book that is deleted on the phone and comes
//! back.

use std::collections::BTreeSet;

use serde_json::Value;
use tetherbook::contact::ConflictPolicy;
use tetherbook::sim::FaultPlan;

use crate::decsync_app::vcard;
use crate::text::{mark, new_lines};
use crate::world::{Way, World};

const ANDROID: Way = Way::Simulated("android");

fn marks<'a>(cards: impl Iterator<Item = &'a str>) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    for card in cards {
        let mark = mark(card).unwrap();
        assert!(found.insert(mark), "contact {mark} is there twice");
    }
    found
}

fn on_phone(world: &World) -> BTreeSet<u32> {
    let rows: Vec<String> = world.app.contacts().into_values().map(|row| row.lines.join("\n")).collect();
    marks(rows.iter().map(String::as_str))
}

fn on_pc(world: &World) -> BTreeSet<u32> {
    let contacts = world.pc_contacts();
    marks(contacts.iter().map(|contact| contact.text.as_str()))
}

fn phone_syncs(world: &mut World) {
    world.clock.advance_ms(60_000);
    let done = world.app.synchronise();
    assert!(done.dropped.is_empty(), "{:?}", done.dropped);
    world.clock.advance_ms(60_000);
}

/// A phone with three contacts, and a PC with thirty others that was never synced.
fn before_a_first_sync() -> World {
    let mut world = World::new(ANDROID, 1, 2, 0);
    world.app.create_book("Friends");
    for number in 1..=3 {
        world.app.add(&new_lines(number, None));
    }
    phone_syncs(&mut world);
    phone_syncs(&mut world);
    for number in 11..=40 {
        world.add_pc(&vcard::card(&new_lines(number, Some(&format!("pc-{number}")))));
    }
    world
}

/// The first sync is cut as container `number` is about to move. Whether it was.
fn first_sync_cut_at(number: u64) -> bool {
    let all: BTreeSet<u32> = (1..=3).chain(11..=40).collect();
    let mut world = before_a_first_sync();
    world.faults.replace(FaultPlan::cut_at_container(number));
    let first = world.session(ConflictPolicy::Phone, false);
    world.faults.replace(FaultPlan::none());
    let is_whole = first.failure.is_none() && first.failed == 0;
    phone_syncs(&mut world);
    assert!(on_phone(&world).is_subset(&all), "container {number}");
    let second = world.session(ConflictPolicy::Phone, false);
    assert_eq!((&second.failure, second.failed), (&None, 0), "container {number}: {}", second.words);
    phone_syncs(&mut world);
    assert_eq!(on_phone(&world), all, "container {number}: {}", second.words);
    assert_eq!(on_pc(&world), all, "container {number}");
    let third = world.session(ConflictPolicy::Phone, false);
    assert!(third.is_plan_empty && third.writes == 0, "container {number}: {}", third.words);
    !is_whole
}

/// New contacts are gathered before they are uploaded, so most of a first sync is on its way at any moment.
#[test]
fn a_first_sync_may_be_cut_anywhere() {
    let is_thorough = std::env::var_os("TETHERBOOK_PROGRAMS").is_some();
    let (mut number, mut cuts) = (1, 0);
    while first_sync_cut_at(number) {
        cuts += 1;
        number += if is_thorough { 1 } else { 13 };
    }
    eprintln!("{cuts} cuts, until container {number}");
    assert!(cuts > 20, "{cuts}");
}

#[test]
fn an_address_book_that_was_deleted_on_the_phone_stops_the_session_and_comes_back_as_it_was() {
    let mut world = before_a_first_sync();
    world.allow_deletes.set(false);
    let first = world.session(ConflictPolicy::Phone, false);
    assert_eq!(first.failure, None, "{}", first.words);
    phone_syncs(&mut world);
    let all = on_phone(&world);
    assert_eq!(all.len(), 33);
    // Somebody deletes the address book in an app: for DecSync that is one word.
    world.desk.library.set(&["info"], Value::from("deleted"), Value::from(true));
    world.clock.advance_ms(60_000);
    for _ in 0..3 {
        let before = world.files();
        let stopped = world.session(ConflictPolicy::Phone, false);
        let words = &stopped.words;
        assert!(
            stopped.failure.as_deref().is_some_and(|why| why.starts_with("Stopped(EmptySource")),
            "{words}"
        );
        assert!(words.contains("was deleted on the phone"), "{words}");
        assert_eq!(on_pc(&world), all);
        assert_eq!(world.files(), before, "nothing is written");
    }
    world.desk.library.set(&["info"], Value::from("deleted"), Value::from(false));
    world.clock.advance_ms(60_000);
    for _ in 0..2 {
        let after = world.session(ConflictPolicy::Phone, false);
        assert_eq!((&after.failure, after.writes), (&None, 0), "{}", after.words);
        assert_eq!(on_pc(&world), all);
    }
    // And it goes on as before.
    let (id, row) = world.app.contacts().into_iter().next().unwrap();
    world.app.edit(id, |lines| lines.push("NOTE:back".to_owned()));
    phone_syncs(&mut world);
    let after = world.session(ConflictPolicy::Phone, false);
    assert_eq!(after.failure, None, "{}", after.words);
    let edited = mark(&row.lines.join("\n")).unwrap();
    let contacts = world.pc_contacts();
    let contact = contacts.iter().find(|contact| mark(&contact.text) == Some(edited)).unwrap();
    assert!(contact.text.contains("NOTE:back"), "{}", contact.text);
    assert_eq!((on_phone(&world), on_pc(&world)), (all.clone(), all));
}

#[test]
fn a_session_with_nothing_new_asks_little() {
    let mut world = before_a_first_sync();
    assert_eq!(world.session(ConflictPolicy::Phone, false).failure, None);
    phone_syncs(&mut world);
    world.session(ConflictPolicy::Phone, false);
    let idle = world.session(ConflictPolicy::Phone, false);
    assert!(idle.is_plan_empty && idle.writes == 0, "{}", idle.words);
    let all = idle.transactions["total"];
    assert!(all <= 26, "{all}: {:?}", idle.transactions);
}
