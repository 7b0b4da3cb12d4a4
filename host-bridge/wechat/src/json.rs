//! A JSON value whose parts are borrowed from different places, such as a request's query and its body.

use std::borrow::Cow;

use serde_json::Value;

/// A borrowed value.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Json<'a> {
    /// Any value.
    Value(&'a Value),
    /// A text.
    Text(&'a str),
    /// An object of texts.
    Texts(&'a [(Cow<'a, str>, Cow<'a, str>)]),
    /// An object.
    Object(&'a [(&'a str, Json<'a>)]),
}

impl<'a> Json<'a> {
    /// The text, if it is one.
    pub(crate) fn as_text(self) -> Option<&'a str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Value(value) => value.as_str(),
            Self::Texts(_) | Self::Object(_) => None,
        }
    }
}
