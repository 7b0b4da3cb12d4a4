//! What a client sends: one call, or a batch of them.

use serde_json::Value;
use soter_text::{Language, Text, text};
use soter_wire::shortened;
use tracing::{Span, info_span};

use super::connection_method::ConnectionMethod;
use super::failure::{Failure, error_response};
use super::json::{self, Element, Json, Object};
use crate::protocol::{CommandError, Method};

/// Maximum number of calls in one batch.
pub const MAX_BATCH_CALLS: usize = 64;

/// Maximum length of an id in bytes. It is kept with its call and returned with the answer.
const MAX_ID_BYTES: usize = 1024;
/// From here on, a number that is not a 64-bit integer may have been rounded when it was parsed.
const EXACT_INTEGER_LIMIT: f64 = 9_007_199_254_740_992.0;

/// A parsed text: one call or several.
#[derive(Debug)]
pub struct Message {
    pub(super) calls: Vec<Result<Incoming, Failure>>,
    pub(super) is_batch: bool,
}

#[derive(Debug)]
pub(super) struct Incoming {
    /// `None` for a notification, which gets no answer.
    pub(super) id: Option<Value>,
    pub(super) method: String,
    pub(super) params: Value,
    /// A name that occurs twice within the parameters.
    duplicate_in_params: Option<String>,
}

impl Message {
    /// Parses a text. [`Rpc::answer`](super::Rpc::answer) reports what is wrong with it.
    pub fn parse(text: &[u8]) -> Self {
        let single = |call| Self { calls: vec![call], is_batch: false };
        match json::parse(text) {
            Err(error) => single(Err(Failure::new(
                -32700,
                text!("this is not JSON: {error}", error = error.to_string()),
                text!("send one JSON-RPC 2.0 call, or an array of them"),
            ))),
            Ok(Json::Batch(calls)) if calls.is_empty() => {
                single(Err(invalid_request(&text!("an empty batch"))))
            }
            Ok(Json::Batch(calls)) if calls.len() > MAX_BATCH_CALLS => single(Err(Failure::new(
                -32600,
                text!(
                    "a batch of {count} calls; {most} are the most",
                    count = calls.len(),
                    most = MAX_BATCH_CALLS
                ),
                text!("send several smaller batches"),
            ))),
            Ok(Json::Batch(calls)) => {
                Self { calls: calls.into_iter().map(Incoming::parse).collect(), is_batch: true }
            }
            Ok(Json::Single(call)) => single(Incoming::parse(call)),
        }
    }

    /// The number of its calls that may have to wait for an answer.
    pub fn waiting_calls(&self) -> usize {
        let waits = |call: &&Result<Incoming, Failure>| {
            call.as_ref().is_ok_and(|call| call.connection_method().is_none())
        };
        self.calls.iter().filter(waits).count()
    }

    /// The answer that rejects the whole message because too much is pending; `None` if no call expects an answer.
    pub fn rejection(self, error: &CommandError, asked: Option<Language>) -> Option<String> {
        let answers = self.calls.into_iter().map(|call| match call {
            Ok(Incoming { id, .. }) => id.map(|id| error_response(&id, &Failure::from(error), asked)),
            Err(failure) => Some(error_response(&Value::Null, &failure, asked)),
        });
        join_responses(answers.collect(), self.is_batch)
    }
}

impl Incoming {
    fn parse(call: Element) -> Result<Self, Failure> {
        let Some(call) = call else { return Err(invalid_request(&text!("not an object"))) };
        let Object { mut members, duplicate, duplicate_in_params } = call;
        if let Some(name) = duplicate {
            return Err(invalid_request(&text!("one with two members `{name}`", name = name)));
        }
        if members.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err(invalid_request(&text!("one without \"jsonrpc\":\"2.0\"")));
        }
        let id = members.shift_remove("id");
        match &id {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.len() <= MAX_ID_BYTES => {}
            Some(Value::String(_)) => {
                return Err(invalid_request(&text!(
                    "one with an id of more than {most} bytes",
                    most = MAX_ID_BYTES
                )));
            }
            // Beyond 2^53 a number may have been rounded when it was parsed, and the answer must have the same id.
            Some(Value::Number(number))
                if number.as_f64().is_some_and(|id| !number.is_f64() || id.abs() < EXACT_INTEGER_LIMIT) => {}
            Some(Value::Number(_)) => {
                return Err(invalid_request(&text!(
                    "one with an id that is too large a number: write it as a string"
                )));
            }
            Some(_) => {
                return Err(invalid_request(&text!(
                    "one with an id that is neither string, number nor null"
                )));
            }
        }
        let Some(Value::String(method)) = members.shift_remove("method") else {
            return Err(invalid_request(&text!("one without a method")));
        };
        let params = members.shift_remove("params").unwrap_or_default();
        Ok(Self { id, method, params, duplicate_in_params })
    }

    /// The span of the call. Names of unknown methods are the client's text, which may be anything.
    pub(super) fn span(&self) -> Span {
        let known = Method::named(&self.method).is_some() || self.connection_method().is_some();
        let id = self.id.as_ref().and_then(Value::as_u64);
        info_span!("call", method = if known { self.method.as_str() } else { "unknown" }, id)
    }

    /// Refuses parameters in which a name occurs twice, because it is unclear which value is meant.
    pub(super) fn check_params(&self) -> Result<(), CommandError> {
        match &self.duplicate_in_params {
            None => Ok(()),
            Some(name) => Err(CommandError::invalid_params(
                text!(
                    "the parameters of `{method}` have two members `{name}`",
                    method = shortened(&self.method, 80),
                    name = name
                ),
                text!("send each member once"),
            )),
        }
    }

    /// The method, if the connection answers it itself.
    pub(super) fn connection_method(&self) -> Option<ConnectionMethod> {
        ConnectionMethod::named(&self.method)
    }
}

/// The failure of JSON that is not a call: what it is instead.
fn invalid_request(what: &Text) -> Failure {
    Failure::new(
        -32600,
        text!("this is not a call: it is {what}", what = what),
        text!("send {{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"device.list\",\"params\":{{}}}}"),
    )
}

/// The answer to a message from those to its calls. `None` if none of them gets one.
pub(super) fn join_responses(answers: Vec<Option<String>>, is_batch: bool) -> Option<String> {
    let mut answers: Vec<String> = answers.into_iter().flatten().collect();
    match (is_batch, answers.len()) {
        (_, 0) => None,
        (true, _) => Some(format!("[{}]", answers.join(","))),
        (false, _) => answers.pop(),
    }
}
