//! Microsoft's OS descriptors (version 1.0), by which devices without the image class say that they speak MTP.
//!
//! The string descriptor with index EE holds "MSFT100" in UTF-16 and the vendor request that reads the rest; the
//! extended compatible id (index 4) then names "MTP". Pure: bytes in, a verdict out.

/// The string descriptor's index.
pub(super) const STRING_INDEX: u8 = 0xee;
/// The length of the string descriptor, in bytes.
pub(super) const STRING_BYTES: usize = 18;
/// wIndex of the extended compatible id.
pub(super) const COMPATIBLE_ID_INDEX: u16 = 0x0004;
/// The most bytes of it that are read: the 16-byte header and ten sections of 24.
pub(super) const COMPATIBLE_ID_BYTES: usize = 256;

/// The vendor request code that the string descriptor gives; `None` if it is not Microsoft's.
pub(super) fn vendor_code(descriptor: &[u8]) -> Option<u8> {
    let signature: Vec<u8> = "MSFT100".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let is_signed = descriptor.get(1) == Some(&3) && descriptor.get(2..16) == Some(signature.as_slice());
    if is_signed { descriptor.get(16).copied() } else { None }
}

/// Whether an extended compatible id names MTP for any function of the device.
pub(super) fn names_mtp(descriptor: &[u8]) -> bool {
    let is_compatible_id = descriptor.get(6..8) == Some(&[0x04, 0x00]);
    let sections = descriptor.get(16..).unwrap_or_default();
    is_compatible_id && sections.as_chunks::<24>().0.iter().any(|section| section.get(2..6) == Some(b"MTP\0"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compatible_id(id: &[u8; 8]) -> Vec<u8> {
        let mut bytes = vec![40, 0, 0, 0, 0, 1, 4, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        bytes.extend_from_slice(id);
        bytes.resize(40, 0);
        bytes
    }

    #[test]
    fn the_signature_gives_the_vendor_code() {
        let mut bytes = vec![18, 3];
        bytes.extend("MSFT100".encode_utf16().flat_map(u16::to_le_bytes));
        bytes.extend([0x20, 0]);
        assert_eq!(vendor_code(&bytes), Some(0x20));
        bytes[2] = b'X';
        assert_eq!(vendor_code(&bytes), None);
        assert_eq!(vendor_code(&bytes[..5]), None);
        assert_eq!(vendor_code(&[]), None);
    }

    #[test]
    fn the_compatible_id_names_mtp_or_something_else() {
        assert!(names_mtp(&compatible_id(b"MTP\0\0\0\0\0")));
        assert!(!names_mtp(&compatible_id(b"WINUSB\0\0")));
        assert!(!names_mtp(&compatible_id(b"MTP\0\0\0\0\0")[..30]), "cut short");
        assert!(!names_mtp(&[]));
    }
}
