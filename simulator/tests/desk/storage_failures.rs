//! A state folder that cannot be written any more: commands are refused, and nothing has changed.

use std::fs;

use serde_json::json;

use super::*;

/// 2024-07-03T00:00:00Z
const SOME_TIME_AGO_MS: u64 = 1_720_000_000_000;

/// Everything that commands can change, for all phones.
async fn state(desk: &Desk) -> Value {
    let list = call(desk, "device.list", json!({})).await.unwrap();
    let mut phones = Vec::new();
    for phone in list["devices"].as_array().unwrap() {
        let name = &phone["name"];
        for method in ["device.show", "biometric.list", "keys.list"] {
            let mut shown = call(desk, method, json!({"device": name})).await.unwrap();
            // Counter values may be skipped.
            shown["counter"].take();
            // The computer's clock goes on; one that was set stands in the past.
            if shown["clock"].as_u64().is_some_and(|clock| clock > SOME_TIME_AGO_MS) {
                shown["clock"].take();
            }
            phones.push(shown);
        }
    }
    json!([list, phones])
}

#[tokio::test]
async fn a_command_that_cannot_be_stored_is_refused_and_changes_nothing() {
    for (method, params) in [
        ("device.create", json!({"name": "third"})),
        ("device.create", json!({"name": "third", "seed": "s"})),
        ("device.select", json!({"name": "second"})),
        ("device.set", json!({"support": false, "systemUpgrade": true})),
        ("device.remove", json!({"name": "second"})),
        ("device.remove", json!({"name": "phone"})),
        ("device.resetNormalWorld", json!({})),
        ("sensor.setMode", json!({"mode": "auto"})),
        ("biometric.enroll", json!({"mode": "fingerPrint"})),
        ("danger.clone", json!({"name": "twin"})),
        ("danger.setClock", json!({"clock": 1_600_000_000_000_u64})),
        ("desk.reset", json!({})),
    ] {
        let parent = tempfile::tempdir().unwrap();
        let (folder, moved) = (parent.path().join("state"), parent.path().join("moved"));
        let options = || DeskOptions { allow_reset: true, ..in_folder(&folder) };
        let desk = Desk::open(options()).unwrap();
        call(&desk, "device.create", json!({"name": "second"})).await.unwrap();
        let before = state(&desk).await;

        fs::rename(&folder, &moved).unwrap();
        let refused = call(&desk, method, params.clone()).await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::Environment, "{method}: {refused:?}");
        assert!(
            refused.what.english().ends_with("was removed, moved or replaced while this process used it"),
            "{method}: {refused:?}"
        );
        assert!(!folder.exists(), "{method} made a new folder");
        fs::rename(&moved, &folder).unwrap();
        assert_eq!(state(&desk).await, before, "{method}");
        drop(desk);
        let desk = Desk::open(options()).unwrap();
        assert_eq!(state(&desk).await, before, "{method}, after a restart");
        call(&desk, method, params.clone()).await.unwrap();
        let changed = state(&desk).await;
        assert_ne!(changed, before, "{method}");
        drop(desk);
        assert_eq!(state(&Desk::open(options()).unwrap()).await, changed, "{method}, after another restart");
    }
}

#[tokio::test]
async fn a_desk_whose_folder_was_replaced_leaves_the_new_one_alone() {
    let parent = tempfile::tempdir().unwrap();
    let (folder, moved) = (parent.path().join("state"), parent.path().join("moved"));
    let old = Desk::open(in_folder(&folder)).unwrap();
    assert_eq!(authenticate(&old, touched("1")).await.err_code, 0);
    fs::rename(&folder, &moved).unwrap();
    let new = Desk::open(in_folder(&folder)).unwrap();
    assert_eq!(authenticate(&new, touched("1")).await.err_code, 0);
    let before = state(&new).await;
    let note = fs::read(folder.join("lock.owner")).unwrap();

    assert!(call(&old, "device.create", json!({"name": "second"})).await.is_err());
    assert!(old.close().is_err());
    drop(old);

    assert_eq!(fs::read(folder.join("lock.owner")).unwrap(), note);
    assert!(Desk::open(in_folder(&folder)).is_err(), "the lock of the new folder is gone");
    assert_eq!(state(&new).await, before);
    assert_eq!(authenticate(&new, touched("1")).await.err_code, 0);
    drop(new);
    assert_eq!(state(&Desk::open(in_folder(&folder)).unwrap()).await, before);
}

#[cfg(unix)]
#[tokio::test]
async fn a_reset_that_could_not_empty_the_ledger_is_completed_by_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let options = || DeskOptions { allow_reset: true, seed: Some("demo".into()), ..in_folder(folder.path()) };
    let (ledger, moved) = (folder.path().join("wechat.db"), folder.path().join("moved.db"));
    let desk = Desk::open(options()).unwrap();
    for _ in 0..3 {
        assert_eq!(authenticate(&desk, touched("1")).await.err_code, 0);
    }
    fs::rename(&ledger, &moved).unwrap();
    call(&desk, "desk.reset", json!({})).await.unwrap();
    drop(desk);
    fs::rename(&moved, &ledger).unwrap();

    let desk = Desk::open(options()).unwrap();
    // The servers would refuse the keys of the same phone with counters from the start.
    assert_eq!(authenticate(&desk, touched("1")).await.err_code, 0);
    assert_eq!(desk.wechat().generation().await, Ok(1));
    drop(desk);
    assert_eq!(Desk::open(options()).unwrap().wechat().generation().await, Ok(1));
}
