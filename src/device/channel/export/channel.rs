//! The channel of a phone whose contacts leave it as exports: one file with all of them, of which each card is an
//! item. It writes no contact; what is new on the PC is handed over as a file that a person opens.
//!
//! An item stands at a place that is made of its number and outlives the file. What is not in an export is reported
//! and not deleted, unless a person says that it was.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::choosing::Circumstances;
use super::exports::{Export, exports};
use super::finding::{Found, find};
use super::offers::Offers;
use super::remembered::{Remembered, load_card, remove_card, revision, save_card};
use super::words;
use crate::contact::Card;
use crate::device::channel::contract::{Access, Channel, ChannelChoices, ChannelOptions};
use crate::device::profile::{ChannelKind, ContactsSection, Dates, DeviceProfile, ExportSection};
use crate::device::search::Search;
use crate::device::tree::{DeviceIdentity, ObjectTree, TreeError, TreeStatistics};
use crate::ics::Guid;
use crate::provider::{
    Capabilities, ChannelMemory, Clock, Completeness, Costs, Delivery, Entry, HandedOver, ItemId, Listing,
    Locator, Offer, ProviderError, Replica, Revision, Settled, SimpleOutcome, SimpleProvider, Stamp,
    Unsettled,
};

/// What an item's place begins with; its number follows.
const PLACE: &str = "export/contact ";

/// The largest export that is read, in bytes.
pub(super) const EXPORT_BYTES_MAX: u64 = 256 << 20;

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
    pub(super) offers: Option<Offers>,
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
        let newest = exports(&found, section.layout, options.clock.now_ms());
        let place = newest.first().map(|export| export.stamp.place.clone());
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
                projection: profile.contacts.projection(),
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
            dates_tell_changes: self.contacts.dates == Dates::TellChanges,
            now_ms: self.clock.now_ms(),
        }
    }

    fn stock(&mut self) -> Result<&mut Stock, ProviderError> {
        if self.stock.is_none() {
            self.offers = Some(Offers::load(self.memory, self.replica.guid)?);
            let stock = self.take_stock()?;
            self.stock = Some(stock);
        }
        self.stock
            .as_mut()
            .ok_or_else(|| ProviderError::Storage(String::from("the exports were not looked at")))
    }

    fn refuse(&self) -> SimpleOutcome {
        let how_to_import = &self.section.how_to_import;
        SimpleOutcome::Refused(format!(
            "this phone takes contacts only as a file that is opened there. {how_to_import}"
        ))
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
        let mut handed = self.leave(offers)?;
        handed.notes.extend(self.prune()?);
        Ok(handed)
    }

    fn offered(&self) -> Vec<ItemId> {
        self.offers.as_ref().map(Offers::offered).unwrap_or_default()
    }

    fn remarks(&self) -> Vec<String> {
        self.remarks.clone()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_stamp_of_a_card_is_no_date_and_tells_contents_apart() {
        let text = |bytes: &[u8]| stamp_text(&super::super::remembered::hexadecimal(&Revision::of(bytes)));
        assert!(text(b"a").chars().all(|character| character.is_ascii_lowercase()));
        assert_ne!(text(b"a"), text(b"b"));
        assert_eq!(number_of(&Locator("export/contact 17".into())), Some(17));
        assert_eq!(number_of(&Locator("Download/contact 17".into())), None);
    }
}
