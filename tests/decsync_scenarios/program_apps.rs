//! What the persons at the phone and at the other computer do, and what the apps there lose by themselves.

use std::collections::BTreeSet;

use crate::decsync_app::clock::stamp;
use crate::decsync_app::entry::{Entry, put};
use crate::decsync_app::names::decoded;
use crate::decsync_app::phone::Row;
use crate::ledger::Actor;
use crate::program::Program;
use crate::text::{mark, new_lines, tokens};

impl Program {
    // The person at the phone.

    pub fn phone_add(&mut self) {
        let contact = self.ledger.create();
        let mut lines = new_lines(contact, None);
        self.note(&format!("phone adds {contact}"));
        self.edit_lines(Actor::Phone, contact, &mut lines);
        self.world.app.add(&lines);
    }

    fn pick_phone(&mut self) -> Option<(u64, u32, Row)> {
        let rows: Vec<(u64, Row)> = self.world.app.contacts().into_iter().collect();
        if rows.is_empty() {
            return None;
        }
        let (id, row) = rows[self.rng.usize(..rows.len())].clone();
        Some((id, mark(&row.lines.join("\n"))?, row))
    }

    pub fn phone_edit(&mut self) {
        let Some((id, contact, row)) = self.pick_phone() else { return };
        self.edit_on_phone(id, contact, row.lines);
    }

    pub fn edit_on_phone(&mut self, id: u64, contact: u32, mut lines: Vec<String>) {
        self.note("");
        let (what, _) = self.edit_lines(Actor::Phone, contact, &mut lines);
        self.note(&format!("phone {what} {contact}"));
        self.world.app.edit(id, |old| *old = lines);
    }

    pub fn phone_delete(&mut self) {
        let Some((id, contact, row)) = self.pick_phone() else { return };
        self.note(&format!("phone deletes {contact}"));
        self.ledger.deleted(Actor::Phone, contact, &tokens(&row.lines.join("\n")));
        self.world.app.delete(id);
    }

    /// The phone's background job, with what the directory loses by it.
    pub fn phone_sync(&mut self) {
        let pushed: Vec<Row> = self
            .world
            .app
            .rows
            .values()
            .filter(|row| (row.is_dirty || row.is_deleted) && row.uid.is_some())
            .cloned()
            .collect();
        for row in &pushed {
            self.account_for_push(row);
        }
        let done = self.world.app.synchronise();
        self.note(&format!("phone synchronises: pushes {:?}, pulls {}", done.pushed, done.pulled.len()));
        for uid in &done.not_recorded {
            self.note(&format!("the phone's push of {uid} was not recorded"));
            self.count("phone's push not recorded");
            self.diverged.insert(uid.clone());
            self.lose_phones_own(uid, &pushed);
        }
        for entry in &done.pulled {
            if let Some(uid) = entry.uid() {
                self.diverged.remove(uid);
            }
            self.ledger.pulled(Actor::Phone, &tokens(entry.value.as_str().unwrap_or_default()));
        }
        for uid in done.pushed.iter().filter(|uid| !done.not_recorded.contains(uid)) {
            self.diverged.remove(uid);
        }
        if !done.dropped.is_empty() {
            self.fail("the phone dropped a value that is no one card");
        }
        if done.is_book_deleted {
            self.fail("the book was deleted");
        }
    }

    /// What the phone typed and could not push is its own loss; whether the contact lives, nobody can tell.
    fn lose_phones_own(&mut self, uid: &str, pushed: &[Row]) {
        let Some(row) = pushed.iter().find(|row| row.uid.as_deref() == Some(uid)) else { return };
        let text = row.lines.join("\n");
        let stored = self.world.app.library.stored_contact(uid);
        let there = tokens(stored.as_ref().and_then(|entry| entry.value.as_str()).unwrap_or_default());
        let here = tokens(&text);
        self.ledger.lost(here.symmetric_difference(&there).copied().collect::<Vec<_>>());
        if let Some(contact) = mark(&text).and_then(|mark| self.ledger.contacts.get_mut(&mark)) {
            contact.is_free = true;
        }
    }

    /// The phone is about to push a card whose newest version it may not have seen. What another app said in there,
    /// the apps lose among themselves. What the PC said must not be lost, unless the phone deletes the contact.
    fn account_for_push(&mut self, row: &Row) {
        let uid = row.uid.as_deref().unwrap_or_default();
        let known = self.world.app.library.stored_contact(uid);
        let Some(newest) = self.newest(uid) else { return };
        if known.as_ref().is_some_and(|known| newest.datetime <= known.datetime) {
            return;
        }
        self.count("blind push");
        self.note(&format!("the phone has not seen the newest of {uid}"));
        let text = row.lines.join("\n");
        let known = tokens(known.as_ref().and_then(|known| known.value.as_str()).unwrap_or_default());
        let unseen = tokens(newest.value.as_str().unwrap_or_default());
        let differing: Vec<u32> = known.symmetric_difference(&unseen).copied().collect();
        // What the other computer pushed on top of the PC's is the apps' affair again.
        let is_ours = !self.desk_wrote.contains(&(uid.to_owned(), newest.datetime.clone()));
        let is_pcs = |number: &u32| {
            let token = &self.ledger.tokens[number];
            token.removed_by.unwrap_or(token.author) == Actor::Pc
        };
        let lost: Vec<u32> = differing
            .iter()
            .copied()
            .filter(|number| row.is_deleted || !is_ours || !is_pcs(number))
            .collect();
        self.ledger.lost(lost);
        // What is stamped ahead of the phone's clock wins over what the phone is about to push.
        if newest.datetime >= stamp(&*self.world.phone_clock) {
            self.count("blind push that loses");
            let here = tokens(&text);
            self.ledger.lost(here.symmetric_difference(&unseen).copied().collect::<Vec<_>>());
            if let Some(contact) = mark(&text).and_then(|mark| self.ledger.contacts.get_mut(&mark)) {
                contact.is_free |= row.is_deleted;
            }
        }
        if (row.is_deleted || newest.value.is_null())
            && let Some(contact) = mark(&text).and_then(|mark| self.ledger.contacts.get_mut(&mark))
        {
            contact.is_free = true;
            self.count("blind push about a deletion");
        }
    }

    /// The newest that anybody wrote about a contact, in either version of the format.
    fn newest(&self, uid: &str) -> Option<Entry> {
        let mut all: Vec<Entry> = Vec::new();
        for (name, text) in self.world.files() {
            let parts: Vec<String> = name.split('/').map(|part| decoded(part).unwrap_or_default()).collect();
            let found: Vec<Entry> = if name.contains("/v2/") && !name.ends_with("/sequences") {
                text.lines().filter_map(Entry::parse_2).collect()
            } else if name.contains("/stored-entries/") {
                let path = parts.split(|part| part == "stored-entries").nth(1).unwrap_or_default();
                text.lines().filter_map(|line| Entry::parse_1(&path[1..], line)).collect()
            } else {
                continue;
            };
            for entry in found.into_iter().filter(|entry| entry.uid() == Some(uid) && entry.key.is_null()) {
                if all.iter().all(|other| entry.datetime > other.datetime) {
                    put(&mut all, entry);
                }
            }
        }
        all.pop()
    }

    // The person at the other computer.

    fn desk_pull(&mut self) {
        for entry in self.world.desk.pull() {
            self.ledger.pulled(Actor::Desk, &tokens(entry.value.as_str().unwrap_or_default()));
        }
    }

    pub fn desk_add(&mut self) {
        self.desk_pull();
        let contact = self.ledger.create();
        let uid = format!("desk/{contact}.ü");
        let mut lines = new_lines(contact, Some(&uid));
        self.note(&format!("desk adds {contact}"));
        self.edit_lines(Actor::Desk, contact, &mut lines);
        self.world.desk.write(&uid, &lines);
        self.note_desk(&uid);
    }

    fn note_desk(&mut self, uid: &str) {
        self.desk_wrote.insert((uid.to_owned(), stamp(&*self.world.desk_clock)));
    }

    fn pick_desk(&mut self) -> Option<(String, u32, Vec<String>)> {
        self.desk_pull();
        let uids: Vec<String> = self.world.desk.contacts.keys().cloned().collect();
        if uids.is_empty() {
            return None;
        }
        let uid = uids[self.rng.usize(..uids.len())].clone();
        let lines = self.world.desk.contacts[&uid].clone();
        Some((uid, mark(&lines.join("\n"))?, lines))
    }

    pub fn desk_edit(&mut self) {
        let Some((uid, contact, lines)) = self.pick_desk() else { return };
        self.edit_at_desk(&uid, contact, lines);
    }

    pub fn edit_at_desk(&mut self, uid: &str, contact: u32, mut lines: Vec<String>) {
        // An edit that is not recorded was never made: whether it will be is known only by trying.
        if !self.desk_can_write(uid) {
            self.count("desk's push not recorded");
            return;
        }
        self.note("");
        let (what, _) = self.edit_lines(Actor::Desk, contact, &mut lines);
        self.note(&format!("desk {what} {contact}"));
        if !self.world.desk.write(uid, &lines) {
            self.fail("the desk's edit was not recorded");
        }
        self.note_desk(uid);
    }

    /// Whether what the desk writes now is newer than what it has stored.
    fn desk_can_write(&self, uid: &str) -> bool {
        let now = stamp(&*self.world.desk_clock);
        self.world.desk.library.stored_contact(uid).is_none_or(|entry| entry.datetime < now)
    }

    pub fn desk_delete(&mut self) {
        let Some((uid, contact, lines)) = self.pick_desk() else { return };
        if !self.desk_can_write(&uid) {
            return;
        }
        self.note(&format!("desk deletes {contact}"));
        let seen: BTreeSet<u32> = tokens(&lines.join("\n"));
        self.ledger.deleted(Actor::Desk, contact, &seen);
        self.world.desk.delete(&uid);
        self.note_desk(&uid);
    }
}
