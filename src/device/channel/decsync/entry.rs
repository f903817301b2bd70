//! Entries and the files that hold them: one JSON array per line. Pure.
//!
//! What cannot be read is skipped, as the reference library does: a line that was cut is written anew by its app.
//! In our own files lines that are not understood keep their bytes, blank ones go.

use serde_json::{Value, json};

/// The first part of every contact's path; the second is its UID.
const RESOURCES: &str = "resources";

/// One entry: at `datetime`, `key` of `path` got this value.
#[derive(Clone, PartialEq)]
pub struct DecsyncEntry {
    /// Where it belongs.
    pub path: Vec<String>,
    /// UTC, `YYYY-MM-DDTHH:MM:SS`; compared as text.
    pub datetime: String,
    /// The key; null for a contact.
    pub key: Value,
    /// The value: for a contact its vCard as text, or null if it is deleted.
    pub value: Value,
}

impl std::fmt::Debug for DecsyncEntry {
    // Values are contacts, and paths hold their UIDs.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            formatter,
            "DecsyncEntry({}, {} bytes)",
            self.datetime,
            self.value.as_str().map_or(0, str::len)
        )
    }
}

impl DecsyncEntry {
    /// The entry of a contact: its card, or its deletion.
    #[must_use]
    pub fn contact(uid: &str, datetime: &str, card: Option<&str>) -> Self {
        Self {
            path: vec![RESOURCES.to_owned(), uid.to_owned()],
            datetime: datetime.to_owned(),
            key: Value::Null,
            value: card.map_or(Value::Null, |card| Value::String(card.to_owned())),
        }
    }

    /// An entry about the address book as a whole.
    #[must_use]
    pub fn info(key: &str, datetime: &str, value: Value) -> Self {
        Self { path: vec!["info".to_owned()], datetime: datetime.to_owned(), key: json!(key), value }
    }

    /// Reads one line of a bucket file: `[path, datetime, key, value]`.
    #[must_use]
    pub fn from_line(line: &str) -> Option<Self> {
        let (path, datetime, key, value): (Vec<String>, String, Value, Value) =
            serde_json::from_str(line.trim()).ok()?;
        Some(Self { path, datetime, key, value })
    }

    /// Reads one line of a version 1 file, whose path is its place: `[datetime, key, value]`.
    #[must_use]
    pub fn from_old_line(path: &[String], line: &str) -> Option<Self> {
        let (datetime, key, value): (String, Value, Value) = serde_json::from_str(line.trim()).ok()?;
        Some(Self { path: path.to_vec(), datetime, key, value })
    }

    /// The line of a bucket file, without its end.
    #[must_use]
    pub fn to_line(&self) -> String {
        json!([self.path, self.datetime, self.key, self.value]).to_string()
    }

    /// The UID if this is a contact's entry.
    #[must_use]
    pub fn uid(&self) -> Option<&str> {
        match self.path.as_slice() {
            [first, uid] if first == RESOURCES && self.key.is_null() && !uid.is_empty() => Some(uid),
            _ => None,
        }
    }

    /// The key if this is an entry about the address book.
    #[must_use]
    pub fn info_key(&self) -> Option<&str> {
        match self.path.as_slice() {
            [only] if only == "info" => self.key.as_str(),
            _ => None,
        }
    }

    fn is_about_the_same_as(&self, other: &Self) -> bool {
        self.path == other.path && self.key == other.key
    }
}

/// The entries of a bucket file. Bytes that are no text cost only the lines they stand in.
#[must_use]
pub fn parse_bucket(bytes: &[u8]) -> Vec<DecsyncEntry> {
    let lines = bytes.split(|byte| *byte == b'\n');
    lines.filter_map(|line| DecsyncEntry::from_line(std::str::from_utf8(line).ok()?)).collect()
}

/// The bucket file with these entries in it: lines about the same path and key go, the new lines are appended, the
/// others keep their bytes.
#[must_use]
pub fn edited_bucket(bytes: &[u8], entries: &[DecsyncEntry]) -> Vec<u8> {
    let mut edited = Vec::with_capacity(bytes.len());
    for line in bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty()) {
        let known = std::str::from_utf8(line).ok().and_then(DecsyncEntry::from_line);
        if known.is_some_and(|known| entries.iter().any(|entry| entry.is_about_the_same_as(&known))) {
            continue;
        }
        edited.extend_from_slice(line);
        edited.push(b'\n');
    }
    for entry in entries {
        edited.extend_from_slice(entry.to_line().as_bytes());
        edited.push(b'\n');
    }
    edited
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = r#"[["resources","uid-1"],"2026-11-20T15:29:11",null,"BEGIN:VCARD\r\nEND:VCARD\r\n"]"#;

    #[test]
    fn a_line_is_read_and_written_as_it_stands() {
        let entry = DecsyncEntry::from_line(LINE).unwrap();
        assert_eq!(entry.uid(), Some("uid-1"));
        assert_eq!(entry.datetime, "2026-11-20T15:29:11");
        assert_eq!(entry.value.as_str(), Some("BEGIN:VCARD\r\nEND:VCARD\r\n"));
        assert_eq!(entry.to_line(), LINE);
        assert_eq!(entry, DecsyncEntry::contact("uid-1", &entry.datetime, entry.value.as_str()));
        assert!(!format!("{entry:?}").contains("uid-1"));
        let old = r#"["2026-11-20T15:29:11",null,"BEGIN:VCARD\r\nEND:VCARD\r\n"]"#;
        assert_eq!(DecsyncEntry::from_old_line(&entry.path, old), Some(entry));
    }

    #[test]
    fn only_contacts_are_contacts() {
        for line in [
            r#"[["resources"],"d",null,"x"]"#,
            r#"[["resources","u","v"],"d",null,"x"]"#,
            r#"[["resources","u"],"d","key","x"]"#,
            r#"[["resources",""],"d",null,"x"]"#,
            r#"[["other","u"],"d",null,"x"]"#,
        ] {
            assert_eq!(DecsyncEntry::from_line(line).unwrap().uid(), None, "{line}");
        }
        let info = DecsyncEntry::from_line(r#"[["info"],"d","name","Friends"]"#).unwrap();
        assert_eq!((info.uid(), info.info_key()), (None, Some("name")));
    }

    #[test]
    fn what_cannot_be_read_costs_its_line_only() {
        let mut file = Vec::new();
        for line in ["", "  ", "junk", &LINE[..30], "[]", "[1,2,3,4]", LINE] {
            file.extend_from_slice(line.as_bytes());
            file.push(b'\n');
        }
        file.extend_from_slice(b"\xff\xfe\n");
        file.extend_from_slice(LINE.replace("uid-1", "uid-2").as_bytes());
        let uids: Vec<String> =
            parse_bucket(&file).iter().map(|entry| entry.uid().unwrap().to_owned()).collect();
        assert_eq!(uids, ["uid-1", "uid-2"]);
    }

    #[test]
    fn an_edit_touches_its_own_line_only() {
        let other = LINE.replace("uid-1", "uid-2");
        let file = format!("{LINE}\n\nnot ours\n{other}");
        let deletion = DecsyncEntry::contact("uid-1", "2026-11-20T15:29:12", None);
        let edited = String::from_utf8(edited_bucket(file.as_bytes(), &[deletion])).unwrap();
        let new = r#"[["resources","uid-1"],"2026-11-20T15:29:12",null,null]"#;
        assert_eq!(edited, format!("not ours\n{other}\n{new}\n"));
        assert_eq!(edited_bucket(b"", &[]), b"");
    }
}
