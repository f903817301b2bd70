//! The merge of three vCards. What must hold is in `tetherbook::contact::fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tetherbook::contact::fuzzing::vcard_merge(bytes));
