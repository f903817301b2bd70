//! One action of a plan as lines for people: which way it goes, whom it concerns, why, and old → new per field.

use crate::contact::{Card, FieldChange, FieldConflict, FieldKey, Kept};
use crate::plan::{Action, Headline, Reason, Skipped, WriteStep};
use crate::provider::Delivery;
use crate::relationship::Side;

use super::layout::{COLUMNS, Label, Line, cut, hanging, paragraph, width};
use super::words::shown;

/// Where the sign stands (`+`, `~`, `-`).
const SIGN_COLUMN: usize = 11;
/// Where the contact's name begins.
const NAME_COLUMN: usize = 13;
/// Where the reason begins.
const REASON_COLUMN: usize = 48;
/// Where the reason begins in a list of new contacts.
const SHORT_REASON_COLUMN: usize = 38;
/// Where a field's name begins.
const FIELD_COLUMN: usize = 15;
/// Where a field's value begins.
const VALUE_COLUMN: usize = 34;
/// So many fields of a new contact are shown.
const KEY_FIELDS_MAX: usize = 3;

/// How much of an action is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Detail {
    /// One line per field.
    Fields,
    /// One line for a new contact, with its first field in it.
    OneLine,
    /// As `Fields`, and all fields of a new or deleted contact.
    Everything,
}

/// The lines of an action. What became of it (`refused: …`) may stand behind the reasons.
#[must_use]
pub fn action_lines(action: &Action, detail: Detail, outcome: Option<&str>) -> Vec<Line> {
    let (label, way) = direction(action);
    let start =
        Line::new().with(label, way).padded_to(SIGN_COLUMN).with(label, sign(action)).padded_to(NAME_COLUMN);
    let mut reason = action.reasons.iter().map(|reason| reason.words()).collect::<Vec<_>>().join("; ");
    if let Some(outcome) = outcome {
        reason = format!("{outcome}; {reason}");
    }
    let is_new = outcome.is_none() && matches!(action.reasons.as_slice(), [Reason::NewOn(_)]);
    if detail == Detail::OneLine && is_new {
        if let Some((_, value)) = key_fields(action, 1).into_iter().next() {
            reason = format!("{reason}: {value}");
        }
        return vec![one_line(start, &action.subject, &reason)];
    }
    if detail == Detail::OneLine {
        return titled(start, &action.subject, &reason);
    }
    let mut lines = titled(start, &action.subject, &reason);
    lines.extend(field_lines(action, detail));
    lines
}

/// The lines of an item that is left alone: why, and what the person can do about it.
#[must_use]
pub fn skipped_lines(skipped: &Skipped) -> Vec<Line> {
    let start = Line::new().with(Label::Attention, "! left").padded_to(NAME_COLUMN);
    let subject = if skipped.subject.is_empty() { skipped.item.to_string() } else { skipped.subject.clone() };
    let why = said_once(&subject, &skipped.why);
    let mut lines = titled(start, &subject, &format!("on the {}: {}", skipped.side.words(), shown(&why)));
    lines.extend(hanging(Line::new(), Label::Plain, &shown(&skipped.remedy), FIELD_COLUMN));
    lines
}

/// A reason without what its sentence says already: a file's reason may begin with the file's name once more,
/// behind the subject that is that file, or behind the place that is that file ("card/a.vcf: a.vcf: torn").
#[must_use]
pub fn said_once(subject: &str, why: &str) -> String {
    let after = |place: &str, text: &str| {
        let file = place.rsplit('/').next().unwrap_or_default();
        text.strip_prefix(&format!("{file}: ")).filter(|_| !file.is_empty()).map(str::to_owned)
    };
    if let Some(rest) = after(subject, why) {
        return rest;
    }
    match why.split_once(": ").and_then(|(place, text)| Some((place, after(place, text)?))) {
        Some((place, text)) => format!("{place}: {text}"),
        None => why.to_owned(),
    }
}

fn direction(action: &Action) -> (Label, &'static str) {
    if action.waits() {
        return match (action.delivery, &action.pc) {
            (Delivery::NotNow, None) => (Label::ToPhone, "→ later"),
            (Delivery::NotNow, Some(_)) => (Label::Both, "⇄ later"),
            (_, None) => (Label::ToPhone, "→ by hand"),
            (_, Some(_)) => (Label::Both, "⇄ by hand"),
        };
    }
    match (&action.pc, &action.phone) {
        (Some(WriteStep::Delete { .. }), None) => (Label::Deleted, "← PC"),
        (None, Some(WriteStep::Delete { .. })) => (Label::Deleted, "→ phone"),
        (Some(_), None) => (Label::ToPc, "← PC"),
        (None, Some(_)) => (Label::ToPhone, "→ phone"),
        (Some(_), Some(_)) => (Label::Both, "⇄ both"),
        (None, None) if action.open_conflicts().next().is_some() => (Label::Attention, "! conflict"),
        (None, None) => (Label::Quiet, "⇄ both"),
    }
}

fn sign(action: &Action) -> &'static str {
    match action.headline {
        Headline::Create(_) => "+",
        Headline::Delete(_) => "-",
        Headline::Match | Headline::Settle | Headline::SetBack => "=",
        Headline::Update(_) | Headline::Merge => "~",
        // The label has its mark already.
        Headline::Conflict => " ",
    }
}

/// A name and a reason beside it; the reason goes below a name that needs its room.
pub(super) fn titled(start: Line, subject: &str, reason: &str) -> Vec<Line> {
    let column = REASON_COLUMN;
    let subject = shown(subject);
    let named = start.with(Label::Strong, &cut(&subject, COLUMNS - NAME_COLUMN));
    if named.width() + 1 < column {
        return hanging(named.padded_to(column), Label::Quiet, reason, column);
    }
    let mut lines = vec![named];
    lines.extend(hanging(Line::new(), Label::Quiet, reason, column));
    lines
}

fn one_line(start: Line, subject: &str, reason: &str) -> Line {
    let room = SHORT_REASON_COLUMN - NAME_COLUMN - 1;
    let line = start.with(Label::Strong, &cut(&shown(subject), room)).padded_to(SHORT_REASON_COLUMN);
    line.with(Label::Quiet, &cut(reason, COLUMNS - SHORT_REASON_COLUMN))
}

fn field_lines(action: &Action, detail: Detail) -> Vec<Line> {
    let mut lines = Vec::new();
    let both = !action.to_pc.is_empty() && !action.to_phone.is_empty();
    for (side, changes) in [(Side::Phone, &action.to_phone), (Side::Pc, &action.to_pc)] {
        for change in changes {
            lines.extend(change_lines(change, both.then_some(side), detail == Detail::Everything));
        }
    }
    let fields_max = match (detail, action.headline) {
        (Detail::Everything, _) => usize::MAX,
        (_, Headline::Create(_)) => KEY_FIELDS_MAX,
        _ => 0,
    };
    if lines.is_empty() && matches!(action.headline, Headline::Create(_) | Headline::Delete(_)) {
        for (field, value) in key_fields(action, fields_max) {
            let value_start = Line::new().padded_to(FIELD_COLUMN).with(Label::Plain, &cut_label(&field));
            lines.push(
                value_start.padded_to(VALUE_COLUMN).with(Label::Plain, &cut(&value, COLUMNS - VALUE_COLUMN)),
            );
        }
    }
    for conflict in &action.conflicts {
        lines.extend(conflict_lines(conflict));
    }
    lines
}

/// Numbers, addresses and the organisation of a contact that is made or deleted.
fn key_fields(action: &Action, fields_max: usize) -> Vec<(String, String)> {
    let card = [&action.pc, &action.phone].into_iter().flatten().find_map(step_card);
    let Some(card) = card.filter(|_| fields_max > 0) else { return Vec::new() };
    let mut fields = Vec::new();
    let wanted: &[&str] = if fields_max > KEY_FIELDS_MAX {
        &["TEL", "EMAIL", "ORG", "TITLE", "ADR", "BDAY", "URL", "NOTE"]
    } else {
        &["TEL", "EMAIL", "ORG"]
    };
    let properties = card.properties();
    for name in wanted {
        for property in properties.iter().filter(|property| property.name == *name) {
            let types = property.types();
            let kinds: Vec<&str> = types.iter().map(String::as_str).collect();
            let value = match *name {
                "ORG" | "ADR" => {
                    let parts = property.components();
                    parts
                        .iter()
                        .map(|part| part.trim())
                        .filter(|part| !part.is_empty())
                        .collect::<Vec<_>>()
                        .join(", ")
                }
                _ => property.text(),
            };
            let value = value.strip_prefix("tel:").unwrap_or(&value);
            if !value.trim().is_empty() {
                fields.push((FieldKey::new(name).label_with(&kinds, None), shown(value)));
            }
        }
    }
    fields.truncate(fields_max);
    fields
}

fn step_card(step: &WriteStep) -> Option<&Card> {
    match step {
        WriteStep::Create { card, .. } | WriteStep::Revive { card, .. } => Some(card),
        WriteStep::Delete { before, .. } => before.as_ref(),
        WriteStep::Replace { .. } => None,
    }
}

/// `old → new`, with the side in front where an action writes to both. What does not fit on the line gets two, cut
/// to their room unless all of it is wanted: a note may have pages.
fn change_lines(change: &FieldChange, side: Option<Side>, whole: bool) -> Vec<Line> {
    let mut start = Line::new().padded_to(FIELD_COLUMN);
    match side {
        Some(Side::Phone) => start.push(Label::ToPhone, "→ phone  "),
        Some(Side::Pc) => start.push(Label::ToPc, "← PC     "),
        None => {}
    }
    let column = VALUE_COLUMN + if side.is_some() { 9 } else { 0 };
    let room = COLUMNS - column;
    start.push(Label::Plain, &cut(&shown(&change.field), COLUMNS - start.width()));
    let (old, new) = (value(change.before.as_ref()), value(change.after.as_ref()));
    let mut lines = Vec::new();
    if start.width() >= column {
        lines.push(std::mem::take(&mut start));
    }
    let start = start.padded_to(column);
    let arrow = Line::new().padded_to(column - 2).with(Label::Plain, "→ ");
    if width(&old) + 3 + width(&new) <= room {
        lines.push(start.with(Label::Old, &old).with(Label::Plain, " → ").with(Label::New, &new));
    } else if whole {
        lines.extend(hanging(start, Label::Old, &old, column));
        lines.extend(hanging(arrow, Label::New, &new, column));
    } else {
        lines.push(start.with(Label::Old, &cut(&old, room)));
        lines.push(arrow.with(Label::New, &cut(&new, room)));
    }
    lines
}

fn conflict_lines(conflict: &FieldConflict) -> Vec<Line> {
    let start = Line::new()
        .padded_to(FIELD_COLUMN)
        .with(Label::Attention, &cut_label(&shown(&conflict.field)))
        .padded_to(VALUE_COLUMN);
    let room = COLUMNS - VALUE_COLUMN;
    let (phone, pc) = (value(conflict.phone.as_ref()), value(conflict.pc.as_ref()));
    let (before, kept) = (format!("was {}", value(conflict.base.as_ref())), kept_words(conflict.kept));
    let mut lines = if width(&phone) + width(&pc) + "phone  · PC ".len() <= room {
        vec![start.with(Label::Plain, &format!("phone {phone} · PC {pc}"))]
    } else {
        vec![
            start.with(Label::Plain, &cut(&format!("phone {phone}"), room)),
            Line::new().padded_to(VALUE_COLUMN).with(Label::Plain, &cut(&format!("PC    {pc}"), room)),
        ]
    };
    let before_room = room - width(kept) - 2;
    let below = Line::new().padded_to(VALUE_COLUMN);
    lines.push(
        below.with(Label::Quiet, &format!("{}; ", cut(&before, before_room))).with(Label::Attention, kept),
    );
    lines
}

/// What was done about a clash.
#[must_use]
pub fn kept_words(kept: Kept) -> &'static str {
    match kept {
        Kept::Held => "kept apart",
        Kept::Phone => "the phone's is taken",
        Kept::Pc => "the PC's is taken",
        Kept::Both => "both are kept",
    }
}

fn value(value: Option<&String>) -> String {
    value.map_or_else(|| String::from("(none)"), |value| shown(value))
}

fn cut_label(label: &str) -> String {
    cut(label, VALUE_COLUMN - FIELD_COLUMN - 1)
}

/// A sentence for the person, marked and wrapped.
#[must_use]
pub fn note_lines(note: &str) -> Vec<Line> {
    hanging(Line::new().with(Label::Attention, "Note: "), Label::Plain, &shown(note), 6)
}

/// What to do next, wrapped.
#[must_use]
pub fn hint_lines(hint: &str) -> Vec<Line> {
    hanging(Line::new().with(Label::Strong, "Hint: "), Label::Plain, hint, 6)
}

/// A plain paragraph.
#[must_use]
pub fn sentence_lines(text: &str) -> Vec<Line> {
    paragraph(Label::Plain, text, 0)
}
