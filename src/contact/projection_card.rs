//! A card as a side with limits holds it: pure, idempotent, and without a touch on lines that are within them.
//!
//! A value is first fitted by itself (dropped, cut, respelled); then of values that became equal the first one
//! stays, and of those that are too many the first ones. It must not know a second card; what a difference between
//! two means is the merge's business.

use std::collections::{BTreeMap, BTreeSet};

use super::card::Card;
use super::decoded::{DecodedCard, Entry, Part};
use super::edit::CardEditor;
use super::equality::{Shape, field_name, is_bookkeeping, normal_text, shape_of, take_out};
use super::field::FieldKey;
use super::matching::match_keys;
use super::merge_names::{is_shown_as_organisation, shown_name_is_made};
use super::normal::{Fingerprint, normal_lines};
use super::projection::Projection;
use super::projection_loss::Loss;
use super::property::Property;
use super::render::{NewProperty, Value};

/// A card as a side holds it, with the way back.
pub(super) struct Projected {
    pub(super) card: Card,
    /// For each property of `card`, its index among the properties of the card it was made from; `None` for one
    /// that was made.
    pub(super) origins: Vec<Option<usize>>,
    /// What is not in it, each once.
    pub(super) losses: BTreeSet<Loss>,
}

/// A card with every value fitted by itself.
struct Fitted {
    card: Card,
    origins: Vec<Option<usize>>,
    /// The properties of `card` that are not as they were.
    changed: BTreeSet<usize>,
}

/// What becomes of a line.
enum Fate {
    Keep,
    Drop,
    Change(NewProperty),
}

impl Projection {
    /// The card as the side holds it. A card that it can hold whole keeps its bytes; of one that it cannot, the
    /// lines that it can. Projecting twice is projecting once.
    #[must_use]
    pub fn project(&self, card: &Card) -> Card {
        if self.is_all() {
            return card.clone();
        }
        self.apply(card, true).card
    }

    /// The fingerprint of what the side can hold of the card: equal for two cards that say the same there.
    #[must_use]
    pub fn fingerprint(&self, card: &Card) -> Fingerprint {
        self.project(card).fingerprint(&self.fields)
    }

    /// Whether nothing of what the card says is lost.
    #[must_use]
    pub fn holds_all(&self, card: &Card) -> bool {
        self.loses(card).is_empty()
    }

    /// What of the card is lost, in the order of the fields.
    #[must_use]
    pub fn loses(&self, card: &Card) -> Vec<Loss> {
        if self.is_all() {
            return Vec::new();
        }
        self.apply(card, true).losses.into_iter().collect()
    }

    /// The projection; without `counted` values beyond the counts stay in it.
    pub(super) fn apply(&self, card: &Card, counted: bool) -> Projected {
        let mut losses = BTreeSet::new();
        if self.is_all() {
            let count = card.properties().len();
            return Projected { card: card.clone(), origins: (0..count).map(Some).collect(), losses };
        }
        let fitted = self.fit(card, &mut losses);
        self.thin_out(fitted, counted, losses)
    }

    /// Whether an item of a list is held as this one.
    pub(super) fn item_becomes(&self, whole: &Entry, seen: &Entry) -> bool {
        let key = FieldKey::new(&whole.property);
        let text = whole.part(Part::Value);
        let fitted = self.fit_text(&key, text, self.length_max(&whole.property), &mut BTreeSet::new());
        fitted.map_or_else(|| text == seen.identity, |fitted| normal_text(&fitted) == seen.identity)
    }

    /// Every value by itself.
    fn fit(&self, card: &Card, losses: &mut BTreeSet<Loss>) -> Fitted {
        let decoded = DecodedCard::of(card);
        let mut fates: Vec<Fate> = decoded
            .properties
            .iter()
            .enumerate()
            .map(|(line, property)| self.line(&decoded, line, property, losses))
            .collect();
        self.leave_labels(&decoded, &mut fates);
        let made = self.name_from_shown_name(&decoded);
        let mut origins: Vec<Option<usize>> = Vec::with_capacity(fates.len() + 1);
        let mut changed = BTreeSet::new();
        let is_kept = made.is_none() && fates.iter().all(|fate| matches!(fate, Fate::Keep));
        let mut editor = CardEditor::of(card);
        for (line, fate) in fates.iter().enumerate() {
            match fate {
                Fate::Keep => {}
                Fate::Drop => {
                    editor.remove(line);
                    continue;
                }
                Fate::Change(property) => {
                    editor.replace(line, property);
                    changed.insert(origins.len());
                }
            }
            origins.push(Some(line));
        }
        if let Some(name) = &made {
            editor.append(name);
            origins.push(None);
        }
        let card = if is_kept { card.clone() } else { editor.finish() };
        Fitted { card, origins, changed }
    }

    fn line(
        &self,
        decoded: &DecodedCard,
        line: usize,
        property: &Property,
        losses: &mut BTreeSet<Loss>,
    ) -> Fate {
        let field = field_name(&property.name);
        if property.name.is_empty() {
            return if self.fields.is_all() { Fate::Keep } else { Fate::Drop };
        }
        let is_companion =
            decoded.entries.iter().any(|entry| entry.companions.iter().any(|(_, other)| *other == line));
        if !self.holds_property(&property.name) {
            let says_something = is_companion || decoded.entries.iter().any(|entry| entry.line == line);
            let is_made = field == "FN" && self.holds_property("N") && shown_name_is_made(decoded);
            if says_something && !is_bookkeeping(field) && !is_made {
                losses.insert(Loss::Field(field.to_owned()));
            }
            return Fate::Drop;
        }
        if is_bookkeeping(field) {
            return Fate::Keep;
        }
        let before = property.to_new();
        let mut after = before.clone();
        let shape = if is_companion { Shape::Text } else { shape_of(field) };
        if !self.fit_value(field, shape, &mut after.value, property, losses) {
            return Fate::Drop;
        }
        self.fit_params(field, shape, &mut after, losses);
        if after == before { Fate::Keep } else { Fate::Change(after) }
    }

    /// A label goes with the last line it labels, and a line leaves the group whose label is not held.
    fn leave_labels(&self, decoded: &DecodedCard, fates: &mut [Fate]) {
        let is_dropped = |fates: &[Fate], line: usize| matches!(fates.get(line), Some(Fate::Drop));
        let mut labels: BTreeMap<usize, bool> = BTreeMap::new();
        for entry in &decoded.entries {
            for (_, companion) in &entry.companions {
                *labels.entry(*companion).or_default() |= !is_dropped(fates, entry.line);
            }
        }
        for (label, is_needed) in labels {
            if let Some(fate) = fates.get_mut(label).filter(|_| !is_needed) {
                *fate = Fate::Drop;
            }
        }
        for entry in decoded.entries.iter().filter(|entry| !entry.companions.is_empty()) {
            if is_dropped(fates, entry.line)
                || entry.companions.iter().any(|(_, label)| !is_dropped(fates, *label))
            {
                continue;
            }
            let Some(property) = decoded.properties.get(entry.line) else { continue };
            match fates.get_mut(entry.line) {
                Some(Fate::Change(new)) => new.group = None,
                Some(fate @ Fate::Keep) => {
                    *fate = Fate::Change(NewProperty { group: None, ..property.to_new() });
                }
                _ => {}
            }
        }
    }

    /// The name of a card that has only a shown one, for a side that does not show that one. An organisation without a
    /// person needs none where organisations are held.
    fn name_from_shown_name(&self, decoded: &DecodedCard) -> Option<NewProperty> {
        let entry = |property: &str| decoded.entries.iter().find(|entry| entry.property == property);
        if self.holds_property("FN") || !self.holds_property("N") || entry("N").is_some() {
            return None;
        }
        if self.holds_property("ORG") && is_shown_as_organisation(decoded) {
            return None;
        }
        let shown = entry("FN")?.text();
        let fitted =
            self.fit_text(&FieldKey::component("N", 0), &shown, self.length_max("N"), &mut BTreeSet::new());
        let mut components = vec![vec![String::new()]; 5];
        let place = usize::from(!self.holds_component("N", 0));
        if let Some(first) = components.get_mut(place) {
            *first = vec![fitted.unwrap_or(shown)];
        }
        Some(NewProperty::new("N", Value::Components(components)))
    }

    /// Of values that became equal the first stays, and no more than are held.
    fn thin_out(&self, fitted: Fitted, counted: bool, mut losses: BTreeSet<Loss>) -> Projected {
        let Fitted { card, origins, changed } = fitted;
        let decoded = DecodedCard::of(&card);
        let mut seen: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        let mut removed: Vec<&Entry> = Vec::new();
        for entry in &decoded.entries {
            let others = seen.entry(&entry.property).or_default();
            let became = |other: &Entry| changed.contains(&other.line) || changed.contains(&entry.line);
            if others.iter().any(|other| other.same(entry) && became(other)) {
                removed.push(entry);
            } else {
                others.push(entry);
            }
        }
        for (property, entries) in &seen {
            let held = if counted { self.count_max(property) } else { None };
            if let Some(held) = held.filter(|held| entries.len() > *held) {
                removed.extend(entries.iter().skip(held));
                losses.insert(Loss::TooMany { property: (*property).to_owned(), held, of: entries.len() });
            }
        }
        if removed.is_empty() {
            return Projected { card, origins, losses };
        }
        let gone = self.lines_without(&decoded, &removed);
        let mut editor = CardEditor::of(&card);
        for (line, rest) in &gone {
            match rest {
                Some(list) => editor.replace(*line, list),
                None => editor.remove(*line),
            }
        }
        let origins = origins
            .into_iter()
            .enumerate()
            .filter(|(line, _)| !matches!(gone.get(line), Some(None)))
            .map(|(_, origin)| origin)
            .collect();
        Projected { card: editor.finish(), origins, losses }
    }

    /// The lines that go or are left with fewer items when these values are taken off.
    fn lines_without(
        &self,
        decoded: &DecodedCard,
        removed: &[&Entry],
    ) -> BTreeMap<usize, Option<NewProperty>> {
        let mut gone: BTreeMap<usize, Option<NewProperty>> = BTreeMap::new();
        for entry in removed {
            let property = decoded.properties.get(entry.line);
            match (entry.shape, property) {
                (Shape::Items, Some(property)) => {
                    let going: Vec<&str> = removed
                        .iter()
                        .filter(|other| other.line == entry.line)
                        .map(|other| other.part(Part::Value))
                        .collect();
                    gone.entry(entry.line).or_insert_with(|| without_items(property, &going));
                }
                _ => {
                    gone.insert(entry.line, None);
                }
            }
        }
        let lines: BTreeSet<usize> =
            gone.iter().filter(|(_, rest)| rest.is_none()).map(|(line, _)| *line).collect();
        for entry in decoded.entries.iter().filter(|entry| lines.contains(&entry.line)) {
            for (_, label) in &entry.companions {
                let is_needed = decoded.entries.iter().any(|other| {
                    !lines.contains(&other.line) && other.companions.iter().any(|(_, line)| line == label)
                });
                if !is_needed {
                    gone.insert(*label, None);
                }
            }
        }
        gone
    }
}

/// A list without the last ones of these items; `None` if none is left.
fn without_items(property: &Property, going: &[&str]) -> Option<NewProperty> {
    let mut items: Vec<String> = property.list();
    items.reverse();
    take_out(&mut items, going.to_vec());
    items.reverse();
    let mut rest = property.to_new();
    rest.value = Value::List(items.clone());
    (!items.is_empty()).then_some(rest)
}

/// Whether two cards say the same as far as the side can hold them, and name somebody. UIDs and all else that only
/// concerns the card do not count.
#[must_use]
pub fn same_in(projection: &Projection, left: &Card, right: &Card) -> bool {
    let (left, right) = (projection.project(left), projection.project(right));
    let is_named = |card: &Card| !match_keys(card).name.is_empty();
    is_named(&left)
        && is_named(&right)
        && normal_lines(&left, &projection.fields) == normal_lines(&right, &projection.fields)
}
