//! The sessions of a program: whole, cut, faulty, interrupted, dry, with edits meanwhile; and what they do to the
//! ledger of intents.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use tetherbook::contact::ConflictPolicy;
use tetherbook::mtp::Link;
use tetherbook::mtp::code::operation;
use tetherbook::relationship::{Guards, Mode, Side};
use tetherbook::report::ExitCode;
use tetherbook::session::{Ended, Failure};
use tetherbook::sim::{
    Attributes, Fault, FaultKind, FaultPlan, Listing, SharedTrace, SimLink, Spot, Storage,
};

use crate::crash_world::{Moment, Watch, WatchedLink, database_files, put_database};
use crate::oracle::tokens_in;
use crate::programs_world::{MULTIPLES, set_field};
use crate::world::Run;

use crate::programs::{Meanwhile, Program, Silent};

/// Files by name.
type Files = BTreeMap<String, Vec<u8>>;

/// The database's files as a killed process left them.
type LeftBehind = Rc<RefCell<Option<Vec<(String, Vec<u8>)>>>>;

impl Program {
    // Sessions.

    /// One session, with its effects on the ledger.
    pub fn session(&mut self, run: &Run, meanwhile: bool) -> Option<Ended> {
        self.world.clock.advance_ms([0, 700, 5_000][self.rng.usize(..3)]);
        // An Android of before 9 shows what its media scanner saw; an edit that it has not seen cannot be known.
        if self.oracle.is_dirty() || self.rng.bool() {
            self.world.phone.media_scan();
        }
        let mode = run.mode.unwrap_or(self.mode);
        let needs_views = run.conflicts != ConflictPolicy::Hold || mode != Mode::TwoWay;
        let before = if needs_views {
            (self.world.view(Side::Phone, &self.torn), self.world.view(Side::Pc, &self.torn))
        } else {
            Default::default()
        };
        let must_not_write = run.dry_run || mode != Mode::TwoWay;
        let snapshot = if must_not_write { self.world.everything() } else { Default::default() };
        let pc_before = if mode == Mode::PcToPhone { self.world.pc_texts() } else { Vec::new() };
        let link = self.world.phone.plug_in(run.faults.clone());
        let trace = link.trace();
        let (link, killed) = self.with_killer(link);
        let armed = Rc::new(Cell::new(true));
        let heard: Rc<RefCell<Vec<Meanwhile>>> = Rc::default();
        if meanwhile {
            self.plan_meanwhile(&trace, &armed, &heard);
        }
        let mut ended = self.world.session(run, link, &mut Silent).map_err(|error| error.to_string());
        armed.set(false);
        if let Some(left) = killed.take() {
            // What the dead process wrote afterwards it never wrote.
            put_database(&self.world.database(), &left);
            ended = Err(String::from("killed"));
            self.note_what_the_killed_left();
        }
        self.transactions = trace.borrow().transactions();
        self.world.interrupt_at.set(None);
        self.world.phone.unplug();
        self.world.phone.unlock();
        let marks = trace.borrow().marks.clone();
        self.fell_silent |= marks.iter().any(|mark| mark.starts_with("mute") || mark.starts_with("stall"));
        if !marks.is_empty()
            && ended.as_ref().is_ok_and(|ended| ended.failure.is_some() || ended.summary.failed > 0)
        {
            self.count("fault fired in mid-session");
        }
        self.last_containers = trace.borrow().total_containers().max(20);
        let words = match &ended {
            Ok(ended) => format!(
                "{:?} {:?} created {:?} updated {:?} merged {} deleted {:?} failed {} conflicts {} first {:?}",
                ended.summary.exit,
                ended.failure,
                ended.summary.created,
                ended.summary.updated,
                ended.summary.merged,
                ended.summary.deleted,
                ended.summary.failed,
                ended.summary.conflicts,
                ended.plan.as_ref().map(|plan| plan.first),
            ),
            Err(error) => format!("did not start: {error}"),
        };
        self.note(format!(
            "session {:?} dry {} faults {:?} fired {marks:?}: {words}",
            run.mode, run.dry_run, run.faults.faults
        ));
        let ended = ended.ok();
        if heard.borrow().is_empty() {
            self.check_untouched(run, &snapshot, &pc_before);
        }
        self.check_bounds(run, ended.as_ref());
        let heard = std::mem::take(&mut *heard.borrow_mut());
        let edited: Vec<u32> = heard.into_iter().map(|event| self.hear(event)).collect();
        self.account(run, ended.as_ref(), &before, &marks);
        for mark in edited {
            self.oracle.make_uncertain_card(mark);
        }
        ended
    }

    /// I22 and I24: what a session must not write.
    pub fn check_untouched(&self, run: &Run, before: &(Files, Files), pc_before: &[String]) {
        let mode = run.mode.unwrap_or(self.mode);
        if mode == Mode::PcToPhone && self.world.pc_texts() != pc_before {
            self.fail("I24: a session that follows the PC wrote to its contacts");
        }
        if !run.dry_run && mode != Mode::PhoneToPc {
            return;
        }
        let after = self.world.everything();
        let has_app = self.world.phone.personality().app.is_some();
        if run.dry_run {
            if before.0 != after.0 && !has_app {
                self.fail("I22: a dry run wrote to the phone");
            }
            let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
            if before.1 != after.1 {
                self.fail(&format!(
                    "I22: a dry run wrote on the PC: {:?} {:?}",
                    names(&before.1),
                    names(&after.1)
                ));
            }
        }
        if run.mode == Some(Mode::PhoneToPc)
            && before.0 != after.0
            && !has_app
            && run.faults.faults.is_empty()
        {
            self.fail("I24: a session that follows the phone wrote to it");
        }
    }

    /// I14 and I20: what a session must not delete.
    fn check_bounds(&mut self, run: &Run, ended: Option<&Ended>) {
        let was_lost = std::mem::take(&mut self.lost_just_now);
        let Some(ended) = ended else { return };
        let deleted = ended.summary.deleted;
        if was_lost && (deleted.pc, deleted.phone) != (0, 0) && !run.dry_run {
            self.fail(&format!("I14: the first session after the phone lost its past deleted {deleted:?}"));
        }
        if matches!(ended.failure, Some(Failure::Stopped(_))) {
            self.count("stopped by a guard");
            if ended.summary.device_writes + ended.summary.store_writes > 0 {
                self.fail(&format!("I20: a session that was stopped wrote: {:?}", ended.summary));
            }
        }
        let guards = Guards::default();
        for (side, deleted) in [(Side::Phone, deleted.phone), (Side::Pc, deleted.pc)] {
            let most = guards.of(side).deletes_allowed(deleted + self.oracle.cards.len());
            if !run.allow_deletes && !run.dry_run && deleted > most {
                self.fail(&format!("I20: an unattended session deleted {deleted} on the {}", side.words()));
            }
        }
    }

    /// The link of the next session; if its process is to be killed, what the database held then comes in the cell.
    fn with_killer(&mut self, link: SimLink) -> (Box<dyn Link>, LeftBehind) {
        let left = LeftBehind::default();
        let Some(at) = self.kill_at.take() else { return (Box::new(link), left) };
        let (into, database) = (Rc::clone(&left), self.world.database());
        let watch = Watch::new(Box::new(move |moment| {
            let is_now = moment == Moment::Transfer(at);
            if is_now {
                into.replace(Some(database_files(&database)));
            }
            is_now
        }));
        (Box::new(WatchedLink { link, watch }), left)
    }

    fn note_what_the_killed_left(&mut self) {
        self.count("killed in mid-session");
        if self.open_intents() > 0 {
            self.count("killed with an open journal");
        }
        if self.world.files().keys().any(|name| name.starts_with("tbtmp")) {
            self.count("killed with a temporary file on the phone");
        }
    }

    pub fn sync_killed(&mut self) {
        if !self.world.database().exists() {
            return self.sync();
        }
        if self.open_intents() > 0 {
            self.count("killed in recovery");
        }
        self.kill_at = Some(1 + self.rng.u64(..self.last_containers + 8));
        let run = Run { allow_deletes: true, mode: Some(self.mode), ..Run::default() };
        self.session(&run, false);
        self.kill_at = None;
    }

    pub fn account(
        &mut self,
        run: &Run,
        ended: Option<&Ended>,
        before: &(crate::oracle::View, crate::oracle::View),
        marks: &[String],
    ) {
        if run.dry_run {
            return;
        }
        if self.past_lost || marks.iter().any(|mark| mark.contains("garble") || mark.contains("shorten")) {
            // A garbled marker or listing is what a restored phone looks like.
            self.oracle.forget_removals(false);
        }
        let Some(ended) = ended else {
            if run.mode.unwrap_or(self.mode) != Mode::TwoWay {
                // It may have come to putting back what its target had removed.
                self.oracle.forget_removals(true);
            }
            self.oracle.half_synced();
            return;
        };
        if let Some(plan) = &ended.plan {
            let merged =
                plan.actions.iter().filter(|action| action.pc.is_some() && action.phone.is_some()).count();
            if merged > 0 {
                self.count("merge");
            }
            if plan.actions.iter().any(|action| action.open_conflicts().next().is_some()) {
                self.count("conflict");
            }
        }
        let stopped = ended.failure.is_some();
        let whole = !stopped
            && matches!(ended.summary.exit, ExitCode::Done | ExitCode::Conflicts)
            && self.torn.is_empty()
            && marks.is_empty();
        if run.conflicts != ConflictPolicy::Hold {
            self.oracle.forget_removals(false);
            self.oracle.decided_by_policy(&before.0, &before.1);
        }
        match run.mode.unwrap_or(self.mode) {
            Mode::TwoWay if whole => {
                self.oracle.synced();
                self.past_lost = false;
                self.renamed.clear();
            }
            Mode::TwoWay => self.oracle.half_synced(),
            mode => {
                let (source, view) = match mode {
                    Mode::PcToPhone => (Side::Pc, &before.1),
                    _ => (Side::Phone, &before.0),
                };
                self.oracle.followed(source, view);
                self.oracle.make_uncertain();
            }
        }
    }

    pub fn hear(&mut self, event: Meanwhile) -> u32 {
        match event {
            Meanwhile::Edited { mark, removed, token, slot } => {
                self.note(format!("meanwhile {slot} {token} of {mark} was set, {removed:?} removed"));
                self.oracle.add_token(token, mark, slot);
                let other = self.other_view(Side::Phone, mark);
                self.oracle.half_synced();
                self.oracle.edited(Side::Phone, mark, &removed, other.as_ref());
                self.oracle.make_uncertain_card(mark);
                self.count("edited meanwhile");
                mark
            }
            Meanwhile::Deleted { mark, seen } => {
                self.note(format!("meanwhile {mark} was deleted"));
                let other = self.other_view(Side::Phone, mark);
                self.oracle.make_uncertain_card(mark);
                self.oracle.deleted(Side::Phone, mark, &seen, other.as_ref());
                self.oracle.make_uncertain_card(mark);
                self.count("deleted meanwhile");
                mark
            }
        }
    }

    /// A person at the phone edits or deletes a card while the session runs, except between the last look at a file
    /// and its removal, a moment that no initiator can close.
    pub fn plan_meanwhile(
        &mut self,
        trace: &SharedTrace,
        armed: &Rc<Cell<bool>>,
        heard: &Rc<RefCell<Vec<Meanwhile>>>,
    ) {
        let Some(seen) = self.pick(Side::Phone) else { return };
        // An Android of before 9 tells sizes and dates as its media scanner saw them, others as they were when the cable
        // was plugged in: no last look helps there.
        let habits = self.world.phone.personality();
        let is_blind = habits.listing == Listing::MediaScan || habits.attributes != Attributes::Live;
        if is_blind || self.oracle.cards.get(&seen.mark).is_none_or(|facts| facts.shares_uid) {
            return;
        }
        let deletes = self.rng.u8(..3) == 0;
        let slot = MULTIPLES[self.rng.usize(..3)];
        let token = self.next_token;
        self.next_token += 1;
        let at = 1 + self.rng.u64(..self.last_containers + 8);
        let (trace, armed, heard) = (Rc::clone(trace), Rc::clone(armed), Rc::clone(heard));
        let storage = Rc::clone(&self.world.storage);
        let path = format!("{}/{}", self.world.folder, seen.file);
        let mark = seen.mark;
        let hook = move || {
            let last = trace.borrow().operations().last().copied().unwrap_or_default();
            let looks = [
                operation::GET_OBJECT_INFO,
                operation::GET_OBJECT_PROP_LIST,
                operation::GET_OBJECT_PROP_VALUE,
                operation::DELETE_OBJECT,
            ];
            if !armed.get() || looks.contains(&last) {
                return;
            }
            let mut storage = storage.borrow_mut();
            let Ok(bytes) = storage.read(&path) else { return };
            let text = String::from_utf8_lossy(&bytes).into_owned();
            if crate::oracle::mark_in(&text) != Some(mark) || !text.to_uppercase().contains("END:VCARD") {
                return;
            }
            if deletes {
                storage.remove(&path).unwrap();
                heard.borrow_mut().push(Meanwhile::Deleted { mark, seen: tokens_in(&text) });
            } else {
                storage.write(&path, set_field(&text, slot, token).as_bytes()).unwrap();
                heard.borrow_mut().push(Meanwhile::Edited { mark, removed: BTreeSet::new(), token, slot });
            }
        };
        self.world.phone.at_container(at, Box::new(hook));
        self.note(format!("meanwhile planned at container {at} for {}", seen.file));
    }

    pub fn sync(&mut self) {
        let run = Run { allow_deletes: self.rng.u8(..4) > 0, mode: Some(self.mode), ..Run::default() };
        self.session(&run, false);
        self.count("sync");
    }

    pub fn sync_with_policy(&mut self) {
        let policies =
            [ConflictPolicy::Phone, ConflictPolicy::Pc, ConflictPolicy::Newest, ConflictPolicy::Both];
        let conflicts = policies[self.rng.usize(..4)];
        self.note(format!("policy {conflicts:?}"));
        let run = Run { allow_deletes: true, conflicts, mode: Some(self.mode), ..Run::default() };
        self.session(&run, false);
        self.count("policy");
    }

    pub fn sync_with_fault(&mut self) {
        if self.world.database().exists() && self.open_intents() > 0 {
            self.count("fault in recovery");
        }
        let fault = self.fault();
        let faults = FaultPlan { faults: vec![fault] };
        let run = Run { allow_deletes: true, mode: Some(self.mode), faults, ..Run::default() };
        self.session(&run, false);
        self.count("sync with fault");
    }

    pub fn fault(&mut self) -> Fault {
        let operations = [
            operation::GET_OBJECT,
            operation::SEND_OBJECT_INFO,
            operation::SEND_OBJECT,
            operation::DELETE_OBJECT,
            operation::GET_OBJECT_INFO,
            operation::GET_OBJECT_HANDLES,
            operation::GET_OBJECT_PROP_LIST,
            operation::SET_OBJECT_PROP_VALUE,
            operation::GET_STORAGE_IDS,
        ];
        let code = operations[self.rng.usize(..operations.len())];
        let at = Spot::Operation { code, nth: 1 + self.rng.u64(..6) };
        let container = Spot::Container(1 + self.rng.u64(..self.last_containers + 10));
        let failure = [0x2002_u16, 0x2019, 0x200C, 0x200F, 0x2009, 0x2013][self.rng.usize(..6)];
        let (kind, spot) = match self.rng.u8(..14) {
            0..=3 => (FaultKind::Cut, container),
            4 => (FaultKind::Cut, Spot::ByteOut(1 + self.rng.u64(..4_000))),
            5..=7 => (FaultKind::Fail(failure), at),
            8 => (FaultKind::Misreport(0x2002), at),
            9 => (FaultKind::Busy(1 + self.rng.u64(..30)), at),
            10 => (FaultKind::Lock, container),
            11 => (FaultKind::Stall, container),
            12 => (FaultKind::Mute, container),
            _ => {
                let listing = if self.rng.bool() {
                    operation::GET_OBJECT_HANDLES
                } else {
                    operation::GET_OBJECT_PROP_LIST
                };
                let spot = Spot::Operation { code: listing, nth: 1 + self.rng.u64(..3) };
                match self.rng.u8(..3) {
                    0 => (FaultKind::Garble, at),
                    _ => (FaultKind::Shorten(self.rng.u64(..8)), spot),
                }
            }
        };
        // Known: a new file at which the phone falls silent is left out, while the PC's own copy of it is made there.
        let silent = matches!(kind, FaultKind::Stall | FaultKind::Mute);
        let meets_new_pairs = self.oracle.cards.values().any(|facts| facts.dirty == [true; 2]);
        Fault { kind: if silent && meets_new_pairs { FaultKind::Cut } else { kind }, spot }
    }

    pub fn dry_then_real(&mut self) {
        if !self.world.database().exists() {
            return;
        }
        let run = Run { dry_run: true, allow_deletes: true, mode: Some(self.mode), ..Run::default() };
        // A dry run does not settle what a cut session left.
        let recovers = self.open_intents() > 0;
        self.world.phone.media_scan();
        let dry = self.session(&run, false).and_then(|ended| ended.plan);
        let real = self.session(&Run { dry_run: false, ..run }, false).and_then(|ended| ended.plan);
        let (Some(dry), Some(real)) = (dry, real) else { return };
        if recovers || self.world.phone.personality().app.is_some() {
            return;
        }
        let shown = |plan: &tetherbook::plan::Plan| -> Vec<String> {
            plan.actions
                .iter()
                .filter(|action| action.is_visible())
                .map(|action| {
                    let bytes = |step: Option<&tetherbook::plan::WriteStep>| {
                        step.map(|step| {
                            step.card().map(|card| String::from_utf8_lossy(card.as_bytes()).into_owned())
                        })
                    };
                    format!(
                        "{:?} {:?} {:?} {:?}",
                        action.headline,
                        action.reasons,
                        bytes(action.pc.as_ref()),
                        bytes(action.phone.as_ref())
                    )
                })
                .collect()
        };
        if shown(&dry) != shown(&real) {
            self.fail(&format!("I22: the dry run showed {:#?}, done was {:#?}", shown(&dry), shown(&real)));
        }
        self.count("dry run");
        if !real.actions.is_empty() {
            self.count("dry run of something");
        }
    }

    pub fn interrupted(&mut self) {
        self.world.interrupt_at.set(Some(1 + self.rng.usize(..6)));
        let run = Run { allow_deletes: true, mode: Some(self.mode), ..Run::default() };
        let ended = self.session(&run, false);
        if ended.is_some_and(|ended| ended.summary.exit == ExitCode::Interrupted) {
            self.count("interrupted");
        }
    }

    pub fn meanwhile(&mut self) {
        let run = Run { allow_deletes: true, mode: Some(self.mode), ..Run::default() };
        self.session(&run, true);
    }

    pub fn change_mode(&mut self) {
        self.mode = [Mode::TwoWay, Mode::PhoneToPc, Mode::PcToPhone][self.rng.usize(..3)];
        self.note(format!("mode {:?}", self.mode));
        self.count("mode change");
    }
}
