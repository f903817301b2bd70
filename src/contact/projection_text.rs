//! Texts as a side with limits holds them: cut, and in ASCII.
//!
//! It must not know properties; what may be cut and what must not is `projection_card`'s business.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// The first `length_max` characters of a text, in composed form and without blanks around it; `None` if the text
/// is no longer than that. A letter is never parted from the marks that belong to it.
pub(super) fn cut(text: &str, length_max: usize) -> Option<String> {
    let composed: Vec<char> = text.trim().replace("\r\n", "\n").nfc().collect();
    if composed.len() <= length_max {
        return None;
    }
    let mut length = length_max;
    while length > 0 && composed.get(length).is_some_and(|letter| is_combining_mark(*letter)) {
        length -= 1;
    }
    let cut: String = composed.iter().take(length).collect();
    Some(cut.trim_end().to_owned())
}

/// The text in ASCII letters: without accents, letters of their own by the usual two, and `?` for what has no
/// such spelling. `None` if it is ASCII already.
pub(super) fn in_ascii(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let mut out = String::with_capacity(text.len());
    for letter in text.nfkd() {
        match letter {
            'ß' => out.push_str("ss"),
            'ẞ' => out.push_str("SS"),
            'Æ' => out.push_str("AE"),
            'æ' => out.push_str("ae"),
            'Œ' => out.push_str("OE"),
            'œ' => out.push_str("oe"),
            'Þ' => out.push_str("Th"),
            'þ' => out.push_str("th"),
            'Ø' => out.push('O'),
            'ø' => out.push('o'),
            'Ł' => out.push('L'),
            'ł' => out.push('l'),
            'Đ' | 'Ð' => out.push('D'),
            'đ' | 'ð' => out.push('d'),
            'ı' => out.push('i'),
            '‘' | '’' | '‚' => out.push('\''),
            '“' | '”' | '„' => out.push('"'),
            '‐' | '‑' | '–' | '—' => out.push('-'),
            ascii if ascii.is_ascii() => out.push(ascii),
            mark if is_combining_mark(mark) => {}
            _ => out.push('?'),
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_keeps_letters_whole_and_is_cut_once() {
        assert_eq!(cut("Maximilian von Hohenzollern-Example", 20).as_deref(), Some("Maximilian von Hohen"));
        assert_eq!(cut("Ann Lee", 7), None);
        assert_eq!(cut(" Ann Lee ", 7), None, "blanks around a text are not part of it");
        assert_eq!(cut("Ann Lee", 4).as_deref(), Some("Ann"), "and none is left at the end");
        assert_eq!(cut("Zoe\u{308} Lee", 3).as_deref(), Some("Zoë"), "counted in composed form");
        assert_eq!(cut("x\u{327}\u{301}y", 2).as_deref(), Some(""), "x with two marks is one letter");
        for (text, length) in [("Maximilian von", 11), ("a\r\nb\r\nc", 4), ("日本語の名前", 3)] {
            let once = cut(text, length).unwrap();
            assert!(once.chars().count() <= length);
            assert_eq!(cut(&once, length), None);
        }
    }

    #[test]
    fn letters_beyond_ascii_are_spelled_with_what_there_is() {
        assert_eq!(in_ascii("Zoë Łukasz Weiß-Ångström").as_deref(), Some("Zoe Lukasz Weiss-Angstrom"));
        assert_eq!(in_ascii("“Ann” – 日本").as_deref(), Some("\"Ann\" - ??"));
        assert_eq!(in_ascii("Ann"), None);
    }
}
