//! Decoding of values: structure first, then transfer encoding, then charset, then escapes.
//!
//! The order matters. A `;` inside a quoted-printable component is written `=3B` and must not split it, so
//! quoted-printable text is split before it is decoded. Raw 8-bit text is transcoded before it is split, because
//! the second byte of a Shift_JIS character can be a backslash.
//!
//! This module must not know property names; what has which structure is `property`'s business.

use std::borrow::Cow;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use encoding_rs::{Encoding, UTF_8, WINDOWS_1252};

use super::Version;

/// How the octets of a value became ASCII (RFC 2045 6, RFC 2426 2.4.1, vCard 2.1 2.1.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transfer {
    /// As they are.
    Plain,
    /// `ENCODING=QUOTED-PRINTABLE`, or the bare word in vCard 2.1.
    QuotedPrintable,
    /// `ENCODING=BASE64` or `ENCODING=b`, or the bare word in vCard 2.1.
    Base64,
}

/// All that is needed to decode one value.
#[derive(Clone, Copy)]
pub(super) struct Coding {
    pub(super) version: Version,
    pub(super) transfer: Transfer,
    /// The declared charset, where it names one that is known.
    pub(super) charset: Option<&'static Encoding>,
}

/// The whole value as text; `;` and `,` are plain characters of it.
pub(super) fn text(value: &[u8], coding: Coding) -> String {
    match coding.transfer {
        Transfer::Base64 => transcode(&without_whitespace(value), None).into_owned(),
        Transfer::QuotedPrintable => decode_piece(value, coding),
        Transfer::Plain => unescape(&transcode(value, coding.charset), coding.version),
    }
}

/// The value split at unescaped separators, each piece decoded. There is always at least one piece.
pub(super) fn split(value: &[u8], separator: char, coding: Coding) -> Vec<String> {
    match coding.transfer {
        Transfer::Base64 => vec![text(value, coding)],
        Transfer::QuotedPrintable => {
            let wire: Vec<&[u8]> = split_unescaped(value, separator);
            wire.into_iter().map(|piece| decode_piece(piece, coding)).collect()
        }
        Transfer::Plain => {
            let all = transcode(value, coding.charset);
            split_unescaped(all.as_bytes(), separator)
                .into_iter()
                .map(|piece| unescape(&String::from_utf8_lossy(piece), coding.version))
                .collect()
        }
    }
}

/// Components (`;`) of items (`,`). vCard 2.1 has no lists inside a component: there each component is one item.
pub(super) fn split_nested(value: &[u8], coding: Coding) -> Vec<Vec<String>> {
    if coding.version == Version::V21 {
        return split(value, ';', coding).into_iter().map(|component| vec![component]).collect();
    }
    match coding.transfer {
        Transfer::Base64 => vec![vec![text(value, coding)]],
        Transfer::QuotedPrintable => split_unescaped(value, ';')
            .into_iter()
            .map(|component| {
                split_unescaped(component, ',').into_iter().map(|item| decode_piece(item, coding)).collect()
            })
            .collect(),
        Transfer::Plain => {
            let all = transcode(value, coding.charset);
            split_unescaped(all.as_bytes(), ';')
                .into_iter()
                .map(|component| {
                    split_unescaped(component, ',')
                        .into_iter()
                        .map(|item| unescape(&String::from_utf8_lossy(item), coding.version))
                        .collect()
                })
                .collect()
        }
    }
}

/// Splits at `separator` (an ASCII character) where no backslash stands before it.
fn split_unescaped(value: &[u8], separator: char) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut start = 0;
    let mut escaped = false;
    for (at, byte) in value.iter().enumerate() {
        if escaped {
            escaped = false;
        } else if *byte == b'\\' {
            escaped = true;
        } else if char::from(*byte) == separator {
            pieces.push(value.get(start..at).unwrap_or_default());
            start = at + 1;
        }
    }
    pieces.push(value.get(start..).unwrap_or_default());
    pieces
}

/// One quoted-printable piece. Escapes are resolved on the wire text: what `=5C` stands for is a plain backslash.
fn decode_piece(piece: &[u8], coding: Coding) -> String {
    let mut out = String::new();
    let mut octets: Vec<u8> = Vec::new();
    let mut rest = piece;
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        match first {
            b'=' => {
                let (octet, after) = hex_octet(tail);
                octets.push(octet.unwrap_or(b'='));
                rest = after;
            }
            b'\\' => {
                let (resolved, after) = wire_escape(tail);
                octets.push(resolved);
                rest = after;
            }
            other => octets.push(other),
        }
    }
    push_lines(&transcode(&octets, coding.charset), &mut out);
    out
}

/// The octet of `=XX`, with what follows it; `None` when no two hex digits follow.
fn hex_octet(tail: &[u8]) -> (Option<u8>, &[u8]) {
    if let [high, low, after @ ..] = tail
        && let (Some(high), Some(low)) = (char::from(*high).to_digit(16), char::from(*low).to_digit(16))
    {
        return (u8::try_from(high * 16 + low).ok(), after);
    }
    (None, tail)
}

/// The octet a backslash and its successor stand for in quoted-printable text; a lone backslash is itself.
fn wire_escape(tail: &[u8]) -> (u8, &[u8]) {
    match tail {
        [b'n' | b'N', after @ ..] => (b'\n', after),
        [other @ (b'\\' | b';' | b',' | b':'), after @ ..] => (*other, after),
        _ => (b'\\', tail),
    }
}

/// Resolves the backslash escapes of RFC 6350 3.4. vCard 2.1 defines `\;` only, but phones write `\n`, `\,`, `\:`
/// and `\\` there as well and mean what the later versions mean. An unknown escape keeps its backslash.
fn unescape(value: &str, version: Version) -> String {
    if !value.contains(['\\', '\r']) {
        return value.to_owned();
    }
    let mut resolved = String::with_capacity(value.len());
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        if character != '\\' {
            resolved.push(character);
            continue;
        }
        match characters.clone().next() {
            Some('n' | 'N') => resolved.push('\n'),
            Some(other @ ('\\' | ';' | ',' | ':')) => resolved.push(other),
            Some('"') if version != Version::V21 => resolved.push('"'),
            _ => {
                resolved.push('\\');
                continue;
            }
        }
        characters.next();
    }
    let mut out = String::with_capacity(resolved.len());
    push_lines(&resolved, &mut out);
    out
}

/// Appends `text` with its line ends made `\n`, the one spelling every version can carry.
fn push_lines(text: &str, out: &mut String) {
    if !text.contains('\r') {
        out.push_str(text);
        return;
    }
    out.push_str(&text.replace("\r\n", "\n").replace('\r', "\n"));
}

/// Octets to text: as declared; where nothing known is declared, or the declaration cannot be true, UTF-8, else
/// windows-1252 (which no octet sequence can fail in).
pub(super) fn transcode<'a>(octets: &'a [u8], charset: Option<&'static Encoding>) -> Cow<'a, str> {
    if octets.is_ascii() && charset.is_none_or(encoding_rs::Encoding::is_ascii_compatible) {
        return String::from_utf8_lossy(octets);
    }
    if let Some(charset) = charset
        && let Some(text) = charset.decode_without_bom_handling_and_without_replacement(octets)
    {
        return text;
    }
    UTF_8
        .decode_without_bom_handling_and_without_replacement(octets)
        .unwrap_or_else(|| WINDOWS_1252.decode_without_bom_handling(octets).0)
}

/// The octets of a base64 text. White space is skipped, padding may be missing, the URL-safe letters are
/// understood; `None` for anything else.
pub(super) fn decode_base64(value: &[u8]) -> Option<Vec<u8>> {
    let lenient = GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true);
    let mut text = without_whitespace(value).into_owned();
    for byte in &mut text {
        match byte {
            b'-' => *byte = b'+',
            b'_' => *byte = b'/',
            _ => {}
        }
    }
    GeneralPurpose::new(&alphabet::STANDARD, lenient).decode(&text).ok()
}

/// The media type and octets of a `data:` URI (RFC 2397); `None` if the text is none.
pub(super) fn decode_data_uri(uri: &str) -> Option<(String, Vec<u8>)> {
    let scheme = uri.get(..5)?;
    if !scheme.eq_ignore_ascii_case("data:") {
        return None;
    }
    let (head, data) = uri.get(5..)?.split_once(',')?;
    let lower = head.to_ascii_lowercase();
    if let Some(media_type) = lower.strip_suffix(";base64") {
        return Some((media_type.to_owned(), decode_base64(data.as_bytes())?));
    }
    let mut octets = Vec::with_capacity(data.len());
    let mut rest = data.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first == b'%'
            && let (Some(octet), after) = hex_octet(tail)
        {
            octets.push(octet);
            rest = after;
        } else {
            octets.push(first);
        }
    }
    Some((lower, octets))
}

fn without_whitespace(value: &[u8]) -> Cow<'_, [u8]> {
    if value.iter().any(u8::is_ascii_whitespace) {
        Cow::Owned(value.iter().copied().filter(|byte| !byte.is_ascii_whitespace()).collect())
    } else {
        Cow::Borrowed(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use encoding_rs::SHIFT_JIS;

    fn coding(version: Version, transfer: Transfer) -> Coding {
        Coding { version, transfer, charset: None }
    }

    #[test]
    fn structure_before_quoted_printable() {
        let coding = coding(Version::V21, Transfer::QuotedPrintable);
        assert_eq!(split(b";;a=3Bb;=C3=A9", ';', coding), ["", "", "a;b", "é"]);
        assert_eq!(text(b"one=0D=0Atwo=5Cn =3", coding), "one\ntwo\\n =3");
    }

    #[test]
    fn raw_shift_jis_is_transcoded_before_it_is_split() {
        // U+8868 is 0x95 0x5C in Shift_JIS: its second byte is a backslash.
        let coding = Coding { version: Version::V21, transfer: Transfer::Plain, charset: Some(SHIFT_JIS) };
        assert_eq!(split(b"\x95\x5c;x", ';', coding), ["表", "x"]);
    }

    #[test]
    fn absent_charset_is_utf8_else_windows_1252() {
        let coding = coding(Version::V30, Transfer::Plain);
        assert_eq!(text("Zoë".as_bytes(), coding), "Zoë");
        assert_eq!(text(b"Zo\xeb \x80", coding), "Zoë €");
    }

    #[test]
    fn escapes() {
        let v3 = coding(Version::V30, Transfer::Plain);
        assert_eq!(text(br"a\,b\;c\\d\ne\Nf\x", v3), "a,b;c\\d\ne\nf\\x");
        assert_eq!(split(br"a\,b,c\\,d", ',', v3), ["a,b", "c\\", "d"]);
        let v2 = coding(Version::V21, Transfer::Plain);
        assert_eq!(text(br"a\nb\", v2), "a\nb\\");
        assert_eq!(split_nested(b"a,b;c", v2), [["a,b"], ["c"]]);
        assert_eq!(split_nested(b"a,b;c", v3), [vec!["a", "b"], vec!["c"]]);
    }

    #[test]
    fn base64_and_data_uris() {
        assert_eq!(decode_base64(b" AQID\tBA"), Some(vec![1, 2, 3, 4]));
        assert_eq!(decode_base64(b"A*"), None);
        assert_eq!(decode_data_uri("data:image/png;base64,AQI="), Some(("image/png".into(), vec![1, 2])));
        assert_eq!(decode_data_uri("data:text/plain,a%20b"), Some(("text/plain".into(), b"a b".to_vec())));
        assert_eq!(decode_data_uri("https://example.org/x"), None);
    }
}
