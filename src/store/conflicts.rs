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
