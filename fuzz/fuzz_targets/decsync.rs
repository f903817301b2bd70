//! DecSync: its info file, bucket files, counters, names and dates. What must hold is in `tetherbook::device::fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tetherbook::device::fuzzing::decsync(bytes));
