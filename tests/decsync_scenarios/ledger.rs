//! What every person meant, and what must have become of it in the end.
//!
//! Every value that a person types is a token that occurs once in the world. The ledger knows nothing of the engine.

use std::collections::{BTreeMap, BTreeSet};

use crate::text::SINGLES;

/// Who acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    Phone,
    Desk,
    Pc,
}

/// What must become of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It must be on both sides in the end, or have lost to another value of the same field.
    Live,
    /// Somebody who saw it typed another value, or deleted the contact: it may go.
    MayGo,
    /// Somebody who saw it took it away: it must be gone.
    Dead,
    /// The apps themselves lost it, or nobody can tell what was meant.
    Free,
}

#[derive(Clone, Debug)]
pub struct Token {
    pub contact: u32,
    pub slot: &'static str,
    pub author: Actor,
    pub born: usize,
    pub fate: Fate,
    /// Another value was typed over it, and nobody can tell whether it was in view: it may still stand for an edit.
    pub is_doubtful: bool,
    /// Who took it away, if somebody did.
    pub removed_by: Option<Actor>,
    /// When each app got it from the directory.
    pub pulled: BTreeMap<Actor, usize>,
}

#[derive(Clone, Debug)]
enum Deed {
    Typed(u32),
    TookAway(u32),
}

#[derive(Clone, Debug)]
struct Deletion {
    at: usize,
    seen: BTreeSet<u32>,
}

#[derive(Clone, Debug, Default)]
pub struct Contact {
    deeds: Vec<(usize, Deed)>,
    deletions: Vec<Deletion>,
    /// The apps lost track of whether it lives.
    pub is_free: bool,
}

/// The contacts of one side: mark to tokens.
pub type View = BTreeMap<u32, BTreeSet<u32>>;

#[derive(Default)]
pub struct Ledger {
    pub tokens: BTreeMap<u32, Token>,
    pub contacts: BTreeMap<u32, Contact>,
    /// Counts what happens.
    pub now: usize,
    /// When Tetherbook last ran.
    pub last_session: usize,
    /// When conflicts were reported.
    pub conflicts: Vec<usize>,
    /// How often the apps themselves lost something.
    pub lost_by_apps: usize,
}

impl Ledger {
    pub fn next_mark(&self) -> u32 {
        u32::try_from(self.contacts.len()).unwrap() + 1
    }

    pub fn create(&mut self) -> u32 {
        let mark = self.next_mark();
        self.contacts.insert(mark, Contact::default());
        mark
    }

    /// A person types a new value; `seen` is what that person's card says.
    pub fn typed(&mut self, actor: Actor, contact: u32, slot: &'static str, seen: &BTreeSet<u32>) -> u32 {
        let number = u32::try_from(self.tokens.len()).unwrap() + 1;
        if SINGLES.contains(&slot) {
            let doubtful: BTreeSet<u32> =
                seen.iter().copied().filter(|old| self.is_unconfirmed(actor, &self.tokens[old])).collect();
            for (number, old) in self.tokens.iter_mut().filter(|(number, _)| seen.contains(number)) {
                if (old.contact, old.slot) == (contact, slot) && old.fate == Fate::Live {
                    old.fate = Fate::MayGo;
                    old.is_doubtful = doubtful.contains(number);
                }
            }
        }
        let token = Token {
            contact,
            slot,
            author: actor,
            born: self.now,
            fate: Fate::Live,
            is_doubtful: false,
            removed_by: None,
            pulled: BTreeMap::new(),
        };
        self.tokens.insert(number, token);
        self.deed(contact, Deed::Typed(number));
        number
    }

    fn deed(&mut self, contact: u32, deed: Deed) {
        let now = self.now;
        self.contacts.get_mut(&contact).unwrap().deeds.push((now, deed));
    }

    /// Whether Tetherbook put it into the directory and cannot know yet that both apps have seen it: if an app takes
    /// it away again, it looks as if it had never seen it; and who wrote a version that both have by now cannot be told.
    fn is_unconfirmed(&self, actor: Actor, token: &Token) -> bool {
        let has_seen = |app: &Actor| token.pulled.get(app).is_some_and(|at| *at < self.last_session);
        actor != Actor::Pc && token.author == Actor::Pc && ![Actor::Phone, Actor::Desk].iter().all(has_seen)
    }

    /// A person takes away a value that stood in the card.
    pub fn took_away(&mut self, actor: Actor, number: u32) {
        let token = &self.tokens[&number];
        let is_ambiguous = self.is_unconfirmed(actor, token);
        let contact = token.contact;
        let token = self.tokens.get_mut(&number).unwrap();
        token.removed_by = Some(actor);
        if token.fate != Fate::Free {
            token.fate = if is_ambiguous { Fate::Free } else { Fate::Dead };
        }
        self.deed(contact, Deed::TookAway(number));
    }

    /// A person deletes a contact, whose card says `seen`.
    pub fn deleted(&mut self, actor: Actor, contact: u32, seen: &BTreeSet<u32>) {
        let is_ambiguous = seen.iter().any(|number| self.is_unconfirmed(actor, &self.tokens[number]));
        let facts = self.contacts.get_mut(&contact).unwrap();
        facts.is_free |= is_ambiguous;
        facts.deletions.push(Deletion { at: self.now, seen: seen.clone() });
        // If somebody else's edit wins over the deletion, that side's card comes back as it is there.
        for token in
            self.tokens.values_mut().filter(|token| token.contact == contact && token.fate == Fate::Dead)
        {
            token.fate = Fate::Free;
        }
        for number in seen {
            let token = self.tokens.get_mut(number).unwrap();
            if token.fate == Fate::Live {
                token.fate = Fate::MayGo;
            }
        }
    }

    /// An app got a card from the directory.
    pub fn pulled(&mut self, actor: Actor, tokens: &BTreeSet<u32>) {
        for number in tokens {
            let now = self.now;
            if let Some(token) = self.tokens.get_mut(number) {
                token.pulled.entry(actor).or_insert(now);
            }
        }
    }

    /// The apps lost these among themselves.
    pub fn lost(&mut self, tokens: impl IntoIterator<Item = u32>) {
        for number in tokens {
            if let Some(token) = self.tokens.get_mut(&number).filter(|token| token.fate != Fate::Free) {
                token.fate = Fate::Free;
                self.lost_by_apps += 1;
            }
        }
    }

    /// Whether a contact that somebody deleted may be there: somebody worked on it who did not know.
    fn may_live(&self, mark: u32) -> bool {
        let facts = &self.contacts[&mark];
        facts.is_free
            || facts.deletions.iter().all(|deletion| {
                facts.deeds.iter().any(|(at, deed)| {
                    *at > deletion.at
                        || match deed {
                            Deed::Typed(token) => {
                                let typed = &self.tokens[token];
                                !deletion.seen.contains(token)
                                    && (typed.fate != Fate::MayGo || typed.is_doubtful)
                            }
                            Deed::TookAway(token) => deletion.seen.contains(token),
                        }
                })
            })
    }

    /// What is wrong with where it all ended: the phone's view and the PC's, which are the same by then.
    pub fn complaints(&self, end: &View) -> Vec<String> {
        let mut complaints = Vec::new();
        for mark in end.keys() {
            if !self.contacts.contains_key(mark) {
                complaints.push(format!("contact {mark} came from nowhere"));
            } else if !self.may_live(*mark) {
                complaints.push(format!("contact {mark} came back: {:?}", self.contacts[mark]));
            }
        }
        let is_there = |number: u32, token: &Token| {
            end.get(&token.contact).is_some_and(|tokens| tokens.contains(&number))
        };
        for (number, token) in &self.tokens {
            let there = is_there(*number, token);
            if there && token.fate == Fate::Dead {
                complaints.push(format!("token {number} came back: {token:?}"));
            }
            if there || token.fate != Fate::Live || self.was_deleted_away(token.contact, *number) {
                continue;
            }
            let has_lost = SINGLES.contains(&token.slot)
                && self.tokens.iter().any(|(other, rival)| {
                    (rival.contact, rival.slot) == (token.contact, token.slot)
                        && other != number
                        && (is_there(*other, rival)
                            || rival.fate != Fate::Live
                            || self.was_deleted_away(rival.contact, *other))
                        && (rival.born > token.born || self.conflicts.iter().any(|at| *at > token.born))
                });
            if !has_lost {
                complaints.push(format!("token {number} was lost: {token:?}"));
            }
        }
        complaints
    }

    fn was_deleted_away(&self, contact: u32, number: u32) -> bool {
        let facts = &self.contacts[&contact];
        facts.is_free || facts.deletions.iter().any(|deletion| deletion.seen.contains(&number))
    }
}
