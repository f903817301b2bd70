//! What is done about what a cut session left behind: temporaries when the folder is listed, and single writes
//! whose outcome the journal does not know.
//!
//! A temporary is removed only while the file it was to replace is there, and becomes that file only if it is a
//! whole card. In a dry run nothing is touched: a card that exists as a temporary alone is shown under its name.

use super::contract::Access;
use super::names::{
    MARKER_NAME, card_file_name, hashed_temporary_name, is_card_name, name_key, name_of_temporary,
    temporary_name,
};
use super::vcard_folder::{Item, VcardFolder};
use super::writing::{NAME_ATTEMPTS, WriteFault, has_same_uid, is_whole_card};
use crate::contact::Card;
use crate::device::tree::{ObjectEntry, ObjectKind, TreeError};
use crate::provider::{Locator, ProviderError, Settled};

/// Where a temporary belongs.
enum Belonging {
    /// Its file is there.
    Beside(String),
    /// Its file is not there.
    Alone(String),
    /// It has the hash form, and no file that is there has that hash.
    Unclear,
}

/// What stands under a name.
pub(super) enum Found {
    /// Nothing.
    Nothing,
    /// These bytes.
    Bytes(Vec<u8>),
    /// Something that cannot be read now: nothing may be concluded from it, and it may not be removed.
    Unreadable,
}

/// Whether `found` is what a cut transfer of `intended` leaves: a beginning of it, with nothing or zeros behind.
pub(super) fn is_torn(found: &[u8], intended: &[u8]) -> bool {
    let common = found.iter().zip(intended).take_while(|(left, right)| left == right).count();
    found != intended
        && found.len() <= intended.len()
        && found.get(common..).is_some_and(|rest| rest.iter().all(|&byte| byte == 0))
}

fn is_hash_form(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or_default();
    stem.len() == 17
        && stem.strip_prefix('h').is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

impl VcardFolder {
    /// Deals with every temporary of the listing just taken in. The answer says why nothing may be taken as
    /// deleted, if something stays unclear.
    ///
    /// # Errors
    /// When the connection went.
    pub(super) fn recover_temporaries(&mut self) -> Result<Option<String>, ProviderError> {
        let mut doubt = None;
        for entry in std::mem::take(&mut self.temporaries).into_values() {
            match self.belonging(&entry.name) {
                Belonging::Beside(name) if self.access == Access::ReadOnly => {
                    self.untouched.insert(name.into());
                }
                Belonging::Beside(name) => self.settle_beside(&name, entry)?,
                // A marker's temporary was read when the folder was opened; the next marker takes its place.
                Belonging::Alone(name) if name == MARKER_NAME => self.keep_temporary(entry),
                Belonging::Alone(name) if is_card_name(&name) => self.adopt(&name, entry)?,
                Belonging::Alone(_) => self.keep_temporary(entry),
                Belonging::Unclear => {
                    doubt = Some(format!("{} is left from a session that was cut off", entry.name));
                    self.keep_temporary(entry);
                }
            }
        }
        Ok(doubt)
    }

    /// A temporary whose file is there: the replacement had not begun to touch the file, or the file is the torn
    /// second copy that is sent where renaming does not work.
    fn settle_beside(&mut self, name: &str, entry: ObjectEntry) -> Result<(), ProviderError> {
        match self.is_beginning_of(name, &entry)? {
            Some(true) => {
                self.remove_torn(name)?;
                self.adopt(name, entry)
            }
            Some(false) => {
                self.untouched.insert(name.into());
                match self.tree.delete(&entry.object) {
                    Ok(()) | Err(TreeError::NotFound(_)) => {}
                    Err(error) if error.is_fatal() => return Err(error.for_side()),
                    Err(_) => self.keep_temporary(entry),
                }
                Ok(())
            }
            None => {
                self.keep_temporary(entry);
                Ok(())
            }
        }
    }

    /// Whether the file beside a temporary is the torn beginning of it; `None` if it cannot be told now.
    fn is_beginning_of(
        &mut self,
        name: &str,
        temporary: &ObjectEntry,
    ) -> Result<Option<bool>, ProviderError> {
        let Some(item) = self.items.get(name) else { return Ok(Some(false)) };
        if item.stamp.size_bytes > temporary.size_bytes {
            return Ok(Some(false));
        }
        let found = match self.content_for_settling(name)? {
            Found::Nothing => return Ok(Some(false)),
            Found::Unreadable => return Ok(None),
            Found::Bytes(found) => found,
        };
        if is_whole_card(&found) {
            return Ok(Some(false));
        }
        let limit_bytes = self.limit_bytes();
        match self.tree.read(&temporary.object, temporary.size_bytes, limit_bytes) {
            Ok(bytes) => Ok(Some(is_whole_card(&bytes) && is_torn(&found, &bytes))),
            Err(error) if error.is_fatal() => Err(error.for_side()),
            Err(_) => Ok(None),
        }
    }

    fn keep_temporary(&mut self, entry: ObjectEntry) {
        self.temporaries.insert(entry.name.clone(), entry);
    }

    fn belonging(&self, temporary: &str) -> Belonging {
        let Some(name) = name_of_temporary(temporary) else { return Belonging::Unclear };
        if self.is_taken(name) || (name == MARKER_NAME && self.has_marker()) {
            return Belonging::Beside(name.to_owned());
        }
        if !is_hash_form(name) {
            return Belonging::Alone(name.to_owned());
        }
        match self.items.keys().find(|known| name_key(&hashed_temporary_name(known)) == name_key(temporary)) {
            Some(known) => Belonging::Beside(known.to_string()),
            None => Belonging::Unclear,
        }
    }

    fn has_marker(&self) -> bool {
        matches!(self.marker, super::vcard_folder::MarkerState::Known(..))
    }

    /// The old file is gone and the new one has its temporary name still: the last step of a replacement is made
    /// now. One that is torn is shown, so that nobody takes the card for deleted, and left to `settle`.
    fn adopt(&mut self, name: &str, entry: ObjectEntry) -> Result<(), ProviderError> {
        let is_file = entry.kind == ObjectKind::File;
        let item = Item { stamp: entry.stamp(), object: entry.object.clone(), date_known: true, is_file };
        if self.access == Access::ReadOnly {
            self.remember(name, item);
            return Ok(());
        }
        let limit_bytes = self.limit_bytes();
        let bytes = match self.tree.read(&entry.object, entry.size_bytes, limit_bytes) {
            Ok(bytes) => bytes,
            Err(error) if error.is_fatal() => return Err(error.for_side()),
            Err(_) => Vec::new(),
        };
        let mut known = item;
        if is_whole_card(&bytes) {
            match self.rename_and_check(&entry.object, name, &bytes) {
                // The date may have changed with the renaming.
                Ok(now) => {
                    known = Item { stamp: now.stamp(), object: now.object, date_known: true, is_file: true };
                }
                Err(WriteFault::Unknown(why)) => return Err(ProviderError::Disconnected(why)),
                Err(WriteFault::Refused(_) | WriteFault::Stale) => self.keep_temporary(entry),
            }
        } else {
            self.keep_temporary(entry);
        }
        self.remember(name, known);
        Ok(())
    }

    /// What is under a name.
    pub(super) fn content_for_settling(&mut self, name: &str) -> Result<Found, ProviderError> {
        let Some(item) = self.items.get(name).cloned() else { return Ok(Found::Nothing) };
        if !item.is_file {
            return Ok(Found::Unreadable);
        }
        if item.stamp.size_bytes == 0 {
            return Ok(Found::Bytes(Vec::new()));
        }
        let limit_bytes = self.limit_bytes();
        match self.tree.read(&item.object, item.stamp.size_bytes, limit_bytes) {
            Ok(bytes) => Ok(Found::Bytes(bytes)),
            Err(TreeError::NotFound(_)) => {
                self.forget(name);
                Ok(Found::Nothing)
            }
            Err(error) if error.is_fatal() => Err(error.for_side()),
            Err(_) => Ok(Found::Unreadable),
        }
    }

    pub(super) fn remove_torn(&mut self, name: &str) -> Result<(), ProviderError> {
        if self.access == Access::ReadOnly {
            return Ok(());
        }
        let Some(item) = self.items.get(name).cloned() else { return Ok(()) };
        match self.tree.delete(&item.object) {
            Ok(()) | Err(TreeError::NotFound(_)) => {}
            Err(error) => return Err(error.for_item(name)),
        }
        self.forget(name);
        self.temporaries.retain(|_, entry| entry.object != item.object);
        Ok(())
    }

    /// Looks for a card that was being created, under every name that it may have got.
    pub(super) fn settle_create(&mut self, stem: &str, bytes: &[u8]) -> Result<Settled, ProviderError> {
        let mut differing = None;
        for attempt in 0..NAME_ATTEMPTS {
            let name = card_file_name(stem, self.names(), attempt);
            match self.content_for_settling(&name)? {
                Found::Nothing => {}
                Found::Bytes(found) if found == bytes => {
                    return Ok(Settled::Happened { locator: self.locator(&name) });
                }
                Found::Bytes(found) if is_torn(&found, bytes) => self.remove_torn(&name)?,
                Found::Bytes(found) if !is_perhaps_same(&found, bytes) => {}
                Found::Bytes(_) | Found::Unreadable => {
                    differing.get_or_insert_with(|| self.locator(&name));
                }
            }
        }
        Ok(differing.map_or(Settled::NotHappened, |locator| Settled::Differs { locator }))
    }

    /// Finishes a replacement whose old file is gone; otherwise says what is there.
    pub(super) fn settle_replace(
        &mut self,
        locator: &Locator,
        bytes: &[u8],
    ) -> Result<Settled, ProviderError> {
        let Some(name) = self.name_in(locator).map(str::to_owned) else {
            return Ok(Settled::NotHappened);
        };
        let happened = Settled::Happened { locator: locator.clone() };
        match self.content_for_settling(&name)? {
            Found::Bytes(found) if found == bytes => return Ok(happened),
            // The temporary was beside it: the old content had not been touched.
            Found::Bytes(_) if self.untouched.contains(name.as_str()) => return Ok(Settled::NotHappened),
            Found::Bytes(found) if is_torn(&found, bytes) => self.remove_torn(&name)?,
            Found::Bytes(_) | Found::Unreadable => return Ok(Settled::Differs { locator: locator.clone() }),
            Found::Nothing => {}
        }
        if self.access == Access::ReadOnly {
            return Ok(happened);
        }
        let temporary = temporary_name(&name, self.names());
        let put = self.remove_leftover(&temporary).and_then(|()| self.send_new_as(&name, bytes, true));
        match put {
            Ok((object, held)) => {
                self.written_now(&name, object, held, None);
                Ok(happened)
            }
            Err(WriteFault::Refused(why)) => Err(ProviderError::Item(format!("{name}: {why}"))),
            Err(WriteFault::Stale) => Err(ProviderError::Gone(name)),
            Err(WriteFault::Unknown(why)) => Err(ProviderError::Disconnected(why)),
        }
    }
}

/// Whether a card under the name that was meant may be the one that was sent: the UIDs agree, or one has none.
fn is_perhaps_same(found: &[u8], intended: &[u8]) -> bool {
    let has_uid = |bytes: &[u8]| Card::parse(bytes).is_ok_and(|card| card.uid().is_some());
    has_same_uid(found, intended) || !has_uid(found) || !has_uid(intended)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_torn_file_is_known() {
        let intended = b"BEGIN:VCARD\r\nFN:A\r\nEND:VCARD\r\n";
        for found in [&b""[..], b"BEGIN", b"BEGIN\0\0\0\0", &intended[..intended.len() - 1], b"\0\0\0"] {
            assert!(is_torn(found, intended), "{found:?}");
        }
        for found in [&intended[..], b"BEGIN:VCARD\r\nFN:B", b"BEGIN\0x", b"hello"] {
            assert!(!is_torn(found, intended), "{found:?}");
        }
        assert!(!is_torn(&[0; 100], intended), "longer than what was sent");
    }

    #[test]
    fn a_hash_form_is_known() {
        assert!(is_hash_form("h0123456789abcdef.vcf"));
        assert!(!is_hash_form("0123456789abcdef0.vcf"));
        assert!(!is_hash_form("harry.vcf"));
    }
}
