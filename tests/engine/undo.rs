//! Undo: whatever a session did is taken back on both sides, what was edited since stays, and nothing does it again by
//! itself.

use std::collections::{BTreeMap, BTreeSet};

use tetherbook::agent::{Keeping, SafetyPlace};
use tetherbook::provider::{Ledger, Metadata};
use tetherbook::report::ExitCode;
use tetherbook::session::Ended;
use tetherbook::sim::FaultPlan;
use tetherbook::store::{Answer, Book, OpenOptions, PhoneMetadata, RelationshipLedger, Store, safety_copies};

use crate::world::{Run, World, card};

/// Both sides and the pairs, as far as an undo promises to bring them back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// The phone's card files by name.
    pub phone: BTreeMap<String, String>,
    /// The PC's cards by their number.
    pub pc: BTreeMap<u64, String>,
    /// The pairs: the PC's number and the phone's file; one that is gone is empty, for what comes back and goes again has
    /// another number.
    pub pairs: BTreeSet<(Option<u64>, String)>,
}

impl Scene {
    pub fn of(world: &World) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let phone: BTreeMap<_, _> =
            world.phone_cards().into_iter().map(|(name, card)| (name, text(card.as_bytes()))).collect();
        let mut pc = BTreeMap::new();
        world.with_book(|book| {
            book.each_card(|item, _, card| drop(pc.insert(item.0, text(card.as_bytes())))).unwrap();
        });
        let store = world.store();
        let mut pairs = BTreeSet::new();
        for related in store.relationships().unwrap() {
            let ledger = RelationshipLedger::new(&store, related.id);
            let rows = PhoneMetadata::new(&store, related.phone).load().unwrap();
            for row in rows {
                if let Some(link) = ledger.link_of_phone(row.item).unwrap() {
                    let place = row.locator.to_string();
                    let name = place.rsplit('/').next().unwrap_or_default().to_owned();
                    let file = if phone.contains_key(&name) { name } else { String::new() };
                    pairs.insert((Some(link.pc.0).filter(|item| pc.contains_key(item)), file));
                }
            }
        }
        Self { phone, pc, pairs }
    }
}

fn run(world: &mut World, run: &Run) -> Ended {
    let (ended, notes) = world.try_sync(run);
    let ended = ended.unwrap();
    assert!(ended.failure.is_none(), "{:?} {notes:?}", ended.failure);
    world.store().check().unwrap();
    ended
}

fn sync(world: &mut World) -> Ended {
    run(world, &Run { allow_deletes: true, ..Run::default() })
}

/// What was written is looked at once more by the next session; the one after it writes nothing.
fn assert_quiet(world: &mut World, context: &str) {
    sync(world);
    sync(world);
    world.assert_quiet(context);
}

fn undo(world: &mut World, session: i64) -> Ended {
    run(world, &Run { allow_deletes: true, undo: Some(session), ..Run::default() })
}

fn release(world: &World, answer: Answer) {
    let store = world.store();
    world.with_book(|_| ());
    for hold in store.holds().unwrap() {
        let book =
            tetherbook::store::Book::open(&store, &hold.book, &*world.clock, &*world.randomness).unwrap();
        store.lift_hold(hold.id, answer, &book).unwrap();
    }
    store.check().unwrap();
}

/// Twelve contacts that both sides know, and a session to come that does one of everything.
fn before_a_session_of_everything(seed: u64) -> World {
    let mut world = World::new("android", seed);
    for number in 0..12 {
        let lines = [format!("TEL:+4930000{number}"), format!("NOTE:note {number}")];
        world.put_file(
            &format!("c{number}.vcf"),
            card(&format!("u{number}"), &format!("Person {number}"), &[&lines[0], &lines[1]]).as_bytes(),
        );
    }
    world.sync();
    world.edit_pc("u0", |text| text.replace("note 0", "from the PC"));
    world.edit_file("c1.vcf", |text| text.replace("note 1", "from the phone"));
    world.edit_pc("u2", |text| text.replace("note 2", "PC says"));
    world.edit_file("c2.vcf", |text| text.replace("+49300002", "+49300099"));
    world.remove_pc("u3");
    world.remove_file("c4.vcf");
    world.add_pc(&card("new-pc", "New On The PC", &["TEL:+4911"]));
    world.put_file("new-phone.vcf", card("new-phone", "New On The Phone", &["TEL:+4922"]).as_bytes());
    world.add_pc(&card("both", "On Both", &["TEL:+4933", "NOTE:pc knows"]));
    world.put_file("both.vcf", card("both", "On Both", &["TEL:+4933", "ORG:phone knows"]).as_bytes());
    world.later();
    world
}

#[test]
fn everything_that_a_session_does_is_taken_back_and_not_done_again() {
    let mut world = before_a_session_of_everything(1);
    let before = Scene::of(&world);
    let done = sync(&mut world);
    let session = done.summary.session.unwrap();
    let after = Scene::of(&world);
    let undone = undo(&mut world, session);
    assert_eq!(undone.summary.exit, ExitCode::Done, "{:?}", undone.summary);
    assert_eq!(undone.summary.undoes, Some(session));
    assert_eq!(Scene::of(&world), before);
    assert_eq!(undone.summary.held, 8);
    // Nothing does it again, and a session that finds nothing else writes nothing.
    assert_quiet(&mut world, "after the undo");
    assert_eq!(sync(&mut world).summary.exit, ExitCode::Conflicts);
    assert_eq!(Scene::of(&world), before);
    // A second undo finds nothing to do.
    let again = undo(&mut world, session);
    assert!(again.plan.unwrap().is_empty() && again.summary.session.is_none());
    // The undo of the undo.
    let redone = undo(&mut world, undone.summary.session.unwrap());
    assert_eq!(redone.summary.held, 0);
    let now = Scene::of(&world);
    assert_eq!((&now.phone, &now.pc), (&after.phone, &after.pc));
    sync(&mut world);
    assert_eq!(Scene::of(&world).pc, after.pc);
    world.assert_equal("after the redo");
    assert_quiet(&mut world, "after the redo");
}

#[test]
fn again_lets_sync_do_what_it_did() {
    let mut world = before_a_session_of_everything(2);
    let session = sync(&mut world).summary.session.unwrap();
    let after = Scene::of(&world);
    undo(&mut world, session);
    release(&world, Answer::Again);
    sync(&mut world);
    let now = Scene::of(&world);
    assert_eq!(now.phone, after.phone);
    let texts = |scene: &Scene| {
        let mut texts: Vec<String> = scene.pc.values().cloned().collect();
        texts.sort();
        texts
    };
    assert_eq!(texts(&now), texts(&after));
    world.assert_equal("again");
    assert_quiet(&mut world, "again");
}

#[test]
fn the_side_that_counts_is_what_both_hold_after_the_next_sync() {
    for answer in [Answer::Pc, Answer::Phone] {
        let mut world = before_a_session_of_everything(3);
        let before = Scene::of(&world);
        let session = sync(&mut world).summary.session.unwrap();
        undo(&mut world, session);
        release(&world, answer);
        sync(&mut world);
        world.assert_equal(&format!("{answer:?}"));
        let contents = |texts: Vec<&String>| {
            let mut all: Vec<_> = texts
                .into_iter()
                .map(|text| {
                    let card = tetherbook::contact::Card::parse(text.as_bytes()).unwrap();
                    card.fingerprint(&tetherbook::contact::FieldMask::all())
                })
                .collect();
            all.sort_unstable();
            all
        };
        let wanted = match answer {
            Answer::Pc => contents(before.pc.values().collect()),
            _ => contents(before.phone.values().collect()),
        };
        let now = Scene::of(&world);
        assert!(contents(now.pc.values().collect()) == wanted, "{answer:?}: {:#?}", now.pc);
        assert_quiet(&mut world, &format!("{answer:?}"));
    }
}

#[test]
fn edits_made_since_survive_and_the_rest_goes_back() {
    let mut world = before_a_session_of_everything(4);
    let session = sync(&mut world).summary.session.unwrap();
    // Another field of what the session wrote on the phone; the same field; what it made; and a held one's other side.
    world.edit_file("c0.vcf", |text| text.replace("+49300000", "+4977"));
    world.edit_pc("u1", |text| text.replace("from the phone", "edited since"));
    world.edit_pc("new-phone", |text| text.replace("+4922", "+4988"));
    world.sync();
    world.edit_pc("both", |text| text.replace("FN:On Both", "FN:On Both, Really"));
    world.later();
    undo(&mut world, session);
    let now = Scene::of(&world);
    let phone = &now.phone["c0.vcf"];
    assert!(phone.contains("note 0") && phone.contains("+4977"), "{phone}");
    let pc = now.pc.values().find(|text| text.contains("UID:u1\r")).unwrap();
    assert!(pc.contains("edited since"), "{pc}");
    let made = now.pc.values().find(|text| text.contains("UID:new-phone")).unwrap();
    assert!(made.contains("+4988"), "{made}");
    let both = now.pc.values().find(|text| text.contains("UID:both")).unwrap();
    assert!(both.contains("Really") && !both.contains("phone knows"), "{both}");
    assert_quiet(&mut world, "after the undo");
}

#[test]
fn undoing_many_creations_asks_the_guard() {
    let mut world = World::new("android", 5);
    for number in 0..30 {
        let text = card(&format!("u{number}"), &format!("Person {number}"), &["TEL:+491"]);
        world.put_file(&format!("c{number}.vcf"), text.as_bytes());
    }
    let session = world.sync().summary.session.unwrap();
    let (ended, _) = world.try_sync(&Run { undo: Some(session), ..Run::default() });
    assert_eq!(ended.unwrap().summary.exit, ExitCode::Guard);
    assert_eq!(world.pc_cards().len(), 30);
    undo(&mut world, session);
    assert_eq!((world.pc_cards().len(), world.phone_cards().len()), (0, 30));
    assert_quiet(&mut world, "all are held");
}

/// A random course: contacts that both know, edits on both sides, the session, edits since, the undo.
fn course(seed: u64, edits_since: bool) {
    let mut world = World::new("android", seed);
    let mut chance = fastrand::Rng::with_seed(seed);
    let count = chance.u32(3..9);
    for number in 0..count {
        let text = card(
            &format!("u{number}"),
            &format!("Person {number}"),
            &[
                &format!("TEL:+493000{number}"),
                &format!("NOTE:old note {number}"),
                &format!("ORG:old org {number}"),
            ],
        );
        if chance.bool() {
            world.put_file(&format!("c{number}.vcf"), text.as_bytes());
        } else {
            world.add_pc(&text);
        }
    }
    sync(&mut world);
    let file_of = |world: &World, uid: &str| {
        let cards = world.phone_cards();
        cards.into_iter().find(|(_, card)| card.uid().as_deref() == Some(uid)).map(|(name, _)| name)
    };
    for number in 0..count {
        let uid = format!("u{number}");
        let file = file_of(&world, &uid).unwrap();
        let edit = |text: &str, word: &str| {
            text.replace(&format!("old {word} {number}"), &format!("new {word} {number}"))
        };
        match chance.u32(0..8) {
            0 => world.edit_pc(&uid, |text| edit(text, "note")),
            1 => world.edit_file(&file, |text| edit(text, "note")),
            2 => {
                world.edit_pc(&uid, |text| edit(text, "note"));
                world.edit_file(&file, |text| edit(text, "org"));
            }
            3 => world.remove_pc(&uid),
            4 => world.remove_file(&file),
            5 => {
                world.remove_pc(&uid);
                world.edit_file(&file, |text| edit(text, "note"));
            }
            6 => {
                world.edit_pc(&uid, |text| edit(text, "note"));
                world.remove_file(&file);
            }
            _ => {}
        }
    }
    for number in 0..chance.u32(0..3) {
        world.add_pc(&card(&format!("p{number}"), &format!("Pc Person {number}"), &["TEL:+49111"]));
    }
    for number in 0..chance.u32(0..3) {
        let text = card(&format!("q{number}"), &format!("Phone Person {number}"), &["TEL:+49222"]);
        world.put_file(&format!("q{number}.vcf"), text.as_bytes());
    }
    world.later();
    let before = Scene::of(&world);
    let Some(session) = sync(&mut world).summary.session else { return };
    let mut edited = Vec::new();
    for number in 0..count {
        let uid = format!("u{number}");
        if !edits_since || chance.bool() {
            continue;
        }
        let (from, to) = (format!("TEL:+493000{number}"), format!("TEL:+499999{number}"));
        if chance.bool() {
            let Some(file) = file_of(&world, &uid) else { continue };
            world.edit_file(&file, |text| text.replace(&from, &to));
        } else {
            if world.with_book(|book| book.find_by_uid(&uid).unwrap().is_empty()) {
                continue;
            }
            world.edit_pc(&uid, |text| text.replace(&from, &to));
        }
        edited.push((uid, to));
    }
    if edits_since && chance.bool() {
        sync(&mut world);
    }
    world.later();
    undo(&mut world, session);
    let now = Scene::of(&world);
    for (uid, token) in &edited {
        let everywhere = now.phone.values().chain(now.pc.values());
        let found =
            everywhere.filter(|text| text.contains(&format!("UID:{uid}\r"))).any(|text| text.contains(token));
        assert!(found, "seed {seed}: the edit of {uid} is lost\n{now:#?}");
    }
    let is_edited = |text: &String| edited.iter().any(|(uid, _)| text.contains(&format!("UID:{uid}\r")));
    let rest = |mut scene: Scene| {
        scene.phone.retain(|_, text| !is_edited(text));
        scene.pc.retain(|_, text| !is_edited(text));
        if !edited.is_empty() {
            scene.pairs.clear();
        }
        scene
    };
    let (now, before) = (rest(now), rest(before));
    assert!(now == before, "seed {seed}, edited since: {edited:?}: now {now:#?}, before {before:#?}");
    assert_quiet(&mut world, &format!("seed {seed}"));
    release(&world, Answer::Again);
    sync(&mut world);
    world.assert_equal(&format!("seed {seed}, again"));
    assert_quiet(&mut world, &format!("seed {seed}, again"));
}

#[test]
fn a_random_session_is_taken_back_to_the_byte() {
    for seed in 0..30 {
        course(seed, false);
    }
}

#[test]
fn a_random_session_is_taken_back_around_what_was_edited_since() {
    for seed in 0..30 {
        course(seed, true);
    }
}

/// The numbers of contacts are what links and versions hang on: a contact that comes back is the same contact.
#[test]
fn a_contact_that_comes_back_on_the_pc_has_its_number() {
    let mut world = before_a_session_of_everything(6);
    let item =
        |world: &World| world.with_book(|book| book.find_by_uid("u4").unwrap().first().map(|row| row.item));
    let number = item(&world);
    assert!(number.is_some());
    let session = sync(&mut world).summary.session.unwrap();
    assert_eq!(item(&world), None);
    undo(&mut world, session);
    assert_eq!(item(&world), number);
}

/// The cable is pulled at every third container of an undo. A sync in between does nothing to what is half undone, and the
/// same undo again completes it.
#[test]
fn an_undo_that_is_cut_anywhere_is_completed_by_the_same_undo() {
    let mut world = before_a_session_of_everything(7);
    let before = Scene::of(&world);
    let session = sync(&mut world).summary.session.unwrap();
    let start = world.snapshot();
    let containers = {
        let mut world = start.world(7);
        undo(&mut world, session);
        world.trace.as_ref().unwrap().borrow().entries.iter().map(|entry| entry.number).max().unwrap()
    };
    let mut cut_short = 0;
    for (index, number) in (1..containers).step_by(3).enumerate() {
        let mut world = start.world(7);
        let faults = FaultPlan::cut_at_container(number);
        let (ended, _) =
            world.try_sync(&Run { allow_deletes: true, undo: Some(session), faults, ..Run::default() });
        cut_short +=
            usize::from(ended.is_ok_and(|ended| ended.failure.is_some() && ended.summary.session.is_some()));
        if index % 2 == 0 {
            sync(&mut world);
        }
        undo(&mut world, session);
        assert_eq!(Scene::of(&world), before, "cut at container {number} of {containers}");
        assert_quiet(&mut world, &format!("cut at container {number} of {containers}"));
    }
    assert!(cut_short >= 5, "only {cut_short} undos were cut short in the middle");
}

#[test]
fn no_session_writes_without_the_copy_that_it_is_to_make() {
    let mut world = before_a_session_of_everything(8);
    let before = Scene::of(&world);
    let folder = world.directory.path().join("safety");
    let place = SafetyPlace { folder: folder.clone(), copies: 2 };
    let keeping = Keeping { safety: Some(place), ..Keeping::default() };
    let run_with = Run { keeping, ..Run::default() };
    std::fs::write(&folder, "in the way").unwrap();
    let (ended, _) = world.try_sync(&run_with);
    let ended = ended.unwrap();
    let failure = ended.failure.unwrap().to_string();
    assert!(failure.contains("[safety] copies = 0"), "{failure}");
    assert_eq!((ended.summary.exit, ended.summary.session), (ExitCode::Failed, None));
    assert_eq!(Scene::of(&world), before);
    std::fs::remove_file(&folder).unwrap();
    let session = run(&mut world, &run_with).summary.session.unwrap();
    let copies = safety_copies(&folder);
    assert_eq!(copies.len(), 1);
    assert!(copies[0].display().to_string().ends_with(&format!("-session-{session}")));
    // It holds both sides as they were: with the PC's new contact, without the phone's.
    let options = OpenOptions { read_only: true, ..OpenOptions::default() };
    let copy = Store::open(&copies[0].join("tetherbook.db"), &options).unwrap();
    let book = Book::open(&copy, crate::world::BOOK, &*world.clock, &*world.randomness).unwrap();
    assert_eq!(book.find_by_uid("new-pc").unwrap().len(), 1);
    assert_eq!(book.find_by_uid("new-phone").unwrap().len(), 0);
    assert_eq!(book.contact_count().unwrap(), before.pc.len());
    let text = std::fs::read_to_string(copies[0].join("phone.vcf")).unwrap();
    assert_eq!(text, before_in_order(&text, &before), "every card of the phone, byte for byte");
    assert_eq!(text.matches("BEGIN:VCARD").count(), before.phone.len());
    // A session that finds nothing to do makes none.
    run(&mut world, &run_with);
    run(&mut world, &run_with);
    assert_eq!(safety_copies(&folder), copies);
    run(&mut world, &Run { undo: Some(session), ..run_with });
    assert_eq!(safety_copies(&folder).len(), 2);
}

/// The phone's cards in the order in which they stand in the text.
fn before_in_order(text: &str, before: &Scene) -> String {
    let mut cards: Vec<&String> = before.phone.values().collect();
    cards.sort_by_key(|card| text.find(card.as_str()));
    cards.into_iter().map(String::as_str).collect()
}

/// What a session told as a conflict is told again once its undo is taken back.
#[test]
fn an_undo_that_is_undone_tells_the_conflict_again() {
    let mut world = World::new("android", 640);
    let lines = |note: &str| card("u-a", "Ada", &["TEL:1", &format!("NOTE:{note}")]);
    world.put_file("a.vcf", lines("typed on the phone").as_bytes());
    world.add_pc(&lines("typed on the PC"));
    let told = |world: &World| {
        let open = world.open_conflicts().into_iter();
        open.map(|one| (one.subject, one.field, one.pc, one.phone)).collect::<Vec<_>>()
    };
    let done = sync(&mut world);
    let before = told(&world);
    assert_eq!(before.len(), 1, "{before:?}");
    let undone = undo(&mut world, done.summary.session.unwrap());
    undo(&mut world, undone.summary.session.unwrap());
    assert_eq!(told(&world), before);
    sync(&mut world);
    assert_eq!(told(&world), before);
}
