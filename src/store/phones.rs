//! The phones that were seen, and which of them is synced with which book.
//!
//! A row stands for one channel of one phone, which is one replica with its own id.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};

use super::error::{Fault, StoreError};
use super::{Book, Store};
use crate::ics::Guid;

/// The number of a row that is not in the database, because a dry run may not add it: nothing refers to it, so
/// everything that is read for it is empty.
pub(super) const UNSAVED: i64 = 0;

/// The number of a known phone in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PhoneId(pub i64);

/// The number of a relationship in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RelationshipId(pub i64);

/// What is known of a phone that is connected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhoneSighting {
    /// The replica's id.
    pub guid: Guid,
    /// What a person calls it.
    pub label: String,
    /// The USB serial number, if it has one.
    pub serial: Option<String>,
    /// The name of the device profile.
    pub profile: String,
    /// The way of listing that works on it; `None` keeps what is remembered.
    pub listing: Option<String>,
}

/// A phone that was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownPhone {
    /// Its number.
    pub id: PhoneId,
    /// What was told of it last.
    pub sighting: PhoneSighting,
    /// When it was seen first, in milliseconds since 1970.
    pub first_seen_ms: i64,
    /// When it was seen last, in milliseconds since 1970.
    pub last_seen_ms: i64,
}

/// What is synced with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationshipRow {
    /// Its number.
    pub id: RelationshipId,
    /// The phone.
    pub phone: PhoneId,
    /// The phone's label.
    pub phone_label: String,
    /// The book's name.
    pub book: String,
    /// The name of the mode.
    pub mode: String,
    /// Its settings as JSON.
    pub settings: String,
}

const PHONE: &str =
    "SELECT id, guid, label, serial, profile, listing, first_seen_ms, last_seen_ms FROM phones";

const RELATIONSHIP: &str = "SELECT r.id, r.phone, p.label, b.name, r.mode, r.settings FROM relationships AS r
    JOIN phones AS p ON p.id = r.phone JOIN books AS b ON b.id = r.book";

impl Store {
    /// Remembers a phone that is connected, or that it was seen again. In a store that is read only the answer for
    /// an unknown phone stands for no row: everything remembered of it is empty.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub fn see_phone(&self, sighting: &PhoneSighting, now_ms: i64) -> Result<PhoneId, StoreError> {
        if self.is_read_only() {
            let known = self.phone(sighting.guid)?;
            return Ok(known.map_or(PhoneId(UNSAVED), |phone| phone.id));
        }
        self.write(|connection| {
            let mut upsert = connection.prepare_cached(
                "INSERT INTO phones (guid, label, serial, profile, listing, first_seen_ms, last_seen_ms)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)
                    ON CONFLICT (guid) DO UPDATE SET label = excluded.label, serial = excluded.serial,
                        profile = excluded.profile, listing = coalesce(excluded.listing, listing),
                        last_seen_ms = max(last_seen_ms, excluded.last_seen_ms)
                    RETURNING id",
            )?;
            let row = upsert.query_row(
                (
                    sighting.guid.to_string(),
                    &sighting.label,
                    &sighting.serial,
                    &sighting.profile,
                    &sighting.listing,
                    now_ms,
                ),
                |row| row.get(0),
            )?;
            Ok(PhoneId(row))
        })
    }

    /// The phone with this replica id.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn phone(&self, guid: Guid) -> Result<Option<KnownPhone>, StoreError> {
        let found = self.phones_where(&format!("{PHONE} WHERE guid = ?1"), [guid.to_string()])?;
        Ok(found.into_iter().next())
    }

    /// All phones, the one seen last first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn phones(&self) -> Result<Vec<KnownPhone>, StoreError> {
        self.phones_where(&format!("{PHONE} ORDER BY last_seen_ms DESC, id DESC"), [])
    }

    fn phones_where(
        &self,
        sql: &str,
        parameters: impl rusqlite::Params,
    ) -> Result<Vec<KnownPhone>, StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(sql)?;
            let mut rows = select.query(parameters)?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                let sighting = PhoneSighting {
                    guid: guid(row.get_ref(1)?)?,
                    label: row.get(2)?,
                    serial: row.get(3)?,
                    profile: row.get(4)?,
                    listing: row.get(5)?,
                };
                found.push(KnownPhone {
                    id: PhoneId(row.get(0)?),
                    sighting,
                    first_seen_ms: row.get(6)?,
                    last_seen_ms: row.get(7)?,
                });
            }
            Ok(found)
        })
    }

    /// The relationship of a phone and a book, made with this mode and these settings (JSON) if it is new. In a
    /// store that is read only a new one stands for no row: everything remembered of it is empty.
    ///
    /// # Errors
    /// When the database cannot be used, or the settings are not JSON.
    pub fn relate(
        &self,
        phone: PhoneId,
        book: &Book<'_>,
        mode: &str,
        settings: &str,
    ) -> Result<RelationshipId, StoreError> {
        let find = |connection: &Connection| {
            let mut select =
                connection.prepare_cached("SELECT id FROM relationships WHERE phone = ?1 AND book = ?2")?;
            Ok(select.query_row((phone.0, book.row()), |row| row.get(0)).optional()?.map(RelationshipId))
        };
        if let Some(found) = self.read(find)? {
            return Ok(found);
        }
        if self.is_read_only() {
            return Ok(RelationshipId(UNSAVED));
        }
        self.write(|connection| {
            if let Some(found) = find(connection)? {
                return Ok(found);
            }
            connection.execute(
                "INSERT INTO relationships (phone, book, mode, settings) VALUES (?1, ?2, ?3, ?4)",
                (phone.0, book.row(), mode, settings),
            )?;
            Ok(RelationshipId(connection.last_insert_rowid()))
        })
    }

    /// Changes the mode and the settings (JSON) of a relationship.
    ///
    /// # Errors
    /// When the database cannot be used, the settings are not JSON, or there is no such relationship.
    pub fn set_relationship(&self, id: RelationshipId, mode: &str, settings: &str) -> Result<(), StoreError> {
        self.write(|connection| {
            let changed = connection.execute(
                "UPDATE relationships SET mode = ?2, settings = ?3 WHERE id = ?1",
                (id.0, mode, settings),
            )?;
            if changed == 0 {
                return Err(Fault::refused("this phone and this book are not synced with each other"));
            }
            Ok(())
        })
    }

    /// All relationships in the order in which they were made.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn relationships(&self) -> Result<Vec<RelationshipRow>, StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(&format!("{RELATIONSHIP} ORDER BY r.id"))?;
            let found = select.query_map([], |row| {
                Ok(RelationshipRow {
                    id: RelationshipId(row.get(0)?),
                    phone: PhoneId(row.get(1)?),
                    phone_label: row.get(2)?,
                    book: row.get(3)?,
                    mode: row.get(4)?,
                    settings: row.get(5)?,
                })
            })?;
            Ok(found.collect::<Result<_, _>>()?)
        })
    }
}

/// A replica id in a column.
pub(super) fn guid(value: ValueRef<'_>) -> Result<Guid, Fault> {
    let text = value.as_str().map_err(rusqlite::Error::from)?;
    text.parse().map_err(|_| Fault::Damaged("the id of a replica is not a GUID".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{Rig, sighting};

    #[test]
    fn a_phone_seen_again_keeps_its_row_its_first_time_and_its_listing() {
        let store = Store::in_memory().unwrap();
        let mut seen = sighting(1);
        seen.listing = Some("property list".to_owned());
        let id = store.see_phone(&seen, 1_000).unwrap();
        seen.label = "Red phone".to_owned();
        seen.listing = None;
        assert_eq!(store.see_phone(&seen, 2_000).unwrap(), id);
        // A clock that was set back does not make the phone older.
        assert_eq!(store.see_phone(&seen, 1_500).unwrap(), id);
        let known = store.phone(seen.guid).unwrap().unwrap();
        seen.listing = Some("property list".to_owned());
        assert_eq!(known, KnownPhone { id, sighting: seen, first_seen_ms: 1_000, last_seen_ms: 2_000 });
        let other = store.see_phone(&sighting(2), 3_000).unwrap();
        assert_eq!(store.phones().unwrap().iter().map(|phone| phone.id).collect::<Vec<_>>(), [other, id]);
        assert_eq!(store.phone(sighting(3).guid).unwrap(), None);
    }

    #[test]
    fn a_relationship_is_made_once_and_can_be_changed() {
        let rig = Rig::new();
        let store = rig.store();
        let book = rig.book(&store);
        let phone = store.see_phone(&sighting(1), 0).unwrap();
        let id = store.relate(phone, &book, "two-way", "{}").unwrap();
        assert_eq!(store.relate(phone, &book, "phone-to-pc", "{\"a\":1}").unwrap(), id);
        assert_eq!(store.relationships().unwrap()[0].mode, "two-way");
        store.set_relationship(id, "pc-to-phone", "{\"a\":2}").unwrap();
        let row = &store.relationships().unwrap()[0];
        assert_eq!((row.mode.as_str(), row.settings.as_str()), ("pc-to-phone", "{\"a\":2}"));
        assert_eq!((row.book.as_str(), row.phone_label.as_str()), ("default", "Phone 1"));
        assert!(store.set_relationship(id, "two-way", "not JSON").is_err());
        assert!(store.set_relationship(RelationshipId(99), "two-way", "{}").is_err());
    }
}
