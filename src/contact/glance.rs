//! A quick look at a card's physical lines: the names and UIDs of ten thousand cards are asked for in every first
//! sync, and nearly all of them stand on a plain line. It must never answer where only parsing can tell.

/// What a look at the physical lines tells of a property.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PlainLine<'a> {
    /// Its first line is plain: no group, no parameters, not folded, nothing escaped. This is its value.
    Value(&'a str),
    /// No line has that name.
    Absent,
    /// Only parsing can tell.
    Unsure,
}

/// Looks for the first line of the property `name` (upper case).
pub(super) fn plain_line<'a>(card: &'a [u8], name: &[u8]) -> PlainLine<'a> {
    let mut begins = 0;
    let mut soft_break = false;
    let mut lines = card.split(|byte| *byte == b'\n').peekable();
    while let Some(line) = lines.next() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let after_soft_break = std::mem::replace(&mut soft_break, line.ends_with(b"="));
        if line.is_empty() || is_continuation(line) {
            continue;
        }
        let Some(end) = line.iter().position(|byte| matches!(byte, b':' | b';')) else {
            return PlainLine::Unsure;
        };
        let (head, rest) = line.split_at(end);
        begins += usize::from(head.eq_ignore_ascii_case(b"BEGIN"));
        let dot = head.iter().rposition(|byte| *byte == b'.');
        let bare = dot.and_then(|dot| head.get(dot + 1..)).unwrap_or(head);
        let is_meant = bare.eq_ignore_ascii_case(name);
        if begins > 1 || (is_meant && after_soft_break) {
            return PlainLine::Unsure;
        }
        if !is_meant {
            continue;
        }
        let is_folded = lines.peek().is_some_and(|next| is_continuation(next));
        let value = rest.strip_prefix(b":").filter(|value| !value.iter().any(|byte| b"\\\r".contains(byte)));
        return match value.and_then(|value| std::str::from_utf8(value).ok()) {
            Some(value) if head.len() == name.len() && !is_folded => PlainLine::Value(value),
            _ => PlainLine::Unsure,
        };
    }
    PlainLine::Absent
}

fn is_continuation(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::{Limits, read_cards};

    #[test]
    fn a_plain_line_is_told_from_one_that_must_be_parsed() {
        let look = |text: &str| match plain_line(text.as_bytes(), b"UID") {
            PlainLine::Value(value) => format!("value {value}"),
            other => format!("{other:?}"),
        };
        assert_eq!(look("BEGIN:VCARD\r\nFN:A\r\nuid:x-1\r\nUID:y\r\nEND:VCARD\r\n"), "value x-1");
        assert_eq!(look("BEGIN:VCARD\nFN:A\nEND:VCARD\n"), "Absent");
        for unsure in [
            "BEGIN:VCARD\nUID;X=1:a\nEND:VCARD\n",
            "BEGIN:VCARD\nitem1.UID:a\nEND:VCARD\n",
            "BEGIN:VCARD\nUID:a\n b\nEND:VCARD\n",
            "BEGIN:VCARD\nUID:a\\,b\nEND:VCARD\n",
            "BEGIN:VCARD\nUI\n D:a\nEND:VCARD\n",
            "BEGIN:VCARD\nNOTE;ENCODING=QUOTED-PRINTABLE:a=\nUID:a\nEND:VCARD\n",
            "BEGIN:VCARD\nAGENT:\nBEGIN:VCARD\nUID:a\nEND:VCARD\nEND:VCARD\n",
        ] {
            assert_eq!(look(unsure), "Unsure", "{unsure}");
        }
    }

    /// Whatever the quick look is sure of, the parser says too.
    #[test]
    fn the_quick_look_agrees_with_the_parser_on_every_fixture() {
        let mut sure = 0;
        for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/contacts")).unwrap() {
            let bytes = std::fs::read(file.unwrap().path()).unwrap();
            for framed in read_cards(&bytes, "fixture", &Limits::default()).into_iter().flatten() {
                for name in ["UID", "FN"] {
                    let parsed = framed.card.properties().into_iter().find(|property| property.name == name);
                    let parsed = parsed.map(|property| property.text());
                    match plain_line(framed.card.as_bytes(), name.as_bytes()) {
                        PlainLine::Value(value) => {
                            assert_eq!(parsed.as_deref(), Some(value));
                            sure += 1;
                        }
                        PlainLine::Absent => assert_eq!(parsed, None),
                        PlainLine::Unsure => {}
                    }
                }
            }
        }
        assert!(sure >= 20, "{sure}");
    }
}
