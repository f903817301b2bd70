//! `history`: every content that a contact had, with what changed from one to the next.

use crate::contact::{
    Card, CardEditor, FieldChange, FieldMask, Folding, LineEnd, Version as CardVersion, diff,
};
use crate::report::{ExitCode, Label, Line, hanging, shown};
use crate::store::{Book, Cause, PastContact, Store, Version};

use super::arguments_history::HistoryArguments;
use super::failure::Failed;
use super::invocation::{Invocation, Outcome, book_label, moment, moment_for_programs};

/// Runs `history`.
pub fn run(invocation: &Invocation<'_>, arguments: &HistoryArguments) -> Outcome {
    let store = invocation.open_for_reading()?;
    let (book, contact) = past_contact(invocation, &store, arguments.book.as_deref(), &arguments.contact)?;
    if !invocation.global.json {
        let gone = if contact.removed { ", removed" } else { "" };
        let line = Line::new().with(Label::Strong, &shown(&contact.name));
        let about = format!("  {} in {}{gone}", contact.item, shown(&book_label(&book)));
        invocation.result_lines(&[line.with(Label::Quiet, &about)])?;
    }
    let mut before: Option<Card> = None;
    for version in book.versions(contact.item)? {
        let changes = changes_between(before.as_ref(), version.card.as_ref());
        show(invocation, &contact, &version, &changes, before.is_none())?;
        before = version.card.or(before);
    }
    Ok(ExitCode::Done)
}

/// The one contact, there or removed, that `text` means, and its book.
///
/// # Errors
/// When none or several could be meant.
pub fn past_contact<'s>(
    invocation: &'s Invocation<'_>,
    store: &'s Store,
    named_book: Option<&str>,
    text: &str,
) -> Result<(Book<'s>, PastContact), Failed> {
    let mut found = Vec::new();
    for book in invocation.existing_books(store, named_book)? {
        for contact in book.find_past(text)? {
            found.push((invocation.book(store, &book_label(&book))?, contact));
        }
    }
    if found.iter().any(|(_, contact)| !contact.removed) {
        found.retain(|(_, contact)| !contact.removed);
    }
    let names: Vec<String> = found
        .iter()
        .map(|(book, contact)| {
            format!("{} ({}, book {})", shown(&contact.name), contact.item, shown(&book_label(book)))
        })
        .collect();
    match (found.pop(), found.is_empty()) {
        (Some(one), true) => Ok(one),
        (Some(_), false) => Err(Failed::general(
            format!("\"{}\" could mean {} contacts: {}", shown(text), names.len(), names.join("; ")),
            "name one by # and its number, and its book with --book",
        )),
        (None, _) => Err(Failed::general(
            format!("there is no contact \"{}\", and none was removed", shown(text)),
            "tetherbook list shows those that are there; name a removed one by its whole name or its UID",
        )),
    }
}

/// What differs between two contents field by field; an absent one counts as empty.
pub fn changes_between(before: Option<&Card>, after: Option<&Card>) -> Vec<FieldChange> {
    let empty = CardEditor::empty(CardVersion::V30, Folding::Never, LineEnd::CrLf).finish();
    diff(before.unwrap_or(&empty), after.unwrap_or(&empty), &FieldMask::all())
}

/// One changed field: `field: before → after`.
pub fn change_lines(change: &FieldChange, prefix: &str, column: usize) -> Vec<Line> {
    let start =
        Line::new().padded_to(column).with(Label::Quiet, &format!("{prefix}{}: ", shown(&change.field)));
    let old = change.before.as_deref().map(shown);
    let new = change.after.as_deref().map(shown);
    match (old, new) {
        (None, new) => hanging(start, Label::New, &new.unwrap_or_default(), column + 2),
        (Some(old), None) => hanging(start, Label::Old, &format!("{old} → (none)"), column + 2),
        (Some(old), Some(new)) => hanging(start, Label::Plain, &format!("{old} → {new}"), column + 2),
    }
}

/// The changed fields as JSON.
pub fn changes_json(changes: &[FieldChange]) -> Vec<serde_json::Value> {
    let one = |change: &FieldChange| serde_json::json!({"field": change.field, "before": change.before, "after": change.after});
    changes.iter().map(one).collect()
}

fn show(
    invocation: &Invocation<'_>,
    contact: &PastContact,
    version: &Version,
    changes: &[FieldChange],
    is_first: bool,
) -> Result<(), Failed> {
    let session = version.session.map(|session| session.0);
    if invocation.global.json {
        return invocation.json(&serde_json::json!({
            "type": "version", "contact": contact.name, "item": contact.item.0, "version": version.number,
            "at": moment_for_programs(version.at_ms), "cause": version.cause.word(), "session": session,
            "removed": version.card.is_none(), "changes": changes_json(changes),
        }));
    }
    let by = session.map_or_else(String::new, |session| format!(" in session {session}"));
    let start = Line::new()
        .with(Label::Strong, &format!("{:>4}", version.number))
        .with(Label::Quiet, &format!("  {}  ", moment(version.at_ms)));
    let mut lines = hanging(
        start,
        Label::Plain,
        &format!("{}{by}", cause_words(version.cause, version.card.is_none())),
        26,
    );
    // What a removed contact held stands in the version before.
    if version.card.is_some() && (!is_first || invocation.global.verbose > 0) {
        lines.extend(changes.iter().flat_map(|change| change_lines(change, "", 6)));
    }
    invocation.result_lines(&lines)
}

fn cause_words(cause: Cause, removed: bool) -> &'static str {
    match (cause, removed) {
        (Cause::Remove, _) => "removed here",
        (Cause::Sync, true) => "removed by a sync",
        (Cause::Undo, true) => "removed by an undo",
        (Cause::Merge, true) => "became one with another contact",
        (_, true) => "removed",
        (Cause::Add, _) => "added here",
        (Cause::Import, _) => "imported",
        (Cause::Edit, _) => "edited here",
        (Cause::Sync, _) => "by a sync",
        (Cause::Undo, _) => "set back by an undo",
        (Cause::Restore, _) => "restored",
        (Cause::Resolve, _) => "settled by hand",
        (Cause::Merge, _) => "took another contact in",
        (Cause::Kept, _) => "there when the history began",
    }
}
