//! The history: sessions and what each of their actions did, with the content that was replaced.
//!
//! Contents are kept as references to `cards`; nothing here is ever deleted (see `schema.rs` on retention).

use rusqlite::{Connection, Row};

use super::error::{Fault, StoreError};
use super::phones::RelationshipId;
use super::{Store, cards};
use crate::provider::{ActionRow, SessionId, SessionSummaryRow};

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

    fn sessions_where(&self, sql: &str, key: i64) -> Result<Vec<SessionSummaryRow>, StoreError> {
        self.read(|connection| {
            let mut select = connection.prepare_cached(sql)?;
            let rows = select.query_map([key], session_row)?.collect::<Result<_, _>>()?;
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
                });
            }
            Ok(actions)
        })
    }
}

const SESSION: &str =
    "SELECT s.id, s.started_ms, s.ended_ms, coalesce(p.name, p.label), b.name, s.summary FROM sessions AS s
    JOIN relationships AS r ON r.id = s.relationship JOIN phones AS p ON p.id = r.phone
    JOIN books AS b ON b.id = r.book";

pub(super) const ACTIONS: &str =
    "SELECT kind, side, subject, reason, outcome, pc_before, phone_before FROM actions
    WHERE session = ?1 ORDER BY id";

fn session_row(row: &Row<'_>) -> rusqlite::Result<SessionSummaryRow> {
    Ok(SessionSummaryRow {
        id: SessionId(row.get(0)?),
        started_ms: row.get(1)?,
        ended_ms: row.get(2)?,
        phone: row.get(3)?,
        book: row.get(4)?,
        summary: row.get(5)?,
    })
}

/// Opens a session.
pub(super) fn open(
    store: &Store,
    relationship: RelationshipId,
    started_ms: i64,
) -> Result<SessionId, StoreError> {
    store.write(|connection| {
        connection
            .prepare_cached("INSERT INTO sessions (relationship, started_ms) VALUES (?1, ?2)")?
            .execute((relationship.0, started_ms))?;
        Ok(SessionId(connection.last_insert_rowid()))
    })
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
    })
}

/// Adds the line of an action.
pub(super) fn record(connection: &Connection, session: SessionId, action: &ActionRow) -> Result<(), Fault> {
    let pc_before = cards::put_optional(connection, action.pc_before.as_ref())?;
    let phone_before = cards::put_optional(connection, action.phone_before.as_ref())?;
    let ActionRow { kind, side, subject, reason, outcome, .. } = action;
    connection
        .prepare_cached(
            "INSERT INTO actions (session, kind, side, subject, reason, outcome, pc_before, phone_before)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute((session.0, kind, side, subject, reason, outcome, pc_before, phone_before))?;
    Ok(())
}
