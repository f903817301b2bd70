//! The events of a session and their renderings, for people and as JSON lines.
//!
//! A report hears; it must not change an outcome, and it must not do I/O but to the writer it was given.
//!
//! - [`Report`] hears [`Event`]s; [`HumanReport`] and [`JsonReport`] write them, [`Progress`] draws on a terminal.
//! - [`plan_lines`] is the plan for people, a pure function; [`layout`](Line) knows columns and colours only.
//! - [`Summary`] and [`ExitCode`] are what scripts rely on.

mod action_text;
mod asked_text;
mod event;
mod exit;
mod human;
mod json;
mod layout;
mod plan_text;
mod progress;
mod stop_text;
mod summary;
mod words;

#[cfg(test)]
mod plan_text_tests;

pub use action_text::{
    Detail, action_lines, hint_lines, kept_words, note_lines, sentence_lines, skipped_lines,
};
pub use asked_text::asked_lines;
pub use event::{ActionOutcome, Event, Report, Silence};
pub use exit::ExitCode;
pub use human::{HumanOptions, HumanReport};
pub use json::{
    JsonReport, action_line, asked_line, error_line, line as json_line, note_line, skipped_line, stop_line,
};
pub use layout::{COLUMNS, Label, Line, cut, hanging, paragraph, width, wrap};
pub use plan_text::{ActionLister, Heading, plan_lines, statistics_lines, total_lines};
pub use progress::Progress;
pub use stop_text::{stop_lines, stop_words};
pub use summary::{Bytes, Durations, PerSide, Summary};
pub use words::{bytes, count, count_of, enumeration, per_side, sentence, shown};
