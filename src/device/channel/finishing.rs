//! The frame around a session's writes: the marker before the first, one more look after the last.

use std::collections::HashMap;

use super::contract::Access;
use super::marker::Marker;
use super::names::{MARKER_NAME, temporary_name};
use super::vcard_folder::{MarkerState, VcardFolder};
use super::writing::WriteFault;
use crate::device::tree::{FolderListing, ObjectEntry, ObjectReference, TreeError};
use crate::provider::{Completeness, Entry, ProviderError};

/// Phones keep dates in whole seconds: a date that stays the same while this much time passed does not follow the
/// content. In milliseconds.
const DATE_RESOLUTION_MS: i64 = 2000;

/// The objects of a listing by name; of two handles for one path the younger.
fn by_name(listing: &FolderListing) -> HashMap<&str, &ObjectEntry> {
    let mut named: HashMap<&str, &ObjectEntry> = HashMap::with_capacity(listing.entries.len());
    for entry in &listing.entries {
        let place = named.entry(entry.name.as_str()).or_insert(entry);
        if entry.object.is_younger_than(&place.object) {
            *place = entry;
        }
    }
    named
}

impl VcardFolder {
    /// Puts a marker with the next generation in place.
    ///
    /// # Errors
    /// When the phone takes no writes, or the marker is of a newer version.
    pub(super) fn prepare_marker(&mut self) -> Result<u64, ProviderError> {
        if self.is_prepared {
            return Ok(self.replica.generation);
        }
        if self.access == Access::ReadOnly || !self.contacts.writable {
            return Err(ProviderError::Storage("the phone was not opened for writing".to_owned()));
        }
        self.require_whole_listing()?;
        if let MarkerState::Newer(format) = self.marker {
            return Err(ProviderError::Unusable(format!(
                "the folder's {MARKER_NAME} has format {format}; a newer version of the program is needed"
            )));
        }
        let home = match self.home.clone() {
            Some(home) => home,
            None => self.make_home().map_err(TreeError::for_side)?,
        };
        if !home.writable {
            return Err(ProviderError::Storage("the phone's storage is read-only".to_owned()));
        }
        let last = self.replica.generation.max(self.generation_known());
        let marker = Marker { guid: self.replica.guid, generation: last.saturating_add(1) };
        let object = self.put_marker(marker).map_err(|fault| match fault {
            WriteFault::Unknown(why) => ProviderError::Disconnected(why),
            WriteFault::Refused(why) => {
                ProviderError::Storage(format!("{MARKER_NAME} could not be written: {why}"))
            }
            WriteFault::Stale => ProviderError::Storage(format!("{MARKER_NAME} is gone")),
        })?;
        self.marker = MarkerState::Known(marker, object);
        self.marker_is_foreign = false;
        self.replica.generation = marker.generation;
        self.is_prepared = true;
        Ok(marker.generation)
    }

    /// Writes a marker so that at every moment the old or the new one is there under one of its two names; both
    /// names are read when a folder is opened. That holds without renaming as well.
    fn put_marker(&mut self, marker: Marker) -> Result<ObjectReference, WriteFault> {
        let bytes = marker.to_text().into_bytes();
        let temporary = temporary_name(MARKER_NAME, self.names());
        let old = match &self.marker {
            MarkerState::Known(_, object) | MarkerState::Damaged(object) => Some(object.clone()),
            MarkerState::Missing | MarkerState::Newer(_) => None,
            MarkerState::Unfinished(_, damaged) => {
                // The temporary is the only marker: the new one goes beside it under the final name.
                if let Some(damaged) = damaged.clone() {
                    self.tree.delete(&damaged).map_err(|error| WriteFault::before_change(&error))?;
                }
                let (object, _) = self.send_new(MARKER_NAME, &bytes)?;
                self.remove_leftover(&temporary)?;
                return Ok(object);
            }
        };
        self.remove_leftover(&temporary)?;
        let Some(old) = old else { return Ok(self.send_new(MARKER_NAME, &bytes)?.0) };
        let (sent, _) = self.send_new(&temporary, &bytes)?;
        match self.tree.delete(&old) {
            Ok(()) | Err(TreeError::NotFound(_)) => {
                // Looking after this one renaming shows a device that only says that it renames before the first
                // card depends on it.
                Ok(self.rename_and_check(&sent, MARKER_NAME, &bytes)?.object)
            }
            Err(error) => Err(WriteFault::before_change(&error)),
        }
    }

    /// Lists the folder once more and holds it against what was written.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub(super) fn verify_written(&mut self) -> Result<Vec<Entry>, ProviderError> {
        let Some(home) = self.home.clone().filter(|_| self.is_prepared && !self.written.is_empty()) else {
            return Ok(Vec::new());
        };
        let mut listing = self.tree.list(&home.folder).map_err(TreeError::for_side)?;
        if self.repair_names(&listing)? {
            listing = self.tree.list(&home.folder).map_err(TreeError::for_side)?;
        }
        let present = by_name(&listing);
        let listed_ms = self.listed_ms;
        let mut entries = Vec::with_capacity(self.written.len());
        for (name, note) in std::mem::take(&mut self.written) {
            let temporary = temporary_name(&name, self.names());
            if present.contains_key(temporary.as_str()) {
                continue;
            }
            let Some(found) = present.get(&*name) else { continue };
            // The old date is not younger than the listing it is from. If the new one is the same although the
            // content was written later, the date follows nothing.
            if note.date_before.is_some()
                && note.date_before == found.modified
                && note.written_ms.saturating_sub(listed_ms) > DATE_RESOLUTION_MS
            {
                self.dates_useless = true;
            }
            if let Some(item) = self.items.get_mut(&name) {
                item.stamp = found.stamp();
                item.object = found.object.clone();
                item.date_known = true;
            }
            entries.push(Entry { locator: self.locator(&name), stamp: found.stamp() });
        }
        Ok(entries)
    }

    /// Some devices answer OK to a renaming and do nothing. What still has its temporary name is sent again under
    /// its own. The answer is whether anything was done.
    fn repair_names(&mut self, listing: &FolderListing) -> Result<bool, ProviderError> {
        if listing.completeness != Completeness::Complete {
            return Ok(false);
        }
        let present = by_name(listing);
        let mut repaired = false;
        let mut names: Vec<String> = self.written.keys().map(ToString::to_string).collect();
        names.push(MARKER_NAME.to_owned());
        for name in names {
            let temporary = temporary_name(&name, self.names());
            let Some(left) = present.get(temporary.as_str()) else { continue };
            repaired = true;
            self.rename_usable = false;
            match self.repair_name(&name, left, present.get(name.as_str()).copied()) {
                Ok(()) => {}
                Err(WriteFault::Unknown(why)) => return Err(ProviderError::Disconnected(why)),
                // The item will be missing in the answer, and the temporary is dealt with in the next session.
                Err(WriteFault::Refused(_) | WriteFault::Stale) => {}
            }
        }
        Ok(repaired)
    }

    fn repair_name(
        &mut self,
        name: &str,
        left: &ObjectEntry,
        final_entry: Option<&ObjectEntry>,
    ) -> Result<(), WriteFault> {
        let limit_bytes = self.limit_bytes();
        let bytes = self
            .tree
            .read(&left.object, left.size_bytes, limit_bytes)
            .map_err(|error| WriteFault::before_change(&error))?;
        if let Some(old) = final_entry {
            // The old file was removed before the renaming was asked for, so this one is there by a deletion that
            // was answered and not done, or has the new content already.
            let held = self.tree.read(&old.object, old.size_bytes, limit_bytes);
            if held.is_ok_and(|held| held == bytes) {
                return self.tree.delete(&left.object).map_err(|error| WriteFault::before_change(&error));
            }
            self.tree.delete(&old.object).map_err(|error| WriteFault::before_change(&error))?;
        }
        let object = self.rename_or_resend(&left.object, name, &bytes)?;
        if let Some(item) = self.items.get_mut(name) {
            item.object = object;
        } else if name == MARKER_NAME
            && let MarkerState::Known(_, marker_object) = &mut self.marker
        {
            *marker_object = object;
        }
        Ok(())
    }
}
