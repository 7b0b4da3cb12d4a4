//! The result of an attack.

use crate::target::Answer;

/// The verdict on a target, after one attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// Nothing can be said: the target broke, or did not take what it has to take.
    Error,
    /// The target did what a correct server does not do.
    Fail,
    /// The target did the right thing by breaking.
    Warn,
    /// The attack does not apply to this target.
    Skip,
    /// The target did the right thing.
    Pass,
}

impl Verdict {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Fail => "FAIL",
            Self::Warn => "WARN",
            Self::Skip => "SKIP",
            Self::Pass => "PASS",
        }
    }
}

/// An attack that was played.
#[derive(Clone, Debug)]
pub struct Played {
    /// The verdict.
    pub verdict: Verdict,
    /// One line: why.
    pub reason: String,
    /// What the target answered to the input, if it came to that.
    pub answer: Option<Answer>,
}

impl Played {
    /// Without an answer to the input.
    pub(super) fn new(verdict: Verdict, reason: impl Into<String>) -> Self {
        Self { verdict, reason: reason.into(), answer: None }
    }
}
