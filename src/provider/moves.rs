//! Knowing a file again that was moved: which of the items that are not where they were stands at which new place.
//!
//! Pure functions; this file must not ask a side anything.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use super::simple::Observed;

/// For each stranger the row of `absent` that it was, if the evidence is clear: the same content first, wherever it
/// is, and only then the same UID. What two rows or two strangers could be is no evidence. The order of the
/// strangers decides nothing but between equal contents.
pub(super) fn earlier_places<'a>(
    rows: &[Observed],
    absent: &HashSet<usize>,
    strangers: impl Iterator<Item = &'a Observed>,
) -> Vec<Option<usize>> {
    let strangers: Vec<&Observed> = strangers.collect();
    let mut left = absent.clone();
    let mut places = vec![None; strangers.len()];
    let by_revision = rows_by(rows, absent, |row| row.revision);
    for (place, stranger) in places.iter_mut().zip(&strangers) {
        let same = stranger.revision.and_then(|revision| by_revision.get(&revision));
        *place = only_one(same, &left);
        if let Some(index) = place {
            left.remove(index);
        }
    }
    let uid_of = |row: &Observed| (row.uid_hash != 0).then_some(row.uid_hash);
    let by_uid = rows_by(rows, &left, uid_of);
    let mut claims: HashMap<u64, usize> = HashMap::new();
    let unplaced = |place: &Option<usize>, stranger: &Observed| uid_of(stranger).filter(|_| place.is_none());
    for uid in places.iter().zip(&strangers).filter_map(|(place, stranger)| unplaced(place, stranger)) {
        *claims.entry(uid).or_default() += 1;
    }
    for (place, stranger) in places.iter_mut().zip(&strangers) {
        if let Some(uid) = unplaced(place, stranger).filter(|uid| claims.get(uid) == Some(&1)) {
            *place = only_one(by_uid.get(&uid), &left);
        }
    }
    places
}

fn rows_by<K: Hash + Eq>(
    rows: &[Observed],
    absent: &HashSet<usize>,
    key: impl Fn(&Observed) -> Option<K>,
) -> HashMap<K, Vec<usize>> {
    let mut found: HashMap<K, Vec<usize>> = HashMap::new();
    for index in absent {
        if let Some(key) = rows.get(*index).and_then(&key) {
            found.entry(key).or_default().push(*index);
        }
    }
    found
}

/// The one index of `found` that is still among the absent ones; more than one is no evidence.
fn only_one(found: Option<&Vec<usize>>, absent: &HashSet<usize>) -> Option<usize> {
    let mut there = found?.iter().filter(|index| absent.contains(index));
    let first = *there.next()?;
    there.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::{ItemId, Locator, Revision, Stamp};

    fn row(content: u8, uid_hash: u64) -> Observed {
        Observed {
            item: ItemId(0),
            counter: 0,
            locator: Locator("x".into()),
            stamp: Stamp { size_bytes: 1, modified: None },
            revision: Some(Revision([content; 32])),
            uid_hash,
            problem: None,
            deleted: false,
            settled: true,
            verified_ms: 0,
        }
    }

    fn places(rows: &[Observed], strangers: &[Observed]) -> Vec<Option<usize>> {
        earlier_places(rows, &(0..rows.len()).collect(), strangers.iter())
    }

    #[test]
    fn equal_content_beats_an_equal_uid_in_any_order() {
        let rows = [row(1, 7)];
        assert_eq!(places(&rows, &[row(2, 7), row(1, 7)]), [None, Some(0)]);
        assert_eq!(places(&rows, &[row(1, 7), row(2, 7)]), [Some(0), None]);
    }

    #[test]
    fn an_edited_file_is_known_by_its_uid_unless_two_have_it() {
        let rows = [row(1, 7), row(2, 8)];
        assert_eq!(places(&rows, &[row(3, 7)]), [Some(0)]);
        assert_eq!(places(&rows, &[row(3, 7), row(4, 7)]), [None, None]);
        assert_eq!(places(&[row(1, 7), row(2, 7)], &[row(3, 7)]), [None]);
        assert_eq!(places(&[row(1, 0)], &[row(3, 0)]), [None]);
    }
}
