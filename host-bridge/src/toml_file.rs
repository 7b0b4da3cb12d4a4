//! Files in TOML that people write.

use serde::de::DeserializeOwned;

/// Reads a text.
///
/// # Errors
/// In one line: where it is wrong, and how. What stands there is not quoted, for it may be a secret.
pub fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = 1 + before.matches('\n').count();
        format!("line {line}: {}", error.message())
    })
}
