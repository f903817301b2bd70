//! The merge of one contact's two cards, field by field, against the baseline: what both were when they agreed.
//!
//! Both cards are read into values ([`super::decoded`]), the values of all four cards are brought together into
//! rows, every row is decided, and the decisions are carried into the two cards line by line. All comparing is done
//! as the phone can hold the values ([`Projection`]). This file must not know how a value is compared or written.
//!
//! Laws, each a test: an unchanged side takes the other's state; equal changes are absorbed; a merge of its own
//! result does nothing; swapping the sides swaps the result; a card that takes nothing keeps its bytes.

use std::fmt;

use super::align::repeated_singles;
use super::card::Card;
use super::decoded::DecodedCard;
use super::difference::{FieldChange, diff_decoded};
use super::field::FieldMask;
use super::merge_fields::{Decisions, Judge};
use super::merge_names::with_shown_name;
use super::merge_rows::{Sides, rows};
use super::projection::Projection;

/// The two sides of a pair when they last agreed, each as that side held it: a phone may write a value in its own
/// way, or drop what it cannot hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Baseline {
    /// The PC's card.
    pub pc: Card,
    /// The phone's card.
    pub phone: Card,
}

/// What becomes of a field that both sides changed differently.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum ConflictPolicy {
    /// Each side keeps its own, and the clash is reported until somebody decides.
    #[default]
    Hold,
    /// The phone's state goes to the PC.
    Phone,
    /// The PC's state goes to the phone.
    Pc,
    /// The state of the side that changed last, if that is known; else as `Hold`.
    Newest,
    /// Both sides get both, where a card can say both: NOTE, TITLE, ROLE, ORG, and addresses. A value that one
    /// side removed and the other changed is kept. What can be said only once (name, birthday, photo, the kind of
    /// one number) is held, because a losing birthday in a note would be text that nobody wrote.
    Both,
}

impl ConflictPolicy {
    /// All policies, in the order in which help lists them.
    pub const ALL: [Self; 5] = [Self::Hold, Self::Phone, Self::Pc, Self::Newest, Self::Both];

    /// The name in the configuration, in the database and on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Hold => "hold",
            Self::Phone => "phone",
            Self::Pc => "pc",
            Self::Newest => "newest",
            Self::Both => "both",
        }
    }

    /// The policy of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.name() == name)
    }
}

/// Which side changed last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Newer {
    /// The PC.
    Pc,
    /// The phone.
    Phone,
}

/// What was done about a clash.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kept {
    /// Nothing; each side keeps its own.
    Held,
    /// The phone's state is on both sides now.
    Phone,
    /// The PC's state is on both sides now.
    Pc,
    /// Both states are on both sides now.
    Both,
}

/// A field that both sides changed differently. `Debug` shows no content.
#[derive(Clone, PartialEq, Eq)]
pub struct FieldConflict {
    /// The field in words.
    pub field: String,
    /// What it was when the sides agreed, for people; `None` where it was not.
    pub base: Option<String>,
    /// What the PC says.
    pub pc: Option<String>,
    /// What the phone says.
    pub phone: Option<String>,
    /// What was done about it.
    pub kept: Kept,
}

impl fmt::Debug for FieldConflict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FieldConflict")
            .field("base", &self.base.is_some())
            .field("pc", &self.pc.is_some())
            .field("phone", &self.phone.is_some())
            .field("kept", &self.kept)
            .finish_non_exhaustive()
    }
}

/// All that a merge depends on.
#[derive(Clone, Copy, Debug)]
pub struct MergeInput<'a> {
    /// When they last agreed; `None` at their first meeting, where nothing counts as removed.
    pub base: Option<&'a Baseline>,
    /// The PC's card now.
    pub pc: &'a Card,
    /// The phone's card now.
    pub phone: &'a Card,
    /// What the phone can hold. What it cannot is neither read from it nor written to it, and a value that differs
    /// only by what it cannot hold of it is the same value.
    pub projection: &'a Projection,
    /// What becomes of clashes.
    pub policy: ConflictPolicy,
    /// Which side changed last, where that is known; only [`ConflictPolicy::Newest`] asks.
    pub newest: Option<Newer>,
}

/// The result of a merge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merged {
    /// The PC's new card; the same bytes when nothing came from the phone.
    pub pc: Card,
    /// The phone's new card, in its own version; the same bytes when nothing came from the PC.
    pub phone: Card,
    /// What both agree on now. A held field is as it was in the old baseline, so that it stays a conflict.
    pub baseline: Baseline,
    /// What changed on the PC's card.
    pub to_pc: Vec<FieldChange>,
    /// What changed on the phone's card.
    pub to_phone: Vec<FieldChange>,
    /// Every clash, whatever was done about it.
    pub conflicts: Vec<FieldConflict>,
}

impl Merged {
    /// The baseline for a phone that was read back after the write and had written the card in its own way: what
    /// it re-encoded or dropped is no edit of its owner, and a held field stays held.
    #[must_use]
    pub fn baseline_after_read_back(&self, read_back: &Card) -> Baseline {
        let phone = agreed_after_read_back(&self.baseline.phone, &self.phone, read_back);
        Baseline { pc: self.baseline.pc.clone(), phone }
    }
}

/// What was agreed on with a side that was given `written` and shows `read_back`: what it re-encoded or dropped is no
/// edit of its owner, and what `agreed` holds apart from `written`, because it is held, stays apart.
#[must_use]
pub fn agreed_after_read_back(agreed: &Card, written: &Card, read_back: &Card) -> Card {
    if agreed == written {
        return read_back.clone();
    }
    if written == read_back {
        return agreed.clone();
    }
    // What the holding took out of the card that was written is taken out of the card that was read back.
    let base = Baseline { pc: written.clone(), phone: written.clone() };
    let held = merge(&MergeInput {
        base: Some(&base),
        pc: agreed,
        phone: read_back,
        projection: &Projection::default(),
        policy: ConflictPolicy::Pc,
        newest: None,
    });
    held.phone
}

/// Merges the two cards of one contact.
#[must_use]
pub fn merge(input: &MergeInput<'_>) -> Merged {
    if let Some(unchanged) = nothing_new(input) {
        return unchanged;
    }
    let sides = Sides::decode(input);
    let decisions = decide(input, &sides);
    let whole_pc = &sides.pc.whole;
    let (pc_uid, phone_uid) = (whole_pc.uid(), sides.phone.uid());
    let pc = decisions.to_pc.apply(input.pc, whole_pc);
    let phone = decisions.to_phone.apply(input.phone, &sides.phone);
    let with_uid =
        |card: Card, own: Option<&String>, other: Option<&String>, rewritten: bool| match (own, other) {
            (None, Some(uid)) if rewritten => card.with_uid(uid),
            _ => card,
        };
    let phone_takes_uid = !decisions.to_phone.is_empty() && input.projection.holds_property("UID");
    let finish_pc = |card| {
        let card = with_uid(card, pc_uid.as_ref(), phone_uid.as_ref(), !decisions.to_pc.is_empty());
        with_shown_name(card, whole_pc, input.projection)
    };
    let finish_phone = |card| with_uid(card, phone_uid.as_ref(), pc_uid.as_ref(), phone_takes_uid);
    let (pc, phone) = (finish_pc(pc), finish_phone(phone));
    let base_pc = if decisions.hold_pc.is_empty() {
        pc.clone()
    } else {
        let held = finish_pc(decisions.to_pc.and(&decisions.hold_pc).apply(input.pc, whole_pc));
        unless_said_already(input.base.map(|base| &base.pc), held)
    };
    let base_phone = if decisions.hold_phone.is_empty() {
        phone.clone()
    } else {
        let held =
            finish_phone(decisions.to_phone.and(&decisions.hold_phone).apply(input.phone, &sides.phone));
        unless_said_already(input.base.map(|base| &base.phone), held)
    };
    let mut to_pc = changes(input.pc, whole_pc, &pc);
    let mut to_phone = changes(input.phone, &sides.phone, &phone);
    for change in to_pc.iter_mut().chain(&mut to_phone) {
        if decisions.mixed.iter().any(|field| change.field.starts_with(field)) {
            change.field.push_str(" (the address now combines both sides)");
        }
    }
    Merged {
        pc,
        phone,
        baseline: Baseline { pc: base_pc, phone: base_phone },
        to_pc,
        to_phone,
        conflicts: decisions.conflicts,
    }
}

/// What the merge of the cards, which are decoded in `sides`, comes to.
pub(super) fn decide<'a>(input: &MergeInput<'a>, sides: &'a Sides) -> Decisions<'a> {
    let repeated = repeated_singles(&[
        sides.base_pc_entries(),
        sides.base_phone_entries(),
        &sides.pc.seen.entries,
        &sides.phone.entries,
    ]);
    let rows = rows(sides, &repeated);
    let (policy, newest) = (input.policy, input.newest);
    Judge { sides, projection: input.projection, policy, newest }.decide(&rows)
}

/// The old baseline where the new one says no more: a conflict that stays open must not move it every time.
fn unless_said_already(old: Option<&Card>, new: Card) -> Card {
    let all = FieldMask::all();
    match old {
        Some(old) if old.fingerprint(&all) == new.fingerprint(&all) => old.clone(),
        _ => new,
    }
}

/// The result at once where no side has a new byte.
fn nothing_new(input: &MergeInput<'_>) -> Option<Merged> {
    let base = input.base.filter(|base| base.pc == *input.pc && base.phone == *input.phone)?;
    Some(Merged {
        pc: input.pc.clone(),
        phone: input.phone.clone(),
        baseline: base.clone(),
        to_pc: Vec::new(),
        to_phone: Vec::new(),
        conflicts: Vec::new(),
    })
}

fn changes(before: &Card, decoded: &DecodedCard, after: &Card) -> Vec<FieldChange> {
    if before == after {
        return Vec::new();
    }
    diff_decoded(decoded, &DecodedCard::of(after), &FieldMask::all())
}

#[cfg(test)]
#[path = "merge_probes.rs"]
mod probes;

#[cfg(test)]
#[path = "merge_laws.rs"]
mod laws;

#[cfg(test)]
#[path = "merge_held.rs"]
mod held;

#[cfg(test)]
#[path = "merge_worlds.rs"]
mod worlds;

#[cfg(test)]
#[path = "resolution_laws.rs"]
mod resolution_laws;

#[cfg(test)]
#[path = "merge_reference.rs"]
mod reference;

#[cfg(test)]
#[path = "merge_reference_tests.rs"]
mod reference_tests;
