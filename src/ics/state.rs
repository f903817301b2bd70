//! The sync state: what one receiving side has of the replicas it receives from (MS-OXCFXICS 2.2.1.1). It must not
//! know where it is kept, nor what it belongs to: whoever keeps it must never use it for another pair of replicas,
//! direction or filter, since nothing in it would tell.

use super::globset_codec::Reader;
use super::{ChangeNumber, CnSet, DecodeError, DecodeErrorKind, Guid, IdSet};

/// The only version of the container there is.
const VERSION: u8 = 1;
/// Binary data (PtypBinary).
const TYPE_BINARY: u32 = 0x0102;
/// The type that MetaTagIdsetGiven is declared with (PtypInteger32), though it holds bytes all the same.
const TYPE_DECLARED_OF_GIVEN: u32 = 0x0003;
/// MetaTagIdsetGiven, MetaTagCnsetSeen, MetaTagCnsetSeenFAI, MetaTagCnsetRead.
const PROPERTY_IDS: [u32; 4] = [0x4017, 0x6796, 0x67DA, 0x67D2];

const fn tag(property_id: u32, property_type: u32) -> u32 {
    (property_id << 16) | property_type
}

/// What the receiving side of one direction has.
///
/// The empty state is the bootstrap: the source sends everything. A set with gaps is normal: a change that failed
/// stays out of `seen`, so it comes again, and the others are not held back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncState {
    /// The items that the receiving side was given and still has (IdsetGiven). Exact: never holds more.
    pub given: IdSet,
    /// The changes that the receiving side has (CnsetSeen).
    pub seen: CnSet,
    /// The changes of associated items (CnsetSeenFAI). There are none of these here; it is kept for the format.
    pub seen_fai: CnSet,
    /// The changes of read marks (CnsetRead). There are none of these here; it is kept for the format.
    pub read: CnSet,
}

impl SyncState {
    /// The state of a side that has nothing yet.
    #[must_use]
    pub const fn empty() -> Self {
        Self { given: IdSet::new(), seen: CnSet::new(), seen_fai: CnSet::new(), read: CnSet::new() }
    }

    /// Whether this is the bootstrap state.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.given.is_empty() && self.seen.is_empty() && self.seen_fai.is_empty() && self.read.is_empty()
    }

    /// Whether the receiving side has this change. A change number that no replica hands out is never seen.
    #[must_use]
    pub fn has_seen(&self, cn: ChangeNumber) -> bool {
        cn.is_valid() && self.seen.contains_cn(cn)
    }

    /// Whether the receiving side was given this item and still has it.
    #[must_use]
    pub fn was_given(&self, replica: Guid, item: u64) -> bool {
        item != 0 && self.given.contains(replica, item)
    }

    /// The receiving side has taken this change of this item: it has the item and has seen the change. The item is
    /// of the replica that the change number names.
    ///
    /// `false` if one of the two numbers is none that a replica hands out (0, or more than 48 bits). Then nothing is
    /// recorded, so the change comes again rather than being lost.
    pub fn record(&mut self, item: u64, cn: ChangeNumber) -> bool {
        if !is_item(item) || !cn.is_valid() {
            return false;
        }
        self.given.insert(cn.replica, item);
        self.seen.insert_cn(cn);
        true
    }

    /// The receiving side knows this change without having got it: it made it itself, or needs nothing done.
    ///
    /// `false`, and nothing recorded, if the change number is none that a replica hands out.
    pub fn record_seen(&mut self, cn: ChangeNumber) -> bool {
        if !cn.is_valid() {
            return false;
        }
        self.seen.insert_cn(cn);
        true
    }

    /// The receiving side has taken this deletion: it has the item no more, and has seen the tombstone's change.
    ///
    /// `false`, and nothing recorded, if one of the two numbers is none that a replica hands out.
    pub fn record_deleted(&mut self, replica: Guid, item: u64, cn: ChangeNumber) -> bool {
        if !is_item(item) || !cn.is_valid() {
            return false;
        }
        self.given.remove(replica, item);
        self.seen.insert_cn(cn);
        true
    }

    fn properties(&self) -> [&IdSet; 4] {
        [&self.given, &self.seen, &self.seen_fai, &self.read]
    }

    /// The byte form: one byte version (1), then the four properties 0x4017, 0x6796, 0x67DA, 0x67D2 in this order,
    /// each as tag (u32 little-endian, property id in the upper half, 0x0102 in the lower), length in bytes (u32
    /// little-endian) and the set in its form with GUIDs. An empty set has length 0.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![VERSION];
        for (property_id, set) in PROPERTY_IDS.into_iter().zip(self.properties()) {
            let bytes = set.to_bytes();
            out.extend_from_slice(&tag(property_id, TYPE_BINARY).to_le_bytes());
            // A set that needs 4 GiB does not fit into memory as ranges either; a length that lies would be refused
            // on reading, so it could do no silent harm.
            out.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
            out.extend_from_slice(&bytes);
        }
        out
    }

    /// Reads the byte form. All four properties must be there in their order and nothing after them; only for the
    /// first the declared type 0x0003 is taken as well. No bytes at all are an error, not the empty state.
    ///
    /// # Errors
    /// [`DecodeError`] with the offset from the beginning of `bytes`.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let version = reader.byte()?;
        if version != VERSION {
            return Err(DecodeError::new(0, DecodeErrorKind::UnknownVersion(version)));
        }
        let [given, seen, seen_fai, read] = PROPERTY_IDS;
        let state = Self {
            given: read_property(&mut reader, given)?,
            seen: read_property(&mut reader, seen)?,
            seen_fai: read_property(&mut reader, seen_fai)?,
            read: read_property(&mut reader, read)?,
        };
        if reader.is_at_end() {
            Ok(state)
        } else {
            Err(DecodeError::new(reader.offset(), DecodeErrorKind::TrailingBytes))
        }
    }
}

fn is_item(item: u64) -> bool {
    (1..=super::COUNTER_MAX).contains(&item)
}

fn read_property(reader: &mut Reader<'_>, property_id: u32) -> Result<IdSet, DecodeError> {
    let tag_offset = reader.offset();
    let found = u32::from_le_bytes(reader.array()?);
    let expected = tag(property_id, TYPE_BINARY);
    let [given, ..] = PROPERTY_IDS;
    let also_allowed = property_id == given && found == tag(given, TYPE_DECLARED_OF_GIVEN);
    if found != expected && !also_allowed {
        let kind = DecodeErrorKind::UnexpectedProperty { expected, found };
        return Err(DecodeError::new(tag_offset, kind));
    }
    let length = u32::from_le_bytes(reader.array()?);
    // A length beyond the address space is beyond the end of the bytes as well.
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    let set_offset = reader.offset();
    IdSet::from_bytes(reader.take(length)?).map_err(|error| error.shifted(set_offset))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ics::COUNTER_MAX;

    fn replica() -> Guid {
        "b5ffb99b-440f-4f77-b488-c5c6702ee3a8".parse().unwrap()
    }

    fn cn(counter: u64) -> ChangeNumber {
        ChangeNumber { replica: replica(), counter }
    }

    /// Items 1 to 5 with changes 11 to 15, item 2 deleted by change 17, and something in each of the other two sets.
    fn sample() -> SyncState {
        let mut state = SyncState::empty();
        for item in 1..=5 {
            assert!(state.record(item, cn(10 + item)));
        }
        assert!(state.record_deleted(replica(), 2, cn(17)));
        state.seen_fai.insert(replica(), 0);
        state.read.insert_range(replica(), 3, 900);
        state
    }

    #[test]
    fn records_move_both_sets() {
        let mut state = sample();
        assert_eq!(state.given.get(replica()).ranges().collect::<Vec<_>>(), [(1, 1), (3, 5)]);
        assert_eq!(state.seen.get(replica()).ranges().collect::<Vec<_>>(), [(11, 15), (17, 17)]);
        assert!(state.has_seen(cn(17)) && !state.has_seen(cn(16)));
        assert!(state.was_given(replica(), 1) && !state.was_given(replica(), 2));
        assert!(state.record_seen(cn(16)) && state.has_seen(cn(16)));
        let other = ChangeNumber { replica: Guid::from_bytes([1; 16]), counter: 11 };
        assert!(!state.has_seen(other));
    }

    #[test]
    fn what_no_replica_hands_out_is_not_recorded() {
        let mut state = sample();
        for bad in [0, COUNTER_MAX + 1, u64::MAX] {
            assert!(!state.record(1, cn(bad)));
            assert!(!state.record(bad, cn(50)));
            assert!(!state.record_seen(cn(bad)));
            assert!(!state.record_deleted(replica(), 1, cn(bad)));
            assert!(!state.record_deleted(replica(), bad, cn(50)));
            assert!(!state.has_seen(cn(bad)) && !state.was_given(replica(), bad));
        }
        assert_eq!(state, sample());
        // A set read from bytes may hold 0; it still means nothing.
        state.seen.insert(replica(), 0);
        state.given.insert(replica(), 0);
        assert!(!state.has_seen(cn(0)) && !state.was_given(replica(), 0));
        assert_eq!(SyncState::from_bytes(&state.to_bytes()), Ok(state));
    }

    #[test]
    fn the_bootstrap_state_has_four_empty_properties() {
        let mut expected = vec![1];
        for tag in [
            [0x02, 0x01, 0x17, 0x40],
            [0x02, 0x01, 0x96, 0x67],
            [0x02, 0x01, 0xDA, 0x67],
            [0x02, 0x01, 0xD2, 0x67],
        ] {
            expected.extend(tag);
            expected.extend([0; 4]);
        }
        assert!(SyncState::empty().is_empty() && !sample().is_empty());
        assert_eq!(SyncState::empty().to_bytes(), expected);
        assert_eq!(SyncState::from_bytes(&expected), Ok(SyncState::empty()));
    }

    #[test]
    fn all_four_sets_round_trip_and_each_makes_a_state_non_empty() {
        assert_eq!(SyncState::from_bytes(&sample().to_bytes()), Ok(sample()));
        let only = |fill: fn(&mut SyncState) -> &mut IdSet| {
            let mut state = SyncState::empty();
            fill(&mut state).insert(replica(), 7);
            assert!(!state.is_empty());
            assert_eq!(SyncState::from_bytes(&state.to_bytes()), Ok(state));
        };
        only(|state| &mut state.given);
        only(|state| &mut state.seen);
        only(|state| &mut state.seen_fai);
        only(|state| &mut state.read);
    }

    #[test]
    fn the_declared_type_of_the_first_property_is_taken() {
        let mut bytes = sample().to_bytes();
        bytes[1..3].copy_from_slice(&[0x03, 0x00]);
        assert_eq!(SyncState::from_bytes(&bytes), Ok(sample()));
    }

    #[test]
    fn damage_is_refused_where_it_is() {
        let bytes = sample().to_bytes();
        let fail = |bytes: &[u8]| {
            SyncState::from_bytes(bytes).map_err(|error| (error.offset, error.kind)).unwrap_err()
        };
        for length in 0..bytes.len() {
            let (offset, kind) = fail(&bytes[..length]);
            assert_eq!(kind, DecodeErrorKind::Truncated);
            assert_eq!(offset, length);
        }
        let mut longer = bytes.clone();
        longer.push(0);
        assert_eq!(fail(&longer), (bytes.len(), DecodeErrorKind::TrailingBytes));
        let mut newer = bytes.clone();
        newer[0] = 2;
        assert_eq!(fail(&newer), (0, DecodeErrorKind::UnknownVersion(2)));
        let mut swapped = SyncState::empty().to_bytes();
        swapped[11] = 0xDA;
        let kind = DecodeErrorKind::UnexpectedProperty { expected: 0x6796_0102, found: 0x67DA_0102 };
        assert_eq!(fail(&swapped), (9, kind));
        let mut huge = bytes.clone();
        huge[5..9].copy_from_slice(&[0xFF; 4]);
        assert_eq!(fail(&huge), (bytes.len(), DecodeErrorKind::Truncated));
        // The first command of the first set, after version, tag, length and GUID.
        let mut broken = bytes.clone();
        broken[25] = 0x50;
        assert_eq!(fail(&broken), (25, DecodeErrorKind::PopOnEmptyStack));
    }

    proptest! {
        #[test]
        fn any_bytes_are_a_state_or_refused(
            mut bytes in prop::collection::vec(any::<u8>(), 0..80),
            place in 0usize..200,
            value in any::<u8>(),
        ) {
            if let Some(version) = bytes.first_mut() {
                *version = 1;
            }
            let mut damaged = sample().to_bytes();
            if let Some(byte) = damaged.get_mut(place) {
                *byte = value;
            }
            for bytes in [bytes, damaged] {
                if let Ok(state) = SyncState::from_bytes(&bytes) {
                    prop_assert_eq!(SyncState::from_bytes(&state.to_bytes()), Ok(state));
                }
            }
        }
    }
}
