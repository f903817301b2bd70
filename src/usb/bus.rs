//! The real bus, over libusb (crate rusb). Reads descriptors; opens a device only to claim it, or to ask one with a
//! vendor's class whether it speaks MTP.

use std::cell::OnceCell;
use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use rusb::{Context, Device, TransferType, UsbContext};

use super::cable::{Cable, CableQuirks};
use super::device::{Access, Evidence, MtpInterface, UsbDevice};
use super::error::UsbError;
use super::holders::{Holder, holders_of};
use super::judgement::{
    EndpointFacts, EndpointKind, InterfaceFacts, is_worth_asking, may_be_phone, only_interface,
    plain_interface,
};
use super::microsoft;
use super::ports::Ports;
use super::sysfs;
use super::watch::{Change, Watch};
use crate::mtp::Link;
use crate::provider::Clock;

/// How long a device may take to answer a descriptor request, in milliseconds.
const DESCRIPTOR_TIMEOUT_MS: u64 = 500;

/// The real bus. Nothing is opened before it is first asked.
pub struct Bus {
    /// Vendors and products that are MTP devices without showing it, from the profiles and libmtp's table.
    known: Box<dyn Fn((u16, u16)) -> bool>,
    watch: OnceCell<Watch>,
    clock: Rc<dyn Clock>,
}

impl std::fmt::Debug for Bus {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Bus")
    }
}

impl Bus {
    /// A bus on which devices whose USB id satisfies `known` count as MTP devices whatever they show.
    #[must_use]
    pub fn new(clock: Rc<dyn Clock>, known: Box<dyn Fn((u16, u16)) -> bool>) -> Self {
        Self { known, watch: OnceCell::new(), clock }
    }

    /// What can be told of a device, if it is a phone or player or may be one.
    fn describe(&self, device: &Device<Context>) -> Option<UsbDevice> {
        let descriptor = device.device_descriptor().ok()?;
        let usb_id = (descriptor.vendor_id(), descriptor.product_id());
        let (bus, address) = (device.bus_number(), device.address());
        let folder = sysfs::folder(Path::new(sysfs::DEVICES), bus, address);
        let interfaces = interfaces_of(device, folder.as_deref());
        let found = plain_interface(&interfaces)
            .or_else(|| {
                let is_known = (self.known)(usb_id);
                is_known.then(|| only_interface(&interfaces, Evidence::KnownDevice)).flatten()
            })
            .or_else(|| {
                let says_mtp = is_worth_asking(&interfaces) && asks_for_mtp(device);
                says_mtp.then(|| only_interface(&interfaces, Evidence::MicrosoftDescriptor)).flatten()
            });
        if found.is_none() && !may_be_phone(usb_id.0, descriptor.class_code(), &interfaces) {
            return None;
        }
        let text =
            |name: &str| folder.as_deref().map(|folder| sysfs::attribute(folder, name)).unwrap_or_default();
        let mut described = UsbDevice {
            bus,
            address,
            ports: folder
                .as_deref()
                .and_then(Path::file_name)
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            usb_id,
            manufacturer: text("manufacturer"),
            product: text("product"),
            serial: text("serial"),
            interface: found,
            access: Access::Denied,
        };
        if OpenOptions::new().read(true).write(true).open(described.node()).is_ok() {
            described.access = Access::Granted;
        }
        Some(described)
    }
}

/// What the active configuration says; the first one where none is active.
fn interfaces_of(device: &Device<Context>, folder: Option<&Path>) -> Vec<InterfaceFacts> {
    let configuration = device.active_config_descriptor().or_else(|_| device.config_descriptor(0));
    let Ok(configuration) = configuration else { return Vec::new() };
    let number_of = configuration.number();
    let mut all = Vec::new();
    for interface in configuration.interfaces() {
        for setting in interface.descriptors() {
            let endpoints = setting.endpoint_descriptors().map(|endpoint| EndpointFacts {
                address: endpoint.address(),
                kind: match endpoint.transfer_type() {
                    TransferType::Bulk => EndpointKind::Bulk,
                    TransferType::Interrupt => EndpointKind::Interrupt,
                    TransferType::Control | TransferType::Isochronous => EndpointKind::Other,
                },
                // Bits 11 and 12 are for high-bandwidth transfers; bulk endpoints leave them at zero.
                packet_bytes: endpoint.max_packet_size() & 0x07ff,
            });
            all.push(InterfaceFacts {
                configuration: number_of,
                number: setting.interface_number(),
                alternate: setting.setting_number(),
                class: (setting.class_code(), setting.sub_class_code(), setting.protocol_code()),
                name: folder
                    .map(|folder| sysfs::interface_name(folder, number_of, setting.interface_number()))
                    .unwrap_or_default(),
                endpoints: endpoints.collect(),
            });
        }
    }
    all
}

/// Asks a device for Microsoft's OS descriptors. A device that may not be opened, or that stalls, says no.
fn asks_for_mtp(device: &Device<Context>) -> bool {
    let Ok(handle) = device.open() else { return false };
    let timeout = Duration::from_millis(DESCRIPTOR_TIMEOUT_MS);
    let mut text = [0_u8; microsoft::STRING_BYTES];
    let value = 0x0300 | u16::from(microsoft::STRING_INDEX);
    let Ok(count) = handle.read_control(0x80, 0x06, value, 0, &mut text, timeout) else { return false };
    let Some(code) = microsoft::vendor_code(text.get(..count).unwrap_or_default()) else { return false };
    let mut id = [0_u8; microsoft::COMPATIBLE_ID_BYTES];
    match handle.read_control(0xc0, code, 0, microsoft::COMPATIBLE_ID_INDEX, &mut id, timeout) {
        Ok(count) => microsoft::names_mtp(id.get(..count).unwrap_or_default()),
        Err(_) => false,
    }
}

/// A new context sees the bus as it is now; an older one would depend on the kernel's messages having come through.
fn context() -> Result<Context, UsbError> {
    Context::new().map_err(|error| UsbError::NoUsb(error.to_string()))
}

fn listed(context: &Context) -> Result<Vec<Device<Context>>, UsbError> {
    let devices = context.devices().map_err(|error| UsbError::NoUsb(error.to_string()))?;
    Ok(devices.iter().collect())
}

impl Ports for Bus {
    fn devices(&self) -> Result<Vec<UsbDevice>, UsbError> {
        let context = context()?;
        let mut found: Vec<UsbDevice> =
            listed(&context)?.iter().filter_map(|device| self.describe(device)).collect();
        found.sort_by(|left, right| {
            (&left.ports, left.bus, left.address).cmp(&(&right.ports, right.bus, right.address))
        });
        Ok(found)
    }

    fn connect(&self, device: &UsbDevice, quirks: CableQuirks) -> Result<Box<dyn Link>, UsbError> {
        let interface: MtpInterface = device.interface.ok_or(UsbError::NoInterface)?;
        let context = context()?;
        let listed = listed(&context)?;
        let found = listed
            .iter()
            .find(|candidate| (candidate.bus_number(), candidate.address()) == (device.bus, device.address))
            .ok_or(UsbError::Gone)?;
        let cable =
            Cable::claim(found, device, interface, quirks, Rc::clone(&self.clock)).map_err(|error| {
                match error {
                    rusb::Error::NoDevice | rusb::Error::NotFound => UsbError::Gone,
                    rusb::Error::Access => UsbError::NoPermission(device.node()),
                    rusb::Error::Busy => UsbError::Held(self.holders(device)),
                    other => UsbError::Refused(other.to_string()),
                }
            })?;
        Ok(Box::new(cable))
    }

    fn holders(&self, device: &UsbDevice) -> Vec<Holder> {
        holders_of(&PathBuf::from("/proc"), &device.node())
    }

    fn wait(&self, timeout_ms: u64) -> Result<Change, UsbError> {
        let watch = self.watch.get_or_init(Watch::new);
        Ok(watch.wait(&*self.clock, timeout_ms))
    }
}
