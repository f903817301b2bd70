//! What a listing's dates can tell, and what counts as a whole card: the evidence by which `tracked` compares.
//!
//! Pure functions; this file must not ask a side anything.

use super::Revision;
use super::simple::{Listing, Stamp};
use crate::contact::{Card, Limits, Repair, read_cards};

/// How far in the future, seen from here, a phone's date may be before it is not taken for its clock: the widest
/// span between two time zones.
const CLOCK_SPREAD_MS: i64 = 26 * 3_600_000;

/// The one card in these bytes. A card without its end is not mended here: it may be a file that was cut off, and
/// what is missing from it was removed by nobody.
pub(super) fn whole_card(bytes: &[u8]) -> Result<Card, String> {
    let mut found = read_cards(bytes, "", &Limits::default());
    match (found.pop(), found.is_empty()) {
        (Some(Ok(framed)), true) if framed.repairs.contains(&Repair::MissingEnd) => {
            Err(String::from("it is cut off: END:VCARD is missing"))
        }
        (Some(Ok(framed)), true) => Ok(framed.card),
        _ => Card::parse(bytes).map_err(|error| error.to_string()),
    }
}

/// The first 8 bytes of the SHA-256 of a card's UID; 0 if it has none.
pub(super) fn uid_hash(card: &Card) -> u64 {
    let Some(uid) = card.uid() else { return 0 };
    let Revision(bytes) = Revision::of(uid.trim().to_lowercase().as_bytes());
    bytes.first_chunk::<8>().map_or(0, |first| u64::from_be_bytes(*first)).max(1)
}

/// The first 14 digits of a date text as a number: enough to order the dates of one device, whose zone is one.
fn date_order(stamp: &Stamp) -> Option<u64> {
    let digits: String = stamp.modified.as_deref()?.chars().filter(char::is_ascii_digit).take(14).collect();
    if digits.len() == 14 { digits.parse().ok() } else { None }
}

/// Whether an item's date lies before the newest of its listing: an edit after the listing gets a later date.
pub(super) fn is_before(stamp: &Stamp, newest: Option<u64>) -> bool {
    matches!((date_order(stamp), newest), (Some(date), Some(newest)) if date < newest)
}

/// The newest believable date of a listing, as far as it can stand for the phone's clock.
pub(super) fn newest_date(listing: &Listing, now_ms: i64) -> Option<u64> {
    let limit = jiff::Timestamp::from_millisecond(now_ms.saturating_add(CLOCK_SPREAD_MS)).ok()?;
    let limit: u64 = limit.strftime("%Y%m%d%H%M%S").to_string().parse().ok()?;
    listing.entries.iter().filter_map(|entry| date_order(&entry.stamp)).filter(|date| *date <= limit).max()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_that_was_cut_off_is_none() {
        let whole = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada\r\nTEL:1\r\nEND:VCARD\r\n";
        assert!(whole_card(whole).is_ok());
        for length in 0..whole.len() - 3 {
            assert!(whole_card(&whole[..length]).is_err(), "{length} bytes");
        }
    }
}
