//! Safety copies: the database and the phone's contacts as they are before a session writes anything, in a folder of their
//! own. Nothing is read from the phone for it: its contacts are known by their content. It must not decide when a copy is
//! due, and never touches a file that it did not make.

use std::collections::HashMap;
use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use rusqlite::backup::Backup;
use rusqlite::{Connection, OptionalExtension};

use super::Store;
use super::cards;
use super::error::{Fault, StoreError};
use super::open::private_file;
use super::phones::PhoneId;
use crate::contact::Card;
use crate::provider::{Clock, ItemId, NoCopy, Safety};

/// What a copy's folder is called while it is being made.
const UNFINISHED: &str = ".unfinished";
/// What stands in the name of every copy.
const MARK: &str = "-session-";

const README: &str = "This is a safety copy that Tetherbook made before a session wrote anything: nothing uses it.

tetherbook.db  the database as it was: contacts of the PC, what both sides agreed on, the history
phone.vcf      the contacts of the phone as they were, one card after the other

To go back on the PC: see that no tetherbook runs, keep a copy of the database that is in use now, delete the files beside
it whose names end in -wal and -shm, and put tetherbook.db in its place. tetherbook status says where it is.
To look at the copy only: tetherbook --database tetherbook.db list
To take single contacts of the phone out of the copy: tetherbook import phone.vcf --book looking
To take back what one session did: tetherbook undo, which needs no copy.

The newest few copies stay ([safety] copies in the configuration); older ones are removed.
";

/// Makes the safety copies of sessions with one phone.
pub struct SafetyCopies<'a> {
    /// The database.
    pub store: &'a Store,
    /// The phone.
    pub phone: PhoneId,
    /// Where the copies go.
    pub folder: PathBuf,
    /// The newest so many stay.
    pub copies: usize,
    /// The time.
    pub clock: &'a dyn Clock,
}

/// The safety copies in a folder, the oldest first.
#[must_use]
pub fn safety_copies(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut copies: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    copies.retain(|path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let is_timed = name.split_once(MARK).is_some_and(|(time, session)| {
            time.len() == "20260101T000000Z".len() && session.parse::<i64>().is_ok()
        });
        is_timed && path.is_dir()
    });
    copies.sort();
    copies
}

impl Safety for SafetyCopies<'_> {
    fn copy(&self, seen: &[(ItemId, &Card)]) -> Result<(), NoCopy> {
        let session = self.next_session().map_err(|trouble| self.failed(trouble))?;
        let time = jiff::Timestamp::from_millisecond(self.clock.now_ms()).unwrap_or_default();
        let name = format!("{}{MARK}{session}", time.strftime("%Y%m%dT%H%M%SZ"));
        let making = self.folder.join(format!("{name}{UNFINISHED}"));
        // What an interrupted session left under this name is nobody's copy.
        drop(fs::remove_dir_all(&making));
        let made = self.make(&making, seen).and_then(|()| {
            let place = self.folder.join(&name);
            // Made by a session that was cut before it was in the history: what it holds is what this one would.
            if place.exists() {
                fs::remove_dir_all(&place)?;
            }
            Ok(fs::rename(&making, place)?)
        });
        if let Err(trouble) = made {
            drop(fs::remove_dir_all(&making));
            return Err(self.failed(trouble));
        }
        let copies = safety_copies(&self.folder);
        for old in copies.iter().take(copies.len().saturating_sub(self.copies)) {
            // One that cannot be removed now is removed by a later session.
            drop(fs::remove_dir_all(old));
        }
        Ok(())
    }
}

/// Why a copy could not be made.
enum Trouble {
    File(io::Error),
    Database(Fault),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::File(error)
    }
}

impl From<Fault> for Trouble {
    fn from(fault: Fault) -> Self {
        Self::Database(fault)
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error.into())
    }
}

impl SafetyCopies<'_> {
    fn failed(&self, trouble: Trouble) -> NoCopy {
        let is_full = |error: &io::Error| {
            matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
        };
        let why = match trouble {
            Trouble::File(error) if is_full(&error) => String::from("the disk is full"),
            Trouble::File(error) => error.to_string(),
            Trouble::Database(fault) => match fault.at(&self.folder) {
                StoreError::Full { .. } => String::from("the disk is full"),
                error => error.to_string(),
            },
        };
        NoCopy(format!(
            "{why} ({}); nothing was written; free some space there, or go without copies: [safety] copies = 0 in the \
             configuration",
            self.folder.display()
        ))
    }

    /// The number that the session gets.
    fn next_session(&self) -> Result<i64, Trouble> {
        let sql = "SELECT seq FROM sqlite_sequence WHERE name = 'sessions'";
        let last: Option<i64> = self.store.connection.query_row(sql, [], |row| row.get(0)).optional()?;
        Ok(last.unwrap_or(0) + 1)
    }

    fn make(&self, folder: &Path, seen: &[(ItemId, &Card)]) -> Result<(), Trouble> {
        let mut builder = fs::DirBuilder::new();
        builder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(folder)?;
        self.copy_database(&folder.join("tetherbook.db"))?;
        let mut file = BufWriter::new(created(&folder.join("phone.vcf"))?);
        self.write_phone(&mut file, seen)?;
        file.flush()?;
        created(&folder.join("README"))?.write_all(README.as_bytes())?;
        Ok(())
    }

    /// SQLite's online backup, in one step: whole and of one moment, the write-ahead log included.
    fn copy_database(&self, path: &Path) -> Result<(), Trouble> {
        drop(created(path)?);
        let mut copy = Connection::open(path)?;
        // The copy is made anew if anything goes wrong, so that it needs no journal.
        copy.pragma_update(None, "journal_mode", "off")?;
        copy.pragma_update(None, "synchronous", "off")?;
        Backup::new(&self.store.connection, &mut copy)?.step(-1)?;
        copy.close().map_err(|(_, error)| error)?;
        Ok(())
    }

    /// Every card that is on the phone as far as it is known, in the order of its items.
    fn write_phone(&self, file: &mut impl Write, seen: &[(ItemId, &Card)]) -> Result<(), Trouble> {
        let seen: HashMap<ItemId, &Card> = seen.iter().copied().collect();
        let connection = &self.store.connection;
        let mut select = connection.prepare(
            "SELECT o.item, k.id FROM observed AS o LEFT JOIN cards AS k ON k.sha256 = o.revision
                WHERE o.phone = ?1 AND o.deleted = 0 ORDER BY o.item",
        )?;
        let mut rows = select.query([self.phone.0])?;
        while let Some(row) = rows.next()? {
            let item = ItemId(row.get::<_, i64>(0)?.cast_unsigned());
            let card = match (seen.get(&item), row.get::<_, Option<i64>>(1)?) {
                (Some(card), _) => (*card).clone(),
                (None, Some(known)) => cards::get(connection, known)?,
                // Never read as a whole card, and so never written by a session either.
                (None, None) => continue,
            };
            file.write_all(card.as_bytes())?;
            if !card.as_bytes().ends_with(b"\n") {
                file.write_all(b"\r\n")?;
            }
        }
        Ok(())
    }
}

fn created(path: &Path) -> io::Result<fs::File> {
    private_file().write(true).create(true).truncate(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Ledger, Metadata, Revision};
    use crate::store::testing::{Rig, card, observed_row};
    use crate::store::{OpenOptions, PhoneMetadata};

    fn rig() -> (Rig, Store) {
        let rig = Rig::new();
        let store = rig.store();
        rig.book(&store).add(&card("a", "Ada Example")).unwrap();
        (rig, store)
    }

    #[test]
    fn a_copy_holds_the_database_and_the_phones_contacts_and_the_newest_stay() {
        let (rig, store) = rig();
        let ledger = rig.ledger(&store, &rig.book(&store));
        let phone = store.phones().unwrap()[0].id;
        let known = card("a", "Ada Example");
        let revision = Some(Revision::of(known.as_bytes()));
        let rows = [
            crate::provider::Observed { revision, ..observed_row(1, "Card/ada.vcf") },
            observed_row(2, "Card/new.vcf"),
            observed_row(3, "Card/torn.vcf"),
            crate::provider::Observed { deleted: true, ..observed_row(4, "Card/gone.vcf") },
        ];
        PhoneMetadata::new(&store, phone).save(&rows, 5, 1).unwrap();
        let folder = rig.path().parent().unwrap().join("safety");
        fs::create_dir_all(folder.join("mine-session-x")).unwrap();
        let new = card("n", "New Example");
        for _ in 0..4 {
            let clock = &rig.clock;
            let copies = SafetyCopies { store: &store, phone, folder: folder.clone(), copies: 2, clock };
            copies.copy(&[(ItemId(2), &new)]).unwrap();
            ledger.open_session(1).unwrap();
            rig.clock.advance_ms(2_000);
        }
        let copies = safety_copies(&folder);
        let names: Vec<_> = copies.iter().map(|path| path.file_name().unwrap().to_str().unwrap()).collect();
        assert_eq!(names, ["20231114T221324Z-session-3", "20231114T221326Z-session-4"]);
        let place = &copies[1];
        let phone = fs::read_to_string(place.join("phone.vcf")).unwrap();
        assert_eq!(phone.matches("BEGIN:VCARD").count(), 2);
        assert!(phone.contains("Ada Example") && phone.contains("New Example"));
        let options = OpenOptions { read_only: true, busy_timeout_ms: 0 };
        let copy = Store::open(&place.join("tetherbook.db"), &options).unwrap();
        assert_eq!(rig.book(&copy).list().unwrap().len(), 1);
        copy.check().unwrap();
        assert!(fs::read_to_string(place.join("README")).unwrap().contains("safety copy"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
            assert_eq!(mode(place), 0o700);
            assert_eq!(mode(&place.join("tetherbook.db")), 0o600);
            assert_eq!(mode(&place.join("phone.vcf")), 0o600);
        }
        assert!(folder.join("mine-session-x").exists(), "a folder of somebody else");
    }

    #[test]
    fn a_copy_that_cannot_be_made_says_so_and_leaves_nothing() {
        let (rig, store) = rig();
        rig.ledger(&store, &rig.book(&store));
        let phone = store.phones().unwrap()[0].id;
        let folder = rig.path().parent().unwrap().join("safety");
        fs::write(&folder, "a file").unwrap();
        let copies =
            SafetyCopies { store: &store, phone, folder: folder.clone(), copies: 2, clock: &rig.clock };
        let error = copies.copy(&[]).unwrap_err().to_string();
        assert!(error.contains("[safety] copies = 0") && error.contains("nothing was written"), "{error}");
        assert_eq!(fs::read_to_string(&folder).unwrap(), "a file");
    }
}
