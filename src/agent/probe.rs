//! The probe of a phone: what it makes of one card with everything, remembered with the phone. It must not touch a
//! contact; how a card is written and removed again is the channel's work.

use serde::{Deserialize, Serialize};

use super::assembly::{Met, StartFailure};
use crate::contact::{Card, Dialect, Learned, Projection};
use crate::provider::{ProviderError, Revision};
use crate::store::{KnownPhone, Store, StoreError};

/// What a probe found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Probed {
    /// What the phone cannot hold, and what it writes in its own way.
    pub learned: Learned,
    /// Whether what came back had other bytes than what was sent.
    pub reencodes: bool,
}

impl Probed {
    /// What was found of a phone earlier; `None` if nothing was, or only by another version of the program.
    #[must_use]
    pub fn of(phone: &KnownPhone) -> Option<Self> {
        let probed: Self = serde_json::from_str(phone.learned.as_deref()?).ok()?;
        probed.learned.is_known_form().then_some(probed)
    }

    /// Keeps it with the phone.
    ///
    /// # Errors
    /// When the store cannot be written, or the phone is not in it.
    pub fn keep(&self, store: &Store, met: &Met<'_>) -> Result<(), StoreError> {
        let text = serde_json::to_string(self).unwrap_or_default();
        match store.phone(met.sighting().guid)? {
            Some(phone) => store.learn(phone.id, &text),
            None => Ok(()),
        }
    }
}

/// Writes one card with everything, reads it back and removes it. `None` where that would tell nothing, because the
/// files are not what the phone's address book makes of them.
///
/// # Errors
/// When the phone cannot be written, or gave back what is no card.
pub fn probe(met: &mut Met<'_>) -> Result<Option<Probed>, StartFailure> {
    let dialect = met.profile().contacts.dialect.clone();
    let sent = Projection::probe_card(&dialect);
    let Some(held) = met.channel_mut().probe(sent.as_bytes())? else { return Ok(None) };
    let card = Card::parse(&held).map_err(|error| {
        ProviderError::Item(format!("what the phone made of the test card is no vCard any more: {error}"))
    })?;
    Ok(Some(Probed {
        learned: Projection::learned(&sent, &card),
        reencodes: Revision::of(&held) != Revision::of(sent.as_bytes()),
    }))
}

/// What a phone cannot hold of all that can be said of a contact, in words, each once.
#[must_use]
pub fn lost_words(projection: &Projection, dialect: &Dialect) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    for loss in projection.loses(&Projection::probe_card(dialect)) {
        let word = loss.of_phone();
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words
}
