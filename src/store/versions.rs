//! The history of each contact of a book: every content that it had, when it got it, and what made it.
//!
//! A row is added in the transaction of the change itself, so that no change is without one. It must not decide what
//! becomes of an old content; `retention` lets go of those that are past their time.

use rusqlite::Connection;

use super::book::Book;
use super::cards::{self, CardRow};
use super::contacts::{self, ChangeStamp, folded};
use super::error::{Fault, StoreError, from_integer, to_integer};
use crate::contact::Card;
use crate::provider::{ItemId, SessionId};

/// What made a version of a contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A person added it here.
    Add,
    /// It came with an import.
    Import,
    /// A person edited it here.
    Edit,
    /// A person removed it here.
    Remove,
    /// A sync brought it.
    Sync,
    /// An undo set it back.
    Undo,
    /// A person took an earlier version.
    Restore,
    /// A person settled what waited.
    Resolve,
    /// Two contacts became one.
    Merge,
    /// It was there when the history began.
    Kept,
}

impl Cause {
    /// All of them.
    const ALL: [Self; 10] = [
        Self::Add,
        Self::Import,
        Self::Edit,
        Self::Remove,
        Self::Sync,
        Self::Undo,
        Self::Restore,
        Self::Resolve,
        Self::Merge,
        Self::Kept,
    ];

    /// The word in the database and in JSON.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Add => "add",
            Self::Import => "import",
            Self::Edit => "edit",
            Self::Remove => "remove",
            Self::Sync => "sync",
            Self::Undo => "undo",
            Self::Restore => "restore",
            Self::Resolve => "resolve",
            Self::Merge => "merge",
            Self::Kept => "kept",
        }
    }

    fn of_word(word: &str) -> Result<Self, Fault> {
        let cause = Self::ALL.into_iter().find(|cause| cause.word() == word);
        cause.ok_or_else(|| Fault::Damaged(String::from("a version of a contact has an unknown cause")))
    }
}

/// One content that a contact had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Its number, from 1 for each contact.
    pub number: u64,
    /// The content; `None`: the contact was removed.
    pub card: Option<Card>,
    /// When it came to be, in milliseconds since 1970.
    pub at_ms: i64,
    /// What made it.
    pub cause: Cause,
    /// The session that made it, if one did.
    pub session: Option<SessionId>,
}

/// A contact that has a history, whether it is still there or not.
#[derive(Clone, PartialEq, Eq)]
pub struct PastContact {
    /// Its number in the book.
    pub item: ItemId,
    /// The display name that it has, or had last.
    pub name: String,
    /// Whether it was removed.
    pub removed: bool,
}

impl std::fmt::Debug for PastContact {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "PastContact({}, removed: {})", self.item, self.removed)
    }
}

impl Book<'_> {
    /// The versions of a contact, the oldest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn versions(&self, item: ItemId) -> Result<Vec<Version>, StoreError> {
        self.store().read_snapshot(|connection| {
            let mut select = connection.prepare_cached(VERSIONS)?;
            let mut rows = select.query((self.row(), to_integer(item.0)?))?;
            let mut versions = Vec::new();
            while let Some(row) = rows.next()? {
                versions.push(Version {
                    number: from_integer(row.get(0)?, "the number of a version")?,
                    card: cards::get_optional(connection, row.get(1)?)?,
                    at_ms: row.get(2)?,
                    cause: Cause::of_word(row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?)?,
                    session: row.get::<_, Option<i64>>(4)?.map(SessionId),
                });
            }
            Ok(versions)
        })
    }

    /// What a person means by `text` among the contacts that are there, as [`Book::find`] reads it, and if there is none,
    /// among those that were removed: `#` and the number, a UID, or a whole name.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn find_past(&self, text: &str) -> Result<Vec<PastContact>, StoreError> {
        let living = self.find(text)?;
        if !living.is_empty() {
            let past =
                |row: contacts::ContactRow| PastContact { item: row.item, name: row.name, removed: false };
            return Ok(living.into_iter().map(past).collect());
        }
        let number = text.strip_prefix('#').and_then(|number| number.parse().ok()).map(ItemId);
        let name = folded(text);
        let mut found = Vec::new();
        self.each_removed(|item, card| {
            let is_meant = match number {
                Some(number) => item == number,
                None => card.uid().is_some_and(|uid| uid == text) || folded(&card.display_name()) == name,
            };
            if is_meant {
                found.push(PastContact { item, name: card.display_name(), removed: true });
            }
        })?;
        Ok(found)
    }

    /// Hands out every removed contact with the last content that it had.
    fn each_removed(&self, mut visit: impl FnMut(ItemId, &Card)) -> Result<(), StoreError> {
        self.store().read_snapshot(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT c.item, (SELECT v.card FROM versions AS v WHERE v.book = c.book AND v.item = c.item
                    AND v.card IS NOT NULL ORDER BY v.version DESC LIMIT 1)
                    FROM contacts AS c WHERE c.book = ?1 AND c.card IS NULL ORDER BY c.item",
            )?;
            let mut rows = select.query([self.row()])?;
            while let Some(row) = rows.next()? {
                let item = ItemId(from_integer(row.get(0)?, "the number of a contact")?);
                if let Some(card) = cards::get_optional(connection, row.get(1)?)? {
                    visit(item, &card);
                }
            }
            Ok(())
        })
    }

    /// Gives a contact an earlier content, in a version of its own; one that was removed comes back under its number.
    ///
    /// # Errors
    /// [`StoreError::NoSuchContact`]; others if it cannot be written.
    pub fn restore(&self, item: ItemId, card: &Card) -> Result<(), StoreError> {
        let stamp = self.stamp(self.now_ms(), Cause::Restore);
        self.store().write(|connection| {
            match contacts::standing(connection, self.row(), item)? {
                None => return Err(StoreError::NoSuchContact(item).into()),
                Some(standing) if standing.card.is_none() => {
                    contacts::revive(connection, stamp, &standing, card)?
                }
                Some(standing) => contacts::update(connection, stamp, &standing, card)?,
            };
            Ok(())
        })
    }
}

pub(super) const VERSIONS: &str = "SELECT version, card, at_ms, cause, session FROM versions WHERE book = ?1 AND item = ?2 ORDER BY version";

/// Adds the first version of a contact that is new.
pub(super) fn record_first(
    connection: &Connection,
    stamp: ChangeStamp,
    item: ItemId,
    card: CardRow,
) -> Result<(), Fault> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO versions (book, item, version, card, at_ms, cause, session) VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6)",
    )?;
    let session = stamp.session.map(|session| session.0);
    insert.execute((stamp.book, to_integer(item.0)?, card, stamp.now_ms, stamp.cause.word(), session))?;
    Ok(())
}

/// Adds the newest version of a contact; without a card it was removed.
pub(super) fn record(
    connection: &Connection,
    stamp: ChangeStamp,
    item: ItemId,
    card: Option<CardRow>,
) -> Result<(), Fault> {
    let mut insert = connection.prepare_cached(
        "INSERT INTO versions (book, item, version, card, at_ms, cause, session)
            SELECT ?1, ?2, coalesce(max(version), 0) + 1, ?3, ?4, ?5, ?6 FROM versions WHERE book = ?1 AND item = ?2",
    )?;
    let session = stamp.session.map(|session| session.0);
    insert.execute((stamp.book, to_integer(item.0)?, card, stamp.now_ms, stamp.cause.word(), session))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Ledger, Outcome, Provider, Revision, Write};
    use crate::store::testing::{Rig, card};

    fn told(book: &Book<'_>, item: ItemId) -> Vec<(u64, &'static str, Option<String>, Option<i64>)> {
        let name = |card: Option<Card>| card.map(|card| card.display_name());
        let versions = book.versions(item).unwrap().into_iter();
        versions
            .map(|version| {
                let session = version.session.map(|session| session.0);
                (version.number, version.cause.word(), name(version.card), session)
            })
            .collect()
    }

    #[test]
    fn every_change_leaves_a_version_with_its_cause() {
        let rig = Rig::new();
        let store = rig.store();
        let mut book = rig.book(&store);
        let (item, _) = book.add(&card("a", "Ada")).unwrap();
        book.edit(item, None, &card("a", "Ada B")).unwrap();
        book.edit(item, None, &card("a", "Ada B")).unwrap();
        let ledger = rig.ledger(&store, &book);
        let session = ledger.open_session(1).unwrap();
        let held = card("a", "Ada B");
        let write = Write::Delete { item, expected: Revision::of(held.as_bytes()) };
        assert!(matches!(book.write(&write), Outcome::Done(_)));
        assert!(matches!(book.write(&Write::Revive { item, card: held.clone() }), Outcome::Done(_)));
        assert!(matches!(book.write(&Write::Revive { item, card: held }), Outcome::Stale));
        ledger.close_session(session, 2, "{}").unwrap();
        book.remove(item, None).unwrap();
        book.restore(item, &card("a", "Ada")).unwrap();
        let named = |name: &str| Some(name.to_owned());
        assert_eq!(
            told(&book, item),
            [
                (1, "add", named("Ada"), None),
                (2, "edit", named("Ada B"), None),
                (3, "sync", None, Some(session.0)),
                (4, "sync", named("Ada B"), Some(session.0)),
                (5, "remove", None, None),
                (6, "restore", named("Ada"), None),
            ]
        );
        let imports = rig.book(&store).for_cause(Cause::Import);
        let (other, _) = imports.add(&card("b", "Bob")).unwrap();
        assert_eq!(told(&book, other), [(1, "import", named("Bob"), None)]);
        store.check().unwrap();
    }

    #[test]
    fn a_removed_contact_is_found_by_name_uid_and_number_and_comes_back_as_the_same() {
        let rig = Rig::new();
        let store = rig.store();
        let book = rig.book(&store);
        let (item, _) = book.add(&card("a", "Ada Example")).unwrap();
        let (living, _) = book.add(&card("b", "Bob Example")).unwrap();
        book.remove(item, None).unwrap();
        for text in ["ada example", "a", "#1"] {
            let found = book.find_past(text).unwrap();
            assert_eq!(found, [PastContact { item, name: "Ada Example".into(), removed: true }], "{text}");
        }
        assert_eq!(book.find_past("bob").unwrap()[0].item, living);
        assert_eq!(book.find_past("ada").unwrap(), [], "a part of a name is enough only while it is there");
        book.restore(item, &card("a", "Ada Example")).unwrap();
        assert_eq!(book.contact(item).unwrap().unwrap().row.uid, "a");
        assert_eq!(book.contact_count().unwrap(), 2);
        assert!(book.restore(ItemId(99), &card("c", "C")).is_err());
        store.check().unwrap();
    }
}
