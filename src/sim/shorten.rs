//! Cuts a listing's dataset to its first elements and makes the count agree: a listing that is short and looks whole.

use crate::mtp::code::{data_type, operation};

use super::wire::{Reader, Writer};

/// The dataset of `operation` with at most `count` elements; of one that is no listing, its first `count` bytes.
pub(super) fn shorten(operation: u16, mut data: Vec<u8>, count: u64) -> Vec<u8> {
    let wanted = usize::try_from(count).unwrap_or(usize::MAX);
    match operation {
        operation::GET_OBJECT_HANDLES | operation::GET_STORAGE_IDS => {
            let Some(all) = Reader::new(&data).array_u32() else { return data };
            let mut writer = Writer::default();
            writer.array_u32(all.get(..wanted).unwrap_or(&all));
            writer.into_bytes()
        }
        operation::GET_OBJECT_PROP_LIST => {
            let mut reader = Reader::new(&data);
            let all = reader.u32().unwrap_or(0);
            let kept = all.min(u32::try_from(count).unwrap_or(u32::MAX));
            for _ in 0..kept {
                if skip_element(&mut reader).is_none() {
                    return data;
                }
            }
            let length = data.len().saturating_sub(reader.rest().len());
            data.truncate(length);
            if let Some(place) = data.get_mut(..4) {
                place.copy_from_slice(&kept.to_le_bytes());
            }
            data
        }
        _ => {
            data.truncate(wanted);
            data
        }
    }
}

fn skip_element(reader: &mut Reader<'_>) -> Option<()> {
    reader.u32()?;
    reader.u16()?;
    let bytes = match reader.u16()? {
        data_type::INT8 | data_type::UINT8 => 1,
        data_type::INT16 | data_type::UINT16 => 2,
        data_type::INT32 | data_type::UINT32 => 4,
        data_type::INT64 | data_type::UINT64 => 8,
        data_type::INT128 | data_type::UINT128 => 16,
        _ => usize::from(reader.u8()?).checked_mul(2)?,
    };
    reader.take(bytes).map(|_| ())
}
