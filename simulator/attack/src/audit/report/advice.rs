//! What a finding means, and how to fix it.

use soter_text::{Text, text, tr, translated};

use super::remedy::Remedy;
use crate::audit::finding::Finding;
use crate::translatable::english;
use crate::verdict::Verdict;

impl Finding {
    /// What the attack is called, and whether a baseline has the finding, in the language of this process.
    pub(super) fn title(&self) -> String {
        let title = translated(self.attack.title);
        if self.known { tr!("{title} (known)", title = title) } else { title.to_owned() }
    }

    /// What the attacker has, and what is made with it.
    pub(super) fn attempt(&self) -> Text {
        let attack = self.attack;
        let making = Text::whole(attack.making);
        if attack.expected.is_acceptance() {
            return text!("Not an attack: an honest phone or program may send it. {making}", making = making);
        }
        text!("The attacker has {what}. {making}", what = attack.holds.text(), making = making)
    }

    /// What a developer has to know to understand the finding, unless it is about the audit itself.
    pub(super) fn background(&self) -> Option<&'static str> {
        (!self.is_control() && self.verdict != Verdict::Error).then(|| self.attack.kind.background())
    }

    /// The code to write instead. A warning has none: no weakness is proven.
    pub(super) fn remedy(&self) -> Option<Remedy> {
        (self.verdict == Verdict::Fail && !self.is_control()).then(|| self.attack.kind.remedy())
    }

    /// What the finding means. For an attack that passed or was not played: what a failure would mean.
    pub fn meaning(&self) -> &'static str {
        match self.verdict {
            _ if self.is_control() => self.attack.meaning,
            Verdict::Fail | Verdict::Skip | Verdict::Pass => self.attack.meaning,
            Verdict::Warn => english!(text!(
                "No weakness is proven, and the reason says why it is worth a look. The server broke (a status of 5xx) or refuses people now whom it served before, so anybody who can send such input may be able to take it down; or it has a policy that costs honest people something; or the description does not show whether something was done twice."
            )),
            Verdict::Error => english!(text!(
                "Nothing can be said about this attack: it was not played to its end, or the target serves nobody honest after it."
            )),
        }
    }

    /// How to fix it. For an attack that passed or was not played: how a failure would be fixed.
    pub fn fix(&self) -> &'static str {
        match self.verdict {
            _ if self.is_control() => self.attack.fix,
            Verdict::Fail | Verdict::Skip | Verdict::Pass => self.attack.fix,
            Verdict::Warn => english!(text!(
                "After a status of 5xx, look into the logs: answer with a refusal, and let input that is refused change nothing. A policy may stay as it is, if it is meant. A description can be made more exact, with the steps that show the effect."
            )),
            Verdict::Error => {
                english!(text!("See what happened, repair the target or its description, and audit again."))
            }
        }
    }
}
