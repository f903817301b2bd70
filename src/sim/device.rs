//! The phone itself: what it has, what it remembers over plug-ins, runs and sessions, and [`Phone`], the handle on it.
//!
//! It must not read containers; that is `responder`'s.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet, VecDeque};
use std::fmt;
use std::rc::Rc;

use crate::mtp::code::{event, response};
use crate::provider::Clock;

use super::app::AppMoment;
use super::fault::FaultPlan;
use super::link::SimLink;
use super::media::MediaDatabase;
use super::objects::Objects;
use super::personality::{HandleLife, Listing, Locked, Personality};
use super::port::Port;
use super::storage::{Entry, SharedStorage, StorageError, join_path, split_path};

/// What a hook does: the phone's own apps at work in the middle of a session.
pub type Hook = Box<dyn FnOnce()>;
pub(super) type Hooks = Rc<RefCell<BTreeMap<u64, Vec<Hook>>>>;

/// One storage of the phone.
pub(super) struct Slot {
    pub(super) id: u32,
    pub(super) label: String,
    pub(super) volume_id: String,
    pub(super) storage: SharedStorage,
    pub(super) media: Option<MediaDatabase>,
    pub(super) watched_version: Option<u64>,
}

impl Slot {
    /// The folder as the phone lists it.
    pub(super) fn list(&self, folder: &str) -> Result<Vec<Entry>, StorageError> {
        match &self.media {
            Some(media) => media.list(folder),
            None => self.storage.borrow().list(folder),
        }
    }

    /// The names in the folder as the phone lists it, where they can be told for less than [`Self::list`].
    pub(super) fn names(&self, folder: &str) -> Result<Option<Vec<(String, bool)>>, StorageError> {
        match &self.media {
            Some(_) => Ok(None),
            None => self.storage.borrow().names(folder),
        }
    }

    /// The entry as the phone knows it.
    pub(super) fn entry(&self, path: &str) -> Result<Entry, StorageError> {
        match &self.media {
            Some(media) => media.entry(path),
            None => self.storage.borrow().entry(path),
        }
    }

    /// Brings the media database up to date about one path that changed over MTP.
    pub(super) fn note(&mut self, path: &str) {
        let Some(media) = &mut self.media else { return };
        match self.storage.borrow().entry(path) {
            Ok(entry) => media.note(path, entry),
            Err(_) => media.forget(path),
        }
    }

    /// The same, for a folder with all that is in it.
    pub(super) fn note_all(&mut self, path: &str) {
        self.note(path);
        if self.media.is_none() {
            return;
        }
        let inside = self.storage.borrow().list(path).unwrap_or_default();
        for entry in inside {
            self.note_all(&join_path(path, &entry.name));
        }
    }
}

/// A SendObject that was announced.
pub(super) struct Pending {
    pub(super) handle: u32,
    pub(super) slot: usize,
    pub(super) path: String,
    pub(super) size: u64,
    pub(super) modified_ms: Option<i64>,
    pub(super) is_new: bool,
}

/// An open session.
#[derive(Default)]
pub(super) struct Session {
    pub(super) last_transaction: u32,
    pub(super) pending: Option<Pending>,
    pub(super) editing: HashSet<u32>,
}

/// The phone's inside.
pub(super) struct Device {
    pub(super) personality: Personality,
    pub(super) clock: Rc<dyn Clock>,
    pub(super) slots: Vec<Slot>,
    pub(super) is_locked: bool,
    pub(super) free_bytes: Option<u64>,
    pub(super) objects: Objects,
    pub(super) stored_ids: HashMap<(usize, String), u128>,
    pub(super) device_values: HashMap<u16, String>,
    pub(super) references: HashMap<u32, Vec<u32>>,
    /// Counts plug-ins; a link of an earlier one is gone.
    pub(super) plug: u64,
    pub(super) is_plugged: bool,
    pub(super) plugged_at_us: u64,
    pub(super) session: Option<Session>,
    pub(super) sessions_opened: u64,
    pub(super) events: VecDeque<(u16, Vec<u32>)>,
    pub(super) received: Vec<(usize, String)>,
    pub(super) port: Port,
}

/// What a storage without a set limit says is free, in bytes.
const PLENTY_BYTES: u64 = 32 << 30;

impl Device {
    pub(super) fn event(&mut self, code: u16, parameters: &[u32]) {
        if self.session.is_some() {
            self.events.push_back((code, parameters.to_vec()));
        }
    }

    pub(super) fn free(&self) -> u64 {
        self.free_bytes.unwrap_or(PLENTY_BYTES)
    }

    /// Bytes were written (positive) or freed (negative).
    pub(super) fn use_bytes(&mut self, before: u64, after: u64) {
        self.free_bytes = self.free_bytes.map(|free| free.saturating_add(before).saturating_sub(after));
    }

    pub(super) fn set_locked(&mut self, locked: bool) {
        if self.is_locked == locked {
            return;
        }
        self.is_locked = locked;
        if self.personality.locked == Locked::NoStorages {
            let ids: Vec<u32> = self.slots.iter().map(|slot| slot.id).collect();
            let code = if locked { event::STORE_REMOVED } else { event::STORE_ADDED };
            for id in ids {
                self.event(code, &[id]);
            }
            if locked {
                self.objects.forget_all();
            }
        }
    }

    fn scan(&mut self) {
        if self.personality.listing == Listing::MediaScan {
            for slot in &mut self.slots {
                slot.media = Some(MediaDatabase::scan(&*slot.storage.borrow()));
            }
        }
    }

    /// A new run begins: the cable was plugged in, or the responder was reset.
    pub(super) fn begin_run(&mut self) {
        self.session = None;
        self.events.clear();
        self.received.clear();
        self.port = Port::default();
        self.plugged_at_us = self.clock.steady_us();
        if self.personality.handles.life != HandleLife::Database {
            self.objects.reset(self.personality.handles.first);
        }
        if self.slots.iter().any(|slot| slot.media.is_none()) {
            self.scan();
        }
    }

    /// The cable went.
    pub(super) fn end_run(&mut self) {
        if !self.is_plugged {
            return;
        }
        self.is_plugged = false;
        self.abandon_transfer();
        self.session = None;
        if self.personality.app.as_ref().is_some_and(|app| app.moment == AppMoment::Unplug) {
            for (slot, path) in std::mem::take(&mut self.received) {
                self.run_app(slot, &path);
            }
        }
    }

    /// The app rewrites what came, if it can read it.
    pub(super) fn run_app(&mut self, slot: usize, path: &str) {
        let Some(app) = self.personality.app.clone() else { return };
        let Some(slot) = self.slots.get_mut(slot) else { return };
        if !split_path(path).1.to_ascii_lowercase().ends_with(".vcf") {
            return;
        }
        let before = slot.storage.borrow().read(path);
        if let Ok(before) = before
            && let Some(after) = app.rewrite(&before)
            && after != before
        {
            // An app that cannot write leaves the file as it is.
            let _ = slot.storage.borrow_mut().write(path, &after);
        }
    }

    /// The response for any storage while the screen is locked.
    pub(super) fn lock_response(&self) -> u16 {
        match self.personality.locked {
            Locked::NoStorages => response::INVALID_STORAGE_ID,
            Locked::StoreNotAvailable => response::STORE_NOT_AVAILABLE,
            Locked::AccessDenied => response::ACCESS_DENIED,
        }
    }
}

/// A simulated phone. It stays the same phone however often it is plugged in; clones are the same phone.
#[derive(Clone)]
pub struct Phone {
    pub(super) device: Rc<RefCell<Device>>,
    pub(super) hooks: Hooks,
}

impl fmt::Debug for Phone {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let device = self.device.borrow();
        formatter
            .debug_struct("Phone")
            .field("personality", &device.personality.name)
            .field("is_plugged", &device.is_plugged)
            .field("is_locked", &device.is_locked)
            .finish_non_exhaustive()
    }
}

impl Phone {
    /// A phone with one storage, unlocked and not plugged in.
    #[must_use]
    pub fn new(personality: Personality, storage: SharedStorage, clock: Rc<dyn Clock>) -> Self {
        let mut device = Device {
            objects: Objects::new(personality.handles.first),
            personality,
            clock,
            slots: Vec::new(),
            is_locked: false,
            free_bytes: None,
            stored_ids: HashMap::new(),
            device_values: HashMap::new(),
            references: HashMap::new(),
            plug: 0,
            is_plugged: false,
            plugged_at_us: 0,
            session: None,
            sessions_opened: 0,
            events: VecDeque::new(),
            received: Vec::new(),
            port: Port::default(),
        };
        let (label, volume_id) =
            (device.personality.storage_label.clone(), device.personality.volume_id.clone());
        device.slots.push(Slot {
            id: device.personality.first_storage_id,
            label,
            volume_id,
            storage,
            media: None,
            watched_version: None,
        });
        Self { device: Rc::new(RefCell::new(device)), hooks: Hooks::default() }
    }

    /// Puts a further storage (a card) into the phone.
    pub fn add_storage(&self, label: &str, volume_id: &str, storage: SharedStorage) {
        let mut device = self.device.borrow_mut();
        let number = u32::try_from(device.slots.len()).unwrap_or(0);
        let id = device.personality.first_storage_id.wrapping_add(number.wrapping_mul(0x0001_0000));
        device.slots.push(Slot {
            id,
            label: label.to_owned(),
            volume_id: volume_id.to_owned(),
            storage,
            media: None,
            watched_version: None,
        });
        device.event(event::STORE_ADDED, &[id]);
    }

    /// Plugs the cable in (again: an earlier link is gone then) and returns the PC's end of it.
    #[must_use]
    pub fn plug_in(&self, faults: FaultPlan) -> SimLink {
        self.unplug();
        let mut device = self.device.borrow_mut();
        device.plug = device.plug.wrapping_add(1);
        device.is_plugged = true;
        device.begin_run();
        let plug = device.plug;
        drop(device);
        SimLink::new(self.clone(), plug, faults)
    }

    /// Another program (or the same, started again) takes the phone that stayed plugged in, with whatever session
    /// and half-moved bytes the one before left. Plugs it in if it was not.
    #[must_use]
    pub fn take_over(&self, faults: FaultPlan) -> SimLink {
        let device = self.device.borrow();
        if !device.is_plugged {
            drop(device);
            return self.plug_in(faults);
        }
        let plug = device.plug;
        drop(device);
        SimLink::new(self.clone(), plug, faults)
    }

    /// Pulls the cable.
    pub fn unplug(&self) {
        self.device.borrow_mut().end_run();
    }

    /// Locks the screen.
    pub fn lock(&self) {
        self.device.borrow_mut().set_locked(true);
    }

    /// Unlocks the screen.
    pub fn unlock(&self) {
        self.device.borrow_mut().set_locked(false);
    }

    /// Sets the room left, in bytes; writes use it up and deletes give it back. `None` is plenty.
    pub fn set_free_bytes(&self, free_bytes: Option<u64>) {
        self.device.borrow_mut().free_bytes = free_bytes;
    }

    /// The phone travels, or its clock is put forward for the summer.
    pub fn set_utc_offset_minutes(&self, minutes: i32) {
        self.device.borrow_mut().personality.utc_offset_minutes = minutes;
    }

    /// Changes a habit of the phone.
    pub fn with_personality(&self, change: impl FnOnce(&mut Personality)) {
        change(&mut self.device.borrow_mut().personality);
    }

    /// The phone's habits.
    #[must_use]
    pub fn personality(&self) -> Personality {
        self.device.borrow().personality.clone()
    }

    /// The media scanner runs: what it lists is true now, and every handle and row id is new.
    pub fn media_scan(&self) {
        let mut device = self.device.borrow_mut();
        if device.personality.listing == Listing::MediaScan {
            device.scan();
            device.objects.forget_all();
        }
    }

    /// The value of a device property that was set over MTP.
    #[must_use]
    pub fn device_value(&self, property: u16) -> Option<String> {
        self.device.borrow().device_values.get(&property).cloned()
    }

    /// Runs `hook` as container `number` is about to move on any link of this phone. It may change storages and
    /// lock or unplug the phone.
    pub fn at_container(&self, number: u64, hook: Hook) {
        self.hooks.borrow_mut().entry(number).or_default().push(hook);
    }
}
