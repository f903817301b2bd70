//! Which of the ways that a phone may carry contacts it does: what is there decides, in the order of the profiles. It
//! writes nothing.

use super::contract::{Channel, ChannelOptions};
use super::decsync::{DecsyncChannel, Sought};
use super::export::{self, ExportChannel};
use super::names::{MARKER_NAME, is_card_name};
use super::vcard_folder::{VcardFolder, VcardFolderOptions};
use crate::device::profile::{ChannelKind, DeviceProfile};
use crate::device::search::Search;
use crate::device::tree::{ObjectKind, ObjectTree, TreeError};
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
    let profile = choose(&mut *tree, candidates, remembered, options.clock.now_ms(), &mut decsync)?;
    let channel: Box<dyn Channel + 'm> = match profile.contacts.channel {
        ChannelKind::VcardFolder => Box::new(VcardFolder::open(tree, profile, folder_options(options))?),
        ChannelKind::Decsync => Box::new(DecsyncChannel::open(tree, profile, options, decsync)?),
        ChannelKind::Export => Box::new(ExportChannel::open(tree, profile, options)?),
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
    now_ms: i64,
    decsync: &mut Sought,
) -> Result<&'p DeviceProfile, ProviderError> {
    let is_folder = |profile: &&DeviceProfile| profile.contacts.channel == ChannelKind::VcardFolder;
    let first = candidates.iter().copied().find(|profile| Some(profile.id.as_str()) == remembered);
    // Of profiles for a folder the best may be another by now: a person wrote one.
    let first = if first.is_some_and(|first| is_folder(&first)) {
        candidates.iter().copied().find(is_folder)
    } else {
        first
    };
    // What needs nothing to be there is settled without asking the phone. So are exports where a person named them or
    // they were read before: whether a file is one is judged when it is read, and a phone whose exports are gone did
    // not change over to another channel by that.
    if let Some(profile) = first.or_else(|| candidates.first().copied())
        && matches!(profile.contacts.channel, ChannelKind::VcardFolder | ChannelKind::Export)
        && (first.is_some() || candidates.len() == 1)
    {
        return Ok(profile);
    }
    let identity = tree.identity().clone();
    let mut search = Search::new(tree).map_err(TreeError::for_side)?;
    let profiles = first.map_or_else(|| candidates.to_vec(), |first| vec![first]);
    for profile in profiles {
        if is_there(&mut search, profile, candidates, now_ms, decsync).map_err(TreeError::for_side)? {
            if is_whole_storage(&mut search, profile).map_err(TreeError::for_side)? {
                return Err(ProviderError::NoChannel(String::from(WHOLE_STORAGE_WORDS)));
            }
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

/// What is said where a person named all of a phone's storage, or of their own files, as the contacts folder.
const WHOLE_STORAGE_WORDS: &str = "that folder is a whole storage, and there is nothing in it that a profile knows; name \
    the folder of the contacts in it, dir:PATH/Contacts, or say --profile directory if it is meant itself";

/// Whether a folder that is to be the contacts folder itself is one with pictures, music and downloads in it, and
/// without a card. Cards would be strewn about there.
fn is_whole_storage(search: &mut Search<'_>, profile: &DeviceProfile) -> Result<bool, TreeError> {
    const USUAL: [&str; 9] =
        ["android", "dcim", "documents", "download", "downloads", "movies", "music", "pictures", "videos"];
    let is_folder_itself = profile.contacts.channel == ChannelKind::VcardFolder
        && profile.contacts.folders.iter().any(|path| path == ".");
    if !is_folder_itself || !search.tree().identity().is_directory {
        return Ok(false);
    }
    let Some(listing) = search.list_path(0, ".")? else { return Ok(false) };
    let has_card = listing.entries.iter().any(|entry| is_card_name(&entry.name) || entry.name == MARKER_NAME);
    let usual = listing.entries.iter().filter(|entry| {
        entry.kind == ObjectKind::Folder && USUAL.contains(&entry.name.to_lowercase().as_str())
    });
    Ok(!has_card && usual.count() >= 2)
}

fn is_there(
    search: &mut Search<'_>,
    profile: &DeviceProfile,
    candidates: &[&DeviceProfile],
    now_ms: i64,
    decsync: &mut Sought,
) -> Result<bool, TreeError> {
    Ok(match profile.contacts.channel {
        ChannelKind::VcardFolder => true,
        ChannelKind::Decsync => decsync.is_there(search)?,
        // A folder that was in step before, with whatever computer, goes before a file that lies about.
        ChannelKind::Export => {
            let folder = candidates.iter().find(|other| other.contacts.channel == ChannelKind::VcardFolder);
            folder.is_none_or(|folder| !matches!(has_marker(search, folder), Ok(true)))
                && export::is_there(search, profile, now_ms)?
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

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::rc::Rc;

    use super::*;
    use crate::device::channel::{Access, ChannelChoices};
    use crate::device::profiles::ProfileSet;
    use crate::device::tree_directory::DirectoryTree;
    use crate::provider::{TestClock, TestRandomness};

    const CARD: &str =
        "BEGIN:VCARD\r\nVERSION:4.0\r\nPRODID:ez-vcard 0.12.1\r\nFN:Ada Example\r\nTEL:1\r\nEND:VCARD\r\n";

    fn put(root: &Path, place: &str, text: &str) {
        let file = root.join(place);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
    }

    /// The id of the profile that is chosen, or why none is.
    fn chosen(root: &Path, remembered: Option<&str>, own: Option<&str>) -> Result<String, String> {
        let mut profiles = ProfileSet::built_in().unwrap();
        if let Some(own) = own {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("mine.toml"), own).unwrap();
            profiles.add_folder(folder.path()).unwrap();
        }
        let tree = Box::new(DirectoryTree::open(root).unwrap());
        let candidates = profiles.candidates(&tree.identity().clone());
        let options = ChannelOptions {
            access: Access::ReadOnly,
            guid_if_unmarked: Guid::from_random([1; 16]),
            known_guids: Vec::new(),
            label: String::new(),
            clock: Rc::new(TestClock::at(1_795_000_000_000)),
            randomness: Rc::new(TestRandomness::seeded(1)),
            memory: &NoMemory,
            choices: ChannelChoices::default(),
        };
        let opened = open_channel(tree, &candidates, remembered, options);
        opened.map(|(_, profile)| profile.id.clone()).map_err(|error| error.to_string())
    }

    #[test]
    fn what_is_there_decides_and_what_was_taken_before_stays() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        put(root, "a.vcf", &CARD.replace("PRODID:ez-vcard 0.12.1\r\n", ""));
        assert_eq!(chosen(root, None, None).unwrap(), "directory");
        put(root, "Download/Contacts_20261118_060001.vcf", &CARD.repeat(3));
        assert_eq!(chosen(root, None, None).unwrap(), "fossify");
        assert_eq!(chosen(root, Some("directory"), None).unwrap(), "directory");
        // A folder that was in step before goes before a file that lies about.
        put(root, MARKER_NAME, "x");
        assert_eq!(chosen(root, None, None).unwrap(), "directory");
        put(root, "DecSync/.decsync-info", r#"{"version":2}"#);
        put(root, "DecSync/contacts/colID1/v2/Pixel-DecSyncCC-1/sequences", "{}");
        assert_eq!(chosen(root, None, None).unwrap(), "decsync");
        std::fs::remove_dir_all(root.join("DecSync")).unwrap();
        let gone = chosen(root, Some("decsync"), None).unwrap_err();
        assert!(gone.contains("profile decsync before") && gone.contains("--profile"), "{gone}");
        let own =
            include_str!("../../../device-profiles/directory.toml").replace("\"directory\"", "\"mine\"");
        assert_eq!(chosen(root, Some("directory"), Some(&own)).unwrap(), "mine");
    }

    #[test]
    fn cards_are_not_strewn_about_a_whole_storage() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        for place in ["DCIM/x.jpg", "Music/x.mp3", "Android/x"] {
            put(root, place, "x");
        }
        assert!(chosen(root, None, None).unwrap_err().contains("whole storage"));
        assert_eq!(chosen(root, Some("directory"), None).unwrap(), "directory", "a person said so before");
        put(root, "ada.vcf", CARD);
        assert_eq!(chosen(root, None, None).unwrap(), "directory");
    }
}
