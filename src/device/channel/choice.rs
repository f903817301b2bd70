//! Which of the ways that a phone may carry contacts it does: what is there decides, in the order of the profiles. It
//! writes nothing.

use super::contract::{Channel, ChannelOptions};
use super::decsync::{DecsyncChannel, Sought};
use super::names::MARKER_NAME;
use super::vcard_folder::{VcardFolder, VcardFolderOptions};
use crate::device::profile::{ChannelKind, DeviceProfile};
use crate::device::search::Search;
use crate::device::tree::{ObjectTree, TreeError};
use crate::ics::Guid;
use crate::provider::{ChannelMemory, ProviderError};

/// A memory that holds nothing and takes nothing: for looking at a phone that is not synced.
#[derive(Debug, Clone, Copy)]
pub struct NoMemory;

impl ChannelMemory for NoMemory {
    fn get(&self, _replica: Guid, _name: &str) -> Result<Option<Vec<u8>>, ProviderError> {
        Ok(None)
    }

    fn put(&self, _replica: Guid, _name: &str, _bytes: &[u8]) -> Result<(), ProviderError> {
        Err(ProviderError::Storage(String::from("nothing is remembered while a phone is only looked at")))
    }

    fn remove(&self, replica: Guid, name: &str) -> Result<(), ProviderError> {
        self.put(replica, name, &[])
    }

    fn names(&self, _replica: Guid, _prefix: &str) -> Result<Vec<String>, ProviderError> {
        Ok(Vec::new())
    }
}

/// Opens the channel that a phone has: the first of `candidates`, best first, whose contacts are there. A vCard folder
/// needs none to be there, for it can be made. The profile with the id `remembered` goes first, if its contacts are
/// still there; a change of channel would compare everything anew.
///
/// # Errors
/// When the phone cannot be asked, or has no such channel.
pub fn open_channel<'p, 'm>(
    mut tree: Box<dyn ObjectTree>,
    candidates: &[&'p DeviceProfile],
    remembered: Option<&str>,
    options: ChannelOptions<'m>,
) -> Result<(Box<dyn Channel + 'm>, &'p DeviceProfile), ProviderError> {
    let mut decsync = Sought::new(&options)?;
    let profile = choose(&mut *tree, candidates, remembered, &mut decsync)?;
    let channel: Box<dyn Channel + 'm> = match profile.contacts.channel {
        ChannelKind::VcardFolder => Box::new(VcardFolder::open(tree, profile, folder_options(options))?),
        ChannelKind::Decsync => Box::new(DecsyncChannel::open(tree, profile, options, decsync)?),
        ChannelKind::Export => {
            return Err(ProviderError::NoChannel(format!("the channel of {} is not there", profile.id)));
        }
    };
    Ok((channel, profile))
}

fn folder_options(options: ChannelOptions<'_>) -> VcardFolderOptions {
    VcardFolderOptions {
        access: options.access,
        guid_if_unmarked: options.guid_if_unmarked,
        label: options.label,
        clock: options.clock,
    }
}

fn choose<'p>(
    tree: &mut dyn ObjectTree,
    candidates: &[&'p DeviceProfile],
    remembered: Option<&str>,
    decsync: &mut Sought,
) -> Result<&'p DeviceProfile, ProviderError> {
    let first = candidates.iter().copied().find(|profile| Some(profile.id.as_str()) == remembered);
    // What needs nothing to be there is settled without asking the phone.
    if let Some(profile) = first.or_else(|| candidates.first().copied())
        && profile.contacts.channel == ChannelKind::VcardFolder
        && (first.is_some() || candidates.len() == 1)
    {
        return Ok(profile);
    }
    let identity = tree.identity().clone();
    let mut search = Search::new(tree).map_err(TreeError::for_side)?;
    let profiles = first.map_or_else(|| candidates.to_vec(), |first| vec![first]);
    for profile in profiles {
        if is_there(&mut search, profile, candidates, decsync).map_err(TreeError::for_side)? {
            return Ok(profile);
        }
    }
    Err(ProviderError::NoChannel(match (first, candidates) {
        // Another way would be another replica, and everything on it would be new.
        (Some(before), _) => format!(
            "it was synced through the profile {} before, and nothing of that is there now; to go another way, name it: \
             --profile ID",
            before.id
        ),
        (None, [only]) => format!("there is nothing on it that the profile {} is for", only.id),
        (None, _) => format!("no profile is for {} {}", identity.manufacturer, identity.model),
    }))
}

fn is_there(
    search: &mut Search<'_>,
    profile: &DeviceProfile,
    candidates: &[&DeviceProfile],
    decsync: &mut Sought,
) -> Result<bool, TreeError> {
    Ok(match profile.contacts.channel {
        ChannelKind::VcardFolder => true,
        ChannelKind::Decsync => decsync.is_there(search)?,
        // A folder that was in step before, with whatever computer, goes before a file that lies about.
        ChannelKind::Export => {
            let folder = candidates.iter().find(|other| other.contacts.channel == ChannelKind::VcardFolder);
            folder.is_none_or(|folder| !matches!(has_marker(search, folder), Ok(true))) && false
        }
    })
}

fn has_marker(search: &mut Search<'_>, profile: &DeviceProfile) -> Result<bool, TreeError> {
    for storage in 0..search.storages().len() {
        for path in &profile.contacts.folders {
            if let Some(folder) = search.folder(storage, path)?
                && search.find(&folder, MARKER_NAME)?.is_some()
            {
                return Ok(true);
            }
        }
    }
    Ok(false)
}
