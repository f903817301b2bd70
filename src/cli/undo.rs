//! `undo`: takes a past session back on both sides, and lets go of what is held since. No sync logic here.

use crate::provider::{SessionId, SessionSummaryRow};
use crate::report::{ExitCode, Label, Line, count, count_of, hanging, shown};
use crate::store::{Hold, Store};

use super::arguments_history::{AnswerChoice, UndoArguments};
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};
use super::sync;

/// Runs `undo`.
pub fn run(invocation: &Invocation<'_>, arguments: &UndoArguments) -> Outcome {
    if arguments.held {
        return list(invocation);
    }
    if let Some(answer) = arguments.release {
        return release(invocation, arguments, answer);
    }
    let (session, phone) = {
        let store = invocation.open_for_reading()?;
        let session = meant(&store, &arguments.what)?;
        let known = store.phone_of_session(session.id)?;
        (session, known.and_then(|known| known.sighting.serial))
    };
    let phone = arguments.phone.clone().or(phone).unwrap_or_else(|| String::from("usb"));
    let what = arguments.what(phone, session.book);
    sync::run_undo(invocation, &what, session.id, arguments.dry_run)
}

/// The session that is to be taken back.
fn meant(store: &Store, what: &[String]) -> Result<SessionSummaryRow, Failed> {
    let list = "tetherbook log lists them";
    let number = match what {
        [] => {
            let last = store.last_to_undo()?;
            return last.ok_or_else(|| Failed::general("there is no session to take back", list));
        }
        [text] => text.parse::<i64>().ok(),
        _ => None,
    };
    let Some(number) = number else {
        return Err(Failed::usage("name one session by its number", list));
    };
    let session = store.session(SessionId(number))?;
    let session = session.ok_or_else(|| Failed::general(format!("there is no session {number}"), list))?;
    if let Some(by) = session.undone_by {
        return Err(Failed::general(
            format!("session {number} was taken back by session {}", by.0),
            format!("to do it again: tetherbook undo {}", by.0),
        ));
    }
    Ok(session)
}

/// What is held, and since when.
fn list(invocation: &Invocation<'_>) -> Outcome {
    let store = invocation.open_for_reading()?;
    let holds = store.holds()?;
    for hold in &holds {
        line(invocation, hold)?;
    }
    if !invocation.global.json {
        invocation.say(match holds.len() {
            0 => String::from("Nothing is held."),
            held => format!(
                "{} held: sync leaves them as they are. Say which side counts: tetherbook undo --release pc (or phone, \
                 again) CONTACT, or --all",
                count_of(held, "contact is", "contacts are")
            ),
        });
    }
    Ok(ExitCode::Done)
}

fn line(invocation: &Invocation<'_>, hold: &Hold) -> Result<(), Failed> {
    let undoes = hold.undoes.map(|session| session.0);
    if invocation.global.json {
        return invocation.json(&serde_json::json!({
            "type": "held", "contact": hold.subject, "phone": hold.phone_label, "book": hold.book,
            "on_pc": hold.pc.is_some(), "on_phone": hold.phone.is_some(), "undo": hold.session.0, "undoes": undoes,
        }));
    }
    let place = match (&hold.pc, &hold.phone) {
        (Some(pc), Some(phone)) if pc == phone => "the same on both sides",
        (Some(_), Some(_)) => "different on both sides",
        (Some(_), None) => "only on the PC",
        (None, Some(_)) => "only on the phone",
        (None, None) => "on neither side",
    };
    let since = undoes.map_or_else(String::new, |session| format!(" since the undo of session {session}"));
    let start = Line::new().with(Label::Strong, &shown(&hold.subject)).with(Label::Plain, "  ");
    let text = format!("{place}, held{since} ({} ⇄ {})", shown(&hold.phone_label), shown(&hold.book));
    invocation.result_lines(&hanging(start, Label::Quiet, &text, 4))
}

fn release(invocation: &Invocation<'_>, arguments: &UndoArguments, answer: AnswerChoice) -> Outcome {
    if arguments.what.is_empty() && !arguments.all {
        return Err(Failed::usage(
            "which contacts are meant is not said",
            "name them, or all of them: tetherbook undo --release again --all",
        ));
    }
    let (_lock, store) = invocation.open_for_writing()?;
    let mut meant = store.holds()?;
    if !arguments.all {
        for text in &arguments.what {
            if !meant.iter().any(|hold| is_meant(hold, text)) {
                return Err(Failed::general(
                    format!("no contact “{}” is held", shown(text)),
                    "tetherbook undo --held lists them",
                ));
            }
        }
        meant.retain(|hold| arguments.what.iter().any(|text| is_meant(hold, text)));
    }
    // All of them or none.
    store.begin()?;
    for hold in &meant {
        let book = invocation.book(&store, &hold.book)?;
        store.lift_hold(hold.id, answer.into(), &book)?;
    }
    store.commit()?;
    let words = match answer {
        AnswerChoice::Pc => "the PC counts",
        AnswerChoice::Phone => "the phone counts",
        AnswerChoice::Again => "sync decides",
    };
    let names: Vec<&str> = meant.iter().map(|hold| hold.subject.as_str()).collect();
    invocation.done(
        format_args!(
            "{} held no longer; at the next sync {words}.",
            match names.as_slice() {
                [one] => format!("{} is", shown(one)),
                all => format!("{} are", count(all.len(), "contact")),
            }
        ),
        &serde_json::json!({"type": "released", "contacts": names, "counts": words}),
    )?;
    Ok(ExitCode::Done)
}

/// Whether a person's words mean this contact: its whole name, or its number on the PC.
fn is_meant(hold: &Hold, text: &str) -> bool {
    let number = text.strip_prefix('#').and_then(|number| number.parse::<u64>().ok());
    let is_numbered = number.is_some_and(|number| hold.pc_item.is_some_and(|item| item.0 == number));
    is_numbered || hold.subject.to_lowercase() == text.to_lowercase()
}
