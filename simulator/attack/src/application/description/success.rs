//! Conditions on an answer.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use soter_text::{own_message, text};

use super::regular_expression::Pattern;
use super::source::Source;
use crate::application::pointer::Pointer;
use crate::application::template::names;

/// The conditions under which an answer means success. All that are given must hold.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(try_from = "SuccessFile")]
#[schemars(with = "SuccessFile")]
pub(in crate::application) struct Success {
    /// The HTTP status; absent: 200 to 299.
    pub(in crate::application) status: Option<u16>,
    pub(in crate::application) value: Option<ValueCondition>,
    /// A regular expression that the body must match.
    pub(in crate::application) regex: Option<Pattern>,
}

/// A condition on a value of an answer.
#[derive(Clone, Debug)]
pub(in crate::application) struct ValueCondition {
    pub(in crate::application) at: Source,
    pub(in crate::application) is: Is,
}

/// What a value must be. A text may have names in it.
#[derive(Clone, Debug)]
pub(in crate::application) enum Is {
    /// Anything but null, false and nothing.
    There,
    Equal(Value),
    Different(Value),
}

/// The conditions as they are written.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Conditions", description = "Conditions on an answer. All that are given must hold.")]
struct SuccessFile {
    /// The HTTP status. Left out: 200 to 299.
    status: Option<u16>,
    /// Where a value stands: a JSON pointer into the answer.
    pointer: Option<Pointer>,
    /// Where a value stands, in any other place of the answer.
    at: Option<Source>,
    /// What the value must be. Without `value` and `not_value`: anything but null and false.
    value: Option<Value>,
    /// What the value must not be.
    not_value: Option<Value>,
    /// A regular expression that the body must match. It may have `{{names}}` in it.
    regex: Option<Pattern>,
}

impl TryFrom<SuccessFile> for Success {
    type Error = String;

    fn try_from(file: SuccessFile) -> Result<Self, String> {
        let SuccessFile { status, pointer, at, value, not_value, regex } = file;
        let at = match (pointer, at) {
            (Some(_), Some(_)) => {
                return Err(own_message(text!("`pointer` and `at`: say in one way where the value stands")));
            }
            (pointer, at) => at.or(pointer.map(Source::pointer)),
        };
        let is = match (value, not_value) {
            (Some(_), Some(_)) => {
                return Err(own_message(text!("`value` and `not_value`: one of them says what it must be")));
            }
            (Some(value), None) => Some(Is::Equal(value)),
            (None, Some(value)) => Some(Is::Different(value)),
            (None, None) => None,
        };
        let value = match (at, is) {
            (Some(at), is) => Some(ValueCondition { at, is: is.unwrap_or(Is::There) }),
            (None, None) => None,
            (None, Some(_)) => {
                return Err(own_message(text!(
                    "there is a value and no pointer: say where it stands, for example pointer = \"/ok\""
                )));
            }
        };
        Ok(Self { status, value, regex })
    }
}

impl Success {
    /// The names that it uses.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        let of_value = self.value.iter().flat_map(|condition| {
            let text = match &condition.is {
                Is::Equal(Value::String(text)) | Is::Different(Value::String(text)) => text,
                _ => "",
            };
            names(text).chain(condition.at.names())
        });
        of_value.chain(self.regex.iter().flat_map(Pattern::names))
    }
}
