//! Reading and writing the little-endian fields that MTP datasets are made of (MTP 1.1 section 3.2).
//!
//! Every read is checked against the bytes that are there, and nothing is allocated by a length that a device
//! announced. Which fields a dataset has is in `dataset_device`, `dataset_object` and `dataset_property`.

use thiserror::Error;

use super::code::data_type;

/// The most UTF-16 units of an MTP string, without its final NUL (one count byte, NUL included).
pub const MAX_STRING_UNITS: usize = 254;

/// Why bytes are not the dataset that they should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DatasetError {
    /// The bytes end inside a field.
    #[error("the dataset ends after {at} bytes, inside {field}")]
    Truncated {
        /// The field's name in the specification.
        field: &'static str,
        /// Where the field begins, in bytes.
        at: usize,
    },
    /// Bytes follow where the dataset should end.
    #[error("{0} bytes follow the dataset's end")]
    Trailing(usize),
    /// A data type that this room does not know, so that its value has no known length.
    #[error("data type {0:04X} is unknown")]
    DataType(u16),
    /// A string of more than 254 UTF-16 units was to be written.
    #[error("a string of {0} UTF-16 units does not fit")]
    StringTooLong(usize),
}

/// A cursor over a dataset's bytes.
#[derive(Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    /// A cursor at the start of `bytes`.
    #[must_use]
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, position: 0 }
    }

    /// How many bytes are left.
    #[must_use]
    pub const fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.position)
    }

    /// Takes `count` bytes.
    ///
    /// # Errors
    /// When fewer are left.
    pub fn take(&mut self, count: usize, field: &'static str) -> Result<&'a [u8], DatasetError> {
        let end = self.position.checked_add(count);
        let slice = end.and_then(|end| self.bytes.get(self.position..end));
        let Some(slice) = slice else {
            return Err(DatasetError::Truncated { field, at: self.position });
        };
        self.position += count;
        Ok(slice)
    }

    fn fixed<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], DatasetError> {
        let at = self.position;
        self.take(N, field)?.try_into().map_err(|_| DatasetError::Truncated { field, at })
    }

    /// Takes a UINT8.
    ///
    /// # Errors
    /// When no byte is left.
    pub fn u8(&mut self, field: &'static str) -> Result<u8, DatasetError> {
        self.fixed::<1>(field).map(|[byte]| byte)
    }

    /// Takes a UINT16.
    ///
    /// # Errors
    /// When fewer than 2 bytes are left.
    pub fn u16(&mut self, field: &'static str) -> Result<u16, DatasetError> {
        self.fixed(field).map(u16::from_le_bytes)
    }

    /// Takes a UINT32.
    ///
    /// # Errors
    /// When fewer than 4 bytes are left.
    pub fn u32(&mut self, field: &'static str) -> Result<u32, DatasetError> {
        self.fixed(field).map(u32::from_le_bytes)
    }

    /// Takes a UINT64.
    ///
    /// # Errors
    /// When fewer than 8 bytes are left.
    pub fn u64(&mut self, field: &'static str) -> Result<u64, DatasetError> {
        self.fixed(field).map(u64::from_le_bytes)
    }

    /// Takes a UINT128.
    ///
    /// # Errors
    /// When fewer than 16 bytes are left.
    pub fn u128(&mut self, field: &'static str) -> Result<u128, DatasetError> {
        self.fixed(field).map(u128::from_le_bytes)
    }

    /// Takes a string: a byte that counts UTF-16 units with the final NUL, then the units.
    ///
    /// Devices are forgiven a missing final NUL and units after the first NUL (padding, left out). A lone
    /// surrogate becomes U+FFFD.
    ///
    /// # Errors
    /// When the units do not all fit.
    pub fn string(&mut self, field: &'static str) -> Result<String, DatasetError> {
        let count = usize::from(self.u8(field)?);
        let bytes = self.take(count * 2, field)?;
        Ok(decode_utf16(bytes))
    }

    /// Takes a string that old devices leave out at a dataset's end; empty if nothing is left.
    ///
    /// # Errors
    /// When the string begins but does not fit.
    pub fn optional_string(&mut self, field: &'static str) -> Result<String, DatasetError> {
        if self.remaining() == 0 { Ok(String::new()) } else { self.string(field) }
    }

    /// Takes an AUINT16: a u32 count, then the elements.
    ///
    /// # Errors
    /// When the elements do not all fit.
    pub fn array_u16(&mut self, field: &'static str) -> Result<Vec<u16>, DatasetError> {
        let bytes = self.array(2, field)?;
        let (whole, _) = bytes.as_chunks::<2>();
        Ok(whole.iter().map(|element| u16::from_le_bytes(*element)).collect())
    }

    /// Takes an AUINT32: a u32 count, then the elements.
    ///
    /// # Errors
    /// When the elements do not all fit.
    pub fn array_u32(&mut self, field: &'static str) -> Result<Vec<u32>, DatasetError> {
        let bytes = self.array(4, field)?;
        let (whole, _) = bytes.as_chunks::<4>();
        Ok(whole.iter().map(|element| u32::from_le_bytes(*element)).collect())
    }

    /// Takes an array's elements, of `width` bytes each, as they are on the wire.
    ///
    /// # Errors
    /// When the elements do not all fit.
    pub fn array(&mut self, width: usize, field: &'static str) -> Result<&'a [u8], DatasetError> {
        let at = self.position;
        let count = usize::try_from(self.u32(field)?).ok();
        let bytes = count.and_then(|count| count.checked_mul(width));
        self.take(bytes.ok_or(DatasetError::Truncated { field, at })?, field)
    }

    /// Takes a value of `data_type` as its bytes on the wire, without its meaning.
    ///
    /// # Errors
    /// When the type is unknown or the value does not fit.
    pub fn value(&mut self, data_type: u16, field: &'static str) -> Result<&'a [u8], DatasetError> {
        let start = self.position;
        match data_type {
            data_type::STR => {
                let count = usize::from(self.u8(field)?);
                self.take(count * 2, field)?;
            }
            array if array & ARRAY_FLAG != 0 => {
                let width = scalar_bytes(array & !ARRAY_FLAG).ok_or(DatasetError::DataType(array))?;
                self.array(width, field)?;
            }
            scalar => {
                self.take(scalar_bytes(scalar).ok_or(DatasetError::DataType(scalar))?, field)?;
            }
        }
        Ok(self.bytes.get(start..self.position).unwrap_or_default())
    }

    /// Checks that nothing is left.
    ///
    /// # Errors
    /// When bytes are left.
    pub const fn end(&self) -> Result<(), DatasetError> {
        match self.remaining() {
            0 => Ok(()),
            left => Err(DatasetError::Trailing(left)),
        }
    }
}

/// The bit that makes a data type an array of it.
const ARRAY_FLAG: u16 = 0x4000;

/// The width in bytes of a scalar data type.
const fn scalar_bytes(data_type: u16) -> Option<usize> {
    match data_type {
        data_type::INT8 | data_type::UINT8 => Some(1),
        data_type::INT16 | data_type::UINT16 => Some(2),
        data_type::INT32 | data_type::UINT32 => Some(4),
        data_type::INT64 | data_type::UINT64 => Some(8),
        data_type::INT128 | data_type::UINT128 => Some(16),
        _ => None,
    }
}

/// The text in UTF-16LE bytes, up to the first NUL.
pub(super) fn decode_utf16(bytes: &[u8]) -> String {
    let (units, _) = bytes.as_chunks::<2>();
    let end = units.iter().position(|unit| *unit == [0, 0]).unwrap_or(units.len());
    let units = units.get(..end).unwrap_or_default();
    // File names and dates are nearly always ASCII, and a listing has thousands.
    if units.iter().all(|[low, high]| *high == 0 && low.is_ascii())
        && let Ok(text) = String::from_utf8(units.iter().map(|[low, _]| *low).collect())
    {
        return text;
    }
    let units = units.iter().map(|unit| u16::from_le_bytes(*unit));
    char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
}

/// Builds a dataset's bytes.
#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// Appends a UINT8.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Appends a UINT16.
    pub fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a UINT32.
    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends a UINT64.
    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Appends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Appends a string; an empty one is a single zero byte.
    ///
    /// # Errors
    /// When the text has more than [`MAX_STRING_UNITS`] UTF-16 units.
    pub fn string(&mut self, text: &str) -> Result<(), DatasetError> {
        let count = text.encode_utf16().count();
        if count == 0 {
            self.u8(0);
            return Ok(());
        }
        if count > MAX_STRING_UNITS {
            return Err(DatasetError::StringTooLong(count));
        }
        self.u8(u8::try_from(count + 1).map_err(|_| DatasetError::StringTooLong(count))?);
        for unit in text.encode_utf16() {
            self.u16(unit);
        }
        self.u16(0);
        Ok(())
    }

    /// The bytes.
    #[must_use]
    pub fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn string_of(bytes: &[u8]) -> Result<String, DatasetError> {
        Reader::new(bytes).string("text")
    }

    #[test]
    fn strings_and_their_traps() {
        assert_eq!(string_of(&[2, 0x41, 0, 0, 0]).unwrap(), "A");
        assert_eq!(string_of(&[0]).unwrap(), "");
        assert_eq!(string_of(&[1, 0, 0]).unwrap(), "");
        assert_eq!(string_of(&[1, 0x41, 0]).unwrap(), "A", "the final NUL is missing");
        assert_eq!(string_of(&[4, 0x41, 0, 0, 0, 0x42, 0, 0, 0]).unwrap(), "A", "padding after the NUL");
        assert_eq!(string_of(&[2, 0x00, 0xD8, 0, 0]).unwrap(), "\u{FFFD}", "a lone surrogate");
        assert_eq!(string_of(&[3, 0x3D, 0xD8, 0x00, 0xDE, 0, 0]).unwrap(), "\u{1F600}");
        assert_eq!(string_of(&[2, 0x41, 0, 0]), Err(DatasetError::Truncated { field: "text", at: 1 }));
        assert_eq!(string_of(&[]), Err(DatasetError::Truncated { field: "text", at: 0 }));
    }

    #[test]
    fn written_strings_are_the_known_bytes() {
        let mut writer = Writer::default();
        writer.string("A").unwrap();
        writer.string("").unwrap();
        assert_eq!(writer.finish(), [2, 0x41, 0, 0, 0, 0]);
        assert!(Writer::default().string(&"x".repeat(254)).is_ok());
        assert_eq!(Writer::default().string(&"x".repeat(255)), Err(DatasetError::StringTooLong(255)));
    }

    #[test]
    fn an_array_that_announces_too_much_is_refused_without_allocating() {
        assert_eq!(Reader::new(&[2, 0, 0, 0, 7, 0, 8, 0]).array_u16("list").unwrap(), [7, 8]);
        let huge = [0xFF, 0xFF, 0xFF, 0xFF, 1, 2, 3, 4];
        assert!(Reader::new(&huge).array_u32("list").is_err());
        assert!(Reader::new(&huge).value(data_type::AUINT128, "list").is_err());
    }

    #[test]
    fn values_are_measured_by_their_type() {
        let bytes = [2, 0x41, 0, 0, 0, 9];
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.value(data_type::STR, "value").unwrap(), &bytes[..5]);
        assert_eq!(reader.remaining(), 1);
        assert_eq!(reader.end(), Err(DatasetError::Trailing(1)));
        assert_eq!(reader.value(0x1234, "value"), Err(DatasetError::DataType(0x1234)));
        assert_eq!(reader.value(0x4000, "value"), Err(DatasetError::DataType(0x4000)));
    }

    proptest! {
        #[test]
        fn strings_round_trip(text in "[^\u{0}]{0,120}") {
            let mut writer = Writer::default();
            writer.string(&text).unwrap();
            let bytes = writer.finish();
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.string("text").unwrap(), text);
            prop_assert!(reader.end().is_ok());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..80), data_type: u16) {
            let _ = Reader::new(&bytes).string("text");
            let _ = Reader::new(&bytes).array_u16("list");
            let _ = Reader::new(&bytes).array_u32("list");
            let mut reader = Reader::new(&bytes);
            if let Ok(value) = reader.value(data_type, "value") {
                prop_assert_eq!(value.len() + reader.remaining(), bytes.len());
            }
        }
    }
}
