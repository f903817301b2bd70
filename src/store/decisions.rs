//! What a person said about who is who, and who waits for an answer.
//!
//! An answer belongs to two items and outlives every edit of them. It goes with the memory of the phone, whose numbers
//! for its items then mean nothing any more. Keeps and answers; what an answer means for a sync is decided elsewhere.

use rusqlite::{Connection, OptionalExtension};

use super::book::Book;
use super::cards;
use super::error::{Fault, StoreError, from_integer, to_integer};
use super::phones::RelationshipId;
use super::{Store, phones};
use crate::contact::{Card, Evidence};
use crate::ics::{Guid, SyncState};
use crate::provider::{AskedPair, Direction, ItemId, LinkId, MatchAnswer, MatchDecision};

/// The answers of one relationship, in the order of their items.
pub(super) fn decisions(
    connection: &Connection,
    relationship: RelationshipId,
) -> Result<Vec<MatchDecision>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT pc_item, phone_item, answer, decided_ms FROM match_decisions WHERE relationship = ?1",
    )?;
    let mut rows = select.query([relationship.0])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let answer = match row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)? {
            "same" => MatchAnswer::Same,
            "different" => MatchAnswer::Different,
            _ => return Err(Fault::Damaged("an answer about who is who is of an unknown kind".to_owned())),
        };
        found.push(MatchDecision {
            pc: item(row.get(0)?)?,
            phone: item(row.get(1)?)?,
            answer,
            decided_ms: row.get(3)?,
        });
    }
    Ok(found)
}

/// The pairs of one relationship that wait, in the order of their items.
pub(super) fn asked(connection: &Connection, relationship: RelationshipId) -> Result<Vec<AskedPair>, Fault> {
    let mut select = connection.prepare_cached(
        "SELECT pc_item, phone_item, score, reasons, place, pc, phone FROM asked_pairs WHERE relationship = ?1",
    )?;
    let mut rows = select.query([relationship.0])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let reasons = row.get_ref(3)?.as_str().map_err(rusqlite::Error::from)?;
        let codes: Vec<String> = serde_json::from_str(reasons)
            .map_err(|_| Fault::Damaged("the reasons of a question are not a list".to_owned()))?;
        found.push(AskedPair {
            pc: item(row.get(0)?)?,
            phone: item(row.get(1)?)?,
            score: row.get(2)?,
            // A later version may know reasons that this one does not; the score has them in it.
            reasons: codes.iter().filter_map(|code| Evidence::from_code(code)).collect(),
            place: row.get(4)?,
            pc_card: cards::get(connection, row.get(5)?)?,
            phone_card: cards::get(connection, row.get(6)?)?,
        });
    }
    Ok(found)
}

/// Replaces the pairs that wait.
pub(super) fn replace_asked(
    connection: &Connection,
    relationship: RelationshipId,
    pairs: &[AskedPair],
) -> Result<(), Fault> {
    connection
        .prepare_cached("DELETE FROM asked_pairs WHERE relationship = ?1")?
        .execute([relationship.0])?;
    let mut insert = connection.prepare_cached(
        "INSERT INTO asked_pairs (relationship, pc_item, phone_item, score, reasons, place, pc, phone)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for pair in pairs {
        let reasons: Vec<&str> = pair.reasons.iter().map(|reason| reason.code()).collect();
        insert.execute((
            relationship.0,
            to_integer(pair.pc.0)?,
            to_integer(pair.phone.0)?,
            pair.score,
            serde_json::Value::from(reasons).to_string(),
            &pair.place,
            cards::put(connection, &pair.pc_card)?,
            cards::put(connection, &pair.phone_card)?,
        ))?;
    }
    Ok(())
}

fn item(value: i64) -> Result<ItemId, Fault> {
    Ok(ItemId(from_integer(value, "the number of an item")?))
}

impl Store {
    /// Remembers an answer in place of an earlier one about the same two.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn decide(&self, relationship: RelationshipId, decision: &MatchDecision) -> Result<(), StoreError> {
        let answer = match decision.answer {
            MatchAnswer::Same => "same",
            MatchAnswer::Different => "different",
        };
        self.write(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO match_decisions (relationship, pc_item, phone_item, answer, decided_ms)
                        VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (relationship, pc_item, phone_item)
                        DO UPDATE SET answer = excluded.answer, decided_ms = excluded.decided_ms",
                )?
                .execute((
                    relationship.0,
                    to_integer(decision.pc.0)?,
                    to_integer(decision.phone.0)?,
                    answer,
                    decision.decided_ms,
                ))?;
            Ok(())
        })
    }

    /// Takes a pair apart: the link goes, and both items count as not told yet, so that the next session meets them
    /// as two new contacts.
    ///
    /// # Errors
    /// When there is no such link, or it cannot be written.
    pub fn take_apart(&self, relationship: RelationshipId, link: LinkId) -> Result<(), StoreError> {
        self.write(|connection| {
            let found = connection
                .prepare_cached("SELECT pc_item, phone_item FROM links WHERE id = ?1 AND relationship = ?2")?
                .query_row((link.0, relationship.0), |row| Ok((row.get(0)?, row.get(1)?)))
                .optional()?;
            let Some((pc, phone)) = found else {
                return Err(Fault::refused(format!("link {} is not in the ledger", link.0)));
            };
            connection.prepare_cached("DELETE FROM links WHERE id = ?1")?.execute([link.0])?;
            connection
                .prepare_cached("UPDATE relationships SET link_count = link_count - 1 WHERE id = ?1")?
                .execute([relationship.0])?;
            forget_told(connection, relationship, Direction::PcToPhone, pc)?;
            forget_told(connection, relationship, Direction::PhoneToPc, phone)
        })
    }

    /// The items count as not told yet: the next session meets them again. Both must be without a partner.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn tell_again(
        &self,
        relationship: RelationshipId,
        pc: ItemId,
        phone: ItemId,
    ) -> Result<(), StoreError> {
        self.write(|connection| {
            forget_told(connection, relationship, Direction::PcToPhone, to_integer(pc.0)?)?;
            forget_told(connection, relationship, Direction::PhoneToPc, to_integer(phone.0)?)
        })
    }

    /// Every pair of a relationship: the phone's item, the PC's, and what the phone held when both last agreed. Pairs
    /// that were not compared yet are left out.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn paired_cards(
        &self,
        relationship: RelationshipId,
    ) -> Result<Vec<(ItemId, ItemId, Card)>, StoreError> {
        self.read_snapshot(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT phone_item, pc_item, base_phone FROM links
                    WHERE relationship = ?1 AND base_phone IS NOT NULL ORDER BY id",
            )?;
            let mut rows = select.query([relationship.0])?;
            let mut found = Vec::new();
            while let Some(row) = rows.next()? {
                found.push((item(row.get(0)?)?, item(row.get(1)?)?, cards::get(connection, row.get(2)?)?));
            }
            Ok(found)
        })
    }

    /// Remembers that two contacts of a book are two.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn decide_apart(
        &self,
        book: &Book<'_>,
        one: ItemId,
        other: ItemId,
        ms: i64,
    ) -> Result<(), StoreError> {
        self.write(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO duplicate_decisions (book, left_item, right_item, decided_ms)
                        VALUES (?1, ?2, ?3, ?4) ON CONFLICT (book, left_item, right_item) DO NOTHING",
                )?
                .execute((
                    book.row(),
                    to_integer(one.0.min(other.0))?,
                    to_integer(one.0.max(other.0))?,
                    ms,
                ))?;
            Ok(())
        })
    }

    /// The pairs of contacts of a book that a person said are two, the lower number first.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn decided_apart(&self, book: &Book<'_>) -> Result<Vec<(ItemId, ItemId)>, StoreError> {
        self.read(|connection| {
            let mut select = connection
                .prepare_cached("SELECT left_item, right_item FROM duplicate_decisions WHERE book = ?1")?;
            let rows = select.query_map([book.row()], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let found = rows.collect::<Result<Vec<(i64, i64)>, _>>()?;
            found.into_iter().map(|(one, other)| Ok((item(one)?, item(other)?))).collect()
        })
    }
}

/// Takes an item's last change out of what the other side has heard, and the item out of what it has.
fn forget_told(
    connection: &Connection,
    relationship: RelationshipId,
    direction: Direction,
    item: i64,
) -> Result<(), Fault> {
    let (from, name) = match direction {
        Direction::PcToPhone => (
            "SELECT b.guid, c.counter FROM relationships AS r JOIN books AS b ON b.id = r.book
                JOIN contacts AS c ON c.book = b.id WHERE r.id = ?1 AND c.item = ?2",
            "pc-to-phone",
        ),
        Direction::PhoneToPc => (
            "SELECT p.guid, o.counter FROM relationships AS r JOIN phones AS p ON p.id = r.phone
                JOIN observed AS o ON o.phone = p.id WHERE r.id = ?1 AND o.item = ?2",
            "phone-to-pc",
        ),
    };
    let told: Option<(Guid, u64)> = connection
        .prepare_cached(from)?
        .query_row((relationship.0, item), |row| Ok((phones::guid(row.get_ref(0)?), row.get::<_, i64>(1)?)))
        .optional()?
        .map(|(guid, counter)| Ok::<_, Fault>((guid?, from_integer(counter, "a change number")?)))
        .transpose()?;
    let bytes: Option<Vec<u8>> = connection
        .prepare_cached("SELECT state FROM states WHERE relationship = ?1 AND direction = ?2")?
        .query_row((relationship.0, name), |row| row.get(0))
        .optional()?;
    let (Some((guid, counter)), Some(bytes)) = (told, bytes) else { return Ok(()) };
    let mut state = SyncState::from_bytes(&bytes)
        .map_err(|error| Fault::Damaged(format!("the sync state {name} cannot be read: {error}")))?;
    state.seen.remove(guid, counter);
    state.given.remove(guid, from_integer(item, "the number of an item")?);
    connection
        .prepare_cached("UPDATE states SET state = ?3 WHERE relationship = ?1 AND direction = ?2")?
        .execute((relationship.0, name, state.to_bytes()))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{Confirmation, Ledger, Metadata, Provider};
    use crate::store::testing::{Rig, card, observed_row};
    use crate::store::{PhoneMetadata, RelationshipLedger};

    fn pair(pc: u64, phone: u64, score: i32) -> AskedPair {
        AskedPair {
            pc: ItemId(pc),
            phone: ItemId(phone),
            score,
            reasons: vec![Evidence::SameName, Evidence::OtherBirthday],
            place: "Card/ada.vcf".to_owned(),
            pc_card: card("a", "Ada Example"),
            phone_card: card("b", "Ada Example"),
        }
    }

    /// The one relationship of a rig.
    fn relationship(store: &Store) -> RelationshipId {
        store.relationships().unwrap()[0].id
    }

    #[test]
    fn what_waits_is_replaced_and_written_only_if_it_changed() {
        let rig = Rig::new();
        let store = rig.store();
        let ledger = rig.ledger(&store, &rig.book(&store));
        let asked = [pair(1, 2, 50), pair(1, 3, 45)];
        ledger.replace_asked(&asked).unwrap();
        assert_eq!(ledger.asked_pairs().unwrap(), asked);
        let writes =
            || -> i64 { store.connection.query_row("SELECT total_changes()", [], |row| row.get(0)).unwrap() };
        let before = writes();
        ledger.replace_asked(&asked).unwrap();
        assert_eq!(writes(), before, "the same pairs are not written again");
        ledger.replace_asked(&asked[1..]).unwrap();
        assert_eq!(ledger.asked_pairs().unwrap(), asked[1..]);
        ledger.replace_asked(&[]).unwrap();
        assert!(ledger.asked_pairs().unwrap().is_empty());
        store.check().unwrap();
    }

    #[test]
    fn the_last_answer_counts_and_goes_with_the_memory_of_the_phone() {
        let rig = Rig::new();
        let store = rig.store();
        let book = rig.book(&store);
        let ledger = rig.ledger(&store, &book);
        let said = |answer, decided_ms| MatchDecision { pc: ItemId(1), phone: ItemId(2), answer, decided_ms };
        store.decide(relationship(&store), &said(MatchAnswer::Same, 5)).unwrap();
        store.decide(relationship(&store), &said(MatchAnswer::Different, 6)).unwrap();
        assert_eq!(ledger.match_decisions().unwrap(), [said(MatchAnswer::Different, 6)]);
        ledger.replace_asked(&[pair(1, 2, 50)]).unwrap();
        store.decide_apart(&book, ItemId(9), ItemId(4), 7).unwrap();
        store.decide_apart(&book, ItemId(4), ItemId(9), 8).unwrap();
        store.forget_memory(store.phones().unwrap()[0].id).unwrap();
        assert!(ledger.match_decisions().unwrap().is_empty() && ledger.asked_pairs().unwrap().is_empty());
        assert_eq!(
            store.decided_apart(&book).unwrap(),
            [(ItemId(4), ItemId(9))],
            "a book's own answers stay"
        );
        store.check().unwrap();
    }

    #[test]
    fn a_pair_that_is_taken_apart_is_told_again_on_both_sides() {
        let rig = Rig::new();
        let store = rig.store();
        let mut book = rig.book(&store);
        let (item, cn) = book.add(&card("a", "Ada Example")).unwrap();
        let id = {
            rig.ledger(&store, &book);
            relationship(&store)
        };
        let ledger = RelationshipLedger::new(&store, id);
        let phone = store.phones().unwrap()[0].clone();
        let row = observed_row(1, "Card/ada.vcf");
        PhoneMetadata::new(&store, phone.id).save(std::slice::from_ref(&row), 7, 3).unwrap();
        let session = ledger.open_session(1).unwrap();
        let linked = Confirmation { link: Some((None, item, ItemId(1), None)), ..Confirmation::default() };
        let link = ledger.confirm(session, &[linked]).unwrap().links[0].unwrap();
        let mut state = SyncState::empty();
        state.record(item.0, cn);
        ledger.put_state(Direction::PcToPhone, &state).unwrap();
        assert!(book.changes_since(&state).unwrap().changes.is_empty());
        store.take_apart(id, link).unwrap();
        let state = ledger.state(Direction::PcToPhone).unwrap();
        assert_eq!(book.changes_since(&state).unwrap().changes.len(), 1);
        assert!(ledger.link_of_pc(item).unwrap().is_none() && store.paired_cards(id).unwrap().is_empty());
        assert!(store.take_apart(id, link).is_err());
        store.check().unwrap();
    }
}
