//! File names in a contacts folder: which are cards, which are our temporaries, and how a name is made that a phone
//! takes. Names only; nothing here touches a phone.

use serde::{Deserialize, Serialize};

use crate::provider::Revision;

/// The name of the marker file.
pub const MARKER_NAME: &str = "tetherbook-replica.txt";
/// What every temporary name begins with. Temporaries keep the extension: some responders refuse to change it.
pub const TEMPORARY_PREFIX: &str = "tbtmp-";
/// What a probe is called, without extension. It is no card, wherever it is left.
const PROBE_STEM: &str = "tetherbook-probe";
/// The extension of cards, with its dot.
const CARD_EXTENSION: &str = ".vcf";
/// The longest file name that any tree takes, in bytes: what file systems allow, which is below MTP's 254
/// characters for names in ASCII.
const NAME_BYTES_MAX: usize = 240;

/// Which file names a device takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NameRule {
    /// Whether names must be ASCII.
    pub ascii: bool,
    /// The longest name with its extension, in bytes of UTF-8.
    pub length_max: u16,
}

/// Names are compared without regard to letter case: on a phone's card `A.vcf` and `a.vcf` are one file.
#[must_use]
pub fn name_key(name: &str) -> String {
    name.to_lowercase()
}

/// Whether the file is one of our temporaries.
#[must_use]
pub fn is_temporary(name: &str) -> bool {
    name.get(..TEMPORARY_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(TEMPORARY_PREFIX))
}

/// The file name of a probe.
#[must_use]
pub fn probe_name() -> String {
    format!("{PROBE_STEM}{CARD_EXTENSION}")
}

/// Whether the file is a card by its name.
#[must_use]
pub fn is_card_name(name: &str) -> bool {
    let start = name.len().saturating_sub(CARD_EXTENSION.len());
    !is_temporary(name)
        && name_key(name) != probe_name()
        && start > 0
        && name.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(CARD_EXTENSION))
}

/// The temporary name for a file: the file's own name behind the prefix, so that what a crash left behind tells
/// where it belongs; where that would be too long, a hash of the name.
#[must_use]
pub fn temporary_name(name: &str, rule: NameRule) -> String {
    let plain = format!("{TEMPORARY_PREFIX}{name}");
    if plain.len() <= longest(rule) { plain } else { hashed_temporary_name(name) }
}

/// The hash form of a temporary name: 16 hexadecimal digits of the SHA-256 of the lower-case name.
#[must_use]
pub fn hashed_temporary_name(name: &str) -> String {
    let extension = name.rfind('.').and_then(|at| name.get(at..)).unwrap_or_default();
    format!("{TEMPORARY_PREFIX}h{}{extension}", hash_digits(&name_key(name), 16))
}

/// The name that a temporary in plain form is for.
#[must_use]
pub fn name_of_temporary(temporary: &str) -> Option<&str> {
    temporary.get(TEMPORARY_PREFIX.len()..).filter(|name| is_temporary(temporary) && !name.is_empty())
}

fn longest(rule: NameRule) -> usize {
    usize::from(rule.length_max).min(NAME_BYTES_MAX)
}

fn hash_digits(text: &str, digits: usize) -> String {
    let revision = Revision::of(text.as_bytes());
    revision.0.iter().map(|byte| format!("{byte:02x}")).collect::<String>().chars().take(digits).collect()
}

/// The file name for a new card. `attempt` 0 is the first choice, 1 and more are for names that are taken.
///
/// The same stem gives the same name always; where something had to be changed, a hash of the stem is added, so
/// that two stems do not fall together.
#[must_use]
pub fn card_file_name(stem: &str, rule: NameRule, attempt: u8) -> String {
    let clean: String = stem.chars().map(|character| plain_character(character, rule)).collect();
    let mut clean = clean.trim_matches(['.', ' ', '_']).to_owned();
    if is_temporary(&clean) {
        clean.replace_range(..TEMPORARY_PREFIX.len(), "card-");
    }
    if name_key(&clean) == PROBE_STEM {
        clean.push_str("-card");
    }
    let suffix = if attempt == 0 { String::new() } else { format!("-{}", u16::from(attempt) + 1) };
    let room = longest(rule).saturating_sub(CARD_EXTENSION.len() + suffix.len());
    if clean != stem || clean.is_empty() || clean.len() > room {
        let hash = hash_digits(stem, 8);
        let kept = cut_to_bytes(&clean, room.saturating_sub(hash.len() + 1)).trim_end_matches(['.', ' ']);
        clean = if kept.is_empty() { format!("card-{hash}") } else { format!("{kept}~{hash}") };
    }
    format!("{clean}{suffix}{CARD_EXTENSION}")
}

/// The character itself, or `_` where some file system of a phone does not take it.
fn plain_character(character: char, rule: NameRule) -> char {
    let is_forbidden = character.is_control() || r#"/\:*?"<>|~"#.contains(character);
    if is_forbidden || (rule.ascii && !character.is_ascii()) { '_' } else { character }
}

fn cut_to_bytes(text: &str, bytes_max: usize) -> &str {
    let mut end = bytes_max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULE: NameRule = NameRule { ascii: true, length_max: 120 };

    #[test]
    fn cards_and_temporaries_are_told_apart() {
        for name in ["a.vcf", "A.VCF", "ü.Vcf", "tbtmp.vcf", ".x.vcf"] {
            assert!(is_card_name(name), "{name}");
        }
        for name in [
            "Tetherbook-Probe.vcf",
            ".vcf",
            "a.vcf.bak",
            "tbtmp-a.vcf",
            "TBTMP-a.vcf",
            "vcf",
            "",
            MARKER_NAME,
            "ä",
        ] {
            assert!(!is_card_name(name), "{name}");
        }
        assert_eq!(temporary_name("a.vcf", RULE), "tbtmp-a.vcf");
        assert_eq!(name_of_temporary("tbtmp-a.vcf"), Some("a.vcf"));
        assert_eq!(name_of_temporary("tbtmp-"), None);
        assert_eq!(name_of_temporary("a.vcf"), None);
    }

    #[test]
    fn a_plain_stem_stays_as_it_is() {
        assert_eq!(
            card_file_name("550e8400-e29b-41d4-a716-446655440000", RULE, 0),
            "550e8400-e29b-41d4-a716-446655440000.vcf"
        );
        assert_eq!(card_file_name("x", RULE, 1), "x-2.vcf");
        assert_ne!(card_file_name("a:b", RULE, 0), card_file_name("a*b", RULE, 0));
        assert!(card_file_name("", RULE, 0).starts_with("card-"));
        assert!(is_card_name(&card_file_name("tbtmp-x", RULE, 0)));
        assert!(is_card_name(&card_file_name("tetherbook-probe", RULE, 0)));
    }

    proptest! {
        #[test]
        fn every_stem_gives_a_name_that_a_phone_takes(
            stem in ".{0,300}", ascii: bool, length_max in 32_u16..=255, attempt in 0_u8..9,
        ) {
            let rule = NameRule { ascii, length_max };
            let name = card_file_name(&stem, rule, attempt);
            prop_assert!(name.len() <= usize::from(length_max));
            prop_assert!(is_card_name(&name));
            prop_assert!(crate::device::tree::is_plain_name(&name));
            prop_assert!(!ascii || name.is_ascii());
            prop_assert!(!name.contains([':', '*', '?', '"', '<', '>', '|']));
            prop_assert_eq!(&name, &card_file_name(&stem, rule, attempt));
            let temporary = temporary_name(&name, rule);
            prop_assert!(is_temporary(&temporary) && temporary.len() <= usize::from(length_max).max(32));
            prop_assert!(temporary.ends_with(".vcf"));
        }
    }
}
