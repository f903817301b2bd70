//! Noting writes: what is to become an entry, with which stamp. Nothing of a contact goes to the phone here; the one
//! file that is written, once in a session and before the first stamp, is our own note by whose date the phone's clock
//! is measured.

use super::channel::DecsyncChannel;
use super::dates::{datetime_text, parse_datetime};
use super::entry::DecsyncEntry;
use super::index::{RememberedEntry, RememberedFile, sha256_text};
use super::merged::{Source, Winner};
use super::phone_clock::{StampTime, spoken_duration, stamp_time};
use super::replaced::Replaced;
use crate::contact::{Card, Version};
use crate::device::channel::contract::Access;
use crate::device::tree::TreeError;
use crate::provider::{Locator, Revision, SimpleOutcome};

/// A wait is repeated at most so often, should the clock stand still.
const WAITS_MAX: usize = 5;

/// A write that was noted.
pub struct Staged {
    /// Its stamp.
    pub datetime: String,
    /// The card; `None` for a deletion.
    pub card: Option<String>,
    /// The stamp of the entry that it goes over.
    pub base: Option<String>,
    /// What is to be remembered of what it replaces.
    pub replaced: Option<Replaced>,
}

/// Why nothing was noted.
enum Refusal {
    Refused(String),
    Stale,
    Unknown(String),
}

impl Refusal {
    fn of(error: &TreeError) -> Self {
        if error.is_fatal() { Self::Unknown(error.to_string()) } else { Self::Refused(error.to_string()) }
    }

    fn into_outcome(self) -> SimpleOutcome {
        match self {
            Self::Refused(why) => SimpleOutcome::Refused(why),
            Self::Stale => SimpleOutcome::Stale,
            Self::Unknown(why) => SimpleOutcome::Unknown(why),
        }
    }
}

/// The card as it is stored for this UID: exactly one, in version 3.0, with the UID in it and CRLF at its line ends.
/// Without a UID given it is the card's own, or else `name`.
pub(super) fn stored_form(bytes: &[u8], uid: Option<&str>, name: &str) -> Result<(String, String), String> {
    let card = Card::parse(bytes).map_err(|error| error.to_string())?;
    if card.version() != Version::V30 {
        return Err(format!("DecSync takes vCard 3.0, and this card is {}", card.version()));
    }
    let uid = uid.map(str::to_owned).or_else(|| card.uid()).unwrap_or_else(|| name.to_owned());
    if uid.is_empty() {
        return Err("it has no UID".to_owned());
    }
    let text = std::str::from_utf8(card.with_uid(&uid).as_bytes())
        .map_err(|_| "it is not UTF-8 text".to_owned())?
        .to_owned();
    let mut stored = text.replace("\r\n", "\n").replace('\n', "\r\n");
    if !stored.ends_with("\r\n") {
        stored.push_str("\r\n");
    }
    Ok((uid, stored))
}

impl DecsyncChannel<'_> {
    pub(super) fn stage_create(&mut self, name: &str, bytes: &[u8]) -> SimpleOutcome {
        self.try_create(name, bytes).unwrap_or_else(Refusal::into_outcome)
    }

    fn try_create(&mut self, name: &str, bytes: &[u8]) -> Result<SimpleOutcome, Refusal> {
        self.check_writable(bytes.len())?;
        let (uid, stored) = stored_form(bytes, None, name).map_err(Refusal::Refused)?;
        if let Some(winner) = self.winners.get(&uid).filter(|winner| winner.is_contact()) {
            if winner.entry.sha256.as_deref() == Some(sha256_text(stored.as_bytes()).as_str()) {
                // An earlier attempt whose acknowledgement was lost.
                let (locator, stamp) = (self.locator(&uid), Self::stamp_of(&winner.entry));
                return Ok(SimpleOutcome::Done { locator, stamp: Some(stamp), held: stored.into_bytes() });
            }
            return Err(Refusal::Refused("DecSync holds another version of this contact".to_owned()));
        }
        let staged = self.stage(&uid, Some(stored));
        if staged.is_err() {
            self.refused.insert(uid);
        }
        staged
    }

    pub(super) fn stage_replace(
        &mut self,
        locator: &Locator,
        expected: Revision,
        bytes: &[u8],
    ) -> SimpleOutcome {
        let answer = self.check_writable(bytes.len()).and_then(|()| {
            let uid = self.checked(locator, expected)?;
            let (uid, stored) = stored_form(bytes, Some(&uid), "").map_err(Refusal::Refused)?;
            self.stage(&uid, Some(stored))
        });
        self.note_refusal(locator, answer)
    }

    pub(super) fn stage_delete(&mut self, locator: &Locator, expected: Revision) -> SimpleOutcome {
        let answer = self.check_writable(0).and_then(|()| {
            let uid = self.checked(locator, expected)?;
            self.stage(&uid, None)
        });
        self.note_refusal(locator, answer)
    }

    /// What was not written comes again in the next session.
    fn note_refusal(&mut self, locator: &Locator, answer: Result<SimpleOutcome, Refusal>) -> SimpleOutcome {
        if let (Err(_), Some(uid)) = (&answer, self.uid_in(locator)) {
            self.refused.insert(uid);
        }
        answer.unwrap_or_else(Refusal::into_outcome)
    }

    fn check_writable(&self, size_bytes: usize) -> Result<(), Refusal> {
        let refused = |why: String| Err(Refusal::Refused(why));
        if self.access == Access::ReadOnly || !self.is_prepared {
            return refused("the phone was not opened for writing".to_owned());
        }
        if self.is_book_deleted() {
            return refused("its address book was deleted in DecSync".to_owned());
        }
        let limit = self.capabilities.card_bytes_max;
        if size_bytes > limit {
            return refused(format!("the card has {size_bytes} bytes, and the phone takes {limit}"));
        }
        Ok(())
    }

    /// The UID of a contact that is still as expected.
    fn checked(&mut self, locator: &Locator, expected: Revision) -> Result<String, Refusal> {
        let uid = self.uid_in(locator).ok_or(Refusal::Stale)?;
        let winner = self.winners.get(&uid).filter(|winner| winner.is_contact()).ok_or(Refusal::Stale)?;
        let expected_text: String = expected.0.iter().map(|byte| format!("{byte:02x}")).collect();
        if winner.entry.sha256.as_deref() == Some(expected_text.as_str()) {
            return Ok(uid);
        }
        // What lies around a card in its entry is no part of it.
        let held = match self.read_contact(&uid) {
            Ok(held) => held,
            Err(error) if error.is_fatal() => return Err(Refusal::Unknown(error.to_string())),
            Err(_) => return Err(Refusal::Stale),
        };
        match Card::parse(&held) {
            Ok(card) if Revision::of(card.as_bytes()) == expected => Ok(uid),
            _ => Err(Refusal::Stale),
        }
    }

    fn stage(&mut self, uid: &str, card: Option<String>) -> Result<SimpleOutcome, Refusal> {
        let stored = self.winners.get(uid).map(|winner| winner.entry.datetime.clone());
        let datetime = self.stamp_over(stored.as_deref())?;
        let replaced = self.replacing(uid, card.is_none()).map_err(|error| {
            let words = error.to_string();
            if error.is_fatal() { Refusal::Unknown(words) } else { Refusal::Refused(words) }
        })?;
        let entry = DecsyncEntry::contact(uid, &datetime, card.as_deref());
        let base = self.staged.remove(uid).map_or(stored, |earlier| earlier.base);
        let held = card.clone().map(String::into_bytes).unwrap_or_default();
        self.staged.insert(uid.to_owned(), Staged { datetime, card, base, replaced });
        let mut stamp = None;
        for entry in RememberedFile::of(&[entry]).entries {
            stamp = Some(Self::stamp_of(&entry)).filter(|_| entry.sha256.is_some());
            self.winners.insert(uid.to_owned(), Winner { entry, source: Source::Own });
        }
        Ok(SimpleOutcome::Done { locator: self.locator(uid), stamp, held })
    }

    /// A stamp that is newer than what is stored and not ahead of the phone's clock.
    fn stamp_over(&mut self, stored: Option<&str>) -> Result<String, Refusal> {
        let stored_s = stored
            .map(|text| {
                parse_datetime(text).ok_or_else(|| {
                    Refusal::Refused(
                        "its entry in DecSync has a date that is none; edit it once on the phone".to_owned(),
                    )
                })
            })
            .transpose()?;
        let clock = self.measured_clock().map_err(|error| Refusal::of(&error))?;
        for _ in 0..WAITS_MAX {
            match stamp_time(clock, self.clock.now_ms(), stored_s) {
                StampTime::Now(second) => return Ok(datetime_text(second)),
                StampTime::After(wait_ms) => self.clock.sleep_ms(wait_ms),
                StampTime::TooFar(seconds) => {
                    return Err(Refusal::Refused(format!(
                        "its last edit is {} ahead of the phone's clock, and a newer one would be lost there; it is \
                         written once that time has come",
                        spoken_duration(seconds)
                    )));
                }
            }
        }
        Err(Refusal::Refused("the clock stands still".to_owned()))
    }

    /// Size and date of an entry: the size of the card, and the entry's datetime with a part of the hash, so that a
    /// second edit within the same second is seen.
    pub(super) fn stamp_of(entry: &RememberedEntry) -> crate::provider::Stamp {
        let hash: String = entry.sha256.as_deref().unwrap_or_default().chars().take(16).collect();
        let modified = format!("{} {hash}", super::dates::compact(&entry.datetime));
        crate::provider::Stamp { size_bytes: entry.size_bytes, modified: Some(modified.into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_is_stored_with_its_uid_and_one_kind_of_line_end() {
        let plain = b"BEGIN:VCARD\nVERSION:3.0\nFN:Ada\nEND:VCARD";
        let (uid, stored) = stored_form(plain, None, "from-name").unwrap();
        assert_eq!(uid, "from-name");
        assert!(stored.contains("\r\nUID:from-name\r\n") && stored.ends_with("END:VCARD\r\n"));
        assert!(!stored.replace("\r\n", "").contains('\n'));
        assert_eq!(stored_form(stored.as_bytes(), None, "other").unwrap(), (uid, stored.clone()));
        let (uid, moved) = stored_form(stored.as_bytes(), Some("path"), "").unwrap();
        assert_eq!((uid.as_str(), moved.matches("UID:").count()), ("path", 1));
        assert!(moved.contains("UID:path\r\n"));
    }

    #[test]
    fn what_decsync_cc_would_not_take_is_refused() {
        let card = "BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ada\r\nEND:VCARD\r\n";
        for text in [String::new(), card.repeat(2), card.replace("3.0", "4.0"), card.replace("3.0", "2.1")] {
            assert!(stored_form(text.as_bytes(), None, "x").is_err(), "{text}");
        }
    }
}
