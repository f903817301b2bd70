//! What is to be done about one file that was left on the phone: a function of what is remembered, what was found
//! there, and what is wanted. It must not touch a phone or a memory.

use super::offers_memory::{DropFile, FileState, Hash};
use crate::device::channel::recovery::is_torn;

/// What stands under a file's name on the phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sight {
    /// Surely nothing.
    Missing,
    /// What was written there, as far as its size tells.
    AsWritten,
    /// Exactly what was written there, or was to be.
    Whole,
    /// What is in the way of it and ours: a torn transfer of it, or what it was to replace.
    OurRemains,
    /// Something else.
    Foreign,
    /// It could not be looked at. Says why.
    Unclear(String),
}

/// How the wanted contacts relate to what stands in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rest {
    /// None of its contacts is wanted any more.
    Nothing,
    /// Every one of them, with just these cards.
    AsWritten,
    /// Some of them, or with other cards.
    Otherwise,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Nothing: it lies there and waits for the person.
    Wait,
    /// It lies there, and that is to be remembered.
    Confirm,
    /// Nothing: it is gone, and no export since says what became of its contacts.
    WaitForExport,
    /// It is seen to be gone for the first time.
    NoteGone,
    /// It is gone, and an export made since lacks its contacts: they are new again.
    OfferAgain,
    /// It is to be written, in place of what is ours under its name.
    Write,
    /// It is to be removed from the phone.
    Remove,
    /// It is of no more interest.
    Forget,
    /// Nothing: something else stands under its name.
    LeaveForeign,
    /// It is of no more interest, but what stands under its name is left there.
    ForgetForeign,
    /// Nothing: it could not be looked at.
    LeaveUnclear(String),
}

/// Whether the content must be read to decide: its size and name are enough for a file that just waits.
pub fn must_be_read(state: &FileState, rest: Rest) -> bool {
    rest != Rest::AsWritten || matches!(state, FileState::Sent { .. })
}

/// What bytes under a file's name are to it.
pub fn compare(state: &FileState, held: &[u8]) -> Sight {
    match state {
        FileState::Lies { content, .. } | FileState::Gone { content, .. } => {
            if Hash::of(held) == *content {
                Sight::Whole
            } else {
                Sight::Foreign
            }
        }
        FileState::Sent { replaces, .. } => {
            let intended = state.unconfirmed_bytes().unwrap_or_default();
            if held == intended {
                Sight::Whole
            } else if is_torn(held, &intended) || Some(Hash::of(held)) == *replaces {
                Sight::OurRemains
            } else {
                Sight::Foreign
            }
        }
    }
}

/// What an object of this size is to a file that need not be read.
pub fn compare_size(state: &FileState, found_bytes: u64) -> Sight {
    match state {
        FileState::Lies { size_bytes, .. } | FileState::Gone { size_bytes, .. }
            if *size_bytes == found_bytes =>
        {
            Sight::AsWritten
        }
        _ => Sight::Foreign,
    }
}

/// Decides. `has_newer_export`: there is an export that is surely younger than the moment at which a gone file was
/// found to be gone.
pub fn decide(file: &DropFile, sight: &Sight, rest: Rest, has_newer_export: bool) -> Step {
    let is_gone = matches!(file.state, FileState::Gone { .. });
    let is_sent = matches!(file.state, FileState::Sent { .. });
    match (sight, rest) {
        (Sight::Unclear(why), _) => Step::LeaveUnclear(why.clone()),
        (Sight::Foreign, Rest::Nothing) => Step::ForgetForeign,
        (Sight::Foreign, _) => Step::LeaveForeign,
        (Sight::Missing, Rest::Nothing) => Step::Forget,
        // An upload that was cut, or whose answer was lost: nobody has seen the file yet.
        (Sight::Missing, _) if is_sent => Step::Write,
        (Sight::Missing, _) if is_gone && has_newer_export => Step::OfferAgain,
        (Sight::Missing, _) if is_gone => Step::WaitForExport,
        (Sight::Missing, _) => Step::NoteGone,
        // Nothing is removed or replaced that was not read and is not ours byte for byte.
        (Sight::OurRemains | Sight::Whole, Rest::Nothing) => Step::Remove,
        (Sight::OurRemains, _) | (Sight::Whole, Rest::Otherwise) => Step::Write,
        (Sight::Whole | Sight::AsWritten, _) if is_sent || is_gone => Step::Confirm,
        (Sight::Whole | Sight::AsWritten, _) => Step::Wait,
    }
}
