//! A person's answers to conflicts, turned into the PC's new card and a new baseline, while the phone is away.
//!
//! The PC's card gets what was decided. In both baselines the answered fields become what the phone held when the
//! conflict was told, so that at the next merge only the decision counts as an edit and goes to the phone; should the
//! phone have changed meanwhile, that merge decides as any other, and nothing is overwritten in silence. Fields without
//! an answer stay as they are, in the card and in the baselines. This file must not compare values by itself: where a
//! conflict is and what it is about, the merge says.

use thiserror::Error;

use super::Version;
use super::card::Card;
use super::date::DateText;
use super::decoded::{DecodedCard, Part, is_encoding_param};
use super::dialect::{Folding, LineEnd};
use super::edit::CardEditor;
use super::equality::{Shape, is_single, may_repeat};
use super::merge::{Baseline, ConflictPolicy, FieldConflict, MergeInput, decide, merge};
use super::merge_fields::Clash;
use super::merge_names::with_shown_name;
use super::merge_rows::Sides;
use super::merge_write::{Donor, Patch};
use super::projection::Projection;
use super::render::{NewProperty, Value};

/// What a person says about a field in conflict. `Debug` shows no content.
#[derive(Clone, PartialEq, Eq)]
pub enum Answer {
    /// The phone's value is right.
    Phone,
    /// The PC's value is right.
    Pc,
    /// Both are kept; see [`KeepBoth`].
    Both,
    /// Neither: this is right.
    Text(String),
}

impl std::fmt::Debug for Answer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::Phone => "Phone",
            Self::Pc => "Pc",
            Self::Both => "Both",
            Self::Text(_) => "Text",
        })
    }
}

/// How both values of a field can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeepBoth {
    /// One beside the other: a card may say this field several times. What one side removed stays.
    Beside,
    /// The PC's stays in the field, and the phone's gets a line in the note, because a contact has one of these only.
    InNote,
    /// Not at all: a second photo would be shown nowhere, and a note cannot hold it.
    Never,
}

/// A field that waits for a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenField {
    /// What it is about.
    pub conflict: FieldConflict,
    /// How both values can be kept.
    pub both: KeepBoth,
    /// Whether a value can be typed instead.
    pub is_editable: bool,
}

/// What answers come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolution {
    /// The PC's new card; the same bytes where the PC's values are right.
    pub pc: Card,
    /// What counts as agreed on from now on.
    pub baseline: Baseline,
}

/// Why an answer cannot be taken. Nothing was decided.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ResolutionError {
    /// It is not known what the sides agreed on before.
    #[error("the phone was not compared since it was restored to an earlier state")]
    NoBaseline,
    /// Only one of two photos can stay.
    #[error("a contact has one {0} only, so both cannot be kept")]
    NotBoth(String),
    /// The field is no text.
    #[error("the {0} cannot be typed")]
    NotText(String),
    /// The text is no value of this field.
    #[error("that is no {0}: {1}")]
    BadText(String, &'static str),
}

/// The fields on which both sides stay apart, in an order that depends on the cards only.
#[must_use]
pub fn open_fields(input: &MergeInput<'_>) -> Vec<OpenField> {
    let input = MergeInput { policy: ConflictPolicy::Hold, newest: None, ..*input };
    let sides = Sides::decode(&input);
    let decisions = decide(&input, &sides);
    let clashes = decisions.clashes.iter().map(|clash| (keep_both(clash), is_editable(clash)));
    let conflicts = decisions.conflicts.iter().cloned().zip(clashes);
    conflicts.map(|(conflict, (both, is_editable))| OpenField { conflict, both, is_editable }).collect()
}

/// Takes the answers, one for each of [`open_fields`] of the same cards; `None` leaves a field open.
///
/// Two parts of one value are answered together where they cannot be told apart afterwards: where both values are kept,
/// and where the sides never agreed on a value before.
///
/// # Errors
/// When an answer is none to its field.
pub fn resolve(input: &MergeInput<'_>, answers: &[Option<Answer>]) -> Result<Resolution, ResolutionError> {
    let input = MergeInput { policy: ConflictPolicy::Hold, newest: None, ..*input };
    let base = input.base.ok_or(ResolutionError::NoBaseline)?;
    let sides = Sides::decode(&input);
    let decisions = decide(&input, &sides);
    let mut answered: Vec<(Clash<'_>, &FieldConflict, Option<Answer>)> = Vec::new();
    for (index, (clash, conflict)) in decisions.clashes.iter().zip(&decisions.conflicts).enumerate() {
        answered.push((*clash, conflict, answers.get(index).cloned().flatten()));
    }
    answer_together(&mut answered);
    let mut typed = Vec::with_capacity(answered.len());
    for (clash, conflict, answer) in &answered {
        typed.push(match answer {
            Some(Answer::Text(text)) => Some(typed_value(clash, &conflict.field, text)?),
            _ => None,
        });
    }
    let mut outcome = Outcome::new(&sides);
    for ((clash, conflict, answer), typed) in answered.iter().zip(&typed) {
        let typed = typed.as_ref().and_then(|card| Some(Donor { card, entry: card.entries.first()? }));
        if let Some(answer) = answer {
            outcome.take(clash, conflict, answer, typed)?;
            outcome.agree_on_phone(clash, *answer == Answer::Both && keep_both(clash) == KeepBoth::Beside);
        }
    }
    Ok(outcome.finish(&input, base))
}

/// Takes a card that a person or a program edited as a whole: everything that it says is decided. `shown` is the card
/// that the editing began with, which may be the PC's in another version; lines that were not edited keep their bytes.
///
/// # Errors
/// When it is not known what the sides agreed on before.
pub fn take_edited(
    input: &MergeInput<'_>,
    shown: &Card,
    edited: &Card,
) -> Result<Resolution, ResolutionError> {
    let all = vec![Some(Answer::Pc); open_fields(input).len()];
    let Resolution { baseline, .. } = resolve(input, &all)?;
    let edits = Baseline { pc: shown.clone(), phone: shown.clone() };
    let pc = merge(&MergeInput {
        base: Some(&edits),
        pc: input.pc,
        phone: edited,
        projection: &Projection::default(),
        policy: ConflictPolicy::Phone,
        newest: None,
    })
    .pc;
    Ok(Resolution { pc, baseline })
}

/// Where parts of one value cannot be decided apart, the first answer counts for all of them.
fn answer_together(answered: &mut [(Clash<'_>, &FieldConflict, Option<Answer>)]) {
    for index in 0..answered.len() {
        let Some((clash, _, Some(answer))) = answered.get(index).cloned() else { continue };
        let is_both = answer == Answer::Both && keep_both(&clash) == KeepBoth::Beside;
        let never_agreed = clash.base_pc_at.is_none() || clash.row.base_phone.is_none();
        let answer = if matches!(answer, Answer::Text(_)) { Answer::Pc } else { answer };
        for (other, _, theirs) in answered.iter_mut().filter(|(other, ..)| other.row == clash.row) {
            if is_both || (never_agreed && theirs.is_none()) {
                *theirs = Some(if is_value(other) { answer.clone() } else { without_both(&answer) });
            }
        }
    }
}

/// The same for a part that cannot be there twice by itself.
fn without_both(answer: &Answer) -> Answer {
    if *answer == Answer::Both { Answer::Pc } else { answer.clone() }
}

fn is_value(clash: &Clash<'_>) -> bool {
    matches!(clash.part, None | Some(Part::Value | Part::Component(_)))
}

fn donor<'a>(clash: &Clash<'a>) -> Option<Donor<'a>> {
    clash.pc.or(clash.phone).or(clash.base_pc).or(clash.base_phone)
}

fn keep_both(clash: &Clash<'_>) -> KeepBoth {
    let Some(donor) = donor(clash) else { return KeepBoth::Never };
    match clash.part {
        None => KeepBoth::Beside,
        Some(Part::Value | Part::Component(_)) if may_repeat(&donor.entry.property) => KeepBoth::Beside,
        Some(Part::Value) if donor.entry.shape == Shape::Binary => KeepBoth::Never,
        Some(_) => KeepBoth::InNote,
    }
}

fn is_editable(clash: &Clash<'_>) -> bool {
    let Some(donor) = donor(clash) else { return false };
    match donor.entry.shape {
        Shape::Binary | Shape::Items | Shape::Position => false,
        Shape::Structured => matches!(clash.part, Some(Part::Component(_))),
        _ => matches!(clash.part, None | Some(Part::Value)),
    }
}

/// A card with one line: the value that was typed, of the same kind as the one that it replaces.
fn typed_value(clash: &Clash<'_>, field: &str, text: &str) -> Result<DecodedCard, ResolutionError> {
    let donor = donor(clash).filter(|_| is_editable(clash));
    let line = donor.and_then(|donor| Some((donor, donor.line()?)));
    let Some((donor, line)) = line else { return Err(ResolutionError::NotText(field.to_owned())) };
    let text = text.trim();
    let bad = |why| ResolutionError::BadText(field.to_owned(), why);
    let mut property = NewProperty { group: None, ..line.to_new() };
    property.params.retain(|param| !is_encoding_param(&param.name, donor.entry.shape));
    property.value = match (clash.part, property.value) {
        (Some(Part::Component(index)), Value::Components(mut components)) => {
            components.resize_with(components.len().max(index + 1), || vec![String::new()]);
            if let Some(component) = components.get_mut(index) {
                *component = vec![text.to_owned()];
            }
            Value::Components(components)
        }
        _ if donor.entry.shape == Shape::Date => {
            let date =
                DateText::parse(text).ok_or_else(|| bad("write 1815-12-10, or --12-10 without a year"))?;
            Value::Text(if line.version() == Version::V40 { date.basic() } else { date.extended() })
        }
        _ => Value::Text(text.to_owned()),
    };
    let mut editor = CardEditor::empty(line.version(), Folding::PhotoOnly, LineEnd::CrLf);
    editor.append(&property);
    let card = DecodedCard::of(&editor.finish());
    if text.is_empty() || card.entries.is_empty() {
        return Err(bad("it is empty"));
    }
    Ok(card)
}

/// The changes that answers make to the PC's card and to both baselines.
struct Outcome<'a> {
    sides: &'a Sides,
    pc: Patch<'a>,
    base_pc: Patch<'a>,
    base_phone: Patch<'a>,
    /// Values that went to a card whole already, by their place on the phone's card: on the PC's and in the baselines.
    inserted: Vec<Option<usize>>,
    agreed: Vec<Option<usize>>,
    notes: Vec<String>,
}

impl<'a> Outcome<'a> {
    fn new(sides: &'a Sides) -> Self {
        Self {
            sides,
            pc: Patch::default(),
            base_pc: Patch::default(),
            base_phone: Patch::default(),
            inserted: Vec::new(),
            agreed: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Gives the PC's card what was decided.
    fn take(
        &mut self,
        clash: &Clash<'a>,
        conflict: &FieldConflict,
        answer: &Answer,
        typed: Option<Donor<'a>>,
    ) -> Result<(), ResolutionError> {
        match (answer, typed) {
            (Answer::Text(_), Some(typed)) => match clash.pc_at {
                Some(at) => self.pc.set_if(Some(at), clash.part.unwrap_or(Part::Value), Some(typed)),
                None => self.pc.insert(typed, &[]),
            },
            (Answer::Pc | Answer::Text(_), _) => {}
            (Answer::Phone, _) => self.take_from_phone(clash),
            (Answer::Both, _) => match keep_both(clash) {
                KeepBoth::Never if conflict.pc.is_some() && conflict.phone.is_some() => {
                    return Err(ResolutionError::NotBoth(conflict.field.clone()));
                }
                KeepBoth::Beside if clash.part.is_some() => self.insert(clash),
                _ if conflict.phone.is_none() => {}
                KeepBoth::InNote if conflict.pc.is_some() => {
                    let value = conflict.phone.as_deref().unwrap_or_default();
                    self.notes.push(format!("{} on the phone: {value}", conflict.field));
                }
                _ => self.take_from_phone(clash),
            },
        }
        Ok(())
    }

    fn take_from_phone(&mut self, clash: &Clash<'a>) {
        match (clash.part, clash.phone) {
            (Some(part), phone) if clash.pc_at.is_some() => self.pc.set_if(clash.pc_at, part, phone),
            (None, None) => self.pc.remove_if(clash.pc_at),
            (Some(_), _) => self.insert(clash),
            (None, Some(phone)) => {
                let property = &phone.entry.property;
                let hidden = if is_single(property) { self.sides.pc.hidden(property) } else { None };
                if hidden.is_some() && phone.entry.shape == Shape::Structured {
                    // Of the components only those differ that the phone can hold.
                    let parts = phone.entry.parts_with(None);
                    for part in parts.into_iter().filter(|part| !phone.entry.part(*part).is_empty()) {
                        self.pc.set_if(hidden, part, Some(phone));
                    }
                    return;
                }
                self.pc.remove_if(hidden);
                self.insert(clash);
            }
        }
    }

    /// The phone's whole value, once.
    fn insert(&mut self, clash: &Clash<'a>) {
        if let Some(phone) = clash.phone.filter(|_| !self.inserted.contains(&clash.row.phone)) {
            self.inserted.push(clash.row.phone);
            self.pc.insert(phone, &[]);
        }
    }

    /// Makes what the phone holds what both baselines hold: of the part in conflict, or of the whole value.
    fn agree_on_phone(&mut self, clash: &Clash<'a>, whole: bool) {
        let Clash { row, base_pc_at, base_pc, base_phone, phone, .. } = *clash;
        let (mut was_inserted, is_agreed) = (false, self.agreed.contains(&row.phone));
        for (patch, at, base) in
            [(&mut self.base_pc, base_pc_at, base_pc), (&mut self.base_phone, row.base_phone, base_phone)]
        {
            match (phone, at, base, clash.part) {
                (None, ..) => patch.remove_if(at),
                (Some(_), Some(_), Some(_), Some(part)) if !whole => patch.set_if(at, part, phone),
                (Some(phone), Some(_), Some(base), _) => {
                    for part in phone.entry.parts_with(Some(base.entry)) {
                        if !phone.entry.agrees(base.entry, part) {
                            patch.set_if(at, part, Some(phone));
                        }
                    }
                }
                (Some(phone), ..) => {
                    was_inserted = true;
                    if !is_agreed {
                        patch.insert(phone, &[]);
                    }
                }
            }
        }
        if was_inserted {
            self.agreed.push(row.phone);
        }
    }

    fn finish(self, input: &MergeInput<'_>, base: &Baseline) -> Resolution {
        let mut pc = input.pc.clone();
        if !self.pc.is_empty() {
            pc = with_shown_name(
                self.pc.apply(&pc, &self.sides.pc.whole),
                &self.sides.pc.whole,
                input.projection,
            );
        }
        let apply = |patch: &Patch<'_>, card: &Card, decoded: Option<&DecodedCard>| {
            decoded.map_or_else(|| card.clone(), |decoded| patch.apply(card, decoded))
        };
        let base_pc = self.sides.base_pc.as_ref().map(|view| &*view.whole);
        Resolution {
            pc: with_note_lines(pc, &self.notes),
            baseline: Baseline {
                pc: apply(&self.base_pc, &base.pc, base_pc),
                phone: apply(&self.base_phone, &base.phone, self.sides.base_phone.as_deref()),
            },
        }
    }
}

/// The card with these lines at the end of its note; those that are there already are not added again.
fn with_note_lines(card: Card, lines: &[String]) -> Card {
    let properties = card.properties();
    let note = properties.iter().find(|property| property.name == "NOTE");
    let mut text = note.map(super::property::Property::text).unwrap_or_default();
    let before = text.clone();
    for line in lines.iter().filter(|line| !before.lines().any(|there| there == line.as_str())) {
        if !text.trim().is_empty() {
            text.push('\n');
        }
        text.push_str(line);
    }
    if text == before {
        return card;
    }
    let mut editor = CardEditor::of(&card);
    match note {
        Some(note) => {
            let property = NewProperty { value: Value::Text(text), ..note.to_new() };
            editor.replace(note.index(), &property);
        }
        None => editor.append(&NewProperty::text("NOTE", &text)),
    }
    editor.finish()
}

#[cfg(test)]
#[path = "resolution_tests.rs"]
mod tests;
