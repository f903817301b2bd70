//! What is asked of libmtp, as a small trait, so that the judging of its answers can be tried with a fake.
//!
//! Values only: it must not call libmtp (that is `tree_libmtp_real`) and must not judge (that is `tree_libmtp`).

/// A storage as libmtp tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawStorage {
    /// The StorageID.
    pub(super) id: u32,
    /// The description.
    pub(super) description: String,
    /// The volume id.
    pub(super) volume: String,
    /// Whether it is read-only memory by its type. libmtp-rs stops the program at an access value that it does not
    /// know, so that value is not asked for; a storage that takes no writes refuses them.
    pub(super) is_rom: bool,
}

/// An object as libmtp tells it.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct RawObject {
    /// The handle.
    pub(super) handle: u32,
    /// The handle of its folder; 0 or FFFFFFFF for a storage's root.
    pub(super) parent: u32,
    /// The StorageID that it names.
    pub(super) storage: u32,
    /// The file name.
    pub(super) name: String,
    /// Whether it is a folder.
    pub(super) is_folder: bool,
    /// The size in bytes; 0 where libmtp could not learn it, with an error.
    pub(super) size_bytes: u64,
    /// The modification date in seconds since 1970, as libmtp computed it from the phone's text and this
    /// computer's time zone; 0 or less if there is none.
    pub(super) modified_s: i64,
}

/// What came of reading an object. libmtp says that it went well even when it was cut.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct RawContent {
    /// The bytes that came, up to the limit.
    pub(super) bytes: Vec<u8>,
    /// Whether there were more than the limit.
    pub(super) is_over_limit: bool,
}

/// What came of sending an object. libmtp-rs says that it went well even when it was cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct RawSent {
    /// The handle that the phone gave; 0 if it gave none.
    pub(super) handle: u32,
    /// How many bytes libmtp asked for.
    pub(super) taken_bytes: usize,
}

/// What a device is like, as libmtp tells it after opening.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct RawIdentity {
    /// The manufacturer.
    pub(super) manufacturer: String,
    /// The model.
    pub(super) model: String,
    /// The serial number.
    pub(super) serial: String,
    /// Object format codes, as far as libmtp knows them.
    pub(super) formats: Vec<u16>,
    /// Operation codes that follow from what libmtp says the device can do; never all of them.
    pub(super) operations: Vec<u16>,
}

/// The last entry of libmtp's error stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RawError {
    /// The response code, or libmtp's own code (02F9 to 02FF) for what went wrong below MTP.
    pub(super) code: Option<u16>,
    /// Whether libmtp itself found that there is no room.
    pub(super) is_full: bool,
    /// libmtp's words.
    pub(super) text: String,
}

impl RawError {
    /// An error of which libmtp says nothing.
    pub(super) fn unexplained() -> Self {
        Self { code: None, is_full: false, text: String::from("libmtp gave no reason") }
    }

    /// The error that libmtp's words tell. It writes `Error 2009: ...` as the last entry for a response.
    pub(super) fn from_words(words: &str) -> Self {
        let code = words
            .strip_prefix("Error ")
            .or_else(|| words.strip_prefix("PTP Layer error "))
            .and_then(|rest| rest.split(':').next())
            .and_then(|digits| u16::from_str_radix(digits.trim(), 16).ok());
        Self { code, is_full: false, text: words.trim().to_owned() }
    }
}

/// The few requests that are made of libmtp.
pub(super) trait LibmtpDevice {
    /// How the device introduced itself.
    fn identity(&self) -> RawIdentity;

    /// Takes the last error off libmtp's stack and empties it. Asks the phone nothing.
    fn take_error(&mut self) -> Option<RawError>;

    /// Asks for the storages anew. libmtp fails alike without a storage and without a phone.
    fn storages(&mut self) -> Result<Vec<RawStorage>, RawError>;

    /// Whether the phone lists the file name among the properties of a file, and thereby whether it still answers.
    fn lists_file_name(&mut self) -> Result<bool, RawError>;

    /// The objects of a folder; `None` for the root. A failed listing is empty, a cut one short.
    fn list(&mut self, storage: u32, folder: Option<u32>) -> Result<Vec<RawObject>, RawError>;

    /// One object, mostly from libmtp's memory.
    fn describe(&mut self, handle: u32) -> Option<RawObject>;

    /// Asks the phone for the format of one object, where libmtp does not hold it in memory.
    fn format(&mut self, handle: u32) -> Result<u16, RawError>;

    /// The content of a file, up to a limit.
    fn read(&mut self, handle: u32, limit_bytes: u64) -> Result<RawContent, RawError>;

    /// Says with which object format cards are to be announced.
    fn announce_cards_as(&mut self, format: u16);

    /// Makes a file.
    fn send(
        &mut self,
        storage: u32,
        folder: Option<u32>,
        name: &str,
        bytes: &[u8],
    ) -> Result<RawSent, RawError>;

    /// Makes a folder.
    fn make_folder(&mut self, storage: u32, folder: Option<u32>, name: &str) -> Result<u32, RawError>;

    /// Removes an object.
    fn delete(&mut self, handle: u32) -> Result<(), RawError>;

    /// Renames a file.
    fn rename(&mut self, handle: u32, name: &str) -> Result<(), RawError>;
}
