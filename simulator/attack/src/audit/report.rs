//! The report of an audit, for people and for programs.

mod advice;
mod control;
mod html;
mod json;
mod junit;
mod kind;
mod remedy;
mod rendering;
mod sarif;
mod text;

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};

pub use self::kind::ReportKind;
use self::remedy::Remedy;
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
    /// The result of each attack.
    pub findings: Vec<Finding>,
    /// The findings of an earlier audit, if given.
    pub baseline: Option<Baseline>,
    /// Whether a warning counts as a failure.
    pub strict: bool,
    /// When it began.
    pub began: SystemTime,
    /// How long it took.
    pub duration: Duration,
}

impl Report {
    /// When the audit began, in UTC with a precision of one second, in the format of RFC 3339.
    fn began(&self) -> String {
        DateTime::<Utc>::from(self.began).to_rfc3339_opts(SecondsFormat::Secs, true)
    }

    /// The number of attacks by verdict.
    pub fn summary(&self) -> Summary {
        Summary::from_findings(&self.findings)
    }

    /// The code to write instead, and the failures that each is about.
    fn remedies(&self) -> BTreeMap<Remedy, Vec<&Finding>> {
        let mut remedies: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for finding in &self.findings {
            if let Some(remedy) = finding.remedy() {
                remedies.entry(remedy).or_default().push(finding);
            }
        }
        remedies
    }

    /// Whether a finding makes the audit fail: a failure, or with `strict` a warning, that is not in the baseline.
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
