//! What the persons at both sides wanted, kept beside the disks: it is the oracle, knows nothing of the engine, and looks at
//! both sides as text only.
//!
//! Every value that is typed occurs once. An edit takes from sight what its side showed at that moment; nothing else may
//! ever vanish. Where a session was cut between an edit and what follows, it is not known what the other side has heard,
//! and where a phone was put back the world itself lost track: then either outcome is right, and the ghost says so.

use std::collections::BTreeMap;

use tetherbook::relationship::Side;

use crate::cards::{Token, View, is_contested, on_pc, on_phone};
use crate::disk::{Disk, guid};
use crate::session::is_past;

/// What must become of a value or a contact; a value that is not kept at all may be anywhere or nowhere.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Fate {
    /// It must be on both sides in the end, and somewhere always.
    Live,
    /// It must be nowhere in the end.
    Dead,
    /// Either is right.
    Free,
}

/// Whether a side was touched since both sides last agreed.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Touched {
    No,
    Yes,
    /// It was, and a session has been cut since: the other side may have heard of it.
    Perhaps,
}

/// One person's contact.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Wish {
    pub fate: Fate,
    /// Phone and PC.
    pub touched: [Touched; 2],
    /// The values that were typed and must be, or must not be.
    pub tokens: [BTreeMap<Token, Fate>; 2],
    /// The next token of each side in each field.
    pub typed: [[u8; 2]; 2],
}

#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Ghost {
    pub wishes: Vec<Wish>,
    /// A deletion of which a cut session may have echoed the deleter's own edit is held to be one all the same.
    pub is_strict: bool,
}

fn index(side: Side) -> usize {
    usize::from(side == Side::Pc)
}

/// What a side shows of a person.
pub fn shown(disk: &Disk, side: Side, who: usize) -> Option<View> {
    match side {
        Side::Phone => on_phone(disk, who),
        Side::Pc => on_pc(disk, who),
    }
}

impl Wish {
    fn nobody() -> Self {
        Self { fate: Fate::Dead, touched: [Touched::No; 2], tokens: <_>::default(), typed: [[0; 2]; 2] }
    }

    fn is_murky(&self) -> bool {
        self.touched.contains(&Touched::Perhaps)
    }

    /// What was in sight and is taken away. After a cut it may be told as a clash.
    fn take_away(&mut self, field: usize, seen: &View) {
        let is_murky = self.is_murky();
        for token in &seen[field] {
            match self.tokens[field].get(token) {
                Some(Fate::Live) if !is_murky => self.tokens[field].insert(*token, Fate::Dead),
                Some(Fate::Live) => self.tokens[field].remove(token),
                _ => None,
            };
        }
    }

    fn forget_tokens(&mut self) {
        self.tokens = <_>::default();
    }

    /// Somebody edits what is there: it is wanted, whatever the other side did meanwhile.
    fn want(&mut self, seen: &View) {
        if self.fate == Fate::Live {
            return;
        }
        self.fate = if self.is_murky() || self.fate == Fate::Free { Fate::Free } else { Fate::Live };
        for (tokens, seen) in self.tokens.iter_mut().zip(seen) {
            tokens.retain(|token, _| !seen.contains(token));
        }
    }
}

impl Ghost {
    /// Nobody wants anything yet, and what `disk` shows on both sides is agreed on.
    pub fn of(disk: &Disk, people: usize, is_strict: bool) -> Self {
        let wishes = (0..people).map(|who| {
            let mut wish = Wish::nobody();
            let views: Vec<View> =
                [Side::Phone, Side::Pc].into_iter().filter_map(|side| shown(disk, side, who)).collect();
            for view in views {
                wish.fate = Fate::Live;
                for (field, tokens) in view.iter().enumerate() {
                    wish.tokens[field].extend(tokens.iter().map(|token| (*token, Fate::Live)));
                }
            }
            wish
        });
        Self { wishes: wishes.collect(), is_strict }
    }

    /// The next value that will be typed on that side.
    pub fn next_token(&self, side: Side, who: usize, field: usize) -> Token {
        20 + 10 * u8::from(side == Side::Phone) + self.wishes[who].typed[index(side)][field]
    }

    fn type_in(&mut self, side: Side, who: usize, field: usize) {
        let token = self.next_token(side, who, field);
        let wish = &mut self.wishes[who];
        wish.typed[index(side)][field] += 1;
        if wish.fate == Fate::Live {
            wish.tokens[field].insert(token, Fate::Live);
        }
    }

    /// A field was set to the next value of that side, or cleared. `disk` is as it was before.
    pub fn edit(&mut self, disk: &Disk, side: Side, who: usize, field: usize, sets: bool) {
        let seen = shown(disk, side, who).unwrap();
        let wish = &mut self.wishes[who];
        wish.want(&seen);
        wish.take_away(field, &seen);
        wish.touched[index(side)] = Touched::Yes.max_with(wish.touched[index(side)]);
        let mut now = seen;
        now[field].clear();
        if !sets && shown(disk, side.other(), who).is_none() && agreed(disk, side, who) == Some(now) {
            // The edit that was to win over the deletion there is taken back.
            wish.fate = Fate::Free;
            wish.forget_tokens();
        }
        if sets {
            self.type_in(side, who, field);
        }
    }

    /// A contact was made on a side that did not show it, with the next value in the first field.
    pub fn create(&mut self, disk: &Disk, side: Side, who: usize) {
        let wish = &mut self.wishes[who];
        if shown(disk, side.other(), who).is_some() {
            wish.forget_tokens();
        }
        wish.fate = Fate::Live;
        wish.touched[index(side)] = Touched::Yes.max_with(wish.touched[index(side)]);
        self.type_in(side, who, 0);
    }

    /// A contact was deleted on a side. `disk` is as it was before.
    pub fn delete(&mut self, disk: &Disk, side: Side, who: usize) {
        let (seen, other) = (shown(disk, side, who).unwrap(), shown(disk, side.other(), who));
        let wish = &mut self.wishes[who];
        let theirs = match wish.touched[index(side.other())] {
            Touched::No | Touched::Yes if is_contested(disk, who) => Touched::Yes,
            // An edit that came back to what was agreed on may be none.
            Touched::Yes if other == agreed(disk, side.other(), who) => Touched::Perhaps,
            touched => touched,
        };
        let ours = wish.touched[index(side)];
        let is_unclear = theirs == Touched::Perhaps || (ours == Touched::Perhaps && !self.is_strict);
        wish.touched[index(side)] = Touched::Yes.max_with(ours);
        match (other, theirs) {
            _ if is_unclear || wish.fate == Fate::Free => {
                wish.fate = Fate::Free;
                wish.forget_tokens();
            }
            (Some(other), Touched::Yes) => {
                // The edit wins, and with it what that side shows.
                wish.fate = Fate::Live;
                for field in 0..2 {
                    let mut gone = View::default();
                    gone[field] = seen[field].difference(&other[field]).copied().collect();
                    wish.take_away(field, &gone);
                    // That side has not heard of what was taken away here before.
                    wish.tokens[field]
                        .retain(|token, fate| *fate == Fate::Live || !other[field].contains(token));
                }
            }
            _ => {
                wish.fate = Fate::Dead;
                for tokens in &mut wish.tokens {
                    tokens.values_mut().for_each(|fate| *fate = Fate::Dead);
                }
            }
        }
    }

    /// A session went to its end: what it left is agreed on.
    pub fn synced(&mut self, disk: &Disk) {
        for (who, wish) in self.wishes.iter_mut().enumerate() {
            wish.touched = [Touched::No; 2];
            let sides = [shown(disk, Side::Phone, who).is_some(), shown(disk, Side::Pc, who).is_some()];
            wish.fate = match (wish.fate, sides) {
                (Fate::Free, [true, true]) => Fate::Live,
                (Fate::Free, [false, false]) => Fate::Dead,
                (fate, _) => fate,
            };
        }
    }

    /// A session was cut, or left something undone.
    pub fn half_synced(&mut self) {
        for wish in &mut self.wishes {
            for touched in &mut wish.touched {
                *touched = if *touched == Touched::No { Touched::No } else { Touched::Perhaps };
            }
        }
    }

    /// The phone is not as it was in `before`; `disk` is as it is now. Where it cannot be known by its marker that it is
    /// another, what it shows now counts as edited there.
    pub fn phone_is_another(&mut self, before: &Disk, disk: &Disk) {
        if !is_past(disk)
            && disk.phone.marker().is_some_and(|(marked, _)| marked == guid(disk.database.replica))
        {
            for (who, wish) in self.wishes.iter_mut().enumerate() {
                // What no session had taken over from it yet is gone with the state in which it was typed.
                let was_told = wish.touched[index(Side::Phone)] == Touched::No;
                if on_phone(before, who) != on_phone(disk, who) && !was_told {
                    wish.touched[index(Side::Phone)] = Touched::Perhaps;
                    wish.fate = Fate::Free;
                    wish.forget_tokens();
                }
            }
            return;
        }
        for (who, wish) in self.wishes.iter_mut().enumerate() {
            let (phone, pc) = (on_phone(disk, who), on_pc(disk, who));
            wish.touched[index(Side::Phone)] = Touched::Perhaps;
            wish.fate = match (wish.fate, phone.is_some(), pc.is_some()) {
                (Fate::Live, _, true) | (Fate::Live, true, false) => Fate::Live,
                // What was deleted on the phone and not heard of yet is missing there like everything else.
                (Fate::Dead, false, false) => Fate::Dead,
                _ => Fate::Free,
            };
            if wish.fate == Fate::Live && pc.is_none() {
                // The PC deleted it while the phone had an edit, which may be gone now.
                wish.fate = Fate::Free;
            }
            let has = |view: &Option<View>, field: usize, token: &Token| {
                view.as_ref().is_some_and(|view| view[field].contains(token))
            };
            for field in 0..2 {
                wish.tokens[field].retain(|token, fate| match fate {
                    Fate::Live => has(&pc, field, token),
                    _ => !has(&phone, field, token) && !has(&pc, field, token),
                });
            }
            if wish.fate == Fate::Free {
                wish.forget_tokens();
            }
        }
    }
}

impl Touched {
    /// A side that was touched again is still one of which it is not known what was heard.
    fn max_with(self, before: Self) -> Self {
        if before == Self::Perhaps { before } else { self }
    }
}

/// What both sides agreed on last, as that side held it. Only ever used to call an outcome unclear.
fn agreed(disk: &Disk, side: Side, who: usize) -> Option<View> {
    let bases = disk.database.links.iter().filter_map(|link| link.base.as_ref());
    let cards = bases.map(|(pc, phone)| if side == Side::Pc { pc } else { phone });
    let views = cards.filter_map(|card| crate::cards::view(card.0.as_bytes()));
    views.filter(|(person, _)| *person == who).map(|(_, view)| view).next()
}
