//! The normal form of a card and its fingerprint: what two cards share when they say the same.
//!
//! Left out: REV, PRODID, VERSION, UID (a phone may drop it, and that is no edit), the order of lines, layout,
//! encodings and charsets. This file must not say what differs; `difference` does.

use std::fmt;

use sha2::{Digest, Sha256};

use super::card::Card;
use super::decoded::{DecodedCard, Entry};
use super::field::FieldMask;

/// The SHA-256 of a card's normal form within a mask.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub [u8; 32]);

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Fingerprint(")?;
        self.0.iter().take(4).try_for_each(|byte| write!(formatter, "{byte:02x}"))?;
        formatter.write_str("..)")
    }
}

/// The lines of a card's normal form, sorted.
pub(super) fn normal_lines(card: &Card, mask: &FieldMask) -> Vec<String> {
    let decoded = DecodedCard::of(card);
    let mut lines: Vec<String> = decoded
        .entries
        .iter()
        .filter(|entry| mask.holds_property(&entry.property))
        .map(|entry| Entry::normal_line(entry, mask))
        .collect();
    lines.sort_unstable();
    lines
}

impl Card {
    /// The fingerprint of what the card says in the fields of the mask. Equal for two cards that say the same,
    /// whatever their versions, layout, order of lines and bookkeeping.
    #[must_use]
    pub fn fingerprint(&self, mask: &FieldMask) -> Fingerprint {
        let mut digest = Sha256::new();
        for line in normal_lines(self, mask) {
            digest.update(line.as_bytes());
            digest.update([0]);
        }
        Fingerprint(digest.finalize().into())
    }
}
