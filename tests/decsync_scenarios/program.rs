//! Random programs: what the person at the PC does, sessions, clocks, and the rounds.

use std::collections::{BTreeMap, BTreeSet};

use tetherbook::contact::ConflictPolicy;

use crate::decsync_app::clock::stamp;
use crate::decsync_app::{Entry, Library, vcard};
use crate::ledger::{Actor, Ledger, View};
use crate::stand_in::Outcome;
use crate::text::{self, MULTIPLES, SINGLES, mark, new_lines, tokens};
use crate::world::{COLLECTION, DESK_APP, PHONE_APP, PcContact, Way, World};

/// What the phone's clock does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhoneClock {
    /// It is off by so many milliseconds, always.
    Off(i64),
    /// Somebody sets it now and then.
    Jumping,
}

pub struct Program {
    pub world: World,
    pub rng: fastrand::Rng,
    pub ledger: Ledger,
    pub log: Vec<String>,
    pub phone_clock: PhoneClock,
    /// An app that keeps the directory at version 1 until it is updated.
    pub old_app: Option<Library>,
    /// Contacts that the phone's app and the directory disagree about, by the app's own doing.
    pub diverged: BTreeSet<String>,
    /// What the other computer wrote, as UID and time.
    pub desk_wrote: BTreeSet<(String, String)>,
    pub counts: BTreeMap<&'static str, usize>,
}

impl Program {
    pub fn new(way: Way, phone_clock: PhoneClock, version: i64, seed: u64) -> Self {
        let offset_ms = match phone_clock {
            PhoneClock::Off(ms) => ms,
            PhoneClock::Jumping => 0,
        };
        let world = World::new(way, seed, version, offset_ms);
        let mut program = Self {
            world,
            rng: fastrand::Rng::with_seed(seed),
            ledger: Ledger::default(),
            log: vec![format!("seed {seed} {way:?} {phone_clock:?} version {version}")],
            phone_clock,
            old_app: None,
            diverged: BTreeSet::new(),
            desk_wrote: BTreeSet::new(),
            counts: BTreeMap::new(),
        };
        if version == 1 {
            program.install_old_app();
        }
        program.world.app.create_book("Friends");
        for _ in 0..8 {
            program.phone_add();
        }
        program.phone_sync();
        program.pass(2_000);
        program.phone_sync();
        program
    }

    fn install_old_app(&mut self) {
        let old = Library::open(&self.world.root(), COLLECTION, "old-app", self.world.desk_clock.clone());
        let old = old.unwrap();
        let day = stamp(&*self.world.desk_clock)[..10].to_owned();
        old.set(&["info"], "last-active-old-app".into(), day.into());
        old.set(&["info"], "supported-version-old-app".into(), 1.into());
        self.old_app = Some(old);
        // The phone hears of it before it can move.
        self.world.app.library.init_stored();
    }

    /// The app that kept the directory at version 1 learns version 2.
    pub fn update_old_app(&mut self) {
        if let Some(old) = self.old_app.take() {
            old.set(&["info"], "supported-version-old-app".into(), 2.into());
            self.note("the old app is updated");
        }
    }

    pub fn note(&mut self, what: &str) {
        self.ledger.now += 1;
        let time = stamp(&*self.world.clock);
        self.log.push(format!("{} {time} {what}", self.ledger.now));
    }

    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub fn fail(&self, what: &str) -> ! {
        let log = self.log.join("\n");
        let phone: Vec<String> = self.world.app.rows.values().map(|row| format!("{row:?}")).collect();
        let pc: Vec<String> = self.world.pc_contacts().into_iter().map(|contact| contact.text).collect();
        let files: Vec<String> = self
            .world
            .files()
            .iter()
            .filter(|(name, _)| name.contains("/v2/") || name.contains("-entries/"))
            .map(|(name, text)| format!("{name}\n{text}"))
            .collect();
        panic!("{what}\n{log}\nPHONE {phone:#?}\nPC {}\nFILES\n{}", pc.join("\n"), files.join("\n"));
    }

    pub fn pass(&self, by_ms: i64) {
        self.world.clock.advance_ms(by_ms);
    }

    pub fn slot(&mut self) -> &'static str {
        if self.rng.u8(..3) > 0 {
            SINGLES[self.rng.usize(..SINGLES.len())]
        } else {
            MULTIPLES[self.rng.usize(..MULTIPLES.len())]
        }
    }

    /// A token of a multiple field in this card, if there is one and it is to go.
    pub fn pick_to_take_away(&mut self, seen: &BTreeSet<u32>) -> Option<u32> {
        let ledger = &self.ledger;
        let many: Vec<u32> =
            seen.iter().copied().filter(|number| MULTIPLES.contains(&ledger.tokens[number].slot)).collect();
        (!many.is_empty() && self.rng.u8(..3) == 0).then(|| many[self.rng.usize(..many.len())])
    }

    /// One edit of the lines of a card, as the ledger knows it.
    pub fn edit_lines(&mut self, actor: Actor, contact: u32, lines: &mut Vec<String>) -> (String, u32) {
        let seen = tokens(&lines.join("\n"));
        if let Some(number) = self.pick_to_take_away(&seen) {
            text::unset(lines, number);
            self.ledger.took_away(actor, number);
            (format!("takes {number} from"), number)
        } else {
            let slot = self.slot();
            let number = self.ledger.typed(actor, contact, slot, &seen);
            text::set(lines, slot, number);
            (format!("sets {slot} {number} of"), number)
        }
    }

    // The person at the PC.

    fn pick_pc(&mut self) -> Option<(u32, PcContact)> {
        let mut contacts = self.world.pc_contacts();
        if contacts.is_empty() {
            return None;
        }
        let contact = contacts.swap_remove(self.rng.usize(..contacts.len()));
        Some((mark(&contact.text)?, contact))
    }

    pub fn pc_add(&mut self) {
        let contact = self.ledger.create();
        let mut lines = new_lines(contact, Some(&format!("pc-{contact}")));
        self.note(&format!("PC adds {contact}"));
        self.edit_lines(Actor::Pc, contact, &mut lines);
        self.world.add_pc(&vcard::card(&lines));
    }

    pub fn pc_edit(&mut self) {
        let Some((contact, pc)) = self.pick_pc() else { return };
        let mut lines = vcard::only_card(&pc.text).unwrap();
        self.note("");
        let (what, _) = self.edit_lines(Actor::Pc, contact, &mut lines);
        self.note(&format!("PC {what} {contact}"));
        self.world.edit_pc(&pc, &vcard::card(&lines));
    }

    pub fn pc_delete(&mut self) {
        let Some((contact, pc)) = self.pick_pc() else { return };
        self.note(&format!("PC deletes {contact}"));
        self.ledger.deleted(Actor::Pc, contact, &tokens(&pc.text));
        self.world.remove_pc(&pc);
    }

    // Sessions.

    /// One session, perhaps after a dry run.
    pub fn session(&mut self, conflicts: ConflictPolicy) -> Outcome {
        let before = self.world.files();
        if self.rng.u8(..6) == 0 {
            self.world.session(conflicts, true);
            if before != self.world.files() {
                self.fail("a dry run wrote to the phone");
            }
        }
        let outcome = self.world.session(conflicts, false);
        self.note(&format!("session: {}", outcome.words));
        self.check_writes(&before);
        if outcome.conflicts > 0 {
            self.ledger.conflicts.push(self.ledger.now);
            self.count("conflict reported");
        }
        if outcome.failure.is_none() {
            self.ledger.last_session = self.ledger.now;
        }
        self.phone_view();
        self.pc_view();
        outcome
    }

    /// What a session may write: its own files, stamped no later than the phone's clock, and never the book's end.
    fn check_writes(&self, before: &BTreeMap<String, String>) {
        let after = self.world.files();
        let phones_now = stamp(&*self.world.phone_clock);
        let theirs = [PHONE_APP, DESK_APP, "old-app"].map(crate::decsync_app::names::encoded);
        let is_theirs = |name: &str| name.split('/').any(|part| theirs.iter().any(|app| app == part));
        for (name, text) in before {
            if is_theirs(name) && after.get(name) != Some(text) {
                self.fail(&format!("a session changed {name}"));
            }
        }
        for (name, text) in after.iter().filter(|(name, text)| before.get(*name) != Some(text)) {
            if is_theirs(name) || !(name.contains("/v2/") || name.contains("/local/")) {
                self.fail(&format!("a session wrote {name}"));
            }
            let old: Vec<&str> = before.get(name).map(|text| text.lines().collect()).unwrap_or_default();
            for line in text.lines().filter(|line| name.contains("/v2/") && !old.contains(line)) {
                let Some(entry) = Entry::parse_2(line) else { continue };
                let is_copy = before.values().any(|text| text.lines().any(|old| old == line));
                if entry.datetime > phones_now && !is_copy {
                    self.fail(&format!("{line} is ahead of the phone's clock, {phones_now}"));
                }
                if entry.path == ["info"] && entry.key == "deleted" {
                    self.fail("a session deleted the book");
                }
            }
        }
    }

    // What is to be seen.

    fn view(&self, side: &str, cards: impl Iterator<Item = String>) -> View {
        let mut view = View::new();
        for card in cards {
            let Some(mark) = mark(&card) else { continue };
            if view.insert(mark, tokens(&card)).is_some() {
                self.fail(&format!("contact {mark} is there twice on the {side}"));
            }
        }
        view
    }

    pub fn phone_view(&self) -> View {
        self.view("phone", self.world.app.contacts().into_values().map(|row| row.lines.join("\n")))
    }

    pub fn pc_view(&self) -> View {
        self.view("PC", self.world.pc_contacts().into_iter().map(|contact| contact.text))
    }

    /// What the phone is compared with: the PC, or the other computer where there is no PC.
    pub fn other_view(&mut self) -> View {
        if self.world.way != Way::AppsAlone {
            return self.pc_view();
        }
        self.world.desk.pull();
        self.view("desk", self.world.desk.contacts.values().map(|lines| lines.join("\n")))
    }

    // The rounds.

    pub fn round(&mut self) {
        for _ in 0..self.rng.usize(1..5) {
            let seconds = i64::from(self.rng.u16(1..600));
            self.pass(1_000 * seconds + 137);
            match self.rng.u8(..24) {
                0..=1 => self.phone_add(),
                2..=7 => self.phone_edit(),
                8 => self.phone_delete(),
                9 => self.desk_add(),
                10..=12 => self.desk_edit(),
                13 => self.desk_delete(),
                14..=22 if self.world.way == Way::AppsAlone => {}
                14..=15 => self.pc_add(),
                16..=21 => self.pc_edit(),
                22 => self.pc_delete(),
                _ => self.jump(),
            }
        }
        let seconds = i64::from(self.rng.u16(1..900));
        self.pass(1_000 * seconds);
        if self.rng.u8(..5) > 0 {
            self.phone_sync();
            self.pass(2_000);
        }
        if self.rng.u8(..4) > 0 && self.world.way != Way::AppsAlone {
            self.session(ConflictPolicy::Hold);
            self.pass(2_000);
        }
    }

    fn jump(&mut self) {
        if self.phone_clock == PhoneClock::Jumping {
            let offset_ms = [0, 5_000, -5_000, 3_600_000, -3_600_000, 60_000][self.rng.usize(..6)];
            self.world.phone_clock.set_offset_ms(offset_ms);
            self.note(&format!("the phone's clock is set to be {offset_ms} ms ahead"));
            self.count("clock jump");
        }
    }
}
