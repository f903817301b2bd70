//! Property values and the ObjectPropList dataset (MTP 1.1 section 5.3, operations 9803 to 9805).
//!
//! The list is walked in place: an element borrows its value, and only what somebody asks for is decoded.

use std::fmt;

use super::code::data_type;
use super::dataset::{DatasetError, Reader, Writer, decode_utf16};

/// One value of a property.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum PropertyValue {
    /// UINT8.
    U8(u8),
    /// UINT16.
    U16(u16),
    /// UINT32.
    U32(u32),
    /// UINT64.
    U64(u64),
    /// UINT128.
    U128(u128),
    /// A string.
    Text(String),
    /// AUINT16, also long text.
    ArrayU16(Vec<u16>),
    /// AUINT32.
    ArrayU32(Vec<u32>),
    /// Any other type, as its bytes on the wire.
    Other {
        /// The data type.
        data_type: u16,
        /// The bytes.
        bytes: Vec<u8>,
    },
}

impl fmt::Debug for PropertyValue {
    // A property may be a person's name or number; its type is enough to find a fault.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PropertyValue({:04X})", self.data_type())
    }
}

impl PropertyValue {
    /// The data type code.
    #[must_use]
    pub const fn data_type(&self) -> u16 {
        match self {
            Self::U8(_) => data_type::UINT8,
            Self::U16(_) => data_type::UINT16,
            Self::U32(_) => data_type::UINT32,
            Self::U64(_) => data_type::UINT64,
            Self::U128(_) => data_type::UINT128,
            Self::Text(_) => data_type::STR,
            Self::ArrayU16(_) => data_type::AUINT16,
            Self::ArrayU32(_) => data_type::AUINT32,
            Self::Other { data_type, .. } => *data_type,
        }
    }

    /// Reads a value of `data_type` that fills `bytes`.
    ///
    /// # Errors
    /// When the type is unknown, or the value is longer or shorter than the bytes.
    pub fn decode(data_type: u16, bytes: &[u8]) -> Result<Self, DatasetError> {
        let mut reader = Reader::new(bytes);
        let value = match data_type {
            data_type::UINT8 => Self::U8(reader.u8("value")?),
            data_type::UINT16 => Self::U16(reader.u16("value")?),
            data_type::UINT32 => Self::U32(reader.u32("value")?),
            data_type::UINT64 => Self::U64(reader.u64("value")?),
            data_type::UINT128 => Self::U128(reader.u128("value")?),
            data_type::STR => Self::Text(reader.string("value")?),
            data_type::AUINT16 => Self::ArrayU16(reader.array_u16("value")?),
            data_type::AUINT32 => Self::ArrayU32(reader.array_u32("value")?),
            other => Self::Other { data_type: other, bytes: reader.value(other, "value")?.to_vec() },
        };
        reader.end()?;
        Ok(value)
    }

    /// The value's bytes on the wire.
    ///
    /// # Errors
    /// When a string is too long.
    pub fn encode(&self) -> Result<Vec<u8>, DatasetError> {
        let mut writer = Writer::default();
        match self {
            Self::U8(value) => writer.u8(*value),
            Self::U16(value) => writer.u16(*value),
            Self::U32(value) => writer.u32(*value),
            Self::U64(value) => writer.u64(*value),
            Self::U128(value) => writer.raw(&value.to_le_bytes()),
            Self::Text(text) => writer.string(text)?,
            Self::ArrayU16(values) => {
                writer.u32(u32::try_from(values.len()).unwrap_or(u32::MAX));
                values.iter().for_each(|value| writer.u16(*value));
            }
            Self::ArrayU32(values) => {
                writer.u32(u32::try_from(values.len()).unwrap_or(u32::MAX));
                values.iter().for_each(|value| writer.u32(*value));
            }
            Self::Other { bytes, .. } => writer.raw(bytes),
        }
        Ok(writer.finish())
    }
}

/// One element of an ObjectPropList: a property of an object, its value still on the wire.
#[derive(Clone, Copy)]
pub struct PropertyElement<'a> {
    /// The object.
    pub handle: u32,
    /// The property code.
    pub property: u16,
    /// The data type code.
    pub data_type: u16,
    value: &'a [u8],
}

impl PropertyElement<'_> {
    /// The number, if the value is a UINT64 or a UINT32.
    #[must_use]
    pub fn size(&self) -> Option<u64> {
        if self.data_type == data_type::UINT64 {
            return self.value.try_into().ok().map(u64::from_le_bytes);
        }
        self.number_u32().map(u64::from)
    }

    /// The number, if the value is a UINT32.
    #[must_use]
    pub fn number_u32(&self) -> Option<u32> {
        if self.data_type != data_type::UINT32 {
            return None;
        }
        self.value.try_into().ok().map(u32::from_le_bytes)
    }

    /// The number, if the value is a UINT16.
    #[must_use]
    pub fn number_u16(&self) -> Option<u16> {
        if self.data_type != data_type::UINT16 {
            return None;
        }
        self.value.try_into().ok().map(u16::from_le_bytes)
    }

    /// The text, if the value is a string.
    #[must_use]
    pub fn text(&self) -> Option<String> {
        match (self.data_type, self.value.split_first()) {
            (data_type::STR, Some((_, units))) => Some(decode_utf16(units)),
            _ => None,
        }
    }

    /// The value, whatever its type.
    ///
    /// # Errors
    /// Never for an element of a [`PropertyList`], whose values were measured by their type.
    pub fn value(&self) -> Result<PropertyValue, DatasetError> {
        PropertyValue::decode(self.data_type, self.value)
    }
}

/// The elements of an ObjectPropList: u32 count, then u32 handle, u16 property, u16 data type and value for each.
///
/// Iterating ends with an error if the bytes end early, a type is unknown, or bytes follow the last element.
pub struct PropertyList<'a> {
    reader: Reader<'a>,
    left: u32,
    ended: bool,
}

impl<'a> PropertyList<'a> {
    /// Begins to read a list.
    ///
    /// # Errors
    /// When there is no count.
    pub fn new(bytes: &'a [u8]) -> Result<Self, DatasetError> {
        let mut reader = Reader::new(bytes);
        let left = reader.u32("NumberOfElements")?;
        Ok(Self { reader, left, ended: false })
    }

    fn element(&mut self) -> Result<PropertyElement<'a>, DatasetError> {
        let handle = self.reader.u32("ObjectHandle")?;
        let property = self.reader.u16("PropertyCode")?;
        let data_type = self.reader.u16("DataType")?;
        let value = self.reader.value(data_type, "Value")?;
        Ok(PropertyElement { handle, property, data_type, value })
    }
}

impl<'a> Iterator for PropertyList<'a> {
    type Item = Result<PropertyElement<'a>, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        if self.left == 0 {
            self.ended = true;
            return self.reader.end().err().map(Err);
        }
        self.left -= 1;
        let element = self.element();
        self.ended = element.is_err();
        Some(element)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::mtp::code::property;

    fn list(elements: &[(u32, u16, PropertyValue)]) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.u32(elements.len() as u32);
        for (handle, property, value) in elements {
            writer.u32(*handle);
            writer.u16(*property);
            writer.u16(value.data_type());
            writer.raw(&value.encode().unwrap());
        }
        writer.finish()
    }

    #[test]
    fn elements_are_read_in_place() {
        let bytes = list(&[
            (5, property::OBJECT_SIZE, PropertyValue::U64(1 << 40)),
            (5, property::OBJECT_FILE_NAME, PropertyValue::Text("p.vcf".to_owned())),
            (6, property::PARENT_OBJECT, PropertyValue::U32(4)),
            (6, property::DESCRIPTION, PropertyValue::ArrayU16(vec![0x41, 0x42])),
        ]);
        let elements: Vec<_> = PropertyList::new(&bytes).unwrap().map(Result::unwrap).collect();
        assert_eq!(elements.len(), 4);
        assert_eq!(elements[0].size(), Some(1 << 40));
        assert_eq!(elements[1].text().unwrap(), "p.vcf");
        assert_eq!(elements[1].size(), None);
        assert_eq!(elements[2].handle, 6);
        assert_eq!(elements[2].number_u32(), Some(4));
        assert_eq!(elements[2].number_u16(), None);
        assert_eq!(elements[3].value().unwrap(), PropertyValue::ArrayU16(vec![0x41, 0x42]));
    }

    #[test]
    fn a_wrong_count_is_an_error() {
        let mut bytes = list(&[(5, 0xDC04, PropertyValue::U64(1)), (5, 0xDC02, PropertyValue::U16(2))]);
        bytes[0] = 1;
        let last = PropertyList::new(&bytes).unwrap().last().unwrap();
        assert_eq!(last.err(), Some(DatasetError::Trailing(10)));
        bytes[0] = 3;
        assert!(PropertyList::new(&bytes).unwrap().last().unwrap().is_err());
        bytes[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert_eq!(PropertyList::new(&bytes).unwrap().filter(Result::is_err).count(), 1);
    }

    fn any_value() -> impl Strategy<Value = PropertyValue> {
        prop_oneof![
            any::<u8>().prop_map(PropertyValue::U8),
            any::<u16>().prop_map(PropertyValue::U16),
            any::<u32>().prop_map(PropertyValue::U32),
            any::<u64>().prop_map(PropertyValue::U64),
            any::<u128>().prop_map(PropertyValue::U128),
            "[^\u{0}]{0,40}".prop_map(PropertyValue::Text),
            proptest::collection::vec(any::<u16>(), 0..9).prop_map(PropertyValue::ArrayU16),
            proptest::collection::vec(any::<u32>(), 0..9).prop_map(PropertyValue::ArrayU32),
            any::<i64>().prop_map(|number| PropertyValue::Other {
                data_type: data_type::INT64,
                bytes: number.to_le_bytes().to_vec()
            }),
        ]
    }

    proptest! {
        #[test]
        fn values_round_trip(value in any_value()) {
            let bytes = value.encode().unwrap();
            prop_assert!(PropertyValue::decode(value.data_type(), &bytes).unwrap() == value);
        }

        #[test]
        fn lists_round_trip(given in proptest::collection::vec((any::<u32>(), any::<u16>(), any_value()), 0..12)) {
            let bytes = list(&given);
            let read: Vec<_> = PropertyList::new(&bytes)
                .unwrap()
                .map(|element| element.map(|e| (e.handle, e.property, e.value().unwrap())).unwrap())
                .collect();
            prop_assert!(read == given);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), data_type: u16) {
            let _ = PropertyValue::decode(data_type, &bytes);
            if let Ok(list) = PropertyList::new(&bytes) {
                for element in list.flatten() {
                    let _ = (element.size(), element.text(), element.value().unwrap());
                }
            }
        }
    }
}
