//! The guards: what stops a whole plan before anything is written, and what a person's answer makes of it.
//!
//! A plan that deletes or overwrites unusually much is stopped until a person answers: proceed, put back, or leave. No
//! answer is ever made up here, and a configuration holds none.

use crate::provider::Completeness;
use crate::relationship::{Relationship, Side};

use super::action::{Action, Plan, Reason, WriteStep, incomplete_words};
use super::observation::{Observations, SideFacts};

/// Why a plan may not be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// It would delete more on this side than the limit allows.
    TooManyDeletes {
        /// The side that would lose contacts.
        side: Side,
        /// How many it would lose.
        deletes: usize,
        /// How many it holds.
        items: usize,
        /// How many may be deleted without being asked for.
        allowed: usize,
    },
    /// It would overwrite more contacts on this side than the limit allows.
    TooManyEdits {
        /// The side whose contacts would be overwritten.
        side: Side,
        /// How many would be.
        edits: usize,
        /// How many it holds.
        items: usize,
        /// How many may be overwritten without being asked for.
        allowed: usize,
    },
    /// This side is empty although it held contacts.
    EmptySource {
        /// The side that is empty.
        side: Side,
        /// How many pairs were linked.
        links: usize,
    },
    /// This side's listing was cut short or cannot be trusted.
    IncompleteSource {
        /// The side.
        side: Side,
        /// Why.
        why: String,
    },
}

impl Stop {
    /// Its kind, as JSON and the journal name it.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::TooManyDeletes { .. } => "too-many-deletes",
            Self::TooManyEdits { .. } => "too-many-edits",
            Self::EmptySource { .. } => "empty-source",
            Self::IncompleteSource { .. } => "incomplete-source",
        }
    }

    /// The side whose contacts would be deleted or overwritten; `None` if nothing can be planned at all.
    #[must_use]
    pub fn losing(&self) -> Option<Side> {
        match self {
            Self::TooManyDeletes { side, .. } | Self::TooManyEdits { side, .. } => Some(*side),
            Self::EmptySource { side, .. } => Some(side.other()),
            Self::IncompleteSource { .. } => None,
        }
    }

    /// Whether `action` is a part of what tripped.
    #[must_use]
    pub fn concerns(&self, action: &Action) -> bool {
        let Some(losing) = self.losing() else { return false };
        match self {
            Self::TooManyEdits { .. } => overwrites(action, losing),
            _ => deletes(action, losing),
        }
    }
}

/// What a person answers to a guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum GuardAnswer {
    /// Nothing yet: the guard stops the plan.
    #[default]
    Ask,
    /// It is meant: proceed.
    Proceed,
    /// Undo it: what was deleted comes back where it was deleted, and a mass edit is taken back where it was made.
    PutBack,
    /// Leave it as it is: the rest is synced, and what tripped is told again in the next session.
    Leave,
}

impl GuardAnswer {
    /// The answers that there are, in the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Proceed, Self::PutBack, Self::Leave];

    /// The word in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Ask => "ask",
            Self::Proceed => "proceed",
            Self::PutBack => "put-back",
            Self::Leave => "leave",
        }
    }
}

/// A person's answers by kind of guard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct GuardAnswers {
    /// To many deletions, and to a side that is empty. With [`GuardAnswer::PutBack`] every deletion is undone, whether
    /// or not the limit was reached.
    pub deletes: GuardAnswer,
    /// To many edits.
    pub edits: GuardAnswer,
}

impl GuardAnswers {
    /// The answers of somebody who means every deletion or was not asked.
    #[must_use]
    pub fn deletes_meant(are_meant: bool) -> Self {
        let deletes = if are_meant { GuardAnswer::Proceed } else { GuardAnswer::Ask };
        Self { deletes, edits: GuardAnswer::Ask }
    }

    /// The same answer to all of them.
    #[must_use]
    pub fn to_all(answer: GuardAnswer) -> Self {
        Self { deletes: answer, edits: answer }
    }

    /// The same where something is done as a whole or not at all.
    pub(super) fn only_proceeding(self) -> Self {
        let or_ask = |answer| if answer == GuardAnswer::Proceed { answer } else { GuardAnswer::Ask };
        Self { deletes: or_ask(self.deletes), edits: or_ask(self.edits) }
    }

    fn to(self, stop: &Stop) -> GuardAnswer {
        match stop {
            Stop::TooManyDeletes { .. } | Stop::EmptySource { .. } => self.deletes,
            Stop::TooManyEdits { .. } => self.edits,
            Stop::IncompleteSource { .. } => GuardAnswer::Ask,
        }
    }
}

/// What of the other side's changes a plan takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct TakingBack {
    /// Deletions on either side.
    pub deletes: bool,
    /// Edits on the phone.
    pub phone_edits: bool,
    /// Edits on the PC.
    pub pc_edits: bool,
}

impl TakingBack {
    /// Whether the edits made on `side` are taken back.
    pub(super) fn edits(self, side: Side) -> bool {
        match side {
            Side::Phone => self.phone_edits,
            Side::Pc => self.pc_edits,
        }
    }
}

/// The sides whose edits a person wants taken back, now that it is seen that they are too many.
pub(super) fn edits_to_take_back(
    plan: &Plan,
    seen: &Observations,
    relationship: &Relationship,
) -> Option<TakingBack> {
    let is_mass_edit_of = |side: Side| {
        let tripped = too_many_edits(plan, facts(seen, side.other()), relationship, side.other());
        tripped.is_some() && relationship.writes_to(side)
    };
    let (phone_edits, pc_edits) = (is_mass_edit_of(Side::Phone), is_mass_edit_of(Side::Pc));
    (phone_edits || pc_edits).then_some(TakingBack { deletes: false, phone_edits, pc_edits })
}

/// Carries out the answers: leaves alone what is to be left, and sets the plan's stop if something has no answer.
pub(super) fn settle(
    plan: &mut Plan,
    seen: &Observations,
    relationship: &Relationship,
    answers: GuardAnswers,
) {
    for side in [Side::Phone, Side::Pc] {
        if let Some(why) = incomplete_words(&facts(seen, side).completeness) {
            plan.stop = Some(Stop::IncompleteSource { side, why: String::from(why) });
            return;
        }
    }
    for stop in tripped(plan, seen, relationship, answers) {
        match answers.to(&stop) {
            GuardAnswer::Proceed => {}
            GuardAnswer::Leave => leave(plan, &stop),
            // What is still here cannot be put back.
            GuardAnswer::Ask | GuardAnswer::PutBack => {
                plan.answers = possible_answers(&stop, relationship);
                plan.stop = Some(stop);
                return;
            }
        }
    }
}

/// What can be answered: nothing is put back on a side that the relationship never writes to.
fn possible_answers(stop: &Stop, relationship: &Relationship) -> Vec<GuardAnswer> {
    let can_put_back = stop.losing().is_some_and(|losing| relationship.writes_to(losing.other()));
    GuardAnswer::ALL.into_iter().filter(|answer| *answer != GuardAnswer::PutBack || can_put_back).collect()
}

fn tripped(
    plan: &Plan,
    seen: &Observations,
    relationship: &Relationship,
    answers: GuardAnswers,
) -> Vec<Stop> {
    let sides = [Side::Phone, Side::Pc];
    let mut stops = Vec::new();
    for side in sides {
        if is_emptied(facts(seen, side), seen.links) && plan.deletes(side.other()) > 0 {
            stops.push(Stop::EmptySource { side, links: seen.links });
        }
    }
    for side in sides {
        let (deletes, items) = (plan.deletes(side), facts(seen, side).items);
        // Whoever wants all of them back is not to lose the few that cannot be.
        let wants_back = answers.deletes == GuardAnswer::PutBack;
        let allowed = if wants_back { 0 } else { relationship.guards.of(side).deletes_allowed(items) };
        let is_told = stops.iter().any(|stop| stop.losing() == Some(side));
        if deletes > allowed && !is_told {
            stops.push(Stop::TooManyDeletes { side, deletes, items, allowed });
        }
    }
    stops.extend(
        sides.into_iter().filter_map(|side| too_many_edits(plan, facts(seen, side), relationship, side)),
    );
    stops
}

fn too_many_edits(plan: &Plan, facts: &SideFacts, relationship: &Relationship, side: Side) -> Option<Stop> {
    let edits = plan.actions.iter().filter(|action| overwrites(action, side)).count();
    let allowed = relationship.guards.of(side).edits_allowed(facts.items);
    (edits > allowed).then_some(Stop::TooManyEdits { side, edits, items: facts.items, allowed })
}

/// Takes what tripped out of the plan. Its changes are kept back, so that the next session tells them again.
fn leave(plan: &mut Plan, stop: &Stop) {
    let Some(losing) = stop.losing() else { return };
    // A side that is suddenly empty may be another place altogether: nothing is written there either.
    let is_empty = matches!(stop, Stop::EmptySource { .. });
    let (left, kept): (Vec<Action>, Vec<Action>) = std::mem::take(&mut plan.actions)
        .into_iter()
        .partition(|action| stop.concerns(action) || (is_empty && action.step(losing.other()).is_some()));
    plan.actions = kept;
    for action in &left {
        plan.kept.extend(action.pc_item.map(|item| (Side::Pc, item)));
        plan.kept.extend(action.phone_item.map(|item| (Side::Phone, item)));
    }
    let (contacts, are) = if left.len() == 1 { ("contact", "is") } else { ("contacts", "are") };
    plan.notes.push(format!(
        "{} {contacts} {are} left as they are on both sides, as asked; the next session asks again.",
        left.len()
    ));
}

fn facts(seen: &Observations, side: Side) -> &SideFacts {
    match side {
        Side::Phone => &seen.phone,
        Side::Pc => &seen.pc,
    }
}

fn is_emptied(facts: &SideFacts, links: usize) -> bool {
    facts.items == 0 && links > 0 && facts.completeness == Completeness::Complete
}

fn deletes(action: &Action, side: Side) -> bool {
    matches!(action.direct_step(side), Some(WriteStep::Delete { .. }))
}

/// Whether the action overwrites a contact on `side` because of an edit. What is merged at a first meeting, and what is
/// taken back because a person asked for that, is no such thing.
fn overwrites(action: &Action, side: Side) -> bool {
    let is_edit = |reason: &Reason| match reason {
        Reason::EditedOn(edited) => *edited != side,
        Reason::EditedOnBoth => true,
        Reason::EditNotTaken(reverted) => *reverted == side,
        _ => false,
    };
    matches!(action.direct_step(side), Some(WriteStep::Replace { .. })) && action.reasons.iter().any(is_edit)
}
