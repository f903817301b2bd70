//! Fields in conflict on the command line: what waits is shown, decided with the phone away, and carried out by the next
//! sync. Whole outputs, and what both sides hold in the end.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod sandbox;

use std::cell::RefCell;
use std::fs;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use insta::assert_snapshot;
use sandbox::{Sandbox, card};
use tetherbook::cli::{self, Stream, Terminal, World};

const SYNC: &str = "sync --phone dir:{T}/phone";

const ADA: [&str; 7] = [
    "UID:p1",
    "N:Example;Ada;;;",
    "FN:Ada Example",
    "TEL;TYPE=CELL:+49 170 0001",
    "TITLE:Clerk",
    "BDAY:1990-02-11",
    "NOTE:Likes tea.",
];

fn write(sandbox: &Sandbox, number: usize, lines: &[&str]) {
    sandbox.card(&format!("phone/p{number}.vcf"), lines);
}

fn phone(sandbox: &Sandbox, number: usize) -> String {
    fs::read_to_string(sandbox.path(&format!("phone/p{number}.vcf"))).unwrap().replace('\r', "")
}

fn change_phone(sandbox: &Sandbox, number: usize, from: &str, to: &str) {
    let path = sandbox.path(&format!("phone/p{number}.vcf"));
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

/// Ada on both sides, her birthday and her title changed on both since; the sync has told it.
fn apart() -> Sandbox {
    let sandbox = Sandbox::new();
    write(&sandbox, 1, &ADA);
    sandbox.run(SYNC);
    change_phone(&sandbox, 1, "1990-02-11", "1990-02-01");
    change_phone(&sandbox, 1, "Clerk", "Baker");
    sandbox.run("edit p1 --birthday 1990-02-10 --title Pilot");
    sandbox.run(SYNC);
    sandbox
}

#[test]
fn what_waits_is_shown_and_nothing_is_touched() {
    let sandbox = apart();
    let before = phone(&sandbox, 1);
    assert_snapshot!(sandbox.transcript(&[
        "conflicts",
        "conflicts show ada",
        "conflicts show 1",
        "conflicts show nobody",
        "conflicts --json",
        "status",
    ]));
    assert_eq!(phone(&sandbox, 1), before);
}

#[test]
fn fields_are_decided_one_by_one_and_the_next_sync_carries_it_out() {
    let sandbox = apart();
    let mut text = sandbox.transcript(&[
        "resolve ada --field birthday=phone --dry-run",
        "resolve ada --field birthday=phone",
        "conflicts",
        SYNC,
        "resolve 1 --set 1=Captain",
        "resolve 1 --set 1=Captain",
        "conflicts",
        SYNC,
        SYNC,
        "show ada --vcard",
    ]);
    text += &phone(&sandbox, 1);
    assert_snapshot!(text);
}

#[test]
fn answers_that_cannot_be_taken_say_what_can() {
    let sandbox = apart();
    let before = sandbox.run("conflicts --json");
    let text = sandbox.transcript(&[
        "resolve",
        "resolve ada",
        "resolve ada --field birthday",
        "resolve ada --field shoes=phone",
        "resolve ada --set birthday=yesterday",
        "resolve ada --set birthday=",
        "resolve nobody --all-fields pc",
        "resolve --all",
        "resolve ada --tool",
        "resolve ada --edit",
    ]);
    assert_eq!(sandbox.run("conflicts --json"), before);
    assert_snapshot!(text);
}

/// What both sides hold once everything was decided that way, and nothing is left to do.
fn ends(decide: &[&str]) -> (String, String) {
    let sandbox = apart();
    for line in decide {
        sandbox.run(line);
    }
    sandbox.run(SYNC);
    let over = sandbox.run(SYNC);
    assert!(over.contains("Nothing to do"), "{over}");
    (phone(&sandbox, 1), sandbox.run("show p1 --vcard"))
}

#[test]
fn deciding_all_and_syncing_is_syncing_with_that_policy() {
    for answer in ["phone", "pc"] {
        let policy = format!("{SYNC} --conflicts {answer}");
        let at_once = ends(&[&policy]);
        let take = format!("resolve --all --take {answer}");
        assert_eq!(ends(&[&take]), at_once, "{answer}");
        assert_eq!(ends(&[&format!("resolve p1 --all-fields {answer}")]), at_once, "{answer}");
    }
}

#[test]
fn keeping_both_loses_neither() {
    let (phone, pc) = ends(&["resolve p1 --all-fields both"]);
    for side in [&phone, &pc] {
        for line in [
            "TITLE:Baker",
            "TITLE:Pilot",
            "BDAY:1990-02-10",
            "birthday on the phone: 1990-02-01",
            "Likes tea",
        ] {
            assert!(side.contains(line), "{line}\n{side}");
        }
    }
}

#[test]
fn an_edit_after_the_question_is_not_overwritten() {
    let sandbox = apart();
    sandbox.run("edit p1 --title Doctor");
    assert_snapshot!(sandbox.transcript(&[
        "conflicts",
        "resolve ada --all-fields phone",
        "show ada",
        "resolve ada --all-fields phone",
        SYNC,
        SYNC,
    ]));
    assert!(phone(&sandbox, 1).contains("TITLE:Baker"));
}

#[test]
fn a_phone_that_changed_meanwhile_is_asked_about_again() {
    let sandbox = apart();
    sandbox.run("resolve ada --all-fields pc");
    change_phone(&sandbox, 1, "Baker", "Singer");
    let text = sandbox.transcript(&[SYNC, "conflicts"]);
    let held = phone(&sandbox, 1);
    assert!(held.contains("TITLE:Singer") && held.contains("BDAY:1990-02-10"), "{held}");
    assert!(sandbox.run("show p1 --vcard").contains("TITLE:Pilot"));
    assert_snapshot!(text);
}

#[test]
fn contacts_that_are_gone_are_decided_by_the_sync() {
    let sandbox = apart();
    let text =
        sandbox.run("rm --yes ada") + &sandbox.transcript(&["conflicts", "resolve 1 --all-fields pc", SYNC]);
    assert!(sandbox.run("conflicts").contains("No field waits"));
    assert!(sandbox.run("show p1 --vcard").contains("TITLE:Baker"), "what the phone's owner typed is back");
    assert_snapshot!(text);
    // Deleted on the phone after the answer: the answer is an edit, and beats it.
    let sandbox = apart();
    sandbox.run("resolve ada --all-fields pc");
    fs::remove_file(sandbox.path("phone/p1.vcf")).unwrap();
    sandbox.run(SYNC);
    let back = fs::read_dir(sandbox.path("phone")).unwrap().map(|entry| entry.unwrap().path());
    let back: Vec<String> = back.filter_map(|path| fs::read_to_string(path).ok()).collect();
    assert!(back.iter().any(|card| card.contains("TITLE:Pilot")), "{back:?}");
}

#[test]
fn whoever_waits_keeps_nobody_waiting() {
    let sandbox = Sandbox::new();
    for number in 1..=9 {
        let (uid, name) = (format!("UID:p{number}"), format!("FN:Person {number}"));
        write(&sandbox, number, &[&uid, &name, "TEL:+49 170 1", "TITLE:Clerk"]);
    }
    sandbox.run(SYNC);
    for number in 1..=6 {
        change_phone(&sandbox, number, "Clerk", "Baker");
        sandbox.run(&format!("edit p{number} --title Pilot"));
    }
    sandbox.run(SYNC);
    assert_eq!(sandbox.run("conflicts --json").matches("\"type\":\"conflict\"").count(), 6);
    // One in conflict is edited elsewhere on both sides, others are edited, added, deleted.
    change_phone(&sandbox, 1, "TEL:+49 170 1", "TEL:+49 170 2");
    sandbox.run("edit p1 --email ada@example.org");
    change_phone(&sandbox, 8, "Clerk", "Smith");
    fs::remove_file(sandbox.path("phone/p9.vcf")).unwrap();
    sandbox.run("edit p7 --note new");
    sandbox.run("add --name 'New Person'");
    let text = sandbox.run(SYNC);
    let (one, seven) = (phone(&sandbox, 1), phone(&sandbox, 7));
    assert!(one.contains("ada@example.org") && one.contains("TITLE:Baker"), "{one}");
    assert!(sandbox.run("show p1 --vcard").contains("+49 170 2"));
    assert!(seven.contains("NOTE:new") && sandbox.run("show p8 --vcard").contains("Smith"));
    assert!(sandbox.run("show p9").contains("there is no contact"));
    assert!(text.contains("6 fields wait"), "{text}");
    // What was told is not told as news again.
    let sessions = sandbox.run("log");
    sandbox.run(SYNC);
    assert_eq!(sandbox.run("log"), sessions);
}

#[derive(Clone, Default)]
struct Caught(Arc<Mutex<Vec<u8>>>);

impl Write for Caught {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Runs a command line in front of a person who types this.
fn on_a_terminal(sandbox: &Sandbox, line: &str, typed: &str) -> String {
    let (stdout, stderr) = (Caught::default(), Caught::default());
    let world = World {
        arguments: std::iter::once("tetherbook").chain(line.split(' ')).map(Into::into).collect(),
        environment: [(String::from("HOME"), sandbox.path("home").into_os_string())].into(),
        terminal: Terminal { stdin: true, stdout: false, stderr: true },
        stdin: RefCell::new(Box::new(io::Cursor::new(typed.as_bytes().to_vec()))),
        stdout: Stream::new(Box::new(stdout.clone())),
        stderr: Stream::new(Box::new(stderr.clone())),
        ..World::real()
    };
    let exit = cli::run(&world);
    let text = |caught: &Caught| String::from_utf8(caught.0.lock().unwrap().clone()).unwrap();
    format!(
        "$ tetherbook {line}\n{}{}[exit {}]\n",
        text(&stderr).replace("? ", "?\n"),
        text(&stdout),
        exit.number()
    )
}

#[test]
fn a_person_is_asked_field_by_field() {
    let sandbox = apart();
    // Nonsense, a value that is no date, a value that is one; the title is left for later.
    let mut text = on_a_terminal(&sandbox, "resolve", "what\ne\nyesterday\ne\n1990-02-03\nl\n");
    text += &on_a_terminal(&sandbox, "resolve ada", "");
    text += &on_a_terminal(&sandbox, "resolve ada", "q\n");
    text += &on_a_terminal(&sandbox, "resolve ada", "C\n");
    text += &on_a_terminal(&sandbox, "resolve", "");
    assert_snapshot!(text);
    sandbox.run(SYNC);
    let held = phone(&sandbox, 1);
    assert!(held.contains("TITLE:Pilot") && held.contains("BDAY:1990-02-03"), "{held}");
}

#[test]
fn a_contact_is_decided_as_a_whole_in_an_editor() {
    let mut sandbox = apart();
    sandbox.set("EDITOR", "sed -i s/Pilot/Captain/");
    let mut text = sandbox.run("resolve ada --edit");
    text += &sandbox.transcript(&["conflicts", SYNC]);
    assert_snapshot!(text);
    let held = phone(&sandbox, 1);
    assert!(held.contains("TITLE:Captain") && held.contains("BDAY:1990-02-10"), "{held}");
    let mut sandbox = apart();
    sandbox.set("EDITOR", "true");
    assert!(sandbox.run("resolve ada --edit").contains("Nothing was changed"));
    assert!(sandbox.run("conflicts").contains("job title"));
}

#[test]
fn a_program_merges_and_what_it_leaves_is_taken_only_if_it_is_a_contact() {
    let sandbox = apart();
    let before = sandbox.run("conflicts --json");
    let mut text = sandbox.transcript(&[
        "resolve ada --tool true",
        "resolve ada --tool 'sed -i s/Pilot/Captain/ $MERGED && false'",
        "resolve ada --tool 'cat $PC $PHONE > $MERGED'",
        "resolve ada --tool 'echo > $MERGED'",
        "resolve ada --tool 'rm $MERGED'",
    ]);
    assert_eq!(sandbox.run("conflicts --json"), before);
    sandbox.write("home/.config/tetherbook/config.toml", "merge_tool = 'ls -l $BASE $PC $PHONE $MERGED | cut -c1-10; grep -h ^TITLE $BASE $PC $PHONE; stat -c %a $(dirname $BASE); sed -i s/Pilot/Captain/ $MERGED'\n");
    text += &sandbox.transcript(&["resolve ada --tool", "conflicts", SYNC, "show ada --vcard"]);
    assert_snapshot!(text.replace(".tetherbook-", "tetherbook-"));
    assert!(phone(&sandbox, 1).contains("TITLE:Captain"));
}

#[test]
fn what_is_chosen_for_a_phone_counts_until_the_command_line_says_otherwise() {
    let sandbox = Sandbox::new();
    write(&sandbox, 1, &ADA);
    sandbox.run(SYNC);
    sandbox.write("home/.config/tetherbook/config.toml", "conflicts = \"pc\"\n");
    let mut text = sandbox.transcript(&[
        "pair --phone dir:{T}/phone --name Pixel --conflicts phone --edit-or-delete delete",
        "phones",
        "status",
    ]);
    let differ = |title: &str, other: &str| {
        let held = phone(&sandbox, 1);
        let old = held.lines().find(|line| line.starts_with("TITLE")).unwrap().to_owned();
        change_phone(&sandbox, 1, &old, &format!("TITLE:{title}"));
        sandbox.run(&format!("edit p1 --title {other}"));
    };
    differ("Baker", "Pilot");
    sandbox.run(SYNC);
    assert!(sandbox.run("show p1 --vcard").contains("TITLE:Baker"), "chosen before configured");
    differ("Singer", "Doctor");
    sandbox.run(&format!("{SYNC} --conflicts pc"));
    assert!(phone(&sandbox, 1).contains("TITLE:Doctor"), "said before chosen");
    differ("Miller", "Judge");
    sandbox.run(SYNC);
    assert!(sandbox.run("show p1 --vcard").contains("TITLE:Miller"), "what was said once is not kept");
    text += &sandbox.run("pair --phone Pixel --conflicts hold");
    differ("Cook", "Nurse");
    sandbox.run(SYNC);
    text += &sandbox.transcript(&["conflicts", "phones --json"]);
    assert_snapshot!(text);
    // Without a choice the configuration counts.
    let other = Sandbox::new();
    other.write("home/.config/tetherbook/config.toml", "conflicts = \"pc\"\n");
    write(&other, 1, &ADA);
    other.run(SYNC);
    change_phone(&other, 1, "Clerk", "Baker");
    other.run("edit p1 --title Pilot");
    other.run(SYNC);
    assert!(phone(&other, 1).contains("TITLE:Pilot"));
}

/// Three people, of whom one is edited on the PC and deleted on the phone.
fn edited_and_deleted() -> Sandbox {
    let sandbox = Sandbox::new();
    for number in 1..=3 {
        let (uid, name) = (format!("UID:p{number}"), format!("FN:Person {number}"));
        write(&sandbox, number, &[&uid, &name, "TITLE:Clerk"]);
    }
    sandbox.run(SYNC);
    sandbox.run("edit p1 --title Pilot");
    fs::remove_file(sandbox.path("phone/p1.vcf")).unwrap();
    sandbox
}

#[test]
fn an_edit_beats_a_deletion_unless_it_was_chosen_otherwise() {
    let sandbox = edited_and_deleted();
    let text = sandbox.run(SYNC);
    assert!(text.contains("the edit wins"), "{text}");
    let sandbox = edited_and_deleted();
    let text =
        sandbox.transcript(&[&format!("{SYNC} --edit-or-delete delete"), "log show 2 -v", "list", SYNC]);
    assert_snapshot!(text);
    let sandbox = edited_and_deleted();
    sandbox.write("home/.config/tetherbook/config.toml", "edit_or_delete = \"delete\"\n");
    assert!(sandbox.run(SYNC).contains("as chosen"));
    // The other way round, and of a contact in conflict.
    let sandbox = apart();
    sandbox.run("rm --yes ada");
    assert!(sandbox.run(&format!("{SYNC} --edit-or-delete delete --allow-deletes")).contains("as chosen"));
    assert!(!sandbox.path("phone/p1.vcf").exists());
    assert!(sandbox.run("conflicts").contains("No field waits"));
}

#[test]
fn the_newer_edit_wins_where_it_is_known_and_waits_where_it_is_not() {
    let dated = |sandbox: &Sandbox, pc: &str, on_phone: &str| {
        write(sandbox, 1, &ADA);
        sandbox.run(SYNC);
        change_phone(sandbox, 1, "TITLE:Clerk", on_phone);
        let changed = card(&ADA).replace("TITLE:Clerk", pc);
        sandbox.run_with("import --update -", &changed);
        sandbox.run(&format!("{SYNC} --conflicts newest"))
    };
    let sandbox = Sandbox::new();
    dated(&sandbox, "REV:20260101T000000Z\r\nTITLE:Pilot", "REV:2026-02-01T00:00:00Z\r\nTITLE:Baker");
    assert!(sandbox.run("show p1 --vcard").contains("TITLE:Baker"));
    let sandbox = Sandbox::new();
    let text = dated(&sandbox, "TITLE:Pilot", "REV:2026-02-01T00:00:00Z\r\nTITLE:Baker");
    assert_snapshot!(text);
    assert!(sandbox.run("conflicts").contains("job title"));
}
