//! Every kind of fault is seen to fire, and every cut point of a session leaves what the phone leaves.

use std::cell::Cell;
use std::rc::Rc;

use super::initiator::{CARD, Lab, Pc, words};
use crate::mtp::{Link, LinkError};
use crate::sim::{FaultPlan, Personality, SharedTrace, Storage};

const ALL: u32 = 0xFFFF_FFFF;
const NEW: &[u8] = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:New\r\nEND:VCARD\r\n";

/// A session that lists, reads, writes, renames and deletes; stops at the first link error.
fn session(pc: &mut Pc) -> Result<(), LinkError> {
    pc.run(0x1002, &[1], None)?;
    pc.next = 1;
    let storage = words(&pc.run(0x1004, &[], None)?.data)[0];
    let folder = words(&pc.run(0x1007, &[storage, 0, ALL], None)?.data)[0];
    let files = words(&pc.run(0x1007, &[storage, 0, folder], None)?.data);
    pc.run(0x1009, &[files[0]], None)?;
    let info = super::initiator::object_info(0x3000, NEW.len() as u32, "new.vcf", "");
    let handle = pc.run(0x100C, &[storage, folder], Some(&info))?.parameters[2];
    pc.run(0x100D, &[], Some(NEW))?;
    pc.run(0x100B, &[files[1], 0], None)?;
    pc.run(0x9804, &[handle, 0xDC07], Some(&super::initiator::text("p2.vcf")))?;
    pc.run(0x1003, &[], None)?;
    Ok(())
}

fn plan(line: &str) -> FaultPlan {
    line.parse().unwrap()
}

fn recorded(personality: Personality) -> SharedTrace {
    let lab = Lab::with(personality);
    let mut pc = lab.connect();
    session(&mut pc).unwrap();
    pc.link.trace()
}

#[test]
fn every_container_of_a_session_can_be_cut() {
    let total = recorded(Personality::android()).borrow().total_containers();
    assert_eq!(total, 10 * 2 + 4 + 3);
    for number in 1..=total {
        let lab = Lab::new("android");
        let mut pc = lab.connect_with(FaultPlan::cut_at_container(number));
        let trace = pc.link.trace();
        assert_eq!(session(&mut pc), Err(LinkError::Gone), "{number}");
        assert_eq!(trace.borrow().marks, [format!("cut@container:{number}")]);
        assert_eq!(trace.borrow().total_containers(), number - 1);
        assert_eq!(pc.link.interrupt_in(0), Err(LinkError::Gone));
        // Nothing half-written is left, and the phone works again after a replug.
        let new = lab
            .bytes("Contacts/new.vcf")
            .or_else(|| lab.bytes("Contacts/p2.vcf").filter(|bytes| bytes != CARD));
        assert!(new.is_none_or(|bytes| bytes == NEW || bytes.len() == CARD.len()), "{number}");
        let (mut pc, storage, folder) = lab.open();
        assert!(pc.names(storage, folder).len() >= 2);
    }
    let lab = Lab::new("android");
    let mut pc = lab.connect_with(FaultPlan::cut_at_container(total + 1));
    session(&mut pc).unwrap();
    assert!(pc.link.trace().borrow().marks.is_empty());
}

#[test]
fn every_byte_of_a_session_can_be_cut() {
    let (bytes_out, bytes_in) = {
        let trace = recorded(Personality::android());
        let trace = trace.borrow();
        (trace.bytes_out, trace.bytes_in)
    };
    for (direction, total) in [("out", bytes_out), ("in", bytes_in)] {
        for count in 0..total {
            let lab = Lab::new("android");
            let mut pc = lab.connect_with(plan(&format!("cut@byte:{direction}:{count}")));
            assert_eq!(session(&mut pc), Err(LinkError::Gone), "{direction} {count}");
            let trace = pc.link.trace();
            let trace = trace.borrow();
            let moved = if direction == "out" { trace.bytes_out } else { trace.bytes_in };
            assert_eq!((moved, trace.marks.len()), (count, 1));
        }
    }
}

/// What `name` leaves of a 60-byte file of which 20 bytes came.
fn left_over(personality: Personality, path: &str) -> Option<Vec<u8>> {
    let lab = Lab::with(personality);
    let (pc, storage, folder) = lab.open();
    let name = path.rsplit('/').next().unwrap();
    let sent = pc.link.trace().borrow().bytes_out;
    drop(pc);
    let announcement = 12 + 8 + 12 + super::initiator::object_info(0x3000, 60, name, "").len() as u64;
    let plan = plan(&format!("cut@byte:out:{}", sent + announcement + 12 + 12 + 20));
    let mut pc = lab.connect_with(plan);
    pc.open();
    assert_eq!(pc.storages(), [storage]);
    let again = pc.names(storage, ALL)["Contacts"];
    assert_eq!(again, folder);
    pc.announce(storage, folder, name, 60).unwrap();
    assert!(matches!(pc.run(0x100D, &[], Some(&[b'n'; 60])), Err(LinkError::Gone)));
    lab.bytes(path)
}

#[test]
fn a_cut_leaves_what_that_responder_leaves() {
    assert_eq!(left_over(Personality::android(), "Contacts/n.vcf"), None);
    assert_eq!(left_over(Personality::umtp(), "Contacts/n.vcf"), Some(vec![b'n'; 20]));
    let zeros = [vec![b'n'; 20], vec![0; 40]].concat();
    assert_eq!(left_over(Personality::sailfish(), "Contacts/n.vcf"), Some(zeros));
    assert_eq!(left_over(Personality::cmtp(), "Contacts/n.vcf"), None);
    assert_eq!(left_over(Personality::cmtp(), "Contacts/p1.vcf").as_deref(), Some(CARD));
    let kept = [&[b'n'; 20][..], &CARD[20..]].concat();
    assert_eq!(left_over(Personality::qemu(), "Contacts/p1.vcf"), Some(kept));
    assert_eq!(left_over(Personality::ubuntu_touch(), "Contacts/p1.vcf"), Some(vec![b'n'; 20]));
}

#[test]
fn announced_and_not_sent_leaves_what_that_responder_leaves() {
    for (name, left) in [("android", None), ("umtp", Some(vec![])), ("sailfish", Some(vec![0; 9]))] {
        let lab = Lab::new(name);
        let (mut pc, storage, folder) = lab.open();
        pc.announce(storage, folder, "n.vcf", 9).unwrap();
        lab.phone.unplug();
        assert_eq!(lab.bytes("Contacts/n.vcf"), left, "{name}");
    }
}

/// The session's marks and its responses.
fn with_fault(line: &str) -> (Lab, Pc, Result<(), LinkError>) {
    let lab = Lab::new("android");
    let mut pc = lab.connect_with(plan(line));
    let done = session(&mut pc);
    assert_eq!(pc.link.trace().borrow().marks, [line], "{line}");
    (lab, pc, done)
}

#[test]
fn commands_fail_or_are_misreported() {
    let (lab, pc, done) = with_fault("fail:2002@SendObject:1");
    assert!(done.is_ok());
    assert!(pc.link.trace().borrow().responses().contains(&0x2002));
    assert_eq!(lab.bytes("Contacts/new.vcf"), None);
    assert_eq!(lab.bytes("Contacts/p2.vcf"), None, "it was deleted, and there was nothing to rename");
    let (lab, pc, _) = with_fault("misreport:2002@DeleteObject:1");
    assert!(pc.link.trace().borrow().responses().contains(&0x2002));
    assert_eq!(lab.bytes("Contacts/p2.vcf").as_deref(), Some(NEW));
    let (_, pc, _) = with_fault("fail:200f@DeleteObject:1");
    assert!(pc.link.trace().borrow().responses().contains(&0x200F));
}

#[test]
fn busy_lock_and_vanish() {
    let lab = Lab::new("android");
    let mut pc = lab.connect_with(plan("busy@container:3x2"));
    pc.open();
    let codes: Vec<u16> = (0..3).map(|_| pc.code(0x1004, &[])).collect();
    assert_eq!(codes, [0x2019, 0x2019, 0x2001]);
    let mut pc = lab.connect_with(plan("lock@container:6,unlock@container:9"));
    pc.open();
    assert_eq!(pc.storages().len(), 1);
    assert_eq!(pc.storages().len(), 0);
    assert_eq!(pc.storages().len(), 1);
    assert_eq!(pc.link.trace().borrow().marks, ["lock@container:6", "unlock@container:9"]);
    let mut pc = lab.connect_with(plan("vanish@GetObject:2"));
    pc.open();
    let folder = pc.names(0x0001_0001, ALL)["Contacts"];
    let files = pc.names(0x0001_0001, folder);
    assert!(pc.read(files["p1.vcf"]).is_ok());
    assert_eq!(pc.read(files["p1.vcf"]), Err(0x2009));
    assert_eq!(lab.bytes("Contacts/p1.vcf"), None);
}

#[test]
fn delays_are_waited_for_or_time_out() {
    let lab = Lab::new("android");
    let mut pc = lab.connect_with(plan("delay:25000@container:3"));
    pc.open();
    pc.send(1, 0x1004, 1, &[]).unwrap();
    let before = crate::provider::Clock::now_ms(&*lab.clock);
    let mut buffer = Vec::new();
    assert_eq!(pc.link.bulk_in(&mut buffer, 512, 20_000), Err(LinkError::TimedOut(20_000)));
    pc.link.bulk_in(&mut buffer, 512, 20_000).unwrap();
    assert_eq!(crate::provider::Clock::now_ms(&*lab.clock) - before, 25_000);
    let (_, _, done) = with_fault("delay:900@container:5");
    assert!(done.is_ok());
}

#[test]
fn stalls_silences_and_wrong_bytes() {
    let (_, mut pc, done) = with_fault("stall@container:4");
    assert_eq!(done, Err(LinkError::Stalled));
    pc.link.clear_halt().unwrap();
    assert_eq!(pc.receive().unwrap().0, 2);
    let (_, _, done) = with_fault("mute@container:5");
    assert_eq!(done, Err(LinkError::TimedOut(1000)));
    let (lab, _, _) = with_fault("wrong-id@GetObject:1");
    let mut pc =
        lab.connect_with(plan("shorten:1@GetObjectHandles:1,garble@GetObject:1,wrong-id@GetStorageIDs:2"));
    pc.open();
    let storage = pc.storages()[0];
    let id = pc.next;
    pc.send(1, 0x1004, id, &[]).unwrap();
    pc.receive().unwrap();
    assert_eq!(pc.receive().unwrap().2, id + 1);
    pc.next += 1;
    assert_eq!(pc.handles(storage, 0).len(), 1, "of four");
    let folder = pc.names(storage, ALL)["Contacts"];
    let files = pc.names(storage, folder);
    assert_eq!(pc.read(files["p1.vcf"]).unwrap()[0], !b'B');
    let mut pc = lab.connect_with(plan("shorten:13@GetObjectPropList:1"));
    pc.open();
    let folder = pc.names(storage, ALL)["Contacts"];
    let list = pc.ask(0x9805, &[folder, 0, ALL, 0, 1]);
    assert_eq!((list.code, super::initiator::elements(&list.data).len()), (0x2001, 13));
}

#[test]
fn the_phones_own_apps_act_in_the_middle() {
    let lab = Lab::new("android");
    let ran = Rc::new(Cell::new(false));
    let (storage, mark) = (lab.storage.clone(), ran.clone());
    lab.phone.at_container(
        8,
        Box::new(move || {
            storage.borrow_mut().write("Contacts/app.vcf", b"app").unwrap();
            mark.set(true);
        }),
    );
    let (mut pc, storage, _) = lab.open();
    assert!(ran.get());
    let folder = pc.names(storage, ALL)["Contacts"];
    assert!(pc.names(storage, folder).contains_key("app.vcf"));
    let phone = lab.phone.clone();
    lab.phone.at_container(3, Box::new(move || phone.unplug()));
    let mut pc = lab.connect();
    pc.open();
    assert!(matches!(pc.run(0x1004, &[], None), Err(LinkError::Gone)));
}

#[test]
fn a_trace_tells_what_went_over() {
    let lab = Lab::new("android");
    let mut pc = lab.connect();
    let trace = pc.link.trace();
    trace.borrow_mut().keeps_bytes = true;
    session(&mut pc).unwrap();
    let trace = trace.borrow();
    assert_eq!(trace.transactions(), 10);
    assert_eq!(trace.count_of(0x1007), 2);
    assert_eq!(trace.operations()[..3], [0x1002, 0x1004, 0x1007]);
    assert_eq!(trace.responses(), [0x2001; 10]);
    let kept: u64 = trace.entries.iter().map(|entry| entry.bytes.as_ref().unwrap().len() as u64).sum();
    assert_eq!(kept, trace.bytes_in + trace.bytes_out);
    assert!(trace.entries.iter().all(|entry| entry.length == entry.bytes.as_ref().unwrap().len() as u64));
    let printed = format!("{trace}\n{trace:?}");
    assert!(printed.contains("-> command OpenSession (1002) transaction 0 16 bytes"), "{printed}");
    assert!(!printed.contains("VCARD") && !printed.contains("Person"));
}
