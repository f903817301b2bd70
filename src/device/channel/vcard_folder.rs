//! The vCard folder: finding it on a phone, listing it and reading from it.
//!
//! It never walks the phone: it looks at the profile's candidate folders only. What it cannot list whole it calls
//! incomplete, never empty.

use std::cell::Cell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;

use super::contract::{Access, Channel};
use super::marker::Marker;
use super::names::{MARKER_NAME, NameRule, is_card_name, is_temporary, name_key};
use crate::contact::Learned;
use crate::device::profile::{ChannelKind, ContactsSection, Dates, DeviceProfile, Quirks};
use crate::device::tree::{
    DeviceIdentity, FolderListing, ObjectEntry, ObjectKind, ObjectReference, ObjectTree, Storage, TreeError,
    TreeStatistics,
};
use crate::ics::Guid;
use crate::provider::{
    Capabilities, Clock, Completeness, Costs, Delivery, Entry, Listing, Locator, ProviderError, Replica,
    Revision, Settled, SimpleOutcome, SimpleProvider, Stamp, Unsettled,
};

/// How a vCard folder is opened.
pub struct VcardFolderOptions {
    /// Whether it may be written to.
    pub access: Access,
    /// The replica's id if the phone has no readable marker: what is remembered for this phone, else a new one.
    pub guid_if_unmarked: Guid,
    /// What a person calls the phone; empty for what it calls itself.
    pub label: String,
    /// The clock, by which the phone's dates are judged.
    pub clock: Rc<dyn Clock>,
}

/// What is known of the marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum MarkerState {
    /// The folder has none.
    Missing,
    /// There is one that says nothing.
    Damaged(ObjectReference),
    /// There is one of a newer version.
    Newer(u32),
    /// There is one, here.
    Known(Marker, ObjectReference),
    /// There is none, or the damaged one named here, but a temporary that was to become it.
    Unfinished(Marker, Option<ObjectReference>),
}

/// The folder once it is found.
#[derive(Debug, Clone)]
pub(super) struct Home {
    /// The folder.
    pub folder: ObjectReference,
    /// Storage label and path, with a `/` at the end.
    pub prefix: String,
    /// Whether its storage takes writes.
    pub writable: bool,
}

/// One card file.
#[derive(Debug, Clone)]
pub(super) struct Item {
    pub object: ObjectReference,
    pub stamp: Stamp,
    /// Whether the date in `stamp` is the device's; after a write it is not known until the folder is listed again.
    pub date_known: bool,
    /// Whether it can be read at all; `false` for what is no regular file.
    pub is_file: bool,
}

/// What was written in this session under one name.
#[derive(Debug, Clone)]
pub(super) struct WrittenNote {
    /// The date text of the file that was replaced, if it was known.
    pub date_before: Option<Box<str>>,
    /// When it was written, by the computer's clock in milliseconds.
    pub written_ms: i64,
}

/// A folder of vCard files on a phone, as a simple provider.
pub struct VcardFolder {
    pub(super) tree: Box<dyn ObjectTree>,
    pub(super) clock: Rc<dyn Clock>,
    pub(super) contacts: ContactsSection,
    pub(super) quirks: Quirks,
    pub(super) access: Access,
    pub(super) replica: Replica,
    capabilities: Capabilities,
    pub(super) storages: Vec<Storage>,
    pub(super) home: Option<Home>,
    pub(super) marker: MarkerState,
    /// The listing made while the folder was looked for; it serves the first `list`.
    pub(super) pending: Option<FolderListing>,
    pub(super) items: HashMap<Box<str>, Item>,
    /// Lower-case forms of names that are taken and not in lower case, and of folders.
    folded_names: HashSet<Box<str>>,
    pub(super) temporaries: BTreeMap<String, ObjectEntry>,
    pub(super) written: BTreeMap<Box<str>, WrittenNote>,
    /// Items whose temporary was found beside them: a replacement that had not begun to touch them.
    pub(super) untouched: HashSet<Box<str>>,
    pub(super) listed_ms: i64,
    /// Why the last listing was not whole: then a name that it lacks may be taken, and nothing left over is dealt with.
    listed_short: Option<String>,
    pub(super) rename_usable: bool,
    /// A card came back in this session exactly as it was sent.
    pub(super) keeps_cards: bool,
    pub(super) dates_useless: bool,
    pub(super) is_prepared: bool,
    generation_known: Cell<u64>,
    /// The marker that is there is another replica's; the first write puts this one's in its place.
    pub(super) marker_is_foreign: bool,
    /// Why what is remembered of this replica may be another phone's.
    doubt: Option<String>,
}

impl std::fmt::Debug for VcardFolder {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let prefix = self.home.as_ref().map_or("none", |home| &home.prefix);
        write!(formatter, "VcardFolder({prefix}, {} items)", self.items.len())
    }
}

impl VcardFolder {
    /// Looks for the contacts folder and its marker.
    ///
    /// # Errors
    /// [`ProviderError::Locked`] if the phone shows no storage, [`ProviderError::NoChannel`] if it has no such
    /// folder and none can be made, others if it cannot be asked.
    pub fn open(
        mut tree: Box<dyn ObjectTree>,
        profile: &DeviceProfile,
        options: VcardFolderOptions,
    ) -> Result<Self, ProviderError> {
        let storages = tree.storages().map_err(TreeError::for_side)?;
        if storages.is_empty() {
            return Err(ProviderError::Locked("it shows no storage".to_owned()));
        }
        if let Some(format) = profile.contacts.object_format_code() {
            tree.announce_cards_as(format);
        }
        let identity = tree.identity();
        let own_name =
            [&options.label, &identity.model, &profile.name].into_iter().find(|name| !name.is_empty());
        let label = own_name.cloned().unwrap_or_default();
        let mut channel = Self {
            rename_usable: tree.capabilities().rename && !profile.quirks.rename_unusable,
            tree,
            clock: options.clock,
            contacts: profile.contacts.clone(),
            quirks: profile.quirks,
            access: options.access,
            replica: Replica { guid: options.guid_if_unmarked, label, generation: 0 },
            capabilities: Capabilities {
                projection: profile.contacts.projection(),
                dialect: profile.contacts.dialect.clone(),
                writable: profile.contacts.writable,
                delivery: Delivery::Direct,
                card_bytes_max: usize::try_from(profile.contacts.card_bytes_max).unwrap_or(usize::MAX),
            },
            storages,
            home: None,
            marker: MarkerState::Missing,
            pending: None,
            items: HashMap::new(),
            folded_names: HashSet::new(),
            temporaries: BTreeMap::new(),
            written: BTreeMap::new(),
            untouched: HashSet::new(),
            listed_ms: 0,
            listed_short: None,
            keeps_cards: false,
            dates_useless: profile.contacts.dates == Dates::Useless,
            is_prepared: false,
            generation_known: Cell::new(0),
            marker_is_foreign: false,
            doubt: None,
        };
        channel.locate().map_err(TreeError::for_side)?;
        channel.capabilities.writable &= match &channel.home {
            Some(home) => home.writable,
            None => channel.storages.iter().any(|storage| storage.writable),
        };
        if channel.home.is_none() && !channel.capabilities.writable {
            let folders = channel.contacts.folders.join(", ");
            return Err(ProviderError::NoChannel(format!(
                "there is no folder {folders}, and none can be made"
            )));
        }
        Ok(channel)
    }

    pub(super) fn names(&self) -> NameRule {
        self.contacts.names
    }

    pub(super) fn limit_bytes(&self) -> u64 {
        u64::from(self.contacts.card_bytes_max)
    }

    pub(super) fn locator(&self, name: &str) -> Locator {
        let prefix = self.home.as_ref().map_or("", |home| &home.prefix);
        Locator(format!("{prefix}{name}").into())
    }

    /// The file name in a locator of this folder.
    pub(super) fn name_in<'l>(&self, locator: &'l Locator) -> Option<&'l str> {
        locator.0.strip_prefix(self.home.as_ref()?.prefix.as_str())
    }

    /// Whether a file or folder has this name in any letter case.
    pub(super) fn is_taken(&self, name: &str) -> bool {
        let key = name_key(name);
        self.items.contains_key(name)
            || self.items.contains_key(key.as_str())
            || self.folded_names.contains(key.as_str())
    }

    pub(super) fn remember(&mut self, name: &str, item: Item) {
        let key = name_key(name);
        if key != name {
            self.folded_names.insert(key.into());
        }
        self.items.insert(name.into(), item);
    }

    pub(super) fn forget(&mut self, name: &str) {
        self.items.remove(name);
        self.folded_names.remove(name_key(name).as_str());
    }

    /// Sorts a listing into cards and temporaries, the rest being nobody's business here.
    pub(super) fn take_in(&mut self, listing: FolderListing) -> (Completeness, bool) {
        self.items.clear();
        self.folded_names.clear();
        self.temporaries.clear();
        let mut has_marker = false;
        for entry in listing.entries {
            has_marker |= entry.name == MARKER_NAME;
            if entry.kind == ObjectKind::Folder {
                self.folded_names.insert(name_key(&entry.name).into());
            } else if is_temporary(&entry.name) {
                self.temporaries.insert(entry.name.clone(), entry);
            } else if is_card_name(&entry.name) {
                let is_file = entry.kind == ObjectKind::File;
                // A phone without a date for one card has none that could be trusted for the others.
                self.dates_useless |= is_file && entry.modified.is_none();
                // Some responders list one file under two handles; the younger one is right about its size.
                let known = self.items.get(entry.name.as_str());
                if known.is_some_and(|known| known.object.is_younger_than(&entry.object)) {
                    continue;
                }
                let item = Item { stamp: entry.stamp(), object: entry.object, date_known: true, is_file };
                self.remember(&entry.name, item);
            }
        }
        (listing.completeness, has_marker)
    }

    /// A name that a short listing lacks may be taken all the same, and some phones overwrite what is there.
    pub(super) fn require_whole_listing(&self) -> Result<(), ProviderError> {
        let Some(why) = &self.listed_short else { return Ok(()) };
        Err(ProviderError::Storage(format!(
            "the phone's list of its files is not whole ({why}), so nothing is written there; sync once more"
        )))
    }

    pub(super) fn generation_known(&self) -> u64 {
        self.generation_known.get()
    }

    pub(super) fn read_item(&mut self, name: &str, place: &str) -> Result<Vec<u8>, ProviderError> {
        let Some(item) = self.items.get(name).cloned() else {
            return Err(ProviderError::Gone(place.to_owned()));
        };
        if !item.is_file {
            return Err(ProviderError::Item(format!("{place}: it is not a regular file")));
        }
        let size_bytes = item.stamp.size_bytes;
        if size_bytes == 0 {
            return Err(ProviderError::Item(format!("{place}: the file is empty")));
        }
        if size_bytes > self.limit_bytes() {
            let limit = self.limit_bytes();
            return Err(ProviderError::Item(format!(
                "{place}: it has {size_bytes} bytes, more than {limit}"
            )));
        }
        let limit_bytes = self.limit_bytes();
        self.tree.read(&item.object, size_bytes, limit_bytes).map_err(|error| error.for_item(place))
    }
}

impl Channel for VcardFolder {
    fn kind(&self) -> ChannelKind {
        ChannelKind::VcardFolder
    }

    fn marker_guid(&self) -> Option<Guid> {
        match &self.marker {
            MarkerState::Known(marker, _) | MarkerState::Unfinished(marker, _) => Some(marker.guid),
            MarkerState::Missing | MarkerState::Damaged(_) | MarkerState::Newer(_) => None,
        }
    }

    /// With another id than the marker's the marker counts as another replica's, and is replaced before the first
    /// write.
    fn take_identity(&mut self, guid: Guid, doubt: Option<String>) {
        self.marker_is_foreign = self.marker_guid().is_some_and(|marked| marked != guid);
        if self.replica.guid != guid {
            self.replica.guid = guid;
            self.replica.generation = 0;
        }
        self.doubt = doubt;
    }

    fn set_label(&mut self, label: &str) {
        label.clone_into(&mut self.replica.label);
    }

    fn identity(&self) -> &DeviceIdentity {
        self.tree.identity()
    }

    fn statistics(&self) -> TreeStatistics {
        self.tree.statistics()
    }

    fn habits(&self) -> String {
        self.tree.habits()
    }

    fn probe(&mut self, card: &[u8]) -> Result<Option<Vec<u8>>, ProviderError> {
        self.probe_with(card).map(Some)
    }

    fn narrow(&mut self, learned: &Learned, reencodes: bool) {
        self.capabilities.projection = self.capabilities.projection.narrowed_by(learned);
        self.quirks.reencodes |= reencodes;
    }

    fn place(&self) -> Option<&str> {
        self.home.as_ref().map(|home| home.prefix.trim_end_matches('/'))
    }
}

impl SimpleProvider for VcardFolder {
    fn replica(&self) -> &Replica {
        &self.replica
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    /// A marker proves that this is the folder of before, wherever it stands now; without one only its place does.
    fn covers(&self, locator: &Locator) -> bool {
        let is_marked = matches!(self.marker, MarkerState::Known(..) | MarkerState::Unfinished(..));
        is_marked || self.home.is_none() || self.name_in(locator).is_some_and(|name| !name.contains('/'))
    }

    fn restarted(&self, generation_known: u64) -> Option<String> {
        self.generation_known.set(generation_known.max(self.generation_known.get()));
        if self.doubt.is_some() || self.marker_is_foreign {
            return self.doubt.clone();
        }
        match &self.marker {
            // Before the first write there is no marker, and nothing is missing. One that says nothing is then
            // what a cut left of the first one.
            MarkerState::Missing | MarkerState::Damaged(_)
                if generation_known == 0 && self.home.is_some() =>
            {
                None
            }
            MarkerState::Missing if self.home.is_none() => {
                Some("there is no contacts folder on it".to_owned())
            }
            MarkerState::Missing => Some(format!("the file {MARKER_NAME} is missing")),
            MarkerState::Damaged(_) => Some(format!("the file {MARKER_NAME} is damaged")),
            MarkerState::Newer(format) => {
                Some(format!("the file {MARKER_NAME} has format {format}, which is newer than this version"))
            }
            MarkerState::Known(marker, _) | MarkerState::Unfinished(marker, _) => {
                (marker.generation < generation_known).then(|| {
                    format!("it was restored: generation {} after {generation_known}", marker.generation)
                })
            }
        }
    }

    fn stamps_tell_changes(&self) -> bool {
        !self.dates_useless
    }

    fn list(&mut self) -> Result<Listing, ProviderError> {
        let Some(home) = self.home.clone() else {
            return Ok(Listing { entries: Vec::new(), completeness: Completeness::Complete });
        };
        let listing = match self.pending.take() {
            Some(listing) => self.look_again(listing, &home.folder)?,
            None => {
                self.listed_ms = self.clock.now_ms();
                self.tree.list(&home.folder).map_err(TreeError::for_side)?
            }
        };
        let (mut completeness, has_marker) = self.take_in(listing);
        // The marker was there when the folder was opened: a listing without it has lost something.
        if matches!(self.marker, MarkerState::Known(..)) && !has_marker {
            completeness = Completeness::Incomplete(format!("the listing lacks the file {MARKER_NAME}"));
        }
        self.listed_short = match &completeness {
            Completeness::Incomplete(why) => Some(why.clone()),
            Completeness::Complete | Completeness::PresentOnly(_) => None,
        };
        // A temporary whose file the listing lacks is not alone for that.
        if self.listed_short.is_none()
            && let Some(doubt) = self.recover_temporaries()?
        {
            completeness = Completeness::Incomplete(doubt);
        }
        let mut entries: Vec<Entry> = self
            .items
            .iter()
            .map(|(name, item)| Entry {
                locator: Locator(format!("{}{name}", home.prefix).into()),
                stamp: item.stamp.clone(),
            })
            .collect();
        entries.sort_unstable_by(|left, right| left.locator.cmp(&right.locator));
        Ok(Listing { entries, completeness })
    }

    fn read(&mut self, locator: &Locator) -> Result<Vec<u8>, ProviderError> {
        let place = locator.0.rsplit('/').next().unwrap_or_default();
        match self.name_in(locator) {
            Some(name) => self.read_item(name, place),
            None => Err(ProviderError::Gone(locator.to_string())),
        }
    }

    fn create(&mut self, name: &str, bytes: &[u8]) -> SimpleOutcome {
        self.create_card(name, bytes)
    }

    fn replace(&mut self, locator: &Locator, expected: Revision, bytes: &[u8]) -> SimpleOutcome {
        self.replace_card(locator, expected, bytes)
    }

    fn delete(&mut self, locator: &Locator, expected: Revision) -> SimpleOutcome {
        self.delete_card(locator, expected)
    }

    fn settle(&mut self, write: &Unsettled) -> Result<Settled, ProviderError> {
        self.require_whole_listing()?;
        match write {
            Unsettled::Create { name, bytes } => self.settle_create(name, bytes),
            Unsettled::Replace { locator, bytes } => self.settle_replace(locator, bytes),
        }
    }

    fn prepare_writes(&mut self) -> Result<u64, ProviderError> {
        self.prepare_marker()
    }

    fn finish_writes(&mut self) -> Result<Vec<Entry>, ProviderError> {
        self.verify_written()
    }

    fn costs(&self) -> Costs {
        self.tree.costs()
    }

    fn close(&mut self) {
        self.tree.close();
    }
}
