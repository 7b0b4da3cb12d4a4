//! The text that makes a phone reproducible.

use std::borrow::Cow;
use std::convert::Infallible;
use std::fmt;
use std::str::FromStr;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use zeroize::Zeroizing;

/// A seed: whoever knows it knows every key of the phone. It is wiped when dropped and never printed; on the wire
/// it is a string, because somebody has to send it.
#[derive(Clone, PartialEq, Eq)]
pub struct SeedText(Zeroizing<String>);

impl SeedText {
    /// The text itself. Secret.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SeedText {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

impl From<&str> for SeedText {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl FromStr for SeedText {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(text.into())
    }
}

impl fmt::Debug for SeedText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SeedText(secret)")
    }
}

impl Serialize for SeedText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for SeedText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The usual error would quote what stands there instead, and that may be the seed.
        String::deserialize(deserializer).map(Self::from).map_err(|_| de::Error::custom("a seed is a string"))
    }
}

impl JsonSchema for SeedText {
    fn schema_name() -> Cow<'static, str> {
        "Seed".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}
