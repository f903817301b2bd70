//! Which value of one card is which value of another, property by property.
//!
//! Pairs are found in passes from the surest evidence to the weakest, and a value is paired once, so the result
//! is one-to-one. This file must not decide what becomes of a pair or of a value without one.

use std::collections::{BTreeMap, BTreeSet};

use super::decoded::Entry;
use super::equality::{Shape, is_single, same_phone};

/// What the two cards are to each other, which decides how weak the evidence may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// Two states of one side: before and now. A number that became another number is not the same value.
    Times,
    /// The two sides when they agreed: what is left over on both after the sure passes is one value that one
    /// side wrote in its own way.
    Agreed,
    /// Values that both sides gained on their own.
    Gained,
    /// Two cards that were never compared before.
    FirstMeeting,
}

/// The single-valued properties (see [`is_single`]) that one of the cards says more than once; they are compared
/// as sets.
pub(super) fn repeated_singles(cards: &[&[Entry]]) -> BTreeSet<String> {
    let mut repeated = BTreeSet::new();
    for entries in cards {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        for entry in entries.iter().filter(|entry| is_single(&entry.property)) {
            if !seen.insert(&entry.property) {
                repeated.insert(entry.property.clone());
            }
        }
    }
    repeated
}

/// Pairs of indices into the two lists, of those that `left_free` and `right_free` let through.
pub(super) fn align(
    left: &[Entry],
    right: &[Entry],
    relation: Relation,
    repeated: &BTreeSet<String>,
) -> Vec<(usize, usize)> {
    let mut by_property: BTreeMap<&str, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (index, entry) in left.iter().enumerate() {
        by_property.entry(&entry.property).or_default().0.push(index);
    }
    for (index, entry) in right.iter().enumerate() {
        by_property.entry(&entry.property).or_default().1.push(index);
    }
    let mut pairs = Vec::new();
    for (property, (lefts, rights)) in by_property {
        if lefts.is_empty() || rights.is_empty() {
            continue;
        }
        let mut pairing = Pairing { left, right, lefts, rights, pairs: &mut pairs };
        if is_single(property) && !repeated.contains(property) {
            pairing.pass(|_, _| true);
        } else {
            pairing.set_passes(relation);
        }
    }
    pairs.sort_unstable();
    pairs
}

/// The values of one property that have no partner yet, in the cards' order.
struct Pairing<'a> {
    left: &'a [Entry],
    right: &'a [Entry],
    lefts: Vec<usize>,
    rights: Vec<usize>,
    pairs: &'a mut Vec<(usize, usize)>,
}

impl Pairing<'_> {
    /// Pairs every left value with the first free right value that fits it.
    fn pass(&mut self, fits: impl Fn(&Entry, &Entry) -> bool) {
        let mut unpaired = Vec::new();
        for left in std::mem::take(&mut self.lefts) {
            let fitting = self.rights.iter().position(|right| {
                self.left.get(left).zip(self.right.get(*right)).is_some_and(|(one, other)| fits(one, other))
            });
            match fitting {
                Some(place) => {
                    let right = self.rights.remove(place);
                    self.pairs.push((left, right));
                }
                None => unpaired.push(left),
            }
        }
        self.lefts = unpaired;
    }

    /// Pairs the values with the highest score first, then those with the next one, as long as it is above zero: what
    /// merely stands first must not take the partner that fits another value better.
    fn best_pass(&mut self, score: impl Fn(&Entry, &Entry) -> usize) {
        let score = &score;
        loop {
            let lefts = self.lefts.iter().filter_map(|left| self.left.get(*left));
            let rights = || self.rights.iter().filter_map(|right| self.right.get(*right));
            let best = lefts.flat_map(|one| rights().map(move |other| score(one, other))).max().unwrap_or(0);
            if best == 0 {
                return;
            }
            self.pass(|one, other| score(one, other) == best);
        }
    }

    fn set_passes(&mut self, relation: Relation) {
        self.pass(Entry::same);
        self.pass(|one, other| one.identity == other.identity && one.same_kind(other));
        self.pass(|one, other| one.identity == other.identity);
        match relation {
            Relation::Times => {
                // What they share says more than what they are for, which may have changed as well.
                self.best_pass(|one, other| {
                    let shared = shared_components(one, other);
                    if shared >= 2 { 2 * shared + usize::from(one.same_kind(other)) } else { 0 }
                });
                self.best_pass(
                    |one, other| if one.same_kind(other) { shared_components(one, other) } else { 0 },
                );
            }
            Relation::Gained => self.best_pass(completing_components),
            Relation::FirstMeeting => {
                self.best_pass(completing_components);
                self.pass(alike);
            }
            Relation::Agreed => {
                self.best_pass(shared_components);
                self.pass(alike);
                self.leftovers();
            }
        }
    }

    /// Pairs what is left when there is only one way to do it: first among values of one kind, then at all.
    fn leftovers(&mut self) {
        for left in self.lefts.clone() {
            let Some(one) = self.left.get(left) else { continue };
            let of_kind =
                |index: &&usize, side: &[Entry]| side.get(**index).is_some_and(|entry| entry.same_kind(one));
            if self.lefts.iter().filter(|index| of_kind(index, self.left)).count() != 1 {
                continue;
            }
            let fitting: Vec<usize> =
                self.rights.iter().filter(|index| of_kind(index, self.right)).copied().collect();
            if let [right] = fitting.as_slice() {
                self.pairs.push((left, *right));
                self.lefts.retain(|index| *index != left);
                self.rights.retain(|index| index != right);
            }
        }
        if let ([left], [right]) = (self.lefts.as_slice(), self.rights.as_slice()) {
            self.pairs.push((*left, *right));
            self.lefts.clear();
            self.rights.clear();
        }
    }
}

/// How many filled components are the same in both.
fn shared_components(one: &Entry, other: &Entry) -> usize {
    one.components
        .iter()
        .zip(&other.components)
        .filter(|(one, other)| !one.is_empty() && one == other)
        .count()
}

/// As [`shared_components`] for two values that complete one another: at least two shared, none contradicting.
fn completing_components(one: &Entry, other: &Entry) -> usize {
    let clash = one
        .components
        .iter()
        .zip(&other.components)
        .any(|(one, other)| !one.is_empty() && !other.is_empty() && one != other);
    let shared = shared_components(one, other);
    if clash || shared < 2 { 0 } else { shared }
}

/// The same value in another dress that is not formatting only: a number without its country code, other case.
fn alike(one: &Entry, other: &Entry) -> bool {
    match one.shape {
        Shape::Phone => same_phone(&one.identity, &other.identity),
        Shape::Email | Shape::Address => one.identity.to_lowercase() == other.identity.to_lowercase(),
        _ => false,
    }
}
