//! The grammar of the commands that need no phone: `list`, `show`, `add`, `edit`, `rm`, `import`, `export`, `books`. It does
//! nothing.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};

use super::configuration::book_name;
use crate::contact::Version;

/// Arguments of `list`.
#[derive(Debug, Clone, Args)]
pub struct ListArguments {
    /// Only contacts with this UID or name, or a word of the name that begins so
    #[arg(value_name = "TEXT")]
    pub query: Option<String>,
    /// Only this book; without it, all of them
    #[arg(long, value_name = "NAME", value_parser = book_name)]
    pub book: Option<String>,
}

/// Which contact is meant.
#[derive(Debug, Clone, Args)]
pub struct WhichArguments {
    /// UID, #NUMBER, name, or the beginning of a word of the name
    #[arg(value_name = "CONTACT")]
    pub contact: String,
    /// Only in this book; without it, in all of them
    #[arg(long, value_name = "NAME", value_parser = book_name)]
    pub book: Option<String>,
}

/// Arguments of `show`.
#[derive(Debug, Clone, Args)]
pub struct ShowArguments {
    /// Which contact.
    #[command(flatten)]
    pub which: WhichArguments,
    /// Write the vCard as it is stored
    #[arg(long)]
    pub vcard: bool,
}

/// The fields that flags can set.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Fields")]
pub struct FieldArguments {
    /// The name as it is shown
    #[arg(long, value_name = "TEXT")]
    pub name: Option<String>,
    /// The given name
    #[arg(long, value_name = "TEXT")]
    pub given: Option<String>,
    /// The family name
    #[arg(long, value_name = "TEXT")]
    pub family: Option<String>,
    /// A phone number, with its kind: mobile=…, home=…, work=…, fax=…
    #[arg(long, value_name = "[KIND=]NUMBER")]
    pub phone: Vec<String>,
    /// An e-mail address, with its kind: home=… or work=…
    #[arg(long, value_name = "[KIND=]ADDRESS")]
    pub email: Vec<String>,
    /// The organisation
    #[arg(long, value_name = "TEXT")]
    pub org: Option<String>,
    /// The job title
    #[arg(long, value_name = "TEXT")]
    pub title: Option<String>,
    /// A note
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// The birthday: 1815-12-10, or --12-10 without a year
    #[arg(long, value_name = "DATE", allow_hyphen_values = true)]
    pub birthday: Option<String>,
}

/// Arguments of `add`.
#[derive(Debug, Clone, Args)]
pub struct AddArguments {
    /// `-`: read a vCard from stdin
    #[arg(value_name = "-", value_parser = PossibleValuesParser::new(["-"]), hide_possible_values = true)]
    pub card: Option<String>,
    /// The fields.
    #[command(flatten)]
    pub fields: FieldArguments,
    /// The book; the usual one without it
    #[arg(long, value_name = "NAME", value_parser = book_name)]
    pub book: Option<String>,
}

/// Arguments of `edit`.
#[derive(Debug, Clone, Args)]
pub struct EditArguments {
    /// Which contact.
    #[command(flatten)]
    pub which: WhichArguments,
    /// What is set. A phone number or e-mail address is added; an empty text takes a field away.
    #[command(flatten)]
    pub fields: FieldArguments,
    /// A phone number to take away
    #[arg(long, value_name = "NUMBER", help_heading = "Fields")]
    pub remove_phone: Vec<String>,
    /// An e-mail address to take away
    #[arg(long, value_name = "ADDRESS", help_heading = "Fields")]
    pub remove_email: Vec<String>,
}

/// Arguments of `rm`.
#[derive(Debug, Clone, Args)]
pub struct RmArguments {
    /// UIDs, #NUMBERs or names
    #[arg(value_name = "CONTACT", required = true)]
    pub contacts: Vec<String>,
    /// Only in this book; without it, in all of them
    #[arg(long, value_name = "NAME", value_parser = book_name)]
    pub book: Option<String>,
    /// Do not ask
    #[arg(short, long)]
    pub yes: bool,
}

/// Arguments of `import`.
#[derive(Debug, Clone, Args)]
pub struct ImportArguments {
    /// vCard files, folders of .vcf files, or - for stdin
    #[arg(value_name = "FILE", required = true)]
    pub sources: Vec<PathBuf>,
    /// The book; the usual one without it
    #[arg(long, value_name = "NAME", value_parser = book_name)]
    pub book: Option<String>,
    /// Replace a contact that has the same UID and other content
    #[arg(long)]
    pub update: bool,
}

/// Arguments of `export`.
#[derive(Debug, Clone, Args)]
pub struct ExportArguments {
    /// A file, a folder (one file per contact), or - for stdout
    #[arg(value_name = "TARGET", default_value = "-")]
    pub target: PathBuf,
    /// The vCard version; 3.0 is what every phone and program reads
    #[arg(long, value_name = "VERSION", default_value = "3.0", value_parser = version_parser())]
    pub format: Version,
    /// Only this book; without it, all of them
    #[arg(long, value_name = "NAME", value_parser = book_name)]
    pub book: Option<String>,
    /// Ask a second strict parser about every 4.0 card and tell what it says
    #[arg(long)]
    pub strict: bool,
}

/// Arguments of `books`.
#[derive(Debug, Clone, Args)]
pub struct BooksArguments {
    /// What to do; without it, list them
    #[command(subcommand)]
    pub action: Option<BooksAction>,
}

/// What to do with books.
#[derive(Debug, Clone, Subcommand)]
pub enum BooksAction {
    /// List the books
    List,
    /// Make a book
    Add {
        /// Its name
        name: String,
    },
}

fn version_parser() -> impl TypedValueParser<Value = Version> {
    PossibleValuesParser::new(["3.0", "4.0", "2.1"]).try_map(|name| match name.as_str() {
        "2.1" => Ok(Version::V21),
        "3.0" => Ok(Version::V30),
        "4.0" => Ok(Version::V40),
        _ => Err("no such version"),
    })
}
