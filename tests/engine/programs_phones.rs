//! What else can happen to the phone and to the database of a program: other phones visit, the phone drops what it
//! does not know, it is said to hold less or more, the database is that of an earlier version, somebody tidies up.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use tetherbook::device::ProfileSet;
use tetherbook::provider::Clock;
use tetherbook::relationship::{Mode, Side};
use tetherbook::report::ExitCode;
use tetherbook::sim::{App, AppMoment, MemoryStorage, Personality, Phone, SharedStorage, Storage};
use tetherbook::store::{Answer, Book};

use crate::oracle::{Fate, all_of, tokens_in};
use crate::programs::{Flavour, MARKER, Program, Silent};
use crate::programs_world::{MULTIPLES, line_of, new_card, set_field};
use crate::world::{BOOK, Run};

/// Every property of the cards of a program.
pub const PROPERTIES: [&str; 14] = [
    "VERSION", "UID", "FN", "N", "TEL", "EMAIL", "URL", "NOTE", "TITLE", "NICKNAME", "X-CUSTOM", "ADR",
    "REV", "PRODID",
];

/// What a phone may drop.
const DROPPABLE: [&str; 4] = ["NOTE", "NICKNAME", "X-CUSTOM", "ADR"];

impl Program {
    /// The phone of the program's flavour, before anything happens.
    pub fn prepare(&mut self) {
        match self.flavour {
            Flavour::Visitors => {
                self.world.address = String::from("usb");
                self.world.phone = self.phone_over(&self.world.storage, "R58M0001");
            }
            Flavour::DroppingPhone => self.prepare_dropping(),
            _ => {}
        }
    }

    fn prepare_dropping(&mut self) {
        let first = self.rng.usize(..DROPPABLE.len());
        self.dropped.insert(DROPPABLE[first]);
        if self.rng.bool() {
            self.dropped.insert(DROPPABLE[(first + 1) % DROPPABLE.len()]);
        }
        let is_said = self.rng.bool();
        let app = App {
            drops: self.dropped.iter().map(|property| (*property).to_owned()).collect(),
            ..self.random_app(AppMoment::TransferEnd)
        };
        self.note(format!("the phone drops {:?}, said: {is_said}, app {app:?}", self.dropped));
        self.count(if is_said { "drops what it says" } else { "drops without a word" });
        self.world.phone.with_personality(|personality| personality.app = Some(app));
        let none = BTreeSet::new();
        self.world.profiles = profiles_with(if is_said { &self.dropped } else { &none }, true);
    }

    fn phone_over(&self, storage: &Rc<RefCell<MemoryStorage>>, serial: &str) -> Phone {
        let mut personality = Personality::by_name("android").unwrap();
        personality.serial = serial.to_owned();
        let (storage, clock): (SharedStorage, Rc<dyn Clock>) = (storage.clone(), self.world.clock.clone());
        Phone::new(personality, storage, clock)
    }

    /// I17: what the phone is said to hold becomes less, or more again.
    pub fn change_scope(&mut self) {
        if self.dropped.is_empty() {
            let property = DROPPABLE[self.rng.usize(..DROPPABLE.len())];
            self.dropped.insert(property);
            self.was_out_of_scope.insert(property);
            self.count("scope narrowed");
        } else {
            self.dropped.clear();
            self.count("scope widened");
        }
        self.note(format!("the phone is said not to hold {:?}", self.dropped));
        self.world.profiles = profiles_with(&self.dropped, false);
        // What was typed and not synced before may be seen in either way.
        for facts in self.oracle.cards.values_mut().filter(|facts| facts.dirty != [false; 2]) {
            facts.uncertain = true;
        }
    }

    /// Somebody tidies up: most contacts of a side go.
    pub fn delete_most(&mut self) {
        let side = self.side();
        let keeps = 1 + self.rng.usize(..3);
        let mut seen = self.seen(side);
        self.rng.shuffle(&mut seen);
        let mut deleted = 0;
        for one in seen.into_iter().skip(keeps) {
            if self.oracle.cards.get(&one.mark).is_some_and(|facts| !facts.shares_uid) {
                self.delete_this(side, &one);
                deleted += 1;
            }
        }
        if deleted > 5 {
            self.count("deleted more than a guard lets pass");
        }
        // Nobody is there who could say that it is meant.
        if self.rng.bool() {
            let run = Run { mode: Some(Mode::TwoWay), ..Run::default() };
            self.session(&run, false);
        }
    }

    /// I15: another phone is plugged in: an empty one, one with contacts of its own, or one that was given a copy of
    /// this one's folder and was used since.
    pub fn visit(&mut self) {
        self.visitors += 1;
        let serial = format!("GUEST{:04}", self.visitors);
        let (has_copy, has_own) =
            [(false, false), (true, false), (false, true), (true, true)][self.rng.usize(..4)];
        let mut files = BTreeMap::new();
        let mut added = Vec::new();
        if has_copy {
            self.copy_folder(&mut files, &mut added);
        }
        let mut own = Vec::new();
        for _ in 0..if has_own { 1 + self.rng.usize(..2) } else { 0 } {
            let mark = self.next_mark;
            self.next_mark += 1;
            let slot = MULTIPLES[self.rng.usize(..3)];
            let token = self.token(mark, slot);
            let uid = format!("u-{mark}");
            files.insert(format!("c{mark}.vcf"), new_card(&uid, mark, &[line_of(slot, token)]).into_bytes());
            own.push((mark, uid, token));
        }
        self.note(format!("{serial} visits with {:?}, added {added:?}, own {own:?}", files.keys()));
        let waiting = !self.open_conflicts().is_empty();
        if waiting {
            self.count("visitor while a conflict waits");
        }
        if self.oracle.is_dirty() {
            self.count("visitor while edits wait");
        }
        self.count(if has_copy { "visitor with a copy" } else { "visitor" });
        self.sync_visitor(&serial, &files, &added, &own);
        for (mark, uid, _) in own {
            self.oracle.create(Side::Pc, mark, &uid);
        }
        for (mark, slot, token) in added {
            self.oracle.add_token(token, mark, slot);
            let other = self.other_view(Side::Pc, mark);
            self.oracle.edited(Side::Pc, mark, &BTreeSet::new(), other.as_ref());
        }
    }

    /// Copies what both sides agree on, as the new phone's owner has it by now.
    fn copy_folder(
        &mut self,
        files: &mut BTreeMap<String, Vec<u8>>,
        added: &mut Vec<(u32, &'static str, u32)>,
    ) {
        for seen in self.seen(Side::Phone) {
            let facts = self.oracle.cards.get(&seen.mark);
            let is_settled = facts.is_some_and(|facts| {
                facts.fate == Fate::Live && facts.dirty == [false; 2] && !facts.uncertain && !facts.shares_uid
            });
            let is_both = self.other_view(Side::Phone, seen.mark).is_some();
            if !is_settled || !is_both || self.rng.u8(..4) == 0 {
                continue;
            }
            let mut text = seen.text;
            if self.rng.u8(..3) == 0 {
                let slot = MULTIPLES[self.rng.usize(..3)];
                let token = self.next_token;
                self.next_token += 1;
                text = set_field(&text, slot, token);
                added.push((seen.mark, slot, token));
            }
            files.insert(seen.file, text.into_bytes());
        }
        if let (Some(marker), true) = (self.world.files().remove(MARKER), self.rng.u8(..4) > 0) {
            files.insert(MARKER.to_owned(), marker);
        }
    }

    fn sync_visitor(
        &mut self,
        serial: &str,
        files: &BTreeMap<String, Vec<u8>>,
        added: &[(u32, &'static str, u32)],
        own: &[(u32, String, u32)],
    ) {
        let before = self.world.view(Side::Pc, &BTreeMap::new());
        let clock: Rc<dyn Clock> = self.world.clock.clone();
        let storage = MemoryStorage::shared(clock);
        storage.borrow_mut().make_folder(&self.world.folder).unwrap();
        let guest = self.phone_over(&storage, serial);
        let home = (
            std::mem::replace(&mut self.world.phone, guest),
            std::mem::replace(&mut self.world.storage, storage),
        );
        self.world.restore_files(files);
        let run = Run { allow_deletes: true, mode: Some(Mode::TwoWay), ..Run::default() };
        for round in 0..3 {
            self.world.clock.advance_ms(5_000);
            let link = Box::new(self.world.phone.plug_in(run.faults.clone()));
            let ended = self.world.session(&run, link, &mut Silent);
            self.world.phone.unplug();
            let ended = match ended {
                Ok(ended) if ended.failure.is_none() && ended.summary.failed == 0 => ended,
                other => self.fail(&format!("I15: the session with a visitor failed: {other:?}")),
            };
            let deleted = ended.summary.deleted;
            if (deleted.pc, deleted.phone) != (0, 0) {
                self.fail(&format!("I15: the session with a visitor deleted {deleted:?}"));
            }
            if round == 2 && ended.summary.device_writes + ended.summary.store_writes > 0 {
                self.fail(&format!("I2: the third session with a visitor wrote: {:?}", ended.plan));
            }
        }
        let after = self.world.view(Side::Pc, &BTreeMap::new());
        for (mark, copies) in &before {
            let now = after.get(mark).cloned().unwrap_or_default();
            if now.len() != copies.len() {
                self.fail(&format!(
                    "I15: a visitor made {} of card {mark}, there were {}",
                    now.len(),
                    copies.len()
                ));
            }
            let is_held = |token: &u32| now.iter().any(|tokens| tokens.contains(token));
            if let Some(lost) = copies.iter().flatten().find(|token| !is_held(token)) {
                self.fail(&format!("I15: a visitor took token {lost} of card {mark} from the PC"));
            }
        }
        let here = all_of(&after);
        let wanted = added.iter().map(|one| one.2).chain(own.iter().map(|one| one.2));
        if let Some(lost) = wanted.into_iter().find(|token| !here.contains(token)) {
            self.fail(&format!("I3: token {lost}, which the visitor brought, is not on the PC"));
        }
        let there: BTreeSet<u32> = self
            .world
            .files()
            .values()
            .flat_map(|bytes| tokens_in(&String::from_utf8_lossy(bytes)))
            .collect();
        let missing = here.iter().find(|token| !there.contains(token)).copied();
        let has_conflicts = self.open_conflicts().len();
        self.world.phone = home.0;
        self.world.storage = home.1;
        if let (Some(missing), 0) = (missing, has_conflicts) {
            self.fail(&format!("I1: token {missing} of the PC did not come to the visitor"));
        }
    }

    /// I21: what a session did is taken back, and then it is done again: by taking back the taking back, or by letting
    /// go of what is held. After either the world is as it was after the session.
    pub fn undo_and_redo(&mut self) {
        // What a session only settles was begun by the one before it, and is not taken back with it.
        if !self.world.database().exists() || self.open_intents() > 0 {
            return;
        }
        self.world.phone.media_scan();
        let before = self.scene();
        let run = Run { allow_deletes: true, mode: Some(Mode::TwoWay), ..Run::default() };
        let Some(done) = self.session(&run, false) else { return };
        let Some(session) = done.summary.session else { return };
        let is_whole = matches!(done.summary.exit, ExitCode::Done | ExitCode::Conflicts);
        // What a session only settled or merged by recovery is not its own doing.
        if !is_whole || done.failure.is_some() || done.plan.is_none_or(|plan| !plan.skipped.is_empty()) {
            return;
        }
        // A session that only told a conflict did nothing that could be taken back.
        if done.summary.device_writes + done.summary.store_writes == 0 {
            return;
        }
        let after = self.scene();
        let undone = self.take_back(session);
        if self.scene() != before {
            self.fail(&format!("I21: the undo of session {session} did not bring back\n{before:#?}"));
        }
        if let (true, Some(undo)) = (self.rng.bool(), undone) {
            self.take_back(undo);
            self.count("undone and redone");
        } else {
            let held = self.let_go_of_what_is_held();
            self.count(if held > 0 { "undone and let go" } else { "undone, nothing held" });
            self.world.phone.media_scan();
            self.session(&run, false);
        }
        if self.scene() != after {
            self.fail(&format!("I21: doing session {session} again did not come to\n{after:#?}"));
        }
    }

    /// Every card of both sides, whatever its number.
    fn scene(&self) -> [Vec<String>; 2] {
        let phone = self.world.phone_cards().into_values();
        let mut phone: Vec<String> =
            phone.map(|card| String::from_utf8_lossy(card.as_bytes()).into_owned()).collect();
        let mut pc = self.world.pc_texts();
        phone.sort();
        pc.sort();
        [phone, pc]
    }

    /// Undoes a session; the undo's own number.
    fn take_back(&mut self, session: i64) -> Option<i64> {
        self.world.clock.advance_ms(5_000);
        self.world.phone.media_scan();
        let run = Run { allow_deletes: true, undo: Some(session), ..Run::default() };
        let link = Box::new(self.world.phone.plug_in(run.faults.clone()));
        let ended = self.world.session(&run, link, &mut Silent);
        self.world.phone.unplug();
        match ended {
            Ok(ended) if ended.failure.is_none() && ended.summary.failed == 0 => {
                self.note(format!("undo of session {session}: held {}", ended.summary.held));
                ended.summary.session
            }
            other => self.fail(&format!("I21: the undo of session {session} failed: {other:?}")),
        }
    }

    fn let_go_of_what_is_held(&mut self) -> usize {
        let store = self.world.store();
        let holds = store.holds().unwrap();
        let book = Book::open(&store, BOOK, &*self.world.clock, &*self.world.randomness).unwrap();
        for hold in &holds {
            store.lift_hold(hold.id, Answer::Again, &book).unwrap();
        }
        holds.len()
    }

    /// The database becomes what an earlier version would have written; the next to open it brings it up to date.
    pub fn go_back_to_an_old_format(&mut self) {
        if !self.world.database().exists() {
            return;
        }
        let version = 1 + self.rng.usize(..3);
        if self.rng.u8(..3) == 0 {
            self.sync_killed();
        }
        if self.open_intents() > 0 {
            self.count("upgrade with an open journal");
        }
        if !self.open_conflicts().is_empty() {
            self.count("upgrade with a conflict waiting");
        }
        if self.oracle.is_dirty() {
            self.count("upgrade with edits waiting");
        }
        write_in_format(&self.world.database(), version);
        self.note(format!("the database is in format {version} now"));
        self.count("upgrade of the database");
    }
}

/// The built-in profiles, with an Android that does not hold these properties.
fn profiles_with(dropped: &BTreeSet<&'static str>, reencodes: bool) -> Rc<ProfileSet> {
    type Key = (Vec<&'static str>, bool);
    thread_local! {
        static MADE: RefCell<HashMap<Key, Rc<ProfileSet>>> = RefCell::default();
    }
    let key = (dropped.iter().copied().collect::<Vec<_>>(), reencodes);
    MADE.with_borrow_mut(|made| {
        Rc::clone(made.entry(key).or_insert_with(|| make_profiles(dropped, reencodes)))
    })
}

fn make_profiles(dropped: &BTreeSet<&'static str>, reencodes: bool) -> Rc<ProfileSet> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/device-profiles/android.toml");
    let mut text = std::fs::read_to_string(path).unwrap();
    if !dropped.is_empty() {
        let held: Vec<String> = PROPERTIES
            .iter()
            .filter(|property| !dropped.contains(*property))
            .map(|property| format!("{property:?}"))
            .collect();
        assert!(text.contains("fields = \"all\""));
        text = text.replace("fields = \"all\"", &format!("fields = [{}]", held.join(", ")));
    }
    let at = text.find("\n[[examples]]").unwrap_or(text.len());
    text.insert_str(at, if reencodes { "\n[quirks]\nreencodes = true\n" } else { "" });
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("android.toml"), text).unwrap();
    let mut profiles = ProfileSet::built_in().unwrap();
    profiles.add_folder(folder.path()).unwrap();
    Rc::new(profiles)
}

/// Writes the database as the version of that format would have: the tables of the fixture of that format, with the
/// present rows in the columns that it had.
fn write_in_format(database: &Path, version: usize) {
    let fixture =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/databases/version-{version}.db"));
    let old = database.with_extension("old");
    std::fs::copy(fixture, &old).unwrap();
    {
        let connection = rusqlite::Connection::open(&old).unwrap();
        connection.pragma_update(None, "foreign_keys", false).unwrap();
        connection.execute("ATTACH ?1 AS present", [database.to_str().unwrap()]).unwrap();
        let names = |sql: &str| -> Vec<String> {
            let mut statement = connection.prepare(sql).unwrap();
            let rows = statement.query_map([], |row| row.get(0)).unwrap();
            rows.map(Result::unwrap).collect()
        };
        let mut tables = names("SELECT name FROM main.sqlite_schema WHERE type = 'table'");
        tables.sort_by_key(|table| table == "sqlite_sequence");
        connection.execute_batch("BEGIN").unwrap();
        for table in tables {
            let columns = names(&format!("SELECT name FROM pragma_table_info('{table}', 'main')")).join(", ");
            connection
                .execute_batch(&format!(
                    "DELETE FROM main.{table}; \
                     INSERT INTO main.{table} ({columns}) SELECT {columns} FROM present.{table};"
                ))
                .unwrap();
        }
        connection.execute_batch("COMMIT; DETACH present; PRAGMA journal_mode = delete;").unwrap();
    }
    for suffix in ["-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{suffix}", database.display()));
    }
    std::fs::rename(old, database).unwrap();
}
