//! Contacts that are new on the PC, for phones that take them only from a file that a person opens: one file with what
//! was not offered before, remembered until an export shows it. It must not read exports, and nothing here counts as
//! on the phone.
//!
//! What is to be written is in the memory, durably, before the phone is touched. A contact is in one file at most:
//! a file is replaced under its own name, never beside it, and its contacts go into another one only after it was
//! found to be gone and a later export lacks them.

use std::collections::HashMap;

use super::offers_decide::{Rest, Sight, Step, compare, compare_size, decide, must_be_read};
use super::offers_memory::{DropFile, FileState, Hash, OfferBook, OfferedContact, place_of};
use super::offers_notes::{Told, contacts};
use crate::device::channel::contract::Access;
use crate::device::profile::ExportSection;
use crate::device::search::Search;
use crate::device::tree::{ObjectEntry, ObjectKind, ObjectReference, ObjectTree, TreeError};
use crate::ics::Guid;
use crate::provider::{ChannelMemory, HandedOver, ItemId, Offer, ProviderError, Revision};

/// What the names of these files begin with; such a file is never an export.
pub const DROP_FILE_PREFIX: &str = "tetherbook-to-phone-";
/// How many names are tried for one day.
const NAMES_A_DAY_MAX: u32 = 999;
/// The largest file that is read to be compared, beyond the size that is expected.
const FILE_BYTES_MAX: u64 = 256 << 20;

/// Whether the file is one that was left for the phone, by its name.
pub fn is_drop_file(name: &str) -> bool {
    name.get(..DROP_FILE_PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(DROP_FILE_PREFIX))
}

/// The newest export that was read in this session.
#[derive(Debug, Clone, Copy)]
pub struct NewestExport<'a> {
    /// The file's name, or that of the folder where each contact has a file.
    pub name: &'a str,
    /// The hash of its content.
    pub content: Revision,
    /// Its date as the phone tells it.
    pub modified: Option<&'a str>,
}

impl NewestExport<'_> {
    /// What tells this export from others. The date counts without whole quarters of an hour: where a phone tells its
    /// local time, the same file has another date in another time zone.
    pub fn mark(&self) -> String {
        let moment =
            self.modified.and_then(seconds_in_quarter).map_or_else(String::new, |found| found.to_string());
        format!("{} {moment} {}", String::from(Hash::from(self.content)), self.name)
    }
}

/// The seconds since the last quarter of an hour, of a date as MTP (`20261121T060007`) or a directory
/// (`2026-11-21T06:00:07Z`) tells it; `None` of any other text.
fn seconds_in_quarter(date: &str) -> Option<u32> {
    let (minute_at, second_at) = match (date.get(8..9), date.get(10..11)) {
        (Some("T"), _) => (11, 13),
        (_, Some("T")) => (14, 17),
        _ => return None,
    };
    let number = |at: usize| date.get(at..at + 2)?.parse::<u32>().ok();
    Some(number(minute_at)? % 15 * 60 + number(second_at)?)
}

/// What is needed to hand contacts over.
pub struct HandOver<'a> {
    /// The phone.
    pub tree: &'a mut dyn ObjectTree,
    /// Where it is remembered.
    pub memory: &'a dyn ChannelMemory,
    /// Whether the phone may be written to.
    pub access: Access,
    /// The profile's section about exports.
    pub section: &'a ExportSection,
    /// The export that was read, if it is the newest that was ever seen; `None` if there is none, it was refused, or
    /// only one is left that is older than one of an earlier session.
    pub export: Option<NewestExport<'a>>,
    /// The label of the storage to take by preference: where the exports are.
    pub storage: Option<&'a str>,
    /// The time, in milliseconds since 1970.
    pub now_ms: i64,
    /// All contacts of the PC that are wanted on the phone and are not there.
    pub offers: &'a [Offer],
}

/// The contacts that were offered to one phone.
pub struct Offers {
    replica: Guid,
    book: OfferBook,
}

impl Offers {
    /// What is remembered of this replica.
    ///
    /// # Errors
    /// When the memory cannot be read, or holds what this version does not understand.
    pub fn load(memory: &dyn ChannelMemory, replica: Guid) -> Result<Self, ProviderError> {
        Ok(Self { replica, book: OfferBook::load(memory, replica)? })
    }

    /// The PC's items that were offered and were not seen on the phone yet, in order.
    pub fn offered(&self) -> Vec<ItemId> {
        self.book.open_items()
    }

    /// Sees to the files of earlier sessions, and leaves one more with the contacts that were in none of them.
    ///
    /// # Errors
    /// When the phone or the memory cannot be asked any more, or the new file could not be left there. What was
    /// intended is remembered, and the next session goes on with it.
    pub fn hand_over(&mut self, request: HandOver<'_>) -> Result<HandedOver, ProviderError> {
        let nothing_to_do = self.book.files.is_empty() && request.offers.is_empty();
        if request.access == Access::ReadOnly || nothing_to_do {
            return Ok(HandedOver::default());
        }
        let HandOver { tree, memory, section, export, storage, now_ms, offers, .. } = request;
        let mut wanted = HashMap::with_capacity(offers.len());
        for offer in offers {
            wanted.entry(offer.pc.0).or_insert_with(|| Wanted::new(offer));
        }
        let mut round = Round {
            search: Search::new(tree).map_err(TreeError::for_side)?,
            memory,
            replica: self.replica,
            saved: self.book.clone(),
            book: &mut self.book,
            wanted,
            mark: export.map(|export| export.mark()),
            folders: HashMap::new(),
            told: Vec::new(),
        };
        let known = round.book.files.clone();
        round.see_to_files()?;
        let fresh = round.fresh(offers);
        let waiting = round.book.files.iter().map(DropFile::open_count).sum();
        let place = if fresh.is_empty() {
            None
        } else {
            let index = round.storage_for(storage).ok_or_else(|| unleft(&fresh, "no storage takes files"))?;
            let file = round.new_file(index, section, now_ms, &known);
            Some(round.leave(file.map_err(|error| unleft_or(&fresh, error.into()))?, &fresh)?)
        };
        let notes = round.told.iter().map(|told| told.words(section)).collect();
        Ok(HandedOver { place, offered: fresh.len(), waiting, notes })
    }
}

/// A wanted contact as it goes into a file.
struct Wanted {
    bytes: Vec<u8>,
    hash: Hash,
    /// It was in an earlier file that is gone.
    again: bool,
}

impl Wanted {
    fn new(offer: &Offer) -> Self {
        let mut bytes = offer.card.as_bytes().to_vec();
        if !bytes.ends_with(b"\n") {
            bytes.extend_from_slice(b"\r\n");
        }
        Self { hash: Hash::of(&bytes), bytes, again: false }
    }
}

/// Why a file could not be written or removed.
enum Fault {
    /// Nothing more can be asked of the phone.
    Fatal(ProviderError),
    /// It said no to this.
    Refused(String),
}

impl From<TreeError> for Fault {
    fn from(error: TreeError) -> Self {
        if error.is_fatal() { Self::Fatal(error.for_side()) } else { Self::Refused(error.to_string()) }
    }
}

fn unleft(fresh: &[u64], why: &str) -> ProviderError {
    let what = contacts(fresh.len());
    ProviderError::Storage(format!("{what} could not be left on the phone: {why}; mend that and sync again"))
}

fn unleft_or(fresh: &[u64], fault: Fault) -> ProviderError {
    match fault {
        Fault::Fatal(error) => error,
        Fault::Refused(why) => unleft(fresh, &why),
    }
}

/// A file with what was found under its name, and what is to be done.
struct Due {
    file: DropFile,
    object: Option<ObjectReference>,
    step: Step,
    edited: usize,
    dropped: usize,
}

/// One hand-over.
struct Round<'a> {
    search: Search<'a>,
    memory: &'a dyn ChannelMemory,
    replica: Guid,
    /// What is written down.
    saved: OfferBook,
    book: &'a mut OfferBook,
    wanted: HashMap<u64, Wanted>,
    mark: Option<String>,
    /// The folders that were found or made for files, by storage and path.
    folders: HashMap<(usize, String), ObjectReference>,
    told: Vec<Told>,
}

impl Round<'_> {
    fn save(&mut self) -> Result<(), ProviderError> {
        if *self.book != self.saved {
            self.book.save(self.memory, self.replica)?;
            self.saved = self.book.clone();
        }
        Ok(())
    }

    /// Looks at every file, writes down what is to be done, and does it.
    fn see_to_files(&mut self) -> Result<(), ProviderError> {
        if let Some(mark) = &self.mark {
            self.book.note_export(mark);
        }
        let mut due = Vec::new();
        for file in self.book.files.clone() {
            due.extend(self.look(file)?);
        }
        self.book.files = due.iter().map(|due| due.file.clone()).collect();
        self.save()?;
        let mut kept = Vec::new();
        for due in due {
            kept.extend(self.carry_out(due)?);
        }
        self.book.files = kept;
        self.save()
    }

    /// What is to be done about a file; `None` if it is of no more interest. Its state is the intended one already.
    fn look(&mut self, mut file: DropFile) -> Result<Option<Due>, ProviderError> {
        let is_wanted = |contact: &OfferedContact| self.wanted.contains_key(&contact.pc);
        for contact in &mut file.contacts {
            contact.open = contact.open && is_wanted(contact);
        }
        let rest = self.rest(&file);
        let (sight, object) = self.sight(&file, rest)?;
        let has_newer_export = match (&file.state, &self.mark) {
            (FileState::Gone { exports_before, .. }, Some(mark)) => self.book.is_newer(mark, *exports_before),
            _ => false,
        };
        let step = decide(&file, &sight, rest, has_newer_export);
        let (edited, dropped) = (self.edited_count(&file), file.contacts.len() - file.open_count());
        match &step {
            Step::Forget => return Ok(None),
            Step::ForgetForeign => {
                self.told.push(Told::Foreign { place: file.place(), count: 0 });
                return Ok(None);
            }
            Step::OfferAgain => {
                for contact in file.contacts.iter().filter(|contact| contact.open) {
                    self.wanted.entry(contact.pc).and_modify(|wanted| wanted.again = true);
                }
                return Ok(None);
            }
            Step::NoteGone => file.note_gone(self.book.exports_known()),
            Step::Confirm => file.confirm(),
            Step::Write => self.intend(&mut file, object.as_ref().map(|(_, held)| Hash::of(held))),
            Step::Wait | Step::WaitForExport | Step::Remove | Step::LeaveForeign | Step::LeaveUnclear(_) => {}
        }
        Ok(Some(Due { file, object: object.map(|(object, _)| object), step, edited, dropped }))
    }

    fn rest(&self, file: &DropFile) -> Rest {
        if file.open_count() == 0 {
            return Rest::Nothing;
        }
        let is_as_written = match file.state.unconfirmed_bytes() {
            Some(intended) => self.bytes_of(file) == intended,
            None => file.contacts.iter().all(|contact| contact.open) && self.edited_count(file) == 0,
        };
        if is_as_written { Rest::AsWritten } else { Rest::Otherwise }
    }

    /// How many of its open contacts are wanted with other cards by now.
    fn edited_count(&self, file: &DropFile) -> usize {
        let is_edited = |contact: &&OfferedContact| {
            contact.open && self.wanted.get(&contact.pc).is_some_and(|wanted| wanted.hash != contact.card)
        };
        file.contacts.iter().filter(is_edited).count()
    }

    /// The file's content with the cards that are wanted now.
    fn bytes_of(&self, file: &DropFile) -> Vec<u8> {
        let open = file.contacts.iter().filter(|contact| contact.open);
        let cards = open.filter_map(|contact| self.wanted.get(&contact.pc));
        cards.flat_map(|wanted| wanted.bytes.iter().copied()).collect()
    }

    /// Makes the file one that is to be sent, with the cards that are wanted now.
    fn intend(&self, file: &mut DropFile, replaces: Option<Hash>) {
        for contact in file.contacts.iter_mut().filter(|contact| contact.open) {
            if let Some(wanted) = self.wanted.get(&contact.pc) {
                contact.card = wanted.hash;
            }
        }
        file.state = FileState::to_be_sent(&self.bytes_of(file), replaces);
    }

    /// What stands under the file's name, with its content where it was read.
    fn sight(&mut self, file: &DropFile, rest: Rest) -> Result<(Sight, Option<Held>), ProviderError> {
        let entry = match self.find(file) {
            Ok(Found::Nothing) => return Ok((Sight::Missing, None)),
            Ok(Found::NoStorage) => {
                let why = format!("the storage {} is not in the phone now", file.storage);
                return Ok((Sight::Unclear(why), None));
            }
            Ok(Found::Entry(entry)) => entry,
            Err(error) if error.is_fatal() => return Err(error.for_side()),
            Err(error) => return Ok((Sight::Unclear(error.to_string()), None)),
        };
        if entry.kind != ObjectKind::File {
            return Ok((Sight::Foreign, None));
        }
        if !must_be_read(&file.state, rest) {
            return Ok((compare_size(&file.state, entry.size_bytes), None));
        }
        match self.search.tree().read(&entry.object, entry.size_bytes, entry.size_bytes.max(FILE_BYTES_MAX)) {
            Ok(held) => Ok((compare(&file.state, &held), Some((entry.object, held)))),
            Err(error) if error.is_fatal() => Err(error.for_side()),
            Err(TreeError::NotFound(_)) => Ok((Sight::Missing, None)),
            Err(error) => Ok((Sight::Unclear(error.to_string()), None)),
        }
    }

    fn find(&mut self, file: &DropFile) -> Result<Found, TreeError> {
        let storages = self.search.storages();
        let Some(storage) = storages.iter().position(|storage| storage.label == file.storage) else {
            return Ok(Found::NoStorage);
        };
        let Some(folder) = self.search.folder(storage, &file.folder)? else { return Ok(Found::Nothing) };
        Ok(self.search.find(&folder, &file.name)?.map_or(Found::Nothing, Found::Entry))
    }

    /// Does what is due, and tells. `None`: the file is of no more interest.
    fn carry_out(&mut self, due: Due) -> Result<Option<DropFile>, ProviderError> {
        let Due { mut file, object, step, edited, dropped } = due;
        let (place, count) = (file.place(), file.open_count());
        if let (Step::Write | Step::Remove, Some(object)) = (&step, &object) {
            match self.remove(object) {
                Ok(()) => {}
                Err(Fault::Fatal(error)) => return Err(error),
                Err(Fault::Refused(why)) => {
                    self.told.push(Told::Stuck { place, why });
                    return Ok(Some(file));
                }
            }
        }
        match step {
            Step::Write => match self.put_there(&file) {
                Ok(()) => {
                    file.confirm();
                    self.told.push(Told::Rewritten { place, count, edited, dropped });
                }
                Err(Fault::Fatal(error)) => return Err(error),
                Err(Fault::Refused(why)) => self.told.push(Told::Unsent { place, count, why }),
            },
            Step::Remove => {
                self.told.push(Told::Removed { place });
                return Ok(None);
            }
            Step::LeaveForeign => self.told.push(Told::Foreign { place, count }),
            Step::LeaveUnclear(_) if count == 0 => {}
            Step::LeaveUnclear(why) => self.told.push(Told::Unclear { place, count, why }),
            Step::NoteGone | Step::WaitForExport => self.told.push(Told::Gone { place, count }),
            Step::Wait | Step::Confirm => self.told.push(Told::Waits { place, count }),
            Step::Forget | Step::ForgetForeign | Step::OfferAgain => return Ok(None),
        }
        Ok(Some(file))
    }

    /// Sends a file under its name, which is free.
    fn put_there(&mut self, file: &DropFile) -> Result<(), Fault> {
        let storages = self.search.storages();
        let storage = storages.iter().position(|storage| storage.label == file.storage);
        let gone = || Fault::Refused(format!("the storage {} is not in the phone now", file.storage));
        let folder = self.make_folder(storage.ok_or_else(gone)?, &file.folder)?;
        self.send(&folder, file)
    }

    /// Removes a file. An answer of "no" is believed only if the file is still there.
    fn remove(&mut self, object: &ObjectReference) -> Result<(), Fault> {
        match self.search.tree().delete(object) {
            Ok(()) | Err(TreeError::NotFound(_)) => Ok(()),
            Err(error) if error.is_fatal() => Err(error.into()),
            Err(error) => match self.search.tree().stat(object) {
                Err(TreeError::NotFound(_)) => Ok(()),
                Err(second) if second.is_fatal() => Err(second.into()),
                Ok(_) | Err(_) => Err(error.into()),
            },
        }
    }

    /// Sends a file whose name is free, reads it back and compares. What arrived wrong is removed again.
    fn send(&mut self, folder: &ObjectReference, file: &DropFile) -> Result<(), Fault> {
        let bytes = file.state.unconfirmed_bytes().unwrap_or_default();
        let size_bytes = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        let tree = self.search.tree();
        let object = tree.create(folder, &file.name, &bytes)?;
        let why = match tree.read(&object, size_bytes, size_bytes.max(FILE_BYTES_MAX)) {
            Ok(held) if held == bytes => return Ok(()),
            Ok(held) => format!("{} bytes were sent and {} other ones read back", bytes.len(), held.len()),
            Err(error) if error.is_fatal() => return Err(error.into()),
            Err(error) => format!("what was sent could not be read back: {error}"),
        };
        self.remove(&object)?;
        Err(Fault::Refused(why))
    }

    /// The folder at a path of a storage; what is missing of it is made.
    fn make_folder(&mut self, storage: usize, path: &str) -> Result<ObjectReference, TreeError> {
        let key = (storage, path.to_owned());
        if let Some(known) = self.folders.get(&key) {
            return Ok(known.clone());
        }
        let root = self.search.folder(storage, ".")?;
        let mut folder = root.ok_or_else(|| TreeError::NotFound(String::from("the storage")))?;
        for name in path.split('/').filter(|name| *name != ".") {
            folder = match self.search.find(&folder, name)? {
                Some(entry) if entry.kind == ObjectKind::Folder => entry.object,
                Some(_) => {
                    return Err(TreeError::NameTaken(format!("{name} in the way of the folder {path}")));
                }
                None => self.search.tree().make_folder(&folder, name)?,
            };
        }
        self.folders.insert(key, folder.clone());
        Ok(folder)
    }

    /// The contacts that stand in no file, in the order of the offers.
    fn fresh(&self, offers: &[Offer]) -> Vec<u64> {
        let mut fresh = Vec::new();
        let open = self.book.open_items();
        for offer in offers {
            let is_known = open.binary_search(&offer.pc).is_ok() || self.book.may_lie_there(offer.pc.0);
            if !is_known && !fresh.contains(&offer.pc.0) {
                fresh.push(offer.pc.0);
            }
        }
        fresh
    }

    /// An empty file under the first name of the day that is free. Files of this kind that were not `known` when the
    /// session began are told.
    fn new_file(
        &mut self,
        index: usize,
        section: &ExportSection,
        now_ms: i64,
        known: &[DropFile],
    ) -> Result<DropFile, TreeError> {
        let folder = section.drop_folder.clone();
        let storage = self.search.storages().get(index).map_or_else(String::new, |found| found.label.clone());
        let here = |file: &&DropFile| file.storage == storage && file.folder == folder;
        let names = |files: &[DropFile]| -> Vec<String> {
            files.iter().filter(here).map(|file| file.name.to_lowercase()).collect()
        };
        let (known, mut taken) = (names(known), names(&self.book.files));
        if let Some(object) = self.search.folder(index, &folder)? {
            // An error if the folder was not listed whole: what was left out may hold the name.
            self.search.find(&object, DROP_FILE_PREFIX)?;
            for entry in &self.search.list(&object)?.entries {
                let name = entry.name.to_lowercase();
                if is_drop_file(&name) && !known.contains(&name) {
                    self.told.push(Told::Stranger { place: place_of(&storage, &folder, &entry.name) });
                }
                taken.push(name);
            }
        }
        let day = day_text(now_ms);
        let name_at = |number: u32| match number {
            1 => format!("{DROP_FILE_PREFIX}{day}.vcf"),
            _ => format!("{DROP_FILE_PREFIX}{day}-{number}.vcf"),
        };
        let free = (1..=NAMES_A_DAY_MAX).map(name_at).find(|name| !taken.contains(name));
        let name = free.ok_or_else(|| TreeError::Refused(format!("{folder} is full of files of {day}")))?;
        Ok(DropFile { storage, folder, name, contacts: Vec::new(), state: FileState::to_be_sent(&[], None) })
    }

    /// Leaves a new file with these contacts on the phone. The answer is its place.
    fn leave(&mut self, mut file: DropFile, fresh: &[u64]) -> Result<String, ProviderError> {
        let wanted = fresh.iter().filter_map(|pc| Some((*pc, self.wanted.get(pc)?)));
        file.contacts =
            wanted.map(|(pc, wanted)| OfferedContact { pc, card: wanted.hash, open: true }).collect();
        self.intend(&mut file, None);
        self.book.files.push(file.clone());
        self.save()?;
        self.put_there(&file).map_err(|fault| unleft_or(fresh, fault))?;
        if let Some(last) = self.book.files.last_mut() {
            last.confirm();
        }
        self.save()?;
        let again = fresh.iter().filter(|pc| self.wanted.get(pc).is_some_and(|wanted| wanted.again)).count();
        let place = file.place();
        self.told.insert(0, Told::New { place: place.clone(), count: fresh.len(), again });
        Ok(place)
    }

    /// The storage for a new file: the preferred one, else the first that takes writes.
    fn storage_for(&self, preferred: Option<&str>) -> Option<usize> {
        let storages = self.search.storages();
        let is_preferred = |label: &str| preferred == Some(label);
        let writable = |index: &usize| storages.get(*index).is_some_and(|storage| storage.writable);
        let at = storages.iter().position(|storage| is_preferred(&storage.label)).filter(writable);
        at.or_else(|| storages.iter().position(|storage| storage.writable))
    }
}

/// A file that was read, and its content.
type Held = (ObjectReference, Vec<u8>);

/// What stands under a name.
enum Found {
    /// The storage is not there.
    NoStorage,
    /// Surely nothing.
    Nothing,
    /// This.
    Entry(ObjectEntry),
}

/// The day in UTC as `YYYYMMDD`.
fn day_text(now_ms: i64) -> String {
    let timestamp = jiff::Timestamp::from_millisecond(now_ms).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let date = jiff::tz::Offset::UTC.to_datetime(timestamp);
    format!("{:04}{:02}{:02}", date.year(), date.month(), date.day())
}
