//! Reads the application's answers: whether they mean success, and the values in them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use soter_wire::shortened;

use super::description::{Is, Place, Source, Success};
use super::page;
use super::template::{Encoding, Values, fill_template};
use crate::http::{Reply, hide_tokens};
use crate::json_values::as_text;
use crate::target::{Cookies, Exchange, TargetError};

/// The maximum length of a value that is taken from an answer, in bytes.
const MAX_VALUE_BYTES: usize = 64 << 10;

/// An answer, and what else values are read from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answered<'a> {
    pub(super) reply: &'a Reply,
    pub(super) cookies: &'a Cookies,
    /// The values that are known already.
    pub(super) values: &'a Values,
}

impl Answered<'_> {
    /// Whether the answer meets conditions.
    ///
    /// # Errors
    /// One line that says what is missing.
    pub(super) fn check(&self, success: &Success) -> Result<(), String> {
        match success.status {
            Some(status) if self.reply.status != status => {
                return Err(format!("status {}, and success has {status}", self.reply.status));
            }
            None if !(200..300).contains(&self.reply.status) => {
                return Err(format!("status {}", self.reply.status));
            }
            _ => {}
        }
        if let Some(condition) = &success.value {
            let found = self.find(&condition.at)?;
            let holds = match &condition.is {
                Is::There => {
                    found.as_ref().is_some_and(|found| !found.is_null() && *found != Value::Bool(false))
                }
                Is::Equal(expected) => found.as_ref().is_some_and(|found| self.is_equal(found, expected)),
                Is::Different(other) => found.as_ref().is_some_and(|found| !self.is_equal(found, other)),
            };
            if !holds {
                let found = found.map_or_else(|| "nothing".to_owned(), |found| one_line(&found.to_string()));
                return Err(format!("{found} at {}", condition.at));
            }
        }
        match &success.regex {
            Some(regex) if !regex.matches(&self.reply.body, self.values) => {
                Err(format!("no match of `{regex}`"))
            }
            _ => Ok(()),
        }
    }

    /// The named values in the answer.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if one of them is not there or is too long.
    pub(super) fn captured(&self, sources: &BTreeMap<String, Source>) -> Result<Values, TargetError> {
        sources.iter().map(|(name, source)| Ok((name.clone(), self.text(source)?))).collect()
    }

    /// A value in the answer, as text.
    ///
    /// # Errors
    /// [`TargetError::Broken`] if it is not there or is too long.
    pub(super) fn text(&self, source: &Source) -> Result<String, TargetError> {
        let text = match self.find(source).map_err(TargetError::broken)? {
            Some(Value::String(text)) => text,
            Some(Value::Null) | None => {
                return Err(TargetError::broken(format!(
                    "there is nothing at {source} in the answer: {}",
                    reply_summary(self.reply)
                )));
            }
            Some(other) => other.to_string(),
        };
        if text.len() > MAX_VALUE_BYTES {
            let length = text.len();
            return Err(TargetError::broken(format!(
                "the value at {source} has {length} bytes; at most {MAX_VALUE_BYTES} are taken"
            )));
        }
        Ok(text)
    }

    /// The value at a place, if it is there.
    ///
    /// # Errors
    /// One line if the place cannot be looked at.
    fn find(&self, source: &Source) -> Result<Option<Value>, String> {
        let body = &self.reply.body;
        let text = match &source.place {
            Place::Pointer(pointer) if source.regex.is_none() => return Ok(pointer.find(body)),
            Place::Pointer(pointer) => pointer.find(body).as_ref().map(as_text),
            Place::Body => Some(body.trim().to_owned()),
            Place::Cookie(name) => self.cookies.value(name),
            Place::Header(name) => self.reply.header(name.as_str()).map(str::to_owned),
            Place::Element { selector, attribute } => {
                page::find(body, &selector.parsed, attribute.as_deref(), page::PARSING_TIMEOUT)?
            }
            Place::Template(template) => {
                let filled = fill_template(template, self.values, Encoding::Plain);
                Some(filled.map_err(|error| error.to_string())?)
            }
        };
        let Some(regex) = &source.regex else { return Ok(text.map(Value::from)) };
        let group = text.as_deref().and_then(|text| regex.captures(text)?.get(1));
        Ok(group.map(|group| group.as_str().into()))
    }

    /// Whether a value is the expected one. A text with names in it is filled, and compared with the value's text.
    fn is_equal(&self, found: &Value, expected: &Value) -> bool {
        match expected {
            Value::String(text) if text.contains("{{") => {
                fill_template(text, self.values, Encoding::Plain).is_ok_and(|text| as_text(found) == text)
            }
            _ => found == expected,
        }
    }
}

/// The value in a recorded answer at a place that is written as in a description; `None` if it is not there.
pub(crate) fn recorded_value(
    place: &Value,
    status: u16,
    headers: &[(String, String)],
    body: &str,
    cookies: &Cookies,
) -> Option<String> {
    let source = Source::deserialize(place).ok()?;
    let exchange = Exchange { request: String::new(), response: String::new(), curl: String::new() };
    let reply = Reply { status, headers: headers.to_vec(), body: body.to_owned(), exchange };
    Answered { reply: &reply, cookies, values: &Values::new() }.text(&source).ok()
}

/// An answer in one line, for messages.
pub(super) fn reply_summary(reply: &Reply) -> String {
    format!("status {}, {}", reply.status, hide_tokens(&one_line(&reply.body)))
}

fn one_line(text: &str) -> String {
    let start = shortened(text, 160);
    start.escape_debug().to_string()
}
