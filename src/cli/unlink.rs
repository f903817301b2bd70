//! `unlink`: a person says that two contacts are two. Those that wait for the answer are copied to each other's side by
//! the next sync; a pair that was joined is taken apart, and both go on with what they hold now.

use crate::contact::{Card, match_keys};
use crate::provider::{ItemId, Ledger, MatchAnswer, MatchDecision};
use crate::report::{ExitCode, shown};
use crate::store::{Book, Cause, Contact, RelationshipLedger, RelationshipRow, Store};

use super::arguments::UnlinkArguments;
use super::failure::Failed;
use super::invocation::{Invocation, Outcome, book_label};
use super::questions::{is_meant, relationships_of};

/// Who was told apart from the contact, and what becomes of both.
struct Parted {
    other: String,
    phone: Option<String>,
    rest: &'static str,
}

/// Runs `unlink`.
pub fn run(invocation: &Invocation<'_>, arguments: &UnlinkArguments) -> Outcome {
    let (_lock, store) = invocation.open_for_writing()?;
    let (book, contact) = invocation.contact(&store, arguments.book.as_deref(), &arguments.contact)?;
    let rows = relationships_of(&store, &book_label(&book), arguments.phone.as_deref())?;
    let other = arguments.other.as_deref();
    store.begin()?;
    let mut parted = waiting(invocation, &store, &rows, &contact, other)?;
    if parted.is_empty() {
        parted = joined(invocation, &store, &rows, &contact, other)?;
    }
    if let (true, Some(other)) = (parted.is_empty(), other) {
        parted = doubled(invocation, &store, &book, &contact, other)?;
    }
    if parted.is_empty() {
        store.roll_back()?;
        return Err(Failed::general(
            format!(
                "{} has no partner on a phone, and nobody waits to be told apart from it",
                shown(&contact.row.name)
            ),
            "tetherbook dupes lists who may be one person",
        ));
    }
    store.commit()?;
    for Parted { other, phone, rest } in &parted {
        let place = phone.as_deref().map_or_else(String::new, |phone| format!(" on {}", shown(phone)));
        invocation.done(
            format_args!(
                "{} and {}{place} are two contacts; {rest}.",
                shown(&contact.row.name),
                shown(other)
            ),
            &serde_json::json!({
                "type": "unlinked", "uid": contact.row.uid, "fn": contact.row.name, "other": other,
                "phone": phone, "book": book_label(&book),
            }),
        )?;
    }
    Ok(ExitCode::Done)
}

/// Remembers that a contact of the PC and one of the phone are two, in the open batch. If both have one UID, the PC's
/// gets a new one, unless somebody else on that phone may still be it: two contacts with one UID would be one to most
/// phones, and to this program when it meets them for the first time again.
///
/// # Errors
/// When it cannot be written.
pub fn say_different(
    invocation: &Invocation<'_>,
    store: &Store,
    row: &RelationshipRow,
    pc: ItemId,
    (phone, card): (ItemId, &Card),
) -> Result<(), Failed> {
    let decided_ms = invocation.world.clock.now_ms();
    let decision = MatchDecision { pc, phone, answer: MatchAnswer::Different, decided_ms };
    store.decide(row.id, &decision)?;
    let ledger = RelationshipLedger::new(store, row.id);
    let answered: Vec<ItemId> = ledger
        .match_decisions()?
        .iter()
        .filter(|said| said.pc == pc && said.answer == MatchAnswer::Different)
        .map(|said| said.phone)
        .collect();
    let asked = ledger.asked_pairs()?;
    let is_open = asked.iter().any(|pair| pair.pc == pc && !answered.contains(&pair.phone));
    let book = invocation.book(store, &row.book)?.for_cause(Cause::Resolve);
    let Some(contact) = book.contact(pc)?.filter(|_| !is_open) else { return Ok(()) };
    let uid = match_keys(&contact.card).uid;
    if uid.is_some() && uid == match_keys(card).uid {
        let fresh = uuid::Builder::from_random_bytes(invocation.world.randomness.next_bytes()).into_uuid();
        book.edit(pc, Some(contact.revision), &contact.card.with_uid(&format!("urn:uuid:{fresh}")))?;
    }
    Ok(())
}

/// Those on the phones that wait with this contact.
fn waiting(
    invocation: &Invocation<'_>,
    store: &Store,
    rows: &[RelationshipRow],
    contact: &Contact,
    other: Option<&str>,
) -> Result<Vec<Parted>, Failed> {
    let mut parted = Vec::new();
    for row in rows {
        for pair in RelationshipLedger::new(store, row.id).asked_pairs()? {
            let meant = other.is_none_or(|text| is_meant(text, pair.phone, &pair.phone_card, true));
            if pair.pc != contact.row.item || !meant {
                continue;
            }
            say_different(invocation, store, row, pair.pc, (pair.phone, &pair.phone_card))?;
            parted.push(Parted {
                other: pair.phone_card.display_name(),
                phone: Some(row.phone_label.clone()),
                rest: "the next sync copies each to the other side, unless another question about them is open",
            });
        }
    }
    Ok(parted)
}

/// Its partners.
fn joined(
    invocation: &Invocation<'_>,
    store: &Store,
    rows: &[RelationshipRow],
    contact: &Contact,
    other: Option<&str>,
) -> Result<Vec<Parted>, Failed> {
    let mut parted = Vec::new();
    for row in rows {
        let ledger = RelationshipLedger::new(store, row.id);
        let Some(link) = ledger.link_of_pc(contact.row.item)? else { continue };
        let card = link.base.as_ref().map_or(&contact.card, |base| &base.phone);
        if !other.is_none_or(|text| is_meant(text, link.phone, card, true)) {
            continue;
        }
        store.take_apart(row.id, link.id)?;
        say_different(invocation, store, row, link.pc, (link.phone, card))?;
        parted.push(Parted {
            other: card.display_name(),
            phone: Some(row.phone_label.clone()),
            rest: "both hold what they held, and the next sync copies each to the other side; then edit what is not \
                   theirs (tetherbook log show tells what a sync had changed)",
        });
    }
    Ok(parted)
}

/// Another contact of the same book.
fn doubled(
    invocation: &Invocation<'_>,
    store: &Store,
    book: &Book<'_>,
    contact: &Contact,
    other: &str,
) -> Result<Vec<Parted>, Failed> {
    let (_, other) = invocation.contact(store, Some(&book_label(book)), other)?;
    if other.row.item == contact.row.item {
        return Ok(Vec::new());
    }
    store.decide_apart(book, contact.row.item, other.row.item, invocation.world.clock.now_ms())?;
    Ok(vec![Parted { other: other.row.name, phone: None, rest: "dupes does not ask about them any more" }])
}
