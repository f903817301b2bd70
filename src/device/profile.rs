//! What a device profile says: which phones it is for, where they carry contacts, in which dialect, with which
//! quirks. Pure data and matching; reading files from a folder is `profiles`' work.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::channel::NameRule;
use super::tree::DeviceIdentity;
use crate::contact::{Dialect, FieldLimits, FieldMask, Projection, Version};

/// A profile that cannot be used. Says which file and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("device profile {file}: {reason}")]
pub struct ProfileError {
    /// The file's name.
    pub file: String,
    /// What is wrong with it.
    pub reason: String,
}

/// One file of `device-profiles/`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceProfile {
    /// The profile's id: the file's name without `.toml`.
    pub id: String,
    /// What a person calls such a device.
    pub name: String,
    /// Who made it, for lists; free text.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub maker: String,
    /// What a person should know about contacts on this device.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub notes: String,
    /// Where several profiles match a device, the highest rank is taken.
    pub rank: u16,
    /// By which way the device is reached over the cable.
    #[serde(default, skip_serializing_if = "Transport::is_default")]
    pub transport: Transport,
    /// Which devices it is for; a device must meet every criterion that is given.
    #[serde(rename = "match", default, skip_serializing_if = "Match::is_empty")]
    pub matches: Match,
    /// How it carries contacts.
    pub contacts: ContactsSection,
    /// How it departs from the protocol.
    #[serde(default, skip_serializing_if = "Quirks::is_empty")]
    pub quirks: Quirks,
    /// Devices as they introduced themselves, which this profile must win. Held by a test.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<Example>,
}

/// Criteria; all that are given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Match {
    /// Only (true) or never (false) for a directory of this computer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<bool>,
    /// USB ids as `vid:pid`, or `vid:*`, lower-case hexadecimal; one must be the device's.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub usb: Vec<String>,
    /// The manufacturer: with `*` or `?` a pattern of the whole text, otherwise a part of it. Letter case is ignored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manufacturer: Option<String>,
    /// The model; read like the manufacturer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// A part of the vendor extension description, such as `android.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vendor_extension: Option<String>,
    /// Object formats as four hexadecimal digits, all of which the device lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<String>,
    /// Operations as four hexadecimal digits, all of which the device lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<String>,
    /// Operations as four hexadecimal digits, none of which the device lists.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations_absent: Vec<String>,
}

/// Which kind of channel the device has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelKind {
    /// One vCard file per contact in one folder; two-way.
    VcardFolder,
    /// A DecSync directory that an app on the phone keeps in step with the address book; two-way.
    Decsync,
    /// Files with all contacts that an app on the phone exports; additions go back as a file that a person opens.
    Export,
}

impl ChannelKind {
    /// The kind in words, for lists.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::VcardFolder => "vCard folder",
            Self::Decsync => "DecSync",
            Self::Export => "export files",
        }
    }
}

/// How an app lays out its exports.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExportLayout {
    /// All contacts in one file; the newest complete one counts.
    #[default]
    OneFile,
    /// One file per contact in one folder; the names of the files are no identity.
    OneCardPerFile,
}

impl ExportLayout {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What the exports of an app look like, and how contacts get back to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExportSection {
    /// Patterns of file names with `*` and `?`, letter case ignored; a file must meet one. First words are often
    /// localised, so that patterns are wide and the content decides.
    pub names: Vec<String>,
    /// The version that the cards must have; any if it is not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<Version>,
    /// A part of the PRODID that the cards must have.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub product: String,
    /// How the exports are laid out.
    #[serde(default, skip_serializing_if = "ExportLayout::is_default")]
    pub layout: ExportLayout,
    /// After so many days without a new export a person is told; 0 for exports that are made by hand.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub stale_after_days: u16,
    /// How a person makes an export, as a sentence.
    pub how_to_export: String,
    /// The folder for the file with contacts that are new on the PC.
    pub drop_folder: String,
    /// How a person takes that file in, as a sentence.
    pub how_to_import: String,
}

impl ExportSection {
    /// Whether a file of this name may be one of the app's exports.
    #[must_use]
    pub fn accepts_name(&self, name: &str) -> bool {
        let name: Vec<char> = name.to_lowercase().chars().collect();
        let matches = |pattern: &String| glob(&pattern.to_lowercase().chars().collect::<Vec<char>>(), &name);
        self.names.iter().any(matches)
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_zero(number: &u16) -> bool {
    *number == 0
}

/// By which way a device is reached over the cable.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// Tetherbook's own MTP over libusb.
    #[default]
    Rusb,
    /// The system's libmtp, where the program was built with it.
    Libmtp,
}

impl Transport {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// What the device's modification dates are good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dates {
    /// A changed file has another date or size.
    TellChanges,
    /// There are none, or they are constant, or cached: every card is read in every session.
    Useless,
}

/// How the device carries contacts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContactsSection {
    /// The kind of channel.
    pub channel: ChannelKind,
    /// Where the folder may be on each storage, best first; the first is made if there is none. `.` is the
    /// storage's root.
    pub folders: Vec<String>,
    /// Whether cards may be written.
    pub writable: bool,
    /// The largest card the device takes, in bytes.
    pub card_bytes_max: u32,
    /// What its dates are good for.
    pub dates: Dates,
    /// The fields that it can express.
    pub fields: FieldMask,
    /// What it can hold of those fields: how many, how long; left out where nothing is limited.
    #[serde(default, skip_serializing_if = "FieldLimits::is_none")]
    pub limits: FieldLimits,
    /// Which file names it takes.
    pub names: NameRule,
    /// The dialect in which cards are written to it.
    pub dialect: Dialect,
    /// What its exports look like; for the channel `export` only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export: Option<ExportSection>,
}

impl ContactsSection {
    /// What the device can hold of a contact.
    #[must_use]
    pub fn projection(&self) -> Projection {
        Projection { fields: self.fields.clone(), limits: self.limits.clone() }
    }
}

macro_rules! quirks {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// How a device departs from MTP. Every flag is off unless a profile sets it.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Quirks {
            $($(#[$doc])* #[serde(default, skip_serializing_if = "is_off")] pub $name: bool,)*
        }

        impl Quirks {
            /// The names of all flags, sorted.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// The names of the flags that are on, sorted.
            #[must_use]
            pub fn names_on(self) -> Vec<&'static str> {
                let flags = [$((stringify!($name), self.$name)),*];
                flags.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| name).collect()
            }

            /// The flags that are on in either.
            #[must_use]
            pub fn union(self, other: Self) -> Self {
                Self { $($name: self.$name || other.$name,)* }
            }
        }
    };
}

quirks! {
    /// Where a transfer fills its last packet exactly, it sends one extra byte instead of an empty packet.
    /// Symptom: the response that follows is read one byte off. Seen on: Samsung YP players, iRiver, SanDisk.
    extra_byte,
    /// Container code and transaction id of data and response headers hold junk. Symptom: "wrong transaction id".
    /// Seen on: Creative ZEN 8 GB, SonyEricsson phones with an Aricent stack.
    junk_in_headers,
    /// The kernel has a driver on the interface that must be detached first. Symptom: claiming fails as busy.
    /// Seen on: players that are a disk as well.
    kernel_driver,
    /// The interface must stay claimed until the program ends. Symptom: the device cannot be opened again until
    /// replugged. Seen on: SanDisk players.
    never_release,
    /// GetObjectPropList (MTP 9805) answers wrongly or hangs, so it is not even tried. Symptom: lists without
    /// names, or a time-out. Seen on: players with libmtp's "broken property list" flag, Sony phones that list it.
    no_prop_list,
    /// An object whose transfer (12 bytes and its own) is a multiple of 64 never counts as sent, whatever the packets'
    /// size: such a card is refused before it is announced. Symptom: sending some objects fails as halted, and the
    /// device must be plugged in anew. Seen on: QEMU's usb-mtp.
    no_whole_64_bytes,
    /// No empty packet comes after a transfer that fills its last packet. Symptom: waiting for it times out.
    /// Seen on: Samsung YP players.
    no_zero_length_packet,
    /// ObjectInfo carries the size in 64 bits, which shifts everything behind it. Symptom: names begin with
    /// zeros. Seen on: Samsung 04e8:685c, 6860, 6877 with some firmware.
    object_info_wide_size,
    /// The session must be opened within 3 s of plugging in, else the device is mute until replugged or reset.
    /// Symptom: GetDeviceInfo times out. Seen on: Samsung Galaxy.
    open_within_3s,
    /// GetPartialObject (MTP 101B) hangs where the last packet is filled exactly. Seen on: Samsung.
    partial_read_hangs,
    /// It stores a card differently from what was sent, so that what is read back need not be what was sent.
    reencodes,
    /// Renaming (MTP 9804 on DC07) answers OK without renaming, or does harm, so it is not used.
    rename_unusable,
    /// The device must be reset when the session ends. Symptom: the next session cannot be opened.
    reset_on_close,
    /// A container's header and its payload must be written as separate transfers. Symptom: sending an object times out.
    /// Seen on: responders whose manufacturer is "Microsoft".
    split_header,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes the field by reference")]
fn is_off(flag: &bool) -> bool {
    !*flag
}

impl Quirks {
    /// Those of them that an MTP session must know before it opens.
    #[must_use]
    pub fn for_session(self) -> crate::mtp::Quirks {
        crate::mtp::Quirks {
            junk_headers: self.junk_in_headers,
            split_writes: self.split_header,
            no_property_list: self.no_prop_list,
            no_whole_64_bytes: self.no_whole_64_bytes,
        }
    }

    fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A device as it introduced itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Example {
    /// Whether it is a directory of this computer.
    #[serde(default, skip_serializing_if = "is_off")]
    pub directory: bool,
    /// `vid:pid`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub usb: String,
    /// The manufacturer.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub manufacturer: String,
    /// The model.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub model: String,
    /// The vendor extension description.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub vendor_extension: String,
    /// Object formats as four hexadecimal digits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formats: Vec<String>,
    /// Operations as four hexadecimal digits.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub operations: Vec<String>,
}

impl Example {
    /// The identity that such a device shows.
    #[must_use]
    pub fn identity(&self) -> DeviceIdentity {
        let (vendor, product) = self.usb.split_once(':').unwrap_or_default();
        DeviceIdentity {
            is_directory: self.directory,
            usb_id: (code(vendor).unwrap_or(0), code(product).unwrap_or(0)),
            manufacturer: self.manufacturer.clone(),
            model: self.model.clone(),
            serial: String::new(),
            vendor_extension: self.vendor_extension.clone(),
            formats: self.formats.iter().filter_map(|text| code(text)).collect(),
            operations: self.operations.iter().filter_map(|text| code(text)).collect(),
        }
    }
}

/// A 16-bit code written as four lower-case or upper-case hexadecimal digits.
fn code(text: &str) -> Option<u16> {
    if text.len() == 4 { u16::from_str_radix(text, 16).ok() } else { None }
}

impl Match {
    fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether the USB id is a criterion and is met.
    #[must_use]
    pub fn names_usb(&self, usb_id: (u16, u16)) -> bool {
        self.usb.iter().any(|pattern| usb_matches(pattern, usb_id))
    }

    /// Whether a device meets every criterion. No criterion at all is met by every device.
    #[must_use]
    pub fn accepts(&self, device: &DeviceIdentity) -> bool {
        let has_code = |list: &[u16], text: &String| code(text).is_some_and(|wanted| list.contains(&wanted));
        self.directory.is_none_or(|wanted| wanted == device.is_directory)
            && (self.usb.is_empty() || self.names_usb(device.usb_id))
            && self.manufacturer.as_deref().is_none_or(|pattern| text_matches(pattern, &device.manufacturer))
            && self.model.as_deref().is_none_or(|pattern| text_matches(pattern, &device.model))
            && self.vendor_extension.as_deref().is_none_or(|part| contains(&device.vendor_extension, part))
            && self.formats.iter().all(|format| has_code(&device.formats, format))
            && self.operations.iter().all(|operation| has_code(&device.operations, operation))
            && !self.operations_absent.iter().any(|operation| has_code(&device.operations, operation))
    }
}

fn usb_matches(pattern: &str, (vendor, product): (u16, u16)) -> bool {
    let Some((vendor_text, product_text)) = pattern.split_once(':') else { return false };
    code(vendor_text) == Some(vendor) && (product_text == "*" || code(product_text) == Some(product))
}

fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

/// A pattern with `*` or `?` is matched against the whole text, another is looked for in it.
fn text_matches(pattern: &str, text: &str) -> bool {
    if !pattern.contains(['*', '?']) {
        return contains(text, pattern);
    }
    let pattern: Vec<char> = pattern.to_lowercase().chars().collect();
    let text: Vec<char> = text.to_lowercase().chars().collect();
    glob(&pattern, &text)
}

/// Matches with one point of return, the last `*`: linear in practice and never exponential.
fn glob(pattern: &[char], text: &[char]) -> bool {
    let (mut at, mut position) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while position < text.len() {
        match (pattern.get(at), text.get(position)) {
            (Some('*'), _) => {
                star = Some((at, position));
                at += 1;
            }
            (Some('?'), Some(_)) => (at, position) = (at + 1, position + 1),
            (Some(wanted), Some(found)) if wanted == found => (at, position) = (at + 1, position + 1),
            _ => {
                let Some((star_at, star_position)) = star else { return false };
                star = Some((star_at, star_position + 1));
                (at, position) = (star_at + 1, star_position + 1);
            }
        }
    }
    pattern.get(at..).is_some_and(|rest| rest.iter().all(|&character| character == '*'))
}

/// What the parser says, on one line and with the line that it is about.
fn reason_of(error: &toml::de::Error, text: &str) -> String {
    let message = error.message().trim().replace('\n', "; ");
    let before = error.span().and_then(|span| text.get(..span.start)).filter(|before| !before.is_empty());
    match before {
        Some(before) => format!("line {}: {message}", before.matches('\n').count() + 1),
        None => message,
    }
}

impl DeviceProfile {
    /// Reads a profile. `file` is the file's name, for messages and for the check that the id agrees with it.
    ///
    /// # Errors
    /// When it is no TOML, has an unknown key, lacks one, or a value is out of its range.
    pub fn parse(file: &str, text: &str) -> Result<Self, ProfileError> {
        let profile: Self = toml::from_str(text)
            .map_err(|error| ProfileError { file: file.to_owned(), reason: reason_of(&error, text) })?;
        match profile.first_fault(file) {
            Some(reason) => Err(ProfileError { file: file.to_owned(), reason }),
            None => Ok(profile),
        }
    }

    /// The profile as a file, without the comment at its head.
    ///
    /// # Errors
    /// When a value cannot be written as TOML.
    pub fn to_text(&self) -> Result<String, ProfileError> {
        toml::to_string(self)
            .map_err(|error| ProfileError { file: format!("{}.toml", self.id), reason: error.to_string() })
    }

    /// Named checks, one after the other; the first that fails speaks.
    fn first_fault(&self, file: &str) -> Option<String> {
        let faults = [
            (file.strip_suffix(".toml") == Some(self.id.as_str()), "the id is not the file's name"),
            (!self.name.trim().is_empty(), "the name is empty"),
            (
                self.contacts.folders.iter().all(|path| is_folder_path(path)),
                "a folder is no plain relative path",
            ),
            (
                !self.contacts.folders.is_empty() || self.contacts.channel == ChannelKind::Decsync,
                "there is no folder",
            ),
            (
                self.contacts.export.is_some() == (self.contacts.channel == ChannelKind::Export),
                "the section [contacts.export] belongs to the channel \"export\", which needs it",
            ),
            (
                self.contacts.export.as_ref().is_none_or(|export| !export.names.is_empty()),
                "export.names is empty",
            ),
            (
                self.contacts.export.as_ref().is_none_or(|export| is_folder_path(&export.drop_folder)),
                "export.drop_folder is no plain relative path",
            ),
            (self.contacts.card_bytes_max >= 1024, "card_bytes_max is below 1024"),
            (
                (32..=255).contains(&self.contacts.names.length_max),
                "names.length_max is not within 32 and 255",
            ),
            (
                self.matches.usb.iter().all(|pattern| is_usb_pattern(pattern)),
                "a USB id is not vid:pid or vid:*",
            ),
            (self.matches.codes().all(|text| code(text).is_some()), "a code is not four hexadecimal digits"),
            (self.examples.iter().all(Example::is_well_formed), "an example has a malformed id or code"),
        ];
        let fault = faults.into_iter().find(|(holds, _)| !holds).map(|(_, reason)| reason.to_owned());
        fault
            .or_else(|| self.contacts.limits.check().err().map(|reason| format!("contacts.limits: {reason}")))
    }
}

impl Match {
    fn codes(&self) -> impl Iterator<Item = &String> {
        self.formats.iter().chain(&self.operations).chain(&self.operations_absent)
    }
}

impl Example {
    fn is_well_formed(&self) -> bool {
        (self.usb.is_empty() || is_usb_pattern(&self.usb) && !self.usb.ends_with('*'))
            && self.formats.iter().chain(&self.operations).all(|text| code(text).is_some())
    }
}

fn is_usb_pattern(text: &str) -> bool {
    text.split_once(':').is_some_and(|(vendor, product)| {
        code(vendor).is_some() && (product == "*" || code(product).is_some()) && *text == text.to_lowercase()
    })
}

fn is_folder_path(path: &str) -> bool {
    path == "." || path.split('/').all(super::tree::is_plain_name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("Creative", "Creative Technology Ltd", true),
            ("creative", "CREATIVE", true),
            ("ZEN*", "ZEN Vision:M", true),
            ("ZEN*", "Creative ZEN", false),
            ("*ZEN*", "Creative ZEN Micro", true),
            ("N?", "N9", true),
            ("N?", "N95", false),
            ("*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaac", false),
            ("", "anything", true),
            ("*", "", true),
            ("?", "", false),
        ] {
            assert_eq!(text_matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn every_criterion_must_hold() {
        let criteria = Match {
            usb: vec!["041e:*".to_owned()],
            formats: vec!["BB83".to_owned()],
            operations_absent: vec!["9805".to_owned()],
            ..Match::default()
        };
        let device = DeviceIdentity {
            usb_id: (0x041e, 0x4150),
            formats: vec![0x3001, 0xBB83],
            operations: vec![0x1001],
            ..DeviceIdentity::default()
        };
        assert!(criteria.accepts(&device));
        assert!(!criteria.accepts(&DeviceIdentity { usb_id: (0x041f, 0x4150), ..device.clone() }));
        assert!(!criteria.accepts(&DeviceIdentity { formats: vec![0x3001], ..device.clone() }));
        assert!(!criteria.accepts(&DeviceIdentity { operations: vec![0x9805], ..device }));
    }

    #[test]
    fn a_profile_may_choose_the_way_over_the_cable() {
        let good = include_str!("../../device-profiles/generic.toml");
        let with = |line: &str| DeviceProfile::parse("generic.toml", &format!("{line}\n{good}"));
        assert_eq!(with("").unwrap().transport, Transport::Rusb);
        let chosen = with("transport = \"libmtp\"").unwrap();
        assert_eq!(chosen.transport, Transport::Libmtp);
        assert!(chosen.to_text().unwrap().contains("transport = \"libmtp\"\n"));
        assert!(!with("").unwrap().to_text().unwrap().contains("transport"), "the default is not written");
        assert!(with("transport = \"bluetooth\"").is_err());
        assert!(include_str!("../../device-profiles/README.md").contains("`transport`"));
    }

    #[test]
    fn quirks_are_sorted() {
        assert!(Quirks::NAMES.is_sorted());
        let two = Quirks { split_header: true, extra_byte: true, ..Quirks::default() };
        assert_eq!(two.names_on(), ["extra_byte", "split_header"]);
    }

    #[test]
    fn the_guide_names_every_key() {
        let guide = include_str!("../../device-profiles/README.md");
        for name in Quirks::NAMES {
            assert!(guide.contains(&format!("`{name}`")), "{name}");
        }
        let full = DeviceProfile::parse("generic.toml", include_str!("../../device-profiles/generic.toml"));
        let text = full.unwrap().to_text().unwrap();
        for key in text.lines().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key) {
            assert!(guide.contains(&format!("`{key}`")), "{key}");
        }
    }

    #[test]
    fn refuses_what_it_does_not_know() {
        let good = include_str!("../../device-profiles/generic.toml");
        assert!(DeviceProfile::parse("generic.toml", good).is_ok());
        assert!(DeviceProfile::parse("other.toml", good).is_err());
        assert!(DeviceProfile::parse("generic.toml", &format!("surprise = 1\n{good}")).is_err());
        for (key, value) in
            [("folders = [", "folders = [\"../x\", "), ("card_bytes_max = ", "card_bytes_max = 0 #")]
        {
            let bad = good.replace(key, value);
            assert_ne!(bad, good);
            assert!(DeviceProfile::parse("generic.toml", &bad).is_err(), "{value}");
        }
    }
}
