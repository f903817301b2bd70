//! A stand-in for Tetherbook: the least that a sync must do so that the ledger has nothing to complain about. It
//! proves that the ledger asks nothing impossible; it shares no code with the product.
//!
//! What it shows to be needed: an app pushes before it pulls, so its new version of a card may be made of one that was
//! there before our last write. Until the app's own buckets were seen to have our write, its new version is merged
//! against what our write took the place of.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::rc::Rc;

use crate::decsync_app::clock::stamp;
use crate::decsync_app::directory::{everything, version};
use crate::decsync_app::names::decoded;
use crate::decsync_app::version_2::VersionTwo;
use crate::decsync_app::{Entry, OffsetClock, vcard};
use crate::text::{SINGLES, tokens};

const OUR_APP: &str = "tetherbook-00001";

/// The lines of a card that are a person's, in order.
type Lines = BTreeSet<String>;

/// What one session came to.
#[derive(Debug, Default)]
pub struct Outcome {
    pub words: String,
    pub conflicts: usize,
    pub failed: usize,
    pub failure: Option<String>,
    pub writes: usize,
    pub is_plan_empty: bool,
    /// What was asked of the phone, and how often.
    pub transactions: BTreeMap<String, u64>,
}

pub struct StandIn {
    root: PathBuf,
    two: VersionTwo,
    clock: Rc<OffsetClock>,
    /// The PC's contacts.
    pub contacts: BTreeMap<String, Lines>,
    /// The UIDs that the PC had at the last session.
    known: BTreeSet<String>,
    /// When each app's version was written that it had at the last session.
    seen: BTreeMap<String, BTreeMap<String, String>>,
    /// By UID: the last version of another app, then ours, with when each was written.
    history: BTreeMap<String, Vec<(String, Option<Lines>)>>,
}

/// The newest entry about a contact, and which app has it.
struct Newest {
    app: String,
    entry: Entry,
}

impl StandIn {
    pub fn new(root: PathBuf, collection: &str, phone_clock: Rc<OffsetClock>) -> Self {
        let two = VersionTwo {
            collection: root.join("contacts").join(collection),
            app_id: OUR_APP.to_owned(),
            clock: phone_clock.clone(),
        };
        Self {
            root,
            two,
            clock: phone_clock,
            contacts: BTreeMap::new(),
            known: BTreeSet::new(),
            seen: BTreeMap::new(),
            history: BTreeMap::new(),
        }
    }

    pub fn session(&mut self) -> Outcome {
        let by_app = self.entries();
        let mut outcome = Outcome { is_plan_empty: true, ..Outcome::default() };
        let mut uids: BTreeSet<String> = by_app.values().flat_map(BTreeMap::keys).cloned().collect();
        uids.extend(self.contacts.keys().cloned());
        let mut postponed = BTreeSet::new();
        for uid in uids {
            if !self.settle(&uid, &newest(&by_app, &uid), &mut outcome) {
                postponed.insert(uid);
            }
        }
        // A deletion that could not be written yet is not forgotten.
        self.known.retain(|uid| postponed.contains(uid));
        self.known.extend(self.contacts.keys().cloned());
        let by_app = self.entries();
        let uids: BTreeSet<String> = by_app.values().flat_map(BTreeMap::keys).cloned().collect();
        for uid in uids {
            self.remember(&uid, &newest(&by_app, &uid).unwrap());
        }
        let stamps = |entries: BTreeMap<String, Entry>| {
            entries.into_iter().map(|(uid, entry)| (uid, entry.datetime)).collect()
        };
        self.seen = by_app.into_iter().map(|(app, entries)| (app, stamps(entries))).collect();
        outcome.words = format!("stand-in: {} writes, {} conflicts", outcome.writes, outcome.conflicts);
        outcome
    }

    /// Makes the two sides one about a contact; `false` if the directory has to wait.
    fn settle(&mut self, uid: &str, newest: &Option<Newest>, outcome: &mut Outcome) -> bool {
        let ours = self.contacts.get(uid).cloned();
        let theirs = newest.as_ref().and_then(|newest| lines(&newest.entry));
        let base = match newest {
            Some(newest) if newest.app == OUR_APP => theirs.clone(),
            Some(newest) => self.base(uid, &newest.app),
            None => None,
        };
        // What we found is remembered before we write over it: it is what that app knows.
        if let Some(newest) = newest {
            self.remember(uid, newest);
        }
        let merged = if ours.is_none() && !self.known.contains(uid) {
            theirs.clone()
        } else {
            merge(base.as_ref(), theirs.as_ref(), ours.as_ref(), &mut outcome.conflicts)
        };
        if merged != ours {
            outcome.is_plan_empty = false;
            outcome.writes += 1;
            match &merged {
                Some(lines) => drop(self.contacts.insert(uid.to_owned(), lines.clone())),
                None => drop(self.contacts.remove(uid)),
            }
        }
        if merged != theirs {
            outcome.is_plan_empty = false;
            return self.write(uid, merged.as_ref(), newest.as_ref(), outcome);
        }
        true
    }

    /// What the app made its new version of, as far as can be told.
    fn base(&self, uid: &str, app: &str) -> Option<Lines> {
        let history = self.history.get(uid)?;
        let seen = self.seen.get(app).and_then(|seen| seen.get(uid)).map_or("", String::as_str);
        let has_seen = |version: &&(String, Option<Lines>)| version.0.as_str() <= seen;
        history.iter().rev().find(has_seen).or(history.first())?.1.clone()
    }

    fn remember(&mut self, uid: &str, newest: &Newest) {
        let history = self.history.entry(uid.to_owned()).or_insert_with(|| vec![(String::new(), None)]);
        if newest.app != OUR_APP {
            history.clear();
        }
        if history.last().is_none_or(|last| last.0 != newest.entry.datetime) {
            history.push((newest.entry.datetime.clone(), lines(&newest.entry)));
        }
    }

    /// Writes to the directory, unless the phone's clock is not past what is there yet: then it stays for later.
    fn write(&self, uid: &str, card: Option<&Lines>, newest: Option<&Newest>, outcome: &mut Outcome) -> bool {
        let now = stamp(&*self.clock);
        let is_past = newest.is_none_or(|newest| newest.entry.datetime < now);
        if !is_past || version(&self.root, &*self.clock) != Ok(2) {
            return false;
        }
        let card = card.map(|card| {
            let mut all = vec!["VERSION:3.0".to_owned(), format!("UID:{uid}")];
            all.extend(card.iter().cloned());
            vcard::card(&all)
        });
        // Saying again what is in our own bucket is something to say where another app deleted it meanwhile.
        self.two.record(&[Entry::contact(uid, &now, card.as_deref())]);
        outcome.writes += 1;
        true
    }

    /// Every contact's entry in every app's own files, of both versions.
    fn entries(&self) -> BTreeMap<String, BTreeMap<String, Entry>> {
        let mut by_app: BTreeMap<String, BTreeMap<String, Entry>> = BTreeMap::new();
        for (name, text) in everything(&self.two.collection) {
            let parts: Vec<String> = name.split('/').map(|part| decoded(part).unwrap_or_default()).collect();
            let found: Vec<Entry> = match parts.first().map(String::as_str) {
                Some("v2") => text.lines().filter_map(Entry::parse_2).collect(),
                Some("stored-entries") => {
                    text.lines().filter_map(|line| Entry::parse_1(&parts[2..], line)).collect()
                }
                _ => continue,
            };
            let entries = by_app.entry(parts[1].clone()).or_default();
            for entry in found {
                let Some(uid) = entry.uid().map(str::to_owned) else { continue };
                if entries.get(&uid).is_none_or(|old| old.datetime < entry.datetime) {
                    entries.insert(uid, entry);
                }
            }
        }
        by_app
    }
}

fn newest(by_app: &BTreeMap<String, BTreeMap<String, Entry>>, uid: &str) -> Option<Newest> {
    let mut best: Option<Newest> = None;
    // What is ours and was only copied by the others counts as ours.
    let ours_first = by_app.iter().filter(|(app, _)| *app == OUR_APP);
    for (app, entries) in ours_first.chain(by_app.iter().filter(|(app, _)| *app != OUR_APP)) {
        let Some(entry) = entries.get(uid) else { continue };
        if best.as_ref().is_none_or(|best| best.entry.datetime < entry.datetime) {
            best = Some(Newest { app: app.clone(), entry: entry.clone() });
        }
    }
    best
}

fn lines(entry: &Entry) -> Option<Lines> {
    let all = vcard::only_card(entry.value.as_str()?)?;
    let is_persons =
        |line: &String| !["VERSION", "PRODID", "UID", "REV"].contains(&vcard::name(line).as_str());
    Some(all.into_iter().filter(is_persons).collect())
}

/// What both made of `base`. An edit wins over a deletion, the phone's side over the PC's in the same field.
fn merge(
    base: Option<&Lines>,
    theirs: Option<&Lines>,
    ours: Option<&Lines>,
    conflicts: &mut usize,
) -> Option<Lines> {
    match (theirs, ours) {
        (None, None) => None,
        (None, Some(ours)) => base.is_none_or(|base| base != ours).then(|| ours.clone()),
        (Some(theirs), None) => base.is_none_or(|base| base != theirs).then(|| theirs.clone()),
        (Some(theirs), Some(ours)) => {
            let nothing = Lines::new();
            let base = base.unwrap_or(&nothing);
            let mut merged = theirs.clone();
            for gone in base.difference(ours) {
                let slot = vcard::name(gone);
                let is_replaced = SINGLES.contains(&slot.as_str()) && !theirs.contains(gone);
                if !is_replaced {
                    merged.remove(gone);
                }
            }
            for new in ours.difference(base) {
                let slot = vcard::name(new);
                let rival = merged.iter().find(|line| vcard::name(line) == slot).cloned();
                match rival {
                    Some(rival) if SINGLES.contains(&slot.as_str()) && tokens(&rival) != tokens(new) => {
                        *conflicts += 1;
                    }
                    _ => drop(merged.insert(new.clone())),
                }
            }
            Some(merged)
        }
    }
}
