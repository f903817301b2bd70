//! What a folder holds, by property list where the responder can be believed, by ObjectInfo where not.
//!
//! A listing says whether it is whole; nothing may be taken as deleted from one that is not. This file must not know
//! what the objects are for.

use std::collections::HashSet;
use std::fmt;

use super::code::{format, operation, wildcard};
use super::dataset_object::ObjectInfo;
use super::error::MtpError;
use super::operations::Parent;
use super::property_listing::{self, Described};
use super::session::Session;

/// How a device's folders are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ListingMethod {
    /// Not found out yet: the property list is tried.
    #[default]
    Untried,
    /// GetObjectPropList works: two transactions per folder.
    PropertyList,
    /// GetObjectPropList is absent or wrong: one transaction per object.
    ObjectInfo,
}

impl ListingMethod {
    /// The word for a file or a database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Untried => "untried",
            Self::PropertyList => "property-list",
            Self::ObjectInfo => "object-info",
        }
    }

    /// Reads the word back; an unknown one is [`Self::Untried`], which costs one attempt.
    #[must_use]
    pub fn from_word(word: &str) -> Self {
        match word {
            "property-list" => Self::PropertyList,
            "object-info" => Self::ObjectInfo,
            _ => Self::Untried,
        }
    }
}

/// Where an object's date text was taken from. Texts of different sources must not be compared: a responder may
/// write them differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DateSource {
    /// The property DateModified (DC09) in a property list.
    DateModifiedProperty,
    /// The date of modification in ObjectInfo.
    ObjectInfo,
}

/// An object on the device.
#[derive(Clone, PartialEq, Eq)]
pub struct Object {
    /// The handle; valid in this session only.
    pub handle: u32,
    /// The parent's handle as the device gives it; 0 or FFFFFFFF at root level.
    pub parent: u32,
    /// The storage; 0 if the device does not say and nobody asked for a certain one.
    pub storage: u32,
    /// The object format; a vCard is mostly 3000, so go by the name.
    pub format: u16,
    /// 0 = none, others = read only in some way.
    pub protection: u16,
    /// The size in bytes.
    pub size_bytes: u64,
    /// The file name, exactly as given.
    pub name: String,
    /// The date of modification, exactly as given; compare for equality only.
    pub modified: Option<String>,
}

impl fmt::Debug for Object {
    // File names are often people's names.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Object")
            .field("handle", &self.handle)
            .field("parent", &self.parent)
            .field("format", &format_args!("{:04X}", self.format))
            .field("size_bytes", &self.size_bytes)
            .field("modified", &self.modified)
            .finish_non_exhaustive()
    }
}

impl Object {
    /// True for a folder.
    #[must_use]
    pub const fn is_folder(&self) -> bool {
        self.format == format::ASSOCIATION
    }

    /// True if the parent says "root level".
    #[must_use]
    pub const fn is_at_root(&self) -> bool {
        matches!(self.parent, wildcard::NO_PARENT | wildcard::ROOT_PARENT)
    }

    pub(super) fn from_info(handle: u32, info: ObjectInfo) -> Self {
        Self {
            handle,
            parent: info.parent,
            storage: info.storage,
            format: info.format,
            protection: info.protection,
            size_bytes: info.size_bytes,
            name: info.name,
            modified: Some(info.modified).filter(|text| !text.is_empty()),
        }
    }
}

/// What a folder holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderListing {
    /// The objects directly in the folder, in the device's order. Two may have the same name: some responders keep a
    /// stale handle beside the new one.
    pub objects: Vec<Object>,
    /// How many objects were listed but could not be described, because they vanished under way or the device
    /// refused.
    pub undescribed: usize,
    /// Where the date texts are from.
    pub date_source: DateSource,
}

impl FolderListing {
    /// True if every object of the folder is there; only then does a missing one not exist.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        self.undescribed == 0
    }
}

impl Session {
    /// What lies directly in a folder or at the root level of a storage.
    ///
    /// Two transactions where GetObjectPropList can be believed: it must describe exactly the objects that
    /// GetObjectHandles gave, each with name, size, parent and format. Otherwise one more per object, and
    /// [`Session::listing_method`] remembers it.
    ///
    /// # Errors
    /// [`MtpError::Gone`] when the folder does not exist any more, [`MtpError::Locked`] when the phone is locked,
    /// others when the session fails. A single object that cannot be described is no error, but makes the listing
    /// incomplete.
    pub fn list_folder(&mut self, storage: u32, parent: Parent) -> Result<FolderListing, MtpError> {
        let handles = self.handles_in(storage, parent)?;
        if handles.is_empty() {
            let believed = self.tries_property_list();
            let date_source =
                if believed { DateSource::DateModifiedProperty } else { DateSource::ObjectInfo };
            return Ok(FolderListing { objects: Vec::new(), undescribed: 0, date_source });
        }
        if let Some(described) = self.describe_children(parent)?
            && let Some(objects) = self.confirm(described, &handles, storage, parent)?
        {
            let date_source = DateSource::DateModifiedProperty;
            return Ok(FolderListing { objects, undescribed: 0, date_source });
        }
        self.list_by_object_info(&handles, parent)
    }

    /// The handles in a folder. For the root level, FFFFFFFF is asked first and 0 where that is refused or empty;
    /// some responders then give every object, which [`is_child`] sorts out.
    pub(super) fn handles_in(&mut self, storage: u32, parent: Parent) -> Result<Vec<u32>, MtpError> {
        if parent == Parent::Root && !self.root_parent_is_zero {
            match self.handles_below(storage, wildcard::ROOT_PARENT) {
                Ok(handles) if !handles.is_empty() => return Ok(handles),
                Ok(_) => {}
                Err(MtpError::Response { .. } | MtpError::Gone) => self.root_parent_is_zero = true,
                Err(error) => return Err(error),
            }
        }
        match parent {
            Parent::Root => self.handles_below(storage, wildcard::NO_PARENT),
            Parent::Handle(handle) => self.handles_below(storage, handle),
        }
    }

    /// True if a property list is worth a transaction.
    pub(super) fn tries_property_list(&self) -> bool {
        self.listing_method != ListingMethod::ObjectInfo
            && !self.transport.quirks().no_property_list
            && self.supports(operation::GET_OBJECT_PROP_LIST)
    }

    /// Asks for the property list of a folder's children. `None`: it is absent or broken, and that is remembered for
    /// folders; the root level (handle 0) is a case of its own that says nothing about folders.
    pub(super) fn describe_children(&mut self, parent: Parent) -> Result<Option<Vec<Described>>, MtpError> {
        if !self.tries_property_list() {
            return Ok(None);
        }
        let handle = match parent {
            Parent::Root => 0,
            Parent::Handle(handle) => handle,
        };
        let failure = match self.object_property_list(handle, 0, wildcard::ALL, 0, 1) {
            Ok(bytes) => match property_listing::read(&bytes) {
                Ok(described) => return Ok(Some(described)),
                Err(defect) => MtpError::Protocol(defect.to_string()),
            },
            Err(error) => error,
        };
        let is_broken = self.transport.is_broken();
        match failure {
            MtpError::Disconnected
            | MtpError::Interrupted
            | MtpError::Held(_)
            | MtpError::Refused(_)
            | MtpError::SessionLost
            | MtpError::Locked(_)
            | MtpError::Busy => return Err(failure),
            // The handle may have gone in the meantime; the next request tells.
            MtpError::Gone => {}
            // It hung the phone or broke the stream. The next session must not try again.
            _ if is_broken => {
                self.listing_method = ListingMethod::ObjectInfo;
                return Err(failure);
            }
            _ if parent == Parent::Root => {}
            _ => self.listing_method = ListingMethod::ObjectInfo,
        }
        Ok(None)
    }

    /// Checks a property list against the handles. Where they differ, the folder may have changed between the two
    /// requests, so that the handles are asked once more before the responder is called wrong.
    pub(super) fn confirm(
        &mut self,
        described: Vec<Described>,
        handles: &[u32],
        storage: u32,
        parent: Parent,
    ) -> Result<Option<Vec<Object>>, MtpError> {
        // Without StorageID, the root levels of several storages cannot be told apart.
        let is_ambiguous = parent == Parent::Root
            && self.storage_count != 1
            && described.iter().any(|entry| !entry.says_storage());
        if is_ambiguous {
            return Ok(None);
        }
        let is_same = property_listing::describes_exactly(&described, handles, storage, parent);
        let again = if is_same { None } else { Some(self.handles_in(storage, parent)?) };
        let handles = again.as_deref().unwrap_or(handles);
        let validated = property_listing::validate(described, handles, storage, parent);
        // The root level (handle 0) is a case of its own that says nothing about folders.
        if parent != Parent::Root {
            self.listing_method = match validated {
                Ok(_) => ListingMethod::PropertyList,
                Err(_) => ListingMethod::ObjectInfo,
            };
        }
        Ok(validated.ok())
    }

    fn list_by_object_info(&mut self, handles: &[u32], parent: Parent) -> Result<FolderListing, MtpError> {
        let known: HashSet<u32> = handles.iter().copied().collect();
        let mut objects = Vec::with_capacity(handles.len());
        let mut undescribed = 0;
        let mut first_refusal = None;
        for handle in handles {
            match self.describe(*handle)? {
                Ok(object) => {
                    if is_child(&object, parent, &known) {
                        objects.push(object);
                    }
                }
                Err(refusal) => {
                    undescribed += 1;
                    if refusal != MtpError::Gone {
                        first_refusal.get_or_insert(refusal);
                    }
                }
            }
        }
        match first_refusal {
            // Not one object could be described: that is a device that refuses, not a listing.
            Some(refusal) if undescribed == handles.len() => Err(refusal),
            _ => Ok(FolderListing { objects, undescribed, date_source: DateSource::ObjectInfo }),
        }
    }

    /// One object by ObjectInfo. The inner error concerns this object alone: it vanished, or the device refuses or
    /// misdescribes it.
    pub(super) fn describe(&mut self, handle: u32) -> Result<Result<Object, MtpError>, MtpError> {
        match self.object_info(handle) {
            Ok(info) => Ok(Ok(Object::from_info(handle, info))),
            Err(
                error @ (MtpError::Gone
                | MtpError::Response { .. }
                | MtpError::AccessDenied(_)
                | MtpError::Protocol(_)),
            ) if !self.transport.is_broken() => Ok(Err(error)),
            Err(error) => Err(error),
        }
    }
}

/// True if an object of a handle list lies directly in `parent`, where `known` is the whole list.
///
/// A responder that takes the parent parameter for "everything" lists the ancestors too. So an object whose parent is
/// itself in the list lies deeper. Otherwise the responder is believed to have listed what it was asked for: the
/// ParentObject of the root level is not always 0.
pub(super) fn is_child(object: &Object, parent: Parent, known: &HashSet<u32>) -> bool {
    match parent {
        Parent::Handle(folder) if known.contains(&folder) => object.parent == folder,
        Parent::Handle(folder) if object.parent == folder => true,
        _ => object.is_at_root() || object.parent == object.handle || !known.contains(&object.parent),
    }
}
