//! The plan for people, over plans made by hand: whole texts at 80 columns, plain and in colour.

use insta::assert_snapshot;
use proptest::prelude::*;

use super::*;
use crate::contact::{Baseline, Card, Evidence, FieldChange, FieldConflict, Kept};
use crate::plan::{
    Action, GuardAnswer, Headline, Likeness, PairAfter, Plan, Reason, Skipped, Stop, WriteStep,
};
use crate::provider::{AskedPair, Delivery, ItemId, Revision};
use crate::relationship::{Mode, Side};

fn card(lines: &[&str]) -> Card {
    let text = format!("BEGIN:VCARD\r\nVERSION:3.0\r\n{}\r\nEND:VCARD\r\n", lines.join("\r\n"));
    Card::parse(text.as_bytes()).unwrap()
}

fn heading() -> Heading {
    Heading {
        phone: "Pixel 7".into(),
        channel: "android".into(),
        book: "contacts".into(),
        mode: Mode::TwoWay,
        by_hand: false,
        arguments: " --phone usb".into(),
        said: String::new(),
    }
}

fn action(headline: Headline, subject: &str, reason: Reason) -> Action {
    let card = card(&["FN:x"]);
    Action {
        headline,
        subject: subject.into(),
        reasons: vec![reason],
        link: None,
        pc_item: Some(ItemId(1)),
        phone_item: Some(ItemId(1)),
        pc: None,
        phone: None,
        to_pc: Vec::new(),
        to_phone: Vec::new(),
        conflicts: Vec::new(),
        apart: None,
        after: PairAfter::Linked { baseline: Baseline { pc: card.clone(), phone: card } },
        delivery: Delivery::Direct,
        holding: None,
    }
}

fn create(side: Side, subject: &str, lines: &[&str]) -> Action {
    let mut action = action(Headline::Create(side), subject, Reason::NewOn(side.other()));
    let step = Some(WriteStep::Create { name: "n".into(), card: card(lines) });
    match side {
        Side::Pc => action.pc = step,
        Side::Phone => action.phone = step,
    }
    action
}

fn replace() -> Option<WriteStep> {
    let card = card(&["FN:x"]);
    Some(WriteStep::Replace { item: ItemId(1), expected: Revision([0; 32]), before: card.clone(), card })
}

fn change(field: &str, before: Option<&str>, after: Option<&str>) -> FieldChange {
    FieldChange { field: field.into(), before: before.map(Into::into), after: after.map(Into::into) }
}

fn conflict(field: &str, kept: Kept, pc: &str, phone: &str) -> FieldConflict {
    FieldConflict {
        field: field.into(),
        base: Some("1990-02-11".into()),
        pc: Some(pc.into()),
        phone: Some(phone.into()),
        kept,
    }
}

fn skipped(subject: &str, why: &str, remedy: &str) -> Skipped {
    Skipped {
        side: Side::Phone,
        item: ItemId(9),
        partner: None,
        subject: subject.into(),
        why: why.into(),
        remedy: remedy.into(),
    }
}

/// One of everything.
fn everything() -> Plan {
    let mut update = action(Headline::Update(Side::Phone), "Ada Lovelace", Reason::EditedOn(Side::Pc));
    update.phone = replace();
    update.to_phone = vec![
        change("e-mail (work)", Some("ada@old.example"), Some("ada@new.example")),
        change("address (home), postal code", Some("SW1Y 4JH"), None),
        change(
            "note",
            Some("A very long note that has been written over many years and never fits anywhere"),
            Some("short"),
        ),
    ];
    let mut merge = action(Headline::Merge, "Bo Li", Reason::EditedOnBoth);
    (merge.pc, merge.phone) = (replace(), replace());
    merge.to_phone = vec![change("job title", None, Some("Engineer"))];
    merge.to_pc = vec![change("note", Some("old"), Some("new\nlines"))];
    merge.conflicts = vec![conflict("birthday", Kept::Both, "1990-02-10", "1990-02-01")];
    let mut delete = action(Headline::Delete(Side::Phone), "Old Friend", Reason::DeletedOn(Side::Pc));
    delete.phone = Some(WriteStep::Delete {
        item: ItemId(2),
        expected: Revision([0; 32]),
        before: Some(card(&["FN:x", "TEL:1"])),
    });
    let mut held = action(Headline::Conflict, "Ana Ruiz", Reason::EditedOnBoth);
    held.conflicts = vec![
        conflict("birthday", Kept::Held, "1990-02-10", "1990-02-01"),
        conflict(
            "note",
            Kept::Held,
            "what the PC says is longer than fits",
            "what the phone says is long too",
        ),
    ];
    let mut matched = action(
        Headline::Match,
        "Zoë Ångström",
        Reason::Alike(Likeness::new(90, &[Evidence::SameName, Evidence::SameNumber])),
    );
    matched.pc = replace();
    matched.to_pc = vec![change("mobile phone", None, Some("+46 70 123 45 67"))];
    let mut lost = action(Headline::Create(Side::Phone), "Lost One", Reason::LostOn(Side::Phone));
    lost.phone = create(Side::Phone, "", &["FN:Lost One"]).phone;
    let settled = action(Headline::Settle, "Nobody sees this", Reason::DeletedOnBoth);
    Plan {
        actions: vec![
            create(Side::Pc, "ليلى حداد", &["FN:ليلى حداد", "TEL;TYPE=CELL:+962 7 9000 0000", "ORG:شركة المثال"]),
            create(
                Side::Pc,
                "王小明，東京大阪名古屋札幌福岡広島仙台京都神戸横浜川崎支店長補佐代理",
                &["FN:王小明", "TEL;TYPE=HOME:110", "EMAIL;TYPE=WORK:wang@example.org", "ORG:東京 Example;Lab", "URL:x"],
            ),
            create(Side::Phone, "Rocket 👩\u{200d}🚀 Woman 🇩🇪", &["FN:R", "NOTE:only with -v"]),
            update,
            merge,
            matched,
            lost,
            delete,
            held,
            settled,
        ],
        kept: Vec::new(),
        skipped: vec![
            skipped("broken.vcf", "broken.vcf: the card is empty (0 bytes)", "mend or delete it on the phone"),
            skipped("Internal storage/Contacts/a long folder name/x.vcf", "x.vcf: torn", "mend or delete it"),
        ],
        asked: vec![AskedPair {
            pc: ItemId(7),
            phone: ItemId(8),
            score: 65,
            reasons: vec![Evidence::SameName, Evidence::OneGeneration, Evidence::SameNumber],
            place: "Internal storage/Contacts/roe.vcf".into(),
            pc_card: card(&["UID:r", "FN:John Roe"]),
            phone_card: card(&["FN:John Roe Jr."]),
        }],
        notes: vec![
            "“Ana Ruiz” (Contacts/a.vcf) on the phone has the same UID as “Bo Ek” (Contacts/b.vcf); all are kept as \
             separate contacts."
                .into(),
        ],
        answers: Vec::new(),
        stop: None,
        items: (11, 12),
        first: false,
    }
}

fn text(lines: &[Line], coloured: bool) -> String {
    lines.iter().map(|line| line.render(coloured) + "\n").collect()
}

fn with_total(plan: &Plan, verbose: bool) -> Vec<Line> {
    let mut summary = Summary::new("Pixel 7", "contacts", true);
    summary.count_plan(plan);
    let joined = plan.actions.iter().filter(|action| action.headline == Headline::Match).count();
    let mut lines = plan_lines(plan, &heading(), verbose);
    lines.push(Line::new());
    lines.extend(total_lines(&summary, joined, &heading()));
    lines
}

fn assert_fits(lines: &[Line]) {
    for line in lines {
        let text = line.render(false);
        assert!(width(&text) <= COLUMNS, "{} columns: {text}", width(&text));
        assert!(!text.chars().any(char::is_control), "{text:?}");
    }
}

#[test]
fn one_of_everything() {
    let lines = with_total(&everything(), false);
    assert_fits(&lines);
    assert_snapshot!(text(&lines, false));
}

#[test]
fn one_of_everything_verbose() {
    let lines = with_total(&everything(), true);
    assert_fits(&lines);
    assert_snapshot!(text(&lines, false));
}

#[test]
fn one_of_everything_in_colour() {
    let lines = with_total(&everything(), false);
    assert_snapshot!(text(&lines, true).replace('\u{1b}', "␛"));
    let mut plain = String::new();
    for part in text(&lines, true).split('\u{1b}') {
        plain.push_str(
            part.strip_prefix('[').and_then(|codes| codes.split_once('m')).map_or(part, |codes| codes.1),
        );
    }
    // Spaces at the end of a line are cut in both.
    assert_eq!(plain, text(&lines, false));
}

#[test]
fn an_empty_plan_says_that_there_is_nothing_to_do() {
    assert_snapshot!(text(&with_total(&Plan { items: (3, 3), ..Plan::default() }, false), false), @r"
    Pixel 7 (android)  ⇄  book “contacts”       two-way, 3 on the phone, 3 on the PC

    Nothing to do: both sides are the same.
    ");
}

#[test]
fn a_long_heading_takes_two_lines() {
    let heading = Heading {
        phone: "Personal Communicator of 王小明".into(),
        book: "friends and family".into(),
        ..heading()
    };
    let lines = heading.lines((10_000, 12_000));
    assert_fits(&lines);
    assert_eq!(lines.len(), 2);
}

#[test]
fn many_new_contacts_are_summed_up() {
    let names: Vec<String> = (1..=45).map(|number| format!("Person {number:02}")).collect();
    let mut plan = Plan::default();
    for name in &names {
        plan.actions.push(create(Side::Pc, name, &["FN:x", "TEL:+49 170 1234567", "EMAIL:x@example.org"]));
        plan.actions.push(create(Side::Phone, name, &["FN:x"]));
    }
    let lines = plan_lines(&plan, &heading(), false);
    assert_fits(&lines);
    assert_eq!(lines.len(), 2 + 80 + 2);
    let shown = text(&lines, false);
    assert!(shown.contains("and 5 new contacts for the PC; -v lists them all"), "{shown}");
    assert!(shown.contains("and 5 new contacts for the phone; -v lists them all"), "{shown}");
    assert!(
        shown.contains("← PC       + Person 40                new on the phone: +49 170 1234567\n"),
        "{shown}"
    );
    assert!(text(&plan_lines(&plan, &heading(), true), false).contains("Person 45"));
}

#[test]
fn stops_say_what_tripped_what_would_have_been_and_the_ways_on() {
    let mut plan = Plan::default();
    for number in 1..=8 {
        let mut delete =
            action(Headline::Delete(Side::Phone), &format!("Friend {number}"), Reason::DeletedOn(Side::Pc));
        plan.answers = GuardAnswer::ALL.to_vec();
        delete.phone =
            Some(WriteStep::Delete { item: ItemId(number), expected: Revision([0; 32]), before: None });
        plan.actions.push(delete);
    }
    let stops = [
        Stop::TooManyDeletes { side: Side::Phone, deletes: 8, items: 12, allowed: 5 },
        Stop::EmptySource { side: Side::Pc, links: 1 },
        Stop::IncompleteSource { side: Side::Phone, why: "the listing was cut short after 3 objects".into() },
    ];
    let mut shown = String::new();
    for stop in &stops {
        let lines = stop_lines(stop, &plan, &heading());
        assert_fits(&lines);
        shown.push_str(&text(&lines, false));
        shown.push('\n');
    }
    assert_snapshot!(shown);
}

#[test]
fn statistics_are_two_sentences() {
    let mut summary = Summary::new("Pixel 7", "contacts", false);
    summary.transactions.insert("GetObject".into(), 12);
    summary.transactions.insert("total".into(), 12);
    summary.bytes = Bytes { from_phone: 4200, to_phone: 0 };
    summary.ms = Durations { collect: 3.1, plan: 0.2, apply: 10.0, total: 14.5 };
    assert_snapshot!(text(&statistics_lines(&summary), false), @r"
    Phone: 12 requests (GetObject 12); 4.2 KB in, 0 B out.
    Time: 14.5 ms (collecting 3.1, planning 0.2, writing 10)
    ");
}

#[test]
fn json_lines_have_their_shapes() {
    let plan = everything();
    let mut lines: Vec<String> = plan.actions.iter().map(|action| action_line(action, None)).collect();
    lines.push(action_line(&plan.actions[3], Some(&ActionOutcome::Refused("write-protected".into()))));
    lines.push(action_line(&plan.actions[4], Some(&ActionOutcome::Stale)));
    lines.extend(plan.skipped.iter().map(skipped_line));
    lines.extend(plan.notes.iter().map(|note| note_line(note)));
    lines.push(stop_line(
        &Stop::TooManyDeletes { side: Side::Phone, deletes: 8, items: 12, allowed: 5 },
        &plan,
    ));
    lines.push(stop_line(&Stop::EmptySource { side: Side::Pc, links: 1 }, &plan));
    lines.push(stop_line(&Stop::IncompleteSource { side: Side::Phone, why: "cut".into() }, &plan));
    lines.push(error_line("no phone", Some("plug it in"), ExitCode::NoPhone));
    lines.push(json_line(&Summary::new("Pixel 7", "contacts", true)));
    for line in &lines {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert!(value["type"].is_string() && !line.contains('\n'));
    }
    assert_snapshot!(lines.join("\n"));
}

proptest! {
    /// Whatever stands in names, fields and values: no line is too wide, nothing commands the terminal.
    #[test]
    fn any_text_fits(
        subject in "\\PC{0,90}|.{0,30}",
        field in ".{0,40}",
        before in proptest::option::of("(?s).{0,120}"),
        after in proptest::option::of("[\\p{Han}\\p{Arabic}\\p{Emoji} a-z\u{1b}\n]{0,80}"),
    ) {
        let mut plan = everything();
        for action in &mut plan.actions {
            action.subject.clone_from(&subject);
            let changed = FieldChange { field: field.clone(), before: before.clone(), after: after.clone() };
            if action.pc.is_some() { action.to_pc.push(changed.clone()); }
            if action.phone.is_some() { action.to_phone.push(changed); }
            action.conflicts.push(FieldConflict {
                field: field.clone(), base: after.clone(), pc: before.clone(), phone: after.clone(), kept: Kept::Held,
            });
        }
        for skipped in &mut plan.skipped {
            skipped.subject.clone_from(&subject);
            skipped.why = before.clone().unwrap_or_default();
        }
        plan.notes.push(before.clone().unwrap_or_default());
        for line in plan_lines(&plan, &heading(), true) {
            let text = line.render(false);
            prop_assert!(width(&text) <= COLUMNS, "{} columns: {}", width(&text), text);
            prop_assert!(!text.chars().any(char::is_control));
        }
    }
}
