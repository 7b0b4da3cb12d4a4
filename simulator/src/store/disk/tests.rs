use proptest::prelude::*;
use soter_tee::ROOT_KEY_BYTES;

use super::super::durable::crash;
use super::*;

const OLD_SLOT: [u8; SLOT_BYTES] = [1; SLOT_BYTES];
const NEW_SLOT: [u8; SLOT_BYTES] = [2; SLOT_BYTES];
const DEVICE: ProvisionedDevice<'_> =
    ProvisionedDevice { root_key: &[0xA7; ROOT_KEY_BYTES], sealed: b"old", rpmb: [&OLD_SLOT, &OLD_SLOT] };

/// A device's storage in a temporary folder.
struct Phone {
    parent: tempfile::TempDir,
    storage: DiskStorage,
}

impl Phone {
    fn untouched() -> Self {
        let parent = tempfile::tempdir().unwrap();
        let storage = DiskStorage::new(&parent.path().join("phone"));
        Self { parent, storage }
    }

    fn provisioned() -> Self {
        let mut phone = Self::untouched();
        phone.storage.provision(&DEVICE).unwrap();
        phone
    }

    fn file(&self, name: &str) -> PathBuf {
        self.storage.folder().join(name)
    }

    fn sealed(&mut self) -> Vec<u8> {
        self.storage.load().unwrap().unwrap().sealed.unwrap()
    }

    /// Every name in the device's folder and in its parent.
    fn names(&self) -> Vec<String> {
        let list = |folder: &Path| fs::read_dir(folder).into_iter().flatten().collect::<Vec<_>>();
        let mut names: Vec<String> = [list(self.parent.path()), list(self.storage.folder())]
            .into_iter()
            .flatten()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort_unstable();
        names
    }
}

#[test]
fn an_unused_device_has_nothing_on_disk() {
    let mut phone = Phone::untouched();
    assert!(phone.storage.load().unwrap().is_none());
    assert_eq!(phone.names(), Vec::<String>::new());
}

#[test]
fn a_provisioned_device_has_its_three_files_and_nothing_else() {
    let mut phone = Phone::provisioned();
    phone.storage.write_sealed(b"new").unwrap();
    phone.storage.write_rpmb_slot(RpmbSlot::First, &NEW_SLOT).unwrap();

    assert_eq!(phone.names(), ["phone", "root.key", "rpmb.bin", "tee.sealed"]);
    assert_eq!(fs::read(phone.file("root.key")).unwrap(), [0xA7; ROOT_KEY_BYTES]);
    assert_eq!(fs::read(phone.file("tee.sealed")).unwrap(), b"new");
    assert_eq!(fs::read(phone.file("rpmb.bin")).unwrap(), [NEW_SLOT, OLD_SLOT].concat());
}

#[cfg(unix)]
#[test]
fn only_the_user_may_open_a_device() {
    use std::os::unix::fs::PermissionsExt;

    let mut phone = Phone::provisioned();
    phone.storage.write_sealed(b"new").unwrap();

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(phone.storage.folder()), 0o700);
    for name in ["root.key", "tee.sealed", "rpmb.bin"] {
        assert_eq!(mode(&phone.file(name)), 0o600, "{name}");
    }
}

#[test]
fn the_parent_folders_of_a_device_are_created_with_it() {
    let parent = tempfile::tempdir().unwrap();
    let mut storage = DiskStorage::new(&parent.path().join("state/devices/phone"));

    storage.provision(&DEVICE).unwrap();

    assert!(storage.load().unwrap().is_some());
}

#[test]
fn a_device_is_complete_or_absent_wherever_its_provisioning_is_interrupted() {
    let (provisioned, steps) = crash::trace(|| Phone::untouched().storage.provision(&DEVICE));
    provisioned.unwrap();
    crash::assert_durable(&steps);

    for allowed in 0..steps.len() {
        let mut phone = Phone::untouched();
        crash::stop_after(allowed, || phone.storage.provision(&DEVICE)).unwrap_err();

        match phone.storage.load().unwrap() {
            None => phone.storage.provision(&DEVICE).unwrap(),
            Some(_) => assert_eq!(allowed, steps.len() - 1, "only the last sync of the folder was missing"),
        }
        let stored = phone.storage.load().unwrap().unwrap();
        assert_eq!(stored.root_key.unwrap().as_slice(), DEVICE.root_key);
        assert_eq!(stored.sealed.unwrap(), DEVICE.sealed);
        assert_eq!(stored.rpmb.unwrap(), [OLD_SLOT, OLD_SLOT].concat());
        assert_eq!(phone.names(), ["phone", "root.key", "rpmb.bin", "tee.sealed"]);
    }
}

#[test]
fn the_sealed_state_is_old_or_new_wherever_its_write_is_interrupted() {
    let mut phone = Phone::provisioned();
    let (written, steps) = crash::trace(|| phone.storage.write_sealed(b"new"));
    written.unwrap();
    crash::assert_durable(&steps);

    let mut outcomes = Vec::new();
    for allowed in 0..steps.len() {
        let mut phone = Phone::provisioned();
        crash::stop_after(allowed, || phone.storage.write_sealed(b"new")).unwrap_err();
        outcomes.push(phone.sealed());

        phone.storage.write_sealed(b"next").unwrap();
        assert_eq!(phone.sealed(), b"next");
        assert_eq!(phone.names(), ["phone", "root.key", "rpmb.bin", "tee.sealed"]);
    }
    assert!(
        outcomes.is_sorted_by_key(|sealed| sealed == b"new"),
        "the old state does not return after the new one"
    );
    assert!(outcomes.iter().all(|sealed| sealed == b"old" || sealed == b"new"));
    assert_eq!(outcomes.last().unwrap(), b"new");
}

#[test]
fn the_other_slot_is_unchanged_wherever_the_write_of_one_is_interrupted() {
    for (slot, other) in [(RpmbSlot::First, RpmbSlot::Second), (RpmbSlot::Second, RpmbSlot::First)] {
        let mut phone = Phone::provisioned();
        let (written, steps) = crash::trace(|| phone.storage.write_rpmb_slot(slot, &NEW_SLOT));
        written.unwrap();
        crash::assert_durable(&steps);

        for allowed in 0..steps.len() {
            let mut phone = Phone::provisioned();
            crash::stop_after(allowed, || phone.storage.write_rpmb_slot(slot, &NEW_SLOT)).unwrap_err();

            let rpmb = phone.storage.load().unwrap().unwrap().rpmb.unwrap();
            assert_eq!(rpmb.len(), 2 * SLOT_BYTES);
            assert_eq!(rpmb[other.offset()..][..SLOT_BYTES], OLD_SLOT);
        }
    }
}

#[test]
fn a_missing_part_is_loaded_as_missing() {
    for missing in ["root.key", "tee.sealed", "rpmb.bin"] {
        let mut phone = Phone::provisioned();
        fs::remove_file(phone.file(missing)).unwrap();

        let stored = phone.storage.load().unwrap().unwrap();

        assert_eq!(stored.root_key.is_none(), missing == "root.key");
        assert_eq!(stored.sealed.is_none(), missing == "tee.sealed");
        assert_eq!(stored.rpmb.is_none(), missing == "rpmb.bin");
    }
}

#[test]
fn damaged_files_are_passed_to_the_tee_unchanged() {
    let mut phone = Phone::provisioned();
    fs::write(phone.file("root.key"), "short").unwrap();
    fs::write(phone.file("tee.sealed"), "").unwrap();
    fs::write(phone.file("rpmb.bin"), [3; 100]).unwrap();

    let stored = phone.storage.load().unwrap().unwrap();

    assert_eq!(stored.root_key.unwrap().as_slice(), b"short");
    assert_eq!(stored.sealed.unwrap(), b"");
    assert_eq!(stored.rpmb.unwrap(), [3; 100]);
}

#[test]
fn a_truncated_partition_refuses_the_write_of_a_slot() {
    let mut phone = Phone::provisioned();
    fs::write(phone.file("rpmb.bin"), [3; 100]).unwrap();

    let error = phone.storage.write_rpmb_slot(RpmbSlot::First, &NEW_SLOT).unwrap_err();

    assert!(error.to_string().ends_with("rpmb.bin: it is 100 bytes long instead of 128"), "{error}");
    assert_eq!(fs::read(phone.file("rpmb.bin")).unwrap(), [3; 100]);
}

#[test]
fn a_file_longer_than_the_bound_is_an_error() {
    for name in ["root.key", "tee.sealed", "rpmb.bin"] {
        let mut phone = Phone::provisioned();
        let file = fs::OpenOptions::new().write(true).open(phone.file(name)).unwrap();

        file.set_len(MAX_FILE_BYTES).unwrap();
        phone.storage.load().unwrap();
        file.set_len(MAX_FILE_BYTES + 1).unwrap();

        let error = phone.storage.load().unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
        assert!(error.ends_with("it is 4194305 bytes long, and at most 4194304 are allowed"), "{error}");
    }
}

#[test]
fn a_sealed_state_that_is_too_long_to_be_read_back_is_not_written() {
    let too_long = vec![0; usize::try_from(MAX_FILE_BYTES + 1).unwrap()];

    let mut phone = Phone::untouched();
    phone.storage.provision(&ProvisionedDevice { sealed: &too_long, ..DEVICE }).unwrap_err();
    assert_eq!(phone.names(), Vec::<String>::new());

    let mut phone = Phone::provisioned();
    phone.storage.write_sealed(&too_long).unwrap_err();
    assert_eq!(phone.sealed(), b"old");
    phone.storage.write_sealed(&too_long[1..]).unwrap();
    assert_eq!(phone.sealed().len(), too_long.len() - 1);
}

#[test]
fn a_folder_in_place_of_a_file_is_an_error() {
    for name in ["root.key", "tee.sealed", "rpmb.bin"] {
        let mut phone = Phone::provisioned();
        fs::remove_file(phone.file(name)).unwrap();
        fs::create_dir(phone.file(name)).unwrap();

        let error = phone.storage.load().unwrap_err().to_string();

        assert!(error.ends_with(&format!("{name}: it is a folder, not a regular file")), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_in_place_of_a_file_is_an_error() {
    for name in ["root.key", "tee.sealed", "rpmb.bin"] {
        let mut phone = Phone::provisioned();
        let moved = phone.parent.path().join("moved");
        fs::rename(phone.file(name), &moved).unwrap();
        std::os::unix::fs::symlink(&moved, phone.file(name)).unwrap();

        let error = phone.storage.load().unwrap_err().to_string();

        assert!(error.ends_with(&format!("{name}: it is a symbolic link, not a regular file")), "{error}");
    }
}

#[cfg(unix)]
#[test]
fn a_pipe_in_place_of_a_file_is_an_error_without_blocking() {
    for name in ["root.key", "tee.sealed", "rpmb.bin"] {
        let mut phone = Phone::provisioned();
        fs::remove_file(phone.file(name)).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(phone.file(name)).status().unwrap().success());

        let error = phone.storage.load().unwrap_err().to_string();
        assert!(error.ends_with(&format!("{name}: it is not a regular file")), "{error}");
        if name == "rpmb.bin" {
            phone.storage.write_rpmb_slot(RpmbSlot::First, &NEW_SLOT).unwrap_err();
        }
    }
}

#[test]
fn a_file_in_place_of_the_folder_is_an_error_and_not_an_absent_device() {
    let mut phone = Phone::untouched();
    fs::write(phone.storage.folder(), "").unwrap();

    phone.storage.load().unwrap_err();
    phone.storage.provision(&DEVICE).unwrap_err();
}

#[cfg(unix)]
#[test]
fn a_link_in_place_of_the_folder_is_an_error_and_not_an_absent_device() {
    let mut phone = Phone::untouched();
    std::os::unix::fs::symlink(phone.parent.path().join("nowhere"), phone.storage.folder()).unwrap();

    phone.storage.load().unwrap_err();
    phone.storage.provision(&DEVICE).unwrap_err();
}

#[cfg(target_os = "linux")]
#[test]
fn no_operation_leaves_a_file_open() {
    let mut phone = Phone::provisioned();
    phone.storage.write_sealed(b"new").unwrap();
    phone.storage.write_rpmb_slot(RpmbSlot::First, &NEW_SLOT).unwrap();
    phone.storage.load().unwrap();
    fs::write(phone.file("rpmb.bin"), "damaged").unwrap();
    phone.storage.write_rpmb_slot(RpmbSlot::First, &NEW_SLOT).unwrap_err();

    // Only the open files of this test: other tests run in the same process.
    let root = phone.parent.path().canonicalize().unwrap();
    let open_files = || {
        let descriptors = fs::read_dir("/proc/self/fd").unwrap();
        let targets = descriptors.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
        targets.filter(|target| target.starts_with(&root)).collect::<Vec<_>>()
    };
    assert_eq!(open_files(), Vec::<PathBuf>::new());
    let _open = fs::File::open(phone.file("root.key")).unwrap();
    assert_eq!(open_files(), [root.join("phone/root.key")], "the search finds an open file");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn the_last_write_is_read_back(states in prop::collection::vec(any::<Vec<u8>>(), 1..4)) {
        let mut phone = Phone::provisioned();
        for sealed in states {
            phone.storage.write_sealed(&sealed).unwrap();
            let mut reopened = DiskStorage::new(phone.storage.folder());
            prop_assert_eq!(reopened.load().unwrap().unwrap().sealed.unwrap(), sealed);
        }
    }
}
