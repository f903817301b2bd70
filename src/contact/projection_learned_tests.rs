//! Tests of learning what a phone holds, with phones that are projections themselves or break what they are given.

use super::super::{Card, FieldMask};
use super::*;

fn probe() -> Card {
    Projection::probe_card(&Dialect::phone())
}

/// A phone that holds this much of the probe.
fn taught(limits: &str) -> (Projection, Learned) {
    let phone = Projection { fields: FieldMask::all(), limits: toml::from_str(limits).unwrap() };
    let sent = probe();
    let learned = Projection::learned(&sent, &phone.project(&sent));
    (phone, learned)
}

#[test]
fn the_probe_says_everything_and_is_written_in_every_dialect() {
    let names: BTreeSet<String> = probe().properties().iter().map(|property| property.name.clone()).collect();
    for name in
        ["N", "FN", "TEL", "EMAIL", "ADR", "ORG", "NOTE", "PHOTO", "BDAY", "IMPP", "X-ABLABEL", "CATEGORIES"]
    {
        assert!(names.contains(name), "{name}");
    }
    for dialect in [Dialect::phone(), Dialect::v21(), Dialect::v40()] {
        let card = Projection::probe_card(&dialect);
        assert_eq!(card.version(), dialect.version);
        assert_eq!(Card::parse(card.as_bytes()).unwrap(), card, "it can be read without repair");
        assert_eq!(card.properties().iter().filter(|property| property.name == "TEL").count(), 6);
        assert!(super::super::strict_reading(&card).is_ok());
        assert!(card.as_bytes().len() < 8_192, "{}", card.as_bytes().len());
    }
    assert!(
        probe().properties().iter().find(|property| property.name == "PHOTO").unwrap().binary().is_some()
    );
}

#[test]
fn a_phone_that_holds_everything_teaches_nothing() {
    let sent = probe();
    let learned = Projection::learned(&sent, &sent);
    assert_eq!(learned.limits, FieldLimits::default());
    assert!(!learned.forgets_uid && learned.remarks().is_empty());
    assert_eq!(Projection::default().narrowed_by(&learned), Projection::default());
    // Another version and another order are no loss.
    let other = write(&sent, &Dialect::v21()).card;
    let learned = Projection::learned(&sent, &other);
    assert_eq!((learned.limits, learned.changes), (FieldLimits::default(), BTreeSet::new()));
}

#[test]
fn what_a_phone_drops_cuts_and_counts_is_learned() {
    for limits in [
        "without = [\"NOTE\", \"PHOTO\"]",
        "count_max = { TEL = 3, EMAIL = 1, ADR = 1 }",
        "length_max = { FN = 18, NOTE = 256, TITLE = 40 }",
        "components = { N = [0, 1] }",
        "kinds = []",
        "kinds = [\"cell\", \"home\", \"work\"]",
        "no_preference = true",
        "ascii = true",
        "without = [\"ROLE\"]\ncount_max = { TEL = 2 }\nlength_max = { NOTE = 100 }\nkinds = [\"home\"]\nascii = true",
    ] {
        let (phone, learned) = taught(limits);
        assert_eq!(learned.limits, phone.limits, "{limits}");
        assert_eq!(learned.changes, BTreeSet::new(), "{limits}");
        let narrowed = Projection::default().narrowed_by(&learned);
        assert_eq!(narrowed.project(&probe()), phone.project(&probe()), "{limits}");
        let json = serde_json::to_string(&learned).unwrap();
        assert_eq!(serde_json::from_str::<Learned>(&json).unwrap(), learned);
        assert!(learned.is_known_form());
        assert!(!json.contains("Maximiliana"), "what was learned holds no content");
    }
}

#[test]
fn a_value_written_in_another_way_is_no_loss_and_another_value_is_named() {
    let sent = probe();
    let text = String::from_utf8(sent.as_bytes().to_vec()).unwrap();
    let held = text
        .replace("+1 202 555 0101", "+12025550101")
        .replace("1980-02-29", "19800229")
        .replace("example.com/second", "example.com/other");
    assert_ne!(held, text);
    let learned = Projection::learned(&sent, &Card::parse(held.as_bytes()).unwrap());
    assert_eq!(learned.limits, FieldLimits::default());
    assert_eq!(learned.reformats, ["BDAY".to_owned(), "TEL".to_owned()].into());
    assert_eq!(learned.changes, ["URL".to_owned()].into());
    assert_eq!(
        learned.remarks(),
        ["It changes what it is given: web address.", "It writes in its own way: birthday, phone."]
    );
}

#[test]
fn a_phone_with_a_mask_is_narrowed_further_and_never_widened() {
    let (_, learned) =
        taught("count_max = { TEL = 3 }\nlength_max = { NOTE = 100 }\nkinds = [\"home\", \"work\"]");
    let profile = Projection {
        fields: FieldMask::only(["FN", "TEL", "NOTE"]),
        limits: toml::from_str("count_max = { TEL = 2 }\nlength_max = { NOTE = 500 }\nkinds = [\"work\"]")
            .unwrap(),
    };
    let narrowed = profile.narrowed_by(&learned);
    assert_eq!(narrowed.fields, profile.fields);
    assert_eq!(
        narrowed.limits,
        toml::from_str("count_max = { TEL = 2 }\nlength_max = { NOTE = 100 }\nkinds = [\"work\"]").unwrap()
    );
    assert_eq!(narrowed.narrowed_by(&learned), narrowed);
}

#[test]
fn a_phone_that_keeps_next_to_nothing_is_learned_too() {
    let sent = Projection::probe_card(&Dialect::s30plus());
    let held = Card::parse(
        b"BEGIN:VCARD\r\nVERSION:2.1\r\nN:von Hohenzo;Maximilian\r\nTEL:+12025550101\r\nEND:VCARD\r\n",
    )
    .unwrap();
    let learned = Projection::learned(&sent, &held);
    let narrowed = Projection::default().narrowed_by(&learned);
    assert!(learned.forgets_uid && !narrowed.holds_property("UID"));
    for gone in ["FN", "NOTE", "EMAIL", "PHOTO", "ADR", "X-TETHERBOOK-PROBE"] {
        assert!(!narrowed.holds_property(gone), "{gone}");
    }
    assert_eq!(narrowed.limits.count_max.get("TEL"), Some(&1));
    assert_eq!(narrowed.limits.components.get("N"), Some(&[0, 1].into()));
    assert_eq!(narrowed.limits.length_max.get("N"), Some(&10));
    assert_eq!(narrowed.limits.kinds, Some(BTreeSet::new()));
}
