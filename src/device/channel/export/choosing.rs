//! Which export counts: the newest that is whole. It reads the newest, judges it and goes on to the next older one,
//! a few times and not through years of files. One that is older than the one that was read last is never taken: its
//! contacts would read as edits that take back what was edited since.

use sha2::{Digest as _, Sha256};

use super::dates::{is_long_ago, latest_believable, seconds_between};
use super::exports::{Export, exports};
use super::finding::{Candidate, Found};
use super::judging::{Reading, Refusal, judge};
use super::remembered::{LastExport, Remembered, SETTLED_AFTER_MS, hexadecimal};
use crate::device::profile::ExportSection;
use crate::device::tree::TreeError;
use crate::provider::{ProviderError, Revision};

/// So many exports are read in one session at most.
const READS_MAX: usize = 8;

/// How far the dates of one file may differ between two ways to look at it, of which one tells local time, in seconds.
const ZONES_APART_S: i64 = 26 * 3_600;

/// From so many contacts on a file under another name is compared with those that are known.
const STRANGERS_MIN: usize = 4;

/// A file that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    /// Where it is.
    pub words: String,
    /// Why it was not taken.
    pub why: String,
    /// Whether it may hold contacts that the one that was taken lacks.
    pub may_hide_contacts: bool,
}

/// What came of looking for the export that counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Taken {
    /// This export, which was read now.
    Read(Export, Reading),
    /// This export, whose content is the one that was read last; whether it was read again now.
    Unchanged(Export, bool),
    /// All that are left are older than the one that was read last; this is the newest of them.
    OlderOnly(Export),
    /// None can be used.
    Nothing,
}

/// The answer of [`choose`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    /// What is taken.
    pub taken: Taken,
    /// What is newer and is not taken, the newest first.
    pub refused: Vec<Refused>,
    /// How many older ones were not looked at, where there were too many.
    pub not_looked_at: usize,
}

/// What is known before anything is read.
pub(super) struct Circumstances<'a> {
    /// What was found.
    pub found: &'a Found,
    /// What the app's exports look like.
    pub section: &'a ExportSection,
    /// Whether the phone is looked at as a directory of this computer.
    pub is_directory: bool,
    /// A contact that is missing from an export was deleted.
    pub absent_is_deleted: bool,
    /// Whether a changed file has another date or size here.
    pub dates_tell_changes: bool,
    /// The time, in milliseconds since 1970.
    pub now_ms: i64,
}

/// What may be asked while an export is chosen.
pub(super) trait Sources {
    /// The content of a file.
    fn read(&mut self, candidate: &Candidate) -> Result<Vec<u8>, TreeError>;

    /// How many of these cards have the name of a contact that is known.
    fn known_names(&mut self, reading: &Reading) -> Result<usize, ProviderError>;
}

/// Looks for the export that counts. What is refused is remembered, so that it is not read again while it is the same.
///
/// # Errors
/// When the phone as a whole, or the memory, cannot be asked any more.
pub(super) fn choose(
    about: &Circumstances<'_>,
    remembered: &mut Remembered,
    sources: &mut dyn Sources,
) -> Result<Choice, ProviderError> {
    let exports = exports(about.found, about.section.layout, about.now_ms);
    let last = remembered.last.clone();
    let mut refused: Vec<Refused> = Vec::new();
    let mut reads = 0;
    for (index, export) in exports.iter().enumerate() {
        let done = |taken, refused| Ok(Choice { taken, refused, not_looked_at: 0 });
        if let Some(last) = &last {
            if last.stamp == export.stamp && last.settled {
                return done(Taken::Unchanged(export.clone(), false), refused);
            }
            if is_older(about, export, last) {
                return done(Taken::OlderOnly(export.clone()), refused);
            }
        }
        if let Some(known) = remembered.refusal_of(&export.stamp) {
            let (why, may_hide_contacts) = (known.why.clone(), known.may_hide_contacts);
            refused.push(Refused { words: export.words(), why, may_hide_contacts });
            continue;
        }
        if reads == READS_MAX {
            return Ok(Choice { taken: Taken::Nothing, refused, not_looked_at: exports.len() - index });
        }
        reads += 1;
        let reading = look_at(about, export, sources)?;
        let refusal = match (reading, &last) {
            (Ok(reading), Some(last)) if last.hash == hexadecimal(&reading.hash) => {
                return done(Taken::Unchanged(export.clone(), true), refused);
            }
            (Ok(reading), Some(last)) => match compare(about, export, &reading, last, sources)? {
                None => return done(Taken::Read(export.clone(), reading), refused),
                Some(refusal) => refusal,
            },
            (Ok(reading), None) => {
                let older = exports.get(index + 1..).unwrap_or_default();
                let Some((other, whole)) = much_larger(about, export, &reading, older, sources)? else {
                    return done(Taken::Read(export.clone(), reading), refused);
                };
                let (contacts, before) = (reading.cards.len(), whole.cards.len());
                refused.push(refusal_of(export, &Refusal::Small { contacts, before }));
                return done(Taken::Read(other, whole), refused);
            }
            (Err(refusal), _) => refusal,
        };
        remembered.refuse(&export.stamp, &refusal, about.now_ms);
        refused.push(refusal_of(export, &refusal));
    }
    Ok(Choice { taken: Taken::Nothing, refused, not_looked_at: 0 })
}

fn refusal_of(export: &Export, refusal: &Refusal) -> Refused {
    let (why, may_hide_contacts) = (refusal.to_string(), refusal.may_hide_contacts());
    Refused { words: export.words(), why, may_hide_contacts }
}

/// Reads an export and judges it by itself.
fn look_at(
    about: &Circumstances<'_>,
    export: &Export,
    sources: &mut dyn Sources,
) -> Result<Result<Reading, Refusal>, ProviderError> {
    if let Some(gap) = &export.gap {
        return Ok(Err(Refusal::Damaged(gap.clone())));
    }
    let mut whole: Option<Reading> = None;
    let mut digest = Sha256::new();
    for candidate in export.files.iter().filter_map(|index| about.found.candidates.get(*index)) {
        let name = &candidate.entry.name;
        if candidate.entry.size_bytes == 0 {
            return Ok(Err(Refusal::Empty));
        }
        let bytes = match sources.read(candidate) {
            Ok(bytes) => bytes,
            Err(error) if error.is_fatal() => return Err(error.for_side()),
            Err(error) => return Ok(Err(Refusal::Unreadable(error.to_string()))),
        };
        let reading = match (judge(&bytes, name, about.section), export.files.len()) {
            (Ok(reading), _) => reading,
            (Err(refusal), 1) => return Ok(Err(refusal)),
            (Err(refusal), _) => {
                return Ok(Err(Refusal::Damaged(format!("its file {name} is bad: {refusal}"))));
            }
        };
        digest.update(reading.hash.0);
        match &mut whole {
            Some(whole) => whole.cards.extend(reading.cards),
            None => whole = Some(reading),
        }
    }
    let Some(mut reading) = whole else { return Ok(Err(Refusal::Empty)) };
    if export.files.len() > 1 {
        reading.hash = Revision(digest.finalize().into());
    }
    Ok(Ok(reading))
}

fn is_few(contacts: usize, before: usize) -> bool {
    contacts.saturating_mul(2) < before
}

/// Why an export that is whole does not follow the one that was taken last. Under a name of its own it may be anything
/// that somebody sent; under the names of the app's exports it is one, and a person may say that contacts were deleted.
fn compare(
    about: &Circumstances<'_>,
    export: &Export,
    reading: &Reading,
    last: &LastExport,
    sources: &mut dyn Sources,
) -> Result<Option<Refusal>, ProviderError> {
    let (contacts, before) = (reading.cards.len(), last.contacts);
    let continues = export.continues(last);
    if is_few(contacts, before) && !(continues && about.absent_is_deleted) {
        let refusal = if continues {
            Refusal::Shrunk { contacts, before }
        } else {
            Refusal::Small { contacts, before }
        };
        return Ok(Some(refusal));
    }
    let fewer = contacts.min(before);
    if continues || fewer < STRANGERS_MIN || sources.known_names(reading)?.saturating_mul(4) >= fewer {
        return Ok(None);
    }
    Ok(Some(Refusal::Strangers))
}

/// Before the first export of a phone was taken, there is nothing to tell a single card that somebody sent from an
/// export. An older file that is more than twice as large, and holds more than twice the contacts, does.
fn much_larger(
    about: &Circumstances<'_>,
    export: &Export,
    reading: &Reading,
    older: &[Export],
    sources: &mut dyn Sources,
) -> Result<Option<(Export, Reading)>, ProviderError> {
    let size_bytes = export.stamp.size_bytes;
    let Some(other) = older.iter().find(|other| other.stamp.size_bytes > size_bytes.saturating_mul(2)) else {
        return Ok(None);
    };
    let whole = look_at(about, other, sources)?.ok();
    let whole = whole.filter(|whole| is_few(reading.cards.len(), whole.cards.len()));
    Ok(whole.map(|whole| (other.clone(), whole)))
}

/// Whether an export was made before the one that was read last. Dates are compared with dates of their kind only, and
/// only as far as they can be believed.
fn is_older(about: &Circumstances<'_>, export: &Export, last: &LastExport) -> bool {
    let latest = latest_believable(about.now_ms);
    let believable = |date: Option<u64>| date.filter(|date| *date <= latest);
    let name_date = believable(export.name_date.as_ref().map(|found| found.date));
    if let (Some(date), Some(last_date)) = (name_date, believable(last.name_date)) {
        return date < last_date;
    }
    let slack_s = if about.is_directory == last.is_directory { 0 } else { ZONES_APART_S };
    let dates = believable(export.file_date).zip(believable(last.file_date));
    dates.is_some_and(|(date, last_date)| seconds_between(date, last_date) > slack_s)
}

/// What is remembered of an export that was taken.
pub(super) fn last_export(
    about: &Circumstances<'_>,
    export: &Export,
    reading: &Reading,
    is_certain: bool,
) -> LastExport {
    LastExport {
        stamp: export.stamp.clone(),
        name_date: export.name_date.as_ref().map(|found| found.date),
        file_date: export.file_date,
        is_directory: about.is_directory,
        hash: hexadecimal(&reading.hash),
        contacts: reading.cards.len(),
        settled: about.dates_tell_changes && is_long_ago(export.file_date, about.now_ms),
        read_ms: about.now_ms,
        is_certain,
    }
}

/// What is remembered of an export that was read again and is the same.
pub(super) fn confirmed(about: &Circumstances<'_>, export: &Export, last: &LastExport) -> LastExport {
    let is_same = last.stamp == export.stamp;
    // Where dates say nothing, only a name with a date is not used again for another export.
    let can_settle = export.name_date.is_some() || (about.dates_tell_changes && export.file_date.is_some());
    let waited = is_same && about.now_ms.saturating_sub(last.read_ms) >= SETTLED_AFTER_MS;
    LastExport {
        stamp: export.stamp.clone(),
        name_date: export.name_date.as_ref().map(|found| found.date),
        file_date: export.file_date,
        is_directory: about.is_directory,
        settled: can_settle && (waited || is_long_ago(export.file_date, about.now_ms)),
        read_ms: about.now_ms,
        ..last.clone()
    }
}
