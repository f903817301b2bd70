//! Pairing: a person says that a phone is theirs, what it is called, and which book it syncs with. Only a paired phone
//! is ever synced without being asked for.
//!
//! Pairing is a note on the PC. It must not write to the phone, and it must not change what is remembered of its
//! contacts.

use thiserror::Error;

use super::assembly::Met;
use super::identity::{self, Appearance, called};
use crate::device::PhoneAddress;
use crate::provider::{Clock, Randomness};
use crate::store::{Book, KnownPhone, Store, StoreError};

/// A phone that is paired.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairing {
    /// What the person calls it.
    pub name: String,
    /// The book that it syncs with.
    pub book: String,
    /// Its address: "usb:SERIAL"; "usb:MODEL" for a phone without a serial number; "dir:PATH"; "sim:PATH".
    pub address: String,
}

impl Pairing {
    fn of(phone: &KnownPhone) -> Option<Self> {
        let pairing = phone.pairing.as_ref()?;
        let address = phone.sighting.serial.clone().unwrap_or_default();
        Some(Self { name: pairing.name.clone(), book: pairing.book.clone(), address })
    }
}

/// Why a phone was not paired.
#[derive(Debug, Error)]
pub enum PairFailure {
    /// A name that could not be used to name a phone.
    #[error("{0}")]
    UnusableName(&'static str),
    /// Another phone has that name.
    #[error("{name:?} is the name of another phone, {address}")]
    NameTaken {
        /// The name.
        name: String,
        /// The address of the phone that has it.
        address: String,
    },
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What pairing came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paired {
    /// The pairing as it is now.
    pub now: Pairing,
    /// As it was before, if the phone was paired already.
    pub before: Option<Pairing>,
}

/// Pairs the phone, under `name` and with `book` if they are given. Otherwise both stay what they were; for a new
/// pairing the name comes from the model, and the book is the one that the phone was synced with, else `usual_book`.
///
/// # Errors
/// When the name cannot be used or the store cannot be written.
pub fn pair(
    met: &Met<'_>,
    store: &Store,
    name: Option<&str>,
    book: Option<&str>,
    usual_book: &str,
    (clock, randomness): (&dyn Clock, &dyn Randomness),
) -> Result<Paired, PairFailure> {
    if let Some(name) = name {
        usable_name(name).map_err(PairFailure::UnusableName)?;
    }
    let known = store.phones()?;
    let before = paired_row(&known, met.known(), met.appearance());
    let taken = |name: &str| {
        let folded = name.to_lowercase();
        known.iter().find(|phone| {
            let has_it = phone.pairing.as_ref().is_some_and(|pairing| pairing.name.to_lowercase() == folded);
            has_it && before.is_none_or(|before| before.id != phone.id)
        })
    };
    let name = match (name, before.and_then(|phone| phone.pairing.as_ref())) {
        (Some(name), _) => name.trim().to_owned(),
        (None, Some(pairing)) => pairing.name.clone(),
        (None, None) => default_name(met.label(), &|name| taken(name).is_some()),
    };
    if let Some(other) = taken(&name) {
        let address = other.sighting.serial.clone().unwrap_or_default();
        return Err(PairFailure::NameTaken { name, address });
    }
    let before_pairing = before.and_then(Pairing::of);
    let synced = synced_book(store, met.known())?;
    let book = book.map(str::to_owned);
    let book = book.or_else(|| before_pairing.as_ref().map(|pairing| pairing.book.clone())).or(synced);
    let book = book.unwrap_or_else(|| usual_book.to_owned());
    let sighting = met.sighting();
    // Book, phone and pairing belong together.
    store.begin()?;
    let opened = Book::open(store, &book, clock, randomness)?;
    let seen = store.see_phone(sighting, clock.now_ms())?;
    store.pair(before.map_or(seen, |phone| phone.id), &name, &opened, clock.now_ms())?;
    store.commit()?;
    let address = sighting.serial.clone().unwrap_or_default();
    Ok(Paired { now: Pairing { name, book, address }, before: before_pairing })
}

/// The one book that the phone was synced with, if there is one only.
fn synced_book(store: &Store, known: Option<&KnownPhone>) -> Result<Option<String>, StoreError> {
    let Some(known) = known else { return Ok(None) };
    let mut books =
        store.relationships()?.into_iter().filter(|row| row.phone == known.id).map(|row| row.book);
    Ok(books.next().filter(|_| books.next().is_none()))
}

/// The pairing of a phone that was opened, by what it is taken for, or by its serial number: a card that was swapped
/// does not make it another phone.
pub(super) fn pairing_of_met(
    known: &[KnownPhone],
    own: Option<&KnownPhone>,
    here: &Appearance,
) -> Option<Pairing> {
    paired_row(known, own, here).and_then(Pairing::of)
}

fn paired_row<'k>(
    known: &'k [KnownPhone],
    own: Option<&KnownPhone>,
    here: &Appearance,
) -> Option<&'k KnownPhone> {
    let mut paired = known.iter().filter(|phone| phone.pairing.is_some());
    paired
        .clone()
        .find(|phone| own.is_some_and(|own| own.id == phone.id))
        .or_else(|| paired.find(|phone| here.has_serial && here.has_address_of(phone)))
}

/// What a device that was plugged in shows before it is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PluggedIn<'a> {
    /// The USB serial number; empty if it has none.
    pub serial: &'a str,
    /// USB vendor and product id.
    pub usb_id: (u16, u16),
    /// The USB product text.
    pub model: &'a str,
}

/// The pairing of a device that was plugged in; `None` for one that is to be announced only. A phone without a serial
/// number is found by its maker and model; whether it is the paired one is known when its marker is read, so a session
/// with it must be asked for by its name.
///
/// # Errors
/// When the store cannot be read.
pub fn pairing_of(store: &Store, device: &PluggedIn<'_>) -> Result<Option<Pairing>, StoreError> {
    let PluggedIn { serial, usb_id, model } = *device;
    let here = Appearance {
        address: identity::usb_address(serial, model, usb_id),
        has_serial: identity::is_serial_number(serial),
        model: model.to_owned(),
        usb_id: Some(usb_id),
        marker: None,
    };
    let paired = store.paired_phones()?;
    let mut found = paired.iter().filter(|phone| here.has_address_of(phone));
    let first = found.next();
    // Of two phones that look the same neither is meant.
    Ok(first.filter(|_| found.next().is_none()).and_then(Pairing::of))
}

/// Whether a text can be a phone's name: one that can be typed and is no address.
///
/// # Errors
/// Why not.
pub fn usable_name(name: &str) -> Result<(), &'static str> {
    if name.trim().is_empty() || name.chars().any(char::is_control) {
        return Err("a phone needs a name of one line");
    }
    if name.contains([':', '/']) || name.starts_with('-') || name.parse::<PhoneAddress>().is_ok() {
        return Err("a phone's name must not look like an address: no : or /, no - in front, and not usb");
    }
    Ok(())
}

/// A free name after what the phone calls itself.
fn default_name(label: &str, is_taken: &dyn Fn(&str) -> bool) -> String {
    let plain: String =
        label.chars().map(|letter| if letter == ':' || letter == '/' { ' ' } else { letter }).collect();
    let plain = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    let plain = if usable_name(&plain).is_ok() { plain } else { String::from("Phone") };
    let mut name = plain.clone();
    let mut number = 2_usize;
    while is_taken(&name) {
        name = format!("{plain} {number}");
        number = number.saturating_add(1);
    }
    name
}

/// What a message calls a known phone: its name, or what it calls itself, and its address.
#[must_use]
pub fn phone_in_words(phone: &KnownPhone) -> String {
    called(phone)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_and_no_addresses() {
        for good in ["Pixel 7", "Änne's phone", "usb stick"] {
            assert!(usable_name(good).is_ok(), "{good}");
        }
        for bad in ["", "  ", "usb", "usb:1", "dir:/x", "a/b", "a\nb", "-v"] {
            assert!(usable_name(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_device_that_is_plugged_in_is_paired_or_unknown() {
        use crate::provider::{TestClock, TestRandomness};
        use crate::store::PhoneSighting;
        let store = Store::in_memory().unwrap();
        let (clock, randomness) = (TestClock::at(0), TestRandomness::seeded(1));
        let book = Book::open(&store, "family", &clock, &randomness).unwrap();
        let see = |number: u8, serial: &str| {
            let sighting = PhoneSighting {
                guid: crate::ics::Guid::from_random([number; 16]),
                label: "Pixel 7".to_owned(),
                serial: Some(identity::usb_address(serial, "Pixel 7", (0x18d1, 0x4ee1))),
                profile: "android".to_owned(),
                listing: None,
                model: None,
                usb_id: Some("18d1:4ee1".to_owned()),
                has_serial: identity::is_serial_number(serial),
            };
            store.see_phone(&sighting, 0).unwrap()
        };
        let (one, two, bare, other_bare) = (see(1, "R58M1"), see(2, "R58M2"), see(3, ""), see(4, "0000"));
        store.pair(one, "Ada", &book, 0).unwrap();
        let pairing = |serial: &str, vendor: u16| {
            let device = PluggedIn { serial, usb_id: (vendor, 0x4ee2), model: "Pixel 7" };
            pairing_of(&store, &device).unwrap().map(|pairing| pairing.name)
        };
        assert_eq!(pairing("R58M1", 0x18d1).as_deref(), Some("Ada"));
        // Seen is not paired, and unknown is unknown.
        assert_eq!(
            [pairing("R58M2", 0x18d1), pairing("R58M9", 0x18d1), pairing("", 0x18d1)],
            [None, None, None]
        );
        store.pair(bare, "Bare", &book, 0).unwrap();
        assert_eq!(pairing("", 0x18d1).as_deref(), Some("Bare"));
        assert_eq!(pairing("", 0x0489), None, "of another maker");
        store.pair(other_bare, "Other", &book, 0).unwrap();
        assert_eq!(pairing("", 0x18d1), None, "it could be either");
        store.forget(one).unwrap();
        store.pair(two, "Ada", &book, 0).unwrap();
        assert_eq!([pairing("R58M1", 0x18d1), pairing("R58M2", 0x18d1)], [None, Some("Ada".to_owned())]);
    }

    #[test]
    fn a_default_name_is_free_and_usable() {
        assert_eq!(default_name("Pixel 7", &|_| false), "Pixel 7");
        assert_eq!(default_name("Pixel 7", &|name| name == "Pixel 7" || name == "Pixel 7 2"), "Pixel 7 3");
        assert_eq!(default_name("Nokia: 6300/4G", &|_| false), "Nokia 6300 4G");
        assert_eq!(default_name("usb", &|_| false), "Phone");
    }
}
