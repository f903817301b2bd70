//! Deciding: what each pair and each new item calls for under a relationship.

use std::cell::{Cell, RefCell};

use crate::contact::{self, Baseline, Card, ConflictPolicy, Dialect, Kept, MergeInput, Merged};
use crate::provider::{Delivery, ItemId, Link, LinkId};
use crate::relationship::{EditOrDelete, OnAdd, OnDelete, OnEdit, Relationship, Side};

use super::absent::{self, Returned};
use super::action::{Action, Headline, PairAfter, Plan, Reason, Skipped, WriteStep};
use super::guard::{self, GuardAnswer, GuardAnswers, TakingBack};
use super::newest::{newer, undated_note};
use super::observation::{Held, Holds, LinkedCase, NewItem, Observations, Seen, SideFacts};
use super::pairing::{self, Paired, Pairing};
use super::staying::Staying;

/// Makes the plan of a session. `answers` is what a person says to the guards; without them one that trips stops it.
#[must_use]
pub fn plan(mut seen: Observations, relationship: &Relationship, answers: GuardAnswers) -> Plan {
    let taking_back =
        TakingBack { deletes: answers.deletes == GuardAnswer::PutBack, ..TakingBack::default() };
    // Whether there are too many edits is known when all of them were looked at.
    let again = (answers.edits == GuardAnswer::PutBack).then(|| seen.clone());
    let mut plan = draft(&mut seen, relationship, taking_back);
    if let (Some(mut again), Some(edits)) = (again, guard::edits_to_take_back(&plan, &seen, relationship)) {
        plan = draft(&mut again, relationship, TakingBack { deletes: taking_back.deletes, ..edits });
    }
    guard::settle(&mut plan, &seen, relationship, answers);
    plan
}

/// The relationship with the triggers that take back what a person wants undone, where it may be written at all.
fn taking_back_under(relationship: &Relationship, taking_back: TakingBack) -> Relationship {
    let mut taken = relationship.clone();
    for (side, triggers) in [(Side::Phone, &mut taken.phone), (Side::Pc, &mut taken.pc)] {
        if taking_back.deletes && relationship.writes_to(side) {
            triggers.delete = OnDelete::Restore;
        }
        if taking_back.edits(side) && relationship.writes_to(side) {
            triggers.edit = OnEdit::Revert;
        }
    }
    taken
}

fn draft(seen: &mut Observations, relationship: &Relationship, taking_back: TakingBack) -> Plan {
    let mut plan = Plan {
        skipped: std::mem::take(&mut seen.unusable),
        items: (seen.pc.items, seen.phone.items),
        first: seen.links == 0,
        ..Plan::default()
    };
    leave_held(seen, &mut plan);
    let new_pc = std::mem::take(&mut seen.new_pc);
    let new_phone = std::mem::take(&mut seen.new_phone);
    let mut linked = std::mem::take(&mut seen.linked);
    let mut absent = std::mem::take(&mut seen.absent);
    let staying = RefCell::default();
    let undated = Cell::new(0);
    let taken = taking_back_under(relationship, taking_back);
    let decider = Decider {
        pc: &seen.pc,
        phone: &seen.phone,
        relationship: &taken,
        taking_back,
        staying: &staying,
        undated: &undated,
    };
    let holds = seen.phone.delivery != Delivery::ByHand;
    let rule =
        Pairing { offered: &seen.offered, projection: &seen.phone.projection, facts: &seen.matching, holds };
    let mut paired = pairing::pair(new_pc, new_phone, &rule);
    plan.asked = std::mem::take(&mut paired.asked);
    plan.kept.extend(plan.asked.iter().flat_map(|pair| [(Side::Pc, pair.pc), (Side::Phone, pair.phone)]));
    for back in absent::returned(&mut linked, &mut paired, &rule) {
        absent.retain(|gone| gone.phone != back.case.link.phone);
        decider.returned(&back, &mut plan);
    }
    for case in linked {
        decider.linked(&case, &mut plan);
    }
    plan.notes.extend(absent::renamed_notes(&absent, &paired.only_phone));
    decider.unlinked(paired, &mut plan);
    plan.notes.extend(absent::absent_note(&absent));
    plan.notes.extend(staying.take().note());
    plan.notes.extend(undated_note(undated.get()));
    plan.actions
        .sort_by_cached_key(|action| (action.subject.to_lowercase(), action.phone_item, action.pc_item));
    plan
}

/// Contacts that are held since an undo take no part, whatever changes: all that is told of them stays untold.
fn leave_held(seen: &mut Observations, plan: &mut Plan) {
    let Holds { pc, phone } = &seen.holds;
    if pc.is_empty() && phone.is_empty() {
        return;
    }
    let is_free = |side: Side, item: ItemId| match side {
        Side::Pc => !pc.contains(&item),
        Side::Phone => !phone.contains(&item),
    };
    seen.linked.retain(|case| is_free(Side::Pc, case.link.pc) && is_free(Side::Phone, case.link.phone));
    seen.new_pc.retain(|new| is_free(Side::Pc, new.item));
    seen.new_phone.retain(|new| is_free(Side::Phone, new.item));
    plan.skipped.retain(|skipped| is_free(skipped.side, skipped.item));
    plan.kept.extend(pc.iter().map(|item| (Side::Pc, *item)));
    plan.kept.extend(phone.iter().map(|item| (Side::Phone, *item)));
}

struct Decider<'a> {
    pc: &'a SideFacts,
    phone: &'a SideFacts,
    relationship: &'a Relationship,
    /// What a person wants undone; the relationship's triggers are set for it.
    taking_back: TakingBack,
    /// What the phone cannot hold of the contacts it gets.
    staying: &'a RefCell<Staying>,
    /// How many contacts are in conflict of which the newer one was to win, and it is not known which that is.
    undated: &'a Cell<usize>,
}

/// The identity of the pair that is decided.
#[derive(Clone, Copy)]
struct Pair {
    link: Option<LinkId>,
    pc: ItemId,
    phone: ItemId,
}

impl Decider<'_> {
    fn facts(&self, side: Side) -> &SideFacts {
        match side {
            Side::Phone => self.phone,
            Side::Pc => self.pc,
        }
    }

    fn linked(&self, case: &LinkedCase, plan: &mut Plan) {
        let link = &case.link;
        if let Some(skipped) = unreadable(case) {
            plan.skipped.push(skipped);
            return;
        }
        if matches!(case.phone, Seen::Absent) && case.pc.held().is_some() {
            // Nothing is known of the phone's side, so what changed on the PC waits until it is seen again.
            plan.kept.extend([(Side::Pc, link.pc), (Side::Phone, link.phone)]);
            return;
        }
        match (case.pc.held(), case.phone.held()) {
            (None, None) => plan.actions.push(both_gone(link)),
            (Some(pc), None) => self.one_gone(case, Side::Phone, pc, plan),
            (None, Some(phone)) => self.one_gone(case, Side::Pc, phone, plan),
            (Some(pc), Some(phone)) => {
                let pair = Pair { link: Some(link.id), pc: link.pc, phone: link.phone };
                let reasons = merge_reasons(case, self.relationship, self.taking_back);
                if let Some(action) = self.merge(pair, link.base.as_ref(), pc, phone, reasons, plan) {
                    plan.actions.push(action);
                }
            }
        }
    }

    /// The pair goes on with the phone's new item.
    fn returned(&self, back: &Returned, plan: &mut Plan) {
        let Some(pc) = back.case.pc.held() else { return };
        let link = &back.case.link;
        let pair = Pair { link: Some(link.id), pc: link.pc, phone: back.new.item };
        let reasons = vec![back.reason];
        let action = self.merge(pair, link.base.as_ref(), pc, &back.new.held, reasons, plan);
        plan.actions.extend(action);
    }

    /// The pair's item on `gone` is not there; `held` is what the other side has.
    fn one_gone(&self, case: &LinkedCase, gone: Side, held: &Held, plan: &mut Plan) {
        let gone_seen = match gone {
            Side::Phone => &case.phone,
            Side::Pc => &case.pc,
        };
        let kept = gone.other();
        // What waits in a conflict is an edit that the other side has not taken: a deletion must not take it along.
        let edited = case.is_edited(kept) || !case.conflicts.is_empty();
        let edit_counts = self.relationship.triggers(kept).edit == OnEdit::Propagate;
        let may_restore = self.relationship.writes_to(gone);
        let delete_wins = self.relationship.edit_or_delete == EditOrDelete::Delete;
        let lost = matches!(gone_seen, Seen::Lost);
        let reason = match self.relationship.triggers(gone).delete {
            _ if lost => Reason::LostOn(gone),
            _ if edited && edit_counts && !delete_wins => Reason::EditBeatsDelete { deleted_on: gone },
            OnDelete::Restore if self.taking_back.deletes => Reason::PutBack(gone),
            OnDelete::Restore => Reason::DeleteNotTaken(gone),
            OnDelete::Propagate if edited && edit_counts => Reason::DeleteBeatsEdit { deleted_on: gone },
            OnDelete::Propagate => Reason::DeletedOn(gone),
        };
        let beats_edit = matches!(reason, Reason::DeleteBeatsEdit { .. });
        let deletes = beats_edit || reason == Reason::DeletedOn(gone);
        if !deletes && may_restore {
            self.restore(case, gone, held, reason, plan);
        } else if deletes && (!edited || beats_edit) {
            plan.actions.push(self.delivered(delete_other(&case.link, kept, held, reason)));
        } else {
            // The source is gone or cannot be written, and the copy holds something a person typed: it stays,
            // as an ordinary contact that the relationship no longer concerns. What was lost nobody deleted; that the
            // side is not as it was left is told for all of them.
            if !lost {
                plan.notes.push(format!(
                    "“{}” was deleted on the {} but edited on the {}; it stays there and is no longer synced.",
                    held.card.display_name(),
                    gone.words(),
                    kept.words()
                ));
            }
            plan.actions.push(Action {
                headline: Headline::Settle,
                after: PairAfter::Unlinked,
                ..blank(&held.card, vec![reason], Some(&case.link))
            });
        }
    }

    fn restore(&self, case: &LinkedCase, gone: Side, held: &Held, reason: Reason, plan: &mut Plan) {
        let link = &case.link;
        let (item, new) = match gone {
            Side::Phone => {
                let same_uid = case.same_uid.clone();
                (link.pc, NewItem { same_uid, ..NewItem::of(link.pc, held) })
            }
            Side::Pc => (link.phone, NewItem::of(link.phone, held)),
        };
        match self.create(gone, &new, vec![reason]) {
            Ok(mut action) => {
                // The item that is gone belongs to it: its deletion is heard when this is done, and not before.
                action.link = Some(link.id);
                action.pc_item = Some(link.pc);
                action.phone_item = Some(link.phone);
                if action.waits() {
                    // It comes back as a new item one day, which must find the PC's contact without a partner.
                    action.after = PairAfter::Unlinked;
                }
                plan.actions.push(action);
            }
            Err(why) => {
                let partner = if gone == Side::Phone { link.phone } else { link.pc };
                plan.skipped.push(too_large(gone.other(), item, Some(partner), &held.card, why));
            }
        }
    }

    fn unlinked(&self, paired: Paired, plan: &mut Plan) {
        plan.notes.extend(paired.notes);
        for (pc, phone, reason) in paired.pairs {
            let pair = Pair { link: None, pc: pc.item, phone: phone.item };
            if let Some(mut action) = self.merge(pair, None, &pc.held, &phone.held, vec![reason], plan) {
                action.headline = Headline::Match;
                plan.actions.push(action);
            }
        }
        for (side, items) in [(Side::Pc, paired.only_pc), (Side::Phone, paired.only_phone)] {
            if self.relationship.triggers(side).add == OnAdd::Ignore {
                continue;
            }
            for new in items {
                match self.create(side.other(), &new, vec![Reason::NewOn(side)]) {
                    Ok(action) => plan.actions.push(action),
                    Err(why) => {
                        plan.skipped.push(too_large(side, new.item, None, &new.held.card, why));
                    }
                }
            }
        }
    }

    /// The action that makes a copy of `new`, which is on the other side, on `target`.
    fn create(&self, target: Side, new: &NewItem, reasons: Vec<Reason>) -> Result<Action, String> {
        let source = &new.held.card;
        let facts = self.facts(target);
        let card = in_dialect(&facts.projection.project(source), facts.dialect.as_ref());
        fits(&card, facts)?;
        let name = file_name(source, new.item, !new.same_uid.is_empty());
        let step = WriteStep::Create { name, card: card.clone() };
        let mut action = blank(source, reasons, None);
        action.headline = Headline::Create(target);
        match target {
            Side::Phone => {
                self.staying.borrow_mut().see(&facts.projection, source, None);
                action.pc_item = Some(new.item);
                action.phone = Some(step);
                action.after = PairAfter::Linked { baseline: Baseline { pc: source.clone(), phone: card } };
            }
            Side::Pc => {
                action.phone_item = Some(new.item);
                action.pc = Some(step);
                action.after = PairAfter::Linked { baseline: Baseline { pc: card, phone: source.clone() } };
            }
        }
        Ok(self.delivered(action))
    }

    /// Both sides hold the contact: each gets what the other changed.
    fn merge(
        &self,
        pair: Pair,
        base: Option<&Baseline>,
        pc: &Held,
        phone: &Held,
        reasons: Vec<Reason>,
        plan: &mut Plan,
    ) -> Option<Action> {
        let merged = self.merge_cards(base, pc, phone);
        let writes_pc = merged.pc != pc.card && self.relationship.writes_to(Side::Pc);
        let writes_phone = merged.phone != phone.card && self.relationship.writes_to(Side::Phone);
        if let Some(skipped) = self.without_room(pair, &merged, (writes_pc, writes_phone)) {
            plan.skipped.push(skipped);
            return None;
        }
        let waits = writes_phone && self.phone.delivery != Delivery::Direct;
        let seen_on_phone = waits.then(|| merged.baseline_after_read_back(&phone.card).phone);
        let apart = apart(&merged, (pc, writes_pc), (phone, writes_phone && !waits));
        let mut baseline = merged.baseline;
        // A side that is not written keeps what it has, and that is its baseline.
        if !writes_pc && merged.pc != pc.card {
            baseline.pc = pc.card.clone();
        }
        if !writes_phone && merged.phone != phone.card {
            baseline.phone = phone.card.clone();
        }
        let reverted = self.relationship.pc.edit == OnEdit::Revert && writes_pc;
        let to_pc = if reverted {
            contact::diff(&pc.card, &merged.pc, &self.pc.projection.fields)
        } else {
            merged.to_pc
        };
        let to_phone = if self.relationship.phone.edit == OnEdit::Revert && writes_phone {
            contact::diff(&phone.card, &merged.phone, &self.phone.projection.fields)
        } else {
            merged.to_phone
        };
        let headline = match (writes_pc, writes_phone) {
            (true, true) => Headline::Merge,
            (true, false) => Headline::Update(Side::Pc),
            (false, true) => Headline::Update(Side::Phone),
            (false, false) if !merged.conflicts.is_empty() => Headline::Conflict,
            (false, false) => Headline::Settle,
        };
        let after = match seen_on_phone {
            None => PairAfter::Linked { baseline },
            Some(seen) => waiting_baseline(base, phone, seen, writes_pc),
        };
        Some(Action {
            headline,
            link: pair.link,
            pc_item: Some(pair.pc),
            phone_item: Some(pair.phone),
            to_pc: if writes_pc { to_pc } else { Vec::new() },
            to_phone: if writes_phone { to_phone } else { Vec::new() },
            pc: writes_pc.then(|| replace(pair.pc, pc, merged.pc)),
            phone: writes_phone.then(|| replace(pair.phone, phone, merged.phone)),
            conflicts: merged.conflicts,
            apart,
            after,
            delivery: if waits { self.phone.delivery } else { Delivery::Direct },
            ..blank(&pc.card, reasons, None)
        })
    }

    /// Why the merged pair is left alone: a side that would be written has no room for its card.
    fn without_room(&self, pair: Pair, merged: &Merged, writes: (bool, bool)) -> Option<Skipped> {
        let sides = [
            (Side::Pc, writes.0, &merged.pc, pair.phone, pair.pc),
            (Side::Phone, writes.1, &merged.phone, pair.pc, pair.phone),
        ];
        sides.into_iter().filter(|(_, writes, ..)| *writes).find_map(|(side, _, card, item, partner)| {
            let why = fits(card, self.facts(side)).err()?;
            Some(too_large(side.other(), item, Some(partner), card, why))
        })
    }

    /// The action as it gets to the phone: where a person takes it over, the memory learns nothing by it.
    fn delivered(&self, mut action: Action) -> Action {
        if action.phone.is_some() && self.phone.delivery != Delivery::Direct {
            action.delivery = self.phone.delivery;
            action.after = PairAfter::AsBefore;
        }
        action
    }

    fn merge_cards(&self, base: Option<&Baseline>, pc: &Held, phone: &Held) -> Merged {
        // An edit that the relationship does not take is left out of the merge, as if it had not been made.
        let taken = |side: Side, held: &Held| match base {
            Some(base) if self.relationship.triggers(side).edit == OnEdit::Revert => match side {
                Side::Pc => base.pc.clone(),
                Side::Phone => base.phone.clone(),
            },
            _ => held.card.clone(),
        };
        let (pc_taken, phone_taken) = (taken(Side::Pc, pc), taken(Side::Phone, phone));
        let merged = contact::merge(&MergeInput {
            base,
            pc: &pc_taken,
            phone: &phone_taken,
            projection: &self.phone.projection,
            policy: self.policy(),
            newest: newer(&pc.card, &phone.card),
        });
        if is_open(&merged) && self.policy() == ConflictPolicy::Newest {
            self.undated.set(self.undated.get().saturating_add(1));
        }
        if self.relationship.writes_to(Side::Phone) {
            self.staying.borrow_mut().see(&self.phone.projection, &merged.pc, Some(&phone.card));
        }
        merged
    }

    /// In a one-way relationship the source wins.
    fn policy(&self) -> ConflictPolicy {
        match (self.relationship.writes_to(Side::Phone), self.relationship.writes_to(Side::Pc)) {
            (false, true) => ConflictPolicy::Phone,
            (true, false) => ConflictPolicy::Pc,
            _ => self.relationship.conflicts,
        }
    }
}

/// Both sides' cards as they are afterwards, where a conflict stays open; each with whether the session writes it.
fn apart(merged: &Merged, pc: (&Held, bool), phone: (&Held, bool)) -> Option<Box<(Card, Card)>> {
    let after = |(held, is_written): (&Held, bool), card: &Card| {
        if is_written { card.clone() } else { held.card.clone() }
    };
    is_open(merged).then(|| Box::new((after(pc, &merged.pc), after(phone, &merged.phone))))
}

fn replace(item: ItemId, held: &Held, card: Card) -> WriteStep {
    WriteStep::Replace { item, expected: held.revision, before: held.card.clone(), card }
}

fn is_open(merged: &Merged) -> bool {
    merged.conflicts.iter().any(|conflict| conflict.kept == Kept::Held)
}

impl NewItem {
    fn of(item: ItemId, held: &Held) -> Self {
        Self { item, held: held.clone(), place: String::new(), same_uid: Vec::new() }
    }
}

/// An action that does nothing yet.
fn blank(card: &Card, reasons: Vec<Reason>, link: Option<&Link>) -> Action {
    Action {
        headline: Headline::Settle,
        subject: card.display_name(),
        reasons,
        link: link.map(|link| link.id),
        pc_item: link.map(|link| link.pc),
        phone_item: link.map(|link| link.phone),
        pc: None,
        phone: None,
        to_pc: Vec::new(),
        to_phone: Vec::new(),
        conflicts: Vec::new(),
        apart: None,
        after: PairAfter::Unlinked,
        delivery: Delivery::Direct,
        holding: None,
    }
}

/// What both sides agree on while the phone waits for a person: what the phone holds. Everything that the PC has beyond
/// that is still to come, and is told again in every session until it was seen there. `seen` is the phone's card
/// without what is in conflict.
fn waiting_baseline(base: Option<&Baseline>, phone: &Held, seen: Card, writes_pc: bool) -> PairAfter {
    match base {
        Some(base) if base.phone == phone.card && !writes_pc => PairAfter::AsBefore,
        _ => PairAfter::Linked { baseline: Baseline { pc: seen.clone(), phone: seen } },
    }
}

fn both_gone(link: &Link) -> Action {
    Action {
        headline: Headline::Settle,
        subject: link.base.as_ref().map(|base| base.pc.display_name()).unwrap_or_default(),
        reasons: vec![Reason::DeletedOnBoth],
        link: Some(link.id),
        pc_item: Some(link.pc),
        phone_item: Some(link.phone),
        pc: None,
        phone: None,
        to_pc: Vec::new(),
        to_phone: Vec::new(),
        conflicts: Vec::new(),
        apart: None,
        after: PairAfter::Unlinked,
        delivery: Delivery::Direct,
        holding: None,
    }
}

fn delete_other(link: &Link, side: Side, held: &Held, reason: Reason) -> Action {
    let item = if side == Side::Pc { link.pc } else { link.phone };
    let step = WriteStep::Delete { item, expected: held.revision, before: Some(held.card.clone()) };
    let mut action = blank(&held.card, vec![reason], Some(link));
    action.headline = Headline::Delete(side);
    match side {
        Side::Pc => action.pc = Some(step),
        Side::Phone => action.phone = Some(step),
    }
    action
}

fn unreadable(case: &LinkedCase) -> Option<Skipped> {
    let link = &case.link;
    let (side, item, partner, why) = match (&case.phone, &case.pc) {
        (Seen::Unreadable(why), _) => (Side::Phone, link.phone, link.pc, why),
        (_, Seen::Unreadable(why)) => (Side::Pc, link.pc, link.phone, why),
        _ => return None,
    };
    let name = case.link.base.as_ref().map(|base| base.pc.display_name());
    Some(Skipped {
        side,
        item,
        partner: Some(partner),
        subject: name.unwrap_or_else(|| case.place.clone()),
        why: format!("{}: {why}", case.place),
        remedy: String::from(
            "mend or delete that file; until then this contact stays as it is on the other side",
        ),
    })
}

fn too_large(side: Side, item: ItemId, partner: Option<ItemId>, card: &Card, why: String) -> Skipped {
    Skipped {
        side,
        item,
        partner,
        subject: card.display_name(),
        why,
        remedy: String::from("make its photo smaller; the contact stays as it is on both sides"),
    }
}

fn fits(card: &Card, facts: &SideFacts) -> Result<(), String> {
    let size_bytes = card.as_bytes().len();
    if size_bytes <= facts.card_bytes_max {
        return Ok(());
    }
    Err(format!("the card has {size_bytes} bytes, the limit there is {}", facts.card_bytes_max))
}

fn in_dialect(card: &Card, dialect: Option<&Dialect>) -> Card {
    dialect.map_or_else(|| card.clone(), |dialect| contact::write(card, dialect).card)
}

fn merge_reasons(case: &LinkedCase, relationship: &Relationship, taking_back: TakingBack) -> Vec<Reason> {
    if case.link.base.is_none() {
        return vec![Reason::NotComparedYet];
    }
    let edited = |side: Side| match relationship.triggers(side).edit {
        OnEdit::Propagate => Reason::EditedOn(side),
        OnEdit::Revert if taking_back.edits(side) => Reason::EditTakenBack(side),
        OnEdit::Revert => Reason::EditNotTaken(side),
    };
    match (&case.pc, &case.phone) {
        (Seen::Changed(_), Seen::Changed(_)) if relationship.pc.edit == relationship.phone.edit => {
            vec![Reason::EditedOnBoth]
        }
        (Seen::Changed(_), Seen::Changed(_)) => vec![edited(Side::Phone), edited(Side::Pc)],
        (Seen::Changed(_), _) => vec![edited(Side::Pc)],
        (_, Seen::Changed(_)) => vec![edited(Side::Phone)],
        _ => vec![Reason::ConflictWaiting],
    }
}

/// A name for a new file: the UID where it is safe as it is, else a safe rest of it with a piece of its hash, so
/// that the same contact always gets the same name and two contacts never do.
pub(super) fn file_name(card: &Card, item: ItemId, uid_is_shared: bool) -> String {
    const LENGTH_MAX: usize = 48;
    let uid = card.uid().unwrap_or_default();
    let uid = uid.trim();
    let uid = uid.strip_prefix("urn:uuid:").unwrap_or(uid);
    if uid.is_empty() {
        return format!("contact-{}", item.0);
    }
    let safe = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    let mut name: String = uid.chars().filter(|character| safe(*character)).take(LENGTH_MAX).collect();
    if name != uid {
        let hash = crate::provider::Revision::of(uid.as_bytes());
        name = format!("{name}-{hash:?}");
    }
    if uid_is_shared {
        name = format!("{name}-{}", item.0);
    }
    name
}
