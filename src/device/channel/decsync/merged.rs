//! Which entry of a contact counts: the newest over all apps. Pure.
//!
//! Two entries from the same second: the phone keeps what it had, so another app's entry goes before ours; among other
//! apps' a card goes before a deletion, since nothing may be lost by chance; then version 2 before version 1, then the
//! first app by name. One that vanished from its file counts only against none from that second.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::index::{Index, RememberedEntry};

/// Where an entry stands. Ordered: of equal claims the smaller one counts.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Source {
    /// Another app's bucket file: its folder and its name.
    Bucket(String, String),
    /// Another app's version 1 file: its folder and its name.
    OldFile(String, String),
    /// Our own folder.
    Own,
}

/// The entry that counts for a contact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Winner {
    /// The entry.
    pub entry: RememberedEntry,
    /// Where it stands.
    pub source: Source,
}

impl Winner {
    /// Whether the contact is there.
    #[must_use]
    pub fn is_contact(&self) -> bool {
        self.entry.sha256.is_some()
    }

    /// Greater counts.
    fn claim(&self, other: &Self) -> Ordering {
        let is_foreign = |winner: &Self| winner.source != Source::Own;
        (self.entry.datetime.cmp(&other.entry.datetime))
            .then_with(|| other.entry.vanished.cmp(&self.entry.vanished))
            .then_with(|| is_foreign(self).cmp(&is_foreign(other)))
            .then_with(|| self.is_contact().cmp(&other.is_contact()))
            .then_with(|| other.source.cmp(&self.source))
    }
}

/// The winners by UID, deletions among them.
#[must_use]
pub fn merged(index: &Index, own: &[RememberedEntry]) -> BTreeMap<String, Winner> {
    let mut winners: BTreeMap<String, Winner> = BTreeMap::new();
    let mut add = |entry: &RememberedEntry, source: Source| {
        let candidate = Winner { entry: entry.clone(), source };
        match winners.get_mut(&entry.uid) {
            Some(winner) if candidate.claim(winner) == Ordering::Greater => *winner = candidate,
            Some(_) => {}
            None => {
                winners.insert(entry.uid.clone(), candidate);
            }
        }
    };
    for (app, remembered) in &index.apps {
        for (name, file) in &remembered.files {
            for entry in &file.entries {
                add(entry, Source::Bucket(app.clone(), name.clone()));
            }
        }
    }
    for (app, remembered) in &index.old_apps {
        for (name, file) in &remembered.files {
            for entry in &file.entries {
                add(entry, Source::OldFile(app.clone(), name.clone()));
            }
        }
    }
    for entry in own {
        add(entry, Source::Own);
    }
    // What others only copied is ours.
    for entry in own {
        let copied = winners.get_mut(&entry.uid).filter(|winner| {
            (&winner.entry.datetime, &winner.entry.sha256) == (&entry.datetime, &entry.sha256)
        });
        if let Some(winner) = copied {
            *winner = Winner { entry: entry.clone(), source: Source::Own };
        }
    }
    winners
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::channel::decsync::entry::DecsyncEntry;
    use crate::device::channel::decsync::index::{RememberedApp, RememberedFile};

    fn entry(second: u8, card: Option<&str>) -> RememberedEntry {
        let datetime = format!("2026-01-01T00:00:{second:02}");
        RememberedFile::of(&[DecsyncEntry::contact("u", &datetime, card)]).entries.remove(0)
    }

    fn app(entry: RememberedEntry) -> RememberedApp {
        let file = RememberedFile { entries: vec![entry], ..RememberedFile::default() };
        RememberedApp { files: BTreeMap::from([("00".to_owned(), file)]), ..RememberedApp::default() }
    }

    fn winner(
        apps: &[(&str, RememberedEntry)],
        old: &[(&str, RememberedEntry)],
        own: Option<&RememberedEntry>,
    ) -> Source {
        let mut index = Index::default();
        index.apps.extend(apps.iter().map(|(name, entry)| ((*name).to_owned(), app(entry.clone()))));
        index.old_apps.extend(old.iter().map(|(name, entry)| ((*name).to_owned(), app(entry.clone()))));
        merged(&index, own.cloned().as_slice()).remove("u").unwrap().source
    }

    fn bucket(app: &str) -> Source {
        Source::Bucket(app.to_owned(), "00".to_owned())
    }

    #[test]
    fn the_newest_counts_wherever_it_stands() {
        assert_eq!(winner(&[("A", entry(1, Some("x"))), ("B", entry(2, None))], &[], None), bucket("B"));
        assert_eq!(winner(&[("A", entry(3, None))], &[], Some(&entry(4, Some("x")))), Source::Own);
        let old = Source::OldFile("A".to_owned(), "00".to_owned());
        assert_eq!(winner(&[("A", entry(1, Some("x")))], &[("A", entry(2, None))], None), old);
    }

    #[test]
    fn a_tie_is_decided_and_always_the_same() {
        let (card, gone) = (entry(1, Some("x")), entry(1, None));
        // What the phone has it keeps: ours never counts against another's of the same second.
        assert_eq!(winner(&[("A", gone.clone())], &[], Some(&card)), bucket("A"));
        assert_eq!(winner(&[("A", gone.clone()), ("B", card.clone())], &[], None), bucket("B"));
        assert_eq!(winner(&[("B", card.clone()), ("A", card.clone())], &[], None), bucket("A"));
        assert_eq!(winner(&[("Z", card.clone())], &[("A", card.clone())], None), bucket("Z"));
        let vanished = RememberedEntry { vanished: true, ..card.clone() };
        assert_eq!(winner(&[("A", vanished.clone()), ("B", gone)], &[], None), bucket("B"));
        assert_eq!(winner(&[("A", vanished.clone())], &[], Some(&card)), Source::Own);
        assert_eq!(
            winner(&[("A", vanished)], &[], Some(&entry(0, None))),
            bucket("A"),
            "gone from a file is not deleted"
        );
    }
}
