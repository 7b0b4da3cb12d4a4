//! The results of an audit: of each attack, of all together, or why no attack was played.

use soter_text::Text;

use crate::entry::Attack;
use crate::target::Exchange;
use crate::verdict::{Verdict, add_problem};

/// The result of one attack.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The attack.
    pub attack: &'static Attack,
    /// The verdict.
    pub verdict: Verdict,
    /// One line: why.
    pub reason: Text,
    /// What went over the wire, if anything was sent.
    pub exchange: Option<Exchange>,
    /// Whether a baseline already contains it, so that it does not count.
    pub known: bool,
}

impl Finding {
    /// A finding about an attack that sent nothing.
    pub(super) fn not_played(attack: &'static Attack, verdict: Verdict, reason: Text) -> Self {
        Self { attack, verdict, reason, exchange: None, known: false }
    }

    /// Adds what happened to honest people after the attack.
    pub(super) fn add_problem(&mut self, verdict: Verdict, what: &Text) {
        add_problem(&mut self.verdict, &mut self.reason, verdict, what);
    }

    /// Whether a person has to look at it.
    pub(super) fn needs_attention(&self) -> bool {
        matches!(self.verdict, Verdict::Fail | Verdict::Warn | Verdict::Error)
    }
}

/// The number of attacks by verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The target did the right thing.
    pub pass: usize,
    /// The target did what a correct server does not do.
    pub fail: usize,
    /// No weakness is proven, but the reason is worth a look.
    pub warn: usize,
    /// The attack does not apply.
    pub skip: usize,
    /// Nothing can be said.
    pub error: usize,
    /// The failures and warnings among them that a baseline already contains.
    pub known: usize,
}

impl Summary {
    /// Counts findings.
    pub fn from_findings(findings: &[Finding]) -> Self {
        let mut summary = Self::default();
        for finding in findings {
            match finding.verdict {
                Verdict::Pass => summary.pass += 1,
                Verdict::Fail => summary.fail += 1,
                Verdict::Warn => summary.warn += 1,
                Verdict::Skip => summary.skip += 1,
                Verdict::Error => summary.error += 1,
            }
            summary.known += usize::from(finding.known);
        }
        summary
    }
}

/// What every conclusion depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlKind {
    /// Honest results are accepted. Otherwise nothing can be concluded from refusals.
    Positive,
    /// The description tells refusals from acceptances. Otherwise nothing can be concluded from acceptances.
    Negative,
}

/// Nothing can be concluded about the target.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", what.english())]
pub struct ControlFailed {
    /// What does not hold.
    pub control: ControlKind,
    /// One line: what happened.
    pub what: Text,
    /// What went over the wire, if anything was sent.
    pub exchange: Option<Exchange>,
}
