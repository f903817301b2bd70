//! A contact in conflict that is decided as a whole: in an editor, or by a program that merges files. Whatever goes wrong,
//! nothing is decided, and what was made stays in a file that is named.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::contact::{Answer, Card, Dialect, write};
use crate::report::shown;

use super::arguments::ResolveArguments;
use super::conflicts::Waiting;
use super::edit::Draft;
use super::failure::Failed;
use super::invocation::Invocation;
use super::resolve::{Decision, impossible};

/// What the editor or the program made of the one contact that is meant.
///
/// # Errors
/// When several could be meant, nothing can be decided now, or editing failed.
pub fn decisions(
    invocation: &Invocation<'_>,
    arguments: &ResolveArguments,
    mut waiting: Vec<Waiting>,
) -> Result<Vec<Decision>, Failed> {
    let (Some(seen), true) = (waiting.pop(), waiting.is_empty()) else {
        return Err(Failed::usage(
            "the contact waits with several phones, so it is not clear which phone's card is meant",
            "decide its fields by flags: tetherbook resolve CONTACT --field FIELD=phone",
        ));
    };
    let (Some(input), None) = (seen.input(), seen.hindrance()) else {
        let why = seen.hindrance().unwrap_or("sync once, then decide");
        return Err(Failed::general(format!("{} cannot be decided now", shown(&seen.name())), why));
    };
    if let Some(failed) = impossible(&seen, &Answer::Pc) {
        return Err(failed);
    }
    let whole = match &arguments.tool {
        Some(command) => merged(invocation, command, &seen)?,
        None => edited(invocation, &seen, input.pc)?,
    };
    let Some(whole) = whole else {
        invocation.say("Nothing was changed, so the fields go on waiting.");
        return Ok(Vec::new());
    };
    Ok(vec![Decision { whole: Some(whole), ..Decision::about(seen) }])
}

/// The PC's card before and after the editor; `None` if it is the same.
fn edited(invocation: &Invocation<'_>, seen: &Waiting, pc: &Card) -> Result<Option<(Card, Card)>, Failed> {
    for line in seen.lines() {
        invocation.warn(line.render(false));
    }
    let draft = Draft::write(invocation, pc)?;
    draft.open_in_editor(invocation)?;
    let bytes = fs::read(&draft.path).map_err(|error| draft.kept_because(&error.to_string()))?;
    if bytes == pc.as_bytes() {
        draft.remove();
        return Ok(None);
    }
    let card = Card::parse(&bytes).map_err(|error| draft.kept_because(&error.to_string()))?;
    draft.remove();
    Ok(Some((pc.clone(), card)))
}

/// What the program left in `$MERGED`, after what was put there; `None` if that is the same.
fn merged(
    invocation: &Invocation<'_>,
    command: &str,
    seen: &Waiting,
) -> Result<Option<(Card, Card)>, Failed> {
    let command = Some(command.to_owned())
        .filter(|command| !command.trim().is_empty())
        .or_else(|| invocation.configuration.merge_tool.clone());
    let command = command.ok_or_else(|| {
        Failed::usage(
            "no program to merge with was named",
            "tetherbook resolve CONTACT --tool COMMAND, or merge_tool = \"COMMAND\" in the configuration",
        )
    })?;
    let (Some(base), Some(contact), Some(sides)) =
        (&seen.conflicted.link.base, &seen.contact, &seen.conflicted.sides)
    else {
        return Ok(None);
    };
    let folder = private_folder(invocation)?;
    let pc = write(&contact.card, &Dialect::v40()).card;
    let cards = [
        ("BASE", write(&base.pc, &Dialect::v40()).card),
        ("PC", pc.clone()),
        ("PHONE", write(&sides.phone, &Dialect::v40()).card),
        ("MERGED", pc.clone()),
    ];
    let mut run = Command::new("sh");
    run.arg("-c").arg(&command);
    for (name, card) in &cards {
        let path = folder.path().join(format!("{name}.vcf"));
        fs::write(&path, card.as_bytes()).map_err(|error| Failed::file("written", &path, &error))?;
        run.env(name, &path);
    }
    let path = folder.path().join("MERGED.vcf");
    let ended = run.status();
    let left = fs::read(&path).unwrap_or_default();
    let why = match ended {
        Ok(status) if status.success() => match Card::parse(&left) {
            _ if left == pc.as_bytes() => return Ok(None),
            Ok(card) => return Ok(Some((pc, card))),
            Err(error) => format!("what the merge program left is not one contact: {error}"),
        },
        Ok(status) => format!("the merge program ended with {status}"),
        Err(error) => format!("the merge program cannot be started: {error}"),
    };
    if left.is_empty() || left == pc.as_bytes() {
        return Err(Failed::general(
            format!("{why}; nothing was decided"),
            "both sides are as they were; try it again, or answer by fields: tetherbook resolve --help",
        ));
    }
    let kept = folder.keep().join("MERGED.vcf");
    Err(Failed::general(
        format!("{why}; nothing was decided"),
        format!(
            "what it made is in {}; correct it, then tetherbook import --update that file",
            quoted(&kept)
        ),
    ))
}

/// A folder that only its owner can look into.
fn private_folder(invocation: &Invocation<'_>) -> Result<tempfile::TempDir, Failed> {
    let parent = invocation.world.path_variable("TMPDIR").unwrap_or_else(|| PathBuf::from("/tmp"));
    tempfile::Builder::new()
        .prefix("tetherbook-")
        .permissions(fs::Permissions::from_mode(0o700))
        .tempdir_in(&parent)
        .map_err(|error| Failed::file("written to", &parent, &error))
}

fn quoted(path: &Path) -> String {
    path.display().to_string()
}
