//! `sync`, `diff` and what they leave behind, against a folder as the phone: whole outputs and exit codes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod sandbox;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use insta::assert_snapshot;
use sandbox::{Sandbox, card};

const SYNC: &str = "sync --phone dir:{T}/phone";
const DIFF: &str = "diff --phone dir:{T}/phone";

/// A phone and a book that were synced: ten people, each with a number, an address and a birthday.
fn synced() -> Sandbox {
    let sandbox = Sandbox::new();
    for number in 1..=10 {
        let name = ["Ada", "Bo", "Cleo", "Dan", "Eve", "Fay", "Gus", "Hal", "Ida", "Jo"][number - 1];
        sandbox.card(
            &format!("phone/p{number}.vcf"),
            &[
                &format!("UID:p{number}"),
                &format!("N:Example;{name};;;"),
                &format!("FN:{name} Example"),
                &format!("TEL;TYPE=CELL:+49 170 000{number:04}"),
                &format!("EMAIL;TYPE=HOME:{}@example.org", name.to_lowercase()),
                "BDAY:1990-02-11",
            ],
        );
    }
    sandbox.run(SYNC);
    sandbox
}

fn edit(sandbox: &Sandbox, number: usize, from: &str, to: &str) {
    let path = sandbox.path(&format!("phone/p{number}.vcf"));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from));
    fs::write(path, text.replace(from, to)).unwrap();
}

/// Every file below a folder with its content, modification times included.
fn everything(folder: &Path) -> BTreeMap<String, (Vec<u8>, std::time::SystemTime)> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let modified = fs::metadata(&path).unwrap().modified().unwrap();
                found.insert(path.display().to_string(), (fs::read(&path).unwrap(), modified));
            }
        }
    }
    found
}

#[test]
fn a_first_sync_is_shown_done_and_then_over() {
    let sandbox = Sandbox::new();
    sandbox.card(
        "phone/zoe.vcf",
        &["UID:z", "FN:Zoë Ångström", "TEL;TYPE=CELL:+46 70 1", "EMAIL;TYPE=HOME:zoe@example.org"],
    );
    sandbox.card("phone/same.vcf", &["UID:s", "FN:Bo Li", "TEL;TYPE=CELL:0170 1"]);
    sandbox.write("phone/broken.vcf", "");
    sandbox.write(
        "mine.vcf",
        &(card(&["UID:s", "FN:Bo Li", "EMAIL:bo@example.org"])
            + &card(&["UID:w", "FN:王小明", "ORG:東京 Example"])),
    );
    let mut text = sandbox.run("import mine.vcf");
    let before = everything(&sandbox.path(""));
    text += &sandbox.transcript(&[&format!("{SYNC} --dry-run"), &format!("{SYNC} -n --json")]);
    assert_eq!(everything(&sandbox.path("")), before, "a dry run wrote something");
    text += &sandbox.transcript(&[SYNC, SYNC]);
    sandbox.card("phone/broken.vcf", &["UID:b", "FN:Mended"]);
    text += &sandbox.transcript(&[
        &format!("{SYNC} --json"),
        SYNC,
        &format!("{SYNC} --json"),
        &format!("{SYNC} --quiet"),
    ]);
    text += &sandbox.transcript(&[
        "status",
        "status --json",
        "log",
        "log --json",
        "log show 1",
        "log show 1 --json",
        "log show 99",
    ]);
    assert_snapshot!(text);
}

#[test]
fn edits_conflicts_and_deletions_go_their_ways() {
    let sandbox = synced();
    sandbox.run("edit p1 --title Engineer --remove-email ada@example.org --email work=ada@work.example");
    edit(
        &sandbox,
        2,
        "BDAY",
        "NOTE:first line\\nsecond line that is so long that it cannot stand beside its label\r\nBDAY",
    );
    sandbox.run("edit p2 --org 'Example AG'");
    sandbox.run("edit p3 --birthday 1990-02-10");
    edit(&sandbox, 3, "1990-02-11", "1990-02-01");
    fs::remove_file(sandbox.path("phone/p4.vcf")).unwrap();
    sandbox.run("rm --yes p5");
    fs::remove_file(sandbox.path("phone/p6.vcf")).unwrap();
    sandbox.run("edit p6 --title 'Not gone'");
    let text = sandbox.transcript(&[
        DIFF,
        &format!("{DIFF} --exit-code --json"),
        SYNC,
        "status",
        SYNC,
        &format!("{DIFF} --exit-code"),
        &format!("{SYNC} --conflicts phone"),
        SYNC,
        &format!("{DIFF} --exit-code"),
        "log",
        "log show 2 -v",
        "show p3",
    ]);
    assert_snapshot!(text);
}

#[test]
fn a_guard_stops_and_says_the_ways_on() {
    let sandbox = synced();
    for number in 1..=6 {
        fs::remove_file(sandbox.path(&format!("phone/p{number}.vcf"))).unwrap();
    }
    let mut text = sandbox.transcript(&[SYNC, &format!("{SYNC} --json"), DIFF]);
    let untouched = sandbox.run("books --json");
    assert!(untouched.contains("\"contacts\":10"), "{untouched}");
    text += &sandbox.transcript(&[&format!("{SYNC} --mode pc-to-phone"), SYNC]);
    for number in 0..10 {
        let _ = fs::remove_file(sandbox.path(&format!("phone/p{number}.vcf")));
    }
    text += &sandbox.transcript(&[&format!("{SYNC} --allow-deletes")]);
    assert_snapshot!(text);
}

#[test]
fn an_emptied_phone_is_not_believed() {
    let sandbox = synced();
    for number in 1..=10 {
        fs::remove_file(sandbox.path(&format!("phone/p{number}.vcf"))).unwrap();
    }
    assert_snapshot!(sandbox.transcript(&[SYNC, &format!("{DIFF} --json")]));
}

#[test]
fn one_way_never_writes_to_its_source() {
    let sandbox = Sandbox::new();
    sandbox.card("phone/a.vcf", &["UID:a", "FN:Ada", "TEL:1"]);
    sandbox.run("add --name 'Only Here' --book contacts");
    let before = everything(&sandbox.path("phone"));
    let text = sandbox.transcript(&[
        &format!("{SYNC} --mode phone-to-pc"),
        "edit a --title Countess",
        &format!("{SYNC} --mode phone-to-pc"),
        "log show 2 -v",
    ]);
    assert_eq!(everything(&sandbox.path("phone")), before, "the source was written to");
    assert_snapshot!(text);
}

#[test]
fn many_new_contacts_stay_readable() {
    let sandbox = Sandbox::new();
    for number in 1..=45 {
        sandbox.card(
            &format!("phone/{number:02}.vcf"),
            &[
                &format!("UID:{number}"),
                &format!("FN:Person {number:02}"),
                &format!("TEL:+49 170 {number:02}"),
            ],
        );
    }
    let text = sandbox.run(DIFF);
    assert_snapshot!(text);
    let verbose = sandbox.run(&format!("{DIFF} -v"));
    assert!(verbose.contains("Person 45") && !verbose.contains("lists them all"), "{verbose}");
    let done = sandbox.run(SYNC);
    assert!(
        done.contains("and 5 new contacts for the PC") && done.contains("Created 45 on the PC."),
        "{done}"
    );
    assert_eq!(sandbox.run("list").lines().count(), 47);
}

#[test]
fn phones_that_cannot_be_reached_have_their_own_exit_codes() {
    let sandbox = Sandbox::new();
    sandbox.write("file", "");
    assert_snapshot!(sandbox.transcript(&[
        "sync --phone dir:{T}/none",
        "sync --phone dir:{T}/file",
        "sync --phone dir:{T}/none --json",
        "sync --phone nonsense --json",
    ]));
}

#[test]
fn names_and_notes_from_a_phone_cannot_command_the_terminal() {
    let sandbox = Sandbox::new();
    sandbox.card(
        "phone/evil.vcf",
        &["UID:e", "FN:Evil\u{1b}[2J \u{202e}Name", "TEL:\u{7}110", "NOTE:a\u{1b}]0;title\u{7}b"],
    );
    for line in [
        format!("{DIFF} -v"),
        SYNC.to_owned(),
        "list".to_owned(),
        "show e".to_owned(),
        "log show 1 -v".to_owned(),
        "status".to_owned(),
    ] {
        let text = sandbox.run(&line);
        assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{line}: {text:?}");
    }
}
