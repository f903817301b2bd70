//! Writing cards to a vCard folder.
//!
//! One replacement is at most six MTP transactions, in the order that is right on every responder known: send under
//! a temporary name (2), read back and compare (1), read the old file once more (1), delete it (1), rename (1).
//! Where there is no renaming: read the old file, delete, send under the final name, read back. Nothing is ever sent onto a name
//! that exists: some responders would overwrite, keep the old tail, or show the file twice.

use super::contract::Access;
use super::names::{card_file_name, temporary_name};
use super::recovery::{Found, is_torn};
use super::vcard_folder::{Item, VcardFolder, WrittenNote};
use crate::contact::Card;
use crate::device::tree::{ObjectEntry, ObjectReference, TreeError};
use crate::provider::{Locator, Revision, SimpleOutcome, Stamp};

/// How many names are tried for one new card.
pub(super) const NAME_ATTEMPTS: u8 = 9;

/// Why a write came to nothing.
pub(super) enum WriteFault {
    /// Nothing was changed.
    Refused(String),
    /// The file is not as it was listed; nothing was changed.
    Stale,
    /// It may have happened, wholly or in part.
    Unknown(String),
}

impl WriteFault {
    /// What an error means before anything was changed on the phone.
    pub(super) fn before_change(error: &TreeError) -> Self {
        if error.leaves_doubt() { Self::Unknown(error.to_string()) } else { Self::Refused(error.to_string()) }
    }

    pub(super) fn into_outcome(self) -> SimpleOutcome {
        match self {
            Self::Refused(why) => SimpleOutcome::Refused(why),
            Self::Stale => SimpleOutcome::Stale,
            Self::Unknown(why) => SimpleOutcome::Unknown(why),
        }
    }
}

/// Whether the bytes are framed as one whole card; a card that was cut lacks its end.
pub(super) fn is_whole_card(bytes: &[u8]) -> bool {
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes).trim_ascii();
    let begins = text.get(..11).is_some_and(|start| start.eq_ignore_ascii_case(b"BEGIN:VCARD"));
    let end_at = text.len().saturating_sub(9);
    begins && text.get(end_at..).is_some_and(|end| end.eq_ignore_ascii_case(b"END:VCARD"))
}

fn size_of(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The way on where cards come back otherwise than they were sent.
const REWRITES_WORDS: &str =
    "if this phone writes cards in its own way, let Tetherbook learn how: tetherbook pair --probe";

impl VcardFolder {
    /// Why nothing of this size may be written now, if so.
    fn refusal(&self, size_bytes: u64) -> Option<WriteFault> {
        let refused = |why: &str| Some(WriteFault::Refused(why.to_owned()));
        if self.access == Access::ReadOnly || !self.is_prepared {
            return refused("the phone was not opened for writing");
        }
        if size_bytes > self.limit_bytes() {
            let limit = self.limit_bytes();
            return refused(&format!("the card has {size_bytes} bytes, and the phone takes {limit}"));
        }
        None
    }

    pub(super) fn folder(&self) -> Result<ObjectReference, WriteFault> {
        let missing = || WriteFault::Refused("there is no contacts folder".to_owned());
        self.home.as_ref().map(|home| home.folder.clone()).ok_or_else(missing)
    }

    /// Sends a new file, reads it back and compares. What arrived wrong is removed again.
    pub(super) fn send_new(
        &mut self,
        name: &str,
        bytes: &[u8],
    ) -> Result<(ObjectReference, Vec<u8>), WriteFault> {
        self.send_new_as(name, bytes, self.quirks.reencodes)
    }

    /// The same; with `may_be_rewritten` another whole card than the one that was sent is taken for it. Where the old
    /// card is gone already, what the phone made of the new one is better than none.
    pub(super) fn send_new_as(
        &mut self,
        name: &str,
        bytes: &[u8],
        may_be_rewritten: bool,
    ) -> Result<(ObjectReference, Vec<u8>), WriteFault> {
        let folder = self.folder()?;
        let object =
            self.tree.create(&folder, name, bytes).map_err(|error| WriteFault::before_change(&error))?;
        let reason = match self.read_back(&object, size_of(bytes), may_be_rewritten) {
            Ok(held) if held == bytes => {
                self.keeps_cards |= is_whole_card(bytes);
                return Ok((object, held));
            }
            Ok(held) if may_be_rewritten && is_whole_card(&held) => return Ok((object, held)),
            Ok(held) => format!("{} bytes were sent and {} other ones read back", bytes.len(), held.len()),
            Err(error) if error.is_fatal() => return Err(WriteFault::Unknown(error.to_string())),
            Err(error) => format!("what was sent could not be read back: {error}"),
        };
        let reason = if is_whole_card(bytes) { format!("{reason}; {REWRITES_WORDS}") } else { reason };
        match self.tree.delete(&object) {
            Ok(()) | Err(TreeError::NotFound(_)) => Err(WriteFault::Refused(reason)),
            Err(error) => Err(WriteFault::Unknown(format!("{reason}; and it could not be removed: {error}"))),
        }
    }

    /// Reads what was just sent. Where a device may have rewritten it, its size must be asked for first.
    fn read_back(
        &mut self,
        object: &ObjectReference,
        sent_bytes: u64,
        may_be_rewritten: bool,
    ) -> Result<Vec<u8>, TreeError> {
        let limit_bytes = sent_bytes.max(self.limit_bytes());
        if !self.quirks.reencodes {
            match self.tree.read(object, sent_bytes, limit_bytes) {
                Err(TreeError::Unreadable(_)) if may_be_rewritten => {}
                answer => return answer,
            }
        }
        let size_bytes = self.tree.stat(object)?.size_bytes;
        self.tree.read(object, size_bytes, limit_bytes.max(size_bytes))
    }

    /// Notes a finished write and makes the outcome. The date is the phone's to tell, at the end of the session.
    pub(super) fn written_now(
        &mut self,
        name: &str,
        object: ObjectReference,
        held: Vec<u8>,
        date_before: Option<Box<str>>,
    ) -> SimpleOutcome {
        let stamp = Stamp { size_bytes: size_of(&held), modified: None };
        self.remember(name, Item { object, stamp, date_known: false, is_file: true });
        let note = WrittenNote { date_before, written_ms: self.clock.now_ms() };
        self.written.insert(name.into(), note);
        SimpleOutcome::Done { locator: self.locator(name), stamp: None, held }
    }

    pub(super) fn create_card(&mut self, stem: &str, bytes: &[u8]) -> SimpleOutcome {
        match self.try_create(stem, bytes) {
            Ok(outcome) => outcome,
            Err(fault) => fault.into_outcome(),
        }
    }

    fn try_create(&mut self, stem: &str, bytes: &[u8]) -> Result<SimpleOutcome, WriteFault> {
        if let Some(fault) = self.refusal(size_of(bytes)) {
            return Err(fault);
        }
        for attempt in 0..NAME_ATTEMPTS {
            let name = card_file_name(stem, self.names(), attempt);
            let held = match self.content_of(&name)? {
                Found::Bytes(held) => held,
                // A folder, or a file in other letter case.
                Found::Nothing if self.is_taken(&name) => continue,
                Found::Unreadable => continue,
                Found::Nothing => return self.create_under(&name, bytes),
            };
            if held == bytes {
                // An earlier attempt whose acknowledgement was lost.
                let stamp = self
                    .items
                    .get(name.as_str())
                    .filter(|item| item.date_known)
                    .map(|item| item.stamp.clone());
                return Ok(SimpleOutcome::Done { locator: self.locator(&name), stamp, held });
            }
            // What an announcement leaves that was answered with "no" and carried out all the same.
            if is_torn(&held, bytes) && self.remove_torn(&name).is_ok() {
                return self.create_under(&name, bytes);
            }
            if has_same_uid(&held, bytes) {
                return Err(WriteFault::Refused(format!("{name} holds another version of this contact")));
            }
        }
        Err(WriteFault::Refused(format!("{NAME_ATTEMPTS} names for this contact are taken by others")))
    }

    fn create_under(&mut self, name: &str, bytes: &[u8]) -> Result<SimpleOutcome, WriteFault> {
        let (object, held) = self.send_new(name, bytes)?;
        Ok(self.written_now(name, object, held, None))
    }

    fn content_of(&mut self, name: &str) -> Result<Found, WriteFault> {
        self.content_for_settling(name).map_err(|error| WriteFault::Unknown(error.to_string()))
    }

    /// Looks whether the file still holds what is to be replaced or deleted. It is read, not just asked for its size
    /// and date: Android's older media database and QEMU go on telling those of before an edit.
    fn check_unchanged(&mut self, item: &Item, expected: Revision) -> Result<(), WriteFault> {
        let limit_bytes = item.stamp.size_bytes.max(self.limit_bytes());
        match self.tree.read(&item.object, item.stamp.size_bytes, limit_bytes) {
            Ok(held) if Revision::of(&held) == expected => Ok(()),
            // Other content, or so much more or less of it that it cannot be read by the listed size.
            Ok(_) | Err(TreeError::NotFound(_) | TreeError::Unreadable(_)) => Err(WriteFault::Stale),
            Err(error) => Err(WriteFault::before_change(&error)),
        }
    }

    /// The card's file for a write, or why there is none.
    fn item_for_write(&self, locator: &Locator, size_bytes: u64) -> Result<(String, Item), WriteFault> {
        if let Some(fault) = self.refusal(size_bytes) {
            return Err(fault);
        }
        let name = self.name_in(locator).ok_or(WriteFault::Stale)?;
        let item = self.items.get(name).cloned().ok_or(WriteFault::Stale)?;
        if item.is_file {
            Ok((name.to_owned(), item))
        } else {
            Err(WriteFault::Refused("it is not a regular file".to_owned()))
        }
    }

    pub(super) fn replace_card(
        &mut self,
        locator: &Locator,
        expected: Revision,
        bytes: &[u8],
    ) -> SimpleOutcome {
        let answer = self.item_for_write(locator, size_of(bytes)).and_then(|(name, item)| {
            let (object, held) = if self.rename_usable {
                self.replace_by_renaming(&name, &item, expected, bytes)?
            } else {
                self.replace_in_place(&name, &item, expected, bytes)?
            };
            let date_before = item.stamp.modified.filter(|_| item.date_known);
            Ok(self.written_now(&name, object, held, date_before))
        });
        answer.unwrap_or_else(WriteFault::into_outcome)
    }

    fn replace_by_renaming(
        &mut self,
        name: &str,
        item: &Item,
        expected: Revision,
        bytes: &[u8],
    ) -> Result<(ObjectReference, Vec<u8>), WriteFault> {
        let temporary = temporary_name(name, self.names());
        self.remove_leftover(&temporary)?;
        let (sent, held) = self.send_new(&temporary, bytes)?;
        if let Err(fault) = self.check_unchanged(item, expected).and_then(|()| self.remove_old(item)) {
            return Err(self.take_back(&sent, fault));
        }
        // From here the old file is gone: whatever happens now is not "refused".
        let object = self.rename_or_resend(&sent, name, &held)?;
        Ok((object, held))
    }

    /// Gives a temporary its final name; where the device cannot, sends the content again under that name. The
    /// final name must be free.
    pub(super) fn rename_or_resend(
        &mut self,
        temporary: &ObjectReference,
        name: &str,
        bytes: &[u8],
    ) -> Result<ObjectReference, WriteFault> {
        let doubt = |error: &TreeError| WriteFault::Unknown(format!("{name} could not be renamed: {error}"));
        if self.rename_usable {
            match self.tree.rename(temporary, name) {
                Ok(object) => return Ok(object),
                Err(error) if error.is_fatal() => return Err(doubt(&error)),
                // Some devices answer "no" to what they have done. Sending onto that name then would be fatal: the
                // file would be overwritten by itself and removed as its own temporary.
                Err(error) => {
                    if matches!(error, TreeError::NotSupported(_)) {
                        self.rename_usable = false;
                    }
                    let now = self.tree.stat(temporary).map_err(|second| doubt(&second))?;
                    if now.name == name {
                        return Ok(now.object);
                    }
                }
            }
        }
        let (object, _) = self.send_new_as(name, bytes, true).map_err(|fault| match fault {
            WriteFault::Refused(why) => WriteFault::Unknown(why),
            other => other,
        })?;
        match self.tree.delete(temporary) {
            Ok(()) | Err(TreeError::NotFound(_)) => Ok(object),
            Err(error) if error.is_fatal() => Err(doubt(&error)),
            // The card is there under its name; the temporary goes when the folder is listed next.
            Err(_) => Ok(object),
        }
    }

    /// The same, and then looks whether it was done: some devices answer OK and do nothing. One that is found out
    /// is not asked again in this session.
    pub(super) fn rename_and_check(
        &mut self,
        temporary: &ObjectReference,
        name: &str,
        bytes: &[u8],
    ) -> Result<ObjectEntry, WriteFault> {
        let doubt = |error: TreeError| WriteFault::Unknown(format!("{name} was renamed: {error}"));
        let object = self.rename_or_resend(temporary, name, bytes)?;
        let entry = self.tree.stat(&object).map_err(doubt)?;
        if entry.name == name {
            return Ok(entry);
        }
        self.rename_usable = false;
        let object = self.rename_or_resend(temporary, name, bytes)?;
        self.tree.stat(&object).map_err(doubt)
    }

    /// Without renaming there is a moment in which the card is on the computer alone; the journal has it.
    fn replace_in_place(
        &mut self,
        name: &str,
        item: &Item,
        expected: Revision,
        bytes: &[u8],
    ) -> Result<(ObjectReference, Vec<u8>), WriteFault> {
        self.check_unchanged(item, expected)?;
        if !self.keeps_cards && !self.quirks.reencodes {
            // A device that stores another card than it is sent must show that before the old one is gone.
            let temporary = temporary_name(name, self.names());
            self.remove_leftover(&temporary)?;
            let (sent, _) = self.send_new(&temporary, bytes)?;
            self.tree.delete(&sent).map_err(|error| WriteFault::before_change(&error))?;
        }
        self.remove_old(item)?;
        self.send_new_as(name, bytes, true).map_err(|fault| match fault {
            WriteFault::Refused(why) => {
                WriteFault::Unknown(format!("the old card is removed, the new one not written: {why}"))
            }
            other => other,
        })
    }

    /// Deletes a card's file. An answer of "no" is believed only if the file is still there.
    fn remove_old(&mut self, item: &Item) -> Result<(), WriteFault> {
        let refusal = match self.tree.delete(&item.object) {
            Ok(()) => return Ok(()),
            Err(TreeError::NotFound(_)) => return Err(WriteFault::Stale),
            Err(error) if error.is_fatal() => return Err(WriteFault::before_change(&error)),
            Err(error) => error,
        };
        match self.tree.stat(&item.object) {
            Ok(_) => Err(WriteFault::Refused(refusal.to_string())),
            Err(TreeError::NotFound(_)) => Ok(()),
            Err(error) => Err(WriteFault::Unknown(format!("{refusal}; {error}"))),
        }
    }

    /// Removes the temporary of a replacement that is not carried out.
    fn take_back(&mut self, temporary: &ObjectReference, fault: WriteFault) -> WriteFault {
        if matches!(fault, WriteFault::Unknown(_)) {
            return fault;
        }
        match self.tree.delete(temporary) {
            Err(error) if error.is_fatal() => WriteFault::Unknown(error.to_string()),
            // One that cannot be removed now goes when the folder is listed next.
            Ok(()) | Err(_) => fault,
        }
    }

    /// Removes what an earlier, cut session left under a temporary name that is needed now.
    pub(super) fn remove_leftover(&mut self, temporary: &str) -> Result<(), WriteFault> {
        let Some(entry) = self.temporaries.remove(temporary) else { return Ok(()) };
        match self.tree.delete(&entry.object) {
            Ok(()) | Err(TreeError::NotFound(_)) => Ok(()),
            Err(error) => Err(WriteFault::before_change(&error)),
        }
    }

    pub(super) fn delete_card(&mut self, locator: &Locator, expected: Revision) -> SimpleOutcome {
        let answer = self.item_for_write(locator, 0).and_then(|(name, item)| {
            self.check_unchanged(&item, expected)?;
            self.remove_old(&item)?;
            self.forget(&name);
            self.written.remove(name.as_str());
            Ok(SimpleOutcome::Done { locator: locator.clone(), stamp: None, held: Vec::new() })
        });
        answer.unwrap_or_else(WriteFault::into_outcome)
    }
}

/// Whether two cards say that they are the same contact.
pub(super) fn has_same_uid(left: &[u8], right: &[u8]) -> bool {
    let uid = |bytes: &[u8]| Card::parse(bytes).ok().and_then(|card| card.uid());
    uid(left).is_some_and(|left_uid| uid(right) == Some(left_uid))
}
