//! The command line's grammar: commands, flags and their help, examples first. It does nothing.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Deserialize;

use crate::contact::ConflictPolicy;

pub use super::arguments_conflicts::{
    ConflictsAction, ConflictsArguments, EditOrDeleteChoice, ResolveArguments, choices,
};
pub use super::arguments_contacts::{
    AddArguments, BooksAction, BooksArguments, EditArguments, ExportArguments, FieldArguments,
    ImportArguments, ListArguments, RmArguments, ShowArguments, WhichArguments,
};
pub use super::arguments_history::{HistoryArguments, RestoreArguments, UndoArguments};
pub use super::arguments_matching::{DupesArguments, LinkArguments, MergeArguments, UnlinkArguments};
pub use super::arguments_phones::{
    AttendArguments, DevicesArguments, DoctorArguments, ForgetArguments, PairArguments, RuleArguments,
    UdevAction, UdevArguments,
};
pub use super::arguments_profiles::{
    ProfilesAction, ProfilesArguments, ProfilesCheckArguments, ProfilesListArguments, ProfilesNewArguments,
    ProfilesShowArguments,
};
pub use super::arguments_sync::{DiffArguments, SyncArguments, WhatArguments};

/// Examples stand before the usage line: most people read no further.
pub(super) const TEMPLATE: &str = "{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "tetherbook",
    version,
    about = "Keeps the contacts on a phone and the contacts on a PC the same, over the USB cable, with no cloud.",
    before_help = "Examples:\n  \
        tetherbook doctor                                is the phone within reach?\n  \
        tetherbook sync --dry-run                        look first\n  \
        tetherbook sync                                  then sync\n  \
        tetherbook sync --phone dir:/media/card          a mounted phone or card\n  \
        tetherbook list                                  see the contacts",
    after_help = "Every command has its own examples: tetherbook sync --help. Exit codes: tetherbook man.",
    help_template = TEMPLATE,
    term_width = 80,
    subcommand_required = true,
    arg_required_else_help = true,
    propagate_version = true,
    disable_help_subcommand = true,
    disable_help_flag = true,
    disable_version_flag = true
)]
pub struct Arguments {
    /// Flags of every command.
    #[command(flatten)]
    pub global: Global,
    /// The command.
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Write results as JSON lines
    #[arg(long, global = true)]
    pub json: bool,
    /// Say only what must be known
    #[arg(short, long, global = true)]
    pub quiet: bool,
    /// Show everything, new contacts in full
    #[arg(short, long, global = true, action = clap::ArgAction::Count)]
    pub verbose: u8,
    /// When to use colours (NO_COLOR and TERM=dumb are heeded)
    #[arg(long, global = true, value_name = "WHEN")]
    pub color: Option<ColourChoice>,
    /// The database [env: TETHERBOOK_DATABASE]
    #[arg(long, global = true, value_name = "PATH")]
    pub database: Option<PathBuf>,
    /// The configuration file; none is needed
    #[arg(long, global = true, value_name = "PATH")]
    pub config: Option<PathBuf>,
    /// Show this help
    #[arg(short, long, global = true, action = clap::ArgAction::HelpShort)]
    pub help: Option<bool>,
    /// Show the version
    #[arg(short = 'V', long, action = clap::ArgAction::Version)]
    pub version: Option<bool>,
}

/// When colours are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ColourChoice {
    /// On a terminal that has them.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What becomes of a field that both sides changed differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PolicyChoice {
    /// Keep both sides apart and report it
    Hold,
    /// The phone's value goes to the PC
    Phone,
    /// The PC's value goes to the phone
    Pc,
    /// The contact that was revised last wins
    Newest,
    /// Keep both values on both sides
    Both,
}

impl From<PolicyChoice> for ConflictPolicy {
    fn from(choice: PolicyChoice) -> Self {
        match choice {
            PolicyChoice::Hold => Self::Hold,
            PolicyChoice::Phone => Self::Phone,
            PolicyChoice::Pc => Self::Pc,
            PolicyChoice::Newest => Self::Newest,
            PolicyChoice::Both => Self::Both,
        }
    }
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make the phone and the book the same
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook sync --dry-run                    look first\n  \
            tetherbook sync                              the phone on the cable\n  \
            tetherbook sync --wait                       once it is plugged in\n  \
            tetherbook sync --phone dir:/media/card/contacts\n  \
            tetherbook sync --mode phone-to-pc           only ever copy to the PC\n  \
            tetherbook sync --conflicts newest           let the later edit win"
    )]
    Sync(SyncArguments),
    /// Show what a sync would do; writes nothing
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook diff --phone dir:/media/card/contacts\n  \
            tetherbook diff --exit-code && echo the same"
    )]
    Diff(DiffArguments),
    /// Show books, phones, the last sessions and what is waiting
    #[command(help_template = TEMPLATE, before_help = "Example:\n  tetherbook status")]
    Status,
    /// List contacts
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  tetherbook list\n  tetherbook list ada\n  tetherbook list --json | jq -r .fn"
    )]
    List(ListArguments),
    /// Show one contact
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  tetherbook show \"Ada Lovelace\"\n  tetherbook show ada --vcard"
    )]
    Show(ShowArguments),
    /// Add a contact
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook add --name \"Ada Lovelace\" --phone mobile=+447700900123 --email ada@example.org\n  \
            tetherbook add - < card.vcf"
    )]
    Add(AddArguments),
    /// Change a contact, in an editor or by flags
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook edit \"Ada Lovelace\"                        in $VISUAL or $EDITOR\n  \
            tetherbook edit ada --email work=ada@example.org      add an address\n  \
            tetherbook edit ada --title \"\"                        take the title away"
    )]
    Edit(EditArguments),
    /// Remove contacts
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  tetherbook rm \"Old Friend\"\n  tetherbook rm --yes 5d41402a-bc4b-4a76-b971-9d911017c592"
    )]
    Rm(RmArguments),
    /// List who may be one person, and ask
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook dupes                     at a terminal it asks about each pair\n  \
            tetherbook dupes --all               also what you answered before"
    )]
    Dupes(DupesArguments),
    /// Say that a contact on the PC and one on a phone are one
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook link \"Ann Lee\" \"Ann Lee\"\n  tetherbook link '#12' '#7' --phone 'My phone'"
    )]
    Link(LinkArguments),
    /// Say that two contacts are two; a joined pair is taken apart
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook unlink \"Ann Lee\"             from whoever waits, else from its partner\n  \
            tetherbook unlink '#12' '#7'"
    )]
    Unlink(UnlinkArguments),
    /// Make two contacts of a book one
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  tetherbook merge \"Ann Lee\" '#31' --dry-run\n  tetherbook merge '#12' '#31'"
    )]
    Merge(MergeArguments),
    /// Add contacts from vCard files
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook import friends.vcf\n  tetherbook import ~/cards/ --book friends\n  \
            tetherbook import - < friends.vcf"
    )]
    Import(ImportArguments),
    /// Write contacts as vCards
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook export > all.vcf\n  tetherbook export --format 4.0 all.vcf\n  \
            tetherbook export cards/            one file each"
    )]
    Export(ExportArguments),
    /// List and add books
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  tetherbook books\n  tetherbook books add friends"
    )]
    Books(BooksArguments),
    /// Pair a phone: give it a name and a book
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook pair                                   the phone that is plugged in\n  \
            tetherbook pair --name 'My phone' --book family\n  \
            tetherbook sync --phone 'My phone' --dry-run      look at it by its name"
    )]
    Pair(PairArguments),
    /// List the phones that are known
    #[command(help_template = TEMPLATE, before_help = "Examples:\n  tetherbook phones\n  tetherbook phones --json")]
    Phones,
    /// Take a pairing back; contacts stay on both sides
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook forget 'My phone'\n  \
            tetherbook forget 'My phone' --memory    compare anew at its next sync"
    )]
    Forget(ForgetArguments),
    /// Look at the sync states
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  tetherbook state show\n  tetherbook state decode --json 0f1e…"
    )]
    State(StateArguments),
    /// Show past sessions
    #[command(help_template = TEMPLATE, before_help = "Examples:\n  tetherbook log\n  tetherbook log show 12")]
    Log(LogArguments),
    /// Show the fields that both sides changed differently and that wait for a decision
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  tetherbook conflicts\n  tetherbook conflicts show \"Ada Lovelace\""
    )]
    Conflicts(ConflictsArguments),
    /// Decide fields that wait; no phone is needed, the next sync carries it out
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook resolve                                    ask about each field\n  \
            tetherbook resolve ada --field birthday=phone         the phone is right\n  \
            tetherbook resolve ada --set birthday=1815-12-10      neither is\n  \
            tetherbook resolve ada --all-fields both              keep both\n  \
            tetherbook resolve --all --take pc                    the PC is right\n  \
            tetherbook resolve ada --tool 'vimdiff $MERGED $PC $PHONE'",
        after_help = "Both: a card says a number, an address, a title, a note twice; of what a contact has once (a name, a \
            birthday), the phone's value gets a line in the note. What is not answered goes on waiting."
    )]
    Resolve(ResolveArguments),
    /// Take a session back, on both sides; what was edited since stays
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook undo --dry-run                     look first: the last sync\n  \
            tetherbook undo 12                            session 12 of tetherbook log\n  \
            tetherbook undo --held                        what sync leaves alone since\n  \
            tetherbook undo --release phone 'Ada Lovelace'"
    )]
    Undo(UndoArguments),
    /// Show the versions of a contact
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  tetherbook history 'Ada Lovelace'\n  tetherbook history '#12' --json"
    )]
    History(HistoryArguments),
    /// Give a contact an earlier version, or bring a removed one back
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook restore 'Ada Lovelace' --version 3 --dry-run\n  \
            tetherbook restore 'Ada Lovelace' --version 3 --field tel,email\n  \
            tetherbook restore 'Old Friend'                        one that was removed"
    )]
    Restore(RestoreArguments),
    /// List the phones that are plugged in and what can be seen of them; writes nothing
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook devices\n  \
            tetherbook devices --json\n  \
            tetherbook devices --report phone.txt    for a bug report, without personal data"
    )]
    Devices(DevicesArguments),
    /// Check everything on the way to the phone, and say what to do; writes nothing
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook doctor\n  \
            tetherbook doctor --release              ask the desktop to let go of the phone",
        after_help = "The exit code is that of the first thing that failed; 0 if nothing did."
    )]
    Doctor(DoctorArguments),
    /// Look at the device profiles, check them and write new ones
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook profiles                              which phones work, and how\n  \
            tetherbook profiles show android\n  \
            tetherbook profiles new --phone usb              one for the phone on the cable"
    )]
    Profiles(ProfilesArguments),
    /// Watch a real sync with a simulated phone
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  tetherbook demo\n  tetherbook demo --keep /tmp/tetherbook-demo"
    )]
    Demo(DemoArguments),
    /// Let a plugged-in phone start its sync: the udev rule and the service
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook udev install --print     see what would be written where\n  \
            sudo tetherbook udev install        write it\n  \
            sudo tetherbook udev uninstall      take it away again"
    )]
    Udev(UdevArguments),
    /// Wait for a plugged-in phone and sync it; what the service runs
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook attend                                    the phone that is plugged in\n  \
            tetherbook attend /sys/bus/usb/devices/1-2           the one in this place\n  \
            journalctl --user -t tetherbook | grep synced        what the service did"
    )]
    Attend(AttendArguments),
    /// Write a completion script for a shell
    #[command(
        help_template = TEMPLATE,
        before_help = "Example:\n  tetherbook completions bash > ~/.local/share/bash-completion/completions/tetherbook"
    )]
    Completions(CompletionsArguments),
    /// Write the manual page
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  tetherbook man | man -l -\n  tetherbook man --directory ~/.local/share/man/man1"
    )]
    Man(ManArguments),
}

/// Arguments of `state`.
#[derive(Debug, Clone, Args)]
pub struct StateArguments {
    /// What to do; without it, show
    #[command(subcommand)]
    pub action: Option<StateAction>,
}

/// What to do with sync states.
#[derive(Debug, Clone, Subcommand)]
pub enum StateAction {
    /// Show each direction's state in words and in hexadecimal
    Show,
    /// Decode a set of ids or change numbers (MS-OXCFXICS 2.2.2.4) or a whole state
    #[command(
        help_template = TEMPLATE,
        before_help = "Examples:\n  \
            tetherbook state decode 33221100554477668899aabbccddeeff5200000000000100000000000500\n  \
            tetherbook state decode --whole - < state.hex"
    )]
    Decode {
        /// Hexadecimal digits; spaces and a leading 0x do not matter; - reads them from stdin
        #[arg(value_name = "HEX", required = true, num_args = 1..)]
        hex: Vec<String>,
        /// It is a whole state as `state show` prints it, not a single set
        #[arg(long)]
        whole: bool,
    },
}

/// Arguments of `log`.
#[derive(Debug, Clone, Args)]
pub struct LogArguments {
    /// What to do; without it, list the last sessions
    #[command(subcommand)]
    pub action: Option<LogAction>,
    /// So many sessions
    #[arg(short = 'n', long, value_name = "NUMBER", default_value_t = 20)]
    pub limit: usize,
}

/// What to do with the history.
#[derive(Debug, Clone, Subcommand)]
pub enum LogAction {
    /// Show what each action of a session did
    Show {
        /// The session's number
        #[arg(value_name = "SESSION")]
        session: i64,
    },
}

/// Arguments of `completions`.
#[derive(Debug, Clone, Args)]
pub struct CompletionsArguments {
    /// The shell
    pub shell: clap_complete::Shell,
}

/// Arguments of `man`.
#[derive(Debug, Clone, Args)]
pub struct ManArguments {
    /// The page of this command; the main page without it
    #[arg(value_name = "COMMAND")]
    pub command: Option<String>,
    /// Write all pages into this folder
    #[arg(long, value_name = "FOLDER", conflicts_with = "command")]
    pub directory: Option<PathBuf>,
}

/// The arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArguments {
    /// Copy the phone's files and the database here at the end
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_grammar_holds_together() {
        super::Arguments::command().debug_assert();
    }
}
