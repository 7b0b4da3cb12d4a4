//! Calls of cloud functions: the same answers and reasons as those of the paths, and bounds for everything.

use axum::body::Bytes;
use prost::Message;

use super::*;
use crate::cloud::messages::{CommApiData, CommOpenApiResp, OpenApiData, Pair};
use crate::sessions::switches::{Failure, SwitchChanges};
use crate::test_phone::TestPhone;
use crate::{App, CloudPermissions};

const BOUNDARY: &str = "--------------------------012345678901234567890123";

/// A part of a form as the SDK writes it.
fn part(name: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
    [head.as_bytes(), bytes, b"\r\n"].concat()
}

fn form(parts: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body: Vec<u8> = parts.iter().flat_map(|(name, bytes)| part(name, bytes)).collect();
    body.extend_from_slice(format!("--{BOUNDARY}--\r\n").as_bytes());
    body
}

/// Arguments as the SDK writes them.
fn data(arguments: &Value) -> Vec<u8> {
    let pair = |(key, value): (&String, &Value)| Pair { key: key.clone(), value: value.to_string().into() };
    let pairs = arguments.as_object().unwrap().iter().map(pair).collect();
    CommApiData { openapi_data: Some(OpenApiData { pairs }), appid: String::new() }.encode_to_vec()
}

/// What a function's SDK gets.
#[derive(Debug)]
struct Answer {
    /// Empty if the header is not there.
    reason: String,
    content_type: String,
    body: Bytes,
}

impl Answer {
    /// WeChat's JSON, or the code of its cloud.
    fn message(&self) -> Result<Value, i32> {
        assert_eq!(self.content_type, "application/octet-stream");
        let message = CommOpenApiResp::decode(self.body.clone()).unwrap();
        assert_eq!(message.http_code, 200);
        if message.error_code != 0 {
            return Err(message.error_code);
        }
        assert_eq!(message.content_type, "application/json; charset=utf-8");
        Ok(serde_json::from_slice(&message.resp_data).unwrap())
    }

    fn json(&self) -> Value {
        assert_eq!(self.content_type, "application/json; charset=utf-8");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The text of an error of Tencent's cloud.
    #[track_caller]
    fn error(&self, code: &str) -> String {
        let json = self.json();
        assert_eq!(json["code"], code, "{json}");
        assert_eq!(json["requestId"].as_str().unwrap().len(), 32);
        json["message"].as_str().unwrap().to_owned()
    }
}

impl Backend {
    fn with_permissions(names: &[&str]) -> Self {
        let clock = SetClock::at(NOON);
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        let options =
            WeChatOptions { cloud_permissions: CloudPermissions::Listed(names), ..WeChatOptions::default() };
        Self { wechat: Arc::new(with(options, EmbeddedLedger::in_memory(), &clock)), clock }
    }

    fn api_token(&self) -> String {
        self.wechat.cloud_api_token(self.wechat.accounts().first_app()).expose().to_owned()
    }

    async fn post_cloud(&self, content_type: &str, body: impl Into<Body>) -> Answer {
        let request = Request::post("/admin?&eventId=1&seqId=2").header("content-type", content_type);
        let response =
            routes(Arc::clone(&self.wechat)).oneshot(request.body(body.into()).unwrap()).await.unwrap();
        assert_eq!(response.status(), 200);
        let header = |name| {
            response.headers().get(name).map_or_else(String::new, |value| value.to_str().unwrap().to_owned())
        };
        let (reason, content_type) = (header("x-soter-sim-reason"), header("content-type"));
        Answer {
            reason,
            content_type,
            body: axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap(),
        }
    }

    async fn post_form(&self, parts: &[(&str, &[u8])]) -> Answer {
        self.post_cloud(&format!("multipart/form-data; boundary={BOUNDARY}"), form(parts)).await
    }

    async fn open_api(&self, api: &str, data: &[u8]) -> Answer {
        let token = self.api_token();
        self.post_form(&[
            ("action", b"wx.openApi"),
            ("apiName", api.as_bytes()),
            ("requestData", data),
            ("wxCloudApiToken", token.as_bytes()),
            ("envName", b""),
        ])
        .await
    }

    async fn call_function(&self, api: &str, arguments: &Value) -> Answer {
        self.open_api(api, &data(arguments)).await
    }

    fn last_entry(&self) -> Value {
        serde_json::to_value(&**self.wechat.journal().after(0, 1000).last().unwrap()).unwrap()
    }
}

#[tokio::test]
async fn a_result_is_judged_as_over_https_with_its_reason_in_the_journal() {
    let backend = Backend::new(ReplyStyle::Plain);
    let mut phone = TestPhone::new("trustonic");
    phone.upload(&backend.wechat, OPENID).await;
    let text = phone.result();
    let arguments = json!({"openid": OPENID, "json_string": text, "json_signature": phone.signature(&text)});
    for (is_ok, reason) in [(true, "valid"), (false, "counter-replayed")] {
        let answer = backend.call_function("soter.verifySignature", &arguments).await;
        assert_eq!(answer.message(), Ok(json!({"is_ok": is_ok})));
        assert_eq!(answer.reason, reason);
        let entry = backend.last_entry();
        assert_eq!(entry["call"], "POST /admin soter.verifySignature");
        assert_eq!(entry["request"]["body"], arguments);
        assert_eq!(
            (&entry["answer"], &entry["judgement"]["reason"]),
            (&json!({"is_ok": is_ok}), &json!(reason))
        );
        assert!(!entry.to_string().contains(&backend.api_token()));
    }
    let unknown = json!({"openid": "$openid", "json_string": "{}", "json_signature": ""});
    let answer = backend.call_function("soter.verifySignature", &unknown).await.message().unwrap();
    assert_eq!(answer["errcode"], 40003);
    assert!(answer["errmsg"].as_str().unwrap().starts_with("invalid openid rid: "), "{answer}");
}

#[tokio::test]
async fn a_phone_number_is_answered_as_over_https() {
    let backend = Backend::new(ReplyStyle::Plain);
    let code = backend.wechat.phone_code(DEFAULT_USER, DEFAULT_APPID).await.unwrap();
    let arguments = json!({"code": code});
    let answer = backend.call_function("phonenumber.getPhoneNumber", &arguments).await.message().unwrap();
    assert_eq!(answer["phone_info"]["countryCode"], "86");
    assert_eq!(answer["phone_info"]["watermark"]["appid"], DEFAULT_APPID);
    assert!(!backend.last_entry()["request"].to_string().contains(&code), "a code is a credential");
    let again = backend.call_function("phonenumber.getPhoneNumber", &arguments).await;
    assert_eq!(again.message().unwrap()["errcode"], 40029);
    let missing = backend.call_function("phonenumber.getPhoneNumber", &json!({})).await;
    assert_eq!(missing.message().unwrap()["errcode"], 41008);
}

#[tokio::test]
async fn json_calls_get_the_answer_as_a_text_in_json() {
    let backend = Backend::new(ReplyStyle::Plain);
    let call = |api: &str, data: &str| {
        let body = json!({
            "action": "wx.api", "apiName": api, "requestData": data, "wxCloudApiToken": backend.api_token(),
        });
        body.to_string()
    };
    let data = json!({"openid": OPENID, "json_string": "{}", "json_signature": "AA=="}).to_string();
    for api in ["soter.verifySignature", "/soter.verifySignature"] {
        let answer = backend.post_cloud("application/json", call(api, &data)).await;
        let json = answer.json();
        assert_eq!(json["data"], json!({"responseData": "{\"is_ok\":false}"}));
        assert!(json["requestId"].is_string() && answer.reason == "signature-length", "{answer:?}");
    }
    let answer = backend.post_cloud("application/json", call("soter.verifySignature", "no JSON")).await;
    assert!(answer.json()["data"]["responseData"].as_str().unwrap().contains("47001"));
    let unknown = backend.post_cloud("application/json", call("/inner/svrkitclientcall", "{}")).await;
    assert_eq!(unknown.error("INVALID_PARAM"), "-604100 API not found");
}

#[tokio::test]
async fn methods_that_are_not_emulated_or_not_permitted_get_the_codes_of_wechats_cloud() {
    let backend = Backend::with_permissions(&["soter.verifySignature", "wxacode.get"]);
    for (api, expected) in [
        ("wxacode.get", -604_100),
        ("", -604_100),
        ("Soter.verifySignature", -604_100),
        ("phonenumber.getPhoneNumber", -604_101),
    ] {
        let answer = backend.call_function(api, &json!({})).await;
        assert_eq!(answer.message(), Err(expected), "{api}");
        assert_eq!(answer.reason, format!("errcode{expected}"));
        let entry = backend.last_entry();
        assert_eq!(entry["answer"]["errorCode"], expected);
        assert!(!entry["judgement"]["detail"].as_str().unwrap().is_empty(), "{entry}");
    }
    let permitted = backend.call_function("soter.verifySignature", &json!({})).await;
    assert_eq!(permitted.message().unwrap()["errcode"], 40003);
}

#[tokio::test]
async fn another_action_is_answered_with_the_limit() {
    let backend = Backend::new(ReplyStyle::Plain);
    for action in ["functions.invokeFunction", "database.getDocument"] {
        let answer = backend.post_cloud("application/json", json!({"action": action}).to_string()).await;
        let message = answer.error("INVALID_PARAM");
        assert!(message.contains("emulates the action wx.openApi") && message.contains(action), "{message}");
        assert_eq!(answer.reason, "cloud-action-not-emulated");
    }
    let other_form =
        backend.post_cloud("application/json", json!({"action": "wx.openApi"}).to_string()).await;
    assert!(other_form.error("INVALID_PARAM").contains("is JSON, and SDKs send a form"), "{other_form:?}");
    let upload = backend.post_form(&[("action", b"storage.uploadFile"), ("file", &[0; 9])]).await;
    assert!(upload.error("INVALID_PARAM").contains("storage.uploadFile"));
    let odd = backend.post_form(&[("action", b"\x1b[2J\r\nx")]).await;
    assert!(odd.error("INVALID_PARAM").ends_with("and not (unreadable)"), "{odd:?}");
}

#[tokio::test]
async fn a_call_without_the_apps_own_token_is_refused() {
    let backend = Backend::new(ReplyStyle::Plain);
    let access_token = backend.token().await;
    let other = backend.wechat.cloud_api_token(&App::new("wx0000000000000000", SECRET));
    let guess = backend.wechat.cloud_api_token(&App::new(DEFAULT_APPID, "guess"));
    for token in ["", "x", &access_token, other.expose(), guess.expose(), &"x".repeat(100_000)] {
        let parts: [(&str, &[u8]); 3] = [
            ("action", b"wx.openApi"),
            ("apiName", b"soter.verifySignature"),
            ("wxCloudApiToken", token.as_bytes()),
        ];
        let answer = backend.post_form(&parts).await;
        assert!(answer.error("INVALID_REQUEST_SOURCE").contains("WX_API_TOKEN"), "{answer:?}");
        assert_eq!(answer.reason, "cloud-token-invalid");
    }
    let other_app = CommApiData { appid: "wx0000000000000000".to_owned(), ..CommApiData::default() };
    let answer = backend.open_api("soter.verifySignature", &other_app.encode_to_vec()).await;
    assert!(answer.error("INVALID_REQUEST_SOURCE").contains("another appid"));
}

#[tokio::test]
async fn what_is_switched_on_for_a_path_happens_to_cloud_functions_as_well() {
    let backend = Backend::new(ReplyStyle::Plain);
    let failure = Failure { errcode: 45009, times: Some(1), path: Some(WeChatPath::VerifySignature) };
    let changes = SwitchChanges { failure: Some(Some(failure)), delay: Some(30), ..SwitchChanges::default() };
    backend.wechat.change_switches(changes).await.unwrap();
    let other = backend.call_function("phonenumber.getPhoneNumber", &json!({})).await.message().unwrap();
    let first = backend.call_function("soter.verifySignature", &json!({})).await.message().unwrap();
    assert!(backend.last_entry()["microseconds"].as_u64().unwrap() >= 30_000);
    let second = backend.call_function("soter.verifySignature", &json!({})).await.message().unwrap();
    assert_eq!(
        (&other["errcode"], &first["errcode"], &second["errcode"]),
        (&json!(41008), &json!(45009), &json!(40003))
    );
    let failure = Some(Some(Failure { path: Some(WeChatPath::CloudCalls), ..failure }));
    let refused = backend.wechat.change_switches(SwitchChanges { failure, ..SwitchChanges::default() }).await;
    assert!(refused.unwrap_err().to_string().contains("/admin"));
}

#[tokio::test]
async fn what_is_not_a_request_of_an_sdk_is_refused_within_bounds() {
    let backend = Backend::new(ReplyStyle::Plain);
    let form_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let many: Vec<u8> = (0..10_000).flat_map(|_| part("action", b"wx.openApi")).collect();
    let endless = part("action", &vec![b'x'; 500_000]);
    for (content_type, body) in [
        (form_type.as_str(), Vec::new()),
        (&form_type, many),
        (&form_type, endless[..endless.len() - 9].to_vec()),
        (&form_type, part(&"n".repeat(300_000), b"")),
        (&form_type, vec![b'-'; 1 << 20]),
        (&form_type, form(&[("action", &vec![b'x'; MAX_BODY_BYTES])])),
        ("multipart/form-data", form(&[])),
        ("multipart/form-data; boundary=", form(&[])),
        (&format!("multipart/form-data; boundary={}", "b".repeat(1 << 20)), form(&[])),
        ("text/plain", b"hello".to_vec()),
        ("application/json", vec![b'['; 100_000]),
        ("application/json", vec![b' '; MAX_BODY_BYTES + 1]),
    ] {
        let answer = backend.post_cloud(content_type, body).await;
        assert!(!answer.error("INVALID_PARAM").is_empty());
        assert!(answer.error("INVALID_PARAM").len() < 300, "{answer:?}");
        assert_eq!(answer.reason, "cloud-request-malformed");
    }
    let get = Request::get("/admin").body(Body::empty()).unwrap();
    let refused = routes(Arc::clone(&backend.wechat)).oneshot(get).await.unwrap();
    assert_eq!(
        (refused.status(), &refused.headers()["x-soter-sim-reason"]),
        (StatusCode::OK, &"cloud-request-malformed".parse().unwrap())
    );
}

#[tokio::test]
async fn protocol_buffers_that_lie_are_refused_within_bounds() {
    let backend = Backend::new(ReplyStyle::Plain);
    let empty_pair = [0x0a, 0x00];
    let pairs = |number: usize| {
        let pairs = empty_pair.repeat(number);
        let mut data = vec![0x12];
        prost::encoding::encode_varint(pairs.len().try_into().unwrap(), &mut data);
        [data, pairs].concat()
    };
    // A group in a group, as deep as the bytes allow.
    let nested = vec![0x5b; 100_000];
    let too_long = [vec![0x12], vec![0xff; 9], vec![0x01]].concat();
    for data in
        [pairs(65), pairs(60_000), vec![0; 128 << 10 | 1], nested, too_long, vec![0x12, 0x7f], vec![0xff; 20]]
    {
        let answer = backend.open_api("soter.verifySignature", &data).await;
        assert!(answer.error("INVALID_PARAM").len() < 300, "{answer:?}");
        assert_eq!(answer.reason, "cloud-request-malformed");
    }
    // The value is not JSON, as of a file.
    let pair = Pair { key: "media".to_owned(), value: Bytes::from_static(b"\xff\xd8") };
    let media = CommApiData { openapi_data: Some(OpenApiData { pairs: vec![pair] }), appid: String::new() };
    let answer = backend.open_api("soter.verifySignature", &media.encode_to_vec()).await;
    assert_eq!(answer.message().unwrap()["errcode"], 47001);
    let honest = backend.call_function("soter.verifySignature", &json!({})).await;
    assert_eq!(honest.message().unwrap()["errcode"], 40003);
}

#[tokio::test]
async fn a_service_in_wechat_cloud_run_needs_no_token_and_its_good_answers_are_marked() {
    let clock = SetClock::at(NOON);
    let options = WeChatOptions { cloud_run: true, ..WeChatOptions::default() };
    let wechat = Arc::new(with(options, EmbeddedLedger::in_memory(), &clock));
    let backend = Backend { wechat, clock };
    let token = backend.token().await;
    for (path, errcode, is_marked) in [
        ("/cgi-bin/getcallbackip".to_owned(), None, true),
        (format!("/cgi-bin/getcallbackip?access_token={token}"), None, false),
        (format!("/cgi-bin/getcallbackip?cloudbase_access_token={token}"), None, false),
        ("/cgi-bin/getcallbackip?access_token=guess".to_owned(), Some(40001), false),
        ("/wxa/checksession?openid=oNobody".to_owned(), Some(40003), false),
    ] {
        let request = Request::get(&path).body(Body::empty()).unwrap();
        let response = routes(Arc::clone(&backend.wechat)).oneshot(request).await.unwrap();
        let mark = response.headers().get("x-openapi-seqid");
        assert_eq!(mark.is_some_and(|mark| mark.len() == 32), is_marked, "{path}");
        let answer = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert_eq!(answer["errcode"].as_i64(), errcode, "{path}: {answer}");
    }
}

#[tokio::test]
async fn elsewhere_a_call_without_a_token_is_refused_and_the_reason_names_the_switch() {
    let backend = Backend::new(ReplyStyle::Plain);
    assert_errcode(&backend.get("/cgi-bin/getcallbackip").await, 41001, "access_token missing");
    assert!(backend.last_entry()["judgement"]["detail"].as_str().unwrap().contains("--cloudrun"));
}
