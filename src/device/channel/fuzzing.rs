//! What must hold for any bytes in a phone's contacts folder; the fuzz targets call it, and a test with their seeds.
//!
//! Only compiled for tests and with the feature `fuzzing`. It asserts and decides nothing.

pub use super::decsync::fuzzing::decsync;
use super::export::fuzzing as exports;
use super::marker::Marker;
use super::names::{NameRule, card_file_name, is_card_name, is_temporary, name_of_temporary, temporary_name};

/// An export file, names, or what is remembered of a phone; the first byte says which.
pub fn export(bytes: &[u8]) {
    let Some((kind, bytes)) = bytes.split_first() else { return };
    match kind % 6 {
        4 => marker(bytes),
        5 => names(bytes),
        kind => exports::export(kind, bytes),
    }
}

fn marker(bytes: &[u8]) {
    let Ok(marker) = Marker::parse(bytes) else { return };
    assert_eq!(Marker::parse(marker.to_text().as_bytes()), Ok(marker), "what is written is read again");
    let cut = bytes.get(..bytes.len().saturating_sub(2)).unwrap_or_default();
    assert!(cut.ends_with(b"end") || Marker::parse(cut).is_err(), "a cut marker is none");
}

fn names(bytes: &[u8]) {
    let Some(([length, ascii, attempt], stem)) = bytes.split_first_chunk::<3>() else { return };
    let Ok(stem) = std::str::from_utf8(stem) else { return };
    let _ = (is_card_name(stem), is_temporary(stem), name_of_temporary(stem));
    let rule = NameRule { ascii: ascii & 1 == 1, length_max: u16::from(*length).max(32) };
    let name = card_file_name(stem, rule, attempt % 9);
    assert!(name.len() <= usize::from(rule.length_max) && is_card_name(&name));
    assert!(crate::device::is_plain_name(&name) && (!rule.ascii || name.is_ascii()));
    let temporary = temporary_name(&name, rule);
    assert!(is_temporary(&temporary) && !is_card_name(&temporary));
    assert!(temporary.len() <= usize::from(rule.length_max));
}
