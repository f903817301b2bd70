//! The limits on what one session may take away on each side. Values only: whether a plan keeps to them is seen in `plan`.

use serde::{Deserialize, Serialize};

use super::Side;

/// How much a session may take away on each side before it stops and asks.
///
/// A session stops before anything is written if it would delete, or overwrite, more contacts of a side than the larger
/// of the count and the share of that side's contacts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Guards {
    /// What may happen to the phone's contacts.
    pub phone: Limits,
    /// What may happen to the PC's contacts.
    pub pc: Limits,
}

impl Guards {
    /// The limits on what may happen to the contacts of a side.
    #[must_use]
    pub fn of(&self, side: Side) -> &Limits {
        match side {
            Side::Phone => &self.phone,
            Side::Pc => &self.pc,
        }
    }

    /// The same limits for both sides.
    #[must_use]
    pub fn both(limits: Limits) -> Self {
        Self { phone: limits, pc: limits }
    }
}

/// The limits on what one session may do to the contacts of one side.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// So many deletions always pass.
    pub deletes_max_count: usize,
    /// So many per cent of the side's contacts may be deleted, if that is more.
    pub deletes_max_percent: usize,
    /// So many overwritten contacts always pass. What a first meeting merges is none.
    pub edits_max_count: usize,
    /// So many per cent of the side's contacts may be overwritten, if that is more.
    pub edits_max_percent: usize,
}

impl Default for Limits {
    /// Deleting is rare, editing is not: a day's work is a handful of deletions, but an import that gives half of all
    /// contacts a country code is an ordinary edit.
    fn default() -> Self {
        Self { deletes_max_count: 5, deletes_max_percent: 10, edits_max_count: 50, edits_max_percent: 50 }
    }
}

impl Limits {
    /// How many of `items` may be deleted in one session.
    #[must_use]
    pub fn deletes_allowed(&self, items: usize) -> usize {
        larger(self.deletes_max_count, self.deletes_max_percent, items)
    }

    /// How many of `items` may be overwritten in one session.
    #[must_use]
    pub fn edits_allowed(&self, items: usize) -> usize {
        larger(self.edits_max_count, self.edits_max_percent, items)
    }
}

fn larger(count: usize, percent: usize, items: usize) -> usize {
    count.max(items.saturating_mul(percent) / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guards_take_the_larger_of_count_and_share() {
        let limits = *Guards::default().of(Side::Pc);
        assert_eq!([0, 59, 1000].map(|items| limits.deletes_allowed(items)), [5, 5, 100]);
        assert_eq!([0, 101, 1000].map(|items| limits.edits_allowed(items)), [50, 50, 500]);
        let never = Limits { deletes_max_count: 0, deletes_max_percent: 0, ..limits };
        assert_eq!(never.deletes_allowed(1000), 0);
    }
}
