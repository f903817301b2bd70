//! What our own entries took the place of, as long as another app may not have heard of them. Values.
//!
//! An app may push before it pulls: what a person changed before the app took our entry over was made of an earlier
//! version, and stamped later than ours. Until an app's own files show our stamp, what it writes counts as made from
//! the newest version that it had shown by then.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::index::{RememberedEntry, sha256_text};

/// So many versions of a contact are remembered. Of more the oldest stays and the next ones go, which can only make an
/// edit look as if it were made from something older.
const VERSIONS_MAX: usize = 8;

/// A contact at a time.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version {
    /// The datetime of its entry; empty if there was none.
    pub datetime: String,
    /// The card; `None` if there was none, or none that is known.
    pub card: Option<String>,
    /// It was deleted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_deletion: bool,
}

impl std::fmt::Debug for Version {
    // Cards are contacts.
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Version({})", self.datetime)
    }
}

/// What the newest entry of another app was made from.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Answer {
    datetime: String,
    sha256: Option<String>,
    made_from: Version,
}

/// One contact that we wrote while another app had not shown yet that it knows what we wrote.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replaced {
    /// What was in the folder since the last time that all apps knew the newest, without our last; oldest first.
    versions: Vec<Version>,
    /// Of the other app's entry that counts now, until a session has taken it in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answer: Option<Answer>,
}

impl std::fmt::Debug for Replaced {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Replaced({} versions, answered: {})", self.versions.len(), self.answer.is_some())
    }
}

impl Replaced {
    /// What is to be remembered when the newest of `found` is written over; the others are what apps show that have not
    /// heard of that one yet. `None` if nobody can write about the contact without knowing.
    ///
    /// An answer stays until a session has ended well: this one may yet be cut before it writes.
    #[must_use]
    pub fn by_writing_over(before: Option<Self>, found: Vec<Version>) -> Option<Self> {
        let (mut versions, answer) =
            before.map_or((Vec::new(), None), |before| (before.versions, before.answer));
        for version in found {
            if !versions.iter().any(|known| known.datetime == version.datetime) {
                versions.push(version);
            }
        }
        versions.sort_by(|left, right| left.datetime.cmp(&right.datetime));
        while versions.len() > VERSIONS_MAX {
            versions.remove(1);
        }
        (!versions.is_empty()).then_some(Self { versions, answer })
    }

    /// Takes in that another app's entry counts, which is newer than ours; `shown` is the datetime of what its author
    /// had shown of the contact before. `None` if there is nothing more to remember.
    #[must_use]
    pub fn overtaken(
        mut self,
        own: Option<&RememberedEntry>,
        winner: &RememberedEntry,
        shown: &str,
    ) -> Option<Self> {
        let is_known = |answer: &Answer| answer.datetime == winner.datetime && answer.sha256 == winner.sha256;
        let is_last = |version: &Version| {
            let sha256 = version.card.as_deref().map(|card| sha256_text(card.as_bytes()));
            version.datetime == winner.datetime && (version.card.is_none() || sha256 == winner.sha256)
        };
        if self.answer.as_ref().is_some_and(is_known) {
            return Some(self);
        }
        // The session that was to write over it was cut before it did.
        if self.versions.last().is_some_and(is_last) {
            return self.answer.is_some().then_some(self);
        }
        let made_from = match self.answer.take() {
            // The entry before this one was not taken in yet: together they were made from what that was made from.
            Some(answer) => answer.made_from,
            None if own.is_none_or(|own| own.datetime.as_str() <= shown) => return None,
            None => self.source_of(shown)?.clone(),
        };
        self.answer =
            Some(Answer { datetime: winner.datetime.clone(), sha256: winner.sha256.clone(), made_from });
        Some(self)
    }

    /// What an app made its version of that had shown that of `shown` before; `None` if that was our last. What it knew
    /// to be deleted it can only have made from what came after.
    fn source_of(&self, shown: &str) -> Option<&Version> {
        let at = self.versions.iter().rposition(|version| version.datetime.as_str() <= shown).unwrap_or(0);
        let known = self.versions.get(at)?;
        if known.is_deletion && known.datetime == shown {
            return self.versions.get(at + 1);
        }
        Some(known)
    }

    /// Takes the content into account of what was just answered about, `later`, and of our own entry: what shows a whole
    /// edit of ours was made with that in view. `None` if that is our last one.
    #[must_use]
    pub fn judged_by_content(mut self, own: &str, later: &str) -> Option<Self> {
        let Some(answer) = &mut self.answer else { return Some(self) };
        let Some(base) = answer.made_from.card.clone() else { return Some(self) };
        if shows_the_edit(&base, own, later) {
            return None;
        }
        let newer = self.versions.iter().rev().take_while(|version| **version != answer.made_from);
        let mut known = newer.filter(|version| version.card.is_some());
        let seen = known
            .find(|version| version.card.as_deref().is_some_and(|card| shows_the_edit(&base, card, later)));
        if let Some(seen) = seen.cloned() {
            answer.made_from = seen;
        }
        Some(self)
    }

    /// Whether an answer waits to be taken in.
    #[must_use]
    pub fn is_answered(&self) -> bool {
        self.answer.is_some()
    }

    /// What the entry was made from, if it was made without our last one in view.
    #[must_use]
    pub fn made_from(&self, winner: &RememberedEntry) -> Option<&Version> {
        let answer = self.answer.as_ref()?;
        let is_about = answer.datetime == winner.datetime && answer.sha256 == winner.sha256;
        is_about.then_some(&answer.made_from)
    }

    /// A session has taken in what it found and written over it.
    pub fn answer_is_taken_in(&mut self) {
        self.answer = None;
    }
}

/// Whether `later` has all that was done between two versions, but for what it says anew; and something of it in the
/// very words.
fn shows_the_edit(before: &str, after: &str, later: &str) -> bool {
    let (before, after, later) = (said(before), said(after), said(later));
    let is_said_anew =
        |name: &str| later.iter().any(|one| one.0 == name && !before.contains(one) && !after.contains(one));
    let mut added = after.difference(&before).peekable();
    let has_any = after.difference(&before).any(|one| later.contains(one));
    added.peek().is_some()
        && has_any
        && added.all(|one| later.contains(one) || is_said_anew(&one.0))
        && !before.difference(&after).any(|one| later.contains(one))
}

/// The properties of a card with their values. It need not be understood: what looks different is not the same.
fn said(card: &str) -> BTreeSet<(String, String)> {
    let unfolded = card.replace("\r\n", "\n").replace("\n ", "").replace("\n\t", "");
    let lines = unfolded.lines().filter_map(|line| {
        let (start, value) = line.split_once(':')?;
        let name = start.split(';').next()?.rsplit('.').next()?.to_uppercase();
        Some((name, value.to_owned()))
    });
    lines
        .filter(|(name, _)| !["BEGIN", "END", "VERSION", "PRODID", "UID", "REV"].contains(&name.as_str()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::device::channel::decsync::entry::DecsyncEntry;
    use crate::device::channel::decsync::index::RememberedFile;

    fn version(second: u8, card: &str) -> Version {
        Version {
            datetime: format!("2026-01-01T00:00:{second:02}"),
            card: Some(card.to_owned()),
            is_deletion: false,
        }
    }

    fn entry(second: u8, card: Option<&str>) -> RememberedEntry {
        let datetime = format!("2026-01-01T00:00:{second:02}");
        RememberedFile::of(&[DecsyncEntry::contact("u", &datetime, card)]).entries.remove(0)
    }

    fn over(before: Option<Replaced>, found: Version) -> Option<Replaced> {
        Replaced::by_writing_over(before, vec![found])
    }

    /// What an entry of second `at` was made from, when its author had shown that of second `shown`.
    fn asked(replaced: &Replaced, own: u8, at: u8, shown: u8) -> Option<String> {
        let winner = entry(at, Some("theirs"));
        let shown = entry(shown, None).datetime;
        let after = replaced.clone().overtaken(Some(&entry(own, Some("ours"))), &winner, &shown)?;
        after.made_from(&winner)?.card.clone()
    }

    #[test]
    fn an_edit_is_made_from_what_its_author_had_shown() {
        assert_eq!(Replaced::by_writing_over(None, Vec::new()), None, "nobody else can know a new contact");
        let one = over(None, version(1, "first")).unwrap();
        let two = over(Some(one.clone()), version(3, "second")).unwrap();
        // Ours is of second 5.
        assert_eq!(asked(&one, 5, 6, 1).as_deref(), Some("first"));
        assert_eq!(asked(&one, 5, 6, 0).as_deref(), Some("first"), "an app that showed nothing");
        assert_eq!(asked(&two, 5, 6, 2).as_deref(), Some("first"));
        assert_eq!(asked(&two, 5, 6, 4).as_deref(), Some("second"));
        assert_eq!(asked(&two, 5, 6, 5), None, "it had ours");
        // One app deleted it, which another had not heard of when we made it again.
        let gone = Version { card: None, is_deletion: true, ..version(3, "") };
        let again = Replaced::by_writing_over(None, vec![gone, version(1, "first")]).unwrap();
        assert_eq!(asked(&again, 5, 6, 1).as_deref(), Some("first"));
        assert_eq!(asked(&again, 5, 6, 3), None, "what it had deleted it can only have from us");
    }

    #[test]
    fn an_answer_stands_until_it_was_taken_in() {
        let own = entry(5, Some("ours"));
        let first = over(None, version(1, "first")).unwrap();
        let six = entry(6, Some("six"));
        let answered = first.overtaken(Some(&own), &six, "2026-01-01T00:00:01").unwrap();
        // The session was cut; by now the author's files show what it wrote.
        let again = answered.clone().overtaken(Some(&own), &six, &six.datetime).unwrap();
        assert_eq!(again.made_from(&six), Some(&version(1, "first")));
        let seven = entry(7, None);
        let later = answered.clone().overtaken(Some(&own), &seven, &six.datetime).unwrap();
        assert_eq!(later.made_from(&seven), Some(&version(1, "first")));
        assert_eq!(later.made_from(&six), None);
        // It was to be written over, and was not.
        let found = Version { datetime: six.datetime.clone(), ..version(6, "six") };
        let cut = over(Some(answered), found).unwrap();
        let cut = cut.overtaken(Some(&own), &six, &six.datetime).unwrap();
        assert_eq!(cut.made_from(&six), Some(&version(1, "first")));
        // It was, and the session ended well.
        let mut done = cut;
        done.answer_is_taken_in();
        assert_eq!(asked(&done, 8, 9, 6).as_deref(), Some("six"));
    }

    #[test]
    fn whoever_says_what_only_we_said_has_read_it() {
        let card = |lines: &str| format!("BEGIN:VCARD\r\nVERSION:3.0\r\n{lines}\r\nEND:VCARD\r\n");
        let first = card("TEL;TYPE=CELL:1\r\nNOTE:a");
        let ours = card("TEL;TYPE=CELL:1\r\nTEL;TYPE=HOME:2\r\nNOTE:b");
        for (later, has_read) in [
            ("TEL;TYPE=HOME:2\r\nitem1.TEL:1\r\nNOTE:b\r\nTITLE:new", true),
            ("TEL:1\r\nTEL:2\r\nNOTE:c", true),
            ("TEL:2\r\nNOTE:b", true),
            ("TEL:1\r\nTEL:2\r\nNOTE:a", false),
            ("TEL:1\r\nTEL:2", false),
            ("TEL:1\r\nNOTE:b", false),
            ("TEL:1\r\nNOTE:a\r\nTITLE:new", false),
        ] {
            assert_eq!(shows_the_edit(&first, &ours, &card(later)), has_read, "{later}");
        }
        assert!(!shows_the_edit(&ours, &first, &card("TEL:1\r\nNOTE:c")), "said anew, whatever was there");
        let before = over(None, Version { card: Some(first.clone()), ..version(1, "") }).unwrap();
        let winner = entry(6, Some("later"));
        let answered = before.overtaken(Some(&entry(5, Some("ours"))), &winner, "").unwrap();
        assert_eq!(answered.clone().judged_by_content(&ours, &card("TEL:1\r\nTEL:2\r\nNOTE:b")), None);
        assert_eq!(answered.clone().judged_by_content(&ours, &first), Some(answered));
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let mut replaced = over(None, version(0, "oldest"));
        for second in 1..50 {
            replaced = over(replaced, version(second, "ours"));
        }
        let replaced = replaced.unwrap();
        assert_eq!(replaced.versions.len(), VERSIONS_MAX);
        assert_eq!(asked(&replaced, 55, 56, 0).as_deref(), Some("oldest"));
        assert_eq!(asked(&replaced, 55, 56, 20).as_deref(), Some("oldest"));
        assert!(!format!("{replaced:?}").contains("oldest"));
    }
}
