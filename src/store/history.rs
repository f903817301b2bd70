//! The history: sessions and what each of their actions did, with the content that was replaced.
//!
//! Contents are kept as references to `cards`.

use rusqlite::{Connection, OptionalExtension, Row};

use super::cards::{self, CardRow};
use super::error::{Fault, StoreError, from_integer, to_integer};
use super::phones::{KnownPhone, RelationshipId};
use super::{Store, versions};
use crate::contact::Baseline;
use crate::provider::{ActionRow, ItemId, LinkId, SessionId, SessionSummaryRow};

impl Store {
    /// The last `limit` sessions, the latest first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn sessions(&self, limit: usize) -> Result<Vec<SessionSummaryRow>, StoreError> {
        self.sessions_where(
            &format!("{SESSION} ORDER BY s.id DESC LIMIT ?1"),
            i64::try_from(limit).unwrap_or(i64::MAX),
        )
    }

    /// One session.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn session(&self, id: SessionId) -> Result<Option<SessionSummaryRow>, StoreError> {
        Ok(self.sessions_where(&format!("{SESSION} WHERE s.id = ?1"), id.0)?.into_iter().next())
    }

    /// The last session of a relationship that changed anything.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn last_session(
        &self,
        relationship: RelationshipId,
    ) -> Result<Option<SessionSummaryRow>, StoreError> {
        let sql = format!("{SESSION} WHERE s.relationship = ?1 ORDER BY s.id DESC LIMIT 1");
        Ok(self.sessions_where(&sql, relationship.0)?.into_iter().next())
    }

    /// The last session, of any phone, that `undo` takes back where none is named: the last sync that was not taken back.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn last_to_undo(&self) -> Result<Option<SessionSummaryRow>, StoreError> {
        let rows = self.sessions(SESSIONS_LOOKED_AT)?;
        Ok(rows.into_iter().find(|row| row.undoes.is_none() && row.undone_by.is_none()))
    }

    /// The phone that a session was with.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn phone_of_session(&self, session: SessionId) -> Result<Option<KnownPhone>, StoreError> {
        let phone: Option<i64> = self.read(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT r.phone FROM sessions AS s JOIN relationships AS r ON r.id = s.relationship WHERE s.id = ?1",
            )?;
            Ok(select.query_row([session.0], |row| row.get(0)).optional()?)
        })?;
        Ok(self.phones()?.into_iter().find(|known| Some(known.id.0) == phone))
    }

    fn sessions_where(&self, sql: &str, key: i64) -> Result<Vec<SessionSummaryRow>, StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(sql)?;
            let mut rows: Vec<SessionSummaryRow> =
                select.query_map([key], session_row)?.collect::<Result<_, _>>()?;
            for row in &mut rows {
                row.undone_by = undone_by(connection, row.id)?;
            }
            Ok(rows)
        })
    }

    /// What the actions of a session did, in their order.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn actions(&self, session: SessionId) -> Result<Vec<ActionRow>, StoreError> {
        self.read_snapshot(|connection| {
            let mut select = connection.prepare_cached(ACTIONS)?;
            let mut rows = select.query([session.0])?;
            let mut actions = Vec::new();
            while let Some(row) = rows.next()? {
                actions.push(ActionRow {
                    kind: row.get(0)?,
                    side: row.get(1)?,
                    subject: row.get(2)?,
                    reason: row.get(3)?,
                    outcome: row.get(4)?,
                    pc_before: cards::get_optional(connection, row.get(5)?)?,
                    phone_before: cards::get_optional(connection, row.get(6)?)?,
                    pc_item: item(row.get(7)?)?,
                    phone_item: item(row.get(8)?)?,
                    pc_after: cards::get_optional(connection, row.get(9)?)?,
                    phone_after: cards::get_optional(connection, row.get(10)?)?,
                    base: baseline(connection, row.get(11)?, row.get(12)?)?,
                });
            }
            Ok(actions)
        })
    }
}

/// So many sessions are looked at for one that can be taken back.
const SESSIONS_LOOKED_AT: usize = 1_000;

const SESSION: &str = "SELECT s.id, s.started_ms, s.ended_ms, coalesce(p.name, p.label), b.name, s.summary,
    s.undoes FROM sessions AS s
    JOIN relationships AS r ON r.id = s.relationship JOIN phones AS p ON p.id = r.phone
    JOIN books AS b ON b.id = r.book";

pub(super) const ACTIONS: &str =
    "SELECT kind, side, subject, reason, outcome, pc_before, phone_before, pc_item, phone_item, pc_after, phone_after,
    base_pc, base_phone FROM actions WHERE session = ?1 ORDER BY id";

fn item(number: Option<i64>) -> Result<Option<ItemId>, Fault> {
    number.map(|number| Ok(ItemId(from_integer(number, "the number of an item")?))).transpose()
}

fn baseline(
    connection: &Connection,
    pc: Option<CardRow>,
    phone: Option<CardRow>,
) -> Result<Option<Baseline>, Fault> {
    let (Some(pc), Some(phone)) = (pc, phone) else { return Ok(None) };
    Ok(Some(Baseline { pc: cards::get(connection, pc)?, phone: cards::get(connection, phone)? }))
}

fn session_row(row: &Row<'_>) -> rusqlite::Result<SessionSummaryRow> {
    Ok(SessionSummaryRow {
        id: SessionId(row.get(0)?),
        started_ms: row.get(1)?,
        ended_ms: row.get(2)?,
        phone: row.get(3)?,
        book: row.get(4)?,
        summary: row.get(5)?,
        undoes: row.get::<_, Option<i64>>(6)?.map(SessionId),
        undone_by: None,
    })
}

/// The session that took this one back, if one did so to its end and was not taken back itself.
fn undone_by(connection: &Connection, session: SessionId) -> Result<Option<SessionId>, Fault> {
    let mut select = connection.prepare_cached(UNDOS)?;
    let undos: Vec<i64> = select.query_map([session.0], |row| row.get(0))?.collect::<Result<_, _>>()?;
    drop(select);
    for undo in undos.into_iter().map(SessionId) {
        if undone_by(connection, undo)?.is_none() {
            return Ok(Some(undo));
        }
    }
    Ok(None)
}

/// The undos of a session that came to their end, the latest first. Exit code 6 says that something waits for a person.
const UNDOS: &str = "SELECT id FROM sessions WHERE undoes = ?1 AND ended_ms IS NOT NULL
    AND json_extract(summary, '$.exit') IN (0, 6) ORDER BY id DESC";

/// Opens a session.
pub(super) fn open(
    store: &Store,
    relationship: RelationshipId,
    started_ms: i64,
    undoes: Option<SessionId>,
) -> Result<SessionId, StoreError> {
    let (kind, cause) = match undoes {
        None => ("sync", versions::Cause::Sync),
        Some(_) => ("undo", versions::Cause::Undo),
    };
    let session = store.write(|connection| {
        connection
            .prepare_cached(
                "INSERT INTO sessions (relationship, started_ms, kind, undoes) VALUES (?1, ?2, ?3, ?4)",
            )?
            .execute((relationship.0, started_ms, kind, undoes.map(|session| session.0)))?;
        Ok(SessionId(connection.last_insert_rowid()))
    })?;
    store.underway.set(Some((session, cause)));
    Ok(session)
}

/// Closes a session.
pub(super) fn close(
    store: &Store,
    session: SessionId,
    ended_ms: i64,
    summary: &str,
) -> Result<(), StoreError> {
    store.write(|connection| {
        let closed = connection
            .prepare_cached("UPDATE sessions SET ended_ms = ?2, summary = ?3 WHERE id = ?1")?
            .execute((session.0, ended_ms, summary))?;
        if closed == 0 {
            return Err(Fault::refused(format!("session {} is not in the history", session.0)));
        }
        Ok(())
    })?;
    store.underway.set(None);
    Ok(())
}

/// Adds the line of an action, with the baseline that `link` has now.
pub(super) fn record(
    connection: &Connection,
    session: SessionId,
    action: &ActionRow,
    link: Option<LinkId>,
) -> Result<(), Fault> {
    let ActionRow { kind, side, subject, reason, outcome, .. } = action;
    let contents = [&action.pc_before, &action.phone_before, &action.pc_after, &action.phone_after];
    let mut rows = [None; 4];
    for (row, card) in rows.iter_mut().zip(contents) {
        *row = cards::put_known(connection, card.as_ref())?;
    }
    let number = |item: Option<ItemId>| item.map(|item| to_integer(item.0)).transpose();
    let mut insert = connection.prepare_cached(
        "INSERT INTO actions (session, kind, side, subject, reason, outcome, pc_before, phone_before, pc_after,
            phone_after, pc_item, phone_item, base_pc, base_phone)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12,
                (SELECT base_pc FROM links WHERE id = ?13), (SELECT base_phone FROM links WHERE id = ?13))",
    )?;
    insert.execute(rusqlite::params![
        session.0,
        kind,
        side,
        subject,
        reason,
        outcome,
        rows[0],
        rows[1],
        rows[2],
        rows[3],
        number(action.pc_item)?,
        number(action.phone_item)?,
        link.map(|link| link.0),
    ])?;
    Ok(())
}
