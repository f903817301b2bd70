//! How a device departs from MTP, as flags of its profile. Names and meanings only; whoever speaks to the device heeds
//! them.

use serde::{Deserialize, Serialize};

macro_rules! quirks {
    ($($(#[doc = $doc:literal])+ $name:ident,)*) => {
        /// How a device departs from MTP. Every flag is off unless a profile sets it.
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct Quirks {
            $($(#[doc = $doc])+ #[serde(default, skip_serializing_if = "std::ops::Not::not")] pub $name: bool,)*
        }

        impl Quirks {
            /// The names of all flags, sorted.
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name)),*];

            /// What a flag stands for and how its lack shows, in sentences; empty if there is no such flag.
            #[must_use]
            pub fn meaning(name: &str) -> &'static str {
                let meanings: &[(&str, &str)] = &[$((stringify!($name), concat!($($doc),+))),*];
                meanings.iter().find(|(known, _)| *known == name).map_or("", |(_, meaning)| meaning.trim())
            }

            /// The names of the flags that are on, sorted.
            #[must_use]
            pub fn names_on(self) -> Vec<&'static str> {
                let flags = [$((stringify!($name), self.$name)),*];
                flags.into_iter().filter(|(_, is_on)| *is_on).map(|(name, _)| name).collect()
            }

            /// The flags that are on in either.
            #[must_use]
            pub fn union(self, other: Self) -> Self {
                Self { $($name: self.$name || other.$name,)* }
            }
        }
    };
}

quirks! {
    /// Where a transfer fills its last packet exactly, it sends one extra byte instead of an empty packet.
    /// Symptom: the response that follows is read one byte off. Seen on: Samsung YP players, iRiver, SanDisk.
    extra_byte,
    /// Container code and transaction id of data and response headers hold junk. Symptom: "wrong transaction id".
    /// Seen on: Creative ZEN 8 GB, SonyEricsson phones with an Aricent stack.
    junk_in_headers,
    /// The kernel has a driver on the interface that must be detached first. Symptom: claiming fails as busy.
    /// Seen on: players that are a disk as well.
    kernel_driver,
    /// The interface must stay claimed until the program ends. Symptom: the device cannot be opened again until
    /// replugged. Seen on: SanDisk players.
    never_release,
    /// GetObjectPropList (MTP 9805) answers wrongly or hangs, so it is not even tried. Symptom: lists without
    /// names, or a time-out. Seen on: players with libmtp's "broken property list" flag, Sony phones that list it.
    no_prop_list,
    /// An object whose transfer (12 bytes and its own) is a multiple of 64 never counts as sent, whatever the packets'
    /// size: such a card is refused before it is announced. Symptom: sending some objects fails as halted, and the
    /// device must be plugged in anew. Seen on: QEMU's usb-mtp.
    no_whole_64_bytes,
    /// No empty packet comes after a transfer that fills its last packet. Symptom: waiting for it times out.
    /// Seen on: Samsung YP players.
    no_zero_length_packet,
    /// ObjectInfo carries the size in 64 bits, which shifts everything behind it. Symptom: names begin with
    /// zeros. Seen on: Samsung 04e8:685c, 6860, 6877 with some firmware.
    object_info_wide_size,
    /// The session must be opened within 3 s of plugging in, else the device is mute until replugged or reset.
    /// Symptom: GetDeviceInfo times out. Seen on: Samsung Galaxy.
    open_within_3s,
    /// GetPartialObject (MTP 101B) hangs where the last packet is filled exactly. Seen on: Samsung.
    partial_read_hangs,
    /// It stores a card differently from what was sent, so that what is read back need not be what was sent.
    reencodes,
    /// Renaming (MTP 9804 on DC07) answers OK without renaming, or does harm, so it is not used.
    rename_unusable,
    /// The device must be reset when the session ends. Symptom: the next session cannot be opened.
    reset_on_close,
    /// A container's header and its payload must be written as separate transfers. Symptom: sending an object times out.
    /// Seen on: responders whose manufacturer is "Microsoft".
    split_header,
}

impl Quirks {
    /// Those of them that an MTP session must know before it opens.
    #[must_use]
    pub fn for_session(self) -> crate::mtp::Quirks {
        crate::mtp::Quirks {
            junk_headers: self.junk_in_headers,
            split_writes: self.split_header,
            no_property_list: self.no_prop_list,
            no_whole_64_bytes: self.no_whole_64_bytes,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quirks_are_sorted() {
        assert!(Quirks::NAMES.is_sorted());
        let two = Quirks { split_header: true, extra_byte: true, ..Quirks::default() };
        assert_eq!(two.names_on(), ["extra_byte", "split_header"]);
    }

    #[test]
    fn every_quirk_says_what_it_means() {
        for name in Quirks::NAMES {
            assert!(Quirks::meaning(name).ends_with('.'), "{name}");
        }
        assert_eq!(Quirks::meaning("nonsense"), "");
    }
}
