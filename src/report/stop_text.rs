//! A guard's stop, for people and as JSON: what tripped, what would have happened, and the ways on. It must not decide.

use crate::plan::{Action, GuardAnswer, Plan, Reason, Stop};
use crate::relationship::Side;

use super::action_text::{hint_lines, sentence_lines};
use super::layout::{Label, Line, cut, paragraph};
use super::plan_text::Heading;
use super::words::{count, count_of, enumeration, shown};

/// So many names are told of what a guard stopped; more would not stand on one screen with the ways on.
const NAMES_MAX: usize = 8;
/// So many columns a name may take there.
const NAME_COLUMNS: usize = 34;

/// What tripped, in one clause without a name: for a screen, a journal and a notification.
#[must_use]
pub fn stop_words(stop: &Stop) -> String {
    match stop {
        Stop::TooManyDeletes { side, deletes, items, allowed } => format!(
            "this would delete {deletes} of {} on the {}; up to {allowed} are deleted without asking",
            count(*items, "contact"),
            side.words()
        ),
        Stop::TooManyEdits { side, edits, items, allowed } => format!(
            "this would overwrite {edits} of {} on the {}; up to {allowed} are overwritten without asking",
            count(*items, "contact"),
            side.words()
        ),
        Stop::EmptySource { side, links } => format!(
            "the {} holds no contacts any more, although {} been synced with it",
            side.words(),
            count_of(*links, "contact has", "contacts have")
        ),
        Stop::IncompleteSource { side, why } => {
            format!("the {} could not list all its contacts ({})", side.words(), shown(why))
        }
    }
}

/// A guard's stop on one screen: what tripped, what would have happened, why that is odd, and the ways on.
#[must_use]
pub fn stop_lines(stop: &Stop, plan: &Plan, heading: &Heading) -> Vec<Line> {
    let text = format!("Stopped: {}. Nothing was written.", stop_words(stop));
    let mut lines = paragraph(Label::Attention, &text, 0);
    lines.extend(sentence_lines(&oddity(stop, plan)));
    let Some(losing) = stop.losing() else {
        let again = format!("tetherbook sync{}{}", heading.arguments, heading.said);
        lines.extend(hint_lines(&format!("unlock the phone, plug it in again and repeat: {again}")));
        return lines;
    };
    let names = concerned_names(stop, plan);
    if !names.is_empty() {
        let verb = if matches!(stop, Stop::TooManyEdits { .. }) { "overwrite" } else { "delete" };
        let told = enumeration(&shortened(&names));
        lines.extend(sentence_lines(&format!("It would {verb} on the {}: {told}.", losing.words())));
    }
    let command = |flag: &str| format!("tetherbook sync{}{}{flag}", heading.arguments, heading.said);
    let mut ways = vec![(
        String::from("To look at all of it:"),
        format!("tetherbook diff{}{}", heading.arguments, heading.said),
    )];
    ways.extend(plan.answers.iter().filter_map(|answer| {
        Some((answer_words(*answer, stop, losing), command(&format!(" {}", answer_flag(*answer, stop)?))))
    }));
    for (words, command) in ways {
        lines.push(Line::new().with(Label::Strong, "Hint: ").with(Label::Plain, &words));
        lines.push(Line::new().padded_to(8).with(Label::Plain, &command));
    }
    if !plan.answers.contains(&GuardAnswer::PutBack) {
        lines.extend(sentence_lines(&format!(
            "Nothing can be put back on the {}: in the mode {} nothing is written there.",
            losing.other().words(),
            heading.mode.name()
        )));
    }
    lines
}

/// Why that is no ordinary change.
fn oddity(stop: &Stop, plan: &Plan) -> String {
    match stop {
        Stop::TooManyDeletes { side, .. } => format!(
            "They were deleted on the {} since the last sync. A backup that was put back, an app that was reset or \
             another account there looks just the same.",
            side.other().words()
        ),
        Stop::TooManyEdits { side, .. } => {
            let is_receiving = |action: &&Action| action.reasons.contains(&Reason::EditNotTaken(*side));
            if plan.actions.iter().filter(|action| stop.concerns(action)).any(|action| is_receiving(&action))
            {
                return format!(
                    "They were edited on the {}, which only receives, and would be put back as they were.",
                    side.words()
                );
            }
            format!(
                "They were edited on the {} since the last sync. An app that rewrote or emptied every card looks \
                 just the same.",
                side.other().words()
            )
        }
        Stop::EmptySource { side, .. } => format!(
            "Taken at its word, that would delete {} on the {}. A folder that is not mounted, an app that was reset \
             or another account looks just the same.",
            count(plan.deletes(side.other()), "contact"),
            side.other().words()
        ),
        Stop::IncompleteSource { .. } => {
            String::from("What was not listed may still be there, so nothing can be planned.")
        }
    }
}

fn answer_words(answer: GuardAnswer, stop: &Stop, losing: Side) -> String {
    let (losing, source) = (losing.words(), losing.other().words());
    match (answer, stop) {
        (GuardAnswer::Proceed, Stop::TooManyEdits { .. }) => {
            format!("If the edits are meant, to have them on the {losing} too:")
        }
        (GuardAnswer::Proceed, _) => format!("If they are to go, to delete them on the {losing} too:"),
        (GuardAnswer::PutBack, Stop::TooManyEdits { .. }) => {
            format!("To undo the edits on the {source}:")
        }
        (GuardAnswer::PutBack, _) => format!("To put them back on the {source}:"),
        (GuardAnswer::Leave | GuardAnswer::Ask, Stop::EmptySource { .. }) => {
            String::from("To leave both sides as they are for now:")
        }
        (GuardAnswer::Leave | GuardAnswer::Ask, _) => {
            String::from("To leave these as they are for now and sync the rest:")
        }
    }
}

/// The flag of `sync` that gives an answer to this guard.
fn answer_flag(answer: GuardAnswer, stop: &Stop) -> Option<&'static str> {
    Some(match (answer, stop) {
        (GuardAnswer::Ask, _) => return None,
        (GuardAnswer::Proceed, Stop::TooManyEdits { .. }) => "--allow-edits",
        (GuardAnswer::Proceed, _) => "--allow-deletes",
        (GuardAnswer::PutBack, _) => "--put-back",
        (GuardAnswer::Leave, _) => "--leave",
    })
}

/// The display names of everything that tripped.
fn concerned_names(stop: &Stop, plan: &Plan) -> Vec<String> {
    plan.actions.iter().filter(|action| stop.concerns(action)).map(|action| action.subject.clone()).collect()
}

fn shortened(names: &[String]) -> Vec<String> {
    let mut told: Vec<String> =
        names.iter().take(NAMES_MAX).map(|name| cut(&shown(name), NAME_COLUMNS)).collect();
    if names.len() > NAMES_MAX {
        told.push(format!("{} more", names.len() - NAMES_MAX));
    }
    told
}

/// A guard's stop as a JSON value: what tripped with its counts and its limit, every contact concerned, and which flag
/// of `sync` gives which answer.
#[must_use]
pub fn stop_json(stop: &Stop, plan: &Plan) -> serde_json::Value {
    let counts = match stop {
        Stop::TooManyDeletes { side, deletes, items, allowed } => serde_json::json!({
            "side": side, "deletes": deletes, "items": items, "allowed": allowed,
        }),
        Stop::TooManyEdits { side, edits, items, allowed } => serde_json::json!({
            "side": side, "edits": edits, "items": items, "allowed": allowed,
        }),
        Stop::EmptySource { side, links } => serde_json::json!({
            "side": side, "links": links, "deletes": plan.deletes(side.other()),
        }),
        Stop::IncompleteSource { side, why } => serde_json::json!({"side": side, "why": why}),
    };
    let answers: serde_json::Map<String, serde_json::Value> = plan
        .answers
        .iter()
        .filter_map(|answer| Some((answer.word().to_owned(), answer_flag(*answer, stop)?.into())))
        .collect();
    let mut fields = serde_json::Map::new();
    fields.insert(String::from("type"), "stop".into());
    fields.insert(String::from("guard"), stop.kind().into());
    if let serde_json::Value::Object(counts) = counts {
        fields.extend(counts);
    }
    fields.insert(String::from("contacts"), concerned_names(stop, plan).into());
    fields.insert(String::from("answers"), answers.into());
    serde_json::Value::Object(fields)
}
