//! The profiles that are compiled in, those of the person's own folder, and the choice among them.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use super::profile::{ChannelKind, DeviceProfile, ProfileError, Quirks, Transport};
use super::tree::DeviceIdentity;

macro_rules! built_in {
    ($($name:literal),* $(,)?) => {
        /// The files of `device-profiles/`, by name. A test holds this list against the folder.
        const BUILT_IN: &[(&str, &str)] =
            &[$((concat!($name, ".toml"), include_str!(concat!("../../device-profiles/", $name, ".toml")))),*];
    };
}

built_in![
    "android",
    "aosp-contacts",
    "creative-zen",
    "decsync",
    "directory",
    "fossify",
    "generic",
    "jolla",
    "kaios",
    "nokia-n9",
    "nokia-s30plus",
    "nokia-s40",
    "open-android-backup",
    "qemu",
    "samsung-contacts",
    "sd-contacts",
    "sony-nwz",
    "ubuntu-touch",
    "umtp",
];

/// A profile and where it is from.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Known {
    profile: DeviceProfile,
    text: String,
    /// Where a person's own one is; `None` for those compiled in.
    place: Option<PathBuf>,
}

/// So many bytes a profile's file may have; the longest one that is compiled in has a hundredth of that.
const PROFILE_BYTES_MAX: u64 = 1 << 20;

/// The text of a file that cannot be endless.
fn read_text(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    fs::File::open(path)?.take(PROFILE_BYTES_MAX + 1).read_to_string(&mut text)?;
    if text.len() as u64 > PROFILE_BYTES_MAX {
        let why = format!("it has more than {PROFILE_BYTES_MAX} bytes, which no device profile has");
        return Err(io::Error::other(why));
    }
    Ok(text)
}

/// All profiles that are known in this run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileSet {
    known: Vec<Known>,
}

impl ProfileSet {
    /// The profiles that are compiled in.
    ///
    /// # Errors
    /// When one of them is faulty, which a test rules out.
    pub fn built_in() -> Result<Self, ProfileError> {
        let known = BUILT_IN
            .iter()
            .map(|(file, text)| {
                let profile = DeviceProfile::parse(file, text)?;
                Ok(Known { profile, text: (*text).to_owned(), place: None })
            })
            .collect::<Result<_, ProfileError>>()?;
        Ok(Self { known })
    }

    /// Adds the `*.toml` files of a folder. They go before those compiled in, and one with the same id takes the
    /// other's place. A folder that does not exist adds nothing.
    ///
    /// # Errors
    /// When the folder or a file cannot be read, or a profile is faulty: a person's own profile is never dropped
    /// in silence.
    pub fn add_folder(&mut self, folder: &Path) -> Result<usize, ProfileError> {
        let fault = |file: String, error: &io::Error| {
            let reason = match error.kind() {
                io::ErrorKind::InvalidData => String::from("it is not UTF-8 text"),
                io::ErrorKind::IsADirectory => String::from("it is a folder, not a file"),
                io::ErrorKind::NotADirectory => String::from("it is a file, not a folder"),
                _ => error.to_string(),
            };
            ProfileError { file, reason }
        };
        let listing = match fs::read_dir(folder) {
            Ok(listing) => listing,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
            Err(error) => return Err(fault(folder.display().to_string(), &error)),
        };
        let mut files = Vec::new();
        for found in listing {
            let path = found.map_err(|error| fault(folder.display().to_string(), &error))?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                files.push(path);
            }
        }
        files.sort();
        for path in &files {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let file = path.display().to_string();
            let text = read_text(path).map_err(|error| fault(file.clone(), &error))?;
            let parsed = DeviceProfile::parse(&name, &text);
            // Whoever has to mend it must find it: the message names the whole path.
            let profile = parsed.map_err(|error| ProfileError { file, ..error })?;
            self.known.retain(|known| known.profile.id != profile.id);
            self.known.push(Known { profile, text, place: Some(path.clone()) });
        }
        Ok(files.len())
    }

    /// All profiles, ordered by id.
    #[must_use]
    pub fn all(&self) -> Vec<&DeviceProfile> {
        let mut profiles: Vec<_> = self.known.iter().map(|known| &known.profile).collect();
        profiles.sort_by(|left, right| left.id.cmp(&right.id));
        profiles
    }

    /// The profile with this id.
    #[must_use]
    pub fn by_id(&self, id: &str) -> Option<&DeviceProfile> {
        self.known.iter().map(|known| &known.profile).find(|profile| profile.id == id)
    }

    /// Whether the profile with this id is a person's own and not compiled in.
    #[must_use]
    pub fn is_own(&self, id: &str) -> bool {
        self.place_of(id).is_some()
    }

    /// Where the profile with this id is, if it is a person's own.
    #[must_use]
    pub fn place_of(&self, id: &str) -> Option<&Path> {
        self.known.iter().find(|known| known.profile.id == id)?.place.as_deref()
    }

    /// The file of the profile with this id, as it was written, with its comments.
    #[must_use]
    pub fn text_of(&self, id: &str) -> Option<&str> {
        self.known.iter().find(|known| known.profile.id == id).map(|known| known.text.as_str())
    }

    /// Adds a profile that stands in no folder yet as a person's own, in place of the one with its id.
    pub fn try_out(&mut self, profile: DeviceProfile, place: &Path) {
        self.known.retain(|known| known.profile.id != profile.id);
        self.known.push(Known { profile, text: String::new(), place: Some(place.to_path_buf()) });
    }

    /// The quirks that must be known before a session opens, when a device has told no more than its USB id: those
    /// of every profile that names this id. Harmless ones may be among them that the chosen profile lacks.
    #[must_use]
    pub fn quirks_of_usb(&self, usb_id: (u16, u16)) -> Quirks {
        let named = self.known.iter().filter(|known| known.profile.matches.names_usb(usb_id));
        named.fold(Quirks::default(), |quirks, known| quirks.union(known.profile.quirks))
    }

    /// By which way a device with this USB id is reached: libmtp if a profile that names the id says so.
    #[must_use]
    pub fn transport_of_usb(&self, usb_id: (u16, u16)) -> Transport {
        let mut named = self.known.iter().filter(|known| known.profile.matches.names_usb(usb_id));
        let has_libmtp = named.any(|known| known.profile.transport == Transport::Libmtp);
        if has_libmtp { Transport::Libmtp } else { Transport::Rusb }
    }

    /// The profile for a device of which nothing but its introduction is known: the best of its candidates that needs
    /// nothing to be there.
    #[must_use]
    pub fn choose(&self, device: &DeviceIdentity) -> Option<&DeviceProfile> {
        let needs_nothing = |profile: &&DeviceProfile| profile.contacts.channel == ChannelKind::VcardFolder;
        self.candidates(device).into_iter().find(needs_nothing)
    }

    /// Every profile that a device may have, best first: a person's own before those compiled in, then the highest
    /// rank, then the first id by letters. Which of them it has, its content tells.
    #[must_use]
    pub fn candidates(&self, device: &DeviceIdentity) -> Vec<&DeviceProfile> {
        let mut candidates: Vec<&Known> =
            self.known.iter().filter(|known| known.profile.matches.accepts(device)).collect();
        candidates.sort_by(|left, right| {
            (right.place.is_some().cmp(&left.place.is_some()))
                .then(right.profile.rank.cmp(&left.profile.rank))
                .then_with(|| left.profile.id.cmp(&right.profile.id))
        });
        candidates.into_iter().map(|known| &known.profile).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_file_without_end_is_no_profile() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("big.toml"), "# x\n".repeat((1 << 18) + 1)).unwrap();
        let error = ProfileSet::built_in().unwrap().add_folder(folder.path()).unwrap_err();
        assert!(error.reason.contains("more than 1048576 bytes"), "{error}");
        assert!(error.file.ends_with("big.toml"));
    }

    fn folder() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("device-profiles")
    }

    #[test]
    fn the_list_is_the_folder() {
        let in_folder: BTreeSet<String> = fs::read_dir(folder())
            .unwrap()
            .map(|found| found.unwrap().file_name().into_string().unwrap())
            .filter(|name| name.ends_with(".toml"))
            .collect();
        let in_list: BTreeSet<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
        assert_eq!(in_folder, in_list);
        assert!(BUILT_IN.windows(2).all(|pair| pair[0].0 < pair[1].0), "sorted");
    }

    #[test]
    fn every_file_is_canonical_and_names_its_source() {
        for (file, text) in BUILT_IN {
            let profile = DeviceProfile::parse(file, text).unwrap();
            let body_at = text.find("\nid = ").unwrap() + 1;
            let (head, body) = text.split_at(body_at);
            assert!(head.lines().all(|line| line.is_empty() || line.starts_with('#')), "{file}");
            assert!(head.contains("# Source:"), "{file} says where its facts are from");
            assert_eq!(body, profile.to_text().unwrap(), "{file} is not in canonical form");
        }
    }

    #[test]
    fn every_example_is_won_by_its_profile_alone() {
        let set = ProfileSet::built_in().unwrap();
        let mut examples = 0;
        for profile in set.all() {
            for example in &profile.examples {
                examples += 1;
                let device = example.identity();
                assert_eq!(set.choose(&device).unwrap().id, profile.id, "{example:?}");
                let rivals = set
                    .all()
                    .into_iter()
                    .filter(|rival| rival.rank == profile.rank && rival.matches.accepts(&device));
                assert_eq!(rivals.count(), 1, "two profiles of one rank match {example:?}");
            }
            // What a phone's content decides cannot be told by its introduction.
            let by_content = profile.contacts.channel != ChannelKind::VcardFolder;
            assert!(
                profile.id == "generic" || by_content == profile.examples.is_empty(),
                "{} has examples",
                profile.id
            );
        }
        assert!(examples >= 10);
    }

    #[test]
    fn an_unknown_phone_gets_the_generic_profile() {
        let set = ProfileSet::built_in().unwrap();
        let unknown = DeviceIdentity { manufacturer: "Nobody".to_owned(), ..DeviceIdentity::default() };
        assert_eq!(set.choose(&unknown).unwrap().id, "generic");
        assert!(set.all().iter().all(|profile| profile.id == "generic" || profile.rank > 0));
    }

    #[test]
    fn quirks_are_known_by_the_usb_id() {
        let directory = tempfile::tempdir().unwrap();
        let mut set = ProfileSet::built_in().unwrap();
        let mut own = set.by_id("generic").unwrap().clone();
        own.id = "mine".to_owned();
        own.matches.usb = vec!["04e8:5000".to_owned()];
        own.quirks.extra_byte = true;
        own.transport = Transport::Libmtp;
        fs::write(directory.path().join("mine.toml"), own.to_text().unwrap()).unwrap();
        set.add_folder(directory.path()).unwrap();
        assert!(set.quirks_of_usb((0x04e8, 0x5000)).extra_byte);
        assert_eq!(set.quirks_of_usb((0x04e8, 0x5001)), Quirks::default());
        assert_eq!(set.transport_of_usb((0x04e8, 0x5000)), Transport::Libmtp);
        assert_eq!(set.transport_of_usb((0x04e8, 0x5001)), Transport::Rusb);
    }

    #[test]
    fn a_persons_own_profile_wins() {
        let directory = tempfile::tempdir().unwrap();
        let mut set = ProfileSet::built_in().unwrap();
        assert_eq!(set.add_folder(&directory.path().join("none")).unwrap(), 0);
        let mut own = set.by_id("generic").unwrap().clone();
        own.id = "mine".to_owned();
        own.matches.model = Some("Pixel*".to_owned());
        fs::write(directory.path().join("mine.toml"), own.to_text().unwrap()).unwrap();
        fs::write(directory.path().join("notes.txt"), "not a profile").unwrap();
        assert_eq!(set.add_folder(directory.path()).unwrap(), 1);
        let device = DeviceIdentity {
            model: "Pixel 7".to_owned(),
            vendor_extension: "microsoft.com: 1.0; android.com: 1.0;".to_owned(),
            ..DeviceIdentity::default()
        };
        assert_eq!(set.choose(&device).unwrap().id, "mine");
        assert!(set.is_own("mine") && !set.is_own("android") && !set.is_own("none"));
        fs::write(directory.path().join("broken.toml"), "id = 1").unwrap();
        assert!(set.add_folder(directory.path()).is_err());
    }
}
