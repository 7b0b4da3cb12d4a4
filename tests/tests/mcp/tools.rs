//! The tools, and what calls of them answer.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use soter_bridge::protocol::METHODS;
use soter_tests::Backend;

use crate::client::{Client, authentication};

/// The tools that have no method of the protocol.
const OWN_TOOLS: [&str; 3] = ["call_cancel", "call_result", "explain"];

/// A call of each tool, in an order in which all of them are carried out.
const EXAMPLES: &str = include_str!("../../sdks/mcp/examples.json");

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
fn each_method_is_a_tool_and_those_of_attackers_only_where_they_are_offered() {
    for (arguments, attacker) in [(&[][..], false), (&["--attacker"], true)] {
        let mut client = Client::ephemeral(arguments);
        let methods = METHODS.iter().filter(|method| attacker || !method.is_attacker_only());
        let expected: BTreeSet<String> =
            methods.map(|method| method.name.replace('.', "_")).chain(OWN_TOOLS.map(str::to_owned)).collect();
        let tools = client.tools();
        let names: Vec<_> = tools.iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(names.len(), expected.len());
        assert_eq!(names.into_iter().collect::<BTreeSet<_>>(), expected);
        assert_eq!(client.running.end().code, Some(0));
    }
}

#[test]
fn every_client_can_use_the_names_and_schemas() {
    let mut client = Client::ephemeral(&["--attacker"]);
    for tool in client.tools() {
        let name = tool["name"].as_str().unwrap();
        assert!(
            name.len() <= 64 && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_'),
            "{name}"
        );
        assert!(!tool["description"].as_str().unwrap().is_empty() && tool["title"].is_string(), "{name}");
        for schema in [&tool["inputSchema"], &tool["outputSchema"]] {
            assert_eq!(schema["type"], "object", "{name}");
            for reference in references(schema) {
                let pointer = reference.strip_prefix('#').unwrap_or("nowhere");
                assert!(schema.pointer(pointer).is_some(), "{name}: {reference}");
            }
        }
        let has_device = tool["inputSchema"]["properties"]["device"].is_object();
        assert_ne!(has_device, OWN_TOOLS.contains(&name), "{name}");
        assert_eq!(tool["annotations"]["openWorldHint"], false, "{name}");
    }
    let hints = |tools: &[Value], name: &str| {
        let tool = tools.iter().find(|tool| tool["name"] == name).unwrap();
        ["readOnlyHint", "destructiveHint"].map(|hint| tool["annotations"][hint].as_bool().unwrap())
    };
    let tools = client.tools();
    assert_eq!(hints(&tools, "device_show"), [true, false]);
    assert_eq!(hints(&tools, "desk_journal"), [true, false]);
    assert_eq!(hints(&tools, "wx_startSoterAuthentication"), [false, false]);
    assert_eq!(hints(&tools, "device_remove"), [false, true]);
    assert_eq!(hints(&tools, "danger_restore"), [false, true]);
}

#[test]
fn every_tool_can_be_called_with_its_example() {
    let mut client = Client::ephemeral(&["--attacker", "--fleet", "2"]);
    let mut left: BTreeSet<String> =
        client.tools().iter().map(|tool| tool["name"].as_str().unwrap().to_owned()).collect();
    let examples: Vec<Value> = serde_json::from_str(EXAMPLES).unwrap();
    for example in &examples {
        let tool = example["tool"].as_str().unwrap();
        left.remove(tool);
        match example["fails"].as_str() {
            None => drop(client.call(tool, &example["arguments"])),
            Some(what) => assert!(client.failure(tool, &example["arguments"]).contains(what), "{tool}"),
        }
    }
    assert!(left.is_empty(), "no examples: {left:?}");
}

#[test]
fn a_wrong_call_gets_an_error_that_says_what_to_do() {
    let mut client = Client::ephemeral(&[]);
    for (method, params, code) in [
        ("tools/call", json!({"name": "device_nonsense", "arguments": {}}), -32602),
        ("tools/call", json!({"name": "danger_sign", "arguments": {"text": "t"}}), -32602),
        ("tools/call", json!({"name": 5}), -32602),
        ("tools/call", json!({"name": "device_show", "arguments": []}), -32602),
        ("tools/call", json!({}), -32602),
        ("prompts/list", json!({}), -32601),
        ("no/such/method", json!({}), -32601),
    ] {
        let answer = client.request(method, &params);
        assert_eq!(answer["error"]["code"], code, "{method} {params}: {answer}");
    }
    let unknown = client.request("tools/call", &json!({"name": "device_nonsense"}))["error"].take();
    assert!(unknown["message"].as_str().is_some_and(|text| text.contains("device_nonsense")
        && text.contains("\nnext: ")
        && text.contains("device_show")));
    for (tool, arguments, what) in [
        ("device_create", json!({}), "missing field `name`"),
        ("device_create", json!({"name": 5}), "expected a string"),
        ("device_create", json!({"name": "a", "nonsense": 1}), "unknown field `nonsense`"),
        ("device_show", json!({"device": "nobody"}), "there is no device `nobody`"),
        ("device_show", json!({"device": 5}), "`device`"),
        ("sensor_touch", json!({"touch": 1}), "dialog"),
        ("wx_startSoterAuthentication", json!({"wait": 1}), "`wait` is neither true nor false"),
        ("call_result", json!({}), "missing field `call`"),
        ("call_result", json!({"call": 9}), "there is no call 9"),
        ("call_result", json!({"call": 1, "waitSeconds": 51}), "`waitSeconds` is 51"),
        ("call_cancel", json!({"call": -1}), "call_cancel"),
        ("explain", json!({}), "missing field `name`"),
        ("desk_journal", json!({"limit": 0}), "0 calls are asked for"),
        ("desk_journal", json!({"after": 1, "before": 2}), "exclude each other"),
    ] {
        let failure = client.failure(tool, &arguments);
        assert!(failure.contains(what), "{tool} {arguments}: {failure}");
    }
}

#[test]
fn the_reason_of_a_refusal_is_in_the_journal_and_is_explained() {
    let mut client = Client::ephemeral(&["--touch", "auto"]);
    let signed = client.call("wx_startSoterAuthentication", &authentication("order-42"));
    let backend = Backend::open(&client.url()).unwrap();
    let text = |name: &str| signed[name].as_str().unwrap();
    for expected in ["valid", "counter-replayed"] {
        let (_, reason) = backend.verify(text("resultJSON"), text("resultJSONSignature")).unwrap();
        assert_eq!(reason, expected);
    }
    let page = client.call("desk_journal", &json!({"limit": 1}));
    let entry = &page["entries"][0];
    assert_eq!(
        (&entry["judgement"]["reason"], &entry["judgement"]["isOk"]),
        (&json!("counter-replayed"), &json!(false))
    );
    assert_eq!(entry["call"], "POST /cgi-bin/soter/verify_signature");
    assert_eq!(client.call("desk_journal", &json!({"after": page["last"]}))["entries"], json!([]));
    let explained = client.call("explain", &json!({"name": "counter-replayed"}));
    assert!(
        explained["reasons"][0]["advice"].as_str().is_some_and(|advice| advice.contains("fresh challenge"))
    );
    assert_eq!(client.call("explain", &json!({"name": 90010}))["codes"][0]["code"], 90010);
    assert!(client.failure("explain", &json!({"name": "nonsense"})).contains("counter-replayed"));
    for uri in ["soter-sim://reasons", "soter-sim://codes"] {
        let content = client.request("resources/read", &json!({"uri": uri}))["result"]["contents"][0].take();
        let entries: Value = serde_json::from_str(content["text"].as_str().unwrap()).unwrap();
        assert!(entries.as_array().is_some_and(|entries| entries.len() > 20), "{uri}");
    }
    assert_eq!(
        client.request("resources/list", &json!({}))["result"]["resources"].as_array().unwrap().len(),
        2
    );
    assert_eq!(
        client.request("resources/read", &json!({"uri": "soter-sim://nonsense"}))["error"]["code"],
        -32002
    );
}
