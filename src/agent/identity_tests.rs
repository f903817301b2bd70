//! Which phone a connected one is taken for, case by case.

use super::*;
use crate::store::{PhoneId, PhonePairing, PhoneSighting};

fn guid(number: u8) -> Guid {
    Guid::from_random([number; 16])
}

const FRESH: u8 = 99;

fn known(number: u8, address: &str, has_serial: bool, generation: u64) -> KnownPhone {
    let sighting = PhoneSighting {
        guid: guid(number),
        label: "Pixel 7".to_owned(),
        serial: Some(address.to_owned()),
        profile: "android".to_owned(),
        listing: None,
        model: Some("Google Pixel 7".to_owned()),
        usb_id: address.starts_with("usb").then(|| "18d1:4ee1".to_owned()),
        has_serial,
    };
    let id = PhoneId(i64::from(number));
    KnownPhone { id, sighting, first_seen_ms: 0, last_seen_ms: 0, generation, pairing: None, learned: None }
}

fn cable(serial: &str, marker: Option<u8>) -> Appearance {
    let identity = DeviceIdentity {
        usb_id: (0x18d1, 0x4ee2),
        manufacturer: "Google".to_owned(),
        model: "Pixel 7".to_owned(),
        serial: serial.to_owned(),
        ..DeviceIdentity::default()
    };
    Appearance::new("usb".to_owned(), &identity, marker.map(guid))
}

fn folder(path: &str, marker: Option<u8>) -> Appearance {
    let identity = DeviceIdentity { is_directory: true, ..DeviceIdentity::default() };
    Appearance::new(format!("dir:{path}"), &identity, marker.map(guid))
}

/// Id, whether it is in doubt, and what the note says.
fn verdict(known: &[KnownPhone], here: &Appearance, is_still_there: bool) -> (u8, bool, Option<String>) {
    let verdict = decide(known, here, &|_| is_still_there, || guid(FRESH));
    let number = (0..=FRESH).find(|number| guid(*number) == verdict.guid).unwrap();
    (number, verdict.doubt.is_some(), verdict.note)
}

#[test]
fn serial_numbers_are_told_from_fillers() {
    for good in ["R58M123ABC", "LAB0001", "SIM0000000009", "0000000000000012", "1234-5679"] {
        assert!(is_serial_number(good), "{good}");
    }
    for bad in [
        "",
        "   ",
        "0000000000",
        "ffffffff",
        "0123456789ABCDEF",
        "0123456789abcdef0123456789abcdef",
        "123456789ABCDEF",
        "1234567890",
        "01:23:45:67:89",
        "unknown",
        "N/A",
        "ab1",
    ] {
        assert!(!is_serial_number(bad), "{bad}");
    }
}

#[test]
fn an_address_is_the_serial_number_else_the_model_else_the_id() {
    assert_eq!(usb_address(" R58M1 ", "Pixel 7", (1, 2)), "usb:R58M1");
    assert_eq!(usb_address("0123456789ABCDEF", "Pixel 7", (1, 2)), "usb:Pixel 7");
    assert_eq!(usb_address("", "", (0x18d1, 0x4ee1)), "usb:18d1:4ee1");
    let here = cable("R58M1", None);
    assert_eq!((here.model.as_str(), here.has_serial), ("Google Pixel 7", true));
    let identity = DeviceIdentity {
        manufacturer: "nokia".into(),
        model: "Nokia N9".into(),
        ..DeviceIdentity::default()
    };
    assert_eq!(Appearance::new("sim:/x".into(), &identity, None).model, "Nokia N9");
}

#[test]
fn marker_and_serial_number_that_agree_are_that_phone() {
    let phones = [known(1, "usb:R58M1", true, 3), known(2, "usb:R58M2", true, 3)];
    assert_eq!(verdict(&phones, &cable("R58M1", Some(1)), false), (1, false, None));
    assert_eq!(verdict(&phones, &cable("R58M2", Some(2)), false), (2, false, None));
    // Never seen before, marked by nobody or by another computer.
    assert_eq!(verdict(&phones, &cable("R58M3", None), false), (FRESH, false, None));
    assert_eq!(verdict(&phones, &cable("R58M3", Some(7)), false), (7, false, None));
    // Reset: the serial number tells, and the missing marker makes the channel compare everything.
    assert_eq!(verdict(&phones, &cable("R58M1", None), false), (1, false, None));
}

#[test]
fn a_marker_with_another_serial_number_makes_a_phone_of_its_own() {
    let mut phones = vec![known(1, "usb:R58M1", true, 3)];
    phones[0].pairing = Some(PhonePairing { name: "Ada's".into(), book: "home".into(), paired_ms: 1 });
    let (number, doubt, note) = verdict(&phones, &cable("R58M2", Some(1)), false);
    assert_eq!((number, doubt), (FRESH, false));
    let note = note.unwrap();
    assert!(note.contains("“Ada's” (usb:R58M1)") && note.contains("nothing is deleted"), "{note}");
    assert!(note.contains("pair it again"), "{note}");
    // In the next session it still shows that marker, because nothing was written to it; it is known by its number.
    phones.push(known(2, "usb:R58M2", true, 0));
    assert_eq!(verdict(&phones, &cable("R58M2", Some(1)), false), (2, false, None));
    // It had its own marker, and got the other one's folder again.
    phones[1].generation = 4;
    assert_eq!(verdict(&phones, &cable("R58M2", Some(1)), false), (2, true, None));
    // The first one goes on as it was.
    assert_eq!(verdict(&phones, &cable("R58M1", Some(1)), false), (1, false, None));
}

#[test]
fn phones_without_a_serial_number_are_told_by_the_marker_alone() {
    let phones = [known(1, "usb:Pixel 7", false, 3), known(2, "usb:Pixel 7", false, 3)];
    assert_eq!(verdict(&phones, &cable("", Some(2)), false), (2, false, None));
    assert_eq!(verdict(&phones, &cable("0000000", Some(1)), false), (1, false, None));
    let (number, doubt, note) = verdict(&phones, &cable("", None), false);
    assert_eq!((number, doubt), (FRESH, false));
    assert!(note.unwrap().contains("cannot be told from “Pixel 7” (usb:Pixel 7)"));
    // One that was never marked may be this one: it is never trusted.
    let phones = [known(1, "usb:Pixel 7", false, 3), known(2, "usb:Pixel 7", false, 0)];
    assert_eq!(verdict(&phones, &cable("", None), false), (2, true, None));
    // A number that came or went is another phone's.
    let phones = [known(1, "usb:R58M1", true, 3)];
    assert_eq!(verdict(&phones, &cable("", Some(1)), false).0, FRESH);
    let phones = [known(1, "usb:Pixel 7", false, 3)];
    assert_eq!(verdict(&phones, &cable("R58M1", Some(1)), false).0, FRESH);
    // Another maker's phone of that name.
    let mut phones = [known(1, "usb:Pixel 7", false, 3)];
    phones[0].sighting.usb_id = Some("0489:c000".into());
    assert_eq!(verdict(&phones, &cable("", Some(1)), false).0, FRESH);
}

#[test]
fn another_card_in_a_known_phone_is_a_replica_of_its_own() {
    let phones = [known(1, "usb:R58M1", true, 3)];
    let (number, doubt, note) = verdict(&phones, &cable("R58M1", Some(5)), false);
    assert_eq!((number, doubt), (5, false));
    assert!(note.unwrap().contains("another contacts folder"));
    let phones = [known(5, "usb:R58M1", true, 1), known(1, "usb:R58M1", true, 3)];
    assert_eq!(verdict(&phones, &cable("R58M1", Some(1)), false), (1, false, None));
}

#[test]
fn a_folder_may_be_mounted_elsewhere_and_a_copy_is_one_if_both_are_there() {
    let phones = [known(1, "dir:/media/card", true, 3)];
    assert_eq!(verdict(&phones, &folder("/mnt/card", Some(1)), false), (1, false, None));
    let (number, doubt, note) = verdict(&phones, &folder("/mnt/card", Some(1)), true);
    assert_eq!((number, doubt), (FRESH, false));
    assert!(note.unwrap().contains("folder of its own"));
    // A phone on the cable that is looked at as a folder may be a copy.
    let phones = [known(1, "usb:R58M1", true, 3)];
    assert_eq!(verdict(&phones, &folder("/mnt/phone", Some(1)), true), (1, true, None));
    // What was remembered before there were addresses counts.
    let mut phones = [known(1, "", true, 3)];
    phones[0].sighting.serial = None;
    assert_eq!(verdict(&phones, &cable("R58M1", Some(1)), false), (1, false, None));
}
