//! The two sync states of a relationship while a session runs: they advance only by acknowledged facts.

use crate::ics::{ChangeNumber, Guid, SyncState};
use crate::provider::{Direction, ItemId, Ledger, LedgerError};
use crate::relationship::Side;

/// Both states, and whether they moved since they were stored.
pub(super) struct States {
    /// What the PC has of the phone.
    phone: SyncState,
    /// What the phone has of the PC.
    pc: SyncState,
    phone_replica: Guid,
    pc_replica: Guid,
    moved: bool,
}

impl States {
    pub(super) fn load(ledger: &dyn Ledger, phone: Guid, pc: Guid) -> Result<Self, LedgerError> {
        Ok(Self {
            phone: ledger.state(Direction::PhoneToPc)?,
            pc: ledger.state(Direction::PcToPhone)?,
            phone_replica: phone,
            pc_replica: pc,
            moved: false,
        })
    }

    /// Everything is to be told again; what each side was given stays known, so that deletions are told too.
    pub(super) fn forget_seen(&mut self) {
        for state in [&mut self.phone, &mut self.pc] {
            *state = SyncState { given: std::mem::take(&mut state.given), ..SyncState::empty() };
        }
    }

    /// What the other side has of `side`.
    pub(super) fn of(&self, side: Side) -> &SyncState {
        match side {
            Side::Phone => &self.phone,
            Side::Pc => &self.pc,
        }
    }

    fn of_mut(&mut self, side: Side) -> (&mut SyncState, Guid) {
        match side {
            Side::Phone => (&mut self.phone, self.phone_replica),
            Side::Pc => (&mut self.pc, self.pc_replica),
        }
    }

    /// The other side has this change of `side`'s item.
    pub(super) fn record(&mut self, side: Side, item: ItemId, cn: ChangeNumber) {
        let (state, _) = self.of_mut(side);
        state.record(item.0, cn);
        self.moved = true;
    }

    /// The other side has heard of this deletion of `side`'s item.
    pub(super) fn record_deleted(&mut self, side: Side, item: ItemId, cn: ChangeNumber) {
        let (state, replica) = self.of_mut(side);
        state.record_deleted(replica, item.0, cn);
        self.moved = true;
    }

    /// The other side holds `side`'s item, whichever version.
    pub(super) fn record_given(&mut self, side: Side, item: ItemId) {
        let (state, replica) = self.of_mut(side);
        if !state.given.contains(replica, item.0) {
            state.given.insert(replica, item.0);
            self.moved = true;
        }
    }

    /// Nothing of `side` is left to be told: the numbers between those that were seen belong to changes that newer
    /// ones replaced, and counting them as seen makes the set one range (MS-OXCFXICS 3.2.5.3).
    pub(super) fn widen(&mut self, side: Side) {
        let (state, replica) = self.of_mut(side);
        let seen = state.seen.get(replica);
        if let Some(highest) = seen.max().filter(|highest| seen.len() < *highest) {
            state.seen.insert_range(replica, 1, highest);
            self.moved = true;
        }
    }

    /// Whether they moved since they were stored.
    pub(super) fn moved(&self) -> bool {
        self.moved
    }

    pub(super) fn store(&mut self, ledger: &dyn Ledger) -> Result<(), LedgerError> {
        if self.moved {
            ledger.put_state(Direction::PhoneToPc, &self.phone)?;
            ledger.put_state(Direction::PcToPhone, &self.pc)?;
            self.moved = false;
        }
        Ok(())
    }
}
