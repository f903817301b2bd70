//! The DecSync channel: one address book in a DecSync folder, as a simple provider. Opening it and what is held in a
//! session; reading, noting writes and carrying them out have files of their own.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::encoding::encoded;
use super::entry::DecsyncEntry;
use super::finding::{CONTACTS, Found, find_decsync, own_app_id, read_version};
use super::index::{Index, RememberedFile};
use super::memory::{BookMemory, Files, remembered_book, remembered_place};
use super::merged::{Source, Winner};
use super::phone_clock::PhoneClock;
use super::replaced::Replaced;
use super::shelf::Shelf;
use super::staging::Staged;
use super::version::DecsyncVersion;
use crate::device::channel::contract::{Access, ChannelOptions};
use crate::device::profile::DeviceProfile;
use crate::device::search::Search;
use crate::device::tree::{ObjectTree, TreeError};
use crate::ics::Guid;
use crate::provider::{
    Capabilities, ChannelMemory, Clock, Delivery, Locator, ProviderError, Randomness, Replica,
};

/// What an address book is called that is made because there is none.
pub(super) const NEW_BOOK_NAME: &str = "Contacts";

/// One address book in a DecSync folder on a phone.
pub struct DecsyncChannel<'m> {
    pub(super) shelf: Shelf,
    pub(super) clock: Rc<dyn Clock>,
    pub(super) randomness: Rc<dyn Randomness>,
    pub(super) memory: &'m dyn ChannelMemory,
    pub(super) access: Access,
    pub(super) replica: Replica,
    pub(super) capabilities: Capabilities,
    pub(super) version: DecsyncVersion,
    /// Storage label and path of the DecSync folder.
    pub(super) place: String,
    /// The same with the address book, once there is one.
    book_place: String,
    pub(super) is_directory: bool,
    pub(super) asked_for: Option<String>,
    pub(super) known_guids: Vec<Guid>,
    /// The address book's folder.
    pub(super) book: Option<String>,
    /// It is not on the phone yet.
    pub(super) book_is_new: bool,
    pub(super) marker: Option<Guid>,
    doubt: Option<String>,
    pub(super) restarted: Option<String>,
    pub(super) generation_known: Cell<u64>,
    pub(super) is_loaded: bool,
    pub(super) is_prepared: bool,
    pub(super) is_listed: bool,
    pub(super) index: Index,
    pub(super) index_changed: bool,
    /// Our files as they are on the phone once nothing is pending.
    pub(super) own: Files,
    /// Our files that are on their way there.
    pub(super) pending: Files,
    /// What is in those files, as far as it was looked at.
    pub(super) own_index: BTreeMap<String, RememberedFile>,
    /// So many new contacts are pending, and so many were uploaded in this session.
    pub(super) waiting: usize,
    pub(super) uploaded: usize,
    /// Our files in the memory are not these: they are kept before the next write.
    pub(super) own_changed: bool,
    pub(super) is_marked: bool,
    pub(super) staged: BTreeMap<String, Staged>,
    /// What our entries replaced that some app may not have heard of yet, by UID; and of which of them the memory is
    /// to be told.
    pub(super) replaced: BTreeMap<String, Replaced>,
    pub(super) replaced_changed: BTreeSet<String>,
    /// The datetimes of those entries of ours.
    pub(super) unsure: BTreeMap<String, String>,
    /// What was asked in this session about those, and which of them could not be written.
    pub(super) asked: BTreeSet<String>,
    pub(super) refused: BTreeSet<String>,
    pub(super) winners: BTreeMap<String, Winner>,
    pub(super) read_files: BTreeMap<Source, Vec<DecsyncEntry>>,
    pub(super) phone_clock: Option<PhoneClock>,
    pub(super) written: BTreeSet<String>,
    pub(super) remarks: Vec<String>,
}

impl std::fmt::Debug for DecsyncChannel<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "DecsyncChannel({}, {} contacts)", self.book_place, self.winners.len())
    }
}

/// A DecSync folder that is looked for, of whatever version: first where the replicas that are known here had it.
#[derive(Debug)]
pub struct Sought {
    places: BTreeSet<String>,
    found: Option<Found>,
}

impl Sought {
    /// Begins with what is remembered.
    ///
    /// # Errors
    /// When the memory cannot be asked.
    pub fn new(options: &ChannelOptions<'_>) -> Result<Self, ProviderError> {
        let mut places = BTreeSet::new();
        for guid in &options.known_guids {
            places.extend(remembered_place(options.memory, *guid)?);
        }
        Ok(Self { places, found: None })
    }

    /// Whether the phone has one; where, is kept for opening it.
    ///
    /// # Errors
    /// When the phone cannot be asked.
    pub fn is_there(&mut self, search: &mut Search<'_>) -> Result<bool, TreeError> {
        if self.found.is_none() {
            self.found = find_decsync(search, &self.places)?;
        }
        Ok(self.found.is_some())
    }

    fn into_found(self) -> Result<Found, ProviderError> {
        self.found.ok_or_else(|| {
            ProviderError::NoChannel(
                "there is no DecSync folder on it; set up DecSync CC on the phone, and choose a folder there"
                    .to_owned(),
            )
        })
    }
}

impl<'m> DecsyncChannel<'m> {
    /// Looks for the address book in the DecSync folder that was found.
    ///
    /// # Errors
    /// [`ProviderError::NoChannel`] if there is no DecSync folder, or several address books and none is asked for;
    /// [`ProviderError::Unusable`] if it is of an unknown version; others if the phone cannot be asked.
    pub fn open(
        mut tree: Box<dyn ObjectTree>,
        profile: &DeviceProfile,
        options: ChannelOptions<'m>,
        sought: Sought,
    ) -> Result<Self, ProviderError> {
        let found = sought.into_found()?;
        let version = read_version(&mut *tree, &found)?;
        let label = tree.identity().model.clone();
        let own_name = [&options.label, &label, &profile.name].into_iter().find(|name| !name.is_empty());
        let writable = found.writable && profile.contacts.writable && version == DecsyncVersion::V2;
        let is_directory = tree.identity().is_directory;
        let mut channel = Self {
            shelf: Shelf::new(tree, found.folder, found.listing, profile.quirks.rename_unusable),
            clock: options.clock,
            randomness: options.randomness,
            memory: options.memory,
            access: options.access,
            replica: Replica {
                guid: options.guid_if_unmarked,
                label: own_name.cloned().unwrap_or_default(),
                generation: 0,
            },
            capabilities: Capabilities {
                writable,
                delivery: if writable { Delivery::Direct } else { Delivery::NotNow },
                projection: profile.contacts.projection(),
                dialect: profile.contacts.dialect.clone(),
                card_bytes_max: usize::try_from(profile.contacts.card_bytes_max).unwrap_or(usize::MAX),
            },
            version,
            book_place: found.place.clone(),
            place: found.place,
            is_directory,
            asked_for: options.choices.address_book,
            known_guids: options.known_guids,
            book: None,
            book_is_new: false,
            marker: None,
            doubt: None,
            restarted: None,
            generation_known: Cell::new(0),
            is_loaded: false,
            is_prepared: false,
            is_listed: false,
            index: Index::default(),
            index_changed: false,
            own: Files::new(),
            pending: Files::new(),
            own_index: BTreeMap::new(),
            waiting: 0,
            uploaded: 0,
            own_changed: false,
            is_marked: false,
            staged: BTreeMap::new(),
            replaced: BTreeMap::new(),
            replaced_changed: BTreeSet::new(),
            unsure: BTreeMap::new(),
            asked: BTreeSet::new(),
            refused: BTreeSet::new(),
            winners: BTreeMap::new(),
            read_files: BTreeMap::new(),
            phone_clock: None,
            written: BTreeSet::new(),
            remarks: Vec::new(),
        };
        channel.locate_book()?;
        Ok(channel)
    }

    /// The path of an address book below the DecSync folder.
    pub(super) fn book_path(book: &str) -> String {
        format!("{CONTACTS}/{book}")
    }

    /// The name of our own folder.
    pub(super) fn own_folder_name(&self) -> String {
        own_app_id(self.replica.guid)
    }

    pub(super) fn settle_on(&mut self, book: Option<String>) {
        self.book_place = match &book {
            Some(id) => format!("{}/{}", self.place, Self::book_path(id)),
            None => self.place.clone(),
        };
        self.book = book;
    }

    /// The memory of the address book.
    pub(super) fn book_memory(&self) -> Option<BookMemory<'m>> {
        let book = self.book.as_deref()?;
        Some(BookMemory::new(self.memory, self.replica.guid, book))
    }

    /// Whether an address book was written to by this replica.
    fn was_written(&self, book: &str) -> Result<bool, ProviderError> {
        BookMemory::new(self.memory, self.replica.guid, book).is_marked()
    }

    /// Takes in what is remembered. What is remembered of another address book or another phone does not count.
    pub(super) fn load(&mut self) -> Result<(), ProviderError> {
        if self.is_loaded {
            return Ok(());
        }
        let before = remembered_book(self.memory, self.replica.guid)?;
        self.restarted.clone_from(&self.doubt);
        match (&before, &self.book) {
            (Some(before), None) if self.was_written(before)? => {
                self.restarted.get_or_insert_with(|| {
                    "the address book that was synced is no longer in its DecSync folder".to_owned()
                });
            }
            // It was chosen in a session that was cut before it was made.
            (Some(before), None) => {
                let id = before.clone();
                self.settle_on(Some(id));
                self.book_is_new = true;
            }
            (Some(before), Some(now)) if before != now && self.was_written(before)? => {
                self.restarted.get_or_insert_with(|| "it is another address book than before".to_owned());
            }
            _ => {}
        }
        (self.own, self.pending, self.index, self.is_marked) =
            (Files::new(), Files::new(), Index::default(), false);
        self.own_index.clear();
        (self.replaced, self.replaced_changed) = (BTreeMap::new(), BTreeSet::new());
        (self.own_changed, self.index_changed) = (self.restarted.is_some(), self.restarted.is_some());
        if let Some(memory) = self.book_memory() {
            self.replaced = memory.replaced()?;
        }
        if self.restarted.is_some() {
            self.forget_replaced();
        } else if let Some(memory) = self.book_memory() {
            self.index = memory.index()?;
            self.own = memory.own_files()?;
            self.pending = memory.pending()?;
            self.is_marked = memory.is_marked()?;
        }
        self.is_loaded = true;
        Ok(())
    }

    /// One of our files as it is or will be on the phone.
    pub(super) fn own_file(&self, name: &str) -> Option<&[u8]> {
        self.pending.get(name).or_else(|| self.own.get(name)).map(Vec::as_slice)
    }

    /// The place of a contact.
    pub(super) fn locator(&self, uid: &str) -> Locator {
        Locator(format!("{}/{}", self.book_place, encoded(uid)).into())
    }

    /// The UID in a place in this address book.
    pub(super) fn uid_in(&self, locator: &Locator) -> Option<String> {
        let name = locator.0.strip_prefix(self.book_place.as_str())?.strip_prefix('/')?;
        super::encoding::decoded(name).filter(|uid| !name.contains('/') && !uid.is_empty())
    }

    pub(super) fn asked_for(&self) -> Option<&str> {
        self.asked_for.as_deref()
    }

    pub(super) fn book_place(&self) -> &str {
        &self.book_place
    }

    pub(super) fn marker(&self) -> Option<Guid> {
        self.marker
    }

    /// Takes another identity: nothing that was loaded for the one before counts.
    pub(super) fn become_replica(&mut self, guid: Guid, doubt: Option<String>) {
        self.replica.guid = guid;
        self.doubt = doubt;
        self.restarted.clone_from(&self.doubt);
        self.is_loaded = false;
    }

    pub(super) fn remark(&mut self, words: String) {
        if !self.remarks.contains(&words) {
            self.remarks.push(words);
        }
    }
}
