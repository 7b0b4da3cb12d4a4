//! The examples of WeChat's documentation for backends, over a real socket: shapes, codes and texts.
#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use serde_json::{Value, json};
use soter_tests::{Backend, Callback, Server};

/// The nested device information of the documentation for `is_support`.
const MODEL_KEY: &str = r#"<deviceinfo><MANUFACTURER name="HUAWEI"><MODEL name="P40"><VERSION_RELEASE name="10"><VERSION_INCREMENTAL name="1"><DISPLAY name="P40 1"></DISPLAY></VERSION_INCREMENTAL></VERSION_RELEASE></MODEL></MANUFACTURER></deviceinfo>"#;

struct Documented {
    server: Server,
    token: String,
}

impl Documented {
    fn start(arguments: &[&str]) -> Self {
        let server = Server::ephemeral(arguments);
        let token = Self::plain_token(&server);
        Self { server, token }
    }

    fn plain_token(server: &Server) -> String {
        let path = format!(
            "/cgi-bin/token?grant_type=client_credential&appid={}&secret={}",
            Backend::APPID,
            Backend::SECRET
        );
        let answer: Value = serde_json::from_str(&server.http("GET", &path, "").1).unwrap();
        assert_eq!(names(&answer), ["access_token", "expires_in"]);
        assert_eq!(answer["expires_in"], 7200);
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// The answer to a POST of JSON with the access token.
    fn post(&self, path: &str, body: &Value) -> Value {
        let path = format!("{path}?access_token={}", self.token);
        serde_json::from_str(&self.server.http("POST", &path, &body.to_string()).1).unwrap()
    }

    fn result(&self, challenge: &str) -> Callback {
        let params = json!({"requestAuthModes": ["fingerPrint"], "challenge": challenge, "touch": "1"});
        Callback::read(&self.server.rpc("wx.startSoterAuthentication", &params))
    }
}

fn names(answer: &Value) -> Vec<&str> {
    answer.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Whether a text ends with a request id as live answers do: `rid: 6801ee67-141cbbbc-25c96788`.
fn has_rid(text: &str) -> bool {
    let Some((_, rid)) = text.split_once("rid: ") else { return false };
    let parts: Vec<_> = rid.split('-').collect();
    parts.len() == 3
        && parts.iter().all(|part| part.len() == 8 && part.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[test]
fn a_stable_token_stays_the_same_and_a_plain_one_ends_the_plain_one_before() {
    let documented = Documented::start(&[]);
    let wish = json!({"grant_type": "client_credential", "appid": Backend::APPID, "secret": Backend::SECRET});
    let stable = documented.post("/cgi-bin/stable_token", &wish);
    assert_eq!(names(&stable), ["access_token", "expires_in"]);
    let again = documented.post("/cgi-bin/stable_token", &wish);
    assert_eq!(again["access_token"], stable["access_token"]);
    Documented::plain_token(&documented.server);
    // Five minutes later, the first plain token has ended, and the stable one has not.
    documented.server.rpc("desk.clock", &json!({"forward": 301_000}));
    assert_eq!(documented.post("/cgi-bin/soter/verify_signature", &json!({}))["errcode"], 40001);
    let with_stable = Documented { token: stable["access_token"].as_str().unwrap().to_owned(), ..documented };
    assert_eq!(with_stable.post("/cgi-bin/soter/verify_signature", &json!({}))["errcode"], 40003);
}

#[test]
fn a_code_is_exchanged_once_for_the_user_and_the_session_key() {
    let documented = Documented::start(&[]);
    let code = documented.server.rpc("wx.login", &json!({}));
    assert_eq!(code["errMsg"], "login:ok");
    let path = format!(
        "/sns/jscode2session?appid={}&secret={}&grant_type=authorization_code&js_code=",
        Backend::APPID,
        Backend::SECRET
    );
    let exchange = |code: &str| -> Value {
        serde_json::from_str(&documented.server.http("GET", &format!("{path}{code}"), "").1).unwrap()
    };
    let session = exchange(code["code"].as_str().unwrap());
    assert_eq!(names(&session), ["session_key", "openid", "unionid"]);
    for (code, errcode, text) in
        [(code["code"].as_str().unwrap(), 40163, "code been used, "), ("guess", 40029, "invalid code, ")]
    {
        let refused = exchange(code);
        assert_eq!(names(&refused), ["errcode", "errmsg"]);
        let errmsg = refused["errmsg"].as_str().unwrap();
        assert!(refused["errcode"] == errcode && errmsg.starts_with(text) && has_rid(errmsg), "{refused}");
    }
}

#[test]
fn verify_signature_has_both_shapes() {
    for (style, expected) in
        [("plain", r#"{"is_ok":true}"#), ("errcode", r#"{"errcode":0,"errmsg":"ok","is_ok":true}"#)]
    {
        let documented = Documented::start(&["--reply-style", style]);
        let Callback { result_json, signature, .. } = documented.result("order-1");
        let body =
            json!({"openid": Backend::OPENID, "json_string": result_json, "json_signature": signature});
        assert_eq!(documented.post("/cgi-bin/soter/verify_signature", &body).to_string(), expected);
    }
}

#[test]
fn the_errors_of_verify_signature_have_the_texts_that_were_seen_live() {
    let documented = Documented::start(&[]);
    let path = "/cgi-bin/soter/verify_signature";
    let with_token = format!("{path}?access_token={}", documented.token);
    let wrong = format!("{path}?access_token=guess");
    let not_known = json!({"openid": "oNobody", "json_string": "{}", "json_signature": ""}).to_string();
    for (method, path, body, errcode, text) in [
        ("POST", wrong.as_str(), "{}", 40001, "invalid credential, access_token is invalid or not latest"),
        ("POST", &with_token, &not_known, 40003, "invalid openid"),
        ("POST", path, "{}", 41001, "access_token missing"),
        ("GET", &with_token, "", 43002, "require POST method"),
        ("POST", &with_token, "", 44002, "empty post data"),
        ("POST", &with_token, "no JSON", 47001, "data format error"),
    ] {
        let answer: Value = serde_json::from_str(&documented.server.http(method, path, body).1).unwrap();
        let errmsg = answer["errmsg"].as_str().unwrap();
        assert_eq!((names(&answer), &answer["errcode"]), (vec!["errcode", "errmsg"], &json!(errcode)));
        assert!(errmsg.starts_with(text) && has_rid(errmsg), "{errmsg}");
    }
}

#[test]
fn android_apps_ask_whether_a_phone_is_supported_and_whether_an_ask_is_genuine() {
    let documented = Documented::start(&[]);
    let is_support = |xml: &str| {
        documented.post("/cgi-bin/soter_3rdapp/is_support", &json!({"model_key": xml, "sdk_version": "2"}))
    };
    assert_eq!(is_support(MODEL_KEY), json!({"is_support": true, "support_type": 3}));
    assert_eq!(is_support("<deviceinfo>")["errcode"], 90001);
    assert_eq!(is_support("<device/>")["errcode"], 90002);
    let body = json!({"ask_json": "{}", "ask_json_signature": "AA=="});
    assert_eq!(documented.post("/cgi-bin/soter_3rdapp/verify_ask", &body), json!({"is_verified": false}));
}
