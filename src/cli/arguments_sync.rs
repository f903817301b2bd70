//! The grammar of `sync` and `diff`. It does nothing.

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};

use super::arguments::{EditOrDeleteChoice, PolicyChoice};
use super::configuration::book_name;
use crate::device::{ChannelChoices, Transport};
use crate::plan::{GuardAnswer, GuardAnswers};
use crate::relationship::Mode;

/// What is synced with what, and how.
#[derive(Debug, Clone, Default, Args)]
pub struct WhatArguments {
    /// The phone: a paired one's name, usb, usb:SERIAL, dir:PATH or sim:DIR
    #[arg(long, value_name = "ADDRESS")]
    pub phone: Option<String>,
    /// How a simulated phone (sim:DIR) behaves
    #[arg(long, value_name = "NAME")]
    pub sim_personality: Option<String>,
    /// By which way a phone on the cable is reached; its profile knows
    #[arg(long, value_name = "WAY")]
    pub transport: Option<TransportChoice>,
    /// How the phone's contacts are reached: a profile of `tetherbook profiles list`; what is on the phone decides
    #[arg(long, value_name = "ID")]
    pub profile: Option<String>,
    /// The address book on the phone, where it has several
    #[arg(long, value_name = "NAME")]
    pub address_book: Option<String>,
    /// What it means that a contact is missing from the phone's newest export
    #[arg(long, value_name = "MEANING", default_value = "keep")]
    pub absent: AbsentChoice,
    /// Remove exports from the phone that are older than the newest
    #[arg(long)]
    pub prune_exports: bool,
    /// The book on the PC
    #[arg(long, value_name = "NAME", value_parser = book_name)]
    pub book: Option<String>,
    /// Who follows whom
    #[arg(long, value_name = "MODE", value_parser = mode_parser())]
    pub mode: Option<Mode>,
    /// What becomes of a field that both sides changed differently
    #[arg(long, value_name = "POLICY")]
    pub conflicts: Option<PolicyChoice>,
    /// What counts where one side deleted a contact and the other edited it
    #[arg(long, value_name = "WHICH")]
    pub edit_or_delete: Option<EditOrDeleteChoice>,
    /// Read every contact on the phone, whatever its date says
    #[arg(long)]
    pub deep: bool,
    /// Tell what it cost
    #[arg(long)]
    pub stats: bool,
    /// What you answer where a guard stopped it.
    #[command(flatten)]
    pub answers: AnswerArguments,
}

/// The answers to a guard. They are flags of one command and nothing else: no configuration can give them.
#[derive(Debug, Clone, Copy, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct AnswerArguments {
    /// Many deletions are meant
    #[arg(long)]
    pub allow_deletes: bool,
    /// Many edits are meant
    #[arg(long)]
    pub allow_edits: bool,
    /// Undo what was deleted, and too many edits: they are put back where they were made
    #[arg(long)]
    pub put_back: bool,
    /// Leave too many deletions or edits as they are, and sync the rest
    #[arg(long, conflicts_with = "put_back")]
    pub leave: bool,
}

impl AnswerArguments {
    /// The answers; the flag that names a kind goes first.
    #[must_use]
    pub fn answers(&self) -> GuardAnswers {
        let usual = match (self.put_back, self.leave) {
            (true, _) => GuardAnswer::PutBack,
            (_, true) => GuardAnswer::Leave,
            _ => GuardAnswer::Ask,
        };
        let meant = |is_meant: bool| if is_meant { GuardAnswer::Proceed } else { usual };
        GuardAnswers { deletes: meant(self.allow_deletes), edits: meant(self.allow_edits) }
    }

    /// The flags that were given, with a space in front of each.
    #[must_use]
    pub fn given(&self) -> String {
        let flags = [
            ("--allow-deletes", self.allow_deletes),
            ("--allow-edits", self.allow_edits),
            ("--put-back", self.put_back),
            ("--leave", self.leave),
        ];
        flags.into_iter().filter(|(_, is_given)| *is_given).map(|(flag, _)| format!(" {flag}")).collect()
    }
}

/// What it means that a contact is missing from an export.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum AbsentChoice {
    /// Nothing: it is told, and stays on the PC
    #[default]
    Keep,
    /// It was deleted on the phone
    Delete,
}

impl WhatArguments {
    /// What was said about how the phone's contacts are read.
    #[must_use]
    pub fn choices(&self) -> ChannelChoices {
        ChannelChoices {
            absent_is_deleted: self.absent == AbsentChoice::Delete,
            prune_exports: self.prune_exports,
            address_book: self.address_book.clone(),
        }
    }
}

/// By which way a phone on the cable is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TransportChoice {
    /// Tetherbook's own MTP over USB
    Rusb,
    /// The system's libmtp, for players and old phones
    Libmtp,
}

impl From<TransportChoice> for Transport {
    fn from(choice: TransportChoice) -> Self {
        match choice {
            TransportChoice::Rusb => Self::Rusb,
            TransportChoice::Libmtp => Self::Libmtp,
        }
    }
}

/// Arguments of `sync`.
#[derive(Debug, Clone, Args)]
pub struct SyncArguments {
    /// What is synced with what.
    #[command(flatten)]
    pub what: WhatArguments,
    /// Only show what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Wait until the phone is plugged in, at most so many seconds (without a number: for ever)
    #[arg(long, value_name = "SECONDS", num_args = 0..=1, default_missing_value = "0")]
    pub wait: Option<u64>,
}

/// Arguments of `diff`.
#[derive(Debug, Clone, Args)]
pub struct DiffArguments {
    /// What is compared with what.
    #[command(flatten)]
    pub what: WhatArguments,
    /// End with exit code 1 if there are differences
    #[arg(long)]
    pub exit_code: bool,
}

fn mode_parser() -> impl TypedValueParser<Value = Mode> {
    PossibleValuesParser::new(Mode::ALL.map(Mode::name))
        .try_map(|name| Mode::by_name(&name).ok_or("no such mode"))
}
