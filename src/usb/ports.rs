//! The bus as a trait, so that what is plugged in can be staged where there is no USB.

use super::cable::CableQuirks;
use super::device::UsbDevice;
use super::error::UsbError;
use super::holders::Holder;
use super::watch::Change;
use crate::mtp::Link;

/// What can be plugged in, and what is.
pub trait Ports {
    /// The devices that are phones or players, or may be, ordered by where they are plugged in. Those that do not
    /// speak MTP are among them without an interface.
    ///
    /// # Errors
    /// When the bus cannot be read; that nothing is plugged in is no error.
    fn devices(&self) -> Result<Vec<UsbDevice>, UsbError>;

    /// Opens a device and claims its MTP interface.
    ///
    /// # Errors
    /// When it is gone, held by another program, or may not be opened.
    fn connect(&self, device: &UsbDevice, quirks: CableQuirks) -> Result<Box<dyn Link>, UsbError>;

    /// The other programs that have the device open, as far as this user can see them.
    fn holders(&self, device: &UsbDevice) -> Vec<Holder>;

    /// Waits until something is plugged in or unplugged, at most `timeout_ms` milliseconds.
    ///
    /// # Errors
    /// When the bus cannot be watched.
    fn wait(&self, timeout_ms: u64) -> Result<Change, UsbError>;
}

/// A computer with nothing plugged in.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoPorts;

impl Ports for NoPorts {
    fn devices(&self) -> Result<Vec<UsbDevice>, UsbError> {
        Ok(Vec::new())
    }

    fn connect(&self, _device: &UsbDevice, _quirks: CableQuirks) -> Result<Box<dyn Link>, UsbError> {
        Err(UsbError::Gone)
    }

    fn holders(&self, _device: &UsbDevice) -> Vec<Holder> {
        Vec::new()
    }

    fn wait(&self, _timeout_ms: u64) -> Result<Change, UsbError> {
        Ok(Change::Nothing)
    }
}
