//! Generated contacts for the laws of the merge: what people do to a contact on two sides, how each side writes
//! it, and how a card is read back into things and their attributes, independently of the code under test.

use std::collections::BTreeMap;

use base64::Engine as _;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{Card, FieldLimits, FieldMask, Projection, Property, Version};
use super::{Baseline, ConflictPolicy, MergeInput};

/// What a person may do to a contact. Numbers pick values from small pools, so that both sides meet.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Single(usize, u8),
    Name(usize, u8),
    Org(usize, u8),
    Photo(u8),
    Tel(u8),
    TelKind(u8, u8),
    TelPreferred(u8),
    TelLabel(u8, u8),
    Mail(u8),
    Address(bool, usize, u8),
    NoAddress(bool),
    Nick(u8),
    Custom(u8),
    CustomParam(u8, u8),
}

const SINGLES: [&str; 4] = ["FN", "TITLE", "NOTE", "BDAY"];
const KINDS: [&str; 4] = ["", "home", "work", "cell"];

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..4_usize, 0..4_u8).prop_map(|(which, value)| Act::Single(which, value)),
        2 => (0..5_usize, 0..3_u8).prop_map(|(part, value)| Act::Name(part, value)),
        1 => (0..2_usize, 0..3_u8).prop_map(|(part, value)| Act::Org(part, value)),
        1 => (0..3_u8).prop_map(Act::Photo),
        5 => (0..5_u8).prop_map(Act::Tel),
        3 => (0..5_u8, 0..4_u8).prop_map(|(tel, kind)| Act::TelKind(tel, kind)),
        1 => (0..5_u8).prop_map(Act::TelPreferred),
        3 => (0..5_u8, 0..3_u8).prop_map(|(tel, label)| Act::TelLabel(tel, label)),
        2 => (0..4_u8).prop_map(Act::Mail),
        3 => (any::<bool>(), 2..6_usize, 0..3_u8).prop_map(|(home, part, value)| Act::Address(home, part, value)),
        1 => any::<bool>().prop_map(Act::NoAddress),
        2 => (0..4_u8).prop_map(Act::Nick),
        2 => (0..4_u8).prop_map(Act::Custom),
        1 => (0..4_u8, 0..3_u8).prop_map(|(custom, value)| Act::CustomParam(custom, value)),
    ]
}

/// Two acts on one thing, one for each side, mostly with different results: what independent acts rarely reach.
fn clash() -> impl Strategy<Value = (Act, Act)> {
    let two = || (0..4_u8, 0..4_u8);
    prop_oneof![
        (0..4_usize, two())
            .prop_map(|(which, (one, other))| (Act::Single(which, one), Act::Single(which, other))),
        (0..5_usize, two()).prop_map(|(part, (one, other))| (Act::Name(part, one), Act::Name(part, other))),
        two().prop_map(|(one, other)| (Act::Photo(one), Act::Photo(other))),
        (0..5_u8, two()).prop_map(|(tel, (one, other))| (Act::TelKind(tel, one), Act::TelKind(tel, other))),
        (0..5_u8, two()).prop_map(|(tel, (one, other))| (Act::TelLabel(tel, one), Act::TelLabel(tel, other))),
        (0..5_u8, 0..4_u8).prop_map(|(tel, kind)| (Act::Tel(tel), Act::TelKind(tel, kind))),
        (any::<bool>(), 2..6_usize, two()).prop_map(|(home, part, (one, other))| {
            (Act::Address(home, part, one), Act::Address(home, part, other))
        }),
        (any::<bool>(), 2..6_usize, 0..4_u8)
            .prop_map(|(home, part, one)| (Act::Address(home, part, one), Act::NoAddress(home))),
    ]
}

/// A contact: things by name, each with its attributes that are not empty.
pub(super) type Model = BTreeMap<String, BTreeMap<String, String>>;

fn toggle(model: &mut Model, thing: &str) {
    if model.remove(thing).is_none() {
        model.insert(thing.to_owned(), BTreeMap::new());
    }
}

/// Sets an attribute of a thing that is there, or makes the thing; empty takes the attribute off.
fn put(model: &mut Model, thing: &str, attribute: &str, value: &str, make: bool) {
    if !make && !model.contains_key(thing) {
        return;
    }
    let attributes = model.entry(thing.to_owned()).or_default();
    if value.is_empty() {
        attributes.remove(attribute);
    } else {
        attributes.insert(attribute.to_owned(), value.to_owned());
    }
    if make && attributes.is_empty() {
        model.remove(thing);
    }
}

/// A pool's text: none for 0.
fn text(word: &str, number: u8) -> String {
    if number == 0 { String::new() } else { format!("{word} é{number},;x") }
}

fn apply(model: &mut Model, act: &Act) {
    match act {
        Act::Single(which, value) => {
            let name = SINGLES[*which];
            let value = match name {
                "FN" => text("Ann", value + 1),
                "BDAY" if *value > 0 => format!("1980022{value}"),
                "BDAY" => String::new(),
                _ => text("line\nand", *value),
            };
            put(model, name, "value", &value, true);
        }
        Act::Name(part, value) => {
            let value = if *part == 0 { value + 1 } else { *value };
            put(model, "N", &part.to_string(), &text("Lee", value), true);
        }
        Act::Org(part, value) => put(model, "ORG", &part.to_string(), &text("Acme", *value), true),
        Act::Photo(value) => {
            let bytes = if *value == 0 { String::new() } else { format!("photo{value}").repeat(30) };
            put(model, "PHOTO", "value", &bytes, true);
        }
        Act::Tel(tel) => toggle(model, &format!("TEL/+4917{tel}")),
        Act::TelKind(tel, kind) => {
            put(model, &format!("TEL/+4917{tel}"), "kind", KINDS[usize::from(*kind)], false);
        }
        Act::TelPreferred(tel) => put(model, &format!("TEL/+4917{tel}"), "pref", "pref", false),
        Act::TelLabel(tel, label) => {
            put(model, &format!("TEL/+4917{tel}"), "label", &text("Boat", *label), false);
        }
        Act::Mail(mail) => toggle(model, &format!("EMAIL/a{mail}@example.org")),
        Act::Address(home, part, value) => {
            let kind = if *home { "home" } else { "work" };
            let thing = format!("ADR/{kind}");
            put(model, &thing, "6", &format!("{kind} land"), true);
            put(model, &thing, &part.to_string(), &text(&format!("{kind} {part}"), *value), true);
        }
        Act::NoAddress(home) => {
            model.remove(if *home { "ADR/home" } else { "ADR/work" });
        }
        Act::Nick(nick) => toggle(model, &format!("NICKNAME/n{nick}")),
        Act::Custom(custom) => toggle(model, &format!("X-CUSTOM/c{custom}")),
        Act::CustomParam(custom, value) => {
            let value = if *value == 0 { String::new() } else { format!("v{value}") };
            put(model, &format!("X-CUSTOM/c{custom}"), "param", &value, false);
        }
    }
}

fn acted(model: &Model, acts: &[Act]) -> Model {
    let mut model = model.clone();
    acts.iter().for_each(|act| apply(&mut model, act));
    model
}

/// What the phone keeps of one attribute of a thing.
fn attribute_held(projection: &Projection, thing: &str, name: &str, value: &str) -> Option<String> {
    let property = thing.split('/').next().unwrap_or_default();
    let limits = &projection.limits;
    let text = |property: &str| {
        let plain = if limits.ascii { value.replace('é', "e") } else { value.to_owned() };
        let length = limits.length_max.get(property).copied().unwrap_or(usize::MAX);
        plain.chars().take(length).collect::<String>().trim().to_owned()
    };
    let held = match name {
        "kind" => limits.kinds.as_ref().is_none_or(|kinds| kinds.contains(value)),
        "pref" => !limits.no_preference,
        "param" => !limits.no_parameters,
        "label" => return projection.holds_property("X-ABLABEL").then(|| text("X-ABLABEL")),
        "value" if property == "PHOTO" => limits.photo_bytes_max.is_none_or(|max| value.len() + 3 <= max),
        "value" => return Some(text(property)),
        component => {
            let index: usize = component.parse().unwrap();
            let held = limits.components.get(property).is_none_or(|held| held.contains(&index));
            return held.then(|| text(property));
        }
    };
    held.then(|| value.to_owned())
}

/// What the phone keeps of a contact, however many values there are of each.
pub(super) fn projected(model: &Model, projection: &Projection) -> Model {
    let mut kept = Model::new();
    for (thing, attributes) in model {
        let name = thing.split('/').next().unwrap_or_default();
        let held: BTreeMap<String, String> = attributes
            .iter()
            .filter_map(|(name, value)| Some((name.clone(), attribute_held(projection, thing, name, value)?)))
            .collect();
        let is_said = !held.is_empty() || thing.contains('/');
        if projection.holds_property(name) && is_said {
            kept.insert(thing.clone(), held);
        }
    }
    kept
}

/// How a side happens to write things.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    pub(super) version: Version,
    /// Changes the order of lines, the case of types and the dress of numbers.
    pub(super) habit: u8,
}

fn style() -> impl Strategy<Value = Style> {
    (prop_oneof![1 => Just(Version::V21), 3 => Just(Version::V30), 1 => Just(Version::V40)], 0..4_u8)
        .prop_map(|(version, habit)| Style { version, habit })
}

impl Style {
    fn value(self, texts: &[&str], separator: &str) -> (String, String) {
        if self.version == Version::V21 {
            let encoded: Vec<String> = texts
                .iter()
                .map(|text| {
                    text.replace('\n', "\r\n")
                        .bytes()
                        .map(|byte| {
                            if byte.is_ascii_alphanumeric() {
                                char::from(byte).to_string()
                            } else {
                                format!("={byte:02X}")
                            }
                        })
                        .collect()
                })
                .collect();
            return (";CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE".to_owned(), encoded.join(separator));
        }
        let escaped: Vec<String> = texts
            .iter()
            .map(|text| {
                text.replace('\\', "\\\\").replace('\n', "\\n").replace(',', "\\,").replace(';', "\\;")
            })
            .collect();
        (String::new(), escaped.join(separator))
    }

    fn kinds(self, kind: Option<&String>, preferred: bool) -> String {
        let case =
            |word: &str| if self.habit.is_multiple_of(2) { word.to_uppercase() } else { word.to_owned() };
        let mut words: Vec<String> = kind.iter().map(|kind| case(kind)).collect();
        if preferred && self.version != Version::V40 {
            words.push(case("pref"));
        }
        if self.habit > 1 && self.version != Version::V40 {
            words.push(case("voice"));
            words.reverse();
        }
        let types: String = match (self.version, words.is_empty()) {
            (_, true) => String::new(),
            (Version::V21, false) => words.iter().map(|word| format!(";{word}")).collect(),
            _ if self.habit == 1 => words.iter().map(|word| format!(";TYPE={word}")).collect(),
            _ => format!(";TYPE={}", words.join(",")),
        };
        if preferred && self.version == Version::V40 { format!("{types};PREF=1") } else { types }
    }

    fn number(self, number: &str) -> String {
        let digits = number.trim_start_matches('+');
        match self.habit {
            0 => number.to_owned(),
            1 => format!("+{} ({}) {}", &digits[..2], &digits[2..3], &digits[3..]),
            2 => format!("00{}-{}", &digits[..2], &digits[2..]),
            _ if self.version == Version::V40 => format!("tel:{number}"),
            _ => format!("+{} {}", &digits[..3], &digits[3..]),
        }
    }

    fn lines(self, thing: &str, attributes: &BTreeMap<String, String>, group: usize) -> Vec<String> {
        let (name, id) = thing.split_once('/').unwrap_or((thing, ""));
        let part = |index: usize| attributes.get(&index.to_string()).map_or("", String::as_str);
        match name {
            "N" | "ADR" | "ORG" => {
                let count = match name {
                    "N" => 5,
                    "ADR" => 7,
                    _ => 2,
                };
                let texts: Vec<&str> = (0..count).map(part).collect();
                let (params, value) = self.value(&texts, ";");
                let kind = id.to_owned();
                vec![format!(
                    "{name}{}{params}:{value}",
                    self.kinds((!id.is_empty()).then_some(&kind), false)
                        .replace(";VOICE", "")
                        .replace(";voice", "")
                        .replace("VOICE,", "")
                        .replace("voice,", "")
                        .replace(";TYPE=VOICE", "")
                        .replace(";TYPE=voice", "")
                )]
            }
            "PHOTO" => {
                let bytes = [b"\xff\xd8\xff", attributes["value"].as_bytes()].concat();
                let data = base64::engine::general_purpose::STANDARD.encode(bytes);
                vec![match self.version {
                    Version::V21 => {
                        format!("PHOTO;JPEG;ENCODING=BASE64:\r\n {}\r\n {}\r\n", &data[..60], &data[60..])
                    }
                    Version::V30 => format!("PHOTO;ENCODING=b;TYPE=JPEG:{}\r\n {}", &data[..60], &data[60..]),
                    Version::V40 => format!("PHOTO:data:image/jpeg;base64,{data}"),
                }]
            }
            "TEL" => {
                let uri = if self.version == Version::V40 && self.habit == 3 { ";VALUE=uri" } else { "" };
                let kinds = self.kinds(attributes.get("kind"), attributes.contains_key("pref"));
                let line = format!("TEL{kinds}{uri}:{}", self.number(id));
                match attributes.get("label") {
                    None => vec![line],
                    Some(label) => {
                        let (params, value) = self.value(&[label], "");
                        vec![format!("item{group}.{line}"), format!("item{group}.X-ABLabel{params}:{value}")]
                    }
                }
            }
            "EMAIL" => vec![format!("EMAIL:{id}")],
            "X-CUSTOM" => {
                let param = attributes.get("param").map_or(String::new(), |value| format!(";X-P={value}"));
                vec![format!("X-CUSTOM{param}:{id}")]
            }
            _ => {
                let (params, value) = self.value(&[attributes.get("value").map_or("", String::as_str)], "");
                vec![format!("{name}{params}:{value}")]
            }
        }
    }

    pub(super) fn card(self, model: &Model) -> Card {
        let mut blocks: Vec<Vec<String>> = model
            .iter()
            .filter(|(thing, _)| !thing.starts_with("NICKNAME"))
            .enumerate()
            .map(|(place, (thing, attributes))| self.lines(thing, attributes, place + 1))
            .collect();
        let nicks: Vec<&str> = model.keys().filter_map(|thing| thing.strip_prefix("NICKNAME/")).collect();
        if !nicks.is_empty() {
            blocks.push(vec![format!("NICKNAME:{}", nicks.join(","))]);
        }
        if self.habit % 2 == 1 {
            blocks.reverse();
        }
        let lines: Vec<String> = blocks.concat();
        let version = self.version.text();
        let text = format!(
            "BEGIN:VCARD\r\nVERSION:{version}\r\nREV:{}\r\n{}\r\nEND:VCARD\r\n",
            self.habit,
            lines.join("\r\n")
        );
        Card::parse(text.as_bytes()).unwrap()
    }
}

/// Reads a card back into things, and says which raw line each thing stands in.
pub(super) fn read(card: &Card) -> (Model, BTreeMap<String, Vec<u8>>) {
    let mut model = Model::new();
    let mut raw = BTreeMap::new();
    let properties = card.properties();
    for property in &properties {
        let kinds: Vec<String> =
            property.types().into_iter().filter(|kind| kind != "voice" && kind != "pref").collect();
        let mut attributes = BTreeMap::new();
        let thing = match property.name.as_str() {
            "REV" | "X-ABLABEL" => continue,
            "NICKNAME" => {
                for nick in property.list().iter().filter(|nick| !nick.is_empty()) {
                    model.insert(format!("NICKNAME/{nick}"), BTreeMap::new());
                }
                continue;
            }
            name @ ("N" | "ADR" | "ORG") => {
                for (index, component) in
                    property.components().into_iter().enumerate().filter(|(_, text)| !text.is_empty())
                {
                    attributes.insert(index.to_string(), component);
                }
                if attributes.is_empty() {
                    continue;
                }
                if name == "ADR" { format!("ADR/{}", kinds.join(",")) } else { name.to_owned() }
            }
            "TEL" => {
                if !kinds.is_empty() {
                    attributes.insert("kind".to_owned(), kinds.join(","));
                }
                if property.preference() == Some(1) {
                    attributes.insert("pref".to_owned(), "pref".to_owned());
                }
                let mine = |other: &&Property| other.name == "X-ABLABEL" && other.group == property.group;
                if let Some(label) = properties.iter().find(mine) {
                    attributes.insert("label".to_owned(), label.text());
                }
                format!("TEL/{}", super::super::normal_phone(&property.text()))
            }
            "EMAIL" => format!("EMAIL/{}", property.text()),
            "X-CUSTOM" => {
                if let Some(value) = property.param("X-P") {
                    attributes.insert("param".to_owned(), value.to_owned());
                }
                format!("X-CUSTOM/{}", property.text())
            }
            "PHOTO" => {
                let bytes = property.binary().unwrap();
                attributes.insert("value".to_owned(), String::from_utf8_lossy(&bytes[3..]).into_owned());
                "PHOTO".to_owned()
            }
            name => {
                attributes.insert("value".to_owned(), property.text().replace('-', ""));
                name.to_owned()
            }
        };
        raw.insert(thing.clone(), property.raw().to_vec());
        assert!(model.insert(thing.clone(), attributes).is_none(), "{thing} twice");
    }
    (model, raw)
}

#[derive(Clone, Debug)]
pub(super) struct World {
    base: Vec<Act>,
    pc: Vec<Act>,
    phone: Vec<Act>,
    pc_style: Style,
    phone_style: Style,
    /// How the phone writes the card now, if it re-encoded it.
    phone_later: Option<u8>,
    projection: Projection,
    policy: ConflictPolicy,
}

/// Limits that the contacts of these worlds reach.
fn limits() -> impl Strategy<Value = FieldLimits> {
    let texts = ["FN", "TITLE", "NOTE", "N", "ADR", "ORG", "X-ABLABEL"];
    let lengths = proptest::sample::subsequence(texts.to_vec(), 0..5)
        .prop_flat_map(|names| {
            let count = names.len();
            (Just(names), vec(4..14_usize, count))
        })
        .prop_map(|(names, lengths)| names.into_iter().map(str::to_owned).zip(lengths).collect());
    let components = prop_oneof![
        2 => Just(Vec::new()),
        1 => Just(vec![("N".to_owned(), [0, 1].into())]),
        1 => Just(vec![("ORG".to_owned(), [0].into()), ("ADR".to_owned(), [2, 3, 6].into())]),
    ];
    // An address of these worlds is known by its kind, so the kinds it may have stay; `merge_held` drops them all.
    let kinds = prop_oneof![1 => Just(None), 1 => Just(Some(vec!["home".to_owned(), "work".to_owned()]))];
    let photo = prop_oneof![2 => Just(None), 1 => Just(Some(100))];
    let flags = (proptest::bool::weighted(0.3), proptest::bool::weighted(0.3), proptest::bool::weighted(0.3));
    (lengths, components, kinds, photo, flags).prop_map(|(length_max, components, kinds, photo, flags)| {
        FieldLimits {
            length_max,
            components: components.into_iter().collect(),
            kinds: kinds.map(|kinds| kinds.into_iter().collect()),
            photo_bytes_max: photo,
            ascii: flags.0,
            no_preference: flags.1,
            no_parameters: flags.2,
            ..FieldLimits::default()
        }
    })
}

/// How many values of a kind the phone holds.
pub(super) fn counts() -> impl Strategy<Value = FieldLimits> {
    (1..4_usize, 1..3_usize, 1..3_usize).prop_map(|(tel, mail, nick)| {
        let counts = [("TEL", tel), ("EMAIL", mail), ("NICKNAME", nick)];
        FieldLimits {
            count_max: counts.into_iter().map(|(name, count)| (name.to_owned(), count)).collect(),
            ..FieldLimits::default()
        }
    })
}

fn projection() -> impl Strategy<Value = Projection> {
    let names =
        ["FN", "N", "TEL", "EMAIL", "ADR", "ORG", "PHOTO", "NOTE", "NICKNAME", "X-CUSTOM", "X-ABLABEL"];
    let fields = prop_oneof![
        3 => Just(FieldMask::all()),
        2 => proptest::sample::subsequence(names.to_vec(), 3..10).prop_map(FieldMask::only),
    ];
    let limits = prop_oneof![2 => Just(FieldLimits::default()), 3 => limits()];
    (fields, limits).prop_map(|(fields, limits)| Projection { fields, limits })
}

pub(super) fn world() -> impl Strategy<Value = World> {
    let policy = prop_oneof![
        3 => Just(ConflictPolicy::Hold),
        1 => Just(ConflictPolicy::Phone),
        1 => Just(ConflictPolicy::Pc),
    ];
    let later = prop_oneof![2 => Just(None), 1 => (0..4_u8).prop_map(Some)];
    let clashes = prop_oneof![1 => Just(Vec::new()), 3 => vec(clash(), 1..5)];
    let sides = (vec(act(), 4..30), vec(act(), 0..6), vec(act(), 0..6), clashes);
    (sides, style(), style(), later, projection(), policy).prop_map(
        |((base, mut pc, mut phone, clashes), pc_style, phone_style, phone_later, projection, policy)| {
            for (one, other) in clashes {
                pc.push(one);
                phone.push(other);
            }
            World { base, pc, phone, pc_style, phone_style, phone_later, projection, policy }
        },
    )
}

/// A world made into models and cards.
pub(super) struct Scene {
    pub(super) base: Model,
    pub(super) pc: Model,
    pub(super) phone: Model,
    pub(super) base_cards: Baseline,
    pub(super) pc_card: Card,
    pub(super) phone_card: Card,
    pub(super) projection: Projection,
    pub(super) policy: ConflictPolicy,
}

impl Scene {
    /// The world with a phone that holds everything.
    pub(super) fn unlimited(world: &World) -> Self {
        Self::new(&World { projection: Projection::default(), ..world.clone() })
    }

    pub(super) fn new(world: &World) -> Self {
        let start = acted(&Model::new(), &[Act::Single(0, 0), Act::Name(0, 0)]);
        let base = acted(&start, &world.base);
        let pc = acted(&base, &world.pc);
        let phone_base = projected(&base, &world.projection);
        let phone = projected(&acted(&phone_base, &world.phone), &world.projection);
        let later =
            Style { habit: world.phone_later.unwrap_or(world.phone_style.habit), ..world.phone_style };
        Self {
            base_cards: Baseline {
                pc: world.pc_style.card(&base),
                phone: world.phone_style.card(&phone_base),
            },
            pc_card: world.pc_style.card(&pc),
            phone_card: later.card(&phone),
            base,
            pc,
            phone,
            projection: world.projection.clone(),
            policy: world.policy,
        }
    }

    pub(super) fn input(&self) -> MergeInput<'_> {
        MergeInput {
            base: Some(&self.base_cards),
            pc: &self.pc_card,
            phone: &self.phone_card,
            projection: &self.projection,
            policy: self.policy,
            newest: None,
        }
    }

    /// Whether both sides made an address of one kind that was not there: there may be two of a kind then.
    pub(super) fn has_new_addresses_on_both(&self) -> bool {
        ["ADR/home", "ADR/work"].iter().any(|thing| {
            !self.base.contains_key(*thing) && self.pc.contains_key(*thing) && self.phone.contains_key(*thing)
        })
    }
}
