//! An MTP DateTime as a moment (MTP 1.1, 3.2.5): `YYYYMMDDThhmmss`, then perhaps `.s`, then perhaps `Z` or `+hhmm`. Pure.
//! It must not be used to decide whether an object changed: that is by the texts alone.

use jiff::civil::DateTime;
use jiff::tz::Offset;

/// What a DateTime text says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MtpDate {
    /// Seconds since 1970 as if the date were UTC.
    pub local_s: i64,
    /// How far its zone is ahead of UTC, in seconds, if the date says it.
    pub zone_s: Option<i64>,
}

impl MtpDate {
    /// Reads a DateTime text; `None` if it is none.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text.get(8..9) != Some("T") {
            return None;
        }
        let number = |start: usize, length: usize| -> Option<i64> {
            let digits = text.get(start..start.checked_add(length)?)?;
            if digits.bytes().all(|byte| byte.is_ascii_digit()) { digits.parse().ok() } else { None }
        };
        let small = |start: usize| i8::try_from(number(start, 2)?).ok();
        let year = i16::try_from(number(0, 4)?).ok()?;
        let date = DateTime::new(year, small(4)?, small(6)?, small(9)?, small(11)?, small(13)?, 0).ok()?;
        let local_s = Offset::UTC.to_timestamp(date).ok()?.as_second();
        let rest =
            text.get(15..)?.trim_start_matches(|letter: char| letter == '.' || letter.is_ascii_digit());
        let zone_s = match (rest.chars().next(), rest.get(1..)) {
            (None, _) => None,
            (Some('Z'), Some("")) => Some(0),
            (Some(sign @ ('+' | '-')), Some(zone))
                if zone.len() == 4 && zone.bytes().all(|byte| byte.is_ascii_digit()) =>
            {
                let digits: i64 = zone.parse().ok()?;
                let (hours, minutes) = (digits / 100, digits % 100);
                if hours > 23 || minutes > 59 {
                    return None;
                }
                let seconds = (hours * 60 + minutes) * 60;
                Some(if sign == '-' { -seconds } else { seconds })
            }
            _ => return None,
        };
        Some(Self { local_s, zone_s })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_that_is_none_makes_no_date() {
        let date = |zone: &str| MtpDate::parse(&format!("20261121T060000{zone}"));
        assert_eq!(date("+0530").and_then(|date| date.zone_s), Some(19_800));
        assert_eq!(date("-0800").and_then(|date| date.zone_s), Some(-28_800));
        assert_eq!(date("Z").and_then(|date| date.zone_s), Some(0));
        assert_eq!(date("").map(|date| date.zone_s), Some(None));
        // The fuzzer found the first one, which was taken for a zone of more than four days.
        for zone in ["+9974", "+2400", "-0060", "+053", "+05300", "+05:30", "z"] {
            assert_eq!(date(zone), None, "{zone}");
        }
    }
}
