//! What must hold in every state, what must come about, and what must have been met for the rest to mean anything.
//! The names are those of the invariants: no resurrection (I4), no loss (I3), no duplicate (I13), atomic watermark (I11),
//! monotone knowledge (I14), absence needs proof (I16), convergence (I1).

use stateright::Property;
use tetherbook::provider::Revision;
use tetherbook::relationship::Side;

use crate::cards::{View, anywhere, contacts, files, is_contested, view};
use crate::disk::{Disk, Step};
use crate::ghost::{Fate, Wish, shown};
use crate::session::is_past;
use crate::world::{Breach, Scope, State, World, is_put_back_before_a_deletion};

/// After so many whole sessions both sides are equal.
const SESSIONS_TO_AGREE: u8 = 2;

pub fn laws() -> Vec<Property<World>> {
    vec![
        Property::always("I1 converged after two sessions", |_, state: &State| !is_settled(state) || is_equal(state)),
        Property::always("I1 quiet after that", |_, state: &State| state.breach != Some(Breach::NotQuiet)),
        Property::eventually("I1 converges", |_, state: &State| state.breach.is_some() || (state.quiet == 3 && is_equal(state))),
        Property::always("I3 nothing wanted is nowhere", |_, state: &State| each(state, is_somewhere)),
        Property::always("I3 nothing is lost", |_, state: &State| !is_settled(state) || each(state, is_kept)),
        Property::always("I4 nothing comes back", |_, state: &State| !is_settled(state) || each(state, stays_away)),
        Property::always("I11 the watermark is not ahead", |_, state: &State| is_watermark_true(state)),
        Property::always("I13 nothing is doubled", |_, state: &State| {
            let disk = &state.disk.disk;
            (0..people(state)).all(|who| files(&disk.phone, who).len() <= 1 && contacts(disk, who).len() <= 1)
        }),
        Property::always("I14 nothing is forgotten", |_, state: &State| state.breach != Some(Breach::Forgot)),
        Property::always("I14 no deletion from the past", |_, state: &State| state.breach != Some(Breach::DeletedFromPast)),
        Property::always("I16 no deletion without proof", |_, state: &State| state.breach != Some(Breach::Vanished)),
    ]
}

/// What a scope must have met.
pub fn reached(scope: &Scope) -> Vec<Property<World>> {
    let mut reached = vec![
        Property::sometimes("a conflict is open", |_, state: &State| !state.disk.disk.database.conflicts.is_empty()),
        Property::sometimes("a deletion was carried over", |_, state: &State| {
            state.quiet > 0 && state.ghost.wishes.iter().any(|wish| wish.fate == Fate::Dead && !wish.tokens[0].is_empty())
        }),
        Property::sometimes("all is spent and both are equal", |_, state: &State| {
            state.quiet == 3 && state.edits == [0, 0] && state.cuts == 0 && is_equal(state)
        }),
    ];
    if scope.cuts > 0 {
        reached.extend([
            Property::sometimes("a write is in the journal", |_, state: &State| {
                !state.disk.disk.database.intents.is_empty()
            }),
            Property::sometimes("a replacement is half done", |_, state: &State| {
                let disk = &state.disk.disk;
                disk.phone.files.iter().any(|file| file.name.starts_with("tbtmp"))
                    && disk.database.intents.iter().any(|intent| matches!(intent.step, Step::Replace { .. }))
            }),
            Property::sometimes("a file is torn", |_, state: &State| {
                let files = &state.disk.disk.phone.files;
                files.iter().any(|file| file.name.ends_with(".vcf") && view(&file.bytes).is_none())
            }),
        ]);
    }
    if scope.swaps > 0 {
        reached.extend([
            Property::sometimes("put back before a deletion was told", |_, state: &State| {
                is_put_back_before_a_deletion(state)
            }),
            Property::sometimes("another replica was met", |_, state: &State| state.disk.disk.database.replica == 2),
        ]);
    }
    reached
}

fn people(state: &State) -> usize {
    state.ghost.wishes.len()
}

fn is_settled(state: &State) -> bool {
    state.quiet >= SESSIONS_TO_AGREE
}

fn each(state: &State, law: fn(&Disk, usize, &Wish) -> bool) -> bool {
    state.ghost.wishes.iter().enumerate().all(|(who, wish)| law(&state.disk.disk, who, wish))
}

fn is_equal(state: &State) -> bool {
    let disk = &state.disk.disk;
    (0..people(state)).all(|who| {
        shown(disk, Side::Phone, who) == shown(disk, Side::Pc, who) || is_contested(disk, who)
    })
}

fn with_fate(wish: &Wish, wanted: Fate) -> impl Iterator<Item = (usize, u8)> {
    let tokens = wish.tokens.iter().enumerate();
    tokens.flat_map(move |(field, tokens)| {
        tokens.iter().filter(move |(_, fate)| **fate == wanted).map(move |(token, _)| (field, *token))
    })
}

/// Whatever is cut wherever: a value that is wanted is in a card of either side, under its temporary name, or in the
/// journal.
fn is_somewhere(disk: &Disk, who: usize, wish: &Wish) -> bool {
    let views = anywhere(disk, who);
    (wish.fate != Fate::Live || !views.is_empty())
        && with_fate(wish, Fate::Live).all(|(field, token)| views.iter().any(|view| view[field].contains(&token)))
}

fn is_kept(disk: &Disk, who: usize, wish: &Wish) -> bool {
    let sides = [shown(disk, Side::Phone, who), shown(disk, Side::Pc, who)];
    if wish.fate == Fate::Live && sides.contains(&None) {
        return false;
    }
    let has = |view: &Option<View>, field: usize, token: u8| {
        view.as_ref().is_some_and(|view| view[field].contains(&token))
    };
    with_fate(wish, Fate::Live).all(|(field, token)| {
        let there = sides.iter().filter(|view| has(view, field, token)).count();
        there == 2 || (there == 1 && is_contested(disk, who))
    })
}

fn stays_away(disk: &Disk, who: usize, wish: &Wish) -> bool {
    let sides = [shown(disk, Side::Phone, who), shown(disk, Side::Pc, who)];
    if wish.fate == Fate::Dead {
        return sides.iter().all(Option::is_none);
    }
    is_contested(disk, who)
        || with_fate(wish, Fate::Dead).all(|(field, token)| {
            sides.iter().flatten().all(|view| !view[field].contains(&token))
        })
}

/// What a watermark says that the other side has, it has: in its card, in a clash that is told, or on its way in the journal.
fn is_watermark_true(state: &State) -> bool {
    let disk = &state.disk.disk;
    let database = &disk.database;
    if is_past(disk) || disk.phone.marker().is_some_and(|(marked, _)| marked != crate::disk::guid(database.replica)) {
        return true;
    }
    // A pair that is still to be compared as at a first meeting is pending as a whole.
    let is_pending = |pc: Option<u64>, phone: Option<u64>| {
        let mut open = database.links.iter().filter(|link| link.base.is_none());
        open.any(|link| Some(link.pc) == pc || Some(link.phone) == phone)
    };
    let of_pc = database.contacts.iter().filter(|contact| database.of_pc.has_seen(contact.counter)).all(|contact| {
        match &contact.card {
            Some(card) => {
                is_pending(Some(contact.item), None) || has_arrived(state, card.0.as_bytes(), Side::Phone)
            }
            None => !database.links.iter().any(|link| link.pc == contact.item),
        }
    });
    let of_phone = database.rows.iter().filter(|row| database.of_phone.has_seen(row.0.counter)).all(|row| {
        if row.0.deleted {
            return !database.links.iter().any(|link| link.phone == row.0.item.0);
        }
        let name = row.0.locator.0.rsplit('/').next().unwrap_or_default();
        let held = disk.phone.file(name).filter(|file| Some(Revision::of(&file.bytes)) == row.0.revision);
        is_pending(None, Some(row.0.item.0)) || held.is_none_or(|file| has_arrived(state, &file.bytes, Side::Pc))
    });
    of_pc && of_phone
}

/// Whether everything wanted of this card is on that side.
fn has_arrived(state: &State, card: &[u8], side: Side) -> bool {
    let disk = &state.disk.disk;
    let Some((who, held)) = view(card) else { return true };
    let wish = &state.ghost.wishes[who];
    if wish.fate != Fate::Live || is_contested(disk, who) || is_on_its_way(disk, side, who) {
        return true;
    }
    let Some(there) = shown(disk, side, who) else { return false };
    let is_wanted = |field: usize, token: &u8| wish.tokens[field].get(token) == Some(&Fate::Live);
    (0..2).all(|field| {
        held[field].iter().filter(|token| is_wanted(field, token)).all(|token| there[field].contains(token))
    })
}

/// Whether a card of this person is on its way to that side in the journal: the next session settles it.
pub fn is_on_its_way(disk: &Disk, side: Side, who: usize) -> bool {
    let own = |bytes: &[u8]| view(bytes).is_some_and(|(person, _)| person == who);
    side == Side::Phone && disk.database.intents.iter().filter_map(|intent| intent.card()).any(|card| own(card.as_bytes()))
}
