//! What the application asked WeChat's servers about a result, and what they answered.

use soter_wechat::journal::{Entry, Journal, Origin};

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
                format!("WeChat answered {} with {}; {mismatch}", call.call, judged.reason)
            }
            None => format!("by the application itself, which did not ask WeChat; {mismatch}"),
        };
    };
    match &verification.verdict {
        Some(judged) if judged.is_ok() => {
            format!("by the application itself; WeChat said is_ok true; {mismatch}")
        }
        Some(judged) => format!("WeChat refused: {}", judged.reason),
        None => mismatch.to_owned(),
    }
}

fn is_verification(call: &Entry) -> bool {
    let call = call.call.to_ascii_lowercase();
    call.ends_with("verify_signature") || call.ends_with("verifysignature")
}
