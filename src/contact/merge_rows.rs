//! The rows of a merge: each says which value it is on either side, and which it was when the sides last agreed.
//!
//! This file must not decide who wins; it only finds out which values belong together.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::align::{Relation, align};
use super::card::Card;
use super::decoded::{ATTRIBUTES, DecodedCard, Entry};
use super::equality::{Shape, is_single};
use super::merge::MergeInput;
use super::projection::Projection;

/// One value through all four cards, as indices of their entries, of the PC's cards as the phone can hold them. At
/// least one is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) base_pc: Option<usize>,
    pub(super) base_phone: Option<usize>,
    pub(super) pc: Option<usize>,
    pub(super) phone: Option<usize>,
}

/// A card of the PC as it is, and as the phone can hold its values, each by itself: all that is compared is seen
/// with the phone's eyes, and all that is written to the PC is written to the card as it is.
pub(super) struct View {
    /// The card as it is.
    pub(super) whole: Rc<DecodedCard>,
    /// What the phone can hold of it, values beyond its counts included.
    pub(super) seen: Rc<DecodedCard>,
    /// For each entry of `seen` the entry of `whole` it is of; `None` for a name made of the shown name.
    origins: Vec<Option<usize>>,
}

impl View {
    fn of(card: &Card, whole: &Rc<DecodedCard>, projection: &Projection) -> Self {
        let projected = projection.apply(card, false);
        if projected.card == *card {
            let origins = (0..whole.entries.len()).map(Some).collect();
            return Self { whole: Rc::clone(whole), seen: Rc::clone(whole), origins };
        }
        let seen = DecodedCard::of(&projected.card);
        let mut taken: BTreeSet<usize> = BTreeSet::new();
        let mut origins = Vec::with_capacity(seen.entries.len());
        for entry in &seen.entries {
            let line = projected.origins.get(entry.line).copied().flatten();
            let is_origin = |index: &usize| {
                whole.entries.get(*index).is_some_and(|other| {
                    Some(other.line) == line
                        && (other.shape != Shape::Items || projection.item_becomes(other, entry))
                })
            };
            let origin = (0..whole.entries.len()).filter(|index| !taken.contains(index)).find(is_origin);
            taken.extend(origin);
            origins.push(origin);
        }
        Self { whole: Rc::clone(whole), seen: Rc::new(seen), origins }
    }

    /// The entry of the whole card that an entry of the seen one is of.
    pub(super) fn origin(&self, seen: Option<usize>) -> Option<usize> {
        self.origins.get(seen?).copied().flatten()
    }

    /// Whether the card says something of a value that the phone cannot hold.
    fn says_more(&self, seen: usize) -> bool {
        let whole = self.origin(Some(seen)).and_then(|origin| self.whole.entries.get(origin));
        whole
            .zip(self.seen.entries.get(seen))
            .is_some_and(|(whole, seen)| ATTRIBUTES.into_iter().any(|part| !whole.agrees(seen, part)))
    }

    /// The value of this property that the phone cannot hold at all, if the card has one.
    pub(super) fn hidden(&self, property: &str) -> Option<usize> {
        let entries = self.whole.entries.iter().enumerate();
        let mut hidden = entries
            .filter(|(index, entry)| entry.property == property && !self.origins.contains(&Some(*index)));
        hidden.next().map(|(index, _)| index)
    }
}

/// The four cards of a merge. Without a baseline both bases are `None`.
pub(super) struct Sides {
    pub(super) base_pc: Option<View>,
    pub(super) base_phone: Option<Rc<DecodedCard>>,
    pub(super) pc: View,
    pub(super) phone: Rc<DecodedCard>,
}

impl Sides {
    /// Decodes the cards; those that have the same bytes, as a side that did not change, once.
    pub(super) fn decode(input: &MergeInput<'_>) -> Self {
        fn of<'a>(known: &mut Vec<(&'a Card, Rc<DecodedCard>)>, card: &'a Card) -> Rc<DecodedCard> {
            if let Some((_, decoded)) = known.iter().find(|(other, _)| *other == card) {
                return Rc::clone(decoded);
            }
            let decoded = Rc::new(DecodedCard::of(card));
            known.push((card, Rc::clone(&decoded)));
            decoded
        }
        let mut known: Vec<(&Card, Rc<DecodedCard>)> = Vec::with_capacity(4);
        let mut view = |card| View::of(card, &of(&mut known, card), input.projection);
        Self {
            pc: view(input.pc),
            base_pc: input.base.map(|base| view(&base.pc)),
            phone: of(&mut known, input.phone),
            base_phone: input.base.map(|base| of(&mut known, &base.phone)),
        }
    }

    pub(super) fn base_pc_entries(&self) -> &[Entry] {
        self.base_pc.as_ref().map_or(&[], |card| &card.seen.entries)
    }

    pub(super) fn base_phone_entries(&self) -> &[Entry] {
        self.base_phone.as_ref().map_or(&[], |card| &card.entries)
    }
}

/// Builds the rows: the values of the baseline first, in the order of the PC's card, then those that were gained.
pub(super) fn rows(sides: &Sides, repeated: &BTreeSet<String>) -> Vec<Row> {
    let (base_pc, base_phone) = (sides.base_pc_entries(), sides.base_phone_entries());
    let (pc, phone) = (&sides.pc.seen.entries, &sides.phone.entries);
    let mut rows = Vec::with_capacity(pc.len() + phone.len());
    if sides.base_pc.is_none() && sides.base_phone.is_none() {
        join(
            &mut rows,
            pc.len(),
            phone.len(),
            &align(pc, phone, Relation::FirstMeeting, repeated),
            |pc, phone| Row { pc, phone, ..Row::default() },
        );
        return rows;
    }
    let agreed = align(base_pc, base_phone, Relation::Agreed, repeated);
    join(&mut rows, base_pc.len(), base_phone.len(), &agreed, |base_pc, base_phone| Row {
        base_pc,
        base_phone,
        ..Row::default()
    });
    let aligned_pc = align(base_pc, pc, Relation::Times, repeated);
    let aligned_phone = align(base_phone, phone, Relation::Times, repeated);
    let on_pc = without_gained(&aligned_pc, base_pc, pc, &unpaired(phone.len(), &aligned_phone), phone);
    let on_phone = without_gained(&aligned_phone, base_phone, phone, &unpaired(pc.len(), &aligned_pc), pc);
    for row in &mut rows {
        row.pc = row.base_pc.and_then(|base| partner(&on_pc, base));
        row.phone = row.base_phone.and_then(|base| partner(&on_phone, base));
    }
    let mut unpaired_on_phone: Vec<usize> = unpaired(phone.len(), &on_phone);
    join_replaced(&mut rows, sides, &mut unpaired_on_phone);
    let mut new_pc: Vec<usize> = unpaired(pc.len(), &on_pc);
    let mut new_phone = unpaired_on_phone;
    adopt(&mut rows, pc, phone, &mut new_pc, &mut new_phone);
    let gained_pc: Vec<Entry> = new_pc.iter().filter_map(|index| pc.get(*index)).cloned().collect();
    let gained_phone: Vec<Entry> = new_phone.iter().filter_map(|index| phone.get(*index)).cloned().collect();
    let gained = align(&gained_pc, &gained_phone, Relation::Gained, repeated);
    join(&mut rows, gained_pc.len(), gained_phone.len(), &gained, |at_pc, at_phone| Row {
        pc: at_pc.and_then(|at| new_pc.get(at)).copied(),
        phone: at_phone.and_then(|at| new_phone.get(at)).copied(),
        ..Row::default()
    });
    rows
}

/// A number that became another one on a phone that cannot hold what it is for keeps that on the PC: where one value
/// of a property went and one came, and the PC says something of it that the phone cannot, it is one value.
fn join_replaced(rows: &mut [Row], sides: &Sides, new_phone: &mut Vec<usize>) {
    let (base_phone, phone) = (sides.base_phone_entries(), &sides.phone.entries);
    for at in 0..rows.len() {
        let Some(row) = rows.get(at).copied() else { continue };
        let Some(gone) = row.base_phone.filter(|_| row.phone.is_none()).and_then(|gone| base_phone.get(gone))
        else {
            continue;
        };
        let is_set = matches!(gone.shape, Shape::Phone | Shape::Email | Shape::Address);
        let before = row.base_pc.and_then(|pc| sides.base_pc_entries().get(pc));
        let now = row.pc.and_then(|pc| sides.pc.seen.entries.get(pc));
        let is_unedited = before.zip(now).is_some_and(|(before, now)| before.same(now));
        if !is_set || !is_unedited || !row.pc.is_some_and(|pc| sides.pc.says_more(pc)) {
            continue;
        }
        let of_property = |index: Option<usize>, side: &[Entry]| {
            index.and_then(|index| side.get(index)).is_some_and(|entry| entry.property == gone.property)
        };
        let gone_count =
            rows.iter().filter(|row| row.phone.is_none() && of_property(row.base_phone, base_phone)).count();
        let came: Vec<usize> =
            new_phone.iter().copied().filter(|index| of_property(Some(*index), phone)).collect();
        let is_known = |index: usize| {
            let identity = phone.get(index).map(|entry| &entry.identity);
            sides.pc.seen.entries.iter().any(|entry| Some(&entry.identity) == identity)
        };
        if let (1, [came]) = (gone_count, came.as_slice())
            && !is_known(*came)
            && let Some(row) = rows.get_mut(at)
        {
            row.phone = Some(*came);
            new_phone.retain(|index| index != came);
        }
    }
}

/// The pairs without those that take an address for the new form of another one, though the very same address is new
/// on the other side: then it came on both, and the one before it went.
fn without_gained(
    pairs: &[(usize, usize)],
    base: &[Entry],
    now: &[Entry],
    gained: &[usize],
    other: &[Entry],
) -> Vec<(usize, usize)> {
    let is_taken_for_another = |&(before, after): &(usize, usize)| {
        let (Some(before), Some(after)) = (base.get(before), now.get(after)) else { return false };
        let same = |other: &Entry| other.property == after.property && other.identity == after.identity;
        after.shape == Shape::Structured
            && !is_single(&after.property)
            && before.identity != after.identity
            && gained.iter().filter_map(|index| other.get(*index)).any(same)
    };
    pairs.iter().filter(|pair| !is_taken_for_another(pair)).copied().collect()
}

/// A value one side gained may be one the other side held all along, by itself: the phone could not take it when
/// they last agreed, or would not give it. Then it is one row, not two.
fn adopt(
    rows: &mut [Row],
    pc: &[Entry],
    phone: &[Entry],
    new_pc: &mut Vec<usize>,
    new_phone: &mut Vec<usize>,
) {
    let same = |one: Option<&Entry>, other: Option<&Entry>| match (one, other) {
        (Some(one), Some(other)) => one.property == other.property && one.identity == other.identity,
        _ => false,
    };
    for row in rows {
        if let (None, None, Some(held)) = (row.pc, row.base_pc, row.phone)
            && let Some(place) = new_pc.iter().position(|index| same(pc.get(*index), phone.get(held)))
        {
            row.pc = Some(new_pc.remove(place));
        }
        if let (None, None, Some(held)) = (row.phone, row.base_phone, row.pc)
            && let Some(place) = new_phone.iter().position(|index| same(phone.get(*index), pc.get(held)))
        {
            row.phone = Some(new_phone.remove(place));
        }
    }
}

/// Appends a row for every pair and for every index without one; the left side's order leads.
fn join(
    rows: &mut Vec<Row>,
    left_count: usize,
    right_count: usize,
    pairs: &[(usize, usize)],
    make: impl Fn(Option<usize>, Option<usize>) -> Row,
) {
    rows.extend((0..left_count).map(|left| make(Some(left), partner(pairs, left))));
    let taken: BTreeSet<usize> = pairs.iter().map(|pair| pair.1).collect();
    rows.extend((0..right_count).filter(|right| !taken.contains(right)).map(|right| make(None, Some(right))));
}

fn partner(pairs: &[(usize, usize)], left: usize) -> Option<usize> {
    let place = pairs.binary_search_by_key(&left, |pair| pair.0).ok()?;
    pairs.get(place).map(|pair| pair.1)
}

fn unpaired(count: usize, pairs: &[(usize, usize)]) -> Vec<usize> {
    let taken: BTreeSet<usize> = pairs.iter().map(|pair| pair.1).collect();
    (0..count).filter(|index| !taken.contains(index)).collect()
}
