//! One session from an opened tree and an opened store: chooses the profile, opens the channel, finds what is
//! remembered of this phone, and runs. Which phone it is, `identity` decides; nothing about syncing is decided here.

use std::rc::Rc;

use thiserror::Error;

use super::identity::{self, Appearance, Verdict};
use super::keeping::Keeping;
use super::pairing::{Pairing, pairing_of_met};
use super::probe::Probed;
use crate::contact::{ConflictPolicy, Country, Projection};
use crate::device::{
    Access, Channel, ChannelChoices, ChannelKind, ChannelOptions, DeviceIdentity, DeviceProfile, ObjectTree,
    PhoneAddress, ProfileSet, open_channel,
};
use crate::ics::Guid;
use crate::plan::GuardAnswers;
use crate::provider::{ChannelMemory, Clock, Provider, ProviderError, Randomness, Tracked, TrackingOptions};
use crate::relationship::{Choices, EditOrDelete, Guards, Mode, Relationship, Side};
use crate::report::{Event, Report};
use crate::session::{self, Ended, Parties};
use crate::store::{
    Book, KnownPhone, PhoneId, PhoneMetadata, PhoneSighting, RelationshipId, RelationshipLedger, Store,
    StoreError,
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
    /// What counts where one side deleted a contact and the other edited it.
    pub edit_or_delete: EditOrDelete,
    /// The limits on what may be taken away.
    pub guards: Guards,
    /// Only look.
    pub dry_run: bool,
    /// What the person answers to the guards.
    pub answers: GuardAnswers,
    /// The country that numbers without a country code are from; inferred where it is not set.
    pub country: Option<Country>,
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
    /// What is kept for the case that it has to be taken back.
    pub keeping: Keeping,
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

/// What is needed to get to know a phone that was opened.
pub struct Introduction<'a, 'p> {
    /// The PC's store.
    pub store: &'a Store,
    /// What channels remember: the store again, or nothing where a phone is only looked at.
    pub memory: &'p dyn ChannelMemory,
    /// The known devices.
    pub profiles: &'p ProfileSet,
    /// The time.
    pub clock: Rc<dyn Clock>,
    /// Chance.
    pub randomness: Rc<dyn Randomness>,
    /// Whether the phone may be written to.
    pub access: Access,
    /// The id of the profile that a person wants for it; what is on it decides otherwise.
    pub profile: Option<String>,
    /// What a person said about how its contacts are read.
    pub choices: ChannelChoices,
}

/// Whether a session of that mode may write to the phone.
#[must_use]
pub fn access_for(mode: Mode, dry_run: bool) -> Access {
    let writes = !dry_run && Relationship::of_mode(mode).writes_to(Side::Phone);
    if writes { Access::ReadWrite } else { Access::ReadOnly }
}

/// A phone whose contacts folder was looked at, and which is known or new by now.
pub struct Met<'p> {
    channel: Box<dyn Channel + 'p>,
    profile: &'p DeviceProfile,
    appearance: Appearance,
    sighting: PhoneSighting,
    known: Option<KnownPhone>,
    pairing: Option<Pairing>,
    note: Option<String>,
}

impl Met<'_> {
    /// How it is paired, if it is.
    #[must_use]
    pub fn pairing(&self) -> Option<&Pairing> {
        self.pairing.as_ref()
    }

    /// What it calls itself.
    #[must_use]
    pub fn label(&self) -> &str {
        &self.sighting.label
    }

    /// What will be remembered of it: address, model, profile and replica.
    #[must_use]
    pub fn sighting(&self) -> &PhoneSighting {
        &self.sighting
    }

    /// What was known of it before.
    #[must_use]
    pub fn known(&self) -> Option<&KnownPhone> {
        self.known.as_ref()
    }

    /// What a person should know about what it was taken for.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.note.as_deref()
    }

    /// Where its contacts are, as storage and path; `None` while there is no such place.
    #[must_use]
    pub fn place(&self) -> Option<&str> {
        self.channel.place()
    }

    /// The profile that it is used with.
    #[must_use]
    pub fn profile(&self) -> &DeviceProfile {
        self.profile
    }

    /// Whether its contacts folder has a marker of its own.
    #[must_use]
    pub fn is_marked(&self) -> bool {
        self.channel.marker_guid() == Some(self.sighting.guid)
    }

    pub(super) fn channel_mut(&mut self) -> &mut (dyn Channel + '_) {
        &mut *self.channel
    }

    pub(super) fn appearance(&self) -> &Appearance {
        &self.appearance
    }
}

/// Looks at where a phone carries contacts and decides which of the known phones it is, if any. Nothing is written.
///
/// # Errors
/// When the phone cannot be used or the store cannot be read.
pub fn meet<'p>(phone: ConnectedPhone, introduction: &Introduction<'_, 'p>) -> Result<Met<'p>, StartFailure> {
    let ConnectedPhone { tree, address } = phone;
    let identity = tree.identity().clone();
    let known = introduction.store.phones()?;
    let mut candidates = candidates(introduction, &identity)?;
    let unmarked = Appearance::new(address.clone(), &identity, None);
    // The phone is known by its address well enough to look first where its contacts were last time.
    let last = known.iter().find(|phone| unmarked.has_serial && unmarked.has_address_of(phone));
    let remembered = last.map(|phone| phone.sighting.profile.as_str());
    // A profile that a person chose for it need not be one that fits the device by its introduction.
    let chosen = remembered.filter(|_| introduction.profile.is_none());
    let chosen = chosen.and_then(|id| introduction.profiles.by_id(id));
    let is_chosen = |chosen: &&DeviceProfile| candidates.iter().all(|profile| profile.id != chosen.id);
    if let Some(chosen) = chosen.filter(is_chosen) {
        candidates.insert(0, chosen);
    }
    let fresh = Guid::from_random(introduction.randomness.next_bytes());
    let known_guids = known.iter().map(|phone| phone.sighting.guid).collect();
    let options = channel_options(introduction, fresh, known_guids);
    let (mut channel, profile) = open_channel(tree, &candidates, remembered, options)?;
    let appearance = Appearance::new(address, channel.identity(), channel.marker_guid());
    // A phone's other channel is another replica: what is remembered of it says nothing about this one.
    let alike: Vec<KnownPhone> = known
        .iter()
        .filter(|phone| kind_of(introduction.profiles, phone) == profile.contacts.channel)
        .cloned()
        .collect();
    let is_still_there =
        |phone: &KnownPhone| has_marker_still(phone, profile, introduction, &appearance.address);
    let Verdict { guid, doubt, note } = identity::decide(&alike, &appearance, &is_still_there, || fresh);
    channel.take_identity(guid, doubt);
    let own = alike.iter().find(|phone| phone.sighting.guid == guid).cloned();
    if let Some(probed) = own.as_ref().and_then(Probed::of) {
        channel.narrow(&probed.learned, probed.reencodes);
    }
    let pairing = pairing_of_met(&known, own.as_ref(), &appearance);
    let sighting = sighting(&*channel, profile, &appearance, own.as_ref());
    if let Some(pairing) = &pairing {
        channel.set_label(&pairing.name);
    }
    Ok(Met { channel, profile, appearance, sighting, known: own, pairing, note })
}

/// The profiles that come into question, best first; the one that a person names goes alone.
fn candidates<'p>(
    introduction: &Introduction<'_, 'p>,
    identity: &DeviceIdentity,
) -> Result<Vec<&'p DeviceProfile>, ProviderError> {
    let Some(id) = &introduction.profile else { return Ok(introduction.profiles.candidates(identity)) };
    let profile = introduction.profiles.by_id(id).ok_or_else(|| {
        ProviderError::NoChannel(format!("there is no profile {id:?}; tetherbook profiles list shows all"))
    })?;
    Ok(vec![profile])
}

/// The kind of channel that a known phone was reached by. A profile that is there no more was of the only kind that
/// earlier versions knew.
fn kind_of(profiles: &ProfileSet, phone: &KnownPhone) -> ChannelKind {
    let profile = profiles.by_id(&phone.sighting.profile);
    profile.map_or(ChannelKind::VcardFolder, |profile| profile.contacts.channel)
}

fn channel_options<'p>(
    introduction: &Introduction<'_, 'p>,
    guid_if_unmarked: Guid,
    known_guids: Vec<Guid>,
) -> ChannelOptions<'p> {
    ChannelOptions {
        access: introduction.access,
        guid_if_unmarked,
        known_guids,
        label: String::new(),
        clock: Rc::clone(&introduction.clock),
        randomness: Rc::clone(&introduction.randomness),
        memory: introduction.memory,
        choices: introduction.choices.clone(),
    }
}

/// Whether the folder where a marker was seen last is there with that marker, and is not the folder at `here` under
/// another path. One that cannot be opened is not there.
fn has_marker_still(
    phone: &KnownPhone,
    profile: &DeviceProfile,
    introduction: &Introduction<'_, '_>,
    here: &str,
) -> bool {
    let parsed = |text: &str| text.parse::<PhoneAddress>().ok();
    let before = phone.sighting.serial.as_deref().and_then(parsed);
    let (Some(before), Some(here)) = (before, parsed(here)) else { return false };
    if before.is_same_directory(&here) {
        return false;
    }
    let Ok(Some(tree)) = before.open_directory() else { return false };
    let guid = phone.sighting.guid;
    let options =
        ChannelOptions { access: Access::ReadOnly, ..channel_options(introduction, guid, vec![guid]) };
    open_channel(tree, &[profile], None, options)
        .is_ok_and(|(channel, _)| channel.marker_guid() == Some(guid))
}

/// What is remembered of a phone. A phone that was known on the cable stays so when it is looked at as a folder.
fn sighting(
    channel: &dyn Channel,
    profile: &DeviceProfile,
    here: &Appearance,
    known: Option<&KnownPhone>,
) -> PhoneSighting {
    let address = known.and_then(|phone| phone.sighting.serial.as_deref());
    let is_on_cable = |address: &str| identity::scheme(address) == "usb";
    let sighting = PhoneSighting {
        guid: channel.replica().guid,
        label: channel.replica().label.clone(),
        serial: Some(here.address.clone()),
        profile: profile.id.clone(),
        listing: None,
        model: Some(here.model.clone()).filter(|model| !model.is_empty()),
        usb_id: here.usb_id.map(identity::usb_id_text),
        has_serial: here.has_serial,
    };
    match known {
        Some(phone) if address.is_some_and(is_on_cable) && !is_on_cable(&here.address) => {
            PhoneSighting { profile: sighting.profile, listing: None, ..phone.sighting.clone() }
        }
        _ => sighting,
    }
}

/// Runs one session.
///
/// # Errors
/// When it cannot start. What goes wrong later is in the answer.
pub fn sync(phone: ConnectedPhone, wish: &Wish<'_>, report: &mut dyn Report) -> Result<Ended, StartFailure> {
    let introduction = Introduction {
        store: wish.store,
        memory: wish.store,
        profiles: wish.profiles,
        clock: Rc::clone(&wish.clock),
        randomness: Rc::clone(&wish.randomness),
        access: access_for(wish.mode.unwrap_or_default(), wish.dry_run),
        profile: None,
        choices: ChannelChoices::default(),
    };
    sync_with(meet(phone, &introduction)?, wish, report)
}

/// Runs one session with a phone that was met for a session of this mode.
///
/// # Errors
/// When it cannot start. What goes wrong later is in the answer.
pub fn sync_with(met: Met<'_>, wish: &Wish<'_>, report: &mut dyn Report) -> Result<Ended, StartFailure> {
    let mut book = Book::open(wish.store, wish.book, &*wish.clock, &*wish.randomness)?;
    let mode = wish.mode.unwrap_or_default();
    let relationship = Relationship {
        conflicts: wish.conflicts,
        edit_or_delete: wish.edit_or_delete,
        guards: wish.guards,
        ..Relationship::of_mode(mode)
    };
    announce(&met, wish.book, mode, report);
    let Met { channel, sighting, .. } = met;
    let phone_id = see(wish, &sighting)?;
    let chosen = chosen(wish.store, phone_id, wish.book)?;
    let settings = chosen.settings(&relationship);
    let related = relate(wish, phone_id, &book, mode, &settings)?;
    if related.compare_all && !wish.dry_run {
        wish.store.set_relationship(related.id, mode.name(), &chosen.settings_to_compare())?;
    }
    let ledger = RelationshipLedger::new(wish.store, related.id);
    let undo = wish.keeping.past(wish.store, phone_id)?;
    let metadata = PhoneMetadata::new(wish.store, phone_id);
    let mut tracked =
        Tracked::new(channel, metadata, Rc::clone(&wish.clock), Rc::clone(&wish.randomness), wish.tracking);
    let options = session::Options {
        relationship: &relationship,
        dry_run: wish.dry_run,
        answers: wish.answers,
        compare_all: related.compare_all,
        country: wish.country,
        undo: undo.as_ref(),
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

/// Says with whom the session is, and what is unusual about it.
fn announce(met: &Met<'_>, book: &str, mode: Mode, report: &mut dyn Report) {
    report.event(&Event::Opened {
        phone: met.channel.replica().label.clone(),
        profile: met.profile.id.clone(),
        book: String::from(book),
        mode,
        by_hand: met.profile.contacts.channel == ChannelKind::Export,
    });
    if let Some(note) = met.note() {
        report.event(&Event::Note(note.to_owned()));
    }
    if let Some(pairing) = met.pairing().filter(|pairing| pairing.book != book) {
        report.event(&Event::Note(format!(
            "“{}” is paired with the book “{}”; this session is with “{book}” instead.",
            pairing.name, pairing.book
        )));
    }
    if met.place().is_none() && met.profile.contacts.channel == ChannelKind::VcardFolder {
        report.event(&Event::Note(format!(
            "The phone has no contacts folder ({}); the first is made when there is something to put into it.",
            met.profile.contacts.folders.join(", ")
        )));
    }
}

/// What a person chose for a phone and a book.
fn chosen(store: &Store, phone: PhoneId, book: &str) -> Result<Choices, StoreError> {
    let rows = store.relationships()?;
    let row = rows.iter().find(|row| row.phone == phone && row.book == book);
    Ok(row.map(|row| Choices::of_settings(&row.settings)).unwrap_or_default())
}

/// What a person chose for a phone that was met and a book, in earlier sessions or by pairing.
///
/// # Errors
/// When the store cannot be read.
pub fn choices_of(store: &Store, met: &Met<'_>, book: &str) -> Result<Choices, StoreError> {
    match store.phone(met.sighting.guid)? {
        Some(phone) => chosen(store, phone.id, book),
        None => Ok(Choices::default()),
    }
}

/// Keeps what a person chose for a phone that was met and a book; what they do not speak of stays as it was.
///
/// # Errors
/// When the store cannot be written.
pub fn choose_for(
    store: &Store,
    met: &Met<'_>,
    book: &Book<'_>,
    mode: Mode,
    said: Choices,
) -> Result<Choices, StoreError> {
    let name = book.replica().label.as_str();
    let Some(phone) = store.phone(met.sighting.guid)? else { return Ok(Choices::default()) };
    let choices = said.or(chosen(store, phone.id, name)?);
    let rows = store.relationships()?;
    match rows.iter().find(|row| row.phone == phone.id && row.book == name) {
        Some(row) => store.set_relationship(row.id, &row.mode, &choices.put_into(&row.settings))?,
        None => drop(store.relate(phone.id, book, mode.name(), &choices.put_into("{}"))?),
    }
    Ok(choices)
}

/// What a known phone can hold of a contact, as far as that is known without it: by its profile and its probe.
#[must_use]
pub fn projection_of(phone: &KnownPhone, profiles: &ProfileSet) -> Projection {
    let Some(profile) = profiles.by_id(&phone.sighting.profile) else { return Projection::default() };
    let projection = profile.contacts.projection();
    match Probed::of(phone) {
        Some(probed) if profile.contacts.channel == ChannelKind::VcardFolder => {
            projection.narrowed_by(&probed.learned)
        }
        _ => projection,
    }
}

/// The phone's row; written only if something about it is new, for a session without changes writes nothing.
fn see(wish: &Wish<'_>, sighting: &PhoneSighting) -> Result<PhoneId, StoreError> {
    if let Some(known) = wish.store.phone(sighting.guid)? {
        let same = known.sighting.label == sighting.label
            && known.sighting.serial == sighting.serial
            && known.sighting.profile == sighting.profile
            && known.sighting.has_serial == sighting.has_serial
            && (sighting.model.is_none() || known.sighting.model == sighting.model)
            && (sighting.usb_id.is_none() || known.sighting.usb_id == sighting.usb_id)
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
            compare_all: row.mode != mode.name() || Choices::compares_all(&row.settings),
            settings_changed: row.settings != settings || row.mode != mode.name(),
        },
        None => Related {
            id: wish.store.relate(phone, book, mode.name(), settings)?,
            compare_all: false,
            settings_changed: false,
        },
    })
}
