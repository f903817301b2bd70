//! How one kind of phone behaves, as plain data. The named ones are in `catalogue`.
//!
//! Nothing here acts; the responder reads it. Every knob exists because a responder in the field does that.

use super::app::App;

/// The dates that the phone tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dates {
    /// Whole seconds in the phone's time zone, without saying which.
    OneSecondLocal,
    /// Whole seconds in UTC, without saying so.
    UtcNoSuffix,
    /// Whole seconds with `±hhmm`.
    WithOffset,
    /// None: empty in ObjectInfo, no property.
    Missing,
    /// Always this text.
    Constant(String),
    /// Local, and as it was when the object was first listed in this run.
    CachedAtFirstListing,
}

/// What becomes of the date that the initiator sends in ObjectInfo.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SentDate {
    /// Nothing.
    Ignored,
    /// The file gets it.
    Applied,
    /// The file gets it, read as local time whatever `±hhmm` says; `Z` is UTC.
    AppliedIgnoringOffset,
}

/// In what way GetObjectPropList is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BrokenPropList {
    /// The count says fewer elements than follow (about half), when all properties are asked for; sizes are u32;
    /// the format is ignored.
    WrongCount,
    /// The dataset ends in the middle of an element.
    Truncated,
    /// Every third object is left out.
    DropsObjects,
    /// No element tells a size.
    WithoutSizes,
    /// No element tells a file name.
    WithoutNames,
    /// Handles are those of the objects plus 1000.
    UnknownHandles,
    /// Objects of other folders are in it as well.
    ForeignObjects,
    /// OK, with a count of 0.
    Empty,
    /// Response 2002.
    GeneralError,
    /// No answer at all, until the device is reset.
    Mute,
    /// Right for depth 0 and 1, but every third object is left out for depth FFFFFFFF.
    DropsObjectsAtFullDepth,
}

/// GetObjectPropList (9805).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PropList {
    /// Depth 0, 1, and FFFFFFFF for everything.
    Works,
    /// Response 2005, even if DeviceInfo lists the operation.
    Absent,
    /// Wrong in this way.
    Broken(BrokenPropList),
    /// Depth, format and group are ignored: the properties of the one object.
    OneObjectOnly,
}

/// SendObjectInfo with the name of an object that is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Overwrite {
    /// Response 2002.
    Refuse2002,
    /// The object is reused, its bytes replaced.
    SameObject,
    /// The file is truncated and gets a second handle.
    SecondHandleTruncate,
    /// The bytes go to a temporary file that takes the place of the old one at the end; a second handle.
    SecondHandleReplace,
    /// The object is reused and not truncated: a shorter file keeps the old one's tail.
    KeepsTail,
}

/// SetObjectPropValue of ObjectFileName (9804 DC07).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rename {
    /// Works; onto a name that is taken: 2002.
    Works,
    /// Response 2005.
    Absent,
    /// Works, but answers OK even when it did nothing because the name is taken.
    Lies,
    /// Works, and silently replaces what had the name.
    Replaces,
    /// Works only if the extension stays the same; else A802.
    SameExtensionOnly,
    /// Answers OK and does nothing, ever.
    AlwaysLies,
}

/// How long a handle means the same object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HandleLife {
    /// Until OpenSession.
    Session,
    /// Until the next plug-in.
    Run,
    /// Over plug-ins, until the media database is built anew.
    Database,
}

/// The order in which a folder's entries get their handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocation {
    /// By name.
    ByName,
    /// By name, and backwards every second session, as an unsorted directory may come.
    Unsorted,
}

/// The order of handles in a listing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ListingOrder {
    /// The oldest handle first.
    OldestFirst,
    /// The newest handle first.
    NewestFirst,
}

/// The allocation rules of handles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Handles {
    /// How long they live.
    pub life: HandleLife,
    /// The first one given.
    pub first: u32,
    /// The order of giving them.
    pub allocation: Allocation,
    /// The order of listing them.
    pub order: ListingOrder,
    /// Whether every file is listed twice, under two handles.
    pub listed_twice: bool,
}

/// PersistentUniqueObjectIdentifier (DC41).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PersistentIds {
    /// There are none.
    Absent,
    /// A hash of the path plus the modification time in seconds: changes on edit and rename, may collide.
    PathAndTime,
    /// Storage id in the upper half of 64 bits, handle in the lower.
    StorageAndHandle,
    /// Stored per path; follows a rename over MTP, not one on the phone.
    StoredPerPath,
    /// The handle.
    Handle,
    /// The handle in the upper 64 bits.
    HandleHigh,
    /// Handle, parent, storage, 0 as four u32. In a GetObjectPropList: handle, handle + 1, handle + 2, handle + 3.
    HandleParentStorage,
    /// A hash of the path.
    PathHash,
}

/// GetObjectHandles with the special parents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RootListing {
    /// FFFFFFFF is the root level, 0 everything in the storage (as most do).
    ZeroIsEverything,
    /// Both are the root level.
    ZeroIsRoot,
    /// 0 is the root level; FFFFFFFF is an unknown handle (201A).
    OnlyZero,
    /// Both are everything in the storage.
    AlwaysEverything,
}

/// GetObjectHandles with storage FFFFFFFF.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AllStorages {
    /// Every storage.
    Works,
    /// Response 2008.
    Refused,
    /// Response 2008, and then no answer until the device is reset.
    RefusedThenMute,
}

/// What a lock screen does to MTP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Locked {
    /// The storage list is empty; 2008 of every storage, 2009 of every handle.
    NoStorages,
    /// The storage list is as before; 2013 of every storage and object.
    StoreNotAvailable,
    /// Every operation but GetDeviceInfo and the session's is 200F.
    AccessDenied,
}

/// What the phone lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Listing {
    /// What is there.
    Live,
    /// What the media scanner saw when it last ran, plus what came over MTP.
    MediaScan,
}

/// Size and date of an object that was listed in this run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attributes {
    /// Read from the file each time.
    Live,
    /// Kept from the first listing or the initiator's own write; a file that became shorter is answered with 2007.
    CachedAtFirstListing,
}

/// ObjectFormat of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FormatRule {
    /// 3000 for every file.
    Undefined,
    /// By extension, lower case; 3000 if it is not in the list.
    ByExtension(Vec<(String, u16)>),
    /// As it was sent, until the media database is built anew; 3000 for others.
    AsSent,
}

/// When the object comes into being.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Creation {
    /// With the bytes.
    AtData,
    /// At SendObjectInfo, empty.
    EmptyAtInfo,
    /// At SendObjectInfo, as many zeros as announced.
    ZerosAtInfo,
}

/// What stays of an object whose transfer did not come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interrupted {
    /// Nothing: the file is unlinked, the old one of that name with it.
    Unlinked,
    /// The bytes that came, after which the file ends (or, created full of zeros, goes on in zeros).
    PartialStays,
    /// What was there before; the bytes that came stay in a temporary file of this name in the storage's root.
    TemporaryFileStays,
    /// What was there before.
    NothingChanges,
}

/// Events that the phone sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Watching {
    /// None.
    Nothing,
    /// Changes on the phone, in folders that were listed. A replaced file is told as removed and added.
    ListedFolders,
    /// The same, but renames are not told, and a file that replaces another gets a second handle.
    ListedFoldersNotRenames,
    /// The same, but a file that replaces another is not told.
    ListedFoldersNotReplacements,
}

/// Events about what the initiator itself did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OwnEvents {
    /// None.
    Nothing,
    /// ObjectInfoChanged, twice for a new object and three times for one sent over.
    InfoChangedOften,
    /// ObjectAdded and ObjectInfoChanged for a new object, ObjectInfoChanged for one sent over.
    Added,
}

/// What is done about a name that the phone does not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadName {
    /// This response.
    Refused(u16),
    /// The offending characters become `_`, what is too long is cut.
    Sanitised,
}

/// The names that the phone takes. `/`, control characters, the empty name, `.` and `..` are never taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NameRule {
    /// At most so many UTF-16 units.
    pub max_units: usize,
    /// Whether only ASCII is taken.
    pub ascii_only: bool,
    /// Whether the characters that FAT forbids are forbidden.
    pub fat_characters: bool,
    /// Whether `A` and `a` are the same name when a new object is sent or one is renamed.
    pub case_insensitive: bool,
    /// What is done about others.
    pub bad: BadName,
}

/// How the end of a transfer of a whole number of packets is marked, phone to PC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferEnd {
    /// An empty packet, as USB wants it.
    EmptyPacket,
    /// One byte more.
    ExtraByte,
    /// Not at all: the response runs into it.
    Nothing,
}

/// How a data container is cut into transfers, phone to PC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransferCut {
    /// One transfer.
    Whole,
    /// The header, then the payload.
    HeaderApart,
    /// Transfers of so many bytes at most.
    Every(usize),
}

/// How a data container must be cut, PC to phone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderWanted {
    /// Either way.
    Either,
    /// Header and payload in separate transfers; otherwise the endpoint stalls.
    Apart,
    /// Header and payload in one transfer; otherwise the payload is taken for garbage (2007).
    Together,
}

/// The transport's habits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transport {
    /// Largest packet of the bulk endpoints, in bytes.
    pub packet_bytes: usize,
    /// End of transfers to the PC.
    pub end: TransferEnd,
    /// Cut of transfers to the PC.
    pub cut: TransferCut,
    /// Cut of transfers from the PC.
    pub header: HeaderWanted,
    /// Whether a transfer of whole packets must be closed by an empty one; otherwise the endpoint stalls.
    pub needs_empty_packet: bool,
    /// Whether responses carry a wrong code and transaction id in their data containers.
    pub junk_headers: bool,
    /// Whether GetPartialObject never answers when the transfer would fill its last packet.
    pub partial_hangs_on_full_packet: bool,
    /// The phone is mute if no session was opened so many milliseconds after plug-in; 0 = never.
    pub mute_after_ms: u64,
}

/// What the standard lets a responder insist on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Insistence {
    /// Transaction ids: 0 without a session, then 1, 2, 3…; the data phase repeats the command's (2004).
    pub transaction_ids: bool,
    /// Too few parameters (201D), or values in ones that the operation does not have (2006).
    pub parameters: bool,
    /// Datasets must be whole, without bytes after them, strings ended by NUL (A806).
    pub datasets: bool,
    /// The object must have the announced number of bytes: fewer 2007, more 200C.
    pub sizes: bool,
    /// Only listed formats may be sent (200B).
    pub formats: bool,
    /// GetDeviceInfo needs a session (2003).
    pub session_for_device_info: bool,
}

/// How one kind of phone behaves.
#[derive(Debug, Clone, PartialEq)]
pub struct Personality {
    /// The name in [`Personality::names`].
    pub name: String,
    /// DeviceInfo: manufacturer.
    pub manufacturer: String,
    /// DeviceInfo: model.
    pub model: String,
    /// DeviceInfo: device version.
    pub device_version: String,
    /// DeviceInfo and USB: serial number.
    pub serial: String,
    /// USB vendor and product id.
    pub usb_id: (u16, u16),
    /// DeviceInfo: extension string.
    pub vendor_extension: String,
    /// DeviceInfo: operations. What is not listed is answered with 2005.
    pub operations: Vec<u16>,
    /// DeviceInfo: events (some send others than they list).
    pub events: Vec<u16>,
    /// DeviceInfo: device properties.
    pub device_properties: Vec<u16>,
    /// DeviceInfo: object formats.
    pub formats: Vec<u16>,
    /// Object properties of every format.
    pub properties: Vec<u16>,
    /// Which of these may be set.
    pub writable_properties: Vec<u16>,
    /// The format that a file reports.
    pub format_rule: FormatRule,
    /// Dates.
    pub dates: Dates,
    /// GetObjectPropValue (9803) of either date answers this instead.
    pub constant_value_date: Option<String>,
    /// Minutes that the phone's time zone is east of UTC.
    pub utc_offset_minutes: i32,
    /// The date in a sent ObjectInfo.
    pub sent_date: SentDate,
    /// GetObjectPropList.
    pub prop_list: PropList,
    /// Whether GetObjectPropList of a folder at depth 1 has the folder itself in it.
    pub prop_list_includes_folder: bool,
    /// Whether depth FFFFFFFF is allowed only for handle 0 and FFFFFFFF.
    pub full_depth_only_for_all: bool,
    /// Sending onto a name that is taken.
    pub overwrite: Overwrite,
    /// Whether the search for that name takes a longer one that begins with it.
    pub prefix_lookup: bool,
    /// Rename.
    pub rename: Rename,
    /// Handles.
    pub handles: Handles,
    /// Persistent ids.
    pub persistent_ids: PersistentIds,
    /// Special parents.
    pub root_listing: RootListing,
    /// Storage FFFFFFFF.
    pub all_storages: AllStorages,
    /// Whether GetObjectHandles can filter by format; if not, 2014.
    pub format_filter: bool,
    /// Live or scanned listings.
    pub listing: Listing,
    /// Live or cached attributes.
    pub attributes: Attributes,
    /// Whether names that begin with a dot are hidden.
    pub hides_dotfiles: bool,
    /// The first storage's id; the next one's is 0x10000 more.
    pub first_storage_id: u32,
    /// StorageInfo: description.
    pub storage_label: String,
    /// StorageInfo: volume id.
    pub volume_id: String,
    /// Where this phone's contacts lie, if it has a usual place.
    pub contacts_folder: Option<String>,
    /// Names.
    pub name_rule: NameRule,
    /// Whether writing is refused with 200E.
    pub read_only: bool,
    /// Whether files in the storage's root are refused, and how.
    pub root_write: Option<u16>,
    /// The response for an object whose file is gone.
    pub vanished: u16,
    /// When a sent object appears.
    pub creation: Creation,
    /// What an interrupted transfer leaves.
    pub interrupted: Interrupted,
    /// Events about the phone's changes.
    pub watching: Watching,
    /// Events about the initiator's changes.
    pub own_events: OwnEvents,
    /// The lock screen.
    pub locked: Locked,
    /// Transport habits.
    pub transport: Transport,
    /// What it insists on.
    pub insists: Insistence,
    /// An app that rewrites what it receives.
    pub app: Option<App>,
}

impl Personality {
    /// Whether DeviceInfo lists the operation.
    #[must_use]
    pub fn lists_operation(&self, operation: u16) -> bool {
        self.operations.contains(&operation)
    }
}
