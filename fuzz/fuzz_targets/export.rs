//! Export files, and what is remembered of a phone. What must hold is in `tetherbook::device::fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tetherbook::device::fuzzing::export(bytes));
