//! Random programs of persons, phones, apps, cables and sessions, with the intent ledger as oracle.
//!
//! A program is a seed: the same one is the same program with the same outcome. `simulation` runs many of them, counts
//! their steps, and says how to run one again.

use std::collections::{BTreeMap, BTreeSet};

use tetherbook::relationship::{Mode, Side};
use tetherbook::report::{Event, Report};
use tetherbook::sim::{App, AppMoment};

use crate::oracle::{CardFacts, Fate, Oracle, all_of, index, tokens_in};
use crate::programs_world::{
    MULTIPLES, SINGLES, Seen, clear_field, line_of, new_card, property_of, set_field,
};
use crate::world::World;

const PERSONALITIES: [&str; 10] = [
    "android",
    "android-8",
    "zen",
    "nokia-s40",
    "sailfish",
    "umtp",
    "qemu",
    "ubuntu-touch",
    "cmtp",
    "strict",
];

/// The file by which a phone is known again.
pub const MARKER: &str = "tetherbook-replica.txt";

pub struct Silent;

impl Report for Silent {
    fn event(&mut self, _event: &Event<'_>) {}
}

/// What happened on the phone in the middle of a session.
pub enum Meanwhile {
    Edited { mark: u32, removed: BTreeSet<u32>, token: u32, slot: &'static str },
    Deleted { mark: u32, seen: BTreeSet<u32> },
}

/// What a program is about beside what every one is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flavour {
    /// Persons and sessions only.
    Plain,
    /// An app on the phone rewrites the cards when the cable is pulled.
    RewritingApp,
    /// Files are torn, and others are no cards at all.
    TornFiles,
    /// Backups of the phone come back, markers vanish, one-way modes.
    LostPast,
    /// Other phones visit the PC, with nothing, with contacts of their own, or with a copy of this one's folder.
    Visitors,
    /// The phone re-encodes what it gets and drops what it does not know.
    DroppingPhone,
    /// The database goes back to the format of an earlier version, which the present one brings up to date.
    OldDatabase,
    /// Many contacts, and people who delete most of them.
    ManyContacts,
    /// What the phone is said to hold becomes less and more again.
    Scope,
}

const FLAVOURS: [Flavour; 9] = [
    Flavour::Plain,
    Flavour::RewritingApp,
    Flavour::TornFiles,
    Flavour::LostPast,
    Flavour::Visitors,
    Flavour::DroppingPhone,
    Flavour::OldDatabase,
    Flavour::ManyContacts,
    Flavour::Scope,
];

pub struct Program {
    pub world: World,
    pub flavour: Flavour,
    /// Properties that the phone does not hold.
    pub dropped: BTreeSet<&'static str>,
    /// Properties that the phone was once said not to hold: what one side alone had then stays there until it is edited.
    pub was_out_of_scope: BTreeSet<&'static str>,
    /// So many other phones came.
    pub visitors: u32,
    /// The process of the next session is killed before this transfer.
    pub kill_at: Option<u64>,
    /// What the last session cost, in transactions.
    pub transactions: usize,
    /// Steps that did something, by what they did.
    pub steps: BTreeMap<&'static str, u64>,
    /// What the checks at rest held against the ledger: must be there, must be gone, either.
    pub judged: [u64; 3],
    pub rng: fastrand::Rng,
    pub oracle: Oracle,
    pub log: Vec<String>,
    pub next_mark: u32,
    pub next_token: u32,
    /// Torn files and what their owner means by them.
    pub torn: BTreeMap<String, Vec<u8>>,
    pub junk: BTreeSet<String>,
    pub backup: Option<BTreeMap<String, Vec<u8>>>,
    pub last_containers: u64,
    pub mode: Mode,
    /// The phone was restored or its marker wiped, and no session has gone well since.
    pub past_lost: bool,
    /// The same, and no session and no person came since.
    pub lost_just_now: bool,
    /// Cards whose file was renamed since a session went well: torn as well, nobody could know them again.
    pub renamed: BTreeSet<u32>,
    /// The phone fell silent since everything came to rest: what it was asked for then is left out of ordinary sessions.
    pub fell_silent: bool,
    pub counts: BTreeMap<&'static str, usize>,
}

impl Program {
    pub fn new(seed: u64) -> Self {
        let mut rng = fastrand::Rng::with_seed(seed);
        let flavour = FLAVOURS[rng.usize(..FLAVOURS.len())];
        let needs_android = matches!(flavour, Flavour::Visitors | Flavour::DroppingPhone | Flavour::Scope)
            || rng.u8(..4) == 0;
        let personality =
            if needs_android { "android" } else { PERSONALITIES[rng.usize(..PERSONALITIES.len())] };
        let world = World::new(personality, seed);
        let mut counts = BTreeMap::new();
        counts.insert(personality, 1);
        let mut program = Self {
            world,
            flavour,
            dropped: BTreeSet::new(),
            was_out_of_scope: BTreeSet::new(),
            visitors: 0,
            kill_at: None,
            transactions: 0,
            steps: BTreeMap::new(),
            judged: [0; 3],
            rng,
            oracle: Oracle::default(),
            log: vec![format!("personality {personality}, {flavour:?}")],
            next_mark: 1,
            next_token: 1,
            torn: BTreeMap::new(),
            junk: BTreeSet::new(),
            backup: None,
            last_containers: 30,
            mode: Mode::TwoWay,
            past_lost: false,
            lost_just_now: false,
            renamed: BTreeSet::new(),
            fell_silent: false,
            counts,
        };
        program.prepare();
        program
    }

    pub fn note(&mut self, what: String) {
        self.log.push(what);
    }

    pub fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    pub fn fail(&self, what: &str) -> ! {
        let mut text = String::new();
        for side in [Side::Phone, Side::Pc] {
            for seen in self.world.seen(side, &BTreeMap::new()) {
                text.push_str(&format!("\n--- {side:?} {} {:?}\n{}", seen.file, seen.item, seen.text));
            }
        }
        panic!("{what}\n{text}");
    }

    pub fn side(&mut self) -> Side {
        if self.rng.bool() { Side::Phone } else { Side::Pc }
    }

    pub fn pass_time(&mut self) {
        let by_ms = [0, 0, 300, 1_000, 5_000, 90_000][self.rng.usize(..6)];
        self.world.clock.advance_ms(by_ms);
    }

    pub fn token(&mut self, mark: u32, slot: &'static str) -> u32 {
        let token = self.next_token;
        self.next_token += 1;
        self.oracle.add_token(token, mark, slot);
        token
    }

    /// A field that a person can type on that side.
    pub fn slot(&mut self, side: Side) -> &'static str {
        loop {
            let slot = if self.rng.bool() { self.single() } else { MULTIPLES[self.rng.usize(..3)] };
            if side == Side::Pc || !self.drops(slot) {
                return slot;
            }
        }
    }

    fn single(&mut self) -> &'static str {
        SINGLES[self.rng.usize(..SINGLES.len())]
    }

    /// Whether the phone does not hold this field.
    pub fn drops(&self, slot: &str) -> bool {
        self.dropped.contains(property_of(slot))
    }

    /// What the other side shows of a card, without what the first could never show.
    pub fn other_view(&self, side: Side, mark: u32) -> Option<BTreeSet<u32>> {
        let view = self.world.view(side.other(), &self.torn);
        let shown: BTreeSet<u32> = view.get(&mark)?.iter().flatten().copied().collect();
        let is_hidden = |token: &u32| {
            let token = self.oracle.tokens.get(token);
            side == Side::Phone && token.is_some_and(|token| token.synced && self.drops(token.slot))
        };
        Some(shown.into_iter().filter(|token| !is_hidden(token)).collect())
    }

    pub fn seen(&self, side: Side) -> Vec<Seen> {
        let mut seen = self.world.seen(side, &self.torn);
        // A temporary of a session that was cut is nobody's card.
        seen.retain(|one| {
            side == Side::Pc || !(self.torn.contains_key(&one.file) || one.file.starts_with("tbtmp"))
        });
        seen
    }

    pub fn pick(&mut self, side: Side) -> Option<Seen> {
        let mut seen = self.seen(side);
        if seen.is_empty() { None } else { Some(seen.swap_remove(self.rng.usize(..seen.len()))) }
    }

    // What persons do.

    pub fn create(&mut self) {
        let side = self.side();
        let mark = self.next_mark;
        self.next_mark += 1;
        let mut uid = format!("u-{mark}");
        // A UID that both sides know already, and no other new card has: else the two would rightly be one.
        let is_free = |uid: &str| {
            let mut holders = self.oracle.cards.values().filter(|facts| facts.uid == uid);
            holders.all(|facts| facts.dirty == [false; 2] && facts.fate != Fate::Free)
        };
        let old: Vec<String> =
            self.oracle.cards.values().map(|facts| facts.uid.clone()).filter(|uid| is_free(uid)).collect();
        let doubles = !old.is_empty() && self.rng.u8(..6) == 0;
        if doubles {
            uid.clone_from(&old[self.rng.usize(..old.len())]);
            self.count(if side == Side::Phone { "shared UID, phone" } else { "shared UID, PC" });
        }
        let sides = if !doubles && self.rng.u8(..5) == 0 { vec![side, side.other()] } else { vec![side] };
        if sides.len() == 2 {
            self.count("created on both");
        }
        let shared = self.rng.bool().then(|| self.token(mark, "TEL"));
        for side in sides {
            let mut lines: Vec<String> = shared.map(|token| line_of("TEL", token)).into_iter().collect();
            for slot in [MULTIPLES[self.rng.usize(..3)], self.single()] {
                if (shared.is_some() || self.rng.bool()) && (side == Side::Pc || !self.drops(slot)) {
                    let token = self.token(mark, slot);
                    lines.push(line_of(slot, token));
                }
            }
            let text = new_card(&uid, mark, &lines);
            let seen = Seen {
                mark,
                text: String::new(),
                file: format!("c{mark}.vcf"),
                item: tetherbook::provider::ItemId(0),
            };
            self.world.write_card(side, &seen, &text);
            self.note(format!("create {mark} uid {uid} on {side:?}: {lines:?}"));
            self.oracle.create(side, mark, &uid);
            let both = self.oracle.cards.get_mut(&mark).unwrap();
            both.dirty = [true; 2];
        }
    }

    pub fn edit(&mut self) {
        let side = self.side();
        let Some(seen) = self.pick(side) else { return };
        self.edit_this(side, &seen);
    }

    /// Both sides change the same field, or one changes and the other deletes.
    pub fn clash(&mut self) {
        let Some(phone) = self.pick(Side::Phone) else { return };
        let Some(pc) = self.seen(Side::Pc).into_iter().find(|seen| seen.mark == phone.mark) else { return };
        if self.rng.u8(..3) == 0 {
            let facts = &self.oracle.cards[&phone.mark];
            if facts.shares_uid {
                return;
            }
            self.count("edit against delete");
            let (first, second) =
                if self.rng.bool() { (Side::Phone, Side::Pc) } else { (Side::Pc, Side::Phone) };
            let of = |side| if side == Side::Phone { &phone } else { &pc };
            if self.rng.bool() {
                self.edit_this(first, of(first));
                self.delete_this(second, of(second));
            } else {
                self.delete_this(first, of(first));
                self.edit_this(second, of(second));
            }
            return;
        }
        let slot = self.single();
        if self.drops(slot) {
            return;
        }
        self.set_this(Side::Phone, &phone, slot);
        self.set_this(Side::Pc, &pc, slot);
        self.count("same field on both");
    }

    pub fn edit_this(&mut self, side: Side, seen: &Seen) {
        if self.rng.u8(..4) == 0 {
            let Some(text) = clear_field(&seen.text, self.rng.usize(..100)) else { return };
            self.put(side, seen, &text, "clear");
        } else {
            let slot = self.slot(side);
            self.set_this(side, seen, slot);
        }
    }

    pub fn set_this(&mut self, side: Side, seen: &Seen, slot: &'static str) {
        let token = self.token(seen.mark, slot);
        let text = set_field(&seen.text, slot, token);
        self.put(side, seen, &text, &format!("set {slot} {token}"));
    }

    pub fn put(&mut self, side: Side, seen: &Seen, text: &str, what: &str) {
        let (before, after) = (tokens_in(&seen.text), tokens_in(text));
        let removed: BTreeSet<u32> = before.difference(&after).copied().collect();
        let other = self.other_view(side, seen.mark);
        self.world.write_card(side, seen, text);
        self.note(format!("{what} of {} on {side:?} {}, removes {removed:?}", seen.mark, seen.file));
        self.oracle.edited(side, seen.mark, &removed, other.as_ref());
    }

    pub fn delete(&mut self) {
        let side = self.side();
        let Some(seen) = self.pick(side) else { return };
        if self.oracle.cards.get(&seen.mark).is_none_or(|facts| facts.shares_uid) {
            return;
        }
        self.delete_this(side, &seen);
    }

    pub fn delete_this(&mut self, side: Side, seen: &Seen) {
        self.lost_just_now = false;
        let other = self.other_view(side, seen.mark);
        self.world.remove_card(side, seen);
        self.note(format!("delete {} on {side:?} {}", seen.mark, seen.file));
        self.oracle.deleted(side, seen.mark, &tokens_in(&seen.text), other.as_ref());
        self.free_what_only_the_other_had(side, seen);
        // Where a conflict waits, even about a field that one side cleared, the deletion waits for its answer.
        let waits = self.world.database().exists()
            && self.open_conflicts().iter().any(|subject| subject.contains(&format!("idq{:04}", seen.mark)));
        if waits && self.oracle.cards.get(&seen.mark).is_some_and(|facts| facts.fate == Fate::Dead) {
            self.oracle.forget_card(seen.mark);
        }
        self.count("delete");
    }

    /// What one side alone had while the phone was said not to hold it is no edit that the other side has not seen.
    fn free_what_only_the_other_had(&mut self, side: Side, seen: &Seen) {
        let (own, view) = (tokens_in(&seen.text), self.world.view(side.other(), &self.torn));
        let others = view.get(&seen.mark).into_iter().flatten().flatten();
        let was_outside = |token: &u32| {
            let token = self.oracle.tokens.get(token);
            token.is_some_and(|token| self.was_out_of_scope.contains(property_of(token.slot)))
        };
        if others.copied().any(|token| !own.contains(&token) && was_outside(&token)) {
            self.oracle.set_card_free(seen.mark);
        }
    }

    // What the phone does.

    pub fn rename(&mut self) {
        let Some(seen) = self.pick(Side::Phone) else { return };
        let name = format!("r{}-{}.vcf", seen.mark, self.rng.u16(..));
        if self.oracle.cards.get(&seen.mark).is_none_or(|facts| facts.shares_uid) {
            return;
        }
        // A file that a killed session was replacing, renamed before the next one, cannot be told from a second card.
        if self.world.database().exists() && self.open_intents() > 0 {
            return;
        }
        self.world.rename_file(&seen.file, &name);
        self.note(format!("rename {} to {name}", seen.file));
        self.renamed.insert(seen.mark);
        self.count("rename");
    }

    pub fn random_app(&mut self, moment: AppMoment) -> App {
        App {
            reverses: self.rng.bool(),
            lower_case_names: self.rng.bool(),
            bare_line_feeds: self.rng.bool(),
            folds_at: [0, 20, 75][self.rng.usize(..3)],
            writes_2_1: self.rng.bool(),
            revision: self.rng.bool().then(|| format!("2027-01-{:02}T00:00:00Z", self.rng.u8(1..28))),
            product: self.rng.bool().then(|| String::from("-//Invented//App//EN")),
            ..App::harmless(moment)
        }
    }

    pub fn reencode(&mut self) {
        let Some(seen) = self.pick(Side::Phone) else { return };
        let app = self.random_app(AppMoment::Unplug);
        if let Some(bytes) = app.rewrite(&self.world.read_file(&seen.file)) {
            self.world.put_file(&seen.file, &bytes);
            self.note(format!("re-encode {}: {app:?}", seen.file));
            // It may look like an edit, which beats a deletion that came before.
            if self.oracle.cards.get(&seen.mark).is_some_and(|facts| facts.fate == Fate::Dead) {
                self.oracle.forget_card(seen.mark);
            }
            if let Some(facts) = self.oracle.cards.get_mut(&seen.mark) {
                facts.dirty[index(Side::Phone)] = true;
                facts.uncertain = true;
            }
            self.count("re-encode");
        }
    }

    pub fn change_app(&mut self) {
        let app = self.rng.bool().then(|| self.random_app(AppMoment::Unplug));
        self.note(format!("app from now on: {app:?}"));
        self.count("app that rewrites");
        self.world.phone.with_personality(|personality| personality.app = app);
    }

    pub fn tear(&mut self) {
        let Some(seen) = self.pick(Side::Phone) else { return };
        let is_quiet = |facts: &CardFacts| facts.dirty == [false; 2] && !facts.shares_uid;
        if self.renamed.contains(&seen.mark) || !self.oracle.cards.get(&seen.mark).is_some_and(is_quiet) {
            return;
        }
        let whole = self.world.read_file(&seen.file);
        let torn = match self.rng.u8(..4) {
            0 => Vec::new(),
            1 => whole[..self.rng.usize(..whole.len().saturating_sub(6))].to_vec(),
            2 => vec![0; whole.len()],
            _ => b"\xFF\xD8\xFF\xE0 not a card at all".to_vec(),
        };
        self.world.put_file(&seen.file, &torn);
        self.note(format!("tear {} to {} bytes", seen.file, torn.len()));
        self.torn.insert(seen.file, whole);
        self.count("torn file");
    }

    pub fn mend(&mut self) {
        let Some(name) = self.torn.keys().next().cloned() else { return };
        let bytes = self.torn.remove(&name).unwrap();
        if !self.world.files().contains_key(&name) {
            self.fail(&format!("I3: the torn file {name} was removed by somebody"));
        }
        self.world.put_file(&name, &bytes);
        self.note(format!("mend {name}"));
    }

    pub fn junk(&mut self) {
        let name = format!("junk{}.vcf", self.rng.u16(..));
        let size = if self.rng.u8(..4) == 0 { 2_000_000 } else { self.rng.usize(..40) };
        self.world.put_file(&name, &vec![b'#'; size]);
        self.note(format!("junk {name} {size}"));
        self.junk.insert(name);
        self.count("junk");
    }

    pub fn back_up(&mut self) {
        if self.torn.is_empty() {
            self.backup = Some(self.world.files());
            self.note(String::from("back up the phone"));
        }
    }

    /// The backup comes back, or there is none and the phone is as new.
    pub fn restore(&mut self) {
        let is_reset = self.rng.u8(..4) == 0;
        let backup = if is_reset { Some(BTreeMap::new()) } else { self.backup.take() };
        let Some(backup) = backup else { return };
        if self.rng.u8(..3) == 0 {
            self.delete();
        }
        if self.oracle.is_dirty() {
            self.count("restored with unsynced edits");
        }
        if self.oracle.cards.values().any(|facts| facts.fate == Fate::Dead && facts.dirty != [false; 2]) {
            self.count("restored with a deletion pending");
        }
        if is_reset {
            self.count("reset phone");
        }
        let marker = |files: &BTreeMap<String, Vec<u8>>| files.get(MARKER).cloned();
        let before = self.world.files();
        self.world.restore_files(&backup);
        let is_unseen = marker(&before) == marker(&backup);
        if is_unseen {
            // Nothing was written to the phone since: what comes back is a person's taking back of edits.
            self.oracle.set_everything_free();
            self.count("restored phone, same marker");
        }
        self.torn.clear();
        self.junk.retain(|name| backup.contains_key(name));
        self.note(String::from("restore the phone's backup"));
        self.forget_what_only_the_phone_had();
        self.lost_just_now &= !is_unseen;
        self.count("restored phone");
    }

    pub fn wipe_marker(&mut self) {
        let marker: Vec<String> =
            self.world.files().into_keys().filter(|name| name.ends_with(".txt")).collect();
        for name in marker {
            self.world.remove_file(&name);
            self.note(format!("wipe the marker {name}"));
            self.forget_what_only_the_phone_had();
            self.count("wiped marker");
        }
    }

    /// The phone lost its past: what is gone with it nobody can bring back, and what comes back with it may.
    pub fn forget_what_only_the_phone_had(&mut self) {
        // A deletion that an earlier session saw, and did not come to carry out, is still one.
        let waits =
            self.oracle.cards.values().any(|facts| facts.fate == Fate::Dead && facts.dirty != [false; 2]);
        self.oracle.forget_removals(false);
        self.past_lost = true;
        self.lost_just_now = !waits;
        let phone = all_of(&self.world.view(Side::Phone, &self.torn));
        let pc_view = self.world.view(Side::Pc, &self.torn);
        let pc = all_of(&pc_view);
        for (number, token) in &mut self.oracle.tokens {
            if token.fate == Fate::Live && !phone.contains(number) && !pc.contains(number) {
                token.fate = Fate::Free;
            }
        }
        let marks: BTreeSet<u32> = self
            .world
            .seen(Side::Phone, &self.torn)
            .iter()
            .map(|seen| seen.mark)
            .chain(pc_view.keys().copied())
            .collect();
        for (mark, facts) in &mut self.oracle.cards {
            if facts.fate == Fate::Live && !marks.contains(mark) {
                facts.fate = Fate::Free;
            }
            facts.uncertain = true;
            facts.dirty = [true; 2];
        }
    }
}
