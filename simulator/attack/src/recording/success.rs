//! What a success looks like, as far as one recorded payment shows it.

use regex::Regex;
use serde_json::Value;

use super::answer::Answer;
use super::archive::Exchange;
use super::names::normalised;

/// Words of a success, in lower case.
const WORDS: [&str; 15] = [
    "paid",
    "succe",
    "confirmed",
    "done",
    "complete",
    "finished",
    "bought",
    "approved",
    "accepted",
    "thank",
    "成功",
    "已支付",
    "已付",
    "完成",
    "processed",
];
/// Names of values that say that a payment took place.
const EFFECTS: [&str; 7] = ["paid", "ispaid", "verified", "signed", "confirmed", "isok", "payed"];
const STATES: [&str; 8] =
    ["state", "status", "orderstatus", "paystatus", "paystate", "orderstate", "result", "tradestate"];
const GOOD: [&str; 6] = ["success", "ok", "succeeded", "issuccess", "done", "passed"];
const CODES: [&str; 9] =
    ["code", "errcode", "ret", "retcode", "errno", "error", "resultcode", "statuscode", "err"];

/// How surely a condition is about the payment, and not about the request alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Certainty {
    /// Nothing but the status.
    StatusAlone,
    /// A value that is there, and may always be the same.
    AnyValue,
    /// A code or a word by which applications say that a request was carried out.
    Request,
    /// A word or a value about the payment.
    Payment,
}

/// The conditions for an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Condition {
    pub(super) certainty: Certainty,
    pub(super) status: u16,
    /// A JSON pointer, and what stands there; null: anything.
    pub(super) value: Option<(String, Value)>,
    /// Whether it has to be another value than that.
    pub(super) is_other: bool,
    pub(super) regex: Option<String>,
}

impl Condition {
    /// Something stands at a pointer.
    pub(super) fn there(status: u16, pointer: &str) -> Self {
        let value = Some((pointer.to_owned(), Value::Null));
        Self { certainty: Certainty::AnyValue, status, value, is_other: false, regex: None }
    }

    /// A number has changed, which had this name before.
    pub(super) fn changed(status: u16, pointer: &str, before: &str) -> Self {
        let value = Some((pointer.to_owned(), format!("{{{{{before}}}}}").into()));
        Self { certainty: Certainty::Payment, status, value, is_other: true, regex: None }
    }

    /// The condition that an answer to a payment suggests. `earlier` are answers of the same application before the payment;
    /// `name_of` gives the names of values that are known.
    pub(super) fn of(
        exchange: &Exchange,
        answer: &Answer,
        earlier: &[&str],
        name_of: &dyn Fn(&str) -> Option<String>,
    ) -> Self {
        let status = exchange.status;
        let values = answer.leaves.iter().filter_map(|(pointer, value)| {
            let (certainty, value) = judge(pointer, value, name_of)?;
            Some((certainty, pointer.clone(), value))
        });
        // The first one among those of the same certainty.
        let best = values.fold(None::<(Certainty, String, Value)>, |best, next| match best {
            Some(best) if best.0 >= next.0 => Some(best),
            _ => Some(next),
        });
        if let Some((certainty, pointer, value)) = best {
            let value = Some((pointer, value));
            return Self { certainty, status, value, is_other: false, regex: None };
        }
        let regex = if answer.leaves.is_empty() { words(&exchange.answer, earlier) } else { None };
        let certainty = if regex.is_some() { Certainty::Payment } else { Certainty::StatusAlone };
        Self { certainty, status, value: None, is_other: false, regex }
    }
}

fn judge(
    pointer: &str,
    value: &Value,
    name_of: &dyn Fn(&str) -> Option<String>,
) -> Option<(Certainty, Value)> {
    let name = normalised(pointer.rsplit('/').next().unwrap_or_default());
    let is = |names: &[&str]| names.contains(&name.as_str());
    let certainty = match value {
        Value::Bool(true) if is(&EFFECTS) => Certainty::Payment,
        Value::Bool(true) if is(&GOOD) || is(&CODES) => Certainty::Request,
        Value::Bool(true) => Certainty::AnyValue,
        Value::Number(number) if is(&CODES) || is(&STATES) => {
            let is_usual = [0, 1, 200].iter().any(|usual| number.as_i64() == Some(*usual));
            if is_usual { Certainty::Request } else { Certainty::AnyValue }
        }
        Value::String(text) if text.is_empty() || text.len() > 64 => return None,
        Value::String(text) if is(&EFFECTS) || is(&GOOD) => {
            let name = name_of(text)?;
            return Some((Certainty::Payment, format!("{{{{{name}}}}}").into()));
        }
        Value::String(text) if is(&STATES) || is(&CODES) => {
            let lower = text.to_lowercase();
            if ["success", "ok", "0", "200"].contains(&lower.as_str()) {
                Certainty::Request
            } else if WORDS.iter().any(|word| lower.contains(word)) {
                Certainty::Payment
            } else {
                Certainty::AnyValue
            }
        }
        _ => return None,
    };
    Some((certainty, value.clone()))
}

/// A text of a page that says that the payment took place, and that no page before it has.
fn words(page: &str, earlier: &[&str]) -> Option<String> {
    let texts = Regex::new("(?:^|>)([^<>]{2,100})(?:<|$)").ok()?;
    let found = texts.captures_iter(page).find_map(|text| {
        let text = text.get(1)?.as_str().trim();
        let lower = text.to_lowercase();
        let is_right = WORDS.iter().any(|word| lower.contains(word))
            && !text.contains(['\n', '{'])
            && !text.bytes().any(|byte| byte.is_ascii_digit())
            && !earlier.iter().any(|page| page.contains(text));
        is_right.then(|| regex::escape(text))
    });
    found.or_else(|| {
        // A state may also be the class of an element.
        let classes = Regex::new(r#"class="([\w -]{2,40})""#).ok()?;
        classes.captures_iter(page).find_map(|class| {
            let whole = class.get(0)?.as_str();
            let is_right = WORDS.iter().any(|word| whole.to_lowercase().contains(word))
                && !earlier.iter().any(|page| page.contains(whole));
            is_right.then(|| regex::escape(whole))
        })
    })
}
