//! A staged computer: a USB bus with simulated phones on it, a sealed home, a clock that stands still; and what a command
//! line gives there, as one text. Nothing outside of its folder is read or written.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::{Arc, Mutex, RwLock};

use tetherbook::cli::{self, Stream, Terminal, World};
use tetherbook::mtp::Link;
use tetherbook::mtp::code::operation;
use tetherbook::provider::{Clock, TestClock, TestRandomness};
use tetherbook::sim::{FaultPlan, MemoryStorage, Personality, Phone, SharedStorage, SharedTrace, Storage};
use tetherbook::usb::{
    Access, CableQuirks, Change, Evidence, Holder, MtpInterface, Ports, UsbDevice, UsbError,
};

/// 2026-11-20T12:00:00Z.
pub const NOON_MS: i64 = 1_795_176_000_000;

/// One device on the bus.
pub struct Plugged {
    pub device: UsbDevice,
    pub phone: Option<Phone>,
    pub storage: Rc<RefCell<MemoryStorage>>,
    /// The programs that have it open; they have claimed it too if `is_held`.
    pub holders: Vec<Holder>,
    pub is_held: bool,
    /// While this file is there it is held, whatever else is said.
    pub held_while: Option<PathBuf>,
    traces: RefCell<Vec<SharedTrace>>,
}

/// The bus.
#[derive(Default)]
pub struct StagedBus {
    pub plugged: RefCell<Vec<Plugged>>,
}

impl StagedBus {
    fn with<T>(&self, device: &UsbDevice, work: impl FnOnce(&Plugged) -> T) -> Option<T> {
        self.plugged.borrow().iter().find(|plugged| plugged.device == *device).map(work)
    }
}

impl Ports for StagedBus {
    fn devices(&self) -> Result<Vec<UsbDevice>, UsbError> {
        Ok(self.plugged.borrow().iter().map(|plugged| plugged.device.clone()).collect())
    }

    fn connect(&self, device: &UsbDevice, _quirks: CableQuirks) -> Result<Box<dyn Link>, UsbError> {
        if device.access == Access::Denied {
            return Err(UsbError::NoPermission(device.node()));
        }
        let connected = self.with(device, |plugged| {
            if plugged.is_held || plugged.held_while.as_ref().is_some_and(|file| file.exists()) {
                return Err(UsbError::Held(plugged.holders.clone()));
            }
            let link = plugged.phone.as_ref().ok_or(UsbError::NoInterface)?.plug_in(FaultPlan::none());
            plugged.traces.borrow_mut().push(link.trace());
            Ok(Box::new(link) as Box<dyn Link>)
        });
        connected.unwrap_or(Err(UsbError::Gone))
    }

    fn holders(&self, device: &UsbDevice) -> Vec<Holder> {
        self.with(device, |plugged| match &plugged.held_while {
            Some(file) if !file.exists() => Vec::new(),
            _ => plugged.holders.clone(),
        })
        .unwrap_or_default()
    }

    fn wait(&self, _timeout_ms: u64) -> Result<Change, UsbError> {
        Ok(Change::Nothing)
    }
}

/// A device without a phone behind it: it only charges.
pub fn charger(address: u8, product: &str, serial: &str) -> Plugged {
    let clock: Rc<dyn Clock> = Rc::new(TestClock::at(NOON_MS));
    Plugged {
        device: UsbDevice {
            bus: 1,
            address,
            ports: format!("1-{address}"),
            usb_id: (0x18d1, 0x4ee1),
            manufacturer: String::from("Fabrikam"),
            product: product.to_owned(),
            serial: serial.to_owned(),
            interface: None,
            access: Access::Granted,
        },
        phone: None,
        storage: MemoryStorage::shared(clock),
        holders: Vec::new(),
        is_held: false,
        held_while: None,
        traces: RefCell::default(),
    }
}

/// A phone of this personality.
pub fn phone(clock: &Rc<TestClock>, address: u8, personality: &str, serial: &str) -> Plugged {
    let clock: Rc<dyn Clock> = Rc::<TestClock>::clone(clock);
    let storage = MemoryStorage::shared(Rc::clone(&clock));
    let shared: SharedStorage = Rc::<RefCell<MemoryStorage>>::clone(&storage);
    let mut of = Personality::by_name(personality).unwrap();
    serial.clone_into(&mut of.serial);
    let usb_id = of.usb_id;
    let (manufacturer, product) = (of.manufacturer.clone(), of.model.clone());
    let phone = Phone::new(of, shared, clock);
    phone.set_free_bytes(Some(12_300_000_000));
    let interface = MtpInterface {
        configuration: 1,
        number: 0,
        alternate: 0,
        bulk_in: 0x81,
        bulk_out: 0x02,
        interrupt_in: Some(0x83),
        packet_bytes: 512,
        evidence: Evidence::ImageClass,
    };
    let bare = charger(address, &product, serial);
    let device = UsbDevice { usb_id, manufacturer, interface: Some(interface), ..bare.device };
    Plugged { device, phone: Some(phone), storage, ..bare }
}

impl Plugged {
    /// With a folder of so many cards, each changed an hour after the one before.
    pub fn with_cards(self, folder: &str, number: i64) -> Self {
        {
            let mut storage = self.storage.borrow_mut();
            storage.make_folder(folder).unwrap();
            for index in 0..number {
                let card = format!(
                    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:card-{index}\r\nFN:Ada {index} Example\r\nTEL:+49170{index}\r\nEND:VCARD\r\n"
                );
                let path = format!("{folder}/ada-{index}.vcf");
                storage.write(&path, card.as_bytes()).unwrap();
                storage.set_modified_ms(&path, NOON_MS - 10 * 86_400_000 + index * 3_600_000).unwrap();
            }
        }
        self
    }

    /// A further storage for it, empty.
    pub fn phone_storage(&self) -> SharedStorage {
        MemoryStorage::shared(Rc::new(TestClock::at(NOON_MS)))
    }

    /// Open in these programs.
    pub fn with_holders(self, programs: &[&str]) -> Self {
        let holders = programs
            .iter()
            .zip(41..)
            .map(|(program, process_id)| Holder { process_id, program: (*program).to_owned() });
        Self { holders: holders.collect(), ..self }
    }

    /// How often something was asked that could change a phone.
    pub fn writes(&self) -> usize {
        let writing = [
            operation::SEND_OBJECT_INFO,
            operation::SEND_OBJECT,
            operation::DELETE_OBJECT,
            operation::SET_OBJECT_PROP_VALUE,
            operation::SET_DEVICE_PROP_VALUE,
        ];
        let traces = self.traces.borrow();
        let counts = traces
            .iter()
            .map(|trace| writing.iter().map(|&operation| trace.borrow().count_of(operation)).sum::<usize>());
        counts.sum()
    }
}

/// A program that is started inherits every open file for the moment until it is loaded, another test's session lock
/// among them. So nothing else runs meanwhile in this process.
static STARTING_PROGRAMS: RwLock<()> = RwLock::new(());

/// The staged computer.
pub struct Computer {
    folder: tempfile::TempDir,
    pub bus: Rc<StagedBus>,
    pub clock: Rc<TestClock>,
}

#[derive(Clone, Default)]
struct Caught(Arc<Mutex<Vec<u8>>>);

impl Write for Caught {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Caught {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Computer {
    /// With nothing plugged in.
    pub fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("tb").rand_bytes(6).tempdir_in("/tmp").unwrap();
        let computer = Self { folder, bus: Rc::default(), clock: Rc::new(TestClock::at(NOON_MS)) };
        computer.write("root/etc/os-release", "NAME=\"Example\"\nPRETTY_NAME=\"Example Linux 12\"\n");
        computer.write("root/proc/sys/kernel/osrelease", "6.1.0-example\n");
        computer.write("root/proc/self/maps", "7f00 r-xp 0 08:01 1 /usr/lib/libmtp.so.9.4.0\n");
        fs::create_dir(computer.path("home")).unwrap();
        computer
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn write(&self, name: &str, content: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }

    /// Plugs something in.
    pub fn plug(&self, plugged: Plugged) {
        self.bus.plugged.borrow_mut().push(plugged);
    }

    /// A phone with the usual serial number, ready to be plugged in.
    pub fn phone(&self) -> Plugged {
        phone(&self.clock, 4, "android", "R58M123ABC")
    }

    /// How often something was asked of any phone that could change it.
    pub fn writes(&self) -> usize {
        self.bus.plugged.borrow().iter().map(Plugged::writes).sum()
    }

    /// Runs one command line; `{T}` in it stands for the folder.
    pub fn run(&self, line: &str) -> String {
        let alone = line.contains("--release").then(|| STARTING_PROGRAMS.write().unwrap());
        let _beside_others = alone.is_none().then(|| STARTING_PROGRAMS.read().unwrap());
        let root = self.folder.path().display().to_string();
        let mut arguments = vec![OsString::from("tetherbook")];
        arguments.extend(line.split(' ').map(|word| OsString::from(word.replace("{T}", &root))));
        let environment: BTreeMap<String, OsString> = [
            (String::from("HOME"), self.path("home").into_os_string()),
            (String::from("PATH"), self.path("bin").into_os_string()),
        ]
        .into();
        let (stdout, stderr) = (Caught::default(), Caught::default());
        let world = World {
            arguments,
            environment,
            terminal: Terminal::default(),
            clock: Rc::<TestClock>::clone(&self.clock),
            randomness: Rc::new(TestRandomness::seeded(7)),
            stdin: RefCell::new(Box::new(io::empty())),
            stdout: Stream::new(Box::new(stdout.clone())),
            stderr: Stream::new(Box::new(stderr.clone())),
            interrupted: Arc::default(),
            usb: Rc::<StagedBus>::clone(&self.bus),
            root: self.path("root"),
        };
        let exit = cli::run(&world);
        let mut text = format!("$ tetherbook {line}\n{}", self.redacted(&stdout.text()));
        for line in self.redacted(&stderr.text()).lines() {
            text.push_str(&format!("stderr| {line}\n"));
        }
        text + &format!("[exit {}]\n", exit.number())
    }

    /// Several command lines in one text.
    pub fn transcript(&self, lines: &[&str]) -> String {
        lines.iter().map(|line| self.run(line) + "\n").collect()
    }

    fn redacted(&self, text: &str) -> String {
        let text = text.replace(&self.folder.path().display().to_string(), "/tmp/SANDBOX_");
        // How much is free on the disk of whoever runs the test, and what this build has.
        without_table(&text).lines().map(|line| free_space(line) + "\n").collect()
    }
}

/// Without what libmtp's table says, which differs from release to release: the last row of a device, or its last key.
fn without_table(text: &str) -> String {
    let mut out = String::new();
    let mut is_inside = false;
    for line in text.lines() {
        is_inside = line.starts_with("  libmtp") || (is_inside && line.starts_with("             "));
        if !is_inside {
            let (kept, end) = match line.split_once(",\"libmtp\":") {
                Some((kept, _)) => (kept, ",\"libmtp\":TABLE}"),
                None => (line, ""),
            };
            out += &format!("{kept}{end}\n");
        }
    }
    out
}

/// A line without the number before "free at".
fn free_space(line: &str) -> String {
    let Some((before, after)) = line.split_once(" free at ") else { return line.to_owned() };
    let start = before.rfind(|letter: char| letter != '.' && letter != ' ' && !letter.is_alphanumeric());
    let start = start.map_or_else(|| before.len() - before.split("  ").last().unwrap().len(), |at| at + 1);
    format!("{}SPACE free at {after}", &before[..start])
}

/// Everything below a folder, by name with content.
pub fn everything(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    found
}
