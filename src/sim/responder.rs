//! The responder: takes one command (and its data) and gives one answer. Sessions, checks and dispatch are here, the
//! operations in `operations_*`.
//!
//! It must not know transfers, packets or faults; those are the link's.

use crate::mtp::code::{operation as op, response, wildcard};

use super::device::{Device, Session};
use super::objects::{Object, Seen};
use super::personality::{Attributes, Locked, PropList};

/// A command container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Command {
    pub(super) code: u16,
    pub(super) transaction: u32,
    pub(super) parameters: Vec<u32>,
}

impl Command {
    /// The parameter at `index`, 0 if it was not sent.
    pub(super) fn parameter(&self, index: usize) -> u32 {
        self.parameters.get(index).copied().unwrap_or(0)
    }

    /// Two parameters as one 64-bit number, the low half first.
    pub(super) fn wide_parameter(&self, index: usize) -> u64 {
        let high = self.parameter(index.saturating_add(1));
        (u64::from(high) << 32) | u64::from(self.parameter(index))
    }
}

/// What the phone sends back.
#[derive(Debug, Default)]
pub(super) struct Answer {
    pub(super) data: Option<Vec<u8>>,
    /// The payload length that the data container's header tells, if it is another one.
    pub(super) announced: Option<usize>,
    pub(super) code: u16,
    pub(super) parameters: Vec<u32>,
    /// The phone says nothing more until it is reset; not even this answer, if `is_silent`.
    pub(super) mutes: bool,
    pub(super) is_silent: bool,
}

impl Answer {
    pub(super) fn code(code: u16) -> Self {
        Self { code, ..Self::default() }
    }

    pub(super) fn ok() -> Self {
        Self::code(response::OK)
    }

    pub(super) fn parameters(parameters: &[u32]) -> Self {
        Self { parameters: parameters.to_vec(), ..Self::ok() }
    }

    pub(super) fn data(data: Vec<u8>) -> Self {
        Self { data: Some(data), ..Self::ok() }
    }

    /// No answer, now or later.
    pub(super) fn silence() -> Self {
        Self { mutes: true, is_silent: true, ..Self::default() }
    }
}

/// An answer, or the response code that stands for a refusal.
pub(super) type Outcome = Result<Answer, u16>;

/// Whether the initiator sends data after this command.
pub(super) fn takes_data(code: u16) -> bool {
    matches!(
        code,
        op::SEND_OBJECT_INFO
            | op::SEND_OBJECT
            | op::SET_DEVICE_PROP_VALUE
            | op::SET_OBJECT_PROP_VALUE
            | op::SET_OBJECT_PROP_LIST
            | op::SEND_OBJECT_PROP_LIST
            | op::SET_OBJECT_REFERENCES
            | op::SEND_PARTIAL_OBJECT
            | op::SET_SERVICE_PROP_LIST
            | op::UPDATE_OBJECT_PROP_LIST
            | op::DELETE_OBJECT_PROP_LIST
            | op::DELETE_SERVICE_PROP_LIST
    )
}

/// How many parameters an operation needs, and how many it has.
fn parameter_counts(code: u16) -> (usize, usize) {
    match code {
        op::GET_DEVICE_INFO
        | op::CLOSE_SESSION
        | op::GET_STORAGE_IDS
        | op::SEND_OBJECT
        | op::RESET_DEVICE => (0, 0),
        op::SET_OBJECT_PROP_LIST => (0, 0),
        op::SEND_OBJECT_INFO => (0, 2),
        op::GET_NUM_OBJECTS | op::GET_OBJECT_HANDLES => (1, 3),
        op::DELETE_OBJECT | op::FORMAT_STORE => (1, 2),
        op::SET_OBJECT_PROTECTION
        | op::GET_OBJECT_PROP_DESC
        | op::GET_OBJECT_PROP_VALUE
        | op::SET_OBJECT_PROP_VALUE => (2, 2),
        op::MOVE_OBJECT | op::COPY_OBJECT => (2, 3),
        op::GET_PARTIAL_OBJECT | op::TRUNCATE_OBJECT => (3, 3),
        op::GET_PARTIAL_OBJECT_64 | op::SEND_PARTIAL_OBJECT => (4, 4),
        op::GET_OBJECT_PROP_LIST | op::SEND_OBJECT_PROP_LIST => (5, 5),
        _ => (1, 1),
    }
}

impl Device {
    /// Does what the command says.
    pub(super) fn respond(&mut self, command: &Command, data: &[u8]) -> Answer {
        match self.check(command).and_then(|()| self.dispatch(command, data)) {
            Ok(answer) => answer,
            Err(code) => Answer::code(code),
        }
    }

    fn check(&mut self, command: &Command) -> Result<(), u16> {
        let insists = self.personality.insists;
        let code = command.code;
        if insists.transaction_ids {
            self.check_transaction(command)?;
        }
        if !self.personality.lists_operation(code) {
            return Err(response::OPERATION_NOT_SUPPORTED);
        }
        let free =
            code == op::OPEN_SESSION || (code == op::GET_DEVICE_INFO && !insists.session_for_device_info);
        if self.session.is_none() && !free {
            return Err(response::SESSION_NOT_OPEN);
        }
        if insists.parameters {
            let (needed, known) = parameter_counts(code);
            if command.parameters.len() < needed {
                return Err(response::INVALID_PARAMETER);
            }
            if command.parameters.iter().skip(known).any(|value| *value != 0) {
                return Err(response::PARAMETER_NOT_SUPPORTED);
            }
        }
        let session_matter = matches!(code, op::GET_DEVICE_INFO | op::OPEN_SESSION | op::CLOSE_SESSION);
        if self.is_locked && self.personality.locked == Locked::AccessDenied && !session_matter {
            return Err(response::ACCESS_DENIED);
        }
        Ok(())
    }

    fn check_transaction(&mut self, command: &Command) -> Result<(), u16> {
        let expected = match &self.session {
            None => 0,
            Some(_) if command.code == op::OPEN_SESSION => return Ok(()),
            Some(session) => match session.last_transaction.wrapping_add(1) {
                0 | u32::MAX => 1,
                next => next,
            },
        };
        if command.transaction != expected {
            return Err(response::INVALID_TRANSACTION_ID);
        }
        if let Some(session) = &mut self.session {
            session.last_transaction = expected;
        }
        Ok(())
    }

    fn dispatch(&mut self, command: &Command, data: &[u8]) -> Outcome {
        match command.code {
            op::GET_DEVICE_INFO => Ok(self.device_info()),
            op::OPEN_SESSION => self.open_session(command),
            op::CLOSE_SESSION => self.close_session(),
            op::RESET_DEVICE => self.close_session(),
            op::GET_STORAGE_IDS => Ok(self.storage_ids()),
            op::GET_STORAGE_INFO => self.storage_info(command),
            op::GET_NUM_OBJECTS => self.count_objects(command),
            op::GET_OBJECT_HANDLES => self.list_objects(command),
            op::GET_OBJECT_INFO => self.object_info(command),
            op::GET_OBJECT => self.read_object(command),
            op::GET_THUMB => self.object(command.parameter(0)).and(Err(response::NO_THUMBNAIL_PRESENT)),
            op::GET_PARTIAL_OBJECT => self.read_part(command),
            op::GET_PARTIAL_OBJECT_64 => self.read_part_64(command),
            op::DELETE_OBJECT => self.delete_object(command),
            op::SEND_OBJECT_INFO => self.send_object_info(command, data),
            op::SEND_OBJECT => self.send_object(data),
            op::MOVE_OBJECT => self.move_object(command),
            op::COPY_OBJECT => self.copy_object(command),
            op::GET_DEVICE_PROP_DESC => self.device_property_description(command),
            op::GET_DEVICE_PROP_VALUE => self.device_property(command),
            op::SET_DEVICE_PROP_VALUE => self.set_device_property(command, data),
            op::RESET_DEVICE_PROP_VALUE => self.reset_device_property(command),
            op::GET_OBJECT_PROPS_SUPPORTED => Ok(self.supported_properties()),
            op::GET_OBJECT_PROP_DESC => self.property_description(command),
            op::GET_OBJECT_PROP_VALUE => self.property_value(command),
            op::SET_OBJECT_PROP_VALUE => self.set_property(command, data),
            op::GET_OBJECT_PROP_LIST if self.personality.prop_list != PropList::Absent => {
                self.property_list(command)
            }
            op::SET_OBJECT_PROP_LIST => self.set_property_list(data),
            op::SEND_OBJECT_PROP_LIST => self.send_property_list(command, data),
            op::GET_OBJECT_REFERENCES => self.references(command),
            op::SET_OBJECT_REFERENCES => self.set_references(command, data),
            op::SEND_PARTIAL_OBJECT => self.write_part(command, data),
            op::TRUNCATE_OBJECT => self.truncate_object(command),
            op::BEGIN_EDIT_OBJECT => self.begin_edit(command),
            op::END_EDIT_OBJECT => self.end_edit(command),
            _ => Err(response::OPERATION_NOT_SUPPORTED),
        }
    }

    fn open_session(&mut self, command: &Command) -> Outcome {
        if self.session.is_some() {
            return Err(response::SESSION_ALREADY_OPEN);
        }
        if command.parameter(0) == 0 {
            return Err(response::INVALID_PARAMETER);
        }
        self.sessions_opened = self.sessions_opened.wrapping_add(1);
        self.events.clear();
        if self.personality.handles.life == super::personality::HandleLife::Session {
            self.objects.reset(self.personality.handles.first);
        }
        if self.objects.listed_folders().is_empty() {
            // There is nothing to watch yet, so what is there now is not news.
            for slot in &mut self.slots {
                slot.watched_version = slot.storage.borrow().version();
            }
        }
        self.session = Some(Session::default());
        Ok(Answer::ok())
    }

    fn close_session(&mut self) -> Outcome {
        self.abandon_transfer();
        self.session = None;
        self.events.clear();
        Ok(Answer::ok())
    }

    /// The index of the storage with this id.
    pub(super) fn slot_of(&self, storage_id: u32) -> Result<usize, u16> {
        if self.is_locked {
            return Err(self.lock_response());
        }
        self.slots.iter().position(|slot| slot.id == storage_id).ok_or(response::INVALID_STORAGE_ID)
    }

    /// The object with this handle.
    pub(super) fn object(&self, handle: u32) -> Result<&Object, u16> {
        if self.is_locked && self.personality.locked == Locked::StoreNotAvailable {
            return Err(response::STORE_NOT_AVAILABLE);
        }
        self.objects.get(handle).ok_or(response::INVALID_OBJECT_HANDLE)
    }

    /// The storage index and path of the file with this handle.
    pub(super) fn file(&self, handle: u32) -> Result<(usize, String), u16> {
        let object = self.object(handle)?;
        if object.is_folder {
            return Err(response::INVALID_OBJECT_HANDLE);
        }
        Ok((object.slot, self.path(handle)?))
    }

    pub(super) fn path(&self, handle: u32) -> Result<String, u16> {
        self.objects.path(handle).ok_or(response::INVALID_OBJECT_HANDLE)
    }

    /// Size and dates as the phone tells them of this object.
    pub(super) fn attributes(&self, handle: u32) -> Result<Seen, u16> {
        let object = self.object(handle)?;
        if self.personality.attributes == Attributes::CachedAtFirstListing {
            return Ok(object.first_seen());
        }
        let slot = self.slots.get(object.slot).ok_or(response::INVALID_STORAGE_ID)?;
        let entry = slot.entry(&self.path(handle)?).map_err(|_| self.personality.vanished)?;
        Ok(Seen::from(&entry))
    }

    /// The session's open state; every operation that asks was checked to have one.
    pub(super) fn session(&mut self) -> Result<&mut Session, u16> {
        self.session.as_mut().ok_or(response::SESSION_NOT_OPEN)
    }

    /// The storage index and folder handle (0 at root level) that a command means by storage and parent.
    pub(super) fn destination(&self, storage_id: u32, parent: u32) -> Result<(usize, u32), u16> {
        let at_root = parent == wildcard::NO_PARENT || parent == wildcard::ROOT_PARENT;
        if at_root {
            let first = self.slots.first().ok_or(response::STORE_NOT_AVAILABLE)?.id;
            let unspecified = storage_id == 0 || storage_id == wildcard::ALL;
            return Ok((self.slot_of(if unspecified { first } else { storage_id })?, 0));
        }
        let folder = self.object(parent)?;
        if !folder.is_folder {
            return Err(response::INVALID_PARENT_OBJECT);
        }
        if storage_id != 0 && storage_id != wildcard::ALL && self.slot_of(storage_id)? != folder.slot {
            return Err(response::INVALID_STORAGE_ID);
        }
        Ok((folder.slot, parent))
    }
}
