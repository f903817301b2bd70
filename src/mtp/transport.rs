//! One transaction at a time over a [`Link`]: command, optional data out or in, response (PTP over USB; MTP 1.1
//! section 3).
//!
//! All time-outs of the room are in [`Timeouts`]. This file must not retry: what to do about a response is decided
//! in `session`.

use super::code::operation;
use super::container::{self, ContainerKind, Header};
use super::error::MtpError;
use super::inbound::{Fault, Inbound, Payload};
use super::link::{ClassRequest, Link, LinkError};
use super::statistics::Statistics;

/// How long a transfer may take, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Until a session is open; a mute phone shows itself here.
    pub open_ms: u64,
    /// Most operations.
    pub default_ms: u64,
    /// Operations that a phone may think about: listings, writes, deletions.
    pub long_ms: u64,
    /// Waiting for leftovers of an earlier session; this long is lost when there are none.
    pub drain_ms: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { open_ms: 5_000, default_ms: 20_000, long_ms: 60_000, drain_ms: 50 }
    }
}

impl Timeouts {
    /// The time allowed for each transfer of an operation.
    const fn of(&self, operation: u16) -> u64 {
        match operation {
            operation::OPEN_SESSION | operation::CLOSE_SESSION => self.open_ms,
            operation::GET_OBJECT_HANDLES
            | operation::GET_OBJECT_PROP_LIST
            | operation::SEND_OBJECT_INFO
            | operation::SEND_OBJECT
            | operation::DELETE_OBJECT
            | operation::SET_OBJECT_PROP_VALUE => self.long_ms,
            _ => self.default_ms,
        }
    }
}

/// How a known device departs from the protocol; set by its profile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Quirks {
    /// Codes and transaction ids in data and response headers are junk and are not checked.
    pub junk_headers: bool,
    /// A data phase's header and payload must be sent in separate transfers.
    pub split_writes: bool,
    /// GetObjectPropList is never tried.
    pub no_property_list: bool,
    /// Objects whose transfer is a multiple of 64 bytes must not be sent.
    pub no_whole_64_bytes: bool,
}

/// The data phase of a transaction.
#[derive(Clone, Copy)]
pub(super) enum DataPhase<'a> {
    /// None.
    None,
    /// The initiator sends these bytes.
    Out(&'a [u8]),
    /// The responder sends; at most this many bytes are kept.
    In(usize),
}

/// What came back.
pub(super) struct Reply {
    /// The response code.
    pub(super) code: u16,
    /// The response's parameters.
    pub(super) parameters: Vec<u32>,
    /// The data, empty if there was no data phase.
    pub(super) payload: Payload,
}

/// A link with the state that lasts from transaction to transaction.
pub(super) struct Transport {
    link: Box<dyn Link>,
    inbound: Inbound,
    outbound: Vec<u8>,
    timeouts: Timeouts,
    quirks: Quirks,
    /// Why the two sides are out of step; nothing further can be sent.
    broken: Option<MtpError>,
    /// True after a halt: what the responder still had to say is dropped before the next command.
    drain_first: bool,
    /// True until the first transaction inside a session succeeded: containers of an earlier session are skipped.
    skip_stale: bool,
    /// What the transactions cost.
    pub(super) statistics: Statistics,
}

/// How often a halted endpoint is cleared while leftovers are dropped.
const MAX_HALTS: usize = 3;
/// How many stale containers are skipped while a session opens.
const MAX_STALE_CONTAINERS: usize = 10_000;

impl Transport {
    pub(super) fn new(link: Box<dyn Link>, timeouts: Timeouts, quirks: Quirks) -> Self {
        Self {
            link,
            inbound: Inbound::default(),
            outbound: Vec::new(),
            timeouts,
            quirks,
            broken: None,
            drain_first: false,
            skip_stale: true,
            statistics: Statistics::default(),
        }
    }

    pub(super) fn link(&mut self) -> &mut dyn Link {
        self.link.as_mut()
    }

    pub(super) fn serial(&self) -> String {
        self.link.serial()
    }

    pub(super) fn usb_id(&self) -> (u16, u16) {
        self.link.usb_id()
    }

    pub(super) const fn quirks(&self) -> Quirks {
        self.quirks
    }

    /// True if nothing further can be sent.
    pub(super) const fn is_broken(&self) -> bool {
        self.broken.is_some()
    }

    /// Reads and drops what an earlier transaction left in the bulk-in endpoint.
    ///
    /// # Errors
    /// When the device is gone or held.
    pub(super) fn drain(&mut self) -> Result<(), MtpError> {
        self.inbound.clear();
        self.drain_first = false;
        let mut leftover = Vec::new();
        let mut halts = 0;
        for _ in 0..MAX_STALE_CONTAINERS {
            match self.link.bulk_in(&mut leftover, 64 * 1024, self.timeouts.drain_ms) {
                Ok(()) => {}
                Err(LinkError::TimedOut(_)) => return Ok(()),
                // One that halts again at once waits for something else; asking on would never come to an end.
                Err(LinkError::Stalled) if halts < MAX_HALTS => {
                    halts += 1;
                    self.clear_halt()?;
                }
                Err(error) => return Err(MtpError::from_link(error, "drain")),
            }
        }
        Err(MtpError::Protocol("the phone does not stop sending".to_owned()))
    }

    fn clear_halt(&mut self) -> Result<(), MtpError> {
        self.link.clear_halt().map_err(|error| MtpError::from_link(error, "clear halt"))
    }

    /// Puts both sides back into the state after connecting: Device Reset, halts cleared, leftovers dropped.
    ///
    /// # Errors
    /// When the device is gone.
    pub(super) fn reset(&mut self) -> Result<(), MtpError> {
        match self.link.class_request(&ClassRequest::DeviceReset) {
            // A responder that does not know the request stalls it, or says nothing; clearing the halts helps it too.
            Ok(_) | Err(LinkError::Stalled | LinkError::TimedOut(_) | LinkError::Refused(_)) => {}
            Err(error) => return Err(MtpError::from_link(error, "device reset")),
        }
        self.clear_halt()?;
        self.broken = None;
        self.skip_stale = true;
        self.drain()
    }

    /// Puts the device into the state after plugging in by resetting its port; false where there is none to reset.
    ///
    /// # Errors
    /// When the device is gone.
    pub(super) fn reset_port(&mut self) -> Result<bool, MtpError> {
        match self.link.reset_port() {
            Ok(()) => {}
            Err(LinkError::Gone) => return Err(MtpError::Disconnected),
            Err(_) => return Ok(false),
        }
        self.broken = None;
        self.skip_stale = true;
        self.drain()?;
        Ok(true)
    }

    /// Runs one transaction.
    ///
    /// # Errors
    /// When the link fails or the responder breaks the protocol; a response code other than OK is no error here.
    pub(super) fn transact(
        &mut self,
        operation: u16,
        transaction: u32,
        parameters: &[u32],
        phase: DataPhase<'_>,
    ) -> Result<Reply, MtpError> {
        if let Some(error) = &self.broken {
            return Err(error.clone());
        }
        if self.drain_first
            && let Err(error) = self.drain()
        {
            self.broken = Some(error.clone());
            return Err(error);
        }
        self.statistics.begin(operation);
        let result = self.exchange(operation, transaction, parameters, phase);
        self.statistics.count_in(operation, self.inbound.take_count());
        match result {
            Ok(reply) => {
                if transaction != 0 {
                    self.skip_stale = false;
                }
                Ok(reply)
            }
            Err(fault) => Err(self.fail(fault, operation::name(operation))),
        }
    }

    /// Turns a fault into an error and remembers what it means for the next transaction.
    fn fail(&mut self, fault: Fault, operation: &'static str) -> MtpError {
        self.inbound.clear();
        let error = match fault {
            Fault::Link(LinkError::Stalled) => {
                self.drain_first = true;
                match self.clear_halt() {
                    Ok(()) => return MtpError::Stalled(operation),
                    Err(error) => error,
                }
            }
            Fault::Link(error) => MtpError::from_link(error, operation),
            Fault::Header(error) => MtpError::Protocol(format!("{operation}: {error}")),
            Fault::Broken(what) => MtpError::Protocol(format!("{operation}: {what}")),
        };
        self.broken = Some(error.clone());
        error
    }

    fn exchange(
        &mut self,
        operation: u16,
        transaction: u32,
        parameters: &[u32],
        phase: DataPhase<'_>,
    ) -> Result<Reply, Fault> {
        let timeout_ms = self.timeouts.of(operation);
        let command = container::command(operation, transaction, parameters);
        self.send(operation, &command, timeout_ms)?;
        if let DataPhase::Out(payload) = phase {
            self.send_data(operation, transaction, payload, timeout_ms)?;
        }
        self.receive(operation, transaction, phase, timeout_ms)
    }

    /// Sends one transfer, closed with an empty packet if its length is a multiple of the packet size.
    fn send(&mut self, operation: u16, bytes: &[u8], timeout_ms: u64) -> Result<(), Fault> {
        self.link.bulk_out(bytes, timeout_ms)?;
        self.statistics.count_out(operation, bytes.len());
        let packet_bytes = self.link.packet_bytes().max(1);
        if !bytes.is_empty() && bytes.len().is_multiple_of(packet_bytes) {
            self.link.bulk_out(&[], timeout_ms)?;
        }
        Ok(())
    }

    fn send_data(
        &mut self,
        operation: u16,
        transaction: u32,
        payload: &[u8],
        timeout_ms: u64,
    ) -> Result<(), Fault> {
        let header = container::data_header(operation, transaction, payload.len());
        if self.quirks.split_writes {
            self.send(operation, &header, timeout_ms)?;
            return if payload.is_empty() { Ok(()) } else { self.send(operation, payload, timeout_ms) };
        }
        let mut joined = std::mem::take(&mut self.outbound);
        joined.clear();
        joined.reserve(header.len() + payload.len());
        joined.extend_from_slice(&header);
        joined.extend_from_slice(payload);
        let result = self.send(operation, &joined, timeout_ms);
        self.outbound = joined;
        result
    }

    fn receive(
        &mut self,
        operation: u16,
        transaction: u32,
        phase: DataPhase<'_>,
        timeout_ms: u64,
    ) -> Result<Reply, Fault> {
        let mut payload = None;
        let mut stale = 0;
        loop {
            let header = match self.inbound.header(self.link.as_mut(), timeout_ms) {
                Ok(header) if self.belongs(&header, operation, transaction) => header,
                Ok(_) | Err(Fault::Header(_)) if self.skip_stale && stale < MAX_STALE_CONTAINERS => {
                    stale += 1;
                    self.inbound.drop_transfer(self.link.as_mut(), timeout_ms)?;
                    continue;
                }
                Ok(header) => return Err(Fault::Broken(Self::mismatch(&header, transaction))),
                Err(fault) => return Err(fault),
            };
            match (header.kind, phase) {
                (ContainerKind::Response, _) => {
                    let parameters = self.inbound.parameters(self.link.as_mut(), &header, timeout_ms)?;
                    let payload = payload.unwrap_or_default();
                    return Ok(Reply { code: header.code, parameters, payload });
                }
                (ContainerKind::Data, DataPhase::In(keep_bytes)) if payload.is_none() => {
                    let link = self.link.as_mut();
                    payload = Some(self.inbound.payload(link, &header, keep_bytes, timeout_ms)?);
                }
                _ => return Err(Fault::Broken("data came where none belongs")),
            }
        }
    }

    /// True if a container belongs to the running transaction.
    fn belongs(&self, header: &Header, operation: u16, transaction: u32) -> bool {
        let is_kind = matches!(header.kind, ContainerKind::Data | ContainerKind::Response);
        let is_code = header.kind == ContainerKind::Response || header.code == operation;
        is_kind && (self.quirks.junk_headers || (header.transaction == transaction && is_code))
    }

    const fn mismatch(header: &Header, transaction: u32) -> &'static str {
        match header.kind {
            ContainerKind::Command | ContainerKind::Event => {
                "a command or an event came on the bulk endpoint"
            }
            _ if header.transaction != transaction => "an answer with another transaction id",
            _ => "data with another operation code",
        }
    }
}
