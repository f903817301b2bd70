//! A camera on the network for a program that speaks PTP/IP (CIPA DC-005): two TCP connections on the loopback
//! address, whose packets become containers on a simulated phone's [`SimLink`], and back.
//!
//! It must not read a dataset, and must not wait longer than [`PATIENCE`] for anybody. Whatever it refuses, it
//! refuses by ending the test.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use tetherbook::mtp::Link;
use tetherbook::sim::SimLink;
use tetherbook::sim::wire::{HEADER_BYTES, Header, container, container_of_parameters, kind};

/// The longest that the other program may take for anything.
pub const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// Packet types.
mod packet {
    pub const INIT_COMMAND_REQUEST: u32 = 1;
    pub const INIT_COMMAND_ACK: u32 = 2;
    pub const INIT_EVENT_REQUEST: u32 = 3;
    pub const INIT_EVENT_ACK: u32 = 4;
    pub const OPERATION_REQUEST: u32 = 6;
    pub const OPERATION_RESPONSE: u32 = 7;
    pub const EVENT: u32 = 8;
    pub const START_DATA: u32 = 9;
    pub const DATA: u32 = 10;
    pub const END_DATA: u32 = 12;
}

/// DataPhaseInfo of an OperationRequest: data from the initiator follows.
const DATA_OUT: u32 = 2;
const CONNECTION: u32 = 1;
/// The protocol's version, 1.0: the minor number in the lower half.
const VERSION: u32 = 0x0001_0000;
const PACKET_BYTES_MAX: usize = 1 << 20;
const TRANSFER_BYTES_MAX: usize = 64 << 20;
const TIMEOUT_MS: u64 = 1000;

/// The place where the other program finds the phone.
pub struct Outlet {
    listener: TcpListener,
}

impl Outlet {
    /// A free port on the loopback address.
    pub fn open() -> Self {
        let listener = TcpListener::bind((std::net::Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        Self { listener }
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        self.listener.local_addr().unwrap()
    }

    /// Serves one initiator until it closes its connection, or until `has_ended` says that none will come. The
    /// operations that were asked for and what was answered, in order.
    pub fn serve(&self, mut link: SimLink, mut has_ended: impl FnMut() -> bool) -> Vec<Served> {
        let deadline = Instant::now() + PATIENCE;
        let Some(mut commands) = self.accept(deadline, &mut has_ended) else { return Vec::new() };
        let request = receive(&mut commands).expect("an initiator that connects sends InitCommandRequest");
        assert_eq!(request.0, packet::INIT_COMMAND_REQUEST);
        let mut greeting = CONNECTION.to_le_bytes().to_vec();
        greeting.extend_from_slice(&[0x5A; 16]);
        greeting.extend("phone\0".encode_utf16().flat_map(u16::to_le_bytes));
        greeting.extend_from_slice(&VERSION.to_le_bytes());
        send(&mut commands, packet::INIT_COMMAND_ACK, &greeting);
        let mut events =
            self.accept(deadline, &mut has_ended).expect("an initiator opens the event connection");
        let request = receive(&mut events).unwrap();
        assert_eq!(request, (packet::INIT_EVENT_REQUEST, CONNECTION.to_le_bytes().to_vec()));
        send(&mut events, packet::INIT_EVENT_ACK, &[]);
        let mut served = Vec::new();
        while let Some((kind, body)) = receive(&mut commands) {
            assert_eq!(kind, packet::OPERATION_REQUEST, "the initiator is out of step");
            assert!(Instant::now() < deadline, "the initiator does not come to an end: {served:x?}");
            served.push(transaction(&mut link, &mut commands, &body));
            while let Some(event) = link.interrupt_in(0).unwrap() {
                let header = Header::read(&event).unwrap();
                let body = code_and_parameters(header, &event[HEADER_BYTES..]);
                send_if_open(&mut events, packet::EVENT, &body);
            }
        }
        served
    }

    fn accept(&self, deadline: Instant, has_ended: &mut impl FnMut() -> bool) -> Option<TcpStream> {
        loop {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(false).unwrap();
                    stream.set_nodelay(true).unwrap();
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    stream.set_write_timeout(Some(PATIENCE)).unwrap();
                    return Some(stream);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => panic!("nobody can connect: {error}"),
            }
            if has_ended() {
                return None;
            }
            assert!(Instant::now() < deadline, "nobody connects");
            std::thread::sleep(LOOK_AGAIN);
        }
    }
}

/// One transaction, as the phone saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// The operation.
    pub operation: u16,
    /// Its parameters.
    pub parameters: Vec<u32>,
    /// The response.
    pub response: u16,
}

/// One operation: the request, its data if it has some, the phone's answer.
fn transaction(link: &mut SimLink, stream: &mut TcpStream, request: &[u8]) -> Served {
    let data_phase = word(request, 0);
    let operation = u16::from_le_bytes([request[4], request[5]]);
    let transaction = word(request, 6);
    let parameters: Vec<u32> =
        request[10..].as_chunks::<4>().0.iter().map(|bytes| u32::from_le_bytes(*bytes)).collect();
    put(link, &container_of_parameters(kind::COMMAND, operation, transaction, &parameters));
    if data_phase == DATA_OUT {
        let data = receive_data(stream, transaction);
        put(link, &container(kind::DATA, operation, transaction, &data));
    }
    loop {
        let (header, payload) = get(link);
        assert_eq!(header.transaction, transaction, "the phone answers another transaction");
        if header.kind == kind::RESPONSE {
            send(stream, packet::OPERATION_RESPONSE, &code_and_parameters(header, &payload));
            return Served { operation, parameters, response: header.code };
        }
        assert_eq!(header.kind, kind::DATA);
        assert_eq!(header.code, operation, "the data of another operation");
        send_data(stream, transaction, &payload);
    }
}

/// One container onto the cable, closed by an empty transfer where USB wants it.
fn put(link: &mut SimLink, bytes: &[u8]) {
    link.bulk_out(bytes, TIMEOUT_MS).unwrap();
    if bytes.len().is_multiple_of(link.packet_bytes()) {
        link.bulk_out(&[], TIMEOUT_MS).unwrap();
    }
}

/// One container from the cable.
fn get(link: &mut SimLink) -> (Header, Vec<u8>) {
    let mut all = Vec::new();
    let mut transfer = Vec::new();
    loop {
        link.bulk_in(&mut transfer, TRANSFER_BYTES_MAX, TIMEOUT_MS).unwrap();
        all.extend_from_slice(&transfer);
        let header = Header::read(&all).expect("a transfer begins with a header");
        let length = usize::try_from(header.length).unwrap();
        if all.len() >= length {
            // Players of the ZEN kind close a transfer of whole packets with one byte more.
            assert!(all.len() - length <= 1, "{} bytes more than announced", all.len() - length);
            return (header, all[HEADER_BYTES..length].to_vec());
        }
    }
}

/// The common form of OperationResponse and Event.
fn code_and_parameters(header: Header, parameters: &[u8]) -> Vec<u8> {
    let mut body = header.code.to_le_bytes().to_vec();
    body.extend_from_slice(&header.transaction.to_le_bytes());
    body.extend_from_slice(parameters);
    body
}

/// Data to the phone: a start that tells the whole length, then pieces until that length has come.
fn receive_data(stream: &mut TcpStream, transaction: u32) -> Vec<u8> {
    let (kind, start) = receive(stream).expect("data follows the request");
    assert_eq!((kind, word(&start, 0)), (packet::START_DATA, transaction));
    let total = usize::try_from(word(&start, 4)).unwrap();
    let mut data = Vec::new();
    // libgphoto2 sends no EndData after an announcement of nothing.
    while data.len() < total {
        let (kind, piece) = receive(stream).expect("as many bytes as announced");
        assert!([packet::DATA, packet::END_DATA].contains(&kind), "packet {kind} among the data");
        assert_eq!(word(&piece, 0), transaction);
        data.extend_from_slice(&piece[4..]);
        assert_eq!(kind == packet::END_DATA, data.len() == total);
    }
    assert_eq!(data.len(), total);
    data
}

fn send_data(stream: &mut TcpStream, transaction: u32, payload: &[u8]) {
    let id = transaction.to_le_bytes();
    let length = u64::try_from(payload.len()).unwrap().to_le_bytes();
    send(stream, packet::START_DATA, &[&id[..], &length[..]].concat());
    let (last, pieces) = match payload.chunks(PACKET_BYTES_MAX / 2).collect::<Vec<_>>().split_last() {
        Some((last, pieces)) => (last.to_vec(), pieces.to_vec()),
        None => (Vec::new(), Vec::new()),
    };
    for piece in pieces {
        send(stream, packet::DATA, &[&id[..], piece].concat());
    }
    send(stream, packet::END_DATA, &[&id[..], &last].concat());
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

/// One packet's type and body; `None` when the other end is closed.
fn receive(stream: &mut TcpStream) -> Option<(u32, Vec<u8>)> {
    let mut head = [0; 8];
    match stream.read_exact(&mut head) {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset) => {
            return None;
        }
        Err(error) => panic!("nothing comes from the initiator: {error}"),
    }
    let length = usize::try_from(word(&head, 0)).unwrap();
    assert!((8..=PACKET_BYTES_MAX).contains(&length), "a packet of {length} bytes");
    let mut body = vec![0; length - 8];
    stream.read_exact(&mut body).unwrap();
    Some((word(&head, 4), body))
}

fn framed(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 8).unwrap();
    [&length.to_le_bytes()[..], &kind.to_le_bytes()[..], body].concat()
}

fn send(stream: &mut TcpStream, kind: u32, body: &[u8]) {
    stream.write_all(&framed(kind, body)).unwrap();
}

/// Events may come when the initiator is gone already.
fn send_if_open(stream: &mut TcpStream, kind: u32, body: &[u8]) {
    match stream.write_all(&framed(kind, body)) {
        Ok(()) => {}
        Err(error) if matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {}
        Err(error) => panic!("an event did not go out: {error}"),
    }
}
