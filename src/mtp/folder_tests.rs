//! Tests of listings and look-ups against a scripted phone with every known way to get a property list wrong.

use std::cell::RefCell;
use std::rc::Rc;

use proptest::prelude::*;

use super::code::{format, property};
use super::dataset::Writer;
use super::dataset_object::ObjectInfo;
use super::dataset_property::PropertyValue;
use super::error::{LockedSign, MtpError};
use super::folder::{DateSource, ListingMethod};
use super::operations::Parent;
use super::scripted::{self, Answer, Log, ScriptedLink, data, handles, response};
use super::session::{Session, SessionOptions};
use crate::provider::TestClock;

const STORAGE: u32 = 0x0001_0001;

#[derive(Clone)]
struct File {
    handle: u32,
    parent: u32,
    storage: u32,
    name: String,
    size: u64,
    is_folder: bool,
}

/// How the phone gets its property list wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    None,
    /// As Android: the folder itself is in the list too.
    WithFolder,
    /// As Ubuntu Touch: announces half of what it sends.
    CountTooSmall,
    CountTooLarge,
    /// As uMTP: describes the folder only.
    FolderOnly,
    Missing(u16),
    ObjectMissing,
    ObjectTwice,
    ForeignObject,
    Truncated,
    WrongParent,
    WrongType(u16),
    /// As Ubuntu Touch; harmless.
    SizeAsU32,
    Code(u16),
    Stall,
    Mute,
    Unplugged,
}

struct Phone {
    files: Vec<File>,
    fault: Fault,
    root_is_all: bool,
    root_refuses_ones: bool,
    /// Handles that vanish between the handle list and ObjectInfo.
    vanished: Vec<u32>,
    refused: Vec<u32>,
    /// Appears after the first handle list of folder 4.
    late: Option<File>,
    listings: usize,
}

impl Phone {
    fn new(count: u32) -> Self {
        let mut files = vec![
            File { handle: 3, parent: 0, storage: STORAGE, name: "Music".into(), size: 0, is_folder: true },
            File {
                handle: 4,
                parent: 0,
                storage: STORAGE,
                name: "Contacts".into(),
                size: 0,
                is_folder: true,
            },
        ];
        files.extend((0..count).map(|index| file(10 + index)));
        Self {
            files,
            fault: Fault::None,
            root_is_all: false,
            root_refuses_ones: false,
            vanished: Vec::new(),
            refused: Vec::new(),
            late: None,
            listings: 0,
        }
    }

    fn find(&self, handle: u32) -> Option<&File> {
        self.files.iter().find(|file| file.handle == handle)
    }

    fn answer(&mut self, operation: u16, parameters: &[u32]) -> Answer {
        match operation {
            0x1001 => data(scripted::device_info(&[0x1001, 0x9805])),
            0x1002 | 0x1003 => response(0x2001),
            0x1004 => data(handles(&[STORAGE])),
            0x1005 => data(scripted::storage_info()),
            0x1007 => self.answer_handles(parameters),
            0x1008 => self.answer_info(parameters[0]),
            0x1009 => data(vec![7; self.find(parameters[0]).unwrap().size as usize]),
            0x9805 => self.answer_list(parameters),
            _ => response(0x2005),
        }
    }

    fn answer_handles(&mut self, parameters: &[u32]) -> Answer {
        let parent = parameters[2];
        if parent == u32::MAX && self.root_refuses_ones {
            return response(0x201A);
        }
        let is_all = self.root_is_all && (parent == 0 || parent == u32::MAX);
        let parent = if parent == u32::MAX { 0 } else { parent };
        if parent != 0 && self.find(parent).is_none() {
            return response(0x2009);
        }
        let inside = self
            .files
            .iter()
            .filter(|file| file.storage == parameters[0] && (is_all || file.parent == parent))
            .map(|file| file.handle);
        let answer = data(handles(&inside.collect::<Vec<_>>()));
        self.listings += 1;
        self.files.extend(self.late.take());
        answer
    }

    fn answer_info(&self, handle: u32) -> Answer {
        let Some(file) = self.find(handle).filter(|_| !self.vanished.contains(&handle)) else {
            return response(0x2009);
        };
        if self.refused.contains(&handle) {
            return response(0x2002);
        }
        let info = ObjectInfo {
            storage: file.storage,
            format: if file.is_folder { format::ASSOCIATION } else { format::UNDEFINED },
            size_bytes: file.size,
            parent: file.parent,
            name: file.name.clone(),
            modified: date(file),
            ..ObjectInfo::default()
        };
        data(info.encode().unwrap())
    }

    fn answer_list(&self, parameters: &[u32]) -> Answer {
        assert_eq!(parameters[1..4], [0, u32::MAX, 0]);
        let (handle, depth) = (parameters[0], parameters[4]);
        match self.fault {
            Fault::Code(code) => return response(code),
            Fault::Stall => {
                return Answer::Raw(vec![Err(super::link::LinkError::Stalled)]);
            }
            Fault::Mute => return Answer::Raw(Vec::new()),
            Fault::Unplugged => return Answer::Raw(vec![Err(super::link::LinkError::Gone)]),
            _ => {}
        }
        let mut described: Vec<File> = match (depth, self.fault) {
            (0, _) | (_, Fault::FolderOnly) => {
                self.files.iter().filter(|file| file.handle == handle).cloned().collect()
            }
            _ => self
                .files
                .iter()
                .filter(|file| {
                    file.parent == handle || (self.fault == Fault::WithFolder && file.handle == handle)
                })
                .cloned()
                .collect(),
        };
        match self.fault {
            Fault::ObjectMissing => {
                described.pop();
            }
            Fault::ObjectTwice => described.extend(described.last().cloned()),
            Fault::ForeignObject => described.push(File { parent: handle, ..file(999) }),
            Fault::WrongParent => described.iter_mut().for_each(|file| file.parent += 1),
            _ => {}
        }
        data(self.encode_list(&described))
    }

    fn encode_list(&self, described: &[File]) -> Vec<u8> {
        let mut writer = Writer::default();
        let mut count = 0;
        for file in described {
            let size = match self.fault {
                Fault::SizeAsU32 => PropertyValue::U32(file.size as u32),
                _ => PropertyValue::U64(file.size),
            };
            for (code, value) in [
                (property::STORAGE_ID, PropertyValue::U32(file.storage)),
                (
                    property::OBJECT_FORMAT,
                    PropertyValue::U16(if file.is_folder { format::ASSOCIATION } else { format::UNDEFINED }),
                ),
                (property::PROTECTION_STATUS, PropertyValue::U16(0)),
                (property::OBJECT_SIZE, size),
                (property::OBJECT_FILE_NAME, PropertyValue::Text(file.name.clone())),
                (property::DATE_MODIFIED, PropertyValue::Text(date(file))),
                (property::PARENT_OBJECT, PropertyValue::U32(file.parent)),
                (property::PERSISTENT_UNIQUE_OBJECT_IDENTIFIER, PropertyValue::U128(u128::from(file.handle))),
                (property::NAME, PropertyValue::Text(file.name.clone())),
            ] {
                if self.fault == Fault::Missing(code) {
                    continue;
                }
                let value = if self.fault == Fault::WrongType(code) { PropertyValue::U8(1) } else { value };
                writer.u32(file.handle);
                writer.u16(code);
                writer.u16(value.data_type());
                writer.raw(&value.encode().unwrap());
                count += 1;
            }
        }
        let mut bytes = u32::to_le_bytes(match self.fault {
            Fault::CountTooSmall => count / 2,
            Fault::CountTooLarge => count * 2,
            _ => count,
        })
        .to_vec();
        bytes.extend(writer.finish());
        if self.fault == Fault::Truncated {
            bytes.truncate(bytes.len() - 3);
        }
        bytes
    }
}

fn file(handle: u32) -> File {
    let name = format!("contact-{handle}.vcf");
    File { handle, parent: 4, storage: STORAGE, name, size: 50 + u64::from(handle), is_folder: false }
}

fn date(file: &File) -> String {
    format!("20260102T0304{:02}", file.handle % 60)
}

fn open_with(phone: Phone, method: ListingMethod) -> (Session, Rc<RefCell<Log>>, Rc<RefCell<Phone>>) {
    let phone = Rc::new(RefCell::new(phone));
    let shared = Rc::clone(&phone);
    let link =
        ScriptedLink::new(move |operation, parameters, _| shared.borrow_mut().answer(operation, parameters));
    let log = link.log();
    let options = SessionOptions { listing_method: method, ..SessionOptions::default() };
    let mut session = Session::open(Box::new(link), Rc::new(TestClock::at(0)), &options).unwrap();
    session.storage_ids().unwrap();
    log.borrow_mut().commands.clear();
    (session, log, phone)
}

fn open(phone: Phone) -> (Session, Rc<RefCell<Log>>, Rc<RefCell<Phone>>) {
    open_with(phone, ListingMethod::Untried)
}

const CONTACTS: Parent = Parent::Handle(4);

#[test]
fn a_session_with_nothing_to_do_has_nine_transactions() {
    let phone = Rc::new(RefCell::new(Phone::new(500)));
    let shared = Rc::clone(&phone);
    let link =
        ScriptedLink::new(move |operation, parameters, _| shared.borrow_mut().answer(operation, parameters));
    let log = link.log();
    let options = SessionOptions::default();
    let mut session = Session::open(Box::new(link), Rc::new(TestClock::at(0)), &options).unwrap();
    let storages = session.storage_ids().unwrap();
    assert_eq!(session.storage_info(storages[0]).unwrap().volume, "VOL1");
    let folder = session.find_child(storages[0], Parent::Root, "Contacts").unwrap().unwrap();
    assert!(folder.is_folder());
    let listing = session.list_folder(storages[0], Parent::Handle(folder.handle)).unwrap();
    assert_eq!(listing.objects.len(), 500);
    let marker = &listing.objects[0];
    session.get_object(marker.handle, marker.size_bytes).unwrap();
    session.close().unwrap();
    let expected = [0x1002, 0x1001, 0x1004, 0x1005, 0x9805, 0x1007, 0x9805, 0x1009, 0x1003];
    assert_eq!(log.borrow().operations(), expected);
    assert_eq!(session.statistics().total().transactions, 9);
    assert_eq!(session.listing_method(), ListingMethod::PropertyList);
}

#[test]
fn a_good_property_list_is_believed() {
    for fault in [Fault::None, Fault::WithFolder, Fault::SizeAsU32] {
        let mut phone = Phone::new(3);
        phone.fault = fault;
        let (mut session, log, _) = open(phone);
        let listing = session.list_folder(STORAGE, CONTACTS).unwrap();
        assert!(listing.is_complete());
        assert_eq!(listing.date_source, DateSource::DateModifiedProperty);
        let seen: Vec<_> =
            listing.objects.iter().map(|o| (o.handle, o.size_bytes, o.name.as_str())).collect();
        assert_eq!(
            seen,
            [(10, 60, "contact-10.vcf"), (11, 61, "contact-11.vcf"), (12, 62, "contact-12.vcf")]
        );
        assert_eq!(listing.objects[0].modified.as_deref(), Some("20260102T030410"));
        assert_eq!(log.borrow().operations(), [0x1007, 0x9805]);
    }
}

#[test]
fn every_broken_property_list_gives_the_same_objects_by_object_info() {
    let (mut session, ..) = open(Phone::new(3));
    let expected = session.list_folder(STORAGE, CONTACTS).unwrap().objects;
    for fault in [
        Fault::CountTooSmall,
        Fault::CountTooLarge,
        Fault::FolderOnly,
        Fault::Missing(property::OBJECT_FILE_NAME),
        Fault::Missing(property::OBJECT_SIZE),
        Fault::Missing(property::PARENT_OBJECT),
        Fault::Missing(property::OBJECT_FORMAT),
        Fault::ObjectMissing,
        Fault::ObjectTwice,
        Fault::ForeignObject,
        Fault::Truncated,
        Fault::WrongParent,
        Fault::WrongType(property::OBJECT_SIZE),
        Fault::WrongType(property::OBJECT_FILE_NAME),
        Fault::WrongType(property::DATE_MODIFIED),
        Fault::Code(0x2005),
        Fault::Code(0x2006),
        Fault::Code(0x2002),
        Fault::Code(0x2014),
        Fault::Code(0xA807),
        Fault::Code(0xA808),
        Fault::Stall,
    ] {
        let mut phone = Phone::new(3);
        phone.fault = fault;
        let (mut session, log, _) = open(phone);
        let listing = session.list_folder(STORAGE, CONTACTS).unwrap();
        assert_eq!(listing.objects, expected, "{fault:?}");
        assert!(listing.is_complete());
        assert_eq!(listing.date_source, DateSource::ObjectInfo);
        assert_eq!(session.listing_method(), ListingMethod::ObjectInfo, "{fault:?}");
        log.borrow_mut().commands.clear();
        session.list_folder(STORAGE, CONTACTS).unwrap();
        assert_eq!(log.borrow().operations(), [0x1007, 0x1008, 0x1008, 0x1008], "remembered after {fault:?}");
    }
}

#[test]
fn a_remembered_method_is_used_at_once() {
    let (mut session, log, _) = open_with(Phone::new(2), ListingMethod::ObjectInfo);
    session.list_folder(STORAGE, CONTACTS).unwrap();
    assert_eq!(log.borrow().operations(), [0x1007, 0x1008, 0x1008]);
    for method in [ListingMethod::Untried, ListingMethod::PropertyList, ListingMethod::ObjectInfo] {
        assert_eq!(ListingMethod::from_word(method.as_str()), method);
    }
}

#[test]
fn a_property_list_that_hangs_the_phone_is_remembered() {
    let mut phone = Phone::new(2);
    phone.fault = Fault::Mute;
    let (mut session, ..) = open(phone);
    assert!(matches!(session.list_folder(STORAGE, CONTACTS), Err(MtpError::TimedOut { .. })));
    assert_eq!(session.listing_method(), ListingMethod::ObjectInfo);

    let mut phone = Phone::new(2);
    phone.fault = Fault::Unplugged;
    let (mut session, ..) = open(phone);
    assert_eq!(session.list_folder(STORAGE, CONTACTS), Err(MtpError::Disconnected));
    assert_eq!(session.listing_method(), ListingMethod::Untried, "a pulled cable proves nothing");
}

#[test]
fn a_file_that_appears_between_the_two_requests_is_no_defect() {
    let mut phone = Phone::new(2);
    phone.late = Some(file(50));
    let (mut session, log, _) = open(phone);
    let listing = session.list_folder(STORAGE, CONTACTS).unwrap();
    assert_eq!(listing.objects.len(), 3);
    assert_eq!(session.listing_method(), ListingMethod::PropertyList);
    assert_eq!(log.borrow().operations(), [0x1007, 0x9805, 0x1007]);
}

#[test]
fn a_file_that_vanishes_makes_the_listing_incomplete() {
    let mut phone = Phone::new(3);
    phone.vanished = vec![11];
    let (mut session, ..) = open_with(phone, ListingMethod::ObjectInfo);
    let listing = session.list_folder(STORAGE, CONTACTS).unwrap();
    assert_eq!((listing.objects.len(), listing.undescribed, listing.is_complete()), (2, 1, false));

    let mut phone = Phone::new(3);
    phone.refused = vec![11];
    let (mut session, ..) = open_with(phone, ListingMethod::ObjectInfo);
    assert!(!session.list_folder(STORAGE, CONTACTS).unwrap().is_complete());

    let mut phone = Phone::new(3);
    phone.refused = vec![10, 11, 12];
    let (mut session, ..) = open_with(phone, ListingMethod::ObjectInfo);
    let refused = MtpError::Response { operation: 0x1008, code: 0x2002 };
    assert_eq!(session.list_folder(STORAGE, CONTACTS), Err(refused));
}

#[test]
fn a_missing_folder_or_a_locked_phone_is_never_an_empty_listing() {
    let (mut session, ..) = open(Phone::new(2));
    assert_eq!(session.list_folder(STORAGE, Parent::Handle(77)), Err(MtpError::Gone));
    let mut phone = Phone::new(2);
    phone.fault = Fault::Code(0x2013);
    let (mut session, ..) = open(phone);
    let locked = MtpError::Locked(LockedSign::StorageUnavailable);
    assert_eq!(session.list_folder(STORAGE, CONTACTS), Err(locked));
    let (mut session, ..) = open(Phone::new(0));
    assert_eq!(session.list_folder(STORAGE, CONTACTS).unwrap().objects, []);
}

#[test]
fn the_root_level_is_the_same_however_the_phone_lists_it() {
    for (root_is_all, root_refuses_ones) in [(false, false), (true, false), (false, true), (true, true)] {
        for method in [ListingMethod::Untried, ListingMethod::ObjectInfo] {
            let mut phone = Phone::new(3);
            phone.root_is_all = root_is_all;
            phone.root_refuses_ones = root_refuses_ones;
            let (mut session, ..) = open_with(phone, method);
            let listing = session.list_folder(STORAGE, Parent::Root).unwrap();
            let names: Vec<_> = listing.objects.iter().map(|object| object.name.as_str()).collect();
            assert_eq!(names, ["Music", "Contacts"], "all {root_is_all}, refuses {root_refuses_ones}");
            assert!(listing.is_complete());
        }
    }
}

#[test]
fn objects_of_other_storages_are_left_out_of_the_root_level() {
    let mut phone = Phone::new(0);
    phone.files[1].storage = 0x0002_0001;
    let (mut session, ..) = open(phone);
    let names = |session: &mut Session, storage| -> Vec<String> {
        let listing = session.list_folder(storage, Parent::Root).unwrap();
        listing.objects.into_iter().map(|object| object.name).collect()
    };
    assert_eq!(names(&mut session, STORAGE), ["Music"]);
    assert_eq!(names(&mut session, 0x0002_0001), ["Contacts"]);
    assert_eq!(session.find_child(STORAGE, Parent::Root, "Contacts").unwrap(), None);
    assert_eq!(session.find_child(0x0002_0001, Parent::Root, "Contacts").unwrap().unwrap().handle, 4);
}

#[test]
fn a_child_is_found_or_truly_absent_with_every_fault() {
    for fault in [
        Fault::None,
        Fault::WithFolder,
        Fault::CountTooSmall,
        Fault::FolderOnly,
        Fault::ObjectMissing,
        Fault::Missing(property::OBJECT_FILE_NAME),
        Fault::Missing(property::STORAGE_ID),
        Fault::Code(0x2005),
        Fault::Code(0xA808),
    ] {
        let mut phone = Phone::new(3);
        phone.fault = fault;
        let (mut session, ..) = open(phone);
        let mut find = |parent, name| session.find_child(STORAGE, parent, name).unwrap().map(|o| o.handle);
        assert_eq!(find(Parent::Root, "Contacts"), Some(4), "{fault:?}");
        assert_eq!(find(CONTACTS, "contact-12.vcf"), Some(12), "{fault:?}");
        assert_eq!(find(Parent::Root, "contact-12.vcf"), None, "{fault:?}");
        assert_eq!(find(Parent::Root, "Absent"), None, "{fault:?}");
    }
}

#[test]
fn absence_is_not_said_when_something_could_not_be_read() {
    let mut phone = Phone::new(0);
    phone.refused = vec![4];
    let (mut session, ..) = open_with(phone, ListingMethod::ObjectInfo);
    assert!(session.find_child(STORAGE, Parent::Root, "Contacts").is_err());
    assert_eq!(session.find_child(STORAGE, Parent::Root, "Music").unwrap().unwrap().handle, 3);
}

#[test]
fn one_object_is_read_in_one_transaction() {
    for (fault, method, source, cost) in [
        (Fault::None, ListingMethod::PropertyList, DateSource::DateModifiedProperty, vec![0x9805]),
        (Fault::None, ListingMethod::ObjectInfo, DateSource::ObjectInfo, vec![0x1008]),
        (Fault::Code(0xA808), ListingMethod::PropertyList, DateSource::ObjectInfo, vec![0x9805, 0x1008]),
        (Fault::Truncated, ListingMethod::PropertyList, DateSource::ObjectInfo, vec![0x9805, 0x1008]),
    ] {
        let mut phone = Phone::new(3);
        phone.fault = fault;
        let (mut session, log, _) = open_with(phone, method);
        let stat = session.stat(11).unwrap();
        assert_eq!((stat.object.name.as_str(), stat.object.size_bytes), ("contact-11.vcf", 61));
        assert_eq!(stat.date_source, source);
        assert_eq!(log.borrow().operations(), cost);
        assert_eq!(session.stat(99), Err(MtpError::Gone));
    }
}

#[test]
fn a_cable_pulled_at_any_step_is_an_error_and_never_a_shorter_listing() {
    let mut step = 0;
    loop {
        let mut phone = Phone::new(4);
        phone.fault = if step % 2 == 0 { Fault::None } else { Fault::Truncated };
        let phone = RefCell::new(phone);
        let mut link = ScriptedLink::new(move |operation, parameters, _| {
            phone.borrow_mut().answer(operation, parameters)
        });
        link.gone_at = Some(step / 2);
        let log = link.log();
        let run = || -> Result<usize, MtpError> {
            let options = SessionOptions::default();
            let mut session = Session::open(Box::new(link), Rc::new(TestClock::at(0)), &options)?;
            let storage = session.storage_ids()?[0];
            let folder = session.find_child(storage, Parent::Root, "Contacts")?.unwrap();
            let listing = session.list_folder(storage, Parent::Handle(folder.handle))?;
            assert!(listing.is_complete());
            session.get_object(10, 60)?;
            session.close()?;
            Ok(listing.objects.len())
        };
        let result = run();
        let was_reached = log.borrow().steps > step / 2;
        assert_eq!(result, if was_reached { Err(MtpError::Disconnected) } else { Ok(4) }, "step {step}");
        if !was_reached && step % 2 == 1 {
            break;
        }
        step += 1;
    }
    assert!(step > 40);
}

proptest! {
    /// A property list with any bytes changed is either believed with the true handles, or replaced by ObjectInfo.
    #[test]
    fn a_damaged_property_list_never_loses_an_object(
        damage in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6), cut in 0usize..2000,
    ) {
        let mut phone = Phone::new(5);
        let whole = phone.files.iter().filter(|file| file.parent == 4).cloned().collect::<Vec<_>>();
        let mut bytes = phone.encode_list(&whole);
        let length = bytes.len();
        for (place, value) in damage {
            bytes[place % length] = value;
        }
        bytes.truncate(length.min(cut + 300));
        let link = ScriptedLink::new(move |operation, parameters, _| match operation {
            0x9805 => data(bytes.clone()),
            _ => phone.answer(operation, parameters),
        });
        let options = SessionOptions::default();
        let mut session = Session::open(Box::new(link), Rc::new(TestClock::at(0)), &options).unwrap();
        let listing = session.list_folder(STORAGE, CONTACTS).unwrap();
        let found: Vec<u32> = listing.objects.iter().map(|object| object.handle).collect();
        prop_assert_eq!(found, vec![10, 11, 12, 13, 14]);
        prop_assert!(listing.is_complete());
    }
}

#[test]
#[ignore = "a measurement for release builds"]
#[expect(clippy::disallowed_methods, reason = "a measurement needs the real clock")]
fn ten_thousand_objects_are_listed_fast() {
    let phone = Phone::new(10_000);
    let whole: Vec<File> = phone.files.iter().filter(|file| file.parent == 4).cloned().collect();
    let bytes = phone.encode_list(&whole);
    let list = handles(&whole.iter().map(|file| file.handle).collect::<Vec<_>>());
    let mut phone = phone;
    let link = ScriptedLink::new(move |operation, parameters, _| match operation {
        0x9805 => data(bytes.clone()),
        0x1007 => data(list.clone()),
        _ => phone.answer(operation, parameters),
    });
    let options = SessionOptions::default();
    let mut session = Session::open(Box::new(link), Rc::new(TestClock::at(0)), &options).unwrap();
    let mut best_us = u128::MAX;
    for _ in 0..10 {
        let start = std::time::Instant::now();
        let listing = session.list_folder(STORAGE, CONTACTS).unwrap();
        best_us = best_us.min(start.elapsed().as_micros());
        assert_eq!(listing.objects.len(), 10_000);
    }
    println!("{best_us} us");
    assert!(best_us < 10_000);
}
