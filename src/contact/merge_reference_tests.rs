//! The shipped merge held against the naive one of `merge_reference`: the same values, the same conflicts, the same laws,
//! over contacts whose values have no PID. What the generator reached is counted, and must not become less.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use super::super::{Card, Projection};
use super::reference::{Contact, Outcome, Style, World, held, is_tellable, notes, read, reference, said};
use super::{Baseline, ConflictPolicy, Kept, MergeInput, Merged, Newer, merge};

/// A world as cards.
struct Scene {
    world: World,
    base: Baseline,
    pc: Card,
    phone: Card,
}

impl Scene {
    fn new(world: World, pc_style: Style, phone_style: Style, phone_later: Style) -> Self {
        let base = Baseline {
            pc: pc_style.card(&world.base),
            phone: phone_style.card(&held(&world.base, &world.projection)),
        };
        let (pc, phone) = (pc_style.card(&world.pc), phone_later.card(&world.phone));
        Self { world, base, pc, phone }
    }

    fn input(&self) -> MergeInput<'_> {
        MergeInput {
            base: Some(&self.base),
            pc: &self.pc,
            phone: &self.phone,
            projection: &self.world.projection,
            policy: self.world.policy,
            newest: self.world.newest,
        }
    }
}

/// How often the generator reached what the test is about.
#[derive(Default)]
struct Reached(BTreeMap<&'static str, usize>);

impl Reached {
    fn count(&mut self, what: &'static str, happened: bool) {
        *self.0.entry(what).or_default() += usize::from(happened);
    }

    fn at_least(&self, floors: &[(&'static str, usize)]) {
        for (what, floor) in floors {
            let times = self.0.get(what).copied().unwrap_or_default();
            println!("{what}: {times}");
            assert!(times >= *floor, "the generator reached {what} {times} times only, not {floor}");
        }
    }
}

/// Runs a check over generated scenes; a failure names the seed of its scene.
fn over_scenes(count: u64, mut check: impl FnMut(&mut Rng, Scene) -> Result<(), String>) {
    for seed in 0..count {
        let mut random = Rng::with_seed(seed);
        let world = World::new(&mut random);
        let (pc_style, phone_style) = (Style::new(&mut random), Style::new(&mut random));
        // Sometimes the phone wrote its card anew since.
        let later = Style { seed: random.u64(..), ..phone_style };
        let later = if random.bool() { later } else { phone_style };
        let scene = Scene::new(world, pc_style, phone_style, later);
        if let Err(why) = check(&mut random, scene) {
            panic!("seed {seed}: {why}");
        }
    }
}

fn agree<T: PartialEq + std::fmt::Debug>(what: &str, found: &T, wanted: &T) -> Result<(), String> {
    if found == wanted { Ok(()) } else { Err(format!("{what}\n found {found:?}\nwanted {wanted:?}")) }
}

fn count_reached(reached: &mut Reached, scene: &Scene, outcome: &Outcome) {
    let world = &scene.world;
    let homes = |contact: &Contact| {
        let kinds: Vec<&str> = contact
            .iter()
            .filter(|(name, _)| name.starts_with("ADR/"))
            .map(|(_, value)| said(Some(value), "kind"))
            .collect();
        kinds.len() > kinds.iter().collect::<BTreeSet<_>>().len()
    };
    let has_label = |contact: &Contact| contact.values().any(|value| value.contains_key("label"));
    reached.count("conflicts", outcome.conflicts > 0);
    reached.count("clean merges of edits on both sides", {
        let phone_base = held(&world.base, &world.projection);
        outcome.conflicts == 0 && world.pc != world.base && world.phone != phone_base
    });
    reached.count("deletions", outcome.deleted > 0);
    reached.count("deletions against edits", outcome.deleted_and_changed > 0);
    reached.count("values that both added", outcome.both_added > 0);
    reached.count("equal edits", outcome.absorbed > 0);
    reached.count("labels", has_label(&outcome.pc) && has_label(&outcome.phone));
    reached.count("masks", held(&world.pc, &world.projection) != world.pc);
    reached.count("several addresses of one kind", homes(&world.base) && homes(&world.phone));
    reached.count("repeated notes", notes(&outcome.pc) > 1);
    reached.count("mixed versions", scene.pc.version() != scene.phone.version());
    reached.count("settled by a policy", outcome.conflicts > 0 && world.winner().is_some());
}

/// I8 and the differential test: the same values, and conflicts exactly where both changed one thing differently.
#[test]
fn it_agrees_with_the_naive_merge_that_knows_which_value_is_which() {
    let mut reached = Reached::default();
    over_scenes(3000, |_, scene| {
        let wanted = reference(&scene.world);
        let merged = merge(&scene.input());
        let world = &scene.world;
        let is_tellable =
            is_tellable(&held(&world.base, &world.projection), &held(&world.pc, &world.projection))
                && is_tellable(&held(&world.base, &world.projection), &world.phone);
        reached.count("addresses that cannot be told apart", !is_tellable);
        if !is_tellable {
            // Nothing is doubled all the same, which the reading asserts.
            let _ = (read(&merged.pc), read(&merged.phone));
            return Ok(());
        }
        let shown =
            || format!("pc {:?}\nphone {:?}\nbase {:?}", scene.world.pc, scene.world.phone, scene.world.base);
        agree("PC", &read(&merged.pc).0, &wanted.pc).map_err(|why| format!("{why}\n{}", shown()))?;
        agree("phone", &read(&merged.phone).0, &wanted.phone).map_err(|why| format!("{why}\n{}", shown()))?;
        agree("conflicts", &merged.conflicts.len(), &wanted.conflicts)
            .map_err(|why| format!("{why}\n{}", shown()))?;
        let is_held = scene.world.winner().is_none();
        let as_decided = merged.conflicts.iter().all(|conflict| (conflict.kept == Kept::Held) == is_held);
        agree("decided as the policy says", &as_decided, &true)?;
        count_reached(&mut reached, &scene, &wanted);
        Ok(())
    });
    reached.at_least(&[
        ("addresses that cannot be told apart", 40),
        ("conflicts", 600),
        ("clean merges of edits on both sides", 250),
        ("deletions", 400),
        ("deletions against edits", 75),
        ("values that both added", 100),
        ("equal edits", 100),
        ("labels", 150),
        ("masks", 300),
        ("several addresses of one kind", 100),
        ("repeated notes", 60),
        ("mixed versions", 1000),
        ("settled by a policy", 150),
    ]);
}

/// I9: the two sides are treated alike.
#[test]
fn with_the_sides_swapped_it_comes_to_the_same() {
    over_scenes(1000, |_, mut scene| {
        // The mask is the phone's, so that only without one the sides can be swapped.
        if !scene.world.projection.fields.is_all() {
            return Ok(());
        }
        let there = merge(&scene.input());
        scene.world.policy = match scene.world.policy {
            ConflictPolicy::Pc => ConflictPolicy::Phone,
            ConflictPolicy::Phone => ConflictPolicy::Pc,
            other => other,
        };
        scene.world.newest = scene.world.newest.map(|newest| match newest {
            Newer::Pc => Newer::Phone,
            Newer::Phone => Newer::Pc,
        });
        std::mem::swap(&mut scene.pc, &mut scene.phone);
        std::mem::swap(&mut scene.base.pc, &mut scene.base.phone);
        let back = merge(&scene.input());
        agree("PC", &read(&back.phone).0, &read(&there.pc).0)?;
        agree("phone", &read(&back.pc).0, &read(&there.phone).0)?;
        agree("conflicts", &back.conflicts.len(), &there.conflicts.len())
    });
}

fn open(merged: &Merged) -> usize {
    merged.conflicts.iter().filter(|conflict| conflict.kept == Kept::Held).count()
}

/// I10: a merge of the result is a no-op, one side's edits arrive whole, and lines that nobody touched keep their bytes.
#[test]
fn the_laws_hold_without_pids() {
    let mut reached = Reached::default();
    over_scenes(1500, |_, scene| {
        let merged = merge(&scene.input());
        let again = merge(&MergeInput {
            base: Some(&merged.baseline),
            pc: &merged.pc,
            phone: &merged.phone,
            ..scene.input()
        });
        agree("the PC's bytes after merging again", &again.pc, &merged.pc)?;
        agree("the phone's bytes after merging again", &again.phone, &merged.phone)?;
        agree("what is open after merging again", &again.conflicts.len(), &open(&merged))?;
        reached.count("open conflicts", open(&merged) > 0);
        for (before, after) in [(&scene.pc, &merged.pc), (&scene.phone, &merged.phone)] {
            let ((old, old_raw), (new, new_raw)) = (read(before), read(after));
            let untouched = old.iter().filter(|(name, value)| {
                let is_item = name.starts_with("CATEGORIES/");
                !is_item && new.get(*name) == Some(*value)
            });
            for (name, _) in untouched {
                agree(name, &new_raw.get(name), &old_raw.get(name))?;
                reached.count("lines that stay in cards that change", before != after);
            }
        }
        let base = Baseline { pc: scene.base.pc.clone(), phone: scene.base.pc.clone() };
        let all = Projection::default();
        let one = MergeInput { base: Some(&base), projection: &all, ..scene.input() };
        for (pc, phone) in [(&base.pc, &scene.pc), (&scene.pc, &base.pc), (&scene.pc, &scene.pc)] {
            let merged = merge(&MergeInput { pc, phone, ..one });
            agree("PC", &read(&merged.pc).0, &scene.world.pc)?;
            agree("phone", &read(&merged.phone).0, &scene.world.pc)?;
            agree("conflicts", &merged.conflicts.len(), &0)?;
        }
        Ok(())
    });
    reached.at_least(&[("open conflicts", 150), ("lines that stay in cards that change", 2500)]);
}

/// PIDs are neither needed nor believed: two programs give them independently.
#[test]
fn pids_change_nothing() {
    let mut reached = Reached::default();
    over_scenes(800, |random, scene| {
        let style = |random: &mut Rng, has_pid| Style { version: "4.0", seed: random.u64(..), has_pid };
        let (pc_seed, phone_seed) = (style(random, false), style(random, false));
        let with = |style: Style, has_pid| Style { has_pid, ..style };
        let world = || World { policy: ConflictPolicy::Hold, ..scene.world.clone() };
        let plain = Scene::new(world(), pc_seed, phone_seed, phone_seed);
        let numbered =
            Scene::new(world(), with(pc_seed, true), with(phone_seed, true), with(phone_seed, true));
        let (plain, numbered) = (merge(&plain.input()), merge(&numbered.input()));
        agree("PC", &read(&numbered.pc).0, &read(&plain.pc).0)?;
        agree("phone", &read(&numbered.phone).0, &read(&plain.phone).0)?;
        reached.count("conflicts", !plain.conflicts.is_empty());
        agree("conflicts", &numbered.conflicts.len(), &plain.conflicts.len())
    });
    reached.at_least(&[("conflicts", 150)]);
}

fn card(lines: &[&str]) -> Card {
    let lines = lines.join("\r\n");
    Card::parse(format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann\r\n{lines}\r\nEND:VCARD\r\n").as_bytes())
        .unwrap()
}

fn addresses(card: &Card) -> Vec<String> {
    let properties = card.properties().into_iter().filter(|property| property.name == "ADR");
    let mut found: Vec<String> = properties.map(|property| property.components().join("|")).collect();
    found.sort();
    found
}

fn held_merge(base: &Card, pc: &Card, phone: &Card) -> Merged {
    let base = Baseline { pc: base.clone(), phone: base.clone() };
    let projection = Projection::default();
    let policy = ConflictPolicy::Hold;
    merge(&MergeInput { base: Some(&base), pc, phone, projection: &projection, policy, newest: None })
}

/// The PC's owner replaced one address by another, and the phone's owner brought the same other one.
#[test]
fn an_address_that_comes_on_both_sides_is_not_doubled() {
    let (old, new) = ("ADR:;;Street 1;Old Town;;1;Land", "ADR:;;Street 1;New Town;;2;Land");
    let merged = held_merge(&card(&[old]), &card(&[new]), &card(&[old, new]));
    assert_eq!(addresses(&merged.pc), ["||Street 1|New Town||2|Land"]);
    assert_eq!(addresses(&merged.phone), addresses(&merged.pc));
    assert!(merged.conflicts.is_empty());
}

/// What is left of two addresses in one country is known by its town, not by standing first.
#[test]
fn an_address_is_known_by_what_it_shares_most_of() {
    let base = card(&["ADR:;;Street 1;Town;;1;Land", "ADR:;;Street 2;City;;2;Land"]);
    let pc = card(&["ADR:;;Street 9;City;;2;Land"]);
    let phone = card(&["ADR:;;Street 1;Town;;1;Land", "ADR:;;Street 2;City;Region;2;Land"]);
    let merged = held_merge(&base, &pc, &phone);
    assert_eq!(addresses(&merged.pc), ["||Street 9|City|Region|2|Land"]);
    assert_eq!(addresses(&merged.phone), addresses(&merged.pc));
    assert!(merged.conflicts.is_empty());
}
