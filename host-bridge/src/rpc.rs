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
//! in English, or in Chinese on a connection that has asked for it with `?lang=zh-CN`. An error for a client that has asked
//! for a language has both texts in the other one, too: as `message` and `next` in `data.english` or `data.chinese`. The journal
//! keeps answers in English; the detail of a verdict comes in its reader's language.
//!
//! The methods `danger.*` and `attack.*` are for attackers. They exist only on a server that was started for
//! attackers; otherwise they are unknown, and `rpc.discover` does not list them.
//!
//! A connection that stays open has its own methods: `events.subscribe` and `events.unsubscribe`, and `rpc.cancel`
//! with the `id` of a call that has no answer yet. That call is given up as if the connection had closed: its dialog
//! is cancelled, and its answer is the error -32005. The events of a call are sent before its answer, unless the client
//! reads so slowly that events wait for it.

mod connection_method;
mod failure;
mod json;
mod message;
mod open_rpc;
mod schemas;
mod session;

use std::sync::Arc;

use futures_util::future::join_all;
use serde::Serialize;
use serde_json::{Value, json};
use soter_text::{Language, text};
use soter_wechat::journal::{Excerpt, Journal, Origin, PendingCall};
use soter_wechat::{Clock, SystemClock, Verdict};
use soter_wire::shortened;
use tracing::{Instrument, debug};

use self::failure::{Failure, error_response};
use self::message::{Incoming, join_responses};
use self::session::Topic;
use crate::protocol::{Call, CommandError, ErrorKind, Method, Service, is_attacker_method};

pub(crate) use self::connection_method::ConnectionMethod;
pub use self::message::{MAX_BATCH_CALLS, Message};
pub use self::schemas::{params_schema, result_schema};
pub use self::session::{Session, Topics};

/// The dispatcher of JSON-RPC calls.
#[derive(Debug)]
pub struct Rpc<S> {
    service: Arc<S>,
    journal: Arc<Journal>,
    /// Whether `danger.*` and `attack.*` exist.
    attacker: bool,
    /// The language that the client has asked for.
    asked_language: Option<Language>,
}

impl<S> Clone for Rpc<S> {
    fn clone(&self) -> Self {
        Self {
            service: Arc::clone(&self.service),
            journal: Arc::clone(&self.journal),
            attacker: self.attacker,
            asked_language: self.asked_language,
        }
    }
}

/// What a command returned.
struct Executed {
    /// The answer in the language of the connection.
    answer: Value,
    /// The answer in English for the journal, if the connection has another language and the call is recorded.
    in_english: Option<Value>,
    /// For the journal.
    verdict: Option<Verdict>,
}

impl<S: Service> Rpc<S> {
    /// A dispatcher for a service, which records calls in a journal. It does not offer the attackers' methods.
    pub fn new(service: Arc<S>, journal: Arc<Journal>) -> Self {
        Self { service, journal, attacker: false, asked_language: None }
    }

    /// The same, with or without `danger.*` and `attack.*`.
    #[must_use]
    pub fn with_attacker_methods(self, attacker: bool) -> Self {
        Self { attacker, ..self }
    }

    /// The same, for a client that has asked for this language. Answers and errors are in it; in English for a client that has
    /// not asked.
    #[must_use]
    pub fn in_language(self, asked: Option<Language>) -> Self {
        Self { asked_language: asked, ..self }
    }

    /// The language that the client has asked for.
    pub fn asked_language(&self) -> Option<Language> {
        self.asked_language
    }

    /// The language of answers and errors.
    pub fn language(&self) -> Language {
        self.asked_language.unwrap_or_default()
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
                    Some(error_response(&Value::Null, &failure, self.asked_language))
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
                Err(error) => error_response(&id, &Failure::from(&error), self.asked_language),
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
            self.execute_command(&method, params, is_recorded).await
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
            Err(failure) => error_response(&id, failure, self.asked_language),
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
    async fn execute_command(
        &self,
        method: &str,
        params: Value,
        is_recorded: bool,
    ) -> Result<Executed, CommandError> {
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
                CommandError::internal(text!(
                    "the answer does not serialise: {error}",
                    error = error.to_string()
                ))
            })
        };
        let answer = written(self.language())?;
        let in_english = match self.language() {
            Language::English => None,
            Language::Chinese => is_recorded.then(|| written(Language::English)).transpose()?,
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
                topics = json!({"topics": Topic::names()}).to_string()
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

#[cfg(test)]
mod tests;
