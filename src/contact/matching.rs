//! Which card on one side is which card on the other, at a first sync or for a card that has no link yet.
//!
//! Strong is: the same UID, or the same name and at least one equal number or mail address. Families share
//! numbers and unrelated people share names, so one weak key alone never joins two cards; it makes a likely
//! candidate for a person to confirm. This file must not merge, and must not name a contact in its evidence.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::Hash;

use super::card::Card;
use super::decoded::{DecodedCard, Entry};
use super::equality::{normal_email, normal_name, normal_phone, same_phone, strip_scheme};

/// A key that more cards than this share on one side (a switchboard, an empty name's filler) tells nobody apart
/// and would cost quadratic time; it makes no likely candidates.
const SHARED_KEY_MAX: usize = 8;

/// What a card is matched by. All texts are in normal form.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct MatchKeys {
    /// The UID without `urn:uuid:`, in lower case.
    pub uid: Option<String>,
    /// The words of the name in alphabetical order, so that `Lee, Ann` is `Ann Lee`; empty when there is none.
    pub name: String,
    /// The numbers as they are dialled.
    pub phones: Vec<String>,
    /// The mail addresses in lower case.
    pub emails: Vec<String>,
}

impl fmt::Debug for MatchKeys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("MatchKeys")
            .field("uid", &self.uid.is_some())
            .field("named", &!self.name.is_empty())
            .field("phones", &self.phones.len())
            .field("emails", &self.emails.len())
            .finish()
    }
}

/// The keys of one card.
#[must_use]
pub fn match_keys(card: &Card) -> MatchKeys {
    let decoded = DecodedCard::of(card);
    let texts = |property: &str| -> Vec<String> {
        decoded.entries.iter().filter(|entry| entry.property == property).map(Entry::text).collect()
    };
    let name = ["FN", "N", "ORG", "NICKNAME"]
        .into_iter()
        .filter_map(|property| texts(property).into_iter().next())
        .map(|text| name_key(&text))
        .find(|key| !key.is_empty())
        .unwrap_or_default();
    let mut phones: Vec<String> = texts("TEL").iter().map(|text| normal_phone(text)).collect();
    phones.retain(|phone| phone.chars().any(|letter| letter.is_ascii_digit()));
    phones.sort();
    phones.dedup();
    let mut emails: Vec<String> = texts("EMAIL")
        .iter()
        .map(|text| normal_email(text).to_lowercase())
        .filter(|text| !text.is_empty())
        .collect();
    emails.sort();
    emails.dedup();
    let uid = decoded
        .uid()
        .map(|uid| strip_scheme(uid.trim(), "urn:uuid:").to_lowercase())
        .filter(|uid| !uid.is_empty());
    MatchKeys { uid, name, phones, emails }
}

/// The words of a name, folded and in alphabetical order: the order of given and family name differs by exporter.
fn name_key(text: &str) -> String {
    let folded = normal_name(&text.replace([',', ';'], " "));
    let mut words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words.join(" ")
}

/// How sure a match is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Strength {
    /// Sure enough to link without asking.
    Strong,
    /// For a person to confirm.
    Likely,
}

/// Two cards that may be one contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Index into the left keys.
    pub left: usize,
    /// Index into the right keys.
    pub right: usize,
    /// How sure it is.
    pub strength: Strength,
    /// What speaks for it, in words and without the contact's data: "same name and same phone number".
    pub evidence: String,
}

/// What matching found. Cards in neither list have no counterpart.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Matching {
    /// One-to-one: no index occurs twice on its side. All are [`Strength::Strong`].
    pub pairs: Vec<Candidate>,
    /// Left apart: weak evidence, or strong evidence that points at more than one card. A card may occur more
    /// than once; no card of `pairs` occurs.
    pub likely: Vec<Candidate>,
}

/// Matches two sides one-to-one. Where strong evidence ties more than two cards together (two cards of one side
/// for one person), none of them is joined and all come back as likely. The result does not depend on the order
/// of the cards, and swapping the sides swaps the result.
#[must_use]
pub fn match_cards(left: &[MatchKeys], right: &[MatchKeys]) -> Matching {
    let mut matcher = Matcher {
        left,
        right,
        left_paired: vec![false; left.len()],
        right_paired: vec![false; right.len()],
        found: Matching::default(),
    };
    let by_uid = matcher.edges(SHARED_KEY_MAX, |keys| keys.uid.iter().cloned().collect(), |_, _| true);
    let doubtful_uids = matcher.pair_unambiguous(&by_uid, "same UID");
    // Two cards of one side with one UID may still differ by name and number, so the second rule sees them too.
    let by_phone = matcher.edges(SHARED_KEY_MAX, phone_name_keys, share_phone);
    let by_email = matcher.edges(SHARED_KEY_MAX, email_name_keys, |_, _| true);
    let phone_set: HashSet<(usize, usize)> = by_phone.iter().copied().collect();
    let mut strong: Vec<(usize, usize)> = by_phone.clone();
    strong.extend(by_email.iter().copied().filter(|edge| !phone_set.contains(edge)));
    let doubtful = matcher.pair_by(&strong, |edge| {
        if phone_set.contains(edge) {
            "same name and same phone number"
        } else {
            "same name and same e-mail address"
        }
    });
    let mut listed = HashSet::new();
    for (edge, evidence) in doubtful.into_iter().chain(doubtful_uids) {
        matcher.add_likely(&mut listed, edge, &format!("{evidence}, but more than one card fits"));
    }
    matcher.weak_candidates(&mut listed);
    matcher.found.pairs.sort_by_key(|pair| (pair.left, pair.right));
    matcher.found.likely.sort_by_key(|pair| (pair.left, pair.right));
    matcher.found
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

fn phone_name_keys(keys: &MatchKeys) -> Vec<(String, String)> {
    if keys.name.is_empty() {
        return Vec::new();
    }
    phone_keys(keys).into_iter().map(|tail| (keys.name.clone(), tail)).collect()
}

fn email_name_keys(keys: &MatchKeys) -> Vec<(String, String)> {
    if keys.name.is_empty() {
        return Vec::new();
    }
    keys.emails.iter().map(|email| (keys.name.clone(), email.clone())).collect()
}

fn share_phone(left: &MatchKeys, right: &MatchKeys) -> bool {
    left.phones.iter().any(|one| right.phones.iter().any(|other| same_phone(one, other)))
}

struct Matcher<'a> {
    left: &'a [MatchKeys],
    right: &'a [MatchKeys],
    left_paired: Vec<bool>,
    right_paired: Vec<bool>,
    found: Matching,
}

impl Matcher<'_> {
    /// The index pairs of unpaired cards that share a key and pass the check, each once, in order.
    fn edges<Key: Hash + Eq>(
        &self,
        shared_max: usize,
        keys_of: impl Fn(&MatchKeys) -> Vec<Key>,
        check: impl Fn(&MatchKeys, &MatchKeys) -> bool,
    ) -> Vec<(usize, usize)> {
        let mut holders: HashMap<Key, (Vec<usize>, Vec<usize>)> = HashMap::new();
        for (index, keys) in self.left.iter().enumerate() {
            if self.left_paired.get(index) == Some(&false) {
                for key in keys_of(keys) {
                    holders.entry(key).or_default().0.push(index);
                }
            }
        }
        for (index, keys) in self.right.iter().enumerate() {
            if self.right_paired.get(index) == Some(&false) {
                for key in keys_of(keys) {
                    if let Some(holder) = holders.get_mut(&key) {
                        holder.1.push(index);
                    }
                }
            }
        }
        let mut edges = Vec::new();
        for (lefts, rights) in holders.into_values() {
            if lefts.len() > shared_max || rights.len() > shared_max {
                continue;
            }
            for left in &lefts {
                for right in &rights {
                    let keys = self.left.get(*left).zip(self.right.get(*right));
                    if keys.is_some_and(|(one, other)| check(one, other)) {
                        edges.push((*left, *right));
                    }
                }
            }
        }
        edges.sort_unstable();
        edges.dedup();
        edges
    }

    fn pair_unambiguous(
        &mut self,
        edges: &[(usize, usize)],
        evidence: &'static str,
    ) -> Vec<((usize, usize), &'static str)> {
        self.pair_by(edges, |_| evidence)
    }

    /// Pairs the edges whose both ends have no other edge; gives back the others.
    fn pair_by(
        &mut self,
        edges: &[(usize, usize)],
        evidence: impl Fn(&(usize, usize)) -> &'static str,
    ) -> Vec<((usize, usize), &'static str)> {
        let mut left_degree: HashMap<usize, usize> = HashMap::new();
        let mut right_degree: HashMap<usize, usize> = HashMap::new();
        for (left, right) in edges {
            *left_degree.entry(*left).or_default() += 1;
            *right_degree.entry(*right).or_default() += 1;
        }
        let mut doubtful = Vec::new();
        for edge in edges {
            let (left, right) = *edge;
            if left_degree.get(&left) != Some(&1) || right_degree.get(&right) != Some(&1) {
                doubtful.push((*edge, evidence(edge)));
                continue;
            }
            if let (Some(one), Some(other)) =
                (self.left_paired.get_mut(left), self.right_paired.get_mut(right))
            {
                *one = true;
                *other = true;
                let evidence = evidence(edge).to_owned();
                self.found.pairs.push(Candidate { left, right, strength: Strength::Strong, evidence });
            }
        }
        doubtful
    }

    fn add_likely(&mut self, listed: &mut HashSet<(usize, usize)>, edge: (usize, usize), evidence: &str) {
        let (left, right) = edge;
        let free = self.left_paired.get(left) == Some(&false) && self.right_paired.get(right) == Some(&false);
        if free && listed.insert(edge) {
            let evidence = evidence.to_owned();
            self.found.likely.push(Candidate { left, right, strength: Strength::Likely, evidence });
        }
    }

    /// One weak key between two cards that found no counterpart.
    fn weak_candidates(&mut self, listed: &mut HashSet<(usize, usize)>) {
        let named =
            |keys: &MatchKeys| if keys.name.is_empty() { Vec::new() } else { vec![keys.name.clone()] };
        let by_name = self.edges(SHARED_KEY_MAX, named, |_, _| true);
        let by_phone = self.edges(SHARED_KEY_MAX, phone_keys, share_phone);
        let by_email = self.edges(SHARED_KEY_MAX, |keys| keys.emails.clone(), |_, _| true);
        for (edges, evidence) in [
            (by_name, "same name"),
            (by_phone, "same phone number, other name"),
            (by_email, "same e-mail address, other name"),
        ] {
            for edge in edges {
                self.add_likely(listed, edge, evidence);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(uid: &str, name: &str, phones: &[&str], emails: &[&str]) -> MatchKeys {
        MatchKeys {
            uid: (!uid.is_empty()).then(|| uid.to_owned()),
            name: name_key(name),
            phones: phones.iter().map(|phone| normal_phone(phone)).collect(),
            emails: emails.iter().map(|email| normal_email(email).to_lowercase()).collect(),
        }
    }

    fn indices(candidates: &[Candidate]) -> Vec<(usize, usize)> {
        candidates.iter().map(|candidate| (candidate.left, candidate.right)).collect()
    }

    #[test]
    fn the_keys_of_a_card() {
        let card = Card::parse(
            b"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:URN:UUID:ABC\r\nFN:Lee\\, Ann\r\nTEL:+49 170 1\r\nTEL:0049 1701\r\nEMAIL:Ann@EXAMPLE.org\r\nEND:VCARD\r\n",
        )
        .unwrap();
        assert_eq!(match_keys(&card), keys("abc", "Ann Lee", &["+491701"], &["ann@example.org"]));
        assert!(!format!("{:?}", match_keys(&card)).contains("1701"));
    }

    #[test]
    fn same_uid_or_name_with_a_number_is_strong() {
        let left = [
            keys("u1", "Ann Lee", &[], &[]),
            keys("", "Bo Ek", &["+46 1"], &[]),
            keys("", "Cy Orr", &[], &["c@x.org"]),
        ];
        let right = [
            keys("", "Orr, Cy", &[], &["C@X.org"]),
            keys("u1", "Ann Lee-Ray", &[], &[]),
            keys("z", "Bo Ek", &["00461"], &[]),
        ];
        let matching = match_cards(&left, &right);
        assert_eq!(indices(&matching.pairs), [(0, 1), (1, 2), (2, 0)]);
        assert!(matching.likely.is_empty());
    }

    #[test]
    fn one_weak_key_never_joins() {
        // Two Ann Lees with numbers that differ in the last digit are two people until somebody says otherwise.
        let left = [
            keys("a", "Ann Lee", &["+1 555 0100 491"], &[]),
            keys("b", "John Roe", &["+1 555 0100 777"], &[]),
        ];
        let right = [
            keys("c", "Ann Lee", &["+1 555 0100 492"], &[]),
            keys("d", "Jane Roe", &["+1 555 0100 777"], &[]),
        ];
        let matching = match_cards(&left, &right);
        assert!(matching.pairs.is_empty());
        assert_eq!(indices(&matching.likely), [(0, 0), (1, 1)]);
        assert_eq!(matching.likely[1].evidence, "same phone number, other name");
    }

    #[test]
    fn two_cards_of_one_person_stay_apart() {
        let twin = || keys("", "Ann Lee", &["+1 555 0100 491"], &[]);
        let matching = match_cards(&[twin(), twin()], &[twin()]);
        assert!(matching.pairs.is_empty());
        assert_eq!(indices(&matching.likely), [(0, 0), (1, 0)]);
        assert!(matching.likely[0].evidence.contains("more than one card fits"));
        let by_uid =
            match_cards(&[keys("u", "A", &[], &[]), keys("u", "B", &[], &[])], &[keys("u", "C", &[], &[])]);
        assert!(by_uid.pairs.is_empty());
        assert_eq!(by_uid.likely.len(), 2);
    }

    #[test]
    fn a_shared_uid_is_told_apart_by_name_and_number() {
        let left = [keys("u", "Ann Lee", &["+15550100491"], &[]), keys("u", "Bo Ek", &["+15550100777"], &[])];
        let right = [keys("u", "Bo Ek", &["+15550100777"], &[])];
        assert_eq!(indices(&match_cards(&left, &right).pairs), [(1, 0)]);
    }

    #[test]
    fn nameless_cards_do_not_join_by_number() {
        let matching =
            match_cards(&[keys("", "", &["+15550100491"], &[])], &[keys("", "", &["+15550100491"], &[])]);
        assert!(matching.pairs.is_empty());
        assert_eq!(matching.likely.len(), 1);
    }

    #[test]
    fn a_switchboard_makes_no_candidates() {
        let crowd: Vec<MatchKeys> =
            (0..500).map(|index| keys("", &format!("Person {index}"), &["+15550100000"], &[])).collect();
        let others: Vec<MatchKeys> =
            (0..500).map(|index| keys("", &format!("Stranger {index}"), &["+15550100000"], &[])).collect();
        assert_eq!(match_cards(&crowd, &others), Matching::default());
    }

    #[test]
    fn swapping_the_sides_swaps_the_result() {
        let mut random = fastrand::Rng::with_seed(7);
        let mut pair_count = 0;
        let mut likely_count = 0;
        for _ in 0..300 {
            let mut side = || -> Vec<MatchKeys> {
                (0..random.usize(0..6))
                    .map(|_| {
                        let uid = ["", "", "u1", "u2"][random.usize(0..4)];
                        let name = ["Ann Lee", "Bo Ek", "", "Cy Orr"][random.usize(0..4)];
                        let phone = ["+15550100491", "+15550100492", "5550100491"][random.usize(0..3)];
                        let email = ["a@x.org", "b@x.org"][random.usize(0..2)];
                        let emails: &[&str] = if random.bool() { &[] } else { &[email] };
                        keys(uid, name, &[phone], emails)
                    })
                    .collect()
            };
            let (left, right) = (side(), side());
            let there = match_cards(&left, &right);
            let mut back = indices(&match_cards(&right, &left).pairs);
            back.iter_mut().for_each(|edge| *edge = (edge.1, edge.0));
            back.sort_unstable();
            assert_eq!(indices(&there.pairs), back);
            let lefts: HashSet<usize> = there.pairs.iter().map(|pair| pair.left).collect();
            let rights: HashSet<usize> = there.pairs.iter().map(|pair| pair.right).collect();
            assert_eq!((lefts.len(), rights.len()), (there.pairs.len(), there.pairs.len()), "one to one");
            assert!(
                there.likely.iter().all(|pair| !lefts.contains(&pair.left) && !rights.contains(&pair.right))
            );
            pair_count += there.pairs.len();
            likely_count += there.likely.len();
        }
        assert!(pair_count > 100 && likely_count > 300, "{pair_count} pairs, {likely_count} likely");
    }
}
