//! What is remembered of a phone's exports between sessions: which file was read last, the contacts with their
//! numbers, and which files were refused. It must not decide anything.
//!
//! The table of contacts is one small value, so that a session with nothing new reads nothing else; each contact's
//! last readable card is a value of its own, so that an export with one edit writes one of them. The card's bytes are
//! what the next export is compared with, and stay on this computer.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::judging::Refusal;
use crate::contact::Card;
use crate::ics::Guid;
use crate::provider::{ChannelMemory, ProviderError, Revision};

/// The name of the table in the channel's memory.
const TABLE: &str = "export";

/// What the names of the cards begin with in the channel's memory.
const CARD: &str = "export-card-";

/// The version of the table's form.
const FORMAT: u32 = 1;

/// The most refused files that are remembered.
const REFUSED_MAX: usize = 64;

/// A date's resolution is one second, and its reading may be cut off: a file that is read this long after it was last
/// read with the same date can no longer be changed under that date.
pub(super) const SETTLED_AFTER_MS: i64 = 2_000;

/// What a listing tells of an export without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ExportStamp {
    /// Storage label and path of the folder.
    pub place: String,
    /// The file's name; of an export of many files a name for all of them.
    pub name: String,
    /// The size, of many files together.
    pub size_bytes: u64,
    /// The date as the phone wrote it; for many files the hash of all their names, sizes and dates.
    pub modified: Option<String>,
}

/// The export that was read last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastExport {
    /// The file.
    pub stamp: ExportStamp,
    /// The date in its name.
    pub name_date: Option<u64>,
    /// The date of the file.
    pub file_date: Option<u64>,
    /// Whether it was reached as a directory of this computer, which writes dates in another time zone.
    pub is_directory: bool,
    /// The SHA-256 of its bytes, hexadecimal.
    pub hash: String,
    /// How many contacts it holds.
    pub contacts: usize,
    /// It was read when its date could no longer be the date of a later export as well.
    pub settled: bool,
    /// When it was read, in milliseconds since 1970.
    pub read_ms: i64,
    /// It is known of every card in it whose it is.
    pub is_certain: bool,
}

/// One contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RememberedContact {
    /// Whether the last export has it.
    pub is_there: bool,
    /// The size of its card.
    pub size_bytes: u64,
    /// The SHA-256 of its card, hexadecimal; while it cannot be read, of the bytes that cannot.
    pub hash: String,
    /// Why it cannot be read, if it cannot.
    pub problem: Option<String>,
    /// Whether a card of it that could be read is kept.
    pub has_card: bool,
}

/// A file that was read and refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct RefusedExport {
    /// The file.
    pub stamp: ExportStamp,
    /// Why.
    pub why: String,
    /// Whether it may hold contacts that the one that was taken lacks.
    pub may_hide_contacts: bool,
    /// When it was read first, in milliseconds since 1970.
    pub read_ms: i64,
    /// It was read again later and was still the same: it is not being written any more.
    pub settled: bool,
}

/// Everything that is remembered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    /// The version of this form.
    pub format: u32,
    /// The next free number.
    pub next: u64,
    /// The export that was read last.
    pub last: Option<LastExport>,
    /// The contacts by their numbers.
    pub contacts: BTreeMap<u64, RememberedContact>,
    /// Files that were refused.
    pub refused: Vec<RefusedExport>,
}

impl Remembered {
    /// What is remembered of this replica; nothing of one that is not known.
    ///
    /// # Errors
    /// When the memory cannot be read, or was written by a newer version.
    pub fn load(memory: &dyn ChannelMemory, guid: Guid) -> Result<Self, ProviderError> {
        let Some(bytes) = memory.get(guid, TABLE)? else { return Ok(Self::default()) };
        let format = serde_json::from_slice::<Form>(&bytes).map(|form| form.format);
        if format.is_ok_and(|format| format > FORMAT) {
            return Err(ProviderError::Unusable(String::from(
                "what is remembered of the phone's exports was written by a newer version of tetherbook; use that one",
            )));
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            ProviderError::Unusable(format!("what is remembered of the phone's exports is damaged: {error}"))
        })
    }

    /// Keeps the table.
    ///
    /// # Errors
    /// When the memory cannot be written.
    pub fn save(&mut self, memory: &dyn ChannelMemory, guid: Guid) -> Result<(), ProviderError> {
        self.format = FORMAT;
        let bytes = serde_json::to_vec(self).map_err(|error| ProviderError::Storage(error.to_string()))?;
        memory.put(guid, TABLE, &bytes)
    }

    /// The refusal of a file that is unchanged since.
    pub fn refusal_of(&self, stamp: &ExportStamp) -> Option<&RefusedExport> {
        self.refused.iter().find(|refused| refused.stamp == *stamp && refused.settled)
    }

    /// Remembers that a file was refused. What was refused beside another export may be taken when that has changed, and
    /// a file without a date may have changed, so that such a refusal holds for one session only.
    pub fn refuse(&mut self, stamp: &ExportStamp, refusal: &Refusal, now_ms: i64) {
        let is_this =
            |refused: &RefusedExport| refused.stamp.place == stamp.place && refused.stamp.name == stamp.name;
        let before = self.refused.iter().position(is_this).map(|index| self.refused.remove(index));
        let lasts = matches!(refusal, Refusal::Empty | Refusal::Foreign(_) | Refusal::Damaged(_));
        if !lasts || stamp.modified.is_none() {
            return;
        }
        let read_ms = before.filter(|before| before.stamp == *stamp).map_or(now_ms, |before| before.read_ms);
        let settled = now_ms.saturating_sub(read_ms) >= SETTLED_AFTER_MS;
        let (why, may_hide_contacts) = (refusal.to_string(), refusal.may_hide_contacts());
        self.refused.push(RefusedExport { stamp: stamp.clone(), why, may_hide_contacts, read_ms, settled });
        let surplus = self.refused.len().saturating_sub(REFUSED_MAX);
        self.refused.drain(..surplus);
    }
}

#[derive(Deserialize)]
struct Form {
    format: u32,
}

/// The last readable card of a contact.
///
/// # Errors
/// When the memory cannot be read.
pub(super) fn load_card(
    memory: &dyn ChannelMemory,
    guid: Guid,
    number: u64,
) -> Result<Option<Card>, ProviderError> {
    let bytes = memory.get(guid, &format!("{CARD}{number}"))?;
    Ok(bytes.and_then(|bytes| Card::parse(&bytes).ok()))
}

/// Keeps the last readable card of a contact.
///
/// # Errors
/// When the memory cannot be written.
pub(super) fn save_card(
    memory: &dyn ChannelMemory,
    guid: Guid,
    number: u64,
    card: &Card,
) -> Result<(), ProviderError> {
    memory.put(guid, &format!("{CARD}{number}"), card.as_bytes())
}

/// Forgets a contact's card.
///
/// # Errors
/// When the memory cannot be written.
pub(super) fn remove_card(memory: &dyn ChannelMemory, guid: Guid, number: u64) -> Result<(), ProviderError> {
    memory.remove(guid, &format!("{CARD}{number}"))
}

/// A hash as it is kept.
pub(super) fn hexadecimal(Revision(bytes): &Revision) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A hash as it was kept.
pub(super) fn revision(hexadecimal: &str) -> Option<Revision> {
    let mut bytes = [0; 32];
    for (index, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(hexadecimal.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(Revision(bytes))
}
