//! What must hold for any bytes that are taken for an export, and for what is remembered of exports; the fuzz targets
//! call it, and a test with their seeds.
//!
//! Only compiled for tests and with the feature `fuzzing`. It asserts and decides nothing.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::dates::{
    NameDate, day_words, days_since, file_date, latest_believable, name_date, seconds_between,
};
use super::judging::{Reading, Refusal, Seen, judge, looks_like_export};
use super::offers_memory::{DropFile, OfferBook};
use super::remembered::{ExportStamp, Remembered, hexadecimal, revision};
use crate::contact::Version;
use crate::device::profile::{ExportLayout, ExportSection};
use crate::ics::Guid;
use crate::provider::{ChannelMemory, ProviderError};

/// A memory that begins with these bytes under every name.
struct Given<'a> {
    first: &'a [u8],
    kept: RefCell<BTreeMap<String, Vec<u8>>>,
}

impl ChannelMemory for Given<'_> {
    fn get(&self, _replica: Guid, name: &str) -> Result<Option<Vec<u8>>, ProviderError> {
        Ok(Some(self.kept.borrow().get(name).cloned().unwrap_or_else(|| self.first.to_vec())))
    }

    fn put(&self, _replica: Guid, name: &str, bytes: &[u8]) -> Result<(), ProviderError> {
        self.kept.borrow_mut().insert(name.to_owned(), bytes.to_vec());
        Ok(())
    }

    fn remove(&self, _replica: Guid, name: &str) -> Result<(), ProviderError> {
        self.kept.borrow_mut().remove(name);
        Ok(())
    }

    fn names(&self, _replica: Guid, _prefix: &str) -> Result<Vec<String>, ProviderError> {
        Ok(self.kept.borrow().keys().cloned().collect())
    }
}

const REPLICA: Guid = Guid::from_bytes([7; 16]);

/// An export file, its name, or what is remembered of exports.
pub fn export(kind: u8, bytes: &[u8]) {
    match kind {
        0 | 1 => file(bytes),
        2 => names(bytes),
        _ => memories(bytes),
    }
}

fn section(version: Option<Version>, product: &str) -> ExportSection {
    ExportSection {
        names: vec![String::from("*.vcf")],
        version,
        product: product.to_owned(),
        layout: ExportLayout::OneFile,
        stale_after_days: 0,
        how_to_export: String::from("Export."),
        drop_folder: String::from("Download"),
        how_to_import: String::from("Import."),
    }
}

/// An export; the first byte says where it is cut.
fn file(bytes: &[u8]) {
    let Some((cut, bytes)) = bytes.split_first() else { return };
    let any = section(None, "");
    for export in [&any, &section(Some(Version::V30), ""), &section(None, "Example")] {
        let _ = looks_like_export(bytes, true, export);
        match judge(bytes, "all.vcf", export) {
            Ok(reading) => check_reading(&reading, bytes),
            Err(refusal) => check_refusal(&refusal),
        }
    }
    // A file that was cut is refused, or holds the first of the cards that the whole one holds.
    let end = bytes.len() * usize::from(*cut) / 256;
    let part = bytes.get(..end).unwrap_or_default();
    let is_plain = bytes.is_ascii()
        && !bytes.contains(&0)
        && !bytes.windows(2).any(|pair| matches!(pair, [b'\r', next] if *next != b'\n'));
    if let (true, Ok(whole), Ok(part)) =
        (is_plain, judge(bytes, "all.vcf", &any), judge(part, "all.vcf", &any))
    {
        assert!(part.cards.len() <= whole.cards.len(), "a part has no more cards");
    }
}

fn check_reading(reading: &Reading, bytes: &[u8]) {
    assert!(reading.readable() > 0 && reading.readable() <= reading.cards.len());
    let total_bytes: usize = reading.cards.iter().map(|seen| seen.bytes().len()).sum();
    assert!(total_bytes <= 8 * bytes.len() + 32 * reading.cards.len(), "no more than what was there");
    for seen in &reading.cards {
        if let Seen::Broken(broken) = seen {
            assert!(broken.why.starts_with("all.vcf, card "), "a broken card is named");
        }
    }
}

fn check_refusal(refusal: &Refusal) {
    let words = refusal.to_string();
    assert!(!words.is_empty() && words.len() < 1024);
}

fn names(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let now_ms = 1_795_000_000_000;
    let mut dates = vec![20_261_121_060_000];
    if let Some(NameDate { date, shape }) = name_date(text) {
        assert!((20_000_101_000_000..21_000_101_000_000).contains(&date), "a believable date");
        assert!(shape.contains('#'));
        dates.push(date);
    }
    dates.extend(file_date(Some(text)));
    for date in &dates {
        let _ = (day_words(*date), days_since(*date, now_ms), *date <= latest_believable(now_ms));
        for other in &dates {
            assert_eq!(seconds_between(*date, *other), -seconds_between(*other, *date));
        }
    }
    if let Some(found) = revision(text) {
        assert_eq!(revision(&hexadecimal(&found)), Some(found));
    }
}

fn memories(bytes: &[u8]) {
    let memory = Given { first: bytes, kept: RefCell::new(BTreeMap::new()) };
    match Remembered::load(&memory, REPLICA) {
        Ok(mut remembered) => {
            let saved = remembered.save(&memory, REPLICA);
            assert!(saved.is_ok());
            assert!(Remembered::load(&memory, REPLICA).is_ok_and(|again| again == remembered));
            let stamp = ExportStamp {
                place: String::from("a"),
                name: String::from("b"),
                size_bytes: 1,
                modified: Some(String::from("20261121T060000")),
            };
            remembered.refuse(&stamp, &Refusal::Empty, 1_795_000_000_000);
            assert!(remembered.refused.iter().any(|refused| refused.stamp == stamp));
        }
        Err(error) => assert!(error.to_string().contains("remembered"), "the error says what is damaged"),
    }
    let memory = Given { first: bytes, kept: RefCell::new(BTreeMap::new()) };
    match OfferBook::load(&memory, REPLICA) {
        Ok(mut book) => {
            assert!(book.files.is_empty() || book.save(&memory, REPLICA).is_ok());
            assert!(
                book.files.is_empty() || OfferBook::load(&memory, REPLICA).is_ok_and(|again| again == book)
            );
            assert!(book.open_items().len() <= book.files.iter().map(DropFile::open_count).sum());
            book.note_export("mark");
            book.files.iter_mut().for_each(DropFile::confirm);
            assert!(book.files.is_empty() || book.save(&memory, REPLICA).is_ok());
        }
        Err(error) => assert!(error.to_string().contains("remembered"), "the error says what is damaged"),
    }
}
