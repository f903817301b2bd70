//! The grammar of the commands about who is who. It does nothing.

use clap::Args;

use super::configuration::book_name;

/// Arguments of `dupes`.
#[derive(Debug, Clone, Args)]
pub struct DupesArguments {
    /// Only this book; without it, all of them
    #[arg(long, value_name = "NAME", value_parser = book_name)]
    pub book: Option<String>,
    /// Also what was answered already
    #[arg(long)]
    pub all: bool,
    /// Only list, even where somebody could be asked
    #[arg(long)]
    pub list: bool,
}

/// Arguments of `link`.
#[derive(Debug, Clone, Args)]
pub struct LinkArguments {
    /// The contact on the PC: UID, #NUMBER, name, or the beginning of a word of the name
    #[arg(value_name = "PC_CONTACT")]
    pub contact: String,
    /// The contact on the phone, in the same way; #NUMBER as dupes shows it
    #[arg(value_name = "PHONE_CONTACT")]
    pub other: String,
    /// Only in this book; without it, in all of them
    #[arg(long, value_name = "NAME", value_parser = book_name)]
    pub book: Option<String>,
    /// Only on this phone, by its name; without it, on all of them
    #[arg(long, value_name = "NAME")]
    pub phone: Option<String>,
    /// They are two and go on as two; as unlink
    #[arg(long)]
    pub not: bool,
}

/// Arguments of `unlink`.
#[derive(Debug, Clone, Args)]
pub struct UnlinkArguments {
    /// The contact on the PC: UID, #NUMBER, name, or the beginning of a word of the name
    #[arg(value_name = "CONTACT")]
    pub contact: String,
    /// Whom it is not: a contact on the phone, or another one in the same book; without it, all who wait for an
    /// answer, else its partner
    #[arg(value_name = "OTHER")]
    pub other: Option<String>,
    /// Only in this book; without it, in all of them
    #[arg(long, value_name = "NAME", value_parser = book_name)]
    pub book: Option<String>,
    /// Only on this phone, by its name; without it, on all of them
    #[arg(long, value_name = "NAME")]
    pub phone: Option<String>,
}

/// Arguments of `merge`.
#[derive(Debug, Clone, Args)]
pub struct MergeArguments {
    /// The contact that stays: UID, #NUMBER, name, or the beginning of a word of the name
    #[arg(value_name = "CONTACT")]
    pub contact: String,
    /// The contact whose content goes into it, and which is then removed
    #[arg(value_name = "OTHER")]
    pub other: String,
    /// Only in this book; without it, in all of them
    #[arg(long, value_name = "NAME", value_parser = book_name)]
    pub book: Option<String>,
    /// Only show what would become of them
    #[arg(short = 'n', long)]
    pub dry_run: bool,
}
