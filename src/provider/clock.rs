//! Time and chance, passed in: no room but `cli` reads the real clock or the system's random numbers.

use std::cell::Cell;

/// The time of day, a steady time, and waiting.
pub trait Clock {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    fn now_ms(&self) -> i64;
    /// Microseconds since an arbitrary fixed point; never goes back.
    fn steady_us(&self) -> u64;
    /// Waits for `duration_ms` milliseconds.
    fn sleep_ms(&self, duration_ms: u64);
}

/// A source of random 128-bit values, from which GUIDs and UIDs are made.
pub trait Randomness {
    /// The next 16 random bytes.
    fn next_bytes(&self) -> [u8; 16];
}

/// A clock that stands still until somebody sleeps or moves it; for tests and for the demo's simulated phone.
#[derive(Debug)]
pub struct TestClock {
    now_ms: Cell<i64>,
}

impl TestClock {
    /// A clock that shows `now_ms` milliseconds since 1970.
    #[must_use]
    pub fn at(now_ms: i64) -> Self {
        Self { now_ms: Cell::new(now_ms) }
    }

    /// Moves the clock by `by_ms` milliseconds, back if negative.
    pub fn advance_ms(&self, by_ms: i64) {
        self.now_ms.set(self.now_ms.get().saturating_add(by_ms));
    }
}

impl Clock for TestClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.get()
    }

    fn steady_us(&self) -> u64 {
        u64::try_from(self.now_ms.get()).unwrap_or(0).saturating_mul(1000)
    }

    fn sleep_ms(&self, duration_ms: u64) {
        self.advance_ms(i64::try_from(duration_ms).unwrap_or(i64::MAX));
    }
}

/// Random bytes that are the same in every run with the same seed (SplitMix64).
#[derive(Debug)]
pub struct TestRandomness {
    state: Cell<u64>,
}

impl TestRandomness {
    /// A sequence that depends on `seed` alone.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self { state: Cell::new(seed) }
    }

    fn next_u64(&self) -> u64 {
        let state = self.state.get().wrapping_add(0x9E37_79B9_7F4A_7C15);
        self.state.set(state);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }
}

impl Randomness for TestRandomness {
    fn next_bytes(&self) -> [u8; 16] {
        let value = (u128::from(self.next_u64()) << 64) | u128::from(self.next_u64());
        value.to_be_bytes()
    }
}
