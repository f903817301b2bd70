//! Which card of a newer export is which card of an older export of the same phone, where no card has a UID.
//!
//! An export says nothing but its contents, so a card that was edited on the phone has to be known again by what
//! was left of it. A wrong answer would mix two people, no answer makes a card look new; so a card is followed
//! only where its evidence points at one card from both sides, and evidence that others share counts for nothing.
//! What no reader of the contents can tell: a person who was deleted and replaced by another one of the same name,
//! or who alone had a number that another person has now, reads as an edit.
//!
//! This file must not merge, and must not compare two phones with each other; `matching` finds who is who there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::card::Card;
use super::field::FieldMask;
use super::matching::{MatchKeys, match_keys, phone_keys};
use super::normal::Fingerprint;

/// What a card is known again by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FollowKeys {
    /// All that it says.
    pub content: Fingerprint,
    /// Its name, numbers and addresses.
    pub keys: MatchKeys,
}

impl FollowKeys {
    /// The keys of a card, within the fields that count. A field that an exporter writes anew each time (a lookup
    /// key) must be left out of the mask.
    #[must_use]
    pub fn of(card: &Card, mask: &FieldMask) -> Self {
        Self { content: card.fingerprint(mask), keys: match_keys(card) }
    }
}

/// How much speaks for `new` being `old` after an edit, UIDs ignored: 5 for the same name and the same set of
/// numbers and addresses, 4 for the same name and one of them shared, 3 for the same name alone, 2 for the same
/// complete set under another name, 1 for one shared number or address (a family, a switchboard: no evidence), 0 for
/// nothing. An empty name is no name, an empty set no set.
#[must_use]
pub fn likeness(old: &MatchKeys, new: &MatchKeys) -> u32 {
    let (old_reach, new_reach) = (reach_of(old), reach_of(new));
    let same_name = !old.name.is_empty() && old.name == new.name;
    let same_reach = !old_reach.is_empty() && old_reach == new_reach;
    let shared_reach = old_reach.iter().any(|key| new_reach.contains(key));
    match (same_name, same_reach, shared_reach) {
        (true, true, _) => 5,
        (true, false, true) => 4,
        (true, false, false) => 3,
        (false, true, _) => 2,
        (false, false, true) => 1,
        (false, false, false) => 0,
    }
}

/// For each card of `new` the index of the card of `old` that it is, or `None` where that is not certain. No index
/// occurs twice, and the answer does not depend on the order of the lists, except among cards of equal content.
///
/// In this order: equal content; the same name and the same numbers and addresses; the same name and a shared one,
/// first one that nobody else has; then the same name that nobody else has, or, for a rename, the same complete set
/// with at least one number or address that nobody else has, or two of those, where no other card contradicts.
#[must_use]
pub fn follow(old: &[FollowKeys], new: &[FollowKeys]) -> Vec<Option<usize>> {
    follow_with_absent(old, old.len(), new)
}

/// The same where the cards of `old` from index `absent_from` on are of contacts that an earlier export lacked already.
/// They are known again by their names; a number that is all they have in common with somebody is no more theirs.
#[must_use]
pub fn follow_with_absent(old: &[FollowKeys], absent_from: usize, new: &[FollowKeys]) -> Vec<Option<usize>> {
    let mut follower = Follower {
        absent_from,
        old: old.iter().map(Person::of).collect(),
        new: new.iter().map(Person::of).collect(),
        old_taken: vec![false; old.len()],
        found: vec![None; new.len()],
    };
    follower.same_content();
    follower.pass(|person| {
        if person.name.is_empty() || person.reach.is_empty() {
            return Vec::new();
        }
        vec![format!("{}\u{1f}{}", person.name, person.reach_text())]
    });
    let reach_of = |person: &Person<'_>| person.reach.iter().cloned().collect();
    let reach = Holders::of(&follower, reach_of, old.len());
    follower.pass(|person| person.named_reach(|key| reach.is_exclusive(key)));
    follower.pass(|person| person.named_reach(|_| true));
    let reach = Holders::of(&follower, reach_of, absent_from);
    follower.name_or_reach(&reach);
    follower.found
}

/// The numbers and addresses by which a card's person is reached. Numbers are cut to the digits that a number
/// written for home and one with a country code have in common.
fn reach_of(keys: &MatchKeys) -> BTreeSet<String> {
    phone_keys(keys).into_iter().chain(keys.emails.iter().cloned()).collect()
}

/// One card's keys as they are compared here.
struct Person<'a> {
    content: Fingerprint,
    name: &'a str,
    reach: BTreeSet<String>,
}

impl<'a> Person<'a> {
    fn of(keys: &'a FollowKeys) -> Self {
        Self { content: keys.content, name: &keys.keys.name, reach: reach_of(&keys.keys) }
    }

    fn reach_text(&self) -> String {
        let keys: Vec<&str> = self.reach.iter().map(String::as_str).collect();
        keys.join("\u{1e}")
    }

    /// The name together with each number and address that counts.
    fn named_reach(&self, counts: impl Fn(&str) -> bool) -> Vec<String> {
        if self.name.is_empty() {
            return Vec::new();
        }
        let counting = self.reach.iter().filter(|key| counts(key));
        counting.map(|key| format!("{}\u{1f}{key}", self.name)).collect()
    }
}

/// Which contents hold a key on each side. Cards of equal content count as one, for they cannot be told apart and
/// need not be.
struct Holders {
    old: HashMap<String, BTreeSet<Fingerprint>>,
    new: HashMap<String, BTreeSet<Fingerprint>>,
}

impl Holders {
    /// Of the old cards only those before `old_end` count.
    fn of(follower: &Follower<'_>, keys_of: impl Fn(&Person<'_>) -> Vec<String>, old_end: usize) -> Self {
        let gather = |people: &[Person<'_>]| {
            let mut holders: HashMap<String, BTreeSet<Fingerprint>> = HashMap::new();
            for person in people {
                for key in keys_of(person) {
                    holders.entry(key).or_default().insert(person.content);
                }
            }
            holders
        };
        let old = follower.old.get(..old_end).unwrap_or(&follower.old);
        Self { old: gather(old), new: gather(&follower.new) }
    }

    /// Whether one person alone had the key, and one alone has it now. An unchanged copy of the old card beside
    /// its edited one is the same person still.
    fn is_exclusive(&self, key: &str) -> bool {
        let (Some(old), Some(new)) = (self.old.get(key), self.new.get(key)) else { return false };
        old.len() == 1 && new.difference(old).count() == 1
    }

    /// Whether several people had the key.
    fn was_shared(&self, key: &str) -> bool {
        self.old.get(key).is_some_and(|holders| holders.len() > 1)
    }
}

/// The cards that have no counterpart yet and hold a key, on both sides. Of old cards with equal content only one
/// takes part at a time.
type Open = BTreeMap<String, (Vec<usize>, Vec<usize>)>;

struct Follower<'a> {
    /// From this index on the cards of `old` are of contacts that were away already.
    absent_from: usize,
    old: Vec<Person<'a>>,
    new: Vec<Person<'a>>,
    old_taken: Vec<bool>,
    found: Vec<Option<usize>>,
}

impl Follower<'_> {
    /// Cards that were not edited. Where several are equal, the first is the first, and a surplus stays open.
    fn same_content(&mut self) {
        let mut holders: HashMap<Fingerprint, Vec<usize>> = HashMap::new();
        for (index, person) in self.old.iter().enumerate().rev() {
            holders.entry(person.content).or_default().push(index);
        }
        let edges: Vec<(usize, usize)> = self
            .new
            .iter()
            .enumerate()
            .filter_map(|(index, person)| Some((holders.get_mut(&person.content)?.pop()?, index)))
            .collect();
        for edge in edges {
            self.take(edge);
        }
    }

    /// Takes every pair of open cards that share a key and share none with a third open card.
    fn pass(&mut self, keys_of: impl Fn(&Person<'_>) -> Vec<String>) {
        let mut edges = BTreeSet::new();
        let mut doubtful = (BTreeSet::new(), BTreeSet::new());
        for (olds, news) in self.open(keys_of).into_values() {
            match (olds.as_slice(), news.as_slice()) {
                ([_, ..], []) | ([], _) => {}
                ([old], [new]) => {
                    edges.insert((*old, *new));
                }
                _ => {
                    doubtful.0.extend(olds);
                    doubtful.1.extend(news);
                }
            }
        }
        edges.retain(|(old, new)| !doubtful.0.contains(old) && !doubtful.1.contains(new));
        self.take_unambiguous(&edges);
    }

    /// Takes what only the name or only the numbers and addresses speak for: what nobody else has, and where no
    /// open card has the other half of the evidence.
    fn name_or_reach(&mut self, reach: &Holders) {
        let name_of = |person: &Person<'_>| {
            let name = person.name;
            if name.is_empty() { Vec::new() } else { vec![name.to_owned()] }
        };
        let names = Holders::of(self, name_of, self.old.len());
        let by_name = self.open(name_of);
        let by_reach = self.open(|person| person.reach.iter().cloned().collect());
        let mut edges = BTreeSet::new();
        for (name, (olds, news)) in &by_name {
            if let ([old], [new], true) = (olds.as_slice(), news.as_slice(), names.is_exclusive(name))
                && !self.is_contradicted((*old, *new), &by_name, |key| by_reach.get(key))
            {
                edges.insert((*old, *new));
            }
        }
        // The number of a household speaks against a rename as little as for it.
        let by_reach = self.without_absent(by_reach);
        let own_reach = |key: &str| by_reach.get(key).filter(|_| !reach.was_shared(key));
        for (key, (olds, news)) in &by_reach {
            if let ([old], [new], true) = (olds.as_slice(), news.as_slice(), reach.is_exclusive(key))
                && self.is_same_reach(*old, *new, reach)
                && !self.is_contradicted((*old, *new), &by_name, own_reach)
            {
                edges.insert((*old, *new));
            }
        }
        self.take_unambiguous(&edges);
    }

    /// Whether two cards under different names are reached alike: by the same complete set, or by two numbers or
    /// addresses that nobody else has.
    fn is_same_reach(&self, old: usize, new: usize, reach: &Holders) -> bool {
        let (Some(old), Some(new)) = (self.old.get(old), self.new.get(new)) else { return false };
        let own = old.reach.intersection(&new.reach).filter(|key| reach.is_exclusive(key));
        old.reach == new.reach || own.count() > 1
    }

    /// Whether another open card has the name, a number or an address of one end of the pair.
    fn is_contradicted<'o>(
        &self,
        edge: (usize, usize),
        by_name: &Open,
        holders: impl Fn(&str) -> Option<&'o (Vec<usize>, Vec<usize>)>,
    ) -> bool {
        let (old, new) = edge;
        let (Some(before), Some(after)) = (self.old.get(old), self.new.get(new)) else { return true };
        let rival_new = |(_, news): &(Vec<usize>, Vec<usize>)| news.iter().any(|other| *other != new);
        let rival_old = |(olds, _): &(Vec<usize>, Vec<usize>)| olds.iter().any(|other| *other != old);
        by_name.get(before.name).is_some_and(rival_new)
            || by_name.get(after.name).is_some_and(rival_old)
            || before.reach.iter().filter_map(|key| holders(key)).any(rival_new)
            || after.reach.iter().filter_map(|key| holders(key)).any(rival_old)
    }

    /// The same without the contacts that were away already.
    fn without_absent(&self, mut open: Open) -> Open {
        for (olds, _) in open.values_mut() {
            olds.retain(|old| *old < self.absent_from);
        }
        open
    }

    fn open(&self, keys_of: impl Fn(&Person<'_>) -> Vec<String>) -> Open {
        let mut open = Open::new();
        let mut seen = BTreeSet::new();
        for (index, (person, taken)) in self.old.iter().zip(&self.old_taken).enumerate() {
            if !taken && seen.insert(person.content) {
                for key in keys_of(person) {
                    open.entry(key).or_default().0.push(index);
                }
            }
        }
        for (index, (person, found)) in self.new.iter().zip(&self.found).enumerate() {
            if found.is_none() {
                for key in keys_of(person) {
                    open.entry(key).or_default().1.push(index);
                }
            }
        }
        open
    }

    /// Takes the pairs whose both ends are in no other pair.
    fn take_unambiguous(&mut self, edges: &BTreeSet<(usize, usize)>) {
        let mut degrees: (HashMap<usize, usize>, HashMap<usize, usize>) = Default::default();
        for (old, new) in edges {
            *degrees.0.entry(*old).or_default() += 1;
            *degrees.1.entry(*new).or_default() += 1;
        }
        for edge in edges {
            if degrees.0.get(&edge.0) == Some(&1) && degrees.1.get(&edge.1) == Some(&1) {
                self.take(*edge);
            }
        }
    }

    fn take(&mut self, (old, new): (usize, usize)) {
        if let (Some(taken), Some(found)) = (self.old_taken.get_mut(old), self.found.get_mut(new)) {
            *taken = true;
            *found = Some(old);
        }
    }
}

#[cfg(test)]
#[path = "follow_tests.rs"]
mod tests;
