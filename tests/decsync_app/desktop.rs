//! An address book on another computer that shares the directory: it pulls before each edit and pushes at once.

use std::collections::BTreeMap;
use std::path::Path;
use std::rc::Rc;

use tetherbook::provider::Clock;

use super::directory::Unusable;
use super::entry::Entry;
use super::library::Library;
use super::vcard;

/// The other computer.
pub struct Desktop {
    pub library: Library,
    /// Logical lines of each contact by UID, all of the card's.
    pub contacts: BTreeMap<String, Vec<String>>,
    is_first: bool,
}

impl Desktop {
    /// An address book that was just opened.
    pub fn open(root: &Path, collection: &str, app_id: &str, clock: Rc<dyn Clock>) -> Result<Self, Unusable> {
        let library = Library::open(root, collection, app_id, clock)?;
        Ok(Self { library, contacts: BTreeMap::new(), is_first: true })
    }

    /// Takes what others wrote.
    pub fn pull(&mut self) -> Vec<Entry> {
        let mut news = Vec::new();
        if std::mem::take(&mut self.is_first) {
            self.library.init_stored();
            news.extend(self.library.stored());
        }
        news.extend(self.library.new_entries());
        for entry in &news {
            let Some(uid) = entry.uid() else { continue };
            match entry.value.as_str() {
                None => drop(self.contacts.remove(uid)),
                Some(card) => {
                    if let Some(lines) = vcard::only_card(card) {
                        self.contacts.insert(uid.to_owned(), lines);
                    }
                }
            }
        }
        news
    }

    /// Writes a contact; `false` if the directory did not record it, because what is stored is not older.
    pub fn write(&mut self, uid: &str, lines: &[String]) -> bool {
        let card = vcard::card(lines);
        self.library.set_contact(uid, Some(&card));
        self.contacts.insert(uid.to_owned(), lines.to_vec());
        self.has_stored(uid, Some(&card))
    }

    /// Deletes a contact; `false` as above.
    pub fn delete(&mut self, uid: &str) -> bool {
        self.library.set_contact(uid, None);
        self.contacts.remove(uid);
        self.has_stored(uid, None)
    }

    fn has_stored(&self, uid: &str, card: Option<&str>) -> bool {
        self.library.stored_contact(uid).is_some_and(|entry| entry.value.as_str() == card)
    }
}
