//! Two years with Fossify Contacts: an export every morning, and whatever two persons do.
//!
//! `TETHERBOOK_SEED=<seed> cargo nextest run --test export_scenarios two_years` replays one program;
//! `TETHERBOOK_PROGRAMS=<n>` runs that many more than the fixed ones.

use std::collections::BTreeMap;

use crate::program::Program;
use crate::world::{Saying, Way};

const DAYS: usize = 730;

/// How often somebody syncs and what they care for.
#[derive(Clone, Copy, Debug)]
struct Habit {
    /// On one of so many days there is a session.
    sync_days: u32,
    /// On one of so many days somebody does something at the PC; never if 0.
    pc_days: u32,
    /// Of so many things on the list one is left undone; 0 for a person who never looks at it.
    leaves: u32,
}

fn run(way: Way, habit: Habit, seeds: std::ops::Range<u64>) {
    let named: Option<u64> = std::env::var("TETHERBOOK_SEED").ok().map(|seed| seed.parse().unwrap());
    let more: u64 = std::env::var("TETHERBOOK_PROGRAMS").map_or(0, |more| more.parse().unwrap());
    let further = (seeds.start + 1) * 100_000..(seeds.start + 1) * 100_000 + more;
    let seeds: Vec<u64> = named.map_or_else(|| seeds.chain(further).collect(), |seed| vec![seed]);
    let mut counts = BTreeMap::<&'static str, usize>::new();
    for seed in seeds {
        eprintln!("{way:?} {habit:?}: replay with TETHERBOOK_SEED={seed}");
        let mut program = Program::new(way, seed);
        for _ in 0..16 {
            program.phone_add();
        }
        program.phone_add_household(4, 2);
        program.phone_add_household(2, 1);
        program.phone_add_shop();
        program.world.pass_minutes(6 * 60);
        program.export_whole();
        for day in 0..DAYS {
            program.day(day, habit);
        }
        program.finish();
        for (what, count) in program.counts {
            *counts.entry(what).or_default() += count;
        }
    }
    eprintln!("{counts:?}");
}

impl Program {
    fn day(&mut self, day: usize, habit: Habit) {
        self.say(format!("--- day {day}"));
        if day > 0 {
            self.export();
        }
        self.world.pass_minutes(120);
        for _ in 0..self.rng.u32(0..3) {
            self.phone_act();
        }
        self.world.pass_minutes(120);
        if habit.pc_days > 0 && self.rng.u32(0..habit.pc_days) == 0 {
            self.pc_act();
        }
        if day == 0 || self.rng.u32(0..habit.sync_days) == 0 {
            let saying = self.saying();
            let outcome = self.session(saying);
            self.settle_splits(&outcome);
            self.world.pass_minutes(60);
            if habit.leaves > 0 && self.rng.u32(0..3) > 0 {
                self.carry_out(&outcome, |rng| rng.u32(0..habit.leaves) > 0);
                if self.rng.u32(0..habit.leaves) > 0 {
                    self.import();
                }
            }
            if self.rng.u32(0..10) == 0 {
                self.idle_session();
            }
        }
        if self.rng.u32(0..30) == 0 {
            self.prune();
        }
        self.next_morning();
    }

    /// It is six o'clock of the next day.
    fn next_morning(&mut self) {
        let moment = self.world.moment();
        let minutes = u64::from(moment.hour) * 60 + u64::from(moment.minute);
        self.world.pass_minutes(30 * 60 - minutes);
    }

    /// The person reads who may be one person, and deletes the one that is left over.
    fn settle_splits(&mut self, outcome: &crate::world::Outcome) {
        for (gone, came) in self.split.clone() {
            let (gone_pair, came_pair) = (self.ledger.pairs.get(&gone), self.ledger.pairs.get(&came));
            let is_news = self.ledger.absent().contains(&gone) && self.ledger.phone.contains_key(&came);
            let (Some(gone_pair), Some(came_pair)) = (gone_pair, came_pair) else { continue };
            let name = |pair: &crate::ledger::Pair| {
                pair.shown
                    .clone()
                    .unwrap_or_else(|| pair.pc.as_ref().map(crate::values::Values::shown).unwrap_or_default())
            };
            if !is_news || gone_pair.pc.is_none() || came_pair.pc.is_none() {
                continue;
            }
            let names = [name(gone_pair), name(came_pair)];
            let is_told = |note: &String| {
                names.iter().all(|name| note.contains(name.as_str())) && note.contains("one person")
            };
            if !outcome.notes.iter().chain(&outcome.plan.notes).any(is_told) {
                self.fail(&format!("nobody says that {names:?} may be one person"));
            }
            self.count("told that two may be one");
            self.pc_remove(gone);
            self.split.remove(&gone);
        }
    }

    fn finish(&mut self) {
        self.say(String::from("--- the end"));
        for _ in 0..6 {
            self.export_whole();
            self.world.pass_minutes(60);
            let outcome = self.session(Saying {
                conflicts: tetherbook::contact::ConflictPolicy::Phone,
                ..Saying::default()
            });
            self.settle_splits(&outcome);
            self.carry_out(&outcome, |_| true);
            self.import();
            self.next_morning();
        }
        self.export_whole();
        self.world.pass_minutes(60);
        let outcome = self.session(Saying::default());
        if outcome.plan.actions.iter().any(tetherbook::plan::Action::waits) {
            self.fail("not everything was seen in the end");
        }
        self.idle_session();
    }
}

const MTP: Way = Way::Mtp;
const MOUNTED: Way = Way::Mounted;

const NEVER: Habit = Habit { sync_days: 2, pc_days: 5, leaves: 0 };
const ALL: Habit = Habit { sync_days: 3, pc_days: 4, leaves: 10 };
const HALF: Habit = Habit { sync_days: 5, pc_days: 2, leaves: 2 };

macro_rules! years {
    ($name:ident, $way:expr, $habit:expr, $seeds:expr) => {
        #[test]
        fn $name() {
            run($way, $habit, $seeds);
        }
    };
}

years!(two_years_of_nobody_at_the_pc, MOUNTED, Habit { sync_days: 1, pc_days: 0, leaves: 0 }, 0..1);
years!(two_years_of_a_person_who_never_looks_at_the_list, MTP, NEVER, 10..11);
years!(two_years_of_a_person_who_does_the_list, MOUNTED, ALL, 20..21);
years!(two_years_of_a_person_who_does_the_list_over_mtp, MTP, ALL, 30..31);
years!(two_years_of_a_person_who_does_half_of_the_list, MOUNTED, HALF, 40..41);
years!(two_years_of_a_person_who_does_half_of_the_list_over_mtp, MTP, HALF, 50..51);
