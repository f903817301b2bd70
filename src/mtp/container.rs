//! The 12-byte header of every container on the bulk and interrupt endpoints (PTP over USB; MTP 1.1 section 3).
//!
//! Layout, little-endian: u32 length of the whole container, u16 type, u16 code, u32 transaction id. Commands and
//! responses follow it with 0 to 5 u32 parameters, events with 0 to 3, data with the payload. This file must not
//! know what an operation means.

use thiserror::Error;

/// The header's length in bytes.
pub(super) const HEADER_BYTES: usize = 12;
/// The length that a data container announces when its own does not fit, or is not known before.
pub(super) const LENGTH_UNKNOWN: u32 = 0xFFFF_FFFF;
/// The most parameters that a command or a response has.
pub(super) const MAX_PARAMETERS: usize = 5;

/// What a container is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ContainerKind {
    /// Type 1, from the initiator.
    Command,
    /// Type 2, either way.
    Data,
    /// Type 3, from the responder.
    Response,
    /// Type 4, from the responder, on the interrupt endpoint.
    Event,
}

impl ContainerKind {
    /// The type number on the wire.
    const fn number(self) -> u16 {
        match self {
            Self::Command => 1,
            Self::Data => 2,
            Self::Response => 3,
            Self::Event => 4,
        }
    }
}

/// Why a header is not one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub(super) enum HeaderError {
    /// Fewer than 12 bytes.
    #[error("a container of {0} bytes is shorter than its header")]
    Short(usize),
    /// The type is none of 1 to 4.
    #[error("container type {0} is unknown")]
    Kind(u16),
    /// The length does not fit the type.
    #[error("length {length} does not fit a container of type {kind}")]
    Length {
        /// The type number.
        kind: u16,
        /// The announced length.
        length: u32,
    },
}

/// A container's header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// The whole container's length in bytes, or [`LENGTH_UNKNOWN`].
    pub(super) length: u32,
    /// What the container is.
    pub(super) kind: ContainerKind,
    /// The operation, response or event code.
    pub(super) code: u16,
    /// The transaction id.
    pub(super) transaction: u32,
}

impl Header {
    /// Reads a header from the start of `bytes` and checks that its length fits its type.
    ///
    /// # Errors
    /// When there are fewer than 12 bytes, the type is unknown, or the length is impossible.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self, HeaderError> {
        let Some(&[l0, l1, l2, l3, k0, k1, c0, c1, t0, t1, t2, t3]) = bytes.first_chunk::<HEADER_BYTES>()
        else {
            return Err(HeaderError::Short(bytes.len()));
        };
        let length = u32::from_le_bytes([l0, l1, l2, l3]);
        let kind_number = u16::from_le_bytes([k0, k1]);
        let (kind, most_bytes) = match kind_number {
            1 => (ContainerKind::Command, 32),
            2 => (ContainerKind::Data, LENGTH_UNKNOWN),
            3 => (ContainerKind::Response, 32),
            4 => (ContainerKind::Event, 24),
            other => return Err(HeaderError::Kind(other)),
        };
        let whole_parameters = kind == ContainerKind::Data || length.is_multiple_of(4);
        if length < 12 || length > most_bytes || !whole_parameters {
            return Err(HeaderError::Length { kind: kind_number, length });
        }
        Ok(Self {
            length,
            kind,
            code: u16::from_le_bytes([c0, c1]),
            transaction: u32::from_le_bytes([t0, t1, t2, t3]),
        })
    }

    /// The header's 12 bytes.
    pub(super) fn encode(self) -> [u8; HEADER_BYTES] {
        let [l0, l1, l2, l3] = self.length.to_le_bytes();
        let [k0, k1] = self.kind.number().to_le_bytes();
        let [c0, c1] = self.code.to_le_bytes();
        let [t0, t1, t2, t3] = self.transaction.to_le_bytes();
        [l0, l1, l2, l3, k0, k1, c0, c1, t0, t1, t2, t3]
    }
}

/// A command container: header and parameters.
pub(super) fn command(operation: u16, transaction: u32, parameters: &[u32]) -> Vec<u8> {
    let used = parameters.iter().take(MAX_PARAMETERS);
    let length = u32::try_from(HEADER_BYTES + used.len() * 4).unwrap_or(LENGTH_UNKNOWN);
    let header = Header { length, kind: ContainerKind::Command, code: operation, transaction };
    let mut bytes = header.encode().to_vec();
    for parameter in used {
        bytes.extend_from_slice(&parameter.to_le_bytes());
    }
    bytes
}

/// The header of a data container with `payload_bytes` bytes of payload.
pub(super) fn data_header(operation: u16, transaction: u32, payload_bytes: usize) -> [u8; HEADER_BYTES] {
    let length = u32::try_from(payload_bytes.saturating_add(HEADER_BYTES)).unwrap_or(LENGTH_UNKNOWN);
    Header { length, kind: ContainerKind::Data, code: operation, transaction }.encode()
}

/// The parameters in the bytes after a header; a tail that is no whole parameter is left out.
pub(super) fn parameters(bytes: &[u8]) -> Vec<u32> {
    let (whole, _) = bytes.as_chunks::<4>();
    whole.iter().take(MAX_PARAMETERS).map(|chunk| u32::from_le_bytes(*chunk)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> =
            text.chars().filter_map(|digit| digit.to_digit(16)).map(|digit| digit as u8).collect();
        digits.chunks(2).map(|pair| pair[0] * 16 + pair[1]).collect()
    }

    #[test]
    fn commands_are_the_known_bytes() {
        assert_eq!(command(0x1001, 0, &[]), hex("0C000000 0100 0110 00000000"));
        assert_eq!(command(0x1002, 0, &[1]), hex("10000000 0100 0210 00000000 01000000"));
        assert_eq!(
            command(0x9805, 7, &[0x12, 0, 0xFFFF_FFFF, 0, 1]),
            hex("20000000 0100 0598 07000000 12000000 00000000 FFFFFFFF 00000000 01000000")
        );
    }

    #[test]
    fn a_response_is_read() {
        let header = Header::decode(&hex("0C000000 0300 0120 07000000")).unwrap();
        assert_eq!(
            header,
            Header { length: 12, kind: ContainerKind::Response, code: 0x2001, transaction: 7 }
        );
    }

    #[test]
    fn impossible_headers_are_refused() {
        assert_eq!(Header::decode(&[0; 11]), Err(HeaderError::Short(11)));
        assert_eq!(Header::decode(&hex("0C000000 0500 0120 07000000")), Err(HeaderError::Kind(5)));
        for (bytes, kind, length) in [
            ("0B000000 0300 0120 07000000", 3, 11),
            ("0E000000 0300 0120 07000000", 3, 14),
            ("24000000 0300 0120 07000000", 3, 36),
            ("FFFFFFFF 0300 0120 07000000", 3, 0xFFFF_FFFF),
            ("00000000 0200 0120 07000000", 2, 0),
        ] {
            assert_eq!(Header::decode(&hex(bytes)), Err(HeaderError::Length { kind, length }));
        }
        assert!(Header::decode(&hex("FFFFFFFF 0200 0910 07000000")).is_ok());
    }

    proptest! {
        #[test]
        fn what_decodes_encodes_to_the_same(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(header) = Header::decode(&bytes) {
                prop_assert_eq!(&header.encode()[..], &bytes[..12]);
            }
        }

        #[test]
        fn commands_round_trip(code: u16, transaction: u32, given in proptest::collection::vec(any::<u32>(), 0..6)) {
            let bytes = command(code, transaction, &given);
            let header = Header::decode(&bytes).unwrap();
            prop_assert_eq!(header.code, code);
            prop_assert_eq!(header.transaction, transaction);
            prop_assert_eq!(header.length as usize, bytes.len());
            prop_assert_eq!(parameters(&bytes[12..]), given);
        }
    }
}
