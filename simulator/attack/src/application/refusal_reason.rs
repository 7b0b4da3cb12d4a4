//! What the application asked WeChat's servers about a result, and what they answered.

use soter_wechat::Verdict;
use soter_wechat::journal::{Entry, Journal, Origin};
use soter_wechat::reasons::Reason;

/// The errcode for an access token that was never issued, or was replaced.
const INVALID_TOKEN: i32 = 40001;

/// The maximum number of calls that are examined. One result takes two or three.
const MAX_CALLS: usize = 64;

/// Why the application may have refused a result, judged by its calls to WeChat's servers after the call with this
/// number. `mismatch` says what the application's answer lacks for a success.
pub(super) fn since(journal: &Journal, number: u64, mismatch: &str) -> String {
    let calls = journal.after(number, MAX_CALLS);
    let backend_calls = || calls.iter().rev().filter(|call| call.origin == Origin::WeChat);
    let Some(verification) = backend_calls().find(|call| is_verification(call)) else {
        return match backend_calls().find_map(|call| call.verdict.as_ref().map(|judged| (call, judged))) {
            Some((call, judged)) => {
                format!(
                    "WeChat answered {} with {}{}; {mismatch}",
                    call.call,
                    judged.reason,
                    token_advice(judged)
                )
            }
            None => format!("by the application itself, which did not ask WeChat; {mismatch}"),
        };
    };
    match &verification.verdict {
        Some(judged) if judged.is_ok() => {
            format!("by the application itself; WeChat said is_ok true; {mismatch}")
        }
        Some(judged) => format!("WeChat refused: {}{}", judged.reason, token_advice(judged)),
        None => mismatch.to_owned(),
    }
}

/// What to do about an access token that these servers do not take. An application that runs longer than an audit may keep
/// the token of an earlier one.
fn token_advice(verdict: &Verdict) -> &'static str {
    match verdict.reason {
        Reason::Errcode(INVALID_TOKEN) => {
            ": your application uses an access token that this audit did not issue, or that a newer one has replaced; restart your application, or let it renew the token on 40001"
        }
        _ => "",
    }
}

fn is_verification(call: &Entry) -> bool {
    let call = call.call.to_ascii_lowercase();
    call.ends_with("verify_signature") || call.ends_with("verifysignature")
}
