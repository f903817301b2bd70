//! Quoted-printable as vCard 2.1 uses it (RFC 2045 6.7, with the line breaks of a text as `=0D=0A`).
//!
//! It only writes; reading is `value`'s business, because there structure comes first.

/// The longest physical line, soft break included (RFC 2045 6.7, rule 5).
const LINE_CHARACTERS: usize = 76;

/// Encodes a text. A character of `separators` gets a backslash, which readers understand that decode before they
/// split as well as those that split first.
pub(super) fn encode(text: &str, separators: &str) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let text = text.replace("\r\n", "\n");
    let length = text.len();
    for (at, byte) in text.bytes().enumerate() {
        let character = char::from(byte);
        if byte == b'\n' || byte == b'\r' {
            out.push_str("=0D=0A");
        } else if separators.contains(character) {
            out.push('\\');
            out.push(character);
        } else if (b'!'..=b'~').contains(&byte) && !matches!(byte, b'=' | b'\\')
            || byte == b' ' && at > 0 && at + 1 < length
        {
            out.push(character);
        } else {
            out.push('=');
            out.push_str(&format!("{byte:02X}"));
        }
    }
    out
}

/// Appends encoded text to a line that has begun, with soft breaks where asked; never inside `=XX` nor between a
/// backslash and what it escapes, and no line begins with a space or ends with one.
pub(super) fn push_lines(encoded: &[u8], soft_breaks: bool, line_end: &str, line: &mut Vec<u8>) {
    if !soft_breaks {
        line.extend_from_slice(encoded);
        return;
    }
    let mut used = line.len();
    let mut rest = encoded;
    while let Some(first) = rest.first() {
        let length = match first {
            b'=' => 3,
            b'\\' => 2,
            _ => 1,
        }
        .min(rest.len());
        let (unit, tail) = rest.split_at(length);
        // A line that began with a space would be taken for a folded one.
        if used + length > LINE_CHARACTERS - 1 && unit != b" " && used > 0 {
            line.push(b'=');
            line.extend_from_slice(line_end.as_bytes());
            used = 0;
            // A physical line that reads `END:VCARD` would end the card for many readers, soft break or not; no
            // line may begin like `BEGIN`, `END` or `AGENT`.
            if let [letter @ (b'A' | b'a' | b'B' | b'b' | b'E' | b'e')] = unit {
                line.extend_from_slice(format!("={letter:02X}").as_bytes());
                used = 3;
                rest = tail;
                continue;
            }
        }
        line.extend_from_slice(unit);
        used += length;
        rest = tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_what_is_not_printable() {
        assert_eq!(encode("Zoë = a;b\nC:\\ ", ";"), "Zo=C3=AB =3D a\\;b=0D=0AC:=5C=20");
    }

    #[test]
    fn soft_breaks_keep_units_whole() {
        let mut line = b"NOTE:".to_vec();
        push_lines(encode(&"é ".repeat(60), "").as_bytes(), true, "\r\n", &mut line);
        let text = String::from_utf8(line).unwrap();
        for physical in text.split("\r\n") {
            assert!(physical.len() <= LINE_CHARACTERS + 1, "{}", physical.len());
            assert!(!physical.starts_with(' '));
        }
        assert_eq!(text.replace("=\r\n", ""), format!("NOTE:{}", encode(&"é ".repeat(60), "")));
    }
}
