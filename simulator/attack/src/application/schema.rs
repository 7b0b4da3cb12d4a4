//! The JSON schema of descriptions, for editors.

use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;

use super::description::Application;

/// The JSON schema of a description. It is made of the types that read one. Draft 7, because editors for TOML know no later one.
pub fn description_schema() -> Value {
    let generator = SchemaSettings::draft07().with_transform(RecursiveTransform(simplify)).into_generator();
    let mut schema = generator.into_root_schema_for::<Application>();
    schema.insert("title".to_owned(), "The description of an application that soter-sim audits".into());
    schema.to_value()
}

/// Removes the names of Rust's types, which are not formats of JSON Schema, and null, which TOML does not have.
fn simplify(schema: &mut Schema) {
    schema.remove("format");
    if let Some(Value::Array(kinds)) = schema.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [only] = kinds.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    let is_null = |alternative: &Value| alternative["type"] == "null";
    if let Some(Value::Array(alternatives)) = schema.get_mut("anyOf") {
        alternatives.retain(|alternative| !is_null(alternative));
        if alternatives.len() == 1
            && let Some(only) = schema.remove("anyOf")
        {
            schema.insert("allOf".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
}
