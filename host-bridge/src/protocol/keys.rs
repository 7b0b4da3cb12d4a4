//! The public halves of a device's keys.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

no_parameters! {
    /// Lists every key of the device: ATTK first, then each app's ASK and AuthKeys.
    List
}

/// Answer of [`List`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Keys {
    /// The keys.
    pub keys: Vec<Key>,
}

/// One key's public half.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Key {
    /// Which of the three levels.
    pub kind: KeyKind,
    /// The app's uid as it stands in exports; `null` for the ATTK.
    pub uid: Option<String>,
    /// The AuthKey's name; `null` for ATTK and ASK.
    pub name: Option<String>,
    /// SubjectPublicKeyInfo as PEM, 64 columns.
    pub public_key: String,
    /// SHA-256 of the SubjectPublicKeyInfo's DER, lower-case hex.
    pub fingerprint: String,
    /// `false` for an AuthKey that a later enrolment made invalid.
    pub valid: bool,
}

/// The three levels of keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyKind {
    /// Attestation key: the device's root key.
    Attk,
    /// App secure key.
    Ask,
    /// Authentication key.
    AuthKey,
}
