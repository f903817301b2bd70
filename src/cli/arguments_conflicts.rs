//! The grammar of `conflicts` and `resolve`, and of what is chosen for conflicts elsewhere. It does nothing.

use clap::{Args, Subcommand, ValueEnum};
use serde::Deserialize;

use crate::contact::Answer;
use crate::relationship::{Choices, EditOrDelete};

use super::arguments::{PolicyChoice, WhichArguments};
use super::configuration::book_name;

/// Arguments of `conflicts`.
#[derive(Debug, Clone, Args)]
pub struct ConflictsArguments {
    /// What to do; without it, list them all
    #[command(subcommand)]
    pub action: Option<ConflictsAction>,
}

/// What to do with conflicts.
#[derive(Debug, Clone, Subcommand)]
pub enum ConflictsAction {
    /// Show what waits of one contact
    Show {
        /// Which contact; its number as `conflicts` lists it will do.
        #[command(flatten)]
        which: WhichArguments,
    },
}

/// Arguments of `resolve`.
#[derive(Debug, Clone, Args)]
pub struct ResolveArguments {
    /// Number as `conflicts` lists it, UID, or name; without it and on a terminal, every contact that waits
    #[arg(value_name = "CONTACT", conflicts_with = "all")]
    pub contact: Option<String>,
    /// Only in this book; without it, in all of them
    #[arg(long, value_name = "NAME", value_parser = book_name)]
    pub book: Option<String>,
    /// Who is right in one field, named or numbered as `conflicts` shows it: birthday=phone
    #[arg(long, value_name = "FIELD=ANSWER", requires = "contact", help_heading = "Answers")]
    pub field: Vec<String>,
    /// What is right in one field, typed: birthday=1815-12-10
    #[arg(long, value_name = "FIELD=VALUE", requires = "contact", help_heading = "Answers")]
    pub set: Vec<String>,
    /// Who is right in all other fields
    #[arg(long, value_name = "ANSWER", requires = "contact", help_heading = "Answers")]
    pub all_fields: Option<AnswerChoice>,
    /// Change the whole contact in an editor
    #[arg(
        long, requires = "contact", conflicts_with_all = ["field", "set", "all_fields", "tool"], help_heading = "Answers"
    )]
    pub edit: bool,
    /// Let a program merge: it reads $BASE, $PC and $PHONE and leaves $MERGED
    #[arg(
        long, value_name = "COMMAND", num_args = 0..=1, default_missing_value = "", requires = "contact",
        conflicts_with_all = ["field", "set", "all_fields"], help_heading = "Answers"
    )]
    pub tool: Option<String>,
    /// Decide all contacts that wait
    #[arg(long, requires = "take", help_heading = "Answers")]
    pub all: bool,
    /// Who is right in all of them
    #[arg(long, value_name = "ANSWER", requires = "all", help_heading = "Answers")]
    pub take: Option<AnswerChoice>,
    /// Only show what would be decided
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}

impl ResolveArguments {
    /// Whether the answers stand on the command line, so that nobody is asked.
    #[must_use]
    pub fn has_answers(&self) -> bool {
        !self.field.is_empty()
            || !self.set.is_empty()
            || self.all_fields.is_some()
            || self.edit
            || self.tool.is_some()
            || self.all
    }
}

/// Who is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum AnswerChoice {
    /// The phone
    Phone,
    /// The PC
    #[value(alias = "computer")]
    Pc,
    /// Both: each value is kept on both sides
    Both,
}

impl From<AnswerChoice> for Answer {
    fn from(choice: AnswerChoice) -> Self {
        match choice {
            AnswerChoice::Phone => Self::Phone,
            AnswerChoice::Pc => Self::Pc,
            AnswerChoice::Both => Self::Both,
        }
    }
}

/// What counts where one side deleted a contact and the other edited it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EditOrDeleteChoice {
    /// The edit: the contact comes back where it was deleted
    Edit,
    /// The deletion: the contact goes, and the edit stays in the history
    Delete,
}

impl From<EditOrDeleteChoice> for EditOrDelete {
    fn from(choice: EditOrDeleteChoice) -> Self {
        match choice {
            EditOrDeleteChoice::Edit => Self::Edit,
            EditOrDeleteChoice::Delete => Self::Delete,
        }
    }
}

/// What is said about conflicts, by flags or in the configuration.
#[must_use]
pub fn choices(conflicts: Option<PolicyChoice>, edit_or_delete: Option<EditOrDeleteChoice>) -> Choices {
    Choices { conflicts: conflicts.map(Into::into), edit_or_delete: edit_or_delete.map(Into::into) }
}
