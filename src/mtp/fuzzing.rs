//! What must hold for any bytes that a responder sends; the fuzz targets call it, and a test with their seeds.
//!
//! Only compiled for tests and with the feature `fuzzing`. It asserts and decides nothing.

use std::collections::VecDeque;

use super::container::{HEADER_BYTES, Header, LENGTH_UNKNOWN, MAX_PARAMETERS, parameters};
use super::inbound::Inbound;
use super::property_listing::{self, describes_exactly, validate};
use super::*;
use crate::contact::fuzzing::Target;

/// The targets of this room.
pub const TARGETS: [Target; 2] = [("mtp_container", mtp_container), ("mtp_dataset", mtp_dataset)];

/// How much of a payload the target keeps, in bytes: less than what the seeds send.
const KEEP_BYTES: usize = 20_000;

/// A responder that sends these transfers and then nothing.
struct Recorded {
    transfers: VecDeque<Vec<u8>>,
}

impl Recorded {
    /// Transfers as the input lists them: u16 length, then the bytes; with the length's highest bit set a transfer of
    /// 16 bytes for each unit, so that those of many packets are reached with few bytes.
    fn of(mut bytes: &[u8]) -> Self {
        let mut transfers = VecDeque::new();
        while let Some((length, rest)) = bytes.split_first_chunk::<2>() {
            let length = u16::from_le_bytes(*length);
            let own = usize::from(length & 0x7FFF);
            let taken = rest.get(..own.min(rest.len())).unwrap_or_default();
            bytes = rest.get(taken.len()..).unwrap_or_default();
            let mut transfer = taken.to_vec();
            if length & 0x8000 != 0 {
                transfer.resize(own * 16, 0);
            }
            transfers.push_back(transfer);
        }
        Self { transfers }
    }
}

impl Link for Recorded {
    fn bulk_out(&mut self, _bytes: &[u8], _timeout_ms: u64) -> Result<(), LinkError> {
        Ok(())
    }

    fn bulk_in(&mut self, buffer: &mut Vec<u8>, max_bytes: usize, timeout_ms: u64) -> Result<(), LinkError> {
        buffer.clear();
        let transfer = self.transfers.front_mut().ok_or(LinkError::TimedOut(timeout_ms))?;
        let kept = transfer.split_off(max_bytes.min(transfer.len()));
        buffer.append(transfer);
        // A transfer that fills the read exactly is closed by an empty packet, which the next read gets.
        if buffer.len() == max_bytes {
            *transfer = kept;
        } else {
            self.transfers.pop_front();
        }
        Ok(())
    }

    fn interrupt_in(&mut self, _timeout_ms: u64) -> Result<Option<Vec<u8>>, LinkError> {
        Ok(None)
    }

    fn class_request(&mut self, _request: &ClassRequest) -> Result<Vec<u8>, LinkError> {
        Ok(Vec::new())
    }

    fn clear_halt(&mut self) -> Result<(), LinkError> {
        Ok(())
    }

    fn packet_bytes(&self) -> usize {
        512
    }

    fn serial(&self) -> String {
        String::new()
    }

    fn usb_id(&self) -> (u16, u16) {
        (0, 0)
    }
}

/// Containers in transfers, as the bulk-in endpoint gives them.
pub fn mtp_container(bytes: &[u8]) {
    match Header::decode(bytes) {
        Ok(header) => {
            assert_eq!(Some(&header.encode()[..]), bytes.get(..HEADER_BYTES), "a header is its bytes")
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    assert!(parameters(bytes).len() <= MAX_PARAMETERS);
    let mut link = Recorded::of(bytes);
    let sent_bytes: usize = link.transfers.iter().map(Vec::len).sum();
    let mut inbound = Inbound::default();
    let mut given_bytes = 0;
    // Each container uses up at least its header, so this ends.
    while let Ok(header) = inbound.header(&mut link, 1) {
        assert!(header.length >= 12);
        if header.kind == container::ContainerKind::Data {
            let Ok(payload) = inbound.payload(&mut link, &header, KEEP_BYTES, 1) else { break };
            let total_bytes = usize::try_from(payload.total_bytes).unwrap_or(usize::MAX);
            assert_eq!(
                payload.bytes.len(),
                total_bytes.min(KEEP_BYTES),
                "all that is wanted is kept, and no more"
            );
            assert!(payload.bytes.capacity() <= 2 * total_bytes, "an announcement allocates nothing");
            let announced = u64::from(header.length) - HEADER_BYTES as u64;
            let is_known = header.length != LENGTH_UNKNOWN;
            assert!(!is_known || payload.total_bytes <= announced);
            assert!(!is_known || payload.is_complete == (payload.total_bytes == announced));
            given_bytes += HEADER_BYTES + total_bytes;
        } else {
            let Ok(found) = inbound.parameters(&mut link, &header, 1) else { break };
            assert!(found.len() <= MAX_PARAMETERS);
            given_bytes += HEADER_BYTES + 4 * found.len();
        }
        assert!(given_bytes <= sent_bytes, "nothing is given twice");
    }
    assert!(inbound.take_count() <= sent_bytes);
}

/// A dataset; the first byte says which.
pub fn mtp_dataset(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind % 7 {
        0 => device_info(bytes),
        1 => storage_info(bytes),
        2 => object_info(bytes),
        3 => property_value(bytes),
        4 => property_list(bytes),
        5 => folder_list(bytes),
        _ => date(bytes),
    }
}

fn check_error(error: &DatasetError, bytes: &[u8]) {
    if let DatasetError::Truncated { field, at } = error {
        assert!(!field.is_empty() && *at <= bytes.len(), "the error names the field and where");
    }
    assert!(!error.to_string().is_empty());
}

fn device_info(bytes: &[u8]) {
    let info = match DeviceInfo::decode(bytes) {
        Ok(info) => info,
        Err(error) => return check_error(&error, bytes),
    };
    let _ = info.has_extension("microsoft.com");
    let mut writer = Writer::default();
    writer.u16(info.standard_version);
    writer.u32(info.vendor_extension_id);
    writer.u16(info.vendor_extension_version);
    let texts = [&info.manufacturer, &info.model, &info.device_version, &info.serial];
    if writer.string(&info.vendor_extension_text).is_err() {
        return;
    }
    writer.u16(info.functional_mode);
    let lists = [
        &info.operations,
        &info.events,
        &info.device_properties,
        &info.capture_formats,
        &info.playback_formats,
    ];
    for list in lists {
        assert!(2 * list.len() <= bytes.len(), "no list is longer than what was sent");
        writer.u32(u32::try_from(list.len()).unwrap_or(u32::MAX));
        list.iter().for_each(|code| writer.u16(*code));
    }
    if texts.iter().all(|text| writer.string(text).is_ok()) {
        assert_eq!(DeviceInfo::decode(&writer.finish()), Ok(info), "what was read is written and read again");
    }
}

fn storage_info(bytes: &[u8]) {
    let info = match StorageInfo::decode(bytes) {
        Ok(info) => info,
        Err(error) => return check_error(&error, bytes),
    };
    let mut writer = Writer::default();
    writer.u16(info.storage_type);
    writer.u16(info.filesystem_type);
    writer.u16(info.access);
    writer.u64(info.capacity_bytes);
    writer.u64(info.free_bytes);
    writer.u32(info.free_objects);
    if writer.string(&info.description).is_ok() && writer.string(&info.volume).is_ok() {
        assert_eq!(StorageInfo::decode(&writer.finish()), Ok(info));
    }
}

fn object_info(bytes: &[u8]) {
    let info = match ObjectInfo::decode(bytes) {
        Ok(info) => info,
        Err(error) => return check_error(&error, bytes),
    };
    assert!(info.name.chars().count() <= MAX_STRING_UNITS + 1 && !info.name.contains('\0'));
    let fits = info.size_bytes <= u64::from(u32::MAX) && !info.name.is_empty();
    if let (true, Ok(written)) = (fits, info.encode()) {
        assert_eq!(ObjectInfo::decode(&written), Ok(info), "what was read is written and read again");
    }
}

fn property_value(bytes: &[u8]) {
    let Some((data_type, bytes)) = bytes.split_first_chunk::<2>() else { return };
    let data_type = u16::from_le_bytes(*data_type);
    let value = match PropertyValue::decode(data_type, bytes) {
        Ok(value) => value,
        Err(error) => return check_error(&error, bytes),
    };
    assert_eq!(value.data_type(), data_type);
    if let Ok(written) = value.encode() {
        assert_eq!(PropertyValue::decode(data_type, &written), Ok(value));
    }
}

fn property_list(bytes: &[u8]) {
    let Ok(list) = PropertyList::new(bytes) else { return assert!(bytes.len() < 4) };
    let mut has_ended = false;
    let mut count = 0;
    for element in list {
        assert!(!has_ended, "nothing comes behind an error");
        match element {
            Ok(element) => {
                count += 1;
                let value = element.value().ok();
                assert!(value.is_some(), "an element was measured by its type");
                let _ = (element.size(), element.text(), element.number_u16(), element.number_u32());
            }
            Err(error) => {
                has_ended = true;
                check_error(&error, bytes);
            }
        }
        assert!(4 + 9 * count <= bytes.len(), "an element takes nine bytes at least");
    }
}

/// A property list and the handles that it must be about: u8 how many, the handles, the list.
fn folder_list(bytes: &[u8]) {
    let Some((count, rest)) = bytes.split_first() else { return };
    let (handle_bytes, list) = rest.split_at(rest.len().min(4 * usize::from(count % 8)));
    let (handles, _) = handle_bytes.as_chunks::<4>();
    let handles: Vec<u32> = handles.iter().map(|handle| u32::from_le_bytes(*handle)).collect();
    for parent in [Parent::Root, Parent::Handle(7)] {
        let described = match property_listing::read(list) {
            Ok(described) => described,
            Err(error) => return assert!(!error.to_string().is_empty()),
        };
        let mut seen: Vec<u32> = described.iter().map(|entry| entry.handle).collect();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), described.len(), "one entry for each object");
        let is_exact = describes_exactly(&described, &handles, 1, parent);
        if let Ok(objects) = validate(described, &handles, 1, parent) {
            let found: Vec<u32> = objects.iter().map(|object| object.handle).collect();
            assert_eq!(found, handles, "all of the folder's objects, in its order");
            assert!(is_exact, "what is whole describes exactly these objects");
            assert!(objects.iter().all(|object| !object.name.is_empty()));
        }
    }
}

fn date(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let Some(date) = MtpDate::parse(text) else { return };
    assert!(date.zone_s.is_none_or(|zone_s| zone_s.abs() < 24 * 3600), "a zone of less than a day");
    let second = text.get(..15).unwrap_or_default();
    let written =
        jiff::Timestamp::from_second(date.local_s).map(|time| time.strftime("%Y%m%dT%H%M%S").to_string());
    assert_eq!(
        written.as_deref().ok(),
        Some(second),
        "the second that was read is the one that stands there"
    );
    assert_eq!(MtpDate::parse(second).map(|again| again.local_s), Some(date.local_s));
}
