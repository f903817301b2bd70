//! The simulated phone before a stranger: gphoto2, whose packing code is libmtp's too, reads the phone's datasets over
//! PTP/IP and says what it understood, and what it sends is looked for on the phone.
//!
//! It must not read a container itself. gphoto2 is needed; a test without it fails, it does not skip.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a test may stop at the first surprise"
)]

mod gphoto2;
mod ptp_ip;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::rc::Rc;

use gphoto2::{Asks, Said};
use tetherbook::mtp::code::{device_property, operation, property, response};
use tetherbook::provider::{Clock, TestClock};
use tetherbook::sim::wire::HEADER_BYTES;
use tetherbook::sim::{
    AllStorages, Dates, DirectoryStorage, FaultPlan, MemoryStorage, Personality, Phone, Rename,
    SharedStorage, Storage,
};

/// 2027-01-15 08:00:00 UTC; the phone's time.
const NOW_S: i64 = 1_800_000_000;
/// 2023-11-14 22:13:20 UTC; the time of an older file.
const EARLIER_S: i64 = 1_700_000_000;
/// Sizes at which containers fill packets of 64 and of 512 bytes, and on either side of it.
const SIZES: [usize; 9] = [0, 1, 51, 52, 53, 499, 500, 501, 70_000];

/// A phone, and a folder for gphoto2 to work in.
struct Desk {
    phone: Phone,
    storage: Rc<RefCell<MemoryStorage>>,
    folder: tempfile::TempDir,
}

impl Desk {
    /// A phone of that personality with an empty folder Contacts.
    fn new(name: &str) -> Self {
        let clock: Rc<dyn Clock> = Rc::new(TestClock::at(NOW_S * 1000));
        let storage = MemoryStorage::shared(Rc::clone(&clock));
        storage.borrow_mut().make_folder("Contacts").unwrap();
        let shared: SharedStorage = storage.clone();
        let phone = Phone::new(personality(name), shared, clock);
        Self { phone, storage, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn run(&self, asks: Asks, arguments: &[&str]) -> Said {
        gphoto2::run(self.phone.take_over(FaultPlan::none()), self.path(), asks, arguments)
    }

    /// The same, in the folder Contacts; it must succeed.
    fn does(&self, asks: Asks, arguments: &[&str]) -> Said {
        let folder = format!("{}/Contacts", self.store());
        let said = self.run(asks, &[&["--folder", &folder], arguments].concat());
        assert!(said.is_success, "{} {arguments:?}: {said:#?}", self.phone.personality().name);
        said
    }

    /// The storage as gphoto2 names it.
    fn store(&self) -> String {
        format!("/store_{:08x}", self.phone.personality().first_storage_id)
    }

    fn put(&self, name: &str, bytes: &[u8]) {
        self.storage.borrow_mut().write(&format!("Contacts/{name}"), bytes).unwrap();
    }

    fn on_phone(&self, name: &str) -> Option<Vec<u8>> {
        self.storage.borrow().read(&format!("Contacts/{name}")).ok()
    }

    /// Name, size and date of every file, as gphoto2 lists them.
    fn listed(&self, asks: Asks) -> BTreeMap<String, (u64, i64)> {
        let said = self.does(asks, &["--parsable", "--list-files"]);
        let prefix = format!("FILENAME='{}/Contacts/", self.store());
        let one = |line: &str| {
            let (name, rest) = line.strip_prefix(&prefix)?.split_once("' ")?;
            let size = rest.split_once("FILESIZE=")?.1.trim_start().split(' ').next()?;
            let date = rest.split_once("FILEMTIME=")?.1;
            Some((name.to_owned(), (size.parse().ok()?, date.parse().ok()?)))
        };
        said.text.lines().map(|line| one(line).unwrap_or_else(|| panic!("{line}"))).collect()
    }
}

fn personality(name: &str) -> Personality {
    let personality = Personality::by_name(name).unwrap();
    // gphoto2 begins with the one question that makes this phone mute.
    let all_storages = match personality.all_storages {
        AllStorages::RefusedThenMute => AllStorages::Refused,
        other => other,
    };
    Personality { all_storages, ..personality }
}

/// A date that the phone has, as gphoto2 shows it: it takes the text for the PC's own time, UTC here, whatever
/// follows the seconds.
fn shown_s(personality: &Personality, seconds: i64) -> i64 {
    match personality.dates {
        Dates::OneSecondLocal | Dates::WithOffset => seconds + i64::from(personality.utc_offset_minutes) * 60,
        Dates::UtcNoSuffix => seconds,
        Dates::Missing => 0,
        ref other => panic!("no named phone has {other:?}"),
    }
}

/// Bytes that are not text, and differ at every offset that matters.
fn bytes(size: usize) -> Vec<u8> {
    (0..size).map(|at| u8::try_from(at * 31 % 251).unwrap()).collect()
}

#[test]
fn gphoto2_reads_the_device_its_properties_and_its_storage() {
    for name in Personality::names() {
        let desk = Desk::new(name);
        desk.phone.set_free_bytes(Some(5_000_000_512));
        let phone = desk.phone.personality();
        let summary = desk.run(Asks::Infos, &["--summary"]).text;
        let device = format!(
            "Manufacturer: {}\nModel: {}\n  Version: {}\n  Serial Number: {}\nVendor Extension ID: 0x6 (1.0)\n\
             Vendor Extension Description: {}\n",
            phone.manufacturer, phone.model, phone.device_version, phone.serial, phone.vendor_extension
        );
        let storage = format!(
            "{}:\n\tStorageDescription: {}\n\tVolumeLabel: {}\n\tStorage Type: Builtin RAM\n\
             \tFilesystemtype: Generic Hierarchical\n\tAccess Capability: Read-Write\n\
             \tMaximum Capability: 68719476736 (65536 MB)\n\tFree Space (Bytes): 5000000512 (4768 MB)\n\
             \tFree Space (Images): 1073741824\n",
            &desk.store()[1..],
            phone.storage_label,
            phone.volume_id
        );
        for part in [device, storage] {
            assert!(summary.contains(&part), "{name}: {part} is not in {summary}");
        }
        for format in &phone.formats {
            if !phone.lists_operation(operation::GET_OBJECT_PROPS_SUPPORTED) {
                break;
            }
            let prefix = format!("/{format:04x}: ");
            let line = summary.lines().find_map(|line| line.split_once(&prefix)).unwrap().1;
            let codes = line.split_ascii_whitespace().map(|word| &word[..4]);
            let expected: Vec<String> = phone.properties.iter().map(|code| format!("{code:04x}")).collect();
            assert_eq!(codes.collect::<Vec<_>>(), expected, "{name} {format:04x}");
        }
        for (code, line) in [
            (
                device_property::BATTERY_LEVEL,
                "Battery Level(0x5001):(read only) (type=0x2) 80% (80)".to_owned(),
            ),
            (
                device_property::SYNCHRONIZATION_PARTNER,
                "Synchronization Partner(0xd401):(readwrite) (type=0xffff) ''".to_owned(),
            ),
            (
                device_property::DEVICE_FRIENDLY_NAME,
                format!("Friendly Device Name(0xd402):(readwrite) (type=0xffff) {0} ('{0}')", phone.model),
            ),
            (
                device_property::PERCEIVED_DEVICE_TYPE,
                "Perceived Device Type(0xd407):(read only) (type=0x6) 3".to_owned(),
            ),
        ] {
            let is_listed = summary.lines().any(|found| found == line);
            assert_eq!(is_listed, phone.device_properties.contains(&code), "{name} {code:04x} {summary}");
        }
        let storages = desk.run(Asks::Infos, &["--storage-info"]).text;
        let expected = format!(
            "[Storage 0]\ndescription={}\nbasedir={}\naccess=0 Read-Write\ntype=3 Fixed RAM\n\
             fstype=3 Generic Hierarchical\ntotalcapacity=67108864 KB\nfree=4882813 KB\nfreeimages=1073741824\n",
            phone.storage_label,
            desk.store()
        );
        assert_eq!(storages, expected, "{name}");
    }
}

#[test]
fn gphoto2_lists_folders_names_sizes_and_dates() {
    for name in Personality::names() {
        let desk = Desk::new(name);
        desk.storage.borrow_mut().make_folder("Contacts/Inner").unwrap();
        for size in SIZES {
            desk.put(&format!("{size}.vcf"), &bytes(size));
        }
        desk.put("Żółć und Söhne.vcf", b"older");
        let older = "Contacts/Żółć und Söhne.vcf";
        desk.storage.borrow_mut().set_modified_ms(older, EARLIER_S * 1000).unwrap();
        let phone = desk.phone.personality();
        let mut expected: BTreeMap<String, (u64, i64)> = SIZES
            .iter()
            .map(|size| (format!("{size}.vcf"), (*size as u64, shown_s(&phone, NOW_S))))
            .collect();
        expected.insert("Żółć und Söhne.vcf".to_owned(), (5, shown_s(&phone, EARLIER_S)));
        for asks in [Asks::Infos, Asks::PropertyLists] {
            assert_eq!(desk.listed(asks), expected, "{name} {asks:?}");
        }
        let folders = desk.run(Asks::PropertyLists, &["--parsable", "--list-folders"]);
        let store = desk.store();
        assert_eq!(
            folders.text.lines().collect::<Vec<_>>(),
            [store.as_str(), &format!("{store}/Contacts"), &format!("{store}/Contacts/Inner")],
            "{name}"
        );
        let is_asked = folders.served.iter().any(|one| one.operation == operation::GET_OBJECT_PROP_LIST);
        assert_eq!(is_asked, phone.lists_operation(operation::GET_OBJECT_PROP_LIST), "{name}");
    }
}

#[test]
fn gphoto2_reads_what_is_on_the_phone() {
    for name in Personality::names() {
        let desk = Desk::new(name);
        for size in SIZES {
            desk.put(&format!("{size}.vcf"), &bytes(size));
        }
        desk.does(Asks::Infos, &["--get-all-files"]);
        for size in SIZES {
            let read = fs::read(desk.path().join(format!("{size}.vcf"))).unwrap();
            assert!(read == bytes(size), "{name}: {size} bytes are read as {}", read.len());
        }
    }
}

#[test]
fn what_gphoto2_sends_arrives_and_what_it_deletes_is_gone() {
    for name in Personality::names() {
        let desk = Desk::new(name);
        let full_packets = desk.phone.personality().transport.packet_bytes - HEADER_BYTES;
        let sent = [
            (Asks::Infos, 0),
            (Asks::Infos, full_packets),
            (Asks::PropertyLists, full_packets + 1),
            (Asks::Infos, 70_000),
        ];
        for (asks, size) in sent {
            let file = format!("{size}.vcf");
            fs::write(desk.path().join(&file), bytes(size)).unwrap();
            desk.does(asks, &["--upload-file", &file]);
            assert!(desk.on_phone(&file) == Some(bytes(size)), "{name}: {size} bytes sent");
        }
        desk.does(Asks::Infos, &["--mkdir", "Inner"]);
        assert!(desk.storage.borrow().entry("Contacts/Inner").unwrap().is_folder, "{name}");
        let shown = shown_s(&desk.phone.personality(), NOW_S);
        let expected = sent.map(|(_, size)| (format!("{size}.vcf"), (size as u64, shown)));
        assert_eq!(desk.listed(Asks::PropertyLists), BTreeMap::from(expected), "{name}");
        desk.does(Asks::Infos, &["--rmdir", "Inner"]);
        desk.does(Asks::Infos, &["--delete-file", "0.vcf"]);
        let left = desk.storage.borrow().list("Contacts").unwrap();
        assert_eq!(left.len(), sent.len() - 1, "{name}: {left:?}");
        assert_eq!(desk.on_phone("0.vcf"), None, "{name}");
        desk.does(Asks::Infos, &["--delete-all-files"]);
        assert_eq!(desk.storage.borrow().list("Contacts").unwrap(), [], "{name}");
    }
}

/// What gphoto2 reads of the file's properties, by name; `None` if the phone has none to tell.
fn properties(desk: &Desk, asks: Asks, file: &str) -> Option<BTreeMap<String, String>> {
    let said = desk.does(asks, &["--get-metadata", file, "--filename", "properties", "--force-overwrite"]);
    let is_listed = said.served.iter().any(|one| one.operation == operation::GET_OBJECT_PROP_LIST);
    let wants_list = asks == Asks::PropertyLists;
    assert_eq!(
        is_listed,
        wants_list && desk.phone.personality().lists_operation(operation::GET_OBJECT_PROP_LIST)
    );
    let text = fs::read_to_string(desk.path().join("properties")).unwrap();
    text.lines()
        .map(|line| {
            let (name, rest) = line.strip_prefix('<')?.split_once('>')?;
            Some((name.to_owned(), rest.strip_suffix(&format!("</{name}>"))?.to_owned()))
        })
        .collect()
}

#[test]
fn gphoto2_reads_properties_one_by_one_and_as_a_list_and_renames() {
    for name in Personality::names() {
        let desk = Desk::new(name);
        let phone = desk.phone.personality();
        if !phone.lists_operation(operation::GET_OBJECT_PROPS_SUPPORTED) {
            continue;
        }
        desk.put("Ada.vcf", b"BEGIN:VCARD\r\nEND:VCARD\r\n");
        let singly = properties(&desk, Asks::Infos, "Ada.vcf").unwrap();
        let mut as_list = properties(&desk, Asks::PropertyLists, "Ada.vcf").unwrap();
        assert_eq!(singly.get("Name").map(String::as_str), Some("Ada.vcf"), "{name}");
        let has_name = phone.properties.contains(&property::OBJECT_FILE_NAME);
        assert_eq!(singly.get("ObjectFileName").map(String::as_str), has_name.then_some("Ada.vcf"), "{name}");
        if let Some(text) = &phone.constant_value_date {
            // This phone tells another date where only one property is asked for.
            for date in ["DateCreated", "DateModified"] {
                assert_ne!(as_list.insert(date.to_owned(), text.clone()).as_ref(), Some(text), "{name}");
            }
        }
        assert_eq!(singly, as_list, "{name}");

        fs::write(desk.path().join("wanted"), "<ObjectFileName>Bob.vcf</ObjectFileName>\n").unwrap();
        desk.does(Asks::Infos, &["--filename", "Ada.vcf", "--upload-metadata", "wanted"]);
        let is_renamed = phone.rename != Rename::Absent;
        assert_eq!(desk.on_phone("Bob.vcf").is_some(), is_renamed, "{name}");
        assert_eq!(desk.on_phone("Ada.vcf").is_some(), !is_renamed, "{name}");
    }
}

#[test]
fn gphoto2_names_the_phone() {
    for name in ["android", "nokia-s40", "sailfish", "strict"] {
        let desk = Desk::new(name);
        let said = desk.run(Asks::Infos, &["--set-config-value", "/main/other/d402=Ada's phone"]);
        assert!(said.is_success, "{name}: {said:#?}");
        let told = desk.phone.device_value(device_property::DEVICE_FRIENDLY_NAME);
        assert_eq!(told.as_deref(), Some("Ada's phone"), "{name}");
        let said = desk.run(Asks::Infos, &["--get-config", "/main/other/d402"]);
        assert!(said.text.contains("Readonly: 0\nType: TEXT\nCurrent: Ada's phone\n"), "{name}: {said:#?}");
    }
}

#[test]
fn a_size_of_more_than_32_bits_is_read_from_the_property() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("Contacts")).unwrap();
    let large = fs::File::create(folder.path().join("Contacts/large.bin")).unwrap();
    large.set_len((5 << 30) + 1).unwrap();
    let desk = Desk::new("android");
    let clock: Rc<dyn Clock> = Rc::new(TestClock::at(NOW_S * 1000));
    let phone = Phone::new(personality("android"), DirectoryStorage::shared(folder.path()), clock);
    let desk = Desk { phone, ..desk };
    assert_eq!(desk.listed(Asks::PropertyLists)["large.bin"].0, (5 << 30) + 1);
}

#[test]
fn gphoto2_understands_refusals() {
    let desk = Desk::new("strict");
    fs::write(desk.path().join("Ada.vcf"), bytes(100)).unwrap();
    let upload = |folder: &str| {
        let said = desk.run(Asks::Infos, &["--folder", folder, "--upload-file", "Ada.vcf"]);
        assert!(!said.is_success, "{said:#?}");
        let refusal = said.served.iter().find(|one| one.response != response::OK).cloned();
        assert_eq!(desk.storage.borrow().files(), Vec::<String>::new());
        (refusal.map(|one| (one.operation, one.response)), said.text)
    };
    let contacts = format!("{}/Contacts", desk.store());
    let (refusal, text) = upload(&desk.store());
    assert_eq!(refusal, Some((operation::SEND_OBJECT_INFO, response::INVALID_PARAMETER)));
    assert!(text.contains("PTP Invalid Parameter"), "{text}");
    desk.phone.set_free_bytes(Some(99));
    let (refusal, text) = upload(&contacts);
    assert_eq!(refusal, Some((operation::SEND_OBJECT_INFO, response::STORE_FULL)));
    assert!(text.contains("PTP Store Full"), "{text}");
    desk.phone.with_personality(|personality| personality.read_only = true);
    let (refusal, text) = upload(&contacts);
    assert_eq!(refusal, Some((operation::SEND_OBJECT_INFO, response::STORE_READ_ONLY)));
    assert!(text.contains("PTP Store Read Only"), "{text}");
    let said = desk.run(Asks::Infos, &["--storage-info"]);
    assert!(said.text.contains("\naccess=1 Read-Only\n"), "{said:#?}");
    desk.phone.lock();
    let said = desk.run(Asks::Infos, &["--parsable", "--list-folders"]);
    assert!(!said.text.contains("Contacts"), "{said:#?}");
}
