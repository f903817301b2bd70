//! The strict responder refuses what the standard lets it refuse.

use super::initiator::{Lab, Pc, object_info, text};
use crate::mtp::{Link, LinkError};

const ALL: u32 = 0xFFFF_FFFF;

#[test]
fn sessions_and_transaction_ids_are_checked() {
    let lab = Lab::new("strict");
    let mut pc = lab.connect();
    assert_eq!(pc.code(0x1001, &[]), 0x2001);
    pc.next = 0;
    assert_eq!(pc.code(0x1004, &[]), 0x2003);
    pc.next = 0;
    assert_eq!(pc.code(0x1002, &[0]), 0x201D);
    pc.next = 5;
    assert_eq!(pc.code(0x1002, &[1]), 0x2004);
    pc.next = 0;
    pc.open();
    assert_eq!(pc.code(0x1004, &[]), 0x2001);
    assert_eq!(pc.code(0x1002, &[2]), 0x201E);
    pc.next = 2;
    assert_eq!(pc.code(0x1001, &[]), 0x2001);
    pc.next = 9;
    assert_eq!(pc.code(0x1004, &[]), 0x2004);
    pc.next = 3;
    assert_eq!(pc.code(0x1004, &[]), 0x2001);
    // A data phase with another transaction id than its command.
    pc.send(1, 0x1016, 4, &0xD402_u32.to_le_bytes()).unwrap();
    pc.send(2, 0x1016, 5, &text("x")).unwrap();
    assert_eq!(pc.receive().unwrap().1, 0x2004);
    assert_eq!(lab.phone.device_value(0xD402), None);
}

#[test]
fn parameters_and_datasets_are_checked() {
    let lab = Lab::new("strict");
    let (mut pc, storage, folder) = lab.open();
    assert_eq!(pc.code(0x1005, &[]), 0x201D);
    assert_eq!(pc.code(0x1005, &[storage, 1]), 0x2006);
    assert_eq!(pc.code(0x1005, &[storage, 0]), 0x2001);
    assert_eq!(pc.code(0x9805, &[folder, 0, ALL, 0, 2]), 0xA808);
    assert_eq!(pc.code(0x9805, &[folder, 0, ALL, 0, ALL]), 0xA808);
    assert_eq!(pc.code(0x9805, &[folder, 0, ALL, 0, 1]), 0x2001);
    let good = object_info(0x3000, 1, "x.vcf", "");
    let mut without_nul = good.clone();
    let at = 52 + 1 + 5 * 2;
    without_nul[at] = b'!';
    let mut with_rest = good.clone();
    with_rest.push(0);
    for bad in [&without_nul[..], &with_rest, &good[..good.len() - 1], &good[..30], &[]] {
        assert_eq!(pc.tell(0x100C, &[storage, folder], bad).code, 0xA806);
    }
    assert_eq!(pc.tell(0x100C, &[storage, folder], &good).code, 0x2001);
    assert_eq!(pc.tell(0x100C, &[storage, folder], &object_info(0xBB83, 1, "x.vcf", "")).code, 0x200B);
    assert_eq!(pc.announce(storage, ALL, "root.vcf", 1), Err(0x201D));
    assert_eq!(pc.announce(storage, folder, &"n".repeat(65), 1), Err(0x201D));
    assert_eq!(pc.announce(storage, folder, "zoë.vcf", 1), Err(0x201D));
    assert_eq!(pc.announce(storage, folder, "p1.vcf", 1), Err(0x2002));
    assert_eq!(pc.announce(storage, folder, "P1.VCF", 1), Err(0x2002));
    let file = pc.names(storage, folder)["p1.vcf"];
    assert_eq!(pc.rename(file, "P1.vcf"), 0x2001, "its own name in another case is free");
}

#[test]
fn sizes_are_checked() {
    let lab = Lab::new("strict");
    let (mut pc, storage, folder) = lab.open();
    assert_eq!(pc.tell(0x100D, &[], b"x").code, 0x2015);
    for (bytes, code) in [(&b"ab"[..], 0x2007), (b"abcd", 0x200C), (b"abc", 0x2001)] {
        pc.announce(storage, folder, "x.vcf", 3).unwrap();
        assert_eq!(pc.tell(0x100D, &[], bytes).code, code);
        assert_eq!(lab.bytes("Contacts/x.vcf").is_some(), code == 0x2001);
    }
}

#[test]
fn a_missing_empty_packet_stalls() {
    let lab = Lab::new("strict");
    let (mut pc, storage, folder) = lab.open();
    let bytes = vec![b'x'; 500];
    pc.announce(storage, folder, "x.vcf", bytes.len()).unwrap();
    let sent = |pc: &mut Pc, transaction: u32| {
        pc.send(1, 0x100D, transaction, &[]).unwrap();
        let mut data = 512_u32.to_le_bytes().to_vec();
        data.extend([2, 0, 0x0D, 0x10]);
        data.extend(transaction.to_le_bytes());
        data.extend(&bytes);
        pc.link.bulk_out(&data, 100).unwrap();
    };
    let transaction = pc.next;
    sent(&mut pc, transaction);
    assert_eq!(pc.link.bulk_in(&mut Vec::new(), 512, 100), Err(LinkError::Stalled));
    assert_eq!(pc.link.bulk_out(&[0; 12], 100), Err(LinkError::Stalled));
    pc.link.clear_halt().unwrap();
    // With the empty packet it works.
    pc.next = transaction;
    let handle = pc.announce(storage, folder, "y.vcf", bytes.len()).unwrap();
    let transaction = pc.next;
    sent(&mut pc, transaction);
    pc.link.bulk_out(&[], 100).unwrap();
    assert_eq!(pc.receive().unwrap().1, 0x2001);
    pc.next += 1;
    assert_eq!(pc.read(handle).unwrap(), bytes);
}
