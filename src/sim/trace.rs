//! What went over the cable: every container in order, counters, and the marks of faults that fired.
//!
//! A trace never holds payloads unless asked to, and never prints them.

use std::cell::RefCell;
use std::fmt;
use std::rc::Rc;

use crate::mtp::code::{event, operation, response};

use super::wire::{Header, kind};

/// A trace that the link writes and the test reads.
pub type SharedTrace = Rc<RefCell<Trace>>;

/// Which way a container went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// PC to phone.
    Out,
    /// Phone to PC.
    In,
    /// Phone to PC on the interrupt endpoint.
    Event,
}

/// One container.
#[derive(Clone, PartialEq, Eq)]
pub struct TraceEntry {
    /// Its number, from 1, in the order in which containers began to move on this link.
    pub number: u64,
    /// Which way.
    pub direction: Direction,
    /// Container kind (1 command, 2 data, 3 response, 4 event).
    pub kind: u16,
    /// Operation, response or event code.
    pub code: u16,
    /// Transaction id.
    pub transaction: u32,
    /// Bytes of the whole container as its header says.
    pub length: u64,
    /// The bytes, if the trace keeps them.
    pub bytes: Option<Vec<u8>>,
}

impl fmt::Debug for TraceEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self}")
    }
}

impl fmt::Display for TraceEntry {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, name) = match self.kind {
            kind::COMMAND => ("command", operation::name(self.code)),
            kind::DATA => ("data", operation::name(self.code)),
            kind::RESPONSE => ("response", response::name(self.code)),
            kind::EVENT => ("event", event::name(self.code)),
            _ => ("other", "Unknown"),
        };
        let arrow = match self.direction {
            Direction::Out => "->",
            Direction::In => "<-",
            Direction::Event => "<~",
        };
        write!(
            formatter,
            "{:>5} {arrow} {what} {name} ({:04x}) transaction {} {} bytes",
            self.number, self.code, self.transaction, self.length
        )
    }
}

/// What went over one link.
#[derive(Debug, Clone, Default)]
pub struct Trace {
    /// The containers, in order.
    pub entries: Vec<TraceEntry>,
    /// Bytes from PC to phone on the bulk endpoint.
    pub bytes_out: u64,
    /// Bytes from phone to PC on the bulk endpoint.
    pub bytes_in: u64,
    /// The faults that fired, as their one-line text, in order.
    pub marks: Vec<String>,
    /// Whether containers' bytes are kept in [`TraceEntry::bytes`].
    pub keeps_bytes: bool,
    /// Nobody will look at the containers: only bytes and marks are noted.
    pub skips_containers: bool,
}

impl Trace {
    /// How many containers began to move.
    #[must_use]
    pub fn total_containers(&self) -> u64 {
        u64::try_from(self.entries.len()).unwrap_or(u64::MAX)
    }

    /// How many commands were sent.
    #[must_use]
    pub fn transactions(&self) -> usize {
        self.entries.iter().filter(|entry| entry.kind == kind::COMMAND).count()
    }

    /// How many commands of this operation were sent.
    #[must_use]
    pub fn count_of(&self, operation: u16) -> usize {
        self.entries.iter().filter(|entry| entry.kind == kind::COMMAND && entry.code == operation).count()
    }

    /// The operations sent, in order.
    #[must_use]
    pub fn operations(&self) -> Vec<u16> {
        self.entries.iter().filter(|entry| entry.kind == kind::COMMAND).map(|entry| entry.code).collect()
    }

    /// The response codes, in order.
    #[must_use]
    pub fn responses(&self) -> Vec<u16> {
        self.entries.iter().filter(|entry| entry.kind == kind::RESPONSE).map(|entry| entry.code).collect()
    }

    /// Forgets the containers and counters, so that the next ones can be counted alone. Container numbers of faults
    /// go on.
    pub fn clear(&mut self) {
        self.entries.clear();
        self.bytes_in = 0;
        self.bytes_out = 0;
        self.marks.clear();
    }

    pub(super) fn container(&mut self, number: u64, direction: Direction, bytes: &[u8]) {
        if self.skips_containers {
            return;
        }
        let header = Header::read(bytes).unwrap_or(Header { length: 0, kind: 0, code: 0, transaction: 0 });
        self.entries.push(TraceEntry {
            number,
            direction,
            kind: header.kind,
            code: header.code,
            transaction: header.transaction,
            length: u64::from(header.length),
            bytes: self.keeps_bytes.then(|| bytes.to_vec()),
        });
    }

    /// Adds bytes of an outgoing container that came in a further transfer.
    pub(super) fn more_bytes(&mut self, bytes: &[u8]) {
        if let Some(kept) = self.entries.last_mut().and_then(|entry| entry.bytes.as_mut()) {
            kept.extend_from_slice(bytes);
        }
    }
}

impl fmt::Display for Trace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for entry in &self.entries {
            writeln!(formatter, "{entry}")?;
        }
        write!(
            formatter,
            "{} containers, {} bytes out, {} bytes in",
            self.total_containers(),
            self.bytes_out,
            self.bytes_in
        )
    }
}
