//! One vCard: its exact bytes, and views of them made on demand.
//!
//! A card holds nothing but its bytes, so ten thousand of them cost little more than their files. It must not
//! change them: `edit` and `writer` make new cards.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::codec::{Lines, RawLine};
use super::edit::CardEditor;
use super::framing::{self, Limits};
use super::glance::{PlainLine, plain_line};
use super::property::Property;
use super::render::NewProperty;

/// The version of a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Version {
    /// vCard 2.1 (versit consortium, 1996).
    #[serde(rename = "2.1")]
    V21,
    /// vCard 3.0 (RFC 2426).
    #[serde(rename = "3.0")]
    V30,
    /// vCard 4.0 (RFC 6350).
    #[serde(rename = "4.0")]
    V40,
}

impl Version {
    /// The version as it stands in a card.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Version::V21 => "2.1",
            Version::V30 => "3.0",
            Version::V40 => "4.0",
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

/// Why bytes are not one card. Carries no content.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CardError {
    /// No `BEGIN:VCARD` in the bytes.
    #[error("there is no vCard in it")]
    NoCard,
    /// More than one card where one was expected.
    #[error("it holds {0} vCards where one was expected")]
    MoreThanOne(usize),
    /// A card that cannot be read, not even repaired.
    #[error("the vCard cannot be read: {0}")]
    Broken(String),
}

/// One vCard with its exact bytes. Cheap to clone. Equal means equal bytes. `Debug` shows no content.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Card {
    bytes: Arc<[u8]>,
}

impl fmt::Debug for Card {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digest = Sha256::digest(&self.bytes);
        let short: String = digest.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        f.debug_struct("Card").field("bytes", &self.bytes.len()).field("hash", &short).finish()
    }
}

impl Card {
    /// Parses exactly one card, framed and if need be repaired as `read_cards` does, within the default limits.
    ///
    /// # Errors
    /// When there is no card, more than one, or one that cannot be read.
    pub fn parse(bytes: &[u8]) -> Result<Card, CardError> {
        let mut found = framing::read_cards(bytes, "", &Limits::default());
        let count = found.len();
        match (found.pop(), count) {
            (Some(Ok(framed)), 1) => Ok(framed.card),
            (Some(Err(broken)), 1) => Err(CardError::Broken(broken.reason)),
            (None, _) => Err(CardError::NoCard),
            (Some(_), _) => Err(CardError::MoreThanOne(count)),
        }
    }

    /// Wraps bytes that are known to be one readable card.
    pub(super) fn from_checked(bytes: &[u8]) -> Card {
        Card { bytes: Arc::from(bytes) }
    }

    /// The card's exact bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The version the card says it is. A card without `VERSION`, or with one that does not exist, is read as 3.0,
    /// unless a parameter shows that it is 2.1 (bare words and quoted-printable exist nowhere else).
    #[must_use]
    pub fn version(&self) -> Version {
        let mut looks_like_v21 = false;
        let mut depth = 0_usize;
        for line in Lines::new(&self.bytes).flatten() {
            if line.opens_card(&self.bytes) {
                depth += 1;
            } else if line.is_envelope(&self.bytes, "END") {
                depth = depth.saturating_sub(1);
            } else if depth == 1 && line.name.trim().eq_ignore_ascii_case("VERSION") {
                return match line.value_bytes(&self.bytes).trim_ascii() {
                    b"2.1" => Version::V21,
                    b"4.0" => Version::V40,
                    _ => Version::V30,
                };
            } else {
                looks_like_v21 |= line.params.iter().any(|param| {
                    param.values.is_empty() && !param.name.trim().is_empty()
                        || param
                            .values
                            .iter()
                            .any(|value| value.trim().eq_ignore_ascii_case("QUOTED-PRINTABLE"))
                });
            }
        }
        if looks_like_v21 { Version::V21 } else { Version::V30 }
    }

    /// The properties in order, without `BEGIN`, `VERSION` and `END`. Parsed anew at each call.
    #[must_use]
    pub fn properties(&self) -> Vec<Property> {
        let version = self.version();
        let mut properties = Vec::new();
        for part in self.parts() {
            let index = properties.len();
            match part {
                Part::Property(range, line) => {
                    properties.push(Property::new(&self.bytes, version, index, range, line));
                }
                Part::Opaque(range) => properties.push(Property::opaque(&self.bytes, version, index, range)),
                Part::Frame(_) => {}
            }
        }
        properties
    }

    /// The first value of `UID`, as text, without the white space around it.
    #[must_use]
    pub fn uid(&self) -> Option<String> {
        match plain_line(&self.bytes, b"UID") {
            PlainLine::Value(value) => {
                let uid = value.trim();
                return (!uid.is_empty()).then(|| uid.to_owned());
            }
            PlainLine::Absent => return None,
            PlainLine::Unsure => {}
        }
        let version = self.version();
        let line = self.parts().into_iter().find_map(|part| match part {
            Part::Property(range, line) if line.bare_name().eq_ignore_ascii_case("UID") => {
                Some((range, line))
            }
            _ => None,
        })?;
        let uid = Property::new(&self.bytes, version, 0, line.0, line.1).text().trim().to_owned();
        (!uid.is_empty()).then_some(uid)
    }

    /// The same card with this UID: the first UID line is replaced (or one is added), the others go, all other
    /// lines keep their bytes. A card that has this UID already comes back as it is.
    #[must_use]
    pub fn with_uid(&self, uid: &str) -> Card {
        let lines: Vec<usize> =
            self.properties().iter().filter(|property| property.name == "UID").map(Property::index).collect();
        if lines.len() == 1 && self.uid().as_deref() == Some(uid) {
            return self.clone();
        }
        let mut editor = CardEditor::of(self);
        let property = NewProperty::text("UID", uid);
        match lines.split_first() {
            Some((first, others)) => {
                editor.replace(*first, &property);
                for other in others {
                    editor.remove(*other);
                }
            }
            None => editor.append(&property),
        }
        editor.finish()
    }

    /// The card's bytes taken apart, in order and without a gap.
    pub(super) fn parts(&self) -> Vec<Part<'_>> {
        let mut parts = Vec::new();
        let mut lines = Lines::new(&self.bytes).peekable();
        let mut depth = 0_usize;
        while let Some(line) = lines.next() {
            let line = match line {
                Ok(line) => line,
                Err((range, _)) => {
                    parts.push(Part::Opaque(range));
                    continue;
                }
            };
            if depth == 0 {
                depth += usize::from(line.is_envelope(&self.bytes, "BEGIN"));
                parts.push(Part::Frame(line.range));
                continue;
            }
            if line.is_envelope(&self.bytes, "END") {
                depth -= 1;
                parts.push(Part::Frame(line.range));
                continue;
            }
            if depth == 1 && line.name.trim().eq_ignore_ascii_case("VERSION") {
                parts.push(Part::Frame(line.range));
                continue;
            }
            // An AGENT (vCard 2.1, 2.6.4) carries a card of its own, which is part of its value.
            let agent = line.name.trim().eq_ignore_ascii_case("AGENT");
            let start = line.range.start;
            let mut end = line.range.end;
            let mut inner = usize::from(line.opens_card(&self.bytes));
            let mut next_may_open = agent && inner == 0;
            while inner > 0 || next_may_open {
                let Some(next) = lines.next_if(|next| {
                    inner > 0 || matches!(next, Ok(next) if next.is_envelope(&self.bytes, "BEGIN"))
                }) else {
                    break;
                };
                next_may_open = false;
                end = match next {
                    Ok(next) => {
                        if next.opens_card(&self.bytes) {
                            inner += 1;
                        } else if next.is_envelope(&self.bytes, "END") {
                            inner -= 1;
                        }
                        next.range.end
                    }
                    Err((range, _)) => range.end,
                };
            }
            parts.push(Part::Property(start..end, line));
        }
        parts
    }
}

/// A stretch of a card.
pub(super) enum Part<'a> {
    /// `BEGIN`, `VERSION` or `END`, or bytes outside them.
    Frame(Range<usize>),
    /// A property and its extent.
    Property(Range<usize>, RawLine<'a>),
    /// A line that is no content line.
    Opaque(Range<usize>),
}

impl Part<'_> {
    pub(super) fn range(&self) -> Range<usize> {
        match self {
            Part::Frame(range) | Part::Property(range, _) | Part::Opaque(range) => range.clone(),
        }
    }
}
