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
/// and the name it was made of has changed.
pub(super) fn with_shown_name(card: Card, before: &DecodedCard, projection: &Projection) -> Card {
    if projection.holds_property("FN") || !projection.holds_property("N") {
        return card;
    }
    let after = DecodedCard::of(&card);
    let (old_name, new_name) = (entry(before, "N"), entry(&after, "N"));
    let (Some(new_name), Some(shown)) = (new_name, entry(&after, "FN")) else { return card };
    if old_name.is_some_and(|old| old.identity == new_name.identity) {
        return card;
    }
    let way = match old_name {
        Some(old) => WAYS.iter().find(|(parts, between)| made(old, parts, between) == shown.identity),
        // The phone's name was made of the shown one.
        None => WAYS.first(),
    };
    let Some((parts, between)) = way else { return card };
    let text = made(new_name, parts, between);
    if text.is_empty() || text == shown.identity {
        return card;
    }
    let mut editor = CardEditor::of(&card);
    editor.replace(shown.line, &NewProperty::text("FN", &text));
    editor.finish()
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
