//! An attacker's powers: they work from outside the secure world, and the phone does not notice.

use serde_json::json;
use soter_bridge::protocol::danger;
use soter_wire::{PublicKey, SignatureScheme, base64};

use super::*;

async fn copied(desk: &Desk, method: &str, name: &str) -> danger::Copied {
    serde_json::from_value(call(desk, method, json!({"name": name})).await.unwrap()).unwrap()
}

/// A desk in memory, and one in a folder.
fn desks(folder: &Path) -> [Desk; 2] {
    [State::Ephemeral, State::Folder(folder.to_owned())].map(|state| Desk::open(options(state)).unwrap())
}

#[tokio::test]
async fn a_restored_phone_signs_with_counters_that_it_has_used_before() {
    let folder = tempfile::tempdir().unwrap();
    for desk in desks(folder.path()) {
        authenticate(&desk, touched("1")).await;
        let before = copied(&desk, "danger.snapshot", "before").await;
        let first = result(&authenticate(&desk, touched("1")).await);
        assert_eq!(first.counter, before.counter + 1);
        enroll(&desk, Mode::FingerPrint).await;

        assert_eq!(copied(&desk, "danger.restore", "before").await, before);

        assert_eq!(
            show(&desk).await.biometrics.enrolments.len(),
            1,
            "the enrolments are those of the snapshot"
        );
        let again = result(&authenticate(&desk, touched("1")).await);
        assert_eq!((again.counter, again.cpu_id), (first.counter, first.cpu_id));
    }
}

#[tokio::test]
async fn a_clone_starts_as_the_same_phone_and_then_changes_independently() {
    let folder = tempfile::tempdir().unwrap();
    for desk in desks(folder.path()) {
        authenticate(&desk, touched("1")).await;
        call(&desk, "danger.clone", json!({"name": "twin"})).await.unwrap();
        let original = result(&authenticate(&desk, touched("1")).await);
        let twin = result(&desk.request(Some("twin"), touched("1")).await.unwrap());
        assert_eq!((&original.cpu_id, original.counter), (&twin.cpu_id, twin.counter));
        let keys = desk.request(Some("twin"), keys::List {}).await.unwrap().keys;
        assert_eq!(public_keys(&desk).await, keys);
    }
}

#[tokio::test]
async fn a_clone_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    authenticate(&desk, touched("1")).await;
    call(&desk, "danger.clone", json!({"name": "twin"})).await.unwrap();
    desk.close().unwrap();
    drop(desk);
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    let twin = desk.request(Some("twin"), touched("1")).await.unwrap();
    assert_eq!(result(&twin).cpu_id, show(&desk).await.cpu_id);
}

#[tokio::test]
async fn the_clock_of_any_phone_can_be_set_and_released() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    let now = show(&desk).await.clock;
    call(&desk, "danger.setClock", json!({"clock": 1_000})).await.unwrap();
    assert_eq!(show(&desk).await.clock, 1_000);
    call(&desk, "danger.setClock", json!({})).await.unwrap();
    assert!(show(&desk).await.clock >= now);
    assert!(call(&desk, "danger.setClock", json!({"clock": u64::MAX})).await.is_err());
}

#[tokio::test]
async fn a_text_is_signed_with_the_attackers_own_key_at_any_salt_length() {
    let desk = phone("ios");
    let sign = async |params: Value| -> danger::Signature {
        serde_json::from_value(call(&desk, "danger.sign", params).await.unwrap()).unwrap()
    };
    for salt in [0, 20, 222] {
        let signed = sign(json!({"text": "order-42", "salt": salt})).await;
        let key = PublicKey::from_pem(&signed.public_key).unwrap();
        let signature = base64::decode(&signed.signature).unwrap();
        let scheme = SignatureScheme::rsa_pss(salt).unwrap();
        assert_eq!(key.verify(scheme, b"order-42", &signature), Ok(()));
    }
    let old = sign(json!({"text": "order-42", "padding": "pkcs1"})).await;
    let key = PublicKey::from_pem(&old.public_key).unwrap();
    assert_eq!(key.verify_pkcs1(b"order-42", &base64::decode(&old.signature).unwrap()), Ok(()));
    assert!(public_keys(&desk).await.iter().all(|own| own.fingerprint != old.fingerprint));
}

#[tokio::test]
async fn snapshots_are_limited_and_invalid_requests_are_refused() {
    let desk = phone("ios");
    let refused = |method: &'static str, params: Value| {
        let desk = desk.clone();
        async move { call(&desk, method, params).await.unwrap_err() }
    };
    let error = refused("danger.restore", json!({"name": "none"})).await;
    assert!(error.next.english().contains("danger snapshot"), "{error:?}");
    assert_eq!(refused("danger.snapshot", json!({"name": "No Name"})).await.kind, ErrorKind::InvalidParams);
    for number in 0..64 {
        copied(&desk, "danger.snapshot", &format!("copy-{number}")).await;
    }
    copied(&desk, "danger.snapshot", "copy-0").await;
    assert_eq!(refused("danger.snapshot", json!({"name": "more"})).await.kind, ErrorKind::LimitReached);
    assert_eq!(refused("danger.clone", json!({"name": "phone"})).await.kind, ErrorKind::InvalidParams);
    call(&desk, "device.create", json!({"name": "other"})).await.unwrap();
    let error = refused("danger.restore", json!({"name": "copy-0", "device": "other"})).await;
    assert!(error.what.english().contains("of device `phone`"), "{error:?}");
}

#[tokio::test]
async fn an_event_reports_each_change_by_an_attacker() {
    let desk = phone("trustonic");
    copied(&desk, "danger.snapshot", "before").await;
    let mut events = desk.events();
    call(&desk, "danger.clone", json!({"name": "twin"})).await.unwrap();
    copied(&desk, "danger.restore", "before").await;
    call(&desk, "danger.setClock", json!({"clock": 1_700_000_000_000_u64})).await.unwrap();
    let changed = |event| match event {
        Event::Changed { device, method } => Some((device, method)),
        _ => None,
    };
    let received: Vec<_> = drain(&mut events).into_iter().filter_map(changed).collect();
    let expected = [("twin", "danger.clone"), ("phone", "danger.restore"), ("phone", "danger.setClock")];
    assert_eq!(received, expected.map(|(device, method)| (device.to_owned(), method.to_owned())));
}
