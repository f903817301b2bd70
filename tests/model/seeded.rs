//! The checker must be able to fail: each seeded bug is found, and by the law that it breaks. The engine's known limits are
//! found as well where a scope does not excuse them; a test that fails here because a limit is gone is good news, and the
//! scope can then be among those that must hold.

use stateright::{Checker, HasDiscoveries, Model};

use crate::mutants::Bug;
use crate::scopes::{NO_RENAMING, one_contact, threads};
use crate::session::Habits;
use crate::trace::trace;
use crate::world::{Scope, Start, World};

/// One contact and nothing that goes wrong.
fn calm() -> Scope {
    Scope { cuts: 0, dies: false, unplugs: false, shorts: false, ..one_contact() }
}

fn with_bug(bug: Bug, scope: Scope) -> Scope {
    Scope { name: "seeded bug", habits: Habits { bug, ..scope.habits }, ..scope }
}

/// The checker finds a way to break that law.
fn finds(law: &'static str, scope: Scope) {
    let bug = scope.habits.bug;
    let name = scope.name;
    let checker = World::new(scope)
        .checker()
        .finish_when(HasDiscoveries::AllOf([law].into()))
        .threads(threads())
        .spawn_bfs()
        .join();
    let Some(path) = checker.discovery(law) else { panic!("{name} {bug:?}: nothing breaks {law:?}") };
    println!("{name} {bug:?}: {law:?} after {} states", checker.unique_state_count());
    println!("{}", trace(checker.model(), path));
}

#[test]
fn a_short_listing_taken_for_whole_deletes_without_proof() {
    let scope = Scope { edits: [0, 0], cuts: 1, shorts: true, ..calm() };
    finds("I16 no deletion without proof", with_bug(Bug::ShortIsWhole, scope));
}

#[test]
fn a_watermark_before_the_write_is_ahead() {
    let scope = Scope { edits: [0, 1], cuts: 1, dies: true, ..calm() };
    finds("I11 the watermark is not ahead", with_bug(Bug::SeenBeforeWritten, scope));
}

#[test]
fn a_watermark_committed_alone_is_ahead() {
    let scope = Scope { edits: [1, 0], cuts: 1, dies: true, ..calm() };
    finds("I11 the watermark is not ahead", with_bug(Bug::TwoCommits, scope));
    finds("I3 nothing is lost", with_bug(Bug::TwoCommits, scope));
}

#[test]
fn a_restored_phone_taken_for_the_left_one_deletes_from_the_past() {
    let scope = Scope { start: Start::Nothing, edits: [0, 1], swaps: 1, ..calm() };
    finds("I14 no deletion from the past", with_bug(Bug::RestoredIsAsLeft, scope));
}

#[test]
fn a_watermark_that_shrinks_is_seen() {
    let scope = Scope { edits: [0, 1], ..calm() };
    finds("I14 nothing is forgotten", with_bug(Bug::ShrinkingWatermark, scope));
}

#[test]
fn a_journal_that_forgets_loses_what_is_nowhere_else() {
    let scope = Scope { habits: NO_RENAMING, cuts: 1, dies: true, ..calm() };
    finds("I3 nothing is lost", with_bug(Bug::ForgetfulJournal, scope));
}

#[test]
fn deletions_that_are_told_as_losses_come_back() {
    finds("I4 nothing comes back", with_bug(Bug::AlwaysRestored, Scope { edits: [1, 0], ..calm() }));
}

#[test]
fn a_watermark_that_is_not_kept_brings_back_what_was_deleted() {
    let scope = Scope { start: Start::Nothing, ..calm() };
    finds("I4 nothing comes back", with_bug(Bug::ForgetfulWatermark, scope));
}

#[test]
fn a_change_that_is_not_told_never_arrives() {
    let scope = Scope { people: 2, edits: [0, 2], ..calm() };
    finds("I1 converged after two sessions", with_bug(Bug::OneChangeTold, scope));
    finds("I1 converges", with_bug(Bug::OneChangeTold, scope));
}

/// Deleted and made again with its UID on the PC while it was edited on the phone: the edit restores the old one beside the
/// new one.
#[test]
fn known_limit_a_contact_made_again_while_it_was_edited_is_doubled() {
    let scope = Scope { name: "known limit", remakes: true, edits: [1, 2], ..calm() };
    finds("I13 nothing is doubled", scope);
}
