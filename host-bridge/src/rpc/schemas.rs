//! JSON schemas of single methods, each of them complete in itself: references lead to its own `$defs`.

use std::collections::BTreeSet;

use schemars::SchemaGenerator;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::protocol::Method;
use crate::protocol::wx::Refusal;
use crate::protocol::wx::parameter_types::may_be_mistyped;

/// Where schemas refer to.
const DEFINITIONS: &str = "#/$defs/";

/// The schema of a method's parameters, an object. Like every method, it also takes `device`.
pub fn params_schema(method: &Method) -> Map<String, Value> {
    let mut generator = generator();
    let (params, _) = (method.schemas)(&mut generator);
    let mut schema = object(params.to_value());
    let properties = schema.entry("properties").or_insert_with(|| json!({}));
    properties["device"] = json!({
        "type": "string",
        "description": "The phone that the call is for; absent: the selected one.",
    });
    complete(schema, generator)
}

/// The schema of the results of these methods, an object that is the result of one of them, or fits the schema of `other`.
pub fn result_schema(methods: &[&Method], other: Option<Value>) -> Map<String, Value> {
    let mut generator = generator();
    let mut alternatives = Vec::new();
    for method in methods {
        let (_, result) = (method.schemas)(&mut generator);
        alternatives.push(result.to_value());
        if may_be_mistyped(method.name) {
            alternatives.push(generator.subschema_for::<Refusal>().to_value());
        }
    }
    alternatives.extend(other);
    let mut distinct: Vec<Value> = Vec::new();
    for alternative in alternatives {
        if !distinct.contains(&alternative) {
            distinct.push(alternative);
        }
    }
    let mut schema = match distinct.as_slice() {
        [only] => definition(only, &generator).map_or_else(|| object(only.clone()), object),
        _ => object(json!({"anyOf": distinct})),
    };
    // Clients want to see that it is an object, also where it is one of several.
    schema.insert("type".to_owned(), "object".into());
    complete(schema, generator)
}

fn generator() -> SchemaGenerator {
    SchemaSettings::draft2020_12().with(|settings| settings.meta_schema = None).into_generator()
}

fn object(schema: Value) -> Map<String, Value> {
    match schema {
        Value::Object(members) => members,
        _ => Map::new(),
    }
}

/// The definition to which a schema refers, if it only refers to one.
fn definition(schema: &Value, generator: &SchemaGenerator) -> Option<Value> {
    generator.definitions().get(schema["$ref"].as_str()?.strip_prefix(DEFINITIONS)?).cloned()
}

/// Adds the definitions to which the schema refers, and leaves out what only Rust has.
fn complete(schema: Map<String, Value>, mut generator: SchemaGenerator) -> Map<String, Value> {
    let mut schema = Value::Object(schema);
    let mut definitions = generator.take_definitions(true);
    let mut needed = BTreeSet::new();
    add_references(&schema, &definitions, &mut needed);
    definitions.retain(|name, _| needed.contains(name));
    if !definitions.is_empty() {
        schema["$defs"] = Value::Object(definitions);
    }
    simplify(&mut schema);
    object(schema)
}

/// Adds the names of the definitions that a schema needs, directly or through others.
fn add_references(schema: &Value, definitions: &Map<String, Value>, needed: &mut BTreeSet<String>) {
    match schema {
        Value::Object(members) => {
            if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix(DEFINITIONS))
                && needed.insert(name.to_owned())
                && let Some(definition) = definitions.get(name)
            {
                add_references(definition, definitions, needed);
            }
            members.values().for_each(|member| add_references(member, definitions, needed));
        }
        Value::Array(items) => items.iter().for_each(|item| add_references(item, definitions, needed)),
        _ => {}
    }
}

/// Removes the names of Rust's types, which are not formats of JSON Schema (validators warn of them), and the links of its
/// documentation.
fn simplify(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            let is_rust_type = |format: &Value| {
                format.as_str().is_some_and(|format| {
                    ["int", "uint", "float", "double"].iter().any(|kind| format.starts_with(kind))
                })
            };
            if members.get("format").is_some_and(is_rust_type) {
                members.shift_remove("format");
            }
            if let Some(Value::String(text)) = members.get_mut("description") {
                *text = without_links(text);
            }
            members.values_mut().for_each(simplify);
        }
        Value::Array(items) => items.iter_mut().for_each(simplify),
        _ => {}
    }
}

/// Replaces the links of Rust's documentation by their texts.
fn without_links(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[`") {
        plain.push_str(before);
        plain.push('`');
        let (name, after) = after.split_once("`]").unwrap_or((after, ""));
        plain.push_str(name);
        plain.push('`');
        rest = match after.strip_prefix('(').and_then(|target| target.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::METHODS;

    /// Every reference within a schema.
    fn references(schema: &Value) -> Vec<String> {
        match schema {
            Value::Object(members) => {
                let own = members.get("$ref").and_then(Value::as_str).map(str::to_owned);
                own.into_iter().chain(members.values().flat_map(references)).collect()
            }
            Value::Array(items) => items.iter().flat_map(references).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn every_schema_is_an_object_and_has_all_definitions_that_it_refers_to() {
        for method in METHODS {
            for schema in [params_schema(method), result_schema(&[method], None)] {
                assert_eq!(schema["type"], "object", "{}", method.name);
                let schema = Value::Object(schema);
                for reference in references(&schema) {
                    let pointer = reference.strip_prefix('#').unwrap();
                    assert!(schema.pointer(pointer).is_some(), "{}: {reference}", method.name);
                }
                let text = schema.to_string();
                assert!(!text.contains("[`") && !text.contains("\"uint"), "{}: {text}", method.name);
            }
            assert!(params_schema(method)["properties"]["device"].is_object(), "{}", method.name);
        }
    }

    #[test]
    fn a_schema_has_only_the_definitions_that_it_needs() {
        let method = Method::named("device.create").unwrap();
        let params = Value::Object(params_schema(method)).to_string();
        assert!(!params.contains("SensorMode"), "{params}");
        assert!(Value::Object(result_schema(&[method], None)).to_string().contains("SensorMode"));
    }

    #[test]
    fn links_become_their_texts() {
        assert_eq!(
            without_links("As [`Create`] can. See [`reasons`](a::b), 1 [2]."),
            "As `Create` can. See `reasons`, 1 [2]."
        );
    }
}
