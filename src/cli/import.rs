//! `import`: contacts from vCard files. One bad card costs one card: it is named with file, line and reason, and the
//! others come in. What is there already is never doubled.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::contact::{BrokenCard, Card, FieldMask, Fingerprint, FramedCard, Limits, read_cards};
use crate::provider::ItemId;
use crate::report::{ExitCode, count, count_of, sentence, shown};
use crate::store::{Book, Cause};

use super::arguments::ImportArguments;
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};

/// The most of one file that is read, in bytes; as much as ten thousand contacts with a photo each.
const FILE_BYTES_MAX: u64 = 1 << 30;

/// So many mended cards are told one by one.
const MENDED_TOLD_MAX: usize = 10;

/// What became of the cards.
#[derive(Debug, Default)]
struct Tally {
    added: usize,
    updated: usize,
    there: usize,
    kept: usize,
    mended: usize,
    failed: usize,
}

/// Runs `import`.
pub fn run(invocation: &Invocation<'_>, arguments: &ImportArguments) -> Outcome {
    let mut tally = Tally::default();
    let mut cards = Vec::new();
    for source in &arguments.sources {
        for file in files(source)? {
            match read(invocation, &file) {
                Ok(bytes) => {
                    let label = file_label(&file);
                    let found = read_cards(&bytes, &label, &Limits::default());
                    if found.is_empty() {
                        cards.push(Err(nothing_in(&label)));
                    }
                    cards.extend(found.into_iter().map(|card| card.map(|framed| (label.clone(), framed))));
                }
                Err(failed) if arguments.sources.len() == 1 && file == *source => return Err(failed),
                Err(failed) => {
                    tally.failed += 1;
                    invocation.warn(format_args!("Not imported: {}", failed.message));
                }
            }
        }
    }
    let name = invocation.book_name(arguments.book.as_deref());
    let (_lock, store) = invocation.open_for_writing()?;
    let book = invocation.book(&store, &name)?.for_cause(Cause::Import);
    // One look at all UIDs costs less than one look per card.
    let by_uid = book.list()?.into_iter().map(|row| (row.uid, row.item)).collect();
    let mut importer =
        Importer { invocation, book: &book, update: arguments.update, by_uid, contents: None, tally };
    // All that can come in comes in together: one wait for the disk, and an interruption leaves none of it.
    store.begin()?;
    for card in cards {
        importer.card(card)?;
        if invocation.world.is_interrupted() {
            return Err(Failed::new(
                ExitCode::Interrupted,
                "interrupted; nothing was imported",
                "import the files again",
            ));
        }
    }
    let tally = importer.tally;
    store.commit()?;
    invocation.done(tally.words(&name), &tally.object(&name))?;
    if tally.kept > 0 {
        invocation.say("Hint: --update replaces the contacts that differ.");
    }
    if tally.failed > 0 {
        invocation.say("Hint: mend those and import the files again; what came in already is not doubled.");
    }
    Ok(if tally.failed > 0 { ExitCode::SomeFailed } else { ExitCode::Done })
}

impl Tally {
    fn words(&self, book: &str) -> String {
        let mut parts = vec![format!("imported {} into {}", count(self.added, "contact"), shown(book))];
        for (number, words) in [
            (self.updated, "updated"),
            (self.there, "already there"),
            (self.kept, "kept although the file differs"),
            (self.mended, "mended"),
        ] {
            if number > 0 {
                parts.push(format!("{number} {words}"));
            }
        }
        if self.failed > 0 {
            parts.push(format!("{} not be read", count_of(self.failed, "could", "could")));
        }
        sentence(&format!("{}.", parts.join(", ")))
    }

    fn object(&self, book: &str) -> serde_json::Value {
        serde_json::json!({
            "type": "imported", "book": book, "added": self.added, "updated": self.updated,
            "already_there": self.there, "kept": self.kept, "mended": self.mended,
            "failed": self.failed,
        })
    }
}

struct Importer<'a> {
    invocation: &'a Invocation<'a>,
    book: &'a Book<'a>,
    update: bool,
    /// The contacts by their UIDs, those that came in with this import included.
    by_uid: HashMap<String, ItemId>,
    /// The normal forms of all contacts; made when the first card without UID comes.
    contents: Option<HashSet<Fingerprint>>,
    tally: Tally,
}

impl Importer<'_> {
    fn card(&mut self, found: Result<(String, FramedCard), BrokenCard>) -> Result<(), Failed> {
        let (file, framed) = match found {
            Ok((file, framed)) => {
                self.tell_repairs(&file, &framed)?;
                (file, framed)
            }
            Err(broken) => {
                self.tally.failed += 1;
                return self.tell_broken(&broken);
            }
        };
        let uid = framed.card.uid().filter(|uid| !uid.is_empty());
        let Some(uid) = uid else { return self.without_uid(&framed.card) };
        match self.by_uid.get(&uid).copied() {
            None => {
                let item = self.add(&framed.card)?;
                self.by_uid.insert(uid, item);
                Ok(())
            }
            Some(item) => self.known(item, &file, &framed),
        }
    }

    /// A card without UID is known by its content alone.
    fn without_uid(&mut self, card: &Card) -> Result<(), Failed> {
        let contents = match &mut self.contents {
            Some(contents) => contents,
            None => {
                let mut contents = HashSet::new();
                self.book.each_card(|_, _, card| {
                    contents.insert(card.fingerprint(&FieldMask::all()));
                })?;
                self.contents.insert(contents)
            }
        };
        if contents.insert(card.fingerprint(&FieldMask::all())) {
            return self.add(card).map(|_| ());
        }
        self.tally.there += 1;
        Ok(())
    }

    fn add(&mut self, card: &Card) -> Result<ItemId, Failed> {
        let (item, _) = self.book.add(card)?;
        if let Some(contents) = &mut self.contents {
            contents.insert(card.fingerprint(&FieldMask::all()));
        }
        self.tally.added += 1;
        Ok(item)
    }

    fn known(&mut self, item: ItemId, file: &str, framed: &FramedCard) -> Result<(), Failed> {
        let Some(there) = self.book.contact(item)? else { return self.add(&framed.card).map(|_| ()) };
        let row = &there.row;
        let mask = FieldMask::all();
        if there.card == framed.card || there.card.fingerprint(&mask) == framed.card.fingerprint(&mask) {
            self.tally.there += 1;
        } else if self.update {
            self.book.edit(item, Some(there.revision), &framed.card)?;
            self.tally.updated += 1;
        } else {
            self.tally.kept += 1;
            let text = format!(
                "Kept as it is: {} ({}); {file}, line {}, has other content",
                shown(&row.name),
                shown(&row.uid),
                framed.line
            );
            self.tell("kept", &text, &row.uid)?;
        }
        Ok(())
    }

    fn tell(&self, kind: &str, text: &str, uid: &str) -> Result<(), Failed> {
        if self.invocation.global.json {
            return self.invocation.json(&serde_json::json!({"type": kind, "uid": uid, "text": text}));
        }
        self.invocation.say(text);
        Ok(())
    }

    /// What had to be mended is told; where it is a whole file of such cards, for the first ones.
    fn tell_repairs(&mut self, file: &str, framed: &FramedCard) -> Result<(), Failed> {
        if framed.repairs.is_empty() {
            return Ok(());
        }
        self.tally.mended += 1;
        let repairs: Vec<String> = framed.repairs.iter().map(ToString::to_string).collect();
        if self.invocation.global.json {
            return self.invocation.json(&serde_json::json!({
                "type": "mended", "file": file, "line": framed.line, "repairs": repairs,
            }));
        }
        if self.tally.mended <= MENDED_TOLD_MAX || self.invocation.global.verbose > 0 {
            self.invocation.say(format_args!("Mended: {file}, line {}: {}", framed.line, repairs.join(", ")));
        }
        Ok(())
    }

    fn tell_broken(&self, broken: &BrokenCard) -> Result<(), Failed> {
        if self.invocation.global.json {
            return self.invocation.json(&serde_json::json!({
                "type": "broken", "file": broken.source, "line": broken.line, "reason": broken.reason,
            }));
        }
        self.invocation.warn(format_args!("Not imported: {broken}"));
        Ok(())
    }
}

/// The files that a source stands for: itself, or the .vcf files of a folder by name.
fn files(source: &Path) -> Result<Vec<PathBuf>, Failed> {
    if source.as_os_str() == "-" || !source.is_dir() {
        return Ok(vec![source.to_path_buf()]);
    }
    let listing = fs::read_dir(source).map_err(|error| Failed::file("read", source, &error))?;
    let mut files = Vec::new();
    for entry in listing {
        let path = entry.map_err(|error| Failed::file("read", source, &error))?.path();
        if path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("vcf")) && path.is_file() {
            files.push(path);
        }
    }
    files.sort();
    if files.is_empty() {
        return Err(Failed::general(
            format!("there are no .vcf files in {}", source.display()),
            "name the files themselves; folders inside it are not searched",
        ));
    }
    Ok(files)
}

fn read(invocation: &Invocation<'_>, file: &Path) -> Result<Vec<u8>, Failed> {
    let mut bytes = Vec::new();
    let done = if file.as_os_str() == "-" {
        let mut stdin = invocation.world.stdin.borrow_mut();
        stdin.by_ref().take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes)
    } else {
        fs::File::open(file).and_then(|opened| opened.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes))
    };
    match done {
        Ok(length) if length as u64 > FILE_BYTES_MAX => Err(Failed::general(
            format!("{} is larger than 1 GiB", file_label(file)),
            "divide it into several files",
        )),
        Ok(_) => Ok(bytes),
        Err(error) => Err(Failed::file("read", file, &error)),
    }
}

/// An empty file is no empty address book: somebody expected cards in it.
fn nothing_in(file: &str) -> BrokenCard {
    BrokenCard {
        source: file.to_owned(),
        line: 1,
        reason: String::from("there is no vCard in it"),
        bytes: Vec::new(),
    }
}

fn file_label(file: &Path) -> String {
    if file.as_os_str() == "-" { "stdin".to_owned() } else { shown(&file.display().to_string()) }
}
