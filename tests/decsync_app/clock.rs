//! The clock of one device: another clock, and how far off it is. It can be set, and so can jump.

use std::cell::Cell;
use std::rc::Rc;

use jiff::Timestamp;
use tetherbook::provider::Clock;

/// A clock that is off by so much against another.
pub struct OffsetClock {
    base: Rc<dyn Clock>,
    offset_ms: Cell<i64>,
}

impl OffsetClock {
    /// A clock that is `offset_ms` milliseconds ahead of `base`, behind if negative.
    pub fn new(base: Rc<dyn Clock>, offset_ms: i64) -> Rc<Self> {
        Rc::new(Self { base, offset_ms: Cell::new(offset_ms) })
    }

    /// How far it is ahead now.
    pub fn offset_ms(&self) -> i64 {
        self.offset_ms.get()
    }

    /// Somebody sets the clock.
    pub fn set_offset_ms(&self, offset_ms: i64) {
        self.offset_ms.set(offset_ms);
    }
}

impl Clock for OffsetClock {
    fn now_ms(&self) -> i64 {
        self.base.now_ms().saturating_add(self.offset_ms.get())
    }

    fn steady_us(&self) -> u64 {
        self.base.steady_us()
    }

    fn sleep_ms(&self, duration_ms: u64) {
        self.base.sleep_ms(duration_ms);
    }
}

/// The time as DecSync writes it: UTC, whole seconds, no zone.
pub fn stamp(clock: &dyn Clock) -> String {
    let text = Timestamp::from_second(clock.now_ms().div_euclid(1000)).unwrap().to_string();
    text.trim_end_matches('Z').to_owned()
}

/// The day, for `last-active`.
pub fn day(clock: &dyn Clock) -> String {
    stamp(clock)[..10].to_owned()
}

/// The real time, for tests beside a program that has no other.
pub struct RealClock;

impl Clock for RealClock {
    fn now_ms(&self) -> i64 {
        Timestamp::now().as_millisecond()
    }

    fn steady_us(&self) -> u64 {
        u64::try_from(Timestamp::now().as_microsecond()).unwrap()
    }

    #[allow(clippy::disallowed_methods, reason = "the reference library knows no other time")]
    fn sleep_ms(&self, duration_ms: u64) {
        std::thread::sleep(std::time::Duration::from_millis(duration_ms));
    }
}
