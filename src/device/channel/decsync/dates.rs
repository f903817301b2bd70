//! The two kinds of dates that meet here: DecSync's, in UTC, and those of a phone's files, often without a zone. Pure.

pub use crate::mtp::MtpDate as FileDate;

/// Reads a DecSync datetime, `YYYY-MM-DDTHH:MM:SS`, into seconds since 1970.
#[must_use]
pub fn parse_datetime(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let separators = [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')];
    if bytes.len() != 19 || separators.iter().any(|(at, byte)| bytes.get(*at) != Some(byte)) {
        return None;
    }
    // Without its separators it is written as a phone writes its dates.
    FileDate::parse(&compact(text)).map(|date| date.local_s)
}

/// A DecSync datetime of seconds since 1970; empty outside the years that have four digits.
#[must_use]
pub fn datetime_text(seconds: i64) -> String {
    let time = jiff::Timestamp::from_second(seconds).ok();
    time.map(|time| time.strftime("%Y-%m-%dT%H:%M:%S").to_string()).unwrap_or_default()
}

/// A DecSync datetime in the form of an MTP DateTime, by which stamps are ordered; without separators.
#[must_use]
pub fn compact(datetime: &str) -> String {
    datetime.chars().filter(|letter| !matches!(letter, '-' | ':')).collect()
}

/// Reads an MTP DateTime: `YYYYMMDDThhmmss`, perhaps with fractions, perhaps with `Z` or `+hhmm`; or a date of a
/// directory of this computer: RFC 3339 in UTC.
#[must_use]
pub fn parse_file_date(text: &str) -> Option<FileDate> {
    if let (Some(local_s), Some(true)) = (text.get(..19).and_then(parse_datetime), text.get(19..).map(is_utc))
    {
        return Some(FileDate { local_s, zone_s: Some(0) });
    }
    FileDate::parse(text)
}

/// Whether this is what follows the second in an RFC 3339 date in UTC.
fn is_utc(rest: &str) -> bool {
    let fraction = rest.strip_suffix('Z').unwrap_or("-");
    fraction.chars().all(|letter| letter == '.' || letter.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-11-20T12:00:00Z.
    const NOON_S: i64 = 1_795_176_000;

    #[test]
    fn both_kinds_are_read() {
        assert_eq!(parse_datetime("2026-11-20T12:00:00"), Some(NOON_S));
        assert_eq!(datetime_text(NOON_S), "2026-11-20T12:00:00");
        assert_eq!(compact("2026-11-20T12:00:00"), "20261120T120000");
        let date = |zone_s| Some(FileDate { local_s: NOON_S, zone_s });
        assert_eq!(parse_file_date("20261120T120000"), date(None));
        assert_eq!(parse_file_date("20261120T120000.123456789Z"), date(Some(0)));
        assert_eq!(parse_file_date("20261120T120000-0330"), date(Some(-12_600)));
        for text in ["", "2026-11-20", "2026-11-20T12:00:0x", "2026-13-20T12:00:00", "2026-11-20T12:00:00Z"] {
            assert_eq!(parse_datetime(text), None, "{text}");
        }
        assert_eq!(parse_file_date("2026-11-20T12:00:00.123456789Z"), date(Some(0)));
        assert_eq!(parse_file_date("2026-11-20T12:00:00Z"), date(Some(0)));
        for text in [
            "",
            "20261120",
            "2026-11-20T12:00:00",
            "2026-11-20T12:00:00+01:00",
            "20261120T120000+2",
            "20261120T120000+éé",
            "20261120T12000é",
        ] {
            assert_eq!(parse_file_date(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn the_texts_order_as_the_moments_do(left in 0_i64..4_000_000_000, right in 0_i64..4_000_000_000) {
            prop_assert_eq!(left.cmp(&right), datetime_text(left).cmp(&datetime_text(right)));
            prop_assert_eq!(parse_datetime(&datetime_text(left)), Some(left));
        }

        #[test]
        fn no_text_is_a_surprise(text in ".*") {
            let _ = (parse_datetime(&text), parse_file_date(&text));
        }
    }
}
