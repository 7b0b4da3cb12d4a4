//! Why a command was not carried out.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use soter_text::{Text, text};
use soter_wechat::{LedgerError, WeChatError};

/// A command that was not carried out: what happened, and what to do next, one line each.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, thiserror::Error)]
#[error("{}", what.english())]
pub struct CommandError {
    /// Whose fault it is, and so which exit code or RPC error it becomes.
    pub kind: ErrorKind,
    /// One line: what happened, with the numbers in it.
    pub what: Text,
    /// One line: what to do next.
    pub next: Text,
}

/// Whose fault it is that a command was not carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum ErrorKind {
    /// The phone's surroundings: storage that is damaged, full, rolled back or unreachable. Until that is
    /// fixed, the command fails again; what was durable before still is.
    Environment,
    /// A defect of the program. Please report it.
    Internal,
    /// The caller's: parameters of the wrong shape or out of range. Nothing changed.
    InvalidParams,
    /// The caller asks for more than the phone holds at once (dialogs, devices, keys). Nothing changed.
    LimitReached,
    /// The caller's: there is no dialog to touch or to cancel. Nothing changed.
    NoDialog,
    /// The caller's: no device of that name. Nothing changed.
    UnknownDevice,
    /// The caller's: no such method. Nothing changed.
    UnknownMethod,
}

impl CommandError {
    /// An error of this kind.
    pub fn new(kind: ErrorKind, what: Text, next: Text) -> Self {
        Self { kind, what, next }
    }

    /// An [`ErrorKind::InvalidParams`].
    pub fn invalid_params(what: Text, next: Text) -> Self {
        Self::new(ErrorKind::InvalidParams, what, next)
    }

    /// An [`ErrorKind::Environment`].
    pub fn environment(what: Text, next: Text) -> Self {
        Self::new(ErrorKind::Environment, what, next)
    }

    /// An [`ErrorKind::Internal`] whose cause is for those to whom it is reported: in English.
    pub fn defect(what: impl Into<String>) -> Self {
        Self::internal(Text::verbatim(what))
    }

    /// An [`ErrorKind::Internal`].
    pub fn internal(what: Text) -> Self {
        Self::new(
            ErrorKind::Internal,
            what,
            text!("this is a defect of soter-sim: please report it with the steps that led here"),
        )
    }
}

impl From<LedgerError> for CommandError {
    fn from(error: LedgerError) -> Self {
        Self::environment(error.what, error.next)
    }
}

impl From<WeChatError> for CommandError {
    fn from(error: WeChatError) -> Self {
        if let WeChatError::Ledger(error) = error {
            return error.into();
        }
        match error.next() {
            Some(next) => Self::invalid_params(error.text(), next),
            None => Self::internal(error.text()),
        }
    }
}
