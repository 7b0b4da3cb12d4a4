//! TOML files that people write.

use serde::de::DeserializeOwned;

/// Parses a TOML text.
///
/// # Errors
/// One line: the line number, and what is wrong there. The text itself is not quoted, because it may be a secret.
pub fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = 1 + before.matches('\n').count();
        format!("line {line}: {}", error.message())
    })
}
