//! `phones`: the phones that are paired, and those that were only seen.

use crate::provider::{Ledger, SessionSummaryRow};
use crate::relationship::Choices;
use crate::report::{ExitCode, Label, Line, count, hanging, shown};
use crate::store::{KnownPhone, RelationshipLedger, Store};

use super::failure::Failed;
use super::invocation::{Invocation, Outcome, moment, moment_for_programs};

/// Where texts behind a name begin, in columns.
const TEXT_COLUMN: usize = 4;

/// A known phone and how things stand with it.
struct Standing {
    phone: KnownPhone,
    books: Vec<(String, usize, Choices)>,
    last_change: Option<SessionSummaryRow>,
}

/// Runs `phones`.
pub fn run(invocation: &Invocation<'_>) -> Outcome {
    let store = invocation.open_for_reading()?;
    let mut standings = standings(&store)?;
    // The paired ones first, by name; then those seen, the last one first.
    standings.sort_by_key(|standing| {
        let name = standing.phone.pairing.as_ref().map(|pairing| pairing.name.to_lowercase());
        (name.is_none(), name)
    });
    for standing in &standings {
        if invocation.global.json {
            invocation.json(&standing.json())?;
        } else {
            invocation.result_lines(&standing.lines())?;
        }
    }
    if standings.is_empty() && !invocation.global.json {
        invocation.say("No phones yet. Plug one in, unlock it, choose file transfer, then: tetherbook pair");
    }
    Ok(ExitCode::Done)
}

fn standings(store: &Store) -> Result<Vec<Standing>, Failed> {
    let relationships = store.relationships()?;
    let mut standings = Vec::new();
    for phone in store.phones()? {
        let mut standing = Standing { phone, books: Vec::new(), last_change: None };
        for row in relationships.iter().filter(|row| row.phone == standing.phone.id) {
            let links = RelationshipLedger::new(store, row.id).link_count()?;
            standing.books.push((row.book.clone(), links, Choices::of_settings(&row.settings)));
            let last = store.last_session(row.id)?;
            let number = |session: &Option<SessionSummaryRow>| session.as_ref().map(|session| session.id);
            if number(&last) > number(&standing.last_change) {
                standing.last_change = last;
            }
        }
        standings.push(standing);
    }
    Ok(standings)
}

impl Standing {
    fn lines(&self) -> Vec<Line> {
        let KnownPhone { sighting, pairing, last_seen_ms, .. } = &self.phone;
        let (name, state) = match pairing {
            Some(pairing) => (&pairing.name, format!("paired with the book “{}”", shown(&pairing.book))),
            None => (&sighting.label, "only seen, not paired".to_owned()),
        };
        let head = Line::new().with(Label::Strong, &shown(name)).with(Label::Plain, &format!("  {state}"));
        let mut lines = vec![head];
        let mut told = vec![shown(sighting.serial.as_deref().unwrap_or("no address"))];
        told.extend(sighting.model.as_deref().map(shown));
        told.extend(sighting.usb_id.clone());
        told.push(format!("profile {}", shown(&sighting.profile)));
        if !sighting.has_serial {
            told.push("no serial number of its own".to_owned());
        }
        lines.extend(indented(&told.join(", ")));
        let links = self
            .books
            .iter()
            .map(|(book, links, _)| format!("{} with “{}”", count(*links, "contact"), shown(book)));
        let links = links.collect::<Vec<_>>().join(", ");
        let last = match &self.last_change {
            Some(session) => format!(
                "last change in session {}, {}; in common: {links}",
                session.id.0,
                moment(session.started_ms)
            ),
            None if self.books.is_empty() => format!("not synced yet, seen {}", moment(*last_seen_ms)),
            None => format!("no sync changed anything yet, seen {}", moment(*last_seen_ms)),
        };
        lines.extend(indented(&last));
        for (book, _, chosen) in &self.books {
            if let Some(words) = chosen.words() {
                lines.extend(indented(&format!("chosen for “{}”: {words}", shown(book))));
            }
        }
        lines
    }

    fn json(&self) -> serde_json::Value {
        let KnownPhone { sighting, pairing, first_seen_ms, last_seen_ms, generation, .. } = &self.phone;
        let books: Vec<_> = self
            .books
            .iter()
            .map(|(book, links, chosen)| {
                let mut told = serde_json::json!({"book": book, "links": links});
                if let Some(told) = told.as_object_mut().filter(|_| !chosen.is_empty()) {
                    told.insert(String::from("chosen"), chosen.to_json());
                }
                told
            })
            .collect();
        serde_json::json!({
            "type": "phone", "name": pairing.as_ref().map(|pairing| &pairing.name),
            "book": pairing.as_ref().map(|pairing| &pairing.book),
            "paired": pairing.as_ref().and_then(|pairing| moment_for_programs(pairing.paired_ms)),
            "address": sighting.serial, "has_serial": sighting.has_serial, "label": sighting.label,
            "model": sighting.model, "usb_id": sighting.usb_id, "profile": sighting.profile,
            "replica": sighting.guid, "generation": generation, "synced": books,
            "last_session": self.last_change.as_ref().map(|session| session.id.0),
            "last_change": self.last_change.as_ref().and_then(|session| moment_for_programs(session.started_ms)),
            "first_seen": moment_for_programs(*first_seen_ms), "last_seen": moment_for_programs(*last_seen_ms),
        })
    }
}

fn indented(text: &str) -> Vec<Line> {
    hanging(Line::new().padded_to(TEXT_COLUMN), Label::Plain, text, TEXT_COLUMN)
}
