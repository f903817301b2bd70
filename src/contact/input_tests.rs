//! What holds for any bytes: nothing panics, nothing is lost in silence, nothing takes more than its share of time
//! or memory.

use proptest::prelude::*;

use super::*;

/// Lines that meet the special cases: envelopes, encodings, folds, broken ones.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        &b"BEGIN:VCARD"[..],
        b"END:VCARD",
        b"begin : vcard",
        b"VERSION:2.1",
        b"VERSION:3.0",
        b"VERSION:4.0",
        b"AGENT:",
        b"AGENT:BEGIN:VCARD",
        b"N:Doe;Jane,Ann\\;x;;;",
        b"FN;ENCODING=QUOTED-PRINTABLE:a=",
        b"NOTE;QUOTED-PRINTABLE;CHARSET=UTF-8:=C3=A9=0D=0A=",
        b"NOTE;CHARSET=SHIFT_JIS:\x95\x5c;",
        b"PHOTO;ENCODING=BASE64;JPEG:AQID",
        b"AQIDBAUG",
        b" AQID",
        b"",
        b" ",
        b"\t",
        b"#",
        b"=",
        b"item1.TEL;TYPE=\"a,b\",cell;PREF=1:tel:+1-555-0100",
        b"ADR;LABEL=\"x\\ny\";TYPE=home:;;a,b;c",
        b"X-ANDROID-CUSTOM:a;b;;\\,",
        b"GEO:1,2",
        b"BDAY:--0229",
        b"URL:www.example.org/a;b,c",
        b"UID:1",
        b"\xef\xbb\xbfBEGIN:VCARD",
        b";;:",
        b":",
        b"\"",
        b"T\xe9L:1",
    ]);
    prop_oneof![
        6 => known.prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..40),
        1 => "[A-Z]{1,6}(;[A-Z]{1,6}(=[ -~]{0,8})?){0,2}:\\PC{0,30}".prop_map(String::into_bytes),
    ]
}

fn file() -> impl Strategy<Value = Vec<u8>> {
    let line_end = prop::sample::select(vec![&b"\r\n"[..], b"\n", b"\r", b"\r\r\n", b""]);
    prop::collection::vec((line(), line_end), 0..24)
        .prop_map(|lines| lines.into_iter().flat_map(|(line, end)| [line, end.to_vec()].concat()).collect())
}

/// Everything that can be asked of a card.
fn ask_everything(card: &Card) {
    let again = Card::parse(card.as_bytes()).unwrap();
    let (left, right) = (again.as_bytes().escape_ascii(), card.as_bytes().escape_ascii());
    assert_eq!(again, *card, "a card's bytes are the card\n{left}\n{right}");
    let mut bytes = 0;
    for property in card.properties() {
        bytes += property.raw().len();
        let _ = (
            property.text(),
            property.components(),
            property.list(),
            property.types(),
            property.preference(),
        );
        let _ = property.binary();
        for target in [Version::V21, Version::V30, Version::V40] {
            let _ = translate(&property.to_new(), property.version(), target);
        }
        let mut editor = CardEditor::of(card);
        editor.replace(property.index(), &property.to_new());
        editor.insert_after(property.index(), &NewProperty::text("X-NEW", "a\nb;c"));
        let edited = editor.finish();
        let shown = format!("{}\n{}", card.as_bytes().escape_ascii(), edited.as_bytes().escape_ascii());
        assert_eq!(edited.properties().len(), card.properties().len() + 1, "{shown}");
        assert_eq!(Card::parse(edited.as_bytes()).as_ref(), Ok(&edited), "an edited card is a card\n{shown}");
    }
    assert!(bytes <= card.as_bytes().len());
    assert_eq!(CardEditor::of(card).finish(), *card);
    assert!(!card.display_name().is_empty());
    let _ = card.summary();
    for dialect in [Dialect::v21(), Dialect::phone(), Dialect::v40()] {
        let written = write(card, &dialect).card;
        let shown = format!("{}\n{}", card.as_bytes().escape_ascii(), written.as_bytes().escape_ascii());
        assert_eq!(
            Card::parse(written.as_bytes()).as_ref(),
            Ok(&written),
            "a written card is a card\n{shown}"
        );
        assert_eq!(written.version(), dialect.version);
        let _ = second_opinion(&written);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for card in read_cards(&bytes, "any", &Limits::default()).into_iter().flatten() {
            ask_everything(&card.card);
        }
    }

    #[test]
    fn any_lines(bytes in file()) {
        for card in read_cards(&bytes, "any", &Limits::default()).into_iter().flatten() {
            ask_everything(&card.card);
        }
    }

    #[test]
    fn any_lines_in_a_card(lines in file(), version in prop::sample::select(vec!["2.1", "3.0", "4.0"])) {
        let mut bytes = format!("BEGIN:VCARD\r\nVERSION:{version}\r\n").into_bytes();
        bytes.extend(lines);
        bytes.extend(b"\r\nEND:VCARD\r\n");
        for card in read_cards(&bytes, "any", &Limits::default()).into_iter().flatten() {
            ask_everything(&card.card);
        }
    }

    #[test]
    fn an_unrepaired_file_is_its_cards(bytes in file()) {
        let cards = read_cards(&bytes, "any", &Limits::default());
        if !cards.is_empty() && cards.iter().all(|card| card.as_ref().is_ok_and(|card| card.repairs.is_empty())) {
            // What is not in a card is nothing: white space, comments, padding.
            let mut rest = bytes.as_slice();
            for card in cards.iter().flatten() {
                let at = rest.windows(card.card.as_bytes().len()).position(|window| window == card.card.as_bytes());
                prop_assert!(at.is_some());
                rest = &rest[at.unwrap() + card.card.as_bytes().len()..];
            }
        }
    }

    #[test]
    fn any_text_survives_every_version(
        text in "\\PC{0,80}(\n[ -~äß漢🙂\\\\;,:=\"]{0,40}){0,2}",
        version in prop::sample::select(vec![Version::V21, Version::V30, Version::V40]),
        folding in prop::sample::select(vec![Folding::Never, Folding::PhotoOnly, Folding::Always]),
    ) {
        let mut editor = CardEditor::empty(version, folding, LineEnd::CrLf);
        editor.append(&NewProperty::text("NOTE", &text));
        let parts = vec![vec![text.clone()], vec![], vec![String::from("b;"), text.clone()]];
        editor.append(&NewProperty::new("N", Value::Components(parts)));
        editor.append(&NewProperty::new("CATEGORIES", Value::List(vec![text.clone(), "x".into()])));
        let card = editor.finish();
        let properties = card.properties();
        prop_assert_eq!(properties.len(), 3);
        prop_assert_eq!(properties[0].text(), text.clone());
        prop_assert_eq!(properties[1].components(), vec![text.clone(), String::new(), format!("b;,{text}")]);
        prop_assert_eq!(properties[2].list(), vec![text, "x".into()]);
        if folding == Folding::Always {
            for line in card.as_bytes().split(|byte| *byte == b'\n') {
                prop_assert!(line.len() <= 78 || version == Version::V21);
            }
        }
    }

    #[test]
    fn any_octets_survive_every_version(
        bytes in prop::collection::vec(any::<u8>(), 1..200),
        version in prop::sample::select(vec![Version::V21, Version::V30, Version::V40]),
        folding in prop::sample::select(vec![Folding::Never, Folding::PhotoOnly]),
    ) {
        let mut editor = CardEditor::empty(version, folding, LineEnd::Lf);
        let photo = Value::Binary { bytes: bytes.clone(), media_type: Some("image/png".into()) };
        editor.append(&NewProperty::new("PHOTO", photo));
        editor.append(&NewProperty::text("TEL", "1"));
        let card = editor.finish();
        prop_assert_eq!(card.properties()[0].binary_with_type(), Some((bytes, Some("image/png".into()))));
        prop_assert_eq!(card.properties()[1].text(), "1");
    }
}

#[test]
fn what_the_generator_found() {
    for file in [
        &b"BEGIN:VCARD\r\nVERSION:2.1\r"[..],
        b"BEGIN:VCARD\r\nFN;ENCODING=QUOTED-PRINTABLE:a=\r=\r",
        b"\xef\xbb\xbfBEGIN:VCARD\r\nAGENT:BEGIN:VCARD\r\n",
        b"BEGIN:VCARD\r\nAGENT:BEGIN:VCARD\r\nbegin : vcard\r\nEND:VCARD\r\n",
        b"BEGIN:VCARD\nAGENT:BEGIN:VCARD\x0e\nEND:VCARD\n",
        b"BEGIN:VCARD\nVERSION:2.1\n\r\xef\xbb\xbfBEGIN:VCARD\nEND:VCARD\n",
        b"BEGIN:VCARD\nFN;ENCODING=QUOTED-PRINTABLE:a=\nb\n AQID:1\nEND:VCARD\n",
        b"BEGIN:VCARD\nAGENT:\nN:x\nAGENT:\n\n AQID\rBEGIN:VCARD\nEND:VCARD\n",
        b"BEGIN:VCARD\nN:x;\r\xef\xbb\xbfBEGIN:VCARD\n\nEND:VCARD\n",
        b"BEGIN:VCARD\nUID:1\r\rVERSION:2.1\rAGENT:\n\nEND:VCARD\n",
        b"BEGIN:VCARD\nBEGIN:VCARD\n AQIDA:\nEND:VCARD\nEND:VCARD\n",
    ] {
        for card in read_cards(file, "found", &Limits::default()).into_iter().flatten() {
            ask_everything(&card.card);
        }
    }
}

fn in_a_card(lines: &str) -> Vec<u8> {
    format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:A\r\n{lines}END:VCARD\r\n").into_bytes()
}

fn refused(bytes: &[u8]) -> BrokenCard {
    let mut cards = read_cards(bytes, "file.vcf", &Limits::default());
    assert_eq!(cards.len(), 1);
    cards.remove(0).unwrap_err()
}

#[test]
fn a_card_of_fifty_megabytes_is_refused_with_its_size() {
    let broken = refused(&in_a_card(&format!("PHOTO;ENCODING=b:{}\r\n", "A".repeat(50_000_000))));
    assert_eq!(
        broken.to_string(),
        "file.vcf, line 1: the vCard has 50000062 bytes, more than the limit of 16777216 bytes"
    );
    assert!(broken.bytes.len() <= 1 << 16);
    let Err(CardError::Broken(reason)) = Card::parse(&in_a_card(&"X:1\r\n".repeat(10_001))) else {
        panic!("too many lines");
    };
    assert_eq!(reason, "the vCard has more than 10000 lines");
}

#[test]
fn separators_are_counted_where_they_separate() {
    assert!(refused(&in_a_card(&format!("ORG:{}\r\n", ";".repeat(1_001)))).reason.contains("separators"));
    assert!(
        refused(&in_a_card(&format!("item1.X-A:{}\r\n", ";".repeat(50_000)))).reason.contains("separators")
    );
    assert!(refused(&in_a_card(&format!("TEL{}:1\r\n", ";A".repeat(1_001)))).reason.contains("parameters"));
    assert!(Card::parse(&in_a_card(&format!("NOTE:{}\r\n", "a, b; ".repeat(5_000)))).is_ok());
}

#[test]
fn one_bad_card_costs_one_card() {
    let good = in_a_card("TEL:1\r\n");
    let bad = in_a_card(&format!("ORG:{}\r\n", ";".repeat(1_001)));
    let cards = read_cards(&[good.clone(), bad, good.clone()].concat(), "file.vcf", &Limits::default());
    assert_eq!(cards.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false, true]);
    assert_eq!(cards[1].as_ref().unwrap_err().line, 6);
    assert_eq!(cards[2].as_ref().unwrap().line, 11);
    assert_eq!(Card::parse(&[good.clone(), good.clone()].concat()), Err(CardError::MoreThanOne(2)));
    assert_eq!(Card::parse(b"\r\n\0"), Err(CardError::NoCard));
    assert!(matches!(Card::parse(b"no card at all"), Err(CardError::Broken(_))));
    let few = Limits { cards_max: 1, ..Limits::default() };
    assert_eq!(read_cards(&[good.clone(), good].concat(), "", &few).len(), 2);
}

#[test]
fn an_unclosed_agent_does_not_swallow_the_cards_behind_it() {
    let names = |file: &[u8]| -> Vec<String> {
        let cards = read_cards(file, "file.vcf", &Limits::default());
        cards.into_iter().map(|card| card.unwrap().card.display_name()).collect()
    };
    let outer = b"BEGIN:VCARD\r\nVERSION:2.1\r\nN:X\r\nAGENT:\r\nBEGIN:VCARD\r\nN:B\r\n".to_vec();
    let inner_closed = [outer.clone(), b"END:VCARD\r\n".to_vec(), in_a_card("TEL:1\r\n")].concat();
    assert_eq!(names(&inner_closed), ["X", "A"]);
    let none_closed = [outer, in_a_card("TEL:1\r\n")].concat();
    assert_eq!(names(&none_closed), ["X", "B", "A"]);
}

#[test]
fn deep_nesting_is_read_in_linear_time() {
    let deep = "BEGIN:VCARD\r\n".repeat(100_000);
    assert_eq!(read_cards(deep.as_bytes(), "", &Limits::default()).len(), 100_000);
    let agents = "AGENT:\r\nBEGIN:VCARD\r\n".repeat(1_000) + &"END:VCARD\r\n".repeat(1_000);
    let card = Card::parse(&in_a_card(&agents)).unwrap();
    assert_eq!(card.properties().len(), 2);
    ask_everything(&card);
}

#[test]
fn debug_shows_no_content() {
    let card = Card::parse(&in_a_card("TEL;X-LABEL=Geheim:4711\r\nNOTE:Geheim\r\n")).unwrap();
    let broken = refused(&in_a_card(&format!("ORG:Geheim{}\r\n", ";".repeat(2_000))));
    let written = write(&card, &Dialect::v40());
    let news: Vec<NewProperty> = card.properties().iter().map(Property::to_new).collect();
    let shown = format!(
        "{card:?} {:?} {news:?} {broken:?} {broken} {written:?} {:?}",
        card.properties(),
        card.summary()
    );
    assert!(!shown.contains("Geheim") && !shown.contains("4711"), "{shown}");
}

#[test]
fn inserting_keeps_the_order() {
    let card = Card::parse(b"BEGIN:VCARD\nVERSION:2.1\nN:A\nTEL;CELL:1\nEND:VCARD").unwrap();
    let mut editor = CardEditor::of(&card);
    editor.insert_after(0, &NewProperty::text("X-B", "2"));
    editor.append(&NewProperty::text("NOTE", "é").in_group("item1"));
    editor.insert_after(0, &NewProperty::text("X-A", "1"));
    editor.replace(1, &NewProperty::text("TEL", "2").with_param("TYPE", "work").with_param("TYPE", "pref"));
    editor.replace(9, &NewProperty::text("TITLE", "late"));
    assert_eq!(
        editor.finish().as_bytes(),
        b"BEGIN:VCARD\nVERSION:2.1\nN:A\nX-B:2\nX-A:1\nTEL;WORK;PREF:2\nitem1.NOTE;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:=C3=A9\nTITLE:late\nEND:VCARD"
    );
}
