//! What was last seen on a phone: the rows with which a side without change tracking gets it.
//!
//! Rows only; comparing them with a listing is the `provider` room's work.

use rusqlite::{OptionalExtension, Row};

use super::Store;
use super::error::{Fault, StoreError, digest, from_integer, to_integer};
use super::phones::PhoneId;
use crate::provider::{ItemId, Locator, Metadata, Observed, ProviderError, Revision, Stamp};

/// The memory of one phone's replica.
#[derive(Debug, Clone, Copy)]
pub struct PhoneMetadata<'a> {
    store: &'a Store,
    phone: PhoneId,
}

impl<'a> PhoneMetadata<'a> {
    /// The memory of that phone. Of a phone that the store could not add in a dry run it is empty.
    #[must_use]
    pub fn new(store: &'a Store, phone: PhoneId) -> Self {
        Self { store, phone }
    }

    fn counters(&self) -> Result<(u64, u64), StoreError> {
        self.store.read(|connection| {
            let mut select =
                connection.prepare_cached("SELECT next_counter, generation FROM phones WHERE id = ?1")?;
            let found = select.query_row([self.phone.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
            let Some((next, generation)) = found else { return Ok((1, 0)) };
            Ok((from_integer(next, "the next number of a phone")?, i64::cast_unsigned(generation)))
        })
    }
}

impl Metadata for PhoneMetadata<'_> {
    fn generation(&self) -> Result<u64, ProviderError> {
        Ok(self.counters()?.1)
    }

    fn next_counter(&self) -> Result<u64, ProviderError> {
        Ok(self.counters()?.0)
    }

    fn load(&self) -> Result<Vec<Observed>, ProviderError> {
        let mut rows = self.store.read(|connection| {
            let mut select = connection.prepare_cached(LOAD)?;
            let mut found = select.query([self.phone.0])?;
            let mut rows = Vec::new();
            while let Some(row) = found.next()? {
                rows.push(observed(row)?);
            }
            Ok(rows)
        })?;
        // Items are numbered as they are found, so they are nearly in this order already, which this sort turns to
        // account; an index for it would cost every write.
        rows.sort_by(|left, right| left.locator.cmp(&right.locator));
        rows.shrink_to_fit();
        Ok(rows)
    }

    fn save(&self, rows: &[Observed], next_counter: u64, generation: u64) -> Result<(), ProviderError> {
        self.store.write(|connection| {
            let mut save = connection.prepare_cached(SAVE)?;
            for row in rows {
                save.execute((
                    self.phone.0,
                    to_integer(row.item.0)?,
                    to_integer(row.counter)?,
                    &*row.locator.0,
                    row.stamp.size_bytes.cast_signed(),
                    row.stamp.modified.as_deref(),
                    row.revision.map(|revision| revision.0),
                    row.uid_hash.cast_signed(),
                    &row.problem,
                    row.deleted,
                    row.settled,
                    row.verified_ms,
                ))?;
            }
            let kept = connection
                .prepare_cached("UPDATE phones SET next_counter = ?2, generation = ?3 WHERE id = ?1")?
                .execute((self.phone.0, to_integer(next_counter)?, generation.cast_signed()))?;
            if kept == 0 {
                return Err(Fault::refused("the phone is not in the database"));
            }
            Ok(())
        })?;
        Ok(())
    }
}

pub(super) const LOAD: &str =
    "SELECT item, counter, locator, size_bytes, modified, revision, uid_hash, problem,
    deleted, settled, verified_ms FROM observed WHERE phone = ?1 ORDER BY item";

const SAVE: &str = "INSERT OR REPLACE INTO observed (phone, item, counter, locator, size_bytes, modified, revision,
    uid_hash, problem, deleted, settled, verified_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";

fn observed(row: &Row<'_>) -> Result<Observed, Fault> {
    let text = |column| -> Result<Option<Box<str>>, Fault> {
        let value = row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?;
        Ok(value.map(Box::from))
    };
    let revision = row.get_ref(5)?.as_blob_or_null().map_err(rusqlite::Error::from)?;
    Ok(Observed {
        item: ItemId(from_integer(row.get(0)?, "the number of an item")?),
        counter: from_integer(row.get(1)?, "a change number")?,
        locator: Locator(text(2)?.unwrap_or_default()),
        stamp: Stamp { size_bytes: row.get::<_, i64>(3)?.cast_unsigned(), modified: text(4)? },
        revision: revision.map(digest).transpose()?.map(Revision),
        uid_hash: row.get::<_, i64>(6)?.cast_unsigned(),
        problem: row.get(7)?,
        deleted: row.get(8)?,
        settled: row.get(9)?,
        verified_ms: row.get(10)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{observed_row, sighting};

    #[test]
    fn rows_come_back_as_they_were_saved_ordered_by_locator() {
        let store = Store::in_memory().unwrap();
        let memory = PhoneMetadata::new(&store, store.see_phone(&sighting(1), 0).unwrap());
        let other = PhoneMetadata::new(&store, store.see_phone(&sighting(2), 0).unwrap());
        assert_eq!((memory.generation().unwrap(), memory.next_counter().unwrap()), (0, 1));
        let mut rows = vec![observed_row(1, "Card/b.vcf"), observed_row(2, "Card/a.vcf")];
        rows[0].stamp = Stamp { size_bytes: u64::MAX, modified: None };
        rows[0].uid_hash = u64::MAX;
        rows[1].revision = None;
        rows[1].problem = Some("torn".to_owned());
        rows[1].deleted = true;
        rows[1].settled = true;
        memory.save(&rows, 3, u64::MAX).unwrap();
        other.save(&[observed_row(1, "Card/z.vcf")], 2, 1).unwrap();
        rows.reverse();
        assert_eq!(memory.load().unwrap(), rows);
        assert_eq!((memory.generation().unwrap(), memory.next_counter().unwrap()), (u64::MAX, 3));
        // A renamed file is the same item in another place.
        rows[1].locator = Locator("Card/0.vcf".into());
        rows[1].counter = 3;
        memory.save(&rows[1..], 4, 2).unwrap();
        rows.reverse();
        assert_eq!(memory.load().unwrap(), rows);
        assert_eq!(other.load().unwrap().len(), 1);
    }

    #[test]
    fn a_phone_that_is_not_in_the_database_has_no_memory_and_takes_none() {
        let store = Store::in_memory().unwrap();
        let memory = PhoneMetadata::new(&store, PhoneId(super::super::phones::UNSAVED));
        assert_eq!((memory.generation().unwrap(), memory.next_counter().unwrap()), (0, 1));
        assert_eq!(memory.load().unwrap(), []);
        assert!(memory.save(&[], 2, 1).is_err());
        assert!(memory.save(&[observed_row(1, "/a")], 2, 1).is_err());
    }

    #[test]
    fn saving_takes_part_in_the_batch() {
        let store = Store::in_memory().unwrap();
        let memory = PhoneMetadata::new(&store, store.see_phone(&sighting(1), 0).unwrap());
        store.begin().unwrap();
        memory.save(&[observed_row(1, "/a")], 2, 1).unwrap();
        store.roll_back().unwrap();
        assert_eq!(memory.load().unwrap(), []);
        assert_eq!(memory.next_counter().unwrap(), 1);
    }
}
