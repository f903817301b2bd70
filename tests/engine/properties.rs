//! Promises of the engine, one test each, on worlds made for them.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;

use tetherbook::mtp::code::operation;
use tetherbook::provider::{Direction, Ledger};
use tetherbook::relationship::Mode;
use tetherbook::report::{Event, Report};
use tetherbook::sim::{Fault, FaultKind, FaultPlan, SharedTrace, Spot, Storage};
use tetherbook::store::RelationshipLedger;

use crate::world::{Run, World, card};

pub struct Silent;

impl Report for Silent {
    fn event(&mut self, _event: &Event<'_>) {}
}

/// A world with `count` contacts that both sides know, `u0` to the last; the files are on the phone by these names.
pub fn known(personality: &str, seed: u64, count: usize) -> World {
    let mut world = World::new(personality, seed);
    for n in 0..count {
        let text = card(&format!("u{n}"), &format!("Name {n}"), &[&format!("TEL:+49 30 {n:05}"), "NOTE:old"]);
        world.put_file(&format!("u{n}.vcf"), text.as_bytes());
    }
    world.sync();
    world.phone.media_scan();
    world.sync();
    world
}

fn pc_text(world: &World, uid: &str) -> Option<String> {
    let cards = world.pc_cards();
    let found = cards.iter().find(|card| card.uid().as_deref() == Some(uid))?;
    Some(String::from_utf8_lossy(found.as_bytes()).into_owned())
}

fn phone_text(world: &World, name: &str) -> Option<String> {
    world.files().get(name).map(|bytes| String::from_utf8_lossy(bytes).into_owned())
}

/// What a person may do to a card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Deed {
    Nothing,
    Edit(&'static str),
    Delete,
}

fn on_phone(world: &World, deed: Deed) {
    match deed {
        Deed::Nothing => {}
        Deed::Edit(note) => world.edit_file("u1.vcf", |text| text.replace("NOTE:old", note)),
        Deed::Delete => world.remove_file("u1.vcf"),
    }
}

fn on_pc(world: &World, deed: Deed) {
    match deed {
        Deed::Nothing => {}
        Deed::Edit(note) => world.edit_pc("u1", |text| text.replace("NOTE:old", note)),
        Deed::Delete => world.remove_pc("u1"),
    }
}

/// I4, I5, I8, I9: every pair of deeds, and the same with the sides changed over.
#[test]
fn i5_table_of_edits_and_deletions() {
    use Deed::{Delete, Edit, Nothing};
    // First deed, second deed, the notes of both afterwards (None: deleted on both), conflicts.
    type Row = (Deed, Deed, Option<[&'static str; 2]>, usize);
    let table: [Row; 7] = [
        (Nothing, Nothing, Some(["NOTE:old", "NOTE:old"]), 0),
        (Edit("NOTE:one"), Nothing, Some(["NOTE:one", "NOTE:one"]), 0),
        (Edit("NOTE:one"), Edit("NOTE:one"), Some(["NOTE:one", "NOTE:one"]), 0),
        (Edit("NOTE:one"), Edit("NOTE:two"), Some(["NOTE:one", "NOTE:two"]), 1),
        (Delete, Nothing, None, 0),
        (Delete, Edit("NOTE:two"), Some(["NOTE:two", "NOTE:two"]), 0),
        (Delete, Delete, None, 0),
    ];
    for (first, second, after, conflicts) in table {
        for mirrored in [false, true] {
            let mut world = known("android", 50, 3);
            let (phone, pc) = if mirrored { (second, first) } else { (first, second) };
            on_phone(&world, phone);
            on_pc(&world, pc);
            let ended = world.sync();
            let context = format!("phone {phone:?}, PC {pc:?}");
            assert_eq!(ended.summary.conflicts, conflicts, "I8: {context}");
            let held: Vec<String> = world
                .files()
                .into_iter()
                .filter(|(name, _)| name == "u1.vcf")
                .map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned())
                .collect();
            let here = pc_text(&world, "u1");
            match after {
                None => assert!(held.is_empty() && here.is_none(), "I4, I5: {context}"),
                Some([one, two]) => {
                    let (there_wanted, here_wanted) = if mirrored { (two, one) } else { (one, two) };
                    assert_eq!(held.len(), 1, "I5: {context}");
                    assert!(held[0].contains(there_wanted), "I5, I9: {context}: phone {}", held[0]);
                    assert!(here.is_some_and(|text| text.contains(here_wanted)), "I5, I9: {context}");
                }
            }
            world.sync();
            let quiet = world.sync();
            assert_eq!(quiet.summary.device_writes + quiet.summary.store_writes, 0, "I2: {context}");
        }
    }
}

/// I5: what waits in a conflict is not taken along by a deletion on the other side.
#[test]
fn i5_a_deletion_does_not_take_a_held_value_along() {
    for phone_deletes in [false, true] {
        let mut world = known("android", 51, 3);
        on_phone(&world, Deed::Edit("NOTE:one"));
        on_pc(&world, Deed::Edit("NOTE:two"));
        assert_eq!(world.sync().summary.conflicts, 1);
        if phone_deletes {
            world.remove_file("u1.vcf")
        } else {
            world.remove_pc("u1")
        }
        world.sync();
        let kept = if phone_deletes { "NOTE:two" } else { "NOTE:one" };
        assert!(phone_text(&world, "u1.vcf").is_some_and(|text| text.contains(kept)), "{kept}");
        assert!(pc_text(&world, "u1").is_some_and(|text| text.contains(kept)), "{kept}");
        world.sync();
        world.assert_quiet("after the deletion");
    }
}

/// I7: a conflict, a torn file and a card that is too large hold nobody else up.
#[test]
fn i7_one_bad_contact_holds_up_no_other() {
    let mut world = known("android", 52, 8);
    on_phone(&world, Deed::Edit("NOTE:one"));
    on_pc(&world, Deed::Edit("NOTE:two"));
    let torn = world.read_file("u2.vcf");
    world.put_file("u2.vcf", &torn[..40]);
    world.edit_pc("u2", |text| text.replace("NOTE:old", "NOTE:pending"));
    let photo = "A".repeat(1_200_000);
    world.edit_pc("u3", |text| text.replace("END:", &format!("PHOTO;ENCODING=b;TYPE=JPEG:{photo}\r\nEND:")));
    world.edit_pc("u4", |text| text.replace("NOTE:old", "NOTE:new"));
    world.edit_file("u5.vcf", |text| text.replace("NOTE:old", "NOTE:newer"));
    let (ended, _) = world.try_sync(&Run::default());
    let ended = ended.unwrap();
    let plan = ended.plan.unwrap();
    assert_eq!(plan.skipped.len(), 2, "{:?}", plan.skipped);
    assert_eq!(ended.summary.conflicts, 1);
    assert!(phone_text(&world, "u4.vcf").unwrap().contains("NOTE:new"));
    assert!(pc_text(&world, "u5").unwrap().contains("NOTE:newer"));
    assert!(pc_text(&world, "u2").unwrap().contains("NOTE:pending"), "nothing is taken from a torn file");
    assert_eq!(world.read_file("u2.vcf"), &torn[..40], "a torn file is not touched");
    world.put_file("u2.vcf", &torn);
    world.try_sync(&Run::default()).0.unwrap();
    assert!(phone_text(&world, "u2.vcf").unwrap().contains("NOTE:pending"), "I3: pending, then done");
}

/// I3: a file that was cut at any byte deletes nothing and changes nothing on the PC.
#[test]
fn i3_a_file_cut_at_any_byte_changes_nothing_here() {
    let mut world = known("android", 53, 2);
    let whole = world.read_file("u1.vcf");
    let before = pc_text(&world, "u1");
    for length in (0..whole.len() - 2).step_by(7) {
        world.put_file("u1.vcf", &whole[..length]);
        let (ended, _) = world.try_sync(&Run::default());
        let plan = ended.unwrap().plan.unwrap();
        assert!(pc_text(&world, "u1") == before, "cut after {length} bytes");
        let says_so = plan.skipped.len() == 1 || whole[..length].ends_with(b"END:VCARD");
        assert!(says_so, "cut after {length} bytes: {:?}", plan.skipped);
    }
    world.put_file("u1.vcf", &whole);
    world.sync();
    world.sync();
    world.assert_quiet("after it is whole again");
}

/// I16: whatever listing is short, nothing is deleted anywhere.
#[test]
fn i16_short_listings_delete_nothing() {
    let mut fired = 0;
    for personality in ["android", "umtp", "nokia-s40", "zen"] {
        let listings =
            [operation::GET_OBJECT_PROP_LIST, operation::GET_OBJECT_HANDLES, operation::GET_STORAGE_IDS];
        for code in listings {
            for nth in 1..=4 {
                for length in [0, 1, 5] {
                    let mut world = known(personality, 54, 6);
                    let spot = Spot::Operation { code, nth };
                    let faults = FaultPlan { faults: vec![Fault { kind: FaultKind::Shorten(length), spot }] };
                    let (ended, _) = world.try_sync(&Run { faults: faults.clone(), ..Run::default() });
                    fired += world.trace.as_ref().unwrap().borrow().marks.len();
                    let context = format!("{personality} {:?}", faults.faults);
                    let deleted = ended.map(|ended| ended.summary.deleted);
                    assert_eq!(world.pc_cards().len(), 6, "I16: {context} {deleted:?}");
                    assert_eq!(world.phone_cards().len(), 6, "I16: {context} {deleted:?}");
                    world.sync();
                    world.assert_equal(&context);
                    assert_eq!(world.phone_cards().len(), 6, "I16, I13: {context}");
                }
            }
        }
    }
    assert!(fired >= 40, "only {fired} listings were shortened");
}

/// I16: a phone that is locked at any moment loses nothing.
#[test]
fn i16_a_lock_at_any_moment_deletes_nothing() {
    for at in (1..60).step_by(3) {
        let mut world = known("android", 55, 6);
        world.edit_pc("u2", |text| text.replace("NOTE:old", "NOTE:new"));
        let fault = Fault { kind: FaultKind::Lock, spot: Spot::Container(at) };
        let (_, _) = world.try_sync(&Run { faults: FaultPlan { faults: vec![fault] }, ..Run::default() });
        assert_eq!(world.pc_cards().len(), 6, "locked at container {at}");
        world.phone.unlock();
        world.sync();
        world.assert_equal(&format!("locked at container {at}"));
        assert_eq!(world.phone_cards().len(), 6, "locked at container {at}");
    }
}

/// I24: a session that follows one side writes nothing to it, not even the marker.
#[test]
fn i24_one_way_writes_nothing_to_its_source() {
    for personality in ["android", "nokia-s40", "sailfish"] {
        let mut world = World::new(personality, 56);
        world.put_file("a.vcf", card("a", "Ada", &["NOTE:phone"]).as_bytes());
        world.add_pc(&card("b", "Bo", &["NOTE:pc"]));
        let run = Run { mode: Some(Mode::PhoneToPc), ..Run::default() };
        for round in 0..3 {
            let before = world.files();
            let ended = world.try_sync(&run).0.unwrap();
            assert!(ended.failure.is_none(), "{:?}", ended.failure);
            assert!(before == world.files(), "I24: {personality}, round {round}");
            let trace = world.trace.as_ref().unwrap().borrow();
            let writes =
                [operation::SEND_OBJECT_INFO, operation::DELETE_OBJECT, operation::SET_OBJECT_PROP_VALUE];
            assert!(writes.iter().all(|code| trace.count_of(*code) == 0), "I24: {personality}");
            drop(trace);
            if let Some(text) = pc_text(&world, "a").filter(|_| round == 0) {
                assert!(text.contains("NOTE:phone"));
                world.edit_pc("a", |text| text.replace("NOTE:phone", "NOTE:mine"));
            }
        }
        assert!(pc_text(&world, "a").unwrap().contains("NOTE:phone"), "the copy follows");
        assert!(pc_text(&world, "b").is_some(), "what is only here is nobody's copy");
        let mut world = World::new(personality, 57);
        world.put_file("a.vcf", card("a", "Ada", &["NOTE:phone"]).as_bytes());
        world.add_pc(&card("b", "Bo", &["NOTE:pc"]));
        let before: Vec<Vec<u8>> = world.pc_cards().iter().map(|card| card.as_bytes().to_vec()).collect();
        world.try_sync(&Run { mode: Some(Mode::PcToPhone), ..Run::default() }).0.unwrap();
        let after: Vec<Vec<u8>> = world.pc_cards().iter().map(|card| card.as_bytes().to_vec()).collect();
        assert!(before == after, "I24: {personality}: the PC was written to");
        assert_eq!(world.phone_cards().len(), 2);
    }
}

/// I1 over a mode change: what one side alone held under a one-way mode travels under two-way.
#[test]
fn i1_a_change_of_mode_brings_the_rest_over() {
    let mut world = World::new("android", 58);
    world.put_file("a.vcf", card("a", "Ada", &["NICKNAME:phone's"]).as_bytes());
    world.add_pc(&card("a", "Ada", &["NOTE:pc's"]));
    world.try_sync(&Run { mode: Some(Mode::PcToPhone), ..Run::default() }).0.unwrap();
    let cut = Run { mode: Some(Mode::TwoWay), faults: FaultPlan::cut_at_container(12), ..Run::default() };
    let _ = world.try_sync(&cut);
    let later = Run { faults: FaultPlan::cut_at_container(40), ..cut };
    let _ = world.try_sync(&later);
    let ended = world.try_sync(&Run { mode: Some(Mode::TwoWay), ..Run::default() }).0.unwrap();
    assert!(ended.failure.is_none(), "{:?}", ended.failure);
    world.assert_equal("after the change of mode");
    world.sync();
    world.assert_quiet("after the change of mode");
}

/// I23: an edit on the phone at any container of a session that replaces, deletes and creates is not lost. Only
/// between the last look at a file and its removal can nobody help it.
#[test]
fn i23_an_edit_during_the_session_is_not_overwritten() {
    let mut applied = 0;
    for at in 1..90 {
        let mut world = known("android", 59, 4);
        world.edit_pc("u1", |text| text.replace("NOTE:old", "NOTE:new"));
        world.remove_pc("u2");
        world.add_pc(&card("u9", "Nine", &[]));
        world.later();
        let link = world.phone.plug_in(FaultPlan::none());
        let trace: SharedTrace = link.trace();
        let done: Rc<Cell<usize>> = Rc::default();
        for (name, mark) in [("u1.vcf", "X-A:typed now"), ("u2.vcf", "X-B:typed too")] {
            let (done, trace) = (Rc::clone(&done), Rc::clone(&trace));
            let storage: Rc<RefCell<_>> = Rc::clone(&world.storage);
            let path = format!("{}/{name}", world.folder);
            let hook = move || {
                let last = trace.borrow().operations().last().copied().unwrap_or_default();
                let mut storage = storage.borrow_mut();
                let Ok(bytes) = storage.read(&path) else { return };
                // Once the session writes, what it reads may be its last look.
                let operations = trace.borrow().operations();
                let writes = operations.contains(&operation::SEND_OBJECT);
                if last == operation::DELETE_OBJECT || writes && last == operation::GET_OBJECT {
                    return;
                }
                let text = String::from_utf8_lossy(&bytes).replace("END:", &format!("{mark}\r\nEND:"));
                storage.write(&path, text.as_bytes()).unwrap();
                done.set(done.get() + 1);
            };
            world.phone.at_container(at, Box::new(hook));
        }
        let _ = world.session(&Run::default(), Box::new(link), &mut Silent);
        world.phone.unplug();
        let fired = done.get();
        applied += fired;
        for _ in 0..2 {
            world.try_sync(&Run { allow_deletes: true, ..Run::default() }).0.unwrap();
        }
        let all: String =
            world.files().values().map(|bytes| String::from_utf8_lossy(bytes).into_owned()).collect();
        let typed = usize::from(all.contains("X-A:typed now")) + usize::from(all.contains("X-B:typed too"));
        assert!(typed >= fired, "I23: at container {at} {fired} edits were made, {typed} are left");
        world.assert_equal(&format!("edited at container {at}"));
    }
    assert!(applied > 60, "only {applied} edits were made in mid-session");
}

/// I11: whatever container the cable was pulled at, the state says "given" of no PC item that the phone lacks.
#[test]
fn i11_the_state_claims_nothing_that_was_not_acknowledged() {
    let mut cuts = 0;
    for at in (10..140).step_by(3) {
        let mut world = known("android", 60, 3);
        for n in 3..7 {
            world.add_pc(&card(&format!("u{n}"), &format!("Name {n}"), &["NOTE:fresh"]));
        }
        world.edit_pc("u1", |text| text.replace("NOTE:old", "NOTE:edited"));
        let run = Run { faults: FaultPlan::cut_at_container(at), ..Run::default() };
        let (ended, _) = world.try_sync(&run);
        cuts += usize::from(!ended.is_ok_and(|ended| ended.failure.is_none()));
        let phone: BTreeMap<String, String> = world
            .phone_cards()
            .into_values()
            .map(|card| (card.uid().unwrap(), String::from_utf8_lossy(card.as_bytes()).into_owned()))
            .collect();
        let store = world.store();
        let row = store.relationships().unwrap().remove(0);
        let ledger = RelationshipLedger::new(&store, row.id);
        let state = ledger.state(Direction::PcToPhone).unwrap();
        world.with_book(|book| {
            let replica = tetherbook::provider::Provider::replica(book).guid;
            for row in book.list().unwrap() {
                if state.was_given(replica, row.item.0) {
                    assert!(phone.contains_key(&row.uid), "I11: cut at {at}: {} was not given", row.uid);
                    assert!(ledger.link_of_pc(row.item).unwrap().is_some(), "I11: cut at {at}");
                }
            }
        });
        drop(store);
        world.sync();
        world.assert_equal(&format!("I12: cut at container {at}"));
        assert_eq!(world.phone_cards().len(), 7, "I13: cut at container {at}");
        world.assert_no_leftovers(&format!("cut at container {at}"));
    }
    assert!(cuts > 20, "only {cuts} sessions were cut");
}
