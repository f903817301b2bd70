//! What differs between two cards, for people: one line per field.
//!
//! This file must not decide anything and must not show more of a photo than its size.

use std::fmt;

use super::align::{Relation, align, repeated_singles};
use super::card::Card;
use super::decoded::{DecodedCard, Entry, Part};
use super::field::FieldMask;

/// One field that differs. `Debug` shows no content.
#[derive(Clone, PartialEq, Eq)]
pub struct FieldChange {
    /// The field in words: "mobile phone", "address (home), city".
    pub field: String,
    /// What it was; `None` where it was not there. A photo by its size.
    pub before: Option<String>,
    /// What it is; `None` where it is gone.
    pub after: Option<String>,
}

impl fmt::Debug for FieldChange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("FieldChange")
            .field("before", &self.before.is_some())
            .field("after", &self.after.is_some())
            .finish_non_exhaustive()
    }
}

/// What differs between the cards in the fields of the mask, in the order of the cards' lines. Formatting,
/// encoding, version and bookkeeping (REV, PRODID, UID) are no differences.
#[must_use]
pub fn diff(before: &Card, after: &Card, mask: &FieldMask) -> Vec<FieldChange> {
    if before == after {
        return Vec::new();
    }
    diff_decoded(&DecodedCard::of(before), &DecodedCard::of(after), mask)
}

pub(super) fn diff_decoded(before: &DecodedCard, after: &DecodedCard, mask: &FieldMask) -> Vec<FieldChange> {
    let (old, new) = (&before.entries, &after.entries);
    let repeated = repeated_singles(&[old, new]);
    let pairs = align(old, new, Relation::Times, &repeated);
    let mut gained: Vec<&Entry> = new
        .iter()
        .enumerate()
        .filter(|(index, entry)| {
            mask.holds_property(&entry.property) && !pairs.iter().any(|pair| pair.1 == *index)
        })
        .map(|(_, entry)| entry)
        .collect();
    let mut changes = Vec::new();
    for (index, entry) in old.iter().enumerate().filter(|(_, entry)| mask.holds_property(&entry.property)) {
        let partner = pairs.iter().find(|pair| pair.0 == index).and_then(|pair| new.get(pair.1));
        match partner {
            Some(now) => changes.extend(part_changes(entry, now, mask)),
            None => changes.push(replaced(entry, &mut gained)),
        }
    }
    changes.extend(gained.into_iter().map(|entry| FieldChange {
        field: entry.field_words(None),
        before: None,
        after: entry.shown_part(Part::Value),
    }));
    changes
}

/// A value that is gone, told as replaced where one of the same kind came.
fn replaced(old: &Entry, gained: &mut Vec<&Entry>) -> FieldChange {
    let place = gained.iter().position(|new| new.property == old.property && new.same_kind(old));
    let new = place.map(|place| gained.remove(place));
    FieldChange {
        field: old.field_words(None),
        before: old.shown_part(Part::Value),
        after: new.and_then(|new| new.shown_part(Part::Value)),
    }
}

fn part_changes(old: &Entry, new: &Entry, mask: &FieldMask) -> Vec<FieldChange> {
    new.parts_with(Some(old))
        .into_iter()
        .filter(|part| match part {
            Part::Label => mask.holds_property("X-ABLABEL"),
            Part::Format => mask.holds_property("X-ABADR"),
            _ => true,
        })
        .filter(|part| !old.agrees(new, *part))
        .map(|part| FieldChange {
            field: old.field_words(Some(part)),
            before: old.shown_part(part),
            after: new.shown_part(part),
        })
        .collect()
}
