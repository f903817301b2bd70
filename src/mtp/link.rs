//! The seam under the MTP session: a thing that moves bytes to a responder and back.
//!
//! A real phone's endpoints (`usb`) and the simulated phone (`sim`) both stand behind [`Link`], so packing,
//! sessions and retries are the same code for both. A link must not read a payload.

use thiserror::Error;

/// Why bytes did not move.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LinkError {
    /// The device is gone from the bus.
    #[error("the device is gone")]
    Gone,
    /// Nothing moved within the time allowed.
    #[error("nothing moved within {0} ms")]
    TimedOut(u64),
    /// The endpoint is halted (USB STALL); the session must reset it.
    #[error("the endpoint is halted")]
    Stalled,
    /// Another program holds the interface.
    #[error("another program holds the phone: {0}")]
    Held(String),
    /// The operating system refused.
    #[error("{0}")]
    Refused(String),
}

/// A class request on the control endpoint (PTP over USB: Cancel 0x64, Device Reset 0x66, Get Device Status 0x67).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClassRequest {
    /// Cancels the transaction with this id.
    Cancel {
        /// The transaction id.
        transaction: u32,
    },
    /// Puts the responder back into its state after connecting.
    DeviceReset,
    /// Asks for the status code; the answer is the dataset u16 length, u16 code, parameters.
    DeviceStatus,
}

/// Three endpoints and the class requests of one MTP interface.
pub trait Link {
    /// Sends one USB transfer on the bulk-out endpoint. A transfer whose length is a multiple of
    /// [`Self::packet_bytes`] is not closed by itself: the caller sends an empty one after it.
    ///
    /// # Errors
    /// When not all bytes were taken.
    fn bulk_out(&mut self, bytes: &[u8], timeout_ms: u64) -> Result<(), LinkError>;

    /// Receives one USB transfer from the bulk-in endpoint into `buffer` (cleared first): at most `max_bytes`,
    /// ended by a short or empty packet.
    ///
    /// # Errors
    /// When nothing came.
    fn bulk_in(&mut self, buffer: &mut Vec<u8>, max_bytes: usize, timeout_ms: u64) -> Result<(), LinkError>;

    /// Receives one event container from the interrupt endpoint, or `None` when there is none within the time.
    ///
    /// # Errors
    /// When the device is gone.
    fn interrupt_in(&mut self, timeout_ms: u64) -> Result<Option<Vec<u8>>, LinkError>;

    /// Makes a class request; the answer is empty except for `DeviceStatus`.
    ///
    /// # Errors
    /// When the device is gone or stalls the request.
    fn class_request(&mut self, request: &ClassRequest) -> Result<Vec<u8>, LinkError>;

    /// Clears a halt on both bulk endpoints.
    ///
    /// # Errors
    /// When the device is gone.
    fn clear_halt(&mut self) -> Result<(), LinkError>;

    /// Resets the device's port, as if it were plugged in anew. It is the last means: a phone may lock itself by it.
    ///
    /// # Errors
    /// When the device did not come back, or there is no port.
    fn reset_port(&mut self) -> Result<(), LinkError> {
        Err(LinkError::Refused(String::from("there is no port to reset")))
    }

    /// Whether the device has left the bus, as far as that can be told without talking to it.
    fn is_gone(&self) -> bool {
        false
    }

    /// The largest packet of the bulk endpoints, in bytes: 64 or 512 or 1024.
    fn packet_bytes(&self) -> usize;

    /// The USB serial number, or another name that stays with this device; empty if it has none.
    fn serial(&self) -> String;

    /// The USB vendor and product id; zeros if there is no USB.
    fn usb_id(&self) -> (u16, u16);
}
