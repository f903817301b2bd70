//! `rm`: removes contacts from a book. The next sync removes them from the phone; until then the history has them.

use crate::report::{ExitCode, count, shown};

use super::arguments::RmArguments;
use super::failure::Failed;
use super::invocation::{Invocation, Outcome, book_label};

/// Runs `rm`.
pub fn run(invocation: &Invocation<'_>, arguments: &RmArguments) -> Outcome {
    // While a person thinks, nobody else must wait: the lock is taken after the answer, and what was changed by then
    // is not removed.
    let mut meant = Vec::new();
    {
        let store = invocation.open_for_reading()?;
        for text in &arguments.contacts {
            let (book, contact) = invocation.contact(&store, arguments.book.as_deref(), text)?;
            meant.push((book_label(&book), contact));
        }
    }
    if !arguments.yes {
        let names: Vec<String> = meant.iter().map(|(_, contact)| shown(&contact.row.name)).collect();
        if !confirmed(invocation, &names)? {
            invocation.say("Nothing was removed.");
            return Ok(ExitCode::Done);
        }
    }
    let (_lock, store) = invocation.open_for_writing()?;
    // All of them or none.
    store.begin()?;
    for (book, contact) in &meant {
        invocation.book(&store, book)?.remove(contact.row.item, Some(contact.revision))?;
    }
    store.commit()?;
    for (book, contact) in &meant {
        let name = &contact.row.name;
        invocation.done(
            format_args!("Removed {} from {book}.", shown(name)),
            &serde_json::json!({"type": "removed", "uid": contact.row.uid, "fn": name, "book": book}),
        )?;
    }
    Ok(ExitCode::Done)
}

/// Asks; only a clear yes is one.
fn confirmed(invocation: &Invocation<'_>, names: &[String]) -> Result<bool, Failed> {
    let terminal = invocation.world.terminal;
    if !terminal.stdin || !terminal.stderr {
        return Err(Failed::usage(
            format!("{} would be removed, and there is nobody to ask", count(names.len(), "contact")),
            "add --yes if it is meant",
        ));
    }
    invocation.confirm(&format!("Remove {}?", names.join(", ")))
}
