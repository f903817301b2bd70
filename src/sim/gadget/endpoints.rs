//! The kernel's side of the gadget: descriptors written into FunctionFS, the endpoints, and the two threads that wait
//! on them for the loop. It must not know containers' meaning or the phone.
//!
//! The endpoint files are made non-blocking: asked to move bytes while the cable is out, they refuse instead of
//! keeping the bytes for the next plug-in.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{OwnedFd, RawFd};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open};
use usb_gadget::Class;
use usb_gadget::function::custom::{
    Custom, Endpoint, EndpointDirection, EndpointReceiver, EndpointSender, Interface, OsExtCompat,
    TransferType,
};

use super::arguments::InterfaceClass;
use super::framing::OutFraming;
use super::serve::Message;

/// Requests that wait on bulk-in at once.
const IN_QUEUE: u32 = 16;
/// Events that wait for the PC at once, as in Android's gadget; further ones wait in the phone.
const EVENT_QUEUE: u32 = 5;
/// The largest event packet: a container with five parameters fits twice; what phones tell.
const EVENT_PACKET_BYTES: u16 = 28;
/// How often the PC looks for events: 2^(6-1) microframes, 4 ms.
const EVENT_INTERVAL: u8 = 6;
/// How long the receiving thread sleeps at most before it looks for an order.
const ORDER_WAIT: Duration = Duration::from_millis(20);
/// What FunctionFS answers to a halt that was done (EBADMSG).
const HALTED: i32 = 74;

/// What the receiving thread is told.
enum Order {
    /// The cable is in, and packets have so many bytes.
    Start(usize),
    /// What came and is not whole is forgotten, and nothing is read before the next start.
    Forget(Sender<()>),
}

/// The gadget's endpoints, all of them.
pub(super) struct Endpoints {
    /// Endpoint 0: events and class requests.
    pub(super) custom: Custom,
    /// The others.
    pub(super) pipes: Pipes,
    is_closing: Arc<AtomicBool>,
    looked: Sender<()>,
    threads: Vec<JoinHandle<()>>,
}

/// The bulk and interrupt endpoints.
pub(super) struct Pipes {
    bulk_in: EndpointSender,
    events: EndpointSender,
    bulk_out: File,
    orders: Sender<Order>,
}

impl Endpoints {
    /// Writes the descriptors into the FunctionFS mounted at `mount` and begins to listen.
    pub(super) fn open(mount: &Path, class: InterfaceClass, messages: &Sender<Message>) -> io::Result<Self> {
        let (mut bulk_in, in_direction) = EndpointDirection::device_to_host();
        let (mut receiver, out_direction) = EndpointDirection::host_to_device();
        let (mut events, event_direction) = EndpointDirection::device_to_host();
        let class = match class {
            InterfaceClass::Image => Class::new(0x06, 0x01, 0x01),
            InterfaceClass::Vendor => Class::vendor_specific(0xFF, 0x00),
        };
        let mut interrupt =
            Endpoint::custom(event_direction.with_queue_len(EVENT_QUEUE), TransferType::Interrupt);
        interrupt.max_packet_size_hs = EVENT_PACKET_BYTES;
        interrupt.max_packet_size_ss = EVENT_PACKET_BYTES;
        interrupt.bytes_per_interval_ss = EVENT_PACKET_BYTES;
        interrupt.interval = EVENT_INTERVAL;
        let interface = Interface::new(class, "MTP")
            .with_endpoint(Endpoint::bulk(in_direction.with_queue_len(IN_QUEUE)))
            .with_endpoint(Endpoint::bulk(out_direction.with_queue_len(1)))
            .with_endpoint(interrupt)
            .with_os_ext_compat(OsExtCompat::new(*b"MTP\0\0\0\0\0", [0; 8]));
        let mut custom = Custom::builder().with_interface(interface).existing(mount)?;

        let control_fd = same_file(custom.fd()?)?;
        let out_fd = same_file(receiver.control()?.fd()?)?;
        make_nonblocking(&out_fd)?;
        make_nonblocking(&same_file(bulk_in.control()?.fd()?)?)?;
        make_nonblocking(&same_file(events.control()?.fd()?)?)?;

        let (orders, taken_orders) = channel();
        let (looked, was_looked) = channel();
        let is_closing = Arc::new(AtomicBool::new(false));
        let closing = Arc::clone(&is_closing);
        let (out_messages, control_messages) = (messages.clone(), messages.clone());
        let threads = vec![
            thread::Builder::new()
                .name(String::from("bulk-out"))
                .spawn(move || receive(&mut receiver, &taken_orders, &out_messages))?,
            thread::Builder::new()
                .name(String::from("endpoint-0"))
                .spawn(move || look(&control_fd, &closing, &was_looked, &control_messages))?,
        ];
        let pipes = Pipes { bulk_in, events, bulk_out: File::from(out_fd), orders };
        Ok(Self { custom, pipes, is_closing, looked, threads })
    }

    /// Lets the thread that waits for endpoint 0's events wait for the next one.
    pub(super) fn looked(&self) {
        // If the thread is gone there is nothing left to wait for.
        let _ = self.looked.send(());
    }

    /// Gives every file back to the kernel, which takes the gadget off the bus.
    pub(super) fn close(self) {
        let Self { custom, pipes, is_closing, looked, threads } = self;
        is_closing.store(true, Ordering::Relaxed);
        drop((pipes, looked));
        for thread in threads {
            // A thread that broke has let go of its files as well.
            drop(thread.join());
        }
        drop(custom);
    }
}

impl Pipes {
    /// The cable is in: the packet size of the bulk endpoints, in bytes, which is asked of the kernel.
    pub(super) fn start(&mut self) -> io::Result<usize> {
        let packet_bytes = self.bulk_in.max_packet_size()?;
        drop(self.orders.send(Order::Start(packet_bytes)));
        Ok(packet_bytes)
    }

    /// Whether bulk-in takes another piece now. An error means that the cable is out.
    pub(super) fn has_room_in(&mut self) -> io::Result<bool> {
        self.bulk_in.try_ready()?;
        Ok(self.bulk_in.is_ready())
    }

    /// Waits until bulk-in takes another piece, or for `duration`.
    pub(super) fn wait_for_room_in(&mut self, duration: Duration) {
        // A refusal shows again when the piece is sent.
        drop(self.bulk_in.ready_timeout(duration));
    }

    /// Hands a piece to bulk-in; the kernel sends it when the PC asks.
    pub(super) fn send_in(&mut self, piece: Vec<u8>) -> io::Result<()> {
        self.bulk_in.try_send(piece.into())
    }

    /// Waits until the PC has taken everything from bulk-in, or for `duration`.
    pub(super) fn flush_in(&mut self, duration: Duration) {
        // Whoever does not read in time is left with what it has.
        drop(self.bulk_in.flush_timeout(duration));
    }

    /// Whether the interrupt endpoint takes another event now.
    pub(super) fn has_room_for_event(&mut self) -> bool {
        self.events.try_ready().is_ok() && self.events.is_ready()
    }

    /// Hands an event to the interrupt endpoint.
    pub(super) fn send_event(&mut self, event: Vec<u8>) -> io::Result<()> {
        self.events.try_send(event.into())
    }

    /// Takes back what the PC has not read from bulk-in, and forgets what came on bulk-out and is not whole.
    /// Nothing is received from then on until [`Self::start`].
    pub(super) fn forget(&mut self) -> io::Result<()> {
        let cancelled = self.bulk_in.cancel();
        let (done, is_done) = channel();
        if self.orders.send(Order::Forget(done)).is_ok() {
            // The thread answers within its wait, or is gone.
            let _ = is_done.recv();
        }
        cancelled
    }

    /// The cable is out: nothing is under way any more.
    pub(super) fn stop(&mut self) {
        drop(self.bulk_in.cancel());
        drop(self.events.cancel());
    }

    /// Halts both bulk endpoints until the PC clears them; nothing is received from then on until [`Self::start`].
    pub(super) fn halt(&mut self) -> io::Result<()> {
        self.forget()?;
        was_halted(self.bulk_in.control()?.halt())?;
        // Writing to an endpoint that only receives is how FunctionFS is told to halt it.
        was_halted(self.bulk_out.write(&[0]).map(|_| ()))
    }
}

fn was_halted(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.raw_os_error() == Some(HALTED) => Ok(()),
        other => other,
    }
}

/// A second descriptor of this process's open file `fd`, sharing its flags.
fn same_file(fd: RawFd) -> io::Result<OwnedFd> {
    let this_process = pidfd_open(getpid(), PidfdFlags::empty())?;
    Ok(pidfd_getfd(this_process, fd, PidfdGetfdFlags::empty())?)
}

fn make_nonblocking(file: &OwnedFd) -> io::Result<()> {
    let flags = fcntl_getfl(file)?;
    Ok(fcntl_setfl(file, flags | OFlags::NONBLOCK)?)
}

/// Wakes the loop when endpoint 0 has an event, once per event that it has looked at.
fn look(control: &OwnedFd, is_closing: &AtomicBool, looked: &Receiver<()>, messages: &Sender<Message>) {
    let wait = Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
    while !is_closing.load(Ordering::Relaxed) {
        let mut files = [PollFd::new(control, PollFlags::IN)];
        // An interrupted wait is begun again.
        let woken = poll(&mut files, Some(&wait)).unwrap_or(0);
        if woken > 0 && (messages.send(Message::EndpointZero).is_err() || looked.recv().is_err()) {
            return;
        }
    }
}

/// What became of one read.
enum Read {
    Bytes(Vec<u8>),
    /// The cable is out, or what came is to be forgotten: nothing is read before the next start.
    Over,
    Started(usize),
    Closed,
}

/// Reads bulk-out from each start on, and hands what comes to the loop. It reads nothing between a refusal and the
/// next start: what the PC sends then belongs to a plug-in that the loop does not know of yet.
fn receive(receiver: &mut EndpointReceiver, orders: &Receiver<Order>, messages: &Sender<Message>) {
    loop {
        let mut framing = match orders.recv() {
            Ok(Order::Start(packet_bytes)) => OutFraming::new(packet_bytes),
            Ok(Order::Forget(done)) => {
                let _ = done.send(());
                continue;
            }
            Err(_) => return,
        };
        loop {
            let asked = framing.read_bytes();
            let read = match receiver.try_recv(vec![0; asked].as_slice().into()) {
                Ok(()) => await_read(receiver, orders),
                Err(_) => Read::Over,
            };
            match read {
                Read::Bytes(bytes) => {
                    framing.note(asked, &bytes);
                    if messages.send(Message::Out(bytes)).is_err() {
                        return;
                    }
                }
                Read::Started(packet_bytes) => framing = OutFraming::new(packet_bytes),
                Read::Over => break,
                Read::Closed => return,
            }
        }
    }
}

/// Waits for the read that was asked for, or for an order.
fn await_read(receiver: &mut EndpointReceiver, orders: &Receiver<Order>) -> Read {
    loop {
        match receiver.fetch_timeout(ORDER_WAIT) {
            Ok(Some(bytes)) => return Read::Bytes(bytes.to_vec()),
            Ok(None) => {}
            Err(_) => return Read::Over,
        }
        let read = match orders.try_recv() {
            Ok(Order::Start(packet_bytes)) => Read::Started(packet_bytes),
            Ok(Order::Forget(done)) => {
                drop(receiver.cancel());
                let _ = done.send(());
                return Read::Over;
            }
            Err(TryRecvError::Empty) => continue,
            Err(TryRecvError::Disconnected) => Read::Closed,
        };
        drop(receiver.cancel());
        return read;
    }
}
