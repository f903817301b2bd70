//! What every channel can do besides listing, reading and writing: say who it is, and what a person should know of it.
//! The contract only.

use std::rc::Rc;

use crate::contact::Learned;
use crate::device::profile::ChannelKind;
use crate::device::tree::{DeviceIdentity, TreeStatistics};
use crate::ics::Guid;
use crate::provider::{
    Capabilities, ChannelMemory, Clock, Costs, Entry, HandedOver, ItemId, Listing, Locator, Offer,
    ProviderError, Randomness, Replica, Revision, Settled, SimpleOutcome, SimpleProvider, Unsettled,
};

/// Whether the phone may be written to in this session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing is touched, leftovers of a cut session included: a dry run.
    ReadOnly,
    /// Reading and writing.
    ReadWrite,
}

/// How a channel is opened.
pub struct ChannelOptions<'m> {
    /// Whether the phone may be written to.
    pub access: Access,
    /// The replica's id if nothing on the phone tells it: a new one, until the right one is known.
    pub guid_if_unmarked: Guid,
    /// The replicas that this computer knows, so that their marks are told from other computers' marks.
    pub known_guids: Vec<Guid>,
    /// What a person calls the phone; empty for what it calls itself.
    pub label: String,
    /// The computer's clock.
    pub clock: Rc<dyn Clock>,
    /// Chance.
    pub randomness: Rc<dyn Randomness>,
    /// What the channel remembered.
    pub memory: &'m dyn ChannelMemory,
    /// What a person said about this session.
    pub choices: ChannelChoices,
}

/// What a person may say about how a phone's contacts are read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ChannelChoices {
    /// A contact that is missing from an export was deleted on the phone.
    pub absent_is_deleted: bool,
    /// Exports older than the one that was read may be removed from the phone.
    pub prune_exports: bool,
    /// The address book that is meant where the phone has several.
    pub address_book: Option<String>,
}

/// How a phone carries contacts.
pub trait Channel: SimpleProvider {
    /// The kind.
    fn kind(&self) -> ChannelKind;

    /// The replica's id as the phone itself tells it, if it does.
    fn marker_guid(&self) -> Option<Guid>;

    /// Takes the identity that was decided on. With a `doubt` nothing that is remembered of this replica counts in
    /// this session.
    fn take_identity(&mut self, guid: Guid, doubt: Option<String>);

    /// Calls the phone by the name that a person gave it.
    fn set_label(&mut self, label: &str);

    /// How the device introduced itself.
    fn identity(&self) -> &DeviceIdentity;

    /// What the conversation cost so far.
    fn statistics(&self) -> TreeStatistics;

    /// What is worth remembering of the device for the next session's tree.
    fn habits(&self) -> String;

    /// Writes a card, reads it back as the phone then has it, and removes it again; `None` where that would tell
    /// nothing, because what stands in the files is not what the phone makes of it.
    ///
    /// # Errors
    /// When the card could not be written, read back or removed.
    fn probe(&mut self, _card: &[u8]) -> Result<Option<Vec<u8>>, ProviderError> {
        Ok(None)
    }

    /// Takes what a probe found: what the phone cannot hold, and whether it writes cards in its own way.
    fn narrow(&mut self, _learned: &Learned, _reencodes: bool) {}

    /// Where the contacts are, as storage label and path; `None` while there is no such place.
    fn place(&self) -> Option<&str>;
}

impl SimpleProvider for Box<dyn Channel + '_> {
    fn replica(&self) -> &Replica {
        (**self).replica()
    }

    fn capabilities(&self) -> &Capabilities {
        (**self).capabilities()
    }

    fn restarted(&self, generation_known: u64) -> Option<String> {
        (**self).restarted(generation_known)
    }

    fn covers(&self, locator: &Locator) -> bool {
        (**self).covers(locator)
    }

    fn stamps_tell_changes(&self) -> bool {
        (**self).stamps_tell_changes()
    }

    fn list(&mut self) -> Result<Listing, ProviderError> {
        (**self).list()
    }

    fn read(&mut self, locator: &Locator) -> Result<Vec<u8>, ProviderError> {
        (**self).read(locator)
    }

    fn create(&mut self, name: &str, bytes: &[u8]) -> SimpleOutcome {
        (**self).create(name, bytes)
    }

    fn replace(&mut self, locator: &Locator, expected: Revision, bytes: &[u8]) -> SimpleOutcome {
        (**self).replace(locator, expected, bytes)
    }

    fn delete(&mut self, locator: &Locator, expected: Revision) -> SimpleOutcome {
        (**self).delete(locator, expected)
    }

    fn flush(&mut self) -> Result<(), ProviderError> {
        (**self).flush()
    }

    fn hand_over(&mut self, offers: &[Offer]) -> Result<HandedOver, ProviderError> {
        (**self).hand_over(offers)
    }

    fn offered(&self) -> Vec<ItemId> {
        (**self).offered()
    }

    fn release(&mut self, locator: &Locator) {
        (**self).release(locator);
    }

    fn made_from(&mut self, locator: &Locator) -> Result<Option<Vec<u8>>, ProviderError> {
        (**self).made_from(locator)
    }

    fn session_done(&mut self) {
        (**self).session_done();
    }

    fn remarks(&self) -> Vec<String> {
        (**self).remarks()
    }

    fn keep(&mut self) -> Result<(), ProviderError> {
        (**self).keep()
    }

    fn settle(&mut self, write: &Unsettled) -> Result<Settled, ProviderError> {
        (**self).settle(write)
    }

    fn prepare_writes(&mut self) -> Result<u64, ProviderError> {
        (**self).prepare_writes()
    }

    fn finish_writes(&mut self) -> Result<Vec<Entry>, ProviderError> {
        (**self).finish_writes()
    }

    fn costs(&self) -> Costs {
        (**self).costs()
    }

    fn close(&mut self) {
        (**self).close();
    }
}
