//! A phone's tree over an MTP session.
//!
//! It turns handles into references and MTP's errors into those of a tree. It must not know contacts: an object is
//! a name, a size and a date.

use std::rc::Rc;

use super::survey::SurveyedStorage;
use super::tree::{
    DeviceIdentity, FolderListing, ObjectEntry, ObjectKind, ObjectReference, ObjectTree, Place, Storage,
    TreeCapabilities, TreeError, TreeStatistics, is_plain_name,
};
use crate::mtp::code::{data_type, format, operation, property, response};
use crate::mtp::{
    DateSource, Link, ListingMethod, MtpError, NewObject, Object, Parent, PropertyValue, Session,
    SessionOptions,
};
use crate::provider::{Clock, Completeness, Costs};

/// Waits before a file is announced and sent again because the phone was too busy to take its content, in
/// milliseconds. Content alone cannot be repeated: it is tied to its announcement.
const SEND_AGAIN_WAITS_MS: [u64; 3] = [200, 800, 3_200];

/// Waits before an object that was made just now, and that the phone says is not there, is asked for again, in
/// milliseconds. QEMU's responder knows a new file only when its file system has told it, a moment after it has
/// confirmed the file; until then it also gives the next file the same handle.
const APPEARS_WAITS_MS: [u64; 5] = [10, 40, 150, 300, 500];

/// What a transfer has before the object's own bytes: the container's header.
const HEADER_BYTES: usize = 12;

/// A phone behind an MTP session.
pub struct MtpTree {
    pub(super) session: Session,
    /// Whether objects whose transfer is a multiple of 64 bytes must not be sent.
    no_whole_64_bytes: bool,
    /// The object format that cards are announced with, if the device's profile says so.
    card_format: Option<u16>,
    /// The object that was made last, until the phone has shown that it knows it.
    unseen: Option<u32>,
    clock: Rc<dyn Clock>,
    identity: DeviceIdentity,
    /// Where the dates of the last listing are from; a single look must tell the same ones.
    listed_dates: Option<DateSource>,
    /// Whether renaming turned out to be absent although the operation for it is there.
    rename_absent: bool,
    statistics: TreeStatistics,
}

impl std::fmt::Debug for MtpTree {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "MtpTree({} {})", self.identity.manufacturer, self.identity.model)
    }
}

impl From<MtpError> for TreeError {
    fn from(error: MtpError) -> Self {
        let text = error.to_string();
        match error {
            MtpError::Gone => Self::NotFound("the object".to_owned()),
            MtpError::NotSupported(_) => Self::NotSupported(text),
            MtpError::LengthMismatch { .. } => Self::Unreadable(text),
            // Whoever shows this says already that the phone is locked; only the sign of it is left to be told.
            MtpError::Locked(sign) => Self::Locked(sign.words().to_owned()),
            MtpError::Busy | MtpError::Held(_) => Self::Busy(text),
            MtpError::StoreFull
            | MtpError::ReadOnly
            | MtpError::AccessDenied(_)
            | MtpError::Response { .. } => Self::Refused(text),
            MtpError::Protocol(_) => Self::Protocol(text),
            MtpError::Interrupted => Self::Interrupted,
            // The cable went, or the two sides are out of step: nothing more can be asked in this session.
            _ => Self::Disconnected(text),
        }
    }
}

/// The storage and the parent that a reference to a folder stands for.
fn folder_of(folder: &ObjectReference) -> Result<(u32, Parent), TreeError> {
    match folder.0 {
        Place::Handle { storage, handle: 0 } => Ok((storage, Parent::Root)),
        Place::Handle { storage, handle } => Ok((storage, Parent::Handle(handle))),
        Place::Path(_) => Err(TreeError::Protocol("a reference of another kind of tree".to_owned())),
    }
}

fn handle_of(object: &ObjectReference) -> Result<u32, TreeError> {
    match folder_of(object)? {
        (_, Parent::Handle(handle)) => Ok(handle),
        (_, Parent::Root) => Err(TreeError::Refused("the root of a storage is no object".to_owned())),
    }
}

fn storage_of(object: &ObjectReference) -> u32 {
    if let Place::Handle { storage, .. } = object.0 { storage } else { 0 }
}

fn entry_of(storage: u32, object: Object) -> ObjectEntry {
    let kind = if object.is_folder() { ObjectKind::Folder } else { ObjectKind::File };
    ObjectEntry {
        kind,
        size_bytes: if kind == ObjectKind::File { object.size_bytes } else { 0 },
        modified: object.modified.map(String::into_boxed_str),
        object: ObjectReference(Place::Handle { storage, handle: object.handle }),
        name: object.name,
    }
}

/// Whether the answer to a renaming says that this device never renames: the operation is absent, or the file name
/// is no property of an object (MTP A801, A80A) or a read-only one (200D, 200F).
fn is_read_only_name(error: &MtpError) -> bool {
    match error {
        MtpError::NotSupported(_) | MtpError::AccessDenied(_) | MtpError::ReadOnly => true,
        MtpError::Response { code, .. } => {
            matches!(*code, response::INVALID_OBJECT_PROP_CODE | response::OBJECT_PROP_NOT_SUPPORTED)
        }
        _ => false,
    }
}

fn size_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

impl MtpTree {
    /// Opens a session over a link.
    ///
    /// # Errors
    /// When the phone is gone, busy or held, does not answer, or answers nonsense.
    pub fn open(
        link: Box<dyn Link>,
        clock: Rc<dyn Clock>,
        options: &SessionOptions,
    ) -> Result<Self, TreeError> {
        let session = Session::open(link, Rc::clone(&clock), options)?;
        let info = session.device_info();
        let identity = DeviceIdentity {
            is_directory: false,
            usb_id: session.usb_id(),
            manufacturer: info.manufacturer.clone(),
            model: info.model.clone(),
            serial: session.serial(),
            vendor_extension: info.vendor_extension_text.clone(),
            formats: info.playback_formats.clone(),
            operations: info.operations.clone(),
        };
        Ok(Self {
            session,
            no_whole_64_bytes: options.quirks.no_whole_64_bytes,
            card_format: None,
            unseen: None,
            clock,
            identity,
            listed_dates: None,
            rename_absent: false,
            statistics: TreeStatistics::default(),
        })
    }

    /// The listing method that [`ObjectTree::habits`] remembered, for [`SessionOptions::listing_method`].
    #[must_use]
    pub fn listing_method_of(habits: &str) -> ListingMethod {
        ListingMethod::from_word(habits)
    }

    /// The object format that a file is announced with. A device that lists formats for such files may insist on
    /// them; to others every file is 3000 (Undefined). For cards the profile has the first word: a device may list
    /// two, and look for contacts in objects of one.
    fn format_for(&self, name: &str) -> u16 {
        let lower = name.to_lowercase();
        if let Some(chosen) = self.card_format.filter(|_| lower.ends_with(".vcf")) {
            return chosen;
        }
        let candidates: &[u16] = if lower.ends_with(".vcf") {
            &[format::VCARD3, format::VCARD2]
        } else if lower.ends_with(".txt") {
            &[format::TEXT]
        } else {
            &[]
        };
        let listed = candidates.iter().copied().find(|code| self.identity.formats.contains(code));
        listed.unwrap_or(format::UNDEFINED)
    }

    /// Asks about an object, again and again for a second if it was made just now and is said not to be there.
    fn ask<T>(
        &mut self,
        handle: u32,
        mut question: impl FnMut(&mut Session) -> Result<T, MtpError>,
    ) -> Result<T, MtpError> {
        let mut waits_ms = APPEARS_WAITS_MS.into_iter();
        loop {
            let answer = question(&mut self.session);
            let is_missing = matches!(answer, Err(MtpError::Gone));
            match waits_ms.next().filter(|_| is_missing && self.unseen == Some(handle)) {
                Some(wait_ms) => self.clock.sleep_ms(wait_ms),
                None => {
                    self.unseen = self.unseen.filter(|unseen| *unseen != handle);
                    return answer;
                }
            }
        }
    }

    /// Waits until the phone knows what was made last: a listing must show it, and a new folder takes files only then.
    fn settle(&mut self) -> Result<(), TreeError> {
        let Some(handle) = self.unseen else { return Ok(()) };
        match self.ask(handle, |session| session.stat(handle)) {
            Err(error) if error.ends_session() => Err(error.into()),
            // Whether it is there is what the listing tells.
            _ => Ok(()),
        }
    }

    /// The date of one object from the source that the listing used, where a single look used the other one: the
    /// two may be written differently.
    fn date_as_listed(&mut self, handle: u32) -> Result<Option<Box<str>>, TreeError> {
        if self.listed_dates == Some(DateSource::ObjectInfo) {
            let modified = self.session.object_info(handle)?.modified;
            return Ok(Some(modified).filter(|text| !text.is_empty()).map(String::into_boxed_str));
        }
        match self.session.object_property(handle, property::DATE_MODIFIED, data_type::STR) {
            Ok(PropertyValue::Text(text)) if !text.is_empty() => Ok(Some(text.into())),
            Ok(_) => Ok(None),
            Err(error) => match TreeError::from(error) {
                fatal if fatal.is_fatal() => Err(fatal),
                _ => Ok(None),
            },
        }
    }

    /// Removes what a failed transfer may have left. The answer is the transfer's error, or a doubt if something
    /// may still be there.
    fn clean_up(&mut self, handle: u32, error: MtpError) -> TreeError {
        if error.ends_session() {
            return error.into();
        }
        match self.session.delete_object(handle) {
            Ok(()) | Err(MtpError::Gone) => error.into(),
            Err(second) if second.ends_session() => second.into(),
            Err(second) => {
                TreeError::Protocol(format!("{error}; what was left of it could not be removed: {second}"))
            }
        }
    }
}

impl ObjectTree for MtpTree {
    fn identity(&self) -> &DeviceIdentity {
        &self.identity
    }

    fn capabilities(&self) -> TreeCapabilities {
        let is_listed = self.session.supports(operation::SET_OBJECT_PROP_VALUE);
        TreeCapabilities { rename: is_listed && !self.rename_absent }
    }

    fn storages(&mut self) -> Result<Vec<Storage>, TreeError> {
        let surveyed = self.survey_storages()?;
        let storage_of = |storage: SurveyedStorage| Storage {
            label: storage.label,
            root: ObjectReference(Place::Handle { storage: storage.id, handle: 0 }),
            writable: storage.info.is_writable(),
        };
        Ok(surveyed.into_iter().map(storage_of).collect())
    }

    fn list(&mut self, folder: &ObjectReference) -> Result<FolderListing, TreeError> {
        let (storage, parent) = folder_of(folder)?;
        self.settle()?;
        let listing = self.session.list_folder(storage, parent)?;
        if !listing.objects.is_empty() {
            self.listed_dates = Some(listing.date_source);
        }
        let completeness = if listing.is_complete() {
            Completeness::Complete
        } else {
            Completeness::Incomplete(format!("the phone did not describe {} objects", listing.undescribed))
        };
        let entries = listing.objects.into_iter().map(|object| entry_of(storage, object)).collect();
        Ok(FolderListing { entries, completeness })
    }

    fn find(&mut self, folder: &ObjectReference, name: &str) -> Result<Option<ObjectEntry>, TreeError> {
        let (storage, parent) = folder_of(folder)?;
        self.settle()?;
        let found = self.session.find_child(storage, parent, name)?;
        Ok(found.map(|object| entry_of(storage, object)))
    }

    fn read(
        &mut self,
        object: &ObjectReference,
        size_bytes: u64,
        limit_bytes: u64,
    ) -> Result<Vec<u8>, TreeError> {
        if size_bytes > limit_bytes {
            return Err(TreeError::Unreadable(format!("it has {size_bytes} bytes, more than {limit_bytes}")));
        }
        let handle = handle_of(object)?;
        let bytes = match self.ask(handle, |session| session.get_object(handle, size_bytes)) {
            // Some devices list the size that a file had when they last looked. A second transfer that is as long
            // as the first one shows that the file has grown; a shorter one could also have been cut.
            Err(MtpError::LengthMismatch { received_bytes, .. })
                if received_bytes > size_bytes && received_bytes <= limit_bytes =>
            {
                self.session.get_object(handle, received_bytes)?
            }
            answer => answer?,
        };
        self.statistics.read_bytes += size_of(&bytes);
        Ok(bytes)
    }

    fn announce_cards_as(&mut self, format: u16) {
        self.card_format = Some(format);
    }

    fn create(
        &mut self,
        folder: &ObjectReference,
        name: &str,
        bytes: &[u8],
    ) -> Result<ObjectReference, TreeError> {
        if !is_plain_name(name) {
            return Err(TreeError::Refused(format!("{name:?} is no file name")));
        }
        let (storage, parent) = folder_of(folder)?;
        self.settle()?;
        let size_bytes = size_of(bytes);
        if self.no_whole_64_bytes && (bytes.len() + HEADER_BYTES).is_multiple_of(64) {
            return Err(TreeError::Refused(format!("this device cannot take a file of {size_bytes} bytes")));
        }
        let new = NewObject { name, format: self.format_for(name), size_bytes, modified: "" };
        let mut waits_ms = SEND_AGAIN_WAITS_MS.into_iter();
        loop {
            let handle = self.session.send_object_info(storage, parent, &new)?;
            let error = match self.session.send_object(bytes) {
                Ok(()) => {
                    self.statistics.written_bytes += size_bytes;
                    self.unseen = Some(handle);
                    return Ok(ObjectReference(Place::Handle { storage, handle }));
                }
                Err(error) => error,
            };
            let is_busy = error == MtpError::Busy;
            let error = self.clean_up(handle, error);
            match waits_ms.next().filter(|_| is_busy && !error.leaves_doubt()) {
                Some(wait_ms) => self.clock.sleep_ms(wait_ms),
                None => return Err(error),
            }
        }
    }

    fn delete(&mut self, object: &ObjectReference) -> Result<(), TreeError> {
        let handle = handle_of(object)?;
        Ok(self.ask(handle, |session| session.delete_object(handle))?)
    }

    fn rename(&mut self, object: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError> {
        if !is_plain_name(name) {
            return Err(TreeError::Refused(format!("{name:?} is no file name")));
        }
        let handle = handle_of(object)?;
        match self.ask(handle, |session| session.rename(handle, name)) {
            Ok(()) => Ok(object.clone()),
            Err(error) if is_read_only_name(&error) => {
                self.rename_absent = true;
                Err(TreeError::NotSupported(error.to_string()))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn make_folder(&mut self, folder: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError> {
        if !is_plain_name(name) {
            return Err(TreeError::Refused(format!("{name:?} is no folder name")));
        }
        let (storage, parent) = folder_of(folder)?;
        self.settle()?;
        let handle = self.session.create_folder(storage, parent, name)?;
        self.unseen = Some(handle);
        Ok(ObjectReference(Place::Handle { storage, handle }))
    }

    fn stat(&mut self, object: &ObjectReference) -> Result<ObjectEntry, TreeError> {
        let handle = handle_of(object)?;
        let stat = self.ask(handle, |session| session.stat(handle))?;
        let is_as_listed = self.listed_dates.is_none_or(|source| source == stat.date_source);
        let mut entry = entry_of(storage_of(object), stat.object);
        if !is_as_listed {
            entry.modified = self.date_as_listed(handle)?;
        }
        Ok(entry)
    }

    fn statistics(&self) -> TreeStatistics {
        TreeStatistics { requests: self.session.statistics().total().transactions, ..self.statistics }
    }

    fn costs(&self) -> Costs {
        let statistics = self.session.statistics();
        let total = statistics.total();
        Costs {
            transactions: statistics
                .per_operation()
                .map(|(operation, cost)| (operation.to_owned(), cost.transactions))
                .collect(),
            bytes_in: total.bytes_in,
            bytes_out: total.bytes_out,
        }
    }

    fn habits(&self) -> String {
        self.session.listing_method().as_str().to_owned()
    }

    fn close(&mut self) {
        // The conversation is over either way, and everything that counts was acknowledged before.
        let _ = self.session.close();
    }
}
