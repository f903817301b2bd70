//! MTP: containers, datasets, transactions and sessions over a [`Link`] (the initiator's side).
//!
//! This room moves objects and says truthfully what a device holds; it must not know contacts, device profiles or
//! USB. Its layers, from the wire up:
//!
//! - `code`: the protocol's numbers and their names.
//! - `container`, `inbound`, `transport`: one transaction, however the responder cuts its transfers; the time-outs.
//! - `dataset*`: the datasets; parsers take any bytes without panic and allocate nothing by an announced length.
//! - `session`: opening with recovery, back-off while the device is busy, closing; `statistics` counts the cost.
//! - `operations`: one method per operation. `folder` and `lookup`: listings that say whether they are whole,
//!   by property list where `property_listing` finds nothing wrong with it, otherwise object by object.

pub mod code;
mod container;
mod dataset;
mod dataset_device;
mod dataset_object;
mod dataset_property;
mod date;
mod error;
mod folder;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod inbound;
mod link;
mod lookup;
mod operations;
mod property_listing;
mod session;
mod statistics;
mod transport;

#[cfg(test)]
mod folder_tests;
#[cfg(test)]
mod scripted;
#[cfg(test)]
mod session_tests;
#[cfg(test)]
mod transport_tests;

pub use dataset::{DatasetError, MAX_STRING_UNITS, Reader, Writer};
pub use dataset_device::{DeviceInfo, StorageInfo};
pub use dataset_object::ObjectInfo;
pub use dataset_property::{PropertyElement, PropertyList, PropertyValue};
pub use date::MtpDate;
pub use error::{LockedSign, MtpError};
pub use folder::{DateSource, FolderListing, ListingMethod, Object};
pub use link::{ClassRequest, Link, LinkError};
pub use lookup::ObjectStat;
pub use operations::{NewObject, OBJECTS_MAX, Parent};
pub use session::{Event, Session, SessionOptions};
pub use statistics::{OperationCost, Statistics};
pub use transport::{Quirks, Timeouts};
