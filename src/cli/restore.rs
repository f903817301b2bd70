//! `restore`: gives a contact an earlier content, whole or some of its fields, as a new version on the PC. The next sync
//! takes it to the phone like any other edit.

use crate::contact::{Baseline, Card, ConflictPolicy, FieldMask, MergeInput, Projection, merge};
use crate::report::{ExitCode, shown};
use crate::store::Version;

use super::arguments_history::RestoreArguments;
use super::failure::Failed;
use super::history::{change_lines, changes_between, changes_json, past_contact};
use super::invocation::{Invocation, Outcome, book_label};

/// The fields that can be taken one by one: what a person calls them, and the properties that they are.
const FIELDS: &[(&str, &[&str])] = &[
    ("name", &["FN", "N"]),
    ("tel", &["TEL"]),
    ("email", &["EMAIL"]),
    ("address", &["ADR"]),
    ("org", &["ORG"]),
    ("title", &["TITLE"]),
    ("role", &["ROLE"]),
    ("note", &["NOTE"]),
    ("birthday", &["BDAY"]),
    ("url", &["URL"]),
    ("nickname", &["NICKNAME"]),
    ("photo", &["PHOTO"]),
    ("categories", &["CATEGORIES"]),
];

/// Runs `restore`.
pub fn run(invocation: &Invocation<'_>, arguments: &RestoreArguments) -> Outcome {
    let mask = mask(&arguments.field)?;
    // Without the lock for a dry run, which also must work while a session runs.
    let (lock, store) = if arguments.dry_run {
        (None, invocation.open_for_reading()?)
    } else {
        let (lock, store) = invocation.open_for_writing()?;
        (Some(lock), store)
    };
    let (book, contact) = past_contact(invocation, &store, arguments.book.as_deref(), &arguments.contact)?;
    let versions = book.versions(contact.item)?;
    let wanted = wanted(&versions, arguments.version, &contact.name)?;
    let now = versions.last().and_then(|version| version.card.as_ref());
    let card = match (&mask, now) {
        (None, _) => wanted.clone(),
        (Some(mask), Some(now)) => with_fields(now, wanted, mask),
        (Some(_), None) => {
            return Err(Failed::usage(
                format!(
                    "{} was removed, so that there is nothing to put single fields into",
                    shown(&contact.name)
                ),
                "leave --field out; the contact comes back whole",
            ));
        }
    };
    let changes = changes_between(now, Some(&card));
    let is_same = now == Some(&card);
    if !arguments.dry_run && !is_same {
        book.restore(contact.item, &card)?;
    }
    drop(lock);
    if invocation.global.json {
        invocation.json(&serde_json::json!({
            "type": "restored", "contact": card.display_name(), "item": contact.item.0, "book": book_label(&book),
            "dry_run": arguments.dry_run, "changed": !is_same, "changes": changes_json(&changes),
        }))?;
        return Ok(ExitCode::Done);
    }
    let name = shown(&card.display_name());
    let line = match (is_same, arguments.dry_run) {
        (true, _) => format!("{name} is so already."),
        (false, true) => format!("Would change {name} in {}:", book_label(&book)),
        (false, false) => format!("Restored {name} in {}.", book_label(&book)),
    };
    if !invocation.global.quiet || arguments.dry_run {
        invocation.result(line)?;
        let lines: Vec<_> = changes.iter().flat_map(|change| change_lines(change, "", 2)).collect();
        invocation.result_lines(&lines)?;
    }
    Ok(ExitCode::Done)
}

/// The content that is wanted.
fn wanted<'v>(versions: &'v [Version], number: Option<u64>, name: &str) -> Result<&'v Card, Failed> {
    let list = format!("tetherbook history {} lists them", super::sync::shell_word(name));
    let Some(number) = number else {
        let last = versions.last().filter(|version| version.card.is_none());
        let content = last.and_then(|_| versions.iter().rev().find_map(|version| version.card.as_ref()));
        return content
            .ok_or_else(|| Failed::usage("which version is wanted is not said; add --version N", list));
    };
    let version = versions.iter().find(|version| version.number == number);
    let version =
        version.ok_or_else(|| Failed::general(format!("there is no version {number}"), list.clone()))?;
    version.card.as_ref().ok_or_else(|| {
        Failed::general(
            format!("in version {number} the contact was removed"),
            format!("name another; {list}"),
        )
    })
}

/// The contact as it is now, with these fields as they were.
fn with_fields(now: &Card, wanted: &Card, mask: &FieldMask) -> Card {
    let base = Baseline { pc: now.clone(), phone: now.clone() };
    let projection = Projection { fields: mask.clone(), ..Projection::default() };
    let merged = merge(&MergeInput {
        base: Some(&base),
        pc: wanted,
        phone: now,
        projection: &projection,
        policy: ConflictPolicy::Pc,
        newest: None,
    });
    merged.phone
}

fn mask(fields: &[String]) -> Result<Option<FieldMask>, Failed> {
    let mut properties = Vec::new();
    for field in fields {
        let known = FIELDS.iter().find(|(name, _)| name.eq_ignore_ascii_case(field));
        let (_, names) = known.ok_or_else(|| {
            let names: Vec<&str> = FIELDS.iter().map(|(name, _)| *name).collect();
            Failed::usage(
                format!("there is no field \"{}\"", shown(field)),
                format!("the fields are {}", names.join(", ")),
            )
        })?;
        properties.extend(names.iter().copied());
    }
    Ok((!properties.is_empty()).then(|| FieldMask::only(properties)))
}
