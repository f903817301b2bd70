//! The cable is pulled at every container and at every byte of a card's way, and the phone misbehaves at every
//! operation: the session ends by itself with a documented exit code, and the next two make good.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashSet};
use std::hash::{Hash, Hasher};

use tetherbook::agent::StartFailure;
use tetherbook::mtp::code::operation;
use tetherbook::provider::Clock;
use tetherbook::relationship::Side;
use tetherbook::session::{Ended, Failure};
use tetherbook::sim::{Direction, Fault, FaultKind, FaultPlan, Personality, Spot, TraceEntry};

use crate::crash_world::{Final, Scenario, Snapshot, counts_all, is_wanted, stride};
use crate::world::{Run, World, card};

/// What the loops reached.
#[derive(Debug, Default)]
struct Reached {
    sessions: usize,
    failed: usize,
    recoveries: usize,
    with_intents: usize,
    with_temporary: usize,
    exits: BTreeMap<u8, usize>,
}

impl Reached {
    fn at_least(&self, sessions: usize, recoveries: usize, with_intents: usize) {
        eprintln!("{self:?}");
        let is_enough =
            self.sessions >= sessions && self.recoveries >= recoveries && self.with_intents >= with_intents;
        assert!(is_enough || !counts_all(), "too little was reached: {self:?}");
    }
}

/// The seed of the chance in every session of this file.
const CHANCE: u64 = 7;

/// A session to be disturbed: where it begins, what went over the cable without a fault, and what it came to.
struct Recorded {
    name: String,
    start: Snapshot,
    trace: Vec<TraceEntry>,
    expected: Final,
    recovered: HashSet<u64>,
}

impl Recorded {
    fn of(name: String, world: &World) -> Self {
        let start = world.snapshot();
        // From the same chance as the disturbed sessions: it decides which item is read again, and so how many
        // containers there are.
        let mut world = start.world(CHANCE);
        world.sync();
        let trace = world.trace.as_ref().unwrap().borrow().entries.clone();
        let expected = world.settle_down(&format!("{name} without a fault"));
        Self { name, start, trace, expected, recovered: HashSet::new() }
    }

    fn scenario(personality: &str, scenario: Scenario) -> Self {
        Self::of(format!("{personality} {scenario:?}"), &scenario.start(personality))
    }

    /// The number of the container that says goodbye; what happens from there on spoils nothing.
    fn goodbye(&self) -> u64 {
        let command = |entry: &&TraceEntry| entry.kind == 1 && entry.code == operation::CLOSE_SESSION;
        self.trace.iter().rev().find(command).unwrap().number
    }

    /// One disturbed session and what comes after it.
    fn disturb(&mut self, fault: Fault, documented: &[u8], reached: &mut Reached) {
        let context = format!("{} with {fault}", self.name);
        let mut world = self.start.world(CHANCE);
        let began_ms = world.clock.now_ms();
        let run = Run { faults: FaultPlan { faults: vec![fault] }, ..Run::default() };
        let (ended, notes) = world.try_sync(&run);
        reached.sessions += 1;
        let exit = exit_of(&ended);
        *reached.exits.entry(exit).or_default() += 1;
        assert!(documented.contains(&exit), "{context}: exit {exit} {notes:?} {ended:?}");
        let lasted_ms = world.clock.now_ms() - began_ms;
        assert!(lasted_ms < 600_000, "{context}: the session went on for {lasted_ms} ms");
        reached.failed += usize::from(!matches!(exit, 0 | 6));
        world.phone.unlock();
        let left = world.snapshot();
        if !self.recovered.insert(digest(&left)) {
            return;
        }
        reached.recoveries += 1;
        reached.with_temporary += usize::from(left.has_temporary());
        let heard = world.recover(false, &self.expected, &context);
        reached.with_intents += usize::from(heard.intents > 0);
    }
}

/// A number for what outlives the session; the same number is the same recovery.
fn digest(left: &Snapshot) -> u64 {
    let mut hasher = DefaultHasher::new();
    left.files.hash(&mut hasher);
    left.database.hash(&mut hasher);
    hasher.finish()
}

fn exit_of(ended: &Result<Ended, StartFailure>) -> u8 {
    match ended {
        Ok(ended) => ended.summary.exit.number(),
        Err(StartFailure::Phone(error)) => {
            Failure::Side { side: Side::Phone, error: error.clone() }.exit_code(false).number()
        }
        Err(_) => 1,
    }
}

fn cut(spot: Spot) -> Fault {
    Fault { kind: FaultKind::Cut, spot }
}

#[test]
fn a_cable_pulled_before_any_container_is_a_delay() {
    let mut reached = Reached::default();
    let stride = stride(7);
    for (index, personality) in Personality::faithful_names().iter().enumerate() {
        for scenario in [Scenario::First, Scenario::Mixed, Scenario::Held, Scenario::Bare] {
            if !is_wanted(&format!("{personality} {scenario:?}")) {
                continue;
            }
            let mut recorded = Recorded::scenario(personality, scenario);
            let goodbye = recorded.goodbye();
            let last = recorded.trace.last().unwrap().number;
            for number in (1..=last).skip(index % stride).step_by(stride) {
                let documented: &[u8] = if number < goodbye { &[3, 9] } else { &[0, 6] };
                recorded.disturb(cut(Spot::Container(number)), documented, &mut reached);
            }
        }
    }
    reached.at_least(500, 320, 200);
}

/// One card is created, one replaced, one read: all small.
fn small(personality: &str) -> World {
    let mut world = World::new(personality, 7);
    world.put_file("1.vcf", card("u1", "One", &["TEL:1"]).as_bytes());
    world.scanned();
    world.sync();
    world.sync();
    world.edit_pc("u1", |text| text.replace("TEL:1", "TEL:111"));
    world.add_pc(&card("u2", "Two", &["TEL:2"]));
    world.put_file("3.vcf", card("u3", "Three", &["TEL:3"]).as_bytes());
    world.scanned();
    world
}

/// The bytes of the data phases in which cards travel, counted as the faults count them.
fn card_bytes(trace: &[TraceEntry]) -> Vec<Spot> {
    let (mut out, mut into) = (0_u64, 0_u64);
    let mut spots = Vec::new();
    for entry in trace {
        let is_data = entry.kind == 2;
        match entry.direction {
            Direction::Out => {
                if is_data && matches!(entry.code, operation::SEND_OBJECT | operation::SEND_OBJECT_INFO) {
                    spots.extend((0..=entry.length).map(|byte| Spot::ByteOut(out + byte)));
                }
                out += entry.length;
            }
            Direction::In => {
                if is_data && entry.code == operation::GET_OBJECT {
                    spots.extend((0..=entry.length).map(|byte| Spot::ByteIn(into + byte)));
                }
                into += entry.length;
            }
            Direction::Event => {}
        }
    }
    spots
}

#[test]
fn a_cable_pulled_at_any_byte_of_a_card_is_a_delay() {
    let mut reached = Reached::default();
    let usual = stride(17);
    for (index, personality) in Personality::faithful_names().iter().enumerate() {
        if !is_wanted(personality) {
            continue;
        }
        // Every byte where the old card goes before the new one comes, and where it is the other way round.
        let stride = if matches!(*personality, "qemu" | "android") { 1 } else { usual };
        let mut recorded = Recorded::of(format!("{personality} small"), &small(personality));
        for spot in card_bytes(&recorded.trace).into_iter().skip(index % stride).step_by(stride) {
            recorded.disturb(cut(spot), &[3, 9], &mut reached);
        }
    }
    // The marker of a phone that gave something is written before the journal: a cut there leaves no intents.
    reached.at_least(5_000, 1_000, 370);
}

/// What a phone does wrong at one operation, and how the session may end then.
const MISBEHAVIOURS: &[(FaultKind, &[u8])] = &[
    (FaultKind::Delay(25_000), &[0, 3, 6, 9]),
    (FaultKind::Busy(3), &[0, 6, 9]),
    // 3: the marker, which is written before the journal, is left half-way.
    (FaultKind::Busy(30), &[0, 3, 4, 6, 9]),
    (FaultKind::Mute, &[0, 3, 6, 9]),
    (FaultKind::Stall, &[0, 1, 3, 6, 7, 9]),
    (FaultKind::Lock, &[0, 1, 3, 5, 6, 7, 9]),
    (FaultKind::Fail(0x2002), &[0, 1, 3, 6, 7, 9]),
    (FaultKind::Fail(0x2009), &[0, 1, 3, 6, 7, 9]),
    (FaultKind::Fail(0x2013), &[0, 3, 5, 6, 7, 9]),
    (FaultKind::Misreport(0x2002), &[0, 1, 3, 6, 7, 9]),
    (FaultKind::Misreport(0x2005), &[0, 1, 3, 6, 7, 9]),
    (FaultKind::Misreport(0x200F), &[0, 1, 3, 5, 6, 7, 9]),
    (FaultKind::WrongId, &[0, 1, 3, 6, 9]),
    (FaultKind::Garble, &[0, 1, 3, 6, 7, 9]),
    (FaultKind::Shorten(0), &[0, 1, 3, 5, 6, 7, 9]),
    (FaultKind::Shorten(1), &[0, 1, 3, 5, 6, 7, 9]),
];

#[test]
fn a_phone_that_misbehaves_at_any_operation_delays_only() {
    let mut reached = Reached::default();
    let stride = stride(8);
    for (index, personality) in Personality::faithful_names().iter().enumerate() {
        for (number, (kind, documented)) in MISBEHAVIOURS.iter().enumerate() {
            if !is_wanted(&format!("{personality} {kind:?}")) {
                continue;
            }
            let mut recorded = Recorded::of(format!("{personality} small"), &small(personality));
            let mut counts: BTreeMap<u16, u64> = BTreeMap::new();
            let commands: Vec<u16> =
                recorded.trace.iter().filter(|entry| entry.kind == 1).map(|entry| entry.code).collect();
            for (place, code) in commands.into_iter().enumerate() {
                let nth = counts.entry(code).or_default();
                *nth += 1;
                if place % stride != (index + number) % stride {
                    continue;
                }
                let spot = Spot::Operation { code, nth: *nth };
                recorded.disturb(Fault { kind: *kind, spot }, documented, &mut reached);
            }
        }
    }
    reached.at_least(520, 420, 65);
    assert!(reached.exits.len() >= 6 || !counts_all(), "{:?}", reached.exits);
}
