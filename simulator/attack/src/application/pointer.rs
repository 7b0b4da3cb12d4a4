//! JSON pointers into answers.

use std::fmt;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;
use soter_text::{own_message, text};
use soter_wire::shortened;

/// A JSON pointer (RFC 6901).
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(try_from = "String")]
#[schemars(extend("pattern" = "^(/|$)"))]
pub(super) struct Pointer(String);

impl Pointer {
    /// The value at this pointer; `None` if the text is not JSON or has no such value.
    pub(super) fn find(&self, text: &str) -> Option<Value> {
        serde_json::from_str::<Value>(text).ok()?.pointer_mut(&self.0).map(Value::take)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl TryFrom<String> for Pointer {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.is_empty() || text.starts_with('/') {
            return Ok(Self(text));
        }
        let shown = shortened(&text, 40);
        let shown = shown.escape_debug();
        Err(own_message(text!("`{text}` is not a JSON pointer: write /{text}", text = shown)))
    }
}
