//! JSON-RPC 2.0 over the command protocol: text in, text out, no socket.
//!
//! ```text
//!   text ── one call, or a batch ──> Call ── Service ──> Response ──> text
//!                                      │
//!                                      └── Journal: the call, its answer, how long it took
//! ```
//!
//! Every method of the protocol is a JSON-RPC method of the same name with named parameters; the member `device`
//! names the device. A call that fails as on a phone returns a *result* with `errCode`, or with `errMsg` alone, as for a
//! wx call with parameters of wrong types. A call that was not carried out returns an error:
//!
//! | code | `data.kind` | meaning |
//! |---|---|---|
//! | -32700 | | the text is not JSON |
//! | -32600 | | JSON, but not a call, or a call in which a member occurs twice |
//! | -32601 | `unknownMethod` | no such method |
//! | -32602 | `invalidParams` | parameters of the wrong shape, or out of range |
//! | -32603 | `internal` | a defect of the program |
//! | -32001 | `environment` | the phone's environment: storage, the ledger |
//! | -32002 | `limitReached` | more than is held at once |
//! | -32003 | `noDialog` | no dialog waits for a touch |
//! | -32004 | `unknownDevice` | no device of that name |
//! | -32005 | | the caller cancelled the call |
//!
//! `message` says what happened, `data.next` what to do. These, and the texts for people in results and notifications, are
//! in English, or in Chinese on a connection that has asked for it with `?lang=zh-CN`. The journal keeps English.
//!
//! The methods `danger.*` and `attack.*` are for attackers. They exist only on a server that was started for
//! attackers; otherwise they are unknown, and `rpc.discover` does not list them.
//!
//! A connection that stays open has its own methods: `events.subscribe` and `events.unsubscribe`, and `rpc.cancel`
//! with the `id` of a call that has no answer yet. That call is given up as if the connection had closed: its dialog
//! is cancelled, and its answer is the error -32005.

mod connection_method;
mod meanings;
mod open_rpc;
mod schemas;
mod session;
mod text;

use std::sync::Arc;

use futures_util::future::join_all;
use serde::Serialize;
use serde_json::{Value, json};
use soter_text::{Language, Text, text};
use soter_wechat::journal::{Excerpt, Journal, Origin, PendingCall};
use soter_wechat::{Clock, SystemClock, Verdict};
use soter_wire::shortened;
use tracing::{Instrument, Span, debug, error, info_span};

use self::meanings::Meanings;
use self::session::Topic;
use self::text::{Element, Json, Object};
use crate::protocol::{Call, CommandError, ErrorKind, Method, Service, is_attacker_method};
use crate::visible::visible;

pub(crate) use self::connection_method::ConnectionMethod;
pub use self::schemas::{params_schema, result_schema};
pub use self::session::{Session, Topics};

/// Maximum number of calls in one batch.
pub const MAX_BATCH_CALLS: usize = 64;

/// Maximum length of an id in bytes. It is kept with its call and returned with the answer.
const MAX_ID_BYTES: usize = 1024;
/// From here on, a number that is not a 64-bit integer may have been rounded when it was parsed.
const EXACT_INTEGER_LIMIT: f64 = 9_007_199_254_740_992.0;

/// The code of a defect of the program.
const INTERNAL: i32 = -32603;
/// The code of a failure of the phone's environment.
const ENVIRONMENT: i32 = -32001;

/// The dispatcher of JSON-RPC calls.
#[derive(Debug)]
pub struct Rpc<S> {
    service: Arc<S>,
    journal: Arc<Journal>,
    /// Whether `danger.*` and `attack.*` exist.
    attacker: bool,
    /// The language of answers and errors.
    language: Language,
}

impl<S> Clone for Rpc<S> {
    fn clone(&self) -> Self {
        Self {
            service: Arc::clone(&self.service),
            journal: Arc::clone(&self.journal),
            attacker: self.attacker,
            language: self.language,
        }
    }
}

/// A parsed text: one call or several.
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
    /// A name that occurs twice within the parameters.
    duplicate_in_params: Option<String>,
}

/// An error object, before it has an id.
#[derive(Debug)]
struct Failure {
    code: i32,
    message: Text,
    data: FailureData,
}

/// The member `data` of an error.
#[derive(Debug, Serialize)]
struct FailureData {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<ErrorKind>,
    next: Text,
}

/// What a command returned.
struct Executed {
    /// The answer in the language of the connection.
    answer: Value,
    /// The answer in English, if that is another one.
    in_english: Option<Value>,
    /// For the journal.
    verdict: Option<Verdict>,
}

impl Message {
    /// Parses a text. [`Rpc::answer`] reports what is wrong with it.
    pub fn parse(text: &[u8]) -> Self {
        let single = |call| Self { calls: vec![call], is_batch: false };
        match text::parse(text) {
            Err(error) => single(Err(Failure::new(
                -32700,
                text!("this is not JSON: {error}", error = error),
                text!("send one JSON-RPC 2.0 call, or an array of them"),
            ))),
            Ok(Json::Batch(calls)) if calls.is_empty() => {
                single(Err(invalid_request(text!("an empty batch"))))
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
    pub fn rejection(self, error: &CommandError, language: Language) -> Option<String> {
        let answers = self.calls.into_iter().map(|call| match call {
            Ok(Incoming { id, .. }) => id.map(|id| error_response(&id, &Failure::from(error), language)),
            Err(failure) => Some(error_response(&Value::Null, &failure, language)),
        });
        join_responses(answers.collect(), self.is_batch)
    }
}

impl Incoming {
    fn parse(call: Element) -> Result<Self, Failure> {
        let Some(call) = call else { return Err(invalid_request(text!("no object"))) };
        let Object { mut members, duplicate, duplicate_in_params } = call;
        if let Some(name) = duplicate {
            return Err(invalid_request(text!("one with two members `{name}`", name = name)));
        }
        if members.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err(invalid_request(text!("one without \"jsonrpc\":\"2.0\"")));
        }
        let id = members.shift_remove("id");
        match &id {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if text.len() <= MAX_ID_BYTES => {}
            Some(Value::String(_)) => {
                return Err(invalid_request(text!(
                    "one with an id of more than {most} bytes",
                    most = MAX_ID_BYTES
                )));
            }
            // Beyond 2^53 a number may have been rounded when it was parsed, and the answer must have the same id.
            Some(Value::Number(number))
                if number.as_f64().is_some_and(|id| !number.is_f64() || id.abs() < EXACT_INTEGER_LIMIT) => {}
            Some(Value::Number(_)) => {
                return Err(invalid_request(text!(
                    "one with an id that is too large a number: write it as a string"
                )));
            }
            Some(_) => {
                return Err(invalid_request(text!("one with an id that is neither string, number nor null")));
            }
        }
        let Some(Value::String(method)) = members.shift_remove("method") else {
            return Err(invalid_request(text!("one without a method")));
        };
        let params = members.shift_remove("params").unwrap_or_default();
        Ok(Self { id, method, params, duplicate_in_params })
    }

    /// The span of the call. Names of unknown methods are the client's text, which may be anything.
    fn span(&self) -> Span {
        let known = Method::named(&self.method).is_some() || self.connection_method().is_some();
        let id = self.id.as_ref().and_then(Value::as_u64);
        info_span!("call", method = if known { self.method.as_str() } else { "unknown" }, id)
    }

    /// Refuses parameters in which a name occurs twice, because it is unclear which value is meant.
    fn check_params(&self) -> Result<(), CommandError> {
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
    fn connection_method(&self) -> Option<ConnectionMethod> {
        ConnectionMethod::named(&self.method)
    }
}

impl Failure {
    fn new(code: i32, message: Text, next: Text) -> Self {
        Self { code, message, data: FailureData { kind: None, next } }
    }

    /// Logs why a call was not carried out, as an error if the client is not the cause.
    fn log(&self) {
        let Self { code, message, .. } = self;
        let message = visible(message.english());
        if [INTERNAL, ENVIRONMENT].contains(code) {
            error!(code, "{message}");
        } else {
            debug!(code, "{message}");
        }
    }

    fn cancelled() -> Self {
        let message = text!("the call was cancelled with {method}", method = ConnectionMethod::Cancel.name());
        Self::new(-32005, message, text!("nothing: its dialog is closed, too"))
    }
}

impl From<&CommandError> for Failure {
    fn from(error: &CommandError) -> Self {
        let code = match error.kind {
            ErrorKind::UnknownMethod => -32601,
            ErrorKind::InvalidParams => -32602,
            ErrorKind::Environment => ENVIRONMENT,
            ErrorKind::LimitReached => -32002,
            ErrorKind::NoDialog => -32003,
            ErrorKind::UnknownDevice => -32004,
            ErrorKind::Internal => INTERNAL,
        };
        let data = FailureData { kind: Some(error.kind), next: error.next.clone() };
        Self { code, message: error.what.clone(), data }
    }
}

impl<S: Service> Rpc<S> {
    /// A dispatcher for a service, which records calls in a journal. It does not offer the attackers' methods.
    pub fn new(service: Arc<S>, journal: Arc<Journal>) -> Self {
        Self { service, journal, attacker: false, language: Language::English }
    }

    /// The same, with or without `danger.*` and `attack.*`.
    #[must_use]
    pub fn with_attacker_methods(self, attacker: bool) -> Self {
        Self { attacker, ..self }
    }

    /// The same, for a client that has asked for answers and errors in this language.
    #[must_use]
    pub fn in_language(self, language: Language) -> Self {
        Self { language, ..self }
    }

    /// The language of answers and errors.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The service that answers the commands.
    pub fn service(&self) -> &Arc<S> {
        &self.service
    }

    /// The journal of calls.
    pub fn journal(&self) -> &Arc<Journal> {
        &self.journal
    }

    /// Carries out a message and returns its answer; `None` if no call expects one. Calls of a batch run
    /// concurrently. `session` is that of a connection that stays open. Dropping the future gives up its calls.
    pub async fn answer(&self, message: Message, session: Option<&Session>) -> Option<String> {
        let is_batch = message.is_batch;
        let calls = message.calls.into_iter().map(|call| async move {
            match call {
                Ok(call) => {
                    let span = call.span();
                    self.execute(call, session).instrument(span).await
                }
                Err(failure) => {
                    failure.log();
                    Some(error_response(&Value::Null, &failure, self.language))
                }
            }
        });
        join_responses(join_all(calls).await, is_batch)
    }

    async fn execute(&self, call: Incoming, session: Option<&Session>) -> Option<String> {
        if let Some(method) = call.connection_method() {
            let result =
                call.check_params().and_then(|()| self.call_connection_method(method, &call.params, session));
            let id = call.id?;
            return Some(match result {
                Ok(result) => success_response(&id, &result),
                Err(error) => error_response(&id, &Failure::from(&error), self.language),
            });
        }
        let checked = call.check_params();
        let Incoming { id, method, params, .. } = call;
        let pending = PendingCall::begin(Origin::Rpc);
        // Cut before the call waits, so that a waiting call does not hold a large request in memory.
        let is_recorded = Method::named(&method).is_none_or(Method::is_recorded);
        let recorded_request = is_recorded.then(|| Excerpt::from(&params));
        let command = async {
            checked?;
            self.execute_command(&method, params).await
        };
        let result = match (&id, session) {
            (Some(id), Some(session)) => match session.until_cancelled(id, command).await {
                Some(result) => result.map_err(|error| Failure::from(&error)),
                None => Err(Failure::cancelled()),
            },
            _ => command.await.map_err(|error| Failure::from(&error)),
        };
        match &result {
            Ok(_) => debug!(microseconds = pending.microseconds(), "answered"),
            Err(failure) => failure.log(),
        }
        let answer = id.map(|id| match &result {
            Ok(executed) => success_response(&id, &executed.answer.to_string()),
            Err(failure) => error_response(&id, failure, self.language),
        });
        if let Some(request) = recorded_request {
            let (recorded_answer, verdict) = match result {
                Ok(Executed { answer, in_english, verdict }) => (in_english.unwrap_or(answer), verdict),
                Err(Failure { message, data, .. }) => (json!({"error": message, "next": data.next}), None),
            };
            let at = SystemClock.unix_millis();
            self.journal.record(pending.into_entry(
                at,
                shortened(&method, 80),
                request,
                recorded_answer,
                verdict,
            ));
        }
        answer
    }

    /// Carries out a command.
    async fn execute_command(&self, method: &str, params: Value) -> Result<Executed, CommandError> {
        if is_attacker_method(method) && !self.attacker {
            let shown = shortened(method, 80);
            return Err(CommandError::new(
                ErrorKind::UnknownMethod,
                text!("`{shown}` is for attackers, and this server offers nothing for them", shown = shown),
                text!("start it with --attacker if that is wanted"),
            ));
        }
        let call = Call::parse(method, params).map_err(|error| with_connection_method_hint(method, error))?;
        let response = self.service.call(call).await?;
        let written = |language: Language| {
            language.while_serializing(|| serde_json::to_value(&response)).map_err(|error| {
                CommandError::internal(text!("the answer does not serialise: {error}", error = error))
            })
        };
        let answer = written(self.language)?;
        let in_english = match self.language {
            Language::English => None,
            Language::Chinese => Some(written(Language::English)?),
        };
        Ok(Executed { answer, in_english, verdict: response.verdict().cloned() })
    }

    /// Answers a method of the connection itself, as JSON. The journal does not record it: it is about what the
    /// client subscribes to, and not about a phone.
    fn call_connection_method(
        &self,
        method: ConnectionMethod,
        params: &Value,
        session: Option<&Session>,
    ) -> Result<String, CommandError> {
        let name = method.name();
        let session = || {
            session.ok_or_else(|| {
                CommandError::invalid_params(
                    text!("`{name}` needs a connection that stays open", name = name),
                    text!("connect to /ws and call it there; POST /rpc answers once"),
                )
            })
        };
        match method {
            ConnectionMethod::Subscribe => {
                let session = session()?;
                session.subscribe(parse_topics(only_member(name, params, "topics")?)?);
                Ok("{}".to_owned())
            }
            ConnectionMethod::Unsubscribe => {
                let session = session()?;
                only_member(name, params, "")?;
                session.unsubscribe();
                Ok("{}".to_owned())
            }
            ConnectionMethod::Cancel => {
                let session = session()?;
                match only_member(name, params, "id")? {
                    Some(id @ (Value::Number(_) | Value::String(_))) => {
                        Ok(json!({"cancelled": session.cancel(id)}).to_string())
                    }
                    _ => Err(CommandError::invalid_params(
                        text!("`{name}` names no call", name = name),
                        text!(
                            "send {{\"id\":ID}} with the id of a call that has no answer yet, a number or a string"
                        ),
                    )),
                }
            }
            ConnectionMethod::Discover => {
                only_member(name, params, "")?;
                Ok(open_rpc::document(self.attacker).to_owned())
            }
            ConnectionMethod::Meanings => {
                only_member(name, params, "")?;
                self.language.while_serializing(|| serde_json::to_string(&Meanings::default())).map_err(
                    |error| {
                        CommandError::internal(text!("the answer does not serialise: {error}", error = error))
                    },
                )
            }
        }
    }
}

/// The one member that the parameters may have.
fn only_member<'a>(method: &str, params: &'a Value, name: &str) -> Result<Option<&'a Value>, CommandError> {
    match params {
        Value::Null => Ok(None),
        Value::Object(members) if members.keys().all(|other| other == name) => Ok(members.get(name)),
        _ => Err(CommandError::invalid_params(
            text!("the parameters of `{method}` do not fit", method = method),
            if name.is_empty() {
                text!("it takes none: send {{}}, or leave them out")
            } else {
                text!("send an object with the member `{name}` and no other", name = name)
            },
        )),
    }
}

fn parse_topics(topics: Option<&Value>) -> Result<Topics, CommandError> {
    let invalid_topics = || {
        CommandError::invalid_params(
            text!("the topics of `{method}` do not fit", method = ConnectionMethod::Subscribe.name()),
            text!(
                "send {topics}, some of them, or nothing for `phone`",
                topics = json!({"topics": Topic::names()})
            ),
        )
    };
    let mut requested = Topics::default();
    match topics {
        None | Some(Value::Null) => requested.add(Topic::Phone),
        Some(Value::Array(topics)) => {
            for topic in topics {
                requested.add(topic.as_str().and_then(Topic::named).ok_or_else(invalid_topics)?);
            }
        }
        Some(_) => return Err(invalid_topics()),
    }
    Ok(requested)
}

/// The protocol does not know the methods of connections, so the error for a misspelt one gets their names here.
fn with_connection_method_hint(method: &str, error: CommandError) -> CommandError {
    if error.kind == ErrorKind::UnknownMethod && ConnectionMethod::shares_noun_with(method) {
        let next = text!("methods of a connection: {methods}", methods = ConnectionMethod::names());
        return CommandError { next, ..error };
    }
    error
}

/// A JSON-RPC notification.
pub(crate) fn notification(method: &str, params: &impl Serialize) -> Option<String> {
    /// In JSON's order. The parameters are written as they are, without a tree of values in between.
    #[derive(Serialize)]
    struct Notification<'a, P> {
        jsonrpc: &'a str,
        method: &'a str,
        params: &'a P,
    }
    serde_json::to_string(&Notification { jsonrpc: "2.0", method, params }).ok()
}

fn success_response(id: &Value, result: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","result":{result},"id":{id}}}"#)
}

fn error_response(id: &Value, failure: &Failure, language: Language) -> String {
    let Failure { code, message, data } = failure;
    let error = language.while_serializing(|| json!({"code": code, "message": message, "data": data}));
    format!(r#"{{"jsonrpc":"2.0","error":{error},"id":{id}}}"#)
}

fn join_responses(answers: Vec<Option<String>>, is_batch: bool) -> Option<String> {
    let mut answers: Vec<String> = answers.into_iter().flatten().collect();
    match (is_batch, answers.len()) {
        (_, 0) => None,
        (true, _) => Some(format!("[{}]", answers.join(","))),
        (false, _) => answers.pop(),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "callers build the text in place")]
fn invalid_request(what: Text) -> Failure {
    Failure::new(
        -32600,
        text!("this is no call: it is {what}", what = what),
        text!("send {{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"device.list\",\"params\":{{}}}}"),
    )
}

#[cfg(test)]
mod tests;
