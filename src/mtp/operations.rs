//! The operations that a session offers, one method each (MTP 1.1 appendices D and E).
//!
//! A method sends what it says and checks what comes back; it draws no conclusions across operations.

use super::code::{data_type, format, operation, property, wildcard};
use super::dataset::Reader;
use super::dataset_device::StorageInfo;
use super::dataset_object::ObjectInfo;
use super::dataset_property::PropertyValue;
use super::error::{LockedSign, MtpError};
use super::session::Session;
use super::transport::DataPhase;

/// So many objects of one folder are taken in.
pub const OBJECTS_MAX: usize = 1_000_000;

/// Where an object lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parent {
    /// At the root level of its storage.
    Root,
    /// In the folder with this handle.
    Handle(u32),
}

impl Parent {
    /// The parent parameter of SendObjectInfo and GetObjectHandles.
    pub(super) const fn parameter(self) -> u32 {
        match self {
            Self::Root => wildcard::ROOT_PARENT,
            Self::Handle(handle) => handle,
        }
    }
}

/// What SendObjectInfo announces.
#[derive(Clone, Copy)]
pub struct NewObject<'a> {
    /// The file name; 1 to 254 UTF-16 units.
    pub name: &'a str,
    /// The object format.
    pub format: u16,
    /// The size in bytes.
    pub size_bytes: u64,
    /// The date of the last change as `YYYYMMDDThhmmss`, or empty; most responders ignore it.
    pub modified: &'a str,
}

impl Session {
    /// The ids of the storages that hold a medium (1004 GetStorageIDs).
    ///
    /// # Errors
    /// [`MtpError::Locked`] when there are none: a locked phone shows no storages.
    pub fn storage_ids(&mut self) -> Result<Vec<u32>, MtpError> {
        let bytes = self.call_for_data(operation::GET_STORAGE_IDS, &[])?;
        let mut ids = Reader::new(&bytes).array_u32("StorageIDs")?;
        // The low half is 0 for a slot without a medium (MTP 1.1 section 5.2.1).
        ids.retain(|id| id & 0xFFFF != 0);
        self.storage_count = ids.len();
        if ids.is_empty() { Err(MtpError::Locked(LockedSign::NoStorages)) } else { Ok(ids) }
    }

    /// What the responder says of a storage (1005 GetStorageInfo).
    ///
    /// # Errors
    /// When the responder refuses or answers nonsense.
    pub fn storage_info(&mut self, storage: u32) -> Result<StorageInfo, MtpError> {
        let bytes = self.call_for_data(operation::GET_STORAGE_INFO, &[storage])?;
        Ok(StorageInfo::decode(&bytes)?)
    }

    /// The handles below a parent (1007 GetObjectHandles), each once, exactly as the responder gives them: what it
    /// gives for the root level is not always the root level, see [`Session::list_folder`]. The storage must be a
    /// real one: some responders hang after a folder's listing over all storages.
    ///
    /// # Errors
    /// When the responder refuses, or the list is cut.
    pub fn object_handles(&mut self, storage: u32, parent: Parent) -> Result<Vec<u32>, MtpError> {
        self.handles_below(storage, parent.parameter())
    }

    pub(super) fn handles_below(&mut self, storage: u32, parent: u32) -> Result<Vec<u32>, MtpError> {
        let parameters = [storage, wildcard::ANY_FORMAT, parent];
        let bytes = self.call_for_data(operation::GET_OBJECT_HANDLES, &parameters)?;
        let mut reader = Reader::new(&bytes);
        let mut handles = reader.array_u32("ObjectHandles")?;
        reader.end()?;
        // Each may cost a transaction of its own: a list without end must not become a session without end.
        if handles.len() > OBJECTS_MAX {
            return Err(MtpError::TooManyObjects(handles.len()));
        }
        if !handles.is_sorted_by(|left, right| left < right) {
            let mut seen = std::collections::HashSet::with_capacity(handles.len());
            handles.retain(|handle| seen.insert(*handle));
        }
        Ok(handles)
    }

    /// What the responder says of an object (1008 GetObjectInfo).
    ///
    /// # Errors
    /// [`MtpError::Gone`] when the object does not exist any more, others when the responder refuses.
    pub fn object_info(&mut self, handle: u32) -> Result<ObjectInfo, MtpError> {
        let bytes = self.call_for_data(operation::GET_OBJECT_INFO, &[handle])?;
        Ok(ObjectInfo::decode(&bytes)?)
    }

    /// An object's bytes (1009 GetObject), which must be `expected_bytes` long. The session stays usable when they
    /// are not.
    ///
    /// # Errors
    /// [`MtpError::LengthMismatch`] when more or fewer bytes came, others when the responder refuses.
    pub fn get_object(&mut self, handle: u32, expected_bytes: u64) -> Result<Vec<u8>, MtpError> {
        let keep_bytes = usize::try_from(expected_bytes).unwrap_or(usize::MAX);
        let reply = self.call(operation::GET_OBJECT, &[handle], DataPhase::In(keep_bytes))?;
        let received_bytes = reply.payload.total_bytes;
        let is_cut = !reply.payload.is_complete && received_bytes > 0;
        if received_bytes != expected_bytes || is_cut {
            return Err(MtpError::LengthMismatch { expected_bytes, received_bytes });
        }
        Ok(reply.payload.bytes)
    }

    /// Announces a new object (100C SendObjectInfo) and returns its handle. A file's bytes must follow at once with
    /// [`Self::send_object`]; a folder is complete.
    ///
    /// An object with this name must not exist: responders overwrite it, double it or refuse, each in its own way.
    ///
    /// # Errors
    /// When the name is too long or the responder refuses.
    pub fn send_object_info(
        &mut self,
        storage: u32,
        parent: Parent,
        new: &NewObject<'_>,
    ) -> Result<u32, MtpError> {
        let info = ObjectInfo {
            storage,
            format: new.format,
            size_bytes: new.size_bytes,
            parent: match parent {
                Parent::Root => wildcard::NO_PARENT,
                Parent::Handle(handle) => handle,
            },
            association_type: u16::from(new.format == format::ASSOCIATION),
            name: new.name.to_owned(),
            modified: new.modified.to_owned(),
            ..ObjectInfo::default()
        };
        let dataset = info.encode()?;
        let parameters = [storage, parent.parameter()];
        let reply = self.call(operation::SEND_OBJECT_INFO, &parameters, DataPhase::Out(&dataset))?;
        let handle = reply.parameters.get(2).copied().unwrap_or(0);
        if handle == 0 || handle == u32::MAX {
            return Err(MtpError::Protocol("SendObjectInfo gave no handle".to_owned()));
        }
        Ok(handle)
    }

    /// Sends the bytes of the object announced last (100D SendObject).
    ///
    /// # Errors
    /// When the responder refuses; the announced object may then exist, empty or in part.
    pub fn send_object(&mut self, bytes: &[u8]) -> Result<(), MtpError> {
        self.call(operation::SEND_OBJECT, &[], DataPhase::Out(bytes)).map(|_| ())
    }

    /// Creates a file: [`Self::send_object_info`] with `format`, then [`Self::send_object`]. Returns its handle.
    ///
    /// # Errors
    /// As the two; after an error an object of this name may exist, empty or in part.
    pub fn create_file(
        &mut self,
        storage: u32,
        parent: Parent,
        name: &str,
        format: u16,
        bytes: &[u8],
    ) -> Result<u32, MtpError> {
        let new = NewObject { name, format, size_bytes: bytes.len() as u64, modified: "" };
        let handle = self.send_object_info(storage, parent, &new)?;
        self.send_object(bytes)?;
        Ok(handle)
    }

    /// Creates a folder and returns its handle.
    ///
    /// # Errors
    /// When the name is too long or the responder refuses.
    pub fn create_folder(&mut self, storage: u32, parent: Parent, name: &str) -> Result<u32, MtpError> {
        let new = NewObject { name, format: format::ASSOCIATION, size_bytes: 0, modified: "" };
        self.send_object_info(storage, parent, &new)
    }

    /// Deletes an object (100B DeleteObject); a folder goes with everything in it. The two handles that mean "all"
    /// are refused without asking the responder ([`MtpError::AccessDenied`]).
    ///
    /// # Errors
    /// [`MtpError::Gone`] when it does not exist any more, others when the responder refuses.
    pub fn delete_object(&mut self, handle: u32) -> Result<(), MtpError> {
        // QEMU and its kin take 0FFFFFFF for "all".
        if handle == 0 || handle == wildcard::ALL || handle == 0x0FFF_FFFF {
            return Err(MtpError::AccessDenied(operation::DELETE_OBJECT));
        }
        self.call(operation::DELETE_OBJECT, &[handle, wildcard::ANY_FORMAT], DataPhase::None).map(|_| ())
    }

    /// Reads a property of an object (9803 GetObjectPropValue), whose data type the caller knows.
    ///
    /// # Errors
    /// When the responder refuses, or the value is not of that type.
    pub fn object_property(
        &mut self,
        handle: u32,
        property: u16,
        data_type: u16,
    ) -> Result<PropertyValue, MtpError> {
        let parameters = [handle, u32::from(property)];
        let bytes = self.call_for_data(operation::GET_OBJECT_PROP_VALUE, &parameters)?;
        Ok(PropertyValue::decode(data_type, &bytes)?)
    }

    /// Writes a property of an object (9804 SetObjectPropValue). At least one responder answers OK without having
    /// done it: read it back.
    ///
    /// # Errors
    /// When the value is too long or the responder refuses.
    pub fn set_object_property(
        &mut self,
        handle: u32,
        property: u16,
        value: &PropertyValue,
    ) -> Result<(), MtpError> {
        let bytes = value.encode()?;
        let parameters = [handle, u32::from(property)];
        self.call(operation::SET_OBJECT_PROP_VALUE, &parameters, DataPhase::Out(&bytes)).map(|_| ())
    }

    /// Renames an object by writing its ObjectFileName. Nothing of the new name may exist, and the name must be
    /// read back with [`Session::stat`], as for [`Self::set_object_property`].
    ///
    /// # Errors
    /// [`MtpError::NotSupported`] when the responder cannot rename, others when it refuses.
    pub fn rename(&mut self, handle: u32, name: &str) -> Result<(), MtpError> {
        if !self.supports(operation::SET_OBJECT_PROP_VALUE) {
            return Err(MtpError::NotSupported(operation::SET_OBJECT_PROP_VALUE));
        }
        self.set_object_property(handle, property::OBJECT_FILE_NAME, &PropertyValue::Text(name.to_owned()))
    }

    /// Reads a device property that is a string (1015 GetDevicePropValue), for example DeviceFriendlyName.
    ///
    /// # Errors
    /// When the responder refuses, or the value is no string.
    pub fn device_property_text(&mut self, device_property: u16) -> Result<String, MtpError> {
        let bytes = self.call_for_data(operation::GET_DEVICE_PROP_VALUE, &[u32::from(device_property)])?;
        match PropertyValue::decode(data_type::STR, &bytes)? {
            PropertyValue::Text(text) => Ok(text),
            _ => Err(MtpError::Protocol("a device property is no string".to_owned())),
        }
    }

    /// Properties of objects (9805 GetObjectPropList) as the dataset's bytes, for [`super::PropertyList`]. The
    /// parameters are the operation's own: handle 0 with depth 1 is the root level of all storages, property
    /// FFFFFFFF is all of them. Whether depth 1 also gives the object itself differs from responder to responder.
    ///
    /// # Errors
    /// When the responder refuses.
    pub fn object_property_list(
        &mut self,
        handle: u32,
        format: u16,
        property: u32,
        group: u32,
        depth: u32,
    ) -> Result<Vec<u8>, MtpError> {
        let parameters = [handle, u32::from(format), property, group, depth];
        self.call_for_data(operation::GET_OBJECT_PROP_LIST, &parameters)
    }
}
