//! WeChat's servers over real sockets, where they are stricter or kinder than one expects, and what users switch on there.
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use aws_lc_rs::hmac;
use serde_json::{Value, json};
use soter_tests::{Backend, Program, Server, try_rpc};

const FORM: &str = "appid=wxemulated00000001&secret=emulated0000secret0000emulated00";

fn json(body: &str) -> Value {
    serde_json::from_str(body).unwrap()
}

/// What a request without a token is answered.
fn answer(server: &Server, method: &str, path: &str, body: &str) -> Value {
    json(&server.http(method, path, body).1)
}

fn token(server: &Server) -> String {
    let path = format!("/cgi-bin/token?grant_type=client_credential&{FORM}");
    answer(server, "GET", &path, "")["access_token"].as_str().unwrap().to_owned()
}

fn login(server: &Server) -> Value {
    let code = server.rpc("wx.login", &json!({}))["code"].as_str().unwrap().to_owned();
    let path = format!("/sns/jscode2session?grant_type=authorization_code&{FORM}&js_code={code}");
    answer(server, "GET", &path, "")
}

#[test]
fn a_login_and_a_token_are_posted_as_a_form_and_sessions_are_declared_as_text() {
    let server = Server::ephemeral(&[]);
    let (head, body) = server.http("POST", "/cgi-bin/token", &format!("grant_type=client_credential&{FORM}"));
    assert!(head.contains("content-type: application/json"), "{head}");
    assert!(json(&body)["access_token"].as_str().unwrap().len() >= 150, "{body}");
    let code = server.rpc("wx.login", &json!({}))["code"].as_str().unwrap().to_owned();
    let form = format!("grant_type=authorization_code&{FORM}&js_code={code}");
    let (head, body) = server.http("POST", "/sns/jscode2session", &form);
    assert!(head.contains("content-type: text/plain\r\n"), "{head}");
    assert_eq!(json(&body)["openid"], Backend::OPENID);
    let used = answer(&server, "POST", "/sns/jscode2session", &form);
    assert!(used["errmsg"].as_str().unwrap().starts_with("code been used, rid: "), "{used}");
}

#[test]
fn an_unknown_path_gets_wechats_answer_and_one_of_the_server_itself_does_not() {
    let server = Server::ephemeral(&[]);
    for path in [
        "/wxa/msg_sec_check",
        "/cgi-bin/user/info",
        "/datacube/getweanalysisappid",
        "/tcb/invokecloudfunction",
    ] {
        let (head, body) = server.http("POST", path, "{}");
        assert!(head.starts_with("HTTP/1.1 200 "), "{path}: {head}");
        assert_eq!(json(&body)["errcode"], 40066, "{path}: {body}");
        assert!(json(&body)["errmsg"].as_str().unwrap().starts_with("invalid url rid: "), "{body}");
    }
    for path in ["/sim/journals", "/healthz", "/page/no.js"] {
        let (head, _) = server.http("GET", path, "");
        assert!(head.starts_with("HTTP/1.1 404 "), "{path}: {head}");
    }
    let journal = answer(&server, "GET", "/sim/journal", "");
    let calls: Vec<_> =
        journal["entries"].as_array().unwrap().iter().map(|entry| entry["call"].as_str().unwrap()).collect();
    assert_eq!(calls.len(), 4);
    assert_eq!(calls[0], "POST /wxa/msg_sec_check");
}

#[test]
fn a_token_that_was_replaced_and_one_that_has_expired_get_different_errcodes() {
    let server = Server::ephemeral(&[]);
    let ips = |token: &str| {
        answer(&server, "GET", &format!("/cgi-bin/getcallbackip?cloudbase_access_token={token}"), "")
    };
    let (old, new) = (token(&server), token(&server));
    assert_eq!(ips(&old), json!({"ip_list": ["127.0.0.1"]}));
    server.rpc("desk.clock", &json!({"forward": 300_000}));
    let replaced = ips(&old);
    let text = replaced["errmsg"].as_str().unwrap();
    assert_eq!(replaced["errcode"], 40001);
    assert!(text.contains("could get access_token by getStableAccessToken"), "{text}");
    server.rpc("desk.clock", &json!({"forward": 6_900_000}));
    assert_eq!((&ips(&new)["errcode"], &ips(&old)["errcode"]), (&json!(42001), &json!(40001)));
    for code in ["40001", "42001"] {
        let explained = Program::new(["explain", code]).run().exits(0).stdout;
        assert_eq!(explained.contains("replaced by a newer one"), code == "40001", "{explained}");
    }
}

#[test]
fn each_login_gives_another_session_key_unless_that_is_switched_off() {
    let server = Server::ephemeral(&[]);
    let (first, second) = (login(&server), login(&server));
    assert_ne!(first["session_key"], second["session_key"]);
    server.rpc("servers.set", &json!({"loginRenewsKey": false}));
    assert_eq!(login(&server)["session_key"], second["session_key"]);
    let ended = server.connected(&["servers", "expire", "session", "--json"]).exits(0).json();
    assert_eq!(ended["ended"], 1);
    let checked = server.rpc("wx.checkSession", &json!({}));
    assert_eq!(checked["errMsg"], "checkSession:fail session time out, need relogin");
    assert_ne!(login(&server)["session_key"], second["session_key"]);
}

#[test]
fn servers_fail_as_told_and_a_reset_sets_everything_back_to_the_start() {
    let server = Server::ephemeral(&["--servers-clock", "+1d"]);
    let shown = server.connected(&["servers", "show"]).exits(0).stdout;
    assert!(shown.contains("1d ahead of the computer's clock") && shown.contains("are answered"), "{shown}");
    let path = "/cgi-bin/soter/verify_signature";
    let set =
        server.connected(&["servers", "set", "failure", "48001", "--path", path, "--times", "2"]).exits(0);
    assert!(set.stdout.contains(&format!("of {path} fail with 48001, 2 calls are left")), "{set}");
    let backend = Backend::open(&server.url).unwrap();
    let errcodes = [(); 3].map(|()| json(&backend.verify("{}", "AA==").unwrap().0)["errcode"].clone());
    assert_eq!(errcodes, [json!(48001), json!(48001), Value::Null]);
    for (arguments, expected) in [
        (vec!["servers", "set", "failure", "7"], "errcode 7"),
        (vec!["servers", "set", "delay", "600001"], "600000"),
        (vec!["clock", "+4000d"], "3650 days"),
    ] {
        let refused = server.connected(&arguments).refuses(2);
        assert!(refused.stderr.contains(expected), "{refused}");
    }
    for arguments in [
        vec!["servers", "set", "failure", "-1", "--times", "0"],
        vec!["servers", "set", "failure", "-1", "--path", "/nowhere"],
        vec!["servers", "expire", "everything"],
        vec!["clock", "2h"],
        vec!["clock", "+2"],
        vec!["clock", "-2h"],
    ] {
        let usage = server.connected(&arguments).refuses_usage();
        assert!(usage.stderr.contains("next: "), "{usage}");
    }
    for (method, params, expected) in [
        ("desk.clock", json!({"forward": 1, "ahead": 1}), "give one of them"),
        ("servers.set", json!({"failure": {"errcode": -1, "times": 0}}), "1 or more"),
    ] {
        let refused = try_rpc(&server.url, method, &params).unwrap();
        assert!(refused["error"]["data"]["next"].as_str().unwrap().contains(expected), "{refused}");
    }
    server.rpc("servers.set", &json!({"silent": true}));
    server.rpc("desk.reset", &json!({}));
    let shown = server.rpc("servers.show", &json!({}));
    assert_eq!((&shown["clock"]["ahead"], &shown["silent"]), (&json!(86_400_000), &json!(false)));
    assert_eq!((&shown["failure"], &shown["loginRenewsKey"]), (&Value::Null, &json!(true)));
    let usage = Program::new(["serve", "--servers-clock", "soon"]).run().refuses_usage();
    assert!(usage.stderr.contains("such as 90s, 5m, 2h or 1d12h"), "{usage}");
}

/// The lower-case hex of HMAC-SHA256 over the empty text, with the Base64 text of a session key as the key.
fn signature(session: &Value) -> String {
    let key = session["session_key"].as_str().unwrap().as_bytes();
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), b"");
    let digits = tag.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect()
}

#[test]
fn a_session_key_is_checked_and_replaced_and_a_phone_number_is_given_once() {
    let server = Server::ephemeral(&[]);
    let token = token(&server);
    let session = login(&server);
    let check = |session: &Value| {
        let query = format!(
            "access_token={token}&openid={}&sig_method=hmac_sha256&signature={}",
            Backend::OPENID,
            signature(session)
        );
        answer(&server, "GET", &format!("/wxa/checksession?{query}"), "")
    };
    assert_eq!(check(&session), json!({"errcode": 0, "errmsg": "ok"}));
    let body =
        json!({"openid": Backend::OPENID, "sig_method": "hmac_sha256", "signature": signature(&session)});
    let path = format!("/wxa/resetusersessionkey?access_token={token}");
    let replaced = answer(&server, "POST", &path, &body.to_string());
    assert_eq!((&replaced["errcode"], &replaced["openid"]), (&json!(0), &json!(Backend::OPENID)));
    assert_eq!((&check(&session)["errcode"], &check(&replaced)["errcode"]), (&json!(87009), &json!(0)));

    let code = server.connected(&["phonenumber", "--json"]).exits(0).json()["code"].clone();
    let path = format!("/wxa/business/getuserphonenumber?access_token={token}");
    let number = answer(&server, "POST", &path, &json!({"code": code}).to_string());
    assert_eq!(number["phone_info"]["countryCode"], "86");
    assert_eq!(answer(&server, "POST", &path, &json!({"code": code}).to_string())["errcode"], 40029);
}

#[test]
fn a_quota_that_is_used_up_is_cleared_ten_times_a_month() {
    let server = Server::ephemeral(&[]);
    let token = token(&server);
    let ips = || answer(&server, "GET", &format!("/cgi-bin/get_api_domain_ip?access_token={token}"), "");
    let with_token = format!("/cgi-bin/clear_quota?access_token={token}");
    let cleared: Vec<_> = (0..11)
        .map(|number| {
            server.rpc("servers.set", &json!({"failure": {"errcode": 45009}}));
            assert_eq!(ips()["errcode"], 45009);
            let form = FORM.replace("&secret=", "&appsecret=");
            let answered = match number % 2 {
                0 => answer(&server, "POST", &with_token, &json!({"appid": Backend::APPID}).to_string()),
                _ => answer(&server, "POST", "/cgi-bin/clear_quota/v2", &form),
            };
            answered["errcode"].as_i64().unwrap()
        })
        .collect();
    assert_eq!(cleared, [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 48006]);
    server.rpc("servers.set", &json!({"failure": null}));
    assert_eq!(ips(), json!({"ip_list": ["127.0.0.1"]}));
}

#[test]
fn the_openapi_document_has_no_secret_of_the_configuration_and_what_it_shows_works_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("accounts.toml");
    let secret = "configured0000secret000000000000";
    std::fs::write(&config, format!("[[app]]\nappid = 'wx0123456789abcdef'\nsecret = '{secret}'\n")).unwrap();
    let server = Server::ephemeral(&["--config", config.to_str().unwrap()]);
    let (_, text) = server.http("GET", "/sim/openapi.json", "");
    assert!(!text.contains(secret) && !text.contains("wx0123456789abcdef"));
    let document = json(&text);
    assert_eq!(document["servers"][0]["url"], server.url);
    let parameters = document["paths"]["/cgi-bin/token"]["get"]["parameters"].as_array().unwrap();
    let query: Vec<_> = parameters
        .iter()
        .map(|one| format!("{}={}", one["name"].as_str().unwrap(), one["example"].as_str().unwrap()))
        .collect();
    let token = answer(&server, "GET", &format!("/cgi-bin/token?{}", query.join("&")), "");
    assert_eq!(token["expires_in"], 7200);
}
