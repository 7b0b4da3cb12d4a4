//! WeChat's answers, byte for byte where SDKs depend on them.

mod cloud;
mod open_api;
mod sessions;
mod switches;

use axum::body::Body;
use axum::http::Request;
use soter_wire::base64;
use tower::ServiceExt;

use super::*;
use crate::codes;
use crate::test_phone::{OPENID, TestPhone};
use crate::test_servers::{NOON, with};
use crate::{DEFAULT_APPID, DEFAULT_USER, EmbeddedLedger, ReplyStyle, SetClock, WeChatOptions};

const SECRET: &str = "emulated0000secret0000emulated00";

struct Backend {
    wechat: Arc<WeChat>,
    clock: SetClock,
}

/// A response.
struct Answered {
    text: String,
    content_type: String,
    json: Value,
    reason: Option<String>,
}

impl Backend {
    fn new(reply_style: ReplyStyle) -> Self {
        let clock = SetClock::at(NOON);
        let options = WeChatOptions { reply_style, ..WeChatOptions::default() };
        Self { wechat: Arc::new(with(options, EmbeddedLedger::in_memory(), &clock)), clock }
    }

    async fn send(&self, method: &str, path: &str, body: impl Into<Body>) -> Answered {
        let request = Request::builder().method(method).uri(path).body(body.into()).unwrap();
        let response = routes(Arc::clone(&self.wechat))
            .layer(DefaultBodyLimit::max(MAX_BODY_BYTES))
            .oneshot(request)
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        let content_type = response.headers()["content-type"].to_str().unwrap().to_owned();
        let is_session_path = path.starts_with("/sns/");
        let expected = if is_session_path { "text/plain" } else { "application/json; charset=utf-8" };
        assert_eq!(content_type, expected, "{path}");
        let reason =
            response.headers().get("x-soter-sim-reason").map(|reason| reason.to_str().unwrap().to_owned());
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        assert!(!text.contains('\n') && !text.is_empty());
        let json = serde_json::from_str(&text).unwrap();
        let last = self.wechat.journal().before(u64::MAX, 1);
        let verdict = last.last().and_then(|entry| entry.verdict.as_ref());
        let is_told =
            verdict.is_some_and(|verdict| verdict.detail.english().contains("switched on by a user"));
        open_api::assert_documented(path, method, &json, is_told);
        Answered { text, content_type, json, reason }
    }

    async fn get(&self, path: &str) -> Answered {
        self.send("GET", path, Body::empty()).await
    }

    async fn post(&self, path: &str, body: Value) -> Answered {
        self.send("POST", path, body.to_string()).await
    }

    async fn token(&self) -> String {
        let path =
            format!("/cgi-bin/token?grant_type=client_credential&appid={DEFAULT_APPID}&secret={SECRET}");
        let answer = self.get(&path).await;
        assert_eq!(answer.json["expires_in"], 7200);
        answer.json["access_token"].as_str().unwrap().to_owned()
    }

    async fn verify(&self, body: Value) -> Answered {
        let token = self.token().await;
        self.post(&format!("/cgi-bin/soter/verify_signature?access_token={token}"), body).await
    }
}

#[track_caller]
fn assert_errcode(answered: &Answered, errcode: i32, message: &str) {
    assert_eq!(answered.json["errcode"], errcode, "{}", answered.text);
    let errmsg = answered.json["errmsg"].as_str().unwrap();
    let separator = if answered.content_type == "text/plain" { ", rid: " } else { " rid: " };
    let (text, rid) = errmsg.split_once(separator).unwrap();
    assert_eq!(text, message);
    let parts: Vec<_> = rid.split('-').map(str::len).collect();
    assert_eq!(parts, [8, 8, 8]);
}

#[tokio::test]
async fn a_call_that_is_not_emulated_gets_wechats_own_answer_and_is_recorded() {
    let backend = Backend::new(ReplyStyle::Plain);
    for path in [
        "/cgi-bin/user/info",
        "/cgi-bin/token/",
        "/cgi-bin//token",
        "/sns/oauth2/access_token",
        "/wxa/msg_sec_check",
        "/datacube/getweanalysisappiddailysummarytrend",
    ] {
        for method in ["GET", "POST"] {
            let answered = backend.send(method, &format!("{path}?secret=hush"), "{}").await;
            assert_errcode(&answered, 40066, "invalid url");
            assert_eq!(answered.reason.as_deref(), Some("errcode-40066"));
        }
        let written = backend.wechat.journal().after(0, 100);
        let entry = written.last().unwrap();
        assert_eq!(entry.call, format!("POST {path}"));
        assert!(entry.verdict.as_ref().unwrap().detail.english().contains("verify_signature"));
        assert!(!serde_json::to_string(&**entry).unwrap().contains("hush"));
    }
}

#[tokio::test]
async fn a_token_a_session_and_a_result_work_as_with_wechat() {
    let backend = Backend::new(ReplyStyle::Plain);
    let code = backend.wechat.login(DEFAULT_USER, DEFAULT_APPID).await.unwrap();
    let path = format!(
        "/sns/jscode2session?appid={DEFAULT_APPID}&secret={SECRET}&js_code={code}&grant_type=authorization_code&unknown=1"
    );
    let session = backend.get(&path).await.json;
    assert_eq!(session["openid"], OPENID);
    assert!(session["unionid"].is_string());
    assert_eq!(base64::decode(session["session_key"].as_str().unwrap()).unwrap().len(), 16);
    assert_errcode(&backend.get(&path).await, 40163, "code been used");
    assert_errcode(&backend.get(&path.replace(&code, "guess")).await, 40029, "invalid code");

    let mut phone = TestPhone::new("trustonic");
    phone.upload(&backend.wechat, OPENID).await;
    let text = phone.result();
    let body = json!({"openid": OPENID, "json_string": text, "json_signature": phone.signature(&text)});
    let good = backend.verify(body.clone()).await;
    assert_eq!((good.text.as_str(), good.reason.as_deref()), (r#"{"is_ok":true}"#, Some("valid")));
    let again = backend.verify(body).await;
    assert_eq!(
        (again.text.as_str(), again.reason.as_deref()),
        (r#"{"is_ok":false}"#, Some("counter-replayed"))
    );

    let entries = backend.wechat.journal().after(0, 100);
    let last = entries.last().unwrap();
    assert_eq!(last.call, "POST /cgi-bin/soter/verify_signature");
    let verdict = last.verdict.as_ref().unwrap();
    assert_eq!((verdict.is_ok(), &*verdict.reason.name()), (false, "counter-replayed"));
    let written = serde_json::to_string(&entries.iter().map(|entry| &**entry).collect::<Vec<_>>()).unwrap();
    for secret in [SECRET, &code, session["session_key"].as_str().unwrap()] {
        assert!(!written.contains(secret), "{secret} is in the journal");
    }
}

#[tokio::test]
async fn answers_have_the_errcode_shape_if_that_is_chosen() {
    let backend = Backend::new(ReplyStyle::Errcode);
    let mut phone = TestPhone::new("trustonic");
    phone.upload(&backend.wechat, OPENID).await;
    let text = phone.result();
    let signature = phone.signature(&text);
    let answer =
        backend.verify(json!({"openid": OPENID, "json_string": text, "json_signature": signature})).await;
    assert_eq!(answer.text, r#"{"errcode":0,"errmsg":"ok","is_ok":true}"#);
}

#[tokio::test]
async fn members_with_the_names_of_a_cloud_function_are_named_in_the_reason() {
    let backend = Backend::new(ReplyStyle::Plain);
    let of_cloud = json!({"openid": OPENID, "jsonString": "{}", "jsonSignature": "AA=="});
    let answer = backend.verify(of_cloud).await;
    assert_eq!(answer.text, r#"{"is_ok":false}"#);
    let entries = backend.wechat.journal().after(0, 9);
    let details: Vec<_> = entries
        .iter()
        .filter_map(|entry| entry.verdict.as_ref())
        .map(|verdict| verdict.detail.english())
        .collect();
    assert_eq!(
        details,
        [
            "`json_string` is missing or null; expected a string; the body has jsonString, and this path wants json_string; the body has jsonSignature, and this path wants json_signature",
        ]
    );
}

#[tokio::test]
async fn a_body_is_json_whatever_its_content_type() {
    let backend = Backend::new(ReplyStyle::Plain);
    for content_type in [None, Some("application/x-www-form-urlencoded"), Some("text/plain")] {
        let body = json!({"grant_type": "client_credential", "appid": DEFAULT_APPID, "secret": SECRET});
        let mut request = Request::builder().method("POST").uri("/cgi-bin/stable_token");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        let response = routes(Arc::clone(&backend.wechat)).oneshot(request).await.unwrap();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let answer: Value = serde_json::from_slice(&bytes).unwrap();
        assert!(answer["access_token"].is_string(), "{answer}");
    }
}

#[tokio::test]
async fn credentials_are_checked_one_by_one() {
    let backend = Backend::new(ReplyStyle::Plain);
    let grant = "grant_type=client_credential";
    for (query, errcode, message) in [
        (String::new(), 40002, "invalid grant_type"),
        (grant.to_owned(), 41002, "appid missing"),
        (format!("{grant}&appid={DEFAULT_APPID}"), 41004, "appsecret missing"),
        (format!("{grant}&appid=wx0&secret=s"), 40013, "invalid appid"),
        (format!("{grant}&appid={DEFAULT_APPID}&secret=s"), 40125, "invalid appsecret"),
    ] {
        assert_errcode(&backend.get(&format!("/cgi-bin/token?{query}")).await, errcode, message);
    }
    assert_errcode(&backend.send("PUT", "/cgi-bin/token", "{}").await, 43001, "require GET method");
}

#[tokio::test]
async fn invalid_requests_get_an_errcode_with_status_200() {
    let backend = Backend::new(ReplyStyle::Plain);
    let token = backend.token().await;
    let path = format!("/cgi-bin/soter/verify_signature?access_token={token}");
    let invalid = "invalid credential, access_token is invalid or not latest, could get access_token by getStableAccessToken, more details at https://mmbizurl.cn/s/JtxxFh33r";
    assert_errcode(&backend.get(&path).await, 43002, "require POST method");
    assert_errcode(&backend.send("POST", &path, "").await, 44002, "empty post data");
    assert_errcode(&backend.send("POST", &path, "{").await, 47001, "data format error");
    assert_errcode(&backend.send("POST", &path, "[]").await, 47001, "data format error");
    let large = "x".repeat(MAX_BODY_BYTES + 1);
    assert_errcode(&backend.send("POST", &path, large).await, 45002, "content size out of limit");
    assert_errcode(
        &backend.post("/cgi-bin/soter/verify_signature", json!({})).await,
        41001,
        "access_token missing",
    );
    assert_errcode(
        &backend.post("/cgi-bin/soter/verify_signature?access_token=no", json!({})).await,
        40001,
        invalid,
    );
    for openid in [json!("oNobody"), json!(1), json!(null)] {
        let body = json!({"openid": openid, "json_string": "{}", "json_signature": ""});
        assert_errcode(&backend.post(&path, body).await, 40003, "invalid openid");
    }
    backend.clock.advance(Duration::from_hours(2));
    assert_errcode(&backend.post(&path, json!({})).await, 42001, "access_token expired");
}

#[tokio::test]
async fn an_app_without_the_permission_is_refused() {
    let list =
        serde_json::from_value(json!({"app": [{"appid": DEFAULT_APPID, "secret": SECRET, "soter": false}]}));
    let accounts = crate::Accounts::new(list.unwrap()).unwrap();
    let clock = SetClock::at(NOON);
    let options = WeChatOptions { accounts, ..WeChatOptions::default() };
    let backend = Backend { wechat: Arc::new(with(options, EmbeddedLedger::in_memory(), &clock)), clock };
    let body = json!({"openid": OPENID, "json_string": "{}", "json_signature": ""});
    assert_errcode(&backend.verify(body).await, 48001, "api unauthorized");
}

#[tokio::test]
async fn an_ask_of_a_registered_device_verifies_and_another_does_not() {
    let backend = Backend::new(ReplyStyle::Plain);
    let token = backend.token().await;
    let path = format!("/cgi-bin/soter_3rdapp/verify_ask?access_token={token}");
    let mut phone = TestPhone::new("trustonic");
    let (ask, signature) = phone.export_ask();
    let body = json!({"ask_json": ask, "ask_json_signature": base64::encode(&signature)});
    let unknown = backend.post(&path, body.clone()).await;
    assert_eq!(
        (unknown.text.as_str(), unknown.reason.as_deref()),
        (r#"{"is_verified":false}"#, Some("unknown-device"))
    );
    phone.upload(&backend.wechat, OPENID).await;
    assert_eq!(backend.post(&path, body.clone()).await.text, r#"{"is_verified":true}"#);
    let forged =
        json!({"ask_json": ask.replace("10102", "10103"), "ask_json_signature": base64::encode(&signature)});
    assert_eq!(backend.post(&path, forged).await.reason.as_deref(), Some("wrong-signature"));
}

#[tokio::test]
async fn a_phone_with_a_valid_description_is_supported() {
    let backend = Backend::new(ReplyStyle::Plain);
    let token = backend.token().await;
    let path = format!("/cgi-bin/soter_3rdapp/is_support?access_token={token}");
    let ask = |xml: &str| backend.post(&path, json!({"model_key": xml, "sdk_version": "1"}));
    let xml = r#"<deviceinfo><MANUFACTURER name="a"><MODEL name="b"></MODEL></MANUFACTURER></deviceinfo>"#;
    assert_eq!(ask(xml).await.text, r#"{"is_support":true,"support_type":3}"#);
    assert_errcode(&ask("<").await, 90001, "unparsable XML");
    assert_errcode(&ask("<a/>").await, 90002, "illegal node");
}
