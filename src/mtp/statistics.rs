//! What a session cost: transactions and bytes per operation.
//!
//! Counts only; nothing here may change what a session does.

use std::collections::BTreeMap;

use super::code::operation;

/// What one operation cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct OperationCost {
    /// How many times it was sent, repeats after DeviceBusy included.
    pub transactions: u64,
    /// How many of them were repeats after DeviceBusy.
    pub retries: u64,
    /// Bytes sent, container headers included.
    pub bytes_out: u64,
    /// Bytes received, container headers included.
    pub bytes_in: u64,
}

/// What a session cost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Statistics {
    operations: BTreeMap<u16, OperationCost>,
}

impl Statistics {
    /// The cost of one operation code; zeros if it was never sent.
    #[must_use]
    pub fn cost_of(&self, operation: u16) -> OperationCost {
        self.operations.get(&operation).copied().unwrap_or_default()
    }

    /// Name and cost of every operation that was sent, in the order of their codes.
    pub fn per_operation(&self) -> impl Iterator<Item = (&'static str, OperationCost)> + '_ {
        self.operations.iter().map(|(code, cost)| (operation::name(*code), *cost))
    }

    /// All operations together.
    #[must_use]
    pub fn total(&self) -> OperationCost {
        self.operations.values().fold(OperationCost::default(), |sum, cost| OperationCost {
            transactions: sum.transactions + cost.transactions,
            retries: sum.retries + cost.retries,
            bytes_out: sum.bytes_out + cost.bytes_out,
            bytes_in: sum.bytes_in + cost.bytes_in,
        })
    }

    pub(super) fn begin(&mut self, operation: u16) {
        self.operations.entry(operation).or_default().transactions += 1;
    }

    pub(super) fn count_retry(&mut self, operation: u16) {
        self.operations.entry(operation).or_default().retries += 1;
    }

    pub(super) fn count_out(&mut self, operation: u16, bytes: usize) {
        self.operations.entry(operation).or_default().bytes_out += bytes as u64;
    }

    pub(super) fn count_in(&mut self, operation: u16, bytes: usize) {
        self.operations.entry(operation).or_default().bytes_in += bytes as u64;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_add_up_per_operation() {
        let mut statistics = Statistics::default();
        statistics.begin(0x1009);
        statistics.count_out(0x1009, 16);
        statistics.count_in(0x1009, 74);
        statistics.begin(0x1009);
        statistics.count_retry(0x1009);
        statistics.begin(0x1001);
        let cost = OperationCost { transactions: 2, retries: 1, bytes_out: 16, bytes_in: 74 };
        assert_eq!(statistics.cost_of(0x1009), cost);
        assert_eq!(statistics.total().transactions, 3);
        let names: Vec<_> = statistics.per_operation().map(|(name, _)| name).collect();
        assert_eq!(names, ["GetDeviceInfo", "GetObject"]);
    }
}
