//! What the phone cannot hold of the contacts it gets, said once for all of them. It decides nothing.

use std::collections::{BTreeMap, BTreeSet};

use crate::contact::{Card, Loss, Projection};

/// So many kinds of things are named.
const KINDS_MAX: usize = 8;

/// How many contacts lose what, by what it is in words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Staying {
    contacts: BTreeMap<String, usize>,
}

impl Staying {
    /// Takes a contact of the PC into account that is on the phone, as `there`, or will be.
    pub(super) fn see(&mut self, projection: &Projection, card: &Card, there: Option<&Card>) {
        let properties = there.map(Card::properties).unwrap_or_default();
        let has_own = |property: &str| properties.iter().any(|own| own.name == property);
        let losses = projection.loses(card).into_iter().filter(|loss| match loss {
            // It has a photo of its own.
            Loss::TooLarge { property, .. } => !has_own(property),
            _ => true,
        });
        let kinds: BTreeSet<String> = losses.map(|loss| loss.of_phone()).collect();
        for kind in kinds {
            *self.contacts.entry(kind).or_default() += 1;
        }
    }

    /// One sentence for all of it, what most contacts lose first; `None` if nothing is lost.
    pub(super) fn note(&self) -> Option<String> {
        let mut kinds: Vec<(&String, usize)> =
            self.contacts.iter().map(|(kind, contacts)| (kind, *contacts)).collect();
        kinds.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(other.0)));
        let mut told: Vec<String> = kinds
            .iter()
            .take(KINDS_MAX)
            .enumerate()
            .map(|(place, (kind, contacts))| match (place, contacts) {
                (0, 1) => format!("{kind} (1 contact)"),
                (0, _) => format!("{kind} ({contacts} contacts)"),
                _ => format!("{kind} ({contacts})"),
            })
            .collect();
        if told.is_empty() {
            return None;
        }
        if kinds.len() > KINDS_MAX {
            told.push(format!("{} more", kinds.len() - KINDS_MAX));
        }
        Some(format!("This phone cannot hold: {}. They stay on the PC.", told.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::super::observation::{
        Held, LinkedCase, MatchingFacts, NewItem, Observations, Seen, SideFacts,
    };
    use super::super::{Headline, PairAfter, Plan, WriteStep, plan};
    use super::*;
    use crate::contact::{Baseline, Dialect, FieldLimits, FieldMask};
    use crate::provider::{Completeness, Delivery, ItemId, Link, LinkId, Revision};
    use crate::relationship::{Mode, Relationship};

    fn held(card: &Card) -> Held {
        Held { card: card.clone(), revision: Revision::of(card.as_bytes()), modified_ms: None }
    }

    fn side(projection: Projection, dialect: Option<Dialect>) -> SideFacts {
        SideFacts {
            items: 1,
            completeness: Completeness::Complete,
            restarted: None,
            projection,
            dialect,
            card_bytes_max: 100_000,
            delivery: Delivery::Direct,
        }
    }

    /// The plan of a session with a phone that holds this much.
    fn planned(projection: &Projection, mode: Mode, linked: Vec<LinkedCase>, new_pc: &[Card]) -> Plan {
        let new = |(number, card): (u64, &Card)| NewItem {
            item: ItemId(number + 10),
            held: held(card),
            place: String::new(),
            same_uid: Vec::new(),
        };
        let seen = Observations {
            pc: side(Projection::default(), None),
            phone: side(projection.clone(), Some(Dialect::phone())),
            links: linked.len(),
            linked,
            new_pc: (0..).zip(new_pc).map(new).collect(),
            new_phone: Vec::new(),
            unusable: Vec::new(),
            absent: Vec::new(),
            offered: Vec::new(),
            matching: MatchingFacts::default(),
            holds: super::super::observation::Holds::default(),
        };
        plan(seen, &Relationship::of_mode(mode), crate::plan::GuardAnswers::default())
    }

    #[test]
    fn a_plan_writes_no_more_than_the_phone_holds_and_says_what_stays() {
        let limits = FieldLimits { count_max: [("TEL".to_owned(), 2)].into(), ..FieldLimits::default() };
        let projection = Projection { fields: FieldMask::only(["FN", "N", "TEL"]), limits };
        let new = card("TEL:1\r\nTEL:2\r\nTEL:3\r\nNOTE:a\r\n");
        let plan = planned(&projection, Mode::TwoWay, Vec::new(), std::slice::from_ref(&new));
        let [action] = plan.actions.as_slice() else { panic!("{plan:?}") };
        let Some(WriteStep::Create { card: written, .. }) = &action.phone else { panic!("{plan:?}") };
        assert_eq!(projection.project(written), *written);
        assert_eq!(written.properties().iter().filter(|property| property.name == "TEL").count(), 2);
        let PairAfter::Linked { baseline } = &action.after else { panic!("{plan:?}") };
        assert_eq!(baseline, &Baseline { pc: new, phone: written.clone() });
        let note =
            "This phone cannot hold: more than 2 phone numbers (1 contact), notes (1). They stay on the PC.";
        assert_eq!(plan.notes, [note]);
    }

    #[test]
    fn what_is_on_the_phone_as_it_can_be_there_is_no_change_and_is_not_written() {
        let limits = FieldLimits { length_max: [("FN".to_owned(), 3)].into(), ..FieldLimits::default() };
        let projection = Projection { fields: FieldMask::only(["FN", "N", "TEL"]), limits };
        let pc = card("TEL:1\r\nNOTE:a\r\n");
        let phone = projection.project(&pc);
        let edited = card("TEL:1\r\nNOTE:b\r\n");
        let case = |pc_seen: Seen| LinkedCase {
            link: Link {
                id: LinkId(1),
                pc: ItemId(1),
                phone: ItemId(2),
                base: Some(Baseline { pc: pc.clone(), phone: phone.clone() }),
            },
            pc: pc_seen,
            phone: Seen::Unchanged(held(&phone)),
            conflicts: Vec::new(),
            place: String::new(),
            same_uid: Vec::new(),
        };
        let plan = planned(&projection, Mode::TwoWay, vec![case(Seen::Changed(held(&edited)))], &[]);
        let [action] = plan.actions.as_slice() else { panic!("{plan:?}") };
        assert_eq!(
            (action.headline, action.pc.is_some(), action.phone.is_some()),
            (Headline::Settle, false, false)
        );
        assert!(
            plan.notes[0].contains("notes (1") && plan.notes[0].contains("names shown of more than 3"),
            "{plan:?}"
        );
        // Where nothing is ever written to the phone there is nothing to say.
        let plan = planned(&projection, Mode::PhoneToPc, vec![case(Seen::Changed(held(&edited)))], &[]);
        assert_eq!(plan.notes, Vec::<String>::new());
    }

    fn card(lines: &str) -> Card {
        Card::parse(format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann Lee\r\n{lines}END:VCARD\r\n").as_bytes())
            .unwrap()
    }

    fn note(projection: &Projection, cards: &[Card]) -> Option<String> {
        let mut staying = Staying::default();
        cards.iter().for_each(|card| staying.see(projection, card, None));
        staying.note()
    }

    #[test]
    fn what_stays_is_said_once_with_how_many_contacts_it_concerns() {
        let limits = FieldLimits { count_max: [("TEL".to_owned(), 1)].into(), ..FieldLimits::default() };
        let projection = Projection { fields: FieldMask::only(["FN", "TEL"]), limits };
        let cards = [
            card("NOTE:a\r\nPHOTO;VALUE=uri:http://example.org/a\r\n"),
            card("NOTE:b\r\nTEL:1\r\nTEL:2\r\nTEL:3\r\n"),
            card("NOTE:c\r\nTEL:1\r\n"),
        ];
        assert_eq!(
            note(&projection, &cards).as_deref(),
            Some(
                "This phone cannot hold: notes (3 contacts), more than one phone (1), photos (1). They stay on the PC."
            )
        );
        assert_eq!(note(&projection, &[card("TEL:1\r\nUID:x\r\nREV:20200101T000000Z\r\n")]), None);
        assert_eq!(note(&Projection::default(), &cards), None);
    }

    #[test]
    fn a_long_list_is_cut() {
        let lines: String = (0..12).map(|number| format!("X-FIELD-{number:02}:1\r\n")).collect();
        let told = note(&FieldMask::only(["FN"]).into(), &[card(&lines)]).unwrap();
        assert!(
            told.contains("X-FIELD-00 (1 contact), X-FIELD-01 (1)")
                && told.contains("X-FIELD-07 (1), 4 more."),
            "{told}"
        );
    }
}
