//! `pair`, `phones`, `forget` and the names of paired phones, against simulated phones and folders: whole outputs and
//! exit codes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod sandbox;

use std::fs;

use insta::assert_snapshot;
use sandbox::Sandbox;

/// A simulated phone with two people in its contacts folder.
fn with_phone() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.card("phone/Contacts/ada.vcf", &["UID:a", "FN:Ada Example", "TEL;TYPE=CELL:+49 170 1"]);
    sandbox.card("phone/Contacts/bo.vcf", &["UID:b", "FN:Bo Example", "TEL;TYPE=CELL:+49 170 2"]);
    sandbox
}

fn names_on_phone(sandbox: &Sandbox, folder: &str) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(sandbox.path(folder))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// A phone that keeps names and numbers of what it is given, and writes them in its own way.
#[test]
fn a_probe_learns_what_a_phone_cannot_hold_and_that_never_travels_back() {
    let sandbox = Sandbox::new();
    sandbox.card(
        "phone/Contacts/ada.vcf",
        &["UID:a", "FN:Ada Example", "N:Example;Ada;;;", "TEL;TYPE=CELL:+49 170 1"],
    );
    let phone = "--phone sim:{T}/phone --sim-personality organiser";
    let mut text = sandbox.transcript(&[
        "pair --phone 'sim:{T}/phone?organiser' --name Old --probe",
        "pair --phone 'sim:{T}/phone?organiser' --probe --json",
    ]);
    assert_eq!(names_on_phone(&sandbox, "phone/Contacts"), ["ada.vcf"], "the probe left something");
    text += &sandbox.transcript(&[
        &format!("sync {phone}"),
        "edit 'Ada Example' --note 'met in Ulm' --phone home=+49301",
        "add --name 'Bo Example' --phone mobile=+491702 --note 'climbs'",
        &format!("sync {phone} --dry-run"),
        &format!("sync {phone}"),
        &format!("sync {phone}"),
    ]);
    let ada = fs::read_to_string(sandbox.path("phone/Contacts/ada.vcf")).unwrap();
    assert!(ada.contains("+49301") && !ada.contains("Ulm"), "{ada}");
    // Its owner changes the number on the phone.
    fs::write(sandbox.path("phone/Contacts/ada.vcf"), ada.replace("+49 170 1", "+49 170 9")).unwrap();
    text += &sandbox.transcript(&[&format!("sync {phone}"), "show 'Ada Example'", "show 'Bo Example'"]);
    assert_snapshot!(text);
}

/// Nobody told how it writes cards: it refuses changes, and loses nothing by that.
#[test]
fn a_phone_that_rewrites_cards_unasked_loses_none() {
    let sandbox = Sandbox::new();
    let lines = ["UID:a", "FN:Ada Example", "N:Example;Ada;;;", "TEL;TYPE=CELL:+49 170 1", "NOTE:met in Ulm"];
    sandbox.card("phone/Contacts/ada.vcf", &lines);
    let before = fs::read(sandbox.path("phone/Contacts/ada.vcf")).unwrap();
    let phone = "--phone sim:{T}/phone --sim-personality organiser";
    let mut text = sandbox.transcript(&[
        &format!("sync {phone}"),
        "edit 'Ada Example' --phone home=+49301",
        &format!("sync {phone}"),
    ]);
    assert_eq!(fs::read(sandbox.path("phone/Contacts/ada.vcf")).unwrap(), before);
    text += &sandbox.transcript(&[
        "pair --phone 'sim:{T}/phone?organiser' --name Old --probe",
        &format!("sync {phone}"),
        &format!("sync {phone}"),
    ]);
    assert_snapshot!(text);
}

#[test]
fn a_phone_is_paired_synced_by_its_name_and_forgotten() {
    let sandbox = with_phone();
    let mut text = sandbox.transcript(&["phones", "phones --json", "pair --phone sim:{T}/phone"]);
    assert_eq!(
        names_on_phone(&sandbox, "phone/Contacts"),
        ["ada.vcf", "bo.vcf"],
        "pairing wrote to the phone"
    );
    text += &sandbox.transcript(&[
        "pair --phone sim:{T}/phone",
        "pair --phone sim:{T}/phone --name 'My phone'",
        "pair --phone 'my PHONE' --book family",
        "pair --phone 'My phone' --name Ada --book friends",
        "phones",
        "sync --phone ada --dry-run",
        "sync --phone sim:{T}/phone",
        "sync --phone Ada --book family -n",
        "books",
        "status",
        "phones",
        "phones --json",
        "forget ada",
        "phones",
        "sync --phone Ada",
        "forget Ada",
        "forget sim:{T}/phone",
        "forget sim:{T}/phone --memory",
        "forget sim:{T}/phone --memory --yes",
        "pair --phone sim:{T}/phone --json",
        "forget 'Phone 9' --json",
    ]);
    assert_snapshot!(text);
}

#[test]
fn after_forgetting_and_pairing_again_nothing_is_doubled_or_lost() {
    for forget in ["forget Ada", "forget Ada --memory --yes"] {
        let sandbox = with_phone();
        sandbox.run("pair --phone sim:{T}/phone --name Ada");
        sandbox.run("sync --phone Ada");
        sandbox.run(forget);
        sandbox.run("add --name 'Cleo Example'");
        sandbox.run("pair --phone sim:{T}/phone --name Ada");
        let text = sandbox.run("sync --phone Ada --json");
        assert!(text.contains("\"created\":{\"phone\":1,\"pc\":0}"), "{text}");
        assert!(text.contains("\"deleted\":{\"phone\":0,\"pc\":0}"), "{text}");
        assert!(sandbox.run("books --json").contains("\"contacts\":3"));
        assert_eq!(names_on_phone(&sandbox, "phone/Contacts").len(), 4);
    }
}

#[test]
fn what_cannot_be_paired_or_named_is_told_with_a_way_on() {
    let sandbox = with_phone();
    sandbox.write("file.vcf", "");
    let mut text = sandbox.transcript(&[
        "pair --phone dir:{T}/none",
        "pair --phone dir:{T}/file.vcf",
        "pair --phone sim:{T}/phone?nothing",
        "pair --phone Ada",
        "pair --name usb:1 --phone sim:{T}/phone",
        "pair --name '' --phone sim:{T}/phone",
        "pair --book '' --phone sim:{T}/phone",
        "forget",
        "forget Ada",
    ]);
    assert!(!sandbox.path("home/.local/share/tetherbook/tetherbook.db").exists(), "nothing was made");
    text += &sandbox.transcript(&[
        "pair --phone dir:{T}/phone/Contacts --name Card",
        "pair --phone sim:{T}/phone --name card",
    ]);
    text += &sandbox.transcript(&["sync --phone Cord", "pair --phone Cord", "forget Cord"]);
    fs::rename(sandbox.path("phone"), sandbox.path("gone")).unwrap();
    text += &sandbox.transcript(&["sync --phone Card"]);
    assert_snapshot!(text);
}

#[test]
fn a_name_works_in_the_configuration() {
    let sandbox = with_phone();
    sandbox.write("named.toml", "phone = \"Ada\"\n");
    let mut text = sandbox.run("--config named.toml sync -n");
    sandbox.run("pair --phone sim:{T}/phone --name Ada --book family");
    text += &sandbox.transcript(&["--config named.toml sync -n"]);
    sandbox.write("named.toml", "phone = \"Bob\"\n");
    text += &sandbox.transcript(&["--config named.toml sync -n"]);
    assert_snapshot!(text);
}

/// A folder that was copied with its marker is told from the one it came from; one that was moved is the same.
#[test]
fn a_copied_folder_is_another_and_a_moved_one_is_not() {
    let sandbox = Sandbox::new();
    for number in 1..=3 {
        sandbox.card(
            &format!("phone/p{number}.vcf"),
            &[&format!("UID:p{number}"), &format!("FN:P{number} Example")],
        );
    }
    sandbox.run("pair --phone dir:{T}/phone --name Card");
    sandbox.run("sync --phone Card");
    sandbox.run("sync --phone Card");
    fs::create_dir(sandbox.path("copy")).unwrap();
    for name in names_on_phone(&sandbox, "phone") {
        fs::copy(sandbox.path(&format!("phone/{name}")), sandbox.path(&format!("copy/{name}"))).unwrap();
    }
    fs::remove_file(sandbox.path("copy/p2.vcf")).unwrap();
    let mut text = sandbox.transcript(&["sync --phone dir:{T}/copy", "sync --phone Card"]);
    assert_eq!(names_on_phone(&sandbox, "phone").len(), 4, "nothing was deleted");
    assert_eq!(names_on_phone(&sandbox, "copy").len(), 4, "and what was missing came back");
    fs::rename(sandbox.path("phone"), sandbox.path("moved")).unwrap();
    text += &sandbox.transcript(&["sync --phone dir:{T}/moved", "phones"]);
    assert_snapshot!(text);
}

#[test]
fn help_begins_with_examples() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.transcript(&["pair --help", "phones --help", "forget --help"]));
}
