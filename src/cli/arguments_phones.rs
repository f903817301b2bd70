//! The grammar of the commands about phones themselves: finding, pairing, and what plugging in starts. It does nothing.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::agent::{PairedDevice, UsbId};

use super::arguments::{EditOrDeleteChoice, PolicyChoice};
use super::configuration::book_name;

/// Arguments of `pair`.
#[derive(Debug, Clone, Args)]
pub struct PairArguments {
    /// The phone: usb, usb:SERIAL, dir:PATH, sim:DIR, or its name, to change its pairing
    #[arg(long, value_name = "ADDRESS")]
    pub phone: Option<String>,
    /// What to call it; without it, what it calls itself
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// How its contacts are reached: a profile of `tetherbook profiles list`; what is on the phone decides
    #[arg(long, value_name = "ID")]
    pub profile: Option<String>,
    /// The address book on the phone, where it has several
    #[arg(long, value_name = "NAME")]
    pub address_book: Option<String>,
    /// Write one test card to the phone, read it back and delete it, to learn what the phone can hold
    #[arg(long, conflicts_with = "no_probe")]
    pub probe: bool,
    /// Do not ask whether to do that
    #[arg(long)]
    pub no_probe: bool,
    /// The book that it syncs with; without it, the usual one
    #[arg(long, value_name = "NAME", value_parser = book_name)]
    pub book: Option<String>,
    /// What becomes of a field that both sides changed differently, in every sync with this phone
    #[arg(long, value_name = "POLICY")]
    pub conflicts: Option<PolicyChoice>,
    /// What counts where one side deleted a contact and the other edited it, in every sync with this phone
    #[arg(long, value_name = "WHICH")]
    pub edit_or_delete: Option<EditOrDeleteChoice>,
}

/// Arguments of `forget`.
#[derive(Debug, Clone, Args)]
pub struct ForgetArguments {
    /// The phone's name, or its address
    #[arg(value_name = "NAME")]
    pub phone: String,
    /// Also forget which contacts belong together, so that a next sync compares both sides as at first
    #[arg(long)]
    pub memory: bool,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Arguments of `devices`.
#[derive(Debug, Clone, Args)]
pub struct DevicesArguments {
    /// Write a bug report without personal data, to this file or to stdout
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-", conflicts_with = "json")]
    pub report: Option<PathBuf>,
}

/// Arguments of `doctor`.
#[derive(Debug, Clone, Args)]
pub struct DoctorArguments {
    /// First ask the desktop to unmount the phones that it holds; no program is ended by force
    #[arg(long)]
    pub release: bool,
}

/// Arguments of `udev`.
#[derive(Debug, Clone, Args)]
pub struct UdevArguments {
    /// What to do
    #[command(subcommand)]
    pub action: UdevAction,
}

/// What to do with the udev rule and the service.
#[derive(Debug, Clone, Subcommand)]
pub enum UdevAction {
    /// Print the udev rule
    Generate {
        /// What it is made of.
        #[command(flatten)]
        of: RuleArguments,
    },
    /// Write the udev rule and the service's unit, and let udev read them; needs root
    Install {
        /// What the rule is made of.
        #[command(flatten)]
        of: RuleArguments,
        /// Only show what would be written where
        #[arg(long)]
        print: bool,
        /// Write below this folder and tell udev nothing (for packages)
        #[arg(long, value_name = "DIR")]
        root: Option<PathBuf>,
        /// The program that the service runs [default: this one; /usr/bin/tetherbook with --root]
        #[arg(long, value_name = "PATH")]
        program: Option<PathBuf>,
    },
    /// Take away what install wrote; needs root
    Uninstall {
        /// Look below this folder and tell udev nothing (for packages)
        #[arg(long, value_name = "DIR")]
        root: Option<PathBuf>,
    },
}

/// What a udev rule is made of, besides the profiles.
#[derive(Debug, Clone, Default, Args)]
pub struct RuleArguments {
    /// A paired phone that desktops are to leave alone, as 04e8:SERIAL; instead of those in the database
    #[arg(long, value_name = "VENDOR:SERIAL")]
    pub paired: Vec<PairedDevice>,
    /// One more device to give access to, as 04e8:6860
    #[arg(long, value_name = "VID:PID")]
    pub device: Vec<UsbId>,
}

/// Arguments of `attend`.
#[derive(Debug, Clone, Args)]
pub struct AttendArguments {
    /// The phone's place under /sys, as udev names it; without it, the one phone that is plugged in
    #[arg(value_name = "SYSFS-PATH")]
    pub place: Option<PathBuf>,
}
