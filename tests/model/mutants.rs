//! Seeded bugs: what the checker must find. Each stands between the shipped code and what it relies on, and breaks one
//! promise of the contracts.

/// The promise that is broken.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Bug {
    None,
    /// A listing that was cut short says that it is whole.
    ShortIsWhole,
    /// What the phone has of the PC is on the disk before the phone was written.
    SeenBeforeWritten,
    /// The states are committed on their own, before the rest of the batch.
    TwoCommits,
    /// A restored phone says that it is as it was left.
    RestoredIsAsLeft,
    /// The journal forgets what was noted.
    ForgetfulJournal,
    /// A phone that is as it was left says that it was restored.
    AlwaysRestored,
    /// The watermark of a finished batch is not kept.
    ForgetfulWatermark,
}
