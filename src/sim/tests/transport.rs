//! Transfers and packets, and bytes that are no containers.

use proptest::prelude::*;

use super::initiator::{Lab, Pc};
use crate::mtp::{ClassRequest, Link, LinkError};
use crate::sim::{HeaderWanted, Personality, TransferCut, TransferEnd, Transport};

fn android_with(change: impl FnOnce(&mut Transport)) -> Personality {
    let mut personality = Personality::android();
    change(&mut personality.transport);
    personality
}

/// Sizes around the packet's, and around many packets'.
const SIZES: [usize; 12] = [0, 1, 51, 52, 53, 116, 499, 500, 501, 1012, 2548, 5000];

#[test]
fn every_size_crosses_under_every_habit() {
    for end in [TransferEnd::EmptyPacket, TransferEnd::ExtraByte, TransferEnd::Nothing] {
        for cut in [TransferCut::Whole, TransferCut::HeaderApart, TransferCut::Every(100)] {
            for packet_bytes in [64, 512] {
                let lab = Lab::with(android_with(|transport| {
                    transport.end = end;
                    transport.cut = cut;
                    transport.packet_bytes = packet_bytes;
                }));
                let (mut pc, storage, folder) = lab.open();
                for size in SIZES {
                    for splits in [false, true] {
                        pc.splits = splits;
                        let name = format!("{size}-{splits}.bin");
                        let bytes: Vec<u8> = (0..size).map(|index| (index % 251) as u8).collect();
                        let handle = pc.write(storage, folder, &name, &bytes).unwrap();
                        let read = pc.read(handle).unwrap();
                        assert!(read == bytes, "{end:?} {cut:?} {packet_bytes} {size} {splits}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_end_of_whole_packets_is_what_the_knob_says() {
    for (end, first, second) in [
        (TransferEnd::EmptyPacket, 512, 12),
        (TransferEnd::ExtraByte, 513, 12),
        (TransferEnd::Nothing, 524, 0),
    ] {
        let lab = Lab::with(android_with(|transport| transport.end = end));
        let (mut pc, storage, folder) = lab.open();
        let handle = pc.write(storage, folder, "x", &[7; 500]).unwrap();
        let transaction = pc.next;
        pc.send(1, 0x1009, transaction, &handle.to_le_bytes()).unwrap();
        let mut buffer = Vec::new();
        pc.link.bulk_in(&mut buffer, 4096, 100).unwrap();
        assert_eq!(buffer.len(), first);
        let more = pc.link.bulk_in(&mut buffer, 4096, 100);
        assert_eq!(buffer.len(), second);
        assert_eq!(more.is_err(), second == 0);
    }
    // A buffer of exactly the transfer's size is full before the empty packet, which comes by itself then.
    let lab = Lab::new("android");
    let (mut pc, storage, folder) = lab.open();
    let handle = pc.write(storage, folder, "x", &[7; 500]).unwrap();
    let transaction = pc.next;
    pc.send(1, 0x1009, transaction, &handle.to_le_bytes()).unwrap();
    let mut buffer = Vec::new();
    for length in [512, 0, 12] {
        pc.link.bulk_in(&mut buffer, 512, 100).unwrap();
        assert_eq!(buffer.len(), length);
    }
    assert_eq!(pc.link.bulk_in(&mut buffer, 512, 100), Err(LinkError::TimedOut(100)));
}

#[test]
fn too_little_room_for_a_packet_is_refused() {
    let lab = Lab::new("android");
    let mut pc = lab.connect();
    pc.send(1, 0x1001, 0, &[]).unwrap();
    assert!(matches!(pc.link.bulk_in(&mut Vec::new(), 20, 100), Err(LinkError::Refused(_))));
}

#[test]
fn phones_that_want_the_header_apart_or_together() {
    for (header, splits, works) in [
        (HeaderWanted::Apart, true, true),
        (HeaderWanted::Apart, false, false),
        (HeaderWanted::Together, true, false),
        (HeaderWanted::Together, false, true),
    ] {
        let lab = Lab::with(android_with(|transport| transport.header = header));
        let (mut pc, storage, folder) = lab.open();
        pc.splits = splits;
        let info = super::initiator::object_info(0x3000, 3, "x.vcf", "");
        let announced = pc.run(0x100C, &[storage, folder], Some(&info));
        assert_eq!(announced.is_ok_and(|reply| reply.code == 0x2001), works, "{header:?} {splits}");
    }
}

#[test]
fn junk_headers_and_partial_reads_that_hang() {
    let lab = Lab::with(android_with(|transport| {
        transport.junk_headers = true;
        transport.partial_hangs_on_full_packet = true;
    }));
    let (mut pc, storage, folder) = lab.open();
    let handle = pc.write(storage, folder, "x", &[7; 600]).unwrap();
    let transaction = pc.next;
    pc.send(1, 0x1009, transaction, &handle.to_le_bytes()).unwrap();
    let (kind, code, id, _) = pc.receive().unwrap();
    assert_eq!(kind, 2);
    assert_ne!((code, id), (0x1009, transaction));
    assert_eq!(pc.receive().unwrap().2, transaction);
    assert_eq!(pc.ask(0x101B, &[handle, 0, 499]).parameters, [499]);
    assert!(pc.run(0x101B, &[handle, 0, 500], None).is_err());
    assert!(pc.run(0x1004, &[], None).is_err());
    pc.link.class_request(&ClassRequest::DeviceReset).unwrap();
    pc.open();
    assert_eq!(pc.storages(), [storage]);
}

#[test]
fn a_phone_goes_mute_if_nobody_opens_a_session() {
    let lab = Lab::with(android_with(|transport| transport.mute_after_ms = 3000));
    let mut pc = lab.connect();
    lab.clock.advance_ms(3001);
    assert!(pc.run(0x1002, &[1], None).is_err());
    let mut pc = lab.connect();
    lab.clock.advance_ms(2000);
    pc.open();
    lab.clock.advance_ms(60_000);
    assert_eq!(pc.storages().len(), 1);
}

#[test]
fn a_session_outlives_the_program_and_not_the_cable() {
    let lab = Lab::new("android");
    let (mut pc, storage, _) = lab.open();
    let next = pc.next;
    pc.send(1, 0x1004, next, &[]).unwrap();
    drop(pc);
    let mut other = Pc::new(lab.phone.take_over(crate::sim::FaultPlan::none()));
    // The answer that nobody read is still there.
    assert_eq!(other.receive().unwrap().2, next);
    assert_eq!(other.receive().unwrap().2, next);
    assert_eq!(other.code(0x1002, &[1]), 0x201E);
    assert_eq!(other.code(0x1003, &[]), 0x2001);
    assert_eq!(other.code(0x1002, &[1]), 0x2001);
    let mut replugged = lab.connect();
    assert_eq!(other.link.bulk_out(&[0; 12], 1), Err(LinkError::Gone));
    assert_eq!(replugged.code(0x1004, &[]), 0x2003);
    replugged.open();
    assert_eq!(replugged.storages(), [storage]);
}

#[test]
fn a_cancelled_transfer_leaves_what_the_phone_leaves() {
    let lab = Lab::new("android");
    let (mut pc, storage, folder) = lab.open();
    pc.announce(storage, folder, "x.vcf", 1000).unwrap();
    let transaction = pc.next;
    pc.send(1, 0x100D, transaction, &[]).unwrap();
    let mut data = 1012_u32.to_le_bytes().to_vec();
    data.extend([2, 0, 0x0D, 0x10]);
    data.extend(transaction.to_le_bytes());
    data.extend([7; 500]);
    pc.link.bulk_out(&data, 100).unwrap();
    pc.link.class_request(&ClassRequest::Cancel { transaction }).unwrap();
    assert_eq!(pc.link.class_request(&ClassRequest::DeviceStatus).unwrap(), [4, 0, 0x01, 0x20]);
    assert_eq!(lab.bytes("Contacts/x.vcf"), None);
    pc.next += 1;
    assert_eq!(pc.names(storage, folder).len(), 3);
}

/// Bytes that look like containers more often than chance would have it.
fn transfer() -> impl Strategy<Value = Vec<u8>> {
    let codes =
        prop_oneof![proptest::sample::select(crate::mtp::code::operation::ALL.to_vec()), any::<u16>(),];
    let words = prop::collection::vec(
        prop_oneof![0..12_u32, Just(u32::MAX), Just(0x0001_0001), Just(0x3000), Just(0xDC07), any::<u32>()],
        0..6,
    );
    let command = (codes.clone(), 0..4_u32, words).prop_map(|(code, id, words)| {
        let mut bytes = u32::try_from(12 + words.len() * 4).unwrap().to_le_bytes().to_vec();
        bytes.extend([1, 0]);
        bytes.extend(code.to_le_bytes());
        bytes.extend(id.to_le_bytes());
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        bytes
    });
    let data = (codes, 0..4_u32, any::<bool>(), prop::collection::vec(any::<u8>(), 0..120)).prop_map(
        |(code, id, honest, payload)| {
            let claimed = if honest { 12 + payload.len() } else { payload.len() / 2 };
            let mut bytes = u32::try_from(claimed).unwrap().to_le_bytes().to_vec();
            bytes.extend([2, 0]);
            bytes.extend(code.to_le_bytes());
            bytes.extend(id.to_le_bytes());
            bytes.extend(payload);
            bytes
        },
    );
    let info = (0..3_u32, "[a-z/.é]{0,8}").prop_map(|(id, name)| {
        let info = super::initiator::object_info(0x3000, 5, &name, "20200101T000000Z");
        let mut bytes = u32::try_from(12 + info.len()).unwrap().to_le_bytes().to_vec();
        bytes.extend([2, 0, 0x0C, 0x10]);
        bytes.extend(id.to_le_bytes());
        bytes.extend(info);
        bytes
    });
    prop_oneof![4 => command, 2 => data, 1 => info, 1 => prop::collection::vec(any::<u8>(), 0..600)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn arbitrary_bytes_never_panic(
        name in proptest::sample::select(Personality::names().to_vec()),
        transfers in prop::collection::vec(transfer(), 1..30),
    ) {
        let lab = Lab::new(name);
        let mut pc = lab.connect();
        pc.send(1, 0x1002, 0, &1_u32.to_le_bytes()).unwrap();
        let mut buffer = Vec::new();
        for bytes in transfers {
            let _ = pc.link.bulk_out(&bytes, 1);
            let _ = pc.link.bulk_in(&mut buffer, 1 << 16, 1);
            let _ = pc.link.interrupt_in(0);
            if pc.link.clear_halt().is_err() {
                break;
            }
        }
        lab.phone.unplug();
        prop_assert_eq!(pc.link.bulk_out(&[], 1), Err(LinkError::Gone));
    }
}
