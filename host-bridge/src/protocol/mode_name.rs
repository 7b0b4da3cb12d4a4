//! The JSON schema of a mode: the type itself is in a crate below the protocol and has none.

use schemars::JsonSchema;

/// How modes are written, for schemas.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Mode")]
#[expect(dead_code, reason = "it has a schema and no values")]
pub(crate) enum ModeName {
    FingerPrint,
    Facial,
    Speech,
}
