//! The summary of a session: what it did and what it cost; the last line of `--json`.
//!
//! The shape is a contract (docs/json.md, golden-tested): keys are added only with a new release note, never renamed.

use std::collections::BTreeMap;

use serde::Serialize;

use super::ExitCode;
use crate::plan::{Action, Headline, Plan, Stop, WriteStep};
use crate::provider::Costs;
use crate::relationship::Side;

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it so")]
fn is_zero(number: &usize) -> bool {
    *number == 0
}

/// A count per side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PerSide {
    /// On the phone.
    pub phone: usize,
    /// On the PC.
    pub pc: usize,
}

impl PerSide {
    fn add(&mut self, side: Side) {
        match side {
            Side::Phone => self.phone += 1,
            Side::Pc => self.pc += 1,
        }
    }
}

/// Bytes that moved between PC and phone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Bytes {
    /// From the phone.
    #[serde(rename = "in")]
    pub from_phone: u64,
    /// To the phone.
    #[serde(rename = "out")]
    pub to_phone: u64,
}

/// How long the parts of a session took, in milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Durations {
    /// Finding out what changed.
    pub collect: f64,
    /// Deciding.
    pub plan: f64,
    /// Writing.
    pub apply: f64,
    /// All of it, opening and closing included.
    pub total: f64,
}

/// What a session did (or, in a dry run, would do) and what it cost.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Always "summary".
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// The session's number in `log`; null if it had nothing to write down.
    pub session: Option<i64>,
    /// The phone's label.
    pub phone: String,
    /// The book's name.
    pub book: String,
    /// Whether it only looked.
    pub dry_run: bool,
    /// Contacts created.
    pub created: PerSide,
    /// Contacts changed on one side.
    pub updated: PerSide,
    /// Contacts deleted.
    pub deleted: PerSide,
    /// Contacts changed on both sides at once.
    pub merged: usize,
    /// Fields that wait for a decision.
    pub conflicts: usize,
    /// Pairs of contacts that may be one person and wait for an answer.
    pub asked: usize,
    /// Contacts that are wanted on the phone and that a person must take over there, or that wait until it can be
    /// written.
    pub waiting: usize,
    /// Contacts that were left in a file on the phone for a person to open.
    pub offered: usize,
    /// Items that were left alone because something is wrong with them.
    pub failed: usize,
    /// Transactions with the phone by operation, and "total".
    pub transactions: BTreeMap<String, u64>,
    /// Bytes moved.
    pub bytes: Bytes,
    /// Contacts written to the phone.
    pub device_writes: usize,
    /// Contacts written to the PC's store.
    pub store_writes: usize,
    /// Contacts that are held since an undo, and that no sync touches until a person says which side counts.
    #[serde(skip_serializing_if = "is_zero")]
    pub held: usize,
    /// The session that this one took back, if it is an undo.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub undoes: Option<i64>,
    /// How long it took.
    pub ms: Durations,
    /// The exit code.
    pub exit: ExitCode,
    /// The guard that stopped it; it has a JSON line of its own.
    #[serde(skip)]
    pub stopped: Option<Stop>,
}

impl Summary {
    /// An empty summary.
    #[must_use]
    pub fn new(phone: &str, book: &str, dry_run: bool) -> Self {
        Self {
            kind: "summary",
            session: None,
            phone: String::from(phone),
            book: String::from(book),
            dry_run,
            created: PerSide::default(),
            updated: PerSide::default(),
            deleted: PerSide::default(),
            merged: 0,
            conflicts: 0,
            asked: 0,
            waiting: 0,
            offered: 0,
            failed: 0,
            transactions: BTreeMap::from([(String::from("total"), 0)]),
            bytes: Bytes::default(),
            device_writes: 0,
            store_writes: 0,
            held: 0,
            undoes: None,
            ms: Durations::default(),
            exit: ExitCode::Done,
            stopped: None,
        }
    }

    /// Counts a whole plan as if it were applied; for a dry run.
    pub fn count_plan(&mut self, plan: &Plan) {
        for action in &plan.actions {
            self.count_action(action);
        }
        self.failed += plan.skipped.len();
        self.asked += plan.asked.len();
    }

    /// Counts one action that was applied.
    pub fn count_action(&mut self, action: &Action) {
        if action.headline == Headline::Merge && !action.waits() {
            self.merged += 1;
        }
        for side in [Side::Phone, Side::Pc] {
            match action.direct_step(side) {
                None => continue,
                Some(WriteStep::Create { .. } | WriteStep::Revive { .. }) => self.created.add(side),
                Some(WriteStep::Delete { .. }) => self.deleted.add(side),
                Some(WriteStep::Replace { .. }) if action.headline == Headline::Merge && !action.waits() => {}
                Some(WriteStep::Replace { .. }) => self.updated.add(side),
            }
            match side {
                Side::Phone => self.device_writes += 1,
                Side::Pc => self.store_writes += 1,
            }
        }
        self.waiting += usize::from(action.waits());
        self.conflicts += action.open_conflicts().count();
    }

    /// Takes over what the phone's side cost.
    pub fn set_costs(&mut self, costs: &Costs) {
        self.transactions.clone_from(&costs.transactions);
        self.transactions.insert(String::from("total"), costs.transactions_total());
        self.bytes = Bytes { from_phone: costs.bytes_in, to_phone: costs.bytes_out };
    }
}
