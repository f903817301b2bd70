//! Exports as the listing shows them: one file, or a set of files with one card each, and which of them is the newest.
//! Pure functions; nothing here knows what is in a file.

use sha2::{Digest as _, Sha256};

use super::dates::{NameDate, latest_believable, name_date, seconds_between};
use super::finding::{Candidate, Found};
use super::remembered::{ExportStamp, LastExport, hexadecimal};
use crate::device::profile::ExportLayout;
use crate::provider::Revision;

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
        let name_date = self.name_date.as_ref().map(|found| found.date);
        name_date.or(self.file_date).filter(|date| *date <= latest_believable(now_ms))
    }

    /// Whether its name says that it follows another export: the same but for the date, or for the number by which a
    /// phone tells files of one name apart.
    pub fn continues(&self, last: &LastExport) -> bool {
        self.stamp.place == last.stamp.place && series_of(&self.stamp.name) == series_of(&last.stamp.name)
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

/// A name without its date, and without the `(1)` of a second file of that name.
fn series_of(name: &str) -> String {
    let shape = name_date(name).map_or_else(|| name.to_owned(), |found| found.shape);
    let (stem, extension) = shape.rsplit_once('.').unwrap_or((&shape, ""));
    let numbered = stem.strip_suffix(')').and_then(|stem| stem.rsplit_once('('));
    let stem = match numbered {
        Some((stem, number)) if number.chars().all(|character| character.is_ascii_digit()) => stem.trim_end(),
        _ => stem,
    };
    format!("{stem}.{extension}").to_lowercase()
}

/// The number before the extension of a name.
fn number_of(name: &str) -> Option<u64> {
    let stem = name.rsplit_once('.').map_or(name, |(stem, _)| stem);
    let before = stem.trim_end_matches(|character: char| character.is_ascii_digit());
    stem.get(before.len()..)?.parse().ok()
}
