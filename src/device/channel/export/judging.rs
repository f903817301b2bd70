//! Whether bytes are a whole export of the app that the profile describes, and which cards it holds.
//!
//! Pure functions. What is cut off, empty or another app's is refused with words; a single bad card in a whole file
//! is not, it stays one that is there and cannot be read. A file that was cut exactly between two cards looks whole:
//! that is why what is missing from an export proves nothing.

use std::fmt;

use crate::contact::{Card, Limits, Repair, read_cards};
use crate::device::profile::ExportSection;
use crate::provider::Revision;

/// Why a file is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It could not be read.
    Unreadable(String),
    /// There is no card in it.
    Empty,
    /// It is another app's.
    Foreign(String),
    /// Its end is missing, or something else that shows that cards were lost.
    Damaged(String),
    /// It holds fewer than half of the contacts of the one of its name that it follows.
    Shrunk {
        /// How many it holds.
        contacts: usize,
        /// How many the other one holds.
        before: usize,
    },
    /// It holds fewer than half of the contacts of another one, and has another name.
    Small {
        /// How many it holds.
        contacts: usize,
        /// How many the other one holds.
        before: usize,
    },
    /// It has another name, and nobody in it is known.
    Strangers,
}

impl Refusal {
    /// Whether it may hold contacts that an older export lacks.
    pub fn may_hide_contacts(&self) -> bool {
        matches!(self, Self::Unreadable(_) | Self::Damaged(_))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreadable(why) => write!(formatter, "it could not be read ({why})"),
            Self::Empty => formatter.write_str("it is empty"),
            Self::Foreign(why) | Self::Damaged(why) => formatter.write_str(why),
            Self::Shrunk { contacts, before } => write!(
                formatter,
                "it holds only {contacts} of {before} contacts; if the others were deleted on the phone, \
                 --absent delete takes it"
            ),
            Self::Small { contacts, before } => {
                write!(formatter, "it holds only {contacts} of {before} contacts and is no export of all")
            }
            Self::Strangers => formatter.write_str(
                "hardly anybody in it was in the last export; if it is this phone's all the same, pair the phone anew",
            ),
        }
    }
}

/// One card as an export shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Seen {
    /// A card that can be read.
    Card(Card),
    /// One that cannot.
    Broken(Broken),
}

/// A card that is there and cannot be read. `Debug` shows no content.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Broken {
    /// Its bytes as they stand in the file.
    pub bytes: Vec<u8>,
    /// Which card of which file it is, and why it cannot be read.
    pub why: String,
}

impl fmt::Debug for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Broken({} bytes, {})", self.bytes.len(), self.why)
    }
}

impl Seen {
    /// The bytes by which it is told whether it changed.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Card(card) => card.as_bytes(),
            Self::Broken(broken) => &broken.bytes,
        }
    }
}

/// A whole export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reading {
    /// The SHA-256 of its bytes.
    pub hash: Revision,
    /// Its cards in their order.
    pub cards: Vec<Seen>,
}

impl Reading {
    /// How many of its cards can be read.
    pub fn readable(&self) -> usize {
        self.cards.iter().filter(|seen| matches!(seen, Seen::Card(_))).count()
    }
}

/// Takes a file apart. `name` is for messages.
///
/// # Errors
/// When it is not a whole export.
pub(super) fn judge(bytes: &[u8], name: &str, export: &ExportSection) -> Result<Reading, Refusal> {
    if bytes.iter().all(|byte| byte.is_ascii_whitespace() || *byte == 0) {
        return Err(Refusal::Empty);
    }
    let mut found = read_cards(bytes, name, &Limits::default());
    let last = found.len().saturating_sub(1);
    let mut cards = Vec::with_capacity(found.len());
    for (index, found) in found.drain(..).enumerate() {
        let position = cards.len() + 1;
        match found {
            Ok(framed) if framed.repairs.contains(&Repair::MissingEnd) => {
                if index == last {
                    return Err(cut_off(position));
                }
                let bytes = framed.original.unwrap_or_else(|| framed.card.as_bytes().to_vec());
                let why = format!("{name}, card {position}: it is cut off, END:VCARD is missing");
                cards.push(Seen::Broken(Broken { bytes, why }));
            }
            Ok(framed) => cards.push(Seen::Card(framed.card)),
            Err(broken) if holds_line(&broken.bytes, b"BEGIN:VCARD") => {
                if index == last && !holds_line(&broken.bytes, b"END:VCARD") {
                    return Err(cut_off(position));
                }
                let why = format!("{name}, card {position}, line {}: {}", broken.line, broken.reason);
                cards.push(Seen::Broken(Broken { bytes: broken.bytes, why }));
            }
            // The end of a card whose beginning is not there: a longer file was written over by a shorter one, and
            // what follows is of the old one; or a beginning was lost.
            Err(broken) if holds_line(&broken.bytes, b"END:VCARD") => {
                let line = broken.line;
                return Err(Refusal::Damaged(format!(
                    "it is damaged: the vCard that ends behind line {line} has no beginning"
                )));
            }
            Err(_) if index == last && !cards.is_empty() => return Err(cut_off(position)),
            // Words before or between the cards are none.
            Err(_) => {}
        }
    }
    let reading = Reading { hash: Revision::of(bytes), cards };
    if reading.cards.is_empty() {
        return Err(Refusal::Foreign(String::from("there is no vCard in it")));
    }
    if reading.readable() == 0 {
        return Err(Refusal::Damaged(String::from("none of its vCards can be read")));
    }
    check_dialect(&reading, export)?;
    Ok(reading)
}

fn cut_off(position: usize) -> Refusal {
    Refusal::Damaged(format!(
        "it is cut off in card {position}: the export was not finished, or not copied whole"
    ))
}

/// Whether one of the lines is this one, in any letter case.
fn holds_line(bytes: &[u8], line: &[u8]) -> bool {
    bytes
        .split(|byte| matches!(byte, b'\n' | b'\r'))
        .any(|found| found.trim_ascii().eq_ignore_ascii_case(line))
}

/// Whether all cards are in the version, and by the product, that the profile names.
fn check_dialect(reading: &Reading, export: &ExportSection) -> Result<(), Refusal> {
    let cards = || {
        reading.cards.iter().filter_map(|seen| match seen {
            Seen::Card(card) => Some(card),
            Seen::Broken(_) => None,
        })
    };
    if let Some(version) = export.version
        && let Some(other) = cards().map(Card::version).find(|found| *found != version)
    {
        return Err(Refusal::Foreign(format!(
            "it is another app's: vCard {other} where this app writes {version}"
        )));
    }
    let product = export.product.to_lowercase();
    if !product.is_empty() && !cards().all(|card| product_of(card).contains(&product)) {
        let product = &export.product;
        return Err(Refusal::Foreign(format!(
            "it is another app's: not every card names {product} as its maker"
        )));
    }
    Ok(())
}

fn product_of(card: &Card) -> String {
    let properties = card.properties();
    let product = properties.iter().find(|property| property.name == "PRODID");
    product.map(|property| property.text().to_lowercase()).unwrap_or_default()
}

/// Whether a file looks as if this app had written it, whole or not: its first card is in the app's dialect, and it
/// is either named with a date or holds more than one card. One card by itself is what people send each other.
pub(super) fn looks_like_export(bytes: &[u8], is_dated: bool, export: &ExportSection) -> bool {
    let cards =
        read_cards(bytes, "", &Limits::default()).into_iter().flatten().map(|framed| Seen::Card(framed.card));
    let cards: Vec<Seen> = cards.take(3).collect();
    let is_several = is_dated || cards.len() > 1;
    let reading = Reading { hash: Revision([0; 32]), cards };
    is_several && !reading.cards.is_empty() && check_dialect(&reading, export).is_ok()
}
