//! What the PC remembers: contacts, phones, sync states, links, the journal and the history, in one SQLite file.
//!
//! The store decides nothing about syncing: it keeps what it is told, whole or not at all, and answers what
//! changed. It must not know a phone beyond its name, and no content of a contact leaves it in a message.
//!
//! - [`Store`] is the open database. All its methods take `&self`, so that a [`Book`], a [`RelationshipLedger`] and
//!   a [`PhoneMetadata`] share one connection and therefore one batch: what is written between
//!   [`Store::begin`] and [`Store::commit`] becomes durable together. A write outside a batch is a batch of its own.
//! - [`Book`] is an address book: a [`Provider`](crate::provider::Provider) for sessions, and add, edit, remove,
//!   list and find for people. Each change takes the next number of the book in the same transaction.
//! - [`RelationshipLedger`] is the [`Ledger`](crate::provider::Ledger) of one phone and one book.
//! - [`PhoneMetadata`] is the [`Metadata`](crate::provider::Metadata) of one phone's replica.
//! - [`Store`] is also the [`ChannelMemory`](crate::provider::ChannelMemory) of every phone's channel.
//! - [`SessionLock`] keeps two sessions, or a session and an edit, from running at once.
//!
//! The tables are documented where they are made, in `schema.rs`; the views ending in `_v1` are for other programs.

mod book;
mod cards;
mod check;
mod conflicts;
mod contacts;
mod decisions;
mod error;
mod history;
mod holds;
mod ledger;
mod lock;
mod memory;
mod observed;
mod open;
mod phones;
mod schema;
mod schema_version_4;
mod transaction;
mod versions;

#[cfg(test)]
mod budget_tests;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod testing;

pub use book::{Book, BookInfo};
pub use conflicts::{AlsoWaiting, Conflicted};
pub use contacts::{Contact, ContactRow};
pub use error::StoreError;
pub use holds::{Answer, Hold};
pub use ledger::RelationshipLedger;
pub use lock::SessionLock;
pub use observed::PhoneMetadata;
pub use open::{OpenOptions, Store};
pub use phones::{KnownPhone, PhoneId, PhonePairing, PhoneSighting, RelationshipId, RelationshipRow};
pub use schema::{APPLICATION_ID, SCHEMA_VERSION};
pub use versions::{Cause, PastContact, Version};
