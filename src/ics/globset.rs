//! A set of 48-bit counters of one replica, and its algebra. The byte form is elsewhere; this file must not know it.

use std::collections::BTreeMap;
use std::fmt;

/// The largest counter: 48 bits (GLOBCNT, MS-OXCFXICS 2.2.2.5).
pub const COUNTER_MAX: u64 = 0xFFFF_FFFF_FFFF;

/// A set of counters, 0 to [`COUNTER_MAX`], kept as closed ranges that neither overlap nor touch.
///
/// Memory and time go with the number of ranges, not of counters: a replica whose items were never deleted is one
/// range. Growing the set at its end costs O(1) for a contiguous set, O(log ranges) otherwise.
///
/// What does not fit into 48 bits cannot be a member: such an insertion changes nothing and says so.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct GlobSet {
    /// First counter of each range to its last.
    ranges: BTreeMap<u64, u64>,
}

impl GlobSet {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { ranges: BTreeMap::new() }
    }

    /// The set of ranges in any order, overlapping or not. Ranges that are upside down or leave 48 bits are not
    /// taken; the decoder has refused them before.
    pub(super) fn from_unsorted(mut spans: Vec<(u64, u64)>) -> Self {
        spans.retain(|&(low, high)| low <= high && high <= COUNTER_MAX);
        spans.sort_unstable();
        let mut joined = Joiner::with_capacity(spans.len());
        for (low, high) in spans {
            joined.push(low, high);
        }
        joined.finish()
    }

    /// Adds a counter; `true` if it was not in the set. Above [`COUNTER_MAX`] nothing is added.
    pub fn insert(&mut self, counter: u64) -> bool {
        self.insert_range(counter, counter)
    }

    /// Adds all counters from `low` to `high`, both included; `true` if the set grew. If `low` is above `high` or
    /// `high` above [`COUNTER_MAX`], nothing is added.
    pub fn insert_range(&mut self, low: u64, high: u64) -> bool {
        if low > high || high > COUNTER_MAX {
            return false;
        }
        // The common case: counters come in the order in which they were handed out.
        if let Some(mut last) = self.ranges.last_entry()
            && *last.key() <= low
            && low <= *last.get() + 1
        {
            let grows = high > *last.get();
            if grows {
                last.insert(high);
            }
            return grows;
        }
        let (mut first, mut end) = (low, high);
        if let Some((&before, &before_end)) = self.ranges.range(..=low).next_back()
            && low <= before_end + 1
        {
            if high <= before_end {
                return false;
            }
            first = before;
        }
        while let Some((&next, &next_end)) = self.ranges.range(first..=end + 1).next() {
            end = end.max(next_end);
            self.ranges.remove(&next);
        }
        self.ranges.insert(first, end);
        true
    }

    /// Takes a counter out; `true` if it was in the set.
    pub fn remove(&mut self, counter: u64) -> bool {
        let Some((&low, &high)) = self.ranges.range(..=counter).next_back() else {
            return false;
        };
        if counter > high {
            return false;
        }
        if counter > low {
            self.ranges.insert(low, counter - 1);
        } else {
            self.ranges.remove(&low);
        }
        if counter < high {
            self.ranges.insert(counter + 1, high);
        }
        true
    }

    /// Whether a counter is in the set.
    #[must_use]
    pub fn contains(&self, counter: u64) -> bool {
        self.ranges.range(..=counter).next_back().is_some_and(|(_, &high)| counter <= high)
    }

    /// The ranges, (first, last), ascending; between two of them at least one counter is missing.
    pub fn ranges(&self) -> impl DoubleEndedIterator<Item = (u64, u64)> + ExactSizeIterator + '_ {
        self.ranges.iter().map(|(&low, &high)| (low, high))
    }

    /// The counters, ascending. A range can hold 2^48 of them; ask [`GlobSet::len`] first where that matters.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = u64> + '_ {
        self.ranges().flat_map(|(low, high)| low..=high)
    }

    /// How many counters are in the set.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.ranges().map(|(low, high)| high - low + 1).sum()
    }

    /// Whether no counter is in the set.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// The largest counter of the set.
    #[must_use]
    pub fn max(&self) -> Option<u64> {
        self.ranges.last_key_value().map(|(_, &high)| high)
    }

    /// What is in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut joined = Joiner::with_capacity(self.ranges.len() + other.ranges.len());
        let (mut left, mut right) = (self.ranges().peekable(), other.ranges().peekable());
        loop {
            let left_first = match (left.peek(), right.peek()) {
                (Some(a), Some(b)) => a.0 <= b.0,
                (Some(_), None) => true,
                (None, Some(_)) => false,
                (None, None) => return joined.finish(),
            };
            let next = if left_first { left.next() } else { right.next() };
            if let Some((low, high)) = next {
                joined.push(low, high);
            }
        }
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let mut joined = Joiner::with_capacity(0);
        let (mut left, mut right) = (self.ranges().peekable(), other.ranges().peekable());
        while let (Some(&a), Some(&b)) = (left.peek(), right.peek()) {
            let (low, high) = (a.0.max(b.0), a.1.min(b.1));
            if low <= high {
                joined.push(low, high);
            }
            // The one that ends first can meet nothing further.
            if a.1 < b.1 {
                left.next();
            } else {
                right.next();
            }
        }
        joined.finish()
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut joined = Joiner::with_capacity(self.ranges.len());
        let mut holes = other.ranges().peekable();
        for (low, high) in self.ranges() {
            let mut rest = low;
            while let Some(&(hole_low, hole_high)) = holes.peek() {
                if hole_high < rest {
                    holes.next();
                    continue;
                }
                if hole_low > high {
                    break;
                }
                if rest < hole_low {
                    joined.push(rest, hole_low - 1);
                }
                rest = hole_high + 1;
                if hole_high > high {
                    // It may reach into the next range too, so it stays.
                    break;
                }
                holes.next();
            }
            if rest <= high {
                joined.push(rest, high);
            }
        }
        joined.finish()
    }

    /// Whether everything in this set is in the other.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.ranges().all(|(low, high)| {
            other.ranges.range(..=low).next_back().is_some_and(|(_, &other_high)| high <= other_high)
        })
    }
}

/// Builds a set of ranges that come in ascending order of their first counter; joins those that overlap or touch.
struct Joiner {
    done: Vec<(u64, u64)>,
}

impl Joiner {
    fn with_capacity(ranges: usize) -> Self {
        Self { done: Vec::with_capacity(ranges) }
    }

    fn push(&mut self, low: u64, high: u64) {
        match self.done.last_mut() {
            Some(last) if low <= last.1 + 1 => last.1 = last.1.max(high),
            _ => self.done.push((low, high)),
        }
    }

    fn finish(self) -> GlobSet {
        GlobSet { ranges: self.done.into_iter().collect() }
    }
}

impl FromIterator<u64> for GlobSet {
    /// The set of these counters in any order; those above [`COUNTER_MAX`] cannot be members.
    fn from_iter<I: IntoIterator<Item = u64>>(counters: I) -> Self {
        let mut set = Self::new();
        set.extend(counters);
        set
    }
}

impl Extend<u64> for GlobSet {
    fn extend<I: IntoIterator<Item = u64>>(&mut self, counters: I) {
        for counter in counters {
            self.insert(counter);
        }
    }
}

impl fmt::Debug for GlobSet {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = formatter.debug_set();
        for (low, high) in self.ranges() {
            if low == high {
                list.entry(&low);
            } else {
                list.entry(&(low..=high));
            }
        }
        list.finish()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn check(set: &GlobSet, model: &BTreeSet<u64>) {
        assert!(set.iter().eq(model.iter().copied()), "{set:?} {model:?}");
        assert!(set.iter().rev().eq(model.iter().rev().copied()));
        assert_eq!(set.len(), model.len() as u64);
        assert_eq!(set.is_empty(), model.is_empty());
        assert_eq!(set.max(), model.last().copied());
        let ranges: Vec<_> = set.ranges().collect();
        assert!(ranges.iter().all(|range| range.0 <= range.1 && range.1 <= COUNTER_MAX));
        assert!(ranges.windows(2).all(|pair| pair[0].1 + 1 < pair[1].0), "{ranges:?}");
    }

    #[test]
    fn growing_at_the_end_keeps_one_range() {
        let mut set = GlobSet::new();
        for counter in 1..=100_000 {
            assert!(set.insert(counter));
        }
        assert_eq!(set.ranges().collect::<Vec<_>>(), [(1, 100_000)]);
        assert!(!set.insert(50_000));
    }

    #[test]
    fn what_is_no_counter_is_not_added() {
        let mut set = GlobSet::new();
        assert!(!set.insert(COUNTER_MAX + 1));
        assert!(!set.insert(u64::MAX));
        assert!(!set.insert_range(1, COUNTER_MAX + 1));
        assert!(!set.insert_range(2, 1));
        assert!(set.is_empty());
        assert!(!set.contains(u64::MAX) && !set.remove(u64::MAX));
        assert!(set.insert_range(0, COUNTER_MAX));
        assert_eq!(set.len(), 1 << 48);
        assert!(!set.insert_range(0, COUNTER_MAX));
        assert!(set.remove(COUNTER_MAX) && set.remove(0) && !set.remove(0));
        assert_eq!(set.ranges().collect::<Vec<_>>(), [(1, COUNTER_MAX - 1)]);
    }

    #[test]
    fn the_whole_and_its_halves() {
        let range = |low, high| {
            let mut set = GlobSet::new();
            set.insert_range(low, high);
            set
        };
        let (all, low, high) = (range(0, COUNTER_MAX), range(0, 999), range(1_000, COUNTER_MAX));
        assert_eq!(low.union(&high), all);
        assert_eq!(all.difference(&low), high);
        assert_eq!(all.difference(&high), low);
        assert!(low.intersection(&high).is_empty());
        assert!(all.difference(&all).is_empty());
        assert!(low.is_subset(&all) && high.is_subset(&all) && !all.is_subset(&high));
    }

    #[test]
    fn debug_shows_ranges() {
        let set: GlobSet = [7, 1, 2, 3].into_iter().collect();
        assert_eq!(format!("{set:?}"), "{1..=3, 7}");
    }

    fn near() -> impl Strategy<Value = u64> {
        prop_oneof![0u64..40, (COUNTER_MAX - 40)..=COUNTER_MAX]
    }

    fn members() -> impl Strategy<Value = BTreeSet<u64>> {
        prop::collection::btree_set(near(), 0..40)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1000))]

        #[test]
        fn edits_do_what_they_do_to_a_set_of_counters(
            edits in prop::collection::vec((0u8..3, near(), 0u64..9), 0..80),
        ) {
            let mut set = GlobSet::new();
            let mut model = BTreeSet::new();
            for (edit, counter, more) in edits {
                match edit {
                    0 => prop_assert_eq!(set.insert(counter), model.insert(counter)),
                    1 => prop_assert_eq!(set.remove(counter), model.remove(&counter)),
                    _ => {
                        let high = (counter + more).min(COUNTER_MAX);
                        let before = model.len();
                        model.extend(counter..=high);
                        prop_assert_eq!(set.insert_range(counter, high), model.len() > before);
                    }
                }
                check(&set, &model);
                for at in counter.saturating_sub(2)..=counter + 2 {
                    prop_assert_eq!(set.contains(at), model.contains(&at));
                }
            }
        }

        #[test]
        fn the_algebra_is_that_of_sets_of_counters(a in members(), b in members()) {
            let (set_a, set_b): (GlobSet, GlobSet) = (a.iter().copied().collect(), b.iter().copied().collect());
            check(&set_a.union(&set_b), &a.union(&b).copied().collect());
            check(&set_a.intersection(&set_b), &a.intersection(&b).copied().collect());
            check(&set_a.difference(&set_b), &a.difference(&b).copied().collect());
            prop_assert_eq!(set_a.is_subset(&set_b), a.is_subset(&b));
            prop_assert!(set_a.intersection(&set_b).is_subset(&set_a));
            prop_assert_eq!(set_a == set_b, a == b);
        }

        #[test]
        fn ranges_in_any_order_make_the_same_set(
            spans in prop::collection::vec((0u64..60, 0u64..9), 0..30),
        ) {
            let spans: Vec<(u64, u64)> = spans.into_iter().map(|(low, more)| (low, low + more)).collect();
            let mut one_by_one = GlobSet::new();
            for &(low, high) in &spans {
                one_by_one.insert_range(low, high);
            }
            prop_assert_eq!(GlobSet::from_unsorted(spans), one_by_one);
        }
    }
}
