//! The named personalities. What each does follows responders that were read in source or watched over USB.
//!
//! Plain data; nothing here acts.

use crate::mtp::code::{device_property, event, format, operation as op, property as prop, response};

use super::app::{App, AppMoment};
use super::personality::{
    AllStorages, Allocation, Attributes, BadName, BrokenPropList, Creation, Dates, FormatRule, HandleLife,
    Handles, HeaderWanted, Insistence, Interrupted, Listing, ListingOrder, Locked, NameRule, Overwrite,
    OwnEvents, PersistentIds, Personality, PropList, Rename, RootListing, SentDate, TransferCut, TransferEnd,
    Transport, Watching,
};

const NAMES: &[&str] = &[
    "android",
    "android-8",
    "zen",
    "nokia-s40",
    "organiser",
    "sailfish",
    "umtp",
    "qemu",
    "ubuntu-touch",
    "cmtp",
    "strict",
];

const ANDROID_EXTENSIONS: &str = "microsoft.com: 1.0; android.com: 1.0;";

/// Operations that every responder has: device, session, storages, listing, reading, deleting, sending.
pub(super) const BASIC: &[u16] = &[
    op::GET_DEVICE_INFO,
    op::OPEN_SESSION,
    op::CLOSE_SESSION,
    op::GET_STORAGE_IDS,
    op::GET_STORAGE_INFO,
    op::GET_OBJECT_HANDLES,
    op::GET_OBJECT_INFO,
    op::GET_OBJECT,
    op::DELETE_OBJECT,
    op::SEND_OBJECT_INFO,
    op::SEND_OBJECT,
    op::GET_PARTIAL_OBJECT,
];
pub(super) const COUNT: &[u16] = &[op::GET_NUM_OBJECTS];
pub(super) const THUMB: &[u16] = &[op::GET_THUMB];
pub(super) const DEVICE_PROPERTIES: &[u16] =
    &[op::GET_DEVICE_PROP_DESC, op::GET_DEVICE_PROP_VALUE, op::SET_DEVICE_PROP_VALUE];
pub(super) const RESET: &[u16] = &[op::RESET_DEVICE, op::RESET_DEVICE_PROP_VALUE];
pub(super) const MOVE: &[u16] = &[op::MOVE_OBJECT];
pub(super) const COPY: &[u16] = &[op::COPY_OBJECT];
pub(super) const PROPERTY_READS: &[u16] =
    &[op::GET_OBJECT_PROPS_SUPPORTED, op::GET_OBJECT_PROP_DESC, op::GET_OBJECT_PROP_VALUE];
pub(super) const PROPERTY_WRITE: &[u16] = &[op::SET_OBJECT_PROP_VALUE];
pub(super) const PROPERTY_LIST: &[u16] = &[op::GET_OBJECT_PROP_LIST];
pub(super) const PROPERTY_LIST_WRITES: &[u16] = &[op::SET_OBJECT_PROP_LIST, op::SEND_OBJECT_PROP_LIST];
pub(super) const REFERENCES: &[u16] = &[op::GET_OBJECT_REFERENCES, op::SET_OBJECT_REFERENCES];
pub(super) const ANDROID_EDITS: &[u16] = &[
    op::GET_PARTIAL_OBJECT_64,
    op::SEND_PARTIAL_OBJECT,
    op::TRUNCATE_OBJECT,
    op::BEGIN_EDIT_OBJECT,
    op::END_EDIT_OBJECT,
];

/// All operations of these groups, sorted.
pub(super) fn operations(groups: &[&[u16]]) -> Vec<u16> {
    let mut all = groups.concat();
    all.sort_unstable();
    all
}

pub(super) const VCARD_FORMATS: [u16; 2] = [format::VCARD2, format::VCARD3];

impl Personality {
    /// The personality of that name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "android" => Self::android(),
            "android-8" => Self::android_8(),
            "zen" => Self::zen(),
            "nokia-s40" => Self::nokia_s40(),
            "organiser" => Self::organiser(),
            "sailfish" => Self::sailfish(),
            "umtp" => Self::umtp(),
            "qemu" => Self::qemu(),
            "ubuntu-touch" => Self::ubuntu_touch(),
            "cmtp" => Self::cmtp(),
            "strict" => Self::strict(),
            _ => return None,
        })
    }

    /// The names that [`Self::by_name`] knows.
    #[must_use]
    pub const fn names() -> &'static [&'static str] {
        NAMES
    }

    /// The names of those that keep what they are sent byte for byte.
    #[must_use]
    pub fn faithful_names() -> Vec<&'static str> {
        let is_faithful =
            |name: &&str| Self::by_name(name).is_some_and(|personality| personality.app.is_none());
        NAMES.iter().copied().filter(is_faithful).collect()
    }

    /// Android 9 and later: a file tree with lazy handles, dates of one second without zone, a working
    /// GetObjectPropList, no overwriting.
    #[must_use]
    pub fn android() -> Self {
        Self {
            name: "android".to_owned(),
            manufacturer: "Fabrikam".to_owned(),
            model: "Phone 9".to_owned(),
            device_version: "1.0".to_owned(),
            serial: "SIM0000000009".to_owned(),
            usb_id: (0x18D1, 0x4EE1),
            vendor_extension: ANDROID_EXTENSIONS.to_owned(),
            operations: operations(&[
                BASIC,
                COUNT,
                THUMB,
                DEVICE_PROPERTIES,
                RESET,
                MOVE,
                COPY,
                PROPERTY_READS,
                PROPERTY_WRITE,
                PROPERTY_LIST,
                ANDROID_EDITS,
            ]),
            events: (event::OBJECT_ADDED..=event::OBJECT_INFO_CHANGED).collect(),
            device_properties: vec![
                device_property::BATTERY_LEVEL,
                device_property::SYNCHRONIZATION_PARTNER,
                device_property::DEVICE_FRIENDLY_NAME,
                device_property::PERCEIVED_DEVICE_TYPE,
            ],
            formats: vec![format::UNDEFINED, format::ASSOCIATION, format::TEXT, format::HTML],
            properties: vec![
                prop::STORAGE_ID,
                prop::OBJECT_FORMAT,
                prop::PROTECTION_STATUS,
                prop::OBJECT_SIZE,
                prop::OBJECT_FILE_NAME,
                prop::DATE_MODIFIED,
                prop::PARENT_OBJECT,
                prop::PERSISTENT_UNIQUE_OBJECT_IDENTIFIER,
                prop::NAME,
                prop::DISPLAY_NAME,
                prop::DATE_ADDED,
            ],
            writable_properties: vec![prop::OBJECT_FILE_NAME],
            format_rule: FormatRule::ByExtension(vec![
                ("txt".to_owned(), format::TEXT),
                ("html".to_owned(), format::HTML),
            ]),
            dates: Dates::OneSecondLocal,
            constant_value_date: None,
            utc_offset_minutes: 120,
            sent_date: SentDate::AppliedIgnoringOffset,
            prop_list: PropList::Works,
            prop_list_includes_folder: true,
            full_depth_only_for_all: true,
            overwrite: Overwrite::Refuse2002,
            prefix_lookup: false,
            rename: Rename::Works,
            handles: Handles {
                life: HandleLife::Run,
                first: 1,
                allocation: Allocation::ByName,
                order: ListingOrder::OldestFirst,
                listed_twice: false,
            },
            persistent_ids: PersistentIds::PathAndTime,
            root_listing: RootListing::ZeroIsEverything,
            all_storages: AllStorages::Works,
            format_filter: true,
            listing: Listing::Live,
            attributes: Attributes::Live,
            hides_dotfiles: false,
            first_storage_id: 0x0001_0001,
            storage_label: "Internal shared storage".to_owned(),
            volume_id: String::new(),
            contacts_folder: Some("Contacts".to_owned()),
            name_rule: NameRule {
                max_units: 254,
                ascii_only: false,
                fat_characters: false,
                case_insensitive: false,
                bad: BadName::Refused(response::INVALID_PARAMETER),
            },
            read_only: false,
            root_write: None,
            vanished: response::INVALID_OBJECT_HANDLE,
            creation: Creation::AtData,
            interrupted: Interrupted::Unlinked,
            watching: Watching::ListedFolders,
            own_events: OwnEvents::Nothing,
            locked: Locked::NoStorages,
            transport: Transport {
                packet_bytes: 512,
                end: TransferEnd::EmptyPacket,
                cut: TransferCut::Whole,
                header: HeaderWanted::Either,
                needs_empty_packet: false,
                junk_headers: false,
                partial_hangs_on_full_packet: false,
                mute_after_ms: 0,
            },
            insists: Insistence::default(),
            app: None,
        }
    }

    /// Android 8 and earlier: the media database answers, so what apps wrote is missing or stale until a scan.
    #[must_use]
    pub fn android_8() -> Self {
        let android = Self::android();
        Self {
            name: "android-8".to_owned(),
            model: "Phone 8".to_owned(),
            serial: "SIM0000000008".to_owned(),
            format_rule: FormatRule::AsSent,
            prop_list: PropList::Broken(BrokenPropList::DropsObjectsAtFullDepth),
            handles: Handles { life: HandleLife::Database, ..android.handles },
            persistent_ids: PersistentIds::StorageAndHandle,
            listing: Listing::MediaScan,
            vanished: response::GENERAL_ERROR,
            watching: Watching::Nothing,
            ..android
        }
    }

    /// Creative ZEN players: vCard 3.0 as a listed format, the organizer folder, no dates at all.
    #[must_use]
    pub fn zen() -> Self {
        let android = Self::android();
        Self {
            name: "zen".to_owned(),
            manufacturer: "Creative".to_owned(),
            model: "ZEN".to_owned(),
            device_version: "1.21.01".to_owned(),
            serial: "SIM000000000000000000000000000ZEN".to_owned(),
            usb_id: (0x041E, 0x4157),
            vendor_extension: "microsoft.com: 1.0; ".to_owned(),
            operations: operations(&[
                BASIC,
                COUNT,
                DEVICE_PROPERTIES,
                PROPERTY_READS,
                PROPERTY_WRITE,
                PROPERTY_LIST,
                REFERENCES,
            ]),
            formats: vec![format::UNDEFINED, format::ASSOCIATION, format::VCARD3, format::VCALENDAR2],
            properties: vec![
                prop::STORAGE_ID,
                prop::OBJECT_FORMAT,
                prop::PROTECTION_STATUS,
                prop::OBJECT_SIZE,
                prop::OBJECT_FILE_NAME,
                prop::PARENT_OBJECT,
                prop::PERSISTENT_UNIQUE_OBJECT_IDENTIFIER,
                prop::NAME,
                prop::NON_CONSUMABLE,
            ],
            writable_properties: vec![prop::OBJECT_FILE_NAME, prop::NAME],
            format_rule: FormatRule::ByExtension(vec![
                ("vcf".to_owned(), format::VCARD3),
                ("ics".to_owned(), format::VCALENDAR2),
            ]),
            dates: Dates::Missing,
            sent_date: SentDate::Ignored,
            prop_list: PropList::Broken(BrokenPropList::DropsObjectsAtFullDepth),
            prop_list_includes_folder: false,
            full_depth_only_for_all: false,
            persistent_ids: PersistentIds::PathHash,
            storage_label: "Internal Storage".to_owned(),
            contacts_folder: Some("My Organizer".to_owned()),
            interrupted: Interrupted::PartialStays,
            watching: Watching::Nothing,
            transport: Transport { packet_bytes: 512, end: TransferEnd::ExtraByte, ..android.transport },
            ..android
        }
    }

    /// Nokia Series 40: both vCard formats, read-only dates, 64-byte packets, ASCII names of FAT.
    #[must_use]
    pub fn nokia_s40() -> Self {
        let android = Self::android();
        Self {
            name: "nokia-s40".to_owned(),
            manufacturer: "Nokia".to_owned(),
            model: "Nokia 6300".to_owned(),
            device_version: "V 05.50".to_owned(),
            serial: "SIM356000000000000".to_owned(),
            usb_id: (0x0421, 0x04EF),
            vendor_extension: "microsoft.com: 1.0; ".to_owned(),
            operations: operations(&[BASIC, COUNT, DEVICE_PROPERTIES, PROPERTY_READS, PROPERTY_WRITE]),
            formats: vec![
                format::UNDEFINED,
                format::ASSOCIATION,
                VCARD_FORMATS[0],
                VCARD_FORMATS[1],
                format::VCALENDAR1,
            ],
            properties: vec![
                prop::STORAGE_ID,
                prop::OBJECT_FORMAT,
                prop::PROTECTION_STATUS,
                prop::OBJECT_SIZE,
                prop::OBJECT_FILE_NAME,
                prop::DATE_CREATED,
                prop::DATE_MODIFIED,
                prop::PARENT_OBJECT,
                prop::PERSISTENT_UNIQUE_OBJECT_IDENTIFIER,
                prop::NAME,
            ],
            writable_properties: vec![prop::NAME],
            format_rule: FormatRule::ByExtension(vec![
                ("vcf".to_owned(), format::VCARD2),
                ("vcs".to_owned(), format::VCALENDAR1),
            ]),
            sent_date: SentDate::Ignored,
            prop_list: PropList::Absent,
            rename: Rename::Absent,
            persistent_ids: PersistentIds::PathHash,
            storage_label: "Memory card".to_owned(),
            contacts_folder: None,
            name_rule: NameRule {
                max_units: 100,
                ascii_only: true,
                fat_characters: true,
                case_insensitive: true,
                bad: BadName::Refused(response::INVALID_PARAMETER),
            },
            interrupted: Interrupted::PartialStays,
            watching: Watching::Nothing,
            transport: Transport { packet_bytes: 64, ..android.transport },
            ..android
        }
    }

    /// A phone that takes every card into its organiser and writes it out again in its own way: names, numbers and
    /// addresses as vCard 2.1, and nothing else.
    #[must_use]
    pub fn organiser() -> Self {
        let drops = ["NOTE", "CATEGORIES", "PHOTO", "IMPP", "NICKNAME", "X-ANNIVERSARY", "GEO", "TZ", "ROLE"];
        let app = App {
            drops: drops.map(str::to_owned).to_vec(),
            writes_2_1: true,
            ..App::harmless(AppMoment::TransferEnd)
        };
        Self { name: "organiser".to_owned(), app: Some(app), ..Self::nokia_s40() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_to_its_personality() {
        for name in Personality::names() {
            let personality = Personality::by_name(name).unwrap();
            assert_eq!(&personality.name, name);
            let mut sorted = personality.operations.clone();
            sorted.dedup();
            assert_eq!(sorted, personality.operations, "{name} lists an operation twice");
            for property in &personality.writable_properties {
                assert!(
                    personality.properties.contains(property) || personality.rename == Rename::Absent,
                    "{name}"
                );
            }
        }
        assert_eq!(Personality::by_name("nobody's"), None);
    }
}
