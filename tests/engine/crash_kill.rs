//! The process is killed, by nobody's fault, at every transfer and at every event of a session: whatever the
//! database and the phone hold in that moment is what the next process finds.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use tetherbook::contact::Card;
use tetherbook::sim::Personality;

use crate::crash_world::{
    Final, Moment, SCENARIOS, Scenario, Snapshot, Watch, counts_all, is_wanted, put_database, stride,
};
use crate::world::World;

/// What the loops reached.
#[derive(Debug, Default)]
struct Reached {
    points: usize,
    recoveries: usize,
    with_intents: usize,
    with_temporary: usize,
}

impl Reached {
    fn at_least(&self, floor: &Self) {
        eprintln!("{self:?}");
        let is_enough = self.points >= floor.points
            && self.recoveries >= floor.recoveries
            && self.with_intents >= floor.with_intents
            && self.with_temporary >= floor.with_temporary;
        assert!(is_enough || !counts_all(), "too little was reached: {self:?}");
    }
}

/// What every kill of one session is held against, and where it begins.
struct Recorded {
    start: Snapshot,
    expected: Final,
}

fn record(personality: &str, scenario: Scenario) -> Recorded {
    let mut world = scenario.start(personality);
    let start = world.snapshot();
    let expected = world.settle_down(&format!("{personality} {scenario:?} without a kill"));
    Recorded { start, expected }
}

/// One uninterrupted session; at every moment of it what a killed process would leave.
fn moments(world: &mut World) -> Vec<(Moment, Snapshot)> {
    let taken: Rc<RefCell<Vec<(Moment, Snapshot)>>> = Rc::default();
    let (into, storage) = (Rc::clone(&taken), Rc::clone(&world.storage));
    let (database, clock) = (world.database(), Rc::clone(&world.clock));
    let (name, folder) = (world.phone.personality().name, world.folder.clone());
    let watch = Watch::new(Box::new(move |moment| {
        let now_ms = tetherbook::provider::Clock::now_ms(&*clock);
        let snapshot = Snapshot::take((&name, &folder), &storage.borrow(), &database, now_ms);
        into.borrow_mut().push((moment, snapshot));
        false
    }));
    let ended = world.watched(&watch).unwrap();
    assert!(ended.failure.is_none(), "{:?}", ended.failure);
    drop(watch);
    taken.take()
}

/// Kills at every moment; the phone is plugged in again afterwards.
fn kill_and_plug_in(personality: &str, scenario: Scenario, reached: &mut Reached) {
    let recorded = record(personality, scenario);
    let mut before: Option<Snapshot> = None;
    for (moment, snapshot) in moments(&mut recorded.start.world(7)) {
        reached.points += 1;
        if before.as_ref().is_some_and(|before| before.is_same(&snapshot)) {
            continue;
        }
        let context = format!("kill {personality} {scenario:?} at {moment:?}, plugged in again");
        reached.recoveries += 1;
        reached.with_temporary += usize::from(snapshot.has_temporary());
        let heard = snapshot.world(8).recover(false, &recorded.expected, &context);
        reached.with_intents += usize::from(heard.intents > 0);
        before = Some(snapshot);
    }
}

/// Kills at this one moment; the next process finds the phone as it stands, its session open and its answer waiting.
fn kill_and_take_over(
    (personality, scenario): (&str, Scenario),
    moment: Moment,
    recorded: &Recorded,
    reached: &mut Reached,
) {
    let context = format!("kill {personality} {scenario:?} at {moment:?}, taken over");
    let mut world = recorded.start.world(7);
    let found: Rc<RefCell<Option<Snapshot>>> = Rc::default();
    let (into, storage) = (Rc::clone(&found), Rc::clone(&world.storage));
    let (database, folder, name) = (world.database(), world.folder.clone(), personality.to_owned());
    let watch = Watch::new(Box::new(move |now| {
        if now == moment {
            into.replace(Some(Snapshot::take((&name, &folder), &storage.borrow(), &database, 0)));
        }
        now == moment
    }));
    // What the dead process still believes to do reaches neither side: the cable is cut for it, and what it wrote
    // to the database afterwards is taken back.
    let _ = world.watched(&watch);
    let left = found.take().unwrap_or_else(|| panic!("{context}: never reached"));
    put_database(&world.database(), &left.database);
    reached.points += 1;
    reached.recoveries += 1;
    reached.with_temporary += usize::from(left.has_temporary());
    let heard = world.recover(true, &recorded.expected, &context);
    reached.with_intents += usize::from(heard.intents > 0);
}

fn each_personality(scenarios: &[Scenario], mut work: impl FnMut(usize, &str, Scenario)) {
    for (number, personality) in Personality::faithful_names().iter().enumerate() {
        for scenario in scenarios {
            if is_wanted(&format!("{personality} {scenario:?}")) {
                work(number, personality, *scenario);
            }
        }
    }
}

#[test]
fn a_process_killed_at_any_moment_is_a_delay() {
    let mut reached = Reached::default();
    each_personality(&SCENARIOS, |_, personality, scenario| {
        kill_and_plug_in(personality, scenario, &mut reached);
    });
    reached.at_least(&Reached { points: 6000, recoveries: 700, with_intents: 450, with_temporary: 70 });
}

#[test]
fn the_next_process_takes_the_phone_over_as_the_killed_one_left_it() {
    let stride = stride(11);
    let mut reached = Reached::default();
    each_personality(&SCENARIOS, |number, personality, scenario| {
        let recorded = record(personality, scenario);
        let all = moments(&mut recorded.start.world(7));
        for (moment, _) in all.iter().skip(number % stride).step_by(stride) {
            kill_and_take_over((personality, scenario), *moment, &recorded, &mut reached);
        }
    });
    reached.at_least(&Reached { points: 550, recoveries: 550, with_intents: 220, with_temporary: 35 });
}

/// Kills a session, and then its recovery at every moment too.
fn kill_twice(
    (personality, scenario): (&str, Scenario),
    (offset, stride): (usize, usize),
    reached: &mut Reached,
) {
    let recorded = record(personality, scenario);
    let first: Vec<_> = distinct(moments(&mut recorded.start.world(7)));
    for (moment, snapshot) in first.iter().skip(offset).step_by(stride) {
        for (second, left) in distinct(moments(&mut snapshot.world(8))) {
            let context =
                format!("kill {personality} {scenario:?} at {moment:?} and its recovery at {second:?}");
            reached.points += 1;
            reached.recoveries += 1;
            reached.with_temporary += usize::from(left.has_temporary());
            let heard = left.world(9).recover(false, &recorded.expected, &context);
            reached.with_intents += usize::from(heard.intents > 0);
        }
    }
}

/// The moments at which something had changed since the one before.
fn distinct(all: Vec<(Moment, Snapshot)>) -> Vec<(Moment, Snapshot)> {
    let mut kept: Vec<(Moment, Snapshot)> = Vec::new();
    for (moment, snapshot) in all {
        if !kept.last().is_some_and(|(_, before)| before.is_same(&snapshot)) {
            kept.push((moment, snapshot));
        }
    }
    kept
}

#[test]
fn a_recovery_that_is_killed_too_is_a_longer_delay() {
    let stride = stride(12);
    let mut reached = Reached::default();
    each_personality(&[Scenario::Mixed], |number, personality, scenario| {
        kill_twice((personality, scenario), (number % stride, stride), &mut reached);
    });
    reached.at_least(&Reached { points: 220, recoveries: 220, with_intents: 130, with_temporary: 30 });
}

/// What a person types on both sides between a kill and the next session.
fn edit_everything(world: &World) -> usize {
    let mut edits = 0;
    for (name, card) in world.phone_cards() {
        if name.starts_with("tbtmp") {
            continue;
        }
        let text = String::from_utf8(card.as_bytes().to_vec()).unwrap();
        let url = format!("URL:https://example.org/{name}\r\nEND:VCARD");
        world.put_file(&name, text.replace("END:VCARD", &url).as_bytes());
        edits += 1;
    }
    world.scanned();
    world.with_book(|book| {
        let mut all = Vec::new();
        book.each_card(|item, _, card| all.push((item, card))).unwrap();
        for (item, card) in all {
            let text = String::from_utf8(card.as_bytes().to_vec()).unwrap();
            let title = format!("TITLE:number {}\r\nEND:VCARD", item.0);
            let card = Card::parse(text.replace("END:VCARD", &title).as_bytes()).unwrap();
            book.edit(item, None, &card).unwrap();
            edits += 1;
        }
    });
    edits
}

/// Every line of a sort that stands on a side.
fn lines(cards: &[Card], start: &str) -> BTreeSet<String> {
    let texts = cards.iter().map(|card| String::from_utf8_lossy(card.as_bytes()).into_owned());
    texts
        .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.starts_with(start))
        .collect()
}

#[test]
fn what_a_person_types_between_a_kill_and_the_next_session_is_on_both_sides_after_it() {
    let (mut points, mut edits) = (0, 0);
    let stride = stride(3);
    each_personality(&[Scenario::First, Scenario::Mixed], |number, personality, scenario| {
        let recorded = record(personality, scenario);
        let all = distinct(moments(&mut recorded.start.world(7)));
        for (moment, snapshot) in all.into_iter().skip(number % stride).step_by(stride) {
            let context = format!("kill {personality} {scenario:?} at {moment:?}, then edits");
            let mut world = snapshot.world(8);
            world.later();
            edits += edit_everything(&world);
            points += 1;
            let typed = |world: &World| {
                let phone: Vec<Card> = world.phone_cards().into_values().collect();
                let pc = world.pc_cards();
                let all: Vec<Card> = phone.iter().chain(&pc).cloned().collect();
                (lines(&all, "URL"), lines(&all, "TITLE"), [phone, pc])
            };
            let (urls, titles, _) = typed(&world);
            world.sync();
            world.sync();
            let (_, _, sides) = typed(&world);
            for side in &sides {
                assert_eq!(lines(side, "URL"), urls, "{context}: an edit on the phone is lost");
                assert_eq!(lines(side, "TITLE"), titles, "{context}: an edit on the PC is lost");
            }
            world.assert_equal(&context);
            world.assert_no_leftovers(&context);
            let names = world.pc_cards().len();
            assert_eq!(names, world.phone_cards().len(), "{context}");
            assert!(names <= recorded.expected.pc.len() + 2, "{context}: contacts are doubled: {names}");
            world.sync();
            world.assert_at_rest(&context);
        }
    });
    eprintln!("points {points}, edits {edits}");
    assert!((points >= 100 && edits >= 1_400) || !counts_all(), "points {points}, edits {edits}");
}
