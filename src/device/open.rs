//! Which phone is meant, and opening it as a tree where that needs no cable.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use thiserror::Error;

use super::tree::{ObjectTree, TreeError};
use super::tree_directory::DirectoryTree;

/// How a person names a phone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PhoneAddress {
    /// `dir:PATH`: a plain or mounted directory.
    Directory(PathBuf),
    /// `sim:DIR` or `sim:DIR?PERSONALITY`: the simulated phone over a directory.
    Simulated {
        /// The directory whose content it shows.
        directory: PathBuf,
        /// How it behaves; empty for its default.
        personality: String,
    },
    /// `usb`, or `usb:SELECTOR` with a serial number or a part of the model's name.
    Usb {
        /// Which of several phones; empty if there is one only.
        selector: String,
    },
}

/// A text that names no phone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{0:?} names no phone; write usb, usb:SERIAL, dir:PATH or sim:DIRECTORY")]
pub struct AddressError(String);

impl AddressError {
    /// The text as it was given.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

impl FromStr for PhoneAddress {
    type Err = AddressError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (scheme, rest) = text.split_once(':').unwrap_or((text, ""));
        match (scheme, rest) {
            ("usb", _) => Ok(Self::Usb { selector: rest.to_owned() }),
            ("dir", path) if !path.is_empty() => Ok(Self::Directory(PathBuf::from(path))),
            ("sim", path) if !path.is_empty() && !path.starts_with('?') => {
                let (directory, personality) = path.split_once('?').unwrap_or((path, ""));
                Ok(Self::Simulated {
                    directory: PathBuf::from(directory),
                    personality: personality.to_owned(),
                })
            }
            _ => Err(AddressError(text.to_owned())),
        }
    }
}

impl fmt::Display for PhoneAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Directory(path) => write!(formatter, "dir:{}", path.display()),
            Self::Simulated { directory, personality } if personality.is_empty() => {
                write!(formatter, "sim:{}", directory.display())
            }
            Self::Simulated { directory, personality } => {
                write!(formatter, "sim:{}?{personality}", directory.display())
            }
            Self::Usb { selector } if selector.is_empty() => formatter.write_str("usb"),
            Self::Usb { selector } => write!(formatter, "usb:{selector}"),
        }
    }
}

impl PhoneAddress {
    /// Whether both are directories, and the same one under whatever path.
    #[must_use]
    pub fn is_same_directory(&self, other: &Self) -> bool {
        let (Self::Directory(one), Self::Directory(other)) = (self, other) else { return false };
        let place = |path: &PathBuf| {
            let metadata = std::fs::metadata(path).ok()?;
            Some((
                std::os::unix::fs::MetadataExt::dev(&metadata),
                std::os::unix::fs::MetadataExt::ino(&metadata),
            ))
        };
        place(one).is_some() && place(one) == place(other)
    }

    /// Opens the tree of a directory; `None` for the phones that are reached over a link, which whoever has the
    /// link opens as an MTP tree.
    ///
    /// # Errors
    /// When the directory cannot be opened.
    pub fn open_directory(&self) -> Result<Option<Box<dyn ObjectTree>>, TreeError> {
        match self {
            Self::Directory(path) => Ok(Some(Box::new(DirectoryTree::open(path)?))),
            Self::Simulated { .. } | Self::Usb { .. } => Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_read_and_written() {
        for text in [
            "usb",
            "usb:R58M123ABC",
            "dir:/media/card",
            "dir:relative/x",
            "sim:/srv/phone",
            "sim:p?android-9",
        ] {
            assert_eq!(text.parse::<PhoneAddress>().unwrap().to_string(), text);
        }
        for text in ["", "dir:", "sim:", "sim:?x", "phone", "/media/card", "mtp:1"] {
            assert!(text.parse::<PhoneAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn opens_a_directory_and_nothing_else() {
        let directory = tempfile::tempdir().unwrap();
        let address = PhoneAddress::Directory(directory.path().to_owned());
        assert!(address.open_directory().unwrap().is_some());
        assert!(PhoneAddress::Directory(directory.path().join("none")).open_directory().is_err());
        assert!("usb".parse::<PhoneAddress>().unwrap().open_directory().unwrap().is_none());
    }
}
