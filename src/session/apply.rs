//! Applying a plan: intents first, then the writes, then everything that was acknowledged in one transaction.
//!
//! The life of a batch: what was observed is kept, the phone's writes are noted in the journal (one fsync), the
//! phone is written, and then one transaction takes the PC's writes, the links, the baselines, the cleared intents
//! and both states. Whatever cuts this short leaves either the old memory and open intents, or the new memory.

use std::collections::{HashMap, HashSet};

use crate::contact::{Card, agreed_after_read_back};
use crate::plan::{Action, Headline, Holding, PairAfter, Plan, WriteStep};
use crate::provider::{
    Ack, ActionRow, Change, ChangeKind, Confirmation, ConflictSides, HeldPair, HoldChange, IntentId,
    IntentStep, ItemId, LinkId, OpenConflict, Outcome, ProviderError, SessionId, Write,
};
use crate::relationship::Side;
use crate::report::{ActionOutcome, Event, Report, Summary};

use super::failure::Failure;
use super::run::{Options, Parties};
use super::states::States;

/// So many phone writes share one journal entry's fsync.
const PHONE_WRITES_PER_BATCH: usize = 64;
/// So many actions that do not write to the phone share one transaction.
const ACTIONS_PER_BATCH: usize = 1024;

/// The changes that were told and are not yet recorded as heard.
pub(super) struct Pending {
    /// By item.
    pub changes: HashMap<(Side, ItemId), Change>,
    /// Sides of which a change was left out of this session.
    pub left_out: Vec<Side>,
}

impl Pending {
    /// Whether everything that `side` told was heard.
    fn is_empty(&self, side: Side) -> bool {
        !self.left_out.contains(&side) && !self.changes.keys().any(|(of, _)| *of == side)
    }
}

pub(super) struct Applier<'a, 'p> {
    pub(super) parties: &'a mut Parties<'p>,
    pub(super) options: &'a Options<'a>,
    pub(super) states: States,
    pub(super) pending: Pending,
    pub(super) waiting: HashMap<LinkId, Vec<OpenConflict>>,
    session: Option<SessionId>,
}

/// An action on its way through a batch.
pub(super) struct Underway<'a> {
    pub(super) action: &'a Action,
    intent: Option<IntentId>,
    phone: Option<Ack>,
    pub(super) pc: Option<Ack>,
    outcome: ActionOutcome,
}

impl<'a, 'p> Applier<'a, 'p> {
    pub(super) fn new(
        parties: &'a mut Parties<'p>,
        options: &'a Options<'a>,
        states: States,
        pending: Pending,
        waiting: HashMap<LinkId, Vec<OpenConflict>>,
    ) -> Self {
        Self { parties, options, states, pending, waiting, session: None }
    }

    /// Applies the plan. On an error the memory holds what was acknowledged before it.
    pub(super) fn apply(
        &mut self,
        plan: &Plan,
        restarted: bool,
        summary: &mut Summary,
        report: &mut dyn Report,
    ) -> Result<(), Failure> {
        // Deletions come last: should the session be cut, what is new has been saved first.
        let (deletes, others): (Vec<&Action>, Vec<&Action>) =
            plan.actions.iter().partition(|action| matches!(action.headline, Headline::Delete(_)));
        let actions: Vec<&Action> = others.into_iter().chain(deletes).collect();
        let writing = actions.iter().filter(|action| action.writes()).count();
        if writing > 0 {
            report.event(&Event::Applying { actions: writing });
        }
        let is_news = |action: &&Action| !action.only_waits() && !self.is_known_conflict(action);
        let news: Vec<&Action> = actions.iter().copied().filter(is_news).collect();
        let writes = !plan.is_empty() && !news.is_empty();
        let phone_gave = news.iter().any(|action| self.is_from_phone(action));
        self.keep(restarted)?;
        if let Some(safety) = self.options.safety.filter(|_| writes) {
            safety.copy(&seen_on_phone(plan))?;
        }
        self.mark(phone_gave, report)?;
        if writes {
            let (ledger, now_ms) = (self.parties.ledger, self.options.clock.now_ms());
            let session = match self.options.undo {
                None => ledger.open_session(now_ms)?,
                Some(undo) => ledger.open_undo(now_ms, undo.session)?,
            };
            summary.session = Some(session.0);
            self.session = Some(session);
        }
        let mut rest = actions.as_slice();
        let mut ended = Ok(());
        while ended.is_ok() && !rest.is_empty() {
            let (batch, later) = rest.split_at(batch_length(rest));
            rest = later;
            ended = self.batch(batch, summary, report);
        }
        if ended.is_ok() {
            self.record_the_rest(plan)?;
        }
        if ended.is_ok() {
            ended = self.finish_writes(summary, report);
        }
        if ended.is_ok() && self.options.undo.is_none() {
            ended = self.hand_over(plan, summary, report);
        }
        ended
    }

    /// What was observed outlives this session, together with the news that baselines no longer count.
    fn keep(&mut self, restarted: bool) -> Result<(), Failure> {
        // In one batch, for a channel may keep a value for each contact.
        self.in_batch(|this| {
            if restarted {
                this.parties.ledger.forget_baselines()?;
            }
            this.parties.phone.keep_observations().map_err(Failure::phone)
        })
    }

    /// Whether what the phone told has a part in this action.
    fn is_from_phone(&self, action: &Action) -> bool {
        action.phone_item.is_some_and(|item| self.pending.changes.contains_key(&(Side::Phone, item)))
    }

    /// Marks the phone as known. Only when that it was restored is on the disk: a whole marker hides it.
    fn mark(&mut self, phone_gave: bool, report: &mut dyn Report) -> Result<(), Failure> {
        let writable = self.parties.phone.capabilities().writable;
        if !writable || !self.options.relationship.writes_to(Side::Phone) {
            return Ok(());
        }
        match self.parties.phone.mark_known(phone_gave) {
            Ok(()) => Ok(()),
            Err(error @ (ProviderError::Disconnected(_) | ProviderError::Interrupted)) => {
                Err(Failure::phone(error))
            }
            // A phone that is full or read-only can still be copied from.
            Err(error) => {
                report.event(&Event::Note(format!("The phone could not be marked as known: {error}.")));
                Ok(())
            }
        }
    }

    fn finish_writes(&mut self, summary: &mut Summary, report: &mut dyn Report) -> Result<(), Failure> {
        let lost = self.parties.phone.finish_writes().map_err(Failure::phone)?;
        for item in &lost {
            summary.failed += 1;
            let place = self.parties.phone.place(*item);
            report.event(&Event::Note(format!(
                "{place} was written but is not there any more; the next session looks at it again."
            )));
        }
        self.parties.phone.keep_observations().map_err(Failure::phone)
    }

    fn batch(
        &mut self,
        actions: &[&Action],
        summary: &mut Summary,
        report: &mut dyn Report,
    ) -> Result<(), Failure> {
        let mut underway = self.note_intents(actions)?;
        let mut cut = None;
        for one in &mut underway {
            if cut.is_none() && (self.options.interrupted)() {
                cut = Some(Failure::Interrupted);
            }
            if cut.is_some() {
                one.outcome = ActionOutcome::NotStarted;
            } else if one.action.only_waits() {
                one.outcome = ActionOutcome::Waits;
            } else if let Some(step) = one.action.direct_step(Side::Phone) {
                let (ack, outcome) = acknowledged(self.parties.phone.write(&write_of(step)));
                one.phone = ack;
                one.outcome = outcome;
                if let ActionOutcome::Unknown(why) = &one.outcome {
                    cut = Some(Failure::phone(ProviderError::Disconnected(why.clone())));
                }
            }
        }
        if let Err(error) = self.parties.phone.flush() {
            // The writes of this batch were noted only; each may or may not be on the phone.
            let why = error.to_string();
            for one in underway.iter_mut().filter(|one| one.phone.is_some()) {
                one.outcome = ActionOutcome::Unknown(why.clone());
            }
            cut.get_or_insert(Failure::phone(error));
        }
        self.in_batch(|this| this.confirm_all(&mut underway))?;
        for one in &underway {
            count(one, summary);
            if one.action.is_visible() {
                report.event(&Event::Applied { action: one.action, outcome: &one.outcome });
            }
        }
        cut.map_or(Ok(()), Err)
    }

    /// Notes what will be done to the phone; nothing is written there before this is on the disk.
    fn note_intents<'b>(&mut self, actions: &[&'b Action]) -> Result<Vec<Underway<'b>>, Failure> {
        let steps: Vec<IntentStep> = actions.iter().filter_map(|action| intent_of(action)).collect();
        let mut ids = Vec::new().into_iter();
        if let (false, Some(session)) = (steps.is_empty(), self.session) {
            let holds: Vec<HoldChange> = actions
                .iter()
                .filter(|action| action.direct_step(Side::Phone).is_some())
                .filter_map(|action| hold_of(action, None, None))
                .filter(|change| matches!(change, HoldChange::Set { .. }))
                .collect();
            if !holds.is_empty() {
                self.parties.ledger.hold(session, &holds)?;
            }
            ids = self.parties.ledger.note_intents(session, &steps)?.into_iter();
        }
        Ok(actions
            .iter()
            .map(|action| Underway {
                action,
                intent: action.direct_step(Side::Phone).and_then(|_| ids.next()),
                phone: None,
                pc: None,
                outcome: ActionOutcome::Done,
            })
            .collect())
    }

    /// Runs `work` in one transaction of the memory and the PC's store.
    fn in_batch(&mut self, work: impl FnOnce(&mut Self) -> Result<(), Failure>) -> Result<(), Failure> {
        let ledger = self.parties.ledger;
        ledger.begin()?;
        match work(self) {
            Ok(()) => Ok(ledger.commit()?),
            Err(failure) => {
                ledger.roll_back()?;
                Err(failure)
            }
        }
    }

    fn confirm_all(&mut self, underway: &mut [Underway<'_>]) -> Result<(), Failure> {
        let mut facts = Vec::with_capacity(underway.len());
        for one in underway.iter_mut() {
            if one.outcome == ActionOutcome::Done
                && let Some(step) = &one.action.pc
            {
                let (ack, outcome) = acknowledged(self.parties.pc.write(&write_of(step)));
                if let ActionOutcome::Unknown(why) = outcome {
                    return Err(Failure::pc(ProviderError::Storage(why)));
                }
                one.pc = ack;
                one.outcome = outcome;
            }
            facts.push(self.confirmation(one));
        }
        let worth: Vec<Confirmation> = facts.into_iter().flatten().collect();
        let session = self.session.unwrap_or(SessionId(0));
        if !worth.is_empty() {
            self.parties.ledger.confirm(session, &worth)?;
        }
        self.parties.phone.keep_observations().map_err(Failure::phone)?;
        self.states.store(self.parties.ledger)?;
        Ok(())
    }

    /// The facts that an ended action adds to the memory; `None` if there are none.
    fn confirmation(&mut self, one: &Underway<'_>) -> Option<Confirmation> {
        let action = one.action;
        // An unknown outcome keeps its intent for the next session; any other clears it.
        let intent = one.intent.filter(|_| !matches!(one.outcome, ActionOutcome::Unknown(_)));
        let mut facts = Confirmation { intent, action: self.history_row(one), ..Confirmation::default() };
        if one.outcome == ActionOutcome::Waits && action.conflicts.is_empty() {
            return None;
        }
        if !matches!(one.outcome, ActionOutcome::Done | ActionOutcome::Waits) {
            // A write that did happen, next to one that did not, is an echo that must not come back as an edit of
            // a person: its number stays unseen, and the merge of the next session finds both sides equal there.
            return (facts.intent.is_some() || facts.action.is_some()).then_some(facts);
        }
        if self.is_known_conflict(action) {
            return None;
        }
        if action.waits() {
            return self.confirmation_of_waiting(one, facts);
        }
        let pc_item = one.pc.as_ref().map(|ack| ack.item).or(action.pc_item);
        let phone_item = one.phone.as_ref().map(|ack| ack.item).or(action.phone_item);
        facts.hold = hold_of(action, one.pc.as_ref(), one.phone.as_ref());
        let is_redo = matches!(action.holding, Some(Holding::Lift));
        // What a redo wrote is heard by the next sync, with all that was told while the contact was held.
        if !self.is_conflict_by_hand(action) && !is_redo {
            self.advance(Side::Pc, action, one.pc.as_ref());
        }
        if !is_redo {
            self.advance(Side::Phone, action, one.phone.as_ref());
        }
        if action.holding.is_none() {
            self.release_former(action);
        }
        match (&action.after, pc_item, phone_item) {
            (PairAfter::Linked { baseline }, Some(pc), Some(phone)) => {
                let mut baseline = baseline.clone();
                renew(&mut baseline.pc, action.pc.as_ref(), one.pc.as_ref());
                renew(&mut baseline.phone, action.phone.as_ref(), one.phone.as_ref());
                facts.link = Some((action.link, pc, phone, Some(baseline)));
                self.states.record_given(Side::Pc, pc);
                self.states.record_given(Side::Phone, phone);
            }
            _ => {
                facts.unlink = action.link;
                if action.holding.is_none() {
                    self.release(action);
                }
            }
        }
        let had_conflicts = action.link.is_some_and(|link| self.waiting.contains_key(&link));
        if had_conflicts || !action.conflicts.is_empty() {
            facts.conflicts = Some(open_conflicts(action));
            facts.sides = self.sides(one);
        }
        Some(facts)
    }

    /// Both sides of a pair that stays in conflict, as they are now: as the phone's was read back, if it was written.
    pub(super) fn sides(&self, one: &Underway<'_>) -> Option<ConflictSides> {
        let (pc, phone) = &**one.action.apart.as_ref()?;
        let held = |ack: Option<&Ack>, card: &crate::contact::Card| {
            ack.and_then(|ack| ack.held.as_ref()).unwrap_or(card).clone()
        };
        Some(ConflictSides {
            since_ms: self.options.clock.now_ms(),
            pc: held(one.pc.as_ref(), pc),
            phone: held(one.phone.as_ref(), phone),
        })
    }

    /// Records in the state of `side` that the other side now has this item's changes, old and just made.
    pub(super) fn advance(&mut self, side: Side, action: &Action, ack: Option<&Ack>) {
        let before = match side {
            Side::Pc => action.pc_item,
            Side::Phone => action.phone_item,
        };
        if let Some(change) = before.and_then(|item| self.pending.changes.remove(&(side, item))) {
            self.hear(side, &change);
        }
        if let Some(ack) = ack {
            match ack.held {
                Some(_) => self.states.record(side, ack.item, ack.cn),
                None => self.states.record_deleted(side, ack.item, ack.cn),
            }
        }
    }

    fn hear(&mut self, side: Side, change: &Change) {
        match change.kind {
            ChangeKind::Deleted | ChangeKind::Lost => {
                self.states.record_deleted(side, change.item, change.cn);
            }
            ChangeKind::Put(_) | ChangeKind::Unreadable(_) => {
                self.states.record(side, change.item, change.cn);
            }
        }
    }

    /// Changes that call for nothing under this relationship are heard too, or they would be told for ever.
    fn record_the_rest(&mut self, plan: &Plan) -> Result<(), Failure> {
        let mut kept = HashSet::new();
        for skipped in &plan.skipped {
            kept.insert((skipped.side, skipped.item));
            kept.extend(skipped.partner.map(|item| (skipped.side.other(), item)));
        }
        kept.extend(plan.kept.iter().copied());
        for action in &plan.actions {
            kept.extend(action.pc_item.map(|item| (Side::Pc, item)));
            kept.extend(action.phone_item.map(|item| (Side::Phone, item)));
        }
        let rest: Vec<Change> = self
            .pending
            .changes
            .iter()
            .filter(|(key, change)| !kept.contains(key) && !matches!(change.kind, ChangeKind::Unreadable(_)))
            .map(|(_, change)| change.clone())
            .collect();
        let pc_replica = self.parties.pc.replica().guid;
        for change in &rest {
            let side = if change.cn.replica == pc_replica { Side::Pc } else { Side::Phone };
            self.hear(side, change);
            self.pending.changes.remove(&(side, change.item));
        }
        for side in [Side::Pc, Side::Phone] {
            if self.pending.is_empty(side) {
                self.states.widen(side);
            }
        }
        if !self.states.moved() {
            return Ok(());
        }
        self.in_batch(|this| Ok(this.states.store(this.parties.ledger)?))
    }

    /// A conflict that was waiting before and still does: nothing about it is new.
    fn is_known_conflict(&self, action: &Action) -> bool {
        let Some(link) = action.link.filter(|_| !action.writes()) else { return false };
        let Some(waiting) = self.waiting.get(&link) else { return false };
        let by_hand = self.is_conflict_by_hand(action);
        let moved = [(Side::Pc, action.pc_item), (Side::Phone, action.phone_item)]
            .into_iter()
            .filter(|(side, _)| !(by_hand && *side == Side::Pc))
            .any(|(side, item)| item.is_some_and(|item| self.pending.changes.contains_key(&(side, item))));
        let mut waiting = waiting.clone();
        waiting.sort_by(|left, right| left.field.cmp(&right.field));
        // What an earlier version did not keep is kept once.
        let are_kept = matches!(self.parties.ledger.conflict_sides(link), Ok(Some(_)));
        !moved && are_kept && waiting == open_conflicts(action)
    }

    fn history_row(&self, one: &Underway<'_>) -> Option<ActionRow> {
        let action = one.action;
        let is_no_news = matches!(one.outcome, ActionOutcome::NotStarted | ActionOutcome::Waits);
        if self.session.is_none() || !action.is_visible() || is_no_news {
            return None;
        }
        let side = match (&action.pc, action.direct_step(Side::Phone)) {
            (Some(_), Some(_)) => "both",
            (Some(_), None) => "pc",
            (None, Some(_)) => "phone",
            (None, None) => "none",
        };
        let held = |ack: &Option<Ack>| ack.as_ref().and_then(|ack| ack.held.clone());
        let pc_step = action.pc.as_ref().filter(|_| one.pc.is_some());
        let is_unknown = matches!(one.outcome, ActionOutcome::Unknown(_));
        let phone_step = action.direct_step(Side::Phone).filter(|_| one.phone.is_some() || is_unknown);
        // What was sent and never acknowledged may be there.
        let sent = || phone_step.filter(|_| one.phone.is_none()).and_then(WriteStep::card).cloned();
        Some(ActionRow {
            kind: String::from(action.headline.word()),
            side: String::from(side),
            subject: action.subject.clone(),
            reason: action.reasons.iter().map(|reason| reason.words()).collect::<Vec<_>>().join("; "),
            outcome: String::from(one.outcome.word()),
            pc_before: before(pc_step),
            phone_before: before(phone_step),
            pc_item: one.pc.as_ref().map(|ack| ack.item).or(action.pc_item),
            phone_item: one.phone.as_ref().map(|ack| ack.item).or(action.phone_item),
            pc_after: held(&one.pc),
            phone_after: held(&one.phone).or_else(sent),
            base: None,
        })
    }
}

/// What the phone holds of the contacts that the plan concerns.
fn seen_on_phone(plan: &Plan) -> Vec<(ItemId, &Card)> {
    plan.actions
        .iter()
        .filter_map(|action| {
            let card = match (action.direct_step(Side::Phone), &action.after) {
                (Some(WriteStep::Replace { before, .. }), _) => before,
                (Some(WriteStep::Delete { before, .. }), _) => before.as_ref()?,
                (None, PairAfter::Linked { baseline }) => &baseline.phone,
                _ => return None,
            };
            Some((action.phone_item?, card))
        })
        .collect()
}

/// What becomes of the contact's hold, with what was written as it was read back.
fn hold_of(action: &Action, pc_ack: Option<&Ack>, phone_ack: Option<&Ack>) -> Option<HoldChange> {
    let item = |ack: Option<&Ack>, item| ack.map(|ack| ack.item).or(item);
    let pair = HeldPair { pc: item(pc_ack, action.pc_item), phone: item(phone_ack, action.phone_item) };
    let held = |ack: Option<&Ack>, planned: &Option<Card>| match ack {
        Some(ack) => ack.held.clone(),
        None => planned.clone(),
    };
    Some(match action.holding.as_ref()? {
        Holding::Lift => HoldChange::Lift(pair),
        Holding::Set { pc, phone } => HoldChange::Set {
            pair,
            subject: action.subject.clone(),
            pc: held(pc_ack, pc),
            phone: held(phone_ack, phone),
        },
    })
}

fn batch_length(actions: &[&Action]) -> usize {
    let mut phone_writes = 0;
    for (index, action) in actions.iter().enumerate() {
        phone_writes += usize::from(action.direct_step(Side::Phone).is_some());
        if phone_writes > PHONE_WRITES_PER_BATCH || index >= ACTIONS_PER_BATCH {
            return index;
        }
    }
    actions.len()
}

fn intent_of(action: &Action) -> Option<IntentStep> {
    Some(match action.direct_step(Side::Phone)? {
        WriteStep::Create { name, card } => {
            IntentStep::Create { pc: action.pc_item?, name: name.clone(), card: card.clone() }
        }
        // Only the PC keeps tombstones, and its writes need no intents.
        WriteStep::Revive { .. } => return None,
        WriteStep::Replace { item, expected, card, .. } => {
            IntentStep::Replace { item: *item, expected: *expected, card: card.clone() }
        }
        WriteStep::Delete { item, expected, .. } => IntentStep::Delete { item: *item, expected: *expected },
    })
}

fn write_of(step: &WriteStep) -> Write {
    match step {
        WriteStep::Create { name, card } => Write::Create { name: name.clone(), card: card.clone() },
        WriteStep::Revive { item, card } => Write::Revive { item: *item, card: card.clone() },
        WriteStep::Replace { item, expected, card, .. } => {
            Write::Replace { item: *item, expected: *expected, card: card.clone() }
        }
        WriteStep::Delete { item, expected, .. } => Write::Delete { item: *item, expected: *expected },
    }
}

fn acknowledged(outcome: Outcome) -> (Option<Ack>, ActionOutcome) {
    match outcome {
        Outcome::Done(ack) => (Some(ack), ActionOutcome::Done),
        Outcome::Stale => (None, ActionOutcome::Stale),
        Outcome::Refused(why) => (None, ActionOutcome::Refused(why)),
        Outcome::Unknown(why) => (None, ActionOutcome::Unknown(why)),
    }
}

/// What was read back takes the baseline's place, but for the fields that the baseline holds apart from what was
/// written: those stay.
fn renew(baseline: &mut Card, step: Option<&WriteStep>, ack: Option<&Ack>) {
    if let (Some(written), Some(held)) =
        (step.and_then(WriteStep::card), ack.and_then(|ack| ack.held.as_ref()))
    {
        *baseline = agreed_after_read_back(baseline, written, held);
    }
}

fn before(step: Option<&WriteStep>) -> Option<Card> {
    match step? {
        WriteStep::Create { .. } | WriteStep::Revive { .. } => None,
        WriteStep::Replace { before, .. } => Some(before.clone()),
        WriteStep::Delete { before, .. } => before.clone(),
    }
}

pub(super) fn open_conflicts(action: &Action) -> Vec<OpenConflict> {
    let mut open: Vec<OpenConflict> = action
        .open_conflicts()
        .map(|conflict| OpenConflict {
            link: action.link.unwrap_or(LinkId(0)),
            subject: action.subject.clone(),
            field: conflict.field.clone(),
            base: conflict.base.clone(),
            pc: conflict.pc.clone(),
            phone: conflict.phone.clone(),
        })
        .collect();
    open.sort_by(|left, right| left.field.cmp(&right.field));
    open
}

fn count(one: &Underway<'_>, summary: &mut Summary) {
    match one.outcome {
        ActionOutcome::Done => summary.count_action(one.action),
        ActionOutcome::NotStarted => {}
        ActionOutcome::Waits => summary.waiting += 1,
        _ => {
            summary.failed += 1;
            // The phone may have been written although the pair as a whole was not finished.
            summary.device_writes += usize::from(one.phone.is_some());
        }
    }
}
