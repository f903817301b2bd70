//! Events of the interrupt endpoint, read on a thread of their own from when they are first needed.
//!
//! Some responders (umtp-responder 1.3) answer nothing more while an event of theirs waits to be read, so that reading
//! only when somebody asks would hang the session. This file must not look into an event.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use rusb::{Context, DeviceHandle};

/// How many events are kept; older ones are dropped, because events are hints.
const KEPT_EVENTS: usize = 256;
/// An event container has at most 24 bytes; packets of interrupt endpoints have up to 1024.
const EVENT_BYTES: usize = 1024;
/// How long one read waits, in milliseconds. It only decides how often the thread looks around.
const READ_TIMEOUT_MS: u64 = 1_000;

#[derive(Default)]
struct Shared {
    events: VecDeque<Vec<u8>>,
    /// The endpoint gives no more: the device is gone, or the cable was let go of.
    is_over: bool,
    is_unwanted: bool,
}

/// The reader of one interrupt endpoint. It ends by itself when the interface is released.
pub(super) struct EventReader {
    shared: Arc<(Mutex<Shared>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

impl EventReader {
    /// Begins to read `endpoint`. Without a thread there are no events, which are hints only.
    pub(super) fn start(handle: Arc<DeviceHandle<Context>>, endpoint: u8) -> Self {
        let shared = Arc::new((Mutex::new(Shared::default()), Condvar::new()));
        let theirs = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name(String::from("mtp-events"))
            .spawn(move || read_all(&handle, endpoint, &theirs))
            .ok();
        Self { shared, thread }
    }

    /// The next event, or `None` if none comes within the time.
    pub(super) fn next(&self, timeout_ms: u64) -> Option<Vec<u8>> {
        let (shared, rung) = &*self.shared;
        let state = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = rung.wait_timeout_while(state, Duration::from_millis(timeout_ms), |state| {
            state.events.is_empty() && !state.is_over
        });
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.events.pop_front()
    }

    /// Says that nobody wants events any more; the thread ends at the next one, time-out or error.
    pub(super) fn dismiss(&self) {
        self.shared.0.lock().unwrap_or_else(PoisonError::into_inner).is_unwanted = true;
    }

    /// Waits for the thread, whose read ends when the interface is released.
    pub(super) fn join(&mut self) {
        if let Some(thread) = self.thread.take() {
            // A panic of the thread concerns nobody: it only reads hints.
            drop(thread.join());
        }
    }
}

fn read_all(handle: &DeviceHandle<Context>, endpoint: u8, shared: &(Mutex<Shared>, Condvar)) {
    let mut buffer = [0_u8; EVENT_BYTES];
    let (state, rung) = shared;
    loop {
        let read = handle.read_interrupt(endpoint, &mut buffer, Duration::from_millis(READ_TIMEOUT_MS));
        let mut state = state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.is_unwanted {
            return;
        }
        match read {
            Ok(count) => {
                if state.events.len() == KEPT_EVENTS {
                    state.events.pop_front();
                }
                state.events.push_back(buffer.get(..count).unwrap_or_default().to_vec());
            }
            Err(rusb::Error::Timeout | rusb::Error::Interrupted) => {}
            // A halted endpoint is cleared with the others when the session is reset; until then there are no events.
            Err(_) => {
                state.is_over = true;
                rung.notify_all();
                return;
            }
        }
        rung.notify_all();
    }
}
