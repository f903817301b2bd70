//! The scenarios: 100 rounds each, over MTP and over a mounted folder, whatever the phone's clock says.
//!
//! `TETHERBOOK_SEED=<seed> cargo nextest run --test decsync_scenarios <name>` replays one program;
//! `TETHERBOOK_PROGRAMS=<n>` runs that many more of each than the fixed ones.

use crate::program::{PhoneClock, Program};
use crate::world::Way;

const ANDROID: Way = Way::Simulated("android");

fn run(way: Way, clock: PhoneClock, version: i64, seeds: std::ops::Range<u64>) {
    let named: Option<u64> = std::env::var("TETHERBOOK_SEED").ok().map(|seed| seed.parse().unwrap());
    let mut counts = std::collections::BTreeMap::<&'static str, usize>::new();
    let more: u64 = std::env::var("TETHERBOOK_PROGRAMS").map_or(0, |more| more.parse().unwrap());
    // The further ones are far from the fixed ones of all scenarios.
    let further = (seeds.start + 1) * 100_000..(seeds.start + 1) * 100_000 + more;
    let seeds: Vec<u64> = named.map_or_else(|| seeds.chain(further).collect(), |seed| vec![seed]);
    for seed in seeds {
        eprintln!("{way:?} {clock:?} version {version}: replay with TETHERBOOK_SEED={seed}");
        let mut program = Program::new(way, clock, version, seed);
        for round in 0..100 {
            if round == 40 {
                program.update_old_app();
            }
            program.round();
        }
        program.finish();
        *program.counts.entry("lost by the apps").or_default() += program.ledger.lost_by_apps;
        for (what, count) in program.counts {
            *counts.entry(what).or_default() += count;
        }
    }
    eprintln!("{counts:?}");
}

macro_rules! scenario {
    ($name:ident, $way:expr, $clock:expr, $version:expr, $seeds:expr) => {
        #[test]
        fn $name() {
            run($way, $clock, $version, $seeds);
        }
    };
}

scenario!(a_phone_with_the_right_time, ANDROID, PhoneClock::Off(0), 2, 0..1);
scenario!(a_phone_5_seconds_ahead, ANDROID, PhoneClock::Off(5_000), 2, 10..11);
scenario!(a_phone_5_seconds_behind, ANDROID, PhoneClock::Off(-5_000), 2, 20..21);
scenario!(a_phone_an_hour_ahead, ANDROID, PhoneClock::Off(3_600_000), 2, 30..31);
scenario!(a_phone_an_hour_behind, ANDROID, PhoneClock::Off(-3_600_000), 2, 40..41);
scenario!(a_phone_whose_clock_jumps, ANDROID, PhoneClock::Jumping, 2, 50..52);
scenario!(a_version_1_directory_that_the_phone_upgrades, ANDROID, PhoneClock::Off(0), 1, 60..61);
scenario!(a_version_1_directory_and_a_clock_that_jumps, ANDROID, PhoneClock::Jumping, 1, 70..72);
scenario!(a_mounted_phone_with_the_right_time, Way::Mounted, PhoneClock::Off(0), 2, 80..81);
scenario!(a_mounted_phone_an_hour_behind, Way::Mounted, PhoneClock::Off(-3_600_000), 2, 90..91);
scenario!(a_mounted_phone_whose_clock_jumps, Way::Mounted, PhoneClock::Jumping, 2, 100..102);
scenario!(a_mounted_version_1_directory, Way::Mounted, PhoneClock::Off(5_000), 1, 110..111);

/// The apps and the ledger without Tetherbook: what the ledger says of the apps must be true before anything can be
/// said of what stands between them.
#[test]
fn the_apps_among_themselves() {
    run(Way::AppsAlone, PhoneClock::Off(0), 2, 200..202);
    run(Way::AppsAlone, PhoneClock::Off(-5_000), 2, 220..222);
    run(Way::AppsAlone, PhoneClock::Jumping, 2, 240..244);
    run(Way::AppsAlone, PhoneClock::Jumping, 1, 280..282);
}

/// The ledger asks nothing that cannot be done.
#[test]
fn a_stand_in_satisfies_the_ledger() {
    run(Way::StandIn, PhoneClock::Off(0), 2, 300..302);
    run(Way::StandIn, PhoneClock::Off(3_600_000), 2, 310..312);
    run(Way::StandIn, PhoneClock::Off(-3_600_000), 2, 323..325);
    run(Way::StandIn, PhoneClock::Jumping, 2, 330..334);
    run(Way::StandIn, PhoneClock::Jumping, 1, 340..342);
}
