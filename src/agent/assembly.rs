//! One session from an opened tree and an opened store: chooses the profile, opens the channel, finds what is
//! remembered of this phone, and runs.

use std::rc::Rc;

use thiserror::Error;

use crate::contact::ConflictPolicy;
use crate::device::{Access, ObjectTree, ProfileSet, VcardFolder, VcardFolderOptions};
use crate::ics::Guid;
use crate::provider::{Clock, ProviderError, Randomness, SimpleProvider, Tracked, TrackingOptions};
use crate::relationship::{Guards, Mode, Relationship, Side};
use crate::report::{Event, Report};
use crate::session::{self, Ended, Parties};
use crate::store::{
    Book, PhoneId, PhoneMetadata, PhoneSighting, RelationshipId, RelationshipLedger, Store, StoreError,
};

/// A phone whose tree is open.
pub struct ConnectedPhone {
    /// Its folders and objects.
    pub tree: Box<dyn ObjectTree>,
    /// How it is found again: "usb:SERIAL", "dir:PATH" or "sim:PATH".
    pub address: String,
}

/// What a person wants of a session.
pub struct Wish<'a> {
    /// The PC's store.
    pub store: &'a Store,
    /// The book's name.
    pub book: &'a str,
    /// The mode of this session; two-way unless said otherwise. It is not kept for the next one: a person who
    /// always wants another says so in the configuration.
    pub mode: Option<Mode>,
    /// Who wins a clash.
    pub conflicts: ConflictPolicy,
    /// The limits on deletions.
    pub guards: Guards,
    /// Only look.
    pub dry_run: bool,
    /// Many deletions are meant.
    pub allow_deletes: bool,
    /// How thoroughly unchanged items are looked at again.
    pub tracking: TrackingOptions,
    /// The known devices.
    pub profiles: &'a ProfileSet,
    /// The time.
    pub clock: Rc<dyn Clock>,
    /// Chance.
    pub randomness: Rc<dyn Randomness>,
    /// Whether the person wants to stop.
    pub interrupted: &'a dyn Fn() -> bool,
    /// When the run began, by the clock's steady time, in microseconds.
    pub started_us: u64,
}

/// Why a session did not start.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum StartFailure {
    /// The phone cannot be used.
    #[error("{0}")]
    Phone(#[from] ProviderError),
    /// The store cannot be used.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// How listings worked on the phone of this address in earlier sessions.
///
/// # Errors
/// When the store cannot be read.
pub fn remembered_habits(store: &Store, address: &str) -> Result<Option<String>, StoreError> {
    let known = store.phones()?;
    Ok(known
        .into_iter()
        .find(|phone| phone.sighting.serial.as_deref() == Some(address))
        .and_then(|phone| phone.sighting.listing))
}

/// Runs one session.
///
/// # Errors
/// When it cannot start. What goes wrong later is in the answer.
pub fn sync(phone: ConnectedPhone, wish: &Wish<'_>, report: &mut dyn Report) -> Result<Ended, StartFailure> {
    let ConnectedPhone { tree, address } = phone;
    let identity = tree.identity();
    let profile = wish.profiles.choose(identity).ok_or_else(|| {
        ProviderError::NoChannel(format!("no profile matches {} {}", identity.manufacturer, identity.model))
    })?;
    let mut book = Book::open(wish.store, wish.book, &*wish.clock, &*wish.randomness)?;
    let mode = wish.mode.unwrap_or_default();
    let relationship =
        Relationship { conflicts: wish.conflicts, guards: wish.guards, ..Relationship::of_mode(mode) };
    let writes = !wish.dry_run && relationship.writes_to(Side::Phone);
    let channel_options = VcardFolderOptions {
        access: if writes { Access::ReadWrite } else { Access::ReadOnly },
        guid_if_unmarked: remembered_guid(wish, &address)?,
        label: String::new(),
        clock: Rc::clone(&wish.clock),
    };
    let channel = VcardFolder::open(tree, profile, channel_options)?;
    report.event(&Event::Opened {
        phone: channel.replica().label.clone(),
        profile: profile.id.clone(),
        book: String::from(wish.book),
        mode,
    });
    if channel.folder_place().is_none() {
        report.event(&Event::Note(format!(
            "The phone has no contacts folder ({}); the first is made when there is something to put into it.",
            profile.contacts.folders.join(", ")
        )));
    }
    let sighting = PhoneSighting {
        guid: channel.replica().guid,
        label: channel.replica().label.clone(),
        serial: Some(address),
        profile: profile.id.clone(),
        listing: None,
    };
    let phone_id = see(wish, &sighting)?;
    let settings = settings(&relationship);
    let related = relate(wish, phone_id, &book, mode, &settings)?;
    if related.compare_all && !wish.dry_run {
        wish.store.set_relationship(related.id, mode.name(), COMPARE_ALL)?;
    }
    let ledger = RelationshipLedger::new(wish.store, related.id);
    let metadata = PhoneMetadata::new(wish.store, phone_id);
    let mut tracked =
        Tracked::new(channel, metadata, Rc::clone(&wish.clock), Rc::clone(&wish.randomness), wish.tracking);
    let options = session::Options {
        relationship: &relationship,
        dry_run: wish.dry_run,
        allow_deletes: wish.allow_deletes,
        compare_all: related.compare_all,
        clock: &*wish.clock,
        interrupted: wish.interrupted,
        started_us: wish.started_us,
    };
    let parties = Parties { pc: &mut book, phone: &mut tracked, ledger: &ledger };
    let ended = session::run(parties, &options, report);
    if !wish.dry_run {
        let listing = Some(tracked.simple().habits()).filter(|habits| !habits.is_empty());
        see(wish, &PhoneSighting { listing, ..sighting })?;
        if ended.failure.is_none() && related.settings_changed {
            wish.store.set_relationship(related.id, mode.name(), &settings)?;
        }
    }
    Ok(ended)
}

/// The settings of a relationship whose mode changed and that was not compared as a whole since. What one mode
/// passes over, another may have to act on, and a session that is cut must not make the next one forget it.
const COMPARE_ALL: &str = r#"{"compare-all":true}"#;

/// The settings that are noted with the relationship, for `status` and for whoever looks into the database.
fn settings(relationship: &Relationship) -> String {
    let conflicts = match relationship.conflicts {
        ConflictPolicy::Hold => "hold",
        ConflictPolicy::Phone => "phone",
        ConflictPolicy::Pc => "pc",
        ConflictPolicy::Newest => "newest",
        ConflictPolicy::Both => "both",
    };
    serde_json::json!({"conflicts": conflicts, "guards": relationship.guards}).to_string()
}

/// The id of the phone that was last seen at this address, or a new one.
fn remembered_guid(wish: &Wish<'_>, address: &str) -> Result<Guid, StoreError> {
    let known = wish.store.phones()?;
    let found = known.into_iter().find(|phone| phone.sighting.serial.as_deref() == Some(address));
    Ok(found.map_or_else(|| Guid::from_random(wish.randomness.next_bytes()), |phone| phone.sighting.guid))
}

/// The phone's row; written only if something about it is new, for a session without changes writes nothing.
fn see(wish: &Wish<'_>, sighting: &PhoneSighting) -> Result<PhoneId, StoreError> {
    if let Some(known) = wish.store.phone(sighting.guid)? {
        let same = known.sighting.label == sighting.label
            && known.sighting.serial == sighting.serial
            && known.sighting.profile == sighting.profile
            && (sighting.listing.is_none() || known.sighting.listing == sighting.listing);
        if same {
            return Ok(known.id);
        }
    }
    wish.store.see_phone(sighting, wish.clock.now_ms())
}

/// A relationship as the memory has it, beside what this session goes by.
struct Related {
    id: RelationshipId,
    /// The mode is another than before, or the session that was to compare everything was cut.
    compare_all: bool,
    settings_changed: bool,
}

fn relate(
    wish: &Wish<'_>,
    phone: PhoneId,
    book: &Book<'_>,
    mode: Mode,
    settings: &str,
) -> Result<Related, StoreError> {
    let rows = wish.store.relationships()?;
    Ok(match rows.iter().find(|row| row.phone == phone && row.book == wish.book) {
        Some(row) => Related {
            id: row.id,
            compare_all: row.mode != mode.name() || row.settings == COMPARE_ALL,
            settings_changed: row.settings != settings || row.mode != mode.name(),
        },
        None => Related {
            id: wish.store.relate(phone, book, mode.name(), settings)?,
            compare_all: false,
            settings_changed: false,
        },
    })
}
