//! `dupes`: lists who may be one person, and asks at a terminal. The answers are given by `link`, `unlink` and `merge`,
//! which this does in their place.

use std::io::{Read, Write};

use crate::provider::MatchAnswer;
use crate::report::{ExitCode, Label, Line, count_of, hanging, paragraph};
use crate::store::Store;

use super::arguments::DupesArguments;
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};
use super::link::say_same;
use super::merge::merge_contacts;
use super::questions::{Between, Question, questions};
use super::unlink::say_different;

/// Runs `dupes`.
pub fn run(invocation: &Invocation<'_>, arguments: &DupesArguments) -> Outcome {
    let found = {
        let store = invocation.open_for_reading()?;
        questions(invocation, &store, arguments.book.as_deref(), arguments.all)?
    };
    if invocation.global.json {
        for (question, number) in found.iter().zip(1..) {
            invocation.json(&question.json(number))?;
        }
        return Ok(ExitCode::Done);
    }
    if found.is_empty() {
        invocation.say("Nobody seems to be there twice, and nobody waits for an answer.");
        return Ok(ExitCode::Done);
    }
    let terminal = invocation.world.terminal;
    let may_ask = terminal.stdin && terminal.stderr && terminal.stdout && !arguments.list;
    let mut answers = Vec::new();
    let mut is_over = false;
    for (question, number) in found.iter().zip(1..) {
        invocation.result_lines(&question.lines(number))?;
        if may_ask && !is_over && question.answer.is_none() {
            match asked(invocation)? {
                Answer::Said(answer) => answers.push((question, answer)),
                Answer::Later => {}
                Answer::Over => is_over = true,
            }
        }
    }
    if may_ask {
        return give(invocation, &answers);
    }
    let open = found.iter().filter(|question| question.answer.is_none()).count();
    if open > 0 {
        invocation.result_lines(&ways_on(&found))?;
    }
    Ok(ExitCode::Done)
}

/// How each kind of question is answered without a terminal.
fn ways_on(found: &[Question]) -> Vec<Line> {
    let open = || found.iter().filter(|question| question.answer.is_none());
    let mut lines = vec![Line::new()];
    let sides = open().filter(|question| matches!(question.between, Between::Sides(_))).count();
    if sides > 0 {
        let pairs = count_of(sides, "pair waits", "pairs wait");
        lines.extend(paragraph(
            Label::Plain,
            &format!("{pairs} for an answer; until then neither of the two is copied to the other side."),
            0,
        ));
        lines.extend(hint("one person:", "tetherbook link '#PC' '#PHONE'"));
        lines.extend(hint("two persons:", "tetherbook unlink '#PC' '#PHONE'"));
    }
    if open().count() > sides {
        let pairs = count_of(open().count() - sides, "pair", "pairs");
        lines.extend(paragraph(Label::Plain, &format!("{pairs} on the PC, which sync as they are."), 0));
        lines.extend(hint("one person:", "tetherbook merge '#ONE' '#OTHER'"));
        lines.extend(hint("two persons:", "tetherbook unlink '#ONE' '#OTHER'"));
    }
    lines
}

fn hint(when: &str, command: &str) -> Vec<Line> {
    let start = Line::new().with(Label::Plain, "  ").with(Label::Quiet, when).padded_to(16);
    hanging(start, Label::Plain, command, 16)
}

/// What a person said at the terminal.
enum Answer {
    Said(MatchAnswer),
    Later,
    /// No more questions.
    Over,
}

/// Asks until the answer is one of those offered; the end of the input is the end of the questions.
fn asked(invocation: &Invocation<'_>) -> Result<Answer, Failed> {
    loop {
        let mut stderr = invocation.world.stderr.clone();
        let shown =
            write!(stderr, "     One person? [y]es, [n]o, [l]ater, [q]uit: ").and_then(|()| stderr.flush());
        shown.map_err(|error| Failed::output(&error))?;
        let Some(line) = line(invocation)? else { return Ok(Answer::Over) };
        match line.trim().to_lowercase().as_str() {
            "y" | "yes" => return Ok(Answer::Said(MatchAnswer::Same)),
            "n" | "no" => return Ok(Answer::Said(MatchAnswer::Different)),
            "l" | "later" | "" => return Ok(Answer::Later),
            "q" | "quit" => return Ok(Answer::Over),
            _ => invocation.warn("     y, n, l or q, please."),
        }
    }
}

/// One line, byte by byte, so that nothing of the next answer is taken with it; `None` at the end.
fn line(invocation: &Invocation<'_>) -> Result<Option<String>, Failed> {
    let mut bytes = Vec::new();
    let mut stdin = invocation.world.stdin.borrow_mut();
    let mut next = [0_u8; 1];
    loop {
        let read = stdin.read(&mut next).map_err(|error| {
            Failed::general(
                format!("the answer cannot be read: {error}"),
                "answer with tetherbook link or unlink",
            )
        })?;
        match (read, next) {
            (0, _) if bytes.is_empty() => return Ok(None),
            (0, _) | (_, [b'\n']) => return Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            (_, [byte]) => bytes.push(byte),
        }
    }
}

/// Writes the answers down, all or none; the lock is taken only now, so that nobody waited while a person thought.
fn give(invocation: &Invocation<'_>, answers: &[(&Question, MatchAnswer)]) -> Outcome {
    if answers.is_empty() {
        invocation.say("Nothing was answered.");
        return Ok(ExitCode::Done);
    }
    let (_lock, store) = invocation.open_for_writing()?;
    store.begin()?;
    for (question, answer) in answers {
        give_one(invocation, &store, question, *answer)?;
    }
    store.commit()?;
    let given = count_of(answers.len(), "answer", "answers");
    invocation.say(format!("Noted {given}; the next sync goes by what you said."));
    Ok(ExitCode::Done)
}

fn give_one(
    invocation: &Invocation<'_>,
    store: &Store,
    question: &Question,
    answer: MatchAnswer,
) -> Result<(), Failed> {
    let (left, right) = (question.left.item, question.right.item);
    match (&question.between, answer) {
        (Between::Sides(row), MatchAnswer::Same) => say_same(invocation, store, row, left, right),
        (Between::Sides(row), MatchAnswer::Different) => match &question.right.card {
            Some(card) => say_different(invocation, store, row, left, (right, card)),
            // Without its card it was answered before, and is not asked about.
            None => Ok(()),
        },
        (Between::Book(name), MatchAnswer::Different) => {
            let book = invocation.book(store, name)?;
            Ok(store.decide_apart(&book, left, right, invocation.world.clock.now_ms())?)
        }
        (Between::Book(name), MatchAnswer::Same) => {
            let book = invocation.book(store, name)?;
            let (Some(kept), Some(gone)) = (book.contact(left)?, book.contact(right)?) else {
                return Err(Failed::general(
                    format!("one of {left} and {right} is not in the book any more"),
                    "tetherbook dupes looks again",
                ));
            };
            merge_contacts(&book, &kept, &gone).map(drop)
        }
    }
}
