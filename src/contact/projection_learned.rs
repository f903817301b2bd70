//! What a phone can hold, learned by trying: one card with everything is written, read back and compared.
//!
//! It must not write to a phone; who probes sends the card, reads it back and deletes it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::align::{Relation, align, repeated_singles};
use super::card::{Card, Version};
use super::decoded::{DecodedCard, Entry, Part};
use super::dialect::Dialect;
use super::equality::Shape;
use super::field::FieldKey;
use super::projection::{FieldLimits, Projection};
use super::writer::write;

/// The form in which [`Learned`] is stored.
const FORM: u32 = 1;

/// What a probe has shown of a phone. Holds names of fields and numbers, no content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Learned {
    /// The form of this record: 1.
    pub form: u32,
    /// What it cannot hold.
    #[serde(default, skip_serializing_if = "FieldLimits::is_none")]
    pub limits: FieldLimits,
    /// Whether it forgets a card's UID.
    #[serde(default)]
    pub forgets_uid: bool,
    /// Properties that it writes in its own way, equal in normal form: no loss.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub reformats: BTreeSet<String>,
    /// Properties whose value it changes into another one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub changes: BTreeSet<String>,
}

impl Learned {
    /// Whether this program knows the form of the record; one of a later program must be learned again.
    #[must_use]
    pub fn is_known_form(&self) -> bool {
        self.form == FORM
    }

    /// What it changes and how it reformats, in words for people, one sentence each; empty if it does neither.
    #[must_use]
    pub fn remarks(&self) -> Vec<String> {
        let words = |names: &BTreeSet<String>| {
            let labels: Vec<String> = names.iter().map(|name| FieldKey::new(name).label()).collect();
            labels.join(", ")
        };
        let mut remarks = Vec::new();
        if !self.changes.is_empty() {
            remarks.push(format!("It changes what it is given: {}.", words(&self.changes)));
        }
        if !self.reformats.is_empty() {
            remarks.push(format!("It writes in its own way: {}.", words(&self.reformats)));
        }
        remarks
    }
}

impl Projection {
    /// What a phone can hold, as far as one card shows it that was written (`sent`) and read back (`held`).
    #[must_use]
    pub fn learned(sent: &Card, held: &Card) -> Learned {
        let (before, after) = (DecodedCard::of(sent), DecodedCard::of(held));
        let repeated = repeated_singles(&[&before.entries, &after.entries]);
        let pairs = align(&before.entries, &after.entries, Relation::Agreed, &repeated);
        let mut by_property: BTreeMap<&str, Vec<(&Entry, Option<&Entry>)>> = BTreeMap::new();
        for (index, entry) in before.entries.iter().enumerate() {
            let partner =
                pairs.iter().find(|pair| pair.0 == index).and_then(|pair| after.entries.get(pair.1));
            by_property.entry(&entry.property).or_default().push((entry, partner));
        }
        let mut lesson = Lesson::of(&before, &after);
        for (property, values) in &by_property {
            lesson.property(property, values);
        }
        lesson.attributes(&by_property);
        lesson.letters(&by_property);
        Learned {
            form: FORM,
            forgets_uid: before.uid().is_some() && after.uid() != before.uid(),
            limits: lesson.limits,
            reformats: lesson.reformats,
            changes: lesson.changes,
        }
    }

    /// This projection with all that was learned taken off it.
    #[must_use]
    pub fn narrowed_by(&self, learned: &Learned) -> Self {
        let mut narrowed = self.clone();
        let (mine, news) = (&mut narrowed.limits, &learned.limits);
        mine.without.extend(news.without.iter().cloned());
        if learned.forgets_uid {
            mine.without.insert("UID".to_owned());
        }
        for (table, news) in
            [(&mut mine.length_max, &news.length_max), (&mut mine.count_max, &news.count_max)]
        {
            for (name, max) in news {
                let least = table.get(name).map_or(*max, |old| (*old).min(*max));
                table.insert(name.clone(), least);
            }
        }
        for (name, held) in &news.components {
            let both = match mine.components.get(name) {
                Some(old) => old.intersection(held).copied().collect(),
                None => held.clone(),
            };
            mine.components.insert(name.clone(), both);
        }
        mine.kinds = match (mine.kinds.take(), &news.kinds) {
            (Some(old), Some(news)) => Some(old.intersection(news).cloned().collect()),
            (old, news) => old.or_else(|| news.clone()),
        };
        mine.ascii |= news.ascii;
        mine.no_preference |= news.no_preference;
        mine.no_parameters |= news.no_parameters;
        mine.photo_bytes_max = match (mine.photo_bytes_max, news.photo_bytes_max) {
            (Some(old), Some(news)) => Some(old.min(news)),
            (old, news) => old.or(news),
        };
        narrowed
    }

    /// One card with everything: every property this program knows, several values of each that may have several,
    /// long texts, letters beyond ASCII. The person is invented. Written as that dialect writes it.
    #[must_use]
    pub fn probe_card(dialect: &Dialect) -> Card {
        let long =
            |sentence: &str, length: usize| -> String { sentence.chars().cycle().take(length).collect() };
        let text = PROBE
            .replace("{note}", &long("All of this note should come back. Zoë wrote it. ", 1_500))
            .replace(
                "{title}",
                &long("Keeper of the long titles and of many words ", 120).trim_end().replace("  ", " "),
            )
            .replace("{photo}", PHOTO)
            .replace('\n', "\r\n");
        let card = Card::from_checked(text.as_bytes());
        match dialect.version {
            // Written anew, so that its layout is the dialect's too.
            Version::V30 => write(&write(&card, &Dialect::v40()).card, dialect).card,
            _ => write(&card, dialect).card,
        }
    }
}

/// Of an invented person. Each value begins differently, so that one that comes back cut is known.
const PROBE: &str = "BEGIN:VCARD
VERSION:3.0
UID:tetherbook-probe
FN:Dr. Maximiliana Zoë Łucja von Hohenzollern-Sachsen-Example\\, Jr.
N:von Hohenzollern-Sachsen-Example;Maximiliana;Zoë Łucja;Dr.;Jr.
NICKNAME:Maxi,Zoë
X-PHONETIC-FIRST-NAME:Maksimiljana
X-PHONETIC-MIDDLE-NAME:Soe
X-PHONETIC-LAST-NAME:Hoentsolern
TEL;TYPE=cell,pref:+1 202 555 0101
TEL;TYPE=home:+1 202 555 0102
TEL;TYPE=work:+1 202 555 0103
TEL;TYPE=work,fax:+1 202 555 0104
TEL;TYPE=pager:+1 202 555 0105
item1.TEL:+1 202 555 0106
item1.X-ABLabel:Boat
EMAIL;TYPE=home:maximiliana@example.org
EMAIL;TYPE=work:m.example@example.com
EMAIL:third@example.net
ADR;TYPE=home:PO 7;Back house;1 Zoë Street;Exampletown;North;12345;Nowhere
ADR;TYPE=work:;;2 Work Road;Otherville;South;54321;Nowhere
ORG:Example Łodz Ltd.;Probes;Field
TITLE:{title}
ROLE:Prober
BDAY:1980-02-29
X-ANNIVERSARY:2001-05-06
URL:https://example.org/maximiliana
URL:https://example.com/second
IMPP:xmpp:max@example.org
IMPP:sip:max@example.com
NOTE:{note}
CATEGORIES:Friends,Probes
GEO:48.137000;11.575000
TZ:+01:00
X-GENDER:F
X-LANG:en
X-RELATED;X-VALUE=text:Ann Example
X-SPOUSE:Bo Example
X-TETHERBOOK-PROBE:unknown to every phone
PHOTO;ENCODING=b;TYPE=PNG:{photo}
REV:2001-05-06T00:00:00Z
END:VCARD
";

/// A picture of one point (PNG), small enough for every phone.
const PHOTO: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/// What is being learned.
struct Lesson<'a> {
    before: &'a DecodedCard,
    after: &'a DecodedCard,
    limits: FieldLimits,
    reformats: BTreeSet<String>,
    changes: BTreeSet<String>,
}

/// The values of one property that were sent, each with what came back of it.
type Values<'a> = [(&'a Entry, Option<&'a Entry>)];

impl<'a> Lesson<'a> {
    fn of(before: &'a DecodedCard, after: &'a DecodedCard) -> Self {
        Self {
            before,
            after,
            limits: FieldLimits::default(),
            reformats: BTreeSet::new(),
            changes: BTreeSet::new(),
        }
    }

    fn property(&mut self, property: &str, values: &Values<'_>) {
        let returned: Vec<(&Entry, &Entry)> =
            values.iter().filter_map(|(sent, held)| Some((*sent, (*held)?))).collect();
        if returned.is_empty() {
            self.limits.without.insert(property.to_owned());
            return;
        }
        if returned.len() < values.len() {
            self.limits.count_max.insert(property.to_owned(), returned.len());
        }
        if returned.iter().any(|(sent, _)| sent.shape == Shape::Structured) {
            self.components(property, &returned);
        }
        for (sent, held) in returned {
            let texts: Vec<(Part, &str, &str)> = sent
                .parts_with(Some(held))
                .into_iter()
                .filter(|part| matches!(part, Part::Value | Part::Component(_)))
                .map(|part| (part, sent.part(part), held.part(part)))
                .collect();
            for (part, sent, held) in texts {
                self.text(property, part, sent, held);
            }
            if sent.identity == held.identity && self.is_respelled(sent, held) {
                self.reformats.insert(property.to_owned());
            }
        }
    }

    /// Components that came back of no value.
    fn components(&mut self, property: &str, returned: &[(&Entry, &Entry)]) {
        let count = returned.iter().map(|(sent, _)| sent.components.len()).max().unwrap_or(0);
        let is_held = |index: usize| {
            let part = Part::Component(index);
            let mut sent = returned.iter().filter(|(sent, _)| !sent.part(part).is_empty()).peekable();
            sent.peek().is_none() || sent.any(|(_, held)| !held.part(part).is_empty())
        };
        let held: BTreeSet<usize> = (0..count).filter(|index| is_held(*index)).collect();
        if held.len() < count {
            self.limits.components.insert(property.to_owned(), held);
        }
    }

    fn text(&mut self, property: &str, part: Part, sent: &str, held: &str) {
        if sent == held || (held.is_empty() && part != Part::Value) {
            return;
        }
        let is_beginning = |sent: &str| sent.starts_with(held) && !held.is_empty();
        if is_beginning(sent)
            || super::projection_text::in_ascii(sent).is_some_and(|sent| is_beginning(&sent))
        {
            let length = held.chars().count();
            if length < sent.chars().count() {
                let least = self.limits.length_max.get(property).map_or(length, |old| (*old).min(length));
                self.limits.length_max.insert(property.to_owned(), least);
            }
            return;
        }
        // What has lost its letters is no other value; `letters` says so.
        if sent.is_ascii() || !held.is_ascii() {
            self.changes.insert(property.to_owned());
        }
    }

    fn is_respelled(&self, sent: &Entry, held: &Entry) -> bool {
        let value =
            |card: &DecodedCard, entry: &Entry| card.properties.get(entry.line).map(|line| line.value());
        sent.shape != Shape::Items && value(self.before, sent) != value(self.after, held)
    }

    /// Kinds, labels, preferences and other parameters: what came back of no value is not held.
    fn attributes(&mut self, by_property: &BTreeMap<&str, Vec<(&Entry, Option<&Entry>)>>) {
        let returned: Vec<(&Entry, &Entry)> =
            by_property.values().flatten().filter_map(|(sent, held)| Some((*sent, (*held)?))).collect();
        let is_lost = |part: Part| {
            let mut sent = returned.iter().filter(|(sent, _)| !sent.part(part).is_empty()).peekable();
            sent.peek().is_some() && sent.all(|(_, held)| held.part(part).is_empty())
        };
        self.limits.no_preference = is_lost(Part::Preference);
        self.limits.no_parameters = is_lost(Part::Rest);
        for (part, name) in [(Part::Label, "X-ABLABEL"), (Part::Format, "X-ABADR")] {
            if is_lost(part) {
                self.limits.without.insert(name.to_owned());
            }
        }
        let words = |text: &str| -> BTreeSet<String> {
            text.split(", ").filter(|word| !word.is_empty()).map(str::to_owned).collect()
        };
        let (mut sent_kinds, mut held_kinds) = (BTreeSet::new(), BTreeSet::new());
        for (sent, held) in &returned {
            let held = words(held.part(Part::Kinds));
            let sent = words(sent.part(Part::Kinds));
            held_kinds.extend(sent.intersection(&held).cloned());
            sent_kinds.extend(sent);
        }
        if held_kinds != sent_kinds {
            self.limits.kinds = Some(held_kinds);
        }
    }

    /// Whether of all texts with letters beyond ASCII none came back with one.
    fn letters(&mut self, by_property: &BTreeMap<&str, Vec<(&Entry, Option<&Entry>)>>) {
        let mut texts = by_property
            .values()
            .flatten()
            .filter_map(|(sent, held)| Some((*sent, (*held)?)))
            .filter(|(sent, held)| {
                sent.shape != Shape::Binary && !sent.identity.is_ascii() && !held.identity.is_empty()
            })
            .peekable();
        self.limits.ascii =
            texts.peek().is_some() && texts.all(|(_, held)| held.identity.replace('\u{1e}', "").is_ascii());
    }
}

#[cfg(test)]
#[path = "projection_learned_tests.rs"]
mod tests;
