//! One object: by name in a folder, or by handle, with as few transactions as the responder allows.
//!
//! "Not there" is said only after a listing that can be believed.

use std::collections::HashSet;

use super::code::wildcard;
use super::error::MtpError;
use super::folder::{DateSource, Object, is_child};
use super::operations::Parent;
use super::property_listing;
use super::session::Session;

/// An object and where its date text is from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectStat {
    /// The object.
    pub object: Object,
    /// Where [`Object::modified`] is from.
    pub date_source: DateSource,
}

impl Session {
    /// The object with this name (same letters, same case) in a folder or at the root level; the first one, if
    /// several have it. One transaction where the property list works and the object is there.
    ///
    /// # Errors
    /// When the session fails, or when the object was not found but some of the folder could not be read.
    pub fn find_child(
        &mut self,
        storage: u32,
        parent: Parent,
        name: &str,
    ) -> Result<Option<Object>, MtpError> {
        let mut described = self.describe_children(parent)?;
        if let Some(entries) = &mut described {
            let is_clear =
                |entry: &property_listing::Described| parent != Parent::Root || entry.says_storage();
            let only_storage = self.storage_count == 1;
            let found = entries.iter().position(|entry| {
                entry.name.as_deref() == Some(name)
                    && parent != Parent::Handle(entry.handle)
                    && !entry.is_in_other_storage(storage)
                    && (only_storage || is_clear(entry))
            });
            if let Some(place) = found {
                let object = entries.remove(place).into_object(storage);
                let is_here = |object: &Object| match parent {
                    Parent::Root => object.is_at_root(),
                    Parent::Handle(folder) => object.parent == folder,
                };
                if let Some(object) = object.ok().filter(is_here) {
                    return Ok(Some(object));
                }
                // The list is no good here, so it may not speak for the absence either.
                described = None;
            }
        }
        let handles = self.handles_in(storage, parent)?;
        if let Some(described) = described
            && let Some(objects) = self.confirm(described, &handles, storage, parent)?
        {
            return Ok(objects.into_iter().find(|object| object.name == name));
        }
        self.find_by_object_info(&handles, parent, name)
    }

    fn find_by_object_info(
        &mut self,
        handles: &[u32],
        parent: Parent,
        name: &str,
    ) -> Result<Option<Object>, MtpError> {
        let known: HashSet<u32> = handles.iter().copied().collect();
        let mut first_refusal = None;
        for handle in handles {
            match self.describe(*handle)? {
                Ok(object) if object.name == name && is_child(&object, parent, &known) => {
                    return Ok(Some(object));
                }
                Ok(_) | Err(MtpError::Gone) => {}
                Err(refusal) => {
                    first_refusal.get_or_insert(refusal);
                }
            }
        }
        first_refusal.map_or(Ok(None), Err)
    }

    /// One object by its handle, in one transaction, with the date from the same source as listings of this device
    /// where that works; the answer tells.
    ///
    /// # Errors
    /// [`MtpError::Gone`] when the object does not exist any more, others when the responder refuses.
    pub fn stat(&mut self, handle: u32) -> Result<ObjectStat, MtpError> {
        if self.tries_property_list() {
            match self.object_property_list(handle, 0, wildcard::ALL, 0, 0) {
                Ok(bytes) => {
                    let mut described = property_listing::read(&bytes).unwrap_or_default().into_iter();
                    if let (Some(entry), None) = (described.next(), described.next())
                        && entry.handle == handle
                        && let Ok(object) = entry.into_object(0)
                    {
                        let date_source = DateSource::DateModifiedProperty;
                        return Ok(ObjectStat { object, date_source });
                    }
                }
                Err(
                    error @ (MtpError::Gone | MtpError::Busy | MtpError::Locked(_) | MtpError::Interrupted),
                ) => {
                    return Err(error);
                }
                Err(error) if self.transport.is_broken() => return Err(error),
                // Depth 0 is refused where depth 1 works, or the list is absent; ObjectInfo always answers.
                Err(_) => {}
            }
        }
        let object = Object::from_info(handle, self.object_info(handle)?);
        Ok(ObjectStat { object, date_source: DateSource::ObjectInfo })
    }
}
