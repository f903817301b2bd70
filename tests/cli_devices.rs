//! `devices`, `doctor` and `sync` on a staged USB bus: every situation, whole outputs and exit codes. The phones are
//! simulated ones behind a claimed cable; nothing here needs a kernel with USB.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::expect_used,
    reason = "a test may stop at the first surprise"
)]

mod staged_bus;

use std::fs;
use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;
use staged_bus::{Computer, charger, everything, phone};
use tetherbook::usb::Access;

const ALL: [&str; 4] = ["doctor", "doctor --json", "devices", "devices --json"];

fn denied(computer: &Computer) {
    let mut phone = computer.phone();
    phone.device.access = Access::Denied;
    computer.plug(phone);
}

fn held_by(computer: &Computer, program: &str) {
    let mut phone = computer.phone().with_cards("Contacts", 3).with_holders(&[program]);
    phone.is_held = true;
    computer.plug(phone);
}

#[test]
fn nothing_is_plugged_in() {
    let computer = Computer::new();
    assert_snapshot!(computer.transcript(&ALL));
    assert_eq!(everything(&computer.path("home")).len(), 0, "looking leaves nothing behind");
}

#[test]
fn a_phone_that_only_charges() {
    let computer = Computer::new();
    computer.plug(charger(4, "Phone 9", "R58M123ABC"));
    assert_snapshot!(computer.transcript(&ALL));
}

#[test]
fn a_locked_phone() {
    let computer = Computer::new();
    let phone = computer.phone().with_cards("Contacts", 3);
    phone.phone.as_ref().unwrap().lock();
    computer.plug(phone);
    assert_snapshot!(computer.transcript(&ALL));
}

#[test]
fn a_phone_that_the_desktop_holds() {
    let computer = Computer::new();
    held_by(&computer, "gvfsd-mtp");
    assert_snapshot!(computer.transcript(&ALL));
}

#[test]
fn every_kind_of_holder_has_its_own_fix() {
    let mut text = String::new();
    for program in ["kiod6", "kioworker", "jmtpfs", "mtp-detect", "python3.11"] {
        let computer = Computer::new();
        held_by(&computer, program);
        text += &computer.run("doctor --quiet");
    }
    let computer = Computer::new();
    let mut unseen = computer.phone();
    unseen.is_held = true;
    computer.plug(unseen);
    text += &computer.run("doctor --quiet");
    assert_snapshot!(text);
}

#[test]
fn no_permission() {
    let computer = Computer::new();
    denied(&computer);
    let mut text = computer.transcript(&ALL);
    computer.write("root/etc/udev/rules.d/69-tetherbook.rules", "# staged\n");
    text += &computer.run("doctor");
    assert_snapshot!(text);
}

#[test]
fn no_contacts_folder() {
    let computer = Computer::new();
    computer.plug(computer.phone());
    assert_snapshot!(computer.transcript(&ALL));
    assert_eq!(computer.writes(), 0, "no folder is made by looking for one");
}

#[test]
fn all_is_well() {
    let computer = Computer::new();
    computer.plug(computer.phone().with_cards("Contacts", 3).with_holders(&["adb"]));
    computer.write("root/usr/lib/udev/rules.d/69-tetherbook.rules", "# staged\n");
    let first = computer.transcript(&ALL);
    assert_eq!(computer.writes(), 0, "devices and doctor write nothing");
    let synced = computer.run("sync --phone usb --quiet");
    assert!(synced.ends_with("[exit 0]\n"), "{synced}");
    let before = everything(&computer.path("home"));
    let second = computer.run("doctor");
    assert_eq!(everything(&computer.path("home")), before, "doctor writes nothing to the database's folder");
    assert_snapshot!(first + &second);
}

#[test]
fn two_phones_and_a_charger() {
    let computer = Computer::new();
    computer.plug(computer.phone().with_cards("Contacts", 3));
    computer.plug(phone(&computer.clock, 5, "zen", "ZEN42"));
    computer.plug(charger(6, "Earphones", ""));
    assert_snapshot!(computer.transcript(&["doctor", "devices"]));
}

#[test]
fn a_session_that_somebody_else_left_open_does_not_matter() {
    let computer = Computer::new();
    let phone = computer.phone().with_cards("Contacts", 3);
    drop(phone.phone.as_ref().unwrap().plug_in(tetherbook::sim::FaultPlan::none()));
    computer.plug(phone);
    let first = computer.run("doctor");
    assert!(first.ends_with("[exit 0]\n"), "{first}");
    assert_eq!(first, computer.run("doctor"), "looking twice sees the same");
}

#[test]
fn the_phones_clock_is_caught_by_dates_in_the_future() {
    let computer = Computer::new();
    computer.plug(computer.phone().with_cards("Contacts", 3));
    computer.clock.advance_ms(-40 * 86_400_000);
    let text = computer.run("doctor --quiet");
    let words: Vec<&str> = text.split_whitespace().collect();
    let said = "changed in the future: the phone's clock is, or was, at least 29 days ahead";
    assert!(words.join(" ").contains(said), "{text}");
    assert!(text.ends_with("[exit 0]\n"), "{text}");
}

#[test]
fn what_is_wrong_on_this_computer_is_said_with_its_fix() {
    let computer = Computer::new();
    let phone = computer.phone().with_cards("Contacts", 3);
    phone.phone.as_ref().unwrap().set_free_bytes(Some(1_000_000));
    computer.plug(phone);
    computer.run("sync --phone usb --quiet");
    let data = computer.path("home/.local/share/tetherbook");
    fs::set_permissions(&data, fs::Permissions::from_mode(0o755)).unwrap();
    fs::set_permissions(data.join("tetherbook.db"), fs::Permissions::from_mode(0o644)).unwrap();
    let mut text = computer.run("doctor --quiet");
    computer.write("home/.config/tetherbook/config.toml", "colour = \"always\"\n");
    computer.write("home/.config/tetherbook/device-profiles/mine.toml", "id = \"mine\"\nsurprise = 1\n");
    fs::write(data.join("tetherbook.db"), [b"SQLite format 3\0".as_slice(), &[0xff; 500]].concat()).unwrap();
    text += &computer.run("doctor --quiet");
    assert_snapshot!(text);
}

#[test]
fn a_damaged_database_is_found() {
    let computer = Computer::new();
    computer.plug(computer.phone().with_cards("Contacts", 200));
    computer.run("sync --phone usb --quiet");
    let path = computer.path("home/.local/share/tetherbook/tetherbook.db");
    let mut bytes = fs::read(&path).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 3000].fill(0x55);
    fs::write(&path, bytes).unwrap();
    let text = computer.run("doctor --quiet");
    assert!(text.contains("FAIL  database") && text.contains("is damaged"), "{text}");
    assert!(text.contains("put a backup") && text.ends_with("[exit 1]\n"), "{text}");
}

/// A stand-in for GLib's `gio`: lists this mount, and lets go when it is asked to unmount it.
fn gio(computer: &Computer, mount: &str, unmount: &str) {
    let script = format!(
        "#!/bin/sh\ncase \"$2\" in\n--list) echo 'Volume(0): Phone'; echo '  Mount(0): Phone -> {mount}' ;;\n\
         --unmount) [ \"$3\" = '{mount}' ] || exit 3; {unmount} ;;\nesac\n"
    );
    computer.write("bin/gio", &script);
    fs::set_permissions(computer.path("bin/gio"), fs::Permissions::from_mode(0o755)).unwrap();
}

fn held_by_the_desktop(computer: &Computer) {
    let mut phone = computer.phone().with_cards("Contacts", 3).with_holders(&["gvfsd-mtp"]);
    computer.write("mounted", "");
    phone.held_while = Some(computer.path("mounted"));
    computer.plug(phone);
}

#[test]
fn release_asks_the_desktop_and_looks_again() {
    let computer = Computer::new();
    held_by_the_desktop(&computer);
    let mut text = computer.run("doctor --release");
    let mount = "mtp://Fabrikam_Phone_9_R58M123ABC/";
    gio(&computer, mount, "echo 'gio: mount is busy' >&2; exit 2");
    text += &computer.run("doctor --release --quiet");
    text += &computer.run("doctor --release --json");
    let mounted = computer.path("mounted").display().to_string();
    gio(&computer, "mtp://%5Busb%3A001%2C004%5D/", &format!("/bin/rm {mounted}"));
    text += &computer.run("doctor --release");
    gio(&computer, "sftp://host/", "exit 3");
    text += &computer.run("doctor --release --json").lines().take(2).collect::<Vec<_>>().join("\n");
    assert_snapshot!(text);
}

#[test]
fn a_report_holds_what_is_needed_and_nothing_personal() {
    let computer = Computer::new();
    let phone = computer.phone().with_cards("Contacts", 3);
    phone.phone.as_ref().unwrap().add_storage("Ada's card", "ADA-1", phone.phone_storage());
    computer.plug(phone);
    computer.plug(charger(6, "Phone R58M999XYZ", "R58M999XYZ"));
    fs::create_dir_all(computer.path("root/sys/bus/usb/devices/1-4")).unwrap();
    fs::write(computer.path("root/sys/bus/usb/devices/1-4/descriptors"), [18, 1, 0, 2]).unwrap();
    let report = computer.run("devices --report");
    for personal in ["R58M", "Ada", "ada-", "ADA-1", "shared storage", "/tmp", "home"] {
        assert!(!report.contains(personal), "{personal} is in the report:\n{report}");
    }
    let to_file = computer.run("devices --report {T}/report.txt");
    assert!(to_file.contains("read it before you send it"), "{to_file}");
    let again = computer.run("devices --report {T}/report.txt");
    assert!(again.ends_with("[exit 1]\n"), "an existing file is left alone: {again}");
    let written = fs::read_to_string(computer.path("report.txt")).unwrap();
    assert!(written.lines().filter(|line| !line.starts_with("  libmtp: ")).all(|line| report.contains(line)));
    assert_eq!(written.contains("  libmtp: "), cfg!(feature = "libmtp"), "what the table says is told");
    // Whether the program was built for the lab as well is nothing that the report's shape depends on.
    assert_snapshot!(report.replace("features: libmtp, gadget\n", "features: libmtp\n"));
}

#[test]
fn syncing_a_phone_that_cannot_be_reached() {
    let mut text = Computer::new().transcript(&["sync --phone usb", "sync --phone usb --json"]);
    let computer = Computer::new();
    computer.plug(charger(4, "Phone 9", "R58M123ABC"));
    text += &computer.transcript(&["sync --phone usb", "sync --phone usb:NONESUCH"]);
    let computer = Computer::new();
    held_by(&computer, "gvfsd-mtp");
    text += &computer.transcript(&["sync --phone usb", "sync --phone usb --json"]);
    let computer = Computer::new();
    denied(&computer);
    text += &computer.run("sync --phone usb");
    let computer = Computer::new();
    computer.plug(computer.phone());
    computer.plug(phone(&computer.clock, 5, "zen", "ZEN42"));
    text += &computer.run("sync --phone usb");
    let computer = Computer::new();
    let locked = computer.phone().with_cards("Contacts", 3);
    locked.phone.as_ref().unwrap().lock();
    computer.plug(locked);
    text += &computer.run("sync --phone usb");
    assert_snapshot!(text);
}

#[test]
fn syncing_the_one_of_two_phones_that_is_named() {
    let computer = Computer::new();
    computer.plug(computer.phone().with_cards("Contacts", 3));
    computer.plug(phone(&computer.clock, 5, "zen", "ZEN42"));
    assert_snapshot!(computer.transcript(&[
        "sync --phone usb:R58M123ABC --dry-run",
        "sync --phone usb:R58M123ABC",
        "sync --phone usb:R58M123ABC",
    ]));
    assert_eq!(computer.bus.plugged.borrow()[1].writes(), 0, "the other one is left alone");
}
