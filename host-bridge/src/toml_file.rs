//! TOML files that people write.

use serde::de::DeserializeOwned;
use soter_text::{Text, message_text, text};

/// Why a TOML text is refused. The text itself is not quoted, because it may be a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.text().english())]
pub struct TomlError {
    /// The number of the line.
    pub line: usize,
    /// What is wrong there, in one line: a sentence of the type that is read, or of a library.
    pub what: Text,
}

/// Parses a TOML text.
///
/// # Errors
/// [`TomlError`] if it is not TOML, or not what the type needs.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, TomlError> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        TomlError { line: 1 + before.matches('\n').count(), what: message_text(error.message()) }
    })
}

impl TomlError {
    /// Where it is and what it is, for people.
    pub fn text(&self) -> Text {
        text!("line {line}: {what}", line = self.line, what = self.what)
    }
}
