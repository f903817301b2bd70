//! The cable: finding phones on the USB bus, claiming them, moving their bytes, and noticing when they come and go.
//!
//! A claimed phone is an [`crate::mtp::Link`]; what the bytes mean is the `mtp` room's business, and this room must not
//! read a payload. The layers:
//!
//! - `device`, `judgement`, `microsoft`: what stands on the bus, and whether it speaks MTP; pure except for `sysfs`,
//!   which reads the names that the kernel keeps, so that a phone can be named before it may be opened.
//! - `bus`: libusb's view of it, behind the trait [`Ports`], so that a bus can be staged in tests.
//! - `cable`, `events`: one claimed interface.
//! - `holders`: which program has a phone open.
//! - `watch`: plugging in and unplugging.

mod bus;
mod cable;
mod device;
mod error;
mod events;
mod holders;
mod judgement;
mod microsoft;
mod ports;
mod sysfs;
mod watch;

pub use bus::Bus;
pub use cable::CableQuirks;
pub use device::{Access, Evidence, MtpInterface, UsbDevice};
pub use error::UsbError;
pub use holders::{Holder, holders_of};
pub use ports::{NoPorts, Ports};
pub use watch::Change;
