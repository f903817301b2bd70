//! The budgets, measured: whole processes of the release binary against the simulated phone, beside what was planned.
//!
//! `cargo bench --bench budgets` prints one table; `cargo bench --bench budgets -- 1000` measures that size only, and
//! `cargo bench --bench budgets -- memory` a first sync and a session with nothing to do of 100,000 contacts, once
//! each: there it is the peak memory that counts.
//! Each figure is the best of several runs of a whole process, wall time and peak memory, with phone and database
//! on a memory file system where there is one. Never a test: a busy machine must not fail a build.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark may stop at the first surprise"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, SystemTime};

use nix::sys::resource::{UsageWho, getrusage};

/// Runs per figure; the best counts, for the machine's other work only ever adds.
const RUNS: usize = 5;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    if arguments.first().is_some_and(|argument| argument == "--measure") {
        measure(&arguments[1..]);
        return;
    }
    if arguments.iter().any(|argument| argument == "memory") {
        heading();
        for (what, figure) in memory_figures() {
            row(MANY, what, figure);
        }
        return;
    }
    let sizes: Vec<usize> = match arguments.iter().filter_map(|argument| argument.parse().ok()).collect() {
        sizes if !Vec::<usize>::is_empty(&sizes) => sizes,
        _ => vec![1_000, 10_000, 40_000],
    };
    heading();
    let mut rows: Vec<(usize, &str, f64)> = Vec::new();
    for size in sizes {
        for (what, figure) in figures(size) {
            row(size, what, figure);
            rows.push((size, what, figure.ms));
        }
    }
    println!("\n| what | 10,000 → 40,000 contacts | budget |\n|---|---:|---:|");
    for what in ["first sync", "nothing to do", "1 % edited"] {
        let at = |size| rows.iter().find(|row| row.0 == size && row.1 == what).map(|row| row.2);
        if let (Some(small), Some(large)) = (at(10_000), at(40_000)) {
            println!("| {what} | {:.2} times | 4.5 times |", large / small);
        }
    }
}

/// The size whose peak memory has a budget of its own.
const MANY: usize = 100_000;

/// So many contacts go from the PC to the phone.
const NEW_ON_PC: usize = 1_000;

fn heading() {
    println!("| contacts | what | measured | budget | peak memory | transactions | bytes from/to phone |");
    println!("|---:|---|---:|---:|---:|---:|---:|");
}

fn row(size: usize, what: &str, figure: Figure) {
    println!(
        "| {size} | {what} | {:.1} ms | {} | {:.1} MB | {} | {}/{} |",
        figure.ms,
        budget(what, size),
        figure.peak_kb as f64 / 1024.0,
        figure.transactions,
        figure.bytes_in,
        figure.bytes_out
    );
}

#[derive(Clone, Copy)]
struct Figure {
    ms: f64,
    peak_kb: i64,
    transactions: u64,
    bytes_in: u64,
    bytes_out: u64,
}

fn budget(what: &str, size: usize) -> &'static str {
    match (what, size) {
        ("first sync", 10_000) => "1000 ms, 21 MB",
        ("nothing to do", 10_000) => "60 ms, 21 MB, 10 transactions",
        ("1 % edited", 10_000) => "100 ms, 21 MB",
        ("first sync", MANY) => "100 MB",
        ("nothing to do", MANY) => "100 MB, 10 transactions",
        ("nothing to do", _) => "10 transactions",
        _ => "",
    }
}

/// A phone with so many contacts, in a temporary folder that is on a memory file system where there is one.
fn phone_of(size: usize) -> (tempfile::TempDir, PathBuf, PathBuf) {
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() };
    let folder = folder.expect("a temporary folder");
    let phone = folder.path().join("phone");
    let contacts = phone.join("Contacts");
    fs::create_dir_all(&contacts).expect("the phone's folder");
    for number in 0..size {
        write_card(&contacts, number, 0);
    }
    (folder, phone, contacts)
}

fn memory_figures() -> Vec<(&'static str, Figure)> {
    let (folder, phone, _) = phone_of(MANY);
    let database = folder.path().join("data/tetherbook.db");
    let first = run(&database, &phone);
    std::thread::sleep(Duration::from_millis(2_100));
    run(&database, &phone);
    vec![("first sync", first), ("nothing to do", run(&database, &phone))]
}

/// A session that takes contacts which are new on the PC to a phone that has others.
fn new_on_pc(folder: &Path, database: &Path, phone: &Path) -> Figure {
    let cards = folder.join("new");
    fs::create_dir_all(&cards).expect("the folder of new cards");
    for number in 0..NEW_ON_PC {
        // Numbers that no contact on the phone has.
        write_card(&cards, 1_000_000 + number, 0);
    }
    let mut import = Command::new(env!("CARGO_BIN_EXE_tetherbook"));
    import.env_clear().args(["import", "--quiet", "--database"]).arg(database).arg(&cards);
    assert!(import.stdout(Stdio::null()).status().expect("tetherbook runs").success());
    run(database, phone)
}

fn figures(size: usize) -> Vec<(&'static str, Figure)> {
    let (folder, phone, contacts) = phone_of(size);
    let database = folder.path().join("data/tetherbook.db");
    let mut first = None;
    for _ in 0..RUNS.min(3) {
        let _ = fs::remove_dir_all(folder.path().join("data"));
        let _ = fs::remove_file(contacts.join("tetherbook-replica.txt"));
        keep_best(&mut first, run(&database, &phone));
    }
    // The session after a writing one reads the files with the newest date once more; then it is quiet.
    std::thread::sleep(Duration::from_millis(2_100));
    run(&database, &phone);
    run(&database, &phone);
    let mut quiet = None;
    for _ in 0..RUNS {
        keep_best(&mut quiet, run(&database, &phone));
    }
    let mut edited = None;
    for round in 1..=RUNS {
        for number in (0..size).step_by(100) {
            write_card(&contacts, number, round);
        }
        keep_best(&mut edited, run(&database, &phone));
    }
    // Once, for it cannot be taken back and done again, and beside few others only: the simulated phone lists the whole
    // folder at each SendObjectInfo.
    let from_pc = (size <= NEW_ON_PC).then(|| new_on_pc(folder.path(), &database, &phone));
    [
        ("first sync", first),
        ("nothing to do", quiet),
        ("1 % edited", edited),
        ("1,000 new on the PC", from_pc),
    ]
    .into_iter()
    .filter_map(|(what, figure)| Some((what, figure?)))
    .collect()
}

fn keep_best(best: &mut Option<Figure>, figure: Figure) {
    if best.is_none_or(|best| figure.ms < best.ms) {
        *best = Some(figure);
    }
}

/// A card of about 330 bytes; its date lies in the past and differs from card to card, as on a phone in use.
fn write_card(folder: &Path, number: usize, version: usize) {
    let card = format!(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:bench-{number:06}-0000-4000-8000-000000000000\r\nFN:Person {number} Example\r\n\
         N:Example;Person {number};;;\r\nTEL;TYPE=CELL:+49 170 {number:07}\r\nTEL;TYPE=HOME:+49 30 {version:03}{number:06}\r\n\
         EMAIL;TYPE=HOME:person{number}@example.org\r\nORG:Example Company {};Department\r\nTITLE:Tester\r\n\
         ADR;TYPE=HOME:;;Example Street {number};Example City;;{:05};Example Country\r\nNOTE:Invented for a benchmark\r\nEND:VCARD\r\n",
        number % 97,
        number % 99_999
    );
    let path = folder.join(format!("bench-{number:06}.vcf"));
    fs::write(&path, card).expect("a card");
    let age = Duration::from_secs(100_000_000 - 60 * number as u64 - version as u64);
    let date = SystemTime::now() - age;
    let file = fs::File::options().write(true).open(&path).expect("the card");
    file.set_modified(date).expect("its date");
}

/// One whole process, measured by a process of its own so that its peak memory is its own.
fn run(database: &Path, phone: &Path) -> Figure {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .arg("--measure")
        .arg(database)
        .arg(phone)
        .stderr(Stdio::inherit())
        .output()
        .expect("the measuring process");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let numbers: Vec<f64> = text.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [ms, peak_kb, transactions, bytes_in, bytes_out] = numbers[..] else {
        panic!("the measuring process said {text:?}");
    };
    Figure {
        ms,
        peak_kb: peak_kb as i64,
        transactions: transactions as u64,
        bytes_in: bytes_in as u64,
        bytes_out: bytes_out as u64,
    }
}

fn measure(arguments: &[String]) {
    let [database, phone] = arguments else { panic!("--measure DATABASE PHONE") };
    let program = PathBuf::from(env!("CARGO_BIN_EXE_tetherbook"));
    let mut command = Command::new(program);
    command
        .env_clear()
        .args(["sync", "--json", "--quiet", "--database", database, "--phone", &format!("sim:{phone}")])
        .stderr(Stdio::inherit());
    let started = Instant::now();
    let output = command.output().expect("tetherbook runs");
    let ms = started.elapsed().as_secs_f64() * 1000.0;
    let peak_kb = getrusage(UsageWho::RUSAGE_CHILDREN).expect("usage").max_rss();
    let text = String::from_utf8_lossy(&output.stdout);
    let summary: serde_json::Value =
        text.lines().last().and_then(|line| serde_json::from_str(line).ok()).expect("a summary");
    assert_eq!(summary["exit"], 0, "{summary}");
    println!(
        "{ms} {peak_kb} {} {} {}",
        summary["transactions"]["total"], summary["bytes"]["in"], summary["bytes"]["out"]
    );
}
