//! Fixed cases of the merge: the defects that other engines were measured to have, and the rules of this one.

use super::super::{Card, CardEditor, FieldMask, Projection, Property, Version, diff};
use super::*;

/// A card of the version with these lines.
fn card_of(version: &str, lines: &[&str]) -> Card {
    let mut text = format!("BEGIN:VCARD\r\nVERSION:{version}\r\n");
    for line in lines {
        text.push_str(line);
        text.push_str("\r\n");
    }
    text.push_str("END:VCARD\r\n");
    Card::parse(text.as_bytes()).unwrap()
}

fn card(lines: &[&str]) -> Card {
    card_of("3.0", lines)
}

fn lines(card: &Card) -> Vec<String> {
    let text = String::from_utf8(card.as_bytes().to_vec()).unwrap();
    text.lines()
        .filter(|line| !["BEGIN:", "END:", "VERSION:"].iter().any(|frame| line.starts_with(frame)))
        .map(str::to_owned)
        .collect()
}

fn values(card: &Card, property: &str) -> Vec<String> {
    let mut values: Vec<String> =
        card.properties().iter().filter(|line| line.name == property).map(Property::text).collect();
    values.sort();
    values
}

struct Case {
    base: Option<Baseline>,
    pc: Card,
    phone: Card,
    projection: Projection,
    policy: ConflictPolicy,
    newest: Option<Newer>,
}

impl Case {
    fn new(base: &Card, pc: &Card, phone: &Card) -> Self {
        Self {
            base: Some(Baseline { pc: base.clone(), phone: base.clone() }),
            pc: pc.clone(),
            phone: phone.clone(),
            projection: Projection::default(),
            policy: ConflictPolicy::Hold,
            newest: None,
        }
    }

    fn first(pc: &Card, phone: &Card) -> Self {
        Self { base: None, ..Self::new(pc, pc, phone) }
    }

    fn policy(mut self, policy: ConflictPolicy) -> Self {
        self.policy = policy;
        self
    }

    fn input(&self) -> MergeInput<'_> {
        MergeInput {
            base: self.base.as_ref(),
            pc: &self.pc,
            phone: &self.phone,
            projection: &self.projection,
            policy: self.policy,
            newest: self.newest,
        }
    }

    /// Merges, and asserts that merging the result again does nothing.
    fn run(&self) -> Merged {
        let merged = merge(&self.input());
        let again = merge(&MergeInput {
            base: Some(&merged.baseline),
            pc: &merged.pc,
            phone: &merged.phone,
            ..self.input()
        });
        assert_eq!(lines(&again.pc), lines(&merged.pc), "a second merge changed the PC");
        assert_eq!(lines(&again.phone), lines(&merged.phone), "a second merge changed the phone");
        assert_eq!(again.baseline, merged.baseline, "a second merge moved the baseline");
        let open = |merged: &Merged| {
            merged
                .conflicts
                .iter()
                .filter(|conflict| conflict.kept == Kept::Held)
                .cloned()
                .collect::<Vec<_>>()
        };
        assert_eq!(open(&again), open(&merged), "held conflicts stay, nothing else comes up");
        merged
    }
}

/// A merge in which both sides must come out equal and without conflict; gives the PC's card.
fn agreed(base: &Card, pc: &Card, phone: &Card) -> Card {
    let merged = Case::new(base, pc, phone).run();
    assert_eq!(merged.conflicts, []);
    let mask = FieldMask::all();
    assert_eq!(merged.pc.fingerprint(&mask), merged.phone.fingerprint(&mask), "the sides came out different");
    merged.pc
}

#[test]
fn disjoint_edits_land_and_nothing_else_moves() {
    // SyncEvolution kept the old number beside the new one, moved the label to another line and dropped the X- line.
    let rest = [
        "FN:Ann Lee",
        "X-CUSTOMPROP;X-P=a;TYPE=b:one;two",
        "item1.URL:http://a.example",
        "item1.X-ABLabel:Boat",
    ];
    let with = |tel: &str, email: &[&str]| card(&[&[tel], &rest[..], email].concat());
    let base = with("TEL;TYPE=CELL:+1 555 0100", &[]);
    let pc = with("TEL;TYPE=CELL:+1 555 0199", &[]);
    let phone = with("TEL;TYPE=CELL:+1 555 0100", &["EMAIL:ann@example.org"]);
    let merged = Case::new(&base, &pc, &phone).run();
    assert_eq!(merged.conflicts, []);
    assert_eq!(
        lines(&merged.pc),
        [&["TEL;TYPE=CELL:+1 555 0199"], &rest[..], &["EMAIL:ann@example.org"]].concat()
    );
    assert_eq!(values(&merged.phone, "TEL"), ["+1 555 0199"]);
    assert_eq!(lines(&merged.phone)[..4], rest);
    assert_eq!(merged.to_pc, diff(&pc, &merged.pc, &FieldMask::all()));
    assert_eq!(merged.to_phone[0].field, "mobile phone");
    assert_eq!(merged.to_phone[0].before.as_deref(), Some("+1 555 0100"));
    assert_eq!(merged.to_phone[0].after.as_deref(), Some("+1 555 0199"));
}

#[test]
fn both_add_a_number() {
    let base = card(&["FN:A"]);
    let merged = agreed(&base, &card(&["FN:A", "TEL:1"]), &card(&["FN:A", "TEL:2"]));
    assert_eq!(values(&merged, "TEL"), ["1", "2"]);
}

#[test]
fn two_new_labels_in_one_group_name_stay_with_their_values() {
    let base = card(&["FN:A"]);
    let pc = card(&["FN:A", "item1.EMAIL:a@x.example", "item1.X-ABLabel:Foo"]);
    let phone = card(&["FN:A", "item1.TEL:5", "item1.X-ABLabel:Bar"]);
    let merged = Case::new(&base, &pc, &phone).run();
    assert_eq!(merged.conflicts, []);
    assert_eq!(
        lines(&merged.pc),
        ["FN:A", "item1.EMAIL:a@x.example", "item1.X-ABLabel:Foo", "item2.TEL:5", "item2.X-ABLabel:Bar"]
    );
    assert_eq!(
        lines(&merged.phone),
        ["FN:A", "item1.TEL:5", "item1.X-ABLabel:Bar", "item2.EMAIL:a@x.example", "item2.X-ABLabel:Foo"]
    );
}

#[test]
fn the_same_number_added_in_two_dresses_is_one() {
    let base = card(&["FN:A"]);
    let (pc, phone) = (card(&["FN:A", "TEL:+491701"]), card(&["FN:A", "TEL:+49 170 1"]));
    let merged = Case::new(&base, &pc, &phone).run();
    assert_eq!((merged.pc, merged.phone), (pc, phone), "each side keeps its own formatting");
    assert_eq!(merged.conflicts, []);
}

#[test]
fn replaced_numbers_do_not_eat_each_other() {
    let tel = |numbers: &[&str]| {
        let lines: Vec<String> = numbers.iter().map(|number| format!("TEL;TYPE=CELL:{number}")).collect();
        card(&lines.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let merged = agreed(&tel(&["1", "2", "3"]), &tel(&["2", "33"]), &tel(&["22", "3"]));
    assert_eq!(values(&merged, "TEL"), ["22", "33"]);
}

#[test]
fn a_replacement_wins_over_reformatting() {
    let base = card(&["FN:A", "TEL;TYPE=HOME:0049 170 1"]);
    let reformatted = card(&["FN:A", "TEL;TYPE=HOME:+49 (170) 1"]);
    let replaced = card(&["FN:A", "TEL;TYPE=HOME:+49 170 2"]);
    for (pc, phone) in [(&reformatted, &replaced), (&replaced, &reformatted)] {
        assert_eq!(values(&agreed(&base, pc, phone), "TEL"), ["+49 170 2"]);
    }
}

#[test]
fn what_a_phone_cannot_hold_is_not_cleared() {
    let pc = card(&["UID:u", "FN:A", "NOTE:n", "X-FOO:f", "CATEGORIES:a,b", "TEL:1"]);
    let phone_base = card(&["FN:A", "TEL:1"]);
    // Even without a mask: the baseline knows that the phone never had them.
    let base = Baseline { pc: pc.clone(), phone: phone_base.clone() };
    let mut case = Case { base: Some(base), ..Case::new(&pc, &pc, &phone_base) };
    let merged = case.run();
    assert_eq!((&merged.pc, &merged.phone), (&pc, &phone_base));
    // With a mask: also where the baseline was taken before the phone dropped them.
    case.base = Some(Baseline { pc: pc.clone(), phone: pc.clone() });
    case.projection = FieldMask::only(["FN", "N", "TEL"]).into();
    case.phone = card(&["FN:A", "TEL:2"]);
    let merged = case.run();
    assert_eq!(lines(&merged.pc), ["UID:u", "FN:A", "NOTE:n", "X-FOO:f", "CATEGORIES:a,b", "TEL:2"]);
    assert_eq!(merged.phone, case.phone);
    assert_eq!(merged.to_phone, []);
    // Nor is anything outside the mask sent to the phone.
    case.pc = card(&["UID:u", "FN:A", "NOTE:new", "X-FOO:f", "CATEGORIES:a,b", "TEL:1"]);
    case.phone = phone_base.clone();
    assert_eq!(case.run().phone, phone_base);
}

#[test]
fn an_address_edited_on_both_sides_is_put_together_and_told() {
    let base = card(&["FN:A", "ADR;TYPE=HOME:;;Main 1;Oldtown;;12345;Freedonia"]);
    let pc = card(&["FN:A", "ADR;TYPE=HOME:;;Main 2;Oldtown;;12345;Freedonia"]);
    let phone = card(&["FN:A", "ADR;TYPE=HOME:;;Main 1;Newtown;;12345;Freedonia"]);
    let merged = Case::new(&base, &pc, &phone).run();
    assert_eq!(merged.conflicts, []);
    for side in [&merged.pc, &merged.phone] {
        assert_eq!(lines(side)[1], "ADR;TYPE=HOME:;;Main 2;Newtown;;12345;Freedonia");
    }
    assert_eq!(merged.to_pc.len(), 1);
    assert_eq!(merged.to_pc[0].field, "address (home), city (the address now combines both sides)");
}

#[test]
fn names_merge_by_component() {
    let base = card(&["N:Meier;Anna;;;", "FN:Anna Meier"]);
    let pc = card(&["N:Meier-Neu;Anna;;;", "FN:Anna Meier"]);
    let phone = card(&["N:Meier;Anna;Maria;Dr.;", "FN:Anna Meier"]);
    assert_eq!(lines(&agreed(&base, &pc, &phone))[0], "N:Meier-Neu;Anna;Maria;Dr.;");
    let clash = card(&["N:Meyer;Anna;Maria;;", "FN:Anna Meier"]);
    let merged = Case::new(&base, &pc, &clash).run();
    assert_eq!(merged.conflicts.len(), 1);
    let conflict = &merged.conflicts[0];
    assert_eq!((conflict.field.as_str(), conflict.kept), ("family name", Kept::Held));
    assert_eq!(conflict.base.as_deref(), Some("Meier"));
    assert_eq!((conflict.pc.as_deref(), conflict.phone.as_deref()), (Some("Meier-Neu"), Some("Meyer")));
    assert_eq!(lines(&merged.pc)[0], "N:Meier-Neu;Anna;Maria;;", "the rest of the name still syncs");
    assert_eq!(merged.phone, clash);
    assert_eq!(lines(&merged.baseline.pc)[0], "N:Meier;Anna;Maria;;");
    assert_eq!(lines(&merged.baseline.phone)[0], "N:Meier;Anna;Maria;;");
}

#[test]
fn every_policy_decides_a_clash() {
    let base = card(&["FN:A", "TITLE:x", "BDAY:19800229"]);
    let pc = card(&["FN:A", "TITLE:p", "BDAY:19800301"]);
    let phone = card(&["FN:A", "TITLE:d", "BDAY:19800302"]);
    let run = |policy| Case::new(&base, &pc, &phone).policy(policy).run();
    let title = |card: &Card| values(card, "TITLE");
    for (policy, newest, expected) in [
        (ConflictPolicy::Phone, None, "d"),
        (ConflictPolicy::Pc, None, "p"),
        (ConflictPolicy::Newest, Some(Newer::Phone), "d"),
        (ConflictPolicy::Newest, Some(Newer::Pc), "p"),
    ] {
        let mut case = Case::new(&base, &pc, &phone).policy(policy);
        case.newest = newest;
        let merged = case.run();
        assert_eq!(
            (title(&merged.pc), title(&merged.phone)),
            (vec![expected.to_owned()], vec![expected.to_owned()])
        );
        assert_eq!(merged.conflicts.len(), 2);
        assert_eq!((&merged.baseline.pc, &merged.baseline.phone), (&merged.pc, &merged.phone));
    }
    for policy in [ConflictPolicy::Hold, ConflictPolicy::Newest] {
        let merged = run(policy);
        assert_eq!((&merged.pc, &merged.phone), (&pc, &phone));
        assert_eq!(merged.baseline, Baseline { pc: base.clone(), phone: base.clone() });
    }
    let both = run(ConflictPolicy::Both);
    assert_eq!(
        (title(&both.pc), title(&both.phone)),
        (vec!["d".into(), "p".into()], vec!["d".into(), "p".into()])
    );
    assert_eq!(
        both.conflicts.iter().map(|conflict| conflict.kept).collect::<Vec<_>>(),
        [Kept::Both, Kept::Held]
    );
    assert_eq!(values(&both.pc, "BDAY"), ["19800301"]);
    assert_eq!(values(&both.baseline.pc, "BDAY"), ["19800229"]);
}

#[test]
fn a_conflict_that_was_held_is_settled_by_either_side() {
    let base = card(&["FN:A", "TITLE:x"]);
    let (pc, phone) = (card(&["FN:A", "TITLE:p"]), card(&["FN:A", "TITLE:d"]));
    let held = Case::new(&base, &pc, &phone).run();
    for settled in ["TITLE:d", "TITLE:p"] {
        let now = card(&["FN:A", settled]);
        let case = Case { base: Some(held.baseline.clone()), ..Case::new(&base, &now, &now) };
        let merged = case.run();
        assert_eq!(merged.conflicts, []);
        assert_eq!(merged.baseline.pc, now);
    }
}

#[test]
fn removed_here_and_changed_there_is_a_conflict() {
    let base = card(&["FN:A", "TEL;TYPE=HOME:1", "TEL:2"]);
    let pc = card(&["FN:A", "TEL:2"]);
    let phone = card(&["FN:A", "TEL;TYPE=WORK:1", "TEL:2"]);
    let merged = Case::new(&base, &pc, &phone).run();
    assert_eq!(merged.conflicts.len(), 1);
    assert_eq!((&merged.pc, &merged.phone), (&pc, &phone));
    let kept = Case::new(&base, &pc, &phone).policy(ConflictPolicy::Both).run();
    assert_eq!(values(&kept.pc, "TEL"), ["1", "2"]);
    let gone = Case::new(&base, &pc, &phone).policy(ConflictPolicy::Pc).run();
    assert_eq!(values(&gone.phone, "TEL"), ["2"]);
}

#[test]
fn removed_here_and_unchanged_there_is_removed() {
    let base = card(&[
        "FN:A",
        "item1.TEL:1",
        "item1.X-ABLabel:Boat",
        "NOTE:n",
        "NICKNAME:a,b",
        "PHOTO;ENCODING=b;TYPE=JPEG:AQID",
    ]);
    let pc = card(&["FN:A", "NICKNAME:b"]);
    let merged = Case::new(&base, &pc, &base).run();
    assert_eq!(lines(&merged.phone), ["FN:A", "NICKNAME:b"]);
    assert_eq!(merged.pc, pc);
    let told: Vec<&str> = merged.to_phone.iter().map(|change| change.field.as_str()).collect();
    assert_eq!(told, ["phone (Boat)", "note", "nickname", "photo"]);
    assert_eq!(merged.to_phone[3].before.as_deref(), Some("photo, 3 bytes"));
}

#[test]
fn a_kind_or_label_that_changed_is_a_change_of_the_value() {
    let base = card(&["FN:A", "TEL;TYPE=HOME:+49 1", "item1.TEL:2", "item1.X-ABLabel:Boat"]);
    let pc = card(&["FN:A", "TEL;TYPE=WORK,pref:+49-1", "item1.TEL:2", "item1.X-ABLabel:Boat"]);
    let phone = card(&["FN:A", "TEL;TYPE=HOME:+49 1", "item1.TEL:2", "item1.X-ABLabel:Ship"]);
    let merged = Case::new(&base, &pc, &phone).run();
    assert_eq!(merged.conflicts, []);
    assert_eq!(
        lines(&merged.pc),
        ["FN:A", "TEL;TYPE=WORK,pref:+49-1", "item1.TEL:2", "item1.X-ABLabel:Ship"]
    );
    assert_eq!(values(&merged.phone, "TEL"), ["+49 1", "2"], "the phone keeps its formatting");
    assert_eq!(lines(&merged.phone)[1], "TEL;TYPE=WORK,pref:+49 1");
    assert_eq!(merged.to_phone[0].field, "home phone, kind");
}

#[test]
fn a_label_leaves_a_group_that_others_share() {
    let base = card(&["FN:A", "g.TEL:1", "g.EMAIL:a@x.example", "g.X-ABLabel:Boat"]);
    let phone = card(&[
        "FN:A",
        "item1.TEL:1",
        "item1.X-ABLabel:Ship",
        "item2.EMAIL:a@x.example",
        "item2.X-ABLabel:Boat",
    ]);
    let merged = agreed(&base, &base, &phone);
    assert_eq!(
        lines(&merged),
        ["FN:A", "item1.TEL:1", "g.EMAIL:a@x.example", "g.X-ABLabel:Boat", "item1.X-ABLabel:Ship"]
    );
}

#[test]
fn a_first_meeting_is_a_union() {
    let pc = card(&[
        "FN:Anna Meier",
        "N:Meier;Anna;;;",
        "TEL;TYPE=CELL:+49 170 1234567",
        "NOTE:pc",
        "BDAY:1980-02-29",
    ]);
    let phone =
        card(&["FN:Anna M.", "N:Meier;Anna;M;;", "TEL:0170 1234567", "TEL:7", "BDAY:19800229", "ORG:Acme"]);
    let merged = Case::first(&pc, &phone).run();
    assert_eq!(merged.conflicts.len(), 1);
    assert_eq!(merged.conflicts[0].field, "name shown");
    assert_eq!(
        lines(&merged.pc),
        [
            "FN:Anna Meier",
            "N:Meier;Anna;M;;",
            "TEL;TYPE=CELL:+49 170 1234567",
            "NOTE:pc",
            "BDAY:1980-02-29",
            "TEL:7",
            "ORG:Acme"
        ]
    );
    assert_eq!(
        lines(&merged.phone),
        [
            "FN:Anna M.",
            "N:Meier;Anna;M;;",
            "TEL;TYPE=CELL:0170 1234567",
            "TEL:7",
            "BDAY:19800229",
            "ORG:Acme",
            "NOTE:pc"
        ]
    );
    // Later the phone's owner takes the number away: the same number goes on the PC, in its other dress.
    let mut editor = CardEditor::of(&merged.phone);
    editor.remove(2);
    let later = Case { base: Some(merged.baseline.clone()), ..Case::new(&pc, &merged.pc, &editor.finish()) };
    assert_eq!(values(&later.run().pc, "TEL"), ["7"]);
}

#[test]
fn a_phone_that_re_encodes_made_no_edit() {
    let pc = card(&[
        "UID:u",
        "FN:Zoë Ek",
        "N:Ek;Zoë;;;",
        "TEL;TYPE=CELL,PREF:+46 70 1",
        "NOTE:one\\ntwo",
        "ADR;TYPE=home:;;Gata 1;Umeå;;;",
    ]);
    let phone = card_of(
        "2.1",
        &[
            "N;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Ek;Zo=C3=AB;;;",
            "FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Zo=C3=AB Ek",
            "ADR;HOME;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:;;Gata 1;Ume=C3=A5;;;",
            "TEL;PREF;CELL:0046701",
            "NOTE;ENCODING=QUOTED-PRINTABLE:one=0D=0Atwo",
        ],
    );
    let mask = FieldMask::all();
    assert_eq!(pc.fingerprint(&mask), phone.fingerprint(&mask));
    assert_eq!(diff(&pc, &phone, &mask), []);
    let merged = Case::new(&pc, &pc, &phone).run();
    assert_eq!((merged.pc, merged.phone), (pc.clone(), phone.clone()));
    assert_eq!(merged.conflicts, []);
    // A number deleted on the PC does not come back because the other card is of another version.
    let fewer = card(&["UID:u", "FN:Zoë Ek", "N:Ek;Zoë;Ö;;"]);
    let merged = Case::new(&pc, &fewer, &phone).run();
    assert_eq!(merged.phone.version(), Version::V21);
    assert_eq!(values(&merged.phone, "TEL"), Vec::<String>::new());
    assert_eq!(merged.phone.fingerprint(&mask), fewer.fingerprint(&mask));
    assert_eq!(merged.pc, fewer);
    assert!(
        String::from_utf8_lossy(merged.phone.as_bytes()).contains("=C3=96"),
        "2.1 text is quoted-printable"
    );
}

#[test]
fn four_point_zero_and_three_point_zero_exchange_values() {
    let base = card_of("4.0", &["FN:A"]);
    let phone_base = card(&["FN:A"]);
    let pc = card_of(
        "4.0",
        &["FN:A", "TEL;VALUE=uri;PREF=1;TYPE=\"voice,home\":tel:+49-1", "EMAIL;PREF=1:a@x.example"],
    );
    let phone = card(&["FN:A", "TEL;TYPE=CELL,PREF:2", "PHOTO;ENCODING=b;TYPE=JPEG:/9j/AQID"]);
    let case = Case { base: Some(Baseline { pc: base, phone: phone_base }), ..Case::new(&pc, &pc, &phone) };
    let merged = case.run();
    assert_eq!(merged.conflicts, []);
    let mask = FieldMask::all();
    assert_eq!(merged.pc.fingerprint(&mask), merged.phone.fingerprint(&mask));
    assert_eq!((merged.pc.version(), merged.phone.version()), (Version::V40, Version::V30));
    let text = String::from_utf8_lossy(merged.phone.as_bytes()).into_owned();
    assert!(!text.contains("PREF=1") && !text.contains("tel:"), "{text}");
    let text = String::from_utf8_lossy(merged.pc.as_bytes()).into_owned();
    assert!(text.contains("data:image/jpeg;base64,/9j/AQID") && !text.contains("CELL,PREF"), "{text}");
}

#[test]
fn an_anniversary_is_one_field_in_every_version() {
    let base = Baseline {
        pc: card_of("4.0", &["FN:A", "ANNIVERSARY:20100203"]),
        phone: card(&["FN:A", "X-ANNIVERSARY:2010-02-03"]),
    };
    assert_eq!(base.pc.fingerprint(&FieldMask::all()), base.phone.fingerprint(&FieldMask::all()));
    let phone = card(&["FN:A", "X-ANNIVERSARY:2011-02-03"]);
    let case = Case { base: Some(base.clone()), ..Case::new(&base.pc, &base.pc, &phone) };
    assert_eq!(lines(&case.run().pc), ["FN:A", "ANNIVERSARY:20110203"]);
}

#[test]
fn a_uid_is_added_to_a_phone_card_only_when_it_is_rewritten_anyway() {
    let base = card(&["FN:A", "TEL:1"]);
    let pc = card(&["UID:u-1", "FN:A", "TEL:1"]);
    assert_eq!(Case::new(&base, &pc, &base).run().phone, base);
    let pc = card(&["UID:u-1", "FN:A", "TEL:2"]);
    assert_eq!(Case::new(&base, &pc, &base).run().phone.uid().as_deref(), Some("u-1"));
    let other = card(&["UID:u-2", "FN:A", "TEL:1"]);
    assert_eq!(Case::new(&base, &pc, &other).run().phone.uid().as_deref(), Some("u-2"));
}

#[test]
fn bookkeeping_is_never_an_edit() {
    let base = card(&["FN:A", "REV:20260101T000000Z", "PRODID:-//a//", "UID:u"]);
    let pc = card(&["PRODID:-//b//", "FN:A", "UID:urn:uuid:u"]);
    let phone = card(&["FN:A", "REV:20270101T000000Z"]);
    let merged = Case::new(&base, &pc, &phone).run();
    assert_eq!((&merged.pc, &merged.phone), (&pc, &phone));
    assert_eq!(base.fingerprint(&FieldMask::all()), phone.fingerprint(&FieldMask::all()));
}

#[test]
fn a_value_that_the_phone_re_encoded_is_replaced_not_doubled() {
    let base = Baseline {
        pc: card(&["FN:A", "TEL;TYPE=CELL:+49 170 1"]),
        phone: card(&["FN:A", "TEL;TYPE=CELL:01701"]),
    };
    let pc = card(&["FN:A", "TEL;TYPE=CELL:+49 170 2"]);
    let case = Case { base: Some(base.clone()), ..Case::new(&pc, &pc, &base.phone) };
    assert_eq!(values(&case.run().phone, "TEL"), ["+49 170 2"]);
}

#[test]
fn the_read_back_of_a_hostile_phone_is_no_edit_and_keeps_what_is_held() {
    let base = card(&["FN:A", "TITLE:x", "TEL:1"]);
    let pc = card(&["FN:A", "TITLE:p", "TEL:2", "X-FOO:f"]);
    let phone = card(&["FN:A", "TITLE:d", "TEL:1"]);
    let merged = Case::new(&base, &pc, &phone).run();
    assert_eq!(merged.conflicts.len(), 1);
    // The phone drops the X- line and writes the card in its own order.
    let read_back = card(&["TEL:2", "TITLE:d", "FN:A"]);
    let baseline = merged.baseline_after_read_back(&read_back);
    let next = Case { base: Some(baseline), ..Case::new(&pc, &merged.pc, &read_back) }.run();
    assert_eq!((&next.pc, &next.phone), (&merged.pc, &read_back));
    assert_eq!(next.conflicts.len(), 1);
    assert_eq!(next.conflicts[0].base.as_deref(), Some("x"));
}

#[test]
fn lines_with_an_encoding_are_replaced_whole() {
    let base = card_of("2.1", &["FN;CHARSET=SHIFT_JIS;ENCODING=QUOTED-PRINTABLE:=95=5C", "NOTE:n"]);
    let pc = card(&["FN:Zoë = x", "NOTE:n"]);
    let base = Baseline { pc: card(&["FN:表", "NOTE:n"]), phone: base };
    let case = Case { base: Some(base.clone()), ..Case::new(&pc, &pc, &base.phone) };
    let merged = case.run();
    assert_eq!(values(&merged.phone, "FN"), ["Zoë = x"]);
    assert!(!String::from_utf8_lossy(merged.phone.as_bytes()).contains("SHIFT_JIS"));
}

#[test]
fn custom_lines_of_android_come_over_as_they_are() {
    let line = "X-ANDROID-CUSTOM:vnd.android.cursor.item/nickname;Bo;1;;;;;;;;;;;;;";
    let merged = agreed(&card(&["FN:A"]), &card(&["FN:A"]), &card(&["FN:A", line]));
    assert_eq!(lines(&merged), ["FN:A", line]);
}

#[test]
fn an_empty_line_gives_way_to_a_value() {
    let base = card(&["FN:A", "NOTE:", "N:;;;;"]);
    let merged = agreed(&base, &base, &card(&["FN:A", "NOTE:hello", "N:Lee;Ann;;;"]));
    assert_eq!(lines(&merged), ["FN:A", "NOTE:hello", "N:Lee;Ann;;;"]);
}

#[test]
fn debug_shows_no_content() {
    let base = card(&["FN:Secretname", "TITLE:x"]);
    let merged =
        Case::new(&base, &card(&["FN:Secretone", "TEL:123456"]), &card(&["FN:Secrettwo", "X-SECRETNAME:1"]))
            .run();
    let text = format!("{merged:?}");
    assert!(!text.contains("ecret") && !text.contains("SECRET") && !text.contains("123456"), "{text}");
}

#[test]
fn a_value_the_other_side_held_all_along_is_not_doubled() {
    let (bare, held) = (card(&["FN:A"]), card(&["FN:A", "TEL:+49 170 7"]));
    let dressed = card(&["FN:A", "TEL:0049 1707"]);
    for (base, pc, phone) in [
        (Baseline { pc: bare.clone(), phone: held.clone() }, &dressed, &held),
        (Baseline { pc: held.clone(), phone: bare.clone() }, &held, &dressed),
    ] {
        let case = Case { base: Some(base), ..Case::new(pc, pc, phone) };
        let merged = case.run();
        assert_eq!((&merged.pc, &merged.phone), (pc, phone));
    }
}
