//! The person's phone: its contacts, each with who it is, and what of it cannot be followed twice at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::exporters::{Kind, Person};
use crate::values::{Values, cards_of, person_of};

/// A contact in the phone's app.
#[derive(Clone, Debug)]
pub struct PhoneContact {
    pub who: u32,
    pub person: Person,
    /// Since the export that was read last, it got another name.
    pub is_renamed: bool,
    /// Since then, its numbers or addresses changed.
    pub is_moved: bool,
    /// It came by import, and no export that was read has it.
    pub is_fresh: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Contacts {
    pub all: Vec<PhoneContact>,
}

impl Contacts {
    pub fn add(&mut self, who: u32, person: Person, is_fresh: bool) {
        self.all.push(PhoneContact { who, person, is_renamed: false, is_moved: false, is_fresh });
    }

    pub fn of(&mut self, who: u32) -> Option<&mut PhoneContact> {
        self.all.iter_mut().find(|contact| contact.who == who)
    }

    pub fn remove(&mut self, who: u32) {
        self.all.retain(|contact| contact.who != who);
    }

    pub fn people(&self) -> Vec<Person> {
        self.all.iter().map(|contact| contact.person.clone()).collect()
    }

    /// What an export of now says, by who it is.
    pub fn snapshot(&self) -> BTreeMap<u32, Values> {
        let found: BTreeMap<u32, Values> =
            self.all.iter().map(|contact| (contact.who, Values::of_person(&contact.person))).collect();
        assert_eq!(found.len(), self.all.len(), "the phone itself holds somebody twice");
        found
    }

    /// What only this contact is reached by.
    pub fn own_reach(&self, who: u32) -> BTreeSet<String> {
        let reach = |contact: &PhoneContact| -> BTreeSet<String> {
            let values = Values::of_person(&contact.person);
            values.numbers.into_iter().chain(values.mails).collect()
        };
        let others: BTreeSet<String> =
            self.all.iter().filter(|contact| contact.who != who).flat_map(reach).collect();
        let own = self.all.iter().filter(|contact| contact.who == who).flat_map(reach);
        own.filter(|key| !others.contains(key)).collect()
    }

    /// A file is opened: every card in it becomes a new contact. `who` tells whose card it is.
    pub fn import(&mut self, bytes: &[u8], who: impl Fn(&Values) -> u32) {
        for card in cards_of(bytes) {
            let person = person_of(&card);
            self.add(who(&Values::of_person(&person)), person, true);
        }
    }

    /// The person does on the phone what the list says about one contact.
    pub fn carry_out(&mut self, who: u32, before: &Values, after: &Values) {
        let Some(contact) = self.of(who) else { return };
        let old = Values::of_person(&contact.person);
        let person = &mut contact.person;
        for (single, field) in [
            (after.given != before.given, (&mut person.given, &after.given)),
            (after.family != before.family, (&mut person.family, &after.family)),
            (after.organisation != before.organisation, (&mut person.organisation, &after.organisation)),
            (after.title != before.title, (&mut person.title, &after.title)),
            (after.note != before.note, (&mut person.note, &after.note)),
        ] {
            if single {
                field.1.clone_into(field.0);
            }
        }
        let going = |value: &str, before: &BTreeSet<String>, after: &BTreeSet<String>| {
            before.contains(value) && !after.contains(value)
        };
        person
            .numbers
            .retain(|(_, number)| !going(&crate::values::digits(number), &before.numbers, &after.numbers));
        person.mails.retain(|(_, mail)| !going(mail, &before.mails, &after.mails));
        for number in after.numbers.difference(&before.numbers) {
            if !old.numbers.contains(number) {
                person.numbers.push((Kind::Mobile, format!("+{number}")));
            }
        }
        for mail in after.mails.difference(&before.mails) {
            if !old.mails.contains(mail) {
                person.mails.push((Kind::Home, mail.clone()));
            }
        }
        let new = Values::of_person(person);
        contact.is_renamed |= new.name() != old.name();
        contact.is_moved |= (&new.numbers, &new.mails) != (&old.numbers, &old.mails);
    }
}
