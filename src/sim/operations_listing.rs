//! Operations that tell what there is: DeviceInfo, storages, handles, ObjectInfo; and the watch over listed folders.

use crate::mtp::code::{event, format, response, wildcard};

use super::dates::{Suffix, format_date};
use super::device::Device;
use super::objects::{Difference, Object, Seen};
use super::personality::{
    AllStorages, Allocation, Attributes, Dates, FormatRule, ListingOrder, Locked, RootListing, Watching,
};
use super::responder::{Answer, Command, Outcome};
use super::wire::Writer;

/// The vendor extension id of MTP, and its version and the standard's in hundredths.
const MTP_EXTENSION: u32 = 6;
const VERSION_HUNDREDTHS: u16 = 100;
/// StorageInfo: fixed RAM, a tree of folders; objects that still fit (a constant that Android tells).
const FIXED_RAM: u16 = 3;
const HIERARCHICAL: u16 = 2;
const FREE_OBJECTS: u32 = 0x4000_0000;
const CAPACITY_BYTES: u64 = 64 << 30;

impl Device {
    pub(super) fn device_info(&self) -> Answer {
        let personality = &self.personality;
        let mut writer = Writer::default();
        writer.u16(VERSION_HUNDREDTHS);
        writer.u32(MTP_EXTENSION);
        writer.u16(VERSION_HUNDREDTHS);
        writer.string(&personality.vendor_extension);
        writer.u16(0);
        writer.array_u16(&personality.operations);
        writer.array_u16(&personality.events);
        writer.array_u16(&personality.device_properties);
        writer.array_u16(&[]);
        writer.array_u16(&personality.formats);
        writer.string(&personality.manufacturer);
        writer.string(&personality.model);
        writer.string(&personality.device_version);
        writer.string(&personality.serial);
        Answer::data(writer.into_bytes())
    }

    pub(super) fn storage_ids(&self) -> Answer {
        let ids: Vec<u32> = if self.is_locked && self.personality.locked == Locked::NoStorages {
            Vec::new()
        } else {
            self.slots.iter().map(|slot| slot.id).collect()
        };
        let mut writer = Writer::default();
        writer.array_u32(&ids);
        Answer::data(writer.into_bytes())
    }

    pub(super) fn storage_info(&self, command: &Command) -> Outcome {
        let index = self.slot_of(command.parameter(0))?;
        let slot = self.slots.get(index).ok_or(response::INVALID_STORAGE_ID)?;
        let mut writer = Writer::default();
        writer.u16(FIXED_RAM);
        writer.u16(HIERARCHICAL);
        writer.u16(u16::from(self.personality.read_only));
        writer.u64(CAPACITY_BYTES);
        writer.u64(self.free());
        writer.u32(FREE_OBJECTS);
        writer.string(&slot.label);
        writer.string(&slot.volume_id);
        Ok(Answer::data(writer.into_bytes()))
    }

    /// Looks into a folder: new entries get handles, handles of what is gone are forgotten, events are queued.
    ///
    /// # Errors
    /// The response code, when the folder is gone.
    pub(super) fn visit(&mut self, slot: usize, parent: u32) -> Result<(), u16> {
        let path = self.objects.folder_path(parent).ok_or(response::INVALID_OBJECT_HANDLE)?;
        let storage = self.slots.get(slot).ok_or(response::INVALID_STORAGE_ID)?;
        let mut entries = storage.list(&path).map_err(|_| self.personality.vanished)?;
        self.arrange(&mut entries, |entry| &entry.name);
        let spared =
            self.session.as_ref().and_then(|session| session.pending.as_ref()).map(|pending| pending.handle);
        let is_watched =
            self.objects.note_listed(slot, parent) && self.personality.watching != Watching::Nothing;
        let difference = self.objects.compare(slot, parent, entries, spared);
        self.settle(slot, parent, difference, is_watched);
        Ok(())
    }

    /// As [`Self::visit`], for an answer that tells handles only. Of a folder that was never looked into, the names
    /// say all that is asked, and whoever asks for an attribute makes the phone look at the files. What changes
    /// before that first look is told by it and not by an event.
    fn visit_for_handles(&mut self, slot: usize, parent: u32) -> Result<(), u16> {
        let personality = &self.personality;
        let keeps_first_look = personality.attributes == Attributes::CachedAtFirstListing
            || personality.dates == Dates::CachedAtFirstListing;
        if keeps_first_look || self.objects.is_known(slot, parent) {
            return self.visit(slot, parent);
        }
        let path = self.objects.folder_path(parent).ok_or(response::INVALID_OBJECT_HANDLE)?;
        let storage = self.slots.get(slot).ok_or(response::INVALID_STORAGE_ID)?;
        let names = storage.names(&path).map_err(|_| self.personality.vanished)?;
        let Some(mut names) = names else { return self.visit(slot, parent) };
        self.arrange(&mut names, |(name, _)| name);
        self.objects.note_listed(slot, parent);
        self.objects.reserve(slot, parent, names.len());
        for (name, is_folder) in names {
            self.allocate(slot, parent, &name, is_folder, None);
        }
        Ok(())
    }

    /// Leaves out what the phone hides and puts the rest into the order in which it gives handles.
    fn arrange<T>(&self, entries: &mut Vec<T>, name: impl Fn(&T) -> &str) {
        if self.personality.hides_dotfiles {
            entries.retain(|entry| !name(entry).starts_with('.'));
        }
        if self.personality.handles.allocation == Allocation::Unsorted
            && self.sessions_opened.is_multiple_of(2)
        {
            entries.reverse();
        }
    }

    fn settle(&mut self, slot: usize, parent: u32, mut difference: Difference, is_watched: bool) {
        let watching = self.personality.watching;
        let tell = |device: &mut Self, code: u16, handle: u32, times: usize| {
            for _ in 0..if is_watched { times } else { 0 } {
                device.event(code, &[handle]);
            }
        };
        let changed_times = match watching {
            Watching::Nothing | Watching::ListedFolders => 1,
            Watching::ListedFoldersNotRenames => 2,
            Watching::ListedFoldersNotReplacements => 3,
        };
        for handle in std::mem::take(&mut difference.changed) {
            tell(self, event::OBJECT_INFO_CHANGED, handle, changed_times);
        }
        for (handle, entry) in std::mem::take(&mut difference.replaced) {
            match watching {
                Watching::ListedFolders => {
                    tell(self, event::OBJECT_REMOVED, handle, 1);
                    self.objects.remove(handle);
                    difference.added.push(entry);
                }
                Watching::ListedFoldersNotRenames => difference.added.push(entry),
                Watching::ListedFoldersNotReplacements => {}
                Watching::Nothing => tell(self, event::OBJECT_INFO_CHANGED, handle, 1),
            }
        }
        let mut renamed: Vec<u64> = Vec::new();
        for handle in std::mem::take(&mut difference.gone) {
            let identity = self.objects.get(handle).map_or(0, |object| object.seen().identity);
            let is_renamed = identity != 0 && difference.added.iter().any(|entry| entry.identity == identity);
            if is_renamed && watching == Watching::ListedFoldersNotRenames {
                renamed.push(identity);
            } else {
                tell(self, event::OBJECT_REMOVED, handle, 1);
            }
            self.objects.remove(handle);
        }
        for entry in difference.added {
            let seen = Some(Seen::from(&entry));
            let handle = self.allocate(slot, parent, &entry.name, entry.is_folder, seen);
            if !renamed.contains(&entry.identity) {
                tell(self, event::OBJECT_ADDED, handle, 1);
                tell(self, event::OBJECT_INFO_CHANGED, handle, usize::from(entry.size > 0));
            }
        }
    }

    /// Gives an entry its handle, or two if the phone lists files twice.
    fn allocate(&mut self, slot: usize, parent: u32, name: &str, is_folder: bool, seen: Option<Seen>) -> u32 {
        let handle = self.objects.add(slot, parent, name, is_folder, seen);
        if self.personality.handles.listed_twice && !is_folder {
            self.objects.add(slot, parent, name, false, seen);
        }
        handle
    }

    /// Looks again into every listed folder of storages that changed, so that events are queued.
    pub(super) fn watch(&mut self) {
        if self.session.is_none() || self.is_locked || self.personality.watching == Watching::Nothing {
            return;
        }
        let mut changed: Vec<usize> = Vec::new();
        for (index, slot) in self.slots.iter_mut().enumerate() {
            let version = slot.storage.borrow().version();
            if version.is_none() || version != slot.watched_version {
                slot.watched_version = version;
                changed.push(index);
            }
        }
        for (slot, parent) in self.objects.listed_folders() {
            if changed.contains(&slot) {
                // A folder that is gone is told with its own folder's changes.
                let _ = self.visit(slot, parent);
            }
        }
    }

    /// The handles in a folder, in the order in which the phone lists them.
    pub(super) fn children(&self, slot: usize, parent: u32) -> Vec<u32> {
        let unborn = self
            .session
            .as_ref()
            .and_then(|session| session.pending.as_ref())
            .filter(|pending| {
                pending.is_new
                    && self.slots.get(pending.slot).is_none_or(|slot| slot.entry(&pending.path).is_err())
            })
            .map(|pending| pending.handle);
        let mut handles: Vec<u32> =
            self.objects.children(slot, parent).filter(|handle| Some(*handle) != unborn).collect();
        if self.personality.handles.order == ListingOrder::NewestFirst {
            handles.reverse();
        }
        handles
    }

    /// The handles of everything below a folder, after looking into every folder.
    pub(super) fn descendants(&mut self, slot: usize, parent: u32) -> Result<Vec<u32>, u16> {
        let mut found = Vec::new();
        let mut waiting = vec![parent];
        while let Some(folder) = waiting.pop() {
            self.visit(slot, folder)?;
            for handle in self.children(slot, folder) {
                found.push(handle);
                if self.objects.get(handle).is_some_and(|object| object.is_folder) {
                    waiting.push(handle);
                }
            }
        }
        Ok(found)
    }

    fn handles(&mut self, storage_id: u32, object_format: u32, parent: u32) -> Result<Vec<u32>, u16> {
        if object_format != wildcard::ANY_FORMAT && !self.personality.format_filter {
            return Err(response::SPECIFICATION_BY_FORMAT_UNSUPPORTED);
        }
        let slots: Vec<usize> = if storage_id == wildcard::ALL {
            if self.is_locked {
                return Err(self.lock_response());
            }
            (0..self.slots.len()).collect()
        } else {
            vec![self.slot_of(storage_id)?]
        };
        let rule = self.personality.root_listing;
        let everything = rule == RootListing::AlwaysEverything
            || (parent == wildcard::NO_PARENT && rule == RootListing::ZeroIsEverything);
        let is_special = parent == wildcard::NO_PARENT || parent == wildcard::ROOT_PARENT;
        if parent == wildcard::ROOT_PARENT && rule == RootListing::OnlyZero {
            return Err(response::INVALID_PARENT_OBJECT);
        }
        let mut found = Vec::new();
        if !is_special {
            let folder = self.object(parent)?;
            if !folder.is_folder {
                return Err(response::INVALID_PARENT_OBJECT);
            }
            let slot = folder.slot;
            self.visit_for_handles(slot, parent)?;
            found = self.children(slot, parent);
        } else if everything {
            for slot in slots {
                found.extend(self.descendants(slot, 0)?);
            }
        } else {
            for slot in slots {
                self.visit_for_handles(slot, 0)?;
                found.extend(self.children(slot, 0));
            }
        }
        if object_format != wildcard::ANY_FORMAT {
            found.retain(|handle| {
                self.objects
                    .get(*handle)
                    .is_some_and(|object| u32::from(self.format_of(object)) == object_format)
            });
        }
        Ok(found)
    }

    pub(super) fn count_objects(&mut self, command: &Command) -> Outcome {
        let found = self.handles(command.parameter(0), command.parameter(1), command.parameter(2))?;
        Ok(Answer::parameters(&[u32::try_from(found.len()).unwrap_or(u32::MAX)]))
    }

    pub(super) fn list_objects(&mut self, command: &Command) -> Outcome {
        if command.parameter(0) == wildcard::ALL && self.personality.all_storages != AllStorages::Works {
            let mutes = self.personality.all_storages == AllStorages::RefusedThenMute;
            return Ok(Answer { mutes, ..Answer::code(response::INVALID_STORAGE_ID) });
        }
        let found = self.handles(command.parameter(0), command.parameter(1), command.parameter(2))?;
        let mut writer = Writer::with_room(found.len().saturating_mul(4).saturating_add(4));
        writer.array_u32(&found);
        Ok(Answer::data(writer.into_bytes()))
    }

    /// The format that the object reports.
    pub(super) fn format_of(&self, object: &Object) -> u16 {
        if object.is_folder {
            return format::ASSOCIATION;
        }
        match &self.personality.format_rule {
            FormatRule::Undefined => format::UNDEFINED,
            FormatRule::AsSent => object.sent_format.unwrap_or(format::UNDEFINED),
            FormatRule::ByExtension(list) => {
                let extension = object.name.rsplit_once('.').map_or("", |(_, extension)| extension);
                list.iter()
                    .find(|(known, _)| known.eq_ignore_ascii_case(extension))
                    .map_or(format::UNDEFINED, |(_, code)| *code)
            }
        }
    }

    /// The text of a date, as ObjectInfo and GetObjectPropList tell it; empty if the phone tells none.
    pub(super) fn date_text(&self, object: &Object, live_ms: i64, first_ms: i64) -> String {
        let offset = self.personality.utc_offset_minutes;
        if object.is_folder && matches!(self.personality.dates, Dates::Missing) {
            return String::new();
        }
        match &self.personality.dates {
            Dates::OneSecondLocal => format_date(live_ms, offset, Suffix::None),
            Dates::UtcNoSuffix => format_date(live_ms, 0, Suffix::None),
            Dates::WithOffset => format_date(live_ms, offset, Suffix::Offset),
            Dates::Missing => String::new(),
            Dates::Constant(text) => text.clone(),
            Dates::CachedAtFirstListing => format_date(first_ms, offset, Suffix::None),
        }
    }

    pub(super) fn object_info(&self, command: &Command) -> Outcome {
        let handle = command.parameter(0);
        let object = self.object(handle)?;
        let seen = self.attributes(handle)?;
        let storage_id = self.slots.get(object.slot).map_or(0, |slot| slot.id);
        let mut writer = Writer::with_room(160);
        writer.u32(storage_id);
        writer.u16(self.format_of(object));
        writer.u16(u16::from(self.personality.read_only));
        writer.u32(u32::try_from(seen.size).unwrap_or(u32::MAX));
        writer.u16(0);
        for _ in 0..6 {
            writer.u32(0);
        }
        writer.u32(object.parent);
        writer.u16(u16::from(object.is_folder));
        writer.u32(0);
        writer.u32(0);
        writer.string(&object.name);
        writer.string(&self.date_text(object, seen.created_ms, object.first_seen().created_ms));
        writer.string(&self.date_text(object, seen.modified_ms, object.first_seen().modified_ms));
        writer.string("");
        Ok(Answer::data(writer.into_bytes()))
    }
}
