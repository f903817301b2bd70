//! Contacts that an undo set back: held, so that no sync does at once what was just undone, until a person says which
//! side counts.
//!
//! An answer changes links, baselines and numbers so that the ordinary planner does what was answered at the next session;
//! nothing here decides anything about syncing, and only the PC's own contact is ever written.

use rusqlite::{Connection, OptionalExtension};

use super::Store;
use super::book::Book;
use super::cards::{self, CardRow};
use super::contacts::{self, ChangeStamp};
use super::error::{Fault, StoreError, from_integer, to_integer};
use super::phones::{self, RelationshipId};
use super::versions::Cause;
use crate::contact::Card;
use crate::ics::SyncState;
use crate::provider::{HeldPair, HoldChange, ItemId, SessionId};

/// What a person says about a contact that is held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The PC's side counts: what it holds, or that it does not hold the contact, goes to the phone.
    Pc,
    /// The phone's side counts: what it holds, or that it does not hold the contact, goes to the PC.
    Phone,
    /// The next sync decides as it did before the undo.
    Again,
}

/// A contact that is held.
#[derive(Debug, Clone)]
pub struct Hold {
    /// Its number.
    pub id: i64,
    /// The phone's name or label.
    pub phone_label: String,
    /// The book's name.
    pub book: String,
    /// The contact's display name.
    pub subject: String,
    /// The item on the PC, there or removed.
    pub pc_item: Option<ItemId>,
    /// What the PC held when it was set back; `None`: it was not there.
    pub pc: Option<Card>,
    /// What the phone held when it was set back; `None`: it was not there.
    pub phone: Option<Card>,
    /// The undo that holds it.
    pub session: SessionId,
    /// The session that was undone.
    pub undoes: Option<SessionId>,
}

impl Store {
    /// Everything that is held, of all phones and books, in the order of names.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn holds(&self) -> Result<Vec<Hold>, StoreError> {
        self.read_snapshot(|connection| {
            let mut select = connection.prepare_cached(HOLDS)?;
            let mut rows = select.query([])?;
            let mut holds = Vec::new();
            while let Some(row) = rows.next()? {
                holds.push(Hold {
                    id: row.get(0)?,
                    phone_label: row.get(1)?,
                    book: row.get(2)?,
                    subject: row.get(3)?,
                    pc_item: item(row.get(4)?)?,
                    pc: cards::get_optional(connection, row.get(5)?)?,
                    phone: cards::get_optional(connection, row.get(6)?)?,
                    session: SessionId(row.get(7)?),
                    undoes: row.get::<_, Option<i64>>(8)?.map(SessionId),
                });
            }
            Ok(holds)
        })
    }

    /// How many contacts are held.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn hold_count(&self) -> Result<usize, StoreError> {
        self.read(|connection| {
            super::book::count(connection.query_row("SELECT count(*) FROM holds", [], |row| row.get(0))?)
        })
    }

    /// Ends a hold with an answer, which takes effect at the next sync; only where the phone's absence counts, the PC's
    /// contact is removed at once, through its history. `book` is the hold's.
    ///
    /// # Errors
    /// [`StoreError::Refused`] if there is no such hold, or the answer cannot be carried out by a sync.
    pub fn lift_hold(&self, id: i64, answer: Answer, book: &Book<'_>) -> Result<(), StoreError> {
        let stamp = book.stamp(book.now_ms(), Cause::Resolve);
        self.write(|connection| {
            let held = Held::load(connection, id)?;
            held.answer(connection, answer, stamp)?;
            held.touch(connection)?;
            connection.prepare_cached("DELETE FROM holds WHERE id = ?1")?.execute([id])?;
            Ok(())
        })
    }
}

const HOLDS: &str = "SELECT h.id, coalesce(p.name, p.label), b.name, h.subject, h.pc_item, h.pc, h.phone, h.session,
    s.undoes FROM holds AS h JOIN relationships AS r ON r.id = h.relationship JOIN phones AS p ON p.id = r.phone
    JOIN books AS b ON b.id = r.book JOIN sessions AS s ON s.id = h.session ORDER BY h.subject, h.id";

/// The items that are held in a relationship.
pub(super) const PAIRS: &str = "SELECT pc_item, phone_item FROM holds WHERE relationship = ?1 ORDER BY id";

/// The items that are held in a relationship.
pub(super) fn pairs(connection: &Connection, relationship: RelationshipId) -> Result<Vec<HeldPair>, Fault> {
    let mut select = connection.prepare_cached(PAIRS)?;
    let mut rows = select.query([relationship.0])?;
    let mut pairs = Vec::new();
    while let Some(row) = rows.next()? {
        pairs.push(HeldPair { pc: item(row.get(0)?)?, phone: item(row.get(1)?)? });
    }
    Ok(pairs)
}

/// Sets or lifts a hold; either way what was held of these items before is held no longer.
pub(super) fn change(
    connection: &Connection,
    relationship: RelationshipId,
    session: SessionId,
    change: &HoldChange,
) -> Result<(), Fault> {
    let (HoldChange::Set { pair, .. } | HoldChange::Lift(pair)) = change;
    let (pc_item, phone_item) = (number(pair.pc)?, number(pair.phone)?);
    connection
        .prepare_cached("DELETE FROM holds WHERE relationship = ?1 AND pc_item = ?2")?
        .execute((relationship.0, pc_item))?;
    connection
        .prepare_cached("DELETE FROM holds WHERE relationship = ?1 AND phone_item = ?2")?
        .execute((relationship.0, phone_item))?;
    let HoldChange::Set { subject, pc, phone, .. } = change else { return Ok(()) };
    let (pc, phone) =
        (cards::put_known(connection, pc.as_ref())?, cards::put_known(connection, phone.as_ref())?);
    connection
        .prepare_cached(
            "INSERT INTO holds (relationship, pc_item, phone_item, subject, pc, phone, session)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute((relationship.0, pc_item, phone_item, subject, pc, phone, session.0))?;
    Ok(())
}

fn item(number: Option<i64>) -> Result<Option<ItemId>, Fault> {
    number.map(|number| Ok(ItemId(from_integer(number, "the number of an item")?))).transpose()
}

fn number(item: Option<ItemId>) -> Result<Option<i64>, Fault> {
    item.map(|item| to_integer(item.0)).transpose()
}

/// A hold with what stands behind it now.
struct Held {
    relationship: i64,
    book: i64,
    phone: i64,
    pc_item: Option<i64>,
    phone_item: Option<i64>,
    /// What each side held when it was set back.
    cards: (Option<CardRow>, Option<CardRow>),
    pc_is_there: bool,
    phone_is_there: bool,
    link: Option<i64>,
}

impl Held {
    fn load(connection: &Connection, id: i64) -> Result<Self, Fault> {
        let mut select = connection.prepare_cached(
            "SELECT h.relationship, r.book, r.phone, h.pc_item, h.phone_item, h.pc, h.phone,
                EXISTS (SELECT 1 FROM contacts WHERE book = r.book AND item = h.pc_item AND card IS NOT NULL),
                EXISTS (SELECT 1 FROM observed WHERE phone = r.phone AND item = h.phone_item AND deleted = 0),
                (SELECT id FROM links WHERE relationship = r.id AND (pc_item = h.pc_item OR phone_item = h.phone_item))
                FROM holds AS h JOIN relationships AS r ON r.id = h.relationship WHERE h.id = ?1",
        )?;
        let found = select.query_row([id], |row| {
            Ok(Self {
                relationship: row.get(0)?,
                book: row.get(1)?,
                phone: row.get(2)?,
                pc_item: row.get(3)?,
                phone_item: row.get(4)?,
                cards: (row.get(5)?, row.get(6)?),
                pc_is_there: row.get(7)?,
                phone_is_there: row.get(8)?,
                link: row.get(9)?,
            })
        });
        found.optional()?.ok_or_else(|| Fault::refused(format!("nothing is held under the number {id}")))
    }

    fn answer(&self, connection: &Connection, answer: Answer, stamp: ChangeStamp) -> Result<(), Fault> {
        match (answer, self.pc_is_there, self.phone_is_there) {
            (Answer::Again, ..) => Ok(()),
            // The side that counts is the one that differs from what both agreed on.
            (Answer::Pc, true, true) => self.agree_on(connection, self.cards.1),
            (Answer::Phone, true, true) => self.agree_on(connection, self.cards.0),
            // The other side gets it as something new.
            (Answer::Pc, true, false) | (Answer::Phone, false, true) | (_, false, false) => {
                self.part(connection)
            }
            (Answer::Phone, true, false) => {
                self.part(connection)?;
                let item = ItemId(from_integer(self.pc_item.unwrap_or(0), "the number of a contact")?);
                if let Some(standing) = contacts::standing(connection, self.book, item)? {
                    contacts::bury(connection, stamp, &standing)?;
                }
                Ok(())
            }
            (Answer::Pc, false, true) => {
                let Some(item) = self.pc_item else {
                    return Err(Fault::refused(
                        "this contact never was on the PC, so that nothing there says that it is to go; delete it on \
                         the phone",
                    ));
                };
                self.agree_on(connection, self.cards.1)?;
                self.give(connection, item)
            }
        }
    }

    /// Both sides are one contact, and last agreed on this card.
    fn agree_on(&self, connection: &Connection, card: Option<CardRow>) -> Result<(), Fault> {
        let (Some(card), Some(pc), Some(phone)) = (card, self.pc_item, self.phone_item) else {
            return Err(Fault::refused(
                "what this contact was when it was set back is not known; answer “again”, and sync decides",
            ));
        };
        match self.link {
            Some(link) => {
                let sql = "UPDATE links SET pc_item = ?2, phone_item = ?3, base_pc = ?4, base_phone = ?4 WHERE id = ?1";
                connection.prepare_cached(sql)?.execute((link, pc, phone, card))?;
                connection.prepare_cached("DELETE FROM conflicts WHERE link = ?1")?.execute([link])?;
            }
            None => {
                let sql = "INSERT INTO links (relationship, pc_item, phone_item, base_pc, base_phone)
                    VALUES (?1, ?2, ?3, ?4, ?4)";
                connection.prepare_cached(sql)?.execute((self.relationship, pc, phone, card))?;
                self.count_links(connection, 1)?;
            }
        }
        Ok(())
    }

    fn part(&self, connection: &Connection) -> Result<(), Fault> {
        let Some(link) = self.link else { return Ok(()) };
        connection.prepare_cached("DELETE FROM links WHERE id = ?1")?.execute([link])?;
        self.count_links(connection, -1)
    }

    fn count_links(&self, connection: &Connection, more: i64) -> Result<(), Fault> {
        connection
            .prepare_cached("UPDATE relationships SET link_count = link_count + ?2 WHERE id = ?1")?
            .execute((self.relationship, more))?;
        Ok(())
    }

    /// The phone counts as having the PC's item, so that its absence is told as a deletion.
    fn give(&self, connection: &Connection, item: i64) -> Result<(), Fault> {
        let sql = "SELECT s.state, b.guid FROM relationships AS r JOIN books AS b ON b.id = r.book
            LEFT JOIN states AS s ON s.relationship = r.id AND s.direction = 'pc-to-phone' WHERE r.id = ?1";
        let mut select = connection.prepare_cached(sql)?;
        let mut rows = select.query([self.relationship])?;
        let Some(row) = rows.next()? else { return Err(Fault::refused("the relationship is gone")) };
        let bytes: Option<Vec<u8>> = row.get(0)?;
        let replica = phones::guid(row.get_ref(1)?)?;
        let mut state = match bytes {
            None => SyncState::empty(),
            Some(bytes) => SyncState::from_bytes(&bytes)
                .map_err(|error| Fault::Damaged(format!("a sync state cannot be read: {error}")))?,
        };
        state.given.insert(replica, from_integer(item, "the number of a contact")?);
        connection
            .prepare_cached(
                "INSERT INTO states (relationship, direction, state) VALUES (?1, 'pc-to-phone', ?2)
                    ON CONFLICT (relationship, direction) DO UPDATE SET state = excluded.state",
            )?
            .execute((self.relationship, state.to_bytes()))?;
        Ok(())
    }

    /// Both items get new change numbers, so that the next session hears of them whatever it heard before.
    fn touch(&self, connection: &Connection) -> Result<(), Fault> {
        let sides = [
            ("contacts", "book", "books", self.book, self.pc_item),
            ("observed", "phone", "phones", self.phone, self.phone_item),
        ];
        for (items, owner, owners, row, item) in sides {
            let Some(item) = item else { continue };
            let touched = connection
                .prepare_cached(&format!(
                    "UPDATE {items} SET counter = (SELECT next_counter FROM {owners} WHERE id = ?1)
                        WHERE {owner} = ?1 AND item = ?2"
                ))?
                .execute((row, item))?;
            if touched > 0 {
                connection
                    .prepare_cached(&format!(
                        "UPDATE {owners} SET next_counter = next_counter + 1 WHERE id = ?1"
                    ))?
                    .execute([row])?;
            }
        }
        Ok(())
    }
}
