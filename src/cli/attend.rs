//! `attend`: what the plug-in service runs. Finds the place on the bus, the pairings and the lock, and hands them to
//! `agent::attend`, which decides. It writes to the journal (stderr) and to nobody's terminal in particular.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;

use signal_hook::consts::SIGTERM;

use crate::agent::{self, Household, Notice, PairedDevice, PairedPhone, PlaceOnBus, PluggedFailure, Ran};
use crate::report::shown;
use crate::store::Store;

use super::arguments::AttendArguments;
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};
use super::notification;
use super::phone;
use super::sync;

/// What stands before the serial number in the address of a phone on the cable.
const USB_SCHEME: &str = "usb:";

/// Runs `attend`.
///
/// # Errors
/// When the path is no place on the bus, or the database cannot be read.
pub fn run(invocation: &Invocation<'_>, arguments: &AttendArguments) -> Outcome {
    let world = invocation.world;
    // systemd ends a service with SIGTERM: the write that is under way is finished, as after Ctrl-C. Where no handler
    // can be set the process ends at once, which the journal in the database is made for.
    drop(signal_hook::flag::register(SIGTERM, Arc::clone(&world.interrupted)));
    let place = arguments.place.as_deref().map(ports_of).transpose()?;
    let pairings: Vec<PairedPhone> =
        known_pairings(&invocation.open_for_reading()?)?.into_iter().map(|known| known.pairing).collect();
    let place = match place {
        Some(place) => place,
        None => agent::choose(&world.usb.devices().map_err(PluggedFailure::from)?, "")?.ports.clone(),
    };
    let profiles = phone::profiles(world)?;
    let mut plugged = PlaceOnBus::new(&*world.usb, place, &profiles, Rc::clone(&world.clock));
    let mut home = Home { invocation, started_us: world.clock.steady_us(), lock: RefCell::new(None) };
    let options = invocation.configuration.attend.options();
    Ok(agent::attend(&mut plugged, &mut home, &pairings, options))
}

/// A pairing, and what a udev rule needs to know of it besides.
struct KnownPairing {
    pairing: PairedPhone,
    vendor: Option<u16>,
}

/// The paired phones that are reached over the cable and have a serial number of their own to be known by.
fn known_pairings(store: &Store) -> Result<Vec<KnownPairing>, Failed> {
    let phones = store.paired_phones()?;
    let known = phones.iter().filter(|phone| phone.sighting.has_serial).filter_map(|phone| {
        let (said, sighting) = (phone.pairing.as_ref()?, &phone.sighting);
        known_pairing(&said.name, &said.book, sighting.serial.as_deref()?, sighting.usb_id.as_deref())
    });
    Ok(known.collect())
}

/// The pairing of a phone with this address (`usb:SERIAL`) and USB id (`18d1:4ee1`); `None` if it is not on the cable.
fn known_pairing(name: &str, book: &str, address: &str, usb_id: Option<&str>) -> Option<KnownPairing> {
    let serial = address.strip_prefix(USB_SCHEME).filter(|serial| !serial.is_empty())?;
    let vendor = usb_id.and_then(|id| u16::from_str_radix(id.split(':').next()?, 16).ok());
    let pairing = PairedPhone { name: name.to_owned(), book: book.to_owned(), serial: serial.to_owned() };
    Some(KnownPairing { pairing, vendor })
}

/// The paired phones as a udev rule knows them. One whose serial number cannot stand in a rule is told and left out:
/// it syncs all the same, and the desktop opens it as it does any phone.
///
/// # Errors
/// When the database cannot be read.
pub fn paired_devices(invocation: &Invocation<'_>) -> Result<BTreeSet<PairedDevice>, Failed> {
    let mut devices = BTreeSet::new();
    for known in known_pairings(&invocation.open_for_reading()?)? {
        match PairedDevice::new(known.vendor, &known.pairing.serial) {
            Ok(device) => drop(devices.insert(device)),
            Err(error) => {
                invocation.warn(format!("{} is left out of the rule: {error}", shown(&known.pairing.name)));
            }
        }
    }
    Ok(devices)
}

/// The kernel's name of a place on the bus (`1-2.1`) from a path under /sys: its last part.
fn ports_of(path: &Path) -> Result<String, Failed> {
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let is_ports =
        name.split_once('-').is_some_and(|(bus, ports)| is_number(bus) && ports.split('.').all(is_number));
    if path.starts_with("/sys") && is_ports {
        return Ok(name.to_owned());
    }
    Err(Failed::usage(
        format!("{} is no place of a USB device", shown(&path.display().to_string())),
        "name it as the kernel does: tetherbook attend /sys/bus/usb/devices/1-2; or leave it out",
    ))
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|letter| letter.is_ascii_digit())
}

/// Everything but the cable.
struct Home<'a> {
    invocation: &'a Invocation<'a>,
    started_us: u64,
    /// Held while this run attends to the phone; the system frees it however the process ends.
    lock: RefCell<Option<File>>,
}

impl Household for Home<'_> {
    fn claim(&mut self, pairing: &PairedPhone) -> bool {
        match claim_file(&self.invocation.database, &pairing.serial) {
            Ok(Some(lock)) => {
                self.lock.replace(Some(lock));
                true
            }
            Ok(None) => false,
            // Without the file two runs may meet; the session lock keeps them apart, one after the other.
            Err(error) => {
                self.invocation.warn(format!("tetherbook: no lock file beside the database: {error}"));
                true
            }
        }
    }

    fn sync(&mut self, pairing: &PairedPhone) -> Ran {
        let phone = format!("{USB_SCHEME}{}", pairing.serial);
        match sync::unattended(self.invocation, &phone, &pairing.book) {
            Ok(ended) => Ran { exit: ended.summary.exit, summary: Some(Box::new(ended.summary)) },
            // What went wrong may name a contact's file; the exit code says enough for a journal.
            Err(failed) => Ran { exit: failed.exit, summary: None },
        }
    }

    fn line(&mut self, text: &str) {
        self.invocation.warn(text);
    }

    fn notify(&mut self, notice: &Notice) {
        if !notification::show(notice) {
            self.invocation.say("tetherbook: no desktop took the notification");
        }
    }

    fn is_stopped(&self) -> bool {
        self.invocation.world.is_interrupted()
    }

    fn elapsed_ms(&self) -> u64 {
        self.invocation.world.clock.steady_us().saturating_sub(self.started_us) / 1_000
    }
}

/// The lock file of one phone beside the database, locked; `None` if another run holds it. It is never deleted, for two
/// runs could otherwise lock two different files of the same name.
fn claim_file(database: &Path, serial: &str) -> std::io::Result<Option<File>> {
    let mut name = database.file_name().unwrap_or_default().to_os_string();
    // A serial number may hold what a file name cannot.
    let digits: String = serial.bytes().take(64).map(|byte| format!("{byte:02x}")).collect();
    name.push(format!(".attend-{digits}.lock"));
    let path: PathBuf = database.with_file_name(name);
    let file = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(std::fs::TryLockError::WouldBlock) => Ok(None),
        Err(std::fs::TryLockError::Error(error)) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    use crate::report::ExitCode;

    #[test]
    fn a_place_is_the_last_part_of_a_path_under_sys() {
        let path = "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-2/1-2.4.1";
        assert_eq!(ports_of(Path::new(path)).unwrap(), "1-2.4.1");
        assert_eq!(ports_of(Path::new("/sys/bus/usb/devices/1-2")).unwrap(), "1-2");
        for path in
            ["1-2", "/tmp/1-2", "/sys", "/sys/usb1", "/sys/1-2:1.0", "/sys/1-", "/sys/1-2.", "/sys/../tmp/x"]
        {
            assert_eq!(ports_of(Path::new(path)).unwrap_err().exit, ExitCode::Usage, "{path}");
        }
    }

    #[test]
    fn one_run_at_a_time_attends_to_a_phone() {
        let folder = tempfile::tempdir().unwrap();
        let database = folder.path().join("t.db");
        let first = claim_file(&database, "A/1").unwrap();
        assert!(first.is_some());
        assert!(claim_file(&database, "A/1").unwrap().is_none());
        assert!(claim_file(&database, "A/2").unwrap().is_some());
        drop(first);
        assert!(claim_file(&database, "A/1").unwrap().is_some());
        assert!(claim_file(Path::new("/nowhere/t.db"), "A").is_err());
    }

    #[test]
    fn only_phones_on_the_cable_with_a_serial_number_can_be_attended_to() {
        let known = known_pairing("Red", "home", "usb:A1B2", Some("18d1:4ee1")).unwrap();
        assert_eq!((known.pairing.serial.as_str(), known.vendor), ("A1B2", Some(0x18d1)));
        assert_eq!(known_pairing("Red", "home", "usb:A1B2", None).unwrap().vendor, None);
        assert!(known_pairing("Red", "home", "usb:", None).is_none());
        assert!(known_pairing("Red", "home", "dir:/a", None).is_none());
    }
}
