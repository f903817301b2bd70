//! `edit`: a contact in an editor, or some of its fields by flags. What a person typed is never thrown away: what
//! cannot be taken stays in a file that is named.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::contact::{Card, FieldMask, diff};
use crate::report::{ExitCode, json_line, shown};
use crate::store::Contact;

use super::arguments::EditArguments;
use super::failure::Failed;
use super::fields;
use super::invocation::{Invocation, Outcome, book_label};

/// Runs `edit`.
pub fn run(invocation: &Invocation<'_>, arguments: &EditArguments) -> Outcome {
    let by_flags = !arguments.fields.is_empty()
        || !arguments.remove_phone.is_empty()
        || !arguments.remove_email.is_empty();
    let (contact, book_name) = {
        let store = invocation.open_for_reading()?;
        let (book, contact) =
            invocation.contact(&store, arguments.which.book.as_deref(), &arguments.which.contact)?;
        (contact, book_label(&book))
    };
    if by_flags {
        let card = fields::change(
            &contact.card,
            &arguments.fields,
            &arguments.remove_phone,
            &arguments.remove_email,
        )?;
        return keep(invocation, &book_name, &contact, &card);
    }
    let draft = Draft::write(invocation, &contact.card)?;
    draft.open_in_editor(invocation)?;
    let bytes = std::fs::read(&draft.path).map_err(|error| draft.kept_because(&error.to_string()))?;
    if bytes == contact.card.as_bytes() {
        draft.remove();
        return unchanged(invocation, &contact);
    }
    let card = Card::parse(&bytes).map_err(|error| draft.kept_because(&error.to_string()))?;
    let card = with_same_uid(invocation, &contact, &card);
    let outcome = keep(invocation, &book_name, &contact, &card).map_err(|failed| {
        if failed.message.is_empty() { failed } else { draft.kept_because(&failed.message) }
    })?;
    draft.remove();
    Ok(outcome)
}

fn unchanged(invocation: &Invocation<'_>, contact: &Contact) -> Outcome {
    invocation.done(
        format_args!("{} is unchanged.", shown(&contact.row.name)),
        &serde_json::json!({"type": "unchanged", "uid": contact.row.uid, "fn": contact.row.name}),
    )?;
    Ok(ExitCode::Done)
}

/// The UID is what the contact is known by on all sides; an edit does not change it.
fn with_same_uid(invocation: &Invocation<'_>, contact: &Contact, card: &Card) -> Card {
    match card.uid() {
        Some(uid) if uid != contact.row.uid => {
            invocation.warn("Note: the UID was put back as it was; it is what the contact is known by.");
            card.with_uid(&contact.row.uid)
        }
        _ => card.clone(),
    }
}

fn keep(invocation: &Invocation<'_>, book_name: &str, contact: &Contact, card: &Card) -> Outcome {
    if card.as_bytes() == contact.card.as_bytes() {
        return unchanged(invocation, contact);
    }
    let (_lock, store) = invocation.open_for_writing()?;
    let book = invocation.book(&store, book_name)?;
    book.edit(contact.row.item, Some(contact.revision), card)?;
    let changes = diff(&contact.card, card, &FieldMask::all());
    if invocation.global.json {
        let changes: Vec<_> = changes
            .iter()
            .map(|change| serde_json::json!({"field": change.field, "before": change.before, "after": change.after}))
            .collect();
        invocation.result(json_line(&serde_json::json!({
            "type": "edited", "uid": contact.row.uid, "fn": card.display_name(), "book": book_name,
            "changes": changes,
        })))?;
        return Ok(ExitCode::Done);
    }
    if !invocation.global.quiet {
        invocation.result(format_args!("Changed {} in {book_name}.", shown(&card.display_name())))?;
        for change in &changes {
            let text = |value: &Option<String>| value.as_deref().map_or_else(|| "(none)".to_owned(), shown);
            invocation.result(format_args!(
                "  {}: {} → {}",
                shown(&change.field),
                text(&change.before),
                text(&change.after)
            ))?;
        }
    }
    Ok(ExitCode::Done)
}

/// The file that a card is edited in; only its owner can read it.
pub struct Draft {
    /// Where it is.
    pub path: PathBuf,
}

impl Draft {
    /// Writes the card into a new file.
    ///
    /// # Errors
    /// When the temporary folder cannot be written to.
    pub fn write(invocation: &Invocation<'_>, card: &Card) -> Result<Self, Failed> {
        let folder = invocation.world.path_variable("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp"));
        let made = tempfile::Builder::new().prefix("tetherbook-").suffix(".vcf").tempfile_in(&folder);
        let mut file = made.map_err(|error| Failed::file("written to", &folder, &error))?;
        let written = file.write_all(card.as_bytes()).and_then(|()| file.flush());
        written.map_err(|error| Failed::file("written", file.path(), &error))?;
        // From here on the file is the person's: it goes when its content is in the book.
        let (_, path) = file.keep().map_err(|error| Failed::file("kept", &folder, &error.error))?;
        Ok(Self { path })
    }

    /// The editor may be a command with arguments, so the shell takes it apart (POSIX, as `git` and `crontab` do).
    ///
    /// # Errors
    /// When there is none, or it failed; then the file stays and is named.
    pub fn open_in_editor(&self, invocation: &Invocation<'_>) -> Result<(), Failed> {
        let world = invocation.world;
        let editor = world.variable("VISUAL").or_else(|| world.variable("EDITOR")).ok_or_else(|| {
            self.remove();
            Failed::usage(
                "there is no editor to open",
                "set EDITOR, or change fields by flags: --name, --phone, …",
            )
        })?;
        let mut script = editor.to_os_string();
        script.push(" \"$1\"");
        let ended = Command::new("sh").arg("-c").arg(script).arg("sh").arg(&self.path).status();
        match ended {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(self.kept_because(&format!("the editor ended with {status}"))),
            Err(error) => Err(self.kept_because(&format!("the editor cannot be started: {error}"))),
        }
    }

    /// A failure that names the file, which stays.
    #[must_use]
    pub fn kept_because(&self, why: &str) -> Failed {
        Failed::general(
            format!("{why}; nothing was changed"),
            format!(
                "what you typed is in {}; correct it, then tetherbook import --update that file",
                quoted(&self.path)
            ),
        )
    }

    /// Takes the file away.
    pub fn remove(&self) {
        // A file that stays behind in the temporary folder does no harm.
        drop(std::fs::remove_file(&self.path));
    }
}

fn quoted(path: &Path) -> String {
    path.display().to_string()
}
