//! Changing single lines of a card. Lines that are not touched keep their exact bytes.
//!
//! It never sets text on an existing line: a line is replaced whole, because its `ENCODING` and `CHARSET` say how
//! the old value was written, not the new one.

use std::ops::Range;

use super::card::{Card, Part, Version};
use super::dialect::{Folding, LineEnd};
use super::render::{NewProperty, render};

/// One place in the card under edit.
enum Slot {
    /// A stretch of the card as it was.
    Kept(Range<usize>),
    /// New bytes.
    Rendered(Vec<u8>),
    Removed,
}

/// A card under edit. Properties are named by their index in the card it was made of (`Property::index`), which
/// stays valid whatever else is replaced, removed or inserted. New lines are written in the card's version.
pub struct CardEditor {
    card: Vec<u8>,
    version: Version,
    folding: Folding,
    line_end: &'static str,
    slots: Vec<Slot>,
    /// Where each property stands among the slots.
    places: Vec<usize>,
    /// What was inserted behind each slot; `usize` is the slot.
    inserted: Vec<(usize, Vec<u8>)>,
    /// What goes before `END`.
    appended: Vec<u8>,
}

impl CardEditor {
    /// Starts from a card. Photos are folded as phones do it, other lines are not; lines end as the card's first
    /// one does.
    #[must_use]
    pub fn of(card: &Card) -> Self {
        let parts = card.parts();
        let mut slots = Vec::with_capacity(parts.len());
        let mut places = Vec::new();
        for part in &parts {
            if !matches!(part, Part::Frame(_)) {
                places.push(slots.len());
            }
            slots.push(Slot::Kept(part.range()));
        }
        let first_line = card.as_bytes().iter().position(|byte| *byte == b'\n').unwrap_or(0);
        let crlf = first_line.checked_sub(1).and_then(|at| card.as_bytes().get(at)) == Some(&b'\r');
        let line_end = if crlf { LineEnd::CrLf } else { LineEnd::Lf };
        CardEditor {
            card: card.as_bytes().to_vec(),
            version: card.version(),
            folding: Folding::PhotoOnly,
            line_end: line_end.text(),
            slots,
            places,
            inserted: Vec::new(),
            appended: Vec::new(),
        }
    }

    /// Starts from an empty card of that version, written with that layout.
    #[must_use]
    pub fn empty(version: Version, folding: Folding, line_end: LineEnd) -> Self {
        let end = line_end.text();
        let bytes = format!("BEGIN:VCARD{end}VERSION:{version}{end}END:VCARD{end}");
        let mut editor = CardEditor::of(&Card::from_checked(bytes.as_bytes()));
        editor.folding = folding;
        editor
    }

    /// The version new lines are written in.
    #[must_use]
    pub fn version(&self) -> Version {
        self.version
    }

    /// Puts `property` in the place of the property `index`. An index the card does not have appends it.
    pub fn replace(&mut self, index: usize, property: &NewProperty) {
        let rendered = self.render(property);
        match self.slot(index) {
            Some(slot) => *slot = Slot::Rendered(rendered),
            None => self.appended.extend(rendered),
        }
    }

    /// Puts a line that is already written in this card's version in the place of the property `index`: a line of
    /// another card of the same version (`Property::raw`). An index the card does not have appends it.
    pub fn replace_raw(&mut self, index: usize, raw: &[u8]) {
        let line = self.terminated(raw);
        match self.slot(index) {
            Some(slot) => *slot = Slot::Rendered(line),
            None => self.appended.extend(line),
        }
    }

    /// Removes the property `index`; one the card does not have is removed already.
    pub fn remove(&mut self, index: usize) {
        if let Some(slot) = self.slot(index) {
            *slot = Slot::Removed;
        }
    }

    /// Inserts `property` behind the property `index`, behind what was inserted there before.
    pub fn insert_after(&mut self, index: usize, property: &NewProperty) {
        let rendered = self.render(property);
        match self.places.get(index) {
            Some(place) => self.inserted.push((*place, rendered)),
            None => self.appended.extend(rendered),
        }
    }

    /// Adds `property` before `END`.
    pub fn append(&mut self, property: &NewProperty) {
        let rendered = self.render(property);
        self.appended.extend(rendered);
    }

    /// Adds a line that is already written in this card's version before `END`.
    pub fn append_raw(&mut self, raw: &[u8]) {
        let line = self.terminated(raw);
        self.appended.extend(line);
    }

    /// The edited card.
    #[must_use]
    pub fn finish(mut self) -> Card {
        // The sort is stable, so what was inserted at one place stays in the order it came in.
        self.inserted.sort_by_key(|(place, _)| *place);
        let mut inserted = self.inserted.into_iter().peekable();
        let last = self.slots.len().saturating_sub(1);
        let mut out = Vec::with_capacity(self.card.len() + self.appended.len());
        let mut changed_before = false;
        for (place, slot) in self.slots.iter().enumerate() {
            if place == last {
                out.extend_from_slice(&self.appended);
            }
            match slot {
                Slot::Kept(range) => {
                    let kept = self.card.get(range.clone()).unwrap_or_default();
                    // An indented line that was a line of its own, by what stood before it, would now be the
                    // continuation of another; behind an empty line it is not.
                    if changed_before && (kept.starts_with(b" ") || kept.starts_with(b"\t")) {
                        out.extend_from_slice(self.line_end.as_bytes());
                    }
                    changed_before = false;
                    out.extend_from_slice(kept);
                }
                Slot::Rendered(bytes) => {
                    out.extend_from_slice(bytes);
                    changed_before = true;
                }
                Slot::Removed => changed_before = true,
            }
            while let Some((_, bytes)) = inserted.next_if(|(at, _)| *at == place) {
                changed_before = true;
                out.extend_from_slice(&bytes);
            }
        }
        Card::from_checked(&out)
    }

    fn slot(&mut self, index: usize) -> Option<&mut Slot> {
        let place = self.places.get(index)?;
        self.slots.get_mut(*place)
    }

    fn render(&self, property: &NewProperty) -> Vec<u8> {
        render(property, self.version, self.folding, self.line_end)
    }

    /// A line copied from the end of another card may lack its line end.
    fn terminated(&self, raw: &[u8]) -> Vec<u8> {
        let mut line = raw.to_vec();
        if !line.ends_with(b"\n") {
            line.extend_from_slice(self.line_end.as_bytes());
        }
        line
    }
}
