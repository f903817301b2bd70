//! Dates and times as the versions write them: `1980-02-29` in 2.1 and 3.0 (RFC 2426 3.1.5), `19800229` in 4.0
//! (RFC 6350 4.3).
//!
//! It only changes the spelling. It knows no calendar beyond the number of days a month can have.

/// A date or date and time, in parts. A part that is not known is `None`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct DateText {
    year: Option<u16>,
    month: Option<u8>,
    day: Option<u8>,
    time: Option<TimeText>,
}

/// A time of day: digits only, and the zone as it is written in 4.0.
#[derive(Clone, Debug, PartialEq, Eq)]
struct TimeText {
    digits: String,
    zone: String,
}

impl DateText {
    /// Reads either spelling: `1980-02-29`, `19800229`, `--02-29`, `--0229`, `1980-02`, `1980`, `---29`, each with
    /// `T` and a time behind it if need be. `None` for anything else.
    pub(super) fn parse(text: &str) -> Option<DateText> {
        let text = text.trim();
        let (date, time) = match text.split_once(['T', 't', ' ']) {
            Some((date, time)) => (date, Some(parse_time(time)?)),
            None => (text, None),
        };
        let (year, month, day) = parse_date(date)?;
        let month_is_real = month.is_none_or(|month| (1..=12).contains(&month));
        let days = match month {
            Some(2) => 29,
            Some(4 | 6 | 9 | 11) => 30,
            _ => 31,
        };
        let day_is_real = day.is_none_or(|day| (1..=days).contains(&day));
        (month_is_real && day_is_real).then_some(DateText { year, month, day, time })
    }

    /// The same without its year, if that is the year given: how Apple marks that a birthday has none.
    pub(super) fn without_year(mut self, placeholder: u16) -> DateText {
        if self.year == Some(placeholder) && self.month.is_some() {
            self.year = None;
        }
        self
    }

    /// Whether year, month, day and time are all there, as a timestamp needs them (RFC 6350 4.3.5).
    pub(super) fn is_timestamp(&self) -> bool {
        self.year.is_some()
            && self.month.is_some()
            && self.day.is_some()
            && self.time.as_ref().is_some_and(|time| time.digits.len() == 6)
    }

    /// The basic spelling of 4.0.
    pub(super) fn basic(&self) -> String {
        let date = match (self.year, self.month, self.day) {
            (Some(year), Some(month), Some(day)) => format!("{year:04}{month:02}{day:02}"),
            (Some(year), Some(month), None) => format!("{year:04}-{month:02}"),
            (Some(year), None, _) => format!("{year:04}"),
            (None, Some(month), Some(day)) => format!("--{month:02}{day:02}"),
            (None, Some(month), None) => format!("--{month:02}"),
            (None, None, Some(day)) => format!("---{day:02}"),
            (None, None, None) => String::new(),
        };
        match &self.time {
            Some(time) => format!("{date}T{}{}", time.digits, time.zone),
            None => date,
        }
    }

    /// The extended spelling of 2.1 and 3.0; without a year as Android writes it, `--02-29`.
    pub(super) fn extended(&self) -> String {
        let date = match (self.year, self.month, self.day) {
            (Some(year), Some(month), Some(day)) => format!("{year:04}-{month:02}-{day:02}"),
            (None, Some(month), Some(day)) => format!("--{month:02}-{day:02}"),
            _ => DateText { time: None, ..self.clone() }.basic(),
        };
        match &self.time {
            Some(time) => {
                let pairs: Vec<String> = time
                    .digits
                    .as_bytes()
                    .chunks(2)
                    .map(|pair| String::from_utf8_lossy(pair).into_owned())
                    .collect();
                let zone = match (time.zone.get(..3), time.zone.get(3..)) {
                    (Some(hours), Some(minutes)) if !minutes.is_empty() => format!("{hours}:{minutes}"),
                    _ => time.zone.clone(),
                };
                format!("{date}T{}{zone}", pairs.join(":"))
            }
            None => date,
        }
    }
}

type Parts = (Option<u16>, Option<u8>, Option<u8>);

fn parse_date(date: &str) -> Option<Parts> {
    if let Some(day) = date.strip_prefix("---") {
        return Some((None, None, Some(number(day, 2)?)));
    }
    if let Some(rest) = date.strip_prefix("--") {
        let (month, day) = match rest.split_once('-') {
            Some((month, day)) => (month, Some(day)),
            None if rest.len() == 4 => rest.split_at_checked(2).map(|(month, day)| (month, Some(day)))?,
            None => (rest, None),
        };
        let day = match day {
            Some(day) => Some(number(day, 2)?),
            None => None,
        };
        return Some((None, Some(number(month, 2)?), day));
    }
    if let Some((year, rest)) = date.split_once('-') {
        let year = number(year, 4)?;
        return match rest.split_once('-') {
            Some((month, day)) => Some((Some(year), Some(number(month, 2)?), Some(number(day, 2)?))),
            None => Some((Some(year), Some(number(rest, 2)?), None)),
        };
    }
    let year = number(date.get(..4)?, 4)?;
    match date.len() {
        4 => Some((Some(year), None, None)),
        8 => Some((Some(year), Some(number(date.get(4..6)?, 2)?), Some(number(date.get(6..8)?, 2)?))),
        _ => None,
    }
}

fn number<T: std::str::FromStr>(digits: &str, length: usize) -> Option<T> {
    (digits.len() == length && digits.bytes().all(|byte| byte.is_ascii_digit()))
        .then(|| digits.parse().ok())
        .flatten()
}

/// Reads `10:22:00Z`, `102200+0100`, `10:22`; fractions of a second are left out, as 4.0 has none.
fn parse_time(time: &str) -> Option<TimeText> {
    let zone_at = time.find(['Z', 'z', '+', '-']).unwrap_or(time.len());
    let (clock, zone) = time.split_at_checked(zone_at)?;
    let clock = clock.split(['.', ',']).next().unwrap_or_default();
    let digits: String = clock.chars().filter(|character| *character != ':').collect();
    let zone: String = zone.chars().filter(|character| *character != ':').collect::<String>().to_uppercase();
    let zone_is_real = match zone.split_at_checked(1) {
        None | Some(("Z", "")) => true,
        Some(("+" | "-", offset)) => number::<u16>(offset, 4).is_some() || number::<u16>(offset, 2).is_some(),
        Some(_) => false,
    };
    let pair = |at: usize, limit: u8| {
        digits.get(at..at + 2).is_none_or(|two| number(two, 2).is_some_and(|n: u8| n < limit))
    };
    let clock_is_real = matches!(digits.len(), 2 | 4 | 6)
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && pair(0, 24)
        && pair(2, 60)
        && pair(4, 61);
    (zone_is_real && clock_is_real).then_some(TimeText { digits, zone })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(text: &str) -> Option<(String, String)> {
        DateText::parse(text).map(|date| (date.basic(), date.extended()))
    }

    #[test]
    fn spellings() {
        for (text, basic, extended) in [
            ("1980-02-29", "19800229", "1980-02-29"),
            ("19800229", "19800229", "1980-02-29"),
            ("--02-29", "--0229", "--02-29"),
            ("--0229", "--0229", "--02-29"),
            ("1980-02", "1980-02", "1980-02"),
            ("1980", "1980", "1980"),
            ("---29", "---29", "---29"),
            ("19951031T222710Z", "19951031T222710Z", "1995-10-31T22:27:10Z"),
            ("1995-10-31T22:27:10.5+01:00", "19951031T222710+0100", "1995-10-31T22:27:10+01:00"),
        ] {
            assert_eq!(both(text), Some((basic.to_owned(), extended.to_owned())), "{text}");
        }
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "circa 1800",
            "1980-13-01",
            "19800231x",
            "1980-02-30",
            "12.4.1980",
            "1980-02-01T25:00:00",
            "é123",
        ] {
            assert_eq!(DateText::parse(text), None, "{text}");
        }
    }

    #[test]
    fn apple_placeholder_year() {
        let date = DateText::parse("1604-02-29").unwrap();
        assert_eq!(date.clone().without_year(1604).basic(), "--0229");
        assert_eq!(date.without_year(1605).basic(), "16040229");
    }
}
