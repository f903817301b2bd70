//! `undo`, `log`, `history` and `restore` against a folder as the phone: whole outputs and exit codes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod sandbox;

use std::fs;

use insta::assert_snapshot;
use sandbox::Sandbox;

const SYNC: &str = "sync --phone dir:{T}/phone";

/// Four people on both sides, then an edit on each side, a removal and a new one, and the session that brings them over.
fn synced_twice() -> Sandbox {
    let sandbox = Sandbox::new();
    for (number, name) in ["Ada", "Bo", "Cleo", "Dan"].into_iter().enumerate() {
        let lines = [
            format!("UID:p{number}"),
            format!("FN:{name} Example"),
            format!("TEL;TYPE=CELL:+49 170 {number}"),
        ];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        sandbox.card(&format!("phone/p{number}.vcf"), &lines);
    }
    sandbox.run(SYNC);
    sandbox.run("edit p0 --title Engineer");
    edit(&sandbox, "p1", "+49 170 1", "+49 170 1111");
    fs::remove_file(sandbox.path("phone/p2.vcf")).unwrap();
    sandbox.card("phone/eve.vcf", &["UID:e", "FN:Eve Example", "EMAIL:eve@example.org"]);
    sandbox.run(SYNC);
    sandbox
}

fn edit(sandbox: &Sandbox, name: &str, from: &str, to: &str) {
    let path = sandbox.path(&format!("phone/{name}.vcf"));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from));
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_session_is_taken_back_and_held_until_a_person_decides() {
    let sandbox = synced_twice();
    let mut text = sandbox.transcript(&["log show 2 -v", "undo --dry-run", "undo -n --json", "undo"]);
    assert!(sandbox.path("phone/p0.vcf").exists() && !sandbox.path("phone/p2.vcf").exists());
    text += &sandbox.transcript(&[
        "list",
        SYNC,
        "status",
        "undo --held",
        "undo --held --json",
        "undo 2",
        "undo --release phone 'Bo Example'",
        "undo --release pc --all",
        "undo --held",
        SYNC,
        "log",
        "log --json",
        "undo 3 --dry-run",
    ]);
    assert_snapshot!(text);
}

#[test]
fn what_was_edited_since_stays_and_many_deletions_are_asked_for() {
    let sandbox = synced_twice();
    edit(&sandbox, "p1", "FN:Bo Example", "FN:Bo Other\r\nNOTE:since");
    sandbox.run("edit e --title Pilot");
    let mut text = sandbox.transcript(&["undo 2 -n", "undo 2"]);
    for number in 0..7 {
        sandbox.card(
            &format!("phone/m{number}.vcf"),
            &[&format!("UID:m{number}"), &format!("FN:Many {number}")],
        );
    }
    sandbox.run(SYNC);
    text += &sandbox.transcript(&["undo", "undo --json", "undo --allow-deletes --quiet", "undo 2"]);
    assert_snapshot!(text);
}

#[test]
fn what_cannot_be_taken_back_is_told_with_the_next_step() {
    let sandbox = Sandbox::new();
    let mut text = sandbox.transcript(&["undo", "undo 7", "undo one two", "undo --release pc", "undo --all"]);
    sandbox.card("phone/a.vcf", &["UID:a", "FN:Ada Example"]);
    sandbox.run(SYNC);
    text += &sandbox.transcript(&[
        "undo 1 --phone dir:{T}/nothing-here",
        "undo --release pc Nobody",
        "undo --held",
    ]);
    fs::create_dir(sandbox.path("other")).unwrap();
    sandbox.card("other/b.vcf", &["UID:b", "FN:Bo Example"]);
    sandbox.run("sync --phone dir:{T}/other");
    text += &sandbox.transcript(&["undo 1 --phone dir:{T}/other"]);
    assert_snapshot!(text);
}

#[test]
fn a_contacts_versions_are_shown_and_brought_back() {
    let sandbox = Sandbox::new();
    sandbox.run("add --name 'Ada Example' --phone mobile=+491 --email ada@example.org");
    sandbox.run("edit ada --phone work=+492 --note 'met in Rome'");
    sandbox.run("edit ada --remove-email ada@example.org --title Engineer");
    sandbox.run("add --name 'Old Friend' --phone +493");
    let text = sandbox.transcript(&[
        "history ada",
        "history ada -v",
        "history ada --json",
        "restore ada",
        "restore ada --version 9",
        "restore ada --version 1 --field shoes",
        "restore ada --version 1 --field email --dry-run",
        "restore ada --version 1 --field email",
        "restore ada --version 1 --field email",
        "restore ada --version 2 --json",
        "history ada",
        "rm --yes 'Old Friend'",
        "history old",
        "history 'old friend'",
        "restore 'Old Friend' --field tel",
        "restore 'Old Friend' -n",
        "restore 'Old Friend'",
        "show 'Old Friend'",
        "history nobody",
    ]);
    assert_snapshot!(text);
}

#[test]
fn copies_are_made_before_the_first_write_and_the_configuration_rules_them() {
    let sandbox = synced_twice();
    let folder = sandbox.path("home/.local/share/tetherbook/safety");
    let names = || {
        let mut names: Vec<String> = fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .map(|name| name.split_once("-session-").unwrap().1.to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names(), ["1", "2"]);
    sandbox.run(SYNC);
    assert_eq!(names(), ["1", "2"], "nothing was to be done");
    sandbox.write("one.toml", "[safety]\ncopies = 1\n");
    sandbox.run("edit p3 --title One");
    sandbox.run(&format!("{SYNC} --config {{T}}/one.toml"));
    assert_eq!(names(), ["3"]);
    sandbox.write("none.toml", "[safety]\ncopies = 0\n");
    sandbox.run("edit p3 --title None");
    sandbox.run(&format!("{SYNC} --config {{T}}/none.toml"));
    assert_eq!(names(), ["3"]);
    fs::remove_dir_all(&folder).unwrap();
    fs::write(&folder, "").unwrap();
    sandbox.run("edit p3 --title Blocked");
    let mut text = sandbox.transcript(&[SYNC, "log -n 1"]);
    fs::remove_file(&folder).unwrap();
    for (name, content) in [
        ("words", "[history]\nkeep_days = \"two years\"\n"),
        ("typo", "[history]\nkeep_day = 3\n"),
        ("kind", "safety = 3\n"),
        ("forever", "[history]\nkeep_days = \"forever\"\n"),
    ] {
        sandbox.write(&format!("{name}.toml"), content);
        text += &sandbox.transcript(&[&format!("log -n 1 --config {{T}}/{name}.toml")]);
    }
    assert_snapshot!(text);
}
