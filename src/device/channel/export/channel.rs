//! The channel of a phone whose contacts leave it as exports: one file with all of them, of which each card is an
//! item. It writes no contact; what is new on the PC is handed over as a file that a person opens.
//!
//! An item stands at a place that is made of its number and outlives the file. What is not in an export is reported
//! and not deleted, unless a person says that it was.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::choosing::{Circumstances, Export};
use super::finding::{Found, find};
use super::judging::looks_like_export;
use super::offers::{HandOver, NewestExport, Offers};
use super::pruning::outdated;
use super::remembered::{Remembered, load_card, remove_card, revision, save_card};
use super::words;
use crate::contact::Card;
use crate::device::channel::contract::{Access, Channel, ChannelChoices, ChannelOptions};
use crate::device::profile::{ChannelKind, ContactsSection, DeviceProfile, ExportLayout, ExportSection};
use crate::device::search::Search;
use crate::device::tree::{DeviceIdentity, ObjectTree, TreeError, TreeStatistics};
use crate::ics::Guid;
use crate::provider::{
    Capabilities, ChannelMemory, Clock, Completeness, Costs, Delivery, Entry, HandedOver, ItemId, Listing,
    Locator, Offer, ProviderError, Replica, Revision, Settled, SimpleOutcome, SimpleProvider, Stamp, Unsettled,
};

/// What an item's place begins with; its number follows.
const PLACE: &str = "export/contact ";

/// The largest export that is read, in bytes.
pub(super) const EXPORT_BYTES_MAX: u64 = 256 << 20;

/// So many of the newest files are looked at for being this app's.
const LOOKS_MAX: usize = 3;

/// Whether there is an export of this app: one of the newest files looks as if the app had written it.
///
/// # Errors
/// When the phone cannot be asked.
pub fn is_there(search: &mut Search<'_>, profile: &DeviceProfile, now_ms: i64) -> Result<bool, TreeError> {
    let Some(section) = &profile.contacts.export else { return Ok(false) };
    let found = find(search, &profile.contacts, section)?;
    let is_set = section.layout == ExportLayout::OneCardPerFile;
    for export in super::choosing::exports(&found, section.layout, now_ms).iter().take(LOOKS_MAX) {
        let candidate = export.files.first().and_then(|index| found.candidates.get(*index));
        let Some(entry) = candidate.map(|candidate| &candidate.entry) else { continue };
        let is_dated = is_set || export.name_date.is_some();
        match search.tree().read(&entry.object, entry.size_bytes, EXPORT_BYTES_MAX) {
            Ok(bytes) if looks_like_export(&bytes, is_dated, section) => return Ok(true),
            Ok(_) => {}
            Err(error) if error.is_fatal() => return Err(error),
            // Whether it is one cannot be told; another may be.
            Err(_) => {}
        }
    }
    Ok(false)
}

/// What is known of the contacts once the side was listed.
pub(super) struct Stock {
    /// What is remembered, brought up to this listing.
    pub remembered: Remembered,
    /// The export that counts, if it is the newest that was ever read.
    pub taken: Option<Export>,
    /// Whether what is not listed is gone.
    pub completeness: Completeness,
    /// The readable cards that are not kept yet.
    pub fresh: BTreeMap<u64, Card>,
    /// Contacts whose kept cards go.
    pub dropped: Vec<u64>,
    /// Whether what is remembered differs from what is kept.
    pub is_dirty: bool,
}

/// A phone's exports, as a simple provider.
pub struct ExportChannel<'m> {
    pub(super) tree: Box<dyn ObjectTree>,
    pub(super) clock: Rc<dyn Clock>,
    pub(super) memory: &'m dyn ChannelMemory,
    pub(super) access: Access,
    pub(super) choices: ChannelChoices,
    pub(super) contacts: ContactsSection,
    pub(super) section: ExportSection,
    pub(super) replica: Replica,
    capabilities: Capabilities,
    /// What was found when the channel was opened.
    pub(super) found: Found,
    place: Option<String>,
    pub(super) stock: Option<Stock>,
    offers: Option<Offers>,
    pub(super) remarks: Vec<String>,
    /// Why what is remembered of this replica may be another phone's.
    pub(super) doubt: Option<String>,
}

impl std::fmt::Debug for ExportChannel<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let place = self.place.as_deref().unwrap_or("none");
        write!(formatter, "ExportChannel({place}, {} files)", self.found.candidates.len())
    }
}

impl<'m> ExportChannel<'m> {
    /// Looks for files that may be exports; it reads none yet.
    ///
    /// # Errors
    /// [`ProviderError::Locked`] if the phone shows no storage, [`ProviderError::NoChannel`] if there is no such file,
    /// others if it cannot be asked.
    pub fn open(
        mut tree: Box<dyn ObjectTree>,
        profile: &DeviceProfile,
        options: ChannelOptions<'m>,
    ) -> Result<Self, ProviderError> {
        let section = profile.contacts.export.clone().ok_or_else(|| {
            ProviderError::NoChannel(format!("the profile {} says nothing about exports", profile.id))
        })?;
        let mut search = Search::new(&mut *tree).map_err(TreeError::for_side)?;
        let found = find(&mut search, &profile.contacts, &section).map_err(TreeError::for_side)?;
        let storage_writable = search.storages().iter().any(|storage| storage.writable);
        drop(search);
        if found.candidates.is_empty() {
            return Err(words::none_found(&profile.contacts, &section, &found));
        }
        let exports = super::choosing::exports(&found, section.layout, options.clock.now_ms());
        let place = exports.first().map(|export| export.stamp.place.clone());
        let identity = tree.identity();
        let names = [&options.label, &identity.model, &profile.name];
        let label = names.into_iter().find(|name| !name.is_empty()).cloned().unwrap_or_default();
        let takes_files = profile.contacts.writable && storage_writable;
        Ok(Self {
            tree,
            clock: options.clock,
            memory: options.memory,
            access: options.access,
            choices: options.choices,
            contacts: profile.contacts.clone(),
            section,
            replica: Replica { guid: options.guid_if_unmarked, label, generation: 0 },
            capabilities: Capabilities {
                fields: profile.contacts.fields.clone(),
                dialect: profile.contacts.dialect.clone(),
                writable: false,
                delivery: if takes_files { Delivery::ByHand } else { Delivery::NotNow },
                card_bytes_max: usize::try_from(profile.contacts.card_bytes_max).unwrap_or(usize::MAX),
            },
            found,
            place,
            stock: None,
            offers: None,
            remarks: Vec::new(),
            doubt: None,
        })
    }

    pub(super) fn circumstances(&self) -> Circumstances<'_> {
        Circumstances {
            found: &self.found,
            section: &self.section,
            is_directory: self.tree.identity().is_directory,
            absent_is_deleted: self.choices.absent_is_deleted,
            now_ms: self.clock.now_ms(),
        }
    }

    fn stock(&mut self) -> Result<&mut Stock, ProviderError> {
        if self.stock.is_none() {
            self.offers = Some(Offers::load(self.memory, self.replica.guid)?);
            let stock = self.take_stock()?;
            self.stock = Some(stock);
        }
        self.stock.as_mut().ok_or_else(|| ProviderError::Storage(String::from("the exports were not looked at")))
    }

    fn refuse(&self) -> SimpleOutcome {
        let how_to_import = &self.section.how_to_import;
        SimpleOutcome::Refused(format!("this phone takes contacts only as a file that is opened there. {how_to_import}"))
    }

    /// The profile's section with the drop folder as it is called from the root of the storage in which it is: a
    /// mounted phone's storage is a folder, and a copy of one folder holds only what is in that.
    fn section_for(&self, export: Option<&Export>) -> (ExportSection, Option<String>) {
        let candidate = export.and_then(|export| self.found.candidates.get(*export.files.first()?));
        let folder = candidate.and_then(|candidate| self.found.folders.get(candidate.folder));
        let Some(folder) = folder.or_else(|| self.found.folders.first()) else {
            return (self.section.clone(), None);
        };
        let mut section = self.section.clone();
        if folder.is_copy {
            let inner = self.contacts.folders.iter().find_map(|path| {
                section.drop_folder.strip_prefix(path.as_str())?.strip_prefix('/').map(str::to_owned)
            });
            section.drop_folder = inner.unwrap_or_else(|| String::from("."));
        } else if !folder.storage_path.is_empty() {
            section.drop_folder = format!("{}/{}", folder.storage_path, section.drop_folder);
        }
        (section, Some(folder.storage.clone()))
    }

    /// Removes the exports that the one which was taken makes superfluous.
    fn prune(&mut self) -> Result<Option<String>, ProviderError> {
        let taken = self.stock.as_ref().and_then(|stock| stock.taken.clone());
        let Some(taken) = taken.filter(|_| self.choices.prune_exports && self.access == Access::ReadWrite) else {
            return Ok(None);
        };
        let mut removed = 0;
        let mut failure = None;
        for candidate in outdated(&self.found, &taken) {
            match self.tree.delete(&candidate.entry.object) {
                Ok(()) => removed += 1,
                Err(TreeError::NotFound(_)) => {}
                Err(error) if error.is_fatal() => return Err(error.for_side()),
                Err(error) => {
                    failure = Some(format!("{}: {error}", candidate.entry.name));
                    break;
                }
            }
        }
        self.found.candidates.clear();
        Ok(words::pruned(&taken.stamp.place, removed, failure.as_deref()))
    }
}

fn number_of(locator: &Locator) -> Option<u64> {
    locator.0.strip_prefix(PLACE)?.parse().ok()
}

/// The hash of an item's content as a date text: letters only, so that nobody reads digits of it as a date.
fn stamp_text(hexadecimal: &str) -> Box<str> {
    let letters = hexadecimal.chars().take(32).map(|digit| match digit.to_digit(16) {
        Some(value) => char::from(b'a' + u8::try_from(value).unwrap_or(0)),
        None => 'z',
    });
    letters.collect::<String>().into()
}

impl Channel for ExportChannel<'_> {
    fn kind(&self) -> ChannelKind {
        ChannelKind::Export
    }

    /// Nothing on such a phone is ours to tell it by.
    fn marker_guid(&self) -> Option<Guid> {
        None
    }

    fn take_identity(&mut self, guid: Guid, doubt: Option<String>) {
        self.replica.guid = guid;
        self.doubt = doubt;
        self.stock = None;
        self.remarks.clear();
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

    fn place(&self) -> Option<&str> {
        self.place.as_deref()
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
    }
}

impl SimpleProvider for ExportChannel<'_> {
    fn replica(&self) -> &Replica {
        &self.replica
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn restarted(&self, _generation_known: u64) -> Option<String> {
        self.doubt.clone()
    }

    fn stamps_tell_changes(&self) -> bool {
        true
    }

    fn list(&mut self) -> Result<Listing, ProviderError> {
        let stock = self.stock()?;
        let there = stock.remembered.contacts.iter().filter(|(_, contact)| contact.is_there);
        let entries = there.map(|(number, contact)| Entry {
            locator: Locator(format!("{PLACE}{number}").into()),
            stamp: Stamp { size_bytes: contact.size_bytes, modified: Some(stamp_text(&contact.hash)) },
        });
        let mut entries: Vec<Entry> = entries.collect();
        entries.sort_unstable_by(|left, right| left.locator.cmp(&right.locator));
        Ok(Listing { entries, completeness: stock.completeness.clone() })
    }

    fn read(&mut self, locator: &Locator) -> Result<Vec<u8>, ProviderError> {
        let (memory, guid) = (self.memory, self.replica.guid);
        let stock = self.stock()?;
        let contact = number_of(locator)
            .and_then(|number| Some((number, stock.remembered.contacts.get(&number)?)))
            .filter(|(_, contact)| contact.is_there);
        let Some((number, contact)) = contact else { return Err(ProviderError::Gone(locator.to_string())) };
        if let Some(why) = &contact.problem {
            return Err(ProviderError::Item(why.clone()));
        }
        let card = match stock.fresh.get(&number) {
            Some(card) => Some(card.clone()),
            None => load_card(memory, guid, number)?,
        };
        match card {
            Some(card) if revision(&contact.hash) == Some(Revision::of(card.as_bytes())) => {
                Ok(card.as_bytes().to_vec())
            }
            _ => Err(ProviderError::Unusable(format!(
                "what was remembered of {locator} is damaged; pair the phone anew to read everything again"
            ))),
        }
    }

    fn create(&mut self, _name: &str, _bytes: &[u8]) -> SimpleOutcome {
        self.refuse()
    }

    fn replace(&mut self, _locator: &Locator, _expected: Revision, _bytes: &[u8]) -> SimpleOutcome {
        self.refuse()
    }

    fn delete(&mut self, _locator: &Locator, _expected: Revision) -> SimpleOutcome {
        self.refuse()
    }

    fn hand_over(&mut self, offers: &[Offer]) -> Result<HandedOver, ProviderError> {
        self.stock()?;
        let taken = self.stock.as_ref().and_then(|stock| stock.taken.clone());
        let last = self.stock.as_ref().and_then(|stock| stock.remembered.last.clone());
        let (section, storage) = self.section_for(taken.as_ref());
        let export = taken.as_ref().zip(last.as_ref()).and_then(|(taken, last)| {
            let (name, modified) = (taken.stamp.name.as_str(), taken.stamp.modified.as_deref());
            Some(NewestExport { name, content: revision(&last.hash)?, modified })
        });
        let mut handed = match &mut self.offers {
            Some(book) => book.hand_over(HandOver {
                tree: &mut *self.tree,
                memory: self.memory,
                access: self.access,
                section: &section,
                export,
                storage: storage.as_deref(),
                now_ms: self.clock.now_ms(),
                offers,
            })?,
            None => HandedOver::default(),
        };
        handed.notes.extend(self.prune()?);
        Ok(handed)
    }

    fn offered(&self) -> Vec<ItemId> {
        self.offers.as_ref().map(Offers::offered).unwrap_or_default()
    }

    fn release(&mut self, locator: &Locator) {
        let (Some(stock), Some(number)) = (&mut self.stock, number_of(locator)) else { return };
        if stock.remembered.contacts.remove(&number).is_some() {
            stock.fresh.remove(&number);
            stock.dropped.push(number);
            stock.is_dirty = true;
        }
    }

    fn keep(&mut self) -> Result<(), ProviderError> {
        let (memory, guid) = (self.memory, self.replica.guid);
        let Some(stock) = self.stock.as_mut().filter(|stock| stock.is_dirty) else { return Ok(()) };
        if self.access == Access::ReadOnly {
            return Ok(());
        }
        for number in &stock.dropped {
            remove_card(memory, guid, *number)?;
        }
        for (number, card) in &stock.fresh {
            save_card(memory, guid, *number, card)?;
        }
        // The table goes last: what it names is there.
        stock.remembered.save(memory, guid)?;
        stock.dropped.clear();
        stock.fresh.clear();
        stock.is_dirty = false;
        Ok(())
    }

    fn settle(&mut self, _write: &Unsettled) -> Result<Settled, ProviderError> {
        Ok(Settled::NotHappened)
    }

    fn prepare_writes(&mut self) -> Result<u64, ProviderError> {
        Ok(0)
    }

    fn finish_writes(&mut self) -> Result<Vec<Entry>, ProviderError> {
        Ok(Vec::new())
    }

    fn costs(&self) -> Costs {
        self.tree.costs()
    }

    fn close(&mut self) {
        self.tree.close();
    }
}
