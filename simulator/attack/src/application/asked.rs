//! What the application asked WeChat's servers about a result, and what they answered.

use soter_wechat::journal::{Entry, Journal, Origin};

/// The maximum number of calls that are examined. One result takes two or three.
const CALLS: usize = 64;

/// Why the application may have refused a result, judged by its calls to WeChat's servers after the call with this
/// number. `missed` says what the application's answer lacks for a success.
pub(super) fn told_since(journal: &Journal, number: u64, missed: &str) -> String {
    let calls = journal.after(number, CALLS);
    let of_backend = || calls.iter().rev().filter(|call| call.origin == Origin::WeChat);
    let Some(asked) = of_backend().find(|call| is_about_a_result(call)) else {
        return match of_backend().find_map(|call| call.verdict.as_ref().map(|judged| (call, judged))) {
            Some((call, judged)) => format!("WeChat answered {} with {}; {missed}", call.call, judged.reason),
            None => format!("by the application itself, which did not ask WeChat; {missed}"),
        };
    };
    match &asked.verdict {
        Some(judged) if judged.is_ok() => {
            format!("by the application itself; WeChat said is_ok true; {missed}")
        }
        Some(judged) => format!("WeChat refused: {}", judged.reason),
        None => missed.to_owned(),
    }
}

fn is_about_a_result(call: &Entry) -> bool {
    let call = call.call.to_ascii_lowercase();
    call.ends_with("verify_signature") || call.ends_with("verifysignature")
}
