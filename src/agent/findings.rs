//! What `devices` and `doctor` found out: about the phones on the bus, and about this computer. Plain values, collected
//! elsewhere; no I/O and no judgement.

use std::path::PathBuf;

use crate::device::{ChannelKind, DeviceIdentity, SurveyedStorage};
use crate::mtp::DeviceInfo;
use crate::provider::{Costs, ProviderError};
use crate::report::ExitCode;
use crate::usb::{Holder, UsbDevice};

/// Everything that was found out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// The devices on the bus, in its order; or why the bus cannot be read.
    pub devices: Result<Vec<DeviceFindings>, Trouble>,
    /// What concerns this computer.
    pub computer: Computer,
    /// The desktop was asked a moment ago to let go of the phones.
    pub release_was_asked: bool,
    /// When it was found out, in milliseconds since 1970.
    pub now_ms: i64,
}

/// Something that does not work: what to say, what to do, and the exit code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong.
    pub message: String,
    /// What the person can do about it.
    pub fix: String,
    /// The exit code that says so.
    pub exit: ExitCode,
}

/// One device on the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceFindings {
    /// What stands on the bus.
    pub device: UsbDevice,
    /// Other programs that have it open, as far as this user can see them.
    pub holders: Vec<Holder>,
    /// The quirks that were used to open it, by the names of a profile's keys.
    pub quirks: Vec<&'static str>,
    /// What libmtp's table of devices says of it.
    pub in_table: TableAnswer,
    /// What a look inside gave.
    pub visit: Visit,
}

/// What libmtp's table of devices says of a USB id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableAnswer {
    /// There is no table to be asked.
    NoTable,
    /// It is not in the table.
    Absent,
    /// Its entry.
    Listed {
        /// What the table calls it: vendor and product.
        name: String,
        /// The names of the flags that say how it misbehaves.
        flags: Vec<&'static str>,
    },
}

/// What came of opening a device for a look inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Visit {
    /// It has no interface that speaks MTP.
    ChargeOnly,
    /// The operating system does not let this user open it.
    Denied,
    /// Another program has claimed it.
    Held,
    /// It left the bus before it could be opened.
    Gone,
    /// It could be opened, but no conversation came about.
    Mute(ProviderError),
    /// It answered.
    Inside(Box<Inside>),
}

/// What a phone tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inside {
    /// Its DeviceInfo.
    pub info: DeviceInfo,
    /// What its profile is chosen by.
    pub identity: DeviceIdentity,
    /// The profile chosen for it; `None` if none is for it.
    pub profile: Option<ProfileFindings>,
    /// Its storages, or why it shows none: mostly that it is locked.
    pub storages: Result<Vec<SurveyedStorage>, ProviderError>,
    /// Where its contacts are.
    pub contacts: Contacts,
    /// What its clock shows, as it writes it, if it tells.
    pub date: Option<String>,
    /// How its folders were listed: a word of `mtp::ListingMethod`.
    pub listing: String,
    /// What the look cost.
    pub costs: Costs,
    /// How long the steps took.
    pub durations: VisitDurations,
}

/// How long the steps of a look took, in microseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct VisitDurations {
    /// Claiming the interface, opening a session, DeviceInfo.
    pub open_us: u64,
    /// The storages.
    pub storages_us: u64,
    /// Finding and listing the contacts.
    pub contacts_us: u64,
}

/// What of a profile a person wants to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileFindings {
    /// Its id.
    pub id: String,
    /// What it calls such a device.
    pub name: String,
    /// Who made the device, as the profile says.
    pub maker: String,
    /// Whether it is the person's own, not compiled in.
    pub is_own: bool,
    /// How it carries contacts.
    pub channel: ChannelKind,
    /// Where it looks for contacts.
    pub folders: Vec<String>,
    /// Its quirks, by the names of its keys.
    pub quirks: Vec<&'static str>,
    /// What it cannot hold, in words; empty if it holds everything.
    pub cannot_hold: Vec<String>,
}

/// Where a phone's contacts are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Contacts {
    /// It could not be looked for, because the storages are not there.
    NotLookedFor,
    /// In this folder.
    Found {
        /// The label of the storage.
        storage: String,
        /// The path on it; empty for its root.
        path: String,
        /// How many cards there are.
        cards: usize,
        /// Why more could be there, if the listing came short.
        doubt: Option<String>,
        /// The newest date of a card, as the phone writes it.
        newest: Option<String>,
    },
    /// Nowhere that the profile names; why, where there is more to say than that the folder is not there.
    Nowhere(Option<String>),
    /// It could not be told.
    Unknown(ProviderError),
}

/// What concerns this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Computer {
    /// The udev rule, if it is installed.
    pub udev_rule: Option<PathBuf>,
    /// libmtp.
    pub libmtp: Libmtp,
    /// The configuration file that was read, if there is one.
    pub configuration: Result<Option<PathBuf>, Trouble>,
    /// How many profiles there are, and how many of them are the person's own.
    pub profiles: Result<(usize, usize), Trouble>,
    /// The database.
    pub database: Result<Database, Trouble>,
    /// Files and folders of ours that others may read or write: path, permissions, permissions wanted.
    pub exposed: Vec<(PathBuf, u32, u32)>,
    /// The folder that the database is or will be in, and how much is free there, in bytes, if that can be told.
    pub space: (PathBuf, Option<u64>),
}

/// libmtp as it is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Libmtp {
    /// This program was built without it.
    NotBuiltIn,
    /// It is a part of this program; the library's file, if the system tells which one is loaded.
    BuiltIn(Option<String>),
}

/// A database without a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Database {
    /// There is none yet.
    Absent(PathBuf),
    /// It was looked over.
    Sound {
        /// Its file.
        path: PathBuf,
        /// The number of its format.
        format: i64,
        /// How many contacts are in it.
        contacts: u64,
    },
}
