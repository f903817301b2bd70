//! The events of a session, in the order in which they happen.

use crate::plan::{Action, Plan};
use crate::relationship::{Mode, Side};

use super::Summary;

/// What became of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ActionOutcome {
    /// It is done and remembered.
    Done,
    /// An item changed since it was listed; it is looked at again in the next session.
    Stale,
    /// A side said no.
    Refused(String),
    /// The connection went during it; the next session settles it.
    Unknown(String),
    /// It was not started.
    NotStarted,
    /// A person does it on the phone, or it waits until the phone can be written.
    Waits,
}

impl ActionOutcome {
    /// The word in JSON and in the history.
    #[must_use]
    pub fn word(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Stale => "stale",
            Self::Refused(_) => "refused",
            Self::Unknown(_) => "unknown",
            Self::NotStarted => "not-started",
            Self::Waits => "waits",
        }
    }
}

/// One event.
#[derive(Debug)]
pub enum Event<'a> {
    /// Both sides are open.
    Opened {
        /// The phone's label.
        phone: String,
        /// The name of its device profile.
        profile: String,
        /// The book's name.
        book: String,
        /// The mode of the session.
        mode: Mode,
        /// Whether the phone takes contacts only from a person's hand.
        by_hand: bool,
    },
    /// An interrupted session is settled first: so many writes without an outcome.
    Recovering {
        /// How many writes.
        intents: usize,
    },
    /// A side is being asked what changed.
    Collecting(Side),
    /// A side told what changed.
    Collected {
        /// The side.
        side: Side,
        /// How many items it holds.
        items: usize,
        /// How many changes it told.
        changes: usize,
    },
    /// The plan is made.
    Planned(&'a Plan),
    /// Writing begins: so many actions.
    Applying {
        /// How many actions.
        actions: usize,
    },
    /// One action ended.
    Applied {
        /// The action.
        action: &'a Action,
        /// What became of it.
        outcome: &'a ActionOutcome,
    },
    /// Something a person should know that stops nothing.
    Note(String),
    /// The session ended.
    Finished(&'a Summary),
}

/// Whoever hears the events of a session. A report must not change an outcome.
pub trait Report {
    /// Hears one event.
    fn event(&mut self, event: &Event<'_>);
}

/// A report that hears nothing.
#[derive(Debug, Default)]
pub struct Silence;

impl Report for Silence {
    fn event(&mut self, _event: &Event<'_>) {}
}
