//! What a finding means, and how to fix it.

use crate::audit::finding::Finding;
use crate::verdict::Verdict;

impl Finding {
    /// What the finding means. For an attack that passed or was not played: what a failure would mean.
    pub fn meaning(&self) -> &'static str {
        match self.verdict {
            _ if self.is_control() => self.attack.meaning,
            Verdict::Fail | Verdict::Skip | Verdict::Pass => self.attack.meaning,
            Verdict::Warn => {
                "The input was handled rightly, but the server took harm from it: it broke (a status of 5xx), or it refuses people now whom it served before. That stands in its logs, and whoever can send such input may be able to take it down."
            }
            Verdict::Error => {
                "Nothing can be said about this attack: it was not played to its end, or the target serves nobody honest after it."
            }
        }
    }

    /// How to fix it. For an attack that passed or was not played: how a failure would be fixed.
    pub fn fix(&self) -> &'static str {
        match self.verdict {
            _ if self.is_control() => self.attack.fix,
            Verdict::Fail | Verdict::Skip | Verdict::Pass => self.attack.fix,
            Verdict::Warn => {
                "Look it up in the logs. Answer with a refusal in place of a status of 5xx, and let an input that is refused change nothing."
            }
            Verdict::Error => "See what happened, mend the target or its description, and audit again.",
        }
    }
}
