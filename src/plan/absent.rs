//! Contacts that the phone's newest export lacks: what is said of them, and whether one of them is there under another
//! name. They stay as they are on the PC.

use std::collections::HashMap;

use crate::contact::{MatchKeys, likeness, match_keys};
use crate::provider::ItemId;

use super::action::Reason;
use super::observation::{AbsentContact, LinkedCase, NewItem, Seen};
use super::pairing::{self, Paired, Pairing};

/// So many names are told.
const NAMES_MAX: usize = 5;
/// So many pairs are told that may be one person.
const PAIRS_MAX: usize = 5;

/// A contact that was missing under what the phone knew of it, and is there as the PC has it.
pub(super) struct Returned {
    /// The pair.
    pub case: LinkedCase,
    /// What it is on the phone now.
    pub new: NewItem,
    /// Why they are one.
    pub reason: Reason,
}

/// A person who does by hand what the PC wants (a new name and a new number at once) leaves nothing by which the old
/// contact could be known again; but it is then what the PC says.
/// So is a contact that was deleted there and edited here, where a session came to put it back and had no answer: put
/// back once more, and copied from there as something new, it would be there twice.
/// Those are taken out of both lists.
pub(super) fn returned(
    linked: &mut Vec<LinkedCase>,
    paired: &mut Paired,
    rule: &Pairing<'_>,
) -> Vec<Returned> {
    let wanted = |case: &LinkedCase| match (&case.phone, &case.pc) {
        (Seen::Absent | Seen::Deleted | Seen::Lost, Seen::Changed(held)) => Some(NewItem {
            item: case.link.pc,
            held: held.clone(),
            place: String::new(),
            same_uid: Vec::new(),
        }),
        _ => None,
    };
    let missing: Vec<NewItem> = linked.iter().filter_map(wanted).collect();
    if missing.is_empty() || paired.only_phone.is_empty() {
        return Vec::new();
    }
    let items: Vec<ItemId> = missing.iter().map(|new| new.item).collect();
    // Who may be one person with somebody missing is told further on; nobody new is held back by that.
    let rule = Pairing { offered: &items, holds: false, ..*rule };
    let found = pairing::pair(missing, std::mem::take(&mut paired.only_phone), &rule);
    paired.only_phone = found.only_phone;
    let mut by_pc: HashMap<ItemId, (NewItem, Reason)> =
        found.pairs.into_iter().map(|(pc, phone, reason)| (pc.item, (phone, reason))).collect();
    let mut returned = Vec::new();
    for case in std::mem::take(linked) {
        match by_pc.remove(&case.link.pc).filter(|_| wanted(&case).is_some()) {
            Some((new, reason)) => returned.push(Returned { case: compared_anew(case), new, reason }),
            None => linked.push(case),
        }
    }
    returned
}

/// What was deleted under its old number and is there under another is no edit of what it was: nothing that the new one
/// lacks counts as removed.
fn compared_anew(mut case: LinkedCase) -> LinkedCase {
    if !matches!(case.phone, Seen::Absent) {
        case.link.base = None;
    }
    case
}

/// Who is missing and who is new on the phone, if they may be one person: somebody was renamed, and all that is left is a
/// number that others have too. One sentence for each such pair.
pub(super) fn renamed_notes(absent: &[AbsentContact], new_phone: &[NewItem]) -> Vec<String> {
    let new: Vec<(&NewItem, MatchKeys)> =
        new_phone.iter().map(|new| (new, match_keys(&new.held.card))).collect();
    let pairs = absent.iter().flat_map(|gone| {
        let like = new.iter().filter(|(_, keys)| likeness(&gone.keys, keys) > 0);
        like.map(|(new, _)| {
            let (gone, new) = (&gone.name, new.held.card.display_name());
            format!(
                "“{gone}” is no longer in the phone's export, and “{new}” with the same name, number or e-mail is new \
                 there: they may be one person who was changed on the phone. If so, delete “{gone}” on the PC."
            )
        })
    });
    let mut notes: Vec<String> = pairs.take(PAIRS_MAX + 1).collect();
    if notes.len() > PAIRS_MAX {
        notes.truncate(PAIRS_MAX);
        notes.push(String::from(
            "More contacts that are missing from the phone's export may be new there under other names.",
        ));
    }
    notes
}

/// One sentence for all of them; `None` if there are none.
pub(super) fn absent_note(absent: &[AbsentContact]) -> Option<String> {
    let names: Vec<&String> = absent.iter().map(|gone| &gone.name).collect();
    let mut told: Vec<String> = names.iter().take(NAMES_MAX).map(|name| format!("“{name}”")).collect();
    if names.len() > NAMES_MAX {
        told.push(format!("{} more", names.len() - NAMES_MAX));
    }
    let last = told.pop()?;
    let list = if told.is_empty() { last } else { format!("{} and {last}", told.join(", ")) };
    let (are, they) = if names.len() == 1 {
        ("1 contact is not in the phone's newest export", "it was")
    } else {
        return Some(format!(
            "{} contacts are not in the phone's newest export: {list}. They stay here as they are; if they were \
             deleted on the phone, say so: --absent delete.",
            names.len()
        ));
    };
    Some(format!(
        "{are}: {list}. It stays here as it is; if {they} deleted on the phone, say so: --absent delete."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_names_stand_for_all() {
        let gone = |number: usize| AbsentContact {
            name: format!("Person {number}"),
            keys: MatchKeys::default(),
            phone: ItemId(0),
        };
        let names = |count: usize| (1..=count).map(gone).collect::<Vec<_>>();
        assert_eq!(absent_note(&[]), None);
        assert!(
            absent_note(&names(1))
                .unwrap()
                .starts_with("1 contact is not in the phone's newest export: “Person 1”.")
        );
        assert!(absent_note(&names(2)).unwrap().contains("“Person 1” and “Person 2”. They stay"));
        assert!(absent_note(&names(9)).unwrap().contains("“Person 5” and 4 more."));
    }
}
