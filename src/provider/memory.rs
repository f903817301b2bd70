//! What a channel remembers of a phone between sessions beyond the items: bytes by name. The contract only; a store
//! keeps it.

use super::ProviderError;
use crate::ics::Guid;

/// Named bytes of one replica. A `put` is on the disk when it returns, unless a batch of the store is open; then it is
/// durable with that batch. A store that is only read refuses every change.
pub trait ChannelMemory {
    /// The bytes of that name; `None` if there are none.
    ///
    /// # Errors
    /// When the memory cannot be read.
    fn get(&self, replica: Guid, name: &str) -> Result<Option<Vec<u8>>, ProviderError>;

    /// Keeps bytes under that name, in place of those before.
    ///
    /// # Errors
    /// When the memory cannot be written.
    fn put(&self, replica: Guid, name: &str, bytes: &[u8]) -> Result<(), ProviderError>;

    /// Forgets the bytes of that name; nothing happens if there are none.
    ///
    /// # Errors
    /// When the memory cannot be written.
    fn remove(&self, replica: Guid, name: &str) -> Result<(), ProviderError>;

    /// The names that begin so, sorted.
    ///
    /// # Errors
    /// When the memory cannot be read.
    fn names(&self, replica: Guid, prefix: &str) -> Result<Vec<String>, ProviderError>;
}
