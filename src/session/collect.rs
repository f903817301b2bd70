//! Collecting: both sides tell what changed since their states, and what moved is read.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::contact::{Baseline, Card, Projection, match_keys};
use crate::ics::SyncState;
use crate::plan::{
    AbsentContact, Held, Holds, LinkedCase, MatchingFacts, NewItem, Observations, Seen, SideFacts, Skipped,
    named_place,
};
use crate::provider::{
    Change, ChangeKind, ChangeSet, Fetched, ItemId, Ledger, Link, LinkId, OpenConflict, Provider,
    ProviderError, Revision,
};
use crate::relationship::Side;
use crate::report::{Event, Report};

use super::failure::Failure;
use super::run::{Parties, provider};
use super::states::States;

/// What a collection brought.
pub(super) struct Collected {
    /// For the planner.
    pub observations: Observations,
    /// The changes, to be recorded in the states when what they call for is done.
    pub pending: HashMap<(Side, ItemId), Change>,
    /// Sides of which a change was left out, because the item was not there when it was to be read.
    pub left_out: Vec<Side>,
    /// Whether a side was restored, so that baselines no longer count.
    pub restarted: bool,
    /// Links with open conflicts.
    pub waiting: HashMap<LinkId, Vec<OpenConflict>>,
}

/// A pair while its two sides are being filled in.
struct Draft {
    link: Link,
    pc: Option<Seen>,
    phone: Option<Seen>,
    place: String,
    /// What the phone's change was made from, if what was written there since was not in its author's view.
    made_from: Option<Card>,
}

struct Collector<'a, 'p> {
    parties: &'a mut Parties<'p>,
    drafts: BTreeMap<LinkId, Draft>,
    new_items: [Vec<NewItem>; 2],
    unusable: Vec<Skipped>,
    pending: HashMap<(Side, ItemId), Change>,
    left_out: Vec<Side>,
    /// Items of the phone that were not listed, where that proves nothing.
    absent: HashSet<ItemId>,
}

/// Asks both sides and reads what moved.
pub(super) fn collect(
    parties: &mut Parties<'_>,
    states: &States,
    compare_all: bool,
    report: &mut dyn Report,
) -> Result<Collected, Failure> {
    let links = parties.ledger.link_count()?;
    let mut collector = Collector {
        parties,
        drafts: BTreeMap::new(),
        new_items: [Vec::new(), Vec::new()],
        unusable: Vec::new(),
        pending: HashMap::new(),
        left_out: Vec::new(),
        absent: HashSet::new(),
    };
    let phone_set = collector.side(Side::Phone, states, report)?;
    if let Some(why) = phone_set.restarted.as_ref().filter(|_| links > 0) {
        report.event(&Event::Note(format!(
            "The phone is not as it was left: {why}. Everything is compared anew, and nothing is deleted."
        )));
    }
    collector.absent.extend(&phone_set.absent);
    let pc_set = collector.side(Side::Pc, states, report)?;
    let waiting = collector.waiting()?;
    for link in collector.parties.ledger.links_without_baseline()? {
        collector.draft(link);
    }
    let restarted = phone_set.restarted.is_some() || pc_set.restarted.is_some();
    if restarted {
        collector.take_in_unlinked()?;
    }
    let mut linked = collector.finish_drafts(restarted, &waiting)?;
    if compare_all {
        forget_one_sided(&mut linked, &collector.parties.phone.capabilities().projection);
    }
    collector.name_shared_uids()?;
    let absent = collector.absent_contacts(&phone_set.absent, &linked)?;
    let [new_phone, new_pc] = collector.new_items;
    let offered = collector.parties.phone.offered();
    let matching = matching_facts(collector.parties.ledger)?;
    let holds = holds(collector.parties)?;
    let phone = facts(collector.parties.phone, phone_set);
    let mut pc = facts(collector.parties.pc, pc_set);
    // The PC keeps every card in the dialect it came in.
    pc.dialect = None;
    Ok(Collected {
        observations: Observations {
            pc,
            phone,
            links,
            linked,
            new_pc,
            new_phone,
            unusable: collector.unusable,
            absent,
            offered,
            matching,
            holds,
        },
        pending: collector.pending,
        left_out: collector.left_out,
        restarted,
        waiting,
    })
}

fn holds(parties: &Parties<'_>) -> Result<Holds, Failure> {
    let mut holds = Holds::default();
    for held in parties.ledger.held()? {
        holds.pc.extend(held.pc);
        holds.phone.extend(held.phone);
    }
    Ok(holds)
}

/// What a person said and was asked before; the country is for whoever runs the session to add.
fn matching_facts(ledger: &dyn Ledger) -> Result<MatchingFacts, Failure> {
    Ok(MatchingFacts {
        country: None,
        decisions: ledger.match_decisions()?,
        asked_before: ledger.asked_pairs()?.iter().map(|pair| (pair.pc, pair.phone)).collect(),
    })
}

pub(super) fn facts(side: &dyn Provider, set: ChangeSet) -> SideFacts {
    let capabilities = side.capabilities();
    SideFacts {
        items: set.item_count,
        completeness: set.completeness,
        restarted: set.restarted,
        projection: capabilities.projection.clone(),
        dialect: Some(capabilities.dialect.clone()),
        card_bytes_max: capabilities.card_bytes_max,
        delivery: capabilities.delivery,
    }
}

impl Collector<'_, '_> {
    fn side(&mut self, side: Side, states: &States, report: &mut dyn Report) -> Result<ChangeSet, Failure> {
        report.event(&Event::Collecting(side));
        let mut set = provider(self.parties, side)
            .changes_since(states.of(side))
            .map_err(|error| Failure::Side { side, error })?;
        report.event(&Event::Collected { side, items: set.item_count, changes: set.changes.len() });
        for change in std::mem::take(&mut set.changes) {
            self.change(side, change, set.restarted.is_some())?;
        }
        Ok(set)
    }

    fn change(&mut self, side: Side, change: Change, restarted: bool) -> Result<(), Failure> {
        let item = change.item;
        let link = match side {
            Side::Phone => self.parties.ledger.link_of_phone(item)?,
            Side::Pc => self.parties.ledger.link_of_pc(item)?,
        };
        let agreed =
            link.as_ref().filter(|_| !restarted).and_then(|link| as_agreed(side, link, &change.kind));
        let seen = match (agreed, &change.kind) {
            (Some(held), _) => Seen::Unchanged(held),
            (None, ChangeKind::Put(_)) => match self.read(side, item)? {
                Some(seen) => seen,
                // It vanished between listing and reading: the next listing tells what became of it.
                None => {
                    self.left_out.push(side);
                    return Ok(());
                }
            },
            (None, ChangeKind::Unreadable(why)) => Seen::Unreadable(why.clone()),
            (None, ChangeKind::Deleted) => Seen::Deleted,
            (None, ChangeKind::Lost) => Seen::Lost,
        };
        let place = change.place.clone();
        match (link, seen) {
            (Some(link), seen) => {
                let made_from = self.made_from(side, item, &seen)?;
                let draft = self.draft(link);
                draft.made_from = draft.made_from.take().or(made_from);
                match side {
                    Side::Phone => {
                        draft.phone = Some(seen);
                        draft.place = place;
                    }
                    Side::Pc => draft.pc = Some(seen),
                }
            }
            (None, Seen::Changed(held) | Seen::Unchanged(held)) => {
                let index = usize::from(side == Side::Pc);
                if let Some(items) = self.new_items.get_mut(index) {
                    items.push(NewItem { item, held, place, same_uid: Vec::new() });
                }
            }
            (None, Seen::Unreadable(why)) => self.unusable.push(unusable(side, item, &place, why)),
            // A deletion of something that the other side never had: only to be recorded as heard.
            (None, Seen::Deleted | Seen::Lost | Seen::Absent) => {}
        }
        self.pending.insert((side, item), change);
        Ok(())
    }

    /// What is on the phone after a restart may have been there before: the PC's contacts without a partner take part
    /// in finding pairs, as at a first meeting, or those that came back would be doubled.
    fn take_in_unlinked(&mut self) -> Result<(), Failure> {
        let all = self.parties.pc.changes_since(&SyncState::empty()).map_err(Failure::pc)?;
        for change in all.changes {
            let is_told = self.pending.contains_key(&(Side::Pc, change.item));
            if !is_told && self.parties.ledger.link_of_pc(change.item)?.is_none() {
                self.change(Side::Pc, change, true)?;
            }
        }
        Ok(())
    }

    /// The open conflicts by their link; each such pair is looked at again.
    fn waiting(&mut self) -> Result<HashMap<LinkId, Vec<OpenConflict>>, Failure> {
        let mut waiting: HashMap<LinkId, Vec<OpenConflict>> = HashMap::new();
        for conflict in self.parties.ledger.open_conflicts()? {
            waiting.entry(conflict.link).or_default().push(conflict);
        }
        for id in waiting.keys() {
            if let Some(link) = self.parties.ledger.link(*id)? {
                self.draft(link);
            }
        }
        Ok(waiting)
    }

    /// The item's content now; `None` if it vanished since it was listed.
    fn read(&mut self, side: Side, item: ItemId) -> Result<Option<Seen>, Failure> {
        match provider(self.parties, side).fetch(item) {
            Ok(fetched) => Ok(Some(Seen::Changed(held(fetched)))),
            Err(ProviderError::Gone(_)) => Ok(None),
            Err(ProviderError::Item(why)) => Ok(Some(Seen::Unreadable(why))),
            Err(error) => Err(Failure::Side { side, error }),
        }
    }

    fn draft(&mut self, link: Link) -> &mut Draft {
        self.drafts.entry(link.id).or_insert_with(|| Draft {
            link,
            pc: None,
            phone: None,
            place: String::new(),
            made_from: None,
        })
    }

    /// Fills in the sides that did not move.
    fn finish_drafts(
        &mut self,
        restarted: bool,
        waiting: &HashMap<LinkId, Vec<OpenConflict>>,
    ) -> Result<Vec<LinkedCase>, Failure> {
        let drafts = std::mem::take(&mut self.drafts);
        let mut cases = Vec::with_capacity(drafts.len());
        for (id, draft) in drafts {
            let Draft { mut link, pc, phone, mut place, made_from } = draft;
            let pc = match pc {
                Some(seen) => seen,
                None => self.still_on_pc(link.pc)?,
            };
            let phone = match phone {
                Some(seen) => seen,
                None if self.absent.contains(&link.phone) => Seen::Absent,
                None => self.still_on_phone(&link)?,
            };
            if place.is_empty() {
                place = self.parties.phone.place(link.phone);
            }
            let pc = match (pc, made_from) {
                // What the PC had written there since counts as still to come.
                (Seen::Unchanged(held), Some(before)) => {
                    link.base = Some(Baseline { pc: before.clone(), phone: before });
                    Seen::Changed(held)
                }
                (pc, Some(before)) => {
                    link.base = Some(Baseline { pc: before.clone(), phone: before });
                    pc
                }
                (pc, None) => pc,
            };
            if restarted {
                link.base = None;
            }
            let conflicts = waiting.get(&id).cloned().unwrap_or_default();
            let same_uid = match (&phone, pc.held()) {
                // It may be put back, under a name of its own.
                (Seen::Deleted | Seen::Lost, Some(held)) => {
                    others_with_uid(&*self.parties.pc, link.pc, &held.card)?
                }
                _ => Vec::new(),
            };
            cases.push(LinkedCase { link, pc, phone, conflicts, place, same_uid });
        }
        Ok(cases)
    }

    fn made_from(&mut self, side: Side, item: ItemId, seen: &Seen) -> Result<Option<Card>, Failure> {
        match (side, seen) {
            (Side::Phone, Seen::Changed(_) | Seen::Deleted) => {
                self.parties.phone.made_from(item).map_err(Failure::phone)
            }
            _ => Ok(None),
        }
    }

    /// The linked contacts that the phone did not list and that are still on the PC.
    fn absent_contacts(
        &mut self,
        absent: &[ItemId],
        linked: &[LinkedCase],
    ) -> Result<Vec<AbsentContact>, Failure> {
        let gone: HashSet<ItemId> =
            linked.iter().filter(|case| case.pc.held().is_none()).map(|case| case.link.phone).collect();
        let mut contacts = Vec::new();
        for item in absent.iter().filter(|item| !gone.contains(item)) {
            let Some(link) = self.parties.ledger.link_of_phone(*item)? else { continue };
            let Some(base) = &link.base else { continue };
            let name = match self.parties.pc.fetch(link.pc) {
                Ok(fetched) => fetched.card.display_name(),
                Err(_) => base.pc.display_name(),
            };
            contacts.push(AbsentContact { name, keys: match_keys(&base.phone), phone: *item });
        }
        contacts.sort_by_cached_key(|contact| contact.name.clone());
        Ok(contacts)
    }

    fn still_on_pc(&mut self, item: ItemId) -> Result<Seen, Failure> {
        match self.parties.pc.fetch(item) {
            Ok(fetched) => Ok(Seen::Unchanged(held(fetched))),
            Err(ProviderError::Gone(_)) => Ok(Seen::Deleted),
            Err(ProviderError::Item(why)) => Ok(Seen::Unreadable(why)),
            Err(error) => Err(Failure::pc(error)),
        }
    }

    /// A phone's item that did not move holds what its baseline says, so it need not be read.
    fn still_on_phone(&mut self, link: &Link) -> Result<Seen, Failure> {
        let known = self.parties.phone.known_revision(link.phone);
        if let (Some(known), Some(base)) = (known, &link.base)
            && Revision::of(base.phone.as_bytes()) == known
        {
            let card = base.phone.clone();
            return Ok(Seen::Unchanged(Held { card, revision: known, modified_ms: None }));
        }
        match self.parties.phone.fetch(link.phone) {
            Ok(fetched) => Ok(Seen::Unchanged(held(fetched))),
            Err(ProviderError::Gone(_)) => {
                Ok(Seen::Unreadable(String::from("it is not where it was; the next session looks again")))
            }
            Err(ProviderError::Item(why)) => Ok(Seen::Unreadable(why)),
            Err(error) => Err(Failure::phone(error)),
        }
    }

    /// Finds out which new items share a UID with another item of their own side.
    fn name_shared_uids(&mut self) -> Result<(), Failure> {
        for (index, items) in self.new_items.iter_mut().enumerate() {
            let mut holders: HashMap<String, Vec<usize>> = HashMap::new();
            for (position, new) in items.iter().enumerate() {
                if let Some(uid) = new.held.card.uid() {
                    holders.entry(uid).or_default().push(position);
                }
            }
            for positions in holders.values().filter(|positions| positions.len() > 1) {
                let names: Vec<String> = positions
                    .iter()
                    .filter_map(|position| items.get(*position))
                    .map(|new| named_place(&new.held.card.display_name(), &new.place))
                    .collect();
                for (own, position) in positions.iter().enumerate() {
                    if let Some(new) = items.get_mut(*position) {
                        new.same_uid = others(&names, own);
                    }
                }
            }
            if index == 1 {
                for new in items.iter_mut().filter(|new| new.same_uid.is_empty()) {
                    new.same_uid = others_with_uid(&*self.parties.pc, new.item, &new.held.card)?;
                }
            }
        }
        Ok(())
    }
}

/// What one side alone held while nothing was written to the other stands in the baseline as agreed. Under another
/// mode it may have to travel, so such a pair is compared as at its first meeting.
fn forget_one_sided(linked: &mut [LinkedCase], projection: &Projection) {
    for case in linked.iter_mut().filter(|case| case.conflicts.is_empty()) {
        case.link
            .base
            .take_if(|base| projection.fingerprint(&base.pc) != projection.fingerprint(&base.phone));
    }
}

/// The content, if the change is one to what both sides agreed on: an edit that was taken back, or one told again.
/// It is none, and need not be read.
fn as_agreed(side: Side, link: &Link, kind: &ChangeKind) -> Option<Held> {
    let base = link.base.as_ref()?;
    let card = match side {
        Side::Phone => &base.phone,
        Side::Pc => &base.pc,
    };
    let revision = Revision::of(card.as_bytes());
    (*kind == ChangeKind::Put(revision)).then(|| Held { card: card.clone(), revision, modified_ms: None })
}

/// The PC's other contacts with the UID of this card, as a person is told of them.
fn others_with_uid(pc: &dyn Provider, item: ItemId, card: &Card) -> Result<Vec<String>, Failure> {
    let Some(uid) = card.uid() else { return Ok(Vec::new()) };
    let holders = pc.holders_of_uid(&uid).map_err(Failure::pc)?;
    Ok(holders
        .into_iter()
        .filter(|(other, _)| *other != item)
        .map(|(_, name)| named_place(&name, ""))
        .collect())
}

fn others(names: &[String], own: usize) -> Vec<String> {
    names.iter().enumerate().filter(|(index, _)| *index != own).map(|(_, name)| name.clone()).collect()
}

pub(super) fn held(fetched: Fetched) -> Held {
    Held { card: fetched.card, revision: fetched.revision, modified_ms: fetched.modified_ms }
}

fn unusable(side: Side, item: ItemId, place: &str, why: String) -> Skipped {
    Skipped {
        side,
        item,
        partner: None,
        subject: String::from(place),
        why,
        remedy: String::from("mend or delete it there; it is looked at again in every session"),
    }
}
