//! The judging of libmtp's answers with a fake that lies as libmtp does, and the same tree on the lab's phones.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use super::tree::{ObjectKind, ObjectReference, ObjectTree, TreeError};
use super::tree_conformance::{Expectation, Lengths, RenameSupport, check_tree};
use super::tree_lab_tests::expectation_of;
use super::tree_libmtp::LibmtpTree;
use super::tree_libmtp_device::{
    LibmtpDevice, RawContent, RawError, RawIdentity, RawObject, RawSent, RawStorage,
};
use super::tree_mtp::MtpTree;
use crate::mtp::SessionOptions;
use crate::provider::{Clock, Completeness, TestClock};
use crate::usb::{Bus, CableQuirks, Ports as _, UsbDevice};

/// The storage of the fake.
const STORAGE: u32 = 0x0001_0001;

/// How the fake fails, one after the other for each listing, read or sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// All is well.
    None,
    /// The listing fails: empty, with an error on the stack.
    ListingFails(u16),
    /// The cable goes in the middle: short, and nothing answers from then on.
    CableGoesAfter(usize),
    /// The listing lacks its last object, and libmtp says nothing.
    ObjectSkipped,
    /// A size could not be learned: 0, with an error on the stack.
    SizeUnknown,
    /// The phone locks itself: empty without an error, and no storages from then on.
    Locks,
    /// The read breaks off half-way and comes back as done, with an error on the stack.
    HalfRead,
    /// The same without an error.
    HalfReadSilently,
    /// The read is longer than the size by this.
    LongRead(usize),
    /// The sending fails after the announcement, and comes back as done.
    SendingFails,
    /// The sending is done, and libmtp cannot learn about the new object at once.
    SentAndUnknown,
}

#[derive(Default)]
struct State {
    objects: BTreeMap<u32, (RawObject, Vec<u8>)>,
    youngest: u32,
    card_format: Option<u16>,
    errors: Vec<RawError>,
    faults: Vec<Fault>,
    is_gone: bool,
    is_locked: bool,
    has_rename: bool,
}

/// A phone as libmtp tells it.
#[derive(Clone)]
struct Fake(Rc<RefCell<State>>);

impl Fake {
    fn new() -> Self {
        Self(Rc::new(RefCell::new(State { has_rename: true, ..State::default() })))
    }

    /// With a folder that has files of 10 bytes.
    fn with_files(count: u32) -> (Self, ObjectReference, LibmtpTree) {
        let fake = Self::new();
        let mut tree = fake.tree();
        let root = tree.storages().unwrap()[0].root.clone();
        let folder = tree.make_folder(&root, "Contacts").unwrap();
        for number in 0..count {
            tree.create(&folder, &format!("{number}.vcf"), b"0123456789").unwrap();
        }
        drop(tree);
        let tree = fake.tree();
        (fake, folder, tree)
    }

    fn tree(&self) -> LibmtpTree {
        LibmtpTree::over(Box::new(self.clone()), (0x1209, 0x0001)).unwrap()
    }

    fn fail(&self, faults: &[Fault]) {
        self.0.borrow_mut().faults = faults.iter().rev().copied().collect();
    }

    fn next_fault(&self) -> Fault {
        self.0.borrow_mut().faults.pop().unwrap_or(Fault::None)
    }

    fn push_error(&self, code: u16) {
        self.0.borrow_mut().errors.push(RawError::from_words(&format!("Error {code:04x}: words")));
    }

    fn answer<T>(&self, good: T) -> Result<T, RawError> {
        if self.0.borrow().is_gone {
            Err(RawError::from_words("Error 02ff: PTP: I/O error"))
        } else {
            Ok(good)
        }
    }

    fn insert(&self, storage: u32, folder: Option<u32>, name: &str, bytes: &[u8], is_folder: bool) -> u32 {
        let mut state = self.0.borrow_mut();
        state.youngest += 1;
        let handle = state.youngest;
        let object = RawObject {
            handle,
            parent: folder.unwrap_or(0),
            storage,
            name: name.to_owned(),
            is_folder,
            size_bytes: u64::try_from(bytes.len()).unwrap(),
            modified_s: 1_700_000_000 + i64::from(handle),
        };
        state.objects.insert(handle, (object, bytes.to_vec()));
        handle
    }
}

impl LibmtpDevice for Fake {
    fn identity(&self) -> RawIdentity {
        RawIdentity { manufacturer: "Fake".to_owned(), ..RawIdentity::default() }
    }

    fn take_error(&mut self) -> Option<RawError> {
        let last = self.0.borrow_mut().errors.pop();
        self.0.borrow_mut().errors.clear();
        last
    }

    fn storages(&mut self) -> Result<Vec<RawStorage>, RawError> {
        let state = self.0.borrow();
        if state.is_gone || state.is_locked {
            return Err(RawError::unexplained());
        }
        let description = "Internal/shared storage".to_owned();
        let volume = String::new();
        Ok(vec![RawStorage { id: STORAGE, description, volume, is_rom: false }])
    }

    fn lists_file_name(&mut self) -> Result<bool, RawError> {
        self.answer(self.0.borrow().has_rename)
    }

    fn list(&mut self, storage: u32, folder: Option<u32>) -> Result<Vec<RawObject>, RawError> {
        let parent = folder.unwrap_or(0);
        let inside =
            |object: &&(RawObject, Vec<u8>)| object.0.parent == parent && object.0.storage == storage;
        let mut objects: Vec<RawObject> =
            self.0.borrow().objects.values().filter(inside).map(|(object, _)| object.clone()).collect();
        if self.0.borrow().is_gone {
            return Ok(Vec::new());
        }
        match self.next_fault() {
            Fault::ListingFails(code) => {
                self.push_error(code);
                objects.clear();
            }
            Fault::CableGoesAfter(count) => {
                self.0.borrow_mut().is_gone = true;
                objects.truncate(count);
            }
            Fault::ObjectSkipped => {
                objects.pop();
            }
            Fault::SizeUnknown => {
                self.push_error(0x2002);
                objects.last_mut().unwrap().size_bytes = 0;
            }
            Fault::Locks => {
                self.0.borrow_mut().is_locked = true;
                objects.clear();
            }
            _ => {}
        }
        Ok(objects)
    }

    fn describe(&mut self, handle: u32) -> Option<RawObject> {
        self.0.borrow().objects.get(&handle).map(|(object, _)| object.clone())
    }

    fn format(&mut self, handle: u32) -> Result<u16, RawError> {
        if self.0.borrow().objects.contains_key(&handle) {
            self.answer(0x3000)
        } else {
            // As libmtp 1.1.20 says it: it does not tell the response.
            Err(RawError::from_words("Error 02fe: PTP Data Expected"))
        }
    }

    fn read(&mut self, handle: u32, limit_bytes: u64) -> Result<RawContent, RawError> {
        let content = self.0.borrow().objects.get(&handle).map(|(_, bytes)| bytes.clone());
        let Some(mut bytes) = content else {
            self.0.borrow_mut().errors.push(RawError::from_words("Could not get object info."));
            return Ok(RawContent { bytes: Vec::new(), is_over_limit: false });
        };
        match self.next_fault() {
            Fault::HalfRead => {
                self.push_error(0x2007);
                bytes.truncate(bytes.len() / 2);
            }
            Fault::HalfReadSilently => bytes.truncate(bytes.len() / 2),
            Fault::LongRead(more) => bytes.extend(vec![b'x'; more]),
            Fault::CableGoesAfter(count) => {
                self.0.borrow_mut().is_gone = true;
                self.push_error(0x02ff);
                bytes.truncate(count);
            }
            _ => {}
        }
        let limit = usize::try_from(limit_bytes).unwrap();
        let is_over_limit = bytes.len() > limit;
        bytes.truncate(limit);
        Ok(RawContent { bytes, is_over_limit })
    }

    fn announce_cards_as(&mut self, format: u16) {
        self.0.borrow_mut().card_format = Some(format);
    }

    fn send(
        &mut self,
        storage: u32,
        folder: Option<u32>,
        name: &str,
        bytes: &[u8],
    ) -> Result<RawSent, RawError> {
        let is_taken = self.0.borrow().objects.values().any(|(object, _)| {
            object.name == name && object.parent == folder.unwrap_or(0) && object.storage == storage
        });
        if is_taken {
            self.push_error(0x2002);
            return Ok(RawSent { handle: 0, taken_bytes: 0 });
        }
        let handle = self.insert(storage, folder, name, bytes, false);
        match self.next_fault() {
            Fault::SendingFails => {
                self.push_error(0x200c);
                Ok(RawSent { handle, taken_bytes: bytes.len() / 2 })
            }
            Fault::SentAndUnknown => {
                self.0.borrow_mut().errors.push(RawError::from_words("Could not retrieve updated metadata."));
                Ok(RawSent { handle, taken_bytes: bytes.len() })
            }
            Fault::CableGoesAfter(count) => {
                self.0.borrow_mut().is_gone = true;
                self.push_error(0x02ff);
                Ok(RawSent { handle, taken_bytes: count })
            }
            _ => Ok(RawSent { handle, taken_bytes: bytes.len() }),
        }
    }

    fn make_folder(&mut self, storage: u32, folder: Option<u32>, name: &str) -> Result<u32, RawError> {
        let handle = self.insert(storage, folder, name, b"", true);
        self.answer(handle)
    }

    fn delete(&mut self, handle: u32) -> Result<(), RawError> {
        self.answer(())?;
        let removed = self.0.borrow_mut().objects.remove(&handle);
        removed.map(|_| ()).ok_or_else(|| RawError::from_words("Error 2009: PTP: Invalid Object Handle"))
    }

    fn rename(&mut self, handle: u32, name: &str) -> Result<(), RawError> {
        self.answer(())?;
        self.0.borrow_mut().objects.get_mut(&handle).unwrap().0.name = name.to_owned();
        Ok(())
    }
}

#[test]
fn the_format_of_cards_is_passed_on() {
    let fake = Fake::new();
    let mut tree = fake.tree();
    tree.announce_cards_as(0xBB82);
    assert_eq!(fake.0.borrow().card_format, Some(0xBB82));
}

#[test]
fn the_tree_over_a_faultless_device_is_as_every_tree() {
    check_tree(&mut Fake::new().tree(), &Expectation::BEST);
    let without_rename = Fake::new();
    without_rename.0.borrow_mut().has_rename = false;
    check_tree(
        &mut without_rename.tree(),
        &Expectation { rename: RenameSupport::Absent, ..Expectation::BEST },
    );
}

#[test]
fn a_failed_listing_is_never_an_empty_folder() {
    for (code, expected) in [
        (0x02ff, "Disconnected"),
        (0x2009, "NotFound"),
        (0x2008, "Locked"),
        (0x2013, "Locked"),
        (0x2019, "Busy"),
        (0x02fe, "Refused"),
        (0x2002, "Refused"),
    ] {
        let (fake, folder, mut tree) = Fake::with_files(3);
        fake.fail(&[Fault::ListingFails(code); 9]);
        let error = tree.list(&folder).unwrap_err();
        assert!(format!("{error:?}").starts_with(expected), "{code:04x}: {error:?}");
        fake.fail(&[Fault::ListingFails(code); 9]);
        assert!(tree.find(&folder, "0.vcf").is_err(), "{code:04x}");
    }
}

#[test]
fn a_listing_that_failed_once_is_asked_again() {
    for fault in [Fault::ListingFails(0x2002), Fault::ObjectSkipped, Fault::SizeUnknown] {
        let (fake, folder, mut tree) = Fake::with_files(3);
        fake.fail(&[fault]);
        let listing = tree.list(&folder).unwrap();
        assert_eq!(listing.completeness, Completeness::Complete, "{fault:?}");
        assert_eq!(listing.entries.len(), 3);
        assert!(listing.entries.iter().all(|entry| entry.size_bytes == 10));
    }
}

#[test]
fn a_listing_cut_by_the_cable_is_an_error_wherever_it_was_cut() {
    for count in 0..=3 {
        for listings_before in 0..2 {
            let (fake, folder, mut tree) = Fake::with_files(3);
            let mut faults = vec![Fault::None; listings_before];
            faults.push(Fault::CableGoesAfter(count));
            fake.fail(&faults);
            let error = tree.list(&folder).unwrap_err();
            assert!(matches!(error, TreeError::Disconnected(_)), "{count} {listings_before}: {error:?}");
        }
    }
}

#[test]
fn a_phone_that_locks_itself_is_locked_and_not_empty() {
    let (fake, folder, mut tree) = Fake::with_files(3);
    fake.fail(&[Fault::Locks]);
    assert!(matches!(tree.list(&folder), Err(TreeError::Locked(_))));
    assert!(matches!(tree.storages(), Err(TreeError::Locked(_))));
}

#[test]
fn listings_that_do_not_agree_or_keep_an_error_are_incomplete() {
    let (fake, folder, mut tree) = Fake::with_files(3);
    fake.fail(&[Fault::ObjectSkipped, Fault::None, Fault::ObjectSkipped, Fault::None]);
    assert!(matches!(tree.list(&folder).unwrap().completeness, Completeness::Incomplete(_)));
    fake.fail(&[Fault::SizeUnknown; 9]);
    assert!(matches!(tree.list(&folder).unwrap().completeness, Completeness::Incomplete(_)));
}

#[test]
fn an_object_that_was_seen_and_still_answers_is_missed() {
    let (fake, folder, mut tree) = Fake::with_files(3);
    assert_eq!(tree.list(&folder).unwrap().entries.len(), 3);
    fake.fail(&[Fault::ObjectSkipped; 9]);
    assert!(matches!(tree.list(&folder).unwrap().completeness, Completeness::Incomplete(_)));
    fake.fail(&[]);
    fake.0.borrow_mut().objects.pop_last();
    let listing = tree.list(&folder).unwrap();
    assert_eq!((listing.entries.len(), listing.completeness), (2, Completeness::Complete), "it is gone");
}

#[test]
fn what_lies_deeper_is_no_part_of_a_root_listing() {
    let (fake, folder, mut tree) = Fake::with_files(2);
    let root = tree.storages().unwrap()[0].root.clone();
    fake.insert(STORAGE, None, "a.txt", b"", false);
    assert_eq!(tree.list(&root).unwrap().entries.len(), 2);
    // A device that lists everything for the root names the true parents.
    let raw: Vec<RawObject> = fake.0.borrow().objects.values().map(|(object, _)| object.clone()).collect();
    assert_eq!(raw.len(), 4);
    assert_eq!(tree.list(&folder).unwrap().entries.len(), 2);
    assert_eq!(super::tree_libmtp::direct_children(raw).len(), 2);
}

#[test]
fn a_read_that_broke_off_is_an_error_although_libmtp_says_it_is_done() {
    let (fake, folder, mut tree) = Fake::with_files(1);
    let file = tree.find(&folder, "0.vcf").unwrap().unwrap();
    for fault in [Fault::HalfRead, Fault::HalfReadSilently] {
        fake.fail(&[fault]);
        let error = tree.read(&file.object, 10, 100).unwrap_err();
        assert!(!error.is_fatal() && !matches!(error, TreeError::NotFound(_)), "{fault:?}: {error:?}");
    }
    assert_eq!(tree.read(&file.object, 10, 100).unwrap(), b"0123456789");
    for count in 0..=10 {
        let (fake, folder, mut tree) = Fake::with_files(1);
        let file = tree.find(&folder, "0.vcf").unwrap().unwrap();
        fake.fail(&[Fault::CableGoesAfter(count)]);
        let error = tree.read(&file.object, 10, 100).unwrap_err();
        assert!(matches!(error, TreeError::Disconnected(_)), "{count}: {error:?}");
    }
}

#[test]
fn a_longer_read_counts_only_if_it_comes_twice() {
    let (fake, folder, mut tree) = Fake::with_files(1);
    let file = tree.find(&folder, "0.vcf").unwrap().unwrap();
    fake.fail(&[Fault::LongRead(5), Fault::LongRead(5)]);
    assert_eq!(tree.read(&file.object, 10, 100).unwrap(), b"0123456789xxxxx");
    fake.fail(&[Fault::LongRead(5), Fault::LongRead(4)]);
    assert!(matches!(tree.read(&file.object, 10, 100), Err(TreeError::Unreadable(_))));
    fake.fail(&[Fault::LongRead(200), Fault::LongRead(200)]);
    assert!(matches!(tree.read(&file.object, 10, 100), Err(TreeError::Unreadable(_))), "over the limit");
    assert!(matches!(tree.read(&file.object, 101, 100), Err(TreeError::Unreadable(_))));
}

#[test]
fn a_sending_that_failed_leaves_nothing_and_is_no_success() {
    let (fake, folder, mut tree) = Fake::with_files(0);
    fake.fail(&[Fault::SendingFails]);
    let error = tree.create(&folder, "a.vcf", b"0123456789").unwrap_err();
    assert!(matches!(&error, TreeError::Refused(why) if why.contains("full")), "{error:?}");
    assert_eq!(tree.list(&folder).unwrap().entries, []);
    fake.fail(&[Fault::CableGoesAfter(5)]);
    let error = tree.create(&folder, "a.vcf", b"0123456789").unwrap_err();
    assert!(error.leaves_doubt(), "{error:?}");
}

#[test]
fn a_file_that_is_known_a_moment_later_was_sent() {
    let (fake, folder, mut tree) = Fake::with_files(1);
    fake.fail(&[Fault::SentAndUnknown, Fault::ObjectSkipped, Fault::None]);
    let object = tree.create(&folder, "a.vcf", b"0123456789").unwrap();
    assert_eq!(tree.read(&object, 10, 100).unwrap(), b"0123456789");
    fake.fail(&[Fault::SentAndUnknown, Fault::ObjectSkipped, Fault::ObjectSkipped, Fault::ObjectSkipped]);
    let faults_left = || fake.0.borrow().faults.len();
    assert!(tree.create(&folder, "b.vcf", b"0123456789").is_ok(), "the fourth listing has it");
    assert_eq!(faults_left(), 0);
    let skipped = [Fault::ObjectSkipped; 9];
    fake.fail(&[[Fault::SentAndUnknown].as_slice(), &skipped].concat());
    assert!(tree.create(&folder, "c.vcf", b"0123456789").is_err());
    assert!(fake.0.borrow().objects.values().all(|(object, _)| object.name != "c.vcf"), "nothing is left");
}

#[test]
fn what_the_phone_removed_is_gone_and_what_it_only_refuses_is_not() {
    let (fake, folder, mut tree) = Fake::with_files(3);
    let listing = tree.list(&folder).unwrap();
    let object = listing.entries[2].object.clone();
    fake.0.borrow_mut().objects.pop_last();
    assert!(matches!(tree.read(&object, 10, 100), Err(TreeError::NotFound(_))));
    let (fake, folder, mut tree) = Fake::with_files(3);
    let object = tree.list(&folder).unwrap().entries[2].object.clone();
    fake.fail(&[Fault::HalfRead]);
    let error = tree.read(&object, 10, 100).unwrap_err();
    assert!(matches!(error, TreeError::Refused(_)), "{error:?}");
}

#[test]
fn after_the_end_nothing_is_asked() {
    let (_, folder, mut tree) = Fake::with_files(1);
    tree.close();
    assert!(matches!(tree.storages(), Err(TreeError::Disconnected(_))));
    assert!(matches!(tree.list(&folder), Err(TreeError::Disconnected(_))));
}

#[test]
fn the_words_of_libmtp_are_sorted() {
    for (words, code) in [
        ("Error 2009: PTP: Invalid Object Handle", Some(0x2009)),
        ("PTP Layer error 02ff: LIBMTP_Get_Storage(): Could not get storage info.", Some(0x02ff)),
        ("Get Storage information failed.", None),
        ("Error of some kind", None),
    ] {
        assert_eq!(RawError::from_words(words).code, code, "{words}");
    }
}

/// Every MTP device that the kernel lists, as bus and address.
fn devices_on_the_bus() -> Vec<(u8, u8)> {
    let number = |folder: &std::path::Path, name: &str| {
        std::fs::read_to_string(folder.join(name)).ok()?.trim().parse::<u8>().ok()
    };
    let folders = std::fs::read_dir("/sys/bus/usb/devices").unwrap().flatten().map(|entry| entry.path());
    folders
        .filter(|folder| {
            std::fs::read_to_string(folder.join("bDeviceClass")).is_ok_and(|class| class != "09\n")
        })
        .filter_map(|folder| Some((number(&folder, "busnum")?, number(&folder, "devnum")?)))
        .collect()
}

fn lab_tree() -> LibmtpTree {
    let (bus, address) = *devices_on_the_bus().first().expect("a phone on the bus");
    LibmtpTree::open(bus, address).unwrap()
}

/// Run in the lab: `lab/run --phone umtp -- TESTS --ignored lab_ --nocapture`.
#[test]
#[ignore = "needs the lab's phone"]
fn lab_conformance_libmtp() {
    let world = crate::cli::World::real();
    let phone = world.variable("lab_phone").expect("the lab says which phone it is").to_str().unwrap();
    let own = expectation_of(phone.split(',').next().unwrap_or_default());
    let mut tree = lab_tree();
    // libmtp cannot be told which lengths not to send, and does not tell a taken name.
    let lengths = if own.lengths == Lengths::NoWhole64 { Lengths::SomeBreakIt } else { own.lengths };
    check_tree(&mut tree, &Expectation { tells_taken_names: false, lengths, ..own });
}

/// What is on the phone: folders, names that are hard to write, and every file read.
#[test]
#[ignore = "needs the lab's phone"]
fn lab_listing_libmtp() {
    let mut tree = lab_tree();
    let storages = tree.storages().unwrap();
    let mut folders = vec![storages[0].root.clone()];
    while let Some(folder) = folders.pop() {
        let listing = tree.list(&folder).unwrap();
        println!("{:?}: {:?}", folder, listing.completeness);
        for entry in listing.entries {
            let read = (entry.kind == ObjectKind::File)
                .then(|| tree.read(&entry.object, entry.size_bytes, 1 << 20).map(|bytes| bytes.len()));
            println!("  {:?} {:?} {:?} {read:?}", entry.name, entry, entry.object);
            if entry.kind == ObjectKind::Folder {
                folders.push(entry.object);
            }
        }
    }
    println!("{:?}", tree.statistics());
}

/// The phone leaves in the middle: no listing may be complete after that, and every request must end in an error.
#[test]
#[ignore = "needs the lab's phone"]
fn lab_unplug_libmtp() {
    let mut tree = lab_tree();
    let root = tree.storages().unwrap()[0].root.clone();
    let file = tree.create(&root, "unplug.vcf", b"0123456789").unwrap();
    assert!(!tree.list(&root).unwrap().entries.is_empty());
    assert!(std::process::Command::new("lab-unplug").status().unwrap().success());
    for answer in [
        tree.list(&root).map(|_| ()),
        tree.find(&root, "none").map(|_| ()),
        tree.storages().map(|_| ()),
        tree.read(&file, 10, 100).map(|_| ()),
        tree.create(&root, "more.vcf", b"more").map(|_| ()),
        tree.delete(&file),
        tree.rename(&file, "other.vcf").map(|_| ()),
    ] {
        println!("{answer:?}");
        assert!(
            matches!(answer, Err(TreeError::Disconnected(_) | TreeError::NotSupported(_))),
            "an unplugged phone is gone"
        );
    }
}

/// What the phone answers where libmtp says least: about an object that is gone, and about one just sent.
#[test]
#[ignore = "needs the lab's phone"]
fn lab_answers_libmtp() {
    let (bus, address) = *devices_on_the_bus().first().expect("a phone on the bus");
    let mut device = super::tree_libmtp_real::RealDevice::open(bus, address).ok().unwrap();
    let storage = device.storages().unwrap()[0].id;
    device.take_error();
    println!("names: {:?}", device.lists_file_name());
    println!("sent: {:?} {:?}", device.send(storage, None, "sent.vcf", b"0123456789"), device.take_error());
    for object in device.list(storage, None).unwrap() {
        println!("listed: {} {} {}", object.handle, object.name, object.size_bytes);
        let described = device.describe(object.handle).map(|again| again.size_bytes);
        println!("described: {described:?} {:?}", device.take_error());
        println!("format: {:?}", device.format(object.handle));
        if object.name == "sent.vcf" {
            println!("deleted: {:?}", device.delete(object.handle));
            let described = device.describe(object.handle).map(|again| again.size_bytes);
            println!("described: {described:?} {:?}", device.take_error());
            println!("format: {:?}", device.format(object.handle));
            println!("deleted: {:?}", device.delete(object.handle));
            println!("read: {:?}", device.read(object.handle, 100).map(|content| content.bytes.len()));
            println!("{:?}", device.take_error());
        }
    }
}

/// Our own MTP and libmtp one after the other, and again, in one process: two builds of libusb, one linked in and one
/// behind libmtp, each with its own state.
#[test]
#[ignore = "needs the lab's phone"]
fn lab_both_transports() {
    let clock: Rc<dyn Clock> = Rc::new(TestClock::at(1_700_000_000_000));
    let bus = Bus::new(Rc::clone(&clock), Box::new(|_| false));
    let device = bus.devices().unwrap().into_iter().find(UsbDevice::is_mtp).unwrap();
    let rusb = || {
        let link = bus.connect(&device, CableQuirks::default()).unwrap();
        let mut tree = MtpTree::open(link, Rc::clone(&clock), &SessionOptions::default()).unwrap();
        let storages = tree.storages().unwrap();
        let count = tree.list(&storages[0].root).unwrap().entries.len();
        tree.close();
        (storages[0].label.clone(), count)
    };
    let libmtp = || {
        let mut tree = LibmtpTree::open(device.bus, device.address).unwrap();
        let storages = tree.storages().unwrap();
        let count = tree.list(&storages[0].root).unwrap().entries.len();
        tree.close();
        (storages[0].label.clone(), count)
    };
    let first = rusb();
    for _ in 0..2 {
        assert_eq!(libmtp(), first);
        assert_eq!(rusb(), first);
    }
    // Held by libmtp, the phone is busy for our own, and the other way round.
    let held = LibmtpTree::open(device.bus, device.address).unwrap();
    assert!(bus.connect(&device, CableQuirks::default()).is_err());
    drop(held);
    let link = bus.connect(&device, CableQuirks::default()).unwrap();
    let error = LibmtpTree::open(device.bus, device.address).unwrap_err();
    println!("{error:?}");
    assert!(matches!(error, TreeError::Busy(_)));
    drop(link);
    assert_eq!(rusb(), first);
}
