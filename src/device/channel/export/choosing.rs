//! Which export counts: the newest that is whole. It reads the newest, judges it and goes on to the next older one,
//! a few times and not through years of files. One that is older than the one that was read last is never taken: its
//! contacts would read as edits that take back what was edited since.

use sha2::{Digest as _, Sha256};

use super::dates::{NameDate, is_long_ago, latest_believable, seconds_between};
use super::finding::{Candidate, Found};
use super::judging::{Reading, Refusal, judge};
use super::remembered::{ExportStamp, LastExport, Remembered, hexadecimal};
use crate::device::profile::{ExportLayout, ExportSection};
use crate::device::tree::TreeError;
use crate::provider::Revision;

/// So many exports are read in one session at most.
const READS_MAX: usize = 8;

/// A date's resolution is one second, and its reading may be cut off: a file that is read this long after it was last
/// read with the same date can no longer be changed under that date.
const SETTLED_AFTER_MS: i64 = 2_000;

/// How far the dates of one file may differ between two ways to look at it, of which one tells local time, in seconds.
const ZONES_APART_S: i64 = 26 * 3_600;

/// Files that were written this much earlier than the newest of a set belong to an earlier set, in seconds.
const SET_APART_S: i64 = 3_600;

/// One export: a file, or a set of files with one card each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Export {
    /// Its files, by their indices in [`Found::candidates`], in the order of their names.
    pub files: Vec<usize>,
    /// What the listing tells of it.
    pub stamp: ExportStamp,
    /// What its name tells of its date.
    pub name_date: Option<NameDate>,
    /// The date of the file, or of the newest of the set.
    pub file_date: Option<u64>,
    /// Why a set is not whole, if it is not.
    pub gap: Option<String>,
}

impl Export {
    /// The date by which it is compared with others; `None` if no date can be believed.
    pub fn date(&self, now_ms: i64) -> Option<u64> {
        let latest = latest_believable(now_ms);
        let name_date = self.name_date.as_ref().map(|found| found.date);
        name_date.filter(|date| *date <= latest).or(self.file_date.filter(|date| *date <= latest))
    }

    /// Where it is, for people.
    pub fn words(&self) -> String {
        format!("{}/{}", self.stamp.place, self.stamp.name)
    }
}

/// All exports, the newest first.
pub(super) fn exports(found: &Found, layout: ExportLayout, now_ms: i64) -> Vec<Export> {
    let mut exports: Vec<Export> = match layout {
        ExportLayout::OneFile => {
            let candidates = found.candidates.iter().enumerate();
            candidates.map(|(index, candidate)| one_file(found, index, candidate)).collect()
        }
        ExportLayout::OneCardPerFile => {
            (0..found.folders.len()).filter_map(|folder| set_of(found, folder)).collect()
        }
    };
    let key = |export: &Export| {
        (export.date(now_ms), export.file_date, export.stamp.modified.clone(), export.stamp.name.clone())
    };
    exports.sort_by_cached_key(|export| std::cmp::Reverse(key(export)));
    exports
}

fn one_file(found: &Found, index: usize, candidate: &Candidate) -> Export {
    Export {
        files: vec![index],
        stamp: ExportStamp {
            place: found.place_of(candidate).to_owned(),
            name: candidate.entry.name.clone(),
            size_bytes: candidate.entry.size_bytes,
            modified: candidate.entry.modified.as_deref().map(str::to_owned),
        },
        name_date: candidate.name_date.clone(),
        file_date: candidate.file_date,
        gap: None,
    }
}

/// The files of one folder as one export. Their names end in numbers without a gap; those at the end that are much
/// older than the rest are left from an export that had more.
fn set_of(found: &Found, folder: usize) -> Option<Export> {
    let in_folder = found.candidates.iter().enumerate().filter(|(_, candidate)| candidate.folder == folder);
    let mut files: Vec<(Option<u64>, usize, &Candidate)> =
        in_folder.map(|(index, candidate)| (number_of(&candidate.entry.name), index, candidate)).collect();
    files.sort_by_key(|(number, _, candidate)| (*number, candidate.entry.name.clone()));
    let newest = files.iter().filter_map(|(.., candidate)| candidate.file_date).max();
    let is_left_over = |date: Option<u64>| {
        date.zip(newest).is_some_and(|(date, newest)| seconds_between(date, newest) > SET_APART_S)
    };
    while files.last().is_some_and(|(.., candidate)| is_left_over(candidate.file_date)) {
        files.pop();
    }
    let place = found.place_of(files.first()?.2).to_owned();
    let mut digest = Sha256::new();
    for (.., candidate) in &files {
        let modified = candidate.entry.modified.as_deref().unwrap_or_default();
        digest.update(format!("{}\n{}\n{modified}\n", candidate.entry.name, candidate.entry.size_bytes));
    }
    let numbers: Vec<u64> = files.iter().filter_map(|(number, ..)| *number).collect();
    let gap = numbers.windows(2).find_map(|pair| match pair {
        [before, after] if after - before != 1 => Some(format!("number {} is missing", before + 1)),
        _ => None,
    });
    let gap = gap.or_else(|| {
        let first = numbers.first().copied().unwrap_or_default();
        (first > 1).then(|| format!("it begins with number {first}"))
    });
    Some(Export {
        stamp: ExportStamp {
            place,
            name: String::from("one file for each contact"),
            size_bytes: files.iter().map(|(.., candidate)| candidate.entry.size_bytes).sum(),
            modified: Some(hexadecimal(&Revision(digest.finalize().into()))),
        },
        files: files.into_iter().map(|(_, index, _)| index).collect(),
        name_date: None,
        file_date: newest,
        gap: gap.map(|gap| format!("it is not whole: {gap}")),
    })
}

/// The number before the extension of a name.
fn number_of(name: &str) -> Option<u64> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let before = stem.trim_end_matches(|character: char| character.is_ascii_digit());
    stem.get(before.len()..)?.parse().ok()
}

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
    /// The time, in milliseconds since 1970.
    pub now_ms: i64,
}

/// Looks for the export that counts. What is refused is remembered, so that it is not read again while it is the same.
///
/// # Errors
/// When the phone as a whole cannot be asked any more.
pub(super) fn choose(
    about: &Circumstances<'_>,
    remembered: &mut Remembered,
    read: &mut dyn FnMut(&Candidate) -> Result<Vec<u8>, TreeError>,
) -> Result<Choice, TreeError> {
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
        match look_at(about, export, last.as_ref(), read)? {
            Ok(reading) if last.as_ref().is_some_and(|last| last.hash == hexadecimal(&reading.hash)) => {
                return done(Taken::Unchanged(export.clone(), true), refused);
            }
            Ok(reading) if last.is_none() && !about.absent_is_deleted => {
                let older = exports.get(index + 1..).unwrap_or_default();
                let Some((other, whole)) = much_larger(about, export, &reading, older, read)? else {
                    return done(Taken::Read(export.clone(), reading), refused);
                };
                let few = Refusal::Shrunk { contacts: reading.cards.len(), before: whole.cards.len() };
                refused.push(refusal_of(export, &few));
                return done(Taken::Read(other, whole), refused);
            }
            Ok(reading) => return done(Taken::Read(export.clone(), reading), refused),
            Err(refusal) => {
                remembered.refuse(&export.stamp, &refusal);
                refused.push(refusal_of(export, &refusal));
            }
        }
    }
    Ok(Choice { taken: Taken::Nothing, refused, not_looked_at: 0 })
}

fn refusal_of(export: &Export, refusal: &Refusal) -> Refused {
    let (why, may_hide_contacts) = (refusal.to_string(), refusal.may_hide_contacts());
    Refused { words: export.words(), why, may_hide_contacts }
}

/// Reads an export and judges it.
fn look_at(
    about: &Circumstances<'_>,
    export: &Export,
    last: Option<&LastExport>,
    read: &mut dyn FnMut(&Candidate) -> Result<Vec<u8>, TreeError>,
) -> Result<Result<Reading, Refusal>, TreeError> {
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
        let bytes = match read(candidate) {
            Ok(bytes) => bytes,
            Err(error) if error.is_fatal() => return Err(error),
            Err(error) => return Ok(Err(Refusal::Unreadable(error.to_string()))),
        };
        let reading = match (judge(&bytes, name, about.section), export.files.len()) {
            (Ok(reading), _) => reading,
            (Err(refusal), 1) => return Ok(Err(refusal)),
            (Err(refusal), _) => return Ok(Err(Refusal::Damaged(format!("its file {name} is bad: {refusal}")))),
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
    match last.map(|last| last.contacts) {
        Some(before) if is_few(reading.cards.len(), before) && !about.absent_is_deleted => {
            Ok(Err(Refusal::Shrunk { contacts: reading.cards.len(), before }))
        }
        _ => Ok(Ok(reading)),
    }
}

fn is_few(contacts: usize, before: usize) -> bool {
    contacts.saturating_mul(2) < before
}

/// Before the first export of a phone was taken, there is nothing to tell a single card that somebody sent from an
/// export. An older file that is more than twice as large, and holds more than twice the contacts, does.
fn much_larger(
    about: &Circumstances<'_>,
    export: &Export,
    reading: &Reading,
    older: &[Export],
    read: &mut dyn FnMut(&Candidate) -> Result<Vec<u8>, TreeError>,
) -> Result<Option<(Export, Reading)>, TreeError> {
    let size_bytes = export.stamp.size_bytes;
    let Some(other) = older.iter().find(|other| other.stamp.size_bytes > size_bytes.saturating_mul(2)) else {
        return Ok(None);
    };
    let whole = look_at(about, other, None, read)?.ok();
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
        settled: is_long_ago(export.file_date, about.now_ms),
        read_ms: about.now_ms,
        is_certain,
    }
}

/// What is remembered of an export that was read again and is the same.
pub(super) fn confirmed(about: &Circumstances<'_>, export: &Export, last: &LastExport) -> LastExport {
    let is_same = last.stamp == export.stamp;
    let waited = is_same && about.now_ms.saturating_sub(last.read_ms) >= SETTLED_AFTER_MS;
    LastExport {
        stamp: export.stamp.clone(),
        name_date: export.name_date.as_ref().map(|found| found.date),
        file_date: export.file_date,
        is_directory: about.is_directory,
        settled: waited || is_long_ago(export.file_date, about.now_ms),
        read_ms: about.now_ms,
        ..last.clone()
    }
}
