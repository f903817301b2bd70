//! Files of a DecSync directory, dated by the clock of the device that writes them, and what is at the top of it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tetherbook::provider::Clock;

use super::names::decoded;

/// Why an app does not touch a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unusable {
    /// `.decsync-info` cannot be read as what it should be.
    InvalidInfo,
    /// A version that the library does not know.
    UnsupportedVersion(i64),
}

/// The directory's version; a directory without `.decsync-info` becomes one of version 2.
pub fn version(root: &Path, clock: &dyn Clock) -> Result<i64, Unusable> {
    let path = root.join(".decsync-info");
    if !path.exists() {
        make(root, 2, clock);
    }
    let info: serde_json::Value =
        serde_json::from_str(&read(&path).unwrap_or_default()).map_err(|_| Unusable::InvalidInfo)?;
    match info.get("version").and_then(serde_json::Value::as_i64) {
        Some(version @ 1..=2) => Ok(version),
        Some(other) => Err(Unusable::UnsupportedVersion(other)),
        None => Err(Unusable::InvalidInfo),
    }
}

/// Makes a directory of that version, or sets its version.
pub fn make(root: &Path, version: i64, clock: &dyn Clock) {
    write(&root.join(".decsync-info"), &format!("{{\"version\":{version}}}"), clock);
}

/// The ids of the address books, in order.
pub fn collections(root: &Path) -> Vec<String> {
    children(&root.join("contacts"), true)
}

/// What is in a folder under decoded names, in order; nothing if there is no such folder.
pub fn children(folder: &Path, folders: bool) -> Vec<String> {
    let Ok(found) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = found
        .map(Result::unwrap)
        .filter(|entry| entry.path().is_dir() == folders)
        .filter_map(|entry| decoded(entry.file_name().to_str()?))
        .collect();
    names.sort();
    names
}

/// The file's text; `None` if it is not there.
pub fn read(path: &Path) -> Option<String> {
    fs::read(path).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
}

/// Writes a file as an app does, which leaves the app's time on it.
pub fn write(path: &Path, text: &str, clock: &dyn Clock) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(u64::try_from(clock.now_ms()).unwrap());
    fs::File::options().write(true).open(path).unwrap().set_modified(now).unwrap();
}

/// Every file below a folder: path from there and content.
pub fn everything(root: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(root).unwrap().display().to_string();
                found.insert(name, read(&path).unwrap_or_default());
            }
        }
    }
    found
}
