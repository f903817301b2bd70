//! The contract of the copy that is made before a session writes anything.

use thiserror::Error;

use super::ItemId;
use crate::contact::Card;

/// No copy could be made; then the session writes nothing. Says where, why, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no safety copy could be made: {0}")]
pub struct NoCopy(pub String);

/// Makes a copy of what both sides hold, so that it can be gone back to whatever a session does.
pub trait Safety {
    /// Makes the copy. `seen` are contents of the phone that this session read; those that are known already need not be
    /// read again.
    ///
    /// # Errors
    /// When it cannot be made whole.
    fn copy(&self, seen: &[(ItemId, &Card)]) -> Result<(), NoCopy>;
}
