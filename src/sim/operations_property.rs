//! Operations on object properties: what is supported, one value, the whole list, rename.

use crate::mtp::code::{data_type, format, property as prop, response, wildcard};

use super::device::Device;
use super::objects::{Object, Seen};
use super::operations_send::Name;
use super::personality::{BadName, BrokenPropList, PersistentIds, PropList, Rename};
use super::responder::{Answer, Command, Outcome};
use super::storage::{join_path, split_path};
use super::wire::{Reader, Writer};

/// One object with all that its properties are made of.
struct View<'a> {
    handle: u32,
    object: &'a Object,
    seen: Seen,
    modified: String,
    storage_id: u32,
}

/// DateTime form of a property description (MTP 1.1 5.3.2.3: form flag).
const FORM_DATE_TIME: u8 = 3;

/// About what an element of a list takes, in bytes.
const ELEMENT_BYTES: usize = 48;

/// A property's data type.
fn type_of(property: u16) -> u16 {
    match property {
        prop::STORAGE_ID | prop::PARENT_OBJECT | prop::ASSOCIATION_DESC => data_type::UINT32,
        prop::OBJECT_FORMAT | prop::PROTECTION_STATUS | prop::ASSOCIATION_TYPE | prop::HIDDEN => {
            data_type::UINT16
        }
        prop::OBJECT_SIZE => data_type::UINT64,
        prop::PERSISTENT_UNIQUE_OBJECT_IDENTIFIER => data_type::UINT128,
        prop::NON_CONSUMABLE => data_type::UINT8,
        _ => data_type::STR,
    }
}

fn is_date(property: u16) -> bool {
    matches!(property, prop::DATE_CREATED | prop::DATE_MODIFIED | prop::DATE_ADDED)
}

/// The polynomial hash of base 31 over UTF-16 units that Java's strings have.
fn text_hash(text: &str) -> u32 {
    text.encode_utf16().fold(0, |hash: u32, unit| hash.wrapping_mul(31).wrapping_add(u32::from(unit)))
}

impl Device {
    fn knows_property(&self, property: u16) -> bool {
        let dated = self.personality.dates != super::personality::Dates::Missing || !is_date(property);
        let has_ids = self.personality.persistent_ids != PersistentIds::Absent
            || property != prop::PERSISTENT_UNIQUE_OBJECT_IDENTIFIER;
        dated && has_ids && self.personality.properties.contains(&property)
    }

    fn known_properties(&self) -> Vec<u16> {
        self.personality
            .properties
            .iter()
            .copied()
            .filter(|property| self.knows_property(*property))
            .collect()
    }

    pub(super) fn supported_properties(&self) -> Answer {
        let mut writer = Writer::default();
        writer.array_u16(&self.known_properties());
        Answer::data(writer.into_bytes())
    }

    pub(super) fn property_description(&self, command: &Command) -> Outcome {
        let property = u16::try_from(command.parameter(0)).unwrap_or(0);
        if !self.knows_property(property) {
            return Err(response::INVALID_OBJECT_PROP_CODE);
        }
        let kind = type_of(property);
        let mut writer = Writer::default();
        writer.u16(property);
        writer.u16(kind);
        writer.u8(u8::from(self.personality.writable_properties.contains(&property)));
        match kind {
            data_type::UINT8 => writer.u8(0),
            data_type::UINT16 => writer.u16(0),
            data_type::UINT32 => writer.u32(0),
            data_type::UINT64 => writer.u64(0),
            data_type::UINT128 => writer.u128(0),
            _ => writer.string(""),
        }
        writer.u32(0);
        writer.u8(if is_date(property) { FORM_DATE_TIME } else { 0 });
        Ok(Answer::data(writer.into_bytes()))
    }

    fn persistent_id(&mut self, slot: usize, handle: u32, path: &str, seen: Seen, in_list: bool) -> u128 {
        let parent = self.objects.get(handle).map_or(0, |object| object.parent);
        let storage_id = self.slots.get(slot).map_or(0, |slot| slot.id);
        match self.personality.persistent_ids {
            PersistentIds::Absent => 0,
            PersistentIds::PathAndTime => {
                let hash = i64::from(text_hash(path).cast_signed());
                u128::from(hash.wrapping_add(seen.modified_ms.div_euclid(1000)).cast_unsigned())
            }
            PersistentIds::StorageAndHandle => (u128::from(storage_id) << 32) | u128::from(handle),
            PersistentIds::StoredPerPath => {
                let next = u128::try_from(self.stored_ids.len()).unwrap_or(0).wrapping_add(1);
                let fresh = next.wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
                *self.stored_ids.entry((slot, path.to_owned())).or_insert(fresh)
            }
            PersistentIds::Handle => u128::from(handle),
            PersistentIds::HandleHigh => u128::from(handle) << 64,
            PersistentIds::HandleParentStorage => {
                let words = if in_list {
                    [handle, handle.wrapping_add(1), handle.wrapping_add(2), handle.wrapping_add(3)]
                } else {
                    [handle, parent, storage_id, 0]
                };
                words.iter().rev().fold(0, |id, word| (id << 32) | u128::from(*word))
            }
            PersistentIds::PathHash => {
                let hash = u128::from(text_hash(path));
                (hash << 96) | (hash.wrapping_mul(0x1000_0001) << 32) | u128::from(storage_id)
            }
        }
    }

    /// Writes the data type and the value.
    fn write_property(&self, writer: &mut Writer, view: &View<'_>, property: u16, persistent_id: u128) {
        writer.u16(type_of(property));
        let object = view.object;
        match property {
            prop::STORAGE_ID => writer.u32(view.storage_id),
            prop::OBJECT_FORMAT => writer.u16(self.format_of(object)),
            prop::PROTECTION_STATUS => writer.u16(u16::from(self.personality.read_only)),
            prop::ASSOCIATION_TYPE => writer.u16(u16::from(object.is_folder)),
            prop::HIDDEN => writer.u16(u16::from(object.name.starts_with('.'))),
            prop::OBJECT_SIZE => writer.u64(view.seen.size),
            prop::OBJECT_FILE_NAME => writer.string(&object.name),
            prop::DATE_CREATED => {
                writer.string(&self.date_text(object, view.seen.created_ms, object.first_seen().created_ms));
            }
            prop::DATE_MODIFIED | prop::DATE_ADDED => writer.string(&view.modified),
            prop::PARENT_OBJECT => writer.u32(object.parent),
            prop::PERSISTENT_UNIQUE_OBJECT_IDENTIFIER => writer.u128(persistent_id),
            prop::NAME | prop::DISPLAY_NAME => {
                writer.string(object.display_name.as_deref().unwrap_or(&object.name));
            }
            prop::NON_CONSUMABLE => writer.u8(0),
            prop::ASSOCIATION_DESC => writer.u32(0),
            _ => writer.string(""),
        }
    }

    pub(super) fn property_value(&mut self, command: &Command) -> Outcome {
        let handle = command.parameter(0);
        let property = u16::try_from(command.parameter(1)).unwrap_or(0);
        self.object(handle)?;
        if !self.knows_property(property) {
            return Err(response::INVALID_OBJECT_PROP_CODE);
        }
        if is_date(property)
            && let Some(constant) = &self.personality.constant_value_date
        {
            let mut writer = Writer::default();
            writer.string(constant);
            return Ok(Answer::data(writer.into_bytes()));
        }
        let mut writer = Writer::default();
        self.write_elements(&mut writer, handle, &[property], None, false)?;
        // Handle, property and data type of the element are not part of the value.
        Ok(Answer::data(writer.into_bytes().get(8..).unwrap_or_default().to_vec()))
    }

    /// Writes the elements of one object; `folder_path` is its folder's path if known and its attributes fresh.
    fn write_elements(
        &mut self,
        writer: &mut Writer,
        handle: u32,
        properties: &[u16],
        folder_path: Option<&str>,
        in_list: bool,
    ) -> Result<u32, u16> {
        let cached = self.personality.attributes == super::personality::Attributes::CachedAtFirstListing;
        let object = self.object(handle)?;
        let slot = object.slot;
        let (path, seen) = match folder_path {
            Some(folder) if cached => (join_path(folder, &object.name), object.first_seen()),
            Some(folder) => (join_path(folder, &object.name), object.seen()),
            None => (self.path(handle)?, self.attributes(handle)?),
        };
        let persistent_id = if properties.contains(&prop::PERSISTENT_UNIQUE_OBJECT_IDENTIFIER) {
            self.persistent_id(slot, handle, &path, seen, in_list)
        } else {
            0
        };
        let object = self.object(handle)?;
        let modified = if properties.iter().any(|property| is_date(*property)) {
            self.date_text(object, seen.modified_ms, object.first_seen().modified_ms)
        } else {
            String::new()
        };
        let storage_id = self.slots.get(slot).map_or(0, |slot| slot.id);
        let view = View { handle, object, seen, modified, storage_id };
        let small_sizes =
            in_list && self.personality.prop_list == PropList::Broken(BrokenPropList::WrongCount);
        for property in properties {
            writer.u32(self.listed_handle(view.handle, in_list));
            writer.u16(*property);
            if small_sizes && *property == prop::OBJECT_SIZE {
                writer.u16(data_type::UINT32);
                writer.u32(u32::try_from(view.seen.size).unwrap_or(u32::MAX));
            } else {
                self.write_property(writer, &view, *property, persistent_id);
            }
        }
        Ok(u32::try_from(properties.len()).unwrap_or(u32::MAX))
    }

    fn listed_handle(&self, handle: u32, in_list: bool) -> u32 {
        match self.personality.prop_list {
            PropList::Broken(BrokenPropList::UnknownHandles) if in_list => handle.wrapping_add(1000),
            _ => handle,
        }
    }

    /// GetObjectPropList (9805).
    pub(super) fn property_list(&mut self, command: &Command) -> Outcome {
        let (handle, object_format) = (command.parameter(0), command.parameter(1));
        let (property, group, depth) = (command.parameter(2), command.parameter(3), command.parameter(4));
        if self.personality.prop_list == PropList::OneObjectOnly {
            self.object(handle)?;
            let properties = self.wanted_properties(property)?;
            let mut writer = Writer::default();
            writer.u32(u32::try_from(properties.len()).unwrap_or(u32::MAX));
            self.write_elements(&mut writer, handle, &properties, None, true)?;
            return Ok(Answer::data(writer.into_bytes()));
        }
        if property == 0 {
            return Err(if group == 0 {
                response::PARAMETER_NOT_SUPPORTED
            } else {
                response::SPECIFICATION_BY_GROUP_UNSUPPORTED
            });
        }
        let everything = handle == wildcard::ALL || (handle == 0 && depth == wildcard::ALL);
        if depth > 1 && (depth != wildcard::ALL || (self.personality.full_depth_only_for_all && !everything))
        {
            return Err(response::SPECIFICATION_BY_DEPTH_UNSUPPORTED);
        }
        let properties = self.wanted_properties(property)?;
        if self.is_locked {
            return Err(self.lock_response());
        }
        let objects = self.chosen_objects(handle, depth, everything)?;
        let ignores_format = self.personality.prop_list == PropList::Broken(BrokenPropList::WrongCount);
        let objects = objects
            .into_iter()
            .filter(|(chosen, _)| {
                object_format == wildcard::ANY_FORMAT
                    || ignores_format
                    || self
                        .objects
                        .get(*chosen)
                        .is_some_and(|object| u32::from(self.format_of(object)) == object_format)
            })
            .collect();
        self.write_list(objects, properties, property == wildcard::ALL, depth)
    }

    fn wanted_properties(&self, property: u32) -> Result<Vec<u16>, u16> {
        if property == wildcard::ALL {
            return Ok(self.known_properties());
        }
        let property = u16::try_from(property).unwrap_or(0);
        if self.knows_property(property) {
            Ok(vec![property])
        } else {
            Err(response::INVALID_OBJECT_PROP_CODE)
        }
    }

    /// The objects that handle and depth mean, each with the path of its folder if that folder was just visited.
    fn chosen_objects(
        &mut self,
        handle: u32,
        depth: u32,
        everything: bool,
    ) -> Result<Vec<(u32, Option<String>)>, u16> {
        let mut chosen = Vec::new();
        let foreign = self.personality.prop_list == PropList::Broken(BrokenPropList::ForeignObjects);
        if everything || (foreign && depth == 1) {
            for slot in 0..self.slots.len() {
                chosen.extend(self.descendants(slot, 0)?.into_iter().map(|found| (found, None)));
            }
            return Ok(chosen);
        }
        let mut folders = Vec::new();
        if handle == 0 {
            folders.extend((0..self.slots.len()).map(|slot| (slot, 0)));
        } else {
            let object = self.object(handle)?;
            let (slot, is_folder) = (object.slot, object.is_folder);
            if depth == 0 || !is_folder || self.personality.prop_list_includes_folder {
                chosen.push((handle, None));
            }
            if depth > 0 && is_folder {
                folders.push((slot, handle));
            }
        }
        for (slot, folder) in folders {
            if depth == wildcard::ALL {
                chosen.extend(self.descendants(slot, folder)?.into_iter().map(|found| (found, None)));
                continue;
            }
            self.visit(slot, folder)?;
            let path = self.objects.folder_path(folder).ok_or(response::INVALID_OBJECT_HANDLE)?;
            chosen.extend(self.children(slot, folder).into_iter().map(|found| (found, Some(path.clone()))));
        }
        Ok(chosen)
    }

    fn write_list(
        &mut self,
        mut objects: Vec<(u32, Option<String>)>,
        mut properties: Vec<u16>,
        all_properties: bool,
        depth: u32,
    ) -> Outcome {
        let broken = match self.personality.prop_list {
            PropList::Broken(kind) => Some(kind),
            _ => None,
        };
        match broken {
            Some(BrokenPropList::GeneralError) => return Err(response::GENERAL_ERROR),
            Some(BrokenPropList::Mute) => return Ok(Answer::silence()),
            Some(BrokenPropList::Empty) => objects.clear(),
            Some(BrokenPropList::WithoutSizes) => {
                properties.retain(|property| *property != prop::OBJECT_SIZE)
            }
            Some(BrokenPropList::WithoutNames) => {
                properties.retain(|property| *property != prop::OBJECT_FILE_NAME)
            }
            _ => {}
        }
        let drops = broken == Some(BrokenPropList::DropsObjects)
            || (broken == Some(BrokenPropList::DropsObjectsAtFullDepth) && depth == wildcard::ALL);
        let mut writer =
            Writer::with_room(objects.len().saturating_mul(properties.len()).saturating_mul(ELEMENT_BYTES));
        writer.u32(0);
        let mut count: u32 = 0;
        for (index, (handle, folder_path)) in objects.into_iter().enumerate() {
            if drops && index % 3 == 2 {
                continue;
            }
            match self.write_elements(&mut writer, handle, &properties, folder_path.as_deref(), true) {
                Ok(more) => count = count.saturating_add(more),
                // An object whose file went away meanwhile is not in the list.
                Err(_) if folder_path.is_none() && depth != 0 => {}
                Err(code) => return Err(code),
            }
        }
        let told =
            if broken == Some(BrokenPropList::WrongCount) && all_properties { count / 2 } else { count };
        writer.patch_u32(0, told);
        let mut bytes = writer.into_bytes();
        if broken == Some(BrokenPropList::Truncated) {
            bytes.truncate(bytes.len().saturating_sub(bytes.len() / 3).saturating_sub(1));
        }
        Ok(Answer::data(bytes))
    }

    pub(super) fn set_property(&mut self, command: &Command, data: &[u8]) -> Outcome {
        let handle = command.parameter(0);
        let property = u16::try_from(command.parameter(1)).unwrap_or(0);
        self.object(handle)?;
        let mut reader = Reader::new(data);
        let text = reader.string();
        let is_whole = reader.rest().is_empty();
        self.set_text(handle, property, text, is_whole)
    }

    fn set_text(
        &mut self,
        handle: u32,
        property: u16,
        text: Option<(String, bool)>,
        is_whole: bool,
    ) -> Outcome {
        if !self.knows_property(property) {
            return Err(response::INVALID_OBJECT_PROP_CODE);
        }
        if !self.personality.writable_properties.contains(&property) {
            return Err(response::OBJECT_PROP_NOT_SUPPORTED);
        }
        let (text, ends_in_nul) = text.ok_or(response::INVALID_OBJECT_PROP_FORMAT)?;
        if self.personality.insists.datasets && !(ends_in_nul && is_whole) {
            return Err(response::INVALID_DATASET);
        }
        if self.personality.read_only {
            return Err(response::STORE_READ_ONLY);
        }
        if property == prop::NAME && self.personality.rename == Rename::Absent {
            if let Some(object) = self.objects.get_mut(handle) {
                object.display_name = Some(text.into());
            }
            return Ok(Answer::ok());
        }
        self.rename(handle, &text)
    }

    fn rename(&mut self, handle: u32, wanted: &str) -> Outcome {
        let rule = self.personality.rename;
        if rule == Rename::AlwaysLies {
            return Ok(Answer::ok());
        }
        let name = match self.check_name(wanted) {
            Name::Taken(name) => name,
            Name::Refused(code) => return Err(code),
        };
        let object = self.object(handle)?;
        let (slot, parent, is_folder) = (object.slot, object.parent, object.is_folder);
        if *name == *object.name {
            return Ok(Answer::ok());
        }
        let extension =
            |name: &str| name.rsplit_once('.').map(|(_, extension)| extension.to_ascii_lowercase());
        if rule == Rename::SameExtensionOnly && !is_folder && extension(&object.name) != extension(&name) {
            return Err(response::INVALID_OBJECT_PROP_FORMAT);
        }
        let from = self.path(handle)?;
        let to = join_path(split_path(&from).0, &name);
        let storage = self.slots.get(slot).ok_or(response::INVALID_STORAGE_ID)?.storage.clone();
        let taken =
            storage.borrow().entry(&to).is_ok() || self.taken_in_other_case(slot, parent, handle, &name);
        match rule {
            Rename::Replaces => {}
            Rename::Lies if taken => return Ok(Answer::ok()),
            _ if taken => return Err(response::GENERAL_ERROR),
            _ => {}
        }
        if storage.borrow_mut().rename(&from, &to).is_err() {
            return if rule == Rename::Lies { Ok(Answer::ok()) } else { Err(response::GENERAL_ERROR) };
        }
        self.objects.relocate(handle, slot, parent, &name);
        self.moved(slot, &from, slot, &to);
        self.note_own(handle);
        Ok(Answer::ok())
    }

    /// What is kept by path follows the object to its new path.
    pub(super) fn moved(&mut self, from_slot: usize, from: &str, to_slot: usize, to: &str) {
        if let Some(id) = self.stored_ids.remove(&(from_slot, from.to_owned())) {
            self.stored_ids.insert((to_slot, to.to_owned()), id);
        }
        if let Some(slot) = self.slots.get_mut(from_slot) {
            slot.note(from);
        }
        if let Some(slot) = self.slots.get_mut(to_slot) {
            slot.note_all(to);
        }
        for (slot, path) in &mut self.received {
            if *slot == from_slot && path == from {
                *slot = to_slot;
                to.clone_into(path);
            }
        }
    }

    /// SetObjectPropList (9806): texts only; the index of the first element that failed comes back.
    pub(super) fn set_property_list(&mut self, data: &[u8]) -> Outcome {
        let mut reader = Reader::new(data);
        let count = reader.u32().ok_or(response::INVALID_DATASET)?;
        for index in 0..count {
            let element = (|| Some((reader.u32()?, reader.u16()?, reader.u16()?)))();
            let (handle, property, kind) = element.ok_or(response::INVALID_DATASET)?;
            let refused = |code| Answer { parameters: vec![index], ..Answer::code(code) };
            if kind != data_type::STR {
                return Ok(refused(response::INVALID_OBJECT_PROP_FORMAT));
            }
            let text = reader.string();
            let is_readable = text.is_some();
            let done =
                self.object(handle).map(|_| ()).and_then(|()| self.set_text(handle, property, text, true));
            if let Err(code) = done {
                return Ok(refused(code));
            }
            if !is_readable {
                return Err(response::INVALID_DATASET);
            }
        }
        Ok(Answer::ok())
    }

    /// SendObjectPropList (9808): announces an object by its name among the properties.
    pub(super) fn send_property_list(&mut self, command: &Command, data: &[u8]) -> Outcome {
        let object_format = u16::try_from(command.parameter(2)).unwrap_or(format::UNDEFINED);
        let size = (u64::from(command.parameter(3)) << 32) | u64::from(command.parameter(4));
        let mut reader = Reader::new(data);
        let count = reader.u32().ok_or(response::INVALID_DATASET)?;
        let mut name = None;
        for index in 0..count {
            let element = (|| Some((reader.u32()?, reader.u16()?, reader.u16()?)))();
            let (handle, property, kind) = element.ok_or(response::INVALID_DATASET)?;
            if handle != 0 || kind != type_of(property) {
                let parameters = vec![0, 0, 0, index];
                return Ok(Answer { parameters, ..Answer::code(response::INVALID_DATASET) });
            }
            match kind {
                data_type::STR => {
                    let (text, _) = reader.string().ok_or(response::INVALID_DATASET)?;
                    if property == prop::OBJECT_FILE_NAME || (property == prop::NAME && name.is_none()) {
                        name = Some(text);
                    }
                }
                data_type::UINT8 => reader.take(1).map(|_| ()).ok_or(response::INVALID_DATASET)?,
                data_type::UINT16 => reader.take(2).map(|_| ()).ok_or(response::INVALID_DATASET)?,
                data_type::UINT32 => reader.take(4).map(|_| ()).ok_or(response::INVALID_DATASET)?,
                data_type::UINT64 => reader.take(8).map(|_| ()).ok_or(response::INVALID_DATASET)?,
                _ => reader.take(16).map(|_| ()).ok_or(response::INVALID_DATASET)?,
            }
        }
        let name = name.ok_or(response::INVALID_DATASET)?;
        self.announce(command.parameter(0), command.parameter(1), object_format, size, &name, None)
    }
}

/// What becomes of characters that a name must not have.
pub(super) fn sanitise(bad: BadName, is_bad: impl Fn(char) -> bool, name: &str) -> Result<String, u16> {
    match bad {
        _ if !name.chars().any(&is_bad) => Ok(name.to_owned()),
        BadName::Refused(code) => Err(code),
        BadName::Sanitised => {
            Ok(name.chars().map(|character| if is_bad(character) { '_' } else { character }).collect())
        }
    }
}
