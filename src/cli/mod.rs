//! The command line: one file per command, and what they share.
//!
//! A command reads its arguments, asks the other rooms, and writes results to stdout and talk to stderr. It holds
//! no sync logic. Nothing but `world` reads the real clock, the environment or a random number; nothing but
//! `failure` decides an exit code for an error.

mod add;
mod arguments;
mod arguments_conflicts;
mod arguments_contacts;
mod arguments_history;
mod arguments_matching;
mod arguments_phones;
mod arguments_profiles;
mod arguments_sync;
mod attend;
mod books;
mod completions;
mod computer;
mod configuration;
mod conflicts;
mod demo;
mod devices;
mod devices_report;
mod doctor;
mod doctor_release;
mod dupes;
mod edit;
mod export;
mod failure;
mod fields;
mod forget;
mod history;
mod import;
mod invocation;
mod link;
mod list;
mod log;
mod man;
mod merge;
mod notification;
mod pair;
mod pair_probe;
mod paths;
mod phone;
mod phone_name;
mod phones;
mod profiles;
mod profiles_check;
mod profiles_fault;
mod profiles_new;
mod profiles_oddities;
mod profiles_show;
mod questions;
mod resolve;
mod resolve_ask;
mod resolve_whole;
mod restore;
mod rm;
mod run;
mod show;
mod state;
mod status;
mod sync;
mod udev;
mod udev_files;
mod undo;
mod unlink;
mod world;

pub use run::run;
pub use world::{Stream, Terminal, World};
