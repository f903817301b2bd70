//! What a phone's dates ([`PhoneDate`]) say about its clock, and how people read them. Pure. It must not be used to decide
//! whether a contact changed: that is by the texts alone.

pub use crate::mtp::MtpDate as PhoneDate;

/// Time zones differ by multiples of so many minutes.
const ZONE_STEP_S: i64 = 15 * 60;
/// No time zone is further from UTC than this, in seconds.
const ZONE_MAX_S: i64 = 14 * 3600;

/// How a phone's clock differs from this computer's; positive is ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skew {
    /// By so many seconds.
    Exact(i64),
    /// By so many seconds and an unknown number of quarters of an hour, because the phone does not say its zone.
    UpToZone(i64),
    /// By so many seconds, which no zone explains.
    BeyondZones(i64),
}

/// Reads a date; `None` if it is none.
#[must_use]
pub fn parse(text: &str) -> Option<PhoneDate> {
    PhoneDate::parse(text)
}

/// The newest of these texts; those that are no dates do not count.
pub fn newest<'a>(texts: impl Iterator<Item = &'a str>) -> Option<String> {
    let dated = texts.filter_map(|text| Some((parse(text)?, text)));
    let instant = |date: PhoneDate| date.local_s - date.zone_s.unwrap_or(0);
    dated.max_by_key(|(date, text)| (instant(*date), *text)).map(|(_, text)| text.to_owned())
}

/// A date as people read it, to the minute, in the phone's own time; the text itself if it is no date.
#[must_use]
pub fn spoken(text: &str) -> String {
    let whole = parse(text).and_then(|date| jiff::Timestamp::from_second(date.local_s).ok());
    whole.map_or_else(|| text.to_owned(), |time| time.strftime("%Y-%m-%d %H:%M").to_string())
}

/// How far the phone's clock is ahead when it shows `date` at `now_ms` milliseconds since 1970.
#[must_use]
pub fn skew(date: PhoneDate, now_ms: i64) -> Skew {
    let now_s = now_ms.div_euclid(1000);
    if let Some(zone_s) = date.zone_s {
        return Skew::Exact(date.local_s - zone_s - now_s);
    }
    let difference_s = date.local_s - now_s;
    let beyond = (difference_s + ZONE_STEP_S / 2).rem_euclid(ZONE_STEP_S) - ZONE_STEP_S / 2;
    if (difference_s - beyond).abs() > ZONE_MAX_S {
        Skew::BeyondZones(difference_s)
    } else {
        Skew::UpToZone(beyond)
    }
}

/// How far in the future a file's date surely is, in seconds; 0 if it need not be.
#[must_use]
pub fn future_s(date: PhoneDate, now_ms: i64) -> i64 {
    let earliest_s = date.local_s - date.zone_s.unwrap_or(ZONE_MAX_S);
    (earliest_s - now_ms.div_euclid(1000)).max(0)
}

/// How long ago a file's date surely is at least, in seconds; 0 if it may be now.
#[must_use]
pub fn age_s(date: PhoneDate, now_ms: i64) -> i64 {
    let latest_s = date.local_s - date.zone_s.unwrap_or(-ZONE_MAX_S);
    (now_ms.div_euclid(1000) - latest_s).max(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-20T12:00:00Z.
    const NOON_MS: i64 = 1_795_176_000_000;
    const NOON_S: i64 = NOON_MS / 1000;

    #[test]
    fn dates_are_read_in_every_form() {
        let plain = PhoneDate { local_s: NOON_S, zone_s: None };
        assert_eq!(parse("20261120T120000"), Some(plain));
        assert_eq!(parse("20261120T120000.7"), Some(plain));
        assert_eq!(parse("20261120T120000.0Z"), Some(PhoneDate { zone_s: Some(0), ..plain }));
        assert_eq!(parse("20261120T120000-0330"), Some(PhoneDate { zone_s: Some(-12_600), ..plain }));
        for text in
            ["", "20261120", "20261120 120000", "20261332T120000", "20261120T120000+02", "2026112éT1200"]
        {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn the_newest_goes_by_the_moment() {
        let texts = ["20261120T120000+0200", "20261120T110000Z", "junk", "20251120T120000"];
        assert_eq!(newest(texts.into_iter()).as_deref(), Some("20261120T110000Z"));
        assert_eq!(newest(std::iter::empty()), None);
        assert_eq!(spoken("20261120T110059"), "2026-11-20 11:00");
        assert_eq!(spoken("junk"), "junk");
    }

    #[test]
    fn a_clock_without_a_zone_is_told_up_to_quarters_of_an_hour() {
        let shows = |local_s, zone_s| skew(PhoneDate { local_s, zone_s }, NOON_MS);
        assert_eq!(shows(NOON_S + 3_607, Some(3_600)), Skew::Exact(7));
        assert_eq!(shows(NOON_S + 3_607, None), Skew::UpToZone(7));
        assert_eq!(shows(NOON_S - 12_600 - 40, None), Skew::UpToZone(-40));
        assert_eq!(shows(NOON_S + 14 * 3_600 + 90, None), Skew::UpToZone(90));
        assert_eq!(shows(NOON_S + 86_400, None), Skew::BeyondZones(86_400));
        assert_eq!(shows(0, None), Skew::BeyondZones(-NOON_S));
    }

    #[test]
    fn future_and_age_are_the_least_that_is_sure() {
        let date = |hours: i64, zone_s| PhoneDate { local_s: NOON_S + hours * 3_600, zone_s };
        assert_eq!(future_s(date(14, None), NOON_MS), 0);
        assert_eq!(future_s(date(15, None), NOON_MS), 3_600);
        assert_eq!(future_s(date(1, Some(0)), NOON_MS), 3_600);
        assert_eq!(age_s(date(-14, None), NOON_MS), 0);
        assert_eq!(age_s(date(-24, None), NOON_MS), 10 * 3_600);
        assert_eq!(age_s(date(-1, Some(0)), NOON_MS), 3_600);
    }
}
