//! `show`: one contact, field by field or as the card that is stored.

use crate::contact::{Card, CardEditor, Dialect, FieldMask, diff};
use crate::report::{ExitCode, Label, Line, hanging, shown};

use super::arguments::ShowArguments;
use super::invocation::{Invocation, Outcome, book_label, moment, moment_for_programs};

/// Where the values begin, in columns.
const VALUE_COLUMN: usize = 24;

/// Runs `show`.
pub fn run(invocation: &Invocation<'_>, arguments: &ShowArguments) -> Outcome {
    let store = invocation.open_for_reading()?;
    let (book, contact) =
        invocation.contact(&store, arguments.which.book.as_deref(), &arguments.which.contact)?;
    if arguments.vcard && !invocation.global.json {
        invocation.result_bytes(contact.card.as_bytes())?;
        return Ok(ExitCode::Done);
    }
    let fields = fields(&contact.card);
    if invocation.global.json {
        let fields: Vec<_> =
            fields.iter().map(|(field, value)| serde_json::json!({"field": field, "value": value})).collect();
        invocation.json(&serde_json::json!({
            "type": "contact", "uid": contact.row.uid, "fn": contact.row.name, "book": book_label(&book),
            "item": contact.row.item.0, "changed": moment_for_programs(contact.row.modified_ms),
            "version": contact.card.version(), "fields": fields,
            "vcard": String::from_utf8_lossy(contact.card.as_bytes()),
        }))?;
        return Ok(ExitCode::Done);
    }
    let mut lines = vec![Line::new().with(Label::Strong, &shown(&contact.row.name))];
    for (field, value) in &fields {
        lines.extend(field_lines(field, value));
    }
    let stored = format!(
        "{} in {}, {}, changed {}",
        contact.row.item,
        shown(&book_label(&book)),
        format_args!("vCard {}", contact.card.version()),
        moment(contact.row.modified_ms)
    );
    lines.extend(field_lines("UID", &contact.row.uid));
    lines.extend(field_lines("stored", &stored));
    invocation.result_lines(&lines)?;
    Ok(ExitCode::Done)
}

fn field_lines(field: &str, value: &str) -> Vec<Line> {
    let start = Line::new().with(Label::Plain, "  ").with(Label::Quiet, &shown(field));
    let start = if start.width() < VALUE_COLUMN {
        start.padded_to(VALUE_COLUMN)
    } else {
        start.with(Label::Plain, " ")
    };
    hanging(start, Label::Plain, &shown(value), VALUE_COLUMN)
}

/// Each field with its words and its value: what a card has more than an empty one.
fn fields(card: &Card) -> Vec<(String, String)> {
    let dialect = Dialect::v40();
    let empty = CardEditor::empty(dialect.version, dialect.folding, dialect.line_end).finish();
    let changes = diff(&empty, card, &FieldMask::all());
    changes.into_iter().filter_map(|change| Some((change.field, change.after?))).collect()
}
