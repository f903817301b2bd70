//! Who may be one person: the pairs that a sync left for an answer, and the doubles within a book. It finds and names
//! them; the commands ask and answer.

use std::collections::{HashMap, HashSet};

use crate::contact::{
    Card, Country, Evidence, MatchKeys, duplicates, evidence_words, match_keys, with_country,
};
use crate::provider::{AskedPair, ItemId, Ledger, MatchAnswer, MatchDecision};
use crate::report::{Label, Line, hanging, shown};
use crate::store::{RelationshipLedger, RelationshipRow, Store};

use super::failure::Failed;
use super::invocation::{Invocation, book_label};

/// Where the texts of a question begin, in columns.
const TEXT_COLUMN: usize = 5;
/// So many numbers and addresses of a contact are shown.
const VALUES_MAX: usize = 3;

/// Two contacts that may be one.
#[derive(Debug, Clone)]
pub struct Question {
    /// Where they are.
    pub between: Between,
    /// One of them; between sides, the PC's.
    pub left: Party,
    /// The other.
    pub right: Party,
    /// The sum of the points.
    pub score: i32,
    /// What speaks for and against it.
    pub reasons: Vec<Evidence>,
    /// What was answered, if anything was.
    pub answer: Option<MatchAnswer>,
}

/// Where the two contacts are.
#[derive(Debug, Clone)]
pub enum Between {
    /// One on the PC, one on a phone.
    Sides(RelationshipRow),
    /// Both in this book.
    Book(String),
}

/// One of the two.
#[derive(Debug, Clone)]
pub struct Party {
    /// Its number on its side.
    pub item: ItemId,
    /// What it says; `None` if that is not known here.
    pub card: Option<Card>,
    /// Where it stands on the phone; else empty.
    pub place: String,
}

impl Party {
    /// Its name to show.
    #[must_use]
    pub fn name(&self) -> String {
        self.card.as_ref().map_or_else(|| self.item.to_string(), Card::display_name)
    }

    fn json(&self) -> serde_json::Value {
        serde_json::json!({
            "item": self.item.0, "fn": self.name(), "uid": self.card.as_ref().and_then(Card::uid),
            "place": (!self.place.is_empty()).then_some(&self.place),
        })
    }

    /// Its name, number, and what it is reached by.
    fn words(&self, where_it_is: &str) -> String {
        let mut words = format!("{where_it_is}: {} ({}", shown(&self.name()), self.item);
        if !self.place.is_empty() {
            words += &format!(", {}", shown(&self.place));
        }
        words.push(')');
        let Some(summary) = self.card.as_ref().map(Card::summary) else { return words };
        let numbers = summary.tels.iter().map(|(number, ..)| number);
        let values = numbers.chain(summary.emails.iter().map(|(email, _)| email)).chain(&summary.bday);
        for value in values.take(VALUES_MAX) {
            words += &format!(", {}", shown(value));
        }
        words
    }
}

impl Question {
    /// The question for people, under its number.
    #[must_use]
    pub fn lines(&self, number: usize) -> Vec<Line> {
        let (left, right) = match &self.between {
            Between::Sides(row) => {
                (format!("PC, {}", shown(&row.book)), format!("phone, {}", shown(&row.phone_label)))
            }
            Between::Book(book) => (format!("PC, {}", shown(book)), format!("PC, {}", shown(book))),
        };
        let verdict = match self.answer {
            None => "may be one person",
            Some(MatchAnswer::Same) => "one person, as you said",
            Some(MatchAnswer::Different) => "two persons, as you said",
        };
        let mut title = format!("{verdict}: {}", evidence_words(&self.reasons));
        if self.reasons.is_empty() {
            title = verdict.to_owned();
        } else {
            title += &format!(" ({} points)", self.score);
        }
        let start = Line::new().with(Label::Strong, &number.to_string()).padded_to(TEXT_COLUMN);
        let mut lines = hanging(start, Label::Plain, &title, TEXT_COLUMN);
        for words in [self.left.words(&left), self.right.words(&right)] {
            lines.extend(hanging(Line::new().padded_to(TEXT_COLUMN), Label::Plain, &words, TEXT_COLUMN));
        }
        lines
    }

    /// The question for programs.
    #[must_use]
    pub fn json(&self, number: usize) -> serde_json::Value {
        let (between, phone, book) = match &self.between {
            Between::Sides(row) => ("sides", Some(&row.phone_label), &row.book),
            Between::Book(book) => ("book", None, book),
        };
        serde_json::json!({
            "type": "dupe", "number": number, "between": between, "phone": phone, "book": book,
            "score": self.score, "reasons": self.reasons.iter().map(|reason| reason.code()).collect::<Vec<_>>(),
            "left": self.left.json(), "right": self.right.json(),
            "answer": self.answer.map(|answer| match answer {
                MatchAnswer::Same => "same",
                MatchAnswer::Different => "different",
            }),
        })
    }
}

/// All questions about one book or all, those between the sides first; with `all` the answered ones too.
///
/// # Errors
/// When the named book does not exist, or the database cannot be used.
pub fn questions(
    invocation: &Invocation<'_>,
    store: &Store,
    book: Option<&str>,
    all: bool,
) -> Result<Vec<Question>, Failed> {
    let books = invocation.existing_books(store, book)?;
    let names: Vec<String> = books.iter().map(book_label).collect();
    let mut found = Vec::new();
    for row in store.relationships()?.into_iter().filter(|row| names.contains(&row.book)) {
        found.extend(between_sides(invocation, store, &row)?);
    }
    for name in &names {
        found.extend(within(invocation, store, name)?);
    }
    found.retain(|question| all || question.answer.is_none());
    Ok(found)
}

fn between_sides(
    invocation: &Invocation<'_>,
    store: &Store,
    row: &RelationshipRow,
) -> Result<Vec<Question>, Failed> {
    let ledger = RelationshipLedger::new(store, row.id);
    let book = invocation.book(store, &row.book)?;
    let decisions = ledger.match_decisions()?;
    let mut answers: HashMap<(ItemId, ItemId), &MatchDecision> =
        decisions.iter().map(|decision| ((decision.pc, decision.phone), decision)).collect();
    let mut found = Vec::new();
    for AskedPair { pc, phone, score, reasons, place, pc_card, phone_card } in ledger.asked_pairs()? {
        let answer = answers.remove(&(pc, phone)).map(|decision| decision.answer);
        // Somebody may have removed the contact since, or given it a partner.
        let is_open = ledger.link_of_pc(pc)?.is_none() && ledger.link_of_phone(phone)?.is_none();
        let Some(contact) = book.contact(pc)?.filter(|_| is_open) else { continue };
        drop(pc_card);
        found.push(Question {
            between: Between::Sides(row.clone()),
            left: Party { item: pc, card: Some(contact.card), place: String::new() },
            right: Party { item: phone, card: Some(phone_card), place },
            score,
            reasons,
            answer,
        });
    }
    let mut rest: Vec<&MatchDecision> = answers.into_values().collect();
    rest.sort_by_key(|decision| (decision.pc, decision.phone));
    for decision in rest {
        let linked = ledger.link_of_phone(decision.phone)?.and_then(|link| link.base);
        found.push(Question {
            between: Between::Sides(row.clone()),
            left: Party {
                item: decision.pc,
                card: book.contact(decision.pc)?.map(|contact| contact.card),
                place: String::new(),
            },
            right: Party { item: decision.phone, card: linked.map(|base| base.phone), place: String::new() },
            score: 0,
            reasons: Vec::new(),
            answer: Some(decision.answer),
        });
    }
    Ok(found)
}

/// The doubles within a book. Which number is which is compared under the same country as in a sync.
fn within(invocation: &Invocation<'_>, store: &Store, name: &str) -> Result<Vec<Question>, Failed> {
    let book = invocation.book(store, name)?;
    let mut items: Vec<ItemId> = Vec::new();
    let mut keys: Vec<MatchKeys> = Vec::new();
    book.each_card(|item, _, card| {
        items.push(item);
        keys.push(match_keys(&card));
    })?;
    let country: Option<Country> = invocation.configuration.country();
    with_country(&mut keys, &mut [], country);
    let mut apart: HashSet<(ItemId, ItemId)> = store.decided_apart(&book)?.into_iter().collect();
    apart.extend(apart_from_copies(store, name)?);
    let mut found = Vec::new();
    for candidate in duplicates(&keys) {
        let (Some(left), Some(right)) = (items.get(candidate.left), items.get(candidate.right)) else {
            continue;
        };
        let answer = apart.contains(&(*left, *right)).then_some(MatchAnswer::Different);
        let party = |item: ItemId| -> Result<Party, Failed> {
            let card = book.contact(item)?.map(|contact| contact.card);
            Ok(Party { item, card, place: String::new() })
        };
        found.push(Question {
            between: Between::Book(name.to_owned()),
            left: party(*left)?,
            right: party(*right)?,
            score: candidate.score,
            reasons: candidate.reasons,
            answer,
        });
    }
    Ok(found)
}

/// The PC's contacts and the copies here of those on a phone from which a person told them apart.
fn apart_from_copies(store: &Store, book: &str) -> Result<Vec<(ItemId, ItemId)>, Failed> {
    let mut apart = Vec::new();
    for row in relationships_of(store, book, None)? {
        let ledger = RelationshipLedger::new(store, row.id);
        for said in ledger.match_decisions()?.iter().filter(|said| said.answer == MatchAnswer::Different) {
            let Some(link) = ledger.link_of_phone(said.phone)? else { continue };
            apart.push((said.pc.min(link.pc), said.pc.max(link.pc)));
        }
    }
    Ok(apart)
}

/// The waiting pairs of a book's relationships, narrowed to one phone if it is named.
///
/// # Errors
/// When the phone does not sync with the book, or the database cannot be used.
pub fn relationships_of(
    store: &Store,
    book: &str,
    phone: Option<&str>,
) -> Result<Vec<RelationshipRow>, Failed> {
    let mut rows = store.relationships()?;
    rows.retain(|row| row.book == book);
    let labels: Vec<String> = rows.iter().map(|row| shown(&row.phone_label)).collect();
    if let Some(phone) = phone {
        rows.retain(|row| row.phone_label.to_lowercase() == phone.to_lowercase());
        if rows.is_empty() {
            let hint = if labels.is_empty() {
                "no phone was synced with that book yet; try: tetherbook sync --dry-run".to_owned()
            } else {
                format!("its phones are {}", labels.join(", "))
            };
            return Err(Failed::general(
                format!("no phone \"{}\" was synced with the book \"{}\"", shown(phone), shown(book)),
                hint,
            ));
        }
    }
    Ok(rows)
}

/// Whether a person may mean the phone's contact by `text`: its number, its UID, or its name. A name's beginning is
/// `loose`.
#[must_use]
pub fn is_meant(text: &str, item: ItemId, card: &Card, loose: bool) -> bool {
    if text.strip_prefix('#').and_then(|number| number.parse().ok()) == Some(item.0) {
        return true;
    }
    let (name, wanted) = (card.display_name().to_lowercase(), text.trim().to_lowercase());
    let is_begun = || name.split(' ').any(|word| word.starts_with(&wanted)) || name.starts_with(&wanted);
    card.uid().as_deref() == Some(text) || name == wanted || (loose && !wanted.is_empty() && is_begun())
}
