//! Laws of answers to conflicts over generated cards: an answer and then a merge comes to what a merge with that policy
//! comes to at once.

use std::cell::Cell;

use proptest::prelude::*;

use super::super::{Answer, FieldMask, KeepBoth, open_fields, resolve};
use super::laws::{check, count};
use super::*;

fn answer_of(policy: ConflictPolicy) -> Answer {
    match policy {
        ConflictPolicy::Phone => Answer::Phone,
        ConflictPolicy::Pc => Answer::Pc,
        _ => Answer::Both,
    }
}

#[test]
fn an_answer_and_then_a_merge_comes_to_what_the_policy_comes_to() {
    let counts = [const { Cell::new(0) }; 3];
    check(1000, |scene| {
        let held = merge(&MergeInput { policy: ConflictPolicy::Hold, ..scene.input() });
        if held.conflicts.is_empty() {
            return Ok(());
        }
        let apart = MergeInput {
            base: Some(&held.baseline),
            pc: &held.pc,
            phone: &held.phone,
            policy: ConflictPolicy::Hold,
            ..scene.input()
        };
        let fields = open_fields(&apart);
        prop_assert_eq!(fields.len(), held.conflicts.len());
        let policies = [ConflictPolicy::Phone, ConflictPolicy::Pc, ConflictPolicy::Both];
        for (policy, counted) in policies.into_iter().zip(&counts) {
            let wanted = merge(&MergeInput { policy, ..apart });
            let decides = |field: &super::super::OpenField| {
                policy != ConflictPolicy::Both || field.both == KeepBoth::Beside
            };
            let answers: Vec<_> =
                fields.iter().map(|field| decides(field).then(|| answer_of(policy))).collect();
            let resolved = resolve(&apart, &answers).unwrap();
            let now = merge(&MergeInput { base: Some(&resolved.baseline), pc: &resolved.pc, ..apart });
            let all = FieldMask::all();
            prop_assert_eq!(
                now.pc.fingerprint(&all),
                wanted.pc.fingerprint(&all),
                "{:?} PC\n{}\n{}",
                policy,
                String::from_utf8_lossy(now.pc.as_bytes()),
                String::from_utf8_lossy(wanted.pc.as_bytes())
            );
            prop_assert_eq!(
                now.phone.fingerprint(&all),
                wanted.phone.fingerprint(&all),
                "{:?} phone\n{}\n{}",
                policy,
                String::from_utf8_lossy(now.phone.as_bytes()),
                String::from_utf8_lossy(wanted.phone.as_bytes())
            );
            let open = |merged: &Merged| {
                merged.conflicts.iter().filter(|conflict| conflict.kept == Kept::Held).count()
            };
            prop_assert_eq!(open(&now), open(&wanted));
            count(counted, answers.iter().any(Option::is_some));
        }
        Ok(())
    });
    assert!(counts.iter().all(|counted| counted.get() > 80), "{counts:?}");
}

#[test]
fn what_has_no_answer_stays_open_and_everything_else_stays_as_it_is() {
    let counted = Cell::new(0);
    check(1000, |scene| {
        let held = merge(&MergeInput { policy: ConflictPolicy::Hold, ..scene.input() });
        let apart = MergeInput {
            base: Some(&held.baseline),
            pc: &held.pc,
            phone: &held.phone,
            policy: ConflictPolicy::Hold,
            ..scene.input()
        };
        let fields = open_fields(&apart);
        let none = resolve(&apart, &vec![None; fields.len()]).unwrap();
        prop_assert_eq!((&none.pc, &none.baseline), (&held.pc, &held.baseline));
        let answers: Vec<_> = (0..fields.len()).map(|index| (index % 2 == 0).then_some(Answer::Pc)).collect();
        let resolved = resolve(&apart, &answers).unwrap();
        prop_assert_eq!(&resolved.pc, &held.pc);
        let again = MergeInput { base: Some(&resolved.baseline), ..apart };
        let left: Vec<_> = open_fields(&again).into_iter().map(|field| field.conflict).collect();
        let wanted: Vec<_> = fields.into_iter().skip(1).step_by(2).map(|field| field.conflict).collect();
        // A value on which the sides never agreed is answered as a whole.
        prop_assert!(left.iter().all(|conflict| wanted.contains(conflict)), "{:?} {:?}", left, wanted);
        count(&counted, !wanted.is_empty() && left.len() == wanted.len());
        Ok(())
    });
    assert!(counted.get() > 40, "{counted:?}");
}
