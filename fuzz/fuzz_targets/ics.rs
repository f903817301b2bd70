//! Sets of change numbers, sync states and version histories. What must hold is in `tetherbook::ics::fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tetherbook::ics::fuzzing::ics(bytes));
