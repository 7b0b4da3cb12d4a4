//! What the secure world makes of storage that is not as it left it.

use super::*;
use crate::rpmb::Slot;
use crate::seal::StorageKeys;

/// A phone's storage after each of some changes, the oldest first: one version more each time.
fn generations() -> (Outside, Vec<Flash>) {
    let outside = Outside::new("trustonic");
    let mut tee = outside.open();
    let copy = || outside.flash.lock().unwrap().clone().unwrap();
    let mut copies = vec![copy()];
    for _ in 0..4 {
        tee.enroll(Mode::FingerPrint).unwrap();
        copies.push(copy());
    }
    (outside, copies)
}

fn open_with(outside: &Outside, flash: Flash) -> Result<Tee, OpenError> {
    *outside.flash.lock().unwrap() = Some(flash);
    outside.try_open(None)
}

#[test]
fn only_a_state_as_old_as_its_rpmb_or_one_write_ahead_of_it_opens() {
    let (outside, copies) = generations();
    for (sealed_age, state) in copies.iter().enumerate() {
        for (rpmb_age, partition) in copies.iter().enumerate() {
            let mixed = Flash { rpmb: partition.rpmb.clone(), ..state.clone() };
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
            let stored = outside.flash.lock().unwrap().clone().unwrap();
            assert_eq!(stored.sealed, mixed.sealed, "opening wrote the state");
            if sealed_age != rpmb_age + 1 {
                assert_eq!(stored.rpmb, mixed.rpmb, "opening wrote the RPMB without need");
            }
        }
    }
}

#[test]
fn an_rpmb_that_has_caught_up_lets_no_older_state_open() {
    let (outside, copies) = generations();
    let one_ahead = Flash { rpmb: copies[2].rpmb.clone(), ..copies[3].clone() };
    open_with(&outside, one_ahead).unwrap();
    let caught_up = outside.flash.lock().unwrap().clone().unwrap();

    let rolled_back = Flash { sealed: copies[2].sealed.clone(), ..caught_up };

    let error = open_with(&outside, rolled_back).unwrap_err();
    assert!(matches!(error, OpenError::StorageRolledBack { storage: 3, rpmb: 4, .. }), "{error}");
}

#[test]
fn of_two_counter_limits_the_higher_one_counts() {
    let (outside, copies) = generations();
    let newest = copies.last().unwrap();
    let keys = StorageKeys::new(newest.root_key.as_slice().try_into().unwrap(), "phone");
    let slot = Slot { sequence: 99, counter_limit: 4711, storage_version: 5 }.encode(&keys.rpmb);
    let rpmb = [slot, slot].concat();

    let mut tee = open_with(&outside, Flash { rpmb, ..newest.clone() }).unwrap();
    tee.generate_app_secure_key(1).unwrap();

    assert_eq!(tee.last_counter(), 4712);
}

#[test]
fn a_part_of_the_wrong_size_is_named() {
    let (outside, copies) = generations();
    let intact = copies.last().unwrap();
    for root_key in [vec![], intact.root_key[1..].to_vec(), [intact.root_key.as_slice(), &[0]].concat()] {
        let error = open_with(&outside, Flash { root_key, ..intact.clone() }).unwrap_err();
        assert!(matches!(error, OpenError::Missing { part: "root key", .. }), "{error}");
    }
    for rpmb in [vec![], intact.rpmb[1..].to_vec(), [intact.rpmb.as_slice(), &[0]].concat()] {
        let error = open_with(&outside, Flash { rpmb, ..intact.clone() }).unwrap_err();
        assert!(matches!(error, OpenError::RpmbDamaged { .. }), "{error}");
    }
    let longer = [intact.sealed.as_slice(), &[0]].concat();
    for sealed in [vec![], intact.sealed[1..].to_vec(), longer] {
        let error = open_with(&outside, Flash { sealed, ..intact.clone() }).unwrap_err();
        assert!(matches!(error, OpenError::NotAuthentic { .. }), "{error}");
    }
}

#[test]
fn a_folder_under_another_name_does_not_open() {
    let (outside, _) = generations();
    let renamed = DeviceIdentity { name: "phone2", profile: None, seed: None };

    let error = Tee::open(Box::new(outside), &renamed).unwrap_err();

    assert!(matches!(error, OpenError::NotAuthentic { .. }), "{error}");
}
