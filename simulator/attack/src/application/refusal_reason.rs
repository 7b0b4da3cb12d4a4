//! What the application asked WeChat's servers about a result, and what they answered.

use soter_text::{Text, text};
use soter_wechat::Verdict;
use soter_wechat::journal::{Entry, Journal, Origin};
use soter_wechat::reasons::Reason;

use crate::outage::INVALID_TOKEN;
use crate::target::Input;
use crate::wechat_paths::{asks_session, asks_verdict};

/// The maximum number of calls that are examined. One result takes two or three, and others may be sent meanwhile.
const MAX_CALLS: usize = 1024;
/// How much of a text is compared. The journal cuts off the end of a long one.
const COMPARED_CHARS: usize = 4096;

/// Why the application may have refused a result, judged by its calls to WeChat's servers after the call with this
/// number. Calls about the results of others are left out. `openid` is that of the login, and `mismatch` says what the
/// application's answer lacks for a success.
pub(super) fn since(journal: &Journal, number: u64, openid: &str, input: &Input, mismatch: &Text) -> Text {
    let calls = journal.after(number, MAX_CALLS);
    let backend_calls = || calls.iter().rev().filter(|call| call.origin == Origin::WeChat);
    let Some(verification) =
        backend_calls().find(|call| asks_verdict(&call.call) && is_about(call, openid, input))
    else {
        let others = |call: &Entry| asks_verdict(&call.call) || asks_session(&call.call);
        let mut judged = backend_calls().filter(|call| !others(call));
        return match judged.find_map(|call| call.verdict.as_ref().map(|judged| (call, judged))) {
            Some((call, judged)) => {
                let (call, reason) = (&call.call, &judged.reason);
                if is_about_token(judged) {
                    text!(
                        "WeChat answered {call} with {reason}: {advice}; {mismatch}",
                        call = call,
                        reason = reason,
                        advice = token_advice(),
                        mismatch = mismatch
                    )
                } else {
                    text!(
                        "WeChat answered {call} with {reason}; {mismatch}",
                        call = call,
                        reason = reason,
                        mismatch = mismatch
                    )
                }
            }
            None => {
                text!("by the application itself, which did not ask WeChat; {mismatch}", mismatch = mismatch)
            }
        };
    };
    match &verification.verdict {
        Some(judged) if judged.is_ok() => {
            text!("by the application itself; WeChat said is_ok true; {mismatch}", mismatch = mismatch)
        }
        Some(judged) if is_about_token(judged) => {
            text!("WeChat refused: {reason}: {advice}", reason = judged.reason, advice = token_advice())
        }
        Some(judged) => text!("WeChat refused: {reason}", reason = judged.reason),
        None => mismatch.clone(),
    }
}

/// What to do about an access token that these servers do not take. An application that runs longer than an audit may keep
/// the token of an earlier one.
fn token_advice() -> Text {
    text!(
        "your application uses an access token that this audit did not issue, or that a newer one has replaced; restart your application, or let it renew the token on 40001"
    )
}

fn is_about_token(verdict: &Verdict) -> bool {
    matches!(verdict.reason, Reason::Errcode(INVALID_TOKEN))
}

/// Whether a request names one of the attack's users, or has the text that was sent.
fn is_about(call: &Entry, openid: &str, input: &Input) -> bool {
    let request = call.request.value();
    let text = |name: &str| request["body"][name].as_str().unwrap_or_default();
    let own = [openid, &input.openid, &input.requested_openid];
    let start = |text: &str| text.chars().take(COMPARED_CHARS).collect::<String>();
    own.contains(&text("openid")) || start(text("json_string")) == start(&input.json)
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use soter_wechat::journal::PendingCall;

    use super::*;
    use crate::steps::Envelope;

    #[test]
    fn calls_about_the_results_of_others_are_left_out() {
        let input = Input {
            json: r#"{"raw":"own"}"#.to_owned(),
            signature: String::new(),
            openid: "owner".to_owned(),
            requested_openid: "owner".to_owned(),
            envelope: Envelope::Usual,
            added: Vec::new(),
        };
        for (openid, text, expected) in [
            ("somebody", r#"{"raw":"theirs"}"#, "by the application itself, which did not ask WeChat; 403"),
            ("owner", r#"{"raw":"theirs"}"#, "403"),
            ("somebody", r#"{"raw":"own"}"#, "403"),
        ] {
            let journal = Journal::new();
            let request = json!({"query": {}, "body": {"openid": openid, "json_string": text}});
            let call = PendingCall::begin(Origin::WeChat);
            journal.record(call.into_entry(
                0,
                "POST /cgi-bin/soter/verify_signature",
                request,
                json!({}),
                None,
            ));
            assert_eq!(
                since(&journal, 0, "owner", &input, &Text::verbatim("403")),
                expected,
                "{openid} {text}"
            );
        }
    }
}
