//! Mends a card that cannot be read as it is: unindented base64, quoted-printable lines broken without a soft
//! break, lines without a colon, comments, heads that are not UTF-8.
//!
//! It sees only cards that were refused. It never touches a line that can be read.

use encoding_rs::WINDOWS_1252;

use super::framing::{Envelope, Repair, envelope};

/// A mended card.
pub(super) struct Mended {
    pub(super) bytes: Vec<u8>,
    /// What was done, each kind once, in the order it was first needed.
    pub(super) repairs: Vec<Repair>,
    /// How the value of the last content line is encoded.
    value: ValueKind,
    /// How many bytes at the end are line ends.
    after_line: usize,
    line_end: &'static [u8],
}

/// How the value a line continues is encoded.
#[derive(Clone, Copy, PartialEq, Eq)]
enum ValueKind {
    /// There is no line that could be continued.
    None,
    Plain,
    QuotedPrintable,
    Base64,
}

/// From this length on a quoted-printable line that just stops was wrapped; a shorter one ended because the text
/// did.
const WRAPPED_FROM: usize = 70;

/// Mends a card. What cannot be mended is left as it is, and will be refused again.
pub(super) fn repair(card: &[u8]) -> Mended {
    let line_end: &[u8] = if card.windows(2).any(|window| window == b"\r\n") { b"\r\n" } else { b"\n" };
    let mut mended = Mended {
        bytes: Vec::with_capacity(card.len() + 64),
        repairs: Vec::new(),
        value: ValueKind::None,
        after_line: 0,
        line_end,
    };
    let mut lines = card.split_inclusive(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        mended.push_line(line, lines.peek().copied().unwrap_or_default());
    }
    mended
}

impl Mended {
    /// Adds the `END` a card lacks.
    pub(super) fn add_end(&mut self) {
        self.note(Repair::MissingEnd);
        if !self.bytes.ends_with(b"\n") {
            // The file may have been cut between CR and LF.
            while self.bytes.ends_with(b"\r") {
                self.bytes.pop();
            }
            self.bytes.extend_from_slice(self.line_end);
            self.after_line = self.line_end.len();
        }
        self.close_soft_break();
        self.bytes.extend_from_slice(b"END:VCARD");
        self.bytes.extend_from_slice(self.line_end);
    }

    fn note(&mut self, repair: Repair) {
        if !self.repairs.contains(&repair) {
            self.repairs.push(repair);
        }
    }

    /// Takes one physical line, line end included, and sees the one behind it.
    fn push_line(&mut self, line: &[u8], next: &[u8]) {
        let content = content_of(line);
        if content.is_empty() {
            self.bytes.extend_from_slice(line);
            self.after_line += line.len();
            return;
        }
        if let Some(kind) = envelope(line, next) {
            self.close_soft_break();
            self.push(line);
            self.value = ValueKind::None;
            if kind == Envelope::End && !line.ends_with(b"\n") {
                self.after_line = 0;
            }
            return;
        }
        let continues = matches!(content.first(), Some(b' ' | b'\t')) && self.after_line <= 2;
        if continues && self.value != ValueKind::None || self.is_soft_broken() {
            self.push(line);
            return;
        }
        match head(content) {
            Some(Head::Readable(kind)) => {
                self.push(line);
                self.value = kind;
            }
            Some(Head::NotUtf8(length, kind)) => {
                self.note(Repair::HeadNotUtf8);
                let (head, rest) = line.split_at(length);
                let mut mended = WINDOWS_1252.decode_without_bom_handling(head).0.into_owned().into_bytes();
                mended.extend_from_slice(rest);
                self.push(&mended);
                self.value = kind;
            }
            None => self.push_stray(line, content),
        }
    }

    /// Takes a line that has no head.
    fn push_stray(&mut self, line: &[u8], content: &[u8]) {
        if content.starts_with(b"#") || self.value == ValueKind::None {
            self.note(Repair::DroppedLine);
            return;
        }
        match self.value {
            ValueKind::Base64 => {
                let is_base64 = content
                    .trim_ascii()
                    .iter()
                    .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'='));
                if !is_base64 {
                    self.note(Repair::DroppedLine);
                    return;
                }
                self.note(Repair::UnindentedBase64);
                // Blank lines between the head and its base64 would end the value.
                self.drop_line_ends_after_first();
                self.bytes.push(b' ');
                self.push(line);
            }
            ValueKind::QuotedPrintable => {
                self.note(Repair::SoftBreak);
                let tail = self.bytes.len() - self.after_line;
                let line_end = self.bytes.split_off(tail);
                let length = self.bytes.rsplit(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len);
                self.bytes.extend_from_slice(if length >= WRAPPED_FROM { b"=" } else { b"=0D=0A=" });
                self.bytes.extend_from_slice(line_end_of(&line_end));
                self.push(line);
            }
            ValueKind::Plain | ValueKind::None => {
                self.note(Repair::LineWithoutColon);
                self.drop_line_ends_after_first();
                self.bytes.extend_from_slice(b" \\n");
                self.push(line);
            }
        }
    }

    fn push(&mut self, line: &[u8]) {
        self.bytes.extend_from_slice(line);
        self.after_line = line.len() - content_of(line).len();
    }

    /// Whether the last line was quoted-printable and ended with a soft break, so that this one goes on with it.
    fn is_soft_broken(&self) -> bool {
        let tail = self.bytes.len().saturating_sub(self.after_line);
        self.value == ValueKind::QuotedPrintable
            && self.after_line <= 2
            && self.bytes.get(..tail).is_some_and(|bytes| bytes.ends_with(b"="))
    }

    /// A soft break before an envelope line joins nothing; it would swallow the envelope.
    fn close_soft_break(&mut self) {
        while self.is_soft_broken() {
            self.note(Repair::SoftBreak);
            let tail = self.bytes.len() - self.after_line;
            let line_end = self.bytes.split_off(tail);
            self.bytes.pop();
            while self.bytes.ends_with(b"\r") {
                self.bytes.pop();
            }
            self.bytes.extend_from_slice(&line_end);
        }
    }

    fn drop_line_ends_after_first(&mut self) {
        let tail = self.bytes.len() - self.after_line;
        let line_end = self.bytes.split_off(tail);
        let first = line_end_of(&line_end);
        self.bytes.extend_from_slice(if first.is_empty() { self.line_end } else { first });
    }
}

/// The first line end of a run of them.
fn line_end_of(line_ends: &[u8]) -> &[u8] {
    let length = line_ends.iter().position(|byte| *byte == b'\n').map_or(line_ends.len(), |at| at + 1);
    line_ends.get(..length).unwrap_or_default()
}

/// A physical line without its line end.
fn content_of(line: &[u8]) -> &[u8] {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The head of a content line.
enum Head {
    Readable(ValueKind),
    /// Not UTF-8; its length in bytes.
    NotUtf8(usize, ValueKind),
}

/// Reads the head of a physical line; `None` when it has none.
fn head(content: &[u8]) -> Option<Head> {
    let colon = value_colon(content)?;
    let head = content.get(..colon)?;
    let name = head.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if name.is_empty() || !name.iter().all(|byte| byte.is_ascii_graphic() || !byte.is_ascii()) {
        return None;
    }
    let mut kind = ValueKind::Plain;
    for word in head.split(|byte| *byte == b';').skip(1) {
        let word = word.trim_ascii().to_ascii_uppercase();
        match word.strip_prefix(b"ENCODING=").unwrap_or(&word) {
            b"QUOTED-PRINTABLE" => kind = ValueKind::QuotedPrintable,
            b"BASE64" | b"B" => kind = ValueKind::Base64,
            _ => {}
        }
    }
    Some(if std::str::from_utf8(head).is_ok() { Head::Readable(kind) } else { Head::NotUtf8(colon, kind) })
}

/// The colon between head and value: the first outside double quotes, else the first.
fn value_colon(content: &[u8]) -> Option<usize> {
    let mut quoted = false;
    for (at, byte) in content.iter().enumerate() {
        match byte {
            b'"' => quoted = !quoted,
            b':' if !quoted => return Some(at),
            _ => {}
        }
    }
    content.iter().position(|byte| *byte == b':')
}
