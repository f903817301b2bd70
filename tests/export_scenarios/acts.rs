//! What the persons do: one of them with the phone in the hand, one at the PC.

use tetherbook::contact::Card;

use crate::exporters::{Kind, Person};
use crate::ledger::Pair;
use crate::program::Program;
use crate::values::{SINGLES, Single, Values, digits};

impl Program {
    fn somebody_on_phone(&mut self) -> Option<u32> {
        let all: Vec<u32> =
            self.contacts.all.iter().filter(|contact| !contact.is_fresh).map(|contact| contact.who).collect();
        (!all.is_empty()).then(|| all[self.rng.usize(..all.len())])
    }

    fn somebody_on_pc(&mut self) -> Option<u32> {
        let is_free = |who: &u32| !self.contacts.all.iter().any(|other| other.who == *who && other.is_fresh);
        let pairs = self.ledger.pairs.iter().filter(|(who, pair)| pair.pc.is_some() && is_free(who));
        let all: Vec<u32> = pairs.map(|(who, _)| *who).collect();
        (!all.is_empty()).then(|| all[self.rng.usize(..all.len())])
    }

    /// One thing that somebody does on the phone.
    pub fn phone_act(&mut self) {
        match self.rng.u32(0..20) {
            0..=1 if self.contacts.all.len() < 30 => self.phone_add(),
            2 if self.contacts.all.len() > 15 => self.phone_delete(),
            3..=6 => self.phone_rename(),
            _ => self.phone_edit(),
        }
    }

    pub fn phone_add(&mut self) {
        let who = self.fresh();
        let mut person = self.person(who);
        if self.rng.bool() {
            person.mails.push((Kind::Home, self.mail(who)));
        }
        self.say(format!("phone adds {who} {}", person.full_name()));
        self.contacts.add(who, person, false);
        self.count("added on the phone");
    }

    /// People who have one number between them; `own` of them have one of their own as well.
    pub fn phone_add_household(&mut self, size: usize, own: usize) {
        let shared = format!("+4930{:08}", self.fresh());
        for index in 0..size {
            let who = self.fresh();
            let mut person = self.person(who);
            "Household".clone_into(&mut person.family);
            if index >= own {
                person.numbers.clear();
            }
            person.numbers.push((Kind::Home, shared.clone()));
            self.say(format!("phone adds {who} of a household"));
            self.contacts.add(who, person, false);
        }
    }

    /// A shop: an organisation without a person.
    pub fn phone_add_shop(&mut self) {
        let who = self.fresh();
        let number = format!("+4940{:08}", self.fresh());
        let organisation = format!("Shop{who}");
        self.own(&organisation, who);
        self.own(&number[1..], who);
        let person = Person { organisation, ..Person::named("", "", &number) };
        self.contacts.add(who, person, false);
    }

    fn mail(&mut self, who: u32) -> String {
        let mail = format!("m{}@example.org", self.fresh());
        self.own(&mail, who);
        mail
    }

    fn phone_delete(&mut self) {
        let Some(who) = self.somebody_on_phone() else { return };
        self.say(format!("phone deletes {who}"));
        self.contacts.remove(who);
        self.count("deleted on the phone");
    }

    fn phone_rename(&mut self) {
        let Some(who) = self.somebody_on_phone() else { return };
        let mut own = self.contacts.own_reach(who);
        // Somebody who had it, too, may have gone since the last export.
        let before = self.ledger.phone.iter().filter(|(other, _)| **other != who);
        before.for_each(|(_, other)| {
            own.retain(|key| !other.numbers.contains(key) && !other.mails.contains(key))
        });
        let contact = self.contacts.of(who).unwrap();
        if contact.is_moved || contact.is_renamed || contact.person.given.is_empty() {
            return;
        }
        // Who shares all numbers and addresses cannot be followed: that is another one from now on.
        let who = if own.is_empty() {
            let new = self.fresh();
            self.split.insert(who, new);
            self.roots.insert(new, self.root(who));
            self.say(format!("{who} cannot be followed and is {new} from now on"));
            self.count("not to be followed");
            self.contacts.of(who).unwrap().who = new;
            new
        } else {
            who
        };
        let given = format!("Renamed{}", self.fresh());
        self.own(&given, who);
        self.say(format!("phone renames {who} to {given}"));
        let contact = self.contacts.of(who).unwrap();
        contact.person.given = given;
        contact.is_renamed = true;
        self.count("renamed on the phone");
    }

    fn phone_edit(&mut self) {
        let Some(who) = self.somebody_on_phone() else { return };
        let what = self.rng.u32(0..6);
        let text = format!("text{}", self.fresh());
        let is_shared = self.contacts.own_reach(who).is_empty();
        let mail = if what == 2 { self.mail(who) } else { String::new() };
        let number = format!("+4915{:08}", self.fresh());
        let contact = self.contacts.of(who).unwrap();
        // Who has only the household's number stays so.
        let may_move = !contact.is_renamed && !is_shared;
        let person = &mut contact.person;
        match what {
            0 => person.note = text.clone(),
            1 => person.title = text.clone(),
            2 if may_move => {
                person.mails.push((Kind::Work, mail.clone()));
                contact.is_moved = true;
            }
            3 if may_move && person.numbers.len() > 1 => {
                person.numbers.remove(0);
                contact.is_moved = true;
            }
            4 if may_move && !person.full_name().is_empty() => {
                person.numbers.push((Kind::Work, number.clone()));
                contact.is_moved = true;
            }
            5 => person.note.clear(),
            _ => return,
        }
        let now = Values::of_person(&contact.person);
        match what {
            0 | 1 => self.own(&text, who),
            4 => self.own(&digits(&number), who),
            _ => {}
        }
        self.say(format!("phone edits {who}: {now:?}"));
        self.count("edited on the phone");
    }

    /// One thing that somebody does at the PC.
    pub fn pc_act(&mut self) {
        match self.rng.u32(0..20) {
            0..=2 if self.ledger.pairs.len() < 40 => self.pc_add(),
            3..=4 if self.ledger.pairs.len() > 15 => self.pc_delete(),
            _ => self.pc_edit(),
        }
    }

    fn pc_add(&mut self) {
        let who = self.fresh();
        let person = self.person(who);
        let values = Values::of_person(&person);
        self.say(format!("PC adds {who}"));
        self.world.add_pc(&format!(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:uid-{who}\r\nFN:{}\r\nN:{};{};;;\r\nTEL;TYPE=CELL:{}\r\nEND:VCARD\r\n",
            values.name(),
            values.family,
            values.given,
            person.numbers[0].1
        ));
        self.ledger.pairs.insert(who, Pair { pc: Some(values), ..Pair::default() });
        self.count("added on the PC");
    }

    fn pc_delete(&mut self) {
        let Some(who) = self.somebody_on_pc() else { return };
        self.say(format!("PC deletes {who}"));
        self.pc_remove(who);
        self.count("deleted on the PC");
    }

    pub fn pc_remove(&mut self, who: u32) {
        let (contact, _) = self.pc_of(who).unwrap_or_else(|| self.fail(&format!("{who} is not on the PC")));
        self.world.remove_pc(contact.item);
        let pair = self.ledger.pairs.get_mut(&who).unwrap();
        pair.pc = None;
        if pair.base.is_none() {
            self.ledger.pairs.remove(&who);
        }
    }

    fn pc_edit(&mut self) {
        let Some(who) = self.somebody_on_pc() else { return };
        let pair = self.ledger.pairs[&who].clone();
        let mut values = pair.pc.unwrap();
        let mut shown = pair.shown;
        let text = format!("text{}", self.fresh());
        match self.rng.u32(0..8) {
            0 => {
                values.note.clone_from(&text);
                self.own(&text, who);
            }
            1 => {
                values.title.clone_from(&text);
                self.own(&text, who);
            }
            2 => drop(values.mails.insert(self.mail(who))),
            3 => drop(values.mails.pop_first()),
            4 if !values.given.is_empty() => {
                values.given = format!("Called{}", self.fresh());
                self.own(&values.given.clone(), who);
            }
            5 if !values.given.is_empty() => shown = Some(format!("Boss {}", self.fresh())),
            6 => {
                let number = format!("4916{:08}", self.fresh());
                self.own(&number, who);
                values.numbers.insert(number);
            }
            _ if values.numbers.len() > 1 => drop(values.numbers.pop_last()),
            _ => return,
        }
        self.say(format!("PC edits {who}: {values:?} {shown:?}"));
        self.set_pc(who, &values, shown);
        self.count("edited on the PC");
    }

    fn set_pc(&mut self, who: u32, values: &Values, shown: Option<String>) {
        let (contact, card) =
            self.pc_of(who).unwrap_or_else(|| self.fail(&format!("{who} is not on the PC")));
        let text = edited(&contact.text, &Values::of_card(&card), values, shown.as_deref());
        self.world.edit_pc(contact.item, &text);
        let pair = self.ledger.pairs.get_mut(&who).unwrap();
        pair.pc = Some(values.clone());
        pair.shown = shown;
    }
}

/// The text of a card with other values.
fn edited(text: &str, before: &Values, after: &Values, shown: Option<&str>) -> String {
    let unfolded = text.replace("\r\n ", "");
    let mut lines: Vec<String> = unfolded.lines().map(str::to_owned).collect();
    lines.retain(|line| line != "END:VCARD");
    let is = |line: &str, name: &str| {
        line.starts_with(&format!("{name}:")) || line.starts_with(&format!("{name};"))
    };
    let mut put = |name: &str, value: String| {
        lines.retain(|line| !is(line, name));
        if !value.is_empty() {
            lines.push(format!("{name}:{value}"));
        }
    };
    for single in SINGLES.into_iter().filter(|single| before.single(*single) != after.single(*single)) {
        match single {
            Single::Given | Single::Family => put("N", format!("{};{};;;", after.family, after.given)),
            Single::Organisation => put("ORG", after.organisation.clone()),
            Single::Title => put("TITLE", after.title.clone()),
            Single::Note => put("NOTE", after.note.clone()),
        }
    }
    match shown {
        Some(shown) => put("FN", shown.to_owned()),
        None if before.name() != after.name() => put("FN", after.name()),
        None => {}
    }
    for number in before.numbers.difference(&after.numbers) {
        lines.retain(|line| !(is(line, "TEL") && digits(line.rsplit(':').next().unwrap()) == *number));
    }
    for mail in before.mails.difference(&after.mails) {
        lines.retain(|line| !(is(line, "EMAIL") && line.ends_with(mail)));
    }
    lines.extend(after.numbers.difference(&before.numbers).map(|number| format!("TEL;TYPE=CELL:+{number}")));
    lines.extend(after.mails.difference(&before.mails).map(|mail| format!("EMAIL;TYPE=HOME:{mail}")));
    lines.push(String::from("END:VCARD"));
    let text = lines.join("\r\n") + "\r\n";
    assert!(Card::parse(text.as_bytes()).is_ok(), "{text}");
    text
}
