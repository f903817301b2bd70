//! The tables, indices and views, and how an older database becomes a newer one.
//!
//! Each table says in its own definition what it is for, so that `.schema` in the `sqlite3` program shows it. The
//! tables may change from version to version; the views whose names end in `_v1` keep their columns. Other programs
//! should open the file read-only (`file:PATH?mode=ro`) and use the views.
//!
//! Retention: `retention.rs` lets go of old history; a row of `cards` goes with the last that refers to it. Tombstones in
//! `contacts` and `observed` are kept for good: they are what keeps a deleted contact from coming back.

use rusqlite::Connection;

use super::error::Fault;
use super::schema_version_4::VERSION_4;

/// Marks the file as Tetherbook's in the SQLite header, "TBk1".
pub const APPLICATION_ID: i32 = 0x5442_6b31;

/// The format that this version writes, in the SQLite header's `user_version`.
pub const SCHEMA_VERSION: i64 = 4;

/// One step from a format to the next.
pub(super) struct Migration {
    /// The format after it.
    pub(super) to: i64,
    /// What it does.
    pub(super) sql: &'static str,
}

/// All steps in order; a new database goes through all of them.
pub(super) const MIGRATIONS: &[Migration] = &[
    Migration { to: 1, sql: VERSION_1 },
    Migration { to: 2, sql: VERSION_2 },
    Migration { to: 3, sql: VERSION_3 },
    Migration { to: 4, sql: VERSION_4 },
];

/// Brings the database to the newest of `migrations`, in one transaction.
pub(super) fn migrate(connection: &Connection, migrations: &[Migration]) -> Result<(), Fault> {
    if pending(connection, migrations)?.next().is_none() {
        return Ok(());
    }
    let transaction =
        rusqlite::Transaction::new_unchecked(connection, rusqlite::TransactionBehavior::Immediate)?;
    // Asked again inside the transaction: another process may have done the work meanwhile.
    for migration in pending(connection, migrations)? {
        connection.execute_batch(migration.sql)?;
        connection.pragma_update(None, "user_version", migration.to)?;
    }
    connection.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.commit()?;
    Ok(())
}

fn pending<'a>(
    connection: &Connection,
    migrations: &'a [Migration],
) -> Result<impl Iterator<Item = &'a Migration> + use<'a>, Fault> {
    let version = user_version(connection)?;
    Ok(migrations.iter().filter(move |migration| migration.to > version))
}

/// The format of the database; 0 if it is empty.
pub(super) fn user_version(connection: &Connection) -> Result<i64, Fault> {
    Ok(connection.pragma_query_value(None, "user_version", |row| row.get(0))?)
}

const VERSION_1: &str = "
CREATE TABLE cards (
    -- Every vCard that is or was anywhere, each content once. Rows are never changed or deleted.
    id INTEGER PRIMARY KEY,
    sha256 BLOB NOT NULL UNIQUE,        -- of bytes; the revision of a contact
    bytes BLOB NOT NULL                 -- the card exactly as it came
) STRICT;

CREATE TABLE books (
    -- Address books. A book is a replica: it numbers its changes.
    id INTEGER PRIMARY KEY,
    guid TEXT NOT NULL UNIQUE,          -- the replica's id
    name TEXT NOT NULL UNIQUE,
    next_counter INTEGER NOT NULL DEFAULT 1 CHECK (next_counter BETWEEN 1 AND 281474976710656),
    contact_count INTEGER NOT NULL DEFAULT 0 CHECK (contact_count >= 0)
) STRICT;

CREATE TABLE contacts (
    -- One row per contact that is or was in a book; a row without card is a tombstone.
    -- The columns from uid on are taken from the card, for listing and finding; only the card counts.
    id INTEGER PRIMARY KEY,
    book INTEGER NOT NULL REFERENCES books (id),
    item INTEGER NOT NULL,              -- the number in the book: the counter of its first change
    counter INTEGER NOT NULL,           -- the number of its last change
    modified_ms INTEGER NOT NULL,       -- when that was, milliseconds since 1970
    card INTEGER REFERENCES cards (id), -- NULL: removed
    uid TEXT,                           -- the card's UID, or one minted here if it has none
    fn TEXT,
    given TEXT,
    family TEXT,
    org TEXT,
    title TEXT,
    bday TEXT,
    note TEXT,
    groups TEXT,                        -- JSON array of the CATEGORIES, NULL if none
    CHECK ((card IS NULL) = (uid IS NULL) AND (card IS NULL) = (fn IS NULL))
) STRICT;
CREATE UNIQUE INDEX contacts_by_item ON contacts (book, item);
CREATE UNIQUE INDEX contacts_by_counter ON contacts (book, counter);
CREATE INDEX contacts_by_uid ON contacts (uid) WHERE uid IS NOT NULL;

CREATE TABLE emails (
    -- The e-mail addresses of the contacts, taken from their cards; position 0 is the primary one.
    contact INTEGER NOT NULL REFERENCES contacts (id),
    position INTEGER NOT NULL,
    email TEXT NOT NULL,
    types TEXT NOT NULL,
    PRIMARY KEY (contact, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE numbers (
    -- The telephone numbers of the contacts, taken from their cards; position 0 is the primary one.
    contact INTEGER NOT NULL REFERENCES contacts (id),
    position INTEGER NOT NULL,
    number TEXT NOT NULL,               -- as it stands in the card
    digits TEXT NOT NULL,               -- digits with a leading + for 00
    types TEXT NOT NULL,
    PRIMARY KEY (contact, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE phones (
    -- Phones that were seen, one row per channel: each is a replica.
    id INTEGER PRIMARY KEY,
    guid TEXT NOT NULL UNIQUE,          -- the replica's id, also in the phone's marker file
    label TEXT NOT NULL,                -- what a person calls it
    serial TEXT,                        -- the USB serial number
    profile TEXT NOT NULL,              -- the device profile that was used last
    listing TEXT,                       -- the way of listing that worked last
    first_seen_ms INTEGER NOT NULL,
    last_seen_ms INTEGER NOT NULL,
    next_counter INTEGER NOT NULL DEFAULT 1 CHECK (next_counter BETWEEN 1 AND 281474976710656),
    generation INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE observed (
    -- What was last seen of each item of a phone, tombstones included: the change tracking that phones lack.
    phone INTEGER NOT NULL REFERENCES phones (id),
    item INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    locator TEXT NOT NULL,              -- storage and path
    size_bytes INTEGER NOT NULL,        -- unsigned 64 bits
    modified TEXT,                      -- the date exactly as the phone wrote it
    revision BLOB,                      -- SHA-256 of the content; NULL while it cannot be used
    uid_hash INTEGER NOT NULL,          -- unsigned 64 bits; 0: no UID
    problem TEXT,                       -- why it cannot be used
    deleted INTEGER NOT NULL,           -- 1: tombstone
    settled INTEGER NOT NULL,           -- 1: read late enough after its date
    verified_ms INTEGER NOT NULL,       -- when its content was last read
    PRIMARY KEY (phone, item)
) STRICT, WITHOUT ROWID;

CREATE TABLE relationships (
    -- What is synced with what.
    id INTEGER PRIMARY KEY,
    phone INTEGER NOT NULL REFERENCES phones (id),
    book INTEGER NOT NULL REFERENCES books (id),
    mode TEXT NOT NULL,
    settings TEXT NOT NULL CHECK (json_valid(settings)),
    link_count INTEGER NOT NULL DEFAULT 0 CHECK (link_count >= 0),
    UNIQUE (phone, book)
) STRICT;

CREATE TABLE states (
    -- The sync state of each direction: what the receiving side has.
    relationship INTEGER NOT NULL REFERENCES relationships (id),
    direction TEXT NOT NULL CHECK (direction IN ('phone-to-pc', 'pc-to-phone')),
    state BLOB NOT NULL,
    PRIMARY KEY (relationship, direction)
) STRICT, WITHOUT ROWID;

CREATE TABLE links (
    -- Pairs of items that stand for one contact, and what both sides held when they last agreed.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    relationship INTEGER NOT NULL REFERENCES relationships (id),
    pc_item INTEGER NOT NULL,
    phone_item INTEGER NOT NULL,
    base_pc INTEGER REFERENCES cards (id),
    base_phone INTEGER REFERENCES cards (id),
    CHECK ((base_pc IS NULL) = (base_phone IS NULL))
) STRICT;
CREATE UNIQUE INDEX links_by_pc ON links (relationship, pc_item);
CREATE UNIQUE INDEX links_by_phone ON links (relationship, phone_item);
CREATE INDEX links_without_baseline ON links (relationship) WHERE base_pc IS NULL;

CREATE TABLE conflicts (
    -- Fields on which both sides of a link stay apart until a person decides.
    link INTEGER NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    position INTEGER NOT NULL,
    subject TEXT NOT NULL,
    field TEXT NOT NULL,
    base TEXT,
    pc TEXT,
    phone TEXT,
    PRIMARY KEY (link, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    -- The history: one row per session. Without an end it was cut off.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    relationship INTEGER NOT NULL REFERENCES relationships (id),
    started_ms INTEGER NOT NULL,
    ended_ms INTEGER,
    summary TEXT                        -- the JSON line that the session printed last
) STRICT;

CREATE TABLE intents (
    -- The journal: writes to a phone that no acknowledgement has settled. Empty after a session that went well.
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    relationship INTEGER NOT NULL REFERENCES relationships (id),
    session INTEGER NOT NULL REFERENCES sessions (id),
    kind TEXT NOT NULL CHECK (kind IN ('create', 'replace', 'delete')),
    pc_item INTEGER,                    -- create: the contact that it stands for
    name TEXT,                          -- create: the name without extension
    phone_item INTEGER,                 -- replace, delete
    expected BLOB,                      -- replace, delete: the SHA-256 of what is replaced
    card INTEGER REFERENCES cards (id), -- create, replace: the content
    CHECK ((kind = 'create') = (pc_item IS NOT NULL AND name IS NOT NULL)),
    CHECK ((kind <> 'create') = (phone_item IS NOT NULL AND expected IS NOT NULL)),
    CHECK ((kind <> 'delete') = (card IS NOT NULL))
) STRICT;

CREATE TABLE actions (
    -- The history: one row per action of a session, with the content that it replaced.
    id INTEGER PRIMARY KEY,
    session INTEGER NOT NULL REFERENCES sessions (id),
    kind TEXT NOT NULL,
    side TEXT NOT NULL,
    subject TEXT NOT NULL,
    reason TEXT NOT NULL,
    outcome TEXT NOT NULL,
    pc_before INTEGER REFERENCES cards (id),
    phone_before INTEGER REFERENCES cards (id)
) STRICT;
CREATE INDEX actions_by_session ON actions (session);

CREATE VIEW contacts_v1 (
    -- The contacts of all books, for other programs. groups is a JSON array, updated_at is UTC (ISO 8601), absent
    -- values are NULL, vcard is the card as text.
    uid, fn, given, family, org, title, primary_email, primary_tel, bday, note, groups, updated_at, vcard
) AS SELECT
    c.uid, c.fn, c.given, c.family, c.org, c.title,
    (SELECT email FROM emails WHERE contact = c.id AND position = 0),
    (SELECT number FROM numbers WHERE contact = c.id AND position = 0),
    c.bday, c.note, coalesce(c.groups, '[]'),
    strftime('%Y-%m-%dT%H:%M:%fZ', c.modified_ms / 1000.0, 'unixepoch'),
    CAST(k.bytes AS TEXT)
FROM contacts AS c JOIN cards AS k ON k.id = c.card;

CREATE VIEW emails_v1 (
    -- One row per e-mail address of a contact; position 0 is the primary one.
    uid, fn, email, types, position
) AS SELECT c.uid, c.fn, e.email, e.types, e.position
FROM emails AS e JOIN contacts AS c ON c.id = e.contact;

CREATE VIEW phones_v1 (
    -- One row per telephone number of a contact; digits has no separators, and + instead of a leading 00.
    uid, fn, number, digits, types, position
) AS SELECT c.uid, c.fn, n.number, n.digits, n.types, n.position
FROM numbers AS n JOIN contacts AS c ON c.id = n.contact;
";

/// Phones can be paired. What was known of a phone stays as it is; its model comes to be known at its next visit.
const VERSION_2: &str = "
-- What the phone calls itself: manufacturer and model; NULL until it is seen again.
ALTER TABLE phones ADD COLUMN model TEXT;
-- USB vendor and product id, as in 18d1:4ee1; NULL if it was never reached over the cable.
ALTER TABLE phones ADD COLUMN usb_id TEXT;
-- 0: phones.serial names only the model, because the phone has no serial number of its own.
ALTER TABLE phones ADD COLUMN has_serial INTEGER NOT NULL DEFAULT 1;
-- When a person paired it; NULL: it is only known from being seen.
ALTER TABLE phones ADD COLUMN paired_ms INTEGER;
-- What the person calls a paired phone.
ALTER TABLE phones ADD COLUMN name TEXT CHECK ((name IS NULL) = (paired_ms IS NULL));
-- The book that a paired phone syncs with.
ALTER TABLE phones ADD COLUMN book INTEGER REFERENCES books (id) CHECK ((book IS NULL) = (paired_ms IS NULL));
CREATE UNIQUE INDEX phones_by_name ON phones (name COLLATE NOCASE) WHERE name IS NOT NULL;
";

/// Channels remember more than their items, and phones are probed.
const VERSION_3: &str = "
CREATE TABLE channel_memory (
    -- What a channel remembers of a phone: bytes by name, which only the channel understands.
    replica TEXT NOT NULL,              -- the replica's id
    name TEXT NOT NULL,
    content BLOB NOT NULL,
    PRIMARY KEY (replica, name)
) STRICT;
-- What a probe of the phone found that it cannot hold, as JSON; NULL: it was never probed.
ALTER TABLE phones ADD COLUMN learned TEXT CHECK (learned IS NULL OR json_valid(learned));
";

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::store::testing::{Rig, action, card, card_of, observed_row, sighting};
    use crate::store::{OpenOptions, Store, book, history, ledger, observed};

    fn plan(store: &Store, sql: &str) -> String {
        let mut explain = store.connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let parameters = vec![1_i64; explain.parameter_count()];
        let rows = explain.query_map(rusqlite::params_from_iter(parameters), |row| row.get(3)).unwrap();
        rows.collect::<Result<Vec<String>, _>>().unwrap().join("; ")
    }

    #[test]
    fn every_hot_query_uses_its_index_and_sorts_nothing() {
        let store = Store::in_memory().unwrap();
        let hot = [
            (book::CHANGES, "c USING INDEX contacts_by_counter (book=? AND counter>? AND counter<?)"),
            (
                "SELECT card FROM contacts WHERE book = ?1 AND item = ?2",
                "INDEX contacts_by_item (book=? AND item=?)",
            ),
            ("SELECT card FROM contacts WHERE uid = ?2 AND book = ?1", "INDEX contacts_by_uid (uid=?)"),
            ("SELECT id FROM cards WHERE sha256 = ?1", "sqlite_autoindex_cards_1 (sha256=?)"),
            (ledger::LINK_OF_PC, "INDEX links_by_pc (relationship=? AND pc_item=?)"),
            (ledger::LINK_OF_PHONE, "INDEX links_by_phone (relationship=? AND phone_item=?)"),
            (ledger::LINKS_WITHOUT_BASELINE, "INDEX links_without_baseline (relationship=?)"),
            (observed::LOAD, "observed USING PRIMARY KEY (phone=?)"),
            (history::ACTIONS, "INDEX actions_by_session (session=?)"),
        ];
        let by_uid = plan(&store, &crate::store::contacts::by_uid());
        assert!(by_uid.contains("c USING INDEX contacts_by_uid (uid=?)"), "{by_uid}");
        // All conflicts are walked, in their order; the links are not.
        let conflicts = plan(&store, ledger::OPEN_CONFLICTS);
        assert_eq!(conflicts, "SCAN c; SEARCH l USING INTEGER PRIMARY KEY (rowid=?)");
        for (sql, index) in hot {
            let plan = plan(&store, sql);
            assert!(plan.contains(index), "{sql}: {plan}");
            assert!(!plan.contains("SCAN") && !plan.contains("TEMP B-TREE"), "{sql}: {plan}");
        }
    }

    #[test]
    fn indices_are_as_declared_and_each_has_its_own_columns() {
        let store = Store::in_memory().unwrap();
        let mut select = store
            .connection
            .prepare(
                "SELECT m.name || (CASE l.\"unique\" WHEN 1 THEN ' unique' ELSE '' END) || ': '
                    || group_concat(m.tbl_name || '.' || i.name, ', ')
                    FROM sqlite_schema AS m JOIN pragma_index_list(m.tbl_name) AS l ON l.name = m.name
                    JOIN pragma_index_info(m.name) AS i WHERE m.type = 'index' AND m.sql IS NOT NULL
                    GROUP BY m.name ORDER BY m.name",
            )
            .unwrap();
        let indices =
            select.query_map([], |row| row.get(0)).unwrap().collect::<Result<Vec<String>, _>>().unwrap();
        assert_eq!(
            indices,
            [
                "actions_by_session: actions.session",
                "contacts_by_counter unique: contacts.book, contacts.counter",
                "contacts_by_item unique: contacts.book, contacts.item",
                "contacts_by_uid: contacts.uid",
                "holds_by_pc unique: holds.relationship, holds.pc_item",
                "holds_by_phone unique: holds.relationship, holds.phone_item",
                "links_by_pc unique: links.relationship, links.pc_item",
                "links_by_phone unique: links.relationship, links.phone_item",
                "links_without_baseline: links.relationship",
                "phones_by_name unique: phones.name",
            ]
        );
    }

    #[test]
    fn every_table_says_what_it_is_for() {
        let store = Store::in_memory().unwrap();
        let mut select = store
            .connection
            .prepare("SELECT name, sql FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%'")
            .unwrap();
        let mut rows = select.query([]).unwrap();
        let mut seen = 0;
        while let Some(row) = rows.next().unwrap() {
            let (name, sql): (String, String) = (row.get(0).unwrap(), row.get(1).unwrap());
            assert!(sql.lines().nth(1).unwrap().trim_start().starts_with("-- "), "{name}");
            seen += 1;
        }
        assert_eq!(seen, 24);
    }

    #[test]
    fn the_views_for_other_programs_keep_their_columns_and_what_they_mean() {
        let rig = Rig::new();
        let store = rig.store();
        let book = rig.book(&store);
        let full = card_of(&[
            "UID:ada",
            "FN:Ada Example",
            "N:Example;Ada;;;",
            "ORG:Engines Ltd",
            "TITLE:Analyst",
            "BDAY:1980-02-29",
            "NOTE:likes looms",
            "CATEGORIES:Friends,Work",
            "EMAIL;TYPE=HOME:ada@example.org",
            "EMAIL:second@example.org",
            "TEL;TYPE=CELL:0049 170 1",
        ]);
        book.add(&full).unwrap();
        let (gone, _) = book.add(&card_of(&["FN:Bob Example", "TEL:1"])).unwrap();
        book.remove(gone, None).unwrap();
        drop(store);
        // As another program would.
        let reader =
            Connection::open_with_flags(rig.path(), rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let table = |view: &str| -> Vec<String> {
            let mut select = reader.prepare(&format!("SELECT * FROM {view}")).unwrap();
            let names: Vec<String> = select.column_names().into_iter().map(str::to_owned).collect();
            let mut rows = select.query([]).unwrap();
            let mut lines = vec![names.join("|")];
            while let Some(row) = rows.next().unwrap() {
                let values = (0..names.len()).map(|column| match row.get_ref(column).unwrap() {
                    rusqlite::types::ValueRef::Integer(number) => number.to_string(),
                    value => value.as_str_or_null().unwrap().unwrap_or("NULL").to_owned(),
                });
                lines.push(values.collect::<Vec<_>>().join("|"));
            }
            lines
        };
        let vcard = String::from_utf8(full.as_bytes().to_vec()).unwrap();
        assert_eq!(
            table("contacts_v1"),
            [
                "uid|fn|given|family|org|title|primary_email|primary_tel|bday|note|groups|updated_at|vcard"
                    .to_owned(),
                format!(
                    "ada|Ada Example|Ada|Example|Engines Ltd|Analyst|ada@example.org|0049 170 1|1980-02-29|likes looms|\
                     [\"Friends\",\"Work\"]|2023-11-14T22:13:20.000Z|{vcard}"
                ),
            ]
        );
        assert_eq!(
            table("emails_v1"),
            [
                "uid|fn|email|types|position",
                "ada|Ada Example|ada@example.org|home|0",
                "ada|Ada Example|second@example.org||1"
            ]
        );
        assert_eq!(
            table("phones_v1"),
            ["uid|fn|number|digits|types|position", "ada|Ada Example|0049 170 1|+491701|cell|0"]
        );
    }

    #[test]
    fn migrations_are_numbered_without_gaps_up_to_the_format_written() {
        let numbers: Vec<i64> = MIGRATIONS.iter().map(|migration| migration.to).collect();
        assert_eq!(numbers, (1..=SCHEMA_VERSION).collect::<Vec<_>>());
    }

    #[test]
    fn a_migration_applies_once_and_a_failing_one_leaves_the_old_format_whole() {
        let connection = Connection::open_in_memory().unwrap();
        let good =
            [Migration { to: 1, sql: "CREATE TABLE a (x)" }, Migration { to: 2, sql: "CREATE TABLE b (x)" }];
        migrate(&connection, &good[..1]).unwrap();
        migrate(&connection, &good).unwrap();
        migrate(&connection, &good).unwrap();
        assert_eq!(user_version(&connection).unwrap(), 2);
        let bad = [
            Migration { to: 3, sql: "CREATE TABLE c (x)" },
            Migration { to: 4, sql: "CREATE TABLE d (x); INSERT INTO missing VALUES (1)" },
        ];
        assert!(migrate(&connection, &bad).is_err());
        assert!(connection.is_autocommit());
        assert_eq!(user_version(&connection).unwrap(), 2);
        let tables: i64 =
            connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).unwrap();
        assert_eq!(tables, 2);
    }

    fn fixture(version: i64) -> PathBuf {
        let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures/databases");
        folder.join(format!("version-{version}.db"))
    }

    /// Makes the fixture of the format that is written now, to be kept when a later format comes. Run it once per
    /// format: `cargo test --lib store::schema -- --ignored make_the_fixture`.
    #[test]
    #[ignore = "makes a fixture; run once for each new format"]
    fn make_the_fixture_of_this_version() {
        use crate::contact::Baseline;
        use crate::provider::{Confirmation, Direction, IntentStep, ItemId, Ledger, Metadata, Revision};
        let rig = Rig::new();
        {
            let store = rig.store();
            let book = rig.book(&store);
            let ada = card_of(&["FN:Ada Example", "EMAIL:ada@example.org", "TEL:+49 170 1"]);
            let (item, cn) = book.add(&ada).unwrap();
            let (gone, _) = book.add(&card("bob", "Bob Example")).unwrap();
            book.remove(gone, None).unwrap();
            let ledger = rig.ledger(&store, &book);
            let memory = crate::store::PhoneMetadata::new(&store, store.phones().unwrap()[0].id);
            memory.save(&[observed_row(1, "Card/ada.vcf")], 2, 1).unwrap();
            let session = ledger.open_session(1_700_000_000_000).unwrap();
            let delete = IntentStep::Delete { item: ItemId(1), expected: Revision([7; 32]) };
            ledger.note_intents(session, &[delete]).unwrap();
            let base = Baseline { pc: ada.clone(), phone: ada };
            let linked = Confirmation {
                link: Some((None, item, ItemId(1), Some(base))),
                action: Some(action("create")),
                ..Confirmation::default()
            };
            ledger.confirm(session, &[linked]).unwrap();
            let mut state = crate::ics::SyncState::empty();
            state.record(item.0, cn);
            ledger.put_state(Direction::PcToPhone, &state).unwrap();
            ledger.close_session(session, 1_700_000_001_000, "{}").unwrap();
            let phone = store.phones().unwrap()[0].id;
            store.pair(phone, "Ada's phone", &book, 1_700_000_002_000).unwrap();
        }
        std::fs::create_dir_all(fixture(SCHEMA_VERSION).parent().unwrap()).unwrap();
        std::fs::copy(rig.path(), fixture(SCHEMA_VERSION)).unwrap();
    }

    fn paired_since_version_2(version: i64) -> Option<String> {
        (version >= 2).then(|| "Ada's phone".to_owned())
    }

    #[test]
    fn an_older_format_is_read_without_being_touched() {
        let rig = Rig::new();
        std::fs::create_dir_all(rig.path().parent().unwrap()).unwrap();
        std::fs::copy(fixture(1), rig.path()).unwrap();
        let dry = rig.read_only();
        assert!(dry.is_read_only());
        assert_eq!(rig.book(&dry).list().unwrap().len(), 1);
        assert_eq!(dry.phones().unwrap()[0].pairing, None);
        assert!(dry.begin().is_err());
        drop(dry);
        assert_eq!(std::fs::read(rig.path()).unwrap(), std::fs::read(fixture(1)).unwrap());
        assert_eq!(std::fs::read_dir(rig.path().parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn databases_of_every_format_open_with_all_that_they_held() {
        use crate::provider::{Direction, Ledger, Metadata};
        for version in 1..=SCHEMA_VERSION {
            let rig = Rig::new();
            std::fs::create_dir_all(rig.path().parent().unwrap()).unwrap();
            std::fs::copy(fixture(version), rig.path()).unwrap();
            let store = Store::open(&rig.path(), &OpenOptions::default()).unwrap();
            store.check().unwrap();
            let book = rig.book(&store);
            let contacts = book.list().unwrap();
            let shown: Vec<_> =
                contacts.iter().map(|contact| (contact.name.as_str(), contact.email.as_deref())).collect();
            assert_eq!(shown, [("Ada Example", Some("ada@example.org"))]);
            assert!(contacts[0].uid.starts_with("urn:uuid:"));
            assert_eq!(book.next_counter().unwrap(), 4);
            let ledger = rig.ledger(&store, &book);
            let link = ledger.link_of_pc(contacts[0].item).unwrap().unwrap();
            assert_eq!(link.phone.0, 1);
            assert!(link.base.is_some());
            assert!(!ledger.state(Direction::PcToPhone).unwrap().is_empty());
            assert_eq!(ledger.open_intents().unwrap().len(), 1);
            let memory = crate::store::PhoneMetadata::new(&store, store.phones().unwrap()[0].id);
            assert_eq!(memory.load().unwrap(), [observed_row(1, "Card/ada.vcf")]);
            let sessions = store.sessions(9).unwrap();
            assert_eq!(sessions[0].ended_ms, Some(1_700_000_001_000));
            assert_eq!(store.actions(sessions[0].id).unwrap()[0].kind, "create");
            let phone = store.phones().unwrap().remove(0);
            assert_eq!((phone.sighting.guid, phone.generation), (sighting(1).guid, 1));
            assert_eq!(phone.sighting.serial, sighting(1).serial);
            assert_eq!(phone.pairing.map(|pairing| pairing.name), paired_since_version_2(version));
        }
    }
}
