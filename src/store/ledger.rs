//! The memory of one relationship: sync states, links with baselines, the journal of intents, open conflicts.
//!
//! Keeps and answers; what a state or a link means for a sync is decided elsewhere.

use rusqlite::{Connection, OptionalExtension, Row};

use super::cards::{self, CardRow};
use super::error::{Fault, digest, from_integer, to_integer};
use super::phones::RelationshipId;
use super::{Store, StoreError, book, conflicts, decisions, history, holds};
use crate::contact::Baseline;
use crate::ics::SyncState;
use crate::provider::{
    AskedPair, BatchResult, Confirmation, ConflictSides, Direction, HeldPair, HoldChange, Intent, IntentId,
    IntentStep, ItemId, Ledger, LedgerError, Link, LinkId, MatchDecision, OpenConflict, Revision, SessionId,
};

/// The ledger of one phone and one book.
#[derive(Debug, Clone, Copy)]
pub struct RelationshipLedger<'a> {
    pub(super) store: &'a Store,
    pub(super) relationship: RelationshipId,
}

impl<'a> RelationshipLedger<'a> {
    /// The ledger of that relationship. Of one that the store could not add in a dry run it is empty.
    #[must_use]
    pub fn new(store: &'a Store, relationship: RelationshipId) -> Self {
        Self { store, relationship }
    }

    fn link_where(&self, sql: &str, key: i64) -> Result<Option<Link>, LedgerError> {
        let found = self.store.read_snapshot(|connection| {
            let mut select = connection.prepare_cached(sql)?;
            let row = select.query_row((self.relationship.0, key), link_row).optional()?;
            row.map(|row| row.load(connection)).transpose()
        })?;
        Ok(found)
    }
}

impl Ledger for RelationshipLedger<'_> {
    fn state(&self, direction: Direction) -> Result<SyncState, LedgerError> {
        let bytes: Option<Vec<u8>> = self.store.read(|connection| {
            let mut select = connection
                .prepare_cached("SELECT state FROM states WHERE relationship = ?1 AND direction = ?2")?;
            Ok(select.query_row((self.relationship.0, name(direction)), |row| row.get(0)).optional()?)
        })?;
        let Some(bytes) = bytes else { return Ok(SyncState::empty()) };
        SyncState::from_bytes(&bytes).map_err(|error| {
            LedgerError::Damaged(format!("the sync state {} cannot be read: {error}", name(direction)))
        })
    }

    fn put_state(&self, direction: Direction, state: &SyncState) -> Result<(), LedgerError> {
        self.store.write(|connection| {
            connection
                .prepare_cached(
                    "INSERT INTO states (relationship, direction, state) VALUES (?1, ?2, ?3)
                        ON CONFLICT (relationship, direction) DO UPDATE SET state = excluded.state",
                )?
                .execute((self.relationship.0, name(direction), state.to_bytes()))?;
            Ok(())
        })?;
        Ok(())
    }

    fn link_of_pc(&self, item: ItemId) -> Result<Option<Link>, LedgerError> {
        let Ok(item) = i64::try_from(item.0) else { return Ok(None) };
        self.link_where(LINK_OF_PC, item)
    }

    fn link_of_phone(&self, item: ItemId) -> Result<Option<Link>, LedgerError> {
        let Ok(item) = i64::try_from(item.0) else { return Ok(None) };
        self.link_where(LINK_OF_PHONE, item)
    }

    fn link(&self, id: LinkId) -> Result<Option<Link>, LedgerError> {
        self.link_where(LINK_BY_ID, id.0)
    }

    fn link_count(&self) -> Result<usize, LedgerError> {
        let links = self.store.read(|connection| {
            let mut select =
                connection.prepare_cached("SELECT link_count FROM relationships WHERE id = ?1")?;
            let links = select.query_row([self.relationship.0], |row| row.get(0)).optional()?;
            book::count(links.unwrap_or(0))
        })?;
        Ok(links)
    }

    fn links_without_baseline(&self) -> Result<Vec<Link>, LedgerError> {
        let links = self.store.read_snapshot(|connection| {
            let mut select = connection.prepare_cached(LINKS_WITHOUT_BASELINE)?;
            let rows = select.query_map([self.relationship.0], link_row)?.collect::<Result<Vec<_>, _>>()?;
            rows.into_iter().map(|row| row.load(connection)).collect()
        })?;
        Ok(links)
    }

    fn forget_baselines(&self) -> Result<(), LedgerError> {
        self.store.write(|connection| {
            connection
                .prepare_cached("UPDATE links SET base_pc = NULL, base_phone = NULL WHERE relationship = ?1")?
                .execute([self.relationship.0])?;
            Ok(())
        })?;
        Ok(())
    }

    fn open_conflicts(&self) -> Result<Vec<OpenConflict>, LedgerError> {
        let conflicts = self.store.read(|connection| {
            let mut select = connection.prepare_cached(OPEN_CONFLICTS)?;
            let rows = select.query_map([self.relationship.0], |row| {
                Ok(OpenConflict {
                    link: LinkId(row.get(0)?),
                    subject: row.get(1)?,
                    field: row.get(2)?,
                    base: row.get(3)?,
                    pc: row.get(4)?,
                    phone: row.get(5)?,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        Ok(conflicts)
    }

    fn match_decisions(&self) -> Result<Vec<MatchDecision>, LedgerError> {
        Ok(self.store.read(|connection| decisions::decisions(connection, self.relationship))?)
    }

    fn asked_pairs(&self) -> Result<Vec<AskedPair>, LedgerError> {
        Ok(self.store.read_snapshot(|connection| decisions::asked(connection, self.relationship))?)
    }

    fn replace_asked(&self, asked: &[AskedPair]) -> Result<(), LedgerError> {
        if self.asked_pairs()? == asked {
            return Ok(());
        }
        self.store.write(|connection| decisions::replace_asked(connection, self.relationship, asked))?;
        Ok(())
    }

    fn conflict_sides(&self, link: LinkId) -> Result<Option<ConflictSides>, LedgerError> {
        Ok(self.store.read_snapshot(|connection| conflicts::sides(connection, self.relationship, link))?)
    }

    fn open_intents(&self) -> Result<Vec<Intent>, LedgerError> {
        let intents = self.store.read_snapshot(|connection| {
            let mut select = connection.prepare_cached(
                "SELECT id, session, kind, pc_item, name, phone_item, expected, card FROM intents
                    WHERE relationship = ?1 ORDER BY id",
            )?;
            let mut rows = select.query([self.relationship.0])?;
            let mut intents = Vec::new();
            while let Some(row) = rows.next()? {
                intents.push(intent(connection, row)?);
            }
            Ok(intents)
        })?;
        Ok(intents)
    }

    fn note_intents(&self, session: SessionId, steps: &[IntentStep]) -> Result<Vec<IntentId>, LedgerError> {
        if self.store.in_batch() {
            let reason = "intents must be on the disk before their batch begins".to_owned();
            return Err(StoreError::Refused(reason).into());
        }
        let ids = self.store.write(|connection| {
            steps.iter().map(|step| self.note(connection, session, step)).collect::<Result<Vec<_>, _>>()
        })?;
        Ok(ids)
    }

    fn begin(&self) -> Result<(), LedgerError> {
        Ok(self.store.begin()?)
    }

    fn confirm(&self, session: SessionId, facts: &[Confirmation]) -> Result<BatchResult, LedgerError> {
        let links = self.store.write(|connection| {
            let mut links = Vec::with_capacity(facts.len());
            let mut more = 0;
            for fact in facts {
                links.push(self.confirm_one(connection, session, fact, &mut more)?);
            }
            if more != 0 {
                connection
                    .prepare_cached("UPDATE relationships SET link_count = link_count + ?2 WHERE id = ?1")?
                    .execute((self.relationship.0, more))?;
            }
            Ok(links)
        })?;
        Ok(BatchResult { links })
    }

    fn commit(&self) -> Result<(), LedgerError> {
        Ok(self.store.commit()?)
    }

    fn roll_back(&self) -> Result<(), LedgerError> {
        Ok(self.store.roll_back()?)
    }

    fn open_session(&self, started_ms: i64) -> Result<SessionId, LedgerError> {
        Ok(history::open(self.store, self.relationship, started_ms, None)?)
    }

    fn open_undo(&self, started_ms: i64, undoes: SessionId) -> Result<SessionId, LedgerError> {
        Ok(history::open(self.store, self.relationship, started_ms, Some(undoes))?)
    }

    fn held(&self) -> Result<Vec<HeldPair>, LedgerError> {
        Ok(self.store.read(|connection| holds::pairs(connection, self.relationship))?)
    }

    fn hold(&self, session: SessionId, changes: &[HoldChange]) -> Result<(), LedgerError> {
        self.store.write(|connection| {
            changes
                .iter()
                .try_for_each(|change| holds::change(connection, self.relationship, session, change))
        })?;
        Ok(())
    }

    fn close_session(&self, session: SessionId, ended_ms: i64, summary: &str) -> Result<(), LedgerError> {
        Ok(history::close(self.store, session, ended_ms, summary)?)
    }
}

impl RelationshipLedger<'_> {
    fn note(
        &self,
        connection: &Connection,
        session: SessionId,
        step: &IntentStep,
    ) -> Result<IntentId, Fault> {
        let mut insert = connection.prepare_cached(
            "INSERT INTO intents (relationship, session, kind, pc_item, name, phone_item, expected, card)
                VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?;
        let (relationship, session) = (self.relationship.0, session.0);
        let nothing: Option<i64> = None;
        match step {
            IntentStep::Create { pc, name, card } => {
                let card = cards::put(connection, card)?;
                let pc = to_integer(pc.0)?;
                insert.execute((relationship, session, "create", pc, name, nothing, nothing, card))?
            }
            IntentStep::Replace { item, expected, card } => {
                let card = cards::put(connection, card)?;
                let item = to_integer(item.0)?;
                insert.execute((
                    relationship,
                    session,
                    "replace",
                    nothing,
                    nothing,
                    item,
                    expected.0,
                    card,
                ))?
            }
            IntentStep::Delete { item, expected } => {
                let item = to_integer(item.0)?;
                insert.execute((
                    relationship,
                    session,
                    "delete",
                    nothing,
                    nothing,
                    item,
                    expected.0,
                    nothing,
                ))?
            }
        };
        Ok(IntentId(connection.last_insert_rowid()))
    }

    fn confirm_one(
        &self,
        connection: &Connection,
        session: SessionId,
        fact: &Confirmation,
        links_more: &mut i64,
    ) -> Result<Option<LinkId>, Fault> {
        if let Some(action) = &fact.action {
            // Before the link is changed: the action's line keeps the baseline that it had.
            let link = fact.unlink.or(fact.link.as_ref().and_then(|(link, ..)| *link));
            history::record(connection, session, action, link)?;
        }
        if let Some(change) = &fact.hold {
            holds::change(connection, self.relationship, session, change)?;
        }
        if let Some(intent) = fact.intent {
            let cleared = connection
                .prepare_cached("DELETE FROM intents WHERE id = ?1 AND relationship = ?2")?
                .execute((intent.0, self.relationship.0))?;
            if cleared == 0 {
                return Err(Fault::refused(format!("intent {} is not in the journal", intent.0)));
            }
        }
        if let Some(link) = fact.unlink {
            let gone = connection
                .prepare_cached("DELETE FROM links WHERE id = ?1 AND relationship = ?2")?
                .execute((link.0, self.relationship.0))?;
            if gone == 0 {
                return Err(no_link(link));
            }
            *links_more -= 1;
        }
        let link = match &fact.link {
            None => None,
            Some((None, pc, phone, base)) => {
                *links_more += 1;
                Some(self.insert_link(connection, *pc, *phone, base.as_ref())?)
            }
            Some((Some(link), pc, phone, base)) => {
                self.renew_link(connection, *link, *pc, *phone, base.as_ref())?;
                Some(*link)
            }
        };
        if let Some(conflicts) = &fact.conflicts {
            self.replace_conflicts(connection, fact, link, conflicts)?;
        }
        Ok(link)
    }

    fn insert_link(
        &self,
        connection: &Connection,
        pc: ItemId,
        phone: ItemId,
        base: Option<&Baseline>,
    ) -> Result<LinkId, Fault> {
        let (base_pc, base_phone) = put_baseline(connection, base)?;
        connection
            .prepare_cached(
                "INSERT INTO links (relationship, pc_item, phone_item, base_pc, base_phone)
                    VALUES (?1, ?2, ?3, ?4, ?5)",
            )?
            .execute((self.relationship.0, to_integer(pc.0)?, to_integer(phone.0)?, base_pc, base_phone))?;
        Ok(LinkId(connection.last_insert_rowid()))
    }

    pub(super) fn renew_link(
        &self,
        connection: &Connection,
        link: LinkId,
        pc: ItemId,
        phone: ItemId,
        base: Option<&Baseline>,
    ) -> Result<(), Fault> {
        let (base_pc, base_phone) = put_baseline(connection, base)?;
        let (pc, phone) = (to_integer(pc.0)?, to_integer(phone.0)?);
        let renewed = connection
            .prepare_cached(
                "UPDATE links SET pc_item = ?3, phone_item = ?4, base_pc = ?5, base_phone = ?6
                    WHERE id = ?1 AND relationship = ?2",
            )?
            .execute((link.0, self.relationship.0, pc, phone, base_pc, base_phone))?;
        if renewed == 0 { Err(no_link(link)) } else { Ok(()) }
    }

    /// Replaces the open conflicts of a link. A link that is new has its number only now, so the numbers in the
    /// conflicts count only if nothing else says which link is meant.
    fn replace_conflicts(
        &self,
        connection: &Connection,
        fact: &Confirmation,
        link: Option<LinkId>,
        conflicts: &[OpenConflict],
    ) -> Result<(), Fault> {
        let link = match (link, fact.unlink, conflicts) {
            (Some(link), ..) => link,
            // Those of a link that is gone went with it.
            (None, Some(_), []) => return Ok(()),
            (None, Some(link), _) => return Err(no_link(link)),
            (None, None, [first, ..]) => first.link,
            (None, None, []) => {
                return Err(Fault::refused("conflicts were given without the link that they belong to"));
            }
        };
        let is_new = matches!(fact.link, Some((None, ..)));
        if !is_new {
            let mut ours =
                connection.prepare_cached("SELECT 1 FROM links WHERE id = ?1 AND relationship = ?2")?;
            if !ours.exists((link.0, self.relationship.0))? {
                return Err(no_link(link));
            }
        }
        conflicts::replace(connection, link, conflicts, fact.sides.as_ref())
    }
}

pub(super) const LINK_OF_PC: &str = "SELECT id, pc_item, phone_item, base_pc, base_phone FROM links
    WHERE relationship = ?1 AND pc_item = ?2";
pub(super) const LINK_OF_PHONE: &str = "SELECT id, pc_item, phone_item, base_pc, base_phone FROM links
    WHERE relationship = ?1 AND phone_item = ?2";
/// CROSS JOIN makes SQLite begin with the conflicts, which are few, and not with the links.
pub(super) const OPEN_CONFLICTS: &str = "SELECT c.link, c.subject, c.field, c.base, c.pc, c.phone
    FROM conflicts AS c CROSS JOIN links AS l ON l.id = c.link
    WHERE l.relationship = ?1 ORDER BY c.link, c.position";
const LINK_BY_ID: &str = "SELECT id, pc_item, phone_item, base_pc, base_phone FROM links
    WHERE relationship = ?1 AND id = ?2";
pub(super) const LINKS_WITHOUT_BASELINE: &str =
    "SELECT id, pc_item, phone_item, base_pc, base_phone FROM links
    WHERE relationship = ?1 AND base_pc IS NULL ORDER BY id";

/// A row of `links`, its cards still to be read.
struct LinkRow {
    id: i64,
    pc: i64,
    phone: i64,
    base: Option<(CardRow, CardRow)>,
}

fn link_row(row: &Row<'_>) -> rusqlite::Result<LinkRow> {
    let (pc, phone): (Option<CardRow>, Option<CardRow>) = (row.get(3)?, row.get(4)?);
    Ok(LinkRow { id: row.get(0)?, pc: row.get(1)?, phone: row.get(2)?, base: pc.zip(phone) })
}

impl LinkRow {
    fn load(self, connection: &Connection) -> Result<Link, Fault> {
        let base = match self.base {
            None => None,
            Some((pc, phone)) => {
                let pc_card = cards::get(connection, pc)?;
                let phone_card = if phone == pc { pc_card.clone() } else { cards::get(connection, phone)? };
                Some(Baseline { pc: pc_card, phone: phone_card })
            }
        };
        Ok(Link {
            id: LinkId(self.id),
            pc: ItemId(from_integer(self.pc, "the number of a contact")?),
            phone: ItemId(from_integer(self.phone, "the number of an item")?),
            base,
        })
    }
}

pub(super) fn put_baseline(
    connection: &Connection,
    base: Option<&Baseline>,
) -> Result<(Option<CardRow>, Option<CardRow>), Fault> {
    let Some(base) = base else { return Ok((None, None)) };
    let pc = cards::put(connection, &base.pc)?;
    let phone = if base.phone == base.pc { pc } else { cards::put(connection, &base.phone)? };
    Ok((Some(pc), Some(phone)))
}

fn intent(connection: &Connection, row: &Row<'_>) -> Result<Intent, Fault> {
    let kind = row.get_ref(2)?.as_str().map_err(rusqlite::Error::from)?;
    let phone_item =
        || -> Result<ItemId, Fault> { Ok(ItemId(from_integer(row.get(5)?, "the number of an item")?)) };
    let expected = || -> Result<Revision, Fault> {
        Ok(Revision(digest(row.get_ref(6)?.as_blob().map_err(rusqlite::Error::from)?)?))
    };
    let step = match kind {
        "create" => IntentStep::Create {
            pc: ItemId(from_integer(row.get(3)?, "the number of a contact")?),
            name: row.get(4)?,
            card: cards::get(connection, row.get(7)?)?,
        },
        "replace" => IntentStep::Replace {
            item: phone_item()?,
            expected: expected()?,
            card: cards::get(connection, row.get(7)?)?,
        },
        "delete" => IntentStep::Delete { item: phone_item()?, expected: expected()? },
        _ => return Err(Fault::Damaged("the journal has an intent of an unknown kind".to_owned())),
    };
    Ok(Intent { id: IntentId(row.get(0)?), session: SessionId(row.get(1)?), step })
}

pub(super) fn no_link(link: LinkId) -> Fault {
    Fault::refused(format!("link {} is not in the ledger", link.0))
}

/// How a direction is named in the database.
fn name(direction: Direction) -> &'static str {
    match direction {
        Direction::PhoneToPc => "phone-to-pc",
        Direction::PcToPhone => "pc-to-phone",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::ActionRow;
    use crate::store::testing::{Rig, action, card};

    fn linking(pc: u64, phone: u64, base: Option<Baseline>) -> Confirmation {
        Confirmation { link: Some((None, ItemId(pc), ItemId(phone), base)), ..Confirmation::default() }
    }

    fn conflict(link: LinkId, field: &str) -> OpenConflict {
        let value = |text: &str| Some(text.to_owned());
        OpenConflict {
            link,
            subject: "Ada Example".to_owned(),
            field: field.to_owned(),
            base: None,
            pc: value("here"),
            phone: value("there"),
        }
    }

    #[test]
    fn links_come_back_by_either_side_with_both_baselines() {
        let rig = Rig::new();
        let store = rig.store();
        let ledger = rig.ledger(&store, &rig.book(&store));
        let session = ledger.open_session(0).unwrap();
        let same = Baseline { pc: card("a", "Ada Example"), phone: card("a", "Ada Example") };
        let apart = Baseline { pc: card("b", "Bob Example"), phone: card("b", "Bob E.") };
        let facts =
            [linking(1, 11, Some(same.clone())), linking(2, 12, Some(apart.clone())), linking(3, 13, None)];
        let links = ledger.confirm(session, &facts).unwrap().links;
        assert_eq!(ledger.link_count().unwrap(), 3);
        let by_pc = ledger.link_of_pc(ItemId(1)).unwrap().unwrap();
        assert_eq!((Some(by_pc.id), by_pc.phone, by_pc.base), (links[0], ItemId(11), Some(same)));
        let by_phone = ledger.link_of_phone(ItemId(12)).unwrap().unwrap();
        assert_eq!((Some(by_phone.id), by_phone.pc, by_phone.base), (links[1], ItemId(2), Some(apart)));
        assert!(ledger.link_of_pc(ItemId(11)).unwrap().is_none());
        assert!(ledger.link_of_phone(ItemId(u64::MAX)).unwrap().is_none());
        let bare: Vec<_> =
            ledger.links_without_baseline().unwrap().iter().map(|link| Some(link.id)).collect();
        assert_eq!(bare, [links[2]]);
        ledger.forget_baselines().unwrap();
        assert_eq!(ledger.links_without_baseline().unwrap().len(), 3);
        assert!(ledger.link(by_pc.id).unwrap().unwrap().base.is_none());
        store.check().unwrap();
    }

    #[test]
    fn an_item_is_linked_once_and_a_gone_link_cannot_be_renewed() {
        let rig = Rig::new();
        let store = rig.store();
        let ledger = rig.ledger(&store, &rig.book(&store));
        let session = ledger.open_session(0).unwrap();
        let link = ledger.confirm(session, &[linking(1, 11, None)]).unwrap().links[0].unwrap();
        assert!(ledger.confirm(session, &[linking(1, 12, None)]).is_err());
        assert!(ledger.confirm(session, &[linking(2, 11, None)]).is_err());
        let renewed = (Some(link), ItemId(1), ItemId(15), None);
        let renewal = Confirmation { link: Some(renewed), ..Confirmation::default() };
        assert_eq!(ledger.confirm(session, std::slice::from_ref(&renewal)).unwrap().links, [Some(link)]);
        let unlink =
            Confirmation { unlink: Some(link), conflicts: Some(Vec::new()), ..Confirmation::default() };
        assert_eq!(ledger.confirm(session, std::slice::from_ref(&unlink)).unwrap().links, [None]);
        assert_eq!(ledger.link_count().unwrap(), 0);
        assert!(ledger.confirm(session, &[unlink]).is_err());
        assert!(ledger.confirm(session, &[renewal]).is_err());
        // Numbers are not used again: what a person noted down cannot come to mean another pair.
        let next = ledger.confirm(session, &[linking(1, 11, None)]).unwrap().links[0].unwrap();
        assert!(next > link);
        store.check().unwrap();
    }

    #[test]
    fn conflicts_are_replaced_per_link_and_go_with_it() {
        let rig = Rig::new();
        let store = rig.store();
        let ledger = rig.ledger(&store, &rig.book(&store));
        let session = ledger.open_session(0).unwrap();
        let unknown = LinkId(0);
        let new = Confirmation {
            conflicts: Some(vec![conflict(unknown, "note"), conflict(unknown, "birthday")]),
            ..linking(1, 11, None)
        };
        let link = ledger.confirm(session, &[new]).unwrap().links[0].unwrap();
        let open = ledger.open_conflicts().unwrap();
        assert!(open == [conflict(link, "note"), conflict(link, "birthday")]);
        let fewer = Confirmation { conflicts: Some(vec![conflict(link, "note")]), ..Confirmation::default() };
        ledger.confirm(session, &[fewer]).unwrap();
        assert!(ledger.open_conflicts().unwrap() == [conflict(link, "note")]);
        let renewal = |conflicts| Confirmation {
            link: Some((Some(link), ItemId(1), ItemId(11), None)),
            conflicts,
            ..Confirmation::default()
        };
        ledger.confirm(session, &[renewal(None)]).unwrap();
        assert_eq!(ledger.open_conflicts().unwrap().len(), 1);
        ledger.confirm(session, &[renewal(Some(vec![conflict(link, "title")]))]).unwrap();
        ledger.confirm(session, &[Confirmation { unlink: Some(link), ..Confirmation::default() }]).unwrap();
        assert!(ledger.open_conflicts().unwrap().is_empty());
        let lost = Confirmation { conflicts: Some(Vec::new()), ..Confirmation::default() };
        assert!(ledger.confirm(session, &[lost]).is_err());
    }

    #[test]
    fn intents_outlive_a_crash_with_their_content_and_are_cleared_once() {
        let rig = Rig::new();
        let steps = [
            IntentStep::Create { pc: ItemId(1), name: "ada".to_owned(), card: card("a", "Ada Example") },
            IntentStep::Replace { item: ItemId(7), expected: Revision([1; 32]), card: card("b", "Bob") },
            IntentStep::Delete { item: ItemId(8), expected: Revision([2; 32]) },
        ];
        let ids = {
            let store = rig.store();
            let ledger = rig.ledger(&store, &rig.book(&store));
            let session = ledger.open_session(0).unwrap();
            let ids = ledger.note_intents(session, &steps).unwrap();
            ledger.begin().unwrap();
            assert!(ledger.note_intents(session, &steps).is_err(), "not durable inside a batch");
            let settled = Confirmation { intent: Some(ids[0]), ..linking(1, 11, None) };
            ledger.confirm(session, &[settled]).unwrap();
            ids
        };
        let store = rig.store();
        let ledger = rig.ledger(&store, &rig.book(&store));
        let open = ledger.open_intents().unwrap();
        assert_eq!(open.iter().map(|intent| intent.id).collect::<Vec<_>>(), ids);
        assert_eq!(ledger.link_count().unwrap(), 0);
        for (intent, step) in open.iter().zip(&steps) {
            assert_eq!(format!("{:?}", intent.step), format!("{step:?}"));
        }
        let IntentStep::Replace { card: content, .. } = &open[1].step else { panic!("{:?}", open[1]) };
        assert!(*content == card("b", "Bob"));
        let session = open[0].session;
        let clear = |id| [Confirmation { intent: Some(id), ..Confirmation::default() }];
        ledger.confirm(session, &clear(ids[1])).unwrap();
        assert!(ledger.confirm(session, &clear(ids[1])).is_err(), "settled twice");
        assert_eq!(ledger.open_intents().unwrap().len(), 2);
    }

    #[test]
    fn a_state_is_kept_per_direction_and_rolled_back_with_its_batch() {
        let rig = Rig::new();
        let store = rig.store();
        let book = rig.book(&store);
        let ledger = rig.ledger(&store, &book);
        let mut state = SyncState::empty();
        state.record(3, book.number(4));
        ledger.begin().unwrap();
        ledger.put_state(Direction::PcToPhone, &state).unwrap();
        ledger.roll_back().unwrap();
        assert!(ledger.state(Direction::PcToPhone).unwrap().is_empty());
        ledger.put_state(Direction::PcToPhone, &state).unwrap();
        assert!(ledger.state(Direction::PcToPhone).unwrap() == state);
        assert!(ledger.state(Direction::PhoneToPc).unwrap().is_empty());
        store.connection.execute("UPDATE states SET state = x'63'", []).unwrap();
        // An error is no absence: an unreadable state is not the empty one.
        assert!(matches!(ledger.state(Direction::PcToPhone), Err(LedgerError::Damaged(_))));
    }

    #[test]
    fn two_relationships_know_nothing_of_each_other() {
        let rig = Rig::new();
        let store = rig.store();
        let book = rig.book(&store);
        let one = rig.ledger(&store, &book);
        let phone = store.see_phone(&crate::store::testing::sighting(2), 0).unwrap();
        let two = RelationshipLedger::new(&store, store.relate(phone, &book, "two-way", "{}").unwrap());
        let session = one.open_session(0).unwrap();
        let link = one.confirm(session, &[linking(1, 11, None)]).unwrap().links[0].unwrap();
        let delete = IntentStep::Delete { item: ItemId(1), expected: Revision([0; 32]) };
        let intent = one.note_intents(session, &[delete]).unwrap()[0];
        assert!(two.link(link).unwrap().is_none() && two.link_of_pc(ItemId(1)).unwrap().is_none());
        assert_eq!((two.link_count().unwrap(), two.open_intents().unwrap().len()), (0, 0));
        let session = two.open_session(0).unwrap();
        let stolen = [
            Confirmation { unlink: Some(link), ..Confirmation::default() },
            Confirmation { intent: Some(intent), ..Confirmation::default() },
            Confirmation { conflicts: Some(vec![conflict(link, "note")]), ..Confirmation::default() },
        ];
        for fact in stolen {
            assert!(two.confirm(session, &[fact]).is_err());
        }
        two.confirm(session, &[linking(1, 11, None)]).unwrap();
        store.check().unwrap();
    }

    #[test]
    fn the_history_shows_sessions_and_what_their_actions_replaced() {
        let rig = Rig::new();
        let store = rig.store();
        let ledger = rig.ledger(&store, &rig.book(&store));
        let first = ledger.open_session(1_000).unwrap();
        let second = ledger.open_session(2_000).unwrap();
        let before = ActionRow { pc_before: Some(card("a", "Ada Example")), ..action("update") };
        let done = [action("create"), before]
            .map(|action| Confirmation { action: Some(action), ..Confirmation::default() });
        ledger.confirm(first, &done).unwrap();
        ledger.close_session(first, 1_500, "{\"type\":\"summary\"}").unwrap();
        let sessions = store.sessions(10).unwrap();
        assert_eq!(sessions.iter().map(|session| session.id).collect::<Vec<_>>(), [second, first]);
        assert_eq!((sessions[0].ended_ms, sessions[1].ended_ms), (None, Some(1_500)));
        assert_eq!((sessions[1].phone.as_str(), sessions[1].book.as_str()), ("Phone 1", "default"));
        assert_eq!(store.sessions(1).unwrap(), sessions[..1]);
        assert_eq!(store.session(first).unwrap().as_ref(), sessions.get(1));
        let actions = store.actions(first).unwrap();
        assert_eq!(
            actions.iter().map(|action| action.kind.as_str()).collect::<Vec<_>>(),
            ["create", "update"]
        );
        assert!(actions[1].pc_before == Some(card("a", "Ada Example")) && actions[1].phone_before.is_none());
        assert!(store.actions(second).unwrap().is_empty());
        assert!(ledger.close_session(SessionId(99), 0, "{}").is_err());
    }
}
