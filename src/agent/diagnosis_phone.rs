//! The checks of one phone, in the order in which a sync meets them. Those that an earlier one keeps from being made are
//! left out. Pure.

use super::diagnosis::{Check, label_of};
use super::findings::{Contacts, DeviceFindings, Findings, Inside, Visit};
use super::phone_date::{self, PhoneDate, Skew};
use super::plugged::address_of;
use super::release::{HolderKind, kind_of};
use crate::provider::ProviderError;
use crate::report::{ExitCode, bytes, count, enumeration, shown};
use crate::usb::Holder;

/// A clock that differs by more than this, in seconds, is worth a word.
const SKEW_MAX_S: i64 = 60;
/// With less than this, in bytes, a phone may run out of room.
const ROOM_BYTES: u64 = 10_000_000;
/// What every phone is asked for that shows no files.
const CHOOSE_FILE_TRANSFER: &str =
    "unlock the phone, pull down its notifications, tap the one about USB, and choose \"File transfer\"";

/// What there is to say of one device. `other_speaks`: there is a phone on the bus that offers MTP.
pub(super) fn checks_of(found: &DeviceFindings, findings: &Findings, other_speaks: bool) -> Vec<Check> {
    let address = address_of(&found.device);
    let mut checks = vec![plugged(found, &address)];
    let mut go_on = |made: Check| {
        let is_well = made.exit == ExitCode::Done;
        checks.push(made);
        is_well
    };
    if go_on(file_transfer(found, other_speaks))
        && found.device.is_mtp()
        && go_on(permission(found, findings))
        && go_on(other_programs(found, findings.release_was_asked))
        && go_on(conversation(found))
        && let Visit::Inside(inside) = &found.visit
        && go_on(screen(inside))
        && go_on(contacts(inside))
    {
        checks.extend(newest(inside, findings.now_ms));
        checks.push(clock(inside, findings.now_ms));
        checks.extend(space(inside));
    }
    for check in &mut checks {
        check.phone = Some(address.clone());
    }
    // A conversation that came about is no news.
    checks.retain(|check| check.name != "conversation" || check.exit != ExitCode::Done);
    checks
}

fn plugged(found: &DeviceFindings, address: &str) -> Check {
    let place = if found.device.ports.is_empty() {
        format!("bus {}, device {}", found.device.bus, found.device.address)
    } else {
        format!("port {}", found.device.ports)
    };
    let label = label_of(found);
    Check::well("phone", format!("{label} is plugged in ({}, {place})", shown(address)))
}

fn file_transfer(found: &DeviceFindings, other_speaks: bool) -> Check {
    let text = "off: it only charges, or is in another mode";
    match (found.device.is_mtp(), other_speaks) {
        (true, _) => Check::well("file-transfer", "on (MTP)"),
        (false, false) => Check::failed("file-transfer", ExitCode::PhoneLocked, text, CHOOSE_FILE_TRANSFER),
        (false, true) => Check::warning(
            "file-transfer",
            text,
            format!("if this is the phone that is meant: {CHOOSE_FILE_TRANSFER}"),
        ),
    }
}

fn permission(found: &DeviceFindings, findings: &Findings) -> Check {
    let node = found.device.node();
    let node = node.display();
    if found.visit != Visit::Denied {
        return Check::well("permission", format!("this user may open {node}"));
    }
    // The rule knows the phones of the profiles; naming this one makes it work for any.
    let command = format!("sudo tetherbook udev install --device {}", found.device.usb_id_text());
    let fix = if findings.computer.udev_rule.is_some() {
        format!(
            "the rule that is there does not cover it, or came after it was plugged in: {command}, then unplug the phone \
             and plug it in again; the rule gives it to whoever sits at this computer, so over a network use sudo"
        )
    } else {
        format!("{command}, then unplug the phone and plug it in again")
    };
    Check::failed("permission", ExitCode::Failed, format!("this user may not open {node}"), fix)
}

fn other_programs(found: &DeviceFindings, release_was_asked: bool) -> Check {
    let names: Vec<String> = found.holders.iter().map(|holder| shown(&holder.to_string())).collect();
    match (&found.visit, found.holders.first()) {
        (Visit::Held, Some(holder)) => Check::failed(
            "other-programs",
            ExitCode::PhoneBusy,
            format!("held by {}", enumeration(&names)),
            way_to_free(holder, release_was_asked),
        ),
        (Visit::Held, None) => Check::failed(
            "other-programs",
            ExitCode::PhoneBusy,
            "held by a program that this user cannot see",
            "sudo tetherbook doctor names it; unplugging the phone and plugging it in again frees it too",
        ),
        // Android's debugger, for example, has the node open for an interface of its own.
        (_, Some(_)) => Check::well(
            "other-programs",
            format!("free; also open in {}, which does not disturb", enumeration(&names)),
        ),
        (_, None) => Check::well("other-programs", "none holds it"),
    }
}

/// How the holder is made to let go.
fn way_to_free(holder: &Holder, release_was_asked: bool) -> String {
    let program = shown(&holder.program);
    match kind_of(&holder.program) {
        HolderKind::Gvfs if release_was_asked => String::from(
            "close what still uses files on the phone, then eject it in the file manager; or unplug it, plug it in \
             again, and run the same command at once",
        ),
        HolderKind::Gvfs => String::from(
            "tetherbook doctor --release asks the desktop to let go of it; or eject the phone in the file manager",
        ),
        HolderKind::Kde => {
            let version = program.strip_prefix("kiod").unwrap_or_default();
            let now = if program.starts_with("kiod") {
                format!(", or end its service: kquitapp{version} {program}")
            } else {
                String::new()
            };
            format!(
                "KDE keeps every phone open while it is plugged in: eject it in Dolphin{now}; for good: tetherbook pair, \
                 sudo tetherbook udev install, then plug it in again, after which KDE leaves this phone alone"
            )
        }
        HolderKind::Mount => format!(
            "unmount it: fusermount -u FOLDER, where FOLDER is what findmnt --types fuse.{program} shows"
        ),
        HolderKind::Tool | HolderKind::Other => format!(
            "wait until {program} (process {}) is done, or close it; then run the same command again",
            holder.process_id
        ),
    }
}

fn conversation(found: &DeviceFindings) -> Check {
    let name = "conversation";
    let again = "unplug the phone, unlock it, plug it in again and choose \"File transfer\"";
    match &found.visit {
        Visit::Gone => Check::failed(name, ExitCode::NoPhone, "it went while it was looked at", again),
        Visit::Mute(ProviderError::Disconnected(why) | ProviderError::NotFound(why)) => {
            Check::failed(name, ExitCode::NoPhone, shown(why), again)
        }
        Visit::Mute(ProviderError::Busy(why)) => {
            Check::failed(name, ExitCode::PhoneBusy, shown(why), "wait a minute, then try again")
        }
        Visit::Mute(ProviderError::Locked(why)) => {
            Check::failed(name, ExitCode::PhoneLocked, shown(why), CHOOSE_FILE_TRANSFER)
        }
        Visit::Mute(error) => Check::failed(name, ExitCode::Failed, shown(&error.to_string()), again),
        _ => Check::well(name, ""),
    }
}

fn screen(inside: &Inside) -> Check {
    let locked = "locked: the phone shows no storage";
    let fix = "unlock its screen, keep it on for a moment, then run the same command again";
    match &inside.storages {
        Ok(storages) if storages.is_empty() => Check::failed("screen", ExitCode::PhoneLocked, locked, fix),
        Ok(storages) => {
            let labels: Vec<String> = storages.iter().map(|storage| shown(&storage.label)).collect();
            Check::well("screen", format!("unlocked: it shows {}", enumeration(&labels)))
        }
        Err(ProviderError::Locked(_)) => Check::failed("screen", ExitCode::PhoneLocked, locked, fix),
        Err(error) => Check::failed(
            "screen",
            ExitCode::Failed,
            format!("its storages cannot be told: {}", shown(&error.to_string())),
            "unplug the phone, plug it in again, then try again",
        ),
    }
}

fn contacts(inside: &Inside) -> Check {
    let name = "contacts";
    let folders = inside.profile.as_ref().map(|profile| profile.folders.as_slice()).unwrap_or_default();
    match &inside.contacts {
        Contacts::Found { storage, path, cards, doubt, .. } => {
            let place = if path.is_empty() { storage.clone() } else { format!("{storage}/{path}") };
            let text = format!("{} in {}", count(*cards, "card"), shown(&place));
            match doubt {
                None => Check::well(name, text),
                Some(why) => Check::warning(
                    name,
                    format!("{text}, and perhaps more: {}", shown(why)),
                    "nothing is deleted because of that; unplug the phone and plug it in again",
                ),
            }
        }
        Contacts::Nowhere(Some(why)) => Check::failed(
            name,
            ExitCode::NoChannel,
            shown(why),
            inside.profile.as_ref().map_or_else(
                || String::from("tetherbook profiles list shows what can be on a phone"),
                |profile| {
                    format!("tetherbook profiles show {} says what must be on the phone", shown(&profile.id))
                },
            ),
        ),
        Contacts::Nowhere(None) => Check::failed(
            name,
            ExitCode::NoChannel,
            format!("there is no contacts folder: none of {}", enumeration(folders)),
            format!(
                "make the folder {} on the phone with its file manager, and let an app keep contacts there as .vcf \
                 files; tetherbook sync makes it too, once the PC has a contact",
                folders.first().map_or("Contacts", String::as_str)
            ),
        ),
        Contacts::Unknown(error) => Check::failed(
            name,
            if matches!(error, ProviderError::Locked(_)) { ExitCode::PhoneLocked } else { ExitCode::Failed },
            format!("it cannot be told where they are: {}", shown(&error.to_string())),
            "unlock the phone, unplug it and plug it in again, then try again",
        ),
        Contacts::NotLookedFor => Check::failed(
            name,
            ExitCode::NoChannel,
            "no device profile is for this phone",
            "put one into the folder device-profiles beside the configuration",
        ),
    }
}

fn newest(inside: &Inside, now_ms: i64) -> Option<Check> {
    let Contacts::Found { cards, newest, .. } = &inside.contacts else { return None };
    let Some(text) = newest else {
        let text = if *cards == 0 { "there is none yet" } else { "the phone tells no dates" };
        return Some(Check::well("newest-contact", text));
    };
    let age = phone_date::parse(text).map_or(0, |date| phone_date::age_s(date, now_ms)) / 86_400;
    let ago = match usize::try_from(age) {
        Ok(days @ 1..) => format!(", at least {} ago", count(days, "day")),
        _ => String::new(),
    };
    let spoken = shown(&phone_date::spoken(text));
    Some(Check::well("newest-contact", format!("changed {spoken} by the phone's clock{ago}")))
}

/// Nothing is written, so the clock can only be read where the phone shows it, or be caught by dates in the future.
fn clock(inside: &Inside, now_ms: i64) -> Check {
    let name = "clock";
    let fix = "let the phone set its date and time by the network, and look at this computer's too";
    let shows = inside.date.as_deref().and_then(phone_date::parse);
    let newest = match &inside.contacts {
        Contacts::Found { newest, .. } => newest.as_deref().and_then(phone_date::parse),
        _ => None,
    };
    let far = |seconds: i64| Check::warning(name, format!("the phone's is {}", off_by(seconds)), fix);
    match (shows.map(|date: PhoneDate| phone_date::skew(date, now_ms)), newest) {
        (Some(Skew::Exact(seconds) | Skew::UpToZone(seconds)), _) if seconds.abs() > SKEW_MAX_S => {
            far(seconds)
        }
        (Some(Skew::BeyondZones(seconds)), _) => far(seconds),
        (Some(Skew::Exact(seconds)), _) => Check::well(name, format!("the phone's is {}", off_by(seconds))),
        (Some(Skew::UpToZone(seconds)), _) => Check::well(
            name,
            format!("the phone's is {}, as far as that can be told without its time zone", off_by(seconds)),
        ),
        (None, Some(date)) if phone_date::future_s(date, now_ms) > SKEW_MAX_S => Check::warning(
            name,
            format!(
                "a contact on the phone was changed in the future: the phone's clock is, or was, at least {}",
                off_by(phone_date::future_s(date, now_ms))
            ),
            fix,
        ),
        (None, Some(_)) => Check::well(name, "the phone does not show it, and no contact is from the future"),
        (None, None) => {
            Check::well(name, "cannot be told: the phone does not show it, and has no dated contact")
        }
    }
}

fn off_by(seconds: i64) -> String {
    let direction = if seconds < 0 { "behind" } else { "ahead of" };
    let amount = match seconds.unsigned_abs() {
        0 => return String::from("the same as this computer's"),
        second @ 1..120 => format!("{second} s"),
        second @ 120..7_200 => format!("{} min", second / 60),
        second @ 7_200..172_800 => format!("{} h", second / 3_600),
        second => format!("{} days", second / 86_400),
    };
    format!("{amount} {direction} this computer's")
}

fn space(inside: &Inside) -> Option<Check> {
    let storages = inside.storages.as_ref().ok()?;
    let meant = |label: &str| match &inside.contacts {
        Contacts::Found { storage, .. } => storage == label,
        _ => true,
    };
    let storage = storages.iter().find(|storage| meant(&storage.label))?;
    let (free, label) = (storage.info.free_bytes, shown(&storage.label));
    let name = "phone-space";
    Some(if !storage.info.is_writable() {
        Check::warning(
            name,
            format!("{label} takes no writes"),
            "unlock the phone; if that stays so, sync in one direction: tetherbook sync --mode phone-to-pc",
        )
    } else if storage.info.capacity_bytes == 0 {
        Check::well(name, format!("what is free in {label} cannot be told"))
    } else if free < ROOM_BYTES {
        Check::warning(name, format!("only {} free in {label}", bytes(free)), "free some space on the phone")
    } else {
        Check::well(name, format!("{} free in {label}", bytes(free)))
    })
}
