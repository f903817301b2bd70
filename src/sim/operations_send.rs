//! Operations that bring objects: SendObjectInfo, SendObject, and what an interrupted one leaves.

use crate::mtp::code::{event, format, response};

use super::app::AppMoment;
use super::dates::parse_date;
use super::device::{Device, Pending};
use super::objects::Seen;
use super::operations_property::sanitise;
use super::personality::{BadName, Creation, Interrupted, Overwrite, OwnEvents, SentDate};
use super::responder::{Answer, Command, Outcome};
use super::storage::{SharedStorage, StorageError, join_path};
use super::wire::Reader;

/// The temporary file of responders that receive into one, in the storage's root.
const TEMPORARY_NAME: &str = ".mtp-incoming";
/// At most so many zeros are preallocated, in bytes.
const PREALLOCATED_BYTES: u64 = 16 << 20;
/// Nothing larger is taken even if room is plenty, in bytes.
const LARGEST_BYTES: u64 = 1 << 30;

/// What the phone makes of a name.
pub(super) enum Name {
    /// It takes this name, which may not be quite the one sent.
    Taken(String),
    /// It does not.
    Refused(u16),
}

/// ObjectInfo as it was sent.
struct SentInfo {
    format: u16,
    size: u64,
    name: String,
    modified: String,
    is_clean: bool,
}

fn read_info(data: &[u8]) -> Option<SentInfo> {
    let mut reader = Reader::new(data);
    reader.u32()?;
    let format = reader.u16()?;
    reader.u16()?;
    let size = reader.u32()?;
    reader.take(2 + 6 * 4)?;
    reader.u32()?;
    reader.take(2 + 4 + 4)?;
    let (name, name_ends) = reader.string()?;
    // Some initiators leave out the strings after the name.
    let (_, created_ends) = reader.string().unwrap_or((String::new(), false));
    let (modified, modified_ends) = reader.string().unwrap_or((String::new(), false));
    let (_, keywords_end) = reader.string().unwrap_or((String::new(), false));
    let is_clean = name_ends && created_ends && modified_ends && keywords_end && reader.rest().is_empty();
    Some(SentInfo { format, size: u64::from(size), name, modified, is_clean })
}

impl Device {
    /// What the phone makes of a name.
    pub(super) fn check_name(&self, name: &str) -> Name {
        let rule = self.personality.name_rule;
        let refusal = match rule.bad {
            BadName::Refused(code) => code,
            BadName::Sanitised => response::INVALID_PARAMETER,
        };
        let is_bad = |character: char| {
            character == '/'
                || character.is_control()
                || (rule.ascii_only && !character.is_ascii())
                || (rule.fat_characters && "\"*:<>?\\|".contains(character))
        };
        let Ok(mut name) = sanitise(rule.bad, is_bad, name) else { return Name::Refused(refusal) };
        while name.encode_utf16().count() > rule.max_units {
            if rule.bad != BadName::Sanitised {
                return Name::Refused(refusal);
            }
            name.pop();
        }
        if name.is_empty() || name == "." || name == ".." {
            return Name::Refused(refusal);
        }
        Name::Taken(name)
    }

    /// Whether another object of the folder has this name but for the case of letters, and that counts.
    pub(super) fn taken_in_other_case(&self, slot: usize, parent: u32, except: u32, name: &str) -> bool {
        self.personality.name_rule.case_insensitive
            && self.objects.children(slot, parent).any(|handle| {
                handle != except
                    && self.objects.get(handle).is_some_and(|object| object.name.eq_ignore_ascii_case(name))
            })
    }

    pub(super) fn send_object_info(&mut self, command: &Command, data: &[u8]) -> Outcome {
        let insists = self.personality.insists.datasets;
        let unreadable = if insists { response::INVALID_DATASET } else { response::GENERAL_ERROR };
        let info = read_info(data).ok_or(unreadable)?;
        if insists && !info.is_clean {
            return Err(unreadable);
        }
        let modified = Some(info.modified).filter(|text| !text.is_empty());
        let (storage_id, parent) = (command.parameter(0), command.parameter(1));
        self.announce(storage_id, parent, info.format, info.size, &info.name, modified.as_deref())
    }

    /// Makes ready for a new object.
    pub(super) fn announce(
        &mut self,
        storage_id: u32,
        parent_given: u32,
        object_format: u16,
        size: u64,
        name: &str,
        modified: Option<&str>,
    ) -> Outcome {
        if let Some(earlier) = self.session()?.pending.take() {
            self.interrupt(&earlier, None);
        }
        let (slot, parent) = self.destination(storage_id, parent_given)?;
        let personality = &self.personality;
        if personality.read_only {
            return Err(response::STORE_READ_ONLY);
        }
        if personality.insists.formats && !personality.formats.contains(&object_format) {
            return Err(response::INVALID_OBJECT_FORMAT_CODE);
        }
        let is_folder = object_format == format::ASSOCIATION;
        if let Some(code) = personality.root_write.filter(|_| parent == 0 && !is_folder) {
            return Err(code);
        }
        let name = match self.check_name(name) {
            Name::Taken(name) => name,
            Name::Refused(code) => return Err(code),
        };
        if size > self.free().min(LARGEST_BYTES) {
            return Err(response::STORE_FULL);
        }
        let modified_ms = modified.and_then(|text| self.applied_date(text));
        let folder = self.objects.folder_path(parent).ok_or(response::INVALID_PARENT_OBJECT)?;
        self.visit(slot, parent)?;
        let name = self.looked_up_name(slot, parent, name);
        let path = join_path(&folder, &name);
        let place = self.slots.get(slot).ok_or(response::INVALID_STORAGE_ID)?;
        let (storage_id, storage) = (place.id, place.storage.clone());
        let existing = place.entry(&path).ok();
        if self.taken_in_other_case(slot, parent, 0, &name) && existing.is_none() {
            return Err(response::GENERAL_ERROR);
        }
        let handle = if is_folder {
            self.make_folder(slot, parent, &name, &path, existing.is_some())?
        } else {
            if existing.as_ref().is_some_and(|entry| entry.is_folder) {
                return Err(response::GENERAL_ERROR);
            }
            let known = self.objects.by_name(slot, parent, &name);
            let handle = self.handle_for(slot, parent, &name, existing.is_some())?;
            self.create(&storage, &path, size, existing.is_some()).map_err(Self::storage_response)?;
            if let Some(object) = self.objects.get_mut(handle) {
                object.sent_format = Some(object_format);
            }
            let is_touched = self.personality.creation != Creation::AtData;
            if let Some(slot) = self.slots.get_mut(slot).filter(|_| is_touched) {
                slot.note(&path);
            }
            if is_touched || known != Some(handle) {
                // Otherwise whoever looks before the bytes come takes the object for one of the phone's own making.
                self.note_own(handle);
            }
            let is_new = existing.is_none();
            self.session()?.pending = Some(Pending { handle, slot, path, size, modified_ms, is_new });
            handle
        };
        Ok(Answer::parameters(&[storage_id, parent_given, handle]))
    }

    /// The name of the object that a search for `name` finds, which is another one on phones that compare beginnings.
    fn looked_up_name(&self, slot: usize, parent: u32, name: String) -> String {
        if !self.personality.prefix_lookup || self.objects.by_name(slot, parent, &name).is_some() {
            return name;
        }
        self.objects
            .children(slot, parent)
            .filter_map(|handle| self.objects.get(handle))
            .find(|object| !object.is_folder && object.name.starts_with(&name))
            .map_or(name, |object| object.name.as_ref().to_owned())
    }

    fn applied_date(&self, text: &str) -> Option<i64> {
        let offset = self.personality.utc_offset_minutes;
        match self.personality.sent_date {
            SentDate::Ignored => None,
            SentDate::Applied => parse_date(text, offset, false),
            SentDate::AppliedIgnoringOffset => parse_date(text, offset, true),
        }
    }

    fn make_folder(
        &mut self,
        slot: usize,
        parent: u32,
        name: &str,
        path: &str,
        exists: bool,
    ) -> Result<u32, u16> {
        if exists {
            let same = self.objects.by_name(slot, parent, name);
            return match (self.personality.overwrite, same) {
                (Overwrite::Refuse2002, _) | (_, None) => Err(response::GENERAL_ERROR),
                (_, Some(handle)) => Ok(handle),
            };
        }
        let storage = self.slots.get(slot).ok_or(response::INVALID_STORAGE_ID)?.storage.clone();
        storage.borrow_mut().make_folder(path).map_err(Self::storage_response)?;
        let seen = Self::seen_in(&storage, path);
        let handle = self.objects.add(slot, parent, name, true, Some(seen));
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.note(path);
        }
        self.note_own(handle);
        Ok(handle)
    }

    fn seen_in(storage: &SharedStorage, path: &str) -> Seen {
        match storage.borrow().entry(path) {
            Ok(entry) => Seen::from(&entry),
            Err(_) => Seen { size: 0, modified_ms: 0, created_ms: 0, identity: 0 },
        }
    }

    pub(super) fn storage_response(error: StorageError) -> u16 {
        match error {
            StorageError::BadPath => response::INVALID_PARAMETER,
            StorageError::Refused(std::io::ErrorKind::StorageFull) => response::STORE_FULL,
            StorageError::Refused(std::io::ErrorKind::PermissionDenied) => response::ACCESS_DENIED,
            _ => response::GENERAL_ERROR,
        }
    }

    fn handle_for(&mut self, slot: usize, parent: u32, name: &str, exists: bool) -> Result<u32, u16> {
        let same = self.objects.by_name(slot, parent, name);
        if exists {
            match (self.personality.overwrite, same) {
                (Overwrite::Refuse2002, _) => return Err(response::GENERAL_ERROR),
                (Overwrite::SameObject | Overwrite::KeepsTail, Some(handle)) => return Ok(handle),
                _ => {}
            }
        }
        let seen =
            Seen { size: 0, modified_ms: self.clock.now_ms(), created_ms: self.clock.now_ms(), identity: 0 };
        Ok(self.objects.add(slot, parent, name, false, Some(seen)))
    }

    /// What appears at SendObjectInfo.
    fn create(
        &self,
        storage: &SharedStorage,
        path: &str,
        size: u64,
        exists: bool,
    ) -> Result<(), StorageError> {
        let keeps =
            matches!(self.personality.overwrite, Overwrite::KeepsTail | Overwrite::SecondHandleReplace);
        if exists && keeps {
            return Ok(());
        }
        match self.personality.creation {
            Creation::AtData => Ok(()),
            Creation::EmptyAtInfo => storage.borrow_mut().write(path, b""),
            Creation::ZerosAtInfo => {
                storage.borrow_mut().write(path, b"")?;
                storage.borrow_mut().resize(path, size.min(PREALLOCATED_BYTES))
            }
        }
    }

    /// SendObject (100D).
    pub(super) fn send_object(&mut self, data: &[u8]) -> Outcome {
        let pending = self.session()?.pending.take().ok_or(response::NO_VALID_OBJECT_INFO)?;
        let length = u64::try_from(data.len()).unwrap_or(u64::MAX);
        let refused = if self.personality.insists.sizes && length < pending.size {
            Some(response::INCOMPLETE_TRANSFER)
        } else if (self.personality.insists.sizes && length > pending.size) || length > self.free() {
            Some(response::STORE_FULL)
        } else {
            None
        };
        if let Some(code) = refused {
            self.interrupt(&pending, Some(data));
            return Err(code);
        }
        let storage = self.slots.get(pending.slot).ok_or(response::STORE_NOT_AVAILABLE)?.storage.clone();
        let before = storage.borrow().entry(&pending.path).map_or(0, |entry| entry.size);
        let is_over = !pending.is_new;
        if let Err(error) = self.put(&storage, &pending, data) {
            self.interrupt(&pending, None);
            return Err(Self::storage_response(error));
        }
        if let Some(modified_ms) = pending.modified_ms {
            storage
                .borrow_mut()
                .set_modified_ms(&pending.path, modified_ms)
                .map_err(Self::storage_response)?;
        }
        self.use_bytes(before, length);
        if let Some(slot) = self.slots.get_mut(pending.slot) {
            slot.note(&pending.path);
        }
        self.note_own(pending.handle);
        self.tell_own(pending.handle, is_over);
        match self.personality.app.as_ref().map(|app| app.moment) {
            Some(AppMoment::TransferEnd) => self.run_app(pending.slot, &pending.path),
            Some(AppMoment::Unplug) => self.received.push((pending.slot, pending.path)),
            None => {}
        }
        Ok(Answer::ok())
    }

    fn put(&self, storage: &SharedStorage, pending: &Pending, data: &[u8]) -> Result<(), StorageError> {
        let mut storage = storage.borrow_mut();
        let keeps = self.personality.overwrite == Overwrite::KeepsTail && !pending.is_new;
        if keeps || self.personality.creation == Creation::ZerosAtInfo {
            return storage.write_at(&pending.path, 0, data);
        }
        if self.personality.overwrite == Overwrite::SecondHandleReplace {
            storage.write(TEMPORARY_NAME, data)?;
            return storage.rename(TEMPORARY_NAME, &pending.path);
        }
        storage.write(&pending.path, data)
    }

    /// Notes how an object is after the initiator's own change, so that it is not told as the phone's.
    pub(super) fn note_own(&mut self, handle: u32) {
        let Some(object) = self.objects.get(handle) else { return };
        let (slot, Some(path)) = (object.slot, self.objects.path(handle)) else { return };
        let Some(Ok(entry)) = self.slots.get(slot).map(|slot| slot.entry(&path)) else { return };
        let seen = Seen::from(&entry);
        let (parent, name) = match self.objects.get_mut(handle) {
            Some(object) => {
                object.note_own(seen);
                (object.parent, object.name.clone())
            }
            None => return,
        };
        // Other handles of the same file saw it too.
        if let Some(first) = self.objects.by_name(slot, parent, &name)
            && let Some(object) = self.objects.get_mut(first)
        {
            object.look(seen);
        }
    }

    fn tell_own(&mut self, handle: u32, is_over: bool) {
        let (added, changed) = match (self.personality.own_events, is_over) {
            (OwnEvents::Nothing, _) => (0, 0),
            (OwnEvents::InfoChangedOften, false) => (0, 2),
            (OwnEvents::InfoChangedOften, true) => (0, 3),
            (OwnEvents::Added, false) => (1, 1),
            (OwnEvents::Added, true) => (0, 1),
        };
        for _ in 0..added {
            self.event(event::OBJECT_ADDED, &[handle]);
        }
        for _ in 0..changed {
            self.event(event::OBJECT_INFO_CHANGED, &[handle]);
        }
    }

    /// The transfer will not come to its end. `came` is what came of the object's bytes, if SendObject had begun.
    fn interrupt(&mut self, pending: &Pending, came: Option<&[u8]>) {
        let Some(storage) = self.slots.get(pending.slot).map(|slot| slot.storage.clone()) else { return };
        let Some(came) = came else {
            if storage.borrow().entry(&pending.path).is_err() {
                self.objects.remove(pending.handle);
            }
            return;
        };
        // The cable is gone or the initiator gave up: nobody is left to hear of a storage that refuses as well.
        match self.personality.interrupted {
            Interrupted::Unlinked => {
                let _ = storage.borrow_mut().remove(&pending.path);
                self.objects.remove(pending.handle);
            }
            Interrupted::PartialStays => {
                let _ = self.put(&storage, pending, came);
                self.note_own(pending.handle);
            }
            Interrupted::TemporaryFileStays => {
                let _ = storage.borrow_mut().write(TEMPORARY_NAME, came);
                if pending.is_new {
                    self.objects.remove(pending.handle);
                }
            }
            Interrupted::NothingChanges => {
                if pending.is_new {
                    let _ = storage.borrow_mut().remove(&pending.path);
                    self.objects.remove(pending.handle);
                }
            }
        }
        if let Some(slot) = self.slots.get_mut(pending.slot) {
            slot.note(&pending.path);
        }
    }

    /// SendObject's data stopped coming after `came`.
    pub(super) fn interrupt_transfer(&mut self, came: &[u8]) {
        if let Some(pending) = self.session.as_mut().and_then(|session| session.pending.take()) {
            self.interrupt(&pending, Some(came));
        }
    }

    /// The session ends, with whatever was under way.
    pub(super) fn abandon_transfer(&mut self) {
        self.drop_half_moved();
        if let Some(pending) = self.session.as_mut().and_then(|session| session.pending.take()) {
            self.interrupt(&pending, None);
        }
    }
}
