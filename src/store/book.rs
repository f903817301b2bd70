//! An address book as one side of a sync: it tracks its own changes.
//!
//! Finding what changed costs as much as there are changes, never as there are contacts: the numbers that a state
//! has not seen are looked up in the index of last changes (MS-OXCFXICS 3.2.5.9.1: a change is sent if its number is
//! not in the seen set; a deletion if its item is in the given set).

use rusqlite::{Connection, OptionalExtension};

use super::Store;
use super::contacts::{self, ChangeStamp, Standing};
use super::error::{Fault, StoreError, digest, from_integer, to_integer};
use super::versions::Cause;
use super::{cards, phones};
use crate::contact::{Card, Dialect, Projection};
use crate::ics::{ChangeNumber, GlobSet, Guid, SyncState};
use crate::provider::{
    Ack, Capabilities, Change, ChangeKind, ChangeSet, Clock, Completeness, Delivery, Fetched, ItemId,
    Outcome, Provider, ProviderError, Randomness, Replica, Revision, Write,
};

/// The largest card that a book takes, in bytes: what the readers of card files take too.
const CARD_BYTES_MAX: usize = 16 << 20;

/// A book as `Store::books` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookInfo {
    /// The replica's id.
    pub guid: Guid,
    /// The name.
    pub name: String,
    /// How many contacts it holds.
    pub contact_count: usize,
}

/// An address book in the store.
///
/// It takes cards of any vCard version and keeps them byte for byte; the dialect it names is the one in which new
/// cards are best composed for it.
#[derive(Clone)]
pub struct Book<'a> {
    store: &'a Store,
    clock: &'a dyn Clock,
    row: i64,
    replica: Replica,
    capabilities: Capabilities,
    cause: Option<Cause>,
}

impl std::fmt::Debug for Book<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Book").field("replica", &self.replica).finish_non_exhaustive()
    }
}

impl Store {
    /// All books by name.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn books(&self) -> Result<Vec<BookInfo>, StoreError> {
        self.read(|connection| {
            let mut select =
                connection.prepare_cached("SELECT guid, name, contact_count FROM books ORDER BY name")?;
            let mut rows = select.query([])?;
            let mut books = Vec::new();
            while let Some(row) = rows.next()? {
                books.push(BookInfo {
                    guid: phones::guid(row.get_ref(0)?)?,
                    name: row.get(1)?,
                    contact_count: count(row.get(2)?)?,
                });
            }
            Ok(books)
        })
    }
}

impl<'a> Book<'a> {
    /// Opens the book of that name, which is made if it does not exist. In a store that is read only it is then an
    /// empty book that nobody remembers.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub fn open(
        store: &'a Store,
        name: &str,
        clock: &'a dyn Clock,
        randomness: &dyn Randomness,
    ) -> Result<Self, StoreError> {
        let found = match store.read(|connection| find(connection, name))? {
            Some(found) => found,
            None if store.is_read_only() => Found {
                row: phones::UNSAVED,
                guid: Guid::from_random(randomness.next_bytes()),
                next_counter: 1,
            },
            None => store.write(|connection| {
                // Asked again inside the transaction: another process may have made it meanwhile.
                if let Some(found) = find(connection, name)? {
                    return Ok(found);
                }
                let guid = Guid::from_random(randomness.next_bytes());
                connection
                    .execute("INSERT INTO books (guid, name) VALUES (?1, ?2)", (guid.to_string(), name))?;
                Ok(Found { row: connection.last_insert_rowid(), guid, next_counter: 1 })
            })?,
        };
        Ok(Self {
            store,
            clock,
            row: found.row,
            // A book's numbers grow with every change, so the last one given out serves as the generation.
            replica: Replica {
                guid: found.guid,
                label: name.to_owned(),
                generation: found.next_counter.saturating_sub(1),
            },
            capabilities: Capabilities {
                projection: Projection::default(),
                dialect: Dialect::v40(),
                writable: !store.is_read_only(),
                delivery: Delivery::Direct,
                card_bytes_max: CARD_BYTES_MAX,
            },
            cause: None,
        })
    }

    /// The same book; what is changed through it goes into the history of its contacts with this cause.
    #[must_use]
    pub fn for_cause(self, cause: Cause) -> Self {
        Self { cause: Some(cause), ..self }
    }

    /// The next number that a change in this book gets.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn next_counter(&self) -> Result<u64, StoreError> {
        self.store.read(|connection| Ok(self.counters(connection)?.0))
    }

    /// How many contacts the book holds.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn contact_count(&self) -> Result<usize, StoreError> {
        self.store.read(|connection| Ok(self.counters(connection)?.1))
    }

    pub(super) fn store(&self) -> &'a Store {
        self.store
    }

    pub(super) fn row(&self) -> i64 {
        self.row
    }

    pub(super) fn now_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    /// `cause` counts if the book was not opened for another one.
    pub(super) fn stamp(&self, now_ms: i64, cause: Cause) -> ChangeStamp {
        let (book, guid, cause) = (self.row, self.replica.guid, self.cause.unwrap_or(cause));
        ChangeStamp { book, guid, now_ms, cause, session: None }
    }

    /// The stamp of what the session does that is underway.
    fn stamp_of_session(&self) -> ChangeStamp {
        let (session, cause) = self.store.underway.get().unzip();
        ChangeStamp { session, ..self.stamp(self.clock.now_ms(), cause.unwrap_or(Cause::Sync)) }
    }

    pub(super) fn number(&self, counter: u64) -> ChangeNumber {
        ChangeNumber { replica: self.replica.guid, counter }
    }

    /// The next number, and how many contacts there are.
    fn counters(&self, connection: &Connection) -> Result<(u64, usize), Fault> {
        let mut select =
            connection.prepare_cached("SELECT next_counter, contact_count FROM books WHERE id = ?1")?;
        let found = select.query_row([self.row], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
        let Some((next, contacts)) = found else { return Ok((1, 0)) };
        Ok((from_integer(next, "the next number of a book")?, count(contacts)?))
    }

    fn collect(&self, connection: &Connection, state: &SyncState) -> Result<ChangeSet, Fault> {
        let (next, item_count) = self.counters(connection)?;
        let given = state.given.get(self.replica.guid);
        let mut select = connection.prepare_cached(CHANGES)?;
        let mut changes = Vec::new();
        for (first, last) in unseen(state.seen.get(self.replica.guid), next.saturating_sub(1)) {
            let mut rows = select.query((self.row, to_integer(first)?, to_integer(last)?))?;
            while let Some(row) = rows.next()? {
                let item = from_integer(row.get(0)?, "the number of a contact")?;
                let kind = match row.get_ref(2)?.as_blob_or_null().map_err(rusqlite::Error::from)? {
                    Some(sha256) => ChangeKind::Put(Revision(digest(sha256)?)),
                    None if given.contains(item) => ChangeKind::Deleted,
                    // The other side never had it, so there is nothing to delete there.
                    None => continue,
                };
                let counter = from_integer(row.get(1)?, "a change number")?;
                let (item, cn) = (ItemId(item), self.number(counter));
                changes.push(Change { item, cn, kind, place: String::new() });
            }
        }
        Ok(ChangeSet {
            changes,
            completeness: Completeness::Complete,
            item_count,
            absent: Vec::new(),
            restarted: None,
        })
    }

    fn carry_out(&self, write: &Write) -> Result<Outcome, StoreError> {
        let stamp = self.stamp_of_session();
        let done = |item, counter, held: Option<&Card>| {
            Outcome::Done(Ack { item, cn: self.number(counter), held: held.cloned() })
        };
        self.store.write(|connection| match write {
            Write::Create { card, .. } => {
                let counter = contacts::insert(connection, stamp, card)?;
                Ok(done(ItemId(counter), counter, Some(card)))
            }
            Write::Revive { item, card } => match contacts::standing(connection, self.row, *item)? {
                Some(standing) if standing.card.is_none() => {
                    Ok(done(*item, contacts::revive(connection, stamp, &standing, card)?, Some(card)))
                }
                _ => Ok(Outcome::Stale),
            },
            Write::Replace { item, expected, card } => match self.at(connection, *item, *expected)? {
                Some(standing) => {
                    Ok(done(*item, contacts::update(connection, stamp, &standing, card)?, Some(card)))
                }
                None => Ok(Outcome::Stale),
            },
            Write::Delete { item, expected } => match self.at(connection, *item, *expected)? {
                Some(standing) => Ok(done(*item, contacts::bury(connection, stamp, &standing)?, None)),
                None => Ok(Outcome::Stale),
            },
        })
    }

    /// The living contact if it is at that revision.
    fn at(
        &self,
        connection: &Connection,
        item: ItemId,
        expected: Revision,
    ) -> Result<Option<Standing>, Fault> {
        let Some(standing) = contacts::standing(connection, self.row, item)? else { return Ok(None) };
        let Some(card) = standing.card else { return Ok(None) };
        let held = cards::revision(connection, card)?;
        Ok(Some(standing).filter(|_| held == expected))
    }
}

impl Provider for Book<'_> {
    fn replica(&self) -> &Replica {
        &self.replica
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn changes_since(&mut self, state: &SyncState) -> Result<ChangeSet, ProviderError> {
        Ok(self.store.read_snapshot(|connection| self.collect(connection, state))?)
    }

    fn fetch(&mut self, item: ItemId) -> Result<Fetched, ProviderError> {
        let found = self.store.read_snapshot(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT k.sha256, c.modified_ms, k.bytes FROM contacts AS c JOIN cards AS k ON k.id = c.card
                    WHERE c.book = ?1 AND c.item = ?2",
            )?;
            let mut rows = select.query((self.row, to_integer(item.0)?))?;
            let Some(row) = rows.next()? else { return Ok(None) };
            let revision = Revision(digest(row.get_ref(0)?.as_blob().map_err(rusqlite::Error::from)?)?);
            let card = Card::parse(row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?);
            Ok(Some((card, revision, row.get(1)?)))
        })?;
        match found {
            None => Err(ProviderError::Gone(format!("contact {item} was removed from the book"))),
            Some((Err(error), ..)) => {
                Err(ProviderError::Item(format!("contact {item} in the book cannot be read: {error}")))
            }
            Some((Ok(card), revision, modified_ms)) => {
                Ok(Fetched { card, revision, modified_ms: Some(modified_ms) })
            }
        }
    }

    fn write(&mut self, write: &Write) -> Outcome {
        if let Write::Create { card, .. } | Write::Revive { card, .. } | Write::Replace { card, .. } = write
            && let Err(error) = within_limit(card)
        {
            return Outcome::Refused(error.to_string());
        }
        self.carry_out(write).unwrap_or_else(|error| Outcome::Refused(error.to_string()))
    }

    fn keep_observations(&mut self) -> Result<(), ProviderError> {
        // The book is its own memory.
        Ok(())
    }

    fn known_revision(&self, item: ItemId) -> Option<Revision> {
        self.contact_revision(item).ok().flatten()
    }

    fn holders_of_uid(&self, uid: &str) -> Result<Vec<(ItemId, String)>, ProviderError> {
        let found = self.find_by_uid(uid)?;
        Ok(found.into_iter().map(|contact| (contact.item, contact.name)).collect())
    }

    fn place(&self, item: ItemId) -> String {
        // A name for a message; without one the message does without.
        self.display_name(item).ok().flatten().unwrap_or_default()
    }
}

impl Book<'_> {
    fn contact_revision(&self, item: ItemId) -> Result<Option<Revision>, StoreError> {
        self.store.read_snapshot(|connection| {
            let card = contacts::standing(connection, self.row, item)?.and_then(|standing| standing.card);
            card.map(|card| cards::revision(connection, card)).transpose()
        })
    }

    /// The display name of a contact; `None` if it is not there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn display_name(&self, item: ItemId) -> Result<Option<String>, StoreError> {
        self.text_of("SELECT fn FROM contacts WHERE book = ?1 AND item = ?2", item)
    }

    /// The UID of a contact: its card's, or the one that was minted for a card without; `None` if it is not there.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn uid_of(&self, item: ItemId) -> Result<Option<String>, StoreError> {
        self.text_of("SELECT uid FROM contacts WHERE book = ?1 AND item = ?2", item)
    }

    fn text_of(&self, sql: &str, item: ItemId) -> Result<Option<String>, StoreError> {
        self.store.read(|connection| {
            let mut select = connection.prepare_cached(sql)?;
            let found = select.query_row((self.row, to_integer(item.0)?), |row| row.get(0)).optional()?;
            Ok(found.flatten())
        })
    }
}

/// Refuses a card that could not be read again; asked before anything is written, so that no batch breaks over it.
pub(super) fn within_limit(card: &Card) -> Result<(), StoreError> {
    match card.as_bytes().len() {
        0..=CARD_BYTES_MAX => Ok(()),
        length => Err(StoreError::Refused(format!(
            "the card has {length} bytes, and a book takes {CARD_BYTES_MAX} at most; make its photo smaller"
        ))),
    }
}

/// The last changes with numbers from ?2 to ?3, and the revisions of what is still there.
pub(super) const CHANGES: &str = "SELECT c.item, c.counter, k.sha256
    FROM contacts AS c LEFT JOIN cards AS k ON k.id = c.card
    WHERE c.book = ?1 AND c.counter BETWEEN ?2 AND ?3 ORDER BY c.counter";

/// The ranges of numbers from 1 to `last` that are not in `seen`.
fn unseen(seen: &GlobSet, last: u64) -> Vec<(u64, u64)> {
    let mut gaps = Vec::new();
    let mut next = 1;
    for (from, to) in seen.ranges() {
        if from > last {
            break;
        }
        if from > next {
            gaps.push((next, from - 1));
        }
        next = next.max(to.saturating_add(1));
    }
    if next <= last {
        gaps.push((next, last));
    }
    gaps
}

struct Found {
    row: i64,
    guid: Guid,
    next_counter: u64,
}

fn find(connection: &Connection, name: &str) -> Result<Option<Found>, Fault> {
    let mut select = connection.prepare_cached("SELECT id, guid, next_counter FROM books WHERE name = ?1")?;
    let mut rows = select.query([name])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    Ok(Some(Found {
        row: row.get(0)?,
        guid: phones::guid(row.get_ref(1)?)?,
        next_counter: from_integer(row.get(2)?, "the next number of a book")?,
    }))
}

/// A number of rows.
pub(super) fn count(number: i64) -> Result<usize, Fault> {
    usize::try_from(number).map_err(|_| Fault::Damaged("a number of rows is negative".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::{Rig, card, card_of};

    fn done(outcome: Outcome) -> Ack {
        match outcome {
            Outcome::Done(ack) => ack,
            other => panic!("{other:?}"),
        }
    }

    fn create(book: &mut Book<'_>, card: &Card) -> Ack {
        done(book.write(&Write::Create { name: "name".to_owned(), card: card.clone() }))
    }

    #[test]
    fn a_book_keeps_its_id_and_others_are_others() {
        let rig = Rig::new();
        let guid = {
            let store = rig.store();
            rig.book(&store).replica().guid
        };
        let store = rig.store();
        let mut book = rig.book(&store);
        create(&mut book, &card("a", "Ada Example"));
        let work = Book::open(&store, "work", &rig.clock, &rig.randomness).unwrap();
        assert_eq!(book.replica().guid, guid);
        assert_ne!(work.replica().guid, guid);
        let again = rig.book(&store);
        assert_eq!((again.replica().label.as_str(), again.replica().generation), ("default", 1));
        let books: Vec<_> =
            store.books().unwrap().into_iter().map(|book| (book.name, book.contact_count)).collect();
        assert_eq!(books, [("default".to_owned(), 1), ("work".to_owned(), 0)]);
    }

    #[test]
    fn writes_name_what_they_replace() {
        let rig = Rig::new();
        let store = rig.store();
        let mut book = rig.book(&store);
        let (first, second) = (card_of(&["FN:Ada Example"]), card_of(&["FN:Ada Changed", "TEL:1"]));
        let ack = create(&mut book, &first);
        assert_eq!((ack.item, ack.cn.counter), (ItemId(1), 1));
        let (item, old) = (ack.item, Revision::of(first.as_bytes()));
        assert_eq!(book.known_revision(item), Some(old));
        let replace = |expected, card: &Card| Write::Replace { item, expected, card: card.clone() };
        let ack = done(book.write(&replace(old, &second)));
        assert_eq!(ack.cn.counter, 2);
        assert!(ack.held == Some(second.clone()), "kept as sent, without a UID put in");
        assert!(matches!(book.write(&replace(old, &first)), Outcome::Stale));
        assert!(matches!(book.write(&Write::Delete { item, expected: old }), Outcome::Stale));
        let new = Revision::of(second.as_bytes());
        // The same content again is no change: it has its number already.
        assert_eq!(done(book.write(&replace(new, &second))).cn.counter, 2);
        assert_eq!(book.place(item), "Ada Changed");
        let ack = done(book.write(&Write::Delete { item, expected: new }));
        assert_eq!((ack.cn.counter, ack.held.is_none()), (3, true));
        assert!(matches!(book.write(&Write::Delete { item, expected: new }), Outcome::Stale));
        assert!(matches!(book.fetch(item), Err(ProviderError::Gone(_))));
        assert_eq!((book.known_revision(item), book.place(item)), (None, String::new()));
        store.check().unwrap();
    }

    #[test]
    fn a_card_that_is_too_large_is_refused_and_breaks_no_batch() {
        let rig = Rig::new();
        let store = rig.store();
        let mut book = rig.book(&store);
        let nearly = card_of(&[&format!("NOTE:{}", "x".repeat(CARD_BYTES_MAX - 100))]);
        let large = nearly.with_uid(&"u".repeat(200));
        store.begin().unwrap();
        create(&mut book, &card("b", "Bob Example"));
        let Outcome::Refused(reason) = book.write(&Write::Create { name: String::new(), card: large }) else {
            panic!("taken");
        };
        assert!(matches!(book.add(&nearly.with_uid(&"u".repeat(200))), Err(StoreError::Refused(_))));
        assert!(reason.contains("16777216 at most"), "{reason}");
        store.commit().unwrap();
        assert_eq!(book.contact_count().unwrap(), 1);
    }

    #[test]
    fn the_ranges_that_a_state_has_not_seen() {
        let seen = |counters: &[u64]| counters.iter().copied().collect::<GlobSet>();
        assert_eq!(unseen(&seen(&[]), 0), []);
        assert_eq!(unseen(&seen(&[]), 3), [(1, 3)]);
        assert_eq!(unseen(&seen(&[1, 2, 3]), 3), []);
        assert_eq!(unseen(&seen(&[2, 3, 6]), 8), [(1, 1), (4, 5), (7, 8)]);
        // A state from a later time than a restored database.
        assert_eq!(unseen(&seen(&[1, 5, 9]), 3), [(2, 3)]);
        assert_eq!(unseen(&seen(&[2, 3, 4, 5]), 3), [(1, 1)]);
    }

    #[test]
    fn two_contacts_with_one_uid_are_both_named() {
        let rig = Rig::new();
        let store = rig.store();
        let mut book = rig.book(&store);
        create(&mut book, &card("same", "Ada Example"));
        create(&mut book, &card("same", "Bob Example"));
        let holders = book.holders_of_uid("same").unwrap();
        let expected = [(ItemId(1), "Ada Example".to_owned()), (ItemId(2), "Bob Example".to_owned())];
        assert_eq!(holders, expected);
        assert_eq!(book.holders_of_uid("other").unwrap(), []);
    }

    #[test]
    fn damage_is_an_error_and_not_a_stale_write() {
        let rig = Rig::new();
        let store = rig.store();
        let mut book = rig.book(&store);
        let ack = create(&mut book, &card("a", "Ada Example"));
        store.connection.execute_batch("PRAGMA foreign_keys = OFF; UPDATE contacts SET card = 99").unwrap();
        let delete = Write::Delete { item: ack.item, expected: Revision([0; 32]) };
        let Outcome::Refused(reason) = book.write(&delete) else { panic!("not refused") };
        assert!(reason.contains("is damaged"), "{reason}");
    }
}
