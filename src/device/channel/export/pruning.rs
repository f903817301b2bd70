//! Which exports may be removed from a phone because a newer one was read whole. Pure functions.
//!
//! A name is all that is known of a file that was never read, so that only files count whose names are those of the
//! export that was read but for the date, in the same folder, with an older date.

use super::exports::Export;
use super::finding::{Candidate, Found};

/// From so many older exports on a person is told that they lie about.
const PILE: usize = 20;

/// The files that an export which was read whole makes superfluous, the oldest first. Nothing newer is among them, and
/// nothing of another name.
pub(super) fn outdated<'f>(found: &'f Found, taken: &Export) -> Vec<&'f Candidate> {
    let ([file], Some(newest)) = (taken.files.as_slice(), &taken.name_date) else { return Vec::new() };
    let Some(folder) = found.candidates.get(*file).map(|candidate| candidate.folder) else {
        return Vec::new();
    };
    let mut outdated: Vec<(u64, &Candidate)> = found
        .candidates
        .iter()
        .filter(|candidate| candidate.folder == folder && candidate.entry.size_bytes > 0)
        .filter_map(|candidate| {
            let name_date = candidate.name_date.as_ref()?;
            let is_older = name_date.shape == newest.shape && name_date.date < newest.date;
            is_older.then_some((name_date.date, candidate))
        })
        .collect();
    outdated.sort_by_key(|(date, _)| *date);
    outdated.into_iter().map(|(_, candidate)| candidate).collect()
}

/// What is said about a pile of older exports that nobody asked to remove.
pub(super) fn pile_words(found: &Found, taken: &Export) -> Option<String> {
    let count = outdated(found, taken).len();
    (count > PILE)
        .then(|| format!("{count} older exports lie in {}; --prune-exports removes them.", taken.stamp.place))
}
