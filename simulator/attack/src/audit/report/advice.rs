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
                "No weakness is proven, and the reason says why it is worth a look. The server broke (a status of 5xx) or refuses people now whom it served before, so anybody who can send such input may be able to take it down; or it has a policy that costs honest people something; or the description does not show whether something was done twice."
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
                "After a status of 5xx, look into the logs: answer with a refusal, and let input that is refused change nothing. A policy may stay as it is, if it is meant. A description can be made more exact, with the steps that show the effect."
            }
            Verdict::Error => "See what happened, mend the target or its description, and audit again.",
        }
    }
}
