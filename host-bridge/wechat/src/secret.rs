//! Secret texts: app secrets, tokens, login codes, session keys, seeds and private keys.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde::{Deserialize, Deserializer, de};
use soter_text::{own_message, text};
use zeroize::Zeroizing;

/// A secret text. It is wiped when dropped, never printed, compared in constant time, and readable only through
/// [`expose`](Self::expose).
#[derive(Clone, Deserialize)]
pub struct Secret(#[serde(deserialize_with = "string")] Zeroizing<String>);

impl Secret {
    /// The text itself.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether this is the text. The comparison's duration reveals at most the length.
    pub fn is(&self, text: &str) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), text.as_bytes()).is_ok()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.is(other.expose())
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

fn string<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Zeroizing<String>, D::Error> {
    // The usual error would quote the value, which may be the secret.
    String::deserialize(deserializer)
        .map(Zeroizing::new)
        .map_err(|_| de::Error::custom(own_message(text!("a secret is a string: write it in quotes"))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_of_another_type_is_not_quoted() {
        for secret in ["20250718", "[20250718]", "true", "null", r#"{"a":20250718}"#] {
            let error = serde_json::from_str::<Secret>(secret).unwrap_err().to_string();
            assert!(error.contains("a secret is a string") && !error.contains("20250718"), "{error}");
        }
        assert!(serde_json::from_str::<Secret>(r#""text""#).unwrap().is("text"));
    }

    #[test]
    fn a_secret_that_is_missing_is_named() {
        #[derive(Debug, Deserialize)]
        struct App {
            #[expect(dead_code, reason = "only the error matters")]
            secret: Secret,
        }
        let error = serde_json::from_str::<App>("{}").unwrap_err().to_string();
        assert!(error.starts_with("missing field `secret`"), "{error}");
    }
}
