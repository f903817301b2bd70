//! `export`: contacts as vCards, to stdout, into one file or into a folder with a file each. Files appear whole or
//! not at all and can be read by their owner only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write;
use std::path::Path;

use crate::contact::{Card, Dialect, Opinion, Version, second_opinion, strict_reading, write};
use crate::provider::Revision;
use crate::report::{ExitCode, count, count_of, shown};

use super::arguments::ExportArguments;
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};

/// The longest part of a UID that becomes a file name, in letters.
const NAME_LENGTH_MAX: usize = 60;

/// What is exported, and what is told about it.
#[derive(Default)]
struct Export {
    /// UID and card.
    cards: Vec<(String, Card)>,
    /// What could not be expressed, and in how many contacts.
    losses: BTreeMap<String, usize>,
    /// Contacts that the second parser does not accept, by its reason.
    refused: Vec<String>,
    /// Contacts that are not valid vCard 4.0, by the strict parser's reason.
    left_out: Vec<String>,
    not_asked: usize,
}

/// Runs `export`.
pub fn run(invocation: &Invocation<'_>, arguments: &ExportArguments) -> Outcome {
    let dialect = match arguments.format {
        Version::V21 => Dialect::v21(),
        Version::V30 => Dialect::v30(),
        Version::V40 => Dialect::v40(),
    };
    let store = invocation.open_for_reading()?;
    let mut export = Export::default();
    for book in invocation.existing_books(&store, arguments.book.as_deref())? {
        book.each_card(|_, uid, card| export.add(uid, &card, &dialect, arguments.strict))?;
    }
    let target = &arguments.target;
    let exported = count(export.cards.len(), "contact");
    if target.as_os_str() == "-" {
        for (_, card) in &export.cards {
            invocation.result_bytes(card.as_bytes())?;
        }
    } else if target.is_dir() || target.as_os_str().to_string_lossy().ends_with('/') {
        fs::create_dir_all(target).map_err(|error| Failed::file("made", target, &error))?;
        let names = file_names(export.cards.iter().map(|(uid, _)| uid.as_str()));
        for ((_, card), name) in export.cards.iter().zip(names) {
            write_whole(&target.join(name), card.as_bytes())?;
        }
        invocation.say(format_args!("Exported {exported} to {}.", target.display()));
    } else {
        let bytes: Vec<u8> = export.cards.iter().flat_map(|(_, card)| card.as_bytes()).copied().collect();
        write_whole(target, &bytes)?;
        invocation.say(format_args!("Exported {exported} to {}.", target.display()));
    }
    export.tell(invocation, arguments);
    let all_went = export.refused.is_empty() && export.left_out.is_empty();
    Ok(if all_went { ExitCode::Done } else { ExitCode::SomeFailed })
}

impl Export {
    fn add(&mut self, uid: &str, card: &Card, dialect: &Dialect, strict: bool) {
        let named =
            if card.uid().is_some_and(|uid| !uid.is_empty()) { card.clone() } else { card.with_uid(uid) };
        let written = write(&named, dialect);
        for loss in written.losses {
            *self.losses.entry(loss).or_insert(0) += 1;
        }
        if let Err(why) = strict_reading(&written.card) {
            self.left_out.push(format!("{} ({uid}): {why}", shown(&card.display_name())));
            return;
        }
        if strict {
            match second_opinion(&written.card) {
                Opinion::Accepted => {}
                Opinion::Refused(why) => {
                    self.refused.push(format!("{} ({uid}): {why}", shown(&card.display_name())))
                }
                Opinion::TooLarge | Opinion::NotAsked(_) => self.not_asked += 1,
            }
        }
        self.cards.push((uid.to_owned(), written.card));
    }

    fn tell(&self, invocation: &Invocation<'_>, arguments: &ExportArguments) {
        for (loss, contacts) in &self.losses {
            let contacts = count(*contacts, "contact");
            let text =
                format!("Note: vCard {} cannot hold everything of {contacts}: {loss}", arguments.format);
            invocation.say(text);
        }
        for left_out in &self.left_out {
            invocation.warn(format_args!("error: not exported as vCard 4.0: {left_out}"));
        }
        if !self.left_out.is_empty() {
            invocation.warn("Hint: export them as they are understood by more programs: --format 3.0");
        }
        for refused in &self.refused {
            invocation.warn(format_args!("Note: vcard_parser does not accept {refused}"));
        }
        if self.not_asked > 0 {
            let contacts = count_of(self.not_asked, "contact was", "contacts were");
            invocation.say(format_args!(
                "Note: {contacts} not shown to vcard_parser, which takes small vCard 4.0 cards only."
            ));
        }
    }
}

/// Writes a file under a temporary name beside it and renames it, so that it is whole whenever it is there.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Failed> {
    let fault = |error: std::io::Error| Failed::file("written", path, &error);
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new().prefix(".tetherbook-").tempfile_in(folder).map_err(fault)?;
    file.write_all(bytes).map_err(fault)?;
    file.as_file().sync_all().map_err(fault)?;
    file.persist(path).map_err(|error| fault(error.error))?;
    Ok(())
}

/// A file name for each UID, none of them twice: several contacts may share a UID, in one book and across books, and
/// none may be written over another. Small and capital letters count as the same, as they do on a memory card.
fn file_names<'a>(uids: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = BTreeSet::new();
    // How often a stem came up: the next of it starts there, so that thousands of one UID take no longer each.
    let mut often = BTreeMap::<String, usize>::new();
    let mut names = Vec::new();
    for uid in uids {
        let mut name = file_name(uid);
        let stem = name.trim_end_matches(".vcf").to_owned();
        let number = often.entry(stem.to_lowercase()).or_insert(1);
        while !taken.insert(name.to_lowercase()) {
            *number += 1;
            name = format!("{stem}-{number}.vcf");
        }
        names.push(name);
    }
    names
}

/// A file name from a UID: the UID where it is safe as it is, else what is safe of it and a piece of its hash.
fn file_name(uid: &str) -> String {
    let plain = uid.strip_prefix("urn:uuid:").unwrap_or(uid);
    let is_safe = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '-' | '_');
    let safe: String = plain.chars().filter(|letter| is_safe(*letter)).take(NAME_LENGTH_MAX).collect();
    if safe == plain && !safe.is_empty() {
        return format!("{safe}.vcf");
    }
    format!("{safe}-{:?}.vcf", Revision::of(uid.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn contacts_that_share_a_uid_get_files_of_their_own() {
        let uids = ["ann", "ann-2", "ann", "Ann", "bo", "ann"];
        let names = file_names(uids.into_iter());
        assert_eq!(names, ["ann.vcf", "ann-2.vcf", "ann-3.vcf", "Ann-4.vcf", "bo.vcf", "ann-5.vcf"]);
    }

    #[test]
    fn file_names_are_safe_and_differ_where_uids_do() {
        assert_eq!(file_name("urn:uuid:ab-1"), "ab-1.vcf");
        let (up, down) = (file_name("../x"), file_name("..\\x"));
        assert!(!up.contains('/') && !up.contains("..") && up != down, "{up} {down}");
        assert!(file_name("ü").ends_with(".vcf") && file_name("ü") != file_name("ö"));
        assert!(file_name(&"a".repeat(500)).len() < 100);
    }
}
