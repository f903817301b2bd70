//! Who is who from export to export, where no card has an id: the numbers by which the contacts of a phone are known.
//!
//! Pure functions. A wrong answer mixes two people, so that only evidence that points at one card from both sides
//! counts ([`follow_with_absent`]); no answer makes a contact look new, which is told. A card that cannot be read keeps its
//! number where it can be told whose it is.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::judging::Seen;
use crate::contact::{Card, FieldMask, FollowKeys, follow_with_absent, likeness};
use crate::provider::Revision;

/// From this likeness on two cards have the same name.
const SAME_NAME: u32 = 3;

/// A contact as it was seen last.
#[derive(Debug, Clone)]
pub(super) struct Known {
    /// Its number.
    pub number: u64,
    /// The last card of it that could be read, if one ever could.
    pub card: Option<Card>,
    /// It was in the last export.
    pub is_there: bool,
    /// The content that could not be read, if the last one could not.
    pub broken: Option<Revision>,
}

/// Who the cards of an export are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Assignment {
    /// The number of each card, in the order of the export.
    pub numbers: Vec<u64>,
    /// The next free number.
    pub next: u64,
    /// Whether it is known of every card that cannot be read whose it is. If not, a contact that seems missing may be
    /// that card.
    pub is_certain: bool,
}

/// Gives every card of an export its number: that of a known contact, or a new one from `next` on. Known contacts
/// that are not in this export are followed as well, so that one who comes back is known again.
pub(super) fn assign(known: &[Known], seen: &[Seen], next: u64, mask: &FieldMask) -> Assignment {
    let (numbers, taken) = (vec![None; seen.len()], HashSet::new());
    let mut assigner = Assigner { known, seen, numbers, taken, uids_stay: false };
    assigner.by_uid();
    assigner.by_broken_bytes();
    assigner.by_following(mask);
    assigner.by_name_line();
    assigner.by_elimination();
    assigner.finish(next)
}

struct Assigner<'a> {
    known: &'a [Known],
    seen: &'a [Seen],
    numbers: Vec<Option<u64>>,
    taken: HashSet<u64>,
    /// A UID was known again: this exporter gives them to stay, and another UID is another contact.
    uids_stay: bool,
}

impl Assigner<'_> {
    fn take(&mut self, index: usize, number: u64) {
        if let Some(place) = self.numbers.get_mut(index).filter(|place| place.is_none())
            && self.taken.insert(number)
        {
            *place = Some(number);
        }
    }

    fn open_known(&self) -> Vec<&Known> {
        self.known.iter().filter(|known| !self.taken.contains(&known.number)).collect()
    }

    fn open_seen(&self) -> Vec<(usize, &Seen)> {
        let open = self.seen.iter().enumerate().zip(&self.numbers);
        open.filter(|(_, number)| number.is_none()).map(|(seen, _)| seen).collect()
    }

    /// Cards with a UID that one card has on either side.
    fn by_uid(&mut self) {
        let known = self.known.iter().filter_map(|known| Some((known.card.as_ref()?.uid()?, known.number)));
        let known = unique(known);
        let seen = self.seen.iter().enumerate().filter_map(|(index, seen)| Some((uid_of(seen)?, index)));
        for (uid, index) in unique(seen) {
            if let Some(number) = known.get(&uid) {
                self.take(index, *number);
                self.uids_stay = true;
            }
        }
    }

    /// Cards that could not be read last time either and are the same still.
    fn by_broken_bytes(&mut self) {
        let mut numbers: HashMap<Revision, Vec<u64>> = HashMap::new();
        for known in self.open_known().into_iter().rev() {
            if let Some(broken) = known.broken {
                numbers.entry(broken).or_default().push(known.number);
            }
        }
        let mut found = Vec::new();
        for (index, seen) in self.open_seen() {
            if let Seen::Broken(broken) = seen {
                let number = numbers.get_mut(&Revision::of(&broken.bytes)).and_then(Vec::pop);
                found.extend(number.map(|number| (index, number)));
            }
        }
        for (index, number) in found {
            self.take(index, number);
        }
    }

    /// All other cards that can be read, by what they say. Who was there last time goes before who was not, where
    /// two are alike. Who was away and comes back under another name is no rename: a number that was hers may be
    /// another's by now.
    fn by_following(&mut self, mask: &FieldMask) {
        let mut old: Vec<(&Known, &Card)> =
            self.open_known().into_iter().filter_map(|known| Some((known, known.card.as_ref()?))).collect();
        old.sort_by_key(|(known, _)| (!known.is_there, known.number));
        let absent_from = old.partition_point(|(known, _)| known.is_there);
        let new: Vec<(usize, &Card)> = self
            .open_seen()
            .into_iter()
            .filter_map(|(index, seen)| match seen {
                Seen::Card(card) => Some((index, card)),
                Seen::Broken(_) => None,
            })
            .collect();
        let old_keys: Vec<FollowKeys> = old.iter().map(|(_, card)| FollowKeys::of(card, mask)).collect();
        let new_keys: Vec<FollowKeys> = new.iter().map(|(_, card)| FollowKeys::of(card, mask)).collect();
        let followed = follow_with_absent(&old_keys, absent_from, &new_keys);
        let pairs =
            new.iter().zip(&new_keys).zip(followed).filter_map(|(((index, card), keys), old_index)| {
                let ((known, old_card), old_keys) = (old.get(old_index?)?, old_keys.get(old_index?)?);
                let is_another = self.uids_stay && card.uid().is_some() && old_card.uid().is_some();
                let is_same_name =
                    old_keys.content == keys.content || likeness(&old_keys.keys, &keys.keys) >= SAME_NAME;
                (!is_another && (known.is_there || is_same_name)).then_some((*index, known.number))
            });
        for (index, number) in pairs.collect::<Vec<_>>() {
            self.take(index, number);
        }
    }

    /// Cards that cannot be read but have a line with a name that one open contact had, and one open card has.
    fn by_name_line(&mut self) {
        let known = self.open_known();
        let known = unique(known.iter().filter_map(|known| {
            let line = name_line(known.card.as_ref()?.as_bytes())?;
            Some((line, known.number))
        }));
        let seen = self.open_seen();
        let seen = unique(seen.iter().filter_map(|(index, seen)| Some((name_line(seen.bytes())?, *index))));
        let is_broken = |index: &usize| matches!(self.seen.get(*index), Some(Seen::Broken(_)));
        let pairs = seen.into_iter().filter(|(_, index)| is_broken(index));
        let pairs: Vec<(usize, u64)> =
            pairs.filter_map(|(line, index)| Some((index, *known.get(&line)?))).collect();
        for (index, number) in pairs {
            self.take(index, number);
        }
    }

    /// One contact of the last export and one card that cannot be read are left: they are each other.
    fn by_elimination(&mut self) {
        let there: Vec<u64> =
            self.open_known().iter().filter(|known| known.is_there).map(|known| known.number).collect();
        let pair = match (self.open_seen().as_slice(), there.as_slice()) {
            ([(index, Seen::Broken(_))], [number]) => Some((*index, *number)),
            _ => None,
        };
        if let Some((index, number)) = pair {
            self.take(index, number);
        }
    }

    fn finish(self, next: u64) -> Assignment {
        let highest = self.known.iter().map(|known| known.number.saturating_add(1)).max();
        let mut next = next.max(highest.unwrap_or(1)).max(1);
        let mut is_certain = true;
        let mut numbers = Vec::with_capacity(self.numbers.len());
        for (number, seen) in self.numbers.into_iter().zip(self.seen) {
            numbers.push(number.unwrap_or_else(|| {
                is_certain &= matches!(seen, Seen::Card(_));
                let number = next;
                next = next.saturating_add(1);
                number
            }));
        }
        Assignment { numbers, next, is_certain }
    }
}

/// The pairs whose key no other pair has.
fn unique<K: Ord + Clone, V>(pairs: impl Iterator<Item = (K, V)>) -> BTreeMap<K, V> {
    let (mut found, mut repeated) = (BTreeMap::new(), BTreeSet::new());
    for (key, value) in pairs {
        if found.insert(key.clone(), value).is_some() {
            repeated.insert(key);
        }
    }
    found.retain(|key, _| !repeated.contains(key));
    found
}

fn uid_of(seen: &Seen) -> Option<String> {
    match seen {
        Seen::Card(card) => card.uid(),
        Seen::Broken(broken) => first_line(&broken.bytes, b"UID:")
            .map(|line| String::from_utf8_lossy(line.get(4..).unwrap_or_default()).trim().to_owned()),
    }
}

/// The line with the full name, or else with the name's parts, as it stands in the card.
fn name_line(bytes: &[u8]) -> Option<Vec<u8>> {
    let starts: [&[u8]; 4] = [b"FN:", b"FN;", b"N:", b"N;"];
    let line = starts.iter().find_map(|start| first_line(bytes, start))?;
    let says_something =
        line.iter().skip_while(|byte| **byte != b':').skip(1).any(|byte| !b"; ".contains(byte));
    says_something.then(|| line.to_vec())
}

fn first_line<'a>(bytes: &'a [u8], start: &[u8]) -> Option<&'a [u8]> {
    let lines = bytes.split(|byte| matches!(byte, b'\n' | b'\r'));
    lines
        .into_iter()
        .find(|line| line.get(..start.len()).is_some_and(|begin| begin.eq_ignore_ascii_case(start)))
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
