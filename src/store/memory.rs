//! What channels remember of their phones: bytes by replica and name. It must not know what they mean.

use rusqlite::OptionalExtension;

use super::Store;
use crate::ics::Guid;
use crate::provider::{ChannelMemory, ProviderError};

impl ChannelMemory for Store {
    fn get(&self, replica: Guid, name: &str) -> Result<Option<Vec<u8>>, ProviderError> {
        Ok(self.read(|connection| {
            let mut select = connection.prepare_cached(GET)?;
            Ok(select.query_row((replica.to_string(), name), |row| row.get(0)).optional()?)
        })?)
    }

    fn put(&self, replica: Guid, name: &str, bytes: &[u8]) -> Result<(), ProviderError> {
        fits(bytes.len())?;
        self.write(|connection| {
            let mut put = connection.prepare_cached(
                "INSERT INTO channel_memory (replica, name, content) VALUES (?1, ?2, ?3)
                    ON CONFLICT (replica, name) DO UPDATE SET content = excluded.content",
            )?;
            put.execute((replica.to_string(), name, bytes))?;
            Ok(())
        })?;
        Ok(())
    }

    fn remove(&self, replica: Guid, name: &str) -> Result<(), ProviderError> {
        self.write(|connection| {
            connection
                .prepare_cached("DELETE FROM channel_memory WHERE replica = ?1 AND name = ?2")?
                .execute((replica.to_string(), name))?;
            Ok(())
        })?;
        Ok(())
    }

    fn names(&self, replica: Guid, prefix: &str) -> Result<Vec<String>, ProviderError> {
        Ok(self.read(|connection| {
            let mut select = connection
                .prepare_cached("SELECT name FROM channel_memory WHERE replica = ?1 ORDER BY name")?;
            let names = select.query_map([replica.to_string()], |row| row.get::<_, String>(0))?;
            let mut found = Vec::new();
            for name in names {
                found.push(name?);
            }
            found.retain(|name| name.starts_with(prefix));
            Ok(found)
        })?)
    }
}

/// So many bytes are remembered under one name: twice the largest export that is read.
const REMEMBERED_BYTES_MAX: usize = 512 << 20;

/// What is remembered of a channel grows with what a phone shows, and a phone may show anything.
fn fits(bytes: usize) -> Result<(), ProviderError> {
    if bytes <= REMEMBERED_BYTES_MAX {
        return Ok(());
    }
    Err(ProviderError::Storage(format!(
        "what is to be remembered of this phone has {bytes} bytes, and up to {REMEMBERED_BYTES_MAX} are; remove what is \
         no contact from what it shows, then try again"
    )))
}

pub(super) const GET: &str = "SELECT content FROM channel_memory WHERE replica = ?1 AND name = ?2";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::Rig;

    fn guid(byte: u8) -> Guid {
        Guid::from_random([byte; 16])
    }

    #[test]
    fn what_is_remembered_has_a_limit_that_is_told() {
        fits(REMEMBERED_BYTES_MAX).unwrap();
        let told = fits(REMEMBERED_BYTES_MAX + 1).unwrap_err().to_string();
        assert!(told.contains("536870913 bytes, and up to 536870912 are"), "{told}");
    }

    #[test]
    fn bytes_are_kept_by_replica_and_name() {
        let rig = Rig::new();
        let store = rig.store();
        store.put(guid(1), "own/43", b"one").unwrap();
        store.put(guid(1), "own/43", b"two").unwrap();
        store.put(guid(1), "index", b"\x00\xff").unwrap();
        store.put(guid(2), "own/10", b"other").unwrap();
        assert_eq!(store.get(guid(1), "own/43").unwrap().as_deref(), Some(&b"two"[..]));
        assert_eq!(store.get(guid(1), "own/10").unwrap(), None);
        assert_eq!(store.names(guid(1), "own/").unwrap(), ["own/43"]);
        assert_eq!(store.names(guid(1), "").unwrap(), ["index", "own/43"]);
        store.remove(guid(1), "own/43").unwrap();
        store.remove(guid(1), "own/43").unwrap();
        assert_eq!(store.names(guid(1), "").unwrap(), ["index"]);
        drop(store);
        let dry = rig.read_only();
        assert_eq!(dry.get(guid(1), "index").unwrap().as_deref(), Some(&b"\x00\xff"[..]));
        assert!(dry.put(guid(1), "index", b"").is_err());
    }

    #[test]
    fn a_batch_that_is_dropped_takes_its_bytes_along() {
        let store = Store::in_memory().unwrap();
        store.begin().unwrap();
        store.put(guid(1), "index", b"1").unwrap();
        store.roll_back().unwrap();
        assert_eq!(store.get(guid(1), "index").unwrap(), None);
    }
}
