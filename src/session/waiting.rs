//! What is wanted on a phone that this session does not write: it waits until the phone was seen to have it. The PC's
//! change stays untold in the state, so that every session finds it again; nothing else remembers it.

use crate::plan::{Action, Headline, PairAfter, Plan, WriteStep};
use crate::provider::{Confirmation, Delivery, ItemId, Offer};
use crate::relationship::Side;
use crate::report::{Event, Report, Summary};

use super::apply::{Applier, Underway, open_conflicts};
use super::failure::Failure;

impl Applier<'_, '_> {
    /// The facts of an action that waits: the phone's part of it was heard, the PC's was not.
    pub(super) fn confirmation_of_waiting(
        &mut self,
        one: &Underway<'_>,
        mut facts: Confirmation,
    ) -> Option<Confirmation> {
        let action = one.action;
        self.release_former(action);
        match (&action.after, action.pc_item, action.phone_item) {
            (PairAfter::Linked { baseline }, Some(pc), Some(phone)) => {
                self.advance(Side::Phone, action, None);
                let pc = one.pc.as_ref().map_or(pc, |ack| ack.item);
                facts.link = Some((action.link, pc, phone, Some(baseline.clone())));
                self.states.record_given(Side::Pc, pc);
                self.states.record_given(Side::Phone, phone);
            }
            (PairAfter::Unlinked, ..) => {
                self.advance(Side::Phone, action, None);
                facts.unlink = action.link;
            }
            _ => {}
        }
        let had_conflicts = action.link.is_some_and(|link| self.waiting.contains_key(&link));
        if had_conflicts || !action.conflicts.is_empty() {
            facts.conflicts = Some(open_conflicts(action));
            facts.sides = self.sides(one);
        }
        Some(facts)
    }

    /// Whether a decision is open that may make the PC's change one that waits: then the PC's change stays untold as well.
    pub(super) fn is_conflict_by_hand(&self, action: &Action) -> bool {
        let is_direct = self.parties.phone.capabilities().delivery == Delivery::Direct;
        !is_direct && action.open_conflicts().next().is_some()
    }

    /// A contact that is gone on both sides is known no more, should the phone show it again.
    pub(super) fn release(&mut self, action: &Action) {
        if let Some(item) = action.phone_item {
            self.release_item(item);
        }
    }

    /// A pair that goes on with another item of the phone leaves the one that is missing there.
    pub(super) fn release_former(&mut self, action: &Action) {
        let (Some(link), Some(now)) = (action.link, action.phone_item) else { return };
        // A memory that cannot tell fails where the action is confirmed.
        let former = self.parties.ledger.link(link).ok().flatten().map(|known| known.phone);
        if let Some(former) = former.filter(|former| *former != now) {
            self.release_item(former);
        }
    }

    fn release_item(&mut self, item: ItemId) {
        if let Some(number) = self.parties.phone.release(item) {
            self.states.record_deleted(Side::Phone, item, number);
        }
    }

    /// Leaves the contacts that are new for the phone where a person finds them there. Called in every session with
    /// such a phone: what was taken in since is cleared away.
    pub(super) fn hand_over(
        &mut self,
        plan: &Plan,
        summary: &mut Summary,
        report: &mut dyn Report,
    ) -> Result<(), Failure> {
        let by_hand = self.parties.phone.capabilities().delivery == Delivery::ByHand;
        if !by_hand || !self.options.relationship.writes_to(Side::Phone) {
            return Ok(());
        }
        let offers: Vec<Offer> = plan.actions.iter().filter_map(offer).collect();
        let handed = self.parties.phone.hand_over(&offers).map_err(Failure::phone)?;
        summary.offered = handed.offered;
        for note in handed.notes {
            report.event(&Event::Note(note));
        }
        Ok(())
    }
}

fn offer(action: &Action) -> Option<Offer> {
    match (&action.phone, action.headline) {
        (Some(WriteStep::Create { card, .. }), Headline::Create(Side::Phone)) if action.waits() => {
            Some(Offer { pc: action.pc_item?, card: card.clone() })
        }
        _ => None,
    }
}
