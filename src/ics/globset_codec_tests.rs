//! Tests of the byte form of sets: vectors, malformed streams, sizes, and properties. It must not test the algebra.

use std::collections::BTreeSet;

use proptest::prelude::*;

use super::{COUNTER_MAX, DecodeError, DecodeErrorKind, GlobSet};

fn bytes(hex: &str) -> Vec<u8> {
    let digits: String = hex.split_whitespace().collect();
    assert_eq!(digits.len() % 2, 0, "{hex}");
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn set(ranges: &[(u64, u64)]) -> GlobSet {
    let mut set = GlobSet::new();
    for &(low, high) in ranges {
        set.insert_range(low, high);
    }
    set
}

/// The ranges of a set, a stream for it, and whether it is the very stream that the encoder here writes.
type Row<'a> = (&'a [(u64, u64)], &'a str, bool);

/// Sets and streams for them, and whether it is the very stream that the encoder here writes.
fn vectors() -> Vec<(GlobSet, Vec<u8>, bool)> {
    let rows: &[Row<'_>] = &[
        (&[], "00", true),
        (&[(1, 1)], "06 000000000001 00", true),
        (&[(1, 5)], "05 0000000000 52 01 05 50 00", true),
        // The worked example of the specification.
        (&[(1, 3), (5, 5), (7, 9)], "05 0000000000 42 01 EB 50 00", true),
        (&[(10, 20), (30, 40)], "05 0000000000 52 0A 14 52 1E 28 50 00", true),
        (&[(1, 70000)], "03 000000 52 000001 011170 50 00", true),
        (&[(0x10, 0x10), (0x01_0203_0405, 0x01_0203_0405)], "06 000000000010 06 000102030405 00", true),
        (
            &[(1, 1), (300, 302), (70000, 70000)],
            "03 000000 03 000001 02 0001 52 2C 2E 50 03 011170 50 00",
            true,
        ),
        (&[(0xA5, 0x151)], "04 00000000 52 00A5 0151 50 00", true),
        // The encoder here finds one that is shorter.
        (&[(0x1042E, 0x1042E), (0x10435, 0x10437)], "06 00000001042E 05 0000000104 52 35 37 50 00", false),
        (&[(0, COUNTER_MAX)], "52 000000000000 FFFFFFFFFFFF 00", true),
        (&[(0, 0)], "06 000000000000 00", true),
        (&[(COUNTER_MAX, COUNTER_MAX)], "06 FFFFFFFFFFFF 00", true),
    ];
    rows.iter().map(|&(ranges, hex, is_ours)| (set(ranges), bytes(hex), is_ours)).collect()
}

#[test]
fn vectors_decode_and_encode() {
    for (set, stream, is_ours) in vectors() {
        assert_eq!(GlobSet::from_bytes(&stream).as_ref(), Ok(&set), "{stream:02X?}");
        let ours = set.to_bytes();
        assert_eq!(GlobSet::from_bytes(&ours).as_ref(), Ok(&set), "{ours:02X?}");
        if is_ours {
            assert_eq!(ours, stream, "{ours:02X?} for {set:?}");
        } else {
            assert!(ours.len() < stream.len());
        }
    }
}

#[test]
fn every_truncation_of_a_vector_is_refused() {
    // No proper beginning of these streams is a whole set, because the end command comes once, at the end.
    for (_, stream, _) in vectors() {
        for length in 0..stream.len() {
            assert_eq!(
                GlobSet::from_bytes(&stream[..length]),
                Err(DecodeError { offset: length, kind: DecodeErrorKind::Truncated }),
                "{:02X?}",
                &stream[..length]
            );
        }
    }
}

#[test]
fn malformed_streams_are_refused_where_they_go_wrong() {
    use DecodeErrorKind::*;
    let rows: &[(&str, usize, DecodeErrorKind)] = &[
        ("", 0, Truncated),
        ("05 00000000 00", 6, Truncated),
        ("05 0000000000", 6, Truncated),
        ("52 000000000001 0000000000", 12, Truncated),
        ("05 0000000000 42 01", 8, Truncated),
        ("05 0000000000 52 01", 8, Truncated),
        ("50 00", 0, PopOnEmptyStack),
        ("01 00 50 50 00", 3, PopOnEmptyStack),
        ("06 000000000001 50 00", 7, PopOnEmptyStack),
        ("07 00000000000000 00", 0, UnknownCommand(0x07)),
        ("FF", 0, UnknownCommand(0xFF)),
        ("05 0000000000 43 01 EB 50 00", 6, UnknownCommand(0x43)),
        ("05 0000000000 02 0102 50 00", 6, PushTooDeep),
        ("01 00 06 000000000001 50 00", 2, PushTooDeep),
        ("04 00000000 42 01 EB 50 00", 5, BitmaskDepth),
        ("42 01 EB 00", 0, BitmaskDepth),
        ("05 0000000000 42 F9 FF 50 00", 6, BitmaskOverflow),
        ("05 0000000000 42 F8 80 50 00", 6, BitmaskOverflow),
        ("05 0000000000 42 FF 01 50 00", 6, BitmaskOverflow),
        ("05 0000000000 52 05 01 50 00", 6, RangeUpsideDown),
        ("05 0000000000 52 01 05 00", 9, EndInsidePush),
        ("00 00", 1, TrailingBytes),
        ("06 000000000001 00 06", 8, TrailingBytes),
    ];
    for &(hex, offset, kind) in rows {
        assert_eq!(GlobSet::from_bytes(&bytes(hex)), Err(DecodeError { offset, kind }), "{hex}");
    }
}

#[test]
fn errors_name_the_offset() {
    let error = GlobSet::from_bytes(&bytes("05 0000000000 52 05 01 50 00")).unwrap_err();
    assert_eq!(error.to_string(), "a range begins above its end (at byte 6)");
}

#[test]
fn the_readings_of_the_grammar() {
    let decoded = |hex| GlobSet::from_bytes(&bytes(hex)).unwrap();
    // Pop takes back the last push, however long it was; pushes nest.
    assert_eq!(decoded("03 000000 02 0001 52 01 02 50 03 000005 50 00"), set(&[(5, 5), (0x101, 0x102)]));
    // A push of one byte is allowed, also as the sixth.
    assert_eq!(decoded("01 00 04 00000000 01 07 50 50 00"), set(&[(7, 7)]));
    // The starting value of a bitmask is a member without a bit; the highest value may be the last one.
    assert_eq!(decoded("05 0000000000 42 07 00 50 00"), set(&[(7, 7)]));
    assert_eq!(decoded("05 0000000000 42 F7 FF 50 00"), set(&[(0xF7, 0xFF)]));
    assert_eq!(decoded("05 0000000000 42 FF 00 50 00"), set(&[(0xFF, 0xFF)]));
    assert_eq!(decoded("05 0000000000 42 F8 7F 50 00"), set(&[(0xF8, 0xFF)]));
    // A range of one value, at any depth; values out of order, twice, and touching.
    assert_eq!(decoded("52 000000000003 000000000003 00"), set(&[(3, 3)]));
    assert_eq!(decoded("06 000000000009 05 0000000000 52 01 08 42 05 01 50 00"), set(&[(1, 9)]));
    // Pushes without a value under them are of no effect.
    assert_eq!(decoded("02 0102 50 00"), GlobSet::new());
}

#[test]
fn a_hostile_stream_costs_no_more_than_its_bytes() {
    // Three ranges of nearly 2^48 counters each, and 65,536 bitmasks of five ranges each.
    let huge =
        bytes("52 000000000000 FFFFFFFFFFF0 52 000000000001 FFFFFFFFFFF1 52 000000000000 FFFFFFFFFFFF 00");
    assert_eq!(GlobSet::from_bytes(&huge).unwrap().ranges().len(), 1);
    let mut masks = vec![5, 0, 0, 0, 0, 0];
    for _ in 0..65_536 {
        masks.extend([0x42, 0x01, 0xAA]);
    }
    masks.extend([0x50, 0]);
    assert_eq!(GlobSet::from_bytes(&masks).unwrap(), set(&[(1, 1), (3, 3), (5, 5), (7, 7), (9, 9)]));
}

/// The set of 1 to 10,000 without so many of them, chosen at random.
fn with_holes(holes: usize, seed: u64) -> GlobSet {
    let mut left: Vec<u64> = (1..=10_000).collect();
    fastrand::Rng::with_seed(seed).shuffle(&mut left);
    left.into_iter().skip(holes).collect()
}

#[test]
fn ten_thousand_ids_stay_small() {
    for (holes, ceiling) in [(0, 12), (100, 460), (1_000, 2_400), (5_000, 3_150)] {
        let sizes = (0..10).map(|seed| {
            let set = with_holes(holes, seed);
            let stream = set.to_bytes();
            assert_eq!(GlobSet::from_bytes(&stream), Ok(set));
            stream.len()
        });
        let sizes: Vec<usize> = sizes.collect();
        assert!(sizes.iter().sum::<usize>() <= 10 * ceiling, "{holes} holes: {sizes:?}");
    }
}

/// The length of the shortest stream for a set of few counters, by trying everything that can be of use: Dijkstra's
/// search over (the first counter that is not emitted yet, what is pushed).
fn shortest(set: &GlobSet) -> usize {
    let counters: Vec<u64> = set.iter().collect();
    let mut open = std::collections::BTreeSet::from([(0usize, 0usize, Vec::<usize>::new(), 0u64)]);
    let mut closed = BTreeSet::new();
    while let Some((cost, at, pushes, prefix)) = open.pop_first() {
        if !closed.insert((at, pushes.clone(), prefix)) {
            continue;
        }
        let depth: usize = pushes.iter().sum();
        if let Some((&last, rest)) = pushes.split_last() {
            open.insert((cost + 1, at, rest.to_vec(), prefix >> (8 * last)));
        } else if at == counters.len() {
            return cost + 1;
        }
        let Some(&next) = counters.get(at) else { continue };
        let left = 6 - depth;
        if next.checked_shr(8 * left as u32).unwrap_or(0) != prefix {
            continue;
        }
        for length in 1..left {
            let pushed = [pushes.as_slice(), &[length]].concat();
            open.insert((cost + 1 + length, at, pushed, next >> (8 * (left - length))));
        }
        let mut emit = |cost: usize, is_emitted: &dyn Fn(u64) -> bool| {
            let emitted = counters[at..].iter().take_while(|&&counter| is_emitted(counter)).count();
            open.insert((cost, at + emitted, pushes.clone(), prefix));
        };
        emit(cost + 1 + left, &|counter| counter == next);
        let run_end =
            next + (at..counters.len()).take_while(|&i| counters[i] - next == (i - at) as u64).count() as u64;
        let is_below = |counter: u64| counter >> (8 * left) == prefix;
        emit(cost + 1 + 2 * left, &|counter| counter < run_end && is_below(counter));
        if left == 1 {
            emit(cost + 3, &|counter| counter <= next + 8 && is_below(counter));
        }
    }
    unreachable!("the search ends at the end command");
}

/// The least that an encoder can do: every range by itself, after a push of what its ends have in common.
fn simple_encoding(set: &GlobSet) -> Vec<u8> {
    let mut out = Vec::new();
    for (low, high) in set.ranges() {
        let (low, high) = (&low.to_be_bytes()[2..], &high.to_be_bytes()[2..]);
        let common = low.iter().zip(high).take_while(|(a, b)| a == b).count();
        if common > 0 {
            out.push(u8::try_from(common).unwrap());
            out.extend(&low[..common]);
        }
        if common == 6 {
            continue;
        }
        out.push(0x52);
        out.extend(&low[common..]);
        out.extend(&high[common..]);
        if common > 0 {
            out.push(0x50);
        }
    }
    out.push(0);
    out
}

/// As [`simple_encoding`], but neighbours that share five bytes share a push.
fn simple_encoding_by_leaf(set: &GlobSet) -> Vec<u8> {
    let mut out = Vec::new();
    let mut open: Option<u64> = None;
    for (low, high) in set.ranges() {
        let leaf = (low >> 8 == high >> 8).then_some(low >> 8);
        if open.is_some() && open != leaf {
            out.push(0x50);
        }
        match leaf {
            Some(leaf) => {
                if open != Some(leaf) {
                    out.push(5);
                    out.extend(&leaf.to_be_bytes()[3..]);
                }
                let ends = [low.to_be_bytes()[7], high.to_be_bytes()[7]];
                if low == high {
                    out.extend([1, ends[0]]);
                } else {
                    out.extend([0x52, ends[0], ends[1]]);
                }
            }
            None => {
                let whole = simple_encoding(&GlobSet::from_unsorted(vec![(low, high)]));
                out.extend(&whole[..whole.len() - 1]);
            }
        }
        open = leaf;
    }
    if open.is_some() {
        out.push(0x50);
    }
    out.push(0);
    out
}

/// A decoder that was written from the table of commands alone and shares nothing with the product's.
fn decode_by_table(stream: &[u8]) -> Option<BTreeSet<u64>> {
    let mut stack: Vec<Vec<u8>> = Vec::new();
    let mut out = BTreeSet::new();
    let mut rest = stream;
    let number = |parts: &[&[u8]]| parts.concat().iter().fold(0u64, |n, &byte| n * 256 + u64::from(byte));
    loop {
        let (&command, after) = rest.split_first()?;
        rest = after;
        let prefix = stack.concat();
        match command {
            0 => return (prefix.is_empty() && rest.is_empty()).then_some(out),
            1..=6 => {
                let pushed = rest.get(..usize::from(command))?;
                rest = &rest[pushed.len()..];
                match (prefix.len() + pushed.len()).cmp(&6) {
                    std::cmp::Ordering::Less => stack.push(pushed.to_vec()),
                    std::cmp::Ordering::Equal => {
                        out.insert(number(&[&prefix, pushed]));
                    }
                    std::cmp::Ordering::Greater => return None,
                }
            }
            0x50 => {
                stack.pop()?;
            }
            0x42 => {
                let &[start, mask, ..] = rest else { return None };
                rest = &rest[2..];
                if prefix.len() != 5 {
                    return None;
                }
                out.insert(number(&[&prefix, &[start]]));
                for bit in (0..8).filter(|bit| mask >> bit & 1 == 1) {
                    out.insert(number(&[&prefix, &[start.checked_add(bit)?.checked_add(1)?]]));
                }
            }
            0x52 => {
                let width = 6 - prefix.len();
                let (low, high) = (rest.get(..width)?, rest.get(width..2 * width)?);
                rest = &rest[2 * width..];
                if low > high {
                    return None;
                }
                out.extend(number(&[&prefix, low])..=number(&[&prefix, high]));
            }
            _ => return None,
        }
    }
}

/// Counters that are close together, at borders of bytes, or anywhere.
fn counter() -> impl Strategy<Value = u64> {
    prop_oneof![
        4 => 0u64..600,
        2 => 0xFE00u64..0x1_0200,
        1 => 0xFF_FE00u64..0x100_0200,
        1 => (0u32..48, -3i64..4).prop_map(|(bit, by)| (1u64 << bit).saturating_add_signed(by)),
        1 => (COUNTER_MAX - 600)..=COUNTER_MAX,
        1 => 0..=COUNTER_MAX,
    ]
}

fn any_set() -> impl Strategy<Value = GlobSet> {
    let range = (counter(), prop_oneof![Just(0u64), 0u64..12, 0u64..600, 0u64..200_000]);
    prop_oneof![
        prop::collection::vec(range, 0..60).prop_map(|ranges| {
            let ends = |(low, length): (u64, u64)| (low, (low + length).min(COUNTER_MAX));
            GlobSet::from_unsorted(ranges.into_iter().map(ends).collect())
        }),
        // Dense: a stretch in which each counter is there with some likelihood.
        (counter(), 1u64..1500, 1u8..=255, any::<u64>()).prop_map(|(first, length, likelihood, seed)| {
            let mut random = fastrand::Rng::with_seed(seed);
            let last = (first + length).min(COUNTER_MAX);
            (first..=last).filter(|_| random.u8(..) <= likelihood).collect()
        }),
        Just(set(&[(0, COUNTER_MAX)])),
    ]
}

/// Streams of commands that are likely to be whole.
fn any_stream() -> impl Strategy<Value = Vec<u8>> {
    let command = prop_oneof![
        3 => prop::collection::vec(any::<u8>(), 1..6).prop_map(|pushed| {
            let mut bytes = vec![u8::try_from(pushed.len()).unwrap()];
            bytes.extend(pushed);
            bytes
        }),
        2 => Just(vec![0x50]),
        2 => any::<[u8; 2]>().prop_map(|[a, b]| vec![0x42, a, b]),
        2 => any::<[u8; 2]>().prop_map(|[a, b]| vec![0x52, a.min(b), a.max(b)]),
        1 => any::<[u8; 2]>().prop_map(|[a, b]| vec![0x52, 0, a, 0, b]),
        1 => any::<u8>().prop_map(|byte| vec![byte]),
    ];
    let whole = prop::collection::vec(command, 0..12).prop_map(|commands| {
        let mut stream = commands.concat();
        stream.push(0);
        stream
    });
    prop_oneof![whole, prop::collection::vec(any::<u8>(), 0..60)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn encoding_round_trips_and_is_never_larger_than_the_simple_ones(set in any_set()) {
        let stream = set.to_bytes();
        prop_assert_eq!(GlobSet::from_bytes(&stream), Ok(set.clone()));
        prop_assert!(stream.len() <= simple_encoding(&set).len());
        prop_assert!(stream.len() <= simple_encoding_by_leaf(&set).len());
        if set.len() < 5_000 {
            prop_assert_eq!(decode_by_table(&stream), Some(set.iter().collect::<BTreeSet<_>>()));
        }
        let simple = GlobSet::from_bytes(&simple_encoding(&set));
        prop_assert_eq!(simple, Ok(set));
    }

    #[test]
    fn any_bytes_are_refused_or_are_a_set_as_the_table_says(stream in any_stream()) {
        let decoded = GlobSet::from_bytes(&stream);
        if let Ok(set) = &decoded {
            prop_assert_eq!(GlobSet::from_bytes(&set.to_bytes()), Ok(set.clone()));
            if set.len() > 70_000 {
                return Ok(());
            }
        }
        // The table's decoder holds every counter, so it is not asked about ranges near the root.
        let may_be_huge = stream.windows(4).any(|window| window[0] == 0x52);
        if decoded.is_ok() || !may_be_huge {
            let expected = decode_by_table(&stream);
            prop_assert_eq!(decoded.ok().map(|set| set.iter().collect::<BTreeSet<_>>()), expected);
        }
    }

    #[test]
    fn an_error_points_into_the_bytes(stream in any_stream()) {
        if let Err(error) = GlobSet::from_bytes(&stream) {
            prop_assert!(error.offset <= stream.len());
        }
    }
}

proptest! {
    // The search is slow.
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn within_one_prefix_of_four_bytes_no_stream_is_shorter(
        runs in prop::collection::vec((0u64..40, 1u64..12), 1..16),
        first in 0u64..70_000,
        likelihood in 1u64..40,
    ) {
        // Mostly short gaps; now and then one of a whole leaf.
        let mut set = GlobSet::new();
        let mut at = first % 65_536;
        for (gap, length) in runs {
            at += 1 + if gap >= likelihood { 250 } else { gap };
            if at + length < 65_536 {
                set.insert_range(at, at + length - 1);
            }
            at += length;
        }
        prop_assert_eq!(set.to_bytes().len(), shortest(&set), "{:?}", set);
    }

    #[test]
    fn where_ranges_cross_the_borders_of_leaves_no_stream_is_shorter(
        borders in prop::collection::vec(
            (0u64..5, 0u64..5, prop::option::of(2u64..9), prop::option::of(2u64..9)),
            1..9,
        ),
    ) {
        // At each border a range that begins a little before it and ends a little after it, and now and then
        // a counter close by on either side.
        let mut set = GlobSet::new();
        for (index, (before, after, lone_before, lone_after)) in borders.into_iter().enumerate() {
            let border = 256 * (index as u64 + 1);
            set.insert_range(border - before, border + after);
            for lone in [lone_before.map(|by| border - before - by), lone_after.map(|by| border + after + by)] {
                set.extend(lone);
            }
        }
        prop_assert_eq!(set.to_bytes().len(), shortest(&set), "{:?}", set);
    }

    #[test]
    fn anywhere_a_stream_is_at_most_a_little_longer_than_the_shortest(
        starts in prop::collection::vec((counter(), 1u64..6), 0..12),
    ) {
        let mut set = GlobSet::new();
        for (low, length) in starts {
            set.insert_range(low, (low + length).min(COUNTER_MAX));
        }
        let (ours, least) = (set.to_bytes().len(), shortest(&set));
        prop_assert!(ours >= least && ours <= least + 8, "{} {} {:?}", ours, least, set);
    }
}
