//! The phone through the command protocol: what a mini program and an Android app see, check by check.

#![expect(clippy::unwrap_used, reason = "an error here must fail the test")]

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use soter_bridge::protocol::device::Purpose;
use soter_bridge::protocol::sensor::{Judgement, SensorMode};
use soter_bridge::protocol::wx::{SoterAuthentication, StartSoterAuthentication};
use soter_bridge::protocol::{
    Call, CommandError, ErrorKind, Event, Response, Service, Touch, biometric, device, keys, sensor, soter,
    verify, wx,
};
use soter_sim::{Desk, DeskOptions, State};
use soter_wire::{ExportBlob, Mode, PROFILES, ResultJson, SignatureScheme, base64};
use tokio::sync::broadcast::Receiver;

fn ephemeral(profile: &str) -> Desk {
    Desk::open(DeskOptions { profile: Some(profile.into()), ..DeskOptions::new(State::Ephemeral) }).unwrap()
}

fn in_folder(folder: &Path) -> Result<Desk, CommandError> {
    Desk::open(DeskOptions::new(State::Folder(folder.to_owned())))
}

/// A request that succeeds. Each test changes it in one point.
fn good_request() -> StartSoterAuthentication {
    StartSoterAuthentication {
        request_auth_modes: Some(vec!["fingerPrint".into()]),
        challenge: Some("order-42".into()),
        auth_content: None,
        appid: None,
        touch: Some("1".parse().unwrap()),
    }
}

async fn authenticate(desk: &Desk, request: StartSoterAuthentication) -> SoterAuthentication {
    desk.request(None, request).await.unwrap()
}

async fn set(desk: &Desk, settings: Value) {
    desk.call(Call::parse("device.set", settings).unwrap()).await.unwrap();
}

async fn counter(desk: &Desk) -> u64 {
    desk.request(None, device::Show {}).await.unwrap().counter
}

fn result(answer: &SoterAuthentication) -> ResultJson {
    assert_eq!(answer.err_code, 0, "{}", answer.err_msg);
    ResultJson::decode(answer.result_json.as_bytes()).unwrap()
}

#[track_caller]
fn assert_fails(answer: &SoterAuthentication, code: i32, text: &str) {
    assert_eq!(
        (answer.err_code, answer.err_msg.as_str()),
        (code, format!("startSoterAuthentication:{text}").as_str())
    );
    assert!(
        answer.result_json.is_empty()
            && answer.result_json_signature.is_empty()
            && answer.auth_mode.is_empty()
    );
}

/// All events that were sent so far.
fn drain(events: &mut Receiver<Event>) -> Vec<Event> {
    std::iter::from_fn(|| events.try_recv().ok()).collect()
}

#[tokio::test]
async fn every_family_signs_what_its_own_key_verifies() {
    for profile in PROFILES {
        let desk = ephemeral(profile.name);
        let mode = profile.modes[0].name();
        let request =
            StartSoterAuthentication { request_auth_modes: Some(vec![mode.into()]), ..good_request() };
        let answer = authenticate(&desk, request).await;
        let signed = result(&answer);
        assert_eq!((signed.raw.as_str(), answer.auth_mode.as_str()), ("order-42", mode));
        assert_eq!(signed.scheme(), profile.scheme);
        assert_eq!(signed.fid.is_some(), profile.has_fid());
        assert!(profile.cpu_id.matches(&signed.cpu_id), "{}", signed.cpu_id);
        let listed = desk.request(None, keys::List {}).await.unwrap().keys;
        for key in &listed {
            let check = verify::VerifySignature {
                key: key.public_key.clone(),
                json: answer.result_json.clone(),
                signature: answer.result_json_signature.clone(),
                salt: None,
            };
            let verdict = desk.request(None, check).await.unwrap();
            assert_eq!(verdict.valid, key.kind == keys::KeyKind::AuthKey, "{}: {verdict:?}", profile.name);
        }
    }
}

#[tokio::test]
async fn checks_are_made_in_the_order_of_wechats_client() {
    let desk = ephemeral("trustonic");
    let modes = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let start = counter(&desk).await;
    // Each request fails two checks. The answer is that of the earlier one.
    set(&desk, json!({"support": false})).await;
    for none in [None, modes(&[])] {
        let answer =
            authenticate(&desk, StartSoterAuthentication { request_auth_modes: none, ..good_request() })
                .await;
        assert_fails(&answer, 90003, "fail authen mode is null");
    }
    let answer =
        authenticate(&desk, StartSoterAuthentication { request_auth_modes: modes(&["x"]), ..good_request() })
            .await;
    assert_fails(&answer, 90001, "fail not support soter");
    set(&desk, json!({"support": null})).await;
    let request =
        StartSoterAuthentication { request_auth_modes: modes(&["iris"]), challenge: None, ..good_request() };
    assert_fails(&authenticate(&desk, request).await, 90003, "fail no corresponding mode");
    for challenge in [None, Some(String::new())] {
        let request =
            StartSoterAuthentication { request_auth_modes: modes(&["facial"]), challenge, ..good_request() };
        assert_fails(&authenticate(&desk, request).await, 90004, "fail challenge is null");
    }
    let request = StartSoterAuthentication { challenge: Some("x".repeat(512)), ..good_request() };
    assert_fails(&authenticate(&desk, request).await, 90004, "fail challenge is too long. 512 chars at most");
    desk.request(None, biometric::Remove { number: 1 }).await.unwrap();
    let request =
        StartSoterAuthentication { request_auth_modes: modes(&["facial", "speech"]), ..good_request() };
    assert_fails(&authenticate(&desk, request).await, 90003, "fail no corresponding mode");
    set(&desk, json!({"permission": false})).await;
    assert_fails(&authenticate(&desk, good_request()).await, 90002, "fail user not grant to use fingerprint");
    set(&desk, json!({"permission": true})).await;
    assert_fails(&authenticate(&desk, good_request()).await, 90011, "fail no fingerprint enrolled");
    assert_eq!(counter(&desk).await, start, "a refused call used a counter value");
}

#[tokio::test]
async fn challenges_of_1_to_511_utf16_units_are_signed_unchanged() {
    let desk = ephemeral("trustonic");
    authenticate(&desk, good_request()).await;
    let texts = [
        "a".to_owned(),
        "x".repeat(511),
        format!("{}x", "😀".repeat(255)),
        "\"quotes\" \\ back / slash".to_owned(),
        (1..32_u8).map(char::from).collect(),
        "line\u{2028}and\u{2029}\u{7f}\u{feff}é漢字".to_owned(),
        "{\"raw\":\"x\",\"counter\":1}".to_owned(),
    ];
    for text in texts {
        let request = StartSoterAuthentication { challenge: Some(text.clone()), ..good_request() };
        assert_eq!(result(&authenticate(&desk, request).await).raw, text);
    }
    let before = counter(&desk).await;
    let request = StartSoterAuthentication { challenge: Some("😀".repeat(256)), ..good_request() };
    assert_eq!(authenticate(&desk, request).await.err_code, 90004);
    assert_eq!(counter(&desk).await, before);
}

#[tokio::test]
async fn an_unsuitable_auth_content_is_replaced_by_the_default_text() {
    let desk = ephemeral("trustonic");
    let mut texts = Vec::new();
    for content in [None, Some(String::new()), Some("x".repeat(43)), Some("x".repeat(42))] {
        let mut events = desk.events();
        assert_eq!(
            authenticate(&desk, StartSoterAuthentication { auth_content: content, ..good_request() })
                .await
                .err_code,
            0
        );
        texts.extend(drain(&mut events).into_iter().find_map(|event| match event {
            Event::PromptShown { purpose: Purpose::Authentication { auth_content, .. }, .. } => {
                Some(auth_content)
            }
            _ => None,
        }));
    }
    assert_eq!(texts[0], texts[1]);
    assert_eq!(texts[0], texts[2]);
    assert_eq!(texts[3], "x".repeat(42));
    assert_ne!(texts[0], texts[3]);
}

#[tokio::test]
async fn a_wrong_finger_keeps_androids_dialog_open_and_five_freeze_it() {
    let desk = ephemeral("trustonic");
    let touched =
        |script: &str| StartSoterAuthentication { touch: Some(script.parse().unwrap()), ..good_request() };
    assert_eq!(authenticate(&desk, touched("wrong,wrong,wrong,wrong,1")).await.err_code, 0);
    assert_fails(&authenticate(&desk, touched("wrong")).await, 90008, "fail cancel");
    assert_fails(&authenticate(&desk, touched("9,cancel,1")).await, 90008, "fail cancel");
    let freeze = "fail authenticate freeze. please try again later";
    assert_fails(&authenticate(&desk, touched("wrong,wrong,wrong,wrong,1")).await, 90010, freeze);
    assert_fails(&authenticate(&desk, good_request()).await, 90010, freeze);
    let unlocked = desk.request(None, biometric::Unlock {}).await.unwrap();
    assert!(unlocked.lockouts.is_empty());
    assert_eq!(authenticate(&desk, good_request()).await.err_code, 0);
}

#[tokio::test]
async fn an_iphones_dialog_ends_after_three_failures_and_five_lock_it_until_the_passcode() {
    let desk = ephemeral("ios-touch-id");
    let wrong = || StartSoterAuthentication {
        touch: Some("wrong,wrong,wrong,wrong".parse().unwrap()),
        ..good_request()
    };
    assert_fails(&authenticate(&desk, wrong()).await, 90009, "fail ");
    assert_eq!(authenticate(&desk, wrong()).await.err_code, 90010);
    assert!(desk.request(None, biometric::List {}).await.unwrap().lockouts[0].permanent);
}

#[tokio::test]
async fn a_waiting_call_takes_touches_and_a_dropped_call_is_cancelled() {
    let desk = ephemeral("trustonic");
    let waits = || StartSoterAuthentication { touch: None, ..good_request() };
    let mut events = desk.events();
    let call = tokio::spawn({
        let desk = desk.clone();
        async move { authenticate(&desk, waits()).await }
    });
    prompt(&mut events).await;
    let judged = desk.request(None, sensor::TouchSensor { touch: Touch::Wrong }).await.unwrap();
    assert_eq!(
        (judged.judgement, judged.attempts_left, judged.dialog_open),
        (Judgement::Rejected, Some(4), true)
    );
    let judged = desk.request(None, sensor::TouchSensor { touch: Touch::Enrolled(1) }).await.unwrap();
    assert_eq!((judged.judgement, judged.dialog_open), (Judgement::Matched, false));
    assert_eq!(call.await.unwrap().err_code, 0);

    let call = tokio::spawn({
        let desk = desk.clone();
        async move { authenticate(&desk, waits()).await }
    });
    prompt(&mut events).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    let closed = drain(&mut events);
    assert!(
        closed.iter().any(|event| matches!(event, Event::PromptClosed { err_code: Some(90008), .. })),
        "{closed:?}"
    );
    let error = desk.request(None, sensor::Cancel {}).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NoDialog);
    assert_eq!(authenticate(&desk, good_request()).await.err_code, 0);
}

/// Waits until a dialog is open that waits for touches.
async fn prompt(events: &mut Receiver<Event>) {
    let shown =
        async { while !matches!(events.recv().await.unwrap(), Event::PromptShown { waits: true, .. }) {} };
    tokio::time::timeout(Duration::from_mins(1), shown).await.unwrap();
}

#[tokio::test]
async fn simultaneous_calls_that_may_wait_use_the_screen_one_after_the_other() {
    let desk = ephemeral("trustonic");
    desk.call(Call::parse("device.set", json!({"secondCall": "queue"})).unwrap()).await.unwrap();
    let mut events = desk.events();
    let calls: Vec<_> = (0..3)
        .map(|number| {
            let desk = desk.clone();
            let request = StartSoterAuthentication {
                touch: None,
                challenge: Some(number.to_string()),
                ..good_request()
            };
            tokio::spawn(async move { authenticate(&desk, request).await })
        })
        .collect();
    for _ in 0..3 {
        prompt(&mut events).await;
        desk.request(None, sensor::TouchSensor { touch: Touch::Enrolled(1) }).await.unwrap();
    }
    let mut counters = Vec::new();
    for (number, call) in calls.into_iter().enumerate() {
        let signed = result(&call.await.unwrap());
        assert_eq!(signed.raw, number.to_string());
        counters.push(signed.counter);
    }
    assert!(counters.is_sorted_by(|one, next| one < next), "{counters:?}");
}

#[tokio::test]
async fn a_new_finger_invalidates_the_auth_key_and_wechat_generates_another() {
    let desk = ephemeral("trustonic");
    let auth_key = async || {
        let keys = desk.request(None, keys::List {}).await.unwrap().keys;
        keys.into_iter().find(|key| key.kind == keys::KeyKind::AuthKey).unwrap()
    };
    let first = result(&authenticate(&desk, good_request()).await);
    let old = auth_key().await;
    let enrolled = desk.request(None, biometric::Enroll { mode: Some(Mode::FingerPrint) }).await.unwrap();
    assert_eq!(enrolled.number, 2);
    assert!(!auth_key().await.valid);
    let second = result(
        &authenticate(
            &desk,
            StartSoterAuthentication { touch: Some("2".parse().unwrap()), ..good_request() },
        )
        .await,
    );
    let new = auth_key().await;
    assert!(new.valid && new.name == old.name && new.fingerprint != old.fingerprint);
    assert_eq!(second.fid.as_ref(), Some(&enrolled.fid));
    assert!(second.counter > first.counter);
}

#[tokio::test]
async fn every_failure_setting_takes_effect() {
    let desk = ephemeral("itrustee");
    for text in [
        "auth key update error",
        "auth key generate failed",
        "auth key can not be retrieved",
        "start fingerprint authen failed",
        "authenticate error: 10",
    ] {
        set(&desk, json!({"internalError": text})).await;
        assert_fails(&authenticate(&desk, good_request()).await, 90007, &format!("fail {text}"));
    }
    set(&desk, json!({"internalError": null, "reportNotEnrolled": true})).await;
    assert_eq!(authenticate(&desk, good_request()).await.err_code, 90011);
    set(&desk, json!({"reportNotEnrolled": false, "failNext": 90009})).await;
    assert_eq!(authenticate(&desk, good_request()).await.err_code, 90009);
    assert_eq!(authenticate(&desk, good_request()).await.err_code, 0, "failNext is for one call");
    desk.request(None, biometric::Enroll { mode: Some(Mode::Facial) }).await.unwrap();
    let face = || StartSoterAuthentication {
        request_auth_modes: Some(vec!["facial".into()]),
        touch: Some("2".parse().unwrap()),
        ..good_request()
    };
    assert_eq!(authenticate(&desk, face()).await.auth_mode, "facial");
    set(&desk, json!({"reportFaceAsFinger": true})).await;
    assert_eq!(authenticate(&desk, face()).await.auth_mode, "fingerPrint");
    let before = result(&authenticate(&desk, good_request()).await);
    set(&desk, json!({"systemUpgrade": true})).await;
    let after = result(&authenticate(&desk, good_request()).await);
    assert_ne!(before.cpu_id, after.cpu_id);
    assert!(after.counter > before.counter);
    set(&desk, json!({"modes": []})).await;
    let support = desk.request(None, wx::CheckIsSupportSoterAuthentication {}).await.unwrap();
    assert_eq!(serde_json::to_value(&support).unwrap()["supportMode"], json!([]));
    let request = wx::CheckIsSoterEnrolledInDevice { check_auth_mode: Some("fingerPrint".into()) };
    let enrolled = desk.request(None, request).await.unwrap();
    assert_eq!(
        (enrolled.is_enrolled, enrolled.err_msg.as_str()),
        (false, "checkIsSoterEnrolledInDevice:fail not support")
    );
    for wrong in [
        json!({"failNext": 1}),
        json!({"internalError": "oops"}),
        json!({"latency": 1_000_000}),
        json!({"clock": 0}),
    ] {
        let error = desk.call(Call::parse("device.set", wrong.clone()).unwrap()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidParams, "{wrong}");
    }
}

#[tokio::test]
async fn the_sensor_can_touch_automatically_or_by_script() {
    let desk = ephemeral("trustonic");
    let waits = || StartSoterAuthentication { touch: None, ..good_request() };
    desk.request(None, sensor::SetMode { mode: SensorMode::Auto }).await.unwrap();
    assert_eq!(authenticate(&desk, waits()).await.err_code, 0);
    desk.request(None, sensor::SetMode { mode: SensorMode::Script("wrong,cancel".parse().unwrap()) })
        .await
        .unwrap();
    for _ in 0..2 {
        assert_eq!(authenticate(&desk, waits()).await.err_code, 90008);
    }
}

#[tokio::test]
async fn an_android_app_signs_through_the_trusted_app_only_after_a_touch() {
    let desk = ephemeral("trustonic");
    let code = async |call: (&str, Value)| {
        let response = desk.call(Call::parse(call.0, call.1).unwrap()).await.unwrap();
        serde_json::to_value(response).unwrap()["resultCode"].as_i64().unwrap()
    };
    let key = json!({"uid": 10115, "kname": "pay"});
    assert_eq!(code(("soter.getAppSecureKey", json!({"uid": 10115}))).await, 3);
    assert_eq!(code(("soter.generateAuthKey", key.clone())).await, 3);
    assert_eq!(code(("soter.removeAllAuthKey", json!({"uid": 10115}))).await, 5);
    assert_eq!(code(("soter.generateAppSecureKey", json!({"uid": 10115}))).await, 0);
    assert_eq!(code(("soter.getAuthKey", key.clone())).await, 1006);
    assert_eq!(code(("soter.removeAuthKey", key.clone())).await, 7);
    assert_eq!(code(("soter.generateAuthKey", json!({"uid": 10115, "kname": ""}))).await, 1);
    assert_eq!(code(("soter.generateAuthKey", key.clone())).await, 0);
    assert_eq!(code(("soter.getExtraParam", json!({"key": "nothing"}))).await, 2);
    let open = async || {
        let opening = soter::InitSigh { uid: 10115, kname: "pay".into(), challenge: "c".into() };
        desk.request(None, opening).await.unwrap().session.unwrap()
    };
    let session = open().await;
    assert_eq!(code(("soter.finishSign", json!({"session": session}))).await, 1016);
    assert_eq!(code(("soter.finishSign", json!({"session": session}))).await, 1018);
    let session = open().await;
    desk.request(None, sensor::TouchSensor { touch: Touch::Enrolled(1) }).await.unwrap();
    let reply = desk.request(None, soter::FinishSign { session }).await.unwrap();
    let blob = ExportBlob::decode(&base64::decode(&reply.export_data.unwrap()).unwrap()).unwrap();
    let signed = ResultJson::decode(&blob.json).unwrap();
    assert_eq!((signed.raw.as_str(), signed.uid.as_str()), ("c", "10115"));
    assert_eq!(code(("soter.finishSign", json!({"session": session}))).await, 1018);
    desk.request(None, biometric::Enroll { mode: Some(Mode::FingerPrint) }).await.unwrap();
    assert_eq!(code(("soter.getAuthKey", key.clone())).await, 1005);
    assert_eq!(code(("soter.initSigh", json!({"uid": 10115, "kname": "pay", "challenge": "c"}))).await, 1005);
    assert_eq!(code(("soter.removeAuthKey", key)).await, 0);
    assert_eq!(code(("soter.removeAllAuthKey", json!({"uid": 10115}))).await, 0);
}

#[tokio::test]
async fn a_factory_reset_removes_keys_and_settings_and_keeps_identity_and_counter() {
    let desk = ephemeral("trustonic");
    let before = result(&authenticate(&desk, good_request()).await);
    let attk = desk.request(None, keys::List {}).await.unwrap().keys[0].clone();
    set(&desk, json!({"latency": 1})).await;
    let reset = desk.request(None, device::ResetNormalWorld {}).await.unwrap();
    assert_eq!(reset.settings, device::Settings::default());
    assert_eq!(desk.request(None, keys::List {}).await.unwrap().keys, [attk]);
    let numbers: Vec<_> = reset.biometrics.enrolments.iter().map(|enrolment| enrolment.number).collect();
    assert_eq!(numbers, [1]);
    let touch = Some("1".parse().unwrap());
    let after = result(&authenticate(&desk, StartSoterAuthentication { touch, ..good_request() }).await);
    assert_eq!(after.cpu_id, before.cpu_id);
    assert!(after.counter > before.counter);
}

#[tokio::test]
async fn a_folder_keeps_phones_settings_and_selection_and_an_untouched_phone_has_no_file() {
    let folder = tempfile::tempdir().unwrap();
    let desk = in_folder(folder.path()).unwrap();
    let first = result(&authenticate(&desk, good_request()).await);
    desk.request(
        None,
        device::Create { name: "second".into(), profile: Some("ios".into()), ..Default::default() },
    )
    .await
    .unwrap();
    desk.request(None, device::Select { name: "second".into() }).await.unwrap();
    desk.call(Call::parse("device.set", json!({"device": "phone", "latency": 3})).unwrap()).await.unwrap();
    assert!(folder.path().join("devices/phone").exists());
    assert!(!folder.path().join("devices/second").exists(), "an untouched phone has files");
    let error = in_folder(folder.path()).unwrap_err();
    assert_eq!(error.kind, ErrorKind::Environment);
    assert!(error.what.english().contains(&std::process::id().to_string()), "{error}");
    assert!(
        error.what.english().contains(folder.path().to_str().unwrap())
            && error.next.english().contains("--state"),
        "{error}"
    );
    desk.close().unwrap();
    drop(desk);

    let desk = in_folder(folder.path()).unwrap();
    let listed = desk.request(None, device::List::default()).await.unwrap();
    assert_eq!((listed.selected.as_str(), listed.devices.len()), ("second", 2));
    let shown = desk.request(Some("phone"), device::Show {}).await.unwrap();
    assert_eq!(
        (shown.settings.latency, shown.counter),
        (3, first.counter),
        "a clean shutdown skips no value"
    );
    let next = result(&desk.request(Some("phone"), good_request()).await.unwrap());
    assert_eq!((next.counter, &next.cpu_id), (first.counter + 1, &first.cpu_id));
    drop(desk);

    // No clean shutdown: values are skipped, and none is repeated.
    let desk = in_folder(folder.path()).unwrap();
    let after = result(&desk.request(Some("phone"), good_request()).await.unwrap());
    assert!(after.counter > next.counter && after.counter <= next.counter + 16, "{}", after.counter);
    let removed = desk.request(None, device::Remove { name: "phone".into() }).await.unwrap();
    assert_eq!(removed.selected, "second");
    assert!(!folder.path().join("devices/phone").exists());
}

#[tokio::test]
async fn a_lost_list_of_phones_is_rebuilt_from_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let seeded = |profile: &str| DeskOptions {
        profile: Some(profile.into()),
        seed: Some("a seed".into()),
        ..DeskOptions::new(State::Folder(folder.path().to_owned()))
    };
    let desk = Desk::open(seeded("itrustee")).unwrap();
    let first = result(&authenticate(&desk, good_request()).await);
    desk.close().unwrap();
    drop(desk);
    std::fs::remove_file(folder.path().join("phones.json")).unwrap();
    for (profile, seed) in [("ios", "a seed"), ("itrustee", "another")] {
        let error = Desk::open(DeskOptions { seed: Some(seed.into()), ..seeded(profile) }).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidParams, "{error}");
    }
    let desk = in_folder(folder.path()).unwrap();
    let next = result(&authenticate(&desk, good_request()).await);
    assert_eq!((next.counter, next.cpu_id), (first.counter + 1, first.cpu_id));
}

#[tokio::test]
async fn events_report_counters_signatures_and_refusals() {
    let desk = ephemeral("trustonic");
    let mut events = desk.events();
    authenticate(&desk, good_request()).await;
    authenticate(&desk, StartSoterAuthentication { challenge: None, ..good_request() }).await;
    let events = drain(&mut events);
    let spent: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::CounterSpent { counter, operation, .. } => Some((*counter, operation.as_str())),
            _ => None,
        })
        .collect();
    let first_time =
        ["generateAppSecureKey", "getAppSecureKey", "generateAuthKey", "getAuthKey", "finishSign"];
    assert_eq!(spent, (1..).zip(first_time).collect::<Vec<_>>());
    let is_signed = |event: &Event| matches!(event, Event::Signed { counter: 5, scheme, .. } if *scheme == SignatureScheme::default());
    assert!(events.iter().any(is_signed));
    assert!(events.iter().any(|event| matches!(event, Event::Refused { code: 90004, .. })));
    assert!(events.iter().all(|event| event.device() == Some("phone")));
}

#[tokio::test]
async fn invalid_device_names_and_unknown_devices_are_refused() {
    let desk = ephemeral("trustonic");
    for name in ["", "A", "../x", "con", "phone"] {
        let create = device::Create { name: name.into(), ..Default::default() };
        assert_eq!(desk.request(None, create).await.unwrap_err().kind, ErrorKind::InvalidParams, "{name:?}");
    }
    let error = desk.request(Some("nobody"), device::Show {}).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::UnknownDevice);
    assert!(error.next.english().contains("phone"));
    let error = desk.request(None, device::Remove { name: "phone".into() }).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::InvalidParams);
    let Response::DeviceList(listed) =
        desk.call(Call::parse("device.list", Value::Null).unwrap()).await.unwrap()
    else {
        panic!("another answer")
    };
    assert_eq!(listed.devices.len(), 1);
}
