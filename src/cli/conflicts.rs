//! `conflicts`: the fields that wait for a decision, as they are told and as they are now. It reads only, and needs no
//! phone.

use crate::agent;
use crate::contact::{MergeInput, OpenField, Projection, open_fields};
use crate::provider::OpenConflict;
use crate::relationship::Mode;
use crate::report::{ExitCode, Label, Line, count_of, hanging, shown};
use crate::store::{Conflicted, Contact, RelationshipId, RelationshipLedger, RelationshipRow, Store};

use super::arguments::{ConflictsAction, ConflictsArguments};
use super::failure::Failed;
use super::invocation::{Invocation, Outcome, book_label, moment, moment_for_programs};
use super::phone;

/// Where the values of a field begin, in columns.
const VALUE_COLUMN: usize = 16;

/// A contact that waits, with all that an answer needs.
#[derive(Debug)]
pub struct Waiting {
    /// What is synced with what.
    pub relationship: RelationshipId,
    /// The phone's name.
    pub phone: String,
    /// The book's name.
    pub book: String,
    /// The mode of the last session.
    pub mode: Mode,
    /// What is stored.
    pub conflicted: Conflicted,
    /// The contact on the PC now; `None` if it was removed.
    pub contact: Option<Contact>,
    /// What the phone can hold.
    pub projection: Projection,
    /// The fields that are apart still, in the order in which they were told.
    pub fields: Vec<WaitingField>,
    /// How many fields of the two cards are apart, told or not.
    pub apart: usize,
    /// What was told and is not found apart in the cards as they are now: the next session settles it.
    pub unseen: Vec<OpenConflict>,
}

/// A field that waits.
#[derive(Debug, Clone)]
pub struct WaitingField {
    /// Its place among all that is apart in the two cards.
    pub index: usize,
    /// As it is now.
    pub open: OpenField,
    /// As it was told.
    pub told: OpenConflict,
}

impl WaitingField {
    /// Whether the PC's value was edited since the conflict was told.
    #[must_use]
    pub fn is_edited_since(&self) -> bool {
        self.open.conflict.pc != self.told.pc
    }
}

/// All contacts that wait.
///
/// # Errors
/// When the database or a device profile cannot be read.
pub fn all_waiting(invocation: &Invocation<'_>, store: &Store) -> Result<Vec<Waiting>, Failed> {
    let mut found = Vec::new();
    for row in store.relationships()? {
        for conflicted in RelationshipLedger::new(store, row.id).conflicted()? {
            found.push(Waiting::load(invocation, store, &row, conflicted)?);
        }
    }
    Ok(found)
}

impl Waiting {
    /// Looks up what belongs to a pair in conflict.
    ///
    /// # Errors
    /// When the database or a device profile cannot be read.
    pub fn load(
        invocation: &Invocation<'_>,
        store: &Store,
        row: &RelationshipRow,
        conflicted: Conflicted,
    ) -> Result<Self, Failed> {
        let profiles = phone::profiles(invocation.world)?;
        let phones = store.phones()?;
        let known = phones.iter().find(|phone| phone.id == row.phone);
        let mut waiting = Self {
            relationship: row.id,
            phone: row.phone_label.clone(),
            book: row.book.clone(),
            mode: Mode::by_name(&row.mode).unwrap_or_default(),
            contact: invocation.book(store, &row.book)?.contact(conflicted.link.pc)?,
            projection: known.map(|phone| agent::projection_of(phone, &profiles)).unwrap_or_default(),
            fields: Vec::new(),
            apart: 0,
            unseen: conflicted.conflicts.clone(),
            conflicted,
        };
        if let Some(input) = waiting.input() {
            let (fields, unseen) = fields(&input, &waiting.conflicted.conflicts);
            let apart = open_fields(&input).len();
            (waiting.fields, waiting.unseen, waiting.apart) = (fields, unseen, apart);
        }
        Ok(waiting)
    }

    /// The cards that an answer starts from; `None` if one of them is not there.
    #[must_use]
    pub fn input(&self) -> Option<MergeInput<'_>> {
        Some(MergeInput {
            base: Some(self.conflicted.link.base.as_ref()?),
            pc: &self.contact.as_ref()?.card,
            phone: &self.conflicted.sides.as_ref()?.phone,
            projection: &self.projection,
            policy: crate::contact::ConflictPolicy::Hold,
            newest: None,
        })
    }

    /// The contact's name.
    #[must_use]
    pub fn name(&self) -> String {
        let told = self.conflicted.conflicts.first().map(|conflict| conflict.subject.clone());
        self.contact.as_ref().map(|contact| contact.row.name.clone()).or(told).unwrap_or_default()
    }

    /// Why nothing can be decided now, if so.
    #[must_use]
    pub fn hindrance(&self) -> Option<&'static str> {
        if self.contact.is_none() {
            return Some("It was removed on the PC since; the next sync decides about that.");
        }
        if self.conflicted.link.base.is_none() {
            return Some("The phone was restored to an earlier state; the next sync compares it anew.");
        }
        if self.conflicted.sides.is_none() {
            return Some("What the phone holds was not kept by an earlier version; sync once, then decide.");
        }
        None
    }

    /// The contact with its fields, for people.
    #[must_use]
    pub fn lines(&self) -> Vec<Line> {
        let since = self.conflicted.sides.as_ref().map(|sides| sides.since_ms);
        let since = since.map_or_else(String::new, |ms| format!(", since {}", moment(ms)));
        let mut lines = vec![
            Line::new()
                .with(Label::Strong, &format!("{:>4}  {}", self.conflicted.link.pc.0, shown(&self.name())))
                .with(Label::Quiet, &format!("  {} ⇄ {}{since}", shown(&self.phone), shown(&self.book))),
        ];
        for (number, field) in (1..).zip(&self.fields) {
            lines.extend(field_lines(number, field));
        }
        for conflict in &self.unseen {
            let OpenConflict { field, base, pc, phone, .. } = conflict;
            lines.push(heading(None, field));
            lines.extend(value_lines([base.as_deref(), pc.as_deref(), phone.as_deref()]));
        }
        let settled = "Not apart any more as the cards are now; the next sync looks at it.";
        let remark = self.hindrance().or_else(|| (!self.unseen.is_empty()).then_some(settled));
        lines.extend(
            remark.iter().flat_map(|text| hanging(Line::new().padded_to(6), Label::Attention, text, 6)),
        );
        lines
    }

    fn json(&self) -> serde_json::Value {
        let fields = self.fields.iter().map(|field| {
            let conflict = &field.open.conflict;
            serde_json::json!({
                "field": conflict.field, "base": conflict.base, "pc": conflict.pc, "phone": conflict.phone,
                "pc_edited_since": field.is_edited_since(), "editable": field.open.is_editable,
            })
        });
        let unseen = self.unseen.iter().map(|conflict| {
            serde_json::json!({
                "field": conflict.field, "base": conflict.base, "pc": conflict.pc, "phone": conflict.phone,
            })
        });
        let since = self.conflicted.sides.as_ref().and_then(|sides| moment_for_programs(sides.since_ms));
        serde_json::json!({
            "type": "conflict", "number": self.conflicted.link.pc.0, "contact": self.name(),
            "uid": self.contact.as_ref().map(|contact| &contact.row.uid), "book": self.book,
            "phone": self.phone, "since": since, "fields": fields.collect::<Vec<_>>(),
            "unseen": unseen.collect::<Vec<_>>(), "remark": self.hindrance(),
        })
    }
}

/// What was told and is apart in the cards, and what was told and is not.
pub fn fields(input: &MergeInput<'_>, told: &[OpenConflict]) -> (Vec<WaitingField>, Vec<OpenConflict>) {
    let mut open: Vec<(usize, OpenField)> = open_fields(input).into_iter().enumerate().collect();
    let (mut fields, mut unseen) = (Vec::new(), Vec::new());
    for told in told {
        match open.iter().position(|(_, field)| field.conflict.field == told.field) {
            Some(place) => {
                let (index, open) = open.remove(place);
                fields.push(WaitingField { index, open, told: told.clone() });
            }
            None => unseen.push(told.clone()),
        }
    }
    (fields, unseen)
}

/// A field with what it was, what the PC says and what the phone says.
#[must_use]
pub fn field_lines(number: usize, field: &WaitingField) -> Vec<Line> {
    let conflict = &field.open.conflict;
    let mut lines = vec![heading(Some(number), &conflict.field)];
    lines.extend(value_lines([conflict.base.as_deref(), conflict.pc.as_deref(), conflict.phone.as_deref()]));
    if field.is_edited_since() {
        let text = "The PC's was edited since this was told.";
        lines.push(Line::new().padded_to(VALUE_COLUMN).with(Label::Quiet, text));
    }
    lines
}

fn heading(number: Option<usize>, field: &str) -> Line {
    let number = number.map_or_else(String::new, |number| format!("{number} "));
    Line::new().padded_to(6).with(Label::Attention, &format!("{number}{}", shown(field)))
}

fn value_lines(values: [Option<&str>; 3]) -> Vec<Line> {
    let mut lines = Vec::new();
    for (words, value) in ["before", "PC", "phone"].into_iter().zip(values) {
        let start = Line::new().padded_to(8).with(Label::Quiet, words).padded_to(VALUE_COLUMN);
        let value = value.map_or_else(|| String::from("(none)"), shown);
        lines.extend(hanging(start, Label::Plain, &value, VALUE_COLUMN));
    }
    lines
}

/// Runs `conflicts`.
pub fn run(invocation: &Invocation<'_>, arguments: &ConflictsArguments) -> Outcome {
    let store = invocation.open_for_reading()?;
    let mut waiting = all_waiting(invocation, &store)?;
    if let Some(ConflictsAction::Show { which }) = &arguments.action {
        waiting = meant(invocation, &store, waiting, which.book.as_deref(), &which.contact)?;
    }
    for one in &waiting {
        if invocation.global.json {
            invocation.json(&one.json())?;
        } else {
            invocation.result_lines(&one.lines())?;
        }
    }
    if invocation.global.json {
        return Ok(ExitCode::Done);
    }
    if waiting.is_empty() {
        invocation.say("No field waits for a decision.");
    } else {
        invocation.say("Decide now or later, with or without the phone: tetherbook resolve");
    }
    for line in also_waiting(&store)? {
        invocation.say(line);
    }
    Ok(ExitCode::Done)
}

/// Those of the contact that a person means: by its number as it is listed, else as everywhere.
///
/// # Errors
/// When no contact is meant, or one that has no conflict.
pub fn meant(
    invocation: &Invocation<'_>,
    store: &Store,
    waiting: Vec<Waiting>,
    book: Option<&str>,
    text: &str,
) -> Result<Vec<Waiting>, Failed> {
    let mut waiting = waiting;
    waiting.retain(|one| book.is_none_or(|book| one.book == book));
    let number = text.strip_prefix('#').unwrap_or(text).parse::<u64>().ok();
    let is_it = |one: &Waiting| {
        number == Some(one.conflicted.link.pc.0) || (one.contact.is_none() && one.name() == text)
    };
    if waiting.iter().any(is_it) {
        waiting.retain(is_it);
        let first = waiting.first().map(|one| one.book.clone());
        if waiting.iter().any(|one| Some(&one.book) != first.as_ref()) {
            return Err(Failed::general(
                format!("\"{}\" could mean contacts of several books", shown(text)),
                "add --book NAME",
            ));
        }
        return Ok(waiting);
    }
    let (of, contact) = invocation.contact(store, book, text)?;
    let label = book_label(&of);
    waiting.retain(|one| one.book == label && one.conflicted.link.pc == contact.row.item);
    if waiting.is_empty() {
        return Err(Failed::general(
            format!("no field of {} waits for a decision", shown(&contact.row.name)),
            "tetherbook conflicts lists what waits",
        ));
    }
    Ok(waiting)
}

/// What else waits for a person, a sentence each.
fn also_waiting(store: &Store) -> Result<Vec<String>, Failed> {
    let counts = store.also_waiting()?;
    let mut lines = Vec::new();
    if counts.held > 0 {
        let contacts = count_of(counts.held, "contact waits", "contacts wait");
        lines.push(format!("Besides, {contacts} since an undo set them back."));
    }
    if counts.asked > 0 {
        let pairs = count_of(counts.asked, "pair of contacts", "pairs of contacts");
        lines.push(format!("Besides, {pairs} may be one person each, and wait for an answer."));
    }
    Ok(lines)
}
