use std::sync::Barrier;
use std::thread;

use soter_tee::{ProvisionedDevice, Storage};

use super::super::durable::crash;
use super::*;

const DEVICE: ProvisionedDevice<'_> =
    ProvisionedDevice { root_key: &[7; 32], sealed: b"sealed", rpmb: [&[1; 64], &[2; 64]] };

fn name(name: &str) -> DeviceName {
    name.parse().unwrap()
}

fn names(names: &[&str]) -> Vec<DeviceName> {
    names.iter().copied().map(name).collect()
}

/// A state folder with these devices, in a temporary folder that is removed when the first value is dropped.
fn folder_with(devices: &[&str]) -> (tempfile::TempDir, StateFolder) {
    let parent = tempfile::tempdir().unwrap();
    let folder = StateFolder::open(&parent.path().join("state")).unwrap();
    for device in devices {
        folder.device_storage(&name(device)).provision(&DEVICE).unwrap();
    }
    (parent, folder)
}

/// The message and the remedy of the error that another `open` of this folder gives.
fn refusal(folder: &StateFolder) -> (String, String) {
    let error = StateFolder::open(folder.path()).unwrap_err();
    (error.to_string(), error.remedy().into())
}

#[test]
fn a_missing_folder_is_created_with_its_parents() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("share/soter-sim/state");

    let folder = StateFolder::open(&path).unwrap();

    assert_eq!(folder.path(), path);
    assert!(path.is_dir());
}

#[cfg(unix)]
#[test]
fn only_the_user_may_open_what_is_in_the_folder() {
    use std::os::unix::fs::PermissionsExt;

    let (_parent, folder) = folder_with(&["pixel"]);
    folder.save_document(&1).unwrap();

    let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
    for folder in ["", "devices", "devices/pixel"] {
        assert_eq!(mode(folder), 0o700, "{folder}");
    }
    for file in ["lock", "lock.owner", "phones.json", "devices/pixel/root.key"] {
        assert_eq!(mode(file), 0o600, "{file}");
    }
}

#[test]
fn a_second_open_is_refused_with_the_holder_and_a_remedy() {
    let (_parent, folder) = folder_with(&[]);

    let (message, remedy) = refusal(&folder);

    let path = folder.path().display();
    let start =
        format!("state folder {path} is in use by process {} (soter-sim, since 20", std::process::id());
    assert!(message.starts_with(&start) && message.ends_with(" UTC)"), "{message}");
    assert_eq!(remedy, "Wait for it to end, choose another folder with --state, or use --ephemeral.");
}

#[test]
fn the_refusal_names_the_url_of_the_holder() {
    let (_parent, folder) = folder_with(&[]);
    folder.set_url("http://127.0.0.1:9000").unwrap();

    assert_eq!(
        refusal(&folder).1,
        "Wait for it to end, choose another folder with --state, or use --ephemeral; or use the one that is \
         running: --connect http://127.0.0.1:9000"
    );
}

#[test]
fn a_refused_open_changes_nothing() {
    let (_parent, folder) = folder_with(&["pixel"]);
    let leftover = folder.path().join("devices/.nokia.new");
    fs::create_dir(&leftover).unwrap();
    let note = fs::read(folder.path().join("lock.owner")).unwrap();

    refusal(&folder);

    assert!(leftover.exists(), "the holder may be making this device");
    assert_eq!(fs::read(folder.path().join("lock.owner")).unwrap(), note);
}

#[test]
fn without_a_valid_note_the_holder_is_another_process() {
    let (_parent, folder) = folder_with(&[]);
    let note = folder.path().join("lock.owner");
    let expected = format!("state folder {} is in use by another process", folder.path().display());

    fs::write(&note, "{\"pid\":").unwrap();
    assert_eq!(refusal(&folder).0, expected);
    fs::remove_file(&note).unwrap();
    assert_eq!(refusal(&folder).0, expected);
    fs::create_dir(&note).unwrap();
    assert_eq!(refusal(&folder).0, expected);
}

#[test]
fn the_note_of_a_process_that_was_killed_is_replaced() {
    let (_parent, folder) = folder_with(&[]);
    let path = folder.path().to_owned();
    drop(folder);
    fs::write(path.join("lock.owner"), "{\"pid\":1,\"started\":0,\"url\":\"http://127.0.0.1:1\"}").unwrap();

    let folder = StateFolder::open(&path).unwrap();

    let (message, remedy) = refusal(&folder);
    assert!(message.contains(&format!("process {} ", std::process::id())), "{message}");
    assert!(!remedy.contains("--connect"), "{remedy}");
}

#[test]
fn a_closed_folder_can_be_opened_again_and_has_no_note() {
    let (_parent, folder) = folder_with(&["pixel"]);
    let path = folder.path().to_owned();
    drop(folder);

    assert!(!path.join("lock.owner").exists());
    let folder = StateFolder::open(&path).unwrap();
    assert_eq!(folder.device_names_on_disk().unwrap(), names(&["pixel"]));
}

#[test]
fn exactly_one_of_many_simultaneous_opens_succeeds() {
    const THREADS: usize = 8;
    let parent = tempfile::tempdir().unwrap();
    for round in 0..10 {
        let path = parent.path().join(format!("{round}/state"));
        let start = Barrier::new(THREADS);
        let opened: Vec<_> = thread::scope(|scope| {
            let open = || {
                start.wait();
                StateFolder::open(&path)
            };
            let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(open)).collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });

        assert_eq!(opened.iter().filter(|opened| opened.is_ok()).count(), 1);
        for error in opened.into_iter().filter_map(Result::err) {
            assert!(matches!(error, FolderError::InUse { .. }), "{error}");
        }
    }
}

#[test]
fn a_file_in_place_of_the_folder_is_an_error_with_a_remedy() {
    let parent = tempfile::tempdir().unwrap();
    let path = parent.path().join("state");
    fs::write(&path, "").unwrap();

    let error = StateFolder::open(&path).unwrap_err();

    assert!(error.to_string().starts_with(&format!("cannot create {}: ", path.display())), "{error}");
    assert_eq!(
        error.remedy().english(),
        format!(
            "Check that {} is where you may read and write, choose another folder with --state, or use --ephemeral.",
            path.display()
        )
    );
}

#[test]
fn an_empty_path_is_an_error() {
    StateFolder::open(Path::new("")).unwrap_err();
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_the_lock_is_an_error_without_blocking() {
    let parent = tempfile::tempdir().unwrap();
    let lock = parent.path().join("lock");
    assert!(std::process::Command::new("mkfifo").arg(&lock).status().unwrap().success());

    let error = StateFolder::open(parent.path()).unwrap_err();

    assert_eq!(error.to_string(), format!("cannot create {}: it is not a regular file", lock.display()));
}

#[test]
fn only_devices_on_disk_are_listed_and_in_order() {
    let (_parent, folder) = folder_with(&[]);
    assert_eq!(folder.device_names_on_disk().unwrap(), []);

    for device in ["pixel", "huawei", "iphone-15"] {
        folder.device_storage(&name(device)).provision(&DEVICE).unwrap();
    }
    let devices = folder.path().join("devices");
    fs::create_dir(devices.join("Not A Device")).unwrap();
    fs::create_dir(devices.join(".nokia.new")).unwrap();
    fs::write(devices.join("file"), "").unwrap();

    assert_eq!(folder.device_names_on_disk().unwrap(), names(&["huawei", "iphone-15", "pixel"]));
}

#[test]
fn an_unused_device_has_no_folder() {
    let (_parent, folder) = folder_with(&[]);
    assert!(folder.device_storage(&name("pixel")).load().unwrap().is_none());
    assert_eq!(folder.device_names_on_disk().unwrap(), []);
}

#[test]
fn opening_removes_what_crashes_left_and_keeps_foreign_folders() {
    let (_parent, folder) = folder_with(&["pixel"]);
    let path = folder.path().to_owned();
    drop(folder);
    let devices = path.join("devices");
    for leftover in [".pixel.new", ".nokia.new", ".huawei.removed"] {
        fs::create_dir(devices.join(leftover)).unwrap();
        fs::write(devices.join(leftover).join("root.key"), "secret").unwrap();
    }
    for foreign in [".git", ".Backup.new", "pixel.removed", ".new"] {
        fs::create_dir(devices.join(foreign)).unwrap();
    }

    StateFolder::open(&path).unwrap();

    let mut found: Vec<String> = fs::read_dir(&devices)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    found.sort_unstable();
    assert_eq!(found, [".Backup.new", ".git", ".new", "pixel", "pixel.removed"]);
}

#[test]
fn a_removed_device_is_gone_and_its_name_is_free() {
    let (_parent, folder) = folder_with(&["huawei", "pixel"]);

    folder.remove_device(&name("pixel")).unwrap();

    assert_eq!(folder.device_names_on_disk().unwrap(), names(&["huawei"]));
    assert_eq!(fs::read_dir(folder.path().join("devices")).unwrap().count(), 1);
    folder.device_storage(&name("pixel")).provision(&DEVICE).unwrap();
    assert_eq!(folder.device_names_on_disk().unwrap(), names(&["huawei", "pixel"]));
}

#[test]
fn the_remains_of_an_interrupted_removal_do_not_block_the_next_one() {
    let (_parent, folder) = folder_with(&["pixel"]);
    let rest = folder.path().join("devices/.pixel.removed");
    fs::create_dir(&rest).unwrap();
    fs::write(rest.join("root.key"), "secret").unwrap();

    folder.remove_device(&name("pixel")).unwrap();

    assert_eq!(fs::read_dir(folder.path().join("devices")).unwrap().count(), 0);
}

#[test]
fn removing_a_device_without_a_folder_is_not_an_error() {
    let (_parent, folder) = folder_with(&[]);
    folder.remove_device(&name("pixel")).unwrap();
}

#[test]
fn a_device_is_complete_or_gone_wherever_its_removal_is_interrupted() {
    let (_parent, folder) = folder_with(&["pixel"]);
    let (removed, steps) = crash::trace(|| folder.remove_device(&name("pixel")));
    removed.unwrap();

    let mut outcomes = Vec::new();
    for allowed in 0..steps.len() {
        let (_parent, folder) = folder_with(&["pixel"]);
        crash::stop_after(allowed, || folder.remove_device(&name("pixel"))).unwrap_err();
        let path = folder.path().to_owned();
        drop(folder);

        let folder = StateFolder::open(&path).unwrap();
        let stored = folder.device_storage(&name("pixel")).load().unwrap();
        assert!(stored.as_ref().is_none_or(|stored| stored.root_key.is_some() && stored.rpmb.is_some()));
        let expected_entries = usize::from(stored.is_some());
        assert_eq!(fs::read_dir(path.join("devices")).unwrap().count(), expected_entries);
        outcomes.push(stored.is_none());
    }
    assert_eq!(outcomes.first(), Some(&false));
    assert_eq!(outcomes.last(), Some(&true));
}

#[test]
fn the_document_is_absent_until_it_is_saved_and_then_has_what_was_saved_last() {
    let (_parent, folder) = folder_with(&[]);
    assert_eq!(folder.load_document::<Vec<u32>>().unwrap(), None);

    folder.save_document(&vec![1, 2]).unwrap();
    folder.save_document(&vec![3]).unwrap();

    assert_eq!(folder.load_document::<Vec<u32>>().unwrap(), Some(vec![3]));
    assert!(
        fs::read_to_string(folder.path().join("phones.json")).unwrap().starts_with("soter-sim-phones 2 ")
    );
}

#[test]
fn the_document_is_old_or_new_wherever_its_save_is_interrupted() {
    let (_parent, folder) = folder_with(&[]);
    let (saved, steps) = crash::trace(|| folder.save_document("old"));
    saved.unwrap();
    crash::assert_durable(&steps);

    let mut outcomes = Vec::new();
    for allowed in 0..steps.len() {
        folder.save_document("old").unwrap();
        crash::stop_after(allowed, || folder.save_document("new")).unwrap_err();
        outcomes.push(folder.load_document::<String>().unwrap().unwrap());
    }
    assert!(outcomes.iter().all(|document| document == "old" || document == "new"));
    assert_eq!(outcomes.first().map(String::as_str), Some("old"));
    assert_eq!(outcomes.last().map(String::as_str), Some("new"));
}

#[test]
fn simultaneous_saves_do_not_mix_documents() {
    let (_parent, folder) = folder_with(&[]);
    let texts = ["a".repeat(10_000), "b".repeat(20_000)];
    thread::scope(|scope| {
        for text in &texts {
            scope.spawn(|| (0..20).for_each(|_| folder.save_document(text).unwrap()));
        }
    });
    assert!(texts.contains(&folder.load_document().unwrap().unwrap()));
}

#[test]
fn a_damaged_document_is_an_error_with_a_remedy_and_is_kept() {
    let (_parent, folder) = folder_with(&["pixel"]);
    folder.save_document(&[1, 5]).unwrap();
    let path = folder.path().join("phones.json");
    let edited = fs::read_to_string(&path).unwrap().replace("  5", "  4");
    fs::write(&path, &edited).unwrap();

    let error = folder.load_document::<Vec<u32>>().unwrap_err();

    assert_eq!(
        error.to_string(),
        format!(
            "{} is damaged: its contents do not have the SHA-256 that its first line says",
            path.display()
        )
    );
    assert_eq!(
        error.remedy().english(),
        format!(
            "Restore it from a copy, or delete {}: all devices are then listed, with their settings; which one is selected is \
             lost, and a fleet has to be named again with --fleet.",
            path.display()
        )
    );
    assert_eq!(fs::read_to_string(&path).unwrap(), edited);

    fs::remove_file(&path).unwrap();
    assert_eq!(folder.load_document::<Vec<u32>>().unwrap(), None);
    assert_eq!(folder.device_names_on_disk().unwrap(), names(&["pixel"]));
}

#[test]
fn a_document_of_a_later_version_is_not_called_damaged() {
    let (_parent, folder) = folder_with(&[]);
    let path = folder.path().join("phones.json");
    fs::write(&path, "soter-sim-phones 3 00\n{}").unwrap();

    let error = folder.load_document::<Vec<u32>>().unwrap_err();

    assert_eq!(
        error.to_string(),
        format!("{} has format version 3, and this program reads versions up to 2", path.display())
    );
    assert!(
        error.remedy().english().starts_with("Use the version of soter-sim that wrote it"),
        "{:?}",
        error.remedy()
    );
}

#[test]
fn an_oversized_document_is_not_read() {
    let (_parent, folder) = folder_with(&[]);
    let path = folder.path().join("phones.json");
    fs::File::create(&path).unwrap().set_len(document::DESK.max_bytes + 1).unwrap();

    let error = folder.load_document::<Vec<u32>>().unwrap_err();

    assert!(
        error.to_string().ends_with("it is 67108865 bytes long, and at most 67108864 are allowed"),
        "{error}"
    );
    assert_eq!(
        error.remedy().english(),
        format!("Restore {} from a copy, or move it away and try again.", path.display())
    );
}

#[test]
fn a_full_disk_has_its_own_remedy() {
    let source = io::Error::from(io::ErrorKind::StorageFull);
    let error = FolderError::File { action: FileAction::Write, path: "state/phones.json".into(), source };
    assert_eq!(
        error.remedy().english(),
        "Free some space and try again, choose another folder with --state, or use --ephemeral."
    );
}

#[test]
fn what_is_no_file_under_a_records_name_is_told() {
    let (_parent, folder) = folder_with(&[]);
    folder.save_record(&name("pixel"), &1).unwrap();
    let path = folder.path().join("phones/pixel.json");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    assert_eq!(folder.record_names().unwrap(), names(&["pixel"]));
    let error = folder.load_record::<u32>(&name("pixel")).unwrap_err();
    assert!(error.to_string().ends_with("it is a folder, not a regular file"), "{error}");
}

#[test]
fn a_record_is_old_or_new_wherever_its_save_is_interrupted_and_is_removed_with_its_device() {
    let (_parent, folder) = folder_with(&["pixel"]);
    let pixel = name("pixel");
    let (saved, steps) = crash::trace(|| folder.save_record(&pixel, "old"));
    saved.unwrap();
    crash::assert_durable(&steps);
    for allowed in 0..steps.len() {
        folder.save_record(&pixel, "old").unwrap();
        if crash::stop_after(allowed, || folder.save_record(&pixel, "new")).is_err() {
            let record = folder.load_record::<String>(&pixel).unwrap().unwrap();
            assert!(["old", "new"].contains(&record.as_str()), "{record}");
        }
    }
    folder.remove_device(&pixel).unwrap();
    assert_eq!(folder.load_record::<String>(&pixel).unwrap(), None);
    assert_eq!(folder.device_names_on_disk().unwrap(), names(&[]));
}
