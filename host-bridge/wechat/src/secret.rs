//! Secret texts: app secrets, tokens, login codes, session keys, seeds and private keys.

use soter_text::{own_message, text};
use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use serde::{Deserialize, Deserializer, de};
use zeroize::Zeroizing;

/// A secret text. It is wiped when dropped, never printed, compared in constant time, and readable only through
/// [`expose`](Self::expose).
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

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

impl<'de> Deserialize<'de> for Secret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from).map_err(|error: D::Error| {
            // The usual error for another type would quote the value, which may be the secret.
            if error.to_string().starts_with("missing field") {
                return error;
            }
            de::Error::custom(own_message(text!("a secret is a string: write it in quotes")))
        })
    }
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
}
