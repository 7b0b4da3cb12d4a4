//! `rpc.discover`: the protocol as an OpenRPC document, generated from its types.

use std::sync::LazyLock;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use super::connection_method::ConnectionMethod;
use crate::protocol::METHODS;
use crate::protocol::wx::Refusal;
use crate::protocol::wx::parameter_types::may_be_mistyped;

/// The document as JSON, in the format of OpenRPC 1.3.2: every method with its named parameters and its result. It is
/// generated once, because that takes far longer than any other answer. It has the attackers' methods only if they
/// are offered.
pub(super) fn document(attacker: bool) -> &'static str {
    static DEFAULT_DOCUMENT: LazyLock<String> = LazyLock::new(|| generate(false).to_string());
    static ATTACKER_DOCUMENT: LazyLock<String> = LazyLock::new(|| generate(true).to_string());
    if attacker { &ATTACKER_DOCUMENT } else { &DEFAULT_DOCUMENT }
}

fn generate(attacker: bool) -> Value {
    let mut generator = SchemaSettings::draft07()
        .with(|settings| settings.definitions_path = "/components/schemas".into())
        .into_generator();
    let mut methods = Vec::new();
    for method in METHODS.iter().filter(|method| attacker || !method.is_attacker_only()) {
        let (params, result) = (method.schemas)(&mut generator);
        let params = json!(parameter_objects(params.as_value()));
        let mut result = result.to_value();
        if may_be_mistyped(method.name) {
            result = json!({"anyOf": [result, generator.subschema_for::<Refusal>()]});
        }
        methods.push(method_object(method.name, method.summary, &params, &result));
    }
    for method in ConnectionMethod::ALL {
        if let Some((params, result)) = method.description() {
            methods.push(method_object(method.name(), method.summary(), &params, &result));
        }
    }
    json!({
        "openrpc": "1.3.2",
        "info": {
            "title": "soter-sim", "version": env!("CARGO_PKG_VERSION"),
            "description": "An emulated phone with SOTER. Every method also takes `device`, the name of the device it is for.",
        },
        "methods": methods,
        "components": {"schemas": generator.take_definitions(true)},
    })
}

fn method_object(name: &str, summary: &str, params: &Value, result: &Value) -> Value {
    json!({
        "name": name,
        "summary": summary,
        "paramStructure": "by-name",
        "params": params,
        "result": {"name": "result", "schema": result},
    })
}

/// Parameters are named, so each member of the object is one.
fn parameter_objects(schema: &Value) -> Vec<Value> {
    let required: Vec<_> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let empty = Map::new();
    let properties = schema["properties"].as_object().unwrap_or(&empty);
    let own_parameters = properties.iter().map(|(name, schema)| {
        json!({"name": name, "required": required.contains(&name.as_str()), "schema": schema})
    });
    let device = json!({
        "name": "device", "required": false, "schema": {"type": "string"},
        "description": "The device that the call is for; absent: the selected one.",
    });
    own_parameters.chain([device]).collect()
}
