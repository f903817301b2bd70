//! What must hold for any bytes in a DecSync folder; the fuzz targets call it, and a test with their seeds.
//!
//! Only compiled for tests and with the feature `fuzzing`. It asserts and decides nothing.

use std::collections::BTreeMap;

use serde_json::Value;

use super::dates::{compact, datetime_text, parse_datetime, parse_file_date};
use super::encoding::{bucket_of, decoded, encoded, is_bucket};
use super::entry::{DecsyncEntry, edited_bucket, parse_bucket};
use super::index::{Index, RememberedApp, RememberedFile};
use super::merged::merged;
use super::replaced::Replaced;
use super::sequences::{changed, parse_sequences, sequences_text, went_back};
use super::version::{INFO_FILE, parse_info};

/// A file or a name of a DecSync folder, or what is remembered of one; the first byte says which.
pub fn decsync(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind % 7 {
        0 => info(bytes),
        1 => bucket(bytes),
        2 => old_file(bytes),
        3 => counters(bytes),
        4 => names(bytes),
        5 => moments(bytes),
        _ => memories(bytes),
    }
}

fn info(bytes: &[u8]) {
    if let Err(words) = parse_info(bytes) {
        assert!(
            words.contains(INFO_FILE) || words.contains("is of version"),
            "the error names the file or the version"
        );
        assert!(words.len() < 1024, "a long file makes no long message");
    }
}

fn bucket(bytes: &[u8]) {
    let entries = parse_bucket(bytes);
    assert!(entries.len() <= bytes.split(|byte| *byte == b'\n').count(), "an entry for each line at most");
    for entry in &entries {
        check_entry(entry);
    }
    let tidied = edited_bucket(bytes, &[]);
    assert!(parse_bucket(&tidied) == entries, "only blank lines go");
    assert_eq!(edited_bucket(&tidied, &[]), tidied, "tidying again changes nothing");
    assert!(tidied.len() <= bytes.len() + 1);
    for new in
        [DecsyncEntry::contact("a", "2026-11-21T06:00:00", Some("x")), DecsyncEntry::contact("b", "", None)]
    {
        let edited = edited_bucket(bytes, std::slice::from_ref(&new));
        let now = parse_bucket(&edited);
        assert_eq!(now.last(), Some(&new), "the new entry is the last one");
        assert_eq!(
            now.iter().filter(|entry| entry.uid() == new.uid()).count(),
            1,
            "and the only one about it"
        );
        let others: Vec<&DecsyncEntry> = entries.iter().filter(|entry| entry.uid() != new.uid()).collect();
        let kept: Vec<&DecsyncEntry> = now.iter().filter(|entry| entry.uid() != new.uid()).collect();
        assert_eq!(kept, others, "all others stay");
        assert_eq!(edited_bucket(&edited, &[new]), edited, "the same once more changes nothing");
    }
    check_file(&entries);
}

fn check_entry(entry: &DecsyncEntry) {
    let line = entry.to_line();
    assert!(!line.contains('\n'), "an entry is one line");
    let again = DecsyncEntry::from_line(&line);
    let is_same = again.as_ref() == Some(entry) || !(is_exact(&entry.key) && is_exact(&entry.value));
    assert!(again.is_some() && is_same, "what is written is read again");
    assert!(is_bucket(&bucket_of(&entry.path)));
    if let Some(uid) = entry.uid() {
        assert_eq!(decoded(&encoded(uid)).as_deref(), Some(uid));
    }
}

/// Whether the value is without fractions, which may be read in as the number next to the one that was written. No
/// contact has any, and the bytes of a file are never made from values that were read.
fn is_exact(value: &Value) -> bool {
    match value {
        Value::Number(number) => !number.is_f64(),
        Value::Array(values) => values.iter().all(is_exact),
        Value::Object(values) => values.values().all(is_exact),
        Value::Null | Value::Bool(_) | Value::String(_) => true,
    }
}

/// Whether all facts that are remembered are without fractions.
fn has_exact_facts(index: &Index) -> bool {
    let apps = index.apps.values().chain(index.old_apps.values());
    let mut facts = apps.flat_map(|app| app.files.values()).flat_map(|file| &file.facts);
    facts.all(|fact| is_exact(&fact.value))
}

/// What is remembered of a file, and who wins.
fn check_file(entries: &[DecsyncEntry]) {
    let mut file = RememberedFile::of(entries);
    for remembered in &file.entries {
        let newest = entries
            .iter()
            .filter(|entry| entry.uid() == Some(remembered.uid.as_str()))
            .map(|entry| entry.datetime.as_str())
            .max();
        assert_eq!(newest, Some(remembered.datetime.as_str()), "the newest entry of a contact counts");
    }
    file.keep_vanished(RememberedFile::of(entries));
    assert!(!file.entries.iter().any(|entry| entry.vanished), "what is still there has not vanished");
    let own = file.entries.clone();
    let app =
        RememberedApp { files: BTreeMap::from([(String::from("0a"), file)]), ..RememberedApp::default() };
    let mut index = Index::default();
    index.apps.insert(String::from("app"), app);
    let is_kept = Index::from_bytes(&index.to_bytes()) == index || !has_exact_facts(&index);
    assert!(is_kept, "what is remembered is remembered");
    let winners = merged(&index, &[]);
    assert_eq!(winners.len(), own.len());
    for entry in &own {
        assert_eq!(winners.get(&entry.uid).map(|winner| &winner.entry), Some(entry));
    }
    assert_eq!(merged(&index, &own).len(), own.len());
}

fn old_file(bytes: &[u8]) {
    let path = [String::from("resources"), String::from("a")];
    for line in bytes.split(|byte| *byte == b'\n').filter_map(|line| std::str::from_utf8(line).ok()) {
        if let Some(entry) = DecsyncEntry::from_old_line(&path, line) {
            assert_eq!(entry.path, path);
            check_entry(&entry);
        }
    }
}

fn counters(bytes: &[u8]) {
    let Some(sequences) = parse_sequences(bytes) else { return };
    assert!(sequences.keys().all(|name| is_bucket(name)) && sequences.len() <= 257);
    let written = sequences_text(&sequences);
    assert_eq!(
        parse_sequences(written.as_bytes()).as_ref(),
        Some(&sequences),
        "what is written is read again"
    );
    assert!(changed(&sequences, &sequences).is_empty() && !went_back(&sequences, &sequences));
    assert_eq!(changed(&sequences, &BTreeMap::new()).len(), sequences.len());
}

fn names(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let name = encoded(text);
    assert_eq!(decoded(&name).as_deref(), Some(text), "every text is a name and back");
    assert!(!name.starts_with('.') && name.len() <= 3 * text.len());
    assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~%".contains(&byte)), "a safe name");
    if let Some(meant) = decoded(text) {
        assert_eq!(decoded(&encoded(&meant)), Some(meant.clone()));
        assert!(meant.len() <= text.len());
    }
    let path: Vec<&str> = text.split('/').collect();
    assert!(is_bucket(&bucket_of(&path)));
}

fn moments(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Some(seconds) = parse_datetime(text) {
        assert_eq!(datetime_text(seconds), text, "there is one form only");
        assert_eq!(parse_file_date(&compact(text)).map(|date| date.local_s), Some(seconds));
        assert_eq!(parse_file_date(&format!("{text}.5Z")).map(|date| date.local_s), Some(seconds));
    }
    if let Some(date) = parse_file_date(text) {
        assert_eq!(parse_datetime(&datetime_text(date.local_s)), Some(date.local_s));
    }
}

fn memories(bytes: &[u8]) {
    let index = Index::from_bytes(bytes);
    let is_kept = Index::from_bytes(&index.to_bytes()) == index || !has_exact_facts(&index);
    assert!(is_kept, "what is remembered is remembered");
    let winners = merged(&index, &[]);
    let fact = index.fact("name").map(|fact| fact.key.as_str());
    assert!(fact.is_none_or(|key| key == "name"));
    let Ok(replaced) = serde_json::from_slice::<Replaced>(bytes) else { return };
    let written = serde_json::to_vec(&replaced).unwrap_or_default();
    assert!(serde_json::from_slice::<Replaced>(&written).is_ok_and(|again| again == replaced));
    let _ = replaced.clone().judged_by_content("BEGIN:VCARD\nN:a\nEND:VCARD", "BEGIN:VCARD\nN:b\nEND:VCARD");
    let entry = DecsyncEntry::contact("a", "2026-11-21T06:00:00", Some("x"));
    for winner in
        RememberedFile::of(&[entry]).entries.iter().chain(winners.values().map(|winner| &winner.entry))
    {
        for shown in ["", "2026-11-21T05:00:00", "2027"] {
            let later = replaced.clone().overtaken(None, winner, shown);
            assert!(later.is_none_or(|later| !later.is_answered() || later.made_from(winner).is_some()));
        }
    }
}
