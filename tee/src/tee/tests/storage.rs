//! How the secure world reacts to storage that differs from what it wrote last.

use zeroize::Zeroizing;

use super::*;
use crate::error::DevicePart;
use crate::rpmb::Slot;
use crate::seal::StorageKeys;
use crate::storage::{ProvisionedDevice, RpmbSlot, SLOT_BYTES, StorageError};

/// A phone's storage after each of several changes, the oldest first. Each change increments the version by 1.
fn generations() -> (TestEnvironment, Vec<StoredDevice>) {
    let outside = TestEnvironment::new("trustonic");
    let mut tee = outside.open();
    let mut copies = vec![outside.stored()];
    for _ in 0..4 {
        tee.enroll(Mode::FingerPrint).unwrap();
        copies.push(outside.stored());
    }
    (outside, copies)
}

fn open_with(outside: &TestEnvironment, stored: StoredDevice) -> Result<Tee, OpenError> {
    outside.storage.memory().tamper(|contents| *contents = Some(stored));
    outside.try_open(None)
}

#[test]
fn only_a_state_as_old_as_its_rpmb_or_one_write_ahead_of_it_opens() {
    let (outside, copies) = generations();
    for (sealed_age, state) in copies.iter().enumerate() {
        for (rpmb_age, partition) in copies.iter().enumerate() {
            let mixed = StoredDevice { rpmb: partition.rpmb.clone(), ..state.clone() };
            let opened = open_with(&outside, mixed.clone());
            let versions = (u64::try_from(sealed_age).unwrap() + 1, u64::try_from(rpmb_age).unwrap() + 1);
            match opened {
                Ok(tee) => {
                    assert!(sealed_age == rpmb_age || sealed_age == rpmb_age + 1, "{versions:?}");
                    assert_eq!(tee.enrolments().len(), sealed_age + 1);
                }
                Err(OpenError::StorageRolledBack { storage, rpmb, .. }) => {
                    assert!(sealed_age < rpmb_age);
                    assert_eq!((storage, rpmb), versions);
                }
                Err(OpenError::RpmbRolledBack { storage, rpmb, .. }) => {
                    assert!(sealed_age > rpmb_age + 1);
                    assert_eq!((storage, rpmb), versions);
                }
                Err(other) => panic!("{versions:?}: {other}"),
            }
            let stored = outside.stored();
            assert_eq!(stored.sealed, mixed.sealed, "opening wrote the state");
            if sealed_age != rpmb_age + 1 {
                assert_eq!(stored.rpmb, mixed.rpmb, "opening wrote the RPMB without need");
            }
        }
    }
}

#[test]
fn no_older_state_opens_after_the_rpmb_has_caught_up() {
    let (outside, copies) = generations();
    let one_ahead = StoredDevice { rpmb: copies[2].rpmb.clone(), ..copies[3].clone() };
    open_with(&outside, one_ahead).unwrap();
    let caught_up = outside.stored();

    let rolled_back = StoredDevice { sealed: copies[2].sealed.clone(), ..caught_up };

    let error = open_with(&outside, rolled_back).unwrap_err();
    assert!(matches!(error, OpenError::StorageRolledBack { storage: 3, rpmb: 4, .. }), "{error}");
}

#[test]
fn the_higher_of_two_counter_limits_is_used() {
    let (outside, copies) = generations();
    let newest = copies.last().unwrap();
    let root_key = newest.root_key.clone().unwrap();
    let keys = StorageKeys::new(root_key.as_slice().try_into().unwrap(), "phone");
    let slot = Slot { sequence: 99, counter_limit: 4711, storage_version: 5 }.encode(&keys.rpmb);
    let rpmb = Some([slot, slot].concat());

    let mut tee = open_with(&outside, StoredDevice { rpmb, ..newest.clone() }).unwrap();
    tee.generate_app_secure_key(1).unwrap();

    assert_eq!(tee.last_counter(), 4712);
}

#[test]
fn a_part_of_the_wrong_size_is_named() {
    let (outside, copies) = generations();
    let intact = copies.last().unwrap();
    for root_key in wrong_sizes(intact.root_key.as_ref().unwrap()) {
        let root_key = Some(Zeroizing::new(root_key));
        let error = open_with(&outside, StoredDevice { root_key, ..intact.clone() }).unwrap_err();
        assert!(matches!(error, OpenError::Missing { part: DevicePart::RootKey, .. }), "{error}");
    }
    for rpmb in wrong_sizes(intact.rpmb.as_ref().unwrap()) {
        let error = open_with(&outside, StoredDevice { rpmb: Some(rpmb), ..intact.clone() }).unwrap_err();
        assert!(matches!(error, OpenError::RpmbDamaged { .. }), "{error}");
    }
    for sealed in wrong_sizes(intact.sealed.as_ref().unwrap()) {
        let error = open_with(&outside, StoredDevice { sealed: Some(sealed), ..intact.clone() }).unwrap_err();
        assert!(matches!(error, OpenError::NotAuthentic { .. }), "{error}");
    }
}

/// A phone whose storage works again after one write that fails.
struct FailsOnce(TestEnvironment);

impl FailsOnce {
    fn write(
        &mut self,
        write: impl FnOnce(&mut PowerCutStorage) -> Result<(), StorageError>,
    ) -> Result<(), StorageError> {
        let written = write(&mut self.0.storage);
        if written.is_err() {
            self.0.storage.restore_power();
        }
        written
    }
}

impl Storage for FailsOnce {
    fn load(&mut self) -> Result<Option<StoredDevice>, StorageError> {
        self.0.storage.load()
    }

    fn provision(&mut self, device: &ProvisionedDevice<'_>) -> Result<(), StorageError> {
        self.write(|storage| storage.provision(device))
    }

    fn write_sealed(&mut self, sealed: &[u8]) -> Result<(), StorageError> {
        self.write(|storage| storage.write_sealed(sealed))
    }

    fn write_rpmb_slot(&mut self, slot: RpmbSlot, bytes: &[u8; SLOT_BYTES]) -> Result<(), StorageError> {
        self.write(|storage| storage.write_rpmb_slot(slot, bytes))
    }
}

impl Environment for FailsOnce {
    fn random(&mut self, out: &mut [u8]) -> Result<(), RandomnessError> {
        self.0.random(out)
    }

    fn unix_millis(&self) -> u64 {
        self.0.unix_millis()
    }

    fn storage(&mut self) -> &mut dyn Storage {
        self
    }
}

#[test]
fn a_command_whose_write_fails_has_changed_nothing_also_in_storage() {
    for cut in [PowerCut::Before, PowerCut::After, PowerCut::Torn { prefix_bytes: 20 }] {
        for write in 1..=2 {
            let outside = TestEnvironment::new("trustonic");
            let mut tee = outside.open();
            tee.enroll(Mode::FingerPrint).unwrap();
            drop(tee);
            let identity = DeviceIdentity { name: "phone", profile: None, seed: None };
            let mut tee = Tee::open(Box::new(FailsOnce(outside.clone())), &identity).unwrap();
            let before = tee.enrolments().to_vec();
            outside.storage.cut_at(outside.storage.durable_writes() + write, cut);

            let error = tee.enroll(Mode::FingerPrint).unwrap_err();

            assert!(matches!(error, TeeError::Storage(_)), "{error}");
            assert_eq!(tee.enrolments(), before, "{cut:?} at write {write}");
            assert_eq!(outside.crashed().open().enrolments(), before, "{cut:?} at write {write}");
            tee.enroll(Mode::FingerPrint).unwrap();
            assert_eq!(outside.crashed().open().enrolments(), tee.enrolments());
        }
    }
}

/// No bytes, one byte less and one byte more.
fn wrong_sizes(part: &[u8]) -> [Vec<u8>; 3] {
    [vec![], part[1..].to_vec(), [part, &[0]].concat()]
}

#[test]
fn a_folder_under_another_name_does_not_open() {
    let (outside, _) = generations();
    let renamed = DeviceIdentity { name: "phone2", profile: None, seed: None };

    let error = Tee::open(Box::new(outside), &renamed).unwrap_err();

    assert!(matches!(error, OpenError::NotAuthentic { .. }), "{error}");
}
