//! What keeps the gadget from being served, said to the person who set it up. It must not hold what a phone stores.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use crate::sim::FaultSyntax;

/// Why the gadget cannot be served.
#[derive(Debug, Error)]
pub enum GadgetError {
    /// No phone of that name.
    #[error("there is no phone `{name}`; there are: {known}")]
    UnknownPersonality {
        /// The name that was given.
        name: String,
        /// Those that there are.
        known: String,
    },
    /// The storage is no directory.
    #[error("{}: not a directory; make it, or name another with --storage", path.display())]
    NoStorage {
        /// The path that was given.
        path: PathBuf,
    },
    /// No mount was named.
    #[error("which FunctionFS is meant? Name its mount point with --ffs or in the variable FFS")]
    NoMount,
    /// The kernel did not take the function.
    #[error("{}: {source}; is FunctionFS mounted there, and does no other program serve it?", path.display())]
    Mount {
        /// The mount point.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// The endpoints cannot be used as they must be.
    #[error("the gadget's endpoints: {0}; Linux 5.6 or later is needed")]
    Endpoints(io::Error),
    /// The control socket.
    #[error("{}: {source}; name a path in a directory that can be written, with --control", path.display())]
    Control {
        /// The socket's path.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The program that serves the phone refused a line, or there is none.
    #[error("{0}")]
    Refused(String),
}

/// Why a line is no command for the phone.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum LineError {
    /// The first word is not known.
    #[error("`{0}` is no command; there are lock, unlock, mute, scan, cut, status and fault SPEC")]
    Unknown(String),
    /// What follows `fault` is no plan.
    #[error(transparent)]
    Fault(#[from] FaultSyntax),
}
