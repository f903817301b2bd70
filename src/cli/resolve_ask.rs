//! The questions of `resolve` on a terminal: field by field, with plain verbs. Nothing is written here.

use std::io::{Read, Write};

use crate::contact::{Answer, KeepBoth, resolve};
use crate::report::{ExitCode, Line, sentence, shown};

use super::conflicts::{Waiting, field_lines};
use super::failure::Failed;
use super::invocation::Invocation;
use super::resolve::{Decision, impossible};

/// The longest answer that is read, in bytes.
const ANSWER_BYTES_MAX: usize = 64 << 10;

/// What a person wants of one field.
enum Reply {
    Answer(Answer),
    Later,
    Stop,
}

/// Asks about every field of these contacts.
///
/// # Errors
/// When a question cannot be shown or an answer not be read.
pub fn decisions(invocation: &Invocation<'_>, waiting: Vec<Waiting>) -> Result<Vec<Decision>, Failed> {
    let mut decisions = Vec::new();
    let mut stopped = false;
    for seen in waiting {
        if stopped {
            break;
        }
        show(
            invocation,
            &[Line::new().with(
                crate::report::Label::Strong,
                &format!("{}  ({} ⇄ {})", shown(&seen.name()), shown(&seen.phone), shown(&seen.book)),
            )],
        );
        if let Some(why) = seen.hindrance() {
            invocation.warn(why);
            continue;
        }
        let mut decision = Decision::about(seen);
        for place in 0..decision.seen.fields.len() {
            match ask(invocation, &decision, place)? {
                Reply::Answer(answer) => {
                    if let Some(given) = decision.answers.get_mut(place) {
                        *given = Some(answer);
                    }
                }
                Reply::Later => {}
                Reply::Stop => {
                    stopped = true;
                    break;
                }
            }
        }
        decisions.push(decision);
    }
    Ok(decisions)
}

fn show(invocation: &Invocation<'_>, lines: &[Line]) {
    for line in lines {
        invocation.warn(line.render(false));
    }
}

/// Asks about one field until there is an answer that can be taken.
fn ask(invocation: &Invocation<'_>, decision: &Decision, place: usize) -> Result<Reply, Failed> {
    let Some(field) = decision.seen.fields.get(place) else { return Ok(Reply::Later) };
    show(invocation, &field_lines(place + 1, field));
    let both = if field.open.both == KeepBoth::Never { "" } else { ", b: keep both" };
    let edit = if field.open.is_editable { ", e: type another" } else { "" };
    let question = format!("p: the phone is right, c: the computer is{both}{edit}, l: later, q: stop here");
    loop {
        let Some(reply) = line(invocation, &format!("{question}? "))? else { return Ok(Reply::Stop) };
        let answer = match reply.to_lowercase().as_str() {
            "p" | "phone" => Answer::Phone,
            "c" | "computer" | "pc" => Answer::Pc,
            "b" | "both" => Answer::Both,
            "l" | "later" => return Ok(Reply::Later),
            "q" | "quit" => return Ok(Reply::Stop),
            "e" | "edit" => {
                let prompt = format!("{}: ", sentence(&shown(&field.open.conflict.field)));
                let Some(text) = line(invocation, &prompt)? else { return Ok(Reply::Stop) };
                Answer::Text(text)
            }
            _ => {
                invocation.warn("Type one of these letters and Enter.");
                continue;
            }
        };
        if let Some(failed) = refused(decision, field.index, &answer) {
            invocation.warn(format_args!("{}.", sentence(&failed)));
            continue;
        }
        return Ok(Reply::Answer(answer));
    }
}

/// Why an answer cannot be taken, if so.
fn refused(decision: &Decision, index: usize, answer: &Answer) -> Option<String> {
    if let Some(failed) = impossible(&decision.seen, answer) {
        return Some(failed.message);
    }
    let mut answers = vec![None; decision.seen.apart];
    *answers.get_mut(index)? = Some(answer.clone());
    resolve(&decision.seen.input()?, &answers).err().map(|error| error.to_string())
}

/// The next line that the person types; `None` at the end of what there is.
fn line(invocation: &Invocation<'_>, prompt: &str) -> Result<Option<String>, Failed> {
    let mut stderr = invocation.world.stderr.clone();
    let asked = write!(stderr, "{prompt}").and_then(|()| stderr.flush());
    asked.map_err(|error| Failed::output(&error))?;
    let mut stdin = invocation.world.stdin.borrow_mut();
    let mut typed = Vec::new();
    // Byte by byte, for what comes after the line belongs to the next question.
    let mut byte = [0_u8];
    loop {
        let read = stdin.read(&mut byte).map_err(|error| {
            Failed::new(
                ExitCode::Failed,
                format!("the answer cannot be read: {error}"),
                "answer by flags: tetherbook resolve --help",
            )
        })?;
        match byte {
            _ if read == 0 && typed.is_empty() => return Ok(None),
            _ if read == 0 => break,
            [b'\n'] => break,
            [byte] if typed.len() < ANSWER_BYTES_MAX => typed.push(byte),
            _ => {}
        }
    }
    Ok(Some(String::from_utf8_lossy(&typed).trim().to_owned()))
}
