//! How sets are shown: to a person as text, to a program as JSON. It must not change what it shows.

use serde::{Deserialize, Serialize};

use super::{GlobSet, Guid, IdSet, SyncState};

/// The counters of one replica, as JSON: `{"replguid": "…", "ranges": [[1,5],[7,7]]}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReplicaRanges {
    /// The replica.
    pub replguid: Guid,
    /// First and last counter of each range, ascending.
    pub ranges: Vec<[u64; 2]>,
}

/// A sync state as JSON: one list of [`ReplicaRanges`] per property.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StateRanges {
    /// The items given.
    pub given: Vec<ReplicaRanges>,
    /// The changes seen.
    pub seen: Vec<ReplicaRanges>,
    /// The changes of associated items seen.
    pub seen_fai: Vec<ReplicaRanges>,
    /// The changes of read marks seen.
    pub read: Vec<ReplicaRanges>,
}

impl From<&SyncState> for StateRanges {
    fn from(state: &SyncState) -> Self {
        Self {
            given: ranges_by_replica(&state.given),
            seen: ranges_by_replica(&state.seen),
            seen_fai: ranges_by_replica(&state.seen_fai),
            read: ranges_by_replica(&state.read),
        }
    }
}

/// The ranges of each replica, in the order of the byte form.
#[must_use]
pub fn ranges_by_replica(set: &IdSet) -> Vec<ReplicaRanges> {
    let replicas = set.iter().map(|(replguid, counters)| ReplicaRanges {
        replguid,
        ranges: counters.ranges().map(|(low, high)| [low, high]).collect(),
    });
    replicas.collect()
}

/// A set as a person reads it: `1–5, 7`, or `none`. After `ranges_max` ranges the rest is counted:
/// `1–5, 7 and 12 more ranges`.
#[must_use]
pub fn ranges_in_words(set: &GlobSet, ranges_max: usize) -> String {
    if set.is_empty() {
        return "none".to_owned();
    }
    let shown = set
        .ranges()
        .take(ranges_max)
        .map(|(low, high)| if low == high { low.to_string() } else { format!("{low}–{high}") });
    let shown = shown.collect::<Vec<_>>().join(", ");
    let hidden = set.ranges().len().saturating_sub(ranges_max);
    match (hidden, shown.is_empty()) {
        (0, _) => shown,
        (_, true) => counted(hidden as u64, "range", "ranges"),
        (_, false) => format!("{shown} and {}", counted(hidden as u64, "more range", "more ranges")),
    }
}

/// A set over several replicas as a person reads it, a line each:
/// `b5ffb99b-440f-4f77-b488-c5c6702ee3a8: 6 in 2 ranges: 1–5, 7`. No lines for the empty set.
#[must_use]
pub fn idset_in_words(set: &IdSet, ranges_max: usize) -> Vec<String> {
    let lines = set.iter().map(|(replica, counters)| {
        let ranges = counted(counters.ranges().len() as u64, "range", "ranges");
        format!("{replica}: {} in {ranges}: {}", counters.len(), ranges_in_words(counters, ranges_max))
    });
    lines.collect()
}

fn counted(count: u64, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn replica() -> Guid {
        "b5ffb99b-440f-4f77-b488-c5c6702ee3a8".parse().unwrap()
    }

    #[test]
    fn sets_read_as_ranges() {
        let set: GlobSet = [1, 2, 3, 4, 5, 7].into_iter().collect();
        assert_eq!(ranges_in_words(&set, 10), "1–5, 7");
        assert_eq!(ranges_in_words(&set, 2), "1–5, 7");
        assert_eq!(ranges_in_words(&set, 1), "1–5 and 1 more range");
        assert_eq!(ranges_in_words(&set, 0), "2 ranges");
        assert_eq!(ranges_in_words(&GlobSet::new(), 10), "none");
        let odd: GlobSet = (0..10).map(|n| 2 * n + 1).collect();
        assert_eq!(ranges_in_words(&odd, 3), "1, 3, 5 and 7 more ranges");
    }

    #[test]
    fn an_idset_reads_line_by_line() {
        let set: IdSet = [1, 2, 3, 4, 5, 7].into_iter().map(|counter| (replica(), counter)).collect();
        assert_eq!(idset_in_words(&set, 10), ["b5ffb99b-440f-4f77-b488-c5c6702ee3a8: 6 in 2 ranges: 1–5, 7"]);
        assert!(idset_in_words(&IdSet::new(), 10).is_empty());
        let one: IdSet = [(replica(), 9)].into_iter().collect();
        assert_eq!(idset_in_words(&one, 10), ["b5ffb99b-440f-4f77-b488-c5c6702ee3a8: 1 in 1 range: 9"]);
    }

    #[test]
    fn json_has_the_promised_shape() {
        let mut state = SyncState::empty();
        for counter in [1, 2, 3, 4, 5, 7] {
            state.given.insert(replica(), counter);
        }
        let json = serde_json::to_string(&ranges_by_replica(&state.given)).unwrap();
        assert_eq!(json, r#"[{"replguid":"b5ffb99b-440f-4f77-b488-c5c6702ee3a8","ranges":[[1,5],[7,7]]}]"#);
        let ranges = StateRanges::from(&state);
        let json = serde_json::to_string(&ranges).unwrap();
        assert!(
            json.starts_with(r#"{"given":[{"replguid""#)
                && json.ends_with(r#""seen":[],"seen_fai":[],"read":[]}"#)
        );
        assert_eq!(serde_json::from_str::<StateRanges>(&json).unwrap(), ranges);
    }
}
