//! A naive reference merge over generated contacts whose values have no PID.
//!
//! Every value carries a number here that tells which value it was before; the cards do not say it, and the shipped
//! merge has to find it out. The reference knows it, so that it needs no alignment: it goes through the values one by
//! one and through their attributes one by one, and compares three texts. It must not call the shipped merge's code,
//! nor its decoding; the cards are written and read here by hand.
//!
//! Unlike the worlds of `merge_worlds`, a contact may have several addresses of one kind, notes may repeat, lines come
//! in any order, and both sides may bring the same value.

use std::collections::{BTreeMap, BTreeSet};

use fastrand::Rng;

use super::super::{Card, FieldMask, Projection, Property};
use super::{ConflictPolicy, Newer};

/// What is said of one value, by attribute; nothing is not there.
pub(super) type Attributes = BTreeMap<&'static str, String>;

/// A contact: values by what they are, which for an address is its hidden number.
pub(super) type Contact = BTreeMap<String, Attributes>;

const KINDS: [&str; 3] = ["", "home", "work"];
const PARTS: [&str; 3] = ["street", "region", "country"];
const SINGLES: [&str; 3] = ["FN", "TITLE", "BDAY"];

/// The value with this attribute as text; empty if it is not said.
pub(super) fn said<'a>(value: Option<&'a Attributes>, name: &str) -> &'a str {
    value.and_then(|value| value.get(name)).map_or("", String::as_str)
}

fn set(value: &mut Attributes, name: &'static str, text: &str) {
    value.remove(name);
    if !text.is_empty() {
        value.insert(name, text.to_owned());
    }
}

/// What a person does to a contact. Of addresses it does not touch the town and the code, by which they are known.
fn act(random: &mut Rng, contact: &mut Contact, next_address: &mut usize) {
    let pick = |random: &mut Rng, contact: &Contact, property: &str| -> Option<String> {
        let known: Vec<&String> = contact.keys().filter(|name| name.starts_with(property)).collect();
        random.choice(known).cloned()
    };
    match random.u8(0..14) {
        0 => {
            let name = SINGLES[random.usize(..SINGLES.len())];
            single(random, contact, name);
        }
        1 => {
            let part = ["family", "given", "middle"][random.usize(..3)];
            let text = ["", "Lee", "Ray"][random.usize(usize::from(part == "family")..3)];
            set(contact.entry("N".into()).or_default(), part, text);
        }
        2..=4 => {
            let property = ["TEL", "EMAIL", "CATEGORIES"][random.usize(..3)];
            let name = format!("{property}/{}", random.u8(..5));
            if contact.remove(&name).is_none() {
                contact.insert(name, Attributes::new());
            }
        }
        5 | 6 => {
            if let Some(value) = pick(random, contact, "TEL/").and_then(|name| contact.get_mut(&name)) {
                set(value, "kind", KINDS[random.usize(..3)]);
            }
        }
        7 | 8 => {
            let property = ["TEL/", "EMAIL/"][random.usize(..2)];
            if let Some(value) = pick(random, contact, property).and_then(|name| contact.get_mut(&name)) {
                set(value, "label", ["", "Boat", "Cabin"][random.usize(..3)]);
            }
        }
        9 => new_address(random, contact, next_address),
        10 | 11 => {
            if let Some(value) = pick(random, contact, "ADR/").and_then(|name| contact.get_mut(&name)) {
                set(value, PARTS[random.usize(..3)], ["", "Alpha", "Beta"][random.usize(..3)]);
            }
        }
        12 => {
            if let Some(name) = pick(random, contact, "ADR/") {
                contact.remove(&name);
            }
        }
        _ => {
            let name = format!("NOTE/{}", random.u8(..3));
            if contact.remove(&name).is_none() {
                contact.insert(name, Attributes::new());
            }
        }
    }
}

/// What independent edits rarely come to: both sides do something to one value that they have.
fn clash(random: &mut Rng, pc: &mut Contact, phone: &mut Contact) {
    let shared: Vec<String> = pc.keys().filter(|name| phone.contains_key(*name)).cloned().collect();
    let Some(name) = random.choice(shared) else { return };
    let is_same_part = random.bool();
    let (kinds, part) = (random.bool(), random.usize(..3));
    for side in [pc, phone] {
        let part = if is_same_part { part } else { random.usize(..3) };
        let text = random.usize(..3);
        let property = property_of(&name);
        if SINGLES.contains(&property) {
            single(random, side, &name);
        } else if property != "N" && random.u8(..4) == 0 {
            side.remove(&name);
        } else if let Some(value) = side.get_mut(&name) {
            match property {
                "N" => set(value, ["given", "middle"][part % 2], ["", "Lee", "Ray"][text]),
                "ADR" => set(value, PARTS[part], ["", "Alpha", "Beta"][text]),
                "TEL" if kinds => set(value, "kind", KINDS[text]),
                "TEL" | "EMAIL" => set(value, "label", ["", "Boat", "Cabin"][text]),
                _ => {}
            }
        }
    }
}

fn single(random: &mut Rng, contact: &mut Contact, name: &str) {
    let texts = match name {
        "FN" => ["Ann Lee", "Ann Ray", "Bo Lee"],
        "BDAY" => ["", "19800102", "19810102"],
        _ => ["", "Cook", "Baker"],
    };
    let text = texts[random.usize(..3)];
    if text.is_empty() {
        contact.remove(name);
    } else {
        contact.insert(name.to_owned(), Attributes::from([("text", text.to_owned())]));
    }
}

fn new_address(random: &mut Rng, contact: &mut Contact, next_address: &mut usize) {
    let mut value = Attributes::new();
    set(&mut value, "kind", KINDS[random.usize(..3)]);
    for part in PARTS {
        set(&mut value, part, ["", "Alpha", "Beta"][random.usize(..3)]);
    }
    contact.insert(format!("ADR/{next_address}"), value);
    *next_address += 1;
}

/// The three states of a contact, what the phone holds, and what is done about a clash.
#[derive(Clone)]
pub(super) struct World {
    pub(super) base: Contact,
    pub(super) pc: Contact,
    pub(super) phone: Contact,
    pub(super) projection: Projection,
    pub(super) policy: ConflictPolicy,
    pub(super) newest: Option<Newer>,
}

impl World {
    pub(super) fn new(random: &mut Rng) -> Self {
        let mut base = Contact::from([
            ("FN".into(), Attributes::from([("text", "Ann Lee".into())])),
            ("N".into(), Attributes::from([("family", "Lee".into())])),
        ]);
        let (mut next, mut next_pc, mut next_phone) = (0, 10, 20);
        for _ in 0..random.usize(3..20) {
            act(random, &mut base, &mut next);
        }
        let projection = Projection {
            fields: if random.u8(..3) == 0 {
                let held = ["FN", "N", "TEL", "ADR", "NOTE", "X-ABLABEL"];
                FieldMask::only(held.into_iter().filter(|name| *name == "X-ABLABEL" || random.u8(..5) > 0))
            } else {
                FieldMask::all()
            },
            ..Projection::default()
        };
        let mut pc = base.clone();
        let mut phone = held(&base, &projection);
        for _ in 0..random.usize(0..7) {
            act(random, &mut pc, &mut next_pc);
        }
        for _ in 0..random.usize(0..7) {
            act(random, &mut phone, &mut next_phone);
        }
        for _ in 0..random.usize(..4) {
            clash(random, &mut pc, &mut phone);
        }
        // The same address comes on both sides, perhaps for another use.
        if random.u8(..5) == 0 {
            new_address(random, &mut pc, &mut 30);
            let mut twin = pc.get("ADR/30").cloned().unwrap();
            set(&mut twin, "kind", KINDS[random.usize(..3)]);
            phone.insert("ADR/30".into(), twin);
        }
        let phone = held(&phone, &projection);
        let policies = [
            ConflictPolicy::Hold,
            ConflictPolicy::Hold,
            ConflictPolicy::Pc,
            ConflictPolicy::Phone,
            ConflictPolicy::Newest,
        ];
        let newest = [None, Some(Newer::Pc), Some(Newer::Phone)][random.usize(..3)];
        Self { base, pc, phone, projection, policy: policies[random.usize(..5)], newest }
    }

    pub(super) fn winner(&self) -> Option<Newer> {
        match self.policy {
            ConflictPolicy::Pc => Some(Newer::Pc),
            ConflictPolicy::Phone => Some(Newer::Phone),
            ConflictPolicy::Newest => self.newest,
            ConflictPolicy::Hold | ConflictPolicy::Both => None,
        }
    }
}

/// The parts of an address that are filled, of which town and code are its own.
fn filled<'a>(name: &'a str, value: &'a Attributes) -> Vec<(&'static str, &'a str)> {
    let own = [("town", name), ("code", name)];
    let others = PARTS.iter().map(|part| (*part, said(Some(value), part)));
    own.into_iter().chain(others).filter(|(_, text)| !text.is_empty()).collect()
}

/// Whether a person who sees both cards could tell which address became which: each looks most like itself, and none
/// that went looks like one that came.
pub(super) fn is_tellable(before: &Contact, now: &Contact) -> bool {
    let addresses = |contact: &Contact| -> Vec<(String, Attributes)> {
        let found = contact.iter().filter(|(name, _)| name.starts_with("ADR/"));
        found.map(|(name, value)| (name.clone(), value.clone())).collect()
    };
    let alike = |left: &(String, Attributes), right: &(String, Attributes)| {
        let right = filled(&right.0, &right.1);
        filled(&left.0, &left.1).into_iter().filter(|part| right.contains(part)).count()
    };
    let (before, now) = (addresses(before), addresses(now));
    let by_itself = |one: &(String, Attributes), others: &[(String, Attributes)]| {
        others.iter().find(|other| other.0 == one.0).map(|other| alike(one, other))
    };
    before.iter().all(|one| {
        now.iter().filter(|other| other.0 != one.0).all(|other| {
            let between = alike(one, other);
            let own = by_itself(one, &now).into_iter().chain(by_itself(other, &before)).max();
            own.map_or(between == 0, |own| own > between)
        })
    })
}

fn property_of(name: &str) -> &str {
    name.split('/').next().unwrap()
}

/// What a phone with this mask has of a contact.
pub(super) fn held(contact: &Contact, projection: &Projection) -> Contact {
    contact
        .iter()
        .filter(|(name, _)| projection.fields.holds_property(property_of(name)))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// Notes are a set where some card has two; otherwise there is one note, and its text is what changes.
fn with_one_note(contact: &Contact) -> Contact {
    let one = |(name, value): (&String, &Attributes)| match name.strip_prefix("NOTE/") {
        Some(text) => ("NOTE".to_owned(), Attributes::from([("text", text.to_owned())])),
        None => (name.clone(), value.clone()),
    };
    contact.iter().map(one).collect()
}

pub(super) fn notes(contact: &Contact) -> usize {
    contact.keys().filter(|name| name.starts_with("NOTE/")).count()
}

/// What a world comes to.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) pc: Contact,
    pub(super) phone: Contact,
    pub(super) conflicts: usize,
    /// Attributes and values that both sides changed alike.
    pub(super) absorbed: usize,
    /// Values that one side removed while the other left them alone.
    pub(super) deleted: usize,
    /// Values that one side removed and the other changed.
    pub(super) deleted_and_changed: usize,
    /// Values that are new on both sides.
    pub(super) both_added: usize,
}

/// The reference merge. For every value, and for every attribute of a value that both sides have: what only one side
/// changed goes to the other, what both changed alike stays, what both changed differently is a conflict.
pub(super) fn reference(world: &World) -> Outcome {
    let base_phone = held(&world.base, &world.projection);
    let seen_pc = held(&world.pc, &world.projection);
    let is_one = [&base_phone, &seen_pc, &world.phone].into_iter().all(|contact| notes(contact) <= 1);
    let view = |contact: &Contact| if is_one { with_one_note(contact) } else { contact.clone() };
    let (base, pc, phone) = (view(&base_phone), view(&seen_pc), view(&world.phone));
    let mut outcome = Outcome { pc: view(&world.pc), phone: phone.clone(), ..Outcome::default() };
    if is_one && !world.projection.fields.holds_property("NOTE") {
        outcome.pc = world.pc.clone();
    }
    let names: BTreeSet<&String> = base.keys().chain(pc.keys()).chain(phone.keys()).collect();
    for name in names {
        let (b, p, d) = (base.get(name), pc.get(name), phone.get(name));
        if let (Some(p), Some(d)) = (p, d) {
            outcome.both_added += usize::from(b.is_none());
            outcome.merge_value(world, name, b, p, d);
            continue;
        }
        // One side lacks the value: it removed it, or the other side brought it.
        let (pc_changed, phone_changed) = (p != b, d != b);
        let (mut pc_wins, mut phone_wins) = (pc_changed && !phone_changed, phone_changed && !pc_changed);
        if pc_changed && phone_changed && p.or(d).is_some() {
            outcome.conflicts += 1;
            outcome.deleted_and_changed += 1;
            pc_wins = world.winner() == Some(Newer::Pc);
            phone_wins = world.winner() == Some(Newer::Phone);
        } else {
            outcome.absorbed += usize::from(pc_changed && phone_changed);
            outcome.deleted += usize::from(b.is_some() && pc_changed != phone_changed);
        }
        if pc_wins {
            outcome.phone.remove(name);
            outcome.phone.extend(p.map(|value| (name.clone(), value.clone())));
        } else if phone_wins {
            outcome.pc.remove(name);
            outcome.pc.extend(d.map(|value| (name.clone(), value.clone())));
        }
    }
    let back = |contact: Contact| -> Contact {
        let one = |(name, mut value): (String, Attributes)| match (name.as_str(), value.remove("text")) {
            ("NOTE", Some(text)) => (format!("NOTE/{text}"), Attributes::new()),
            (_, Some(text)) => (name, Attributes::from([("text", text)])),
            (_, None) => (name, value),
        };
        contact.into_iter().map(one).collect()
    };
    outcome.pc = back(outcome.pc);
    outcome.phone = back(outcome.phone);
    outcome
}

impl Outcome {
    fn merge_value(
        &mut self,
        world: &World,
        name: &str,
        base: Option<&Attributes>,
        pc: &Attributes,
        phone: &Attributes,
    ) {
        let attributes: BTreeSet<&'static str> =
            base.into_iter().flatten().chain(pc).chain(phone).map(|(attribute, _)| *attribute).collect();
        for attribute in attributes {
            let (b, p, d) = (said(base, attribute), said(Some(pc), attribute), said(Some(phone), attribute));
            let (mut to_phone, mut to_pc) = (p != b && d == b, d != b && p == b);
            if p != b && d != b {
                if p == d {
                    self.absorbed += usize::from(base.is_some());
                } else {
                    self.conflicts += 1;
                    to_phone = world.winner() == Some(Newer::Pc);
                    to_pc = world.winner() == Some(Newer::Phone);
                }
            }
            if to_phone {
                set(self.phone.get_mut(name).unwrap(), attribute, p);
            }
            if to_pc {
                set(self.pc.get_mut(name).unwrap(), attribute, d);
            }
        }
    }
}

/// How a side writes cards.
#[derive(Clone, Copy)]
pub(super) struct Style {
    pub(super) version: &'static str,
    /// The order of the lines.
    pub(super) seed: u64,
    /// Whether every line has a PID, as RFC 6350 7.1 would have it.
    pub(super) has_pid: bool,
}

impl Style {
    pub(super) fn new(random: &mut Rng) -> Self {
        Self { version: ["2.1", "3.0", "4.0"][random.usize(..3)], seed: random.u64(..), has_pid: false }
    }

    fn kind(self, kind: &str) -> String {
        match (kind, self.version) {
            ("", _) => String::new(),
            (kind, "2.1") => format!(";{}", kind.to_uppercase()),
            (kind, "3.0") => format!(";TYPE={}", kind.to_uppercase()),
            (kind, _) => format!(";TYPE={kind}"),
        }
    }

    fn value(self, name: &str, value: &Attributes) -> String {
        let id = name.split('/').nth(1).unwrap_or_default();
        let kind = self.kind(said(Some(value), "kind"));
        let part = |attribute| said(Some(value), attribute);
        match property_of(name) {
            "N" => format!("N:{};{};{};;", part("family"), part("given"), part("middle")),
            "TEL" if self.seed.is_multiple_of(2) => format!("TEL{kind}:+49 (170) 10{id}"),
            "TEL" => format!("TEL{kind}:+4917010{id}"),
            "EMAIL" => format!("EMAIL:ann{id}@example.org"),
            "CATEGORIES" => format!("CATEGORIES:c{id}"),
            "NOTE" => format!("NOTE:note {id}"),
            "ADR" => format!(
                "ADR{kind}:;;{};Town {id};{};Code {id};{}",
                part("street"),
                part("region"),
                part("country")
            ),
            single => format!("{single}:{}", part("text")),
        }
    }

    pub(super) fn card(self, contact: &Contact) -> Card {
        let mut random = Rng::with_seed(self.seed);
        let mut blocks: Vec<String> = Vec::new();
        for (place, (name, value)) in contact.iter().enumerate() {
            let mut line = self.value(name, value);
            if self.has_pid && self.version == "4.0" {
                let end = property_of(name).len();
                line.insert_str(end, &format!(";PID={}.1", place + 1));
            }
            match said(Some(value), "label") {
                "" => blocks.push(format!("{line}\r\n")),
                label => blocks.push(format!("item{place}.{line}\r\nitem{place}.X-ABLabel:{label}\r\n")),
            }
        }
        random.shuffle(&mut blocks);
        let (version, lines) = (self.version, blocks.concat());
        Card::parse(format!("BEGIN:VCARD\r\nVERSION:{version}\r\n{lines}END:VCARD\r\n").as_bytes()).unwrap()
    }
}

/// Reads a card back, and says which raw line each value stands in.
pub(super) fn read(card: &Card) -> (Contact, BTreeMap<String, Vec<u8>>) {
    let (mut contact, mut raw) = (Contact::new(), BTreeMap::new());
    let properties = card.properties();
    for property in properties.iter().filter(|property| property.name != "X-ABLABEL") {
        let text = property.text();
        let mut value = Attributes::new();
        let kinds: Vec<String> = property.types().into_iter().filter(|kind| kind != "voice").collect();
        set(&mut value, "kind", &kinds.join(","));
        let label = |other: &&Property| other.name == "X-ABLABEL" && other.group == property.group;
        if let Some(label) = properties.iter().find(label) {
            set(&mut value, "label", &label.text());
        }
        let mut names = Vec::new();
        match property.name.as_str() {
            "N" => {
                for (attribute, part) in ["family", "given", "middle"].iter().zip(property.components()) {
                    set(&mut value, attribute, &part);
                }
                names.push("N".to_owned());
            }
            "TEL" => {
                let digits: String = text.chars().filter(char::is_ascii_digit).collect();
                names.push(format!("TEL/{}", digits.strip_prefix("4917010").unwrap()));
            }
            "EMAIL" => names.push(format!("EMAIL/{}", text.trim_matches(|c: char| !c.is_ascii_digit()))),
            "CATEGORIES" => {
                names.extend(property.list().iter().map(|item| format!("CATEGORIES/{}", &item[1..])));
            }
            "NOTE" => names.push(format!("NOTE/{}", &text[5..])),
            "ADR" => {
                let parts = property.components();
                let part = |index: usize| parts.get(index).map_or("", String::as_str);
                set(&mut value, "street", part(2));
                set(&mut value, "region", part(4));
                set(&mut value, "country", part(6));
                assert_eq!(
                    part(3).strip_prefix("Town "),
                    part(5).strip_prefix("Code "),
                    "two addresses in one"
                );
                names.push(format!("ADR/{}", &part(3)[5..]));
            }
            single => {
                set(&mut value, "text", &text.replace('-', ""));
                names.push(single.to_owned());
            }
        }
        for name in names {
            raw.insert(name.clone(), property.raw().to_vec());
            assert!(contact.insert(name.clone(), value.clone()).is_none(), "{name} twice");
        }
    }
    (contact, raw)
}
