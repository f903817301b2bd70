//! Settling what an interrupted session left: writes that were noted and never acknowledged.

use crate::contact::{Baseline, Card, ConflictPolicy, MergeInput, Projection, merge};
use crate::provider::{Confirmation, Intent, IntentStep, ItemId, Ledger, Recovered, Revision};
use crate::relationship::Side;

use super::failure::Failure;
use super::run::Parties;
use super::states::States;

/// Reads back every open intent, finishes or removes what it left, and clears it.
pub(super) fn settle(
    parties: &mut Parties<'_>,
    intents: &[Intent],
    states: &mut States,
) -> Result<(), Failure> {
    let steps: Vec<IntentStep> = intents.iter().map(|intent| intent.step.clone()).collect();
    let answers = parties.phone.settle(&steps).map_err(Failure::phone)?;
    let ledger = parties.ledger;
    ledger.begin()?;
    let stored = store(parties, intents, &answers, states);
    match stored {
        Ok(()) => Ok(ledger.commit()?),
        Err(failure) => {
            ledger.roll_back()?;
            Err(failure)
        }
    }
}

fn store(
    parties: &mut Parties<'_>,
    intents: &[Intent],
    answers: &[Recovered],
    states: &mut States,
) -> Result<(), Failure> {
    let projection = parties.phone.capabilities().projection.clone();
    for (intent, answer) in intents.iter().zip(answers) {
        let mut facts = Confirmation { intent: Some(intent.id), ..Confirmation::default() };
        if let IntentStep::Create { pc, card, .. } = &intent.step {
            match answer {
                // The phone holds exactly what was sent: as if the acknowledgement had come.
                Recovered::AsIntended(item, cn) => {
                    let baseline = Baseline { pc: card.clone(), phone: card.clone() };
                    facts.link = link_of(parties.ledger, *pc, *item, Some(baseline))?;
                    states.record(Side::Phone, *item, *cn);
                    states.record_given(Side::Pc, *pc);
                }
                // Something else stands there: joined, and compared without taking anything as removed.
                Recovered::There(item) => facts.link = link_of(parties.ledger, *pc, *item, None)?,
                Recovered::NotHappened => {}
            }
        }
        if let (IntentStep::Replace { expected, card, .. }, Recovered::AsIntended(item, cn)) =
            (&intent.step, answer)
        {
            facts.link = link_as_sent(parties.ledger, *item, *expected, card, &projection)?;
            if facts.link.is_some() {
                states.record(Side::Phone, *item, *cn);
            }
        }
        parties.ledger.confirm(intent.session, std::slice::from_ref(&facts))?;
    }
    parties.phone.keep_observations().map_err(Failure::phone)?;
    states.store(parties.ledger)?;
    Ok(())
}

type LinkFact = Option<(Option<crate::provider::LinkId>, ItemId, ItemId, Option<Baseline>)>;

/// The link to store, unless the phone's item already belongs to another contact.
fn link_of(
    ledger: &dyn Ledger,
    pc: ItemId,
    phone: ItemId,
    base: Option<Baseline>,
) -> Result<LinkFact, Failure> {
    if ledger.link_of_phone(phone)?.is_some() {
        return Ok(None);
    }
    let earlier = ledger.link_of_pc(pc)?.map(|link| link.id);
    Ok(Some((earlier, pc, phone, base)))
}

/// The link of an item that holds what was sent, if all of that came from the PC: what was replaced was what both agreed
/// on. Both agree on what was sent then, and it is no edit of the phone's owner that a deletion or another edit on the PC
/// would clash with. Where the phone had an edit of its own the PC may lack that still, and it must be told again.
fn link_as_sent(
    ledger: &dyn Ledger,
    item: ItemId,
    expected: Revision,
    sent: &Card,
    projection: &Projection,
) -> Result<LinkFact, Failure> {
    let Some(link) = ledger.link_of_phone(item)? else { return Ok(None) };
    let Some(base) = link.base.filter(|base| Revision::of(base.phone.as_bytes()) == expected) else {
        return Ok(None);
    };
    // An undo writes both sides, and holds what it touches until a person decides.
    if ledger.held()?.iter().any(|held| held.phone == Some(item) || held.pc == Some(link.pc)) {
        return Ok(None);
    }
    // The journal does not keep the PC's card. As far as the phone can hold it, it was what they agreed on with the
    // change that was sent; left as it was, an edit there that is taken back since would be none.
    let agreed = merge(&MergeInput {
        base: Some(&base),
        pc: &base.pc,
        phone: sent,
        projection,
        policy: ConflictPolicy::Hold,
        newest: None,
    });
    if !agreed.conflicts.is_empty() {
        return Ok(None);
    }
    let base = Baseline { pc: agreed.pc, phone: sent.clone() };
    Ok(Some((Some(link.id), link.pc, item, Some(base))))
}
