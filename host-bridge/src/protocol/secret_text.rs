//! The secret texts in parameters: seeds and private keys. Each has its own name in the schema and in errors. They are
//! serialised, because clients send them.

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use soter_text::{own_message, text};
use soter_wechat::Secret;

/// A private key in PEM. With it, anyone can sign as its owner.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "PrivateKey", description = "")]
pub struct PrivateKeyText(
    #[serde(serialize_with = "serialize", deserialize_with = "private_key")]
    #[schemars(with = "String")]
    pub Secret,
);

/// A seed. With it, anyone can derive every key of the phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "Seed", description = "")]
pub struct SeedText(
    #[serde(serialize_with = "serialize", deserialize_with = "seed")]
    #[schemars(with = "String")]
    pub Secret,
);

fn serialize<S: Serializer>(secret: &Secret, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

fn private_key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    Secret::deserialize(deserializer)
        .map_err(|_| de::Error::custom(own_message(text!("a private key is a string"))))
}

fn seed<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    Secret::deserialize(deserializer).map_err(|_| de::Error::custom(own_message(text!("a seed is a string"))))
}
