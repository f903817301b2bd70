//! What is remembered of the contacts that were offered to a phone as a file: which file, what was in it, and which
//! exports were there since. Values and their form in the channel's memory; it must not touch a phone.
//!
//! The cards themselves are kept only while the upload of their file is not confirmed; then their hashes are enough.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};

use crate::ics::Guid;
use crate::provider::{ChannelMemory, ItemId, ProviderError, Revision};

/// The name in the channel's memory.
const MEMORY_NAME: &str = "offers";
/// The version of its form.
const FORM_VERSION: u32 = 1;

/// Everything that is remembered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferBook {
    version: u32,
    /// The newest exports of the sessions since something was offered, each once, the oldest first.
    exports: Vec<String>,
    /// The files, in the order in which they were made.
    pub files: Vec<DropFile>,
}

/// One file that was left on the phone, or is to be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DropFile {
    /// The label of its storage.
    pub storage: String,
    /// Its folder's path below the storage's root.
    pub folder: String,
    /// Its name.
    pub name: String,
    /// What stands in it, in order; while it is being sent, what stood in it before as well.
    pub contacts: Vec<OfferedContact>,
    /// How far it got.
    pub state: FileState,
}

/// One contact of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferedContact {
    /// The number of the PC's item.
    pub pc: u64,
    /// The hash of its card as it stands in the file.
    pub card: Hash,
    /// It was not seen on the phone yet and is still wanted there.
    pub open: bool,
}

/// How far a file got.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "is", deny_unknown_fields)]
pub enum FileState {
    /// It was to be sent, and whether it arrived is not known.
    Sent {
        /// Its bytes, in base64.
        bytes: String,
        /// The hash of what stood under its name before and makes way for it.
        replaces: Option<Hash>,
    },
    /// It was read back as it was sent.
    Lies {
        /// Its size.
        size_bytes: u64,
        /// Its content.
        content: Hash,
    },
    /// It lay there once and was gone later: the person took it in, or removed it.
    Gone {
        /// Its size.
        size_bytes: u64,
        /// Its content.
        content: Hash,
        /// How many of the remembered exports may be older than that.
        exports_before: usize,
    },
}

impl std::fmt::Debug for FileState {
    // The bytes are contacts.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Sent { .. } => "Sent",
            Self::Lies { .. } => "Lies",
            Self::Gone { .. } => "Gone",
        })
    }
}

/// A SHA-256, as 64 hexadecimal digits where it is written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hash(Revision);

impl Hash {
    /// The hash of these bytes.
    pub fn of(bytes: &[u8]) -> Self {
        Self(Revision::of(bytes))
    }
}

impl From<Revision> for Hash {
    fn from(revision: Revision) -> Self {
        Self(revision)
    }
}

impl From<Hash> for String {
    fn from(hash: Hash) -> Self {
        hash.0.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl TryFrom<String> for Hash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = || String::from("a hash is not 64 hexadecimal digits");
        let mut bytes = [0; 32];
        if text.len() != 64 {
            return Err(wrong());
        }
        for (index, byte) in bytes.iter_mut().enumerate() {
            let digits = text.get(2 * index..2 * index + 2).ok_or_else(wrong)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
        }
        Ok(Self(Revision(bytes)))
    }
}

impl FileState {
    /// A file that is about to be sent in place of `replaces`.
    pub fn to_be_sent(bytes: &[u8], replaces: Option<Hash>) -> Self {
        Self::Sent { bytes: STANDARD.encode(bytes), replaces }
    }

    /// The bytes of a file whose arrival is not confirmed.
    pub fn unconfirmed_bytes(&self) -> Option<Vec<u8>> {
        match self {
            // What is no base64 was found out when the memory was read.
            Self::Sent { bytes, .. } => STANDARD.decode(bytes).ok(),
            Self::Lies { .. } | Self::Gone { .. } => None,
        }
    }
}

/// Where a file is, for people: storage label and path.
pub fn place_of(storage: &str, folder: &str, name: &str) -> String {
    if folder == "." { format!("{storage}/{name}") } else { format!("{storage}/{folder}/{name}") }
}

impl DropFile {
    /// Where it is, for people.
    pub fn place(&self) -> String {
        place_of(&self.storage, &self.folder, &self.name)
    }

    /// Notes that it lies on the phone as it was to be. What was left out of it is in no file any more.
    pub fn confirm(&mut self) {
        self.state = match std::mem::replace(&mut self.state, FileState::to_be_sent(&[], None)) {
            FileState::Gone { size_bytes, content, .. } => FileState::Lies { size_bytes, content },
            sent @ FileState::Sent { .. } => {
                self.contacts.retain(|contact| contact.open);
                let bytes = sent.unconfirmed_bytes().unwrap_or_default();
                let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
                FileState::Lies { size_bytes, content: Hash::of(&bytes) }
            }
            lies @ FileState::Lies { .. } => lies,
        };
    }

    /// Notes that it lay there and is gone. `exports_before` exports may be older than that.
    pub fn note_gone(&mut self, exports_before: usize) {
        if let FileState::Lies { size_bytes, content } = self.state {
            self.state = FileState::Gone { size_bytes, content, exports_before };
        }
    }

    /// How many of its contacts wait to be seen on the phone.
    pub fn open_count(&self) -> usize {
        self.contacts.iter().filter(|contact| contact.open).count()
    }
}

impl OfferBook {
    /// A book without an entry.
    pub fn empty() -> Self {
        Self { version: FORM_VERSION, exports: Vec::new(), files: Vec::new() }
    }

    /// What is remembered of this replica.
    ///
    /// # Errors
    /// When the memory cannot be read, or holds what this version does not understand.
    pub fn load(memory: &dyn ChannelMemory, replica: Guid) -> Result<Self, ProviderError> {
        let Some(bytes) = memory.get(replica, MEMORY_NAME)? else { return Ok(Self::empty()) };
        let unusable = |why: &str| {
            Err(ProviderError::Unusable(format!(
                "what is remembered of the contacts that were offered to the phone {why}"
            )))
        };
        let Ok(value) = serde_json::from_slice::<serde_json::Value>(&bytes) else {
            return unusable(
                "is damaged; restore a backup of the database, or forget the phone and pair it anew",
            );
        };
        match value.get("version").and_then(serde_json::Value::as_u64) {
            Some(version) if version == u64::from(FORM_VERSION) => {}
            Some(_) => return unusable("was written by a newer Tetherbook; use that one"),
            None => return unusable("has no version; forget the phone and pair it anew"),
        }
        match serde_json::from_value::<Self>(value) {
            Ok(book) if book.is_sound() => Ok(book),
            _ => {
                unusable("is damaged; restore a backup of the database, or forget the phone and pair it anew")
            }
        }
    }

    fn is_sound(&self) -> bool {
        self.files.iter().all(|file| match &file.state {
            FileState::Sent { .. } => file.state.unconfirmed_bytes().is_some(),
            FileState::Gone { exports_before, .. } => *exports_before <= self.exports.len(),
            FileState::Lies { .. } => true,
        })
    }

    /// Writes the book down; an empty one is forgotten. It is on the disk when this returns.
    ///
    /// # Errors
    /// When the memory cannot be written.
    pub fn save(&self, memory: &dyn ChannelMemory, replica: Guid) -> Result<(), ProviderError> {
        if self.files.is_empty() {
            return memory.remove(replica, MEMORY_NAME);
        }
        let bytes = serde_json::to_vec(self).map_err(|error| ProviderError::Storage(error.to_string()))?;
        memory.put(replica, MEMORY_NAME, &bytes)
    }

    /// The PC's items that are offered and were not seen on the phone yet, each once, in order.
    pub fn open_items(&self) -> Vec<ItemId> {
        let contacts = self.files.iter().flat_map(|file| &file.contacts);
        let mut items: Vec<ItemId> =
            contacts.filter(|contact| contact.open).map(|contact| ItemId(contact.pc)).collect();
        items.sort_unstable();
        items.dedup();
        items
    }

    /// Whether the contact stands in a file that may lie on the phone, wanted or not.
    pub fn may_lie_there(&self, pc: u64) -> bool {
        self.files.iter().any(|file| {
            let holds = file.contacts.iter().any(|contact| contact.pc == pc);
            holds && !matches!(file.state, FileState::Gone { .. })
        })
    }

    /// Takes down the export that is the newest in this session. Without a file there is nothing to compare it with
    /// later, so that the first one of a new file begins the account anew.
    pub fn note_export(&mut self, mark: &str) {
        if self.files.is_empty() {
            self.exports.clear();
        }
        if !self.exports.iter().any(|known| known == mark) {
            self.exports.push(mark.to_owned());
        }
    }

    /// How many exports are remembered.
    pub fn exports_known(&self) -> usize {
        self.exports.len()
    }

    /// Whether the export first came after `exports_before` others.
    pub fn is_newer(&self, mark: &str, exports_before: usize) -> bool {
        self.exports.iter().position(|known| known == mark).is_none_or(|at| at >= exports_before)
    }
}
