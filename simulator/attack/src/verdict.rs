//! The result of an attack.

use soter_text::{Text, text};

use crate::columns::padded;
use crate::target::Answer;

/// The width of the longest name of a verdict.
const VERDICT_COLUMNS: usize = 5;

/// The verdict on a target, after one attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// There is no conclusion: the target broke, or refused what it must accept.
    Error,
    /// The target did what a correct server does not do.
    Fail,
    /// The target did the right thing, but was harmed: it broke (status 500 or higher), or it refuses an honest user
    /// afterwards. Or it did what a careful server may do by policy, such as a limit for jumps of the counter. Or the
    /// description does not show whether it did something twice.
    Warn,
    /// The attack does not apply to this target.
    Skip,
    /// The target did the right thing.
    Pass,
}

impl Verdict {
    /// Its name in machine output.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Fail => "FAIL",
            Self::Warn => "WARN",
            Self::Skip => "SKIP",
            Self::Pass => "PASS",
        }
    }

    /// Its name for people.
    pub fn label(self) -> Text {
        match self {
            Self::Error => text!("ERROR"),
            Self::Fail => text!("FAIL"),
            Self::Warn => text!("WARN"),
            Self::Skip => text!("SKIP"),
            Self::Pass => text!("PASS"),
        }
    }

    /// Its name for people, as wide as the longest one in any language.
    pub fn column(self) -> String {
        padded(&self.label().localized(), VERDICT_COLUMNS)
    }
}

/// Adds what happened after an attack to its verdict and reason. A failure stays a failure, whatever happened afterwards.
pub(super) fn add_problem(verdict: &mut Verdict, reason: &mut Text, problem: Verdict, what: &Text) {
    if *verdict != Verdict::Fail {
        *verdict = problem.min(*verdict);
    }
    *reason = text!("{reason}; afterwards {what}", reason = *reason, what = what);
}

/// An attack that was played.
#[derive(Clone, Debug)]
pub struct Played {
    /// The verdict.
    pub verdict: Verdict,
    /// One line: why.
    pub reason: Text,
    /// The target's answer to the input, if the input was sent.
    pub answer: Option<Answer>,
}

impl Played {
    /// A result without an answer to the input.
    pub(super) fn new(verdict: Verdict, reason: Text) -> Self {
        Self { verdict, reason, answer: None }
    }
}
