//! Which card on one side is which card on the other, at a first sync or for a card that has no link yet.
//!
//! Cards are compared where they share a key (UID, name, number, address); what speaks for and against each pair is
//! counted in points (`matching_evidence`), and partners are chosen one to one by them. Where the points do not tell,
//! a person is asked. This file must not merge, and must not name a contact.

use std::fmt;
use std::hash::{DefaultHasher, Hash, Hasher};

use super::card::Card;
use super::decoded::{DecodedCard, Entry};
use super::equality::{normal_email, normal_phone, normal_text, strip_scheme};
use super::matching_evidence::{Comparison, Evidence, Verdict, compare_keys};
use super::matching_names::{folded_names, sorted_name, spoken_name};
use super::telephone::{Country, country_of, international};

/// A key that more cards than this share on one side (a switchboard, an empty name's filler) tells nobody apart
/// and would cost quadratic time; it makes no pairs to compare.
const SHARED_KEY_MAX: usize = 8;

/// A pair is joined only if it has so many points more than any other pair of either card.
const LEAD_MIN: i32 = 10;

/// What a card is matched by. All texts are in normal form.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct MatchKeys {
    /// The UID without `urn:uuid:`, in lower case.
    pub uid: Option<String>,
    /// The words of the name in alphabetical order, so that `Lee, Ann` is `Ann Lee`; empty when there is none.
    pub name: String,
    /// The name in the order of speech; empty when there is none.
    pub spoken: String,
    /// The given name, if the card tells it apart; else empty.
    pub given: String,
    /// The numbers as they are dialled; with letters as they are typed.
    pub phones: Vec<String>,
    /// The mail addresses in lower case.
    pub emails: Vec<String>,
    /// The birthday in the basic format of ISO 8601.
    pub birthday: Option<String>,
}

impl fmt::Debug for MatchKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MatchKeys")
            .field("uid", &self.uid.is_some())
            .field("named", &!self.name.is_empty())
            .field("phones", &self.phones.len())
            .field("emails", &self.emails.len())
            .finish_non_exhaustive()
    }
}

/// The keys of one card.
#[must_use]
pub fn match_keys(card: &Card) -> MatchKeys {
    let decoded = DecodedCard::of(card);
    let entries =
        |property: &'static str| decoded.entries.iter().filter(move |entry| entry.property == property);
    let names = ["FN", "N", "ORG", "NICKNAME"].into_iter();
    let shown = names.filter_map(|property| entries(property).next().map(Entry::text));
    let name = shown.map(|text| (sorted_name(&text), text)).find(|(key, _)| !key.is_empty());
    let (name, spoken) = name.map(|(key, text)| (key, spoken_name(&text))).unwrap_or_default();
    let given = entries("N").next().and_then(|entry| entry.components.get(1));
    let mut phones: Vec<String> = entries("TEL").map(|entry| dialled(&entry.text())).collect();
    phones.retain(|phone| phone.chars().any(|letter| letter.is_ascii_digit()));
    phones.sort();
    phones.dedup();
    let mut emails: Vec<String> = entries("EMAIL")
        .map(|entry| normal_email(&entry.text()).to_lowercase())
        .filter(|text| !text.is_empty())
        .collect();
    emails.sort();
    emails.dedup();
    let uid = decoded
        .uid()
        .map(|uid| strip_scheme(uid.trim(), "urn:uuid:").to_lowercase())
        .filter(|uid| !uid.is_empty());
    MatchKeys {
        uid,
        name,
        spoken,
        given: given.map(|given| spoken_name(given)).unwrap_or_default(),
        phones,
        emails,
        birthday: entries("BDAY").next().map(|entry| entry.identity.clone()),
    }
}

/// A number as it is dialled. One that is spelled with letters stays as it is typed, for another word is another number.
fn dialled(text: &str) -> String {
    let text = normal_text(strip_scheme(text.trim(), "tel:"));
    let is_word = |letter: &char| letter.is_alphabetic() && !"pwxPWX".contains(*letter);
    let letters = text.replace("ext", "x").chars().filter(is_word).count();
    if letters > 1 { text.to_lowercase() } else { normal_phone(&text) }
}

/// Rewrites the numbers of both sides that are written for inside a country with its country code: that of `country`,
/// else the one that most numbers of both sides are from. Without either all stay as they are.
pub fn with_country(left: &mut [MatchKeys], right: &mut [MatchKeys], country: Option<Country>) {
    let is_home = |phone: &String| !phone.starts_with('+');
    let all = |sides: [&[MatchKeys]; 2], test: &dyn Fn(&String) -> bool| {
        sides.iter().any(|side| side.iter().flat_map(|keys| &keys.phones).any(test))
    };
    // Where every number has its country code, or none has, the numbering plans need not be loaded.
    if !all([left, right], &is_home) || (country.is_none() && !all([left, right], &|phone| !is_home(phone))) {
        return;
    }
    let numbers = || left.iter().chain(right.iter()).flat_map(|keys| &keys.phones).map(String::as_str);
    let Some(country) = country.or_else(|| country_of(numbers())) else { return };
    for keys in left.iter_mut().chain(right) {
        for phone in &mut keys.phones {
            if let Some(whole) = international(phone, country) {
                *phone = whole;
            }
        }
        keys.phones.sort();
        keys.phones.dedup();
    }
}

/// Two cards that may be one contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Index into the left keys.
    pub left: usize,
    /// Index into the right keys.
    pub right: usize,
    /// The sum of the points of all reasons.
    pub score: i32,
    /// What speaks for and against it.
    pub reasons: Vec<Evidence>,
}

/// What matching found. Cards in neither list have no counterpart.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Matching {
    /// The same contact, one to one: no index occurs twice on its side.
    pub pairs: Vec<Candidate>,
    /// To be asked: weak evidence, or strong evidence that points at more than one card. A card may occur more
    /// than once; no card of `pairs` occurs.
    pub asked: Vec<Candidate>,
}

/// Matches two sides one to one. A pair that is the same by its points is joined when it leads every other pair of
/// both its cards by `LEAD_MIN`; then the next best are looked at. Where none leads, all that fit are asked. The
/// result does not depend on the order of the cards, and swapping the sides swaps the result. `apart` tells pairs that
/// a person said are two.
#[must_use]
pub fn match_cards(
    left: &[MatchKeys],
    right: &[MatchKeys],
    apart: &dyn Fn(usize, usize) -> bool,
) -> Matching {
    let mut open: Vec<Candidate> = shared_keys(left, right)
        .into_iter()
        .filter(|edge| !apart(edge.0, edge.1))
        .filter_map(|(one, other)| {
            let Comparison { score, reasons } = compare_keys(left.get(one)?, right.get(other)?);
            Some(Candidate { left: one, right: other, score, reasons })
        })
        .filter(|candidate| verdict(candidate) != Verdict::Different)
        .collect();
    let mut found = Matching::default();
    let mut taken = (vec![false; left.len()], vec![false; right.len()]);
    loop {
        let leading = leading(&open, left.len(), right.len());
        if leading.is_empty() {
            break;
        }
        for candidate in leading {
            for (side, index) in [(&mut taken.0, candidate.left), (&mut taken.1, candidate.right)] {
                side.get_mut(index).into_iter().for_each(|taken| *taken = true);
            }
            found.pairs.push(candidate);
        }
        let is_taken = |side: &[bool], index: usize| side.get(index).copied().unwrap_or(false);
        open.retain(|one| !is_taken(&taken.0, one.left) && !is_taken(&taken.1, one.right));
    }
    for candidate in &mut open {
        if verdict(candidate) == Verdict::Same {
            candidate.reasons.push(Evidence::SeveralFit);
        }
    }
    found.pairs.sort_by_key(|pair| (pair.left, pair.right));
    found.asked = open;
    found
}

fn verdict(candidate: &Candidate) -> Verdict {
    Comparison { score: candidate.score, reasons: Vec::new() }.verdict()
}

/// The candidates that are the same and lead all others of their cards.
fn leading(open: &[Candidate], left_count: usize, right_count: usize) -> Vec<Candidate> {
    let mut best = (vec![Best::default(); left_count], vec![Best::default(); right_count]);
    for candidate in open {
        best.0.get_mut(candidate.left).into_iter().for_each(|best| best.see(candidate.score));
        best.1.get_mut(candidate.right).into_iter().for_each(|best| best.see(candidate.score));
    }
    let leads =
        |side: &[Best], index: usize, score: i32| side.get(index).is_some_and(|best| best.leads(score));
    let chosen = open.iter().filter(|candidate| {
        verdict(candidate) == Verdict::Same
            && leads(&best.0, candidate.left, candidate.score)
            && leads(&best.1, candidate.right, candidate.score)
    });
    chosen.cloned().collect()
}

/// The two highest scores of a card.
#[derive(Clone, Copy)]
struct Best {
    first: i32,
    second: i32,
}

impl Default for Best {
    fn default() -> Self {
        Self { first: i32::MIN / 2, second: i32::MIN / 2 }
    }
}

impl Best {
    fn see(&mut self, score: i32) {
        if score > self.first {
            self.second = self.first;
            self.first = score;
        } else {
            self.second = self.second.max(score);
        }
    }

    fn leads(&self, score: i32) -> bool {
        score == self.first && self.first - self.second >= LEAD_MIN
    }
}

/// The pairs within one side that may be one contact, each once, the lower index left. A card may occur more than once.
#[must_use]
pub fn duplicates(cards: &[MatchKeys]) -> Vec<Candidate> {
    let edges = shared_keys(cards, cards).into_iter().filter(|(one, other)| one < other);
    edges
        .filter_map(|(one, other)| {
            let Comparison { score, reasons } = compare_keys(cards.get(one)?, cards.get(other)?);
            Some(Candidate { left: one, right: other, score, reasons })
        })
        .filter(|candidate| verdict(candidate) != Verdict::Different)
        .collect()
}

/// The index pairs of cards that share a key, each once, in order. Keys are told apart by their hashes: should two
/// collide, one pair more is compared.
fn shared_keys(left: &[MatchKeys], right: &[MatchKeys]) -> Vec<(usize, usize)> {
    let (left, right) = (hashed_keys(left), hashed_keys(right));
    let mut edges = Vec::new();
    let mut rest = right.as_slice();
    for lefts in left.chunk_by(|one, other| one.0 == other.0) {
        let Some((key, _)) = lefts.first() else { continue };
        let from = rest.partition_point(|(other, _)| other < key);
        rest = rest.get(from..).unwrap_or_default();
        let rights = rest.get(..rest.partition_point(|(other, _)| other == key)).unwrap_or_default();
        if lefts.len() > SHARED_KEY_MAX || rights.len() > SHARED_KEY_MAX {
            continue;
        }
        for (_, one) in lefts {
            edges.extend(rights.iter().map(|(_, other)| (*one, *other)));
        }
    }
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// The hashes of all keys of all cards with the card's index, sorted.
fn hashed_keys(cards: &[MatchKeys]) -> Vec<(u64, usize)> {
    let mut hashed: Vec<(u64, usize)> = Vec::with_capacity(cards.len() * 6);
    for (index, keys) in cards.iter().enumerate() {
        let mut add = |kind: u8, one: &str, other: &str| {
            let mut hasher = DefaultHasher::new();
            (kind, one, other).hash(&mut hasher);
            hashed.push((hasher.finish(), index));
        };
        if let Some(uid) = &keys.uid {
            add(0, uid, "");
        }
        let forms = if keys.spoken.is_empty() { Vec::new() } else { folded_names(&keys.spoken) };
        if !keys.name.is_empty() {
            add(1, &keys.name, "");
        }
        for form in &forms {
            add(2, form, "");
        }
        let tails = phone_keys(keys);
        for reach in tails.iter().chain(&keys.emails) {
            add(3, reach, "");
            for form in &forms {
                add(4, form, reach);
            }
        }
    }
    hashed.sort_unstable();
    hashed.dedup();
    hashed
}

/// The digits that a number written for home and one with a country code have in common.
fn phone_tail(phone: &str) -> String {
    let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
    digits.iter().skip(digits.len().saturating_sub(9)).collect()
}

pub(super) fn phone_keys(keys: &MatchKeys) -> Vec<String> {
    let mut tails: Vec<String> = keys.phones.iter().map(|phone| phone_tail(phone)).collect();
    tails.sort();
    tails.dedup();
    tails
}

#[cfg(test)]
#[path = "matching_tests.rs"]
mod tests;
