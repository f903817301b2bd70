//! The course of a program, and what is checked when everything has come to rest.

use std::collections::BTreeSet;

use tetherbook::contact::{FieldMask, diff};
use tetherbook::relationship::{Mode, Side};
use tetherbook::report::ExitCode;
use tetherbook::sim::ListingOrder;

use crate::oracle::{Fate, mark_in, tokens_in};
use crate::programs::{Flavour, Program};
use crate::programs_phones::PROPERTIES;
use crate::programs_world::{Seen, property_of};
use crate::world::{Run, World};

/// So many transactions a quiet session may cost beside one for each file.
const QUIET_TRANSACTIONS: usize = 16;

/// What a world came to: contacts of both sides by name and content, and what waits.
#[derive(Debug, PartialEq, Eq)]
struct Outcome {
    pc: Vec<(String, String)>,
    phone: Vec<(String, String)>,
    conflicts: Vec<(String, String)>,
}

impl Outcome {
    fn of(world: &World) -> Self {
        let shape = |card: &tetherbook::contact::Card| {
            (card.display_name(), format!("{:?}", card.fingerprint(&FieldMask::all())))
        };
        let mut outcome = Self {
            pc: world.pc_cards().iter().map(shape).collect(),
            phone: world.phone_cards().values().map(shape).collect(),
            conflicts: world.open_conflicts().into_iter().map(|open| (open.subject, open.field)).collect(),
        };
        outcome.pc.sort();
        outcome.phone.sort();
        outcome.conflicts.sort();
        outcome
    }
}

impl Program {
    // The whole program.

    pub fn run(&mut self, steps: usize) {
        let first = if self.flavour == Flavour::ManyContacts {
            8 + self.rng.usize(..6)
        } else {
            1 + self.rng.usize(..6)
        };
        for _ in 0..first {
            self.step("create", Self::create);
        }
        for step in 0..steps {
            self.pass_time();
            if !self.special() {
                self.ordinary();
            }
            if step % 12 == 11 {
                self.step("come to rest", Self::settle);
            }
        }
        self.step("come to rest", Self::settle);
    }

    /// One step; it counts if it did something.
    fn step(&mut self, name: &'static str, act: impl FnOnce(&mut Self)) {
        let before = self.log.len();
        act(self);
        if self.log.len() > before {
            *self.steps.entry(name).or_default() += 1;
        }
    }

    fn ordinary(&mut self) {
        match self.rng.u8(..36) {
            0..=2 => self.step("create", Self::create),
            3..=8 => self.step("edit", Self::edit),
            9..=12 => self.step("clash", Self::clash),
            13..=14 => self.step("delete", Self::delete),
            15..=16 => self.step("rename a file", Self::rename),
            17..=18 => self.step("re-encode", Self::reencode),
            19..=20 => self.step("dry run, then the same", Self::dry_then_real),
            21..=22 => self.step("interrupted session", Self::interrupted),
            23..=25 => self.step("session with a fault", Self::sync_with_fault),
            26..=27 => self.step("killed session", Self::sync_killed),
            28..=29 => self.step("session with edits meanwhile", Self::meanwhile),
            30 => self.step("session with a policy", Self::sync_with_policy),
            _ => self.step("session", Self::sync),
        }
    }

    /// What only programs of this flavour do.
    fn special(&mut self) -> bool {
        let choice = self.rng.u8(..20);
        match (self.flavour, choice) {
            (Flavour::RewritingApp, 0..=1) => self.step("an app that rewrites", Self::change_app),
            (Flavour::TornFiles, 0..=3) => self.step("tear a file", Self::tear),
            (Flavour::TornFiles, 4) => self.step("mend a file", Self::mend),
            (Flavour::TornFiles, 5) => self.step("put a file that is no card", Self::junk),
            (Flavour::LostPast, 0..=1) => self.step("back up the phone", Self::back_up),
            (Flavour::LostPast, 2) => self.step("restore the phone", Self::restore),
            (Flavour::LostPast, 3) => self.step("wipe the marker", Self::wipe_marker),
            (Flavour::LostPast, 4..=5) => self.step("change the mode", Self::change_mode),
            (Flavour::Visitors, 0..=1) => self.step("another phone", Self::visit),
            (Flavour::OldDatabase, 0..=1) => {
                self.step("upgrade of the database", Self::go_back_to_an_old_format)
            }
            (Flavour::Plain | Flavour::ManyContacts, 4..=5) => {
                self.step("undo and redo", Self::undo_and_redo)
            }
            (Flavour::ManyContacts, 0) => self.step("delete most", Self::delete_most),
            (Flavour::ManyContacts, 1..=3) => self.step("create", Self::create),
            (Flavour::Scope, 0) => self.step("change the scope", Self::change_scope),
            _ => return false,
        }
        true
    }

    /// The faults stop and nobody edits: everything must come to its place.
    pub fn settle(&mut self) {
        self.check_others_beside_torn_ones();
        while !self.torn.is_empty() {
            self.mend();
        }
        if self.rng.bool() {
            for name in std::mem::take(&mut self.junk) {
                self.world.remove_file(&name);
            }
        }
        if self.flavour == Flavour::RewritingApp {
            self.world.phone.with_personality(|personality| personality.app = None);
        }
        self.mode = Mode::TwoWay;
        let elsewhere = self.split_run();
        self.come_to_rest(false);
        self.check_all(&BTreeSet::new());
        self.check_quiet();
        self.check_same(elsewhere);
        self.oracle.synced();
    }

    /// I7: files that are torn hold nobody else up.
    fn check_others_beside_torn_ones(&mut self) {
        if self.torn.is_empty() || !self.junk.is_empty() || self.mode != Mode::TwoWay {
            return;
        }
        let torn: BTreeSet<u32> =
            self.torn.values().filter_map(|bytes| mark_in(&String::from_utf8_lossy(bytes))).collect();
        self.come_to_rest(true);
        self.check_all(&torn);
        self.count("others synced beside a torn file");
    }

    fn come_to_rest(&mut self, beside_torn: bool) {
        for round in 0..2 {
            // A file at which the phone fell silent is left out until a person asks for it.
            let deep = std::mem::take(&mut self.fell_silent);
            let run = Run { allow_deletes: true, mode: Some(Mode::TwoWay), deep, ..Run::default() };
            self.world.clock.advance_ms(5_000);
            self.world.phone.media_scan();
            let Some(ended) = self.session(&run, false) else { self.fail("a session did not start") };
            let good = match ended.summary.exit {
                ExitCode::Done | ExitCode::Conflicts => true,
                ExitCode::SomeFailed => !self.junk.is_empty() || beside_torn || round == 0,
                _ => false,
            };
            if ended.failure.is_some() || !good {
                let skipped: Vec<_> = ended
                    .plan
                    .iter()
                    .flat_map(|plan| &plan.skipped)
                    .map(|one| (one.item, &one.why))
                    .collect();
                self.fail(&format!(
                    "I31: a session without faults failed: {:?} {skipped:?} {:?}",
                    ended.failure, ended.plan
                ));
            }
        }
    }

    /// I28: from here the same world goes on elsewhere, with interruptions and the other order of listings.
    fn split_run(&mut self) -> Option<Outcome> {
        let is_plain = matches!(self.flavour, Flavour::Plain | Flavour::OldDatabase | Flavour::ManyContacts);
        if !is_plain || self.rng.u8(..5) > 0 || !self.world.database().exists() {
            return None;
        }
        self.world.phone.media_scan();
        let mut elsewhere = self.world.snapshot().world(self.rng.u64(..));
        elsewhere.phone.media_scan();
        elsewhere.phone.with_personality(|personality| {
            let order = personality.handles.order;
            let newest = order == ListingOrder::OldestFirst;
            personality.handles.order =
                if newest { ListingOrder::NewestFirst } else { ListingOrder::OldestFirst };
        });
        let first = 1 + self.rng.usize(..4);
        for interrupt in [Some(first), Some(first + 1), None, None] {
            elsewhere.interrupt_at.set(interrupt);
            elsewhere.phone.media_scan();
            let deep = self.fell_silent;
            let run = Run { allow_deletes: true, mode: Some(Mode::TwoWay), deep, ..Run::default() };
            let _ = elsewhere.try_sync(&run);
        }
        self.count("split in several runs");
        Some(Outcome::of(&elsewhere))
    }

    fn check_same(&mut self, elsewhere: Option<Outcome>) {
        let Some(elsewhere) = elsewhere else { return };
        let here = Outcome::of(&self.world);
        if here != elsewhere {
            self.fail(&format!(
                "I28: in another order and in several runs it came to\n{elsewhere:?}\nnot\n{here:?}"
            ));
        }
    }

    pub fn check_quiet(&mut self) {
        self.world.clock.advance_ms(5_000);
        self.world.phone.media_scan();
        let run = Run { mode: Some(Mode::TwoWay), ..Run::default() };
        let before = self.world.everything();
        let Some(ended) = self.session(&run, false) else { self.fail("a session did not start") };
        let writes = ended.summary.device_writes + ended.summary.store_writes;
        if writes > 0 {
            self.fail(&format!("I2: a quiet session wrote: {:?}", ended.plan));
        }
        let after = self.world.everything();
        if before.0 != after.0 {
            self.fail("I2: a quiet session wrote to the phone");
        }
        if before.1 != after.1 {
            self.fail(&format!("I2: a quiet session wrote to the database: {:?}", ended.plan));
        }
        if self.transactions > before.0.len() + QUIET_TRANSACTIONS {
            let files = before.0.len();
            self.fail(&format!(
                "I27: a quiet session cost {} transactions for {files} files",
                self.transactions
            ));
        }
    }

    /// Whether both sides hold this property and always did.
    fn is_shared(&self, property: &str) -> bool {
        !self.dropped.contains(property) && !self.was_out_of_scope.contains(property)
    }

    /// I1, I3, I4, I5, I6, I13, I29; `but` are cards that nobody can say anything about now.
    pub fn check_all(&mut self, but: &BTreeSet<u32>) {
        let mask = FieldMask::only(PROPERTIES.into_iter().filter(|property| self.is_shared(property)));
        let mut judged = [0; 3];
        let conflicts: Vec<String> = self.open_conflicts();
        let (phone, pc) = (self.world.seen(Side::Phone, &self.torn), self.world.seen(Side::Pc, &self.torn));
        for (mark, facts) in self.oracle.cards.iter().filter(|(mark, _)| !but.contains(mark)) {
            judged[facts.fate as usize] += 1;
            let of = |all: &[Seen]| all.iter().filter(|seen| seen.mark == *mark).cloned().collect::<Vec<_>>();
            let (there, here) = (of(&phone), of(&pc));
            // A backup may bring back another contact under the UID and the file name of this one: both are one then,
            // with the name in conflict, or nobody can tell which is which and all are kept.
            if facts.shares_uid && self.counts.contains_key("restored phone") {
                continue;
            }
            if there.len() > 1 || here.len() > 1 {
                self.fail(&format!("I13: card {mark} is there {} times, here {}", there.len(), here.len()));
            }
            if there.len() != here.len() {
                self.fail(&format!("I1: card {mark} is on one side only"));
            }
            if facts.fate == Fate::Live && here.is_empty() {
                self.fail(&format!("I3, I5: card {mark} is lost"));
            }
            if facts.fate == Fate::Dead && !here.is_empty() {
                self.fail(&format!("I4: card {mark} rose from the dead"));
            }
            let (Some(there), Some(here)) = (there.first(), here.first()) else { continue };
            let in_conflict = conflicts.iter().any(|subject| subject.contains(&format!("idq{mark:04}")));
            let cards =
                [here, there].map(|seen| tetherbook::contact::Card::parse(seen.text.as_bytes()).unwrap());
            let differences = diff(&cards[0], &cards[1], &mask);
            if !in_conflict && !differences.is_empty() {
                self.fail(&format!(
                    "I1: card {mark} differs: {:?}",
                    differences.iter().map(|one| (&one.field, &one.before, &one.after)).collect::<Vec<_>>()
                ));
            }
            let (on_phone, on_pc) = (tokens_in(&there.text), tokens_in(&here.text));
            for token in on_phone.union(&on_pc) {
                let known = self.oracle.tokens.get(token);
                if known.is_none_or(|known| known.card != *mark) {
                    self.fail(&format!("I6: token {token} of {known:?} turned up in card {mark}"));
                }
                // What the phone is said not to hold may lie there from before; nobody looks at it.
                let is_unseen = known.is_some_and(|known| !self.is_shared(property_of(known.slot)));
                if known.is_some_and(|known| known.fate == Fate::Dead) && !in_conflict && !is_unseen {
                    self.fail(&format!("I4: token {token} of card {mark} came back"));
                }
            }
            for (number, token) in self.oracle.tokens.iter().filter(|(_, token)| token.card == *mark) {
                let (there, here) = (on_phone.contains(number), on_pc.contains(number));
                judged[token.fate as usize] += 1;
                // I17: what was out of scope once is where it was typed, at least.
                let is_old = self.was_out_of_scope.contains(property_of(token.slot));
                let kept = ((there || self.drops(token.slot)) && here)
                    || ((in_conflict || is_old) && (there || here));
                if token.fate == Fate::Live && !kept {
                    self.fail(&format!(
                        "I3: token {number} ({}) of card {mark} is lost: phone {there}, PC {here}, conflict {in_conflict}",
                        token.slot
                    ));
                }
            }
        }
        if conflicts.is_empty() && self.torn.is_empty() {
            self.count("settled without conflict");
        }
        for (sum, count) in self.judged.iter_mut().zip(judged) {
            *sum += count;
        }
    }

    pub fn open_intents(&self) -> usize {
        self.world.open_intents()
    }

    pub fn open_conflicts(&self) -> Vec<String> {
        self.world.open_conflicts().into_iter().map(|conflict| conflict.subject).collect()
    }
}
