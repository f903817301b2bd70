//! Which programs hold phones, and which of the desktop's mounts is which phone. Pure: names and listings in, verdicts
//! out; asking the desktop is the command line's work.
//!
//! Facts from gvfs: its MTP backend names a phone by udev's ID_SERIAL (`mtp://MAKER_MODEL_SERIAL/`), older versions by
//! its place on the bus (`mtp://[usb:001,004]/`, mostly percent-encoded); its camera backend does the same under
//! `gphoto2://`. `gio mount -l` shows a mount as `Mount(N): NAME -> URI`.

use crate::usb::UsbDevice;

/// What kind of program holds a phone; the way to make it let go follows from that.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HolderKind {
    /// A backend of gvfs (GNOME, Cinnamon, Xfce and others), which lets go when asked to unmount.
    Gvfs,
    /// KDE's device service, which keeps every MTP device open while it is plugged in.
    Kde,
    /// A file system in user space, which lets go when it is unmounted.
    Mount,
    /// A phone or photo program that a person or a script runs.
    Tool,
    /// Any other.
    Other,
}

/// What kind of program this is, by its file's name.
#[must_use]
pub fn kind_of(program: &str) -> HolderKind {
    match program {
        name if name.starts_with("gvfs") => HolderKind::Gvfs,
        name if ["kiod", "kioslave", "kioworker", "kdeinit", "kio_mtp"]
            .iter()
            .any(|kde| name.starts_with(kde)) =>
        {
            HolderKind::Kde
        }
        "jmtpfs" | "simple-mtpfs" | "go-mtpfs" | "aft-mtp-mount" | "mtpfs" | "android-file-transfer" => {
            HolderKind::Mount
        }
        name if name.starts_with("mtp-") || name.starts_with("aft-") => HolderKind::Tool,
        "gphoto2" | "shotwell" | "digikam" | "clementine" | "strawberry" | "tetherbook" => HolderKind::Tool,
        _ => HolderKind::Other,
    }
}

/// A phone that the desktop has mounted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MountedPhone<'a> {
    /// The phone.
    pub device: &'a UsbDevice,
    /// What the desktop calls the mount.
    pub uri: String,
}

/// The phones among `devices` that `listing`, the output of `gio mount -l`, shows as mounted.
#[must_use]
pub fn mounted_phones<'a>(listing: &str, devices: &'a [UsbDevice]) -> Vec<MountedPhone<'a>> {
    let uris: Vec<&str> = listing
        .lines()
        .filter(|line| line.trim_start().starts_with("Mount("))
        .filter_map(|line| Some(line.rsplit_once(" -> ")?.1.trim()))
        .filter(|uri| uri.starts_with("mtp://") || uri.starts_with("gphoto2://"))
        .collect();
    let mut found: Vec<MountedPhone<'a>> = Vec::new();
    for uri in &uris {
        if let Some(device) = devices.iter().find(|device| names(uri, device)) {
            found.push(MountedPhone { device, uri: (*uri).to_owned() });
        }
    }
    // A name made of other strings than those of the kernel can still only mean the one phone that is there.
    if let ([], [uri], [device]) = (found.as_slice(), uris.as_slice(), devices) {
        found.push(MountedPhone { device, uri: (*uri).to_owned() });
    }
    found
}

/// Whether a mount's URI names this device.
fn names(uri: &str, device: &UsbDevice) -> bool {
    let host = uri.split_once("://").map_or("", |(_, rest)| rest.split('/').next().unwrap_or_default());
    let host = percent_decoded(host);
    let serial = udev_text(&device.serial);
    host == format!("[usb:{:03},{:03}]", device.bus, device.address)
        || (!serial.is_empty() && host.ends_with(&format!("_{serial}")))
        || (serial.is_empty()
            && host == format!("{}_{}", udev_text(&device.manufacturer), udev_text(&device.product)))
}

/// A string of a device as udev puts it into ID_SERIAL: blanks and unusual characters become `_`.
fn udev_text(text: &str) -> String {
    let is_kept = |letter: char| letter.is_ascii_alphanumeric() || "#+-.:=@_".contains(letter);
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join("_").chars().map(|letter| if is_kept(letter) { letter } else { '_' }).collect()
}

/// `%XX` as the byte that it stands for (RFC 3986); what is no such sequence stays as it is.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        let code = digits.filter(|_| first == b'%').and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(code) => {
                bytes.push(code);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::usb::Access;

    fn device(address: u8, serial: &str) -> UsbDevice {
        UsbDevice {
            bus: 1,
            address,
            ports: String::from("1-2"),
            usb_id: (0x04e8, 0x6860),
            manufacturer: String::from("SAMSUNG"),
            product: String::from("SAMSUNG Android"),
            serial: serial.to_owned(),
            interface: None,
            access: Access::Granted,
        }
    }

    fn listing(uris: &[&str]) -> String {
        let mut text = String::from("Drive(0): Disk\n  Type: GProxyDrive (GProxyVolumeMonitorUDisks2)\n");
        text += "Volume(0): Phone\n  Type: GProxyVolume (GProxyVolumeMonitorMTP)\n";
        for uri in uris {
            text += &format!("  Mount(0): Phone -> of a name -> {uri}\n    Type: GProxyShadowMount\n");
        }
        text
    }

    fn found(uris: &[&str], devices: &[UsbDevice]) -> Vec<(u8, String)> {
        mounted_phones(&listing(uris), devices)
            .into_iter()
            .map(|mount| (mount.device.address, mount.uri))
            .collect()
    }

    #[test]
    fn mounts_are_known_by_serial_number_and_by_place() {
        let two = [device(4, "R58M123ABC"), device(5, "OTHER 7/1")];
        let by_serial = "mtp://SAMSUNG_SAMSUNG_Android_R58M123ABC/";
        let by_place = "mtp://%5Busb%3A001%2C005%5D/";
        assert_eq!(found(&[by_serial], &two), [(4, by_serial.to_owned())]);
        assert_eq!(found(&["gphoto2://[usb:001,005]/"], &two), [(5, "gphoto2://[usb:001,005]/".to_owned())]);
        assert_eq!(found(&[by_place, by_serial], &two).len(), 2);
        let blank = "mtp://SAMSUNG_SAMSUNG_Android_OTHER_7_1/";
        assert_eq!(found(&[blank], &two), [(5, blank.to_owned())]);
        let nameless = [device(4, ""), device(5, "X")];
        assert_eq!(found(&["mtp://SAMSUNG_SAMSUNG_Android/"], &nameless)[0].0, 4);
    }

    #[test]
    fn a_strange_name_means_the_only_phone_and_never_one_of_two() {
        let two = [device(4, "A"), device(5, "B")];
        assert_eq!(found(&["mtp://strange/"], &two), []);
        assert_eq!(found(&["mtp://strange/"], &two[..1]), [(4, "mtp://strange/".to_owned())]);
        assert_eq!(found(&["sftp://host/", "trash:///"], &two[..1]), []);
        assert_eq!(found(&["mtp://strange/"], &[]), []);
    }

    #[test]
    fn holders_are_sorted_by_how_they_let_go() {
        for (program, kind) in [
            ("gvfsd-mtp", HolderKind::Gvfs),
            ("gvfsd-gphoto2", HolderKind::Gvfs),
            ("kiod5", HolderKind::Kde),
            ("kiod6", HolderKind::Kde),
            ("kioworker", HolderKind::Kde),
            ("jmtpfs", HolderKind::Mount),
            ("aft-mtp-mount", HolderKind::Mount),
            ("mtp-detect", HolderKind::Tool),
            ("python3.11", HolderKind::Other),
        ] {
            assert_eq!(kind_of(program), kind, "{program}");
        }
    }

    #[test]
    fn percent_signs_that_mean_nothing_stay() {
        assert_eq!(percent_decoded("%5Busb%3a1%2"), "[usb:1%2");
        assert_eq!(percent_decoded("100%"), "100%");
    }
}
