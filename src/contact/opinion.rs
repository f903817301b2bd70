//! What other parsers say of a card we wrote: the strict `vcard` crate, which every exported 4.0 card must pass, and
//! the `vcard_parser` crate for a second opinion.
//!
//! The second opinion is for `export --strict` and the tests only. It must never be on the way of a sync, and no value is ever
//! taken from it: that parser knows 4.0 only, loses values in valid cards, takes more than quadratic time in the
//! size of its input, and overflows the stack on a chain of groups. Hence one card per call, capped first.

use super::card::{Card, Version};

/// What the second parser said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Opinion {
    /// It reads the card.
    Accepted,
    /// It does not; its reason is not shown, because it quotes the card.
    Refused(&'static str),
    /// The card is larger than the parser can be trusted with.
    TooLarge,
    /// The card is none the parser could know: another version than 4.0, or a shape that would crash it.
    NotAsked(&'static str),
}

/// Whether the strict parser (`vcard`) reads a 4.0 card and finds it valid by RFC 6350; cards of other versions are
/// not its business.
///
/// # Errors
/// The kind of fault, without the card's content.
pub fn strict_reading(card: &Card) -> Result<(), &'static str> {
    if card.version() != Version::V40 {
        return Ok(());
    }
    let text = std::str::from_utf8(card.as_bytes()).map_err(|_| "it is not UTF-8 text")?;
    let read: vcard_strict::VCard = text.parse().map_err(|_| "a line of it is not as RFC 6350 wants it")?;
    read.validate().map_err(|_| "it has a property too many, too few, or with a wrong value")
}

/// The largest card that is shown to the parser, in bytes.
const CARD_BYTES_MAX: usize = 64 << 10;

/// The most lines: its time grows faster than their square.
const LINES_MAX: usize = 200;

/// The most groups before a name. It recurses once per group.
const GROUP_DEPTH_MAX: usize = 8;

/// The most separators on one line, for the same reason.
const SEPARATORS_MAX: usize = 100;

/// Asks `vcard_parser` whether it accepts a 4.0 card of ours.
#[must_use]
pub fn second_opinion(card: &Card) -> Opinion {
    if card.version() != Version::V40 {
        return Opinion::NotAsked("it reads vCard 4.0 only");
    }
    if card.as_bytes().len() > CARD_BYTES_MAX {
        return Opinion::TooLarge;
    }
    let properties = card.properties();
    if properties.len() > LINES_MAX {
        return Opinion::TooLarge;
    }
    for property in &properties {
        if property.name.matches('.').count() > GROUP_DEPTH_MAX {
            return Opinion::NotAsked("a property has groups inside groups");
        }
        let separators = property.raw().iter().filter(|byte| matches!(byte, b';' | b',' | b'=')).count();
        if separators > SEPARATORS_MAX {
            return Opinion::TooLarge;
        }
    }
    let Ok(text) = std::str::from_utf8(card.as_bytes()) else {
        return Opinion::NotAsked("the vCard is not UTF-8 text");
    };
    match vcard_parser::parse_vcards(text) {
        Ok(cards) if cards.len() == 1 => Opinion::Accepted,
        // It returns fewer cards than there are, and no error, where it stops reading.
        Ok(_) => Opinion::Refused("it finds no vCard in it"),
        Err(_) => Opinion::Refused("it cannot read the vCard"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn card(lines: &str) -> Card {
        Card::parse(format!("BEGIN:VCARD\r\n{lines}END:VCARD\r\n").as_bytes()).unwrap()
    }

    #[test]
    fn accepts_and_refuses() {
        assert_eq!(second_opinion(&card("VERSION:4.0\r\nFN:Ada Example\r\n")), Opinion::Accepted);
        assert!(matches!(
            second_opinion(&card("VERSION:4.0\r\nFN:Ada Example\r\nEMAIL;X-NONE;FOO=1:a@example.org\r\n")),
            Opinion::Refused(_)
        ));
        assert!(matches!(second_opinion(&card("VERSION:3.0\r\nFN:Ada\r\n")), Opinion::NotAsked(_)));
    }

    #[test]
    fn what_would_crash_or_stall_it_is_not_shown_to_it() {
        let groups = "a.".repeat(3_000);
        assert!(matches!(
            second_opinion(&card(&format!("VERSION:4.0\r\nFN:A\r\n{groups}TEL:1\r\n"))),
            Opinion::NotAsked(_)
        ));
        let note = "x".repeat(CARD_BYTES_MAX);
        assert_eq!(
            second_opinion(&card(&format!("VERSION:4.0\r\nFN:A\r\nNOTE:{note}\r\n"))),
            Opinion::TooLarge
        );
        let many = "TEL:1\r\n".repeat(LINES_MAX + 1);
        assert_eq!(second_opinion(&card(&format!("VERSION:4.0\r\nFN:A\r\n{many}"))), Opinion::TooLarge);
        let params = ";TYPE=x".repeat(SEPARATORS_MAX);
        assert_eq!(
            second_opinion(&card(&format!("VERSION:4.0\r\nFN:A\r\nTEL{params}:1\r\n"))),
            Opinion::TooLarge
        );
    }
}
