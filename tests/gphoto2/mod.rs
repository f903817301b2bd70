//! Runs gphoto2 in a sealed folder against a simulated phone: no settings but its own, UTC, UTF-8, bounded in time.
//!
//! It must not skip: where gphoto2 is missing, the test fails and says what to install.

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use tetherbook::sim::SimLink;

use crate::ptp_ip::{Outlet, PATIENCE, Served};

/// How gphoto2 asks for a phone's objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asks {
    /// By GetObjectInfo, and for properties one by one.
    Infos,
    /// The same, and then by GetObjectPropList if the phone has it, whose values it prefers. It does so for this one
    /// model of its list.
    PropertyLists,
}

/// A part of the model's name that stays the same over gphoto2's versions.
const MODEL_OF_LISTS: &str = "Nexus/Pixel (MTP)";
const MODEL_OF_INFOS: &str = "PTP/IP Camera";

/// What gphoto2 did.
#[derive(Debug)]
pub struct Said {
    /// What it printed.
    pub text: String,
    /// Whether it is content.
    pub is_success: bool,
    /// What it asked for.
    pub served: Vec<Served>,
}

/// A child that does not outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // One that has ended cannot be killed, and need not be.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new("gphoto2");
    command
        .env_clear()
        .env("PATH", "/usr/local/bin:/usr/bin:/bin")
        .env("HOME", folder)
        .env("LC_ALL", "C.UTF-8")
        .env("TZ", "UTC")
        .current_dir(folder)
        .stdin(Stdio::null());
    command
}

fn started<T>(result: std::io::Result<T>) -> T {
    match result {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("gphoto2 is missing; install the package gphoto2 (Debian: apt-get install gphoto2)")
        }
        other => other.unwrap(),
    }
}

fn model(folder: &Path, asks: Asks) -> &'static str {
    static MODEL: OnceLock<String> = OnceLock::new();
    match asks {
        Asks::Infos => MODEL_OF_INFOS,
        Asks::PropertyLists => MODEL.get_or_init(|| {
            let output = started(command(folder).arg("--list-cameras").output());
            let text = String::from_utf8_lossy(&output.stdout).into_owned();
            let line = text.lines().find(|line| line.contains(MODEL_OF_LISTS));
            let quoted = line.and_then(|line| line.split('"').nth(1));
            quoted.unwrap_or_else(|| panic!("gphoto2 does not know {MODEL_OF_LISTS}: {text}")).to_owned()
        }),
    }
}

/// Runs gphoto2 with these arguments on the phone at the end of `link`, in `folder`.
pub fn run(link: SimLink, folder: &Path, asks: Asks, arguments: &[&str]) -> Said {
    let outlet = Outlet::open();
    let log = folder.join(".said");
    let file = File::create(&log).unwrap();
    // The second port is the event connection's; without it that would go to the standard's own.
    let port = format!("ptpip:{}:{}", outlet.address(), outlet.address().port());
    let mut child = Running(started(
        command(folder)
            .args(["--port", &port, "--camera", model(folder, asks)])
            .args(arguments)
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn(),
    ));
    let served = outlet.serve(link, || child.0.try_wait().unwrap().is_some());
    let deadline = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = child.0.try_wait().unwrap() {
            break status;
        }
        assert!(Instant::now() < deadline, "gphoto2 does not end: {served:x?}");
        std::thread::sleep(Duration::from_millis(2));
    };
    let text = String::from_utf8_lossy(&fs::read(&log).unwrap()).into_owned();
    assert!(!served.is_empty(), "gphoto2 did not ask for anything: {text}");
    Said { text, is_success: status.success(), served }
}
