//! The file `.decsync-info`, which says what a DecSync folder is. What it does not say plainly is not guessed. Pure.

use serde_json::Value;

/// The name of the file.
pub const INFO_FILE: &str = ".decsync-info";
/// No such file is longer; more is not read.
pub const INFO_FILE_BYTES_MAX: u64 = 4096;

/// The layout of a DecSync folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DecsyncVersion {
    /// One file per contact and app; only read.
    V1,
    /// Bucket files with counters.
    V2,
}

/// Reads the file. The error is words for a person.
///
/// # Errors
/// When it is no such file, or of a version that this program does not know.
pub fn parse_info(bytes: &[u8]) -> Result<DecsyncVersion, String> {
    let unreadable = || {
        format!(
            "the file {INFO_FILE} on the phone is damaged or not yet written, so nothing there is touched; open \
             DecSync CC once, and if that does not mend it, choose the DecSync folder in the app anew"
        )
    };
    let value: Value = serde_json::from_slice(bytes).map_err(|_| unreadable())?;
    match value.get("version").and_then(Value::as_i64) {
        Some(1) => Ok(DecsyncVersion::V1),
        Some(2) => Ok(DecsyncVersion::V2),
        Some(version) => Err(format!(
            "the DecSync folder on the phone is of version {version}, and this program knows 1 and 2, so nothing \
             there is touched; a newer version of the program may know it"
        )),
        None => Err(unreadable()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_known_versions_are_read() {
        assert_eq!(parse_info(br#"{"version":2}"#), Ok(DecsyncVersion::V2));
        assert_eq!(parse_info(b"{\"version\": 1, \"more\": []}\n"), Ok(DecsyncVersion::V1));
    }

    #[test]
    fn everything_else_is_refused_with_words() {
        for text in ["", "{", "{}", "2", "null", r#"{"version":"2"}"#, r#"{"version":2.5}"#, "\u{0}\u{0}"] {
            assert!(parse_info(text.as_bytes()).unwrap_err().contains("damaged"), "{text}");
        }
        for version in [0, 3, -1, 99] {
            let words = parse_info(format!("{{\"version\":{version}}}").as_bytes()).unwrap_err();
            assert!(words.contains(&format!("version {version}")), "{words}");
        }
    }
}
