//! Collecting what `doctor` and `devices` look at: the bus through `agent`, this computer's files here. It reads, judges
//! nothing and writes nothing.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use crate::agent::{
    Computer, Database, DeviceFindings, Findings, Inspector, Libmtp, Probed, TableAnswer, Trouble,
    remembered_habits,
};
use crate::device::{ProfileSet, libmtp_knows};
use crate::store::{Store, StoreError};

use super::failure::Failed;
use super::invocation::Invocation;
use super::phone;
use super::world::World;

/// Where udev looks for rules, the administrator's own first.
const RULES_FOLDERS: [&str; 4] =
    ["etc/udev/rules.d", "run/udev/rules.d", "usr/local/lib/udev/rules.d", "usr/lib/udev/rules.d"];
/// The rule's file in them.
const RULE_FILE: &str = "69-tetherbook.rules";
/// The folder that is the program's alone.
const OWN_FOLDER: &str = "tetherbook";

impl From<Failed> for Trouble {
    fn from(failed: Failed) -> Self {
        Self { message: failed.message, fix: failed.hint.unwrap_or_default(), exit: failed.exit }
    }
}

/// Looks at every device on the bus, and into those that can be opened.
///
/// # Errors
/// When the bus cannot be read.
pub fn devices(
    world: &World,
    profiles: &ProfileSet,
    store: Option<&Store>,
) -> Result<Vec<DeviceFindings>, Failed> {
    // What is remembered only makes the look quicker.
    let habits = |address: &str| {
        store.and_then(|store| remembered_habits(store, address).ok().flatten()).unwrap_or_default()
    };
    let probed = |address: &str| {
        let phones = store?.phones().ok()?;
        Probed::of(phones.iter().find(|phone| phone.sighting.serial.as_deref() == Some(address))?)
    };
    let inspector = Inspector {
        ports: &*world.usb,
        profiles,
        habits: &habits,
        probed: &probed,
        table: &table_answer,
        clock: Rc::clone(&world.clock),
        randomness: Rc::clone(&world.randomness),
    };
    Ok(inspector.inspect_all()?)
}

/// What libmtp's table says of a USB id.
fn table_answer(usb_id: (u16, u16)) -> TableAnswer {
    if !cfg!(feature = "libmtp") {
        return TableAnswer::NoTable;
    }
    libmtp_knows(usb_id).map_or(TableAnswer::Absent, |known| TableAnswer::Listed {
        name: format!("{} {}", known.vendor, known.product),
        flags: known.flags.names().collect(),
    })
}

/// Everything that `doctor` looks at. `configuration` is what came of reading it; `release_was_asked` says that the desktop
/// was asked a moment ago to let go of the phones.
///
/// # Errors
/// When the profiles that are compiled in are faulty, which a test rules out.
pub fn findings(
    invocation: &Invocation<'_>,
    configuration: Result<Option<PathBuf>, Failed>,
    release_was_asked: bool,
) -> Result<Findings, Failed> {
    let world = invocation.world;
    let (profiles, told) = match phone::profiles(world) {
        Ok(profiles) => {
            let ids: Vec<&str> = profiles.all().iter().map(|profile| profile.id.as_str()).collect();
            let own = ids.iter().filter(|id| profiles.is_own(id)).count();
            let told = Ok((ids.len(), own));
            (profiles, told)
        }
        Err(failed) => (ProfileSet::built_in()?, Err(failed.into())),
    };
    let store = invocation.open_for_reading();
    let devices = devices(world, &profiles, store.as_ref().ok()).map_err(Trouble::from);
    let folder = existing_folder(&invocation.database);
    let free_bytes = free_bytes(&folder);
    Ok(Findings {
        devices,
        computer: Computer {
            udev_rule: udev_rule(&world.root),
            libmtp: libmtp(&world.root),
            configuration: configuration.map_err(Trouble::from),
            profiles: told,
            database: store.and_then(|store| look_over(&invocation.database, &store)).map_err(Trouble::from),
            exposed: exposed(&invocation.database),
            space: (folder, free_bytes),
        },
        release_was_asked,
        now_ms: world.clock.now_ms(),
    })
}

fn look_over(path: &Path, store: &Store) -> Result<Database, Failed> {
    if !path.exists() {
        return Ok(Database::Absent(path.to_path_buf()));
    }
    store.check()?;
    let looked = || -> Result<Database, StoreError> {
        let contacts = store.books()?.iter().map(|book| u64::try_from(book.contact_count).unwrap_or(0)).sum();
        Ok(Database::Sound { path: path.to_path_buf(), format: store.format()?, contacts })
    };
    Ok(looked()?)
}

/// The udev rule, where it is installed.
fn udev_rule(root: &Path) -> Option<PathBuf> {
    let found = RULES_FOLDERS.into_iter().find(|folder| root.join(folder).join(RULE_FILE).is_file())?;
    Some(Path::new("/").join(found).join(RULE_FILE))
}

/// libmtp's file, as the kernel lists it among those that this process has loaded. The library has no function that
/// tells its release; its file's name at least says which interface it has.
fn libmtp(root: &Path) -> Libmtp {
    if !cfg!(feature = "libmtp") {
        return Libmtp::NotBuiltIn;
    }
    let maps = fs::read_to_string(root.join("proc/self/maps")).unwrap_or_default();
    let mut files = maps.lines().filter_map(|line| line.rsplit_once('/').map(|(_, name)| name));
    Libmtp::BuiltIn(files.find(|name| name.starts_with("libmtp.so")).map(str::to_owned))
}

/// What of ours others may read or write.
fn exposed(database: &Path) -> Vec<(PathBuf, u32, u32)> {
    // A folder that was named for the database may be anybody's; only our own must be closed to others.
    let folder = database.parent().filter(|folder| folder.ends_with(OWN_FOLDER));
    let mut wanted: Vec<(PathBuf, u32)> =
        folder.map(|folder| (folder.to_path_buf(), 0o700)).into_iter().collect();
    for suffix in ["", "-wal", "-shm"] {
        let mut name = database.as_os_str().to_owned();
        name.push(suffix);
        wanted.push((PathBuf::from(name), 0o600));
    }
    let mode_of =
        |path: &Path| fs::metadata(path).ok().map(|metadata| metadata.permissions().mode() & 0o7777);
    wanted
        .into_iter()
        .filter_map(|(path, wanted)| mode_of(&path).map(|mode| (path, mode, wanted)))
        .filter(|(_, mode, _)| mode & 0o077 != 0)
        .collect()
}

/// The nearest folder above the database that exists.
fn existing_folder(database: &Path) -> PathBuf {
    let above = database.ancestors().skip(1).find(|above| above.is_dir());
    above.unwrap_or_else(|| Path::new(".")).to_path_buf()
}

/// What is free for this user on the disk of a folder, in bytes (POSIX statvfs: f_bavail blocks of f_frsize bytes).
fn free_bytes(folder: &Path) -> Option<u64> {
    let told = nix::sys::statvfs::statvfs(folder).ok()?;
    #[allow(clippy::useless_conversion, reason = "the types differ from system to system")]
    Some(u64::from(told.blocks_available()).saturating_mul(u64::from(told.fragment_size())))
}
