//! Settling what an interrupted session left: writes that were noted and never acknowledged.

use crate::contact::Baseline;
use crate::provider::{Confirmation, Intent, IntentStep, ItemId, Ledger, Recovered};
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
