//! The rule by which a sync state decides what is sent (after MS-OXCFXICS 2.2.1.1), as a pure function. It
//! must not know where the items are kept. A source that can ask its index for the same answer may do so; this is
//! what the answer must be.

use super::{ChangeNumber, Guid, SyncState};

/// What an item is to the receiving side.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// It is there and is to be sent.
    InScope,
    /// It is there, but the filter does not let it through.
    OutOfScope,
    /// It is gone, and this is its tombstone.
    Deleted,
}

/// One item of a replica, or its tombstone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceItem {
    /// The item's number.
    pub item: u64,
    /// The counter of its last change; for a tombstone that of the deletion.
    pub counter: u64,
    /// What it is.
    pub standing: Standing,
}

/// An item that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExportedChange {
    /// The item.
    pub item: u64,
    /// Its last change.
    pub cn: ChangeNumber,
    /// The receiving side was given the item before, so this can be sent as a difference.
    pub is_update: bool,
}

/// Why the receiving side is to remove an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RemovalReason {
    /// The source has it no more.
    Deleted,
    /// The source has it, but the filter does not let it through any more.
    OutOfScope,
}

/// An item that the receiving side is to remove.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ExportedDeletion {
    /// The item.
    pub item: u64,
    /// Why.
    pub reason: RemovalReason,
    /// The tombstone's change, if there is a tombstone. What is out of scope has none: its last change is not
    /// seen by leaving, so that it is sent should the item come back with it unseen.
    pub tombstone: Option<ChangeNumber>,
}

/// What is sent to a receiving side, and its state when it has taken all of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Export {
    /// The items sent, in the order of their change numbers.
    pub changes: Vec<ExportedChange>,
    /// The items to be removed, in the order of their numbers.
    pub deletions: Vec<ExportedDeletion>,
    /// Tombstones of items that the receiving side was never given: nothing is sent, they only count as seen.
    pub passed_over: Vec<ChangeNumber>,
    /// The state of the receiving side after all of this.
    pub state_after: SyncState,
}

/// What a receiving side with this state is to be sent by a replica with these items.
///
/// `source` must be all items of the replica with their last change, each once, and its tombstones as far as they
/// are kept: an item that the receiving side was given and that is not among them counts as deleted. A listing that
/// may be incomplete must not be given to this function.
///
/// - An item is sent if it is in scope and its last change is not in `seen`.
/// - A removal is sent for each item in `given` that is gone or out of scope.
/// - State after: `given` plus what was sent, less what is removed; `seen` plus the changes sent, the tombstones of
///   what is removed, and the tombstones passed over. Until everything is acknowledged the receiving side's state is
///   the old one plus [`SyncState::record`] and [`SyncState::record_deleted`] of what was.
#[must_use]
pub fn export(replica: Guid, source: &[SourceItem], state: &SyncState) -> Export {
    let mut export = Export { state_after: state.clone(), ..Export::default() };
    // What is left here at the end is neither there nor has a tombstone.
    let mut missing = state.given.get(replica).clone();
    for row in source {
        let cn = ChangeNumber { replica, counter: row.counter };
        missing.remove(row.item);
        let was_given = state.was_given(replica, row.item);
        let removal = |reason, tombstone| ExportedDeletion { item: row.item, reason, tombstone };
        match row.standing {
            Standing::InScope => {
                if !state.has_seen(cn) {
                    export.changes.push(ExportedChange { item: row.item, cn, is_update: was_given });
                    export.state_after.record(row.item, cn);
                }
            }
            Standing::OutOfScope if was_given => {
                export.deletions.push(removal(RemovalReason::OutOfScope, None));
                export.state_after.given.remove(replica, row.item);
            }
            Standing::OutOfScope => {}
            Standing::Deleted if was_given => {
                export.deletions.push(removal(RemovalReason::Deleted, Some(cn)));
                export.state_after.record_deleted(replica, row.item, cn);
            }
            Standing::Deleted => {
                if !state.has_seen(cn) {
                    export.passed_over.push(cn);
                    export.state_after.record_seen(cn);
                }
            }
        }
    }
    for item in missing.iter() {
        export.deletions.push(ExportedDeletion { item, reason: RemovalReason::Deleted, tombstone: None });
        export.state_after.given.remove(replica, item);
    }
    export.changes.sort_unstable_by_key(|change| change.cn.counter);
    export.deletions.sort_unstable_by_key(|deletion| deletion.item);
    export.passed_over.sort_unstable();
    export
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use proptest::prelude::*;

    use super::*;
    use crate::ics::{CnSet, IdSet};

    fn replica() -> Guid {
        "b5ffb99b-440f-4f77-b488-c5c6702ee3a8".parse().unwrap()
    }

    fn row(item: u64, counter: u64, standing: Standing) -> SourceItem {
        SourceItem { item, counter, standing }
    }

    #[test]
    fn bootstrap_sends_everything_that_is_there() {
        let source = [
            row(1, 9, Standing::InScope),
            row(2, 2, Standing::InScope),
            row(3, 7, Standing::Deleted),
            row(4, 8, Standing::OutOfScope),
        ];
        let export = export(replica(), &source, &SyncState::empty());
        let sent: Vec<_> =
            export.changes.iter().map(|change| (change.item, change.cn.counter, change.is_update)).collect();
        assert_eq!(sent, [(2, 2, false), (1, 9, false)]);
        assert!(export.deletions.is_empty());
        assert_eq!(export.passed_over, [ChangeNumber { replica: replica(), counter: 7 }]);
        assert_eq!(export.state_after.given.get(replica()).ranges().collect::<Vec<_>>(), [(1, 2)]);
        // The change of the item that is out of scope was not sent, so it is not seen.
        assert_eq!(
            export.state_after.seen.get(replica()).ranges().collect::<Vec<_>>(),
            [(2, 2), (7, 7), (9, 9)]
        );
    }

    #[test]
    fn what_left_is_removed_for_the_right_reason() {
        let mut state = SyncState::empty();
        for item in 1..=4 {
            state.record(item, ChangeNumber { replica: replica(), counter: item });
        }
        let source =
            [row(1, 1, Standing::InScope), row(2, 5, Standing::Deleted), row(3, 3, Standing::OutOfScope)];
        let export = export(replica(), &source, &state);
        assert!(export.changes.is_empty());
        let removed: Vec<_> = export
            .deletions
            .iter()
            .map(|gone| (gone.item, gone.reason, gone.tombstone.map(|cn| cn.counter)))
            .collect();
        let expected = [
            (2, RemovalReason::Deleted, Some(5)),
            (3, RemovalReason::OutOfScope, None),
            (4, RemovalReason::Deleted, None),
        ];
        assert_eq!(removed, expected);
        assert_eq!(export.state_after.given.get(replica()).ranges().collect::<Vec<_>>(), [(1, 1)]);
        assert!(super::export(replica(), &source, &export.state_after).deletions.is_empty());
    }

    #[test]
    fn what_the_receiver_did_itself_is_not_sent_back() {
        let mut state = SyncState::empty();
        state.record_seen(ChangeNumber { replica: replica(), counter: 7 });
        let source = [row(1, 7, Standing::InScope)];
        let expected = Export { state_after: state.clone(), ..Export::default() };
        assert_eq!(export(replica(), &source, &state), expected);
        let other = Guid::from_bytes([1; 16]);
        assert_eq!(export(other, &source, &state).changes.len(), 1);
    }

    /// A replica as a small model: one counter for items and changes, and what stands where.
    #[derive(Default)]
    struct Source {
        counter: u64,
        rows: BTreeMap<u64, SourceItem>,
    }

    /// One step in the life of a replica and of who receives from it.
    #[derive(Clone, Debug)]
    enum Event {
        Create,
        Edit(usize),
        Delete(usize),
        LeaveScope(usize),
        EnterScope(usize),
        ForgetTombstone(usize),
        /// An export of which the receiver takes what the bits say before it is cut off.
        CutOffExport(u64),
        Export,
    }

    impl Source {
        fn put(&mut self, item: u64, standing: Standing) {
            self.counter += 1;
            self.rows.insert(item, SourceItem { item, counter: self.counter, standing });
        }

        fn change(&mut self, place: usize, standing: Standing) {
            let there = self.rows.values().filter(|row| row.standing != Standing::Deleted);
            let there: Vec<u64> = there.map(|row| row.item).collect();
            if !there.is_empty() {
                self.put(there[place % there.len()], standing);
            }
        }

        fn forget(&mut self, place: usize) {
            let gone = self.rows.values().filter(|row| row.standing == Standing::Deleted);
            let gone: Vec<u64> = gone.map(|row| row.item).collect();
            if !gone.is_empty() {
                self.rows.remove(&gone[place % gone.len()]);
            }
        }

        fn list(&self) -> Vec<SourceItem> {
            self.rows.values().copied().collect()
        }
    }

    /// What the receiver holds: item and the change by which it was last written.
    type Held = BTreeMap<u64, u64>;

    fn ids(items: impl IntoIterator<Item = u64>) -> IdSet {
        items.into_iter().map(|item| (replica(), item)).collect()
    }

    /// The eight invariants between the state before, an export, and the state after it.
    fn check_invariants(before: &SyncState, export: &Export) {
        let after = &export.state_after;
        let change_ids = ids(export.changes.iter().map(|change| change.item));
        let change_cns = ids(export.changes.iter().map(|change| change.cn.counter));
        let removed = |reason| {
            let of_reason = export.deletions.iter().filter(move |gone| gone.reason == reason);
            ids(of_reason.map(|gone| gone.item))
        };
        let all_deleted = ids(export.deletions.iter().map(|gone| gone.item));
        let tombstones: CnSet =
            ids(export.deletions.iter().filter_map(|gone| gone.tombstone).map(|cn| cn.counter));
        let passed_over: CnSet = ids(export.passed_over.iter().map(|cn| cn.counter));
        // 1: what is given afterwards.
        assert_eq!(after.given, before.given.union(&change_ids).difference(&all_deleted));
        // 2: what is seen afterwards; tombstones have change numbers here.
        let seen = before.seen.union(&change_cns).union(&tombstones).union(&passed_over);
        assert_eq!(after.seen, seen);
        assert_eq!((&after.seen_fai, &after.read), (&before.seen_fai, &before.read));
        // 3: nothing is sent and removed at once; 4: nothing seen is sent again.
        assert!(change_ids.intersection(&all_deleted).is_empty());
        assert!(change_cns.intersection(&before.seen.union(&before.seen_fai)).is_empty());
        assert!(passed_over.intersection(&before.seen).is_empty());
        // 5: there are no changes of read marks, so the set of those does not move (see 2).
        // 6: each removal has one reason, and is of something that was given.
        let (deleted, out_of_scope) = (removed(RemovalReason::Deleted), removed(RemovalReason::OutOfScope));
        assert_eq!(deleted.union(&out_of_scope), all_deleted);
        assert_eq!(all_deleted.len(), export.deletions.len() as u64);
        assert!(all_deleted.is_subset(&before.given));
        // 7: only what was given is sent as an update, and all of that is.
        let updates = ids(export.changes.iter().filter(|change| change.is_update).map(|change| change.item));
        assert_eq!(updates, change_ids.intersection(&before.given));
        assert_eq!(change_ids.len(), export.changes.len() as u64);
    }

    /// The receiver takes what `takes` lets through, one by one, as if each were made durable by itself.
    fn apply(export: &Export, state: &mut SyncState, held: &mut Held, mut takes: impl FnMut() -> bool) {
        for change in &export.changes {
            if takes() {
                assert_eq!(held.insert(change.item, change.cn.counter).is_some(), change.is_update);
                assert!(state.record(change.item, change.cn));
            }
        }
        for gone in &export.deletions {
            if takes() {
                assert!(held.remove(&gone.item).is_some());
                match gone.tombstone {
                    Some(cn) => assert!(state.record_deleted(replica(), gone.item, cn)),
                    None => assert!(state.given.remove(replica(), gone.item)),
                }
            }
        }
        for &cn in &export.passed_over {
            if takes() {
                assert!(state.record_seen(cn));
            }
        }
    }

    fn event() -> impl Strategy<Value = Event> {
        let place = 0usize..50;
        prop_oneof![
            4 => Just(Event::Create),
            3 => place.clone().prop_map(Event::Edit),
            3 => place.clone().prop_map(Event::Delete),
            1 => place.clone().prop_map(Event::LeaveScope),
            1 => place.clone().prop_map(Event::EnterScope),
            1 => place.prop_map(Event::ForgetTombstone),
            3 => any::<u64>().prop_map(Event::CutOffExport),
            1 => Just(Event::Export),
        ]
    }

    fn is_converged(source: &Source, held: &Held) -> bool {
        let in_scope = source.rows.values().filter(|row| row.standing == Standing::InScope);
        in_scope.map(|row| (row.item, row.counter)).collect::<Held>() == *held
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(500))]

        #[test]
        fn the_invariants_hold_and_the_receiver_converges(events in prop::collection::vec(event(), 0..60)) {
            let (mut source, mut state, mut held) = (Source::default(), SyncState::empty(), Held::new());
            for event in events.into_iter().chain([Event::Export]) {
                match event {
                    Event::Create => {
                        source.counter += 1;
                        source.put(source.counter, Standing::InScope);
                    }
                    Event::Edit(place) | Event::EnterScope(place) => source.change(place, Standing::InScope),
                    Event::Delete(place) => source.change(place, Standing::Deleted),
                    Event::LeaveScope(place) => source.change(place, Standing::OutOfScope),
                    Event::ForgetTombstone(place) => source.forget(place),
                    Event::CutOffExport(bits) => {
                        let export = export(replica(), &source.list(), &state);
                        check_invariants(&state, &export);
                        let mut bits = bits;
                        apply(&export, &mut state, &mut held, || {
                            bits = bits.rotate_right(1);
                            bits & 1 == 1
                        });
                    }
                    Event::Export => {
                        let export = export(replica(), &source.list(), &state);
                        check_invariants(&state, &export);
                        apply(&export, &mut state, &mut held, || true);
                        // 8: the final state is the checkpoint at the end of the operation.
                        prop_assert_eq!(&state, &export.state_after);
                        prop_assert!(is_converged(&source, &held), "{:?}", held);
                        let again = super::export(replica(), &source.list(), &state);
                        prop_assert_eq!(again, Export { state_after: state.clone(), ..Export::default() });
                    }
                }
                // The state is exact: given is what the receiver holds, and it survives being written down.
                prop_assert_eq!(&state.given, &ids(held.keys().copied()));
                prop_assert_eq!(SyncState::from_bytes(&state.to_bytes()), Ok(state.clone()));
                let counters: BTreeSet<u64> = held.values().copied().collect();
                prop_assert!(ids(counters).is_subset(&state.seen));
            }
        }
    }
}
