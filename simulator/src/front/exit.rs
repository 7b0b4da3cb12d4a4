//! Exit codes, the same for every command.

use std::process::ExitCode;

use soter_bridge::protocol::{CommandError, ErrorKind};

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: carried out, and the answer is good.
    Good,
    /// 1: carried out, and the answer is a refusal: an `errCode`, a result code, or a signature that does not verify.
    Negative,
    /// 2: the user's mistake; nothing was done.
    Usage,
    /// 3: the environment failed: state that is locked or damaged, a disk that is full.
    Environment,
    /// The exit code of a command that was run.
    Of(u8),
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Good => 0,
            Exit::Negative => 1,
            Exit::Usage => 2,
            Exit::Environment => 3,
            Exit::Of(code) => code,
        })
    }
}

impl From<&CommandError> for Exit {
    fn from(error: &CommandError) -> Self {
        match error.kind {
            ErrorKind::InvalidParams
            | ErrorKind::LimitReached
            | ErrorKind::NoDialog
            | ErrorKind::UnknownDevice
            | ErrorKind::UnknownMethod => Self::Usage,
            // The user cannot correct a defect, nor an error kind that a later protocol adds.
            _ => Self::Environment,
        }
    }
}
