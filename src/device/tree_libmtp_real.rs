//! libmtp behind the trait that the tree asks.
//!
//! It calls only what cannot stop the program: not `RawDevice::device_entry`, which follows a null pointer for a
//! device that is not in libmtp's table; not `Storage::access_capability`, which panics at a value it does not know;
//! `File::ftype` and `supported_filetypes` only where libmtp's own list of types ends where libmtp-rs' does. Names
//! come from libmtp's own conversion of UTF-16, which yields UTF-8 or, where that fails, ASCII with question marks,
//! and never a null pointer, so that `File::name` cannot panic. It must not judge an answer.

use std::fs;
use std::path::Path;

use libmtp_rs::device::capabilities::DeviceCapability;
use libmtp_rs::device::raw::detect_raw_devices;
use libmtp_rs::device::{MtpDevice, StorageSort};
use libmtp_rs::error::{Error, MtpErrorKind};
use libmtp_rs::internals::{DebugLevel, set_debug};
use libmtp_rs::object::Object as _;
use libmtp_rs::object::filetypes::Filetype;
use libmtp_rs::object::properties::Property;
use libmtp_rs::storage::files::{File, FileMetadata};
use libmtp_rs::storage::{Parent, Storage, StorageType};
use libmtp_rs::util::HandlerReturn;

use super::tree_libmtp_device::{
    LibmtpDevice, RawContent, RawError, RawIdentity, RawObject, RawSent, RawStorage,
};
use super::tree_libmtp_quiet::Quiet;
use crate::mtp::code::format;

/// How libmtp describes the type that libmtp-rs has last. If a newer libmtp has put types before it, a type that
/// libmtp-rs does not know could come, at which it panics.
const LAST_TYPE_WORDS: &str = "Undefined filetype";

/// The parent by which the root is meant (MTP SendObjectInfo). libmtp-rs would send 0, which players take for
/// whatever folder they like.
const ROOT_PARENT: u32 = 0xFFFF_FFFF;

/// Why a device could not be opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum OpenFault {
    /// libmtp sees no such device.
    Absent,
    /// libmtp sees it and cannot open it, and does not say why.
    NotOpened,
}

/// A device that libmtp has open.
pub(super) struct RealDevice {
    device: MtpDevice,
    are_types_known: bool,
    /// The object format that cards are announced with.
    card_format: u16,
    /// Stands behind the device, so that it is dropped after it: libmtp prints while it closes, too.
    closing: Option<Quiet>,
}

/// The USB id of the device at a bus and address, from the kernel's list at `devices`.
pub(super) fn usb_id_at(devices: &Path, bus: u8, address: u8) -> Option<(u16, u16)> {
    let text = |folder: &Path, name: &str| fs::read_to_string(folder.join(name)).ok();
    let number =
        |folder: &Path, name: &str| text(folder, name).and_then(|text| text.trim().parse::<u8>().ok());
    let code = |folder: &Path, name: &str| {
        text(folder, name).and_then(|text| u16::from_str_radix(text.trim(), 16).ok())
    };
    fs::read_dir(devices).ok()?.flatten().map(|entry| entry.path()).find_map(|folder| {
        let is_it = number(&folder, "busnum") == Some(bus) && number(&folder, "devnum") == Some(address);
        if is_it { Some((code(&folder, "idVendor")?, code(&folder, "idProduct")?)) } else { None }
    })
}

fn raw_error(error: Error) -> RawError {
    match error {
        Error::MtpError { kind, text } => {
            RawError { is_full: matches!(kind, MtpErrorKind::StorageFull), ..RawError::from_words(&text) }
        }
        Error::Utf8Error { .. } => RawError::from_words("a text that is not UTF-8"),
        Error::Unknown => RawError::unexplained(),
    }
}

/// The format code of one of libmtp's types, as far as a profile may ask for it.
fn format_of(file_type: &Filetype) -> Option<u16> {
    match file_type {
        Filetype::Folder => Some(format::ASSOCIATION),
        Filetype::VCard2 => Some(format::VCARD2),
        Filetype::VCard3 => Some(format::VCARD3),
        Filetype::Text => Some(format::TEXT),
        _ => None,
    }
}

/// Operations that follow from a capability (libmtp asks DeviceInfo for just these).
fn operations_of(device: &MtpDevice) -> Vec<u16> {
    let table: [(DeviceCapability, &[u16]); 4] = [
        (DeviceCapability::SendPartialObject, &[0x95C2]),
        (DeviceCapability::EditObjects, &[0x95C3, 0x95C4, 0x95C5]),
        (DeviceCapability::MoveObject, &[0x1019]),
        (DeviceCapability::CopyObject, &[0x101A]),
    ];
    let mut operations: Vec<u16> = table
        .into_iter()
        .filter(|(capability, _)| device.check_capability(capability.clone()))
        .flat_map(|(_, operations)| operations.iter().copied())
        .collect();
    operations.sort_unstable();
    operations
}

impl RealDevice {
    /// Opens the device at a bus and address, without libmtp's own listing of everything.
    pub(super) fn open(bus: u8, address: u8) -> Result<Self, OpenFault> {
        let _quiet = Quiet::begin();
        set_debug(DebugLevel::NONE);
        let devices = detect_raw_devices().map_err(|_| OpenFault::Absent)?;
        let raw = devices
            .iter()
            .find(|raw| raw.bus_number() == u32::from(bus) && raw.dev_number() == address)
            .ok_or(OpenFault::Absent)?;
        let device = raw.open_uncached().ok_or(OpenFault::NotOpened)?;
        let are_types_known = Filetype::Unknown.to_string() == LAST_TYPE_WORDS;
        let mut opened = Self { device, are_types_known, card_format: format::UNDEFINED, closing: None };
        if opened.identity().formats.contains(&format::VCARD3) {
            opened.card_format = format::VCARD3;
        }
        Ok(opened)
    }

    fn is_folder(&self, file: &File<'_>) -> bool {
        if self.are_types_known {
            return matches!(file.ftype(), Filetype::Folder);
        }
        self.device.dummy_object(file.id()).get_u16(Property::ObjectFormat).ok() == Some(format::ASSOCIATION)
    }

    fn object(&self, file: &File<'_>) -> RawObject {
        RawObject {
            handle: file.id(),
            parent: match file.parent_id() {
                Parent::Root => 0,
                Parent::Folder(handle) => handle,
            },
            storage: file.storage_id(),
            name: file.name().to_owned(),
            is_folder: self.is_folder(file),
            size_bytes: file.size(),
            modified_s: file.modification_date().timestamp(),
        }
    }

    /// The type with which a card is announced: a player that lists vCards may insist on it.
    fn type_for(&self, name: &str) -> Filetype {
        let is_card = self.are_types_known && name.to_lowercase().ends_with(".vcf");
        match self.card_format {
            format::VCARD2 if is_card => Filetype::VCard2,
            format::VCARD3 if is_card => Filetype::VCard3,
            _ => Filetype::Unknown,
        }
    }
}

fn parent_of(folder: Option<u32>) -> Parent {
    folder.map_or(Parent::Root, Parent::Folder)
}

fn storage_of(storage: &Storage<'_>) -> RawStorage {
    RawStorage {
        id: storage.id(),
        description: storage.description().unwrap_or_default().to_owned(),
        volume: storage.volume_identifier().unwrap_or_default().to_owned(),
        is_rom: matches!(storage.storage_type(), StorageType::FixedRom | StorageType::RemovableRom),
    }
}

/// Copies the next bytes of `content` after `position` into `chunk`, and tells how many.
fn next_chunk(content: &[u8], position: usize, chunk: &mut [u8]) -> usize {
    let rest = content.get(position..).unwrap_or_default();
    let count = rest.len().min(chunk.len());
    for (to, from) in chunk.iter_mut().zip(rest) {
        *to = *from;
    }
    count
}

impl LibmtpDevice for RealDevice {
    fn identity(&self) -> RawIdentity {
        let _quiet = Quiet::begin();
        let types = if self.are_types_known {
            self.device.supported_filetypes().unwrap_or_default()
        } else {
            Vec::new()
        };
        RawIdentity {
            manufacturer: self.device.manufacturer_name().unwrap_or_default(),
            model: self.device.model_name().unwrap_or_default(),
            serial: self.device.serial_number().unwrap_or_default(),
            formats: types.iter().filter_map(format_of).collect(),
            operations: operations_of(&self.device),
        }
    }

    fn take_error(&mut self) -> Option<RawError> {
        let _quiet = Quiet::begin();
        // libmtp refuses handle 0 without asking the phone and without an error of its own, and libmtp-rs then gives
        // the last entry of the stack, and empties it.
        match self.device.search_file(0_u32) {
            Err(Error::Unknown) | Ok(_) => None,
            Err(error) => Some(raw_error(error)),
        }
    }

    fn storages(&mut self) -> Result<Vec<RawStorage>, RawError> {
        let _quiet = Quiet::begin();
        self.device.update_storage(StorageSort::NotSorted).map_err(raw_error)?;
        let pool = self.device.storage_pool();
        Ok(pool.iter().map(|(_, storage)| storage_of(storage)).collect())
    }

    fn lists_file_name(&mut self) -> Result<bool, RawError> {
        let _quiet = Quiet::begin();
        self.device.is_property_supported(Property::ObjectFileName, Filetype::Unknown).map_err(raw_error)
    }

    fn list(&mut self, storage: u32, folder: Option<u32>) -> Result<Vec<RawObject>, RawError> {
        let _quiet = Quiet::begin();
        let pool = self.device.storage_pool();
        let storage = pool.by_id(storage).ok_or_else(RawError::unexplained)?;
        let files = storage.files_and_folders(parent_of(folder));
        Ok(files.iter().map(|file| self.object(file)).collect())
    }

    fn describe(&mut self, handle: u32) -> Option<RawObject> {
        let _quiet = Quiet::begin();
        self.device.search_file(handle).ok().map(|file| self.object(&file))
    }

    fn format(&mut self, handle: u32) -> Result<u16, RawError> {
        let _quiet = Quiet::begin();
        self.device.dummy_object(handle).get_u16(Property::ObjectFormat).map_err(raw_error)
    }

    fn read(&mut self, handle: u32, limit_bytes: u64) -> Result<RawContent, RawError> {
        let _quiet = Quiet::begin();
        let limit = usize::try_from(limit_bytes).unwrap_or(usize::MAX);
        let mut bytes = Vec::new();
        let mut is_over_limit = false;
        let answer = self.device.storage_pool().get_file_to_handler(handle, |chunk| {
            if chunk.len() > limit.saturating_sub(bytes.len()) {
                is_over_limit = true;
                return HandlerReturn::Error;
            }
            bytes.extend_from_slice(chunk);
            u32::try_from(chunk.len()).map_or(HandlerReturn::Error, HandlerReturn::Ok)
        });
        match answer {
            Err(error) if !is_over_limit => Err(raw_error(error)),
            _ => Ok(RawContent { bytes, is_over_limit }),
        }
    }

    fn announce_cards_as(&mut self, format: u16) {
        self.card_format = format;
    }

    fn send(
        &mut self,
        storage: u32,
        folder: Option<u32>,
        name: &str,
        bytes: &[u8],
    ) -> Result<RawSent, RawError> {
        let _quiet = Quiet::begin();
        let metadata = FileMetadata {
            file_size: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
            file_name: name,
            file_type: self.type_for(name),
            // libmtp sends the time of this computer whatever stands here.
            modification_date: libmtp_rs::chrono::DateTime::default(),
        };
        let parent = Parent::Folder(folder.unwrap_or(ROOT_PARENT));
        let pool = self.device.storage_pool();
        let storage = pool.by_id(storage).ok_or_else(RawError::unexplained)?;
        let mut taken_bytes = 0;
        let handler = |chunk: &mut [u8]| {
            let count = next_chunk(bytes, taken_bytes, chunk);
            taken_bytes += count;
            u32::try_from(count).map_or(HandlerReturn::Error, HandlerReturn::Ok)
        };
        let file = storage.send_file_from_handler(handler, parent, metadata).map_err(raw_error)?;
        Ok(RawSent { handle: file.id(), taken_bytes })
    }

    fn make_folder(&mut self, storage: u32, folder: Option<u32>, name: &str) -> Result<u32, RawError> {
        let _quiet = Quiet::begin();
        let pool = self.device.storage_pool();
        let storage = pool.by_id(storage).ok_or_else(RawError::unexplained)?;
        let made = storage.create_folder(name, parent_of(folder)).map_err(raw_error)?;
        Ok(made.0)
    }

    fn delete(&mut self, handle: u32) -> Result<(), RawError> {
        let _quiet = Quiet::begin();
        self.device.dummy_object(handle).delete().map_err(raw_error)
    }

    fn rename(&mut self, handle: u32, name: &str) -> Result<(), RawError> {
        let _quiet = Quiet::begin();
        let mut file = self.device.search_file(handle).map_err(raw_error)?;
        file.rename(name).map_err(raw_error)
    }
}

impl Drop for RealDevice {
    fn drop(&mut self) {
        self.closing = Some(Quiet::begin());
    }
}
