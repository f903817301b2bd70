//! The simulated phone, walked by an initiator of the tests' own.

mod faults;
mod initiator;
mod oracle;
mod strict;
mod transport;
mod walks;
