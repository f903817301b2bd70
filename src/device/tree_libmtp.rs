//! A phone's tree over the system's libmtp: the second way in, for players and old phones that it humours.
//!
//! libmtp, as libmtp-rs 0.7.7 gives it, cannot be taken at its word: a failed listing comes back empty and a cut one
//! short, a read that broke off and a file that could not be sent come back as done, sizes it could not learn are 0,
//! and what it once saw of an object it tells for the rest of the session. So every answer is judged here by other
//! evidence: its error stack, the storages asked for anew, a second listing, and lengths. This file must not call
//! libmtp (that is `tree_libmtp_real`) nor know contacts.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::tree::{
    DeviceIdentity, FolderListing, ObjectEntry, ObjectKind, ObjectReference, ObjectTree, Place, Storage,
    StorageLabels, TreeCapabilities, TreeError, TreeStatistics, is_plain_name,
};
use super::tree_libmtp_device::{LibmtpDevice, RawContent, RawError, RawObject, RawStorage};
use super::tree_libmtp_real::{OpenFault, RealDevice, usb_id_at};
use crate::mtp::code::response;
use crate::provider::Completeness;

/// How often a folder is listed until two listings in a row agree.
const LISTINGS_MAX: usize = 4;

/// Where the kernel lists the devices of the USB.
const USB_DEVICES: &str = "/sys/bus/usb/devices";

/// The phrase with which libmtp says that a device cannot rename, which has no response code.
const NO_RENAMING_PHRASES: [&str; 3] =
    ["could not get property description", "property is not settable", "support any known way"];

/// A phone behind libmtp.
///
/// What cannot be had from it: an object that the phone refuses to describe is left out by libmtp without a word, every
/// time, and so lacks in a listing that counts as whole; and a file that changes on the phone during a session may be
/// told as it was first seen (its date always, its size where libmtp reads property lists). Dates are computed with
/// this computer's time zone: where that changes, every card is read anew.
pub struct LibmtpTree {
    /// `None` once the conversation has ended.
    device: Option<Box<dyn LibmtpDevice>>,
    identity: DeviceIdentity,
    can_rename: bool,
    /// The objects that were seen in or put into each folder and were not removed from it, by handle.
    seen: BTreeMap<(u32, u32), BTreeSet<u32>>,
    /// The objects that were removed in this session.
    removed: BTreeSet<u32>,
    statistics: TreeStatistics,
}

impl std::fmt::Debug for LibmtpTree {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "LibmtpTree({} {})", self.identity.manufacturer, self.identity.model)
    }
}

/// One listing of a folder and the error that libmtp left behind meanwhile.
#[derive(Clone, PartialEq, Eq)]
struct Look {
    objects: Vec<RawObject>,
    error: Option<RawError>,
}

/// What two listings in a row say.
#[derive(Clone, PartialEq, Eq)]
enum Verdict {
    /// They agree, and nothing went wrong.
    Whole,
    /// They may lack objects, or tell wrong sizes.
    Doubtful(String),
    /// There was no listing.
    Failed(TreeError),
    /// They do not agree; list again.
    Again(String),
}

/// Sorts an error of libmtp's by what the person should do, as `MtpTree` does.
fn sort(error: &RawError) -> TreeError {
    let text = error.text.clone();
    if error.is_full {
        return TreeError::Refused(String::from("the phone's storage is full; free some space on it"));
    }
    let Some(code) = error.code else { return TreeError::Refused(format!("the phone refused: {text}")) };
    match code {
        response::INVALID_OBJECT_HANDLE => TreeError::NotFound(String::from("the object")),
        response::OPERATION_NOT_SUPPORTED | response::OBJECT_PROP_NOT_SUPPORTED => {
            TreeError::NotSupported(text)
        }
        response::INVALID_STORAGE_ID | response::STORE_NOT_AVAILABLE => TreeError::Locked(String::from(
            "the phone is locked or not in file transfer mode; unlock it and choose \"File transfer\"",
        )),
        response::DEVICE_BUSY => TreeError::Busy(String::from("the phone is busy; try again in a minute")),
        response::STORE_FULL => {
            TreeError::Refused(String::from("the phone's storage is full; free some space on it"))
        }
        // Below MTP, in libmtp's own numbers: the cable went, or the two sides are out of step.
        0x02F9..=0x02FD | 0x02FF | response::SESSION_NOT_OPEN | response::INVALID_TRANSACTION_ID => {
            TreeError::Disconnected(format!("the phone stopped answering; plug it in again (libmtp: {text})"))
        }
        // Among them 02FE: libmtp waited for data and got a response. It keeps to itself which one.
        _ => TreeError::Refused(format!("the phone refused: {text}")),
    }
}

/// What is made of two listings in a row. An empty listing that left an error behind is no listing.
fn judge(before: &Look, now: &Look) -> Verdict {
    if let Some(error) = &now.error {
        let sorted = sort(error);
        if now.objects.is_empty() || sorted.is_fatal() {
            return Verdict::Failed(sorted);
        }
    }
    if before.objects != now.objects {
        return Verdict::Again(String::from("two listings in a row differ"));
    }
    match (&before.error, &now.error) {
        (None, None) => Verdict::Whole,
        (_, Some(error)) => Verdict::Doubtful(format!("while it was listed, libmtp said: {}", error.text)),
        (Some(error), None) => Verdict::Again(error.text.clone()),
    }
}

/// Leaves out what lies deeper: some devices list everything below when asked for the root.
pub(super) fn direct_children(objects: Vec<RawObject>) -> Vec<RawObject> {
    let handles: BTreeSet<u32> = objects.iter().map(|object| object.handle).collect();
    let is_deeper = |object: &RawObject| object.parent != object.handle && handles.contains(&object.parent);
    objects.into_iter().filter(|object| !is_deeper(object)).collect()
}

/// Judges a read by its length: a size is stale where two reads in a row agree on a longer one.
fn judge_content(size_bytes: u64, first: &RawContent, second: Option<&RawContent>) -> Result<(), TreeError> {
    let length = size_of(&first.bytes);
    let is_same_again = second.is_some_and(|second| second.bytes == first.bytes && !second.is_over_limit);
    if first.is_over_limit {
        Err(TreeError::Unreadable(String::from("it has more bytes than are taken of one file")))
    } else if length == size_bytes || length > size_bytes && is_same_again {
        Ok(())
    } else {
        Err(TreeError::Unreadable(format!("{length} bytes came instead of {size_bytes}")))
    }
}

/// The moment as RFC 3339 text; `None` where libmtp has none.
fn date_text(modified_s: i64) -> Option<Box<str>> {
    let moment = jiff::Timestamp::from_second(modified_s).ok().filter(|_| modified_s > 0)?;
    Some(moment.to_string().into_boxed_str())
}

fn entry_of(storage: u32, object: RawObject) -> ObjectEntry {
    let kind = if object.is_folder { ObjectKind::Folder } else { ObjectKind::File };
    ObjectEntry {
        kind,
        size_bytes: if object.is_folder { 0 } else { object.size_bytes },
        modified: date_text(object.modified_s),
        object: ObjectReference(Place::Handle { storage, handle: object.handle }),
        name: object.name,
    }
}

/// Names for the storages, distinct and without slashes.
fn labelled(raw: Vec<RawStorage>) -> Vec<Storage> {
    let mut labels = StorageLabels::default();
    let mut storages = Vec::new();
    for storage in raw {
        let label = labels.next(&storage.description, &storage.volume);
        let root = ObjectReference(Place::Handle { storage: storage.id, handle: 0 });
        storages.push(Storage { label, root, writable: !storage.is_rom });
    }
    storages
}

fn place_of(object: &ObjectReference) -> Result<(u32, u32), TreeError> {
    match object.0 {
        Place::Handle { storage, handle } => Ok((storage, handle)),
        Place::Path(_) => Err(TreeError::Protocol("a reference of another kind of tree".to_owned())),
    }
}

fn object_of(object: &ObjectReference) -> Result<(u32, u32), TreeError> {
    match place_of(object)? {
        (_, 0) => Err(TreeError::Refused("the root of a storage is no object".to_owned())),
        place => Ok(place),
    }
}

fn size_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

fn folder_handle(handle: u32) -> Option<u32> {
    Some(handle).filter(|handle| *handle != 0)
}

impl LibmtpTree {
    /// Opens the phone at a USB bus and address with libmtp, without libmtp's own listing of everything on it.
    ///
    /// What libmtp does not tell, [`DeviceIdentity`] lacks: the vendor extension and most operations; see
    /// [`LibmtpTree::with_identity`].
    ///
    /// # Errors
    /// [`TreeError::Disconnected`] if libmtp sees no phone there, [`TreeError::Busy`] if it cannot open it: libmtp
    /// does not say why, and mostly another program holds it.
    pub fn open(bus: u8, address: u8) -> Result<Self, TreeError> {
        let device = RealDevice::open(bus, address).map_err(|fault| match fault {
            OpenFault::Absent => TreeError::Disconnected(format!(
                "libmtp sees no phone at USB bus {bus} address {address}; plug it in again, unlock it and choose \
                 \"File transfer\""
            )),
            OpenFault::NotOpened => TreeError::Busy(format!(
                "libmtp could not open the phone at USB bus {bus} address {address}; close the program that holds it, \
                 or unplug the phone and plug it in again"
            )),
        })?;
        let usb_id = usb_id_at(Path::new(USB_DEVICES), bus, address).unwrap_or_default();
        Self::over(Box::new(device), usb_id)
    }

    /// The tree over an open device.
    pub(super) fn over(mut device: Box<dyn LibmtpDevice>, usb_id: (u16, u16)) -> Result<Self, TreeError> {
        let raw = device.identity();
        device.take_error();
        let can_rename = match device.lists_file_name() {
            Ok(listed) => listed,
            Err(error) => match sort(&error) {
                fatal if fatal.is_fatal() => return Err(fatal),
                _ => false,
            },
        };
        let identity = DeviceIdentity {
            is_directory: false,
            usb_id,
            manufacturer: raw.manufacturer,
            model: raw.model,
            serial: raw.serial,
            vendor_extension: String::new(),
            formats: raw.formats,
            operations: raw.operations,
        };
        let statistics = TreeStatistics { requests: 1, ..TreeStatistics::default() };
        Ok(Self {
            device: Some(device),
            identity,
            can_rename,
            seen: BTreeMap::new(),
            removed: BTreeSet::new(),
            statistics,
        })
    }

    /// The same tree with an identity that was learned otherwise, such as from DeviceInfo over `rusb` before.
    #[must_use]
    pub fn with_identity(mut self, identity: DeviceIdentity) -> Self {
        self.identity = identity;
        self
    }

    fn device(&mut self) -> Result<&mut dyn LibmtpDevice, TreeError> {
        match self.device.as_deref_mut() {
            Some(device) => {
                self.statistics.requests += 1;
                Ok(device)
            }
            None => Err(TreeError::Disconnected(String::from("the session with the phone has ended"))),
        }
    }

    /// The storages as they are now. This is also how it is found out whether the phone is still there and unlocked.
    fn ask_storages(&mut self) -> Result<Vec<RawStorage>, TreeError> {
        let device = self.device()?;
        device.take_error();
        let error = match device.storages() {
            Ok(storages) if !storages.is_empty() => return Ok(storages),
            Ok(_) => RawError::unexplained(),
            Err(error) => error,
        };
        if error.code.is_some() {
            let sorted = sort(&error);
            return Err(if sorted.is_fatal() { sorted } else { TreeError::Protocol(error.text) });
        }
        // Without a storage and without a phone libmtp fails alike. A phone that answers something is there.
        Err(match device.lists_file_name() {
            Err(second) if matches!(sort(&second), TreeError::Disconnected(_)) || second.code.is_none() => {
                TreeError::Disconnected(String::from(
                    "the phone is gone, or does not answer any more; plug it in again",
                ))
            }
            _ => TreeError::Locked(String::from(
                "the phone shows no storage; unlock it and choose \"File transfer\"",
            )),
        })
    }

    /// The reason for a failure: libmtp's own if it has a code, otherwise what the phone's storages tell.
    fn reason(&mut self, error: &RawError) -> TreeError {
        let sorted = sort(error);
        if sorted.is_fatal() {
            return sorted;
        }
        match self.ask_storages() {
            Err(fatal) => fatal,
            Ok(_) => sorted,
        }
    }

    /// Lists a folder once, and makes sure that the phone was there all the time.
    fn look(&mut self, storage: u32, folder: u32) -> Result<Look, TreeError> {
        let device = self.device()?;
        device.take_error();
        let answer = device.list(storage, folder_handle(folder));
        let error = device.take_error();
        let is_there = self.ask_storages()?.iter().any(|present| present.id == storage);
        if !is_there {
            return Err(TreeError::Locked(String::from(
                "the storage is not there any more; unlock the phone, or put its card back",
            )));
        }
        let objects = direct_children(answer.map_err(|error| sort(&error))?);
        self.statistics.requests += u64::try_from(objects.len()).unwrap_or(u64::MAX);
        Ok(Look { objects, error })
    }

    /// Why objects that were seen before and are not listed now may be there all the same; `None` if they are gone.
    fn doubt_about_missing(
        &mut self,
        storage: u32,
        folder: u32,
        objects: &[RawObject],
    ) -> Result<Option<String>, TreeError> {
        let listed: BTreeSet<u32> = objects.iter().map(|object| object.handle).collect();
        let seen = self.seen.get(&(storage, folder)).cloned().unwrap_or_default();
        for handle in seen.difference(&listed) {
            let device = self.device()?;
            device.take_error();
            let answer = device.format(*handle).map_err(|error| sort(&error));
            match answer {
                Err(fatal) if fatal.is_fatal() => return Err(fatal),
                // Not listed twice, and nothing to be had of it.
                Err(_) => {}
                Ok(_) => return Ok(Some(String::from("the phone has an object that it does not list"))),
            }
        }
        self.seen.insert((storage, folder), listed);
        Ok(None)
    }

    fn list_surely(
        &mut self,
        storage: u32,
        folder: u32,
    ) -> Result<(Vec<RawObject>, Completeness), TreeError> {
        let mut before = self.look(storage, folder)?;
        let mut doubt = String::new();
        for _ in 1..LISTINGS_MAX {
            let now = self.look(storage, folder)?;
            match judge(&before, &now) {
                Verdict::Whole => {
                    let doubt = self.doubt_about_missing(storage, folder, &now.objects)?;
                    return Ok((now.objects, doubt.map_or(Completeness::Complete, Completeness::Incomplete)));
                }
                Verdict::Doubtful(why) => return Ok((now.objects, Completeness::Incomplete(why))),
                Verdict::Failed(error) => return Err(error),
                Verdict::Again(why) => (before, doubt) = (now, why),
            }
        }
        Ok((before.objects, Completeness::Incomplete(doubt)))
    }

    /// One read and libmtp's word on it.
    fn read_once(&mut self, handle: u32, limit_bytes: u64) -> Result<RawContent, TreeError> {
        let device = self.device()?;
        device.take_error();
        let answer = device.read(handle, limit_bytes);
        let error = device.take_error();
        let content = match (answer, error) {
            (Ok(content), None) => content,
            (Ok(content), Some(_)) if content.is_over_limit => content,
            (Ok(_), Some(error)) | (Err(error), _) => return Err(self.reason_for_object(handle, &error)),
        };
        self.statistics.read_bytes += size_of(&content.bytes);
        Ok(content)
    }

    /// The reason for a failure about one object. libmtp mostly keeps the phone's response to itself, so that an
    /// object counts as gone if it was removed here, or if its folder is listed whole without it.
    fn reason_for_object(&mut self, handle: u32, error: &RawError) -> TreeError {
        let sorted = self.reason(error);
        if !matches!(sorted, TreeError::Refused(_)) {
            return sorted;
        }
        let gone = TreeError::NotFound(String::from("the object"));
        if self.removed.contains(&handle) {
            return gone;
        }
        let place = self.seen.iter().find(|(_, handles)| handles.contains(&handle)).map(|(place, _)| *place);
        let Some((storage, folder)) = place else { return sorted };
        match self.list_surely(storage, folder) {
            Ok((objects, Completeness::Complete)) if objects.iter().all(|object| object.handle != handle) => {
                gone
            }
            Err(fatal) if fatal.is_fatal() => fatal,
            _ => sorted,
        }
    }

    /// Whether a file is there as it was sent, although libmtp could not learn about it right afterwards: some
    /// devices know a new file only a moment later.
    fn is_there_as_sent(&mut self, place: (u32, u32), handle: u32, name: &str, size_bytes: u64) -> bool {
        (0..LISTINGS_MAX).any(|_| {
            self.look(place.0, place.1).is_ok_and(|look| {
                look.objects.iter().any(|object| {
                    object.handle == handle && object.name == name && object.size_bytes == size_bytes
                })
            })
        })
    }

    /// Removes what a failed sending may have left. The answer is the sending's error, or a doubt if something may
    /// still be there.
    fn clean_up(&mut self, handle: u32, error: &RawError) -> TreeError {
        let first = self.reason(error);
        if first.is_fatal() || handle == 0 {
            return first;
        }
        let answer = match self.device() {
            Ok(device) => device.delete(handle).map_err(|second| sort(&second)),
            Err(fatal) => return fatal,
        };
        match answer {
            Ok(()) | Err(TreeError::NotFound(_)) => first,
            Err(second) if second.is_fatal() => second,
            Err(second) => {
                TreeError::Protocol(format!("{first}; what was left of it could not be removed: {second}"))
            }
        }
    }

    fn remember(&mut self, storage: u32, folder: u32, handle: u32) -> ObjectReference {
        self.seen.entry((storage, folder)).or_default().insert(handle);
        self.removed.remove(&handle);
        ObjectReference(Place::Handle { storage, handle })
    }
}

impl ObjectTree for LibmtpTree {
    fn identity(&self) -> &DeviceIdentity {
        &self.identity
    }

    fn capabilities(&self) -> TreeCapabilities {
        TreeCapabilities { rename: self.can_rename }
    }

    fn storages(&mut self) -> Result<Vec<Storage>, TreeError> {
        Ok(labelled(self.ask_storages()?))
    }

    fn list(&mut self, folder: &ObjectReference) -> Result<FolderListing, TreeError> {
        let (storage, handle) = place_of(folder)?;
        let (objects, completeness) = self.list_surely(storage, handle)?;
        let entries = objects.into_iter().map(|object| entry_of(storage, object)).collect();
        Ok(FolderListing { entries, completeness })
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
        let (_, handle) = object_of(object)?;
        let first = self.read_once(handle, limit_bytes)?;
        let has_grown = !first.is_over_limit && size_of(&first.bytes) > size_bytes;
        let second = if has_grown { Some(self.read_once(handle, limit_bytes)?) } else { None };
        judge_content(size_bytes, &first, second.as_ref())?;
        Ok(first.bytes)
    }

    fn announce_cards_as(&mut self, format: u16) {
        if let Some(device) = self.device.as_deref_mut() {
            device.announce_cards_as(format);
        }
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
        let (storage, parent) = place_of(folder)?;
        let device = self.device()?;
        device.take_error();
        let answer = device.send(storage, folder_handle(parent), name, bytes);
        let left = device.take_error();
        let sent = answer.map_err(|error| self.reason(&error))?;
        let is_taken = sent.handle != 0 && sent.taken_bytes == bytes.len();
        // An error with a code is the phone's word on the sending; one without is libmtp's on what came after it.
        let is_told = left.as_ref().is_some_and(|error| error.code.is_none());
        let is_done = is_taken
            && (left.is_none()
                || is_told && self.is_there_as_sent((storage, parent), sent.handle, name, size_of(bytes)));
        if !is_done {
            return Err(self.clean_up(sent.handle, &left.unwrap_or_else(RawError::unexplained)));
        }
        self.statistics.written_bytes += size_of(bytes);
        Ok(self.remember(storage, parent, sent.handle))
    }

    fn delete(&mut self, object: &ObjectReference) -> Result<(), TreeError> {
        let (_, handle) = object_of(object)?;
        let device = self.device()?;
        device.take_error();
        let answer = device.delete(handle);
        answer.map_err(|error| self.reason_for_object(handle, &error))?;
        for handles in self.seen.values_mut() {
            handles.remove(&handle);
        }
        self.removed.insert(handle);
        Ok(())
    }

    fn rename(&mut self, object: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError> {
        if !is_plain_name(name) {
            return Err(TreeError::Refused(format!("{name:?} is no file name")));
        }
        if !self.can_rename {
            return Err(TreeError::NotSupported(String::from("renaming")));
        }
        let (_, handle) = object_of(object)?;
        let device = self.device()?;
        device.take_error();
        let Err(error) = device.rename(handle, name) else { return Ok(object.clone()) };
        if NO_RENAMING_PHRASES.iter().any(|phrase| error.text.contains(phrase)) {
            // libmtp says so as well when the phone is gone or does not answer.
            self.ask_storages()?;
            self.can_rename = false;
            return Err(TreeError::NotSupported(String::from("renaming")));
        }
        Err(self.reason_for_object(handle, &error))
    }

    fn make_folder(&mut self, folder: &ObjectReference, name: &str) -> Result<ObjectReference, TreeError> {
        if !is_plain_name(name) {
            return Err(TreeError::Refused(format!("{name:?} is no folder name")));
        }
        let (storage, parent) = place_of(folder)?;
        let device = self.device()?;
        device.take_error();
        let answer = device.make_folder(storage, folder_handle(parent), name);
        let handle = answer.map_err(|error| self.reason(&error))?;
        Ok(self.remember(storage, parent, handle))
    }

    fn stat(&mut self, object: &ObjectReference) -> Result<ObjectEntry, TreeError> {
        let (storage, handle) = object_of(object)?;
        let device = self.device()?;
        device.take_error();
        let described = device.describe(handle);
        let left = device.take_error();
        match (described, left) {
            (Some(object), None) => Ok(entry_of(storage, object)),
            (_, Some(error)) => Err(self.reason_for_object(handle, &error)),
            (None, None) => Err(match self.reason_for_object(handle, &RawError::unexplained()) {
                // A phone that has its storages and refuses to describe the object: no sign that it is gone.
                TreeError::Refused(_) => {
                    TreeError::Unreadable(String::from("the phone does not describe it"))
                }
                other => other,
            }),
        }
    }

    fn statistics(&self) -> TreeStatistics {
        self.statistics
    }

    fn close(&mut self) {
        self.device = None;
    }
}
