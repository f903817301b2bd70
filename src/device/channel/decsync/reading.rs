//! Reading what other apps wrote: everything once, and then only files whose counter differs from the one that is
//! remembered.
//!
//! What cannot be read now is remembered as it was and read again next time; in DecSync an absence is no deletion.

use std::collections::BTreeSet;

use super::channel::DecsyncChannel;
use super::encoding::{bucket_of, decoded, is_bucket};
use super::entry::{DecsyncEntry, parse_bucket};
use super::finding::folder_names;
use super::index::{RememberedApp, RememberedFile};
use super::knowledge::REREADS_MAX;
use super::merged::Source;
use super::sequences::{SEQUENCES_BYTES_MAX, SEQUENCES_FILE, Sequences, changed, parse_sequences};
use crate::device::tree::{ObjectEntry, ObjectKind, TreeError};
use crate::provider::ProviderError;

/// No bucket file is read that is larger than this, in bytes.
pub const BUCKET_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Passes on what ends the session, and makes words of the rest.
pub(super) fn doubt_of<T>(answer: Result<T, TreeError>) -> Result<Result<T, String>, ProviderError> {
    match answer {
        Ok(value) => Ok(Ok(value)),
        Err(error) if error.is_fatal() => Err(error.for_side()),
        Err(error) => Ok(Err(error.to_string())),
    }
}

impl DecsyncChannel<'_> {
    /// The names of the apps' folders in a folder; none if there is no such folder. The inner error says why there may
    /// be more.
    fn app_folders(&mut self, folder: &str) -> Result<Result<Vec<String>, String>, ProviderError> {
        doubt_of(self.shelf.list(folder).and_then(|listing| match listing {
            Some(listing) => folder_names(listing),
            None => Ok(Vec::new()),
        }))
    }

    /// Brings the index up to what is on the phone. The answer is why that may be less than there is, if it may.
    ///
    /// # Errors
    /// When the phone cannot be asked any more.
    pub(super) fn read_apps(&mut self, book: &str) -> Result<Option<String>, ProviderError> {
        let folder = format!("{}/v2", Self::book_path(book));
        let names = match self.app_folders(&folder)? {
            Ok(names) => names,
            Err(why) => return Ok(Some(why)),
        };
        let own = self.own_folder_name();
        self.note_missing_apps(&names);
        let mut doubt = None;
        for app in names.iter().filter(|name| **name != own) {
            let seen = self.read_app(&format!("{folder}/{app}"), app)?;
            doubt = doubt.or(seen);
        }
        Ok(doubt)
    }

    /// Where an app's folder was cleared away, the other apps may hold copies of its entries in files whose counters
    /// did not change: all are read once more.
    fn note_missing_apps(&mut self, names: &[String]) {
        let mut is_missing = false;
        for (name, app) in &mut self.index.apps {
            if app.is_there() && !names.contains(name) {
                app.vanish();
                is_missing = true;
            }
        }
        if is_missing {
            self.index_changed = true;
            for app in self.index.apps.values_mut() {
                app.read_all_again();
            }
        }
    }

    fn read_app(&mut self, folder: &str, app: &str) -> Result<Option<String>, ProviderError> {
        let mut remembered = self.index.apps.get(app).cloned().unwrap_or_default();
        let now = match doubt_of(self.shelf.read(folder, SEQUENCES_FILE, SEQUENCES_BYTES_MAX))? {
            Ok(Some(bytes)) => parse_sequences(&bytes),
            // An app that only reads has none.
            Ok(None) if remembered.sequences.is_empty() => Some(Sequences::new()),
            Ok(None) => {
                remembered.vanish();
                self.remember_app(app, remembered);
                return Ok(Some(format!("{app}/{SEQUENCES_FILE} is missing")));
            }
            Err(why) => return Ok(Some(format!("{app}/{SEQUENCES_FILE}: {why}"))),
        };
        let Some(now) = now else {
            return Ok(Some(format!("{app}/{SEQUENCES_FILE} is not whole; the app may be writing it")));
        };
        let wanted = match self.buckets_to_read(folder, &now, &remembered)? {
            Ok(wanted) => wanted,
            Err(why) => return Ok(Some(why)),
        };
        let mut doubt = None;
        let mut is_changed = !remembered.is_read_whole;
        for bucket in wanted {
            let bytes = match doubt_of(self.shelf.read(folder, &bucket, BUCKET_BYTES_MAX))? {
                Ok(Some(bytes)) => bytes,
                Ok(None) => {
                    doubt = Some(format!("{app}/{bucket} is missing"));
                    continue;
                }
                Err(why) => {
                    doubt = Some(format!("{app}/{bucket}: {why}"));
                    continue;
                }
            };
            let entries = parse_bucket(&bytes);
            let mut file = RememberedFile::of(&entries);
            file.stamp = self.file_stamp(folder, &bucket)?;
            if let Some(before) = remembered.files.remove(&bucket) {
                file.keep_vanished(before);
            }
            remembered.files.insert(bucket.clone(), file);
            if let Some(counter) = now.get(&bucket) {
                remembered.sequences.insert(bucket.clone(), *counter);
            }
            self.read_files.insert(Source::Bucket(app.to_owned(), bucket), entries);
            is_changed = true;
        }
        let counters = remembered.sequences.len();
        remembered.sequences.retain(|bucket, _| now.contains_key(bucket));
        remembered.is_read_whole |= doubt.is_none();
        if is_changed || counters != remembered.sequences.len() {
            self.remember_app(app, remembered);
        }
        Ok(doubt)
    }

    /// The files whose counters differ; the first time all there are.
    fn buckets_to_read(
        &mut self,
        folder: &str,
        now: &Sequences,
        remembered: &RememberedApp,
    ) -> Result<Result<BTreeSet<String>, String>, ProviderError> {
        let mut wanted: BTreeSet<String> =
            changed(now, &remembered.sequences).into_iter().map(str::to_owned).collect();
        if !remembered.is_read_whole {
            let listing = match doubt_of(self.shelf.list(folder))? {
                Ok(listing) => listing.cloned(),
                Err(why) => return Ok(Err(why)),
            };
            let entries = listing.map(|listing| listing.entries).unwrap_or_default();
            wanted.extend(entries.into_iter().map(|entry| entry.name).filter(|name| is_bucket(name)));
        }
        let mut unsure = Vec::new();
        for bucket in self.unsure_buckets(remembered).into_iter().filter(|bucket| !wanted.contains(bucket)) {
            let before = remembered.files.get(&bucket).map(|file| file.stamp.as_str()).unwrap_or_default();
            let stamp = self.file_stamp(folder, &bucket)?;
            if !stamp.is_empty() && (stamp != before || stamp.ends_with('?')) {
                unsure.push(bucket);
            }
        }
        // Where files have no dates, others come first the next time.
        let start = usize::try_from(self.clock.now_ms().div_euclid(1000)).unwrap_or(0);
        let start = start.checked_rem(unsure.len()).unwrap_or(0);
        wanted.extend(unsure.iter().cycle().skip(start).take(unsure.len().min(REREADS_MAX)).cloned());
        Ok(Ok(wanted))
    }

    /// Size and date of a file; empty if it is not there.
    fn file_stamp(&mut self, folder: &str, name: &str) -> Result<String, ProviderError> {
        let entry = doubt_of(self.shelf.find(folder, name))?.ok().flatten();
        Ok(entry.as_ref().map(stamp_text).unwrap_or_default())
    }

    fn remember_app(&mut self, app: &str, remembered: RememberedApp) {
        self.index.apps.insert(app.to_owned(), remembered);
        self.index_changed = true;
    }

    /// Brings up to date what is remembered of version 1: one file per contact, without counters.
    ///
    /// # Errors
    /// When the phone cannot be asked any more.
    pub(super) fn read_old_apps(&mut self, book: &str) -> Result<Option<String>, ProviderError> {
        let folder = format!("{}/stored-entries", Self::book_path(book));
        let names = match self.app_folders(&folder)? {
            Ok(names) => names,
            Err(why) => return Ok(Some(why)),
        };
        for (name, app) in &mut self.index.old_apps {
            if app.is_there() && !names.contains(name) {
                app.vanish();
                self.index_changed = true;
            }
        }
        let mut doubt = None;
        for app in &names {
            let resources = ["resources".to_owned()];
            let contacts = self.read_old_folder(&format!("{folder}/{app}/resources"), app, &resources)?;
            let info = self.read_old_folder(&format!("{folder}/{app}"), app, &[])?;
            doubt = doubt.or(contacts).or(info);
        }
        Ok(doubt)
    }

    /// Reads the files of one folder of version 1; `above` is the path of entries that the folder stands for.
    fn read_old_folder(
        &mut self,
        folder: &str,
        app: &str,
        above: &[String],
    ) -> Result<Option<String>, ProviderError> {
        let listing = match doubt_of(self.shelf.list(folder))? {
            Ok(Some(listing)) => listing.clone(),
            Ok(None) => return Ok(None),
            Err(why) => return Ok(Some(why)),
        };
        let mut remembered = self.index.old_apps.get(app).cloned().unwrap_or_default();
        let mut doubt = None;
        let mut is_changed = false;
        let mut present = BTreeSet::new();
        for entry in listing.entries.iter().filter(|entry| entry.kind == ObjectKind::File) {
            let Some(part) = decoded(&entry.name).filter(|part| !above.is_empty() || part == "info") else {
                continue;
            };
            let mut path = above.to_vec();
            path.push(part);
            let key = path.join("/");
            present.insert(key.clone());
            let stamp = stamp_text(entry);
            let before = remembered.files.get(&key);
            if entry.modified.is_some() && before.is_some_and(|before| before.stamp == stamp) {
                continue;
            }
            let bytes = match doubt_of(self.shelf.read(folder, &entry.name, BUCKET_BYTES_MAX))? {
                Ok(Some(bytes)) => bytes,
                Ok(None) => continue,
                Err(why) => {
                    doubt = Some(why);
                    continue;
                }
            };
            let entries = parse_old_file(&path, &bytes);
            let mut file = RememberedFile::of(&entries);
            file.stamp = stamp;
            if let Some(before) = remembered.files.remove(&key) {
                file.keep_vanished(before);
            }
            remembered.files.insert(key.clone(), file);
            self.read_files.insert(Source::OldFile(app.to_owned(), key), entries);
            is_changed = true;
        }
        for (key, file) in &mut remembered.files {
            if key.contains('/') != above.is_empty() && !present.contains(key) {
                for entry in file.entries.iter_mut().filter(|entry| !entry.vanished) {
                    entry.vanished = true;
                    is_changed = true;
                }
            }
        }
        if is_changed {
            self.index.old_apps.insert(app.to_owned(), remembered);
            self.index_changed = true;
        }
        Ok(doubt)
    }

    /// The newest entry for a contact in the file where it counts.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub(super) fn entry_at(
        &mut self,
        source: &Source,
        uid: &str,
    ) -> Result<Option<DecsyncEntry>, ProviderError> {
        if *source == Source::Own {
            let bucket = bucket_of(&["resources", uid]);
            let entries = self.own_file(&bucket).map(parse_bucket).unwrap_or_default();
            return Ok(newest_of(&entries, uid));
        }
        if !self.read_files.contains_key(source) {
            let entries = self.read_source(source)?;
            self.read_files.insert(source.clone(), entries);
        }
        Ok(self.read_files.get(source).and_then(|entries| newest_of(entries, uid)))
    }

    fn read_source(&mut self, source: &Source) -> Result<Vec<DecsyncEntry>, ProviderError> {
        let Some(book) = self.book.clone() else { return Ok(Vec::new()) };
        let book = Self::book_path(&book);
        let read = |this: &mut Self, folder: &str, name: &str| {
            this.shelf.read(folder, name, BUCKET_BYTES_MAX).map_err(|error| error.for_item(name))
        };
        match source {
            Source::Own => Ok(Vec::new()),
            Source::Bucket(app, bucket) => {
                let bytes = read(self, &format!("{book}/v2/{app}"), bucket)?;
                Ok(bytes.map(|bytes| parse_bucket(&bytes)).unwrap_or_default())
            }
            Source::OldFile(app, key) => {
                let path: Vec<String> = key.splitn(2, '/').map(str::to_owned).collect();
                let Some((name, above)) = path.split_last() else { return Ok(Vec::new()) };
                let mut folder = format!("{book}/stored-entries/{app}");
                for part in above {
                    folder = format!("{folder}/{part}");
                }
                let bytes = read(self, &folder, &super::encoding::encoded(name))?;
                Ok(bytes.map(|bytes| parse_old_file(&path, &bytes)).unwrap_or_default())
            }
        }
    }
}

/// Size and date of a file in one text; it ends with a question mark if it has no date.
fn stamp_text(entry: &ObjectEntry) -> String {
    format!("{} {}", entry.size_bytes, entry.modified.as_deref().unwrap_or("?"))
}

pub(super) fn parse_old_file(path: &[String], bytes: &[u8]) -> Vec<DecsyncEntry> {
    let lines = bytes.split(|byte| *byte == b'\n');
    lines.filter_map(|line| DecsyncEntry::from_old_line(path, std::str::from_utf8(line).ok()?)).collect()
}

fn newest_of(entries: &[DecsyncEntry], uid: &str) -> Option<DecsyncEntry> {
    let about = entries.iter().filter(|entry| entry.uid() == Some(uid));
    about.max_by(|left, right| left.datetime.cmp(&right.datetime)).cloned()
}
