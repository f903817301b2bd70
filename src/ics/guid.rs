//! The id of a replica and the number of a change in it. This file must not generate randomness; it is passed in.

use std::cmp::Ordering;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

use super::COUNTER_MAX;

/// The id of a replica (REPLGUID, MS-OXCFXICS 2.2.2.4.2).
///
/// Inside are the 16 bytes in the order in which the text form of RFC 4122 shows them. The byte form of MS-DTYP
/// 2.3.4.2 ("packet order") turns the first three fields round; see [`Guid::to_wire`].
///
/// The order of two GUIDs is that of their packet bytes, since that is how IDSETs are sorted.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guid([u8; 16]);

impl Guid {
    /// A GUID from its 16 bytes in text order.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The 16 bytes in text order.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// A version 4 GUID (RFC 4122 4.4) from 16 random bytes; six of their bits are overwritten.
    #[must_use]
    pub const fn from_random(random: [u8; 16]) -> Self {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = random;
        Self([a, b, c, d, e, f, (g & 0x0F) | 0x40, h, (i & 0x3F) | 0x80, j, k, l, m, n, o, p])
    }

    /// The 16 bytes in packet order: Data1, Data2 and Data3 little-endian, the other 8 as they are.
    #[must_use]
    pub const fn to_wire(self) -> [u8; 16] {
        let [a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p] = self.0;
        [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p]
    }

    /// A GUID from its 16 bytes in packet order.
    #[must_use]
    pub const fn from_wire(wire: [u8; 16]) -> Self {
        // Turning the fields round twice gives the original, so one function serves both ways.
        Self(Self(wire).to_wire())
    }
}

impl PartialOrd for Guid {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Guid {
    fn cmp(&self, other: &Self) -> Ordering {
        self.to_wire().cmp(&other.to_wire())
    }
}

impl fmt::Display for Guid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                formatter.write_str("-")?;
            }
            write!(formatter, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Guid({self})")
    }
}

/// The text is not a GUID.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not a GUID (8-4-4-4-12 hexadecimal digits)")]
pub struct GuidParseError;

impl FromStr for Guid {
    type Err = GuidParseError;

    /// Reads the hyphenated form in lower or upper case; no braces, no other form.
    fn from_str(text: &str) -> Result<Self, GuidParseError> {
        if text.len() != 36 {
            return Err(GuidParseError);
        }
        let mut value: u128 = 0;
        for (position, character) in text.bytes().enumerate() {
            if matches!(position, 8 | 13 | 18 | 23) {
                if character != b'-' {
                    return Err(GuidParseError);
                }
                continue;
            }
            let digit = char::from(character).to_digit(16).ok_or(GuidParseError)?;
            value = (value << 4) | u128::from(digit);
        }
        Ok(Self(value.to_be_bytes()))
    }
}

impl Serialize for Guid {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Guid {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// The number of one change (CN, MS-OXCFXICS 2.2.2.1): every change in a replica gets the next counter, larger than
/// all before, and no two changes ever share one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ChangeNumber {
    /// The replica in which the change was made.
    pub replica: Guid,
    /// The counter, 1 to [`COUNTER_MAX`].
    pub counter: u64,
}

impl ChangeNumber {
    /// Whether the counter is one that a replica hands out: 0 and what needs more than 48 bits are not.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.counter >= 1 && self.counter <= COUNTER_MAX
    }
}

impl fmt::Display for ChangeNumber {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}:{}", self.replica, self.counter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "b5ffb99b-440f-4f77-b488-c5c6702ee3a8";
    const WIRE: [u8; 16] =
        [0x9B, 0xB9, 0xFF, 0xB5, 0x0F, 0x44, 0x77, 0x4F, 0xB4, 0x88, 0xC5, 0xC6, 0x70, 0x2E, 0xE3, 0xA8];

    #[test]
    fn text_and_packet_order_agree() {
        let guid: Guid = TEXT.parse().unwrap();
        assert_eq!(guid.to_wire(), WIRE);
        assert_eq!(Guid::from_wire(WIRE), guid);
        assert_eq!(guid.to_string(), TEXT);
        assert_eq!(TEXT.to_uppercase().parse(), Ok(guid));
        assert_eq!(Guid::from_bytes(*guid.as_bytes()), guid);
    }

    #[test]
    fn the_order_is_that_of_the_packet_bytes() {
        // As text 00112233 is below b5ffb99b either way; 01000000 and 00000002 tell the two orders apart.
        let little: Guid = "01000000-0000-0000-0000-000000000000".parse().unwrap();
        let big: Guid = "00000002-0000-0000-0000-000000000000".parse().unwrap();
        assert!(little.as_bytes() > big.as_bytes());
        assert!(little < big);
    }

    #[test]
    fn what_is_no_guid_is_refused() {
        for text in [
            "",
            "b5ffb99b440f4f77b488c5c6702ee3a8",
            "{b5ffb99b-440f-4f77-b488-c5c6702ee3a8}",
            "b5ffb99b-440f-4f77-b488-c5c6702ee3a",
            "b5ffb99b-440f-4f77-b488-c5c6702ee3ag",
            "b5ffb99b+440f-4f77-b488-c5c6702ee3a8",
            "b5ffb99b-440f-4f77-b488-c5c6702ee3\u{e9}",
            "+5ffb99b-440f-4f77-b488-c5c6702ee3a8",
        ] {
            assert_eq!(text.parse::<Guid>(), Err(GuidParseError), "{text}");
        }
    }

    #[test]
    fn random_bytes_become_version_4() {
        assert_eq!(Guid::from_random([0xFF; 16]).to_string(), "ffffffff-ffff-4fff-bfff-ffffffffffff");
        assert_eq!(Guid::from_random([0; 16]).to_string(), "00000000-0000-4000-8000-000000000000");
    }

    #[test]
    fn json_is_the_text_form() {
        let guid: Guid = TEXT.parse().unwrap();
        let json = serde_json::to_string(&guid).unwrap();
        assert_eq!(json, format!("\"{TEXT}\""));
        assert_eq!(serde_json::from_str::<Guid>(&json).unwrap(), guid);
        assert!(serde_json::from_str::<Guid>("\"x\"").is_err());
    }

    #[test]
    fn a_change_number_is_48_bits_and_not_zero() {
        let replica: Guid = TEXT.parse().unwrap();
        let valid = |counter| ChangeNumber { replica, counter }.is_valid();
        assert!(!valid(0));
        assert!(valid(1));
        assert!(valid(COUNTER_MAX));
        assert!(!valid(COUNTER_MAX + 1));
        assert_eq!(ChangeNumber { replica, counter: 7 }.to_string(), format!("{TEXT}:7"));
    }
}
