//! The plan, the events and the summary as JSON lines, one object per line, each with a `type`.
//!
//! The shapes are a contract: keys are only ever added. Contents of contacts stand here in full; whoever asks for
//! JSON asks for them.

use std::io::Write;

use serde::Serialize;

use super::action_text::said_once;
use crate::contact::{CardEditor, Dialect, FieldChange, FieldConflict, FieldMask, Kept, diff};
use crate::plan::{Action, PairAfter, Plan, Skipped, Stop, WriteStep};
use crate::provider::{AskedPair, Delivery};
use crate::relationship::Side;

use super::stop_text::stop_json;
use super::{ActionOutcome, Event, ExitCode, Report};

/// One line of type `action`.
#[derive(Serialize)]
struct ActionLine<'a> {
    #[serde(rename = "type")]
    kind_of_line: &'static str,
    kind: &'static str,
    contact: &'a str,
    uid: Option<String>,
    sides: Vec<Side>,
    reasons: Vec<String>,
    changes: Vec<ChangeLine<'a>>,
    conflicts: Vec<ConflictLine<'a>>,
    /// How the write on the phone gets there: "direct", "by-hand" or "not-now".
    delivery: &'static str,
    /// "planned" in a dry run.
    outcome: &'static str,
    /// Why, if it was refused or is unknown.
    why: Option<&'a str>,
}

#[derive(Serialize)]
struct ChangeLine<'a> {
    field: &'a str,
    before: Option<&'a str>,
    after: Option<&'a str>,
    to: Side,
}

#[derive(Serialize)]
struct ConflictLine<'a> {
    field: &'a str,
    base: Option<&'a str>,
    pc: Option<&'a str>,
    phone: Option<&'a str>,
    kept: &'static str,
}

/// An action as a JSON line, without the line break.
#[must_use]
pub fn action_line(action: &Action, outcome: Option<&ActionOutcome>) -> String {
    let sides = [Side::Phone, Side::Pc].into_iter().filter(|side| action.step(*side).is_some()).collect();
    let whole = whole_changes(action);
    let changes = [(Side::Phone, &action.to_phone), (Side::Pc, &action.to_pc)];
    let changes = changes.into_iter().flat_map(|(to, list)| list.iter().map(move |change| (to, change)));
    line(&ActionLine {
        kind_of_line: "action",
        kind: action.headline.word(),
        contact: &action.subject,
        uid: uid(action),
        sides,
        reasons: action.reasons.iter().map(|reason| reason.words()).collect(),
        changes: changes
            .chain(whole.iter().map(|(to, change)| (*to, change)))
            .map(|(to, change)| change_line(change, to))
            .collect(),
        conflicts: action.conflicts.iter().map(conflict_line).collect(),
        delivery: match action.delivery {
            Delivery::Direct => "direct",
            Delivery::ByHand => "by-hand",
            Delivery::NotNow => "not-now",
        },
        outcome: outcome.map_or("planned", ActionOutcome::word),
        why: match outcome {
            Some(ActionOutcome::Refused(why) | ActionOutcome::Unknown(why)) => Some(why),
            _ => None,
        },
    })
}

/// The fields of a contact that is made or deleted as a whole.
fn whole_changes(action: &Action) -> Vec<(Side, FieldChange)> {
    let mut changes = Vec::new();
    for side in [Side::Phone, Side::Pc] {
        let (card, is_new) = match action.step(side) {
            Some(WriteStep::Create { card, .. } | WriteStep::Revive { card, .. }) => (card, true),
            Some(WriteStep::Delete { before: Some(card), .. }) => (card, false),
            _ => continue,
        };
        let dialect = Dialect::v40();
        let empty = CardEditor::empty(dialect.version, dialect.folding, dialect.line_end).finish();
        let (before, after) = if is_new { (&empty, card) } else { (card, &empty) };
        changes.extend(diff(before, after, &FieldMask::all()).into_iter().map(|change| (side, change)));
    }
    changes
}

fn change_line(change: &FieldChange, to: Side) -> ChangeLine<'_> {
    ChangeLine { field: &change.field, before: change.before.as_deref(), after: change.after.as_deref(), to }
}

fn conflict_line(conflict: &FieldConflict) -> ConflictLine<'_> {
    ConflictLine {
        field: &conflict.field,
        base: conflict.base.as_deref(),
        pc: conflict.pc.as_deref(),
        phone: conflict.phone.as_deref(),
        kept: match conflict.kept {
            Kept::Held => "held",
            Kept::Phone => "phone",
            Kept::Pc => "pc",
            Kept::Both => "both",
        },
    }
}

fn uid(action: &Action) -> Option<String> {
    let written = [&action.pc, &action.phone].into_iter().flatten().find_map(|step| match step {
        WriteStep::Create { card, .. } | WriteStep::Revive { card, .. } | WriteStep::Replace { card, .. } => {
            card.uid()
        }
        WriteStep::Delete { before, .. } => before.as_ref().and_then(crate::contact::Card::uid),
    });
    written.or_else(|| match &action.after {
        PairAfter::Linked { baseline } => baseline.pc.uid().or_else(|| baseline.phone.uid()),
        PairAfter::Unlinked | PairAfter::AsBefore => None,
    })
}

/// An item left alone as a JSON line.
#[must_use]
pub fn skipped_line(skipped: &Skipped) -> String {
    line(&serde_json::json!({
        "type": "skipped", "contact": skipped.subject, "side": skipped.side,
        "why": said_once(&skipped.subject, &skipped.why),
        "remedy": skipped.remedy,
    }))
}

/// Two contacts that may be one as a JSON line.
#[must_use]
pub fn asked_line(asked: &AskedPair) -> String {
    let reasons: Vec<&str> = asked.reasons.iter().map(|reason| reason.code()).collect();
    line(&serde_json::json!({
        "type": "asked", "score": asked.score, "reasons": reasons,
        "pc": {"item": asked.pc.0, "fn": asked.pc_card.display_name(), "uid": asked.pc_card.uid()},
        "phone": {
            "item": asked.phone.0, "fn": asked.phone_card.display_name(), "uid": asked.phone_card.uid(),
            "place": asked.place,
        },
    }))
}

/// A sentence for the person as a JSON line.
#[must_use]
pub fn note_line(text: &str) -> String {
    line(&serde_json::json!({"type": "note", "text": text}))
}

/// A guard's stop as a JSON line.
#[must_use]
pub fn stop_line(stop: &Stop, plan: &Plan) -> String {
    line(&stop_json(stop, plan))
}

/// An error as a JSON line.
#[must_use]
pub fn error_line(message: &str, hint: Option<&str>, exit: ExitCode) -> String {
    line(&serde_json::json!({"type": "error", "message": message, "hint": hint, "exit": exit}))
}

/// Any value as one line. What is serialised here has text keys and finite numbers only, so it cannot fail; if it
/// did, the line would say so rather than be missing.
#[must_use]
pub fn line<T: Serialize>(value: &T) -> String {
    serde_json::to_string(value)
        .unwrap_or_else(|error| format!("{{\"type\":\"error\",\"message\":\"not serialisable: {error}\"}}"))
}

/// A report that writes JSON lines. The summary is left to whoever runs the session, because an error must come
/// before it and the summary is the last line.
pub struct JsonReport<W> {
    out: W,
    dry_run: bool,
    /// Without the actions and notes.
    quiet: bool,
    failed: Option<std::io::Error>,
}

impl<W: Write> JsonReport<W> {
    /// Writes to `out`; in a dry run the plan's actions, else the actions as they are done; with `quiet` only what
    /// went wrong.
    pub fn new(out: W, dry_run: bool, quiet: bool) -> Self {
        Self { out, dry_run, quiet, failed: None }
    }

    /// Hands the writer back, or the first error of writing to it: a report does not stop a session.
    ///
    /// # Errors
    /// When a line could not be written.
    pub fn finish(self) -> std::io::Result<W> {
        self.failed.map_or(Ok(self.out), Err)
    }

    fn say(&mut self, text: &str) {
        if self.failed.is_none() {
            self.failed = writeln!(self.out, "{text}").err();
        }
    }

    fn plan(&mut self, plan: &Plan) {
        if self.dry_run && !self.quiet {
            for action in plan.actions.iter().filter(|action| action.is_visible()) {
                self.say(&action_line(action, None));
            }
        }
        for skipped in &plan.skipped {
            self.say(&skipped_line(skipped));
        }
        for asked in &plan.asked {
            self.say(&asked_line(asked));
        }
        let notes = if self.quiet { &[][..] } else { &plan.notes };
        for note in notes {
            self.say(&note_line(note));
        }
        if let Some(stop) = &plan.stop {
            self.say(&stop_line(stop, plan));
        }
    }
}

impl<W: Write> Report for JsonReport<W> {
    fn event(&mut self, event: &Event<'_>) {
        match event {
            Event::Planned(plan) => self.plan(plan),
            Event::Applied { outcome: ActionOutcome::Done, .. } if self.quiet => {}
            Event::Applied { action, outcome } => self.say(&action_line(action, Some(outcome))),
            Event::Note(text) => self.say(&note_line(text)),
            Event::Recovering { intents } => {
                let text = format!(
                    "An interrupted session left {} without an answer; settled first.",
                    super::words::count(*intents, "write")
                );
                self.say(&note_line(&text));
            }
            Event::Opened { .. }
            | Event::Collecting(_)
            | Event::Collected { .. }
            | Event::Applying { .. }
            | Event::Finished(_) => {}
        }
    }
}
