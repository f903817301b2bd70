//! What other apps know of our own entries, told by their own files: an app copies the newest entry of a contact into
//! its own bucket, whoever wrote it, and does not count that. So the buckets of entries that not every app has shown
//! are looked at again, but only if their file changed; that is at most [`REREADS_MAX`] files of an app in a session.
//!
//! Whose silence counts: that of an app with a folder in this address book that has said anything in the last
//! [`QUIET_DAYS`] days, by its entries or by the day it says it was last active. Another computer with this program
//! copies nothing, but never writes without having read what is there; it is not waited for.

use std::collections::{BTreeMap, BTreeSet};

use super::channel::DecsyncChannel;
use super::dates::datetime_text;
use super::encoding::{bucket_of, decoded};
use super::finding::guid_of_app;
use super::index::{Index, RememberedApp, RememberedEntry};
use super::merged::{Source, Winner, merged};
use super::replaced::{Replaced, Version};
use crate::provider::{Locator, ProviderError};

/// An app that has said nothing for so many days is not waited for.
const QUIET_DAYS: i64 = 90;
/// So many files of one app, whose counters did not change, are read again in a session.
pub(super) const REREADS_MAX: usize = 32;
/// Later than every datetime.
const EVERYTHING: &str = "~";

/// A card that says nothing, for what was made where there was none.
const NOTHING: &[u8] = b"BEGIN:VCARD\r\nVERSION:3.0\r\nEND:VCARD\r\n";

/// What each app had shown when the folder was last read.
pub(super) struct Shown {
    /// Datetimes by UID and by app; apps of version 1 have a slash before their name.
    by_uid: BTreeMap<String, BTreeMap<String, String>>,
    /// The counters of their buckets by app.
    counters: BTreeMap<String, BTreeMap<String, i64>>,
}

/// The newest datetime that an app shows of a contact.
fn shown_by<'a>(app: &'a RememberedApp, uid: &str) -> Option<&'a RememberedEntry> {
    let entries = app.files.values().flat_map(|file| &file.entries);
    let about = entries.filter(|entry| entry.uid == uid && !entry.vanished);
    about.max_by(|left, right| left.datetime.cmp(&right.datetime))
}

fn apps(index: &Index) -> impl Iterator<Item = (String, &RememberedApp)> {
    let now = index.apps.iter().map(|(name, app)| (name.clone(), app));
    now.chain(index.old_apps.iter().map(|(name, app)| (format!("/{name}"), app)))
}

impl Shown {
    fn of(index: &Index, uids: impl Iterator<Item = String>) -> Self {
        let mut by_uid = BTreeMap::new();
        for uid in uids {
            let shown = apps(index)
                .filter_map(|(name, app)| Some((name, shown_by(app, &uid)?.datetime.clone())))
                .collect();
            by_uid.insert(uid, shown);
        }
        let counters = index.apps.iter().map(|(name, app)| (name.clone(), app.sequences.clone())).collect();
        Self { by_uid, counters }
    }

    /// What this app had shown. One that went over to version 2 since is who it was.
    fn until(&self, app: &str, uid: &str) -> &str {
        if guid_of_app(app).is_some() {
            return EVERYTHING;
        }
        let Some(shown) = self.by_uid.get(uid) else { return "" };
        let found = shown.get(app).or_else(|| shown.get(&format!("/{app}")));
        found.map(String::as_str).unwrap_or_default()
    }

    /// Whether it counted up this bucket since.
    fn has_written(&self, app: &str, now: &RememberedApp, uid: &str, winner: &RememberedEntry) -> bool {
        let bucket = bucket_of(&["resources", uid]);
        let before = self.counters.get(app).and_then(|counters| counters.get(&bucket));
        if app.starts_with('/') {
            return self.until(app, uid) != winner.datetime;
        }
        before != now.sequences.get(&bucket)
    }

    /// What whoever wrote this entry had shown before. Others may hold copies of it: those who counted nothing up did
    /// not write it, and of those who are left the one who knew least counts.
    fn until_author(&self, index: &Index, uid: &str, winner: &RememberedEntry) -> &str {
        let holds = |app: &RememberedApp| {
            shown_by(app, uid)
                .is_some_and(|entry| (&entry.datetime, &entry.sha256) == (&winner.datetime, &winner.sha256))
        };
        let holders: Vec<_> = apps(index).filter(|(_, app)| holds(app)).collect();
        let writers: Vec<_> =
            holders.iter().filter(|(name, app)| self.has_written(name, app, uid, winner)).collect();
        let of_writers = writers.iter().map(|(name, _)| self.until(name, uid)).min();
        of_writers.or_else(|| holders.iter().map(|(name, _)| self.until(name, uid)).min()).unwrap_or_default()
    }
}

impl DecsyncChannel<'_> {
    /// What the apps had shown of the contacts that are of interest; to be asked before the folder is read.
    pub(super) fn shown(&self) -> Shown {
        Shown::of(&self.index, self.replaced.keys().cloned())
    }

    /// Which buckets of this app may show by now that it knows an entry of ours.
    pub(super) fn unsure_buckets(&self, app: &RememberedApp) -> BTreeSet<String> {
        let unsure = self.unsure.iter().filter(|(uid, datetime)| {
            shown_by(app, uid).is_none_or(|entry| entry.datetime.as_str() < datetime.as_str())
        });
        unsure.map(|(uid, _)| bucket_of(&["resources", uid])).collect()
    }

    /// Notes which of our entries were not shown by every app yet.
    pub(super) fn note_unsure(&mut self) {
        let own = self.own_entries();
        let of_interest = own.into_iter().filter(|entry| self.replaced.contains_key(&entry.uid));
        self.unsure = of_interest.map(|entry| (entry.uid, entry.datetime)).collect();
    }

    /// What counts, after the folder was read; `shown` is from before that.
    pub(super) fn winners_after(&mut self, shown: &Shown) -> BTreeMap<String, Winner> {
        let own = self.own_entries();
        let winners = merged(&self.index, &own);
        let own: BTreeMap<&str, &RememberedEntry> =
            own.iter().map(|entry| (entry.uid.as_str(), entry)).collect();
        let waited_for = self.apps_waited_for();
        let mut changed = Vec::new();
        for (uid, replaced) in &self.replaced {
            let own = own.get(uid.as_str()).copied();
            let after = match winners.get(uid) {
                None => None,
                Some(winner) if winner.source == Source::Own => {
                    let is_known = own.is_some_and(|own| has_been_shown(&waited_for, own));
                    (replaced.is_answered() || !is_known).then(|| replaced.clone())
                }
                Some(winner) if says_nothing_else(winner, own) && !replaced.is_answered() => None,
                Some(winner) => {
                    let shown = shown.until_author(&self.index, uid, &winner.entry);
                    replaced.clone().overtaken(own, &winner.entry, shown)
                }
            };
            if after.as_ref() != Some(replaced) {
                changed.push((uid.clone(), after));
            }
        }
        for (uid, after) in changed {
            let after = after.and_then(|after| self.judged_by_content(&uid, winners.get(&uid), after));
            self.remember_replaced(&uid, after);
        }
        winners
    }

    fn judged_by_content(&mut self, uid: &str, winner: Option<&Winner>, after: Replaced) -> Option<Replaced> {
        let mut card_at = |source: &Source| match self.entry_at(source, uid).ok().flatten()?.value {
            serde_json::Value::String(card) => Some(card),
            _ => None,
        };
        match (card_at(&Source::Own), winner.and_then(|winner| card_at(&winner.source))) {
            (Some(own), Some(later)) => after.judged_by_content(&own, &later),
            _ => Some(after),
        }
    }

    /// The apps whose silence means that they have not heard.
    fn apps_waited_for(&self) -> Vec<&RememberedApp> {
        let limit = datetime_text(self.clock.now_ms().div_euclid(1000) - QUIET_DAYS * 86_400);
        let is_awake = |name: &str, app: &RememberedApp| {
            let id = decoded(name).unwrap_or_default();
            let day = self.index.fact(&format!("last-active-{id}")).and_then(|fact| fact.value.as_str());
            day.is_some_and(|day| day >= limit.get(..10).unwrap_or_default())
                || app.files.values().any(|file| file.newest >= limit)
        };
        let now = self.index.apps.iter();
        let old = self.index.old_apps.iter().filter(|(name, _)| !self.index.apps.contains_key(*name));
        now.chain(old)
            .filter(|(name, app)| guid_of_app(name).is_none() && app.is_there() && is_awake(name, app))
            .map(|(_, app)| app)
            .collect()
    }

    pub(super) fn remember_replaced(&mut self, uid: &str, replaced: Option<Replaced>) {
        match replaced {
            Some(replaced) => drop(self.replaced.insert(uid.to_owned(), replaced)),
            None => drop(self.replaced.remove(uid)),
        }
        self.replaced_changed.insert(uid.to_owned());
    }

    /// Nothing that was replaced counts any more.
    pub(super) fn forget_replaced(&mut self) {
        self.replaced_changed.extend(std::mem::take(&mut self.replaced).into_keys());
    }

    /// What is to be remembered when this contact is written over: the entry that counts, ours if that is older, and
    /// what other apps show that have not heard of it. Cards that would have to be read for that only because the
    /// contact is deleted are left out.
    pub(super) fn replacing(
        &mut self,
        uid: &str,
        is_deletion: bool,
    ) -> Result<Option<Replaced>, ProviderError> {
        if let Some(staged) = self.staged.get(uid) {
            return Ok(staged.replaced.clone());
        }
        let mut entries: Vec<(RememberedEntry, Source)> = Vec::new();
        if let Some(winner) = self.winners.get(uid) {
            entries.push((winner.entry.clone(), winner.source.clone()));
            let bucket = bucket_of(&["resources", uid]);
            for (name, app) in self.index.apps.iter().filter(|(name, _)| guid_of_app(name).is_none()) {
                let shown = shown_by(app, uid).filter(|entry| entry.datetime < winner.entry.datetime);
                let source = Source::Bucket(name.clone(), bucket.clone());
                entries.extend(shown.map(|entry| (entry.clone(), source)));
            }
            if winner.source != Source::Own && self.replaced.contains_key(uid) {
                let own = self.own_entries().into_iter().find(|entry| entry.uid == uid);
                entries.extend(own.map(|entry| (entry, Source::Own)));
            }
        }
        let mut found: Vec<Version> = Vec::new();
        for (entry, source) in entries {
            let is_at_hand = source == Source::Own || self.read_files.contains_key(&source);
            let mut card = None;
            if entry.sha256.is_some() && (is_at_hand || !is_deletion) {
                match self.entry_at(&source, uid) {
                    Ok(held) => card = held.and_then(|held| held.value.as_str().map(str::to_owned)),
                    Err(error) if error.is_fatal() => return Err(error),
                    Err(_) => {}
                }
            }
            let is_deletion = entry.sha256.is_none();
            found.push(Version { datetime: entry.datetime, card, is_deletion });
        }
        Ok(Replaced::by_writing_over(self.replaced.get(uid).cloned(), found))
    }

    /// What the newest entry of a contact was made from, if our last one was not in its author's view.
    pub(super) fn made_from_at(&mut self, locator: &Locator) -> Option<Vec<u8>> {
        let uid = self.uid_in(locator)?;
        let winner = self.winners.get(&uid).filter(|winner| winner.source != Source::Own)?;
        let version = self.replaced.get(&uid)?.made_from(&winner.entry)?.clone();
        self.asked.insert(uid);
        Some(version.card.map_or_else(|| NOTHING.to_vec(), String::into_bytes))
    }

    /// What was found in this session was taken in, but for what could not be written.
    pub(super) fn take_answers_in(&mut self) {
        let answered: Vec<String> = self
            .replaced
            .iter()
            .filter(|(uid, replaced)| replaced.is_answered() && !self.refused.contains(*uid))
            .map(|(uid, _)| uid.clone())
            .collect();
        for uid in answered {
            let is_ours = self.winners.get(&uid).is_some_and(|winner| winner.source == Source::Own);
            if is_ours {
                let replaced = self.replaced.get(&uid).cloned().map(|mut replaced| {
                    replaced.answer_is_taken_in();
                    replaced
                });
                self.remember_replaced(&uid, replaced);
            } else if self.asked.contains(&uid) {
                self.remember_replaced(&uid, None);
            }
        }
    }
}

/// Whether all of these apps show this entry of ours, or a later one.
fn has_been_shown(apps: &[&RememberedApp], own: &RememberedEntry) -> bool {
    apps.iter().all(|app| shown_by(app, &own.uid).is_some_and(|entry| entry.datetime >= own.datetime))
}

/// Whether a newer entry says what ours says, or that a contact is there that we deleted, and so is a new one.
fn says_nothing_else(winner: &Winner, own: Option<&RememberedEntry>) -> bool {
    own.is_some_and(|own| own.sha256 == winner.entry.sha256 || (own.sha256.is_none() && winner.is_contact()))
}
