//! Clients with different languages on one server.

use soter_text::Language;
use soter_wechat::{Reason, Verdict};

use super::*;
use crate::protocol::verify::VerifySignature;

/// A check whose answer has a text for people.
fn check(id: u64) -> Message {
    call(id, "verify.signature", json!({"key": "", "json": "", "signature": ""}))
}

const ENGLISH_DETAIL: &str = "the key cannot be read: it is empty. Forms:";
const CHINESE_DETAIL: &str = "无法读取密钥：它是空的。格式：密钥可以是 PEM";

/// A key, for checks that go on to the signature.
const KEY: &str = "-----BEGIN PUBLIC KEY-----\n\
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtNPc5/raBOnrbgIiztNq\n\
QOGqM8dRRT+hOUuTGmn83TkLhhprAlNb9fGKVZtVmrlTNlcGoO94mNRHHVjVcjkw\n\
i6DEQ9Q43t/8hpdLmUavFtVGJ2xNOnxt7K1H4a6f7YDoYBoiI7zbmViorxGBUzCG\n\
eYHL6M0zqVyLuk4VhHlkAHMmps41nzRAL6odWw5iSFdGr9x+qBMMyeIbcX1H+Wve\n\
NNYiWMmVVXmsCMiNwYbkWknNc7o4M5DHDooZw28qKG2CDDC7W6pVvqOOU+fimXdQ\n\
pMR4qYgc39DcTD5bmtFzoRwtfEXqB1GrR7FN/JtFZ7gll0uPL7nxeknC8MKgXeHv\n\
NwIDAQAB\n\
-----END PUBLIC KEY-----\n";

#[tokio::test]
async fn a_connection_gets_answers_errors_and_events_in_its_language_and_others_in_theirs() {
    let server = start(|_| {}).await;
    let mut chinese = server.socket_at("/ws?lang=zh-CN").await;
    let mut english = server.socket_at("/ws?other=zh-CN").await;
    for (socket, detail, message, next_step) in [
        (&mut chinese, CHINESE_DETAIL, "没有方法 `no.such`", "方法以 wx., "),
        (&mut english, ENGLISH_DETAIL, "no method `no.such`", "methods start with wx., "),
    ] {
        socket.send(check(1)).await.unwrap();
        let answer = next(socket).await;
        assert_eq!(answer["result"]["reason"], "bad-key");
        assert!(answer["result"]["detail"].as_str().unwrap().starts_with(detail), "{answer}");
        socket.send(call(2, "no.such", json!({}))).await.unwrap();
        let error = &next(socket).await["error"];
        assert_eq!(
            (&error["code"], &error["message"], &error["data"]["kind"]),
            (&json!(-32601), &json!(message), &json!("unknownMethod"))
        );
        assert!(error["data"]["next"].as_str().unwrap().starts_with(next_step), "{error}");
    }
    for socket in [&mut chinese, &mut english] {
        let topics = json!({"topics": ["phone", "journal"]});
        socket.send(call(3, "events.subscribe", topics)).await.unwrap();
        assert_eq!(next(socket).await["result"], json!({}));
    }
    let verdict = Verdict::new(Reason::ValidReplay, Reason::ValidReplay.meaning_text());
    let event = soter_wechat::Event::SignatureJudged { appid: "wx", openid: "o", verdict: &verdict };
    server.service.events.send(event.into()).unwrap();
    for (socket, detail) in [
        (&mut chinese, "签名成立，但计数器不是新的；已按设置接受重放。"),
        (&mut english, "The signature holds, but the counter is not new; replays are accepted as told."),
    ] {
        let event = &next(socket).await;
        assert_eq!((&event["method"], &event["params"]["detail"]), (&json!("event"), &json!(detail)));
    }
    let pending = PendingCall::begin(Origin::WeChat);
    server.journal.record(pending.into_entry(0, "POST /x", json!({}), Value::Null, Some(verdict)));
    for (socket, detail) in [(&mut chinese, "签名成立"), (&mut english, "The signature holds")] {
        let entry = &next(socket).await;
        assert_eq!(entry["method"], "journal");
        assert!(entry["params"]["judgement"]["detail"].as_str().unwrap().starts_with(detail), "{entry}");
    }
    for (path, detail) in
        [("/sim/journal?after=0&lang=zh", "签名成立"), ("/sim/journal?after=0", "The signature holds")]
    {
        assert!(server.get(path, "").await.contains(detail), "{path}");
    }
}

#[tokio::test]
async fn the_journal_keeps_english_whatever_language_its_clients_speak() {
    let server = start(|_| {}).await;
    let mut socket = server.socket_at("/ws?lang=zh-CN").await;
    socket.send(check(1)).await.unwrap();
    next(&mut socket).await;
    socket.send(call(2, "no.such", json!({}))).await.unwrap();
    next(&mut socket).await;
    let journal = server.get("/sim/journal", "").await;
    assert!(journal.contains(ENGLISH_DETAIL) && journal.contains("no method `no.such`"), "{journal}");
    assert!(!journal.contains("密钥") && !journal.contains("没有方法"), "{journal}");
}

#[tokio::test]
async fn a_posted_call_is_answered_in_the_language_of_its_address() {
    let server = start(|_| {}).await;
    let post = async |path: &str, body: &str| server.request("POST", path, "", body).await;
    let body = check(1).into_text().unwrap();
    assert!(post("/rpc?lang=zh-CN", &body).await.contains(CHINESE_DETAIL));
    assert!(post("/rpc", &body).await.contains(ENGLISH_DETAIL));
    assert!(post("/rpc?lang=zh_CN.UTF-8", "nonsense").await.contains("这不是 JSON："));
    assert!(post("/rpc?lang=en", "nonsense").await.contains("this is not JSON: "));
}

#[tokio::test]
async fn a_language_that_the_server_does_not_speak_is_refused() {
    let server = start(|_| {}).await;
    let upgrade = "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    for answer in [
        server.request("POST", "/rpc?lang=fr", "", "{}").await,
        server.get("/sim/journal?lang=", "").await,
        server.raw(&format!("GET /ws?lang=x HTTP/1.1\r\nHost: {}\r\n{upgrade}\r\n", server.address)).await,
    ] {
        assert_status(&answer, 400);
        assert!(answer.contains("`lang` is not a language of this server"), "{answer}");
        assert!(answer.contains("send ?lang=en or ?lang=zh-CN, or leave it out for English"), "{answer}");
    }
}

#[tokio::test]
async fn the_client_asks_for_its_language() {
    let server = start(|_| {}).await;
    let url = format!("http://{}", server.address);
    let check =
        VerifySignature { key: String::new(), json: String::new(), signature: String::new(), salt: None };
    for (language, detail, message) in [
        (Language::Chinese, CHINESE_DETAIL, "没有方法 `no.such`"),
        (Language::English, ENGLISH_DETAIL, "no method `no.such`"),
    ] {
        let connection = Connection::open_in_language(&url, None, language).await.unwrap();
        let verdict = connection.request(None, check.clone()).await.unwrap();
        // What comes from a server is in its language already.
        assert!(verdict.detail.localized().starts_with(detail), "{verdict:?}");
        let answer = connection.raw("verify.signature", json!(check)).await.unwrap();
        assert!(answer["detail"].as_str().unwrap().starts_with(detail), "{answer}");
        // An error comes in both, so that what is done with it does not depend on the language.
        let error = connection.raw("no.such", json!({})).await.unwrap_err();
        assert_eq!(error.what.in_language(language), message);
        for (language, what, next) in [
            (Language::Chinese, "没有方法 `no.such`", "方法以 wx., "),
            (Language::English, "no method `no.such`", "methods start with wx., "),
        ] {
            assert_eq!(error.what.in_language(language), what);
            assert!(error.next.in_language(language).starts_with(next), "{error:?}");
        }
    }
}

#[tokio::test]
async fn the_cause_within_a_sentence_is_in_the_language_too() {
    let server = start(|_| {}).await;
    let mut socket = server.socket_at("/ws?lang=zh-CN").await;
    let broken_key = "-----BEGIN PUBLIC KEY-----\nno Base64!\n-----END PUBLIC KEY-----\n";
    for (key, signature, reason, cause) in [
        (broken_key, "", "bad-key", "无法读取密钥：不是 PEM 块 `PUBLIC KEY`：正文不是 Base64。"),
        (KEY, "not!Base64", "bad-signature-encoding", "签名有误：不是标准 Base64（"),
    ] {
        let params = json!({"key": key, "json": "{}", "signature": signature});
        socket.send(call(1, "verify.signature", params)).await.unwrap();
        let answer = next(&mut socket).await["result"].take();
        assert_eq!(answer["reason"], reason, "{answer}");
        assert!(answer["detail"].as_str().unwrap().starts_with(cause), "{answer}");
    }
}

#[tokio::test]
async fn a_refusal_is_in_the_language_that_its_address_asks_for_except_on_the_paths_of_wechat() {
    let server = start(|_| {}).await;
    let foreign = "Host: evil.test\r\n";
    for (method, path, headers, status, part) in [
        ("GET", "/sim/journal?lang=zh-CN&after=x", "", 400, "`after` 不是数字"),
        ("GET", "/sim/journal?after=x", "", 400, "`after` is not a number"),
        ("GET", "/ws?lang=zh-CN", "", 426, "此路径使用 WebSocket"),
        ("GET", "/rpc?lang=zh-CN", "", 405, "此路径不接受 GET"),
        ("POST", "/rpc?lang=zh-CN", foreign, 403, "请用 --allow-host evil.test 启动"),
        ("POST", "/rpc?lang=fr", foreign, 403, "start with --allow-host evil.test"),
        ("GET", "/health?lang=zh-CN", foreign, 403, "请用 --allow-host evil.test 启动"),
        ("GET", "/sim/ca.pem?lang=zh-CN", "", 404, "此服务器没有启用 TLS"),
        ("GET", "/sim/ca.pem?lang=fr", "", 404, "this server has no TLS"),
        ("GET", "/sim/reset?lang=zh-CN", "", 405, "此路径不接受 GET"),
        ("GET", "/nothing?lang=zh-CN", "", 404, "此路径没有内容"),
        ("GET", "/no/path?lang=zh-CN", "", 404, "there is nothing at this path"),
    ] {
        let answer = server.request(method, path, headers, "").await;
        assert_status(&answer, status);
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(body.contains(part), "{answer}");
        let length = format!("content-length: {}", body.len());
        assert!(head.to_ascii_lowercase().lines().any(|line| line == length), "{answer}");
    }
}

#[tokio::test]
async fn a_notice_about_a_refused_client_is_one_sentence_in_each_language() {
    let server = start(|_| {}).await;
    // Once, although it is refused twice.
    for path in ["/health", "/rpc?lang=zh-CN"] {
        assert_status(&server.get(path, "Host: evil.test\r\n").await, 403);
    }
    let notices = server.notices.lock().unwrap();
    assert_eq!(notices.len(), 1, "{notices:?}");
    for (language, sentence) in [
        (
            Language::English,
            "the host evil.test is not let in; to let it in: start with --allow-host evil.test",
        ),
        (Language::Chinese, "主机 evil.test 未获准访问；要允许它，请用 --allow-host evil.test 启动"),
    ] {
        assert_eq!(notices[0].in_language(language), sentence);
    }
}
