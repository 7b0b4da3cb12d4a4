//! Copies of the phones of a folder, which does not change.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use serde_json::json;
use soter_sim::store::StateFolder;

use super::*;

/// Every file and folder below a folder, with the bytes of the files.
fn contents(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(contents(&path));
            found.insert(path, None);
        } else if !path.ends_with("lock.owner") {
            let bytes = fs::read(&path).unwrap();
            found.insert(path, Some(bytes));
        }
    }
    found
}

fn copied(folder: &Path) -> Desk {
    Desk::copy_of(StateFolder::open_unchanged(folder).unwrap(), options(State::Ephemeral)).unwrap()
}

#[tokio::test]
async fn a_copy_is_as_the_phone_is_and_whatever_it_does_leaves_the_folder_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    authenticate(&desk, touched("1")).await;
    enroll(&desk, Mode::FingerPrint).await;
    let original = set(&desk, json!({"failNext": 90009})).await;
    desk.close().unwrap();
    drop(desk);
    let before = contents(folder.path());

    let copy = copied(folder.path());
    let shown = show(&copy).await;
    assert_eq!(device::Device { clock: original.clock, ..shown }, original);
    assert_eq!(authenticate(&copy, touched("1")).await.err_code, 90009);
    assert_eq!(authenticate(&copy, touched("1")).await.err_code, 0);
    call(&copy, "device.create", json!({"name": "other"})).await.unwrap();
    copy.close().unwrap();
    drop(copy);

    assert_eq!(contents(folder.path()), before);
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    assert_eq!(authenticate(&desk, touched("1")).await.err_code, 90009);
}

#[tokio::test]
async fn what_opening_would_complete_stays_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    authenticate(&desk, touched("1")).await;
    let old = show(&desk).await;
    desk.close().unwrap();
    drop(desk);
    // A reset whose removals were not carried out, in the form of the first version: the records are in the document. And a
    // phone that was not complete when a crash came.
    {
        let stored = StateFolder::open(folder.path()).unwrap();
        let name = "phone".parse().unwrap();
        let mut record: Value = stored.load_record(&name).unwrap().unwrap();
        record["used"] = false.into();
        record["settings"]["latency"] = 7.into();
        let document = json!({"selected": "phone", "phones": {"phone": record}, "removing": ["phone"]});
        stored.save_document(&document).unwrap();
    }
    fs::create_dir(folder.path().join("devices/.b.new")).unwrap();
    let before = contents(folder.path());

    let copy = copied(folder.path());
    let shown = show(&copy).await;
    assert_eq!(shown.settings.latency, 7);
    assert_ne!(shown.cpu_id, old.cpu_id, "the old phone is about to be removed");
    drop(copy);

    assert_eq!(contents(folder.path()), before);
}

#[tokio::test]
async fn a_phone_without_a_record_is_copied_and_a_damaged_ledger_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let desk = Desk::open(in_folder(folder.path())).unwrap();
    authenticate(&desk, touched("1")).await;
    let original = show(&desk).await;
    desk.close().unwrap();
    drop(desk);
    fs::remove_file(folder.path().join("phones/phone.json")).unwrap();
    let before = contents(folder.path());
    let copy = copied(folder.path());
    assert_eq!(show(&copy).await.cpu_id, original.cpu_id);
    drop(copy);
    assert_eq!(contents(folder.path()), before);

    fs::write(folder.path().join("wechat.db"), b"no ledger at all, but long enough to be read as one")
        .unwrap();
    let before = contents(folder.path());
    let folder_of_copy = StateFolder::open_unchanged(folder.path()).unwrap();
    let error = Desk::copy_of(folder_of_copy, options(State::Ephemeral)).unwrap_err();
    assert!(error.what.english().contains("wechat.db"), "{error}");
    assert_eq!(contents(folder.path()), before);
}
