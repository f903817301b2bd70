//! `merge`: two contacts of a book become one. Everything that only one of them says is in it; what both say
//! differently and can be said only once stays as the first has it, and is told. The second is removed, and the next
//! sync removes it from the phone; the history keeps both as they were.

use crate::contact::{Baseline, ConflictPolicy, FieldChange, Kept, MergeInput, Merged, Projection, merge};
use crate::report::{ExitCode, Label, Line, hanging, shown};
use crate::store::{Book, Cause, Contact, Store};

use super::arguments::MergeArguments;
use super::failure::Failed;
use super::invocation::{Invocation, Outcome, book_label};

/// Where the values begin, in columns.
const VALUE_COLUMN: usize = 24;

/// Runs `merge`.
pub fn run(invocation: &Invocation<'_>, arguments: &MergeArguments) -> Outcome {
    if arguments.dry_run {
        let store = invocation.open_for_reading()?;
        let (book, kept, gone) = both(invocation, &store, arguments)?;
        tell(invocation, &book_label(&book), &kept, &gone, &union(&kept, &gone), true)?;
        return Ok(ExitCode::Done);
    }
    let (_lock, store) = invocation.open_for_writing()?;
    let (book, kept, gone) = both(invocation, &store, arguments)?;
    store.begin()?;
    let merged = merge_contacts(&book, &kept, &gone)?;
    store.commit()?;
    tell(invocation, &book_label(&book), &kept, &gone, &merged, false)?;
    Ok(ExitCode::Done)
}

fn both<'s>(
    invocation: &'s Invocation<'_>,
    store: &'s Store,
    arguments: &MergeArguments,
) -> Result<(Book<'s>, Contact, Contact), Failed> {
    let (book, kept) = invocation.contact(store, arguments.book.as_deref(), &arguments.contact)?;
    let (_, gone) = invocation.contact(store, Some(&book_label(&book)), &arguments.other)?;
    if kept.row.item == gone.row.item {
        return Err(Failed::usage(
            format!("both are the same contact, {} {}", kept.row.item, shown(&kept.row.name)),
            "name two: tetherbook dupes lists who may be one person, with their numbers",
        ));
    }
    Ok((book, kept, gone))
}

/// What the two say together.
fn union(kept: &Contact, gone: &Contact) -> Merged {
    merge(&MergeInput {
        base: None::<&Baseline>,
        pc: &kept.card,
        phone: &gone.card,
        projection: &Projection::default(),
        policy: ConflictPolicy::Both,
        newest: None,
    })
}

/// Makes one contact of two in the open batch. What was changed since they were read is not written over.
///
/// # Errors
/// When one of them was changed meanwhile, or the database cannot be used.
pub fn merge_contacts(book: &Book<'_>, kept: &Contact, gone: &Contact) -> Result<Merged, Failed> {
    let merged = union(kept, gone);
    let book = book.clone().for_cause(Cause::Merge);
    book.edit(kept.row.item, Some(kept.revision), &merged.pc)?;
    book.remove(gone.row.item, Some(gone.revision))?;
    Ok(merged)
}

fn tell(
    invocation: &Invocation<'_>,
    book: &str,
    kept: &Contact,
    gone: &Contact,
    merged: &Merged,
    dry_run: bool,
) -> Result<(), Failed> {
    let lost: Vec<_> = merged.conflicts.iter().filter(|conflict| conflict.kept == Kept::Held).collect();
    if invocation.global.json {
        let changes: Vec<_> = merged.to_pc.iter().map(change_json).collect();
        let stays: Vec<_> = lost
            .iter()
            .map(|conflict| {
                serde_json::json!({"field": conflict.field, "kept": conflict.pc, "dropped": conflict.phone})
            })
            .collect();
        return invocation.json(&serde_json::json!({
            "type": "merged", "dry_run": dry_run, "book": book,
            "kept": {"item": kept.row.item.0, "uid": kept.row.uid, "fn": kept.row.name},
            "removed": {"item": gone.row.item.0, "uid": gone.row.uid, "fn": gone.row.name},
            "changes": changes, "conflicts": stays,
        }));
    }
    if invocation.global.quiet {
        return Ok(());
    }
    let verb = if dry_run { "Would merge" } else { "Merged" };
    let title = format!(
        "{verb} {} ({}) into {} ({}) in {}.",
        shown(&gone.row.name),
        gone.row.item,
        shown(&kept.row.name),
        kept.row.item,
        shown(book)
    );
    let mut lines = hanging(Line::new(), Label::Strong, &title, 0);
    for change in &merged.to_pc {
        let value = change.after.as_deref().unwrap_or("(taken away)");
        lines.extend(field_lines(&change.field, &format!("+ {}", shown(value))));
    }
    for conflict in &lost {
        let (stays, goes) = (conflict.pc.as_deref(), conflict.phone.as_deref());
        let words = format!(
            "{} stays; {} is dropped",
            shown(stays.unwrap_or("(nothing)")),
            shown(goes.unwrap_or("(nothing)"))
        );
        lines.extend(field_lines(&conflict.field, &words));
    }
    if dry_run {
        lines.push(Line::new().with(Label::Plain, "Nothing was written: this was a dry run."));
    } else {
        let rest =
            "The next sync removes the second one from the phone; the history keeps both as they were.";
        lines.extend(hanging(Line::new(), Label::Plain, rest, 0));
    }
    invocation.result_lines(&lines)
}

fn change_json(change: &FieldChange) -> serde_json::Value {
    serde_json::json!({"field": change.field, "before": change.before, "after": change.after})
}

fn field_lines(field: &str, value: &str) -> Vec<Line> {
    let start = Line::new().with(Label::Plain, "  ").with(Label::Quiet, &shown(field));
    let start = if start.width() < VALUE_COLUMN {
        start.padded_to(VALUE_COLUMN)
    } else {
        start.with(Label::Plain, " ")
    };
    hanging(start, Label::Plain, value, VALUE_COLUMN)
}
