//! Tests of following cards from export to export: the families and namesakes that must not be mixed up, and a
//! phone's book over many exports with a ledger of who is who.

use std::collections::BTreeSet;

use super::*;

/// A card of invented people: a name, numbers (`555...`) and addresses (with `@`), and a note.
fn card(name: &str, reach: &[&str], note: &str) -> FollowKeys {
    let mut text = format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\n");
    for value in reach {
        let property = if value.contains('@') { "EMAIL" } else { "TEL" };
        text.push_str(&format!("{property}:{value}\r\n"));
    }
    text.push_str(&format!("NOTE:{note}\r\nEND:VCARD\r\n"));
    FollowKeys::of(&Card::parse(text.as_bytes()).unwrap(), &FieldMask::all())
}

const ANN: &str = "+1 555 0100 1";
const BO: &str = "+1 555 0100 2";
const HOME: &str = "+1 555 0100 9";
const OTHER: &str = "+1 555 0100 7";

#[test]
fn the_score_of_likeness() {
    let score = |old: &FollowKeys, new: &FollowKeys| likeness(&old.keys, &new.keys);
    let ann = card("Ann Lee", &[ANN, HOME], "");
    assert_eq!(score(&ann, &card("Lee\\, Ann", &[HOME, ANN], "x")), 5);
    assert_eq!(score(&ann, &card("Ann Lee", &[ANN], "")), 4);
    assert_eq!(score(&ann, &card("Ann Lee", &[OTHER], "")), 3);
    assert_eq!(score(&ann, &card("Ann Ray", &[ANN, HOME], "")), 2);
    assert_eq!(score(&ann, &card("Bo Lee", &[HOME], "")), 1);
    assert_eq!(score(&ann, &card("Bo Lee", &[BO], "")), 0);
    assert_eq!(score(&card("", &[], ""), &card("", &[], "")), 0);
}

#[test]
fn every_kind_of_edit_is_followed() {
    let old = [
        card("Ann Lee", &[ANN], "same"),
        card("Bo Ek", &[BO], "before"),
        card("Cy Orr", &["+1 555 0200 1", "c@x.org"], ""),
        card("Dee Low", &["+1 555 0300 1"], ""),
        card("Eve Fox", &["+1 555 0400 1"], ""),
        card("", &["+1 555 0500 1"], "nameless"),
    ];
    let new = [
        card("", &["+1 555 0500 1"], "nameless, with a longer note"),
        card("Eve Hart", &["+1 555 0400 1"], "renamed"),
        card("Low\\, Dee", &["+1 555 0300 2"], "another number"),
        card("Cy Orr", &["c@x.org"], "a number less"),
        card("Bo Ek", &[BO], "after"),
        card("Ann Lee", &[ANN], "same"),
        card("Fay New", &["+1 555 0600 1"], "added"),
    ];
    assert_eq!(follow(&old, &new), [Some(5), Some(4), Some(3), Some(2), Some(1), Some(0), None]);
    assert_eq!(follow(&old, &[]), []);
    assert_eq!(follow(&[], &new), [None; 7]);
}

#[test]
fn a_family_with_one_number_is_never_swapped() {
    let old = [card("Ann Lee", &[HOME], ""), card("Bo Lee", &[HOME], "")];
    // Bo renamed, or Bo deleted and Cy added: the contents are the same, so nothing is said.
    assert_eq!(follow(&old, &[card("Ann Lee", &[HOME], ""), card("Cy Lee", &[HOME], "")]), [Some(0), None]);
    // Both renamed.
    assert_eq!(follow(&old, &[card("Dee", &[HOME], ""), card("Eve", &[HOME], "")]), [None, None]);
    // Bo deleted, and Ann edited.
    assert_eq!(follow(&old, &[card("Ann Lee", &[HOME, ANN], "")]), [Some(0)]);
    // One has a number of the other's beside: it is Bo's card that is left.
    let old = [card("Ann Lee", &[HOME, ANN], ""), card("Bo Lee", &[HOME], "")];
    assert_eq!(
        follow(&old, &[card("Cy Lee", &[HOME], ""), card("Ann Lee", &[HOME, ANN], "x")]),
        [None, Some(0)]
    );
    // With a number of her own beside the shared one a renamed person is known again.
    assert_eq!(
        follow(&old, &[card("Bo Lee", &[HOME], ""), card("Anna Ray", &[HOME, ANN], "")]),
        [Some(1), Some(0)]
    );
}

#[test]
fn names_and_numbers_that_contradict_say_nothing() {
    let old = [card("Ann Lee", &[ANN], ""), card("Bo Ek", &[BO], "")];
    // Did they swap their numbers or their names, and who is left?
    assert_eq!(follow(&old, &[card("Ann Lee", &[BO], ""), card("Bo Ek", &[ANN], "")]), [None, None]);
    assert_eq!(follow(&old, &[card("Ann Lee", &[BO], "")]), [None]);
    // A number that somebody else keeps is no contradiction.
    let new = [card("Ann Lee", &[BO], ""), card("Bo Ek", &[BO], "")];
    assert_eq!(follow(&old, &new), [Some(0), Some(1)]);
}

#[test]
fn namesakes_are_told_apart_by_what_only_one_of_them_has() {
    let old = [card("John Roe", &[HOME, ANN], "father"), card("John Roe", &[HOME, BO], "son")];
    let new = [card("John Roe", &[HOME, BO, OTHER], "son"), card("John Roe", &[ANN], "father")];
    assert_eq!(follow(&old, &new), [Some(1), Some(0)]);
    // Only what both have is left.
    let new = [card("John Roe", &[HOME], "one"), card("John Roe", &[HOME, OTHER], "two")];
    assert_eq!(follow(&old, &new), [None, None]);
    // One is unchanged, so the other is the other; but a namesake without a shared number may be a third.
    assert_eq!(follow(&old, &[old[0].clone(), card("John Roe", &[HOME, OTHER], "")]), [Some(0), Some(1)]);
    assert_eq!(follow(&old, &[old[0].clone(), card("John Roe", &[OTHER], "")]), [Some(0), None]);
}

#[test]
fn copies_of_one_card_are_one_person() {
    let twin = || card("Ann Lee", &[ANN], "");
    assert_eq!(follow(&[twin(), twin()], &[twin(), twin()]), [Some(0), Some(1)]);
    assert_eq!(follow(&[twin(), twin()], &[twin()]), [Some(0)]);
    assert_eq!(follow(&[twin()], &[twin(), twin()]), [Some(0), None]);
    // One of the two was edited: which one cannot matter, for they were equal.
    assert_eq!(follow(&[twin(), twin()], &[card("Ann Lee", &[ANN], "x"), twin()]), [Some(1), Some(0)]);
    assert_eq!(follow(&[twin(), twin()], &[card("Ann Ray", &[ANN], ""), twin()]), [Some(1), Some(0)]);
}

/// A person of the ledger.
#[derive(Clone, Debug)]
struct Known {
    id: u32,
    name: String,
    reach: Vec<String>,
    note: u32,
}

impl Known {
    fn card(&self) -> FollowKeys {
        let reach: Vec<&str> = self.reach.iter().map(String::as_str).collect();
        card(&self.name, &reach, &format!("note {}", self.note))
    }
}

/// A phone's book and the chance that edits it.
struct Book {
    random: fastrand::Rng,
    people: Vec<Known>,
    /// The book at the last export.
    before: Vec<Known>,
    next: u32,
}

impl Book {
    fn fresh(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    fn number(&mut self) -> String {
        let next = self.fresh();
        match self.random.u8(0..4) {
            0 => format!("person{next}@example.org"),
            _ => format!("+1 555 {next:07}"),
        }
    }

    fn name(&mut self) -> String {
        let next = self.fresh();
        match self.random.u8(0..8) {
            0 => String::new(),
            1 => format!("Only{next}"),
            _ => format!("Given{next} Family{}", self.random.u8(0..12)),
        }
    }

    /// A number that somebody has now: a family's, an office's.
    fn shared_number(&mut self) -> Option<String> {
        let person = self.random.usize(0..self.people.len().max(1));
        self.people.get(person)?.reach.first().cloned()
    }

    fn add(&mut self) {
        let mut name = self.name();
        let mut reach = vec![self.number()];
        match self.random.u8(0..6) {
            0 | 1 => reach = self.shared_number().into_iter().collect(),
            2 => reach.extend(self.shared_number()),
            3 => reach.push(self.number()),
            // A namesake of somebody who is still there.
            4 if !self.people.is_empty() => {
                name = self.people[self.random.usize(0..self.people.len())].name.clone();
            }
            _ => {}
        }
        let person = Known { id: self.fresh(), name, reach, note: self.random.u32(0..3) };
        self.people.push(person);
    }

    fn edit(&mut self, at: usize) {
        let (number, name, note) = (self.number(), self.name(), self.fresh());
        let shared = self.shared_number();
        let namesake = self.people[self.random.usize(0..self.people.len())].name.clone();
        let own = self.people[at].reach.clone();
        let has_family = self
            .before
            .iter()
            .chain(&self.people)
            .any(|other| other.name == namesake && other.reach.iter().any(|key| own.contains(key)));
        let how = self.random.u8(0..12);
        let person = &mut self.people[at];
        match how {
            0 | 1 => person.note = note,
            2 => person.reach.push(number),
            3 if person.reach.len() > 1 => drop(person.reach.remove(0)),
            4 => person.reach = vec![number],
            5 => person.reach.extend(shared),
            6 | 7 => person.name = name,
            8 => {
                person.name = name;
                person.note = note;
            }
            9 => person.reach.reverse(),
            // In one family no two have one name: who takes it over from one who shares the number is that one.
            10 if !has_family => person.name = namesake,
            _ => person.name = person.name.split(' ').rev().collect::<Vec<_>>().join("\\, "),
        }
    }

    /// What happens between two exports. Deletions come first and the new people last, so that nobody who is gone
    /// is replaced by a namesake or by the next holder of a number: no content tells those from an edit.
    fn interval(&mut self) {
        self.before = self.people.clone();
        for _ in 0..self.random.usize(0..3) {
            if self.people.len() > 4 {
                let gone = self.random.usize(0..self.people.len());
                self.people.remove(gone);
            }
        }
        for _ in 0..self.random.usize(0..5) {
            let at = self.random.usize(0..self.people.len());
            self.edit(at);
        }
        for _ in 0..self.random.usize(0..3) {
            self.add();
        }
        let mut random = self.random.fork();
        random.shuffle(&mut self.people);
    }
}

/// What a run over many books came to.
#[derive(Default, Debug)]
struct Tally {
    edited: usize,
    /// Edited cards and those of them that were known again, by what was left of the card ([`likeness`]).
    by_likeness: [(usize, usize); 6],
    renamed_found: usize,
    renumbered_found: usize,
    new_people: usize,
    shared: usize,
}

fn check_interval(old: &[Known], new: &[Known], tally: &mut Tally, seed: u64) {
    let (before, after): (Vec<FollowKeys>, Vec<FollowKeys>) =
        (old.iter().map(Known::card).collect(), new.iter().map(Known::card).collect());
    let found = follow(&before, &after);
    let assigned: BTreeSet<usize> = found.iter().flatten().copied().collect();
    assert_eq!(assigned.len(), found.iter().flatten().count(), "seed {seed}: one to one");
    for (at, person) in new.iter().enumerate() {
        let truth = old.iter().position(|one| one.id == person.id);
        if let Some(partner) = found[at] {
            let is_right = truth == Some(partner);
            // Equal contents cannot be told apart, by nobody: the same content is the same contact.
            let is_same = before[partner].content == after[at].content
                || truth.is_some_and(|truth| before[truth].content == before[partner].content);
            assert!(
                is_right || is_same,
                "seed {seed}: {person:?} was taken for {:?}, and is {:?}",
                old[partner],
                truth.map(|truth| &old[truth])
            );
        }
        let Some(truth) = truth else {
            tally.new_people += 1;
            continue;
        };
        if before[truth].content == after[at].content {
            let copies = after.iter().filter(|card| card.content == after[at].content).count();
            assert!(copies > 1 || found[at].is_some(), "seed {seed}: an unedited card is always known");
            continue;
        }
        tally.edited += 1;
        let (one, other) = (&before[truth].keys, &after[at].keys);
        let shared = reach_of(one).intersection(&reach_of(other)).count();
        assert!(
            likeness(one, other) > 1 || shared > 1 || found[at].is_none(),
            "seed {seed}: one shared number alone is no evidence"
        );
        let class = &mut tally.by_likeness[likeness(one, other) as usize];
        class.0 += 1;
        class.1 += usize::from(found[at].is_some());
        tally.renamed_found += usize::from(found[at].is_some() && one.name != other.name);
        tally.renumbered_found += usize::from(found[at].is_some() && likeness(one, other) == 3);
        tally.shared += usize::from(
            after.iter().filter(|card| likeness(&card.keys, other) == 1).count() > 0 && found[at].is_some(),
        );
    }
}

#[test]
fn the_ledger_of_true_identities_is_never_contradicted() {
    let mut tally = Tally::default();
    for seed in 0..200 {
        let mut book =
            Book { random: fastrand::Rng::with_seed(seed), people: Vec::new(), before: Vec::new(), next: 0 };
        for _ in 0..book.random.usize(5..25) {
            book.add();
        }
        for _ in 0..12 {
            let old = book.people.clone();
            book.interval();
            check_interval(&old, &book.people.clone(), &mut tally, seed);
        }
    }
    println!("{tally:?}");
    assert!(tally.edited > 3_000 && tally.new_people > 2_000, "{tally:?}");
    // Half of these people share a number with somebody, so many renames must stay open; what keeps its name and
    // a number must not.
    for (score, floor_percent) in [(5, 99), (4, 99), (3, 60), (2, 48)] {
        let (edited, found) = tally.by_likeness[score];
        assert!(found * 100 >= edited * floor_percent, "likeness {score}: {tally:?}");
    }
    assert!(tally.renamed_found > 500 && tally.renumbered_found > 200 && tally.shared > 800, "{tally:?}");
}

#[test]
fn the_order_of_the_cards_does_not_matter() {
    let mut found_count = 0;
    for seed in 0..100 {
        let mut book =
            Book { random: fastrand::Rng::with_seed(seed), people: Vec::new(), before: Vec::new(), next: 0 };
        (0..15).for_each(|_| book.add());
        let old = book.people.clone();
        book.interval();
        let pairs = |old: &[Known], new: &[Known]| -> BTreeSet<(u32, Option<u32>)> {
            let cards = |people: &[Known]| people.iter().map(Known::card).collect::<Vec<_>>();
            let found = follow(&cards(old), &cards(new));
            new.iter().zip(found).map(|(new, found)| (new.id, found.map(|at| old[at].id))).collect()
        };
        let contents: Vec<_> = old.iter().chain(&book.people).map(|person| person.card().content).collect();
        let has_copies = |people: &[Known]| {
            let distinct: BTreeSet<_> = people.iter().map(|person| person.card().content).collect();
            distinct.len() < people.len()
        };
        if has_copies(&old) || has_copies(&book.people) {
            continue;
        }
        let there = pairs(&old, &book.people);
        let (mut mixed_old, mut mixed_new) = (old.clone(), book.people.clone());
        book.random.shuffle(&mut mixed_old);
        book.random.shuffle(&mut mixed_new);
        assert_eq!(pairs(&mixed_old, &mixed_new), there);
        found_count += there.iter().filter(|(_, found)| found.is_some()).count();
        assert!(contents.len() >= 20);
    }
    assert!(found_count > 800, "{found_count}");
}

#[test]
fn a_household_that_is_renamed_together_is_followed_by_what_each_has() {
    let home = "+1 555 0000001";
    let old = [
        card("Ann Old", &[home, "ann@example.org"], "1"),
        card("Bob Old", &[home, "bob@example.org"], "2"),
        card("Cid Old", &[home], "3"),
    ];
    let new = [
        card("Bob New", &[home, "bob@example.org"], "2"),
        card("Cid New", &[home], "3"),
        card("Ann New", &[home, "ann@example.org"], "1"),
    ];
    assert_eq!(follow(&old, &new), [Some(1), None, Some(0)]);
}

#[test]
fn who_was_away_already_does_not_stand_in_the_way_of_a_rename() {
    let home = "+1 555 0000001";
    let old = [card("Ann Lee", &[home], "1"), card("Bob Lee", &[home], "2")];
    let new = [card("Ann Wu", &[home], "1")];
    assert_eq!(follow(&old, &new), [None], "either of them may be called Ann Wu now");
    assert_eq!(follow_with_absent(&old, 1, &new), [Some(0)]);
    let back = [card("Bob Lee", &[home], "2")];
    assert_eq!(follow_with_absent(&old, 1, &back), [Some(1)], "who comes back goes before a rename");
}

#[test]
fn two_numbers_of_their_own_outlast_a_name_and_a_number() {
    let old = [card("Ann Lee", &["+1 555 0000001", "ann@example.org"], "1")];
    let new = [card("Ann Wu", &["+1 555 0000001", "ann@example.org", "+1 555 0000002"], "1")];
    assert_eq!(follow(&old, &new), [Some(0)]);
}

#[test]
fn a_large_book_is_followed_quickly() {
    // A switchboard's number on every card must not cost quadratic time.
    let old: Vec<FollowKeys> = (0..4_000).map(|at| card(&format!("P{at}"), &["+1 555 0000"], "a")).collect();
    let new: Vec<FollowKeys> = (0..4_000).map(|at| card(&format!("P{at}"), &["+1 555 0000"], "b")).collect();
    let found = follow(&old, &new);
    assert!(found.iter().enumerate().all(|(at, found)| *found == Some(at)));
}
