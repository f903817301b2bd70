//! What a contact is: a vCard of any version that keeps every byte it came with, and what can be asked of it.
//!
//! The way of a card through this room:
//!
//! - `framing` cuts a file into cards, so that a bad card costs one card; `repair` mends what cannot be read.
//! - `codec` splits a card into content lines, `property` and `value` decode them, `summary` sums them up.
//! - `edit` changes single lines and keeps the bytes of all others; `render` writes one line in a version.
//! - `writer` rewrites a whole card in another version (`dialect`), `translate` says what becomes of each
//!   property there, and `opinion` asks a strict second parser about what was written.
//! - `decoded` makes the values that are compared (`equality`, `normal`), `field` names them, `difference` shows
//!   them; `align` pairs the values of two cards, `merge` joins three cards, `matching` finds who is who by what
//!   speaks for and against it (`matching_evidence`, `matching_names`, `telephone`), `follow` knows a phone's cards
//!   again in its next export.
//! - `resolution` turns a person's answers to a merge's conflicts into a new card and a new baseline.
//! - `projection` is what a side can hold, `projection_card` a card as that side holds it (`projection_value`,
//!   `projection_text`, `projection_loss`); `projection_learned` finds out by one card what a phone holds.
//!
//! The room does no I/O, and nothing in it shows a contact's content in `Debug`.

mod align;
mod card;
mod codec;
mod date;
mod decoded;
mod dialect;
mod difference;
mod edit;
mod equality;
mod field;
#[cfg(test)]
mod fixture_tests;
mod follow;
mod framing;
#[cfg(any(test, feature = "fuzzing"))]
#[doc(hidden)]
pub mod fuzzing;
mod glance;
#[cfg(test)]
mod input_tests;
mod matching;
mod matching_evidence;
mod matching_names;
mod merge;
mod merge_fields;
mod merge_names;
mod merge_rows;
mod merge_write;
mod normal;
mod opinion;
mod projection;
mod projection_card;
mod projection_learned;
mod projection_loss;
mod projection_text;
mod projection_value;
mod property;
mod quoted_printable;
mod render;
mod repair;
mod resolution;
mod summary;
mod telephone;
mod translate;
mod value;
mod vocabulary;
mod writer;

pub use card::{Card, CardError, Version};
pub use dialect::{Dialect, Folding, LineEnd};
pub use difference::{FieldChange, diff};
pub use edit::CardEditor;
pub use equality::{normal_email, normal_name, normal_phone, same_phone};
pub use field::{FieldKey, FieldMask};
pub use follow::{FollowKeys, follow, follow_with_absent, likeness};
pub use framing::{BrokenCard, FramedCard, Limits, Repair, read_cards};
pub use matching::{Candidate, MatchKeys, Matching, duplicates, match_cards, match_keys, with_country};
pub use matching_evidence::{ASK_MIN, Comparison, Evidence, SAME_MIN, Verdict, compare_keys, evidence_words};
pub use merge::{
    Baseline, ConflictPolicy, FieldConflict, Kept, MergeInput, Merged, Newer, agreed_after_read_back, merge,
};
pub use normal::Fingerprint;
pub use opinion::{Opinion, second_opinion, strict_reading};
pub use projection::{FieldLimits, Projection};
pub use projection_card::same_in;
pub use projection_learned::Learned;
pub use projection_loss::Loss;
pub use property::{Param, Property};
pub use render::{NewProperty, Value};
pub use resolution::{
    Answer, KeepBoth, OpenField, Resolution, ResolutionError, open_fields, resolve, take_edited,
};
pub use summary::Summary;
pub use telephone::Country;
pub use translate::{Translation, translate};
pub use writer::{Written, write};
