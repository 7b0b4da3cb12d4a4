//! How a mode is written, for JSON schemas: the type itself is below the protocol and has none.

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
