//! Reads the application's answers: whether they mean success, and the values in them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use soter_text::{Text, text};
use soter_wire::shortened;

use super::description::{Is, Place, Source, Success};
use super::page;
use super::template::{Encoding, TooLarge, Values, fill_template};
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

/// Why an answer does not have a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NoValue {
    /// With the beginning of the answer.
    pub(super) whole: Text,
    /// Without it.
    pub(super) brief: Text,
}

impl From<Text> for NoValue {
    fn from(text: Text) -> Self {
        Self { whole: text.clone(), brief: text }
    }
}

impl From<NoValue> for TargetError {
    fn from(no_value: NoValue) -> Self {
        Self::broken(no_value.whole)
    }
}

impl Answered<'_> {
    /// Whether the answer meets conditions.
    ///
    /// # Errors
    /// One line that says what is missing.
    pub(super) fn check(&self, success: &Success) -> Result<(), Text> {
        match success.status {
            Some(status) if self.reply.status != status => {
                let found = self.reply.status;
                return Err(text!(
                    "status {found}, and success has {status}",
                    found = found,
                    status = status
                ));
            }
            None if !(200..300).contains(&self.reply.status) => {
                return Err(text!("status {status}", status = self.reply.status));
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
                let found = found
                    .map_or_else(|| text!("nothing"), |found| Text::verbatim(one_line(&found.to_string())));
                return Err(text!("{found} at {place}", found = found, place = condition.at.text()));
            }
        }
        match &success.regex {
            Some(regex) if !regex.matches(&self.reply.body, self.values) => {
                Err(text!("no match of `{regex}`", regex = regex.to_string()))
            }
            _ => Ok(()),
        }
    }

    /// The named values in the answer.
    ///
    /// # Errors
    /// One of them is not there or is too long.
    pub(super) fn captured(&self, sources: &BTreeMap<String, Source>) -> Result<Values, NoValue> {
        sources.iter().map(|(name, source)| Ok((name.clone(), self.text(source)?))).collect()
    }

    /// A value in the answer, as text.
    ///
    /// # Errors
    /// It is not there or is too long.
    pub(super) fn text(&self, source: &Source) -> Result<String, NoValue> {
        let text = match self.find(source)? {
            Some(Value::String(text)) => text,
            Some(Value::Null) | None => {
                let place = source.text();
                return Err(NoValue {
                    whole: text!(
                        "there is nothing at {place} in the answer: {answer}",
                        place = place,
                        answer = reply_summary(self.reply)
                    ),
                    brief: text!("there is nothing at {place}", place = place),
                });
            }
            Some(other) => other.to_string(),
        };
        if text.len() > MAX_VALUE_BYTES {
            let length = text.len();
            return Err(text!(
                "the value at {place} has {length} bytes; at most {most} are taken",
                place = source.text(),
                length = length,
                most = MAX_VALUE_BYTES
            )
            .into());
        }
        Ok(text)
    }

    /// The value at a place, if it is there.
    ///
    /// # Errors
    /// One line if the place cannot be looked at.
    fn find(&self, source: &Source) -> Result<Option<Value>, Text> {
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
                Some(filled.map_err(|TooLarge| TooLarge::text())?)
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
pub(super) fn reply_summary(reply: &Reply) -> Text {
    text!("status {status}, {body}", status = reply.status, body = hide_tokens(&one_line(&reply.body)))
}

fn one_line(text: &str) -> String {
    let start = shortened(text, 160);
    start.escape_debug().to_string()
}
