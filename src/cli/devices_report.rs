//! `devices --report`: what a developer must know of a phone to mend something, and nothing personal: no serial number
//! (a short hash stands for it), no file name, no label of a storage, no path of this computer.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::agent::{Contacts, DeviceFindings, Inside, Visit};
use crate::mtp::code::{device_property, event, format, operation};
use crate::report::{ExitCode, shown};

use super::devices::{evidence_of, quirks_of, state_of, table_text};
use super::failure::Failed;
use super::invocation::{Invocation, Outcome};
use super::world::World;

/// Writes the report to `file`, which must not exist; `-` is stdout.
///
/// # Errors
/// When it cannot be written.
pub fn write(invocation: &Invocation<'_>, devices: &[DeviceFindings], file: &Path) -> Outcome {
    let text = text(invocation.world, devices);
    if file == Path::new("-") {
        invocation.result_bytes(text.as_bytes())?;
        return Ok(ExitCode::Done);
    }
    let made = fs::OpenOptions::new().write(true).create_new(true).open(file);
    made.and_then(|mut made| made.write_all(text.as_bytes()))
        .map_err(|error| Failed::file("write", file, &error))?;
    invocation.say(format!("Written to {}; read it before you send it.", file.display()));
    Ok(ExitCode::Done)
}

/// The whole report.
fn text(world: &World, devices: &[DeviceFindings]) -> String {
    let mut text = format!("tetherbook {}\n", env!("CARGO_PKG_VERSION"));
    let features: Vec<&str> = [("libmtp", cfg!(feature = "libmtp")), ("gadget", cfg!(feature = "gadget"))]
        .into_iter()
        .filter_map(|(name, is_on)| is_on.then_some(name))
        .collect();
    line(&mut text, 0, "features", &listed(&features));
    line(&mut text, 0, "architecture", std::env::consts::ARCH);
    line(&mut text, 0, "kernel", &one_line(&world.root.join("proc/sys/kernel/osrelease")));
    line(&mut text, 0, "system", &system(&world.root.join("etc/os-release")));
    line(&mut text, 0, "devices", &devices.len().to_string());
    for (index, found) in devices.iter().enumerate() {
        text.push_str(&format!("\ndevice {}\n", index + 1));
        text.push_str(&without_serials(&device(world, found), found));
    }
    text
}

fn device(world: &World, found: &DeviceFindings) -> String {
    let device = &found.device;
    let mut text = String::new();
    let mut row = |name: &str, value: &str| line(&mut text, 1, name, value);
    row("name", &shown(&device.label()));
    row("serial", &hash(&device.serial));
    row("usb id", &device.usb_id_text());
    row("state", state_of(found));
    match device.interface {
        None => row("interface", "no MTP"),
        Some(interface) => row(
            "interface",
            &format!(
                "{} of configuration {}, alternate {}, in {:02x}, out {:02x}, interrupt {}, packets of {} bytes, {}",
                interface.number,
                interface.configuration,
                interface.alternate,
                interface.bulk_in,
                interface.bulk_out,
                interface.interrupt_in.map_or_else(|| String::from("none"), |end| format!("{end:02x}")),
                interface.packet_bytes,
                evidence_of(interface.evidence).1,
            ),
        ),
    }
    // The kernel's copy holds the descriptors only; the strings, which may be personal, are not in it.
    let descriptors = world.root.join("sys/bus/usb/devices").join(&device.ports).join("descriptors");
    let bytes = if device.ports.is_empty() { Vec::new() } else { fs::read(descriptors).unwrap_or_default() };
    row("descriptors", &if bytes.is_empty() { String::from("not to be had") } else { hexadecimal(&bytes) });
    let holders: Vec<&str> = found.holders.iter().map(|holder| holder.program.as_str()).collect();
    row("held by", &shown(&listed(&holders)));
    row("quirks", &listed(&quirks_of(found)));
    if let Some(text) = table_text(&found.in_table) {
        row("libmtp", &text);
    }
    match &found.visit {
        Visit::Inside(within) => inside(&mut text, within),
        Visit::Mute(error) => row("error", &shown(&error.to_string())),
        _ => {}
    }
    text
}

fn inside(text: &mut String, inside: &Inside) {
    let info = &inside.info;
    let mut row = |name: &str, value: &str| line(text, 1, name, value);
    row("manufacturer", &shown(&info.manufacturer));
    row("model", &shown(&info.model));
    row("device version", &shown(&info.device_version));
    row(
        "extension",
        &format!(
            "{:08x} version {}: {}",
            info.vendor_extension_id,
            info.vendor_extension_version,
            shown(&info.vendor_extension_text)
        ),
    );
    row("standard", &info.standard_version.to_string());
    row("functional mode", &format!("{:04x}", info.functional_mode));
    row("operations", &codes(&info.operations, operation::name));
    row("events", &codes(&info.events, event::name));
    row("properties", &codes(&info.device_properties, device_property::name));
    row("capture formats", &codes(&info.capture_formats, format::name));
    row("formats", &codes(&info.playback_formats, format::name));
    match &inside.storages {
        Ok(storages) => {
            for storage in storages {
                let of = &storage.info;
                let value = format!(
                    "{:08x}, type {:04x}, file system {:04x}, access {:04x}, {} bytes, {} free, {} objects free",
                    storage.id,
                    of.storage_type,
                    of.filesystem_type,
                    of.access,
                    of.capacity_bytes,
                    of.free_bytes,
                    of.free_objects
                );
                row("storage", &value);
            }
        }
        Err(error) => row("storages", &shown(&error.to_string())),
    }
    match &inside.profile {
        Some(profile) if profile.is_own => row("profile", "a person's own"),
        Some(profile) => row("profile", &profile.id),
        None => row("profile", "none"),
    }
    row("contacts", &contacts(inside));
    row("listing", &inside.listing);
    row("clock", if inside.date.is_some() { "shown" } else { "not shown" });
    let times = inside.durations;
    row(
        "milliseconds",
        &format!(
            "open {}, storages {}, contacts {}",
            times.open_us / 1000,
            times.storages_us / 1000,
            times.contacts_us / 1000
        ),
    );
    let costs: Vec<String> =
        inside.costs.transactions.iter().map(|(name, number)| format!("{name} {number}")).collect();
    row("transactions", &costs.join(", "));
    row("bytes", &format!("in {}, out {}", inside.costs.bytes_in, inside.costs.bytes_out));
}

/// Numbers only: an error may name a folder or a file.
fn contacts(inside: &Inside) -> String {
    match &inside.contacts {
        Contacts::Found { cards, doubt, newest, .. } => format!(
            "found, {cards} cards, {}, {}",
            if doubt.is_none() { "listed whole" } else { "not listed whole" },
            if newest.is_some() { "with dates" } else { "without dates" }
        ),
        Contacts::Nowhere(_) => String::from("no folder"),
        Contacts::NotLookedFor => String::from("not looked for"),
        Contacts::Unknown(_) => String::from("cannot be told"),
    }
}

fn line(text: &mut String, depth: usize, name: &str, value: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{:indent$}{name}: {value}", "", indent = depth * 2);
}

fn listed(words: &[&str]) -> String {
    if words.is_empty() { String::from("none") } else { words.join(", ") }
}

/// Codes with their names, as far as they have any.
fn codes(codes: &[u16], name: impl Fn(u16) -> &'static str) -> String {
    let words: Vec<String> = codes.iter().map(|&code| format!("{code:04x} {}", name(code))).collect();
    if words.is_empty() { String::from("none") } else { words.join(", ") }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The same short text for the same serial number every time, from which the number cannot be told: 32 bits of a hash,
/// which millions of serial numbers share.
fn hash(serial: &str) -> String {
    if serial.trim().is_empty() {
        return String::from("none");
    }
    let digest = Sha256::new().chain_update(b"tetherbook device report\0").chain_update(serial).finalize();
    format!("#{}", hexadecimal(digest.get(..4).unwrap_or_default()))
}

/// Some devices write their serial number into other texts too.
fn without_serials(text: &str, found: &DeviceFindings) -> String {
    let mut serials = vec![found.device.serial.as_str()];
    if let Visit::Inside(inside) = &found.visit {
        serials.extend([inside.info.serial.as_str(), inside.identity.serial.as_str()]);
    }
    // The longest first: one may be a part of another. A very short one would be found everywhere by chance.
    serials.sort_by_key(|serial| std::cmp::Reverse(serial.len()));
    serials
        .into_iter()
        .map(str::trim)
        .filter(|serial| serial.len() >= 4)
        .fold(text.to_owned(), |text, serial| text.replace(serial, &hash(serial)))
}

fn one_line(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let text = text.lines().next().unwrap_or_default().trim();
    if text.is_empty() { String::from("unknown") } else { shown(text) }
}

/// The distribution's name (os-release, PRETTY_NAME).
fn system(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let name = text.lines().find_map(|line| line.strip_prefix("PRETTY_NAME="));
    name.map_or_else(|| String::from("unknown"), |name| shown(name.trim_matches('"')))
}
