//! The scopes that are looked at, and how far.

use std::time::Instant;

use stateright::{Checker, Model};

use crate::mutants::Bug;
use crate::session::Habits;
use crate::trace::trace;
use crate::world::{Scope, Start, World};

const HABITS: Habits = Habits { has_dates: false, can_rename: true, bug: Bug::None };

/// One contact, edits on both sides, one session cut anywhere.
fn one_contact() -> Scope {
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

fn threads() -> usize {
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
        println!("  {} {name}: {} steps", if is_failure { "BROKEN" } else { "met" }, path.clone().into_actions().len());
        if is_failure {
            println!("{}", trace(checker.model(), path));
            failed.push(name);
        }
    }
    assert!(failed.is_empty(), "{name}: broken: {failed:?}");
    checker.assert_properties();
    assert!(checker.unique_state_count() >= states_min, "the scope has shrunk");
}

#[test]
fn one_contact_is_safe() {
    check(one_contact(), 2_000);
}

#[test]
fn two_edits_each() {
    check(Scope { name: "two edits each", edits: [2, 2], ..one_contact() }, 10_000);
}

#[test]
fn swapped() {
    check(Scope { name: "swapped phone", edits: [1, 1], swaps: 1, ..one_contact() }, 1_000);
}

#[test]
fn first_meeting() {
    check(Scope { name: "first meeting", start: Start::Nothing, edits: [2, 2], ..one_contact() }, 1_000);
}

#[test]
fn two_contacts() {
    check(Scope { name: "two contacts", people: 2, edits: [1, 1], ..one_contact() }, 1_000);
}

#[test]
fn no_rename() {
    let habits = Habits { can_rename: false, ..HABITS };
    check(Scope { name: "no renaming", habits, edits: [2, 1], ..one_contact() }, 1_000);
}

#[test]
fn dated() {
    let habits = Habits { has_dates: true, ..HABITS };
    check(Scope { name: "dates", habits, edits: [1, 2], ..one_contact() }, 1_000);
}

#[test]
fn cut_twice() {
    check(Scope { name: "cut twice", cuts: 2, ..one_contact() }, 1_000);
}
