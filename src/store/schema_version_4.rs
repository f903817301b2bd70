//! The step to format 4: versions of contacts, what an undo needs, holds, both sides of a conflict, and what a person
//! said about who is who. SQL only; it runs once per database and is never changed afterwards.

/// History that can be taken back, and decisions that are remembered.
pub(super) const VERSION_4: &str = "
-- The items that an action concerned and what each side held after it, so that it can be taken back; NULL: not written,
-- or the action is older than format 4 and cannot be taken back.
ALTER TABLE actions ADD COLUMN pc_item INTEGER;
ALTER TABLE actions ADD COLUMN phone_item INTEGER;
ALTER TABLE actions ADD COLUMN pc_after INTEGER REFERENCES cards (id);
ALTER TABLE actions ADD COLUMN phone_after INTEGER REFERENCES cards (id);
-- The baseline of the pair's link before the action; NULL: the two were not linked, or never compared.
ALTER TABLE actions ADD COLUMN base_pc INTEGER REFERENCES cards (id);
ALTER TABLE actions ADD COLUMN base_phone INTEGER REFERENCES cards (id);
-- What the session did: 'sync', or 'undo' of the session in undoes.
ALTER TABLE sessions ADD COLUMN kind TEXT NOT NULL DEFAULT 'sync' CHECK (kind IN ('sync', 'undo'));
ALTER TABLE sessions ADD COLUMN undoes INTEGER REFERENCES sessions (id);

CREATE TABLE versions (
    -- The history of each contact of a book: one row per content that it had, numbered from 1.
    book INTEGER NOT NULL REFERENCES books (id),
    item INTEGER NOT NULL,
    version INTEGER NOT NULL,
    card INTEGER REFERENCES cards (id), -- NULL: removed
    at_ms INTEGER NOT NULL,             -- when, milliseconds since 1970
    cause TEXT NOT NULL,                -- what made it: add, import, edit, remove, sync, undo, restore, resolve, merge, kept
    session INTEGER REFERENCES sessions (id),
    PRIMARY KEY (book, item, version)
) STRICT, WITHOUT ROWID;
INSERT INTO versions (book, item, version, card, at_ms, cause)
    SELECT book, item, 1, card, modified_ms, 'kept' FROM contacts WHERE card IS NOT NULL;

CREATE TABLE holds (
    -- Contacts that an undo set back: no session touches them until a person says which side counts.
    id INTEGER PRIMARY KEY,
    relationship INTEGER NOT NULL REFERENCES relationships (id),
    pc_item INTEGER,                    -- NULL: not on the PC
    phone_item INTEGER,                 -- NULL: not on the phone
    subject TEXT NOT NULL,              -- the contact's display name
    pc INTEGER REFERENCES cards (id),   -- what each side held when it was set back
    phone INTEGER REFERENCES cards (id),
    session INTEGER NOT NULL REFERENCES sessions (id), -- the undo
    CHECK (pc_item IS NOT NULL OR phone_item IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX holds_by_pc ON holds (relationship, pc_item) WHERE pc_item IS NOT NULL;
CREATE UNIQUE INDEX holds_by_phone ON holds (relationship, phone_item) WHERE phone_item IS NOT NULL;

CREATE TABLE conflict_sides (
    -- Both sides of a pair with open conflicts, as they were when it was told: what an answer starts from.
    link INTEGER PRIMARY KEY REFERENCES links (id) ON DELETE CASCADE,
    since_ms INTEGER NOT NULL,          -- when it was told first, milliseconds since 1970
    pc INTEGER NOT NULL REFERENCES cards (id),
    phone INTEGER NOT NULL REFERENCES cards (id)
) STRICT;

CREATE TABLE match_decisions (
    -- What a person said about a contact on the PC and one on the phone.
    relationship INTEGER NOT NULL REFERENCES relationships (id),
    pc_item INTEGER NOT NULL,
    phone_item INTEGER NOT NULL,
    answer TEXT NOT NULL CHECK (answer IN ('same', 'different')),
    decided_ms INTEGER NOT NULL,
    PRIMARY KEY (relationship, pc_item, phone_item)
) STRICT, WITHOUT ROWID;

CREATE TABLE duplicate_decisions (
    -- Pairs of contacts in one book that a person said are two.
    book INTEGER NOT NULL REFERENCES books (id),
    left_item INTEGER NOT NULL,
    right_item INTEGER NOT NULL,
    decided_ms INTEGER NOT NULL,
    PRIMARY KEY (book, left_item, right_item),
    CHECK (left_item < right_item)
) STRICT, WITHOUT ROWID;

CREATE TABLE asked_pairs (
    -- Who may be one person and waits for an answer, as the last session saw it.
    relationship INTEGER NOT NULL REFERENCES relationships (id),
    pc_item INTEGER NOT NULL,
    phone_item INTEGER NOT NULL,
    score INTEGER NOT NULL,
    reasons TEXT NOT NULL CHECK (json_valid(reasons)),
    place TEXT NOT NULL,                -- where the phone's item stands
    pc INTEGER NOT NULL REFERENCES cards (id),
    phone INTEGER NOT NULL REFERENCES cards (id),
    PRIMARY KEY (relationship, pc_item, phone_item)
) STRICT, WITHOUT ROWID;
";
