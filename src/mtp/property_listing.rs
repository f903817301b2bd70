//! Objects out of an ObjectPropList, and what makes such a list unfit to be believed.
//!
//! Many responders get this dataset wrong: they announce another number of elements than they send, describe one
//! object only, leave out properties or give them other types. Pure functions; nothing here may ask the device.

use std::cell::LazyCell;
use std::collections::{HashMap, HashSet};

use thiserror::Error;

use super::code::property;
use super::dataset::DatasetError;
use super::dataset_property::{PropertyElement, PropertyList};
use super::folder::Object;
use super::operations::Parent;

/// Why a property list is not believed.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum ListDefect {
    /// The bytes are no such dataset.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
    /// A property comes twice for one object.
    #[error("property {0:04X} comes twice for one object")]
    Twice(u16),
    /// A property has another data type than the standard says.
    #[error("property {property:04X} has data type {data_type:04X}")]
    DataType {
        /// The property.
        property: u16,
        /// Its type in the list.
        data_type: u16,
    },
    /// A property that every object must have is missing.
    #[error("property {0:04X} is missing")]
    Missing(u16),
    /// An object is said to lie elsewhere.
    #[error("an object lies in another folder")]
    Parent,
    /// Other objects are described than GetObjectHandles gave: a defect, or a change between the two requests.
    #[error("the objects are not those of the handle list")]
    OtherObjects,
}

/// What a list says of one object.
pub(super) struct Described {
    pub(super) handle: u32,
    storage: Option<u32>,
    format: Option<u16>,
    protection: Option<u16>,
    size_bytes: Option<u64>,
    parent: Option<u32>,
    pub(super) name: Option<String>,
    modified: Option<String>,
}

/// Fills a field once.
fn set<T>(field: &mut Option<T>, value: Option<T>, element: &PropertyElement<'_>) -> Result<(), ListDefect> {
    let property = element.property;
    if value.is_none() {
        return Err(ListDefect::DataType { property, data_type: element.data_type });
    }
    if field.is_some() {
        return Err(ListDefect::Twice(property));
    }
    *field = value;
    Ok(())
}

impl Described {
    const fn new(handle: u32) -> Self {
        Self {
            handle,
            storage: None,
            format: None,
            protection: None,
            size_bytes: None,
            parent: None,
            name: None,
            modified: None,
        }
    }

    fn take(&mut self, element: &PropertyElement<'_>) -> Result<(), ListDefect> {
        match element.property {
            property::STORAGE_ID => set(&mut self.storage, element.number_u32(), element),
            property::OBJECT_FORMAT => set(&mut self.format, element.number_u16(), element),
            property::PROTECTION_STATUS => set(&mut self.protection, element.number_u16(), element),
            // UINT64 by the standard; at least one responder sends UINT32.
            property::OBJECT_SIZE => set(&mut self.size_bytes, element.size(), element),
            property::PARENT_OBJECT => set(&mut self.parent, element.number_u32(), element),
            property::OBJECT_FILE_NAME => set(&mut self.name, element.text(), element),
            property::DATE_MODIFIED => set(&mut self.modified, element.text(), element),
            _ => Ok(()),
        }
    }

    /// True if the list says that the object lies in another storage than `storage`.
    pub(super) fn is_in_other_storage(&self, storage: u32) -> bool {
        self.storage.is_some_and(|own| own != storage)
    }

    /// True if the list says in which storage the object lies.
    pub(super) const fn says_storage(&self) -> bool {
        self.storage.is_some()
    }

    /// The object, if everything that an object must have is there; `storage` stands in for a missing StorageID.
    ///
    /// # Errors
    /// [`ListDefect::Missing`].
    pub(super) fn into_object(self, storage: u32) -> Result<Object, ListDefect> {
        let name = self.name.filter(|name| !name.is_empty());
        Ok(Object {
            handle: self.handle,
            parent: self.parent.ok_or(ListDefect::Missing(property::PARENT_OBJECT))?,
            storage: self.storage.unwrap_or(storage),
            format: self.format.ok_or(ListDefect::Missing(property::OBJECT_FORMAT))?,
            protection: self.protection.unwrap_or(0),
            size_bytes: self.size_bytes.ok_or(ListDefect::Missing(property::OBJECT_SIZE))?,
            name: name.ok_or(ListDefect::Missing(property::OBJECT_FILE_NAME))?,
            modified: self.modified.filter(|text| !text.is_empty()),
        })
    }
}

/// Reads a list into one entry per object, in the list's order.
///
/// # Errors
/// When the dataset is broken, or a property comes twice or with a wrong type.
pub(super) fn read(bytes: &[u8]) -> Result<Vec<Described>, ListDefect> {
    let mut described: Vec<Described> = Vec::new();
    // Responders number objects as they find them: as long as the handles grow, none has come before, and the index
    // stays empty.
    let mut places: HashMap<u32, usize> = HashMap::new();
    for element in PropertyList::new(bytes)? {
        let element = element?;
        // Nearly always the elements of one object follow each other.
        if let Some(last) = described.last_mut().filter(|last| last.handle == element.handle) {
            last.take(&element)?;
            continue;
        }
        let grows = described.last().is_none_or(|last| last.handle < element.handle);
        let place = if grows && places.is_empty() {
            described.len()
        } else {
            if places.is_empty() {
                places.extend(described.iter().enumerate().map(|(place, entry)| (entry.handle, place)));
            }
            *places.entry(element.handle).or_insert(described.len())
        };
        if place == described.len() {
            described.push(Described::new(element.handle));
        }
        if let Some(entry) = described.get_mut(place) {
            entry.take(&element)?;
        }
    }
    Ok(described)
}

/// True if an entry is not of this folder by right: the folder's own, which Android adds, or one of another storage.
fn is_aside(entry: &Described, storage: u32, parent: Parent) -> bool {
    parent == Parent::Handle(entry.handle) || entry.is_in_other_storage(storage)
}

/// True if a list describes the objects with `handles` and no others.
pub(super) fn describes_exactly(
    described: &[Described],
    handles: &[u32],
    storage: u32,
    parent: Parent,
) -> bool {
    let own = described.iter().filter(|entry| !is_aside(entry, storage, parent)).map(|entry| entry.handle);
    if own.eq(handles.iter().copied()) {
        return true;
    }
    let known: HashSet<u32> = handles.iter().copied().collect();
    let given: HashSet<u32> = described.iter().map(|entry| entry.handle).collect();
    let has_all = handles.iter().all(|handle| given.contains(handle));
    let has_other =
        described.iter().any(|entry| !known.contains(&entry.handle) && !is_aside(entry, storage, parent));
    has_all && !has_other
}

/// Checks that a list describes exactly the objects with `handles` in `parent`, each of them whole, and gives them in
/// the order of the handles. The folder's own entry, which Android adds, is left out.
///
/// # Errors
/// What is wrong with the list.
pub(super) fn validate(
    described: Vec<Described>,
    handles: &[u32],
    storage: u32,
    parent: Parent,
) -> Result<Vec<Object>, ListDefect> {
    // Made only for a list in another order than the handles.
    let places: LazyCell<HashMap<u32, usize>, _> =
        LazyCell::new(|| handles.iter().enumerate().map(|(place, handle)| (*handle, place)).collect());
    let mut next = 0;
    let mut slots: Vec<Option<Object>> = Vec::with_capacity(handles.len());
    slots.resize_with(handles.len(), || None);
    for entry in described {
        let place = if handles.get(next) == Some(&entry.handle) {
            Some(next)
        } else {
            places.get(&entry.handle).copied()
        };
        next = place.map_or(next, |place| place + 1);
        if place.is_none() && is_aside(&entry, storage, parent) {
            continue;
        }
        let object = entry.into_object(storage)?;
        let is_here = match parent {
            Parent::Handle(folder) => object.parent == folder,
            Parent::Root => object.is_at_root() || !places.contains_key(&object.parent),
        };
        if !is_here {
            return Err(ListDefect::Parent);
        }
        let slot = place.and_then(|place| slots.get_mut(place)).ok_or(ListDefect::OtherObjects)?;
        *slot = Some(object);
    }
    slots.into_iter().map(|slot| slot.ok_or(ListDefect::OtherObjects)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Ok(described) = read(&bytes) {
                let _ = validate(described, &[0, 1], 1, Parent::Root);
            }
        }
    }
}
