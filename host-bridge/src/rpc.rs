//! JSON-RPC 2.0 over the command protocol: text in, text out, no socket.
//!
//! ```text
//!   text ── one call, or a batch ──> Call ── Service ──> Response ──> text
//!                                      │
//!                                      └── Journal: the call, its answer, how long it took
//! ```
//!
//! Every method of the protocol is one of JSON-RPC under the same name, with named parameters; the member `device` names
//! the device. A call that fails as on a phone is a *result* with `errCode`. What was not carried out is an error:
//!
//! | code | `data.kind` | meaning |
//! |---|---|---|
//! | -32700 | | the text is not JSON |
//! | -32600 | | JSON, but no call |
//! | -32601 | `unknownMethod` | no such method |
//! | -32602 | `invalidParams` | parameters of the wrong shape, or out of range |
//! | -32603 | `internal` | a defect of the program |
//! | -32001 | `environment` | the phone's surroundings: storage, the ledger |
//! | -32002 | `limitReached` | more than is held at once |
//! | -32003 | `noDialog` | no dialog waits for a touch |
//! | -32004 | `unknownDevice` | no device of that name |
//!
//! `message` says what happened, `data.next` what to do.

mod open_rpc;

use std::sync::Arc;
use std::time::Instant;

use futures_util::future::join_all;
use serde_json::{Map, Value, json};

use crate::journal::{Door, Journal, NewEntry};
use crate::protocol::{Call, CommandError, ErrorKind, Service};
use crate::wechat::{Clock, SystemClock};

/// Calls in one batch.
pub const MAX_BATCH: usize = 64;

/// Methods that a connection answers itself, beside those of the protocol.
pub const CONNECTION_METHODS: [&str; 3] = ["events.subscribe", "events.unsubscribe", "rpc.discover"];

/// Methods that front ends call often to draw themselves; they would bury what the journal is for.
const UNRECORDED: [&str; 5] = ["biometric.list", "device.list", "device.show", "keys.list", "rpc.discover"];

/// What a connection hears of beside answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Topics {
    /// What happens on the phones.
    pub phone: bool,
    /// Calls, as the journal writes them down.
    pub journal: bool,
}

/// A connection that can be told things unasked.
pub trait Subscriber: Sync {
    /// Hears of these topics from now on, beside those it heard of before.
    fn subscribe(&self, topics: Topics);
    /// Hears of nothing any more.
    fn unsubscribe(&self);
}

/// The dispatcher.
#[derive(Debug)]
pub struct Rpc<S> {
    service: Arc<S>,
    journal: Arc<Journal>,
}

impl<S> Clone for Rpc<S> {
    fn clone(&self) -> Self {
        Self { service: Arc::clone(&self.service), journal: Arc::clone(&self.journal) }
    }
}

/// A text that was read: one call, or several.
#[derive(Debug)]
pub struct Message {
    calls: Vec<Result<Incoming, Failure>>,
    is_batch: bool,
}

#[derive(Debug)]
struct Incoming {
    /// `None` for a notification, which gets no answer.
    id: Option<Value>,
    method: String,
    params: Value,
}

/// An error object, before it has an id.
#[derive(Debug)]
struct Failure {
    code: i32,
    message: String,
    data: Value,
}

impl Message {
    /// Reads a text. What is wrong with it is told when it is answered.
    pub fn read(text: &[u8]) -> Self {
        let single = |call| Self { calls: vec![call], is_batch: false };
        match serde_json::from_slice(text) {
            Err(error) => single(Err(Failure::new(
                -32700,
                format!("not JSON at line {}, column {}", error.line(), error.column()),
                "send one JSON-RPC 2.0 call, or an array of them",
            ))),
            Ok(Value::Array(calls)) if calls.is_empty() => single(Err(invalid("an empty batch"))),
            Ok(Value::Array(calls)) if calls.len() > MAX_BATCH => single(Err(Failure::new(
                -32600,
                format!("a batch of {} calls; {MAX_BATCH} are the most", calls.len()),
                "send several smaller batches",
            ))),
            Ok(Value::Array(calls)) => {
                Self { calls: calls.into_iter().map(Incoming::read).collect(), is_batch: true }
            }
            Ok(call) => single(Incoming::read(call)),
        }
    }

    /// How many calls it holds.
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// The answer that refuses all of it because too much is pending; `None` if nothing in it wants an answer.
    pub fn refused(self, error: &CommandError) -> Option<String> {
        let answers = self.calls.into_iter().map(|call| match call {
            Ok(Incoming { id, .. }) => id.map(|id| failed(id, Failure::from(error))),
            Err(failure) => Some(failed(Value::Null, failure)),
        });
        written(answers.collect(), self.is_batch)
    }
}

impl Incoming {
    fn read(call: Value) -> Result<Self, Failure> {
        let Value::Object(mut members) = call else { return Err(invalid("no object")) };
        if members.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err(invalid("one without \"jsonrpc\":\"2.0\""));
        }
        let id = members.shift_remove("id");
        if !matches!(id, None | Some(Value::Null | Value::Number(_) | Value::String(_))) {
            return Err(invalid("one with an id that is neither string, number nor null"));
        }
        let Some(Value::String(method)) = members.shift_remove("method") else {
            return Err(invalid("one without a method"));
        };
        Ok(Self { id, method, params: members.shift_remove("params").unwrap_or_default() })
    }
}

impl Failure {
    fn new(code: i32, message: impl Into<String>, next: &str) -> Self {
        Self { code, message: message.into(), data: json!({"next": next}) }
    }
}

impl From<&CommandError> for Failure {
    fn from(error: &CommandError) -> Self {
        let code = match error.kind {
            ErrorKind::UnknownMethod => -32601,
            ErrorKind::InvalidParams => -32602,
            ErrorKind::Environment => -32001,
            ErrorKind::LimitReached => -32002,
            ErrorKind::NoDialog => -32003,
            ErrorKind::UnknownDevice => -32004,
            _ => -32603,
        };
        Self { code, message: error.what.clone(), data: json!({"kind": error.kind, "next": error.next}) }
    }
}

impl<S: Service> Rpc<S> {
    /// A dispatcher over a service, which writes calls into a journal.
    pub fn new(service: Arc<S>, journal: Arc<Journal>) -> Self {
        Self { service, journal }
    }

    /// What answers the commands.
    pub fn service(&self) -> &Arc<S> {
        &self.service
    }

    /// Where calls are written down.
    pub fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    /// Carries out a message and gives its answer; `None` if nothing in it wants one. Calls of a batch run side by side.
    /// Dropping the future gives its calls up.
    pub async fn answer(&self, message: Message, subscriber: Option<&dyn Subscriber>) -> Option<String> {
        let is_batch = message.is_batch;
        let calls = message.calls.into_iter().map(|call| async move {
            match call {
                Ok(call) => self.carry_out(call, subscriber).await,
                Err(failure) => Some(failed(Value::Null, failure)),
            }
        });
        written(join_all(calls).await, is_batch)
    }

    async fn carry_out(&self, call: Incoming, subscriber: Option<&dyn Subscriber>) -> Option<Value> {
        let Incoming { id, method, params } = call;
        let begun = Instant::now();
        let is_recorded = !UNRECORDED.contains(&method.as_str()) && !method.starts_with("events.");
        let kept = if is_recorded { params.clone() } else { Value::Null };
        let result = match method.as_str() {
            "events.subscribe" => subscribe(&params, subscriber),
            "events.unsubscribe" => with(subscriber).map(|subscriber| {
                subscriber.unsubscribe();
                json!({})
            }),
            "rpc.discover" => open_rpc::document(),
            _ => self.command(&method, params).await,
        };
        if is_recorded {
            let answer = match &result {
                Ok(answer) => answer.clone(),
                Err(error) => json!({"error": error.what, "next": error.next}),
            };
            self.journal.record(NewEntry {
                at: SystemClock.unix_millis(),
                door: Door::Rpc,
                call: method.chars().take(80).collect(),
                request: kept,
                answer,
                judgement: None,
                microseconds: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
            });
        }
        let id = id?;
        Some(match result {
            Ok(result) => answered(id, result),
            Err(error) => failed(id, Failure::from(&error)),
        })
    }

    async fn command(&self, method: &str, params: Value) -> Result<Value, CommandError> {
        let response = self.service.call(Call::parse(method, params)?).await?;
        serde_json::to_value(response)
            .map_err(|error| CommandError::internal(format!("the answer does not serialise: {error}")))
    }
}

fn subscribe(params: &Value, subscriber: Option<&dyn Subscriber>) -> Result<Value, CommandError> {
    const EXPECTED: &str = "send {\"topics\":[\"phone\",\"journal\"]}, one of them, or nothing for `phone`";
    let subscriber = with(subscriber)?;
    let refused =
        || CommandError::invalid_params("the parameters of `events.subscribe` do not fit", EXPECTED);
    let topics = match params {
        Value::Null => None,
        Value::Object(members) if members.keys().all(|name| name == "topics") => members.get("topics"),
        _ => return Err(refused()),
    };
    let mut wanted = Topics::default();
    match topics {
        None | Some(Value::Null) => wanted.phone = true,
        Some(Value::Array(topics)) => {
            for topic in topics {
                match topic.as_str() {
                    Some("phone") => wanted.phone = true,
                    Some("journal") => wanted.journal = true,
                    _ => return Err(refused()),
                }
            }
        }
        Some(_) => return Err(refused()),
    }
    subscriber.subscribe(wanted);
    Ok(json!({}))
}

fn with(subscriber: Option<&dyn Subscriber>) -> Result<&dyn Subscriber, CommandError> {
    subscriber.ok_or_else(|| {
        CommandError::invalid_params(
            "events need a connection that stays open",
            "connect to /ws and subscribe there; POST /rpc answers once",
        )
    })
}

/// Something that is told unasked.
pub(crate) fn notification(method: &str, params: &impl serde::Serialize) -> Option<String> {
    serde_json::to_string(&json!({"jsonrpc": "2.0", "method": method, "params": params})).ok()
}

fn answered(id: Value, result: Value) -> Value {
    response(id, "result", result)
}

fn failed(id: Value, failure: Failure) -> Value {
    let Failure { code, message, data } = failure;
    response(id, "error", json!({"code": code, "message": message, "data": data}))
}

fn response(id: Value, name: &str, content: Value) -> Value {
    let mut members = Map::with_capacity(3);
    members.insert("jsonrpc".to_owned(), json!("2.0"));
    members.insert(name.to_owned(), content);
    members.insert("id".to_owned(), id);
    Value::Object(members)
}

fn written(answers: Vec<Option<Value>>, is_batch: bool) -> Option<String> {
    let mut answers: Vec<Value> = answers.into_iter().flatten().collect();
    match (is_batch, answers.len()) {
        (_, 0) => None,
        (true, _) => Some(Value::Array(answers).to_string()),
        (false, _) => answers.pop().map(|answer| answer.to_string()),
    }
}

fn invalid(what: &str) -> Failure {
    Failure::new(
        -32600,
        format!("this is no call: it is {what}"),
        "send {\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"device.list\",\"params\":{}}",
    )
}

#[cfg(test)]
mod tests;
