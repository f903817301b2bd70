//! Answers by example: what each does to the card, to the baselines, and to what the next merge makes of it.

use super::*;
use crate::contact::Newer;

fn card(lines: &[&str]) -> Card {
    let text = format!("BEGIN:VCARD\r\nVERSION:3.0\r\n{}\r\nEND:VCARD\r\n", lines.join("\r\n"));
    Card::parse(text.as_bytes()).unwrap()
}

fn lines(card: &Card) -> Vec<String> {
    let text = String::from_utf8(card.as_bytes().to_vec()).unwrap();
    text.lines()
        .filter(|line| !line.contains("VCARD") && !line.starts_with("VERSION"))
        .map(str::to_owned)
        .collect()
}

/// A pair in conflict: what was agreed on and what both sides hold.
struct Pair {
    base: Baseline,
    pc: Card,
    phone: Card,
}

impl Pair {
    /// After the session that told the conflict.
    fn new(base: &[&str], pc: &[&str], phone: &[&str]) -> Self {
        let base = card(base);
        let base = Baseline { pc: base.clone(), phone: base };
        let pair = Self { base, pc: card(pc), phone: card(phone) };
        let held = merge(&pair.input());
        Self { base: held.baseline.clone(), pc: held.pc.clone(), phone: held.phone }
    }

    fn input(&self) -> MergeInput<'_> {
        static ALL: std::sync::LazyLock<Projection> = std::sync::LazyLock::new(Projection::default);
        MergeInput {
            base: Some(&self.base),
            pc: &self.pc,
            phone: &self.phone,
            projection: &ALL,
            policy: ConflictPolicy::Hold,
            newest: None::<Newer>,
        }
    }

    /// What both sides hold after the same answer to every field and a merge; no conflict may be left.
    fn after(&self, answer: &Answer) -> (Vec<String>, Vec<String>) {
        let fields = open_fields(&self.input());
        assert!(!fields.is_empty());
        let answers = vec![Some(answer.clone()); fields.len()];
        let Resolution { pc, baseline } = resolve(&self.input(), &answers).unwrap();
        let merged = merge(&MergeInput { base: Some(&baseline), pc: &pc, ..self.input() });
        assert_eq!(merged.conflicts, []);
        (lines(&merged.pc), lines(&merged.phone))
    }
}

#[test]
fn a_title_is_the_phones_the_pcs_both_or_another() {
    let pair = Pair::new(&["FN:A", "TITLE:Clerk"], &["FN:A", "TITLE:Pilot"], &["FN:A", "TITLE:Baker"]);
    let same = |lines: &[&str]| {
        let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        (lines.clone(), lines)
    };
    assert_eq!(pair.after(&Answer::Phone), same(&["FN:A", "TITLE:Baker"]));
    assert_eq!(pair.after(&Answer::Pc), same(&["FN:A", "TITLE:Pilot"]));
    assert_eq!(pair.after(&Answer::Text(" Cook; chief ".into())), same(&["FN:A", "TITLE:Cook\\; chief"]));
    let (mut pc, mut phone) = pair.after(&Answer::Both);
    pc.sort();
    phone.sort();
    assert_eq!((pc, phone), same(&["FN:A", "TITLE:Baker", "TITLE:Pilot"]));
}

#[test]
fn what_a_contact_has_once_goes_into_the_note_and_only_once() {
    let pair = Pair::new(
        &["FN:A", "BDAY:1990-02-11", "NOTE:Tea"],
        &["FN:A", "BDAY:1990-02-10", "NOTE:Tea"],
        &["FN:A", "BDAY:1990-02-01", "NOTE:Tea"],
    );
    let wanted = ["FN:A", "BDAY:1990-02-10", "NOTE:Tea\\nbirthday on the phone: 1990-02-01"];
    let (pc, phone) = pair.after(&Answer::Both);
    assert_eq!(pc, wanted);
    assert_eq!(phone, wanted);
    let noted = Pair { pc: card(&wanted), ..pair };
    assert_eq!(noted.after(&Answer::Both).0, wanted);
}

#[test]
fn of_a_removed_and_a_changed_value_both_is_the_changed_one() {
    let (base, without) = (["FN:A", "NOTE:Tea"], ["FN:A"]);
    let changed = ["FN:A", "NOTE:Coffee"];
    for (pc, phone) in [(&without[..], &changed[..]), (&changed[..], &without[..])] {
        let pair = Pair::new(&base, pc, phone);
        assert_eq!(pair.after(&Answer::Both).0, changed);
        assert_eq!(pair.after(&Answer::Both).1, changed);
        assert_eq!(pair.after(&Answer::Pc).1, pc);
        assert_eq!(pair.after(&Answer::Phone).0, phone);
        assert_eq!(pair.after(&Answer::Text("Water".into())).1, ["FN:A", "NOTE:Water"]);
    }
}

#[test]
fn a_photo_is_one_or_the_other() {
    let photo = |data: &str| format!("PHOTO;ENCODING=b;TYPE=JPEG:{data}");
    let (one, two, three) = (photo("AAAA"), photo("BBBB"), photo("CCCC"));
    let pair = Pair::new(&["FN:A", &one], &["FN:A", &two], &["FN:A", &three]);
    assert_eq!(open_fields(&pair.input()).first().map(|field| field.both), Some(KeepBoth::Never));
    let refused = |answer| resolve(&pair.input(), &[Some(answer)]).unwrap_err();
    assert_eq!(refused(Answer::Both), ResolutionError::NotBoth("photo".into()));
    assert_eq!(refused(Answer::Text("x".into())), ResolutionError::NotText("photo".into()));
    assert_eq!(pair.after(&Answer::Phone).0.get(1), Some(&three));
}

#[test]
fn parts_of_one_name_are_answered_each_by_itself() {
    let pair = Pair::new(&["FN:A", "N:Lee;Ann;;;"], &["FN:A", "N:Wu;Anna;;;"], &["FN:A", "N:Smith;Anne;;;"]);
    let fields = open_fields(&pair.input());
    let answers: Vec<_> = fields
        .iter()
        .map(|field| Some(if field.conflict.field == "family name" { Answer::Phone } else { Answer::Pc }))
        .collect();
    let Resolution { pc, baseline } = resolve(&pair.input(), &answers).unwrap();
    assert_eq!(lines(&pc), ["FN:A", "N:Smith;Anna;;;"]);
    let merged = merge(&MergeInput { base: Some(&baseline), pc: &pc, ..pair.input() });
    assert_eq!(lines(&merged.phone), ["FN:A", "N:Smith;Anna;;;"]);
}

#[test]
fn a_phone_that_changed_since_is_in_conflict_again() {
    let pair = Pair::new(&["FN:A", "TITLE:Clerk"], &["FN:A", "TITLE:Pilot"], &["FN:A", "TITLE:Baker"]);
    let Resolution { pc, baseline } = resolve(&pair.input(), &[Some(Answer::Pc)]).unwrap();
    let now = card(&["FN:A", "TITLE:Singer"]);
    let merged = merge(&MergeInput { base: Some(&baseline), pc: &pc, phone: &now, ..pair.input() });
    let conflict = merged.conflicts.first().unwrap();
    assert_eq!(
        (conflict.base.as_deref(), conflict.pc.as_deref(), conflict.phone.as_deref()),
        (Some("Baker"), Some("Pilot"), Some("Singer"))
    );
    assert_eq!(merged.phone, now);
}

#[test]
fn a_card_edited_as_a_whole_keeps_the_lines_that_were_not_edited() {
    let pair = Pair::new(
        &["FN:A", "TITLE:Clerk", "X-OWN;X-P=1:as  it is"],
        &["FN:A", "TITLE:Pilot", "X-OWN;X-P=1:as  it is"],
        &["FN:A", "TITLE:Baker", "X-OWN;X-P=1:as  it is"],
    );
    let shown = crate::contact::write(&pair.pc, &crate::contact::Dialect::v40()).card;
    let text = String::from_utf8(shown.as_bytes().to_vec()).unwrap().replace("Pilot", "Captain");
    let edited = Card::parse(text.as_bytes()).unwrap();
    let Resolution { pc, baseline } = take_edited(&pair.input(), &shown, &edited).unwrap();
    assert_eq!(lines(&pc), ["FN:A", "TITLE:Captain", "X-OWN;X-P=1:as  it is"]);
    let merged = merge(&MergeInput { base: Some(&baseline), pc: &pc, ..pair.input() });
    assert_eq!((merged.conflicts.len(), lines(&merged.phone)), (0, lines(&pc)));
}
