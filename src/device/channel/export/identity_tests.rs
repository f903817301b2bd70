//! Who is who from export to export: with UIDs, with cards that cannot be read, and over a long time with a ledger of
//! who everybody really is.

use std::collections::BTreeSet;

use super::super::judging::Broken;
use super::*;

fn card(name: &str, lines: &str) -> Card {
    let text = format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:{name}\r\n{lines}END:VCARD\r\n");
    Card::parse(text.as_bytes()).unwrap()
}

fn known(number: u64, card: Card) -> Known {
    Known { number, card: Some(card), is_there: true, broken: None }
}

fn seen(card: Card) -> Seen {
    Seen::Card(card)
}

fn broken(text: &str) -> Seen {
    Seen::Broken(Broken { bytes: text.as_bytes().to_vec(), why: String::from("torn") })
}

fn numbers(known: &[Known], seen: &[Seen]) -> (Vec<u64>, bool) {
    let assignment = assign(known, seen, 10, &FieldMask::all());
    assert_eq!(assignment.numbers.iter().collect::<BTreeSet<_>>().len(), seen.len(), "no number twice");
    assert!(assignment.next > assignment.numbers.iter().copied().max().unwrap_or(0));
    (assignment.numbers, assignment.is_certain)
}

#[test]
fn a_uid_goes_before_what_the_cards_say() {
    let before =
        [known(1, card("Ann", "UID:a\r\nTEL:1001\r\n")), known(2, card("Bo", "UID:b\r\nTEL:1002\r\n"))];
    let swapped = [seen(card("Ann", "UID:b\r\nTEL:1001\r\n")), seen(card("Bo", "UID:a\r\nTEL:1002\r\n"))];
    assert_eq!(numbers(&before, &swapped), (vec![2, 1], true));
    // Where UIDs stay, another UID under the same name is another person.
    let replaced = [seen(card("Ann", "UID:a\r\nTEL:1001\r\n")), seen(card("Bo", "UID:c\r\nTEL:1002\r\n"))];
    assert_eq!(numbers(&before, &replaced), (vec![1, 10], true));
    // An exporter that makes them up each time gives no evidence by that.
    let made_up = [seen(card("Ann", "UID:x\r\nTEL:1001\r\n")), seen(card("Bo", "UID:y\r\nTEL:1002\r\n"))];
    assert_eq!(numbers(&before, &made_up), (vec![1, 2], true));
    // A UID that two cards have is none.
    let doubled = [seen(card("Ann", "UID:a\r\nTEL:1001\r\n")), seen(card("Cy", "UID:a\r\nTEL:1003\r\n"))];
    assert_eq!(numbers(&before, &doubled), (vec![1, 10], true));
}

#[test]
fn equal_cards_are_two_contacts() {
    let twin = card("Ann", "TEL:1001\r\n");
    let before = [known(1, twin.clone()), known(2, twin.clone())];
    assert_eq!(numbers(&before, &[seen(twin.clone()), seen(twin.clone())]).0, [1, 2]);
    // One of them went and came back; while it was away, the other one is the one that stayed.
    let away = [Known { is_there: false, ..known(1, twin.clone()) }, known(2, twin.clone())];
    assert_eq!(numbers(&away, &[seen(twin.clone())]).0, [2]);
    assert_eq!(numbers(&away, &[seen(twin.clone()), seen(twin)]).0, [2, 1]);
}

#[test]
fn a_card_that_cannot_be_read_keeps_its_number_where_it_can_be_told() {
    let before = || vec![known(1, card("Ann", "TEL:1001\r\n")), known(2, card("Bo", "TEL:1002\r\n"))];
    let ann = || seen(card("Ann", "TEL:1001\r\n"));
    // By its name line.
    let torn = broken("BEGIN:VCARD\r\nFN:Bo\r\nEND:VCARD\r\n");
    assert_eq!(numbers(&before(), &[torn.clone(), ann()]), (vec![2, 1], true));
    // By being the only one that is left.
    let nameless = broken("BEGIN:VCARD\r\nTEL\r\nEND:VCARD\r\n");
    assert_eq!(numbers(&before(), &[nameless.clone(), ann()]), (vec![2, 1], true));
    // By its bytes, when it could not be read last time either.
    let mut torn_before = before();
    torn_before[1].broken = Some(Revision::of(nameless.bytes()));
    let cy = seen(card("Cy", "TEL:1003\r\n"));
    assert_eq!(numbers(&torn_before, &[ann(), nameless.clone(), cy.clone()]), (vec![1, 2, 10], true));
    // Not where a new contact is there as well, which could be the one.
    assert_eq!(numbers(&before(), &[ann(), nameless.clone(), cy]), (vec![1, 10, 11], false));
    // Nor where two have the name.
    let mut namesakes = before();
    namesakes.push(known(3, card("Bo", "TEL:1003\r\n")));
    assert_eq!(numbers(&namesakes, &[ann(), torn]), (vec![1, 10], false));
    // By its UID.
    let with_uid = [known(1, card("Ann", "UID:a\r\n")), known(2, card("Bo", "UID:b\r\n"))];
    let torn = broken("BEGIN:VCARD\r\nUID:a\r\nEND:VCARD\r\n");
    let cy = seen(card("Cy", "UID:c\r\n"));
    assert_eq!(numbers(&with_uid, &[torn, cy]), (vec![1, 10], true));
}

#[test]
fn numbers_are_never_given_twice() {
    assert_eq!(numbers(&[known(40, card("Ann", ""))], &[seen(card("Bo", ""))]).0, [41]);
    assert_eq!(numbers(&[], &[]).0, [0; 0]);
    assert_eq!(assign(&[], &[seen(card("Bo", ""))], 0, &FieldMask::all()).numbers, [1]);
}

/// A person as the phone knows her, under a number that no export tells.
#[derive(Clone)]
struct Person {
    name: String,
    own: String,
    shared: String,
    note: u32,
}

impl Person {
    fn card(&self) -> Card {
        let line = |value: &str| if value.is_empty() { String::new() } else { format!("TEL:{value}\r\n") };
        let lines = format!("{}{}NOTE:{}\r\n", line(&self.own), line(&self.shared), self.note);
        card(&self.name, &lines)
    }
}

/// Many exports with edits, renames, new people, people who are away for a while, and families that share a
/// number. No number is ever another person's, and hardly anybody gets a second one.
#[test]
fn over_many_exports_nobody_is_taken_for_another() {
    let mut second_numbers = 0;
    for seed in 0..2 {
        second_numbers += many_exports(seed);
    }
    assert!(second_numbers <= 2 * 6, "{second_numbers} people were not known again");
}

fn many_exports(seed: u64) -> usize {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut made = 0_u32;
    let mut new_person = |random: &mut fastrand::Rng| {
        made += 1;
        let family = random.u32(..12);
        let shared = if random.u32(..3) == 0 { format!("+49301{family:04}") } else { String::new() };
        let own = if shared.is_empty() || random.bool() { format!("+49170{made:06}") } else { String::new() };
        Person { name: format!("Given{made} Family{family}"), own, shared, note: 0 }
    };
    let mut people: Vec<(Person, bool)> = (0..24).map(|_| (new_person(&mut random), true)).collect();
    let mut remembered: Vec<Known> = Vec::new();
    let mut who: BTreeMap<u64, usize> = BTreeMap::new();
    let mut number_of: BTreeMap<usize, u64> = BTreeMap::new();
    let (mut next, mut second_numbers) = (1, 0);
    for day in 0..250_u32 {
        for _ in 0..random.usize(..4) {
            let index = random.usize(..people.len());
            let Some((person, is_there)) = people.get_mut(index) else { continue };
            match random.u32(..8) {
                0 if !person.own.is_empty() => person.name = format!("Given{index} Married{day}"),
                1 if !person.own.is_empty() => person.own = format!("+49151{index:04}{day:04}"),
                2 => *is_there = !*is_there,
                3 => people.push((new_person(&mut random), true)),
                _ => person.note += 1,
            }
        }
        let mut there: Vec<usize> = (0..people.len()).filter(|index| people[*index].1).collect();
        random.shuffle(&mut there);
        let cards: Vec<Seen> = there.iter().map(|index| seen(people[*index].0.card())).collect();
        let assignment = assign(&remembered, &cards, next, &FieldMask::all());
        next = assignment.next;
        for known in &mut remembered {
            known.is_there = false;
        }
        for ((index, number), seen) in there.iter().zip(&assignment.numbers).zip(&cards) {
            assert_eq!(
                who.entry(*number).or_insert(*index),
                index,
                "seed {seed}, day {day}: two people under one number"
            );
            second_numbers +=
                usize::from(number_of.insert(*index, *number).is_some_and(|before| before != *number));
            let Seen::Card(card) = seen else { panic!() };
            remembered.retain(|known| known.number != *number);
            remembered.push(known(*number, card.clone()));
        }
    }
    second_numbers
}
