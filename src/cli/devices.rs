//! `devices`: what is plugged in and what can be seen of it. A session with a phone is opened for reading only.

use serde_json::{Value, json};

use crate::agent::{
    Contacts, DeviceFindings, Inside, PluggedFailure, ProfileFindings, TableAnswer, Visit, address_of,
};
use crate::device::SurveyedStorage;
use crate::provider::ProviderError;
use crate::report::{ExitCode, Label, Line, bytes, count, enumeration, hanging, shown};
use crate::usb::{Access, Evidence};

use super::arguments::DevicesArguments;
use super::computer;
use super::devices_report;
use super::invocation::{Invocation, Outcome};
use super::phone;

/// Where texts behind a label begin, in columns.
const TEXT_COLUMN: usize = 13;

/// Runs `devices`.
pub fn run(invocation: &Invocation<'_>, arguments: &DevicesArguments) -> Outcome {
    let profiles = phone::profiles(invocation.world)?;
    // A database that cannot be used is doctor's business; the phones can be shown without it.
    let store = invocation.open_for_reading().ok();
    let devices = computer::devices(invocation.world, &profiles, store.as_ref())?;
    if let Some(file) = &arguments.report {
        return devices_report::write(invocation, &devices, file);
    }
    if devices.is_empty() {
        return Err(PluggedFailure::NonePlugged.into());
    }
    if invocation.global.json {
        devices.iter().try_for_each(|found| invocation.json(&object(found)))?;
        return Ok(ExitCode::Done);
    }
    for (index, found) in devices.iter().enumerate() {
        if index > 0 {
            invocation.result("")?;
        }
        invocation.result_lines(&lines(found))?;
    }
    Ok(ExitCode::Done)
}

/// One word for what came of the look inside.
pub fn state_of(found: &DeviceFindings) -> &'static str {
    match &found.visit {
        Visit::ChargeOnly => "charge-only",
        Visit::Denied => "denied",
        Visit::Held => "held",
        Visit::Gone => "gone",
        Visit::Mute(_) => "mute",
        Visit::Inside(inside) if is_locked(inside) => "locked",
        Visit::Inside(_) => "open",
    }
}

fn is_locked(inside: &Inside) -> bool {
    match &inside.storages {
        Ok(storages) => storages.is_empty(),
        Err(error) => matches!(error, ProviderError::Locked(_)),
    }
}

/// What showed that a device speaks MTP, for people and for programs.
pub fn evidence_of(evidence: Evidence) -> (&'static str, &'static str) {
    match evidence {
        Evidence::ImageClass => ("by its interface class", "image-class"),
        Evidence::InterfaceName => ("by the interface's name", "interface-name"),
        Evidence::MicrosoftDescriptor => ("by Microsoft's descriptor", "microsoft-descriptor"),
        Evidence::KnownDevice => ("known by its USB id", "known-device"),
    }
}

/// The quirks that are on: those for the USB id, and those of the profile.
pub fn quirks_of(found: &DeviceFindings) -> Vec<&'static str> {
    let mut quirks = found.quirks.clone();
    if let Visit::Inside(inside) = &found.visit {
        quirks.extend(inside.profile.iter().flat_map(|profile| profile.quirks.iter().copied()));
    }
    quirks.sort_unstable();
    quirks.dedup();
    quirks
}

fn lines(found: &DeviceFindings) -> Vec<Line> {
    let device = &found.device;
    let mut lines = vec![Line::new().with(Label::Strong, &shown(&device.label()))];
    let mut row = |label: &str, text: &str| {
        let start = Line::new().with(Label::Plain, "  ").with(Label::Plain, label).padded_to(TEXT_COLUMN);
        lines.extend(hanging(start, Label::Plain, text, TEXT_COLUMN));
    };
    row("address", &shown(&address_of(device)));
    row("serial", &if device.serial.is_empty() { String::from("none") } else { shown(&device.serial) });
    let port = if device.ports.is_empty() { String::new() } else { format!(", port {}", device.ports) };
    row("USB", &format!("{}{port}, bus {}, device {}", device.usb_id_text(), device.bus, device.address));
    row(
        "mode",
        &device.interface.map_or_else(
            || String::from("charging only, or another mode; no file transfer (MTP)"),
            |interface| format!("file transfer (MTP), {}", evidence_of(interface.evidence).0),
        ),
    );
    let node = device.node();
    row(
        "access",
        &match device.access {
            Access::Granted => format!("{} opens", node.display()),
            Access::Denied => format!("no permission to open {}", node.display()),
        },
    );
    let holders: Vec<String> = found.holders.iter().map(|holder| shown(&holder.to_string())).collect();
    row(
        "held by",
        &match (&found.visit, holders.is_empty()) {
            (Visit::Held, true) => String::from("a program that this user cannot see"),
            (Visit::Held, false) => enumeration(&holders),
            (_, true) => String::from("nobody"),
            (_, false) => format!("nobody; also open in {}", enumeration(&holders)),
        },
    );
    match &found.visit {
        Visit::Inside(inside) => inside_rows(inside, &mut row),
        Visit::Mute(error) => row("state", &format!("it does not answer: {}", shown(&error.to_string()))),
        Visit::Gone => row("state", "it went while it was looked at"),
        Visit::ChargeOnly | Visit::Denied | Visit::Held => {
            row("state", "cannot be looked into; tetherbook doctor says what to do");
        }
    }
    let quirks = quirks_of(found);
    row("quirks", &if quirks.is_empty() { String::from("none") } else { quirks.join(", ") });
    if let Some(text) = table_text(&found.in_table) {
        row("libmtp", &text);
    }
    lines
}

/// What libmtp's table says, if there is one.
pub fn table_text(answer: &TableAnswer) -> Option<String> {
    match answer {
        TableAnswer::NoTable => None,
        TableAnswer::Absent => Some(String::from("not in its table")),
        TableAnswer::Listed { name, flags } if flags.is_empty() => Some(format!("{name}; no flags")),
        TableAnswer::Listed { name, flags } => Some(format!("{name}; {}", flags.join(", "))),
    }
}

fn inside_rows(inside: &Inside, row: &mut impl FnMut(&str, &str)) {
    match &inside.storages {
        _ if is_locked(inside) => row("storages", "none: the phone is locked, or not in file-transfer mode"),
        Ok(storages) => {
            for (index, storage) in storages.iter().enumerate() {
                row(if index == 0 { "storages" } else { "" }, &storage_text(storage));
            }
        }
        Err(error) => row("storages", &shown(&error.to_string())),
    }
    row("contacts", &contacts_text(inside));
    if let Some(profile) = inside.profile.as_ref().filter(|profile| !profile.cannot_hold.is_empty()) {
        row("cannot hold", &enumeration(&profile.cannot_hold));
    }
    row("profile", &inside.profile.as_ref().map_or_else(|| String::from("none"), profile_text));
}

fn storage_text(storage: &SurveyedStorage) -> String {
    let access = if storage.info.is_writable() { "writable" } else { "read-only" };
    let (free, capacity) = (bytes(storage.info.free_bytes), bytes(storage.info.capacity_bytes));
    format!("{}: {free} free of {capacity}, {access}", shown(&storage.label))
}

fn contacts_text(inside: &Inside) -> String {
    match &inside.contacts {
        Contacts::Found { storage, path, cards, doubt, .. } => {
            let place = if path.is_empty() { storage.clone() } else { format!("{storage}/{path}") };
            let doubt = doubt.as_ref().map(|why| format!(", perhaps more: {}", shown(why)));
            format!("{}, {}{}", shown(&place), count(*cards, "card"), doubt.unwrap_or_default())
        }
        Contacts::Nowhere(Some(why)) => shown(why),
        Contacts::Nowhere(None) => {
            let folders = inside.profile.as_ref().map(|profile| profile.folders.clone()).unwrap_or_default();
            format!("none: there is no folder {}", folders.join(" or "))
        }
        Contacts::NotLookedFor => String::from("could not be looked for"),
        Contacts::Unknown(error) => format!("cannot be told: {}", shown(&error.to_string())),
    }
}

fn profile_text(profile: &ProfileFindings) -> String {
    let origin = if profile.is_own { "your own" } else { "built in" };
    let maker =
        if profile.maker.is_empty() { String::new() } else { format!(", maker: {}", shown(&profile.maker)) };
    format!("{}: {} ({origin}{maker})", shown(&profile.id), shown(&profile.name))
}

/// One device in `--json`.
fn object(found: &DeviceFindings) -> Value {
    let device = &found.device;
    let inside = match &found.visit {
        Visit::Inside(inside) => Some(inside),
        _ => None,
    };
    let why = match &found.visit {
        Visit::Mute(error) => Some(error.to_string()),
        Visit::Inside(inside) => inside.storages.as_ref().err().map(ToString::to_string),
        _ => None,
    };
    json!({
        "type": "device",
        "name": device.label(),
        "address": address_of(device),
        "serial": device.serial,
        "usb_id": device.usb_id_text(),
        "port": device.ports,
        "bus": device.bus,
        "device": device.address,
        "mtp": device.is_mtp(),
        "evidence": device.interface.map(|interface| evidence_of(interface.evidence).1),
        "access": device.access == Access::Granted,
        "holders": found.holders.iter().map(|holder| {
            json!({"program": holder.program, "process": holder.process_id})
        }).collect::<Vec<_>>(),
        "state": state_of(found),
        "why": why,
        "storages": inside.and_then(|inside| inside.storages.as_ref().ok()).map(|storages| {
            storages.iter().map(|storage| json!({
                "label": storage.label,
                "free_bytes": storage.info.free_bytes,
                "capacity_bytes": storage.info.capacity_bytes,
                "writable": storage.info.is_writable(),
            })).collect::<Vec<_>>()
        }),
        "contacts": inside.and_then(|inside| match &inside.contacts {
            Contacts::Found { storage, path, cards, doubt, newest } => Some(json!({
                "storage": storage, "path": path, "cards": cards, "complete": doubt.is_none(), "newest": newest,
            })),
            _ => None,
        }),
        "profile": inside.and_then(|inside| inside.profile.as_ref()).map(|profile| json!({
            "id": profile.id, "name": profile.name, "maker": profile.maker, "own": profile.is_own,
            "channel": profile.channel, "cannot_hold": profile.cannot_hold,
        })),
        "quirks": quirks_of(found),
        "libmtp": match &found.in_table {
            TableAnswer::NoTable | TableAnswer::Absent => None,
            TableAnswer::Listed { name, flags } => Some(json!({"name": name, "flags": flags})),
        },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_of_libmtps_table_is_told_with_its_flags() {
        let listed = |flags: &[&'static str]| {
            table_text(&TableAnswer::Listed { name: String::from("Creative ZEN"), flags: flags.to_vec() })
        };
        assert_eq!(listed(&[]).unwrap(), "Creative ZEN; no flags");
        assert_eq!(
            listed(&["no-zero-reads", "long-timeout"]).unwrap(),
            "Creative ZEN; no-zero-reads, long-timeout"
        );
        assert_eq!(table_text(&TableAnswer::Absent).unwrap(), "not in its table");
        assert_eq!(table_text(&TableAnswer::NoTable), None, "what was not asked is not told");
    }
}
