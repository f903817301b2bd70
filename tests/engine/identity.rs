//! I15: what is remembered of one phone is never applied to another. Two phones of one model, a folder that was copied
//! to a new phone, a reset, a restored backup, a swapped card, a serial number that changed: each time nothing is
//! deleted on either side, nothing is doubled, and the person is told.

use std::collections::BTreeMap;

use tetherbook::contact::Card;
use tetherbook::provider::Clock;
use tetherbook::relationship::Mode;
use tetherbook::session::Ended;
use tetherbook::sim::{Personality, Phone, SharedStorage};

use crate::world::{Run, World, card};

const MARKER: &str = "tetherbook-replica.txt";

/// A phone on the cable with that serial number, empty.
fn phone(serial: &str, seed: u64) -> World {
    let mut world = World::new("android", seed);
    world.address = String::from("usb");
    set_serial(&mut world, serial);
    world
}

fn set_serial(world: &mut World, serial: &str) {
    let mut personality = Personality::by_name("android").unwrap();
    personality.serial = serial.to_owned();
    let (storage, clock): (SharedStorage, _) = (world.storage.clone(), world.clock.clone());
    world.phone = Phone::new(personality, storage, clock);
}

/// Another phone at the same PC.
fn second(first: &World, serial: &str, seed: u64) -> World {
    let mut world = phone(serial, seed);
    world.use_database(first.database());
    catch_up(&world, first);
    world
}

/// One person's time for both phones.
fn catch_up(world: &World, other: &World) {
    world.clock.advance_ms((other.clock.now_ms() - world.clock.now_ms()).max(0));
}

/// Six people with a UID and two without.
fn fill(world: &World) {
    for n in 0..6 {
        let text = card(&format!("u{n}"), &format!("Name {n}"), &[&format!("TEL:+49 30 {n:05}"), "NOTE:old"]);
        world.put_file(&format!("u{n}.vcf"), text.as_bytes());
    }
    for name in ["Ada", "Bob"] {
        let text = format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name} Plain\r\nN:Plain;{name};;;\r\nTEL:+49 40 {}\r\nEND:VCARD\r\n",
            name.len() + usize::from(name.as_bytes()[0])
        );
        world.put_file(&format!("{name}.vcf"), text.as_bytes());
    }
}

/// A phone that was synced and has come to rest.
fn synced(serial: &str, seed: u64) -> World {
    let mut world = phone(serial, seed);
    fill(&world);
    settle(&mut world);
    assert!(world.files().contains_key(MARKER), "a two-way sync leaves a marker");
    world
}

fn settle(world: &mut World) {
    world.phone.media_scan();
    world.sync();
    world.phone.media_scan();
    world.sync();
    world.phone.media_scan();
}

fn sync(world: &mut World, run: &Run) -> (Ended, String) {
    world.phone.media_scan();
    let (ended, notes) = world.try_sync(run);
    let ended = ended.unwrap();
    assert!(ended.failure.is_none(), "{:?} {notes:?}", ended.failure);
    (ended, notes.join("\n"))
}

fn assert_nothing_deleted(ended: &Ended, context: &str) {
    assert_eq!((ended.summary.deleted.pc, ended.summary.deleted.phone), (0, 0), "I15: {context}");
}

/// No two contacts of one name on the PC, and so many in all.
fn assert_people(world: &World, count: usize, context: &str) {
    let mut names: Vec<String> = world.pc_cards().iter().map(Card::display_name).collect();
    names.sort();
    let all = names.clone();
    names.dedup();
    assert_eq!(names, all, "doubled: {context}");
    assert_eq!(all.len(), count, "{context}: {all:?}");
}

fn copy_files(from: &World, to: &World) {
    replace_files(to, &from.files());
}

fn replace_files(world: &World, files: &BTreeMap<String, Vec<u8>>) {
    for name in world.files().keys() {
        world.remove_file(name);
    }
    for (name, bytes) in files {
        world.put_file(name, bytes);
    }
}

fn marker(world: &World) -> Vec<u8> {
    world.read_file(MARKER)
}

/// From now on the two are two: a deletion on one travels to the other by way of the PC, and then all is quiet.
fn assert_told_apart(one: &mut World, two: &mut World, people: usize, context: &str) {
    let replica = |world: &World| {
        let text = String::from_utf8(marker(world)).unwrap();
        text.lines().find(|line| line.starts_with("replica: ")).unwrap().to_owned()
    };
    assert!(replica(one) != replica(two), "{context}: one marker for two phones");
    for _ in 0..2 {
        catch_up(one, two);
        let (ended, notes) = sync(one, &Run::default());
        assert_nothing_deleted(&ended, context);
        assert_eq!(notes, "", "{context}");
        catch_up(two, one);
        let (ended, notes) = sync(two, &Run::default());
        assert_nothing_deleted(&ended, context);
        assert_eq!(notes, "", "{context}");
    }
    catch_up(one, two);
    one.assert_equal(context);
    two.assert_equal(context);
    assert_people(one, people, context);
    one.remove_file("u4.vcf");
    let (ended, _) = sync(one, &Run::default());
    assert_eq!((ended.summary.deleted.pc, ended.summary.deleted.phone), (1, 0), "{context}");
    catch_up(two, one);
    let (ended, _) = sync(two, &Run::default());
    assert_eq!((ended.summary.deleted.pc, ended.summary.deleted.phone), (0, 1), "{context}");
    assert_people(one, people - 1, context);
    one.assert_equal(context);
    two.assert_equal(context);
}

#[test]
fn i15_two_phones_of_one_model_are_two() {
    let mut one = synced("R58M0001", 1);
    let mut two = second(&one, "R58M0002", 2);
    let (ended, notes) = sync(&mut two, &Run::default());
    assert_nothing_deleted(&ended, "an empty second phone");
    assert_eq!((ended.summary.created.phone, notes.as_str()), (8, ""));
    assert_people(&one, 8, "two phones");
    assert_told_apart(&mut one, &mut two, 8, "two phones");
}

#[test]
fn i15_two_phones_without_serial_numbers_are_told_by_their_markers() {
    for filler in ["", "0123456789ABCDEF", "000000000000"] {
        let mut one = synced(filler, 3);
        let mut two = second(&one, filler, 4);
        two.put_file("own.vcf", card("own", "Own Example", &["TEL:+49 50 1"]).as_bytes());
        let (ended, notes) = sync(&mut two, &Run::default());
        assert_nothing_deleted(&ended, "a second phone without a serial number");
        assert!(notes.contains("cannot be told from"), "{notes}");
        assert_people(&one, 9, filler);
        assert_told_apart(&mut one, &mut two, 9, "without serial numbers");
    }
}

#[test]
fn i15_without_serial_number_and_marker_nothing_is_ever_deleted() {
    let run = Run { mode: Some(Mode::PhoneToPc), ..Run::default() };
    let mut one = phone("", 5);
    fill(&one);
    sync(&mut one, &run);
    let mut two = second(&one, "", 6);
    two.put_file("own.vcf", card("own", "Own Example", &["TEL:+49 50 1"]).as_bytes());
    for _ in 0..2 {
        let (ended, notes) = sync(&mut two, &run);
        assert_nothing_deleted(&ended, "one way, nothing to know it by");
        assert!(notes.contains("neither a serial number"), "{notes}");
        assert_people(&one, 9, "one way, nothing to know it by");
        catch_up(&one, &two);
        let (ended, _) = sync(&mut one, &run);
        assert_nothing_deleted(&ended, "one way, nothing to know it by, back");
        assert_people(&one, 9, "one way, nothing to know it by, back");
        catch_up(&two, &one);
    }
    assert!(!one.files().contains_key(MARKER) && !two.files().contains_key(MARKER), "I24");
}

/// The transfer to a new phone, or a backup that was put on another one.
#[test]
fn i15_a_folder_copied_to_another_phone_makes_it_a_phone_of_its_own() {
    let mut one = synced("R58M0001", 7);
    one.edit_pc("u1", |text| text.replace("NOTE:old", "NOTE:old\r\nTITLE:Doctor"));
    sync(&mut one, &Run::default());
    let mut two = second(&one, "R58M0002", 8);
    copy_files(&one, &two);
    let first_marker = marker(&one);
    // In the new phone somebody tidied up before it was plugged in.
    for gone in ["u2.vcf", "u3.vcf", "Bob.vcf"] {
        two.remove_file(gone);
    }
    two.put_file("own.vcf", card("own", "Own Example", &["TEL:+49 50 1"]).as_bytes());
    let dry = Run { dry_run: true, ..Run::default() };
    for run in [&dry, &dry, &Run::default()] {
        let before = (marker(&two), one.pc_cards().len());
        let (ended, notes) = sync(&mut two, run);
        assert_nothing_deleted(&ended, "a copied folder");
        assert!(notes.contains("copied from") && notes.contains("usb:R58M0001"), "{notes}");
        assert!(!run.dry_run || before == (marker(&two), one.pc_cards().len()), "I22");
    }
    assert_people(&one, 9, "a copied folder");
    assert_eq!(marker(&one), first_marker, "the phone that is known keeps its marker");
    assert_told_apart(&mut one, &mut two, 9, "a copied folder");
}

#[test]
fn i15_a_copied_folder_that_may_not_be_written_to_stays_a_phone_of_its_own() {
    let run = Run { mode: Some(Mode::PhoneToPc), ..Run::default() };
    let mut one = synced("R58M0001", 9);
    let mut two = second(&one, "R58M0002", 10);
    copy_files(&one, &two);
    two.remove_file("u2.vcf");
    let (ended, notes) = sync(&mut two, &run);
    assert_nothing_deleted(&ended, "one way");
    assert!(notes.contains("copied from"), "{notes}");
    assert_eq!(marker(&two), marker(&one), "I24");
    let (ended, notes) = sync(&mut two, &run);
    assert_nothing_deleted(&ended, "one way, again");
    assert_eq!(notes, "", "it is known by now");
    assert_people(&one, 8, "one way");
    // What is deleted on it from now on is a deletion there; the other phone gets it as one of the PC's.
    two.remove_file("u4.vcf");
    assert_eq!(sync(&mut two, &run).0.summary.deleted.pc, 1);
    catch_up(&one, &two);
    assert_eq!(sync(&mut one, &Run::default()).0.summary.deleted.phone, 1);
    one.assert_equal("the first phone");
}

#[test]
fn i15_a_reset_phone_deletes_nothing() {
    for serial in ["R58M0001", ""] {
        let mut world = synced(serial, 11);
        replace_files(&world, &BTreeMap::new());
        let (ended, notes) = sync(&mut world, &Run::default());
        assert_nothing_deleted(&ended, "a reset phone");
        assert!(notes.contains("nothing is deleted"), "{notes}");
        assert_people(&world, 8, "a reset phone");
        world.assert_equal("a reset phone gets everything back");
        settle(&mut world);
        world.assert_quiet("a reset phone");
    }
}

#[test]
fn i15_a_restored_phone_deletes_nothing() {
    for serial in ["R58M0001", ""] {
        let mut world = synced(serial, 12);
        let backup = world.files();
        for n in 6..9 {
            world.add_pc(&card(&format!("u{n}"), &format!("Name {n}"), &[]));
        }
        sync(&mut world, &Run::default());
        replace_files(&world, &backup);
        world.remove_file("u0.vcf");
        let (ended, notes) = sync(&mut world, &Run::default());
        assert_nothing_deleted(&ended, "a restored phone");
        assert!(notes.contains("restored") && notes.contains("nothing is deleted"), "{notes}");
        assert_people(&world, 11, "a restored phone");
        world.assert_equal("a restored phone");
        settle(&mut world);
        world.assert_quiet("a restored phone");
    }
}

/// Another card in the same phone: empty, with other people, or marked by another computer.
#[test]
fn i15_a_swapped_card_deletes_nothing_and_neither_does_the_first_one_when_it_is_back() {
    let mut elsewhere = synced("R58M0009", 13);
    elsewhere.put_file("own.vcf", card("own", "Own Example", &["TEL:+49 50 1"]).as_bytes());
    elsewhere.remove_file("u0.vcf");
    elsewhere.remove_file("u1.vcf");
    sync(&mut elsewhere, &Run::default());
    let marked = elsewhere.files();
    let mut others = marked.clone();
    others.remove(MARKER);
    for (context, card, people) in
        [("empty", BTreeMap::new(), 8), ("others", others, 9), ("marked elsewhere", marked, 9)]
    {
        let mut world = synced("R58M0001", 14);
        let first = world.files();
        replace_files(&world, &card);
        let (ended, notes) = sync(&mut world, &Run::default());
        assert_nothing_deleted(&ended, context);
        assert!(notes.contains("nothing is deleted"), "{context}: {notes}");
        assert_people(&world, people, context);
        let swapped = world.files();
        for card in [&first, &swapped] {
            replace_files(&world, card);
            let (ended, _) = sync(&mut world, &Run::default());
            assert_nothing_deleted(&ended, context);
            assert_people(&world, people, context);
            world.assert_equal(context);
        }
    }
}

/// A one-way sync leaves no marker, so that nothing but the contacts themselves tells one card from another.
#[test]
fn i15_a_card_swapped_between_one_way_syncs_deletes_nothing() {
    let run = Run { mode: Some(Mode::PhoneToPc), ..Run::default() };
    let mut world = phone("R58M0001", 15);
    fill(&world);
    sync(&mut world, &run);
    sync(&mut world, &run);
    let first = world.files();
    let other = card("own", "Own Example", &["TEL:+49 50 1"]).into_bytes();
    let second = BTreeMap::from([(String::from("own.vcf"), other)]);
    for card in [&second, &first, &second, &first] {
        replace_files(&world, card);
        let (ended, notes) = sync(&mut world, &run);
        assert_nothing_deleted(&ended, "a card swapped between one-way syncs");
        assert!(notes.contains("nothing is deleted"), "{notes}");
        assert_people(&world, 9, "a card swapped between one-way syncs");
    }
    // A deletion on the card that stays is one.
    world.remove_file("u1.vcf");
    assert_eq!(sync(&mut world, &run).0.summary.deleted.pc, 1);
}

#[test]
fn i15_a_changed_serial_number_loses_and_doubles_nothing() {
    for (before, after) in [("R58M0001", "R58M0002"), ("R58M0001", ""), ("0000000000", "R58M0002")] {
        let mut world = synced(before, 16);
        set_serial(&mut world, after);
        world.edit_pc("u1", |text| text.replace("END:", "TITLE:Doctor\r\nEND:"));
        world.remove_file("u2.vcf");
        let (ended, notes) = sync(&mut world, &Run::default());
        assert_nothing_deleted(&ended, "a changed serial number");
        assert!(notes.contains("copied from"), "{notes}");
        assert_people(&world, 8, "a changed serial number");
        world.assert_equal("a changed serial number");
        settle(&mut world);
        world.assert_quiet("a changed serial number");
        world.remove_file("u4.vcf");
        assert_eq!(sync(&mut world, &Run::default()).0.summary.deleted.pc, 1, "it is known from now on");
    }
}

/// A session that is cut anywhere on a copied folder leaves the copy a copy.
#[test]
fn i15_a_copy_whose_first_sync_was_cut_is_still_no_other_phone() {
    for cut in 1..40 {
        let mut one = synced("R58M0001", 17);
        let mut two = second(&one, "R58M0002", 18);
        copy_files(&one, &two);
        two.remove_file("u2.vcf");
        let faults = tetherbook::sim::FaultPlan::cut_at_container(cut * 3);
        let (ended, _) = two.try_sync(&Run { faults, ..Run::default() });
        drop(ended);
        let (ended, _) = sync(&mut two, &Run::default());
        assert_nothing_deleted(&ended, "after a cut");
        two.assert_equal("after a cut");
        assert_people(&one, 8, "after a cut");
        catch_up(&one, &two);
        let (ended, notes) = sync(&mut one, &Run::default());
        assert_nothing_deleted(&ended, "after a cut, the first phone");
        assert_eq!(notes, "", "the first phone is as it was left");
        one.assert_equal("after a cut, the first phone");
    }
}

/// Forgetting a phone's memory and syncing again doubles nothing and loses nothing.
#[test]
fn forgetting_the_memory_is_a_first_sync() {
    let mut world = synced("R58M0001", 19);
    world.remove_pc("u5");
    world.edit_pc("u1", |text| text.replace("END:", "TITLE:Doctor\r\nEND:"));
    let store = world.store();
    let phone = store.phones().unwrap().remove(0);
    store.forget_memory(phone.id).unwrap();
    store.check().unwrap();
    drop(store);
    let (ended, _) = sync(&mut world, &Run::default());
    assert_nothing_deleted(&ended, "a forgotten memory");
    assert_people(&world, 8, "what only the phone had comes back");
    world.assert_equal("a forgotten memory");
    settle(&mut world);
    world.assert_quiet("a forgotten memory");
}
