//! `list`: the contacts of the books, a line each.

use std::collections::HashMap;

use serde::Serialize;

use crate::contact::Summary;
use crate::provider::ItemId;
use crate::report::{COLUMNS, ExitCode, Label, Line, cut, shown};
use crate::store::{Book, ContactRow};

use super::arguments::ListArguments;
use super::invocation::{Invocation, Outcome, book_label};

/// Where the number and the address begin, in columns.
const TEL_COLUMN: usize = 30;
const EMAIL_COLUMN: usize = 50;

/// A contact as a JSON line.
#[derive(Serialize)]
struct ContactLine<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    uid: &'a str,
    #[serde(rename = "fn")]
    name: &'a str,
    book: &'a str,
    item: u64,
    org: Option<&'a str>,
    emails: Vec<&'a str>,
    phones: Vec<&'a str>,
}

/// Runs `list`.
pub fn run(invocation: &Invocation<'_>, arguments: &ListArguments) -> Outcome {
    let store = invocation.open_for_reading()?;
    let books = invocation.existing_books(&store, arguments.book.as_deref())?;
    let several = books.len() > 1;
    let mut listed = 0_usize;
    for book in &books {
        let rows = match &arguments.query {
            Some(query) => book.find(query)?,
            None => book.list()?,
        };
        listed += rows.len();
        if invocation.global.json {
            json(invocation, book, &rows)?;
            continue;
        }
        if several && !rows.is_empty() {
            invocation.result_lines(&[
                Line::new().with(Label::Strong, &format!("{}:", shown(&book_label(book))))
            ])?;
        }
        let lines: Vec<Line> = rows.iter().map(line).collect();
        invocation.result_lines(&lines)?;
    }
    if listed == 0 && !invocation.global.json {
        match &arguments.query {
            Some(query) => invocation.say(format_args!("No contact matches \"{query}\".")),
            None => invocation.say("No contacts yet. Try: tetherbook import FILE, or tetherbook sync"),
        }
    }
    Ok(ExitCode::Done)
}

fn line(row: &ContactRow) -> Line {
    let reach = |text: Option<&String>| text.map(|text| shown(text)).unwrap_or_default();
    Line::new()
        .with(Label::Plain, &cut(&shown(&row.name), TEL_COLUMN - 2))
        .padded_to(TEL_COLUMN)
        .with(Label::Plain, &cut(&reach(row.tel.as_ref()), EMAIL_COLUMN - TEL_COLUMN - 2))
        .padded_to(EMAIL_COLUMN)
        .with(Label::Plain, &cut(&reach(row.email.as_ref()), COLUMNS - EMAIL_COLUMN))
}

fn json(
    invocation: &Invocation<'_>,
    book: &Book<'_>,
    rows: &[ContactRow],
) -> Result<(), super::failure::Failed> {
    let mut summaries: HashMap<ItemId, Summary> = HashMap::with_capacity(rows.len());
    if rows.len() == 1 {
        for row in rows {
            summaries.extend(book.contact(row.item)?.map(|contact| (row.item, contact.card.summary())));
        }
    } else {
        book.each_card(|item, _, card| {
            summaries.insert(item, card.summary());
        })?;
    }
    let name = book_label(book);
    for row in rows {
        let summary = summaries.get(&row.item);
        let emails = summary.map(|summary| summary.emails.iter().map(|email| email.0.as_str()).collect());
        let phones = summary.map(|summary| summary.tels.iter().map(|tel| tel.0.as_str()).collect());
        invocation.json(&ContactLine {
            kind: "contact",
            uid: &row.uid,
            name: &row.name,
            book: &name,
            item: row.item.0,
            org: row.org.as_deref(),
            emails: emails.unwrap_or_default(),
            phones: phones.unwrap_or_default(),
        })?;
    }
    Ok(())
}
