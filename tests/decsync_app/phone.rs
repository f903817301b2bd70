//! A phone with DecSync CC: the contacts app's rows with their DIRTY and DELETED flags, and the app's
//! synchronisation, which pushes first and pulls then.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use serde_json::Value;
use tetherbook::provider::{Clock, Randomness};

use super::clock::stamp;
use super::directory::Unusable;
use super::entry::Entry;
use super::library::Library;
use super::vcard;

/// A row of the phone's contacts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The UID by which DecSync knows it; none until it was synchronised.
    pub uid: Option<String>,
    /// Logical lines, without VERSION, PRODID, UID and REV, which the app writes itself.
    pub lines: Vec<String>,
    pub is_dirty: bool,
    pub is_deleted: bool,
}

/// What a synchronisation pushed that the directory did not take, and what it pulled.
#[derive(Debug, Default, PartialEq)]
pub struct Synchronised {
    /// UIDs whose push was not recorded, because what is stored is not older than the phone's clock. The phone holds
    /// them for pushed all the same.
    pub not_recorded: Vec<String>,
    /// UIDs pushed.
    pub pushed: Vec<String>,
    /// Entries of other apps that were applied.
    pub pulled: Vec<Entry>,
    /// UIDs whose value was no one card, which were dropped.
    pub dropped: Vec<String>,
    /// Another app deleted the book.
    pub is_book_deleted: bool,
}

/// The phone.
pub struct DecsyncCc {
    pub library: Library,
    pub rows: BTreeMap<u64, Row>,
    pub name: String,
    clock: Rc<dyn Clock>,
    randomness: Rc<dyn Randomness>,
    next_row: u64,
    is_first: bool,
    is_gone: bool,
}

impl DecsyncCc {
    /// A phone to which the person has just added the address book.
    pub fn open(
        root: &Path,
        collection: &str,
        app_id: &str,
        clock: Rc<dyn Clock>,
        randomness: Rc<dyn Randomness>,
    ) -> Result<Self, Unusable> {
        let library = Library::open(root, collection, app_id, Rc::clone(&clock))?;
        Ok(Self {
            library,
            rows: BTreeMap::new(),
            name: String::new(),
            clock,
            randomness,
            next_row: 1,
            is_first: true,
            is_gone: false,
        })
    }

    /// The person creates the address book in the app.
    pub fn create_book(&mut self, name: &str) {
        self.library.set(&["info"], Value::from("name"), Value::from(name));
        name.clone_into(&mut self.name);
    }

    // What the person does.

    /// Adds a contact.
    pub fn add(&mut self, lines: &[String]) -> u64 {
        let row = Row { uid: None, lines: own_lines(lines), is_dirty: true, is_deleted: false };
        self.rows.insert(self.next_row, row);
        self.next_row += 1;
        self.next_row - 1
    }

    /// Edits a contact.
    pub fn edit(&mut self, row: u64, edit: impl FnOnce(&mut Vec<String>)) {
        let row = self.rows.get_mut(&row).unwrap();
        edit(&mut row.lines);
        row.is_dirty = true;
    }

    /// Deletes a contact.
    pub fn delete(&mut self, row: u64) {
        self.rows.get_mut(&row).unwrap().is_deleted = true;
    }

    /// The contacts that the person sees.
    pub fn contacts(&self) -> BTreeMap<u64, Row> {
        self.rows.iter().filter(|(_, row)| !row.is_deleted).map(|(id, row)| (*id, row.clone())).collect()
    }

    /// The row of that UID.
    pub fn row_of(&self, uid: &str) -> Option<u64> {
        self.rows.iter().find(|(_, row)| row.uid.as_deref() == Some(uid)).map(|(id, _)| *id)
    }

    // What the app does.

    /// The background job: the first time it takes all there is, later it pushes deletions, pushes edits, pulls.
    pub fn synchronise(&mut self) -> Synchronised {
        let mut done = Synchronised::default();
        if self.is_gone {
            return done;
        }
        if std::mem::take(&mut self.is_first) {
            self.library.init_stored();
            let stored = self.library.stored();
            self.take(stored.into_iter().filter(|entry| entry.path[0] == "resources").collect(), &mut done);
            return done;
        }
        self.push(&mut done);
        let news = self.library.new_entries();
        self.take(news, &mut done);
        done
    }

    fn push(&mut self, done: &mut Synchronised) {
        let deleted: Vec<u64> =
            self.rows.iter().filter(|(_, row)| row.is_deleted).map(|(id, _)| *id).collect();
        for id in deleted {
            let row = self.rows.remove(&id).unwrap();
            if let Some(uid) = row.uid {
                self.push_value(&uid, None, done);
            }
        }
        let dirty: Vec<u64> = self.rows.iter().filter(|(_, row)| row.is_dirty).map(|(id, _)| *id).collect();
        for id in dirty {
            let fresh =
                uuid::Builder::from_random_bytes(self.randomness.next_bytes()).into_uuid().to_string();
            let row = self.rows.get_mut(&id).unwrap();
            let uid = row.uid.get_or_insert(fresh).clone();
            row.is_dirty = false;
            let card = card_of(&uid, &row.lines, &stamp(&*self.clock));
            self.push_value(&uid, Some(&card), done);
        }
    }

    fn push_value(&self, uid: &str, card: Option<&str>, done: &mut Synchronised) {
        let entry = Entry::contact(uid, &stamp(&*self.clock), card);
        self.library.set_entries(std::slice::from_ref(&entry));
        done.pushed.push(uid.to_owned());
        if self.library.stored_contact(uid).as_ref() != Some(&entry) {
            done.not_recorded.push(uid.to_owned());
        }
    }

    fn take(&mut self, entries: Vec<Entry>, done: &mut Synchronised) {
        for entry in entries {
            if entry.path == ["info"] {
                self.take_info(&entry, done);
            } else if let Some(uid) = entry.uid().map(str::to_owned) {
                self.take_contact(&uid, &entry, done);
            }
            done.pulled.push(entry);
        }
    }

    fn take_info(&mut self, entry: &Entry, done: &mut Synchronised) {
        match (entry.key.as_str(), &entry.value) {
            (Some("deleted"), Value::Bool(true)) => {
                self.rows.clear();
                self.is_gone = true;
                done.is_book_deleted = true;
            }
            (Some("name"), Value::String(name)) => self.name.clone_from(name),
            _ => {}
        }
    }

    fn take_contact(&mut self, uid: &str, entry: &Entry, done: &mut Synchronised) {
        let known = self.row_of(uid);
        let Some(card) = entry.value.as_str() else {
            if let Some(id) = known {
                self.rows.remove(&id);
            }
            return;
        };
        let Some(lines) = vcard::only_card(card) else {
            done.dropped.push(uid.to_owned());
            return;
        };
        let row =
            Row { uid: Some(uid.to_owned()), lines: own_lines(&lines), is_dirty: false, is_deleted: false };
        let id = known.unwrap_or_else(|| {
            self.next_row += 1;
            self.next_row - 1
        });
        self.rows.insert(id, row);
    }
}

/// The lines that are the person's.
fn own_lines(lines: &[String]) -> Vec<String> {
    let is_apps = |line: &&String| ["VERSION", "PRODID", "UID", "REV"].contains(&vcard::name(line).as_str());
    lines.iter().filter(|line| !is_apps(line)).cloned().collect()
}

/// The card as the app writes it: 3.0, the UID by which DecSync knows it, its own product and time.
fn card_of(uid: &str, lines: &[String], stamp: &str) -> String {
    let mut all = vec![
        "VERSION:3.0".to_owned(),
        "PRODID:-//Invented//Phone model//EN".to_owned(),
        format!("UID:{uid}"),
    ];
    all.extend(lines.iter().cloned());
    all.push(format!("REV:{stamp}Z"));
    vcard::card(&all)
}
