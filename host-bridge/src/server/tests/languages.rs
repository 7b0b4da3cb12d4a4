//! Clients that ask for a language, and others beside them.

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
        let error = connection.raw("no.such", json!({})).await.unwrap_err();
        assert_eq!(error.what.localized(), message);
    }
}

#[tokio::test]
async fn the_meanings_of_reasons_and_codes_are_in_the_language_of_the_connection() {
    let server = start(|_| {}).await;
    for (path, reason, code) in [
        ("/ws?lang=zh-CN", "无法读取密钥。", "用户取消，或者对话框被关闭。"),
        ("/ws", "The key cannot be read.", "The user cancelled, or the dialog was closed."),
    ] {
        let mut socket = server.socket_at(path).await;
        socket.send(call(1, "rpc.meanings", json!({}))).await.unwrap();
        let meanings = next(&mut socket).await["result"].take();
        let [reasons, codes] = ["reasons", "codes"].map(|name| meanings[name].as_array().unwrap());
        assert_eq!(reasons.len(), Reason::ALL.len());
        assert_eq!((&reasons[0]["name"], &reasons[0]["meaning"]), (&json!("bad-key"), &json!(reason)));
        assert!(codes.iter().any(|known| known["code"] == 90008 && known["meaning"] == code), "{path}");
    }
}
