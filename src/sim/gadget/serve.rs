//! The loop that owns the phone: it carries what the PC sends to the simulated cable and what the phone answers to
//! the PC, and lets the cable's events and the control lines happen in the order in which they came.
//!
//! It must not know what an operation means. It never waits for the PC without an end.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use usb_gadget::function::custom::{CtrlReceiver, CtrlSender, Event};

use crate::mtp::{ClassRequest, Link, LinkError};
use crate::sim::personality::Watching;
use crate::sim::{FaultPlan, Phone, SimLink};

use super::arguments::InterfaceClass;
use super::control::{ControlLine, listen};
use super::endpoints::{Endpoints, Pipes};
use super::error::GadgetError;
use super::framing::{PIECE_BYTES, needs_empty_packet};

/// What wakes the loop.
pub(super) enum Message {
    /// Endpoint 0 has an event.
    EndpointZero,
    /// Bytes came on bulk-out.
    Out(Vec<u8>),
    /// A line came on the control socket; the answer goes there.
    Control(ControlLine, Sender<String>),
}

/// What is served, and where.
pub(super) struct Gadget {
    pub(super) mount: PathBuf,
    pub(super) class: InterfaceClass,
    pub(super) control: Option<PathBuf>,
}

/// A loop's longest sleep, in milliseconds: how soon an interrupt of the program counts.
const SLEEP_MS: u64 = 1000;
/// How soon the loop looks for other things while the PC does not read, in milliseconds.
const CROWDED_MS: u64 = 2;
/// A strict phone that misses an empty packet gives up after so many milliseconds.
const EMPTY_PACKET_MS: u64 = 50;
/// The phone's own changes are looked for so often, in milliseconds, but for a twentieth of the time at most.
const WATCH_MS: u64 = 100;
const WATCH_SHARE: u64 = 20;
/// How long the PC has to read what came before the phone leaves the bus, in milliseconds.
const LAST_WORDS_MS: u64 = 500;
/// The kernel needs a moment to let go of a gadget's files: tries, and milliseconds between them.
const OPEN_TRIES: u32 = 100;
const OPEN_WAIT_MS: u64 = 20;

/// Serves `phone` until `should_end` says so.
pub(super) fn serve(
    phone: &Phone,
    gadget: &Gadget,
    log: &mut dyn Write,
    should_end: &dyn Fn() -> bool,
) -> Result<(), GadgetError> {
    let (messages, received) = channel();
    if let Some(path) = &gadget.control {
        listen(path, messages.clone())?;
    }
    let mut planned = FaultPlan::none();
    let mut tries = 0;
    while !should_end() {
        let endpoints = match Endpoints::open(&gadget.mount, gadget.class, &messages) {
            Ok(endpoints) => endpoints,
            // Only a mount that was served before may still be busy.
            Err(_) if (1..OPEN_TRIES).contains(&tries) => {
                tries += 1;
                phone.device.borrow().clock.sleep_ms(OPEN_WAIT_MS);
                continue;
            }
            Err(source) => return Err(GadgetError::Mount { path: gadget.mount.clone(), source }),
        };
        let mut server = Server::new(phone.clone(), endpoints, &received, log, planned);
        let ended = server.run(should_end);
        planned = server.planned;
        server.endpoints.close();
        phone.unplug();
        ended.map_err(GadgetError::Endpoints)?;
        tries = 1;
    }
    Ok(())
}

/// What an event of endpoint 0 means for the loop.
enum Happened {
    PluggedIn,
    Unplugged,
    /// What was under way was taken back.
    Forgotten,
    Nothing,
}

struct Server<'a> {
    phone: Phone,
    endpoints: Endpoints,
    received: &'a Receiver<Message>,
    log: &'a mut dyn Write,
    /// What came while something else was looked for.
    kept: VecDeque<Message>,
    link: Option<SimLink>,
    packet_bytes: usize,
    /// Pieces that bulk-in has no room for yet.
    owed: VecDeque<Vec<u8>>,
    /// The kernel refused a piece: the cable is out, and its event is on the way.
    is_refused: bool,
    is_cut: bool,
    /// What goes wrong on the next plug-in.
    planned: FaultPlan,
    watch_at_us: u64,
    transfers_out: u64,
}

impl<'a> Server<'a> {
    fn new(
        phone: Phone,
        endpoints: Endpoints,
        received: &'a Receiver<Message>,
        log: &'a mut dyn Write,
        planned: FaultPlan,
    ) -> Self {
        Self {
            phone,
            endpoints,
            received,
            log,
            kept: VecDeque::new(),
            link: None,
            packet_bytes: 0,
            owed: VecDeque::new(),
            is_refused: false,
            is_cut: false,
            planned,
            watch_at_us: 0,
            transfers_out: 0,
        }
    }

    fn say(&mut self, what: &str) {
        // A log that cannot be written is no reason to stop being a phone.
        drop(writeln!(self.log, "{what}").and_then(|()| self.log.flush()));
    }

    /// Until the phone leaves the bus by itself, or the program is to end.
    fn run(&mut self, should_end: &dyn Fn() -> bool) -> io::Result<()> {
        while !self.is_cut && !should_end() {
            self.take_events()?;
            self.push_in();
            self.push_events();
            if self.is_cut {
                break;
            }
            match self.next_message() {
                Some(Message::EndpointZero) => {
                    self.take_events()?;
                    self.endpoints.looked();
                }
                Some(Message::Out(bytes)) => {
                    // The cable's events come first: bytes of an earlier plug-in are nobody's.
                    let plug = self.phone.device.borrow().plug;
                    self.take_events()?;
                    if self.phone.device.borrow().plug == plug {
                        self.take_out(&bytes);
                    }
                }
                Some(Message::Control(line, reply)) => {
                    let answer = self.obey(line);
                    // Whoever asked may be gone.
                    drop(reply.send(answer));
                }
                None => {}
            }
        }
        if self.is_cut {
            self.say("left the bus");
            self.endpoints.pipes.flush_in(Duration::from_millis(LAST_WORDS_MS));
        }
        Ok(())
    }

    fn next_message(&mut self) -> Option<Message> {
        if let Some(message) = self.kept.pop_front() {
            return Some(message);
        }
        if !self.owed.is_empty() && !self.is_refused {
            self.endpoints.pipes.wait_for_room_in(Duration::from_millis(CROWDED_MS));
            return self.received.try_recv().ok();
        }
        let awaits_empty_packet = self.awaits_empty_packet();
        let sleep_ms = if awaits_empty_packet { EMPTY_PACKET_MS } else { self.sleep_ms() };
        match self.received.recv_timeout(Duration::from_millis(sleep_ms)) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                if awaits_empty_packet {
                    self.pull();
                }
                None
            }
        }
    }

    fn awaits_empty_packet(&self) -> bool {
        self.link.is_some() && self.phone.device.borrow().port.awaits_empty_packet
    }

    /// How long nothing is to be done unless something comes.
    fn sleep_ms(&self) -> u64 {
        if self.link.is_none() {
            return SLEEP_MS;
        }
        let device = self.phone.device.borrow();
        let now_us = device.clock.steady_us();
        let mut sleep_us = SLEEP_MS * 1000;
        if !device.port.outgoing.is_empty() && !self.is_refused {
            sleep_us = sleep_us.min(device.port.ready_at_us.saturating_sub(now_us));
        }
        if device.session.is_some() && device.personality.watching != Watching::Nothing {
            sleep_us = sleep_us.min(self.watch_at_us.saturating_sub(now_us));
        }
        sleep_us.div_ceil(1000).max(1)
    }

    /// Lets everything happen that endpoint 0 tells.
    fn take_events(&mut self) -> io::Result<()> {
        loop {
            let pipes = &mut self.endpoints.pipes;
            let happened = match self.endpoints.custom.try_event()? {
                None => return Ok(()),
                Some(Event::Enable) => Happened::PluggedIn,
                Some(Event::Disable | Event::Unbind) => Happened::Unplugged,
                Some(Event::SetupDeviceToHost(request)) => {
                    answer_status(request, self.link.as_mut());
                    Happened::Nothing
                }
                Some(Event::SetupHostToDevice(request)) => take_request(request, pipes, self.link.as_mut()),
                Some(_) => Happened::Nothing,
            };
            match happened {
                Happened::PluggedIn => self.plugged_in(),
                Happened::Unplugged => self.unplugged(),
                Happened::Forgotten => {
                    self.forget_received();
                    // If the cable is out by now, the next plug-in starts anew.
                    drop(self.endpoints.pipes.start());
                }
                Happened::Nothing => {}
            }
        }
    }

    /// The PC chose the configuration: the cable is in. What was under way before is nobody's.
    fn plugged_in(&mut self) {
        self.unplugged();
        self.forget_received();
        match self.endpoints.pipes.start() {
            Ok(packet_bytes) => {
                self.packet_bytes = packet_bytes;
                self.phone.with_personality(|personality| personality.transport.packet_bytes = packet_bytes);
                let link = self.phone.plug_in(std::mem::take(&mut self.planned));
                link.trace().borrow_mut().skips_containers = true;
                self.link = Some(link);
                self.is_refused = false;
                self.say(&format!("plugged in, packets of {packet_bytes} bytes"));
            }
            // Out again already; that event follows.
            Err(error) => self.say(&format!("plugged in, but not for long: {error}")),
        }
    }

    fn unplugged(&mut self) {
        self.endpoints.pipes.stop();
        self.owed.clear();
        if self.link.take().is_some() {
            self.phone.unplug();
            self.say("unplugged");
        }
    }

    /// Bytes that came and were not looked at yet are forgotten, and pieces that were not sent.
    fn forget_received(&mut self) {
        self.owed.clear();
        while let Ok(message) = self.received.try_recv() {
            self.kept.push_back(message);
        }
        self.kept.retain(|message| !matches!(message, Message::Out(_)));
    }

    fn take_out(&mut self, bytes: &[u8]) {
        self.transfers_out = self.transfers_out.saturating_add(1);
        let Some(link) = &mut self.link else { return };
        let taken = link.bulk_out(bytes, 0);
        self.mind(taken);
    }

    /// Reads the phone's answers for as long as bulk-in takes them.
    fn push_in(&mut self) {
        loop {
            if self.is_refused || self.link.is_none() {
                return;
            }
            match self.endpoints.pipes.has_room_in() {
                Ok(true) => {}
                Ok(false) => return,
                Err(_) => return self.is_refused = true,
            }
            if let Some(piece) = self.owed.pop_front() {
                self.is_refused = self.endpoints.pipes.send_in(piece).is_err();
                continue;
            }
            let is_silent = {
                let port = &self.phone.device.borrow().port;
                port.outgoing.is_empty() || port.awaits_empty_packet
            };
            if is_silent || !self.pull() {
                return;
            }
        }
    }

    /// Reads one piece from the phone; whether there was one.
    fn pull(&mut self) -> bool {
        let Some(link) = &mut self.link else { return false };
        let mut piece = Vec::new();
        let pulled = link.bulk_in(&mut piece, PIECE_BYTES, 0);
        let is_over = pulled.is_ok() && piece.len() < PIECE_BYTES;
        let closes_empty = needs_empty_packet(piece.len(), is_over, self.packet_bytes);
        let has_bytes = !piece.is_empty();
        if has_bytes {
            self.owed.push_back(piece);
        }
        if closes_empty {
            self.owed.push_back(Vec::new());
        }
        self.mind(pulled);
        has_bytes || closes_empty
    }

    /// The phone's events, and its own changes when it is time to look for them.
    fn push_events(&mut self) {
        let Some(link) = &mut self.link else { return };
        let (now_us, is_open) = {
            let device = self.phone.device.borrow();
            (device.clock.steady_us(), device.session.is_some())
        };
        if is_open && now_us >= self.watch_at_us {
            self.phone.device.borrow_mut().watch();
            let took_us = self.phone.device.borrow().clock.steady_us().saturating_sub(now_us);
            self.watch_at_us =
                now_us.saturating_add((WATCH_MS * 1000).max(took_us.saturating_mul(WATCH_SHARE)));
        }
        let mut told = Ok(());
        while !self.phone.device.borrow().events.is_empty() && self.endpoints.pipes.has_room_for_event() {
            match link.next_event() {
                Ok(Some(event)) => {
                    if self.endpoints.pipes.send_event(event).is_err() {
                        break;
                    }
                }
                Ok(None) => break,
                Err(error) => {
                    told = Err(error);
                    break;
                }
            }
        }
        self.mind(told);
    }

    /// What the simulated cable says about a movement.
    fn mind(&mut self, moved: Result<(), LinkError>) {
        match moved {
            // A phone that does not answer is silent; the PC notices by itself.
            Ok(()) | Err(LinkError::TimedOut(_)) => {}
            Err(LinkError::Gone) => self.cut(),
            Err(LinkError::Stalled) => self.stall(),
            Err(error) => self.say(&format!("the cable: {error}")),
        }
    }

    /// Halts the endpoints. What the phone does from here on comes after the PC has cleared them, so for the
    /// simulated cable they are clear at once.
    fn stall(&mut self) {
        let halted = self.endpoints.pipes.halt();
        self.forget_received();
        if let Some(link) = &mut self.link {
            // It fails only if the phone is gone, which shows at the next movement.
            drop(link.clear_halt());
        }
        let halted = halted.and_then(|()| self.endpoints.pipes.start().map(|_| ()));
        match halted {
            Ok(()) => self.say("halted"),
            Err(error) => self.say(&format!("halted, but the endpoints were not: {error}")),
        }
    }

    /// The phone leaves the bus, after the bytes that are on their way.
    fn cut(&mut self) {
        while let Some(piece) = self.owed.pop_front() {
            self.endpoints.pipes.wait_for_room_in(Duration::from_millis(LAST_WORDS_MS));
            if self.endpoints.pipes.send_in(piece).is_err() {
                break;
            }
        }
        self.link = None;
        self.is_cut = true;
    }

    fn obey(&mut self, line: ControlLine) -> String {
        match line {
            ControlLine::Lock => self.phone.lock(),
            ControlLine::Unlock => self.phone.unlock(),
            ControlLine::Mute => self.phone.device.borrow_mut().port.is_mute = true,
            ControlLine::Scan => self.phone.media_scan(),
            ControlLine::Cut => self.cut(),
            ControlLine::Status => return self.status(),
            ControlLine::Fault(plan) => match &mut self.link {
                Some(link) => link.plan(plan),
                None => self.planned = plan,
            },
        }
        String::from("ok")
    }

    fn status(&self) -> String {
        let device = self.phone.device.borrow();
        let yes_no = |is| if is { "yes" } else { "no" };
        format!(
            "plugged {}, session {}, locked {}, sessions opened {}, transfers taken {}",
            yes_no(self.link.is_some()),
            yes_no(device.session.is_some()),
            yes_no(device.is_locked),
            device.sessions_opened,
            self.transfers_out
        )
    }
}

/// The class requests of a still image device (PTP over USB, 5.2): host to device.
const CANCEL: u8 = 0x64;
const DEVICE_RESET: u8 = 0x66;
/// Device to host.
const DEVICE_STATUS: u8 = 0x67;

/// Answers GetDeviceStatus; any other request that asks something is refused.
fn answer_status(request: CtrlSender<'_>, link: Option<&mut SimLink>) {
    let asked = request.ctrl_req();
    let answer = match link {
        Some(link) if asked.request == DEVICE_STATUS => link.class_request(&ClassRequest::DeviceStatus).ok(),
        _ => None,
    };
    // A PC that has given up on the request does not hear the answer.
    match answer {
        Some(mut answer) => {
            answer.truncate(request.len());
            drop(request.send(&answer));
        }
        None => drop(request.halt()),
    }
}

/// Does Cancel and DeviceReset. Everything under way is taken back before the PC hears of it.
fn take_request(request: CtrlReceiver<'_>, pipes: &mut Pipes, link: Option<&mut SimLink>) -> Happened {
    let code = request.ctrl_req().request;
    let (Some(link), CANCEL | DEVICE_RESET) = (link, code) else {
        drop(request.halt());
        return Happened::Nothing;
    };
    // It fails only when the cable is out.
    drop(pipes.forget());
    let Ok(data) = request.recv_all() else { return Happened::Forgotten };
    let asked = if code == CANCEL { cancel(&data) } else { ClassRequest::DeviceReset };
    // A phone that is gone needs no reset.
    drop(link.class_request(&asked));
    Happened::Forgotten
}

/// The data of Cancel: 0x4001, and the transaction id.
fn cancel(data: &[u8]) -> ClassRequest {
    let id = data.get(2..6).and_then(|bytes| bytes.try_into().ok()).map_or(0, u32::from_le_bytes);
    ClassRequest::Cancel { transaction: id }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cancel_names_its_transaction() {
        assert_eq!(cancel(&[1, 0x40, 7, 1, 0, 0]), ClassRequest::Cancel { transaction: 0x107 });
        assert_eq!(cancel(&[1, 0x40]), ClassRequest::Cancel { transaction: 0 });
    }
}
