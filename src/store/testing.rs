//! What the room's tests share: a database in a folder of its own, cards of invented people, a still clock.

use std::path::PathBuf;

use super::*;
use crate::contact::Card;
use crate::ics::Guid;
use crate::provider::{ActionRow, ItemId, Locator, Observed, Revision, Stamp, TestClock, TestRandomness};

/// A folder with a database.
pub(crate) struct Rig {
    folder: tempfile::TempDir,
    pub(crate) clock: TestClock,
    pub(crate) randomness: TestRandomness,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let clock = TestClock::at(1_700_000_000_000);
        Self { folder: tempfile::tempdir().unwrap(), clock, randomness: TestRandomness::seeded(1) }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("data/tetherbook.db")
    }

    pub(crate) fn store(&self) -> Store {
        Store::open(&self.path(), &OpenOptions::default()).unwrap()
    }

    pub(crate) fn read_only(&self) -> Store {
        Store::open(&self.path(), &OpenOptions { read_only: true, busy_timeout_ms: 0 }).unwrap()
    }

    pub(crate) fn book<'a>(&'a self, store: &'a Store) -> Book<'a> {
        Book::open(store, "default", &self.clock, &self.randomness).unwrap()
    }

    pub(crate) fn ledger<'a>(&self, store: &'a Store, book: &Book<'_>) -> RelationshipLedger<'a> {
        let phone = store.see_phone(&sighting(1), 0).unwrap();
        RelationshipLedger::new(store, store.relate(phone, book, "two-way", "{}").unwrap())
    }
}

/// A card with UID.
pub(crate) fn card(uid: &str, name: &str) -> Card {
    let text =
        format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nN:;{name};;;\r\nEND:VCARD\r\n");
    Card::parse(text.as_bytes()).unwrap()
}

/// A card of these lines.
pub(crate) fn card_of(lines: &[&str]) -> Card {
    let text = format!("BEGIN:VCARD\r\nVERSION:3.0\r\n{}\r\nEND:VCARD\r\n", lines.join("\r\n"));
    Card::parse(text.as_bytes()).unwrap()
}

pub(crate) fn guid(number: u8) -> Guid {
    Guid::from_random([number; 16])
}

pub(crate) fn sighting(number: u8) -> PhoneSighting {
    PhoneSighting {
        guid: guid(number),
        label: format!("Phone {number}"),
        serial: Some(format!("serial-{number}")),
        profile: "vdir-folder".to_owned(),
        listing: None,
        model: None,
        usb_id: None,
        has_serial: true,
    }
}

pub(crate) fn observed_row(item: u64, locator: &str) -> Observed {
    Observed {
        item: ItemId(item),
        counter: item,
        locator: Locator(locator.into()),
        stamp: Stamp { size_bytes: 400, modified: Some("20260103T101112".into()) },
        revision: Some(Revision::of(locator.as_bytes())),
        uid_hash: item.wrapping_mul(0x9E37_79B9_7F4A_7C15),
        problem: None,
        deleted: false,
        settled: false,
        verified_ms: 1_700_000_000_000,
    }
}

pub(crate) fn action(kind: &str) -> ActionRow {
    ActionRow {
        kind: kind.to_owned(),
        side: "pc".to_owned(),
        subject: "Ada Example".to_owned(),
        reason: "new on the phone".to_owned(),
        outcome: "done".to_owned(),
        ..ActionRow::default()
    }
}
