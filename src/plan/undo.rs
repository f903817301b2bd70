//! The plan of an undo: what takes a past session back, contact by contact, without touching what was edited since.
//!
//! Each side that the session wrote goes back to what it was before. Where it is not any more what the session left there,
//! the way back is merged with what was edited since: edits stay, and where both concern the same field the edit stays.
//! Pure, like [`plan`](super::plan()); an undo that was cut short is planned again from what is there.

use crate::contact::{
    self, Baseline, Card, ConflictPolicy, FieldChange, FieldConflict, Kept, MergeInput, Projection,
};
use crate::provider::{Delivery, ItemId, Link};
use crate::relationship::{Relationship, Side};

use super::action::{Action, Headline, Holding, PairAfter, Plan, Reason, WriteStep};
use super::decide::file_name;
use super::guard::{self, GuardAnswer, GuardAnswers};
use super::observation::{Held, Observations, Seen, SideFacts};

/// Everything that the plan of an undo is made of.
#[derive(Debug, Clone)]
pub struct UndoObservations {
    /// The number of the session that is taken back.
    pub session: i64,
    /// It was an undo itself: what it held is held no longer.
    pub is_redo: bool,
    /// Both sides as a whole; no changes.
    pub sides: Observations,
    /// The contacts that the session touched.
    pub cases: Vec<UndoCase>,
}

/// A contact that the session touched. `Debug` shows no content.
#[derive(Clone)]
pub struct UndoCase {
    /// Its display name then.
    pub subject: String,
    /// The session made these two one contact.
    pub joined: bool,
    /// The pair as it is linked now.
    pub link: Option<Link>,
    /// What both agreed on before the session.
    pub base: Option<Baseline>,
    /// On the PC.
    pub pc: SideCase,
    /// On the phone.
    pub phone: SideCase,
    /// Under which name it stood on the phone, without extension; empty if that is not known.
    pub name: String,
}

impl std::fmt::Debug for UndoCase {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "UndoCase({:?}, {:?})", self.pc.item, self.phone.item)
    }
}

/// One side of a contact that the session touched.
#[derive(Debug, Clone, Default)]
pub struct SideCase {
    /// The item, if there ever was one.
    pub item: Option<ItemId>,
    /// What it holds now; `None` if there never was one.
    pub now: Option<Seen>,
    /// What it held before and after the session, if the session wrote it.
    pub written: Option<(Option<Card>, Option<Card>)>,
}

impl SideCase {
    fn held(&self) -> Option<&Held> {
        self.now.as_ref().and_then(Seen::held)
    }
}

/// Makes the plan of an undo. `answers` is what a person says to the guards; an undo is done or not, so that only
/// [`GuardAnswer::Proceed`] goes on.
#[must_use]
pub fn undo(seen: UndoObservations, relationship: &Relationship, answers: GuardAnswers) -> Plan {
    let UndoObservations { session, is_redo, mut sides, cases } = seen;
    let mut plan = Plan {
        skipped: std::mem::take(&mut sides.unusable),
        items: (sides.pc.items, sides.phone.items),
        undoes: Some(session),
        ..Plan::default()
    };
    let mut undoer = Undoer { session, is_redo, sides: &sides, relationship, locked: [0, 0] };
    for case in &cases {
        undoer.contact(case, &mut plan);
    }
    let locked = undoer.locked;
    for (side, count) in [Side::Phone, Side::Pc].into_iter().zip(locked) {
        plan.notes.extend(locked_note(side, count));
    }
    plan.actions
        .sort_by_cached_key(|action| (action.subject.to_lowercase(), action.phone_item, action.pc_item));
    guard::settle(&mut plan, &sides, relationship, answers.only_proceeding());
    plan.answers.retain(|answer| *answer == GuardAnswer::Proceed);
    plan
}

fn locked_note(side: Side, count: usize) -> Option<String> {
    let (contacts, them) = match count {
        0 => return None,
        1 => (String::from("1 contact"), "it"),
        count => (format!("{count} contacts"), "them"),
    };
    Some(format!(
        "What the session did to {contacts} on the {0} is not taken back: nothing is written to the {0} here. Change \
         {them} there by hand.",
        side.words()
    ))
}

struct Undoer<'a> {
    session: i64,
    is_redo: bool,
    sides: &'a Observations,
    relationship: &'a Relationship,
    /// How many contacts would have to be written on a side that is not written: phone, PC.
    locked: [usize; 2],
}

/// What takes one side back.
enum Back {
    /// It is as it was before.
    Nothing,
    /// This write, with what changes; `true` if something was edited since.
    Write(WriteStep, Vec<FieldChange>, bool),
    /// It stays as it is, and why.
    Stays(String),
}

impl Undoer<'_> {
    fn contact(&mut self, case: &UndoCase, plan: &mut Plan) {
        let mut steps = [None, None];
        let mut beside_edits = false;
        for (side, step) in [Side::Phone, Side::Pc].into_iter().zip(&mut steps) {
            match self.back(side, case, plan) {
                Back::Nothing => {}
                Back::Stays(why) => {
                    plan.notes.push(why);
                    // What is new and was edited since is the person's by now.
                    if case.is_new_or_gone() {
                        return;
                    }
                }
                Back::Write(..) if !self.may_write(side) => {
                    if let Some(count) = self.locked.get_mut(usize::from(side == Side::Pc)) {
                        *count += 1;
                    }
                }
                Back::Write(write, changes, edited) => {
                    beside_edits |= edited;
                    *step = Some((write, changes));
                }
            }
        }
        let [phone, pc] = steps;
        let after = self.after(case);
        if phone.is_none() && pc.is_none() && is_linked_so(case, &after) {
            return;
        }
        let reason =
            if beside_edits { Reason::UndoBesideEdits(self.session) } else { Reason::Undo(self.session) };
        let (phone, to_phone) = phone.unzip();
        let (pc, to_pc) = pc.unzip();
        let will_hold = |step: &Option<WriteStep>, side: &SideCase| match step {
            Some(step) => step.card().cloned(),
            None => side.held().map(|held| held.card.clone()),
        };
        let cards = (will_hold(&pc, &case.pc), will_hold(&phone, &case.phone));
        let conflicts = self.told_again(&after, &cards);
        let apart = match &cards {
            (Some(pc), Some(phone)) if !conflicts.is_empty() => Some(Box::new((pc.clone(), phone.clone()))),
            _ => None,
        };
        let holding = if self.is_redo {
            Holding::Lift
        } else {
            let (pc, phone) = cards;
            Holding::Set { pc, phone }
        };
        plan.actions.push(Action {
            headline: headline(pc.as_ref(), phone.as_ref()),
            subject: case.subject.clone(),
            reasons: vec![reason],
            link: case.link.as_ref().map(|link| link.id),
            pc_item: case.pc.item,
            phone_item: case.phone.item,
            pc,
            phone,
            to_pc: to_pc.unwrap_or_default(),
            to_phone: to_phone.unwrap_or_default(),
            conflicts,
            apart,
            after,
            delivery: Delivery::Direct,
            holding: Some(holding),
        });
    }

    /// The conflicts that the undone session had told, and that are there again once its undo is taken back.
    fn told_again(&self, after: &PairAfter, cards: &(Option<Card>, Option<Card>)) -> Vec<FieldConflict> {
        let (PairAfter::Linked { baseline }, (Some(pc), Some(phone)), true) = (after, cards, self.is_redo)
        else {
            return Vec::new();
        };
        let merged = contact::merge(&MergeInput {
            base: Some(baseline),
            pc,
            phone,
            projection: &self.sides.phone.projection,
            policy: ConflictPolicy::Hold,
            newest: None,
        });
        merged.conflicts.into_iter().filter(|conflict| conflict.kept == Kept::Held).collect()
    }

    fn facts(&self, side: Side) -> &SideFacts {
        match side {
            Side::Phone => &self.sides.phone,
            Side::Pc => &self.sides.pc,
        }
    }

    fn may_write(&self, side: Side) -> bool {
        self.relationship.writes_to(side) && self.facts(side).delivery == Delivery::Direct
    }

    fn back(&self, side: Side, case: &UndoCase, plan: &mut Plan) -> Back {
        let one = match side {
            Side::Phone => &case.phone,
            Side::Pc => &case.pc,
        };
        let (Some((before, after)), Some(item)) = (&one.written, one.item) else { return Back::Nothing };
        let projection = &self.facts(side).projection;
        let is_like = |held: &Held, card: &Card| {
            held.card == *card || projection.fingerprint(&held.card) == projection.fingerprint(card)
        };
        match (before, after, one.held()) {
            (None, _, None) => Back::Nothing,
            (None, Some(after), Some(held)) if is_like(held, after) => {
                let before = Some(held.card.clone());
                Back::Write(WriteStep::Delete { item, expected: held.revision, before }, Vec::new(), false)
            }
            (None, _, Some(held)) => Back::Stays(stays_words(&held.card, side)),
            (Some(before), None, None) => Back::Write(again(side, item, before, case), Vec::new(), false),
            (Some(before), None, Some(held)) if is_like(held, before) => Back::Nothing,
            (Some(_), None, Some(held)) => Back::Stays(stays_words(&held.card, side)),
            (Some(_), Some(_), None) => Back::Stays(format!(
                "“{}” was removed on the {} since; it stays removed there.",
                case.subject,
                side.words()
            )),
            (Some(before), Some(_), Some(held)) if held.card == *before => Back::Nothing,
            (Some(before), Some(after), Some(held)) => {
                let edited = !is_like(held, after);
                let card = if edited {
                    self.beside_edits(side, (before, after), held, plan)
                } else {
                    before.clone()
                };
                if card == held.card {
                    return Back::Nothing;
                }
                let changes = contact::diff(&held.card, &card, &projection.fields);
                let (expected, before) = (held.revision, held.card.clone());
                Back::Write(WriteStep::Replace { item, expected, before, card }, changes, edited)
            }
        }
    }

    /// What the side holds now, with what the session changed taken back where nothing was edited since.
    fn beside_edits(
        &self,
        side: Side,
        (before, after): (&Card, &Card),
        held: &Held,
        plan: &mut Plan,
    ) -> Card {
        let base = Baseline { pc: after.clone(), phone: after.clone() };
        let whole = Projection::default();
        let merged = contact::merge(&MergeInput {
            base: Some(&base),
            pc: before,
            phone: &held.card,
            projection: if side == Side::Phone { &self.sides.phone.projection } else { &whole },
            policy: ConflictPolicy::Hold,
            newest: None,
        });
        for conflict in &merged.conflicts {
            plan.notes.push(format!(
                "“{}”: {} was edited on the {} since; it stays as it is.",
                held.card.display_name(),
                conflict.field,
                side.words()
            ));
        }
        merged.phone
    }

    /// What the memory holds afterwards: what it held before the session.
    fn after(&self, case: &UndoCase) -> PairAfter {
        let now = || case.link.as_ref().and_then(|link| link.base.clone());
        let base = case.base.clone().or_else(|| if case.joined { None } else { now() });
        match (base, case.pc.item, case.phone.item) {
            (Some(baseline), Some(_), Some(_)) => PairAfter::Linked { baseline },
            _ => PairAfter::Unlinked,
        }
    }
}

impl UndoCase {
    /// Whether the session made or deleted it.
    fn is_new_or_gone(&self) -> bool {
        let of = |side: &SideCase| {
            side.written.as_ref().is_some_and(|(before, after)| before.is_none() != after.is_none())
        };
        of(&self.pc) || of(&self.phone)
    }
}

fn is_linked_so(case: &UndoCase, after: &PairAfter) -> bool {
    match (after, &case.link) {
        (PairAfter::Linked { baseline }, Some(link)) => link.base.as_ref() == Some(baseline),
        (PairAfter::Linked { .. }, None) | (PairAfter::Unlinked | PairAfter::AsBefore, Some(_)) => false,
        (PairAfter::Unlinked | PairAfter::AsBefore, None) => true,
    }
}

/// The write that brings back what was deleted: on the PC under its number, on the phone under its name.
fn again(side: Side, item: ItemId, before: &Card, case: &UndoCase) -> WriteStep {
    let card = before.clone();
    match side {
        Side::Pc => WriteStep::Revive { item, card },
        Side::Phone if case.name.is_empty() => {
            WriteStep::Create { name: file_name(before, case.pc.item.unwrap_or(item), false), card }
        }
        Side::Phone => WriteStep::Create { name: case.name.clone(), card },
    }
}

fn stays_words(card: &Card, side: Side) -> String {
    format!("“{}” was edited on the {} since; it stays as it is.", card.display_name(), side.words())
}

fn headline(pc: Option<&WriteStep>, phone: Option<&WriteStep>) -> Headline {
    match (pc, phone) {
        (None, None) => Headline::SetBack,
        (Some(WriteStep::Create { .. } | WriteStep::Revive { .. }), _) => Headline::Create(Side::Pc),
        (_, Some(WriteStep::Create { .. } | WriteStep::Revive { .. })) => Headline::Create(Side::Phone),
        (Some(WriteStep::Delete { .. }), _) => Headline::Delete(Side::Pc),
        (_, Some(WriteStep::Delete { .. })) => Headline::Delete(Side::Phone),
        (Some(_), None) => Headline::Update(Side::Pc),
        (None, Some(_)) => Headline::Update(Side::Phone),
        (Some(_), Some(_)) => Headline::Merge,
    }
}
