//! The marker file of a contacts folder: by it a phone's replica is known again, and a restored one is told from
//! the one that was left. Text and parsing only.

use std::str::FromStr;

use crate::ics::Guid;

/// The format that this version writes and the newest that it reads.
const FORMAT: u32 = 1;
/// A marker larger than this is none, in bytes.
pub const MARKER_BYTES_MAX: u64 = 4096;

/// What a marker says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Marker {
    /// The replica's id.
    pub guid: Guid,
    /// Grows with every session that writes, or takes something over from the phone.
    pub generation: u64,
}

/// Why a marker file says nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MarkerFault {
    /// It is not what any version writes.
    Damaged,
    /// A newer version of the program wrote it.
    Newer(u32),
}

impl Marker {
    /// The file's text. Lines that begin with `#` are for people.
    #[must_use]
    pub fn to_text(self) -> String {
        format!(
            "# Tetherbook keeps the contacts in this folder and on a computer the same.\r\n\
             # This file tells it which phone this is. Please leave it here. Without it,\r\n\
             # the next sync compares everything anew and deletes nothing.\r\n\
             format: {FORMAT}\r\n\
             replica: {}\r\n\
             generation: {}\r\n\
             end\r\n",
            self.guid, self.generation
        )
    }

    /// Reads a marker strictly: every key once, in order, and the last line, without which the text may be cut.
    ///
    /// # Errors
    /// When it is damaged or newer.
    pub fn parse(bytes: &[u8]) -> Result<Self, MarkerFault> {
        let text = std::str::from_utf8(bytes).map_err(|_| MarkerFault::Damaged)?;
        let mut lines =
            text.lines().map(str::trim_end).filter(|line| !line.is_empty() && !line.starts_with('#'));
        let mut value = |key: &str| {
            let rest = lines.next()?.strip_prefix(key)?.strip_prefix(": ")?;
            Some(rest.to_owned())
        };
        let format: u32 = number(value("format"))?;
        if format > FORMAT {
            return Err(MarkerFault::Newer(format));
        }
        let guid_text = value("replica").ok_or(MarkerFault::Damaged)?;
        let guid = Guid::from_str(&guid_text).map_err(|_| MarkerFault::Damaged)?;
        let generation: u64 = number(value("generation"))?;
        let is_whole = text.ends_with('\n') && lines.next() == Some("end") && lines.next().is_none();
        // Only what this program would write counts: other spellings of the same value mean that somebody edited.
        if format == FORMAT && is_whole && guid.to_string() == guid_text {
            Ok(Self { guid, generation })
        } else {
            Err(MarkerFault::Damaged)
        }
    }
}

/// A decimal number without sign or leading zeros.
fn number<T: FromStr + ToString>(text: Option<String>) -> Result<T, MarkerFault> {
    let text = text.ok_or(MarkerFault::Damaged)?;
    let value: T = text.parse().map_err(|_| MarkerFault::Damaged)?;
    if value.to_string() == text { Ok(value) } else { Err(MarkerFault::Damaged) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marker(generation: u64) -> Marker {
        Marker { guid: Guid::from_random([7; 16]), generation }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(bytes: [u8; 16], generation: u64) {
            let marker = Marker { guid: Guid::from_random(bytes), generation };
            prop_assert_eq!(Marker::parse(marker.to_text().as_bytes()), Ok(marker));
        }

        #[test]
        fn a_cut_marker_is_damaged(cut in 0_usize..300) {
            let text = marker(41).to_text();
            prop_assume!(cut < text.len());
            prop_assert_eq!(Marker::parse(&text.as_bytes()[..cut]), Err(MarkerFault::Damaged));
        }

        #[test]
        fn anything_is_read_without_harm(bytes: Vec<u8>) {
            prop_assert!(Marker::parse(&bytes).is_err());
        }
    }

    #[test]
    fn reads_strictly() {
        let good = marker(3).to_text();
        assert!(Marker::parse(good.replace("\r\n", "\n").as_bytes()).is_ok());
        for (from, to) in [
            ("generation: 3", "generation: 03"),
            ("generation: 3", "generation: -3"),
            ("generation: 3", "generation: 3\r\ngeneration: 3"),
            ("replica: ", "replica:"),
            ("format: 1", "format: 0"),
            ("end", "fin"),
            ("end\r\n", "end\r\nmore\r\n"),
        ] {
            assert_eq!(Marker::parse(good.replace(from, to).as_bytes()), Err(MarkerFault::Damaged), "{to}");
        }
        assert_eq!(
            Marker::parse(good.replace("format: 1", "format: 2").as_bytes()),
            Err(MarkerFault::Newer(2))
        );
    }
}
