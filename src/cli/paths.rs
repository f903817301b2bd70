//! Where files are (XDG Base Directory Specification). It makes nothing.

use std::path::{Path, PathBuf};

use super::failure::Failed;
use super::world::World;

/// The folder of the program under each base directory.
const FOLDER: &str = "tetherbook";

/// The database: what is named, else `TETHERBOOK_DATABASE`, else in the data folder.
///
/// # Errors
/// When neither is set and there is no home directory.
pub fn database(world: &World, named: Option<&Path>) -> Result<PathBuf, Failed> {
    if let Some(path) = named {
        return Ok(path.to_path_buf());
    }
    if let Some(path) = world.variable("TETHERBOOK_DATABASE") {
        return Ok(PathBuf::from(path));
    }
    let base =
        world.path_variable("XDG_DATA_HOME").or_else(|| home(world).map(|home| home.join(".local/share")));
    base.map(|base| base.join(FOLDER).join("tetherbook.db")).ok_or_else(|| {
        Failed::usage(
            "there is no home directory to keep the database in",
            "set HOME, or name a file with --database",
        )
    })
}

/// The configuration file that is looked for if none is named; `None` without a home directory.
#[must_use]
pub fn configuration(world: &World) -> Option<PathBuf> {
    configuration_folder(world).map(|folder| folder.join("config.toml"))
}

/// The folder of a person's own device profiles; `None` without a home directory.
#[must_use]
pub fn device_profiles(world: &World) -> Option<PathBuf> {
    configuration_folder(world).map(|folder| folder.join("device-profiles"))
}

fn configuration_folder(world: &World) -> Option<PathBuf> {
    let base =
        world.path_variable("XDG_CONFIG_HOME").or_else(|| home(world).map(|home| home.join(".config")));
    base.map(|base| base.join(FOLDER))
}

fn home(world: &World) -> Option<PathBuf> {
    world.path_variable("HOME")
}
