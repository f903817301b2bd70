//! One run of a command: the world, the flags of every command, the configuration, and what most commands do with
//! them: open the database, find a contact, write results and talk.

use std::fmt::Display;
use std::io::{BufRead, BufReader, Write};
use std::path::PathBuf;

use crate::agent::{Keeping, SAFETY_COPIES, SafetyPlace};
use crate::provider::{ItemId, SessionId};
use crate::report::{ExitCode, HumanOptions, Line, json_line, shown};
use crate::store::{Book, Contact, OpenOptions, SessionLock, Store};

use super::arguments::{ColourChoice, Global};
use super::configuration::{self, Configuration};
use super::failure::Failed;
use super::paths;
use super::world::World;

/// The book that is meant where nobody says which.
const USUAL_BOOK: &str = "contacts";
/// So many of the contacts that could be meant are told.
const CANDIDATES_MAX: usize = 8;

/// What a command ends with.
pub type Outcome = Result<ExitCode, Failed>;

/// One run of a command.
#[derive(Debug)]
pub struct Invocation<'a> {
    /// The world.
    pub world: &'a World,
    /// The flags of every command.
    pub global: &'a Global,
    /// The configuration.
    pub configuration: Configuration,
    /// The database's file.
    pub database: PathBuf,
    colour: ColourChoice,
}

impl<'a> Invocation<'a> {
    /// Reads the configuration and finds the database; opens nothing.
    ///
    /// # Errors
    /// When the configuration is wrong or there is no place for a database.
    pub fn new(world: &'a World, global: &'a Global) -> Result<Self, Failed> {
        let usual = paths::configuration(world);
        let configuration = configuration::read(global.config.as_deref(), usual.as_deref())?;
        let database = paths::database(world, global.database.as_deref())?;
        let colour = global.color.or(configuration.color).unwrap_or_default();
        Ok(Self { world, global, configuration, database, colour })
    }

    /// The same for a command that must work whatever the configuration says: a wrong one counts as none, and what is
    /// wrong with it is the second value.
    ///
    /// # Errors
    /// When there is no place for a database.
    pub fn despite_configuration(
        world: &'a World,
        global: &'a Global,
    ) -> Result<(Self, Result<Option<PathBuf>, Failed>), Failed> {
        let usual = paths::configuration(world);
        let (configuration, told) = match configuration::read(global.config.as_deref(), usual.as_deref()) {
            Ok(configuration) => {
                let file = global.config.clone().or(usual).filter(|path| path.exists());
                (configuration, Ok(file))
            }
            Err(failed) => (Configuration::default(), Err(failed)),
        };
        let database = paths::database(world, global.database.as_deref())?;
        let colour = global.color.or(configuration.color).unwrap_or_default();
        Ok((Self { world, global, configuration, database, colour }, told))
    }

    /// Opens the database for reading; one that does not exist is empty, and stays so.
    ///
    /// # Errors
    /// When it cannot be used.
    pub fn open_for_reading(&self) -> Result<Store, Failed> {
        let options = OpenOptions { read_only: true, ..OpenOptions::default() };
        Ok(Store::open(&self.database, &options)?)
    }

    /// What a session keeps so that it can be taken back, by the configuration; `undo` is the one that it takes back.
    #[must_use]
    pub fn keeping(&self, undo: Option<SessionId>) -> Keeping {
        let copies = self.configuration.safety.copies.unwrap_or(SAFETY_COPIES);
        let safety = self.safety_folder().filter(|_| copies > 0).map(|folder| SafetyPlace { folder, copies });
        Keeping { undo, safety, keep_days: self.configuration.history.keep_days() }
    }

    /// Where safety copies go: beside the database.
    #[must_use]
    pub fn safety_folder(&self) -> Option<PathBuf> {
        self.database.parent().map(|folder| folder.join("safety"))
    }

    /// Takes the session lock and opens the database for writing.
    ///
    /// # Errors
    /// When another session runs, or the database cannot be used.
    pub fn open_for_writing(&self) -> Result<(SessionLock, Store), Failed> {
        let lock = SessionLock::acquire(&self.database, 0, &*self.world.clock)?;
        Ok((lock, Store::open(&self.database, &OpenOptions::default())?))
    }

    /// The book that is meant: the one named, else the configuration's, else the usual one.
    #[must_use]
    pub fn book_name(&self, named: Option<&str>) -> String {
        named
            .map(str::to_owned)
            .or_else(|| self.configuration.book.clone())
            .unwrap_or_else(|| USUAL_BOOK.to_owned())
    }

    /// A book by its name; in a store for writing it is made if it does not exist.
    ///
    /// # Errors
    /// When the database cannot be used.
    pub fn book<'s>(&'s self, store: &'s Store, name: &str) -> Result<Book<'s>, Failed> {
        Ok(Book::open(store, name, &*self.world.clock, &*self.world.randomness)?)
    }

    /// The existing books that are meant: the one named, or all.
    ///
    /// # Errors
    /// When the named one does not exist, or the database cannot be used.
    pub fn existing_books<'s>(
        &'s self,
        store: &'s Store,
        named: Option<&str>,
    ) -> Result<Vec<Book<'s>>, Failed> {
        let names: Vec<String> = store.books()?.into_iter().map(|book| book.name).collect();
        if let Some(named) = named
            && !names.iter().any(|name| name == named)
        {
            let hint = if names.is_empty() {
                format!("there are no books yet; tetherbook books add {}", shown(named))
            } else {
                let names: Vec<String> = names.iter().map(|name| shown(name)).collect();
                format!("the books are {}", names.join(", "))
            };
            return Err(Failed::general(format!("there is no book \"{}\"", shown(named)), hint));
        }
        let meant = names.iter().filter(|name| named.is_none_or(|named| *name == named));
        meant.map(|name| self.book(store, name)).collect()
    }

    /// The one contact that `text` means, and its book.
    ///
    /// # Errors
    /// When none or several could be meant; those are named.
    pub fn contact<'s>(
        &'s self,
        store: &'s Store,
        named_book: Option<&str>,
        text: &str,
    ) -> Result<(Book<'s>, Contact), Failed> {
        let mut found: Vec<(Book<'s>, ItemId, String, String)> = Vec::new();
        for book in self.existing_books(store, named_book)? {
            for row in book.find(text)? {
                found.push((self.book(store, &book_label(&book))?, row.item, row.name, row.uid));
            }
        }
        let count = found.len();
        let candidates: Vec<String> = found
            .iter()
            .take(CANDIDATES_MAX)
            .map(|(book, _, name, uid)| format!("{} ({uid}, book {})", shown(name), book_label(book)))
            .collect();
        match (found.pop(), count) {
            (Some((book, item, ..)), 1) => {
                let contact = book.contact(item)?;
                contact.map(|contact| (book, contact)).ok_or_else(|| none_found(text))
            }
            (None, _) => Err(none_found(text)),
            (Some(_), _) => Err(Failed::general(
                format!(
                    "\"{}\" could mean {count} contacts: {}{}",
                    shown(text),
                    candidates.join("; "),
                    if count > CANDIDATES_MAX { "; …" } else { "" }
                ),
                "name one by its UID",
            )),
        }
    }

    /// Writes one line of results.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn result(&self, line: impl Display) -> Result<(), Failed> {
        writeln!(self.world.stdout.clone(), "{line}").map_err(|error| Failed::output(&error))
    }

    /// Writes results as they are.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn result_bytes(&self, bytes: &[u8]) -> Result<(), Failed> {
        self.world.stdout.clone().write_all(bytes).map_err(|error| Failed::output(&error))
    }

    /// Writes lines of results, in colour if that is wanted.
    ///
    /// # Errors
    /// When they cannot be written.
    pub fn result_lines(&self, lines: &[Line]) -> Result<(), Failed> {
        let coloured = self.colour_results();
        lines.iter().try_for_each(|line| self.result(line.render(coloured)))
    }

    /// Writes one result as a JSON line.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn json<T: serde::Serialize>(&self, value: &T) -> Result<(), Failed> {
        self.result(json_line(value))
    }

    /// Says something on stderr, unless nothing but the necessary is wanted.
    pub fn say(&self, text: impl Display) {
        if !self.global.quiet {
            self.warn(text);
        }
    }

    /// Asks the person at the terminal; anything but yes is no.
    ///
    /// # Errors
    /// When the question cannot be shown or the answer not read.
    pub fn confirm(&self, question: &str) -> Result<bool, Failed> {
        let mut stderr = self.world.stderr.clone();
        let asked = write!(stderr, "{question} [y/N] ").and_then(|()| stderr.flush());
        asked.map_err(|error| Failed::output(&error))?;
        let mut answer = String::new();
        let mut stdin = self.world.stdin.borrow_mut();
        BufReader::new(&mut **stdin).read_line(&mut answer).map_err(|error| {
            Failed::general(format!("the answer cannot be read: {error}"), "add --yes if it is meant")
        })?;
        Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes"))
    }

    /// Says something on stderr that must be known.
    pub fn warn(&self, text: impl Display) {
        // Nobody may be listening; that changes nothing.
        drop(writeln!(self.world.stderr.clone(), "{text}"));
    }

    /// What was done: talk for people; with `--json` the object.
    ///
    /// # Errors
    /// When the object cannot be written.
    pub fn done<T: serde::Serialize>(&self, text: impl Display, object: &T) -> Result<(), Failed> {
        if self.global.json {
            return self.json(object);
        }
        if self.global.quiet { Ok(()) } else { self.result(text) }
    }

    /// Whether results are coloured.
    #[must_use]
    pub fn colour_results(&self) -> bool {
        coloured(self.world, self.colour, self.world.terminal.stdout)
    }

    /// How a report for people is written.
    #[must_use]
    pub fn human_options(&self, dry_run: bool, statistics: bool) -> HumanOptions {
        HumanOptions {
            colour_results: self.colour_results(),
            colour_talk: coloured(self.world, self.colour, self.world.terminal.stderr),
            quiet: self.global.quiet,
            verbose: self.global.verbose > 0,
            statistics,
            dry_run,
        }
    }
}

/// Whether a stream is coloured: always, never, or where a terminal that has colours reads it (<https://no-color.org>).
#[must_use]
pub fn coloured(world: &World, choice: ColourChoice, is_terminal: bool) -> bool {
    match choice {
        ColourChoice::Always => true,
        ColourChoice::Never => false,
        ColourChoice::Auto => {
            let is_dumb = world.variable("TERM").is_some_and(|terminal| terminal == "dumb");
            is_terminal && !is_dumb && world.variable("NO_COLOR").is_none()
        }
    }
}

/// The name of a book.
#[must_use]
pub fn book_label(book: &Book<'_>) -> String {
    crate::provider::Provider::replica(book).label.clone()
}

fn none_found(text: &str) -> Failed {
    Failed::general(format!("there is no contact \"{}\"", shown(text)), "tetherbook list shows them all")
}

/// A moment as people read it, in UTC, to the minute.
#[must_use]
pub fn moment(ms: i64) -> String {
    match jiff::Timestamp::from_millisecond(ms) {
        Ok(time) => time.strftime("%Y-%m-%d %H:%M UTC").to_string(),
        Err(_) => format!("{ms} ms since 1970"),
    }
}

/// A moment as programs read it (RFC 3339).
#[must_use]
pub fn moment_for_programs(ms: i64) -> Option<String> {
    jiff::Timestamp::from_millisecond(ms).ok().map(|time| time.to_string())
}
