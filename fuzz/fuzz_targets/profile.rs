//! Device profiles. What must hold is in `tetherbook::device::fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tetherbook::device::fuzzing::profile(bytes));
