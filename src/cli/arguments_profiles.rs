//! The grammar of the commands about device profiles. It does nothing.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::arguments::TEMPLATE;

/// Arguments of `profiles`.
#[derive(Debug, Clone, Args)]
pub struct ProfilesArguments {
    /// What to do; without it, list them
    #[command(subcommand)]
    pub action: Option<ProfilesAction>,
}

/// What to do with device profiles.
#[derive(Debug, Clone, Subcommand)]
pub enum ProfilesAction {
    /// List the profiles, and what goes which way with each
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  tetherbook profiles list\n  tetherbook profiles list --json | jq -r .id"
    )]
    List(ProfilesListArguments),
    /// Show one profile in words
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook profiles show android\n  \
            tetherbook profiles show android --toml      the file itself"
    )]
    Show(ProfilesShowArguments),
    /// Check profiles, and whether a phone would get them; writes nothing
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook profiles check my-phone.toml\n  \
            tetherbook profiles check --phone usb my-phone.toml      and try it on the phone\n  \
            tetherbook profiles new --phone usb | tetherbook profiles check -",
        after_help = "The exit code is 0 if every profile can be used, with or without warnings, and 1 otherwise."
    )]
    Check(ProfilesCheckArguments),
    /// Write a new profile to begin with
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook profiles new --phone usb                       for the phone on the cable\n  \
            tetherbook profiles new --phone usb --output my-phone.toml\n  \
            tetherbook profiles new --from nokia-s40 --name 'Old Nokia'"
    )]
    New(ProfilesNewArguments),
}

/// Arguments of `profiles list`.
#[derive(Debug, Clone, Default, Args)]
pub struct ProfilesListArguments {
    /// Write the table of phones, as it stands in the README
    #[arg(long, conflicts_with = "json")]
    pub markdown: bool,
}

/// Arguments of `profiles show`.
#[derive(Debug, Clone, Args)]
pub struct ProfilesShowArguments {
    /// The profile; `tetherbook profiles list` shows all
    #[arg(value_name = "ID")]
    pub id: String,
    /// Write the file itself
    #[arg(long, conflicts_with = "json")]
    pub toml: bool,
}

/// Arguments of `profiles check`.
#[derive(Debug, Clone, Args)]
pub struct ProfilesCheckArguments {
    /// Profiles, each a file named ID.toml, or - for stdin
    #[arg(value_name = "FILE", required = true)]
    pub files: Vec<PathBuf>,
    /// A phone to try them on, which is only read: usb, usb:SERIAL, dir:PATH, sim:DIR, or a paired phone's name
    #[arg(long, value_name = "ADDRESS")]
    pub phone: Option<String>,
}

/// Arguments of `profiles new`.
#[derive(Debug, Clone, Args)]
pub struct ProfilesNewArguments {
    /// A phone that it is to be for: usb, usb:SERIAL, dir:PATH, sim:DIR, or a paired phone's name
    #[arg(long, value_name = "ADDRESS")]
    pub phone: Option<String>,
    /// The profile that it begins with; without it, the one that the phone gets now, else "generic"
    #[arg(long, value_name = "ID")]
    pub from: Option<String>,
    /// What to call such a device; without it, what the phone calls itself
    #[arg(long, value_name = "NAME")]
    pub name: Option<String>,
    /// Write it to this file, which must not exist; its name is the profile's id
    #[arg(long, value_name = "ID.toml")]
    pub output: Option<PathBuf>,
}
