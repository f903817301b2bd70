//! The cable to the simulated phone: a [`Link`] that cuts containers into transfers and packets as the phone does,
//! counts what goes over, and lets the planned faults happen.
//!
//! It must not know what an operation means; it hands whole containers to the responder.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use crate::mtp::code::{operation, response};
use crate::mtp::{ClassRequest, Link, LinkError};

use super::device::Phone;
use super::fault::{Fault, FaultKind, FaultPlan, FaultRunner};
use super::personality::HeaderWanted;
use super::port::Port;
use super::responder::{Answer, Command, takes_data};
use super::shorten::shorten;
use super::trace::{Direction, SharedTrace, Trace};
use super::wire::{HEADER_BYTES, Header, container_of_parameters, kind};

/// The PC's end of the cable to a [`Phone`].
pub struct SimLink {
    phone: Phone,
    plug: u64,
    faults: FaultRunner,
    trace: SharedTrace,
    containers: u64,
    bytes_out: u64,
    bytes_in: u64,
    /// What the faults do to the transaction under way.
    meddling: Vec<FaultKind>,
}

impl fmt::Debug for SimLink {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("SimLink")
            .field("phone", &self.phone)
            .field("containers", &self.containers)
            .finish_non_exhaustive()
    }
}

impl SimLink {
    pub(super) fn new(phone: Phone, plug: u64, faults: FaultPlan) -> Self {
        Self {
            phone,
            plug,
            faults: FaultRunner::new(faults),
            trace: Rc::new(RefCell::new(Trace::default())),
            containers: 0,
            bytes_out: 0,
            bytes_in: 0,
            meddling: Vec::new(),
        }
    }

    /// What goes over this link; it can be kept and read when the link is gone.
    #[must_use]
    pub fn trace(&self) -> SharedTrace {
        Rc::clone(&self.trace)
    }

    /// The phone at the other end.
    #[must_use]
    pub fn phone(&self) -> Phone {
        self.phone.clone()
    }

    /// What goes wrong from now on, counted from now; what was planned before does not happen any more.
    #[cfg(feature = "gadget")]
    pub(super) fn plan(&mut self, faults: FaultPlan) {
        self.faults = FaultRunner::new(faults);
        self.containers = 0;
        self.bytes_out = 0;
        self.bytes_in = 0;
    }

    /// The next event that the phone has ready, without looking for further ones.
    pub(super) fn next_event(&mut self) -> Result<Option<Vec<u8>>, LinkError> {
        let event = self.phone.device.borrow_mut().events.pop_front();
        let Some((code, parameters)) = event else { return Ok(None) };
        self.begin_container()?;
        let bytes = container_of_parameters(kind::EVENT, code, 0, &parameters);
        self.trace.borrow_mut().container(self.containers, Direction::Event, &bytes);
        Ok(Some(bytes))
    }

    fn check(&self) -> Result<(), LinkError> {
        let device = self.phone.device.borrow();
        if !device.is_plugged || device.plug != self.plug {
            Err(LinkError::Gone)
        } else if device.port.is_halted {
            Err(LinkError::Stalled)
        } else {
            Ok(())
        }
    }

    fn cut(&self) -> LinkError {
        self.phone.unplug();
        LinkError::Gone
    }

    fn wait(&self, timeout_ms: u64) -> LinkError {
        let clock = Rc::clone(&self.phone.device.borrow().clock);
        clock.sleep_ms(timeout_ms);
        LinkError::TimedOut(timeout_ms)
    }

    /// Counts a container that is about to move and lets happen what is planned for it.
    fn begin_container(&mut self) -> Result<(), LinkError> {
        self.containers = self.containers.saturating_add(1);
        let hooks = self.phone.hooks.borrow_mut().remove(&self.containers).unwrap_or_default();
        for hook in hooks {
            hook();
        }
        self.check()?;
        for fault in self.faults.at_container(self.containers) {
            self.fire(fault)?;
        }
        Ok(())
    }

    /// Lets a fault happen that is not about one transaction's content; the others are noted for it.
    fn fire(&mut self, fault: Fault) -> Result<(), LinkError> {
        self.trace.borrow_mut().marks.push(fault.to_string());
        let mut device = self.phone.device.borrow_mut();
        match fault.kind {
            FaultKind::Cut => {
                drop(device);
                return Err(self.cut());
            }
            FaultKind::Stall => return Err(device.halt()),
            FaultKind::Mute => device.port.is_mute = true,
            FaultKind::Lock => device.set_locked(true),
            FaultKind::Unlock => device.set_locked(false),
            FaultKind::Busy(times) => device.port.busy = times,
            FaultKind::Delay(duration_ms) => {
                let now_us = device.clock.steady_us();
                device.port.ready_at_us = now_us.saturating_add(duration_ms.saturating_mul(1000));
            }
            other => self.meddling.push(other),
        }
        Ok(())
    }

    /// Takes a transfer's bytes; whether the transfer is over.
    fn accept(&mut self, bytes: &[u8]) -> Result<bool, LinkError> {
        let mut device = self.phone.device.borrow_mut();
        let device = &mut *device;
        let packet = device.personality.transport.packet_bytes.max(1);
        if device.port.awaits_empty_packet {
            if !bytes.is_empty() {
                return Err(device.halt());
            }
            device.port.awaits_empty_packet = false;
            return Ok(true);
        }
        if device.port.incoming.is_empty() {
            device.port.first_transfer = bytes.len();
        }
        device.port.incoming.extend_from_slice(bytes);
        if bytes.is_empty() || !bytes.len().is_multiple_of(packet) {
            return Ok(!device.port.incoming.is_empty());
        }
        let claimed = Header::read(&device.port.incoming).map_or(u32::MAX, |header| header.length);
        let is_whole = claimed != u32::MAX
            && device.port.incoming.len() >= usize::try_from(claimed).unwrap_or(usize::MAX);
        if is_whole && device.is_strict() {
            device.port.awaits_empty_packet = true;
            return Ok(false);
        }
        Ok(is_whole)
    }

    /// A transfer is over: it is a container, the header of one, or nothing that the phone can use.
    fn transfer_over(&mut self) -> Result<(), LinkError> {
        let mut device = self.phone.device.borrow_mut();
        let strict = device.is_strict();
        let incoming = std::mem::take(&mut device.port.incoming);
        let Some(header) = Header::read(&incoming) else {
            return if strict { Err(device.halt()) } else { Ok(()) };
        };
        let claimed = usize::try_from(header.length).unwrap_or(usize::MAX);
        let is_open_ended = header.length == u32::MAX;
        if header.kind == kind::DATA {
            let wanted = device.personality.transport.header;
            let came_alone = device.port.first_transfer == HEADER_BYTES && claimed > HEADER_BYTES;
            if wanted == HeaderWanted::Apart && !came_alone && claimed > HEADER_BYTES {
                return Err(device.halt());
            }
            if came_alone && incoming.len() == HEADER_BYTES && wanted != HeaderWanted::Together {
                device.port.incoming = incoming;
                return Ok(());
            }
        }
        drop(device);
        let payload = incoming.get(HEADER_BYTES..).unwrap_or_default();
        let is_short = !is_open_ended && incoming.len() < claimed;
        let is_long = !is_open_ended && incoming.len() > claimed;
        let told = payload.get(..claimed.saturating_sub(HEADER_BYTES)).unwrap_or(payload);
        match header.kind {
            kind::COMMAND if strict && (is_short || is_long) => Err(self.phone.device.borrow_mut().halt()),
            kind::COMMAND => self.command(header, told),
            kind::DATA => self.data(header, if strict { payload } else { told }, is_short),
            _ if strict => Err(self.phone.device.borrow_mut().halt()),
            _ => Ok(()),
        }
    }

    fn command(&mut self, header: Header, payload: &[u8]) -> Result<(), LinkError> {
        let parameters = payload
            .as_chunks::<4>()
            .0
            .iter()
            .take(5)
            .map(|word| u32::from_le_bytes(*word))
            .collect::<Vec<u32>>();
        let command = Command { code: header.code, transaction: header.transaction, parameters };
        self.meddling.clear();
        self.phone.device.borrow_mut().drop_half_moved();
        for fault in self.faults.at_operation(command.code) {
            self.fire(fault)?;
        }
        if self.meddling.contains(&FaultKind::Vanish) {
            self.phone.device.borrow_mut().vanish(command.parameter(0));
        }
        if takes_data(command.code) {
            self.phone.device.borrow_mut().port.command = Some(command);
        } else {
            self.answer(&command, &[]);
        }
        Ok(())
    }

    fn data(&mut self, header: Header, payload: &[u8], is_short: bool) -> Result<(), LinkError> {
        let mut device = self.phone.device.borrow_mut();
        let Some(command) = device.port.command.take() else {
            return if device.is_strict() { Err(device.halt()) } else { Ok(()) };
        };
        let is_other = header.code != command.code || header.transaction != command.transaction;
        let refusal = if is_other && device.personality.insists.transaction_ids {
            Some(response::INVALID_TRANSACTION_ID)
        } else if is_short {
            Some(response::INCOMPLETE_TRANSFER)
        } else {
            None
        };
        if let Some(code) = refusal {
            if command.code == operation::SEND_OBJECT {
                device.interrupt_transfer(payload);
            }
            device.queue_answer(&command, Answer::code(code), command.transaction);
            return Ok(());
        }
        drop(device);
        self.answer(&command, payload);
        Ok(())
    }

    fn answer(&mut self, command: &Command, data: &[u8]) {
        let mut device = self.phone.device.borrow_mut();
        let device = &mut *device;
        let failure = self.meddling.iter().find_map(|kind| match kind {
            FaultKind::Fail(code) => Some(*code),
            _ => None,
        });
        let is_busy = device.port.busy > 0;
        let mut answer = if is_busy || failure.is_some() {
            device.port.busy = device.port.busy.saturating_sub(1);
            if command.code == operation::SEND_OBJECT {
                device.interrupt_transfer(data);
            }
            if device.personality.insists.transaction_ids
                && let Some(session) = &mut device.session
            {
                session.last_transaction = command.transaction;
            }
            Answer::code(failure.unwrap_or(response::DEVICE_BUSY))
        } else {
            device.respond(command, data)
        };
        let mut response_id = command.transaction;
        for kind in self.meddling.drain(..) {
            match kind {
                FaultKind::Misreport(code) => {
                    answer = Answer { code, parameters: Vec::new(), data: None, ..answer };
                }
                FaultKind::WrongId => response_id = response_id.wrapping_add(1),
                FaultKind::Garble => {
                    if let Some(first) = answer.data.as_mut().and_then(|data| data.first_mut()) {
                        *first = !*first;
                    }
                }
                FaultKind::Shorten(count) => {
                    answer.data = answer.data.map(|data| shorten(command.code, data, count));
                }
                _ => {}
            }
        }
        device.queue_answer(command, answer, response_id);
    }

    /// Waits for a delay that is under way.
    fn wait_until_ready(&self, timeout_ms: u64) -> Result<(), LinkError> {
        let device = self.phone.device.borrow();
        let left_us = device.port.ready_at_us.saturating_sub(device.clock.steady_us());
        drop(device);
        let left_ms = left_us.div_ceil(1000);
        if left_ms > timeout_ms {
            return Err(self.wait(timeout_ms));
        }
        if left_ms > 0 {
            self.wait(left_ms);
        }
        Ok(())
    }

    /// Whether the front transfer begins a container that is not counted yet; if so it is not from now on, and its
    /// bytes go into the trace.
    fn note_front(&mut self) -> bool {
        let mut device = self.phone.device.borrow_mut();
        let Some(front) = device.port.outgoing.front_mut().filter(|front| front.begins_container) else {
            return false;
        };
        front.begins_container = false;
        true
    }

    /// Moves what fits of the front transfer into the buffer.
    fn move_in(&mut self, buffer: &mut Vec<u8>, max_bytes: usize) -> Result<Moved, LinkError> {
        let mut device = self.phone.device.borrow_mut();
        let packet = device.personality.transport.packet_bytes.max(1);
        let Some(front) = device.port.outgoing.front_mut() else { return Ok(Moved::NothingLeft) };
        let room = max_bytes.saturating_sub(buffer.len());
        let left = front.left();
        if left.is_empty() {
            let ends = front.ends_in_empty_packet;
            device.port.outgoing.pop_front();
            return Ok(if ends { Moved::End } else { Moved::Some });
        }
        let whole_packets = room.checked_div(packet).unwrap_or(0).saturating_mul(packet);
        let takes = if left.len() <= room { left.len() } else { left.len().min(whole_packets) };
        if takes == 0 {
            return Err(LinkError::Refused("the packet is larger than the room for it".to_owned()));
        }
        let moving = u64::try_from(takes).unwrap_or(u64::MAX);
        if let Some((passed, fault)) = self.faults.cut_within(false, self.bytes_in, moving) {
            let passed = usize::try_from(passed).unwrap_or(usize::MAX).min(takes);
            buffer.extend_from_slice(left.get(..passed).unwrap_or_default());
            self.bytes_in = self.bytes_in.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX));
            let mut trace = self.trace.borrow_mut();
            trace.bytes_in = trace.bytes_in.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX));
            trace.marks.push(fault.to_string());
            let is_whole = passed == left.len() && !left.len().is_multiple_of(packet);
            drop(trace);
            drop(device);
            let gone = self.cut();
            return if is_whole { Ok(Moved::End) } else { Err(gone) };
        }
        buffer.extend_from_slice(left.get(..takes).unwrap_or_default());
        self.bytes_in = self.bytes_in.saturating_add(moving);
        let mut trace = self.trace.borrow_mut();
        trace.bytes_in = trace.bytes_in.saturating_add(moving);
        let ends = takes == left.len() && !left.len().is_multiple_of(packet);
        front.advance(takes);
        if ends {
            device.port.outgoing.pop_front();
        }
        Ok(if ends { Moved::End } else { Moved::Some })
    }

    fn goes_mute(&self) {
        let mut device = self.phone.device.borrow_mut();
        let limit_us = device.personality.transport.mute_after_ms.saturating_mul(1000);
        let waited_us = device.clock.steady_us().saturating_sub(device.plugged_at_us);
        if limit_us > 0 && waited_us > limit_us && device.session.is_none() {
            device.port.is_mute = true;
        }
    }

    fn is_mute(&self) -> bool {
        self.phone.device.borrow().port.is_mute
    }
}

/// What [`SimLink::move_in`] did.
#[derive(Debug, PartialEq, Eq)]
enum Moved {
    NothingLeft,
    Some,
    End,
}

impl Link for SimLink {
    fn bulk_out(&mut self, bytes: &[u8], timeout_ms: u64) -> Result<(), LinkError> {
        self.check()?;
        self.goes_mute();
        if self.is_mute() {
            return Err(self.wait(timeout_ms));
        }
        let begins = {
            let device = self.phone.device.borrow();
            device.port.incoming.is_empty() && !bytes.is_empty()
        };
        if begins {
            self.begin_container()?;
            if self.is_mute() {
                return Err(self.wait(timeout_ms));
            }
            self.trace.borrow_mut().container(self.containers, Direction::Out, bytes);
        } else {
            self.trace.borrow_mut().more_bytes(bytes);
        }
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let cut = self.faults.cut_within(true, self.bytes_out, length);
        let passed = cut.map_or(length, |(passed, _)| passed.min(length));
        let passing = bytes.get(..usize::try_from(passed).unwrap_or(usize::MAX)).unwrap_or(bytes);
        self.bytes_out = self.bytes_out.saturating_add(passed);
        {
            let mut trace = self.trace.borrow_mut();
            trace.bytes_out = trace.bytes_out.saturating_add(passed);
            trace.marks.extend(cut.iter().map(|(_, fault)| fault.to_string()));
        }
        if passed < length {
            self.phone.device.borrow_mut().port.incoming.extend_from_slice(passing);
            return Err(self.cut());
        }
        let done = match self.accept(bytes) {
            Ok(true) => self.transfer_over(),
            Ok(false) => Ok(()),
            Err(error) => Err(error),
        };
        if cut.is_some() {
            self.cut();
        }
        done
    }

    fn bulk_in(&mut self, buffer: &mut Vec<u8>, max_bytes: usize, timeout_ms: u64) -> Result<(), LinkError> {
        buffer.clear();
        self.check()?;
        if self.phone.device.borrow().port.awaits_empty_packet {
            return Err(self.phone.device.borrow_mut().halt());
        }
        while buffer.len() < max_bytes {
            if self.note_front() {
                self.begin_container()?;
                let device = self.phone.device.borrow();
                if let Some(front) = device.port.outgoing.front() {
                    self.trace.borrow_mut().container(self.containers, Direction::In, &front.bytes);
                }
            }
            if buffer.is_empty() {
                self.wait_until_ready(timeout_ms)?;
            }
            match self.move_in(buffer, max_bytes)? {
                Moved::End => return Ok(()),
                Moved::Some => {}
                Moved::NothingLeft => return Err(self.wait(timeout_ms)),
            }
        }
        Ok(())
    }

    fn interrupt_in(&mut self, timeout_ms: u64) -> Result<Option<Vec<u8>>, LinkError> {
        if self.check() == Err(LinkError::Gone) {
            return Err(LinkError::Gone);
        }
        self.phone.device.borrow_mut().watch();
        let event = self.next_event()?;
        if event.is_none() {
            self.wait(timeout_ms);
        }
        Ok(event)
    }

    fn class_request(&mut self, request: &ClassRequest) -> Result<Vec<u8>, LinkError> {
        if self.check() == Err(LinkError::Gone) {
            return Err(LinkError::Gone);
        }
        let mut device = self.phone.device.borrow_mut();
        match request {
            ClassRequest::Cancel { .. } => {
                device.abandon_transfer();
                device.port =
                    Port { is_mute: device.port.is_mute, busy: device.port.busy, ..Port::default() };
                Ok(Vec::new())
            }
            ClassRequest::DeviceReset => {
                device.abandon_transfer();
                device.begin_run();
                Ok(Vec::new())
            }
            ClassRequest::DeviceStatus => {
                let code = if device.port.busy > 0 { response::DEVICE_BUSY } else { response::OK };
                Ok([4_u16.to_le_bytes(), code.to_le_bytes()].concat())
            }
        }
    }

    fn clear_halt(&mut self) -> Result<(), LinkError> {
        if self.check() == Err(LinkError::Gone) {
            return Err(LinkError::Gone);
        }
        let mut device = self.phone.device.borrow_mut();
        device.drop_half_moved();
        device.port.is_halted = false;
        device.port.awaits_empty_packet = false;
        Ok(())
    }

    fn packet_bytes(&self) -> usize {
        self.phone.device.borrow().personality.transport.packet_bytes
    }

    fn serial(&self) -> String {
        self.phone.device.borrow().personality.serial.clone()
    }

    fn usb_id(&self) -> (u16, u16) {
        self.phone.device.borrow().personality.usb_id
    }
}
