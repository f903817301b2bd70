//! One entry: a path, when it was set, a key, a value. And its line, in either version of the format.

use serde_json::Value;

/// The datetime, key and value at a path.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub path: Vec<String>,
    pub datetime: String,
    pub key: Value,
    pub value: Value,
}

impl Entry {
    /// Whether both are about the same thing.
    pub fn is_about(&self, other: &Self) -> bool {
        self.path == other.path && self.key == other.key
    }

    /// `[path, datetime, key, value]` and a line break.
    pub fn line_2(&self) -> String {
        format!("{}\n", serde_json::json!([self.path, self.datetime, self.key, self.value]))
    }

    /// `[datetime, key, value]` and a line break; the path is the file's.
    pub fn line_1(&self) -> String {
        format!("{}\n", serde_json::json!([self.datetime, self.key, self.value]))
    }

    /// What a line of version 2 says; `None` for one that the library skips.
    pub fn parse_2(line: &str) -> Option<Self> {
        let Value::Array(parts) = serde_json::from_str(line).ok()? else { return None };
        let [Value::Array(path), datetime, key, value] = <[Value; 4]>::try_from(parts).ok()? else {
            return None;
        };
        let path = path.iter().map(|part| part.as_str().map(str::to_owned)).collect::<Option<_>>()?;
        Some(Self { path, datetime: datetime.as_str()?.to_owned(), key, value })
    }

    /// What a line of version 1 says.
    pub fn parse_1(path: &[String], line: &str) -> Option<Self> {
        let Value::Array(parts) = serde_json::from_str(line).ok()? else { return None };
        let [datetime, key, value] = <[Value; 3]>::try_from(parts).ok()?;
        Some(Self { path: path.to_vec(), datetime: datetime.as_str()?.to_owned(), key, value })
    }

    /// A contact: its vCard, or `None` for a deletion.
    pub fn contact(uid: &str, datetime: &str, card: Option<&str>) -> Self {
        let path = vec!["resources".to_owned(), uid.to_owned()];
        Self {
            path,
            datetime: datetime.to_owned(),
            key: Value::Null,
            value: card.map_or(Value::Null, Value::from),
        }
    }

    /// The contact's UID, if it is one.
    pub fn uid(&self) -> Option<&str> {
        match self.path.as_slice() {
            [resources, uid] if resources == "resources" => Some(uid),
            _ => None,
        }
    }
}

/// Adds an entry to a file's: what was said about the same thing goes, the new one stands last.
pub fn put(entries: &mut Vec<Entry>, entry: Entry) {
    entries.retain(|old| !old.is_about(&entry));
    entries.push(entry);
}

/// Whether an entry is strictly newer than what is stored about the same thing.
pub fn is_news(stored: &[Entry], entry: &Entry) -> bool {
    stored.iter().all(|old| !old.is_about(entry) || entry.datetime > old.datetime)
}

/// Whether an entry says another value than what is stored. An app's own entry that does not is not recorded.
pub fn changes(stored: &[Entry], entry: &Entry) -> bool {
    stored.iter().all(|old| !old.is_about(entry) || entry.value != old.value)
}
