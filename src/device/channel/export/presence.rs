//! Whether a phone has exports of an app at all: one of the newest files looks as if the app had written it. It decides
//! nothing about which one counts.

use super::channel::EXPORT_BYTES_MAX;
use super::exports::exports;
use super::finding::find;
use super::judging::looks_like_export;
use crate::device::profile::{DeviceProfile, ExportLayout};
use crate::device::search::Search;
use crate::device::tree::TreeError;

/// So many of the newest files are looked at for being this app's.
const LOOKS_MAX: usize = 3;

/// Whether there is an export of this app: one of the newest files looks as if the app had written it.
///
/// # Errors
/// When the phone cannot be asked.
pub fn is_there(search: &mut Search<'_>, profile: &DeviceProfile, now_ms: i64) -> Result<bool, TreeError> {
    let Some(section) = &profile.contacts.export else { return Ok(false) };
    let found = find(search, &profile.contacts, section)?;
    let is_set = section.layout == ExportLayout::OneCardPerFile;
    for export in exports(&found, section.layout, now_ms).iter().take(LOOKS_MAX) {
        let candidate = export.files.first().and_then(|index| found.candidates.get(*index));
        let Some(entry) = candidate.map(|candidate| &candidate.entry) else { continue };
        let is_dated = is_set || export.name_date.is_some();
        match search.tree().read(&entry.object, entry.size_bytes, EXPORT_BYTES_MAX) {
            Ok(bytes) if looks_like_export(&bytes, is_dated, section) => return Ok(true),
            Ok(_) => {}
            Err(error) if error.is_fatal() => return Err(error),
            // Whether it is one cannot be told; another may be.
            Err(_) => {}
        }
    }
    Ok(false)
}
