//! Bad input that only a simulated phone can give: full and read-only storages, files that go away while they are
//! looked at, a contacts folder that is missing, and cards that a phone has no room for.

#![allow(clippy::unwrap_used, reason = "a test may stop at the first surprise")]

use std::cell::RefCell;
use std::rc::Rc;

use tetherbook::sim::{Phone, Storage};

use crate::world::{Run, World, card};

/// A phone and a book with one linked contact, and one new contact on either side.
fn both_have_something_new(seed: u64) -> World {
    let world = linked(seed);
    world.put_file("new.vcf", card("u-phone", "New Phone", &["TEL:2"]).as_bytes());
    world.add_pc(&card("u-pc", "New Pc", &["TEL:3"]));
    world
}

fn linked(seed: u64) -> World {
    let mut world = World::new("android", seed);
    world.put_file("a.vcf", card("u-a", "Ada", &["TEL:1"]).as_bytes());
    world.sync();
    world
}

fn names_on_pc(world: &World) -> Vec<String> {
    let mut names: Vec<String> =
        world.pc_cards().iter().map(tetherbook::contact::Card::display_name).collect();
    names.sort();
    names
}

#[test]
fn a_full_phone_takes_nothing_and_gives_what_it_has() {
    let mut world = both_have_something_new(201);
    world.phone.set_free_bytes(Some(10));
    let ended = world.sync();
    assert_eq!(ended.summary.exit.number(), 9, "{:?}", ended.summary);
    assert_eq!((ended.summary.created.pc, ended.summary.created.phone), (1, 0), "{:?}", ended.summary);
    assert_eq!(ended.summary.failed, 1);
    assert_eq!(names_on_pc(&world), ["Ada", "New Pc", "New Phone"]);
    world.assert_no_leftovers("a full phone");
    // A replacement needs room for the new one beside the old one; the old one stays whole.
    world.edit_pc("u-a", |text| text.replace("TEL:1", "TEL:111"));
    let ended = world.sync();
    assert_eq!((ended.summary.exit.number(), ended.summary.failed), (9, 2), "{:?}", ended.summary);
    assert_eq!(world.read_file("a.vcf"), card("u-a", "Ada", &["TEL:1"]).as_bytes());
    world.assert_no_leftovers("a full phone, again");
    world.phone.set_free_bytes(None);
    let ended = world.sync();
    assert_eq!((ended.summary.created.phone, ended.summary.updated.phone), (1, 1), "{:?}", ended.summary);
    world.assert_equal("room was made");
    world.sync();
    world.assert_quiet("room was made");
}

#[test]
fn a_read_only_phone_takes_nothing_and_gives_what_it_has() {
    let mut world = both_have_something_new(202);
    world.phone.with_personality(|personality| personality.read_only = true);
    world.edit_pc("u-a", |text| text.replace("TEL:1", "TEL:111"));
    let ended = world.sync();
    assert_eq!(ended.summary.exit.number(), 9, "{:?}", ended.summary);
    assert_eq!((ended.summary.created.pc, ended.summary.created.phone), (1, 0), "{:?}", ended.summary);
    assert_eq!((ended.summary.updated.phone, ended.summary.failed), (0, 2), "{:?}", ended.summary);
    world.remove_pc("u-phone");
    let ended = world.sync();
    assert_eq!((ended.summary.exit.number(), ended.summary.deleted.phone), (9, 0), "{:?}", ended.summary);
    assert_eq!(names_on_pc(&world), ["Ada", "New Pc"], "what was deleted here does not come back");
    assert_eq!(world.files().keys().filter(|name| name.ends_with(".vcf")).count(), 2);
    world.phone.with_personality(|personality| personality.read_only = false);
    let ended = world.sync();
    let summary = &ended.summary;
    assert_eq!(
        (summary.created.phone, summary.updated.phone, summary.deleted.phone),
        (1, 1, 1),
        "{summary:?}"
    );
    world.assert_equal("it may be written to again");
    world.sync();
    world.assert_quiet("it may be written to again");
}

/// Runs a session in which `change` happens to the phone's storage as container `number` is about to move; whether
/// it came to that container.
fn with_change_at(world: &mut World, number: u64, change: impl FnOnce() + 'static) -> bool {
    let came = Rc::new(RefCell::new(false));
    let seen = Rc::clone(&came);
    let phone: &Phone = &world.phone;
    phone.at_container(
        number,
        Box::new(move || {
            *seen.borrow_mut() = true;
            change();
        }),
    );
    let (ended, notes) = world.try_sync(&Run::default());
    let ended = ended.unwrap();
    assert!(ended.failure.is_none(), "{number}: {:?} {notes:?}", ended.failure);
    came.take()
}

#[test]
fn a_file_that_vanishes_while_it_is_looked_at_costs_no_other_and_is_no_error_for_long() {
    let mut reached = 0;
    for number in 1.. {
        let mut world = linked(203);
        for name in ["b", "c", "d"] {
            world.put_file(&format!("{name}.vcf"), card(&format!("u-{name}"), name, &["TEL:5"]).as_bytes());
        }
        let (storage, path) = (Rc::clone(&world.storage), format!("{}/c.vcf", world.folder));
        if !with_change_at(&mut world, number, move || storage.borrow_mut().remove(&path).unwrap()) {
            break;
        }
        reached += 1;
        let names = names_on_pc(&world);
        for name in ["Ada", "b", "d"] {
            assert!(
                names.contains(&String::from(name)),
                "container {number}: {name} is missing in {names:?}"
            );
        }
        world.sync();
        world.assert_equal(&format!("c.vcf vanished at container {number}"));
        assert_eq!(world.pc_cards().len(), 3, "container {number}");
        world.sync();
        world.assert_quiet(&format!("c.vcf vanished at container {number}"));
    }
    assert!(reached > 8, "only {reached} moments were tried");
}

#[test]
fn a_file_that_is_emptied_while_it_is_looked_at_is_no_contact_and_no_deletion() {
    let mut reached = 0;
    for number in 1.. {
        let mut world = linked(204);
        world.put_file("b.vcf", card("u-b", "Bo", &["TEL:5"]).as_bytes());
        let (storage, path) = (Rc::clone(&world.storage), format!("{}/a.vcf", world.folder));
        if !with_change_at(&mut world, number, move || storage.borrow_mut().write(&path, b"").unwrap()) {
            break;
        }
        reached += 1;
        world.sync();
        assert_eq!(names_on_pc(&world), ["Ada", "Bo"], "container {number}");
        world.put_file("a.vcf", card("u-a", "Ada", &["TEL:1", "NOTE:mended"]).as_bytes());
        world.sync();
        world.assert_equal(&format!("a.vcf was emptied at container {number} and mended"));
    }
    assert!(reached > 8, "only {reached} moments were tried");
}

#[test]
fn a_contacts_folder_that_went_away_deletes_nobody() {
    let mut world = linked(205);
    world.put_file("b.vcf", card("u-b", "Bo", &["TEL:5"]).as_bytes());
    world.sync();
    let files = world.files();
    for name in files.keys() {
        world.remove_file(name);
    }
    world.storage.borrow_mut().remove(&world.folder).unwrap();
    let (ended, _) = world.try_sync(&Run::default());
    if let Ok(ended) = &ended {
        assert_eq!(ended.summary.deleted.pc, 0, "{:?}", ended.summary);
    }
    assert_eq!(names_on_pc(&world), ["Ada", "Bo"]);
}

#[test]
fn a_card_that_is_too_large_for_the_phone_waits_until_it_is_smaller() {
    let mut world = both_have_something_new(206);
    let large = format!("PHOTO;ENCODING=b;TYPE=JPEG:{}", "QUJD".repeat(400_000));
    world.add_pc(&card("u-large", "Large", &[&large]));
    world.edit_pc("u-a", |text| text.replace("END:", &format!("{large}\r\nEND:")));
    let ended = world.sync();
    assert_eq!((ended.summary.exit.number(), ended.summary.failed), (9, 2), "{:?}", ended.summary);
    assert_eq!((ended.summary.created.pc, ended.summary.created.phone), (1, 1), "{:?}", ended.summary);
    let skipped = ended.plan.unwrap().skipped;
    assert!(skipped.iter().all(|skipped| !skipped.remedy.is_empty() && !skipped.subject.is_empty()));
    assert!(world.pc_cards().iter().filter(|card| card.as_bytes().len() > 1_000_000).count() == 2);
    let small = |text: &str| text.replace(&large, "PHOTO;ENCODING=b;TYPE=JPEG:QUJD");
    world.edit_pc("u-large", small);
    world.edit_pc("u-a", small);
    world.sync();
    world.assert_equal("smaller photos");
    world.sync();
    world.assert_quiet("smaller photos");
}

#[test]
fn fifty_megabytes_on_the_phone_are_not_even_read() {
    let mut world = linked(207);
    let photo = format!("PHOTO;ENCODING=b;TYPE=JPEG:{}", "QUJD".repeat(50_000_000 / 3));
    world.put_file("large.vcf", card("u-large", "Large", &[&photo]).as_bytes());
    world.put_file("b.vcf", card("u-b", "Bo", &["TEL:5"]).as_bytes());
    let ended = world.sync();
    assert_eq!((ended.summary.exit.number(), ended.summary.created.pc), (9, 1), "{:?}", ended.summary);
    assert!(ended.summary.bytes.from_phone < 100_000, "{:?}", ended.summary.bytes);
    world.put_file("large.vcf", card("u-large", "Large", &[]).as_bytes());
    world.sync();
    world.assert_equal("the photo was taken away");
    world.sync();
    world.assert_quiet("the photo was taken away");
}
