//! `POST /sim/devices`: a phone that lives elsewhere brings its keys, as its factory and WeChat's client would.
//!
//! For audits, whose phones are not on this desk. Nothing is trusted that is not proven: the ASK has to be signed by the
//! device root (or to have a chain up to the emulated root), the AuthKey by the ASK, and counters have to grow.

use std::sync::Arc;
use std::time::Instant;

use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};
use soter_wire::{PublicKey, base64};

use crate::journal::{Door, Judgement, NewEntry};
use crate::reasons;

use super::WeChat;
use super::routes::{Answer, reason_of};
use super::upload::UploadRefused;

/// Characters of the longest openid.
const LONGEST_OPENID: usize = 128;

/// What is sent. Members that are not named here are for verifiers that keep less, and are ignored.
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
    /// Its user. Nobody need have heard of them before.
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

/// Why keys are not taken: the reason's name, and one line for people.
type Refused = (&'static str, String);

pub(super) async fn enroll(
    State(wechat): State<Arc<WeChat>>,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    let begun = Instant::now();
    let (request, outcome) = match body {
        Ok(bytes) => match serde_json::from_slice::<Value>(&bytes) {
            Ok(request) => {
                let outcome = wechat.enroll(&request).await;
                (request, outcome)
            }
            Err(error) => {
                (Value::Null, Err((reasons::MALFORMED_JSON, format!("the body is no JSON: {error}"))))
            }
        },
        Err(_) => {
            (Value::Null, Err((reasons::TOO_LONG, "the body does not come, or is too long".to_owned())))
        }
    };
    let judgement = match &outcome {
        Ok(()) => Judgement {
            is_ok: true,
            reason: reasons::VALID.to_owned(),
            detail: "the chain from device root to AuthKey holds".to_owned(),
        },
        Err((reason, detail)) => {
            Judgement { is_ok: false, reason: (*reason).to_owned(), detail: detail.clone() }
        }
    };
    let answer = json!({"enrolled": judgement.is_ok, "reason": judgement.reason, "detail": judgement.detail});
    wechat.journal.record(NewEntry {
        at: wechat.now(),
        door: Door::WeChat,
        call: "POST /sim/devices".to_owned(),
        request: request.into(),
        answer: answer.clone().into(),
        judgement: Some(judgement.clone()),
        microseconds: u64::try_from(begun.elapsed().as_micros()).unwrap_or(u64::MAX),
    });
    Answer { body: answer, judgement: Some(judgement) }.into_response()
}

impl WeChat {
    async fn enroll(&self, request: &Value) -> Result<(), Refused> {
        let device = Device::deserialize(request).map_err(|error| {
            let what = "send cpu_id, attk, ask, auth_key, appid and openid";
            (reasons::MISSING_FIELD, format!("{error}; {what}"))
        })?;
        let attk = PublicKey::from_pem(&device.attk)
            .map_err(|error| (reasons::BAD_KEY, format!("attk cannot be read: {error}")))?;
        if self.accounts().app(&device.appid).is_none() {
            let shown: String = device.appid.chars().take(40).collect();
            return Err((
                reasons::OTHER_APPS_RESULT,
                format!("there is no mini program `{}`", shown.escape_debug()),
            ));
        }
        let is_openid = (1..=LONGEST_OPENID).contains(&device.openid.len())
            && device.openid.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_openid {
            let what = format!("the openid is no 1 to {LONGEST_OPENID} printable characters");
            return Err((reasons::WRONG_TYPE, what));
        }
        let [ask, auth_key] = [&device.ask.signature, &device.auth_key.signature].map(|text| {
            base64::decode(text)
                .map_err(|error| (reasons::BAD_SIGNATURE_ENCODING, format!("a signature is {error}")))
        });
        let (ask, auth_key) = (ask?, auth_key?);
        let told = |error: UploadRefused| (reason_of(&error), error.to_string());
        self.register_device(&device.cpu_id, &attk).await.map_err(told)?;
        self.upload_ask(device.ask.json.as_bytes(), &ask).await.map_err(told)?;
        self.upload_auth_key(device.auth_key.json.as_bytes(), &auth_key, &device.appid, &device.openid)
            .await
            .map_err(told)
    }
}
