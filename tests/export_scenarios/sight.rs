//! What must be true after every session.

use std::collections::{BTreeMap, BTreeSet};

use tetherbook::contact::Card;

use crate::ledger::Wanted;
use crate::program::{DROP_FOLDER, Program};
use crate::values::{Values, cards_of, shown_name_of};
use crate::world::Outcome;

impl Program {
    pub fn check(&mut self, outcome: &Outcome) {
        self.check_pc();
        self.check_wishes(outcome);
        self.check_absent(outcome);
        self.check_drop_files();
    }

    /// Everybody is on the PC once, with just what the ledger says.
    fn check_pc(&self) {
        let mut found: BTreeMap<u32, Values> = BTreeMap::new();
        for contact in self.world.pc_contacts() {
            let card = Card::parse(contact.text.as_bytes()).unwrap();
            let values = Values::of_card(&card);
            let who = self.whose(&values);
            let Some(pair) = self.ledger.pairs.get(&who).filter(|pair| pair.pc.is_some()) else {
                self.fail(&format!("{who} came back: {}", contact.text));
            };
            let shown = pair.shown.clone().unwrap_or_else(|| values.shown());
            let says = shown_name_of(&card);
            if says != shown && !(says.is_empty() && values.name().is_empty()) {
                self.fail(&format!("{who} is shown as {says:?} and not as {shown:?}: {}", contact.text));
            }
            if found.insert(who, values).is_some() {
                self.fail(&format!("{who} is there twice: {}", contact.text));
            }
        }
        for (who, pair) in &self.ledger.pairs {
            if pair.pc.as_ref() != found.get(who) {
                self.fail(&format!("{who} should be {:?} and is {:?}", pair, found.get(who)));
            }
        }
    }

    fn check_wishes(&self, outcome: &Outcome) {
        let (waiting, wanted) = (self.waiting(outcome), self.ledger.wanted());
        if waiting != wanted {
            self.fail(&format!("{waiting:?} wait, and {wanted:?} should"));
        }
        if outcome.summary.conflicts != self.ledger.conflicts && outcome.summary.conflicts == 0 {
            self.fail(&format!("{} conflicts should be told", self.ledger.conflicts));
        }
    }

    fn check_absent(&self, outcome: &Outcome) {
        let absent = self.ledger.absent();
        let told = outcome.told("in the phone's newest export");
        if told == absent.is_empty() {
            self.fail(&format!("{absent:?} are not in the export, told: {told}"));
        }
    }

    /// Only who is new is in a drop file, and nobody is in two.
    fn check_drop_files(&self) {
        let mut found = BTreeSet::new();
        for name in self.world.names_in(DROP_FOLDER) {
            let bytes = std::fs::read(self.world.path(&format!("{DROP_FOLDER}/{name}"))).unwrap();
            for card in cards_of(&bytes) {
                let who = self.whose(&Values::of_card(&card));
                if !found.insert(who) {
                    self.fail(&format!("{who} is in two files"));
                }
            }
        }
        let creates = self.ledger.wanted().into_iter().filter(|(_, wanted)| *wanted == Wanted::Create);
        let creates: BTreeSet<u32> = creates.map(|(who, _)| who).collect();
        if !found.is_subset(&creates) {
            self.fail(&format!("{found:?} are in the drop files, and {creates:?} are new"));
        }
        // Who is in no file was in one that somebody opened and threw away.
        if let Some(who) = creates.iter().find(|who| !found.contains(who) && !self.imported.contains(who)) {
            self.fail(&format!("{who} is new and in no drop file"));
        }
    }
}
