//! Telephone numbers of one country: which number abroad a number written for inside the country is (E.164), and which
//! country a set of numbers is from.
//!
//! This is evidence for finding who is who. It must not decide what counts as an edit and must not change a card: there
//! a number is what a person typed. The numbering plans are loaded when the first number needs them, not before.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use phonenumber::country::{Id, Source};
use phonenumber::metadata::DATABASE;
use phonenumber::{Mode, PhoneNumber};

/// So many numbers with a country code are looked at to find out the country; they are taken evenly from all of them.
const SAMPLE_MAX: usize = 256;
/// So many numbers must be of a country before it counts.
const FLOOR: usize = 5;
/// So many digits has a number without its national prefix at least, if it is not a service of its country.
const SUBSCRIBER_DIGITS_MIN: usize = 5;

/// A country with a numbering plan, by its two letters (ISO 3166-1).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Country(Id);

impl Country {
    /// The two letters, as in `NO`.
    #[must_use]
    pub fn code(&self) -> &str {
        self.0.as_ref()
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Country({})", self.code())
    }
}

impl FromStr for Country {
    type Err = &'static str;

    /// Reads the two letters of ISO 3166-1, in any case.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let upper = text.trim().to_ascii_uppercase();
        let is_code = upper.len() == 2 && upper.bytes().all(|letter| letter.is_ascii_uppercase());
        let known = is_code.then(|| Id::from_str(&upper).ok()).flatten();
        known.map(Self).ok_or("there is no country with these two letters")
    }
}

/// The number with `+` and country code (E.164) that `dialled`, a number in normal form, is when it is dialled inside
/// `country`. `None` where it stays as it was typed: it has a country code already, it is a short number or a service
/// code, or it has an extension, a pause, `*`, `#` or letters.
///
/// A number that begins with the national prefix `0` needs no more than some digits behind it, for people note
/// numbers that no plan knows. Any other must be a whole number of the country's plan.
#[must_use]
pub fn international(dialled: &str, country: Country) -> Option<String> {
    let is_plain = dialled.bytes().all(|letter| letter.is_ascii_digit());
    if !is_plain || dialled.len() <= SUBSCRIBER_DIGITS_MIN {
        return None;
    }
    let number = phonenumber::parse(Some(country.0), dialled).ok()?;
    let plan = DATABASE.by_id(country.code())?;
    let is_home = number.code().source() == Source::Default;
    let after_prefix = plan.national_prefix().filter(|prefix| *prefix == "0" && is_home);
    let after_prefix = after_prefix.and_then(|prefix| dialled.strip_prefix(prefix));
    let is_written_out = after_prefix.is_some_and(|rest| {
        rest.len() >= SUBSCRIBER_DIGITS_MIN && !rest.starts_with('0') && is_as_dialled(&number, rest)
    });
    // "49 170 1234567": a country code without its plus sign is a guess, however well it fits.
    // In North America the national prefix looks like one and is none.
    let is_prefixed = || plan.national_prefix().is_some_and(|prefix| dialled.starts_with(prefix));
    let is_guess = number.code().source() == Source::Number && !is_prefixed();
    let may_be_whole = !is_guess && phonenumber::is_valid(&number);
    (is_written_out || may_be_whole).then(|| number.format().mode(Mode::E164).to_string())
}

/// Whether the library took away the national prefix and nothing else (a code for a carrier, a city's own digits).
fn is_as_dialled(number: &PhoneNumber, rest: &str) -> bool {
    number.format().mode(Mode::E164).to_string().ends_with(rest)
}

/// The country that most of the numbers with a country code are from; `None` where there are too few of them, or no
/// country has two thirds. Numbers are in normal form; neither their order nor repetitions count.
#[must_use]
pub fn country_of<'a>(numbers: impl Iterator<Item = &'a str>) -> Option<Country> {
    let mut abroad: Vec<&str> =
        numbers.filter(|number| number.starts_with('+') && number.len() > SUBSCRIBER_DIGITS_MIN).collect();
    abroad.sort_unstable();
    abroad.dedup();
    if abroad.len() < FLOOR {
        return None;
    }
    let step = abroad.len().div_ceil(SAMPLE_MAX);
    let mut countries: BTreeMap<&'static str, (usize, Country)> = BTreeMap::new();
    let mut sampled = 0;
    for number in abroad.iter().step_by(step) {
        sampled += 1;
        if let Some((code, country)) = country_of_number(number) {
            countries.entry(code).or_insert((0, country)).0 += 1;
        }
    }
    let (count, country) = countries.into_values().max_by_key(|(count, _)| *count)?;
    (count >= FLOOR && count * 3 >= sampled * 2).then_some(country)
}

fn country_of_number(number: &str) -> Option<(&'static str, Country)> {
    let number = phonenumber::parse(None, number).ok()?;
    // Several countries share a code; where the digits do not tell which, the plan names the main one first.
    let main = || DATABASE.by_code(&number.code().value())?.first().and_then(|plan| plan.id().parse().ok());
    let id: Id = number.country().id().or_else(main)?;
    let plan = DATABASE.by_id(id.as_ref())?;
    Some((plan.id(), Country(id)))
}

#[cfg(test)]
mod tests {
    use super::super::equality::normal_phone;
    use super::*;

    fn abroad(country: &str, typed: &str) -> Option<String> {
        international(&normal_phone(typed), country.parse().unwrap())
    }

    #[test]
    fn a_number_for_inside_the_country_gets_its_country_code() {
        for (country, typed, whole) in [
            ("DE", "0170 123", "+49170123"),
            ("DE", "0170 1234567", "+491701234567"),
            ("DE", "(030) 12 34 56 7", "+49301234567"),
            ("NO", "22 12 34 56", "+4722123456"),
            ("US", "(212) 555-0100", "+12125550100"),
            ("US", "1 212 555 0100", "+12125550100"),
            ("IT", "06 1234 5678", "+390612345678"),
            ("IT", "339 123 4567", "+393391234567"),
            ("FR", "01 23 45 67 89", "+33123456789"),
            ("HU", "06 20 123 4567", "+36201234567"),
            ("RU", "8 912 345 67 89", "+79123456789"),
            ("GB", "07400 123456", "+447400123456"),
            ("IN", "०९८७६५४३२१०", "+919876543210"),
            ("AR", "011 15-2345-6789", "+5491123456789"),
            ("ES", "612 345 678", "+34612345678"),
        ] {
            assert_eq!(abroad(country, typed).as_deref(), Some(whole), "{country} {typed}");
        }
    }

    #[test]
    fn what_is_no_number_of_a_subscriber_stays_as_typed() {
        for (country, typed) in [
            ("DE", "110"),
            ("DE", "112"),
            ("DE", "116117"),
            ("DE", "*100#"),
            ("DE", "0170 1234567 x12"),
            ("DE", "0170 1234567,,3"),
            ("DE", "+49 170 1234567"),
            ("DE", "1234567"),
            ("DE", "49 170 1234567"),
            ("US", "555 0100"),
            ("US", "911"),
            ("NO", "02800"),
            ("DE", "unknown"),
            ("DE", ""),
        ] {
            assert_eq!(abroad(country, typed), None, "{country} {typed}");
        }
    }

    #[test]
    fn countries_are_known_by_their_two_letters() {
        assert_eq!("no".parse::<Country>().unwrap().code(), "NO");
        for wrong in ["", "N", "NOR", "Norway", "47", "XX", "ÄÖ"] {
            assert!(wrong.parse::<Country>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_country_is_inferred_from_a_clear_majority_only() {
        let many = |prefix: &str, count: usize| -> Vec<String> {
            (0..count).map(|number| format!("{prefix}{number:04}")).collect()
        };
        let code = |numbers: &[String]| {
            country_of(numbers.iter().map(String::as_str)).map(|country| country.code().to_owned())
        };
        assert_eq!(code(&many("+49170123", 5)).as_deref(), Some("DE"));
        assert_eq!(code(&many("+49170123", 4)), None, "too few");
        assert_eq!(code(&[many("+4722123", 0), many("+49170123", 6), many("+4740612", 5)].concat()), None);
        assert_eq!(code(&[many("+4740612", 20), many("+49170123", 6)].concat()).as_deref(), Some("NO"));
        assert_eq!(code(&many("+39061234", 9)).as_deref(), Some("IT"));
        assert_eq!(code(&many("+1212555", 9)).as_deref(), Some("US"));
        assert_eq!(code(&many("0170123", 90)), None, "numbers for inside a country say nothing");
        let mut doubled = many("+49170123", 4);
        doubled.extend(doubled.clone());
        assert_eq!(code(&doubled), None, "a number counts once");
        let mut backwards = [many("+4740612", 700), many("+49170123", 100)].concat();
        let forwards = code(&backwards);
        backwards.reverse();
        assert_eq!((forwards.as_deref(), &forwards), (Some("NO"), &code(&backwards)));
    }
}
