//! DeviceInfo and StorageInfo: what a responder says of itself and of its storages (MTP 1.1 sections 5.1 and 5.2).
//!
//! Read only; nothing is concluded here from what they say.

use super::dataset::{DatasetError, Reader};

/// What a responder says of itself (GetDeviceInfo, 1001).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeviceInfo {
    /// The PTP version times 100.
    pub standard_version: u16,
    /// 6 for Microsoft, that is MTP.
    pub vendor_extension_id: u32,
    /// The extension's version times 100.
    pub vendor_extension_version: u16,
    /// The extensions, as `name: version; name: version;`.
    pub vendor_extension_text: String,
    /// 0 is the standard mode.
    pub functional_mode: u16,
    /// The operation codes; a responder may still answer 2005 to some of them.
    pub operations: Vec<u16>,
    /// The event codes.
    pub events: Vec<u16>,
    /// The device property codes.
    pub device_properties: Vec<u16>,
    /// The formats that the device makes.
    pub capture_formats: Vec<u16>,
    /// The formats that the device takes.
    pub playback_formats: Vec<u16>,
    /// The maker.
    pub manufacturer: String,
    /// The model.
    pub model: String,
    /// The version of the device's software.
    pub device_version: String,
    /// The serial number; not always the one of the USB descriptor.
    pub serial: String,
}

impl DeviceInfo {
    /// Reads the dataset. The strings at its end may be missing (some players leave them out); bytes after it are
    /// ignored, because later versions of the standard may append fields.
    ///
    /// # Errors
    /// When the bytes end before the lists do, or inside a string.
    pub fn decode(bytes: &[u8]) -> Result<Self, DatasetError> {
        let mut reader = Reader::new(bytes);
        Ok(Self {
            standard_version: reader.u16("StandardVersion")?,
            vendor_extension_id: reader.u32("VendorExtensionID")?,
            vendor_extension_version: reader.u16("VendorExtensionVersion")?,
            vendor_extension_text: reader.string("VendorExtensionDesc")?,
            functional_mode: reader.u16("FunctionalMode")?,
            operations: reader.array_u16("OperationsSupported")?,
            events: reader.array_u16("EventsSupported")?,
            device_properties: reader.array_u16("DevicePropertiesSupported")?,
            capture_formats: reader.array_u16("CaptureFormats")?,
            playback_formats: reader.array_u16("PlaybackFormats")?,
            manufacturer: reader.optional_string("Manufacturer")?,
            model: reader.optional_string("Model")?,
            device_version: reader.optional_string("DeviceVersion")?,
            serial: reader.optional_string("SerialNumber")?,
        })
    }

    /// True if the extension string names `extension`, for example `microsoft.com/DeviceServices`.
    #[must_use]
    pub fn has_extension(&self, extension: &str) -> bool {
        self.vendor_extension_text
            .split(';')
            .filter_map(|entry| entry.split(':').next())
            .any(|name| name.trim().eq_ignore_ascii_case(extension))
    }
}

/// What a responder says of one storage (GetStorageInfo, 1005).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StorageInfo {
    /// 1 fixed ROM, 2 removable ROM, 3 fixed RAM, 4 removable RAM.
    pub storage_type: u16,
    /// 2 is a tree of folders.
    pub filesystem_type: u16,
    /// 0 read and write, 1 read only, 2 read and delete.
    pub access: u16,
    /// The size in bytes.
    pub capacity_bytes: u64,
    /// The free space in bytes.
    pub free_bytes: u64,
    /// The free space in objects; often a constant.
    pub free_objects: u32,
    /// The storage's name for people.
    pub description: String,
    /// The volume's label or id; may be empty.
    pub volume: String,
}

impl StorageInfo {
    /// Reads the dataset; the two strings may be missing, bytes after it are ignored.
    ///
    /// # Errors
    /// When the bytes end before the numbers do, or inside a string.
    pub fn decode(bytes: &[u8]) -> Result<Self, DatasetError> {
        let mut reader = Reader::new(bytes);
        Ok(Self {
            storage_type: reader.u16("StorageType")?,
            filesystem_type: reader.u16("FilesystemType")?,
            access: reader.u16("AccessCapability")?,
            capacity_bytes: reader.u64("MaxCapacity")?,
            free_bytes: reader.u64("FreeSpaceInBytes")?,
            free_objects: reader.u32("FreeSpaceInObjects")?,
            description: reader.optional_string("StorageDescription")?,
            volume: reader.optional_string("VolumeIdentifier")?,
        })
    }

    /// True if objects can be written.
    #[must_use]
    pub const fn is_writable(&self) -> bool {
        self.access == 0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mtp::scripted;

    #[test]
    fn device_info_is_read() {
        let bytes = scripted::device_info(&[0x1001, 0x9805]);
        let info = DeviceInfo::decode(&bytes).unwrap();
        assert_eq!(info.vendor_extension_id, 6);
        assert_eq!(info.operations, [0x1001, 0x9805]);
        assert_eq!(info.model, "Model");
        assert_eq!(info.serial, "SERIAL1");
        assert!(info.has_extension("android.com"));
        assert!(info.has_extension("Microsoft.com"));
        assert!(!info.has_extension("microsoft.com/DeviceServices"));
    }

    #[test]
    fn device_info_without_its_last_strings_is_read() {
        let bytes = scripted::device_info(&[0x1001]);
        // The serial is 1 + 8 units of two bytes at the end.
        let info = DeviceInfo::decode(&bytes[..bytes.len() - 17]).unwrap();
        assert_eq!(info.serial, "");
        assert!(DeviceInfo::decode(&bytes[..bytes.len() - 1]).is_err());
        assert!(DeviceInfo::decode(&bytes[..20]).is_err());
    }

    #[test]
    fn storage_info_is_read() {
        let info = StorageInfo::decode(&scripted::storage_info()).unwrap();
        assert_eq!(info.storage_type, 3);
        assert_eq!(info.capacity_bytes, 1 << 33);
        assert_eq!(info.free_bytes, 1 << 32);
        assert_eq!(info.description, "Internal storage");
        assert_eq!(info.volume, "VOL1");
        assert!(info.is_writable());
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = DeviceInfo::decode(&bytes);
            let _ = StorageInfo::decode(&bytes);
        }

        #[test]
        fn a_cut_device_info_is_read_without_panic(cut in 0usize..200) {
            let bytes = scripted::device_info(&[0x1001, 0x1002]);
            let _ = DeviceInfo::decode(&bytes[..cut.min(bytes.len())]);
        }
    }
}
