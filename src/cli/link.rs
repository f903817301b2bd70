//! `link`: a person says that a contact on the PC and one on a phone are one. Those that wait for the answer are
//! joined by the next sync; those that were copied to both sides before are made one here, as `merge` does it.

use crate::contact::Card;
use crate::provider::{ItemId, Ledger, MatchAnswer, MatchDecision};
use crate::report::{ExitCode, shown};
use crate::store::{Book, Contact, RelationshipLedger, RelationshipRow, Store};

use super::arguments::{LinkArguments, UnlinkArguments};
use super::failure::Failed;
use super::invocation::{Invocation, Outcome, book_label};
use super::merge::merge_contacts;
use super::questions::{is_meant, relationships_of};
use super::unlink;

/// Whom a person means by the phone's contact.
enum Meant {
    /// One that has no partner and waits.
    Waiting { row: RelationshipRow, item: ItemId, name: String },
    /// One that has a partner in the same book.
    Paired { row: RelationshipRow, item: ItemId, partner: ItemId, name: String },
}

impl Meant {
    fn words(&self) -> String {
        let (Self::Waiting { row, item, name } | Self::Paired { row, item, name, .. }) = self;
        format!("{} ({item} on {})", shown(name), shown(&row.phone_label))
    }
}

/// Runs `link`.
pub fn run(invocation: &Invocation<'_>, arguments: &LinkArguments) -> Outcome {
    if arguments.not {
        let LinkArguments { contact, other, book, phone, .. } = arguments.clone();
        return unlink::run(invocation, &UnlinkArguments { contact, other: Some(other), book, phone });
    }
    let (_lock, store) = invocation.open_for_writing()?;
    let (book, contact) = invocation.contact(&store, arguments.book.as_deref(), &arguments.contact)?;
    let book_name = book_label(&book);
    let rows = relationships_of(&store, &book_name, arguments.phone.as_deref())?;
    match meant(&store, &rows, &contact, &arguments.other)? {
        Meant::Waiting { row, item, name } => {
            let ledger = RelationshipLedger::new(&store, row.id);
            if ledger.link_of_pc(contact.row.item)?.is_some() {
                return Err(Failed::general(
                    format!(
                        "{} has a partner on {} already",
                        shown(&contact.row.name),
                        shown(&row.phone_label)
                    ),
                    "say that the waiting one is somebody else with tetherbook unlink, sync, and make the two one: \
                     tetherbook merge",
                ));
            }
            store.begin()?;
            say_same(invocation, &store, &row, contact.row.item, item)?;
            store.commit()?;
            told(invocation, &contact, &name, &row, "the next sync joins them")
        }
        Meant::Paired { partner, .. } if partner == contact.row.item => Err(Failed::general(
            format!("{} and that contact are joined already", shown(&contact.row.name)),
            "tetherbook show tells what it holds; tetherbook unlink takes them apart",
        )),
        Meant::Paired { row, partner, name, .. } => {
            let other = book.contact(partner)?.ok_or_else(|| none_meant(&arguments.other))?;
            merge_doubled(&store, &book, &row, &contact, &other)?;
            let rest = "they were on both sides twice and are one here now; the next sync removes the other from the \
                        phone";
            told(invocation, &contact, &name, &row, rest)
        }
    }
}

/// Remembers that a contact of the PC and one of the phone are one, in the open batch.
///
/// # Errors
/// When it cannot be written.
pub fn say_same(
    invocation: &Invocation<'_>,
    store: &Store,
    row: &RelationshipRow,
    pc: ItemId,
    phone: ItemId,
) -> Result<(), Failed> {
    let decided_ms = invocation.world.clock.now_ms();
    store.decide(row.id, &MatchDecision { pc, phone, answer: MatchAnswer::Same, decided_ms })?;
    // Whatever one side has heard of them, the next session must meet both.
    Ok(store.tell_again(row.id, pc, phone)?)
}

/// The copy that stays is the one that has a partner on this phone, so that one contact goes on there too.
fn merge_doubled(
    store: &Store,
    book: &Book<'_>,
    row: &RelationshipRow,
    contact: &Contact,
    other: &Contact,
) -> Result<(), Failed> {
    let has_partner = RelationshipLedger::new(store, row.id).link_of_pc(contact.row.item)?.is_some();
    let (kept, gone) = if has_partner { (contact, other) } else { (other, contact) };
    store.begin()?;
    merge_contacts(book, kept, gone)?;
    Ok(store.commit()?)
}

/// The one contact of the phones that `text` means: a waiting one, first among those that wait with this contact; else
/// one that has a partner in the book.
fn meant(store: &Store, rows: &[RelationshipRow], contact: &Contact, text: &str) -> Result<Meant, Failed> {
    for loose in [false, true] {
        let (mut asked, mut waiting, mut paired) = (Vec::new(), Vec::new(), Vec::new());
        for row in rows {
            let ledger = RelationshipLedger::new(store, row.id);
            for pair in ledger.asked_pairs()? {
                if !is_meant(text, pair.phone, &pair.phone_card, loose) {
                    continue;
                }
                let list = if pair.pc == contact.row.item { &mut asked } else { &mut waiting };
                let name = pair.phone_card.display_name();
                list.push(Meant::Waiting { row: row.clone(), item: pair.phone, name });
            }
            for (item, partner, card) in store.paired_cards(row.id)? {
                let is_own = partner == contact.row.item;
                if is_meant(text, item, &card, loose) && !(is_own && rows.len() > 1) {
                    let name = Card::display_name(&card);
                    paired.push(Meant::Paired { row: row.clone(), item, partner, name });
                }
            }
        }
        waiting.dedup_by_key(|meant| meant.words());
        // The contact itself is the last that is meant, for it is joined with itself already.
        paired.sort_by_key(
            |meant| matches!(meant, Meant::Paired { partner, .. } if *partner == contact.row.item),
        );
        let others = paired
            .iter()
            .filter(|meant| matches!(meant, Meant::Paired { partner, .. } if *partner != contact.row.item));
        if others.count() > 0 {
            paired.retain(
                |meant| matches!(meant, Meant::Paired { partner, .. } if *partner != contact.row.item),
            );
        }
        for mut found in [asked, waiting, paired] {
            if found.len() > 1 {
                let names: Vec<String> = found.iter().map(Meant::words).collect();
                return Err(Failed::general(
                    format!("\"{}\" could mean {} contacts: {}", shown(text), found.len(), names.join("; ")),
                    "name one by its number, as in '#12', and the phone by --phone",
                ));
            }
            if let Some(one) = found.pop() {
                return Ok(one);
            }
        }
    }
    Err(none_meant(text))
}

fn none_meant(text: &str) -> Failed {
    Failed::general(
        format!("no contact \"{}\" of a phone waits for an answer or is joined with the book", shown(text)),
        "tetherbook dupes lists who waits; a contact that is new on the phone is known after the next sync",
    )
}

fn told(
    invocation: &Invocation<'_>,
    contact: &Contact,
    name: &str,
    row: &RelationshipRow,
    rest: &str,
) -> Outcome {
    invocation.done(
        format_args!(
            "{} on the PC and {} on {} are one contact; {rest}.",
            shown(&contact.row.name),
            shown(name),
            shown(&row.phone_label)
        ),
        &serde_json::json!({
            "type": "linked", "uid": contact.row.uid, "fn": contact.row.name, "other": name,
            "phone": row.phone_label, "book": row.book,
        }),
    )?;
    Ok(ExitCode::Done)
}
