//! The command stream that is the byte form of a [`GlobSet`] (MS-OXCFXICS 2.2.2.6): its commands and its decoder.
//! It must not widen what the grammar allows: a damaged state must be noticed, not guessed at.
//!
//! The text of the specification contradicts itself in places; this is the reading under which its own worked
//! example comes out: bit *i* of a bitmask stands for the starting value plus 1 plus *i*; a range is malformed if
//! its low value is above its high value; a push adds 1 to 6 bytes.

use thiserror::Error;

use super::GlobSet;

/// Ends the set; the stack must be empty.
pub(super) const END: u8 = 0x00;
/// Pushes of 1 to 6 bytes are the commands 0x01 to 0x06.
pub(super) const PUSH_MAX: u8 = 0x06;
/// Emits a value and up to eight that follow it; only at depth 5.
pub(super) const BITMASK: u8 = 0x42;
/// Takes back the last push.
pub(super) const POP: u8 = 0x50;
/// Emits a closed range.
pub(super) const RANGE: u8 = 0x52;
/// The bytes of a counter (GLOBCNT).
pub(super) const COUNTER_BYTES: usize = 6;

/// Bytes are not what they should be: where, and what is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("{kind} (at byte {offset})")]
pub struct DecodeError {
    /// The offset of the offending byte, from the beginning of what was to be decoded; for a truncation, the offset
    /// at which the next byte was expected.
    pub offset: usize,
    /// What is wrong.
    pub kind: DecodeErrorKind,
}

impl DecodeError {
    pub(super) const fn new(offset: usize, kind: DecodeErrorKind) -> Self {
        Self { offset, kind }
    }

    /// The same error, seen from bytes in which the decoded part begins at `base`.
    #[must_use]
    pub(super) const fn shifted(self, base: usize) -> Self {
        Self { offset: self.offset + base, kind: self.kind }
    }
}

/// What can be wrong with encoded sets and states.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The bytes end in the middle.
    #[error("the bytes end too early")]
    Truncated,
    /// There are bytes after the end.
    #[error("there are bytes after the end")]
    TrailingBytes,
    /// No such command.
    #[error("0x{0:02x} is no command of a set")]
    UnknownCommand(u8),
    /// More than six bytes would be on the stack.
    #[error("a push makes the counter longer than 6 bytes")]
    PushTooDeep,
    /// A pop with nothing pushed.
    #[error("a pop finds nothing to take back")]
    PopOnEmptyStack,
    /// A bitmask with other than five bytes on the stack.
    #[error("a bitmask is only allowed after 5 pushed bytes")]
    BitmaskDepth,
    /// A bitmask whose values run over the last byte.
    #[error("a bitmask runs over the last byte of the counter")]
    BitmaskOverflow,
    /// A range whose first value is above its last.
    #[error("a range begins above its end")]
    RangeUpsideDown,
    /// An end with bytes still on the stack.
    #[error("the set ends with pushed bytes that were not taken back")]
    EndInsidePush,
    /// The container's version is not known.
    #[error("version {0} of a sync state is not known to this program")]
    UnknownVersion(u8),
    /// Another property than the one that must stand here.
    #[error("property 0x{found:08x} stands where 0x{expected:08x} must")]
    UnexpectedProperty {
        /// The tag that must stand here.
        expected: u32,
        /// The tag that stands here.
        found: u32,
    },
    /// An XID of a length that does not exist.
    #[error("a version id has {0} bytes, not 17 to 24")]
    XidSize(u8),
    /// The entries of a predecessor list are not strictly ascending.
    #[error("the entries of a version history are not in ascending order")]
    XidOrder,
}

/// Reads bytes one after the other and knows where it is.
#[derive(Clone, Copy)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    pub(super) const fn offset(&self) -> usize {
        self.offset
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.offset >= self.bytes.len()
    }

    /// The next `count` bytes. If there are fewer, the offset in the error is the end of the bytes.
    pub(super) fn take(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        let rest = self.bytes.get(self.offset..).unwrap_or_default();
        let taken =
            rest.get(..count).ok_or(DecodeError::new(self.bytes.len(), DecodeErrorKind::Truncated))?;
        self.offset += count;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        let end = self.bytes.len();
        self.take(N)?.try_into().map_err(|_| DecodeError::new(end, DecodeErrorKind::Truncated))
    }

    pub(super) fn byte(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }
}

/// The bytes pushed so far, as the upper part of a counter, and the lengths of the pushes.
#[derive(Default)]
struct Prefix {
    /// The pushed bytes as a number: `depth` bytes.
    value: u64,
    depth: usize,
    /// The length of each push that is not taken back yet. Every push has at least one byte and the sixth byte is
    /// never kept, so five places are enough.
    pushes: Vec<usize>,
}

impl Prefix {
    /// The counter that these bytes complete.
    fn complete(&self, bytes: &[u8]) -> u64 {
        bytes.iter().fold(self.value, |value, &byte| (value << 8) | u64::from(byte))
    }

    fn push(&mut self, bytes: &[u8]) {
        self.value = self.complete(bytes);
        self.depth += bytes.len();
        self.pushes.push(bytes.len());
    }

    /// Takes back the last push; `false` if there is none.
    fn pop(&mut self) -> bool {
        let Some(length) = self.pushes.pop() else {
            return false;
        };
        self.value >>= 8 * length;
        self.depth -= length;
        true
    }
}

/// Decodes one set from where the reader stands up to and including its end command.
///
/// The set holds ranges as they are written, so it is never larger than a small multiple of its bytes. Values may
/// come in any order and more than once: an encoder is free in what it emits.
pub(super) fn decode(reader: &mut Reader<'_>) -> Result<GlobSet, DecodeError> {
    let mut spans: Vec<(u64, u64)> = Vec::new();
    let mut prefix = Prefix::default();
    loop {
        let offset = reader.offset();
        let fail = |kind| Err(DecodeError::new(offset, kind));
        match reader.byte()? {
            END if prefix.depth > 0 => return fail(DecodeErrorKind::EndInsidePush),
            END => return Ok(GlobSet::from_unsorted(spans)),
            length @ 0x01..=PUSH_MAX => {
                let length = usize::from(length);
                if prefix.depth + length > COUNTER_BYTES {
                    return fail(DecodeErrorKind::PushTooDeep);
                }
                let bytes = reader.take(length)?;
                if prefix.depth + length == COUNTER_BYTES {
                    // A whole counter is emitted and its last push taken back at once.
                    let value = prefix.complete(bytes);
                    spans.push((value, value));
                } else {
                    prefix.push(bytes);
                }
            }
            POP => {
                if !prefix.pop() {
                    return fail(DecodeErrorKind::PopOnEmptyStack);
                }
            }
            BITMASK => {
                if prefix.depth + 1 != COUNTER_BYTES {
                    return fail(DecodeErrorKind::BitmaskDepth);
                }
                let [start, bits] = reader.array()?;
                emit_bitmask(&prefix, start, bits, &mut spans)
                    .map_err(|kind| DecodeError::new(offset, kind))?;
            }
            RANGE => {
                let low = prefix.complete(reader.take(COUNTER_BYTES - prefix.depth)?);
                let high = prefix.complete(reader.take(COUNTER_BYTES - prefix.depth)?);
                if low > high {
                    return fail(DecodeErrorKind::RangeUpsideDown);
                }
                spans.push((low, high));
            }
            unknown => return fail(DecodeErrorKind::UnknownCommand(unknown)),
        }
    }
}

/// Emits the runs of a bitmask: the starting value, and for each set bit the value that many places after it.
fn emit_bitmask(
    prefix: &Prefix,
    start: u8,
    bits: u8,
    spans: &mut Vec<(u64, u64)>,
) -> Result<(), DecodeErrorKind> {
    let start = u32::from(start);
    // With the starting value as bit 0, runs of ones are the ranges.
    let mut mask = (u32::from(bits) << 1) | 1;
    let highest = start + (31 - mask.leading_zeros());
    if highest > 0xFF {
        return Err(DecodeErrorKind::BitmaskOverflow);
    }
    let mut at = start;
    while mask != 0 {
        let gap = mask.trailing_zeros();
        mask >>= gap;
        at += gap;
        let run = mask.trailing_ones();
        mask >>= run;
        let base = prefix.value << 8;
        spans.push((base | u64::from(at), base | u64::from(at + run - 1)));
        at += run;
    }
    Ok(())
}

impl GlobSet {
    /// The byte form, a command stream that ends with 0x00; the empty set is that one byte.
    ///
    /// No shorter one exists if all counters share their first four bytes; else it may be a few bytes longer than
    /// the shortest.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        super::globset_encode::encode(self, &mut out);
        out
    }

    /// Reads the byte form. All bytes must belong to it.
    ///
    /// # Errors
    /// [`DecodeError`] for whatever MS-OXCFXICS 2.2.2.6 does not allow.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let set = decode(&mut reader)?;
        if reader.is_at_end() {
            Ok(set)
        } else {
            Err(DecodeError::new(reader.offset(), DecodeErrorKind::TrailingBytes))
        }
    }
}
