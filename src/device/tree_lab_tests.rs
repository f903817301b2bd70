//! The conformance body over a real cable, for the lab (tests/lab): run there with the first phone on the bus. Tests only.

use std::rc::Rc;

use super::profiles::ProfileSet;
use super::tree_conformance::{Expectation, Lengths, RenameSupport, check_tree};
use super::tree_mtp::MtpTree;
use crate::cli::World;
use crate::mtp::SessionOptions;
use crate::usb::{Bus, CableQuirks, Ports};

/// What each of the lab's phones does otherwise than a tree that does everything right.
pub(super) fn expectation_of(phone: &str) -> Expectation {
    let best = Expectation::BEST;
    match phone {
        // It has no SetObjectPropValue, takes a second object of a name for the first one, which it overwrites, and
        // never ends a transfer of whole 64 bytes.
        "qemu" | "qemu-ehci" => Expectation {
            rename: RenameSupport::Absent,
            tells_taken_names: false,
            lengths: Lengths::NoWhole64,
            ..best
        },
        // It overwrites too.
        "umtp" => Expectation { tells_taken_names: false, ..best },
        "sim:nokia-s40" => Expectation { rename: RenameSupport::Absent, ..best },
        _ => best,
    }
}

#[test]
#[ignore = "needs a phone on the bus: tests/lab runs it"]
fn lab_conformance_rusb() {
    let world = World::real();
    let phone = world.variable("lab_phone").expect("the lab says which phone it is").to_str().unwrap();
    let name = phone.split(',').next().unwrap_or_default();
    let clock = Rc::clone(&world.clock);
    let bus = Bus::new(Rc::clone(&clock), Box::new(|_| false));
    let devices = bus.devices().unwrap();
    let device = devices.iter().find(|device| device.is_mtp()).expect("a phone on the bus");
    let quirks = ProfileSet::built_in().unwrap().quirks_of_usb(device.usb_id);
    let options = SessionOptions { quirks: quirks.for_session(), ..SessionOptions::default() };
    let link = bus.connect(device, CableQuirks::default()).unwrap();
    let mut tree = MtpTree::open(link, clock, &options).unwrap();
    check_tree(&mut tree, &expectation_of(name));
}
