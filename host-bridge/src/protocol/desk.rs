//! The desk as a whole.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use soter_text::Text;
use soter_wechat::{Verdict, journal};

no_parameters! {
    /// Takes everything off the desk and starts over: phones with new identities (or the same ones, if the desk has a
    /// seed), and WeChat's servers without keys, counters, sessions and tokens. For test suites between tests.
    Reset
}

/// Moves the clock of WeChat's servers, by which codes, sessions and access tokens expire, or shows it. Phones have clocks of
/// their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Clock {
    /// This many milliseconds forward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward: Option<u64>,
    /// This many milliseconds ahead of the computer's clock, at most ten years; 0: as the computer's. Not together with `forward`. A
    /// clock that goes back ends all codes, sessions and access tokens, because those of meanwhile would live too long.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ahead: Option<u64>,
}

/// Answer of [`Reset`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WasReset {
    /// The phone that is on the desk now.
    pub device: String,
}

/// Reads the journal: calls of mini programs and backends, with their answers and the reasons for them. It has the newest calls of
/// the server's process, without secrets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Journal {
    /// Only calls after the one with this number, beginning with the oldest; 0: from the oldest call that is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
    /// Only calls before the one with this number, the closest ones. Not together with `after`. Without both: the newest calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<u64>,
    /// How many at most, from 1 to 100; absent: 20. Large calls reduce the number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 100))]
    pub limit: Option<u32>,
}

/// The usual number of calls in an answer of [`Journal`].
pub const JOURNAL_LIMIT: u32 = 20;
/// The maximum number of calls in an answer of [`Journal`].
pub const MAX_JOURNAL_LIMIT: u32 = 100;

/// Answer of [`Journal`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JournalPage {
    /// The calls, the oldest first.
    pub entries: Vec<JournalEntry>,
    /// The number of the last one of them; without any, `after`, or else 0. The next page is `after` it.
    pub last: u64,
}

/// A call from outside, with its answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JournalEntry {
    /// Its number. Numbers start at 1, and a process never uses one twice.
    pub number: u64,
    /// When it was answered, in milliseconds since 1970.
    pub at: u64,
    /// `rpc` for a call of the command protocol, `weChat` for one of a backend.
    pub door: String,
    /// The method, or the HTTP method and path.
    pub call: String,
    /// Its parameters, without secrets, and cut if they are long.
    pub request: Value,
    /// Its answer, in the same way.
    pub answer: Value,
    /// The reason for the answer, if the answer does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub judgement: Option<Judgement>,
    /// The time until the answer, in microseconds.
    pub microseconds: u64,
}

/// What WeChat's servers, or the phone, decided about a call, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Judgement {
    /// Whether the answer is yes.
    pub is_ok: bool,
    /// The stable name of the reason; see [`reasons`](soter_wechat::reasons).
    pub reason: String,
    /// One line for people.
    pub detail: Text,
}

/// Member by member, because as JSON a detail would lose its translation.
impl From<&journal::Entry> for JournalEntry {
    fn from(entry: &journal::Entry) -> Self {
        let journal::Entry { number, at, origin, call, request, answer, verdict, microseconds } = entry;
        Self {
            number: *number,
            at: *at,
            door: origin.name().to_owned(),
            call: call.clone(),
            request: request.value(),
            answer: answer.value(),
            judgement: verdict.as_ref().map(Judgement::from),
            microseconds: *microseconds,
        }
    }
}

impl From<&Verdict> for Judgement {
    fn from(verdict: &Verdict) -> Self {
        Self {
            is_ok: verdict.is_ok(),
            reason: verdict.reason.name().into_owned(),
            detail: verdict.detail.clone(),
        }
    }
}
