//! What must hold for any bytes that come from a phone's files or a person's profiles; the fuzz targets call it, and a
//! test with their seeds.
//!
//! Only compiled for tests and with the feature `fuzzing`. It asserts and decides nothing.

pub use super::channel::fuzzing::{decsync, export};
use super::profile::{DeviceProfile, ProfileError};
use super::tree::{DeviceIdentity, is_plain_name};
use crate::contact::fuzzing::Target;

/// The targets of this room.
pub const TARGETS: [Target; 3] = [("decsync", decsync), ("profile", profile), ("export", export)];

/// The name of the file that this profile would have to be in.
fn file_of(text: &str) -> String {
    let id = text.split("id = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap_or("any");
    format!("{id}.toml")
}

/// A device profile.
pub fn profile(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let file = file_of(text);
    let profile = match DeviceProfile::parse(&file, text) {
        Ok(profile) => profile,
        Err(ProfileError { file: named, reason }) => {
            assert_eq!(named, file, "the error names the file");
            assert!(!reason.trim().is_empty() && !reason.contains('\n'), "and says on one line why");
            return;
        }
    };
    let written = profile.to_text().unwrap_or_default();
    assert_eq!(DeviceProfile::parse(&file, &written).as_ref(), Ok(&profile), "what is written is read again");
    assert!(DeviceProfile::parse("other.toml", text).is_err() || profile.id == "other");
    let folders = profile.contacts.folders.iter();
    assert!(folders.flat_map(|path| path.split('/')).all(|name| name == "." || is_plain_name(name)));
    let _ = (profile.contacts.projection(), profile.contacts.object_format_code());
    let device = DeviceIdentity { model: String::from("aaaaaaaaaaaaaaaab"), ..DeviceIdentity::default() };
    assert_eq!(profile.matches.accepts(&device), profile.matches.unmet(&device).is_empty());
    let _ = profile.matches.contradiction();
    if let Some(export) = &profile.contacts.export {
        let _ = export.accepts_name("contacts-2026-11-21.vcf");
    }
}
