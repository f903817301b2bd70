//! What the plug-in trigger does with a phone, as decisions: wait, run, or end, and with which words. Pure: what was
//! seen and how long it took come in, the next step goes out. It must not wait, open anything or write anything.
//!
//! The unattended run is careful where a person would be asked: it never syncs a phone that is not paired, never goes
//! past a guard, never ends another program, and says in the end what a person has to do.

use crate::report::{ExitCode, Summary};

/// Pause before the storages are asked for again, in milliseconds; it grows by itself up to the longest.
const UNLOCK_PAUSE_MS: u64 = 1_000;
/// The longest pause between two questions to a locked phone, in milliseconds.
const UNLOCK_PAUSE_MAX_MS: u64 = 5_000;
/// First pause before a held phone, or a held database, is tried again, in milliseconds; it doubles.
const BACK_OFF_MS: u64 = 1_000;
/// So long is a held phone tried again at most, in milliseconds.
const HELD_MAX_MS: u64 = 60_000;
/// So long is waited for another session to give the database free, in milliseconds.
const LOCKED_DATABASE_MAX_MS: u64 = 120_000;
/// So often is a phone asked that answers nothing sensible, or that may not be opened.
const TRIES_MAX: u32 = 3;
/// The usual time to wait for an unlock, in minutes: a phone is often left on the cable overnight.
pub const UNLOCK_WAIT_MINUTES: u64 = 720;

/// A phone that a person paired, as far as the trigger needs it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairedPhone {
    /// What the person calls it.
    pub name: String,
    /// The book that it is synced with.
    pub book: String,
    /// Its USB serial number.
    pub serial: String,
}

/// What a finished run tells.
#[derive(Debug, Clone, PartialEq)]
pub struct Ran {
    /// How it ended.
    pub exit: ExitCode,
    /// What was done; `None` if it came to no session.
    pub summary: Option<Box<Summary>>,
}

/// What was seen since the last step.
#[derive(Debug, Clone, PartialEq)]
pub enum Seen {
    /// Nothing is plugged in there (any more).
    Absent,
    /// Something without an MTP interface: a phone that only charges, or no phone.
    NotMtp,
    /// A phone that nobody paired; what it calls itself.
    Unpaired(String),
    /// A paired phone, and nobody else attends to it.
    Paired(PairedPhone),
    /// A paired phone that another run attends to.
    Attended(PairedPhone),
    /// The phone was opened and shows so many storages; none while it is locked.
    Storages(usize),
    /// Another program holds it; which, as far as that can be found.
    Held(String),
    /// This user may not open it.
    Denied,
    /// It was opened and did not answer sensibly.
    Silent,
    /// A session ran.
    Ran(Ran),
    /// The run is to end: SIGTERM, SIGINT.
    Stopped,
}

/// What is done next.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Wait so long (0: not at all), then ask for the storages.
    Ask {
        /// How long to wait, in milliseconds.
        wait_ms: u64,
        /// Why, if that is new.
        news: Option<News>,
    },
    /// Run a session.
    Run {
        /// How long to wait before, in milliseconds.
        wait_ms: u64,
    },
    /// It is over.
    End(Ending),
}

/// Why it waits, told once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// For the unlock.
    Unlock,
    /// For the program that holds the phone.
    Holder(String),
}

/// How it ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Ending {
    /// Nothing was there.
    Absent,
    /// No MTP interface.
    NotMtp,
    /// Announced, not synced.
    Unpaired(String),
    /// Another run attends to it.
    Attended,
    /// The cable went while it waited, or before a session wrote anything.
    Unplugged,
    /// Nobody unlocked it.
    NeverUnlocked,
    /// Another program kept holding it.
    Held(String),
    /// This user may not open it.
    Denied,
    /// It never answered sensibly.
    Silent,
    /// Another session kept the database.
    DatabaseLocked,
    /// SIGTERM, SIGINT.
    Stopped,
    /// A session came to its end, good or not.
    Session(Ran),
}

impl Ending {
    /// The exit code.
    #[must_use]
    pub fn exit(&self) -> ExitCode {
        match self {
            // Nothing to do here, and nothing went wrong.
            Self::Unpaired(_) | Self::Attended | Self::NotMtp => ExitCode::Done,
            Self::Absent | Self::Unplugged => ExitCode::NoPhone,
            Self::NeverUnlocked => ExitCode::PhoneLocked,
            Self::Held(_) => ExitCode::PhoneBusy,
            Self::Denied | Self::Silent => ExitCode::Failed,
            Self::DatabaseLocked => ExitCode::Locked,
            Self::Stopped => ExitCode::Interrupted,
            Self::Session(ran) => ran.exit,
        }
    }
}

/// The state of one attendance.
#[derive(Debug)]
pub struct Attendance {
    unlock_wait_ms: u64,
    /// The pairing, once it is known that there is one.
    pairing: Option<PairedPhone>,
    /// Since when it waits for the unlock, and how often it asked.
    locked: Option<(u64, u64)>,
    /// Since when another program holds the phone, and how often it was tried.
    held: Option<(u64, u32)>,
    /// Since when another session holds the database, and how often it was tried.
    database: Option<(u64, u32)>,
    denied: u32,
    silent: u32,
}

impl Attendance {
    /// A new one that waits at most so long for the unlock.
    #[must_use]
    pub fn new(unlock_wait_ms: u64) -> Self {
        Self { unlock_wait_ms, pairing: None, locked: None, held: None, database: None, denied: 0, silent: 0 }
    }

    /// The pairing of the phone, once it was seen.
    #[must_use]
    pub fn pairing(&self) -> Option<&PairedPhone> {
        self.pairing.as_ref()
    }

    /// What to do after `seen`, at `now_ms` milliseconds since the attendance began.
    pub fn next(&mut self, seen: Seen, now_ms: u64) -> Step {
        match seen {
            Seen::Stopped => Step::End(Ending::Stopped),
            Seen::Absent if self.pairing.is_some() => Step::End(Ending::Unplugged),
            Seen::Absent => Step::End(Ending::Absent),
            Seen::NotMtp => Step::End(Ending::NotMtp),
            Seen::Unpaired(label) => Step::End(Ending::Unpaired(label)),
            Seen::Attended(pairing) => {
                self.pairing = Some(pairing);
                Step::End(Ending::Attended)
            }
            Seen::Paired(pairing) => {
                self.pairing = Some(pairing);
                Step::Ask { wait_ms: 0, news: None }
            }
            // Only a paired phone is ever asked or synced; whoever breaks the order gets nothing.
            _ if self.pairing.is_none() => Step::End(Ending::Silent),
            Seen::Storages(0) => self.wait_for_unlock(now_ms),
            Seen::Storages(_) => Step::Run { wait_ms: 0 },
            Seen::Held(by) => self.wait_for_holder(by, now_ms),
            Seen::Denied => {
                self.denied += 1;
                self.again(self.denied, Ending::Denied)
            }
            Seen::Silent => {
                self.silent += 1;
                self.again(self.silent, Ending::Silent)
            }
            Seen::Ran(ran) => self.after_session(ran, now_ms),
        }
    }

    /// What a session's end calls for. What only takes patience is tried again; everything else is told.
    fn after_session(&mut self, ran: Ran, now_ms: u64) -> Step {
        match ran.exit {
            ExitCode::PhoneLocked => self.wait_for_unlock(now_ms),
            ExitCode::PhoneBusy => self.wait_for_holder(String::new(), now_ms),
            ExitCode::Locked => {
                let (since_ms, tries) = *self.database.get_or_insert((now_ms, 0));
                self.database = Some((since_ms, tries + 1));
                match back_off(since_ms, tries, now_ms, LOCKED_DATABASE_MAX_MS) {
                    Some(wait_ms) => Step::Run { wait_ms },
                    None => Step::End(Ending::DatabaseLocked),
                }
            }
            ExitCode::NoPhone => Step::End(Ending::Unplugged),
            ExitCode::Interrupted => Step::End(Ending::Stopped),
            _ => Step::End(Ending::Session(ran)),
        }
    }

    fn wait_for_unlock(&mut self, now_ms: u64) -> Step {
        let is_new = self.locked.is_none();
        let (since_ms, asked) = *self.locked.get_or_insert((now_ms, 0));
        self.locked = Some((since_ms, asked + 1));
        let left_ms = self.unlock_wait_ms.saturating_sub(now_ms.saturating_sub(since_ms));
        if left_ms == 0 {
            return Step::End(Ending::NeverUnlocked);
        }
        let pause_ms = UNLOCK_PAUSE_MS.saturating_mul(asked + 1).min(UNLOCK_PAUSE_MAX_MS);
        Step::Ask { wait_ms: pause_ms.min(left_ms), news: is_new.then_some(News::Unlock) }
    }

    fn wait_for_holder(&mut self, by: String, now_ms: u64) -> Step {
        let is_new = self.held.is_none();
        let (since_ms, tries) = *self.held.get_or_insert((now_ms, 0));
        self.held = Some((since_ms, tries + 1));
        match back_off(since_ms, tries, now_ms, HELD_MAX_MS) {
            Some(wait_ms) => Step::Ask { wait_ms, news: is_new.then_some(News::Holder(by)) },
            None => Step::End(Ending::Held(by)),
        }
    }

    fn again(&self, tries: u32, ending: Ending) -> Step {
        if tries < TRIES_MAX { Step::Ask { wait_ms: BACK_OFF_MS, news: None } } else { Step::End(ending) }
    }
}

/// The pause before the next of several tries (1 s, 2 s, 4 s, …), or `None` once it would end too late.
fn back_off(since_ms: u64, tries: u32, now_ms: u64, max_ms: u64) -> Option<u64> {
    let pause_ms = BACK_OFF_MS.saturating_mul(1 << tries.min(16));
    let ends_after_ms = now_ms.saturating_sub(since_ms).saturating_add(pause_ms);
    (ends_after_ms <= max_ms).then_some(pause_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairing() -> PairedPhone {
        PairedPhone { name: "Red".into(), book: "contacts".into(), serial: "A1".into() }
    }

    fn ran(exit: ExitCode) -> Seen {
        Seen::Ran(Ran { exit, summary: None })
    }

    /// An attendance to a paired phone that was just plugged in.
    fn paired() -> Attendance {
        let mut attendance = Attendance::new(60_000);
        assert_eq!(attendance.next(Seen::Paired(pairing()), 0), Step::Ask { wait_ms: 0, news: None });
        attendance
    }

    /// Says the same again and again; the pauses, and how it ended.
    fn insist(attendance: &mut Attendance, seen: &Seen) -> (Vec<u64>, Ending) {
        let (mut now_ms, mut pauses) = (0, Vec::new());
        loop {
            match attendance.next(seen.clone(), now_ms) {
                Step::Ask { wait_ms, .. } | Step::Run { wait_ms } => {
                    pauses.push(wait_ms);
                    now_ms += wait_ms;
                }
                Step::End(ending) => return (pauses, ending),
            }
            assert!(pauses.len() < 10_000, "it must end by itself");
        }
    }

    #[test]
    fn an_unlocked_paired_phone_is_synced_at_once() {
        let mut attendance = paired();
        assert_eq!(attendance.next(Seen::Storages(1), 5), Step::Run { wait_ms: 0 });
        let done = Ran { exit: ExitCode::Done, summary: None };
        assert_eq!(attendance.next(Seen::Ran(done.clone()), 900), Step::End(Ending::Session(done)));
    }

    #[test]
    fn an_unpaired_phone_is_never_asked_and_never_synced() {
        let mut attendance = Attendance::new(60_000);
        let step = attendance.next(Seen::Unpaired("Pixel".into()), 0);
        assert_eq!(step, Step::End(Ending::Unpaired("Pixel".into())));
        for seen in [
            Seen::Storages(0),
            Seen::Storages(2),
            Seen::Held("x".into()),
            Seen::Silent,
            ran(ExitCode::Locked),
        ] {
            let step = Attendance::new(60_000).next(seen, 0);
            assert!(matches!(step, Step::End(_)), "{step:?}");
        }
    }

    #[test]
    fn a_locked_phone_is_asked_ever_more_slowly_and_its_wait_is_told_once() {
        let mut attendance = paired();
        let first = attendance.next(Seen::Storages(0), 0);
        assert_eq!(first, Step::Ask { wait_ms: 1_000, news: Some(News::Unlock) });
        assert_eq!(attendance.next(Seen::Storages(0), 1_000), Step::Ask { wait_ms: 2_000, news: None });
        assert_eq!(attendance.next(Seen::Storages(1), 3_000), Step::Run { wait_ms: 0 });
        let (pauses, ending) = insist(&mut paired(), &Seen::Storages(0));
        assert_eq!(pauses.get(..6), Some(&[1_000, 2_000, 3_000, 4_000, 5_000, 5_000][..]));
        assert_eq!(pauses.iter().sum::<u64>(), 60_000, "exactly as long as it may");
        assert_eq!(ending, Ending::NeverUnlocked);
    }

    #[test]
    fn a_phone_that_is_locked_during_the_session_is_waited_for() {
        let mut attendance = paired();
        attendance.next(Seen::Storages(1), 0);
        let step = attendance.next(ran(ExitCode::PhoneLocked), 10);
        assert_eq!(step, Step::Ask { wait_ms: 1_000, news: Some(News::Unlock) });
    }

    #[test]
    fn a_held_phone_is_tried_with_growing_pauses_and_then_a_person_is_needed() {
        let mut attendance = paired();
        let step = attendance.next(Seen::Held("gvfsd-mtp".into()), 0);
        assert_eq!(step, Step::Ask { wait_ms: 1_000, news: Some(News::Holder("gvfsd-mtp".into())) });
        let (pauses, ending) = insist(&mut paired(), &Seen::Held("gvfsd-mtp".into()));
        assert_eq!(pauses, [1_000, 2_000, 4_000, 8_000, 16_000]);
        assert_eq!(ending, Ending::Held("gvfsd-mtp".into()));
        assert_eq!(insist(&mut paired(), &ran(ExitCode::PhoneBusy)).0, pauses);
    }

    #[test]
    fn another_session_is_waited_for_and_a_second_attendance_ends() {
        let (pauses, ending) = insist(&mut paired(), &ran(ExitCode::Locked));
        assert_eq!(pauses, [1_000, 2_000, 4_000, 8_000, 16_000, 32_000]);
        assert_eq!((ending.exit(), ending), (ExitCode::Locked, Ending::DatabaseLocked));
        let step = Attendance::new(1).next(Seen::Attended(pairing()), 0);
        assert_eq!(step, Step::End(Ending::Attended));
    }

    #[test]
    fn no_permission_and_no_answer_are_tried_three_times() {
        assert_eq!(insist(&mut paired(), &Seen::Denied), (vec![1_000, 1_000], Ending::Denied));
        assert_eq!(insist(&mut paired(), &Seen::Silent), (vec![1_000, 1_000], Ending::Silent));
    }

    #[test]
    fn unplugging_and_stopping_end_it_at_any_time() {
        for before in
            [Seen::Storages(0), Seen::Storages(1), Seen::Held(String::new()), Seen::Denied, Seen::Silent]
        {
            for (seen, expected) in [(Seen::Absent, Ending::Unplugged), (Seen::Stopped, Ending::Stopped)] {
                let mut attendance = paired();
                attendance.next(before.clone(), 1);
                assert_eq!(attendance.next(seen, 2), Step::End(expected));
            }
        }
        assert_eq!(Attendance::new(1).next(Seen::Absent, 0), Step::End(Ending::Absent));
        assert_eq!(paired().next(ran(ExitCode::NoPhone), 1), Step::End(Ending::Unplugged));
        assert_eq!(paired().next(ran(ExitCode::Interrupted), 1), Step::End(Ending::Stopped));
    }

    #[test]
    fn what_a_person_must_settle_is_not_tried_again() {
        for exit in [
            ExitCode::Failed,
            ExitCode::Usage,
            ExitCode::Conflicts,
            ExitCode::Guard,
            ExitCode::NoChannel,
            ExitCode::SomeFailed,
        ] {
            let step = paired().next(ran(exit), 1);
            assert!(matches!(&step, Step::End(ending) if ending.exit() == exit), "{step:?}");
        }
    }
}
