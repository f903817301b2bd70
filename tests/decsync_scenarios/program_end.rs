//! The end of a program: clocks come to rest, what the apps disagree about is touched once more, sessions run until
//! nothing is left to do, and the ledger is held against what there is.

use tetherbook::contact::ConflictPolicy;

use crate::ledger::View;
use crate::program::Program;
use crate::text::mark;
use crate::world::Way;

/// Longer than any clock here is off.
const REST_MS: i64 = 8_000_000;

impl Program {
    pub fn finish(&mut self) {
        self.note("the end begins");
        self.update_old_app();
        for _ in 0..3 {
            self.pass(REST_MS);
            self.phone_sync();
        }
        self.heal();
        for _ in 0..4 {
            self.pass(REST_MS);
            self.phone_sync();
            self.pass(5_000);
            if self.world.way == Way::AppsAlone {
                continue;
            }
            let outcome = self.session(ConflictPolicy::Phone);
            if outcome.failure.is_some() || outcome.failed > 0 {
                self.fail(&format!("a session of the end failed: {outcome:?}"));
            }
        }
        self.pass(REST_MS);
        self.phone_sync();
        self.check_end();
        if self.world.way != Way::AppsAlone {
            self.check_quiet();
        }
    }

    /// Where the phone's app and the directory disagree, a person touches the contact once more.
    fn heal(&mut self) {
        for uid in std::mem::take(&mut self.diverged) {
            match self.world.app.row_of(&uid) {
                Some(id) => {
                    let lines = self.world.app.rows[&id].lines.clone();
                    if let Some(contact) = mark(&lines.join("\n")) {
                        self.edit_on_phone(id, contact, lines);
                    }
                }
                None => {
                    self.world.desk.pull();
                    if let Some(lines) = self.world.desk.contacts.get(&uid).cloned()
                        && let Some(contact) = mark(&lines.join("\n"))
                    {
                        self.edit_at_desk(&uid, contact, lines);
                    }
                }
            }
        }
        self.pass(REST_MS);
        self.phone_sync();
    }

    fn check_end(&mut self) {
        let (phone, pc): (View, View) = (self.phone_view(), self.other_view());
        let differing: Vec<u32> =
            phone.keys().chain(pc.keys()).copied().filter(|mark| phone.get(mark) != pc.get(mark)).collect();
        if !differing.is_empty() {
            self.fail(&format!("phone and PC differ about {differing:?}"));
        }
        let complaints = self.ledger.complaints(&phone);
        if !complaints.is_empty() {
            self.fail(&complaints.join("\n"));
        }
    }

    /// One more session that does nothing and writes nothing.
    fn check_quiet(&mut self) {
        let before = self.world.files();
        let outcome = self.session(ConflictPolicy::Phone);
        if outcome.writes > 0 || !outcome.is_plan_empty {
            self.fail(&format!("the last session had something to do: {outcome:?}"));
        }
        if before != self.world.files() {
            self.fail("the last session wrote to the phone");
        }
    }
}
