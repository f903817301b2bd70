//! The configuration file: a handful of keys, none of them needed. An unknown key is an error that names the line
//! and the nearest key, because a typo that is passed over in silence changes what is synced.

use std::path::Path;

use serde::Deserialize;

use crate::relationship::{Guards, Mode};

use super::arguments::{ColourChoice, PolicyChoice};
use super::failure::Failed;

/// The file's content. Whatever is not set is decided by the command line or by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The book that is meant where none is named.
    pub book: Option<String>,
    /// The phone that is meant where none is named: `usb`, `usb:SERIAL`, `dir:PATH`.
    pub phone: Option<String>,
    /// The mode of a sync.
    pub mode: Option<Mode>,
    /// What becomes of a field that both sides changed differently.
    pub conflicts: Option<PolicyChoice>,
    /// When colours are used.
    pub color: Option<ColourChoice>,
    /// How many deletions pass without being asked for.
    #[serde(default)]
    pub guards: GuardsSection,
}

/// The section `[guards]`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuardsSection {
    /// So many deletions on a side always pass.
    pub deletes_max_count: Option<usize>,
    /// So many per cent of a side's contacts pass, if that is more.
    pub deletes_max_percent: Option<usize>,
}

impl GuardsSection {
    /// The guards with these settings.
    #[must_use]
    pub fn guards(&self) -> Guards {
        let default = Guards::default();
        Guards {
            deletes_max_count: self.deletes_max_count.unwrap_or(default.deletes_max_count),
            deletes_max_percent: self.deletes_max_percent.unwrap_or(default.deletes_max_percent),
        }
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
        Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => {
            Ok(Configuration::default())
        }
        Err(error) => Err(Failed::usage(
            format!("the configuration {} cannot be read: {error}", path.display()),
            "name another file with --config, or correct its permissions",
        )),
    }
}

fn parse(text: &str, path: &Path) -> Result<Configuration, Failed> {
    toml::from_str(text).map_err(|error| {
        let line = error
            .span()
            .and_then(|span| text.get(..span.start))
            .map(|before| before.matches('\n').count() + 1);
        let place =
            line.map_or_else(|| path.display().to_string(), |line| format!("{}:{line}", path.display()));
        let message = error.message().lines().next().unwrap_or_default();
        match unknown(message) {
            Some(Unknown { what, name, known }) => {
                let hint = match nearest(name, &known) {
                    Some(right) => format!("write \"{right}\""),
                    None => format!("the {what}s are {}", known.join(", ")),
                };
                Failed::usage(format!("{place}: there is no {what} \"{name}\""), hint)
            }
            None => {
                Failed::usage(format!("{place}: {message}"), "correct that line; strings stand in quotes")
            }
        }
    })
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

/// The known name that is at most a third of its letters away.
fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name = name.to_lowercase().replace('_', "-");
    let best = known.iter().map(|right| (distance(&name, &right.replace('_', "-")), *right)).min()?;
    (best.0 <= best.1.len().div_ceil(3)).then_some(best.1)
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
                    color = \"never\"\n[guards]\ndeletes_max_count = 2\ndeletes_max_percent = 50\n";
        let read = parse(text, Path::new("config.toml")).unwrap();
        assert_eq!(read.book.as_deref(), Some("home"));
        assert_eq!(read.mode, Some(Mode::PhoneToPc));
        assert_eq!(read.conflicts, Some(PolicyChoice::Newest));
        assert_eq!(read.color, Some(ColourChoice::Never));
        assert_eq!(read.guards.guards(), Guards { deletes_max_count: 2, deletes_max_percent: 50 });
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
            ("config.toml:1: there is no value \"two_way\"".into(), "write \"two-way\"".into())
        );
        assert_eq!(
            fault("[guards]\ndelete_max = 3\n").1,
            "the keys are deletes_max_count, deletes_max_percent"
        );
        let (message, _) = fault("\n\nbook = 3\n");
        assert!(message.starts_with("config.toml:3: "), "{message}");
    }

    #[test]
    fn distances_are_those_of_levenshtein() {
        assert_eq!(distance("kitten", "sitting"), 3);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("abc", ""), 3);
        assert_eq!(distance("same", "same"), 0);
    }
}
