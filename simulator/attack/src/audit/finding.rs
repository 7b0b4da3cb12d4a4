//! The results of an audit: of each attack, of all together, or why no attack was played.

use crate::entry::Attack;
use crate::target::Exchange;
use crate::verdict::Verdict;

/// The result of one attack.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The attack.
    pub attack: &'static Attack,
    /// The verdict.
    pub verdict: Verdict,
    /// One line: why.
    pub reason: String,
    /// What went over the wire, if it came to that.
    pub exchange: Option<Exchange>,
    /// Whether a baseline has it already, so that it counts no more.
    pub known: bool,
}

impl Finding {
    /// A finding about an attack of which nothing went over the wire.
    pub(super) fn unplayed(attack: &'static Attack, verdict: Verdict, reason: String) -> Self {
        Self { attack, verdict, reason, exchange: None, known: false }
    }

    /// What came of honest people after the attack. What the target accepted stays accepted, whatever became of it then.
    pub(super) fn afterwards(&mut self, verdict: Verdict, what: &str) {
        if self.verdict != Verdict::Fail {
            self.verdict = self.verdict.min(verdict);
        }
        self.reason = format!("{}; afterwards {what}", self.reason);
    }

    /// Whether a person has to look at it.
    pub(super) fn needs_attention(&self) -> bool {
        matches!(self.verdict, Verdict::Fail | Verdict::Warn | Verdict::Error)
    }
}

/// How many attacks came to what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// The target did the right thing.
    pub pass: usize,
    /// The target did what a correct server does not do.
    pub fail: usize,
    /// The target did the right thing by breaking.
    pub warn: usize,
    /// The attack does not apply.
    pub skip: usize,
    /// Nothing can be said.
    pub error: usize,
    /// Of those that failed or warned: how many a baseline has already.
    pub known: usize,
}

impl Summary {
    /// Counts findings.
    pub fn of(findings: &[Finding]) -> Self {
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

/// The target does not accept what it has to accept, so nothing can be concluded from what it refuses.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub struct ControlFailed {
    /// One line: what happened.
    pub what: String,
    /// What went over the wire, if it came to that.
    pub exchange: Option<Exchange>,
}
