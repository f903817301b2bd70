//! Tests of one transaction, however the responder cuts its transfers.

use proptest::prelude::*;

use super::error::MtpError;
use super::link::LinkError;
use super::scripted::{ALL_FRAMINGS, Answer, Framing, ScriptedLink, container, data, response};
use super::transport::{DataPhase, Quirks, Reply, Timeouts, Transport};

fn transport(link: ScriptedLink) -> Transport {
    Transport::new(Box::new(link), Timeouts::default(), Quirks::default())
}

fn get_object(transport: &mut Transport, transaction: u32, keep_bytes: usize) -> Result<Reply, MtpError> {
    transport.transact(0x1009, transaction, &[5], DataPhase::In(keep_bytes))
}

fn payload(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|place| (place % 251) as u8).collect()
}

/// Lengths around every border: packets of 64, 512 and 1024 bytes, the first and the further reads.
const LENGTHS: [usize; 17] =
    [0, 1, 52, 53, 51, 499, 500, 501, 1012, 5000, 16_371, 16_372, 16_373, 16_384, 278_516, 278_528, 300_000];

#[test]
fn data_is_the_same_in_every_framing_and_length() {
    for framing in ALL_FRAMINGS {
        for packet_bytes in [64, 512, 1024] {
            for length in LENGTHS {
                // Nobody can tell a lone header of unknown length from one whose payload is still to come.
                if framing == Framing::UnknownLength && length == 0 {
                    continue;
                }
                let link = ScriptedLink::new(move |_, _, _| data(payload(length)));
                let mut transport = transport(link.framed(framing, packet_bytes));
                for transaction in 1..4 {
                    let reply = get_object(&mut transport, transaction, 1 << 20).unwrap_or_else(|error| {
                        panic!("{framing:?}, packets of {packet_bytes}, {length} bytes: {error}")
                    });
                    assert_eq!(reply.code, 0x2001);
                    assert!(reply.payload.is_complete);
                    assert_eq!(reply.payload.total_bytes, length as u64);
                    assert!(reply.payload.bytes == payload(length), "{framing:?} {packet_bytes} {length}");
                }
            }
        }
    }
}

#[test]
fn a_separate_empty_transfer_after_data_is_skipped() {
    let link = ScriptedLink::new(|_, _, _| {
        Answer::Raw(vec![
            Ok(container(2, 0x1009, 1, &payload(500))),
            Ok(Vec::new()),
            Ok(container(3, 0x2001, 1, &[])),
        ])
    });
    let reply = get_object(&mut transport(link), 1, 500).unwrap();
    assert_eq!(reply.payload.bytes, payload(500));
}

#[test]
fn outgoing_transfers_of_whole_packets_are_closed_by_an_empty_one() {
    for (packet_bytes, length, split, expected) in [
        (512, 500, false, vec![512, 0]),
        (512, 501, false, vec![513]),
        (512, 1012, false, vec![1024, 0]),
        (64, 52, false, vec![64, 0]),
        (64, 0, false, vec![12]),
        (512, 512, true, vec![12, 512, 0]),
        (512, 500, true, vec![12, 500]),
        (512, 0, true, vec![12]),
    ] {
        let link = ScriptedLink::new(move |_, _, received| {
            assert_eq!(received, payload(length));
            response(0x2001)
        })
        .framed(Framing::Plain, packet_bytes);
        let log = link.log();
        let quirks = Quirks { split_writes: split, ..Quirks::default() };
        let mut transport = Transport::new(Box::new(link), Timeouts::default(), quirks);
        let bytes = payload(length);
        transport.transact(0x100D, 7, &[], DataPhase::Out(&bytes)).unwrap();
        let sent: Vec<usize> = log.borrow().transfers_out.iter().skip(1).map(Vec::len).collect();
        assert_eq!(sent, expected, "packets of {packet_bytes}, {length} bytes");
        let cost = transport.statistics.cost_of(0x100D);
        assert_eq!((cost.bytes_out, cost.bytes_in), (24 + length as u64, 12));
    }
}

#[test]
fn a_device_that_halts_again_and_again_is_given_up() {
    let link = ScriptedLink::new(|_, _, _| Answer::Raw(vec![Err(LinkError::Stalled); 100]));
    let log = link.log();
    let mut transport = transport(link);
    assert_eq!(get_object(&mut transport, 1, 10).err(), Some(MtpError::Stalled("GetObject")));
    assert_eq!(get_object(&mut transport, 2, 10).err(), Some(MtpError::Stalled("drain")));
    assert!(transport.is_broken());
    assert!(get_object(&mut transport, 3, 10).is_err());
    assert_eq!((log.borrow().commands.len(), log.borrow().halts_cleared), (1, 4));
}

#[test]
fn more_data_than_wanted_is_counted_but_not_kept() {
    let link = ScriptedLink::new(|_, _, _| data(payload(100_000)));
    let mut transport = transport(link);
    let reply = get_object(&mut transport, 1, 10).unwrap();
    assert_eq!((reply.payload.bytes.len(), reply.payload.total_bytes), (10, 100_000));
    assert_eq!(get_object(&mut transport, 2, 10).unwrap().code, 0x2001, "the two sides are still in step");
}

#[test]
fn data_that_ends_early_is_told_and_the_response_is_found() {
    let link = ScriptedLink::new(|_, _, _| {
        let mut cut = container(2, 0x1009, 1, &payload(300));
        cut.truncate(112);
        Answer::Raw(vec![Ok(cut), Ok(container(3, 0x2007, 1, &[]))])
    });
    let reply = get_object(&mut transport(link), 1, 300).unwrap();
    assert_eq!((reply.code, reply.payload.total_bytes, reply.payload.is_complete), (0x2007, 100, false));
}

/// After the first transaction, stale containers are no longer forgiven.
fn second_answer(answer: fn() -> Vec<Vec<u8>>, quirks: Quirks) -> Result<Reply, MtpError> {
    let mut count = 0;
    let link = ScriptedLink::new(move |_, _, _| {
        count += 1;
        if count == 1 { response(0x2001) } else { Answer::Raw(answer().into_iter().map(Ok).collect()) }
    });
    let mut transport = Transport::new(Box::new(link), Timeouts::default(), quirks);
    transport.transact(0x1001, 1, &[], DataPhase::None).unwrap();
    get_object(&mut transport, 2, 100)
}

#[test]
fn answers_that_break_the_protocol_are_refused() {
    let cases: [fn() -> Vec<Vec<u8>>; 8] = [
        || vec![container(3, 0x2001, 9, &[])],
        || vec![container(2, 0x1009, 9, b"x"), container(3, 0x2001, 2, &[])],
        || vec![container(2, 0x1008, 2, b"x"), container(3, 0x2001, 2, &[])],
        || vec![container(4, 0x4002, 2, &[1, 0, 0, 0])],
        || vec![vec![1, 2, 3]],
        || vec![vec![0; 600]],
        || vec![container(2, 0x1009, 2, b"x"), container(2, 0x1009, 2, b"x")],
        || vec![Vec::new(); 20],
    ];
    for (place, case) in cases.into_iter().enumerate() {
        let result = second_answer(case, Quirks::default());
        assert!(matches!(result, Err(MtpError::Protocol(_))), "case {place}");
    }
}

#[test]
fn junk_headers_are_tolerated_only_where_known() {
    let answer: fn() -> Vec<Vec<u8>> = || vec![container(2, 0, 77, b"x"), container(3, 0x2001, 78, &[])];
    assert!(second_answer(answer, Quirks::default()).is_err());
    let reply = second_answer(answer, Quirks { junk_headers: true, ..Quirks::default() }).unwrap();
    assert_eq!(reply.payload.bytes, b"x");
}

#[test]
fn a_stall_clears_the_halt_and_the_next_transaction_works() {
    let mut count = 0;
    let link = ScriptedLink::new(move |_, _, _| {
        count += 1;
        match count {
            1 => Answer::Raw(vec![Err(LinkError::Stalled), Ok(container(3, 0x2002, 1, &[]))]),
            _ => data(b"abc".to_vec()),
        }
    });
    let log = link.log();
    let mut transport = transport(link);
    assert_eq!(get_object(&mut transport, 1, 9).err(), Some(MtpError::Stalled("GetObject")));
    assert_eq!(log.borrow().halts_cleared, 1);
    assert_eq!(get_object(&mut transport, 2, 9).unwrap().payload.bytes, b"abc");
}

#[test]
fn a_time_out_ends_the_session() {
    let link = ScriptedLink::new(|_, _, _| Answer::Raw(Vec::new()));
    let log = link.log();
    let mut transport = transport(link);
    let timed_out = MtpError::TimedOut { operation: "GetObject", timeout_ms: 20_000 };
    assert_eq!(get_object(&mut transport, 1, 9).err(), Some(timed_out.clone()));
    assert_eq!(get_object(&mut transport, 2, 9).err(), Some(timed_out), "and nothing more is sent");
    assert_eq!(log.borrow().commands.len(), 1);
}

proptest! {
    #[test]
    fn any_transfers_are_received_without_panic_or_hang(
        transfers in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..8),
        junk_headers: bool,
    ) {
        let mut pending = Some(transfers);
        let link = ScriptedLink::new(move |_, _, _| {
            Answer::Raw(pending.take().unwrap_or_default().into_iter().map(Ok).collect())
        });
        let quirks = Quirks { junk_headers, ..Quirks::default() };
        let mut transport = Transport::new(Box::new(link), Timeouts::default(), quirks);
        let _ = get_object(&mut transport, 1, 1000);
        let _ = get_object(&mut transport, 2, 1000);
    }

    /// Nearly right answers reach deeper than random ones.
    #[test]
    fn any_announced_length_is_received_without_panic_or_hang(
        announced: u32, sent in 0usize..3000, with_response: bool, open: bool,
    ) {
        let link = ScriptedLink::new(move |_, _, _| {
            let mut whole = container(2, 0x1009, 1, &payload(sent));
            whole[..4].copy_from_slice(&announced.to_le_bytes());
            let mut transfers = vec![Ok(whole)];
            if with_response {
                transfers.push(Ok(container(3, 0x2001, 1, &[])));
            }
            Answer::Raw(transfers)
        });
        let mut transport = transport(link);
        let first = u32::from(!open);
        if let Ok(reply) = get_object(&mut transport, first, 2000) {
            prop_assert!(reply.payload.bytes.len() <= 2000);
            prop_assert!(reply.payload.bytes.capacity() <= 4096);
        }
    }
}
