//! The PC's side fails: another program keeps the database, the disk is full, the process dies in the middle of a
//! commit. The phone stays whole, the error is clear, and the next sessions make good.
//!
//! A full disk is real here: the session runs in a child process whose files the kernel keeps from growing
//! (RLIMIT_FSIZE). Where the signal for that is ignored, writing fails as on a full disk; where it is not, the
//! kernel kills the process in the very write, with half a commit in the log.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::rc::Rc;

use rusqlite::Connection;
use tetherbook::agent::StartFailure;
use tetherbook::provider::{Clock, ProviderError};
use tetherbook::session::{Ended, Failure};
use tetherbook::sim::{DirectoryStorage, FaultPlan, Phone};

use crate::crash_world::{
    Final, Scenario, Snapshot, Watch, WatchedLink, counts_all, database_files, is_wanted, put_database,
    stride,
};
use crate::world::{Run, World};

/// What the loops reached.
#[derive(Debug, Default)]
struct Reached {
    points: usize,
    refused: usize,
    killed: usize,
    with_intents: usize,
}

fn record(personality: &str, scenario: Scenario) -> (Snapshot, Final) {
    let mut world = scenario.start(personality);
    let start = world.snapshot();
    (start, world.settle_down(&format!("{personality} {scenario:?} without a full disk")))
}

fn failure_of(ended: &Result<Ended, StartFailure>) -> Option<String> {
    match ended {
        Ok(ended) => ended.failure.as_ref().map(|failure| {
            let is_pcs = match failure {
                Failure::Memory(_) => true,
                Failure::Side { error, .. } => matches!(error, ProviderError::Storage(_)),
                _ => false,
            };
            assert!(is_pcs, "{failure:?}");
            assert_eq!(ended.summary.exit.number(), 1, "{failure:?}");
            failure.to_string()
        }),
        Err(StartFailure::Phone(error)) => panic!("{error}"),
        Err(error) => Some(error.to_string()),
    }
}

/// From that transfer on another program writes to the database and does not stop.
fn locked_from(world: &mut World, moment: u64) -> Option<String> {
    let database = world.database();
    let held: Rc<std::cell::RefCell<Option<Connection>>> = Rc::default();
    let holder = Rc::clone(&held);
    let mut count = 0_u64;
    let watch = Watch::new(Box::new(move |_| {
        count += 1;
        if count == moment {
            let other = Connection::open(&database).unwrap();
            other.execute_batch("BEGIN IMMEDIATE").unwrap();
            holder.replace(Some(other));
        }
        false
    }));
    world.later();
    let link = WatchedLink { link: world.phone.plug_in(FaultPlan::none()), watch: watch.clone() };
    let run = Run { busy_timeout_ms: 0, ..Run::default() };
    let ended = world.session(&run, Box::new(link), &mut watch.clone());
    let failure = failure_of(&ended);
    drop(held.take());
    failure
}

#[test]
fn a_database_that_another_program_keeps_is_a_delay() {
    let mut reached = Reached::default();
    let stride = stride(4);
    for personality in ["android", "nokia-s40", "sailfish"] {
        for scenario in [Scenario::First, Scenario::Mixed] {
            if !is_wanted(&format!("{personality} {scenario:?}")) {
                continue;
            }
            let (start, expected) = record(personality, scenario);
            // The book, the phone and their relationship are there already: the lock falls into the session.
            for moment in (1..).step_by(stride) {
                let context = format!("{personality} {scenario:?} locked from moment {moment}");
                let mut world = start.world(7);
                let Some(why) = locked_from(&mut world, moment) else { break };
                assert!(why.contains("another program is writing to the database"), "{context}: {why}");
                reached.points += 1;
                let heard = world.recover(false, &expected, &context);
                reached.with_intents += usize::from(heard.intents > 0);
            }
        }
    }
    eprintln!("{reached:?}");
    let is_enough = reached.points >= 150 && reached.with_intents >= 70;
    assert!(is_enough || !counts_all(), "too little was reached: {reached:?}");
}

/// The phone of the child process lies in a real directory, so that it outlives the child.
fn child_world(folder: &Path) -> World {
    let personality = std::env::var("CRASH_CHILD_PERSONALITY").unwrap();
    let mut world = World::new(&personality, 7);
    let files: Vec<(String, Vec<u8>)> = Vec::new();
    put_database(&world.database(), &files);
    world.use_database(folder.join("data/tetherbook.db"));
    let storage = DirectoryStorage::shared(&folder.join("phone"));
    let now_ms: i64 = std::env::var("CRASH_CHILD_NOW").unwrap().parse().unwrap();
    world.clock.advance_ms(now_ms - world.clock.now_ms());
    let clock: Rc<dyn Clock> = world.clock.clone();
    world.phone = Phone::new(world.phone.personality(), storage, clock);
    world
}

#[test]
#[ignore = "the child process of the tests below; it needs their folder"]
fn child() {
    let Ok(folder) = std::env::var("CRASH_CHILD") else { return };
    let folder = PathBuf::from(folder);
    let mut world = child_world(&folder);
    let (ended, _) = world.try_sync(&Run::default());
    let text = match failure_of(&ended) {
        None => String::from("done"),
        Some(why) => why,
    };
    println!("CHILD {text}");
}

/// Runs the session in a child whose files may grow to `blocks` blocks of 512 bytes. `None` if it was killed.
fn run_child(start: &Snapshot, folder: &Path, blocks: u64, survives: bool) -> Option<String> {
    put_database(&folder.join("data/tetherbook.db"), &start.database);
    let phone = folder.join("phone");
    let _ = std::fs::remove_dir_all(&phone);
    start.lay_out(&phone);
    let trap = if survives { "trap '' XFSZ; " } else { "" };
    let program = std::env::current_exe().unwrap();
    let output = Command::new("sh")
        .arg("-c")
        .arg(format!("ulimit -c 0; {trap}ulimit -f {blocks}; exec \"$0\" \"$@\""))
        .arg(program)
        .args([child_name().as_str(), "--exact", "--ignored", "--nocapture", "--test-threads=1"])
        .env("CRASH_CHILD", folder)
        .env("CRASH_CHILD_PERSONALITY", &start.personality)
        .env("CRASH_CHILD_NOW", start.now_ms().to_string())
        .env("RUST_BACKTRACE", "0")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let line = text.lines().find_map(|line| line.split_once("CHILD ").map(|(_, rest)| rest.to_owned()));
    if line.is_none() {
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!errors.contains("panicked"), "{text}{errors}");
        assert!(output.status.code().is_none() || output.status.code() == Some(153), "{:?}", output.status);
    }
    line
}

fn child_name() -> String {
    let here = module_path!();
    let module = here.split_once("::").map_or(here, |(_, rest)| rest);
    format!("{module}::child")
}

fn after_child(start: &Snapshot, folder: &Path) -> World {
    let mut left = start.clone();
    left.database = database_files(&folder.join("data/tetherbook.db"));
    left.gather(&folder.join("phone"));
    left.world(8)
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_fills_up_or_a_kill_in_a_commit_is_a_delay() {
    let mut reached = Reached::default();
    for (personality, scenario, survives) in [
        ("android", Scenario::First, true),
        ("android", Scenario::Mixed, true),
        ("android", Scenario::First, false),
        ("sailfish", Scenario::Mixed, false),
    ] {
        if !is_wanted(&format!("{personality} {scenario:?} {survives}")) {
            continue;
        }
        let (start, expected) = record(personality, scenario);
        let memory = PathBuf::from("/dev/shm");
        let folder =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        // A page of the log takes 4120 bytes; below 64 blocks not even the log's index can be made.
        for blocks in (0..2_000).step_by(8) {
            let context = format!("{personality} {scenario:?} {survives} with files of {blocks} blocks");
            let ended = run_child(&start, folder.path(), blocks, survives);
            if ended.as_deref() == Some("done") {
                break;
            }
            reached.points += 1;
            match &ended {
                Some(why) => {
                    reached.refused += 1;
                    let clear = ["no room left", "could not be used", "cannot be opened"];
                    assert!(clear.iter().any(|words| why.contains(words)), "{context}: {why}");
                }
                None => reached.killed += 1,
            }
            let mut world = after_child(&start, folder.path());
            let heard = world.recover(false, &expected, &context);
            reached.with_intents += usize::from(heard.intents > 0);
        }
    }
    eprintln!("{reached:?}");
    let is_enough = reached.refused >= 50 && reached.killed >= 50 && reached.with_intents >= 60;
    assert!(is_enough || !counts_all(), "too little was reached: {reached:?}");
}
