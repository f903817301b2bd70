//! What must hold for any bytes that are read as sets, states and histories; the fuzz targets call it, and a test with
//! their seeds.
//!
//! Only compiled for tests and with the feature `fuzzing`. It asserts and decides nothing.

use std::str::FromStr;

use super::*;
use crate::contact::fuzzing::Target;

/// The target of this room.
pub const TARGETS: [Target; 1] = [("ics", ics)];

/// A set, a state, a history or an id; the first byte says which.
pub fn ics(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind % 8 {
        0 => globset(bytes),
        1 => keyed_set::<Guid>(bytes),
        2 => keyed_set::<Replid>(bytes),
        3 => state(bytes),
        4 => history(bytes),
        5 => version(bytes),
        6 => guid(bytes),
        _ => two_sets(bytes),
    }
}

fn check_error(error: DecodeError, bytes: &[u8]) {
    assert!(error.offset <= bytes.len(), "the error says where, within the bytes");
    assert!(error.to_string().contains("at byte"));
}

fn globset(bytes: &[u8]) {
    let set = match GlobSet::from_bytes(bytes) {
        Ok(set) => set,
        Err(error) => return check_error(error, bytes),
    };
    let ranges: Vec<(u64, u64)> = set.ranges().collect();
    assert!(ranges.len() <= 4 * bytes.len(), "no more ranges than bytes can say");
    assert!(ranges.iter().all(|(low, high)| low <= high && *high <= COUNTER_MAX));
    assert!(ranges.is_sorted_by(|left, right| left.1 + 1 < right.0), "ranges are in order and do not touch");
    let written = set.to_bytes();
    assert_eq!(GlobSet::from_bytes(&written), Ok(set.clone()), "what is written is read again");
    for end in 0..written.len().min(64) {
        assert!(GlobSet::from_bytes(written.get(..end).unwrap_or_default()).is_err(), "a cut set is noticed");
    }
}

fn keyed_set<K: ReplicaKey + std::fmt::Debug>(bytes: &[u8]) {
    let set = match KeyedSet::<K>::from_bytes(bytes) {
        Ok(set) => set,
        Err(error) => return check_error(error, bytes),
    };
    assert!(set.iter().all(|(_, counters)| !counters.is_empty()), "no replica without counters");
    let written = set.to_bytes();
    assert_eq!(KeyedSet::<K>::from_bytes(&written), Ok(set.clone()), "what is written is read again");
    assert_eq!(set.union(&set), set);
    assert!(set.is_subset(&set) && set.difference(&set).is_empty());
}

fn state(bytes: &[u8]) {
    let state = match SyncState::from_bytes(bytes) {
        Ok(state) => state,
        Err(error) => return check_error(error, bytes),
    };
    let written = state.to_bytes();
    assert_eq!(SyncState::from_bytes(&written), Ok(state), "what is written is read again");
    for end in 0..written.len().min(256) {
        assert!(
            SyncState::from_bytes(written.get(..end).unwrap_or_default()).is_err(),
            "a cut state is noticed"
        );
    }
}

fn history(bytes: &[u8]) {
    let history = match ChangeHistory::from_bytes(bytes) {
        Ok(history) => history,
        Err(error) => return check_error(error, bytes),
    };
    assert_eq!(history.to_bytes(), bytes, "there is one form only");
    assert_eq!(history.compare(&history), HistoryOrder::Equal);
    assert_eq!(history.merge(&history), history);
    assert!(history.covers(&ChangeHistory::new()));
}

fn version(bytes: &[u8]) {
    match Xid::from_bytes(bytes) {
        Ok(version) => assert_eq!(version.to_bytes(), bytes, "there is one form only"),
        Err(error) => check_error(error, bytes),
    }
}

fn guid(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(guid) = Guid::from_str(text) {
        assert_eq!(guid.to_string(), text.to_lowercase());
        assert_eq!(Guid::from_wire(guid.to_wire()), guid);
    }
}

/// Two sets, divided by how long the first is: the laws of sets.
fn two_sets(bytes: &[u8]) {
    let Some((length, rest)) = bytes.split_first() else { return };
    let (left, right) = rest.split_at(rest.len().min(usize::from(*length)));
    let (Ok(left), Ok(right)) = (GlobSet::from_bytes(left), GlobSet::from_bytes(right)) else { return };
    let (joined, shared) = (left.union(&right), left.intersection(&right));
    let rest = left.difference(&right);
    assert_eq!(joined, right.union(&left));
    assert_eq!(shared, right.intersection(&left));
    assert_eq!(rest.union(&shared), left, "what is not in the other and what is are all");
    assert!(rest.intersection(&right).is_empty());
    assert_eq!(joined.len() + shared.len(), left.len() + right.len());
    assert_eq!(left.is_subset(&right), rest.is_empty());
    for (low, high) in joined.ranges() {
        assert!(left.contains(low) || right.contains(low));
        assert!(left.contains(high) || right.contains(high));
    }
}
