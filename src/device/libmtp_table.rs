//! libmtp's own table of known devices: what a device with some USB id is called, and how it is known to misbehave.
//!
//! The table is in the system's libmtp; without the feature `libmtp` there is none. Flag numbers and meanings are
//! facts from libmtp's public header `device-flags.h`. This file must not talk to a device.

use super::profile::Quirks;

/// libmtp's flags for one device, a 32-bit word.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LibmtpFlags(pub u32);

/// A device of libmtp's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LibmtpKnown {
    /// The vendor's name.
    pub vendor: &'static str,
    /// The product's name, mostly with remarks in brackets.
    pub product: &'static str,
    /// USB vendor and product id.
    pub usb_id: (u16, u16),
    /// How it misbehaves.
    pub flags: LibmtpFlags,
}

/// The names of the 32 flags by bit, from the lowest: libmtp's, in lower case with hyphens.
const FLAG_NAMES: [&str; 32] = [
    "broken-get-object-prop-list-all",
    "unload-driver",
    "broken-get-object-prop-list",
    "no-zero-reads",
    "iriver-ogg-alzheimer",
    "only-7bit-filenames",
    "no-release-interface",
    "ignore-header-errors",
    "broken-set-object-prop-list",
    "ogg-is-unknown",
    "broken-set-sample-dimensions",
    "always-probe-descriptor",
    "playlist-spl-v1",
    "playlist-spl-v2",
    "cannot-handle-date-modified",
    "broken-send-object-prop-list",
    "broken-battery-level",
    "delete-sends-event",
    "capture",
    "capture-preview",
    "nikon-broken-capture",
    "nikon-1",
    "no-capture-complete",
    "olympus-xml-wrapped",
    "flac-is-unknown",
    "unique-filenames",
    "switch-mode-blackberry",
    "long-timeout",
    "force-reset-on-close",
    "dont-close-session",
    "proplist-overrides-object-info",
    "samsung-offset-bug",
];

/// The flags that libmtp gives to every Android device.
const ANDROID_GROUP: [&str; 6] = [
    "unload-driver",
    "broken-get-object-prop-list",
    "broken-set-object-prop-list",
    "broken-send-object-prop-list",
    "long-timeout",
    "force-reset-on-close",
];

impl LibmtpFlags {
    /// Whether the flags are those of libmtp's Android group, whatever else is set.
    #[must_use]
    pub fn is_android_group(self) -> bool {
        ANDROID_GROUP.iter().all(|name| self.has(name))
    }

    /// Whether the flag with this name is set.
    #[must_use]
    pub fn has(self, name: &str) -> bool {
        self.names().any(|own| own == name)
    }

    /// The names of the flags that are set, in the order of their bits.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        FLAG_NAMES
            .into_iter()
            .enumerate()
            .filter(move |(bit, _)| self.0 >> bit & 1 == 1)
            .map(|(_, name)| name)
    }

    /// What the flags mean for the `rusb` transport.
    ///
    /// Not taken over: flags about music, cameras and batteries; "broken-get-object-prop-list-all", which is about
    /// asking for everything at once, as is never done here; "broken-set-object-prop-list" and
    /// "broken-send-object-prop-list", whose operations are not used. Of the flags that libmtp gives to every Android
    /// device alike, only the driver's counts: their property lists are checked at run time, and a reset at the end
    /// would lock the phone again.
    #[must_use]
    pub fn quirks(self) -> Quirks {
        if self.is_android_group() {
            return Quirks { kernel_driver: true, ..Quirks::default() };
        }
        Quirks {
            extra_byte: self.has("no-zero-reads"),
            junk_in_headers: self.has("ignore-header-errors"),
            kernel_driver: self.has("unload-driver"),
            never_release: self.has("no-release-interface"),
            no_prop_list: self.has("broken-get-object-prop-list"),
            object_info_wide_size: self.has("proplist-overrides-object-info"),
            partial_read_hangs: self.has("samsung-offset-bug"),
            reset_on_close: self.has("force-reset-on-close"),
            ..Quirks::default()
        }
    }
}

/// libmtp's whole table, in its order; empty without the feature `libmtp`.
#[cfg(feature = "libmtp")]
#[must_use]
pub fn libmtp_table() -> Vec<LibmtpKnown> {
    let _quiet = super::tree_libmtp_quiet::Quiet::begin();
    // The call cannot fail for another reason than that there is no table.
    let entries = libmtp_rs::internals::get_supported_devices().unwrap_or_default();
    entries
        .into_iter()
        .map(|entry| LibmtpKnown {
            vendor: entry.vendor,
            product: entry.product,
            usb_id: (entry.vendor_id, entry.product_id),
            flags: LibmtpFlags(entry.device_flags),
        })
        .collect()
}

/// libmtp's whole table, in its order; empty without the feature `libmtp`.
#[cfg(not(feature = "libmtp"))]
#[must_use]
pub fn libmtp_table() -> Vec<LibmtpKnown> {
    Vec::new()
}

/// The device with this USB id in libmtp's table. Where it has several, the first, as libmtp itself does.
#[must_use]
pub fn libmtp_knows(usb_id: (u16, u16)) -> Option<LibmtpKnown> {
    libmtp_table().into_iter().find(|known| known.usb_id == usb_id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_have_the_names_of_their_bits() {
        let names = |word| LibmtpFlags(word).names().collect::<Vec<_>>();
        assert_eq!(names(0), Vec::<&str>::new());
        assert_eq!(names(0x0000_0008), ["no-zero-reads"]);
        assert_eq!(
            names(0x0000_8104),
            ["broken-get-object-prop-list", "broken-set-object-prop-list", "broken-send-object-prop-list"]
        );
        assert_eq!(names(0x8000_0000), ["samsung-offset-bug"]);
        assert_eq!(names(u32::MAX).len(), 32);
    }

    #[test]
    fn flags_become_quirks() {
        for (word, quirks) in [
            (0x0000_0000, Quirks::default()),
            (0x0000_0001, Quirks::default()),
            (0x0000_0002, Quirks { kernel_driver: true, ..Quirks::default() }),
            (0x0000_0004, Quirks { no_prop_list: true, ..Quirks::default() }),
            (0x0000_0008, Quirks { extra_byte: true, ..Quirks::default() }),
            (0x0000_0040, Quirks { never_release: true, ..Quirks::default() }),
            (0x0000_0080, Quirks { junk_in_headers: true, ..Quirks::default() }),
            (0x0000_8100, Quirks::default()),
            (0x1000_0000, Quirks { reset_on_close: true, ..Quirks::default() }),
            (0x4000_0000, Quirks { object_info_wide_size: true, ..Quirks::default() }),
            (0x8000_0000, Quirks { partial_read_hangs: true, ..Quirks::default() }),
        ] {
            assert_eq!(LibmtpFlags(word).quirks(), quirks, "{word:08X}");
        }
    }

    #[cfg(not(feature = "libmtp"))]
    #[test]
    fn there_is_no_table_without_libmtp() {
        assert_eq!(libmtp_knows((0x041e, 0x411f)), None);
    }

    #[cfg(feature = "libmtp")]
    #[test]
    fn the_table_of_the_installed_libmtp_is_read() {
        assert!(libmtp_table().len() > 1000, "libmtp 1.1.20 has over two thousand");
        let zen = libmtp_knows((0x041e, 0x411f)).unwrap();
        assert_eq!((zen.vendor, zen.product), ("Creative", "ZEN Vision"));
        let galaxy = libmtp_knows((0x04e8, 0x6860)).unwrap();
        assert!(galaxy.flags.has("samsung-offset-bug"), "{:?}", galaxy.flags.names().collect::<Vec<_>>());
        assert!(galaxy.flags.quirks().partial_read_hangs);
        assert_eq!(libmtp_knows((0xffff, 0xffff)), None);
    }
}
