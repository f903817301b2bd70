//! The way back: what is new on the PC is left for the person, and exports that are superfluous go. It writes and deletes
//! nothing else on the phone.

use super::channel::ExportChannel;
use super::exports::Export;
use super::offers::{HandOver, NewestExport};
use super::pruning::outdated;
use super::remembered::revision;
use super::words;
use crate::device::channel::contract::Access;
use crate::device::profile::ExportSection;
use crate::device::tree::TreeError;
use crate::provider::{HandedOver, Offer, ProviderError};

impl ExportChannel<'_> {
    /// Leaves the contacts that are new on the PC in a file. The side was listed.
    pub(super) fn leave(&mut self, offers: &[Offer]) -> Result<HandedOver, ProviderError> {
        let taken = self.stock.as_ref().and_then(|stock| stock.taken.clone());
        let last = self.stock.as_ref().and_then(|stock| stock.remembered.last.clone());
        let (section, storage) = self.section_for(taken.as_ref());
        let export = taken.as_ref().zip(last.as_ref()).and_then(|(taken, last)| {
            let (name, modified) = (taken.stamp.name.as_str(), taken.stamp.modified.as_deref());
            Some(NewestExport { name, content: revision(&last.hash)?, modified })
        });
        match &mut self.offers {
            Some(book) => book.hand_over(HandOver {
                tree: &mut *self.tree,
                memory: self.memory,
                access: self.access,
                section: &section,
                export,
                storage: storage.as_deref(),
                now_ms: self.clock.now_ms(),
                offers,
            }),
            None => Ok(HandedOver::default()),
        }
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
    pub(super) fn prune(&mut self) -> Result<Option<String>, ProviderError> {
        let taken = self.stock.as_ref().and_then(|stock| stock.taken.clone());
        let Some(taken) = taken.filter(|_| self.choices.prune_exports && self.access == Access::ReadWrite)
        else {
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
