//! A scripted responder for this room's tests: a handler decides what is answered, and a framing how it is cut into
//! transfers. It shares no code with the simulated phone.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::dataset::Writer;
use super::link::{ClassRequest, Link, LinkError};

/// What the handler answers to a command.
pub(crate) enum Answer {
    /// Data if any, response code, response parameters; framed as the link's framing says.
    Reply(Option<Vec<u8>>, u16, Vec<u32>),
    /// Transfers as they are.
    Raw(Vec<Result<Vec<u8>, LinkError>>),
}

/// OK with data.
pub(crate) fn data(bytes: Vec<u8>) -> Answer {
    Answer::Reply(Some(bytes), 0x2001, Vec::new())
}

/// A response without data.
pub(crate) fn response(code: u16) -> Answer {
    Answer::Reply(None, code, Vec::new())
}

/// How replies are cut into transfers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Framing {
    /// Header and payload together, an empty transfer after a multiple of the packet size, then the response.
    Plain,
    /// The header alone, then the payload.
    SplitHeader,
    /// The response in the same transfer as the data.
    Coalesced,
    /// No empty packet after a multiple of the packet size, so that the response joins the data's transfer.
    NoZeroLengthPacket,
    /// One extra byte where the empty packet belongs.
    ExtraByte,
    /// Length FFFFFFFF in the data header.
    UnknownLength,
    /// Length FFFFFFFF and the header alone.
    UnknownLengthSplit,
}

pub(crate) const ALL_FRAMINGS: [Framing; 7] = [
    Framing::Plain,
    Framing::SplitHeader,
    Framing::Coalesced,
    Framing::NoZeroLengthPacket,
    Framing::ExtraByte,
    Framing::UnknownLength,
    Framing::UnknownLengthSplit,
];

/// What the initiator did.
#[derive(Default)]
pub(crate) struct Log {
    /// Operation, transaction id, parameters.
    pub(crate) commands: Vec<(u16, u32, Vec<u32>)>,
    /// Every bulk-out transfer.
    pub(crate) transfers_out: Vec<Vec<u8>>,
    pub(crate) halts_cleared: usize,
    pub(crate) resets: usize,
    pub(crate) port_resets: usize,
    /// Calls of bulk_out and bulk_in.
    pub(crate) steps: usize,
}

impl Log {
    pub(crate) fn operations(&self) -> Vec<u16> {
        self.commands.iter().map(|(operation, ..)| *operation).collect()
    }
}

pub(crate) type Handler = Box<dyn FnMut(u16, &[u32], &[u8]) -> Answer>;

pub(crate) struct ScriptedLink {
    handler: Handler,
    framing: Framing,
    packet_bytes: usize,
    log: Rc<RefCell<Log>>,
    pending: VecDeque<Result<Vec<u8>, LinkError>>,
    waiting: Option<(u16, u32, Vec<u32>)>,
    data_out: Vec<u8>,
    /// The bulk call that finds the device gone, counted from 0.
    pub(crate) gone_at: Option<usize>,
    has_port: bool,
}

impl ScriptedLink {
    pub(crate) fn new(handler: impl FnMut(u16, &[u32], &[u8]) -> Answer + 'static) -> Self {
        Self {
            handler: Box::new(handler),
            framing: Framing::Plain,
            packet_bytes: 512,
            log: Rc::default(),
            pending: VecDeque::new(),
            waiting: None,
            data_out: Vec::new(),
            gone_at: None,
            has_port: false,
        }
    }

    /// A link whose port can be reset.
    pub(crate) fn with_port(mut self) -> Self {
        self.has_port = true;
        self
    }

    pub(crate) fn framed(mut self, framing: Framing, packet_bytes: usize) -> Self {
        self.framing = framing;
        self.packet_bytes = packet_bytes;
        self
    }

    /// Puts transfers of an earlier session into the endpoint.
    pub(crate) fn with_leftover(mut self, transfers: Vec<Vec<u8>>) -> Self {
        self.pending.extend(transfers.into_iter().map(Ok));
        self
    }

    pub(crate) fn log(&self) -> Rc<RefCell<Log>> {
        Rc::clone(&self.log)
    }

    fn step(&mut self) -> Result<(), LinkError> {
        let mut log = self.log.borrow_mut();
        let step = log.steps;
        log.steps += 1;
        if self.gone_at.is_some_and(|gone_at| step >= gone_at) { Err(LinkError::Gone) } else { Ok(()) }
    }

    fn answer(&mut self, operation: u16, transaction: u32, parameters: &[u32], data_out: &[u8]) {
        match (self.handler)(operation, parameters, data_out) {
            Answer::Raw(transfers) => self.pending.extend(transfers),
            Answer::Reply(data, code, parameters) => {
                let mut response = container(3, code, transaction, &[]);
                parameters.iter().for_each(|value| response.extend_from_slice(&value.to_le_bytes()));
                let length = response.len() as u32;
                response[..4].copy_from_slice(&length.to_le_bytes());
                let Some(data) = data else {
                    self.pending.push_back(Ok(response));
                    return;
                };
                self.frame(operation, transaction, &data, response);
            }
        }
    }

    fn frame(&mut self, operation: u16, transaction: u32, data: &[u8], response: Vec<u8>) {
        let mut whole = container(2, operation, transaction, data);
        let exact = whole.len().is_multiple_of(self.packet_bytes);
        let mut transfers: Vec<Vec<u8>> = Vec::new();
        if matches!(self.framing, Framing::UnknownLength | Framing::UnknownLengthSplit) {
            whole[..4].copy_from_slice(&[0xFF; 4]);
        }
        match self.framing {
            Framing::Plain | Framing::UnknownLength => {
                // A real endpoint ends the read with the empty packet, as here; only a read filled to its limit
                // leaves it for the next one, which `bulk_in` below does.
                transfers.extend([whole, response]);
            }
            Framing::SplitHeader | Framing::UnknownLengthSplit => {
                let payload = whole.split_off(12);
                transfers.push(whole);
                if !payload.is_empty() || self.framing == Framing::UnknownLengthSplit {
                    transfers.push(payload);
                }
                transfers.push(response);
            }
            Framing::Coalesced => transfers.push([whole, response].concat()),
            Framing::NoZeroLengthPacket if exact => transfers.push([whole, response].concat()),
            Framing::NoZeroLengthPacket => transfers.extend([whole, response]),
            Framing::ExtraByte => {
                if exact {
                    whole.push(0);
                }
                transfers.extend([whole, response]);
            }
        }
        self.pending.extend(transfers.into_iter().map(Ok));
    }
}

/// A container's bytes.
pub(crate) fn container(kind: u16, code: u16, transaction: u32, payload: &[u8]) -> Vec<u8> {
    let mut bytes = (12 + payload.len() as u32).to_le_bytes().to_vec();
    bytes.extend_from_slice(&kind.to_le_bytes());
    bytes.extend_from_slice(&code.to_le_bytes());
    bytes.extend_from_slice(&transaction.to_le_bytes());
    bytes.extend_from_slice(payload);
    bytes
}

fn number(bytes: &[u8]) -> u32 {
    u32::from_le_bytes(bytes.try_into().unwrap())
}

impl Link for ScriptedLink {
    fn reset_port(&mut self) -> Result<(), LinkError> {
        if !self.has_port {
            return Err(LinkError::Refused(String::new()));
        }
        self.pending.clear();
        self.log.borrow_mut().port_resets += 1;
        Ok(())
    }

    fn bulk_out(&mut self, bytes: &[u8], _timeout_ms: u64) -> Result<(), LinkError> {
        self.step()?;
        self.log.borrow_mut().transfers_out.push(bytes.to_vec());
        if let Some((operation, transaction, parameters)) = self.waiting.take() {
            self.data_out.extend_from_slice(bytes);
            if self.data_out.len() < 12 || self.data_out.len() < number(&self.data_out[..4]) as usize {
                self.waiting = Some((operation, transaction, parameters));
                return Ok(());
            }
            let payload = self.data_out.split_off(12);
            self.data_out.clear();
            self.answer(operation, transaction, &parameters, &payload);
            return Ok(());
        }
        if bytes.is_empty() {
            return Ok(());
        }
        assert_eq!(number(&bytes[..4]) as usize, bytes.len(), "a command is one transfer");
        let operation = u16::from_le_bytes([bytes[6], bytes[7]]);
        let transaction = number(&bytes[8..12]);
        let parameters: Vec<u32> = bytes[12..].chunks(4).map(number).collect();
        self.log.borrow_mut().commands.push((operation, transaction, parameters.clone()));
        if matches!(operation, 0x100C | 0x100D | 0x1016 | 0x9804) {
            self.waiting = Some((operation, transaction, parameters));
        } else {
            self.answer(operation, transaction, &parameters, &[]);
        }
        Ok(())
    }

    fn bulk_in(&mut self, buffer: &mut Vec<u8>, max_bytes: usize, timeout_ms: u64) -> Result<(), LinkError> {
        self.step()?;
        buffer.clear();
        let mut transfer = match self.pending.pop_front() {
            None => return Err(LinkError::TimedOut(timeout_ms)),
            Some(result) => result?,
        };
        // A read that is filled to its limit leaves the rest of the transfer, or its empty packet, for the next.
        if transfer.len() >= max_bytes {
            self.pending.push_front(Ok(transfer.split_off(max_bytes)));
        }
        *buffer = transfer;
        Ok(())
    }

    fn interrupt_in(&mut self, _timeout_ms: u64) -> Result<Option<Vec<u8>>, LinkError> {
        Ok(None)
    }

    fn class_request(&mut self, request: &ClassRequest) -> Result<Vec<u8>, LinkError> {
        if *request == ClassRequest::DeviceReset {
            self.log.borrow_mut().resets += 1;
        }
        Ok(Vec::new())
    }

    fn clear_halt(&mut self) -> Result<(), LinkError> {
        self.log.borrow_mut().halts_cleared += 1;
        Ok(())
    }

    fn packet_bytes(&self) -> usize {
        self.packet_bytes
    }

    fn serial(&self) -> String {
        "USB1".to_owned()
    }

    fn usb_id(&self) -> (u16, u16) {
        (0x18D1, 0x4EE1)
    }
}

fn write_array(writer: &mut Writer, values: &[u16]) {
    writer.u32(values.len() as u32);
    values.iter().for_each(|value| writer.u16(*value));
}

/// A DeviceInfo dataset with these operations.
pub(crate) fn device_info(operations: &[u16]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.u16(100);
    writer.u32(6);
    writer.u16(100);
    writer.string("microsoft.com: 1.0; android.com: 1.0;").unwrap();
    writer.u16(0);
    write_array(&mut writer, operations);
    write_array(&mut writer, &[0x4002]);
    write_array(&mut writer, &[0xD402]);
    write_array(&mut writer, &[]);
    write_array(&mut writer, &[0x3000, 0x3001]);
    for text in ["Maker", "Model", "1", "SERIAL1"] {
        writer.string(text).unwrap();
    }
    writer.finish()
}

/// A StorageInfo dataset.
pub(crate) fn storage_info() -> Vec<u8> {
    let mut writer = Writer::default();
    writer.u16(3);
    writer.u16(2);
    writer.u16(0);
    writer.u64(1 << 33);
    writer.u64(1 << 32);
    writer.u32(0x4000_0000);
    writer.string("Internal storage").unwrap();
    writer.string("VOL1").unwrap();
    writer.finish()
}

/// An AUINT32 dataset.
pub(crate) fn handles(values: &[u32]) -> Vec<u8> {
    let mut writer = Writer::default();
    writer.u32(values.len() as u32);
    values.iter().for_each(|value| writer.u32(*value));
    writer.finish()
}
