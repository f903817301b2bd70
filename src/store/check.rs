//! Looking the whole database over, for `doctor` and the tests: reads everything, changes nothing.

use super::Store;
use super::error::StoreError;
use super::schema::user_version;

/// Queries that must return no row, and what a row means.
const RULES: &[(&str, &str)] = &[
    (
        "SELECT 1 FROM books AS b WHERE contact_count <>
            (SELECT count(*) FROM contacts WHERE book = b.id AND card IS NOT NULL)",
        "the number of contacts of a book is wrong",
    ),
    (
        "SELECT 1 FROM contacts AS c JOIN books AS b ON b.id = c.book
            WHERE c.item > c.counter OR c.counter >= b.next_counter",
        "a contact has a number that its book has not given out",
    ),
    (
        "SELECT 1 FROM contacts AS c WHERE card IS NULL AND (EXISTS (SELECT 1 FROM emails WHERE contact = c.id)
            OR EXISTS (SELECT 1 FROM numbers WHERE contact = c.id))",
        "a removed contact still has addresses or numbers",
    ),
    (
        "SELECT 1 FROM relationships AS r WHERE link_count <>
            (SELECT count(*) FROM links WHERE relationship = r.id)",
        "the number of links of a relationship is wrong",
    ),
    (
        "SELECT 1 FROM observed AS o JOIN phones AS p ON p.id = o.phone
            WHERE o.item >= p.next_counter OR o.counter >= p.next_counter",
        "an item of a phone has a number that was not given out",
    ),
];

impl Store {
    /// The number of the format that the file has.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn format(&self) -> Result<i64, StoreError> {
        self.read(user_version)
    }

    /// Checks the file's structure, its references, and the rules that the tables must obey.
    ///
    /// # Errors
    /// [`StoreError::Damaged`] with the first thing found.
    pub fn check(&self) -> Result<(), StoreError> {
        let damaged = |detail: String| StoreError::Damaged { path: self.path.clone(), detail };
        let verdict: String = self.read(|connection| {
            Ok(connection.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?)
        })?;
        if verdict != "ok" {
            return Err(damaged(verdict));
        }
        let dangling: Option<String> = self.read(|connection| {
            let mut check = connection.prepare("PRAGMA foreign_key_check")?;
            let mut rows = check.query([])?;
            Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
        })?;
        if let Some(table) = dangling {
            return Err(damaged(format!("a row of {table} refers to something that is missing")));
        }
        for (rule, meaning) in RULES {
            let broken = self.read(|connection| Ok(connection.prepare(rule)?.exists([])?))?;
            if broken {
                return Err(damaged((*meaning).to_owned()));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::store::schema::SCHEMA_VERSION;
    use crate::store::testing::{Rig, card_of};

    #[test]
    fn each_rule_notices_its_breach() {
        let breaches = [
            "UPDATE books SET contact_count = contact_count + 1",
            "UPDATE contacts SET counter = 4711",
            "UPDATE relationships SET link_count = 5",
            "UPDATE contacts SET card = NULL, uid = NULL, fn = NULL; UPDATE books SET contact_count = 0",
            "INSERT INTO observed VALUES (1, 9, 9, '/a', 1, NULL, NULL, 0, NULL, 0, 0, 0)",
            "PRAGMA foreign_keys = OFF; UPDATE contacts SET card = 99",
        ];
        for breach in breaches {
            let rig = Rig::new();
            let store = rig.store();
            let book = rig.book(&store);
            book.add(&card_of(&["UID:a", "FN:Ada Example", "TEL:1"])).unwrap();
            rig.ledger(&store, &book);
            store.check().unwrap();
            assert_eq!(store.format().unwrap(), SCHEMA_VERSION);
            store.connection.execute_batch(breach).unwrap();
            assert!(store.check().is_err(), "{breach}");
        }
    }
}
