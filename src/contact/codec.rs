//! The codec: splits the bytes of one card into content lines. It is the one place that touches the
//! `vcard_bytes` crate, which unfolds a line, joins quoted-printable soft breaks and separates the head from the
//! value, byte for byte reversibly.
//!
//! It must not interpret a value, and it must not see more than one card at a time: the crate gives up on the
//! rest of its input at the first line it cannot read (`framing` and `repair` stand in front of it).

use std::borrow::Cow;
use std::ops::Range;

use vcard_bytes::tree::cst::VcardCst;
use vcard_bytes::tree::error::VcardParseError;
use vcard_bytes::tree::line::VcardLine;
use vcard_bytes::tree::wire::VcardWire;

/// Why a content line could not be read. Carries no content.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum LineError {
    /// No colon separates the head from the value.
    #[error("a line has no colon")]
    NoColon,
    /// The name or a parameter is not UTF-8.
    #[error("the name or a parameter of a line is not UTF-8 text")]
    HeadNotUtf8,
}

/// The bytes of a logical value: a stretch of the card where the line is laid out plainly, or rebuilt where folds
/// and soft breaks had to go.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum ValueBytes {
    /// The value stands in the card's bytes as it is.
    InCard(Range<usize>),
    /// The value was unfolded.
    Unfolded(Box<[u8]>),
}

/// One parameter as it stands in the head: its name, and its raw values with their quotes. No value: a bare word.
pub(super) struct RawParam<'a> {
    pub(super) name: Cow<'a, str>,
    pub(super) values: Vec<Cow<'a, str>>,
}

/// One content line of a card.
pub(super) struct RawLine<'a> {
    /// The line's bytes in the card: folds, line end and the blank lines that follow it included.
    pub(super) range: Range<usize>,
    /// The name as written, with its group.
    pub(super) name: Cow<'a, str>,
    pub(super) params: Vec<RawParam<'a>>,
    pub(super) value: ValueBytes,
}

impl RawLine<'_> {
    /// Whether this is the envelope line `BEGIN:VCARD` or `END:VCARD`, whichever `name` says.
    pub(super) fn is_envelope(&self, card: &[u8], name: &str) -> bool {
        self.name.trim().eq_ignore_ascii_case(name)
            && self.value_bytes(card).trim_ascii().eq_ignore_ascii_case(b"VCARD")
    }

    /// Whether a card begins on this line: `BEGIN`, or an AGENT (vCard 2.1, 2.6.4) with the `BEGIN` as its value.
    pub(super) fn opens_card(&self, card: &[u8]) -> bool {
        self.is_envelope(card, "BEGIN")
            || self.name.trim().eq_ignore_ascii_case("AGENT")
                && self.value_bytes(card).trim_ascii().eq_ignore_ascii_case(b"BEGIN:VCARD")
    }

    /// The name without its group.
    pub(super) fn bare_name(&self) -> &str {
        self.name.split_once('.').map_or(self.name.as_ref(), |(_, name)| name).trim()
    }

    /// The logical value.
    pub(super) fn value_bytes<'b>(&'b self, card: &'b [u8]) -> &'b [u8] {
        match &self.value {
            ValueBytes::InCard(range) => card.get(range.clone()).unwrap_or_default(),
            ValueBytes::Unfolded(bytes) => bytes,
        }
    }
}

/// Walks the content lines of one card, in order. An unreadable line is returned as an error together with its
/// physical extent, and the walk goes on behind it, so no byte is ever skipped.
pub(super) struct Lines<'a> {
    card: &'a [u8],
    at: usize,
}

impl<'a> Lines<'a> {
    /// Starts at the first byte of `card`.
    pub(super) fn new(card: &'a [u8]) -> Self {
        Lines { card, at: 0 }
    }
}

impl<'a> Iterator for Lines<'a> {
    type Item = Result<RawLine<'a>, (Range<usize>, LineError)>;

    fn next(&mut self) -> Option<Self::Item> {
        let start = self.at;
        let rest = self.card.get(start..)?;
        let blank = blank_prefix(rest);
        let head = rest.get(blank..)?;
        if head.is_empty() {
            // Blank lines with nothing before them: only a card of nothing but line ends has these.
            self.at = self.card.len();
            return (blank > 0 && start == 0).then_some(Err((0..blank, LineError::NoColon)));
        }
        match VcardLine::take(head) {
            Ok((line, tail)) => {
                let end = self.card.len() - tail.len();
                self.at = end + blank_prefix(tail);
                Some(Ok(into_raw(line, start + blank, end, start..self.at)))
            }
            Err(error) => {
                let length = head.iter().position(|byte| *byte == b'\n').map_or(head.len(), |at| at + 1);
                let end = start + blank + length;
                self.at = end + blank_prefix(self.card.get(end..).unwrap_or_default());
                Some(Err((start..self.at, reason(&error))))
            }
        }
    }
}

/// Counts the bytes of the empty lines at the front. They stay with the line before them, because in vCard 2.1 an
/// empty line is the end of a base64 value.
fn blank_prefix(bytes: &[u8]) -> usize {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        if rest.starts_with(b"\r\n") {
            at += 2;
        } else if rest.starts_with(b"\n") {
            at += 1;
        } else {
            return at;
        }
    }
}

/// Takes the crate's line apart. `start` and `end` are the extent of the line itself, `range` the one with the
/// blank lines around it.
fn into_raw<'a>(mut line: VcardLine<'a>, start: usize, end: usize, range: Range<usize>) -> RawLine<'a> {
    let head_length =
        line.name.get().len() + line.params.iter().map(|param| 1 + param_length(param)).sum::<usize>();
    let line_end_length = line.eol.get().len();
    let value = if line.wire.is_empty() {
        ValueBytes::InCard((start + head_length + 1).min(end)..end.saturating_sub(line_end_length))
    } else {
        // With an empty wire shape the crate writes the logical line: head, colon, value, line end.
        line.wire = VcardWire::default();
        let mut card = VcardCst { begin: None, props: vec![line], end: None, trailing: Cow::Borrowed("") };
        let logical = card.to_bytes();
        line = card.props.pop().unwrap_or_else(|| VcardLine::text("", ""));
        let value_end = logical.len().saturating_sub(line_end_length);
        ValueBytes::Unfolded(logical.get(head_length + 1..value_end).unwrap_or_default().into())
    };
    let name = line.name.0;
    let params = line
        .params
        .into_iter()
        .map(|param| RawParam {
            name: param.name.0,
            values: param.values.into_iter().map(|value| value.0).collect(),
        })
        .collect();
    RawLine { range, name, params, value }
}

/// The written length of a parameter: `name`, or `name=value,value`.
fn param_length(param: &vcard_bytes::tree::param::node::VcardParamNode<'_>) -> usize {
    param.name.get().len() + param.values.iter().map(|value| 1 + value.get().len()).sum::<usize>()
}

fn reason(error: &VcardParseError) -> LineError {
    match error {
        VcardParseError::NonUtf8Header(_) => LineError::HeadNotUtf8,
        VcardParseError::MissingCrlf(_)
        | VcardParseError::MissingPropertyColon(_)
        | VcardParseError::ExpectedBegin(_)
        | VcardParseError::MissingEnd(_) => LineError::NoColon,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(card: &[u8]) -> Vec<(String, Vec<u8>, Vec<u8>)> {
        Lines::new(card)
            .map(|line| {
                let line = line.map_err(|(_, error)| error).unwrap();
                (line.name.to_string(), line.value_bytes(card).to_vec(), card[line.range.clone()].to_vec())
            })
            .collect()
    }

    #[test]
    fn lines_cover_every_byte() {
        let card = b"BEGIN:VCARD\r\nVERSION:2.1\r\nPHOTO;ENCODING=BASE64:\r\n AQID\r\n BAU=\r\n\r\nNOTE;QUOTED-PRINTABLE:a=\r\nb==\r\n\nEND:VCARD\n\n";
        let lines = read(card);
        let joined: Vec<u8> = lines.iter().flat_map(|line| line.2.clone()).collect();
        assert_eq!(joined, card);
        assert_eq!(lines[2].1, b"AQIDBAU=");
        assert!(lines[2].2.ends_with(b"\r\n\r\n"));
    }

    #[test]
    fn value_of_plain_and_folded_lines() {
        let lines = read("ADR;LABEL=\"a;b:c\";TYPE=x,y:;;1 \u{e9}\r\nX:\r\nN:\u{c3}\n".as_bytes());
        assert_eq!(lines[0].1, ";;1 \u{e9}".as_bytes());
        assert_eq!(lines[1].1, b"");
        let folded = b"NOTE:\xc3\r\n \xa9\r\n";
        assert_eq!(read(folded)[0].1, "\u{e9}".as_bytes());
    }

    #[test]
    fn an_unreadable_line_does_not_stop_the_walk() {
        let card = b"A:1\nnothing here\nB:2\n";
        let lines: Vec<_> = Lines::new(card).collect();
        assert_eq!(lines.len(), 3);
        assert!(matches!(&lines[1], Err((range, LineError::NoColon)) if *range == (4..17)));
    }
}
