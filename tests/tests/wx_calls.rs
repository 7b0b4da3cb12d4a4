//! The wx calls beside the authentication, as JSON-RPC clients see them.

#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use serde_json::{Value, json};
use soter_tests::{Program, Server, try_rpc};

/// The result of a wx call; a JSON-RPC error fails the test.
fn result(server: &Server, method: &str, params: &Value) -> Value {
    let answer = try_rpc(&server.url, method, params).unwrap();
    assert!(answer["error"].is_null(), "{answer}");
    answer["result"].clone()
}

#[test]
fn parameters_of_wrong_types_get_the_base_librarys_text_as_a_result_and_nothing_happens() {
    let server = Server::ephemeral(&["--touch", "auto"]);
    for (method, params, err_msg) in [
        (
            "wx.startSoterAuthentication",
            json!({"requestAuthModes": ["fingerPrint"], "challenge": 42}),
            "startSoterAuthentication:fail parameter error: parameter.challenge should be String instead of Number;",
        ),
        (
            "wx.startSoterAuthentication",
            json!({"requestAuthModes": "fingerPrint", "challenge": {"order": 42}}),
            "startSoterAuthentication:fail parameter error: \
             parameter.requestAuthModes should be Array instead of String;\
             parameter.challenge should be String instead of Object;",
        ),
        (
            "wx.checkIsSoterEnrolledInDevice",
            json!({"checkAuthMode": ["fingerPrint"]}),
            "checkIsSoterEnrolledInDevice:fail parameter error: \
             parameter.checkAuthMode should be String instead of Array;",
        ),
    ] {
        assert_eq!(result(&server, method, &params), json!({"errMsg": err_msg}));
    }
    assert_eq!(server.rpc("device.show", &json!({}))["counter"], 0);
    // What is missing is found by later checks, which have codes.
    for (params, code) in
        [(json!({"challenge": "c"}), 90003), (json!({"requestAuthModes": ["fingerPrint"]}), 90004)]
    {
        assert_eq!(result(&server, "wx.startSoterAuthentication", &params)["errCode"], code);
    }
}

#[test]
fn a_call_that_is_malformed_or_for_no_device_stays_an_error() {
    let server = Server::ephemeral(&[]);
    for (params, code) in [
        (json!([42]), -32602),
        (json!({"challenge": 42, "device": "nobody"}), -32004),
        (json!({"challenge": 42, "device": 7}), -32602),
    ] {
        let answer = try_rpc(&server.url, "wx.startSoterAuthentication", &params).unwrap();
        assert_eq!(answer["error"]["code"], code, "{answer}");
    }
}

#[test]
fn the_command_line_and_a_connection_to_a_server_show_the_same_refusal() {
    let call = ["call", "wx.startSoterAuthentication", r#"{"challenge": true}"#];
    let text = r#"{"errMsg":"startSoterAuthentication:fail parameter error: parameter.challenge should be String instead of Boolean;"}"#;
    assert_eq!(Program::new(["--ephemeral"]).arguments(call).run().exits(1).line(), text);
    assert_eq!(Server::ephemeral(&[]).connected(&call).exits(1).line(), text);
}
