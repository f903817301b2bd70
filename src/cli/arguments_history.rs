//! The grammar of `undo`, `history` and `restore`. It does nothing.

use clap::{Args, ValueEnum};

use super::arguments::PolicyChoice;
use super::arguments_sync::AnswerArguments;
use super::arguments_sync::WhatArguments;
use super::configuration::book_name;
use crate::store::Answer;

/// Arguments of `undo`.
#[derive(Debug, Clone, Args)]
pub struct UndoArguments {
    /// The session, by its number in `log`; without it, the last sync that was not taken back. With --release: the contacts
    #[arg(value_name = "SESSION")]
    pub what: Vec<String>,
    /// Only show what would be done
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// The phone, if it is not where it was then: a paired one's name, usb, usb:SERIAL, dir:PATH or sim:DIR
    #[arg(long, value_name = "ADDRESS")]
    pub phone: Option<String>,
    /// How a simulated phone (sim:DIR) behaves
    #[arg(long, value_name = "NAME")]
    pub sim_personality: Option<String>,
    /// Tell what it cost
    #[arg(long)]
    pub stats: bool,
    /// Many deletions are meant
    #[arg(long)]
    pub allow_deletes: bool,
    /// List the contacts that are held since an undo: sync leaves them alone
    #[arg(long, conflicts_with_all = ["what", "dry_run", "phone", "allow_deletes", "release"])]
    pub held: bool,
    /// Let go of contacts that are held, and say which side counts at the next sync
    #[arg(long, value_name = "SIDE", conflicts_with_all = ["dry_run", "phone", "allow_deletes"])]
    pub release: Option<AnswerChoice>,
    /// With --release: all that are held
    #[arg(long, requires = "release", conflicts_with = "what")]
    pub all: bool,
}

/// Which side counts for a contact that was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerChoice {
    /// What the PC holds, or that it does not hold the contact, goes to the phone
    Pc,
    /// What the phone holds, or that it does not hold the contact, goes to the PC
    Phone,
    /// Sync decides as it did before the undo
    Again,
}

impl From<AnswerChoice> for Answer {
    fn from(choice: AnswerChoice) -> Self {
        match choice {
            AnswerChoice::Pc => Self::Pc,
            AnswerChoice::Phone => Self::Phone,
            AnswerChoice::Again => Self::Again,
        }
    }
}

impl UndoArguments {
    /// Which phone and book a session is with, as `sync` takes it.
    #[must_use]
    pub fn what(&self, phone: String, book: String) -> WhatArguments {
        WhatArguments {
            phone: Some(phone),
            book: Some(book),
            sim_personality: self.sim_personality.clone(),
            stats: self.stats,
            answers: AnswerArguments { allow_deletes: self.allow_deletes, ..AnswerArguments::default() },
            conflicts: None::<PolicyChoice>,
            ..WhatArguments::default()
        }
    }
}

/// Arguments of `history`.
#[derive(Debug, Clone, Args)]
pub struct HistoryArguments {
    /// The contact: a UID, a name, the beginning of a name, or # and its number; one that was removed by UID, whole name or
    /// number
    #[arg(value_name = "CONTACT")]
    pub contact: String,
    /// Its book; without it, all are searched
    #[arg(long, value_name = "NAME", value_parser = book_name)]
    pub book: Option<String>,
}

/// Arguments of `restore`.
#[derive(Debug, Clone, Args)]
pub struct RestoreArguments {
    /// The contact, as for `history`
    #[arg(value_name = "CONTACT")]
    pub contact: String,
    /// The version that it gets, by its number in `history`; one that was removed gets its last content without this
    #[arg(long, value_name = "N")]
    pub version: Option<u64>,
    /// Only these fields, such as tel,email,note; the others stay as they are
    #[arg(long, value_name = "FIELDS", value_delimiter = ',')]
    pub field: Vec<String>,
    /// Only show what would change
    #[arg(short = 'n', long)]
    pub dry_run: bool,
    /// Its book; without it, all are searched
    #[arg(long, value_name = "NAME", value_parser = book_name)]
    pub book: Option<String>,
}
