//! Plugging in and unplugging: libusb's own messages where there are any, and a look at the kernel's list every second
//! where there are none (inside a container or a private network name space the messages do not arrive).

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rusb::{Context, Device, Hotplug, HotplugBuilder, Registration, UsbContext};

use super::sysfs;
use crate::provider::Clock;

/// How often the kernel's list is looked at, in milliseconds.
const LOOK_EVERY_MS: u64 = 1_000;

/// What happened on the bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Something was plugged in or unplugged.
    Something,
    /// Nothing within the time allowed.
    Nothing,
}

struct Bell(Arc<AtomicBool>);

impl Hotplug<Context> for Bell {
    fn device_arrived(&mut self, _device: Device<Context>) {
        self.0.store(true, Ordering::Release);
    }

    fn device_left(&mut self, _device: Device<Context>) {
        self.0.store(true, Ordering::Release);
    }
}

/// A standing watch of the bus.
pub(super) struct Watch {
    rung: Arc<AtomicBool>,
    messages: Option<(Context, Registration<Context>)>,
    seen: std::cell::RefCell<BTreeSet<String>>,
}

impl Watch {
    /// Begins to watch; what is plugged in now is no news.
    pub(super) fn new() -> Self {
        let rung = Arc::new(AtomicBool::new(false));
        let messages = if rusb::has_hotplug() { register(&rung) } else { None };
        Self { rung, messages, seen: std::cell::RefCell::new(list(Path::new(sysfs::DEVICES))) }
    }

    /// Waits for a change since the last one that was told.
    pub(super) fn wait(&self, clock: &dyn Clock, timeout_ms: u64) -> Change {
        let mut left_ms = timeout_ms;
        loop {
            let slice_ms = left_ms.min(LOOK_EVERY_MS);
            match &self.messages {
                // An error of the message queue leaves the look at the list, after a pause that it must not shorten.
                Some((context, _))
                    if context.handle_events(Some(Duration::from_millis(slice_ms))).is_ok() => {}
                _ => clock.sleep_ms(slice_ms),
            }
            let now = list(Path::new(sysfs::DEVICES));
            let is_new = *self.seen.borrow() != now;
            let has_rung = self.rung.swap(false, Ordering::Acquire);
            *self.seen.borrow_mut() = now;
            if is_new || has_rung {
                return Change::Something;
            }
            left_ms = left_ms.saturating_sub(slice_ms);
            if left_ms == 0 {
                return Change::Nothing;
            }
        }
    }
}

fn register(rung: &Arc<AtomicBool>) -> Option<(Context, Registration<Context>)> {
    let context = Context::new().ok()?;
    let bell = Box::new(Bell(Arc::clone(rung)));
    let registration = HotplugBuilder::new().register(context.clone(), bell).ok()?;
    Some((context, registration))
}

/// The devices that the kernel lists, each with its number, so that a quick replug is seen too.
fn list(devices: &Path) -> BTreeSet<String> {
    let Ok(entries) = fs::read_dir(devices) else { return BTreeSet::new() };
    entries
        .filter_map(Result::ok)
        .map(|entry| entry.path())
        .filter(|path| path.join("devnum").exists())
        .map(|path| format!("{} {}", path.display(), sysfs::attribute(&path, "devnum")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replug_into_the_same_port_shows_in_the_list() {
        let devices = tempfile::tempdir().unwrap();
        let folder = devices.path().join("1-2");
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("devnum"), "4\n").unwrap();
        let before = list(devices.path());
        fs::write(folder.join("devnum"), "5\n").unwrap();
        assert_ne!(before, list(devices.path()));
        assert_eq!(before.len(), 1);
        assert!(list(&devices.path().join("none")).is_empty());
    }

    #[test]
    fn nothing_happens_in_no_time() {
        let clock = crate::provider::TestClock::at(0);
        let watch = Watch {
            rung: Arc::default(),
            messages: None,
            seen: std::cell::RefCell::new(list(Path::new(sysfs::DEVICES))),
        };
        assert_eq!(watch.wait(&clock, 1), Change::Nothing);
        watch.rung.store(true, Ordering::Release);
        assert_eq!(watch.wait(&clock, 1), Change::Something);
        assert_eq!(watch.wait(&clock, 1), Change::Nothing, "each change is told once");
    }
}
