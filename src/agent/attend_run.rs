//! One attendance from the plug to the end: asks [`Attendance`] what to do and does it through two traits, one for the
//! cable and one for everything else. It decides nothing and knows neither USB nor a terminal.

use crate::report::ExitCode;

use super::attend::{Attendance, Ending, PairedPhone, Ran, Seen, Step};
use super::attend_words::{Notice, ending_line, news_line, notice};

/// How long a stop or an unplug may go unnoticed while it waits, in milliseconds.
const SLICE_MS: u64 = 200;

/// What stands at the place on the bus, as far as it can be told without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PluggedPhone {
    /// Its USB serial number; empty if it has none.
    pub serial: String,
    /// What it calls itself.
    pub label: String,
    /// Whether it offers MTP.
    pub is_mtp: bool,
}

/// What a phone answers when it is opened and asked for its storages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// So many storages; none while it is locked.
    Storages(usize),
    /// Another program holds it; its name, or empty if it cannot be found.
    Held(String),
    /// This user may not open it.
    Denied,
    /// It is not there any more.
    Gone,
    /// No sensible answer.
    Silent,
}

/// How a short rest ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// The time is over and nothing happened.
    Quiet,
    /// The phone said that a storage came (MTP event StoreAdded): it was unlocked.
    StorageCame,
    /// The phone was unplugged.
    Gone,
}

/// One place on the bus.
pub trait Plugged {
    /// What is plugged in there now.
    fn look(&mut self) -> Option<PluggedPhone>;
    /// Opens the phone if it is not open, and asks for its storages.
    fn storages(&mut self) -> Answer;
    /// Waits at most so long, in milliseconds; it may return early.
    fn rest(&mut self, wait_ms: u64) -> Rest;
    /// Gives the phone free for whoever opens it next.
    fn release(&mut self);
}

/// What else an attendance needs.
pub trait Household {
    /// Becomes the only one who attends to this phone; false if another run does.
    fn claim(&mut self, pairing: &PairedPhone) -> bool;
    /// Runs one session, as `sync` does.
    fn sync(&mut self, pairing: &PairedPhone) -> Ran;
    /// Writes one line for the journal.
    fn line(&mut self, text: &str);
    /// Shows a desktop notification.
    fn notify(&mut self, notice: &Notice);
    /// Whether it shall end.
    fn is_stopped(&self) -> bool;
    /// Milliseconds since the attendance began.
    fn elapsed_ms(&self) -> u64;
}

/// What the configuration says of attendances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AttendOptions {
    /// How long a locked phone is waited for, in milliseconds.
    pub unlock_wait_ms: u64,
    /// Whether phones that are not paired are announced on the desktop; the journal has them always.
    pub announce_unpaired: bool,
}

/// Attends to what is plugged in: waits, syncs, tells. The exit code is the ending's.
pub fn attend(
    plugged: &mut dyn Plugged,
    household: &mut dyn Household,
    pairings: &[PairedPhone],
    options: AttendOptions,
) -> ExitCode {
    let mut attendance = Attendance::new(options.unlock_wait_ms);
    let mut seen = first_look(plugged, household, pairings);
    let ending = loop {
        match attendance.next(seen, household.elapsed_ms()) {
            Step::End(ending) => break ending,
            Step::Ask { wait_ms, news } => {
                if let Some(news) = news {
                    household.line(&news_line(attendance.pairing(), &news));
                }
                seen = waited(plugged, household, wait_ms).unwrap_or_else(|| asked(plugged));
            }
            Step::Run { wait_ms } => {
                plugged.release();
                seen = waited(plugged, household, wait_ms).unwrap_or_else(|| ran(household, &attendance));
            }
        }
    };
    plugged.release();
    household.line(&ending_line(attendance.pairing(), &ending, household.elapsed_ms()));
    let is_wanted = options.announce_unpaired || !matches!(ending, Ending::Unpaired(_));
    if let Some(notice) = notice(attendance.pairing(), &ending).filter(|_| is_wanted) {
        household.notify(&notice);
    }
    ending.exit()
}

fn first_look(plugged: &mut dyn Plugged, household: &mut dyn Household, pairings: &[PairedPhone]) -> Seen {
    let Some(phone) = plugged.look() else { return Seen::Absent };
    if !phone.is_mtp {
        return Seen::NotMtp;
    }
    // A phone without a serial number is nobody's: it could be any phone of its make.
    let paired = pairings.iter().find(|pairing| !pairing.serial.is_empty() && pairing.serial == phone.serial);
    match paired {
        None => Seen::Unpaired(phone.label),
        Some(pairing) if household.claim(pairing) => Seen::Paired(pairing.clone()),
        Some(pairing) => Seen::Attended(pairing.clone()),
    }
}

fn asked(plugged: &mut dyn Plugged) -> Seen {
    match plugged.storages() {
        Answer::Storages(count) => Seen::Storages(count),
        Answer::Held(by) => Seen::Held(by),
        Answer::Denied => Seen::Denied,
        Answer::Gone => Seen::Absent,
        Answer::Silent => Seen::Silent,
    }
}

fn ran(household: &mut dyn Household, attendance: &Attendance) -> Seen {
    attendance.pairing().map_or(Seen::Silent, |pairing| Seen::Ran(household.sync(pairing)))
}

/// Waits so long; what was seen if that must not go on.
fn waited(plugged: &mut dyn Plugged, household: &mut dyn Household, wait_ms: u64) -> Option<Seen> {
    let end_ms = household.elapsed_ms().saturating_add(wait_ms);
    loop {
        if household.is_stopped() {
            return Some(Seen::Stopped);
        }
        let left_ms = end_ms.saturating_sub(household.elapsed_ms());
        if left_ms == 0 {
            return None;
        }
        match plugged.rest(left_ms.min(SLICE_MS)) {
            Rest::Quiet => {}
            Rest::StorageCame => return None,
            Rest::Gone => return Some(Seen::Absent),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::rc::Rc;

    use crate::provider::{Clock, TestClock};
    use crate::report::{PerSide, Summary};

    /// A staged phone and household that write down what was done.
    struct Stage {
        clock: Rc<TestClock>,
        phone: Option<PluggedPhone>,
        answers: VecDeque<Answer>,
        sessions: VecDeque<Ran>,
        unplugged_at_ms: Option<u64>,
        stopped_at_ms: Option<u64>,
        storage_comes_at_ms: Option<u64>,
        is_claimed: bool,
        log: Rc<RefCell<Vec<String>>>,
    }

    struct Cable(Rc<RefCell<Stage>>);
    struct Home(Rc<RefCell<Stage>>);

    impl Stage {
        fn now_ms(&self) -> u64 {
            self.clock.now_ms().unsigned_abs()
        }
        fn log(&self, text: impl Into<String>) {
            self.log.borrow_mut().push(text.into());
        }
    }

    impl Plugged for Cable {
        fn look(&mut self) -> Option<PluggedPhone> {
            self.0.borrow().phone.clone()
        }
        fn storages(&mut self) -> Answer {
            let mut stage = self.0.borrow_mut();
            let answer = if stage.answers.len() > 1 {
                stage.answers.pop_front()
            } else {
                stage.answers.front().cloned()
            };
            let now_ms = stage.now_ms();
            stage.log(format!("asked at {now_ms}"));
            answer.unwrap()
        }
        fn rest(&mut self, wait_ms: u64) -> Rest {
            let mut stage = self.0.borrow_mut();
            stage.clock.sleep_ms(wait_ms);
            if stage.unplugged_at_ms.is_some_and(|at| at <= stage.now_ms()) {
                return Rest::Gone;
            }
            let now_ms = stage.now_ms();
            match stage.storage_comes_at_ms.take_if(|at| now_ms >= *at) {
                Some(_) => Rest::StorageCame,
                None => Rest::Quiet,
            }
        }
        fn release(&mut self) {
            self.0.borrow().log("released");
        }
    }

    impl Household for Home {
        fn claim(&mut self, _pairing: &PairedPhone) -> bool {
            !self.0.borrow().is_claimed
        }
        fn sync(&mut self, pairing: &PairedPhone) -> Ran {
            let mut stage = self.0.borrow_mut();
            stage.log(format!("synced {} with {}", pairing.name, pairing.book));
            stage.sessions.pop_front().unwrap()
        }
        fn line(&mut self, text: &str) {
            self.0.borrow().log(text);
        }
        fn notify(&mut self, notice: &Notice) {
            self.0.borrow().log(format!("[{}] {}", notice.title, notice.body));
        }
        fn is_stopped(&self) -> bool {
            let stage = self.0.borrow();
            stage.stopped_at_ms.is_some_and(|at| at <= stage.now_ms())
        }
        fn elapsed_ms(&self) -> u64 {
            self.0.borrow().now_ms()
        }
    }

    fn run(change: impl FnOnce(&mut Stage)) -> (ExitCode, Vec<String>) {
        let mut summary = Summary::new("Phone", "book", false);
        summary.created = PerSide { phone: 0, pc: 2 };
        let mut stage = Stage {
            clock: Rc::new(TestClock::at(0)),
            phone: Some(PluggedPhone { serial: "A1".into(), label: "Pixel 7".into(), is_mtp: true }),
            answers: VecDeque::from([Answer::Storages(1)]),
            sessions: VecDeque::from([Ran { exit: ExitCode::Done, summary: Some(Box::new(summary)) }]),
            unplugged_at_ms: None,
            stopped_at_ms: None,
            storage_comes_at_ms: None,
            is_claimed: false,
            log: Rc::default(),
        };
        change(&mut stage);
        let log = Rc::clone(&stage.log);
        let stage = Rc::new(RefCell::new(stage));
        let pairings = [
            PairedPhone { name: "Nobody".into(), book: "none".into(), serial: String::new() },
            PairedPhone { name: "Red".into(), book: "home".into(), serial: "A1".into() },
        ];
        let options = AttendOptions { unlock_wait_ms: 10_000, announce_unpaired: true };
        let exit = attend(&mut Cable(Rc::clone(&stage)), &mut Home(stage), &pairings, options);
        let lines = log.borrow().clone();
        (exit, lines)
    }

    #[test]
    fn a_paired_phone_is_given_free_synced_and_told_of() {
        let (exit, log) = run(|_| {});
        assert_eq!(exit, ExitCode::Done);
        assert_eq!(
            log,
            [
                "asked at 0",
                "released",
                "synced Red with home",
                "released",
                "tetherbook: synced name=Red book=home pc=+2~0-0 phone=+0~0-0 merged=0 conflicts=0 failed=0 exit=0 ms=0",
                "[Contacts are synced] Red: Created 2 on the PC.",
            ]
        );
    }

    #[test]
    fn an_unpaired_phone_and_one_without_a_serial_number_are_announced_and_not_opened() {
        for serial in ["B2", ""] {
            let (exit, log) = run(|stage| stage.phone.as_mut().unwrap().serial = serial.into());
            assert_eq!(exit, ExitCode::Done);
            assert!(log[1].starts_with("tetherbook: unpaired phone=\"Pixel 7\""), "{log:?}");
            assert_eq!((log.len(), log[0].as_str()), (3, "released"));
            assert!(log[2].contains("Pixel 7 is not paired"), "{log:?}");
        }
    }

    #[test]
    fn a_storage_that_comes_ends_the_pause() {
        let (exit, log) = run(|stage| {
            stage.answers = VecDeque::from([Answer::Storages(0), Answer::Storages(0), Answer::Storages(1)]);
            stage.storage_comes_at_ms = Some(1_500);
        });
        assert_eq!(exit, ExitCode::Done);
        assert_eq!(
            log[..5],
            [
                "asked at 0",
                "tetherbook: waiting name=Red for=unlock",
                "asked at 1000",
                "asked at 1600",
                "released"
            ]
        );
    }

    #[test]
    fn a_phone_that_nobody_unlocks_is_left_alone_in_the_end() {
        let (exit, log) = run(|stage| stage.answers = VecDeque::from([Answer::Storages(0)]));
        assert_eq!(exit, ExitCode::PhoneLocked);
        assert_eq!(log.last().unwrap(), "tetherbook: ended name=Red reason=never-unlocked exit=5 ms=10000");
    }

    #[test]
    fn unplugging_and_stopping_are_noticed_within_a_slice() {
        let locked = |stage: &mut Stage| stage.answers = VecDeque::from([Answer::Storages(0)]);
        let (exit, log) = run(|stage| {
            locked(stage);
            stage.unplugged_at_ms = Some(3_333);
        });
        assert_eq!(exit, ExitCode::NoPhone);
        assert_eq!(log.last().unwrap(), "tetherbook: ended name=Red reason=unplugged exit=3 ms=3400");
        let (exit, log) = run(|stage| {
            locked(stage);
            stage.stopped_at_ms = Some(3_333);
        });
        assert_eq!(exit, ExitCode::Interrupted);
        assert_eq!(log.last().unwrap(), "tetherbook: ended name=Red reason=stopped exit=130 ms=3400");
    }

    #[test]
    fn a_second_run_for_the_same_phone_ends_without_asking() {
        let (exit, log) = run(|stage| stage.is_claimed = true);
        assert_eq!(exit, ExitCode::Done);
        assert_eq!(log, ["released", "tetherbook: ended name=Red reason=another-run-attends exit=0 ms=0"]);
    }

    #[test]
    fn a_holder_is_waited_for_then_named_to_the_person() {
        let (exit, log) = run(|stage| {
            stage.answers = VecDeque::from([Answer::Held("kiod5".into()), Answer::Storages(1)]);
        });
        assert_eq!(exit, ExitCode::Done);
        assert_eq!(log[1..3], ["tetherbook: waiting name=Red for=holder by=kiod5", "asked at 1000"]);
        let (exit, log) = run(|stage| stage.answers = VecDeque::from([Answer::Held("kiod5".into())]));
        assert_eq!(exit, ExitCode::PhoneBusy);
        assert!(log.last().unwrap().contains("kiod5 uses Red"), "{log:?}");
    }

    #[test]
    fn what_is_no_phone_is_passed_over() {
        let (exit, log) = run(|stage| stage.phone = None);
        assert_eq!((exit, log.len()), (ExitCode::NoPhone, 2));
        let (exit, log) = run(|stage| stage.phone.as_mut().unwrap().is_mtp = false);
        assert_eq!((exit, log.len()), (ExitCode::Done, 2));
    }
}
