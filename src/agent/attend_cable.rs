//! One place on the USB bus as an attendance sees it: what is plugged in there, and whether it shows storages. While a
//! locked phone is waited for, one session stays open, so that its event StoreAdded is heard.

use std::path::Path;
use std::rc::Rc;

use super::attend_run::{Answer, Plugged, PluggedPhone, Rest};
use super::plugged::cable_quirks;
use crate::device::ProfileSet;
use crate::mtp::code::event;
use crate::mtp::{MtpError, Session, SessionOptions};
use crate::provider::Clock;
use crate::usb::{Holder, Ports, UsbDevice, UsbError};

/// A place on the bus.
pub struct PlaceOnBus<'a> {
    ports: &'a dyn Ports,
    place: String,
    profiles: &'a ProfileSet,
    clock: Rc<dyn Clock>,
    /// Whether a device node is there; it goes with the device.
    exists: fn(&Path) -> bool,
    device: Option<UsbDevice>,
    session: Option<Session>,
}

impl<'a> PlaceOnBus<'a> {
    /// The place that the kernel calls `place`, such as `1-2.1`.
    #[must_use]
    pub fn new(ports: &'a dyn Ports, place: String, profiles: &'a ProfileSet, clock: Rc<dyn Clock>) -> Self {
        Self { ports, place, profiles, clock, exists: Path::exists, device: None, session: None }
    }

    fn is_there(&self) -> bool {
        self.device.as_ref().is_some_and(|device| (self.exists)(&device.node()))
    }

    fn open(&mut self) -> Result<(), Answer> {
        let device = self.device.as_ref().ok_or(Answer::Gone)?;
        let quirks = self.profiles.quirks_of_usb(device.usb_id);
        let link = self.ports.connect(device, cable_quirks(quirks)).map_err(|error| answer_of_usb(&error))?;
        let options = SessionOptions { quirks: quirks.for_session(), ..SessionOptions::default() };
        let session = Session::open(link, Rc::clone(&self.clock), &options);
        self.session = Some(session.map_err(|error| answer_of_mtp(&error))?);
        Ok(())
    }
}

impl Plugged for PlaceOnBus<'_> {
    fn look(&mut self) -> Option<PluggedPhone> {
        // A bus that cannot be read shows no phone; the journal then has "nothing-there", and doctor tells why.
        let devices = self.ports.devices().unwrap_or_default();
        self.device = devices.into_iter().find(|device| device.ports == self.place);
        self.device.as_ref().map(|device| PluggedPhone {
            serial: device.serial.clone(),
            label: device.label(),
            is_mtp: device.is_mtp(),
        })
    }

    fn storages(&mut self) -> Answer {
        if self.session.is_none()
            && let Err(answer) = self.open()
        {
            // What cannot be opened any more because it left is gone, whatever the error was called.
            return if self.is_there() { answer } else { Answer::Gone };
        }
        let asked = self.session.as_mut().map(Session::storage_ids);
        let answer = match asked {
            Some(Ok(ids)) => Answer::Storages(ids.len()),
            Some(Err(error)) => answer_of_mtp(&error),
            None => Answer::Silent,
        };
        if !matches!(answer, Answer::Storages(_)) {
            self.session = None;
        }
        if self.is_there() { answer } else { Answer::Gone }
    }

    fn rest(&mut self, wait_ms: u64) -> Rest {
        let started_us = self.clock.steady_us();
        let heard = self.session.as_mut().map(|session| session.next_event(wait_ms));
        if let Some(Ok(Some(heard))) = &heard
            && heard.code == event::STORE_ADDED
        {
            return Rest::StorageCame;
        }
        // Another event, or an endpoint that gives no more, came at once; the rest of the time is slept.
        let waited_ms = self.clock.steady_us().saturating_sub(started_us) / 1_000;
        if waited_ms < wait_ms {
            self.clock.sleep_ms(wait_ms - waited_ms);
        }
        if self.is_there() { Rest::Quiet } else { Rest::Gone }
    }

    fn release(&mut self) {
        if let Some(mut session) = self.session.take() {
            // The session is over, confirmed or not.
            drop(session.close());
        }
    }
}

fn answer_of_usb(error: &UsbError) -> Answer {
    match error {
        UsbError::Gone => Answer::Gone,
        UsbError::NoPermission(_) => Answer::Denied,
        UsbError::Held(holders) => Answer::Held(names(holders)),
        _ => Answer::Silent,
    }
}

fn answer_of_mtp(error: &MtpError) -> Answer {
    match error {
        MtpError::Disconnected => Answer::Gone,
        MtpError::Locked(_) => Answer::Storages(0),
        MtpError::Held(by) => Answer::Held(by.clone()),
        _ => Answer::Silent,
    }
}

/// The programs, each once; empty if none can be seen.
fn names(holders: &[Holder]) -> String {
    let mut names: Vec<&str> = holders.iter().map(|holder| holder.program.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;
    use std::path::PathBuf;

    use crate::mtp::{Link, LockedSign};
    use crate::provider::TestClock;
    use crate::usb::{Access, CableQuirks, Change};

    /// A bus with one device that answers `connect` with this.
    struct Staged(RefCell<Option<UsbError>>);

    impl Ports for Staged {
        fn devices(&self) -> Result<Vec<UsbDevice>, UsbError> {
            Ok(vec![UsbDevice {
                bus: 1,
                address: 4,
                ports: String::from("1-2"),
                usb_id: (0x18d1, 0x4ee1),
                manufacturer: String::from("Example"),
                product: String::from("Phone"),
                serial: String::from("A1"),
                interface: None,
                access: Access::Granted,
            }])
        }
        fn connect(&self, _device: &UsbDevice, _quirks: CableQuirks) -> Result<Box<dyn Link>, UsbError> {
            Err(self.0.borrow_mut().take().unwrap())
        }
        fn holders(&self, _device: &UsbDevice) -> Vec<Holder> {
            Vec::new()
        }
        fn wait(&self, _timeout_ms: u64) -> Result<Change, UsbError> {
            Ok(Change::Nothing)
        }
    }

    fn asked(error: UsbError, exists: fn(&Path) -> bool) -> (Answer, Rest, i64) {
        let staged = Staged(RefCell::new(Some(error)));
        let profiles = ProfileSet::built_in().unwrap();
        let clock = Rc::new(TestClock::at(0));
        let shared: Rc<dyn Clock> = clock.clone();
        let mut place = PlaceOnBus { exists, ..PlaceOnBus::new(&staged, "1-2".into(), &profiles, shared) };
        let phone = place.look().unwrap();
        assert_eq!((phone.serial.as_str(), phone.is_mtp), ("A1", false));
        let (answer, rest) = (place.storages(), place.rest(150));
        (answer, rest, clock.now_ms())
    }

    #[test]
    fn errors_of_the_bus_become_answers() {
        let holder = |program: &str| Holder { process_id: 7, program: program.into() };
        for (error, answer) in [
            (UsbError::Gone, Answer::Gone),
            (UsbError::NoPermission(PathBuf::from("/dev/x")), Answer::Denied),
            (UsbError::Held(Vec::new()), Answer::Held(String::new())),
            (
                UsbError::Held(vec![holder("kiod5"), holder("gvfsd-mtp"), holder("kiod5")]),
                Answer::Held("gvfsd-mtp, kiod5".into()),
            ),
            (UsbError::NoInterface, Answer::Silent),
        ] {
            assert_eq!(asked(error, |_| true), (answer, Rest::Quiet, 150));
        }
    }

    #[test]
    fn a_device_whose_node_went_is_gone_whatever_the_error_says() {
        let (answer, rest, _) = asked(UsbError::Refused("I/O error".into()), |_| false);
        assert_eq!((answer, rest), (Answer::Gone, Rest::Gone));
    }

    #[test]
    fn another_place_is_empty() {
        let (staged, profiles) = (Staged(RefCell::new(None)), ProfileSet::built_in().unwrap());
        let clock: Rc<dyn Clock> = Rc::new(TestClock::at(0));
        let mut place = PlaceOnBus::new(&staged, "1-2.1".into(), &profiles, clock);
        assert_eq!(place.look(), None);
        assert_eq!(place.storages(), Answer::Gone);
    }

    #[test]
    fn errors_of_the_session_become_answers() {
        for (error, answer) in [
            (MtpError::Disconnected, Answer::Gone),
            (MtpError::Locked(LockedSign::NoStorages), Answer::Storages(0)),
            (MtpError::Held("kiod5".into()), Answer::Held("kiod5".into())),
            (MtpError::Busy, Answer::Silent),
            (MtpError::SessionLost, Answer::Silent),
        ] {
            assert_eq!(answer_of_mtp(&error), answer);
        }
    }
}
