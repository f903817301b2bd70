//! What speaks for and against two cards being one contact: reasons, their points, and the verdict.
//!
//! The points are whole numbers that a person can add up. Families share numbers and unrelated people share names, so
//! no single weak key reaches [`SAME_MIN`]. This file must not choose partners, and must not name a contact.

use super::equality::same_phone;
use super::matching::MatchKeys;
use super::matching_names::compare_names;

/// From so many points two cards are one contact.
pub const SAME_MIN: i32 = 80;
/// From so many points a person is asked.
pub const ASK_MIN: i32 = 40;

/// One reason for or against two cards being one contact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Evidence {
    /// They have the same UID.
    SameUid,
    /// They have the same name, in any letter case and composition.
    SameName,
    /// The names have the same words in another order.
    SameWords,
    /// The names are the same but for marks on letters, their spelling, or the order of East Asian letters.
    SameLetters,
    /// One name is part of the other: a middle name, an initial, a second family name.
    PartOfName,
    /// The given names are the same, the family names are not.
    SameGivenName,
    /// First and last name are the same, what stands between is not.
    OtherMiddleName,
    /// One is a junior, the other a senior.
    OtherGeneration,
    /// Only one of them is marked as a junior or senior.
    OneGeneration,
    /// The names have nothing in common, or a family name only.
    OtherName,
    /// They share a telephone number.
    SameNumber,
    /// They share an e-mail address.
    SameEmail,
    /// They have the same birthday.
    SameBirthday,
    /// They have different birthdays.
    OtherBirthday,
    /// More than one card fits as well.
    SeveralFit,
}

/// Everything that can be found, with its points, its word in JSON and in the database, and its words for people.
const TABLE: [(Evidence, i32, &str, &str); 15] = [
    (Evidence::SameUid, 120, "same-uid", "same UID"),
    (Evidence::SameName, 50, "same-name", "same name"),
    (Evidence::SameWords, 45, "same-words", "same name in another order"),
    (Evidence::SameLetters, 40, "same-letters", "same name but for accents or spelling"),
    (Evidence::PartOfName, 20, "part-of-name", "one name is part of the other"),
    (Evidence::SameGivenName, 5, "same-given-name", "same given name, other family name"),
    (Evidence::OtherMiddleName, 0, "other-middle-name", "other middle name"),
    (Evidence::OtherGeneration, -60, "other-generation", "one is a junior, the other a senior"),
    (Evidence::OneGeneration, -25, "one-generation", "only one is marked as junior or senior"),
    (Evidence::OtherName, -30, "other-name", "other name"),
    (Evidence::SameNumber, 40, "same-number", "same phone number"),
    (Evidence::SameEmail, 40, "same-email", "same e-mail address"),
    (Evidence::SameBirthday, 25, "same-birthday", "same birthday"),
    (Evidence::OtherBirthday, -35, "other-birthday", "other birthday"),
    (Evidence::SeveralFit, 0, "several-fit", "more than one card fits"),
];

impl Evidence {
    fn row(self) -> (i32, &'static str, &'static str) {
        let found = TABLE.iter().find(|(evidence, ..)| *evidence == self);
        found.map_or((0, "", ""), |(_, points, code, words)| (*points, *code, *words))
    }

    /// How much it counts; below zero it speaks against.
    #[must_use]
    pub fn points(self) -> i32 {
        self.row().0
    }

    /// The word in JSON and in the database; it never changes.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.row().1
    }

    /// The words for people, without the contact's data.
    #[must_use]
    pub fn words(self) -> &'static str {
        self.row().2
    }

    /// The evidence that is written so.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Self> {
        TABLE.iter().find(|(_, _, known, _)| *known == code).map(|(evidence, ..)| *evidence)
    }
}

/// The reasons as a clause: "same name, same phone number".
#[must_use]
pub fn evidence_words(reasons: &[Evidence]) -> String {
    reasons.iter().map(|reason| reason.words()).collect::<Vec<_>>().join(", ")
}

/// What is to be done about two cards.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// They are two contacts.
    Different,
    /// A person is asked.
    Ask,
    /// They are one contact.
    Same,
}

/// Two cards compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comparison {
    /// The sum of the points.
    pub score: i32,
    /// What was found, in the order of [`Evidence`].
    pub reasons: Vec<Evidence>,
}

impl Comparison {
    /// The verdict by the score alone.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self.score {
            SAME_MIN.. => Verdict::Same,
            ASK_MIN.. => Verdict::Ask,
            _ => Verdict::Different,
        }
    }
}

/// Compares two cards; the same whichever is left.
#[must_use]
pub fn compare_keys(left: &MatchKeys, right: &MatchKeys) -> Comparison {
    let mut reasons = Vec::new();
    if left.uid.is_some() && left.uid == right.uid {
        reasons.push(Evidence::SameUid);
    }
    let same_given = !left.given.is_empty() && left.given == right.given;
    reasons.extend(compare_names(&left.spoken, &right.spoken, same_given));
    if left.phones.iter().any(|one| right.phones.iter().any(|other| is_same_number(one, other))) {
        reasons.push(Evidence::SameNumber);
    }
    if left.emails.iter().any(|email| right.emails.contains(email)) {
        reasons.push(Evidence::SameEmail);
    }
    reasons.extend(compare_birthdays(left.birthday.as_deref(), right.birthday.as_deref()));
    reasons.sort_unstable();
    Comparison { score: reasons.iter().map(|reason| reason.points()).sum(), reasons }
}

/// Numbers with letters are the same only as they are typed.
fn is_same_number(left: &str, right: &str) -> bool {
    let has_letters = |number: &str| number.chars().any(|letter| letter.is_alphabetic() && letter != 'x');
    left == right || (!has_letters(left) && !has_letters(right) && same_phone(left, right))
}

/// Whole dates, or dates of which one has no year. Anything else says nothing.
fn compare_birthdays(left: Option<&str>, right: Option<&str>) -> Option<Evidence> {
    let day = |text: &str| -> Option<(Option<String>, String)> {
        let (year, day) = match text.strip_prefix("--") {
            Some(day) => (None, day),
            None => text.split_at_checked(4).map(|(year, day)| (Some(year.to_owned()), day))?,
        };
        let is_day = day.len() == 4 && day.bytes().all(|letter| letter.is_ascii_digit());
        is_day.then(|| (year, day.to_owned()))
    };
    let ((year, left), (other_year, right)) = (day(left?)?, day(right?)?);
    let same_year = year.is_none() || other_year.is_none() || year == other_year;
    Some(if left == right && same_year { Evidence::SameBirthday } else { Evidence::OtherBirthday })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_row_of_its_own() {
        let mut codes: Vec<&str> = TABLE.iter().map(|(_, _, code, _)| *code).collect();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), TABLE.len());
        for (evidence, ..) in TABLE {
            assert_eq!(Evidence::from_code(evidence.code()), Some(evidence));
            assert!(!evidence.words().is_empty());
        }
        assert_eq!(Evidence::from_code("no-such-code"), None);
    }

    #[test]
    fn no_weak_key_joins_alone() {
        for (evidence, points, ..) in
            TABLE.into_iter().filter(|(evidence, ..)| *evidence != Evidence::SameUid)
        {
            assert!(points < SAME_MIN, "{evidence:?}");
        }
        assert!(
            Evidence::SameUid.points() + Evidence::OtherBirthday.points() >= SAME_MIN,
            "an edit is no other person"
        );
    }

    #[test]
    fn birthdays_agree_by_what_both_say() {
        for (left, right, expected) in [
            ("19800229", "19800229", Some(Evidence::SameBirthday)),
            ("19800229", "--0229", Some(Evidence::SameBirthday)),
            ("19800229", "19810229", Some(Evidence::OtherBirthday)),
            ("--0228", "--0229", Some(Evidence::OtherBirthday)),
            ("1980", "19800229", None),
            ("spring", "19800229", None),
            ("été 1980", "19800229", None),
        ] {
            assert_eq!(compare_birthdays(Some(left), Some(right)), expected, "{left} {right}");
            assert_eq!(compare_birthdays(Some(right), Some(left)), expected, "{right} {left}");
        }
        assert_eq!(compare_birthdays(None, Some("19800229")), None);
    }
}
