//! What a person is told about exports: whole sentences, each with the file and the next step. It decides nothing but
//! what is worth saying.

use super::choosing::{Choice, Refused, Taken};
use super::dates::{day_words, days_since};
use super::exports::Export;
use super::finding::Found;
use crate::device::profile::{ContactsSection, ExportSection};
use crate::provider::ProviderError;

/// So many refused files are named one by one.
const NAMED_MAX: usize = 4;

/// There is no file that may be an export.
pub(super) fn none_found(
    contacts: &ContactsSection,
    section: &ExportSection,
    found: &Found,
) -> ProviderError {
    if let Some(doubt) = found.doubts.first() {
        return ProviderError::Storage(format!("the phone's exports could not be looked for: {doubt}"));
    }
    let folders: Vec<&str> = contacts
        .folders
        .iter()
        .map(|folder| if folder == "." { "the storage's root" } else { folder })
        .collect();
    ProviderError::NoChannel(format!(
        "there is no file {} in {}. {}",
        section.names.join(" or "),
        folders.join(", "),
        section.how_to_export
    ))
}

/// There are files, and none of them can be used.
pub(super) fn none_usable(section: &ExportSection, choice: &Choice) -> ProviderError {
    let named: Vec<String> =
        choice.refused.iter().map(|Refused { words, why, .. }| format!("{words}: {why}")).collect();
    let rest = match choice.not_looked_at {
        0 => String::new(),
        1 => String::from("; one older file was not looked at"),
        count => format!("; {count} older files were not looked at"),
    };
    ProviderError::NoExport(format!(
        "no export on the phone can be used: {}{rest}. {}",
        named.join("; "),
        section.how_to_export
    ))
}

fn of_day(export: &Export, now_ms: i64) -> String {
    export.date(now_ms).and_then(day_words).map_or_else(String::new, |day| format!(" of {day}"))
}

/// What was newer than the export that counts and was not taken.
pub(super) fn refusals(choice: &Choice, now_ms: i64) -> Vec<String> {
    let instead = match &choice.taken {
        Taken::Read(export, _) | Taken::Unchanged(export, _) => {
            format!("the older export {}{} is used", export.words(), of_day(export, now_ms))
        }
        Taken::OlderOnly(_) | Taken::Nothing => String::from("what was read last still counts"),
    };
    let mut sentences: Vec<String> = choice
        .refused
        .iter()
        .take(NAMED_MAX)
        .map(|Refused { words, why, .. }| format!("{words} was not used, because {why}; {instead}."))
        .collect();
    if let Some(more) = choice.refused.len().checked_sub(NAMED_MAX).filter(|more| *more > 0) {
        sentences.push(format!("{more} more files that are newer were not used either."));
    }
    sentences
}

/// Nothing is left but exports older than the one that was read last.
pub(super) fn older_only(export: &Export, section: &ExportSection, now_ms: i64) -> String {
    format!(
        "The export that was read last is gone, and {}{} is older, so that nothing new is known of the phone. {}",
        export.words(),
        of_day(export, now_ms),
        section.how_to_export
    )
}

/// The app should have made a newer export by now.
pub(super) fn stale(export: &Export, section: &ExportSection, now_ms: i64) -> Option<String> {
    let date = export.date(now_ms)?;
    let days = days_since(date, now_ms);
    let is_stale = section.stale_after_days > 0 && days > u32::from(section.stale_after_days);
    is_stale.then(|| {
        let day = day_words(date).unwrap_or_default();
        format!(
            "The newest export, {}, is of {day}, {days} days ago; what changed on the phone since is not known. {}",
            export.words(),
            section.how_to_export
        )
    })
}

/// What became of the older exports that a person asked to remove.
pub(super) fn pruned(place: &str, removed: usize, failure: Option<&str>) -> Option<String> {
    let exports = if removed == 1 { "older export was" } else { "older exports were" };
    match (removed, failure) {
        (0, None) => None,
        (_, None) => Some(format!("{removed} {exports} removed from {place}.")),
        (_, Some(why)) => {
            Some(format!("{removed} {exports} removed from {place}, and then one could not be: {why}."))
        }
    }
}
