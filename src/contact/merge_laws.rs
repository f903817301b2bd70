//! Laws of the merge over generated cards, and a comparison with a plain reference merge that knows nothing of
//! lines, versions or alignment: a map of things to a map of their attributes.

use std::cell::Cell;
use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use super::super::{Card, FieldMask, Projection, diff};
use super::worlds::{Model, Scene, Style, projected, read, world};
use super::*;

/// The reference: what each side comes to, and how many conflicts there are. The phone sees of the PC what it can
/// hold; the PC keeps the rest.
fn reference(
    base: &Model,
    pc: &Model,
    phone: &Model,
    projection: &Projection,
    policy: ConflictPolicy,
) -> (Model, Model, usize) {
    let (mut new_pc, mut new_phone, mut conflicts) = (pc.clone(), phone.clone(), 0);
    let (seen_base, seen_pc) = (projected(base, projection), projected(pc, projection));
    let things: BTreeSet<&String> = base.keys().chain(pc.keys()).chain(phone.keys()).collect();
    for thing in things {
        if !projection.holds_property(thing.split('/').next().unwrap()) {
            continue;
        }
        let (b, p, d) = (seen_base.get(thing), seen_pc.get(thing), phone.get(thing));
        let (Some(p), Some(d)) = (p, d) else {
            // A phone's deletion must not take along an edit that it could not see.
            let pc_edited =
                b != p || (p.is_some() && d.is_none() && b.is_some() && base.get(thing) != pc.get(thing));
            let (pc_wins, phone_wins) = match (pc_edited, b != d) {
                (true, true) if p.is_some() || d.is_some() => {
                    conflicts += 1;
                    (policy == ConflictPolicy::Pc, policy == ConflictPolicy::Phone)
                }
                edited => edited,
            };
            if pc_wins {
                new_phone.remove(thing);
                new_phone.extend(p.map(|p| (thing.clone(), p.clone())));
            } else if phone_wins {
                match (d, matches!(thing.as_str(), "N" | "ORG")) {
                    (Some(d), true) => new_pc.entry(thing.clone()).or_default().extend(d.clone()),
                    (Some(d), false) => drop(new_pc.insert(thing.clone(), d.clone())),
                    (None, _) => drop(new_pc.remove(thing)),
                }
            }
            continue;
        };
        let attributes: BTreeSet<&String> =
            b.into_iter().flatten().chain(p).chain(d).map(|(name, _)| name).collect();
        for name in attributes {
            let (b, p, d) = (b.and_then(|b| b.get(name)), p.get(name), d.get(name));
            let (to_pc, to_phone) = match (b == p, b == d) {
                (true, true) => (false, false),
                (true, false) => (true, false),
                (false, true) => (false, true),
                (false, false) if p == d => (false, false),
                (false, false) => {
                    conflicts += 1;
                    (policy == ConflictPolicy::Phone, policy == ConflictPolicy::Pc)
                }
            };
            let set = |model: &mut Model, value: Option<&String>| {
                let attributes = model.get_mut(thing).unwrap();
                attributes.remove(name);
                attributes.extend(value.map(|value| (name.clone(), value.clone())));
            };
            if to_pc {
                set(&mut new_pc, d);
            } else if to_phone {
                set(&mut new_phone, p);
            }
        }
    }
    // One side cleared one half of the organisation and the other side the other: there is none left.
    for model in [&mut new_pc, &mut new_phone] {
        model.retain(|thing, attributes| thing != "ORG" || !attributes.is_empty());
    }
    (new_pc, new_phone, conflicts)
}

/// Runs a property over worlds. The run is the same each time, so the counts that a test asserts are too.
pub(super) fn check(cases: u32, property: impl Fn(&Scene) -> Result<(), TestCaseError>) {
    let mut runner = TestRunner::new_with_rng(
        Config { cases, failure_persistence: None, ..Config::default() },
        TestRng::deterministic_rng(RngAlgorithm::ChaCha),
    );
    let result = runner.run(&world(), |world| property(&Scene::new(&world)));
    if let Err(error) = result {
        panic!("{error}");
    }
}

pub(super) fn count(cell: &Cell<usize>, happened: bool) {
    cell.set(cell.get() + usize::from(happened));
}

#[test]
fn the_generator_writes_what_the_reader_reads() {
    check(300, |scene| {
        prop_assert_eq!(&read(&scene.pc_card).0, &scene.pc);
        prop_assert_eq!(&read(&scene.phone_card).0, &scene.phone);
        Ok(())
    });
}

#[test]
fn it_agrees_with_the_reference() {
    let [conflicted, both_changed, masked, cut, labelled, mixed_versions, re_encoded, unseen] =
        [const { Cell::new(0) }; 8];
    check(1500, |scene| {
        if scene.has_new_addresses_on_both() {
            return Ok(());
        }
        let (pc, phone, conflicts) =
            reference(&scene.base, &scene.pc, &scene.phone, &scene.projection, scene.policy);
        let merged = merge(&scene.input());
        prop_assert_eq!(&read(&merged.pc).0, &pc);
        prop_assert_eq!(&read(&merged.phone).0, &phone);
        prop_assert_eq!(merged.conflicts.len(), conflicts);
        let phone_base = projected(&scene.base, &scene.projection);
        count(&conflicted, conflicts > 0);
        count(&both_changed, scene.pc != scene.base && scene.phone != phone_base);
        count(
            &masked,
            !scene.projection.fields.is_all() && projected(&scene.pc, &scene.projection) != scene.pc,
        );
        count(
            &cut,
            !scene.projection.limits.is_none() && projected(&scene.pc, &scene.projection) != scene.pc,
        );
        count(
            &unseen,
            scene.pc != scene.base
                && projected(&scene.pc, &scene.projection) == phone_base
                && scene.phone == phone_base,
        );
        count(&labelled, pc.values().any(|thing| thing.contains_key("label")) && merged.pc != scene.pc_card);
        count(&mixed_versions, scene.pc_card.version() != scene.phone_card.version());
        count(&re_encoded, scene.phone == phone_base && scene.phone_card != scene.base_cards.phone);
        Ok(())
    });
    for (name, cell, floor) in [
        ("conflicts", &conflicted, 300),
        ("both changed", &both_changed, 700),
        ("masked fields", &masked, 300),
        ("values cut or dropped", &cut, 500),
        ("edits that the phone cannot see", &unseen, 10),
        ("labels in groups", &labelled, 200),
        ("mixed versions", &mixed_versions, 500),
        ("re-encoded only", &re_encoded, 50),
    ] {
        println!("{name}: {}", cell.get());
        assert!(cell.get() >= floor, "the generator reached {name} {} times only", cell.get());
    }
}

#[test]
fn an_unchanged_side_takes_the_others_state_and_equal_changes_are_absorbed() {
    let moved = Cell::new(0);
    check(500, |scene| {
        let (all, everything) = (FieldMask::all(), Projection::default());
        let base = Baseline { pc: scene.base_cards.pc.clone(), phone: scene.base_cards.pc.clone() };
        let run = |pc: &Card, phone: &Card| {
            merge(&MergeInput { base: Some(&base), pc, phone, projection: &everything, ..scene.input() })
        };
        let (b, x) = (&base.pc, &scene.pc_card);
        for (pc, phone) in [(b, x), (x, b), (x, x)] {
            let merged = run(pc, phone);
            prop_assert_eq!(&merged.conflicts, &vec![]);
            prop_assert_eq!(merged.pc.fingerprint(&all), x.fingerprint(&all));
            prop_assert_eq!(merged.phone.fingerprint(&all), x.fingerprint(&all));
            prop_assert!(pc != x || merged.pc == *x, "the side that has it already keeps its bytes");
            prop_assert!(phone != x || merged.phone == *x);
        }
        count(&moved, b.fingerprint(&all) != x.fingerprint(&all));
        Ok(())
    });
    assert!(moved.get() > 300, "{}", moved.get());
}

#[test]
fn merging_the_result_again_does_nothing() {
    let held = Cell::new(0);
    check(700, |scene| {
        for policy in [scene.policy, ConflictPolicy::Both] {
            let merged = merge(&MergeInput { policy, ..scene.input() });
            let again = merge(&MergeInput {
                base: Some(&merged.baseline),
                pc: &merged.pc,
                phone: &merged.phone,
                policy,
                ..scene.input()
            });
            prop_assert_eq!(&again.pc, &merged.pc);
            prop_assert_eq!(&again.phone, &merged.phone);
            prop_assert_eq!(&again.baseline, &merged.baseline);
            let open = |merged: &Merged| {
                merged.conflicts.iter().filter(|conflict| conflict.kept == Kept::Held).count()
            };
            prop_assert_eq!(open(&again), open(&merged));
            prop_assert_eq!(again.conflicts.len(), open(&again));
            count(&held, open(&merged) > 0);
        }
        Ok(())
    });
    assert!(held.get() > 150, "{}", held.get());
}

#[test]
fn without_a_conflict_the_sides_agree_as_the_phone_can_hold_it() {
    let clean = Cell::new(0);
    check(700, |scene| {
        let merged = merge(&scene.input());
        if merged.conflicts.is_empty() {
            prop_assert_eq!(
                scene.projection.fingerprint(&merged.pc),
                scene.projection.fingerprint(&merged.phone)
            );
            prop_assert_eq!(
                &merged.baseline,
                &Baseline { pc: merged.pc.clone(), phone: merged.phone.clone() }
            );
            count(&clean, merged.pc != scene.pc_card && merged.phone != scene.phone_card);
        }
        prop_assert_eq!(merged.to_pc.is_empty(), merged.pc == scene.pc_card);
        prop_assert_eq!(merged.to_phone.is_empty(), merged.phone == scene.phone_card);
        Ok(())
    });
    assert!(clean.get() > 100, "{}", clean.get());
}

#[test]
fn swapping_the_sides_swaps_the_result() {
    check(500, |scene| {
        let (all, everything) = (FieldMask::all(), Projection::default());
        let swapped = Baseline { pc: scene.base_cards.phone.clone(), phone: scene.base_cards.pc.clone() };
        let there = merge(&MergeInput { projection: &everything, ..scene.input() });
        let policy = match scene.policy {
            ConflictPolicy::Pc => ConflictPolicy::Phone,
            ConflictPolicy::Phone => ConflictPolicy::Pc,
            other => other,
        };
        let back = merge(&MergeInput {
            base: Some(&swapped),
            pc: &scene.phone_card,
            phone: &scene.pc_card,
            projection: &everything,
            policy,
            newest: None,
        });
        prop_assert_eq!(there.pc.fingerprint(&all), back.phone.fingerprint(&all));
        prop_assert_eq!(there.phone.fingerprint(&all), back.pc.fingerprint(&all));
        prop_assert_eq!(there.baseline.pc.fingerprint(&all), back.baseline.phone.fingerprint(&all));
        prop_assert_eq!(there.conflicts.len(), back.conflicts.len());
        Ok(())
    });
}

#[test]
fn untouched_lines_keep_their_bytes_and_nothing_is_invented() {
    let kept = Cell::new(0);
    check(700, |scene| {
        if scene.has_new_addresses_on_both() {
            return Ok(());
        }
        let merged = merge(&scene.input());
        for (before, after) in [(&scene.pc_card, &merged.pc), (&scene.phone_card, &merged.phone)] {
            let ((old, old_raw), (new, new_raw)) = (read(before), read(after));
            for (thing, raw) in &old_raw {
                if old.get(thing) == new.get(thing) {
                    prop_assert_eq!(new_raw.get(thing), Some(raw), "{}", thing);
                    count(&kept, before != after);
                }
            }
            for (thing, attributes) in &new {
                for (name, value) in attributes {
                    let seen = projected(&scene.pc, &scene.projection);
                    let sources = [&scene.base, &scene.pc, &scene.phone, &seen];
                    let is_known = sources
                        .iter()
                        .any(|model| model.get(thing).and_then(|thing| thing.get(name)) == Some(value));
                    prop_assert!(is_known, "{} {}", thing, name);
                }
            }
        }
        Ok(())
    });
    assert!(kept.get() > 2000, "{}", kept.get());
}

#[test]
fn a_first_meeting_removes_nothing() {
    let united = Cell::new(0);
    check(500, |scene| {
        let merged = merge(&MergeInput { base: None, policy: ConflictPolicy::Hold, ..scene.input() });
        for (before, after) in [(&scene.pc_card, &merged.pc), (&scene.phone_card, &merged.phone)] {
            for change in diff(before, after, &FieldMask::all()) {
                prop_assert!(change.before.is_none(), "{} was {:?}", change.field, change.before);
            }
        }
        count(&united, merged.pc != scene.pc_card && merged.phone != scene.phone_card);
        Ok(())
    });
    assert!(united.get() > 200, "{}", united.get());
}

#[test]
fn a_field_outside_the_mask_is_neither_read_from_the_phone_nor_written_to_it() {
    let hidden = Cell::new(0);
    check(500, |scene| {
        let merged = merge(&scene.input());
        let outside = |model: Model| -> Model {
            model
                .into_iter()
                .filter(|(thing, _)| !scene.projection.holds_property(thing.split('/').next().unwrap()))
                .collect()
        };
        if scene.has_new_addresses_on_both() {
            return Ok(());
        }
        prop_assert_eq!(outside(read(&merged.pc).0), outside(scene.pc.clone()));
        prop_assert_eq!(outside(read(&merged.phone).0), Model::new());
        count(&hidden, !outside(scene.pc.clone()).is_empty());
        Ok(())
    });
    assert!(hidden.get() > 100, "{}", hidden.get());
}

#[test]
fn a_read_back_in_another_dress_is_no_edit() {
    let held = Cell::new(0);
    check(500, |scene| {
        let merged = merge(&scene.input());
        if scene.has_new_addresses_on_both() {
            return Ok(());
        }
        let (model, _) = read(&merged.phone);
        let read_back = Style { version: merged.phone.version(), habit: 2 }.card(&model);
        let baseline = merged.baseline_after_read_back(&read_back);
        let next =
            merge(&MergeInput { base: Some(&baseline), pc: &merged.pc, phone: &read_back, ..scene.input() });
        prop_assert_eq!(&next.pc, &merged.pc);
        prop_assert_eq!(&next.phone, &read_back);
        let open =
            |merged: &Merged| merged.conflicts.iter().filter(|conflict| conflict.kept == Kept::Held).count();
        prop_assert_eq!(open(&next), open(&merged));
        count(&held, open(&merged) > 0);
        Ok(())
    });
    assert!(held.get() > 50, "{}", held.get());
}
