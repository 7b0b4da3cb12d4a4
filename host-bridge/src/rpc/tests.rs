//! JSON-RPC as specified, and any other input.

use std::sync::atomic::Ordering;

use futures_util::FutureExt;
use proptest::prelude::*;

use super::*;
use crate::protocol::METHODS;
use crate::test_service::TestService;

fn rpc() -> Rpc<TestService> {
    Rpc::new(Arc::default(), Arc::default())
}

async fn text(text: &str) -> Option<String> {
    rpc().answer(Message::parse(text.as_bytes()), None).await
}

async fn answer(request: Value) -> Value {
    serde_json::from_str(&text(&request.to_string()).await.unwrap()).unwrap()
}

#[expect(clippy::needless_pass_by_value, reason = "callers build the value in place")]
fn call(method: &str, params: Value) -> Value {
    json!({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
}

#[tokio::test]
async fn a_call_is_answered_with_its_result_and_its_id() {
    let list = answer(call("device.list", json!({}))).await;
    assert_eq!(
        (&list["jsonrpc"], &list["id"], &list["result"]["selected"]),
        (&json!("2.0"), &json!(7), &json!("phone"))
    );
    for id in [json!("text"), json!(null), json!(1.5), json!(-1), json!(u64::MAX), json!(i64::MIN)] {
        let answer = answer(json!({"jsonrpc": "2.0", "id": id, "method": "device.list"})).await;
        assert_eq!(answer["id"], id);
    }
}

#[tokio::test]
async fn an_id_that_cannot_be_returned_unchanged_is_refused() {
    for id in ["18446744073709551616", "-9223372036854775809", "340282366920938463463374607431768211455"] {
        let call = format!(r#"{{"jsonrpc":"2.0","id":{id},"method":"device.list"}}"#);
        let answer: Value = serde_json::from_str(&text(&call).await.unwrap()).unwrap();
        assert_eq!(
            (&answer["error"]["code"], &answer["id"]),
            (&json!(-32600), &Value::Null),
            "{id}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_member_that_occurs_twice_is_refused_by_its_name() {
    let parse = |answer: Option<String>| serde_json::from_str::<Value>(&answer.unwrap()).unwrap();
    let refused = |answer: &Value, code: i32, id: &Value, name: &str| {
        let error = &answer["error"];
        assert_eq!((&error["code"], &answer["id"]), (&json!(code), id), "{answer}");
        assert!(error["message"].as_str().unwrap().contains(&format!("`{name}`")), "{answer}");
    };
    for (text_of_call, name) in [
        (r#"{"jsonrpc":"2.0","id":1,"id":2,"method":"device.list"}"#, "id"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"device.list","method":"device.list"}"#, "method"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"device.list","\u006dethod":"keys.list"}"#, "method"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"device.list","params":{},"params":{}}"#, "params"),
        (r#"{"jsonrpc":"2.0","id":1,"method":"device.list","other":[{"x":1,"x":1}]}"#, "x"),
        (r#"{"jsonrpc":"2.0","method":"device.list","method":"device.list"}"#, "method"),
    ] {
        refused(&parse(text(text_of_call).await), -32600, &Value::Null, name);
    }
    let with_params = |method: &str, params: &str| {
        format!(r#"{{"jsonrpc":"2.0","id":7,"method":"{method}","params":{params}}}"#)
    };
    for (method, params, name) in [
        ("device.list", r#"{"device":"phone","device":"other"}"#, "device"),
        ("sensor.touch", r#"{"touch":1,"touch":"wrong"}"#, "touch"),
        ("device.set", r#"{"faults":{"networkDown":true,"networkDown":false}}"#, "networkDown"),
        ("events.subscribe", r#"{"topics":["phone"],"topics":[]}"#, "topics"),
        ("rpc.discover", r#"{"x":1,"x":1}"#, "x"),
    ] {
        refused(&parse(text(&with_params(method, params)).await), -32602, &json!(7), name);
    }
    let good = with_params("device.list", "{}");
    let batch = format!(
        r#"[{good},{},{{"jsonrpc":"2.0","id":1,"id":2,"method":"device.list"}},{good}]"#,
        with_params("device.list", r#"{"a":1,"a":2}"#)
    );
    let answers = parse(text(&batch).await);
    assert_eq!(
        (&answers[0]["result"]["selected"], &answers[3]["result"]["selected"]),
        (&json!("phone"), &json!("phone"))
    );
    refused(&answers[1], -32602, &json!(7), "a");
    refused(&answers[2], -32600, &Value::Null, "id");
    // The same name in different objects is fine.
    let nested = with_params("device.list", r#"{"device":"phone"}"#)
        .replace("\"id\":7", "\"id\":7,\"device\":{\"device\":1}");
    assert_eq!(parse(text(&nested).await)["id"], 7);
    assert!(parse(text(&nested).await)["result"].is_object());
}

#[tokio::test]
async fn a_failed_call_is_an_error_with_its_code_and_advice() {
    for (request, code) in [
        (call("device.explode", json!({})), -32601),
        (call("device.list", json!([])), -32602),
        (call("device.list", json!({"device": "other"})), -32004),
        (call("device.list", json!({"device": 1})), -32602),
        (call("device.list", json!({"unknown": 1})), -32602),
        (call("sensor.touch", json!({"touch": "nose"})), -32602),
        (call("keys.list", json!({})), -32001),
        (json!({"id": 1, "method": "device.list"}), -32600),
        (json!({"jsonrpc": "2.0", "id": 1}), -32600),
        (json!({"jsonrpc": "2.0", "id": 1, "method": 7}), -32600),
        (json!({"jsonrpc": "2.0", "id": {}, "method": "device.list"}), -32600),
        (json!({"jsonrpc": "2.0", "id": "x".repeat(1025), "method": "device.list"}), -32600),
        (json!({"jsonrpc": "2.0", "id": 1e20, "method": "device.list"}), -32600),
        (json!(7), -32600),
        (json!([]), -32600),
    ] {
        let answer = answer(request.clone()).await;
        assert_eq!(answer["error"]["code"], code, "{request}: {answer}");
        assert!(answer["error"]["data"]["next"].is_string(), "{answer}");
    }
    for bad in ["", "{", "nonsense", "\u{0}", &"[".repeat(10_000), &r#"{"a":"#.repeat(10_000)] {
        let answer: Value = serde_json::from_str(&text(bad).await.unwrap()).unwrap();
        assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32700), &Value::Null));
    }
    let not_text = rpc().answer(Message::parse(b"{\"jsonrpc\":\"2.0\xff\"}"), None).await.unwrap();
    assert!(not_text.contains("-32700"), "{not_text}");
}

#[tokio::test]
async fn parameters_that_are_not_an_object_are_refused_by_every_method() {
    let usual = METHODS.iter().map(|method| method.name).filter(|name| !is_attacker_method(name));
    let names = usual.chain(ConnectionMethod::ALL.iter().map(|method| method.name()));
    let session = Session::default();
    for name in names {
        for params in [json!([]), json!([{}]), json!("text"), json!(7), json!(true), json!({"odd-member": 1})]
        {
            // Mini programs may send members that WeChat does not know.
            if name.starts_with("wx.") && params.is_object() {
                continue;
            }
            let text = call(name, params.clone()).to_string();
            let answer = rpc().answer(Message::parse(text.as_bytes()), Some(&session)).await.unwrap();
            let answer: Value = serde_json::from_str(&answer).unwrap();
            assert_eq!(answer["error"]["code"], -32602, "{name} {params}: {answer}");
            assert_ne!(answer["error"]["data"]["next"], "", "{name}");
        }
    }
}

#[tokio::test]
async fn a_call_is_cancelled_by_its_id_and_the_others_continue() {
    let (rpc, session) = (rpc(), Session::default());
    let message = |id: Value, method: &str, params: Value| {
        let call = json!({"jsonrpc": "2.0", "id": id, "method": method, "params": params});
        rpc.answer(Message::parse(call.to_string().as_bytes()), Some(&session)).map(|answer| {
            let answer: Value = serde_json::from_str(&answer.unwrap()).unwrap();
            answer
        })
    };
    let waits = || json!({"challenge": "waits"});
    let mut one = Box::pin(message(json!("one"), "wx.startSoterAuthentication", waits()));
    let mut other = Box::pin(message(json!(2), "wx.startSoterAuthentication", waits()));
    assert!((&mut one).now_or_never().is_none() && (&mut other).now_or_never().is_none());

    let nobody = message(json!(3), "rpc.cancel", json!({"id": "two"})).await;
    assert_eq!(nobody["result"], json!({"cancelled": false}));
    let cancelled = message(json!(4), "rpc.cancel", json!({"id": "one"})).await;
    assert_eq!(cancelled["result"], json!({"cancelled": true}));
    let answer = one.await;
    assert_eq!((&answer["error"]["code"], &answer["id"]), (&json!(-32005), &json!("one")));
    assert_eq!(rpc.service().waiting.load(Ordering::SeqCst), 1);

    message(json!(5), "sensor.cancel", json!({})).await;
    assert_eq!(other.await["result"]["errCode"], 90008);
    let over = message(json!(6), "rpc.cancel", json!({"id": 2})).await;
    assert_eq!(over["result"], json!({"cancelled": false}));
    for params in [json!({}), json!({"id": null}), json!({"id": {}})] {
        assert_eq!(message(json!(7), "rpc.cancel", params).await["error"]["code"], -32602);
    }
}

#[tokio::test]
async fn the_error_for_a_misspelt_connection_method_lists_the_right_ones() {
    for method in ["rpc.discver", "events.subscibe"] {
        let answer = answer(call(method, json!({}))).await;
        assert_eq!(answer["error"]["code"], -32601);
        let next = answer["error"]["data"]["next"].as_str().unwrap();
        assert!(ConnectionMethod::ALL.iter().all(|method| next.contains(method.name())), "{next}");
    }
}

#[tokio::test]
async fn a_seed_of_the_wrong_type_appears_neither_in_the_error_nor_in_the_journal() {
    let rpc = rpc();
    for seed in [json!(20_250_718), json!(["20250718"]), json!({"text": "20250718"})] {
        let text = call("device.create", json!({"name": "a", "seed": seed})).to_string();
        let answer = rpc.answer(Message::parse(text.as_bytes()), None).await.unwrap();
        assert!(answer.contains("a seed is a string") && !answer.contains("20250718"), "{answer}");
    }
    let written = serde_json::to_string(&*rpc.journal().after(0, 1)[0]).unwrap();
    assert!(written.contains("device.create") && !written.contains("20250718"), "{written}");
}

#[tokio::test]
async fn a_batch_is_answered_in_order_and_notifications_are_not_answered() {
    let batch = json!([
        {"jsonrpc": "2.0", "id": 1, "method": "device.list"},
        {"jsonrpc": "2.0", "method": "device.list"},
        7,
        {"jsonrpc": "2.0", "id": 2, "method": "device.explode"}
    ]);
    let answers = answer(batch).await;
    let ids: Vec<_> = answers.as_array().unwrap().iter().map(|answer| answer["id"].clone()).collect();
    assert_eq!(ids, [json!(1), json!(null), json!(2)]);
    assert_eq!(text(r#"{"jsonrpc":"2.0","method":"device.explode"}"#).await, None);
    assert_eq!(text(r#"[{"jsonrpc":"2.0","method":"device.list"}]"#).await, None);
    let large = Value::Array(vec![call("device.list", json!({})); MAX_BATCH_CALLS + 1]);
    let refused = answer(large).await;
    assert!(refused["error"]["message"].as_str().unwrap().contains("65 calls; 64"), "{refused}");
}

#[tokio::test]
async fn calls_are_recorded_in_the_journal_and_listings_are_not() {
    let rpc = rpc();
    for method in ["device.list", "wx.checkIsSupportSoterAuthentication", "device.explode"] {
        rpc.answer(Message::parse(call(method, json!({})).to_string().as_bytes()), None).await;
    }
    let written: Vec<_> = rpc.journal().after(0, 10).iter().map(|entry| entry.call.clone()).collect();
    assert_eq!(written, ["wx.checkIsSupportSoterAuthentication", "device.explode"]);
}

#[tokio::test]
async fn events_need_a_connection() {
    for (method, params) in
        [("events.subscribe", json!({})), ("events.unsubscribe", json!({})), ("rpc.cancel", json!({"id": 1}))]
    {
        let refused = answer(call(method, params)).await;
        assert_eq!(refused["error"]["code"], -32602);
        assert!(refused["error"]["data"]["next"].as_str().unwrap().contains("/ws"), "{refused}");
    }
}

#[tokio::test]
async fn discovery_describes_every_method_with_its_parameters_and_its_result() {
    let document = answer(call("rpc.discover", json!({}))).await["result"].clone();
    assert_eq!(document["openrpc"], "1.3.2");
    let methods = document["methods"].as_array().unwrap();
    let usual = METHODS.iter().filter(|method| !is_attacker_method(method.name)).count();
    assert_eq!(methods.len(), usual + 3);
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for method in methods {
        assert!(method["params"].is_array() && method["result"]["schema"].is_object(), "{method}");
        // Every schema that is referred to exists.
        let text = method.to_string();
        for reference in text.split("#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(schemas.contains_key(name), "{name} in {method}");
        }
    }
    let touch = methods.iter().find(|method| method["name"] == "sensor.touch").unwrap();
    assert_eq!(
        (&touch["params"][0]["name"], &touch["params"][0]["required"]),
        (&json!("touch"), &json!(true))
    );
}

#[tokio::test]
async fn attackers_methods_exist_only_if_the_server_offers_them() {
    let (usual, offering) = (rpc(), rpc().with_attacker_methods(true));
    let call_on = async |rpc: &Rpc<TestService>, method: &str| -> Value {
        let request = call(method, json!({})).to_string();
        serde_json::from_str(&rpc.answer(Message::parse(request.as_bytes()), None).await.unwrap()).unwrap()
    };
    for method in METHODS.iter().map(|method| method.name).filter(|name| is_attacker_method(name)) {
        let refused = call_on(&usual, method).await;
        assert_eq!(refused["error"]["code"], -32601, "{refused}");
        assert!(refused["error"]["data"]["next"].as_str().unwrap().contains("--attacker"), "{refused}");
        assert_ne!(call_on(&offering, method).await["error"]["code"], -32601, "{method}");
    }
    let lists_danger = async |rpc: &Rpc<TestService>| {
        let document = call_on(rpc, "rpc.discover").await;
        document["result"]["methods"].to_string().contains("danger.clone")
    };
    assert_eq!((lists_danger(&usual).await, lists_danger(&offering).await), (false, true));
}

#[tokio::test]
async fn wrong_types_for_every_member_of_every_method_are_refused() {
    let document = answer(call("rpc.discover", json!({}))).await["result"].clone();
    for method in document["methods"].as_array().unwrap() {
        let name = method["name"].as_str().unwrap();
        if ConnectionMethod::named(name).is_some() {
            continue;
        }
        for parameter in method["params"].as_array().unwrap() {
            // Only the event of a cloud function is an object that may have a member of this name.
            let is_any_object = parameter["schema"]["additionalProperties"] == true;
            let odd = if is_any_object { json!([1]) } else { json!({"odd": [1]}) };
            let params = json!({parameter["name"].as_str().unwrap(): odd});
            let answer = answer(call(name, params)).await;
            // WeChat's own parameters are refused as by a phone.
            let err_msg = answer["result"]["errMsg"].as_str().unwrap_or_default();
            let is_refused = err_msg.contains(":fail parameter error: parameter.")
                && [" instead of Object;", " instead of Array;"].iter().any(|end| err_msg.ends_with(end));
            assert!(is_refused || answer["error"]["code"] == -32602, "{name} {parameter}: {answer}");
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_answered_with_json_or_nothing(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        if let Some(answer) = runtime.block_on(rpc().answer(Message::parse(&bytes), None)) {
            prop_assert!(serde_json::from_str::<Value>(&answer).is_ok());
        }
    }
}
