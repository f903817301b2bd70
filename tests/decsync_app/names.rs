//! Names on disk: percent-encoding, and the bucket that a path belongs to.

/// A part of a path as a file name: `A-Za-z0-9-_.~` stay, other bytes are `%XX`, a leading dot is `%2E`.
pub fn encoded(part: &str) -> String {
    let mut name = String::new();
    for (at, byte) in part.bytes().enumerate() {
        let stays = byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) || (byte == b'.' && at > 0);
        if stays {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    name
}

/// The part that a file name stands for; `None` if it is none that an app may read.
pub fn decoded(name: &str) -> Option<String> {
    if name.starts_with('.') {
        return None;
    }
    let mut bytes = Vec::new();
    let mut rest = name.bytes();
    while let Some(byte) = rest.next() {
        if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?);
        } else {
            bytes.push(byte);
        }
    }
    String::from_utf8(bytes).ok()
}

/// The bucket of a path: `info`, or two hexadecimal digits.
pub fn bucket(path: &[String]) -> String {
    if path == ["info"] {
        return "info".to_owned();
    }
    let of_part = |part: &String| part.bytes().fold(0_u32, |hash, byte| (hash * 19 + u32::from(byte)) % 256);
    format!("{:02x}", path.iter().fold(0_u32, |hash, part| (hash * 199 + of_part(part)) % 256))
}
