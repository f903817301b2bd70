//! Tests of opening, back-off, single operations and closing.

use std::cell::RefCell;
use std::rc::Rc;

use super::code::{operation, property};
use super::dataset_property::PropertyValue;
use super::error::{LockedSign, MtpError};
use super::link::LinkError;
use super::operations::Parent;
use super::scripted::{self, Answer, Log, ScriptedLink, container, data, handles, response};
use super::session::{Session, SessionOptions};
use crate::provider::{Clock, TestClock};

fn open(link: ScriptedLink) -> (Result<Session, MtpError>, Rc<RefCell<Log>>, Rc<TestClock>) {
    let clock = Rc::new(TestClock::at(0));
    let log = link.log();
    let shared: Rc<dyn Clock> = clock.clone();
    (Session::open(Box::new(link), shared, &SessionOptions::default()), log, clock)
}

/// Answers the opening, and everything else with `rest`.
fn responder(
    mut rest: impl FnMut(u16, &[u32], &[u8]) -> Answer + 'static,
) -> impl FnMut(u16, &[u32], &[u8]) -> Answer {
    move |operation, parameters, bytes| match operation {
        0x1002 | 0x1003 => response(0x2001),
        0x1001 => data(scripted::device_info(&[0x1001, 0x9804])),
        _ => rest(operation, parameters, bytes),
    }
}

#[test]
fn a_session_opens_with_two_transactions_and_closes_once() {
    let (session, log, clock) = open(ScriptedLink::new(responder(|_, _, _| response(0x2002))));
    let mut session = session.unwrap();
    assert_eq!(session.device_info().model, "Model");
    assert_eq!(session.serial(), "USB1");
    assert_eq!(session.usb_id(), (0x18D1, 0x4EE1));
    assert!(session.supports(0x9804));
    assert!(session.is_usable());
    session.close().unwrap();
    assert!(!session.is_usable());
    drop(session);
    let commands = log.borrow().commands.clone();
    assert_eq!(commands, [(0x1002, 0, vec![1]), (0x1001, 1, vec![]), (0x1003, 2, vec![])]);
    assert_eq!(clock.now_ms(), 0);
}

#[test]
fn a_dropped_session_is_closed() {
    let (session, log, _) = open(ScriptedLink::new(responder(|_, _, _| response(0x2002))));
    drop(session.unwrap());
    assert_eq!(log.borrow().operations(), [0x1002, 0x1001, 0x1003]);
}

#[test]
fn leftovers_of_an_earlier_session_are_dropped() {
    let leftover = vec![vec![7; 700], container(3, 0x2001, 40, &[])];
    let link = ScriptedLink::new(responder(|_, _, _| response(0x2002))).with_leftover(leftover);
    assert!(open(link).0.is_ok());
}

#[test]
fn stale_containers_before_the_first_answer_are_skipped() {
    let link = ScriptedLink::new(|operation, _, _| match operation {
        0x1002 => Answer::Raw(vec![
            Ok(vec![9; 100]),
            Ok(container(2, 0x1009, 31, &[1; 50])),
            Ok(container(3, 0x2001, 31, &[])),
            Ok(container(3, 0x2001, 0, &[])),
        ]),
        0x1001 => data(scripted::device_info(&[])),
        _ => response(0x2001),
    });
    assert!(open(link).0.is_ok());
}

#[test]
fn a_session_left_open_is_closed_and_opened_again() {
    let mut opened = 0;
    let link = ScriptedLink::new(move |operation, _, _| match operation {
        0x1002 => {
            opened += 1;
            response(if opened == 1 { 0x201E } else { 0x2001 })
        }
        0x1001 => data(scripted::device_info(&[])),
        // Even a refused CloseSession may have helped.
        _ => response(0x2002),
    });
    let (session, log, _) = open(link);
    assert!(session.is_ok());
    assert_eq!(log.borrow().operations(), [0x1002, 0x1003, 0x1002, 0x1001]);
    assert_eq!(log.borrow().resets, 0);
}

#[test]
fn a_mute_responder_is_reset_once() {
    let mut opened = 0;
    let link = ScriptedLink::new(move |operation, _, _| match operation {
        0x1002 => {
            opened += 1;
            if opened == 1 { Answer::Raw(Vec::new()) } else { response(0x2001) }
        }
        0x1001 => data(scripted::device_info(&[])),
        _ => response(0x2001),
    });
    let (session, log, _) = open(link);
    assert!(session.is_ok());
    assert_eq!(log.borrow().resets, 1);

    let (session, log, _) = open(ScriptedLink::new(|_, _, _| Answer::Raw(Vec::new())));
    let timed_out = MtpError::TimedOut { operation: "OpenSession", timeout_ms: 5_000 };
    assert_eq!(session.err(), Some(timed_out));
    assert_eq!((log.borrow().resets, log.borrow().commands.len()), (1, 2));
}

#[test]
fn a_responder_that_the_class_request_does_not_wake_is_reset_by_its_port() {
    let deaf_until_the = |awake_at: u32| {
        let mut opened = 0;
        ScriptedLink::new(move |operation, _, _| match operation {
            0x1002 => {
                opened += 1;
                if opened < awake_at { Answer::Raw(Vec::new()) } else { response(0x2001) }
            }
            0x1001 => data(scripted::device_info(&[])),
            _ => response(0x2001),
        })
    };
    let (session, log, _) = open(deaf_until_the(3).with_port());
    assert!(session.is_ok());
    assert_eq!((log.borrow().resets, log.borrow().port_resets), (1, 1));
    let (session, log, _) = open(deaf_until_the(2).with_port());
    assert!(session.is_ok());
    assert_eq!((log.borrow().resets, log.borrow().port_resets), (1, 0), "only as the last means");
    let (session, log, _) = open(deaf_until_the(9).with_port());
    assert!(matches!(session.err(), Some(MtpError::TimedOut { .. })));
    assert_eq!(log.borrow().port_resets, 1, "once");
}

#[test]
fn a_busy_responder_is_asked_again_for_eleven_seconds() {
    for busy in [1, 3, 7] {
        let mut left = busy;
        let link = ScriptedLink::new(responder(move |_, _, _| {
            left -= 1;
            if left >= 0 { response(0x2019) } else { data(handles(&[0x0001_0001])) }
        }));
        let (session, _, clock) = open(link);
        let mut session = session.unwrap();
        assert_eq!(session.storage_ids().unwrap(), [0x0001_0001]);
        let waited_ms = [0, 100, 300, 700, 1500, 3100, 6300, 11_300][busy as usize];
        assert_eq!(clock.now_ms(), waited_ms);
        let cost = session.statistics().cost_of(operation::GET_STORAGE_IDS);
        assert_eq!((cost.transactions, cost.retries), (busy as u64 + 1, busy as u64));
    }
    let (session, _, clock) = open(ScriptedLink::new(responder(|_, _, _| response(0x2019))));
    assert_eq!(session.unwrap().storage_ids(), Err(MtpError::Busy));
    assert_eq!(clock.now_ms(), 11_300);
    let (session, ..) = open(ScriptedLink::new(|_, _, _| response(0x2019)));
    assert_eq!(session.err(), Some(MtpError::Busy));
}

#[test]
fn a_phone_without_storages_is_locked() {
    for ids in [vec![], vec![0x0001_0000]] {
        let link = ScriptedLink::new(responder(move |_, _, _| data(handles(&ids))));
        let locked = MtpError::Locked(LockedSign::NoStorages);
        assert_eq!(open(link).0.unwrap().storage_ids(), Err(locked));
    }
}

#[test]
fn an_operation_that_answers_2005_is_not_tried_again() {
    let (session, log, _) = open(ScriptedLink::new(responder(|_, _, _| response(0x2005))));
    let mut session = session.unwrap();
    assert!(session.supports(0x9804));
    assert_eq!(session.rename(5, "a.vcf"), Err(MtpError::NotSupported(0x9804)));
    assert!(!session.supports(0x9804));
    assert_eq!(session.rename(5, "a.vcf"), Err(MtpError::NotSupported(0x9804)));
    assert_eq!(log.borrow().operations(), [0x1002, 0x1001, 0x9804]);
}

#[test]
fn objects_of_another_length_are_refused_and_the_session_goes_on() {
    let link = ScriptedLink::new(responder(|_, parameters, _| match parameters[0] {
        1 => data(b"0123456789".to_vec()),
        2 => data(Vec::new()),
        _ => response(0x2009),
    }));
    let mut session = open(link).0.unwrap();
    assert_eq!(session.get_object(1, 10).unwrap(), b"0123456789");
    assert_eq!(session.get_object(2, 0).unwrap(), b"");
    let mismatch =
        |expected_bytes, received_bytes| Err(MtpError::LengthMismatch { expected_bytes, received_bytes });
    assert_eq!(session.get_object(1, 9), mismatch(9, 10));
    assert_eq!(session.get_object(1, 11), mismatch(11, 10));
    assert_eq!(session.get_object(2, 1), mismatch(1, 0));
    assert_eq!(session.get_object(3, 1), Err(MtpError::Gone));
    assert_eq!(session.get_object(1, 10).unwrap(), b"0123456789");
}

#[test]
fn a_file_is_announced_and_sent() {
    let received = Rc::new(RefCell::new(Vec::new()));
    let sink = Rc::clone(&received);
    let link = ScriptedLink::new(responder(move |operation, parameters, bytes| {
        sink.borrow_mut().push((operation, parameters.to_vec(), bytes.to_vec()));
        match operation {
            0x100C => Answer::Reply(None, 0x2001, vec![1, 4, 77]),
            _ => response(0x2001),
        }
    }));
    let mut session = open(link).0.unwrap();
    let handle = session.create_file(1, Parent::Handle(4), "x.vcf", 0x3000, b"hello").unwrap();
    assert_eq!(handle, 77);
    session.set_object_property(77, property::OBJECT_FILE_NAME, &PropertyValue::Text("y".into())).unwrap();
    session.delete_object(77).unwrap();
    let refused = MtpError::AccessDenied(0x100B);
    assert_eq!(session.delete_object(u32::MAX), Err(refused), "never everything");
    assert_eq!(session.rename(77, &"x".repeat(300)), Err(MtpError::TextTooLong(300)));
    let received = received.borrow();
    let info = super::dataset_object::ObjectInfo::decode(&received[0].2).unwrap();
    assert_eq!((info.name.as_str(), info.size_bytes, info.parent), ("x.vcf", 5, 4));
    assert_eq!(received[0].1, [1, 4]);
    assert_eq!(received[1], (0x100D, vec![], b"hello".to_vec()));
    assert_eq!(received[2], (0x9804, vec![77, 0xDC07], vec![2, b'y', 0, 0, 0]));
    assert_eq!(received[3], (0x100B, vec![77, 0], vec![]));
    assert_eq!(received.len(), 4);
}

#[test]
fn send_object_is_never_repeated_alone() {
    let link = ScriptedLink::new(responder(|operation, _, _| match operation {
        0x100C => Answer::Reply(None, 0x2001, vec![1, 4, 77]),
        _ => response(0x2019),
    }));
    let (session, log, _) = open(link);
    let result = session.unwrap().create_file(1, Parent::Root, "x.vcf", 0x3000, b"hello");
    assert_eq!(result, Err(MtpError::Busy));
    assert_eq!(log.borrow().operations(), [0x1002, 0x1001, 0x100C, 0x100D, 0x1003]);
    assert_eq!(log.borrow().commands[2].2, [1, u32::MAX]);
}

#[test]
fn another_holder_is_named() {
    let link = ScriptedLink::new(|_, _, _| Answer::Raw(vec![Err(LinkError::Held("gvfsd-mtp".into()))]));
    assert_eq!(open(link).0.err(), Some(MtpError::Held("gvfsd-mtp".into())));
}

#[test]
fn transaction_ids_skip_the_reserved_ones() {
    let (session, log, _) = open(ScriptedLink::new(responder(|_, _, _| data(handles(&[1])))));
    let mut session = session.unwrap();
    session.set_next_transaction(0xFFFF_FFFE);
    session.storage_ids().unwrap();
    session.storage_ids().unwrap();
    let ids: Vec<u32> = log.borrow().commands.iter().skip(2).map(|(_, id, _)| *id).collect();
    assert_eq!(ids, [0xFFFF_FFFE, 1]);
}
