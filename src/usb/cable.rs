//! One claimed MTP interface: transfers with time-outs, clear-halt and the class requests, as a [`Link`].
//!
//! It must not read a payload. Sources: USB Still Image Capture Device Definition (class requests 64, 66, 67); the
//! quirks of facts about devices, each a flag of the device's profile.

use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use rusb::{Context, Device, DeviceHandle};

use super::device::{MtpInterface, UsbDevice};
use super::events::EventReader;
use crate::mtp::{ClassRequest, Link, LinkError};
use crate::provider::Clock;

/// How a device departs from USB's rules; set by its profile.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CableQuirks {
    /// A driver of the kernel is detached from the interface whatever class it has. Without this flag that is done
    /// only where the interface is no storage, so that no mounted disk is pulled away.
    pub detach_kernel_driver: bool,
    /// The interface stays claimed until the program ends.
    pub never_release: bool,
    /// The device is reset when the cable is let go of.
    pub reset_on_close: bool,
    /// A device that is mute because the session was opened too late is reset by its port, which starts its time anew.
    pub reset_port: bool,
}

/// Class requests of the Still Image class: bRequest values.
const CANCEL_REQUEST: u8 = 0x64;
const DEVICE_RESET_REQUEST: u8 = 0x66;
const DEVICE_STATUS_REQUEST: u8 = 0x67;
/// Host to interface, class; and interface to host.
const REQUEST_OUT: u8 = 0x21;
const REQUEST_IN: u8 = 0xa1;
/// The code that stands in a Cancel request.
const CANCEL_CODE: u16 = 0x4001;
/// How long a class request may take, in milliseconds.
const CLASS_REQUEST_TIMEOUT_MS: u64 = 1_000;
/// How long an answer may take before events are read as well, in milliseconds.
const PATIENCE_MS: u64 = 100;
/// After a transfer error, how long the kernel may take to notice that the device is gone, in milliseconds.
const NOTICE_MS: u64 = 400;

/// A claimed interface. Dropping it releases the interface, except on devices that cannot bear that.
pub(super) struct Cable {
    handle: Arc<DeviceHandle<Context>>,
    interface: MtpInterface,
    quirks: CableQuirks,
    events: Option<EventReader>,
    node: PathBuf,
    serial: String,
    usb_id: (u16, u16),
    clock: Rc<dyn Clock>,
}

impl Cable {
    /// Opens `device` and claims its interface.
    pub(super) fn claim(
        device: &Device<Context>,
        described: &UsbDevice,
        interface: MtpInterface,
        quirks: CableQuirks,
        clock: Rc<dyn Clock>,
    ) -> Result<Self, rusb::Error> {
        let handle = device.open()?;
        let active = handle.active_configuration().unwrap_or(interface.configuration);
        if active != interface.configuration {
            handle.set_active_configuration(interface.configuration)?;
        }
        // usbfs itself counts as no driver here; another program's claim still says "busy" below.
        let is_ours_to_detach = quirks.detach_kernel_driver || !is_storage(device, interface.number);
        if is_ours_to_detach && handle.kernel_driver_active(interface.number).unwrap_or(false) {
            handle.detach_kernel_driver(interface.number)?;
        }
        handle.claim_interface(interface.number)?;
        if interface.alternate != 0 {
            handle.set_alternate_setting(interface.number, interface.alternate)?;
        }
        let handle = Arc::new(handle);
        Ok(Self {
            handle,
            interface,
            quirks,
            events: None,
            node: described.node(),
            serial: described.serial.clone(),
            usb_id: described.usb_id,
            clock,
        })
    }

    /// Begins to read events, if there are any to be had and nobody reads them yet. Two threads on one device make each
    /// transfer dearer, so that it is begun only when somebody asks for events, or an answer is a long time coming.
    fn heed_events(&mut self) {
        if self.events.is_none() {
            let handle = &self.handle;
            let endpoint = self.interface.interrupt_in;
            self.events = endpoint.map(|endpoint| EventReader::start(Arc::clone(handle), endpoint));
        }
    }

    /// What an error of a transfer means. A pulled cable shows itself as one of several errors some milliseconds before
    /// the kernel takes the device away; it must not be taken for a bad transfer, which would be tried again.
    fn failed(&self, error: rusb::Error, timeout_ms: u64) -> LinkError {
        match error {
            rusb::Error::NoDevice | rusb::Error::NotFound => LinkError::Gone,
            rusb::Error::Timeout if self.node.exists() => LinkError::TimedOut(timeout_ms),
            rusb::Error::Timeout => LinkError::Gone,
            _ if self.goes_soon() => LinkError::Gone,
            rusb::Error::Pipe => LinkError::Stalled,
            rusb::Error::Access => LinkError::Refused(String::from("no permission")),
            other => LinkError::Refused(other.to_string()),
        }
    }

    fn elapsed_ms(&self, since_us: u64) -> u64 {
        self.clock.steady_us().saturating_sub(since_us) / 1_000
    }

    fn goes_soon(&self) -> bool {
        const LOOK_EVERY_MS: u64 = 20;
        for _ in 0..NOTICE_MS / LOOK_EVERY_MS {
            if !self.node.exists() {
                return true;
            }
            self.clock.sleep_ms(LOOK_EVERY_MS);
        }
        false
    }

    /// Asks for a class request whose answer, if any, is short.
    fn control(&self, request: &ClassRequest) -> Result<Vec<u8>, rusb::Error> {
        let timeout = Duration::from_millis(CLASS_REQUEST_TIMEOUT_MS);
        let index = u16::from(self.interface.number);
        match request {
            ClassRequest::Cancel { transaction } => {
                let mut payload = CANCEL_CODE.to_le_bytes().to_vec();
                payload.extend_from_slice(&transaction.to_le_bytes());
                self.handle.write_control(REQUEST_OUT, CANCEL_REQUEST, 0, index, &payload, timeout)?;
                Ok(Vec::new())
            }
            ClassRequest::DeviceReset => {
                self.handle.write_control(REQUEST_OUT, DEVICE_RESET_REQUEST, 0, index, &[], timeout)?;
                Ok(Vec::new())
            }
            ClassRequest::DeviceStatus => {
                let mut answer = vec![0_u8; 64];
                let count = self.handle.read_control(
                    REQUEST_IN,
                    DEVICE_STATUS_REQUEST,
                    0,
                    index,
                    &mut answer,
                    timeout,
                )?;
                answer.truncate(count);
                Ok(answer)
            }
        }
    }

    /// Resets the device's port, after which the interface must be claimed again.
    fn reset_and_claim(&self) -> Result<(), rusb::Error> {
        self.handle.reset()?;
        match self.handle.claim_interface(self.interface.number) {
            // The claim lives on where the device came back as it was.
            Ok(()) | Err(rusb::Error::Busy) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Whether an interface has the storage class, or the kernel's driver for disks may be on it.
fn is_storage(device: &Device<Context>, number: u8) -> bool {
    const STORAGE_CLASS: u8 = 0x08;
    device.active_config_descriptor().is_ok_and(|configuration| {
        configuration
            .interfaces()
            .flat_map(|interface| interface.descriptors().collect::<Vec<_>>())
            .any(|setting| setting.interface_number() == number && setting.class_code() == STORAGE_CLASS)
    })
}

/// libusb takes 0 for "for ever".
fn duration(timeout_ms: u64) -> Duration {
    Duration::from_millis(timeout_ms.max(1))
}

impl Link for Cable {
    fn bulk_out(&mut self, bytes: &[u8], timeout_ms: u64) -> Result<(), LinkError> {
        let written = self
            .handle
            .write_bulk(self.interface.bulk_out, bytes, duration(timeout_ms))
            .map_err(|error| self.failed(error, timeout_ms))?;
        // libusb reports a transfer that ran out of time half-way by its length.
        if written == bytes.len() { Ok(()) } else { Err(self.failed(rusb::Error::Timeout, timeout_ms)) }
    }

    fn bulk_in(&mut self, buffer: &mut Vec<u8>, max_bytes: usize, timeout_ms: u64) -> Result<(), LinkError> {
        let packet_bytes = self.interface.packet_bytes;
        // A buffer that is no multiple of the packets would overflow where the phone sends more than is wanted.
        buffer.resize(max_bytes.next_multiple_of(packet_bytes), 0);
        let mut filled = 0;
        let started_us = self.clock.steady_us();
        loop {
            let left_ms = timeout_ms.saturating_sub(self.elapsed_ms(started_us));
            // An answer that does not come at once may be held up by an event that nobody has read: umtp-responder says
            // nothing more until it is.
            let may_be_held_up = self.events.is_none() && self.interface.interrupt_in.is_some();
            let allowed_ms = if may_be_held_up { left_ms.min(PATIENCE_MS) } else { left_ms };
            let free = buffer.get_mut(filled..).unwrap_or_default();
            let free_bytes = free.len();
            let began_us = self.clock.steady_us();
            match self.handle.read_bulk(self.interface.bulk_in, free, duration(allowed_ms)) {
                Ok(count) => {
                    filled += count;
                    // Whole packets without an end can be a transfer that ran out of time, which libusb does not tell.
                    let ran_out = self.elapsed_ms(began_us) >= allowed_ms;
                    let is_cut = ran_out && count < free_bytes && count.is_multiple_of(packet_bytes);
                    if !is_cut || count == 0 || left_ms == 0 {
                        break;
                    }
                }
                Err(rusb::Error::Timeout) if allowed_ms < left_ms => {}
                Err(rusb::Error::Timeout) if filled > 0 => break,
                Err(error) => {
                    buffer.clear();
                    return Err(self.failed(error, timeout_ms));
                }
            }
            self.heed_events();
        }
        buffer.truncate(filled);
        Ok(())
    }

    fn interrupt_in(&mut self, timeout_ms: u64) -> Result<Option<Vec<u8>>, LinkError> {
        self.heed_events();
        let Some(events) = &self.events else {
            self.clock.sleep_ms(timeout_ms);
            return Ok(None);
        };
        match events.next(timeout_ms) {
            None if !self.node.exists() => Err(LinkError::Gone),
            event => Ok(event),
        }
    }

    fn class_request(&mut self, request: &ClassRequest) -> Result<Vec<u8>, LinkError> {
        let is_reset = *request == ClassRequest::DeviceReset;
        if is_reset && self.quirks.reset_port {
            self.reset_and_claim().map_err(|error| self.failed(error, CLASS_REQUEST_TIMEOUT_MS))?;
            return Ok(Vec::new());
        }
        self.control(request).map_err(|error| self.failed(error, CLASS_REQUEST_TIMEOUT_MS))
    }

    fn clear_halt(&mut self) -> Result<(), LinkError> {
        for endpoint in [self.interface.bulk_in, self.interface.bulk_out] {
            self.handle.clear_halt(endpoint).map_err(|error| self.failed(error, CLASS_REQUEST_TIMEOUT_MS))?;
        }
        Ok(())
    }

    fn reset_port(&mut self) -> Result<(), LinkError> {
        self.reset_and_claim().map_err(|error| self.failed(error, CLASS_REQUEST_TIMEOUT_MS))
    }

    fn is_gone(&self) -> bool {
        !self.node.exists()
    }

    fn packet_bytes(&self) -> usize {
        self.interface.packet_bytes
    }

    fn serial(&self) -> String {
        self.serial.clone()
    }

    fn usb_id(&self) -> (u16, u16) {
        self.usb_id
    }
}

impl Drop for Cable {
    fn drop(&mut self) {
        if let Some(events) = &self.events {
            events.dismiss();
        }
        if self.quirks.never_release {
            // The kernel releases it with the process.
            std::mem::forget(Arc::clone(&self.handle));
            return;
        }
        // Releasing makes the kernel give up the read of an event that is under way, and with it the thread. Errors do
        // not matter here: a device that is gone has nothing left to release.
        let _ = self.handle.release_interface(self.interface.number);
        if let Some(events) = &mut self.events {
            events.join();
        }
        if self.quirks.reset_on_close {
            let _ = self.handle.reset();
        }
    }
}
