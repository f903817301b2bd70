//! The contacts of a book: add, edit, remove, list and find.
//!
//! Each change takes the book's next number in the same transaction. The card is kept byte for byte; what is
//! derived from it (names, addresses, numbers) only serves listing, finding and the views. A card without UID gets
//! one in its column only, unless a person edits it.

use rusqlite::{Connection, OptionalExtension, Row};
use sha2::Digest;
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

use super::book::{Book, within_limit};
use super::cards::{self, CardRow};
use super::error::{Fault, StoreError, from_integer, to_integer};
use super::versions::{self, Cause};
use crate::contact::Card;
use crate::ics::{ChangeNumber, Guid};
use crate::provider::{ItemId, Revision, SessionId};

/// A contact as `list` shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct ContactRow {
    /// Its number in the book.
    pub item: ItemId,
    /// The UID of its card, or the one that was minted for it.
    pub uid: String,
    /// The display name.
    pub name: String,
    /// The organization.
    pub org: Option<String>,
    /// The primary e-mail address.
    pub email: Option<String>,
    /// The primary telephone number.
    pub tel: Option<String>,
    /// When it was last changed here, in milliseconds since 1970.
    pub modified_ms: i64,
}

impl std::fmt::Debug for ContactRow {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "ContactRow({})", self.item)
    }
}

/// A contact with its card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// What `list` shows.
    pub row: ContactRow,
    /// The card, exactly as it came.
    pub card: Card,
    /// Its revision; an edit names it, so that it cannot overwrite a later one.
    pub revision: Revision,
}

/// Where a contact stands in its table.
pub(super) struct Standing {
    pub(super) row: i64,
    pub(super) item: ItemId,
    pub(super) counter: u64,
    pub(super) card: Option<CardRow>,
    uid: Option<String>,
}

const LISTED: &str = "SELECT c.item, c.uid, c.fn, c.org,
    (SELECT email FROM emails WHERE contact = c.id AND position = 0),
    (SELECT number FROM numbers WHERE contact = c.id AND position = 0),
    c.modified_ms, c.card FROM contacts AS c";

/// The contacts with a UID. The plus signs keep SQLite from walking the whole book in the order of its items
/// instead of looking the UID up.
pub(super) fn by_uid() -> String {
    format!("{LISTED} WHERE c.uid = ?2 AND +c.book = ?1 AND c.card IS NOT NULL ORDER BY +c.item")
}

impl Book<'_> {
    /// Adds a contact.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if the card is too large; others if it cannot be written.
    pub fn add(&self, card: &Card) -> Result<(ItemId, ChangeNumber), StoreError> {
        within_limit(card)?;
        let now_ms = self.now_ms();
        let counter =
            self.store().write(|connection| insert(connection, self.stamp(now_ms, Cause::Add), card))?;
        Ok((ItemId(counter), self.number(counter)))
    }

    /// Replaces a contact's card. A card without UID gets the contact's. `expected` is the revision that was
    /// edited; without it the last one counts. Equal content is no change and takes no number.
    ///
    /// # Errors
    /// [`StoreError::NoSuchContact`]; [`StoreError::Stale`] if the contact is not at `expected` any more.
    pub fn edit(
        &self,
        item: ItemId,
        expected: Option<Revision>,
        card: &Card,
    ) -> Result<ChangeNumber, StoreError> {
        let now_ms = self.now_ms();
        let counter = self.store().write(|connection| {
            let standing = self.living(connection, item, expected)?;
            let with_uid = match (card.uid(), &standing.uid) {
                (None, Some(uid)) => card.with_uid(uid),
                _ => card.clone(),
            };
            within_limit(&with_uid)?;
            update(connection, self.stamp(now_ms, Cause::Edit), &standing, &with_uid)
        })?;
        Ok(self.number(counter))
    }

    /// Removes a contact; a tombstone stays.
    ///
    /// # Errors
    /// As for [`Self::edit`].
    pub fn remove(&self, item: ItemId, expected: Option<Revision>) -> Result<ChangeNumber, StoreError> {
        let now_ms = self.now_ms();
        let counter = self.store().write(|connection| {
            let standing = self.living(connection, item, expected)?;
            bury(connection, self.stamp(now_ms, Cause::Remove), &standing)
        })?;
        Ok(self.number(counter))
    }

    /// All contacts by name, regardless of case and accents.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn list(&self) -> Result<Vec<ContactRow>, StoreError> {
        let sql = format!("{LISTED} WHERE c.book = ?1 AND c.card IS NOT NULL");
        let mut found = self.rows(&sql, [self.row()])?;
        found.sort_by_cached_key(|contact| (folded(&contact.name), contact.item));
        Ok(found)
    }

    /// The contact with this number, with its card.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn contact(&self, item: ItemId) -> Result<Option<Contact>, StoreError> {
        self.store().read_snapshot(|connection| {
            let sql = format!("{LISTED} WHERE c.book = ?1 AND c.item = ?2 AND c.card IS NOT NULL");
            let mut find = connection.prepare_cached(&sql)?;
            let found = find
                .query_row((self.row(), to_integer(item.0)?), |row| Ok((listed(row)?, row.get(7)?)))
                .optional()?;
            let Some((row, card)): Option<(ContactRow, CardRow)> = found else { return Ok(None) };
            let revision = cards::revision(connection, card)?;
            Ok(Some(Contact { row, card: cards::get(connection, card)?, revision }))
        })
    }

    /// The contacts with this UID: one as a rule, but nothing stops a phone from using a UID twice.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn find_by_uid(&self, uid: &str) -> Result<Vec<ContactRow>, StoreError> {
        self.rows(&by_uid(), (self.row(), uid))
    }

    /// The contacts with this name, regardless of case and accents.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn find_by_name(&self, name: &str) -> Result<Vec<ContactRow>, StoreError> {
        let name = folded(name);
        let mut found = self.list()?;
        found.retain(|contact| folded(&contact.name) == name);
        Ok(found)
    }

    /// The contacts of which a word of the name, or the primary e-mail address, begins with `prefix`, regardless
    /// of case and accents.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn find_by_prefix(&self, prefix: &str) -> Result<Vec<ContactRow>, StoreError> {
        let prefix = folded(prefix);
        let begins = |text: &str| {
            let text = folded(text);
            let mut words = text.match_indices(' ').map(|(space, _)| space + 1);
            text.starts_with(&prefix)
                || words.any(|start| text.get(start..).is_some_and(|rest| rest.starts_with(&prefix)))
        };
        let mut found = self.list()?;
        found.retain(|contact| begins(&contact.name) || contact.email.as_deref().is_some_and(begins));
        Ok(found)
    }

    /// What a person means by `text`, the surest reading that finds something: `#` and the contact's number, a UID,
    /// a whole name, or the beginning of a word of a name.
    ///
    /// # Errors
    /// When the contacts cannot be read.
    pub fn find(&self, text: &str) -> Result<Vec<ContactRow>, StoreError> {
        if let Some(item) = text.strip_prefix('#').and_then(|number| number.parse().ok()) {
            return Ok(self.contact(ItemId(item))?.map(|contact| contact.row).into_iter().collect());
        }
        let readings = [Self::find_by_uid, Self::find_by_name, Self::find_by_prefix];
        for reading in readings {
            let found = reading(self, text)?;
            if !found.is_empty() {
                return Ok(found);
            }
        }
        Ok(Vec::new())
    }

    /// Hands out every contact's number, UID and card in the order of their numbers, one at a time.
    ///
    /// # Errors
    /// When they cannot be read; what was handed out before stays handed out.
    pub fn each_card(&self, mut visit: impl FnMut(ItemId, &str, Card)) -> Result<(), StoreError> {
        self.store().read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT c.item, c.uid, k.bytes FROM contacts AS c JOIN cards AS k ON k.id = c.card
                    WHERE c.book = ?1 ORDER BY c.item",
            )?;
            let mut rows = select.query([self.row()])?;
            while let Some(row) = rows.next()? {
                let item = from_integer(row.get(0)?, "the number of a contact")?;
                let bytes = row.get_ref(2)?.as_blob().map_err(rusqlite::Error::from)?;
                let card = Card::parse(bytes)
                    .map_err(|error| Fault::Damaged(format!("contact #{item} cannot be read: {error}")))?;
                visit(ItemId(item), &row.get::<_, String>(1)?, card);
            }
            Ok(())
        })
    }

    /// The living contact, at the revision that is expected.
    fn living(
        &self,
        connection: &Connection,
        item: ItemId,
        expected: Option<Revision>,
    ) -> Result<Standing, Fault> {
        let standing = standing(connection, self.row(), item)?;
        let alive = standing.and_then(|standing| standing.card.map(|card| (standing, card)));
        let Some((standing, card)) = alive else { return Err(StoreError::NoSuchContact(item).into()) };
        match expected {
            Some(expected) if cards::revision(connection, card)? != expected => {
                Err(StoreError::Stale(item).into())
            }
            _ => Ok(standing),
        }
    }

    fn rows(&self, sql: &str, parameters: impl rusqlite::Params) -> Result<Vec<ContactRow>, StoreError> {
        self.store().read(|connection| {
            let mut select = connection.prepare_cached(sql)?;
            let found = select.query_map(parameters, listed)?.collect::<Result<_, _>>()?;
            Ok(found)
        })
    }
}

/// In which book, when and why a change is made.
#[derive(Clone, Copy)]
pub(super) struct ChangeStamp {
    pub(super) book: i64,
    pub(super) guid: Guid,
    pub(super) now_ms: i64,
    pub(super) cause: Cause,
    pub(super) session: Option<SessionId>,
}

fn listed(row: &Row<'_>) -> rusqlite::Result<ContactRow> {
    Ok(ContactRow {
        item: ItemId(row.get::<_, i64>(0)?.cast_unsigned()),
        uid: row.get(1)?,
        name: row.get(2)?,
        org: row.get(3)?,
        email: row.get(4)?,
        tel: row.get(5)?,
        modified_ms: row.get(6)?,
    })
}

/// Finds a contact or its tombstone.
pub(super) fn standing(connection: &Connection, book: i64, item: ItemId) -> Result<Option<Standing>, Fault> {
    // No number above the limit of SQLite's integers was ever given out.
    let Ok(number) = i64::try_from(item.0) else { return Ok(None) };
    let mut find = connection
        .prepare_cached("SELECT id, counter, card, uid FROM contacts WHERE book = ?1 AND item = ?2")?;
    let found = find
        .query_row((book, number), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)))
        .optional()?;
    let Some((row, counter, card, uid)) = found else { return Ok(None) };
    Ok(Some(Standing { row, item, counter: from_integer(counter, "a change number")?, card, uid }))
}

/// Adds a contact and returns its number, which is that of its first change too.
pub(super) fn insert(connection: &Connection, stamp: ChangeStamp, card: &Card) -> Result<u64, Fault> {
    let counter = take_counter(connection, stamp.book, 1)?;
    let revision = Revision::of(card.as_bytes());
    let card_row = cards::put_revised(connection, card, revision)?;
    let derived = Derived::of(card);
    let minted = || minted_uid(stamp.guid, counter, revision);
    connection
        .prepare_cached(
            "INSERT INTO contacts (book, item, counter, modified_ms, card, uid, fn, given, family, org, title, bday,
                note, groups) VALUES (?1, ?2, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)",
        )?
        .execute((
            stamp.book,
            to_integer(counter)?,
            stamp.now_ms,
            card_row,
            derived.uid.clone().unwrap_or_else(minted),
            &derived.name,
            &derived.given,
            &derived.family,
            &derived.org,
            &derived.title,
            &derived.bday,
            &derived.note,
            &derived.groups,
        ))?;
    insert_derived(connection, connection.last_insert_rowid(), &derived)?;
    versions::record_first(connection, stamp, ItemId(counter), card_row)?;
    Ok(counter)
}

/// Gives a living contact new content and returns the number of its last change.
pub(super) fn update(
    connection: &Connection,
    stamp: ChangeStamp,
    standing: &Standing,
    card: &Card,
) -> Result<u64, Fault> {
    let card_row = cards::put(connection, card)?;
    if standing.card == Some(card_row) {
        return Ok(standing.counter);
    }
    let counter = take_counter(connection, stamp.book, 0)?;
    let derived = Derived::of(card);
    connection
        .prepare_cached(
            "UPDATE contacts SET counter = ?2, modified_ms = ?3, card = ?4, uid = coalesce(?5, uid), fn = ?6,
                given = ?7, family = ?8, org = ?9, title = ?10, bday = ?11, note = ?12, groups = ?13 WHERE id = ?1",
        )?
        .execute((
            standing.row,
            to_integer(counter)?,
            stamp.now_ms,
            card_row,
            &derived.uid,
            &derived.name,
            &derived.given,
            &derived.family,
            &derived.org,
            &derived.title,
            &derived.bday,
            &derived.note,
            &derived.groups,
        ))?;
    delete_derived(connection, standing.row)?;
    insert_derived(connection, standing.row, &derived)?;
    versions::record(connection, stamp, standing.item, Some(card_row))?;
    Ok(counter)
}

/// Brings a removed contact back under its number, with this content, and returns the number of that change.
pub(super) fn revive(
    connection: &Connection,
    stamp: ChangeStamp,
    standing: &Standing,
    card: &Card,
) -> Result<u64, Fault> {
    let revision = Revision::of(card.as_bytes());
    // The columns are filled in by the update; a contact must have these two, and a UID of its own if its card has none.
    let uid = minted_uid(stamp.guid, standing.item.0, revision);
    let card_row = cards::put_revised(connection, card, revision)?;
    connection
        .prepare_cached("UPDATE contacts SET card = ?2, uid = ?3, fn = '' WHERE id = ?1")?
        .execute((standing.row, card_row, uid))?;
    connection
        .prepare_cached("UPDATE books SET contact_count = contact_count + 1 WHERE id = ?1")?
        .execute([stamp.book])?;
    update(connection, stamp, standing, card)
}

/// Gives a living contact's content the next number, so that every other side hears of it again.
pub(super) fn renumber(
    connection: &Connection,
    stamp: ChangeStamp,
    standing: &Standing,
) -> Result<u64, Fault> {
    let counter = take_counter(connection, stamp.book, 0)?;
    connection
        .prepare_cached("UPDATE contacts SET counter = ?2 WHERE id = ?1")?
        .execute((standing.row, to_integer(counter)?))?;
    Ok(counter)
}

/// Makes a tombstone of a living contact and returns the number of that change.
pub(super) fn bury(connection: &Connection, stamp: ChangeStamp, standing: &Standing) -> Result<u64, Fault> {
    let counter = take_counter(connection, stamp.book, -1)?;
    connection
        .prepare_cached(
            "UPDATE contacts SET counter = ?2, modified_ms = ?3, card = NULL, uid = NULL, fn = NULL, given = NULL,
                family = NULL, org = NULL, title = NULL, bday = NULL, note = NULL, groups = NULL WHERE id = ?1",
        )?
        .execute((standing.row, to_integer(counter)?, stamp.now_ms))?;
    delete_derived(connection, standing.row)?;
    versions::record(connection, stamp, standing.item, None)?;
    Ok(counter)
}

/// Takes the next number of a book, and counts its contacts.
fn take_counter(connection: &Connection, book: i64, contacts_more: i64) -> Result<u64, Fault> {
    let mut take = connection.prepare_cached(
        "UPDATE books SET next_counter = next_counter + 1, contact_count = contact_count + ?2 WHERE id = ?1
            RETURNING next_counter - 1",
    )?;
    let taken = take.query_row((book, contacts_more), |row| row.get(0)).optional()?;
    let counter = taken.ok_or_else(|| Fault::refused("the book is not in the database"))?;
    from_integer(counter, "the next number of a book")
}

/// What the columns hold of a card.
struct Derived {
    uid: Option<String>,
    name: String,
    given: Option<String>,
    family: Option<String>,
    org: Option<String>,
    title: Option<String>,
    bday: Option<String>,
    note: Option<String>,
    groups: Option<String>,
    emails: Vec<(String, String)>,
    numbers: Vec<(String, String, String)>,
}

impl Derived {
    fn of(card: &Card) -> Self {
        let summary = card.summary();
        let groups = Some(&summary.categories).filter(|categories| !categories.is_empty());
        Self {
            uid: card.uid().filter(|uid| !uid.is_empty()),
            // The display name of most cards is their FN, which is at hand.
            name: one_line(summary.formatted_name.as_deref()).unwrap_or_else(|| card.display_name()),
            groups: groups.map(|categories| serde_json::Value::from(categories.clone()).to_string()),
            given: summary.given,
            family: summary.family,
            org: summary.org,
            title: summary.title,
            bday: summary.bday,
            note: summary.note,
            emails: summary.emails,
            numbers: summary.tels,
        }
    }
}

fn one_line(text: Option<&str>) -> Option<String> {
    let line = text?.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(line).filter(|line| !line.is_empty())
}

fn insert_derived(connection: &Connection, row: i64, derived: &Derived) -> Result<(), Fault> {
    if !derived.emails.is_empty() {
        let mut insert = connection
            .prepare_cached("INSERT INTO emails (contact, position, email, types) VALUES (?1, ?2, ?3, ?4)")?;
        for ((email, types), position) in derived.emails.iter().zip(0_i64..) {
            insert.execute((row, position, email, types))?;
        }
    }
    if !derived.numbers.is_empty() {
        let mut insert = connection.prepare_cached(
            "INSERT INTO numbers (contact, position, number, digits, types) VALUES (?1, ?2, ?3, ?4, ?5)",
        )?;
        for ((number, digits, types), position) in derived.numbers.iter().zip(0_i64..) {
            insert.execute((row, position, number, digits, types))?;
        }
    }
    Ok(())
}

fn delete_derived(connection: &Connection, row: i64) -> Result<(), Fault> {
    connection.prepare_cached("DELETE FROM emails WHERE contact = ?1")?.execute([row])?;
    connection.prepare_cached("DELETE FROM numbers WHERE contact = ?1")?.execute([row])?;
    Ok(())
}

/// A UID for a card without one: a UUID of version 8 (RFC 9562 5.8) over book, number and content. Content is part
/// of it because a book that was restored from a backup gives its numbers out a second time, to other contacts.
fn minted_uid(book: Guid, item: u64, revision: Revision) -> String {
    let mut hash = sha2::Sha256::new();
    hash.update(book.to_string());
    hash.update(item.to_be_bytes());
    hash.update(revision.0);
    let digest: [u8; 32] = hash.finalize().into();
    let (bytes, _) = digest.split_first_chunk::<16>().unwrap_or((&[0; 16], &[]));
    format!("urn:uuid:{}", uuid::Builder::from_custom_bytes(*bytes).into_uuid())
}

/// Text for comparing as people do: compatibility forms, case and accents do not count, white space is one space.
pub(super) fn folded(text: &str) -> String {
    let letters: String = text.nfkd().filter(|letter| !is_combining_mark(*letter)).collect();
    letters.to_lowercase().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Clock;
    use crate::store::testing::{Rig, card, card_of};

    fn names(found: &[ContactRow]) -> Vec<&str> {
        found.iter().map(|contact| contact.name.as_str()).collect()
    }

    #[test]
    fn finding_forgives_case_and_accents_and_takes_the_surest_reading() {
        let rig = Rig::new();
        let store = rig.store();
        let book = rig.book(&store);
        let other = Book::open(&store, "work", &rig.clock, &rig.randomness).unwrap();
        other.add(&card("ada", "Ada Elsewhere")).unwrap();
        for (uid, name) in [("ada", "Ada Example"), ("x", "zoe Ärger"), ("y", "Ärger"), ("z", "bob Example")]
        {
            book.add(&card_of(&[
                &format!("UID:{uid}"),
                &format!("FN:{name}"),
                &format!("EMAIL:{uid}@example.org"),
            ]))
            .unwrap();
        }
        assert_eq!(names(&book.list().unwrap()), ["Ada Example", "Ärger", "bob Example", "zoe Ärger"]);
        assert_eq!(names(&book.find("ada").unwrap()), ["Ada Example"]);
        assert_eq!(names(&book.find("arger").unwrap()), ["Ärger"]);
        assert_eq!(names(&book.find("  BOB   example ").unwrap()), ["bob Example"]);
        assert_eq!(names(&book.find("arg").unwrap()), ["Ärger", "zoe Ärger"]);
        assert_eq!(names(&book.find("EXAM").unwrap()), ["Ada Example", "bob Example"]);
        assert_eq!(names(&book.find("z@").unwrap()), ["bob Example"]);
        assert_eq!(names(&book.find("#2").unwrap()), ["zoe Ärger"]);
        for nobody in ["xample", "#9", "#", "nobody"] {
            assert_eq!(names(&book.find(nobody).unwrap()), [""; 0], "{nobody}");
        }
    }

    #[test]
    fn a_card_without_uid_keeps_its_bytes_until_a_person_edits_it() {
        let rig = Rig::new();
        let store = rig.store();
        let book = rig.book(&store);
        let bare = card_of(&["FN:Ada Example"]);
        let (item, _) = book.add(&bare).unwrap();
        let (twin, _) = book.add(&bare).unwrap();
        let contact = book.contact(item).unwrap().unwrap();
        assert!(contact.card == bare);
        let uid = contact.row.uid.clone();
        let id: uuid::Uuid = uid.strip_prefix("urn:uuid:").unwrap().parse().unwrap();
        assert_eq!((id.get_version_num(), id.get_variant()), (8, uuid::Variant::RFC4122));
        assert_ne!(book.uid_of(twin).unwrap().as_ref(), Some(&uid), "equal cards are two contacts");
        book.edit(item, Some(contact.revision), &card_of(&["FN:Ada Changed"])).unwrap();
        let edited = book.contact(item).unwrap().unwrap();
        assert_eq!((edited.card.uid().as_ref(), &edited.row.uid), (Some(&uid), &uid));
        book.edit(item, None, &card("own", "Ada Changed")).unwrap();
        assert_eq!(book.uid_of(item).unwrap().as_deref(), Some("own"));
    }

    #[test]
    fn an_edit_of_what_changed_meanwhile_is_refused_and_costs_no_number() {
        let rig = Rig::new();
        let store = rig.store();
        let book = rig.book(&store);
        let (item, _) = book.add(&card("a", "Ada Example")).unwrap();
        let seen = book.contact(item).unwrap().unwrap().revision;
        rig.clock.advance_ms(1_000);
        let number = book.edit(item, Some(seen), &card("a", "Ada Changed")).unwrap();
        assert_eq!(book.contact(item).unwrap().unwrap().row.modified_ms, Clock::now_ms(&rig.clock));
        let again = book.edit(item, Some(seen), &card("a", "Ada Lost")).unwrap_err();
        assert_eq!(again, StoreError::Stale(item));
        assert_eq!(book.remove(item, Some(seen)).unwrap_err(), StoreError::Stale(item));
        assert_eq!(book.edit(item, None, &card("a", "Ada Changed")).unwrap(), number, "nothing to change");
        assert_eq!(book.next_counter().unwrap(), number.counter + 1);
        book.remove(item, None).unwrap();
        let gone = StoreError::NoSuchContact(item);
        assert_eq!(book.remove(item, None).unwrap_err(), gone);
        assert_eq!(book.edit(item, None, &card("a", "Ada Back")).unwrap_err(), gone);
        assert_eq!(
            book.edit(ItemId(u64::MAX), None, &card("a", "A")).unwrap_err(),
            StoreError::NoSuchContact(ItemId(u64::MAX))
        );
        assert!(book.contact(item).unwrap().is_none());
    }

    #[test]
    fn every_card_is_handed_out_as_it_came() {
        let rig = Rig::new();
        let store = rig.store();
        let book = rig.book(&store);
        let cards = [card("b", "Bob Example"), card("a", "Ada Example")];
        for card in &cards {
            book.add(card).unwrap();
        }
        let mut seen = Vec::new();
        book.each_card(|item, uid, card| seen.push((item.0, uid.to_owned(), card))).unwrap();
        let [bob, ada] = cards;
        assert!(seen == [(1, "b".to_owned(), bob), (2, "a".to_owned(), ada)]);
    }

    #[test]
    fn nothing_of_a_contact_shows_in_debug_output() {
        let rig = Rig::new();
        let store = rig.store();
        let book = rig.book(&store);
        let (item, _) = book.add(&card("secret-uid", "Ada Example")).unwrap();
        let shown = format!("{:?} {:?} {book:?}", book.contact(item).unwrap(), book.list().unwrap());
        assert!(!shown.contains("Ada") && !shown.contains("secret"), "{shown}");
    }
}
