//! What an audit found, for people and for programs.

mod advice;
mod control;
mod html;
mod json;
mod junit;
mod kind;
mod rendering;
mod sarif;
mod text;

use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};

pub use self::kind::ReportKind;
use super::finding::{Finding, Summary};
use super::selection::Baseline;
use crate::target::Form;
use crate::verdict::Verdict;

/// The findings of one audit.
#[derive(Clone, Debug)]
pub struct Report {
    /// The target's address.
    pub target: String,
    /// Whether it was audited as a verifier or as an application.
    pub form: Form,
    /// What came of each attack.
    pub findings: Vec<Finding>,
    /// What was found before, if that was given.
    pub baseline: Option<Baseline>,
    /// Whether a warning counts as a failure.
    pub strict: bool,
    /// When it began.
    pub began: SystemTime,
    /// How long it took.
    pub took: Duration,
}

impl Report {
    /// When it began, in UTC to the second, as RFC 3339 has it.
    fn began(&self) -> String {
        DateTime::<Utc>::from(self.began).to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// How many attacks came to what.
    pub fn summary(&self) -> Summary {
        Summary::of(&self.findings)
    }

    /// Whether a finding makes the audit fail: a failure, or under `strict` a warning, that no baseline has.
    pub fn fails(&self, finding: &Finding) -> bool {
        let counts = match finding.verdict {
            Verdict::Fail => true,
            Verdict::Warn => self.strict,
            Verdict::Error | Verdict::Skip | Verdict::Pass => false,
        };
        counts && !finding.known
    }
}

#[cfg(test)]
mod tests;
