//! Batches: what is written between `begin` and `commit` becomes durable together or not at all.
//!
//! SQLite rolls a whole transaction back by itself on some failures (a full disk, an I/O error), and a failed write
//! in the middle of several statements leaves half of them behind. Both must never end in a commit, so the store
//! remembers that a batch is broken, and refuses everything but dropping it.

use rusqlite::Connection;

use super::Store;
use super::error::{Fault, StoreError};

/// Where the store stands between `begin` and `commit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Batch {
    /// No batch: every write is one of its own.
    Closed,
    /// Writes are collected.
    Open,
    /// A write failed, and why; the batch can only be dropped.
    Broken(StoreError),
}

impl Store {
    /// Opens a batch.
    ///
    /// # Errors
    /// [`StoreError::Busy`] if another program is writing, [`StoreError::Refused`] if a batch is open.
    pub fn begin(&self) -> Result<(), StoreError> {
        if self.in_batch() {
            return Err(StoreError::Refused("a batch is open already; commit or drop it first".to_owned()));
        }
        self.execute_plain("BEGIN IMMEDIATE")?;
        self.batch.replace(Batch::Open);
        Ok(())
    }

    /// Makes the batch durable: it is on the disk when this returns.
    ///
    /// # Errors
    /// When it cannot; then nothing of the batch counts, and no batch is open any more.
    pub fn commit(&self) -> Result<(), StoreError> {
        match self.batch.replace(Batch::Closed) {
            Batch::Closed => Err(StoreError::Refused("there is no batch to commit".to_owned())),
            Batch::Broken(cause) => {
                self.abandon();
                Err(cause)
            }
            Batch::Open => self.execute_plain("COMMIT").inspect_err(|_| self.abandon()),
        }
    }

    /// Drops the batch. Without a batch there is nothing to do.
    ///
    /// # Errors
    /// When the database refuses.
    pub fn roll_back(&self) -> Result<(), StoreError> {
        self.batch.replace(Batch::Closed);
        if self.connection.is_autocommit() {
            return Ok(());
        }
        self.execute_plain("ROLLBACK")
    }

    /// Whether a batch is open, broken or not.
    pub(super) fn in_batch(&self) -> bool {
        *self.batch.borrow() != Batch::Closed
    }

    /// Runs `work` in the open batch, or in a transaction of its own.
    pub(super) fn write<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        let state = self.batch.borrow().clone();
        match state {
            Batch::Broken(cause) => Err(cause),
            Batch::Open => self.write_in_batch(work),
            Batch::Closed => {
                self.execute_plain("BEGIN IMMEDIATE")?;
                let done = work(&self.connection).map_err(|fault| fault.at(&self.path));
                let kept = done.and_then(|value| self.execute_plain("COMMIT").map(|()| value));
                kept.inspect_err(|_| self.abandon())
            }
        }
    }

    fn write_in_batch<T>(&self, work: impl FnOnce(&Connection) -> Result<T, Fault>) -> Result<T, StoreError> {
        let done = if self.connection.is_autocommit() {
            Err(Fault::refused("the batch was dropped by the database; nothing of it was kept"))
        } else {
            work(&self.connection)
        };
        done.map_err(|fault| fault.at(&self.path))
            .inspect_err(|error| drop(self.batch.replace(Batch::Broken(error.clone()))))
    }

    /// Runs `work`, which reads with one statement.
    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        work(&self.connection).map_err(|fault| fault.at(&self.path))
    }

    /// Runs `work`, which reads with several statements that must see the same state of the database.
    pub(super) fn read_snapshot<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Fault>,
    ) -> Result<T, StoreError> {
        if !self.connection.is_autocommit() {
            return self.read(work);
        }
        self.execute_plain("BEGIN")?;
        let read = self.read(work);
        let ended = self.execute_plain("COMMIT").inspect_err(|_| self.abandon());
        read.and_then(|value| ended.map(|()| value))
    }

    /// Rolls back what is left of a failed transaction. It has failed already, and its error is what is told;
    /// a rollback can only fail because SQLite has rolled back by itself.
    fn abandon(&self) {
        if !self.connection.is_autocommit() {
            drop(self.execute_plain("ROLLBACK"));
        }
    }

    fn execute_plain(&self, sql: &str) -> Result<(), StoreError> {
        self.read(|connection| {
            connection.prepare_cached(sql)?.execute([])?;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    use crate::provider::{Confirmation, Ledger, SessionId};
    use crate::store::testing::{Rig, action, card};
    use crate::store::{Store, StoreError};

    #[test]
    fn a_failed_write_breaks_the_batch_and_only_dropping_helps() {
        let rig = Rig::new();
        let store = rig.store();
        let book = rig.book(&store);
        let ledger = rig.ledger(&store, &book);
        store.begin().unwrap();
        book.add(&card("a", "Ada Example")).unwrap();
        // The session does not exist, so the foreign key refuses the row.
        let noted = Confirmation { action: Some(action("create")), ..Confirmation::default() };
        let told = ledger.confirm(SessionId(4711), &[noted]).unwrap_err();
        let error = book.add(&card("b", "Bob Example")).unwrap_err();
        assert!(matches!(error, StoreError::Refused(_)), "{error}");
        assert_eq!(told, error.clone().into());
        assert_eq!(book.add(&card("b", "Bob Example")).unwrap_err(), error);
        assert_eq!(store.commit().unwrap_err(), error);
        assert_eq!(book.list().unwrap().len(), 0);
        book.add(&card("c", "Cleo Example")).unwrap();
        assert_eq!(book.list().unwrap().len(), 1);
    }

    #[test]
    fn begin_twice_and_commit_without_a_batch_are_refused_and_dropping_twice_is_not() {
        let store = Store::in_memory().unwrap();
        assert!(matches!(store.commit(), Err(StoreError::Refused(_))));
        store.begin().unwrap();
        assert!(matches!(store.begin(), Err(StoreError::Refused(_))));
        store.roll_back().unwrap();
        store.roll_back().unwrap();
        store.begin().unwrap();
        store.commit().unwrap();
    }

    #[test]
    fn a_dropped_connection_keeps_nothing_of_its_batch() {
        let rig = Rig::new();
        let before = {
            let store = rig.store();
            let book = rig.book(&store);
            book.add(&card("a", "Ada Example")).unwrap();
            book.next_counter().unwrap()
        };
        {
            let store = rig.store();
            let book = rig.book(&store);
            let ledger = rig.ledger(&store, &book);
            store.begin().unwrap();
            book.add(&card("b", "Bob Example")).unwrap();
            ledger.link_count().unwrap();
            assert_eq!(book.list().unwrap().len(), 2);
        }
        let store = rig.store();
        let book = rig.book(&store);
        assert_eq!(book.list().unwrap().len(), 1);
        // Number and change share a transaction: the number was not used up either.
        assert_eq!(book.next_counter().unwrap(), before);
        store.check().unwrap();
    }
}
