//! The udev rule, as text: which USB devices a desktop user may open, which start the service, and which other
//! programs should leave alone. Pure: profiles and paired phones in, text out. It must not read or write a file.
//!
//! What each line relies on (docs: udev(7), systemd.device(5), systemd's 70-uaccess.rules, libmtp's 69-libmtp.rules):
//! `usb_id` lists the interfaces of a device as `ID_USB_INTERFACES=:060101:ff4201:`; 70-uaccess.rules gives the user
//! at the screen access if 060101 is among them or `ID_MEDIA_PLAYER` is not empty; a template unit without an
//! instance in `SYSTEMD_USER_WANTS` is started with the device's escaped sysfs path as its instance.

use std::collections::BTreeSet;

use thiserror::Error;

use crate::device::DeviceProfile;

/// The file's name: after libmtp's 69-libmtp.rules, whose properties it reads and clears, and before
/// 70-uaccess.rules, which reads what it sets.
pub const RULE_FILE: &str = "69-tetherbook.rules";
/// The first line, by which a file is known as made by this program.
pub const RULE_MARK: &str = "# Made by: tetherbook udev generate";
/// The word in `ID_MEDIA_PLAYER` of a paired phone (and in `MIDDLE`): enough for uaccess, which wants any word, and
/// nothing to KDE's Solid, which wants a number.
const LEFT_ALONE: &str = "tetherbook";
/// A serial number is at most one USB string: 126 letters.
const SERIAL_LETTERS_MAX: usize = 126;

/// A device's USB vendor and product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UsbId {
    /// The vendor.
    pub vendor: u16,
    /// The product.
    pub product: u16,
}

/// A text that is no USB id or no paired phone. It says which and why.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RuleInputError {
    /// Not `vid:pid`.
    #[error("{0:?} is no USB id; write it as lsusb does, for example 04e8:6860")]
    UsbId(String),
    /// Not `VENDOR:SERIAL`.
    #[error("{0:?} names no paired phone; write VENDOR:SERIAL, for example 04e8:R58M1234567")]
    Paired(String),
    /// A serial number that could be read as more than a serial number.
    #[error(
        "the serial number {0:?} cannot stand in a udev rule; only letters, digits and . _ : + = @ - can"
    )]
    Serial(String),
}

impl std::str::FromStr for UsbId {
    type Err = RuleInputError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let halves = text.split_once(':').and_then(|(vendor, product)| Some((hex(vendor)?, hex(product)?)));
        let (vendor, product) = halves.ok_or_else(|| RuleInputError::UsbId(text.to_owned()))?;
        Ok(Self { vendor, product })
    }
}

impl std::fmt::Display for UsbId {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{:04x}:{:04x}", self.vendor, self.product)
    }
}

/// A paired phone as a rule can know it. The product id is no part of it: Android changes it with every mode
/// (file transfer with and without debugging, tethering), and the phone stays the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PairedDevice {
    vendor: Option<u16>,
    serial: String,
}

impl PairedDevice {
    /// The phone with this USB serial number, of this vendor if it is known.
    ///
    /// # Errors
    /// When the serial number holds a letter that means something in a rule (quotes, patterns, alternatives, line
    /// breaks, substitutions): it comes from the device, and a device must not write rules.
    pub fn new(vendor: Option<u16>, serial: &str) -> Result<Self, RuleInputError> {
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "._:+=@-".contains(letter);
        if serial.is_empty() || serial.len() > SERIAL_LETTERS_MAX || !serial.chars().all(is_plain) {
            return Err(RuleInputError::Serial(serial.to_owned()));
        }
        Ok(Self { vendor, serial: serial.to_owned() })
    }
}

impl std::str::FromStr for PairedDevice {
    type Err = RuleInputError;

    /// `04e8:SERIAL`, or `any:SERIAL` if the vendor is not known.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || RuleInputError::Paired(text.to_owned());
        let (vendor, serial) = text.split_once(':').ok_or_else(error)?;
        let vendor = if vendor == "any" { None } else { Some(hex(vendor).ok_or_else(error)?) };
        Self::new(vendor, serial)
    }
}

impl std::fmt::Display for PairedDevice {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.vendor {
            Some(vendor) => write!(formatter, "{vendor:04x}:{}", self.serial),
            None => write!(formatter, "any:{}", self.serial),
        }
    }
}

fn hex(text: &str) -> Option<u16> {
    let is_code = text.len() == 4 && text.chars().all(|letter| letter.is_ascii_hexdigit());
    is_code.then(|| u16::from_str_radix(text, 16).ok()).flatten()
}

/// The USB ids that profiles name exactly, in their criteria or as examples of devices. A whole vendor (`041e:*`) is
/// not among them: the vendor makes headsets and keyboards too.
#[must_use]
pub fn named_ids<'a>(profiles: impl IntoIterator<Item = &'a DeviceProfile>) -> BTreeSet<UsbId> {
    let mut ids = BTreeSet::new();
    for profile in profiles {
        let examples = profile.examples.iter().map(|example| &example.usb);
        let texts = profile.matches.usb.iter().chain(examples);
        ids.extend(texts.filter_map(|text| text.parse::<UsbId>().ok()));
    }
    ids
}

/// The rule file for devices with these USB ids and these paired phones.
#[must_use]
pub fn rule(named: &BTreeSet<UsbId>, paired: &BTreeSet<PairedDevice>) -> String {
    let mut text = format!("{RULE_MARK}\n{HEAD}");
    for id in named {
        text.push_str(&format!(
            "ATTR{{idVendor}}==\"{:04x}\", ATTR{{idProduct}}==\"{:04x}\", \
             ENV{{ID_USB_INTERFACES}}==\"*:ff????:*\", GOTO=\"tetherbook_named\"\n",
            id.vendor, id.product
        ));
    }
    text.push_str(MIDDLE);
    if paired.is_empty() {
        text.push_str("# (None was paired when this file was made.)\n");
    }
    for phone in paired {
        let vendor = phone.vendor.map(|vendor| format!("ATTR{{idVendor}}==\"{vendor:04x}\", "));
        text.push_str(&format!(
            "{}ATTR{{serial}}==\"{}\", ENV{{ID_MTP_DEVICE}}=\"\", ENV{{ID_GPHOTO2}}=\"\", \
             ENV{{ID_MEDIA_PLAYER}}=\"{LEFT_ALONE}\"\n",
            vendor.unwrap_or_default(),
            phone.serial
        ));
    }
    text.push_str("\nLABEL=\"tetherbook_end\"\n");
    text
}

/// Every event but the last is heard, not "add" and "bind" alone: udev forgets the properties and tags of a device
/// at each event, so a later "change" (udevadm trigger) would take the access away again, and with the tag the
/// device unit that the running service is bound to.
const HEAD: &str = r#"# Do not edit it: tetherbook udev install writes it anew. What a person adds belongs into a file of its own.
#
# It gives the user at the screen access to phones and players that speak MTP, starts the user service
# tetherbook@.service when one is plugged in, and keeps desktops away from phones that are paired with Tetherbook.
# It stands after 69-libmtp.rules, whose properties it reads, and before 70-uaccess.rules, which reads those set here.

ACTION=="remove", GOTO="tetherbook_end"
SUBSYSTEM!="usb", GOTO="tetherbook_end"
ENV{DEVTYPE}!="usb_device", GOTO="tetherbook_end"
ENV{MAJOR}!="?*", GOTO="tetherbook_end"

# Still-image class, which nearly every phone uses for MTP, and whatever libmtp's rules recognised.
ENV{ID_USB_INTERFACES}=="*:060101:*", GOTO="tetherbook_phone"
ENV{ID_MTP_DEVICE}=="1", GOTO="tetherbook_phone"

# Devices named by device profiles, whose MTP interface may be of the vendor's own class.
"#;

const MIDDLE: &str = r#"GOTO="tetherbook_end"

# 70-uaccess.rules gives access to what is a media player; a word that is no number invites no desktop to open it.
LABEL="tetherbook_named"
ENV{ID_MEDIA_PLAYER}=="", ENV{ID_MEDIA_PLAYER}="tetherbook"

# The template gets the device's path as its instance: tetherbook@sys-devices-….service.
LABEL="tetherbook_phone"
TAG+="systemd", ENV{SYSTEMD_USER_WANTS}+="tetherbook@.service"

# Paired phones. gvfs mounts what has ID_MTP_DEVICE or ID_GPHOTO2, and KDE opens what has a number in ID_MEDIA_PLAYER;
# access needs any word there.
"#;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::ProfileSet;

    fn built_in() -> BTreeSet<UsbId> {
        named_ids(ProfileSet::built_in().unwrap().all())
    }

    #[test]
    fn the_file_in_the_repository_is_what_is_made_for_nobody() {
        let golden = include_str!("../../udev/69-tetherbook.rules");
        assert_eq!(rule(&built_in(), &BTreeSet::new()), golden);
    }

    #[test]
    fn exact_ids_are_taken_from_criteria_and_examples_and_whole_vendors_are_not() {
        let ids: Vec<String> = built_in().iter().map(UsbId::to_string).collect();
        assert!(ids.contains(&"46f4:0004".to_owned()), "a criterion: {ids:?}");
        assert!(ids.contains(&"2931:0a05".to_owned()), "an example: {ids:?}");
        assert!(ids.iter().all(|id| !id.contains('*')));
        let text = rule(&built_in(), &BTreeSet::new());
        assert!(!text.contains("ATTR{idVendor}==\"041e\", ENV"), "a whole vendor");
    }

    #[test]
    fn every_jump_ends_at_a_label_below_it() {
        let paired = BTreeSet::from([PairedDevice::new(None, "A1").unwrap()]);
        let text = rule(&built_in(), &paired);
        for (at, line) in text.lines().enumerate() {
            if let Some((_, jump)) = line.split_once("GOTO=\"") {
                let label = format!("LABEL=\"{jump}");
                assert!(text.lines().skip(at).any(|line| line == label), "{line}");
            }
        }
    }

    #[test]
    fn a_paired_phone_is_known_by_vendor_and_serial() {
        let paired = ["18d1:R58M12.3_4-5", "any:0123456789ABCDEF"].map(|text| text.parse().unwrap());
        let text = rule(&BTreeSet::new(), &BTreeSet::from(paired));
        let lines: Vec<&str> = text.lines().filter(|line| line.contains("ATTR{serial}")).collect();
        assert_eq!(
            lines,
            [
                "ATTR{serial}==\"0123456789ABCDEF\", ENV{ID_MTP_DEVICE}=\"\", ENV{ID_GPHOTO2}=\"\", \
                 ENV{ID_MEDIA_PLAYER}=\"tetherbook\"",
                "ATTR{idVendor}==\"18d1\", ATTR{serial}==\"R58M12.3_4-5\", ENV{ID_MTP_DEVICE}=\"\", \
                 ENV{ID_GPHOTO2}=\"\", ENV{ID_MEDIA_PLAYER}=\"tetherbook\"",
            ]
        );
    }

    #[test]
    fn a_serial_number_cannot_write_rules() {
        for serial in [
            "",
            "*",
            "A?",
            "[A-Z]",
            "A|B",
            "A\"",
            "A\", RUN+=\"/bin/sh",
            "A\\",
            "A\nB",
            "A B",
            "$attr{serial}",
            "%k",
            "Ä",
            "A,B",
            &"A".repeat(127),
        ] {
            assert_eq!(
                PairedDevice::new(Some(1), serial),
                Err(RuleInputError::Serial(serial.to_owned())),
                "{serial:?}"
            );
        }
        for text in ["", "A", "18d:A", "18d1", "xyzw:A", "*:A"] {
            assert_eq!(text.parse::<PairedDevice>(), Err(RuleInputError::Paired(text.to_owned())));
        }
    }

    #[test]
    fn what_is_printed_is_read_back() {
        for text in ["04e8:R58M", "any:a:b"] {
            assert_eq!(text.parse::<PairedDevice>().unwrap().to_string(), text);
        }
        assert_eq!("04E8:6860".parse::<UsbId>().unwrap().to_string(), "04e8:6860");
        for text in ["04e8", "04e8:*", "4e8:6860", "04e8:6860:", "+4e8:6860"] {
            assert!(text.parse::<UsbId>().is_err(), "{text}");
        }
    }
}
