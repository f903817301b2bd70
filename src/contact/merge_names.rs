//! The shown name of a card whose name came from a phone that has no shown one (vCard 2.1 phones hold N only).
//!
//! Without this a contact renamed there would keep its old name wherever the PC shows it. It must not touch a shown
//! name that is not made of the name's parts: that one a person chose.

use super::card::Card;
use super::decoded::{DecodedCard, Entry};
use super::edit::CardEditor;
use super::projection::Projection;
use super::render::NewProperty;

/// The ways in which a shown name is made of a name's components, with what stands between them.
const WAYS: [(&[usize], &str); 6] = [
    (&[3, 1, 2, 0, 4], " "),
    (&[1, 2, 0], " "),
    (&[1, 0], " "),
    (&[0, 1], " "),
    (&[0, 1], ", "),
    (&[0, 1, 2], " "),
];

/// The merged card of the PC, `before` being what it was, with its shown name made anew if the phone cannot hold one
/// and what it was made of has changed: the name, or the organisation of a card without a name.
pub(super) fn with_shown_name(card: Card, before: &DecodedCard, projection: &Projection) -> Card {
    if projection.holds_property("FN") || !projection.holds_property("N") {
        return card;
    }
    let after = DecodedCard::of(&card);
    let shown = entry(&after, "FN");
    let text = match (entry(before, "N"), entry(&after, "N")) {
        (Some(old), Some(new)) if old.identity == new.identity => None,
        (Some(old), new) => shown.and_then(|shown| {
            let (parts, between) = way_of(shown, old)?;
            new.map_or_else(|| organisation(&after), |new| Some(made(new, parts, between)))
        }),
        // The phone's name was made of the shown one.
        (None, Some(new)) => WAYS.first().map(|(parts, between)| made(new, parts, between)),
        (None, None) => organisation(before)
            .filter(|old| shown.is_some_and(|shown| shown.identity == *old))
            .and_then(|_| organisation(&after)),
    };
    let line = shown.map(|shown| shown.line).or_else(|| {
        // An empty one is there to be filled.
        after.properties.iter().position(|property| property.name == "FN")
    });
    let (Some(text), Some(line)) = (text.filter(|text| !text.is_empty()), line) else { return card };
    if shown.is_some_and(|shown| shown.identity == text) {
        return card;
    }
    let mut editor = CardEditor::of(&card);
    editor.replace(line, &NewProperty::text("FN", &text));
    editor.finish()
}

/// Whether the shown name says nothing that the rest does not say: it is made of the name, or without one it is the
/// organisation, or the name of a side that shows none would be made of it.
pub(super) fn shown_name_is_made(card: &DecodedCard) -> bool {
    match (entry(card, "FN"), entry(card, "N")) {
        (Some(shown), Some(name)) => way_of(shown, name).is_some(),
        _ => true,
    }
}

/// Whether a card without a name is shown as its organisation.
pub(super) fn is_shown_as_organisation(card: &DecodedCard) -> bool {
    let shown = entry(card, "FN");
    entry(card, "N").is_none()
        && shown.is_some_and(|shown| organisation(card).is_some_and(|it| it == shown.identity))
}

fn way_of(shown: &Entry, name: &Entry) -> Option<(&'static [usize], &'static str)> {
    WAYS.into_iter().find(|(parts, between)| made(name, parts, between) == shown.identity)
}

fn organisation(card: &DecodedCard) -> Option<String> {
    let organisation = entry(card, "ORG")?.components.first()?;
    (!organisation.is_empty()).then(|| organisation.clone())
}

fn entry<'a>(card: &'a DecodedCard, property: &str) -> Option<&'a Entry> {
    card.entries.iter().find(|entry| entry.property == property)
}

fn made(name: &Entry, parts: &[usize], between: &str) -> String {
    let words: Vec<&str> = parts
        .iter()
        .filter_map(|index| name.components.get(*index))
        .map(String::as_str)
        .filter(|word| !word.is_empty())
        .collect();
    words.join(between)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::FieldMask;

    fn card(lines: &str) -> Card {
        Card::parse(format!("BEGIN:VCARD\r\nVERSION:3.0\r\n{lines}END:VCARD\r\n").as_bytes()).unwrap()
    }

    fn shown(before: &str, after: &str) -> String {
        let projection: Projection = FieldMask::only(["N", "ORG", "TEL"]).into();
        with_shown_name(card(after), &DecodedCard::of(&card(before)), &projection).display_name()
    }

    #[test]
    fn a_shown_name_follows_what_it_was_made_of() {
        assert_eq!(shown("FN:Ada Lee\r\nN:Lee;Ada\r\n", "FN:Ada Lee\r\nN:Wu;Ada\r\n"), "Ada Wu");
        assert_eq!(shown("FN:Boss\r\nN:Lee;Ada\r\n", "FN:Boss\r\nN:Wu;Ada\r\n"), "Boss");
        assert_eq!(shown("FN:Sun\r\nORG:Sun\r\n", "FN:Sun\r\nORG:Moon\r\n"), "Moon");
        assert_eq!(shown("FN:My baker\r\nORG:Sun\r\n", "FN:My baker\r\nORG:Moon\r\n"), "My baker");
        assert_eq!(shown("FN:Sun\r\nORG:Sun\r\n", "FN:Sun\r\nORG:Sun\r\nN:Lee;Ada\r\n"), "Ada Lee");
        assert_eq!(shown("FN:Ada Lee\r\nORG:Sun\r\nN:Lee;Ada\r\n", "FN:Ada Lee\r\nORG:Sun\r\n"), "Sun");
    }

    #[test]
    fn an_organisation_without_a_person_gets_no_name_of_its_own() {
        let projection: Projection = FieldMask::only(["N", "ORG", "TEL"]).into();
        let says_name = |card: &Card| projection.project(card).properties().iter().any(|one| one.name == "N");
        assert!(!says_name(&card("FN:Sun\r\nORG:Sun\r\n")));
        assert!(says_name(&card("FN:My baker\r\nORG:Sun\r\n")));
        assert!(projection.loses(&card("FN:Ada Lee\r\nN:Lee;Ada\r\n")).is_empty());
        assert!(!projection.loses(&card("FN:Boss\r\nN:Lee;Ada\r\n")).is_empty());
    }
}
