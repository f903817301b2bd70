//! The model's database behind the shipped contracts: `Ledger`, `Metadata`, and the book as a `Provider`, all over one value in
//! memory with batches that are durable as a whole. They do what `store` does in SQLite (`store/ledger.rs`,
//! `observed.rs`, `book.rs`, which have tests of their own) and decide nothing.

use std::rc::Rc;

use tetherbook::contact::{Card, Dialect, Projection};
use tetherbook::ics::{Guid, SyncState};
use tetherbook::provider::{
    Ack, BatchResult, Capabilities, Change, ChangeKind, ChangeSet, Completeness, Confirmation, Delivery, Direction,
    Fetched, Intent, IntentId, IntentStep, ItemId, Ledger, LedgerError, Link, LinkId, Metadata, Observed, OpenConflict,
    Outcome, Provider, ProviderError, Replica, Revision, SessionId, Write,
};

use crate::disk::{BOOK, ConflictRow, Contact, Database, IntentRow, LinkRow, Row, Shown, Watermark, guid, number};
use crate::mutants::Bug;
use crate::process::Process;

pub struct MemoryLedger {
    pub process: Rc<Process>,
}

impl MemoryLedger {
    fn read<T>(&self, work: impl FnOnce(&Database) -> T) -> Result<T, LedgerError> {
        Ok(work(&self.process.database.borrow()))
    }

    fn write<T>(&self, work: impl FnOnce(&mut Database) -> T) -> Result<T, LedgerError> {
        let value = work(&mut self.process.database.borrow_mut());
        self.process.wrote();
        Ok(value)
    }

    fn link_where(&self, test: impl Fn(&LinkRow) -> bool) -> Result<Option<Link>, LedgerError> {
        self.read(|database| database.links.iter().find(|link| test(link)).map(LinkRow::link))
    }
}

impl Ledger for MemoryLedger {
    fn state(&self, direction: Direction) -> Result<SyncState, LedgerError> {
        self.read(|database| match direction {
            Direction::PhoneToPc => database.of_phone.state(guid(database.replica)),
            Direction::PcToPhone => database.of_pc.state(guid(BOOK)),
        })
    }

    fn put_state(&self, direction: Direction, state: &SyncState) -> Result<(), LedgerError> {
        if self.process.bug == Bug::ForgetfulWatermark {
            return Ok(());
        }
        self.write(|database| match direction {
            Direction::PhoneToPc => database.of_phone = Watermark::of(state, guid(database.replica)),
            Direction::PcToPhone => database.of_pc = Watermark::of(state, guid(BOOK)),
        })
    }

    fn link_of_pc(&self, item: ItemId) -> Result<Option<Link>, LedgerError> {
        self.link_where(|link| link.pc == item.0)
    }

    fn link_of_phone(&self, item: ItemId) -> Result<Option<Link>, LedgerError> {
        self.link_where(|link| link.phone == item.0)
    }

    fn link(&self, id: LinkId) -> Result<Option<Link>, LedgerError> {
        self.link_where(|link| link.id == id.0)
    }

    fn link_count(&self) -> Result<usize, LedgerError> {
        self.read(|database| database.links.len())
    }

    fn links_without_baseline(&self) -> Result<Vec<Link>, LedgerError> {
        self.read(|database| database.links.iter().filter(|link| link.base.is_none()).map(LinkRow::link).collect())
    }

    fn forget_baselines(&self) -> Result<(), LedgerError> {
        self.write(|database| database.links.iter_mut().for_each(|link| link.base = None))
    }

    fn open_conflicts(&self) -> Result<Vec<OpenConflict>, LedgerError> {
        self.read(|database| database.conflicts.iter().map(ConflictRow::conflict).collect())
    }

    fn open_intents(&self) -> Result<Vec<Intent>, LedgerError> {
        if self.process.bug == Bug::ForgetfulJournal {
            return Ok(Vec::new());
        }
        self.read(|database| database.intents.iter().map(IntentRow::intent).collect())
    }

    fn note_intents(&self, _session: SessionId, steps: &[IntentStep]) -> Result<Vec<IntentId>, LedgerError> {
        self.write(|database| {
            if self.process.bug == Bug::SeenBeforeWritten {
                database.of_pc.seen = vec![(1, database.next_pc)];
            }
            let mut next = database.intents.iter().map(|intent| intent.id).max().unwrap_or(0);
            let mut ids = Vec::new();
            for step in steps {
                next += 1;
                database.intents.push(IntentRow::of(next, step));
                ids.push(IntentId(next));
            }
            ids
        })
    }

    fn begin(&self) -> Result<(), LedgerError> {
        if self.process.begin() { Ok(()) } else { Err(LedgerError::Failed(String::from("a batch is open already"))) }
    }

    fn confirm(&self, _session: SessionId, facts: &[Confirmation]) -> Result<BatchResult, LedgerError> {
        let mut links = Vec::new();
        for fact in facts {
            links.push(self.write(|database| confirm(database, fact))??);
        }
        Ok(BatchResult { links })
    }

    fn commit(&self) -> Result<(), LedgerError> {
        self.process.commit();
        Ok(())
    }

    fn roll_back(&self) -> Result<(), LedgerError> {
        self.process.roll_back();
        Ok(())
    }

    fn open_session(&self, _started_ms: i64) -> Result<SessionId, LedgerError> {
        Ok(SessionId(1))
    }

    fn close_session(&self, _session: SessionId, _ended_ms: i64, _summary: &str) -> Result<(), LedgerError> {
        Ok(())
    }
}

/// One confirmation, with what the tables of the store would refuse.
fn confirm(database: &mut Database, fact: &Confirmation) -> Result<Option<LinkId>, LedgerError> {
    let refused = |why: &str| LedgerError::Failed(why.to_owned());
    if let Some(intent) = fact.intent {
        database.intents.retain(|open| open.id != intent.0);
    }
    if let Some(gone) = fact.unlink {
        if !database.links.iter().any(|link| link.id == gone.0) {
            return Err(refused("there is no such link"));
        }
        database.links.retain(|link| link.id != gone.0);
        database.conflicts.retain(|conflict| conflict.link != gone.0);
    }
    let mut own = None;
    if let Some((id, pc, phone, base)) = &fact.link {
        let id = id.map_or_else(|| database.links.iter().map(|link| link.id).max().unwrap_or(0) + 1, |id| id.0);
        database.links.retain(|link| link.id != id);
        if database.links.iter().any(|link| link.pc == pc.0 || link.phone == phone.0) {
            return Err(refused("an item has a link already"));
        }
        let base = base.as_ref().map(|base| (Shown(base.pc.clone()), Shown(base.phone.clone())));
        database.links.push(LinkRow { id, pc: pc.0, phone: phone.0, base });
        own = Some(LinkId(id));
    }
    if let Some(conflicts) = &fact.conflicts {
        let link = own.or_else(|| conflicts.first().map(|conflict| conflict.link));
        if let Some(link) = link {
            database.conflicts.retain(|conflict| conflict.link != link.0);
            database.conflicts.extend(conflicts.iter().map(|conflict| ConflictRow::of(link.0, conflict)));
        }
    }
    Ok(own)
}

/// The memory of what was seen on the phone.
pub struct MemoryMetadata {
    pub process: Rc<Process>,
}

impl Metadata for MemoryMetadata {
    fn generation(&self) -> Result<u64, ProviderError> {
        Ok(self.process.database.borrow().generation)
    }

    fn next_counter(&self) -> Result<u64, ProviderError> {
        Ok(self.process.database.borrow().next_phone.max(1))
    }

    fn load(&self) -> Result<Vec<Observed>, ProviderError> {
        let mut rows: Vec<Observed> = self.process.database.borrow().rows.iter().map(|row| row.0.clone()).collect();
        rows.sort_by_key(|row| row.item);
        rows.sort_by(|left, right| left.locator.cmp(&right.locator));
        Ok(rows)
    }

    fn save(&self, rows: &[Observed], next_counter: u64, generation: u64) -> Result<(), ProviderError> {
        {
            let mut database = self.process.database.borrow_mut();
            for row in rows {
                database.rows.retain(|known| known.0.item != row.item);
                database.rows.push(Row(row.clone()));
            }
            database.next_phone = next_counter;
            database.generation = generation;
        }
        self.process.wrote();
        Ok(())
    }
}

/// The book: it numbers its own changes.
pub struct MemoryBook {
    process: Rc<Process>,
    replica: Replica,
    capabilities: Capabilities,
}

impl MemoryBook {
    pub fn new(process: Rc<Process>) -> Self {
        Self {
            process,
            replica: Replica { guid: guid(BOOK), label: String::from("contacts"), generation: 0 },
            capabilities: Capabilities {
                projection: Projection::default(),
                dialect: Dialect::v40(),
                writable: true,
                delivery: Delivery::Direct,
                card_bytes_max: 1 << 20,
            },
        }
    }

    fn carry_out(&self, write: &Write) -> Outcome {
        let mut database = self.process.database.borrow_mut();
        let counter = database.next_pc.max(1);
        let at = |database: &Database, item: ItemId, expected: Revision| {
            let place = database.contacts.iter().position(|contact| contact.item == item.0)?;
            let card = database.contacts[place].card.as_ref()?;
            (Revision::of(card.0.as_bytes()) == expected).then_some(place)
        };
        let (item, counter, held) = match write {
            Write::Create { card, .. } => {
                let card_shown = Some(Shown(card.clone()));
                database.contacts.push(Contact { item: counter, counter, card: card_shown });
                (ItemId(counter), counter, Some(card.clone()))
            }
            Write::Replace { item, expected, card } => {
                let Some(place) = at(&database, *item, *expected) else { return Outcome::Stale };
                let contact = &mut database.contacts[place];
                let is_same = contact.card.as_ref().is_some_and(|held| held.0 == *card);
                if is_same {
                    return acknowledged(*item, contact.counter, Some(card.clone()));
                }
                *contact = Contact { counter, card: Some(Shown(card.clone())), ..contact.clone() };
                (*item, counter, Some(card.clone()))
            }
            Write::Delete { item, expected } => {
                let Some(place) = at(&database, *item, *expected) else { return Outcome::Stale };
                let contact = &mut database.contacts[place];
                *contact = Contact { counter, card: None, ..contact.clone() };
                (*item, counter, None)
            }
        };
        database.next_pc = counter + 1;
        acknowledged(item, counter, held)
    }

    fn holders(&self, uid: &str) -> Vec<(ItemId, String)> {
        let database = self.process.database.borrow();
        let cards = database.contacts.iter().filter_map(|contact| Some((contact.item, &contact.card.as_ref()?.0)));
        let own = cards.filter(|(_, card)| card.uid().as_deref() == Some(uid));
        own.map(|(item, card)| (ItemId(item), card.display_name())).collect()
    }
}

fn acknowledged(item: ItemId, counter: u64, held: Option<Card>) -> Outcome {
    Outcome::Done(Ack { item, cn: number(guid(BOOK), counter), held })
}

impl Provider for MemoryBook {
    fn replica(&self) -> &Replica {
        &self.replica
    }

    fn capabilities(&self) -> &Capabilities {
        &self.capabilities
    }

    fn changes_since(&mut self, state: &SyncState) -> Result<ChangeSet, ProviderError> {
        let database = self.process.database.borrow();
        let replica: Guid = guid(BOOK);
        let mut changes = Vec::new();
        for contact in &database.contacts {
            let cn = number(replica, contact.counter);
            if state.has_seen(cn) {
                continue;
            }
            let kind = match &contact.card {
                Some(card) => ChangeKind::Put(Revision::of(card.0.as_bytes())),
                None if state.was_given(replica, contact.item) => ChangeKind::Deleted,
                None => continue,
            };
            changes.push(Change { item: ItemId(contact.item), cn, kind, place: String::new() });
        }
        changes.sort_by_key(|change| change.cn.counter);
        Ok(ChangeSet {
            changes,
            completeness: Completeness::Complete,
            item_count: database.contacts.iter().filter(|contact| contact.card.is_some()).count(),
            absent: Vec::new(),
            restarted: None,
        })
    }

    fn fetch(&mut self, item: ItemId) -> Result<Fetched, ProviderError> {
        let database = self.process.database.borrow();
        let found = database.contacts.iter().find(|contact| contact.item == item.0);
        let card = found.and_then(|contact| contact.card.clone());
        let card = card.ok_or_else(|| ProviderError::Gone(item.to_string()))?.0;
        Ok(Fetched { revision: Revision::of(card.as_bytes()), card, modified_ms: None })
    }

    fn write(&mut self, write: &Write) -> Outcome {
        let outcome = self.carry_out(write);
        self.process.wrote();
        outcome
    }

    fn keep_observations(&mut self) -> Result<(), ProviderError> {
        Ok(())
    }

    fn known_revision(&self, item: ItemId) -> Option<Revision> {
        let database = self.process.database.borrow();
        let found = database.contacts.iter().find(|contact| contact.item == item.0)?;
        Some(Revision::of(found.card.as_ref()?.0.as_bytes()))
    }

    fn holders_of_uid(&self, uid: &str) -> Result<Vec<(ItemId, String)>, ProviderError> {
        Ok(self.holders(uid))
    }

    fn place(&self, _item: ItemId) -> String {
        String::new()
    }
}
