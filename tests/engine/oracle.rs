//! The intent ledger: what a person asked for on either side, and what must have become of it.
//!
//! Every value that a person types is a token that occurs once in the world. An action takes from sight exactly the
//! tokens that its side showed at that moment; nothing else may ever vanish, and nothing taken from sight with
//! everybody's knowledge may come back. Every card has a mark in its name by which it is known whatever else becomes
//! of it. The oracle knows nothing of the engine: it reads the phone's files and the PC's cards as text.

use std::collections::{BTreeMap, BTreeSet};

use tetherbook::relationship::Side;

/// What must become of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It must be on both sides, or on one of them and in a list that the person sees.
    Live,
    /// It must be nowhere.
    Dead,
    /// Either is right: a rule that the person chose decided, or the world itself lost track.
    Free,
}

/// A value that a person typed.
#[derive(Clone, Debug)]
pub struct Token {
    pub card: u32,
    pub slot: &'static str,
    pub fate: Fate,
    /// A session that went well saw it: taking it away is an edit, not the taking back of one.
    pub synced: bool,
}

/// What is known of a card.
#[derive(Clone, Debug)]
pub struct CardFacts {
    pub uid: String,
    pub fate: Fate,
    /// Which sides a person touched since the last session that went well: phone, PC.
    pub dirty: [bool; 2],
    /// A session failed since a side was touched: it is not known which side has seen what.
    pub uncertain: bool,
    /// Another card has its UID.
    pub shares_uid: bool,
}

pub type View = BTreeMap<u32, Vec<BTreeSet<u32>>>;

#[derive(Default)]
pub struct Oracle {
    pub tokens: BTreeMap<u32, Token>,
    pub cards: BTreeMap<u32, CardFacts>,
}

pub fn index(side: Side) -> usize {
    usize::from(side == Side::Pc)
}

/// A token as it stands in a card.
pub fn token_text(number: u32, slot: &str) -> String {
    match slot {
        "TEL" => format!("+4930{number:05}"),
        "EMAIL" => format!("tk{number:05}x@example.org"),
        _ => format!("tk{number:05}x"),
    }
}

/// The tokens in a text; folded lines count as whole.
pub fn tokens_in(text: &str) -> BTreeSet<u32> {
    let text = unfolded(text);
    let mut found = numbers_after(&text, "+4930");
    found.extend(numbers_after(&text, "tk"));
    found
}

fn numbers_after(text: &str, prefix: &str) -> BTreeSet<u32> {
    text.match_indices(prefix)
        .filter_map(|(at, _)| text.get(at + prefix.len()..at + prefix.len() + 5)?.parse().ok())
        .collect()
}

/// The mark of the card in a text.
pub fn mark_in(text: &str) -> Option<u32> {
    let text = unfolded(text);
    let at = text.find("idq")?;
    text.get(at + 3..at + 7)?.parse().ok()
}

pub fn unfolded(text: &str) -> String {
    text.replace("=\r\n", "").replace("=\n", "").replace("\r\n ", "").replace("\n ", "").replace("\n\t", "")
}

impl Oracle {
    pub fn create(&mut self, side: Side, card: u32, uid: &str) {
        let shares_uid = self.cards.values().any(|other| other.uid == uid);
        for other in self.cards.values_mut().filter(|other| other.uid == uid) {
            other.shares_uid = true;
        }
        let mut dirty = [false; 2];
        dirty[index(side)] = true;
        self.cards.insert(
            card,
            CardFacts { uid: uid.to_owned(), fate: Fate::Live, dirty, uncertain: false, shares_uid },
        );
    }

    pub fn add_token(&mut self, token: u32, card: u32, slot: &'static str) {
        self.tokens.insert(token, Token { card, slot, fate: Fate::Live, synced: false });
    }

    /// A person changed a card on a side; `removed` was taken from sight, `other` is what the other side shows.
    pub fn edited(&mut self, side: Side, card: u32, removed: &BTreeSet<u32>, other: Option<&BTreeSet<u32>>) {
        if removed.iter().any(|token| self.tokens.get(token).is_some_and(|token| !token.synced)) {
            // An edit that was taken back may be none.
            let is_contested = other.is_none();
            self.cards.entry(card).and_modify(|facts| {
                facts.uncertain = true;
                if is_contested && facts.dirty == [true; 2] {
                    facts.fate = Fate::Free;
                }
            });
            if is_contested {
                for token in self.tokens.values_mut().filter(|token| token.card == card) {
                    token.fate = Fate::Free;
                }
            }
        }
        for &number in removed {
            if let Some(token) = self.tokens.get_mut(&number) {
                // What both typed before they ever met is not agreed on: the other's stays.
                let is_others = !token.synced && other.is_some_and(|other| other.contains(&number));
                token.fate = if token.fate == Fate::Free || is_others { Fate::Free } else { Fate::Dead };
            }
        }
        self.touch(side, card);
        self.contest(card);
    }

    fn touch(&mut self, side: Side, card: u32) {
        if let Some(facts) = self.cards.get_mut(&card) {
            facts.dirty[index(side)] = true;
        }
    }

    /// The card was changed: if the other side deleted it unseen, the edit wins.
    fn contest(&mut self, card: u32) {
        let Some(facts) = self.cards.get_mut(&card) else { return };
        if facts.fate != Fate::Dead {
            return;
        }
        facts.fate = if facts.uncertain { Fate::Free } else { Fate::Live };
        for token in self.tokens.values_mut().filter(|token| token.card == card && token.fate == Fate::Dead) {
            token.fate = Fate::Free;
        }
    }

    /// A person deleted a card on a side that showed `seen`; `other` is what the other side shows of it.
    pub fn deleted(&mut self, side: Side, card: u32, seen: &BTreeSet<u32>, other: Option<&BTreeSet<u32>>) {
        let Some(facts) = self.cards.get_mut(&card) else { return };
        // What waits in a conflict is an edit that this side has not seen.
        let waits = |fate: Fate| {
            other.is_some_and(|other| {
                self.tokens.iter().any(|(number, token)| {
                    token.fate == fate && other.contains(number) && !seen.contains(number)
                })
            })
        };
        let unseen = waits(Fate::Live) || waits(Fate::Free);
        let edited_there = (facts.dirty[index(side.other())] || unseen) && other.is_some();
        facts.dirty[index(side)] = true;
        let uncertain = facts.uncertain || (unseen && !waits(Fate::Live));
        let fate = match (edited_there, uncertain) {
            (true, false) => Fate::Live,
            (true, true) => Fate::Free,
            (false, _) if facts.fate == Fate::Free => Fate::Free,
            (false, _) => Fate::Dead,
        };
        facts.fate = fate;
        for (number, token) in self.tokens.iter_mut().filter(|(_, token)| token.card == card) {
            if !(seen.contains(number) || edited_there && uncertain) {
                if edited_there && token.fate == Fate::Dead {
                    // The side that wins has not heard of this removal.
                    token.fate = Fate::Free;
                }
                continue;
            }
            let there = other.is_some_and(|other| other.contains(number));
            token.fate = match fate {
                Fate::Live if there && token.fate == Fate::Live => Fate::Live,
                Fate::Live | Fate::Free => Fate::Free,
                Fate::Dead if token.fate == Fate::Free => Fate::Free,
                Fate::Dead => Fate::Dead,
            };
        }
    }

    /// Nobody can say any more who meant what.
    pub fn set_everything_free(&mut self) {
        for token in self.tokens.values_mut() {
            token.fate = Fate::Free;
        }
        for facts in self.cards.values_mut() {
            facts.fate = Fate::Free;
        }
    }

    pub fn is_dirty(&self) -> bool {
        self.cards.values().any(|facts| facts.dirty != [false; 2])
    }

    /// A session went well in both directions: both sides have seen everything.
    pub fn synced(&mut self) {
        for facts in self.cards.values_mut() {
            facts.dirty = [false; 2];
            facts.uncertain = false;
        }
        for token in self.tokens.values_mut() {
            token.synced = true;
        }
    }

    /// A session failed, or stopped half-way.
    pub fn half_synced(&mut self) {
        for facts in self.cards.values_mut() {
            facts.uncertain |= facts.dirty != [false; 2];
        }
    }

    /// The memory of who changed what is gone: what was removed may come back from the side that still has it.
    pub fn forget_removals(&mut self, only_touched: bool) {
        for (_, token) in self.tokens.iter_mut().filter(|(_, token)| token.fate == Fate::Dead) {
            let touched = self.cards.get(&token.card).is_some_and(|facts| facts.dirty != [false; 2]);
            if touched || !only_touched {
                token.fate = Fate::Free;
            }
        }
        for facts in self.cards.values_mut().filter(|facts| facts.fate == Fate::Dead) {
            if facts.dirty != [false; 2] || !only_touched {
                facts.fate = Fate::Free;
            }
        }
    }

    /// A session went well that only follows `source`, which showed `view` before it.
    pub fn followed(&mut self, source: Side, view: &View) {
        self.forget_removals(true);
        for (number, token) in &mut self.tokens {
            let Some(copies) = view.get(&token.card) else { continue };
            if token.fate == Fate::Live && !copies.iter().any(|seen| seen.contains(number)) {
                token.fate = Fate::Free;
            }
        }
        for facts in self.cards.values_mut() {
            facts.dirty[index(source)] = false;
            facts.dirty[index(source.other())] = false;
        }
    }

    /// What both clashing sides say of a single field may be decided by a policy.
    pub fn decided_by_policy(&mut self, phone: &View, pc: &View) {
        for (number, token) in &mut self.tokens {
            let on = |view: &View| {
                view.get(&token.card).is_some_and(|copies| copies.iter().any(|seen| seen.contains(number)))
            };
            let is_multiple = ["TEL", "EMAIL", "URL"].contains(&token.slot);
            if token.fate == Fate::Live && !is_multiple && on(phone) != on(pc) {
                token.fate = Fate::Free;
            }
        }
    }

    /// After this it is not known which side has seen what of this card.
    pub fn make_uncertain_card(&mut self, card: u32) {
        if let Some(facts) = self.cards.get_mut(&card) {
            facts.uncertain = true;
            facts.dirty = [true; 2];
        }
    }

    pub fn make_uncertain(&mut self) {
        for facts in self.cards.values_mut() {
            facts.uncertain = true;
            facts.dirty = [true; 2];
        }
    }

    /// Nobody can say any more who meant what of this card.
    pub fn set_card_free(&mut self, card: u32) {
        self.forget_card(card);
        for token in self.tokens.values_mut().filter(|token| token.card == card) {
            token.fate = Fate::Free;
        }
    }

    /// The card's deletion may be undone by what looks like an edit.
    pub fn forget_card(&mut self, card: u32) {
        if let Some(facts) = self.cards.get_mut(&card) {
            facts.fate = Fate::Free;
        }
        for token in self.tokens.values_mut().filter(|token| token.card == card && token.fate == Fate::Dead) {
            token.fate = Fate::Free;
        }
    }
}

/// Every token of a view.
pub fn all_of(view: &View) -> BTreeSet<u32> {
    view.values().flatten().flatten().copied().collect()
}
