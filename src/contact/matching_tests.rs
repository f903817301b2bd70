//! Who is who: tables of pairs, and the laws of the assignment.

use std::collections::HashSet;

use super::*;
use crate::contact::{ASK_MIN, SAME_MIN, evidence_words};

/// A card of these lines.
fn card(lines: &[&str]) -> Card {
    let text = format!("BEGIN:VCARD\r\nVERSION:3.0\r\n{}\r\nEND:VCARD\r\n", lines.join("\r\n"));
    Card::parse(text.as_bytes()).unwrap()
}

fn keys(uid: &str, name: &str, phones: &[&str], emails: &[&str]) -> MatchKeys {
    MatchKeys {
        uid: (!uid.is_empty()).then(|| uid.to_owned()),
        name: sorted_name(name),
        spoken: spoken_name(name),
        phones: phones.iter().map(|phone| normal_phone(phone)).collect(),
        emails: emails.iter().map(|email| normal_email(email).to_lowercase()).collect(),
        ..MatchKeys::default()
    }
}

fn matched(left: &[MatchKeys], right: &[MatchKeys]) -> Matching {
    match_cards(left, right, &|_, _| false)
}

fn indices(candidates: &[Candidate]) -> Vec<(usize, usize)> {
    candidates.iter().map(|candidate| (candidate.left, candidate.right)).collect()
}

#[test]
fn the_keys_of_a_card() {
    let card = card(&[
        "UID:URN:UUID:ABC",
        "FN:Lee\\, Ann",
        "N:Lee;Ann;;;",
        "TEL:+49 170 1",
        "TEL:0049 1701",
        "TEL:0800 FLOWERS",
        "EMAIL:Ann@EXAMPLE.org",
        "BDAY:1980-02-29",
    ]);
    let expected = MatchKeys {
        given: "ann".into(),
        birthday: Some("19800229".into()),
        phones: vec!["+491701".into(), "0800 flowers".into()],
        ..keys("abc", "Ann Lee", &[], &["ann@example.org"])
    };
    assert_eq!(match_keys(&card), expected);
    assert!(!format!("{:?}", match_keys(&card)).contains("1701"));
}

/// Pairs of cards as they stand in address books, with the verdict on each.
#[test]
fn a_table_of_pairs() {
    let table: [(&str, &str, Verdict); 34] = [
        ("FN:Ann Lee|TEL:+49 170 1234567", "FN:Ann Lee|TEL:0170 1234567", Verdict::Same),
        ("FN:Ann Lee|TEL:+49 170 1234567", "FN:Ann Lee|TEL:0170 1234568", Verdict::Ask),
        ("FN:Ann Lee", "FN:Ann Lee", Verdict::Ask),
        ("FN:Ann Lee|BDAY:1980-01-02", "FN:Ann Lee|BDAY:1980-01-02", Verdict::Ask),
        ("FN:Ann Lee|BDAY:1980-01-02", "FN:Ann Lee|BDAY:1990-01-02", Verdict::Different),
        ("FN:Ann Lee|TEL:1234567|BDAY:1980-01-02", "FN:Ann Lee|TEL:1234567|BDAY:1990-01-02", Verdict::Ask),
        ("FN:John Roe|TEL:1234567", "FN:Jane Roe|TEL:1234567", Verdict::Different),
        ("FN:John Roe|EMAIL:roes@example.org", "FN:Jane Roe|EMAIL:roes@example.org", Verdict::Different),
        (
            "FN:John Roe|TEL:1234567|EMAIL:r@example.org",
            "FN:Mum|TEL:1234567|EMAIL:r@example.org",
            Verdict::Ask,
        ),
        ("FN:John Roe Jr.|TEL:1234567", "FN:John Roe Sr.|TEL:1234567", Verdict::Different),
        ("FN:John Roe|TEL:1234567", "FN:John Roe Jr.|TEL:1234567", Verdict::Ask),
        ("FN:John Roe", "FN:John Roe Jr.", Verdict::Different),
        ("FN:John A. Roe|TEL:1234567", "FN:John Adam Roe|TEL:1234567", Verdict::Ask),
        ("FN:John A Roe|TEL:1234567", "FN:John B Roe|TEL:1234567", Verdict::Ask),
        ("FN:John A Roe", "FN:John B Roe", Verdict::Different),
        ("FN:Ann Lee|N:Lee;Ann|TEL:1234567", "FN:Ann Ray|N:Ray;Ann|TEL:1234567", Verdict::Ask),
        ("FN:Roe\\, John|TEL:1234567", "FN:John Roe|TEL:1234567", Verdict::Same),
        ("FN:José Núñez|TEL:1234567", "FN:Jose Nunez|TEL:1234567", Verdict::Same),
        ("FN:José Núñez", "FN:Jose Nunez", Verdict::Ask),
        ("FN:Jürgen Groß|EMAIL:j@example.org", "FN:JUERGEN GROSS|EMAIL:J@example.org", Verdict::Same),
        ("FN:王小明|TEL:+86 131 1234 5678", "FN:小明 王|TEL:+86 131 1234 5678", Verdict::Same),
        ("FN:王小明", "FN:小明王", Verdict::Ask),
        ("FN:王小明|TEL:1234567", "FN:王小红|TEL:1234567", Verdict::Different),
        ("FN:김철수|TEL:1234567", "FN:김 철수|TEL:1234567", Verdict::Same),
        ("FN:Юлия Орлова|TEL:+7 912 345 67 89", "FN:Орлова Юлия|TEL:+79123456789", Verdict::Same),
        ("FN:Юлия Орлова|TEL:1234567", "FN:Julia Orlova|TEL:1234567", Verdict::Different),
        ("FN:محمد علي|TEL:١٢٣٤٥٦٧", "FN:محمد علي|TEL:1234567", Verdict::Same),
        ("FN:ΓΙΩΡΓΟΣ ΠΑΠΠΑΣ|TEL:1234567", "FN:Γιωργος Παππας|TEL:1234567", Verdict::Same),
        ("TEL:1234567", "TEL:1234567", Verdict::Ask),
        ("TEL:1234567", "FN:Ann Lee|TEL:1234567", Verdict::Ask),
        ("FN:Taxi|TEL:0800 FLOWERS", "FN:Taxi|TEL:0800 FLOWRES", Verdict::Ask),
        ("UID:a|FN:Ann Lee", "UID:urn:uuid:A|FN:Ann Ray", Verdict::Same),
        ("UID:1|FN:Ann Lee|BDAY:1980-01-02", "UID:1|FN:Bo Ek|BDAY:1990-01-02", Verdict::Ask),
        ("UID:1|FN:Ann Lee", "UID:2|FN:Bo Ek", Verdict::Different),
    ];
    let side = |text: &str| match_keys(&card(&text.split('|').collect::<Vec<_>>()));
    for (left, right, expected) in table {
        let found = compare_keys(&side(left), &side(right));
        let told = evidence_words(&found.reasons);
        assert_eq!(found.verdict(), expected, "{left} and {right}: {} ({told})", found.score);
        assert_eq!(found, compare_keys(&side(right), &side(left)), "{left} and {right}");
        let matching = matched(&[side(left)], &[side(right)]);
        let by_matching = (matching.pairs.len(), matching.asked.len());
        let expected = match found.verdict() {
            Verdict::Same => (1, 0),
            Verdict::Ask => (0, 1),
            Verdict::Different => (0, 0),
        };
        assert_eq!(by_matching, expected, "{left} and {right}");
    }
}

#[test]
fn a_country_makes_numbers_equal() {
    let pair = || {
        let left = [match_keys(&card(&["FN:Ann Lee", "TEL:+49 170 123"]))];
        let right = [match_keys(&card(&["FN:Ann Lee", "TEL:0170 123", "TEL:110", "TEL:0800 FLOWERS"]))];
        (left, right)
    };
    let (mut left, mut right) = pair();
    with_country(&mut left, &mut right, None);
    assert_eq!((left, right), pair(), "too few numbers to infer one");
    let (mut left, mut right) = pair();
    with_country(&mut left, &mut right, Some("DE".parse().unwrap()));
    assert_eq!(right[0].phones, ["+49170123", "0800 flowers", "110"]);
    assert_eq!(matched(&left, &right).pairs.len(), 1);
    assert_eq!(matched(&left, &right).pairs[0].score, 90);
    // The numbers of the others tell the country.
    let (left, right) = pair();
    let mut left = left.to_vec();
    left.extend((0..5).map(|n| match_keys(&card(&[&format!("FN:P{n}"), &format!("TEL:+49 170 77{n}")]))));
    let mut right = right.to_vec();
    with_country(&mut left, &mut right, None);
    assert_eq!(matched(&left, &right).pairs.len(), 1);
}

#[test]
fn same_uid_or_name_with_a_number_is_the_same() {
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
    let matching = matched(&left, &right);
    assert_eq!(indices(&matching.pairs), [(0, 1), (1, 2), (2, 0)]);
    assert!(matching.asked.is_empty());
}

#[test]
fn two_cards_of_one_person_stay_apart_and_are_asked() {
    let twin = || keys("", "Ann Lee", &["+1 555 0100 491"], &[]);
    let matching = matched(&[twin(), twin()], &[twin()]);
    assert!(matching.pairs.is_empty());
    assert_eq!(indices(&matching.asked), [(0, 0), (1, 0)]);
    assert!(matching.asked[0].reasons.contains(&Evidence::SeveralFit));
    let by_uid = matched(&[keys("u", "A", &[], &[]), keys("u", "B", &[], &[])], &[keys("u", "C", &[], &[])]);
    assert!(by_uid.pairs.is_empty());
    assert_eq!(by_uid.asked.len(), 2);
}

#[test]
fn the_better_of_two_is_taken_and_the_rest_is_looked_at_again() {
    let left = [keys("u", "Ann Lee", &["+15550100491"], &[]), keys("", "Ann Lee", &["+15550100491"], &[])];
    let right = [keys("u", "Ann Lee", &["+15550100491"], &[]), keys("", "Ann Lee", &["+15550100491"], &[])];
    let matching = matched(&left, &right);
    assert_eq!(indices(&matching.pairs), [(0, 0), (1, 1)]);
    let left = [keys("u", "Ann Lee", &["+15550100491"], &[]), keys("u", "Bo Ek", &["+15550100777"], &[])];
    let right = [keys("u", "Bo Ek", &["+15550100777"], &[])];
    assert_eq!(indices(&matched(&left, &right).pairs), [(1, 0)]);
}

#[test]
fn what_a_person_said_is_two_is_neither_joined_nor_asked() {
    let one = || [keys("u", "Ann Lee", &["+15550100491"], &[])];
    assert_eq!(match_cards(&one(), &one(), &|_, _| true), Matching::default());
}

#[test]
fn a_switchboard_makes_no_candidates_and_its_people_are_found_all_the_same() {
    let side = |word: &str| -> Vec<MatchKeys> {
        (0..500).map(|index| keys("", &format!("{word} {index}"), &["+15550100000"], &[])).collect()
    };
    assert_eq!(matched(&side("Person"), &side("Stranger")), Matching::default());
    assert_eq!(matched(&side("Person"), &side("Person")).pairs.len(), 500);
}

#[test]
fn duplicates_of_one_side_are_found_once() {
    let cards = [
        keys("", "Ann Lee", &["+15550100491"], &[]),
        keys("", "Bo Ek", &[], &[]),
        keys("", "Lee, Ann", &["+15550100491"], &[]),
    ];
    let found = duplicates(&cards);
    assert_eq!(indices(&found), [(0, 2)]);
    assert!(found[0].score >= SAME_MIN && ASK_MIN < SAME_MIN);
}

/// One side of some people who are easily mixed up.
fn crowd(random: &mut fastrand::Rng) -> Vec<MatchKeys> {
    (0..random.usize(0..6))
        .map(|_| {
            let uid = ["", "", "u1", "u2"][random.usize(0..4)];
            let name = ["Ann Lee", "Bo Ek", "", "Cy Orr", "Lee Ann", "Ánn Lee"][random.usize(0..6)];
            let phone = ["+15550100491", "+15550100492", "5550100491"][random.usize(0..3)];
            let email = ["a@x.org", "b@x.org"][random.usize(0..2)];
            let emails: &[&str] = if random.bool() { &[] } else { &[email] };
            let birthday = [None, Some("19800229"), Some("19810228")][random.usize(0..3)];
            MatchKeys { birthday: birthday.map(str::to_owned), ..keys(uid, name, &[phone], emails) }
        })
        .collect()
}

#[test]
fn swapping_the_sides_swaps_the_result() {
    let mut random = fastrand::Rng::with_seed(7);
    let (mut pair_count, mut asked_count) = (0, 0);
    for _ in 0..400 {
        let (left, right) = (crowd(&mut random), crowd(&mut random));
        let there = matched(&left, &right);
        let back = matched(&right, &left);
        for (there, back) in [(&there.pairs, &back.pairs), (&there.asked, &back.asked)] {
            let mut back: Vec<Candidate> = back.clone();
            back.iter_mut().for_each(|edge| std::mem::swap(&mut edge.left, &mut edge.right));
            back.sort_by_key(|edge| (edge.left, edge.right));
            assert_eq!(*there, back);
        }
        let lefts: HashSet<usize> = there.pairs.iter().map(|pair| pair.left).collect();
        let rights: HashSet<usize> = there.pairs.iter().map(|pair| pair.right).collect();
        assert_eq!((lefts.len(), rights.len()), (there.pairs.len(), there.pairs.len()), "one to one");
        assert!(there.asked.iter().all(|pair| !lefts.contains(&pair.left) && !rights.contains(&pair.right)));
        assert!(there.pairs.iter().all(|pair| pair.score >= SAME_MIN));
        pair_count += there.pairs.len();
        asked_count += there.asked.len();
    }
    assert!(pair_count > 100 && asked_count > 300, "{pair_count} pairs, {asked_count} asked");
}

#[test]
fn the_order_of_the_cards_does_not_count() {
    let mut random = fastrand::Rng::with_seed(11);
    for _ in 0..200 {
        let (left, right) = (crowd(&mut random), crowd(&mut random));
        let mut order: Vec<usize> = (0..left.len()).collect();
        random.shuffle(&mut order);
        let shuffled: Vec<MatchKeys> = order.iter().map(|index| left[*index].clone()).collect();
        let (one, mut other) = (matched(&left, &right), matched(&shuffled, &right));
        for edges in [&mut other.pairs, &mut other.asked] {
            edges.iter_mut().for_each(|edge| edge.left = order[edge.left]);
            edges.sort_by_key(|edge| (edge.left, edge.right));
        }
        assert_eq!(one, other);
    }
}

/// Twenty thousand cards of which every one has a partner: far below a second, so that doubling them shows.
#[test]
fn many_cards_are_matched_in_near_linear_time() {
    let side = |prefix: &str| -> Vec<MatchKeys> {
        (0..10_000)
            .map(|n| keys("", &format!("Given{n} Family{}", n % 700), &[&format!("{prefix}1701{n:06}")], &[]))
            .collect()
    };
    let (mut left, mut right) = (side("+49"), side("0"));
    with_country(&mut left, &mut right, None);
    assert_eq!(matched(&left, &right).pairs.len(), 10_000);
}
