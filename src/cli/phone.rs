//! Opening the phone that an address names: one that is plugged in, a folder, or the simulated phone over a folder.

use std::path::Path;
use std::rc::Rc;

use crate::agent::{self, ConnectedPhone, Opening, PluggedFailure};
use crate::device::{InterruptibleTree, MtpTree, PhoneAddress, ProfileSet, Transport};
use crate::mtp::SessionOptions;
use crate::report::ExitCode;
use crate::sim::{DirectoryStorage, FaultPlan, Personality, Phone, SharedStorage, SharedTrace};
use crate::store::Store;
use crate::usb::Access;

use super::failure::Failed;
use super::invocation::Invocation;
use super::paths;
use super::world::World;

/// The personality of a simulated phone for which none is named.
const DEFAULT_PERSONALITY: &str = "android";

/// Opens the tree of the phone at `address`.
///
/// # Errors
/// When it is not there, or does not answer.
pub fn open_phone(
    world: &World,
    store: &Store,
    profiles: &ProfileSet,
    address: &PhoneAddress,
    transport: Option<Transport>,
) -> Result<ConnectedPhone, Failed> {
    match address {
        PhoneAddress::Directory(path) => {
            let tree = existing(path).and_then(|()| Ok(address.open_directory()?))?;
            let tree = tree.ok_or_else(|| absent(path))?;
            let tree = Box::new(InterruptibleTree::new(tree, world.interrupt()));
            Ok(ConnectedPhone { tree, address: format!("dir:{}", whole(path)) })
        }
        PhoneAddress::Simulated { directory, personality } => {
            existing(directory)?;
            open_simulated(world, store, directory, personality)
        }
        PhoneAddress::Usb { selector } => {
            let devices = world.usb.devices().map_err(PluggedFailure::from)?;
            let device = agent::choose(&devices, selector)?;
            let opening =
                Opening { profiles, store, clock: &world.clock, transport, interrupt: world.interrupt() };
            Ok(agent::open(&*world.usb, device, opening)?)
        }
    }
}

/// How long the system may take to give access to a phone that was just plugged in, in milliseconds.
const ACCESS_WAIT_MS: u64 = 5_000;
/// How often a person's wish to stop is looked for, in milliseconds.
const LOOK_EVERY_MS: u64 = 500;

/// Waits until a phone that `selector` means is plugged in, offers file transfer and may be opened; at most `wait_s`
/// seconds, where 0 stands for ever. When the time is up, what is missing is for whoever opens the phone to say.
///
/// # Errors
/// When the bus cannot be read, or the person wants to stop.
pub fn wait_for(invocation: &Invocation<'_>, selector: &str, wait_s: u64) -> Result<(), Failed> {
    let world = invocation.world;
    let started_us = world.clock.steady_us();
    let elapsed_ms = || world.clock.steady_us().saturating_sub(started_us) / 1_000;
    let mut has_said = false;
    let mut denied_since_ms = None;
    while wait_s == 0 || elapsed_ms() < wait_s.saturating_mul(1_000) {
        if world.is_interrupted() {
            return Err(Failed::told(ExitCode::Interrupted));
        }
        let devices = world.usb.devices().map_err(PluggedFailure::from)?;
        match agent::choose(&devices, selector) {
            Ok(device) if device.access == Access::Granted => return Ok(()),
            // Access comes with udev's rules, a moment after the phone; if it does not come, that is to be said.
            Ok(_) if elapsed_ms() > *denied_since_ms.get_or_insert_with(elapsed_ms) + ACCESS_WAIT_MS => {
                return Ok(());
            }
            Ok(_) => {}
            Err(PluggedFailure::Several(_)) => return Ok(()),
            Err(_) if !has_said => {
                has_said = true;
                denied_since_ms = None;
                invocation.say("Waiting for the phone to be plugged in. Ctrl-C ends it.");
            }
            Err(_) => denied_since_ms = None,
        }
        world.usb.wait(LOOK_EVERY_MS).map_err(PluggedFailure::from)?;
    }
    Ok(())
}

fn open_simulated(
    world: &World,
    store: &Store,
    directory: &Path,
    personality: &str,
) -> Result<ConnectedPhone, Failed> {
    let name = if personality.is_empty() { DEFAULT_PERSONALITY } else { personality };
    let personality = Personality::by_name(name).ok_or_else(|| {
        Failed::usage(
            format!("there is no simulated phone named {name:?}"),
            format!("name one of: {}", Personality::names().join(", ")),
        )
    })?;
    let address = format!("sim:{}", whole(directory));
    let storage: SharedStorage = DirectoryStorage::shared(directory);
    let phone = Phone::new(personality, storage, Rc::clone(&world.clock));
    connect_simulated(world, store, &phone, FaultPlan::none(), address, None)
}

/// Plugs a simulated phone in and opens a session with it; what goes over the cable can be followed in `trace`, if
/// one is wanted.
///
/// # Errors
/// When the planned faults keep it from answering.
pub fn connect_simulated(
    world: &World,
    store: &Store,
    phone: &Phone,
    faults: FaultPlan,
    address: String,
    trace: Option<&mut Option<SharedTrace>>,
) -> Result<ConnectedPhone, Failed> {
    let habits = agent::remembered_habits(store, &address)?.unwrap_or_default();
    let options = SessionOptions {
        listing_method: MtpTree::listing_method_of(&habits),
        interrupt: world.interrupt(),
        ..SessionOptions::default()
    };
    let link = phone.plug_in(faults);
    match trace {
        Some(trace) => *trace = Some(link.trace()),
        None => link.trace().borrow_mut().skips_containers = true,
    }
    let tree = MtpTree::open(Box::new(link), Rc::clone(&world.clock), &options)?;
    Ok(ConnectedPhone { tree: Box::new(tree), address })
}

/// The known devices; a person's own profiles go first.
///
/// # Errors
/// When a profile cannot be read.
pub fn profiles(world: &World) -> Result<ProfileSet, Failed> {
    let mut profiles = ProfileSet::built_in()?;
    if let Some(folder) = paths::device_profiles(world) {
        profiles.add_folder(&folder)?;
    }
    Ok(profiles)
}

fn existing(path: &Path) -> Result<(), Failed> {
    if path.is_dir() { Ok(()) } else { Err(absent(path)) }
}

fn absent(path: &Path) -> Failed {
    if path.exists() {
        return Failed::new(
            ExitCode::NoPhone,
            format!("{} is a file, not a folder", path.display()),
            "name the folder that it is in; or take one file's contacts in: tetherbook import FILE",
        );
    }
    if path.starts_with("~") {
        // A shell replaces ~ only at the beginning of a word, and here dir: stands before it.
        return Failed::new(
            ExitCode::NoPhone,
            format!("there is no folder {}", path.display()),
            "write $HOME instead of ~, which the shell leaves as it is behind a colon",
        );
    }
    Failed::new(
        ExitCode::NoPhone,
        format!("there is no folder {}", path.display()),
        "check its name, and that the phone or card is plugged in and mounted",
    )
}

/// Where a folder is on this computer stands for the serial number that it does not have.
fn whole(path: &Path) -> String {
    path.canonicalize().unwrap_or_else(|_| path.to_path_buf()).display().to_string()
}
