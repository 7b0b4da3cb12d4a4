//! Why an attack ends before there is an answer to judge.

use soter_bridge::protocol::CommandError;
use soter_text::Text;

use crate::target::{Answer, TargetError};
use crate::verdict::{Played, Verdict};

/// Why an attack ended before there was an answer to judge.
pub(super) enum PlayEnd {
    Played(Box<Played>),
    TargetError(TargetError),
    Defect(CommandError),
}

impl From<TargetError> for PlayEnd {
    fn from(error: TargetError) -> Self {
        Self::TargetError(error)
    }
}

impl From<CommandError> for PlayEnd {
    fn from(error: CommandError) -> Self {
        Self::Defect(error)
    }
}

impl PlayEnd {
    /// Ends an attack early, with this verdict.
    pub(super) fn played(verdict: Verdict, reason: Text, answer: Option<Answer>) -> Self {
        Self::Played(Box::new(Played { verdict, reason, answer }))
    }

    /// The same as a [`TargetError`], for callers that need no verdict.
    pub(super) fn into_target_error(self) -> TargetError {
        match self {
            Self::Played(played) => TargetError::broken(played.reason),
            Self::TargetError(error) => error,
            Self::Defect(error) => TargetError::broken(error.what),
        }
    }
}
