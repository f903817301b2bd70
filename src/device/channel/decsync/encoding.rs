//! Names on disk: how a text becomes a file name, and which bucket file holds a path's entries. Pure.
//!
//! Source: DecSync's spec-general.md and spec-v2.md; the vectors in the tests are from the reference library.

/// The bucket for the entries of the path `["info"]`, which is no hash.
pub const INFO_BUCKET: &str = "info";

/// A text as a file name: `A-Za-z0-9-_.~` stand for themselves, every other byte of the UTF-8 form is `%XX` in upper
/// case, and so is a dot at the beginning.
#[must_use]
pub fn encoded(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    for (position, byte) in text.bytes().enumerate() {
        let is_safe = byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~' | b'.');
        if is_safe && !(byte == b'.' && position == 0) {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    name
}

/// The text that a file name stands for; `None` if it stands for none. Digits of either case are read.
#[must_use]
pub fn decoded(name: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(name.len());
    let mut rest = name.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = std::str::from_utf8(rest.get(..2)?).ok()?;
        if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
            return None;
        }
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = rest.get(2..)?;
    }
    String::from_utf8(bytes).ok()
}

/// The name of the bucket file for a path: `info` for `["info"]`, otherwise two hexadecimal digits.
#[must_use]
pub fn bucket_of<S: AsRef<str>>(path: &[S]) -> String {
    if let [only] = path
        && only.as_ref() == INFO_BUCKET
    {
        return INFO_BUCKET.to_owned();
    }
    let hash =
        path.iter().fold(0_u8, |hash, part| hash.wrapping_mul(199).wrapping_add(text_hash(part.as_ref())));
    format!("{hash:02x}")
}

fn text_hash(text: &str) -> u8 {
    text.bytes().fold(0_u8, |hash, byte| hash.wrapping_mul(19).wrapping_add(byte))
}

/// Whether a name from a file called `sequences` is that of a bucket; nothing else is read from an app's folder.
#[must_use]
pub fn is_bucket(name: &str) -> bool {
    name == INFO_BUCKET
        || (name.len() == 2 && name.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_reference_librarys_vectors_hold() {
        assert_eq!(bucket_of(&["resources", "uid-1"]), "43");
        assert_eq!(bucket_of(&["resources", "550e8400-e29b-41d4-a716-446655440000"]), "10");
        for (uid, bucket) in [("ü uid", "c0"), ("日本語", "b5"), ("😀", "fe"), (".dot/x", "eb")] {
            assert_eq!(bucket_of(&["resources", uid]), bucket, "{uid}");
        }
        assert_eq!(bucket_of(&["info"]), "info");
        assert_ne!(bucket_of(&["info", "x"]), "info");
        assert_eq!(bucket_of::<&str>(&[]), "00");
    }

    #[test]
    fn names_are_as_on_a_phone() {
        assert_eq!(encoded("Pixel 7-DecSyncCC-01234"), "Pixel%207-DecSyncCC-01234");
        assert_eq!(encoded(".dot/ü uid"), "%2Edot%2F%C3%BC%20uid");
        assert_eq!(encoded("a.b~c_d"), "a.b~c_d");
        assert_eq!(decoded("%2edot%2f%c3%bc%20uid").as_deref(), Some(".dot/ü uid"));
        for name in ["%", "%2", "%zz", "%+2", "a%C3", "%ff"] {
            assert_eq!(decoded(name), None, "{name}");
        }
    }

    #[test]
    fn only_buckets_are_buckets() {
        for name in ["info", "00", "ff", "9a"] {
            assert!(is_bucket(name), "{name}");
        }
        for name in ["", "0", "FF", "000", "..", "sequences", "g0"] {
            assert!(!is_bucket(name), "{name}");
        }
    }

    proptest! {
        #[test]
        fn every_text_comes_back(text in ".*") {
            let name = encoded(&text);
            prop_assert!(name.is_ascii() && !name.starts_with('.') && !name.contains('/'));
            prop_assert_eq!(decoded(&name), Some(text));
        }

        #[test]
        fn every_path_has_a_bucket(path in proptest::collection::vec(".*", 0..4)) {
            prop_assert!(is_bucket(&bucket_of(&path)));
        }
    }
}
