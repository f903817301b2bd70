//! Counts, plurals and contact texts as they stand in sentences. Pure functions; nothing here writes anywhere.

use super::PerSide;

/// "1 contact", "2 contacts".
#[must_use]
pub fn count(number: usize, singular: &str) -> String {
    count_of(number, singular, &format!("{singular}s"))
}

/// A count with a plural of its own: "1 entry", "2 entries".
#[must_use]
pub fn count_of(number: usize, singular: &str, plural: &str) -> String {
    format!("{number} {}", if number == 1 { singular } else { plural })
}

/// "a", "a and b", "a, b and c".
#[must_use]
pub fn enumeration(parts: &[String]) -> String {
    match parts {
        [] => String::new(),
        [one] => one.clone(),
        [rest @ .., last] => format!("{} and {last}", rest.join(", ")),
    }
}

/// What was done on the two sides with one verb: "created 1 on the phone and 2 on the PC"; `None` if nothing.
#[must_use]
pub fn per_side(verb: &str, counts: PerSide) -> Option<String> {
    let parts: Vec<String> = [(counts.phone, "phone"), (counts.pc, "PC")]
        .into_iter()
        .filter(|(number, _)| *number > 0)
        .map(|(number, side)| format!("{number} on the {side}"))
        .collect();
    (!parts.is_empty()).then(|| format!("{verb} {}", enumeration(&parts)))
}

/// A sentence with its first letter in upper case.
#[must_use]
pub fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// Bytes as a person reads them: "17 B", "3.2 KB", "1.4 MB" (steps of 1000).
#[must_use]
pub fn bytes(number: u64) -> String {
    const STEPS: [(u64, &str); 3] = [(1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "KB")];
    for (step, unit) in STEPS {
        if number >= step {
            let tenths = number / (step / 10);
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
    }
    format!("{number} B")
}

/// A text from a contact or a phone, made safe to show on one line of a terminal: no control character gets
/// through (a card may hold escape sequences), line breaks become `⏎`, characters that turn the direction of
/// writing round for what follows are left out, and right-to-left text is isolated, so that it cannot swap what
/// stands before an arrow with what stands behind it (UAX #9, isolates).
#[must_use]
pub fn shown(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    let mut after_break = false;
    for letter in text.trim().replace("\r\n", "\n").chars() {
        match letter {
            '\n' | '\r' | '\u{2028}' | '\u{2029}' | '\u{b}' | '\u{c}' | '\u{85}' => {
                if !after_break {
                    line.push_str(" ⏎ ");
                }
                after_break = true;
                continue;
            }
            '\t' => line.push(' '),
            '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            letter if letter.is_control() => line.push('\u{fffd}'),
            letter => line.push(letter),
        }
        after_break = false;
    }
    if line.chars().any(is_right_to_left) { format!("\u{2068}{line}\u{2069}") } else { line }
}

/// The blocks of scripts that are written from right to left (Unicode 16, default class R or AL).
fn is_right_to_left(letter: char) -> bool {
    matches!(letter, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{feff}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plurals_and_lists_read_as_sentences() {
        assert_eq!(count(1, "contact"), "1 contact");
        assert_eq!(count(0, "contact"), "0 contacts");
        assert_eq!(count_of(2, "entry", "entries"), "2 entries");
        let parts: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
        assert_eq!(enumeration(&parts), "a, b and c");
        assert_eq!(enumeration(&[]), "");
        assert_eq!(
            per_side("updated", PerSide { phone: 1, pc: 2 }).unwrap(),
            "updated 1 on the phone and 2 on the PC"
        );
        assert_eq!(per_side("updated", PerSide::default()), None);
        assert_eq!(sentence("ärger"), "Ärger");
    }

    #[test]
    fn bytes_have_a_unit() {
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_000), "1.0 KB");
        assert_eq!(bytes(1_999_999), "1.9 MB");
    }

    #[test]
    fn nothing_in_a_card_reaches_the_terminal_as_a_command() {
        let text = shown("a\u{1b}[2J\tb\r\nc\n\nd\u{202e}e\u{7}");
        assert_eq!(text, "a\u{fffd}[2J b ⏎ c ⏎ de\u{fffd}");
        assert!(!text.chars().any(char::is_control));
        assert_eq!(shown("ليلى"), "\u{2068}ليلى\u{2069}");
    }
}
