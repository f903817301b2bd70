//! Sets of ids or change numbers over several replicas, and their two byte forms (MS-OXCFXICS 2.2.2.4). This file
//! must not know which property a set is for.
//!
//! Reading is tolerant where nothing can be misread and strict elsewhere: entries out of order, an entry with an
//! empty set, and a replica that occurs twice are taken and put in order; a piece after the last whole entry is an
//! error. What is written is always ascending, each replica once, no empty entry. The empty set is zero bytes.

use std::collections::BTreeMap;
use std::fmt;

use super::globset_codec::{self, Reader};
use super::globset_encode;
use super::{ChangeNumber, DecodeError, GlobSet, Guid};

/// A short alias of a replica (REPLID, MS-OXCFXICS 2.2.2.4.1), valid only inside one conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Replid(pub u16);

mod sealed {
    use super::{DecodeError, Guid, Reader, Replid};

    pub trait Wire: Copy + Ord {
        fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError>;
        fn write(self, out: &mut Vec<u8>);
    }

    impl Wire for Guid {
        fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
            reader.array().map(Guid::from_wire)
        }

        fn write(self, out: &mut Vec<u8>) {
            out.extend_from_slice(&self.to_wire());
        }
    }

    impl Wire for Replid {
        fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
            reader.array().map(|bytes| Self(u16::from_le_bytes(bytes)))
        }

        fn write(self, out: &mut Vec<u8>) {
            out.extend_from_slice(&self.0.to_le_bytes());
        }
    }
}

/// What names a replica in a set: a [`Guid`] (16 bytes in packet order) or a [`Replid`] (2 bytes, little-endian).
pub trait ReplicaKey: sealed::Wire {}

impl ReplicaKey for Guid {}
impl ReplicaKey for Replid {}

/// A set of counters for each of several replicas. A replica without counters is not in it.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyedSet<K: ReplicaKey> {
    sets: BTreeMap<K, GlobSet>,
}

/// A set of ids over several replicas (IDSET) in the form that lasts, with the replica's GUID.
pub type IdSet = KeyedSet<Guid>;

/// A set of change numbers (CNSET); in its bytes it does not differ from an [`IdSet`].
pub type CnSet = IdSet;

/// A set of ids in the form that is used inside one conversation, with the replica's alias.
pub type ReplidSet = KeyedSet<Replid>;

/// What a replica without counters has.
static NOTHING: GlobSet = GlobSet::new();

impl<K: ReplicaKey> Default for KeyedSet<K> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: ReplicaKey> KeyedSet<K> {
    /// The empty set.
    #[must_use]
    pub const fn new() -> Self {
        Self { sets: BTreeMap::new() }
    }

    /// Adds a counter; `true` if it was not in the set. Above [`super::COUNTER_MAX`] nothing is added.
    pub fn insert(&mut self, replica: K, counter: u64) -> bool {
        self.insert_range(replica, counter, counter)
    }

    /// Adds all counters from `low` to `high`; `true` if the set grew. If `low` is above `high` or `high` above
    /// [`super::COUNTER_MAX`], nothing is added.
    pub fn insert_range(&mut self, replica: K, low: u64, high: u64) -> bool {
        if let Some(set) = self.sets.get_mut(&replica) {
            return set.insert_range(low, high);
        }
        let mut set = GlobSet::new();
        let grew = set.insert_range(low, high);
        if grew {
            self.sets.insert(replica, set);
        }
        grew
    }

    /// Adds all counters of `set`.
    pub fn insert_set(&mut self, replica: K, set: &GlobSet) {
        if set.is_empty() {
            return;
        }
        let joined = self.get(replica).union(set);
        self.sets.insert(replica, joined);
    }

    /// Takes a counter out; `true` if it was in the set.
    pub fn remove(&mut self, replica: K, counter: u64) -> bool {
        let Some(set) = self.sets.get_mut(&replica) else {
            return false;
        };
        let removed = set.remove(counter);
        if set.is_empty() {
            self.sets.remove(&replica);
        }
        removed
    }

    /// Whether a counter of a replica is in the set.
    #[must_use]
    pub fn contains(&self, replica: K, counter: u64) -> bool {
        self.get(replica).contains(counter)
    }

    /// The counters of a replica; empty if it has none here.
    #[must_use]
    pub fn get(&self, replica: K) -> &GlobSet {
        self.sets.get(&replica).unwrap_or(&NOTHING)
    }

    /// The replicas that have counters, ascending by their bytes, each with its set.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (K, &GlobSet)> + ExactSizeIterator {
        self.sets.iter().map(|(&replica, set)| (replica, set))
    }

    /// How many counters are in the set, over all replicas.
    #[must_use]
    pub fn len(&self) -> u64 {
        // Each replica has at most 2^48 counters, so more than 2^16 full ones would be needed to reach the limit.
        self.sets.values().fold(0, |sum, set| sum.saturating_add(set.len()))
    }

    /// Whether no replica has counters.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sets.is_empty()
    }

    /// What is in either set.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        let mut joined = self.clone();
        for (replica, set) in other.iter() {
            joined.insert_set(replica, set);
        }
        joined
    }

    /// What is in this set and not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let rest = self.iter().map(|(replica, set)| (replica, set.difference(other.get(replica))));
        Self { sets: rest.filter(|(_, set)| !set.is_empty()).collect() }
    }

    /// What is in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        let shared = self.iter().map(|(replica, set)| (replica, set.intersection(other.get(replica))));
        Self { sets: shared.filter(|(_, set)| !set.is_empty()).collect() }
    }

    /// Whether everything in this set is in the other.
    #[must_use]
    pub fn is_subset(&self, other: &Self) -> bool {
        self.iter().all(|(replica, set)| set.is_subset(other.get(replica)))
    }

    /// The byte form: per replica its name and its counters. Nothing in it tells which kind of name it has.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (replica, set) in self.iter() {
            replica.write(&mut out);
            globset_encode::encode(set, &mut out);
        }
        out
    }

    /// Reads the byte form; all bytes must belong to it.
    ///
    /// # Errors
    /// [`DecodeError`] with the offset, if an entry is cut off or its set is malformed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let mut sets = Self::new();
        while !reader.is_at_end() {
            let replica = K::read(&mut reader)?;
            let set = globset_codec::decode(&mut reader)?;
            sets.insert_set(replica, &set);
        }
        Ok(sets)
    }
}

impl IdSet {
    /// Adds a change number; `true` if it was not in the set.
    pub fn insert_cn(&mut self, cn: ChangeNumber) -> bool {
        self.insert(cn.replica, cn.counter)
    }

    /// Whether a change number is in the set.
    #[must_use]
    pub fn contains_cn(&self, cn: ChangeNumber) -> bool {
        self.contains(cn.replica, cn.counter)
    }
}

impl<K: ReplicaKey> FromIterator<(K, u64)> for KeyedSet<K> {
    fn from_iter<I: IntoIterator<Item = (K, u64)>>(members: I) -> Self {
        let mut set = Self::new();
        for (replica, counter) in members {
            set.insert(replica, counter);
        }
        set
    }
}

impl<K: ReplicaKey + fmt::Debug> fmt::Debug for KeyedSet<K> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ics::DecodeErrorKind;

    /// 33221100 is below 9BB9FFB5 in packet order.
    fn replicas() -> (Guid, Guid) {
        let low = "00112233-4455-6677-8899-aabbccddeeff".parse().unwrap();
        (low, "b5ffb99b-440f-4f77-b488-c5c6702ee3a8".parse().unwrap())
    }

    fn entry(replica: Guid, globset: &[u8]) -> Vec<u8> {
        [&replica.to_wire(), globset].concat()
    }

    #[test]
    fn vectors_of_both_forms() {
        let (_, replica) = replicas();
        let mut set = IdSet::new();
        set.insert_range(replica, 0xA5, 0x151);
        let bytes = entry(replica, &[4, 0, 0, 0, 0, 0x52, 0, 0xA5, 1, 0x51, 0x50, 0]);
        assert_eq!(bytes[..4], [0x9B, 0xB9, 0xFF, 0xB5]);
        assert_eq!(set.to_bytes(), bytes);
        assert_eq!(IdSet::from_bytes(&bytes), Ok(set));

        let bytes = [1, 0, 6, 0, 0, 0, 1, 4, 0x2E, 5, 0, 0, 0, 1, 4, 0x52, 0x35, 0x37, 0x50, 0];
        let mut set = ReplidSet::new();
        set.insert(Replid(1), 0x1042E);
        set.insert_range(Replid(1), 0x10435, 0x10437);
        assert_eq!(ReplidSet::from_bytes(&bytes).as_ref(), Ok(&set));
        assert_eq!(ReplidSet::from_bytes(&set.to_bytes()), Ok(set));
    }

    #[test]
    fn the_empty_set_is_no_bytes() {
        assert!(IdSet::new().to_bytes().is_empty());
        assert_eq!(IdSet::from_bytes(&[]), Ok(IdSet::new()));
    }

    #[test]
    fn entries_are_put_in_order_and_joined() {
        let (low, high) = replicas();
        let one = |value| vec![6, 0, 0, 0, 0, 0, value, 0];
        let bytes =
            [entry(high, &one(9)), entry(low, &one(2)), entry(high, &one(8)), entry(low, &[0])].concat();
        let set = IdSet::from_bytes(&bytes).unwrap();
        let expected: IdSet = [(low, 2), (high, 8), (high, 9)].into_iter().collect();
        assert_eq!(set, expected);
        let written = set.to_bytes();
        assert_eq!(written[..16], low.to_wire());
        assert_eq!(written.windows(16).filter(|window| *window == high.to_wire()).count(), 1);
        // A replica whose set is empty leaves nothing behind.
        assert!(IdSet::from_bytes(&entry(low, &[0])).unwrap().is_empty());
    }

    #[test]
    fn pieces_and_malformed_sets_are_refused_with_the_offset() {
        let (low, high) = replicas();
        let first = entry(low, &[6, 0, 0, 0, 0, 0, 2, 0]);
        let kind_at = |bytes: &[u8]| IdSet::from_bytes(bytes).map_err(|error| (error.offset, error.kind));
        let mut bytes = first.clone();
        bytes.extend(entry(high, &[0x50, 0]));
        assert_eq!(kind_at(&bytes), Err((40, DecodeErrorKind::PopOnEmptyStack)));
        for piece in 1..=16 {
            let bytes = [first.as_slice(), &high.to_wire()[..piece]].concat();
            assert_eq!(kind_at(&bytes), Err((24 + piece, DecodeErrorKind::Truncated)));
        }
        assert_eq!(
            ReplidSet::from_bytes(&[1]),
            Err(DecodeError { offset: 1, kind: DecodeErrorKind::Truncated })
        );
    }

    #[test]
    fn replicas_do_not_mix() {
        let (low, high) = replicas();
        let mut set = IdSet::new();
        assert!(set.insert(low, 1) && !set.insert(low, 1) && set.insert(high, 1));
        assert!(!set.insert(low, super::super::COUNTER_MAX + 1));
        assert_eq!(set.len(), 2);
        assert!(set.remove(low, 1) && !set.remove(low, 1) && !set.contains(low, 1) && set.contains(high, 1));
        assert!(set.get(low).is_empty());
        assert_eq!(set.iter().len(), 1);
        let cn = ChangeNumber { replica: low, counter: 4 };
        assert!(set.insert_cn(cn) && set.contains_cn(cn) && set.contains(low, 4));
    }

    fn any_idset() -> impl Strategy<Value = IdSet> {
        let replica = (0u8..4)
            .prop_map(|byte| Guid::from_bytes([byte, 9, 8, byte, 7, 7, 7, 7, 0, 0, 0, 0, 0, 0, 0, 1]));
        prop::collection::vec((replica, 0u64..300), 0..60).prop_map(|members| members.into_iter().collect())
    }

    proptest! {
        #[test]
        fn idsets_round_trip_and_obey_the_algebra(a in any_idset(), b in any_idset()) {
            prop_assert_eq!(IdSet::from_bytes(&a.to_bytes()), Ok(a.clone()));
            let (union, rest, shared) = (a.union(&b), a.difference(&b), a.intersection(&b));
            prop_assert_eq!(union.clone(), b.union(&a));
            prop_assert_eq!(rest.union(&shared), a.clone());
            prop_assert!(rest.intersection(&b).is_empty());
            prop_assert_eq!(a.difference(&rest), shared);
            prop_assert!(a.is_subset(&union) && b.is_subset(&union));
            prop_assert_eq!(a.is_subset(&b), rest.is_empty());
            prop_assert_eq!(union.len() + a.intersection(&b).len(), a.len() + b.len());
            // Sets that are equal have the same bytes, whatever way they were made.
            let remade = rest.union(&b).difference(&b.difference(&a));
            prop_assert_eq!(remade.to_bytes(), a.to_bytes());
        }

        #[test]
        fn any_bytes_are_a_set_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            if let Ok(set) = IdSet::from_bytes(&bytes) {
                prop_assert_eq!(IdSet::from_bytes(&set.to_bytes()), Ok(set));
            }
            if let Ok(set) = ReplidSet::from_bytes(&bytes) {
                prop_assert_eq!(ReplidSet::from_bytes(&set.to_bytes()), Ok(set));
            }
        }
    }
}
