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
    /// Takes a contact of the PC into account that is on the phone or will be.
    pub(super) fn see(&mut self, projection: &Projection, card: &Card) {
        let kinds: BTreeSet<String> = projection.loses(card).iter().map(Loss::of_phone).collect();
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
    use super::*;
    use crate::contact::{FieldLimits, FieldMask};

    fn card(lines: &str) -> Card {
        Card::parse(format!("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Ann Lee\r\n{lines}END:VCARD\r\n").as_bytes())
            .unwrap()
    }

    fn note(projection: &Projection, cards: &[Card]) -> Option<String> {
        let mut staying = Staying::default();
        cards.iter().for_each(|card| staying.see(projection, card));
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
