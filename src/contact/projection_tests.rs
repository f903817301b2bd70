//! Tests of what a side can hold: the data in a profile, single values, and whether two cards are the same there.

use super::super::{Card, FieldMask, same_in};
use super::*;

fn card(lines: &[&str]) -> Card {
    let text = format!("BEGIN:VCARD\r\nVERSION:3.0\r\n{}\r\nEND:VCARD\r\n", lines.join("\r\n"));
    Card::parse(text.as_bytes()).unwrap()
}

fn limits(text: &str) -> Projection {
    Projection { fields: FieldMask::all(), limits: toml::from_str(text).unwrap() }
}

fn lines(card: &Card) -> Vec<String> {
    let text = String::from_utf8(card.as_bytes().to_vec()).unwrap();
    let frame = |line: &&str| !["BEGIN:", "END:", "VERSION:"].iter().any(|frame| line.starts_with(frame));
    text.lines().filter(frame).map(str::to_owned).collect()
}

fn told(projection: &Projection, card: &Card) -> Vec<String> {
    projection.loses(card).iter().map(super::super::Loss::of_contact).collect()
}

#[test]
fn it_stands_in_a_profile_and_the_default_takes_no_place() {
    assert_eq!(toml::to_string(&FieldLimits::default()).unwrap(), "");
    assert_eq!(toml::to_string(&Projection::default()).unwrap(), "fields = \"all\"\n");
    assert!(Projection::default().is_all());
    let text = "ascii = true\nkinds = [\"cell\", \"home\"]\nphoto_bytes_max = 65536\n\n[length_max]\n\"*\" = 100\nFN = 20\n\n[count_max]\nTEL = 3\n\n[components]\nN = [0, 1]\n";
    let read: FieldLimits = toml::from_str(text).unwrap();
    assert_eq!(toml::from_str::<FieldLimits>(&toml::to_string(&read).unwrap()).unwrap(), read);
    assert_eq!(read.check(), Ok(()));
    let projection = Projection { fields: FieldMask::only(["FN", "TEL"]), limits: read };
    let json = serde_json::to_string(&projection).unwrap();
    assert_eq!(serde_json::from_str::<Projection>(&json).unwrap(), projection);
    assert!(toml::from_str::<FieldLimits>("lenght_max = 3").is_err(), "a misspelt limit is no limit");
}

#[test]
fn limits_that_cannot_be_meant_are_named() {
    for (text, says) in [
        ("length_max = { fn = 20 }", "“fn” is no property"),
        ("count_max = { TEL = 0 }", "count_max of TEL is 0"),
        ("components = { TEL = [0] }", "TEL has no components"),
        ("kinds = [\"HOME\"]", "“HOME” must be in lower case"),
    ] {
        let error = toml::from_str::<FieldLimits>(text).unwrap().check().unwrap_err();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn texts_are_cut_and_numbers_are_not() {
    let projection = limits("length_max = { FN = 5, TEL = 13, EMAIL = 15, NOTE = 4, NICKNAME = 2 }");
    let all = card(&[
        "FN:Maximilian",
        "TEL:+49 (170) 123-4567",
        "TEL:+49 170 123 4567 89",
        "EMAIL:ann@example.org",
        "EMAIL:ann.lee@long.example.org",
        "NOTE:abc def",
        "NICKNAME:Ann,Annie,Bo",
    ]);
    let held = projection.project(&all);
    assert_eq!(
        lines(&held),
        ["FN:Maxim", "TEL:+491701234567", "EMAIL:ann@example.org", "NOTE:abc", "NICKNAME:An,Bo"][..]
            .to_vec()
            .into_iter()
            .map(str::to_owned)
            .collect::<Vec<_>>()
    );
    assert_eq!(
        told(&projection, &all),
        [
            "name shown cut to 5 characters",
            "nickname cut to 2 characters",
            "note cut to 4 characters",
            "e-mail longer than 15 characters",
            "phone longer than 13 characters",
        ]
    );
    assert_eq!(projection.project(&held), held);
}

#[test]
fn a_label_goes_with_its_number_and_a_number_leaves_its_label() {
    let labelled = card(&["FN:A", "item1.TEL:+1", "item1.X-ABLabel:Boat", "TEL:+2", "X-FOO:x"]);
    let masked = Projection::from(FieldMask::only(["FN", "TEL"]));
    assert_eq!(lines(&masked.project(&labelled)), ["FN:A", "TEL:+1", "TEL:+2"]);
    assert_eq!(told(&masked, &labelled), ["label", "X-FOO"]);
    let one = limits("count_max = { TEL = 1 }");
    let last = card(&["FN:A", "TEL:+2", "item1.TEL:+1", "item1.X-ABLabel:Boat"]);
    assert_eq!(lines(&one.project(&last)), ["FN:A", "TEL:+2"]);
    assert_eq!(told(&one, &last), ["1 of 2 phone numbers"]);
}

#[test]
fn values_that_become_one_are_one() {
    let cut = limits("length_max = { ORG = 4 }\nkinds = []");
    let card = card(&["FN:A", "ORG:Example One", "TEL;TYPE=home:+1", "TEL;TYPE=work:+1", "X-A:1", "X-A:1"]);
    assert_eq!(lines(&cut.project(&card)), ["FN:A", "ORG:Exam", "TEL:+1", "X-A:1", "X-A:1"]);
}

#[test]
fn every_version_is_fitted_in_its_own_way_of_writing() {
    let projection = limits("ascii = true\nlength_max = { NOTE = 6 }");
    let text = "BEGIN:VCARD\r\nVERSION:2.1\r\nN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Lee;Zo=C3=AB;;;\r\nNOTE;ENCODING=QUOTED-PRINTABLE:one=0D=0Atwo\r\nTEL;CELL:+1\r\nEND:VCARD\r\n";
    let held = projection.project(&Card::parse(text.as_bytes()).unwrap());
    assert_eq!(lines(&held), ["N:Lee;Zoe;;;", "NOTE;ENCODING=QUOTED-PRINTABLE:one=0D=0Atw", "TEL;CELL:+1"]);
    let text = "BEGIN:VCARD\r\nVERSION:4.0\r\nFN:Zo\u{eb}\r\nEMAIL:zo\u{eb}@example.org\r\nEND:VCARD\r\n";
    let all = Card::parse(text.as_bytes()).unwrap();
    assert_eq!(lines(&projection.project(&all)), ["FN:Zoe"]);
    assert_eq!(told(&projection, &all), ["e-mail in ASCII letters only", "name shown in ASCII letters only"]);
}

#[test]
fn two_cards_are_the_same_where_one_cannot_hold_more() {
    let projection = Projection {
        fields: FieldMask::only(["FN", "N", "TEL"]),
        limits: toml::from_str("length_max = { FN = 5 }\ncount_max = { TEL = 1 }").unwrap(),
    };
    let pc = card(&["UID:a", "FN:Maximilian", "TEL:+49 170 1", "TEL:+2", "NOTE:x"]);
    assert!(same_in(&projection, &pc, &card(&["UID:b", "TEL:0049170-1", "FN:Maxim"])));
    assert!(!same_in(&projection, &pc, &card(&["FN:Maxim", "TEL:+2"])));
    assert!(!same_in(&Projection::default(), &pc, &card(&["FN:Maxim", "TEL:+491701"])));
    let nameless = card(&["TEL:+1"]);
    assert!(!same_in(&projection, &nameless, &nameless), "without a name nothing is sure");
    assert_eq!(projection.fingerprint(&pc), projection.fingerprint(&card(&["FN:Maxim", "TEL:+491701"])));
}
