//! One poison card never stops the rest, and it is named: on the phone, on the PC, or in the phone's own behaviour. And
//! what a phone lists without end is not taken in without end.

use tetherbook::contact::Card;
use tetherbook::mtp::code::operation;
use tetherbook::sim::{Fault, FaultKind, FaultPlan, Spot};

use crate::world::{Run, World, card};

/// Three people on the phone and one on the PC, nothing synced yet.
fn unsynced(seed: u64) -> World {
    let world = World::new("android", seed);
    for name in ["Ada", "Bo", "Cleo"] {
        world.put_file(&format!("{name}.vcf"), card(&format!("u-{name}"), name, &["TEL:1"]).as_bytes());
    }
    world.scanned();
    world.add_pc(&card("u-pc", "On Pc", &["TEL:2"]));
    world
}

fn names_on_pc(world: &World) -> Vec<String> {
    let mut names: Vec<String> = world.pc_cards().iter().map(Card::display_name).collect();
    names.sort();
    names
}

/// A session in which everybody but the poison is synced, and the poison is named.
fn assert_only_it_is_left(world: &mut World, poison: &str, words: &[&str], context: &str) {
    let (ended, notes) = world.try_sync(&Run::default());
    let ended = ended.unwrap();
    assert!(ended.failure.is_none(), "{context}: {:?} {notes:?}", ended.failure);
    assert_eq!(ended.summary.exit.number(), 9, "{context}");
    let skipped = ended.plan.unwrap().skipped;
    assert_eq!(skipped.len(), 1, "{context}: {skipped:?}");
    let told = format!("{} {}", skipped[0].subject, skipped[0].why);
    assert!(told.contains(poison), "{context}: {told}");
    assert!(words.iter().any(|word| told.contains(word)), "{context}: {told}");
    assert_eq!(names_on_pc(world), ["Ada", "Bo", "Cleo", "On Pc"], "{context}");
    assert_eq!(
        world.phone_cards().values().filter(|card| card.display_name() == "On Pc").count(),
        1,
        "{context}"
    );
}

fn lines(count: usize, line: &str) -> String {
    card("u-poison", "Poison", &vec![line; count])
}

#[test]
fn every_kind_of_poison_on_the_phone_is_named_and_costs_nobody_else() {
    let deep = format!("X-A{}:1", ";P=1".repeat(5_000));
    let separated = format!("N:{}", ";".repeat(20_000));
    let kinds: Vec<(&str, Vec<u8>, &[&str])> = vec![
        ("no card", b"\x00\x01\x02 not a card".to_vec(), &["no vCard", "not", "BEGIN"]),
        ("empty", Vec::new(), &["empty"]),
        (
            "cut off",
            b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:u-poison\r\nFN:Poison\r\nTEL:".to_vec(),
            &["cut off"],
        ),
        ("too large", vec![b'x'; (1 << 20) + 1], &["1048577 bytes, more than 1048576"]),
        ("many properties", lines(10_001, "X-A:1").into_bytes(), &["more than 10000 lines"]),
        ("many parameters", card("u-poison", "Poison", &[&deep]).into_bytes(), &["parameters", "separators"]),
        (
            "many components",
            card("u-poison", "Poison", &[&separated]).into_bytes(),
            &["separators", "components"],
        ),
        (
            "two cards",
            format!("{}{}", lines(1, "X-A:1"), lines(1, "X-A:2")).into_bytes(),
            &["2 vCards", "2 cards"],
        ),
    ];
    for (kind, bytes, words) in kinds {
        let mut world = unsynced(301);
        world.put_file("Poison.vcf", &bytes);
        world.scanned();
        assert_only_it_is_left(&mut world, "Poison.vcf", words, kind);
        // It is told again, and costs nothing more.
        let ended = world.sync();
        assert_eq!((ended.summary.exit.number(), ended.summary.failed), (9, 1), "{kind}");
        // Mended, it comes in like any other.
        world.later();
        world.put_file("Poison.vcf", card("u-poison", "Mended", &["TEL:7"]).as_bytes());
        world.scanned();
        world.sync();
        assert!(names_on_pc(&world).contains(&String::from("Mended")), "{kind}");
        world.assert_equal(kind);
    }
}

#[test]
fn bytes_that_are_not_utf_8_are_kept_and_cost_nobody_else() {
    let mut world = unsynced(302);
    let mut bytes = card("u-poison", "P", &["NOTE:X"]).into_bytes();
    let at = bytes.iter().position(|byte| *byte == b'X').unwrap();
    bytes.splice(at..=at, [0xFF, 0xFE, 0x80, 0xC3]);
    world.put_file("Poison.vcf", &bytes);
    world.scanned();
    let ended = world.sync();
    assert!(matches!(ended.summary.exit.number(), 0 | 9), "{:?}", ended.summary);
    for name in ["Ada", "Bo", "Cleo", "On Pc"] {
        assert!(names_on_pc(&world).contains(&String::from(name)));
    }
    assert_eq!(world.read_file("Poison.vcf"), bytes, "what nobody edited is not rewritten");
    world.sync();
    assert_eq!(world.read_file("Poison.vcf"), bytes);
}

#[test]
fn a_card_on_the_pc_that_the_phone_cannot_take_is_named_and_costs_nobody_else() {
    let mut world = unsynced(303);
    world.add_pc(&card("u-poison", "Poison", &[&format!("NOTE:{}", "x".repeat(2 << 20))]));
    let (ended, _) = world.try_sync(&Run::default());
    let ended = ended.unwrap();
    assert_eq!((ended.summary.exit.number(), ended.summary.failed), (9, 1), "{:?}", ended.summary);
    let skipped = &ended.plan.unwrap().skipped;
    assert!(
        skipped[0].subject.contains("Poison") && skipped[0].why.contains("1048576"),
        "{}",
        skipped[0].why
    );
    assert_eq!(ended.summary.created.phone, 1);
    assert_eq!(world.phone_cards().len(), 4);
}

fn at_read(kind: FaultKind, nth: u64) -> Fault {
    Fault { kind, spot: Spot::Operation { code: operation::GET_OBJECT, nth } }
}

/// A phone that was met before, so that its cards are read by the session and not to find out what it is.
fn met(seed: u64) -> World {
    let mut world = World::new("android", seed);
    world.put_file("Zoe.vcf", card("u-Zoe", "Zoe", &["TEL:9"]).as_bytes());
    world.scanned();
    world.sync();
    for name in ["Ada", "Bo", "Cleo"] {
        world.put_file(&format!("{name}.vcf"), card(&format!("u-{name}"), name, &["TEL:1"]).as_bytes());
    }
    world.scanned();
    world.add_pc(&card("u-pc", "On Pc", &["TEL:2"]));
    world
}

/// A read that fails once is tried again, so it fails twice here.
#[test]
fn a_phone_that_refuses_one_file_keeps_that_one_only() {
    for code in [0x2002, 0x200F] {
        let mut hits = 0;
        for nth in 1..=8 {
            let mut world = met(304);
            let run = Run {
                faults: FaultPlan {
                    faults: vec![
                        at_read(FaultKind::Fail(code), nth),
                        at_read(FaultKind::Fail(code), nth + 1),
                    ],
                },
                ..Run::default()
            };
            let Ok(ended) = world.try_sync(&run).0 else { continue };
            assert!(ended.failure.is_none(), "{code:04X} at {nth}: {:?}", ended.failure);
            let plan = ended.plan.unwrap();
            if let [skipped] = plan.skipped.as_slice() {
                hits += 1;
                assert_eq!(ended.summary.exit.number(), 9, "{code:04X} at {nth}");
                assert!(skipped.why.contains(".vcf") && skipped.why.contains("GetObject"), "{}", skipped.why);
                assert!(names_on_pc(&world).len() >= 4, "{code:04X} at {nth}: {:?}", names_on_pc(&world));
            }
            world.sync();
            world.assert_equal(&format!("{code:04X} at {nth}"));
        }
        assert!(hits >= 3, "{code:04X}: only {hits} cards were refused");
    }
}

#[test]
fn a_file_at_which_the_phone_stops_answering_ends_one_session_and_no_other() {
    for kind in [FaultKind::Mute, FaultKind::WrongId] {
        let mut hits = 0;
        for nth in 1..=8 {
            let context = format!("{kind:?} at {nth}");
            let mut world = met(305);
            let run = Run { faults: FaultPlan { faults: vec![at_read(kind, nth)] }, ..Run::default() };
            let Ok(first) = world.try_sync(&run).0 else { continue };
            let Some(failure) = first.failure.filter(|failure| failure.to_string().contains(".vcf")) else {
                continue;
            };
            hits += 1;
            assert_eq!(first.summary.exit.number(), 3, "{context}: {failure}");
            // The next session would meet it again; it leaves that one file out, and names it.
            let (ended, notes) = world.try_sync(&Run::default());
            let second = ended.unwrap();
            assert!(second.failure.is_none(), "{context}: {:?} {notes:?}", second.failure);
            assert_eq!((second.summary.exit.number(), second.summary.failed), (9, 1), "{context}");
            let skipped = second.plan.unwrap().skipped;
            let why = &skipped[0].why;
            assert!(why.contains("stopped answering") && why.contains("--deep"), "{context}: {why}");
            assert!(names_on_pc(&world).len() >= 4, "{context}: {:?}", names_on_pc(&world));
            // It may have been the phone's mood: the one after that tries it again.
            assert_eq!(world.sync().summary.failed, 0, "{context}");
            world.assert_equal(&context);
            world.sync();
            world.assert_quiet(&context);
        }
        assert!(hits >= 3, "{kind:?}: only {hits} cards were met");
    }
}

#[test]
fn a_linked_contact_at_which_the_phone_stops_answering_is_not_deleted() {
    let mut world = unsynced(306);
    world.sync();
    world.later();
    world.edit_file("Bo.vcf", |text| text.replace("TEL:1", "TEL:111"));
    world.put_file("Dan.vcf", card("u-Dan", "Dan", &["TEL:4"]).as_bytes());
    world.scanned();
    let run = Run { faults: FaultPlan { faults: vec![at_read(FaultKind::Mute, 1)] }, ..Run::default() };
    assert_eq!(world.try_sync(&run).0.unwrap().summary.exit.number(), 3);
    world.try_sync(&Run::default()).0.unwrap();
    assert!(names_on_pc(&world).contains(&String::from("Bo")));
    world.try_sync(&Run { deep: true, ..Run::default() }).0.unwrap();
    world.assert_equal("looked at again");
    assert_eq!(world.pc_cards().len(), 5);
}
