//! One running process: what it sees, what would be left of it if it died now, and at which request the cable goes.
//! The model's part of a session's surroundings; it must not know what a session does.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use crate::disk::{Database, Disk, File, Phone};
use crate::mutants::Bug;

/// The time in every session: 2026-11-21T12:00:00Z.
pub const NOW_MS: i64 = 1_795_262_400_000;
/// Whatever was read in an earlier session was read long before this one.
pub const LONG_AGO_MS: i64 = NOW_MS - 60_000;

/// What a request to the phone does there.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Kind {
    Look,
    Create,
    Change,
}

/// How far a request gets when the cable goes at it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Reach {
    /// It does not arrive.
    Before,
    /// Half of a new file arrives.
    Halfway,
    /// It is done, and only the answer is lost.
    After,
}

/// What goes wrong in a session.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Fault {
    Nothing,
    /// The cable goes at the n-th request, from 0.
    Unplugged(u16, Reach),
    /// Every listing lacks the n-th file and says that it is not whole.
    Short(u16),
}

/// The files of the phone while it is plugged in, by handle.
#[derive(Default)]
pub struct Folder {
    pub files: BTreeMap<u8, File>,
    next_handle: u8,
}

pub struct Process {
    pub folder: RefCell<Folder>,
    /// What the process sees of the database.
    pub database: RefCell<Database>,
    /// What is on the disk while a batch is open.
    behind: RefCell<Option<Database>>,
    /// The disk as every moment of the session leaves it, the first one included.
    pub moments: RefCell<Vec<Disk>>,
    /// What the requests were, in order.
    pub requests: RefCell<Vec<Kind>>,
    pub fault: Fault,
    pub bug: Bug,
    /// Whether the moments are kept.
    records: bool,
    is_gone: Cell<bool>,
    has_dates: bool,
}

impl Process {
    pub fn new(disk: &Disk, fault: Fault, bug: Bug, has_dates: bool, records: bool) -> Self {
        let mut folder = Folder::default();
        for file in &disk.phone.files {
            folder.add(file.clone());
        }
        Self {
            folder: RefCell::new(folder),
            database: RefCell::new(disk.database.clone()),
            behind: RefCell::new(None),
            moments: RefCell::new(if records { vec![disk.clone()] } else { Vec::new() }),
            requests: RefCell::default(),
            fault,
            bug,
            records,
            is_gone: Cell::new(false),
            has_dates,
        }
    }

    /// What would be left if the process died now.
    pub fn durable(&self) -> Disk {
        let database = self.behind.borrow().clone().unwrap_or_else(|| self.database.borrow().clone());
        Disk { phone: self.folder.borrow().phone(), database }
    }

    /// Something may have become durable.
    pub fn step(&self) {
        if self.records {
            let now = self.durable();
            self.moments.borrow_mut().push(now);
        }
    }

    /// The same, with a database that no atomic commit would leave: for seeded bugs.
    pub fn step_with(&self, database: Database) {
        if self.records {
            let now = Disk { phone: self.folder.borrow().phone(), database };
            self.moments.borrow_mut().push(now);
        }
    }

    pub fn begin(&self) -> bool {
        let mut behind = self.behind.borrow_mut();
        if behind.is_some() {
            return false;
        }
        *behind = Some(self.database.borrow().clone());
        true
    }

    pub fn commit(&self) {
        let before = self.behind.take();
        if let (Bug::TwoCommits, Some(mut half)) = (self.bug, before) {
            // The states get to the disk before what they speak of.
            let database = self.database.borrow();
            half.of_pc = database.of_pc.clone();
            half.of_phone = database.of_phone.clone();
            drop(database);
            self.step_with(half);
        }
        self.step();
    }

    pub fn roll_back(&self) {
        if let Some(before) = self.behind.take() {
            self.database.replace(before);
        }
    }

    /// A single write outside of a batch is durable at once.
    pub fn wrote(&self) {
        if self.behind.borrow().is_none() {
            self.step();
        }
    }

    /// Counts a request; says how far it gets if it is the one at which the cable goes, `Err` if it does not arrive.
    pub fn request(&self, kind: Kind) -> Result<Option<Reach>, ()> {
        let number = u16::try_from(self.requests.borrow().len()).unwrap();
        self.requests.borrow_mut().push(kind);
        if self.is_gone.get() {
            return Err(());
        }
        match self.fault {
            Fault::Unplugged(at, reach) if at == number => {
                self.is_gone.set(true);
                if reach == Reach::Before { Err(()) } else { Ok(Some(reach)) }
            }
            _ => Ok(None),
        }
    }

    /// The second in which a file is written now.
    pub fn date(&self) -> u64 {
        if !self.has_dates {
            return 0;
        }
        let newest = self.folder.borrow().files.values().map(|file| file.date).max();
        newest.unwrap_or(0).max(newest_remembered(&self.database.borrow())) + 1
    }
}

/// The newest date that is remembered of any file.
pub fn newest_remembered(database: &Database) -> u64 {
    let dates = database.rows.iter().filter_map(|row| row.0.stamp.modified.as_deref());
    dates.filter_map(|date| date.get(9..)?.parse().ok()).max().unwrap_or(0)
}

impl Folder {
    pub fn add(&mut self, file: File) -> u8 {
        self.next_handle += 1;
        self.files.insert(self.next_handle, file);
        self.next_handle
    }

    pub fn phone(&self) -> Phone {
        let mut files: Vec<File> = self.files.values().cloned().collect();
        files.sort_by(|left, right| left.name.cmp(&right.name));
        Phone { files }
    }
}
