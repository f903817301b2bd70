//! What a person does, and what must come of it.

use tetherbook::mtp::code::operation;
use tetherbook::sim::{Fault, FaultKind, FaultPlan, Spot};

use crate::world::{Run, World, card};

#[test]
fn first_sync_brings_both_sides_together() {
    let mut world = World::new("android", 1);
    world.put_file("a.vcf", card("u-a", "Ada Phone", &["TEL;TYPE=CELL:+49 170 1"]).as_bytes());
    world.put_file("b.vcf", card("u-b", "Bo Both", &["TEL:+49 170 2"]).as_bytes());
    world.add_pc(&card("u-b", "Bo Both", &["EMAIL:bo@example.org"]));
    world.add_pc(&card("u-c", "Cem PC", &["TEL:+49 170 3"]));
    let ended = world.sync();
    assert_eq!((ended.summary.created.pc, ended.summary.created.phone), (1, 1), "{:?}", ended.summary);
    assert_eq!(world.pc_cards().len(), 3);
    world.assert_equal("after the first sync");
    world.sync();
    world.assert_quiet("after the second sync");
}

#[test]
fn edits_on_both_sides_travel_and_merge() {
    let mut world = World::new("android", 2);
    world.put_file("a.vcf", card("u-a", "Ada", &["TEL;TYPE=CELL:+49 170 1"]).as_bytes());
    world.add_pc(&card("u-c", "Cem", &["TEL:+49 170 3"]));
    world.sync();
    world.edit_file("a.vcf", |text| text.replace("+49 170 1", "+49 170 11"));
    world.edit_pc("u-c", |text| text.replace("+49 170 3", "+49 170 33"));
    let ended = world.sync();
    assert_eq!((ended.summary.updated.pc, ended.summary.updated.phone), (1, 1), "{:?}", ended.summary);
    world.assert_equal("one edit each");
    world.edit_file("a.vcf", |text| text.replace("END:", "EMAIL:ada@example.org\r\nEND:"));
    world.edit_pc("u-a", |text| text.replace("END:", "NOTE:met in Oslo\r\nEND:"));
    let ended = world.sync();
    assert_eq!(ended.summary.merged, 1, "{:?}", ended.summary);
    world.assert_equal("both edited");
    let pc = world.pc_cards();
    let all: String = pc.iter().map(|card| String::from_utf8_lossy(card.as_bytes()).into_owned()).collect();
    assert!(all.contains("ada@example.org") && all.contains("met in Oslo"));
    world.sync();
    world.assert_quiet("after the merge");
}

#[test]
fn deletions_travel_and_stay() {
    let mut world = World::new("android", 3);
    for n in 0..8 {
        world.put_file(&format!("{n}.vcf"), card(&format!("u{n}"), &format!("N{n}"), &[]).as_bytes());
    }
    world.sync();
    world.remove_file("1.vcf");
    world.remove_pc("u2");
    let ended = world.sync();
    assert_eq!((ended.summary.deleted.pc, ended.summary.deleted.phone), (1, 1), "{:?}", ended.summary);
    world.assert_equal("after deletions");
    assert_eq!(world.pc_cards().len(), 6);
    world.sync();
    world.assert_quiet("after deletions");
}

#[test]
fn an_edit_beats_a_deletion() {
    let mut world = World::new("android", 4);
    world.put_file("a.vcf", card("u-a", "Ada", &["TEL:1"]).as_bytes());
    world.put_file("b.vcf", card("u-b", "Bo", &["TEL:2"]).as_bytes());
    world.sync();
    world.remove_file("a.vcf");
    world.edit_pc("u-a", |text| text.replace("TEL:1", "TEL:111"));
    world.edit_file("b.vcf", |text| text.replace("TEL:2", "TEL:222"));
    world.remove_pc("u-b");
    world.sync();
    world.assert_equal("edit against deletion");
    assert_eq!(world.pc_cards().len(), 2);
    world.sync();
    world.assert_quiet("edit against deletion");
}

#[test]
fn a_mass_deletion_is_stopped() {
    let mut world = World::new("android", 5);
    for n in 0..20 {
        world.put_file(&format!("{n}.vcf"), card(&format!("u{n}"), &format!("N{n}"), &[]).as_bytes());
    }
    world.sync();
    for n in 0..19 {
        world.remove_file(&format!("{n}.vcf"));
    }
    let (ended, _) = world.try_sync(&Run::default());
    let ended = ended.unwrap();
    assert_eq!(ended.summary.exit.number(), 7);
    assert_eq!(world.pc_cards().len(), 20);
    let (ended, _) = world.try_sync(&Run { allow_deletes: true, ..Run::default() });
    assert_eq!(ended.unwrap().summary.deleted.pc, 19);
    world.assert_equal("after the allowed deletion");
}

/// Whatever the PC does after a session that was cut in writing an edit of it to the phone, counts: what the phone has of
/// that edit is no edit of its owner.
#[test]
fn what_a_cut_session_wrote_is_no_edit_on_the_phone() {
    let edit = |world: &World, from: &str, to: &str| {
        world.edit_pc("u-a", |text| text.replace(&format!("TEL:{from}"), &format!("TEL:{to}")));
    };
    let then: [(&str, Option<&str>); 3] = [("deleted", None), ("edited", Some("333")), ("back", Some("1"))];
    for (name, wanted) in then {
        let (mut cuts, mut replaced) = (0, 0);
        for number in 1.. {
            let mut world = World::new("android", 6);
            world.put_file("a.vcf", card("u-a", "Ada", &["TEL:1"]).as_bytes());
            world.put_file("b.vcf", card("u-b", "Bo", &["TEL:2"]).as_bytes());
            world.sync();
            edit(&world, "1", "22");
            let cut = Fault { kind: FaultKind::Cut, spot: Spot::Container(number) };
            let (ended, _) =
                world.try_sync(&Run { faults: FaultPlan { faults: vec![cut] }, ..Run::default() });
            if ended.is_ok_and(|ended| ended.failure.is_none()) {
                break;
            }
            cuts += 1;
            let files = world.files();
            replaced += usize::from(files.iter().any(|(name, bytes)| {
                name.ends_with("a.vcf") && String::from_utf8_lossy(bytes).contains("TEL:22")
            }));
            match wanted {
                None => world.remove_pc("u-a"),
                Some(wanted) => edit(&world, "22", wanted),
            }
            let ended = world.sync();
            let context = format!("{name}, cut at {number}");
            assert_eq!(ended.summary.conflicts, 0, "{context}: {:?}", ended.summary);
            world.assert_equal(&context);
            assert_eq!(world.pc_cards().len(), 1 + usize::from(wanted.is_some()), "{context}");
            if let Some(wanted) = wanted {
                let text = String::from_utf8(world.read_file("a.vcf")).unwrap();
                let numbers: Vec<&str> = text.lines().filter(|line| line.starts_with("TEL")).collect();
                assert_eq!(numbers, [format!("TEL:{wanted}")], "{context}");
            }
            world.sync();
            world.assert_quiet(&context);
        }
        assert!(cuts > 20 && replaced > 2, "{name}: too little was met: {cuts} cuts, {replaced} replaced");
    }
}

/// A contact that was made on the phone after a backup of it, and was only read since: the backup is put back, and it is
/// missing there.
#[test]
fn a_backup_from_before_a_contact_was_taken_over_deletes_nothing() {
    let mut world = World::new("android", 7);
    world.put_file("a.vcf", card("u-a", "Ada", &["TEL:1"]).as_bytes());
    world.sync();
    let backup = world.files();
    let put_back = |world: &World, backup: &std::collections::BTreeMap<String, Vec<u8>>| {
        for name in world.files().keys() {
            world.remove_file(name);
        }
        for (name, bytes) in backup {
            world.put_file(name, bytes);
        }
    };
    world.put_file("b.vcf", card("u-b", "Bo", &["TEL:2"]).as_bytes());
    let ended = world.sync();
    assert_eq!((ended.summary.created.pc, ended.summary.device_writes), (1, 0), "{:?}", ended.summary);
    world.sync();
    world.assert_quiet("after it was taken over");
    put_back(&world, &backup);
    let ended = world.sync();
    assert_eq!(ended.summary.deleted.pc, 0, "{:?}", ended.summary);
    world.sync();
    world.assert_equal("after the backup was put back");
    assert_eq!(world.pc_cards().len(), 2);
    // The same with an edit: what is older must not take its place.
    let backup = world.files();
    world.edit_file("a.vcf", |text| text.replace("TEL:1", "TEL:11"));
    world.sync();
    put_back(&world, &backup);
    world.sync();
    let pc: String =
        world.pc_cards().iter().map(|card| String::from_utf8_lossy(card.as_bytes()).into_owned()).collect();
    assert!(pc.contains("TEL:11"), "{pc}");
}

/// What only writes a card anew is no editor: it does not bring back what the other side deleted.
#[test]
fn a_card_that_was_only_written_anew_stays_deleted() {
    let mut world = World::new("android", 6);
    world.put_file("a.vcf", card("u-a", "Ada", &["TEL:1"]).as_bytes());
    world.add_pc(&card("u-b", "Bo", &["TEL:2"]));
    world.sync();
    world.remove_pc("u-a");
    world.edit_file("a.vcf", |text| text.replace("END:", "REV:2027-01-21T00:00:00Z\r\nEND:"));
    let (ended, _) = world.try_sync(&Run { allow_deletes: true, ..Run::default() });
    assert_eq!(ended.unwrap().summary.deleted.phone, 1);
    assert_eq!((world.pc_cards().len(), world.phone_cards().len()), (1, 1));
}

/// A phone that says once of a file that it is not there, and lists it, makes no second contact of it.
#[test]
fn a_new_file_that_is_said_to_be_gone_once_doubles_nobody() {
    let mut fired = 0;
    for nth in 1..4 {
        let mut world = World::new("ubuntu-touch", 7);
        world.put_file("both.vcf", card("both", "Bo Both", &["NOTE:there"]).as_bytes());
        world.add_pc(&card("both", "Bo Both", &["EMAIL:bo@example.org"]));
        let spot = Spot::Operation { code: operation::GET_OBJECT, nth };
        let faults = FaultPlan { faults: vec![Fault { kind: FaultKind::Fail(0x2009), spot }] };
        let _ = world.try_sync(&Run { faults, ..Run::default() });
        fired += world.trace.as_ref().unwrap().borrow().marks.len();
        for _ in 0..2 {
            let _ = world.try_sync(&Run::default());
        }
        assert_eq!((world.pc_cards().len(), world.phone_cards().len()), (1, 1), "read {nth}");
    }
    assert!(fired > 0, "nothing was said to be gone");
}

/// A contact that was deleted on the phone and edited on the PC is put back there; where the phone falls to its lock in
/// the middle of that, what it holds already is taken for what it is.
#[test]
fn a_contact_put_back_on_a_phone_that_locks_is_there_once() {
    for personality in ["strict", "android"] {
        for at in 1..70 {
            let mut world = World::new(personality, 8);
            world.add_pc(&card("u-a", "Ada", &["TEL:1"]));
            world.sync();
            world.remove_file("u-a.vcf");
            world.edit_pc("u-a", |text| text.replace("TEL:1", "TEL:111"));
            let fault = Fault { kind: FaultKind::Lock, spot: Spot::Container(at) };
            let _ = world.try_sync(&Run { faults: FaultPlan { faults: vec![fault] }, ..Run::default() });
            world.phone.unlock();
            world.sync();
            world.sync();
            let there = (world.pc_cards().len(), world.phone_cards().len());
            assert_eq!(there, (1, 1), "{personality}, locked at container {at}");
            world.assert_equal("put back");
        }
    }
}
