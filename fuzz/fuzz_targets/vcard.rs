//! Files of vCards: framing, repair, decoding, writing back and in other versions. What must hold is in `tetherbook::contact::fuzzing`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tetherbook::contact::fuzzing::vcard(bytes));
