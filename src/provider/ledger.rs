//! The memory of a relationship: links with their baselines, sync states, the journal of intents, open conflicts
//! and the history of sessions. Contracts only; `store` keeps it in SQLite.

use thiserror::Error;

use super::{ItemId, Revision};
use crate::contact::{Baseline, Card, Evidence};
use crate::ics::SyncState;

/// The memory could not be read or written. Nothing may be assumed about what it holds.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Reading or writing failed; the disk may be full.
    #[error("the database could not be used: {0}")]
    Failed(String),
    /// What was read makes no sense.
    #[error("the database is damaged: {0}")]
    Damaged(String),
}

/// One of the two ways of a relationship.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Direction {
    /// What the PC has of the phone.
    PhoneToPc,
    /// What the phone has of the PC.
    PcToPhone,
}

/// The number of a link in the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LinkId(pub i64);

/// The number of an intent in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct IntentId(pub i64);

/// The number of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SessionId(pub i64);

/// A pair that stands for one contact, with what both sides held when they last agreed.
#[derive(Debug, Clone)]
pub struct Link {
    /// Its number.
    pub id: LinkId,
    /// The item on the PC.
    pub pc: ItemId,
    /// The item on the phone.
    pub phone: ItemId,
    /// The baseline; `None` if the two were joined but never compared (a create whose acknowledgement was lost).
    pub base: Option<Baseline>,
}

/// What an intent will do to the phone. PC writes need none: they share a transaction with their acknowledgement.
#[derive(Debug, Clone)]
pub enum IntentStep {
    /// Create an item for `pc` under `name`.
    Create {
        /// The PC's item that it stands for.
        pc: ItemId,
        /// The name without extension.
        name: String,
        /// The content.
        card: Card,
    },
    /// Replace the phone's item.
    Replace {
        /// The item.
        item: ItemId,
        /// What is replaced.
        expected: Revision,
        /// The content.
        card: Card,
    },
    /// Delete the phone's item.
    Delete {
        /// The item.
        item: ItemId,
        /// What is deleted.
        expected: Revision,
    },
}

/// An intent that is in the journal.
#[derive(Debug, Clone)]
pub struct Intent {
    /// Its number.
    pub id: IntentId,
    /// The session that noted it.
    pub session: SessionId,
    /// What it is.
    pub step: IntentStep,
}

/// A field on which both sides stay apart until a person decides.
#[derive(Clone, PartialEq, Eq)]
pub struct OpenConflict {
    /// The pair.
    pub link: LinkId,
    /// The contact's display name.
    pub subject: String,
    /// The field, in words.
    pub field: String,
    /// What both agreed on before, as display text.
    pub base: Option<String>,
    /// The PC's value.
    pub pc: Option<String>,
    /// The phone's value.
    pub phone: Option<String>,
}

impl std::fmt::Debug for OpenConflict {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "OpenConflict({:?}, {})", self.link, self.field)
    }
}

/// What a person said about a contact on the PC and one on the phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchAnswer {
    /// They are one contact.
    Same,
    /// They are two.
    Different,
}

/// A remembered answer. It holds for the two items, whatever becomes of their contents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MatchDecision {
    /// The PC's item.
    pub pc: ItemId,
    /// The phone's item.
    pub phone: ItemId,
    /// The answer.
    pub answer: MatchAnswer,
    /// When it was given, milliseconds since 1970.
    pub decided_ms: i64,
}

/// Two contacts that may be one and wait for an answer, as a session saw them. `Debug` shows no content.
#[derive(Clone, PartialEq, Eq)]
pub struct AskedPair {
    /// The PC's item.
    pub pc: ItemId,
    /// The phone's item.
    pub phone: ItemId,
    /// The sum of the points.
    pub score: i32,
    /// What speaks for and against it.
    pub reasons: Vec<Evidence>,
    /// Where the phone's item stands.
    pub place: String,
    /// What the PC held.
    pub pc_card: Card,
    /// What the phone held.
    pub phone_card: Card,
}

impl std::fmt::Debug for AskedPair {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "AskedPair({} {} {} {:?})", self.pc, self.phone, self.score, self.reasons)
    }
}

/// Both sides of a pair with open conflicts, whole, as they were when it was told: what an answer starts from while the
/// phone is away.
#[derive(Clone, PartialEq, Eq)]
pub struct ConflictSides {
    /// When it was told first, milliseconds since 1970. What is kept of an earlier telling goes before it.
    pub since_ms: i64,
    /// The PC's card.
    pub pc: Card,
    /// The phone's card.
    pub phone: Card,
}

impl std::fmt::Debug for ConflictSides {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("ConflictSides").field("since_ms", &self.since_ms).finish_non_exhaustive()
    }
}

/// What one action of a session did, for `log` and `undo`; contents are kept as cards so that they can be shown and put
/// back. A side that was not written has neither a card before nor after; one without a card after lost the contact.
#[derive(Clone, Default)]
pub struct ActionRow {
    /// The kind in one word, as the plan names it ("create", "update", "delete", "merge", "match", …).
    pub kind: String,
    /// Which side was written: "phone", "pc", "both" or "none".
    pub side: String,
    /// The contact's display name.
    pub subject: String,
    /// The reason, in words.
    pub reason: String,
    /// "done", "refused", "unknown", "stale".
    pub outcome: String,
    /// The PC's card before, if it was written.
    pub pc_before: Option<Card>,
    /// The phone's card before, if it was written.
    pub phone_before: Option<Card>,
    /// The PC's item that it concerned.
    pub pc_item: Option<ItemId>,
    /// The phone's item that it concerned.
    pub phone_item: Option<ItemId>,
    /// What the PC held after it, if it was written.
    pub pc_after: Option<Card>,
    /// What the phone held after it, as read back, if it was written; what was sent, if nothing came back.
    pub phone_after: Option<Card>,
    /// What both held when they had last agreed before it. The ledger fills this in from the link.
    pub base: Option<Baseline>,
}

/// A contact that is held since an undo: no session touches it until a person says which side counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeldPair {
    /// The item on the PC, there or removed.
    pub pc: Option<ItemId>,
    /// The item on the phone, there or removed.
    pub phone: Option<ItemId>,
}

/// What becomes of the hold of a contact.
#[derive(Clone)]
pub enum HoldChange {
    /// It is held, with what each side holds; a hold of one of its items is replaced.
    Set {
        /// The contact's items.
        pair: HeldPair,
        /// The contact's display name.
        subject: String,
        /// The PC's card.
        pc: Option<Card>,
        /// The phone's card.
        phone: Option<Card>,
    },
    /// It is held no longer.
    Lift(HeldPair),
}

/// The facts that one acknowledged action adds, in one piece: all of it becomes durable or none.
#[derive(Clone, Default)]
pub struct Confirmation {
    /// The intent that is settled.
    pub intent: Option<IntentId>,
    /// A link that is new (`None`) or renewed, with pair and baseline.
    pub link: Option<(Option<LinkId>, ItemId, ItemId, Option<Baseline>)>,
    /// A link that is gone, both items with it or set free.
    pub unlink: Option<LinkId>,
    /// The open conflicts of the link now, replacing the earlier ones; `None` leaves them.
    pub conflicts: Option<Vec<OpenConflict>>,
    /// Both sides of the link, kept with its conflicts.
    pub sides: Option<ConflictSides>,
    /// The line for `log`.
    pub action: Option<ActionRow>,
    /// What becomes of the contact's hold.
    pub hold: Option<HoldChange>,
}

/// What a batch of confirmations gave back.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchResult {
    /// The link of each confirmation, in order.
    pub links: Vec<Option<LinkId>>,
}

/// A session as `log` lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionSummaryRow {
    /// Its number.
    pub id: SessionId,
    /// When it began, milliseconds since 1970.
    pub started_ms: i64,
    /// When it ended; `None` if it was cut off.
    pub ended_ms: Option<i64>,
    /// The phone's label.
    pub phone: String,
    /// The book's name.
    pub book: String,
    /// The JSON summary line, as `--json` prints it last.
    pub summary: Option<String>,
    /// The session that it took back, if it is an undo.
    pub undoes: Option<SessionId>,
    /// The session that took it back, if one did and was not taken back itself.
    pub undone_by: Option<SessionId>,
}

/// The memory of one relationship.
///
/// Everything between `begin` and `commit` becomes durable together; the PC's writes made meanwhile too.
pub trait Ledger {
    /// The sync state of a direction; empty at first.
    ///
    /// # Errors
    /// When it cannot be read.
    fn state(&self, direction: Direction) -> Result<SyncState, LedgerError>;

    /// Stores the sync state of a direction.
    ///
    /// # Errors
    /// When it cannot be written.
    fn put_state(&self, direction: Direction, state: &SyncState) -> Result<(), LedgerError>;

    /// The link of a PC item.
    ///
    /// # Errors
    /// When it cannot be read.
    fn link_of_pc(&self, item: ItemId) -> Result<Option<Link>, LedgerError>;

    /// The link of a phone item.
    ///
    /// # Errors
    /// When it cannot be read.
    fn link_of_phone(&self, item: ItemId) -> Result<Option<Link>, LedgerError>;

    /// A link by its number.
    ///
    /// # Errors
    /// When it cannot be read.
    fn link(&self, id: LinkId) -> Result<Option<Link>, LedgerError>;

    /// How many pairs are linked.
    ///
    /// # Errors
    /// When it cannot be read.
    fn link_count(&self) -> Result<usize, LedgerError>;

    /// Links without a baseline, to be compared in this session.
    ///
    /// # Errors
    /// When they cannot be read.
    fn links_without_baseline(&self) -> Result<Vec<Link>, LedgerError>;

    /// Drops the baselines of all links: one side was restored to an earlier state, so that what both held when
    /// they last agreed says nothing about who changed what. Takes part in the open batch, if any.
    ///
    /// # Errors
    /// When it cannot be written.
    fn forget_baselines(&self) -> Result<(), LedgerError>;

    /// All open conflicts.
    ///
    /// # Errors
    /// When they cannot be read.
    fn open_conflicts(&self) -> Result<Vec<OpenConflict>, LedgerError>;

    /// What a person said about who is who.
    ///
    /// # Errors
    /// When it cannot be read.
    fn match_decisions(&self) -> Result<Vec<MatchDecision>, LedgerError>;

    /// The pairs that wait for an answer, as the last session saw them, in the order of their items.
    ///
    /// # Errors
    /// When they cannot be read.
    fn asked_pairs(&self) -> Result<Vec<AskedPair>, LedgerError>;

    /// Keeps the pairs that wait for an answer in place of those before; writes nothing if they are the same.
    ///
    /// # Errors
    /// When they cannot be written.
    fn replace_asked(&self, asked: &[AskedPair]) -> Result<(), LedgerError>;
    /// Both sides of a link with open conflicts; `None` if it has none, or an earlier version did not keep them.
    ///
    /// # Errors
    /// When they cannot be read.
    fn conflict_sides(&self, link: LinkId) -> Result<Option<ConflictSides>, LedgerError>;

    /// The intents that no acknowledgement has cleared.
    ///
    /// # Errors
    /// When they cannot be read.
    fn open_intents(&self) -> Result<Vec<Intent>, LedgerError>;

    /// Notes intents; they are on the disk when this returns (one fsync for all of them).
    ///
    /// # Errors
    /// When they cannot be written; then nothing may be written to the phone.
    fn note_intents(&self, session: SessionId, steps: &[IntentStep]) -> Result<Vec<IntentId>, LedgerError>;

    /// Opens a batch.
    ///
    /// # Errors
    /// When the database refuses.
    fn begin(&self) -> Result<(), LedgerError>;

    /// Adds what actions brought to the open batch.
    ///
    /// # Errors
    /// When it cannot be written; the batch must then be rolled back.
    fn confirm(&self, session: SessionId, facts: &[Confirmation]) -> Result<BatchResult, LedgerError>;

    /// Makes the batch durable.
    ///
    /// # Errors
    /// When it cannot; then nothing of it counts.
    fn commit(&self) -> Result<(), LedgerError>;

    /// Drops the batch.
    ///
    /// # Errors
    /// When the database refuses.
    fn roll_back(&self) -> Result<(), LedgerError>;

    /// Opens a session in the history.
    ///
    /// # Errors
    /// When it cannot be written.
    fn open_session(&self, started_ms: i64) -> Result<SessionId, LedgerError>;

    /// Opens a session in the history that takes the session `undoes` back.
    ///
    /// # Errors
    /// When it cannot be written.
    fn open_undo(&self, started_ms: i64, undoes: SessionId) -> Result<SessionId, LedgerError>;

    /// The contacts that are held since an undo.
    ///
    /// # Errors
    /// When they cannot be read.
    fn held(&self) -> Result<Vec<HeldPair>, LedgerError>;

    /// Holds contacts before they are touched, so that a session that is cut leaves nothing that the next one would take
    /// for a person's edit. They are on the disk when this returns.
    ///
    /// # Errors
    /// When it cannot be written; then nothing may be written to the phone.
    fn hold(&self, session: SessionId, changes: &[HoldChange]) -> Result<(), LedgerError>;

    /// Closes a session in the history with its JSON summary.
    ///
    /// # Errors
    /// When it cannot be written.
    fn close_session(&self, session: SessionId, ended_ms: i64, summary: &str) -> Result<(), LedgerError>;
}
