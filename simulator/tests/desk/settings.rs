//! A phone's settings. Each one causes a failure or a deviation that real phones have.

use std::time::{Duration, Instant};

use serde_json::json;
use soter_bridge::protocol::wx::{CheckIsSoterEnrolledInDevice, CheckIsSupportSoterAuthentication};
use soter_wire::{CertificateChain, ExportBlob, base64};

use super::*;

async fn supported(desk: &Desk) -> Vec<Mode> {
    desk.request(None, CheckIsSupportSoterAuthentication {}).await.unwrap().support_mode
}

async fn enrolled(desk: &Desk, mode: &str) -> (bool, String) {
    let request = CheckIsSoterEnrolledInDevice { check_auth_mode: Some(mode.to_owned()) };
    let answer = desk.request(None, request).await.unwrap();
    (answer.is_enrolled, answer.err_msg)
}

#[tokio::test]
async fn a_phone_reports_its_modes_and_what_is_enrolled() {
    const OK: &str = "checkIsSoterEnrolledInDevice:ok";
    const NOT_SUPPORTED: &str = "checkIsSoterEnrolledInDevice:fail not support";
    let desk = phone("itrustee");
    assert_eq!(supported(&desk).await, [Mode::FingerPrint, Mode::Facial]);
    assert_eq!(enrolled(&desk, "fingerPrint").await, (true, OK.to_owned()));
    assert_eq!(enrolled(&desk, "facial").await, (false, OK.to_owned()));
    for mode in ["speech", "iris", ""] {
        assert_eq!(enrolled(&desk, mode).await, (false, NOT_SUPPORTED.to_owned()), "{mode}");
    }

    set(&desk, json!({"support": false})).await;

    assert_eq!(supported(&desk).await, []);
    assert_eq!(enrolled(&desk, "fingerPrint").await, (false, NOT_SUPPORTED.to_owned()));
}

#[tokio::test]
async fn an_iphone_supports_one_mode_and_has_it_enrolled() {
    for (profile, mode, other) in
        [("ios", "facial", "fingerPrint"), ("ios-touch-id", "fingerPrint", "facial")]
    {
        let desk = phone(profile);
        assert_eq!(
            call(&desk, "wx.checkIsSupportSoterAuthentication", json!({})).await.unwrap()["supportMode"],
            json!([mode])
        );
        assert!(enrolled(&desk, mode).await.0 && !enrolled(&desk, other).await.0);
        let answer = authenticate(&desk, with_modes(&[other, mode], touched("1"))).await;
        assert_eq!((answer.err_code, answer.auth_mode.as_str()), (0, mode));
        assert_eq!(authenticate(&desk, with_modes(&[other], touched("1"))).await.err_code, 90003);
        let error = call(&desk, "biometric.enroll", json!({"mode": other})).await.unwrap_err();
        assert!(error.next.english().contains(mode), "{error}");
    }
}

#[tokio::test]
async fn modes_can_be_removed_from_a_phone_and_restored() {
    let desk = phone("itrustee");
    enroll(&desk, Mode::Facial).await;
    set(&desk, json!({"modes": ["facial"]})).await;
    assert_eq!(supported(&desk).await, [Mode::Facial]);
    let refused = authenticate(&desk, touched("1")).await;
    assert_eq!(
        (refused.err_code, refused.err_msg.as_str()),
        (90003, "startSoterAuthentication:fail no corresponding mode")
    );
    assert_eq!(authenticate(&desk, with_modes(&["fingerPrint", "facial"], touched("2"))).await.err_code, 0);

    set(&desk, json!({"modes": null})).await;

    assert_eq!(supported(&desk).await, [Mode::FingerPrint, Mode::Facial]);
    assert_eq!(authenticate(&desk, touched("1")).await.err_code, 0);
}

#[tokio::test]
async fn every_failure_can_be_set_for_one_call_and_uses_no_counter_value() {
    let desk = phone("trustonic");
    for (code, text) in [
        (90001, "fail not support soter"),
        (90002, "fail user not grant to use fingerprint"),
        (90003, "fail no corresponding mode"),
        (90004, "fail challenge is null"),
        (90005, "fail "),
        (90007, "fail auth key generate failed"),
        (90008, "fail cancel"),
        (90009, "fail "),
        (90010, "fail authenticate freeze. please try again later"),
        (90011, "fail no fingerprint enrolled"),
    ] {
        assert_eq!(set(&desk, json!({"failNext": code})).await.settings.fail_next, Some(code));
        let answer = authenticate(&desk, touched("1")).await;
        assert_eq!((answer.err_code, answer.err_msg), (code, format!("startSoterAuthentication:{text}")));
        assert_eq!(show(&desk).await.settings.fail_next, None);
    }
    assert_eq!(show(&desk).await.counter, 0);
    assert_eq!(authenticate(&desk, touched("1")).await.err_code, 0);
}

#[tokio::test]
async fn a_key_error_opens_no_dialog_and_an_authentication_error_does() {
    let desk = phone("trustonic");
    let mut events = desk.events();
    for (text, shows_dialog) in [
        ("auth key update error", false),
        ("auth key generate failed", false),
        ("auth key can not be retrieved", false),
        ("start fingerprint authen failed", false),
        ("authenticate error: 1018", true),
    ] {
        set(&desk, json!({"internalError": text})).await;
        let answer = authenticate(&desk, touched("1")).await;
        assert_eq!(
            (answer.err_code, answer.err_msg),
            (90007, format!("startSoterAuthentication:fail {text}"))
        );
        let received = drain(&mut events);
        let shown = received.iter().any(|event| matches!(event, Event::PromptShown { .. }));
        assert_eq!(shown, shows_dialog, "{text}: {received:?}");
        assert!(!received.iter().any(|event| matches!(event, Event::Signed { .. })));
        assert!(
            matches!(received.last(), Some(Event::Refused { code: 90007, reason, .. }) if !reason.english().is_empty())
        );
    }
}

#[tokio::test]
async fn a_request_with_an_invalid_setting_changes_nothing() {
    let desk = phone("trustonic");
    let before = set(&desk, json!({"latency": 1})).await;
    for wrong in [
        json!({"support": false, "failNext": 90006}),
        json!({"support": false, "internalError": ""}),
        json!({"support": false, "internalError": format!("authenticate error: {}", "x".repeat(201))}),
        json!({"support": false, "latency": 60_001}),
        json!({"support": false, "clock": 1_600_000_000_000_u64}),
        json!({"support": false, "systemUpgrade": true, "clock": u64::MAX}),
        json!({"support": false, "modes": ["iris"]}),
        json!({"support": false, "malformedCrl": true}),
        json!({"support": false, "malformedCrl": "on"}),
        json!({"support": false, "colour": "red"}),
    ] {
        let error = call(&desk, "device.set", wrong.clone()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidParams, "{wrong}");
        assert!(!error.what.english().is_empty() && !error.next.english().is_empty());
        let after = show(&desk).await;
        assert_eq!((&after.settings, &after.cpu_id), (&before.settings, &before.cpu_id), "{wrong}");
    }
}

/// DER of the leaf certificate that an app gets with its ASK.
async fn leaf(desk: &Desk, uid: u32) -> Vec<u8> {
    let exported = call(desk, "soter.getAppSecureKey", json!({"uid": uid})).await.unwrap();
    let blob = base64::decode(exported["exportData"].as_str().unwrap()).unwrap();
    let chain = CertificateChain::decode(&ExportBlob::decode(&blob).unwrap().json).unwrap();
    assert_eq!(chain.verify().unwrap().challenge.uid, uid.to_string());
    chain.certificates[0].clone()
}

#[tokio::test]
async fn the_malformed_crl_of_real_leaf_certificates_can_be_switched_on() {
    // Each is a SEQUENCE of an object identifier, 2.5.29.15 or 2.5.29.31, and an OCTET STRING.
    const KEY_USAGE: [u8; 13] = [0x30, 11, 0x06, 3, 0x55, 0x1d, 15, 0x04, 4, 0x03, 0x02, 0x00, 0x00];
    const CRL: [u8; 10] = [0x30, 8, 0x06, 3, 0x55, 0x1d, 31, 0x04, 1, 0x00];
    let both = [KEY_USAGE.as_slice(), &CRL].concat();
    let has = |leaf: &[u8], extensions: &[u8]| leaf.windows(extensions.len()).any(|part| part == extensions);
    let desk = phone("itrustee");
    call(&desk, "soter.generateAppSecureKey", json!({"uid": 10_115})).await.unwrap();
    let usual = leaf(&desk, 10_115).await;
    assert!(has(&usual, &KEY_USAGE) && !has(&usual, &CRL), "off by default");

    assert!(set(&desk, json!({"malformedCrl": true})).await.settings.malformed_crl);
    assert!(has(&leaf(&desk, 10_115).await, &both));
    // WeChat's servers do not look there.
    assert_eq!(authenticate(&desk, touched("1")).await.err_code, 0);

    assert!(!set(&desk, json!({"malformedCrl": null})).await.settings.malformed_crl);
    assert!(!has(&leaf(&desk, 10_115).await, &CRL));
}

#[test]
fn settings_that_an_earlier_version_stored_have_no_malformed_crl() {
    let mut stored = serde_json::to_value(device::Settings::default()).unwrap();
    stored.as_object_mut().unwrap().remove("malformedCrl").unwrap();
    assert_eq!(serde_json::from_value::<device::Settings>(stored).unwrap(), device::Settings::default());
}

#[tokio::test]
async fn a_system_upgrade_changes_the_cpu_id_and_keeps_keys_counter_and_enrolments() {
    let desk = phone("ios-touch-id");
    authenticate(&desk, touched("1")).await;
    let (before, keys) = (show(&desk).await, public_keys(&desk).await);

    let after = set(&desk, json!({"systemUpgrade": true})).await;

    assert_ne!(after.cpu_id, before.cpu_id);
    assert_eq!(
        device::Device { cpu_id: before.cpu_id.clone(), clock: before.clock, ..after.clone() },
        before
    );
    assert_eq!(public_keys(&desk).await, keys);
    let signed = result(&authenticate(&desk, touched("1")).await);
    // WeChat's servers do not know the new identity, so ASK and AuthKey are uploaded again.
    assert_eq!((signed.cpu_id, signed.counter), (after.cpu_id, before.counter + 3));
    assert_eq!(set(&desk, json!({"systemUpgrade": false})).await.cpu_id, show(&desk).await.cpu_id);
}

#[tokio::test]
async fn a_success_is_delayed_by_the_latency_setting() {
    let desk = phone("trustonic");
    authenticate(&desk, touched("1")).await;
    set(&desk, json!({"latency": 80})).await;
    let start = Instant::now();

    let answer = authenticate(&desk, touched("1")).await;

    assert!(start.elapsed() >= Duration::from_millis(80));
    assert_eq!(answer.err_code, 0);
}
