//! Errors of JSON-RPC: why a call was not carried out, before it has an id.

use serde::Serialize;
use serde_json::{Value, json};
use soter_text::{Language, Text, text};
use tracing::{debug, error};

use super::connection_method::ConnectionMethod;
use crate::protocol::{CommandError, ErrorKind};
use crate::visible::visible;

/// The code of a defect of the program.
const INTERNAL: i32 = -32603;
/// The code of a failure of the phone's environment.
const ENVIRONMENT: i32 = -32001;

/// An error object, before it has an id.
#[derive(Debug)]
pub(super) struct Failure {
    code: i32,
    pub(super) message: Text,
    pub(super) data: FailureData,
}

/// The member `data` of an error.
#[derive(Debug, Serialize)]
pub(super) struct FailureData {
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<ErrorKind>,
    pub(super) next: Text,
}

impl Failure {
    pub(super) fn new(code: i32, message: Text, next: Text) -> Self {
        Self { code, message, data: FailureData { kind: None, next } }
    }

    /// Logs why a call was not carried out, as an error if the client is not the cause.
    pub(super) fn log(&self) {
        let Self { code, message, .. } = self;
        let message = visible(message.english());
        if [INTERNAL, ENVIRONMENT].contains(code) {
            error!(code, "{message}");
        } else {
            debug!(code, "{message}");
        }
    }

    /// The failure of a call that its caller has given up.
    pub(super) fn cancelled() -> Self {
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

/// The answer with an error for a client that has asked for this language. It has the texts in the other one, too, so that
/// the result of a client that compares them does not depend on the language.
pub(super) fn error_response(id: &Value, failure: &Failure, asked: Option<Language>) -> String {
    let Failure { code, message, data } = failure;
    let language = asked.unwrap_or_default();
    let mut error = language.while_serializing(|| json!({"code": code, "message": message, "data": data}));
    if let Some(asked) = asked {
        let (name, other) = match asked {
            Language::English => ("chinese", Language::Chinese),
            Language::Chinese => ("english", Language::English),
        };
        let texts = other.while_serializing(|| json!({"message": message, "next": data.next}));
        error["data"][name] = texts;
    }
    format!(r#"{{"jsonrpc":"2.0","error":{error},"id":{id}}}"#)
}
