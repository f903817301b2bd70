//! Everything that outlives a process, as one small value that can be compared and hashed: what lies on the phone and
//! what is in the database. Values only; it runs nothing and decides nothing.

use std::fmt;
use std::hash::{Hash, Hasher};

use tetherbook::contact::{Baseline, Card};
use tetherbook::ics::{ChangeNumber, Guid, SyncState};
use tetherbook::provider::{
    Intent, IntentId, IntentStep, ItemId, Link, LinkId, Observed, OpenConflict, Revision, SessionId,
};

/// The replica's id of the PC's book.
pub const BOOK: u8 = 200;

pub fn guid(tag: u8) -> Guid {
    Guid::from_random([tag; 16])
}

/// One file of the phone's contacts folder.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct File {
    pub name: String,
    pub bytes: Vec<u8>,
    /// The second in which it was written; always 0 where the phone tells no dates.
    pub date: u64,
}

/// The phone's folder, sorted by name.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Phone {
    pub files: Vec<File>,
}

/// A contact of the PC's book, or its tombstone.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Contact {
    pub item: u64,
    pub counter: u64,
    pub card: Option<Shown>,
}

/// A card that shows itself in a trace: every card here is invented.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Shown(pub Card);

/// A row of `Tracked`'s memory.
#[derive(Clone, PartialEq, Eq)]
pub struct Row(pub Observed);

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct LinkRow {
    pub id: i64,
    pub pc: u64,
    pub phone: u64,
    /// The baseline: the PC's card and the phone's.
    pub base: Option<(Shown, Shown)>,
}

/// What is noted of one write to the phone.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Step {
    Create { pc: u64, name: String, card: Shown },
    Replace { phone: u64, expected: Revision, card: Shown },
    Delete { phone: u64, expected: Revision },
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct IntentRow {
    pub id: i64,
    pub step: Step,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct ConflictRow {
    pub link: i64,
    pub subject: String,
    pub field: String,
    pub values: [Option<String>; 3],
}

/// The sync state of one direction.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Watermark {
    pub given: Vec<u64>,
    /// Ranges of numbers.
    pub seen: Vec<(u64, u64)>,
}

/// What the database holds.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Database {
    pub contacts: Vec<Contact>,
    /// The next number of the book.
    pub next_pc: u64,
    /// The replica that all of the following belongs to; 0 before the first session.
    pub replica: u8,
    pub rows: Vec<Row>,
    pub next_phone: u64,
    pub generation: u64,
    pub links: Vec<LinkRow>,
    pub intents: Vec<IntentRow>,
    pub conflicts: Vec<ConflictRow>,
    /// What the PC has of the phone.
    pub of_phone: Watermark,
    /// What the phone has of the PC.
    pub of_pc: Watermark,
}

#[derive(Clone, PartialEq, Eq, Hash, Debug, Default)]
pub struct Disk {
    pub phone: Phone,
    pub database: Database,
}

impl Hash for Row {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let row = &self.0;
        (row.item, row.counter, &row.locator, &row.stamp, row.revision).hash(state);
        (row.uid_hash, &row.problem, row.deleted, row.settled, row.verified_ms).hash(state);
    }
}

impl fmt::Debug for Row {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Observed { item, counter, locator, revision, deleted, problem, .. } = &self.0;
        write!(formatter, "{item}@{counter} {locator} {revision:?} deleted={deleted} {problem:?}")
    }
}

/// The lines of a card that say something here.
fn telling(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let skipped = ["BEGIN", "VERSION", "FN:", "N:", "END", "#"];
    let lines = text.lines().filter(|line| !skipped.iter().any(|start| line.starts_with(start)));
    lines.collect::<Vec<_>>().join("|")
}

impl fmt::Debug for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&telling(self.0.as_bytes()))
    }
}

impl fmt::Debug for File {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} [{} bytes, {}] {}", self.name, self.bytes.len(), self.date, telling(&self.bytes))
    }
}

impl Phone {
    pub fn file(&self, name: &str) -> Option<&File> {
        self.files.iter().find(|file| file.name == name)
    }

    pub fn put(&mut self, file: File) {
        self.files.retain(|other| other.name != file.name);
        self.files.push(file);
        self.files.sort_by(|left, right| left.name.cmp(&right.name));
    }

    /// What the marker says: the replica and its generation.
    pub fn marker(&self) -> Option<(Guid, u64)> {
        ["tetherbook-replica.txt", "tbtmp-tetherbook-replica.txt"].iter().find_map(|name| {
            let text = std::str::from_utf8(&self.file(name)?.bytes).ok()?;
            let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key));
            value("end")?;
            Some((value("replica: ")?.parse().ok()?, value("generation: ")?.parse().ok()?))
        })
    }
}

impl Watermark {
    pub fn of(state: &SyncState, replica: Guid) -> Self {
        Self { given: state.given.get(replica).iter().collect(), seen: state.seen.get(replica).ranges().collect() }
    }

    pub fn state(&self, replica: Guid) -> SyncState {
        let mut state = SyncState::empty();
        for &item in &self.given {
            state.given.insert(replica, item);
        }
        for &(low, high) in &self.seen {
            state.seen.insert_range(replica, low, high);
        }
        state
    }

    pub fn has_seen(&self, counter: u64) -> bool {
        self.seen.iter().any(|&(low, high)| (low..=high).contains(&counter))
    }
}

impl LinkRow {
    pub fn link(&self) -> Link {
        let base = self.base.as_ref();
        Link {
            id: LinkId(self.id),
            pc: ItemId(self.pc),
            phone: ItemId(self.phone),
            base: base.map(|(pc, phone)| Baseline { pc: pc.0.clone(), phone: phone.0.clone() }),
        }
    }
}

impl IntentRow {
    pub fn of(id: i64, step: &IntentStep) -> Self {
        let step = match step {
            IntentStep::Create { pc, name, card } => {
                Step::Create { pc: pc.0, name: name.clone(), card: Shown(card.clone()) }
            }
            IntentStep::Replace { item, expected, card } => {
                Step::Replace { phone: item.0, expected: *expected, card: Shown(card.clone()) }
            }
            IntentStep::Delete { item, expected } => Step::Delete { phone: item.0, expected: *expected },
        };
        Self { id, step }
    }

    pub fn intent(&self) -> Intent {
        let step = match &self.step {
            Step::Create { pc, name, card } => {
                IntentStep::Create { pc: ItemId(*pc), name: name.clone(), card: card.0.clone() }
            }
            Step::Replace { phone, expected, card } => {
                IntentStep::Replace { item: ItemId(*phone), expected: *expected, card: card.0.clone() }
            }
            Step::Delete { phone, expected } => IntentStep::Delete { item: ItemId(*phone), expected: *expected },
        };
        Intent { id: IntentId(self.id), session: SessionId(1), step }
    }

    /// The card that is on its way.
    pub fn card(&self) -> Option<&Card> {
        match &self.step {
            Step::Create { card, .. } | Step::Replace { card, .. } => Some(&card.0),
            Step::Delete { .. } => None,
        }
    }
}

impl ConflictRow {
    pub fn of(link: i64, conflict: &OpenConflict) -> Self {
        Self {
            link,
            subject: conflict.subject.clone(),
            field: conflict.field.clone(),
            values: [conflict.base.clone(), conflict.pc.clone(), conflict.phone.clone()],
        }
    }

    pub fn conflict(&self) -> OpenConflict {
        let [base, pc, phone] = self.values.clone();
        OpenConflict {
            link: LinkId(self.link),
            subject: self.subject.clone(),
            field: self.field.clone(),
            base,
            pc,
            phone,
        }
    }
}

pub fn number(replica: Guid, counter: u64) -> ChangeNumber {
    ChangeNumber { replica, counter }
}
