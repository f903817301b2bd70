//! The named personalities of Linux responders, of QEMU, and of the strict one that is no phone.
//!
//! Plain data; nothing here acts.

use crate::mtp::code::{device_property, event, format, operation as op, property as prop, response};

use super::catalogue::{
    ANDROID_EDITS, BASIC, COPY, COUNT, DEVICE_PROPERTIES, MOVE, PROPERTY_LIST, PROPERTY_LIST_WRITES,
    PROPERTY_READS, PROPERTY_WRITE, REFERENCES, RESET, THUMB, VCARD_FORMATS, operations,
};
use super::personality::{
    AllStorages, Allocation, Attributes, BadName, BrokenPropList, Creation, Dates, FormatRule, HandleLife,
    Handles, Insistence, Interrupted, ListingOrder, NameRule, Overwrite, OwnEvents, PersistentIds,
    Personality, PropList, Rename, RootListing, SentDate, Transport, Watching,
};

impl Personality {
    /// Sailfish: a very complete responder that overwrites, lies about a failed rename, and preallocates.
    #[must_use]
    pub fn sailfish() -> Self {
        let android = Self::android();
        Self {
            name: "sailfish".to_owned(),
            manufacturer: "Jolla".to_owned(),
            model: "Jolla".to_owned(),
            device_version: "4.5".to_owned(),
            serial: "SIM0000000000JOLLA".to_owned(),
            usb_id: (0x2931, 0x0A05),
            vendor_extension: "microsoft.com: 1.0; microsoft.com/WMPPD: 11.0; android.com: 1.0;".to_owned(),
            operations: operations(&[
                BASIC,
                COUNT,
                THUMB,
                DEVICE_PROPERTIES,
                MOVE,
                COPY,
                PROPERTY_READS,
                PROPERTY_WRITE,
                PROPERTY_LIST,
                PROPERTY_LIST_WRITES,
                REFERENCES,
                ANDROID_EDITS,
            ]),
            events: vec![
                event::OBJECT_ADDED,
                event::OBJECT_REMOVED,
                event::STORE_ADDED,
                event::STORE_REMOVED,
                event::DEVICE_PROP_CHANGED,
                event::OBJECT_INFO_CHANGED,
                event::DEVICE_INFO_CHANGED,
                event::STORAGE_INFO_CHANGED,
                event::OBJECT_PROP_CHANGED,
            ],
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
                prop::NON_CONSUMABLE,
            ],
            writable_properties: vec![prop::OBJECT_FILE_NAME, prop::NAME],
            format_rule: FormatRule::Undefined,
            dates: Dates::WithOffset,
            sent_date: SentDate::Applied,
            prop_list_includes_folder: false,
            full_depth_only_for_all: false,
            overwrite: Overwrite::SameObject,
            rename: Rename::Lies,
            persistent_ids: PersistentIds::StoredPerPath,
            storage_label: "Phone Memory".to_owned(),
            name_rule: NameRule {
                bad: BadName::Refused(response::INVALID_OBJECT_PROP_VALUE),
                ..android.name_rule
            },
            creation: Creation::ZerosAtInfo,
            interrupted: Interrupted::PartialStays,
            ..android
        }
    }

    /// uMTP-Responder 1.3.10: one-object property lists, a constant date by 9803, handles of the session, rename that
    /// replaces, and one question that it never recovers from.
    #[must_use]
    pub fn umtp() -> Self {
        let android = Self::android();
        Self {
            name: "umtp".to_owned(),
            manufacturer: "Lab".to_owned(),
            model: "Lab phone (umtp)".to_owned(),
            device_version: "1".to_owned(),
            serial: "LAB0001".to_owned(),
            usb_id: (0x1D6B, 0x0100),
            operations: operations(&[
                BASIC,
                DEVICE_PROPERTIES,
                PROPERTY_READS,
                PROPERTY_WRITE,
                PROPERTY_LIST,
                ANDROID_EDITS,
            ]),
            events: vec![
                event::OBJECT_ADDED,
                event::OBJECT_REMOVED,
                event::STORE_ADDED,
                event::STORE_REMOVED,
                event::STORAGE_INFO_CHANGED,
                event::OBJECT_INFO_CHANGED,
                event::DEVICE_PROP_CHANGED,
                event::OBJECT_PROP_CHANGED,
            ],
            device_properties: vec![device_property::BATTERY_LEVEL, device_property::DEVICE_FRIENDLY_NAME],
            formats: vec![format::UNDEFINED, format::ASSOCIATION],
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
                prop::NON_CONSUMABLE,
            ],
            format_rule: FormatRule::Undefined,
            constant_value_date: Some("20100102T101112".to_owned()),
            utc_offset_minutes: 0,
            sent_date: SentDate::Ignored,
            prop_list: PropList::OneObjectOnly,
            overwrite: Overwrite::SameObject,
            rename: Rename::Replaces,
            handles: Handles {
                life: HandleLife::Session,
                first: 1,
                allocation: Allocation::Unsorted,
                order: ListingOrder::NewestFirst,
                listed_twice: false,
            },
            persistent_ids: PersistentIds::HandleParentStorage,
            root_listing: RootListing::ZeroIsRoot,
            all_storages: AllStorages::RefusedThenMute,
            first_storage_id: 0xFFFF_0001,
            storage_label: "Lab storage".to_owned(),
            name_rule: NameRule { bad: BadName::Sanitised, ..android.name_rule },
            creation: Creation::EmptyAtInfo,
            interrupted: Interrupted::PartialStays,
            watching: Watching::ListedFoldersNotRenames,
            own_events: OwnEvents::InfoChangedOften,
            insists: Insistence { session_for_device_info: true, ..Insistence::default() },
            ..android
        }
    }

    /// QEMU's usb-mtp: no file name property, no date property, attributes cached, a shorter file keeps its tail.
    #[must_use]
    pub fn qemu() -> Self {
        let android = Self::android();
        Self {
            name: "qemu".to_owned(),
            manufacturer: "QEMU".to_owned(),
            model: "QEMU filesharing".to_owned(),
            device_version: "0.1".to_owned(),
            serial: "0123456789abcdef0123456789abcdef".to_owned(),
            usb_id: (0x46F4, 0x0004),
            vendor_extension: String::new(),
            operations: operations(&[BASIC, COUNT, PROPERTY_READS]),
            events: Vec::new(),
            device_properties: Vec::new(),
            formats: vec![format::UNDEFINED, format::ASSOCIATION],
            properties: vec![
                prop::STORAGE_ID,
                prop::OBJECT_FORMAT,
                prop::OBJECT_SIZE,
                prop::PARENT_OBJECT,
                prop::PERSISTENT_UNIQUE_OBJECT_IDENTIFIER,
                prop::NAME,
            ],
            writable_properties: Vec::new(),
            format_rule: FormatRule::Undefined,
            dates: Dates::UtcNoSuffix,
            utc_offset_minutes: 0,
            sent_date: SentDate::Ignored,
            prop_list: PropList::Absent,
            overwrite: Overwrite::KeepsTail,
            prefix_lookup: true,
            rename: Rename::Absent,
            handles: Handles {
                life: HandleLife::Session,
                first: 2,
                allocation: Allocation::ByName,
                order: ListingOrder::NewestFirst,
                listed_twice: false,
            },
            persistent_ids: PersistentIds::HandleHigh,
            root_listing: RootListing::ZeroIsRoot,
            format_filter: false,
            attributes: Attributes::CachedAtFirstListing,
            hides_dotfiles: true,
            storage_label: "share".to_owned(),
            interrupted: Interrupted::PartialStays,
            watching: Watching::ListedFoldersNotReplacements,
            own_events: OwnEvents::Added,
            ..android
        }
    }

    /// Ubuntu Touch's mtp-server: a property list that miscounts, handles of the run, duplicates.
    #[must_use]
    pub fn ubuntu_touch() -> Self {
        let android = Self::android();
        Self {
            name: "ubuntu-touch".to_owned(),
            manufacturer: "UBports".to_owned(),
            model: "Ubuntu Touch phone".to_owned(),
            serial: "SIM00000000UTOUCH".to_owned(),
            usb_id: (0x2A47, 0x2008),
            operations: operations(&[
                BASIC,
                COUNT,
                THUMB,
                DEVICE_PROPERTIES,
                RESET,
                MOVE,
                PROPERTY_READS,
                PROPERTY_WRITE,
                PROPERTY_LIST,
                REFERENCES,
                ANDROID_EDITS,
            ]),
            dates: Dates::OneSecondLocal,
            sent_date: SentDate::Applied,
            prop_list: PropList::Broken(BrokenPropList::WrongCount),
            overwrite: Overwrite::SecondHandleTruncate,
            rename: Rename::Replaces,
            persistent_ids: PersistentIds::Handle,
            root_listing: RootListing::ZeroIsRoot,
            storage_label: "Internal Storage".to_owned(),
            creation: Creation::EmptyAtInfo,
            interrupted: Interrupted::PartialStays,
            ..android
        }
    }

    /// cmtp-responder: tiny, with renames that keep the extension and an atomic overwrite that lists the file twice.
    #[must_use]
    pub fn cmtp() -> Self {
        let android = Self::android();
        Self {
            name: "cmtp".to_owned(),
            manufacturer: "Linux".to_owned(),
            model: "cmtp".to_owned(),
            serial: "SIM0000000000CMTP".to_owned(),
            usb_id: (0x0000, 0x0000),
            vendor_extension: "microsoft.com:1.0;android.com:1.0; ".to_owned(),
            operations: operations(&[
                BASIC,
                &[
                    op::GET_OBJECT_PROP_DESC,
                    op::GET_OBJECT_PROP_VALUE,
                    op::SET_OBJECT_PROP_VALUE,
                    op::GET_PARTIAL_OBJECT_64,
                    op::SEND_PARTIAL_OBJECT,
                    op::BEGIN_EDIT_OBJECT,
                    op::END_EDIT_OBJECT,
                ],
            ]),
            events: vec![event::OBJECT_ADDED, event::OBJECT_REMOVED],
            device_properties: Vec::new(),
            formats: vec![format::ASSOCIATION],
            properties: vec![
                prop::STORAGE_ID,
                prop::OBJECT_FORMAT,
                prop::OBJECT_SIZE,
                prop::OBJECT_FILE_NAME,
                prop::PARENT_OBJECT,
                prop::PERSISTENT_UNIQUE_OBJECT_IDENTIFIER,
                prop::NAME,
            ],
            format_rule: FormatRule::Undefined,
            sent_date: SentDate::Ignored,
            prop_list: PropList::Absent,
            overwrite: Overwrite::SecondHandleReplace,
            rename: Rename::SameExtensionOnly,
            persistent_ids: PersistentIds::PathHash,
            storage_label: "Internal Storage".to_owned(),
            interrupted: Interrupted::TemporaryFileStays,
            ..android
        }
    }

    /// No phone: it refuses whatever the standard lets a responder refuse.
    #[must_use]
    pub fn strict() -> Self {
        let android = Self::android();
        Self {
            name: "strict".to_owned(),
            model: "Strict".to_owned(),
            serial: "SIM00000000STRICT".to_owned(),
            usb_id: (0x0000, 0x0001),
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
                PROPERTY_LIST_WRITES,
                REFERENCES,
                ANDROID_EDITS,
            ]),
            formats: vec![format::UNDEFINED, format::ASSOCIATION],
            format_rule: FormatRule::Undefined,
            dates: Dates::WithOffset,
            sent_date: SentDate::Applied,
            prop_list_includes_folder: false,
            name_rule: NameRule {
                max_units: 64,
                ascii_only: true,
                fat_characters: true,
                case_insensitive: true,
                bad: BadName::Refused(response::INVALID_PARAMETER),
            },
            root_write: Some(response::INVALID_PARAMETER),
            transport: Transport { needs_empty_packet: true, ..android.transport },
            insists: Insistence {
                transaction_ids: true,
                parameters: true,
                datasets: true,
                sizes: true,
                formats: true,
                session_for_device_info: false,
            },
            ..android
        }
    }
}
