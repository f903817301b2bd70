//! The course of a program, and what is checked when everything has come to rest.

use tetherbook::contact::{FieldMask, diff};
use tetherbook::relationship::{Mode, Side};
use tetherbook::report::ExitCode;

use crate::oracle::{Fate, tokens_in};
use crate::programs_world::Seen;
use crate::world::Run;

use crate::programs::Program;

impl Program {
    // The whole program.

    pub fn run(&mut self, steps: usize) {
        let flavour = self.rng.u8(..4);
        for _ in 0..1 + self.rng.usize(..6) {
            self.create();
        }
        for step in 0..steps {
            self.pass_time();
            match self.rng.u8(..40) {
                0..=2 => self.create(),
                3..=8 => self.edit(),
                9..=12 => self.clash(),
                13..=14 => self.delete(),
                15..=16 => self.rename(),
                17..=18 => self.reencode(),
                19 if flavour == 1 => self.change_app(),
                20..=21 if flavour == 2 => self.tear(),
                22 => self.mend(),
                23 if flavour == 2 => self.junk(),
                24 => self.back_up(),
                25 if flavour == 3 => self.restore(),
                26 if flavour == 3 => self.wipe_marker(),
                27..=28 if flavour == 3 => self.change_mode(),
                29..=30 => self.dry_then_real(),
                31 => self.interrupted(),
                32..=33 => self.sync_with_fault(),
                34..=35 => self.meanwhile(),
                36 => self.sync_with_policy(),
                _ => self.sync(),
            }
            if step % 12 == 11 {
                self.settle();
            }
        }
        self.settle();
    }

    /// The faults stop and nobody edits: everything must come to its place.
    pub fn settle(&mut self) {
        while !self.torn.is_empty() {
            self.mend();
        }
        if self.rng.bool() {
            for name in std::mem::take(&mut self.junk) {
                self.world.remove_file(&name);
            }
        }
        self.world.phone.with_personality(|personality| personality.app = None);
        self.mode = Mode::TwoWay;
        let run = Run { allow_deletes: true, mode: Some(Mode::TwoWay), ..Run::default() };
        for round in 0..2 {
            self.world.clock.advance_ms(5_000);
            self.world.phone.media_scan();
            let Some(ended) = self.session(&run, false) else { self.fail("a session did not start") };
            let good = match ended.summary.exit {
                ExitCode::Done | ExitCode::Conflicts => true,
                ExitCode::SomeFailed => !self.junk.is_empty() || round == 0,
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
        self.check_all();
        self.check_quiet();
        self.oracle.synced();
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
    }

    /// I1, I3, I4, I5, I6, I13, I29.
    pub fn check_all(&mut self) {
        let conflicts: Vec<String> = self.open_conflicts();
        let (phone, pc) = (self.world.seen(Side::Phone, &self.torn), self.world.seen(Side::Pc, &self.torn));
        for (mark, facts) in &self.oracle.cards {
            let of = |all: &[Seen]| all.iter().filter(|seen| seen.mark == *mark).cloned().collect::<Vec<_>>();
            let (there, here) = (of(&phone), of(&pc));
            if there.len() > 1 || here.len() > 1 {
                self.fail(&format!("I13: card {mark} is there {} times, here {}", there.len(), here.len()));
            }
            // A backup may bring back another contact under the UID and the file name of this one: both are one then,
            // with the name in conflict.
            let is_mixed = facts.shares_uid && self.counts.contains_key("restored phone");
            if is_mixed {
                continue;
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
            let differences = diff(&cards[0], &cards[1], &FieldMask::all());
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
                if known.is_some_and(|known| known.fate == Fate::Dead) && !in_conflict {
                    self.fail(&format!("I4: token {token} of card {mark} came back"));
                }
            }
            for (number, token) in self.oracle.tokens.iter().filter(|(_, token)| token.card == *mark) {
                let (there, here) = (on_phone.contains(number), on_pc.contains(number));
                let kept = (there && here) || (in_conflict && (there || here));
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
    }

    pub fn open_intents(&self) -> usize {
        use tetherbook::provider::Ledger;
        let store = self.world.store();
        let rows = store.relationships().unwrap();
        let ledgers = rows.iter().map(|row| tetherbook::store::RelationshipLedger::new(&store, row.id));
        ledgers.map(|ledger| ledger.open_intents().unwrap().len()).sum()
    }

    pub fn open_conflicts(&self) -> Vec<String> {
        use tetherbook::provider::Ledger;
        let store = self.world.store();
        let mut subjects = Vec::new();
        for row in store.relationships().unwrap() {
            let ledger = tetherbook::store::RelationshipLedger::new(&store, row.id);
            subjects.extend(ledger.open_conflicts().unwrap().into_iter().map(|conflict| conflict.subject));
        }
        subjects
    }
}
