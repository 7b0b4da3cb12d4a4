//! The wx calls besides the authentication, as JSON-RPC clients see them.

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
        (
            "wx.getUserInfo",
            json!({"withCredentials": 1, "lang": {}}),
            "getUserInfo:fail parameter error: parameter.withCredentials should be Boolean instead of Number;\
             parameter.lang should be String instead of Object;",
        ),
        (
            "wx.getUserProfile",
            json!({"desc": null}),
            "getUserProfile:fail parameter error: parameter.desc should be String instead of Null;",
        ),
        (
            "wx.login",
            json!({"timeout": "5000"}),
            "login:fail parameter error: parameter.timeout should be Number instead of String;",
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

fn members(answer: &Value) -> Vec<&str> {
    answer.as_object().unwrap().keys().map(String::as_str).collect()
}

#[test]
fn user_data_without_credentials_need_no_login_and_with_them_a_session_that_is_alive() {
    const NO_SESSION: &str = "getUserInfo:fail session time out, need relogin";
    let server = Server::ephemeral(&[]);
    let info = |params: Value| result(&server, "wx.getUserInfo", &params);
    assert_eq!(members(&info(json!({"withCredentials": false}))), ["userInfo", "rawData", "errMsg"]);
    let refused = json!({"errMsg": NO_SESSION});
    assert_eq!(info(json!({})), refused);
    assert_eq!(info(json!({"withCredentials": true})), refused);
    let session = |server: &Server| result(server, "wx.checkSession", &json!({}))["errMsg"].clone();
    assert_eq!(session(&server), "checkSession:fail session time out, need relogin", "no session has begun");

    result(&server, "wx.login", &json!({}));

    let all = ["userInfo", "rawData", "signature", "encryptedData", "iv", "cloudID", "errMsg"];
    assert_eq!(members(&info(json!({}))), all);
    assert_eq!(members(&info(json!({"withCredentials": false}))), ["userInfo", "rawData", "errMsg"]);
    result(&server, "servers.expire", &json!({"what": "session"}));
    assert_eq!(info(json!({})), refused);
    let profile = result(&server, "wx.getUserProfile", &json!({"desc": "用途"}));
    assert_eq!(profile, json!({"errMsg": "getUserProfile:fail session time out, need relogin"}));
}

#[test]
fn user_data_are_anonymous_unless_the_users_own_are_switched_on_and_can_be_changed_on_a_phone() {
    let server = Server::ephemeral(&[]);
    let data =
        |params: Value| result(&server, "wx.getUserInfo", &params)["rawData"].as_str().unwrap().to_owned();
    let without = json!({"withCredentials": false});
    let anonymous = data(without.clone());
    assert!(
        anonymous.starts_with(
            r#"{"nickName":"微信用户","gender":0,"language":"","city":"","province":"","country":"","avatarUrl":"https://thirdwx.qlogo.cn/"#
        ),
        "{anonymous}"
    );
    assert_eq!(data(json!({"withCredentials": false, "lang": "zh_TW"})), anonymous);

    let _ = server.connected(&["device", "set", "anonymousUser", "off"]).exits(0);
    let own = r#"{"nickName":"user","gender":0,"language":"en","city":"","province":"","country":"","avatarUrl":""}"#;
    assert_eq!(data(without.clone()), own);
    let change = ["device", "set", "userData", "nickName=Li Lei", "gender=1", "city=广州"];
    assert!(server.connected(&change).exits(0).stdout.contains("Li Lei"));
    let changed = r#"{"nickName":"Li Lei","gender":1,"language":"zh_CN","city":"广州","province":"","country":"","avatarUrl":""}"#;
    assert_eq!(data(json!({"withCredentials": false, "lang": "zh_CN"})), changed);
    assert_eq!(data(json!({"withCredentials": false, "lang": "fr"})), changed.replace("zh_CN", "en"));
    for (word, told) in [
        ("gender=3", "0 is unknown"),
        ("age=3", "nickName, gender"),
        ("city", "NAME=VALUE"),
        ("city=\u{1}", "printable"),
    ] {
        let refused = server.connected(&["device", "set", "userData", word]).refuses(2);
        assert!(refused.stderr.contains(told), "{word}: {refused}");
    }
    assert_eq!(data(json!({"withCredentials": false, "lang": "zh_CN"})), changed, "nothing has changed");
    server.rpc("device.set", &json!({"userData": null}));
    assert_eq!(data(without.clone()), own);
    server.rpc("device.set", &json!({"anonymousUser": null}));
    assert_eq!(data(without), anonymous);
}

#[test]
fn a_user_can_deny_their_data_and_a_profile_needs_a_short_purpose() {
    let server = Server::ephemeral(&[]);
    result(&server, "wx.login", &json!({}));
    let profile = |params: Value| result(&server, "wx.getUserProfile", &params)["errMsg"].clone();
    let wrong = "getUserProfile:fail desc length does not meet the requirements";
    for desc in ["", &"用".repeat(31)] {
        assert_eq!(profile(json!({"desc": desc})), wrong);
    }
    assert_eq!(profile(json!({})), wrong);
    assert_eq!(profile(json!({"desc": "用".repeat(30)})), "getUserProfile:ok");
    let _ = server.connected(&["device", "set", "userInfoPermission", "off"]).exits(0);
    assert_eq!(
        result(&server, "wx.getUserInfo", &json!({})),
        json!({"errMsg": "getUserInfo:fail auth deny"})
    );
    assert_eq!(profile(json!({"desc": "用途"})), "getUserProfile:fail auth deny");
    assert_eq!(
        server.connected(&["userprofile", "用途"]).exits(1).json()["errMsg"],
        "getUserProfile:fail auth deny"
    );
    server.rpc("device.set", &json!({"userInfoPermission": null}));
    assert_eq!(server.connected(&["userprofile", "用途"]).exits(0).json()["errMsg"], "getUserProfile:ok");
}

#[test]
fn a_login_fails_or_times_out_on_demand_and_begins_no_session() {
    let server = Server::ephemeral(&[]);
    for (failure, params, err_msg) in [
        ("fail", json!({}), "login:fail"),
        ("timeout", json!({}), "login:fail timeout"),
        ("timeout", json!({"timeout": 20}), "login:fail timeout"),
        ("timeout", json!({"timeout": -1e300}), "login:fail timeout"),
    ] {
        let _ = server.connected(&["device", "set", "loginFailure", failure]).exits(0);
        assert_eq!(result(&server, "wx.login", &params), json!({"errMsg": err_msg}));
        let session = result(&server, "wx.checkSession", &json!({}));
        assert_eq!(session["errMsg"], "checkSession:fail session time out, need relogin");
    }
    let _ = server.connected(&["device", "set", "loginFailure", "default"]).exits(0);
    assert_eq!(result(&server, "wx.login", &json!({"timeout": 600_000}))["errMsg"], "login:ok");
}
