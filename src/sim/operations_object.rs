//! Operations on the objects themselves: reading, deleting, moving, copying, editing in place, references.

use crate::mtp::code::response;

use super::device::Device;
use super::objects::Seen;
use super::personality::Attributes;
use super::responder::{Answer, Command, Outcome};
use super::storage::join_path;
use super::wire::{HEADER_BYTES, Reader, Writer};

impl Device {
    fn content(&self, handle: u32) -> Result<Vec<u8>, u16> {
        let (slot, path) = self.file(handle)?;
        let slot = self.slots.get(slot).ok_or(response::STORE_NOT_AVAILABLE)?;
        let bytes = slot.storage.borrow().read(&path);
        bytes.map_err(|_| self.personality.vanished)
    }

    pub(super) fn read_object(&self, command: &Command) -> Outcome {
        let handle = command.parameter(0);
        let mut bytes = self.content(handle)?;
        if self.personality.attributes == Attributes::CachedAtFirstListing {
            // Such a phone promises the size it once saw, and finds out on the way that there is less.
            let promised = usize::try_from(self.attributes(handle)?.size).unwrap_or(usize::MAX);
            if bytes.len() < promised {
                return Ok(Answer {
                    announced: Some(promised),
                    data: Some(bytes),
                    ..Answer::code(response::INCOMPLETE_TRANSFER)
                });
            }
            bytes.truncate(promised);
        }
        Ok(Answer::data(bytes))
    }

    fn part(&self, handle: u32, offset: u64, most: u32) -> Outcome {
        let bytes = self.content(handle)?;
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(bytes.len());
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let end = start.saturating_add(most).min(bytes.len());
        let part = bytes.get(start..end).unwrap_or_default().to_vec();
        let transport = self.personality.transport;
        let fills_packet =
            part.len().saturating_add(HEADER_BYTES).is_multiple_of(transport.packet_bytes.max(1));
        if transport.partial_hangs_on_full_packet && fills_packet {
            return Ok(Answer::silence());
        }
        let length = u32::try_from(part.len()).unwrap_or(u32::MAX);
        Ok(Answer { data: Some(part), ..Answer::parameters(&[length]) })
    }

    pub(super) fn read_part(&self, command: &Command) -> Outcome {
        self.part(command.parameter(0), u64::from(command.parameter(1)), command.parameter(2))
    }

    pub(super) fn read_part_64(&self, command: &Command) -> Outcome {
        self.part(command.parameter(0), command.wide_parameter(1), command.parameter(3))
    }

    fn check_writable(&self) -> Result<(), u16> {
        if self.personality.read_only { Err(response::STORE_READ_ONLY) } else { Ok(()) }
    }

    /// DeleteObject (100B): one handle; a folder goes with all that is in it. "All" is not a handle here.
    pub(super) fn delete_object(&mut self, command: &Command) -> Outcome {
        let handle = command.parameter(0);
        let object = self.object(handle)?;
        self.check_writable()?;
        let (slot, path) = (object.slot, self.path(handle)?);
        let storage = self.slots.get(slot).ok_or(response::STORE_NOT_AVAILABLE)?.storage.clone();
        let size = storage.borrow().entry(&path).map_or(0, |entry| entry.size);
        let removed = storage.borrow_mut().remove(&path);
        self.objects.remove(handle);
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.note(&path);
        }
        self.references.remove(&handle);
        if removed.is_err() {
            return Err(self.personality.vanished);
        }
        self.use_bytes(size, 0);
        Ok(Answer::ok())
    }

    /// The place that MoveObject and CopyObject mean: storage, folder handle and path of the new object.
    fn new_place(&mut self, command: &Command) -> Result<(usize, u32, String, String), u16> {
        self.check_writable()?;
        let (slot, parent) = self.destination(command.parameter(1), command.parameter(2))?;
        self.visit(slot, parent)?;
        let name = self.object(command.parameter(0))?.name.as_ref().to_owned();
        let folder = self.objects.folder_path(parent).ok_or(response::INVALID_PARENT_OBJECT)?;
        let path = join_path(&folder, &name);
        let place = self.slots.get(slot).ok_or(response::STORE_NOT_AVAILABLE)?;
        if place.storage.borrow().entry(&path).is_ok() {
            return Err(response::GENERAL_ERROR);
        }
        Ok((slot, parent, name, path))
    }

    pub(super) fn move_object(&mut self, command: &Command) -> Outcome {
        let handle = command.parameter(0);
        let from_slot = self.object(handle)?.slot;
        let from = self.path(handle)?;
        let (slot, parent, name, to) = self.new_place(command)?;
        if slot != from_slot {
            // Between storages only files move: they are copied and deleted.
            let content = self.content(handle)?;
            let target = self.slots.get(slot).ok_or(response::STORE_NOT_AVAILABLE)?.storage.clone();
            target.borrow_mut().write(&to, &content).map_err(Self::storage_response)?;
        }
        let source = self.slots.get(from_slot).ok_or(response::STORE_NOT_AVAILABLE)?.storage.clone();
        let done = if slot == from_slot {
            source.borrow_mut().rename(&from, &to)
        } else {
            source.borrow_mut().remove(&from)
        };
        done.map_err(Self::storage_response)?;
        self.objects.relocate(handle, slot, parent, &name);
        self.moved(from_slot, &from, slot, &to);
        self.note_own(handle);
        Ok(Answer::ok())
    }

    pub(super) fn copy_object(&mut self, command: &Command) -> Outcome {
        let content = self.content(command.parameter(0))?;
        let (slot, parent, name, path) = self.new_place(command)?;
        let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
        if length > self.free() {
            return Err(response::STORE_FULL);
        }
        let place = self.slots.get_mut(slot).ok_or(response::STORE_NOT_AVAILABLE)?;
        place.storage.borrow_mut().write(&path, &content).map_err(Self::storage_response)?;
        place.note(&path);
        let entry = place.entry(&path).map_err(Self::storage_response)?;
        let handle = self.objects.add(slot, parent, &name, false, Some(Seen::from(&entry)));
        self.use_bytes(0, length);
        Ok(Answer::parameters(&[handle]))
    }

    pub(super) fn begin_edit(&mut self, command: &Command) -> Outcome {
        let handle = command.parameter(0);
        self.file(handle)?;
        self.check_writable()?;
        self.session()?.editing.insert(handle);
        Ok(Answer::ok())
    }

    pub(super) fn end_edit(&mut self, command: &Command) -> Outcome {
        let handle = command.parameter(0);
        self.object(handle)?;
        if !self.session()?.editing.remove(&handle) {
            return Err(response::GENERAL_ERROR);
        }
        self.note_own(handle);
        Ok(Answer::ok())
    }

    fn edited_file(&mut self, handle: u32) -> Result<(usize, String), u16> {
        let file = self.file(handle)?;
        if self.session()?.editing.contains(&handle) { Ok(file) } else { Err(response::GENERAL_ERROR) }
    }

    /// SendPartialObject (95C2), in place and not atomic.
    pub(super) fn write_part(&mut self, command: &Command, data: &[u8]) -> Outcome {
        let handle = command.parameter(0);
        let (slot, path) = self.edited_file(handle)?;
        let place = self.slots.get(slot).ok_or(response::STORE_NOT_AVAILABLE)?;
        let size = place.storage.borrow().entry(&path).map_err(|_| self.personality.vanished)?.size;
        let offset = command.wide_parameter(1);
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        if offset > size {
            return Err(response::INVALID_PARAMETER);
        }
        let after = offset.saturating_add(length).max(size);
        if after.saturating_sub(size) > self.free() {
            return Err(response::STORE_FULL);
        }
        place.storage.borrow_mut().write_at(&path, offset, data).map_err(Self::storage_response)?;
        self.use_bytes(size, after);
        self.note_edit(slot, &path, handle);
        Ok(Answer::parameters(&[u32::try_from(length).unwrap_or(u32::MAX)]))
    }

    /// TruncateObject (95C3); it cuts, and does not fill up.
    pub(super) fn truncate_object(&mut self, command: &Command) -> Outcome {
        let handle = command.parameter(0);
        let (slot, path) = self.edited_file(handle)?;
        let place = self.slots.get(slot).ok_or(response::STORE_NOT_AVAILABLE)?;
        let size = place.storage.borrow().entry(&path).map_err(|_| self.personality.vanished)?.size;
        let wanted = command.wide_parameter(1);
        if wanted > size {
            return Err(response::INVALID_PARAMETER);
        }
        place.storage.borrow_mut().resize(&path, wanted).map_err(Self::storage_response)?;
        self.use_bytes(size, wanted);
        self.note_edit(slot, &path, handle);
        Ok(Answer::ok())
    }

    fn note_edit(&mut self, slot: usize, path: &str, handle: u32) {
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.note(path);
        }
        self.note_own(handle);
    }

    pub(super) fn references(&self, command: &Command) -> Outcome {
        let handle = command.parameter(0);
        self.object(handle)?;
        let mut writer = Writer::default();
        writer.array_u32(self.references.get(&handle).map_or(&[], Vec::as_slice));
        Ok(Answer::data(writer.into_bytes()))
    }

    pub(super) fn set_references(&mut self, command: &Command, data: &[u8]) -> Outcome {
        let handle = command.parameter(0);
        self.object(handle)?;
        let wanted = Reader::new(data).array_u32().ok_or(response::INVALID_DATASET)?;
        if wanted.iter().any(|other| self.objects.get(*other).is_none()) {
            return Err(response::INVALID_OBJECT_REFERENCE);
        }
        self.references.insert(handle, wanted);
        Ok(Answer::ok())
    }

    /// The phone's own app deletes the file that this command is about, if it is about one.
    pub(super) fn vanish(&mut self, handle: u32) {
        let Ok((slot, path)) = self.file(handle) else { return };
        if let Some(slot) = self.slots.get(slot) {
            // It may be gone already.
            let _ = slot.storage.borrow_mut().remove(&path);
        }
    }
}
