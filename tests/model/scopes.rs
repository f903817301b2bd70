//! The scopes that are looked at, and how far.

use std::time::Instant;

use stateright::{Checker, Model};

use crate::mutants::Bug;
use crate::session::Habits;
use crate::trace::trace;
use crate::world::{Scope, Start, World};

pub const HABITS: Habits = Habits { has_dates: false, can_rename: true, bug: Bug::None, is_doubted: false };

/// One contact, edits on both sides, one session cut anywhere.
pub fn one_contact() -> Scope {
    Scope {
        name: "one contact",
        people: 1,
        start: Start::Synced,
        edits: [1, 1],
        cuts: 1,
        dies: true,
        unplugs: true,
        shorts: true,
        swaps: 0,
        habits: HABITS,
        remakes: false,
        is_strict: false,
    }
}

pub fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(4)
}

/// Looks at the whole scope; prints what was met, and the way to whatever must not be.
fn check(scope: Scope, states_min: usize) {
    let name = scope.name;
    let began = Instant::now();
    let world = World::new(scope);
    let sessions = std::sync::Arc::clone(&world.sessions);
    let checker = world.checker().threads(threads()).spawn_bfs().join();
    println!(
        "{name}: {} unique states of {}, {} steps deep, {} sessions run, {:.1} s",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        sessions.count(),
        began.elapsed().as_secs_f32()
    );
    let mut failed = Vec::new();
    for (name, path) in checker.discoveries() {
        let is_failure = checker.discovery_classification(name).to_string() == "counterexample";
        println!(
            "  {} {name}: {} steps",
            if is_failure { "BROKEN" } else { "met" },
            path.clone().into_actions().len()
        );
        if is_failure {
            println!("{}", trace(checker.model(), path));
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{name}: broken: {failed:?}");
    checker.assert_properties();
    assert!(checker.unique_state_count() >= states_min, "the scope has shrunk");
}

pub const NO_RENAMING: Habits = Habits { can_rename: false, ..HABITS };
const DATED: Habits = Habits { has_dates: true, ..HABITS };

#[test]
fn one_contact_and_a_cut_session() {
    check(one_contact(), 1_900);
}

#[test]
fn one_contact_and_two_dead_processes() {
    check(
        Scope {
            name: "one contact, two dead processes",
            cuts: 2,
            unplugs: false,
            shorts: false,
            ..one_contact()
        },
        3_800,
    );
}

#[test]
fn a_first_meeting() {
    let scope = Scope {
        name: "first meeting",
        start: Start::Nothing,
        edits: [2, 1],
        unplugs: false,
        ..one_contact()
    };
    check(scope, 4_000);
}

#[test]
fn a_phone_that_is_put_back_or_another() {
    check(Scope { name: "swapped phone", swaps: 1, unplugs: false, shorts: false, ..one_contact() }, 22_000);
}

#[test]
fn two_contacts() {
    check(Scope { name: "two contacts", people: 2, unplugs: false, ..one_contact() }, 6_500);
}

#[test]
fn a_phone_that_cannot_rename() {
    check(Scope { name: "no renaming", habits: NO_RENAMING, ..one_contact() }, 2_100);
}

#[test]
fn a_phone_with_dates() {
    check(Scope { name: "dates", habits: DATED, shorts: false, ..one_contact() }, 2_200);
}

/// What a cut session had written to the phone is no edit there that beats a deletion on the PC.
#[test]
fn deletions_after_a_cut_session() {
    check(
        Scope {
            name: "deletions after a cut",
            is_strict: true,
            edits: [0, 3],
            unplugs: false,
            shorts: false,
            ..one_contact()
        },
        4_500,
    );
}

/// A phone that is put back to before a session which took something over from it is seen to be.
#[test]
fn a_phone_put_back_after_it_was_read() {
    check(
        Scope {
            name: "put back after reading",
            edits: [2, 1],
            swaps: 1,
            cuts: 0,
            dies: false,
            unplugs: false,
            shorts: false,
            ..one_contact()
        },
        4_000,
    );
}

/// That one state stands for many is no more than a claim unless it is tried.
#[test]
fn sessions_cannot_tell_what_counts_as_one_state() {
    let habits = Habits { has_dates: true, is_doubted: true, ..HABITS };
    check(Scope { name: "doubted", habits, unplugs: false, ..one_contact() }, 1_000);
    let habits = Habits { is_doubted: true, ..HABITS };
    check(
        Scope { name: "doubted, swapped", habits, swaps: 1, edits: [0, 1], unplugs: false, ..one_contact() },
        1_000,
    );
}

#[test]
#[ignore = "minutes"]
fn large_two_edits_on_each_side() {
    check(Scope { name: "large: two edits each", edits: [2, 2], ..one_contact() }, 10_000);
}

#[test]
#[ignore = "minutes"]
fn large_first_meeting() {
    check(
        Scope { name: "large: first meeting", start: Start::Nothing, edits: [2, 2], ..one_contact() },
        40_000,
    );
}

#[test]
#[ignore = "minutes"]
fn large_swapped() {
    check(Scope { name: "large: swapped phone", swaps: 1, ..one_contact() }, 20_000);
}

#[test]
#[ignore = "minutes"]
fn large_two_cuts() {
    check(Scope { name: "large: two cuts", cuts: 2, ..one_contact() }, 6_000);
}

#[test]
#[ignore = "minutes"]
fn large_no_renaming_and_dates() {
    let habits = Habits { has_dates: true, ..NO_RENAMING };
    check(Scope { name: "large: no renaming, dates", habits, edits: [2, 1], ..one_contact() }, 15_000);
}
