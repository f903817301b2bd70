//! What a person is told about the contacts that wait in a file on the phone: whole sentences, each with the file and
//! the next step. It decides nothing.

use crate::device::profile::ExportSection;

/// Something that happened to a file, or did not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// A file with contacts that were not offered before; `again` of them were, and did not arrive.
    New { place: String, count: usize, again: usize },
    /// A file was written anew: with `edited` other cards, without `dropped` contacts, or because it had not arrived.
    Rewritten { place: String, count: usize, edited: usize, dropped: usize },
    /// A file was removed, for none of its contacts is wanted any more.
    Removed { place: String },
    /// A file lies there unopened, as far as can be seen.
    Waits { place: String, count: usize },
    /// A file is gone, and no export tells yet what became of its contacts.
    Gone { place: String, count: usize },
    /// Something else stands under a file's name; `count` contacts wait for it to go.
    Foreign { place: String, count: usize },
    /// A file could not be removed, so that it could not be replaced either.
    Stuck { place: String, why: String },
    /// A file could not be sent.
    Unsent { place: String, count: usize, why: String },
    /// A file could not be looked at.
    Unclear { place: String, count: usize, why: String },
    /// A file of this kind that nothing is known of.
    Stranger { place: String },
}

/// "1 contact", "3 contacts".
pub fn contacts(count: usize) -> String {
    if count == 1 { String::from("1 contact") } else { format!("{count} contacts") }
}

fn wait(count: usize) -> String {
    if count == 1 { String::from("1 contact waits") } else { format!("{count} contacts wait") }
}

fn why_rewritten(edited: usize, dropped: usize) -> String {
    let (changed, less) = (contacts(edited), contacts(dropped));
    match (edited, dropped) {
        (0, 0) => String::from("because it had not arrived whole"),
        (0, _) => format!("with {less} less"),
        (_, 0) => format!("because {changed} changed on the PC"),
        _ => format!("because {changed} changed on the PC, and with {less} less"),
    }
}

impl Told {
    /// The sentences for it.
    pub fn words(&self, profile: &ExportSection) -> String {
        let ExportSection { how_to_export, how_to_import, .. } = profile;
        match self {
            Self::New { place, count, again: 0 } => {
                format!(
                    "The file {place} on the phone holds {} that it lacks. {how_to_import}",
                    contacts(*count)
                )
            }
            Self::New { place, count, again } => format!(
                "The file {place} on the phone holds {} that it lacks, {again} of them again, for their earlier file is \
                 gone and the newest export is without them. {how_to_import}",
                contacts(*count)
            ),
            Self::Rewritten { place, count, edited, dropped } => {
                let why = why_rewritten(*edited, *dropped);
                format!(
                    "The file {place} on the phone was written anew, {why}; {} in it. If it was opened on the phone \
                     already, do not open it again but make an export. {how_to_import}",
                    wait(*count)
                )
            }
            Self::Removed { place } => {
                format!(
                    "The file {place} was removed from the phone, because none of its contacts is missing there now."
                )
            }
            Self::Waits { place, count } => format!(
                "{} in {place} on the phone. {how_to_import} If that was done already, make an export. {how_to_export}",
                wait(*count)
            ),
            Self::Gone { place, count } => format!(
                "{} to be seen on the phone: the file {place} with them is no longer there. Make an export so that it \
                 can be seen whether they were taken in. {how_to_export}",
                wait(*count)
            ),
            Self::Foreign { place, count: 0 } => format!(
                "The file {place} on the phone is not as it was written, so it was left there; delete it on the phone \
                 if it is not needed."
            ),
            Self::Foreign { place, count } => format!(
                "{} for the file {place} on the phone, which is not as it was written, so it was left there; open it \
                 or delete it on the phone.",
                wait(*count)
            ),
            Self::Stuck { place, why } => format!(
                "The file {place} on the phone is out of date and could not be removed ({why}); delete it on the \
                 phone, and do not open it."
            ),
            Self::Unsent { place, count, why } => format!(
                "{} could not be left in {place} on the phone: {why}; the next sync tries again.",
                contacts(*count)
            ),
            Self::Unclear { place, count, why } => {
                format!("{} in {place} on the phone, which could not be looked at: {why}.", wait(*count))
            }
            Self::Stranger { place } => format!(
                "The file {place} on the phone is from another computer or an earlier pairing; delete it on the phone \
                 if its contacts are there already, so that they are not taken in twice."
            ),
        }
    }
}
