//! Putting the parts of a session together: a phone's tree, its profile and channel, the store, the relationship; and
//! which of the known phones a connected one is; when a session runs by itself: the udev rule, the service's unit, and
//! what an attendance does.
//!
//! The room knows when and with whom a session runs; it must not hold sync logic.

mod assembly;
mod attend;
mod attend_cable;
mod attend_run;
mod attend_words;
mod diagnosis;
mod diagnosis_phone;
mod findings;
mod identity;
mod inspection;
mod keeping;
mod pairing;
mod phone_date;
mod plugged;
mod probe;
mod release;
mod udev_rule;
mod udev_unit;

pub use assembly::{
    ConnectedPhone, Introduction, Met, StartFailure, Wish, access_for, choices_of, choose_for, meet,
    projection_of, remembered_habits, sync, sync_with,
};
pub use attend::{Attendance, Ending, News, PairedPhone, Ran, Seen, Step, UNLOCK_WAIT_MINUTES};
pub use attend_cable::PlaceOnBus;
pub use attend_run::{Answer, AttendOptions, Household, Plugged, PluggedPhone, Rest, attend};
pub use attend_words::{Notice, ending_line, news_line, notice};
pub use diagnosis::{Check, Verdict, diagnose, exit_of};
pub use findings::{
    Computer, Contacts, Database, DeviceFindings, Findings, Inside, Libmtp, ProfileFindings, TableAnswer,
    Trouble, Visit, VisitDurations,
};
pub use identity::{is_serial_number, usb_address, usb_id_text};
pub use inspection::Inspector;
pub use keeping::{KEEP_DAYS, Keeping, SAFETY_COPIES, SafetyPlace};
pub use pairing::{PairFailure, Paired, Pairing, PluggedIn, pair, pairing_of, phone_in_words, usable_name};
pub use plugged::{Opening, PluggedFailure, address_of, cable_quirks, choose, open};
pub use probe::{Probed, lost_words, probe};
pub use release::{HolderKind, MountedPhone, kind_of, mounted_phones};
pub use udev_rule::{PairedDevice, RULE_FILE, RULE_MARK, RuleInputError, UsbId, named_ids, rule};
pub use udev_unit::{UNIT_FILE, UNIT_MARK, unit};
