//! `wx.requestPayment` on the phone: the payment sheet, who may touch it, and what the mini program is told.

use serde_json::json;
use soter_bridge::protocol::device::Purpose;
use soter_bridge::protocol::sensor::{Judgement, SensorMode};
use soter_bridge::protocol::wx::{PaymentResult, RequestPayment};
use soter_wechat::{AccountList, Accounts, DEFAULT_APPID, WeChatOptions};

use super::*;

/// A payment that waits for touches, of a mini program without a merchant.
fn payment() -> RequestPayment {
    RequestPayment {
        time_stamp: Some("1414561699".to_owned()),
        nonce_str: Some("5K8264ILTKCH16CQ2502SI8ZNMTM67VS".to_owned()),
        package: Some("prepay_id=wx2014".to_owned()),
        sign_type: None,
        pay_sign: Some("not checked".to_owned()),
        appid: None,
        touch: None,
    }
}

fn paid_with(script: &str) -> RequestPayment {
    RequestPayment { touch: Some(script.parse().unwrap()), ..payment() }
}

async fn pay(desk: &Desk, request: RequestPayment) -> PaymentResult {
    desk.request(None, request).await.unwrap()
}

/// A phone of this family whose mini program has a merchant with this key.
fn phone_with_merchant(profile: &str, merchant_key: &str) -> Desk {
    let app = json!({"appid": DEFAULT_APPID, "secret": "s", "merchant_key": merchant_key});
    let list: AccountList = serde_json::from_value(json!({"app": [app]})).unwrap();
    let wechat = WeChatOptions { accounts: Accounts::new(list).unwrap(), ..WeChatOptions::default() };
    let options = DeskOptions { profile: Some(profile.to_owned()), wechat, ..options(State::Ephemeral) };
    Desk::open(options).unwrap()
}

/// The payments that ended: what the mini program was told, and the reason.
fn ended(events: &[Event]) -> Vec<(&str, &str)> {
    events
        .iter()
        .filter_map(|event| match event {
            Event::PaymentEnded { err_msg, reason, .. } => Some((err_msg.as_str(), reason.as_str())),
            _ => None,
        })
        .collect()
}

#[tokio::test]
async fn a_payment_waits_for_a_matching_touch_and_signs_nothing() {
    let desk = phone("trustonic");
    let before = show(&desk).await;
    let mut events = desk.events();
    let mut call = PendingCall::start(&desk, None, payment());

    let purpose = show(&desk).await.dialog.unwrap().purpose;
    assert_eq!(purpose, Purpose::Payment { prepay_id: "wx2014".to_owned() });
    assert_eq!(touch(&desk, Touch::Wrong).await.judgement, Judgement::Rejected);
    assert!(call.answer().is_none());
    assert_eq!(touch(&desk, Touch::Enrolled(1)).await.judgement, Judgement::Matched);

    assert_eq!(call.answer().unwrap().unwrap().err_msg, "requestPayment:ok");
    let after = show(&desk).await;
    assert_eq!((after.counter, after.dialog), (before.counter, None));
    let events = drain(&mut events);
    assert!(matches!(events[0], Event::PromptShown { waits: true, .. }), "{events:?}");
    assert!(events.iter().any(|event| matches!(event, Event::PromptClosed { err_code: None, .. })));
    assert!(!events.iter().any(|event| matches!(event, Event::Signed { .. } | Event::CounterSpent { .. })));
    assert_eq!(ended(&events), [("requestPayment:ok", "pay-sign-not-checked")]);
}

#[tokio::test]
async fn a_payment_that_is_cancelled_or_whose_caller_is_gone_is_not_made() {
    let desk = phone("trustonic");
    let mut events = desk.events();
    assert_eq!(pay(&desk, paid_with("cancel")).await.err_msg, "requestPayment:fail cancel");
    // A script that ends without a match cancels.
    assert_eq!(pay(&desk, paid_with("wrong")).await.err_msg, "requestPayment:fail cancel");
    let told = ("requestPayment:fail cancel", "payment-not-confirmed");
    assert_eq!(ended(&drain(&mut events)), [told, told]);

    drop(PendingCall::start(&desk, None, payment()));

    assert!(matches!(drain(&mut events).last(), Some(Event::PromptClosed { .. })));
    let error = desk.request(None, sensor::TouchSensor { touch: Touch::Enrolled(1) }).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::NoDialog);
}

#[tokio::test]
async fn the_sensors_mode_applies_to_payments() {
    let desk = phone("trustonic");
    for (mode, told) in [
        (SensorMode::Auto, "requestPayment:ok"),
        (SensorMode::Script("wrong,1".parse().unwrap()), "requestPayment:ok"),
        (SensorMode::Script("wrong,cancel".parse().unwrap()), "requestPayment:fail cancel"),
    ] {
        desk.request(None, sensor::SetMode { mode }).await.unwrap();
        assert_eq!(pay(&desk, payment()).await.err_msg, told);
    }
}

#[tokio::test]
async fn a_wrong_signature_opens_no_sheet_and_only_the_verdict_says_what_was_wrong() {
    let desk = phone_with_merchant("trustonic", "192006250b4c09247ec02edce69f6a2d");
    let mut events = desk.events();
    let pay_sign = Some("0B3A8DFA2E8F52B9A5D9E1C2A0F3B6D7".to_owned());

    let result = pay(&desk, RequestPayment { pay_sign, ..payment() }).await;

    assert_eq!(result.err_msg, "requestPayment:fail payment signature verification failed");
    assert!(result.verdict.unwrap().detail.english().contains("no usual mistake"));
    let events = drain(&mut events);
    assert_eq!(ended(&events), [(result.err_msg.as_str(), "pay-sign-wrong")]);
    assert_eq!(events.len(), 1, "{events:?}");
}

#[tokio::test]
async fn a_missing_parameter_is_a_parameter_error() {
    let desk = phone("trustonic");
    let result = pay(&desk, RequestPayment { package: None, ..payment() }).await;
    assert_eq!(result.err_msg, "requestPayment:fail parameter error");
    assert!(result.verdict.unwrap().detail.english().contains("`package`"));
    let error = desk.request(None, RequestPayment { appid: Some("wx1".to_owned()), ..payment() }).await;
    assert_eq!(error.unwrap_err().kind, ErrorKind::InvalidParams);
}

#[tokio::test]
async fn a_payment_needs_no_soter() {
    let desk = phone("trustonic");
    let settings = json!({"support": false, "permission": false, "modes": [], "reportNotEnrolled": true, "failNext": 90009});
    set(&desk, settings).await;
    assert_eq!(pay(&desk, paid_with("1")).await.err_msg, "requestPayment:ok");
}

#[tokio::test]
async fn failures_of_payments_and_authentications_lock_the_sensor_together() {
    let desk = phone("trustonic");
    assert_eq!(pay(&desk, paid_with("wrong,wrong,wrong")).await.err_msg, "requestPayment:fail cancel");
    assert_eq!(authenticate(&desk, touched("wrong,wrong,1")).await.err_code, 90010);

    let result = pay(&desk, paid_with("1")).await;

    assert_eq!(result.err_msg, "requestPayment:fail authenticate freeze. please try again later");
    assert!(result.verdict.unwrap().detail.english().starts_with("locked for"));
}

#[tokio::test]
async fn without_a_finger_or_face_a_payment_is_refused() {
    let desk = phone("trustonic");
    desk.request(None, biometric::Remove { number: 1 }).await.unwrap();
    let result = pay(&desk, paid_with("1")).await;
    assert_eq!(result.err_msg, "requestPayment:fail no fingerprint enrolled");
}

#[tokio::test]
async fn a_sheet_that_ends_after_too_many_failures_says_so_in_the_reason() {
    let desk = phone("ios");
    let wrong = "wrong,wrong,wrong,wrong,wrong,wrong";
    let result = pay(&desk, paid_with(wrong)).await;
    assert_eq!(result.err_msg, "requestPayment:fail");
    assert!(result.verdict.unwrap().detail.english().contains("failures end the dialog"));
}

#[tokio::test]
async fn a_payment_waits_for_the_dialog_that_is_open_and_no_authentication_begins_meanwhile() {
    let desk = phone("trustonic");
    let mut signing = PendingCall::start(&desk, None, good_request());
    let mut paying = PendingCall::start(&desk, None, payment());

    touch(&desk, Touch::Enrolled(1)).await;

    assert_eq!(signing.code(), 0);
    assert!(paying.answer().is_none());
    assert_eq!(authenticate(&desk, touched("1")).await.err_code, 90007);
    touch(&desk, Touch::Enrolled(1)).await;
    assert_eq!(paying.answer().unwrap().unwrap().err_msg, "requestPayment:ok");
}

#[tokio::test]
async fn a_payment_takes_as_long_as_the_phone_is_set_to() {
    let desk = phone("trustonic");
    set(&desk, json!({"latency": 80})).await;
    let start = std::time::Instant::now();
    assert_eq!(pay(&desk, paid_with("1")).await.err_msg, "requestPayment:ok");
    assert!(start.elapsed() >= std::time::Duration::from_millis(80));
}
