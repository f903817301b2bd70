//! `status`: what is known, without a phone: books, phones, the last sessions, what waits.

use std::collections::HashMap;

use crate::provider::{AskedPair, Direction, Ledger, Provider};
use crate::relationship::Choices;
use crate::report::{ExitCode, Label, Line, count, count_of, enumeration, hanging, shown};
use crate::store::{RelationshipLedger, RelationshipRow, Store};

use super::failure::Failed;
use super::invocation::{Invocation, Outcome, moment, moment_for_programs};
use super::log::result_words;

/// Where texts behind a label begin, in columns.
const TEXT_COLUMN: usize = 12;

/// What is known of one phone and one book.
struct Standing {
    phone: String,
    book: String,
    mode: String,
    chosen: Choices,
    last_seen_ms: Option<i64>,
    last_session: Option<crate::provider::SessionSummaryRow>,
    links: usize,
    pending: usize,
    intents: usize,
    /// Pairs that may be one person and were not answered.
    asked: usize,
    conflicts: Vec<crate::provider::OpenConflict>,
}

/// Runs `status`.
pub fn run(invocation: &Invocation<'_>) -> Outcome {
    let store = invocation.open_for_reading()?;
    let standings = standings(invocation, &store)?;
    if invocation.global.json {
        json(invocation, &store, &standings)?;
        return Ok(ExitCode::Done);
    }
    let exists = invocation.database.exists();
    let place = invocation.database.display().to_string();
    let mut lines = labelled("database", &if exists { place } else { format!("{place} (not there yet)") });
    for book in store.books()? {
        lines.extend(labelled(
            "book",
            &format!("{}: {}", shown(&book.name), count(book.contact_count, "contact")),
        ));
    }
    for standing in &standings {
        lines.extend(standing.lines());
    }
    if standings.is_empty() {
        lines.extend(labelled("phone", "none was synced yet; try: tetherbook sync --dry-run"));
    }
    invocation.result_lines(&lines)?;
    Ok(ExitCode::Done)
}

fn standings(invocation: &Invocation<'_>, store: &Store) -> Result<Vec<Standing>, Failed> {
    let last_seen: HashMap<_, _> =
        store.phones()?.into_iter().map(|phone| (phone.id, phone.last_seen_ms)).collect();
    let mut standings = Vec::new();
    for relationship in store.relationships()? {
        let RelationshipRow { id, phone, phone_label, book, mode, settings } = relationship;
        let ledger = RelationshipLedger::new(store, id);
        let mut opened = invocation.book(store, &book)?;
        let state = ledger.state(Direction::PcToPhone)?;
        standings.push(Standing {
            last_seen_ms: last_seen.get(&phone).copied(),
            last_session: store.last_session(id)?,
            links: ledger.link_count()?,
            pending: opened.changes_since(&state)?.changes.len(),
            intents: ledger.open_intents()?.len(),
            asked: open_questions(&ledger)?,
            conflicts: ledger.open_conflicts()?,
            phone: phone_label,
            book,
            mode,
            chosen: Choices::of_settings(&settings),
        });
    }
    Ok(standings)
}

impl Standing {
    fn lines(&self) -> Vec<Line> {
        let seen = self.last_seen_ms.map_or_else(String::new, |ms| format!(", last seen {}", moment(ms)));
        let chosen = self.chosen.words().map_or_else(String::new, |words| format!(", {words}"));
        let mut lines = labelled(
            "phone",
            &format!("{} ⇄ {}, {}{chosen}{seen}", shown(&self.phone), shown(&self.book), self.mode),
        );
        lines.extend(labelled("", &format!("{} in common", count(self.links, "contact"))));
        let last = match &self.last_session {
            Some(session) => {
                let summary = session.summary.as_deref().and_then(|text| serde_json::from_str(text).ok());
                let words = result_words(session.ended_ms, summary.as_ref());
                format!("last change in session {}, {}: {words}", session.id.0, moment(session.started_ms))
            }
            None => "no session changed anything yet".to_owned(),
        };
        lines.extend(labelled("", &last));
        if self.pending > 0 {
            lines.extend(labelled(
                "",
                &format!(
                    "{} not on the phone yet",
                    count_of(self.pending, "change of the PC is", "changes of the PC are")
                ),
            ));
        }
        if self.intents > 0 {
            let writes = count_of(self.intents, "write has", "writes have");
            lines.extend(labelled("", &format!("{writes} no answer yet; the next sync settles that first")));
        }
        if self.asked > 0 {
            let pairs =
                count_of(self.asked, "pair may be one person and waits", "pairs may be one person and wait");
            let text = format!("{pairs} for your answer: tetherbook dupes");
            lines.extend(hanging(Line::new().padded_to(TEXT_COLUMN), Label::Attention, &text, TEXT_COLUMN));
        }
        if !self.conflicts.is_empty() {
            let fields: Vec<String> = self
                .conflicts
                .iter()
                .map(|conflict| format!("{} of {}", shown(&conflict.field), shown(&conflict.subject)))
                .collect();
            let waiting = count_of(fields.len(), "field waits", "fields wait");
            let hint = "tetherbook resolve decides, with or without the phone";
            let text = format!("{waiting} for a decision: {}; {hint}", enumeration(&fields));
            lines.extend(hanging(Line::new().padded_to(TEXT_COLUMN), Label::Attention, &text, TEXT_COLUMN));
        }
        lines
    }
}

/// How many of the pairs that the last session asked about have no answer yet.
fn open_questions(ledger: &RelationshipLedger<'_>) -> Result<usize, Failed> {
    let decisions = ledger.match_decisions()?;
    let is_open = |pair: &AskedPair| {
        !decisions.iter().any(|decision| (decision.pc, decision.phone) == (pair.pc, pair.phone))
    };
    Ok(ledger.asked_pairs()?.iter().filter(|pair| is_open(pair)).count())
}

fn labelled(label: &str, text: &str) -> Vec<Line> {
    let start = Line::new().with(Label::Strong, label).padded_to(TEXT_COLUMN);
    hanging(start, Label::Plain, text, TEXT_COLUMN)
}

fn json(invocation: &Invocation<'_>, store: &Store, standings: &[Standing]) -> Result<(), Failed> {
    let books: Vec<_> = store
        .books()?
        .into_iter()
        .map(|book| serde_json::json!({"name": book.name, "contacts": book.contact_count, "replica": book.guid}))
        .collect();
    let phones: Vec<_> = standings
        .iter()
        .map(|standing| {
            let conflicts: Vec<_> = standing
                .conflicts
                .iter()
                .map(|conflict| {
                    serde_json::json!({
                        "contact": conflict.subject, "field": conflict.field, "base": conflict.base,
                        "pc": conflict.pc, "phone": conflict.phone,
                    })
                })
                .collect();
            let mut told = serde_json::json!({
                "phone": standing.phone, "book": standing.book, "mode": standing.mode,
                "last_seen": standing.last_seen_ms.and_then(moment_for_programs),
                "last_session": standing.last_session.as_ref().map(|session| session.id.0),
                "links": standing.links, "pending_on_pc": standing.pending, "open_intents": standing.intents,
                "asked": standing.asked, "conflicts": conflicts,
            });
            if let Some(told) = told.as_object_mut().filter(|_| !standing.chosen.is_empty()) {
                told.insert(String::from("chosen"), standing.chosen.to_json());
            }
            told
        })
        .collect();
    invocation.json(&serde_json::json!({
        "type": "status", "database": invocation.database.display().to_string(),
        "exists": invocation.database.exists(), "books": books, "phones": phones,
    }))
}
