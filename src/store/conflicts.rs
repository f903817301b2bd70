//! Open conflicts as stored things: the fields that wait, both sides' whole cards, and what a person's answer makes of
//! them, with no phone at hand.
//!
//! Keeps and answers; what an answer does to the cards is decided elsewhere. A contact's own change is made in the
//! same batch by whoever calls, so that a power cut leaves the conflict as it was or settled as a whole.

use rusqlite::{Connection, OptionalExtension};

use super::cards::{self, CardRow};
use super::contacts;
use super::error::Fault;
use super::ledger::RelationshipLedger;
use super::phones::RelationshipId;
use super::versions::Cause;
use super::{Book, Store, StoreError, book};
use crate::contact::Baseline;
use crate::ics::ChangeNumber;
use crate::provider::{ConflictSides, ItemId, Ledger, LedgerError, Link, LinkId, OpenConflict};

/// A pair with open conflicts.
#[derive(Debug, Clone)]
pub struct Conflicted {
    /// The pair, with what both sides held when they last agreed.
    pub link: Link,
    /// Both sides as they were when it was told; `None` if an earlier version did not keep them.
    pub sides: Option<ConflictSides>,
    /// The fields that wait, in the order in which they are told.
    pub conflicts: Vec<OpenConflict>,
}

/// What waits for a person besides conflicts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct AlsoWaiting {
    /// Contacts that an undo set back.
    pub held: usize,
    /// Pairs of contacts that may be one person.
    pub asked: usize,
}

impl Store {
    /// What waits for a person besides conflicts, with all phones.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn also_waiting(&self) -> Result<AlsoWaiting, StoreError> {
        self.read(|connection| {
            let count =
                |sql: &str| book::count(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?);
            Ok(AlsoWaiting {
                held: count("SELECT count(*) FROM holds")?,
                asked: count("SELECT count(*) FROM asked_pairs")?,
            })
        })
    }
}

impl RelationshipLedger<'_> {
    /// The pairs with open conflicts, by their number.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn conflicted(&self) -> Result<Vec<Conflicted>, LedgerError> {
        let mut found: Vec<Conflicted> = Vec::new();
        for conflict in self.open_conflicts()? {
            match found.last_mut().filter(|last| last.link.id == conflict.link) {
                Some(last) => last.conflicts.push(conflict),
                None => {
                    let link = self.link(conflict.link)?;
                    let link = link.ok_or_else(|| {
                        LedgerError::Damaged(String::from("a conflict is of a pair that is not there"))
                    })?;
                    let sides = self.conflict_sides(link.id)?;
                    found.push(Conflicted { link, sides, conflicts: vec![conflict] });
                }
            }
        }
        Ok(found)
    }

    /// Takes an answer: the pair's baseline as it is now, and the conflicts that stay open. The PC's card of those is
    /// the one in `sides`. Takes part in the open batch, if any.
    ///
    /// # Errors
    /// When it cannot be written, or the pair is not there any more.
    pub fn settle(
        &self,
        link: &Link,
        baseline: &Baseline,
        sides: &ConflictSides,
        open: &[OpenConflict],
    ) -> Result<(), StoreError> {
        self.store.write(|connection| {
            self.renew_link(connection, link.id, link.pc, link.phone, Some(baseline))?;
            replace(connection, link.id, open, Some(sides))
        })
    }
}

impl Book<'_> {
    /// Gives a contact's content the next number, so that it counts as changed wherever it is synced: a person decided
    /// that it is right as it is.
    ///
    /// # Errors
    /// [`StoreError::NoSuchContact`], or when it cannot be written.
    pub fn affirm(&self, item: ItemId) -> Result<ChangeNumber, StoreError> {
        let now_ms = self.now_ms();
        let counter = self.store().write(|connection| {
            let standing = contacts::standing(connection, self.row(), item)?;
            let Some(standing) = standing.filter(|standing| standing.card.is_some()) else {
                return Err(StoreError::NoSuchContact(item).into());
            };
            contacts::renumber(connection, self.stamp(now_ms, Cause::Resolve), &standing)
        })?;
        Ok(self.number(counter))
    }
}

/// Replaces the open conflicts of a link, and what is kept of its two sides. Without conflicts nothing is kept; a
/// moment that was noted before stays.
pub(super) fn replace(
    connection: &Connection,
    link: LinkId,
    conflicts: &[OpenConflict],
    sides: Option<&ConflictSides>,
) -> Result<(), Fault> {
    connection.prepare_cached("DELETE FROM conflicts WHERE link = ?1")?.execute([link.0])?;
    if conflicts.is_empty() {
        connection.prepare_cached("DELETE FROM conflict_sides WHERE link = ?1")?.execute([link.0])?;
        return Ok(());
    }
    let mut insert = connection.prepare_cached(
        "INSERT INTO conflicts (link, position, subject, field, base, pc, phone)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    for (conflict, position) in conflicts.iter().zip(0_i64..) {
        let OpenConflict { subject, field, base, pc, phone, .. } = conflict;
        insert.execute((link.0, position, subject, field, base, pc, phone))?;
    }
    let Some(sides) = sides else { return Ok(()) };
    let (pc, phone) = (cards::put(connection, &sides.pc)?, cards::put(connection, &sides.phone)?);
    connection
        .prepare_cached(
            "INSERT INTO conflict_sides (link, since_ms, pc, phone) VALUES (?1, ?2, ?3, ?4)
                ON CONFLICT (link) DO UPDATE SET pc = excluded.pc, phone = excluded.phone",
        )?
        .execute((link.0, sides.since_ms, pc, phone))?;
    Ok(())
}

/// What is kept of the two sides of a link of this relationship.
pub(super) fn sides(
    connection: &Connection,
    relationship: RelationshipId,
    link: LinkId,
) -> Result<Option<ConflictSides>, Fault> {
    let found: Option<(i64, CardRow, CardRow)> = connection
        .prepare_cached(
            "SELECT s.since_ms, s.pc, s.phone FROM conflict_sides AS s JOIN links AS l ON l.id = s.link
                WHERE s.link = ?1 AND l.relationship = ?2",
        )?
        .query_row((link.0, relationship.0), |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .optional()?;
    let Some((since_ms, pc, phone)) = found else { return Ok(None) };
    Ok(Some(ConflictSides {
        since_ms,
        pc: cards::get(connection, pc)?,
        phone: cards::get(connection, phone)?,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Confirmation;
    use crate::store::testing::{Rig, card, sighting};

    fn conflict(link: LinkId, field: &str) -> OpenConflict {
        let value = |text: &str| Some(text.to_owned());
        OpenConflict {
            link,
            subject: "Ada Example".into(),
            field: field.into(),
            base: value("a"),
            pc: value("b"),
            phone: value("c"),
        }
    }

    fn told(ledger: &RelationshipLedger<'_>, at_ms: i64, fields: &[&str]) -> LinkId {
        let session = ledger.open_session(at_ms).unwrap();
        let known = ledger.link_of_pc(ItemId(1)).unwrap().map(|link| link.id);
        let base = Baseline { pc: card("a", "Ada"), phone: card("a", "Ada") };
        let fact = Confirmation {
            link: Some((known, ItemId(1), ItemId(11), Some(base))),
            conflicts: Some(fields.iter().map(|field| conflict(known.unwrap_or(LinkId(0)), field)).collect()),
            sides: Some(ConflictSides {
                since_ms: at_ms,
                pc: card("a", &format!("PC {at_ms}")),
                phone: card("a", &format!("Phone {at_ms}")),
            }),
            ..Confirmation::default()
        };
        ledger.confirm(session, &[fact]).unwrap().links[0].unwrap()
    }

    #[test]
    fn both_sides_are_kept_from_the_first_telling_until_nothing_waits() {
        let rig = Rig::new();
        let store = rig.store();
        let ledger = rig.ledger(&store, &rig.book(&store));
        let link = told(&ledger, 1_000, &["note", "title"]);
        assert_eq!(told(&ledger, 2_000, &["title"]), link);
        let all = ledger.conflicted().unwrap();
        assert_eq!((all.len(), all[0].conflicts.len(), all[0].link.id), (1, 1, link));
        let sides = all[0].sides.clone().unwrap();
        assert_eq!((sides.since_ms, sides.pc.display_name()), (1_000, "PC 2000".to_owned()));
        assert_eq!(sides.phone.display_name(), "Phone 2000");
        store.check().unwrap();
        // Another relationship sees and settles none of it.
        let phone = store.see_phone(&sighting(2), 0).unwrap();
        let other = store.relate(phone, &rig.book(&store), "two-way", "{}").unwrap();
        let other = RelationshipLedger::new(&store, other);
        assert!(other.conflicted().unwrap().is_empty() && other.conflict_sides(link).unwrap().is_none());
        let base = all[0].link.base.clone().unwrap();
        assert!(other.settle(&all[0].link, &base, &sides, &[]).is_err());
        told(&ledger, 3_000, &[]);
        assert!(ledger.conflicted().unwrap().is_empty());
        assert!(ledger.conflict_sides(link).unwrap().is_none());
        assert_eq!(told(&ledger, 4_000, &["title"]), link);
        assert_eq!(ledger.conflict_sides(link).unwrap().unwrap().since_ms, 4_000);
    }

    #[test]
    fn an_answer_is_kept_as_a_whole_or_not_at_all() {
        let rig = Rig::new();
        let item = {
            let store = rig.store();
            let book = rig.book(&store);
            let (item, _) = book.add(&card("a", "Ada")).unwrap();
            assert_eq!(item, ItemId(1));
            told(&rig.ledger(&store, &book), 1_000, &["note", "title"]);
            item
        };
        let answer = |commit: bool| {
            let store = rig.store();
            let (book, ledger) = (rig.book(&store), rig.ledger(&store, &rig.book(&store)));
            let waiting = ledger.conflicted().unwrap().remove(0);
            let base = Baseline { pc: card("a", "Agreed"), phone: card("a", "Agreed") };
            store.begin().unwrap();
            let number = book.affirm(item).unwrap();
            book.edit(item, None, &card("a", "Decided")).unwrap();
            let open = [conflict(waiting.link.id, "title")];
            ledger.settle(&waiting.link, &base, &waiting.sides.unwrap(), &open).unwrap();
            if commit {
                store.commit().unwrap();
            }
            number
        };
        // A power cut before the end.
        answer(false);
        let state = |fields: usize, name: &str, base: &str| {
            let store = rig.store();
            let (book, ledger) = (rig.book(&store), rig.ledger(&store, &rig.book(&store)));
            let waiting = ledger.conflicted().unwrap().remove(0);
            assert_eq!(waiting.conflicts.len(), fields);
            assert_eq!(book.display_name(item).unwrap().as_deref(), Some(name));
            assert_eq!(waiting.link.base.unwrap().phone.display_name(), base);
            assert_eq!(waiting.sides.unwrap().since_ms, 1_000);
        };
        state(2, "Ada", "Ada");
        let number = answer(true);
        state(1, "Decided", "Agreed");
        let store = rig.store();
        assert!(number.counter > item.0, "{number:?}");
        assert!(rig.book(&store).affirm(ItemId(9)).is_err());
        store.check().unwrap();
    }
}
