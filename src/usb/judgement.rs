//! Whether what a device says of its interfaces is MTP. Pure: values in, a verdict out.
//!
//! Sources: USB Still Image Capture Device Definition (class 06/01/01); libmtp's probing order as described in its
//! documentation: class, then the interface's name, then Microsoft's OS descriptor.

use super::device::{Evidence, MtpInterface};

/// What a descriptor says of one endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EndpointFacts {
    /// Its address; bit 7 is set for "in".
    pub(super) address: u8,
    /// What kind of transfers it is for.
    pub(super) kind: EndpointKind,
    /// Its largest packet, in bytes.
    pub(super) packet_bytes: u16,
}

/// The kinds of endpoints that matter here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EndpointKind {
    Bulk,
    Interrupt,
    Other,
}

/// What the descriptors say of one alternate setting of an interface.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InterfaceFacts {
    pub(super) configuration: u8,
    pub(super) number: u8,
    pub(super) alternate: u8,
    /// Class, subclass, protocol.
    pub(super) class: (u8, u8, u8),
    /// The interface's name; empty if it has none or it cannot be read.
    pub(super) name: String,
    pub(super) endpoints: Vec<EndpointFacts>,
}

const IMAGE_CLASS: (u8, u8, u8) = (0x06, 0x01, 0x01);
const VENDOR_CLASS: u8 = 0xff;
const STORAGE_CLASS: u8 = 0x08;
/// Interfaces of things that are no phone, whoever made them: audio, HID, printer, hub, video.
const OTHER_CLASSES: [u8; 5] = [0x01, 0x03, 0x07, 0x09, 0x0e];

/// Vendors of phones: a device of theirs without an MTP interface is probably a phone that only charges. The list is
/// for words only; a phone that speaks MTP is found whoever made it. Source: the public USB id list.
const PHONE_VENDORS: [u16; 26] = [
    0x0421, 0x04dd, 0x04e8, 0x0b05, 0x0bb4, 0x0e8d, 0x0fce, 0x1004, 0x109b, 0x12d1, 0x1782, 0x17ef, 0x18d1,
    0x19d2, 0x1bbb, 0x22b8, 0x22d9, 0x2717, 0x2931, 0x2a45, 0x2a47, 0x2a70, 0x2ae5, 0x2d95, 0x2e04, 0x339b,
];

impl InterfaceFacts {
    /// The interface with its endpoints, if it has the two that MTP needs.
    fn with(&self, evidence: Evidence) -> Option<MtpInterface> {
        let find = |kind: EndpointKind, is_in: bool| {
            self.endpoints
                .iter()
                .find(|endpoint| endpoint.kind == kind && (endpoint.address & 0x80 != 0) == is_in)
        };
        let bulk_in = find(EndpointKind::Bulk, true)?;
        let bulk_out = find(EndpointKind::Bulk, false)?;
        Some(MtpInterface {
            configuration: self.configuration,
            number: self.number,
            alternate: self.alternate,
            bulk_in: bulk_in.address,
            bulk_out: bulk_out.address,
            interrupt_in: find(EndpointKind::Interrupt, true).map(|endpoint| endpoint.address),
            packet_bytes: usize::from(bulk_out.packet_bytes.max(1)),
            evidence,
        })
    }

    /// Whether it could be MTP behind a vendor's class: all three endpoints, and nothing better known.
    fn is_vendor_candidate(&self) -> bool {
        self.class.0 == VENDOR_CLASS
            && self.with(Evidence::MicrosoftDescriptor).is_some_and(|found| found.interrupt_in.is_some())
    }
}

/// The interface that shows by itself that it speaks MTP.
pub(super) fn plain_interface(interfaces: &[InterfaceFacts]) -> Option<MtpInterface> {
    let by_class = interfaces
        .iter()
        .filter(|facts| facts.class == IMAGE_CLASS)
        .find_map(|facts| facts.with(Evidence::ImageClass));
    by_class.or_else(|| {
        interfaces
            .iter()
            .filter(|facts| facts.class.0 == VENDOR_CLASS && facts.name.to_uppercase().contains("MTP"))
            .find_map(|facts| facts.with(Evidence::InterfaceName))
    })
}

/// Whether a device without a plain MTP interface is worth asking for Microsoft's descriptor.
pub(super) fn is_worth_asking(interfaces: &[InterfaceFacts]) -> bool {
    interfaces.iter().any(InterfaceFacts::is_vendor_candidate)
}

/// The interface of a device that was found to be MTP by other means. Old players have one of the storage class.
pub(super) fn only_interface(interfaces: &[InterfaceFacts], evidence: Evidence) -> Option<MtpInterface> {
    let vendor = interfaces.iter().filter(|facts| facts.is_vendor_candidate());
    let any = interfaces.iter().filter(|facts| facts.class.0 != STORAGE_CLASS);
    vendor.chain(any).find_map(|facts| facts.with(evidence))
}

/// Whether a device without MTP is probably a phone all the same, one that only charges or shares its network.
pub(super) fn may_be_phone(vendor: u16, device_class: u8, interfaces: &[InterfaceFacts]) -> bool {
    PHONE_VENDORS.contains(&vendor)
        && device_class != 0x09
        && !interfaces.iter().any(|facts| OTHER_CLASSES.contains(&facts.class.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(address: u8, kind: EndpointKind) -> EndpointFacts {
        EndpointFacts { address, kind, packet_bytes: 512 }
    }

    fn interface(number: u8, class: (u8, u8, u8), name: &str) -> InterfaceFacts {
        let endpoints = vec![
            endpoint(0x81, EndpointKind::Bulk),
            endpoint(0x02, EndpointKind::Bulk),
            endpoint(0x83, EndpointKind::Interrupt),
        ];
        InterfaceFacts { configuration: 1, number, alternate: 0, class, name: name.to_owned(), endpoints }
    }

    #[test]
    fn the_image_class_goes_before_names() {
        let all = [interface(0, (0xff, 0xff, 0), "MTP"), interface(1, IMAGE_CLASS, "")];
        let found = plain_interface(&all).unwrap();
        assert_eq!((found.number, found.evidence), (1, Evidence::ImageClass));
        assert_eq!((found.bulk_in, found.bulk_out, found.interrupt_in), (0x81, 0x02, Some(0x83)));
        assert_eq!(found.packet_bytes, 512);
        let named = plain_interface(&all[..1]).unwrap();
        assert_eq!(named.evidence, Evidence::InterfaceName);
    }

    #[test]
    fn adb_and_disks_are_not_mtp() {
        let adb = InterfaceFacts {
            endpoints: vec![endpoint(0x84, EndpointKind::Bulk), endpoint(0x03, EndpointKind::Bulk)],
            ..interface(0, (0xff, 0x42, 0x01), "ADB Interface")
        };
        let disk = interface(1, (0x08, 0x06, 0x50), "");
        assert_eq!(plain_interface(&[adb.clone(), disk.clone()]), None);
        assert!(!is_worth_asking(&[adb.clone(), disk.clone()]));
        assert!(is_worth_asking(&[interface(0, (0xff, 0, 0), "")]));
        assert!(may_be_phone(0x18d1, 0, &[adb]));
        assert!(only_interface(&[disk], Evidence::KnownDevice).is_none());
    }

    #[test]
    fn an_interface_without_its_bulk_endpoints_is_of_no_use() {
        let mut bare = interface(0, IMAGE_CLASS, "MTP");
        bare.endpoints.retain(|endpoint| endpoint.address != 0x02);
        assert_eq!(plain_interface(&[bare]), None);
    }

    #[test]
    fn a_vendors_other_products_are_no_phones() {
        let keyboard = interface(0, (0x03, 1, 1), "");
        assert!(!may_be_phone(0x04e8, 0, &[keyboard]), "a keyboard of a phone maker");
        assert!(!may_be_phone(0x046d, 0, &[]), "another maker");
        assert!(!may_be_phone(0x04e8, 9, &[]), "a hub");
        assert!(may_be_phone(0x04e8, 0, &[]));
    }
}
