//! A program: the phone's days, the exports, the sessions, and what the persons do between them.

use std::collections::{BTreeMap, BTreeSet};

use tetherbook::contact::{Card, ConflictPolicy};
use tetherbook::plan::{Action, Headline, WriteStep};
use tetherbook::relationship::Side;

use crate::exporters::{EzVersion, Person, fossify, fossify_name};
use crate::ledger::{Ledger, Wanted};
use crate::phone::Contacts;
use crate::values::{Values, cards_of};
use crate::world::{Outcome, PcContact, Saying, Way, World};

pub const DROP_FOLDER: &str = "Download/Tetherbook";

pub struct Program {
    pub world: World,
    pub rng: fastrand::Rng,
    pub contacts: Contacts,
    pub ledger: Ledger,
    /// What each export on the phone says, by the file's name; `None` for one that is cut off, empty or too small.
    pub exports: BTreeMap<String, Option<BTreeMap<u32, Values>>>,
    /// The newest export that a session can have read.
    pub read_last: Option<String>,
    /// Pairs of people who are one: the one who is missing, and who came instead.
    pub split: BTreeMap<u32, u32>,
    /// Who those were at first who could not be followed.
    pub roots: BTreeMap<u32, u32>,
    pub next: u32,
    pub log: Vec<String>,
    pub counts: BTreeMap<&'static str, usize>,
    /// Everybody whom a drop file held that was opened.
    pub imported: BTreeSet<u32>,
    /// Every value that somebody typed, with whose it is; a number that people share is nobody's.
    pub owners: BTreeMap<String, u32>,
}

impl Program {
    pub fn new(way: Way, seed: u64) -> Self {
        Self {
            world: World::new(way, None, seed),
            rng: fastrand::Rng::with_seed(seed),
            contacts: Contacts::default(),
            ledger: Ledger::default(),
            exports: BTreeMap::new(),
            read_last: None,
            split: BTreeMap::new(),
            roots: BTreeMap::new(),
            next: 1,
            log: vec![format!("seed {seed} {way:?}")],
            counts: BTreeMap::new(),
            imported: BTreeSet::new(),
            owners: BTreeMap::new(),
        }
    }

    pub fn say(&mut self, words: String) {
        self.log.push(words);
    }

    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub fn fail(&self, why: &str) -> ! {
        let from = self.log.len().saturating_sub(40);
        if let Ok(path) = std::env::var("TETHERBOOK_LOG") {
            std::fs::write(path, self.log.join("\n")).unwrap();
        }
        panic!("{why}\n{}\n{}", self.log[0], self.log[from..].join("\n"));
    }

    /// A number that never was before.
    pub fn fresh(&mut self) -> u32 {
        self.next += 1;
        self.next
    }

    /// Whose card this is, by what only they have.
    pub fn whose(&self, values: &Values) -> u32 {
        let keys = [&values.given, &values.organisation, &values.note, &values.title];
        let keys = keys.into_iter().chain(&values.numbers).chain(&values.mails);
        let owners: BTreeSet<u32> = keys.filter_map(|key| self.owners.get(key)).copied().collect();
        let roots: BTreeSet<u32> = owners.iter().map(|who| self.root(*who)).collect();
        match (owners.first(), owners.len(), roots.len()) {
            (Some(who), 1, _) => *who,
            // A person who could not be followed has some values twice.
            (Some(_), _, 1) => self.owner_by_name(values),
            _ => self.fail(&format!("a card says what {owners:?} said: {values:?}")),
        }
    }

    /// Who this person was at first.
    pub fn root(&self, who: u32) -> u32 {
        self.roots.get(&who).copied().unwrap_or(who)
    }

    fn owner_by_name(&self, values: &Values) -> u32 {
        self.owners.get(&values.given).copied().unwrap_or_else(|| self.fail("a card without a name"))
    }

    /// An export without a fault.
    pub fn export_whole(&mut self) {
        let name = fossify_name("Contacts", self.world.moment());
        let bytes = fossify(&self.contacts.people(), EzVersion::V4);
        self.world.put(&format!("Download/{name}"), &bytes);
        self.exports.insert(name, Some(self.contacts.snapshot()));
    }

    /// The day's export, as the app makes it.
    pub fn export(&mut self) {
        let name = fossify_name("Contacts", self.world.moment());
        let mut bytes = fossify(&self.contacts.people(), EzVersion::V4);
        let mut says = Some(self.contacts.snapshot());
        let known = self.ledger.phone.len();
        match self.rng.u32(0..40) {
            0 => {
                let end = String::from_utf8_lossy(&bytes).rfind("END:VCARD").unwrap();
                let start = String::from_utf8_lossy(&bytes).find("END:VCARD").unwrap_or(1);
                bytes.truncate(self.rng.usize(start.min(end - 1)..end));
                // Cut just between two cards it looks whole, to everybody.
                if bytes.trim_ascii_end().ends_with(b"END:VCARD") {
                    bytes.truncate(bytes.trim_ascii_end().len() - 4);
                }
                says = None;
                self.count("truncated");
            }
            1 => {
                bytes.clear();
                says = None;
                self.count("empty");
            }
            2 if known > 4 => {
                bytes = fossify(&self.contacts.people()[..1], EzVersion::V4);
                says = None;
                self.count("shrunk");
            }
            _ => {}
        }
        self.world.put(&format!("Download/{name}"), &bytes);
        self.exports.insert(name, says);
    }

    /// The person throws old exports away.
    pub fn prune(&mut self) {
        let names: Vec<String> = self.exports.keys().cloned().collect();
        for name in &names[..names.len().saturating_sub(10)] {
            std::fs::remove_file(self.world.path(&format!("Download/{name}"))).unwrap();
            self.exports.remove(name);
        }
    }

    /// The export that the next session must read, if it is newer than the last one.
    fn newest(&self) -> Option<(String, BTreeMap<u32, Values>)> {
        let whole = self.exports.iter().rev().find_map(|(name, says)| Some((name.clone(), says.clone()?)));
        whole.filter(|(name, _)| self.read_last.as_ref().is_none_or(|last| name >= last))
    }

    /// One session and everything that must be true after it.
    pub fn session(&mut self, saying: Saying) -> Outcome {
        let (absent_is_deleted, policy) = (saying.absent_is_deleted, saying.conflicts);
        let outcome = self.world.session(saying);
        self.say(format!("session {policy:?}: {}", outcome.words()));
        if let Some(failure) = &outcome.failure {
            self.fail(failure);
        }
        let newest = self.newest();
        if let Some((name, export)) = &newest {
            let is_new = self.read_last.as_ref() != Some(name);
            // A cut-off file that is newer may hide contacts: nothing counts as deleted then.
            let hides = self.exports.range(name.clone()..).any(|(_, says)| says.is_none());
            self.ledger.read(export, absent_is_deleted && !hides, policy);
            self.read_last = Some(name.clone());
            if is_new {
                self.seen(export);
            }
        } else {
            let phone = self.ledger.phone.clone();
            self.ledger.read(&phone, false, policy);
        }
        self.check(&outcome);
        self.count("sessions");
        outcome
    }

    /// What the export that was read says of the phone's contacts since.
    fn seen(&mut self, export: &BTreeMap<u32, Values>) {
        for contact in &mut self.contacts.all {
            if let Some(values) = export.get(&contact.who) {
                let now = Values::of_person(&contact.person);
                contact.is_fresh = false;
                contact.is_renamed = now.name() != values.name();
                contact.is_moved = (&now.numbers, &now.mails) != (&values.numbers, &values.mails);
            }
        }
    }

    /// A session that finds nothing new writes nothing at all.
    pub fn idle_session(&mut self) {
        self.world.pass_minutes(3);
        let before = self.world.everything();
        self.session(Saying::default());
        // Only now the file is so old that its date cannot be another one's.
        self.world.pass_minutes(3);
        let outcome = self.session(Saying::default());
        let summary = &outcome.summary;
        if summary.session.is_some() || summary.store_writes + summary.device_writes + summary.offered > 0 {
            self.fail("a session with nothing new wrote something");
        }
        let writes = ["Send", "Delete", "Set", "Move", "Copy"];
        let is_write = |name: &String| writes.iter().any(|word| name.contains(word));
        if self.world.way == Way::Mtp && summary.transactions.keys().any(is_write) {
            self.fail("a session with nothing new sent something");
        }
        if before.is_empty() || before != self.world.everything() {
            self.fail("a session with nothing new changed the phone's files");
        }
        self.count("idle sessions");
    }

    /// Who an action is about, by what its cards say.
    pub fn who_of(&self, action: &Action) -> u32 {
        let card = match &action.phone {
            Some(WriteStep::Create { card, .. }) => card.clone(),
            Some(WriteStep::Replace { before, .. }) => before.clone(),
            Some(WriteStep::Delete { before: Some(before), .. }) => before.clone(),
            _ => self.fail("an action without a card"),
        };
        self.whose(&Values::of_card(&card))
    }

    /// What the plan wants on the phone.
    pub fn waiting(&self, outcome: &Outcome) -> BTreeMap<u32, Wanted> {
        let mut waiting = BTreeMap::new();
        for action in outcome.plan.actions.iter().filter(|action| action.waits()) {
            let wanted = match (&action.phone, action.headline) {
                (Some(WriteStep::Create { .. }), Headline::Create(Side::Phone)) => Wanted::Create,
                (Some(WriteStep::Replace { .. }), _) => Wanted::Edit,
                (Some(WriteStep::Delete { .. }), _) => Wanted::Delete,
                _ => self.fail("a wish of no kind"),
            };
            if waiting.insert(self.who_of(action), wanted).is_some() {
                self.fail("two wishes about one person");
            }
        }
        waiting
    }

    /// The person goes through the list; each item is done if `does` says so.
    pub fn carry_out(&mut self, outcome: &Outcome, mut does: impl FnMut(&mut fastrand::Rng) -> bool) {
        for action in outcome.plan.actions.iter().filter(|action| action.waits()) {
            if !does(&mut self.rng) {
                continue;
            }
            let who = self.who_of(action);
            match &action.phone {
                Some(WriteStep::Replace { before, card, .. }) => {
                    let (before, after) = (Values::of_card(before), Values::of_card(card));
                    let contact = self.contacts.of(who);
                    let renames = before.name() != after.name();
                    let moves = (&before.numbers, &before.mails) != (&after.numbers, &after.mails);
                    let hides = |contact: &mut crate::phone::PhoneContact| {
                        (contact.is_renamed && moves) || (contact.is_moved && renames)
                    };
                    // Nobody could follow both at once, so that is done after the next export.
                    if contact.is_some_and(hides) {
                        continue;
                    }
                    self.say(format!("by hand on the phone: {who} {before:?} -> {after:?}"));
                    self.contacts.carry_out(who, &before, &after);
                    self.count("edits by hand");
                }
                Some(WriteStep::Delete { .. }) => {
                    self.say(format!("by hand on the phone: {who} is deleted"));
                    self.contacts.remove(who);
                    self.count("deletions by hand");
                }
                _ => {}
            }
        }
    }

    /// The person opens the files that wait, each once, and deletes it or not.
    pub fn import(&mut self) {
        for name in self.world.names_in(DROP_FOLDER) {
            let path = format!("{DROP_FOLDER}/{name}");
            let bytes = std::fs::read(self.world.path(&path)).unwrap();
            let people: Vec<u32> =
                cards_of(&bytes).iter().map(|card| self.whose(&Values::of_card(card))).collect();
            // Who opened the file before does not do it again.
            if people.iter().any(|who| self.imported.contains(who)) {
                continue;
            }
            self.say(format!("the phone takes in {people:?}"));
            let owners: Vec<Values> = cards_of(&bytes).iter().map(Values::of_card).collect();
            let by_values: BTreeMap<String, u32> =
                owners.iter().map(|values| format!("{values:?}")).zip(people.iter().copied()).collect();
            self.contacts.import(&bytes, |values| by_values[&format!("{values:?}")]);
            self.imported.extend(people);
            self.count("imports");
            if self.rng.u32(0..3) == 0 {
                std::fs::remove_file(self.world.path(&path)).unwrap();
                self.say(format!("and {path} is thrown away"));
            }
        }
    }

    pub fn pc_of(&self, who: u32) -> Option<(PcContact, Card)> {
        self.world.pc_contacts().into_iter().find_map(|contact| {
            let card = Card::parse(contact.text.as_bytes()).unwrap();
            (self.whose(&Values::of_card(&card)) == who).then_some((contact, card))
        })
    }

    pub fn own(&mut self, value: &str, who: u32) {
        self.owners.insert(value.to_owned(), who);
    }

    pub fn person(&mut self, who: u32) -> Person {
        let given = format!("Given{who}");
        let number = format!("+4917{:08}", self.fresh());
        self.own(&given, who);
        self.own(&number[1..], who);
        Person::named(&given, &format!("Family{}", who % 7), &number)
    }

    pub fn saying(&mut self) -> Saying {
        let policy = match self.rng.u32(0..6) {
            0 => ConflictPolicy::Phone,
            1 => ConflictPolicy::Pc,
            _ => ConflictPolicy::Hold,
        };
        Saying { conflicts: policy, ..Saying::default() }
    }
}
