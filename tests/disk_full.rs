//! The PC's disk is full from the n-th write on, for every n: the real program ends with an error that says so, nothing is
//! lost or doubled on either side, and the next session finishes.
//!
//! A small C library (`disk_full/full_disk.c`) stands between the program and the system's calls. It is compiled here with
//! the C compiler that SQLite is built with.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod sandbox;

use std::fs;
use std::path::Path;
use std::process::Command;

use sandbox::{Sandbox, card};

const SYNC: &str = "sync --phone dir:{T}/phone";

fn library(sandbox: &Sandbox) {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/disk_full/full_disk.c");
    let done = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .arg(sandbox.path("full_disk.so"))
        .arg(source)
        .arg("-ldl")
        .status()
        .unwrap();
    assert!(done.success(), "the library cannot be compiled");
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let path = entry.unwrap().path();
        let place = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy(&path, &place);
        } else {
            fs::copy(&path, &place).unwrap();
            let modified = fs::metadata(&path).unwrap().modified().unwrap();
            fs::File::options().write(true).open(&place).unwrap().set_modified(modified).unwrap();
        }
    }
}

/// Puts home and phone back as they were kept.
fn put_back(sandbox: &Sandbox) {
    for folder in ["home", "phone"] {
        fs::remove_dir_all(sandbox.path(folder)).unwrap();
        copy(&sandbox.path(&format!("kept/{folder}")), &sandbox.path(folder));
    }
}

/// What both sides hold: every line of every card but the random UIDs' order.
fn everything(sandbox: &Sandbox) -> (Vec<String>, Vec<String>) {
    let mut on_phone = Vec::new();
    for entry in fs::read_dir(sandbox.path("phone")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        assert!(!name.starts_with("tbtmp"), "{name} is left");
        if name.ends_with(".vcf") {
            on_phone.push(fs::read_to_string(&path).unwrap());
        }
    }
    on_phone.sort();
    let exported = sandbox.run("export");
    let mut on_pc: Vec<String> = exported
        .split("BEGIN:VCARD")
        .skip(1)
        .map(|card| card.split("END:VCARD").next().unwrap().to_owned())
        .collect();
    on_pc.sort();
    (on_phone, on_pc)
}

/// Both sides have something new, something edited and something deleted; or nothing was ever synced.
fn prepared(is_first: bool) -> Sandbox {
    let sandbox = Sandbox::new();
    for number in 0..6 {
        let lines = [format!("UID:u{number}"), format!("FN:Person {number}"), String::from("TITLE:old")];
        sandbox.card(&format!("phone/p{number}.vcf"), &lines.iter().map(String::as_str).collect::<Vec<_>>());
    }
    sandbox.write("mine.vcf", &card(&["UID:m", "FN:Mine"]));
    if !is_first {
        sandbox.run("import mine.vcf");
        assert!(sandbox.run(SYNC).ends_with("[exit 0]\n"));
        sandbox.card("phone/p0.vcf", &["UID:u0", "FN:Person 0", "TITLE:new"]);
        sandbox.card("phone/new.vcf", &["UID:new", "FN:New on Phone"]);
        fs::remove_file(sandbox.path("phone/p1.vcf")).unwrap();
        sandbox.run("edit u2 --title new");
        sandbox.run("rm --yes u3");
        sandbox.write("mine.vcf", &card(&["UID:m2", "FN:New on PC"]));
        sandbox.run("import mine.vcf");
    }
    for folder in ["home", "phone"] {
        copy(&sandbox.path(folder), &sandbox.path(&format!("kept/{folder}")));
    }
    library(&sandbox);
    sandbox
}

/// Runs the program with a disk that is full from its `at`-th write on; `None` if it never came to that.
fn with_full_disk(sandbox: &Sandbox, line: &str, at: u32) -> Option<(i32, String)> {
    let told = sandbox.path("told");
    let _ = fs::remove_dir(&told);
    let root = sandbox.path("").display().to_string();
    let root = root.trim_end_matches('/');
    let output = Command::new(env!("CARGO_BIN_EXE_tetherbook"))
        .args(line.split(' ').map(|word| word.replace("{T}", root)))
        .env_clear()
        .env("HOME", sandbox.path("home"))
        .env("TMPDIR", sandbox.path(""))
        .env("LD_PRELOAD", sandbox.path("full_disk.so"))
        .env("DISK_FULL_AT", at.to_string())
        .env("DISK_FULL_UNDER", sandbox.path("home"))
        .env("DISK_FULL_TOLD", &told)
        .output()
        .unwrap();
    told.exists().then(|| {
        let said = [output.stdout, output.stderr].concat();
        (output.status.code().unwrap_or(-1), String::from_utf8_lossy(&said).into_owned())
    })
}

/// Whether it says that there is no room, and what to do. Where SQLite cannot make the files of its log it does not say
/// why, and the room on the disk is one of the things to look at.
fn says_so(said: &str) -> bool {
    let pairs = [
        ("no room left", "free some space"),
        ("the disk is full", "free some space"),
        ("cannot be opened", "the room on that disk"),
        ("could not be used", "the room on it"),
        ("cannot be opened", "free some space"),
    ];
    pairs.iter().any(|(what, remedy)| said.contains(what) && said.contains(remedy))
}

fn full_from_any_write_on(is_first: bool) {
    let sandbox = prepared(is_first);
    assert!(sandbox.run(SYNC).ends_with("[exit 0]\n"));
    let expected = everything(&sandbox);
    let mut failed = 0;
    for at in 1.. {
        put_back(&sandbox);
        let context = format!("first {is_first}, full from write {at} on");
        let Some((exit, said)) = with_full_disk(&sandbox, SYNC, at) else {
            assert!(at > 50, "{context}: only so many writes were there");
            break;
        };
        // What comes after the last commit (the log is folded into the database) may fail and costs nothing.
        assert!(exit == 0 || exit == 1, "{context}: exit {exit}: {said}");
        if exit == 1 {
            failed += 1;
            assert!(says_so(&said), "{context}: {said}");
        }
        let next = sandbox.run(SYNC);
        assert!(next.ends_with("[exit 0]\n"), "{context}: {next}");
        let last = sandbox.run(SYNC);
        assert!(last.contains("Nothing to do"), "{context}: {last}");
        assert_eq!(everything(&sandbox), expected, "{context}");
    }
    assert!(failed > 40, "only {failed} of the sessions failed");
}

#[test]
fn a_disk_that_is_full_from_any_write_of_a_first_session_on_is_a_delay() {
    full_from_any_write_on(true);
}

#[test]
fn a_disk_that_is_full_from_any_write_of_a_later_session_on_is_a_delay() {
    full_from_any_write_on(false);
}

#[test]
fn a_contact_typed_on_a_full_disk_is_there_wholly_or_not_at_all() {
    let sandbox = prepared(false);
    let before = sandbox.run("list").lines().count();
    for at in 1.. {
        put_back(&sandbox);
        let Some((exit, said)) = with_full_disk(&sandbox, "add --name Typed", at) else { break };
        let after = sandbox.run("list").lines().count();
        assert_eq!(after, before + usize::from(exit == 0), "full from write {at} on: exit {exit}: {said}");
        assert!(exit == 0 || (exit == 1 && says_so(&said)), "full from write {at} on: {said}");
    }
}
