//! Bad moments, against the real program: an interrupt, a kill, a second session, a reader that goes away. What was
//! done is kept, nothing is doubled or left behind, and the next session finishes.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop at the first surprise")]

mod sandbox;

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use insta::assert_snapshot;
use sandbox::{Sandbox, card};

fn sandbox_with_ada() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.card("phone/ada.vcf", &["UID:a", "FN:Ada Example", "TEL:1"]);
    sandbox
}

/// The names that `list` shows.
fn listed(sandbox: &Sandbox) -> Vec<String> {
    let text = sandbox.run("list --json");
    let names = text.lines().filter_map(|line| line.split_once("\"fn\":\"")?.1.split_once('"'));
    names.map(|(name, _)| name.to_owned()).collect()
}

/// The program, started and left running.
fn start(sandbox: &Sandbox, arguments: &[&str]) -> Child {
    let root = sandbox.path("").display().to_string();
    Command::new(env!("CARGO_BIN_EXE_tetherbook"))
        .args(arguments.iter().map(|argument| argument.replace("{T}", root.trim_end_matches('/'))))
        .env_clear()
        .env("HOME", sandbox.path("home"))
        .env("TMPDIR", sandbox.path(""))
        .current_dir(sandbox.path(""))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn signal(child: &Child, name: &str) {
    let done = Command::new("kill").args([name, &child.id().to_string()]).status().unwrap();
    assert!(done.success(), "kill {name}");
}

/// How it ended and what it said.
fn end(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// The cards in a folder: each name shown, sorted; temporary files and the marker are no cards.
fn cards_in(folder: &Path) -> Vec<String> {
    let Ok(listing) = fs::read_dir(folder) else { return Vec::new() };
    let mut names = Vec::new();
    for entry in listing {
        let path = entry.unwrap().path();
        let text = fs::read_to_string(&path).unwrap();
        names.extend(text.lines().filter_map(|line| line.strip_prefix("FN:")).map(str::to_owned));
    }
    names.sort();
    names
}

/// Imports that many contacts into the book.
fn fill(sandbox: &Sandbox, count: usize) {
    let cards: String = (0..count)
        .map(|number| card(&[&format!("UID:c{number}"), &format!("FN:Contact {number:05}")]))
        .collect();
    sandbox.write("many.vcf", &cards);
    assert!(sandbox.run("import many.vcf --quiet").ends_with("[exit 0]\n"));
}

/// Waits until `count` files are in the folder or the program has ended.
fn wait_for_files(child: &mut Child, folder: &Path, count: usize) {
    while fs::read_dir(folder).map_or(0, Iterator::count) < count && child.try_wait().unwrap().is_none() {
        std::thread::yield_now();
    }
}

#[test]
fn an_interrupt_keeps_what_was_done_and_the_next_session_finishes() {
    let sandbox = Sandbox::new();
    fill(&sandbox, 600);
    let folder = sandbox.path("phone/Contacts");
    let mut child = start(&sandbox, &["sync", "--phone", "sim:{T}/phone"]);
    wait_for_files(&mut child, &folder, 20);
    signal(&child, "-INT");
    let (code, said) = end(child);
    assert_eq!(code, Some(130), "{said}");
    assert!(said.contains("error: interrupted; what was finished is kept"), "{said}");
    assert!(said.contains("run the same command again; it goes on from there"), "{said}");
    let kept = cards_in(&folder).len();
    assert!((19..600).contains(&kept), "{kept} were done");
    let rest = sandbox.run("sync --phone sim:{T}/phone");
    // The card that was on its way may stand there already; then the journal knows it.
    assert!(rest.contains(&format!("Created {} on the phone.\n", 600 - kept)), "{kept}, {rest}");
    assert!(rest.ends_with("[exit 0]\n"), "{rest}");
    assert_eq!(cards_in(&folder).len(), 600);
    assert!(sandbox.run("sync --phone sim:{T}/phone").contains("Nothing to do"));
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "the kill comes at a moment of real time; whichever it is must do"
)]
fn a_killed_session_leaves_nothing_behind() {
    for scheme in ["dir:{T}/phone", "sim:{T}/phone"] {
        let sandbox = Sandbox::new();
        let folder = if scheme.starts_with("dir") { "phone" } else { "phone/Contacts" };
        let mut random = fastrand::Rng::with_seed(20);
        let base = |number: usize, title: &str| {
            card(&[&format!("UID:base{number}"), &format!("FN:Base B{number}"), &format!("TITLE:{title}")])
        };
        for number in 0..48 {
            sandbox.write(&format!("{folder}/base{number}.vcf"), &base(number, "first"));
        }
        // One goes to the phone, so that this session, which nobody kills, writes the marker.
        sandbox.run("add --name 'Base on the PC'");
        let first = sandbox.run(&format!("sync --phone {scheme}"));
        assert!(first.ends_with("Created 1 on the phone and 48 on the PC.\n[exit 0]\n"), "{first}");
        let mut expected: Vec<String> = vec![String::from("Base on the PC")];
        expected.extend((0..48).map(|number| format!("Base B{number}")));
        for round in 0..12 {
            // New contacts on both sides, and edits of those that are there: the first half on the PC, the
            // second half on the phone.
            let mut added = String::new();
            for number in 0..15 {
                let (uid, name) = (format!("r{round}n{number}"), format!("Contact r{round}n{number}"));
                let text = card(&[&format!("UID:{uid}"), &format!("FN:{name}"), "TITLE:new"]);
                expected.push(name);
                if number % 2 == 0 {
                    sandbox.write(&format!("{folder}/{uid}.vcf"), &text);
                } else {
                    added += &text;
                }
            }
            for number in [2 * round, 2 * round + 1] {
                added += &base(number, "edited");
                sandbox.write(&format!("{folder}/base{}.vcf", number + 24), &base(number + 24, "edited"));
            }
            sandbox.write("more.vcf", &added);
            let imported = sandbox.run("import --update more.vcf");
            assert!(imported.ends_with("[exit 0]\n"), "{imported}");
            let child = start(&sandbox, &["sync", "--phone", scheme]);
            std::thread::sleep(Duration::from_micros(random.u64(0..60_000)));
            // It may have ended by then; that is one of the moments.
            signal(&child, "-KILL");
            end(child);
        }
        let after = sandbox.run(&format!("sync --phone {scheme}"));
        assert!(after.ends_with("[exit 0]\n"), "{after}");
        let last = sandbox.run(&format!("sync --phone {scheme}"));
        assert!(last.contains("Nothing to do"), "{last}");
        expected.sort();
        assert_eq!(cards_in(&sandbox.path(folder)), expected, "{scheme}");
        let mut on_pc = listed(&sandbox);
        on_pc.sort();
        assert_eq!(on_pc, expected, "{scheme}");
        for entry in fs::read_dir(sandbox.path(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(!name.starts_with("tbtmp"), "{scheme}: {name} was left");
        }
    }
}

#[test]
fn of_two_sessions_at_once_the_second_is_told_so() {
    let sandbox = Sandbox::new();
    fill(&sandbox, 300);
    let folder = sandbox.path("phone/Contacts");
    let mut first = start(&sandbox, &["sync", "--phone", "sim:{T}/phone"]);
    wait_for_files(&mut first, &folder, 20);
    signal(&first, "-STOP");
    let pid = first.id().to_string();
    let text = sandbox.transcript(&["sync --phone sim:{T}/phone", "--json add --name A", "list ada"]);
    signal(&first, "-CONT");
    assert_snapshot!(text.replace(&pid, "PID"));
    let (code, said) = end(first);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(cards_in(&folder).len(), 300);
}

#[test]
fn a_reader_that_goes_away_stops_no_session() {
    let sandbox = sandbox_with_ada();
    fill(&sandbox, 300);
    for arguments in [["sync", "--phone", "dir:{T}/phone"].as_slice(), &["list"], &["export"], &["help"]] {
        let mut child = start(&sandbox, arguments);
        drop(child.stdout.take());
        let (code, said) = end(child);
        assert_eq!((code, said.as_str()), (Some(0), ""), "{arguments:?}");
    }
    assert_eq!(cards_in(&sandbox.path("phone")).len(), 301);
    assert_eq!(listed(&sandbox).len(), 301);
    let full = Path::new("/dev/full");
    if full.exists() {
        sandbox.card("phone/bo.vcf", &["UID:b", "FN:Bo Example"]);
        let output = Command::new(env!("CARGO_BIN_EXE_tetherbook"))
            .args(["sync", "--phone", "dir:phone"])
            .env_clear()
            .env("HOME", sandbox.path("home"))
            .current_dir(sandbox.path(""))
            .stdout(fs::OpenOptions::new().write(true).open(full).unwrap())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(said.contains("Hint: check where stdout goes and whether its disk is full"), "{said}");
        assert_eq!(listed(&sandbox).len(), 302, "what could not be told was done all the same");
    }
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "that it goes on waiting after the first interrupt is seen in real time"
)]
fn a_second_interrupt_ends_it_at_once_whatever_it_waits_for() {
    let sandbox = sandbox_with_ada();
    let pipe = sandbox.path("pipe.vcf");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    // Nobody will ever write to the pipe, so that no look at the flag comes.
    let mut child = start(&sandbox, &["import", "pipe.vcf"]);
    // It has asked the system for its interrupts (SIGINT is bit 1 of what is caught).
    let catches = |status: &str| {
        let caught = status.lines().find_map(|line| line.strip_prefix("SigCgt:")).unwrap().trim();
        u64::from_str_radix(caught, 16).unwrap() & 2 != 0
    };
    while !catches(&fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap()) {
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(200));
    signal(&child, "-INT");
    std::thread::sleep(Duration::from_millis(300));
    assert!(child.try_wait().unwrap().is_none(), "the first one lets it finish what it does");
    signal(&child, "-INT");
    let (code, said) = end(child);
    assert_eq!(code, Some(130), "{said}");
}

#[test]
fn an_interrupt_before_anything_was_asked_ends_a_long_reading() {
    for scheme in ["dir:{T}/phone", "sim:{T}/phone"] {
        let sandbox = Sandbox::new();
        let folder = if scheme.starts_with("dir") { "phone" } else { "phone/Contacts" };
        for number in 0..3_000 {
            let (uid, name) = (format!("UID:u{number}"), format!("FN:Person {number}"));
            sandbox.write(&format!("{folder}/{number}.vcf"), &card(&[&uid, &name]));
        }
        let mut child = start(&sandbox, &["sync", "--phone", scheme]);
        // The database is there as soon as the session begins; reading three thousand files takes longer than that.
        let database = sandbox.path("home/.local/share/tetherbook/tetherbook.db-wal");
        while !database.exists() && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        signal(&child, "-INT");
        let (code, said) = end(child);
        assert_eq!(code, Some(130), "{scheme}: {said}");
        assert!(said.contains("error: interrupted; what was finished is kept"), "{scheme}: {said}");
        let next = sandbox.run(&format!("sync --phone {scheme} --quiet"));
        assert!(next.ends_with("[exit 0]\n"), "{scheme}: {next}");
        assert_eq!(listed(&sandbox).len(), 3_000, "{scheme}");
    }
}

/// What becomes of a damaged database: told with a next step, left as it is, and the phone untouched.
#[test]
fn a_damaged_database_is_told_and_left_as_it_is() {
    let sandbox = sandbox_with_ada();
    fill(&sandbox, 200);
    assert!(sandbox.run("sync --phone dir:{T}/phone --quiet").ends_with("[exit 0]\n"));
    let database = sandbox.path("home/.local/share/tetherbook/tetherbook.db");
    let whole = fs::read(&database).unwrap();
    let phone = cards_in(&sandbox.path("phone"));
    let page = 4_096;
    let pages = whole.len() / page;
    assert!(pages > 10);
    let mut told = 0;
    let mut damages: Vec<(String, Vec<u8>)> = Vec::new();
    for number in (0..pages).step_by(pages / 10) {
        let mut bytes = whole.clone();
        bytes[number * page..(number + 1) * page].fill(0xA5);
        damages.push((format!("page {number} of {pages}"), bytes));
    }
    for length in [1, 99, 100, page - 1, page, page + 7, whole.len() / 2, whole.len() - page] {
        damages.push((format!("cut to {length} bytes"), whole[..length].to_vec()));
    }
    for (what, bytes) in damages {
        fs::write(&database, &bytes).unwrap();
        for suffix in ["-wal", "-shm"] {
            let _ =
                fs::remove_file(sandbox.path(&format!("home/.local/share/tetherbook/tetherbook.db{suffix}")));
        }
        let text = sandbox.run("sync --phone dir:{T}/phone --quiet");
        // Damage where nothing is read is found by `check`; it must not cost a contact on the phone.
        assert_eq!(cards_in(&sandbox.path("phone")), phone, "{what}: {text}");
        let is_told = ["[exit 1]", "[exit 7]"].iter().any(|exit| text.trim_end().ends_with(exit));
        assert!(is_told || text.trim_end().ends_with("[exit 0]"), "{what}: {text}");
        if text.trim_end().ends_with("[exit 1]") {
            told += 1;
            let clear = ["is damaged", "is not a Tetherbook database"];
            assert!(clear.iter().any(|words| text.contains(words)), "{what}: {text}");
            assert!(text.contains("Hint: "), "{what}: {text}");
            assert_eq!(fs::read(&database).unwrap(), bytes, "{what}: the file was written to");
        }
    }
    assert!(told >= 8, "only {told} damages were noticed");
    // A log that is gone or garbage loses nothing that was committed: it is empty after a session.
    fs::write(&database, &whole).unwrap();
    fs::write(sandbox.path("home/.local/share/tetherbook/tetherbook.db-wal"), [0xA5; 10_000]).unwrap();
    let text = sandbox.run("sync --phone dir:{T}/phone");
    assert!(text.contains("Nothing to do"), "{text}");
    assert_eq!(listed(&sandbox).len(), 201);
}
