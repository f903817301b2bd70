//! ObjectInfo: what a responder says of one object, and what an initiator says of one it is about to send
//! (MTP 1.1 section 5.3).
//!
//! Names and dates are kept exactly as given; nothing is concluded from them here.

use std::fmt;

use super::code::{format, wildcard};
use super::dataset::{DatasetError, Reader, Writer};

/// The ObjectInfo dataset (1008 GetObjectInfo, 100C SendObjectInfo).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct ObjectInfo {
    /// The storage.
    pub storage: u32,
    /// The object format.
    pub format: u16,
    /// 0 = none, 1 = read only.
    pub protection: u16,
    /// The size in bytes; FFFFFFFF for 4 GiB and more, unless the device sends it in 64 bits.
    pub size_bytes: u64,
    /// The folder's handle; 0 at root level.
    pub parent: u32,
    /// 1 for a folder.
    pub association_type: u16,
    /// The file name.
    pub name: String,
    /// The date of creation as the device writes it; empty if it has none.
    pub created: String,
    /// The date of the last change as the device writes it; empty if it has none.
    pub modified: String,
}

impl fmt::Debug for ObjectInfo {
    // File names are often people's names.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ObjectInfo")
            .field("storage", &format_args!("{:08X}", self.storage))
            .field("format", &format_args!("{:04X}", self.format))
            .field("size_bytes", &self.size_bytes)
            .field("parent", &self.parent)
            .field("modified", &self.modified)
            .finish_non_exhaustive()
    }
}

/// The width of ObjectCompressedSize.
#[derive(Clone, Copy, PartialEq, Eq)]
enum SizeWidth {
    /// The standard's 32 bits.
    Narrow,
    /// 64 bits, as a few Samsung phones send.
    Wide,
}

impl ObjectInfo {
    /// Reads the dataset in its standard form, or with a 64-bit size if only that makes sense of the bytes. The
    /// strings after the file name may be missing; bytes after the dataset are ignored.
    ///
    /// # Errors
    /// When the bytes are neither form.
    pub fn decode(bytes: &[u8]) -> Result<Self, DatasetError> {
        let narrow = Self::decode_as(bytes, SizeWidth::Narrow);
        // A dataset with the wide size, read narrowly, has its sequence number (nearly always 0) for the name's
        // length; the exact end settles the rest.
        if let Ok((info, 0)) = &narrow
            && !info.name.is_empty()
        {
            return narrow.map(|(info, _)| info);
        }
        match Self::decode_as(bytes, SizeWidth::Wide) {
            Ok((info, 0)) if !info.name.is_empty() => Ok(info),
            _ => narrow.map(|(info, _)| info),
        }
    }

    /// Reads one form; also tells how many bytes were left over.
    fn decode_as(bytes: &[u8], width: SizeWidth) -> Result<(Self, usize), DatasetError> {
        let mut reader = Reader::new(bytes);
        let storage = reader.u32("StorageID")?;
        let format = reader.u16("ObjectFormat")?;
        let protection = reader.u16("ProtectionStatus")?;
        let size_bytes = match width {
            SizeWidth::Narrow => u64::from(reader.u32("ObjectCompressedSize")?),
            SizeWidth::Wide => reader.u64("ObjectCompressedSize")?,
        };
        reader.take(26, "thumbnail and image fields")?;
        let parent = reader.u32("ParentObject")?;
        let association_type = reader.u16("AssociationType")?;
        reader.take(8, "AssociationDesc and SequenceNumber")?;
        let info = Self {
            storage,
            format,
            protection,
            size_bytes,
            parent,
            association_type,
            name: reader.string("Filename")?,
            created: reader.optional_string("DateCreated")?,
            modified: reader.optional_string("DateModified")?,
        };
        reader.optional_string("Keywords")?;
        Ok((info, reader.remaining()))
    }

    /// The dataset's bytes, with zero for what an initiator does not know.
    ///
    /// # Errors
    /// When a string is too long.
    pub fn encode(&self) -> Result<Vec<u8>, DatasetError> {
        let mut writer = Writer::default();
        writer.u32(self.storage);
        writer.u16(self.format);
        writer.u16(self.protection);
        writer.u32(u32::try_from(self.size_bytes).unwrap_or(u32::MAX));
        writer.raw(&[0; 26]);
        writer.u32(self.parent);
        writer.u16(self.association_type);
        writer.raw(&[0; 8]);
        writer.string(&self.name)?;
        writer.string(&self.created)?;
        writer.string(&self.modified)?;
        writer.string("")?;
        Ok(writer.finish())
    }

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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sample() -> ObjectInfo {
        ObjectInfo {
            storage: 0x0001_0001,
            format: format::UNDEFINED,
            protection: 0,
            size_bytes: 50,
            parent: 7,
            association_type: 0,
            name: "anna-example.vcf".to_owned(),
            created: String::new(),
            modified: "20260102T030405".to_owned(),
        }
    }

    /// The same dataset with a 64-bit size.
    fn widened(bytes: &[u8]) -> Vec<u8> {
        [&bytes[..12], &[0; 4], &bytes[12..]].concat()
    }

    #[test]
    fn both_widths_are_read() {
        let bytes = sample().encode().unwrap();
        assert_eq!(bytes.len(), 52 + (1 + 17 * 2) + 1 + (1 + 16 * 2) + 1);
        assert_eq!(ObjectInfo::decode(&bytes).unwrap(), sample());
        assert_eq!(ObjectInfo::decode(&widened(&bytes)).unwrap(), sample());
    }

    #[test]
    fn missing_last_strings_and_trailing_bytes_are_tolerated() {
        let mut bytes = sample().encode().unwrap();
        bytes.pop();
        assert_eq!(ObjectInfo::decode(&bytes).unwrap(), sample());
        bytes.extend_from_slice(&[0, 0, 0]);
        assert_eq!(ObjectInfo::decode(&bytes).unwrap(), sample());
        assert!(ObjectInfo::decode(&bytes[..60]).is_err(), "cut inside the name");
        assert!(ObjectInfo::decode(&bytes[..52]).is_err(), "no name at all");
    }

    #[test]
    fn debug_output_has_no_name() {
        assert!(!format!("{:?}", sample()).contains("anna"));
    }

    proptest! {
        #[test]
        fn object_info_round_trips(
            storage: u32, format: u16, protection: u16, size: u32, parent: u32, association_type: u16,
            name in "[^\u{0}]{1,60}", created in "[0-9T.Z]{0,20}", modified in "[0-9T.Z]{0,20}",
        ) {
            let info = ObjectInfo {
                storage, format, protection, size_bytes: u64::from(size), parent, association_type, name, created,
                modified,
            };
            let bytes = info.encode().unwrap();
            prop_assert_eq!(&ObjectInfo::decode(&bytes).unwrap(), &info);
            prop_assert_eq!(&ObjectInfo::decode(&widened(&bytes)).unwrap(), &info);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = ObjectInfo::decode(&bytes);
        }
    }
}
