//! The command line itself: help, wrong usage, configuration, colours, completions and manual pages.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod sandbox;

use std::fs;

use insta::assert_snapshot;
use sandbox::{Sandbox, card};

#[test]
fn help_begins_with_examples() {
    let sandbox = Sandbox::new();
    assert_snapshot!(
        "help",
        sandbox.transcript(&["--help", "sync --help", "edit -h", "state decode -h", "--version"])
    );
    assert_eq!(sandbox.run("sync --help").lines().nth(3), Some("Examples:"));
}

#[test]
fn wrong_usage_ends_with_2_and_a_way_on() {
    let sandbox = Sandbox::new();
    assert_snapshot!(sandbox.transcript(&[
        "",
        "syn",
        "sync --mode two",
        "sync --confilcts hold",
        "sync --phone phone",
        "sync --phone dir:{T}/phone --sim-personality android",
        "list --color sometimes",
        "--json list --nonsense",
        "completions tcsh",
        "man nothing",
        "log -n many",
    ]));
}

#[test]
fn a_configuration_is_heeded_and_its_typos_are_told() {
    let mut sandbox = Sandbox::new();
    sandbox.write(
        "good.toml",
        "book = \"home\"\nphone = \"dir:none\"\nmode = \"phone-to-pc\"\n[guards]\ndeletes_max_count = 1\n",
    );
    sandbox.write("typo.toml", "book = \"home\"\n\nconflict = \"hold\"\n");
    sandbox.write("value.toml", "mode = \"two_way\"\n");
    sandbox.write("broken.toml", "book = \n");
    let mut text = sandbox.transcript(&[
        "--config good.toml add --name A",
        "--config good.toml books",
        "--config good.toml sync",
        "--config typo.toml list",
        "--config value.toml list --json",
        "--config broken.toml list",
        "--config none.toml list",
    ]);
    sandbox.write("home/.config/tetherbook/config.toml", "colour = \"never\"\n");
    text += &sandbox.run("list");
    // The manual and the completions do not depend on it.
    assert!(sandbox.run("man").ends_with("[exit 0]\n"));
    sandbox.set("XDG_CONFIG_HOME", "{T}/elsewhere");
    text += &sandbox.run("list --book home");
    assert_snapshot!(text);
}

#[test]
fn the_database_is_where_it_is_said_to_be() {
    let mut sandbox = Sandbox::new();
    sandbox.run("--database named.db add --name A");
    assert!(sandbox.path("named.db").exists());
    sandbox.set("TETHERBOOK_DATABASE", "{T}/from-environment.db");
    sandbox.run("add --name A");
    assert!(sandbox.path("from-environment.db").exists());
    sandbox.run("--database other.db add --name A");
    assert!(sandbox.path("other.db").exists());
    let mut sandbox = Sandbox::new();
    sandbox.set("XDG_DATA_HOME", "{T}/data");
    sandbox.run("add --name A");
    assert!(sandbox.path("data/tetherbook/tetherbook.db").exists());
    sandbox.write("text.db", "this is no database, and it is long enough to be looked at as one: it has more bytes than its header would need");
    assert_snapshot!(sandbox.transcript(&[
        "--database text.db list",
        "--database text.db add --name A",
        "--json --database text.db list"
    ]));
    assert!(fs::read_to_string(sandbox.path("text.db")).unwrap().starts_with("this is no database"));
}

#[test]
fn a_second_writer_is_told_that_a_session_runs() {
    let sandbox = Sandbox::new();
    sandbox.run("add --name A");
    let lock = sandbox.path("home/.local/share/tetherbook/tetherbook.db.lock");
    let held = fs::OpenOptions::new().write(true).open(&lock).unwrap();
    held.try_lock().unwrap();
    assert_snapshot!(sandbox.transcript(&[
        "add --name B",
        "sync --phone dir:{T}/phone",
        "--json sync --phone dir:{T}/phone",
        "list"
    ]));
}

#[test]
fn colours_come_only_where_they_are_wanted() {
    let mut sandbox = Sandbox::new();
    sandbox.card("phone/a.vcf", &["UID:a", "FN:Ada", "TEL:1"]);
    let plain = sandbox.run("diff --phone dir:{T}/phone");
    assert!(!plain.contains('\u{1b}'), "{plain}");
    let coloured = sandbox.run("diff --phone dir:{T}/phone --color always");
    assert_snapshot!(coloured.replace('\u{1b}', "␛"));
    sandbox.set("NO_COLOR", "1");
    assert!(!sandbox.run("diff --phone dir:{T}/phone").contains('\u{1b}'));
    // What is said on the command line is stronger than the environment.
    assert!(sandbox.run("diff --phone dir:{T}/phone --color always").contains('\u{1b}'));
}

#[test]
fn completions_name_every_command_and_the_manual_every_exit_code() {
    let sandbox = Sandbox::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = sandbox.run(&format!("completions {shell}"));
        assert!(
            script.contains("import") && script.contains("dry-run") && script.ends_with("[exit 0]\n"),
            "{shell}"
        );
    }
    assert_snapshot!("manual", sandbox.run("man"));
    assert_snapshot!("manual_of_sync", sandbox.run("man sync"));
    assert!(sandbox.run("man --directory pages").ends_with("[exit 0]\n"));
    let pages = fs::read_dir(sandbox.path("pages")).unwrap().count();
    assert_eq!(pages, 34, "one page per command and the main one");
}

#[test]
fn sets_are_decoded_and_what_is_wrong_is_told_with_its_place() {
    let sandbox = Sandbox::new();
    let mut text = sandbox.transcript(&[
        "state decode --json 33221100554477668899aabbccddeeff5200000000000100000000000500",
        "state decode '0x33221100 55447766 8899aabb ccddeeff' 52 000000000001 000000000005 00",
        "state decode --json ''",
        "state decode --whole --json 01020117400000000002019667000000000201da67000000000201d26700000000",
        "state decode 3322",
        "state decode 0g",
        "state decode --json 33221100554477668899aabbccddeeff99",
        "state decode",
    ]);
    text += &sandbox
        .run_with("state decode --json -", "33221100554477668899aabbccddeeff5200000000000100000000000500\n");
    assert_snapshot!(text);
}

#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    let sandbox = Sandbox::new();
    let cards: String =
        (0..5000).map(|number| card(&[&format!("UID:{number}"), &format!("FN:Person {number}")])).collect();
    sandbox.write("many.vcf", &cards);
    sandbox.run("import many.vcf");
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_tetherbook"))
        .args(["list", "--json"])
        .env_clear()
        .env("HOME", sandbox.path("home"))
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
}
