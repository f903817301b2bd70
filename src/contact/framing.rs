//! Cuts bytes into cards: byte order marks, UTF-16, line ends, `BEGIN` and `END`.
//!
//! One bad card costs one card, never the rest of the file. What is cut out is checked line by line, and only what
//! is refused goes to `repair`. Nothing here decodes a value, and no reason it gives holds content.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use encoding_rs::{UTF_16BE, UTF_16LE};

use super::Version;
use super::card::Card;
use super::codec::{Lines, RawLine};
use super::property::{Structure, structure};
use super::repair::repair;

/// What is refused before anything is decoded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of one card.
    pub card_bytes_max: usize,
    /// The most bytes of one unfolded line.
    pub line_bytes_max: usize,
    /// The most separators in one structured value, and the most parameters on one line.
    pub separators_max: usize,
    /// The most lines of one card.
    pub properties_max: usize,
    /// The most cards in one file.
    pub cards_max: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            card_bytes_max: 16 << 20,
            line_bytes_max: 16 << 20,
            separators_max: 1_000,
            properties_max: 10_000,
            cards_max: 1_000_000,
        }
    }
}

/// What had to be done to read a card. The card then holds the mended bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Repair {
    /// A byte order mark was taken off.
    ByteOrderMark,
    /// The file was UTF-16 and is now UTF-8.
    Utf16,
    /// Lines ended in CR alone or in CR CR LF; now in CR LF.
    LineEnds,
    /// `END:VCARD` was missing and was added.
    MissingEnd,
    /// Another card stood inside this one without `AGENT`; both are now cards of their own.
    NestedCard,
    /// Base64 lines that were not indented are now.
    UnindentedBase64,
    /// A quoted-printable value was broken without a soft break, or its last line ended with one.
    SoftBreak,
    /// A line without a colon was joined to the line before it.
    LineWithoutColon,
    /// A comment, or a line that belongs to nothing, was left out.
    DroppedLine,
    /// A name or parameter that was not UTF-8 was read as windows-1252.
    HeadNotUtf8,
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Repair::ByteOrderMark => "byte order mark removed",
            Repair::Utf16 => "converted from UTF-16",
            Repair::LineEnds => "line ends made CR LF",
            Repair::MissingEnd => "missing END:VCARD added",
            Repair::NestedCard => "a card inside this one made a card of its own",
            Repair::UnindentedBase64 => "base64 lines indented",
            Repair::SoftBreak => "quoted-printable line break mended",
            Repair::LineWithoutColon => "a line without a colon joined to the one before",
            Repair::DroppedLine => "a comment or stray line left out",
            Repair::HeadNotUtf8 => "a name or parameter converted from windows-1252",
        })
    }
}

/// A card cut out of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FramedCard {
    /// The card.
    pub card: Card,
    /// The line of the file its `BEGIN` stands on, counted from 1.
    pub line: usize,
    /// What had to be mended, without repetition. Empty: the card has the file's very bytes.
    pub repairs: Vec<Repair>,
    /// The bytes as they stood in the file (a UTF-16 file's as UTF-8) where the repairs changed them.
    pub original: Option<Vec<u8>>,
}

/// A stretch of a file that is no readable card. `Debug` shows no content.
#[derive(Clone, PartialEq, Eq)]
pub struct BrokenCard {
    /// The name of the file, as it was given.
    pub source: String,
    /// The line it begins on, counted from 1.
    pub line: usize,
    /// Why it cannot be read, for people; no content.
    pub reason: String,
    /// Its bytes, of a card over the size limit only the first 64 KiB.
    pub bytes: Vec<u8>,
}

impl fmt::Debug for BrokenCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BrokenCard")
            .field("source", &self.source)
            .field("line", &self.line)
            .field("reason", &self.reason)
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

impl fmt::Display for BrokenCard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, line {}: {}", self.source, self.line, self.reason)
    }
}

// By hand, because `thiserror` would take the field `source` for an error.
impl std::error::Error for BrokenCard {}

/// How much of an oversized card is kept in its report.
const BROKEN_BYTES_KEPT: usize = 64 << 10;

/// Reads a file of any number of cards. `source` is the name for reports. Text outside of all cards is reported
/// as a broken card; empty lines, `#` comments, NUL and the DOS end-of-file mark are nothing.
#[must_use]
pub fn read_cards(bytes: &[u8], source: &str, limits: &Limits) -> Vec<Result<FramedCard, BrokenCard>> {
    let (text, file_repairs) = plain_text(bytes);
    let physical: Vec<Range<usize>> = PhysicalLines { text: &text, at: 0 }.collect();
    let frames = cut(&text, &physical, true).or_else(|| cut(&text, &physical, false)).unwrap_or_default();
    let mut cards = Vec::with_capacity(frames.len().min(limits.cards_max));
    for frame in frames {
        if cards.len() == limits.cards_max {
            let reason = format!("more than {} vCards in one file; the rest is not read", limits.cards_max);
            cards.push(Err(broken(source, frame.line, reason, Vec::new())));
            break;
        }
        let outside = frame.kind == FrameKind::OutsideCards;
        match read_frame(&text, &physical, &frame, limits, &file_repairs) {
            Ok(framed) => cards.push(Ok(framed)),
            Err((_, bytes)) if outside && says_nothing(&bytes) => {}
            Err((reason, bytes)) => cards.push(Err(broken(source, frame.line, reason, bytes))),
        }
    }
    cards
}

fn broken(source: &str, line: usize, reason: String, bytes: Vec<u8>) -> BrokenCard {
    BrokenCard { source: source.to_owned(), line, reason, bytes }
}

/// A stretch of the file between envelopes, in physical lines.
struct Frame {
    /// The number of its first line, from 1.
    line: usize,
    /// Its own physical lines; more than one stretch where other cards stood inside.
    stretches: Vec<Range<usize>>,
    kind: FrameKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FrameKind {
    Complete,
    WithoutEnd,
    OutsideCards,
}

/// A card that is open while the file is cut.
struct Open {
    line: usize,
    stretches: Vec<Range<usize>>,
    start: usize,
    /// How deep inside the cards of an AGENT the reader is.
    agent_depth: usize,
}

/// Matches `BEGIN` and `END` like parentheses. A card inside another without `AGENT` becomes a card of its own;
/// if the outer one has its `END` it keeps its lines behind the inner one, if not it ends where the inner one
/// began. `None`: an AGENT's card was not closed, and would have swallowed all cards behind it.
fn cut(text: &[u8], physical: &[Range<usize>], agents: bool) -> Option<Vec<Frame>> {
    let mut frames = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut outside = 0;
    let mut previous: &[u8] = b"";
    for (number, range) in physical.iter().enumerate() {
        let line = text.get(range.clone()).unwrap_or_default();
        let content = line.trim_ascii_end();
        let next = physical.get(number + 1).and_then(|next| text.get(next.clone())).unwrap_or_default();
        match envelope(line, next) {
            Some(Envelope::Begin) => match open.last_mut() {
                Some(top) if agents && (top.agent_depth > 0 || opens_agent(previous)) => top.agent_depth += 1,
                Some(top) => {
                    top.stretches.push(top.start..number);
                    open.push(Open::at(number));
                }
                None => {
                    push_outside(&mut frames, outside..number);
                    open.push(Open::at(number));
                }
            },
            Some(Envelope::End) => match open.last_mut() {
                Some(top) if top.agent_depth > 0 => top.agent_depth -= 1,
                Some(_) => {
                    if let Some(mut done) = open.pop() {
                        done.stretches.push(done.start..number + 1);
                        frames.push(Frame {
                            line: done.line,
                            stretches: done.stretches,
                            kind: FrameKind::Complete,
                        });
                    }
                    match open.last_mut() {
                        Some(outer) => outer.start = number + 1,
                        None => outside = number + 1,
                    }
                }
                // An END without a BEGIN stays in the text outside the cards.
                None => {}
            },
            None => {
                if agents
                    && let Some(top) = open.last_mut()
                    && is_agent_with_begin(content)
                {
                    top.agent_depth += 1;
                }
            }
        }
        if !content.is_empty() {
            previous = content;
        }
    }
    if open.is_empty() {
        push_outside(&mut frames, outside..physical.len());
    }
    close_rest(&mut frames, open, physical.len())?;
    frames.sort_by_key(|frame| frame.line);
    Some(frames)
}

/// Ends the cards that are still open at the end of the file. `None` as in `cut`.
fn close_rest(frames: &mut Vec<Frame>, open: Vec<Open>, lines: usize) -> Option<()> {
    let innermost = open.len();
    for (depth, mut rest) in open.into_iter().enumerate() {
        if rest.agent_depth > 0 {
            return None;
        }
        // Only the innermost card reaches to the end; the others end where the next one began.
        let last = if depth + 1 == innermost { rest.start..lines } else { 0..0 };
        if rest.stretches.is_empty() {
            rest.stretches.push(last);
        } else {
            let own = rest.stretches.first().cloned().unwrap_or_default();
            for stray in rest.stretches.drain(1..).chain([last]) {
                push_outside(frames, stray);
            }
            rest.stretches = vec![own];
        }
        frames.push(Frame { line: rest.line, stretches: rest.stretches, kind: FrameKind::WithoutEnd });
    }
    Some(())
}

impl Open {
    fn at(number: usize) -> Self {
        Open { line: number + 1, stretches: Vec::new(), start: number, agent_depth: 0 }
    }
}

fn push_outside(frames: &mut Vec<Frame>, lines: Range<usize>) {
    if !lines.is_empty() {
        frames.push(Frame { line: lines.start + 1, stretches: vec![lines], kind: FrameKind::OutsideCards });
    }
}

/// Makes a card, or a report, of a frame.
fn read_frame(
    text: &[u8],
    physical: &[Range<usize>],
    frame: &Frame,
    limits: &Limits,
    file_repairs: &[Repair],
) -> Result<FramedCard, (String, Vec<u8>)> {
    let stretches = frame.stretches.iter().filter_map(|stretch| {
        let lines = physical.get(stretch.clone())?;
        text.get(lines.first()?.start..lines.last()?.end)
    });
    let length: usize = stretches.clone().map(<[u8]>::len).sum();
    if length > limits.card_bytes_max {
        let reason =
            format!("the vCard has {length} bytes, more than the limit of {} bytes", limits.card_bytes_max);
        let start = stretches.flatten().take(BROKEN_BYTES_KEPT).copied().collect();
        return Err((reason, start));
    }
    let bytes: Vec<u8> = stretches.collect::<Vec<_>>().concat();
    if frame.kind == FrameKind::OutsideCards {
        return Err(("text outside of any vCard".to_owned(), bytes));
    }
    let mut repairs = file_repairs.to_vec();
    if frame.stretches.len() > 1 {
        repairs.push(Repair::NestedCard);
    }
    if frame.kind == FrameKind::Complete && check(&bytes, limits) == Ok(()) {
        return Ok(FramedCard {
            card: Card::from_checked(&bytes),
            line: frame.line,
            repairs,
            original: None,
        });
    }
    let mut mended = repair(&bytes);
    for _ in 0..open_cards(&mended.bytes) {
        mended.add_end();
    }
    match check(&mended.bytes, limits) {
        Ok(()) => {
            repairs.extend(mended.repairs);
            let card = Card::from_checked(&mended.bytes);
            Ok(FramedCard { card, line: frame.line, repairs, original: Some(bytes) })
        }
        Err(reason) => Err((reason, bytes)),
    }
}

/// Whether these bytes are one card that the codec reads without loss, within the limits. The error is the reason.
fn check(card: &[u8], limits: &Limits) -> Result<(), String> {
    let mut depth = 0_usize;
    let mut lines = 0_usize;
    for line in Lines::new(card) {
        let line = line.map_err(|(_, error)| error.to_string())?;
        lines += 1;
        if lines > limits.properties_max {
            return Err(format!("the vCard has more than {} lines", limits.properties_max));
        }
        if lines > 1 && depth == 0 {
            return Err("the vCard ends before its last line".to_owned());
        }
        if !frames_as_it_reads(&line, card) {
            return Err("a BEGIN, END or AGENT is part of another line".to_owned());
        }
        if line.opens_card(card) {
            depth += 1;
        } else if line.is_envelope(card, "END") {
            depth -= usize::from(depth > 0);
        } else {
            check_line(&line, card, limits)?;
        }
        if lines == 1 && depth == 0 {
            return Err("the vCard does not begin with BEGIN:VCARD".to_owned());
        }
    }
    if depth > 0 || lines == 0 {
        return Err("END:VCARD is missing".to_owned());
    }
    Ok(())
}

/// Whether a line means the same to the framing, which sees physical lines, and to the codec, which unfolds them.
/// A card where they differ would fall apart at the next edit.
fn frames_as_it_reads(line: &RawLine<'_>, card: &[u8]) -> bool {
    let bytes = card.get(line.range.clone()).unwrap_or_default();
    let mut physical = bytes.split_inclusive(|byte| *byte == b'\n');
    let first = physical.next().unwrap_or_default();
    let opens = envelope(first, b"") == Some(Envelope::Begin) || is_agent_with_begin(first.trim_ascii_end());
    let closes = envelope(first, b"") == Some(Envelope::End);
    opens == line.opens_card(card)
        && closes == line.is_envelope(card, "END")
        && physical.all(|rest| {
            rest.starts_with(b" ")
                || rest.starts_with(b"\t")
                || envelope(rest, b"").is_none()
                    && !opens_agent(rest.trim_ascii_end())
                    && !is_agent_with_begin(rest.trim_ascii_end())
        })
}

/// How many `END` are missing.
fn open_cards(card: &[u8]) -> usize {
    let mut depth = 0_usize;
    for line in Lines::new(card).flatten() {
        if line.opens_card(card) {
            depth += 1;
        } else if line.is_envelope(card, "END") {
            depth = depth.saturating_sub(1);
        }
    }
    depth
}

fn check_line(line: &RawLine<'_>, card: &[u8], limits: &Limits) -> Result<(), String> {
    let value = line.value_bytes(card);
    if value.len() > limits.line_bytes_max {
        return Err(format!("a line has more than {} bytes", limits.line_bytes_max));
    }
    if line.params.len() > limits.separators_max
        || line.params.iter().any(|param| param.values.len() > limits.separators_max)
    {
        return Err(format!("a line has more than {} parameters", limits.separators_max));
    }
    let name = line.bare_name();
    if name.is_empty() {
        return Err("a line has no name".to_owned());
    }
    // Only the number of separators counts here, and GEO, where the version matters, is no list.
    let counts = |byte: &u8| match structure(&name.to_ascii_uppercase(), Version::V30) {
        Structure::Components => *byte == b';',
        Structure::List => *byte == b',',
        Structure::Text => false,
    };
    if value.iter().filter(|byte| matches!(byte, b';' | b',')).take(limits.separators_max + 1).count()
        > limits.separators_max
        && value.iter().filter(|byte| counts(byte)).count() > limits.separators_max
    {
        return Err(format!("a structured value has more than {} separators", limits.separators_max));
    }
    Ok(())
}

/// An envelope line.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Envelope {
    Begin,
    End,
}

/// Which envelope a physical line is, if any. A folded line is none, whatever stands in it, and neither is one
/// that the next line continues.
pub(super) fn envelope(line: &[u8], next: &[u8]) -> Option<Envelope> {
    let is_indented = |line: &[u8]| line.starts_with(b" ") || line.starts_with(b"\t");
    if is_indented(line) || is_indented(next) && !next.trim_ascii().is_empty() {
        return None;
    }
    let colon = line.iter().position(|byte| *byte == b':')?;
    let (name, value) = line.split_at(colon);
    if !value.get(1..)?.trim_ascii().eq_ignore_ascii_case(b"VCARD") {
        return None;
    }
    let name = name.trim_ascii();
    if name.eq_ignore_ascii_case(b"BEGIN") {
        Some(Envelope::Begin)
    } else if name.eq_ignore_ascii_case(b"END") {
        Some(Envelope::End)
    } else {
        None
    }
}

/// Whether a line is an `AGENT` whose card follows on the next line.
fn opens_agent(line: &[u8]) -> bool {
    agent_rest(line).is_some_and(|rest| rest.ends_with(b":"))
}

/// Whether a line is an `AGENT` with the `BEGIN` of its card on the same line.
fn is_agent_with_begin(line: &[u8]) -> bool {
    agent_rest(line).is_some_and(|rest| {
        let (_, value) = rest.split_at(rest.iter().position(|byte| *byte == b':').unwrap_or(rest.len()));
        value.get(1..).is_some_and(|value| value.trim_ascii().eq_ignore_ascii_case(b"BEGIN:VCARD"))
    })
}

/// What follows the name `AGENT` at the beginning of a line. Nobody puts a group before it.
fn agent_rest(line: &[u8]) -> Option<&[u8]> {
    let head_end = line.iter().position(|byte| matches!(byte, b':' | b';'))?;
    let (name, rest) = line.split_at(head_end);
    name.trim_ascii_end().eq_ignore_ascii_case(b"AGENT").then_some(rest)
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The file as UTF-8 or 8-bit text with LF or CR LF line ends, and what had to be done for that.
fn plain_text(bytes: &[u8]) -> (Cow<'_, [u8]>, Vec<Repair>) {
    let mut repairs = Vec::new();
    let mut text = match bytes {
        [0xFF, 0xFE, ..] | [b'B' | b'b', 0, ..] => {
            repairs.push(Repair::Utf16);
            Cow::Owned(UTF_16LE.decode_with_bom_removal(bytes).0.into_owned().into_bytes())
        }
        [0xFE, 0xFF, ..] | [0, b'B' | b'b', ..] => {
            repairs.push(Repair::Utf16);
            Cow::Owned(UTF_16BE.decode_with_bom_removal(bytes).0.into_owned().into_bytes())
        }
        _ => Cow::Borrowed(bytes),
    };
    // Files that were joined have a mark before each of them.
    let is_mark = |line: &&[u8]| line.starts_with(BYTE_ORDER_MARK);
    if text.contains(&0xEF)
        && text.split_inclusive(|byte| matches!(byte, b'\n' | b'\r')).any(|line| is_mark(&line))
    {
        repairs.push(Repair::ByteOrderMark);
        let mut rest = text.as_ref();
        let mut unmarked = Vec::with_capacity(text.len());
        while !rest.is_empty() {
            while let Some(after) = rest.strip_prefix(BYTE_ORDER_MARK) {
                rest = after;
            }
            let length =
                rest.iter().position(|byte| matches!(byte, b'\n' | b'\r')).map_or(rest.len(), |at| at + 1);
            let (line, after) = rest.split_at(length);
            unmarked.extend_from_slice(line);
            rest = after;
        }
        text = Cow::Owned(unmarked);
    }
    let cr_alone = text.contains(&b'\r') && !text.contains(&b'\n');
    let doubled = text.windows(3).any(|window| window == b"\r\r\n");
    if cr_alone || doubled {
        repairs.push(Repair::LineEnds);
        let mut mended = Vec::with_capacity(text.len() + text.len() / 16);
        let mut rest = text.iter().copied().peekable();
        while let Some(byte) = rest.next() {
            match byte {
                b'\r' if cr_alone => mended.extend_from_slice(b"\r\n"),
                b'\r' if rest.peek() == Some(&b'\r') => {}
                other => mended.push(other),
            }
        }
        text = Cow::Owned(mended);
    }
    (text, repairs)
}

/// Whether nothing is in these bytes that belongs to a card: empty lines, padding and comments.
fn says_nothing(bytes: &[u8]) -> bool {
    bytes.split(|byte| *byte == b'\n').all(|line| {
        line.starts_with(b"#")
            || line.iter().all(|byte| byte.is_ascii_whitespace() || matches!(byte, 0 | 0x1A))
    })
}

/// The physical lines of a text, line ends included.
struct PhysicalLines<'a> {
    text: &'a [u8],
    at: usize,
}

impl Iterator for PhysicalLines<'_> {
    type Item = Range<usize>;

    fn next(&mut self) -> Option<Range<usize>> {
        let rest = self.text.get(self.at..).filter(|rest| !rest.is_empty())?;
        let length = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |at| at + 1);
        let start = self.at;
        self.at += length;
        Some(start..self.at)
    }
}
