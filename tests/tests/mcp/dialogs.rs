//! Calls that open a dialog, and clients that leave while it is open.

use std::time::Duration;

use serde_json::{Value, json};
use soter_tests::{Server, State, http};

use crate::client::{Client, authentication, result, wait_until, within};

#[test]
fn an_agent_that_calls_one_tool_after_the_other_is_told_of_the_dialog_and_then_gets_the_result() {
    let mut client = Client::ephemeral(&[]);
    let open = client.call("wx_startSoterAuthentication", &authentication("order-42"));
    assert_eq!(
        (&open["call"], &open["device"], &open["dialog"]["challenge"]),
        (&json!(1), &json!("phone"), &json!("order-42"))
    );
    assert!(
        open["next"]
            .as_str()
            .is_some_and(|next| next.contains("sensor_touch") && next.contains("call_result"))
    );
    let still_open = client.call("call_result", &json!({"call": 1, "waitSeconds": 0}));
    assert_eq!(still_open, open);
    assert_eq!(client.call("sensor_touch", &json!({"touch": "wrong"}))["dialogOpen"], true);
    assert_eq!(client.call("sensor_touch", &json!({"touch": 1}))["judgement"], "matched");
    let signed = client.call("call_result", &json!({"call": 1}));
    assert_eq!((&signed["errCode"], &signed["authMode"]), (&json!(0), &json!("fingerPrint")));
    // It is kept.
    assert_eq!(client.call("call_result", &json!({"call": 1})), signed);
    // What a phone answers is a result, also if it refuses, and also for parameters of wrong types.
    client.call("device_set", &json!({"failNext": 90010}));
    assert_eq!(client.call("wx_startSoterAuthentication", &authentication("c"))["errCode"], 90010);
    assert_eq!(
        client.call("wx_login", &json!({"timeout": "soon"}))["errMsg"]
            .as_str()
            .map(|text| text.contains("fail")),
        Some(true)
    );
    // A phone that needs no person answers at once.
    client.call("sensor_setMode", &json!({"mode": "auto"}));
    assert_eq!(client.call("wx_startSoterAuthentication", &authentication("d"))["errCode"], 0);
}

#[test]
fn an_agent_that_calls_several_tools_at_the_same_time_can_wait_for_the_result() {
    let mut client = Client::ephemeral(&[]);
    let waiting = client.send_call(
        "wx_startSoterAuthentication",
        &json!({"requestAuthModes": ["fingerPrint"], "challenge": "c", "wait": true}),
    );
    wait_until(|| client.call("device_show", &json!({}))["dialog"].is_object());
    assert_eq!(client.call("sensor_touch", &json!({"touch": 1}))["judgement"], "matched");
    let answer = client.answer(waiting);
    assert_eq!(result(&answer, "wx_startSoterAuthentication")["errCode"], 0);
}

#[test]
fn a_request_that_is_cancelled_closes_its_dialog_and_gets_no_answer() {
    let mut client = Client::ephemeral(&[]);
    let waiting = client.send_call(
        "wx_startSoterAuthentication",
        &json!({"requestAuthModes": ["fingerPrint"], "challenge": "c", "wait": true}),
    );
    wait_until(|| client.call("device_show", &json!({}))["dialog"].is_object());
    client.notify("notifications/cancelled", &json!({"requestId": waiting, "reason": "the user left"}));
    wait_until(|| !client.call("device_show", &json!({}))["dialog"].is_object());
    assert!(client.early.iter().all(|answer| answer["id"] != waiting));
    let journal = client.call("desk_journal", &json!({}));
    assert!(journal["entries"].to_string().contains("cancelled with rpc.cancel"), "{journal}");
    // A call that goes on after its request was answered is given up by a tool.
    let call = client.call("wx_startSoterAuthentication", &authentication("d"))["call"].clone();
    assert_eq!(client.call("call_cancel", &json!({"call": call}))["cancelled"], true);
    wait_until(|| !client.call("device_show", &json!({}))["dialog"].is_object());
    assert!(client.failure("call_result", &json!({"call": call})).contains("there is no call 2"));
}

#[test]
fn open_calls_and_requests_are_bounded_in_number() {
    let mut client = Client::ephemeral(&[]);
    client.call("device_set", &json!({"secondCall": "queue"}));
    let waiting = json!({"requestAuthModes": ["fingerPrint"], "challenge": "c", "wait": true});
    for _ in 0..32 {
        client.send_call("wx_startSoterAuthentication", &waiting);
    }
    wait_until(|| client.call("device_show", &json!({}))["dialog"].is_object());
    assert!(client.failure("wx_startSoterAuthentication", &waiting).contains("32 calls are open"));
    // A touch is still possible, and then there is room for one more.
    assert_eq!(client.call("sensor_touch", &json!({"touch": 1}))["judgement"], "matched");
    wait_until(|| client.call("device_show", &json!({}))["dialog"].is_object());
    // Requests are carried out side by side, so any of the calls may have been the first one.
    let open = (1..=2).find(|call| {
        let arguments = json!({"call": call, "waitSeconds": 0});
        let answer = client.request("tools/call", &json!({"name": "call_result", "arguments": arguments}));
        answer["result"]["structuredContent"]["waitsFor"].is_string()
    });
    let waits_long = json!({"call": open, "waitSeconds": 50});
    let requests: Vec<u64> = (0..81).map(|_| client.send_call("call_result", &waits_long)).collect();
    // 31 calls and the first 33 of these requests have no answer.
    for id in &requests[33..] {
        assert_eq!(client.answer(*id)["error"]["code"], -32010);
    }
    // The same id twice.
    let twice = json!({"jsonrpc": "2.0", "id": requests[0], "method": "ping"});
    client.running.send(&twice.to_string());
    assert_eq!(client.answer(requests[0])["error"]["code"], -32010);
    assert_eq!(within(Duration::from_secs(10), || client.running.end()).code, Some(0));
}

/// The dialog on the server's phone.
fn has_dialog(server: &Server) -> bool {
    server.rpc("device.show", &json!({}))["dialog"].is_object()
}

#[test]
fn a_client_that_vanishes_during_a_dialog_cancels_it() {
    let server = Server::ephemeral(&[]);
    // It closes standard input.
    let mut client = Client::connected(&server);
    assert_eq!(client.call("wx_startSoterAuthentication", &authentication("a"))["device"], "phone");
    assert!(has_dialog(&server));
    let ended = within(Duration::from_secs(5), || client.running.end());
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    wait_until(|| !has_dialog(&server));
    // It is killed while a request waits.
    let mut client = Client::connected(&server);
    client.send_call(
        "wx_startSoterAuthentication",
        &json!({"requestAuthModes": ["fingerPrint"], "challenge": "b", "wait": true}),
    );
    wait_until(|| has_dialog(&server));
    let ended = within(Duration::from_secs(5), || client.running.end());
    assert_eq!(ended.code, Some(0));
    wait_until(|| !has_dialog(&server));
    let (_, journal) = http(&server.url, "GET", "/sim/journal", "");
    assert!(journal.contains("cancelled"), "{journal}");
    // The process itself is killed.
    let mut client = Client::connected(&server);
    client.call("wx_startSoterAuthentication", &authentication("c"));
    assert!(has_dialog(&server));
    client.running.kill();
    wait_until(|| !has_dialog(&server));
}

#[test]
fn the_state_is_stored_when_a_client_vanishes_during_a_dialog_and_when_a_signal_comes() {
    let state = State::new();
    let start = || Client::begin(state.program(["mcp", "--listen", "127.0.0.1:0"]));
    let mut client = start();
    client.call("device_create", &json!({"name": "second"}));
    client.call("wx_startSoterAuthentication", &authentication("a"));
    let url = client.url();
    assert!(http(&url, "GET", "/health", "").1.contains("ok"));
    let counter = client.call("device_show", &json!({}))["counter"].as_u64().unwrap();
    let ended = within(Duration::from_secs(10), || client.running.end());
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    assert!(ended.stderr.contains(&format!("soter-sim ready {url}")), "{ended}");

    // An orderly end gives counter values back: the next one is used next.
    let mut client = start();
    assert_eq!(client.call("device_list", &json!({}))["devices"].as_array().unwrap().len(), 2);
    let shown = client.call("device_show", &json!({}));
    assert_eq!((&shown["counter"], shown.get("dialog")), (&json!(counter), None));
    client.call("wx_startSoterAuthentication", &authentication("b"));
    client.call("sensor_touch", &json!({"touch": 1}));
    let signed = client.call("call_result", &json!({"call": 1}));
    let json: Value = serde_json::from_str(signed["resultJSON"].as_str().unwrap()).unwrap();
    assert_eq!(json["counter"], counter + 1);
    client.call("wx_startSoterAuthentication", &authentication("c"));
    let ended = within(Duration::from_secs(10), || client.running.end_by_signal());
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    let mut client = start();
    assert_eq!(client.call("device_show", &json!({}))["counter"], counter + 1);
}
