//! What a device profile says: which phones it is for, where they carry contacts, in which dialect, with which
//! quirks. Pure data; reading files from a folder is `profiles`' work.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::channel::NameRule;
pub use super::profile_guide::Guide;
pub use super::profile_match::{Example, Match, Unmet};
use super::profile_match::{code, glob, is_usb_pattern};
pub use super::profile_quirks::Quirks;
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
    /// What a person needs to know before trying it; every profile that is compiled in has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub guide: Option<Guide>,
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
    /// The object format with which cards are announced to a device over MTP, as four hexadecimal digits; without it,
    /// a vCard format that the device lists, else 3000 (Undefined).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_format: Option<String>,
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

    /// The object format with which cards are announced, if the profile says so.
    #[must_use]
    pub fn object_format_code(&self) -> Option<u16> {
        self.object_format.as_deref().and_then(code)
    }
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
        let guide_fault = profile.guide.as_ref().and_then(Guide::fault);
        match profile.first_fault(file).or(guide_fault) {
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
            (
                self.contacts.object_format.as_deref().is_none_or(|text| code(text).is_some()),
                "contacts.object_format is not four hexadecimal digits, such as BB83",
            ),
            (self.examples.iter().all(Example::is_well_formed), "an example has a malformed id or code"),
        ];
        let fault = faults.into_iter().find(|(holds, _)| !holds).map(|(_, reason)| reason.to_owned());
        fault
            .or_else(|| self.contacts.limits.check().err().map(|reason| format!("contacts.limits: {reason}")))
    }
}

fn is_folder_path(path: &str) -> bool {
    path == "." || path.split('/').all(super::tree::is_plain_name)
}

#[cfg(test)]
mod tests {
    use super::*;

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
    }

    #[test]
    fn a_profile_may_limit_what_the_device_holds() {
        let good = include_str!("../../device-profiles/generic.toml");
        let with = |lines: &str| {
            DeviceProfile::parse(
                "generic.toml",
                &good.replace("[contacts.names]", &format!("{lines}\n[contacts.names]")),
            )
        };
        let whole = with("").unwrap();
        assert!(whole.contacts.projection().is_all());
        assert!(!whole.to_text().unwrap().contains("limits"), "the default is not written");
        let limits = "[contacts.limits]\nascii = true\ncount_max = { TEL = 3 }\nlength_max = { FN = 20 }\n";
        let limited = with(limits).unwrap();
        assert_eq!(limited.contacts.projection().count_max("TEL"), Some(3));
        let text = limited.to_text().unwrap();
        assert_eq!(DeviceProfile::parse("generic.toml", &text).unwrap(), limited);
        let error = with("[contacts.limits]\ncount_max = { tel = 3 }\n").unwrap_err().to_string();
        assert!(error.contains("contacts.limits: “tel” is no property"), "{error}");
        assert!(with("[contacts.limits]\nnumbers = 3\n").is_err());
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
