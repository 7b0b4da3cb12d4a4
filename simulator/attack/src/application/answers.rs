//! Reads the application's answers: whether they mean success, and the values in them.

use std::collections::BTreeMap;

use serde_json::Value;
use soter_wire::shortened;

use super::description::Success;
use super::pointer::Pointer;
use super::template::Values;
use crate::http::Reply;
use crate::target::TargetError;

impl Success {
    /// Whether an answer means success.
    ///
    /// # Errors
    /// One line that says what is missing for a success.
    pub(super) fn check(&self, reply: &Reply) -> Result<(), String> {
        match self.status {
            Some(status) if reply.status != status => {
                return Err(format!("status {}, and success has {status}", reply.status));
            }
            None if !(200..300).contains(&reply.status) => return Err(format!("status {}", reply.status)),
            _ => {}
        }
        if let Some(pointer) = &self.pointer {
            let found = pointer.find(&reply.body);
            let holds = match &self.value {
                Some(value) => found.as_ref() == Some(value),
                None => found.as_ref().is_some_and(|found| !found.is_null() && *found != Value::Bool(false)),
            };
            if !holds {
                let found = found.map_or_else(|| "nothing".to_owned(), |found| one_line(&found.to_string()));
                return Err(format!("{found} at `{pointer}`"));
            }
        }
        match &self.regex {
            Some(regex) if !regex.is_match(&reply.body) => Err(format!("no match of `{regex}`")),
            _ => Ok(()),
        }
    }
}

/// The named values in an answer.
pub(super) fn captured_values(
    pointers: &BTreeMap<String, Pointer>,
    reply: &Reply,
) -> Result<Values, TargetError> {
    pointers.iter().map(|(name, pointer)| Ok((name.clone(), value_at(pointer, reply)?))).collect()
}

/// The value at a pointer in an answer, as text.
pub(super) fn value_at(pointer: &Pointer, reply: &Reply) -> Result<String, TargetError> {
    match pointer.find(&reply.body) {
        Some(Value::String(text)) => Ok(text),
        Some(Value::Null) | None => Err(TargetError::broken(format!(
            "there is nothing at `{pointer}` in the answer: {}",
            reply_summary(reply)
        ))),
        Some(other) => Ok(other.to_string()),
    }
}

/// An answer in one line, for messages.
pub(super) fn reply_summary(reply: &Reply) -> String {
    format!("status {}, {}", reply.status, one_line(&reply.body))
}

fn one_line(text: &str) -> String {
    let start = shortened(text, 160);
    start.escape_debug().to_string()
}
