//! The invented people of the model, what a person does to their cards, and what of it a side shows. Cards are text here.

use std::collections::BTreeSet;

use tetherbook::contact::Card;

use crate::disk::{Disk, File, Phone, Step};

/// Who: the UID's letter and the name.
const PEOPLE: [(&str, &str); 2] = [("a", "Ada"), ("b", "Bob")];
/// The fields that are edited: one that holds one value, and one that holds a set.
pub const FIELDS: [&str; 2] = ["TITLE", "TEL"];

/// A value that was typed: 10 for what was there at first, 20 and more for the PC's, 30 and more for the phone's.
pub type Token = u8;
/// What a side shows of a contact: the values of each field.
pub type View = [BTreeSet<Token>; 2];

fn line(field: usize, token: Token) -> String {
    match field {
        0 => format!("TITLE:Chief {token}\r\n"),
        _ => format!("TEL:+49 30 55500{token}\r\n"),
    }
}

/// A new card with these values.
pub fn card(who: usize, values: [Option<Token>; 2]) -> String {
    let (uid, name) = PEOPLE[who];
    let mut text = format!("BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name} Example\r\nN:Example;{name};;;\r\n");
    for (field, value) in values.into_iter().enumerate() {
        text.extend(value.map(|token| line(field, token)));
    }
    text + "END:VCARD\r\n"
}

/// The card with another value in a field, or with none.
pub fn edited(text: &str, field: usize, value: Option<Token>) -> String {
    let mut lines: Vec<&str> = text.split_inclusive("\r\n").filter(|line| !line.starts_with(FIELDS[field])).collect();
    let new = value.map(|token| line(field, token)).unwrap_or_default();
    lines.insert(lines.len() - 1, &new);
    lines.concat()
}

/// Whose card it is and what it shows; `None` for what is no whole card.
pub fn view(bytes: &[u8]) -> Option<(usize, View)> {
    let text = String::from_utf8_lossy(bytes);
    if !text.ends_with("END:VCARD\r\n") {
        return None;
    }
    let who = PEOPLE.iter().position(|(uid, _)| text.contains(&format!("UID:{uid}\r\n")))?;
    let mut view = View::default();
    for line in text.lines() {
        let Some(field) = FIELDS.iter().position(|field| line.starts_with(field)) else { continue };
        let token = line.get(line.len() - 2..).and_then(|digits| digits.parse().ok());
        view[field].insert(token.unwrap());
    }
    Some((who, view))
}

fn is_card_file(file: &File) -> bool {
    file.name.to_lowercase().ends_with(".vcf") && !file.name.starts_with("tbtmp")
}

/// The phone's files with this person's card.
pub fn files(phone: &Phone, who: usize) -> Vec<&File> {
    let own = |file: &&File| is_card_file(file) && view(&file.bytes).is_some_and(|(person, _)| person == who);
    phone.files.iter().filter(own).collect()
}

/// Whether a file of the phone has this person's card under whichever name.
pub fn has_file(phone: &Phone, who: usize) -> bool {
    phone.files.iter().any(|file| view(&file.bytes).is_some_and(|(person, _)| person == who))
}

/// The PC's cards of this person, by their place in the book.
pub fn contacts(disk: &Disk, who: usize) -> Vec<(usize, &Card)> {
    let cards = disk.database.contacts.iter().enumerate();
    let cards = cards.filter_map(|(place, contact)| Some((place, &contact.card.as_ref()?.0)));
    cards.filter(|(_, card)| view(card.as_bytes()).is_some_and(|(person, _)| person == who)).collect()
}

/// What the phone shows of a person.
pub fn on_phone(disk: &Disk, who: usize) -> Option<View> {
    Some(view(&files(&disk.phone, who).first()?.bytes)?.1)
}

/// What the PC shows of a person.
pub fn on_pc(disk: &Disk, who: usize) -> Option<View> {
    Some(view(contacts(disk, who).first()?.1.as_bytes())?.1)
}

/// Everything of a person that is anywhere: in the book, in a file under whichever name, on its way in the journal.
pub fn anywhere(disk: &Disk, who: usize) -> Vec<View> {
    let files = disk.phone.files.iter().map(|file| file.bytes.as_slice());
    let cards = disk.database.contacts.iter().filter_map(|contact| Some(contact.card.as_ref()?.0.as_bytes()));
    let journal = disk.database.intents.iter().filter_map(|intent| match &intent.step {
        Step::Create { card, .. } | Step::Replace { card, .. } => Some(card.0.as_bytes()),
        Step::Delete { .. } => None,
    });
    let views = files.chain(cards).chain(journal).filter_map(view);
    views.filter(|(person, _)| *person == who).map(|(_, view)| view).collect()
}

/// Whether a conflict is open on a person's card.
pub fn is_contested(disk: &Disk, who: usize) -> bool {
    let database = &disk.database;
    database.conflicts.iter().any(|conflict| conflict.subject.starts_with(PEOPLE[who].1))
}

/// The name under which the phone's own app keeps this person.
pub fn own_name(who: usize) -> String {
    format!("{}.vcf", PEOPLE[who].1)
}
