//! Promises that depend on what the phone is like: restored, forgetful, re-encoding, slow to list.

use std::collections::BTreeMap;
use std::rc::Rc;

use tetherbook::device::ProfileSet;
use tetherbook::mtp::code::operation;
use tetherbook::report::ExitCode;
use tetherbook::sim::{App, AppMoment, ListingOrder};

use crate::properties::known;
use crate::world::{Run, World, card};

fn texts(world: &World) -> Vec<String> {
    let mut all: Vec<String> =
        world.pc_cards().iter().map(|card| String::from_utf8_lossy(card.as_bytes()).into_owned()).collect();
    all.sort();
    all
}

/// I14: a phone that was put back to an earlier state deletes nothing and overwrites nothing without a word.
#[test]
fn i14_a_restored_phone_deletes_nothing_and_overwrites_nothing() {
    let mut world = known("android", 70, 6);
    world.edit_pc("u0", |text| text.replace("NOTE:old", "NOTE:zero"));
    world.sync();
    let backup = world.files();
    for n in 6..20 {
        world.add_pc(&card(&format!("u{n}"), &format!("Name {n}"), &[]));
    }
    world.edit_pc("u1", |text| text.replace("NOTE:old", "NOTE:new"));
    world.edit_pc("u2", |text| text.replace("END:", "NICKNAME:two\r\nEND:"));
    world.sync();
    world.restore_files(&backup);
    let ended = world.sync();
    assert_eq!((ended.summary.deleted.pc, ended.summary.deleted.phone), (0, 0), "I14");
    assert_eq!(world.pc_cards().len(), 20, "I14: nothing is deleted");
    assert_eq!(world.phone_cards().len(), 20, "I14: what was lost is put back");
    let all = texts(&world).concat();
    assert!(all.contains("NOTE:new") && all.contains("NICKNAME:two"), "I14: old does not overwrite new");
    assert_eq!(ended.summary.conflicts, 1, "I14: the old note is told");
    world.sync();
    let quiet = world.sync();
    assert_eq!(quiet.summary.device_writes + quiet.summary.store_writes, 0, "I2 after a restoration");
}

/// I14, I2: a marker that was wiped is made again at once, and the next session is quiet.
#[test]
fn i14_a_wiped_marker_is_made_again() {
    for personality in ["android", "sailfish", "nokia-s40", "umtp"] {
        let mut world = known(personality, 71, 4);
        // The first session that writes to the phone makes the marker.
        world.edit_pc("u1", |text| text.replace("NOTE:old", "NOTE:new"));
        world.sync();
        world.remove_file("tetherbook-replica.txt");
        let ended = world.sync();
        assert_eq!((ended.summary.deleted.pc, ended.summary.deleted.phone), (0, 0));
        assert!(world.files().contains_key("tetherbook-replica.txt"), "{personality}");
        world.assert_equal(personality);
        world.sync();
        world.assert_quiet(personality);
    }
}

/// A world whose phone is known by a profile of our own: Android's with these lines changed.
fn with_profile(world: &mut World, changes: &[(&str, &str)], extra: &str) {
    let mut text =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/device-profiles/android.toml"))
            .unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    let at = text.find("\n[[examples]]").unwrap_or(text.len());
    text.insert_str(at, extra);
    let folder = world.directory.path().join("profiles");
    std::fs::create_dir(&folder).unwrap();
    std::fs::write(folder.join("android.toml"), text).unwrap();
    let mut profiles = ProfileSet::built_in().unwrap();
    profiles.add_folder(&folder).unwrap();
    world.profiles = Rc::new(profiles);
}

/// I19: what the phone cannot hold is neither cleared on the PC nor sent to the phone.
#[test]
fn i19_a_field_that_the_phone_cannot_hold_is_never_read_as_cleared() {
    let mut world = World::new("android", 72);
    with_profile(
        &mut world,
        &[("fields = \"all\"", "fields = [\"FN\", \"N\", \"TEL\", \"UID\", \"VERSION\"]")],
        "",
    );
    world.add_pc(&card("u1", "One", &["TEL:1", "NOTE:mine", "EMAIL:one@example.org"]));
    world.put_file("u1.vcf", card("u1", "One", &["TEL:1"]).as_bytes());
    world.sync();
    world.edit_file("u1.vcf", |text| text.replace("TEL:1", "TEL:2"));
    world.sync();
    let here = texts(&world).concat();
    assert!(
        here.contains("TEL:2") && here.contains("NOTE:mine") && here.contains("one@example.org"),
        "{here}"
    );
    world.edit_pc("u1", |text| text.replace("NOTE:mine", "NOTE:other"));
    world.sync();
    let there = String::from_utf8(world.read_file("u1.vcf")).unwrap();
    assert!(!there.contains("NOTE") && there.contains("TEL:2"), "{there}");
    world.sync();
    world.assert_quiet("a masked field");
}

/// I25: a device that writes every card in its own way, and drops what it does not know, is no editor.
#[test]
fn i25_a_device_that_re_encodes_is_no_editor() {
    for (drops, writes_2_1) in [(vec![], false), (vec![], true), (vec![String::from("X-CUSTOM")], true)] {
        let mut world = World::new("android", 73);
        with_profile(&mut world, &[], "\n[quirks]\nreencodes = true\n");
        let app = App {
            drops: drops.clone(),
            reverses: true,
            lower_case_names: true,
            writes_2_1,
            revision: Some(String::from("2027-01-02T03:04:05Z")),
            product: Some(String::from("-//Invented//Phone//EN")),
            ..App::harmless(AppMoment::TransferEnd)
        };
        world.phone.with_personality(|personality| personality.app = Some(app));
        for n in 0..4 {
            world.add_pc(&card(
                &format!("u{n}"),
                &format!("Zoë {n}"),
                &["TEL;TYPE=CELL:1", "X-CUSTOM:keep", "NOTE:a"],
            ));
        }
        let before = texts(&world);
        world.sync();
        world.sync();
        world.assert_quiet("I25: after the re-encoding");
        assert_eq!(texts(&world), before, "I25: the PC took the device's spelling for an edit");
        world.edit_pc("u1", |text| text.replace("NOTE:a", "NOTE:b"));
        world.edit_file("u2.vcf", |text| text.replace("note:a", "note:c"));
        world.sync();
        world.sync();
        world.assert_quiet("I25: after edits");
        let after = texts(&world).concat();
        assert!(after.contains("NOTE:b") && after.to_uppercase().contains("NOTE:C"), "{after}");
        assert_eq!(after.matches("X-CUSTOM:keep").count(), 4, "I19, I25: dropped there is not deleted here");
    }
}

/// I19, I25: what the phone drops while a conflict waits on the same contact is not deleted on the PC either.
#[test]
fn i25_what_is_dropped_beside_a_waiting_conflict_stays_on_the_pc() {
    let mut world = World::new("android", 81);
    with_profile(&mut world, &[], "\n[quirks]\nreencodes = true\n");
    let app = App { drops: vec![String::from("NOTE")], ..App::harmless(AppMoment::TransferEnd) };
    world.phone.with_personality(|personality| personality.app = Some(app));
    world.add_pc(&card("u1", "One", &["TEL:1", "TITLE:old"]));
    world.sync();
    world.sync();
    world.edit_file("u1.vcf", |text| text.replace("TITLE:old", "TITLE:there"));
    world.edit_pc("u1", |text| text.replace("TITLE:old", "TITLE:here"));
    assert_eq!(world.sync().summary.conflicts, 1);
    world.edit_pc("u1", |text| text.replace("END:", "NOTE:mine\r\nTEL:2\r\nEND:"));
    for round in 0..3 {
        let ended = world.sync();
        let here = texts(&world).concat();
        assert!(here.contains("NOTE:mine") && here.contains("TEL:2"), "round {round}: {here}");
        assert!(here.contains("TITLE:here"), "round {round}: {here}");
        assert_eq!(ended.summary.conflicts, 1, "round {round}");
    }
    let there = String::from_utf8(world.read_file("u1.vcf")).unwrap();
    assert!(there.contains("TITLE:there") && there.contains("TEL:2"), "{there}");
}

/// I13: a contact whose file could not be read once is not made a second time.
#[test]
fn i13_a_read_that_fails_once_doubles_nobody() {
    use tetherbook::sim::{Fault, FaultKind, FaultPlan, Spot};
    let mut fired = 0;
    for nth in 1..6 {
        let mut world = known("android", 82, 2);
        world.put_file("both.vcf", card("both", "Bo Both", &["NOTE:there"]).as_bytes());
        world.add_pc(&card("both", "Bo Both", &["EMAIL:bo@example.org"]));
        let spot = Spot::Operation { code: operation::GET_OBJECT, nth };
        let faults = FaultPlan { faults: vec![Fault { kind: FaultKind::Misreport(0x2002), spot }] };
        let _ = world.try_sync(&Run { faults, ..Run::default() });
        fired += world.trace.as_ref().unwrap().borrow().marks.len();
        for _ in 0..2 {
            let _ = world.try_sync(&Run::default());
        }
        assert_eq!((world.pc_cards().len(), world.phone_cards().len()), (3, 3), "I13: read {nth} failed");
        world.assert_equal("I13");
    }
    assert!(fired >= 2, "only {fired} reads failed");
}

/// I26: a card that nobody edited keeps every byte on both sides while others are synced around it.
#[test]
fn i26_untouched_cards_keep_their_bytes() {
    let odd = "begin:vcard\nversion:2.1\nX-ODD;foo=bar:  spaces  \nitem1.TEL;HOME:1\nitem1.X-ABLabel:x\nFN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Zo=C3=AB\nN:Zoe\nUID:odd\nend:vcard\n";
    let mut world = World::new("android", 74);
    world.put_file("odd.vcf", odd.as_bytes());
    for n in 0..3 {
        world.add_pc(&card(&format!("u{n}"), &format!("Name {n}"), &["NOTE:old", "X-FOLDED:a\r\n b"]));
    }
    world.sync();
    let files = world.files();
    let here = texts(&world);
    for round in 0..3 {
        world.edit_pc("u1", |text| text.replace("Name 1", &format!("Name {round}{round}")));
        world.edit_file("u2.vcf", |text| text.replace("END:", &format!("TEL:{round}{round}\r\nEND:")));
        world.sync();
    }
    let now = world.files();
    for name in ["odd.vcf", "u0.vcf"] {
        assert!(files[name] == now[name], "I26: {name} on the phone");
    }
    assert_eq!(now["odd.vcf"], odd.as_bytes());
    let now = texts(&world);
    for text in here.iter().filter(|text| text.contains("UID:odd") || text.contains("UID:u0")) {
        assert!(now.contains(text), "I26: {text}");
    }
}

fn transactions(world: &World) -> usize {
    world.trace.as_ref().unwrap().borrow().transactions()
}

/// I27: a session with nothing to do costs the same for 10 and 1000 contacts where the property list works.
#[test]
fn i27_a_quiet_session_costs_ten_transactions() {
    for count in [10, 1000] {
        let mut world = known("android", 75, count);
        // No contact was written to the phone so far; its marker was, so that it is found at once.
        world.sync();
        assert!(transactions(&world) <= 10, "I27: {} for {count}, never written to", transactions(&world));
        world.edit_pc("u1", |text| text.replace("NOTE:old", "NOTE:new"));
        for _ in 0..4 {
            world.sync();
        }
        assert!(
            transactions(&world) <= 10,
            "I27: {} for {count}: {:#?}",
            transactions(&world),
            world
                .trace
                .as_ref()
                .unwrap()
                .borrow()
                .entries
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
        );
    }
}

/// I27: without a property list it costs one look each.
#[test]
fn i27_without_a_property_list_it_costs_one_look_each() {
    for count in [10, 100] {
        let mut world = World::new("android", 76);
        world.phone.with_personality(|personality| {
            personality.operations.retain(|code| *code != operation::GET_OBJECT_PROP_LIST);
        });
        for n in 0..count {
            world.put_file(&format!("{n}.vcf"), card(&format!("u{n}"), &format!("Name {n}"), &[]).as_bytes());
        }
        world.add_pc(&card("pc", "Here", &[]));
        for _ in 0..4 {
            world.sync();
        }
        // One contact more, and the marker is looked at as well.
        assert!(transactions(&world) <= count + 12, "I27: {} for {count}", transactions(&world));
    }
}

/// I27: a changed contact costs one reading or six steps of a replacement.
#[test]
fn i27_a_changed_contact_costs_a_fixed_number_of_transactions() {
    let cost = |phone_edits: usize, pc_edits: usize| {
        let mut world = known("android", 77, 40);
        world.edit_pc("u39", |text| text.replace("NOTE:old", "NOTE:first"));
        world.sync();
        world.sync();
        world.sync();
        for n in 0..phone_edits {
            world.edit_file(&format!("u{n}.vcf"), |text| text.replace("NOTE:old", "NOTE:changed there"));
        }
        for n in 20..20 + pc_edits {
            world.edit_pc(&format!("u{n}"), |text| text.replace("NOTE:old", "NOTE:changed here"));
        }
        world.sync();
        transactions(&world)
    };
    let reads = cost(12, 0) - cost(2, 0);
    assert!(reads <= 10, "I27: 10 more edits on the phone cost {reads} transactions");
    let replaces = cost(0, 12) - cost(0, 2);
    assert!(replaces <= 60, "I27: 10 more replacements cost {replaces} transactions");
}

/// I28: neither the order of listings nor interruptions change what comes out.
#[test]
fn i28_order_and_interruptions_do_not_matter() {
    let outcome = |order: ListingOrder, pause: Option<usize>, rename: bool| {
        let mut world = World::new("android", 78);
        world.phone.with_personality(|personality| personality.handles.order = order);
        for n in 0..8 {
            let (there, here) = if rename { (7 - n, n) } else { (n, n) };
            let uid = format!("u{there}");
            world.put_file(
                &format!("{here}.vcf"),
                card(&uid, &format!("Name {there}"), &["NOTE:old"]).as_bytes(),
            );
        }
        for n in 6..12 {
            world.add_pc(&card(&format!("u{n}"), &format!("Name {n}"), &["TEL:1"]));
        }
        for at in pause.into_iter().flat_map(|at| [at, at + 1, at]) {
            world.interrupt_at.set(Some(at));
            let ended = world.try_sync(&Run::default()).0.unwrap();
            assert!(
                [ExitCode::Interrupted, ExitCode::Done].contains(&ended.summary.exit),
                "{:?}",
                ended.summary.exit
            );
            world.interrupt_at.set(None);
        }
        world.sync();
        world.sync();
        world.assert_equal("I28");
        world.assert_quiet("I28");
        let mut sides: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for text in texts(&world) {
            let uid = text.lines().find(|line| line.starts_with("UID:")).unwrap_or_default().to_owned();
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            assert!(sides.insert(uid, lines).is_none(), "I13");
        }
        sides
    };
    let wanted = outcome(ListingOrder::OldestFirst, None, false);
    assert_eq!(wanted.len(), 12);
    assert_eq!(outcome(ListingOrder::NewestFirst, None, false), wanted, "I28: the other order");
    assert_eq!(outcome(ListingOrder::OldestFirst, None, true), wanted, "I28: other names");
    for at in 1..14 {
        assert_eq!(outcome(ListingOrder::OldestFirst, Some(at), false), wanted, "I28: interrupted at {at}");
    }
}

/// I29: cards with one UID, and the same card twice, are all kept, named, and stay.
#[test]
fn i29_doubles_are_kept_and_stay() {
    for personality in ["android", "ubuntu-touch", "cmtp", "nokia-s40"] {
        let mut world = World::new(personality, 79);
        world.put_file("a.vcf", card("same", "Ada", &["TEL:1"]).as_bytes());
        world.put_file("b.vcf", card("same", "Bo", &["TEL:2"]).as_bytes());
        world.put_file("c.vcf", card("same", "Ada", &["TEL:1"]).as_bytes());
        world.add_pc(&card("two", "Cem", &[]));
        world.add_pc(&card("two", "Dot", &[]));
        world.sync();
        assert_eq!((world.pc_cards().len(), world.phone_cards().len()), (5, 5), "I29: {personality}");
        for _ in 0..2 {
            world.sync();
        }
        world.assert_quiet(personality);
        world.edit_file("b.vcf", |text| text.replace("TEL:2", "TEL:22"));
        world.sync();
        world.assert_equal(personality);
        assert_eq!(world.pc_cards().len(), 5, "I29: {personality}");
        assert!(texts(&world).concat().contains("TEL:22"));
    }
}

/// I28, I29: a renamed file is known again although a new file with its UID is listed before it.
#[test]
fn i29_a_double_does_not_take_over_a_renamed_file() {
    let mut world = known("android", 80, 3);
    world.rename_file("u1.vcf", "z.vcf");
    world.put_file("a.vcf", card("u1", "Another", &[]).as_bytes());
    world.edit_pc("u1", |text| text.replace("NOTE:old", "NOTE:mine"));
    world.sync();
    let renamed = String::from_utf8(world.read_file("z.vcf")).unwrap();
    assert!(renamed.contains("NOTE:mine") && renamed.contains("Name 1"), "{renamed}");
    assert_eq!(world.pc_cards().len(), 4);
    world.assert_equal("a double beside a renamed file");
}
