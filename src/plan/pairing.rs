//! Pairing items that no link knows: what a person said, then what is the same by its points. Where a person has to be
//! asked, neither of the two is copied to the other side until then.
//!
//! A phone that takes contacts by hand only is the exception: there both go their ways, and the likeness is told. Its
//! contacts are known by what they say and not by a file, so that one without a partner is another item after each
//! edit; a question about it could never be answered for good, and meanwhile it would be in no file to be opened.

use std::collections::{HashMap, HashSet};

use crate::contact::{
    Candidate, Fingerprint, MatchKeys, Projection, evidence_words, match_cards, match_keys, with_country,
};
use crate::provider::{AskedPair, ItemId, MatchAnswer};

use super::action::{Likeness, Reason};
use super::observation::{MatchingFacts, NewItem};

/// What pairing goes by.
#[derive(Clone, Copy)]
pub(super) struct Pairing<'a> {
    /// The PC's items that were offered to the phone.
    pub offered: &'a [ItemId],
    /// What the phone can hold.
    pub projection: &'a Projection,
    /// The country and the decisions.
    pub facts: &'a MatchingFacts,
    /// Whether those who may be one are held until a person answered.
    pub holds: bool,
}

/// New items, paired where they are the same contact.
pub(super) struct Paired {
    /// PC item, phone item, why they are one.
    pub pairs: Vec<(NewItem, NewItem, Reason)>,
    /// PC items without a partner.
    pub only_pc: Vec<NewItem>,
    /// Phone items without a partner.
    pub only_phone: Vec<NewItem>,
    /// Who may be one and is in no other list.
    pub asked: Vec<AskedPair>,
    /// Sentences about likely and doubled contacts.
    pub notes: Vec<String>,
}

/// Pairs one to one; an item that could go with two others stays alone or is asked about.
pub(super) fn pair(new_pc: Vec<NewItem>, new_phone: Vec<NewItem>, rule: &Pairing<'_>) -> Paired {
    let mut notes = same_uid_notes(&new_pc, "PC", |item| rule.was_asked(|pair| pair.0 == item));
    notes.extend(same_uid_notes(&new_phone, "phone", |item| rule.was_asked(|pair| pair.1 == item)));
    let mut open = Open {
        pc: new_pc.into_iter().map(Some).collect(),
        phone: new_phone.into_iter().map(Some).collect(),
        pairs: Vec::new(),
    };
    let mut asked = Vec::new();
    if !open.pc.is_empty() && !open.phone.is_empty() {
        open.take_decided(rule.facts);
        let candidates = open.take_alike(rule.facts);
        open.take_offered(rule.offered, rule.projection);
        asked = open.asked(candidates);
    }
    if rule.holds {
        let held: HashSet<(bool, ItemId)> =
            asked.iter().flat_map(|pair| [(true, pair.pc), (false, pair.phone)]).collect();
        open.pc.retain(|item| item.as_ref().is_some_and(|new| !held.contains(&(true, new.item))));
        open.phone.retain(|item| item.as_ref().is_some_and(|new| !held.contains(&(false, new.item))));
    } else {
        notes.extend(asked.drain(..).map(|pair| likely_note(&pair)));
    }
    Paired {
        pairs: open.pairs,
        only_pc: open.pc.into_iter().flatten().collect(),
        only_phone: open.phone.into_iter().flatten().collect(),
        asked,
        notes,
    }
}

impl Pairing<'_> {
    fn was_asked(&self, is_meant: impl Fn(&(ItemId, ItemId)) -> bool) -> bool {
        self.facts.asked_before.iter().any(is_meant)
    }
}

/// Items that have no partner yet, and the pairs that were found.
struct Open {
    pc: Vec<Option<NewItem>>,
    phone: Vec<Option<NewItem>>,
    pairs: Vec<(NewItem, NewItem, Reason)>,
}

impl Open {
    /// Pairs what a person said is one.
    fn take_decided(&mut self, facts: &MatchingFacts) {
        let said = facts.decisions.iter().filter(|decision| decision.answer == MatchAnswer::Same);
        let edges: Vec<(ItemId, ItemId)> = said.map(|decision| (decision.pc, decision.phone)).collect();
        if edges.is_empty() {
            return;
        }
        let (pc, phone) = (places(&self.pc), places(&self.phone));
        for (one, other) in edges {
            if let (Some(one), Some(other)) = (pc.get(&one), phone.get(&other)) {
                self.take(*one, *other, Reason::SaidSame);
            }
        }
    }

    /// Pairs what is the same by its points, and hands back what is to be asked, by index.
    fn take_alike(&mut self, facts: &MatchingFacts) -> Vec<Candidate> {
        let said = facts.decisions.iter().filter(|decision| decision.answer == MatchAnswer::Different);
        let apart: HashSet<(ItemId, ItemId)> = said.map(|decision| (decision.pc, decision.phone)).collect();
        // Whoever has a partner already is compared with nobody: no keys, no pairs.
        let keys = |items: &[Option<NewItem>]| -> Vec<MatchKeys> {
            let keys = |new: &NewItem| match_keys(&new.held.card);
            items.iter().map(|item| item.as_ref().map(keys).unwrap_or_default()).collect()
        };
        let (mut pc_keys, mut phone_keys) = (keys(&self.pc), keys(&self.phone));
        with_country(&mut pc_keys, &mut phone_keys, facts.country);
        let item_at = |items: &[Option<NewItem>], index: usize| {
            items.get(index).and_then(|item| item.as_ref().map(|new| new.item))
        };
        let is_apart = |pc: usize, phone: usize| {
            !apart.is_empty()
                && item_at(&self.pc, pc)
                    .zip(item_at(&self.phone, phone))
                    .is_some_and(|pair| apart.contains(&pair))
        };
        let matching = match_cards(&pc_keys, &phone_keys, &is_apart);
        for Candidate { left, right, score, reasons } in matching.pairs {
            self.take(left, right, Reason::Alike(Likeness::new(score, &reasons)));
        }
        matching.asked
    }

    /// What was offered to the phone and is there now exactly as the phone can hold it, if it can be no other.
    fn take_offered(&mut self, offered: &[ItemId], projection: &Projection) {
        let mut places: HashMap<Fingerprint, (Vec<usize>, Vec<usize>)> = HashMap::new();
        for (index, item) in self.pc.iter().enumerate() {
            if let Some(item) = item.as_ref().filter(|item| offered.contains(&item.item)) {
                places.entry(projection.fingerprint(&item.held.card)).or_default().0.push(index);
            }
        }
        if places.is_empty() {
            return;
        }
        for (index, item) in self.phone.iter().enumerate() {
            let Some(item) = item else { continue };
            if let Some(found) = places.get_mut(&projection.fingerprint(&item.held.card)) {
                found.1.push(index);
            }
        }
        for (offers, arrivals) in places.values() {
            if let ([offer], [arrival]) = (offers.as_slice(), arrivals.as_slice()) {
                self.take(*offer, *arrival, Reason::SameAsOffered);
            }
        }
    }

    fn take(&mut self, pc: usize, phone: usize, reason: Reason) {
        if let (Some(left), Some(right)) = (self.pc.get_mut(pc), self.phone.get_mut(phone))
            && left.is_some()
            && right.is_some()
        {
            self.pairs.extend(left.take().zip(right.take()).map(|(left, right)| (left, right, reason)));
        }
    }

    /// The candidates of which neither has found a partner.
    fn asked(&self, candidates: Vec<Candidate>) -> Vec<AskedPair> {
        let asked = candidates.into_iter().filter_map(|Candidate { left, right, score, reasons }| {
            let (pc, phone) = (self.pc.get(left)?.as_ref()?, self.phone.get(right)?.as_ref()?);
            Some(AskedPair {
                pc: pc.item,
                phone: phone.item,
                score,
                reasons,
                place: phone.place.clone(),
                pc_card: pc.held.card.clone(),
                phone_card: phone.held.card.clone(),
            })
        });
        let mut asked: Vec<AskedPair> = asked.collect();
        asked.sort_by_key(|pair| (pair.pc, pair.phone));
        asked
    }
}

fn places(items: &[Option<NewItem>]) -> HashMap<ItemId, usize> {
    let places = items.iter().enumerate();
    places.filter_map(|(index, item)| item.as_ref().map(|new| (new.item, index))).collect()
}

fn likely_note(pair: &AskedPair) -> String {
    format!(
        "“{}” on the PC and “{}” on the phone may be one person ({}); they are kept apart.",
        pair.pc_card.display_name(),
        pair.phone_card.display_name(),
        evidence_words(&pair.reasons)
    )
}

/// One sentence for all that carry one UID. `was_told` are items that an earlier session told of.
fn same_uid_notes(items: &[NewItem], side: &str, was_told: impl Fn(ItemId) -> bool) -> Vec<String> {
    let mut told: HashSet<String> = HashSet::new();
    let mut notes = Vec::new();
    for item in items.iter().filter(|item| !item.same_uid.is_empty()) {
        let is_new = item.held.card.uid().is_none_or(|uid| told.insert(uid));
        if !is_new || was_told(item.item) {
            continue;
        }
        let name = named_place(&item.held.card.display_name(), &item.place);
        notes.push(format!(
            "{name} on the {side} has the same UID as {}; all are kept as separate contacts.",
            item.same_uid.join(", ")
        ));
    }
    notes
}

/// An item as a person is told of it: “Ada Example” (Card/ada.vcf).
#[must_use]
pub fn named_place(name: &str, place: &str) -> String {
    if place.is_empty() { format!("“{name}”") } else { format!("“{name}” ({place})") }
}
