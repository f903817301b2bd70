//! Version histories: which versions of an item are behind the one at hand (XID and PredecessorChangeList,
//! MS-OXCFXICS 2.2.2.2 and 2.2.2.3). They tell without clocks whether one version comes after another or both
//! are in conflict. This file must not decide a conflict.

use std::collections::BTreeMap;
use std::fmt;

use super::globset_codec::Reader;
use super::{ChangeNumber, DecodeError, DecodeErrorKind, Guid};

const GUID_BYTES: u8 = 16;
const LOCAL_BYTES_MAX: u8 = 8;

/// The id of one version (XID, MS-OXCFXICS 2.2.2.2): a namespace and 1 to 8 bytes that grow with every version in
/// that namespace.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Xid {
    /// The namespace; for versions that a replica made itself, the replica.
    pub namespace: Guid,
    local: LocalId,
}

/// 1 to 8 bytes. The derived order is by length first, which matters only between lengths that one namespace never
/// mixes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct LocalId {
    length: u8,
    /// The bytes as a big-endian number.
    value: u64,
}

impl LocalId {
    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let length =
            u8::try_from(bytes.len()).ok().filter(|length| (1..=LOCAL_BYTES_MAX).contains(length))?;
        Some(Self { length, value: bytes.iter().fold(0, |value, &byte| (value << 8) | u64::from(byte)) })
    }

    fn write(self, out: &mut Vec<u8>) {
        let unused = usize::from(LOCAL_BYTES_MAX - self.length);
        out.extend(self.value.to_be_bytes().into_iter().skip(unused));
    }

    /// Whether this is `other` or a later one. Ids of different lengths cannot be compared.
    const fn covers(self, other: Self) -> bool {
        self.length == other.length && self.value >= other.value
    }
}

impl Xid {
    /// A version id; `None` unless `local` has 1 to 8 bytes.
    #[must_use]
    pub fn new(namespace: Guid, local: &[u8]) -> Option<Self> {
        LocalId::from_bytes(local).map(|local| Self { namespace, local })
    }

    /// The bytes after the namespace.
    #[must_use]
    pub fn local_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(usize::from(self.local.length));
        self.local.write(&mut bytes);
        bytes
    }

    /// The byte form: the namespace in packet order, then the other bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.namespace.to_wire().to_vec();
        self.local.write(&mut bytes);
        bytes
    }

    /// Reads the byte form, 17 to 24 bytes.
    ///
    /// # Errors
    /// [`DecodeError`] if there are fewer or more.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let namespace = reader.array().map(Guid::from_wire)?;
        let start = reader.offset();
        let local = bytes.get(start..).unwrap_or_default();
        let size = u8::try_from(bytes.len()).unwrap_or(u8::MAX);
        Self::new(namespace, local).ok_or(DecodeError::new(0, DecodeErrorKind::XidSize(size)))
    }
}

impl From<ChangeNumber> for Xid {
    /// The version that a change made: the replica, and the counter as six bytes. Upper bits that a valid change
    /// number does not have are cut off.
    fn from(cn: ChangeNumber) -> Self {
        Self { namespace: cn.replica, local: LocalId { length: 6, value: cn.counter & super::COUNTER_MAX } }
    }
}

impl fmt::Debug for Xid {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let digits = 2 * usize::from(self.local.length);
        write!(formatter, "Xid({}:{:0digits$x})", self.namespace, self.local.value)
    }
}

/// How two histories stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HistoryOrder {
    /// Both are the same.
    Equal,
    /// The first has everything that the second has, and more: importing the second changes nothing.
    Newer,
    /// The second has everything that the first has, and more: it replaces the first.
    Older,
    /// Each has something that the other has not.
    Conflict,
}

/// The versions that are behind a version, itself included: for each namespace the latest (PredecessorChangeList,
/// MS-OXCFXICS 2.2.2.3).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ChangeHistory {
    latest: BTreeMap<Guid, LocalId>,
}

impl ChangeHistory {
    /// The history of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { latest: BTreeMap::new() }
    }

    /// Adds a version; an earlier one of the same namespace gives way, a later one stays.
    ///
    /// A namespace does not mix lengths. Should it all the same, the longer one counts as the later here, so that
    /// a merge gives the same on both sides.
    pub fn record(&mut self, version: Xid) {
        let latest = self.latest.entry(version.namespace).or_insert(version.local);
        *latest = (*latest).max(version.local);
    }

    /// The latest version of each namespace, ascending by the namespace's bytes.
    pub fn iter(&self) -> impl Iterator<Item = Xid> + '_ {
        self.latest.iter().map(|(&namespace, &local)| Xid { namespace, local })
    }

    /// Whether every version behind `other` is behind this one too. Versions of one namespace with different
    /// lengths cannot be compared, so they make a conflict rather than a silent replacement.
    #[must_use]
    pub fn covers(&self, other: &Self) -> bool {
        let behind = |(namespace, &local)| self.latest.get(namespace).is_some_and(|mine| mine.covers(local));
        other.latest.iter().all(behind)
    }

    /// How this history stands to another.
    #[must_use]
    pub fn compare(&self, other: &Self) -> HistoryOrder {
        match (self.covers(other), other.covers(self)) {
            (true, true) => HistoryOrder::Equal,
            (true, false) => HistoryOrder::Newer,
            (false, true) => HistoryOrder::Older,
            (false, false) => HistoryOrder::Conflict,
        }
    }

    /// The smallest history that has both behind it.
    #[must_use]
    pub fn merge(&self, other: &Self) -> Self {
        let mut merged = self.clone();
        for version in other.iter() {
            merged.record(version);
        }
        merged
    }

    /// The byte form: for each version a size byte (17 to 24) and its [`Xid`], ascending by namespace.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for version in self.iter() {
            out.push(GUID_BYTES + version.local.length);
            out.extend(version.to_bytes());
        }
        out
    }

    /// Reads the byte form.
    ///
    /// # Errors
    /// [`DecodeError`] if a size is not 17 to 24, an entry is cut off, or the namespaces are not strictly ascending.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut history = Self::new();
        let mut reader = Reader::new(bytes);
        while !reader.is_at_end() {
            let offset = reader.offset();
            let size = reader.byte()?;
            if !(GUID_BYTES + 1..=GUID_BYTES + LOCAL_BYTES_MAX).contains(&size) {
                return Err(DecodeError::new(offset, DecodeErrorKind::XidSize(size)));
            }
            let version = Xid::from_bytes(reader.take(usize::from(size))?)
                .map_err(|error| error.shifted(offset + 1))?;
            if history.latest.last_key_value().is_some_and(|(last, _)| *last >= version.namespace) {
                return Err(DecodeError::new(offset, DecodeErrorKind::XidOrder));
            }
            history.record(version);
        }
        Ok(history)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const A_WIRE: &str = "9BB9FFB50F44774FB488C5C6702EE3A8";
    const B_WIRE: &str = "33221100554477668899AABBCCDDEEFF";

    fn a() -> Guid {
        "b5ffb99b-440f-4f77-b488-c5c6702ee3a8".parse().unwrap()
    }

    fn b() -> Guid {
        "00112233-4455-6677-8899-aabbccddeeff".parse().unwrap()
    }

    fn bytes(hex: &str) -> Vec<u8> {
        let digits: String = hex.split_whitespace().collect();
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    }

    fn history(versions: &[(Guid, u64)]) -> ChangeHistory {
        let mut history = ChangeHistory::new();
        for &(replica, counter) in versions {
            history.record(ChangeNumber { replica, counter }.into());
        }
        history
    }

    #[test]
    fn vectors() {
        let one = format!("16 {A_WIRE} 000000000005");
        assert_eq!(history(&[(a(), 5)]).to_bytes(), bytes(&one));
        let two = format!("16 {B_WIRE} 000000000009 16 {A_WIRE} 000000000005");
        assert_eq!(history(&[(a(), 5), (b(), 9)]).to_bytes(), bytes(&two));
        assert_eq!(ChangeHistory::from_bytes(&bytes(&one)), Ok(history(&[(a(), 5)])));
        assert_eq!(ChangeHistory::from_bytes(&bytes(&two)), Ok(history(&[(a(), 5), (b(), 9)])));
        assert_eq!(ChangeHistory::from_bytes(&[]), Ok(ChangeHistory::new()));
    }

    #[test]
    fn what_an_import_decides() {
        let server = history(&[(a(), 5)]);
        let both = history(&[(a(), 5), (b(), 9)]);
        let later = history(&[(a(), 6)]);
        assert_eq!(server.compare(&both), HistoryOrder::Older);
        assert_eq!(both.compare(&server), HistoryOrder::Newer);
        assert_eq!(both.compare(&later), HistoryOrder::Conflict);
        assert_eq!(both.compare(&both), HistoryOrder::Equal);
        assert_eq!(both.merge(&later), history(&[(a(), 6), (b(), 9)]));
    }

    #[test]
    fn an_earlier_version_does_not_take_the_place_of_a_later_one() {
        assert_eq!(history(&[(a(), 5), (a(), 3)]), history(&[(a(), 5)]));
        assert_eq!(history(&[(a(), 255), (a(), 256)]), history(&[(a(), 256)]));
    }

    #[test]
    fn malformed_histories_are_refused_where_they_go_wrong() {
        let fail = |hex: &str| {
            let error = ChangeHistory::from_bytes(&bytes(hex)).unwrap_err();
            (error.offset, error.kind)
        };
        assert_eq!(fail(&format!("10 {A_WIRE}")), (0, DecodeErrorKind::XidSize(16)));
        assert_eq!(fail(&format!("19 {A_WIRE} 000000000000000005")), (0, DecodeErrorKind::XidSize(25)));
        let unordered = format!("16 {A_WIRE} 000000000005 16 {B_WIRE} 000000000009");
        assert_eq!(fail(&unordered), (23, DecodeErrorKind::XidOrder));
        let twice = format!("16 {A_WIRE} 000000000005 16 {A_WIRE} 000000000006");
        assert_eq!(fail(&twice), (23, DecodeErrorKind::XidOrder));
        let whole = bytes(&format!("16 {B_WIRE} 000000000009 16 {A_WIRE} 000000000005"));
        for length in (1..whole.len()).filter(|&length| length != 23) {
            let error = ChangeHistory::from_bytes(&whole[..length]).unwrap_err();
            assert_eq!((error.offset, error.kind), (length, DecodeErrorKind::Truncated));
        }
    }

    #[test]
    fn a_version_id_has_one_to_eight_bytes_of_its_own() {
        for length in 0..12 {
            let local = vec![7; length];
            let version = Xid::new(a(), &local);
            assert_eq!(version.is_some(), (1..=8).contains(&length));
            let whole = [a().to_wire().as_slice(), &local].concat();
            assert_eq!(Xid::from_bytes(&whole).ok(), version);
            if let Some(version) = version {
                assert_eq!((version.to_bytes(), version.local_bytes()), (whole, local));
            }
        }
        assert_eq!(Xid::from_bytes(&[0; 10]).unwrap_err().kind, DecodeErrorKind::Truncated);
    }

    #[test]
    fn versions_of_different_lengths_are_a_conflict() {
        let with = |local: &[u8]| {
            let mut history = ChangeHistory::new();
            history.record(Xid::new(a(), local).unwrap());
            history
        };
        assert_eq!(with(&[9]).compare(&with(&[0, 1])), HistoryOrder::Conflict);
        assert_eq!(with(&[9]).merge(&with(&[0, 1])), with(&[0, 1]).merge(&with(&[9])));
    }

    fn any_history() -> impl Strategy<Value = ChangeHistory> {
        let version = (0u8..4, 1u64..5);
        prop::collection::vec(version, 0..5).prop_map(|versions| {
            let named =
                versions.into_iter().map(|(replica, counter)| (Guid::from_bytes([replica; 16]), counter));
            history(&named.collect::<Vec<_>>())
        })
    }

    proptest! {
        #[test]
        fn the_merge_is_the_least_that_covers_both(
            one in any_history(),
            other in any_history(),
            third in any_history(),
        ) {
            let merged = one.merge(&other);
            prop_assert!(merged.covers(&one) && merged.covers(&other));
            if third.covers(&one) && third.covers(&other) {
                prop_assert!(third.covers(&merged));
            }
            prop_assert_eq!(&merged, &other.merge(&one));
            prop_assert_eq!(merged.merge(&third), one.merge(&other.merge(&third)));
            prop_assert_eq!(one.compare(&other) == HistoryOrder::Equal, one == other);
            prop_assert_eq!(one.compare(&other) == HistoryOrder::Newer, other.compare(&one) == HistoryOrder::Older);
            prop_assert_eq!(ChangeHistory::from_bytes(&merged.to_bytes()), Ok(merged));
        }

        #[test]
        fn any_bytes_are_a_history_or_refused(stream in prop::collection::vec(any::<u8>(), 0..60)) {
            if let Ok(history) = ChangeHistory::from_bytes(&stream) {
                prop_assert_eq!(history.to_bytes(), stream);
            }
        }
    }
}
