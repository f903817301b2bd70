//! The probe of a vCard folder: one card is written, read back and removed, so that what the phone cannot hold is known
//! before a contact meets it. It leaves nothing behind, and what a cut probe left is never taken for a contact.

use super::contract::Access;
use super::names::{name_key, probe_name};
use super::vcard_folder::VcardFolder;
use crate::device::tree::TreeError;
use crate::provider::ProviderError;

impl VcardFolder {
    /// Writes `bytes` as a card, reads it back as the phone then has it, and removes it.
    ///
    /// # Errors
    /// When the phone takes no writes, or the card could not be written, read back or removed.
    pub(super) fn probe_with(&mut self, bytes: &[u8]) -> Result<Vec<u8>, ProviderError> {
        if self.access == Access::ReadOnly || !self.contacts.writable {
            return Err(ProviderError::Storage(String::from("the phone was not opened for writing")));
        }
        let folder = match &self.home {
            Some(home) => home.folder.clone(),
            None => self.make_home().map_err(TreeError::for_side)?.folder,
        };
        self.remove_probes()?;
        let name = probe_name();
        self.tree.create(&folder, &name, bytes).map_err(TreeError::for_side)?;
        // A device that writes cards in its own way may give it another size, and another handle.
        let held = self.tree.list(&folder).map_err(TreeError::for_side).and_then(|listing| {
            let key = name_key(&name);
            let entry = listing.entries.into_iter().find(|entry| name_key(&entry.name) == key);
            let entry = entry.ok_or_else(|| {
                ProviderError::Storage(format!("{name} was written and is not in the folder's listing"))
            })?;
            let limit_bytes = self.limit_bytes();
            self.tree.read(&entry.object, entry.size_bytes, limit_bytes).map_err(TreeError::for_side)
        });
        self.remove_probes()?;
        held
    }

    /// Removes probes, also of earlier runs that were cut.
    fn remove_probes(&mut self) -> Result<(), ProviderError> {
        let Some(home) = self.home.clone() else { return Ok(()) };
        let listing = self.tree.list(&home.folder).map_err(TreeError::for_side)?;
        let key = name_key(&probe_name());
        for entry in listing.entries.iter().filter(|entry| name_key(&entry.name) == key) {
            match self.tree.delete(&entry.object) {
                Ok(()) | Err(TreeError::NotFound(_)) => {}
                Err(error) => return Err(error.for_side()),
            }
        }
        // The listing that was made while the folder was looked for is old now.
        self.pending = None;
        Ok(())
    }
}
