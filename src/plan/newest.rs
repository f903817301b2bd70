//! Which of two edits is the newer one, for the policy that lets it win. By the cards' own word only: there is no clock here.

use crate::contact::{Card, Newer};

/// Which card is newer by its REV (RFC 6350 6.7.4); unknown unless both have one and they differ.
pub(super) fn newer(pc: &Card, phone: &Card) -> Option<Newer> {
    let (pc, phone) = (revised(pc)?, revised(phone)?);
    match pc.cmp(&phone) {
        std::cmp::Ordering::Greater => Some(Newer::Pc),
        std::cmp::Ordering::Less => Some(Newer::Phone),
        std::cmp::Ordering::Equal => None,
    }
}

/// That the newer edit was to win, and of so many contacts it is not known which that is; `None` for none.
pub(super) fn undated_note(contacts: usize) -> Option<String> {
    let contacts = match contacts {
        0 => return None,
        1 => String::from("1 contact"),
        more => format!("{more} contacts"),
    };
    Some(format!(
        "The newer edit is to win, but of {contacts} one side does not say when it was changed (REV), or both say the \
         same; these wait for a decision."
    ))
}

/// The digits of a card's REV down to the second; both forms of RFC 6350 and RFC 2426 order alike by them.
fn revised(card: &Card) -> Option<String> {
    let text = card.properties().iter().find(|property| property.name == "REV")?.text();
    let digits: String = text.chars().filter(char::is_ascii_digit).take(14).collect();
    (digits.len() == 14).then_some(digits)
}
