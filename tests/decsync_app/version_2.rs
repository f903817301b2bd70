//! Version 2 of the format, per collection: buckets by hash, a counter for each, and what each app has read.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::{Map, Value};
use tetherbook::provider::Clock;

use super::directory::{children, read, write};
use super::entry::{Entry, changes, is_news, put};
use super::names::{bucket, encoded};

/// One app's view of one collection.
pub struct VersionTwo {
    pub collection: PathBuf,
    pub app_id: String,
    pub clock: Rc<dyn Clock>,
}

impl VersionTwo {
    fn folder(&self, app_id: &str) -> PathBuf {
        self.collection.join("v2").join(encoded(app_id))
    }

    fn local(&self, name: &str) -> PathBuf {
        self.collection.join("local").join(encoded(&self.app_id)).join(name)
    }

    /// The apps that wrote here, without this one.
    pub fn others(&self) -> Vec<String> {
        let mut apps = children(&self.collection.join("v2"), true);
        apps.retain(|app| *app != self.app_id);
        apps
    }

    /// The entries in a bucket; lines that cannot be read are skipped.
    pub fn bucket(&self, app_id: &str, bucket: &str) -> Vec<Entry> {
        let text = read(&self.folder(app_id).join(bucket)).unwrap_or_default();
        text.lines().filter_map(Entry::parse_2).collect()
    }

    /// The counters of an app's buckets; none if the file is missing or broken.
    pub fn sequences(&self, app_id: &str) -> Map<String, Value> {
        object(&self.folder(app_id).join("sequences")).unwrap_or_default()
    }

    /// Every entry that this app has stored.
    pub fn stored(&self) -> Vec<Entry> {
        let buckets = children(&self.folder(&self.app_id), false);
        buckets
            .iter()
            .filter(|name| *name != "sequences")
            .flat_map(|name| self.bucket(&self.app_id, name))
            .collect()
    }

    /// Adds to this app's own bucket what is news; says which was.
    fn store(&self, name: &str, entries: Vec<Entry>) -> Vec<Entry> {
        let mut stored = self.bucket(&self.app_id, name);
        let mut news: Vec<Entry> = Vec::new();
        for entry in entries {
            if is_news(&stored, &entry) && is_news(&news, &entry) {
                put(&mut news, entry);
            }
        }
        if !news.is_empty() {
            for entry in &news {
                put(&mut stored, entry.clone());
            }
            let text: String = stored.iter().map(Entry::line_2).collect();
            write(&self.folder(&self.app_id).join(name), &text, &*self.clock);
        }
        news
    }

    /// This app's own entries: what says another value than is stored, if it is news, is recorded.
    pub fn set(&self, entries: &[Entry]) {
        let is_change = |entry: &&Entry| changes(&self.bucket(&self.app_id, &bucket(&entry.path)), entry);
        let changing: Vec<Entry> = entries.iter().filter(is_change).cloned().collect();
        self.record(&changing);
    }

    /// Stores what is news, whether or not it says another value, and tells the others by the counters.
    pub fn record(&self, entries: &[Entry]) {
        let mut names: Vec<String> = Vec::new();
        for entry in entries {
            let name = bucket(&entry.path);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let mut sequences = self.sequences(&self.app_id);
        let before = sequences.clone();
        for name in names {
            let here = entries.iter().filter(|entry| bucket(&entry.path) == name).cloned().collect();
            if !self.store(&name, here).is_empty() {
                let count = sequences.get(&name).and_then(Value::as_i64).unwrap_or(0);
                sequences.insert(name, Value::from(count + 1));
            }
        }
        if sequences != before {
            save(&self.folder(&self.app_id).join("sequences"), sequences, &*self.clock);
        }
    }

    /// What the other apps wrote since last time and is news: copied into this app's own buckets, without a word to
    /// the others, and returned.
    pub fn new_entries(&self) -> Vec<Entry> {
        let path = self.local("sequences");
        let before = object(&path).unwrap_or_default();
        let mut read_until = before.clone();
        let mut news = Vec::new();
        for app in self.others() {
            let mut known = before.get(&app).and_then(Value::as_object).cloned().unwrap_or_default();
            for (name, count) in self.sequences(&app) {
                if known.get(&name) != Some(&count) {
                    news.extend(self.store(&name, self.bucket(&app, &name)));
                    known.insert(name, count);
                }
            }
            if !known.is_empty() {
                read_until.insert(app, Value::Object(known));
            }
        }
        if read_until != before {
            save(&path, read_until, &*self.clock);
        }
        news
    }
}

fn object(path: &Path) -> Option<Map<String, Value>> {
    match serde_json::from_str(&read(path)?).ok()? {
        Value::Object(map) => Some(map),
        _ => None,
    }
}

fn save(path: &Path, map: Map<String, Value>, clock: &dyn Clock) {
    write(path, &format!("{}\n", Value::Object(map)), clock);
}
