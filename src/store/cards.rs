//! Cards by content: the same bytes are stored once, whoever refers to them.
//!
//! Works inside the caller's transaction; never deletes (see `schema.rs` on retention).

use rusqlite::{Connection, OptionalExtension};

use super::error::{Fault, digest};
use crate::contact::Card;
use crate::provider::Revision;

/// The row of a card.
pub(super) type CardRow = i64;

/// Stores the card if its content is new.
pub(super) fn put(connection: &Connection, card: &Card) -> Result<CardRow, Fault> {
    put_revised(connection, card, Revision::of(card.as_bytes()))
}

/// Stores the card whose revision is known, if its content is new.
pub(super) fn put_revised(
    connection: &Connection,
    card: &Card,
    revision: Revision,
) -> Result<CardRow, Fault> {
    let inserted = connection
        .prepare_cached("INSERT INTO cards (sha256, bytes) VALUES (?1, ?2) ON CONFLICT (sha256) DO NOTHING")?
        .execute((revision.0, card.as_bytes()))?;
    if inserted == 1 {
        return Ok(connection.last_insert_rowid());
    }
    let mut find = connection.prepare_cached("SELECT id FROM cards WHERE sha256 = ?1")?;
    Ok(find.query_row([revision.0], |row| row.get(0))?)
}

/// The same for a card that may be absent, and whose content is most likely there already.
pub(super) fn put_known(connection: &Connection, card: Option<&Card>) -> Result<Option<CardRow>, Fault> {
    let Some(card) = card else { return Ok(None) };
    let revision = Revision::of(card.as_bytes());
    let mut find = connection.prepare_cached("SELECT id FROM cards WHERE sha256 = ?1")?;
    let found = find.query_row([revision.0], |row| row.get(0)).optional()?;
    Ok(Some(match found {
        Some(row) => row,
        None => put_revised(connection, card, revision)?,
    }))
}

/// Reads a card.
pub(super) fn get(connection: &Connection, row: CardRow) -> Result<Card, Fault> {
    let mut find = connection.prepare_cached("SELECT bytes FROM cards WHERE id = ?1")?;
    let card = find.query_row([row], |row| Ok(Card::parse(row.get_ref(0)?.as_blob()?))).optional()?;
    match card {
        Some(Ok(card)) => Ok(card),
        Some(Err(error)) => Err(Fault::Damaged(format!("card {row} cannot be read: {error}"))),
        None => Err(Fault::Damaged(format!("card {row} is missing"))),
    }
}

/// The same for a card that may be absent.
pub(super) fn get_optional(connection: &Connection, row: Option<CardRow>) -> Result<Option<Card>, Fault> {
    row.map(|row| get(connection, row)).transpose()
}

/// The revision of a stored card.
pub(super) fn revision(connection: &Connection, row: CardRow) -> Result<Revision, Fault> {
    let mut find = connection.prepare_cached("SELECT sha256 FROM cards WHERE id = ?1")?;
    let found = find.query_row([row], |row| Ok(digest(row.get_ref(0)?.as_blob()?))).optional()?;
    found.unwrap_or_else(|| Err(Fault::Damaged(format!("card {row} is missing")))).map(Revision)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Store;
    use crate::store::testing::card;

    #[test]
    fn equal_cards_share_a_row_and_come_back_byte_for_byte() {
        let store = Store::in_memory().unwrap();
        let (ada, bob) = (card("a", "Ada Example"), card("b", "Bob Example"));
        let rows = store
            .write(|connection| Ok([put(connection, &ada)?, put(connection, &bob)?, put(connection, &ada)?]))
            .unwrap();
        assert_eq!(rows[0], rows[2]);
        assert_ne!(rows[0], rows[1]);
        let read = store.read(|connection| get(connection, rows[0])).unwrap();
        assert_eq!(read.as_bytes(), ada.as_bytes());
        let revised = store.read(|connection| revision(connection, rows[1])).unwrap();
        assert_eq!(revised, Revision::of(bob.as_bytes()));
    }

    #[test]
    fn a_missing_card_is_damage_and_not_an_absence() {
        let store = Store::in_memory().unwrap();
        let error = store.read(|connection| get(connection, 7)).err().unwrap();
        assert!(error.to_string().contains("damaged (card 7 is missing)"), "{error}");
    }
}
