//! What a list, a search or a column of the store shows of a card.
//!
//! It must not be used to compare or to write cards: it leaves out most of them.

use std::fmt;

use super::card::Card;
use super::equality::normal_phone;
use super::glance::{PlainLine, plain_line};
use super::property::Property;

/// The parts of a card that people look for. `Debug` shows no content.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Summary {
    /// The formatted name (FN).
    pub formatted_name: Option<String>,
    /// The given name (second component of N).
    pub given: Option<String>,
    /// The family name (first component of N).
    pub family: Option<String>,
    /// The organisation (ORG), its units behind commas.
    pub org: Option<String>,
    /// The job title.
    pub title: Option<String>,
    /// The birthday as the card has it.
    pub bday: Option<String>,
    /// The notes, one below the other.
    pub note: Option<String>,
    /// The categories, in order.
    pub categories: Vec<String>,
    /// The e-mail addresses in order: the address and its types, joined with commas.
    pub emails: Vec<(String, String)>,
    /// The telephone numbers in order: the number as the card has it, its digits, and its types, joined with
    /// commas.
    pub tels: Vec<(String, String, String)>,
    /// Whether there is a photo, inline or by address.
    pub has_photo: bool,
}

impl fmt::Debug for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Summary")
            .field("emails", &self.emails.len())
            .field("tels", &self.tels.len())
            .field("has_photo", &self.has_photo)
            .finish_non_exhaustive()
    }
}

impl Card {
    /// What a list or a search shows of the card.
    #[must_use]
    pub fn summary(&self) -> Summary {
        let mut summary = Summary::default();
        for property in &self.properties() {
            add(&mut summary, property);
        }
        summary
    }

    /// The name to show, one line: FN; else given and family name; else organisation, nickname, e-mail address or number;
    /// else "(no name)". Never empty.
    #[must_use]
    pub fn display_name(&self) -> String {
        self.shown_name().unwrap_or_else(|| "(no name)".to_owned())
    }

    /// The name to show, if the card has anything that could be one.
    pub(super) fn shown_name(&self) -> Option<String> {
        if let PlainLine::Value(name) = plain_line(self.as_bytes(), b"FN")
            && let Some(name) = filled(name)
        {
            return Some(name.split_whitespace().collect::<Vec<_>>().join(" "));
        }
        let properties = self.properties();
        let first = |name: &str, read: &dyn Fn(&Property) -> Option<String>| {
            properties.iter().filter(|property| property.name == name).find_map(read)
        };
        let name = first("FN", &|property| filled(&property.text()))
            .or_else(|| {
                first("N", &|property| {
                    let components = property.components();
                    let words: Vec<String> =
                        [1, 0].into_iter().filter_map(|at| filled(components.get(at)?)).collect();
                    filled(&words.join(" "))
                })
            })
            .or_else(|| first("ORG", &organisation))
            .or_else(|| first("NICKNAME", &|property| property.list().iter().find_map(|item| filled(item))))
            .or_else(|| first("EMAIL", &|property| filled(&property.text())))
            .or_else(|| first("TEL", &|property| filled(&telephone(property))));
        name.map(|name| name.split_whitespace().collect::<Vec<_>>().join(" "))
    }
}

fn add(summary: &mut Summary, property: &Property) {
    let types = || property.types().into_iter().collect::<Vec<_>>().join(",");
    match property.name.as_str() {
        "FN" => set(&mut summary.formatted_name, filled(&property.text())),
        "N" => {
            let components = property.components();
            set(&mut summary.family, components.first().and_then(|family| filled(family)));
            set(&mut summary.given, components.get(1).and_then(|given| filled(given)));
        }
        "ORG" => set(&mut summary.org, organisation(property)),
        "TITLE" => set(&mut summary.title, filled(&property.text())),
        "BDAY" => set(&mut summary.bday, filled(&property.text())),
        "NOTE" => {
            if let Some(note) = filled(&property.text()) {
                match &mut summary.note {
                    Some(notes) => {
                        notes.push('\n');
                        notes.push_str(&note);
                    }
                    None => summary.note = Some(note),
                }
            }
        }
        "CATEGORIES" => summary.categories.extend(property.list().iter().filter_map(|item| filled(item))),
        "EMAIL" => {
            if let Some(address) = filled(&property.text()) {
                summary.emails.push((address, types()));
            }
        }
        "TEL" => {
            if let Some(number) = filled(&telephone(property)) {
                let digits = normal_phone(&number);
                summary.tels.push((number, digits, types()));
            }
        }
        "PHOTO" => summary.has_photo |= !property.raw_value().trim_ascii().is_empty(),
        _ => {}
    }
}

/// The first one found stays.
fn set(place: &mut Option<String>, found: Option<String>) {
    if place.is_none() {
        *place = found;
    }
}

/// The text without the white space around it, unless nothing is left.
fn filled(text: &str) -> Option<String> {
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

fn organisation(property: &Property) -> Option<String> {
    let parts: Vec<String> = property.components().iter().filter_map(|part| filled(part)).collect();
    filled(&parts.join(", "))
}

/// The number; of a `tel:` URI (RFC 3966) the part behind the scheme.
fn telephone(property: &Property) -> String {
    let text = property.text();
    match text.get(..4) {
        Some(scheme) if scheme.eq_ignore_ascii_case("tel:") => text.get(4..).unwrap_or_default().to_owned(),
        _ => text,
    }
}
