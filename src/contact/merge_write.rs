//! Carries decided changes into a card: whole lines only, in the card's own version, all other bytes untouched.
//!
//! This file must not decide what changes.

use std::collections::{BTreeMap, BTreeSet};

use super::card::{Card, Version};
use super::decoded::{DecodedCard, Entry, Part, is_encoding_param};
use super::edit::CardEditor;
use super::equality::{Shape, param_field_name, take_out};
use super::property::Property;
use super::render::{NewProperty, Value};
use super::translate::translate_property;

/// Where a value comes from: a card and one of its entries.
#[derive(Clone, Copy)]
pub(super) struct Donor<'a> {
    pub(super) card: &'a DecodedCard,
    pub(super) entry: &'a Entry,
}

impl<'a> Donor<'a> {
    pub(super) fn line(&self) -> Option<&'a Property> {
        self.card.properties.get(self.entry.line)
    }

    fn companion(&self, part: Part) -> Option<&'a Property> {
        let (_, line) = self.entry.companions.iter().find(|(of, _)| *of == part)?;
        self.card.properties.get(*line)
    }
}

/// The changes to one card. Entries are named by their index among the card's entries.
#[derive(Clone, Default)]
pub(super) struct Patch<'a> {
    removed: BTreeSet<usize>,
    /// The donor `None` clears the part.
    set: BTreeMap<usize, Vec<(Part, Option<Donor<'a>>)>>,
    inserted: Vec<(Donor<'a>, Vec<Part>)>,
}

impl<'a> Patch<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.set.is_empty() && self.inserted.is_empty()
    }

    /// Takes the value, if the card has it, off the card, with its label.
    pub(super) fn remove_if(&mut self, entry: Option<usize>) {
        self.removed.extend(entry);
    }

    /// How many of the values of a property are taken off.
    pub(super) fn removed_of(&self, entries: &[Entry], property: &str) -> usize {
        let removed = self.removed.iter().filter_map(|index| entries.get(*index));
        removed.filter(|entry| entry.property == property).count()
    }

    /// Gives one part of a value, if the card has it, the donor's state of it, or none.
    pub(super) fn set_if(&mut self, entry: Option<usize>, part: Part, donor: Option<Donor<'a>>) {
        if let Some(entry) = entry {
            self.set.entry(entry).or_default().push((part, donor));
        }
    }

    /// This patch and then the other.
    pub(super) fn and(&self, other: &Self) -> Self {
        let mut both = self.clone();
        both.removed.extend(&other.removed);
        for (entry, parts) in &other.set {
            both.set.entry(*entry).or_default().extend(parts.iter().copied());
        }
        both.inserted.extend(other.inserted.iter().cloned());
        both
    }

    /// Adds the donor's value without the parts in `without`, which the card cannot hold.
    pub(super) fn insert(&mut self, donor: Donor<'a>, without: &[Part]) {
        self.inserted.push((donor, without.to_vec()));
    }

    /// The card with the changes; the same bytes when there are none.
    pub(super) fn apply(&self, card: &Card, decoded: &DecodedCard) -> Card {
        if self.is_empty() {
            return card.clone();
        }
        let mut writer = LineWriter {
            editor: CardEditor::of(card),
            decoded,
            groups: decoded
                .properties
                .iter()
                .filter_map(|property| property.group.as_ref())
                .map(|group| group.to_ascii_lowercase())
                .collect(),
            gone: BTreeSet::new(),
            filled: BTreeSet::new(),
        };
        writer.items(self);
        for index in &self.removed {
            if let Some(entry) = decoded.entries.get(*index).filter(|entry| entry.shape != Shape::Items) {
                writer.take_off(entry);
            }
        }
        for (index, parts) in &self.set {
            if let Some(entry) = decoded.entries.get(*index).filter(|_| !self.removed.contains(index)) {
                writer.change(entry, parts);
            }
        }
        for (donor, without) in &self.inserted {
            if donor.entry.shape != Shape::Items {
                writer.add(donor, without);
            }
        }
        writer.clear_orphans();
        writer.editor.finish()
    }
}

struct LineWriter<'a> {
    editor: CardEditor,
    decoded: &'a DecodedCard,
    /// The groups in use, in lower case.
    groups: BTreeSet<String>,
    /// Lines that were removed.
    gone: BTreeSet<usize>,
    /// Empty lines that took a value.
    filled: BTreeSet<usize>,
}

impl LineWriter<'_> {
    fn remove_line(&mut self, line: usize) {
        self.gone.insert(line);
        self.editor.remove(line);
    }

    fn take_off(&mut self, entry: &Entry) {
        self.remove_line(entry.line);
    }

    /// Labels whose every labelled line was removed go with them.
    fn clear_orphans(&mut self) {
        let decoded = self.decoded;
        for entry in &decoded.entries {
            for (_, companion) in &entry.companions {
                let needed = decoded.entries.iter().any(|other| {
                    other.companions.iter().any(|(_, line)| line == companion)
                        && !self.gone.contains(&other.line)
                });
                if !needed && self.gone.insert(*companion) {
                    self.editor.remove(*companion);
                }
            }
        }
    }

    /// A group name that the card does not use.
    fn free_group(&mut self) -> String {
        let mut number = 1_usize;
        loop {
            let name = format!("item{number}");
            if self.groups.insert(name.clone()) {
                return name;
            }
            number += 1;
        }
    }

    /// Adds a line with a property of another card, its bytes as they are where both cards have one version.
    fn put(&mut self, place: Option<usize>, property: &Property, group: Option<&str>) {
        // In vCard 2.1 raw octets mean what the card they came from says they mean, so those are written anew.
        let is_plain = property.version() != Version::V21 || property.raw().is_ascii();
        if property.version() == self.editor.version() && is_plain {
            let raw = with_group(property, group);
            match place {
                Some(line) => self.editor.replace_raw(line, &raw),
                None => self.editor.append_raw(&raw),
            }
            return;
        }
        let mut plain = property.to_new();
        plain.group = group.map(str::to_owned);
        self.put_new(place, &plain, property.version());
    }

    /// Adds a line with a property that has the meaning of version `from`.
    fn put_new(&mut self, place: Option<usize>, property: &NewProperty, from: Version) {
        let written = translate_property(property, from, self.editor.version());
        let mut place = place;
        for line in &written {
            match place.take() {
                Some(place) => self.editor.replace(place, line),
                None => self.editor.append(line),
            }
        }
    }

    fn add(&mut self, donor: &Donor<'_>, without: &[Part]) {
        let Some(line) = donor.line() else { return };
        let companions: Vec<&Property> = [Part::Label, Part::Format]
            .into_iter()
            .filter(|part| !without.contains(part))
            .filter_map(|part| donor.companion(part))
            .collect();
        let group = (!companions.is_empty()).then(|| self.free_group());
        let empty = self
            .decoded
            .empties
            .iter()
            .find(|(property, at)| {
                *property == donor.entry.property && !self.filled.contains(at) && !self.gone.contains(at)
            })
            .map(|(_, at)| *at);
        self.filled.extend(empty);
        self.put(empty, line, group.as_deref());
        for companion in companions {
            self.put(None, companion, group.as_deref());
        }
    }

    /// Changes parts of a value that stays.
    fn change(&mut self, entry: &Entry, parts: &[(Part, Option<Donor<'_>>)]) {
        let decoded = self.decoded;
        let Some(line) = decoded.properties.get(entry.line) else { return };
        let mut group = line.group.clone();
        // A label says something of every value in its group, so a value that shares one leaves it first.
        let needs_group = parts.iter().any(|(part, _)| matches!(part, Part::Label | Part::Format));
        if needs_group && !self.is_own_group(entry) {
            group = Some(self.free_group());
        }
        let regrouped = group != line.group;
        let on_line: Vec<&(Part, Option<Donor<'_>>)> =
            parts.iter().filter(|(part, _)| !matches!(part, Part::Label | Part::Format)).collect();
        if let Some(donor) = whole_donor(entry, &on_line) {
            if let Some(property) = donor.line() {
                self.put(Some(entry.line), property, group.as_deref());
            }
        } else if !on_line.is_empty() || regrouped {
            let mut property = line.to_new();
            property.group.clone_from(&group);
            for (part, donor) in on_line {
                set_part(&mut property, entry, *part, donor.as_ref(), self.editor.version());
            }
            if is_blank(&property) {
                self.remove_line(entry.line);
                return;
            }
            self.editor.replace(entry.line, &property);
        }
        for part in [Part::Label, Part::Format] {
            let wanted = parts.iter().find(|(of, _)| *of == part).map(|(_, donor)| donor.as_ref());
            self.change_companion(entry, part, wanted, group.as_deref(), regrouped);
        }
    }

    /// Whether the entry has a group that no other value shares.
    fn is_own_group(&self, entry: &Entry) -> bool {
        let group_of = |entry: &Entry| {
            let property = self.decoded.properties.get(entry.line)?;
            Some(property.group.as_ref()?.to_ascii_lowercase())
        };
        let Some(group) = group_of(entry) else { return false };
        self.decoded
            .entries
            .iter()
            .all(|other| other.line == entry.line || group_of(other).as_ref() != Some(&group))
    }

    /// Gives a value its label or format: `wanted` is `None` where it stays as it is.
    fn change_companion(
        &mut self,
        entry: &Entry,
        part: Part,
        wanted: Option<Option<&Donor<'_>>>,
        group: Option<&str>,
        regrouped: bool,
    ) {
        let decoded = self.decoded;
        let own: Vec<usize> =
            entry.companions.iter().filter(|(of, _)| *of == part).map(|(_, line)| *line).collect();
        match wanted {
            None if regrouped => {
                // The value left a group it shared; what it keeps of it goes along as a copy.
                if let Some(property) = own.first().and_then(|line| decoded.properties.get(*line)) {
                    self.put(None, property, group);
                }
            }
            None => {}
            Some(donor) => {
                if !regrouped && self.is_own_group(entry) {
                    for line in own {
                        self.remove_line(line);
                    }
                }
                if let Some(property) = donor.and_then(|donor| donor.companion(part)) {
                    self.put(None, property, group);
                }
            }
        }
    }

    /// Rewrites the lists (NICKNAME, CATEGORIES) of which items come or go.
    fn items(&mut self, patch: &Patch<'_>) {
        let decoded = self.decoded;
        let is_item = |entry: &&Entry| entry.shape == Shape::Items;
        let mut lists: BTreeMap<&str, (Vec<&Entry>, Vec<Donor<'_>>)> = BTreeMap::new();
        for entry in patch.removed.iter().filter_map(|index| decoded.entries.get(*index)).filter(is_item) {
            lists.entry(&entry.property).or_default().0.push(entry);
        }
        for (donor, _) in patch.inserted.iter().filter(|(donor, _)| is_item(&donor.entry)) {
            lists.entry(&donor.entry.property).or_default().1.push(*donor);
        }
        for (property, (removed, inserted)) in lists {
            self.rewrite_list(property, &removed, &inserted);
        }
    }

    fn rewrite_list(&mut self, property: &str, removed: &[&Entry], inserted: &[Donor<'_>]) {
        let decoded = self.decoded;
        let mut added: Vec<String> = Vec::new();
        for donor in inserted {
            let text = donor.entry.text();
            if !added.contains(&text) {
                added.push(text);
            }
        }
        let lines: BTreeSet<usize> = decoded
            .entries
            .iter()
            .filter(|entry| entry.property == property)
            .map(|entry| entry.line)
            .collect();
        for line in lines {
            let going: Vec<&str> = removed
                .iter()
                .filter(|entry| entry.line == line)
                .map(|entry| entry.part(Part::Value))
                .collect();
            if going.is_empty() && added.is_empty() {
                continue;
            }
            let Some(old) = decoded.properties.get(line) else { continue };
            let mut items: Vec<String> = old.list();
            take_out(&mut items, going);
            items.append(&mut added);
            if items.is_empty() {
                self.remove_line(line);
            } else {
                let mut property = old.to_new();
                property.value = Value::List(items);
                self.editor.replace(line, &property);
            }
        }
        if added.is_empty() {
            return;
        }
        let empty = decoded.empties.iter().find(|(name, _)| name == property).map(|(_, line)| *line);
        self.put_new(empty, &NewProperty::new(property, Value::List(added)), self.editor.version());
    }
}

/// Whether every component went, so that the line says nothing. A name's line stays: vCard 2.1 and 3.0 want one.
fn is_blank(property: &NewProperty) -> bool {
    let Value::Components(components) = &property.value else { return false };
    property.name != "N" && components.iter().flatten().all(|item| item.trim().is_empty())
}

/// The donor of everything, if after the change the value is the donor's in every part of its line and the value
/// itself is among what changes. Its line then comes over as it is.
fn whole_donor<'a>(entry: &Entry, parts: &[&(Part, Option<Donor<'a>>)]) -> Option<Donor<'a>> {
    let (_, first) = parts.iter().find(|(part, _)| matches!(part, Part::Value | Part::Component(_)))?;
    let donor = (*first)?;
    let set_by_donor = |part: Part| {
        parts
            .iter()
            .any(|(of, from)| *of == part && from.is_some_and(|from| std::ptr::eq(from.entry, donor.entry)))
    };
    let touched_otherwise =
        parts.iter().any(|(_, from)| from.is_none_or(|from| !std::ptr::eq(from.entry, donor.entry)));
    let all = entry
        .parts_with(Some(donor.entry))
        .into_iter()
        .filter(|part| !matches!(part, Part::Label | Part::Format))
        .all(|part| set_by_donor(part) || entry.agrees(donor.entry, part));
    (all && !touched_otherwise).then_some(donor)
}

/// Gives one part of a line that is about to be written the donor's state.
fn set_part(
    property: &mut NewProperty,
    entry: &Entry,
    part: Part,
    donor: Option<&Donor<'_>>,
    version: Version,
) {
    let donated = donor.and_then(|donor| {
        let line = donor.line()?;
        let plain = line.to_new();
        // Parameters are spelled differently in each version; the first line is the property itself.
        let translated = translate_property(&plain, line.version(), version).into_iter().next();
        Some(translated.unwrap_or(plain))
    });
    match part {
        Part::Value => {
            let Some(donated) = donated else { return };
            property.params.retain(|param| !is_encoding_param(&param.name, entry.shape));
            property.params.extend(
                donated.params.into_iter().filter(|param| is_encoding_param(&param.name, entry.shape)),
            );
            property.value = donated.value;
        }
        Part::Component(index) => {
            let of = |value: &Value| match value {
                Value::Components(components) => components.get(index).cloned(),
                _ => None,
            };
            let component =
                donated.and_then(|donated| of(&donated.value)).unwrap_or_else(|| vec![String::new()]);
            if let Value::Components(components) = &mut property.value {
                while components.len() <= index {
                    components.push(vec![String::new()]);
                }
                if let Some(place) = components.get_mut(index) {
                    *place = component;
                }
            }
        }
        Part::Kinds | Part::Preference | Part::Rest => {
            let belongs = |name: &str, value: &str| {
                let name = param_field_name(name);
                let preferred = name == "PREF" || (name == "TYPE" && value.eq_ignore_ascii_case("pref"));
                match part {
                    Part::Kinds => name == "TYPE" && !preferred,
                    Part::Preference => preferred,
                    _ => !matches!(name, "TYPE" | "PREF") && !is_encoding_param(name, entry.shape),
                }
            };
            property.params.retain(|param| !belongs(&param.name, &param.value));
            if let Some(donated) = donated {
                property
                    .params
                    .extend(donated.params.into_iter().filter(|param| belongs(&param.name, &param.value)));
            }
        }
        Part::Label | Part::Format => {}
    }
}

/// The bytes of a line with its group changed or taken off.
fn with_group(property: &Property, group: Option<&str>) -> Vec<u8> {
    let raw = property.raw();
    let bare = match &property.group {
        Some(_) => {
            raw.iter().position(|byte| *byte == b'.').and_then(|dot| raw.get(dot + 1..)).unwrap_or(raw)
        }
        None => raw,
    };
    match group {
        Some(group) => [group.as_bytes(), b".", bare].concat(),
        None => bare.to_vec(),
    }
}
