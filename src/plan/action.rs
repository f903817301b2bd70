//! The plan and its parts.

use crate::contact::{Baseline, Card, Evidence, FieldChange, FieldConflict, Kept, evidence_words};
use crate::provider::{AskedPair, Completeness, Delivery, ItemId, LinkId, Revision};
use crate::relationship::Side;

use super::{GuardAnswer, Stop};

/// What an action is, in one word for people and for counting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Headline {
    /// A contact is made on this side.
    Create(Side),
    /// A contact is changed on this side.
    Update(Side),
    /// Both sides are changed: each gets what the other changed.
    Merge,
    /// A contact is deleted on this side.
    Delete(Side),
    /// Two contacts are joined; what differs is merged.
    Match,
    /// Nothing is written; the memory learns that both sides agree.
    Settle,
    /// Nothing can be written; a person must decide first.
    Conflict,
    /// An undo: nothing is written; the memory holds again what it held before.
    SetBack,
}

impl Headline {
    /// The word in JSON and in the history.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Create(_) => "create",
            Self::Update(_) => "update",
            Self::Merge => "merge",
            Self::Delete(_) => "delete",
            Self::Match => "match",
            Self::Settle => "settle",
            Self::Conflict => "conflict",
            Self::SetBack => "set-back",
        }
    }
}

/// So many reasons a pair can have at most; a pair of cards never has more.
const REASONS_MAX: usize = 8;

/// The points and reasons by which two cards are one contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Likeness {
    /// The sum of the points.
    pub score: i32,
    reasons: [Option<Evidence>; REASONS_MAX],
}

impl Likeness {
    /// Of these reasons.
    #[must_use]
    pub fn new(score: i32, reasons: &[Evidence]) -> Self {
        let mut kept = [None; REASONS_MAX];
        kept.iter_mut().zip(reasons).for_each(|(place, reason)| *place = Some(*reason));
        Self { score, reasons: kept }
    }

    /// "same name, same phone number: 90 points".
    #[must_use]
    pub fn words(self) -> String {
        let reasons: Vec<Evidence> = self.reasons.into_iter().flatten().collect();
        format!("{}: {} points", evidence_words(&reasons), self.score)
    }
}

/// Why an action is planned: the observations and the setting that led to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reason {
    /// It is new there.
    NewOn(Side),
    /// It was edited there.
    EditedOn(Side),
    /// It was edited on both sides.
    EditedOnBoth,
    /// It was deleted there.
    DeletedOn(Side),
    /// It was deleted on both sides.
    DeletedOnBoth,
    /// It was deleted there, but edited on the other side since: the edit wins.
    EditBeatsDelete {
        /// Where it was deleted.
        deleted_on: Side,
    },
    /// It was deleted there, and edited on the other side since: the deletion wins, because that was chosen.
    DeleteBeatsEdit {
        /// Where it was deleted.
        deleted_on: Side,
    },
    /// It was edited there, but the relationship takes no edits from that side.
    EditNotTaken(Side),
    /// It was deleted there, but the relationship takes no deletions from that side.
    DeleteNotTaken(Side),
    /// It was deleted there, and a person wants it back.
    PutBack(Side),
    /// It was edited there, and a person wants that undone.
    EditTakenBack(Side),
    /// That side was restored to an earlier state and lacks it.
    LostOn(Side),
    /// What both say is enough to be one contact.
    Alike(Likeness),
    /// A person said that they are one.
    SaidSame,
    /// It was offered to the phone, and is there now as the phone can hold it.
    SameAsOffered,
    /// The pair was joined in an interrupted session and has not been compared yet.
    NotComparedYet,
    /// A decision was waiting.
    ConflictWaiting,
    /// The session of this number is undone.
    Undo(i64),
    /// The session of this number is undone, and what was edited since stays.
    UndoBesideEdits(i64),
}

impl Reason {
    /// The reason as a clause.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::NewOn(side) => format!("new on the {}", side.words()),
            Self::EditedOn(side) => format!("edited on the {}", side.words()),
            Self::EditedOnBoth => String::from("edited on both sides"),
            Self::DeletedOn(side) => format!("deleted on the {}", side.words()),
            Self::DeletedOnBoth => String::from("deleted on both sides"),
            Self::EditBeatsDelete { deleted_on } => format!(
                "deleted on the {}, but edited on the {} since: the edit wins",
                deleted_on.words(),
                deleted_on.other().words()
            ),
            Self::DeleteBeatsEdit { deleted_on } => format!(
                "deleted on the {}, and edited on the {} since: the deletion wins, as chosen",
                deleted_on.words(),
                deleted_on.other().words()
            ),
            Self::EditNotTaken(side) => {
                format!("edited on the {}, which only receives: put back as it was", side.words())
            }
            Self::DeleteNotTaken(side) => {
                format!("deleted on the {}, which only receives: put back", side.words())
            }
            Self::PutBack(side) => format!("deleted on the {}: put back, as asked", side.words()),
            Self::EditTakenBack(side) => format!("edited on the {}: taken back, as asked", side.words()),
            Self::LostOn(side) => {
                format!("missing since the {} was restored to an earlier state: put back", side.words())
            }
            Self::Alike(likeness) => format!("the same contact on both sides ({})", likeness.words()),
            Self::SaidSame => String::from("the same contact on both sides: you said so"),
            Self::SameAsOffered => String::from("offered to the phone before, and there now"),
            Self::NotComparedYet => String::from("joined in an interrupted session"),
            Self::ConflictWaiting => String::from("a conflict was waiting"),
            Self::Undo(session) => format!("undo of session {session}"),
            Self::UndoBesideEdits(session) => {
                format!("undo of session {session}; what was edited since stays")
            }
        }
    }
}

/// One write of an action on one side.
#[derive(Debug, Clone)]
pub enum WriteStep {
    /// A new item.
    Create {
        /// A file-name-safe name, derived from the UID.
        name: String,
        /// The content, in the dialect it came in.
        card: Card,
    },
    /// A removed item comes back under its number.
    Revive {
        /// The item.
        item: ItemId,
        /// The content.
        card: Card,
    },
    /// New content for the item.
    Replace {
        /// The item.
        item: ItemId,
        /// What is replaced.
        expected: Revision,
        /// The content before.
        before: Card,
        /// The content.
        card: Card,
    },
    /// The item goes.
    Delete {
        /// The item.
        item: ItemId,
        /// What is deleted.
        expected: Revision,
        /// The content before; `None` if it was not at hand.
        before: Option<Card>,
    },
}

impl WriteStep {
    /// The content that will stand there.
    #[must_use]
    pub fn card(&self) -> Option<&Card> {
        match self {
            Self::Create { card, .. } | Self::Revive { card, .. } | Self::Replace { card, .. } => Some(card),
            Self::Delete { .. } => None,
        }
    }
}

/// What the memory holds of the pair after the action was acknowledged.
#[derive(Debug, Clone)]
pub enum PairAfter {
    /// A link with this baseline. Where a side is written, what was read back takes the baseline's place.
    Linked {
        /// What both sides agree on.
        baseline: Baseline,
    },
    /// No link.
    Unlinked,
    /// What it holds already: what is wanted waits.
    AsBefore,
}

/// What an action does to the hold of its contact: a contact that is held is left alone by every sync until a person says
/// which side counts.
#[derive(Debug, Clone)]
pub enum Holding {
    /// It is held from now on, with what each side holds.
    Set {
        /// The PC's card; `None`: it is not there.
        pc: Option<Card>,
        /// The phone's card; `None`: it is not there.
        phone: Option<Card>,
    },
    /// It is held no longer.
    Lift,
}

/// One action: what happens to one contact.
#[derive(Clone)]
pub struct Action {
    /// What it is.
    pub headline: Headline,
    /// The contact's display name.
    pub subject: String,
    /// Why.
    pub reasons: Vec<Reason>,
    /// The pair's link, if it has one.
    pub link: Option<LinkId>,
    /// The PC's item, if it has one.
    pub pc_item: Option<ItemId>,
    /// The phone's item, if it has one.
    pub phone_item: Option<ItemId>,
    /// The write on the PC.
    pub pc: Option<WriteStep>,
    /// The write on the phone.
    pub phone: Option<WriteStep>,
    /// What the PC's contact gets, field by field.
    pub to_pc: Vec<FieldChange>,
    /// What the phone's contact gets, field by field.
    pub to_phone: Vec<FieldChange>,
    /// Fields on which both sides differ.
    pub conflicts: Vec<FieldConflict>,
    /// The PC's card and the phone's as they are afterwards, where a conflict stays open.
    pub apart: Option<Box<(Card, Card)>>,
    /// What the memory holds afterwards.
    pub after: PairAfter,
    /// How the write on the phone gets there. Where it is not direct, the session carries out the rest of the action,
    /// and the change on the PC counts as told only when the phone was seen to have it.
    pub delivery: Delivery,
    /// What becomes of its hold; only an undo says anything here.
    pub holding: Option<Holding>,
}

impl std::fmt::Debug for Action {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("Action")
            .field("headline", &self.headline)
            .field("reasons", &self.reasons)
            .field("pc_item", &self.pc_item)
            .field("phone_item", &self.phone_item)
            .field("conflicts", &self.conflicts.len())
            .finish_non_exhaustive()
    }
}

impl Action {
    /// The write on a side.
    #[must_use]
    pub fn step(&self, side: Side) -> Option<&WriteStep> {
        match side {
            Side::Phone => self.phone.as_ref(),
            Side::Pc => self.pc.as_ref(),
        }
    }

    /// Whether the session writes anything anywhere for it.
    #[must_use]
    pub fn writes(&self) -> bool {
        self.pc.is_some() || (self.phone.is_some() && !self.waits())
    }

    /// Whether something is wanted on the phone that this session does not write there.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.phone.is_some() && self.delivery != Delivery::Direct
    }

    /// Whether all that it is waits, so that nothing about it is news.
    #[must_use]
    pub fn only_waits(&self) -> bool {
        self.waits() && self.pc.is_none() && matches!(self.after, PairAfter::AsBefore)
    }

    /// The write on a side that this session carries out.
    #[must_use]
    pub fn direct_step(&self, side: Side) -> Option<&WriteStep> {
        self.step(side).filter(|_| side == Side::Pc || !self.waits())
    }

    /// The fields on which both sides stay apart.
    pub fn open_conflicts(&self) -> impl Iterator<Item = &FieldConflict> {
        self.conflicts.iter().filter(|conflict| conflict.kept == Kept::Held)
    }

    /// Whether a person should see it: it writes, joins two contacts, or waits for a decision.
    #[must_use]
    pub fn is_visible(&self) -> bool {
        let is_told = matches!(self.headline, Headline::Match | Headline::SetBack);
        self.writes() || self.waits() || !self.conflicts.is_empty() || is_told
    }
}

/// An item that is left alone in this session, and why.
#[derive(Clone, PartialEq, Eq)]
pub struct Skipped {
    /// The side it is on.
    pub side: Side,
    /// The item.
    pub item: ItemId,
    /// The item on the other side that is left alone with it.
    pub partner: Option<ItemId>,
    /// Its display name or file name.
    pub subject: String,
    /// Why it is left alone.
    pub why: String,
    /// What the person can do.
    pub remedy: String,
}

impl std::fmt::Debug for Skipped {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Skipped({:?} {})", self.side, self.item)
    }
}

/// What a session will do.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// The actions, ordered by display name.
    pub actions: Vec<Action>,
    /// Items left alone.
    pub skipped: Vec<Skipped>,
    /// Items of which a change waits, with no action to show for it.
    pub kept: Vec<(Side, ItemId)>,
    /// Who may be one person and is held until a person answered; neither is copied to the other side.
    pub asked: Vec<AskedPair>,
    /// Sentences for the person: likely duplicates, equal UIDs, fields that a side cannot hold.
    pub notes: Vec<String>,
    /// Why nothing of it may be applied, if so.
    pub stop: Option<Stop>,
    /// What a person may answer to that.
    pub answers: Vec<GuardAnswer>,
    /// Items on the PC and on the phone before.
    pub items: (usize, usize),
    /// Whether this pair of replicas is synced for the first time.
    pub first: bool,
}

impl Plan {
    /// Whether nothing would be written and nothing waits for a decision.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.asked.is_empty() && !self.actions.iter().any(Action::is_visible)
    }

    /// How many contacts would be deleted on a side.
    #[must_use]
    pub fn deletes(&self, side: Side) -> usize {
        self.actions
            .iter()
            .filter(|action| matches!(action.direct_step(side), Some(WriteStep::Delete { .. })))
            .count()
    }
}

/// Why an incomplete listing allows no plan, in words.
pub(super) fn incomplete_words(completeness: &Completeness) -> Option<&str> {
    match completeness {
        Completeness::Complete | Completeness::PresentOnly(_) => None,
        Completeness::Incomplete(why) => Some(why),
    }
}
