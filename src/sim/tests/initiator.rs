//! A small initiator for these tests: it knows containers and a few datasets, written again from the standard.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use crate::mtp::{Link, LinkError};
use crate::provider::TestClock;
use crate::sim::{FaultPlan, MemoryStorage, Personality, Phone, SimLink, Storage};

pub const CARD: &[u8] = b"BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Person 1\r\nEND:VCARD\r\n";
/// 2026-11-20T15:39:59Z.
pub const NOW_MS: i64 = 1_795_189_199_000;

pub struct Reply {
    pub code: u16,
    pub parameters: Vec<u32>,
    pub data: Vec<u8>,
}

pub struct Pc {
    pub link: SimLink,
    pub next: u32,
    /// Sends header and payload of data apart.
    pub splits: bool,
    /// Reads at most so many bytes at once.
    pub reads: usize,
    left_over: Vec<u8>,
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes(bytes[at..at + 2].try_into().unwrap())
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap())
}

pub fn text(value: &str) -> Vec<u8> {
    if value.is_empty() {
        return vec![0];
    }
    let units: Vec<u16> = value.encode_utf16().chain([0]).collect();
    let mut bytes = vec![u8::try_from(units.len()).unwrap()];
    bytes.extend(units.iter().flat_map(|unit| unit.to_le_bytes()));
    bytes
}

pub fn read_text(bytes: &[u8]) -> (String, &[u8]) {
    let end = 1 + usize::from(bytes[0]) * 2;
    let units: Vec<u16> =
        bytes[1..end].chunks(2).map(|pair| u16_at(pair, 0)).take_while(|unit| *unit != 0).collect();
    (String::from_utf16(&units).unwrap(), &bytes[end..])
}

pub fn object_info(format: u16, size: u32, name: &str, modified: &str) -> Vec<u8> {
    let mut bytes = vec![0; 52];
    bytes[4..6].copy_from_slice(&format.to_le_bytes());
    bytes[8..12].copy_from_slice(&size.to_le_bytes());
    if format == 0x3001 {
        bytes[42] = 1;
    }
    bytes.extend(text(name));
    bytes.extend(text(""));
    bytes.extend(text(modified));
    bytes.extend(text(""));
    bytes
}

impl Pc {
    pub fn new(link: SimLink) -> Self {
        Self { link, next: 0, splits: false, reads: 1 << 20, left_over: Vec::new() }
    }

    fn transfer(&mut self, bytes: &[u8]) -> Result<(), LinkError> {
        self.link.bulk_out(bytes, 1000)?;
        if bytes.len().is_multiple_of(self.link.packet_bytes()) {
            self.link.bulk_out(&[], 1000)?;
        }
        Ok(())
    }

    pub fn send(&mut self, kind: u16, code: u16, transaction: u32, payload: &[u8]) -> Result<(), LinkError> {
        let mut bytes = u32::try_from(payload.len() + 12).unwrap().to_le_bytes().to_vec();
        bytes.extend(kind.to_le_bytes());
        bytes.extend(code.to_le_bytes());
        bytes.extend(transaction.to_le_bytes());
        if self.splits && kind == 2 {
            self.transfer(&bytes)?;
            return if payload.is_empty() { Ok(()) } else { self.transfer(payload) };
        }
        bytes.extend(payload);
        self.transfer(&bytes)
    }

    /// One container: kind, code, transaction, payload (as much as came).
    pub fn receive(&mut self) -> Result<(u16, u16, u32, Vec<u8>), LinkError> {
        let mut bytes = std::mem::take(&mut self.left_over);
        loop {
            if bytes.len() >= 12 {
                let length = u32_at(&bytes, 0) as usize;
                if bytes.len() >= length {
                    let rest = bytes.split_off(length);
                    // A single byte more stands for an empty packet; anything longer is the next container.
                    if rest.len() > 1 {
                        self.left_over = rest;
                    }
                    return Ok((
                        u16_at(&bytes, 4),
                        u16_at(&bytes, 6),
                        u32_at(&bytes, 8),
                        bytes[12..].to_vec(),
                    ));
                }
            }
            let mut more = Vec::new();
            let got = self.link.bulk_in(&mut more, self.reads, 1000);
            if more.is_empty() {
                got?;
            }
            // A response where data should go on: the phone had less than it told.
            if more.len() >= 12
                && more.len() <= 32
                && u32_at(&more, 0) as usize == more.len()
                && more[4] == 3
                && bytes.len() >= 12
            {
                self.left_over = more;
                return Ok((u16_at(&bytes, 4), u16_at(&bytes, 6), u32_at(&bytes, 8), bytes[12..].to_vec()));
            }
            bytes.extend(more);
        }
    }

    pub fn run(&mut self, code: u16, parameters: &[u32], data: Option<&[u8]>) -> Result<Reply, LinkError> {
        let transaction = self.next;
        self.next += 1;
        let payload: Vec<u8> = parameters.iter().flat_map(|value| value.to_le_bytes()).collect();
        self.send(1, code, transaction, &payload)?;
        if let Some(data) = data {
            self.send(2, code, transaction, data)?;
        }
        let mut reply = Reply { code: 0, parameters: Vec::new(), data: Vec::new() };
        loop {
            let (kind, code, _, payload) = self.receive()?;
            match kind {
                2 => reply.data = payload,
                3 => {
                    reply.code = code;
                    reply.parameters = payload.chunks(4).map(|word| u32_at(word, 0)).collect();
                    return Ok(reply);
                }
                other => panic!("container kind {other}"),
            }
        }
    }

    pub fn ask(&mut self, code: u16, parameters: &[u32]) -> Reply {
        self.run(code, parameters, None).unwrap()
    }

    pub fn code(&mut self, code: u16, parameters: &[u32]) -> u16 {
        self.ask(code, parameters).code
    }

    pub fn tell(&mut self, code: u16, parameters: &[u32], data: &[u8]) -> Reply {
        self.run(code, parameters, Some(data)).unwrap()
    }

    pub fn open(&mut self) {
        assert_eq!(self.code(0x1002, &[1]), 0x2001);
        self.next = 1;
    }

    pub fn storages(&mut self) -> Vec<u32> {
        words(&self.ask(0x1004, &[]).data)
    }

    pub fn handles(&mut self, storage: u32, parent: u32) -> Vec<u32> {
        let reply = self.ask(0x1007, &[storage, 0, parent]);
        assert_eq!(reply.code, 0x2001);
        words(&reply.data)
    }

    /// Storage, format, size, parent, name, created, modified.
    pub fn info(&mut self, handle: u32) -> Result<Info, u16> {
        let reply = self.ask(0x1008, &[handle]);
        if reply.code != 0x2001 {
            return Err(reply.code);
        }
        let (name, rest) = read_text(&reply.data[52..]);
        let (created, rest) = read_text(rest);
        let (modified, _) = read_text(rest);
        Ok(Info {
            storage: u32_at(&reply.data, 0),
            format: u16_at(&reply.data, 4),
            size: u32_at(&reply.data, 8),
            parent: u32_at(&reply.data, 38),
            name,
            created,
            modified,
        })
    }

    /// Names and handles of a folder; of two with one name the last.
    pub fn names(&mut self, storage: u32, parent: u32) -> BTreeMap<String, u32> {
        self.handles(storage, parent)
            .into_iter()
            .map(|handle| (self.info(handle).unwrap().name, handle))
            .collect()
    }

    pub fn read(&mut self, handle: u32) -> Result<Vec<u8>, u16> {
        let reply = self.ask(0x1009, &[handle]);
        if reply.code == 0x2001 { Ok(reply.data) } else { Err(reply.code) }
    }

    pub fn property(&mut self, handle: u32, property: u32) -> Result<Vec<u8>, u16> {
        let reply = self.ask(0x9803, &[handle, property]);
        if reply.code == 0x2001 { Ok(reply.data) } else { Err(reply.code) }
    }

    pub fn announce(&mut self, storage: u32, parent: u32, name: &str, size: usize) -> Result<u32, u16> {
        let info = object_info(0x3000, u32::try_from(size).unwrap(), name, "");
        let reply = self.tell(0x100C, &[storage, parent], &info);
        if reply.code == 0x2001 { Ok(reply.parameters[2]) } else { Err(reply.code) }
    }

    pub fn write(&mut self, storage: u32, parent: u32, name: &str, bytes: &[u8]) -> Result<u32, u16> {
        let handle = self.announce(storage, parent, name, bytes.len())?;
        match self.tell(0x100D, &[], bytes).code {
            0x2001 => Ok(handle),
            code => Err(code),
        }
    }

    pub fn rename(&mut self, handle: u32, name: &str) -> u16 {
        self.tell(0x9804, &[handle, 0xDC07], &text(name)).code
    }

    /// The events that wait.
    pub fn events(&mut self) -> Vec<(u16, u32)> {
        let mut events = Vec::new();
        while let Some(bytes) = self.link.interrupt_in(0).unwrap() {
            assert_eq!(u16_at(&bytes, 4), 4);
            events.push((u16_at(&bytes, 6), u32_at(&bytes, 12)));
        }
        events
    }
}

#[derive(Debug, PartialEq, Eq)]
pub struct Info {
    pub storage: u32,
    pub format: u16,
    pub size: u32,
    pub parent: u32,
    pub name: String,
    pub created: String,
    pub modified: String,
}

pub fn words(data: &[u8]) -> Vec<u32> {
    let all: Vec<u32> = data.chunks(4).map(|word| u32_at(word, 0)).collect();
    assert_eq!(all[0] as usize, all.len() - 1);
    all[1..].to_vec()
}

/// A phone with three cards in `/Contacts`, and all that belongs to it.
pub struct Lab {
    pub phone: Phone,
    pub storage: Rc<RefCell<MemoryStorage>>,
    pub clock: Rc<TestClock>,
}

impl Lab {
    pub fn new(name: &str) -> Self {
        Self::with(Personality::by_name(name).unwrap())
    }

    pub fn with(personality: Personality) -> Self {
        let clock = Rc::new(TestClock::at(NOW_MS));
        let storage = MemoryStorage::shared(clock.clone());
        storage.borrow_mut().make_folder("Contacts").unwrap();
        for number in 1..=3 {
            let card = String::from_utf8_lossy(CARD).replace('1', &number.to_string());
            storage.borrow_mut().write(&format!("Contacts/p{number}.vcf"), card.as_bytes()).unwrap();
        }
        let phone = Phone::new(personality, storage.clone(), clock.clone());
        Self { phone, storage, clock }
    }

    pub fn connect(&self) -> Pc {
        self.connect_with(FaultPlan::none())
    }

    pub fn connect_with(&self, plan: FaultPlan) -> Pc {
        Pc::new(self.phone.plug_in(plan))
    }

    /// A connected PC with an open session, the storage and the folder's handle.
    pub fn open(&self) -> (Pc, u32, u32) {
        let mut pc = self.connect();
        pc.open();
        let storage = pc.storages()[0];
        let folder = pc.names(storage, 0xFFFF_FFFF)["Contacts"];
        (pc, storage, folder)
    }

    pub fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        self.storage.borrow().read(path).ok()
    }
}

/// One element of a property list: handle, property, type and the value's bytes.
pub type Element = (u32, u16, u16, Vec<u8>);

/// Every element of a property list; panics if the dataset is not whole.
pub fn elements(data: &[u8]) -> Vec<Element> {
    let mut rest = &data[4..];
    let mut all = Vec::new();
    while !rest.is_empty() {
        let (handle, property, kind) = (u32_at(rest, 0), u16_at(rest, 4), u16_at(rest, 6));
        rest = &rest[8..];
        let length = match kind {
            2 => 1,
            4 => 2,
            6 => 4,
            8 => 8,
            10 => 16,
            0xFFFF => 1 + usize::from(rest[0]) * 2,
            other => panic!("type {other:04x}"),
        };
        all.push((handle, property, kind, rest[..length].to_vec()));
        rest = &rest[length..];
    }
    assert_eq!(u32_at(data, 0) as usize, all.len());
    all
}
