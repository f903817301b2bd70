//! A session with a responder: opening with recovery, one call with back-off, closing (MTP 1.1 section 4).
//!
//! What the operations mean is in `operations`, what a folder holds in `folder`. This file must not know objects.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::code::{operation, response};
use super::container::{ContainerKind, HEADER_BYTES, Header};
use super::dataset_device::DeviceInfo;
use super::error::MtpError;
use super::folder::ListingMethod;
use super::link::Link;
use super::statistics::Statistics;
use super::transport::{DataPhase, Quirks, Reply, Timeouts, Transport};
use crate::provider::{Clock, Interrupt};

/// The session id sent with OpenSession; any number but 0.
const SESSION_ID: u32 = 1;
/// Waits between repeats after DeviceBusy, in milliseconds; after the last one the error is [`MtpError::Busy`].
const BUSY_WAITS_MS: [u64; 7] = [100, 200, 400, 800, 1_600, 3_200, 5_000];
/// The most bytes of a dataset; a property list of 100,000 objects has about 40 MB.
const MAX_DATASET_BYTES: usize = 128 << 20;

/// What a caller may choose, and what it remembers of a device from earlier sessions.
#[derive(Debug, Clone, Default)]
pub struct SessionOptions {
    /// How long transfers may take.
    pub timeouts: Timeouts,
    /// How the device departs from the protocol.
    pub quirks: Quirks,
    /// How listings worked in earlier sessions: what [`Session::listing_method`] said last.
    pub listing_method: ListingMethod,
    /// The person's wish to stop. It is looked for before each transaction, and while a busy phone is waited for.
    pub interrupt: Interrupt,
}

/// An event from the interrupt endpoint. A hint only: events get lost, and a responder sends none for many changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// The event code.
    pub code: u16,
    /// Up to three parameters.
    pub parameters: Vec<u32>,
}

/// An open session. Dropping it closes it as well as it can; [`Session::close`] also tells whether that worked.
pub struct Session {
    pub(super) transport: Transport,
    clock: Rc<dyn Clock>,
    interrupt: Interrupt,
    next_transaction: u32,
    is_open: bool,
    device_info: DeviceInfo,
    /// Operations that answered 2005 in this session.
    absent: BTreeSet<u16>,
    pub(super) listing_method: ListingMethod,
    /// True once a listing of the root level with parent FFFFFFFF was refused.
    pub(super) root_parent_is_zero: bool,
    /// How many storages GetStorageIDs gave; 0 before it was asked.
    pub(super) storage_count: usize,
}

impl Session {
    /// Opens a session: OpenSession and GetDeviceInfo.
    ///
    /// A session left open (201E) is closed first. If an answer makes no sense, leftovers of an earlier session are
    /// dropped and it is asked again. A responder that does not answer, or still answers nonsense, is reset: by the
    /// class request, and if that is no help by its port.
    ///
    /// # Errors
    /// When the device is gone, held, busy for more than 11 s, mute, or refuses.
    pub fn open(
        link: Box<dyn Link>,
        clock: Rc<dyn Clock>,
        options: &SessionOptions,
    ) -> Result<Self, MtpError> {
        let mut session = Self {
            transport: Transport::new(link, options.timeouts, options.quirks),
            clock,
            interrupt: options.interrupt.clone(),
            next_transaction: 1,
            is_open: false,
            device_info: DeviceInfo::default(),
            absent: BTreeSet::new(),
            listing_method: options.listing_method,
            root_parent_is_zero: false,
            storage_count: 0,
        };
        match session.start() {
            // Most likely an earlier run left bytes on the way. Looking for them costs a wait, so it is done only now.
            Err(error) if leftovers_may_explain(&error) => {
                session.is_open = false;
                session.transport.drain()?;
                match session.start() {
                    Err(error) if reset_may_help(&error) => session.reset_and_start()?,
                    result => result?,
                }
            }
            Err(error) if reset_may_help(&error) => session.reset_and_start()?,
            result => result?,
        }
        Ok(session)
    }

    fn reset_and_start(&mut self) -> Result<(), MtpError> {
        self.is_open = false;
        let result = self.transport.reset().and_then(|()| self.start());
        match result {
            // umtp-responder 1.3 goes on waiting for the rest of what an earlier run was sending when it was killed, and
            // does not know the class request.
            Err(error) if reset_may_help(&error) => {
                self.is_open = false;
                match self.transport.reset_port() {
                    Ok(true) => self.start(),
                    Ok(false) => Err(error),
                    Err(worse) => Err(worse),
                }
            }
            result => result,
        }
    }

    fn start(&mut self) -> Result<(), MtpError> {
        self.absent.clear();
        match self.send_open_session() {
            Err(MtpError::Response { code: response::SESSION_ALREADY_OPEN, .. }) => {
                // An earlier run died with its session open. Its CloseSession may be refused; opening again tells.
                match self.call(operation::CLOSE_SESSION, &[], DataPhase::None) {
                    Err(error) if error.ends_session() && error != MtpError::SessionLost => {
                        return Err(error);
                    }
                    _ => self.send_open_session()?,
                }
            }
            result => result?,
        }
        self.is_open = true;
        // Only now: some responders answer GetDeviceInfo with 2003 outside a session.
        let reply = self.call_for_data(operation::GET_DEVICE_INFO, &[])?;
        self.device_info = DeviceInfo::decode(&reply)?;
        Ok(())
    }

    fn send_open_session(&mut self) -> Result<(), MtpError> {
        self.next_transaction = 1;
        self.call(operation::OPEN_SESSION, &[SESSION_ID], DataPhase::None).map(|_| ())
    }

    /// What the responder says of itself.
    #[must_use]
    pub const fn device_info(&self) -> &DeviceInfo {
        &self.device_info
    }

    /// The device's serial number: the USB one, or else the one in DeviceInfo; empty if it has none.
    #[must_use]
    pub fn serial(&self) -> String {
        let serial = self.transport.serial();
        if serial.is_empty() { self.device_info.serial.clone() } else { serial }
    }

    /// The USB vendor and product id; zeros if there is no USB.
    #[must_use]
    pub fn usb_id(&self) -> (u16, u16) {
        self.transport.usb_id()
    }

    /// True if the responder lists an operation and has not answered 2005 to it in this session.
    #[must_use]
    pub fn supports(&self, operation: u16) -> bool {
        self.device_info.operations.contains(&operation) && !self.absent.contains(&operation)
    }

    /// True as long as the two sides are in step; false after a time-out, a pulled cable or broken framing.
    #[must_use]
    pub const fn is_usable(&self) -> bool {
        self.is_open && !self.transport.is_broken()
    }

    /// How listings work on this device, as far as this session found out: for the caller to remember and to give
    /// to the next session in [`SessionOptions::listing_method`]. Worth asking after a failure too, because a
    /// property list that hangs the phone is remembered as well.
    #[must_use]
    pub const fn listing_method(&self) -> ListingMethod {
        self.listing_method
    }

    /// What the session cost so far.
    #[must_use]
    pub const fn statistics(&self) -> &Statistics {
        &self.transport.statistics
    }

    /// The next event, or `None` if none comes within `timeout_ms` milliseconds. A container that is no event is
    /// skipped, because events are hints.
    ///
    /// # Errors
    /// When the device is gone.
    pub fn next_event(&mut self, timeout_ms: u64) -> Result<Option<Event>, MtpError> {
        let received = self.transport.link().interrupt_in(timeout_ms);
        let bytes = received.map_err(|error| MtpError::from_link(error, "event"))?;
        Ok(bytes.and_then(|bytes| {
            let header = Header::decode(&bytes).ok().filter(|header| header.kind == ContainerKind::Event)?;
            let tail = bytes.get(HEADER_BYTES..header.length as usize)?;
            Some(Event { code: header.code, parameters: super::container::parameters(tail) })
        }))
    }

    /// Closes the session.
    ///
    /// # Errors
    /// When the responder did not confirm; the session is over all the same.
    pub fn close(&mut self) -> Result<(), MtpError> {
        if !std::mem::take(&mut self.is_open) {
            return Ok(());
        }
        self.call(operation::CLOSE_SESSION, &[], DataPhase::None).map(|_| ())
    }

    /// The next transaction id; 0 and FFFFFFFF are never used inside a session.
    const fn take_transaction(&mut self) -> u32 {
        let transaction = self.next_transaction;
        self.next_transaction = match transaction {
            0xFFFF_FFFE.. => 1,
            _ => transaction + 1,
        };
        transaction
    }

    #[cfg(test)]
    pub(super) const fn set_next_transaction(&mut self, transaction: u32) {
        self.next_transaction = transaction;
    }

    /// Runs an operation until the responder is no longer busy, and turns every response but OK into an error.
    ///
    /// # Errors
    /// When the link fails or the responder refuses.
    pub(super) fn call(
        &mut self,
        operation: u16,
        parameters: &[u32],
        phase: DataPhase<'_>,
    ) -> Result<Reply, MtpError> {
        if self.absent.contains(&operation) {
            return Err(MtpError::NotSupported(operation));
        }
        // An announced object and its content are one transaction: a responder that was told of content and gets none may
        // end the machine (QEMU), or keep an empty file. And whatever was begun ends with a closed session.
        let belongs_to_the_last = matches!(operation, operation::SEND_OBJECT | operation::CLOSE_SESSION);
        let mut waits_ms = BUSY_WAITS_MS.into_iter();
        loop {
            if !belongs_to_the_last && self.interrupt.has_come() {
                return Err(MtpError::Interrupted);
            }
            let transaction = if operation == operation::OPEN_SESSION { 0 } else { self.take_transaction() };
            let reply = self.transport.transact(operation, transaction, parameters, phase)?;
            match reply.code {
                response::OK => return Ok(reply),
                // SendObject is tied to the SendObjectInfo before it, so that it cannot be repeated alone.
                response::DEVICE_BUSY if operation != operation::SEND_OBJECT => {
                    let Some(wait_ms) = waits_ms.next() else { return Err(MtpError::Busy) };
                    self.wait(wait_ms)?;
                    self.transport.statistics.count_retry(operation);
                }
                response::OPERATION_NOT_SUPPORTED => {
                    self.absent.insert(operation);
                    return Err(MtpError::NotSupported(operation));
                }
                code => return Err(MtpError::from_response(operation, code)),
            }
        }
    }

    /// Waits, and notices within a quarter of a second that the phone is gone.
    fn wait(&mut self, duration_ms: u64) -> Result<(), MtpError> {
        const SLICE_MS: u64 = 250;
        let mut left_ms = duration_ms;
        while left_ms > 0 {
            let slice_ms = left_ms.min(SLICE_MS);
            self.clock.sleep_ms(slice_ms);
            left_ms -= slice_ms;
            if self.transport.link().is_gone() {
                return Err(MtpError::Disconnected);
            }
            if self.interrupt.has_come() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Runs an operation that answers with a dataset.
    ///
    /// # Errors
    /// As [`Self::call`], and when the data ended early or is too long.
    pub(super) fn call_for_data(&mut self, operation: u16, parameters: &[u32]) -> Result<Vec<u8>, MtpError> {
        let reply = self.call(operation, parameters, DataPhase::In(MAX_DATASET_BYTES))?;
        if !reply.payload.is_complete && reply.payload.total_bytes > 0 {
            return Err(MtpError::Protocol("a data phase ended early".to_owned()));
        }
        if reply.payload.total_bytes > reply.payload.bytes.len() as u64 {
            return Err(MtpError::Protocol("a dataset of more than 128 MiB".to_owned()));
        }
        Ok(reply.payload.bytes)
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A session left open would cost the next run its recovery; nobody is left to hear of a failure.
        if !self.transport.is_broken() {
            let _ = self.close();
        }
    }
}

/// True if bytes that an earlier session left on the way may be what was read instead of an answer.
const fn leftovers_may_explain(error: &MtpError) -> bool {
    matches!(error, MtpError::Protocol(_) | MtpError::SessionLost | MtpError::Response { .. })
}

/// True if a device reset may cure what went wrong while a session opened.
const fn reset_may_help(error: &MtpError) -> bool {
    matches!(
        error,
        MtpError::TimedOut { .. }
            | MtpError::Stalled(_)
            | MtpError::Protocol(_)
            | MtpError::Refused(_)
            | MtpError::SessionLost
            | MtpError::Response { .. }
    )
}
