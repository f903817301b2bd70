//! Datasets, property lists and dates. What must hold is in `tetherbook::mtp::fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tetherbook::mtp::fuzzing::mtp_dataset(bytes));
