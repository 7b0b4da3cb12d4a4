//! Tests the contract of a device's storage with each implementation: in memory and on disk.

use soter_tee::power_cut::PowerCutStorage;
use soter_tee::{MemoryStorage, ProvisionedDevice, ROOT_KEY_BYTES, RpmbSlot, SLOT_BYTES, Storage};

use super::DiskStorage;

const ROOT_KEY: [u8; ROOT_KEY_BYTES] = [0xA7; ROOT_KEY_BYTES];
const FIRST: [u8; SLOT_BYTES] = [1; SLOT_BYTES];
const SECOND: [u8; SLOT_BYTES] = [2; SLOT_BYTES];

fn device(sealed: &[u8]) -> ProvisionedDevice<'_> {
    ProvisionedDevice { root_key: &ROOT_KEY, sealed, rpmb: [&FIRST, &SECOND] }
}

/// Runs the scenario with a new storage of each kind.
fn with_each_storage(scenario: impl Fn(&mut dyn Storage)) {
    let folder = tempfile::tempdir().unwrap();
    scenario(&mut MemoryStorage::new());
    scenario(&mut PowerCutStorage::new(MemoryStorage::new()));
    scenario(&mut DiskStorage::new(&folder.path().join("phone")));
}

#[test]
fn a_device_that_was_never_provisioned_is_absent() {
    with_each_storage(|storage| assert!(storage.load().unwrap().is_none()));
}

#[test]
fn a_device_is_loaded_as_it_was_provisioned() {
    with_each_storage(|storage| {
        storage.provision(&device(b"sealed")).unwrap();

        let stored = storage.load().unwrap().unwrap();
        assert_eq!(stored.root_key.unwrap().as_slice(), ROOT_KEY);
        assert_eq!(stored.sealed.unwrap(), b"sealed");
        assert_eq!(stored.rpmb.unwrap(), [FIRST, SECOND].concat());
    });
}

#[test]
fn a_device_is_provisioned_only_once() {
    with_each_storage(|storage| {
        storage.provision(&device(b"first")).unwrap();

        let error = storage.provision(&device(b"second")).unwrap_err();

        assert!(error.to_string().ends_with("it is provisioned already"), "{error}");
        assert_eq!(storage.load().unwrap().unwrap().sealed.unwrap(), b"first");
    });
}

#[test]
fn writing_the_sealed_state_replaces_all_of_it_and_nothing_else() {
    with_each_storage(|storage| {
        storage.provision(&device(b"a rather long first state")).unwrap();
        for sealed in [&b"short"[..], b"", b"longer again than before"] {
            storage.write_sealed(sealed).unwrap();

            let stored = storage.load().unwrap().unwrap();
            assert_eq!(stored.sealed.unwrap(), sealed);
            assert_eq!(stored.root_key.unwrap().as_slice(), ROOT_KEY);
            assert_eq!(stored.rpmb.unwrap(), [FIRST, SECOND].concat());
        }
    });
}

#[test]
fn writing_a_slot_does_not_change_the_other() {
    with_each_storage(|storage| {
        storage.provision(&device(b"sealed")).unwrap();

        storage.write_rpmb_slot(RpmbSlot::Second, &[9; SLOT_BYTES]).unwrap();
        assert_eq!(storage.load().unwrap().unwrap().rpmb.unwrap(), [FIRST, [9; SLOT_BYTES]].concat());

        storage.write_rpmb_slot(RpmbSlot::First, &[8; SLOT_BYTES]).unwrap();
        assert_eq!(
            storage.load().unwrap().unwrap().rpmb.unwrap(),
            [[8; SLOT_BYTES], [9; SLOT_BYTES]].concat()
        );
    });
}

#[test]
fn a_device_that_was_never_provisioned_refuses_writes() {
    with_each_storage(|storage| {
        storage.write_sealed(b"sealed").unwrap_err();
        storage.write_rpmb_slot(RpmbSlot::First, &FIRST).unwrap_err();

        assert!(storage.load().unwrap().is_none());
    });
}
