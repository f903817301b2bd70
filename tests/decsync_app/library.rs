//! What an app calls: set entries, get new ones. It keeps to whichever version the directory has and moves an app's
//! data to version 2 as the reference library does.

use std::path::{Path, PathBuf};
use std::rc::Rc;

use serde_json::{Value, json};
use tetherbook::provider::Clock;

use super::clock::{day, stamp};
use super::directory::{self, Unusable, read, write};
use super::entry::Entry;
use super::names::{bucket, encoded};
use super::version_1::VersionOne;
use super::version_2::VersionTwo;

/// One app's hold on one address book.
pub struct Library {
    root: PathBuf,
    app_id: String,
    clock: Rc<dyn Clock>,
    one: VersionOne,
    two: VersionTwo,
}

impl Library {
    /// Opens the address book `collection` of the directory `root` for the app `app_id`.
    pub fn open(root: &Path, collection: &str, app_id: &str, clock: Rc<dyn Clock>) -> Result<Self, Unusable> {
        directory::version(root, &*clock)?;
        let folder = root.join("contacts").join(encoded(collection));
        let one =
            VersionOne { collection: folder.clone(), app_id: app_id.to_owned(), clock: Rc::clone(&clock) };
        let two = VersionTwo { collection: folder, app_id: app_id.to_owned(), clock: Rc::clone(&clock) };
        Ok(Self { root: root.to_owned(), app_id: app_id.to_owned(), clock, one, two })
    }

    fn info_file(&self) -> PathBuf {
        self.two.collection.join("local").join(encoded(&self.app_id)).join("info")
    }

    fn local_info(&self) -> Value {
        let text = read(&self.info_file()).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_else(|_| json!({"version": self.directory_version()}))
    }

    fn save_local_info(&self, info: &Value) {
        write(&self.info_file(), &format!("{info}\n"), &*self.clock);
    }

    fn directory_version(&self) -> i64 {
        directory::version(&self.root, &*self.clock).unwrap()
    }

    /// The version that this app's own data has here, which is the directory's for a new app.
    pub fn local_version(&self) -> i64 {
        let info = self.local_info();
        if read(&self.info_file()).is_none() {
            self.save_local_info(&info);
        }
        info["version"].as_i64().unwrap()
    }

    /// Sets one entry, stamped with this device's time; it is not recorded unless that is later than what is stored.
    pub fn set(&self, path: &[&str], key: Value, value: Value) {
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        self.set_entries(&[Entry { path, datetime: stamp(&*self.clock), key, value }]);
    }

    /// Sets several at once.
    pub fn set_entries(&self, entries: &[Entry]) {
        if self.local_version() == 1 { self.one.set(entries) } else { self.two.set(entries) }
    }

    /// Sets a contact's card, or deletes it.
    pub fn set_contact(&self, uid: &str, card: Option<&str>) {
        self.set_entries(&[Entry::contact(uid, &stamp(&*self.clock), card)]);
    }

    /// What this app has stored: its own entries and those of others it has read.
    pub fn stored(&self) -> Vec<Entry> {
        if self.local_version() == 1 { self.one.stored() } else { self.two.stored() }
    }

    /// What this app has stored about a contact.
    pub fn stored_contact(&self, uid: &str) -> Option<Entry> {
        let wanted = Entry::contact(uid, "", None);
        let stored = match self.local_version() {
            1 => self.one.stored(),
            _ => self.two.bucket(&self.app_id, &bucket(&wanted.path)),
        };
        stored.into_iter().find(|entry| entry.is_about(&wanted))
    }

    /// The first thing that an app calls on a book that it did not know: it stores all there is as known.
    pub fn init_stored(&self) {
        if self.local_version() == 1 {
            self.one.init_stored();
        } else {
            self.two.new_entries();
        }
    }

    /// What other apps wrote since the last call. Moves to version 2 first where that is due, and leaves a word that
    /// this app was here today.
    pub fn new_entries(&self) -> Vec<Entry> {
        let mut news = self.upgrade_if_due();
        news.extend(if self.local_version() == 1 { self.one.new_entries() } else { self.two.new_entries() });
        self.say_active();
        news
    }

    /// Moves to version 2 if the directory is there or may go there; what was new in version 1 comes with it.
    fn upgrade_if_due(&self) -> Vec<Entry> {
        if self.local_version() == 2 {
            return Vec::new();
        }
        if self.directory_version() == 1 {
            if !self.all_support_2() {
                return Vec::new();
            }
            directory::make(&self.root, 2, &*self.clock);
        }
        let news = self.one.new_entries();
        // What only said who was active stays behind.
        let is_bookkeeping = |entry: &Entry| {
            let key = entry.key.as_str().unwrap_or_default();
            key.starts_with("last-active-") || key.starts_with("supported-version-")
        };
        let mut entries = self.one.stored();
        entries.retain(|entry| !is_bookkeeping(entry));
        self.two.set(&entries);
        let mut info = self.local_info();
        info["version"] = json!(2);
        self.save_local_info(&info);
        self.one.remove();
        news
    }

    /// Whether every app that says it is active in this book knows version 2.
    fn all_support_2(&self) -> bool {
        let stored = self.one.stored();
        let value = |key: &str| {
            stored
                .iter()
                .filter(|entry| entry.path == ["info"])
                .find(|entry| entry.key == key)
                .map(|e| &e.value)
        };
        stored.iter().filter_map(|entry| entry.key.as_str()?.strip_prefix("last-active-")).all(|app| {
            value(&format!("supported-version-{app}"))
                .and_then(Value::as_i64)
                .is_some_and(|version| version >= 2)
        })
    }

    fn say_active(&self) {
        let mut info = self.local_info();
        let today = day(&*self.clock);
        for (name, value) in [("last-active", json!(today)), ("supported-version", json!(2))] {
            if info.get(name) != Some(&value) {
                self.set(&["info"], Value::from(format!("{name}-{}", self.app_id)), value.clone());
                info[name] = value;
                self.save_local_info(&info);
            }
        }
    }
}
