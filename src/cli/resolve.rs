//! `resolve`: a person's answers to fields in conflict. It changes the PC's contact and what both sides are taken to have
//! agreed on, in one piece; the phone need not be there, the next sync carries it out.

use std::collections::BTreeSet;

use crate::contact::{Answer, Card, MergeInput, ResolutionError, resolve, take_edited};
use crate::provider::{ConflictSides, ItemId, LinkId, OpenConflict};
use crate::relationship::Mode;
use crate::report::{ExitCode, Label, Line, count_of, enumeration, hanging, shown};
use crate::store::{Cause, RelationshipLedger, Store};

use super::arguments::ResolveArguments;
use super::conflicts::{Waiting, all_waiting, fields, meant};
use super::edit::Draft;
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};
use super::{resolve_ask, resolve_whole};

/// A file with what a person made. It goes when its content is in the book.
#[derive(Debug)]
pub enum Made {
    /// In an editor.
    Draft(Draft),
    /// By a program, in a folder of its own, under this name.
    Folder(tempfile::TempDir, &'static str),
}

impl Made {
    /// A failure that names the file, which stays.
    #[must_use]
    pub fn kept_because(self, why: &str) -> Failed {
        match self {
            Self::Draft(draft) => draft.kept_because(why),
            Self::Folder(folder, name) => Draft { path: folder.keep().join(name) }.kept_because(why),
        }
    }

    fn remove(self) {
        if let Self::Draft(draft) = self {
            draft.remove();
        }
    }
}

/// What is decided about a contact.
#[derive(Debug)]
pub struct Decision {
    /// The contact as it was when it was decided.
    pub seen: Waiting,
    /// What was said about each of its fields.
    pub answers: Vec<Option<Answer>>,
    /// The card that was edited as a whole, after the one that was shown for it.
    pub whole: Option<(Card, Card)>,
    /// Where what was made as a whole stands, until it is in the book.
    pub made: Option<Made>,
    /// Fields that were to be the phone's and that were edited on the PC since they were told.
    pub passed_over: Vec<String>,
}

impl Decision {
    /// Nothing is decided yet.
    #[must_use]
    pub fn about(seen: Waiting) -> Self {
        let answers = vec![None; seen.fields.len()];
        Self { seen, answers, whole: None, made: None, passed_over: Vec::new() }
    }

    fn is_decided(&self) -> bool {
        self.whole.is_some() || self.answers.iter().any(Option::is_some)
    }
}

/// Runs `resolve`.
pub fn run(invocation: &Invocation<'_>, arguments: &ResolveArguments) -> Outcome {
    let terminal = invocation.world.terminal;
    let can_ask = terminal.stdin && terminal.stderr && !invocation.global.json;
    if !arguments.has_answers() && !can_ask {
        return Err(Failed::usage(
            "nobody is there to ask, and no answer was given",
            "tetherbook resolve CONTACT --field FIELD=phone (or pc, both), --set FIELD=VALUE, --all-fields phone, \
             --edit or --tool COMMAND; or tetherbook resolve --all --take phone",
        ));
    }
    let waiting = {
        let store = invocation.open_for_reading()?;
        let mut waiting = all_waiting(invocation, &store)?;
        match &arguments.contact {
            Some(text) => {
                waiting = meant(invocation, &store, waiting, arguments.book.as_deref(), text)?;
            }
            None => waiting.retain(|one| arguments.book.as_ref().is_none_or(|book| one.book == *book)),
        }
        waiting
    };
    if waiting.is_empty() {
        invocation.say("No field waits for a decision.");
        return Ok(ExitCode::Done);
    }
    let mut decisions = if arguments.edit || arguments.tool.is_some() {
        resolve_whole::decisions(invocation, arguments, waiting)?
    } else if arguments.has_answers() {
        by_flags(arguments, waiting)?
    } else {
        resolve_ask::decisions(invocation, waiting)?
    };
    let made: Vec<Made> = decisions.iter_mut().filter_map(|decision| decision.made.take()).collect();
    match carry_out(invocation, &decisions, arguments.dry_run) {
        Ok(exit) => {
            made.into_iter().for_each(Made::remove);
            Ok(exit)
        }
        // What a person typed is never thrown away.
        Err(failed) if !failed.message.is_empty() => {
            Err(made.into_iter().next().map_or(failed.clone(), |made| made.kept_because(&failed.message)))
        }
        Err(failed) => Err(failed),
    }
}

/// The answers that stand on the command line.
fn by_flags(arguments: &ResolveArguments, waiting: Vec<Waiting>) -> Result<Vec<Decision>, Failed> {
    let mut decisions = Vec::new();
    let rest: Option<Answer> = arguments.all_fields.or(arguments.take).map(Into::into);
    for seen in waiting {
        if let Some(why) = seen.hindrance().filter(|_| arguments.contact.is_some()) {
            return Err(Failed::general(format!("{} cannot be decided now", shown(&seen.name())), why));
        }
        let mut decision = Decision::about(seen);
        decision.answers.fill(rest.clone());
        for text in &arguments.field {
            let (field, answer) = text.rsplit_once('=').unwrap_or((text, ""));
            let answer = match answer.trim().to_lowercase().as_str() {
                "phone" => Answer::Phone,
                "pc" | "computer" => Answer::Pc,
                "both" => Answer::Both,
                _ => {
                    return Err(Failed::usage(
                        format!("\"{}\" names no answer", shown(text)),
                        "write --field FIELD=phone, FIELD=pc or FIELD=both; --set FIELD=VALUE types another value",
                    ));
                }
            };
            answer_field(&mut decision, field, &answer)?;
        }
        for text in &arguments.set {
            let (field, value) = text.split_once('=').unwrap_or((text, ""));
            answer_field(&mut decision, field, &Answer::Text(value.to_owned()))?;
        }
        let Decision { seen, answers, passed_over, .. } = &mut decision;
        for (answer, field) in answers.iter_mut().zip(&seen.fields) {
            // An edit that is newer than the question was not asked about; it is asked about from now on.
            if *answer == Some(Answer::Phone) && field.is_edited_since() {
                *answer = None;
                passed_over.push(field.open.conflict.field.clone());
            }
            if let Some(failed) = answer.as_ref().and_then(|answer| impossible(seen, answer)) {
                return Err(failed);
            }
        }
        decisions.push(decision);
    }
    Ok(decisions)
}

/// Gives the field that `name` means, by its name or its number, this answer.
fn answer_field(decision: &mut Decision, name: &str, answer: &Answer) -> Result<(), Failed> {
    let name = name.trim();
    let number = name.parse::<usize>().ok();
    let fields = (1..).zip(&decision.seen.fields);
    let meant: Vec<bool> = fields
        .map(|(place, field)| {
            number == Some(place) || field.open.conflict.field.to_lowercase() == name.to_lowercase()
        })
        .collect();
    if !meant.contains(&true) {
        let names: Vec<String> =
            decision.seen.fields.iter().map(|field| shown(&field.open.conflict.field)).collect();
        return Err(Failed::usage(
            format!("no field \"{}\" of {} waits", shown(name), shown(&decision.seen.name())),
            format!("these do: {}", enumeration(&names)),
        ));
    }
    for (given, _) in decision.answers.iter_mut().zip(meant).filter(|(_, meant)| *meant) {
        *given = Some(answer.clone());
    }
    Ok(())
}

/// Why an answer would come to nothing under the relationship's mode, if so.
#[must_use]
pub fn impossible(seen: &Waiting, answer: &Answer) -> Option<Failed> {
    (seen.mode == Mode::PhoneToPc && *answer != Answer::Phone).then(|| {
        Failed::usage(
            format!(
                "{} is synced phone-to-pc, so nothing of the PC can go there; the next sync would put the phone's value back",
                shown(&seen.phone)
            ),
            "take the phone's value, or sync once with --mode two-way",
        )
    })
}

/// What became of one contact.
struct Settled {
    decided: Vec<(String, Answer, Option<String>)>,
    whole: bool,
    left: Vec<String>,
}

/// Carries out all decisions or none.
fn carry_out(invocation: &Invocation<'_>, decisions: &[Decision], dry_run: bool) -> Outcome {
    let worth = |decision: &&Decision| decision.is_decided() || !decision.passed_over.is_empty();
    let mut outcomes = Vec::new();
    if dry_run {
        for decision in decisions.iter().filter(worth) {
            outcomes.push((decision, settled(&decision.seen, decision, None)?.0));
        }
    } else if decisions.iter().any(|decision| worth(&decision)) {
        let (_lock, store) = invocation.open_for_writing()?;
        store.begin()?;
        let mut changed = BTreeSet::new();
        for decision in decisions.iter().filter(worth) {
            outcomes.push((decision, settle(invocation, &store, decision, &mut changed)?));
        }
        store.commit()?;
    }
    for (decision, settled) in &outcomes {
        tell(invocation, decision, settled, dry_run)?;
    }
    if !decisions.is_empty() && outcomes.iter().all(|(decision, _)| !decision.is_decided()) {
        invocation.say("Nothing was decided.");
    }
    let is_passed_over = outcomes.iter().any(|(decision, _)| !decision.passed_over.is_empty());
    Ok(if is_passed_over { ExitCode::Conflicts } else { ExitCode::Done })
}

/// What stays open, and the cards after the answers.
type After = (Settled, crate::contact::Resolution, Vec<OpenConflict>);

/// What the answers come to with the contact as it is `now`. `matched` says which answer each of its fields has.
fn settled(
    now: &Waiting,
    decision: &Decision,
    matched: Option<Vec<Option<Answer>>>,
) -> Result<After, Failed> {
    let input = now.input().ok_or_else(|| changed_meanwhile(now))?;
    let given = matched.unwrap_or_else(|| decision.answers.clone());
    let mut answers = vec![None; now.apart];
    for (field, answer) in now.fields.iter().zip(&given) {
        if let Some(place) = answers.get_mut(field.index) {
            place.clone_from(answer);
        }
    }
    let resolution = match &decision.whole {
        Some((shown, edited)) => take_edited(&input, shown, edited),
        None => resolve(&input, &answers),
    };
    let resolution = resolution.map_err(|error| refused(now, &error))?;
    let is_open = |answer: &Option<Answer>| answer.is_none() && decision.whole.is_none();
    let told: Vec<OpenConflict> = now
        .fields
        .iter()
        .zip(&given)
        .filter(|(_, answer)| is_open(answer))
        .map(|(field, _)| field.told.clone())
        .collect();
    let after = MergeInput { base: Some(&resolution.baseline), pc: &resolution.pc, ..input };
    let (left, _) = fields(&after, &told);
    let mut open: Vec<OpenConflict> = left
        .into_iter()
        .map(|field| OpenConflict {
            base: field.open.conflict.base,
            pc: field.open.conflict.pc,
            phone: field.open.conflict.phone,
            ..field.told
        })
        .collect();
    open.extend(now.unseen.iter().cloned());
    open.sort_by(|one, other| one.field.cmp(&other.field));
    let decided = now.fields.iter().zip(given).filter_map(|(field, answer)| {
        let (conflict, answer) = (&field.open.conflict, answer?);
        let value = match &answer {
            Answer::Phone => conflict.phone.clone(),
            Answer::Pc => conflict.pc.clone(),
            Answer::Text(text) => Some(text.clone()),
            Answer::Both => None,
        };
        Some((conflict.field.clone(), answer, value))
    });
    let settled = Settled {
        decided: decided.collect(),
        whole: decision.whole.is_some(),
        left: open.iter().map(|conflict| conflict.field.clone()).collect(),
    };
    Ok((settled, resolution, open))
}

/// Writes what the answers come to. `changed` holds the contacts that were changed in this batch.
fn settle(
    invocation: &Invocation<'_>,
    store: &Store,
    decision: &Decision,
    changed: &mut BTreeSet<(String, ItemId)>,
) -> Result<Settled, Failed> {
    let seen = &decision.seen;
    let now = load(invocation, store, seen.relationship, seen.conflicted.link.id)?;
    let now = now.ok_or_else(|| changed_meanwhile(seen))?;
    let key = (seen.book.clone(), seen.conflicted.link.pc);
    let revision = |waiting: &Waiting| waiting.contact.as_ref().map(|contact| contact.revision);
    let phone = |waiting: &Waiting| waiting.conflicted.sides.as_ref().map(|sides| sides.phone.clone());
    let is_as_seen = phone(&now) == phone(seen)
        && now.conflicted.link.base == seen.conflicted.link.base
        && (changed.contains(&key) || revision(&now) == revision(seen));
    let (Some(contact), Some(sides), true) = (&now.contact, &now.conflicted.sides, is_as_seen) else {
        return Err(changed_meanwhile(seen));
    };
    let matched = by_field(&now, decision);
    let (settled, resolution, open) = settled(&now, decision, Some(matched))?;
    let book = invocation.book(store, &now.book)?.for_cause(Cause::Resolve);
    if resolution.pc != contact.card {
        book.edit(contact.row.item, Some(contact.revision), &resolution.pc)?;
    } else if !settled.decided.is_empty() || settled.whole {
        // The PC's value is right as it is: the phone must hear of it although nothing was edited.
        book.affirm(contact.row.item)?;
    }
    changed.insert(key);
    let sides = ConflictSides { pc: resolution.pc, ..sides.clone() };
    RelationshipLedger::new(store, now.relationship).settle(
        &now.conflicted.link,
        &resolution.baseline,
        &sides,
        &open,
    )?;
    Ok(settled)
}

fn load(
    invocation: &Invocation<'_>,
    store: &Store,
    relationship: crate::store::RelationshipId,
    link: LinkId,
) -> Result<Option<Waiting>, Failed> {
    let rows = store.relationships()?;
    let Some(row) = rows.iter().find(|row| row.id == relationship) else { return Ok(None) };
    let all = RelationshipLedger::new(store, relationship).conflicted()?;
    let conflicted = all.into_iter().find(|conflicted| conflicted.link.id == link);
    conflicted.map(|conflicted| Waiting::load(invocation, store, row, conflicted)).transpose()
}

/// The answers for the fields as they are now: the same fields, unless another answer changed the contact.
fn by_field(now: &Waiting, decision: &Decision) -> Vec<Option<Answer>> {
    let name = |field: &super::conflicts::WaitingField| field.open.conflict.field.clone();
    let mut given: Vec<(String, Option<Answer>)> =
        decision.seen.fields.iter().map(name).zip(decision.answers.iter().cloned()).collect();
    let mut take = |wanted: String| {
        let place = given.iter().position(|(field, _)| *field == wanted)?;
        given.remove(place).1
    };
    now.fields.iter().map(|field| take(name(field))).collect()
}

fn changed_meanwhile(seen: &Waiting) -> Failed {
    Failed::general(
        format!("{} changed meanwhile, so nothing was decided", shown(&seen.name())),
        "look again: tetherbook conflicts",
    )
}

fn refused(seen: &Waiting, error: &ResolutionError) -> Failed {
    let hint = match error {
        ResolutionError::NotBoth(_) => "answer phone or pc for it",
        ResolutionError::NotText(_) => {
            "answer phone or pc for it, or change the contact with tetherbook edit"
        }
        ResolutionError::BadText(..) => "type it again",
        ResolutionError::NoBaseline => "sync once, then decide",
    };
    Failed::usage(format!("{}: {error}; nothing was decided", shown(&seen.name())), hint)
}

fn tell(
    invocation: &Invocation<'_>,
    decision: &Decision,
    settled: &Settled,
    dry_run: bool,
) -> Result<(), Failed> {
    let seen = &decision.seen;
    if invocation.global.json {
        let decided = settled.decided.iter().map(|(field, answer, value)| {
            serde_json::json!({"field": field, "answer": answer_word(answer), "value": value})
        });
        return invocation.json(&serde_json::json!({
            "type": "resolved", "number": seen.conflicted.link.pc.0, "contact": seen.name(), "book": seen.book,
            "phone": seen.phone, "dry_run": dry_run, "whole": settled.whole,
            "fields": decided.collect::<Vec<_>>(), "passed_over": decision.passed_over, "waiting": settled.left,
        }));
    }
    for field in &decision.passed_over {
        invocation.warn(format_args!(
            "{} of {} was edited on the PC after the question, so it was not overwritten; look at it, then answer again.",
            shown(field),
            shown(&seen.name())
        ));
    }
    if invocation.global.quiet || !decision.is_decided() {
        return Ok(());
    }
    let verb = if dry_run { "Would decide" } else { "Decided" };
    let what = if settled.whole {
        String::from("the whole contact, as edited")
    } else {
        count_of(settled.decided.len(), "field", "fields")
    };
    let heading = format!("{verb} {what}: {} ({})", shown(&seen.name()), shown(&seen.phone));
    let mut lines = vec![Line::new().with(Label::Strong, &heading)];
    for (field, answer, value) in &settled.decided {
        let value = value.as_deref().map_or_else(|| String::from("(none)"), shown);
        let text = match answer {
            Answer::Phone => format!("{value}, as on the phone"),
            Answer::Pc => format!("{value}, as on the PC"),
            Answer::Both => String::from("both"),
            Answer::Text(_) => format!("{value}, as typed"),
        };
        let start = Line::new().with(Label::Plain, &format!("  {}: ", shown(field)));
        lines.extend(hanging(start, Label::New, &text, 4));
    }
    if !settled.left.is_empty() {
        let left: Vec<String> = settled.left.iter().map(|field| shown(field)).collect();
        lines.extend(hanging(
            Line::new().padded_to(2),
            Label::Plain,
            &format!("still waiting: {}", enumeration(&left)),
            2,
        ));
    }
    let goes = settled.whole || settled.decided.iter().any(|(_, answer, _)| *answer != Answer::Phone);
    if goes && !dry_run {
        lines.extend(hanging(
            Line::new().padded_to(2),
            Label::Plain,
            "The next sync takes it to the phone.",
            2,
        ));
    }
    invocation.result_lines(&lines)
}

fn answer_word(answer: &Answer) -> &'static str {
    match answer {
        Answer::Phone => "phone",
        Answer::Pc => "pc",
        Answer::Both => "both",
        Answer::Text(_) => "edit",
    }
}
