//! `books`: the address books on this PC.

use crate::report::{COLUMNS, ExitCode, Label, Line, count, cut, shown};

use super::arguments::{BooksAction, BooksArguments};
use super::configuration::book_name;
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};

/// Where the count begins, in columns.
const COUNT_COLUMN: usize = 30;

/// Runs `books`.
pub fn run(invocation: &Invocation<'_>, arguments: &BooksArguments) -> Outcome {
    match &arguments.action {
        None | Some(BooksAction::List) => list(invocation),
        Some(BooksAction::Add { name }) => add(invocation, name),
    }
}

fn list(invocation: &Invocation<'_>) -> Outcome {
    let store = invocation.open_for_reading()?;
    let books = store.books()?;
    for book in &books {
        if invocation.global.json {
            invocation.json(&serde_json::json!({
                "type": "book", "name": book.name, "contacts": book.contact_count, "replica": book.guid,
            }))?;
            continue;
        }
        let name = cut(&shown(&book.name), COLUMNS / 2);
        let line = Line::new().with(Label::Strong, &name).padded_to(COUNT_COLUMN);
        invocation.result_lines(&[line.with(Label::Plain, &count(book.contact_count, "contact"))])?;
    }
    if books.is_empty() && !invocation.global.json {
        invocation.say("No books yet. The first sync or import makes one; or try: tetherbook books add NAME");
    }
    Ok(ExitCode::Done)
}

fn add(invocation: &Invocation<'_>, name: &str) -> Outcome {
    if let Err(message) = book_name(name) {
        return Err(Failed::usage(message, "tetherbook books add friends"));
    }
    let (_lock, store) = invocation.open_for_writing()?;
    if store.books()?.iter().any(|book| book.name == name) {
        return Err(Failed::general(format!("there is a book \"{name}\" already"), "choose another name"));
    }
    invocation.book(&store, name)?;
    invocation.done(
        format_args!("Made the book {}.", shown(name)),
        &serde_json::json!({"type": "added", "book": name}),
    )?;
    Ok(ExitCode::Done)
}
