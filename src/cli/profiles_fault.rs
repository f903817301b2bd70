//! A faulty device profile in words: the line, what is wrong with it, and what to write there.

use crate::device::ProfileError;

use super::configuration::fault_words;
use super::failure::Failed;

/// What is wrong with the file of this name and text, and what to do about it.
pub fn fault(name: &str, text: &str, error: &ProfileError) -> Failed {
    let reason = error.reason.as_str();
    let told = reason.strip_prefix("line ").and_then(|rest| rest.split_once(": "));
    let (line, reason) = match told {
        Some((line, reason)) => (line.parse::<usize>().ok(), reason),
        None => (line_of(text, reason), reason),
    };
    let (words, hint) = words(name, text, line, reason);
    let place = line.map_or_else(String::new, |line| format!("line {line}: "));
    Failed::general(format!("{place}{words}"), hint)
}

fn words(name: &str, text: &str, line: Option<usize>, reason: &str) -> (String, String) {
    let by_hand = "docs/profiles.md says what every key may hold";
    if reason.starts_with("unknown ") || reason.starts_with("invalid type") {
        let key = line.and_then(|line| key_in(text.lines().nth(line.checked_sub(1)?)?));
        return fault_words(reason, key);
    }
    if let Some(key) = reason.strip_prefix("missing field ") {
        let hint = "add that key; tetherbook profiles new writes a whole profile to begin with";
        return (format!("the key {} is missing", key.replace('`', "")), String::from(hint));
    }
    if reason == "the id is not the file's name" {
        let stem = name.strip_suffix(".toml").unwrap_or(name);
        let id = id_in(text).unwrap_or_default();
        return (reason.to_owned(), format!("call the file {id}.toml, or write id = \"{stem}\""));
    }
    (reason.to_owned(), format!("correct it; {by_hand}"))
}

fn id_in(text: &str) -> Option<String> {
    let table = toml::from_str::<toml::Table>(text).ok()?;
    table.get("id").and_then(toml::Value::as_str).map(str::to_owned)
}

/// The key that a line sets.
fn key_in(line: &str) -> Option<&str> {
    let (key, _) = line.split_once('=')?;
    let key = key.trim();
    let is_plain =
        !key.is_empty() && key.chars().all(|letter| letter.is_ascii_alphanumeric() || letter == '_');
    is_plain.then_some(key)
}

/// The line, from 1, of the key that a reason begins with, such as `guide.needs is empty`, if it is only one.
fn line_of(text: &str, reason: &str) -> Option<usize> {
    let subject = reason.split([' ', ':']).next()?;
    let key = subject.rsplit('.').next()?;
    let mut lines = (1..).zip(text.lines()).filter(|(_, line)| key_in(line) == Some(key));
    let (number, _) = lines.next()?;
    lines.next().is_none().then_some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_is_that_of_the_key() {
        let text = "id = \"x\"\n[guide]\nneeds = \"\"\nnames = 1\n[a]\nnames = 2\n";
        assert_eq!(line_of(text, "guide.needs is empty"), Some(3));
        assert_eq!(line_of(text, "names is not"), None, "there are two");
        assert_eq!(line_of(text, "there is no folder"), None);
    }
}
