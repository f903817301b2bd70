//! A card as the values that merge: one entry per property line, or per item of a NICKNAME or CATEGORIES line,
//! with everything about it that can change, in normal form.
//!
//! This file must not compare cards with each other and must not write. Bookkeeping properties (REV, PRODID, UID
//! ...), label lines that belong to another line, and empty values are no entries.

use sha2::{Digest, Sha256};

use super::card::Card;
use super::equality::{
    Shape, field_name, is_bookkeeping, normal_address, normal_date, normal_email, normal_kinds, normal_phone,
    normal_position, normal_text, param_field_name, shape_of,
};
use super::field::{FieldKey, FieldMask, size_words};
use super::property::{Param, Property};

/// A facet of an entry that changes by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Part {
    /// The whole value, of a property without components.
    Value,
    /// One component, from 0.
    Component(usize),
    /// What the value is for: its TYPE words.
    Kinds,
    /// The label of its own (X-ABLabel in the same group).
    Label,
    /// The address format of its own (X-ABADR in the same group).
    Format,
    /// How much it is preferred.
    Preference,
    /// All other parameters.
    Rest,
}

/// The parts other than value and components.
pub(super) const ATTRIBUTES: [Part; 5] =
    [Part::Kinds, Part::Label, Part::Format, Part::Preference, Part::Rest];

/// The lines that belong to another line of their group, with the part each is.
const COMPANIONS: [(&str, Part); 2] = [("X-ABLABEL", Part::Label), ("X-ABADR", Part::Format)];

/// One value of a card. All texts but `shown` are in normal form.
#[derive(Clone)]
pub(super) struct Entry {
    /// The name of its field: the property's name in upper case, one for all versions.
    pub(super) property: String,
    pub(super) shape: Shape,
    /// What makes it the same value as another: equal texts, equal values.
    pub(super) identity: String,
    /// The components of a structured value without the empty ones at its end; else empty.
    pub(super) components: Vec<String>,
    kinds: Vec<String>,
    kinds_text: String,
    label: String,
    format: String,
    preference: String,
    rest: String,
    /// The value as a person reads it.
    shown: String,
    /// Which of the card's properties it stands in.
    pub(super) line: usize,
    /// Which of the card's properties are its label and its format.
    pub(super) companions: Vec<(Part, usize)>,
}

impl Entry {
    /// The normal form of one part; an empty text where there is none.
    pub(super) fn part(&self, part: Part) -> &str {
        match part {
            Part::Value => &self.identity,
            Part::Component(index) => self.components.get(index).map_or("", String::as_str),
            Part::Kinds => &self.kinds_text,
            Part::Label => &self.label,
            Part::Format => &self.format,
            Part::Preference => &self.preference,
            Part::Rest => &self.rest,
        }
    }

    /// Whether a part is the same in both.
    pub(super) fn agrees(&self, other: &Self, part: Part) -> bool {
        self.part(part) == other.part(part)
    }

    /// Whether what the value is for (kinds and label) is the same in both.
    pub(super) fn same_kind(&self, other: &Self) -> bool {
        self.kinds_text == other.kinds_text && self.label == other.label
    }

    /// Whether everything is the same in both.
    pub(super) fn same(&self, other: &Self) -> bool {
        self.identity == other.identity && ATTRIBUTES.into_iter().all(|part| self.agrees(other, part))
    }

    /// The value as a person reads it.
    pub(super) fn text(&self) -> String {
        self.shown.clone()
    }

    /// The parts in which this entry and `other` could differ: the value or its components, then the attributes.
    pub(super) fn parts_with(&self, other: Option<&Self>) -> Vec<Part> {
        let mut parts = if self.shape == Shape::Structured {
            let count = self.components.len().max(other.map_or(0, |other| other.components.len()));
            (0..count).map(Part::Component).collect()
        } else {
            vec![Part::Value]
        };
        parts.extend(ATTRIBUTES);
        parts
    }

    /// One part as a person reads it; `None` where there is none.
    pub(super) fn shown_part(&self, part: Part) -> Option<String> {
        let text = match part {
            Part::Value => self.shown.clone(),
            Part::Rest => self.rest.replace('\u{1e}', "; "),
            _ => self.part(part).to_owned(),
        };
        (!text.is_empty()).then_some(text)
    }

    /// The entry's field in words, for the whole value or one part of it.
    pub(super) fn field_words(&self, part: Option<Part>) -> String {
        let key = match part {
            Some(Part::Component(index)) => FieldKey::component(&self.property, index),
            _ => FieldKey::new(&self.property),
        };
        let kinds: Vec<&str> = self.kinds.iter().map(String::as_str).collect();
        let label = (!self.label.is_empty()).then_some(self.label.as_str());
        let words = key.label_with(&kinds, label);
        match part {
            Some(Part::Kinds) => format!("{words}, kind"),
            Some(Part::Label) => format!("{words}, label"),
            Some(Part::Format) => format!("{words}, format"),
            Some(Part::Preference) => format!("{words}, preferred"),
            Some(Part::Rest) => format!("{words}, details"),
            _ => words,
        }
    }

    /// The line of the normal form: everything that can change, divided by control characters, which no value
    /// that passed a phone holds.
    pub(super) fn normal_line(&self, mask: &FieldMask) -> String {
        let within = |property: &str, text| if mask.holds_property(property) { text } else { "" };
        [
            self.property.as_str(),
            &self.identity,
            &self.kinds_text,
            within("X-ABLABEL", &self.label),
            within("X-ABADR", &self.format),
            &self.preference,
            &self.rest,
        ]
        .join("\u{1f}")
    }
}

/// A card with its properties and its entries.
pub(super) struct DecodedCard {
    pub(super) properties: Vec<Property>,
    pub(super) entries: Vec<Entry>,
    /// Lines of fields whose value is empty: they say nothing, and a new value takes their place.
    pub(super) empties: Vec<(String, usize)>,
}

impl DecodedCard {
    /// The card's UID without the white space around it, if it has one.
    pub(super) fn uid(&self) -> Option<String> {
        let property = self.properties.iter().find(|property| property.name == "UID")?;
        Some(property.text().trim().to_owned()).filter(|uid| !uid.is_empty())
    }

    /// Decodes a card.
    pub(super) fn of(card: &Card) -> Self {
        let properties = card.properties();
        let mut entries = Vec::with_capacity(properties.len());
        let mut empties = Vec::new();
        for (line, property) in properties.iter().enumerate() {
            if property.name.is_empty()
                || is_bookkeeping(field_name(&property.name))
                || is_companion(&properties, property)
            {
                continue;
            }
            let before = entries.len();
            decode_property(&properties, line, property, &mut entries);
            if entries.len() == before {
                empties.push((field_name(&property.name).to_owned(), line));
            }
        }
        Self { properties, entries, empties }
    }
}

fn same_group(one: &Property, other: &Property) -> bool {
    match (&one.group, &other.group) {
        (Some(one), Some(other)) => one.eq_ignore_ascii_case(other),
        _ => false,
    }
}

fn is_companion_name(name: &str) -> bool {
    COMPANIONS.iter().any(|(companion, _)| *companion == name)
}

/// Whether the property is the label or format of another one of its group. A label that labels nothing is a
/// value like any other.
fn is_companion(properties: &[Property], property: &Property) -> bool {
    is_companion_name(&property.name)
        && properties.iter().any(|other| same_group(other, property) && !is_companion_name(&other.name))
}

fn decode_property(properties: &[Property], line: usize, property: &Property, entries: &mut Vec<Entry>) {
    let shape = shape_of(field_name(&property.name));
    if shape == Shape::Items {
        for item in property.list() {
            let identity = normal_text(&item);
            if !identity.is_empty() {
                entries
                    .push(Entry { shown: identity.clone(), ..bare_entry(property, shape, identity, line) });
            }
        }
        return;
    }
    let mut components = Vec::new();
    let (identity, shown) = match shape {
        Shape::Structured => {
            components = normal_components(property);
            (components.join("\u{1e}"), shown_components(field_name(&property.name), &components))
        }
        Shape::Binary => binary_identity(property),
        _ => {
            let text = property.text();
            (normal_value(shape, property, &text), text.trim().to_owned())
        }
    };
    if identity.is_empty() {
        return;
    }
    let mut entry = Entry { components, shown, ..bare_entry(property, shape, identity, line) };
    if shape != Shape::Binary {
        entry.kinds = normal_kinds(
            &property.name,
            property
                .params
                .iter()
                .filter(|param| param_field_name(&param.name) == "TYPE")
                .map(|param| param.value.as_str()),
        );
        entry.kinds_text = entry.kinds.join(", ");
    }
    entry.preference = preference(property);
    entry.rest = rest(property, shape);
    if property.group.is_some() {
        add_companions(properties, property, &mut entry);
    }
    entries.push(entry);
}

fn bare_entry(property: &Property, shape: Shape, identity: String, line: usize) -> Entry {
    Entry {
        property: field_name(&property.name).to_owned(),
        shape,
        identity,
        components: Vec::new(),
        kinds: Vec::new(),
        kinds_text: String::new(),
        label: String::new(),
        format: String::new(),
        preference: String::new(),
        rest: String::new(),
        shown: String::new(),
        line,
        companions: Vec::new(),
    }
}

fn add_companions(properties: &[Property], property: &Property, entry: &mut Entry) {
    for (index, other) in properties.iter().enumerate().filter(|(_, other)| same_group(other, property)) {
        let Some((_, part)) = COMPANIONS.iter().find(|(name, _)| *name == other.name) else {
            continue;
        };
        let text = normal_text(&other.text());
        let place = if *part == Part::Label { &mut entry.label } else { &mut entry.format };
        if place.is_empty() {
            *place = text;
        }
        entry.companions.push((*part, index));
    }
}

fn normal_components(property: &Property) -> Vec<String> {
    let mut components: Vec<String> = property
        .component_lists()
        .iter()
        .map(|items| {
            let items: Vec<String> = items.iter().map(|item| normal_text(item)).collect();
            normal_text(&items.join(","))
        })
        .collect();
    while components.last().is_some_and(String::is_empty) {
        components.pop();
    }
    components
}

/// A structured value as a person writes it: a name in speaking order, the rest divided by commas.
fn shown_components(property: &str, components: &[String]) -> String {
    let order: &[usize] = if property == "N" { &[3, 1, 2, 0, 4] } else { &[0, 1, 2, 3, 4, 5, 6] };
    let divider = if property == "N" { " " } else { ", " };
    let later = components.iter().skip(order.len());
    let words: Vec<&str> = order
        .iter()
        .filter_map(|index| components.get(*index))
        .chain(later)
        .map(String::as_str)
        .filter(|component| !component.is_empty())
        .collect();
    words.join(divider)
}

fn binary_identity(property: &Property) -> (String, String) {
    match property.binary() {
        Some(bytes) if bytes.is_empty() => (String::new(), String::new()),
        Some(bytes) => {
            let digest = Sha256::digest(&bytes);
            let identity = digest.iter().map(|byte| format!("{byte:02x}")).collect();
            (identity, size_words(&property.name, bytes.len()))
        }
        None => {
            let text = normal_address(&property.text());
            (text.clone(), text)
        }
    }
}

fn normal_value(shape: Shape, property: &Property, text: &str) -> String {
    match shape {
        Shape::Phone => normal_phone(text),
        Shape::Email => normal_email(text),
        Shape::Address => normal_address(text),
        Shape::Date => normal_date(text, property.param("X-APPLE-OMIT-YEAR")),
        Shape::Position => normal_position(text),
        Shape::Text | Shape::Binary | Shape::Structured | Shape::Items => normal_text(text),
    }
}

/// `pref` for the most preferred, the number for a lesser preference (RFC 6350 5.3), else empty.
fn preference(property: &Property) -> String {
    let number = property.param("PREF").or_else(|| property.param("X-PREF")).map(str::trim);
    let is_word = |param: &Param| param.name == "TYPE" && param.value.eq_ignore_ascii_case("pref");
    match number {
        Some("1") => "pref".to_owned(),
        Some(number) => number.to_owned(),
        None if property.params.iter().any(is_word) => "pref".to_owned(),
        None => String::new(),
    }
}

/// The parameters that are neither kind nor preference nor say how the value is encoded, in order of name.
fn rest(property: &Property, shape: Shape) -> String {
    let mut kept: Vec<String> = property
        .params
        .iter()
        .map(|param| (param_field_name(&param.name), param))
        .filter(|(name, _)| !is_encoding_param(name, shape) && !matches!(*name, "TYPE" | "PREF"))
        .map(|(name, param)| format!("{name}={}", param.value))
        .collect();
    kept.sort();
    kept.join("\u{1e}")
}

/// Whether the parameter belongs to how the value is written, and so goes wherever the value goes.
pub(super) fn is_encoding_param(name: &str, shape: Shape) -> bool {
    match param_field_name(name) {
        "ENCODING" | "CHARSET" | "VALUE" | "MEDIATYPE" | "PID" => true,
        "TYPE" => shape == Shape::Binary,
        "X-APPLE-OMIT-YEAR" | "CALSCALE" => shape == Shape::Date,
        _ => false,
    }
}
