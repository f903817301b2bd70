//! The guards: what stops a whole plan before anything is written.

use crate::provider::Completeness;
use crate::relationship::{Relationship, Side};

use super::action::{Plan, incomplete_words};
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

/// The first guard that stops `plan`, if any. `deletes_allowed` is the person's word that deletions are meant.
#[must_use]
pub(super) fn stop(
    plan: &Plan,
    seen: &Observations,
    relationship: &Relationship,
    deletes_allowed: bool,
) -> Option<Stop> {
    let sides = [(Side::Phone, &seen.phone), (Side::Pc, &seen.pc)];
    for (side, facts) in sides {
        if let Some(why) = incomplete_words(&facts.completeness) {
            return Some(Stop::IncompleteSource { side, why: String::from(why) });
        }
    }
    if deletes_allowed {
        return None;
    }
    for (side, facts) in sides {
        if is_emptied(facts, seen.links) && plan.deletes(side.other()) > 0 {
            return Some(Stop::EmptySource { side, links: seen.links });
        }
    }
    for (side, facts) in sides {
        let deletes = plan.deletes(side);
        let allowed = relationship.guards.deletes_allowed(facts.items);
        if deletes > allowed {
            return Some(Stop::TooManyDeletes { side, deletes, items: facts.items, allowed });
        }
    }
    None
}

fn is_emptied(facts: &SideFacts, links: usize) -> bool {
    facts.items == 0 && links > 0 && facts.completeness == Completeness::Complete
}
