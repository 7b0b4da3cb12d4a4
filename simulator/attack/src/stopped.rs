//! Why an attack ends before there is an answer to judge.

use soter_bridge::protocol::CommandError;

use crate::target::{Answer, Trouble};
use crate::verdict::{Played, Verdict};

/// Why an attack ended before there was an answer to judge.
pub(super) enum Stopped {
    Played(Box<Played>),
    Trouble(Trouble),
    Defect(CommandError),
}

impl From<Trouble> for Stopped {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<CommandError> for Stopped {
    fn from(error: CommandError) -> Self {
        Self::Defect(error)
    }
}

impl Stopped {
    /// Ends an attack early, with this verdict.
    pub(super) fn played(verdict: Verdict, reason: impl Into<String>, answer: Option<Answer>) -> Self {
        Self::Played(Box::new(Played { verdict, reason: reason.into(), answer }))
    }

    /// The same as a [`Trouble`], for callers that need no verdict.
    pub(super) fn into_trouble(self) -> Trouble {
        match self {
            Self::Played(played) => Trouble::broken(played.reason),
            Self::Trouble(trouble) => trouble,
            Self::Defect(error) => Trouble::broken(error.what),
        }
    }
}
