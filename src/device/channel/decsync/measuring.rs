//! Measuring the phone's clock: by the date of a note of ours that was just written there, and by what the apps' files
//! tell of the zone that the phone writes its dates in.
//!
//! A file tells the zone by the newest moment in it, but only if the phone itself stamped that moment: an app copies
//! other computers' entries too, and their clocks may be ahead. Sure is what an app says of itself in its file about the
//! address book, and all its files where no other clock is about; any other file tells a zone only if it fits to the
//! second. What was found is remembered, for the files that tell it may be written over by others that do not.

use serde_json::json;

use super::channel::DecsyncChannel;
use super::dates::{datetime_text, parse_datetime, parse_file_date};
use super::encoding::{INFO_BUCKET, decoded};
use super::finding::guid_of_app;
use super::index::{RememberedApp, RememberedFile};
use super::phone_clock::{PhoneClock, ZoneEvidence};
use crate::device::tree::TreeError;

/// What an app says of itself begins so; its id follows.
const OWN_WORDS: [&str; 2] = ["last-active-", "supported-version-"];
/// The dates of a directory that differ from this computer's clock by more seconds tell nothing of a phone.
const DIRECTORY_SKEW_MAX_S: i64 = 86_400;

impl DecsyncChannel<'_> {
    /// The phone's clock, measured by a file of ours at the first need.
    pub(super) fn measured_clock(&mut self) -> Result<PhoneClock, TreeError> {
        if let Some(clock) = self.phone_clock {
            return Ok(clock);
        }
        let book = self.book.clone().unwrap_or_default();
        let folder = format!("{}/local/{}", Self::book_path(&book), self.own_folder_name());
        let today: String = datetime_text(self.clock.now_ms().div_euclid(1000)).chars().take(10).collect();
        let note = json!({"version": 2, "last-active": today, "supported-version": 2}).to_string();
        let before_ms = self.clock.now_ms();
        let entry = self.shelf.put(&folder, "info", note.as_bytes())?;
        let after_ms = self.clock.now_ms();
        let mut date = entry.modified.as_deref().and_then(parse_file_date);
        if self.is_directory {
            // Where a phone is mounted the date is the phone's, in a zone that whoever mounted it took for granted.
            date = date.map(|date| super::dates::FileDate { zone_s: None, ..date });
            date = date.filter(|date| {
                date.local_s.abs_diff(after_ms.div_euclid(1000)) <= DIRECTORY_SKEW_MAX_S.unsigned_abs()
            });
        }
        let evidence = self.evidence()?;
        let clock = match date {
            Some(date) => PhoneClock::measured(date, before_ms, after_ms, &evidence),
            None => PhoneClock::SAME,
        };
        if date.is_none() && !self.is_directory {
            self.remark(
                "The phone does not tell what time it has; its clock is taken to be right to the second."
                    .to_owned(),
            );
        }
        if let Some(words) = clock.remark() {
            self.remark(words);
        }
        self.phone_clock = Some(clock);
        Ok(clock)
    }

    /// What is there now to tell the zone, and what was found before.
    fn evidence(&mut self) -> Result<Vec<ZoneEvidence>, TreeError> {
        let mut evidence = self.evidence_of_files()?;
        evidence.extend(self.index.zone);
        Ok(evidence)
    }

    /// Remembers what tells the zone now, if it tells another one than what is remembered.
    ///
    /// # Errors
    /// When the phone cannot be asked any more.
    pub(super) fn remember_zone(&mut self) -> Result<(), TreeError> {
        let told = self.evidence_of_files()?;
        let told = told.into_iter().filter(|one| one.zone_s().is_some());
        let newest = told.max_by_key(|one| (one.local_s, one.is_own));
        let before = self.index.zone;
        let is_newer = |new: &ZoneEvidence| {
            let is_other = before.is_none_or(|before| before.zone_s() != new.zone_s());
            (is_other || self.index_changed) && before.is_none_or(|before| before.local_s < new.local_s)
        };
        if let Some(newest) = newest.filter(is_newer) {
            self.index.zone = Some(newest);
            self.index_changed = true;
        }
        Ok(())
    }

    fn evidence_of_files(&mut self) -> Result<Vec<ZoneEvidence>, TreeError> {
        let Some(book) = self.book.clone() else { return Ok(Vec::new()) };
        let folder = format!("{}/v2", Self::book_path(&book));
        let mut evidence = Vec::new();
        for (name, app) in &self.index.apps {
            let is_alone = self.is_alone(name);
            let listing = match self.shelf.list(&format!("{folder}/{name}")) {
                Ok(Some(listing)) => listing,
                Err(error) if error.is_fatal() => return Err(error),
                Ok(None) | Err(_) => continue,
            };
            for entry in &listing.entries {
                let Some(date) = entry.modified.as_deref().and_then(parse_file_date) else { continue };
                let own = own_word(app, name, &entry.name, is_alone);
                let any = app.files.get(&entry.name).and_then(|file| parse_datetime(&file.newest));
                let of_kind = |utc_s: i64, is_own| ZoneEvidence { local_s: date.local_s, utc_s, is_own };
                evidence.extend(own.map(|utc_s| of_kind(utc_s, true)));
                evidence.extend(any.map(|utc_s| of_kind(utc_s, false)));
            }
        }
        Ok(evidence)
    }

    /// Whether no other app's clock is behind what this app's files hold.
    fn is_alone(&self, app: &str) -> bool {
        let is_other = |name: &String| name != app && guid_of_app(name).is_none();
        let folders = self.index.apps.keys().chain(self.index.old_apps.keys());
        let own = decoded(app).unwrap_or_default();
        let files = self.index.apps.values().chain(self.index.old_apps.values());
        let facts = files.flat_map(|app| app.files.values()).flat_map(|file| &file.facts);
        let mut ids = facts.filter_map(|fact| fact.key.strip_prefix(OWN_WORDS[0]));
        !folders.into_iter().any(is_other) && ids.all(|id| id == own || guid_of_app(id).is_some())
    }
}

/// The newest moment in a file that the app stamped itself, in seconds since 1970.
fn own_word(app: &RememberedApp, name: &str, file: &str, is_alone: bool) -> Option<i64> {
    let remembered: &RememberedFile = app.files.get(file)?;
    if is_alone {
        return parse_datetime(&remembered.newest);
    }
    let id = decoded(name)?;
    let is_own = |key: &str| OWN_WORDS.iter().any(|start| key.strip_prefix(start) == Some(id.as_str()));
    let own = remembered.facts.iter().filter(|fact| file == INFO_BUCKET && is_own(&fact.key));
    own.filter_map(|fact| parse_datetime(&fact.datetime)).max()
}
