//! The configuration file: a handful of keys, none of them needed. An unknown key is an error that names the line
//! and the nearest key, because a typo that is passed over in silence changes what is synced.

use std::io;
use std::path::Path;

use serde::Deserialize;

use crate::agent::{AttendOptions, UNLOCK_WAIT_MINUTES};
use crate::contact::Country;
use crate::device::PhoneAddress;
use crate::relationship::{Guards, Limits, Mode};

use super::arguments::{ColourChoice, EditOrDeleteChoice, PolicyChoice};
use super::failure::Failed;

/// The file's content. Whatever is not set is decided by the command line or by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The book that is meant where none is named.
    pub book: Option<String>,
    /// The phone that is meant where none is named: `usb`, `usb:SERIAL`, `dir:PATH`, or a paired phone's name.
    pub phone: Option<String>,
    /// The mode of a sync.
    pub mode: Option<Mode>,
    /// What becomes of a field that both sides changed differently.
    pub conflicts: Option<PolicyChoice>,
    /// The country that telephone numbers without a country code are from, by its two letters: `NO`.
    pub country: Option<String>,
    /// What counts where one side deleted a contact and the other edited it.
    pub edit_or_delete: Option<EditOrDeleteChoice>,
    /// The program that `resolve --tool` runs where none is named.
    pub merge_tool: Option<String>,
    /// When colours are used.
    pub color: Option<ColourChoice>,
    /// How much a session may take away on a side without asking.
    #[serde(default)]
    pub guards: GuardsSection,
    /// What the plug-in service does.
    #[serde(default)]
    pub attend: AttendSection,
}

/// The section `[attend]`: what happens by itself when a phone is plugged in.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttendSection {
    /// So many minutes a locked phone is waited for; 720 (twelve hours) unless set.
    pub unlock_wait_minutes: Option<u64>,
    /// Whether a phone that is not paired is announced on the desktop; true unless set.
    pub announce_unpaired: Option<bool>,
}

impl Configuration {
    /// The country that numbers without a country code are from, if it is set.
    #[must_use]
    pub fn country(&self) -> Option<Country> {
        self.country.as_ref().and_then(|code| code.parse().ok())
    }
}

impl AttendSection {
    /// The options with these settings.
    #[must_use]
    pub fn options(&self) -> AttendOptions {
        let minutes = self.unlock_wait_minutes.unwrap_or(UNLOCK_WAIT_MINUTES);
        AttendOptions {
            unlock_wait_ms: minutes.saturating_mul(60_000),
            announce_unpaired: self.announce_unpaired.unwrap_or(true),
        }
    }
}

/// The section `[guards]`: limits for both sides, and what is different for one of them. There is no key that answers a
/// guard: only a person who was asked does.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardsSection {
    /// So many deletions on a side always pass.
    pub deletes_max_count: Option<usize>,
    /// So many per cent of a side's contacts pass, if that is more.
    pub deletes_max_percent: Option<usize>,
    /// So many overwritten contacts on a side always pass.
    pub edits_max_count: Option<usize>,
    /// So many per cent of a side's contacts pass, if that is more.
    pub edits_max_percent: Option<usize>,
    /// Other limits for the phone.
    #[serde(default)]
    pub phone: LimitsSection,
    /// Other limits for the PC.
    #[serde(default)]
    pub pc: LimitsSection,
}

/// The sections `[guards.phone]` and `[guards.pc]`: what is different on that side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsSection {
    /// As in `[guards]`.
    pub deletes_max_count: Option<usize>,
    /// As in `[guards]`.
    pub deletes_max_percent: Option<usize>,
    /// As in `[guards]`.
    pub edits_max_count: Option<usize>,
    /// As in `[guards]`.
    pub edits_max_percent: Option<usize>,
}

impl LimitsSection {
    /// `usual` with these settings in their place.
    fn over(self, usual: Limits) -> Limits {
        Limits {
            deletes_max_count: self.deletes_max_count.unwrap_or(usual.deletes_max_count),
            deletes_max_percent: self.deletes_max_percent.unwrap_or(usual.deletes_max_percent),
            edits_max_count: self.edits_max_count.unwrap_or(usual.edits_max_count),
            edits_max_percent: self.edits_max_percent.unwrap_or(usual.edits_max_percent),
        }
    }
}

impl GuardsSection {
    /// The guards with these settings.
    #[must_use]
    pub fn guards(&self) -> Guards {
        let both = LimitsSection {
            deletes_max_count: self.deletes_max_count,
            deletes_max_percent: self.deletes_max_percent,
            edits_max_count: self.edits_max_count,
            edits_max_percent: self.edits_max_percent,
        };
        let usual = both.over(Limits::default());
        Guards { phone: self.phone.over(usual), pc: self.pc.over(usual) }
    }
}

/// Reads the configuration. A file that was named must exist; the usual one need not.
///
/// # Errors
/// [`crate::report::ExitCode::Usage`] with file, line and the nearest key.
pub fn read(named: Option<&Path>, usual: Option<&Path>) -> Result<Configuration, Failed> {
    let Some(path) = named.or(usual) else { return Ok(Configuration::default()) };
    match std::fs::read_to_string(path) {
        Ok(text) => parse(&text, path),
        Err(error) if named.is_none() && error.kind() == io::ErrorKind::NotFound => {
            Ok(Configuration::default())
        }
        Err(error) => {
            let (why, hint) = match error.kind() {
                io::ErrorKind::InvalidData => (String::from("it is not UTF-8 text"), "save it as UTF-8"),
                io::ErrorKind::IsADirectory => {
                    (String::from("it is a folder"), "name a file with --config, or move that folder away")
                }
                io::ErrorKind::NotFound => {
                    (String::from("it does not exist"), "check the name behind --config")
                }
                _ => (error.to_string(), "name another file with --config, or correct its permissions"),
            };
            Err(Failed::usage(format!("the configuration {} cannot be read: {why}", path.display()), hint))
        }
    }
}

fn parse(text: &str, path: &Path) -> Result<Configuration, Failed> {
    let configuration: Configuration = toml::from_str(text).map_err(|error| {
        let start = error.span().map(|span| span.start);
        let before = start.and_then(|start| text.get(..start));
        let line = before.map(|before| before.matches('\n').count());
        let place = line
            .map_or_else(|| path.display().to_string(), |line| format!("{}:{}", path.display(), line + 1));
        // A key stands before the equals sign of the line that the fault is on.
        let key = line.and_then(|line| text.lines().nth(line)).and_then(|line| line.split_once('='));
        let key = key.map(|(key, _)| key.trim()).filter(|key| !key.is_empty());
        let (message, hint) = fault_words(error.message(), key);
        Failed::usage(format!("{place}: {message}"), hint)
    })?;
    let at = |message: String, hint: &str| Failed::usage(format!("{}: {message}", path.display()), hint);
    // A word may be the name of a paired phone, which the database knows.
    let is_address = |phone: &&String| phone.is_empty() || phone.contains([':', '/']);
    let address = configuration.phone.as_ref().filter(is_address);
    if let Some(Err(error)) = address.map(|phone| phone.parse::<PhoneAddress>()) {
        return Err(at(
            format!("phone: {error}"),
            "write it as on the command line: phone = \"dir:/path/to/folder\"",
        ));
    }
    if let Some(Err(error)) = configuration.book.as_ref().map(|book| book_name(book)) {
        return Err(at(format!("book: {error}"), "give the book a name, or leave that line out"));
    }
    if let Some(Err(error)) = configuration.country.as_ref().map(|code| code.parse::<Country>()) {
        let code = configuration.country.as_deref().unwrap_or_default();
        return Err(at(
            format!("country: {error}: \"{code}\""),
            "write the two letters of ISO 3166-1, like country = \"NO\"",
        ));
    }
    Ok(configuration)
}

/// A book's name as a person may give it.
///
/// # Errors
/// When it is empty or holds control characters: nobody could type it again.
pub fn book_name(name: &str) -> Result<String, &'static str> {
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err("a book needs a name of one line");
    }
    Ok(name.to_owned())
}

/// What serde and the TOML parser say about a file of ours, in words that name the key, and what to do.
#[must_use]
pub fn fault_words(message: &str, key: Option<&str>) -> (String, String) {
    let message = message.trim().lines().next().unwrap_or_default();
    if let Some(Unknown { what, name, known }) = unknown(message) {
        let for_key = key.filter(|_| what == "value").map(|key| format!(" for {key}")).unwrap_or_default();
        let right = nearest(name, &known);
        let hint = if right.is_empty() {
            format!("the {what}s are {}", known.join(", "))
        } else {
            format!("write \"{}\"", right.join("\" or \""))
        };
        return (format!("there is no {what} \"{name}\"{for_key}"), hint);
    }
    let wanted = message.rsplit_once("expected ").map_or(message, |(_, wanted)| wanted);
    let wanted = match wanted {
        _ if message.starts_with("duplicate key") => {
            let text =
                key.map_or_else(|| message.to_owned(), |key| format!("{key} stands here a second time"));
            return (text, String::from("leave one of the two lines out"));
        }
        "a string" | "literal string" | "wanted string or table" => "a text in quotes",
        "usize" | "u64" | "u32" | "u16" | "u8" => "a whole number that is not negative",
        "a boolean" => "true or false",
        "struct GuardsSection" => "a section: [guards] on a line of its own",
        "struct LimitsSection" => "a section: [guards.phone] or [guards.pc] on a line of its own",
        "struct AttendSection" => "a section: [attend] on a line of its own",
        _ => return (message.to_owned(), String::from("correct that line; texts stand in quotes")),
    };
    let what = key.unwrap_or("the value");
    (format!("{what} has a value of the wrong kind"), format!("write {wanted}"))
}

/// A name that serde did not know, and those it knows.
struct Unknown<'a> {
    what: &'static str,
    name: &'a str,
    known: Vec<&'a str>,
}

/// Takes serde's sentence apart: unknown field `conflict`, expected one of `book`, `phone`.
fn unknown(message: &str) -> Option<Unknown<'_>> {
    let what = match message {
        _ if message.starts_with("unknown field") => "key",
        _ if message.starts_with("unknown variant") => "value",
        _ => return None,
    };
    let mut quoted = message.split('`').skip(1).step_by(2);
    let name = quoted.next()?;
    Some(Unknown { what, name, known: quoted.collect() })
}

/// The known names that are nearest and at most a third of their letters away; several if they are equally near.
pub fn nearest<'a>(name: &str, known: &[&'a str]) -> Vec<&'a str> {
    let name = name.to_lowercase().replace('_', "-");
    let away = |right: &&str| distance(&name, &right.replace('_', "-"));
    let least = known.iter().map(away).min().unwrap_or(usize::MAX);
    known.iter().copied().filter(|right| away(right) == least && least <= right.len().div_ceil(3)).collect()
}

/// How many letters must be put in, left out or replaced to make one of the other (Levenshtein's distance).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (number, letter) in left.chars().enumerate() {
        let mut next = Vec::with_capacity(row.len());
        next.push(number + 1);
        for ((other, above), diagonal) in right.iter().zip(row.iter().skip(1)).zip(&row) {
            let replaced = diagonal + usize::from(*other != letter);
            let left_of = next.last().copied().unwrap_or(usize::MAX - 1);
            next.push(replaced.min(above + 1).min(left_of + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> (String, String) {
        let failed = parse(text, Path::new("config.toml")).unwrap_err();
        assert_eq!(failed.exit, crate::report::ExitCode::Usage);
        (failed.message, failed.hint.unwrap())
    }

    #[test]
    fn reads_every_key() {
        let text = "book = \"home\"\nphone = \"dir:/srv/cards\"\nmode = \"phone-to-pc\"\nconflicts = \"newest\"\n\
                    color = \"never\"\ncountry = \"no\"\nedit_or_delete = \"delete\"\nmerge_tool = \"meld\"\n\
                    [guards]\ndeletes_max_count = 2\ndeletes_max_percent = 50\n\
                    edits_max_count = 7\n[guards.phone]\nedits_max_percent = 3\n[guards.pc]\ndeletes_max_count = 1\n\
                    [attend]\nunlock_wait_minutes = 3\nannounce_unpaired = false\n";
        let read = parse(text, Path::new("config.toml")).unwrap();
        assert_eq!(read.book.as_deref(), Some("home"));
        assert_eq!(read.mode, Some(Mode::PhoneToPc));
        assert_eq!(read.conflicts, Some(PolicyChoice::Newest));
        assert_eq!(read.edit_or_delete, Some(EditOrDeleteChoice::Delete));
        assert_eq!(read.merge_tool.as_deref(), Some("meld"));
        assert_eq!(read.color, Some(ColourChoice::Never));
        assert_eq!(read.country().unwrap().code(), "NO");
        let usual = Limits {
            deletes_max_count: 2,
            deletes_max_percent: 50,
            edits_max_count: 7,
            edits_max_percent: Limits::default().edits_max_percent,
        };
        let phone = Limits { edits_max_percent: 3, ..usual };
        assert_eq!(read.guards.guards(), Guards { phone, pc: Limits { deletes_max_count: 1, ..usual } });
        assert_eq!(
            read.attend.options(),
            AttendOptions { unlock_wait_ms: 180_000, announce_unpaired: false }
        );
        assert_eq!(parse("", Path::new("config.toml")).unwrap(), Configuration::default());
        assert_eq!(GuardsSection::default().guards(), Guards::default());
    }

    #[test]
    fn a_typo_is_told_with_its_line_and_the_right_word() {
        assert_eq!(
            fault("book = \"a\"\nconflict = \"hold\"\n"),
            ("config.toml:2: there is no key \"conflict\"".into(), "write \"conflicts\"".into())
        );
        assert_eq!(
            fault("mode = \"two_way\"\n"),
            ("config.toml:1: there is no value \"two_way\" for mode".into(), "write \"two-way\"".into())
        );
        assert_eq!(
            fault("[guards]\ndelete_max = 3\n").1,
            "the keys are deletes_max_count, deletes_max_percent, edits_max_count, edits_max_percent, phone, pc"
        );
        for (text, message, hint) in [
            ("\n\nbook = 3\n", "config.toml:3: book has a value of the wrong kind", "write a text in quotes"),
            ("mode = 3\n", "config.toml:1: mode has a value of the wrong kind", "write a text in quotes"),
            (
                "[guards]\ndeletes_max_count = -3\n",
                "config.toml:2: deletes_max_count has a value of the wrong kind",
                "write a whole number that is not negative",
            ),
            (
                "guards = 3\n",
                "config.toml:1: guards has a value of the wrong kind",
                "write a section: [guards] on a line of its own",
            ),
            (
                "[guards]\nphone = 3\n",
                "config.toml:2: phone has a value of the wrong kind",
                "write a section: [guards.phone] or [guards.pc] on a line of its own",
            ),
            (
                "attend = true\n",
                "config.toml:1: attend has a value of the wrong kind",
                "write a section: [attend] on a line of its own",
            ),
            (
                "book = \"a\"\nbook = \"b\"\n",
                "config.toml:2: book stands here a second time",
                "leave one of the two lines out",
            ),
            ("fone = \"usb\"\n", "config.toml:1: there is no key \"fone\"", "write \"phone\" or \"mode\""),
            (
                "phone = \"mtp:1\"\n",
                "config.toml: phone: \"mtp:1\" names no phone; write usb, usb:SERIAL, dir:PATH or sim:DIRECTORY",
                "write it as on the command line: phone = \"dir:/path/to/folder\"",
            ),
            (
                "country = \"Norway\"\n",
                "config.toml: country: there is no country with these two letters: \"Norway\"",
                "write the two letters of ISO 3166-1, like country = \"NO\"",
            ),
            (
                "book = \" \"\n",
                "config.toml: book: a book needs a name of one line",
                "give the book a name, or leave that line out",
            ),
        ] {
            assert_eq!(fault(text), (message.into(), hint.into()));
        }
    }

    #[test]
    fn distances_are_those_of_levenshtein() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
