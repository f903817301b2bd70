//! `add`: one contact, from flags or from a vCard on stdin.

use std::io::Read;

use crate::contact::Card;
use crate::ics::Guid;
use crate::report::{ExitCode, shown};

use super::arguments::AddArguments;
use super::failure::Failed;
use super::fields;
use super::invocation::{Invocation, Outcome};

/// The most that is read from stdin, in bytes: what a book takes as one card.
const CARD_BYTES_MAX: u64 = 16 << 20;

/// Runs `add`.
pub fn run(invocation: &Invocation<'_>, arguments: &AddArguments) -> Outcome {
    let from_stdin = arguments.card.is_some();
    if from_stdin && !arguments.fields.is_empty() {
        return Err(Failed::usage(
            "fields come from the card on stdin or from flags, not from both",
            "leave out the - or the flags; tetherbook edit changes fields afterwards",
        ));
    }
    let uid = format!("urn:uuid:{}", Guid::from_random(invocation.world.randomness.next_bytes()));
    let card = if from_stdin {
        let card = Card::parse(&read_stdin(invocation)?)?;
        if card.uid().is_some_and(|uid| !uid.is_empty()) { card } else { card.with_uid(&uid) }
    } else {
        fields::compose(&arguments.fields, &uid)?
    };
    let (_lock, store) = invocation.open_for_writing()?;
    let name = invocation.book_name(arguments.book.as_deref());
    let book = invocation.book(&store, &name)?;
    let uid = card.uid().unwrap_or_default();
    if let Some(there) = book.find_by_uid(&uid)?.first() {
        return Err(Failed::general(
            format!("the book {name} has a contact with this UID already: {} ({uid})", shown(&there.name)),
            "change it with tetherbook edit, or import the card with --update",
        ));
    }
    let (item, _) = book.add(&card)?;
    let display_name = card.display_name();
    invocation.done(
        format_args!("Added {} to {name} ({uid}).", shown(&display_name)),
        &serde_json::json!({"type": "added", "uid": uid, "fn": display_name, "book": name, "item": item.0}),
    )?;
    Ok(ExitCode::Done)
}

fn read_stdin(invocation: &Invocation<'_>) -> Result<Vec<u8>, Failed> {
    let mut bytes = Vec::new();
    let mut stdin = invocation.world.stdin.borrow_mut();
    stdin.by_ref().take(CARD_BYTES_MAX).read_to_end(&mut bytes).map_err(|error| {
        Failed::general(
            format!("stdin cannot be read: {error}"),
            "give the card as a file: tetherbook import FILE",
        )
    })?;
    Ok(bytes)
}
