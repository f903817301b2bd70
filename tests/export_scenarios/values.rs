//! What a card says of a person, as the tests compare it: every value that somebody typed occurs once in the world,
//! but for the numbers that people share.

use std::collections::BTreeSet;

use tetherbook::contact::{Card, Limits, read_cards};

use crate::exporters::{Kind, Person};

/// What is known of one person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Values {
    pub given: String,
    pub family: String,
    pub organisation: String,
    pub title: String,
    pub note: String,
    pub numbers: BTreeSet<String>,
    pub mails: BTreeSet<String>,
}

/// The fields of which there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Single {
    Given,
    Family,
    Organisation,
    Title,
    Note,
}

pub const SINGLES: [Single; 5] =
    [Single::Given, Single::Family, Single::Organisation, Single::Title, Single::Note];

impl Values {
    pub fn single(&self, single: Single) -> &String {
        match single {
            Single::Given => &self.given,
            Single::Family => &self.family,
            Single::Organisation => &self.organisation,
            Single::Title => &self.title,
            Single::Note => &self.note,
        }
    }

    pub fn single_mut(&mut self, single: Single) -> &mut String {
        match single {
            Single::Given => &mut self.given,
            Single::Family => &mut self.family,
            Single::Organisation => &mut self.organisation,
            Single::Title => &mut self.title,
            Single::Note => &mut self.note,
        }
    }

    pub fn name(&self) -> String {
        format!("{} {}", self.given, self.family).trim().to_owned()
    }

    /// What a screen shows for them.
    pub fn shown(&self) -> String {
        if self.name().is_empty() { self.organisation.clone() } else { self.name() }
    }

    pub fn of_person(person: &Person) -> Self {
        Self {
            given: person.given.clone(),
            family: person.family.clone(),
            organisation: person.organisation.clone(),
            title: person.title.clone(),
            note: person.note.clone(),
            numbers: person.numbers.iter().map(|(_, number)| digits(number)).collect(),
            mails: person.mails.iter().map(|(_, mail)| mail.clone()).collect(),
        }
    }

    pub fn of_card(card: &Card) -> Self {
        Self::of_person(&person_of(card))
    }
}

/// The digits of a number.
pub fn digits(number: &str) -> String {
    number.chars().filter(char::is_ascii_digit).collect()
}

/// The cards in a file.
pub fn cards_of(bytes: &[u8]) -> Vec<Card> {
    let found = read_cards(bytes, "file", &Limits::default());
    found.into_iter().map(|framed| framed.unwrap().card).collect()
}

/// What a phone's import makes of a card.
pub fn person_of(card: &Card) -> Person {
    let mut person = Person::default();
    for property in card.properties() {
        let kinds = property.types();
        let kind =
            [("cell", Kind::Mobile), ("fax", Kind::WorkFax), ("work", Kind::Work), ("home", Kind::Home)]
                .into_iter()
                .find(|(word, _)| kinds.contains(*word))
                .map_or(Kind::Other, |(_, kind)| kind);
        match property.name.as_str() {
            "N" => {
                let parts = property.components();
                let part = |index: usize| parts.get(index).cloned().unwrap_or_default();
                (person.family, person.given) = (part(0), part(1));
                (person.middle, person.prefix, person.suffix) = (part(2), part(3), part(4));
            }
            "TEL" => person.numbers.push((kind, property.text())),
            "EMAIL" => person.mails.push((kind, property.text())),
            "ORG" => person.organisation = property.components().first().cloned().unwrap_or_default(),
            "TITLE" => person.title = property.text(),
            "NOTE" => person.note = property.text(),
            "NICKNAME" => person.nickname = property.text(),
            _ => {}
        }
    }
    person
}

/// The shown name of a card.
pub fn shown_name_of(card: &Card) -> String {
    let properties = card.properties();
    let shown = properties.iter().find(|property| property.name == "FN");
    shown.map(tetherbook::contact::Property::text).unwrap_or_default()
}
