//! The look before an undo: what became of each contact that a past session touched. It asks both sides and reads only what
//! the memory cannot tell; what is to be done about it, `plan::undo` decides.

use std::collections::BTreeSet;

use crate::contact::{Baseline, Card};
use crate::plan::{
    Held, Holds, MatchingFacts, Observations, Seen, SideCase, Skipped, UndoCase, UndoObservations,
};
use crate::provider::{ActionRow, Completeness, ItemId, Link, ProviderError, Revision, SessionId};
use crate::relationship::Side;
use crate::report::{Event, Report};

use super::collect::{facts, held};
use super::failure::Failure;
use super::run::{Parties, provider};
use super::states::States;

/// A past session that is to be taken back.
#[derive(Clone)]
pub struct Undo {
    /// Its number.
    pub session: SessionId,
    /// What its actions did.
    pub actions: Vec<ActionRow>,
    /// It was an undo itself.
    pub is_redo: bool,
}

/// Looks at what became of the session's contacts.
pub(super) fn look(
    parties: &mut Parties<'_>,
    states: &States,
    undo: &Undo,
    report: &mut dyn Report,
) -> Result<UndoObservations, Failure> {
    let links = parties.ledger.link_count()?;
    let mut sides = Vec::with_capacity(2);
    for side in [Side::Phone, Side::Pc] {
        report.event(&Event::Collecting(side));
        let set = provider(parties, side)
            .changes_since(states.of(side))
            .map_err(|error| Failure::Side { side, error })?;
        report.event(&Event::Collected { side, items: set.item_count, changes: set.changes.len() });
        if let Some(why) = &set.restarted {
            return Err(Failure::CannotUndo(format!(
                "the {} is not as it was left ({why}), so that what a session did there cannot be told from what came later",
                side.words()
            )));
        }
        sides.push(facts(provider(parties, side), set));
    }
    let (Some(pc), Some(phone)) = (sides.pop(), sides.pop()) else {
        return Err(Failure::CannotUndo(String::from("a side gave no answer")));
    };
    let is_whole = !matches!(phone.completeness, Completeness::Incomplete(_));
    let mut looker = Looker { parties, skipped: Vec::new(), taken: BTreeSet::new() };
    let mut cases = Vec::new();
    // An incomplete listing stops the plan anyway.
    for action in undo.actions.iter().filter(|_| is_whole) {
        cases.extend(looker.case(action)?);
    }
    let observations = Observations {
        pc,
        phone,
        links,
        linked: Vec::new(),
        new_pc: Vec::new(),
        new_phone: Vec::new(),
        unusable: looker.skipped,
        absent: Vec::new(),
        offered: Vec::new(),
        matching: MatchingFacts::default(),
        holds: Holds::default(),
    };
    Ok(UndoObservations { session: undo.session.0, is_redo: undo.is_redo, sides: observations, cases })
}

struct Looker<'a, 'p> {
    parties: &'a mut Parties<'p>,
    skipped: Vec<Skipped>,
    /// Items of the PC and the phone that have their case.
    taken: BTreeSet<(Side, ItemId)>,
}

impl Looker<'_, '_> {
    fn case(&mut self, action: &ActionRow) -> Result<Option<UndoCase>, Failure> {
        let written = [
            written(&action.phone_before, &action.phone_after),
            written(&action.pc_before, &action.pc_after),
        ];
        let joined = action.outcome == "done" && matches!(action.kind.as_str(), "create" | "match");
        if written.iter().all(Option::is_none) && !joined && action.kind != "set-back" {
            return Ok(None);
        }
        let [phone_written, pc_written] = written;
        let pc = self.seen(Side::Pc, action.pc_item, pc_written.as_ref(), None)?;
        let phone =
            self.seen(Side::Phone, action.phone_item, phone_written.as_ref(), action.base.as_ref())?;
        let mut pc = SideCase { item: action.pc_item, now: pc, written: pc_written };
        let mut phone = SideCase { item: action.phone_item, now: phone, written: phone_written };
        let Some(link) = self.link_of(action, &mut pc, &mut phone)? else { return Ok(None) };
        if let Some(skipped) = unreadable(action, &pc, &phone) {
            self.skipped.push(skipped);
            return Ok(None);
        }
        let items = [(Side::Pc, pc.item), (Side::Phone, phone.item)];
        let items: Vec<_> = items.into_iter().filter_map(|(side, item)| Some((side, item?))).collect();
        if items.iter().any(|item| self.taken.contains(item)) {
            return Ok(None);
        }
        self.taken.extend(items);
        let place = action.phone_item.map(|item| self.parties.phone.place(item)).unwrap_or_default();
        Ok(Some(UndoCase {
            subject: action.subject.clone(),
            joined,
            link,
            base: action.base.clone(),
            pc,
            phone,
            name: stem(&place),
        }))
    }

    /// The pair's link as it is now, the items with it; the outer `None` if the items belong to others by now.
    #[expect(clippy::option_option, reason = "no link is an answer")]
    fn link_of(
        &mut self,
        action: &ActionRow,
        pc: &mut SideCase,
        phone: &mut SideCase,
    ) -> Result<Option<Option<Link>>, Failure> {
        let ledger = self.parties.ledger;
        let by_pc = action.pc_item.map(|item| ledger.link_of_pc(item)).transpose()?.flatten();
        let by_phone = action.phone_item.map(|item| ledger.link_of_phone(item)).transpose()?.flatten();
        let link = match (by_pc, by_phone) {
            (Some(one), Some(other)) if one.id != other.id => {
                self.skipped.push(regrouped(action));
                return Ok(None);
            }
            (Some(link), _) | (None, Some(link)) => link,
            (None, None) => return Ok(Some(None)),
        };
        // The pair may go on with another item, where the one of then is gone.
        for (side, case, now) in [(Side::Pc, pc, link.pc), (Side::Phone, phone, link.phone)] {
            if case.item == Some(now) {
                continue;
            }
            if case.held_card().is_some() {
                self.skipped.push(regrouped(action));
                return Ok(None);
            }
            case.item = Some(now);
            case.now = self.seen(side, Some(now), case.written.as_ref(), link.base.as_ref())?;
        }
        Ok(Some(Some(link)))
    }

    /// What an item holds now; read only if no content is at hand that has its revision.
    fn seen(
        &mut self,
        side: Side,
        item: Option<ItemId>,
        written: Option<&(Option<Card>, Option<Card>)>,
        base: Option<&Baseline>,
    ) -> Result<Option<Seen>, Failure> {
        let Some(item) = item else { return Ok(None) };
        let linked = match side {
            Side::Phone => self.parties.ledger.link_of_phone(item)?.and_then(|link| link.base),
            Side::Pc => None,
        };
        let provider = provider(self.parties, side);
        let at_hand =
            written.into_iter().flat_map(|(before, after)| [after.as_ref(), before.as_ref()]).flatten();
        let at_hand =
            at_hand.chain(base.map(|base| &base.phone)).chain(linked.as_ref().map(|base| &base.phone));
        if let Some(revision) = provider.known_revision(item)
            && let Some(card) = at_hand.into_iter().find(|card| Revision::of(card.as_bytes()) == revision)
        {
            return Ok(Some(Seen::Unchanged(Held { card: card.clone(), revision, modified_ms: None })));
        }
        Ok(Some(match provider.fetch(item) {
            Ok(fetched) => Seen::Unchanged(held(fetched)),
            Err(ProviderError::Gone(_)) => Seen::Deleted,
            Err(ProviderError::Item(why)) => Seen::Unreadable(why),
            Err(error) => return Err(Failure::Side { side, error }),
        }))
    }
}

impl SideCase {
    fn held_card(&self) -> Option<&Card> {
        self.now.as_ref().and_then(Seen::held).map(|held| &held.card)
    }
}

/// What the session did to a side; `None` if it did not write it.
fn written(before: &Option<Card>, after: &Option<Card>) -> Option<(Option<Card>, Option<Card>)> {
    (before.is_some() || after.is_some()).then(|| (before.clone(), after.clone()))
}

fn unreadable(action: &ActionRow, pc: &SideCase, phone: &SideCase) -> Option<Skipped> {
    let sides = [(Side::Phone, phone, pc), (Side::Pc, pc, phone)];
    sides.into_iter().find_map(|(side, case, other)| match (&case.now, case.item) {
        (Some(Seen::Unreadable(why)), Some(item)) => Some(Skipped {
            side,
            item,
            partner: other.item,
            subject: action.subject.clone(),
            why: why.clone(),
            remedy: String::from("mend or delete it there, then undo again; until then it stays as it is"),
        }),
        _ => None,
    })
}

fn regrouped(action: &ActionRow) -> Skipped {
    let item = action.pc_item.or(action.phone_item).unwrap_or(ItemId(0));
    Skipped {
        side: if action.pc_item.is_some() { Side::Pc } else { Side::Phone },
        item,
        partner: action.phone_item,
        subject: action.subject.clone(),
        why: String::from("it belongs to another contact of the other side since"),
        remedy: String::from("tetherbook history shows what it was, tetherbook restore brings that back"),
    }
}

/// The name of a card file without folder and extension; empty for anything else.
fn stem(place: &str) -> String {
    let name = place.rsplit('/').next().unwrap_or_default();
    match name.rsplit_once('.') {
        Some((stem, extension)) if extension.eq_ignore_ascii_case("vcf") => stem.to_owned(),
        _ => String::new(),
    }
}
