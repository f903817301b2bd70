//! What is remembered of the entries of other apps, so that only bucket files that changed are read. Values.
//!
//! Contents are not in it, only their hashes. An entry that vanished from its file without being deleted stays, marked:
//! in DecSync a deletion is an entry of its own, and an app's folder that is cleared away deletes nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::entry::DecsyncEntry;
use super::phone_clock::ZoneEvidence;
use super::sequences::Sequences;
use crate::provider::Revision;

/// The layout of this memory; another one is not used.
const FORMAT: u32 = 1;

/// One contact's entry in one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedEntry {
    /// The UID in its path.
    pub uid: String,
    /// Its datetime as it stands there.
    pub datetime: String,
    /// The SHA-256 of its value in hexadecimal digits; `None` if it is a deletion.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// The length of its value in bytes.
    pub size_bytes: u64,
    /// It was in the file when that was read before, and is not any more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub vanished: bool,
}

/// One fact about the address book.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedFact {
    /// `name`, `deleted` and others.
    pub key: String,
    /// Its datetime as it stands there.
    pub datetime: String,
    /// The value.
    pub value: Value,
}

/// What is remembered of one file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedFile {
    /// Size and date, for files whose content may change without a counter.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub stamp: String,
    /// The newest datetime of all its entries; empty if it has none.
    pub newest: String,
    /// Its contacts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<RememberedEntry>,
    /// What it says about the address book.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<RememberedFact>,
}

/// What is remembered of one app's folder.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RememberedApp {
    /// Its counters as they were when its files were read.
    #[serde(default, skip_serializing_if = "Sequences::is_empty")]
    pub sequences: Sequences,
    /// All of its files were read once, also those without a counter: an app copies there what it took from others,
    /// and that may be the only copy.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_read_whole: bool,
    /// Its files by name.
    pub files: BTreeMap<String, RememberedFile>,
}

/// What is remembered of one address book, by the names of the apps' folders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Index {
    format: u32,
    /// The apps of version 2.
    pub apps: BTreeMap<String, RememberedApp>,
    /// The apps of version 1.
    pub old_apps: BTreeMap<String, RememberedApp>,
    /// What told last in which zone the phone writes the dates of its files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<ZoneEvidence>,
}

impl Default for Index {
    fn default() -> Self {
        Self { format: FORMAT, apps: BTreeMap::new(), old_apps: BTreeMap::new(), zone: None }
    }
}

/// The SHA-256 of these bytes in hexadecimal digits.
#[must_use]
pub fn sha256_text(bytes: &[u8]) -> String {
    Revision::of(bytes).0.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The bytes of an entry's value: the card itself, or for what is no text its JSON form; `None` for a deletion.
#[must_use]
pub fn value_bytes(value: &Value) -> Option<Vec<u8>> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone().into_bytes()),
        other => Some(other.to_string().into_bytes()),
    }
}

impl RememberedEntry {
    fn of(entry: &DecsyncEntry) -> Option<Self> {
        let bytes = value_bytes(&entry.value);
        Some(Self {
            uid: entry.uid()?.to_owned(),
            datetime: entry.datetime.clone(),
            sha256: bytes.as_deref().map(sha256_text),
            size_bytes: bytes.map_or(0, |bytes| u64::try_from(bytes.len()).unwrap_or(u64::MAX)),
            vanished: false,
        })
    }
}

impl RememberedFile {
    /// What is to be remembered of a file with these entries. Of two entries for one UID the newer one counts, of two
    /// from the same second the later line.
    #[must_use]
    pub fn of(entries: &[DecsyncEntry]) -> Self {
        let mut newest_by_uid: BTreeMap<String, RememberedEntry> = BTreeMap::new();
        let mut newest_by_key: BTreeMap<String, RememberedFact> = BTreeMap::new();
        for entry in entries {
            if let Some(remembered) = RememberedEntry::of(entry) {
                let before = newest_by_uid.get(&remembered.uid);
                if before.is_none_or(|before| before.datetime <= remembered.datetime) {
                    newest_by_uid.insert(remembered.uid.clone(), remembered);
                }
            } else if let Some(key) = entry.info_key() {
                let before = newest_by_key.get(key);
                if before.is_none_or(|before| before.datetime <= entry.datetime) {
                    let (key, datetime, value) =
                        (key.to_owned(), entry.datetime.clone(), entry.value.clone());
                    newest_by_key.insert(key.clone(), RememberedFact { key, datetime, value });
                }
            }
        }
        Self {
            stamp: String::new(),
            newest: entries.iter().map(|entry| entry.datetime.clone()).max().unwrap_or_default(),
            entries: newest_by_uid.into_values().collect(),
            facts: newest_by_key.into_values().collect(),
        }
    }

    /// Keeps what an earlier reading of the same file had and this one lacks, marked.
    pub fn keep_vanished(&mut self, before: Self) {
        for mut entry in before.entries {
            if !self.entries.iter().any(|now| now.uid == entry.uid) {
                entry.vanished = true;
                self.entries.push(entry);
            }
        }
    }
}

impl RememberedApp {
    /// The app's folder is gone.
    pub fn vanish(&mut self) {
        self.read_all_again();
        for entry in self.files.values_mut().flat_map(|file| &mut file.entries) {
            entry.vanished = true;
        }
    }

    /// Nothing that was read counts as read.
    pub fn read_all_again(&mut self) {
        self.sequences.clear();
        self.is_read_whole = false;
    }

    /// Whether anything of it is left on the phone, as far as is known.
    #[must_use]
    pub fn is_there(&self) -> bool {
        !self.sequences.is_empty()
            || self.files.values().any(|file| file.entries.iter().any(|entry| !entry.vanished))
    }
}

impl Index {
    /// Reads what [`Index::to_bytes`] wrote; anything else is an empty memory, which costs a reading of everything.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Self {
        serde_json::from_slice(bytes).ok().filter(|index: &Self| index.format == FORMAT).unwrap_or_default()
    }

    /// The bytes to remember.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// The newest value of a fact about the address book.
    #[must_use]
    pub fn fact(&self, key: &str) -> Option<&RememberedFact> {
        let apps = self.apps.values().chain(self.old_apps.values());
        let facts = apps.flat_map(|app| app.files.values()).flat_map(|file| &file.facts);
        facts.filter(|fact| fact.key == key).max_by(|left, right| left.datetime.cmp(&right.datetime))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn file(entries: &[DecsyncEntry]) -> RememberedFile {
        RememberedFile::of(entries)
    }

    #[test]
    fn the_newest_line_of_a_file_counts() {
        let entries = [
            DecsyncEntry::contact("a", "2026-01-01T00:00:02", Some("two")),
            DecsyncEntry::contact("a", "2026-01-01T00:00:01", Some("one")),
            DecsyncEntry::contact("b", "2026-01-01T00:00:01", Some("first")),
            DecsyncEntry::contact("b", "2026-01-01T00:00:01", None),
            DecsyncEntry::info("name", "2026-01-01T00:00:09", json!("Friends")),
        ];
        let file = file(&entries);
        assert_eq!(file.entries.len(), 2);
        assert_eq!(file.entries[0].sha256, Some(sha256_text(b"two")));
        assert_eq!((file.entries[1].sha256.clone(), file.entries[1].size_bytes), (None, 0));
        assert_eq!(file.newest, "2026-01-01T00:00:09");
        assert_eq!(file.facts[0].value, json!("Friends"));
    }

    #[test]
    fn what_vanishes_without_a_deletion_stays() {
        let before = file(&[
            DecsyncEntry::contact("a", "2026-01-01T00:00:02", Some("two")),
            DecsyncEntry::contact("b", "2026-01-01T00:00:02", Some("two")),
        ]);
        let mut now = file(&[DecsyncEntry::contact("a", "2026-01-01T00:00:03", None)]);
        now.keep_vanished(before);
        let seen: Vec<_> = now.entries.iter().map(|entry| (entry.uid.as_str(), entry.vanished)).collect();
        assert_eq!(seen, [("a", false), ("b", true)]);
        let mut app = RememberedApp { files: BTreeMap::from([("00".to_owned(), now)]), ..Default::default() };
        assert!(app.is_there());
        app.vanish();
        assert!(!app.is_there());
    }

    #[test]
    fn it_comes_back_from_its_bytes_and_nothing_else_does() {
        let mut index = Index::default();
        let entry = DecsyncEntry::contact("a", "2026-01-01T00:00:02", Some("two"));
        let files = BTreeMap::from([("00".to_owned(), file(&[entry]))]);
        let sequences = Sequences::from([("00".to_owned(), 3)]);
        index.apps.insert("Phone".to_owned(), RememberedApp { sequences, is_read_whole: true, files });
        assert_eq!(Index::from_bytes(&index.to_bytes()), index);
        assert_eq!(Index::from_bytes(b"junk"), Index::default());
        let newer = String::from_utf8(index.to_bytes()).unwrap().replace("\"format\":1", "\"format\":2");
        assert_eq!(Index::from_bytes(newer.as_bytes()), Index::default());
    }
}
