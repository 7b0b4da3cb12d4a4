//! A failed control as a finding, so that it appears in every form of report.

use soter_wire::PROFILES;

use crate::audit::finding::{ControlFailed, ControlKind, Finding};
use crate::entry::{Attack, Expected, Holds, Layer};
use crate::kind::Kind;
use crate::steps::{Forgery, Script};
use crate::verdict::Verdict;

/// The positive control: honest results, with which everything is compared. It is not in the catalogue, so that
/// nobody can select it or leave it out.
const CONTROL: Attack = Attack {
    id: "SOTER-CONTROL-01",
    layer: Layer::Verifier,
    kind: Kind::RefusesHonest,
    title: "honest results are accepted",
    holds: Holds::Nothing,
    making: "An honest user with a new phone, whose keys are brought to the target, sends a result for an order of their own, and another.",
    expected: Expected::MustAccept,
    meaning: "The target does not serve honest people, so nothing follows from what it refuses: no attack was played.",
    fix: "Check that the target runs and how the audit reaches it: address, appid and secret, the way of the phones' keys, the description. Then audit again.",
    profile: PROFILES[0].name,
    script: Script::Send(&[], Forgery::HONEST),
};

static POSITIVE: Attack = CONTROL;

/// The negative control: what must be refused looks like a refusal.
static NEGATIVE: Attack = Attack {
    id: "SOTER-CONTROL-02",
    title: "the description tells refusals from acceptances",
    making: "A request without login, order and result, a result with a signature of zeros, and a login with a code that WeChat has not given out, are sent, and the answers compared with those to honest requests.",
    meaning: "The description takes a refusal for a success, so nothing follows from what the target accepts: no attack was played. If that answer does mean a success, the target accepts garbage.",
    fix: "Say in [result.success] or [login.success] how a success differs from this answer, for example with a pointer and a value. Then audit again.",
    ..CONTROL
};

impl Finding {
    /// The only finding of an audit whose control failed. It is never known from a baseline.
    pub fn for_control(failed: &ControlFailed) -> Self {
        Self {
            attack: match failed.control {
                ControlKind::Positive => &POSITIVE,
                ControlKind::Negative => &NEGATIVE,
            },
            verdict: Verdict::Error,
            reason: failed.what.clone(),
            exchange: failed.exchange.clone(),
            known: false,
        }
    }

    /// Whether the finding is about a control.
    pub(super) fn is_control(&self) -> bool {
        [CONTROL.id, NEGATIVE.id].contains(&self.attack.id)
    }
}

#[cfg(test)]
mod tests {
    use soter_text::Text;

    use super::*;
    use crate::audit::selection::Baseline;
    use crate::catalogue::find;
    use crate::target::Exchange;

    #[test]
    fn a_failed_control_is_an_error_that_is_in_no_baseline_and_not_in_the_catalogue() {
        let exchange = Exchange { request: "sent".to_owned(), response: String::new(), curl: String::new() };
        let failed = ControlFailed {
            control: ControlKind::Positive,
            what: Text::verbatim("refused"),
            exchange: Some(exchange),
        };
        let finding = Finding::for_control(&failed);
        assert_eq!((finding.verdict, finding.reason.english()), (Verdict::Error, "refused"));
        assert_eq!(finding.exchange.as_ref().unwrap().request, "sent");
        assert_eq!((finding.meaning(), finding.fix()), (CONTROL.meaning, CONTROL.fix));
        assert!(find(CONTROL.id).is_none());
        for verdict in ["ERROR", "FAIL"] {
            let earlier = format!(r#"{{"results":[{{"id":"SOTER-CONTROL-01","verdict":"{verdict}"}}]}}"#);
            assert!(!Baseline::read(earlier.as_bytes()).unwrap().knows(&finding));
        }
    }
}
