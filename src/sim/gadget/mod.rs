//! The simulated phone as a real USB gadget: MTP served through the kernel's FunctionFS, so that the whole USB stack
//! and foreign programs can be proved against it. Behind the cargo feature `gadget`; for the lab, not for people.
//!
//! It moves bytes between the endpoints and the phone's [`super::SimLink`] and must not know what an operation means.
//!
//! - [`GadgetArguments`] is the command line, [`run`] the program behind it.
//! - `serve` is the loop, `endpoints` the kernel's side, `framing` how transfers are cut, `control` the lines that
//!   change the phone while it runs.

mod arguments;
mod control;
mod endpoints;
mod error;
mod framing;
mod program;
mod serve;

pub use arguments::{GadgetArguments, InterfaceClass};
pub use error::GadgetError;
pub use program::run;
