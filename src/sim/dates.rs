//! Dates as responders write and read them: `YYYYMMDDThhmmss[.s][Z or ±hhmm]` (MTP 1.1 3.2.5).
//!
//! It must not ask anybody for the time or the time zone; both are given.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;

/// What follows the seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suffix {
    /// Nothing; the reader has to guess the zone.
    None,
    /// `±hhmm`.
    Offset,
}

/// The date's text at `offset_minutes` east of UTC, in whole seconds.
#[must_use]
pub fn format_date(milliseconds: i64, offset_minutes: i32, suffix: Suffix) -> String {
    let offset = offset(offset_minutes);
    let timestamp = Timestamp::from_millisecond(milliseconds).unwrap_or(Timestamp::UNIX_EPOCH);
    let date = offset.to_datetime(timestamp);
    let mut text = String::with_capacity(20);
    let year = date.year().max(0);
    digits(&mut text, i32::from(year / 100));
    digits(&mut text, i32::from(year % 100));
    digits(&mut text, i32::from(date.month()));
    digits(&mut text, i32::from(date.day()));
    text.push('T');
    digits(&mut text, i32::from(date.hour()));
    digits(&mut text, i32::from(date.minute()));
    digits(&mut text, i32::from(date.second()));
    if suffix == Suffix::Offset {
        let minutes = offset.seconds() / 60;
        text.push(if minutes < 0 { '-' } else { '+' });
        digits(&mut text, minutes.abs() / 60);
        digits(&mut text, minutes.abs() % 60);
    }
    text
}

/// Reads a date. One without a suffix is taken at `offset_minutes`; one with `±hhmm` as well if
/// `ignores_offset`, as Android does. `None` if it is no date.
#[must_use]
pub fn parse_date(text: &str, offset_minutes: i32, ignores_offset: bool) -> Option<i64> {
    let (date, rest) = text.split_at_checked(15)?;
    let number = |range: std::ops::Range<usize>| -> Option<i16> {
        let digits = date.get(range)?;
        if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
    };
    let small = |range: std::ops::Range<usize>| -> Option<i8> { i8::try_from(number(range)?).ok() };
    if date.get(8..9)? != "T" {
        return None;
    }
    let civil = DateTime::new(
        number(0..4)?,
        small(4..6)?,
        small(6..8)?,
        small(9..11)?,
        small(11..13)?,
        small(13..15)?,
        0,
    )
    .ok()?;
    let rest = match rest.strip_prefix('.') {
        Some(tenths) => tenths.trim_start_matches(|character: char| character.is_ascii_digit()),
        None => rest,
    };
    let zone = match rest {
        "" => offset(offset_minutes),
        "Z" => Offset::UTC,
        signed => {
            let (sign, digits) = match signed.split_at_checked(1)? {
                ("+", digits) => (1, digits),
                ("-", digits) => (-1, digits),
                _ => return None,
            };
            let hours: i32 = digits.get(0..2)?.parse().ok()?;
            let minutes: i32 = digits.get(2..4)?.parse().ok()?;
            let given = sign * (hours * 60 + minutes);
            offset(if ignores_offset { offset_minutes } else { given })
        }
    };
    zone.to_timestamp(civil).ok().map(Timestamp::as_millisecond)
}

/// Two decimal digits; written by hand because listings have thousands of dates.
fn digits(text: &mut String, number: i32) {
    for digit in [number / 10 % 10, number % 10] {
        text.push(u32::try_from(digit).ok().and_then(|digit| char::from_digit(digit, 10)).unwrap_or('0'));
    }
}

fn offset(minutes: i32) -> Offset {
    Offset::from_seconds(minutes.saturating_mul(60)).unwrap_or(Offset::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND_OF_JANUARY_2010: i64 = 1_262_427_072_000;

    #[test]
    fn dates_are_written_in_their_zone() {
        assert_eq!(format_date(SECOND_OF_JANUARY_2010, 0, Suffix::None), "20100102T101112");
        assert_eq!(format_date(SECOND_OF_JANUARY_2010 + 999, 0, Suffix::None), "20100102T101112");
        assert_eq!(format_date(SECOND_OF_JANUARY_2010, 120, Suffix::None), "20100102T121112");
        assert_eq!(format_date(SECOND_OF_JANUARY_2010, 120, Suffix::Offset), "20100102T121112+0200");
        assert_eq!(format_date(SECOND_OF_JANUARY_2010, -210, Suffix::Offset), "20100102T064112-0330");
        assert_eq!(format_date(i64::MAX, 0, Suffix::None), "19700101T000000");
    }

    #[test]
    fn dates_are_read_with_and_without_zone() {
        let expected = Some(SECOND_OF_JANUARY_2010);
        assert_eq!(parse_date("20100102T101112Z", 120, false), expected);
        assert_eq!(parse_date("20100102T121112", 120, false), expected);
        assert_eq!(parse_date("20100102T101112.5Z", 120, false), expected);
        assert_eq!(parse_date("20100102T111112+0100", 120, false), expected);
        assert_eq!(parse_date("20100102T121112-0500", 120, true), expected);
        for wrong in
            ["", "20100102", "20101302T101112", "2010-01-02T101112", "20100102T101112+1", "2010010éT101112"]
        {
            assert_eq!(parse_date(wrong, 0, false), None, "{wrong}");
        }
    }
}
