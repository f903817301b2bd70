//! The phones that were seen, which of them are paired, and which of them is synced with which book.
//!
//! A row stands for one channel of one phone, which is one replica with its own id. Whether a phone that is connected
//! is one of these is not decided here.

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
    /// The address by which it is found again: "usb:SERIAL", "dir:PATH" or "sim:PATH".
    pub serial: Option<String>,
    /// The name of the device profile.
    pub profile: String,
    /// The way of listing that works on it; `None` keeps what is remembered.
    pub listing: Option<String>,
    /// Manufacturer and model as it says itself; `None` keeps what is remembered.
    pub model: Option<String>,
    /// USB vendor and product id, as in "18d1:4ee1"; `None` keeps what is remembered.
    pub usb_id: Option<String>,
    /// Whether the address names this one phone; without a serial number it names its model.
    pub has_serial: bool,
}

/// What a person said of a phone by pairing it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhonePairing {
    /// What the person calls it; no other phone has that name in any letter case.
    pub name: String,
    /// The name of the book that it syncs with.
    pub book: String,
    /// When it was paired or its pairing was last changed, in milliseconds since 1970.
    pub paired_ms: i64,
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
    /// The generation in its marker after the last session that wrote to it; 0 if none ever did.
    pub generation: u64,
    /// How it is paired, if it is.
    pub pairing: Option<PhonePairing>,
    /// What a probe found that it cannot hold, as JSON; `None` if it was never probed.
    pub learned: Option<String>,
}

/// What is synced with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelationshipRow {
    /// Its number.
    pub id: RelationshipId,
    /// The phone.
    pub phone: PhoneId,
    /// The phone's name, or its label if it is not paired.
    pub phone_label: String,
    /// The book's name.
    pub book: String,
    /// The name of the mode.
    pub mode: String,
    /// Its settings as JSON.
    pub settings: String,
}

const PHONE: &str =
    "SELECT p.id, p.guid, p.label, p.serial, p.profile, p.listing, p.first_seen_ms, p.last_seen_ms,
    p.model, p.usb_id, p.has_serial, p.generation, p.name, b.name, p.paired_ms, p.learned
    FROM phones AS p LEFT JOIN books AS b ON b.id = p.book";

const RELATIONSHIP: &str =
    "SELECT r.id, r.phone, coalesce(p.name, p.label), b.name, r.mode, r.settings FROM relationships AS r
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
                "INSERT INTO phones (guid, label, serial, profile, listing, first_seen_ms, last_seen_ms, model,
                        usb_id, has_serial)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8, ?9)
                    ON CONFLICT (guid) DO UPDATE SET label = excluded.label, serial = excluded.serial,
                        profile = excluded.profile, listing = coalesce(excluded.listing, listing),
                        model = coalesce(excluded.model, model), usb_id = coalesce(excluded.usb_id, usb_id),
                        has_serial = excluded.has_serial,
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
                    &sighting.model,
                    &sighting.usb_id,
                    sighting.has_serial,
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
        let found = self.phones_where(&format!("{PHONE} WHERE p.guid = ?1"), [guid.to_string()])?;
        Ok(found.into_iter().next())
    }

    /// All phones, the one seen last first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn phones(&self) -> Result<Vec<KnownPhone>, StoreError> {
        self.phones_where(&format!("{PHONE} ORDER BY p.last_seen_ms DESC, p.id DESC"), [])
    }

    /// The paired phones by name.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn paired_phones(&self) -> Result<Vec<KnownPhone>, StoreError> {
        self.phones_where(&format!("{PHONE} WHERE p.name IS NOT NULL ORDER BY p.name COLLATE NOCASE"), [])
    }

    /// The paired phone of that name, in any letter case.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn phone_by_name(&self, name: &str) -> Result<Option<KnownPhone>, StoreError> {
        let folded = name.to_lowercase();
        let is_it = |phone: &KnownPhone| {
            phone.pairing.as_ref().is_some_and(|pairing| pairing.name.to_lowercase() == folded)
        };
        Ok(self.paired_phones()?.into_iter().find(is_it))
    }

    /// Pairs a phone: gives it a name and a book, or others than before.
    ///
    /// # Errors
    /// When the database cannot be used, another phone has that name, or the phone is not there.
    pub fn pair(&self, phone: PhoneId, name: &str, book: &Book<'_>, now_ms: i64) -> Result<(), StoreError> {
        let taken = self.phone_by_name(name)?.is_some_and(|other| other.id != phone);
        self.write(|connection| {
            if taken {
                return Err(Fault::refused("another phone has that name"));
            }
            let changed = connection.execute(
                "UPDATE phones SET name = ?2, book = ?3, paired_ms = ?4 WHERE id = ?1",
                (phone.0, name, book.row(), now_ms),
            )?;
            if changed == 0 {
                return Err(Fault::refused("the phone is not in the database"));
            }
            Ok(())
        })
    }

    /// Takes a pairing back. What is remembered of the phone's contacts stays.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub fn forget(&self, phone: PhoneId) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute(
                "UPDATE phones SET name = NULL, book = NULL, paired_ms = NULL WHERE id = ?1",
                [phone.0],
            )?;
            Ok(())
        })
    }

    /// Forgets what a phone's contacts were and which contacts of a book they stand for: the next session compares
    /// both sides as if they met for the first time. Contacts and history stay, and so do the numbers that were
    /// given out: none is ever given twice.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub fn forget_memory(&self, phone: PhoneId) -> Result<(), StoreError> {
        self.write(|connection| {
            let of_this_phone = "relationship IN (SELECT id FROM relationships WHERE phone = ?1)";
            for table in ["intents", "links", "states", "holds", "match_decisions", "asked_pairs"] {
                connection.execute(&format!("DELETE FROM {table} WHERE {of_this_phone}"), [phone.0])?;
            }
            connection.execute("UPDATE relationships SET link_count = 0 WHERE phone = ?1", [phone.0])?;
            connection.execute("DELETE FROM observed WHERE phone = ?1", [phone.0])?;
            connection.execute(
                "DELETE FROM channel_memory WHERE replica = (SELECT guid FROM phones WHERE id = ?1)",
                [phone.0],
            )?;
            Ok(())
        })
    }

    /// Keeps what a probe of the phone found, as JSON.
    ///
    /// # Errors
    /// When the database cannot be used, or the text is not JSON.
    pub fn learn(&self, phone: PhoneId, learned: &str) -> Result<(), StoreError> {
        self.write(|connection| {
            connection.execute("UPDATE phones SET learned = ?2 WHERE id = ?1", (phone.0, learned))?;
            Ok(())
        })
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
                    model: row.get(8)?,
                    usb_id: row.get(9)?,
                    has_serial: row.get(10)?,
                };
                let pairing = match (row.get(12)?, row.get(13)?, row.get(14)?) {
                    (Some(name), Some(book), Some(paired_ms)) => Some(PhonePairing { name, book, paired_ms }),
                    _ => None,
                };
                found.push(KnownPhone {
                    id: PhoneId(row.get(0)?),
                    sighting,
                    first_seen_ms: row.get(6)?,
                    last_seen_ms: row.get(7)?,
                    generation: row.get::<_, i64>(11)?.cast_unsigned(),
                    pairing,
                    learned: row.get(15)?,
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
        let (first_seen_ms, last_seen_ms) = (1_000, 2_000);
        assert_eq!(
            known,
            KnownPhone {
                id,
                sighting: seen,
                first_seen_ms,
                last_seen_ms,
                generation: 0,
                pairing: None,
                learned: None
            }
        );
        let other = store.see_phone(&sighting(2), 3_000).unwrap();
        assert_eq!(store.phones().unwrap().iter().map(|phone| phone.id).collect::<Vec<_>>(), [other, id]);
        assert_eq!(store.phone(sighting(3).guid).unwrap(), None);
    }

    #[test]
    fn a_phone_is_paired_by_a_name_of_its_own_and_can_be_forgotten() {
        let rig = Rig::new();
        let store = rig.store();
        let book = rig.book(&store);
        let (one, two) = (store.see_phone(&sighting(1), 0), store.see_phone(&sighting(2), 0));
        let (one, two) = (one.unwrap(), two.unwrap());
        store.pair(one, "Änne's phone", &book, 5).unwrap();
        assert!(store.pair(two, "ÄNNE's Phone", &book, 5).is_err(), "in any letter case");
        store.pair(one, "änne's phone", &book, 6).unwrap();
        let paired = store.phone_by_name("Änne's PHONE").unwrap().unwrap();
        let pairing = PhonePairing { name: "änne's phone".into(), book: "default".into(), paired_ms: 6 };
        assert_eq!((paired.id, paired.pairing), (one, Some(pairing)));
        assert!(store.pair(PhoneId(99), "none", &book, 5).is_err());
        // Being seen again does not touch it.
        store.see_phone(&sighting(1), 9_000).unwrap();
        assert_eq!(store.paired_phones().unwrap().len(), 1);
        store.forget(one).unwrap();
        assert_eq!((store.paired_phones().unwrap().len(), store.phones().unwrap().len()), (0, 2));
        store.pair(two, "Änne's phone", &book, 7).unwrap();
        store.check().unwrap();
    }

    #[test]
    fn forgetting_the_memory_keeps_the_contacts_the_history_and_the_numbers() {
        use crate::provider::{Confirmation, Direction, IntentStep, ItemId, Ledger, Metadata, Revision};
        let rig = Rig::new();
        let store = rig.store();
        let book = rig.book(&store);
        let (item, cn) = book.add(&crate::store::testing::card("a", "Ada Example")).unwrap();
        let ledger = rig.ledger(&store, &book);
        let phone = store.phones().unwrap()[0].id;
        let memory = crate::store::PhoneMetadata::new(&store, phone);
        memory.save(&[crate::store::testing::observed_row(1, "Card/ada.vcf")], 7, 3).unwrap();
        let session = ledger.open_session(1).unwrap();
        let delete = IntentStep::Delete { item: ItemId(1), expected: Revision([7; 32]) };
        ledger.note_intents(session, &[delete]).unwrap();
        let linked = Confirmation { link: Some((None, item, ItemId(1), None)), ..Confirmation::default() };
        ledger.confirm(session, &[linked]).unwrap();
        let mut state = crate::ics::SyncState::empty();
        state.record(item.0, cn);
        ledger.put_state(Direction::PcToPhone, &state).unwrap();
        store.forget_memory(phone).unwrap();
        store.check().unwrap();
        assert_eq!((ledger.link_count().unwrap(), ledger.open_intents().unwrap().len()), (0, 0));
        assert!(ledger.state(Direction::PcToPhone).unwrap().is_empty());
        assert_eq!(memory.load().unwrap(), []);
        assert_eq!((memory.next_counter().unwrap(), memory.generation().unwrap()), (7, 3));
        assert_eq!((book.list().unwrap().len(), store.sessions(9).unwrap().len()), (1, 1));
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
