//! The command line of `tetherbook-sim`. It must not open anything.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::sim::{HeaderWanted, TransferCut, TransferEnd, Transport};

/// How the phone's interface presents itself to the PC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InterfaceClass {
    /// Still image, 06/01/01, as most phones.
    Image,
    /// Vendor specific, FF/FF/00, known as MTP by its name alone (and by the Microsoft descriptor, where the
    /// gadget's configuration gives it out).
    Vendor,
}

/// A habit of the transport, of those that a device's profile has a flag for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Habit {
    /// One extra byte follows a transfer that fills its last packet.
    ExtraByte,
    /// Nothing follows a transfer that fills its last packet.
    NoEmptyPacket,
    /// A transfer from the PC that fills its last packet must be closed by an empty one.
    NeedsEmptyPacket,
    /// Data come to the PC as header and payload in separate transfers.
    HeaderApart,
    /// Data from the PC must come as header and payload in separate transfers; otherwise the endpoint stalls.
    WantsHeaderApart,
    /// Data to the PC have a wrong code and transaction id.
    JunkHeaders,
    /// The phone is mute if no session was opened within three seconds.
    MuteAfter3s,
}

impl Habit {
    pub(super) fn apply(self, transport: &mut Transport) {
        match self {
            Self::ExtraByte => transport.end = TransferEnd::ExtraByte,
            Self::NoEmptyPacket => transport.end = TransferEnd::Nothing,
            Self::NeedsEmptyPacket => transport.needs_empty_packet = true,
            Self::HeaderApart => transport.cut = TransferCut::HeaderApart,
            Self::WantsHeaderApart => transport.header = HeaderWanted::Apart,
            Self::JunkHeaders => transport.junk_headers = true,
            Self::MuteAfter3s => transport.mute_after_ms = 3_000,
        }
    }
}

/// A simulated phone that speaks MTP as a real USB gadget.
///
/// The gadget itself (vendor and product id, serial number, the FunctionFS mount and the plugging in and out) is made
/// by whoever starts this program; it writes the descriptors into the mount and answers until it is ended.
#[derive(Debug, Parser)]
#[command(name = "tetherbook-sim", version)]
pub struct GadgetArguments {
    /// The directory that is the phone's storage; changes made in it are the phone's own
    #[arg(long, value_name = "DIR", required_unless_present = "tell")]
    pub storage: Option<PathBuf>,
    /// The phone whose habits are simulated
    #[arg(long, value_name = "NAME", default_value = "android")]
    pub personality: String,
    /// Habits of the transport beside the phone's own
    #[arg(long, value_enum, value_name = "HABIT")]
    pub habit: Vec<Habit>,
    /// The serial number in the phone's device information
    #[arg(long, value_name = "SERIAL")]
    pub serial: Option<String>,
    /// How the interface presents itself
    #[arg(long, value_enum, default_value = "image")]
    pub class: InterfaceClass,
    /// Where FunctionFS is mounted
    #[arg(long, value_name = "DIR", env = "FFS")]
    pub ffs: Option<PathBuf>,
    /// A Unix socket, made here, that takes lines: lock, unlock, mute, scan, cut, status, fault SPEC
    #[arg(long, value_name = "PATH")]
    pub control: Option<PathBuf>,
    /// Sends this line to the phone that is served with the same --control, prints what it answers, and ends
    #[arg(long, value_name = "LINE", requires = "control")]
    pub tell: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        GadgetArguments::command().debug_assert();
        let parsed =
            GadgetArguments::try_parse_from(["sim", "--storage", "/phone", "--class", "vendor"]).unwrap();
        assert_eq!(parsed.personality, "android");
        assert_eq!(parsed.class, InterfaceClass::Vendor);
        assert!(GadgetArguments::try_parse_from(["sim"]).is_err());
        assert!(GadgetArguments::try_parse_from(["sim", "--tell", "lock"]).is_err());
        assert!(GadgetArguments::try_parse_from(["sim", "--tell", "lock", "--control", "c"]).is_ok());
    }
}
