//! What the kernel knows of USB devices without their being opened (`/sys/bus/usb/devices`). Reads only.

use std::fs;
use std::path::{Path, PathBuf};

/// Where the kernel lists the devices.
pub(super) const DEVICES: &str = "/sys/bus/usb/devices";

/// An attribute of a device or an interface; empty if there is none.
pub(super) fn attribute(folder: &Path, name: &str) -> String {
    let bytes = fs::read(folder.join(name)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).trim_end_matches(['\n', '\0']).to_owned()
}

/// The folder of the device with this bus number and address.
pub(super) fn folder(devices: &Path, bus: u8, address: u8) -> Option<PathBuf> {
    let wanted = (bus.to_string(), address.to_string());
    fs::read_dir(devices)
        .ok()?
        .filter_map(|found| Some(found.ok()?.path()))
        .find(|path| (attribute(path, "busnum"), attribute(path, "devnum")) == wanted)
}

/// The name of an interface of the device in `folder`; empty if it has none.
pub(super) fn interface_name(folder: &Path, configuration: u8, number: u8) -> String {
    let Some(device) = folder.file_name().and_then(|name| name.to_str()) else { return String::new() };
    attribute(&folder.join(format!("{device}:{configuration}.{number}")), "interface")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn devices_are_found_by_bus_and_address() {
        let devices = tempfile::tempdir().unwrap();
        for (name, bus, address) in [("usb1", "1\n", "1\n"), ("1-2.1", "1\n", "14\n"), ("1-3", "1\n", "4\n")]
        {
            let folder = devices.path().join(name);
            fs::create_dir_all(folder.join(format!("{name}:1.0"))).unwrap();
            fs::write(folder.join("busnum"), bus).unwrap();
            fs::write(folder.join("devnum"), address).unwrap();
            fs::write(folder.join(format!("{name}:1.0/interface")), "MTP\n").unwrap();
        }
        let found = folder(devices.path(), 1, 14).unwrap();
        assert!(found.ends_with("1-2.1"));
        assert_eq!(interface_name(&found, 1, 0), "MTP");
        assert_eq!(interface_name(&found, 1, 1), "");
        assert_eq!(folder(devices.path(), 2, 14), None);
        assert_eq!(folder(&devices.path().join("none"), 1, 1), None);
    }
}
