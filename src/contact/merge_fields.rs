//! What becomes of each row of a merge: which side takes what from the other, what is held, what clashed.
//!
//! A part of a value is changed on a side when it differs from what that side held at the baseline. Changed on
//! one side: the other side takes it. Changed on both alike: nothing to do. Changed on both differently: a
//! conflict, which the policy decides. The PC's values are compared as the phone can hold them. This file must not touch bytes.

use std::collections::BTreeMap;

use super::decoded::{DecodedCard, Entry, Part};
use super::equality::{Shape, is_single, may_repeat};
use super::merge::{ConflictPolicy, FieldConflict, Kept, Newer};
use super::merge_rows::{Row, Sides, View};
use super::merge_write::{Donor, Patch};
use super::projection::Projection;

/// What the merge comes to: changes to both cards, and what to change in the merged cards to get the baselines.
#[derive(Default)]
pub(super) struct Decisions<'a> {
    pub(super) to_pc: Patch<'a>,
    pub(super) to_phone: Patch<'a>,
    /// What the PC's baseline has besides `to_pc`: held fields as they were.
    pub(super) hold_pc: Patch<'a>,
    /// What the phone's baseline has besides `to_phone`: held fields as they were.
    pub(super) hold_phone: Patch<'a>,
    pub(super) conflicts: Vec<FieldConflict>,
    /// Where the conflicts stand, one for each.
    pub(super) clashes: Vec<Clash<'a>>,
    /// The fields in words whose components now come from both sides.
    pub(super) mixed: Vec<String>,
    /// Values of the PC that the phone does not have.
    offers: Vec<Offer<'a>>,
    /// The properties of values that the phone may get back once a conflict is decided, one for each.
    waiting: Vec<String>,
}

/// Where a conflict stands in the four cards; of the PC's as they are, whatever the phone can hold of them.
#[derive(Clone, Copy)]
pub(super) struct Clash<'a> {
    /// The part that clashes; `None` where one side took the whole value away.
    pub(super) part: Option<Part>,
    /// Which value it is; those of one row are of one value.
    pub(super) row: Row,
    pub(super) base_pc_at: Option<usize>,
    pub(super) pc_at: Option<usize>,
    pub(super) base_pc: Option<Donor<'a>>,
    pub(super) base_phone: Option<Donor<'a>>,
    /// As the PC has it; as the phone can hold it where the PC has no such value of its own.
    pub(super) pc: Option<Donor<'a>>,
    pub(super) phone: Option<Donor<'a>>,
}

/// A value of the PC that the phone does not have and may get.
struct Offer<'a> {
    donor: Donor<'a>,
    without: Vec<Part>,
    /// Where it stands on the PC's card.
    order: Option<usize>,
    /// Whether it came or was edited; else the phone had no place for it.
    is_new: bool,
}

/// Who wins a clash.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Winner {
    Nobody,
    Pc,
    Phone,
    Both,
}

pub(super) struct Judge<'a> {
    pub(super) sides: &'a Sides,
    pub(super) projection: &'a Projection,
    pub(super) policy: ConflictPolicy,
    pub(super) newest: Option<Newer>,
}

/// One row with its entries looked up.
struct Case<'a> {
    row: Row,
    /// The PC's values as the phone can hold them.
    base_pc: Option<Donor<'a>>,
    pc: Option<Donor<'a>>,
    /// The PC's values as they are, and where on its card.
    whole_base_pc: Option<Donor<'a>>,
    whole_pc: Option<Donor<'a>>,
    pc_at: Option<usize>,
    base_pc_at: Option<usize>,
    base_phone: Option<Donor<'a>>,
    phone: Option<Donor<'a>>,
    /// The parts of the value that the phone cannot hold.
    without: Vec<Part>,
}

/// What a part comes to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Stays,
    ToPc,
    ToPhone,
    Clash,
}

impl<'a> Judge<'a> {
    /// Decides every row the phone can hold.
    pub(super) fn decide(&self, rows: &[Row]) -> Decisions<'a> {
        let mut decisions = Decisions::default();
        for row in rows {
            let case = self.case(*row);
            let Some(entry) = case.any() else { continue };
            if self.projection.holds_property(&entry.property) {
                self.decide_case(&case, &mut decisions);
            }
        }
        self.fill(&mut decisions);
        decisions
    }

    fn case(&self, row: Row) -> Case<'a> {
        fn find<'a>(card: Option<&'a DecodedCard>, index: Option<usize>) -> Option<Donor<'a>> {
            let card = card?;
            Some(Donor { card, entry: card.entries.get(index?)? })
        }
        let whole = |view: Option<&'a View>, index| {
            let view = view?;
            find(Some(&*view.whole), view.origin(index))
        };
        let sides = self.sides;
        let base_pc = sides.base_pc.as_ref();
        let mut case = Case {
            row,
            base_pc: find(base_pc.map(|view| &*view.seen), row.base_pc),
            pc: find(Some(&*sides.pc.seen), row.pc),
            whole_base_pc: whole(base_pc, row.base_pc),
            whole_pc: whole(Some(&sides.pc), row.pc),
            pc_at: sides.pc.origin(row.pc),
            base_pc_at: base_pc.and_then(|view| view.origin(row.base_pc)),
            base_phone: find(sides.base_phone.as_deref(), row.base_phone),
            phone: find(Some(&sides.phone), row.phone),
            without: Vec::new(),
        };
        if let Some(entry) = case.any() {
            case.without = self.projection.parts_without(&entry.property);
        }
        case
    }

    fn decide_case(&self, case: &Case<'a>, decisions: &mut Decisions<'a>) {
        match (case.pc, case.phone) {
            (None, None) => {}
            (Some(pc), Some(phone)) => self.decide_parts(case, pc, phone, decisions),
            (Some(pc), None) => {
                let edited = changed(case.base_pc, Some(pc), &[]);
                // An edit that the phone cannot see is still one that its deletion must not take along.
                let edited_unseen = changed(case.whole_base_pc, case.whole_pc, &[]);
                match (edited, case.base_phone.is_some()) {
                    (false, false) => decisions.offer(case, pc, false),
                    (false, true) if !edited_unseen => decisions.to_pc.remove_if(case.pc_at),
                    (true, false) => decisions.offer(case, pc, true),
                    (_, true) => self.clash_with_removal(case, decisions),
                }
            }
            (None, Some(phone)) => {
                let edited = changed(case.base_phone, Some(phone), &case.without);
                match (edited, case.base_pc.is_some()) {
                    (false, false) => {}
                    (false, true) => decisions.to_phone.remove_if(case.row.phone),
                    (true, false) => self.take_from_phone(phone, decisions),
                    (true, true) => self.clash_with_removal(case, decisions),
                }
            }
        }
    }

    /// A value that came on the phone. Where the PC has the only one of its kind in a form that the phone cannot hold
    /// (a large photo), the phone's replaces it if it came after they last agreed.
    fn take_from_phone(&self, phone: Donor<'a>, decisions: &mut Decisions<'a>) {
        let property = &phone.entry.property;
        let hidden = if is_single(property) { self.sides.pc.hidden(property) } else { None };
        if hidden.is_some() && phone.entry.shape == Shape::Structured {
            // Of the components only those differ that the phone can hold.
            let held =
                phone.entry.parts_with(None).into_iter().filter(|part| !phone.entry.part(*part).is_empty());
            held.for_each(|part| decisions.to_pc.set_if(hidden, part, Some(phone)));
            return;
        }
        if hidden.is_some() && self.sides.base_phone.is_none() {
            return;
        }
        decisions.to_pc.remove_if(hidden);
        decisions.to_pc.insert(phone, &[]);
    }

    /// Gives the phone what it was offered, in the order of the PC's card, up to the count it can hold.
    fn fill(&self, decisions: &mut Decisions<'a>) {
        let mut offers = std::mem::take(&mut decisions.offers);
        offers.sort_by_key(|offer| offer.order);
        let mut places: BTreeMap<&str, usize> = BTreeMap::new();
        for offer in &offers {
            let property = offer.donor.entry.property.as_str();
            let Some(count_max) = self.projection.count_max(property) else {
                if offer.is_new {
                    decisions.to_phone.insert(offer.donor, &offer.without);
                }
                continue;
            };
            // What the phone was not full of when they last agreed is missing there for another reason.
            let was_full = count(self.sides.base_phone_entries(), property) >= count_max;
            if !offer.is_new && !was_full {
                continue;
            }
            let free = places.entry(property).or_insert_with(|| {
                let going = decisions.to_phone.removed_of(&self.sides.phone.entries, property);
                let waiting = decisions.waiting.iter().filter(|waiting| *waiting == property).count();
                let held = count(&self.sides.phone.entries, property).saturating_sub(going);
                count_max.saturating_sub(held + waiting)
            });
            if *free > 0 {
                *free -= 1;
                decisions.to_phone.insert(offer.donor, &offer.without);
            }
        }
    }

    /// Both sides have the value: each part is decided by itself.
    fn decide_parts(&self, case: &Case<'a>, pc: Donor<'a>, phone: Donor<'a>, decisions: &mut Decisions<'a>) {
        let mut parts = pc.entry.parts_with(Some(phone.entry));
        parts.retain(|part| !case.without.contains(part));
        let verdicts: Vec<(Part, Verdict)> =
            parts.into_iter().map(|part| (part, verdict(case, pc.entry, phone.entry, part))).collect();
        let clashes_in_value = verdicts.iter().any(|(part, verdict)| {
            *verdict == Verdict::Clash && matches!(part, Part::Value | Part::Component(_))
        });
        let property = &pc.entry.property;
        if clashes_in_value && self.winner() == Winner::Both && may_repeat(property) {
            decisions.to_pc.insert(phone, &[]);
            decisions.offer(case, pc, true);
            for (part, _) in verdicts.iter().filter(|(_, verdict)| *verdict == Verdict::Clash) {
                decisions.report(case, Some(*part), Kept::Both);
            }
            return;
        }
        let (mut from_pc, mut from_phone, mut made) = (false, false, false);
        for (part, verdict) in &verdicts {
            let verdict = match verdict {
                Verdict::Clash => self.settle(case, *part, decisions),
                settled => *settled,
            };
            match verdict {
                // The PC has no such value, it was made for the phone of another one.
                Verdict::ToPc if case.pc_at.is_none() => made = true,
                Verdict::ToPc => decisions.to_pc.set_if(case.pc_at, *part, Some(phone)),
                Verdict::ToPhone => decisions.to_phone.set_if(case.row.phone, *part, Some(pc)),
                Verdict::Stays | Verdict::Clash => {}
            }
            let is_component = matches!(part, Part::Component(_));
            from_phone |= is_component && verdict == Verdict::ToPc;
            from_pc |= is_component && verdict == Verdict::ToPhone;
        }
        if made {
            decisions.to_pc.insert(phone, &[]);
        }
        if from_pc && from_phone && property == "ADR" {
            decisions.mixed.push(pc.entry.field_words(None));
        }
    }

    /// A part that both sides changed differently: reports it and says whose state the other takes.
    fn settle(&self, case: &Case<'a>, part: Part, decisions: &mut Decisions<'a>) -> Verdict {
        match self.winner() {
            Winner::Pc => {
                decisions.report(case, Some(part), Kept::Pc);
                Verdict::ToPhone
            }
            Winner::Phone => {
                decisions.report(case, Some(part), Kept::Phone);
                Verdict::ToPc
            }
            Winner::Nobody | Winner::Both => {
                decisions.report(case, Some(part), Kept::Held);
                decisions.hold_part(case, part);
                Verdict::Clash
            }
        }
    }

    /// One side took the value away, the other changed it.
    fn clash_with_removal(&self, case: &Case<'a>, decisions: &mut Decisions<'a>) {
        let winner = self.winner();
        let pc_has_it = case.pc.is_some();
        let keep = match winner {
            Winner::Nobody => {
                decisions.report(case, None, Kept::Held);
                decisions.hold_row(case);
                decisions.waiting.extend(case.pc.map(|pc| pc.entry.property.clone()));
                return;
            }
            Winner::Both => true,
            Winner::Pc => pc_has_it,
            Winner::Phone => !pc_has_it,
        };
        let kept = match winner {
            Winner::Pc => Kept::Pc,
            Winner::Phone => Kept::Phone,
            Winner::Both | Winner::Nobody => Kept::Both,
        };
        decisions.report(case, None, kept);
        match (keep, case.pc, case.phone) {
            (true, Some(pc), _) => decisions.offer(case, pc, true),
            (true, None, Some(phone)) => self.take_from_phone(phone, decisions),
            (false, Some(_), _) => decisions.to_pc.remove_if(case.pc_at),
            (false, None, _) => decisions.to_phone.remove_if(case.row.phone),
            (true, None, None) => {}
        }
    }

    fn winner(&self) -> Winner {
        match (self.policy, self.newest) {
            (ConflictPolicy::Pc, _) | (ConflictPolicy::Newest, Some(Newer::Pc)) => Winner::Pc,
            (ConflictPolicy::Phone, _) | (ConflictPolicy::Newest, Some(Newer::Phone)) => Winner::Phone,
            (ConflictPolicy::Both, _) => Winner::Both,
            (ConflictPolicy::Hold, _) | (ConflictPolicy::Newest, None) => Winner::Nobody,
        }
    }
}

impl<'a> Case<'a> {
    fn any(&self) -> Option<&'a Entry> {
        self.pc.or(self.phone).or(self.base_pc).or(self.base_phone).map(|donor| donor.entry)
    }
}

fn count(entries: &[Entry], property: &str) -> usize {
    entries.iter().filter(|entry| entry.property == property).count()
}

/// Whether a value came, or changed in a part that counts.
fn changed(base: Option<Donor<'_>>, now: Option<Donor<'_>>, without: &[Part]) -> bool {
    match (base, now) {
        (Some(base), Some(now)) => now
            .entry
            .parts_with(Some(base.entry))
            .into_iter()
            .any(|part| !without.contains(&part) && !now.entry.agrees(base.entry, part)),
        (None, Some(_)) | (Some(_), None) => true,
        (None, None) => false,
    }
}

fn verdict(case: &Case<'_>, pc: &Entry, phone: &Entry, part: Part) -> Verdict {
    let before = |donor: Option<Donor<'_>>, now: &Entry| {
        donor.map_or_else(|| now.part(part).is_empty(), |base| base.entry.part(part) == now.part(part))
    };
    let (pc_stays, phone_stays) = (before(case.base_pc, pc), before(case.base_phone, phone));
    match (pc_stays, phone_stays) {
        (true, true) => Verdict::Stays,
        _ if pc.part(part) == phone.part(part) || (part == Part::Value && is_one_set_value(case, pc)) => {
            Verdict::Stays
        }
        // A phone that holds more than is known of it may hold the PC's whole value.
        _ if case.whole_pc.is_some_and(|whole| whole.entry.part(part) == phone.part(part)) => Verdict::Stays,
        (false, true) => Verdict::ToPhone,
        (true, false) => Verdict::ToPc,
        (false, false) => Verdict::Clash,
    }
}

/// Values of a set are in one row because they are the same value; where their texts differ all the same, one
/// side only wrote it in its own way.
fn is_one_set_value(case: &Case<'_>, pc: &Entry) -> bool {
    matches!(pc.shape, Shape::Phone | Shape::Email | Shape::Address)
        && (case.row.base_pc.is_none() || case.row.base_phone.is_none())
}

impl<'a> Decisions<'a> {
    fn offer(&mut self, case: &Case<'a>, donor: Donor<'a>, is_new: bool) {
        self.offers.push(Offer { donor, without: case.without.clone(), order: case.row.pc, is_new });
    }

    fn report(&mut self, case: &Case<'a>, part: Option<Part>, kept: Kept) {
        let Some(entry) = case.any() else { return };
        let shown = |donor: Option<Donor<'a>>| {
            donor.and_then(|donor| donor.entry.shown_part(part.unwrap_or(Part::Value)))
        };
        self.conflicts.push(FieldConflict {
            field: entry.field_words(part),
            base: shown(case.whole_base_pc.or(case.base_pc).or(case.base_phone)),
            pc: shown(case.whole_pc.or(case.pc)),
            phone: shown(case.phone),
            kept,
        });
        self.clashes.push(Clash {
            part,
            row: case.row,
            base_pc_at: case.base_pc_at,
            pc_at: case.pc_at,
            base_pc: case.whole_base_pc,
            base_phone: case.base_phone,
            pc: case.whole_pc.or(case.pc),
            phone: case.phone,
        });
    }

    /// The part keeps its old state in both baselines, so that it stays a conflict.
    fn hold_part(&mut self, case: &Case<'a>, part: Part) {
        for (patch, index, base) in [
            (&mut self.hold_pc, case.pc_at, case.whole_base_pc),
            (&mut self.hold_phone, case.row.phone, case.base_phone),
        ] {
            if base.is_none() && part == Part::Value {
                patch.remove_if(index);
            } else {
                patch.set_if(index, part, base);
            }
        }
    }

    /// The whole value keeps its old state in both baselines.
    fn hold_row(&mut self, case: &Case<'a>) {
        for (patch, index, now, base) in [
            (&mut self.hold_pc, case.pc_at, case.whole_pc, case.whole_base_pc),
            (&mut self.hold_phone, case.row.phone, case.phone, case.base_phone),
        ] {
            match (now, base) {
                (Some(now), Some(base)) => {
                    for part in now.entry.parts_with(Some(base.entry)) {
                        if !now.entry.agrees(base.entry, part) {
                            patch.set_if(index, part, Some(base));
                        }
                    }
                }
                (Some(_), None) => patch.remove_if(index),
                (None, Some(base)) => patch.insert(base, &[]),
                (None, None) => {}
            }
        }
    }
}
