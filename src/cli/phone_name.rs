//! Which phone a person means: an address, or the name of a paired phone, which stands for its address.

use crate::agent;
use crate::device::PhoneAddress;
use crate::report::shown;
use crate::store::{KnownPhone, Store};

use super::failure::Failed;
use super::invocation::Invocation;
use super::sync::shell_word;

/// The phone that is meant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedPhone {
    /// Where it is.
    pub address: PhoneAddress,
    /// The name of the paired phone, if it was named so: the phone at that address must be that one.
    pub name: Option<String>,
}

/// What `--phone`, else the configuration, else nothing said names.
///
/// # Errors
/// When it is neither an address nor the name of a paired phone.
pub fn named_phone(invocation: &Invocation<'_>, named: Option<&str>) -> Result<NamedPhone, Failed> {
    let configured = invocation.configuration.phone.as_deref();
    let text = named.or(configured).unwrap_or("usb");
    let error = match text.parse::<PhoneAddress>() {
        Ok(address) => return Ok(NamedPhone { address, name: None }),
        Err(error) => error,
    };
    let store = invocation.open_for_reading()?;
    if let Some(phone) = store.phone_by_name(text)? {
        let name = phone.pairing.map(|pairing| pairing.name);
        let address = phone.sighting.serial.unwrap_or_default().parse::<PhoneAddress>()?;
        return Ok(NamedPhone { address, name });
    }
    let from = if named.is_none() { " in the configuration" } else { "" };
    match names(&store)? {
        names if names.is_empty() && named.is_some() => Err(error.into()),
        names if names.is_empty() => Err(Failed::usage(
            format!("{}{from} names no phone, and none is paired", quoted(text)),
            "write phone = \"usb\", or pair it under that name: tetherbook pair --phone usb",
        )),
        names => Err(Failed::usage(
            format!("{}{from} is no address, and no paired phone has that name", quoted(text)),
            format!(
                "the paired phones are {names}; an address is usb, usb:SERIAL, dir:PATH or sim:DIRECTORY"
            ),
        )),
    }
}

/// The known phone that a name or an address means, for commands that need no phone at hand.
///
/// # Errors
/// When none is meant.
pub fn known_phone(store: &Store, text: &str) -> Result<KnownPhone, Failed> {
    if let Some(phone) = store.phone_by_name(text)? {
        return Ok(phone);
    }
    let known = store.phones()?;
    let whole = whole_address(text);
    let is_there = |phone: &&KnownPhone| phone.sighting.serial.as_deref() == Some(whole.as_str());
    if let Some(phone) = known.iter().find(is_there) {
        return Ok(phone.clone());
    }
    let hint = match (names(store)?, known.first()) {
        (_, None) => String::from("no phone is known yet; tetherbook pair gets to know one"),
        (names, Some(seen)) if names.is_empty() => {
            let address = shown(seen.sighting.serial.as_deref().unwrap_or_default());
            format!("none is paired; tetherbook phones lists those that were seen, such as {address}")
        }
        (names, Some(_)) => format!("the paired phones are {names}; tetherbook phones lists all"),
    };
    Err(Failed::general(format!("there is no phone {}", quoted(text)), hint))
}

/// An address as it is remembered: a folder's path is the whole one.
fn whole_address(text: &str) -> String {
    match text.parse::<PhoneAddress>() {
        Ok(PhoneAddress::Directory(path)) => {
            format!("dir:{}", path.canonicalize().unwrap_or(path).display())
        }
        Ok(PhoneAddress::Simulated { directory, .. }) => {
            format!("sim:{}", directory.canonicalize().unwrap_or(directory).display())
        }
        _ => text.to_owned(),
    }
}

/// The names of the paired phones.
fn names(store: &Store) -> Result<String, Failed> {
    let names = store.paired_phones()?.into_iter().filter_map(|phone| phone.pairing);
    Ok(names.map(|pairing| quoted(&pairing.name)).collect::<Vec<_>>().join(", "))
}

/// A name in a message.
pub fn quoted(text: &str) -> String {
    format!("“{}”", shown(text))
}

/// The address of a paired phone, or its name, behind `--phone` as a shell takes it.
pub fn phone_flag(name: &str) -> String {
    format!("--phone {}", shell_word(name))
}

/// The failure when the phone that was opened is not the paired one that was named.
pub fn not_the_named_one(name: &str, met: &agent::Met<'_>) -> Option<Failed> {
    let is_it = met.pairing().is_some_and(|pairing| pairing.name == name);
    (!is_it).then(|| {
        let address = met.sighting().serial.as_deref().unwrap_or_default();
        Failed::new(
            crate::report::ExitCode::NoPhone,
            format!("the phone at {} is not {}, or was reset", shown(address), quoted(name)),
            format!(
                "plug {} in; or look at this one: tetherbook sync {} --dry-run",
                quoted(name),
                phone_flag(address)
            ),
        )
    })
}
