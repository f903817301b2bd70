//! Why a session as a whole could not go on, and the exit code that says so.

use thiserror::Error;

use crate::plan::Stop;
use crate::provider::{LedgerError, ProviderError};
use crate::relationship::Side;
use crate::report::ExitCode;

/// Why a session ended early.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Failure {
    /// A side could not be asked.
    #[error("{error}")]
    Side {
        /// The side.
        side: Side,
        /// What it said.
        error: ProviderError,
    },
    /// The memory could not be used.
    #[error("{0}")]
    Memory(#[from] LedgerError),
    /// A guard stopped the plan.
    #[error("stopped before anything was written")]
    Stopped(Stop),
    /// The session cannot be taken back. Says why.
    #[error("{0}")]
    CannotUndo(String),
    /// The person interrupted.
    #[error("interrupted; what was finished is kept")]
    Interrupted,
}

impl Failure {
    /// The exit code for a session that ended this way; `wrote` is whether anything had been written by then.
    #[must_use]
    pub fn exit_code(&self, wrote: bool) -> ExitCode {
        match self {
            Self::Side { error, .. } => match error {
                ProviderError::NotFound(_) => ExitCode::NoPhone,
                ProviderError::Disconnected(_) if wrote => ExitCode::SomeFailed,
                ProviderError::Disconnected(_) => ExitCode::NoPhone,
                ProviderError::Busy(_) => ExitCode::PhoneBusy,
                ProviderError::Locked(_) => ExitCode::PhoneLocked,
                ProviderError::NoChannel(_) => ExitCode::NoChannel,
                ProviderError::Interrupted => ExitCode::Interrupted,
                _ => ExitCode::Failed,
            },
            Self::Memory(_) | Self::CannotUndo(_) => ExitCode::Failed,
            Self::Stopped(_) => ExitCode::Guard,
            Self::Interrupted => ExitCode::Interrupted,
        }
    }

    /// The same, told as an interrupt where that is what kept a side from answering.
    pub(super) fn sorted(self) -> Self {
        match self {
            Self::Side { error: ProviderError::Interrupted, .. } => Self::Interrupted,
            other => other,
        }
    }

    pub(super) fn phone(error: ProviderError) -> Self {
        Self::Side { side: Side::Phone, error }
    }

    pub(super) fn pc(error: ProviderError) -> Self {
        Self::Side { side: Side::Pc, error }
    }
}
