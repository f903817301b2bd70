//! What a session keeps so that it can be taken back, and which past session one takes back. It decides nothing about
//! syncing.

use std::path::PathBuf;

use crate::provider::{Clock, SessionId};
use crate::session::Undo;
use crate::store::{PhoneId, SafetyCopies, Store, StoreError};

/// How long the history is kept unless the configuration says otherwise, in days: two years.
pub const KEEP_DAYS: u32 = 730;
/// How many safety copies are kept unless the configuration says otherwise.
pub const SAFETY_COPIES: usize = 5;

/// What a session keeps, and what it takes back.
#[derive(Debug, Clone, Default)]
pub struct Keeping {
    /// The past session that is taken back; `None`: it is a sync.
    pub undo: Option<SessionId>,
    /// Where the copies before the first write go; `None`: none are made.
    pub safety: Option<SafetyPlace>,
    /// How long the history is kept, in days; `None`: for ever.
    pub keep_days: Option<u32>,
}

/// Where safety copies go, and how many stay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SafetyPlace {
    /// The folder.
    pub folder: PathBuf,
    /// The newest so many stay.
    pub copies: usize,
}

impl Keeping {
    /// What makes the copies before the first write, if any are wanted.
    pub(super) fn copies<'a>(
        &self,
        store: &'a Store,
        phone: PhoneId,
        clock: &'a dyn Clock,
    ) -> Option<SafetyCopies<'a>> {
        let SafetyPlace { folder, copies } = self.safety.clone().filter(|place| place.copies > 0)?;
        Some(SafetyCopies { store, phone, folder, copies, clock })
    }

    /// The past session that is to be taken back with this phone, if one is.
    pub(super) fn past(&self, store: &Store, phone: PhoneId) -> Result<Option<Undo>, StoreError> {
        let Some(id) = self.undo else { return Ok(None) };
        let refused = |text: String| Err(StoreError::Refused(text));
        let Some(row) = store.session(id)? else {
            return refused(format!("there is no session {}; tetherbook log lists them", id.0));
        };
        let other = store.phone_of_session(id)?.filter(|known| known.id != phone);
        if let Some(other) = other {
            return refused(format!(
                "session {} was with another phone, {}; connect that one, or name it with --phone",
                id.0, other.sighting.label
            ));
        }
        if row.ended_ms.is_none() {
            return refused(format!(
                "session {} was cut off before its end; run tetherbook sync, which settles it, and bring single contacts \
                 back with tetherbook restore",
                id.0
            ));
        }
        let actions = store.actions(id)?;
        if actions.is_empty() {
            return refused(format!(
                "nothing is left to take back of session {}: it changed no contact, or was longer ago than [history] keep_days; \
                 a safety copy or tetherbook restore may help",
                id.0
            ));
        }
        let is_older = |action: &crate::provider::ActionRow| {
            action.side != "none" && action.pc_item.is_none() && action.phone_item.is_none()
        };
        if actions.iter().any(is_older) {
            return refused(format!(
                "session {} was before this version kept what an undo needs; bring single contacts back with tetherbook \
                 restore, which knows the versions since",
                id.0
            ));
        }
        Ok(Some(Undo { session: id, actions, is_redo: row.undoes.is_some() }))
    }
}
