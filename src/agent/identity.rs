//! Which of the known phones a connected one is, as a function from values to values: what was remembered of one
//! phone is never applied to another.
//!
//! A phone is known by two things together: the marker in its contacts folder and its address, which holds the serial
//! number. The marker alone travels with a copied folder (a transfer to a new phone, a backup put on another one);
//! the serial number alone stays when the phone is reset or its card is swapped. Where the two do not agree, what is
//! remembered does not count, everything is compared, and nothing is deleted. This file must not read or write
//! anything.

use crate::device::DeviceIdentity;
use crate::ics::Guid;
use crate::store::KnownPhone;

/// Serial numbers of less than so many characters tell nothing apart.
const SERIAL_LENGTH_MIN: usize = 4;

/// What firmware writers put where a serial number belongs.
const SERIAL_FILLERS: [&str; 8] =
    ["unknown", "none", "null", "n/a", "default", "serial", "serialnumber", "android"];

/// Whether a serial number is one: some firmware gives every phone the same.
#[must_use]
pub fn is_serial_number(text: &str) -> bool {
    let text = text.trim().to_lowercase();
    let letters: Vec<char> = text.chars().filter(|letter| letter.is_alphanumeric()).collect();
    let Some(first) = letters.first() else { return false };
    let is_counted = ["0123456789abcdef", "123456789abcdef", "1234567890", "0123456789", "abcdef"]
        .iter()
        .any(|digits| letters.iter().copied().eq(digits.chars().cycle().take(letters.len())));
    letters.len() >= SERIAL_LENGTH_MIN
        && letters.iter().any(|letter| letter != first)
        && !is_counted
        && !SERIAL_FILLERS.contains(&text.as_str())
}

/// The address of a phone on the cable: "usb:SERIAL", or "usb:MODEL" for one without a serial number of its own.
#[must_use]
pub fn usb_address(serial: &str, model: &str, usb_id: (u16, u16)) -> String {
    match (is_serial_number(serial), model.trim()) {
        (true, _) => format!("usb:{}", serial.trim()),
        (false, "") => format!("usb:{}", usb_id_text(usb_id)),
        (false, model) => format!("usb:{model}"),
    }
}

/// USB vendor and product id as lsusb writes them.
#[must_use]
pub fn usb_id_text((vendor, product): (u16, u16)) -> String {
    format!("{vendor:04x}:{product:04x}")
}

/// What a connected phone shows of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Appearance {
    /// The address: usb:SERIAL, usb:MODEL, dir:PATH or sim:PATH.
    pub address: String,
    /// Whether that address is this phone's alone.
    pub has_serial: bool,
    /// Manufacturer and model.
    pub model: String,
    /// USB vendor and product id; `None` without USB.
    pub usb_id: Option<(u16, u16)>,
    /// The replica's id in the marker of its contacts folder.
    pub marker: Option<Guid>,
}

impl Appearance {
    /// Of a phone at that address. What the cable's address holds is read from the phone itself.
    pub(super) fn new(address: String, identity: &DeviceIdentity, marker: Option<Guid>) -> Self {
        let is_usb = scheme(&address) == "usb";
        let has_serial = !is_usb || is_serial_number(&identity.serial);
        let address =
            if is_usb { usb_address(&identity.serial, &identity.model, identity.usb_id) } else { address };
        let DeviceIdentity { manufacturer, model, usb_id, .. } = identity;
        // Some phones begin the model with the maker's name.
        let model =
            if manufacturer.is_empty() || model.to_lowercase().starts_with(&manufacturer.to_lowercase()) {
                model.clone()
            } else {
                format!("{manufacturer} {model}")
            };
        let usb_id = Some(*usb_id).filter(|id| is_usb && *id != (0, 0));
        Self { address, has_serial, model, usb_id, marker }
    }

    /// Whether a phone was known by this address. The product id is not asked: it changes with the phone's mode.
    pub(super) fn has_address_of(&self, known: &KnownPhone) -> bool {
        let sighting = &known.sighting;
        let vendor = sighting.usb_id.as_deref().and_then(|id| id.split_once(':')).map(|(vendor, _)| vendor);
        let own = self.usb_id.map(|(vendor, _)| format!("{vendor:04x}"));
        sighting.serial.as_deref() == Some(self.address.as_str())
            && sighting.has_serial == self.has_serial
            && (self.has_serial || vendor.is_none() || own.is_none() || vendor == own.as_deref())
    }
}

/// What a connected phone is taken for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Verdict {
    /// The replica's id; a known one or a new one.
    pub guid: Guid,
    /// Why what is remembered of that replica does not count this time.
    pub doubt: Option<String>,
    /// What a person should know.
    pub note: Option<String>,
}

/// How a phone relates to the known one whose marker it shows.
enum Kinship {
    Same,
    /// It is reached in a way by which it cannot be known again.
    Unclear,
    Another,
}

/// Decides. `is_still_there` tells whether the folder at the address where a marker was seen last still has it;
/// `fresh` makes a new id. The phones are given in the order in which they were seen, the last one first.
pub(super) fn decide(
    known: &[KnownPhone],
    here: &Appearance,
    is_still_there: &dyn Fn(&KnownPhone) -> bool,
    fresh: impl FnOnce() -> Guid,
) -> Verdict {
    let Some(marker) = here.marker else { return decide_unmarked(known, here, fresh) };
    let sure = |guid| Verdict { guid, doubt: None, note: None };
    let Some(marked) = known.iter().find(|phone| phone.sighting.guid == marker) else {
        let before = known.iter().any(|phone| here.has_serial && here.has_address_of(phone));
        let note = before.then(|| {
            String::from(
                "This is another contacts folder than the one that was synced with this phone before: of another \
                 card or storage, or made by another computer. Everything is compared, and nothing is deleted.",
            )
        });
        return Verdict { note, ..sure(marker) };
    };
    match kinship(marked, here, is_still_there) {
        Kinship::Same => sure(marker),
        Kinship::Unclear => {
            let before = marked.sighting.serial.as_deref().unwrap_or_default();
            let doubt = format!("it was {before} and is now {}, which may be a copy", here.address);
            Verdict { doubt: Some(doubt), ..sure(marker) }
        }
        Kinship::Another => decide_copy(known, here, marked, fresh),
    }
}

fn kinship(marked: &KnownPhone, here: &Appearance, is_still_there: &dyn Fn(&KnownPhone) -> bool) -> Kinship {
    let Some(address) = marked.sighting.serial.as_deref() else { return Kinship::Same };
    match (scheme(address), scheme(&here.address)) {
        _ if here.has_address_of(marked) => Kinship::Same,
        // A card or a share may be mounted elsewhere every time; a copy is one if both are there.
        ("dir", "dir") if !is_still_there(marked) => Kinship::Same,
        (before, now) if before == now => Kinship::Another,
        _ => Kinship::Unclear,
    }
}

/// The marker belongs to another phone: the folder came from there.
fn decide_copy(
    known: &[KnownPhone],
    here: &Appearance,
    marked: &KnownPhone,
    fresh: impl FnOnce() -> Guid,
) -> Verdict {
    let own = known.iter().find(|phone| {
        here.has_serial && phone.sighting.guid != marked.sighting.guid && here.has_address_of(phone)
    });
    let name = called(marked);
    if let Some(own) = own {
        // Before its first write a phone of its own still shows the marker that it came with.
        let doubt = (own.generation > 0).then(|| format!("its contacts folder came from {name}"));
        return Verdict { guid: own.sighting.guid, doubt, note: None };
    }
    let (what, differs) = match scheme(&here.address) {
        "dir" => ("folder", "both are there"),
        _ if here.has_serial => ("phone", "the serial number is another"),
        _ => ("phone", "the model or the serial number is another"),
    };
    let pair_anew = match &marked.pairing {
        Some(_) if what == "phone" => {
            " If it is the same phone after all, pair it again under another name, then forget the old one."
        }
        _ => "",
    };
    let note = format!(
        "The contacts of this {what} were copied from {name}, perhaps by a transfer or a backup: the marker is the \
         same, but {differs}. From now on it counts as a {what} of its own. Everything is compared, and nothing is \
         deleted.{pair_anew}"
    );
    Verdict { guid: fresh(), doubt: None, note: Some(note) }
}

/// Without a marker only the address tells: a phone that was never written to, or was reset, or whose card is new.
fn decide_unmarked(known: &[KnownPhone], here: &Appearance, fresh: impl FnOnce() -> Guid) -> Verdict {
    let mut alike = known.iter().filter(|phone| here.has_address_of(phone));
    let sure = |guid| Verdict { guid, doubt: None, note: None };
    if here.has_serial {
        return sure(alike.next().map_or_else(fresh, |phone| phone.sighting.guid));
    }
    let nothing_to_know_it_by = "it has neither a serial number of its own nor a marker to know it by";
    match (alike.clone().find(|phone| phone.generation == 0), alike.next()) {
        // It was never written to, so it may be that one; that is as much as can be said in every session.
        (Some(unmarked), _) => {
            let doubt = Some(String::from(nothing_to_know_it_by));
            Verdict { doubt, ..sure(unmarked.sighting.guid) }
        }
        (None, Some(other)) => {
            let note = format!(
                "This phone cannot be told from {}, which was synced before: {nothing_to_know_it_by}. It counts as a \
                 new phone. Everything is compared, and nothing is deleted.",
                called(other)
            );
            Verdict { note: Some(note), ..sure(fresh()) }
        }
        (None, None) => sure(fresh()),
    }
}

/// What a person may know a phone by: its name, or label and address.
pub(super) fn called(phone: &KnownPhone) -> String {
    match (&phone.pairing, &phone.sighting.serial) {
        (Some(pairing), Some(address)) => format!("“{}” ({address})", pairing.name),
        (Some(pairing), None) => format!("“{}”", pairing.name),
        (None, Some(address)) => format!("“{}” ({address})", phone.sighting.label),
        (None, None) => format!("“{}”", phone.sighting.label),
    }
}

/// What stands before the colon of an address.
pub(super) fn scheme(address: &str) -> &str {
    address.split_once(':').map_or(address, |(scheme, _)| scheme)
}

#[cfg(test)]
#[path = "identity_tests.rs"]
mod tests;
