//! The simulated phone's own reader and writer of containers and datasets (PTP over USB, MTP 1.1 3.2 and 5).
//!
//! Written apart from the initiator's, so that a mistake made on one side shows. It must never panic, whatever the
//! bytes are, and never reserve memory by a length that the bytes only claim.

/// Bytes of a container's header: u32 length, u16 kind, u16 code, u32 transaction id.
pub const HEADER_BYTES: usize = 12;

/// Container kinds.
pub mod kind {
    /// From the initiator: an operation and up to five parameters.
    pub const COMMAND: u16 = 1;
    /// Either way: the payload of the transaction.
    pub const DATA: u16 = 2;
    /// From the responder: a response code and up to five parameters.
    pub const RESPONSE: u16 = 3;
    /// From the responder, on the interrupt endpoint.
    pub const EVENT: u16 = 4;
}

/// The fields of a container's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// Bytes of the whole container, header included; FFFFFFFF says "until a short packet".
    pub length: u32,
    /// One of [`kind`].
    pub kind: u16,
    /// Operation, response or event code.
    pub code: u16,
    /// Transaction id.
    pub transaction: u32,
}

impl Header {
    /// Reads the first 12 bytes; `None` if there are fewer.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(bytes);
        Some(Self {
            length: reader.u32()?,
            kind: reader.u16()?,
            code: reader.u16()?,
            transaction: reader.u32()?,
        })
    }
}

/// A container's bytes: header and payload.
#[must_use]
pub fn container(kind: u16, code: u16, transaction: u32, payload: &[u8]) -> Vec<u8> {
    let mut writer = Writer::with_room(payload.len().saturating_add(HEADER_BYTES));
    writer.u32(u32::try_from(payload.len().saturating_add(HEADER_BYTES)).unwrap_or(u32::MAX));
    writer.u16(kind);
    writer.u16(code);
    writer.u32(transaction);
    writer.raw(payload);
    writer.into_bytes()
}

/// The same around a payload that need not be kept: the header is put in front of it, in its place in memory.
#[must_use]
pub fn container_around(kind: u16, code: u16, transaction: u32, mut payload: Vec<u8>) -> Vec<u8> {
    let mut header = container(kind, code, transaction, &[]);
    let length = payload.len().saturating_add(HEADER_BYTES);
    header.splice(..4, u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
    payload.splice(..0, header);
    payload
}

/// A container whose payload is parameters: a response or an event (and, in tests, a command).
#[must_use]
pub fn container_of_parameters(kind: u16, code: u16, transaction: u32, parameters: &[u32]) -> Vec<u8> {
    let payload: Vec<u8> = parameters.iter().flat_map(|value| value.to_le_bytes()).collect();
    container(kind, code, transaction, &payload)
}

/// Appends little-endian values.
#[derive(Default)]
pub struct Writer {
    bytes: Vec<u8>,
}

impl Writer {
    /// An empty writer with room for `capacity` bytes.
    #[must_use]
    pub fn with_room(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity) }
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// Two bytes.
    pub fn u16(&mut self, value: u16) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Four bytes.
    pub fn u32(&mut self, value: u32) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Eight bytes.
    pub fn u64(&mut self, value: u64) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Sixteen bytes.
    pub fn u128(&mut self, value: u128) {
        self.bytes.extend_from_slice(&value.to_le_bytes());
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// A string: a byte that counts UTF-16 units with the final NUL, then the units; one zero byte if empty. What
    /// does not fit in 254 units is cut, between characters.
    pub fn string(&mut self, text: &str) {
        if text.is_empty() {
            self.u8(0);
            return;
        }
        if let Some(count) =
            u8::try_from(text.len()).ok().filter(|length| *length < u8::MAX && text.is_ascii())
        {
            // The common case, written without looking at each character twice.
            self.u8(count.saturating_add(1));
            let start = self.bytes.len();
            self.bytes.resize(start.saturating_add(text.len().saturating_add(1).saturating_mul(2)), 0);
            let units = self.bytes.get_mut(start..).unwrap_or_default().as_chunks_mut::<2>().0;
            for (unit, byte) in units.iter_mut().zip(text.bytes()) {
                *unit = [byte, 0];
            }
            return;
        }
        let at = self.bytes.len();
        self.u8(0);
        let mut units: u8 = 0;
        for character in text.chars() {
            let mut buffer = [0_u16; 2];
            let encoded = character.encode_utf16(&mut buffer);
            let Some(after) = u8::try_from(encoded.len()).ok().and_then(|more| units.checked_add(more))
            else {
                break;
            };
            if after == u8::MAX {
                break;
            }
            for unit in encoded.iter() {
                self.bytes.extend_from_slice(&unit.to_le_bytes());
            }
            units = after;
        }
        self.u16(0);
        if let Some(count) = self.bytes.get_mut(at) {
            *count = units.saturating_add(1);
        }
    }

    /// An array of u16: u32 count, then the elements.
    pub fn array_u16(&mut self, values: &[u16]) {
        self.u32(u32::try_from(values.len()).unwrap_or(u32::MAX));
        for value in values {
            self.u16(*value);
        }
    }

    /// An array of u32: u32 count, then the elements.
    pub fn array_u32(&mut self, values: &[u32]) {
        self.u32(u32::try_from(values.len()).unwrap_or(u32::MAX));
        for value in values {
            self.u32(*value);
        }
    }

    /// Overwrites the u32 at `at`, if it is there.
    pub fn patch_u32(&mut self, at: usize, value: u32) {
        if let Some(place) = self.bytes.get_mut(at..at.saturating_add(4)) {
            place.copy_from_slice(&value.to_le_bytes());
        }
    }

    /// Bytes written so far.
    #[must_use]
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// What was written.
    #[must_use]
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Takes little-endian values off the front of a slice; `None` when the slice ends too early.
#[derive(Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// Reads from the start of `bytes`.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What was not read yet.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// The next `count` bytes.
    pub fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.rest.split_at_checked(count)?;
        self.rest = tail;
        Some(head)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    /// One byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_le_bytes)
    }

    /// Two bytes.
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_le_bytes)
    }

    /// Four bytes.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_le_bytes)
    }

    /// Eight bytes.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_le_bytes)
    }

    /// Sixteen bytes.
    pub fn u128(&mut self) -> Option<u128> {
        self.array().map(u128::from_le_bytes)
    }

    /// A string and whether it ended in the NUL that it must end in. `None` if it is cut short or is not UTF-16.
    pub fn string(&mut self) -> Option<(String, bool)> {
        let units = usize::from(self.u8()?);
        let bytes = self.take(units.checked_mul(2)?)?;
        let mut decoded: Vec<u16> =
            bytes.as_chunks::<2>().0.iter().map(|pair| u16::from_le_bytes(*pair)).collect();
        let ends_in_nul = match decoded.last() {
            None => true,
            Some(0) => {
                decoded.pop();
                true
            }
            Some(_) => false,
        };
        String::from_utf16(&decoded).ok().map(|text| (text, ends_in_nul))
    }

    /// An array of u32.
    pub fn array_u32(&mut self) -> Option<Vec<u32>> {
        let count = usize::try_from(self.u32()?).ok()?;
        let bytes = self.take(count.checked_mul(4)?)?;
        Some(bytes.as_chunks::<4>().0.iter().map(|word| u32::from_le_bytes(*word)).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<char> = text.chars().filter(char::is_ascii_hexdigit).collect();
        digits
            .chunks(2)
            .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16).unwrap())
            .collect()
    }

    #[test]
    fn containers_are_those_of_the_standard() {
        assert_eq!(container(kind::COMMAND, 0x1001, 0, &[]), hex("0C000000 0100 0110 00000000"));
        assert_eq!(
            container_of_parameters(kind::COMMAND, 0x1002, 0, &[1]),
            hex("10000000 0100 0210 00000000 01000000")
        );
        assert_eq!(
            container_of_parameters(kind::COMMAND, 0x9805, 7, &[0x12, 0, u32::MAX, 0, 1]),
            hex("20000000 0100 0598 07000000 12000000 00000000 FFFFFFFF 00000000 01000000")
        );
        assert_eq!(container(kind::RESPONSE, 0x2001, 7, &[]), hex("0C000000 0300 0120 07000000"));
        let header = Header::read(&hex("20000000 0100 0598 07000000 12000000")).unwrap();
        assert_eq!(header, Header { length: 32, kind: 1, code: 0x9805, transaction: 7 });
        assert_eq!(Header::read(&[0; 11]), None);
    }

    #[test]
    fn strings_are_those_of_the_standard() {
        let written = |text: &str| {
            let mut writer = Writer::default();
            writer.string(text);
            writer.into_bytes()
        };
        assert_eq!(written("A"), hex("02 4100 0000"));
        assert_eq!(written(""), hex("00"));
        let long: String = "x".repeat(300);
        assert_eq!(written(&long).len(), 1 + 255 * 2);
        assert_eq!(written(&long).first(), Some(&255));
        // A character outside the base plane is not cut in half at the limit.
        let astral = format!("{}\u{1F4D2}", "x".repeat(253));
        assert_eq!(written(&astral).first(), Some(&254));
        assert_eq!(Reader::new(&hex("02 4100 0000")).string(), Some(("A".to_owned(), true)));
        assert_eq!(Reader::new(&hex("01 4100")).string(), Some(("A".to_owned(), false)));
        assert_eq!(Reader::new(&hex("00")).string(), Some((String::new(), true)));
        assert_eq!(Reader::new(&hex("05 4100")).string(), None);
        assert_eq!(Reader::new(&hex("02 00D8 0000")).string(), None);
    }

    #[test]
    fn a_claimed_length_reserves_nothing() {
        assert_eq!(Reader::new(&hex("FFFFFFFF 01000000")).array_u32(), None);
        assert_eq!(Reader::new(&hex("02000000 01000000 02000000")).array_u32(), Some(vec![1, 2]));
    }

    #[test]
    fn everything_written_is_read_back() {
        let mut writer = Writer::default();
        writer.u8(1);
        writer.u16(0x0203);
        writer.u32(4);
        writer.u64(5);
        writer.u128(6);
        writer.string("Zoë \u{1F4D2}");
        writer.array_u32(&[7, 8]);
        let bytes = writer.into_bytes();
        let mut reader = Reader::new(&bytes);
        assert_eq!(reader.u8(), Some(1));
        assert_eq!(reader.u16(), Some(0x0203));
        assert_eq!(reader.u32(), Some(4));
        assert_eq!(reader.u64(), Some(5));
        assert_eq!(reader.u128(), Some(6));
        assert_eq!(reader.string(), Some(("Zoë \u{1F4D2}".to_owned(), true)));
        assert_eq!(reader.array_u32(), Some(vec![7, 8]));
        assert!(reader.rest().is_empty());
    }
}
