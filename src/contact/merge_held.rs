//! The merge as the phone can hold it: cut names, counted numbers, kinds it forgets, and its own way of writing.

use std::cell::Cell;
use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::super::{Card, Dialect, FieldLimits, FieldMask, Projection, write};
use super::laws::count;
use super::worlds::{Scene, counts, read, world};
use super::*;

fn card(lines: &[&str]) -> Card {
    let text = format!("BEGIN:VCARD\r\nVERSION:3.0\r\n{}\r\nEND:VCARD\r\n", lines.join("\r\n"));
    Card::parse(text.as_bytes()).unwrap()
}

fn values(card: &Card, property: &str) -> Vec<String> {
    card.properties().iter().filter(|line| line.name == property).map(|line| line.text()).collect()
}

/// What a side holds, as it stands in a profile.
fn holding(fields: &[&str], limits: &str) -> Projection {
    let fields = if fields.is_empty() { FieldMask::all() } else { FieldMask::only(fields) };
    let limits: FieldLimits = toml::from_str(limits).unwrap();
    assert_eq!(limits.check(), Ok(()));
    Projection { fields, limits }
}

/// Merges, asserts that merging the result again does nothing and that the phone got no more than it holds.
fn run(base: Option<&Baseline>, pc: &Card, phone: &Card, projection: &Projection) -> Merged {
    let input = MergeInput { base, pc, phone, projection, policy: ConflictPolicy::Hold, newest: None };
    let merged = merge(&input);
    let again =
        merge(&MergeInput { base: Some(&merged.baseline), pc: &merged.pc, phone: &merged.phone, ..input });
    assert_eq!((&again.pc, &again.phone), (&merged.pc, &merged.phone), "a second merge wrote again");
    assert_eq!(again.baseline, merged.baseline);
    if merged.phone != *phone {
        assert_eq!(projection.project(&merged.phone), merged.phone, "within what the phone holds");
    }
    merged
}

fn agreed(pc: &Card, phone: &Card) -> Baseline {
    Baseline { pc: pc.clone(), phone: phone.clone() }
}

const LONG: &str = "FN:Maximilian von Hohenzollern-Example";
const CUT: &str = "FN:Maximilian von Hohen";

#[test]
fn a_name_that_the_phone_cut_is_no_edit_and_no_clash() {
    let projection = holding(&[], "length_max = { FN = 20 }");
    let (pc, phone) = (card(&[LONG, "TEL:+4917012"]), card(&[CUT, "TEL:+49 170 12"]));
    for base in [None, Some(agreed(&pc, &phone)), Some(agreed(&pc, &pc))] {
        let merged = run(base.as_ref(), &pc, &phone, &projection);
        assert_eq!(merged.conflicts, []);
        assert_eq!((&merged.pc, &merged.phone), (&pc, &phone), "nobody is written");
    }
    // Another field's edit does not take the cut along.
    let edited = card(&[CUT, "TEL:+49 170 12", "EMAIL:max@example.org"]);
    let merged = run(Some(&agreed(&pc, &phone)), &pc, &edited, &projection);
    assert_eq!(values(&merged.pc, "FN"), ["Maximilian von Hohenzollern-Example"]);
    assert_eq!(values(&merged.pc, "EMAIL"), ["max@example.org"]);
    // An edit of the cut text is one.
    let renamed = card(&["FN:Max", "TEL:+49 170 12"]);
    let merged = run(Some(&agreed(&pc, &phone)), &pc, &renamed, &projection);
    assert_eq!(values(&merged.pc, "FN"), ["Max"]);
    // On the PC an edit of what the phone has cut off does not travel, one of its beginning does.
    let longer = card(&["FN:Maximilian von Hohenzollern-Sample", "TEL:+4917012"]);
    assert_eq!(run(Some(&agreed(&pc, &phone)), &longer, &phone, &projection).phone, phone);
    let other = card(&["FN:Maximiliane von Hohenzollern-Example", "TEL:+4917012"]);
    let merged = run(Some(&agreed(&pc, &phone)), &other, &phone, &projection);
    assert_eq!(values(&merged.phone, "FN"), ["Maximiliane von Hohe"]);
}

#[test]
fn both_may_edit_a_cut_name_and_the_clash_shows_the_whole_one() {
    let projection = holding(&[], "length_max = { FN = 20 }");
    let (pc, phone) = (card(&[LONG]), card(&[CUT]));
    let (one, other) = (card(&["FN:Moritz von Hohenzollern-Example"]), card(&["FN:Max"]));
    let merged = run(Some(&agreed(&pc, &phone)), &one, &other, &projection);
    assert_eq!(merged.conflicts.len(), 1);
    assert_eq!(merged.conflicts[0].pc.as_deref(), Some("Moritz von Hohenzollern-Example"));
    assert_eq!(merged.conflicts[0].base.as_deref(), Some("Maximilian von Hohenzollern-Example"));
    assert_eq!((&merged.pc, &merged.phone), (&one, &other));
    assert_eq!(values(&merged.baseline.pc, "FN"), ["Maximilian von Hohenzollern-Example"]);
}

const NUMBERS: [&str; 5] = ["TEL:+1", "TEL:+2", "TEL:+3", "TEL:+4", "TEL:+5"];

fn numbers(which: &[usize]) -> Card {
    let mut lines = vec!["FN:Ann Lee"];
    lines.extend(which.iter().map(|number| NUMBERS[number - 1]));
    card(&lines)
}

#[test]
fn of_five_numbers_three_are_held_and_the_fourth_moves_up() {
    let projection = holding(&[], "count_max = { TEL = 3 }");
    let pc = numbers(&[1, 2, 3, 4, 5]);
    let phone = projection.project(&pc);
    assert_eq!(phone, numbers(&[1, 2, 3]));
    let base = agreed(&pc, &phone);
    assert_eq!(run(None, &pc, &phone, &projection).phone, phone, "at the first meeting nothing moves");
    let after = |pc: &[usize], phone: &[usize]| {
        let merged = run(Some(&base), &numbers(pc), &numbers(phone), &projection);
        assert_eq!(merged.conflicts, []);
        (values(&merged.pc, "TEL").concat(), values(&merged.phone, "TEL").concat())
    };
    let both = |pc: &str, phone: &str| (pc.to_owned(), phone.to_owned());
    // The PC removes one of the first three, or one behind them, or adds one in front.
    assert_eq!(after(&[1, 3, 4, 5], &[1, 2, 3]), both("+1+3+4+5", "+1+3+4"));
    assert_eq!(after(&[1, 2, 3, 4], &[1, 2, 3]), both("+1+2+3+4", "+1+2+3"));
    assert_eq!(after(&[4, 5], &[1, 2, 3]), both("+4+5", "+4+5"));
    // The phone removes one: it is gone on the PC too, and there is a place free for the next.
    assert_eq!(after(&[1, 2, 3, 4, 5], &[1, 3]), both("+1+3+4+5", "+1+3+4"));
    // The phone replaces one by another: what its owner wrote stays there.
    let merged = run(Some(&base), &pc, &card(&["FN:Ann Lee", "TEL:+1", "TEL:+9", "TEL:+3"]), &projection);
    assert_eq!(values(&merged.pc, "TEL").concat(), "+1+3+4+5+9");
    assert_eq!(values(&merged.phone, "TEL").concat(), "+1+9+3");
}

#[test]
fn a_full_phone_takes_no_new_number_and_loses_none() {
    let projection = holding(&[], "count_max = { TEL = 3 }");
    let before = numbers(&[1, 2, 3]);
    let merged = run(Some(&agreed(&before, &before)), &numbers(&[4, 1, 2, 3]), &before, &projection);
    assert_eq!(merged.phone, before);
    assert_eq!(values(&merged.pc, "TEL").len(), 4);
    // Both add one where there is one place: the phone keeps its own.
    let before = numbers(&[1, 2]);
    let merged =
        run(Some(&agreed(&before, &before)), &numbers(&[1, 2, 3]), &numbers(&[1, 2, 4]), &projection);
    assert_eq!(values(&merged.phone, "TEL").concat(), "+1+2+4");
    assert_eq!(values(&merged.pc, "TEL").concat(), "+1+2+3+4");
}

#[test]
fn a_number_without_its_kind_is_no_edit() {
    let projection = holding(&["FN", "N", "TEL"], "kinds = []\nno_preference = true");
    let pc = card(&["FN:Ann Lee", "TEL;TYPE=cell,pref:+1", "TEL;TYPE=work:+2", "NOTE:x"]);
    let phone = projection.project(&pc);
    assert_eq!(phone, card(&["FN:Ann Lee", "TEL:+1", "TEL:+2"]));
    for base in [None, Some(agreed(&pc, &phone)), Some(agreed(&pc, &pc))] {
        let merged = run(base.as_ref(), &pc, &card(&["TEL:+2", "FN:Ann Lee", "TEL;VOICE:+1"]), &projection);
        assert_eq!((merged.pc, merged.conflicts), (pc.clone(), vec![]));
    }
    let home = card(&["FN:Ann Lee", "TEL;TYPE=home,pref:+1", "TEL;TYPE=work:+2", "NOTE:x"]);
    assert_eq!(run(Some(&agreed(&pc, &phone)), &home, &phone, &projection).phone, phone);
    // The phone's deletion does not take an edit along that it could not see.
    let merged = run(Some(&agreed(&pc, &phone)), &home, &card(&["FN:Ann Lee", "TEL:+2"]), &projection);
    assert_eq!(merged.conflicts.len(), 1);
    assert_eq!(merged.pc, home);
}

#[test]
fn a_phone_that_holds_two_parts_of_a_name_keeps_the_others_on_the_pc() {
    let projection = holding(&["N", "TEL"], "components = { N = [0, 1] }\nlength_max = { N = 10 }");
    let pc = card(&["FN:Dr. Ann Maria Hohenzollern-Lee", "N:Hohenzollern-Lee;Ann;Maria;Dr.;", "TEL:+1"]);
    let phone = projection.project(&pc);
    assert_eq!(values(&phone, "N"), ["Hohenzolle;Ann;;;"]);
    assert_eq!(values(&phone, "FN"), Vec::<String>::new());
    let renamed = card(&["N:Hohenzolle;Anna;;;", "TEL:+1"]);
    let merged = run(Some(&agreed(&pc, &phone)), &pc, &renamed, &projection);
    assert_eq!(values(&merged.pc, "N"), ["Hohenzollern-Lee;Anna;Maria;Dr.;"]);
    assert_eq!(values(&merged.pc, "FN"), ["Dr. Anna Maria Hohenzollern-Lee"], "the shown name follows");
    // A shown name that somebody chose stays.
    let pc = card(&["FN:Mum", "N:Hohenzollern-Lee;Ann;Maria;Dr.;", "TEL:+1"]);
    let merged = run(Some(&agreed(&pc, &phone)), &pc, &renamed, &projection);
    assert_eq!(values(&merged.pc, "FN"), ["Mum"]);
}

#[test]
fn a_phone_without_a_shown_name_gets_one_made_of_it() {
    let projection = holding(&["N", "TEL"], "");
    let pc = card(&["FN:Ann Lee", "TEL:+1"]);
    let phone = projection.project(&pc);
    assert_eq!(values(&phone, "N"), ["Ann Lee;;;;"]);
    for base in [None, Some(agreed(&pc, &phone))] {
        let merged = run(base.as_ref(), &pc, &phone, &projection);
        assert_eq!((&merged.pc, &merged.phone), (&pc, &phone));
    }
    let renamed = card(&["N:Anna Lee;;;;", "TEL:+1"]);
    let merged = run(Some(&agreed(&pc, &phone)), &pc, &renamed, &projection);
    assert_eq!(values(&merged.pc, "FN"), ["Anna Lee"]);
    let merged = run(Some(&agreed(&pc, &phone)), &card(&["FN:Anne Lee", "TEL:+1"]), &phone, &projection);
    assert_eq!(values(&merged.phone, "N"), ["Anne Lee;;;;"]);
}

#[test]
fn a_photo_that_is_too_large_stays_on_the_pc_and_is_not_doubled() {
    let large = format!("PHOTO;ENCODING=b;TYPE=JPEG:/9j/{}", "AAAA".repeat(100));
    let small = "PHOTO;ENCODING=b;TYPE=JPEG:/9j/AAAA";
    let projection = holding(&[], "photo_bytes_max = 100");
    let (pc, bare, own) = (card(&["FN:A", &large]), card(&["FN:A"]), card(&["FN:A", small]));
    for base in [None, Some(agreed(&pc, &bare)), Some(agreed(&pc, &pc))] {
        let merged = run(base.as_ref(), &pc, &bare, &projection);
        assert_eq!((&merged.pc, &merged.phone), (&pc, &bare));
    }
    let merged = run(None, &pc, &own, &projection);
    assert_eq!((&merged.pc, &merged.phone), (&pc, &own), "at the first meeting each keeps its own");
    let merged = run(Some(&agreed(&pc, &bare)), &pc, &own, &projection);
    assert_eq!(merged.pc, own, "a photo that was taken on the phone since is an edit");
}

#[test]
fn what_the_phone_reformats_never_travels_back() {
    let pc = card(&["FN:Ann Lee", "TEL;TYPE=cell:+49 170 12345678", "EMAIL:ann@Example.org", "X-A:1"]);
    let phone =
        card(&["EMAIL;TYPE=INTERNET:ann@EXAMPLE.ORG", "TEL;TYPE=CELL,VOICE:0049170-12345678", "FN:Ann Lee"]);
    let projection = holding(&["FN", "TEL", "EMAIL"], "");
    for base in [None, Some(agreed(&pc, &pc)), Some(agreed(&pc, &phone))] {
        let merged = run(base.as_ref(), &pc, &phone, &projection);
        assert_eq!((&merged.pc, &merged.phone), (&pc, &phone));
    }
    // Also where the phone made another number of it, once that was read back.
    let home = card(&["FN:Ann Lee", "TEL:0170 12345678", "EMAIL:ann@example.org"]);
    let merged = run(Some(&agreed(&pc, &home)), &pc, &home, &projection);
    assert_eq!((&merged.pc, &merged.phone), (&pc, &home));
}

#[test]
fn a_card_in_the_simplest_dialect_comes_back_without_an_edit() {
    let projection = holding(&["N", "TEL"], "count_max = { TEL = 2 }\nkinds = []\nno_preference = true");
    let pc = card(&["FN:Zoë Łucja", "N:Łucja;Zoë;;;", "TEL;TYPE=cell:+1", "TEL:+2", "TEL:+3", "NOTE:x"]);
    let phone = write(&projection.project(&pc), &Dialect::s30plus()).card;
    assert!(phone.as_bytes().is_ascii());
    let merged = run(Some(&agreed(&pc, &phone)), &pc, &phone, &projection);
    assert_eq!((&merged.pc, &merged.phone), (&pc, &phone));
    let edited = card(&["FN:Zoë Łucja", "N:Łucja;Zoë;;;", "TEL;TYPE=cell:+1", "TEL:+3", "NOTE:x"]);
    let merged = run(Some(&agreed(&pc, &phone)), &edited, &phone, &projection);
    assert_eq!(values(&merged.phone, "TEL"), ["+1", "+3"]);
    assert!(merged.phone.as_bytes().is_ascii());
}

/// Worlds with counts: whatever both sides do, nothing is lost and the phone is never overfilled.
#[test]
fn a_phone_that_holds_a_few_of_each_loses_nothing() {
    let [beyond, moved_up, full, both] = [const { Cell::new(0) }; 4];
    let mut runner = TestRunner::new_with_rng(
        Config { cases: 1200, failure_persistence: None, ..Config::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let result = runner.run(&(world(), counts()), |(world, limits)| {
        let scene = Scene::unlimited(&world);
        let projection = Projection { fields: FieldMask::all(), limits };
        // The phone holds the first few of what it would hold otherwise, before and after its owner's edits.
        let base =
            Baseline { pc: scene.base_cards.pc.clone(), phone: projection.project(&scene.base_cards.pc) };
        let phone = projection.project(&scene.phone_card);
        let input = MergeInput {
            base: Some(&base),
            pc: &scene.pc_card,
            phone: &phone,
            projection: &projection,
            policy: scene.policy,
            newest: None,
        };
        if scene.has_new_addresses_on_both() {
            return Ok(());
        }
        let merged = merge(&input);
        let again = merge(&MergeInput {
            base: Some(&merged.baseline),
            pc: &merged.pc,
            phone: &merged.phone,
            ..input
        });
        prop_assert_eq!((&again.pc, &again.phone), (&merged.pc, &merged.phone));
        prop_assert_eq!(&again.baseline, &merged.baseline);
        for (property, max) in &projection.limits.count_max {
            let things = |card: &Card| -> BTreeSet<String> {
                let start = format!("{property}/");
                read(card).0.into_keys().filter(|thing| thing.starts_with(&start)).collect()
            };
            let (old_pc, old_phone) = (things(&base.pc), things(&base.phone));
            let (pc, phone) = (things(&scene.pc_card), things(&phone));
            let (new_pc, new_phone) = (things(&merged.pc), things(&merged.phone));
            prop_assert!(new_phone.len() <= *max, "{} {:?}", property, new_phone);
            let removed: BTreeSet<_> = old_phone.difference(&phone).cloned().collect();
            let gone: Vec<_> = pc.difference(&new_pc).filter(|thing| !removed.contains(*thing)).collect();
            prop_assert!(gone.is_empty(), "{:?} vanished from the PC", gone);
            let unknown: Vec<_> =
                new_pc.iter().filter(|thing| !pc.contains(*thing) && !phone.contains(*thing)).collect();
            prop_assert!(unknown.is_empty(), "{:?} is from nowhere", unknown);
            let taken: Vec<_> = phone
                .difference(&new_phone)
                .filter(|thing| pc.contains(*thing) || !old_pc.contains(*thing))
                .collect();
            prop_assert!(taken.is_empty(), "{:?} was pushed off the phone", taken);
            if merged.conflicts.is_empty() {
                prop_assert!(new_phone.is_subset(&new_pc));
                prop_assert_eq!(new_phone.len(), new_pc.len().min(*max), "{}", property);
            }
            count(&beyond, new_pc.len() > *max);
            count(&full, new_phone.len() == *max && new_phone != phone);
            count(
                &moved_up,
                new_phone.iter().any(|thing| old_pc.contains(thing) && !old_phone.contains(thing)),
            );
            count(&both, phone != old_phone && pc != old_pc);
        }
        Ok(())
    });
    if let Err(error) = result {
        panic!("{error}");
    }
    for (name, cell, floor) in [
        ("beyond", &beyond, 500),
        ("moved up", &moved_up, 100),
        ("full", &full, 200),
        ("both changed", &both, 150),
    ] {
        println!("{name}: {}", cell.get());
        assert!(cell.get() >= floor, "the generator reached {name} {} times only", cell.get());
    }
}

#[test]
fn projecting_twice_is_projecting_once_and_lines_within_the_limits_keep_their_bytes() {
    let [touched, untouched, lost] = [const { Cell::new(0) }; 3];
    super::laws::check(600, |scene| {
        let projection = &scene.projection;
        for card in [&scene.pc_card, &scene.base_cards.pc, &scene.phone_card] {
            let once = projection.project(card);
            prop_assert_eq!(&projection.project(&once), &once);
            prop_assert_eq!(&read(&once).0, &super::worlds::projected(&read(card).0, projection));
            prop_assert_eq!(projection.holds_all(&once), true);
            if projection.holds_all(card) && projection.fields.is_all() {
                prop_assert_eq!(&once, card);
            }
            let (old, new) = (read(card), read(&once));
            for (thing, raw) in &new.1 {
                if old.0.get(thing) == new.0.get(thing) && !thing.starts_with("TEL") {
                    prop_assert_eq!(old.1.get(thing), Some(raw), "{}", thing);
                    count(&untouched, once != *card);
                }
            }
            count(&touched, once != *card);
            count(&lost, !projection.loses(card).is_empty());
        }
        Ok(())
    });
    assert!(
        touched.get() > 800 && untouched.get() > 2_000 && lost.get() > 700,
        "{touched:?} {untouched:?} {lost:?}"
    );
}
