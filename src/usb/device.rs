//! A device on the bus, as far as it can be told without talking to it. Plain values; no I/O.

use std::path::PathBuf;

/// Whether this user may open a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// The device node opens.
    Granted,
    /// The operating system says no.
    Denied,
}

/// What showed that an interface speaks MTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evidence {
    /// Interface class 06, subclass 01, protocol 01 (USB Still Image Capture), which MTP shares with PTP.
    ImageClass,
    /// A vendor-class interface whose name contains "MTP".
    InterfaceName,
    /// Microsoft's OS descriptor names "MTP" as the compatible id.
    MicrosoftDescriptor,
    /// A profile or libmtp's table names this vendor and product as an MTP device.
    KnownDevice,
}

/// The interface and its three endpoints.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MtpInterface {
    /// The configuration's value.
    pub configuration: u8,
    /// The interface's number.
    pub number: u8,
    /// The alternate setting.
    pub alternate: u8,
    /// The bulk-in endpoint's address.
    pub bulk_in: u8,
    /// The bulk-out endpoint's address.
    pub bulk_out: u8,
    /// The interrupt-in endpoint's address, if there is one.
    pub interrupt_in: Option<u8>,
    /// The largest packet of the bulk endpoints, in bytes.
    pub packet_bytes: usize,
    /// What showed that it speaks MTP.
    pub evidence: Evidence,
}

/// A device on the bus that is a phone or player, or may be one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsbDevice {
    /// The bus number.
    pub bus: u8,
    /// The device's number on the bus; another one after each plugging in.
    pub address: u8,
    /// Where it is plugged in: the kernel's name, such as `1-2.1`; empty if it cannot be told.
    pub ports: String,
    /// Vendor and product id.
    pub usb_id: (u16, u16),
    /// The manufacturer's name, as the device says; empty if it says nothing.
    pub manufacturer: String,
    /// The product's name, likewise.
    pub product: String,
    /// The serial number, likewise.
    pub serial: String,
    /// The interface that speaks MTP; `None` for a phone that only charges, or is in another mode.
    pub interface: Option<MtpInterface>,
    /// Whether this user may open it.
    pub access: Access,
}

impl UsbDevice {
    /// The device node, such as `/dev/bus/usb/001/004`.
    #[must_use]
    pub fn node(&self) -> PathBuf {
        PathBuf::from(format!("/dev/bus/usb/{:03}/{:03}", self.bus, self.address))
    }

    /// What a person calls it: manufacturer and product, or the USB id if it says neither.
    #[must_use]
    pub fn label(&self) -> String {
        let (manufacturer, product) = (self.manufacturer.trim(), self.product.trim());
        let says_maker = product.to_lowercase().starts_with(&manufacturer.to_lowercase());
        match (manufacturer.is_empty(), product.is_empty()) {
            (true, true) => format!("USB device {}", self.usb_id_text()),
            (_, true) => format!("{manufacturer} device"),
            _ if says_maker => product.to_owned(),
            _ => format!("{manufacturer} {product}"),
        }
    }

    /// Vendor and product id as `vvvv:pppp`, lower-case hexadecimal.
    #[must_use]
    pub fn usb_id_text(&self) -> String {
        format!("{:04x}:{:04x}", self.usb_id.0, self.usb_id.1)
    }

    /// Whether it offers MTP.
    #[must_use]
    pub fn is_mtp(&self) -> bool {
        self.interface.is_some()
    }

    /// Whether a person's selector means this device: its serial number, or a part of its label, or empty for any.
    #[must_use]
    pub fn is_meant_by(&self, selector: &str) -> bool {
        let selector = selector.trim();
        selector.is_empty()
            || self.serial == selector
            || self.usb_id_text() == selector.to_lowercase()
            || self.label().to_lowercase().contains(&selector.to_lowercase())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(in crate::usb) fn device(manufacturer: &str, product: &str) -> UsbDevice {
        UsbDevice {
            bus: 1,
            address: 4,
            ports: String::from("1-2"),
            usb_id: (0x04e8, 0x6860),
            manufacturer: manufacturer.to_owned(),
            product: product.to_owned(),
            serial: String::from("R58M123ABC"),
            interface: None,
            access: Access::Granted,
        }
    }

    #[test]
    fn labels_say_the_maker_once() {
        assert_eq!(device("SAMSUNG", "Galaxy S21").label(), "SAMSUNG Galaxy S21");
        assert_eq!(device("Nokia", "Nokia 6300").label(), "Nokia 6300");
        assert_eq!(device("", "MTP player").label(), "MTP player");
        assert_eq!(device("Creative", "").label(), "Creative device");
        assert_eq!(device("", " ").label(), "USB device 04e8:6860");
        assert_eq!(device("", "").node(), PathBuf::from("/dev/bus/usb/001/004"));
    }

    #[test]
    fn a_selector_is_a_serial_an_id_or_a_part_of_the_name() {
        let device = device("SAMSUNG", "Galaxy S21");
        for selector in ["", "R58M123ABC", "galaxy", "04E8:6860", "Samsung gal"] {
            assert!(device.is_meant_by(selector), "{selector}");
        }
        for selector in ["R58M123AB", "pixel", "04e8"] {
            assert!(!device.is_meant_by(selector), "{selector}");
        }
    }
}
