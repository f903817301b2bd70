//! Everything a run takes from outside, in one value: arguments, environment, terminal, clock, chance, streams.
//!
//! Only [`World::real`] reads the real ones. Whatever else needs the time, a random number or an environment
//! variable is handed this.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufWriter, IsTerminal, Read, Write};
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::device::libmtp_knows;
use crate::provider::{Clock, Interrupt, Randomness};
use crate::usb::{Bus, Ports};

/// Which of the standard streams are terminals.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Terminal {
    /// A person can be asked.
    pub stdin: bool,
    /// A person reads the results.
    pub stdout: bool,
    /// A person reads the talk.
    pub stderr: bool,
}

/// What a run takes from outside.
pub struct World {
    /// The command line, the program's name first.
    pub arguments: Vec<OsString>,
    /// The environment. Names and values that are not text can be no variable that is asked for here.
    pub environment: BTreeMap<String, OsString>,
    /// Which streams are terminals.
    pub terminal: Terminal,
    /// The time.
    pub clock: Rc<dyn Clock>,
    /// Chance.
    pub randomness: Rc<dyn Randomness>,
    /// What is read.
    pub stdin: RefCell<Box<dyn Read>>,
    /// Results.
    pub stdout: Stream,
    /// Talk.
    pub stderr: Stream,
    /// Set when the person wants to stop.
    pub interrupted: Arc<AtomicBool>,
    /// The USB bus.
    pub usb: Rc<dyn Ports>,
    /// Where the system's own files are looked for: `/`.
    pub root: PathBuf,
}

impl std::fmt::Debug for World {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("World").field("terminal", &self.terminal).finish_non_exhaustive()
    }
}

impl World {
    /// The world as it is.
    #[must_use]
    pub fn real() -> Self {
        let terminal = Terminal {
            stdin: io::stdin().is_terminal(),
            stdout: io::stdout().is_terminal(),
            stderr: io::stderr().is_terminal(),
        };
        // Ten thousand lines of a listing must not be ten thousand writes; a person wants each line at once.
        let stdout: Box<dyn Write + Send> =
            if terminal.stdout { Box::new(io::stdout()) } else { Box::new(BufWriter::new(io::stdout())) };
        let clock: Rc<dyn Clock> = Rc::new(SystemClock::new());
        Self {
            arguments: std::env::args_os().collect(),
            environment: std::env::vars_os()
                .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
                .collect(),
            terminal,
            usb: Rc::new(Bus::new(Rc::clone(&clock), Box::new(|usb_id| libmtp_knows(usb_id).is_some()))),
            root: PathBuf::from("/"),
            clock,
            randomness: Rc::new(SystemRandomness),
            stdin: RefCell::new(Box::new(io::stdin())),
            stdout: Stream::new(stdout),
            stderr: Stream::new(Box::new(io::stderr())),
            interrupted: interrupt_flag(),
        }
    }

    /// An environment variable; an empty one counts as not set.
    #[must_use]
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.environment.get(name).map(OsString::as_os_str).filter(|value| !value.is_empty())
    }

    /// An environment variable that must be an absolute path to count (XDG Base Directory Specification).
    #[must_use]
    pub fn path_variable(&self, name: &str) -> Option<PathBuf> {
        self.variable(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }

    /// Where this program is on the disk.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn program_path(&self) -> io::Result<PathBuf> {
        std::env::current_exe()
    }

    /// The person's wish to stop, for those who talk to a phone.
    #[must_use]
    pub fn interrupt(&self) -> Interrupt {
        let flag = Arc::clone(&self.interrupted);
        Interrupt::when(move || flag.load(Ordering::Relaxed))
    }

    /// Whether the person wants to stop.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }
}

/// The first interrupt sets the flag and lets the write that is under way finish; the second one ends the process.
/// A system that takes no handler ends the process at the first one, which the journal is made for.
fn interrupt_flag() -> Arc<AtomicBool> {
    use signal_hook::consts::SIGINT;
    let flag = Arc::new(AtomicBool::new(false));
    let ending = signal_hook::flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&flag));
    if ending.is_ok() {
        drop(signal_hook::flag::register(SIGINT, Arc::clone(&flag)));
    }
    flag
}

/// A stream that several writers share.
#[derive(Clone)]
pub struct Stream(Arc<Mutex<Box<dyn Write + Send>>>);

impl std::fmt::Debug for Stream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Stream")
    }
}

impl Stream {
    /// Shares `writer`.
    #[must_use]
    pub fn new(writer: Box<dyn Write + Send>) -> Self {
        Self(Arc::new(Mutex::new(writer)))
    }

    fn with<T>(&self, work: impl FnOnce(&mut dyn Write) -> io::Result<T>) -> io::Result<T> {
        let mut writer = self.0.lock().map_err(|_| io::Error::other("the stream is broken"))?;
        work(&mut **writer)
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|writer| writer.write(bytes))
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.with(|writer| writer.write_all(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(|writer| writer.flush())
    }
}

/// The system's clocks.
#[derive(Debug)]
struct SystemClock {
    started: Instant,
}

impl SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the real clock")]
    fn new() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that reads the real clock")]
    fn now_ms(&self) -> i64 {
        let now = SystemTime::now();
        match now.duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            // A clock before 1970 is wrong, but it is the clock there is.
            Err(before) => i64::try_from(before.duration().as_millis()).map_or(i64::MIN, |ms| -ms),
        }
    }

    fn steady_us(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place that waits in real time")]
    fn sleep_ms(&self, duration_ms: u64) {
        std::thread::sleep(Duration::from_millis(duration_ms));
    }
}

/// The system's random numbers, taken as version 4 UUIDs: 122 random bits of 128, which is what they become.
#[derive(Debug)]
struct SystemRandomness;

impl Randomness for SystemRandomness {
    #[expect(clippy::disallowed_methods, reason = "this is the one place that draws real random numbers")]
    fn next_bytes(&self) -> [u8; 16] {
        uuid::Uuid::new_v4().into_bytes()
    }
}
