//! Random programs of persons, phones, apps, cables, databases and sessions, run by the thousand: a slice of them in
//! every test run, a million steps at night. What a program does is in `programs`, what must be true in `oracle`.
//!
//! A step is one thing that happened in a program: an edit, a session, a kill, a restored backup. Whatever was chosen
//! and could not happen is none. `scripts/simulate` runs the long one. A failure is told with the one line that plays
//! it again.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::programs::Program;

/// So many things happen to each program; it comes to rest after every twelve of them and at the end.
const STEPS_PER_PROGRAM: usize = 36;

/// What one program came to.
struct Told {
    seed: u64,
    failure: Option<String>,
    log: Vec<String>,
}

/// What many programs came to.
#[derive(Default)]
struct Tally {
    programs: u64,
    steps: BTreeMap<&'static str, u64>,
    reached: BTreeMap<&'static str, u64>,
    judged: [u64; 3],
    failures: Vec<Told>,
}

impl Tally {
    fn steps(&self) -> u64 {
        self.steps.values().sum()
    }

    fn add(&mut self, program: Program, told: Told) {
        self.programs += 1;
        for (what, count) in program.steps {
            *self.steps.entry(what).or_default() += count;
        }
        for (what, count) in program.counts {
            *self.reached.entry(what).or_default() += u64::from(count > 0);
        }
        for (sum, count) in self.judged.iter_mut().zip(program.judged) {
            *sum += count;
        }
        if told.failure.is_some() {
            self.failures.push(told);
        }
    }

    /// What happened how often, and in how many programs what was met.
    fn print(&self, lasted: Duration) {
        let steps = self.steps();
        let per_second = u128::from(steps) * 1000 / lasted.as_millis().max(1);
        println!("{steps} steps in {} programs, {} s, {per_second} steps/s", self.programs, lasted.as_secs());
        println!("\nsteps by what happened:");
        for (what, count) in &self.steps {
            println!("{count:>10}  {what}");
        }
        println!("\nprograms that met it:");
        for (what, count) in &self.reached {
            println!("{count:>10}  {what}");
        }
        let [live, dead, free] = self.judged;
        println!(
            "\nheld against the ledger: {live} must be there, {dead} must be gone, {free} may be either"
        );
    }

    /// Stops if a program failed; the first is told in full.
    fn assert_no_failure(&self) {
        let Some(first) = self.failures.first() else { return };
        let all: Vec<String> = self
            .failures
            .iter()
            .map(|told| {
                let text = told.failure.as_deref().unwrap_or_default();
                format!("{}: {}", told.seed, text.lines().next().unwrap_or_default())
            })
            .collect();
        panic!(
            "{} programs failed:\n{}\n\n{}\n{}\n\nreplay the first: {}",
            self.failures.len(),
            all.join("\n"),
            first.log.join("\n"),
            first.failure.as_deref().unwrap_or_default(),
            replay(first.seed)
        );
    }

    /// A generator that reaches nothing proves nothing.
    fn assert_floors(&self) {
        let mut low = Vec::new();
        let is_long = self.programs >= 1_000;
        for (what, per_thousand) in FLOORS.into_iter().filter(|floor| is_long || floor.1 >= RARE_PER_THOUSAND)
        {
            let count = self.reached.get(what).copied().unwrap_or(0);
            if count * 1000 < per_thousand * self.programs {
                low.push(format!("{what}: {count} of {} programs, wanted {per_thousand} ‰", self.programs));
            }
        }
        let [live, dead, free] = self.judged;
        if free * 3 > live + dead {
            low.push(format!("the ledger says too little: {live} must be there, {dead} gone, {free} either"));
        }
        assert!(low.is_empty(), "too little was reached:\n{}", low.join("\n"));
    }
}

fn replay(seed: u64) -> String {
    format!(
        "TETHERBOOK_SEED={seed} cargo nextest run --test engine simulation::one_program --run-ignored all"
    )
}

fn number_of(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Runs the program of that seed.
fn run(seed: u64) -> (Program, Told) {
    let mut program = Program::new(seed);
    let ended = catch_unwind(AssertUnwindSafe(|| program.run(STEPS_PER_PROGRAM)));
    let failure = ended.err().map(|reason| {
        let text = reason.downcast_ref::<String>().cloned();
        text.or_else(|| reason.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    });
    let log = if failure.is_some() { std::mem::take(&mut program.log) } else { Vec::new() };
    (program, Told { seed, failure, log })
}

/// In how many of a thousand programs each must be met: a third of what was measured, or less.
const FLOORS: [(&str, u64); 52] = [
    ("android", 180),
    ("android-8", 10),
    ("zen", 10),
    ("nokia-s40", 10),
    ("sailfish", 10),
    ("umtp", 10),
    ("qemu", 10),
    ("ubuntu-touch", 10),
    ("cmtp", 10),
    ("strict", 10),
    ("sync", 700),
    ("settled without conflict", 400),
    ("conflict", 150),
    ("merge", 300),
    ("same field on both", 300),
    ("edit against delete", 150),
    ("delete", 300),
    ("created on both", 200),
    ("shared UID, phone", 50),
    ("shared UID, PC", 50),
    ("rename", 200),
    ("re-encode", 250),
    ("policy", 150),
    ("dry run of something", 150),
    ("interrupted", 80),
    ("split in several runs", 60),
    ("edited meanwhile", 70),
    ("deleted meanwhile", 50),
    // A fault or a kill, and what it met.
    ("fault fired in mid-session", 80),
    ("fault in recovery", 4),
    ("killed in mid-session", 250),
    ("killed in recovery", 8),
    // The marker of a phone that gave something is written before the journal, so that fewer kills meet an open one.
    ("killed with an open journal", 20),
    ("killed with a temporary file on the phone", 15),
    ("app that rewrites", 30),
    ("torn file", 25),
    ("others synced beside a torn file", 15),
    ("mode change", 20),
    ("wiped marker", 15),
    ("restored phone", 15),
    ("reset phone", 4),
    ("restored with unsynced edits", 10),
    ("restored with a deletion pending", 5),
    ("visitor with a copy", 30),
    ("visitor while a conflict waits", 15),
    ("visitor while edits wait", 30),
    ("drops what it says", 15),
    ("drops without a word", 15),
    ("upgrade with edits waiting", 30),
    ("upgrade with an open journal", 5),
    ("upgrade with a conflict waiting", 5),
    ("stopped by a guard", 10),
];

/// A shard is too small for what few programs meet.
const RARE_PER_THOUSAND: u64 = 40;

fn shard(number: u64) {
    let mut tally = Tally::default();
    let began = Instant::now();
    for seed in (number * 1_000..).take(100) {
        let (program, told) = run(seed);
        tally.add(program, told);
    }
    tally.print(began.elapsed());
    tally.assert_no_failure();
    tally.assert_floors();
}

#[test]
fn programs_keep_every_promise_first() {
    shard(1);
}

#[test]
fn programs_keep_every_promise_second() {
    shard(2);
}

#[test]
fn programs_keep_every_promise_third() {
    shard(3);
}

#[test]
fn programs_keep_every_promise_fourth() {
    shard(4);
}

/// A seed is a program: the same one takes the same course, word for word.
#[test]
fn a_seed_takes_the_same_course_every_time() {
    for seed in 9_000..9_018 {
        let course = || {
            let mut program = Program::new(seed);
            program.run(STEPS_PER_PROGRAM);
            program.log
        };
        let (first, second) = (course(), course());
        for (one, two) in first.iter().zip(&second) {
            assert_eq!(one, two, "seed {seed}");
        }
        assert_eq!(first.len(), second.len(), "seed {seed}");
    }
}

/// Plays one program again: `TETHERBOOK_SEED` says which.
#[test]
#[ignore = "plays the program of TETHERBOOK_SEED"]
fn one_program() {
    let Some(seed) = number_of("TETHERBOOK_SEED") else { return };
    let (program, told) = run(seed);
    println!("{}", program.log.join("\n"));
    let mut tally = Tally::default();
    tally.add(program, told);
    tally.assert_no_failure();
}

/// The long one, as `scripts/simulate` starts it.
#[test]
#[ignore = "runs for as long as it is told; see scripts/simulate"]
fn the_long_simulation() {
    let wanted = number_of("TETHERBOOK_STEPS").unwrap_or(1_000_000);
    let first_seed = number_of("TETHERBOOK_FIRST_SEED").unwrap_or(1_000_000);
    let until =
        number_of("TETHERBOOK_MINUTES").map(|minutes| Instant::now() + Duration::from_secs(60 * minutes));
    let workers = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    // A failure is told at the end, once.
    std::panic::set_hook(Box::new(|_| {}));
    let (seeds, done, is_over) = (AtomicU64::new(first_seed), AtomicU64::new(0), AtomicBool::new(false));
    let tally = Mutex::new(Tally::default());
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    let (program, told) = run(seeds.fetch_add(1, Ordering::Relaxed));
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    if let Some(text) = &told.failure {
                        println!("FAILED: {}", text.lines().next().unwrap_or_default());
                        println!("  {}", replay(told.seed));
                    }
                    tally.add(program, told);
                    let steps = tally.steps();
                    if steps / 50_000 > done.swap(steps, Ordering::Relaxed) / 50_000 {
                        println!("{steps} steps after {} s", began.elapsed().as_secs());
                    }
                    if steps >= wanted || until.is_some_and(|until| Instant::now() >= until) {
                        is_over.store(true, Ordering::Relaxed);
                    }
                }
            });
        }
    });
    let _ = std::panic::take_hook();
    let tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    println!("\nseeds from {first_seed}, {workers} at a time");
    tally.print(began.elapsed());
    tally.assert_no_failure();
    tally.assert_floors();
}
