//! What a state folder keeps, and what it refuses.

use serde_json::json;
use soter_bridge::protocol::sensor::{SensorMode, SetMode};

use super::*;

fn restarted(folder: &Path, desk: Desk) -> Desk {
    desk.close().unwrap();
    drop(desk);
    Desk::open(in_folder(folder)).unwrap()
}

#[tokio::test]
async fn a_restart_keeps_everything_about_a_phone() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(DeskOptions { profile: Some("itrustee".to_owned()), ..in_folder(folder.path()) });
    let desk = desk.unwrap();
    authenticate(&desk, touched("1")).await;
    enroll(&desk, Mode::Facial).await;
    assert_eq!(authenticate(&desk, touched("wrong,1,cancel")).await.err_code, 0);
    assert_eq!(authenticate(&desk, touched("wrong,cancel")).await.err_code, 90008);
    let script = SensorMode::Script("wrong,2".parse().unwrap());
    desk.request(None, SetMode { mode: script }).await.unwrap();
    let settings = json!({
        "permission": false, "modes": ["facial"], "internalError": "auth key update error",
        "reportNotEnrolled": true, "reportFaceAsFinger": true, "malformedCrl": true, "failNext": 90009, "latency": 7,
    });
    let before = set(&desk, settings).await;
    let keys = public_keys(&desk).await;

    let desk = restarted(folder.path(), desk);

    let after = show(&desk).await;
    assert_eq!(device::Device { clock: before.clock, ..after }, before);
    assert_eq!(public_keys(&desk).await, keys);
}

#[tokio::test]
async fn a_failure_set_for_one_call_does_not_return_after_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    set(&desk, json!({"failNext": 90009})).await;
    let desk = restarted(folder.path(), desk);
    assert_eq!(authenticate(&desk, touched("1")).await.err_code, 90009);

    // No clean shutdown.
    drop(desk);
    let desk = Desk::open(in_folder(folder.path())).unwrap();

    assert_eq!(authenticate(&desk, touched("1")).await.err_code, 0);
}

#[tokio::test]
async fn a_lockout_and_an_invalid_auth_key_outlast_a_crash() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    authenticate(&desk, touched("1")).await;
    enroll(&desk, Mode::FingerPrint).await;
    let session_less = public_keys(&desk).await;
    drop(desk);
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    assert_eq!(public_keys(&desk).await, session_less);
    assert!(!session_less.last().unwrap().valid);
    assert_eq!(authenticate(&desk, touched("wrong,wrong,wrong,wrong,wrong")).await.err_code, 90010);

    drop(desk);
    let desk = Desk::open(in_folder(folder.path())).unwrap();

    assert_eq!(authenticate(&desk, touched("1")).await.err_code, 90010);
    desk.request(None, biometric::Unlock {}).await.unwrap();
    assert_eq!(authenticate(&desk, touched("1")).await.err_code, 0);
}

#[tokio::test]
async fn closing_twice_is_harmless_and_a_closed_phone_can_be_used_again() {
    let desk = phone("trustonic");
    let first = result(&authenticate(&desk, touched("1")).await);
    desk.close().unwrap();
    desk.close().unwrap();

    let second = result(&authenticate(&desk, touched("1")).await);

    assert_eq!((second.counter, second.cpu_id), (first.counter + 1, first.cpu_id));
}

#[tokio::test]
async fn a_folder_does_not_open_with_another_family_or_seed_and_is_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    let first = result(&authenticate(&desk, touched("1")).await);
    desk.close().unwrap();
    drop(desk);
    for wrong in [
        DeskOptions { profile: Some("ios".to_owned()), ..in_folder(folder.path()) },
        DeskOptions { profile: Some("iris".to_owned()), ..in_folder(folder.path()) },
        DeskOptions { seed: Some("seed".into()), ..in_folder(folder.path()) },
        DeskOptions { clock: Some(0), ..in_folder(folder.path()) },
    ] {
        let error = Desk::open(wrong.clone()).unwrap_err();
        assert_eq!(error.kind, ErrorKind::InvalidParams, "{wrong:?}");
        assert!(!error.next.english().is_empty());
    }

    let same = DeskOptions { profile: Some("trustonic".to_owned()), ..in_folder(folder.path()) };
    let desk = Desk::open(same).unwrap();

    let next = result(&authenticate(&desk, touched("1")).await);
    assert_eq!((next.counter, next.cpu_id), (first.counter + 1, first.cpu_id));
}

#[tokio::test]
async fn a_new_phone_with_the_name_of_a_removed_one_is_another_phone() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    call(&desk, "device.create", json!({"name": "second"})).await.unwrap();
    let shown = async || desk.request(Some("second"), device::Show {}).await.unwrap();
    let first = shown().await;
    desk.request(None, device::Remove { name: "second".to_owned() }).await.unwrap();
    assert!(!folder.path().join("devices/second").exists());

    call(&desk, "device.create", json!({"name": "second"})).await.unwrap();

    assert_ne!(shown().await.cpu_id, first.cpu_id);
}

#[tokio::test]
async fn a_desk_with_unused_phones_has_no_files_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    for number in 0..50 {
        call(&desk, "device.create", json!({"name": format!("phone-{number}")})).await.unwrap();
    }
    desk.request(None, device::List::default()).await.unwrap();
    desk.request(None, device::Select { name: "phone-7".to_owned() }).await.unwrap();
    desk.request(Some("phone-8"), SetMode { mode: SensorMode::Auto }).await.unwrap();
    desk.close().unwrap();

    let devices = folder.path().join("devices");
    let files = std::fs::read_dir(&devices).map_or(0, Iterator::count);

    assert_eq!(files, 0);
    let desk = restarted(folder.path(), desk);
    let listed = desk.request(None, device::List::default()).await.unwrap();
    assert_eq!((listed.devices.len(), listed.selected.as_str()), (51, "phone-7"));
}

#[tokio::test]
async fn what_is_written_for_a_new_phone_does_not_depend_on_the_others() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    let document = || std::fs::read(folder.path().join("phones.json")).unwrap();
    let before = document();
    for name in ["second", "third"] {
        call(&desk, "device.create", json!({"name": name})).await.unwrap();
    }
    assert_eq!(document(), before);
    let desk = restarted(folder.path(), desk);
    assert_eq!(call(&desk, "device.list", json!({})).await.unwrap()["devices"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn a_folder_of_the_first_format_with_all_records_in_one_document_is_converted() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    call(&desk, "device.create", json!({"name": "second", "profile": "itrustee"})).await.unwrap();
    call(&desk, "sensor.setMode", json!({"device": "second", "mode": "auto"})).await.unwrap();
    call(&desk, "device.select", json!({"name": "second"})).await.unwrap();
    let before = result(&desk.request(None, good_request()).await.unwrap());
    let list = call(&desk, "device.list", json!({})).await.unwrap();
    desk.close().unwrap();
    drop(desk);
    // As the first format had it.
    let records = folder.path().join("phones");
    let json_of = |path: &Path| -> Value {
        let text = std::fs::read_to_string(path).unwrap();
        serde_json::from_str(text.split_once('\n').unwrap().1).unwrap()
    };
    let mut document = json_of(&folder.path().join("phones.json"));
    document["phones"] = ["phone", "second"]
        .map(|name| (name.to_owned(), json_of(&records.join(format!("{name}.json")))))
        .into_iter()
        .collect();
    let body = document.to_string();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body.as_bytes());
    let digest = base16ct::lower::encode_string(digest.as_ref());
    std::fs::write(folder.path().join("phones.json"), format!("soter-sim-phones 1 {digest}\n{body}"))
        .unwrap();
    std::fs::remove_dir_all(&records).unwrap();

    for _ in 0..2 {
        let desk = Desk::open(in_folder(folder.path())).unwrap();
        assert_eq!(call(&desk, "device.list", json!({})).await.unwrap(), list);
        let after = result(&desk.request(None, good_request()).await.unwrap());
        assert_eq!(after.cpu_id, before.cpu_id);
        assert!(after.counter > before.counter);
        drop(desk);
        assert_eq!(std::fs::read_dir(&records).unwrap().count(), 2);
        assert_eq!(json_of(&folder.path().join("phones.json"))["phones"], Value::Null);
    }
}
