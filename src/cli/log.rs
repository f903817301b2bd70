//! `log`: what past sessions did.

use serde_json::Value;

use crate::contact::{Card, FieldMask, diff};
use crate::provider::{ActionRow, SessionId, SessionSummaryRow};
use crate::report::{ExitCode, Label, Line, hanging, shown};

use super::arguments::{LogAction, LogArguments};
use super::failure::Failed;
use super::invocation::{Invocation, Outcome, moment, moment_for_programs};

/// Runs `log`.
pub fn run(invocation: &Invocation<'_>, arguments: &LogArguments) -> Outcome {
    let store = invocation.open_for_reading()?;
    match &arguments.action {
        None => {
            let sessions = store.sessions(arguments.limit)?;
            for session in &sessions {
                session_line(invocation, session)?;
            }
            if sessions.is_empty() && !invocation.global.json {
                invocation.say("No session changed anything yet. Try: tetherbook sync");
            }
        }
        Some(LogAction::Show { session }) => {
            let row = store.session(SessionId(*session))?.ok_or_else(|| {
                Failed::general(format!("there is no session {session}"), "tetherbook log lists them")
            })?;
            session_line(invocation, &row)?;
            for action in store.actions(SessionId(*session))? {
                action_lines(invocation, &action)?;
            }
        }
    }
    Ok(ExitCode::Done)
}

fn session_line(invocation: &Invocation<'_>, session: &SessionSummaryRow) -> Result<(), Failed> {
    let summary: Option<Value> = session.summary.as_deref().and_then(|text| serde_json::from_str(text).ok());
    if invocation.global.json {
        return invocation.json(&serde_json::json!({
            "type": "session", "session": session.id.0, "started": moment_for_programs(session.started_ms),
            "ended": session.ended_ms.and_then(moment_for_programs), "phone": session.phone,
            "book": session.book, "summary": summary,
        }));
    }
    let start = Line::new()
        .with(Label::Strong, &format!("{:>4}", session.id.0))
        .with(Label::Quiet, &format!("  {}  ", moment(session.started_ms)));
    let column = start.width();
    let text = format!(
        "{} ⇄ {}: {}",
        shown(&session.phone),
        shown(&session.book),
        result_words(session.ended_ms, summary.as_ref())
    );
    invocation.result_lines(&hanging(start, Label::Plain, &text, column))
}

/// What a session did, from its summary: "2 created, 1 updated, 1 conflict".
pub fn result_words(ended_ms: Option<i64>, summary: Option<&Value>) -> String {
    if ended_ms.is_none() {
        return "cut off before its end; the next session settles it".to_owned();
    }
    let Some(summary) = summary else { return "ended".to_owned() };
    let number = |path: &str| summary.pointer(path).and_then(Value::as_u64).unwrap_or(0);
    let both = |key: &str| number(&format!("/{key}/phone")) + number(&format!("/{key}/pc"));
    let counts = [
        (both("created"), "created"),
        (both("updated"), "updated"),
        (both("deleted"), "deleted"),
        (number("/merged"), "merged"),
        (number("/conflicts"), "in conflict"),
        (number("/asked"), "to be answered"),
        (number("/failed"), "left alone"),
    ];
    let mut parts: Vec<String> = counts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if parts.is_empty() {
        parts.push("nothing changed".to_owned());
    }
    match number("/exit") {
        0 | 6 | 9 => parts.join(", "),
        exit => format!("{}; ended with exit code {exit}", parts.join(", ")),
    }
}

fn action_lines(invocation: &Invocation<'_>, action: &ActionRow) -> Result<(), Failed> {
    let before =
        |card: &Option<Card>| card.as_ref().map(|card| String::from_utf8_lossy(card.as_bytes()).into_owned());
    if invocation.global.json {
        return invocation.json(&serde_json::json!({
            "type": "action", "kind": action.kind, "side": action.side, "contact": action.subject,
            "reason": action.reason, "outcome": action.outcome, "pc_before": before(&action.pc_before),
            "phone_before": before(&action.phone_before),
        }));
    }
    let side = match action.side.as_str() {
        "pc" => " on the PC",
        "phone" => " on the phone",
        "both" => " on both sides",
        _ => "",
    };
    let start = Line::new().with(Label::Plain, "      ").with(Label::Strong, &shown(&action.subject));
    let start = start.with(Label::Plain, "  ");
    let column = 10;
    let outcome = if action.outcome == "done" { String::new() } else { format!(" ({})", action.outcome) };
    let mut lines =
        hanging(start, Label::Plain, &format!("{}{side}{outcome}: {}", action.kind, action.reason), column);
    if invocation.global.verbose > 0 {
        for (words, card) in [("PC", &action.pc_before), ("phone", &action.phone_before)] {
            lines.extend(card.iter().flat_map(|card| replaced_lines(words, card)));
        }
    }
    invocation.result_lines(&lines)
}

/// What a card held before it was replaced, field by field.
fn replaced_lines(side: &str, card: &Card) -> Vec<Line> {
    let empty = crate::contact::CardEditor::empty(
        card.version(),
        crate::contact::Folding::Never,
        crate::contact::LineEnd::CrLf,
    );
    let mut lines = Vec::new();
    for change in diff(&empty.finish(), card, &FieldMask::all()) {
        let value = change.after.as_deref().map(shown).unwrap_or_default();
        let start = Line::new()
            .padded_to(10)
            .with(Label::Quiet, &format!("before on the {side}: {}: ", shown(&change.field)));
        lines.extend(hanging(start, Label::Old, &value, 12));
    }
    lines
}
