//! What time the phone has, and what an entry may be stamped with. Pure.
//!
//! DecSync compares whole seconds of two clocks, and strictly. An entry that is not newer than what the phone has is
//! ignored; one that is ahead of the phone's clock hides the person's own edits until that moment has come. So an
//! entry gets the phone's present time, or the next second after what is stored, and is never ahead: rather it waits.
//!
//! The present time of the phone is the date of a file that was just written there. Android writes such dates in its
//! local time and does not say the zone. The zone is told by other files of the phone: a bucket file was written when
//! its newest entry was made, and that one is in UTC. Where the zone stays unclear the earlier time is taken, which
//! can only make an entry wait.

use serde::{Deserialize, Serialize};

use super::dates::FileDate;

/// Zones differ by multiples of so many seconds.
const ZONE_STEP_S: i64 = 900;
/// No zone is further from UTC than this, in seconds.
const ZONE_MAX_S: i64 = 14 * 3600;
/// An app writes its file within so many seconds after the newest entry was made; a file that was written later for
/// another reason says nothing.
const WRITING_DELAY_MAX_S: i64 = 120;
/// File systems of cards round dates down to so many seconds.
const DATE_STEP_S: i64 = 2;
/// What a file says about the zone holds for so long without doubt; summer time may have begun since an older one.
const FRESH_S: i64 = 3600;
/// So long an entry is waited for rather than put off to the next session, in milliseconds.
pub const WAIT_MAX_MS: i64 = 3000;
/// From so many seconds on a person is told that the clocks differ.
const SKEW_TOLD_S: i64 = 2;

/// A file of another app: when it was written by the phone's local time, and the newest moment in it in UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ZoneEvidence {
    /// Its date, in seconds since 1970 as if the date were UTC.
    pub local_s: i64,
    /// The newest datetime of its entries, in seconds since 1970.
    pub utc_s: i64,
    /// The phone surely stamped that one itself. Otherwise it may be a copy from a computer with another clock, and
    /// the two moments tell a zone only if they fit to the second.
    pub is_own: bool,
}

impl ZoneEvidence {
    /// The zone in seconds ahead of UTC, if the two moments can be the same one.
    #[must_use]
    pub fn zone_s(self) -> Option<i64> {
        let difference = self.local_s - self.utc_s + DATE_STEP_S;
        let zone = difference.div_euclid(ZONE_STEP_S) * ZONE_STEP_S;
        let delay_max_s = if self.is_own { WRITING_DELAY_MAX_S } else { 2 * DATE_STEP_S };
        let is_plausible = difference - zone <= delay_max_s && zone.abs() <= ZONE_MAX_S;
        is_plausible.then_some(zone)
    }
}

/// How far the phone's clock is from this computer's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PhoneClock {
    /// What is added to the computer's time for a time that the phone's clock has reached for sure, in milliseconds.
    offset_ms: i64,
    /// By how many seconds the phone's clock is surely ahead; negative if it is behind, 0 if it need not be either.
    pub skew_s: i64,
}

impl PhoneClock {
    /// The clock of a directory of this computer, and of a phone that shows no dates.
    pub const SAME: Self = Self { offset_ms: 0, skew_s: 0 };

    /// Measures by a file that was written between two moments of this computer's clock.
    #[must_use]
    pub fn measured(date: FileDate, before_ms: i64, after_ms: i64, evidence: &[ZoneEvidence]) -> Self {
        let zone_s =
            date.zone_s.unwrap_or_else(|| zone_of(date.local_s, after_ms.div_euclid(1000), evidence));
        let phone_s = date.local_s - zone_s;
        let ahead = phone_s - after_ms.div_euclid(1000) - 1;
        let behind = before_ms.div_euclid(1000) - phone_s - 1;
        let skew_s = if ahead > 0 { ahead } else { -behind.max(0) };
        Self { offset_ms: phone_s.saturating_mul(1000).saturating_sub(after_ms), skew_s }
    }

    /// What time the phone has at least, in seconds since 1970, when this computer has `now_ms`.
    #[must_use]
    pub fn now_s(self, now_ms: i64) -> i64 {
        now_ms.saturating_add(self.offset_ms).div_euclid(1000)
    }

    /// What to tell a person about it, if anything.
    #[must_use]
    pub fn remark(self) -> Option<String> {
        if self.skew_s.abs() < SKEW_TOLD_S {
            return None;
        }
        let direction = if self.skew_s > 0 { "ahead of" } else { "behind" };
        let amount = spoken_duration(self.skew_s.unsigned_abs());
        Some(format!(
            "The phone's clock is about {amount} {direction} this computer's; DecSync decides by the clock which edit \
             is the newer one, so set both clocks to automatic."
        ))
    }
}

/// The zone for a file that was just written at `local_s` of the phone's local time.
fn zone_of(local_s: i64, computer_s: i64, evidence: &[ZoneEvidence]) -> i64 {
    let by_computer = (local_s - computer_s + ZONE_STEP_S / 2).div_euclid(ZONE_STEP_S) * ZONE_STEP_S;
    let fresh = |is_own: bool| {
        let of_kind = evidence.iter().filter(move |one| one.is_own == is_own);
        of_kind.filter(|one| (local_s - one.local_s).abs() <= FRESH_S).filter_map(|one| one.zone_s())
    };
    // Whatever delayed the writing of a file makes its zone look larger. One that fits by chance may be any; of several
    // the largest is taken, by which the phone's time is the earliest.
    if let Some(zone) = fresh(true).min().or_else(|| fresh(false).max()) {
        return zone;
    }
    let newest = evidence.iter().filter(|one| one.zone_s().is_some()).max_by_key(|one| one.local_s);
    newest.and_then(|one| one.zone_s()).map_or(by_computer, |old| old.max(by_computer))
}

/// When an entry may be stamped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StampTime {
    /// With this second, now.
    Now(i64),
    /// After so many milliseconds.
    After(u64),
    /// Not in this session: what is stored is ahead of the phone's clock by so many seconds.
    TooFar(u64),
}

/// What an entry over one of `stored_s` may be stamped with when this computer has `now_ms`.
#[must_use]
pub fn stamp_time(clock: PhoneClock, now_ms: i64, stored_s: Option<i64>) -> StampTime {
    let phone_s = clock.now_s(now_ms);
    let Some(earliest_s) = stored_s.map(|stored| stored.saturating_add(1)) else {
        return StampTime::Now(phone_s);
    };
    if earliest_s <= phone_s {
        return StampTime::Now(phone_s);
    }
    let wait_ms = earliest_s.saturating_mul(1000).saturating_sub(now_ms.saturating_add(clock.offset_ms));
    if wait_ms <= WAIT_MAX_MS {
        StampTime::After(wait_ms.unsigned_abs())
    } else {
        StampTime::TooFar(earliest_s.abs_diff(phone_s))
    }
}

/// A duration in words: seconds, minutes, hours or days, whichever says it best.
#[must_use]
pub fn spoken_duration(seconds: u64) -> String {
    let (number, unit) = match seconds {
        0..=119 => (seconds, "second"),
        120..=7199 => (seconds / 60, "minute"),
        7200..=172_799 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW_S: i64 = 1_795_176_000;
    const NOW_MS: i64 = NOW_S * 1000;
    const HOUR_S: i64 = 3600;
    const NOON_S_OF_PHONE: i64 = NOW_S - HOUR_S;

    fn shows(local_s: i64) -> FileDate {
        FileDate { local_s, zone_s: None }
    }

    fn evidence(local_s: i64, utc_s: i64) -> ZoneEvidence {
        ZoneEvidence { local_s, utc_s, is_own: true }
    }

    fn phone_s(date: FileDate, evidence: &[ZoneEvidence]) -> i64 {
        PhoneClock::measured(date, NOW_MS, NOW_MS, evidence).now_s(NOW_MS)
    }

    #[test]
    fn a_date_with_a_zone_needs_no_evidence() {
        let date = FileDate { local_s: NOW_S + HOUR_S + 7, zone_s: Some(HOUR_S) };
        let clock = PhoneClock::measured(date, NOW_MS, NOW_MS, &[]);
        assert_eq!((clock.now_s(NOW_MS), clock.skew_s), (NOW_S + 7, 6));
        assert!(clock.remark().unwrap().contains("6 seconds ahead"));
    }

    #[test]
    fn without_evidence_the_clocks_are_taken_for_close() {
        assert_eq!(phone_s(shows(NOW_S + 2 * HOUR_S - 5), &[]), NOW_S - 5);
        assert_eq!(phone_s(shows(NOW_S - 12_600 + 40), &[]), NOW_S + 40);
        assert_eq!(PhoneClock::measured(shows(NOW_S), NOW_MS - 900, NOW_MS, &[]).remark(), None);
    }

    #[test]
    fn evidence_tells_a_zone_from_a_wrong_clock() {
        // The phone is in UTC and an hour ahead, or an hour behind; its app wrote a minute ago by that clock.
        for skew in [HOUR_S, -HOUR_S, 5, -5, 40_000] {
            let now = NOW_S + skew;
            let seen = [evidence(now - 59, now - 60), evidence(now - 5000, now - 9000)];
            assert_eq!(phone_s(shows(now), &seen), now, "{skew}");
        }
    }

    #[test]
    fn old_evidence_never_makes_the_phone_later_than_it_is() {
        // Written in winter, one hour east; now it is summer, and the phone shows two.
        let winter = evidence(NOW_S - 90 * 86_400 + HOUR_S, NOW_S - 90 * 86_400);
        assert_eq!(phone_s(shows(NOW_S + 2 * HOUR_S), &[winter]), NOW_S);
        // Written in summer, now it is winter: an hour earlier than it is, which makes entries wait.
        let summer = evidence(NOW_S - 90 * 86_400 + 2 * HOUR_S, NOW_S - 90 * 86_400);
        assert_eq!(phone_s(shows(NOW_S + HOUR_S), &[summer]), NOW_S - HOUR_S);
    }

    #[test]
    fn a_file_that_was_written_later_says_nothing() {
        assert_eq!(phone_s(shows(NOW_S), &[evidence(NOW_S - 10, NOW_S - 500)]), NOW_S);
        assert_eq!(phone_s(shows(NOW_S), &[evidence(NOW_S - 10, NOW_S + 500)]), NOW_S);
    }

    #[test]
    fn what_may_be_a_copy_tells_the_zone_only_to_the_second() {
        // The phone is an hour behind; it took in what a computer with the right time wrote half an hour ago.
        let now = NOON_S_OF_PHONE;
        let copied = ZoneEvidence { local_s: now - 60, utc_s: now - 60 + 1800 - 20, is_own: false };
        let pushed = ZoneEvidence { local_s: now - 600, utc_s: now - 600, is_own: false };
        assert_eq!(phone_s(shows(now), &[copied, pushed]), now);
        let by_chance = ZoneEvidence { local_s: now - 60, utc_s: now - 60 + 1800, is_own: false };
        assert_eq!(phone_s(shows(now), &[by_chance, pushed]), now);
        // What the phone said of itself goes before both.
        assert_eq!(phone_s(shows(now), &[by_chance, evidence(now - 59, now - 60)]), now);
    }

    #[test]
    fn a_stamp_is_newer_than_what_is_stored_and_never_ahead() {
        let clock = PhoneClock::SAME;
        assert_eq!(stamp_time(clock, NOW_MS, None), StampTime::Now(NOW_S));
        assert_eq!(stamp_time(clock, NOW_MS, Some(NOW_S - 1)), StampTime::Now(NOW_S));
        assert_eq!(stamp_time(clock, NOW_MS + 400, Some(NOW_S)), StampTime::After(600));
        assert_eq!(stamp_time(clock, NOW_MS, Some(NOW_S + 2)), StampTime::After(3000));
        assert_eq!(stamp_time(clock, NOW_MS, Some(NOW_S + 3)), StampTime::TooFar(4));
    }

    #[test]
    fn durations_are_spoken() {
        let spoken: Vec<String> = [1, 119, 120, 7199, 7200, 200_000].map(spoken_duration).to_vec();
        assert_eq!(spoken, ["1 second", "119 seconds", "2 minutes", "119 minutes", "2 hours", "2 days"]);
    }

    proptest! {
        /// Whatever the zone and the skew: with a date read to whole seconds the measured time is never ahead of the
        /// phone's, as long as there is fresh evidence or the clocks are close.
        #[test]
        fn never_ahead(
            zone_quarters in -48_i64..=56, skew_ms in -300_000_i64..300_000, big in prop::bool::ANY,
            hours in -20_i64..20, took_ms in 0_i64..2000, later_ms in 0_i64..60_000, stored in -100_i64..100,
        ) {
            let zone_s = zone_quarters * ZONE_STEP_S;
            let skew_ms = if big { skew_ms + hours * 3_600_000 } else { skew_ms };
            let true_ms = |computer_ms: i64| computer_ms + skew_ms;
            let written_ms = NOW_MS + took_ms / 2;
            let date = shows(true_ms(written_ms).div_euclid(1000) + zone_s);
            let made_s = true_ms(NOW_MS).div_euclid(1000) - 100;
            let seen = [evidence(made_s + 1 + zone_s, made_s)];
            let seen = if big { &seen[..] } else { &[] };
            let clock = PhoneClock::measured(date, NOW_MS, NOW_MS + took_ms, seen);
            let now_ms = NOW_MS + took_ms + later_ms;
            let phone_s = true_ms(now_ms).div_euclid(1000);
            prop_assert!(clock.now_s(now_ms) <= phone_s);
            prop_assert!(clock.now_s(now_ms) >= phone_s - 4);
            if let StampTime::Now(stamp) = stamp_time(clock, now_ms, Some(phone_s + stored)) {
                prop_assert!(stamp <= phone_s && stamp > phone_s + stored);
            }
        }
    }
}
