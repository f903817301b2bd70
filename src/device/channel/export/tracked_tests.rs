//! The channel under the layer that gives changes their numbers: what an export changes, and only that, is told. Tests
//! only.

use std::cell::RefCell;
use std::rc::Rc;

use super::export_tests::{Bench, DAY_MS, both, card};
use crate::ics::{Guid, SyncState};
use crate::provider::{
    ChangeKind, ChangeSet, ItemId, Metadata, Observed, Provider, ProviderError, TestClock, TestRandomness,
    Tracked, TrackingOptions,
};

#[derive(Default)]
struct Rows {
    rows: RefCell<Vec<Observed>>,
    next: RefCell<u64>,
    saved: RefCell<usize>,
}

impl Metadata for &Rows {
    fn generation(&self) -> Result<u64, ProviderError> {
        Ok(0)
    }

    fn next_counter(&self) -> Result<u64, ProviderError> {
        Ok((*self.next.borrow()).max(1))
    }

    fn load(&self) -> Result<Vec<Observed>, ProviderError> {
        let mut rows = self.rows.borrow().clone();
        rows.sort_by(|left, right| left.locator.cmp(&right.locator));
        Ok(rows)
    }

    fn save(&self, rows: &[Observed], next_counter: u64, _generation: u64) -> Result<(), ProviderError> {
        for row in rows {
            self.rows.borrow_mut().retain(|known| known.item != row.item);
            self.rows.borrow_mut().push(row.clone());
        }
        *self.next.borrow_mut() = next_counter;
        *self.saved.borrow_mut() += rows.len();
        Ok(())
    }
}

/// One session: its changes beyond the state, which is brought up to them, and how many rows it saved.
fn session(bench: &Bench, rows: &Rows, state: &mut SyncState) -> (ChangeSet, usize) {
    *rows.saved.borrow_mut() = 0;
    let channel = bench.open().unwrap();
    let clock = Rc::<TestClock>::clone(&bench.clock);
    let options = TrackingOptions::default();
    let mut tracked = Tracked::new(channel, rows, clock, Rc::new(TestRandomness::seeded(3)), options);
    let set = tracked.changes_since(state).unwrap();
    let replica = Guid::from_random([2; 16]);
    for change in &set.changes {
        match change.kind {
            ChangeKind::Deleted => {
                state.record_deleted(replica, change.item.0, change.cn);
            }
            _ => {
                state.record(change.item.0, change.cn);
            }
        }
        if matches!(change.kind, ChangeKind::Put(_)) {
            assert!(tracked.fetch(change.item).is_ok());
        }
    }
    tracked.keep_observations().unwrap();
    bench.clock.advance_ms(60_000);
    (set, *rows.saved.borrow())
}

fn items(set: &ChangeSet) -> Vec<ItemId> {
    set.changes.iter().map(|change| change.item).collect()
}

#[test]
fn an_export_tells_only_what_changed() {
    for mut bench in super::export_tests::benches() {
        let (rows, mut state) = (Rows::default(), SyncState::default());
        bench.put("Download/Contacts_20261120.vcf", both());
        let (first, saved) = session(&bench, &rows, &mut state);
        assert_eq!((first.changes.len(), first.absent.len(), saved), (2, 0, 2));
        // The rows settle in the second session, and nothing is saved from then on.
        let (second, _) = session(&bench, &rows, &mut state);
        assert!(second.changes.is_empty());
        let (third, saved) = session(&bench, &rows, &mut state);
        assert_eq!((third.changes.len(), saved), (0, 0));
        // An edit with another order.
        bench.clock.advance_ms(DAY_MS);
        bench.put(
            "Download/Contacts_20261121.vcf",
            card("Bo Reed", "+15550002") + &card("Ada Lane", "+15559999"),
        );
        let (edited, _) = session(&bench, &rows, &mut state);
        assert_eq!(edited.changes.len(), 1);
        let ada = items(&edited)[0];
        assert!(items(&first).contains(&ada));
        // Who is missing is no deletion.
        bench.clock.advance_ms(DAY_MS);
        bench.put("Download/Contacts_20261122.vcf", card("Bo Reed", "+15550002"));
        let (missing, _) = session(&bench, &rows, &mut state);
        assert_eq!((missing.changes.len(), missing.absent), (0, vec![ada]));
        let (still, _) = session(&bench, &rows, &mut state);
        assert_eq!((still.changes.len(), still.absent), (0, vec![ada]));
        // Unless a person says so.
        bench.choices.absent_is_deleted = true;
        let (deleted, _) = session(&bench, &rows, &mut state);
        assert_eq!((items(&deleted), deleted.absent.len()), (vec![ada], 0));
        assert_eq!(deleted.changes[0].kind, ChangeKind::Deleted);
        // She comes back as another.
        bench.choices.absent_is_deleted = false;
        bench.clock.advance_ms(DAY_MS);
        bench.put(
            "Download/Contacts_20261123.vcf",
            card("Bo Reed", "+15550002") + &card("Ada Lane", "+15559999"),
        );
        let (back, _) = session(&bench, &rows, &mut state);
        assert_eq!(back.changes.len(), 1);
        assert_ne!(items(&back)[0], ada);
    }
}
