//! What holds for every card of `fixtures/contacts/`: bytes kept, a second reader agrees, every conversion reads
//! back equal or says what it lost, and what is written as 4.0 is valid.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use super::translate::as_text;
use super::*;

const ALL_VERSIONS: [Version; 3] = [Version::V21, Version::V30, Version::V40];

fn files() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/contacts");
    let mut files: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "vcf"))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), fs::read(&path).unwrap()))
        .collect();
    files.sort();
    assert!(files.len() >= 29);
    files
}

fn read(name: &str) -> Vec<Result<FramedCard, BrokenCard>> {
    let (_, bytes) = files().into_iter().find(|(file, _)| file == name).unwrap();
    read_cards(&bytes, name, &Limits::default())
}

fn only(name: &str) -> FramedCard {
    let mut cards: Vec<FramedCard> = read(name).into_iter().map(Result::unwrap).collect();
    assert_eq!(cards.len(), 1, "{name}");
    cards.remove(0)
}

fn all_cards() -> Vec<(String, FramedCard)> {
    files()
        .into_iter()
        .flat_map(|(name, bytes)| {
            read_cards(&bytes, &name, &Limits::default())
                .into_iter()
                .filter_map(move |card| Some((name.clone(), card.ok()?)))
        })
        .collect()
}

fn dialect(version: Version) -> [Dialect; 2] {
    let full = match version {
        Version::V21 => Dialect::v21(),
        Version::V30 => Dialect::v30(),
        Version::V40 => Dialect::v40(),
    };
    [Dialect { folding: Folding::PhotoOnly, line_end: LineEnd::Lf, ..full.clone() }, full]
}

fn texts(card: &Card, name: &str) -> Vec<String> {
    card.properties().iter().filter(|property| property.name == name).map(Property::text).collect()
}

#[test]
fn every_card_is_read() {
    for (name, bytes) in files() {
        let cards = read_cards(&bytes, &name, &Limits::default());
        let begins = cards.iter().filter_map(|card| card.as_ref().ok()).count();
        let expected = match name.as_str() {
            "empty.vcf" => 0,
            "missing_end.vcf" => 3,
            "nested_v21.vcf" | "duplicate_uids_v40.vcf" => 2,
            _ => 1,
        };
        assert_eq!((cards.len(), begins), (expected, expected), "{name}");
    }
}

#[test]
fn unrepaired_cards_keep_every_byte() {
    for (name, bytes) in files() {
        let cards = read_cards(&bytes, &name, &Limits::default());
        if cards.iter().all(|card| card.as_ref().is_ok_and(|card| card.repairs.is_empty())) {
            let joined: Vec<u8> =
                cards.iter().flat_map(|card| card.as_ref().unwrap().card.as_bytes().to_vec()).collect();
            assert_eq!(joined, bytes, "{name}");
        }
    }
}

#[test]
fn parse_of_a_cards_bytes_is_the_card() {
    for (name, framed) in all_cards() {
        let again = Card::parse(framed.card.as_bytes()).unwrap();
        assert_eq!(again, framed.card, "{name}");
        let lines: Vec<u8> =
            framed.card.properties().iter().flat_map(|property| property.raw().to_vec()).collect();
        let frame = framed.card.as_bytes().len() - lines.len();
        assert!((20..60).contains(&frame), "{name}: {frame} bytes are no property");
        let unedited = CardEditor::of(&framed.card).finish();
        assert_eq!(unedited, framed.card, "{name}");
    }
}

#[test]
fn an_edit_changes_its_line_only() {
    for (name, framed) in all_cards() {
        let properties = framed.card.properties();
        for (at, property) in properties.iter().enumerate() {
            let mut editor = CardEditor::of(&framed.card);
            editor.replace(at, &property.to_new());
            let edited = editor.finish();
            let after = edited.properties();
            assert_eq!(after.len(), properties.len(), "{name} {}", property.name);
            for (old, new) in properties.iter().zip(&after) {
                if old.index() == at {
                    // A control character cannot be written; it becomes a space.
                    let plain = |line: &Property| as_text(&line.value()).replace('\0', " ").trim().to_owned();
                    assert_eq!(plain(old), plain(new), "{name} {}", old.name);
                    assert_eq!(old.binary(), new.binary(), "{name} {}", old.name);
                    assert_eq!(old.types(), new.types(), "{name} {}", old.name);
                } else {
                    assert_eq!(old.raw(), new.raw(), "{name} {}", old.name);
                }
            }
            let mut editor = CardEditor::of(&framed.card);
            editor.remove(at);
            assert_eq!(editor.finish().properties().len(), properties.len() - 1);
        }
    }
}

#[test]
fn repairs_are_named() {
    use Repair::*;
    for (name, repairs) in [
        ("broken_base64_v21.vcf", vec![UnindentedBase64]),
        ("broken_soft_breaks_v21.vcf", vec![SoftBreak]),
        ("utf16le.vcf", vec![Utf16]),
        ("utf16be_no_mark.vcf", vec![Utf16]),
        ("byte_order_mark.vcf", vec![ByteOrderMark]),
        ("cr_only.vcf", vec![LineEnds]),
        ("head_not_utf8_v30.vcf", vec![HeadNotUtf8]),
    ] {
        assert_eq!(only(name).repairs, repairs, "{name}");
    }
    let stray = read("stray_lines_v30.vcf").pop().unwrap().unwrap();
    assert_eq!(stray.repairs, [DroppedLine, LineWithoutColon]);
    assert_eq!(stray.line, 2);
    assert!(stray.original.unwrap().windows(9).any(|window| window == b"a comment"));
    assert_eq!(texts(&stray.card, "NOTE"), ["first line\nsecond line without colon"]);
    assert_eq!(texts(&stray.card, "TEL"), ["+1-555-0129"]);
}

#[test]
fn repaired_values() {
    let photo = only("broken_base64_v21.vcf").card;
    let jpeg = only("android_v21.vcf").card;
    let binary = |card: &Card| card.properties().iter().find_map(Property::binary_with_type).unwrap();
    assert_eq!(binary(&photo), binary(&jpeg));
    assert_eq!(binary(&photo).1.as_deref(), Some("image/jpeg"));
    assert_eq!(texts(&photo, "TEL"), ["+1-555-0128"]);
    let soft = only("broken_soft_breaks_v21.vcf").card;
    assert_eq!(
        texts(&soft, "NOTE"),
        ["Eine lange Zeile, die der Exporteur bei siebzigZeichen ohne Zeichen bricht"]
    );
    assert_eq!(soft.properties().last().unwrap().components(), ["", "", "Weg 1", "Ort"]);
    assert_eq!(only("head_not_utf8_v30.vcf").card.summary().tels[0].2, "büro");
    assert_eq!(only("utf16le.vcf").card.display_name(), "Żaneta Łęcka");
}

#[test]
fn cards_in_cards() {
    let agent = only("agent_v21.vcf").card;
    assert_eq!(texts(&agent, "TEL"), ["+1-555-0118"]);
    let inner = texts(&write(&agent, &Dialect::v30()).card, "AGENT").remove(0);
    assert_eq!(Card::parse(inner.as_bytes()).unwrap().display_name(), "Robin Crusoe");
    let nested: Vec<FramedCard> = read("nested_v21.vcf").into_iter().map(Result::unwrap).collect();
    assert_eq!(nested.len(), 2);
    assert_eq!(nested[0].repairs, [Repair::NestedCard]);
    assert_eq!(texts(&nested[0].card, "TEL"), ["+1-555-0120"]);
    assert_eq!(nested[1].card.display_name(), "Ines Inner");
    let open: Vec<FramedCard> = read("missing_end.vcf").into_iter().map(Result::unwrap).collect();
    assert_eq!(open.iter().map(|card| card.line).collect::<Vec<_>>(), [1, 5, 10]);
    assert_eq!(open[0].repairs, [Repair::MissingEnd]);
    assert!(open[1].repairs.is_empty());
    assert_eq!(open[2].card.display_name(), "Third Open");
}

#[test]
fn values_of_many_writers() {
    let android = only("android_v21.vcf").card;
    assert_eq!(android.display_name(), "Jörg Grünwald");
    let note = texts(&android, "NOTE").remove(0);
    assert!(note.ends_with("umbricht.\nZweite Zeile = äöü;, \\Ende"), "{note}");
    let address = android.properties().into_iter().find(|property| property.name == "ADR").unwrap();
    assert_eq!(address.components()[2..4], ["Löwenstraße 3; Hof", "Köln"]);
    let summary = android.summary();
    assert_eq!(summary.tels[1].2, "home,pref");
    assert!(summary.has_photo);
    let phone = only("iphone_v30.vcf").card.summary();
    assert_eq!(phone.note.as_deref(), Some("Kennt sich mit Reihern aus; ruft zurück, immer.\n二行目"));
    assert_eq!(phone.categories, ["friends", "field, wet"]);
    assert_eq!(phone.family.as_deref(), Some("Okafor"));
    let nokia = only("nokia_s40_v21.vcf").card;
    assert_eq!(nokia.display_name(), "Lars Ångström");
    assert_eq!(nokia.properties()[5].components()[2], "Storgatan 1;B");
    let japanese = only("shift_jis_v21.vcf").card;
    assert_eq!(japanese.properties()[0].components(), ["表", "ソ太郎"]);
    assert_eq!(texts(&japanese, "NOTE"), ["能ある鷹"]);
    assert_eq!(only("latin1_raw_v30.vcf").card.display_name(), "Zoë Ménard");
    assert_eq!(only("folded_in_character_v30.vcf").card.display_name(), "王小明");
    let fossify = only("fossify_v40.vcf").card;
    let tel = fossify.properties().into_iter().find(|property| property.param("PREF").is_some()).unwrap();
    assert_eq!(tel.types(), BTreeSet::from(["cell".to_owned(), "pref".to_owned()]));
    assert_eq!(only("no_version.vcf").card.version(), Version::V21);
    assert_eq!(only("no_name_v30.vcf").card.display_name(), "info@bottega.example");
}

/// What a property says, in a form that no version changes.
fn meaning(property: &Property) -> (Option<String>, String, String, BTreeSet<String>) {
    let mut types = property.types();
    for assumed in ["internet", "voice", "text", "jpeg", "png", "pgp", "wave"] {
        types.remove(assumed);
    }
    let value = match property.value() {
        Value::Binary { bytes, .. } => format!("{bytes:?}"),
        value => as_text(&value).trim_end_matches(';').to_owned(),
    };
    let value = match property.name.as_str() {
        "TEL" => value.strip_prefix("tel:").unwrap_or(&value).to_owned(),
        "AGENT" => value.trim().to_owned(),
        "GEO" => value.trim_start_matches("geo:").replace(';', ","),
        "BDAY" | "REV" | "ANNIVERSARY" => value.replace(['-', ':'], ""),
        _ => value,
    };
    let mut name = property.name.clone();
    if let Some(year) = property.param("X-APPLE-OMIT-YEAR") {
        return (property.group.clone(), name, value.trim_start_matches(year).to_owned(), types);
    }
    // Old phones write some names with an X- that have none in their version, and get them back without.
    if let Some(bare @ ("ANNIVERSARY" | "CLASS")) = name.strip_prefix("X-") {
        name = bare.to_owned();
    }
    (property.group.clone(), name, value, types)
}

fn meanings(card: &Card) -> BTreeMap<(Option<String>, String, String, BTreeSet<String>), usize> {
    let mut all = BTreeMap::new();
    for property in card.properties() {
        let meaning = meaning(&property);
        if !meaning.2.is_empty() {
            *all.entry(meaning).or_default() += 1;
        }
    }
    all
}

#[test]
fn every_conversion_there_and_back_keeps_the_meaning_or_names_the_loss() {
    let mut pairs = 0;
    for (name, framed) in all_cards() {
        let from = framed.card.version();
        for to in ALL_VERSIONS {
            for dialect_there in dialect(to) {
                let there = write(&framed.card, &dialect_there);
                if from == to {
                    assert_eq!(there.card, framed.card);
                    continue;
                }
                assert_eq!(there.card.version(), to);
                assert_eq!(Card::parse(there.card.as_bytes()).as_ref(), Ok(&there.card), "{name}");
                let back = write(&there.card, &dialect(from)[1]);
                let before = meanings(&framed.card);
                let after = meanings(&back.card);
                let losses = [there.losses, back.losses].concat();
                for (meaning, count) in &before {
                    let lost = losses.iter().any(|loss| loss.starts_with(&format!("{}:", meaning.1)));
                    assert!(
                        lost || after.get(meaning).is_some_and(|now| now >= count),
                        "{name} {from} > {to} > {from}: {meaning:?}\n{losses:?}\n{}",
                        String::from_utf8_lossy(there.card.as_bytes())
                    );
                }
                for meaning in after.keys() {
                    let added = meaning.1 == "FN" || meaning.1 == "N";
                    let name_lost = format!("{}:", meaning.1.trim_start_matches("X-"));
                    let lost = losses.iter().any(|loss| loss.starts_with(&name_lost));
                    assert!(
                        added || lost || before.contains_key(meaning),
                        "{name} {from} > {to} > {from}: new {meaning:?}"
                    );
                }
                pairs += 1;
            }
        }
    }
    assert!(pairs > 100, "{pairs}");
}

#[test]
fn a_strict_reader_accepts_every_card_written_as_v40() {
    for (name, framed) in all_cards() {
        if framed.card.version() == Version::V40 {
            continue;
        }
        for dialect in dialect(Version::V40) {
            let written = write(&framed.card, &dialect).card;
            let text = std::str::from_utf8(written.as_bytes()).unwrap();
            let strict: vcard_strict::VCard =
                text.parse().unwrap_or_else(|error| panic!("{name}: {error:?}\n{text}"));
            strict.validate().unwrap_or_else(|error| panic!("{name}: {error:?}\n{text}"));
        }
    }
}

/// `calcard`'s view of a card: name to values.
fn second_reading(card: &Card) -> BTreeMap<&'static str, Vec<String>> {
    use calcard::vcard::{VCard, VCardProperty, VCardValue};
    let text = String::from_utf8_lossy(card.as_bytes()).into_owned();
    let mut reading: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for entry in VCard::parse(&text).unwrap().entries {
        let name = match entry.name {
            VCardProperty::Fn => "FN",
            VCardProperty::N => "N",
            VCardProperty::Tel => "TEL",
            VCardProperty::Email => "EMAIL",
            VCardProperty::Adr => "ADR",
            _ => continue,
        };
        let parts: Vec<String> = entry
            .values
            .iter()
            .map(|value| match value {
                VCardValue::Text(text) => text.clone(),
                VCardValue::Component(items) => items.join(","),
                other => panic!("{name}: {other:?}"),
            })
            .collect();
        let separator = if matches!(name, "N" | "ADR") { ";" } else { "," };
        reading.entry(name).or_default().push(comparable(&parts.join(separator)));
    }
    reading
}

fn first_reading(card: &Card) -> BTreeMap<&'static str, Vec<String>> {
    let mut reading: BTreeMap<&'static str, Vec<String>> = BTreeMap::new();
    for property in card.properties() {
        let (name, value) = match property.name.as_str() {
            "FN" => ("FN", property.text()),
            "N" => ("N", property.components().join(";")),
            "TEL" => ("TEL", property.text()),
            "EMAIL" => ("EMAIL", property.text()),
            "ADR" => ("ADR", property.components().join(";")),
            _ => continue,
        };
        reading.entry(name).or_default().push(comparable(&value));
    }
    reading
}

/// Empty components at the end are the same as none, and control characters are not compared.
fn comparable(value: &str) -> String {
    value
        .chars()
        .filter(|character| !character.is_control())
        .collect::<String>()
        .trim_end_matches(';')
        .to_owned()
}

#[test]
fn a_second_reader_agrees() {
    for (name, framed) in all_cards() {
        // The second reader takes text only, and reads what declares no charset as ISO-8859-1; a fold inside a
        // character breaks the character there, and an AGENT swallows the rest of the card.
        if matches!(
            name.as_str(),
            "shift_jis_v21.vcf" | "latin1_raw_v30.vcf" | "agent_v21.vcf" | "folded_in_character_v30.vcf"
        ) {
            continue;
        }
        assert_eq!(first_reading(&framed.card), second_reading(&framed.card), "{name}");
    }
}

#[test]
fn a_second_reader_agrees_on_what_we_write() {
    for (name, framed) in all_cards() {
        for to in ALL_VERSIONS {
            for dialect in dialect(to) {
                let written = write(&framed.card, &dialect).card;
                if written.version() == framed.card.version()
                    || name.starts_with("agent") && to == Version::V21
                {
                    continue;
                }
                assert_eq!(
                    first_reading(&written),
                    second_reading(&written),
                    "{name} to {to}\n{}",
                    String::from_utf8_lossy(written.as_bytes())
                );
            }
        }
    }
}

#[test]
fn what_phones_need_of_v30() {
    let written = write(&only("android_v21.vcf").card, &Dialect::phone()).card;
    let text = String::from_utf8(written.as_bytes().to_vec()).unwrap();
    assert!(text.contains("\r\nX-ANDROID-CUSTOM:vnd.android.cursor.item/nickname;Jojo;1;;;;;;;;;;;;;\r\n"));
    assert!(
        text.contains("\r\nX-ANDROID-CUSTOM:vnd.android.cursor.item/relation;Bärbel;14;;;;;;;;;;;;;\r\n")
    );
    for (at, line) in text.split("\r\n").enumerate() {
        assert!(!line.contains('\n'), "line {at}");
        assert!(!line.contains("CHARSET") && !line.contains("QUOTED"), "line {at}");
    }
    let folded: Vec<&str> = text.split("\r\n").filter(|line| line.starts_with(' ')).collect();
    assert!(folded.len() > 1, "the photo is folded");
    let (_, photo) = text.split_once("PHOTO;").unwrap();
    assert_eq!(photo.matches("\r\n ").count(), folded.len(), "nothing else is");
}

#[test]
fn uid_changes_touch_nothing_else() {
    for (name, framed) in all_cards() {
        let with = framed.card.with_uid("urn:uuid:00000000-0000-4000-8000-000000000001");
        assert_eq!(with.uid().as_deref(), Some("urn:uuid:00000000-0000-4000-8000-000000000001"), "{name}");
        assert_eq!(with.with_uid(&with.uid().unwrap()), with);
        let lines = |card: &Card| -> Vec<Vec<u8>> {
            let properties = card.properties();
            properties.iter().filter(|line| line.name != "UID").map(|line| line.raw().to_vec()).collect()
        };
        assert_eq!(lines(&framed.card), lines(&with), "{name}");
    }
}
