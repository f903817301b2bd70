//! The file `sequences`: which bucket was written how often. Pure.

use std::collections::BTreeMap;

use serde_json::Value;

use super::encoding::is_bucket;

/// The name of the file.
pub const SEQUENCES_FILE: &str = "sequences";
/// It names at most 257 buckets; more than this is not read.
pub const SEQUENCES_BYTES_MAX: u64 = 64 * 1024;

/// Counters by bucket.
pub type Sequences = BTreeMap<String, i64>;

/// Reads the file; `None` if it is not whole. Names that are no buckets do not count.
#[must_use]
pub fn parse_sequences(bytes: &[u8]) -> Option<Sequences> {
    let named: BTreeMap<String, Value> = serde_json::from_slice(bytes).ok()?;
    let mut sequences = Sequences::new();
    for (name, counter) in named {
        let counter = counter.as_i64()?;
        if is_bucket(&name) {
            sequences.insert(name, counter);
        }
    }
    Some(sequences)
}

/// The file with these counters; no line end, as the reference library writes it.
#[must_use]
pub fn sequences_text(sequences: &Sequences) -> String {
    let pairs: Vec<String> =
        sequences.iter().map(|(name, counter)| format!("\"{name}\":{counter}")).collect();
    format!("{{{}}}", pairs.join(","))
}

/// The buckets whose counters differ, larger or smaller: an app that was set up anew counts from 1.
pub fn changed<'s>(now: &'s Sequences, before: &Sequences) -> Vec<&'s str> {
    now.iter()
        .filter(|(name, counter)| before.get(*name) != Some(counter))
        .map(|(name, _)| name.as_str())
        .collect()
}

/// Whether an app's counters went back: what it wrote was undone by restoring an older state.
pub fn went_back(now: &Sequences, before: &Sequences) -> bool {
    before.iter().any(|(name, counter)| now.get(name).is_none_or(|now| now < counter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_whole_or_not_at_all() {
        let text = r#"{"10":1,"43":2,"info":3}"#;
        let sequences = parse_sequences(text.as_bytes()).unwrap();
        assert_eq!(sequences_text(&sequences), text);
        for length in 0..text.len() {
            assert_eq!(parse_sequences(&text.as_bytes()[..length]), None, "{length}");
        }
        for text in ["[]", "null", r#"{"43":"1"}"#, r#"{"43":1.5}"#, r#"{"43":null}"#] {
            assert_eq!(parse_sequences(text.as_bytes()), None, "{text}");
        }
        let foreign = parse_sequences(br#"{"../x":1,"43":1,"FF":2}"#).unwrap();
        assert_eq!(sequences_text(&foreign), r#"{"43":1}"#);
        assert_eq!(sequences_text(&Sequences::new()), "{}");
    }

    #[test]
    fn different_is_different_in_both_directions() {
        let sequences = |text: &str| parse_sequences(text.as_bytes()).unwrap();
        let before = sequences(r#"{"10":5,"43":2}"#);
        let now = sequences(r#"{"10":1,"43":2,"info":1}"#);
        assert_eq!(changed(&now, &before), ["10", "info"]);
        assert!(changed(&before, &before).is_empty());
        assert!(went_back(&now, &before));
        assert!(went_back(&sequences("{}"), &before));
        assert!(!went_back(&before, &before));
        assert!(!went_back(&before, &sequences("{}")));
    }
}
