//! Who is who, from the command line to the simulated phone and back: what is asked is held, what is answered is
//! remembered, and nobody is doubled. Whole outputs and exit codes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod sandbox;

use std::fs;

use insta::assert_snapshot;
use sandbox::{Sandbox, card};

const SYNC: &str = "sync --phone sim:{T}/phone";

/// The cards on the phone, by file, without the marker.
fn on_phone(sandbox: &Sandbox) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![sandbox.path("phone")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "vcf") {
                let name = path.file_name().unwrap().to_string_lossy().into_owned();
                found.push((name, fs::read_to_string(path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// How many cards on the phone and how many contacts on the PC say this.
fn holders(sandbox: &Sandbox, text: &str) -> (usize, usize) {
    let phone = on_phone(sandbox).iter().filter(|(_, card)| card.contains(text)).count();
    let listed = sandbox.run("export");
    (phone, listed.matches(text).count())
}

/// One Ann Lee on each side, with other numbers, and Bo, who is new on the phone.
fn two_anns() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.card("phone/Contacts/ann.vcf", &["UID:there", "FN:Ann Lee", "TEL;TYPE=CELL:+49 170 2222222"]);
    sandbox.card("phone/Contacts/bo.vcf", &["UID:bo", "FN:Bo Ek", "TEL;TYPE=CELL:+49 170 3333333"]);
    sandbox.write("mine.vcf", &card(&["UID:here", "FN:Ann Lee", "TEL;TYPE=CELL:+49 170 1111111"]));
    sandbox.run("import mine.vcf");
    sandbox
}

#[test]
fn who_may_be_one_is_held_until_somebody_says_so_and_then_joined() {
    let sandbox = two_anns();
    let text = sandbox.transcript(&[
        &format!("{SYNC} --dry-run"),
        &format!("{SYNC} --dry-run --json"),
        SYNC,
        "dupes",
        "dupes --json",
        "status",
    ]);
    assert_eq!(holders(&sandbox, "FN:Ann Lee"), (1, 1), "neither was copied");
    assert_eq!(holders(&sandbox, "FN:Bo Ek"), (1, 1), "the rest was synced");
    let quiet = sandbox.transcript(&[SYNC, "log", "link here there", "dupes", SYNC, SYNC, "dupes --all"]);
    assert_snapshot!(text + &quiet);
    assert_eq!(holders(&sandbox, "FN:Ann Lee"), (1, 1));
    assert_eq!((holders(&sandbox, "1111111"), holders(&sandbox, "2222222")), ((1, 1), (1, 1)));
}

#[test]
fn who_is_not_one_is_two_for_good_whatever_becomes_of_them() {
    let sandbox = two_anns();
    sandbox.run(SYNC);
    // The answer comes first, then both are edited before anything is synced.
    let mut text = sandbox.transcript(&["unlink here"]);
    let path = sandbox.path("phone/Contacts/ann.vcf");
    let edited = fs::read_to_string(&path).unwrap().replace("FN:Ann Lee", "FN:Ann Lee\r\nNOTE:there");
    fs::write(&path, edited).unwrap();
    text += &sandbox.transcript(&["edit here --note mine", SYNC, SYNC, "dupes --list", "dupes --list --all"]);
    assert_snapshot!(text);
    assert_eq!(holders(&sandbox, "FN:Ann Lee"), (2, 2));
    assert_eq!((holders(&sandbox, "NOTE:there"), holders(&sandbox, "NOTE:mine")), ((1, 1), (1, 1)));
}

#[test]
fn a_pair_that_was_joined_by_mistake_is_taken_apart() {
    let sandbox = Sandbox::new();
    let family = ["FN:A. Roe", "TEL:+49 30 7777777"];
    sandbox.card("phone/Contacts/roe.vcf", &[family[0], family[1], "NOTE:Anna"]);
    sandbox.write("mine.vcf", &card(&["UID:here", family[0], family[1], "TITLE:Adam"]));
    let mut text = sandbox.transcript(&["import mine.vcf", SYNC]);
    assert_eq!(holders(&sandbox, "A. Roe"), (1, 1), "they look like one");
    text += &sandbox.transcript(&["unlink here", SYNC, SYNC, "dupes", SYNC]);
    assert_snapshot!(text);
    assert_eq!(holders(&sandbox, "FN:A. Roe"), (2, 2));
    // Both have the UID of the PC's contact since they were joined; each has one of its own again.
    assert_eq!(holders(&sandbox, "UID:here"), (1, 1));
}

#[test]
fn a_contact_that_the_pc_gave_to_the_phone_is_taken_apart_as_often_as_wanted() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("phone/Contacts")).unwrap();
    sandbox.write("mine.vcf", &card(&["UID:here", "FN:Ann Lee", "TEL:+49 170 1111111"]));
    sandbox.run("import mine.vcf");
    for expected in 1..4 {
        let text = sandbox.transcript(&[SYNC, SYNC]);
        assert!(text.contains("Nothing to do") && !text.contains("[exit 9]"), "{text}");
        assert_eq!(holders(&sandbox, "FN:Ann Lee"), (expected, expected));
        let parted = sandbox.run("unlink '#1'");
        assert!(parted.contains("[exit 0]"), "{parted}");
    }
}

#[test]
fn what_was_doubled_before_becomes_one_on_both_sides() {
    let sandbox = two_anns();
    sandbox.run(SYNC);
    sandbox.run("unlink here");
    sandbox.run(SYNC);
    assert_eq!(holders(&sandbox, "FN:Ann Lee"), (2, 2));
    let text = sandbox.transcript(&["link here there", SYNC, SYNC, "dupes", "show here"]);
    assert_snapshot!(text);
    assert_eq!(holders(&sandbox, "FN:Ann Lee"), (1, 1));
    assert_eq!(
        (holders(&sandbox, "1111111"), holders(&sandbox, "2222222")),
        ((1, 1), (1, 1)),
        "nothing is lost"
    );
}

#[test]
fn two_contacts_of_a_book_become_one() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("phone/Contacts")).unwrap();
    sandbox.write(
        "mine.vcf",
        &(card(&["UID:a", "FN:José Núñez", "TEL:+34 612 345 678", "BDAY:1980-02-29", "NOTE:one"])
            + &card(&["UID:b", "FN:Jose Nunez", "TEL:612 345 678", "EMAIL:j@example.org", "NOTE:two"])
            + &card(&["UID:c", "FN:Eva Sol", "TEL:+34 612 345 678"])),
    );
    sandbox.write("spain.toml", "country = \"ES\"\n");
    let text = sandbox.transcript(&[
        "import mine.vcf",
        SYNC,
        "dupes",
        "dupes --config spain.toml",
        "merge a b --dry-run",
        "merge a a",
        "merge a b",
        SYNC,
        SYNC,
        "dupes",
        "show a",
    ]);
    assert_snapshot!(text);
    assert_eq!(on_phone(&sandbox).len(), 2);
}

#[test]
fn a_country_makes_a_number_at_home_one_with_a_number_abroad() {
    let sandbox = Sandbox::new();
    sandbox.card("phone/Contacts/ann.vcf", &["FN:Ann Lee", "TEL:0170 123"]);
    sandbox.write("mine.vcf", &card(&["UID:here", "FN:Ann Lee", "TEL:+49 170 123"]));
    sandbox.write("germany.toml", "country = \"DE\"\n");
    sandbox.write("wrong.toml", "country = \"Germany\"\n");
    let text = sandbox.transcript(&[
        "import mine.vcf",
        &format!("{SYNC} --dry-run"),
        &format!("{SYNC} --dry-run --config wrong.toml"),
        &format!("{SYNC} --config germany.toml"),
    ]);
    assert_snapshot!(text);
    assert!(on_phone(&sandbox)[0].1.contains("TEL:0170 123"), "a match is no edit of the number");
}

#[test]
fn two_cards_with_one_uid_on_the_phone_are_kept_named_and_asked_once() {
    let sandbox = Sandbox::new();
    sandbox.card("phone/Contacts/a.vcf", &["UID:same", "FN:Ann Lee", "TEL:+49 170 1111111"]);
    sandbox.card("phone/Contacts/b.vcf", &["UID:same", "FN:Bo Ek", "TEL:+49 170 2222222"]);
    let text = sandbox.transcript(&[SYNC, SYNC, "dupes", "unlink 'Ann Lee' 'Bo Ek'", "dupes", "dupes --all"]);
    assert_snapshot!(text);
    assert_eq!((holders(&sandbox, "Ann Lee"), holders(&sandbox, "Bo Ek")), ((1, 1), (1, 1)));
}

#[test]
fn what_cannot_be_answered_is_told_with_the_way_on() {
    let sandbox = two_anns();
    let text = sandbox.transcript(&[
        "dupes",
        "link here there",
        SYNC,
        "link here nobody",
        "link 'Bo Ek' 'Bo Ek'",
        "link nobody there",
        "link here there --phone 'Other phone'",
        "unlink 'Ann Lee' nobody",
        "link here '#1' --not",
        "unlink here",
    ]);
    assert_snapshot!(text);
}

#[test]
fn a_family_with_one_number_is_not_asked_about() {
    let sandbox = Sandbox::new();
    sandbox.card("phone/Contacts/a.vcf", &["FN:John Roe", "TEL:+49 30 7777777"]);
    sandbox.write("mine.vcf", &card(&["UID:j", "FN:Jane Roe", "TEL:+49 30 7777777"]));
    sandbox.run("import mine.vcf");
    let text = sandbox.run(SYNC);
    assert!(text.contains("[exit 0]") && !text.contains("same person"), "{text}");
    assert_eq!((holders(&sandbox, "John"), holders(&sandbox, "Jane")), ((1, 1), (1, 1)));
}
