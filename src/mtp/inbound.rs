//! The bulk-in side of a transaction: finds containers in transfers, however the responder cut them.
//!
//! A responder may send a header and its payload in one transfer or in two, may put the response behind the data in
//! the same transfer, and may end data whose length is a multiple of the packet size with an empty packet, with one
//! extra byte, or with nothing. This file must not know operations; it gives out headers and payloads.

use super::container::{HEADER_BYTES, Header, HeaderError, LENGTH_UNKNOWN};
use super::link::{Link, LinkError};

/// The first read of a container, in bytes; enough for most replies. A multiple of every packet size.
const FIRST_READ_BYTES: usize = 16 * 1024;
/// Every further read of a payload, in bytes. A multiple of every packet size.
const NEXT_READ_BYTES: usize = 256 * 1024;
/// How many empty transfers in a row are skipped before a container.
const MAX_EMPTY_TRANSFERS: usize = 8;
/// How much payload is read and dropped to stay in step when it is more than the caller wants, in bytes.
const MAX_DROPPED_BYTES: u64 = 256 << 20;

/// Why no container was received.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The link failed.
    Link(LinkError),
    /// The bytes are no container.
    Header(HeaderError),
    /// The bytes break the protocol in another way.
    Broken(&'static str),
}

impl From<LinkError> for Fault {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

/// A data container's payload.
#[derive(Default)]
pub(super) struct Payload {
    /// The bytes, as far as the caller wanted to keep them.
    pub(super) bytes: Vec<u8>,
    /// How many bytes came in all.
    pub(super) total_bytes: u64,
    /// False if the transfer ended before the announced length.
    pub(super) is_complete: bool,
}

/// The bytes received and not yet used.
#[derive(Default)]
pub(super) struct Inbound {
    buffer: Vec<u8>,
    /// Where the unused bytes of `buffer` begin.
    start: usize,
    /// True if the transfer goes on: the last read was filled to its limit, so no short packet was seen.
    is_open: bool,
    /// True between a data container whose length is a multiple of 64 and the next header.
    may_have_extra_byte: bool,
    /// Bytes received since the last [`Self::take_count`].
    received_bytes: usize,
}

impl Inbound {
    fn unused(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// How many bytes were received since this was last asked.
    pub(super) fn take_count(&mut self) -> usize {
        std::mem::take(&mut self.received_bytes)
    }

    /// Forgets everything that was received.
    pub(super) fn clear(&mut self) {
        self.buffer.clear();
        self.start = 0;
        self.is_open = false;
        self.may_have_extra_byte = false;
    }

    /// Reads on in place of the used bytes.
    fn refill(&mut self, link: &mut dyn Link, max_bytes: usize, timeout_ms: u64) -> Result<(), LinkError> {
        self.start = 0;
        self.is_open = false;
        let result = link.bulk_in(&mut self.buffer, max_bytes, timeout_ms);
        if result.is_err() {
            self.buffer.clear();
        }
        result?;
        self.received_bytes += self.buffer.len();
        self.is_open = self.buffer.len() >= max_bytes;
        Ok(())
    }

    /// Reads on and keeps the unused bytes, which are fewer than a header.
    fn append(&mut self, link: &mut dyn Link, timeout_ms: u64) -> Result<(), LinkError> {
        let mut joined = self.unused().to_vec();
        self.refill(link, FIRST_READ_BYTES, timeout_ms)?;
        joined.append(&mut self.buffer);
        self.buffer = joined;
        Ok(())
    }

    /// Receives the header of the next container.
    pub(super) fn header(&mut self, link: &mut dyn Link, timeout_ms: u64) -> Result<Header, Fault> {
        let mut empty_transfers = 0;
        while self.unused().len() < HEADER_BYTES {
            match self.unused().len() {
                0 => {
                    self.refill(link, FIRST_READ_BYTES, timeout_ms)?;
                    if self.buffer.is_empty() {
                        empty_transfers += 1;
                    }
                    if empty_transfers > MAX_EMPTY_TRANSFERS {
                        return Err(Fault::Broken("only empty transfers instead of a container"));
                    }
                }
                // Some players end a data phase with one byte instead of an empty packet.
                1 if self.may_have_extra_byte && !self.is_open => {
                    self.may_have_extra_byte = false;
                    self.start = self.buffer.len();
                }
                short if !self.is_open => {
                    self.start = self.buffer.len();
                    return Err(Fault::Header(HeaderError::Short(short)));
                }
                _ => self.append(link, timeout_ms)?,
            }
        }
        self.may_have_extra_byte = false;
        Header::decode(self.unused()).map_err(Fault::Header)
    }

    /// Uses up the next `count` bytes, which [`Self::header`] has shown to be there.
    fn advance(&mut self, count: usize) {
        self.start = self.start.saturating_add(count).min(self.buffer.len());
    }

    /// Receives the parameters of a command, response or event whose header was just received.
    ///
    /// # Errors
    /// When the transfer ends before the announced length.
    pub(super) fn parameters(
        &mut self,
        link: &mut dyn Link,
        header: &Header,
        timeout_ms: u64,
    ) -> Result<Vec<u32>, Fault> {
        let length = header.length as usize;
        while self.unused().len() < length {
            if !self.is_open {
                return Err(Fault::Broken("a response ends before its announced length"));
            }
            self.append(link, timeout_ms)?;
        }
        let bytes = self.unused().get(HEADER_BYTES..length).unwrap_or_default();
        let parameters = super::container::parameters(bytes);
        self.advance(length);
        Ok(parameters)
    }

    /// Receives the payload of the data container whose header was just received, and keeps at most `keep_bytes` of
    /// it; the rest is read and dropped, so that the response behind it can be found.
    pub(super) fn payload(
        &mut self,
        link: &mut dyn Link,
        header: &Header,
        keep_bytes: usize,
        timeout_ms: u64,
    ) -> Result<Payload, Fault> {
        let announced =
            (header.length != LENGTH_UNKNOWN).then(|| u64::from(header.length) - HEADER_BYTES as u64);
        self.advance(HEADER_BYTES);
        // A header alone in its transfer: the payload comes in the next one.
        let mut next_transfer_belongs = self.unused().is_empty() && !self.is_open;
        let mut payload = Payload::default();
        loop {
            let missing =
                announced.map_or(u64::MAX, |announced| announced.saturating_sub(payload.total_bytes));
            let used = self.unused().len().min(usize::try_from(missing).unwrap_or(usize::MAX));
            self.keep(&mut payload, used, announced, keep_bytes);
            if announced == Some(payload.total_bytes) {
                payload.is_complete = true;
                self.may_have_extra_byte = header.length.is_multiple_of(64);
                return Ok(payload);
            }
            if payload.total_bytes > MAX_DROPPED_BYTES.saturating_add(keep_bytes as u64) {
                return Err(Fault::Broken("a data phase without end"));
            }
            if !self.is_open && !std::mem::take(&mut next_transfer_belongs) {
                payload.is_complete = announced.is_none();
                return Ok(payload);
            }
            self.refill(link, NEXT_READ_BYTES, timeout_ms)?;
        }
    }

    /// Moves `used` bytes from the buffer to the payload, as far as they are wanted.
    fn keep(&mut self, payload: &mut Payload, used: usize, announced: Option<u64>, keep_bytes: usize) {
        let kept = used.min(keep_bytes.saturating_sub(payload.bytes.len()));
        if payload.bytes.capacity() - payload.bytes.len() < kept {
            // Grows by doubling, but not beyond what is announced: the announcement alone allocates nothing.
            let doubled = (payload.bytes.capacity() * 2).max(payload.bytes.len() + kept);
            let announced = announced.and_then(|bytes| usize::try_from(bytes).ok()).unwrap_or(usize::MAX);
            let target = doubled.min(announced.min(keep_bytes)).max(payload.bytes.len() + kept);
            payload.bytes.reserve_exact(target - payload.bytes.len());
        }
        payload.bytes.extend_from_slice(self.unused().get(..kept).unwrap_or_default());
        payload.total_bytes += used as u64;
        self.advance(used);
    }

    /// Drops what is left of the transfer that is being read.
    pub(super) fn drop_transfer(&mut self, link: &mut dyn Link, timeout_ms: u64) -> Result<(), LinkError> {
        while self.is_open {
            self.refill(link, NEXT_READ_BYTES, timeout_ms)?;
        }
        self.buffer.clear();
        self.start = 0;
        Ok(())
    }
}
