//! Rewrites a whole card in another version: what concerns several properties at once.
//!
//! A card that already has the version is not touched, not even its layout.

use std::collections::{BTreeMap, BTreeSet};

use super::Version;
use super::card::Card;
use super::dialect::Dialect;
use super::edit::CardEditor;
use super::property::{Param, Property};
use super::render::{NewProperty, Value};
use super::translate::{as_text, translate};
use super::value::Transfer;
use super::vocabulary::{ADDRESS_BOOK_SERVER, ONCE_IN_V40};

/// A card in a dialect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The card.
    pub card: Card,
    /// What could not be expressed, each once, in words for people; no content.
    pub losses: Vec<String>,
}

/// Rewrites a card in a dialect. A card of that version comes back unchanged, byte for byte, but for one in vCard 2.1
/// that a dialect wants in ASCII and that is not.
#[must_use]
pub fn write(card: &Card, dialect: &Dialect) -> Written {
    let from = card.version();
    let to = dialect.version;
    if from == to && !(dialect.ascii && to == Version::V21 && has_values_beyond_ascii(card)) {
        return Written { card: card.clone(), losses: Vec::new() };
    }
    let mut losses = Vec::new();
    let mut old = readable(&card.properties(), &mut losses);
    if to == Version::V40 {
        join_labels(&mut old);
    }
    let mut new = Vec::with_capacity(old.len() + 2);
    for property in &old {
        let mut translation = translate(property, from, to);
        new.append(&mut translation.properties);
        losses.append(&mut translation.losses);
    }
    if to == Version::V40 {
        keep_once(&mut new, &mut losses);
        members_need_a_group(&mut new);
    }
    add_required(&mut new, card, to);
    let mut editor = CardEditor::empty(to, dialect.folding, dialect.line_end);
    for property in &new {
        editor.append(property);
    }
    let mut seen = BTreeSet::new();
    losses.retain(|loss| seen.insert(loss.clone()));
    Written { card: editor.finish(), losses }
}

/// Whether a value is not in ASCII. For a name or a parameter beyond it there is no other way of writing, so that
/// such a card would be written anew each time, and not always alike.
fn has_values_beyond_ascii(card: &Card) -> bool {
    !card.as_bytes().is_ascii() && card.properties().iter().any(|property| !property.raw_value().is_ascii())
}

/// The properties whose value can be decoded.
fn readable(properties: &[Property], losses: &mut Vec<String>) -> Vec<NewProperty> {
    let mut readable = Vec::with_capacity(properties.len());
    for property in properties {
        let blank = property.raw_value().trim_ascii().is_empty();
        if property.name.is_empty() {
            losses.push("a line that is no property".to_owned());
        } else if !blank && property.transfer() == Transfer::Base64 && property.binary().is_none() {
            losses.push(format!("{}: not valid base64", property.name));
        } else {
            readable.push(property.to_new());
        }
    }
    readable
}

/// Makes a LABEL the label of the address of its kind (RFC 6350 6.3.1), where that is certain: one label and one
/// address have exactly these types.
fn join_labels(properties: &mut Vec<NewProperty>) {
    let mut by_types: BTreeMap<BTreeSet<String>, (Vec<usize>, Vec<usize>)> = BTreeMap::new();
    for (at, property) in properties.iter().enumerate() {
        let words = property.params.iter().filter(|param| param.name == "TYPE");
        let types = words.map(|param| param.value.to_lowercase()).collect();
        match property.name.as_str() {
            "LABEL" => by_types.entry(types).or_default().0.push(at),
            "ADR" if property.param("LABEL").is_none() => by_types.entry(types).or_default().1.push(at),
            _ => {}
        }
    }
    let mut joined = BTreeSet::new();
    for (labels, addresses) in by_types.values() {
        if let ([label], [address]) = (labels.as_slice(), addresses.as_slice()) {
            let text = properties.get(*label).map(|label| as_text(&label.value)).unwrap_or_default();
            if let Some(address) = properties.get_mut(*address) {
                address.params.push(Param::new("LABEL", &text));
                joined.insert(*label);
            }
        }
    }
    let mut at = 0;
    properties.retain(|_| {
        at += 1;
        !joined.contains(&(at - 1))
    });
}

/// A second one of a property that 4.0 allows once is kept under an `X-` name.
fn keep_once(properties: &mut [NewProperty], losses: &mut Vec<String>) {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    for property in properties {
        if ONCE_IN_V40.contains(&property.name.as_str())
            && property.param("ALTID").is_none()
            && !seen.insert(property.name.clone())
        {
            losses.push(format!(
                "{}: only one is allowed; the others are kept under an X- name",
                property.name
            ));
            property.params.retain(|param| param.name != "VALUE");
            property.name = format!("X-{}", property.name);
        }
    }
}

/// MEMBER is for groups only (RFC 6350 6.6.5).
fn members_need_a_group(properties: &mut [NewProperty]) {
    let is_group = properties.iter().any(|property| {
        property.name == "KIND" && as_text(&property.value).trim().eq_ignore_ascii_case("group")
    });
    if !is_group {
        for property in properties.iter_mut().filter(|property| property.name == "MEMBER") {
            property.name = format!("{ADDRESS_BOOK_SERVER}MEMBER");
        }
    }
}

/// Adds what a version demands: FN from 3.0 on (RFC 6350 6.2.1), N up to 3.0 (RFC 2426 3.1.2).
fn add_required(properties: &mut Vec<NewProperty>, card: &Card, to: Version) {
    let has =
        |properties: &[NewProperty], name: &str| properties.iter().any(|property| property.name == name);
    if to != Version::V40 && !has(properties, "N") {
        // Feature phones show N only. Elsewhere an empty one is enough, and says nothing that nobody said.
        let shown = properties.iter().find(|property| property.name == "FN").map(|name| as_text(&name.value));
        let family = if to == Version::V21 { shown.unwrap_or_default() } else { String::new() };
        let mut components = vec![vec![String::new()]; 5];
        if let Some(first) = components.first_mut() {
            *first = vec![family];
        }
        properties.insert(0, NewProperty::new("N", Value::Components(components)));
    }
    if to != Version::V21 && !has(properties, "FN") {
        properties.insert(0, NewProperty::text("FN", &card.shown_name().unwrap_or_default()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::FieldMask;

    fn card(version: &str, lines: &str) -> Card {
        Card::parse(format!("BEGIN:VCARD\r\nVERSION:{version}\r\n{lines}END:VCARD\r\n").as_bytes()).unwrap()
    }

    #[test]
    fn a_card_is_written_in_ascii_once() {
        // The fuzzer found the first one: a parameter beyond ASCII with a control character.
        for line in [&b"A;\xf0\0:"[..], b"T\xc3\xa9L:1", b"NOTE;X-\xc3\xa9=\x01:\xc3\xa9", b"NOTE:\xc3\xa9"] {
            let bytes = [b"BEGIN:VCARD\r\nVERSION:2.1\r\nN:A\r\n", line, b"\r\nEND:VCARD\r\n"].concat();
            let card = Card::parse(&bytes).unwrap();
            let once = write(&card, &Dialect::s30plus()).card;
            assert_eq!(write(&once, &Dialect::s30plus()).card, once);
            assert!(once.properties().iter().all(|property| property.raw_value().is_ascii()));
        }
    }

    #[test]
    fn the_simplest_dialect_is_ascii_with_soft_breaks_that_every_reader_joins() {
        let name = "Łucja-".repeat(20);
        let all = card("3.0", &format!("FN:Zoë {name}\r\nN:{name};Zoë;;;\r\nTEL;TYPE=cell,pref:+1\r\n"));
        let written = write(&all, &Dialect::s30plus()).card;
        let text = std::str::from_utf8(written.as_bytes()).unwrap();
        assert!(text.is_ascii());
        assert!(text.lines().all(|line| line.len() <= 76), "{text}");
        assert!(
            text.contains("N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C5=81ucja"),
            "as Android writes it: {text}"
        );
        assert!(text.contains("TEL;CELL;PREF:+1\r\n") || text.contains("TEL;cell;pref:+1\r\n"), "{text}");
        assert!(text.lines().all(|line| !line.starts_with([' ', '\t'])), "no line looks folded");
        let (before, after) = (all.fingerprint(&FieldMask::all()), written.fingerprint(&FieldMask::all()));
        assert_eq!(before, after, "and it says the same");
        // An escaped separator survives readers that split before they decode and those that decode first.
        let odd = write(&card("3.0", "FN:A\r\nN:Lee\\; Ray;Zoë;;;\r\n"), &Dialect::s30plus()).card;
        assert!(String::from_utf8_lossy(odd.as_bytes()).contains("Lee\\; Ray;Zo=C3=AB;;;"));
    }

    #[test]
    fn a_card_of_the_same_version_is_written_anew_only_for_the_sake_of_ascii() {
        let raw = card("2.1", "N:Łucja;Zoë\r\nTEL;CELL:+1\r\n");
        assert_eq!(write(&raw, &Dialect::v21()).card, raw);
        let plain = write(&raw, &Dialect::s30plus()).card;
        assert!(plain.as_bytes().is_ascii());
        assert_eq!(plain.fingerprint(&FieldMask::all()), raw.fingerprint(&FieldMask::all()));
        assert_eq!(write(&plain, &Dialect::s30plus()).card, plain);
    }
}
