//! The phone's side of the bulk endpoints: what came and is not whole yet, and what waits to be read, cut into
//! transfers as the phone cuts them.
//!
//! It must not know faults or traces; those are the link's.

use std::collections::VecDeque;

use crate::mtp::LinkError;
use crate::mtp::code::operation;

use super::device::Device;
use super::personality::{TransferCut, TransferEnd};
use super::responder::{Answer, Command};
use super::wire::{HEADER_BYTES, container_around, container_of_parameters, kind};

/// One transfer on its way to the PC.
pub(super) struct Transfer {
    pub(super) bytes: Vec<u8>,
    pub(super) moved: usize,
    pub(super) ends_in_empty_packet: bool,
    /// A new container begins with it that was not counted yet.
    pub(super) begins_container: bool,
}

/// Bytes that moved and are still kept, before a long transfer gives their memory back.
const MOVED_BYTES_MAX: usize = 1 << 20;

impl Transfer {
    /// What is left to move.
    pub(super) fn left(&self) -> &[u8] {
        self.bytes.get(self.moved..).unwrap_or_default()
    }

    /// Notes that the next `count` bytes moved. Of a long transfer they are forgotten in pieces, each at least as
    /// long as what is left and has to be moved up, so that all of that costs one more copy at most.
    pub(super) fn advance(&mut self, count: usize) {
        self.moved = self.moved.saturating_add(count);
        if self.moved > MOVED_BYTES_MAX && self.moved >= self.left().len() {
            self.bytes.drain(..self.moved.min(self.bytes.len()));
            self.bytes.shrink_to_fit();
            self.moved = 0;
        }
    }
}

/// The phone's side of the bulk endpoints; it outlives the program at the other end.
#[derive(Default)]
pub(super) struct Port {
    pub(super) incoming: Vec<u8>,
    pub(super) first_transfer: usize,
    pub(super) awaits_empty_packet: bool,
    pub(super) command: Option<Command>,
    pub(super) outgoing: VecDeque<Transfer>,
    pub(super) is_halted: bool,
    pub(super) is_mute: bool,
    pub(super) ready_at_us: u64,
    pub(super) busy: u64,
}

impl Device {
    /// Gives up a command whose data did not come whole; what came of an object's bytes is dealt with.
    pub(super) fn drop_half_moved(&mut self) {
        let incoming = std::mem::take(&mut self.port.incoming);
        let command = self.port.command.take();
        let (Some(command), Some(came)) = (command, incoming.get(HEADER_BYTES..)) else { return };
        match command.code {
            operation::SEND_OBJECT => self.interrupt_transfer(came),
            operation::SEND_PARTIAL_OBJECT => {
                // In place and not atomic: what came is written. Nobody is left to hear of a refusal.
                let _ = self.write_part(&command, came);
            }
            _ => {}
        }
    }

    /// Halts the endpoints.
    pub(super) fn halt(&mut self) -> LinkError {
        self.port.is_halted = true;
        LinkError::Stalled
    }

    pub(super) fn is_strict(&self) -> bool {
        self.personality.transport.needs_empty_packet
    }

    fn queue(&mut self, bytes: Vec<u8>, is_data: bool) {
        let transport = self.personality.transport;
        let pieces: Vec<Vec<u8>> = match transport.cut {
            // A response is one transfer on every phone.
            _ if !is_data => vec![bytes],
            TransferCut::Whole => vec![bytes],
            TransferCut::HeaderApart => {
                let (header, payload) = bytes.split_at(HEADER_BYTES.min(bytes.len()));
                [header, payload]
                    .iter()
                    .filter(|piece| !piece.is_empty())
                    .map(|piece| piece.to_vec())
                    .collect()
            }
            TransferCut::Every(most) => bytes.chunks(most.max(1)).map(<[u8]>::to_vec).collect(),
        };
        for (index, mut piece) in pieces.into_iter().enumerate() {
            let fills_packets = piece.len().is_multiple_of(transport.packet_bytes.max(1));
            if fills_packets && transport.end == TransferEnd::ExtraByte {
                piece.push(0);
            }
            self.port.outgoing.push_back(Transfer {
                bytes: piece,
                moved: 0,
                ends_in_empty_packet: fills_packets && transport.end == TransferEnd::EmptyPacket,
                begins_container: index == 0,
            });
        }
    }

    /// Makes the answer's containers ready to be read.
    pub(super) fn queue_answer(&mut self, command: &Command, answer: Answer, response_id: u32) {
        if answer.mutes {
            self.port.is_mute = true;
        }
        if answer.is_silent {
            return;
        }
        if let Some(data) = answer.data {
            let (code, transaction) = if self.personality.transport.junk_headers {
                (command.code.rotate_left(8), command.transaction.wrapping_mul(0x0101_0101))
            } else {
                (command.code, command.transaction)
            };
            let mut bytes = container_around(kind::DATA, code, transaction, data);
            if let Some(announced) = answer.announced {
                let told = u32::try_from(announced.saturating_add(HEADER_BYTES)).unwrap_or(u32::MAX);
                if let Some(place) = bytes.get_mut(..4) {
                    place.copy_from_slice(&told.to_le_bytes());
                }
            }
            self.queue(bytes, true);
        }
        let response = container_of_parameters(kind::RESPONSE, answer.code, response_id, &answer.parameters);
        self.queue(response, false);
    }
}
