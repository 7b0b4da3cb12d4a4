//! Android apps that call the trusted app directly.

use serde_json::json;
use soter_bridge::protocol::sensor::{Judgement, SensorMode, SetMode};
use soter_wire::{ExportBlob, base64};

use super::*;

const UID: u32 = 10115;

async fn code(desk: &Desk, method: &str, params: Value) -> i64 {
    call(desk, method, params).await.unwrap()["resultCode"].as_i64().unwrap()
}

async fn export(desk: &Desk, method: &str, params: Value) -> ExportBlob {
    let reply = call(desk, method, params).await.unwrap();
    assert_eq!(reply["resultCode"], 0, "{method}: {reply}");
    ExportBlob::decode(&base64::decode(reply["exportData"].as_str().unwrap()).unwrap()).unwrap()
}

fn key() -> Value {
    json!({"uid": UID, "kname": "pay"})
}

async fn phone_with_keys(profile: &str) -> Desk {
    let desk = phone(profile);
    assert_eq!(code(&desk, "soter.generateAppSecureKey", json!({"uid": UID})).await, 0);
    assert_eq!(code(&desk, "soter.generateAuthKey", key()).await, 0);
    desk
}

async fn open_session(desk: &Desk, challenge: &str) -> u64 {
    let params = json!({"uid": UID, "kname": "pay", "challenge": challenge});
    call(desk, "soter.initSigh", params).await.unwrap()["session"].as_u64().unwrap()
}

async fn finish(desk: &Desk, session: u64) -> ResultJson {
    let blob = export(desk, "soter.finishSign", json!({"session": session})).await;
    ResultJson::decode(&blob.json).unwrap()
}

#[tokio::test]
async fn every_command_answers_as_the_sdk_expects() {
    let desk = phone("trustonic");
    let value =
        async |method: &str, params: Value| call(&desk, method, params).await.unwrap()["value"].clone();
    assert_eq!(value("soter.hasAskAlready", json!({"uid": UID})).await, false);
    assert_eq!(code(&desk, "soter.generateAppSecureKey", json!({"uid": UID})).await, 0);
    assert_eq!(value("soter.hasAskAlready", json!({"uid": UID})).await, true);
    assert_eq!(value("soter.hasAuthKey", key()).await, false);
    assert_eq!(code(&desk, "soter.generateAuthKey", key()).await, 0);
    assert_eq!(value("soter.hasAuthKey", key()).await, true);
    assert_eq!(value("soter.getVersion", json!({})).await, 1);
    assert_eq!(value("soter.getExtraParam", json!({"key": "fingerprint_type"})).await, 1);
    let id = call(&desk, "soter.getDeviceId", json!({})).await.unwrap();
    let id = base64::decode(id["exportData"].as_str().unwrap()).unwrap();
    assert_eq!(id, show(&desk).await.cpu_id.into_bytes());
    assert_eq!(code(&desk, "soter.removeAuthKey", key()).await, 0);
    assert_eq!(value("soter.hasAuthKey", key()).await, false);
    assert_eq!(code(&desk, "soter.removeAllAuthKey", json!({"uid": UID})).await, 0);
    assert_eq!(value("soter.hasAskAlready", json!({"uid": UID})).await, false);
}

#[tokio::test]
async fn exports_verify_from_the_root_down() {
    for profile in ["trustonic", "itrustee"] {
        let desk = phone_with_keys(profile).await;
        let listed = public_keys(&desk).await;
        let ask = export(&desk, "soter.getAppSecureKey", json!({"uid": UID})).await;
        let auth_key = export(&desk, "soter.getAuthKey", key()).await;
        let session = open_session(&desk, "order-42").await;
        touch(&desk, Touch::Enrolled(1)).await;
        let signed = export(&desk, "soter.finishSign", json!({"session": session})).await;
        let [ask_json, auth_key_json, result_json] =
            [&ask, &auth_key, &signed].map(|blob| String::from_utf8(blob.json.clone()).unwrap());

        if profile == "trustonic" {
            let signature = base64::encode(&ask.signature);
            assert!(is_signed_by(&desk, &listed[0].public_key, &ask_json, &signature).await);
        } else {
            assert!(ask.signature.is_empty(), "a chain contains its own signatures");
        }
        // The ASK's export, chain or JSON, is the key for what the ASK signed.
        let signature = base64::encode(&auth_key.signature);
        assert!(is_signed_by(&desk, &ask_json, &auth_key_json, &signature).await, "{profile}");
        let signature = base64::encode(&signed.signature);
        assert!(is_signed_by(&desk, &auth_key_json, &result_json, &signature).await, "{profile}");
        assert!(!is_signed_by(&desk, &ask_json, &result_json, &signature).await, "{profile}");
    }
}

#[tokio::test]
async fn a_touch_arms_the_newest_session_and_no_other() {
    let desk = phone_with_keys("trustonic").await;
    let older = open_session(&desk, "older").await;
    let newer = open_session(&desk, "newer").await;

    assert_eq!(touch(&desk, Touch::Enrolled(1)).await.judgement, Judgement::Matched);

    assert_eq!(code(&desk, "soter.finishSign", json!({"session": older})).await, 1016);
    assert_eq!(finish(&desk, newer).await.raw, "newer");
}

#[tokio::test]
async fn after_a_cancel_a_touch_arms_the_session_before_the_newest() {
    let desk = phone_with_keys("trustonic").await;
    let older = open_session(&desk, "older").await;
    let newer = open_session(&desk, "newer").await;

    desk.request(None, sensor::Cancel {}).await.unwrap();
    touch(&desk, Touch::Enrolled(1)).await;

    assert_eq!(code(&desk, "soter.finishSign", json!({"session": newer})).await, 1018);
    assert_eq!(finish(&desk, older).await.raw, "older");
    let error = desk.request(None, sensor::Cancel {}).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NoDialog);
}

#[tokio::test]
async fn a_touch_goes_to_an_open_dialog_before_any_app() {
    let desk = phone_with_keys("trustonic").await;
    let session = open_session(&desk, "the app's").await;
    let mut open = PendingCall::start(&desk, None, good_request());

    touch(&desk, Touch::Enrolled(1)).await;

    assert_eq!(open.code(), 0);
    assert_eq!(code(&desk, "soter.finishSign", json!({"session": session})).await, 1016);
}

#[tokio::test]
async fn wrong_fingers_of_an_app_freeze_wechat_too() {
    let desk = phone_with_keys("trustonic").await;
    let session = open_session(&desk, "challenge").await;
    for left in [4, 3, 2, 1, 0] {
        let judged = touch(&desk, Touch::Wrong).await;
        assert_eq!((judged.judgement, judged.attempts_left), (Judgement::Rejected, Some(left)));
    }

    assert_eq!(touch(&desk, Touch::Enrolled(1)).await.judgement, Judgement::LockedOut);
    assert_eq!(code(&desk, "soter.finishSign", json!({"session": session})).await, 1016);
    assert_eq!(authenticate(&desk, touched("1")).await.err_code, 90010);
}

#[tokio::test]
async fn an_automatic_sensor_also_touches_for_apps() {
    let desk = phone_with_keys("trustonic").await;
    let mode = async |mode: SensorMode| {
        desk.request(None, SetMode { mode }).await.unwrap();
    };
    mode(SensorMode::Auto).await;
    let session = open_session(&desk, "by itself").await;
    assert_eq!(finish(&desk, session).await.raw, "by itself");
    mode(SensorMode::Script("wrong,1".parse().unwrap())).await;
    let session = open_session(&desk, "by script").await;
    assert_eq!(finish(&desk, session).await.raw, "by script");
    mode(SensorMode::Script("wrong,cancel,1".parse().unwrap())).await;
    let session = open_session(&desk, "never").await;
    assert_eq!(code(&desk, "soter.finishSign", json!({"session": session})).await, 1018);
}

#[tokio::test]
async fn an_event_reports_a_refusal_with_its_reason() {
    let desk = phone("trustonic");
    let mut events = desk.events();

    code(&desk, "soter.getAuthKey", key()).await;

    let received = drain(&mut events);
    let [Event::Refused { method, code: 3, reason, .. }] = received.as_slice() else {
        panic!("{received:?}")
    };
    assert_eq!((method.as_str(), reason.english()), ("soter.getAuthKey", "app 10115 has no ASK"));
}
