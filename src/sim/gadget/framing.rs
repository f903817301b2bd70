//! How containers lie in USB transfers: how many bytes to ask of the bulk-out endpoint, and where an empty packet
//! must follow on the bulk-in endpoint. Values only; it must not touch an endpoint.
//!
//! A read on bulk-out ends with a short packet or when its buffer is full. Not every PC closes a transfer of whole
//! packets with an empty one, so the buffers are made to be full exactly where the container ends, which its header
//! tells.

use crate::sim::wire::{HEADER_BYTES, Header};

/// The most that is moved by one request, in bytes; what Android's responder uses. A multiple of every packet size.
pub(super) const PIECE_BYTES: usize = 16 * 1024;

/// Reads on bulk-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OutFraming {
    packet_bytes: usize,
    left: Left,
}

/// What is still to come of the container under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Left {
    /// A container's first packet comes next.
    Header,
    /// So many bytes.
    Bytes(usize),
    /// Bytes up to the next short packet.
    Open,
}

impl OutFraming {
    pub(super) fn new(packet_bytes: usize) -> Self {
        Self { packet_bytes: packet_bytes.max(1), left: Left::Header }
    }

    /// How many bytes to ask for now: a multiple of the packet size.
    pub(super) fn read_bytes(&self) -> usize {
        match self.left {
            Left::Header => self.packet_bytes,
            Left::Bytes(left) => left.next_multiple_of(self.packet_bytes).min(PIECE_BYTES),
            Left::Open => PIECE_BYTES,
        }
    }

    /// Takes note of what the read gave.
    pub(super) fn note(&mut self, asked: usize, received: &[u8]) {
        let is_short = received.len() < asked;
        let before = match self.left {
            Left::Header => match Header::read(received) {
                Some(header) if header.length == u32::MAX => Left::Open,
                Some(header) => Left::Bytes(usize::try_from(header.length).unwrap_or(usize::MAX)),
                None => Left::Bytes(0),
            },
            other => other,
        };
        // A header may come in a transfer of its own; its payload is another transfer then.
        let is_header_alone = self.left == Left::Header && received.len() == HEADER_BYTES;
        self.left = match before {
            _ if is_short && !is_header_alone => Left::Header,
            Left::Open => Left::Open,
            Left::Bytes(left) if left > received.len() => Left::Bytes(left.saturating_sub(received.len())),
            _ => Left::Header,
        };
    }
}

/// What a read of the simulated cable gave, as pieces for the bulk-in endpoint: `bytes` as one, and whether an empty
/// one closes the transfer. `is_over` says that the phone ended the transfer there.
pub(super) fn needs_empty_packet(bytes: usize, is_over: bool, packet_bytes: usize) -> bool {
    is_over && bytes.is_multiple_of(packet_bytes.max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A container's first bytes.
    fn container(length: u32, bytes: usize) -> Vec<u8> {
        let mut container = vec![0; bytes];
        container[..4].copy_from_slice(&length.to_le_bytes());
        container[4] = 2;
        container
    }

    /// The reads that are asked for while the PC sends these transfers, closed by empty packets or not.
    fn asked(transfers: &[Vec<u8>], with_empty_packets: bool) -> Vec<usize> {
        let mut framing = OutFraming::new(512);
        let mut asked = Vec::new();
        for transfer in transfers {
            let mut left = transfer.as_slice();
            loop {
                let wanted = framing.read_bytes();
                let moved = wanted.min(left.len());
                asked.push(wanted);
                framing.note(wanted, &left[..moved]);
                left = &left[moved..];
                let ends_short = moved < wanted;
                if left.is_empty() && (ends_short || !with_empty_packets) {
                    break;
                }
            }
        }
        asked.push(framing.read_bytes());
        asked
    }

    #[test]
    fn a_command_is_one_packet() {
        assert_eq!(asked(&[container(16, 16)], false), [512, 512]);
    }

    #[test]
    fn a_full_last_packet_is_seen_with_and_without_an_empty_one() {
        assert_eq!(asked(&[container(512, 512)], false), [512, 512]);
        assert_eq!(asked(&[container(512, 512)], true), [512, 512, 512]);
        assert_eq!(asked(&[container(1536, 1536)], false), [512, 1024, 512]);
        assert_eq!(asked(&[container(1536, 1536)], true), [512, 1024, 512, 512]);
    }

    #[test]
    fn a_long_container_is_read_in_pieces() {
        assert_eq!(asked(&[container(40_000, 40_000)], false), [512, 16384, 16384, 7168, 512]);
    }

    #[test]
    fn a_header_alone_announces_the_payload() {
        assert_eq!(asked(&[container(12 + 1024, 12), vec![7; 1024]], false), [512, 1024, 512]);
        assert_eq!(asked(&[container(12, 12)], false), [512, 512]);
    }

    #[test]
    fn an_open_end_is_the_short_packet() {
        assert_eq!(asked(&[container(u32::MAX, 512 + 16384), vec![7; 3]], false), [512, 16384, 16384, 512]);
    }

    #[test]
    fn a_transfer_cut_short_begins_anew() {
        assert_eq!(asked(&[container(40_000, 600), container(16, 16)], false), [512, 16384, 512, 512]);
        assert_eq!(asked(&[vec![], vec![1, 2, 3]], false), [512, 512, 512]);
    }

    #[test]
    fn only_a_full_last_packet_needs_an_empty_one() {
        assert!(needs_empty_packet(1024, true, 512));
        assert!(needs_empty_packet(0, true, 512));
        assert!(!needs_empty_packet(1024, false, 512));
        assert!(!needs_empty_packet(1025, true, 512));
    }
}
