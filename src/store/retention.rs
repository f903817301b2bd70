//! Letting go of history that is past its time: old versions of contacts, what old sessions replaced, and the cards that
//! nothing refers to any more.
//!
//! The newest version of a contact stays for ever, and so does whatever a link, an open conflict, a hold, a waiting question
//! or an unsettled write needs. A version's time begins when a newer one replaced it. Bounded: a session lets go of a
//! limited number of rows, and the next one of more.

use rusqlite::Connection;

use super::Store;
use super::error::{Fault, StoreError};

/// So many versions and so many actions are let go of at once.
const ROWS_MAX: i64 = 1_000;
const DAY_MS: i64 = 86_400_000;

/// What was let go of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Versions of contacts.
    pub versions: usize,
    /// Actions of sessions.
    pub actions: usize,
    /// Cards.
    pub cards: usize,
}

impl Store {
    /// Lets go of history that was replaced more than `keep_days` before `now_ms`, in a transaction of its own. Where
    /// nothing is that old, nothing is written.
    ///
    /// # Errors
    /// When the database cannot be used; then all of it stays.
    pub fn prune(&self, now_ms: i64, keep_days: u32) -> Result<Pruned, StoreError> {
        let before_ms = now_ms.saturating_sub(i64::from(keep_days).saturating_mul(DAY_MS));
        let is_due = self.read(|connection| {
            Ok(connection.prepare_cached(OLD_VERSIONS)?.exists((before_ms, 1))?
                || connection.prepare_cached(OLD_ACTIONS)?.exists((before_ms, 1))?)
        })?;
        if !is_due {
            return Ok(Pruned::default());
        }
        // SQLite would look through every table for each card that goes; what refers to them is asked once instead.
        self.foreign_keys(false)?;
        let pruned = self.write(|connection| prune(connection, before_ms));
        self.foreign_keys(true)?;
        pruned
    }

    fn foreign_keys(&self, on: bool) -> Result<(), StoreError> {
        self.read(|connection| Ok(connection.pragma_update(None, "foreign_keys", on)?))
    }
}

/// Versions that a newer one replaced before the time.
const OLD_VERSIONS: &str = "SELECT DISTINCT v.book, v.item, v.version FROM versions AS n
    JOIN versions AS v ON v.book = n.book AND v.item = n.item AND v.version < n.version
    WHERE n.version > 1 AND n.at_ms < ?1 LIMIT ?2";

/// Actions of sessions that ended before the time, but for those that are unsettled or hold something.
const OLD_ACTIONS: &str = "SELECT a.id FROM sessions AS s JOIN actions AS a ON a.session = s.id
    WHERE s.ended_ms < ?1 AND s.id NOT IN (SELECT session FROM intents)
        AND s.id NOT IN (SELECT h.session FROM holds AS h)
        AND s.id NOT IN (SELECT u.undoes FROM holds AS h JOIN sessions AS u ON u.id = h.session
            WHERE u.undoes IS NOT NULL)
    LIMIT ?2";

/// Everything that refers to a card.
const REFERRED: &[(&str, &[&str])] = &[
    ("contacts", &["card"]),
    ("versions", &["card"]),
    ("links", &["base_pc", "base_phone"]),
    ("intents", &["card"]),
    ("actions", &["pc_before", "phone_before", "pc_after", "phone_after", "base_pc", "base_phone"]),
    ("holds", &["pc", "phone"]),
    ("conflict_sides", &["pc", "phone"]),
    ("asked_pairs", &["pc", "phone"]),
];

fn prune(connection: &Connection, before_ms: i64) -> Result<Pruned, Fault> {
    connection.execute_batch(
        "CREATE TEMP TABLE IF NOT EXISTS letting_go (card INTEGER PRIMARY KEY);
        CREATE TEMP TABLE IF NOT EXISTS going_versions (book INTEGER, item INTEGER, version INTEGER);
        CREATE TEMP TABLE IF NOT EXISTS going_actions (id INTEGER PRIMARY KEY);
        DELETE FROM letting_go; DELETE FROM going_versions; DELETE FROM going_actions;",
    )?;
    connection.execute(&format!("INSERT INTO going_versions {OLD_VERSIONS}"), (before_ms, ROWS_MAX))?;
    connection.execute(&format!("INSERT INTO going_actions {OLD_ACTIONS}"), (before_ms, ROWS_MAX))?;
    let is_going = "(book, item, version) IN (SELECT book, item, version FROM going_versions)";
    connection.execute(
        &format!(
            "INSERT OR IGNORE INTO letting_go SELECT card FROM versions WHERE card IS NOT NULL AND {is_going}"
        ),
        [],
    )?;
    for (_, columns) in REFERRED.iter().filter(|(table, _)| *table == "actions") {
        for column in *columns {
            connection.execute(
                &format!(
                    "INSERT OR IGNORE INTO letting_go SELECT {column} FROM actions
                        WHERE {column} IS NOT NULL AND id IN (SELECT id FROM going_actions)"
                ),
                [],
            )?;
        }
    }
    let versions = connection.execute(&format!("DELETE FROM versions WHERE {is_going}"), [])?;
    let actions = connection.execute("DELETE FROM actions WHERE id IN (SELECT id FROM going_actions)", [])?;
    let mut cards = 0;
    for (table, columns) in REFERRED {
        for column in *columns {
            // One pass over each table that may refer to them.
            connection.execute(
                &format!(
                    "DELETE FROM letting_go WHERE card IN
                        (SELECT {column} FROM {table} WHERE {column} IN (SELECT card FROM letting_go))"
                ),
                [],
            )?;
        }
    }
    cards += connection.execute("DELETE FROM cards WHERE id IN (SELECT card FROM letting_go)", [])?;
    connection
        .execute_batch("DELETE FROM letting_go; DELETE FROM going_versions; DELETE FROM going_actions;")?;
    Ok(Pruned { versions, actions, cards })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::contact::Baseline;
    use crate::provider::{ActionRow, Confirmation, HeldPair, HoldChange, IntentStep, ItemId, Ledger};
    use crate::store::testing::{Rig, action, card};

    const START_MS: i64 = 1_700_000_000_000;

    fn cards(store: &Store) -> i64 {
        store.connection.query_row("SELECT count(*) FROM cards", [], |row| row.get(0)).unwrap()
    }

    #[test]
    fn what_was_replaced_long_ago_goes_and_the_newest_stays() {
        let rig = Rig::new();
        let store = rig.store();
        let book = rig.book(&store);
        let (item, _) = book.add(&card("a", "One")).unwrap();
        let (gone, _) = book.add(&card("g", "Gone")).unwrap();
        rig.clock.advance_ms(10 * DAY_MS);
        book.edit(item, None, &card("a", "Two")).unwrap();
        book.remove(gone, None).unwrap();
        rig.clock.advance_ms(10 * DAY_MS);
        book.edit(item, None, &card("a", "Three")).unwrap();
        let now_ms = START_MS + 20 * DAY_MS;
        assert_eq!(store.prune(now_ms, 11).unwrap(), Pruned::default(), "replaced ten days ago");
        assert_eq!(cards(&store), 4);
        assert_eq!(store.prune(now_ms, 9).unwrap(), Pruned { versions: 2, actions: 0, cards: 2 });
        let numbers: Vec<u64> = book.versions(item).unwrap().iter().map(|version| version.number).collect();
        assert_eq!(numbers, [2, 3], "the second was replaced today");
        assert_eq!(book.versions(gone).unwrap().len(), 1, "that it was removed is known for ever");
        assert_eq!(store.prune(now_ms + 999 * DAY_MS, 0).unwrap().versions, 1);
        assert_eq!(book.versions(item).unwrap().len(), 1);
        // What comes next has its number behind the others'.
        book.edit(item, None, &card("a", "Four")).unwrap();
        assert_eq!(book.versions(item).unwrap().last().unwrap().number, 4);
        store.check().unwrap();
    }

    #[test]
    fn what_a_link_a_hold_an_intent_or_a_contact_needs_stays() {
        let rig = Rig::new();
        let store = rig.store();
        let book = rig.book(&store);
        let ledger = rig.ledger(&store, &book);
        let (item, _) = book.add(&card("a", "One")).unwrap();
        let (base, held, sent, old) =
            (card("a", "Base"), card("a", "Held"), card("a", "Sent"), card("a", "Old"));
        let session = ledger.open_session(START_MS).unwrap();
        let row =
            |before: &crate::contact::Card| ActionRow { pc_before: Some(before.clone()), ..action("update") };
        let facts = [&base, &held, &sent, &old]
            .map(|before| Confirmation { action: Some(row(before)), ..Confirmation::default() });
        ledger.confirm(session, &facts).unwrap();
        ledger
            .confirm(
                session,
                &[Confirmation {
                    link: Some((None, item, ItemId(9), Some(Baseline { pc: base.clone(), phone: base }))),
                    ..Confirmation::default()
                }],
            )
            .unwrap();
        ledger.close_session(session, START_MS, "{}").unwrap();
        let undo = ledger.open_undo(START_MS, session).unwrap();
        let pair = HeldPair { pc: Some(item), phone: Some(ItemId(9)) };
        let change = HoldChange::Set { pair, subject: "A".into(), pc: Some(held), phone: None };
        ledger.hold(undo, &[change]).unwrap();
        ledger.close_session(undo, START_MS, "{}").unwrap();
        let step = IntentStep::Create { pc: item, name: "a".into(), card: sent };
        let cut = ledger.open_session(START_MS).unwrap();
        let intents = ledger.note_intents(cut, &[step]).unwrap();
        let later_ms = START_MS + 1_000 * DAY_MS;
        assert_eq!(
            store.prune(later_ms, 1).unwrap(),
            Pruned::default(),
            "a hold needs the session that it undid"
        );
        ledger.hold(undo, &[HoldChange::Lift(pair)]).unwrap();
        let all = cards(&store);
        let pruned = store.prune(later_ms, 1).unwrap();
        assert_eq!(pruned, Pruned { versions: 0, actions: 4, cards: 2 }, "what was held, and the old one");
        assert_eq!(cards(&store), all - 2);
        let settled = Confirmation { intent: Some(intents[0]), ..Confirmation::default() };
        ledger.confirm(cut, &[settled]).unwrap();
        store.check().unwrap();
        assert!(
            store.connection.pragma_query_value(None, "foreign_keys", |row| row.get::<_, bool>(0)).unwrap()
        );
    }

    /// A table that comes to refer to cards must be asked too.
    #[test]
    fn everything_that_refers_to_cards_is_asked() {
        let store = Store::in_memory().unwrap();
        let sql = "SELECT m.name, f.\"from\" FROM sqlite_schema AS m, pragma_foreign_key_list(m.name) AS f
            WHERE m.type = 'table' AND f.\"table\" = 'cards' ORDER BY 1, 2";
        let mut select = store.connection.prepare(sql).unwrap();
        let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        let there: Vec<(String, String)> = rows.collect::<Result<_, _>>().unwrap();
        let mut asked: Vec<(String, String)> = REFERRED
            .iter()
            .flat_map(|(table, columns)| columns.iter().map(|column| ((*table).into(), (*column).into())))
            .collect();
        asked.sort();
        assert_eq!(there, asked);
    }
}
