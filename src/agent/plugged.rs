//! Opening a phone that is plugged in: which one is meant, how its cable must be humoured, and the tree over it.
//!
//! Choosing is a function of what stands on the bus; only [`open`] touches it. It must not know contacts.

use std::rc::Rc;

use thiserror::Error;

use super::assembly::{ConnectedPhone, remembered_habits};
use super::identity::usb_address;
use crate::device::{InterruptibleTree, MtpTree, ProfileSet, Quirks, Transport, TreeError, libmtp_knows};
use crate::mtp::SessionOptions;
use crate::provider::{Clock, Interrupt};
use crate::store::{Store, StoreError};
use crate::usb::{CableQuirks, Ports, UsbDevice, UsbError};

/// Why no phone on the bus could be opened.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PluggedFailure {
    /// Nothing that could be a phone is plugged in.
    #[error("no phone is plugged in")]
    NonePlugged,
    /// There is a phone, but it offers no file transfer; its name.
    #[error("{0} is plugged in, but offers no file transfer (MTP)")]
    ChargeOnly(String),
    /// None of the phones that are plugged in is meant by the selector.
    #[error("no phone that is plugged in is meant by {selector:?}")]
    NoneMeant {
        /// What was asked for.
        selector: String,
        /// The phones that are plugged in, each as a person can name it.
        plugged: Vec<String>,
    },
    /// Several are meant; each as a person can name it.
    #[error("several phones are plugged in: {}", .0.join(", "))]
    Several(Vec<String>),
    /// libmtp was asked for, and the program was built without it.
    #[error("this tetherbook was built without libmtp")]
    NoLibmtp,
    /// The bus or the cable.
    #[error(transparent)]
    Usb(#[from] UsbError),
    /// The phone answered, but not as it must.
    #[error(transparent)]
    Tree(#[from] TreeError),
    /// The memory of earlier sessions.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The phone that is meant by `selector` among those on the bus: the only one, or the one whose serial number, USB id
/// or part of the name it is.
///
/// # Errors
/// When there is none, several, or only one that charges.
pub fn choose<'a>(devices: &'a [UsbDevice], selector: &str) -> Result<&'a UsbDevice, PluggedFailure> {
    let meant: Vec<&UsbDevice> = devices.iter().filter(|device| device.is_meant_by(selector)).collect();
    let speaking: Vec<&UsbDevice> = meant.iter().copied().filter(|device| device.is_mtp()).collect();
    // A serial number says exactly which, even if it is a part of another's name too.
    let exact = speaking.iter().find(|device| !selector.is_empty() && device.serial == selector);
    match (exact, speaking.as_slice(), meant.as_slice(), devices) {
        (Some(device), ..) | (None, [device], ..) => Ok(device),
        (None, [], [], []) => Err(PluggedFailure::NonePlugged),
        (None, [], [], plugged) => Err(PluggedFailure::NoneMeant {
            selector: selector.to_owned(),
            plugged: plugged.iter().map(spoken).collect(),
        }),
        (None, [], [charging, ..], _) => Err(PluggedFailure::ChargeOnly(charging.label())),
        (None, several, ..) => {
            Err(PluggedFailure::Several(several.iter().map(|device| spoken(device)).collect()))
        }
    }
}

/// A phone as a person can name it: its label and how to select it.
fn spoken(device: &UsbDevice) -> String {
    format!("{} ({})", device.label(), address_of(device))
}

/// How a phone on the bus is found again: by its serial number; one that has none is only known by its USB id.
#[must_use]
pub fn address_of(device: &UsbDevice) -> String {
    usb_address(&device.serial, "", device.usb_id)
}

/// What of a profile's quirks the cable must know.
#[must_use]
pub fn cable_quirks(quirks: Quirks) -> CableQuirks {
    CableQuirks {
        detach_kernel_driver: quirks.kernel_driver,
        never_release: quirks.never_release,
        reset_on_close: quirks.reset_on_close,
        reset_port: quirks.open_within_3s,
    }
}

/// What a phone on the cable is opened with.
pub struct Opening<'a> {
    /// The known devices.
    pub profiles: &'a ProfileSet,
    /// Where its habits are remembered.
    pub store: &'a Store,
    /// The time.
    pub clock: &'a Rc<dyn Clock>,
    /// By which way; `None` leaves that to its profile.
    pub transport: Option<Transport>,
    /// The person's wish to stop.
    pub interrupt: Interrupt,
}

/// Claims `device` and opens a session with it: as `opening` says, or its profile. What libmtp knows of the device
/// is heeded in either case.
///
/// # Errors
/// When it is gone, held, may not be opened, or does not answer.
pub fn open(
    ports: &dyn Ports,
    device: &UsbDevice,
    opening: Opening<'_>,
) -> Result<ConnectedPhone, PluggedFailure> {
    let Opening { profiles, store, clock, transport, interrupt } = opening;
    let address = address_of(device);
    if transport.unwrap_or_else(|| profiles.transport_of_usb(device.usb_id)) == Transport::Libmtp {
        let ConnectedPhone { tree, address } = open_with_libmtp(ports, device, address)?;
        return Ok(ConnectedPhone { tree: Box::new(InterruptibleTree::new(tree, interrupt)), address });
    }
    let known = libmtp_knows(device.usb_id).map(|known| known.flags.quirks());
    let quirks = profiles.quirks_of_usb(device.usb_id).union(known.unwrap_or_default());
    let habits = remembered_habits(store, &address)?.unwrap_or_default();
    let options = SessionOptions {
        quirks: quirks.for_session(),
        listing_method: MtpTree::listing_method_of(&habits),
        interrupt,
        ..SessionOptions::default()
    };
    let link = ports.connect(device, cable_quirks(quirks))?;
    let tree = MtpTree::open(link, Rc::clone(clock), &options)?;
    Ok(ConnectedPhone { tree: Box::new(tree), address })
}

/// Opens with libmtp. Where that fails it does not say why, and keeps the interface, so that the own cable cannot be asked
/// either; but who has the phone open can be seen.
#[cfg(feature = "libmtp")]
fn open_with_libmtp(
    ports: &dyn Ports,
    device: &UsbDevice,
    address: String,
) -> Result<ConnectedPhone, PluggedFailure> {
    let tree = crate::device::LibmtpTree::open(device.bus, device.address).map_err(|error| {
        let holders = if matches!(error, TreeError::Busy(_)) { ports.holders(device) } else { Vec::new() };
        if holders.is_empty() { PluggedFailure::Tree(error) } else { UsbError::Held(holders).into() }
    })?;
    Ok(ConnectedPhone { tree: Box::new(tree), address })
}

#[cfg(not(feature = "libmtp"))]
fn open_with_libmtp(
    _ports: &dyn Ports,
    _device: &UsbDevice,
    _address: String,
) -> Result<ConnectedPhone, PluggedFailure> {
    Err(PluggedFailure::NoLibmtp)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usb::{Access, Evidence, MtpInterface};

    fn device(product: &str, serial: &str, is_mtp: bool) -> UsbDevice {
        let interface = MtpInterface {
            configuration: 1,
            number: 0,
            alternate: 0,
            bulk_in: 0x81,
            bulk_out: 0x02,
            interrupt_in: Some(0x83),
            packet_bytes: 512,
            evidence: Evidence::ImageClass,
        };
        UsbDevice {
            bus: 1,
            address: 4,
            ports: String::from("1-2"),
            usb_id: (0x18d1, 0x4ee1),
            manufacturer: String::from("Example"),
            product: product.to_owned(),
            serial: serial.to_owned(),
            interface: is_mtp.then_some(interface),
            access: Access::Granted,
        }
    }

    #[test]
    fn the_only_phone_is_meant_and_several_must_be_told_apart() {
        let one = [device("One", "A1B2", true), device("Charger", "C", false)];
        assert_eq!(choose(&one, "").unwrap().serial, "A1B2");
        let two = [device("One", "A1B2", true), device("One", "A1B23", true)];
        assert_eq!(
            choose(&two, "").unwrap_err().to_string(),
            "several phones are plugged in: Example One (usb:A1B2), Example One (usb:A1B23)"
        );
        assert_eq!(choose(&two, "A1B2").unwrap().serial, "A1B2");
        assert!(matches!(choose(&two, "one"), Err(PluggedFailure::Several(both)) if both.len() == 2));
    }

    #[test]
    fn what_is_missing_is_said() {
        assert_eq!(choose(&[], ""), Err(PluggedFailure::NonePlugged));
        assert_eq!(choose(&[], "A1B2"), Err(PluggedFailure::NonePlugged));
        let charging = [device("One", "A1B2", false)];
        assert_eq!(choose(&charging, ""), Err(PluggedFailure::ChargeOnly(String::from("Example One"))));
        let other = choose(&charging, "B2").unwrap_err();
        assert!(
            matches!(&other, PluggedFailure::NoneMeant { plugged, .. } if plugged.len() == 1),
            "{other:?}"
        );
    }

    #[test]
    fn a_phone_without_a_serial_number_is_known_by_its_usb_id() {
        assert_eq!(address_of(&device("One", "A1B2", true)), "usb:A1B2");
        assert_eq!(address_of(&device("One", " ", true)), "usb:18d1:4ee1");
        assert_eq!(choose(&[device("One", "", true)], "18d1:4ee1").unwrap().product, "One");
    }

    #[test]
    fn the_cable_is_told_what_concerns_it() {
        let quirks = Quirks { kernel_driver: true, open_within_3s: true, ..Quirks::default() };
        let told = cable_quirks(quirks);
        assert!(told.detach_kernel_driver && told.reset_port && !told.never_release && !told.reset_on_close);
        let quirks = Quirks { never_release: true, reset_on_close: true, ..Quirks::default() };
        let told = cable_quirks(quirks);
        assert!(told.never_release && told.reset_on_close && !told.detach_kernel_driver && !told.reset_port);
    }
}
