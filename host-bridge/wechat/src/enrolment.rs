//! `POST /sim/devices`: uploads the keys of a phone that runs elsewhere, as its factory and WeChat's client would.
//!
//! It is for audits, whose phones are not on this desk. Everything must be proven: the device root signs the ASK (or
//! a chain up to the emulated root vouches for it), the ASK signs the AuthKey, and counters grow.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use serde::Deserialize;
use serde_json::{Value, json};
use soter_text::text;
use soter_wire::{ExportBlob, KeyJson, PublicKey, base64, shortened};
use tracing::debug;

use crate::answer::{Answer, JSON_TYPE};
use crate::journal::{Origin, PendingCall};
use crate::paths::WeChatPath;
use crate::reasons::Reason;
use crate::servers::WeChat;
use crate::upload::DeviceKeys;
use crate::verdict::Verdict;

/// Maximum number of devices, enrolled ones and those of the desk together.
const MAX_DEVICES: usize = 200_000;
/// Maximum number of AuthKeys of one app on one device.
const MAX_AUTH_KEYS: usize = 1024;
/// Maximum length of an openid, cpu_id or uid, in characters.
const MAX_NAME_CHARACTERS: usize = 128;

/// The request's body. Members that are not named here are for verifiers that store less, and are ignored.
#[derive(Deserialize)]
struct Device {
    /// The device.
    cpu_id: String,
    /// The device root's public half, PEM.
    attk: String,
    /// The ASK's export.
    ask: Export,
    /// The AuthKey's export.
    auth_key: Export,
    /// The mini program.
    appid: String,
    /// Its user, who need not be known before.
    openid: String,
}

/// JSON and signature of an exported key.
#[derive(Deserialize)]
struct Export {
    json: String,
    /// Standard Base64; empty for a certificate chain.
    #[serde(default)]
    signature: String,
}

pub(crate) async fn enroll(
    State(wechat): State<Arc<WeChat>>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let call = PendingCall::begin(Origin::WeChat);
    let (request, outcome) = match body {
        Ok(bytes) => match serde_json::from_slice::<Value>(&bytes) {
            Ok(request) => {
                let outcome = wechat.enroll(&request).await;
                (request, outcome)
            }
            Err(error) => (
                Value::Null,
                Err(Verdict::new(
                    Reason::MalformedJson,
                    text!("the body is not JSON: {error}", error = error.to_string()),
                )),
            ),
        },
        Err(_) => (
            Value::Null,
            Err(Verdict::new(Reason::TooLong, text!("the body did not arrive, or is too long"))),
        ),
    };
    let verdict = outcome
        .err()
        .unwrap_or_else(|| Verdict::new(Reason::Valid, text!("the chain from device root to AuthKey holds")));
    debug!(microseconds = call.microseconds(), reason = &*verdict.reason.name(), "WeChat's servers answered");
    let body = json!({"enrolled": verdict.is_ok(), "reason": verdict.reason, "detail": verdict.detail});
    let path = WeChatPath::Devices.path();
    wechat.journal().record(call.into_entry(
        wechat.now(),
        format!("POST {path}"),
        request,
        &body,
        Some(verdict.clone()),
    ));
    Answer::with_verdict(body, verdict).response(JSON_TYPE)
}

impl WeChat {
    async fn enroll(&self, request: &Value) -> Result<(), Verdict> {
        let device = Device::deserialize(request).map_err(|error| {
            let detail = text!(
                "{error}; send cpu_id, attk, ask, auth_key, appid and openid",
                error = error.to_string()
            );
            Verdict::new(Reason::MissingField, detail)
        })?;
        let attk = PublicKey::from_pem(&device.attk).map_err(|error| {
            Verdict::new(Reason::BadKey, text!("attk cannot be read: {error}", error = error.text()))
        })?;
        if self.accounts().app(&device.appid).is_none() {
            let shown = shortened(&device.appid, 40);
            return Err(Verdict::new(
                Reason::OtherAppsResult,
                text!("there is no mini program `{appid}`", appid = shown.escape_debug()),
            ));
        }
        let export = KeyJson::decode(device.auth_key.json.as_bytes()).map_err(|error| {
            Verdict::new(Reason::MalformedJson, text!("the AuthKey's export: {error}", error = error.text()))
        })?;
        let is_name = |text: &str| {
            (1..=MAX_NAME_CHARACTERS).contains(&text.len())
                && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if ![&device.openid, &device.cpu_id, &export.uid].into_iter().all(|name| is_name(name)) {
            let what = text!(
                "openid, cpu_id and uid must have 1 to {most} printable characters",
                most = MAX_NAME_CHARACTERS
            );
            return Err(Verdict::new(Reason::WrongType, what));
        }
        let devices = self.device_count().await?;
        let known = self.ledger.app_keys(&device.cpu_id, &export.uid).await?;
        let is_known = known.is_some();
        let auth_keys = known.map_or(0, |known| known.auth_keys.len());
        if (devices >= MAX_DEVICES && !is_known) || auth_keys >= MAX_AUTH_KEYS {
            let what = text!(
                "{devices} devices are known, and {auth_keys} AuthKeys of this app",
                devices = devices,
                auth_keys = auth_keys
            );
            return Err(Verdict::new(Reason::TooMany, what));
        }
        let [ask, auth_key] = [&device.ask.signature, &device.auth_key.signature].map(|text| {
            base64::decode(text).map_err(|error| {
                Verdict::new(
                    Reason::BadSignatureEncoding,
                    text!("a signature is {error}", error = error.text()),
                )
            })
        });
        let keys = DeviceKeys {
            cpu_id: &device.cpu_id,
            attk: &attk,
            ask: &ExportBlob { json: device.ask.json.into_bytes(), signature: ask? },
            auth_key: &ExportBlob { json: device.auth_key.json.into_bytes(), signature: auth_key? },
            appid: &device.appid,
            openid: &device.openid,
        };
        self.upload_device(keys).await.map_err(|error| Verdict::new(error.reason(), error.text()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accounts::DEFAULT_APPID;
    use crate::test_phone::{TestPhone, public};
    use crate::test_servers::wechat;
    use crate::upload::KeyOwner;

    const OPENID: &str = "oFromElsewhere";

    fn upload(phone: &mut TestPhone) -> Value {
        let export = |(json, signature): (String, Vec<u8>)| json!({"json": json, "signature": base64::encode(&signature)});
        let (ask, auth_key) = (export(phone.export_ask()), export(phone.export_auth_key()));
        json!({
            "cpu_id": phone.cpu_id, "attk": public(phone.attk).to_pem(), "ask": ask, "auth_key": auth_key,
            "appid": DEFAULT_APPID, "openid": OPENID, "salt_length": 20,
        })
    }

    #[tokio::test]
    async fn an_enrolled_phone_is_known_with_its_user_until_a_reset() {
        let (wechat, mut phone) = (wechat(), TestPhone::new("trustonic"));
        assert!(!wechat.has_openid(DEFAULT_APPID, OPENID).await.unwrap());
        assert_eq!(wechat.enroll(&upload(&mut phone)).await, Ok(()));
        assert!(wechat.has_openid(DEFAULT_APPID, OPENID).await.unwrap());
        let owner = KeyOwner { cpu_id: &phone.cpu_id, uid: &phone.uid, appid: DEFAULT_APPID, openid: OPENID };
        let lacks =
            wechat.missing_uploads(owner, &public(phone.ask), Some(&public(phone.auth_key))).await.unwrap();
        assert!(!lacks.device && !lacks.ask && !lacks.auth_key);
        wechat.reset(1).await.unwrap();
        assert!(!wechat.has_openid(DEFAULT_APPID, OPENID).await.unwrap());
    }

    #[tokio::test]
    async fn an_enrolment_without_proof_is_refused_with_its_reason() {
        let long = "x".repeat(MAX_NAME_CHARACTERS + 1);
        for (member, value, reason) in [
            ("attk", json!("no key"), Reason::BadKey),
            ("attk", json!(public(3).to_pem()), Reason::WrongSignature),
            ("ask", json!({"json": "{}", "signature": "AAAA"}), Reason::MalformedJson),
            ("ask", json!({"json": "{}"}), Reason::MalformedJson),
            ("auth_key", json!({"json": "{}", "signature": "AAAA"}), Reason::MalformedJson),
            ("appid", json!("wx0"), Reason::OtherAppsResult),
            ("openid", json!(""), Reason::WrongType),
            ("openid", json!(long), Reason::WrongType),
            ("cpu_id", json!(long), Reason::WrongType),
            ("cpu_id", json!(7), Reason::MissingField),
            ("cpu_id", json!("another"), Reason::UnknownDevice),
            ("auth_key", Value::Null, Reason::MissingField),
        ] {
            let (wechat, mut phone) = (wechat(), TestPhone::new("trustonic"));
            let good = upload(&mut phone);
            let mut request = good.clone();
            request[member] = value;
            let refused = wechat.enroll(&request).await.unwrap_err();
            assert_eq!(refused.reason, reason, "{member}: {refused:?}");
            assert!(!wechat.has_openid(DEFAULT_APPID, OPENID).await.unwrap());
            assert_eq!(wechat.ledger.device_count().await, Ok(0), "{member}");
            assert_eq!(wechat.enroll(&good).await, Ok(()), "{member}");
        }
    }

    #[tokio::test]
    async fn an_upload_is_accepted_once() {
        let (wechat, mut phone) = (wechat(), TestPhone::new("trustonic"));
        let request = upload(&mut phone);
        assert_eq!(wechat.enroll(&request).await, Ok(()));
        assert_eq!(wechat.enroll(&request).await.unwrap_err().reason, Reason::CounterRolledBack);
    }

    #[tokio::test]
    async fn a_known_key_is_refused_for_another_user() {
        let (wechat, mut phone) = (wechat(), TestPhone::new("trustonic"));
        assert_eq!(wechat.enroll(&upload(&mut phone)).await, Ok(()));
        let mut request = upload(&mut phone);
        request["openid"] = json!("oSomebodyElse");
        let refused = wechat.enroll(&request).await.unwrap_err();
        assert_eq!(refused.reason, Reason::OtherUsersResult);
        assert!(refused.detail.english().contains("another user"), "{refused:?}");
        assert!(!wechat.has_openid(DEFAULT_APPID, "oSomebodyElse").await.unwrap());
        assert_eq!(wechat.enroll(&upload(&mut phone)).await, Ok(()));
    }
}
