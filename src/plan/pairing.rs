//! Pairing items that no link knows: the strong rule joins, a weak likeness is only told.

use std::collections::HashMap;

use crate::contact::{Fingerprint, MatchKeys, Projection, match_cards, match_keys};
use crate::provider::ItemId;

use super::action::Reason;
use super::observation::NewItem;

/// New items, paired where they are the same contact.
pub(super) struct Paired {
    /// PC item, phone item, why they are one.
    pub pairs: Vec<(NewItem, NewItem, Reason)>,
    /// PC items without a partner.
    pub only_pc: Vec<NewItem>,
    /// Phone items without a partner.
    pub only_phone: Vec<NewItem>,
    /// Sentences about likely and doubled contacts.
    pub notes: Vec<String>,
}

/// Pairs one to one; an item that could go with two others stays alone.
pub(super) fn pair(
    new_pc: Vec<NewItem>,
    new_phone: Vec<NewItem>,
    offered: &[ItemId],
    projection: &Projection,
) -> Paired {
    let mut notes = same_uid_notes(&new_pc, "PC");
    notes.extend(same_uid_notes(&new_phone, "phone"));
    if new_pc.is_empty() || new_phone.is_empty() {
        return Paired { pairs: Vec::new(), only_pc: new_pc, only_phone: new_phone, notes };
    }
    let keys = |items: &[NewItem]| -> Vec<MatchKeys> {
        items.iter().map(|item| match_keys(&item.held.card)).collect()
    };
    let (pc_keys, phone_keys) = (keys(&new_pc), keys(&new_phone));
    let matching = match_cards(&pc_keys, &phone_keys);
    for likely in &matching.likely {
        if let (Some(pc), Some(phone)) = (new_pc.get(likely.left), new_phone.get(likely.right)) {
            notes.push(format!(
                "“{}” on the PC and “{}” on the phone may be one person ({}); they are kept apart.",
                pc.held.card.display_name(),
                phone.held.card.display_name(),
                likely.evidence
            ));
        }
    }
    let mut pc: Vec<Option<NewItem>> = new_pc.into_iter().map(Some).collect();
    let mut phone: Vec<Option<NewItem>> = new_phone.into_iter().map(Some).collect();
    let mut pairs = Vec::with_capacity(matching.pairs.len());
    for candidate in &matching.pairs {
        let same_uid = match (pc_keys.get(candidate.left), phone_keys.get(candidate.right)) {
            (Some(left), Some(right)) => left.uid.is_some() && left.uid == right.uid,
            _ => false,
        };
        let reason = if same_uid { Reason::SameUid } else { Reason::SameNameAndReach };
        let (Some(left), Some(right)) = (pc.get_mut(candidate.left), phone.get_mut(candidate.right)) else {
            continue;
        };
        if left.is_some() && right.is_some() {
            pairs.extend(left.take().zip(right.take()).map(|(left, right)| (left, right, reason)));
        }
    }
    pairs.extend(pair_offered(&mut pc, &mut phone, offered, projection));
    Paired {
        pairs,
        only_pc: pc.into_iter().flatten().collect(),
        only_phone: phone.into_iter().flatten().collect(),
        notes,
    }
}

/// What was offered to the phone and is there now exactly as the phone can hold it, if it can be no other.
fn pair_offered(
    pc: &mut [Option<NewItem>],
    phone: &mut [Option<NewItem>],
    offered: &[ItemId],
    projection: &Projection,
) -> Vec<(NewItem, NewItem, Reason)> {
    let mut places: HashMap<Fingerprint, (Vec<usize>, Vec<usize>)> = HashMap::new();
    for (index, item) in pc.iter().enumerate() {
        if let Some(item) = item.as_ref().filter(|item| offered.contains(&item.item)) {
            places.entry(projection.fingerprint(&item.held.card)).or_default().0.push(index);
        }
    }
    for (index, item) in phone.iter().enumerate() {
        if let Some(found) =
            item.as_ref().and_then(|item| places.get_mut(&projection.fingerprint(&item.held.card)))
        {
            found.1.push(index);
        }
    }
    let mut pairs = Vec::new();
    for (offers, arrivals) in places.values() {
        let ([offer], [arrival]) = (offers.as_slice(), arrivals.as_slice()) else { continue };
        let (offer, arrival) = (pc.get_mut(*offer), phone.get_mut(*arrival));
        let found = offer.and_then(Option::take).zip(arrival.and_then(Option::take));
        pairs.extend(found.map(|(offer, arrival)| (offer, arrival, Reason::SameAsOffered)));
    }
    pairs
}

fn same_uid_notes(items: &[NewItem], side: &str) -> Vec<String> {
    items
        .iter()
        .filter(|item| !item.same_uid.is_empty())
        .map(|item| {
            format!(
                "“{}” on the {side} has the same UID as {}; all are kept as separate contacts.",
                item.held.card.display_name(),
                item.same_uid.iter().map(|name| format!("“{name}”")).collect::<Vec<_>>().join(", ")
            )
        })
        .collect()
}
